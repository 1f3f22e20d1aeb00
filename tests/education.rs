//! The shipped education register, from a school's sheet to what its head confirmed, on its real days.

use std::fmt::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::faults::{Program, agent, call, sqlite_in};
use crate::harness::city::{City, EDUCATION, Institution, at, document, form, pupil_code};
use crate::harness::{Answer, Place, on_both_databases};

const HEADER: &str = "isikukood;perekonnanimi;eesnimi;õppeasutus;õppekeel;haridusasutusse astumise kuupäev;class_code;\
                      class_parallel;klassi aste;klassi liik;õppekava;õppevorm";

/// A school's sheet, in the words of the statute; `edit` changes its rows.
fn sheet(pupils: u16, edit: impl Fn(u16, &mut Vec<String>)) -> String {
    let mut text = format!("{HEADER}\n");
    for n in 0..pupils {
        let class = n % 9 + 1;
        let stage = ["I", "II", "III"][usize::from((class - 1) / 3)];
        let code = pupil_code(2019 - i32::from(class), n % 999);
        let parallel = ["A", "B", "C", "D", "E"][usize::from(n / 9 % 5)];
        let mut row: Vec<String> = [
            &code,
            "Tamm",
            "Mari",
            "75009013",
            "eesti",
            "2025-09-01",
            &class.to_string(),
            parallel,
            stage,
            "tavaklass",
            "põhikooli riiklik õppekava",
            "statsionaarne õpe",
        ]
        .map(str::to_owned)
        .to_vec();
        edit(n, &mut row);
        writeln!(text, "{}", row.join(";")).unwrap();
    }
    text
}

impl City {
    fn import(&self, school: &Institution, text: &str, query: &str) -> Answer {
        let list = document(&school.head, "ehis_data", Some(&school.id));
        let metadata =
            json!({ "institution_id": school.id, "effective_on": "2025-09-01", "base_document_ids": [list] });
        let (body, media) = form(&metadata, "opilased.csv", text.as_bytes());
        school.head.send("POST", &at(&format!("imports/school_study{query}")), Some(body), &media)
    }

    fn duty(&self, school: &Institution, due_on: &str) -> String {
        let page = school.head.get(&at(&format!("confirmations?due_on={due_on}"))).expect(200).body;
        at(&format!("confirmations/{}", page["items"][0]["id"].as_str().expect("there is a duty")))
    }
}

#[test]
fn a_school_is_imported_from_a_sheet() {
    on_both_databases(|h| {
        let c = City::open(h);
        let faulty = sheet(60, |n, row| match n {
            3 => row[0] = "3.99010E+10".to_owned(),
            7 => row[5] = "1.9.2025".to_owned(),
            9 => row[10] = "kodune".to_owned(),
            _ => {}
        });
        let refused = c.import(&c.school, &faulty, "").expect(422);
        for (column, row) in [("isikukood", 5), ("haridusasutusse astumise kuupäev", 9), ("õppekava", 11)] {
            let faults = refused.body["report"]["faults"].as_array().unwrap();
            let told = faults.iter().any(|f| f["column"] == column && f["row"] == row && f["clause"].is_string());
            assert!(told, "row {row}, column {column}: {}", refused.text);
        }
        let none = c.school.head.get(&at("records/school_study")).expect(200).body;
        assert_eq!(none["items"], json!([]), "all rows or none");

        let done = c.import(&c.school, &sheet(60, |_, _| {}), "").expect(201).body;
        assert_eq!((&done["state"], &done["new"]), (&json!("done"), &json!(60)));
        let list = c.school.head.get(&at("records/school_study?limit=100&filter[class_code]=5")).expect(200).body;
        let pupils = list["items"].as_array().unwrap();
        assert_eq!(pupils.len(), 7);
        assert!(pupils.iter().all(|p| p["data"]["language_of_instruction"] == "et"), "labels became codes");
        let again = c.import(
            &c.school,
            &sheet(59, |n, row| {
                if n == 0 {
                    row[2] = "Mai".into()
                }
            }),
            "?dry_run=true",
        );
        let again = again.expect(200).body;
        let outcome = |name: &str| again[name].as_i64().unwrap();
        assert_eq!((outcome("changed"), outcome("unchanged"), outcome("gone")), (1, 58, 1));
        let stray = c.import(&c.other_school, &sheet(1, |_, _| {}), "").expect(422);
        assert!(stray.has_fault("/rows/2/institution", "other_institution"), "another school's list: {}", stray.text);

        let list = document(&c.school.head, "ehis_data", Some(&c.school.id));
        let up = json!({ "institution_id": c.school.id, "effective_on": "2026-09-01", "base_document_ids": [list],
            "change": { "advance": { "field": "class_code", "by": 1, "unless": ["9"] } }, "dry_run": false });
        let moved = c.school.head.post(&at("bulk-changes/school_study"), &up).expect(201).body;
        assert_eq!(moved["changed"].as_i64().unwrap(), 54, "six pupils of class 9 stay: {moved}");
    });
}

