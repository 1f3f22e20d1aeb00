//! Asking for data, weighing it, releasing what was granted, and telling everybody when it was wrong.

use andmekogu::clock::Clock as _;
use andmekogu::domain::identity::{PersonalCode, Sex, check_ee};
use andmekogu::domain::statute::procedures::Procedure;
use calamine::{Data, Reader as _};
use chrono::NaiveDate;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::faults::{break_the_log, mend_the_log};
use crate::harness::people::{School, code};
use crate::harness::{Answer, Client, Harness, REGISTER, on_both_databases};

const TASK: &str = "töölepingu seaduse § 115";

fn requests() -> String {
    format!("/registers/{REGISTER}/disclosure-requests")
}

fn ledger() -> String {
    format!("/registers/{REGISTER}/disclosures")
}

/// A code of a body that does not exist.
fn registry_code() -> String {
    (80_999_000..81_000_000_u32).map(|n| n.to_string()).find(|c| check_ee(c).is_ok()).unwrap()
}

fn wanted(fields: &[&str], filter: Value) -> Value {
    json!({
        "requester": { "name": "Näidisamet", "kind": "authority", "registry_code": registry_code(),
                       "contact": "info@naidisamet.example" },
        "object": "Õpetajate ametikohad", "record_type": "employee", "fields": fields, "filter": filter,
        "purpose": "järelevalve töötingimuste üle", "legal_basis": TASK,
    })
}

fn granted() -> Value {
    json!({ "outcome": "granted", "ground": "public_task", "act": TASK, "explanation": "ülesanne on seaduses" })
}

struct Office {
    s: School,
    admin: Client,
}

impl Office {
    fn open(h: Harness) -> Self {
        let s = School::open(h);
        let admin = s.h.login("administrator");
        Self { s, admin }
    }

    fn ask(&self, fields: &[&str], filter: Value) -> String {
        self.admin.post(&requests(), &wanted(fields, filter)).expect(201).id()
    }

    fn decide(&self, id: &str, decision: &Value) -> Answer {
        self.admin.post(&format!("{}/{id}/decision", requests()), decision)
    }

    fn release(&self, id: &str, query: &str) -> Answer {
        self.admin.send("POST", &format!("{}/{id}/release{query}", requests()), None, "application/json")
    }

    /// Asked, granted and released in one go.
    fn give(&self, fields: &[&str], filter: Value) -> Answer {
        let id = self.ask(fields, filter);
        self.decide(&id, &granted()).expect(200);
        self.release(&id, "").expect(200)
    }

    fn ledger(&self, query: &str) -> Vec<Value> {
        let page = self.admin.get(&format!("{}{query}", ledger())).expect(200).body;
        page["items"].as_array().unwrap().clone()
    }

    fn correct(&self, data: Value) -> Answer {
        let entries = self.s.clerk.get(&format!("{}/entries", self.s.path())).expect(200).body;
        let standing = entries["items"].as_array().unwrap().iter().rfind(|e| e["superseded_by"].is_null()).unwrap();
        let wrong = standing["id"].clone();
        let fix = json!({ "entry_id": wrong, "reason": "viga sisestamisel", "data": data,
                          "base_document_ids": [self.s.office.document] });
        self.s.clerk.post(&format!("{}/corrections", self.s.path()), &fix).expect(201)
    }

    fn kind_of(&self, procedure: Procedure) -> String {
        let register = self.s.h.app.register(REGISTER).unwrap();
        register.case_kind_of(procedure).unwrap().name.clone()
    }
}

/// The body as it came, for what is no text.
fn raw(client: &Client, path: &str) -> (u16, Vec<u8>) {
    let token = client.token.as_deref().unwrap();
    let request = ureq::http::Request::builder()
        .method("POST")
        .uri(format!("{}{path}", client.base))
        .header("Authorization", format!("Bearer {token}"));
    let mut response = client.agent.run(request.body(()).unwrap()).unwrap();
    (response.status().as_u16(), response.body_mut().read_to_vec().unwrap())
}

