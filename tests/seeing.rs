//! Asking for the data about oneself: who may ask for whom, how identity is proved, what stops the clock, who decides, and
//! what comes out.

use andmekogu::domain::access::grant::Basis;
use andmekogu::store::acts::grants::NewGrant;
use chrono::NaiveDate;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::finland::{Register, code, with};
use crate::harness::{Answer, Client, REGISTER, on_both_databases};

const KIND: &str = "data_subject_request";

/// A register with its keeper, an institution and who decides.
struct Desk {
    r: Register,
    keeper: Client,
    clerk: Client,
    school: String,
}

/// With rectors who decide, and somebody who enters students.
fn with_rectors(name: &'static str, clerk: &'static str, scenario: impl Fn(Desk)) {
    with(name, |r| {
        let keeper = r.appointed("kontakt", "contact_person");
        r.appointed("rektor", "rector");
        let school = r.institution(&keeper, "decision", json!({ "institution_name": "Optima" }));
        let clerk = r.given(&keeper, "antecknar", clerk, json!({}));
        scenario(Desk { r, keeper, clerk, school });
    });
}

impl Desk {
    fn student(&self, code: &str, name: &str, guardian: &str) -> String {
        let mut data = json!({ "personal_code": code, "name": name, "valid_from": "2026-02-01",
            "guardians": [{ "name": "Anna Berg", "personal_code": guardian }] });
        if self.r.name == "optima-abilitas" {
            data["talks"] = json!([{ "date": "2026-02-03", "text": "Samtal om skolan." }]);
        } else {
            data["guardians"] = json!([{ "name": "Anna Berg", "personal_code": guardian }]);
        }
        self.r.enter(&self.clerk, "student", &self.school, "note", data).expect(201).id()
    }

    /// Whoever decides, logged in anew: tokens end with the clock.
    fn rector(&self) -> Client {
        self.r.h.login("rektor")
    }

    fn ask(&self, by: &Client, details: Value) -> Answer {
        by.post(&self.r.path("cases"), &json!({ "kind": KIND, "subject": "", "text": "", "details": details }))
    }

    /// A letter that an officer takes in.
    fn letter(&self, from: Value, details: Value, received_on: &str) -> Answer {
        let body = json!({ "kind": KIND, "subject": "", "text": "Jag vill se mina uppgifter.", "from": from,
            "received_on": received_on, "details": details });
        self.r.h.login("kontakt").post(&self.r.path("cases"), &body)
    }

    fn step(&self, by: &Client, id: &str, step: &Value) -> Answer {
        by.post(&self.r.path(&format!("cases/{id}/steps")), step)
    }

    fn decide(&self, by: &Client, id: &str, outcome: &str, more: Value) -> Answer {
        let mut step = json!({ "act": "decide", "outcome": outcome, "text": "enligt begäran" });
        for (key, value) in more.as_object().unwrap() {
            step[key] = value.clone();
        }
        self.step(by, id, &step)
    }

    fn give(&self, by: &Client, id: &str, format: &str) -> Answer {
        by.post(&self.r.path(&format!("cases/{id}/release?format={format}")), &json!({}))
    }
}

/// A role given by the installation to somebody who is a user already.
fn appoint(r: &Register, user: Uuid, role: &str) {
    let new = NewGrant {
        user_id: user,
        role: role.to_owned(),
        institution_id: None,
        sections: None,
        from: NaiveDate::from_ymd_opt(2026, 1, 1).unwrap(),
        until: None,
        basis: Basis { kind: r.basis(role), reference: "3/2026".into() },
        task: None,
        application_id: None,
    };
    r.h.block_on(r.h.app.grant_as_installation(r.name, new)).unwrap();
}

fn conflict(answer: Answer, code: &str, clause: &str) {
    let answer = answer.expect(409);
    assert_eq!((&answer.body["code"], &answer.body["clause"]), (&json!(code), &json!(clause)), "{}", answer.text);
}

