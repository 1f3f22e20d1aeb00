//! A sheet comes in: everything in it is entered, or nothing; and everybody can tell what it did.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use andmekogu::domain::access::grant::Basis;
use andmekogu::store::acts::grants::NewGrant;
use chrono::NaiveDate;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::city::form;
use crate::harness::people::code;
use crate::harness::{Answer, Client, Harness, Place, definitions, no_postgres};

const REGISTER: &str = "paadisadam";
const HEAD: &str = "boat_name;length_m;owner_name;owner_code;moored_from";

pub fn both(scenario: impl Fn(Harbour)) {
    let loaded = || definitions(std::path::Path::new("tests/registers"));
    scenario(Harbour::open(Harness::with(Place::sqlite(), loaded())));
    match Place::postgres() {
        Some(place) => scenario(Harbour::open(Harness::with(place, loaded()))),
        None => no_postgres(),
    }
}

/// A harbour with its master, and a contract on which boats are entered.
pub struct Harbour {
    pub h: Harness,
    pub master: Client,
    pub harbour: String,
    pub contract: String,
}

pub fn path(rest: &str) -> String {
    format!("/registers/{REGISTER}/{rest}")
}

pub fn appoint(h: &Harness, name: &str, role: &str, institution: Option<&str>) {
    let new = NewGrant {
        user_id: h.user(name),
        role: role.to_owned(),
        institution_id: institution.map(|i| Uuid::parse_str(i).unwrap()),
        sections: None,
        from: NaiveDate::from_ymd_opt(2026, 1, 1).unwrap(),
        until: None,
        basis: Basis { kind: "directive".into(), reference: "1".into() },
        task: None,
        application_id: None,
    };
    h.block_on(h.app.grant_as_installation(REGISTER, new)).unwrap();
}

fn document(by: &Client, kind: &str) -> String {
    by.post(&path("base-documents"), &json!({ "kind": kind, "number": "1", "date": "2021-04-01" })).expect(201).id()
}

fn found(by: &Client, name: &str) -> String {
    let decision = document(by, "decision");
    let data = json!({ "harbour_name": name, "harbour_kind": "lake" });
    let body = json!({ "effective_on": "2021-04-01", "base_document_ids": [decision], "data": data });
    by.post(&path("institutions"), &body).expect(201).id()
}

impl Harbour {
    fn open(h: Harness) -> Self {
        appoint(&h, "kapten", "harbour_master", None);
        let master = h.login("kapten");
        let harbour = found(&master, "Kalda sadam");
        let contract = document(&master, "mooring_contract");
        Self { h, master, harbour, contract }
    }

    fn metadata(&self) -> Value {
        json!({ "institution_id": self.harbour, "effective_on": "2026-05-01", "base_document_ids": [self.contract] })
    }

    fn send(&self, by: &Client, query: &str, more: Value, name: &str, bytes: &[u8]) -> Answer {
        let mut metadata = self.metadata();
        for (key, value) in more.as_object().unwrap() {
            metadata[key] = value.clone();
        }
        let (body, media) = form(&metadata, name, bytes);
        by.send("POST", &path(&format!("imports/boat{query}")), Some(body), &media)
    }

    fn import(&self, rows: &[String]) -> Answer {
        self.send(&self.master, "", json!({}), "paadid.csv", sheet(rows).as_bytes())
    }

    fn dry(&self, rows: &[String]) -> Answer {
        self.send(&self.master, "?dry_run=true", json!({}), "paadid.csv", sheet(rows).as_bytes())
    }

    pub fn boats(&self) -> BTreeMap<String, Value> {
        let page = self.master.get(&path(&format!("records/boat?institution_id={}&limit=500", self.harbour)));
        let items = page.expect(200).body["items"].as_array().unwrap().clone();
        items.into_iter().map(|i| (i["data"]["boat_name"].as_str().unwrap().to_owned(), i)).collect()
    }

