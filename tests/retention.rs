//! The end of data: what falls due and why, who proposes and who approves, what goes, and what stays.

use andmekogu::app::ActContext;
use serde_json::{Value, json};

use crate::harness::people::{School, code};
use crate::harness::{Client, Harness, Place, REGISTER, on_both_databases};

pub fn at(rest: &str) -> String {
    format!("/registers/{REGISTER}/retention/{rest}")
}

/// An employee of the school who left on a day.
pub fn left(s: &School, name: &str, personal_code: &str, on: &str) -> String {
    let id = s.office.hire(&s.clerk, name, personal_code).id();
    let body = json!({ "ended_on": on, "ground": "by_employee", "base_document_ids": [s.office.document],
        "data": { "termination": { "legal_basis": "töölepingu seadus", "act": "TLS", "section": "85" } } });
    s.clerk.post(&format!("/registers/{REGISTER}/records/employee/{id}/end"), &body).expect(200);
    id
}

pub struct Archive {
    pub s: School,
    pub archivist: Client,
    pub controller: Client,
}

impl Archive {
    /// The same people when it has become another day.
    pub fn on(self, day: &str) -> Self {
        self.s.h.set_clock(&format!("{day}T08:00:00Z"));
        let s = School { clerk: self.s.h.login("hr_clerk"), ..self.s };
        let (archivist, controller) = (s.h.login("archivist"), s.h.login("controller"));
        Self { s, archivist, controller }
    }

    /// Destroys all that is due: proposed and reviewed by one, approved by another. The batch as it is then.
    pub fn destroy(&self) -> Value {
        let id = self.archivist.post(&at("batches"), &json!({})).expect(201).id();
        decide(&self.archivist, &id, "destroy");
        self.controller.post(&at(&format!("batches/{id}/approval")), &json!({})).expect(200);
        self.archivist.post(&at(&format!("batches/{id}/execution")), &json!({})).expect(200).body
    }
}

/// A school from which somebody left in 2026.
pub fn just_left(h: Harness) -> (Archive, String) {
    let s = School::open(h);
    let gone = left(&s, "Kadunud", &code(1980, 77), "2026-11-01");
    s.h.grant("administrator", "archivist", "archivist", json!({}));
    let (archivist, controller) = (s.h.login("archivist"), s.h.login("controller"));
    (Archive { s, archivist, controller }, gone)
}

/// A school from which somebody left in 2026, looked at when every term is over.
pub fn years_later(h: Harness) -> (Archive, String) {
    let (archive, gone) = just_left(h);
    (archive.on("2037-01-05"), gone)
}

pub fn items(batch: &Value) -> Vec<Value> {
    batch["items"].as_array().unwrap().clone()
}

/// Every item of a batch is decided alike.
pub fn decide(by: &Client, id: &str, decision: &str) {
    let batch = by.get(&at(&format!("batches/{id}?limit=500"))).expect(200).body;
    let decisions: Vec<Value> = items(&batch)
        .iter()
        .map(|i| json!({ "record_id": i["record"], "rule": i["rule"], "decision": decision }))
        .collect();
    let body = json!({ "items": decisions, "finish": batch["revision"] });
    let reviewed = by.post(&at(&format!("batches/{id}/review")), &body).expect(200);
    assert_eq!(reviewed.body["state"], "reviewed");
}

#[test]
fn what_falls_due_is_told_with_its_rule_clause_and_day_and_nothing_changes() {
    on_both_databases(|h| {
        let (a, gone) = years_later(h);
        let before = a.s.h.place.count("SELECT COUNT(*) FROM entry");
        let none = a.archivist.get(&at("due?on=2027-11-01")).expect(200).body;
        assert_eq!(items(&none), Vec::<Value>::new(), "the last day of the year still belongs to the term");
        let health = a.archivist.get(&at("due?on=2027-11-02")).expect(200).body;
        let rules: Vec<&str> =
            health["items"][0]["parts"].as_array().unwrap().iter().map(|p| p["rule"].as_str().unwrap()).collect();
        assert!(rules.contains(&"health") && !rules.contains(&"pay"), "{rules:?}");
        assert_eq!(health["items"][0]["record_id"], gone.as_str());
        let why = a.archivist.get(&format!("/registers/{REGISTER}/records/employee/{gone}/retention")).expect(200).body;
        let pay = why["parts"].as_array().unwrap().iter().find(|p| p["rule"] == "pay").unwrap().clone();
        assert_eq!((&pay["clause"], &pay["period"]), (&json!("§ 19"), &json!("P7Y")));
        assert_eq!((&pay["trigger_on"], &pay["due_on"]), (&json!("2026-11-01"), &json!("2033-11-02")));
        let staying =
            a.archivist.get(&format!("/registers/{REGISTER}/records/employee/{}/retention", a.s.employee)).expect(200);
        assert!(
            staying.body["parts"].as_array().unwrap().iter().all(|p| p["standing"] != "due"),
            "whoever works here is waited for: {}",
            staying.body
        );
        assert_eq!(a.s.h.place.count("SELECT COUNT(*) FROM entry"), before);
        a.s.clerk.get(&at("due")).expect(403);
    });
}