#[test]
fn a_pupil_of_fifteen_asks_for_herself_and_gets_all_that_is_about_her_and_nothing_else() {
    with_rectors("optima-primus-wilma-kurre", "staff", |d| {
        let (elsa, nils, guardian) = (code(2011, 5, 6, 1), code(2011, 5, 7, 2), code(1980, 1, 2, 3));
        let record = d.student(&elsa, "Elsa Berg", &guardian);
        d.student(&nils, "Nils Holm", &guardian);
        d.r.user("elsa", Some(&elsa));
        let own = d.r.h.login("elsa");
        // Nobody asks in another's name, or says themselves that they have proved who they are.
        let other = d.ask(&own, json!({ "subject": { "personal_code": nils } })).expect(422);
        assert!(other.has_fault("/details/subject", "not_own"), "{}", other.text);
        let proof = json!({ "proof": { "way": "in_person", "reference": "pass" } });
        assert!(d.ask(&own, proof).expect(422).has_fault("/details/proof", "not_yours"));
        let forged =
            json!({ "kind": KIND, "subject": "", "text": "", "from": { "name": "Nils Holm", "contact": "x" } });
        assert!(own.post(&d.r.path("cases"), &forged).expect(422).has_fault("/from", "not_yours"));

        let case = d.ask(&own, json!({})).expect(201);
        assert_eq!(case.body["details"]["proof"]["way"], "login");
        // One month from 20 November is a Sunday.
        assert_eq!(
            (&case.body["deadline"]["nominal"], &case.body["deadline"]["due"]),
            (&json!("2026-12-20"), &json!("2026-12-21"))
        );
        assert_eq!(case.body["deadline"]["clause"], "Dataskyddsförordningen artikel 12");
        let id = case.id();
        // The contact person prepares it; the rectors decide and give out.
        let refused = d.decide(&d.keeper, &id, "granted", json!({})).expect(403);
        assert_eq!(refused.body["clause"], "Rätt till insyn", "{}", refused.text);
        conflict(d.give(&d.rector(), &id, "json"), "not_decided", "Rätt till insyn");
        d.decide(&d.rector(), &id, "granted", json!({})).expect(200);
        conflict(
            d.decide(&d.rector(), &id, "refused", json!({ "ground": "rights_of_others" })),
            "already_decided",
            "Rätt till insyn",
        );
        d.give(&d.keeper, &id, "json").expect(403);
        d.give(&own, &id, "json").expect(403);
        let extract = d.give(&d.rector(), &id, "json").expect(200);
        let records = extract.body["records"].as_array().unwrap();
        assert_eq!((records.len(), &records[0]["id"]), (1, &json!(record)));
        assert_eq!(records[0]["data"]["name"], "Elsa Berg");
        assert!(!extract.text.contains("Nils Holm"));
        assert!(extract.body["processing"]["remedies"].as_str().is_some_and(|r| !r.is_empty()));
        assert!(d.give(&d.rector(), &id, "pdf").expect(200).text.starts_with("%PDF-"));
        // It stands in the ledger, and she sees that it was given to her.
        assert_eq!(d.rector().get(&d.r.path("disclosures")).expect(200).body["items"].as_array().unwrap().len(), 2);
        let seen = d.r.h.login("elsa").get("/me/disclosures").expect(200);
        assert_eq!(seen.body["items"][0]["recipient"], "Käyttäjä elsa", "{}", seen.text);
        d.step(&d.rector(), &id, &json!({ "act": "notify", "channel": "post", "text": "skickat" })).expect(200);
        d.step(&d.rector(), &id, &json!({ "act": "close" })).expect(200);
        conflict(d.give(&d.rector(), &id, "json"), "case_over", "Rätt till insyn");
    });
}

