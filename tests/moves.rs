//! How children move between records and institutions, on a made-up register of nurseries and schools.

use std::path::Path;

use andmekogu::domain::access::grant::Basis;
use andmekogu::domain::identity::{PersonalCode, Sex};
use andmekogu::store::acts::grants::NewGrant;
use chrono::NaiveDate;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{Answer, Client, Harness, Place, definitions, no_postgres};

pub const REGISTER: &str = "lastehoid";

/// A town with two municipal nurseries, a private one and a school, each with its head.
pub struct Town {
    pub h: Harness,
    pub registrar: Client,
    pub kuuse: String,
    pub kase: String,
    pub private: String,
    pub school: String,
    pub order: String,
}

pub fn path(rest: &str) -> String {
    format!("/registers/{REGISTER}/{rest}")
}

/// A child's invented personal code.
pub fn child(serial: u16) -> String {
    let birth = NaiveDate::from_ymd_opt(2022, 5, 17).unwrap();
    PersonalCode::fictitious_ee(birth, Sex::Male, serial).unwrap().as_str().to_owned()
}

pub fn in_town(scenario: impl Fn(Town)) {
    let start = |place| Town::found(Harness::with(place, definitions(Path::new("tests/registers"))));
    scenario(start(Place::sqlite()));
    match Place::postgres() {
        Some(place) => scenario(start(place)),
        None => no_postgres(),
    }
}

impl Town {
    fn found(h: Harness) -> Self {
        appoint(&h, "registripidaja", "registrar", None);
        appoint(&h, "audiitor", "auditor", None);
        let registrar = h.login("registripidaja");
        let document = |kind: &str| {
            let body = json!({ "kind": kind, "number": "1", "date": "2020-01-01" });
            registrar.post(&path("base-documents"), &body).expect(201).id()
        };
        let (decision, order) = (document("decision"), document("order"));
        let house = |name: &str, kind: &str, owner: &str| {
            let body = json!({ "effective_on": "2020-01-01", "base_document_ids": [decision], "data": {
                "house_name": name, "house_kind": kind, "general_info": { "owner_form": owner },
                "contact": { "email": format!("{}@naidis.example", name.to_lowercase()) } } });
            registrar.post(&path("institutions"), &body).expect(201).id()
        };
        let kuuse = house("Kuuse", "nursery", "municipal");
        let kase = house("Kase", "nursery", "municipal");
        let private = house("Tuvi", "nursery", "private");
        let school = house("Kool", "school", "municipal");
        for (name, institution) in [("kuuse", &kuuse), ("kase", &kase), ("kool", &school)] {
            appoint(&h, name, "head", Some(institution));
        }
        Self { registrar, kuuse, kase, private, school, order, h }
    }

    /// A base document of `by`'s own.
    pub fn document(&self, by: &Client, kind: &str, institution: &str) -> String {
        let body = json!({ "kind": kind, "number": "7", "date": "2026-01-01", "institution_id": institution });
        by.post(&path("base-documents"), &body).expect(201).id()
    }

    /// Enters an application; `more` adds to the data.
    pub fn applies(&self, first_name: &str, code: &str, more: Value) -> String {
        let mut data = json!({ "child_code": code, "first_name": first_name, "last_name": "Tamm",
            "queued_on": "2026-03-01", "choices": [self.kuuse] });
        for (key, value) in more.as_object().unwrap() {
            data[key] = value.clone();
        }
        let body = json!({ "institution_id": self.kuuse, "effective_on": data["queued_on"],
            "base_document_ids": [self.order], "data": data });
        self.registrar.post(&path("records/waiting"), &body).expect(201).id()
    }

    /// Enters a child who has a place.
    pub fn stays(&self, institution: &str, code: &str, more: Value) -> Answer {
        let mut data = json!({ "first_name": "Mari", "last_name": "Tamm", "began_on": "2026-01-10",
            "group_name": "Mesilased" });
        if !code.is_empty() {
            data["child_code"] = json!(code);
        }
        for (key, value) in more.as_object().unwrap() {
            data[key] = value.clone();
        }
        let body = json!({ "institution_id": institution, "effective_on": data["began_on"],
            "base_document_ids": [self.order], "data": data });
        self.registrar.post(&path("records/stay"), &body)
    }

