//! Faults at the end of data: the program is killed at every step, disks and stores refuse, people meanwhile do what
//! people do. What was approved happens once and wholly, or it did not happen and somebody is told.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use andmekogu::app::retention::Keeping;
use andmekogu::archive::storage::{Place as Shelf, Storage};
use andmekogu::domain::statute::Definition;
use serde_json::{Value, json};

use crate::archive_storage::{Mood, bucket};
use crate::faults::{agent, call};
use crate::harness::city::form;
use crate::harness::people::{School, code};
use crate::harness::{Client, Harness, PASSWORD, Place, REGISTER, definitions, no_postgres, on_both_databases};
use crate::imports::appoint;
use crate::retention::{Archive, at, decide, items, years_later};

const HARBOURS: &str = "paadisadam";

/// The register of boats with people who look after the end of its data: boats go `period` after they left, as a review
/// decides; a pledge on a boat goes at the same time, and refers to the boat by a field that has no index.
fn made(period: &str) -> (tempfile::TempDir, Vec<Definition>) {
    let folder = tempfile::tempdir().unwrap();
    let copied = Command::new("cp").args(["-r", "tests/registers/paadisadam"]).arg(folder.path()).status().unwrap();
    assert!(copied.success());
    let root = folder.path().join(HARBOURS);
    let edit = |name: &str, change: &dyn Fn(String) -> String| {
        let path = root.join(name);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, change(text)).unwrap();
    };
    edit("register.toml", &|text| {
        let role = |name: &str| {
            format!(
                "\n[[role]]\nname = \"{name}\"\nlabel = {{ et = \"{name}\", en = \"{name}\", fi = \"{name}\", sv = \
                 \"{name}\" }}\nclause = \"§ 8\"\nbasis = [{{ name = \"directive\", label = {{ et = \"käskkiri\", en = \
                 \"directive\", fi = \"määräys\", sv = \"direktiv\" }}, clause = \"§ 8\" }}]\n"
            )
        };
        let text = text.replace("then = \"destroy\"", "then = \"review\"").replace("\"P1Y\"", &format!("\"{period}\""));
        format!("{text}{}{}", role("keeper"), role("approver"))
    });
    edit("access.cedar", &|text| {
        format!(
            "{text}\n@id(\"keeper\") @clause(\"§ 14\")\npermit (principal in Role::\"keeper\", action in \
             [Action::\"retention.read\", Action::\"retention.propose\", Action::\"retention.execute\", \
             Action::\"hold.set\"], resource);\n\n@id(\"approver\") @clause(\"§ 14\")\npermit (principal in \
             Role::\"approver\", action in [Action::\"retention.read\", Action::\"retention.approve\"], resource);\n"
        )
    });
    let field = |name: &str, more: &str| {
        format!(
            "\n[[field]]\nname = \"{name}\"\nlabel = {{ et = \"{name}\", en = \"{name}\", fi = \"{name}\", sv = \
             \"{name}\" }}\nclause = \"§ 6\"\nsection = \"pledge\"\nretention = \"while_moored\"\n{more}\n"
        )
    };
    let pledge = [
        "name = \"pledge\"\nlabel = { et = \"pant\", en = \"pledge\", fi = \"pantti\", sv = \"pant\" }\nclause = \"§ 6\"\n\
         purposes = [\"moorings\"]\ntitle = [\"pledge_name\"]\nbase_documents = [\"mooring_contract\"]\n\n[lifecycle]\n\
         begins = \"moored_from\"\nends = \"moored_until\"\nclause = \"§ 6\"\n\n[[section]]\nname = \"pledge\"\nlabel = { \
         et = \"pant\", en = \"pledge\", fi = \"pantti\", sv = \"pant\" }\n"
            .to_owned(),
        field("pledge_name", "type = \"text\"\nrequired = true\nindex = \"name\""),
        field("boat", "type = \"reference\"\nrefers_to = \"boat\""),
        field("other", "type = \"reference\"\nrefers_to = \"pledge\""),
        field("moored_from", "type = \"date\"\nrequired = true"),
        field("moored_until", "type = \"date\""),
    ];
    std::fs::write(root.join("records/pledge.toml"), pledge.concat()).unwrap();
    let definitions = definitions(folder.path());
    (folder, definitions)
}

/// A harbour whose boats have left.
struct Harbour {
    h: Harness,
    definitions: Vec<Definition>,
    folder: tempfile::TempDir,
    master: Client,
    keeper: Client,
    approver: Client,
    harbour: String,
    contract: String,
}

fn path(rest: &str) -> String {
    format!("/registers/{HARBOURS}/{rest}")
}

impl Harbour {
    fn open(place: Place, period: &str) -> Self {
        let (folder, definitions) = made(period);
        let h = Harness::with(place, definitions.clone());
        for (name, role) in [("kapten", "harbour_master"), ("arhivaar", "keeper"), ("juht", "approver")] {
            appoint_in(&h, name, role);
        }
        let master = h.login("kapten");
        let document = |kind: &str| {
            let body = json!({ "kind": kind, "number": "1", "date": "2021-04-01" });
            master.post(&path("base-documents"), &body).expect(201).id()
        };
        let (decision, contract) = (document("decision"), document("mooring_contract"));
        let data = json!({ "harbour_name": "Kalda sadam", "harbour_kind": "lake" });
        let body = json!({ "effective_on": "2021-04-01", "base_document_ids": [decision], "data": data });
        let harbour = master.post(&path("institutions"), &body).expect(201).id();
        let (keeper, approver) = (h.login("arhivaar"), h.login("juht"));
        Self { h, definitions, folder, master, keeper, approver, harbour, contract }
    }

