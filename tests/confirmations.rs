//! Confirmation by the head: days, checklist, the act, its receipt and its proofs, board, letters and calendars.

use andmekogu::app::ActContext;
use andmekogu::domain::access::grant::Basis;
use andmekogu::jobs::{JOBS, Jobs};
use andmekogu::store::acts::grants::NewGrant;
use base64::Engine as _;
use chrono::NaiveDate;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::harness::people::code;
use crate::harness::{Answer, Client, Harness, Place, definitions, no_postgres};

pub const REGISTER: &str = "koolid";

fn loaded() -> Vec<andmekogu::domain::statute::Definition> {
    definitions(std::path::Path::new("tests/duties"))
}

pub fn on_sqlite(scenario: impl Fn(Harness)) {
    scenario(Harness::with(Place::sqlite(), loaded()));
}

fn on_both(scenario: impl Fn(Harness)) {
    on_sqlite(&scenario);
    match Place::postgres() {
        Some(place) => scenario(Harness::with(place, loaded())),
        None => no_postgres(),
    }
}

pub fn at(path: &str) -> String {
    format!("/registers/{REGISTER}/{path}")
}

/// Gives `name` a role, in one institution or everywhere.
pub fn appoint(h: &Harness, name: &str, role: &str, site: Option<&str>, basis: &str) -> Uuid {
    let new = NewGrant {
        user_id: h.user(name),
        role: role.to_owned(),
        institution_id: site.map(|s| s.parse().unwrap()),
        sections: None,
        from: NaiveDate::from_ymd_opt(2026, 1, 1).unwrap(),
        until: None,
        basis: Basis { kind: basis.into(), reference: format!("{basis} 1-1/7") },
        task: None,
        application_id: None,
    };
    h.block_on(h.app.grant_as_installation(REGISTER, new)).unwrap().into_inner().id
}

fn document(by: &Client) -> String {
    by.post(&at("base-documents"), &json!({ "kind": "decision", "number": "1", "date": "2020-01-01" })).expect(201).id()
}

pub fn found(h: &Harness, name: &str, kind: &str) -> String {
    h.user("amet");
    if h.login("amet").get(&at("confirmations")).status == 403 {
        appoint(h, "amet", "controller", None, "directive");
    }
    let by = h.login("amet");
    let body = json!({ "effective_on": "2020-01-01", "base_document_ids": [document(&by)], "data": {
        "site_name": name, "site_kind": kind, "site_email": "kool@koolid.example", "founded_on": "2020-01-01" } });
    by.post(&at("institutions"), &body).expect(201).id()
}

pub fn enrol(h: &Harness, site: &str, name: &str, code: &str, more: Value) -> String {
    let by = h.login("amet");
    let mut data = json!({ "pupil_name": name, "pupil_code": code, "class": "1", "from": "2024-09-01" });
    for (key, value) in more.as_object().unwrap() {
        data[key] = value.clone();
    }
    let body = json!({ "institution_id": site, "effective_on": "2024-09-01", "base_document_ids": [document(&by)],
        "data": data });
    by.post(&at("records/pupil"), &body).expect(201).id()
}

pub fn hire(h: &Harness, site: &str, code: &str, load: &str, contract: Option<&str>) -> String {
    let by = h.login("amet");
    let mut data = json!({ "teacher_name": "Õie Õpetaja", "teacher_code": code, "load": load, "from": "2024-09-01" });
    if let Some(contract) = contract {
        data["contract_number"] = json!(contract);
    }
    let body = json!({ "institution_id": site, "effective_on": "2024-09-01", "base_document_ids": [document(&by)],
        "data": data });
    by.post(&at("records/teacher"), &body).expect(201).id()
}

/// Changes a record from a day on.
pub fn change(h: &Harness, kind: &str, id: &str, day: &str, data: Value) -> Answer {
    let by = h.login("amet");
    let path = at(&format!("records/{kind}/{id}"));
    let version = by.get(&path).expect(200).body["version"].as_i64().unwrap();
    by.patch(&path, version, &json!({ "effective_on": day, "base_document_ids": [document(&by)], "data": data }))
        .expect(200)
}

/// Runs the job; twice at the same moment it does nothing, so that then its act is called.
pub fn reckon(h: &Harness) {
    let table = JOBS.iter().filter(|job| job.plan.name == "confirmations").copied().collect();
    let jobs = Jobs::over(h.app.clone(), None, table);
    match h.block_on(jobs.run_now("confirmations")).unwrap() {
        Some(outcome) => assert_eq!(outcome.ended, andmekogu::store::jobs::Ended::Done, "{}", outcome.detail),
        None => {
            let cx = ActContext::installation("job:confirmations");
            h.block_on(h.app.reckon_confirmations(&cx)).unwrap();
        }
    }
}

/// The duty of an institution on a day.
pub fn duty(by: &Client, site: &str, due_on: &str) -> String {
    let board = by.get(&at(&format!("confirmations?institution_id={site}&due_on={due_on}"))).expect(200);
    board.body["items"][0]["id"].as_str().unwrap_or_else(|| panic!("no duty on {due_on}: {}", board.text)).to_owned()
}

fn checklist(by: &Client, id: &str) -> Value {
    by.get(&at(&format!("confirmations/{id}"))).expect(200).body
}

fn confirm_with(by: &Client, id: &str, root: &Value) -> Answer {
    by.post(&at(&format!("confirmations/{id}/confirm")), &json!({ "snapshot_root": root, "statement": true }))
}

/// Looks and confirms.
pub fn confirm(by: &Client, id: &str) -> Answer {
    let root = checklist(by, id)["snapshot_root"].clone();
    confirm_with(by, id, &root)
}

/// A school with a head, a submitter, two pupils and a teacher; in the middle of the window before 10 January 2027.
pub struct School {
    pub h: Harness,
    pub site: String,
    pub pupils: Vec<String>,
    pub duty: String,
}