#[test]
fn a_guardian_proves_who_they_are_and_the_clock_waits_for_it_once_asked() {
    with_rectors("optima-abilitas", "counsellor", |d| {
        let (elsa, guardian) = (code(2011, 5, 6, 1), code(1980, 1, 2, 3));
        d.student(&elsa, "Elsa Berg", &guardian);
        d.r.user("vardnadshavare", Some(&guardian));
        let ward = json!({ "standing": "guardian", "subject": { "personal_code": elsa } });
        let case = d.ask(&d.r.h.login("vardnadshavare"), ward).expect(201);
        let id = case.id();
        assert_eq!(case.body["details"]["guardianship"], "record");
        // Here a login is no proof, and until one is asked for the time runs.
        assert!(case.body["details"].get("proof").is_none());
        assert_eq!(case.body["deadline"]["due"], "2026-12-21");
        conflict(d.decide(&d.rector(), &id, "granted", json!({})), "identity_not_proved", "Rätt till insyn");
        let asked =
            d.step(&d.keeper, &id, &json!({ "act": "ask_identity", "text": "Styrk din identitet." })).expect(200);
        assert_eq!((&asked.body["state"], &asked.body["deadline"]), (&json!("clarifying"), &Value::Null));
        let extend = json!({ "act": "extend", "text": "mycket att gå igenom" });
        assert_eq!(d.step(&d.keeper, &id, &extend).expect(409).body["code"], "clock_stands");
        d.r.h.set_clock("2026-12-01T10:00:00Z");
        let keeper = d.r.h.login("kontakt");
        let identify =
            |details: Value| d.step(&keeper, &id, &json!({ "act": "identify", "text": "Brev.", "details": details }));
        let wrong = identify(json!({ "way": "login", "reference": "x" })).expect(422);
        assert!(wrong.has_fault("/details/way", "not_in_codelist"), "{}", wrong.text);
        assert!(identify(json!({ "way": "signed_letter" })).expect(422).has_fault("/details/reference", "required"));
        let future = json!({ "way": "signed_letter", "reference": "77/2026", "on": "2026-12-02" });
        assert!(identify(future).expect(422).has_fault("/details/on", "future"));
        let proved = identify(json!({ "way": "signed_letter", "reference": "77/2026" })).expect(200);
        // A month from the day of the proof is New Year's Day, a Friday.
        let deadline = &proved.body["deadline"];
        assert_eq!(
            (&deadline["nominal"], &deadline["due"]),
            (&json!("2027-01-01"), &json!("2027-01-04")),
            "{}",
            proved.text
        );
        assert_eq!(
            (&proved.body["received_on"], &proved.body["counted_from"]),
            (&json!("2026-11-20"), &json!("2026-12-01"))
        );
        // A part is held back, with its ground.
        let part = |held: Value| json!({ "ground": "rights_of_others", "details": { "held_back": held } });
        let nothing = d.decide(&d.rector(), &id, "partly_granted", part(json!([]))).expect(422);
        assert!(nothing.has_fault("/details/held_back", "required"), "{}", nothing.text);
        let unknown = d.decide(&d.rector(), &id, "partly_granted", part(json!(["student/secrets"]))).expect(422);
        assert!(unknown.has_fault("/details/held_back", "not_in_codelist"), "{}", unknown.text);
        let decided = d.decide(&d.rector(), &id, "partly_granted", part(json!(["student/talks"]))).expect(200);
        assert_eq!(decided.body["decision"]["clause"], "Dataskyddsförordningen artikel 15");
        let extract = d.give(&d.rector(), &id, "json").expect(200);
        assert!(extract.text.contains("Elsa Berg") && !extract.text.contains("Samtal om skolan."), "{}", extract.text);
    });
}

