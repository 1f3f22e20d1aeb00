//! Who may see and do what, field by field, and what they are told when they may not.

use serde_json::json;

use crate::harness::people::{Office, School, code};
use crate::harness::{REGISTER, on_both_databases};

#[test]
fn what_a_grant_does_not_cover_is_absent_and_named() {
    on_both_databases(|h| {
        let s = School::open(h);
        let clerk = s.school_clerk();
        let read = clerk.get(&s.path()).expect(200);
        assert_eq!(read.body["redacted"], json!(["health", "pay"]));
        for hidden in ["salary", "allowances", "health_checks"] {
            assert!(read.body["data"].get(hidden).is_none(), "{hidden} is absent, not null");
        }
        assert_eq!(read.body["data"]["last_name"], "Tamm");
        let entries = clerk.get(&format!("{}/entries", s.path())).expect(200);
        assert!(!entries.text.contains("1820.00") && !entries.text.contains("fit_for_post"), "nor in the history");
        let list = clerk.get(&format!("/registers/{REGISTER}/records/employee")).expect(200);
        assert!(!list.text.contains("1820.00") && !list.text.contains("fit_for_post"), "nor in a list");
        assert_eq!(list.body["items"][0]["redacted"], json!(["health", "pay"]));
    });
}

#[test]
fn a_colleague_without_the_right_is_refused_with_the_clause() {
    on_both_databases(|h| {
        let s = School::open(h);
        let clerk = s.school_clerk();
        let raise = json!({ "effective_on": "2026-11-01", "base_document_ids": [s.office.document],
            "data": { "salary": [{ "kind": "monthly", "amount": "9999.00", "from": "2026-11-01" }] } });
        let refused = clerk.patch(&s.path(), 1, &raise).expect(403);
        assert_eq!(refused.body["clause"], "§ 20 lg 1");
        assert_eq!(s.clerk.get(&s.path()).body["version"], 1, "nothing was written");
        let denied = s.h.login("supervisor").get(&format!("/registers/{REGISTER}/audit?decision=denied")).expect(200);
        let event = &denied.body["items"][0];
        assert_eq!(event["action"], "record.change");
        assert_eq!(event["actor"]["name"], "hr_clerk_school");
        assert_eq!(event["sections"], json!(["pay"]));
        assert_eq!(event["record_ids"], json!([s.employee]));
    });
}

#[test]
fn another_institutions_record_does_not_exist_for_those_out_of_scope() {
    on_both_databases(|h| {
        let s = School::open(h);
        let other = Office::found(&s.clerk, "Kase Kool");
        let foreign = other.hire(&s.clerk, "Kask", &code(1990, 1)).id();
        let clerk = s.school_clerk();
        let path = format!("/registers/{REGISTER}/records/employee/{foreign}");
        let absent = clerk.get(&path).expect(404);
        let nowhere = format!("/registers/{REGISTER}/records/employee/0192e4a0-0000-7000-8000-000000000000");
        let never = clerk.get(&nowhere).expect(404);
        assert_eq!(absent.body["detail"], never.body["detail"], "the answers do not tell them apart");
        for tail in ["/entries", "?as_of=2025-01-01"] {
            clerk.get(&format!("{path}{tail}")).expect(404);
        }
        let change = json!({ "effective_on": "2026-11-01", "base_document_ids": [s.office.document], "data": {} });
        clerk.patch(&path, 1, &change).expect(404);
        let list = clerk.get(&format!("/registers/{REGISTER}/records/employee")).expect(200);
        assert_eq!(list.body["items"].as_array().unwrap().len(), 1, "only their own");
        let narrowed = format!("/registers/{REGISTER}/records/employee?institution_id={}", other.institution);
        assert_eq!(clerk.get(&narrowed).expect(200).body["items"], json!([]));
        let log = s.h.login("supervisor");
        let log = log.get(&format!("/registers/{REGISTER}/audit?record_id={foreign}&decision=denied")).expect(200);
        assert!(log.body["items"].as_array().unwrap().len() >= 4, "each attempt is logged: {}", log.text);
    });
}

