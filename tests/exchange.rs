//! Data that come from other registers and go to them.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::harness::city::{City, Institution, at, document, form, pupil_code};
use crate::harness::{Answer, Client, on_both_databases};

const ADDRESSES: &str = "Isikukood;Elukoht.AadressTekstina;Elukoht.RiigiKood;Elukoht.VallaKood;Elukoht.VallaNimi;\
                         Elukoht.AsulaNimi;Elukoht.AdsOid;Elukoht.AdsAdrID;Elukoht.Postiindeks;Elukoht.Alates";

fn address(code: &str, street: &str) -> String {
    format!("{code};{street}, Näidislinn;EST;0784;Näidislinn;Kesklinn;EE00000001;1;10911;01.09.2021")
}

impl City {
    fn addresses(&self, by: &Client, rows: &[String], query: &str) -> Answer {
        let answer = document(&self.office, "population_register_data", None);
        let metadata = json!({ "part": "RR437_kool", "effective_on": "2026-10-01", "base_document_ids": [answer] });
        let sheet = format!("{ADDRESSES}\n{}\n", rows.join("\n"));
        let (body, media) = form(&metadata, "rr437.csv", sheet.as_bytes());
        by.send("POST", &at(&format!("exchanges/population_register_addresses/imports{query}")), Some(body), &media)
    }

    fn record(&self, school: &Institution, id: &str) -> Value {
        school.head.get(&at(&format!("records/school_study/{id}"))).expect(200).body
    }

    fn runs(&self) -> Vec<Value> {
        self.office.get(&at("exchanges")).expect(200).body["items"].as_array().unwrap().clone()
    }
}

#[test]
fn a_value_from_elsewhere_is_not_changed_here() {
    on_both_databases(|h| {
        let c = City::open(h);
        let code = pupil_code(2017, 1);
        let typed = c.pupil(&c.school, &code, json!({ "residence_address": { "text": "Omavoli 1" } })).expect(422);
        assert!(typed.has_fault("/residence_address", "source_locked"), "{}", typed.text);
        assert!(typed.text.contains("§ 10 lg 3"), "{}", typed.text);
        let id = c.pupil(&c.school, &code, json!({})).expect(201).id();

        let stranger = pupil_code(2016, 9);
        let rows = [address(&code, "Metsa 5"), address(&stranger, "Välja 1")];
        let report = c.addresses(&c.office, &rows, "").expect(201).body;
        assert_eq!((&report["changed"], &report["unknown"]), (&json!(1), &json!(1)));
        let record = c.record(&c.school, &id);
        assert_eq!(record["data"]["residence_address"]["text"], "Metsa 5, Näidislinn");
        assert_eq!(record["data"]["residence_registered_on"], "2021-09-01");
        assert_eq!(record["sources"]["residence_address"]["source"], "population_register");
        assert_eq!(record["sources"]["class_code"]["source"], Value::Null, "entered by the school");

        let letter = document(&c.school.head, "ehis_data", Some(&c.school.id));
        let change = json!({ "effective_on": "2026-10-05", "base_document_ids": [letter],
            "data": { "residence_address": { "text": "Mujal 1" } } });
        let place = at(&format!("records/school_study/{id}"));
        let refused = c.school.head.patch(&place, 2, &change).expect(422);
        assert!(refused.has_fault("/residence_address", "source_locked"), "{}", refused.text);
        let entries = c.school.head.get(&format!("{place}/entries")).expect(200).body;
        let entry = &entries["items"][1];
        assert_eq!(entry["source"], "population_register");
        let correction = json!({ "entry_id": entry["id"], "reason": "trükiviga", "base_document_ids": [letter],
            "data": { "residence_address": { "text": "Mujal 1" } } });
        let refused = c.school.head.post(&format!("{place}/corrections"), &correction).expect(422);
        assert!(refused.has_fault("/residence_address", "source_locked"), "{}", refused.text);

        let again = c.addresses(&c.office, &[address(&code, "Metsa 5")], "").expect(201).body;
        assert_eq!((&again["unchanged"], &again["changed"]), (&json!(1), &json!(0)), "the same makes no entry");
        assert_eq!(c.record(&c.school, &id)["version"], 2);
        let runs = c.runs();
        assert_eq!(runs.len(), 2);
        assert_eq!(runs[1]["counts"]["unknown"], 1);
    });
}

