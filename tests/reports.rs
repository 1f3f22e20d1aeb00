//! Statistical reports: aggregates that tell nobody apart, and the ledger of what was delivered.

use andmekogu::domain::identity::{PersonalCode, Sex};
use andmekogu::domain::statute::Definition;
use chrono::NaiveDate;
use serde_json::{Value, json};
use sha2::Digest as _;

use crate::harness::people::School;
use crate::harness::{Answer, Client, Harness, Place, REGISTER, no_postgres, shipped};

/// The shipped register, with reports and the right to run them.
fn definitions() -> Vec<Definition> {
    let mut all = shipped();
    let persona = all.iter_mut().find(|d| d.register.short_name == REGISTER).unwrap();
    persona.register.reports = serde_json::from_value(json!([
        { "name": "staff", "label": { "et": "Töötajad", "en": "Staff" }, "clause": "§ 18 lg 2 p 2",
          "recipient": "ministry_of_finance", "record_type": "employee", "group_by": ["employee_group", "sex"],
          "measure": [{ "name": "load", "label": { "et": "Koormus" }, "take": "sum", "field": "load_on_post" }],
          "every": "P3M", "threshold": 3 },
        { "name": "schools", "label": { "et": "Asutused" }, "clause": "§ 18 lg 2 p 2",
          "recipient": "ministry_of_finance", "record_type": "employee",
          "group_by": ["institution/institution_kind", "fixed_term/is_fixed"],
          "measure": [{ "name": "pay", "label": { "et": "Palk" }, "take": "average", "field": "salary[kind=monthly]/amount" }],
          "threshold": 3 },
        { "name": "broken", "label": { "et": "Katki" }, "clause": "§ 18 lg 2 p 2", "recipient": "ministry_of_finance",
          "record_type": "employee", "group_by": ["last_name"], "threshold": 3 },
    ]))
    .unwrap();
    persona.policies.push_str(
        r#"
        @id("test-report") @clause("§ 6 lg 2 p 4") @says("The controller delivers the reports.")
        permit (principal in Role::"controller", action == Action::"report.run", resource)
        when { context.in_scope };
        "#,
    );
    all
}

fn on_both_databases(scenario: impl Fn(School)) {
    scenario(School::open(Harness::with(Place::sqlite(), definitions())));
    match Place::postgres() {
        Some(place) => scenario(School::open(Harness::with(place, definitions()))),
        None => no_postgres(),
    }
}

fn reports() -> String {
    format!("/registers/{REGISTER}/reports")
}

/// Hires `n` people of a sex into a group.
fn hire(s: &School, by: &Client, n: u16, sex: Sex, group: &str, serial: u16) {
    for i in 0..n {
        let birth = NaiveDate::from_ymd_opt(1980, 2, 3).unwrap();
        let code = PersonalCode::fictitious_ee(birth, sex, serial + i).unwrap().as_str().to_owned();
        let mut body = s.office.employee("Kask", &code);
        body["data"]["employee_group"] = json!(group);
        by.post(&format!("/registers/{REGISTER}/records/employee"), &body).expect(201);
    }
}

/// The cell of these codes; `null` for totals.
fn cell(report: &Answer, keys: Value) -> Value {
    let cells = report.body["cells"].as_array().unwrap();
    cells.iter().find(|c| c["keys"] == keys).unwrap_or_else(|| panic!("no cell {keys} in {}", report.text)).clone()
}

fn count(report: &Answer, keys: Value) -> Option<u64> {
    cell(report, keys)["count"].as_u64()
}

fn delivery(more: Value) -> Value {
    let mut body = json!({ "format": "json", "channel": "e-post" });
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}

#[test]
fn a_report_hides_small_cells() {
    on_both_databases(|s| {
        // With the one of the school herself: education 5 women and 4 men, officials 3 women and 1 man.
        hire(&s, &s.clerk, 4, Sex::Female, "education_staff", 10);
        hire(&s, &s.clerk, 4, Sex::Male, "education_staff", 20);
        hire(&s, &s.clerk, 3, Sex::Female, "officials", 30);
        hire(&s, &s.clerk, 1, Sex::Male, "officials", 40);
        let controller = s.h.login("controller");
        let report = controller.get(&format!("{}/staff", reports())).expect(200);
        assert_eq!(count(&report, json!([null, null])), Some(13));
        assert_eq!(cell(&report, json!([null, null]))["values"], json!(["13.00"]));
        let one = cell(&report, json!(["officials", "male"]));
        assert_eq!((&one["count"], &one["values"], &one["suppressed"]), (&Value::Null, &json!([null]), &json!(true)));
        assert_eq!(count(&report, json!(["other", "male"])), Some(0), "that there is nobody hurts nobody");
        no_difference_reveals(&report, 3);
        for format in ["csv", "xlsx"] {
            let file = controller.get(&format!("{}/staff?format={format}", reports())).expect(200);
            assert!(file.headers["content-disposition"].contains(&format!("staff-2026-11-20.{format}")));
            assert!(!file.text.contains("Kask") && !file.text.contains("Tamm"));
        }
        let csv = controller.get(&format!("{}/staff?format=csv", reports())).expect(200);
        assert!(csv.text.contains("haridustöötajad;naine;"), "codes are words: {}", csv.text);
        let english = controller.with("Accept-Language", "en").get(&format!("{}/staff?format=csv", reports()));
        assert!(english.expect(200).text.contains("education staff,female,"));
        // Whoever ran it stands in the log: over which sections, and of no single person.
        let log = s.h.login("supervisor").get(&format!("/registers/{REGISTER}/audit?action=report.run")).expect(200);
        let event = &log.body["items"][0];
        assert_eq!(event["kind"], "read");
        assert_eq!(event["record_type"], "employee");
        assert_eq!(event["detail"]["records"], 13);
        assert!(event["record_ids"].is_null());
    });
}