    pub fn entries(&self) -> i64 {
        self.h.place.count("SELECT COUNT(*) FROM entry")
    }
}

pub fn sheet(rows: &[String]) -> String {
    format!("{HEAD}\n{}\n", rows.join("\n"))
}

pub fn boat(name: &str, length: &str, serial: u16) -> String {
    format!("{name};{length};Juhan {name};{};2026-05-01", code(1980, serial))
}

#[test]
fn a_harbour_is_imported_from_a_sheet_and_the_log_tells_of_every_entry() {
    both(|k| {
        let rows: Vec<String> = (0..40).map(|n| boat(&format!("Paat {n}"), "6.50", n)).collect();
        let before = k.h.export(REGISTER).len();
        let done = k.import(&rows).expect(201);
        assert_eq!(done.body["state"], "done");
        assert_eq!((&done.body["rows"], &done.body["new"], &done.body["faulty"]), (&json!(40), &json!(40), &json!(0)));
        assert_eq!((&done.body["encoding"], &done.body["delimiter"]), (&json!("utf-8"), &json!(";")));
        let boats = k.boats();
        assert_eq!(boats.len(), 40);
        assert_eq!(boats["Paat 7"]["data"]["owner_code"], code(1980, 7));
        assert_eq!(boats["Paat 7"]["version"], 1);

        let import = done.body["import_id"].as_str().unwrap();
        let events = k.h.export(REGISTER);
        let made = |e: &&Value| e["event"]["detail"]["import_id"] == import && e["event"]["entry_id"].is_string();
        assert_eq!(events.iter().skip(before).filter(made).count(), 40, "one event for each entry");
        let whole: Vec<_> = events.iter().filter(|e| e["event"]["action"] == "record.import").collect();
        assert_eq!(whole.len(), 1);
        assert!(k.h.audit_faults().is_empty());

        let read = k.master.get(&path(&format!("imports/{import}"))).expect(200);
        assert_eq!((&read.body["state"], &read.body["summary"]["new"]), (&json!("done"), &json!(40)));
        let rows = k.master.get(&path(&format!("imports/{import}/rows?limit=15"))).expect(200);
        assert_eq!(rows.body["items"].as_array().unwrap().len(), 15);
        let next = rows.body["next_cursor"].as_str().unwrap();
        let rows = k.master.get(&path(&format!("imports/{import}/rows?limit=500&cursor={next}"))).expect(200);
        assert_eq!(rows.body["items"].as_array().unwrap().len(), 25);
        let list = k.master.get(&path("imports")).expect(200);
        assert_eq!(list.body["items"][0]["id"], import);
    });
}

#[test]
fn a_dry_run_tells_the_same_and_leaves_nothing() {
    both(|k| {
        let (entries, rows) = (k.entries(), vec![boat("Kajakas", "6.50", 1), boat("Tiir", "7.25", 2)]);
        let events = k.h.place.count("SELECT COUNT(*) FROM audit_event WHERE action = 'record.create'");
        let told = k.dry(&rows).expect(200);
        assert_eq!((&told.body["state"], &told.body["new"]), (&json!("checked"), &json!(2)));
        assert_eq!(k.entries(), entries);
        assert_eq!(k.boats().len(), 0);
        assert_eq!(k.h.place.count("SELECT COUNT(*) FROM import_run"), 0);
        assert_eq!(k.h.place.count("SELECT COUNT(*) FROM unique_key WHERE key LIKE 'boat%'"), 0);
        assert_eq!(
            k.h.place.count("SELECT COUNT(*) FROM audit_event WHERE action = 'record.create'"),
            events,
            "what did not happen does not stand in the log"
        );
        k.import(&rows).expect(201);
        assert_eq!(k.boats().len(), 2);
    });
}

