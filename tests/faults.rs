//! Injected faults: the log fails, the process is killed, the database is held by another.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::people::{School, code};
use crate::harness::{Place, REGISTER, on_both_databases};

/// Makes every insert into the log fail, as a full disk or a lost table would.
pub fn break_the_log(place: &Place) {
    let sql = if place.url.is_sqlite() {
        "CREATE TRIGGER broken BEFORE INSERT ON audit_event BEGIN SELECT RAISE(ABORT, 'injected'); END".to_owned()
    } else {
        "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'injected'; END $$; \
         CREATE TRIGGER broken BEFORE INSERT ON audit_event FOR EACH ROW EXECUTE FUNCTION broken()"
            .to_owned()
    };
    place.sql(&sql).unwrap();
}

pub fn mend_the_log(place: &Place) {
    let on = if place.url.is_sqlite() { "" } else { " ON audit_event" };
    place.sql(&format!("DROP TRIGGER broken{on}")).unwrap();
}

#[test]
fn when_the_log_cannot_be_written_nothing_is_done_and_nothing_is_shown() {
    on_both_databases(|h| {
        let s = School::open(h);
        let supervisor = s.h.login("supervisor");
        let foreign = s.h.login("it_manager");
        let (records, entries) =
            (s.h.place.count("SELECT COUNT(*) FROM record"), s.h.place.count("SELECT COUNT(*) FROM entry"));
        break_the_log(&s.h.place);
        let list = format!("/registers/{REGISTER}/records/employee");
        let body = s.office.employee("Kask", &code(1990, 1));
        let change = json!({ "effective_on": "2026-11-01", "base_document_ids": [s.office.document],
                             "data": { "load_on_post": "0.90" } });
        let answers = [
            ("read", s.clerk.get(&s.path())),
            ("list", s.clerk.get(&list)),
            ("history", s.clerk.get(&format!("{}/entries", s.path()))),
            ("create", s.clerk.post(&list, &body)),
            ("change", s.clerk.patch(&s.path(), 1, &change)),
            ("audit", supervisor.get(&format!("/registers/{REGISTER}/audit"))),
            ("denial", foreign.get(&list)),
            (
                "login",
                s.h.nobody().post("/sessions", &json!({ "username": "hr_clerk", "password": "vale parool on see" })),
            ),
        ];
        for (what, answer) in answers {
            assert_eq!(answer.status, 503, "{what}: {}", answer.text);
            assert!(!answer.text.contains("Tamm") && !answer.text.contains("injected"), "{what}: {}", answer.text);
        }
        mend_the_log(&s.h.place);
        assert_eq!(s.h.place.count("SELECT COUNT(*) FROM record"), records);
        assert_eq!(s.h.place.count("SELECT COUNT(*) FROM entry"), entries);
        assert_eq!(s.clerk.get(&s.path()).expect(200).body["version"], 1, "and it goes on by itself");
    });
}

#[test]
fn a_failing_act_does_not_take_its_neighbours_with_it() {
    on_both_databases(|h| {
        let s = School::open(h);
        let path = format!("/registers/{REGISTER}/records/employee");
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..16_u16)
                .map(|n| {
                    let mut body = s.office.employee("Kask", &code(1990, n));
                    if n % 4 == 0 {
                        body["data"]["post"] = json!("0192e4a0-0000-7000-8000-000000000000");
                    }
                    let (clerk, path) = (s.clerk.clone(), path.clone());
                    scope.spawn(move || clerk.post(&path, &body).status)
                })
                .collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        for (n, status) in statuses.into_iter().enumerate() {
            assert_eq!(status, if n % 4 == 0 { 422 } else { 201 }, "{n}");
        }
    });
}

#[test]
fn of_many_who_change_one_record_at_once_one_wins_and_the_others_are_told() {
    on_both_databases(|h| {
        let s = School::open(h);
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|n| {
                    let change = json!({ "effective_on": "2026-11-01", "base_document_ids": [s.office.document],
                                         "data": { "load_on_post": format!("0.{}0", n + 1) } });
                    let (clerk, path) = (s.clerk.clone(), s.path());
                    scope.spawn(move || clerk.patch(&path, 1, &change).status)
                })
                .collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        assert_eq!(statuses.iter().filter(|s| **s == 200).count(), 1, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|s| **s == 412).count(), 7, "{statuses:?}");
    });
}

