//! Supervision: who could see, who did and who received; signals, reviews, and what people see of it themselves.

use andmekogu::domain::case::{NewCase, Step};
use andmekogu::domain::statute::Definition;
use andmekogu::domain::statute::procedures::{CaseKind, Procedure, StepKind};
use andmekogu::store::ActContext;
use andmekogu::store::guard::CaseHandle;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::people::{School, code};
use crate::harness::{Answer, Client, Harness, Place, REGISTER, on_both_databases, shipped};

fn path(rest: &str) -> String {
    format!("/registers/{REGISTER}/{rest}")
}

/// Names of those who could see, by what they could see it.
fn could(report: &Value) -> Vec<(String, String)> {
    let mut names: Vec<_> = report["could"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| (c["username"].as_str().unwrap_or("-").to_owned(), c["as"].as_str().unwrap().to_owned()))
        .collect();
    names.sort();
    names
}

fn could_names(report: &Value) -> Vec<String> {
    could(report).into_iter().map(|(name, _)| name).collect()
}

/// A ledger entry as a release makes it.
fn disclosed(s: &School, id: &str, micros: i64) {
    let audit = format!("(SELECT MIN(id) FROM audit_event WHERE register = '{REGISTER}')");
    let body = r#"{"recipient":"Statistikaamet","purpose":"palgastatistika"}"#;
    s.h.place
        .sql(&format!(
            "INSERT INTO disclosure (register, id, released_at, channel, recipient_code, record_type, digest, body, \
             audit_id) VALUES ('{REGISTER}', '{id}', {micros}, 'download', '70000332', 'employee', 'abc', '{body}', \
             {audit}); INSERT INTO disclosure_subject (register, record_id, disclosure_id) VALUES ('{REGISTER}', \
             '{}', '{id}')",
            s.employee
        ))
        .unwrap();
}

/// An id of a moment, as the program makes them.
fn id_at(text: &str) -> (String, i64) {
    let at = text.parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp_micros();
    (andmekogu::clock::uuid_at(at, [7; 8]).to_string(), at)
}

/// A school in which `somebody` is both a user and an employee.
fn school_with_a_subject(h: Harness) -> (School, String) {
    let s = School::open(h);
    let user = s.h.user("somebody");
    let own = s.h.place.text(&format!("SELECT personal_code FROM app_user WHERE id = '{user}'"));
    let record = s.office.hire(&s.clerk, "Kasutaja", &own).id();
    (s, record)
}

fn read_by(s: &School, who: &str, record: &str, purpose: &str) {
    let clerk = s.h.login(who).with("X-Purpose", purpose);
    clerk.get(&path(&format!("records/employee/{record}"))).expect(200);
}