    fn on_both(period: &str, scenario: impl Fn(Self)) {
        scenario(Self::open(Place::sqlite(), period));
        match Place::postgres() {
            Some(place) => scenario(Self::open(place, period)),
            None => no_postgres(),
        }
    }

    /// Boats that have left, entered from a sheet: name, name and code of the owner, last day.
    fn left(&self, boats: &[(String, String, String, &str)]) {
        let head = "boat_name;length_m;owner_name;owner_code;moored_from;moored_until";
        let rows: Vec<String> = boats
            .iter()
            .map(|(boat, owner, code, until)| format!("{boat};6.50;{owner};{code};2021-05-01;{until}"))
            .collect();
        let sheet = format!("{head}\n{}\n", rows.join("\n"));
        let about = json!({ "institution_id": self.harbour, "effective_on": "2021-05-01", "base_document_ids": [self.contract] });
        let (body, media) = form(&about, "paadid.csv", sheet.as_bytes());
        let done = self.master.send("POST", &path("imports/boat"), Some(body), &media).expect(201);
        assert_eq!(done.body["new"], boats.len(), "{}", done.text);
    }

    fn enter(&self, record_type: &str, data: Value) -> String {
        let body = json!({ "institution_id": self.harbour, "effective_on": "2021-05-01",
            "base_document_ids": [self.contract], "data": data });
        self.master.post(&path(&format!("records/{record_type}")), &body).expect(201).id()
    }

    /// Proposes what is due, decides all items by `decision`, and has it approved: the batch.
    fn approved(&self, decision: impl Fn(usize) -> &'static str) -> String {
        let batch = self.keeper.post(&path("retention/batches"), &json!({})).expect(201).body;
        let id = batch["id"].as_str().unwrap().to_owned();
        let mut all = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.keeper.get(&path(&format!("retention/batches/{id}?limit=500{cursor}"))).expect(200).body;
            all.extend(items(&page));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let decide =
            |(n, i): (usize, &Value)| json!({ "record_id": i["record"], "rule": i["rule"], "decision": decision(n) });
        let decisions: Vec<Value> = all.iter().enumerate().map(decide).collect();
        let body = json!({ "items": decisions, "finish": batch["revision"] });
        self.keeper.post(&path(&format!("retention/batches/{id}/review")), &body).expect(200);
        self.approver.post(&path(&format!("retention/batches/{id}/approval")), &json!({})).expect(200);
        id
    }

    fn execute(&self, id: &str) -> crate::harness::Answer {
        self.keeper.post(&path(&format!("retention/batches/{id}/execution")), &json!({}))
    }

    fn act(&self, id: &str, kind: &str) -> Value {
        self.keeper.get(&path(&format!("retention/batches/{id}/act?kind={kind}"))).expect(200).body
    }

    fn count(&self, sql: &str) -> i64 {
        self.h.place.count(sql)
    }

    fn boats(&self) -> i64 {
        self.count("SELECT COUNT(*) FROM record WHERE record_type = 'boat'")
    }
}

fn appoint_in(h: &Harness, name: &str, role: &str) {
    appoint(h, name, role, None);
}