#[test]
fn a_release_holds_only_what_was_granted() {
    on_both_databases(|h| {
        let o = Office::open(h);
        o.s.office.hire(&o.s.clerk, "Kask", &code(1990, 1));
        let asked = ["first_name", "last_name", "salary", "education/speciality"];
        let id = o.ask(&asked, json!({ "employee_group": "education_staff", "status": "active" }));
        let part = json!({ "outcome": "partly_granted", "ground": "harm_to_person", "release_ground": "public_task",
            "fields": ["last_name", "education/speciality"], "explanation": "palk ei ole ülesandeks vajalik" });
        let decided = o.decide(&id, &part).expect(200).body;
        assert_eq!(decided["decision"]["clause"], "§ 18 lg 5");
        assert_eq!(decided["decision"]["details"]["refused_fields"], json!(["first_name", "salary"]));
        let left = o.release(&id, "").expect(200);
        let mut records = left.body["records"].as_array().unwrap().clone();
        records.sort_by_key(ToString::to_string);
        let row = |name: &str| json!({ "last_name": name, "education": [{ "speciality": "eesti filoloogia" }] });
        let mut expected = vec![row("Tamm"), row("Kask")];
        expected.sort_by_key(ToString::to_string);
        assert_eq!(records, expected);
        for secret in ["Mari", "1820.00", &o.s.personal_code, "education_level", &o.s.employee] {
            assert!(!left.text.contains(secret), "{secret} was not granted: {}", left.text);
        }
        // Whose data left stands in the log, page by page, before the ledger's own entry.
        let events: Vec<Value> = o.s.h.export(REGISTER).into_iter().map(|l| l["event"].clone()).collect();
        let released: Vec<&Value> = events.iter().filter(|e| e["action"] == "disclosure.release").collect();
        assert_eq!(released.len(), 2);
        assert_eq!(released[0]["record_ids"].as_array().unwrap().len(), 2);
        assert_eq!(released[0]["fields"], json!(["last_name", "education/speciality"]));
        assert_eq!(released[1]["detail"]["digest"], hex(left.text.as_bytes()));
    });
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

#[test]
fn only_matching_records_leave_and_as_of_the_day_that_was_asked_about() {
    on_both_databases(|h| {
        let o = Office::open(h);
        let other = o.s.office.hire(&o.s.clerk, "Kask", &code(1990, 1)).id();
        let change = json!({ "effective_on": "2026-06-01", "base_document_ids": [o.s.office.document],
                             "data": { "load_on_post": "0.50" } });
        o.s.clerk.patch(&format!("/registers/{REGISTER}/records/employee/{other}"), 1, &change).expect(200);
        let loads = |filter: Value, as_of: Option<&str>| {
            let mut body = wanted(&["last_name", "load_on_post"], filter);
            body["as_of"] = json!(as_of);
            let id = o.admin.post(&requests(), &body).expect(201).id();
            o.decide(&id, &granted()).expect(200);
            o.release(&id, "").expect(200).body["records"].clone()
        };
        let kask = |load: &str| json!([{ "last_name": "Kask", "load_on_post": load }]);
        assert_eq!(loads(json!({ "last_name": "KASK" }), None), kask("0.50"));
        assert_eq!(loads(json!({ "last_name": "Kask" }), Some("2026-05-31")), kask("1.00"));
        assert_eq!(loads(json!({ "last_name": "Kask", "load_on_post": "1.00" }), None), json!([]));
        assert_eq!(loads(json!({}), Some("2024-08-31")), json!([]), "nobody was there yet");
        assert_eq!(loads(json!({}), None).as_array().unwrap().len(), 2);
        let elsewhere = json!({ "institution_id": "0192e4a0-0000-7000-8000-000000000000" });
        assert_eq!(loads(elsewhere, None), json!([]));
    });
}

#[test]
fn a_release_opens_in_the_programs_that_people_have() {
    on_both_databases(|h| {
        let o = Office::open(h);
        let mut body = o.s.office.employee("=cmd|' /C calc'!A0", &code(1990, 1));
        body["data"]["last_name"] = json!("Kask-Õun");
        o.s.clerk.post(&format!("/registers/{REGISTER}/records/employee"), &body).expect(201);
        let id = o.ask(&["last_name", "employment_start", "load_on_post", "education/speciality"], json!({}));
        o.decide(&id, &granted()).expect(200);
        let csv = o.release(&id, "?format=csv").expect(200);
        assert!(csv.headers["content-type"].starts_with("text/csv"));
        assert!(csv.text.contains("Kask-Õun,2024-09-01,1.00,eesti filoloogia"), "{}", csv.text);
        let excel = o.release(&id, "?format=csv&for=excel").expect(200);
        assert!(excel.text.starts_with('\u{feff}') && excel.text.contains(";2024-09-01;1,00;"), "{}", excel.text);
        let path = format!("{}/{id}/release", requests());
        let (status, bytes) = raw(&o.admin, &format!("{path}?format=xlsx"));
        assert_eq!(status, 200);
        let mut book: calamine::Xlsx<_> = calamine::Xlsx::new(std::io::Cursor::new(bytes.clone())).unwrap();
        let sheet = book.worksheet_range_at(0).unwrap().unwrap();
        assert_eq!(sheet.height(), 3, "a head and two people");
        assert!(sheet.rows().any(|r| r[0] == Data::String("Kask-Õun".into()) && r[2] == Data::Float(1.0)));
        let found = o.admin.post(&format!("{}/check", ledger()), &json!({ "sha256": hex(&bytes) })).expect(200);
        assert_eq!(found.body["disclosures"][0]["format"], "xlsx");
        let (status, bytes) = raw(&o.admin, &format!("{path}?format=pdf"));
        assert_eq!((status, &bytes[..5]), (200, &b"%PDF-"[..]));
        assert_eq!(o.ledger("").len(), 4, "each release has its entry");
        assert_eq!(o.release(&id, "?format=docx").status, 400);
    });
}

#[test]
fn the_decision_answers_both_questions_in_words() {
    on_both_databases(|h| {
        let o = Office::open(h);
        let id = o.ask(&["last_name", "work_email"], json!({}));
        let answer = |yes: bool, because: &str| json!({ "answer": yes, "because": because });
        let mut decision =
            json!({ "outcome": "granted", "ground": "legitimate_interest", "explanation": "huvi on olemas" });
        let silent = o.decide(&id, &decision).expect(422);
        assert!(silent.has_fault("/answers/interest_sufficient", "required"), "{}", silent.text);
        assert!(silent.has_fault("/answers/harm_possible", "required"), "{}", silent.text);
        decision["answers"] = json!({ "interest_sufficient": answer(true, "leping on sõlmitud"),
                                      "harm_possible": answer(false, "   "), "weather": answer(true, "ilus") });
        let wordless = o.decide(&id, &decision).expect(422);
        assert_eq!(
            wordless.faults(),
            [
                ("/answers/harm_possible/because".to_owned(), "required".to_owned()),
                ("/answers/weather".to_owned(), "unknown_field".to_owned()),
            ]
        );
        // An answer that speaks against it permits nothing but a refusal, on that question's ground.
        decision["answers"] = json!({ "interest_sufficient": answer(true, "leping on sõlmitud"),
                                      "harm_possible": answer(true, "isik on ohus") });
        let harmful = o.decide(&id, &decision).expect(422);
        assert!(harmful.has_fault("/answers/harm_possible/answer", "forces_refusal"), "{}", harmful.text);
        assert_eq!(harmful.body["clause"], "§ 18 lg 5");
        let mut other = decision.clone();
        (other["outcome"], other["ground"]) = (json!("refused"), json!("interest_not_reasoned"));
        assert!(o.decide(&id, &other).expect(422).has_fault("/ground", "other_ground"));
        decision["outcome"] = json!("refused");
        let refused = o.decide(&id, &decision).expect(200).body;
        assert_eq!(refused["state"], "decided");
        assert_eq!(refused["decision"]["ground"], "harm_to_person");
        assert_eq!(refused["decision"]["clause"], "§ 18 lg 5");
        assert_eq!(refused["decision"]["details"]["answers"]["harm_possible"]["because"], "isik on ohus");
        // What was refused does not leave, and the clause is said again.
        let release = o.release(&id, "").expect(409);
        assert_eq!(release.body["code"], "refused");
        assert_eq!(release.body["clause"], "§ 18 lg 5");
        assert!(o.ledger("").is_empty());
        // Both answered well, it is granted.
        let id = o.ask(&["last_name"], json!({}));
        let decision = json!({ "outcome": "granted", "ground": "legitimate_interest", "explanation": "huvi kaalub üles",
            "answers": { "interest_sufficient": answer(true, "leping on sõlmitud"),
                         "harm_possible": answer(false, "ametlik kontakt") } });
        o.decide(&id, &decision).expect(200);
        o.release(&id, "").expect(200);
        assert_eq!(o.ledger("")[0]["ground"], "legitimate_interest");
    });
}

#[test]
fn a_public_task_names_its_act_and_a_part_is_a_part() {
    on_both_databases(|h| {
        let o = Office::open(h);
        let id = o.ask(&["last_name", "education"], json!({}));
        let with = |change: Value| {
            let mut decision = granted();
            for (key, value) in change.as_object().unwrap() {
                decision[key] = value.clone();
            }
            o.decide(&id, &decision)
        };
        assert!(with(json!({ "act": "  " })).expect(422).has_fault("/act", "required"));
        assert!(with(json!({ "explanation": " " })).expect(422).has_fault("/explanation", "required"));
        assert!(with(json!({ "ground": "curiosity" })).expect(422).has_fault("/ground", "not_in_codelist"));
        assert!(with(json!({ "outcome": "maybe" })).expect(422).has_fault("/outcome", "not_in_codelist"));
        let more = with(json!({ "fields": ["last_name", "education", "salary"] })).expect(422);
        assert!(more.has_fault("/fields/2", "not_asked"), "{}", more.text);
        let less = with(json!({ "fields": ["last_name"] })).expect(422);
        assert!(less.has_fault("/fields", "partial"), "{}", less.text);
        let part = |fields: Value| {
            with(json!({ "outcome": "partly_granted", "refusal_ground": "harm_to_person", "fields": fields }))
        };
        assert!(part(json!([])).expect(422).has_fault("/fields", "required"));
        assert!(part(json!(null)).expect(422).has_fault("/fields", "required"));
        assert!(part(json!(["last_name", "education"])).expect(422).has_fault("/fields", "not_partial"));
        assert!(part(json!(["work_email"])).expect(422).has_fault("/fields/0", "not_asked"));
        let refused = json!({ "outcome": "refused", "ground": "harm_to_person", "fields": ["last_name"] });
        assert!(with(refused).expect(422).has_fault("/fields", "not_granted"));
        assert!(
            with(json!({ "outcome": "refused", "ground": "whim" })).expect(422).has_fault("/ground", "not_in_codelist")
        );
        // A part of what was asked for may lie inside a group.
        part(json!(["education/speciality"])).expect(200);
        let left = o.release(&id, "").expect(200);
        assert_eq!(left.body["records"], json!([{ "education": [{ "speciality": "eesti filoloogia" }] }]));
    });
}

#[test]
fn nothing_leaves_before_a_decision_and_a_request_is_decided_once() {
    on_both_databases(|h| {
        let o = Office::open(h);
        let id = o.ask(&["last_name"], json!({}));
        assert_eq!(o.release(&id, "").expect(409).body["code"], "not_decided");
        o.decide(&id, &granted()).expect(200);
        let again = o.decide(&id, &granted()).expect(409);
        assert_eq!(again.body["code"], "already_decided");
        assert!(again.body["clause"].is_string());
        // Two at once: one decides, the other is told.
        let id = o.ask(&["last_name"], json!({}));
        let controller = o.s.h.login("controller");
        let path = format!("{}/{id}/decision", requests());
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let threads: Vec<_> = [&o.admin, &controller, &o.admin, &controller]
                .into_iter()
                .map(|by| {
                    let (by, path) = (by.clone(), path.clone());
                    scope.spawn(move || by.post(&path, &granted()).status)
                })
                .collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        assert_eq!(statuses.iter().filter(|s| **s == 200).count(), 1, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|s| **s == 409).count(), 3, "{statuses:?}");
        let steps = format!("SELECT COUNT(*) FROM case_step WHERE case_id = '{id}' AND act = 'decide'");
        assert_eq!(o.s.h.place.count(&steps), 1);
    });
}