#[test]
fn the_access_report_says_who_could_who_did_and_who_received() {
    on_both_databases(|h| {
        let (s, record) = school_with_a_subject(h);
        s.school_clerk();
        s.h.set_clock("2026-11-20T11:00:00Z");
        read_by(&s, "hr_clerk", &s.employee, "puhkuse arvestus");
        let (id, micros) = id_at("2026-11-20T11:30:00Z");
        disclosed(&s, &id, micros);
        s.h.set_clock("2026-11-20T12:00:00Z");
        let supervisor = s.h.login("supervisor");
        let ask = |query: &str| supervisor.get(&path(&format!("access-report?{query}"))).expect(200).body;

        let report = ask(&format!("subject={}", s.personal_code));
        assert_eq!(report["records"][0]["id"], json!(s.employee));
        assert_eq!(
            could_names(&report),
            ["administrator", "controller", "hr_clerk", "hr_clerk_school", "supervisor"],
            "neither the IT manager nor the secretary: {report}"
        );
        let by = |name: &str| {
            let list = report["could"].as_array().unwrap();
            list.iter().find(|c| c["username"] == name).unwrap_or_else(|| panic!("{name}")).clone()
        };
        let school = by("hr_clerk_school");
        assert_eq!(school["role"], "hr_clerk");
        assert_eq!(school["institution_id"], json!(s.office.institution));
        assert_eq!(school["basis"]["reference"], "ametijuhend 2/2026");
        let sections: Vec<_> = school["sections"].as_array().unwrap().iter().map(|s| s["section"].clone()).collect();
        assert!(sections.contains(&json!("contact")) && !sections.contains(&json!("pay")), "{sections:?}");
        assert_eq!(school["sections"][0]["clause"], "§ 20 lg 2 p 2");
        assert_eq!(school["sections"][0]["policy"], "hr-clerk-given-parts");
        assert!(by("hr_clerk")["sections"].as_array().unwrap().iter().any(|s| s["section"] == "pay"));

        let did = report["did"].as_array().unwrap();
        assert_eq!(did[0]["action"], "record.read");
        assert_eq!((&did[0]["actor"], &did[0]["purpose"]), (&json!("hr_clerk"), &json!("puhkuse arvestus")));
        assert_eq!(did.last().unwrap()["action"], "record.create");
        assert_eq!(report["did_total"], json!(did.len()));
        assert_eq!(report["received"][0]["recipient_code"], "70000332");
        assert_eq!(report["received"][0]["ledger"]["purpose"], "palgastatistika");

        // Everything up to the instant, and nothing after it.
        let earlier = ask(&format!("record_id={}&at=2026-11-20T10:59:00Z", s.employee));
        assert!(earlier["did"].as_array().unwrap().iter().all(|d| d["purpose"] != "puhkuse arvestus"));
        assert_eq!((&earlier["received"], &earlier["received_total"]), (&json!([]), &json!(0)));
        let unborn = ask(&format!("record_id={}&at=2026-11-19T10:00:00Z", s.employee));
        assert_eq!((&unborn["could"], &unborn["records"][0]["status"]), (&json!([]), &json!("none")));

        // A page at a time, with nothing lost between two.
        let first = ask(&format!("record_id={}&at=2026-11-20T11:59:00Z&limit=1", s.employee));
        let cursor = first["next_cursor"].as_str().unwrap();
        let second = ask(&format!("record_id={}&at=2026-11-20T11:59:00Z&limit=1&cursor={cursor}", s.employee));
        // Its place in the tree may have come between the two answers.
        assert_eq!((&first["did"][0]["id"], &second["did_total"]), (&did[0]["id"], &first["did_total"]));
        assert_ne!(first["did"][0]["id"], second["did"][0]["id"]);

        // The one whom the record is about could see it without any grant.
        let own = ask(&format!("record_id={record}"));
        let mine = own["could"].as_array().unwrap().iter().find(|c| c["as"] == "subject").unwrap();
        assert_eq!((&mine["username"], &mine["role"]), (&json!("somebody"), &json!("data_subject")));
        assert_eq!(mine["sections"][0]["clause"], "§ 18 lg 2 p 1");

        let log = supervisor.get(&path("audit?action=access.report")).expect(200).body;
        assert_eq!(log["items"][0]["record_ids"], json!([record]), "asking is itself logged");
    });
}

