//! Registers of a third country, by definitions alone: Finnish codes, people known by an account, guardians, the end of
//! a task, two languages of the source.

use andmekogu::domain::access::grant::Basis;
use andmekogu::domain::identity::{Country, PersonalCode, Sex};
use andmekogu::store::acts::grants::NewGrant;
use chrono::NaiveDate;
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{Answer, Client, Harness, PASSWORD, Place, named, no_postgres};

/// A register with its users.
pub struct Register {
    pub h: Harness,
    pub name: &'static str,
}

pub fn with(name: &'static str, scenario: impl Fn(Register)) {
    let loaded = || named(name).definitions;
    scenario(Register { h: Harness::with(Place::sqlite(), loaded()), name });
    match Place::postgres() {
        Some(place) => scenario(Register { h: Harness::with(place, loaded()), name }),
        None => no_postgres(),
    }
}

impl Register {
    /// A user; `code` is their Finnish personal code, where they have one.
    pub fn user(&self, name: &str, code: Option<&str>) -> Uuid {
        let code = code.map(|code| (Country::Fi, code.to_owned()));
        let added = self.h.app.add_user(name.to_owned(), format!("Käyttäjä {name}"), code, PASSWORD.to_owned());
        let id = self.h.block_on(added).unwrap();
        self.h.users.lock().unwrap().insert(name.to_owned(), id);
        id
    }

    pub fn basis(&self, role: &str) -> String {
        let register = self.h.app.register(self.name).unwrap();
        register.definition.register.roles.iter().find(|r| r.name == role).unwrap().basis[0].name.clone()
    }

    /// Appointed by the installation.
    pub fn appointed(&self, name: &str, role: &str) -> Client {
        let new = NewGrant {
            user_id: self.user(name, None),
            role: role.to_owned(),
            institution_id: None,
            sections: None,
            from: NaiveDate::from_ymd_opt(2026, 1, 1).unwrap(),
            until: None,
            basis: Basis { kind: self.basis(role), reference: "1/2026".into() },
            task: None,
            application_id: None,
        };
        self.h.block_on(self.h.app.grant_as_installation(self.name, new)).unwrap();
        self.h.login(name)
    }

    /// Given a right by `by`, in the sections that are named.
    pub fn given(&self, by: &Client, name: &str, role: &str, more: Value) -> Client {
        let id = self.h.users.lock().unwrap().get(name).copied();
        let id = id.unwrap_or_else(|| self.user(name, None));
        let answer = self.try_give(by, id, role, more);
        assert_eq!(answer.status, 201, "{}", answer.body);
        self.h.login(name)
    }

    pub fn try_give(&self, by: &Client, user: Uuid, role: &str, more: Value) -> Answer {
        let mut body = json!({ "user_id": user, "role": role, "from": "2026-01-01",
                               "basis": { "kind": self.basis(role), "reference": "2/2026" } });
        for (key, value) in more.as_object().unwrap() {
            body[key] = value.clone();
        }
        by.post(&self.path("grants"), &body)
    }

    pub fn path(&self, rest: &str) -> String {
        format!("/registers/{}/{rest}", self.name)
    }

    pub fn document(&self, by: &Client, kind: &str) -> String {
        by.post(&self.path("base-documents"), &json!({ "kind": kind, "number": "1", "date": "2026-01-02" }))
            .expect(201)
            .id()
    }

    pub fn institution(&self, by: &Client, kind: &str, data: Value) -> String {
        let document = self.document(by, kind);
        let body = json!({ "effective_on": "2026-01-02", "base_document_ids": [document], "data": data });
        by.post(&self.path("institutions"), &body).expect(201).id()
    }

    pub fn enter(&self, by: &Client, kind: &str, institution: &str, document: &str, data: Value) -> Answer {
        let document = self.document(by, document);
        let body = json!({ "institution_id": institution, "effective_on": "2026-02-01",
                           "base_document_ids": [document], "data": data });
        by.post(&self.path(&format!("records/{kind}")), &body)
    }