#[test]
fn nobody_approves_what_they_proposed_in_any_role_and_what_is_undecided_is_not_approved() {
    on_both_databases(|h| {
        let (a, _) = years_later(h);
        let batch = a.archivist.post(&at("batches"), &json!({})).expect(201).body;
        let id = batch["id"].as_str().unwrap().to_owned();
        let own = a.archivist.post(&at(&format!("batches/{id}/approval")), &json!({})).expect(403);
        assert_eq!(own.body["clause"], "§ 19", "{}", own.text);
        let early = a.controller.post(&at(&format!("batches/{id}/approval")), &json!({})).expect(409);
        assert_eq!(early.body["code"], "undecided");
        decide(&a.archivist, &id, "destroy");
        a.archivist.post(&at(&format!("batches/{id}/approval")), &json!({})).expect(403);
        a.archivist.post(&at(&format!("batches/{id}/execution")), &json!({})).expect(409);
        a.controller.post(&at(&format!("batches/{id}/approval")), &json!({})).expect(200);
        a.controller.post(&at(&format!("batches/{id}/execution")), &json!({})).expect(403);
    });
}

/// What the job does: batches proposed, batches carried to their end.
fn night(a: &Archive) -> (usize, usize) {
    a.s.h.block_on(a.s.h.app.keep_terms(&ActContext::installation("job:retention"))).unwrap()
}

#[test]
fn the_night_proposes_what_has_fallen_due_once_and_carries_nothing_out_by_itself() {
    let (a, gone) = years_later(Harness::start(Place::sqlite()));
    assert_eq!(night(&a), (1, 0));
    assert_eq!(night(&a), (0, 0));
    let list = a.archivist.get(&at("batches")).expect(200).body;
    let id = list["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(list["items"][0]["state"], "proposed");
    // Whoever alone reviewed what a job proposed does not approve it.
    decide(&a.archivist, &id, "destroy");
    a.archivist.post(&at(&format!("batches/{id}/approval")), &json!({})).expect(403);
    a.controller.post(&at(&format!("batches/{id}/approval")), &json!({})).expect(200);
    assert_eq!(night(&a), (0, 0), "a person begins to carry it out");
    a.s.clerk.get(&format!("/registers/{REGISTER}/records/employee/{gone}")).expect(200);
}

#[test]
fn what_was_looked_at_and_stays_is_not_proposed_again_the_next_night() {
    let (a, _) = years_later(Harness::start(Place::sqlite()));
    assert_eq!(night(&a), (1, 0));
    let id = a.archivist.get(&at("batches")).expect(200).body["items"][0]["id"].as_str().unwrap().to_owned();
    let given_up = json!({ "reason": "ootab arhiivi hinnangut" });
    a.archivist.post(&at(&format!("batches/{id}/cancellation")), &given_up).expect(200);
    assert_eq!(night(&a), (0, 0));
    let a = a.on("2037-02-06");
    assert_eq!(night(&a), (1, 0));
}

#[test]
fn what_a_second_person_approved_goes_from_everywhere_and_the_act_and_the_log_remain() {
    let (a, gone) = years_later(Harness::start(Place::sqlite()));
    let personal_code = code(1980, 77);
    let id = a.archivist.post(&at("batches"), &json!({})).expect(201).body["id"].as_str().unwrap().to_owned();
    decide(&a.archivist, &id, "destroy");
    a.controller.post(&at(&format!("batches/{id}/approval")), &json!({})).expect(200);
    let done = a.archivist.post(&at(&format!("batches/{id}/execution")), &json!({})).expect(200).body;
    assert_eq!(done["state"], "done", "{done}");
    let act = a.archivist.get(&at(&format!("batches/{id}/act"))).expect(200).body;
    assert_eq!((&act["kind"], &act["number"]), (&json!("destruction"), &json!("1")));
    assert_eq!(act["classes"][0]["records"], 1);
    let pdf = a.archivist.get(&at(&format!("batches/{id}/act?format=pdf"))).expect(200);
    assert!(pdf.text.starts_with("%PDF-"));
    a.s.clerk.get(&format!("/registers/{REGISTER}/records/employee/{gone}")).expect(404);
    a.s.clerk.get(&a.s.path()).expect(200);
    for table in ["entry", "record_state", "record_index", "record"] {
        let column = if table == "record" { "id" } else { "record_id" };
        let sql = format!("SELECT COUNT(*) FROM {table} WHERE {column} = '{gone}'");
        assert_eq!(a.s.h.place.count(&sql), 0, "{table}");
    }
    let folder = a.s.h.place._folder.path().to_owned();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            for canary in ["Kadunud", "kadunud", personal_code.as_str()] {
                let found = bytes.windows(canary.len()).any(|part| part == canary.as_bytes());
                assert!(!found, "{canary} stands in {}", path.display());
            }
        }
    }
}