#[test]
fn of_many_who_enter_the_same_person_at_once_one_wins() {
    on_both_databases(|h| {
        let s = School::open(h);
        let path = format!("/registers/{REGISTER}/records/employee");
        let body = s.office.employee("Kask", &code(1990, 1));
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| {
                    let (clerk, path, body) = (s.clerk.clone(), path.clone(), body.clone());
                    scope.spawn(move || clerk.post(&path, &body).status)
                })
                .collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        assert_eq!(statuses.iter().filter(|s| **s == 201).count(), 1, "{statuses:?}");
        assert!(statuses.iter().all(|s| [201, 409, 422].contains(s)), "{statuses:?}");
    });
}

/// The program itself, as a process that can be killed.
pub struct Program {
    child: Child,
    pub address: String,
}

impl Program {
    pub fn start(folder: &std::path::Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_andmekogu"))
            .args(["serve", "--demo"])
            .env("ANDMEKOGU_DATA_DIR", folder)
            .env("ANDMEKOGU_LISTEN", "127.0.0.1:0")
            .env_remove("ANDMEKOGU_DATABASE_URL")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if let Some(at) = line.find("http://127.0.0.1:") {
                    let address = line[at..].split([' ', '/', ',']).take(3).collect::<Vec<_>>().join("/");
                    if sender.send(address).is_err() {
                        return;
                    }
                }
            }
        });
        let address = receiver.recv_timeout(Duration::from_secs(120)).expect("the program says where it listens");
        Self { child, address }
    }

    pub fn kill(mut self) {
        // SIGKILL: nothing is finished, nothing is flushed.
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// A client that waits for half a minute.
pub fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(30)))
        .build()
        .into()
}

pub fn call(
    agent: &ureq::Agent,
    method: &str,
    url: &str,
    token: Option<&str>,
    body: Option<&Value>,
) -> Option<(u16, Value)> {
    let mut request = ureq::http::Request::builder().method(method).uri(url);
    if let Some(token) = token {
        request = request.header("Authorization", format!("Bearer {token}"));
    }
    let result = match body {
        Some(body) => agent.run(request.header("Content-Type", "application/json").body(body.to_string()).unwrap()),
        None => agent.run(request.body(()).unwrap()),
    };
    let mut response = result.ok()?;
    let text = response.body_mut().read_to_string().ok()?;
    Some((response.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::Null)))
}

