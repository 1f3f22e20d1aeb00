//! A register that the code has never seen: files alone, and everything works.

use andmekogu::domain::access::grant::Basis;
use andmekogu::store::acts::grants::NewGrant;
use chrono::NaiveDate;
use serde_json::{Value, json};

use crate::harness::people::code;
use crate::harness::{Harness, Place, definitions, no_postgres};

const REGISTER: &str = "paadisadam";

fn with(harness: impl Fn(Harness)) {
    let loaded = || definitions(std::path::Path::new("tests/registers"));
    harness(Harness::with(Place::sqlite(), loaded()));
    match Place::postgres() {
        Some(place) => harness(Harness::with(place, loaded())),
        None => no_postgres(),
    }
}

fn appoint(h: &Harness, name: &str, role: &str) {
    let new = NewGrant {
        user_id: h.user(name),
        role: role.to_owned(),
        institution_id: None,
        sections: None,
        from: NaiveDate::from_ymd_opt(2026, 1, 1).unwrap(),
        until: None,
        basis: Basis { kind: "directive".into(), reference: "1".into() },
        task: None,
        application_id: None,
    };
    h.block_on(h.app.grant_as_installation(REGISTER, new)).unwrap();
}

#[test]
fn a_register_that_the_code_has_never_seen_is_entered_changed_corrected_and_proved() {
    with(|h| {
        for (name, role) in [("kapten", "harbour_master"), ("valve", "coast_guard"), ("audiitor", "auditor")] {
            appoint(&h, name, role);
        }
        let master = h.login("kapten");
        let path = |rest: &str| format!("/registers/{REGISTER}/{rest}");
        let document = |kind: &str| {
            let body = json!({ "kind": kind, "number": "1", "date": "2021-04-01" });
            master.post(&path("base-documents"), &body).expect(201).id()
        };
        let (decision, contract) = (document("decision"), document("mooring_contract"));
        let harbour = master.post(
            &path("institutions"),
            &json!({ "effective_on": "2021-04-01",
            "base_document_ids": [decision], "data": { "harbour_name": "Kalda sadam", "harbour_kind": "lake" } }),
        );
        let harbour = harbour.expect(201).id();
        let boat = |documents: Value, data: Value| {
            master.post(
                &path("records/boat"),
                &json!({ "institution_id": harbour, "effective_on": "2026-05-01",
                "base_document_ids": documents, "data": data }),
            )
        };
        let owner = code(1980, 3);
        let data = json!({ "boat_name": "Kajaks", "length_m": "6.50", "owner_name": "Juhan Kalda", "owner_code": owner,
                           "moored_from": "2026-05-01" });
        // Its own statute speaks in every refusal.
        let wrong_kind = boat(json!([decision]), data.clone()).expect(422);
        assert!(wrong_kind.has_fault("/base_document_ids/0", "document_kind"));
        assert_eq!(wrong_kind.body["errors"][0]["clause"], "§ 7");
        let mut long = data.clone();
        long["length_m"] = json!("60.00");
        let long = boat(json!([contract]), long).expect(422);
        assert!(long.has_fault("/length_m", "range"));
        assert_eq!(long.body["errors"][0]["clause"], "§ 6 p 2");
        let kajaks = boat(json!([contract]), data).expect(201).id();
        let record = path(&format!("records/boat/{kajaks}"));

        master
            .patch(
                &record,
                1,
                &json!({ "effective_on": "2026-12-01", "base_document_ids": [contract],
            "data": { "length_m": "7.00" } }),
            )
            .expect(200);
        let entries = master.get(&format!("{record}/entries")).expect(200).body;
        master
            .post(
                &format!("{record}/corrections"),
                &json!({ "entry_id": entries["items"][0]["id"],
            "reason": "nimi", "base_document_ids": [contract], "data": { "boat_name": "Kajakas" } }),
            )
            .expect(201);
        let on = |day: &str| master.get(&format!("{record}?as_of={day}")).expect(200).body["data"].clone();
        assert_eq!(
            (on("2026-05-01")["boat_name"].clone(), on("2026-05-01")["length_m"].clone()),
            (json!("Kajakas"), json!("6.50"))
        );
        assert_eq!(on("2026-12-01")["length_m"], "7.00");
        let figures = |day: &str| {
            let data =
                master.get(&path(&format!("institutions/{harbour}?as_of={day}"))).expect(200).body["data"].clone();
            (data["boats"].clone(), data["metres"].clone())
        };
        assert_eq!(figures("2026-11-30"), (json!(1), json!("6.50")));
        assert_eq!(figures("2026-12-01"), (json!(1), json!("7.00")));
        assert_eq!(figures("2025-12-01"), (json!(0), json!("0.00")));

        let guard = h.login("valve");
        let seen = guard.get(&record).expect(200);
        assert_eq!(seen.body["redacted"], json!(["owner"]));
        assert!(!seen.text.contains("Juhan") && !seen.text.contains(&owner));
        let refused = guard
            .patch(
                &record,
                3,
                &json!({ "effective_on": "2026-12-01", "base_document_ids": [contract],
            "data": { "length_m": "9.00" } }),
            )
            .expect(403);
        assert_eq!(refused.body["clause"], "§ 8");
        master
            .post(&format!("{record}/end"), &json!({ "ended_on": "2026-10-31", "base_document_ids": [contract] }))
            .expect(200);
        assert_eq!(master.get(&record).expect(200).body["status"], "ended");

        let auditor = h.login("audiitor");
        auditor.get(&record).expect(404);
        let log = auditor.get(&path(&format!("audit?subject={owner}"))).expect(200);
        let actions: Vec<_> = log.body["items"].as_array().unwrap().iter().map(|e| e["action"].clone()).collect();
        for action in ["record.create", "record.change", "record.correct", "record.end", "record.read"] {
            assert!(actions.contains(&json!(action)), "{action} in {actions:?}");
        }
        h.integrated();
        assert!(auditor.get(&path("audit/checkpoint")).expect(200).text.starts_with("log.example/paadisadam\n"));
    });
}