#[test]
fn a_data_subject_sees_their_own_record_and_no_other() {
    on_both_databases(|h| {
        let s = School::open(h);
        s.h.user("somebody");
        let own_code = code_of(&s, "somebody");
        let own = s.office.hire(&s.clerk, "Kasutaja", &own_code).id();
        let me = s.h.login("somebody");
        let account = me.get("/me").expect(200);
        assert_eq!(account.body["records"], json!([{ "register": REGISTER, "type": "employee", "id": own }]));
        let read = me.get(&format!("/registers/{REGISTER}/records/employee/{own}")).expect(200);
        assert_eq!(read.body["data"]["salary"][0]["amount"], "1820.00", "all that is held about them");
        assert_eq!(read.body["redacted"], json!([]));
        me.get(&s.path()).expect(404);
        me.get(&format!("/registers/{REGISTER}/records/employee")).expect(403);
        let change = json!({ "effective_on": "2026-11-01", "base_document_ids": [s.office.document],
                             "data": { "load_on_post": "0.10" } });
        let refused = me.patch(&format!("/registers/{REGISTER}/records/employee/{own}"), 1, &change).expect(403);
        assert_eq!(refused.body["clause"], "§ 15");
    });
}

/// The personal code of a user, as the harness invents them.
fn code_of(s: &School, name: &str) -> String {
    use andmekogu::domain::identity::{PersonalCode, Sex};
    let position = {
        let users = s.h.users.lock().unwrap();
        let id = users[name];
        let mut ids: Vec<_> = users.values().copied().collect();
        ids.sort();
        u16::try_from(ids.iter().position(|i| *i == id).unwrap()).unwrap()
    };
    let birth = chrono::NaiveDate::from_ymd_opt(1975, 3, 14).unwrap();
    PersonalCode::fictitious_ee(birth, Sex::Female, position).unwrap().as_str().to_owned()
}

#[test]
fn what_a_grant_does_not_cover_cannot_be_demanded_of_its_holder() {
    on_both_databases(|h| {
        let s = School::open(h);
        let clerk = s.school_clerk();
        let mut body = s.office.employee("Kask", &code(1990, 1));
        let data = body["data"].as_object_mut().unwrap();
        data.remove("salary");
        data.remove("health_checks");
        let entered = clerk.post(&format!("/registers/{REGISTER}/records/employee"), &body).expect(201);
        let warnings = entered.body["warnings"].as_array().unwrap();
        assert!(
            warnings.iter().any(|w| w["pointer"] == "/salary" && w["clause"] == "§ 12 lg 1 p 16"),
            "{}",
            entered.text
        );
        // Whoever may enter pay cannot leave it out.
        body["data"]["personal_code"] = json!(code(1991, 1));
        let refused = s.clerk.post(&format!("/registers/{REGISTER}/records/employee"), &body).expect(422);
        assert!(refused.has_fault("/salary", "required"));
    });
}

#[test]
fn nothing_is_served_without_a_valid_token() {
    on_both_databases(|h| {
        let s = School::open(h);
        let nobody = s.h.nobody();
        for path in [
            "/me".to_owned(),
            "/registers".to_owned(),
            format!("/registers/{REGISTER}"),
            s.path(),
            format!("/registers/{REGISTER}/records/employee"),
            format!("/registers/{REGISTER}/audit"),
            format!("/registers/{REGISTER}/grants"),
            format!("/registers/{REGISTER}/base-documents/{}", s.office.document),
        ] {
            let refused = nobody.get(&path);
            assert_eq!(refused.status, 401, "{path}: {}", refused.text);
            assert_eq!(refused.headers["content-type"], "application/problem+json");
            assert!(!refused.text.contains("Tamm"));
        }
        let mut forged = nobody.clone();
        forged.token = Some("eyJhbGciOiJub25lIn0.e30.".into());
        assert_eq!(forged.get(&s.path()).status, 401);
    });
}