#[test]
fn a_request_has_all_that_the_statute_asks_of_it() {
    on_both_databases(|h| {
        let o = Office::open(h);
        let with = |pointer: &str, value: Value| {
            let mut body = wanted(&["last_name"], json!({}));
            *body.pointer_mut(pointer).unwrap() = value;
            o.admin.post(&requests(), &body)
        };
        for pointer in ["/requester/name", "/requester/contact", "/object", "/purpose", "/legal_basis"] {
            let refused = with(pointer, json!(" \t ")).expect(422);
            assert!(refused.has_fault(pointer, "required"), "{pointer}: {}", refused.text);
            assert!(refused.body["clause"].is_string(), "{pointer}: {}", refused.text);
        }
        assert!(with("/fields", json!([])).expect(422).has_fault("/fields", "required"));
        assert!(with("/fields", json!(["unit_name"])).expect(422).has_fault("/fields/0", "unknown_field"));
        assert!(with("/fields", json!(["last_name/x"])).expect(422).has_fault("/fields/0", "unknown_field"));
        assert!(with("/fields", json!(["a", "a"])).expect(422).has_fault("/fields/1", "unknown_field"));
        assert!(with("/record_type", json!("dragon")).expect(422).has_fault("/record_type", "not_in_codelist"));
        assert!(
            with("/filter", json!({ "weekly_hours": "40.00" }))
                .expect(422)
                .has_fault("/filter/weekly_hours", "unknown_field")
        );
        assert!(with("/filter", json!({ "post": [] })).expect(422).has_fault("/filter/post", "type"));
        let code = with("/requester/registry_code", json!("12345679")).expect(422);
        assert!(code.has_fault("/requester/registry_code", "registry_code"), "{}", code.text);
        let mut person = wanted(&["last_name"], json!({ "status": "asleep" }));
        person["requester"]["personal_code"] = json!("38001085719");
        person["recipient"] = json!("ministry_of_finance");
        person["as_of"] = json!("2030-01-01");
        let refused = o.admin.post(&requests(), &person).expect(422);
        for (pointer, code) in [
            ("/requester/personal_code", "personal_code"),
            ("/recipient", "aggregates_only"),
            ("/as_of", "future"),
            ("/filter/status", "not_in_codelist"),
        ] {
            assert!(refused.has_fault(pointer, code), "{pointer}: {}", refused.text);
        }
        assert!(!refused.text.contains("38001085719"), "what was sent is not repeated");
        assert_eq!(o.s.h.place.count("SELECT COUNT(*) FROM case_file"), 0);
    });
}

