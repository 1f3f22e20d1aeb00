//! Entering, changing, correcting and ending records; both times; what follows from the dates.

use serde_json::json;

use crate::harness::people::{self, Office, School, code};
use crate::harness::{REGISTER, on_both_databases};

#[test]
fn a_record_is_entered_on_a_base_document_and_read_back() {
    on_both_databases(|h| {
        let s = School::open(h);
        let read = s.clerk.get(&s.path()).expect(200);
        assert_eq!(read.body["type"], "employee");
        assert_eq!(read.body["register"], REGISTER);
        assert_eq!(read.body["status"], "active");
        assert_eq!(read.body["version"], 1);
        assert_eq!(read.body["institution_id"], json!(s.office.institution));
        assert_eq!(read.body["data"]["last_name"], "Tamm");
        assert_eq!(read.body["data"]["salary"][0]["amount"], "1820.00");
        assert_eq!(read.body["redacted"], json!([]));
        assert_eq!(read.headers["etag"], "\"1\"");
    });
}

#[test]
fn no_document_no_entry() {
    on_both_databases(|h| {
        let s = School::open(h);
        let mut body = s.office.employee("Kask", &code(1990, 1));
        body["base_document_ids"] = json!([]);
        let refused = s.clerk.post(&format!("/registers/{REGISTER}/records/employee"), &body).expect(422);
        assert!(refused.has_fault("/base_document_ids", "required"), "{}", refused.text);
        assert_eq!(refused.body["errors"][0]["clause"], "§ 16");
    });
}

#[test]
fn derived_values_are_computed_and_cannot_be_entered() {
    on_both_databases(|h| {
        let s = School::open(h);
        let read = s.clerk.get(&s.path()).expect(200);
        assert_eq!(read.body["data"]["sex"], "female");
        assert_eq!(read.body["data"]["birth_date"], "1984-05-17");
        assert_eq!(read.body["data"]["age"], 42);
        for (field, value) in [("sex", json!("male")), ("birth_date", json!("1990-01-01")), ("age", json!(5))] {
            let mut body = s.office.employee("Kask", &code(1990, 1));
            body["data"][field] = value;
            let refused = s.clerk.post(&format!("/registers/{REGISTER}/records/employee"), &body).expect(422);
            assert!(refused.has_fault(&format!("/{field}"), "derived"), "{}", refused.text);
        }
    });
}

#[test]
fn a_change_is_seen_by_the_next_reader() {
    on_both_databases(|h| {
        let s = School::open(h);
        let change = json!({ "effective_on": "2026-11-01", "base_document_ids": [s.office.document],
                             "data": { "load_on_post": "0.80" } });
        let changed = s.clerk.patch(&s.path(), 1, &change).expect(200);
        assert_eq!(changed.body["version"], 2);
        let supervisor = s.h.login("supervisor");
        assert_eq!(supervisor.get(&s.path()).expect(200).body["data"]["load_on_post"], "0.80");
    });
}

#[test]
fn a_future_change_takes_effect_by_itself_on_its_day() {
    on_both_databases(|h| {
        let s = School::open(h);
        let change = json!({ "effective_on": "2027-01-01", "base_document_ids": [s.office.document],
                             "data": { "load_on_post": "0.50" } });
        let changed = s.clerk.patch(&s.path(), 1, &change).expect(200);
        assert_eq!(changed.body["data"]["load_on_post"], "1.00", "not yet");
        let on = |day: &str| s.clerk.get(&format!("{}?as_of={day}", s.path())).expect(200).body;
        assert_eq!(on("2026-12-31")["data"]["load_on_post"], "1.00");
        assert_eq!(on("2027-01-01")["data"]["load_on_post"], "0.50");
        assert_eq!(on("2024-09-01")["data"]["load_on_post"], "1.00");
        s.clerk.get(&format!("{}?as_of=2024-08-31", s.path())).expect(404);
        // A filter over the load follows the day too.
        let found = |day: &str| {
            let list = format!("/registers/{REGISTER}/records/employee?filter[load_on_post]=0.50&as_of={day}");
            s.clerk.get(&list).expect(200).body["items"].as_array().unwrap().len()
        };
        assert_eq!((found("2026-12-31"), found("2027-01-01")), (0, 1));
    });
}

