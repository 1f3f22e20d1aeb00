//! One harness: a register, users with grants, a clock, a real server on a real database.
//!
//! When a test ends, the harness verifies the whole log and that every record that was served stands in it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use andmekogu::app::password::Policy;
use andmekogu::app::retention::Keeping;
use andmekogu::app::tokens::{Lifetimes, NamedKey, Tokens};
use andmekogu::app::{App, LogKeys};
use andmekogu::clock::{Clock, ManualClock};
use andmekogu::config::registers::{Found, read_all, read_any};
use andmekogu::domain::access::grant::Basis;
use andmekogu::domain::identity::{Country, PersonalCode, Sex};
use andmekogu::domain::registers::Registers;
use andmekogu::domain::statute::Definition;
use andmekogu::store::acts::grants::NewGrant;
use andmekogu::store::{DatabaseUrl, Settings, Store};
use chrono::{DateTime, NaiveDate, TimeZone, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

pub mod city;
pub mod folder;
pub mod people;
pub mod smtp;
pub mod visitor;

pub const PASSWORD: &str = "maasikas ja piim";
pub const REGISTER: &str = "75025973-persona";

/// The databases that a scenario runs on: SQLite always, PostgreSQL wherever the suite was given one.
pub fn on_both_databases(scenario: impl Fn(Harness)) {
    scenario(Harness::start(Place::sqlite()));
    match Place::postgres() {
        Some(place) => scenario(Harness::start(place)),
        None => no_postgres(),
    }
}

/// Says aloud that PostgreSQL is missing; in CI that is a failure.
pub fn no_postgres() {
    eprintln!("NOT RUN on PostgreSQL: ANDMEKOGU_TEST_PG is not set; use scripts/test");
    assert!(std::env::var("CI").is_err(), "in CI the suite runs on PostgreSQL too");
}

/// Where a test's data are.
pub struct Place {
    pub url: DatabaseUrl,
    /// Kept as long as the test, then removed.
    pub _folder: tempfile::TempDir,
}

impl Place {
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::Sqlite(folder.path().join("test.sqlite").display().to_string());
        Self { url, _folder: folder }
    }

    pub fn postgres() -> Option<Self> {
        use diesel::connection::SimpleConnection;
        use diesel::prelude::*;
        let server = std::env::var("ANDMEKOGU_TEST_PG").ok()?;
        let name = format!("t{}", Uuid::now_v7().simple());
        let mut conn = PgConnection::establish(&format!("{server}/postgres")).expect("the test PostgreSQL answers");
        conn.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
        Some(Self { url: DatabaseUrl::Pg(format!("{server}/{name}")), _folder: tempfile::tempdir().unwrap() })
    }

    /// Runs SQL that the program itself never would: to inject faults and to look underneath.
    pub fn sql(&self, sql: &str) -> Result<(), String> {
        use diesel::connection::SimpleConnection;
        use diesel::prelude::*;
        match &self.url {
            DatabaseUrl::Pg(url) => PgConnection::establish(url).unwrap().batch_execute(sql).map_err(|e| e.to_string()),
            DatabaseUrl::Sqlite(path) => {
                let mut conn = SqliteConnection::establish(path).unwrap();
                conn.batch_execute("PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON").unwrap();
                conn.batch_execute(sql).map_err(|e| e.to_string())
            }
        }
    }

    /// One number from the database.
    pub fn count(&self, sql: &str) -> i64 {
        use diesel::prelude::*;
        use diesel::sql_types::BigInt;
        #[derive(QueryableByName)]
        struct Count {
            #[diesel(sql_type = BigInt)]
            n: i64,
        }
        let sql = format!("SELECT CAST(({sql}) AS BIGINT) AS n");
        match &self.url {
            DatabaseUrl::Pg(url) => {
                diesel::sql_query(sql).get_result::<Count>(&mut PgConnection::establish(url).unwrap()).unwrap().n
            }
            DatabaseUrl::Sqlite(path) => {
                diesel::sql_query(sql).get_result::<Count>(&mut SqliteConnection::establish(path).unwrap()).unwrap().n
            }
        }
    }
}