#[test]
fn a_head_confirms_what_was_imported_and_a_year_later_it_is_still_there() {
    on_both_databases(|h| {
        h.set_clock("2026-09-05T08:00:00Z");
        let c = City::open(h);
        let missing = sheet(30, |n, row| {
            if n == 4 {
                row[10].clear()
            }
        });
        c.import(&c.school, &missing, "").expect(201);
        let duty = c.duty(&c.school, "2026-09-10");
        let list = c.school.head.get(&duty).expect(200).body;
        assert_eq!((&list["status"], &list["size"], &list["errors"]), (&json!("open"), &json!(30), &json!(1)));
        let root = list["snapshot_root"].clone();
        let confirm = |root: &Value| {
            let body = json!({ "snapshot_root": root, "statement": true });
            c.school.head.post(&format!("{duty}/confirm"), &body)
        };
        let refused = confirm(&root).expect(422);
        assert!(refused.text.contains("§ "), "the fault cites its clause: {}", refused.text);
        c.import(&c.school, &sheet(30, |_, _| {}), "").expect(201);
        assert_eq!(confirm(&root).expect(409).body["code"], "stale_root");
        let root = c.school.head.get(&duty).expect(200).body["snapshot_root"].clone();
        let receipt = confirm(&root).expect(200).body;
        assert_eq!((&receipt["snapshot_root"], &receipt["in_time"]), (&root, &json!(true)));
        assert_eq!(confirm(&root).expect(409).body["code"], "already_confirmed");

        c.h.set_clock("2027-10-01T08:00:00Z");
        let head = c.h.login("kool");
        let kept = head.get(&format!("{duty}/receipt")).expect(200).body;
        assert_eq!((&kept["number"], &kept["snapshot_root"]), (&receipt["number"], &root));
        let pdf = head.get(&format!("{duty}/receipt?format=pdf")).expect(200);
        assert!(pdf.text.starts_with("%PDF-"));
    });
}