#[test]
fn a_correction_keeps_the_wrong_entry_and_says_why() {
    on_both_databases(|h| {
        let s = School::open(h);
        let entries = s.clerk.get(&format!("{}/entries", s.path())).expect(200);
        let wrong = entries.body["items"][0]["id"].as_str().unwrap().to_owned();
        let before = entries.body["items"][0]["recorded_at"].as_str().unwrap().to_owned();
        let fix = json!({ "entry_id": wrong, "reason": "nimi valesti kirjutatud",
                          "base_document_ids": [s.office.document], "data": { "last_name": "Tammsaar" } });
        let path = format!("{}/corrections", s.path());
        s.clerk.post(&path, &fix).expect(201);
        // It was never true, so that no day has it any more ...
        let then = s.clerk.get(&format!("{}?as_of=2024-09-01", s.path())).expect(200);
        assert_eq!(then.body["data"]["last_name"], "Tammsaar");
        // ... but the register did say it then, and the entry stands.
        let known = s.clerk.get(&format!("{}?known_at={before}", s.path())).expect(200);
        assert_eq!(known.body["data"]["last_name"], "Tamm");
        let entries = s.clerk.get(&format!("{}/entries", s.path())).expect(200).body;
        assert_eq!(entries["items"].as_array().unwrap().len(), 2);
        assert_eq!(entries["items"][0]["superseded_by"], entries["items"][1]["id"]);
        assert_eq!(entries["items"][1]["reason"], "nimi valesti kirjutatud");
        assert_eq!(entries["items"][1]["data"]["last_name"], "Tammsaar");
        // A second correction of the same entry would contradict the first.
        let again = s.clerk.post(&path, &fix).expect(409);
        assert_eq!(again.body["clause"], "§ 17 lg 2");
        let mut silent = fix.clone();
        silent["entry_id"] = entries["items"][1]["id"].clone();
        silent["reason"] = json!("  ");
        assert!(s.clerk.post(&path, &silent).expect(422).has_fault("/reason", "required"));
    });
}

#[test]
fn each_entry_names_the_person_who_made_it() {
    on_both_databases(|h| {
        let s = School::open(h);
        let entries = s.clerk.get(&format!("{}/entries", s.path())).expect(200).body;
        assert_eq!(entries["items"][0]["made_by"], "Kasutaja hr_clerk");
        assert_eq!(entries["items"][0]["base_document_ids"], json!([s.office.document]));
        let audit = entries["items"][0]["audit_id"].as_str().unwrap();
        let line = s.h.export(REGISTER).into_iter().find(|l| l["event"]["id"] == audit).unwrap();
        assert_eq!(line["event"]["actor"]["name"], "hr_clerk");
        assert_eq!(line["event"]["role"], "hr_clerk");
        assert_eq!(line["event"]["clause"], "§ 20 lg 2 p 2");
        assert_eq!(line["event"]["entry_id"], entries["items"][0]["id"]);
    });
}