#[test]
fn data_that_are_never_released_cannot_be_chosen_at_all() {
    on_both_databases(|h| {
        let o = Office::open(h);
        let register = o.s.h.app.register(REGISTER).unwrap();
        let mut tried = 0;
        for rule in &register.definition.register.withheld {
            for kind in register
                .definition
                .record_types
                .iter()
                .filter(|t| rule.record_type.as_ref().is_none_or(|r| *r == t.name))
            {
                let held = kind.fields.iter().filter(|f| {
                    rule.fields.contains(&f.name) || f.section.as_ref().is_some_and(|s| rule.sections.contains(s))
                });
                for field in held {
                    let mut body = wanted(&[&field.name], json!({}));
                    body["record_type"] = json!(kind.name);
                    let refused = o.admin.post(&requests(), &body).expect(422);
                    assert!(refused.has_fault("/fields/0", "withheld"), "{}", refused.text);
                    assert_eq!(refused.body["errors"][0]["clause"], rule.clause.0.as_str());
                    tried += 1;
                }
            }
        }
        assert!(tried > 0, "the statute withholds something");
    });
}

#[test]
fn the_ledger_shows_what_left_to_whom_and_why() {
    on_both_databases(|h| {
        let o = Office::open(h);
        let left = o.give(&["last_name", "salary[kind=monthly]/amount"], json!({ "personal_code": o.s.personal_code }));
        assert_eq!(left.body["records"], json!([{ "last_name": "Tamm", "salary": [{ "amount": "1820.00" }] }]));
        let entry = &o.ledger("")[0];
        assert_eq!(entry["recipient"]["name"], "Näidisamet");
        assert_eq!(entry["recipient"]["registry_code"], registry_code());
        assert_eq!(entry["fields"], json!(["last_name", "salary[kind=monthly]/amount"]));
        assert_eq!(entry["sections"], json!(["pay", "person"]));
        assert_eq!(entry["purpose"], "järelevalve töötingimuste üle");
        assert_eq!((&entry["ground"], &entry["act"]), (&json!("public_task"), &json!(TASK)));
        assert_eq!((&entry["decided_by"], &entry["released_by"]), (&json!("administrator"), &json!("administrator")));
        assert_eq!((&entry["channel"], &entry["format"]), (&json!("file"), &json!("json")));
        assert_eq!((&entry["records"], &entry["as_of"]), (&json!(1), &json!("2026-11-20")));
        assert_eq!(entry["digest"], hex(left.text.as_bytes()));
        assert!(!entry.to_string().contains("1820.00"), "the payload is not kept a second time");
        let id = entry["id"].as_str().unwrap();
        assert!(left.headers["location"].ends_with(id));
        let full = o.admin.get(&format!("{}/{id}", ledger())).expect(200).body;
        assert_eq!(full["subjects"]["items"], json!([o.s.employee]));
        let case = o.admin.get(&requests()).expect(200).body["items"][0].clone();
        assert_eq!(case["disclosures"], json!([id]));
        assert_eq!(entry["case_id"], case["id"]);
        // Found by recipient, by whose data, by when.
        let found = |query: &str| o.ledger(query).len();
        assert_eq!(found(&format!("?recipient_code={}", registry_code())), 1);
        assert_eq!(found("?recipient_code=10000000"), 0);
        assert_eq!(found(&format!("?record_id={}", o.s.employee)), 1);
        assert_eq!(found(&format!("?record_id={}", o.s.office.post)), 0);
        assert_eq!(found("?from=2026-11-20&to=2026-11-20"), 1);
        assert_eq!((found("?from=2026-11-21"), found("?to=2026-11-19")), (0, 0));
        assert_eq!(o.admin.get(&format!("{}?cursor=x", ledger())).status, 400);
        o.give(&["last_name"], json!({}));
        let page = o.admin.get(&format!("{}?limit=1", ledger())).expect(200).body;
        let next = page["next_cursor"].as_str().unwrap();
        assert_eq!(o.ledger(&format!("?limit=1&cursor={next}"))[0]["id"], id);
        // The ledger only grows, even for whoever holds the database file.
        if o.s.h.place.url.is_sqlite() {
            for sql in ["UPDATE disclosure SET digest = ''", "DELETE FROM disclosure_subject"] {
                assert!(o.s.h.place.sql(sql).unwrap_err().contains("only grows"), "{sql}");
            }
        }
        // Others than those whom the statute names neither see it nor release.
        for other in ["hr_clerk", "it_manager"] {
            let by = o.s.h.login(other);
            assert_eq!(by.get(&ledger()).status, 403, "{other}");
            let path = format!("{}/{}/release", requests(), case["id"].as_str().unwrap());
            assert_eq!(by.send("POST", &path, None, "application/json").status, 403, "{other}");
        }
    });
}

