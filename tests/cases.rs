//! Cases: complaints, orders, incidents, notices, applications, each with its clock.

use serde_json::{Value, json};

use crate::harness::people::School;
use crate::harness::{Client, Harness, REGISTER, on_both_databases};

fn at(path: &str) -> String {
    format!("/registers/{REGISTER}/{path}")
}

fn complaint(by: &Client) -> Value {
    let body = json!({
        "subject": "Kaebus andmete töötlemise peale", "text": "Minu andmeid on vaadatud põhjuseta.",
        "from": { "name": "Kaja Kask", "kind": "person", "contact": "kaja.kask@post.example" },
        "received_on": "2026-01-31",
    });
    by.post(&at("complaints"), &body).expect(201).body
}

fn step(by: &Client, case: &Value, body: &Value) -> crate::harness::Answer {
    by.post(&at(&format!("cases/{}/steps", case["id"].as_str().unwrap())), body)
}

#[test]
fn a_complaint_has_one_month_and_needs_a_decision_and_a_notice() {
    on_both_databases(|h| {
        h.staff();
        let controller = h.login("controller");
        let case = complaint(&controller);
        // 31 January + 1 month is 28 February, a Saturday; Monday is 2 March.
        assert_eq!(case["deadline"]["nominal"], "2026-02-28");
        assert_eq!(case["deadline"]["due"], "2026-03-02");
        assert_eq!(case["deadline"]["moved_by"], "laupäev");
        assert_eq!(case["deadline"]["clause"], "§ 22 lg 2");
        assert_eq!(case["deadline"]["at"], "2026-03-02T22:00:00.000000Z", "24:00 in Tallinn");
        assert_eq!(case["overdue"], true);

        let closed = step(&controller, &case, &json!({ "act": "close" })).expect(409);
        assert_eq!(closed.body["clause"], "§ 22 lg 2");
        assert!(closed.text.contains("decide, notify"), "{}", closed.text);
        let extended = step(&controller, &case, &json!({ "act": "extend", "text": "keeruline" }));
        assert_eq!(extended.status, 422, "the statute provides no extension: {}", extended.text);
        let told = step(&controller, &case, &json!({ "act": "notify", "channel": "post", "text": "kiri" })).expect(409);
        assert_eq!(told.body["code"], "not_decided");

        let decide = json!({ "act": "decide", "outcome": "upheld", "text": "Päringul puudus põhjus." });
        let decided = step(&controller, &case, &decide).expect(200);
        assert_eq!(decided.body["decision"]["clause"], "§ 22 lg 2");
        assert!(!decided.body["decision"]["remedies"].as_str().unwrap_or_default().is_empty(), "{}", decided.text);
        assert_eq!(step(&controller, &case, &decide).expect(409).body["code"], "already_decided");
        let wrong = json!({ "act": "notify", "channel": "pigeon", "text": "tuvi" });
        assert!(step(&controller, &case, &wrong).expect(422).has_fault("/channel", "not_in_codelist"));
        step(&controller, &case, &json!({ "act": "notify", "channel": "email", "text": "teade" })).expect(200);
        let closed = step(&controller, &case, &json!({ "act": "close" })).expect(200);
        assert_eq!(closed.body["state"], "closed");
        assert_eq!(
            step(&controller, &case, &json!({ "act": "message", "text": "veel" })).expect(409).body["code"],
            "case_over"
        );

        let path = at(&format!("cases/{}", case["id"].as_str().unwrap()));
        let file = controller.get(&path).expect(200);
        let acts: Vec<&str> =
            file.body["history"].as_array().unwrap().iter().map(|s| s["act"].as_str().unwrap()).collect();
        assert_eq!(acts, ["open", "decide", "notify", "close"]);
        assert_eq!(file.body["history"][1]["made_by"], "controller");
    });
}

#[test]
fn the_clock_of_a_complaint_runs_over_christmas_and_the_end_of_summer_time() {
    let h = Harness::start(crate::harness::Place::sqlite());
    h.staff();
    let controller = h.login("controller");
    for (received, due, at_utc) in [
        ("2025-11-26", "2025-12-29", "2025-12-29T22:00:00.000000Z"),
        ("2026-03-05", "2026-04-06", "2026-04-06T21:00:00.000000Z"),
        ("2026-09-25", "2026-10-26", "2026-10-26T22:00:00.000000Z"),
        ("2026-05-24", "2026-06-25", "2026-06-25T21:00:00.000000Z"),
    ] {
        let body = json!({ "subject": "Kaebus", "text": "Kaeban.", "received_on": received,
            "from": { "name": "Kaja Kask", "contact": "Tänav 1" } });
        let case = controller.post(&at("complaints"), &body).expect(201).body;
        assert_eq!((case["deadline"]["due"].as_str(), case["deadline"]["at"].as_str()), (Some(due), Some(at_utc)));
    }
    let body = json!({ "subject": "Kaebus", "text": "Kaeban.", "received_on": "2026-11-21" });
    assert!(controller.post(&at("complaints"), &body).expect(422).has_fault("/received_on", "future"));
}