#[test]
fn a_record_is_active_from_its_first_to_its_last_day() {
    on_both_databases(|h| {
        let s = School::open(h);
        let end = json!({ "ended_on": "2026-11-30", "ground": "by_employee", "base_document_ids": [s.office.document],
            "data": { "termination": { "legal_basis": "töölepingu seadus", "act": "TLS", "section": "85",
                                        "subsection": "1" } } });
        let ended = s.clerk.post(&format!("{}/end", s.path()), &end).expect(200);
        assert_eq!(ended.body["status"], "active", "the last day is still to come");
        let status = |day: &str| s.clerk.get(&format!("{}?as_of={day}", s.path())).expect(200).body["status"].clone();
        assert_eq!(status("2026-11-30"), "active");
        assert_eq!(status("2026-12-01"), "ended");
        let again = s.clerk.post(&format!("{}/end", s.path()), &end).expect(409);
        assert_eq!(again.body["clause"], "§ 12 lg 2");
        // After the end nothing is added, only corrected.
        s.h.set_clock("2026-12-02T10:00:00Z");
        let late = json!({ "effective_on": "2026-12-02", "base_document_ids": [s.office.document],
                           "data": { "load_on_post": "0.10" } });
        let clerk = s.h.login("hr_clerk");
        let refused = clerk.patch(&s.path(), 2, &late).expect(403);
        assert_eq!(refused.body["clause"], "§ 12 lg 2");
        let list = |status: &str| {
            let path = format!("/registers/{REGISTER}/records/employee?status={status}");
            clerk.get(&path).expect(200).body["items"].as_array().unwrap().len()
        };
        assert_eq!((list("active"), list("ended")), (0, 1));
        // The same person may come back to the same post.
        let mut back = s.office.employee("Tamm", &s.personal_code);
        back["effective_on"] = json!("2026-12-01");
        back["data"]["employment_start"] = json!("2026-12-01");
        back["data"]["salary"][0]["from"] = json!("2026-12-01");
        clerk.post(&format!("/registers/{REGISTER}/records/employee"), &back).expect(201);
    });
}

#[test]
fn an_end_before_the_beginning_is_refused() {
    on_both_databases(|h| {
        let s = School::open(h);
        let end = json!({ "ended_on": "2024-08-01", "ground": "by_employee", "base_document_ids": [s.office.document],
            "data": { "termination": { "legal_basis": "TLS", "act": "TLS", "section": "85" } } });
        s.clerk.post(&format!("{}/end", s.path()), &end).expect(422);
        let mut body = s.office.employee("Kask", &code(1990, 1));
        body["data"]["termination"] = json!({ "date": "2024-08-01", "kind": "by_employee", "legal_basis": "TLS",
                                              "act": "TLS", "section": "85" });
        let refused = s.clerk.post(&format!("/registers/{REGISTER}/records/employee"), &body).expect(422);
        assert!(refused.faults().iter().any(|(_, code)| code == "order"), "{}", refused.text);
    });
}

#[test]
fn a_record_that_begins_later_is_pending_until_its_day() {
    on_both_databases(|h| {
        let s = School::open(h);
        let mut body = s.office.employee("Kask", &code(1990, 1));
        body["effective_on"] = json!("2027-02-01");
        body["data"]["employment_start"] = json!("2027-02-01");
        body["data"]["salary"][0]["from"] = json!("2027-02-01");
        let path = format!("/registers/{REGISTER}/records/employee");
        let entered = s.clerk.post(&path, &body).expect(201);
        assert_eq!(entered.body["status"], "pending");
        let read = s.clerk.get(&format!("{path}/{}", entered.id())).expect(200);
        assert_eq!(read.body["status"], "pending");
        assert_eq!(read.body["effective_on"], "2027-02-01");
        let pending = s.clerk.get(&format!("{path}?status=pending")).expect(200);
        assert_eq!(pending.body["items"].as_array().unwrap().len(), 1);
        let office = s.clerk.get(&format!("/registers/{REGISTER}/institutions/{}", s.office.institution)).expect(200);
        assert_eq!(office.body["data"]["worker_count"], 1, "who has yet to begin is not counted");
    });
}