#[test]
fn with_one_wrong_row_nothing_is_entered_and_every_fault_has_its_row_column_and_clause() {
    both(|k| {
        let entries = k.entries();
        let rows = vec![
            boat("Kajakas", "6.50", 1),
            boat("Tiir", "60.00", 2),
            format!("Luik;6.00;Mari Luik;{};2026-05-01", "48003140010"),
            ";5.00;Peeter Part;;2026-05-01".to_owned(),
        ];
        let refused = k.import(&rows).expect(422);
        assert_eq!(refused.headers["content-type"], "application/problem+json");
        assert!(refused.has_fault("/rows/3/length_m", "range"), "{}", refused.text);
        assert!(refused.faults().iter().any(|(at, _)| at == "/rows/4/owner_code"), "{}", refused.text);
        assert!(refused.has_fault("/rows/5/boat_name", "required"), "{}", refused.text);
        assert!(refused.has_fault("/rows/5/owner_code", "required"), "{}", refused.text);
        let report = &refused.body["report"];
        assert_eq!((&report["state"], &report["faulty"], &report["new"]), (&json!("refused"), &json!(3), &json!(1)));
        let range = report["faults"].as_array().unwrap().iter().find(|f| f["code"] == "range").unwrap();
        assert_eq!(
            (&range["row"], &range["column"], &range["value"], &range["clause"]),
            (&json!(3), &json!("length_m"), &json!("60.00"), &json!("§ 6 p 2"))
        );
        assert_eq!(k.entries(), entries, "all or nothing");
        assert_eq!(k.boats().len(), 0);
    });
}

#[test]
fn the_sheet_comes_back_with_its_faults_and_can_be_sent_again_once_they_are_mended() {
    both(|k| {
        let rows = vec![boat("Kajakas", "6.50", 1), boat("Tiir", "60.00", 2)];
        let csv = sheet(&rows);
        let sent = k.send(&k.master, "?dry_run=true&report=csv", json!({}), "paadid.csv", csv.as_bytes()).expect(200);
        let header = sent.text.lines().next().unwrap();
        assert!(header.contains("viga") && header.contains("väli"), "{header}");
        let wrong = sent.text.lines().find(|l| l.contains("Tiir")).unwrap();
        assert!(wrong.contains("length_m") && wrong.contains("§ 6 p 2"), "{wrong}");
        let mended = sent.text.replace("60,00", "16,00").replace("60.00", "16.00");
        let mapping = json!({ "decimal_comma": mended.contains("16,00") });
        let done = k.send(&k.master, "", json!({ "mapping": mapping }), "paadid.csv", mended.as_bytes()).expect(201);
        assert_eq!(done.body["new"], 2);
        assert_eq!(k.boats()["Tiir"]["data"]["length_m"], "16.00");

        let workbook =
            k.send(&k.master, "?dry_run=true&report=xlsx", json!({}), "paadid.csv", csv.as_bytes()).expect(200);
        assert!(workbook.text.starts_with("PK"));
        assert!(workbook.headers["content-disposition"].contains(".xlsx"));
    });
}

