//! Bad input: a clear error that names the field, the reason and the clause; never a 5xx; nothing half done.

use serde_json::{Value, json};

use crate::harness::people::{School, code};
use crate::harness::{REGISTER, on_both_databases};

#[test]
fn every_constraint_is_reported_with_pointer_and_clause() {
    on_both_databases(|h| {
        let s = School::open(h);
        let path = format!("/registers/{REGISTER}/records/employee");
        let mut body = s.office.employee("Kask", &code(1990, 1));
        let data = body["data"].as_object_mut().unwrap();
        data.insert("last_name".into(), json!("K4sk\u{7}"));
        data.insert("first_name".into(), json!("x".repeat(3_000)));
        data.insert("citizenship".into(), json!(["XYZ"]));
        data.insert("email".into(), json!(["not an address"]));
        data.insert("phone".into(), json!(["5551234"]));
        data.insert("employment_type".into(), json!("slavery"));
        data.insert("employment_start".into(), json!("2024-02-30"));
        data.insert("load_on_post".into(), json!("2.00"));
        data.insert("weekly_hours".into(), json!(40));
        data.insert("employee_subgroup".into(), json!("senior_officials"));
        data.insert("fixed_term".into(), json!({ "is_fixed": true }));
        data.insert("salary".into(), json!([{ "kind": "monthly", "amount": "18,20", "from": "2024-09-01" }]));
        data.insert(
            "health_checks".into(),
            json!([{ "health_check_on": "2024-08-20", "fit_for_post": "fit",
                                                      "diagnosis": "saladus" }]),
        );
        data.insert("trainings".into(), json!([{ "name": "a", "started_on": "2025-02-02", "ended_on": "2025-02-01" }]));
        data.insert("favourite_colour".into(), json!("red"));
        let refused = s.clerk.post(&path, &body).expect(422);
        for (pointer, code) in [
            ("/last_name", "type"),
            ("/first_name", "length"),
            ("/citizenship/0", "not_in_codelist"),
            ("/email/0", "email"),
            ("/phone/0", "phone"),
            ("/employment_type", "not_in_codelist"),
            ("/employment_start", "date"),
            ("/load_on_post", "range"),
            ("/weekly_hours", "type"),
            ("/employee_subgroup", "code_not_under_parent"),
            ("/fixed_term/until", "required"),
            ("/salary/0/amount", "type"),
            ("/health_checks/0/diagnosis", "unknown_field"),
            ("/trainings/0/ended_on", "order"),
            ("/favourite_colour", "unknown_field"),
        ] {
            let list = refused.body["errors"].as_array().unwrap();
            let here: Vec<&Value> = list.iter().filter(|e| e["pointer"] == pointer).collect();
            assert!(!here.is_empty(), "{pointer} ({code}) in {:#?}", refused.faults());
            assert!(here.iter().all(|e| e["clause"].as_str().is_some_and(|c| c.starts_with('§'))), "{here:?}");
            assert!(here.iter().all(|e| e["detail"].as_str().is_some_and(|d| d.len() > 3)), "{here:?}");
        }
        for value in ["saladus", "K4sk", "18,20", "not an address"] {
            assert!(!refused.text.contains(value), "errors do not repeat what was entered: {value}");
        }
        let list = s.clerk.get(&path).expect(200);
        assert_eq!(list.body["items"].as_array().unwrap().len(), 1, "nothing was written");
    });
}

#[test]
fn personal_codes_are_checked_in_every_part() {
    on_both_databases(|h| {
        let s = School::open(h);
        for (code, fault) in [
            ("36805280108", "personal_code_checksum"),
            ("49002290000", "personal_code_date"),
            ("39913320008", "personal_code_date"),
            ("06805280109", "personal_code_century"),
            ("3800108571", "personal_code_length"),
            ("3800108571A", "personal_code_not_digits"),
            ("131052-308T", "personal_code_not_digits"),
        ] {
            let body = s.office.employee("Kask", code);
            let refused = s.clerk.post(&format!("/registers/{REGISTER}/records/employee"), &body).expect(422);
            assert!(refused.has_fault("/personal_code", fault), "{code}: {}", refused.text);
            assert!(!refused.text.contains(code));
        }
    });
}