#[test]
fn headcount_and_loads_follow_the_records_as_of_any_date() {
    on_both_databases(|h| {
        let s = School::open(h);
        let second =
            people::post(&s.clerk, &s.office.institution, &s.office.unit, &s.office.document, "huvijuht", "0.50")
                .expect(201)
                .id();
        // The same person on a second post counts once, with both loads.
        let mut body = s.office.employee("Tamm", &s.personal_code);
        body["effective_on"] = json!("2025-01-01");
        body["data"]["employment_start"] = json!("2025-01-01");
        body["data"]["post"] = json!(second);
        body["data"]["load_on_post"] = json!("0.50");
        s.clerk.post(&format!("/registers/{REGISTER}/records/employee"), &body).expect(201);
        let figures = |path: &str, day: &str| {
            let d = s.clerk.get(&format!("/registers/{REGISTER}/{path}?as_of={day}")).expect(200).body["data"].clone();
            (
                d["staff_post_count"].clone(),
                d["post_load_total"].clone(),
                d["worker_load_total"].clone(),
                d["worker_count"].clone(),
            )
        };
        let institution = format!("institutions/{}", s.office.institution);
        let unit = format!("records/unit/{}", s.office.unit);
        for path in [&institution, &unit] {
            assert_eq!(figures(path, "2024-08-31"), (json!(2), json!("1.50"), json!("0.00"), json!(0)), "{path}");
            assert_eq!(figures(path, "2024-09-01"), (json!(2), json!("1.50"), json!("1.00"), json!(1)), "{path}");
            assert_eq!(figures(path, "2025-01-01"), (json!(2), json!("1.50"), json!("1.50"), json!(1)), "{path}");
        }
        // In a list they are the same.
        let list = s.clerk.get(&format!("/registers/{REGISTER}/institutions")).expect(200);
        assert_eq!(list.body["items"][0]["data"]["worker_load_total"], "1.50");
    });
}

#[test]
fn a_reference_must_exist_in_the_same_institution_on_that_day() {
    on_both_databases(|h| {
        let s = School::open(h);
        let other = Office::found(&s.clerk, "Kase Kool");
        let path = format!("/registers/{REGISTER}/records/employee");
        let with = |post: &str| {
            let mut body = s.office.employee("Kask", &code(1990, 1));
            body["data"]["post"] = json!(post);
            body
        };
        let refused = s.clerk.post(&path, &with(&other.post)).expect(422);
        assert!(refused.has_fault("/post", "not_found"), "a post of another institution: {}", refused.text);
        assert_eq!(refused.body["errors"][0]["clause"], "§ 8 lg 2");
        s.clerk.post(&path, &with(&s.office.unit)).expect(422);
        s.clerk.post(&path, &with("0192e4a0-0000-7000-8000-000000000000")).expect(422);
        let dissolve = json!({ "ended_on": "2025-06-30", "base_document_ids": [other.document] });
        s.clerk.post(&format!("/registers/{REGISTER}/records/post/{}/end", other.post), &dissolve).expect(200);
        let mut late = other.employee("Kask", &code(1990, 1));
        late["effective_on"] = json!("2025-09-01");
        assert!(s.clerk.post(&path, &late).expect(422).has_fault("/post", "ended"));
    });
}

#[test]
fn a_unit_cannot_stand_above_itself() {
    on_both_databases(|h| {
        let s = School::open(h);
        let unit = |name: &str, parent: &str| {
            let body = json!({ "institution_id": s.office.institution, "effective_on": "2020-02-01",
                "base_document_ids": [s.office.document], "data": { "unit_name": name, "parent_unit": parent,
                "lifecycle_events": [{ "kind": "created", "date": "2020-02-01" }] } });
            s.clerk.post(&format!("/registers/{REGISTER}/records/unit"), &body).expect(201).id()
        };
        let below = unit("Algklassid", &s.office.unit);
        let deepest = unit("Esimene klass", &below);
        let change = json!({ "effective_on": "2020-03-01", "base_document_ids": [s.office.document],
                             "data": { "parent_unit": deepest } });
        let refused = s.clerk.patch(&format!("/registers/{REGISTER}/records/unit/{}", s.office.unit), 1, &change);
        let refused = refused.expect(422);
        assert!(refused.faults().iter().any(|(_, code)| code == "cycle"), "{}", refused.text);
        assert_eq!(refused.body["errors"][0]["clause"], "§ 10 p 2");
    });
}

#[test]
fn one_person_is_entered_once_on_a_post() {
    on_both_databases(|h| {
        let s = School::open(h);
        let body = s.office.employee("Tamm", &s.personal_code);
        let refused = s.clerk.post(&format!("/registers/{REGISTER}/records/employee"), &body).expect(422);
        assert!(refused.faults().iter().any(|(_, code)| code == "not_unique"), "{}", refused.text);
        assert!(!refused.text.contains(&s.personal_code), "an error never repeats a personal code");
    });
}