#[test]
fn a_value_that_the_school_entered_is_locked_once_the_source_has_brought_it() {
    on_both_databases(|h| {
        let c = City::open(h);
        let code = pupil_code(2017, 2);
        let id = c.pupil(&c.school, &code, json!({})).expect(201).id();
        let place = at(&format!("records/school_study/{id}"));
        let letter = document(&c.school.head, "ehis_data", Some(&c.school.id));
        let change = |class: &str| json!({ "effective_on": "2026-09-01", "base_document_ids": [letter], "data": { "class_code": class } });
        c.school.head.patch(&place, 1, &change("3")).expect(200);
        let answer = document(&c.office, "ehis_data", None);
        let part = "laeYldharidus";
        let columns = [
            "isikukood",
            "klEmakeel",
            "klKlassAste",
            "klKlassLiik",
            "klEelnevHaridus",
            "oppeasutusFil",
            "klVahetus",
            "opilaskoduKool",
        ];
        let sheet = format!("{}\n{code};et;II;ordinary;;;;Ei\n", columns.join(";"));
        let metadata = json!({ "part": part, "effective_on": "2026-10-01", "base_document_ids": [answer] });
        let (body, media) = form(&metadata, "ehis.csv", sheet.as_bytes());
        let report = c.office.send("POST", &at("exchanges/ehis_pupils/imports"), Some(body), &media).expect(201).body;
        assert_eq!(report["changed"], 1, "{report}");
        let record = c.record(&c.school, &id);
        assert_eq!(record["sources"]["class_stage"]["source"], "ehis");
        let version = record["version"].as_i64().unwrap();
        let change =
            json!({ "effective_on": "2026-10-02", "base_document_ids": [letter], "data": { "class_stage": "I" } });
        let refused = c.school.head.patch(&place, version, &change).expect(422);
        assert!(refused.has_fault("/class_stage", "source_locked"), "{}", refused.text);
        let change =
            json!({ "effective_on": "2026-10-02", "base_document_ids": [letter], "data": { "class_code": "4" } });
        c.school.head.patch(&place, version, &change).expect(200);
    });
}

#[test]
fn what_came_with_a_fault_is_not_entered_and_every_fault_is_told() {
    on_both_databases(|h| {
        let c = City::open(h);
        let (one, two) = (pupil_code(2017, 3), pupil_code(2017, 4));
        let id = c.pupil(&c.school, &one, json!({})).expect(201).id();
        c.pupil(&c.school, &two, json!({})).expect(201);
        let wrong = address(&two, "Lai 2").replace("01.09.2021", "2021-31-31");
        let refused = c.addresses(&c.office, &[address(&one, "Metsa 5"), wrong], "").expect(422);
        assert!(refused.text.contains("Elukoht.Alates"), "the column is named: {}", refused.text);
        assert_eq!(c.record(&c.school, &id)["version"], 1, "nothing of it is entered");
        let twice = [address(&one, "Metsa 5"), address(&one, "Lai 2")];
        c.addresses(&c.office, &twice, "").expect(422);
        let dry = c.addresses(&c.office, &[address(&one, "Metsa 5")], "?dry_run=true").expect(200).body;
        assert_eq!((&dry["state"], &dry["changed"]), (&json!("checked"), &json!(1)));
        assert_eq!(c.record(&c.school, &id)["version"], 1);
        assert!(c.runs().is_empty());
        let head = c.addresses(&c.school.head, &[address(&one, "Metsa 5")], "").expect(403);
        assert!(head.body["clause"].is_string(), "{}", head.text);
    });
}