fn some_boats(n: u16, until: &'static str) -> Vec<(String, String, String, &'static str)> {
    (0..n).map(|k| (format!("Paat {k}"), format!("Omanik {k}"), code(1980, k), until)).collect()
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for item in std::fs::read_dir(next).into_iter().flatten().flatten() {
            let path = item.path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found
}

// --- Killed at every step ---------------------------------------------------------------------------------------------

/// The program itself on a database, with a library before it that stops it dead at a step.
struct Stoppable {
    child: Child,
    base: String,
}

impl Stoppable {
    fn start(k: &Harbour, data: &Path, library: &Path, stop_at: u32) -> Self {
        let url = match &k.h.place.url {
            andmekogu::store::DatabaseUrl::Pg(url) => url.clone(),
            andmekogu::store::DatabaseUrl::Sqlite(path) => path.clone(),
        };
        let mut child = Command::new(env!("CARGO_BIN_EXE_andmekogu"))
            .arg("serve")
            .env("ANDMEKOGU_DATA_DIR", data)
            .env("ANDMEKOGU_REGISTERS_DIR", k.folder.path())
            .env("ANDMEKOGU_DATABASE_URL", url)
            .env("ANDMEKOGU_AUDIT_DOMAIN", "log.example")
            .env("ANDMEKOGU_JOBS_ENABLED", "false")
            .env("ANDMEKOGU_LISTEN", "127.0.0.1:0")
            .env("LD_PRELOAD", library)
            .env("STOP_ARMED", data.join("armed"))
            .env("STOP_TOLD", data.join("told"))
            .env("STOP_AT", stop_at.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line =
            lines.by_ref().map_while(Result::ok).find(|l| l.contains("http://")).expect("it says where it listens");
        let base = format!("{}/api/v1", line[line.find("http://").unwrap()..].trim());
        Self { child, base }
    }

    /// Carries the batch out: whether it came to an end before it was stopped.
    fn execute(mut self, data: &Path, id: &str) -> Option<Value> {
        let agent = agent();
        let login = json!({ "username": "arhivaar", "password": PASSWORD });
        let (status, session) =
            call(&agent, "POST", &format!("{}/sessions", self.base), None, Some(&login)).expect("it answers");
        assert_eq!(status, 201, "{session}");
        let token = session["access_token"].as_str().unwrap().to_owned();
        std::fs::write(data.join("armed"), "").unwrap();
        let url = format!("{}{}", self.base, path(&format!("retention/batches/{id}/execution")));
        let answer = call(&agent, "POST", &url, Some(&token), Some(&json!({})));
        std::fs::remove_file(data.join("armed")).unwrap();
        let stopped = answer.is_none();
        if stopped {
            // It was stopped by itself: nobody ends it here.
            let ended = self.child.wait().unwrap();
            assert_eq!(std::os::unix::process::ExitStatusExt::signal(&ended), Some(9), "{ended}");
        } else {
            self.child.kill().unwrap();
            self.child.wait().unwrap();
        }
        let (status, done) = answer?;
        if status == 409 && done["detail"].as_str().unwrap_or_default().starts_with("the batch is done") {
            // Stopped between its last transaction and the answer: it was done, and says so.
            return Some(json!({ "state": "done" }));
        }
        assert_eq!(status, 200, "{done}");
        Some(done)
    }
}

/// The data folder of the program, with the keys that the harness signs with.
fn data_folder() -> tempfile::TempDir {
    use base64::Engine as _;
    let folder = tempfile::tempdir().unwrap();
    let secrets = folder.path().join("secrets");
    std::fs::create_dir_all(secrets.join("tokens")).unwrap();
    for dir in [folder.path(), &secrets, &secrets.join("tokens")] {
        std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o700)).unwrap();
    }
    let mut key = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    key.extend([5; 32]);
    let text = base64::engine::general_purpose::STANDARD.encode(key);
    let log = secrets.join("log.pem");
    std::fs::write(&log, format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")).unwrap();
    std::fs::set_permissions(&log, std::fs::Permissions::from_mode(0o600)).unwrap();
    folder
}

/// The library that stops a program, made where there is a C compiler.
fn stopping(folder: &Path) -> Option<PathBuf> {
    let library = folder.join("stop.so");
    let made = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "tests/faults/stop.c", "-ldl", "-o"])
        .arg(&library)
        .status();
    if made.is_ok_and(|m| m.success()) {
        return Some(library);
    }
    eprintln!("NOT RUN at every step: there is no C compiler");
    assert!(std::env::var("CI").is_err(), "in CI there is one");
    None
}

/// The program is stopped dead at one step after the other: before and after every transaction, after every write of the
/// package. Each time it is started anew and goes on. In the end everything is as if nothing had happened.
#[test]
fn an_execution_that_is_killed_at_every_step_ends_as_if_nothing_had_happened() {
    Harbour::on_both("P1Y", |k| {
        // More than go in one transaction, so that it is also stopped between two.
        k.left(&some_boats(230, "2024-06-30"));
        let id = k.approved(|n| if n % 23 == 0 { "archive" } else { "destroy" });
        let data = data_folder();
        let Some(library) = stopping(data.path()) else { return };
        // How far it is: which step is done, and how much is gone.
        let state = || {
            let body = k.h.place.text(&format!("SELECT body FROM retention_batch WHERE id = '{id}'"));
            let body: Value = serde_json::from_str(&body).unwrap();
            (body["batch"]["state"].to_string(), body["batch"]["done"].to_string(), k.boats())
        };
        let (mut stop_at, mut stopped, mut known) = (1, 0, state());
        let mut seen = BTreeSet::new();
        let done = loop {
            seen.insert(known.1.clone());
            let program = Stoppable::start(&k, data.path(), &library, stop_at);
            if let Some(done) = program.execute(data.path(), &id) {
                break done;
            }
            stopped += 1;
            assert!(stopped < 200, "it comes to an end");
            let now = state();
            // Nothing of the way is left out: further by one step, or the way from the new state, past its first two
            // transactions, which are the same from every state.
            stop_at = if now == known { stop_at + 1 } else { 5.min(stop_at) };
            known = now;
        };
        let told = std::fs::read_to_string(data.path().join("told")).unwrap();
        eprintln!("stopped {stopped} times; {} steps told; states {seen:?}", told.lines().count());
        assert_eq!(done["state"], "done");
        assert!(stopped >= 20, "it was stopped at every step: {stopped}");
        for step in ["null", "\"package_written\"", "\"package_verified\"", "\"stored\""] {
            assert!(seen.contains(step), "it was stopped at {step}: {seen:?}");
        }
        assert_eq!(k.boats(), 0);
        assert_eq!(k.count("SELECT COUNT(*) FROM erasure"), 230, "each was erased once");
        assert_eq!(k.count("SELECT COUNT(*) FROM retention_item WHERE state = 'erased'"), 230);
        assert_eq!(k.count("SELECT COUNT(*) FROM retention_act"), 2, "an act of each kind");
        assert_eq!(k.count("SELECT COUNT(*) FROM erasing"), 0);
        let kept: BTreeSet<String> = files_in(&data.path().join("archive"))
            .iter()
            .map(|f| f.extension().unwrap().to_string_lossy().into_owned())
            .collect();
        assert_eq!(files_in(&data.path().join("archive")).len(), 2, "one package");
        assert_eq!(kept, ["sha256", "tar"].map(str::to_owned).into());
        assert_eq!(files_in(&data.path().join("packages")), Vec::<PathBuf>::new(), "and no copy of it");
        let (transfer, destruction) = (k.act(&id, "transfer"), k.act(&id, "destruction"));
        let records = |act: &Value| act["classes"][0]["records"].as_u64().unwrap();
        assert_eq!((records(&transfer), records(&destruction)), (10, 220));
        let tar = files_in(&data.path().join("archive")).into_iter().find(|f| f.extension().unwrap() == "tar").unwrap();
        let read = Command::new("python3").arg("tests/reader/read_package.py").arg(&tar).output().unwrap();
        assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
        assert_eq!(k.h.audit_faults(), Vec::<String>::new());
        k.keeper.post(&path("retention/batches"), &json!({})).expect(409);
    });
}