#[test]
fn an_access_that_has_ended_is_shown_before_its_end_and_not_after() {
    on_both_databases(|h| {
        let s = School::open(h);
        s.h.set_clock("2026-11-20T11:00:00Z");
        let brief = s.h.grant("administrator", "brief", "hr_clerk", json!({ "until": "2026-11-22" }));
        let ended = s.h.grant("administrator", "ended", "hr_clerk", json!({}));
        s.h.grant("administrator", "leaver", "hr_clerk", json!({}));
        s.h.set_clock("2026-11-21T11:00:00Z");
        let administrator = s.h.login("administrator");
        let end = json!({ "ground": "repeated_breach", "explanation": "andmeid vaadati ilma eesmärgita" });
        administrator.post(&path(&format!("grants/{}/revocation", ended["id"].as_str().unwrap())), &end).expect(200);
        // What is widened afterwards does not change what was possible before.
        let longer = json!({ "until": "2026-12-31" });
        s.h.set_clock("2026-11-25T11:00:00Z");
        s.h.login("administrator")
            .patch(&path(&format!("grants/{}", brief["id"].as_str().unwrap())), 1, &longer)
            .expect(200);
        let (noted, at) = id_at("2026-11-21T12:00:00Z");
        s.h.place
            .sql(&format!(
                "INSERT INTO leaver_log (register, id, user_id, last_day, recorded_at, audit_id) VALUES ('{REGISTER}', \
                 '{noted}', '{}', '2026-11-23', {at}, (SELECT MIN(id) FROM audit_event WHERE register = '{REGISTER}'))",
                s.h.user("leaver")
            ))
            .unwrap();
        let supervisor = s.h.login("supervisor");
        let could = |at: &str| {
            let report = supervisor.get(&path(&format!("access-report?record_id={}&at={at}", s.employee))).expect(200);
            let names = could_names(&report.body);
            ["brief", "ended", "leaver"].map(|n| names.iter().any(|c| c == n))
        };
        assert_eq!(could("2026-11-20T10:59:00Z"), [false, false, false], "before they were granted");
        assert_eq!(could("2026-11-20T11:30:00Z"), [true, true, true]);
        assert_eq!(could("2026-11-21T10:59:59Z"), [true, true, true], "until the moment of its ending");
        assert_eq!(could("2026-11-21T11:00:01Z"), [true, false, true]);
        assert_eq!(could("2026-11-22T21:00:00Z"), [true, false, true], "23:00 of its last day");
        assert_eq!(could("2026-11-22T22:30:00Z"), [false, false, true], "half past midnight of the day after");
        assert_eq!(could("2026-11-23T23:00:00Z"), [false, false, false], "the day after the last day of employment");
        assert_eq!(could("2026-11-25T12:00:00Z"), [true, false, false], "as it was changed");
    });
}

#[test]
fn who_may_not_supervise_is_refused_with_the_clause_and_the_unknown_is_not_found() {
    on_both_databases(|h| {
        let s = School::open(h);
        for rest in ["access-report?record_id={}", "audit/signals?from=2026-11-20&to=2026-11-20", "audit/reviews"] {
            let refused = s.clerk.get(&path(&rest.replace("{}", &s.employee))).expect(403);
            assert_eq!(refused.body["clause"], "§ 20 lg 1", "{rest}");
        }
        let supervisor = s.h.login("supervisor");
        for unknown in ["subject=37001010021", "record_id=0192e4a0-0000-7000-8000-000000000000"] {
            supervisor.get(&path(&format!("access-report?{unknown}"))).expect(404);
        }
        let denied = supervisor.get(&path("audit?action=access.report&decision=denied")).expect(200).body;
        assert_eq!(denied["items"].as_array().unwrap().len(), 3, "each attempt is logged: {denied}");
        assert!(!denied.to_string().contains("37001010021"), "whom somebody asked for is not spelled out in the log");
        let unnamed = supervisor.get(&path("access-report")).expect(400);
        assert!(unnamed.has_fault("/subject", "required"), "{}", unnamed.text);
        supervisor.get(&path("access-report?at=yesterday&subject=x")).expect(400);
    });
}

#[test]
fn the_log_is_searched_for_a_purpose_a_window_at_a_time() {
    on_both_databases(|h| {
        let s = School::open(h);
        read_by(&s, "hr_clerk", &s.employee, "puhkuse arvestus");
        s.clerk.get(&s.path()).expect(200);
        let supervisor = s.h.login("supervisor");
        let found = |query: &str| supervisor.get(&path(&format!("audit?{query}"))).expect(200).body;
        let with = found("purpose=puhkuse+arvestus");
        assert_eq!(with["items"].as_array().unwrap().len(), 1, "{with}");
        assert!(with["scanned"].as_u64().unwrap() > 1 && with["next_cursor"].is_null(), "all of it was looked through");
        let without = found("purpose=none&action=record.read");
        assert_eq!(without["items"].as_array().unwrap().len(), 1, "{without}");
        assert!(
            found("purpose=none&role=hr_clerk")["items"].as_array().unwrap().iter().all(|e| e["role"] == "hr_clerk")
        );
        let first = found("role=hr_clerk&limit=1");
        let next = found(&format!("role=hr_clerk&limit=1&cursor={}", first["next_cursor"].as_str().unwrap()));
        assert_ne!(first["items"][0]["id"], next["items"][0]["id"]);
        assert!(found("action=record.read").get("scanned").is_none(), "what stands in an index needs no window");
    });
}