impl School {
    pub fn open(h: Harness) -> Self {
        let site = found(&h, "Kuuse Kool", "school");
        appoint(&h, "juht", "head", Some(&site), "directive");
        appoint(&h, "esitaja", "submitter", Some(&site), "directive");
        let pupils = vec![
            enrol(&h, &site, "Aadu Allik", &code(2016, 1), json!({})),
            enrol(&h, &site, "Berta Berg", &code(2016, 2), json!({})),
        ];
        hire(&h, &site, &code(1980, 3), "1.00", Some("7"));
        h.set_clock("2026-12-28T08:00:00Z");
        reckon(&h);
        let duty = duty(&h.login("juht"), &site, "2027-01-10");
        Self { h, site, pupils, duty }
    }

    fn head(&self) -> Client {
        self.h.login("juht")
    }

    fn path(&self, rest: &str) -> String {
        at(&format!("confirmations/{}{rest}", self.duty))
    }
}

#[test]
fn schools_and_preschools_have_their_own_days() {
    on_both(|h| {
        let school = found(&h, "Kuuse Kool", "school");
        let nursery = found(&h, "Kuuse Lasteaed", "nursery");
        appoint(&h, "juht", "head", Some(&school), "directive");
        reckon(&h);
        reckon(&h);
        let office = h.login("amet");
        let days = |site: &str| -> Vec<String> {
            let board = office.get(&at(&format!("confirmations?institution_id={site}"))).expect(200);
            let items = board.body["items"].as_array().unwrap().clone();
            items.iter().map(|d| d["due_on"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(
            days(&school),
            ["2026-01-10", "2026-09-10", "2027-01-10", "2027-09-10"],
            "a year back, a year ahead"
        );
        assert_eq!(days(&nursery), ["2026-04-05", "2026-10-05", "2027-04-05", "2027-10-05"]);
        let board = office.get(&at("confirmations?due_on=2027-01-10")).expect(200);
        assert_eq!(board.body["items"][0]["institution"], "Kuuse Kool");
        assert_eq!(board.body["items"][0]["kind"], "school");
        assert_eq!(board.body["items"][0]["clause"], "§ 9 lg 1");
        assert_eq!(board.body["items"][0]["status"], "upcoming");
        let mine = h.login("juht").get(&at("confirmations?limit=500")).expect(200);
        assert!(mine.body["items"].as_array().unwrap().iter().all(|d| d["institution_id"] == json!(school)));
        let summary = office.get(&at("confirmations/summary?due_on=2026-09-10")).expect(200);
        assert_eq!(summary.body["items"][0]["by_status"]["overdue"], 1);
        let late = office.get(&at("confirmations?late=true")).expect(200);
        assert_eq!(late.body["items"].as_array().unwrap().len(), 4, "what was due since the first institution began");
        assert!(late.body["items"][0]["days_late"].as_i64().unwrap() > 300);
        h.user("keegi");
        h.login("keegi").get(&at("confirmations")).expect(403);
        office.get(&at("confirmations?status=sleeping")).expect(400);
    });
}

#[test]
fn the_duties_of_an_institution_are_there_before_the_job_has_looked() {
    on_sqlite(|h| {
        let site = found(&h, "Kuuse Kool", "school");
        duty(&h.login("amet"), &site, "2027-01-10");
    });
}

#[test]
fn many_who_look_at_the_same_moment_before_the_job_has_looked_are_all_answered() {
    on_both(|h| {
        for round in 0..3 {
            let site = found(&h, &format!("Kuuse Kool {round}"), "school");
            let office = h.login("amet");
            std::thread::scope(|scope| {
                let look = || office.get(&at(&format!("confirmations?institution_id={site}"))).expect(200);
                let all: Vec<_> = (0..6).map(|_| scope.spawn(look)).collect();
                all.into_iter().for_each(|one| drop(one.join().unwrap()));
            });
            duty(&office, &site, "2027-01-10");
        }
    });
}

#[test]
fn the_head_confirms_in_three_calls_and_has_a_receipt_for_ever() {
    on_both(|h| {
        let s = School::open(h);
        let head = s.head();
        let list = head.get(&s.path("")).expect(200).body;
        assert_eq!((list["errors"].clone(), list["warnings"].clone()), (json!(0), json!(0)), "{list:#}");
        assert_eq!(list["size"], 3);
        assert_eq!(list["checklist"][0]["record_type"], "pupil");
        assert_eq!(list["checklist"][0]["records"], 2);
        assert_eq!(list["responsible"][0]["name"], "Kasutaja juht");
        assert_eq!(list["statement"]["et"], "Kinnitan, et andmed on õiged.");
        let root = &list["snapshot_root"];
        let unsaid = head.post(&s.path("/confirm"), &json!({ "snapshot_root": root, "statement": false })).expect(422);
        assert!(unsaid.has_fault("/statement", "required"));
        head.get(&s.path("/receipt")).expect(404);

        let receipt = confirm_with(&head, &s.duty, root).expect(200).body;
        assert_eq!(receipt["number"], 1);
        assert_eq!(receipt["snapshot_root"], *root);
        assert_eq!(receipt["counts"], json!({ "pupil": 2, "teacher": 1 }));
        assert_eq!(receipt["in_time"], true);
        assert_eq!(receipt["clause"], "§ 9 lg 1");
        assert_eq!(receipt["responsible_clause"], "§ 10 lg 1");
        assert_eq!(receipt["confirmed_by"]["name"], "Kasutaja juht");
        assert_eq!(receipt["confirmed_by"]["role"], "head");
        assert_eq!(receipt["confirmed_by"]["basis"]["reference"], "directive 1-1/7");
        assert_eq!(confirm_with(&head, &s.duty, root).expect(409).body["code"], "already_confirmed");
        let note = json!({ "record_type": "pupil" });
        assert_eq!(head.post(&s.path("/checks"), &note).expect(409).body["code"], "already_confirmed");

        s.h.set_clock("2029-05-02T08:00:00Z");
        let head = s.head();
        assert_eq!(head.get(&s.path("/receipt")).expect(200).body, receipt, "the same, years later");
        let pdf = head.get(&s.path("/receipt?format=pdf")).expect(200);
        assert_eq!(pdf.headers["content-type"], "application/pdf");
        assert!(pdf.text.starts_with("%PDF-1.7"), "{:.20}", pdf.text);
        assert!(pdf.text.contains("Näidiskoolide register"), "its title stands in its properties");
        let events = s.h.export(REGISTER);
        let event = events.iter().find(|e| e["event"]["id"] == receipt["audit_id"]).unwrap();
        assert_eq!(event["event"]["kind"], "confirmation");
        assert_eq!(event["event"]["detail"]["snapshot_root"], *root);
        assert_eq!(event["event"]["detail"]["number"], 1);
    });
}

#[test]
fn only_the_head_confirms() {
    on_both(|h| {
        let s = School::open(h);
        for name in ["esitaja", "amet"] {
            let by = s.h.login(name);
            let refused = confirm(&by, &s.duty).expect(403);
            assert_eq!(refused.body["clause"], "§ 10 lg 1", "{name}");
        }
        let other = found(&s.h, "Kase Kool", "school");
        appoint(&s.h, "teine", "head", Some(&other), "directive");
        let elsewhere = s.h.login("teine");
        elsewhere.get(&s.path("")).expect(404);
        confirm_with(&elsewhere, &s.duty, &json!("00")).expect(404);
        // Whoever stands in for the head does so by a document, and the receipt names it.
        appoint(&s.h, "asendaja", "head", Some(&s.site), "deputy");
        let receipt = confirm(&s.h.login("asendaja"), &s.duty).expect(200).body;
        assert_eq!(receipt["confirmed_by"]["basis"], json!({ "kind": "deputy", "reference": "deputy 1-1/7" }));
        let denials = s.h.export(REGISTER);
        let denied = denials.iter().filter(|e| e["event"]["action"] == "confirmation.confirm");
        assert!(denied.filter(|e| e["event"]["decision"] == "denied").count() >= 3, "refusals are in the log");
    });
}

#[test]
fn nothing_is_confirmed_before_the_window_nor_on_data_that_changed_since_they_were_seen() {
    on_both(|h| {
        let s = School::open(h);
        let head = s.head();
        let early = duty(&head, &s.site, "2027-09-10");
        let refused = confirm(&head, &early).expect(409);
        assert_eq!(refused.body["code"], "not_open_yet");
        assert!(refused.text.contains("2027-08-27"), "{}", refused.text);

        let seen = checklist(&head, &s.duty)["snapshot_root"].clone();
        s.h.set_clock("2026-12-28T08:01:00Z");
        change(&s.h, "pupil", &s.pupils[0], "2026-12-28", json!({ "class": "2" }));
        let new = enrol(&s.h, &s.site, "Carl Cask", &code(2016, 9), json!({}));
        let stale = confirm_with(&head, &s.duty, &seen).expect(409);
        assert_eq!(stale.body["code"], "stale_root");
        assert_eq!(stale.body["clause"], "§ 9 lg 1");
        assert!(stale.has_fault(&format!("/records/{}", s.pupils[0]), "changed"), "{}", stale.text);
        assert!(stale.has_fault(&format!("/records/{new}"), "added"), "{}", stale.text);
        assert!(!stale.text.contains(&s.pupils[1]), "what did not change is not named");
        let root = checklist(&head, &s.duty)["snapshot_root"].clone();
        assert!(stale.text.contains(root.as_str().unwrap()), "the new root: {}", stale.text);
        confirm_with(&head, &s.duty, &root).expect(200);
    });
}

/// RFC 9162, 2.1.3.2, written a second time.
fn leads_to_root(leaf: [u8; 32], index: u64, size: u64, path: &[[u8; 32]]) -> [u8; 32] {
    let node = |left: &[u8], right: &[u8]| -> [u8; 32] {
        Sha256::new_with_prefix([1]).chain_update(left).chain_update(right).finalize().into()
    };
    let (mut at, mut last, mut hash) = (index, size - 1, leaf);
    for step in path {
        assert!(last > 0, "the path is too long");
        if at % 2 == 1 || at == last {
            hash = node(step, &hash);
            while at % 2 == 0 && at != 0 {
                (at, last) = (at >> 1, last >> 1);
            }
        } else {
            hash = node(&hash, step);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    assert_eq!(last, 0, "the path is too short");
    hash
}

fn bytes(hex: &str) -> [u8; 32] {
    let bytes: Vec<u8> = (0..64).step_by(2).map(|n| u8::from_str_radix(&hex[n..n + 2], 16).unwrap()).collect();
    bytes.try_into().unwrap()
}

#[test]
fn what_was_confirmed_is_proved_a_year_later() {
    on_both(|h| {
        let s = School::open(h);
        let receipt = confirm(&s.head(), &s.duty).expect(200).body;
        s.h.set_clock("2028-01-20T08:00:00Z");
        change(&s.h, "pupil", &s.pupils[0], "2027-01-05", json!({ "class": "9" }));
        let head = s.head();
        for pupil in &s.pupils {
            let proof = head.get(&s.path(&format!("/records/{pupil}/proof"))).expect(200).body;
            let text = proof["leaf"].as_str().unwrap();
            let said: Value = serde_json::from_str(text).unwrap();
            assert_eq!(said["data"]["class"], "1", "as it was confirmed, whatever was entered since");
            assert_eq!(said["as_of"], "2027-01-10");
            assert_eq!(said["record_id"], json!(pupil));
            let salt = base64::engine::general_purpose::STANDARD.decode(proof["salt"].as_str().unwrap()).unwrap();
            // HMAC-SHA256 with a key shorter than a block (RFC 2104), by hand.
            let mut block = [0_u8; 64];
            block[..salt.len()].copy_from_slice(&salt);
            let (inner, outer) = (block.map(|b| b ^ 0x36), block.map(|b| b ^ 0x5c));
            let inside = Sha256::new_with_prefix(inner).chain_update(text).finalize();
            let mac = Sha256::new_with_prefix(outer).chain_update(inside).finalize();
            let leaf: [u8; 32] = Sha256::new_with_prefix([0]).chain_update(mac).finalize().into();
            let path: Vec<[u8; 32]> =
                proof["path"].as_array().unwrap().iter().map(|h| bytes(h.as_str().unwrap())).collect();
            let (index, size) = (proof["index"].as_u64().unwrap(), proof["size"].as_u64().unwrap());
            assert_eq!(size, 3);
            let root = leads_to_root(leaf, index, size, &path);
            assert_eq!(root, bytes(receipt["snapshot_root"].as_str().unwrap()));
        }
        let drift = checklist(&head, &s.duty)["drift"].clone();
        assert_eq!((&drift["changed"], &drift["added"], &drift["gone"]), (&json!(1), &json!(0), &json!(0)));
        assert_eq!(drift["items"][0]["record_id"], json!(s.pupils[0]));
        assert_eq!(drift["items"][0]["changes"][0]["pointer"], "/class");
        assert_eq!(drift["items"][0]["changes"][0]["before"], "1");
        assert_eq!(drift["items"][0]["changes"][0]["after"], "9");
        let board = head.get(&at("confirmations?due_on=2027-01-10")).expect(200);
        assert_eq!(board.body["items"][0]["changed_since"], 1);
        assert_eq!(board.body["items"][0]["status"], "confirmed");
        // A proof holds the whole record: it is a read, and only for whoever may see all of it.
        head.get(&s.path(&format!("/records/{}/proof", Uuid::now_v7()))).expect(404);
        s.h.user("keegi");
        s.h.login("keegi").get(&s.path(&format!("/records/{}/proof", s.pupils[0]))).expect(404);
    });
}

#[test]
fn the_next_time_what_changed_since_the_last_comes_first() {
    on_sqlite(|h| {
        let s = School::open(h);
        let first = checklist(&s.head(), &s.duty);
        assert!(first["since_last"].is_null());
        confirm(&s.head(), &s.duty).expect(200);
        s.h.set_clock("2027-08-30T08:00:00Z");
        change(&s.h, "pupil", &s.pupils[0], "2027-08-01", json!({ "class": "2" }));
        let new = enrol(&s.h, &s.site, "Carl Cask", &code(2017, 9), json!({ "from": "2027-08-01" }));
        change(&s.h, "pupil", &s.pupils[1], "2027-06-30", json!({ "until": "2027-06-30" }));
        let head = s.head();
        let next = duty(&head, &s.site, "2027-09-10");
        let since = checklist(&head, &next)["since_last"].clone();
        assert_eq!(since["number"], 1);
        let differences = &since["differences"];
        assert_eq!(
            (&differences["changed"], &differences["added"], &differences["gone"]),
            (&json!(1), &json!(1), &json!(1))
        );
        let of = |what: &str| {
            let items = differences["items"].as_array().unwrap();
            items.iter().find(|d| d["what"] == what).unwrap()["record_id"].clone()
        };
        assert_eq!([of("changed"), of("added"), of("gone")], [json!(s.pupils[0]), json!(new), json!(s.pupils[1])]);
        assert_eq!(confirm(&head, &next).expect(200).body["number"], 2);
    });
}

fn finding<'l>(list: &'l Value, check: &str) -> Option<&'l Value> {
    list["findings"].as_array().unwrap().iter().find(|f| f["check"] == check)
}

#[test]
fn checks_look_across_records() {
    on_both(|h| {
        let s = School::open(h);
        let other = found(&s.h, "Kase Kool", "school");
        appoint(&s.h, "teine", "head", Some(&other), "directive");
        enrol(&s.h, &other, "Aadu Allik", &code(2016, 1), json!({}));
        hire(&s.h, &other, &code(1980, 3), "0.75", Some("8"));
        let nobody = hire(&s.h, &s.site, &code(1981, 4), "0.50", None);
        enrol(&s.h, &s.site, "Dora Dahl", &code(2016, 5), json!({ "support_until": "2026-12-31" }));
        enrol(&s.h, &s.site, "Eha Ein", &code(2016, 6), json!({}));
        reckon(&s.h);
        let head = s.head();
        let list = checklist(&head, &s.duty);
        let twice = finding(&list, "elsewhere").unwrap();
        assert_eq!((&twice["severity"], &twice["clause"]), (&json!("warning"), &json!("§ 11")));
        assert_eq!(twice["record_id"], json!(s.pupils[0]));
        assert_eq!(finding(&list, "load").unwrap()["severity"], "error", "1.00 here and 0.75 there");
        assert_eq!(finding(&list, "contract").unwrap()["record_id"], json!(nobody));
        assert_eq!(finding(&list, "decision_expired").unwrap()["severity"], "error");
        assert!(finding(&list, "class_size").is_some(), "four in a class of three");
        assert_eq!((&list["errors"], &list["warnings"], &list["blockers"]), (&json!(3), &json!(2), &json!(5)));
        let theirs = duty(&s.h.login("teine"), &other, "2027-01-10");
        assert!(finding(&checklist(&s.h.login("teine"), &theirs), "elsewhere").is_some(), "both heads are warned");

        let refused = confirm(&head, &s.duty).expect(422);
        assert_eq!(refused.faults().len(), 5, "each fault: {}", refused.text);
        // A warning can stand for a reason in writing; an error cannot.
        let key = |check: &str| finding(&list, check).unwrap()["key"].clone();
        let give = |check: &str, reason: &str| {
            s.head().post(&s.path("/reasons"), &json!({ "key": key(check), "reason": reason }))
        };
        give("elsewhere", "Õpib kahes koolis kokkuleppel.").expect(200);
        give("class_size", "Liitklass.").expect(200);
        assert!(give("load", "On küll.").expect(422).has_fault("/key", "not_a_warning"));
        assert!(give("elsewhere", "  ").expect(422).has_fault("/reason", "required"));
        let unknown = json!({ "key": "nothing", "reason": "x" });
        assert!(s.head().post(&s.path("/reasons"), &unknown).expect(422).has_fault("/key", "not_found"));
        assert_eq!(confirm(&s.head(), &s.duty).expect(422).faults().len(), 3);
        let list = checklist(&s.head(), &s.duty);
        assert_eq!(finding(&list, "elsewhere").unwrap()["reason"]["text"], "Õpib kahes koolis kokkuleppel.");
        assert_eq!(finding(&list, "elsewhere").unwrap()["blocks"], false);
    });
}

#[test]
fn known_faults_are_confirmed_around_while_an_inquiry_is_open() {
    on_both(|h| {
        let s = School::open(h);
        hire(&s.h, &s.site, &code(1981, 4), "0.50", None);
        let list = checklist(&s.head(), &s.duty);
        let key = finding(&list, "contract").unwrap()["key"].clone();
        let inquiry = |site: &str| {
            let body =
                json!({ "kind": "inquiry", "institution_id": site, "subject": "Leping", "text": "Kus on number?" });
            s.h.login("amet").post(&at("cases"), &body).expect(201)
        };
        let other = found(&s.h, "Kase Kool", "school");
        let elsewhere = inquiry(&other).id();
        let except = |case: &str| {
            let body = json!({ "key": key, "case_id": case, "reason": "Uurime." });
            s.head().post(&s.path("/exceptions"), &body)
        };
        assert!(except(&elsewhere).expect(422).has_fault("/case_id", "no_open_inquiry"), "about another institution");
        let case = inquiry(&s.site).id();
        except(&case).expect(200);
        assert_eq!(checklist(&s.head(), &s.duty)["blockers"], 0);
        // Once the inquiry is closed, the fault stands in the way again.
        let steps = at(&format!("cases/{case}/steps"));
        s.head().post(&steps, &json!({ "act": "answer", "text": "Number on 9." })).expect(200);
        s.h.login("amet").post(&steps, &json!({ "act": "close" })).expect(200);
        assert_eq!(checklist(&s.head(), &s.duty)["blockers"], 1);
        assert!(except(&case).expect(422).has_fault("/case_id", "no_open_inquiry"));
        // An exception can also be named in the act itself.
        let second = inquiry(&s.site).id();
        let root = checklist(&s.head(), &s.duty)["snapshot_root"].clone();
        let body = json!({ "snapshot_root": root, "statement": true,
            "exceptions": [{ "key": key, "case_id": second, "reason": "Leping on allkirjastamisel." }] });
        let receipt = s.head().post(&s.path("/confirm"), &body).expect(200).body;
        assert_eq!(receipt["exceptions"][0]["case_id"], json!(second));
        assert_eq!(receipt["exceptions"].as_array().unwrap().len(), 1);
    });
}

#[test]
fn a_day_off_keeps_its_date_and_the_next_working_day_is_in_time() {
    on_sqlite(|h| {
        let s = School::open(h);
        let board = s.head().get(&at("confirmations?due_on=2027-01-10")).expect(200).body["items"][0].clone();
        assert_eq!((&board["due_on"], &board["acts_by"]), (&json!("2027-01-10"), &json!("2027-01-11")));
        assert_eq!(board["moved_by"], "pühapäev");
        // Monday, half past eleven in the evening by the register's clock.
        s.h.set_clock("2027-01-11T21:30:00Z");
        let receipt = confirm(&s.head(), &s.duty).expect(200).body;
        assert_eq!((&receipt["due_on"], &receipt["acts_by"]), (&json!("2027-01-10"), &json!("2027-01-11")));
        assert_eq!((&receipt["in_time"], &receipt["days_late"]), (&json!(true), &Value::Null));
        assert_eq!(receipt["confirmed_on"], "2027-01-11");
    });
}

#[test]
fn what_is_late_is_shown_as_late() {
    on_sqlite(|h| {
        let s = School::open(h);
        s.h.set_clock("2027-01-13T22:30:00Z");
        let item = |query: &str| {
            s.h.login("amet").get(&at(&format!("confirmations?due_on=2027-01-10&{query}"))).expect(200).body["items"][0]
                .clone()
        };
        let overdue = item("status=overdue");
        assert_eq!(
            (&overdue["status"], &overdue["days_late"]),
            (&json!("overdue"), &json!(3)),
            "it is 14 January there"
        );
        let receipt = confirm(&s.head(), &s.duty).expect(200).body;
        assert_eq!((&receipt["in_time"], &receipt["days_late"]), (&json!(false), &json!(3)));
        assert_eq!(item("late=true")["status"], "confirmed_late");
        assert!(item("late=false").is_null());
        assert_eq!(item("status=confirmed_late")["days_late"], 3);
        assert!(item("status=confirmed").is_null());
    });
}

#[test]
fn an_institution_closed_or_changed_in_kind_before_the_day_has_no_such_duty() {
    on_both(|h| {
        let s = School::open(h);
        let closed = found(&s.h, "Kase Kool", "school");
        reckon(&s.h);
        let office = s.h.login("amet");
        let theirs = duty(&office, &closed, "2027-01-10");
        change(&s.h, "site", &closed, "2027-01-09", json!({ "closed_on": "2027-01-09" }));
        change(&s.h, "site", &s.site, "2027-01-01", json!({ "site_kind": "nursery" }));
        // Not even in the hour before the job looks again.
        assert_eq!(confirm(&s.head(), &s.duty).expect(409).body["code"], "cancelled");
        reckon(&s.h);
        let one = |id: &str| office.get(&at(&format!("confirmations/{id}"))).expect(200).body;
        assert_eq!(one(&theirs)["status"], "cancelled");
        assert!(one(&theirs)["cancelled"].as_str().unwrap().contains("closed or merged"));
        assert!(one(&s.duty)["cancelled"].as_str().unwrap().contains("nursery"));
        assert_eq!(office.get(&at("confirmations?due_on=2027-01-10")).expect(200).body["items"], json!([]));
        let cancelled = office.get(&at("confirmations?due_on=2027-01-10&status=cancelled")).expect(200);
        assert_eq!(cancelled.body["items"].as_array().unwrap().len(), 2);
        duty(&office, &s.site, "2027-04-05");
        let last = office.get(&at(&format!("confirmations?institution_id={}&due_on=2026-09-10", s.site))).expect(200);
        assert_eq!(last.body["items"][0]["status"], "overdue", "it was a school then");
        // The change is taken back: the duty is due after all.
        let path = at(&format!("records/site/{}", s.site));
        let entries = office.get(&format!("{path}/entries")).expect(200).body;
        let wrong = entries["items"].as_array().unwrap().last().unwrap()["id"].clone();
        let body = json!({ "entry_id": wrong, "reason": "vale kuupäev", "effective_on": "2027-01-11",
            "base_document_ids": [document(&office)], "data": {} });
        office.post(&format!("{path}/corrections"), &body).expect(201);
        reckon(&s.h);
        assert_eq!(one(&s.duty)["status"], "open");
        assert!(one(&s.duty)["cancelled"].is_null());
        confirm(&s.head(), &s.duty).expect(200);
        // What is confirmed stays so, whatever becomes of the institution.
        change(&s.h, "site", &s.site, "2027-01-11", json!({ "closed_on": "2027-01-11" }));
        reckon(&s.h);
        assert_eq!(one(&s.duty)["status"], "confirmed");
    });
}

#[test]
fn a_statute_that_has_ended_goes_on_being_applied_and_the_answers_say_so() {
    let mut ended = loaded();
    ended[0].register.act.in_force_until = NaiveDate::from_ymd_opt(2026, 6, 30);
    let s = School::open(Harness::with(Place::sqlite(), ended));
    let board = s.head().get(&at("confirmations?due_on=2027-01-10")).expect(200);
    assert_eq!(board.body["statute_ended_on"], "2026-06-30");
    assert_eq!(checklist(&s.head(), &s.duty)["statute_ended_on"], "2026-06-30");
    confirm(&s.head(), &s.duty).expect(200);
}

#[test]
fn a_submitter_marks_a_part_as_checked_and_sees_when_it_changed_after_that() {
    on_sqlite(|h| {
        let s = School::open(h);
        let submitter = s.h.login("esitaja");
        let wrong = json!({ "record_type": "site" });
        assert!(submitter.post(&s.path("/checks"), &wrong).expect(422).has_fault("/record_type", "not_in_codelist"));
        let body = json!({ "record_type": "pupil", "note": "Kõik üle vaadatud." });
        submitter.post(&s.path("/checks"), &body).expect(200);
        let part = || checklist(&s.head(), &s.duty)["checklist"][0].clone();
        assert_eq!(part()["checked"]["by"], "esitaja");
        assert_eq!(part()["checked"]["text"], "Kõik üle vaadatud.");
        assert_eq!(part()["changed_since"], false);
        let board = s.head().get(&at("confirmations?due_on=2027-01-10")).expect(200);
        assert_eq!(
            (&board.body["items"][0]["parts"], &board.body["items"][0]["parts_checked"]),
            (&json!(2), &json!(1))
        );
        change(&s.h, "pupil", &s.pupils[0], "2026-12-28", json!({ "class": "2" }));
        assert_eq!(part()["changed_since"], true);
        s.h.login("amet").post(&s.path("/checks"), &body).expect(403);
    });
}

#[test]
fn of_two_browsers_that_confirm_at_once_exactly_one_wins() {
    on_both(|h| {
        let s = School::open(h);
        let other = found(&s.h, "Kase Kool", "school");
        appoint(&s.h, "juht", "head", Some(&other), "deputy");
        reckon(&s.h);
        let head = s.head();
        let (mine, theirs) = (s.duty.clone(), duty(&head, &other, "2027-01-10"));
        let tasks: Vec<(String, Value)> = [&mine, &theirs, &mine, &theirs, &mine, &theirs]
            .into_iter()
            .map(|id| (id.clone(), checklist(&head, id)["snapshot_root"].clone()))
            .collect();
        let answers: Vec<(String, Answer)> = std::thread::scope(|scope| {
            let running: Vec<_> = tasks
                .iter()
                .map(|(id, root)| {
                    let head = head.clone();
                    scope.spawn(move || (id.clone(), confirm_with(&head, id, root)))
                })
                .collect();
            running.into_iter().map(|r| r.join().unwrap()).collect()
        });
        for id in [&mine, &theirs] {
            let won = answers.iter().filter(|(of, a)| of == id && a.status == 200).count();
            let lost = answers.iter().filter(|(of, a)| of == id && a.body["code"] == "already_confirmed").count();
            assert_eq!((won, lost), (1, 2), "{answers:#?}");
        }
        let mut numbers: Vec<i64> = answers.iter().filter_map(|(_, a)| a.body["number"].as_i64()).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, [1, 2], "numbers have no gaps");
    });
}

#[test]
fn an_entry_that_races_with_the_confirmation_is_in_it_or_shows_as_drift() {
    on_both(|h| {
        let s = School::open(h);
        let head = s.head();
        let office = s.h.login("amet");
        let document = document(&office);
        let seen = checklist(&head, &s.duty)["snapshot_root"].clone();
        let body = json!({ "effective_on": "2026-12-28", "base_document_ids": [document], "data": { "class": "7" } });
        let path = at(&format!("records/pupil/{}", s.pupils[0]));
        let (confirmed, changed) = std::thread::scope(|scope| {
            let entry = scope.spawn(|| office.patch(&path, 1, &body));
            let act = confirm_with(&head, &s.duty, &seen);
            (act, entry.join().unwrap())
        });
        changed.expect(200);
        let drift = |list: &Value| list["drift"]["changed"].clone();
        match confirmed.status {
            200 => assert_eq!(drift(&checklist(&head, &s.duty)), 1, "confirmed before the entry"),
            409 => {
                assert_eq!(confirmed.body["code"], "stale_root");
                confirm(&head, &s.duty).expect(200);
                assert_eq!(drift(&checklist(&head, &s.duty)), 0);
            }
            other => panic!("{other}: {}", confirmed.text),
        }
        // Whatever came first: what the receipt binds is what the proofs lead to.
        let proof = head.get(&s.path(&format!("/records/{}/proof", s.pupils[0]))).expect(200).body;
        let path: Vec<[u8; 32]> =
            proof["path"].as_array().unwrap().iter().map(|h| bytes(h.as_str().unwrap())).collect();
        let leaf = bytes(proof["leaf_hash"].as_str().unwrap());
        let root = leads_to_root(leaf, proof["index"].as_u64().unwrap(), 3, &path);
        assert_eq!(root, bytes(proof["root"].as_str().unwrap()));
    });
}

#[test]
fn an_institution_is_reminded_and_a_missed_day_escalates_each_once() {
    on_both(|h| {
        let s = School::open(h);
        let letters = || {
            let sql = "SELECT coalesce(string_agg(letter, ',' ORDER BY id), '') FROM outbox";
            s.h.place.text(sql)
        };
        assert_eq!(letters(), "confirmation-opens", "the window opened on the 27th, a Sunday");
        reckon(&s.h);
        assert_eq!(letters(), "confirmation-opens");
        // 7 January is three days before; then the last working day before the 9th and the 10th.
        for (clock, expected) in [
            ("2027-01-07T08:00:00Z", "confirmation-opens,confirmation-due"),
            ("2027-01-08T08:00:00Z", "confirmation-opens,confirmation-due,confirmation-due"),
            ("2027-01-11T08:00:00Z", "confirmation-opens,confirmation-due,confirmation-due"),
            ("2027-01-12T08:00:00Z", "confirmation-opens,confirmation-due,confirmation-due,confirmation-overdue"),
            ("2027-01-13T08:00:00Z", "confirmation-opens,confirmation-due,confirmation-due,confirmation-overdue"),
        ] {
            s.h.set_clock(clock);
            reckon(&s.h);
            reckon(&s.h);
            assert_eq!(letters(), expected, "{clock}");
        }
        let to =
            |letter: &str| s.h.place.text(&format!("SELECT DISTINCT address FROM outbox WHERE letter = '{letter}'"));
        assert_eq!(to("confirmation-due"), "kool@koolid.example");
        assert_eq!(to("confirmation-overdue"), "amet@koolid.example");
        assert_eq!(s.h.place.count("SELECT COUNT(*) FROM outbox WHERE words LIKE '%Aadu%'"), 0, "no personal data");
        // What is confirmed is no longer reminded of.
        confirm(&s.head(), &s.duty).expect(200);
        let before = letters();
        s.h.set_clock("2027-01-20T08:00:00Z");
        reckon(&s.h);
        assert_eq!(letters(), before);
    });
}

#[test]
fn a_calendar_is_fetched_at_a_secret_address_until_that_is_revoked_or_the_right_ends() {
    on_both(|h| {
        let s = School::open(h);
        let other = found(&s.h, "Kase Kool", "school");
        reckon(&s.h);
        let own = s.head().get(&at("confirmations.ics")).expect(200);
        assert!(own.headers["content-type"].starts_with("text/calendar"));
        assert!(own.text.contains("DTSTART;VALUE=DATE:20270110") && own.text.contains("Kuuse Kool"), "{}", own.text);
        assert!(!own.text.contains("Kase Kool"), "another institution's days are not theirs");
        let feed = s.head().send("POST", &at("confirmations/feeds"), None, "application/json").expect(201);
        let url = feed.body["url"].as_str().unwrap();
        let secret = url.split("/api/").nth(1).map(|p| format!("/api/{p}")).unwrap();
        let nobody = s.h.nobody();
        assert!(nobody.get(&secret).expect(200).text.contains("Kuuse Kool"));
        let name = secret.rsplit('/').next().unwrap().trim_end_matches(".ics");
        assert_eq!(s.h.place.count(&format!("SELECT COUNT(*) FROM calendar_feed WHERE digest LIKE '%{name}%'")), 0);
        nobody.get("/api/public/v1/calendars/none.ics").expect(404);
        // Revoked by its owner, and by nobody else.
        let id = feed.body["id"].as_str().unwrap();
        let end = |by: &Client| by.send("DELETE", &at(&format!("confirmations/feeds/{id}")), None, "application/json");
        end(&s.h.login("esitaja")).expect(404);
        end(&s.head()).expect(204);
        nobody.get(&secret).expect(404);
        end(&s.head()).expect(404);
        // Another one ends with the right itself.
        let until = appoint(&s.h, "ajutine", "head", Some(&other), "deputy");
        let feed = s.h.login("ajutine").send("POST", &at("confirmations/feeds"), None, "application/json").expect(201);
        let secret = feed.body["url"].as_str().unwrap().split("/api/").nth(1).map(|p| format!("/api/{p}")).unwrap();
        nobody.get(&secret).expect(200);
        let day = "'2026-12-27'";
        s.h.place.sql(&format!("UPDATE access_grant SET until_day = {day} WHERE id = '{until}'")).unwrap();
        nobody.get(&secret).expect(404);
        s.h.place.sql(&format!("UPDATE access_grant SET until_day = '9999-12-31' WHERE id = '{until}'")).unwrap();
    });
}

#[test]
fn the_board_is_exported_as_it_is_filtered() {
    on_sqlite(|h| {
        let s = School::open(h);
        found(&s.h, "=HYPERLINK(1)", "school");
        reckon(&s.h);
        confirm(&s.head(), &s.duty).expect(200);
        let office = s.h.login("amet");
        let csv = office.get(&at("confirmations?due_on=2027-01-10&format=csv")).expect(200);
        assert_eq!(csv.text.lines().count(), 3, "{}", csv.text);
        assert!(csv.text.contains("Kuuse Kool") && csv.text.contains("kinnitatud"), "{}", csv.text);
        assert!(!csv.text.contains(";=HYPERLINK"), "no formula gets into a spreadsheet: {}", csv.text);
        let xlsx = office.get(&at("confirmations?format=xlsx")).expect(200);
        assert!(xlsx.headers["content-type"].contains("spreadsheetml"), "{:?}", xlsx.headers);
        let page = office.get(&at("confirmations?limit=3")).expect(200);
        let cursor = page.body["next_cursor"].as_str().unwrap();
        let rest = office.get(&at(&format!("confirmations?limit=500&cursor={cursor}"))).expect(200);
        let ids = |a: &Answer| -> Vec<String> {
            a.body["items"].as_array().unwrap().iter().map(|d| d["id"].as_str().unwrap().to_owned()).collect()
        };
        let mut all = ids(&page);
        all.extend(ids(&rest));
        let whole = ids(&office.get(&at("confirmations?limit=500")).expect(200));
        assert_eq!(all, whole, "pages follow one another without gap or repetition");
        office.get(&at("confirmations?cursor=nonsense")).expect(400);
    });
}

#[test]
fn whoever_alters_a_confirmation_in_the_database_is_found_out() {
    on_both(|h| {
        let s = School::open(h.without_final_check());
        confirm(&s.head(), &s.duty).expect(200);
        assert_eq!(s.h.audit_faults(), Vec::<String>::new());
        let sqlite = s.h.place.url.is_sqlite();
        let sql = |text: &str| s.h.place.sql(text).unwrap();
        match sqlite {
            true => sql("DROP TRIGGER confirmation_stays; DROP TRIGGER confirmed_record_no_update"),
            false => sql("DROP TRIGGER confirmation_stays ON confirmation"),
        }
        sql("UPDATE confirmed_record SET version = 2, leaf = (SELECT leaf FROM confirmed_record WHERE position = 1) \
             WHERE position = 0");
        let faults = s.h.audit_faults();
        assert!(faults.iter().any(|f| f.contains("do not lead to its root")), "{faults:?}");
        sql("UPDATE confirmation SET number = 9 WHERE number = 1");
        let faults = s.h.audit_faults();
        assert!(faults.iter().any(|f| f.contains("is not what its event tells")), "{faults:?}");
    });
}

/// What `schema` of the OpenAPI document and `value` say of each other's members, parts included.
fn agrees(document: &Value, schema: &Value, value: &Value, at: &str) {
    let schema = match schema["$ref"].as_str() {
        Some(pointer) => document.pointer(&pointer[1..]).unwrap(),
        None => schema,
    };
    if let Some(list) = value.as_array() {
        list.iter().for_each(|item| agrees(document, &schema["items"], item, at));
        return;
    }
    let resolved = |part: &Value| match part["$ref"].as_str() {
        Some(pointer) => document.pointer(&pointer[1..]).unwrap().clone(),
        None => part.clone(),
    };
    let mut parts = vec![schema.clone()];
    parts.extend(schema["allOf"].as_array().into_iter().flatten().map(resolved));
    // `oneOf` stands where a part may be null.
    parts.extend(schema["oneOf"].as_array().into_iter().flatten().map(resolved));
    let Some(members) = value.as_object() else { return };
    if parts.iter().all(|p| p["properties"].is_null()) {
        return;
    }
    for (name, member) in members {
        let known = parts.iter().find_map(|p| p["properties"].get(name));
        let known = known.unwrap_or_else(|| panic!("{at} has {name}, which the document does not know"));
        agrees(document, known, member, &format!("{at}/{name}"));
    }
    for name in parts.iter().flat_map(|p| p["required"].as_array().into_iter().flatten()) {
        assert!(members.contains_key(name.as_str().unwrap()), "{at} lacks {name}");
    }
}

#[test]
fn answers_are_as_the_openapi_document_says() {
    on_sqlite(|h| {
        let s = School::open(h);
        let other = found(&s.h, "Kase Kool", "school");
        enrol(&s.h, &other, "Aadu Allik", &code(2016, 1), json!({}));
        let document = s.h.nobody().get("/api/openapi.json").expect(200).body;
        let shape = |name: &str, answer: Answer| {
            let answer = answer.expect(200).body;
            agrees(&document, &json!({ "$ref": format!("#/components/schemas/{name}") }), &answer, name);
            answer
        };
        let head = s.head();
        let list = shape("Checklist", head.get(&s.path("")));
        let key = finding(&list, "elsewhere").unwrap()["key"].clone();
        shape("ConfirmationNote", head.post(&s.path("/checks"), &json!({ "record_type": "pupil" })));
        shape("ConfirmationNote", head.post(&s.path("/reasons"), &json!({ "key": key, "reason": "kokkuleppel" })));
        let receipt = shape("Receipt", confirm(&head, &s.duty));
        assert_eq!(receipt["reasons"][0]["reason"], "kokkuleppel");
        change(&s.h, "pupil", &s.pupils[0], "2026-12-28", json!({ "class": "2" }));
        shape("Checklist", head.get(&s.path("")));
        shape("DutyPage", head.get(&at("confirmations")));
        shape("DutySummary", head.get(&at("confirmations/summary")));
        shape("ConfirmationProof", head.get(&s.path(&format!("/records/{}/proof", s.pupils[1]))));
    });
}

#[test]
fn a_confirmation_and_its_leaves_cannot_be_altered_behind_the_programs_back() {
    on_sqlite(|h| {
        let s = School::open(h);
        confirm(&s.head(), &s.duty).expect(200);
        for sql in [
            "UPDATE confirmation SET root = 'x' WHERE confirmed_at IS NOT NULL",
            "DELETE FROM confirmation",
            "UPDATE confirmed_record SET version = 9",
            "DELETE FROM confirmed_record",
        ] {
            assert!(s.h.place.sql(sql).is_err(), "{sql}");
        }
    });
}
