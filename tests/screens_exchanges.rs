//! Exchanges with other registers at the screen: sent with an entry in the ledger, received after a trial.

use serde_json::json;

use crate::harness::city::{City, at, document, pupil_code};
use crate::harness::on_both_databases;
use crate::harness::visitor::Filled;

const PAGE: &str = "/r/tlnharidus/exchanges";
const ADDRESSES: &str = "Isikukood;Elukoht.AadressTekstina;Elukoht.RiigiKood;Elukoht.VallaKood;Elukoht.VallaNimi;\
                         Elukoht.AsulaNimi;Elukoht.AdsOid;Elukoht.AdsAdrID;Elukoht.Postiindeks;Elukoht.Alates";

#[test]
fn what_is_sent_stands_in_the_ledger_and_what_is_agreed_is_shown_with_its_clauses() {
    on_both_databases(|h| {
        let c = City::open(h);
        let code = pupil_code(2014, 5);
        let order = document(&c.hobby_school.head, "hobby_director_order_admission", Some(&c.hobby_school.id));
        let body = json!({ "institution_id": c.hobby_school.id, "effective_on": "2025-09-01",
            "base_document_ids": [order], "data": { "personal_code": code, "last_name": "Kask", "first_name": "Liis",
                "curriculum_name": "Viiul", "hobby_group": "1", "school_started_on": "2025-09-01",
                "group_started_on": "2025-09-01" } });
        c.hobby_school.head.post(&at("records/hobby_study"), &body).expect(201);
        let v = c.h.visit_as("amet");
        let list = v.get(PAGE).expect(200);
        assert!(!list.all(".tasks .law").is_empty() && list.text().contains("Andmeid ei ole veel vahetatud"));
        let one = v.get(&format!("{PAGE}/ehis_hobby")).expect(200);
        assert!(!one.all("table .law").is_empty(), "every column has its clause");
        let bad = v.send(&one.form("/send").set("as_of", "eile")).expect(422);
        assert!(bad.text().contains("Kirjuta kuupäev kujul 1.9.2026."), "{}", bad.text());
        let file = v.send(&bad.form("/send").set("as_of", "20.11.2026").set("part", "oppur")).expect(200);
        assert!(file.headers["content-disposition"].contains("ehis_hobby"), "{:?}", file.headers);
        assert!(file.html.contains(&code));
        let runs = c.office.get(&at("exchanges")).expect(200).body["items"].as_array().unwrap().clone();
        assert_eq!((runs.len(), runs[0]["disclosure_id"].is_string()), (1, true));
        let again = v.get(PAGE).expect(200);
        assert!(again.attributes("table a", "href")[0].contains(runs[0]["disclosure_id"].as_str().unwrap()));
    });
}

#[test]
fn what_comes_is_tried_before_it_is_taken_in_and_a_head_is_refused_with_the_clause() {
    on_both_databases(|h| {
        let c = City::open(h);
        let code = pupil_code(2017, 1);
        let id = c.pupil(&c.school, &code, json!({})).expect(201).id();
        let v = c.h.visit_as("amet");
        let one = v.get(&format!("{PAGE}/population_register_addresses")).expect(200);
        let form = one
            .form("/receive")
            .set("part", "RR437_kool")
            .set("effective_on", "1.10.2026")
            .set("document_number", "RR-1")
            .set("document_date", "1.10.2026");
        let sheet = format!(
            "{ADDRESSES}\n{code};Metsa 5, Näidislinn;EST;0784;Näidislinn;Kesklinn;EE00000001;1;10911;01.09.2021\n"
        );
        let trial = v.upload(&form, &[("file", "rr.csv", sheet.as_bytes())]).expect(200);
        assert!(trial.text().contains("Midagi ei ole veel salvestatud"), "{}", trial.text());
        assert!(trial.text().contains("Salvesta kirjeid: 1"), "{}", trial.text());
        let record = || c.school.head.get(&at(&format!("records/school_study/{id}"))).expect(200).body;
        assert!(record()["data"]["residence_address"].is_null());
        let done = v.send(&trial.form("/save")).expect(200);
        assert!(done.text().contains("Andmed on vastu võetud."), "{}", done.text());
        assert_eq!(record()["data"]["residence_address"]["text"], "Metsa 5, Näidislinn");

        let refused = c.h.visit_as("kool").get(PAGE).expect(403);
        assert!(!refused.all("main .law").is_empty(), "{}", refused.text());
        let other = v.upload(&form, &[("file", "rr.csv", b"Isikukood\n1\n")]).expect(422);
        assert!(other.text().contains("See vorm on juba saadetud"), "{}", other.text());
        let anew = v.get(&format!("{PAGE}/population_register_addresses")).expect(200).form("/receive");
        let form = Filled { fields: form.fields.into_iter().filter(|(n, _)| n != "once").collect(), ..anew.clone() };
        let form = form.set("once", anew.value("once").unwrap()).set("document_number", "RR-2");
        let short = v.upload(&form, &[("file", "rr.csv", b"Isikukood\n1\n")]).expect(422);
        assert!(short.text().contains("See veerg puudub."), "{}", short.text());
    });
}