#[test]
fn kept_queries_are_ones_own() {
    on_both_databases(|h| {
        let s = School::open(h);
        let (supervisor, controller) = (s.h.login("supervisor"), s.h.login("controller"));
        let body = json!({ "name": "öised vaatamised", "query": { "action": "record.read", "purpose": "none" } });
        let keep = |c: &Client| c.with("Idempotency-Key", "kept-1").post(&path("audit/queries"), &body);
        let kept = keep(&supervisor).expect(201);
        assert_eq!(keep(&supervisor).expect(201).id(), kept.id(), "the same key replays the first answer");
        assert_eq!(supervisor.post(&path("audit/queries"), &body).expect(409).body["code"], "name_taken");
        let listed = |c: &Client| c.get(&path("audit/queries")).expect(200).body["items"].clone();
        assert_eq!(listed(&supervisor)[0]["query"], body["query"]);
        assert_eq!(listed(&controller), json!([]), "another supervisor does not see it");
        let one = path(&format!("audit/queries/{}", kept.id()));
        let delete = |c: &Client| c.send("DELETE", &one, None, "application/json");
        delete(&controller).expect(404);
        delete(&supervisor).expect(204);
        delete(&supervisor).expect(404);
        assert_eq!(listed(&supervisor), json!([]));
        let wrong = supervisor.post(&path("audit/queries"), &json!({ "name": " ", "query": { "colour": "red" } }));
        assert!(wrong.has_fault("/query/colour", "unknown_field"), "{}", wrong.text);
        let log = supervisor.get(&path("audit?action=audit.query.keep")).expect(200);
        assert!(!log.text.contains("vaatamised"), "what a supervisor looks for is not in the log");
    });
}

#[test]
fn a_sample_can_be_drawn_again_and_its_review_is_signed_and_logged() {
    on_both_databases(|h| {
        let s = School::open(h);
        s.h.integrated();
        s.h.set_clock("2026-11-21T08:00:00Z");
        let supervisor = s.h.login("supervisor");
        let draw = |more: &str| {
            supervisor.get(&path(&format!("audit/sample?from=2026-11-20&to=2026-11-20&n=3{more}"))).expect(200).body
        };
        let sample = draw("");
        let seed = sample["seed"].as_str().unwrap();
        assert_eq!(sample["items"].as_array().unwrap().len(), 3);
        assert_eq!(draw(&format!("&seed={seed}"))["items"], sample["items"], "whoever has the seed draws the same");
        supervisor.get(&path("audit/sample?from=2026-11-20&to=2026-11-20&n=501")).expect(400);
        supervisor.get(&path("audit/sample?from=2026-11-20&to=2026-11-20&seed=xyz")).expect(400);

        let ids: Vec<_> = sample["items"].as_array().unwrap().iter().map(|e| e["id"].clone()).collect();
        let review = json!({
            "from": sample["from"], "to": sample["to"], "seed": seed, "sample": ids, "verdict": "in_order",
            "note": "eesmärgid vastavad tööülesannetele",
        });
        let sign = |change: Value| -> Answer {
            let mut body = review.clone();
            for (key, value) in change.as_object().unwrap() {
                body[key] = value.clone();
            }
            supervisor.post(&path("audit/reviews"), &body)
        };
        let signed = sign(json!({})).expect(201);
        assert_eq!(signed.body["signed_by"], "supervisor");
        assert_eq!(signed.body["sample"], json!(ids));
        let strange = sign(json!({ "sample": [Uuid::nil()] })).expect(422);
        assert!(strange.has_fault("/sample/0", "not_found"), "{}", strange.text);
        assert!(sign(json!({ "sample": [] })).has_fault("/sample", "items"));
        assert!(sign(json!({ "verdict": "findings", "note": " " })).has_fault("/note", "required"));
        assert!(sign(json!({ "verdict": "fine" })).has_fault("/verdict", "not_in_codelist"));
        assert!(sign(json!({ "to": sample["from"] })).has_fault("/to", "order"));
        let list = s.h.login("controller").get(&path("audit/reviews")).expect(200).body;
        assert_eq!(list["items"].as_array().unwrap().len(), 1);
        assert_eq!(list["items"][0]["id"], json!(signed.id()));
        let log = supervisor.get(&path("audit?action=audit.review")).expect(200).body;
        assert_eq!(log["items"][0]["id"], signed.body["audit_id"]);
        assert_eq!(log["items"][0]["actor"]["name"], "supervisor");
        let drawn = supervisor.get(&path("audit?action=audit.sample")).expect(200).body;
        assert!(drawn["items"].as_array().unwrap().len() >= 2, "drawing is logged too");
        let gone = s.h.place.sql("DELETE FROM review");
        assert!(gone.is_err() || !s.h.place.url.is_sqlite(), "what is signed stays");
    });
}