#[test]
fn what_goes_to_another_register_stands_in_the_ledger() {
    on_both_databases(|h| {
        let c = City::open(h);
        let order = document(&c.hobby_school.head, "hobby_director_order_admission", Some(&c.hobby_school.id));
        let code = pupil_code(2014, 5);
        let body = json!({ "institution_id": c.hobby_school.id, "effective_on": "2025-09-01",
            "base_document_ids": [order], "data": { "personal_code": code, "last_name": "Kask", "first_name": "Liis",
                "curriculum_name": "Viiul", "hobby_group": "1", "school_started_on": "2025-09-01",
                "group_started_on": "2025-09-01" } });
        let id = c.hobby_school.head.post(&at("records/hobby_study"), &body).expect(201).id();

        c.hobby_school.head.post(&at("exchanges/ehis_hobby/runs?part=oppur"), &json!({})).expect(403);
        c.office.post(&at("exchanges/ehis_hobby/runs"), &json!({})).expect(400);
        let sent = c.office.post(&at("exchanges/ehis_hobby/runs?part=oppur&format=csv"), &json!({})).expect(200);
        assert!(sent.text.contains(&code), "{}", sent.text);
        assert!(!sent.text.contains("Kask"), "names are no part of the profile: {}", sent.text);
        let ledger = c.office.get(&at("disclosures")).expect(200).body["items"][0].clone();
        assert_eq!(ledger["channel"], "exchange");
        assert_eq!(ledger["clause"], "§ 10 lg 2");
        assert_eq!(ledger["recipient"]["name"], "Eesti hariduse infosüsteem");
        let digest: String = Sha256::digest(sent.text.as_bytes()).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(ledger["digest"], digest, "the ledger keeps the digest of exactly what left");
        let full = c.office.get(&at(&format!("disclosures/{}", ledger["id"].as_str().unwrap()))).expect(200).body;
        assert_eq!(full["subjects"]["items"], json!([id]));
        assert_eq!(c.runs()[0]["disclosure_id"], ledger["id"]);
    });
}

#[test]
fn an_address_is_handed_over_with_the_child() {
    on_both_databases(|h| {
        let c = City::open(h);
        let code = pupil_code(2017, 6);
        let id = c.pupil(&c.school, &code, json!({})).expect(201).id();
        c.addresses(&c.office, &[address(&code, "Metsa 5")], "").expect(201);
        let letter = document(&c.school.head, "ehis_data", Some(&c.school.id));
        let body = json!({ "move": "transfer", "institution_id": c.other_school.id, "effective_on": "2026-11-01",
            "base_document_ids": [letter] });
        let offer = c.school.head.post(&at(&format!("records/school_study/{id}/moves")), &body).expect(201).id();
        let offer = at(&format!("moves/{offer}"));
        let carried = c.other_school.head.get(&offer).expect(200).body["carried"].clone();
        assert_eq!(carried["residence_address"]["text"], "Metsa 5, Näidislinn", "{carried}");
        let list = document(&c.other_school.head, "ehis_data", Some(&c.other_school.id));
        let body = json!({ "base_document_ids": [list], "data": { "institution": c.other_school.id,
            "enrolled_on": "2026-11-01", "class_code": "2" } });
        let accepted = c.other_school.head.post(&format!("{offer}/acceptance"), &body).expect(201).body;
        assert_eq!(accepted["record"]["data"]["residence_address"]["text"], "Metsa 5, Näidislinn");
    });
}

#[test]
fn what_leaves_says_what_it_means_in_law() {
    on_both_databases(|h| {
        let c = City::open(h);
        c.pupil(&c.school, &pupil_code(2017, 7), json!({})).expect(201);
        let sent = c.office.post(&at("exchanges/ehis_hobby/runs?part=oppur"), &json!({})).expect(200).body;
        assert_eq!(sent["legal_effect"]["clause"], "§ 16");
        assert_eq!(sent["legal_effect"]["label"]["et"], "Infosüsteemi kantud andmetel on informatiivne tähendus.");
        let asked = json!({
            "requester": { "name": "Näidisamet", "kind": "authority", "contact": "Tänav 1" }, "object": "Õpilased",
            "record_type": "school_study", "fields": ["class_code"], "filter": {}, "purpose": "klassikohtade kavandamine",
            "legal_basis": "seaduse § 1" });
        let request = c.office.post(&at("disclosure-requests"), &asked).expect(201).id();
        let granted =
            json!({ "outcome": "granted", "ground": "public_task", "act": "seaduse § 1", "explanation": "ülesanne" });
        c.office.post(&at(&format!("disclosure-requests/{request}/decision")), &granted).expect(200);
        let release = at(&format!("disclosure-requests/{request}/release"));
        let left = c.office.post(&release, &json!({})).expect(200).body;
        assert_eq!(left["disclosure"]["legal_effect"]["clause"], "§ 16");
    });
}
