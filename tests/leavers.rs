//! Access for its time: it ends with the employment, the contract and the application that it rests on.

use andmekogu::app::ActContext;
use serde_json::{Value, json};

use crate::harness::people::Office;
use crate::harness::{Client, Harness, Place, REGISTER, on_both_databases};

fn at(path: &str) -> String {
    format!("/registers/{REGISTER}/{path}")
}

/// A clerk who is an employee too.
struct Leaver {
    clerk: Client,
    office: Office,
    record: String,
}

fn employed_user(h: &Harness) -> Leaver {
    h.staff();
    let clerk = h.login("hr_clerk");
    let office = Office::found(&clerk, "Kuuse Kool");
    h.grant("administrator", "leaver", "hr_clerk", json!({}));
    let record = office.hire(&clerk, "Tamm", &h.personal_code("leaver")).id();
    Leaver { clerk, office, record }
}

impl Leaver {
    fn end(&self, on: &str) {
        let body = json!({ "ended_on": on, "ground": "by_employee", "base_document_ids": [self.office.document],
            "data": { "termination": { "legal_basis": "töölepingu seadus", "act": "TLS", "section": "85" } } });
        self.clerk.post(&at(&format!("records/employee/{}/end", self.record)), &body).expect(200);
    }
}

fn duty(h: &Harness) -> Value {
    let cases = h.login("administrator").get(&at("cases?kind=leaver")).expect(200);
    cases.body["items"].as_array().unwrap().first().cloned().unwrap_or_default()
}

#[test]
fn a_leavers_rights_end_on_the_next_working_day() {
    on_both_databases(|h| {
        let leaver = employed_user(&h);
        leaver.end("2026-12-23");
        let duty = duty(&h);
        assert_eq!(duty["deadline"]["due"], "2026-12-28", "24 to 27 December are days off");
        assert_eq!(duty["deadline"]["clause"], "§ 21 lg 2");
        assert_eq!(duty["state"], "open");

        // On the last day everything is as it was.
        h.set_clock("2026-12-23T21:59:00Z");
        let session = h.login("leaver");
        session.get(&at("records/employee")).expect(200);

        // From the day after there is no right and no login, whether the job has run or not.
        h.set_clock("2026-12-23T22:00:00Z");
        session.get(&at("records/employee")).expect(403);
        let refused =
            h.nobody().post("/sessions", &json!({ "username": "leaver", "password": crate::harness::PASSWORD }));
        assert_eq!(refused.status, 403, "{}", refused.text);
        assert_eq!(refused.body["clause"], "§ 21 lg 1");

        h.set_clock("2026-12-24T01:00:00Z");
        let job = ActContext::installation("job:leavers");
        assert_eq!(h.block_on(h.app.end_leavers(&job)).unwrap(), 1);
        assert_eq!(session.get("/me").status, 401, "live sessions die with the rights");
        let log = h.login("supervisor").get(&at("grant-log")).expect(200);
        let last = &log.body["items"][0];
        assert_eq!((last["act"].as_str(), last["ground"].as_str()), (Some("revoked"), Some("employment_ended")));
        assert_eq!(self::duty(&h)["state"], "closed");
        assert_eq!(h.block_on(h.app.end_leavers(&job)).unwrap(), 0, "what is done is done");
    });
}

#[test]
fn every_vector_of_the_next_working_day() {
    for (last_day, due) in [
        ("2026-01-30", "2026-02-02"),
        ("2026-02-23", "2026-02-25"),
        ("2026-04-02", "2026-04-06"),
        ("2026-06-22", "2026-06-25"),
        ("2026-12-23", "2026-12-28"),
    ] {
        let h = Harness::start(Place::sqlite());
        let leaver = employed_user(&h);
        leaver.end(last_day);
        assert_eq!(duty(&h)["deadline"]["due"], due, "{last_day}");
    }
}

#[test]
fn whoever_stays_after_all_keeps_their_rights() {
    on_both_databases(|h| {
        let leaver = employed_user(&h);
        leaver.end("2026-12-23");
        let path = at(&format!("records/employee/{}", leaver.record));
        let entries = leaver.clerk.get(&format!("{path}/entries")).expect(200);
        let end = entries.body["items"].as_array().unwrap().last().unwrap()["id"].clone();
        let correction = json!({ "entry_id": end, "reason": "Leping lõpeb hiljem.", "effective_on": "2027-03-31",
            "base_document_ids": [leaver.office.document], "data": { "termination": { "date": "2027-03-31" } } });
        leaver.clerk.post(&format!("{path}/corrections"), &correction).expect(201);
        h.set_clock("2026-12-28T08:00:00Z");
        h.login("leaver").get(&at("records/employee")).expect(200);
        let job = ActContext::installation("job:leavers");
        assert_eq!(h.block_on(h.app.end_leavers(&job)).unwrap(), 0);
        let cases = h.login("administrator").get(&at("cases?kind=leaver")).expect(200);
        let states: Vec<&str> =
            cases.body["items"].as_array().unwrap().iter().map(|c| c["state"].as_str().unwrap()).collect();
        assert_eq!(states, ["open", "closed"], "the duty of the first day is taken back, that of the new one stands");
        assert_eq!(cases.body["items"][0]["deadline"]["due"], "2027-04-01");
    });
}