impl Place {
    /// One text from the database.
    pub fn text(&self, sql: &str) -> String {
        use diesel::prelude::*;
        use diesel::sql_types::Text;
        #[derive(QueryableByName)]
        struct One {
            #[diesel(sql_type = Text)]
            t: String,
        }
        let sql = format!("SELECT ({sql}) AS t");
        match &self.url {
            DatabaseUrl::Pg(url) => {
                diesel::sql_query(sql).get_result::<One>(&mut PgConnection::establish(url).unwrap()).unwrap().t
            }
            DatabaseUrl::Sqlite(path) => {
                diesel::sql_query(sql).get_result::<One>(&mut SqliteConnection::establish(path).unwrap()).unwrap().t
            }
        }
    }
}

/// The definitions in a folder, as the program itself reads them.
pub fn definitions(folder: &Path) -> Vec<Definition> {
    andmekogu::config::registers::read(folder).unwrap_or_else(|faults| {
        let list: Vec<String> = faults.iter().map(ToString::to_string).collect();
        panic!("the definitions have faults:\n{}", list.join("\n"))
    })
}

/// The two registers that most tests speak of. The others are shipped too: see [`every_register`].
pub fn shipped() -> Vec<Definition> {
    [REGISTER, city::EDUCATION].into_iter().flat_map(|name| named(name).definitions).collect()
}

/// One shipped register, in all its versions.
pub fn named(name: &str) -> Found {
    read_any(&Path::new("config/registers").join(name)).unwrap_or_else(|faults| panic!("{name}: {faults:#?}"))
}

/// Every register that is shipped, kept here or elsewhere.
pub fn every_register() -> Found {
    read_all(Path::new("config/registers")).unwrap_or_else(|faults| {
        let list: Vec<String> = faults.iter().map(ToString::to_string).collect();
        panic!("the definitions have faults:\n{}", list.join("\n"))
    })
}

pub struct Harness {
    pub place: Place,
    pub app: Arc<App>,
    pub clock: Arc<ManualClock>,
    pub address: SocketAddr,
    runtime: tokio::runtime::Runtime,
    server: Option<actix_web::dev::ServerHandle>,
    thread: Option<std::thread::JoinHandle<()>>,
    served: Arc<Mutex<BTreeMap<String, BTreeSet<String>>>>,
    pub users: Mutex<BTreeMap<String, Uuid>>,
    codes: Mutex<BTreeMap<String, String>>,
    check_at_end: bool,
}

impl Harness {
    pub fn start(place: Place) -> Self {
        Self::with(place, shipped())
    }

    /// With every text of the screens longer by two fifths: as long as a translation may come out.
    pub fn stretched(place: Place) -> Self {
        let mut harness = Self::start(place);
        harness.stop();
        let (address, server, thread) = serve(harness.app.clone(), true);
        (harness.address, harness.server, harness.thread) = (address, Some(server), Some(thread));
        harness
    }

    pub fn with(place: Place, definitions: Vec<Definition>) -> Self {
        Self::found(place, Found { definitions, ..Found::default() })
    }

    /// With registers that are only described, too.
    pub fn found(place: Place, found: Found) -> Self {
        andmekogu::store::migrate::migrate(&place.url).unwrap();
        let noon = Utc.with_ymd_and_hms(2026, 11, 20, 10, 0, 0).unwrap();
        let clock = Arc::new(ManualClock::at(noon));
        let mut app = open_found(&place.url, found, clock.clone());
        app.keeping = keeping(place._folder.path());
        app.log_keys.own = Some(place._folder.path().join("log-keys"));
        let app = Arc::new(app);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(app.load_definitions()).unwrap();
        let (address, server, thread) = serve(app.clone(), false);
        Self {
            place,
            app,
            clock,
            address,
            runtime,
            server: Some(server),
            thread: Some(thread),
            served: Arc::default(),
            users: Mutex::default(),
            codes: Mutex::default(),
            check_at_end: true,
        }
    }

    /// For tests that damage the log on purpose.
    pub fn without_final_check(mut self) -> Self {
        self.check_at_end = false;
        self
    }

    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    pub fn set_clock(&self, text: &str) {
        self.clock.set(text.parse::<DateTime<Utc>>().unwrap());
    }