/// The program is killed under a load of 64 callers, 20 times; whatever it had acknowledged is there afterwards, with
/// its entry in the log, and the tree verifies.
#[test]
fn what_was_acknowledged_survives_being_killed() {
    let folder = tempfile::tempdir().unwrap();
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(30)))
        .max_idle_connections(128)
        .max_idle_connections_per_host(128)
        .build()
        .into();
    let acknowledged: Arc<Mutex<Vec<String>>> = Arc::default();
    let mut program = Program::start(folder.path());
    for round in 0..20_u32 {
        let base = format!("{}/api/v1", program.address);
        let login = json!({ "username": "hr_clerk", "password": "andmekogu-demo" });
        let (status, session) = call(&agent, "POST", &format!("{base}/sessions"), None, Some(&login)).unwrap();
        assert_eq!(status, 201, "{session}");
        let token = session["access_token"].as_str().unwrap().to_owned();
        let post = |path: &str, body: &Value| call(&agent, "POST", &format!("{base}{path}"), Some(&token), Some(body));
        let document = json!({ "kind": "contract", "number": format!("{round}"), "date": "2024-01-01" });
        let (_, document) = post(&format!("/registers/{REGISTER}/base-documents"), &document).unwrap();
        let (_, posts) =
            call(&agent, "GET", &format!("{base}/registers/{REGISTER}/records/post"), Some(&token), None).unwrap();
        let place = &posts["items"][0];
        let stop = AtomicBool::new(false);
        let started = Instant::now();
        std::thread::scope(|scope| {
            for n in 0..64_u32 {
                let (agent, base, token, stop) = (agent.clone(), base.clone(), token.clone(), &stop);
                let (acknowledged, document, place) = (acknowledged.clone(), document.clone(), place.clone());
                scope.spawn(move || {
                    for k in 0..u32::MAX {
                        if stop.load(Ordering::SeqCst) {
                            return;
                        }
                        let index = (round * 64 + n) * 200 + k % 200;
                        let year = i32::try_from(1950 + index / 999 % 55).unwrap();
                        let day = i64::from(index / (999 * 55));
                        let code = person(year, day, u16::try_from(index % 999).unwrap());
                        let mut body = json!({ "institution_id": place["institution_id"], "effective_on": "2024-09-01",
                            "base_document_ids": [document["id"]],
                            "data": crate::harness::people::employee("", "Kill", "Koormus", &code) });
                        body["data"]["post"] = place["id"].clone();
                        let url = format!("{base}/registers/{REGISTER}/records/employee");
                        match call(&agent, "POST", &url, Some(&token), Some(&body)) {
                            Some((201, record)) => {
                                acknowledged.lock().unwrap().push(record["id"].as_str().unwrap().to_owned());
                            }
                            Some((status, body)) => assert!([409, 422, 503].contains(&status), "{status} {body}"),
                            None => return,
                        }
                    }
                });
            }
            // A different moment of the program's life each time, on a slow machine too: once so many have been
            // acknowledged, and then a little more.
            let enough = acknowledged.lock().unwrap().len() + 10 + usize::try_from(round * 7 % 40).unwrap();
            while acknowledged.lock().unwrap().len() < enough && started.elapsed() < Duration::from_secs(100) {
                std::thread::sleep(Duration::from_millis(5));
            }
            std::thread::sleep(Duration::from_millis(u64::from(round * 37 % 200)));
            let before = std::mem::replace(
                &mut program,
                Program { child: Command::new("true").spawn().unwrap(), address: String::new() },
            );
            before.kill();
            stop.store(true, Ordering::SeqCst);
        });
        assert!(started.elapsed() < Duration::from_secs(120));
        program.kill();
        program = Program::start(folder.path());
    }
    program.kill();
    let database = Place {
        url: andmekogu::store::DatabaseUrl::Sqlite(sqlite_in(folder.path())),
        _folder: tempfile::tempdir().unwrap(),
    };
    let acknowledged = acknowledged.lock().unwrap();
    assert!(acknowledged.len() > 400, "the load was a load: {}", acknowledged.len());
    for chunk in acknowledged.chunks(200) {
        let ids: Vec<String> = chunk.iter().map(|id| format!("'{id}'")).collect();
        let found = database.count(&format!(
            "SELECT COUNT(*) FROM record r JOIN entry e ON e.register = r.register AND e.record_id = r.id \
             JOIN audit_event a ON a.register = e.register AND a.id = e.audit_id \
             JOIN audit_leaf l ON l.register = a.register AND l.event_id = a.id \
             JOIN record_state s ON s.register = r.register AND s.record_id = r.id WHERE r.id IN ({})",
            ids.join(",")
        ));
        assert_eq!(usize::try_from(found).unwrap(), chunk.len(), "every acknowledged entry with its place in the log");
    }
    let verified = Command::new(env!("CARGO_BIN_EXE_andmekogu"))
        .args(["audit", "verify"])
        .env("ANDMEKOGU_DATA_DIR", folder.path())
        .env("ANDMEKOGU_DATABASE_URL", sqlite_in(folder.path()))
        .output()
        .unwrap();
    assert!(
        verified.status.success(),
        "{}{}",
        String::from_utf8_lossy(&verified.stdout),
        String::from_utf8_lossy(&verified.stderr)
    );
    eprintln!("killed 20 times, {} acknowledged, none lost", acknowledged.len());
}

fn person(year: i32, day: i64, serial: u16) -> String {
    use andmekogu::domain::identity::{PersonalCode, Sex};
    let birth = chrono::NaiveDate::from_ymd_opt(year, 1, 1).unwrap() + chrono::Duration::days(day);
    PersonalCode::fictitious_ee(birth, Sex::Male, serial).unwrap().as_str().to_owned()
}