#[test]
fn a_processors_access_lies_within_its_contract() {
    on_both_databases(|h| {
        h.staff();
        let register = h.app.register(REGISTER).unwrap();
        let contract = register.definition.register.processors.iter().find_map(|p| p.contract.clone()).unwrap();
        let before = contract.from.pred_opt().unwrap().to_string();
        let early =
            h.try_grant("controller", "helper", "processor", json!({ "from": before, "task": "andmete siire" }));
        assert!(early.has_fault("/from", "outside_contract"), "{}", early.text);
        let idle = h.try_grant("controller", "helper", "processor", json!({ "task": "  " }));
        assert!(idle.has_fault("/task", "required"), "{}", idle.text);
        h.grant("controller", "helper", "processor", json!({ "task": "andmete siire" }));
    });
}

#[test]
fn a_grant_refers_to_the_application_that_was_decided_for_it() {
    on_both_databases(|h| {
        h.staff();
        let controller = h.login("controller");
        let user = h.user("newcomer");
        let body = json!({ "subject": "Juurdepääs", "text": "Palun anda juurdepääs.",
            "details": { "wants": "grant", "user_id": user, "name": "Uus Töötaja", "role": "hr_clerk", "from": "2026-11-01" } });
        let wrong = json!({ "subject": "Juurdepääs", "text": "Palun.", "details": { "wants": "grant", "name": "Uus", "role": "emperor" } });
        let refused = controller.post(&at("access-applications"), &wrong).expect(422);
        assert!(refused.has_fault("/details/role", "not_in_codelist"), "{}", refused.text);
        let case = controller.post(&at("access-applications"), &body).expect(201).body;
        let with = |id: &Value| json!({ "application_id": id, "from": "2026-11-20" });
        let early = h.try_grant("administrator", "newcomer", "hr_clerk", with(&case["id"]));
        assert!(early.has_fault("/application_id", "not_found"), "not decided yet: {}", early.text);
        let decide = json!({ "act": "decide", "outcome": "granted", "text": "Vajalik tööülesanneteks." });
        controller.post(&at(&format!("cases/{}/steps", case["id"].as_str().unwrap())), &decide).expect(200);
        let other = h.try_grant("administrator", "somebody_else", "hr_clerk", with(&case["id"]));
        assert!(other.has_fault("/application_id", "not_found"), "for another person: {}", other.text);
        let grant = h.grant("administrator", "newcomer", "hr_clerk", with(&case["id"]));
        assert_eq!(grant["application_id"], case["id"]);
    });
}

#[test]
fn a_request_acts_in_one_role_at_a_time_and_the_log_says_which() {
    on_both_databases(|h| {
        h.staff();
        let clerk = h.login("hr_clerk");
        let schools = [Office::found(&clerk, "Kuuse Kool"), Office::found(&clerk, "Männi Kool")];
        let people = [
            schools[0].hire(&clerk, "Tamm", &crate::harness::people::code(1984, 7)).id(),
            schools[1].hire(&clerk, "Saar", &crate::harness::people::code(1985, 7)).id(),
        ];
        let grants: Vec<String> = schools
            .iter()
            .map(|s| {
                let more = json!({ "institution_id": s.institution });
                h.grant("administrator", "two_schools", "hr_clerk", more)["id"].as_str().unwrap().to_owned()
            })
            .collect();
        let user = h.login("two_schools");
        let listed = |client: &Client, query: &str| {
            let page = client.get(&at(&format!("records/employee{query}"))).expect(200);
            let items = page.body["items"].as_array().unwrap().clone();
            items.iter().map(|i| i["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(listed(&user, "").len(), 1, "a list is one act in one role");
        for n in 0..2 {
            let named = user.clone().with("X-Acting-As", &grants[n]);
            assert_eq!(listed(&named, ""), [people[n].clone()]);
            let place = format!("?institution_id={}", schools[n].institution);
            assert_eq!(listed(&user, &place), [people[n].clone()]);
            let other = at(&format!("records/employee/{}", people[1 - n]));
            named.get(&other).expect(404);
            user.get(&other).expect(200);
        }
        user.clone()
            .with("X-Acting-As", "00000000-0000-7000-8000-000000000000")
            .get(&at("records/employee"))
            .expect(403);
        user.clone().with("X-Acting-As", "mina").get(&at("records/employee")).expect(400);
        let log = h.login("supervisor").get(&at("audit?actor=two_schools&action=record.list")).expect(200);
        let acted: Vec<&str> =
            log.body["items"].as_array().unwrap().iter().filter_map(|e| e["grant_id"].as_str()).collect();
        assert!(acted.contains(&grants[0].as_str()) && acted.contains(&grants[1].as_str()), "{acted:?}");
    });
}

#[test]
fn the_list_of_rights_is_put_up_for_confirmation_on_its_day_and_once() {
    on_both_databases(|h| {
        h.staff();
        let job = ActContext::installation("job:recertification");
        let open = || h.block_on(h.app.open_recertifications(&job)).unwrap();
        assert_eq!(open(), 1);
        assert_eq!(open(), 0, "once for each day");
        h.set_clock("2028-01-03T08:00:00Z");
        assert_eq!(open(), 1, "after downtime the last day that was missed counts");
        let cases = h.login("controller").get(&at("cases?kind=recertification")).expect(200);
        let first = cases.body["items"].as_array().unwrap().last().unwrap();
        assert!(first["details"]["grants"].as_array().unwrap().len() >= 6);
        assert_eq!(first["overdue"], true, "unconfirmed rights are reported, not silently kept");
    });
}