    /// A user without rights.
    pub fn user(&self, name: &str) -> Uuid {
        let mut users = self.users.lock().unwrap();
        if let Some(id) = users.get(name) {
            return *id;
        }
        let serial = u16::try_from(users.len()).unwrap();
        let birth = NaiveDate::from_ymd_opt(1975, 3, 14).unwrap();
        let code = PersonalCode::fictitious_ee(birth, Sex::Female, serial).unwrap();
        self.codes.lock().unwrap().insert(name.to_owned(), code.as_str().to_owned());
        let code = Some((Country::Ee, code.as_str().to_owned()));
        let act = self.app.add_user(name.to_owned(), format!("Kasutaja {name}"), code, PASSWORD.to_owned());
        let id = self.block_on(act).unwrap();
        users.insert(name.to_owned(), id);
        id
    }

    /// The invented personal code of a user.
    pub fn personal_code(&self, name: &str) -> String {
        self.user(name);
        self.codes.lock().unwrap()[name].clone()
    }

    /// The people of the statute, each made by whom the statute names.
    pub fn staff(&self) {
        for role in ["controller", "supervisor", "it_manager", "municipal_secretary"] {
            let user_id = self.user(role);
            let until = (role == "supervisor").then(|| NaiveDate::from_ymd_opt(2027, 12, 31).unwrap());
            let new = NewGrant {
                user_id,
                role: role.to_owned(),
                institution_id: None,
                sections: None,
                from: NaiveDate::from_ymd_opt(2026, 1, 1).unwrap(),
                until,
                basis: Basis { kind: self.basis(role), reference: "käskkiri 1/2026".into() },
                task: None,
                application_id: None,
            };
            self.block_on(self.app.grant_as_installation(REGISTER, new)).unwrap();
        }
        self.grant("it_manager", "administrator", "administrator", json!({}));
        self.grant("administrator", "hr_clerk", "hr_clerk", json!({}));
    }

    fn basis(&self, role: &str) -> String {
        let register = self.app.register(REGISTER).unwrap();
        let role = register.definition.register.roles.iter().find(|r| r.name == role).unwrap();
        role.basis.first().map_or_else(|| "directive".to_owned(), |b| b.name.clone())
    }

    /// `by` grants `role` to `to` over HTTP; `more` adds to the body.
    pub fn grant(&self, by: &str, to: &str, role: &str, more: Value) -> Value {
        let answer = self.try_grant(by, to, role, more);
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.body
    }

    pub fn try_grant(&self, by: &str, to: &str, role: &str, more: Value) -> Answer {
        let user_id = self.user(to);
        let mut body = json!({
            "user_id": user_id, "role": role, "from": "2026-01-01",
            "basis": { "kind": self.basis(role), "reference": "ametijuhend 2/2026" },
        });
        let register = self.app.register(REGISTER).unwrap();
        if let Some(role) = register.definition.register.roles.iter().find(|r| r.name == role) {
            if role.needs_until {
                body["until"] = json!("2027-12-31");
            }
            if role.needs_task {
                body["task"] = json!("tarkvara hooldus");
            }
        }
        for (key, value) in more.as_object().unwrap() {
            body[key] = value.clone();
        }
        self.login(by).post(&format!("/registers/{REGISTER}/grants"), &body)
    }

    pub fn login(&self, name: &str) -> Client {
        let answer = self.nobody().post("/sessions", &json!({ "username": name, "password": PASSWORD }));
        assert_eq!(answer.status, 201, "{name} logs in: {}", answer.body);
        Client { token: answer.body["access_token"].as_str().map(str::to_owned), ..self.nobody() }
    }

    pub fn nobody(&self) -> Client {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .build()
            .into();
        Client {
            base: format!("http://{}/api/v1", self.address),
            agent,
            token: None,
            headers: Vec::new(),
            served: self.served.clone(),
        }
    }

    /// Stops the server and opens it again over the same data.
    pub fn restart(&mut self, definitions: Vec<Definition>) {
        self.stop();
        let app = Arc::new(open(&self.place.url, definitions, self.clock.clone()));
        self.runtime.block_on(app.load_definitions()).unwrap();
        let (address, server, thread) = serve(app.clone(), false);
        (self.app, self.address, self.server, self.thread) = (app, address, Some(server), Some(thread));
    }

    /// Stops the server and opens it again over the same data, with packages made and kept elsewhere.
    pub fn keep(&mut self, definitions: Vec<Definition>, keeping: Keeping) {
        self.stop();
        let mut app = open(&self.place.url, definitions, self.clock.clone());
        app.keeping = keeping;
        let app = Arc::new(app);
        self.runtime.block_on(app.load_definitions()).unwrap();
        let (address, server, thread) = serve(app.clone(), false);
        (self.app, self.address, self.server, self.thread) = (app, address, Some(server), Some(thread));
    }

    fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            self.runtime.block_on(server.stop(true));
        }
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }

    /// The log as an outsider gets it, line by line.
    pub fn export(&self, register: &str) -> Vec<Value> {
        self.integrated();
        let mut out = Vec::new();
        andmekogu::store::verify::export(&self.place.url, register, 0, None, &mut out, &|_| {}).unwrap();
        String::from_utf8(out).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect()
    }

    /// Waits until everything recorded has its place in the tree (on SQLite it has at once).
    pub fn integrated(&self) {
        for _ in 0..600 {
            if self.place.count("SELECT COUNT(*) FROM audit_queue") == 0 {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("events have waited for their place in the tree for thirty seconds");
    }

    /// Every fault that a full audit finds.
    pub fn audit_faults(&self) -> Vec<String> {
        self.integrated();
        let verifier = |register: &str| self.app.log_keys.verifier(register);
        let reports = andmekogu::store::verify::verify(&self.place.url, None, &verifier, 2, &|_| {}).unwrap();
        reports.into_iter().flat_map(|r| r.faults).collect()
    }
}

impl Drop for Harness {
    fn drop(&mut self) {
        if std::thread::panicking() || !self.check_at_end {
            self.stop();
            return;
        }
        let faults = self.audit_faults();
        let served = self.served.lock().unwrap().clone();
        let mut logged: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let names: Vec<String> = self.app.store.registers().names().map(str::to_owned).collect();
        for register in names.iter().map(String::as_str).chain(["installation"]) {
            for line in self.export(register) {
                let event = &line["event"];
                let ids = event["record_ids"].as_array().cloned().unwrap_or_default();
                let request = event["request_id"].as_str().unwrap_or_default().to_owned();
                logged.entry(request).or_default().extend(ids.iter().filter_map(|i| i.as_str().map(str::to_owned)));
            }
        }
        self.stop();
        assert!(faults.is_empty(), "after the test the log has faults: {faults:#?}");
        for (request, records) in served {
            let known = logged.get(&request).cloned().unwrap_or_default();
            // What was erased took the words of the log about it along.
            let is_erased =
                |id: &&String| self.place.count(&format!("SELECT COUNT(*) FROM erasure WHERE record_id = '{id}'")) > 0;
            let missing: Vec<_> = records.difference(&known).filter(|id| !is_erased(id)).collect();
            assert!(missing.is_empty(), "request {request} served records that the log does not name: {missing:?}");
        }
    }
}

/// Opens an app over a migrated database, as the program does but with cheap passwords and fixed keys.
pub fn open(url: &DatabaseUrl, definitions: Vec<Definition>, clock: Arc<dyn Clock>) -> App {
    open_found(url, Found { definitions, ..Found::default() }, clock)
}

fn open_found(url: &DatabaseUrl, found: Found, clock: Arc<dyn Clock>) -> App {
    // With RUST_LOG set, the server's own log shows why it answers 500.
    drop(env_logger::builder().is_test(true).try_init());
    let registers = Registers::new(found.definitions).unwrap_or_else(|f| panic!("{}", f.join("\n")));
    let registers = registers.with_descriptions(found.descriptions);
    let settings = Settings { url: url.clone(), readers: 4, writers: 4, queue: 2_000 };
    let store = Arc::new(Store::open(&settings, registers, clock).unwrap());
    let lifetimes = Lifetimes { access: Duration::from_secs(300), refresh: Duration::from_secs(28_800) };
    let keys = [NamedKey { kid: "test".into(), seed: [7; 32] }];
    App {
        store,
        tokens: Tokens::new(&keys, [9; 32], lifetimes).unwrap(),
        log_keys: LogKeys { domain: "log.example".into(), seed: [5; 32], own: None },
        passwords: Policy { shortest: 12, memory_kib: 64, passes: 1 },
        largest_file: 1 << 20,
        hashing: tokio::sync::Semaphore::new(2),
        facts: Default::default(),
        trials: Default::default(),
        keeping: Default::default(),
        backup: Default::default(),
    }
}

/// Where packages are made and kept in a test.
fn keeping(folder: &Path) -> Keeping {
    let place = andmekogu::archive::storage::Place::Folder(folder.join("archive"));
    Keeping {
        work: Some(folder.join("packages")),
        storage: Some(andmekogu::archive::storage::Storage::open(&place).unwrap()),
        ..Keeping::default()
    }
}

fn serve(app: Arc<App>, stretched: bool) -> (SocketAddr, actix_web::dev::ServerHandle, std::thread::JoinHandle<()>) {
    let (sender, receiver) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let settings = andmekogu::web::Settings {
                listen: ([127, 0, 0, 1], 0).into(),
                workers: 2,
                body_limit: 2 << 20,
                file_limit: 1 << 20,
                metrics_public: true,
                shutdown_seconds: 5,
                secure: false,
                public_url: None,
                demo: false,
                stretched,
            };
            let (server, address) = andmekogu::web::bind(app, settings).unwrap();
            sender.send((address, server.handle())).unwrap();
            server.await.unwrap();
        });
    });
    let (address, handle) = receiver.recv().unwrap();
    (address, handle, thread)
}