// --- What people do meanwhile -----------------------------------------------------------------------------------------

/// Somebody who left, in a batch that was approved: `meanwhile` happens, and then it is carried out. The items.
fn after(meanwhile: impl Fn(&Archive, &str), check: impl Fn(&Archive, &str, Vec<Value>)) {
    on_both_databases(|h| {
        let (a, gone) = years_later(h);
        let id = a.archivist.post(&at("batches"), &json!({})).expect(201).body["id"].as_str().unwrap().to_owned();
        decide(&a.archivist, &id, "destroy");
        a.controller.post(&at(&format!("batches/{id}/approval")), &json!({})).expect(200);
        meanwhile(&a, &gone);
        a.archivist.post(&at(&format!("batches/{id}/execution")), &json!({})).expect(200);
        let batch = a.archivist.get(&at(&format!("batches/{id}?limit=500"))).expect(200).body;
        a.s.clerk.get(&format!("/registers/{REGISTER}/records/employee/{gone}")).expect(200);
        assert_eq!(a.s.h.place.count("SELECT COUNT(*) FROM erasure"), 0);
        assert_eq!(a.s.h.place.count("SELECT COUNT(*) FROM retention_act"), 0, "nothing went, so there is no act");
        check(&a, &gone, items(&batch));
    });
}

fn all_dropped(items: &[Value], reason: &str) {
    assert!(!items.is_empty());
    for item in items {
        assert_eq!(
            (&item["state"], &item["outcome"]["dropped"]["reason"]),
            (&json!("dropped"), &json!(reason)),
            "{item}"
        );
    }
}

fn correct(a: &Archive, record: &str, entry: usize, data: Value) {
    let at = format!("/registers/{REGISTER}/records/employee/{record}");
    let entries = a.s.clerk.get(&format!("{at}/entries")).expect(200).body;
    let wrong = entries["items"][entry]["id"].clone();
    let fix = json!({ "entry_id": wrong, "reason": "viga sisestamisel", "base_document_ids": [a.s.office.document],
                      "data": data });
    a.s.clerk.post(&format!("{at}/corrections"), &fix).expect(201);
}

#[test]
fn a_trigger_that_is_corrected_while_the_batch_waits_keeps_the_data() {
    after(
        |a, gone| {
            let termination = json!({ "termination": { "date": "2026-12-01", "kind": "by_employee",
                "legal_basis": "töölepingu seadus", "act": "TLS", "section": "85" } });
            correct(a, gone, 1, termination);
        },
        |a, gone, items| {
            all_dropped(&items, "trigger_corrected");
            let why =
                a.archivist.get(&format!("/registers/{REGISTER}/records/employee/{gone}/retention")).expect(200).body;
            let pay = why["parts"].as_array().unwrap().iter().find(|p| p["rule"] == "pay").unwrap().clone();
            assert_eq!((&pay["trigger_on"], &pay["due_on"]), (&json!("2026-12-01"), &json!("2033-12-02")));
            let again = a.archivist.post(&at("batches"), &json!({})).expect(201).body;
            assert_eq!(again["number"], 2, "by its true day it is due too, and is proposed anew");
        },
    );
}

#[test]
fn a_record_that_is_changed_after_the_review_does_not_go_unseen() {
    after(
        |a, gone| correct(a, gone, 0, json!({ "last_name": "Kadunud-Leitud" })),
        |_, _, items| all_dropped(&items, "changed"),
    );
}

#[test]
fn a_record_about_which_a_complaint_is_open_stays_until_it_is_settled() {
    after(
        |a, gone| {
            let body = json!({ "subject": "Kaebus", "text": "Andmed on valed.", "record_id": gone,
                "from": { "name": "Kaja Kask", "kind": "person", "contact": "kaja.kask@post.example" },
                "received_on": "2037-01-04" });
            a.controller.post(&format!("/registers/{REGISTER}/complaints"), &body).expect(201);
        },
        |a, _, items| {
            all_dropped(&items, "open");
            assert!(items.iter().all(|i| i["outcome"]["dropped"]["kind"] == "complaint"));
            a.archivist.post(&at("batches"), &json!({})).expect(409);
        },
    );
}

