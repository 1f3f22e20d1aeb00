//! A city's education register: the office, schools, a hobby school, each with its head.

use andmekogu::domain::access::grant::Basis;
use andmekogu::domain::identity::{PersonalCode, Sex};
use andmekogu::store::acts::grants::NewGrant;
use chrono::NaiveDate;
use serde_json::{Value, json};

use super::{Answer, Client, Harness};

pub const EDUCATION: &str = "tlnharidus";

/// A path of the register.
pub fn at(rest: &str) -> String {
    format!("/registers/{EDUCATION}/{rest}")
}

/// An invented code of a child born on 1 March of a year.
pub fn pupil_code(year: i32, serial: u16) -> String {
    let birth = NaiveDate::from_ymd_opt(year, 3, 1).unwrap();
    PersonalCode::fictitious_ee(birth, Sex::Female, serial).unwrap().as_str().to_owned()
}

pub struct Institution {
    pub id: String,
    pub head: Client,
}

pub struct City {
    pub h: Harness,
    pub office: Client,
    pub school: Institution,
    pub other_school: Institution,
    pub hobby_school: Institution,
}

impl City {
    pub fn open(h: Harness) -> Self {
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
        h.block_on(h.app.grant_as_installation(EDUCATION, new)).unwrap();
        let office = h.login("amet");
        let founding = document(&office, "institution_statute", None);
        let found = |name: &str, kind: &str, code: &str, head: &str| {
            let body = json!({ "effective_on": "2020-01-02", "base_document_ids": [founding], "data": {
                "institution_name": name, "registry_code": code, "institution_kind": kind,
                "general_info": { "owner_form": "municipal" },
                "contact_info": { "address": "Näidise 1", "email": format!("{head}@naidis.example") } } });
            let id = office.post(&at("institutions"), &body).expect(201).id();
            let grant = json!({ "user_id": h.user(head), "role": "institution_head", "institution_id": id,
                "from": "2026-01-01", "basis": { "kind": "appointment", "reference": "1" } });
            office.post(&at("grants"), &grant).expect(201);
            Institution { id, head: h.login(head) }
        };
        let school = found("Näidiskool", "general_school", "75009013", "kool");
        let other_school = found("Teine Kool", "general_school", "75009036", "teine");
        let hobby_school = found("Näidise Muusikakool", "hobby_school", "75009042", "muusika");
        Self { h, office, school, other_school, hobby_school }
    }

    /// Enters a pupil of a school.
    pub fn pupil(&self, school: &Institution, code: &str, more: Value) -> Answer {
        let list = document(&school.head, "ehis_data", Some(&school.id));
        let mut data = json!({ "personal_code": code, "last_name": "Tamm", "first_name": "Mari", "institution": school.id,
            "enrolled_on": "2025-09-01", "class_code": "2", "class_parallel": "A", "class_stage": "I",
            "class_kind": "ordinary", "language_of_instruction": "et", "curriculum": "basic", "study_form": "daytime" });
        for (key, value) in more.as_object().unwrap() {
            data[key] = value.clone();
        }
        school.head.post(
            &at("records/school_study"),
            &json!({ "institution_id": school.id, "effective_on": "2025-09-01", "base_document_ids": [list], "data": data }),
        )
    }
}

/// Enters a base document.
pub fn document(by: &Client, kind: &str, institution: Option<&str>) -> String {
    let mut body = json!({ "kind": kind, "number": "1-1/7", "date": "2020-01-02" });
    if let Some(institution) = institution {
        body["institution_id"] = json!(institution);
    }
    by.post(&at("base-documents"), &body).expect(201).id()
}

/// A form with a file and what is said of it.
pub fn form(metadata: &Value, name: &str, bytes: &[u8]) -> (Vec<u8>, String) {
    let boundary = "piir-7f3a";
    let mut body = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"metadata\"\r\nContent-Type: application/json\r\n\r\n\
         {metadata}\r\n--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(bytes);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    (body, format!("multipart/form-data; boundary={boundary}"))
}