#[test]
fn signals_name_a_lookup_at_night_and_a_burst_with_the_evidence() {
    on_both_databases(|h| {
        let s = School::open(h);
        for n in 1..5 {
            s.office.hire(&s.clerk, "Kask", &code(1980 + i32::from(n), n));
        }
        s.h.grant("administrator", "tamm", "hr_clerk", json!({}));
        s.h.set_clock("2026-11-23T09:00:00Z");
        read_by(&s, "tamm", &s.employee, "puhkuse arvestus");
        // Half past one at night in the register's own zone.
        s.h.set_clock("2026-11-23T23:30:00Z");
        read_by(&s, "hr_clerk", &s.employee, "puhkuse arvestus");
        s.h.set_clock("2026-11-24T09:00:00Z");
        let clerk = s.h.login("hr_clerk");
        for _ in 0..21 {
            clerk.with("X-Purpose", "aastaaruanne").get(&path("records/employee")).expect(200);
        }
        let supervisor = s.h.login("supervisor");
        let signals = supervisor.get(&path("audit/signals?from=2026-11-23&to=2026-11-24")).expect(200).body;
        let of = |kind: &str| {
            let list = signals["items"].as_array().unwrap();
            list.iter().find(|i| i["kind"] == kind).unwrap_or_else(|| panic!("{kind} in {signals}")).clone()
        };
        let night = of("outside_hours");
        assert_eq!((&night["username"], &night["count"]), (&json!("hr_clerk"), &json!(1)));
        let evidence = supervisor.get(&path("audit?from=2026-11-23T23:00:00Z&action=record.read")).expect(200).body;
        assert_eq!(night["events"], json!([evidence["items"][0]["id"]]), "the entries to look at");
        let burst = of("burst");
        assert_eq!((&burst["records"], &burst["count"]), (&json!(105), &json!(21)));
        assert_eq!(of("same_surname")["username"], "tamm");
        assert!(signals["items"].as_array().unwrap().iter().all(|i| i["kind"] != "no_purpose"));
        assert!(!signals.to_string().contains(&s.personal_code), "whose record it was is for the log to say");
        let logged = supervisor.get(&path("audit?action=audit.signals")).expect(200).body;
        assert_eq!(logged["items"][0]["actor"]["name"], "supervisor");
        for wrong in ["from=2026-10-01&to=2026-11-24", "from=2026-11-24&to=2026-11-23"] {
            assert_eq!(supervisor.get(&path(&format!("audit/signals?{wrong}"))).status, 422, "{wrong}");
        }
        supervisor.get(&path("audit/signals?from=2026-11-24")).expect(400);
    });
}