    /// Whoever may not see a record does not see it, whether they learn that it is there or not.
    pub fn hidden(&self, by: &Client, kind: &str, id: &str) {
        let answer = self.read(by, kind, id);
        assert!([403, 404].contains(&answer.status), "{}", answer.text);
    }

    pub fn read(&self, by: &Client, kind: &str, id: &str) -> Answer {
        by.get(&self.path(&format!("records/{kind}/{id}")))
    }
}

pub fn code(year: i32, month: u32, day: u32, serial: u16) -> String {
    let birth = NaiveDate::from_ymd_opt(year, month, day).unwrap();
    PersonalCode::fictitious_fi(birth, Sex::Female, serial).unwrap().as_str().to_owned()
}

/// The same code under another separator of its century: another person since 2023.
pub fn under(code: &str, separator: char) -> String {
    code.chars().enumerate().map(|(n, c)| if n == 6 { separator } else { c }).collect()
}

#[test]
fn counsellors_keep_what_they_know_and_guardians_see_it_of_minors_only() {
    with("optima-abilitas", |r| {
        let (minor, adult, guardian) = (code(2011, 5, 6, 1), code(2000, 5, 6, 2), code(1980, 1, 2, 3));
        // A code with a separator of 2023 is a person of its own.
        let minor = under(&minor, 'B');
        let contact = r.appointed("kontakt", "contact_person");
        let rector = r.appointed("rektor", "rector");
        let school = r.institution(&contact, "decision", json!({ "institution_name": "Optima" }));
        let counsellor = r.given(&contact, "kurator", "counsellor", json!({}));
        let student = |code: &str, name: &str| {
            json!({ "personal_code": code, "name": name, "valid_from": "2026-02-01",
                    "guardians": [{ "name": "Anna Berg", "personal_code": guardian }],
                    "talks": [{ "date": "2026-02-03", "text": "Samtal." }] })
        };
        let enter = |data: Value| r.enter(&counsellor, "student", &school, "note", data);
        let young = enter(student(&minor, "Elsa Berg")).expect(201).id();
        let grown = enter(student(&adult, "Nils Berg")).expect(201).id();
        // The same digits with the older separator are nobody yet known, and no fault of uniqueness.
        enter(student(&under(&minor, 'A'), "Elsa Holm")).expect(201);
        assert!(enter(student(&minor, "Elsa Berg")).expect(422).text.contains("/personal_code"));
        for wrong in [under(&minor, 'G'), format!("{}0", &minor[..10]), "310211A9012".to_owned()] {
            let refused = enter(student(&wrong, "Ingen")).expect(422);
            assert!(refused.faults().iter().any(|(at, _)| at == "/personal_code"), "{}", refused.text);
        }
        // Nobody else uses the register: neither whoever answers for it nor whoever decides requests.
        for other in [&contact, &rector] {
            r.hidden(other, "student", &young);
        }
        r.user("vardnadshavare", Some(&guardian));
        let at_home = r.h.login("vardnadshavare");
        assert_eq!(r.read(&at_home, "student", &young).expect(200).body["data"]["name"], "Elsa Berg");
        r.hidden(&at_home, "student", &grown);
        r.user("elsa", Some(&minor));
        r.user("annan", Some(&under(&minor, 'A')));
        r.read(&r.h.login("elsa"), "student", &young).expect(200);
        r.hidden(&r.h.login("annan"), "student", &young);
    });
}