/// On no line of the table do the hidden cells together tell of one to `k` − 1, nor does one hidden cell stand alone.
fn no_difference_reveals(report: &Answer, k: u64) {
    let cells = report.body["cells"].as_array().unwrap();
    for axis in 0..2 {
        for total in cells.iter().filter(|c| c["keys"][axis].is_null()) {
            let Some(sum) = total["count"].as_u64() else { continue };
            let parts: Vec<&Value> = cells
                .iter()
                .filter(|c| !c["keys"][axis].is_null() && c["keys"][1 - axis] == total["keys"][1 - axis])
                .collect();
            let hidden = parts.iter().filter(|c| c["count"].is_null()).count();
            let shown: u64 = parts.iter().filter_map(|c| c["count"].as_u64()).sum();
            assert_ne!(hidden, 1, "one hidden cell beside {total}");
            assert!(hidden == 0 || sum - shown >= k, "{} are told apart beside {total}", sum - shown);
        }
    }
    for cell in cells {
        let n = cell["count"].as_u64();
        assert!(n.is_none_or(|n| n == 0 || n >= k), "{cell}");
        assert!(n.is_some() || cell["values"].as_array().unwrap().iter().all(Value::is_null), "{cell}");
    }
}

#[test]
fn where_all_are_too_few_nothing_is_told() {
    on_both_databases(|s| {
        let report = s.h.login("controller").get(&format!("{}/staff", reports())).expect(200);
        assert!(
            report.body["cells"].as_array().unwrap().iter().all(|c| c["count"].is_null() && c["suppressed"] == true)
        );
    });
}

#[test]
fn a_person_with_several_employments_counts_once() {
    on_both_databases(|s| {
        hire(&s, &s.clerk, 3, Sex::Female, "education_staff", 10);
        let other = crate::harness::people::Office::found(&s.clerk, "Tamme Kool");
        let mut second = other.employee("Tamm", &s.personal_code);
        second["data"]["load_on_post"] = json!("0.50");
        s.clerk.post(&format!("/registers/{REGISTER}/records/employee"), &second).expect(201);
        let report = s.h.login("controller").get(&format!("{}/staff", reports())).expect(200);
        let all = cell(&report, json!(["education_staff", "female"]));
        assert_eq!((&all["count"], &all["values"]), (&json!(4), &json!(["4.50"])));
    });
}

#[test]
fn groups_may_lie_in_the_institution_and_numbers_in_chosen_rows() {
    on_both_databases(|s| {
        hire(&s, &s.clerk, 4, Sex::Female, "education_staff", 10);
        let report = s.h.login("controller").get(&format!("{}/schools", reports())).expect(200);
        let all = cell(&report, json!(["general_school", "false"]));
        assert_eq!((&all["count"], &all["values"]), (&json!(5), &json!(["1820.00"])));
        assert_eq!(report.body["dimensions"][0]["codes"]["general_school"], "üldhariduskool");
        let past = s.h.login("controller").get(&format!("{}/schools?as_of=2019-01-01", reports())).expect(200);
        assert_eq!(count(&past, json!([null, null])), Some(0), "as of a day before anybody was employed");
    });
}

#[test]
fn a_delivery_is_in_the_ledger_with_the_digest_of_what_left() {
    on_both_databases(|s| {
        hire(&s, &s.clerk, 4, Sex::Female, "education_staff", 10);
        let controller = s.h.login("controller");
        let due = |c: &Client| c.get(&reports()).expect(200).body["items"][0].clone();
        let before = due(&controller);
        assert_eq!(
            (&before["name"], &before["next_due"], &before["deliveries"]),
            (&json!("staff"), &json!("2026-11-20"), &json!(0))
        );
        let path = format!("{}/staff/deliveries", reports());
        for format in ["json", "csv", "xlsx"] {
            let client = controller.with("Idempotency-Key", format);
            let body = delivery(json!({ "format": format, "note": "III kvartal" }));
            let sent = bytes(&client, &path, &body);
            assert_eq!(sent.1.status, 201, "{}", sent.1.text);
            let digest: String = sha2::Sha256::digest(&sent.0).iter().map(|b| format!("{b:02x}")).collect();
            let id = sent.1.headers["location"].rsplit('/').next().unwrap().to_owned();
            let ledger = format!(
                "SELECT COUNT(*) FROM disclosure WHERE id = '{id}' AND digest = '{digest}' AND channel = 'e-post'"
            );
            assert_eq!(s.h.place.count(&ledger), 1, "{format}: the ledger has what left, byte for byte");
            assert_eq!(
                s.h.place.count(&format!("SELECT COUNT(*) FROM disclosure_subject WHERE disclosure_id = '{id}'")),
                0
            );
            assert!(sent.1.headers["repr-digest"].starts_with("sha-256=:"));
            let again = bytes(&client, &path, &body);
            assert_eq!(
                (again.0, &again.1.headers["location"]),
                (sent.0, &sent.1.headers["location"]),
                "the same once more"
            );
        }
        let after = due(&controller);
        assert_eq!((&after["deliveries"], &after["last_as_of"]), (&json!(3), &json!("2026-11-20")));
        // 20 February 2027 is a Saturday.
        assert_eq!(after["next_due"], "2027-02-22");
        s.h.set_clock("2027-02-23T10:00:00Z");
        assert_eq!(due(&s.h.login("controller"))["overdue"], true);
        if s.h.place.url.is_sqlite() {
            assert!(s.h.place.sql("DELETE FROM report_delivery").unwrap_err().contains("only grows"));
        }
    });
}