#[test]
fn what_somebody_brings_is_found_among_what_left_or_is_not() {
    on_both_databases(|h| {
        let o = Office::open(h);
        let left = o.give(&["last_name"], json!({})).text;
        let bring = |bytes: &[u8]| {
            let mut body = b"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.json\"\r\n\
                             Content-Type: application/json\r\n\r\n"
                .to_vec();
            body.extend_from_slice(bytes);
            body.extend_from_slice(b"\r\n--x--\r\n");
            o.admin
                .send("POST", &format!("{}/check", ledger()), Some(body), "multipart/form-data; boundary=x")
                .expect(200)
        };
        let found = bring(left.as_bytes()).body;
        assert_eq!((&found["found"], &found["disclosures"][0]["digest"]), (&json!(true), &found["sha256"]));
        let changed = bring(left.replace("Tamm", "Tamn").as_bytes()).body;
        assert_eq!((&changed["found"], &changed["disclosures"]), (&json!(false), &json!([])));
        let wrong = o.admin.post(&format!("{}/check", ledger()), &json!({ "sha256": "ABC" })).expect(422);
        assert!(wrong.has_fault("/sha256", "pattern"));
    });
}

#[test]
fn a_corrected_value_is_told_to_everyone_who_received_it() {
    on_both_databases(|h| {
        let o = Office::open(h);
        let (count, notices) = (|sql: &str| o.s.h.place.count(sql), o.kind_of(Procedure::RecipientNotice));
        let opened = format!("SELECT COUNT(*) FROM case_file WHERE kind = '{notices}'");
        let told = "SELECT COUNT(*) FROM outbox WHERE letter = 'value-corrected'";
        let own = json!({ "personal_code": o.s.personal_code });
        o.give(&["last_name", "salary"], own.clone());
        o.give(&["salary"], own.clone());
        // Another recipient was told on the phone, a third got something else, a fourth another day.
        let mut phone = json!({ "recipient": { "name": "Toomas Näidis", "kind": "person", "contact": "+3725550001" },
            "record_type": "employee", "fields": ["salary"], "record_ids": [o.s.employee], "ground": "public_task",
            "basis": TASK, "purpose": "tõend kohtule", "channel": "spoken" });
        o.admin.post(&ledger(), &phone).expect(201);
        phone["recipient"]["name"] = json!("Kolmas Näidis");
        phone["fields"] = json!(["work_email", "first_name"]);
        o.admin.post(&ledger(), &phone).expect(201);
        phone["recipient"]["name"] = json!("Neljas Näidis");
        (phone["fields"], phone["as_of"]) = (json!(["salary"]), json!("2024-08-31"));
        o.admin.post(&ledger(), &phone).expect(201);
        o.correct(json!({ "salary": [{ "kind": "monthly", "amount": "1920.00", "from": "2024-09-01" }] }));
        assert_eq!(count(&opened), 2, "one for each who received the wrong value");
        assert_eq!(count(told), 1, "by e-mail where there is one");
        let open = format!("{opened} AND due_at IS NOT NULL AND closed_at IS NULL");
        assert_eq!(count(&open), 2, "with a day by which it must be done");
        let valued = format!("{opened} AND (body LIKE '%1820.00%' OR body LIKE '%1920.00%')");
        assert_eq!(count(&valued), 0, "without the values");
        let fields = format!("{opened} AND body LIKE '%\"fields\":[\"salary\"]%'");
        assert_eq!(count(&fields), 2, "naming what was wrong and not what was right");
        // Who received it after the correction has nothing to be told of it; who got the right thing neither.
        o.give(&["salary"], own);
        o.correct(json!({ "weekly_hours": "35.00" }));
        assert_eq!(count(&opened), 2);
    });
}