#[test]
fn nobody_asks_for_somebody_who_has_come_of_age() {
    with_rectors("optima-abilitas", "counsellor", |d| {
        let guardian = code(1980, 1, 2, 3);
        // Eighteen yesterday; eighteen on Wednesday.
        let (grown, nearly) = (code(2008, 11, 19, 4), code(2008, 11, 25, 5));
        d.student(&grown, "Nils Berg", &guardian);
        d.student(&nearly, "Maj Berg", &guardian);
        d.r.user("vardnadshavare", Some(&guardian));
        let own = d.r.h.login("vardnadshavare");
        let ward = |code: &str| json!({ "standing": "guardian", "subject": { "personal_code": code } });
        let refused = d.ask(&own, ward(&grown)).expect(422);
        assert!(refused.has_fault("/details/standing", "not_minor"), "{}", refused.text);
        assert_eq!(refused.body["errors"][0]["clause"], "Rätt till insyn");
        let ids: Vec<String> = (0..2).map(|_| d.ask(&own, ward(&nearly)).expect(201).id()).collect();
        for id in &ids {
            let proof =
                json!({ "act": "identify", "text": "Sågs.", "details": { "way": "in_person", "reference": "pass" } });
            d.step(&d.keeper, id, &proof).expect(200);
        }
        d.decide(&d.rector(), &ids[0], "granted", json!({})).expect(200);
        // On the birthday nothing is granted any more, and what was granted does not leave.
        d.r.h.set_clock("2026-11-25T08:00:00Z");
        conflict(d.decide(&d.rector(), &ids[1], "granted", json!({})), "not_minor", "Rätt till insyn");
        conflict(d.give(&d.rector(), &ids[0], "json"), "not_minor", "Rätt till insyn");
    });
}

#[test]
fn a_guardian_whom_the_register_does_not_know_shows_a_document() {
    with_rectors("optima-abilitas", "counsellor", |d| {
        let (elsa, guardian, other) = (code(2011, 5, 6, 1), code(1980, 1, 2, 3), code(1979, 1, 2, 6));
        d.student(&elsa, "Elsa Berg", &guardian);
        let from = json!({ "name": "Bo Berg", "kind": "person", "contact": "Gatan 1", "personal_code": other });
        let details = json!({ "standing": "guardian", "subject": { "personal_code": elsa },
                              "proof": { "way": "signed_letter", "reference": "78/2026" } });
        let case = d.letter(from, details, "2026-11-18").expect(201);
        assert!(case.body["details"].get("guardianship").is_none());
        let id = case.id();
        conflict(d.decide(&d.rector(), &id, "granted", json!({})), "guardian_not_shown", "Rätt till insyn");
        let shown =
            json!({ "act": "identify", "text": "Utdrag.", "details": { "guardian_document": "utdrag om vårdnad" } });
        d.step(&d.keeper, &id, &shown).expect(200);
        d.decide(&d.rector(), &id, "granted", json!({})).expect(200);
    });
}

#[test]
fn a_refusal_cites_its_clause_and_says_how_to_complain() {
    with_rectors("optima-abilitas", "counsellor", |d| {
        let elsa = code(2011, 5, 6, 1);
        let from = json!({ "name": "Elsa Berg", "kind": "person", "contact": "Gatan 1", "personal_code": elsa });
        // Without a proof it is taken in, and is refused.
        let id = d.letter(from, json!({}), "2026-11-18").expect(201).id();
        let bare = d.decide(&d.rector(), &id, "refused", json!({})).expect(422);
        assert!(bare.has_fault("/ground", "not_in_codelist"), "{}", bare.text);
        let refused = d.decide(&d.rector(), &id, "refused", json!({ "ground": "identity_not_proved" })).expect(200);
        let decision = &refused.body["decision"];
        assert_eq!(decision["clause"], "Rätt till insyn");
        assert!(decision["remedies"].as_str().unwrap().contains("dataombudsmannen"), "{decision}");
        conflict(d.give(&d.rector(), &id, "json"), "refused", "Rätt till insyn");
        // Whoever is not named, or by what can be no code, is not taken in.
        let nobody = json!({ "name": "Ingen", "kind": "person", "contact": "Gatan 1" });
        let unnamed = d.letter(nobody.clone(), json!({}), "2026-11-18").expect(422);
        assert!(unnamed.has_fault("/details/subject/personal_code", "required"), "{}", unnamed.text);
        let wrong =
            d.letter(nobody, json!({ "subject": { "personal_code": "060511A901X" } }), "2026-11-18").expect(422);
        assert!(wrong.faults().iter().any(|f| f.0 == "/details/subject/personal_code"), "{}", wrong.text);
        assert!(!wrong.text.contains("060511A901X"), "the code stands in no fault");
    });
}