#[test]
fn what_was_disclosed_after_the_approval_is_reviewed_again() {
    after(
        |a, _| {
            let admin = a.s.h.login("administrator");
            let requests = format!("/registers/{REGISTER}/disclosure-requests");
            let asked = json!({ "requester": { "name": "Näidisamet", "kind": "authority", "contact": "Tänav 1" },
                "object": "Töötajad", "record_type": "employee", "fields": ["last_name"],
                "filter": {}, "as_of": "2026-01-01", "purpose": "järelevalve", "legal_basis": "seaduse § 1" });
            let id = admin.post(&requests, &asked).expect(201).id();
            let granted = json!({ "outcome": "granted", "ground": "public_task", "act": "seaduse § 1",
                "explanation": "ülesanne on seaduses" });
            admin.post(&format!("{requests}/{id}/decision"), &granted).expect(200);
            admin.send("POST", &format!("{requests}/{id}/release"), None, "application/json").expect(200);
        },
        |_, _, items| all_dropped(&items, "disclosed"),
    );
}

#[test]
fn a_hold_on_a_person_holds_every_record_that_names_them() {
    on_both_databases(|h| {
        let s = School::open(h);
        let (own, child) = (code(1981, 5), code(2015, 6));
        let mut body = s.office.employee("Vanem", &own);
        body["data"]["minor_children"] = json!([{ "name": "Laps Vanem", "personal_code": child, "need": "legal_duty",
            "basis": "seaduse § 1" }]);
        let made = s.clerk.post(&format!("/registers/{REGISTER}/records/employee"), &body).expect(201);
        let controller = s.h.login("controller");
        let hold = json!({ "personal_code": child, "basis": "lapse huvide vaidlus" });
        controller.post(&at("holds"), &hold).expect(201);
        let why =
            controller.get(&format!("/registers/{REGISTER}/records/employee/{}/retention", made.id())).expect(200);
        let parts = why.body["parts"].as_array().unwrap().clone();
        assert!(parts.iter().all(|p| p["held"].as_array().unwrap().len() == 1), "{}", why.text);
        assert!(!why.text.contains(&child), "whom the hold is about is not told");
        let other =
            controller.get(&format!("/registers/{REGISTER}/records/employee/{}/retention", s.employee)).expect(200);
        assert!(other.body["parts"].as_array().unwrap().iter().all(|p| p["held"] == json!([])));
    });
}

#[test]
fn nobody_approves_in_another_role_what_they_proposed_and_nobody_what_they_have_not_seen() {
    on_both_databases(|h| {
        let (a, gone) = years_later(h);
        let own = a.s.h.user("archivist");
        let new = andmekogu::store::acts::grants::NewGrant {
            user_id: own,
            role: "controller".into(),
            institution_id: None,
            sections: None,
            from: chrono::NaiveDate::from_ymd_opt(2026, 1, 1).unwrap(),
            until: None,
            basis: andmekogu::domain::access::grant::Basis { kind: "directive".into(), reference: "2".into() },
            task: None,
            application_id: None,
        };
        let grant = a.s.h.block_on(a.s.h.app.grant_as_installation(REGISTER, new)).unwrap().into_inner();
        let id = a.archivist.post(&at("batches"), &json!({})).expect(201).body["id"].as_str().unwrap().to_owned();
        decide(&a.archivist, &id, "destroy");
        let as_controller = a.archivist.with("X-Acting-As", &grant.id.to_string());
        let refused = as_controller.post(&at(&format!("batches/{id}/approval")), &json!({})).expect(403);
        assert!(refused.text.contains("another role"), "{}", refused.text);
        assert_eq!(refused.body["clause"], "§ 19");

        // Whoever approves names what they saw; an item was taken out since.
        let seen = a.controller.get(&at(&format!("batches/{id}"))).expect(200).body["revision"].clone();
        let back = json!({ "reason": "vaatan uuesti", "back": true });
        a.archivist.post(&at(&format!("batches/{id}/cancellation")), &back).expect(200);
        let out =
            json!({ "items": [{ "record_id": gone, "rule": "pay", "decision": "exclude", "reason": "vaidlus" }] });
        let now = a.archivist.post(&at(&format!("batches/{id}/review")), &out).expect(200).body["revision"].clone();
        a.archivist.post(&at(&format!("batches/{id}/review")), &json!({ "finish": now })).expect(200);
        let stale = a.controller.post(&at(&format!("batches/{id}/approval")), &json!({ "revision": seen })).expect(409);
        assert_eq!(stale.body["code"], "stale");
        a.controller.post(&at(&format!("batches/{id}/approval")), &json!({ "revision": now })).expect(200);
    });
}

// --- Days ---------------------------------------------------------------------------------------------------------------

#[test]
fn a_year_from_the_29th_of_february_and_half_a_year_from_the_31st_end_on_the_last_day_of_the_month() {
    for (period, until, last, due) in [
        ("P1Y", "2024-02-29", "2025-02-28", "2025-03-01"),
        ("P6M", "2024-03-31", "2024-09-30", "2024-10-01"),
        ("P6M", "2024-08-31", "2025-02-28", "2025-03-01"),
    ] {
        Harbour::on_both(period, |k| {
            k.left(&some_boats(1, until));
            let none = k.keeper.get(&path(&format!("retention/due?on={last}"))).expect(200).body;
            assert_eq!(items(&none), Vec::<Value>::new(), "{until} + {period}: the last day still belongs to the term");
            let found = k.keeper.get(&path(&format!("retention/due?on={due}"))).expect(200).body;
            let part = &found["items"][0]["parts"][0];
            assert_eq!((&part["last_day"], &part["due_on"]), (&json!(last), &json!(due)), "{until} + {period}");
        });
    }
}