#[test]
fn a_release_by_word_of_mouth_stands_in_the_ledger_too() {
    on_both_databases(|h| {
        let o = Office::open(h);
        let body = json!({ "recipient": { "name": "Toomas Näidis", "kind": "person", "contact": "+3725550001" },
            "record_type": "employee", "fields": ["last_name"], "record_ids": [o.s.employee], "ground": "public_task",
            "basis": TASK, "purpose": "tõend kohtule", "channel": "spoken" });
        let with = |pointer: &str, value: Value| {
            let mut body = body.clone();
            *body.pointer_mut(pointer).unwrap() = value;
            o.admin.post(&ledger(), &body).expect(422)
        };
        assert!(with("/purpose", json!("  ")).has_fault("/purpose", "required"));
        assert!(with("/basis", json!("  ")).has_fault("/basis", "required"));
        assert!(with("/channel", json!("pigeon")).has_fault("/channel", "not_in_codelist"));
        assert!(with("/ground", json!("whim")).has_fault("/ground", "not_in_codelist"));
        assert!(with("/fields", json!(["unit_name"])).has_fault("/fields/0", "unknown_field"));
        assert!(with("/record_ids", json!([o.s.office.post])).has_fault("/record_ids/0", "not_found"));
        assert!(with("/record_ids", json!([])).has_fault("/record_ids", "items"));
        let twice = o.admin.with("Idempotency-Key", "spoken-1");
        let (first, second) = (twice.post(&ledger(), &body).expect(201), twice.post(&ledger(), &body).expect(201));
        assert_eq!(first.body, second.body);
        assert_eq!(o.ledger("").len(), 1);
        assert_eq!((&first.body["channel"], &first.body["digest"]), (&json!("spoken"), &json!(null)));
        assert_eq!(o.s.h.login("hr_clerk").post(&ledger(), &body).status, 403);
        let asked = o.admin.with("Idempotency-Key", "ask-1");
        let request = wanted(&["last_name"], json!({}));
        let ids = [(); 2].map(|()| asked.post(&requests(), &request).expect(201).id());
        assert_eq!(ids[0], ids[1]);
    });
}