/// Two schools are imported and confirmed while the process dies, again and again: there is a whole import or none, a
/// whole confirmation or none, and the log is sound.
#[test]
fn a_killed_import_and_a_killed_confirmation_leave_all_or_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let agent = agent();
    let mut done = (0, 0);
    for round in 0..4_u16 {
        let program = Program::start(folder.path());
        let base = format!("{}/api/v1", program.address);
        let login = json!({ "username": "institution_head", "password": "andmekogu-demo" });
        let (status, session) = call(&agent, "POST", &format!("{base}/sessions"), None, Some(&login)).unwrap();
        assert_eq!(status, 201, "{session}");
        let token = session["access_token"].as_str().unwrap().to_owned();
        let get = |path: &str| call(&agent, "GET", &format!("{base}{path}"), Some(&token), None).unwrap().1;
        let post = |path: &str, body: &Value| call(&agent, "POST", &format!("{base}{path}"), Some(&token), Some(body));
        let school = get(&at("institutions"))["items"][0]["id"].as_str().unwrap().to_owned();
        let letter = json!({ "kind": "ehis_data", "number": "1", "date": "2025-09-01", "institution_id": school });
        let letter = post(&at("base-documents"), &letter).unwrap().1;
        let rows = sheet(250, |n, row| {
            row[0] = pupil_code(2000 + i32::from(round), n % 999);
            row[3] = "75999033".into();
        });
        let metadata = json!({ "institution_id": school, "effective_on": "2025-09-01",
            "base_document_ids": [letter["id"]] });
        let before = get(&at("confirmations?status=overdue"))["items"].as_array().unwrap().clone();
        std::thread::scope(|scope| {
            let (url, token) = (format!("{base}{}", at("imports/school_study")), token.clone());
            let agent = agent.clone();
            let handle = scope.spawn(move || {
                let (body, media) = form(&metadata, "opilased.csv", rows.as_bytes());
                let request = ureq::http::Request::builder().method("POST").uri(url);
                let request = request.header("Authorization", format!("Bearer {token}")).header("Content-Type", media);
                agent.run(request.body(body).unwrap()).is_ok_and(|r| r.status().as_u16() == 201)
            });
            if let Some(duty) = before.last().and_then(|d| d["id"].as_str()) {
                let path = at(&format!("confirmations/{duty}"));
                let list = get(&path);
                let keys = list["findings"].as_array().cloned().unwrap_or_default();
                for finding in keys.iter().filter(|f| f["severity"] == "warning") {
                    post(&format!("{path}/reasons"), &json!({ "key": finding["key"], "reason": "vaadatud" }));
                }
                let body = json!({ "snapshot_root": get(&path)["snapshot_root"], "statement": true });
                if post(&format!("{path}/confirm"), &body).is_some_and(|(status, _)| status == 200) {
                    done.1 += 1;
                }
            }
            // A later moment in each round, up to one at which everything is done.
            let started = Instant::now();
            let patience = Duration::from_millis(u64::from(round) * u64::from(round) * 1500);
            while started.elapsed() < patience && !handle.is_finished() {
                std::thread::sleep(Duration::from_millis(5));
            }
            program.kill();
            if handle.join().unwrap() {
                done.0 += 1;
            }
        });
    }
    let database = Place {
        url: andmekogu::store::DatabaseUrl::Sqlite(sqlite_in(folder.path())),
        _folder: tempfile::tempdir().unwrap(),
    };
    let runs = database.count("SELECT COUNT(*) FROM import_run WHERE record_type = 'school_study'");
    assert!(runs >= i64::from(done.0), "what was acknowledged is there");
    let part = database.count(
        "SELECT COUNT(*) FROM import_run r WHERE r.record_type = 'school_study' AND \
         (SELECT COUNT(*) FROM import_row w WHERE w.register = r.register AND w.import_id = r.id) NOT IN (250, 60, 38)",
    );
    assert_eq!(part, 0, "no import stands there in part");
    let loose = database.count(&format!(
        "SELECT COUNT(*) FROM record WHERE register = '{EDUCATION}' AND record_type = 'school_study' AND id NOT IN \
         (SELECT record_id FROM import_row WHERE register = '{EDUCATION}')"
    ));
    assert_eq!(loose, 0, "no record without its import");
    let confirmed = database.count("SELECT COUNT(*) FROM confirmation WHERE confirmed_at IS NOT NULL");
    assert!(confirmed >= i64::from(done.1), "what was acknowledged is there");
    let short = database.count(
        "SELECT COUNT(*) FROM confirmation c WHERE c.confirmed_at IS NOT NULL AND c.size <> \
         (SELECT COUNT(*) FROM confirmed_record r WHERE r.register = c.register AND r.confirmation_id = c.id)",
    );
    assert_eq!(short, 0, "no confirmation stands there in part");
    let verify = Command::new(env!("CARGO_BIN_EXE_andmekogu"))
        .args(["audit", "verify"])
        .env("ANDMEKOGU_DATA_DIR", folder.path())
        .env("ANDMEKOGU_DATABASE_URL", sqlite_in(folder.path()))
        .output()
        .unwrap();
    assert!(verify.status.success(), "{}", String::from_utf8_lossy(&verify.stdout));
    eprintln!("killed 4 times: {} imports and {} confirmations acknowledged", done.0, done.1);
}