#[test]
fn what_is_known_is_changed_only_where_it_differs_and_what_is_missing_stays() {
    both(|k| {
        k.import(&[boat("Kajakas", "6.50", 1), boat("Tiir", "7.25", 2), boat("Luik", "8.00", 3)]).expect(201);
        let entries = k.entries();
        let again = vec![boat("Kajakas", "6.5", 1), boat("Tiir", "7.50", 2), boat("Part", "5.00", 4)];
        let told = k.dry(&again).expect(200);
        let counts = |b: &Value| ["new", "changed", "unchanged", "gone"].map(|n| b[n].as_i64().unwrap());
        assert_eq!(counts(&told.body), [1, 1, 1, 1]);
        let changed =
            told.body["items"].as_array().unwrap().iter().find(|i| i["outcome"] == "changed").unwrap().clone();
        assert_eq!(changed["differences"][0]["pointer"], "/length_m");
        assert_eq!(
            (&changed["differences"][0]["before"], &changed["differences"][0]["after"]),
            (&json!("7.25"), &json!("7.50"))
        );
        let gone = told.body["items"].as_array().unwrap().iter().find(|i| i["outcome"] == "gone").unwrap().clone();
        assert_eq!(gone["record_id"], k.boats()["Luik"]["id"]);

        let done = k
            .send(&k.master, "", json!({ "effective_on": "2026-06-01" }), "paadid.csv", sheet(&again).as_bytes())
            .expect(201);
        assert_eq!(counts(&done.body), [1, 1, 1, 1]);
        assert_eq!(k.entries(), entries + 2, "a row that says what is known makes no entry");
        let boats = k.boats();
        assert_eq!(boats.len(), 4);
        assert_eq!((&boats["Tiir"]["version"], &boats["Kajakas"]["version"]), (&json!(2), &json!(1)));
        let before =
            k.master.get(&path(&format!("records/boat/{}?as_of=2026-05-31", boats["Tiir"]["id"].as_str().unwrap())));
        assert_eq!(before.expect(200).body["data"]["length_m"], "7.25", "a change holds from its day on");
    });
}

#[test]
fn the_same_record_twice_is_a_fault_of_the_second_row() {
    both(|k| {
        let refused = k.import(&[boat("Kajakas", "6.50", 1), boat("Kajakas", "7.25", 1)]).expect(422);
        assert!(refused.has_fault("/rows/3/owner_code", "duplicate_in_sheet"), "{}", refused.text);
        let named = k.import(&[boat("Kajakas", "6.50", 1), boat("Kajakas", "7.25", 2)]).expect(422);
        assert!(named.has_fault("/rows/3/boat_name", "not_unique"), "{}", named.text);
        assert_eq!(named.body["report"]["faults"][0]["clause"], "§ 6 p 1");
        // Somebody may have two boats; a sheet that does not say which is not guessed at.
        k.import(&[boat("Kajakas", "6.50", 1), boat("Tiir", "7.25", 1)]).expect(201);
        let vague = format!("owner_name;owner_code\nJuhan Uus;{}\n", code(1980, 1));
        let refused = k.send(&k.master, "", json!({}), "a.csv", vague.as_bytes()).expect(422);
        assert!(refused.has_fault("/rows/2/owner_code", "ambiguous"), "{}", refused.text);
        let mut documents = json!({ "base_document_ids": [] });
        let csv = sheet(&[boat("Luik", "6.50", 3), boat("Part", "6.50", 4)]);
        let without = k.send(&k.master, "", documents.clone(), "a.csv", csv.as_bytes()).expect(422);
        assert_eq!(without.faults(), [("/base_document_ids".to_owned(), "required".to_owned())], "told once");
        documents["institution_id"] = json!(Uuid::now_v7());
        let nowhere = k.send(&k.master, "", documents, "a.csv", csv.as_bytes()).expect(422);
        assert!(nowhere.has_fault("/institution_id", "not_found"), "{}", nowhere.text);
    });
}

#[test]
fn numbers_of_a_workbook_are_read_as_what_their_fields_are() {
    both(|k| {
        let mut workbook = rust_xlsxwriter::Workbook::new();
        let page = workbook.add_worksheet();
        for (x, name) in (0_u16..).zip(HEAD.split(';')) {
            page.write_string(0, x, name).unwrap();
        }
        let owner = code(1980, 1);
        page.write_string(1, 0, "Kajakas").unwrap();
        page.write_number(1, 1, 6.5).unwrap();
        page.write_string(1, 2, "Juhan Kajakas").unwrap();
        page.write_number(1, 3, owner.parse::<f64>().unwrap()).unwrap();
        let day = rust_xlsxwriter::Format::new().set_num_format("dd.mm.yyyy");
        page.write_datetime_with_format(1, 4, NaiveDate::from_ymd_opt(2026, 5, 1).unwrap(), &day).unwrap();
        let bytes = workbook.save_to_buffer().unwrap();
        k.send(&k.master, "", json!({}), "paadid.xlsx", &bytes).expect(201);
        let boats = k.boats();
        assert_eq!(boats["Kajakas"]["data"]["owner_code"], owner, "a code that became a number is still that code");
        assert_eq!(boats["Kajakas"]["data"]["length_m"], "6.5");
        assert_eq!(boats["Kajakas"]["data"]["moored_from"], "2026-05-01");
    });
}