#[test]
fn two_people_who_change_the_same_record_do_not_overwrite_each_other() {
    on_both_databases(|h| {
        let s = School::open(h);
        let change = |load: &str| {
            json!({ "effective_on": "2026-11-01", "base_document_ids": [s.office.document],
                    "data": { "load_on_post": load } })
        };
        s.clerk.patch(&s.path(), 1, &change("0.80")).expect(200);
        let late = s.clerk.patch(&s.path(), 1, &change("0.70"));
        assert_eq!(late.status, 412, "{}", late.text);
        let without =
            s.clerk.send("PATCH", &s.path(), Some(change("0.70").to_string().into_bytes()), "application/json");
        assert_eq!(without.status, 428, "{}", without.text);
        assert_eq!(s.clerk.get(&s.path()).body["data"]["load_on_post"], "0.80");
    });
}

#[test]
fn a_change_for_the_past_must_leave_every_later_day_lawful() {
    on_both_databases(|h| {
        let s = School::open(h);
        let change = |version: i64, day: &str, data: serde_json::Value| {
            let body = json!({ "effective_on": day, "base_document_ids": [s.office.document], "data": data });
            s.clerk.patch(&s.path(), version, &body)
        };
        change(1, "2026-06-01", json!({ "employee_group": "support_staff", "employee_subgroup": null })).expect(200);
        // Lawful in 2025, but from June 2026 on the subgroup would not belong to the group.
        let subgroup = change(2, "2025-01-01", json!({ "employee_subgroup": "teachers" }));
        assert_eq!(subgroup.status, 200, "the later change took the subgroup away: {}", subgroup.text);
        let before = change(3, "2024-08-31", json!({ "load_on_post": "0.50" })).expect(422);
        assert!(before.has_fault("/effective_on", "before_record"));
        let statute = json!({ "institution_id": s.office.institution, "effective_on": "2019-12-19",
            "base_document_ids": [s.office.document], "data": people::employee(&s.office.post, "Jaan", "Kuusk", &code(1970, 3)) });
        let refused = s.clerk.post(&format!("/registers/{REGISTER}/records/employee"), &statute).expect(422);
        assert!(refused.has_fault("/effective_on", "before_statute"), "{}", refused.text);
        assert!(refused.body["errors"].as_array().unwrap().iter().any(|e| e["clause"].is_string()));
    });
}