#[test]
fn people_see_in_what_role_and_for_what_their_data_were_read_but_not_by_whom() {
    on_both_databases(|h| {
        let (s, record) = school_with_a_subject(h);
        s.h.set_clock("2026-11-20T11:00:00Z");
        read_by(&s, "hr_clerk", &record, "puhkuse arvestus");
        let me = s.h.login("somebody");
        me.get(&path(&format!("records/employee/{record}"))).expect(200);
        let seen = me.get("/me/accesses").expect(200);
        let items = seen.body["items"].as_array().unwrap();
        assert_eq!((&items[0]["own"], &items[0]["role"]), (&json!(true), &json!("data_subject")));
        let other = &items[1];
        assert_eq!((&other["own"], &other["role"]), (&json!(false), &json!("hr_clerk")));
        assert_eq!((&other["action"], &other["purpose"]), (&json!("record.read"), &json!("puhkuse arvestus")));
        assert_eq!(
            (&other["clause"], &other["institution_id"]),
            (&json!("§ 20 lg 2 p 2"), &json!(s.office.institution))
        );
        assert_eq!(items.last().unwrap()["action"], "record.create");
        let clerk = s.h.user("hr_clerk").to_string();
        assert!(!seen.text.contains(&clerk) && !seen.text.contains("\"actor\""), "not the employee: {}", seen.text);
        let page = me.get("/me/accesses?limit=1").expect(200).body;
        let next = page["next_cursor"].as_str().unwrap();
        let page = me.get(&format!("/me/accesses?limit=1&cursor={next}")).expect(200).body;
        assert_eq!(page["items"][0]["id"], other["id"]);
        assert_eq!(
            s.h.login("hr_clerk").get("/me/accesses").expect(200).body["items"],
            json!([]),
            "nothing about them"
        );
        s.h.nobody().get("/me/accesses").expect(401);
        let logged = s.h.export("installation");
        assert!(logged.iter().any(|l| l["event"]["action"] == "me.accesses"), "looking is logged");
    });
}

/// The shipped registers, with a kind of case that hides what supervisors do while it is open.
fn with_an_investigation() -> Vec<Definition> {
    let mut all = shipped();
    let persona = all.iter_mut().find(|d| d.register.short_name == REGISTER).unwrap();
    let kind: CaseKind = serde_json::from_value(json!({
        "name": "looked_into", "label": { "et": "uurimine" }, "clause": "§ 22 lg 1", "procedure": "investigation",
        "about": "record", "hides": ["supervisor"],
    }))
    .unwrap();
    assert_eq!(kind.procedure, Procedure::Investigation);
    persona.cases.push(kind);
    persona.policies.push_str(
        "\n@id(\"test-looks-into\") @clause(\"§ 22 lg 1\") permit (principal in Role::\"controller\", action in \
         Action::\"procedure\", resource == Case::\"looked_into\");\n",
    );
    all
}

#[test]
fn an_investigation_postpones_what_its_subject_sees_until_it_is_closed() {
    let scenario = |h: Harness| {
        let (s, record) = school_with_a_subject(h);
        s.h.set_clock("2026-11-20T11:00:00Z");
        read_by(&s, "supervisor", &record, "enne uurimist");
        s.h.set_clock("2026-11-20T12:00:00Z");
        let controller = s.h.user("controller");
        let new = NewCase {
            kind: "looked_into".into(),
            record_id: Some(record.parse().unwrap()),
            subject: "uurimine".into(),
            text: "kahtlus".into(),
            ..NewCase::default()
        };
        let opened = s.h.block_on(s.h.app.store.write(ActContext::user(controller), move |tx| {
            let permit = tx.authorize_case_open(REGISTER, "looked_into", None, new.record_id)?;
            tx.case_open(permit, &new)
        }));
        let case = opened.unwrap().get().case.id;
        s.h.set_clock("2026-11-20T13:00:00Z");
        read_by(&s, "supervisor", &record, "uurimise ajal");
        read_by(&s, "hr_clerk", &record, "tavaline töö");
        let seen = || {
            let list = s.h.login("somebody").get("/me/accesses").expect(200);
            ["enne uurimist", "uurimise ajal", "tavaline töö", "case.open"].map(|w| list.text.contains(w))
        };
        assert_eq!(seen(), [true, false, true, false], "neither what is hidden nor the case itself shows");
        s.h.set_clock("2026-11-20T14:00:00Z");
        let closed = s.h.block_on(s.h.app.store.write(ActContext::user(controller), move |tx| {
            let permit = tx.authorize_case::<CaseHandle>(REGISTER, case)?;
            tx.case_step(permit, &Step::new(StepKind::Close, "kinnitust ei leidnud"))
        }));
        closed.unwrap();
        assert_eq!(seen(), [true, true, true, true], "once it is closed all of it is shown");
    };
    scenario(Harness::with(Place::sqlite(), with_an_investigation()));
    if let Some(place) = Place::postgres() {
        scenario(Harness::with(place, with_an_investigation()));
    }
}