/// What an answer holds, byte for byte.
fn bytes(client: &Client, path: &str, body: &Value) -> (Vec<u8>, Answer) {
    let answer = client.post(path, body);
    let mut request = ureq::http::Request::builder().method("POST").uri(format!("{}{path}", client.base));
    request = request.header("Authorization", format!("Bearer {}", client.token.as_deref().unwrap()));
    for (name, value) in &client.headers {
        request = request.header(name, value);
    }
    let request = request.header("Content-Type", "application/json").body(body.to_string().into_bytes()).unwrap();
    (client.agent.run(request).unwrap().body_mut().read_to_vec().unwrap(), answer)
}

#[test]
fn a_delivery_tells_no_small_number_by_its_difference_to_the_one_before() {
    on_both_databases(|s| {
        hire(&s, &s.clerk, 5, Sex::Female, "education_staff", 10);
        hire(&s, &s.clerk, 5, Sex::Male, "education_staff", 20);
        let controller = s.h.login("controller");
        let path = format!("{}/staff/deliveries", reports());
        let first = controller.post(&path, &delivery(json!({}))).expect(201);
        assert_eq!(count(&first, json!(["education_staff", "male"])), Some(5));
        hire(&s, &s.h.login("hr_clerk"), 1, Sex::Male, "education_staff", 30);
        let controller = s.h.login("controller");
        let second = controller.post(&path, &delivery(json!({}))).expect(201);
        let cells = second.body["cells"].as_array().unwrap();
        for cell in cells {
            let before = count(&first, cell["keys"].clone());
            if let (Some(now), Some(before)) = (cell["count"].as_u64(), before) {
                assert!(!(1..3).contains(&now.abs_diff(before)), "{cell} was {before}");
            }
        }
        assert!(cells.iter().any(|c| c["suppressed"] == true), "{}", second.text);
        let preview = controller.get(&format!("{}/staff", reports())).expect(200);
        assert!(preview.body["cells"].is_array());
    });
}

#[test]
fn what_cannot_be_reported_is_refused() {
    on_both_databases(|s| {
        let controller = s.h.login("controller");
        let get = |rest: &str| controller.get(&format!("{}/{rest}", reports()));
        assert_eq!(get("dragons").status, 404);
        let future = get("staff?as_of=2026-11-21").expect(400);
        assert!(future.has_fault("/as_of", "future"), "{}", future.text);
        for wrong in ["staff?as_of=yesterday", "staff?format=pdf", "staff?format=html", "staff?group_by=last_name"] {
            assert_eq!(get(wrong).status, 400, "{wrong}");
        }
        let broken = get("broken").expect(409);
        assert_eq!(broken.body["clause"], "§ 18 lg 2 p 2", "names are no groups: {}", broken.text);
        let post =
            |report: &str, more: Value| controller.post(&format!("{}/{report}/deliveries", reports()), &delivery(more));
        assert!(post("staff", json!({ "as_of": "2027-01-01" })).expect(422).has_fault("/as_of", "future"));
        assert!(post("staff", json!({ "format": "pdf" })).expect(422).has_fault("/format", "not_in_codelist"));
        assert!(post("staff", json!({ "channel": "  " })).expect(422).has_fault("/channel", "required"));
        assert!(post("staff", json!({ "note": "x".repeat(1001) })).expect(422).has_fault("/note", "length"));
        assert!(post("staff", json!({ "recipient": "x" })).expect(422).has_fault("/recipient", "unknown_field"));
        assert_eq!(post("dragons", json!({})).status, 404);
        assert_eq!(s.h.place.count("SELECT COUNT(*) FROM disclosure"), 0, "nothing left");
        for who in ["hr_clerk", "it_manager"] {
            let refused = s.h.login(who).get(&format!("{}/staff", reports())).expect(403);
            assert!(refused.body["clause"].is_string());
        }
        assert_eq!(s.h.nobody().get(&reports()).status, 401);
    });
}