#[test]
fn requests_have_their_statutory_clocks() {
    on_both_databases(|h| {
        h.staff();
        let kinds = h.login("controller").get(&format!("/registers/{REGISTER}")).expect(200);
        let case = |name: &str| {
            let list = kinds.body["cases"].as_array().unwrap().clone();
            list.into_iter().find(|c| c["name"] == name).unwrap_or_else(|| panic!("no case kind {name}"))
        };
        assert_eq!(case("information_request")["term"], "5 working days");
        assert_eq!(case("information_request")["extension"]["term"], "15 working days");
        assert_eq!(case("data_subject_request")["term"], "P1M");
        assert_eq!(case("data_subject_request")["extension"]["term"], "P3M");
        assert_eq!(case("complaint")["term"], "P1M");
        assert!(case("complaint").get("extension").is_none_or(Value::is_null));
    });
}

#[test]
fn an_incident_tells_three_parties_at_once() {
    on_both_databases(|h| {
        h.staff();
        let clerk = h.login("hr_clerk");
        let body = json!({ "subject": "Võõras päring", "text": "Logis on päring, mida keegi ei tea." });
        let case = clerk.post(&at("incidents"), &body).expect(201).body;
        let letters = "SELECT COUNT(*) FROM outbox WHERE letter = 'incident' AND state = 'queued'";
        assert_eq!(h.place.count(letters), 3, "controller, information security, processor (§ 6 lg 5 p 5)");
        assert_eq!(h.place.count("SELECT COUNT(DISTINCT address) FROM outbox"), 3);
        // Nothing of what was reported stands in a letter.
        assert_eq!(h.place.count("SELECT COUNT(*) FROM outbox WHERE words LIKE '%keegi ei tea%'"), 0);
        let seen = h.login("controller").get(&at(&format!("cases/{}", case["id"].as_str().unwrap()))).expect(200);
        assert_eq!(seen.body["text"], "Logis on päring, mida keegi ei tea.");
    });
}

#[test]
fn an_order_goes_to_the_processor_with_its_day() {
    on_both_databases(|h| {
        h.staff();
        let controller = h.login("controller");
        let mut body = json!({ "subject": "Ettekirjutus", "text": "Parandada varundamine." });
        assert!(controller.post(&at("prescriptions"), &body).expect(422).has_fault("/due_on", "required"));
        body["due_on"] = json!("2026-12-15");
        let case = controller.post(&at("prescriptions"), &body).expect(201).body;
        assert_eq!(case["deadline"]["due"], "2026-12-15");
        assert_eq!(case["deadline"]["clause"], "§ 22 lg 3");
        let close = json!({ "act": "close" });
        assert!(step(&controller, &case, &close).expect(409).text.contains("forward, verify"));
        let sent =
            step(&controller, &case, &json!({ "act": "forward", "text": "Palun kõrvaldada puudused." })).expect(200);
        assert_eq!(sent.body["state"], "forwarded");
        assert_eq!(h.place.count("SELECT COUNT(*) FROM outbox WHERE letter = 'prescription-forwarded'"), 1);
        step(&controller, &case, &json!({ "act": "verify", "text": "Kontrollitud." })).expect(200);
        step(&controller, &case, &close).expect(200);
    });
}

#[test]
fn an_own_notice_changes_no_record() {
    on_both_databases(|h| {
        h.staff();
        // The user's own code, so that the record is about them.
        let me = h.user("data_subject");
        let own = h.login("data_subject").get("/me").expect(200);
        assert_eq!(own.body["id"], me.to_string());
        let clerk = h.login("hr_clerk");
        let office = crate::harness::people::Office::found(&clerk, "Kuuse Kool");
        let code = h.personal_code("data_subject");
        let record = office.hire(&clerk, "Tamm", &code);
        let path = at(&format!("records/employee/{}", record.id()));
        let subject = h.login("data_subject");
        let body = json!({ "kind": "subject_notice", "record_id": record.id(), "fields": ["last_name"],
            "subject": "Uus perekonnanimi", "text": "Minu perekonnanimi on nüüd Lepp." });
        let case = subject.post(&at("cases"), &body).expect(201).body;
        assert_eq!(clerk.get(&path).expect(200).body["version"], 1, "a notice is a task, not an entry");
        assert_eq!(clerk.get(&path).expect(200).body["data"]["last_name"], "Tamm");
        let listed = subject.get(&at("cases?mine=true")).expect(200);
        assert_eq!(listed.body["items"][0]["id"], case["id"]);
        let wrong = json!({ "kind": "subject_notice", "record_id": record.id(), "fields": ["soul"],
            "subject": "x", "text": " " });
        let faults = subject.post(&at("cases"), &wrong).expect(422);
        assert!(faults.has_fault("/fields/0", "unknown_field"), "{}", faults.text);
        // Somebody else's record does not exist for them.
        let other = office.hire(&clerk, "Saar", &crate::harness::people::code(1990, 3));
        let foreign = json!({ "kind": "subject_notice", "record_id": other.id(), "subject": "x", "text": "y" });
        let refused = subject.post(&at("cases"), &foreign);
        assert!([403, 422].contains(&refused.status), "{}", refused.text);
        assert!(!refused.text.contains("Saar"));
    });
}