#[test]
fn whatever_is_sent_the_answer_is_a_problem_and_never_a_5xx() {
    on_both_databases(|h| {
        let s = School::open(h);
        let path = format!("/registers/{REGISTER}/records/employee");
        let send = |body: Vec<u8>, media: &str| s.clerk.send("POST", &path, Some(body), media);
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        let nested = format!(
            "{{\"institution_id\":\"{}\",\"effective_on\":\"2024-09-01\",\"base_document_ids\":[],\"data\":{{\"a\":{}1{}}}}}",
            s.office.institution,
            "[".repeat(100),
            "]".repeat(100)
        );
        let many: Vec<Value> = (0..10_000).map(|_| json!({ "name": "x" })).collect();
        let mut long = s.office.employee("Kask", &code(1990, 1));
        long["data"]["trainings"] = json!(many);
        let cases: Vec<(&str, Vec<u8>, &str, &[u16])> = vec![
            ("malformed", b"{\"data\":".to_vec(), "application/json", &[400]),
            ("empty", Vec::new(), "application/json", &[400]),
            ("not an object", b"[1,2]".to_vec(), "application/json", &[400, 422]),
            ("deep", deep.into_bytes(), "application/json", &[400]),
            ("nested", nested.into_bytes(), "application/json", &[400, 422]),
            ("large", vec![b' '; 10 << 20], "application/json", &[413]),
            ("many", long.to_string().into_bytes(), "application/json", &[422]),
            ("text", b"hello".to_vec(), "text/plain", &[415]),
            ("not UTF-8", vec![b'"', 0xff, 0xfe, b'"'], "application/json", &[400]),
            (
                "NUL",
                json!({ "institution_id": s.office.institution, "effective_on": "2024-09-01",
                "base_document_ids": [s.office.document], "data": { "last_name": "a\u{0}b" } })
                .to_string()
                .into_bytes(),
                "application/json",
                &[422],
            ),
            ("unknown member", br#"{"surprise":1}"#.to_vec(), "application/json", &[400, 422]),
            ("huge number", br#"{"effective_on":1e999}"#.to_vec(), "application/json", &[400, 422]),
            (
                "wrong types",
                br#"{"institution_id":5,"effective_on":[],"base_document_ids":{},"data":7}"#.to_vec(),
                "application/json",
                &[400, 422],
            ),
        ];
        for (what, body, media, expected) in cases {
            let answer = send(body, media);
            assert!(expected.contains(&answer.status), "{what}: {} {}", answer.status, answer.text);
            assert_eq!(answer.headers["content-type"], "application/problem+json", "{what}");
            for member in ["type", "title", "status", "detail"] {
                assert!(answer.body.get(member).is_some(), "{what}: no {member} in {}", answer.text);
            }
        }
        for (path, status) in [
            ("/registers/nowhere/records/employee", 404),
            (&*format!("/registers/{REGISTER}/records/dragon"), 404),
            (&*format!("/registers/{REGISTER}/records/employee/not-an-id"), 404),
            (&*format!("/registers/{REGISTER}/records/employee?as_of=yesterday"), 400),
            (&*format!("/registers/{REGISTER}/records/employee?status=dreaming"), 400),
            (&*format!("/registers/{REGISTER}/records/employee?surprise=1"), 400),
            (&*format!("/registers/{REGISTER}/records/employee?cursor=%00%ff"), 400),
            (&*format!("/registers/{REGISTER}/records/employee?cursor=zzzz"), 400),
            (&*format!("/registers/{REGISTER}/records/employee?filter[nothing]=1"), 400),
            (&*format!("/registers/{REGISTER}/audit?from=never"), 400),
            ("/no/such/thing", 404),
        ] {
            let client = if path.contains("audit") { s.h.login("supervisor") } else { s.clerk.clone() };
            let answer = client.get(path);
            // A query that is not UTF-8 may be refused earlier than by its meaning.
            let fits = answer.status == status || (path.contains("%ff") && answer.status == 400);
            assert!(fits, "{path}: {} {}", answer.status, answer.text);
        }
        assert_eq!(s.clerk.send("PUT", &path, Some(b"{}".to_vec()), "application/json").status, 405);
    });
}

#[test]
fn odd_headers_are_refused_or_ignored_but_never_break_anything() {
    on_both_databases(|h| {
        let s = School::open(h);
        for (name, value, status) in [("If-Match", "not an etag", 400), ("If-Match", "\"99999999999999999999\"", 412)] {
            let change = json!({ "effective_on": "2026-11-01", "base_document_ids": [s.office.document], "data": {} });
            let answer = s.clerk.with(name, value).send(
                "PATCH",
                &s.path(),
                Some(change.to_string().into_bytes()),
                "application/json",
            );
            assert_eq!(answer.status, status, "{name}: {value}: {}", answer.text);
        }
        let key = "k".repeat(300);
        let body = s.office.employee("Kask", &code(1990, 1));
        let answer =
            s.clerk.with("Idempotency-Key", &key).post(&format!("/registers/{REGISTER}/records/employee"), &body);
        assert_eq!(answer.status, 400, "{}", answer.text);
        assert_eq!(s.clerk.with("X-Purpose", "   ").get(&s.path()).status, 200, "no purpose is no purpose");
        assert_eq!(s.clerk.with("Accept-Language", "xx;q=banana").get(&s.path()).status, 200);
    });
}