    /// The log entries about a record or a code, as (action, record ids, clause, kind).
    pub fn log_of(&self, subject: &str) -> Vec<Value> {
        let auditor = self.h.login("audiitor");
        auditor.get(&path(&format!("audit?subject={subject}&limit=500"))).expect(200).body["items"]
            .as_array()
            .unwrap()
            .clone()
    }

    fn actions_of(&self, subject: &str) -> Vec<String> {
        // Asking the log stands in it too.
        let actions = self.log_of(subject).into_iter().map(|e| e["action"].as_str().unwrap().to_owned());
        actions.filter(|a| a != "audit.read").collect()
    }

    /// A child of Kuuse with everything that is known of one, and that child's code.
    fn mari(&self) -> (String, String) {
        let code = child(3);
        let stay = self.stays(
            &self.kuuse,
            &code,
            json!({
            "special_needs": "kuulmine", "residence": { "municipality": "Näidislinn", "street": "Kase 1" },
            "guardians": [{ "personal_code": self.h.personal_code("ema"), "last_name": "Tamm" }] }),
        );
        (stay.expect(201).id(), code)
    }

    /// Kuuse offers Mari to Kase; the answer is the move.
    fn offers(&self, stay: &str) -> Value {
        let kuuse = self.h.login("kuuse");
        let own = self.document(&kuuse, "order", &self.kuuse);
        let body = json!({ "move": "transfer", "institution_id": self.kase, "effective_on": "2026-11-20",
            "base_document_ids": [own] });
        kuuse.post(&path(&format!("records/stay/{stay}/moves")), &body).expect(201).body
    }
}