/// The shipped registers, with employees whose guardians are on record.
fn with_guardians() -> Vec<Definition> {
    let mut all = shipped();
    let persona = all.iter_mut().find(|d| d.register.short_name == REGISTER).unwrap();
    let employee = persona.record_types.iter_mut().find(|t| t.name == "employee").unwrap();
    let mut field = employee.fields.iter().find(|f| f.name == "minor_children").unwrap().clone();
    field.name = "guardians".into();
    field.parts.retain(|p| p.name == "personal_code");
    for part in &mut field.parts {
        *part = serde_json::from_value(json!({
            "name": "personal_code", "type": "personal_code", "label": { "et": "isikukood" }, "required": true,
        }))
        .unwrap();
    }
    employee.fields.push(field);
    employee.subject.as_mut().unwrap().guardians = Some("guardians/personal_code".into());
    all
}

#[test]
fn guardians_see_what_is_kept_of_minors_until_they_are_of_age() {
    let scenario = |h: Harness| {
        let s = School::open(h);
        let parent = s.h.user("parent");
        let own = s.h.place.text(&format!("SELECT personal_code FROM app_user WHERE id = '{parent}'"));
        let hire = |last: &str, child: &str| {
            let mut body = s.office.employee(last, child);
            body["data"]["guardians"] = json!([{ "personal_code": own }]);
            s.clerk.post(&path("records/employee"), &body).expect(201).id()
        };
        // Seventeen until 2027-05-17, and of age since 2025-05-17.
        let (minor, adult) = (hire("Kask", &code(2009, 3)), hire("Kuusk", &code(2007, 4)));
        let read =
            |who: &Client, record: &str, more: &str| who.get(&path(&format!("records/employee/{record}{more}"))).status;
        let me = s.h.login("parent");
        let records = me.get("/me").expect(200).body["records"].clone();
        assert_eq!(records.as_array().unwrap().len(), 1, "{records}");
        assert_eq!((&records[0]["id"], &records[0]["as"]), (&json!(minor), &json!("guardian")));
        assert_eq!(read(&me, &minor, ""), 200);
        assert_eq!(read(&me, &adult, ""), 404, "who is of age is not stood for");
        assert_eq!(read(&me, &adult, "?as_of=2025-01-01"), 404, "nor for the days when they were not");
        assert_eq!(read(&me, &s.employee, ""), 404);
        s.h.set_clock("2026-11-20T11:00:00Z");
        read_by(&s, "hr_clerk", &minor, "puhkuse arvestus");
        let seen = s.h.login("parent").get("/me/accesses").expect(200).body;
        assert_eq!(seen["items"][0]["purpose"], "puhkuse arvestus");
        let supervisor = s.h.login("supervisor");
        let standing = |record: &str| {
            let report = supervisor.get(&path(&format!("access-report?record_id={record}"))).expect(200).body;
            could(&report).contains(&("parent".into(), "guardian".into()))
        };
        assert_eq!((standing(&minor), standing(&adult)), (true, false));
        s.h.set_clock("2027-05-17T08:00:00Z");
        let me = s.h.login("parent");
        assert_eq!(me.get("/me").expect(200).body["records"], json!([]), "on the eighteenth birthday it ends");
        assert_eq!(read(&me, &minor, ""), 404);
    };
    scenario(Harness::with(Place::sqlite(), with_guardians()));
    if let Some(place) = Place::postgres() {
        scenario(Harness::with(place, with_guardians()));
    }
}
