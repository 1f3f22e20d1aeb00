//! What is made public: exactly what the statute names, by an approved act, until it is no longer so.

use andmekogu::domain::statute::Definition;
use base64::Engine as _;
use serde_json::{Value, json};
use sha2::Digest as _;

use crate::harness::people::{School, code};
use crate::harness::{Answer, Client, Harness, Place, REGISTER, no_postgres, shipped};

const PUBLIC: &str = "/api/public/v1/registers/75025973-persona/published/employee";

/// The shipped register, with rights under which a test can propose and approve whatever the statute's own roles are.
fn definitions() -> Vec<Definition> {
    let mut all = shipped();
    let persona = all.iter_mut().find(|d| d.register.short_name == REGISTER).unwrap();
    persona.policies.push_str(
        r#"
        @id("test-propose") @clause("§ 18 lg 3") @says("The clerk and the controller propose what is public.")
        permit (principal, action == Action::"publication.propose", resource)
        when { context.in_scope && (principal in Role::"hr_clerk" || principal in Role::"controller") };
        @id("test-approve") @clause("§ 6 lg 2 p 4") @says("The controller approves what is public.")
        permit (principal in Role::"controller", action == Action::"publication.approve", resource)
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

fn publications() -> String {
    format!("/registers/{REGISTER}/publications")
}

fn propose(by: &Client) -> Answer {
    by.post(&format!("{}/employee", publications()), &json!({})).expect(201)
}

fn approve(by: &Client, id: &str) -> Answer {
    by.post(&format!("{}/{id}/approval", publications()), &json!({}))
}

/// Proposes as the clerk and approves as the controller.
fn publish(s: &School) -> Answer {
    let proposal = propose(&s.h.login("hr_clerk"));
    approve(&s.h.login("controller"), &proposal.id()).expect(200)
}

fn public(h: &Harness) -> Vec<Value> {
    h.nobody().get(PUBLIC).expect(200).body["items"].as_array().unwrap().clone()
}

/// An employee of whom much is known.
fn known_in_full(s: &School) -> Value {
    let mut body = s.office.employee("Kuusk-Õunapuu", &code(1979, 3));
    let more = json!({
        "first_name": "Liis", "address": "Salajase tee 13, Loo", "phone": ["+3725550001"], "email": ["liis.kodu@example.ee"],
        "work_phone": "+3726660002", "work_email": "liis@kool.example.ee",
        "education": [
            { "education_level": "higher", "speciality": "füüsika", "highest": true },
            { "education_level": "secondary" },
        ],
        "competences": [{ "competence": "robootika juhendamine", "level": 4 }],
        "allowances": [{ "kind": "additional_tasks", "amount": "77.77", "from": "2025-01-01", "basis": "käskkiri 7-7" }],
        "trainings": [{ "name": "Kriisikoolitus", "started_on": "2025-02-03", "ended_on": "2025-02-04" }],
        "leaves": [{ "kind": "annual", "from": "2025-07-01", "to": "2025-07-28" }],
        "minor_children": [{ "name": "Kadri Õunapuu", "personal_code": code(2015, 9), "need": "legal_duty", "basis": "VPK § 34" }],
        "issued_items": [{ "item": "sülearvuti", "inventory_no": "INV-9001", "issued_on": "2024-09-02" }],
        "suspensions": [{ "from": "2025-09-01", "to": "2025-09-05", "reason": "õppereis" }],
    });
    for (key, value) in more.as_object().unwrap() {
        body["data"][key] = value.clone();
    }
    body
}

#[test]
fn only_the_public_fields_of_active_records_are_published() {
    on_both_databases(|s| {
        let path = format!("/registers/{REGISTER}/records/employee");
        let body = known_in_full(&s);
        s.clerk.post(&path, &body).expect(201);
        let mut later = s.office.employee("Tulevik", &code(1991, 4));
        later["data"]["employment_start"] = json!("2026-12-01");
        later["effective_on"] = json!("2026-12-01");
        s.clerk.post(&path, &later).expect(201);
        assert_eq!(s.h.nobody().get(PUBLIC).status, 404, "nothing is public before somebody approves it");
        let approved = publish(&s);
        assert_eq!(approved.body["counts"], json!({ "rows": 2, "added": 2, "changed": 0, "gone": 0 }));

        let page = s.h.nobody().get(PUBLIC).expect(200);
        assert_eq!(page.body["clause"], "§ 18 lg 3");
        let columns: Vec<_> = page.body["columns"].as_array().unwrap().iter().map(|c| c["name"].clone()).collect();
        assert_eq!(
            columns,
            [
                "first_name",
                "last_name",
                "post",
                "education/education_level",
                "education/speciality",
                "work_phone",
                "work_email"
            ]
        );
        let expected = json!([
            { "first_name": "Liis", "last_name": "Kuusk-Õunapuu", "post": "õpetaja",
              "education": [{ "education_level": "higher", "speciality": "füüsika" }, { "education_level": "secondary" }],
              "work_phone": "+3726660002", "work_email": "liis@kool.example.ee" },
            { "first_name": "Mari", "last_name": "Tamm", "post": "õpetaja",
              "education": [{ "education_level": "higher", "speciality": "eesti filoloogia" }] },
        ]);
        assert_eq!(page.body["items"], expected, "exactly these members, and the post by its title");
        let canonical = serde_json_text(&expected);
        let digest: String = sha2::Sha256::digest(canonical).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(page.body["digest"], json!(digest), "anybody can check the rows against the ledger");

        let mut secrets = Vec::new();
        leaves(&body["data"], &mut secrets);
        secrets.retain(|text| text.chars().count() > 3 && !canonical_contains(&expected, text));
        assert!(secrets.len() > 20, "{secrets:?}");
        for format in ["json", "csv", "html"] {
            let answer = s.h.nobody().get(&format!("{PUBLIC}?format={format}")).expect(200);
            assert!(answer.text.contains("Kuusk-Õunapuu"), "{format}");
            for secret in &secrets {
                // Days and ids may stand elsewhere by chance; what is a word of the record may not.
                let is_day = secret.len() == 10 && secret.starts_with("20");
                assert!(is_day || !answer.text.contains(secret.as_str()), "{format} has {secret}");
            }
            assert!(!answer.text.contains("Tulevik"), "who has not begun is not public");
        }
    });
}

fn serde_json_text(value: &Value) -> String {
    andmekogu::domain::audit::canonical::canonical_value(value).unwrap()
}

fn canonical_contains(value: &Value, text: &str) -> bool {
    serde_json_text(value).contains(text)
}

fn leaves(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::String(text) => out.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|v| leaves(v, out)),
        Value::Object(map) => map.values().for_each(|v| leaves(v, out)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[test]
fn who_proposes_does_not_approve_and_nobody_approves_twice() {
    on_both_databases(|s| {
        let controller = s.h.login("controller");
        let own = propose(&controller).id();
        let refused = approve(&controller, &own).expect(403);
        assert_eq!(refused.body["clause"], "§ 6 lg 2 p 4");
        assert_eq!(s.h.nobody().get(PUBLIC).status, 404);
        let clerk = s.h.login("hr_clerk");
        assert_eq!(approve(&clerk, &own).status, 403, "the clerk only proposes");
        assert_eq!(s.h.login("it_manager").get(&publications()).status, 403);
        assert_eq!(s.h.login("it_manager").post(&format!("{}/employee", publications()), &json!({})).status, 403);
        assert_eq!(s.h.nobody().get(&publications()).status, 401);

        let newer = propose(&clerk);
        let outdated = approve(&controller, &own);
        assert_eq!(outdated.status, 403, "still one's own: {}", outdated.text);
        let other = json!({ "digest": "00" });
        let path = format!("{}/{}/approval", publications(), newer.id());
        assert_eq!(controller.post(&path, &other).expect(409).body["code"], "another_digest");
        controller.post(&path, &json!({ "digest": newer.body["digest"] })).expect(200);
        assert_eq!(approve(&controller, &newer.id()).expect(409).body["code"], "already_decided");

        let (first, second) = (propose(&clerk), propose(&clerk));
        assert_eq!(approve(&controller, &first.id()).expect(409).body["code"], "outdated");
        approve(&controller, &second.id()).expect(200);
        for wrong in ["0192e4a0-0000-7000-8000-000000000000", "not-an-id"] {
            assert_eq!(approve(&controller, wrong).status, 404);
            assert_eq!(controller.get(&format!("{}/{wrong}", publications())).status, 404);
        }
        let nowhere = controller.post(&format!("{}/dragon", publications()), &json!({}));
        assert_eq!(nowhere.status, 404, "{}", nowhere.text);
        let unit = controller.post(&format!("{}/unit", publications()), &json!({}));
        assert_eq!(unit.status, 404, "the statute makes nothing of units public: {}", unit.text);
        let denied =
            s.h.login("supervisor")
                .get(&format!("/registers/{REGISTER}/audit?action=publication.approve&decision=denied"));
        assert!(denied.expect(200).body["items"].as_array().unwrap().len() >= 2, "refusals are in the log");
    });
}

#[test]
fn of_two_who_approve_at_once_one_comes_second() {
    on_both_databases(|s| {
        let proposal = propose(&s.h.login("hr_clerk")).id();
        let controller = s.h.login("controller");
        let answers: Vec<u16> = std::thread::scope(|scope| {
            let tries: Vec<_> = (0..4)
                .map(|_| {
                    let (controller, id) = (controller.clone(), proposal.clone());
                    scope.spawn(move || approve(&controller, &id).status)
                })
                .collect();
            tries.into_iter().map(|t| t.join().unwrap()).collect()
        });
        assert_eq!(answers.iter().filter(|s| **s == 200).count(), 1, "{answers:?}");
        assert_eq!(answers.iter().filter(|s| **s == 409).count(), 3, "{answers:?}");
        let ledger = format!("SELECT COUNT(*) FROM disclosure WHERE id = '{proposal}' AND channel = 'publication'");
        assert_eq!(s.h.place.count(&ledger), 1);
        let whose = format!(
            "SELECT COUNT(*) FROM disclosure_subject WHERE disclosure_id = '{proposal}' AND record_id = '{}'",
            s.employee
        );
        assert_eq!(s.h.place.count(&whose), 1, "the person whose data became public is named in the ledger");
        let read = controller.get(&format!("/registers/{REGISTER}/disclosures")).expect(200);
        assert_eq!(read.body["items"][0]["channel"], "publication", "and the ledger can be read");
        assert!(read.text.contains("§ 18 lg 3"), "with its clause: {}", read.text);
    });
}

#[test]
fn an_ended_employment_vanishes_at_once_from_the_public_list() {
    on_both_databases(|s| {
        s.office.hire(&s.clerk, "Kask", &code(1990, 1));
        publish(&s);
        assert_eq!(public(&s.h).len(), 2);
        let first = s.h.nobody().get(PUBLIC).expect(200);
        let tag = first.headers["etag"].clone();
        assert_eq!(s.h.nobody().with("If-None-Match", &tag).get(PUBLIC).status, 304);
        let end = json!({ "ended_on": "2026-11-19", "ground": "by_employee", "base_document_ids": [s.office.document],
            "data": { "termination": { "legal_basis": "töölepingu seadus", "act": "TLS", "section": "85" } } });
        s.clerk.post(&format!("{}/end", s.path()), &end).expect(200);
        let left = s.h.nobody().with("If-None-Match", &tag).get(PUBLIC).expect(200);
        let names: Vec<_> = left.body["items"].as_array().unwrap().iter().map(|i| i["last_name"].clone()).collect();
        assert_eq!(names, ["Kask"], "without any new approval, and whoever kept the page learns of it");
        for format in ["csv", "html"] {
            assert!(!s.h.nobody().get(&format!("{PUBLIC}?format={format}")).text.contains("Tamm"));
        }
        let again = publish(&s);
        assert_eq!(again.body["counts"], json!({ "rows": 1, "added": 0, "changed": 0, "gone": 0 }));
    });
}

#[test]
fn what_is_corrected_shows_with_the_next_approval() {
    on_both_databases(|s| {
        publish(&s);
        let change = json!({ "effective_on": "2026-11-20", "base_document_ids": [s.office.document],
                             "data": { "last_name": "Lepik", "work_email": "mari@kool.example.ee" } });
        s.clerk.patch(&s.path(), 1, &change).expect(200);
        assert_eq!(public(&s.h)[0]["last_name"], "Tamm", "what was approved is what is shown");
        let clerk = s.h.login("hr_clerk");
        let proposal = propose(&clerk);
        assert_eq!(proposal.body["counts"], json!({ "rows": 1, "added": 0, "changed": 1, "gone": 0 }));
        assert_eq!(public(&s.h)[0]["last_name"], "Tamm", "a proposal is not public");
        let detail = clerk.get(&format!("{}/{}?difference=changed", publications(), proposal.id())).expect(200);
        let row = &detail.body["items"][0];
        assert_eq!((&row["before"]["last_name"], &row["shown"]["last_name"]), (&json!("Tamm"), &json!("Lepik")));
        let none = clerk.get(&format!("{}/{}?difference=gone", publications(), proposal.id())).expect(200);
        assert_eq!(none.body["items"], json!([]));
        let wrong = clerk.get(&format!("{}/{}?difference=odd", publications(), proposal.id()));
        assert_eq!(wrong.status, 400);
        approve(&s.h.login("controller"), &proposal.id()).expect(200);
        assert_eq!(public(&s.h)[0]["last_name"], "Lepik");
        assert_eq!(public(&s.h)[0]["work_email"], "mari@kool.example.ee");
        // Whoever looked through the rows is named with the records in the log.
        let seen =
            s.h.login("supervisor")
                .get(&format!("/registers/{REGISTER}/audit?subject={}&action=publication.read", s.employee));
        assert_eq!(seen.expect(200).body["items"].as_array().unwrap().len(), 1);
    });
}

#[test]
fn history_shows_what_was_public_when() {
    on_both_databases(|s| {
        let first = publish(&s).id();
        s.h.set_clock("2026-11-21T10:00:00Z");
        s.office.hire(&s.h.login("hr_clerk"), "Kask", &code(1990, 1));
        let second = publish(&s).id();
        s.h.set_clock("2026-11-22T10:00:00Z");
        let controller = s.h.login("controller");
        let path = format!("{}/{second}/withdrawal", publications());
        assert!(controller.post(&path, &json!({ "reason": "  " })).expect(422).has_fault("/reason", "required"));
        assert_eq!(s.h.login("hr_clerk").post(&path, &json!({ "reason": "kahtlus" })).status, 403);
        controller.post(&path, &json!({ "reason": "vaidlus kontaktandmete üle" })).expect(200);
        assert_eq!(s.h.nobody().get(PUBLIC).status, 404);
        assert_eq!(controller.post(&path, &json!({ "reason": "veel kord" })).status, 409);

        let history = s.h.login("supervisor").get(&format!("{}?type=employee", publications())).expect(200);
        let items = history.body["items"].as_array().unwrap();
        let told: Vec<_> = items.iter().map(|p| (p["id"].as_str().unwrap(), p["state"].as_str().unwrap())).collect();
        assert_eq!(told, [(second.as_str(), "withdrawn"), (first.as_str(), "replaced")], "newest first");
        assert_eq!(items[1]["public_until"], items[0]["public_from"]);
        assert!(items[0]["public_until"].as_str().unwrap().starts_with("2026-11-22T10:00"));
        assert_eq!((&items[1]["proposed_by"], &items[1]["decided_by"]), (&json!("hr_clerk"), &json!("controller")));
        assert_eq!(items[0]["withdrawn_for"], "vaidlus kontaktandmete üle");
        assert_eq!(items[0]["counts"]["added"], 1);
        let page = controller.get(&format!("{}?limit=1", publications())).expect(200);
        let cursor = page.body["next_cursor"].as_str().unwrap();
        let next = controller.get(&format!("{}?limit=1&cursor={cursor}", publications())).expect(200);
        assert_eq!(
            (next.body["items"][0]["id"].clone(), next.body["next_cursor"].clone()),
            (json!(first), Value::Null)
        );
        let was = controller.get(&format!("{}/{first}", publications())).expect(200);
        assert_eq!(was.body["items"][0]["shown"]["last_name"], "Tamm", "and what it said then");
    });
}

#[test]
fn the_public_list_is_paged_embedded_and_opened_in_spreadsheets() {
    on_both_databases(|s| {
        for n in 0..5 {
            let mut body = s.office.employee("Kask", &code(1990, n));
            body["data"]["education"][0]["speciality"] = json!("=HYPERLINK(1)");
            s.clerk.post(&format!("/registers/{REGISTER}/records/employee"), &body).expect(201);
        }
        publish(&s);
        let mut seen = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = s.h.nobody().get(&format!("{PUBLIC}?limit=4{cursor}")).expect(200);
            seen.extend(page.body["items"].as_array().unwrap().clone());
            match page.body["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(seen.len(), 6);
        assert_eq!(seen, public(&s.h));
        for wrong in ["?limit=0", "?limit=501", "?format=pdf", "?cursor=1", "?cursor=x.1", "?colour=red"] {
            assert_eq!(s.h.nobody().get(&format!("{PUBLIC}{wrong}")).status, 400, "{wrong}");
        }
        for absent in ["unit", "dragon"] {
            let path = PUBLIC.replace("employee", absent);
            assert_eq!(s.h.nobody().get(&path).status, 404, "{absent}");
        }
        let csv = s.h.nobody().get(&format!("{PUBLIC}?format=csv")).expect(200);
        assert!(csv.text.starts_with("\u{feff}eesnimi;perekonnanimi;"), "{}", csv.text);
        let mut fields = csv.text.lines().flat_map(|line| line.split(';'));
        assert!(csv.text.contains("=HYPERLINK(1)"), "{}", csv.text);
        assert!(!fields.any(|f| f.trim_start_matches('"').starts_with('=')), "no formula: {}", csv.text);
        assert!(csv.text.contains("kõrgharidus"), "codes are words: {}", csv.text);
        let html = s.h.nobody().with("Accept-Language", "en").get(&format!("{PUBLIC}?format=html")).expect(200);
        assert!(html.text.contains("<html lang=\"en\">") && html.text.contains("<th scope=\"col\">"), "{}", html.text);
        let policy = &html.headers["content-security-policy"];
        assert!(policy.contains("frame-ancestors *") && policy.contains("default-src 'none'"), "{policy}");
        let style = html.text.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
        let digest = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(style));
        assert!(policy.contains(&format!("'sha256-{digest}'")), "its own style and no other");
        assert!(!html.headers.contains_key("x-frame-options"));
        assert_eq!(csv.headers["x-frame-options"], "DENY", "only the page may be embedded");
        let json = s.h.nobody().get(PUBLIC).expect(200);
        assert_eq!(json.headers["x-frame-options"], "DENY");
        assert_eq!(json.headers["cache-control"], "public, no-cache");
    });
}

#[test]
fn a_proposal_sent_twice_is_made_once() {
    on_both_databases(|s| {
        let clerk = s.h.login("hr_clerk").with("Idempotency-Key", "p-1");
        let (first, again) = (propose(&clerk), propose(&clerk));
        assert_eq!(first.body, again.body);
        assert_eq!(s.h.place.count("SELECT COUNT(*) FROM publication"), 1);
    });
}