#[test]
fn nobody_decides_on_their_own_data_or_on_their_own_request() {
    with_rectors("optima-primus-wilma-kurre", "staff", |d| {
        let own = code(1970, 3, 4, 7);
        let id = d.r.user("rektor2", Some(&own));
        appoint(&d.r, id, "rector");
        let staff =
            json!({ "staff_group": "rektorer", "personal_code": own, "name": "Eva Ek", "valid_from": "2026-02-01" });
        d.r.enter(&d.clerk, "staff_member", &d.school, "note", staff).expect(201);
        let eva = d.r.h.login("rektor2");
        let case = d.ask(&eva, json!({})).expect(201).id();
        let refused = d.decide(&eva, &case, "granted", json!({})).expect(403);
        assert_eq!(refused.body["clause"], "Rätt till insyn", "{}", refused.text);
        // Nor where another has entered the same request for her.
        let from = json!({ "name": "Eva Ek", "kind": "person", "contact": "Gatan 2", "personal_code": own });
        let details = json!({ "proof": { "way": "in_person", "reference": "körkort" } });
        let letter = d.letter(from, details, "2026-11-18").expect(201).id();
        d.decide(&eva, &letter, "granted", json!({})).expect(403);
        d.decide(&d.rector(), &case, "granted", json!({})).expect(200);
        assert!(d.give(&d.rector(), &case, "json").expect(200).text.contains("Eva Ek"));
    });
}

#[test]
fn the_time_follows_the_country_and_is_extended_once_with_reasons() {
    with_rectors("optima-abilitas", "counsellor", |d| {
        let from = |n: u16| json!({ "name": "Elsa Berg", "kind": "person", "contact": "Gatan 1", "personal_code": code(2011, 5, 6, n) });
        let proof = json!({ "proof": { "way": "signed_letter", "reference": "79/2026" } });
        // Independence Day on a Friday; Midsummer Eve; Easter Monday; Epiphany.
        for (received, nominal, due) in [
            ("2024-11-06", "2024-12-06", "2024-12-09"),
            ("2026-05-19", "2026-06-19", "2026-06-22"),
            ("2026-03-06", "2026-04-06", "2026-04-07"),
            ("2025-12-06", "2026-01-06", "2026-01-07"),
        ] {
            let case = d.letter(from(1), proof.clone(), received).expect(201);
            let deadline = &case.body["deadline"];
            assert_eq!((&deadline["nominal"], &deadline["due"]), (&json!(nominal), &json!(due)), "{}", case.text);
        }
        let id = d.letter(from(1), proof, "2026-11-10").expect(201).id();
        let extend = |text: &str| d.step(&d.keeper, &id, &json!({ "act": "extend", "text": text }));
        assert!(extend(" ").expect(422).has_fault("/text", "required"), "without reasons there is no extension");
        let extended = extend("många samtal att gå igenom").expect(200);
        assert_eq!(extended.body["deadline"]["due"], "2027-02-10");
        assert_eq!(extend("ännu mer").expect(409).body["code"], "already_extended");
    });
    // The same regulation, another country's days off: 23 and 24 June.
    on_both_databases(|h| {
        h.staff();
        let controller = h.login("controller");
        let from = json!({ "name": "Kaja Kask", "kind": "person", "contact": "Tänav 1",
                           "personal_code": crate::harness::people::code(1980, 9) });
        let details = json!({ "proof": { "way": "signed_letter", "reference": "7-1/3" } });
        let body = json!({ "kind": KIND, "subject": "", "text": "", "from": from, "received_on": "2026-05-23",
                           "details": details });
        let case = controller.post(&format!("/registers/{REGISTER}/cases"), &body).expect(201);
        let deadline = &case.body["deadline"];
        assert_eq!(
            (&deadline["nominal"], &deadline["due"]),
            (&json!("2026-06-23"), &json!("2026-06-25")),
            "{}",
            case.text
        );
        assert_eq!(deadline["clause"], "§ 18 lg 1");
    });
}