#[test]
fn columns_are_matched_by_a_mapping_that_is_kept_for_the_next_sheet() {
    both(|k| {
        let mapping = json!({ "columns": {
            "Nimi": "boat_name", "Pikkus": "length_m", "Peremees": "owner_name", "IK": "owner_code", "Algus": "moored_from",
            "Värv": null }, "dates": "dotted", "decimal_comma": true });
        let csv = format!("Nimi;Pikkus;Peremees;IK;Algus;Värv\nKajakas;6,50;Juhan;{};1.5.2026;sinine\n", code(1980, 1));
        let unknown = k.send(&k.master, "", json!({}), "a.csv", csv.as_bytes()).expect(422);
        assert!(unknown.faults().iter().any(|(at, _)| at == "/columns/2"), "{}", unknown.text);
        let more = json!({ "mapping": mapping, "keep_mapping": true });
        k.send(&k.master, "", more, "a.csv", csv.as_bytes()).expect(201);
        let kept = k.master.get(&path("imports/boat/mapping")).expect(200);
        assert_eq!(kept.body["columns"]["IK"], "owner_code");
        assert_eq!(kept.body["columns"]["Värv"], Value::Null);
        let next = csv.replace("Kajakas", "Tiir").replace(&code(1980, 1), &code(1980, 2));
        k.send(&k.master, "", json!({}), "b.csv", next.as_bytes()).expect(201);
        assert_eq!(k.boats().len(), 2);
    });
}

#[test]
fn an_import_is_taken_back_and_what_it_changed_is_as_before() {
    both(|k| {
        k.import(&[boat("Kajakas", "6.50", 1)]).expect(201);
        let done = k.import(&[boat("Kajakas", "9.00", 1), boat("Tiir", "7.25", 2)]).expect(201);
        let import = done.body["import_id"].as_str().unwrap();
        let tiir = k.boats()["Tiir"]["id"].as_str().unwrap().to_owned();
        let entries = k.entries();
        let undone =
            k.master.send("POST", &path(&format!("imports/{import}/undo")), None, "application/json").expect(200);
        assert_eq!(undone.body["state"], "undone");
        let boats = k.boats();
        assert_eq!(boats.keys().collect::<Vec<_>>(), ["Kajakas"]);
        assert_eq!(boats["Kajakas"]["data"]["length_m"], "6.50");
        assert_eq!(k.entries(), entries + 2, "entries are never removed");
        k.master.get(&path(&format!("records/boat/{tiir}"))).expect(404);
        let again =
            k.master.send("POST", &path(&format!("imports/{import}/undo")), None, "application/json").expect(409);
        assert_eq!(again.body["code"], "undone");
        // The name is free again.
        let third = k.import(&[boat("Tiir", "5.00", 3)]).expect(201);
        assert_eq!(third.body["new"], 1);
        assert!(k.h.audit_faults().is_empty());
    });
}