// --- Disks and stores ---------------------------------------------------------------------------------------------------

/// A place of a few kilobytes over `folder`, where that may be made; else one that nobody may write to.
struct Tight(PathBuf, bool);

impl Tight {
    fn over(folder: &Path) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"]).arg(folder).output();
        let mounted = mounted.is_ok_and(|told| told.status.success());
        if !mounted {
            std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o500)).unwrap();
        }
        Self(folder.to_owned(), mounted)
    }
}

impl Drop for Tight {
    fn drop(&mut self) {
        if self.1 {
            let _ = Command::new("umount").arg(&self.0).status();
        } else {
            let _ = std::fs::set_permissions(&self.0, std::fs::Permissions::from_mode(0o700));
        }
    }
}

#[test]
fn a_disk_that_is_full_in_the_middle_of_a_package_stops_the_batch_with_nothing_erased() {
    Harbour::on_both("P1Y", |k| {
        k.left(&some_boats(120, "2024-06-30"));
        let id = k.approved(|_| "archive");
        let packages = k.h.place._folder.path().join("packages");
        let tight = Tight::over(&packages);
        for _ in 0..2 {
            let stopped = k.execute(&id).expect(409);
            assert_eq!(stopped.body["code"], "package_stopped");
            let why = if tight.1 { "the disk is full" } else { "denied" };
            assert!(stopped.text.contains(why) && stopped.text.contains("Nothing was erased"), "{}", stopped.text);
            assert_eq!(files_in(&packages), Vec::<PathBuf>::new(), "nothing half-written is left");
            assert_eq!((k.boats(), k.count("SELECT COUNT(*) FROM erasure")), (120, 0));
        }
        let batch = k.keeper.get(&path(&format!("retention/batches/{id}"))).expect(200).body;
        assert_eq!((&batch["state"], &batch["step"]), (&json!("executing"), &Value::Null));
        drop(tight);
        let done = k.execute(&id).expect(200).body;
        assert_eq!(done["state"], "done");
        assert_eq!((k.boats(), k.count("SELECT COUNT(*) FROM retention_act")), (0, 1));
    });
}

#[test]
fn a_store_that_refuses_or_breaks_off_stops_the_batch_and_one_that_takes_it_lets_it_go_on() {
    for mood in [Mood::Refusing, Mood::Breaking, Mood::Rotten] {
        let mut k = Harbour::open(Place::sqlite(), "P1Y");
        k.left(&some_boats(12, "2024-06-30"));
        let id = k.approved(|_| "archive");
        let work = k.h.place._folder.path().join("packages");
        let keeping = |shelf: &Shelf| Keeping {
            work: Some(work.clone()),
            storage: Some(Storage::open(shelf).unwrap()),
            recipient: Some(andmekogu::archive::Recipient {
                name: "Rahvusarhiiv".into(),
                code: Some("70000310".into()),
            }),
            agreement: Some("leping 7/2026".into()),
            ..Keeping::default()
        };
        let (refusing, _) = bucket(mood);
        k.h.keep(k.definitions.clone(), keeping(&refusing));
        k.keeper = k.h.login("arhivaar");
        let stopped = k.execute(&id).expect(409);
        assert_eq!(stopped.body["code"], "package_stopped", "{}", stopped.text);
        assert!(!stopped.text.contains("saladus"));
        assert_eq!((k.boats(), k.count("SELECT COUNT(*) FROM erasure")), (12, 0));
        let batch = k.keeper.get(&path(&format!("retention/batches/{id}"))).expect(200).body;
        assert_eq!((&batch["state"], &batch["step"]), (&json!("executing"), &json!("package_verified")));

        let (good, kept) = bucket(Mood::Good);
        k.h.keep(k.definitions.clone(), keeping(&good));
        (k.keeper, k.approver) = (k.h.login("arhivaar"), k.h.login("juht"));
        assert_eq!(k.execute(&id).expect(200).body["state"], "done");
        assert_eq!((k.boats(), kept.lock().unwrap().objects.len()), (0, 2), "the package and its digest");
        let act = k.act(&id, "transfer");
        assert_eq!(act["recipient"], json!({ "name": "Rahvusarhiiv", "code": "70000310" }));
        let (by, approved) = (&act["prepared_by"]["role"], &act["approved_by"][0]["role"]);
        assert_eq!((by, approved), (&json!("keeper"), &json!("approver")), "in the role in which they acted");
        let tar = kept.lock().unwrap().objects.iter().find(|(key, _)| key.ends_with(".tar")).unwrap().1.clone();
        let text = String::from_utf8_lossy(&tar);
        assert!(text.contains("Rahvusarhiiv") && text.contains("leping 7/2026"), "the package says for whom it is");
    }
}