#[test]
fn people_see_what_of_theirs_was_released_unless_an_investigation_postpones_it() {
    on_both_databases(|h| {
        let serial = u16::try_from(h.users.lock().unwrap().len()).unwrap();
        h.user("mari");
        let birth = NaiveDate::from_ymd_opt(1975, 3, 14).unwrap();
        let own = PersonalCode::fictitious_ee(birth, Sex::Female, serial).unwrap().as_str().to_owned();
        let o = Office::open(h);
        let record = o.s.office.hire(&o.s.clerk, "Mets", &own).id();
        let filter = json!({ "personal_code": own });
        o.give(&["last_name"], filter.clone());
        o.give(&["last_name"], json!({ "personal_code": o.s.personal_code }));
        let mari = o.s.h.login("mari");
        let seen = || mari.get("/me/disclosures").expect(200).body["items"].as_array().unwrap().clone();
        let items = seen();
        assert_eq!(items.len(), 1, "one's own and nobody else's");
        assert_eq!((&items[0]["recipient"], &items[0]["fields"]), (&json!("Näidisamet"), &json!(["last_name"])));
        assert_eq!(items[0]["purpose"], "järelevalve töötingimuste üle");
        // An investigation begins; what is released from now on is seen when it has ended.
        o.s.h.set_clock("2026-11-20T10:01:00Z");
        let (at, kind) = (o.s.h.clock.now().timestamp_micros(), o.kind_of(Procedure::Investigation));
        o.s.h
            .place
            .sql(&format!(
                "INSERT INTO case_file (register, id, kind, state, record_id, opened_by, opened_at, version, body, \
                 audit_id) SELECT register, 'investigation', '{kind}', 'open', '{record}', 'x', {at}, 1, '{{}}', id \
                 FROM audit_event WHERE register = '{REGISTER}' LIMIT 1"
            ))
            .unwrap();
        o.s.h.set_clock("2026-11-20T10:02:00Z");
        o.give(&["last_name", "work_email"], filter);
        assert_eq!(seen().len(), 1);
        o.s.h.place.sql("UPDATE case_file SET closed_at = 0 WHERE id = 'investigation'").unwrap();
        assert_eq!(seen().len(), 2);
        assert_eq!(o.s.h.nobody().get("/me/disclosures").status, 401);
    });
}