#[test]
fn an_import_on_which_something_was_built_stays_and_so_does_one_of_yesterday() {
    both(|k| {
        let done = k.import(&[boat("Kajakas", "6.50", 1)]).expect(201);
        let import = done.body["import_id"].as_str().unwrap().to_owned();
        let undo = |id: &str| k.master.send("POST", &path(&format!("imports/{id}/undo")), None, "application/json");
        let record = path(&format!("records/boat/{}", k.boats()["Kajakas"]["id"].as_str().unwrap()));
        let change =
            json!({ "effective_on": "2026-12-01", "base_document_ids": [k.contract], "data": { "length_m": "7.00" } });
        k.master.patch(&record, 1, &change).expect(200);
        assert_eq!(undo(&import).expect(409).body["code"], "later_entry");
        assert_eq!(k.boats()["Kajakas"]["version"], 2);

        let later = k.import(&[boat("Tiir", "6.50", 2)]).expect(201);
        let later = later.body["import_id"].as_str().unwrap().to_owned();
        k.h.set_clock("2026-11-21T10:00:01Z");
        let master = k.h.login("kapten");
        let late = master.send("POST", &path(&format!("imports/{later}/undo")), None, "application/json").expect(409);
        assert_eq!(late.body["code"], "too_late");
    });
}

#[test]
fn a_submitter_of_another_institution_is_refused_and_that_stands_in_the_log() {
    both(|k| {
        let other = found(&k.master, "Teine sadam");
        appoint(&k.h, "teine", "harbour_master", Some(&other));
        appoint(&k.h, "valve", "coast_guard", None);
        let denials = || k.h.place.count("SELECT COUNT(*) FROM audit_event WHERE decision = 'denied'");
        let before = denials();
        let csv = sheet(&[boat("Kajakas", "6.50", 1)]);
        let stranger = k.h.login("teine");
        k.send(&stranger, "", json!({}), "a.csv", csv.as_bytes()).expect(403);
        k.send(&stranger, "?dry_run=true", json!({}), "a.csv", csv.as_bytes()).expect(403);
        assert_eq!(denials(), before + 2);
        // Whoever may look may not enter.
        k.send(&k.h.login("valve"), "", json!({}), "a.csv", csv.as_bytes()).expect(403);
        assert_eq!(k.boats().len(), 0);

        let done = k.import(&[boat("Kajakas", "6.50", 1)]).expect(201);
        let import = done.body["import_id"].as_str().unwrap();
        stranger.get(&path(&format!("imports/{import}"))).expect(404);
        stranger.send("POST", &path(&format!("imports/{import}/undo")), None, "application/json").expect(403);
        assert!(stranger.get(&path("imports")).expect(200).body["items"].as_array().unwrap().is_empty());
        assert_eq!(k.boats().len(), 1);
    });
}

#[test]
fn an_import_goes_on_by_itself_and_can_be_ended_without_leaving_anything() {
    both(|k| {
        let rows: Vec<String> = (0..6_000)
            .map(|n| format!("Paat {n};6.50;Juhan {n};{};2026-05-01", code(1900 + i32::from(n / 900), n % 900)))
            .collect();
        let entries = k.entries();
        let later = k.master.with("Prefer", "respond-async");
        let begun = k.send(&later, "", json!({}), "suur.csv", sheet(&rows).as_bytes()).expect(202);
        let import = begun.body["import_id"].as_str().unwrap().to_owned();
        assert!(begun.headers["location"].ends_with(&import));
        let running = k.master.get(&path(&format!("imports/{import}"))).expect(200);
        assert_eq!(running.body["state"], "running", "{}", running.text);
        let ended = k.master.send("POST", &path(&format!("imports/{import}/cancellation")), None, "application/json");
        ended.expect(200);
        let deadline = Instant::now() + Duration::from_secs(120);
        let state = loop {
            let state = k.master.get(&path(&format!("imports/{import}"))).expect(200).body["state"].clone();
            if state != "running" || Instant::now() > deadline {
                break state;
            }
            std::thread::sleep(Duration::from_millis(100));
        };
        assert_eq!(state, "cancelled");
        assert_eq!(k.entries(), entries, "nothing of it remains");
        assert_eq!(k.h.place.count("SELECT COUNT(*) FROM import_run"), 0);
        let over = k.master.send("POST", &path(&format!("imports/{import}/cancellation")), None, "application/json");
        assert_eq!(over.expect(409).body["code"], "over");
    });
}