pub fn appoint(h: &Harness, name: &str, role: &str, institution: Option<&str>) {
    let new = NewGrant {
        user_id: h.user(name),
        role: role.to_owned(),
        institution_id: institution.map(|i| Uuid::parse_str(i).unwrap()),
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
fn a_child_moves_and_the_links_stay() {
    in_town(|t| {
        let code = child(1);
        let guardians = json!([{ "personal_code": t.h.personal_code("ema"), "last_name": "Tamm" }]);
        let waiting = t.applies("Juku", &code, json!({ "guardians": guardians }));
        let place = |data: Value| json!({ "move": "placed", "effective_on": "2026-11-01", "base_document_ids": [t.order], "data": data });
        let moves = path(&format!("records/waiting/{waiting}/moves"));
        // Nothing half-done: without a group there is no place, and the application still waits.
        let refused = t.registrar.post(&moves, &place(json!({ "began_on": "2026-11-01" }))).expect(422);
        assert!(refused.has_fault("/group_name", "required"), "{}", refused.text);
        let unknown = json!({ "began_on": "2026-11-01", "group_name": "Mesilased", "shoe_size": 27 });
        assert!(t.registrar.post(&moves, &place(unknown)).expect(422).has_fault("/shoe_size", "unknown_field"));
        let application = path(&format!("records/waiting/{waiting}"));
        assert_eq!(t.registrar.get(&application).expect(200).body["status"], "active");

        let data = json!({ "began_on": "2026-11-01", "group_name": "Mesilased" });
        let made = t.registrar.post(&moves, &place(data.clone())).expect(201).body;
        assert_eq!((&made["state"], &made["clause"]), (&json!("done"), &json!("§ 6 lg 5")));
        let stay = made["record"]["id"].as_str().unwrap().to_owned();
        assert_eq!(made["into"]["id"], json!(stay));
        assert_eq!(made["record"]["data"]["child_code"], json!(code));
        assert_eq!(made["record"]["data"]["guardians"], guardians);
        assert_eq!(made["record"]["data"]["group_name"], "Mesilased");
        // The application ended on the day before, on the statute's ground.
        let ended = t.registrar.get(&application).expect(200).body;
        assert_eq!((&ended["status"], &ended["data"]["left_on"]), (&json!("ended"), &json!("2026-10-31")));
        assert_eq!(ended["data"]["left_ground"], "accepted");
        assert_eq!(
            t.h.place.count("SELECT COUNT(*) FROM record_event WHERE event = 'placed' AND on_day = '2026-11-01'"),
            1
        );
        // A second time there is nothing to move.
        let again = t.registrar.post(&moves, &place(data)).expect(409);
        assert_eq!((&again.body["code"], &again.body["clause"]), (&json!("already_moved"), &json!("§ 6 lg 5")));

        // To school, by whoever may enter in both.
        let body = json!({ "move": "to_school", "institution_id": t.school, "effective_on": "2026-11-19",
            "base_document_ids": [t.order], "data": { "began_on": "2026-11-19", "grade": "1", "parallel": "a" } });
        let to_school = t.registrar.post(&path(&format!("records/stay/{stay}/moves")), &body).expect(201).body;
        let study = to_school["record"]["id"].as_str().unwrap();
        assert_eq!(to_school["record"]["institution_id"], json!(t.school));
        assert_eq!(to_school["record"]["data"].get("guardians"), None, "only what the move names is handed over");

        // From the middle both ends are seen.
        let links = t.registrar.get(&path(&format!("records/stay/{stay}/moves"))).expect(200).body;
        let links: Vec<_> = links["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|m| {
                (
                    m["move"].as_str().unwrap(),
                    m["from"]["id"].as_str().unwrap(),
                    m["into"]["id"].as_str().unwrap(),
                    m["effective_on"].as_str().unwrap(),
                    m["clause"].as_str().unwrap(),
                )
            })
            .collect();
        assert_eq!(
            links,
            [
                ("placed", waiting.as_str(), stay.as_str(), "2026-11-01", "§ 6 lg 5"),
                ("to_school", stay.as_str(), study, "2026-11-19", "§ 6 lg 8")
            ]
        );
        // The act stands in the log of either record.
        let log = t.log_of(&stay);
        let moved: Vec<_> = log.iter().filter(|e| e["action"] == "record.move").collect();
        assert_eq!(moved.len(), 2);
        assert!(moved.iter().all(|e| e["record_ids"].as_array().unwrap().contains(&json!(stay))));
        for action in ["record.create", "record.end"] {
            assert!(log.iter().any(|e| e["action"] == action), "{action}");
        }
    });
}

#[test]
fn a_move_is_refused_where_the_statute_knows_none() {
    in_town(|t| {
        let waiting = t.applies("Juku", &child(1), json!({}));
        let moves = path(&format!("records/waiting/{waiting}/moves"));
        let body = |name: &str, institution: &str, documents: Value| {
            json!({ "move": name, "institution_id": institution, "effective_on": "2026-11-01",
                "base_document_ids": documents, "data": { "began_on": "2026-11-01", "group_name": "Mesilased" } })
        };
        let post = |name: &str, institution: &str, documents: Value| {
            t.registrar.post(&moves, &body(name, institution, documents))
        };
        assert!(post("to_school", &t.kuuse, json!([t.order])).expect(422).has_fault("/move", "not_in_codelist"));
        let school = post("placed", &t.school, json!([t.order])).expect(422);
        assert!(school.has_fault("/institution_id", "not_held_by"), "{}", school.text);
        assert_eq!(school.body["errors"][0]["clause"], "§ 6 lg 2");
        assert!(post("placed", &t.kuuse, json!([])).expect(422).has_fault("/base_document_ids", "required"));
        let application = t.document(&t.registrar, "application", &t.kuuse);
        let wrong = post("placed", &t.kuuse, json!([application])).expect(422);
        assert!(wrong.has_fault("/base_document_ids", "document_kind"), "{}", wrong.text);
        // Before the application there was nothing to move.
        let mut early = body("placed", &t.kuuse, json!([t.order]));
        early["effective_on"] = json!("2026-02-01");
        early["data"]["began_on"] = json!("2026-02-01");
        assert!(t.registrar.post(&moves, &early).expect(422).has_fault("/effective_on", "before_record"));
        // An application that has ended otherwise leads nowhere.
        let end = json!({ "ended_on": "2026-10-01", "ground": "withdrew", "base_document_ids": [t.order] });
        t.registrar.post(&path(&format!("records/waiting/{waiting}/end")), &end).expect(200);
        let late = post("placed", &t.kuuse, json!([t.order])).expect(409);
        assert_eq!(late.body["code"], "already_ended");
        // Whoever enters nothing moves nothing.
        appoint(&t.h, "abiline", "helper", None);
        t.h.login("abiline").post(&moves, &body("placed", &t.kuuse, json!([t.order]))).expect(403);
        // Nor does the same request twice make two records.
        let other = t.applies("Leida", &child(2), json!({}));
        let moves = path(&format!("records/waiting/{other}/moves"));
        let once = t.registrar.with("Idempotency-Key", "koht-1");
        let first = once.post(&moves, &body("placed", &t.kuuse, json!([t.order]))).expect(201).body;
        let second = once.post(&moves, &body("placed", &t.kuuse, json!([t.order]))).expect(201).body;
        assert_eq!((&first["id"], &first["into"]["id"]), (&second["id"], &second["into"]["id"]));
        assert_eq!(t.h.place.count("SELECT COUNT(*) FROM record WHERE record_type = 'stay'"), 1);
    });
}

#[test]
fn a_transfer_is_offered_and_accepted_with_what_the_statute_hands_over() {
    in_town(|t| {
        let (stay, code) = t.mari();
        let offer = t.offers(&stay);
        assert_eq!((&offer["state"], &offer["into"]["id"]), (&json!("offered"), &Value::Null));
        let (kuuse, kase) = (t.h.login("kuuse"), t.h.login("kase"));
        let old = kuuse.get(&path(&format!("records/stay/{stay}"))).expect(200).body;
        assert_eq!((&old["data"]["ended_on"], &old["data"]["end_ground"]), (&json!("2026-11-19"), &json!("moved")));
        kase.get(&path(&format!("records/stay/{stay}"))).expect(404);

        // The list says that there is an offer, not whose.
        let list = kase.get(&path(&format!("moves?state=offered&institution_id={}", t.kase))).expect(200);
        assert_eq!(list.body["items"].as_array().unwrap().len(), 1);
        assert!(!list.text.contains(&code) && !list.text.contains(&stay), "{}", list.text);
        assert!(t.h.login("kool").get(&path("moves")).expect(200).body["items"].as_array().unwrap().is_empty());
        let id = offer["id"].as_str().unwrap().to_owned();
        let one = path(&format!("moves/{id}"));
        t.h.login("kool").get(&one).expect(404);
        assert!(!t.actions_of(&stay).contains(&"record.hand_over".to_owned()), "a list hands nothing over");

        // Opening it is the handing over: only what the move names, and in the log under its clause.
        let opened = kase.with("X-Purpose", "uus laps").get(&one).expect(200);
        let carried = &opened.body["carried"];
        assert_eq!((&carried["child_code"], &carried["first_name"]), (&json!(code), &json!("Mari")));
        for kept in ["special_needs", "residence", "group_name"] {
            assert_eq!(carried.get(kept), None, "{kept} stays where it is");
        }
        let log = t.log_of(&stay);
        let handed = log.iter().find(|e| e["action"] == "record.hand_over").unwrap();
        assert_eq!((&handed["kind"], &handed["clause"]), (&json!("read"), &json!("§ 6 lg 7")));
        assert_eq!((&handed["purpose"], &handed["actor"]["name"]), (&json!("uus laps"), &json!("kase")));
        assert!(handed["fields"].as_array().unwrap().contains(&json!("guardians")));
        assert!(kuuse.get(&one).expect(200).body.get("carried").is_none(), "the giver is handed nothing");

        let own = t.document(&kase, "order", &t.kase);
        let accept = |by: &Client, data: Value| {
            let body = json!({ "effective_on": "2026-11-20", "base_document_ids": [own], "data": data });
            by.post(&format!("{one}/acceptance"), &body)
        };
        let data = json!({ "began_on": "2026-11-20", "group_name": "Sipelgad" });
        accept(&kuuse, data.clone()).expect(403);
        assert!(accept(&kase, json!({ "began_on": "2026-11-20" })).expect(422).has_fault("/group_name", "required"));
        let early = json!({ "effective_on": "2026-11-01", "base_document_ids": [own], "data": data });
        let early = kase.post(&format!("{one}/acceptance"), &early).expect(422);
        assert!(early.has_fault("/effective_on", "before_end"));
        let accepted = accept(&kase, data.clone()).expect(201).body;
        assert_eq!(accepted["state"], "done");
        let new = &accepted["record"];
        assert_eq!((&new["institution_id"], &new["data"]["group_name"]), (&json!(t.kase), &json!("Sipelgad")));
        assert_eq!(new["data"]["guardians"][0]["personal_code"], json!(t.h.personal_code("ema")));
        assert_eq!((new["data"].get("special_needs"), new["data"].get("residence")), (None, None));
        assert_eq!(new.get("warnings"), None, "whoever has left is not in two places");
        assert_eq!(accept(&kase, data).expect(409).body["code"], "not_open");
        assert_eq!(t.h.place.count("SELECT COUNT(*) FROM record_event WHERE event = 'left'"), 1);
        let links = kuuse.get(&path(&format!("records/stay/{stay}/moves"))).expect(200).body;
        assert_eq!(links["items"][0]["into"]["id"], new["id"]);
    });
}

#[test]
fn an_offer_is_declined_with_a_reason_withdrawn_and_made_again() {
    in_town(|t| {
        let (stay, _) = t.mari();
        let (kuuse, kase) = (t.h.login("kuuse"), t.h.login("kase"));
        let offer = t.offers(&stay);
        let one = path(&format!("moves/{}", offer["id"].as_str().unwrap()));
        assert!(
            kase.post(&format!("{one}/refusal"), &json!({ "reason": " " }))
                .expect(422)
                .has_fault("/reason", "required")
        );
        kuuse.post(&format!("{one}/refusal"), &json!({ "reason": "kohti pole" })).expect(403);
        kase.post(&format!("{one}/withdrawal"), &json!({})).expect(403);
        let declined = kase.post(&format!("{one}/refusal"), &json!({ "reason": "kohti pole" })).expect(200).body;
        assert_eq!((&declined["state"], &declined["reason"]), (&json!("declined"), &json!("kohti pole")));
        assert!(kase.get(&one).expect(200).body.get("carried").is_none(), "nothing is handed over any more");
        kuuse.post(&format!("{one}/withdrawal"), &json!({})).expect(409);

        // The record ended with the offer, so that it can be offered again.
        let second = t.offers(&stay);
        let two = path(&format!("moves/{}", second["id"].as_str().unwrap()));
        let withdrawn = kuuse.post(&format!("{two}/withdrawal"), &json!({ "reason": "eksitus" })).expect(200).body;
        assert_eq!(withdrawn["state"], "withdrawn");
        let own = t.document(&kase, "order", &t.kase);
        let body =
            json!({ "base_document_ids": [own], "data": { "began_on": "2026-11-20", "group_name": "Sipelgad" } });
        assert_eq!(kase.post(&format!("{two}/acceptance"), &body).expect(409).body["code"], "not_open");
        let links = kuuse.get(&path(&format!("records/stay/{stay}/moves"))).expect(200).body;
        let states: Vec<_> = links["items"].as_array().unwrap().iter().map(|m| m["state"].clone()).collect();
        assert_eq!(states, ["declined", "withdrawn"]);
        assert_eq!(t.h.place.count("SELECT COUNT(*) FROM record_event"), 0, "nobody has moved");
    });
}

#[test]
fn an_institution_holds_only_what_the_statute_gives_it() {
    in_town(|t| {
        let stay = |institution: &str| t.stays(institution, &child(1), json!({}));
        let school = stay(&t.school).expect(422);
        assert!(school.has_fault("/institution_id", "not_held_by"));
        assert_eq!(school.body["errors"][0]["clause"], "§ 6 lg 2");
        stay(&t.private).expect(201);
        // Applications are the municipal nurseries' only.
        let body = json!({ "institution_id": t.private, "effective_on": "2026-03-01", "base_document_ids": [t.order],
            "data": { "child_code": child(2), "first_name": "Juku", "last_name": "Tamm", "queued_on": "2026-03-01",
                      "choices": [t.private] } });
        let private = t.registrar.post(&path("records/waiting"), &body).expect(422);
        assert!(private.has_fault("/institution_id", "not_held_by"));
        assert_eq!(private.body["errors"][0]["clause"], "§ 6 lg 1");
        // It is the kind on the day that counts.
        let house = path(&format!("institutions/{}", t.private));
        let decision = t.document(&t.registrar, "decision", &t.private);
        let change = json!({ "effective_on": "2026-06-01", "base_document_ids": [decision],
            "data": { "general_info": { "owner_form": "municipal" } } });
        t.registrar.patch(&house, 1, &change).expect(200);
        t.registrar.post(&path("records/waiting"), &body).expect(422);
        let mut later = body;
        later["effective_on"] = json!("2026-06-01");
        later["data"]["queued_on"] = json!("2026-06-01");
        t.registrar.post(&path("records/waiting"), &later).expect(201);
        // Everybody can read who holds what.
        let definition = t.registrar.get(&format!("/registers/{REGISTER}")).expect(200).body;
        let waiting = definition["record_types"].as_array().unwrap().iter().find(|r| r["name"] == "waiting").unwrap();
        assert_eq!(waiting["held_by"][0]["clause"], "§ 6 lg 1");
        assert_eq!(waiting["repeated_in"], json!(["§ 6 lg 4"]));
    });
}

#[test]
fn the_same_code_in_two_institutions_warns_both_heads_once() {
    in_town(|t| {
        let code = child(5);
        t.stays(&t.kuuse, &code, json!({})).expect(201);
        let letters = || t.h.place.count("SELECT COUNT(*) FROM outbox WHERE letter = 'held-elsewhere'");
        assert_eq!(letters(), 0);
        let second = t.stays(&t.kase, &code, json!({ "began_on": "2026-02-01" })).expect(201);
        let warning = &second.body["warnings"][0];
        assert_eq!((&warning["code"], &warning["clause"]), (&json!("held_elsewhere"), &json!("§ 6 lg 6")));
        assert!(!second.text.contains(&t.kuuse), "the warning names no other institution");
        assert_eq!(letters(), 2);
        for address in ["kuuse@naidis.example", "kase@naidis.example"] {
            let sql = format!("SELECT COUNT(*) FROM outbox WHERE address = '{address}'");
            assert_eq!(t.h.place.count(&sql), 1, "{address}");
        }
        let words = t.h.place.text("SELECT MIN(words) FROM outbox");
        assert!(!words.contains(&code) && !words.contains("Mari"), "no personal data: {words}");
        // Whoever enters again is warned again; nobody is written to twice.
        let change = json!({ "effective_on": "2026-03-01", "base_document_ids": [t.order],
            "data": { "group_name": "Sipelgad" } });
        let changed = t.registrar.patch(&path(&format!("records/stay/{}", second.id())), 1, &change).expect(200);
        assert_eq!(changed.body["warnings"][0]["code"], "held_elsewhere");
        assert_eq!(letters(), 2);
        // One after the other is no doubling, nor are two children without a code.
        let other = child(6);
        t.stays(&t.kuuse, &other, json!({ "ended_on": "2026-05-31", "end_ground": "moved" })).expect(201);
        let after = t.stays(&t.kase, &other, json!({ "began_on": "2026-06-01" })).expect(201);
        assert_eq!(after.body.get("warnings"), None);
        for (house, id) in [(&t.kuuse, "RU-1"), (&t.kase, "RU-2")] {
            let foreign = t.stays(house, "", json!({ "other_id": id })).expect(201);
            assert_eq!(foreign.body.get("warnings"), None);
        }
        assert_eq!(letters(), 2);
    });
}

#[test]
fn a_child_without_a_code_is_known_by_another_identifier_and_moves_too() {
    in_town(|t| {
        let body = |data: Value| json!({ "institution_id": t.kuuse, "effective_on": "2026-03-01", "base_document_ids": [t.order], "data": data });
        let mut data =
            json!({ "first_name": "Olha", "last_name": "Näidis", "queued_on": "2026-03-01", "choices": [t.kuuse] });
        let none = t.registrar.post(&path("records/waiting"), &body(data.clone())).expect(422);
        assert!(none.has_fault("/other_id", "required"));
        data["other_id"] = json!("UA-123");
        data["child_code"] = json!(child(4));
        let both = t.registrar.post(&path("records/waiting"), &body(data.clone())).expect(422);
        assert!(both.has_fault("/other_id", "must_be_absent"), "{}", both.text);
        assert_eq!(both.body["errors"][0]["clause"], "§ 6 p 1");
        data.as_object_mut().unwrap().remove("child_code");
        let waiting = t.registrar.post(&path("records/waiting"), &body(data)).expect(201).id();
        let place = json!({ "move": "placed", "effective_on": "2026-11-01", "base_document_ids": [t.order],
            "data": { "began_on": "2026-11-01", "group_name": "Mesilased" } });
        let made = t.registrar.post(&path(&format!("records/waiting/{waiting}/moves")), &place).expect(201).body;
        assert_eq!(made["record"]["data"]["other_id"], "UA-123");
        assert_eq!(made["record"].get("warnings"), None);
    });
}

#[test]
fn a_changed_code_keeps_one_history() {
    in_town(|t| {
        let (old, new) = (child(7), child(8));
        let stay = t.stays(&t.kuuse, &old, json!({})).expect(201).id();
        let record = path(&format!("records/stay/{stay}"));
        t.registrar.get(&record).expect(200);
        let change =
            json!({ "effective_on": "2026-09-01", "base_document_ids": [t.order], "data": { "child_code": new } });
        t.registrar.patch(&record, 1, &change).expect(200);
        t.registrar.get(&record).expect(200);
        let on = |day: &str| {
            t.registrar.get(&format!("{record}?as_of={day}")).expect(200).body["data"]["child_code"].clone()
        };
        assert_eq!((on("2026-08-31"), on("2026-09-01")), (json!(old), json!(new)));
        assert_eq!(t.actions_of(&old), t.actions_of(&new));
        assert!(t.actions_of(&new).iter().any(|a| a == "record.create"), "what was done under the old code too");

        // A code that was never right: no day has it any more, and it still leads to what was done under it.
        let (wrong, right) = (child(9), child(10));
        let stay = t.stays(&t.kuuse, &wrong, json!({})).expect(201).id();
        let record = path(&format!("records/stay/{stay}"));
        let entry = t.registrar.get(&format!("{record}/entries")).expect(200).body["items"][0]["id"].clone();
        let fix = json!({ "entry_id": entry, "reason": "kirjaviga", "base_document_ids": [t.order],
            "data": { "child_code": right } });
        t.registrar.post(&format!("{record}/corrections"), &fix).expect(201);
        assert_eq!(t.actions_of(&wrong), t.actions_of(&right));
        for action in ["record.create", "record.correct"] {
            assert!(t.actions_of(&wrong).iter().any(|a| a == action), "{action}");
        }
        let found = t.registrar.get(&path(&format!("records/stay?q={wrong}"))).expect(200);
        assert!(found.body["items"].as_array().unwrap().is_empty(), "a search for people knows only what is true");
    });
}

#[test]
fn pupils_are_counted_by_class_and_parallel() {
    in_town(|t| {
        let enter = |serial: u16, grade: &str, parallel: Value| {
            let body = json!({ "institution_id": t.school, "effective_on": "2026-09-01", "base_document_ids": [t.order],
                "data": { "child_code": child(serial), "first_name": "Juku", "last_name": "Tamm",
                          "began_on": "2026-09-01", "grade": grade, "parallel": parallel } });
            t.registrar.post(&path("records/study"), &body).expect(201);
        };
        for (serial, grade, parallel) in [(20, "1 Kask", "a"), (21, "1 Kask", "a"), (22, "1 Kask", "b"), (23, "2", "a")]
        {
            enter(serial, grade, json!(parallel));
        }
        let classes = |day: &str| {
            let house = path(&format!("institutions/{}?as_of={day}", t.school));
            t.registrar.get(&house).expect(200).body["data"]["pupils_in_class"].clone()
        };
        assert_eq!(
            classes("2026-09-01"),
            json!([{ "grade": "1 Kask", "parallel": "a", "count": 2 }, { "grade": "1 Kask", "parallel": "b", "count": 1 },
                   { "grade": "2", "parallel": "a", "count": 1 }])
        );
        assert_eq!(classes("2026-08-31"), json!([]));
        let list = t.registrar.get(&path("institutions?q=kool")).expect(200).body;
        assert_eq!(list["items"][0]["data"]["pupils_in_class"].as_array().unwrap().len(), 3);
    });
}

/// The education register as it is shipped, with a preschool, a school, and their heads.
#[test]
fn the_education_register_takes_a_child_from_the_queue_to_preschool_and_to_school() {
    let statute = "tlnharidus";
    let at = |rest: &str| format!("/registers/{statute}/{rest}");
    crate::harness::on_both_databases(|h| {
        let new = NewGrant {
            user_id: h.user("amet"),
            role: "controller".into(),
            institution_id: None,
            sections: None,
            from: NaiveDate::from_ymd_opt(2026, 1, 1).unwrap(),
            until: None,
            basis: Basis { kind: "controllers_order".into(), reference: "1".into() },
            task: None,
            application_id: None,
        };
        h.block_on(h.app.grant_as_installation(statute, new)).unwrap();
        let controller = h.login("amet");
        let document = |by: &Client, kind: &str, institution: Option<&str>| {
            let mut body = json!({ "kind": kind, "number": "1-1/7", "date": "2020-01-02" });
            if let Some(institution) = institution {
                body["institution_id"] = json!(institution);
            }
            by.post(&at("base-documents"), &body).expect(201).id()
        };
        let founding = document(&controller, "institution_statute", None);
        let found = |name: &str, kind: &str, code: &str, head: &str| {
            let body = json!({ "effective_on": "2020-01-02", "base_document_ids": [founding], "data": {
                "institution_name": name, "registry_code": code, "institution_kind": kind,
                "general_info": { "owner_form": "municipal" },
                "contact_info": { "address": "Näidise 1", "email": "asutus@naidis.example" } } });
            let id = controller.post(&at("institutions"), &body).expect(201).id();
            let grant = json!({ "user_id": h.user(head), "role": "institution_head", "institution_id": id,
                "from": "2026-01-01", "basis": { "kind": "appointment", "reference": "1" } });
            controller.post(&at("grants"), &grant).expect(201);
            (id, h.login(head))
        };
        let (preschool, preschool_head) = found("Näidislasteaed", "preschool", "75009007", "lasteaed");
        let (school, school_head) = found("Näidiskool", "general_school", "75009013", "kool");

        let guardians = json!([{ "kind": "parent", "personal_code": h.personal_code("ema"), "last_name": "Tamm",
            "first_name": "Ema" }]);
        let admission = document(&preschool_head, "director_order_admission", Some(&preschool));
        let application = json!({ "institution_id": preschool, "effective_on": "2026-02-01",
            "base_document_ids": [admission], "data": { "personal_code": child(60), "last_name": "Tamm",
                "first_name": "Juku", "queued_on": "2026-02-01", "wanted_from": "2026-09-01",
                "institution": [preschool], "guardians": guardians } });
        let mut elsewhere = application.clone();
        elsewhere["institution_id"] = json!(school);
        elsewhere["base_document_ids"] = json!([document(&school_head, "director_order_admission", Some(&school))]);
        let refused = school_head.post(&at("records/queue_application"), &elsewhere).expect(422);
        assert!(refused.has_fault("/institution_id", "not_held_by"), "{}", refused.text);
        let queued = preschool_head.post(&at("records/queue_application"), &application).expect(201).id();
        let place = preschool_head.get(&at(&format!("records/queue_application/{queued}/queue"))).expect(200).body;
        assert_eq!((&place["number"], &place["of"]), (&json!(1), &json!(1)));

        let body = json!({ "move": "place_accepted", "effective_on": "2026-09-01", "base_document_ids": [admission],
            "data": { "language_of_instruction": "et", "admitted_on": "2026-09-01", "group_registered_on": "2026-09-01",
                "group_name": "Mesilased", "group_kind": "kindergarten", "institution_regcode": "75009007" } });
        let moved =
            preschool_head.post(&at(&format!("records/queue_application/{queued}/moves")), &body).expect(201).body;
        let attends = moved["into"]["id"].as_str().unwrap().to_owned();
        let ended = preschool_head.get(&at(&format!("records/queue_application/{queued}"))).expect(200).body;
        assert_eq!(ended["data"]["left_queue_ground"], "accepted");
        assert_eq!(h.place.count("SELECT COUNT(*) FROM record_event WHERE event = 'place_accepted'"), 1);

        let removal = document(&preschool_head, "director_order_removal", Some(&preschool));
        let body = json!({ "move": "to_school", "institution_id": school, "effective_on": "2026-11-01",
            "base_document_ids": [removal] });
        let offer =
            preschool_head.post(&at(&format!("records/kindergarten_attendance/{attends}/moves")), &body).expect(201);
        assert_eq!(offer.body["state"], "offered");
        let offer = at(&format!("moves/{}", offer.id()));
        let carried = school_head.get(&offer).expect(200).body["carried"].clone();
        assert_eq!(carried["first_name"], "Juku");
        for kept in ["guardians", "special_needs", "group_name"] {
            assert_eq!(carried.get(kept), None, "{kept}");
        }
        let order = document(&school_head, "director_order_removal", Some(&school));
        let body = json!({ "base_document_ids": [order], "data": { "institution": school, "enrolled_on": "2026-11-01",
            "class_code": "1" } });
        let accepted = school_head.post(&format!("{offer}/acceptance"), &body).expect(201).body;
        assert_eq!(accepted["record"]["data"]["personal_code"], json!(child(60)));
        assert_eq!(accepted["record"].get("warnings"), None, "{accepted}");
    });
}