#[test]
fn lists_are_searched_sorted_filtered_and_paged() {
    on_both_databases(|h| {
        let s = School::open(h);
        let other = Office::found(&s.clerk, "Kase Kool");
        for (n, name) in ["Õunapuu", "Tamberg", "Kask", "Tammsaar", "Pärn"].into_iter().enumerate() {
            let place = if n % 2 == 0 { &s.office } else { &other };
            place.hire(&s.clerk, name, &code(1990, u16::try_from(n).unwrap()));
        }
        let list = |query: &str| {
            let answer = s.clerk.get(&format!("/registers/{REGISTER}/records/employee?{query}")).expect(200);
            let names: Vec<String> = answer.body["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|i| i["data"]["last_name"].as_str().unwrap().to_owned())
                .collect();
            (names, answer.body["next_cursor"].as_str().map(str::to_owned))
        };
        assert_eq!(list("q=tam&limit=10").0, ["Tamberg", "Tamm", "Tammsaar"]);
        assert_eq!(list("q=%C3%95UNA").0, ["Õunapuu"]);
        assert_eq!(list("q=mari%20tamm").0, ["Tamm", "Tammsaar"], "words in any order");
        assert_eq!(list(&format!("q={}", s.personal_code)).0, ["Tamm"], "a whole personal code");
        assert!(list(&format!("q={}", &s.personal_code[..6])).0.is_empty(), "never a part of one");
        assert_eq!(list(&format!("q=tam&institution_id={}", other.institution)).0, ["Tamberg", "Tammsaar"]);
        assert_eq!(list("sort=-last_name&limit=2").0, ["Õunapuu", "Tammsaar"]);
        let (first, cursor) = list("sort=last_name&limit=4");
        let (rest, end) = list(&format!("sort=last_name&limit=4&cursor={}", cursor.unwrap()));
        assert_eq!([first, rest].concat(), ["Kask", "Pärn", "Tamberg", "Tamm", "Tammsaar", "Õunapuu"]);
        assert!(end.is_none());
        let wrong = s.clerk.get(&format!("/registers/{REGISTER}/records/employee?sort=salary")).expect(400);
        assert!(wrong.has_fault("/sort", "unknown_field"));
        s.clerk.get(&format!("/registers/{REGISTER}/records/employee?limit=501")).expect(400);
        s.clerk.get(&format!("/registers/{REGISTER}/records/employee?limit=0")).expect(400);
    });
}

#[test]
fn the_same_request_sent_twice_is_done_once() {
    on_both_databases(|h| {
        let s = School::open(h);
        let path = format!("/registers/{REGISTER}/records/employee");
        let body = s.office.employee("Kask", &code(1990, 1));
        let keyed = s.clerk.with("Idempotency-Key", "vorm-17");
        let first = keyed.post(&path, &body).expect(201);
        let second = keyed.post(&path, &body).expect(201);
        assert_eq!(first.body, second.body);
        let mut another = body.clone();
        another["data"]["last_name"] = json!("Kuusk");
        assert_eq!(keyed.post(&path, &another).status, 422, "another body under the same key");
        let names = s.clerk.get(&format!("{path}?q=kask")).expect(200);
        assert_eq!(names.body["items"].as_array().unwrap().len(), 1);
        // Another person's key of the same name is another key.
        let admin = s.h.login("administrator").with("Idempotency-Key", "vorm-17");
        let mut third = body.clone();
        third["data"]["personal_code"] = json!(code(1991, 2));
        admin.post(&path, &third).expect(201);
    });
}

#[test]
fn a_value_that_needs_consent_is_refused_without_it() {
    on_both_databases(|h| {
        let s = School::open(h);
        let change = |version: i64, data: serde_json::Value| {
            let body = json!({ "effective_on": "2026-11-01", "base_document_ids": [s.office.document], "data": data });
            s.clerk.patch(&s.path(), version, &body)
        };
        let refused = change(1, json!({ "previous_sector": "private" })).expect(422);
        assert!(refused.has_fault("/previous_sector", "consent_missing"), "{}", refused.text);
        assert_eq!(refused.body["errors"][0]["clause"], "§ 12 lg 1 p 23");
        let consent = json!({ "given_on": "2026-10-30", "text_version": "1" });
        change(1, json!({ "previous_sector": "private", "sector_consent": consent })).expect(200);
        let withdrawn = change(2, json!({ "sector_consent": { "withdrawn_on": "2026-11-01" } })).expect(422);
        assert!(withdrawn.has_fault("/previous_sector", "consent_withdrawn"), "{}", withdrawn.text);
        change(2, json!({ "sector_consent": { "withdrawn_on": "2026-11-01" }, "previous_sector": null })).expect(200);
    });
}

#[test]
fn children_need_a_named_legal_need_and_must_be_minors() {
    on_both_databases(|h| {
        let s = School::open(h);
        let child = |year: i32, need: Option<&str>| {
            let mut child = json!({ "name": "Kadri Tamm", "personal_code": code(year, 5), "basis": "VPK § 34" });
            if let Some(need) = need {
                child["need"] = json!(need);
            }
            let body = json!({ "effective_on": "2026-11-01", "base_document_ids": [s.office.document],
                               "data": { "minor_children": [child] } });
            s.clerk.patch(&s.path(), 1, &body)
        };
        let without = child(2015, None).expect(422);
        assert!(without.faults().iter().any(|(p, _)| p.starts_with("/minor_children/0")), "{}", without.text);
        assert!(without.body["errors"].as_array().unwrap().iter().any(|e| e["clause"] == "§ 12 lg 1 p 25"));
        let grown = child(2005, Some("legal_duty")).expect(422);
        assert!(grown.has_fault("/minor_children/0/personal_code", "not_a_minor"), "{}", grown.text);
        child(2015, Some("legal_duty")).expect(200);
    });
}