#[test]
fn when_the_log_cannot_be_written_no_byte_is_released() {
    on_both_databases(|h| {
        let o = Office::open(h);
        let id = o.ask(&["last_name"], json!({}));
        o.decide(&id, &granted()).expect(200);
        break_the_log(&o.s.h.place);
        let answers =
            [o.release(&id, ""), o.release(&id, "?format=csv"), o.admin.get(&ledger()), o.admin.get(&requests())];
        for answer in answers {
            assert_eq!(answer.status, 503, "{}", answer.text);
            assert!(!answer.text.contains("Tamm") && !answer.text.contains("Näidisamet"), "{}", answer.text);
        }
        mend_the_log(&o.s.h.place);
        for table in ["disclosure", "disclosure_subject"] {
            assert_eq!(o.s.h.place.count(&format!("SELECT COUNT(*) FROM {table}")), 0, "{table}");
        }
        assert!(o.release(&id, "").expect(200).text.contains("Tamm"));
    });
}

#[test]
fn a_large_release_is_read_and_logged_in_pages() {
    on_both_databases(|h| {
        let o = Office::open(h);
        // The employee as many times as make three pages, entered underneath.
        let columns = "register, record_id, from_day, until_day, effective_on, record_type, institution_id, begins_on, \
                       ends_on, data";
        let series = "WITH RECURSIVE n(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n WHERE k < 2100)";
        let id = if o.s.h.place.url.is_sqlite() {
            "'0192e4a0-0000-7000-8000-' || printf('%012d', k)"
        } else {
            "'0192e4a0-0000-7000-8000-' || lpad(CAST(k AS TEXT), 12, '0')"
        };
        let employee = &o.s.employee;
        o.s.h.place
            .sql(&format!(
                "INSERT INTO record (register, id, record_type, institution_id, version, created_at, updated_at) {series} \
                 SELECT register, {id}, record_type, institution_id, 1, created_at, updated_at FROM record, n WHERE id = '{employee}'; \
                 INSERT INTO record_state ({columns}) {series} SELECT register, {id}, from_day, until_day, effective_on, \
                 record_type, institution_id, begins_on, ends_on, data FROM record_state, n WHERE record_id = '{employee}'"
            ))
            .unwrap();
        let left = o.give(&["last_name"], json!({}));
        assert_eq!(left.body["records"].as_array().unwrap().len(), 2101);
        let case = o.admin.get(&requests()).expect(200).body["items"][0]["id"].as_str().unwrap().to_owned();
        let pages = o.release(&case, "?format=pdf").expect(422);
        assert!(pages.has_fault("/format", "too_many_records"), "{}", pages.text);
        let entry = o.ledger("")[0].clone();
        assert_eq!(entry["records"], 2101);
        let subjects = "SELECT COUNT(*) FROM disclosure_subject";
        assert_eq!(o.s.h.place.count(subjects), 2101);
        let events: Vec<Value> = o.s.h.export(REGISTER).into_iter().map(|l| l["event"].clone()).collect();
        let pages: Vec<usize> = events
            .iter()
            .filter(|e| e["action"] == "disclosure.release")
            .map(|e| e["record_ids"].as_array().map_or(0, Vec::len))
            .collect();
        assert_eq!(pages, [500, 500, 500, 500, 101, 0]);
        let path = format!("{}/{}", ledger(), entry["id"].as_str().unwrap());
        let page = o.admin.get(&format!("{path}?limit=500")).expect(200).body;
        let next = page["subjects"]["next_cursor"].as_str().unwrap();
        let further = o.admin.get(&format!("{path}?limit=500&cursor={next}")).expect(200).body;
        assert_eq!(further["subjects"]["items"].as_array().unwrap().len(), 500);
    });
}

#[test]
fn a_request_is_made_and_weighed_at_its_own_address_only() {
    let o = Office::open(Harness::start(crate::harness::Place::sqlite()));
    let cases = format!("/registers/{REGISTER}/cases");
    let body = json!({ "kind": "information_request", "subject": "Andmed", "text": "Palun andmeid." });
    let refused = o.admin.post(&cases, &body).expect(422);
    assert!(refused.has_fault("/kind", "own_address"), "{}", refused.text);
    let id = o.ask(&["last_name"], json!({}));
    let decide = json!({ "act": "decide", "outcome": "granted", "text": "Olgu." });
    let refused = o.admin.post(&format!("{cases}/{id}/steps"), &decide).expect(422);
    assert!(refused.has_fault("/act", "own_address"), "no question was answered: {}", refused.text);
    assert_eq!(o.release(&id, "").status, 409, "nothing has been granted");
}