#[test]
fn whoever_has_an_account_sees_their_own_data_and_loses_it_with_the_task() {
    with("raisio-tyoymparisto", |r| {
        let manager = r.appointed("tietohallintojohtaja", "register_manager");
        let town = r.institution(
            &manager,
            "superior_notice",
            json!({ "organisation_name": "Konsernipalveluyksikkö", "organisation_kind": "sector" }),
        );
        // No right without its task.
        let superior = r.user("esihenkilo", None);
        assert_eq!(r.try_give(&manager, superior, "superior", json!({})).status, 422);
        let superior = r.given(&manager, "esihenkilo", "superior", json!({ "task": "digipalvelujen henkilöstö" }));
        let host = r.given(&manager, "isanta", "host", json!({ "task": "yhteistyökumppanit" }));
        let account = |user: &str, kind: &str| {
            json!({ "display_name": "Maija Meri", "user_name": user, "user_kind": kind,
                    "organisation": "Raision kaupunki", "groups": ["digipalvelut"], "use_begins": "2026-02-01" })
        };
        let enter = |by: &Client, document: &str, data: Value| r.enter(by, "work_user", &town, document, data);
        let maija = enter(&superior, "superior_notice", account("maija.meri", "staff")).expect(201).id();
        enter(&host, "host_notice", account("kumppani", "partner")).expect(201);
        // Who reports people of schools reports no others, and the manager of the register enters nobody.
        let school = r.given(&manager, "koulusihteeri", "school_services", json!({ "task": "oppilaat" }));
        enter(&school, "superior_notice", account("toinen", "staff")).expect(403);
        enter(&manager, "superior_notice", account("toinen", "staff")).expect(403);
        // The address of the home is not in the list, so there is no place for it.
        let mut more = account("toinen", "staff");
        more["home_address"] = json!("Kotikatu 1");
        enter(&superior, "superior_notice", more).expect(422);

        r.user("maija.meri", None);
        r.user("maija.mer", None);
        let own = r.h.login("maija.meri");
        assert_eq!(r.read(&own, "work_user", &maija).expect(200).body["data"]["display_name"], "Maija Meri");
        assert_eq!(own.get("/me").expect(200).body["records"].as_array().unwrap().len(), 1);
        let other = r.h.login("maija.mer");
        r.hidden(&other, "work_user", &maija);
        assert_eq!(other.get("/me").expect(200).body["records"].as_array().unwrap().len(), 0);

        // The use ends: what she held as a user ends with it, and the account.
        r.given(&manager, "maija.meri", "user", json!({ "task": "tukipalvelu" }));
        let document = r.document(&superior, "superior_notice");
        let end = json!({ "ended_on": "2026-11-20", "base_document_ids": [document] });
        let ended = superior.post(&r.path(&format!("records/work_user/{maija}/end")), &end);
        assert_eq!(ended.status, 200, "{}", ended.body);
        r.h.set_clock("2026-11-21T10:00:00Z");
        let refused = r.h.nobody().post("/sessions", &json!({ "username": "maija.meri", "password": PASSWORD }));
        assert_eq!(refused.status, 403, "{}", refused.body);
    });
}

proptest! {
    /// Of the 31 check characters exactly one fits, under every separator of the century; each is a person of its own.
    #[test]
    fn a_finnish_code_has_one_check_character_and_its_separator_tells_people_apart(
        days in 0_i64..36_524, serial in 0_u16..50, century in 0_usize..2
    ) {
        let (first, separators) = [(1900, "-YXWVU"), (2000, "ABCDEF")][century];
        let birth = NaiveDate::from_ymd_opt(first, 1, 1).unwrap() + chrono::TimeDelta::days(days);
        let made = PersonalCode::fictitious_fi(birth, Sex::Male, serial).unwrap();
        let today = NaiveDate::from_ymd_opt(2100, 1, 1).unwrap();
        let mut seen = std::collections::HashSet::new();
        for separator in separators.chars() {
            let text = under(made.as_str(), separator);
            let read = PersonalCode::parse(Country::Fi, &text, today).unwrap();
            prop_assert_eq!(read.birth_date(), birth);
            prop_assert!(seen.insert(read));
            let fitting = "0123456789ABCDEFHJKLMNPRSTUVWXY".chars().filter(|check| {
                let other = format!("{}{check}", &text[..10]);
                PersonalCode::parse(Country::Fi, &other, today).is_ok()
            });
            prop_assert_eq!(fitting.count(), 1);
        }
    }
}