#[test]
fn a_sheet_that_is_too_long_is_refused_quickly() {
    both(|k| {
        let rows = "a;1.00;b;1;2026-05-01\n".repeat(30_000);
        let began = Instant::now();
        let refused = k.send(&k.master, "", json!({}), "suur.csv", format!("{HEAD}\n{rows}").as_bytes()).expect(422);
        assert!(refused.has_fault("/file", "too_large"), "{}", refused.text);
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        let empty = k.send(&k.master, "", json!({}), "tyhi.csv", b"").expect(422);
        assert!(empty.has_fault("/file", "unreadable"), "{}", empty.text);
        let none = k.send(&k.master, "", json!({}), "pea.csv", format!("{HEAD}\n").as_bytes()).expect(422);
        assert!(none.has_fault("/file", "no_rows"), "{}", none.text);
    });
}

#[test]
fn an_import_sent_twice_with_one_key_is_one_import() {
    both(|k| {
        let by = k.master.with("Idempotency-Key", "leht-1");
        let csv = sheet(&[boat("Kajakas", "6.50", 1)]);
        let first = k.send(&by, "", json!({}), "a.csv", csv.as_bytes()).expect(201);
        let second = k.send(&by, "", json!({}), "a.csv", csv.as_bytes()).expect(201);
        assert_eq!(first.body["import_id"], second.body["import_id"]);
        assert_eq!(second.body["new"], 1);
        k.send(&by, "", json!({}), "b.csv", sheet(&[boat("Tiir", "6.50", 2)]).as_bytes()).expect(422);
        assert_eq!(k.boats().len(), 1);
    });
}

#[test]
fn a_list_goes_out_and_comes_in_again_without_a_change() {
    both(|k| {
        k.import(&[boat("Kajakas", "6.50", 1), boat("Õun", "7.25", 2)]).expect(201);
        for query in ["format=csv&names=machine", "format=csv", "format=xlsx"] {
            let english = k.master.with("Accept-Language", "en");
            let out = english.get(&path(&format!("exports/boat?institution_id={}&{query}", k.harbour))).expect(200);
            if query.contains("xlsx") {
                assert!(out.text.starts_with("PK"));
                continue;
            }
            assert!(out.text.contains("Õun"), "{}", out.text);
            let head = if query.contains("machine") { "boat_name" } else { "name of the boat" };
            assert!(out.text.lines().next().unwrap().contains(head), "{}", out.text);
            let back = k.send(&k.master, "?dry_run=true", json!({}), "tagasi.csv", out.text.as_bytes()).expect(200);
            assert_eq!((&back.body["unchanged"], &back.body["faulty"]), (&json!(2), &json!(0)), "{}", back.text);
        }
        let events = k.h.export(REGISTER);
        let read = events.iter().filter(|e| e["event"]["detail"]["export"] == true);
        assert_eq!(read.filter(|e| e["event"]["record_ids"].as_array().unwrap().len() == 2).count(), 3);
    });
}

#[test]
fn a_template_names_every_field_that_is_entered() {
    both(|k| {
        let csv = k.master.get(&path("templates/boat?format=csv")).expect(200);
        let head = csv.text.lines().next().unwrap().to_owned();
        for label in ["paadi nimi", "pikkus meetrites", "omaniku isikukood", "sildumise lõpp"] {
            assert!(head.contains(label), "{head}");
        }
        let filled = format!("{}\nKajakas;6,50;Juhan;{};01.05.2026;\n", head.trim_end(), code(1980, 1));
        let mapping = json!({ "dates": "dotted", "decimal_comma": true });
        let done = k.send(&k.master, "", json!({ "mapping": mapping }), "mall.csv", filled.as_bytes());
        assert_eq!(done.expect(201).body["new"], 1);
        assert!(k.master.get(&path("templates/boat")).expect(200).text.starts_with("PK"));
        k.master.get(&path("templates/ship")).expect(404);
    });
}