#[test]
fn who_may_not_read_a_case_does_not_learn_of_it() {
    on_both_databases(|h| {
        h.staff();
        let controller = h.login("controller");
        let case = complaint(&controller);
        h.user("stranger");
        let stranger = h.login("stranger");
        let path = at(&format!("cases/{}", case["id"].as_str().unwrap()));
        stranger.get(&path).expect(404);
        assert_eq!(step(&stranger, &case, &json!({ "act": "message", "text": "tere" })).status, 404);
        assert_eq!(stranger.get(&at("cases")).expect(200).body["items"], json!([]));
        assert_eq!(
            controller.get(&at("complaints?overdue=true")).expect(200).body["items"].as_array().unwrap().len(),
            1
        );
        let clerk = h.login("hr_clerk");
        let refused = step(&clerk, &case, &json!({ "act": "decide", "outcome": "upheld", "text": "jah" }));
        assert!([403, 404].contains(&refused.status), "a clerk decides no complaint: {}", refused.text);
    });
}

#[test]
fn two_deciders_at_once_make_one_decision() {
    on_both_databases(|h| {
        h.staff();
        let case = complaint(&h.login("controller"));
        let clients: Vec<_> = (0..8).map(|_| h.login("controller")).collect();
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let threads: Vec<_> = clients
                .iter()
                .map(|client| {
                    scope.spawn(|| {
                        let decide = json!({ "act": "decide", "outcome": "dismissed", "text": "Põhjendamata." });
                        step(client, &case, &decide).status
                    })
                })
                .collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        assert_eq!(statuses.iter().filter(|s| **s == 200).count(), 1, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|s| **s == 409).count(), 7, "{statuses:?}");
    });
}

#[test]
fn a_case_opened_twice_with_one_key_is_one_case() {
    let school = School::open(Harness::start(crate::harness::Place::sqlite()));
    let clerk = school.h.login("hr_clerk").with("Idempotency-Key", "teade-1");
    let body =
        json!({ "record_id": school.employee, "fields": ["last_name"], "subject": "Viga", "text": "Kirjaviga." });
    let first = clerk.post(&at("error-notices"), &body).expect(201);
    let second = clerk.post(&at("error-notices"), &body).expect(201);
    assert_eq!(first.id(), second.id());
    assert_eq!(school.h.place.count("SELECT COUNT(*) FROM case_file"), 1);
}

#[test]
fn an_instruction_is_acknowledged_before_it_is_closed() {
    on_both_databases(|h| {
        h.staff();
        h.grant("controller", "helper", "processor", json!({ "task": "majutus" }));
        let controller = h.login("controller");
        let body = json!({ "kind": "instruction", "subject": "Juhis", "text": "Logisid hoida eraldi masinas." });
        let case = controller.post(&at("instructions"), &body).expect(201).body;
        let close = json!({ "act": "close" });
        assert_eq!(step(&controller, &case, &close).expect(409).body["clause"], "§ 7 lg 2");
        let helper = h.login("helper");
        assert_eq!(step(&helper, &case, &close).status, 403, "the processor does not close its own instruction");
        let seen = helper.get(&at("instructions")).expect(200);
        assert_eq!(seen.body["items"][0]["text"], "Logisid hoida eraldi masinas.");
        step(&helper, &case, &json!({ "act": "acknowledge" })).expect(200);
        step(&controller, &case, &close).expect(200);
        assert_eq!(h.place.count("SELECT COUNT(*) FROM outbox WHERE letter = 'case-opened'"), 1);
    });
}

#[test]
fn what_the_processor_did_in_a_period_can_be_read() {
    let school = School::open(Harness::start(crate::harness::Place::sqlite()));
    school.h.grant("controller", "helper", "processor", json!({ "task": "andmete siire" }));
    school.h.login("helper").get(&school.path()).expect(200);
    let controller = school.h.login("controller");
    let done = controller.get(&at("audit?role=processor&from=2026-11-20&to=2026-11-20")).expect(200);
    let items = done.body["items"].as_array().unwrap();
    assert!(items.iter().any(|e| e["action"] == "record.read" && e["actor"]["name"] == "helper"), "{}", done.text);
    assert!(items.iter().all(|e| e["role"] == "processor"), "{}", done.text);
    let before = controller.get(&at("audit?role=processor&from=2026-11-18&to=2026-11-19")).expect(200);
    assert_eq!(before.body["items"], json!([]));
}
