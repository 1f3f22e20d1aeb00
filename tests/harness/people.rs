//! Fictitious people and what is entered about them.

use andmekogu::domain::identity::{PersonalCode, Sex};
use chrono::NaiveDate;
use serde_json::{Value, json};

use super::{Answer, Client, Harness, REGISTER};

/// A valid, invented personal code.
pub fn code(year: i32, serial: u16) -> String {
    let birth = NaiveDate::from_ymd_opt(year, 5, 17).unwrap();
    PersonalCode::fictitious_ee(birth, Sex::Female, serial).unwrap().as_str().to_owned()
}

/// An institution with a unit and a post, and a document to enter people on.
#[derive(Debug, Clone)]
pub struct Office {
    pub institution: String,
    pub unit: String,
    pub post: String,
    pub document: String,
}

impl Office {
    /// Founded over HTTP by `by`.
    pub fn found(by: &Client, name: &str) -> Self {
        let document = document(by, json!({}));
        let institution = by
            .post(
                &format!("/registers/{REGISTER}/institutions"),
                &json!({ "effective_on": "2020-01-01", "base_document_ids": [document], "data": {
                    "institution_name": name, "institution_kind": "general_school",
                    "lifecycle_events": [{ "kind": "founded", "date": "2020-01-01" }] } }),
            )
            .expect(201)
            .id();
        let unit = by
            .post(
                &format!("/registers/{REGISTER}/records/unit"),
                &json!({ "institution_id": institution, "effective_on": "2020-01-01", "base_document_ids": [document],
                    "data": { "unit_name": "Õppeosakond", "lifecycle_events": [{ "kind": "created", "date": "2020-01-01" }] } }),
            )
            .expect(201)
            .id();
        let post = post(by, &institution, &unit, &document, "õpetaja", "1.00").expect(201).id();
        Self { institution, unit, post, document }
    }

    /// The body that enters an employee.
    pub fn employee(&self, last_name: &str, personal_code: &str) -> Value {
        json!({
            "institution_id": self.institution, "effective_on": "2024-09-01", "base_document_ids": [self.document],
            "data": employee(&self.post, "Mari", last_name, personal_code),
        })
    }

    /// Enters an employee and gives the record.
    pub fn hire(&self, by: &Client, last_name: &str, personal_code: &str) -> Answer {
        by.post(&format!("/registers/{REGISTER}/records/employee"), &self.employee(last_name, personal_code))
            .expect(201)
    }
}

pub fn post(by: &Client, institution: &str, unit: &str, document: &str, title: &str, load: &str) -> Answer {
    by.post(
        &format!("/registers/{REGISTER}/records/post"),
        &json!({ "institution_id": institution, "effective_on": "2020-01-01", "base_document_ids": [document],
            "data": { "unit": unit, "post_title": title, "created_on": "2020-01-01", "prescribed_load": load } }),
    )
}

/// Enters a base document and gives its id; `more` adds to the body.
pub fn document(by: &Client, more: Value) -> String {
    let mut body = json!({ "kind": "administrative_act", "number": "1-2/34", "date": "2020-01-01" });
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    by.post(&format!("/registers/{REGISTER}/base-documents"), &body).expect(201).id()
}

/// The least that the statute asks about an employee.
pub fn employee(post: &str, first_name: &str, last_name: &str, personal_code: &str) -> Value {
    json!({
        "first_name": first_name, "last_name": last_name, "personal_code": personal_code, "citizenship": ["EST"],
        "post": post, "employment_type": "employment_contract", "employment_start": "2024-09-01",
        "education": [{ "education_level": "higher", "speciality": "eesti filoloogia" }],
        "fixed_term": { "is_fixed": false }, "load_on_post": "1.00", "weekly_hours": "40.00",
        "employee_group": "education_staff",
        "salary": [{ "kind": "monthly", "amount": "1820.00", "from": "2024-09-01" }],
        "health_checks": [{ "health_check_on": "2024-08-20", "fit_for_post": "fit" }],
    })
}

/// A harness with the statute's staff, one school and one employee in it.
pub struct School {
    pub h: Harness,
    pub clerk: Client,
    pub office: Office,
    pub employee: String,
    pub personal_code: String,
}

impl School {
    pub fn open(h: Harness) -> Self {
        h.staff();
        let clerk = h.login("hr_clerk");
        let office = Office::found(&clerk, "Kuuse Kool");
        let personal_code = code(1984, 7);
        let employee = office.hire(&clerk, "Tamm", &personal_code).id();
        Self { h, clerk, office, employee, personal_code }
    }

    pub fn path(&self) -> String {
        format!("/registers/{REGISTER}/records/employee/{}", self.employee)
    }

    /// A clerk of this school only, without pay and health.
    pub fn school_clerk(&self) -> Client {
        self.h.grant(
            "administrator",
            "hr_clerk_school",
            "hr_clerk",
            json!({ "institution_id": self.office.institution, "sections": [
                "general", "figures", "person", "contact", "employment", "education", "trainings", "leaves", "children",
                "sector", "items", "documents"] }),
        );
        self.h.login("hr_clerk_school")
    }
}