#[test]
fn the_act_counts_the_documents_and_bytes_that_went_and_none_that_others_need() {
    Harbour::on_both("P1Y", |k| {
        k.left(&some_boats(3, "2024-06-30"));
        let file = "%PDF-1.4\n1 0 obj\n<<>>\nendobj\n%%EOF\n";
        let metadata = json!({ "kind": "mooring_contract", "number": "9", "date": "2021-04-01" });
        let (body, media) = form(&metadata, "lisa.pdf", file.as_bytes());
        let with_file = k.master.send("POST", &path("base-documents"), Some(body), &media);
        let own = if with_file.status == 201 { with_file.id() } else { panic!("{}", with_file.text) };
        let boat = json!({ "boat_name": "Lisaga", "length_m": "5.00", "owner_name": "Liisa", "owner_code": code(1980, 500),
            "moored_from": "2021-05-01", "moored_until": "2024-06-30" });
        let body = json!({ "institution_id": k.harbour, "effective_on": "2021-05-01",
            "base_document_ids": [own, k.contract], "data": boat });
        k.master.post(&path("records/boat"), &body).expect(201);
        // One boat stays on the contract that all share.
        k.enter(
            "boat",
            json!({ "boat_name": "Siin", "length_m": "5.00", "owner_name": "Siim",
            "owner_code": code(1980, 501), "moored_from": "2021-05-01" }),
        );
        let data = k.count("SELECT SUM(octet_length(data)) FROM entry WHERE data LIKE '%moored_until%'");
        let id = k.approved(|_| "destroy");
        assert_eq!(k.execute(&id).expect(200).body["state"], "done");
        let act = k.act(&id, "destruction");
        let class = &act["classes"][0];
        assert_eq!((&class["records"], &class["documents"]), (&json!(4), &json!(1)), "{class}");
        assert_eq!(class["bytes"], json!(data + i64::try_from(file.len()).unwrap()), "{class}");
        assert_eq!(k.count("SELECT COUNT(*) FROM stored_file"), 0);
        assert_eq!(k.count(&format!("SELECT COUNT(*) FROM base_document WHERE id = '{}'", k.contract)), 1);
    });
}

// --- References ---------------------------------------------------------------------------------------------------------

impl Harbour {
    fn pledge(&self, name: &str, until: Option<&str>, more: Value) -> String {
        let mut data = json!({ "pledge_name": name, "moored_from": "2021-05-01" });
        data.as_object_mut().unwrap().extend(until.map(|u| ("moored_until".to_owned(), json!(u))));
        data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.enter("pledge", data)
    }

    fn boat(&self, name: &str, serial: u16) -> String {
        self.enter(
            "boat",
            json!({ "boat_name": name, "length_m": "5.00", "owner_name": name, "owner_code": code(1980, serial),
            "moored_from": "2021-05-01", "moored_until": "2024-06-30" }),
        )
    }

    /// What stands in the way of a record.
    fn blocked_by(&self, record_type: &str, id: &str) -> Vec<String> {
        let why = self.keeper.get(&path(&format!("records/{record_type}/{id}/retention"))).expect(200).body;
        let by = why["parts"][0]["blocked_by"].as_array().unwrap().clone();
        by.iter().map(|b| b["id"].as_str().unwrap().to_owned()).collect()
    }
}

#[test]
fn a_record_to_which_one_that_stays_refers_waits_and_two_that_go_together_do_not_hold_each_other() {
    Harbour::on_both("P1Y", |k| {
        let (held, free) = (k.boat("Pandis", 1), k.boat("Vaba", 2));
        let stays = k.pledge("Kestev", None, json!({ "boat": held }));
        let goes = k.pledge("Lõppenud", Some("2024-06-30"), json!({ "boat": free }));
        assert_eq!(
            k.blocked_by("boat", &held),
            std::slice::from_ref(&stays),
            "a field without an index refers as well"
        );
        assert_eq!(k.blocked_by("boat", &free), Vec::<String>::new(), "whoever refers goes too");

        // Two pledges that refer to each other, both over; and a chain at whose end one stays.
        let first = k.pledge("Esimene", Some("2024-06-30"), json!({}));
        let second = k.pledge("Teine", Some("2024-06-30"), json!({ "other": first }));
        let at = path(&format!("records/pledge/{first}"));
        let entries = k.master.get(&format!("{at}/entries")).expect(200).body;
        let fix = json!({ "entry_id": entries["items"][0]["id"], "reason": "viide puudus", "base_document_ids": [k.contract],
            "data": { "other": second } });
        k.master.post(&format!("{at}/corrections"), &fix).expect(201);
        let link = k.pledge("Lüli", Some("2024-06-30"), json!({}));
        let end = k.pledge("Ots", None, json!({ "other": link }));
        let far = k.boat("Kaugel", 3);
        let middle = k.pledge("Vahel", Some("2024-06-30"), json!({ "boat": far }));
        let also = k.pledge("Hoiab", None, json!({ "other": middle }));
        assert_eq!(k.blocked_by("pledge", &first), Vec::<String>::new());
        assert_eq!(k.blocked_by("pledge", &second), Vec::<String>::new());
        assert_eq!(k.blocked_by("pledge", &link), [end]);
        assert_eq!(k.blocked_by("pledge", &middle), [also]);
        assert_eq!(
            k.blocked_by("boat", &far),
            std::slice::from_ref(&middle),
            "what is held itself holds what it refers to"
        );

        let id = k.approved(|_| "destroy");
        let batch = k.keeper.get(&path(&format!("retention/batches/{id}?limit=500"))).expect(200).body;
        let proposed: BTreeSet<String> =
            items(&batch).iter().map(|i| i["record"].as_str().unwrap().to_owned()).collect();
        assert_eq!(proposed, [free.clone(), goes.clone(), first.clone(), second.clone()].into());
        // A hold on one who refers, after the approval, keeps the other too; the two others go.
        k.keeper.post(&path(&format!("records/pledge/{goes}/hold")), &json!({ "basis": "vaidlus" })).expect(201);
        assert_eq!(k.execute(&id).expect(200).body["state"], "done");
        let there = |id: &str| k.count(&format!("SELECT COUNT(*) FROM record WHERE id = '{id}'")) == 1;
        assert!(there(&goes) && there(&free), "the boat to which a held pledge refers stays");
        assert!(!there(&first) && !there(&second), "two that refer to each other went together");
        assert!(there(&held) && there(&stays) && there(&far));
        let batch = k.keeper.get(&path(&format!("retention/batches/{id}?limit=500"))).expect(200).body;
        let of = |id: &str| items(&batch).into_iter().find(|i| i["record"] == id).unwrap();
        assert_eq!(of(&free)["outcome"]["dropped"], json!({ "reason": "open", "kind": "reference" }));
        assert_eq!(of(&goes)["outcome"]["dropped"]["reason"], "held");
    });
}