#[test]
fn many_records_are_changed_in_one_act_and_shown_before() {
    both(|k| {
        k.import(&[boat("Kajakas", "6.50", 1), boat("Tiir", "7.25", 2), boat("Luik", "39.50", 3)]).expect(201);
        let body = |change: Value, dry: bool| {
            json!({ "institution_id": k.harbour, "effective_on": "2026-12-01", "base_document_ids": [k.contract],
                    "change": change, "dry_run": dry })
        };
        let bulk = |body: &Value| k.master.post(&path("bulk-changes/boat"), body);
        let entries = k.entries();
        let set = json!({ "set": { "moored_until": "2027-10-01" } });
        let told = bulk(&body(set.clone(), true)).expect(200);
        assert_eq!((&told.body["changed"], &told.body["state"]), (&json!(3), &json!("checked")));
        assert_eq!(k.entries(), entries);
        let mut some = body(set.clone(), false);
        some["filter"] = json!({ "length_m": "6.50" });
        let done = bulk(&some).expect(201);
        assert_eq!((&done.body["changed"], &done.body["rows"]), (&json!(1), &json!(1)));
        assert_eq!(k.boats()["Kajakas"]["version"], 2);

        let advance = json!({ "advance": { "field": "length_m", "by": 1, "unless": ["7.25"] } });
        let refused = bulk(&body(advance, false)).expect(422);
        assert!(
            refused.faults().iter().any(|(at, code)| at.ends_with("/length_m") && code == "range"),
            "{}",
            refused.text
        );
        let map = json!({ "advance": { "field": "length_m", "by": { "6.50": "6.75", "39.50": "39.75" }, "unless": ["7.25"] } });
        let done = bulk(&body(map, false)).expect(201);
        assert_eq!((&done.body["changed"], &done.body["unchanged"]), (&json!(2), &json!(1)));
        let open = json!({ "advance": { "field": "length_m", "by": { "1.00": "2.00" } } });
        let refused = bulk(&body(open, true)).expect(200);
        assert_eq!(refused.body["faulty"], 3, "a value of which nothing is said is a fault");
        bulk(&body(json!({ "set": {}, "advance": {} }), true)).expect(422);
    });
}

#[test]
fn two_imports_at_once_make_no_record_twice() {
    both(|k| {
        let csv = sheet(&(0..50).map(|n| boat(&format!("Paat {n}"), "6.50", n)).collect::<Vec<_>>());
        let statuses: Vec<u16> = std::thread::scope(|s| {
            let threads: Vec<_> =
                (0..2).map(|_| s.spawn(|| k.send(&k.master, "", json!({}), "a.csv", csv.as_bytes()).status)).collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        assert!(statuses.contains(&201), "{statuses:?}");
        assert!(statuses.iter().all(|s| [201, 409, 422].contains(s)), "{statuses:?}");
        assert_eq!(k.boats().len(), 50);
    });
}

// How long it takes is said aloud for whoever wants to know.
#[test]
fn five_thousand_rows_are_entered_in_one_act() {
    both(|k| {
        let rows: Vec<String> = (0..5_000)
            .map(|n| format!("Paat {n};6.50;Juhan {n};{};2026-05-01", code(1900 + i32::from(n / 900), n % 900)))
            .collect();
        let began = Instant::now();
        let done = k.send(&k.master, "", json!({}), "suur.csv", sheet(&rows).as_bytes()).expect(201);
        eprintln!("5000 rows in {:?}", began.elapsed());
        assert_eq!(done.body["new"], 5_000);
        assert_eq!(done.body["items"].as_array().unwrap().len(), 500, "an answer is bounded");
        assert_eq!(k.h.place.count("SELECT COUNT(*) FROM record WHERE record_type = 'boat'"), 5_000);
    });
}