#[test]
fn where_people_are_known_by_their_accounts_every_record_of_the_account_comes_out() {
    with("raisio-tyoymparisto", |r| {
        let manager = r.appointed("tietohallintojohtaja", "register_manager");
        let town = r.institution(
            &manager,
            "superior_notice",
            json!({ "organisation_name": "Konsernipalvelut", "organisation_kind": "sector" }),
        );
        let superior = r.given(&manager, "esihenkilo", "superior", json!({ "task": "henkilöstö" }));
        let school = r.given(&manager, "koulusihteeri", "school_services", json!({ "task": "oppilaat" }));
        let worker = json!({ "display_name": "Maija Meri", "user_name": "maija.meri", "user_kind": "staff",
                             "groups": ["digipalvelut"], "use_begins": "2026-02-01" });
        r.enter(&superior, "work_user", &town, "superior_notice", worker).expect(201);
        let teacher = json!({ "display_name": "Maija Meri", "user_name": "maija.meri", "school": "Keskuskoulu",
                              "roles": ["staff"], "use_begins": "2026-02-01" });
        r.enter(&school, "school_person", &town, "student_register_extract", teacher).expect(201);
        r.user("maija.meri", None);
        // At the screen, in the language of the register: asked for, decided, given out.
        let mut own = r.h.visit_as("maija.meri");
        own.lang = "fi";
        let me = own.get("/me").expect(200);
        assert!(me.text().contains("Pyydä kaikki omat tietosi"), "{}", me.text());
        let form = own.get(&format!("/r/{}/own-data", r.name)).expect(200);
        assert!(form.text().contains("21201 Raisio"), "where a signed request is sent: {}", form.text());
        let asked = own.send(&form.form("/own-data").add("step", "save")).expect(200);
        assert!(asked.text().contains("kirjautuminen omalla tunnuksella"), "{}", asked.text());
        let id = asked.path.split(['/', '?']).find(|p| p.len() == 36).unwrap().to_owned();
        let mut desk = r.h.visit_as("tietohallintojohtaja");
        desk.lang = "fi";
        let decide = desk.get(&format!("/r/{}/cases/{id}/decide", r.name)).expect(200).form("/decide");
        let decided = desk.send(&decide.set("outcome", "granted").set("text", "ote annetaan").add("step", "save"));
        let decided = decided.expect(200);
        let file = desk.send(&decided.form("/release").set("format", "json")).expect(200);
        let extract: Value = serde_json::from_str(&file.html).unwrap();
        let mut kinds: Vec<&str> =
            extract["records"].as_array().unwrap().iter().map(|r| r["type"].as_str().unwrap()).collect();
        kinds.sort_unstable();
        assert_eq!(kinds, ["school_person", "work_user"]);
        // An officer takes in a letter at the screen; what is missing is told at its field.
        let form = desk.get(&format!("/r/{}/own-data", r.name)).expect(200).form("/own-data");
        let form = form.set("from_name", "Matti Maa").set("from_contact", "Kuja 1").add("step", "save");
        let missing = desk.send(&form).expect(422);
        assert_eq!(missing.form("/own-data").value("from_name"), Some("Matti Maa"));
        let form = missing.form("/own-data").set("details_subject_account", "matti.maa").add("step", "save");
        let taken = desk.send(&form).expect(200);
        assert!(taken.text().contains("ei todistettu"), "{}", taken.text());
        let identify = desk.get(&taken.link("Kirjaa henkilöllisyyden todistaminen")).expect(200).form("/identify");
        let identify =
            identify.set("details_way", "signed_letter").set("details_reference", "12/2026").set("text", "kirje");
        let proved = desk.send(&identify.add("step", "save")).expect(200);
        assert!(proved.text().contains("allekirjoitettu kirje · 12/2026"), "{}", proved.text());
    });
}