/// Somebody who speaks to the server.
#[derive(Clone)]
pub struct Client {
    pub base: String,
    pub agent: ureq::Agent,
    pub token: Option<String>,
    pub headers: Vec<(String, String)>,
    served: Arc<Mutex<BTreeMap<String, BTreeSet<String>>>>,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: Value,
    pub text: String,
}

impl Answer {
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    pub fn id(&self) -> String {
        self.body["id"].as_str().unwrap_or_else(|| panic!("no id in {}", self.text)).to_owned()
    }

    /// Codes of the faults by pointer.
    pub fn faults(&self) -> Vec<(String, String)> {
        let list = self.body["errors"].as_array().cloned().unwrap_or_default();
        list.iter()
            .map(|e| (e["pointer"].as_str().unwrap().to_owned(), e["code"].as_str().unwrap().to_owned()))
            .collect()
    }

    pub fn has_fault(&self, pointer: &str, code: &str) -> bool {
        self.faults().contains(&(pointer.to_owned(), code.to_owned()))
    }
}

impl Client {
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut next = self.clone();
        next.headers.push((name.to_owned(), value.to_owned()));
        next
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None, "application/json")
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, Some(body.to_string().into_bytes()), "application/json")
    }

    pub fn patch(&self, path: &str, version: i64, body: &Value) -> Answer {
        self.with("If-Match", &format!("\"{version}\"")).send(
            "PATCH",
            path,
            Some(body.to_string().into_bytes()),
            "application/json",
        )
    }

    pub fn send(&self, method: &str, path: &str, body: Option<Vec<u8>>, media: &str) -> Answer {
        let url = if path.starts_with("/api/")
            || path.starts_with("/healthz")
            || path.starts_with("/readyz")
            || path.starts_with("/metrics")
        {
            format!("{}{path}", self.base.trim_end_matches("/api/v1"))
        } else {
            format!("{}{path}", self.base)
        };
        let request_id = Uuid::now_v7().simple().to_string();
        let mut request = ureq::http::Request::builder().method(method).uri(&url).header("X-Request-Id", &request_id);
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let result = match body {
            Some(bytes) => self.agent.run(request.header("Content-Type", media).body(bytes).unwrap()),
            None => self.agent.run(request.body(()).unwrap()),
        };
        let mut response = result.unwrap_or_else(|e| panic!("{method} {path}: {e}"));
        let headers = response
            .headers()
            .iter()
            .map(|(k, v)| (k.as_str().to_owned(), String::from_utf8_lossy(v.as_bytes()).into_owned()))
            .collect();
        let bytes = response.body_mut().with_config().limit(1 << 28).read_to_vec().unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let body: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        let status = response.status().as_u16();
        if status < 300 {
            let mut ids = BTreeSet::new();
            records_in(&body, &mut ids);
            if !ids.is_empty() {
                self.served.lock().unwrap().entry(request_id).or_default().extend(ids);
            }
        }
        Answer { status, headers, body, text }
    }
}

/// Ids of whatever looks like a record in an answer.
fn records_in(value: &Value, ids: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            if map.contains_key("type") && map.contains_key("redacted") && map.contains_key("version") {
                ids.extend(map.get("id").and_then(Value::as_str).map(str::to_owned));
            }
            map.values().for_each(|v| records_in(v, ids));
        }
        Value::Array(list) => list.iter().for_each(|v| records_in(v, ids)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