#[test]
fn a_hold_set_after_the_approval_keeps_the_record_and_the_batch_says_so() {
    on_both_databases(|h| {
        let (a, gone) = years_later(h);
        let id = a.archivist.post(&at("batches"), &json!({})).expect(201).body["id"].as_str().unwrap().to_owned();
        decide(&a.archivist, &id, "destroy");
        a.controller.post(&at(&format!("batches/{id}/approval")), &json!({})).expect(200);
        let hold = format!("/registers/{REGISTER}/records/employee/{gone}/hold");
        a.controller.post(&hold, &json!({ "basis": " " })).expect(422);
        a.controller.post(&hold, &json!({ "basis": "vaidlus töösuhte üle", "clause": "§ 6 lg 2 p 6" })).expect(201);
        a.archivist.post(&at(&format!("batches/{id}/execution")), &json!({})).expect(200);
        let batch = a.archivist.get(&at(&format!("batches/{id}?limit=500"))).expect(200).body;
        assert!(
            items(&batch).iter().all(|i| i["state"] == "dropped" && i["outcome"]["dropped"]["reason"] == "held"),
            "{batch}"
        );
        a.s.clerk.get(&format!("/registers/{REGISTER}/records/employee/{gone}")).expect(200);
        assert_eq!(a.archivist.get(&at("holds")).expect(200).body["items"][0]["record_id"], gone.as_str());
        let lift = format!("{hold}?reason=vaidlus%20on%20l%C3%B5ppenud");
        a.controller.send("DELETE", &lift, None, "application/json").expect(204);
        let again = a.archivist.post(&at("batches"), &json!({})).expect(201).body;
        assert_eq!(again["number"], 2, "it is proposed anew");
    });
}

#[test]
fn no_statement_deletes_a_record_while_the_gate_is_shut() {
    let s = School::open(Harness::start(Place::sqlite()));
    for table in ["entry", "entry_document", "record"] {
        let refused = s.h.place.sql(&format!("DELETE FROM {table}")).unwrap_err();
        assert!(refused.contains("grows") || refused.contains("retention rule"), "{table}: {refused}");
    }
    assert_eq!(s.h.place.count("SELECT COUNT(*) FROM erasing"), 0);
}

#[test]
fn one_part_goes_when_its_term_is_over_and_the_rest_stays_until_its_own() {
    on_both_databases(|h| {
        let (a, gone) = years_later(h);
        let body = json!({ "rules": ["health"] });
        let id = a.archivist.post(&at("batches"), &body).expect(201).body["id"].as_str().unwrap().to_owned();
        decide(&a.archivist, &id, "destroy");
        a.controller.post(&at(&format!("batches/{id}/approval")), &json!({})).expect(200);
        a.archivist.post(&at(&format!("batches/{id}/execution")), &json!({})).expect(200);
        let record = a.s.clerk.get(&format!("/registers/{REGISTER}/records/employee/{gone}")).expect(200).body;
        assert!(record["data"].get("health_checks").is_none_or(Value::is_null), "{}", record["data"]);
        assert_eq!(record["data"]["last_name"], "Kadunud");
        assert_eq!(
            a.s.h.place.count("SELECT COUNT(*) FROM entry WHERE data LIKE '%fit_for_post%'"),
            1,
            "only hers who stays"
        );
    });
}

#[test]
fn what_is_archived_leaves_as_a_package_before_it_goes() {
    let (a, gone) = years_later(Harness::start(Place::sqlite()));
    let id = a.archivist.post(&at("batches"), &json!({})).expect(201).body["id"].as_str().unwrap().to_owned();
    decide(&a.archivist, &id, "archive");
    a.controller.post(&at(&format!("batches/{id}/approval")), &json!({})).expect(200);
    let done = a.archivist.post(&at(&format!("batches/{id}/execution")), &json!({})).expect(200).body;
    assert_eq!(done["state"], "done", "{done}");
    let act = a.archivist.get(&at(&format!("batches/{id}/act"))).expect(200).body;
    assert_eq!(act["kind"], "transfer");
    let package = a.archivist.get(&at(&format!("batches/{id}/package"))).expect(200);
    assert!(package.text.contains("Kadunud") && package.text.contains(&gone), "what went stands in the package");
    a.s.clerk.get(&format!("/registers/{REGISTER}/records/employee/{gone}")).expect(404);
}