/// The database file that the program made somewhere in its data folder.
pub fn sqlite_in(folder: &std::path::Path) -> String {
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for item in std::fs::read_dir(next).unwrap().flatten() {
            let path = item.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "sqlite" || e == "db" || e == "sqlite3") {
                return path.display().to_string();
            }
        }
    }
    panic!("no database in {}", folder.display());
}

/// Killed while data leave: whatever reached a recipient stands in the ledger, with the digest of exactly that.
#[test]
fn a_killed_release_leaves_a_ledger_that_says_more_and_never_less() {
    use sha2::{Digest as _, Sha256};
    let folder = tempfile::tempdir().unwrap();
    let agent = agent();
    let received: Arc<Mutex<Vec<String>>> = Arc::default();
    for round in 0..5_u64 {
        let program = Program::start(folder.path());
        let base = format!("{}/api/v1", program.address);
        let login = json!({ "username": "administrator", "password": "andmekogu-demo" });
        let (status, session) = call(&agent, "POST", &format!("{base}/sessions"), None, Some(&login)).unwrap();
        assert_eq!(status, 201, "{session}");
        let token = session["access_token"].as_str().unwrap().to_owned();
        let requests = format!("{base}/registers/{REGISTER}/disclosure-requests");
        let asked = json!({ "requester": { "name": "Näidisamet", "kind": "authority", "contact": "Tänav 1" },
            "object": "Õpetajad", "record_type": "employee", "fields": ["last_name", "load_on_post"],
            "filter": {}, "purpose": "järelevalve", "legal_basis": "seaduse § 1" });
        let (status, request) = call(&agent, "POST", &requests, Some(&token), Some(&asked)).unwrap();
        assert_eq!(status, 201, "{request}");
        let at = format!("{requests}/{}", request["id"].as_str().unwrap());
        let decision = json!({ "outcome": "granted", "ground": "public_task", "act": "seaduse § 1",
            "explanation": "ülesanne on seaduses" });
        let (status, decided) = call(&agent, "POST", &format!("{at}/decision"), Some(&token), Some(&decision)).unwrap();
        assert_eq!(status, 200, "{decided}");
        let enough = received.lock().unwrap().len() + 4;
        let started = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                let (agent, at, token, received) = (agent.clone(), at.clone(), token.clone(), received.clone());
                scope.spawn(move || {
                    loop {
                        let request = ureq::http::Request::builder()
                            .method("POST")
                            .uri(format!("{at}/release?format=csv"))
                            .header("Authorization", format!("Bearer {token}"));
                        let Ok(mut response) = agent.run(request.body(()).unwrap()) else { return };
                        let Ok(bytes) = response.body_mut().read_to_vec() else { return };
                        if response.status().as_u16() == 200 {
                            let digest = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
                            received.lock().unwrap().push(digest);
                        }
                    }
                });
            }
            while received.lock().unwrap().len() < enough && started.elapsed() < Duration::from_secs(60) {
                std::thread::sleep(Duration::from_millis(5));
            }
            std::thread::sleep(Duration::from_millis(round * 31));
            program.kill();
        });
    }
    let database = Place {
        url: andmekogu::store::DatabaseUrl::Sqlite(sqlite_in(folder.path())),
        _folder: tempfile::tempdir().unwrap(),
    };
    let received = received.lock().unwrap();
    assert!(received.len() >= 20, "data left: {}", received.len());
    let distinct: std::collections::BTreeSet<&String> = received.iter().collect();
    let listed: Vec<String> = distinct.iter().map(|d| format!("'{d}'")).collect();
    let known = format!("SELECT COUNT(DISTINCT digest) FROM disclosure WHERE digest IN ({})", listed.join(","));
    assert_eq!(usize::try_from(database.count(&known)).unwrap(), distinct.len(), "each stands in the ledger");
    let rows = usize::try_from(database.count("SELECT COUNT(*) FROM disclosure")).unwrap();
    assert!(rows >= received.len(), "the ledger says at least as much as was sent: {rows}");
}