// --- Nothing is left ----------------------------------------------------------------------------------------------------

/// After a thousand erasures no file of the installation holds a name or a code of those who are gone: not the database,
/// not its write-ahead log, not where packages are made, not the temporary folder.
#[test]
fn after_a_thousand_erasures_no_raw_file_holds_a_name_or_a_code() {
    Harbour::on_both("P1Y", |k| {
        let boats: Vec<_> = (0..1_000_u16)
            .map(|n| {
                (
                    format!("Kanaarpaat{n}"),
                    format!("Kanaar Omanik{n}"),
                    code(1981 + i32::from(n / 500), n % 500),
                    "2024-06-30",
                )
            })
            .collect();
        k.left(&boats);
        // What lies about them elsewhere: they were looked for, listed, corrected, and somebody left a form behind.
        for (boat, _, own, _) in boats.iter().step_by(100) {
            k.master.get(&path(&format!("records/boat?q={boat}"))).expect(200);
            k.master.get(&path(&format!("records/boat?q={own}"))).expect(200);
        }
        let listed = k.master.get(&path("records/boat?limit=500")).expect(200).body;
        let record = listed["items"][0]["id"].as_str().unwrap().to_owned();
        let at = path(&format!("records/boat/{record}"));
        let entries = k.master.get(&format!("{at}/entries")).expect(200).body;
        let fix = json!({ "entry_id": entries["items"][0]["id"], "reason": "Kanaar Omanik kirjutas ise",
            "base_document_ids": [k.contract], "data": { "owner_name": "Kanaar Parandatud" } });
        k.master.post(&format!("{at}/corrections"), &fix).expect(201);
        let own = &boats[3].2;
        let user = k.h.user("kapten");
        let draft = format!(
            "INSERT INTO draft (register, id, user_id, form_key, body, as_subject, saved_at, expires_at) VALUES \
             ('{HARBOURS}', 'd1', '{user}', 'new', '{{\"owner_code\":\"{own}\",\"owner_name\":\"Kanaar Omanik3\"}}', 0, 0, \
             9000000000000000)"
        );
        k.h.place.sql(&draft).unwrap();
        let id = k.approved(|_| "destroy");
        let done = k.execute(&id).expect(200).body;
        assert_eq!((&done["state"], k.boats()), (&json!("done"), 0));
        assert_eq!(k.count("SELECT COUNT(*) FROM erasure"), 1_000);

        // All names begin alike, and all codes: whoever finds none of the beginnings finds none of the rest.
        let canaries = ["Kanaar", "kanaar", "KANAAR", "4810517", "4820517"];
        assert!(boats.iter().all(|(boat, owner, own, _)| {
            boat.starts_with(canaries[0])
                && owner.starts_with(canaries[0])
                && canaries[3..].iter().any(|c| own.starts_with(c))
        }));
        let mut searched = files_in(k.h.place._folder.path());
        if !k.h.place.url.is_sqlite() {
            // The rows are gone; their bytes go with what docs/operations.md tells to run after an erasure.
            k.h.place.sql("VACUUM FULL").unwrap();
            k.h.place.sql("CHECKPOINT").unwrap();
            for table in
                k.h.place
                    .text("SELECT string_agg(tablename, ',') FROM pg_tables WHERE schemaname = 'public'")
                    .split(',')
            {
                for canary in canaries {
                    let rows =
                        format!("SELECT COUNT(*) FROM {table} t WHERE position('{canary}' in CAST(t.* AS TEXT)) > 0");
                    assert_eq!(k.count(&rows), 0, "{canary} stands in {table}");
                }
            }
            let base = k.h.place.text(
                "SELECT current_setting('data_directory') || '/base/' || oid FROM pg_database WHERE datname = current_database()",
            );
            let raw = files_in(Path::new(&base));
            if raw.is_empty() {
                eprintln!("NOT SEARCHED: the files of PostgreSQL, which cannot be reached from here; its tables were");
            }
            searched.extend(raw);
        }
        let any = regex::bytes::Regex::new(&canaries.join("|")).unwrap();
        let mut bytes_searched = 0;
        for file in searched {
            let Ok(bytes) = std::fs::read(&file) else { continue };
            bytes_searched += bytes.len();
            let found = any.find(&bytes).map(|m| String::from_utf8_lossy(m.as_bytes()).into_owned());
            assert_eq!(found, None, "it stands in {}", file.display());
        }
        eprintln!("{bytes_searched} bytes were searched");
        assert!(bytes_searched > 100_000);
        assert_eq!(k.h.audit_faults(), Vec::<String>::new());
    });
}
