//! The load tool: how fast the whole program is over HTTP, on either database, at any number of records.
//!
//! ```sh
//! cargo bench --bench load -- --records 10000
//! cargo bench --bench load -- --records 1000000 --keep /tmp/million.sqlite
//! cargo bench --bench load -- --records 10000 --database postgres://user@127.0.0.1/empty_database
//! ```
//!
//! It fills a database with employees through the real acts, then lets callers with a token create, read and list over
//! HTTP, and prints rates, medians and 99th percentiles. The callers share the machine's cores with the server.
//!
//! `--only pages` measures the screens: sixteen users, each logged in with a browser's session, who open a page every half
//! second: desk, list, record card, the log.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use andmekogu::app::password::Policy;
use andmekogu::app::tokens::{Lifetimes, NamedKey, Tokens};
use andmekogu::app::{ActContext, App, LogKeys};
use andmekogu::clock::{Clock as _, SystemClock};
use andmekogu::domain::access::grant::Basis;
use andmekogu::domain::access::{Action, Object, Question};
use andmekogu::domain::identity::{PersonalCode, Sex};
use andmekogu::domain::record::index::Status;
use andmekogu::domain::registers::Registers;
use andmekogu::store::acts::documents::DocumentData;
use andmekogu::store::acts::grants::NewGrant;
use andmekogu::store::acts::records::NewRecord;
use andmekogu::store::{DatabaseUrl, Settings, Store};
use chrono::NaiveDate;
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use uuid::Uuid;

const REGISTER: &str = "75025973-persona";
const PASSWORD: &str = "koormusproovi parool";

#[derive(Clone)]
struct Options {
    records: u64,
    callers: usize,
    seconds: u64,
    database: Option<String>,
    keep: Option<String>,
    purpose: Vec<String>,
}

fn options() -> Options {
    let mut options =
        Options { records: 10_000, callers: 64, seconds: 10, database: None, keep: None, purpose: Vec::new() };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let mut value = || arguments.next().unwrap_or_else(|| panic!("{name} needs a value"));
        match name.as_str() {
            "--records" => options.records = value().parse().expect("a number of records"),
            "--callers" => options.callers = value().parse().expect("a number of callers"),
            "--seconds" => options.seconds = value().parse().expect("a number of seconds"),
            "--database" => options.database = Some(value()),
            "--keep" => options.keep = Some(value()),
            "--only" => options.purpose = value().split(',').map(str::to_owned).collect(),
            "--bench" => {}
            other => panic!("unknown option {other}"),
        }
    }
    options
}

fn main() {
    let options = options();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = match (&options.database, &options.keep) {
        (Some(database), _) => DatabaseUrl::parse(database),
        (None, Some(file)) => DatabaseUrl::parse(file),
        (None, None) => DatabaseUrl::Sqlite(folder.path().join("load.sqlite").display().to_string()),
    };
    andmekogu::store::migrate::migrate(&url).expect("migrations");
    let app = Arc::new(open(&url));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let place = runtime.block_on(prepare(&app));
    let there = runtime.block_on(fill(&app, &place, options.records));
    let (address, stop) = serve(app.clone());
    let token = login(address);
    println!(
        "{} · {} records · {} callers · {} s a measurement · {} cores",
        if url.is_sqlite() { "SQLite" } else { "PostgreSQL" },
        options.records,
        options.callers,
        options.seconds,
        std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
    );
    let wanted = |name: &str| options.purpose.is_empty() || options.purpose.iter().any(|p| p == name);
    let run = |callers: usize, name: &str, request: &(dyn Fn(u64) -> Vec<u8> + Sync)| {
        if wanted(name) {
            report(name, &measure(address, callers, options.seconds, request));
        }
    };
    let read = |n: u64| get(&format!("/api/v1/registers/{REGISTER}/records/employee/{}", pick(&there, n)), &token);
    run(1, "open-alone", &read);
    let list = |n: u64| {
        let path = format!(
            "/api/v1/registers/{REGISTER}/records/employee?institution_id={}&q={}&limit=50",
            place.institutions[usize::try_from(n).unwrap_or(0) % place.institutions.len()],
            PREFIXES[usize::try_from(n).unwrap_or(0) % PREFIXES.len()],
        );
        get(&path, &token)
    };
    run(1, "list-alone", &list);
    run(options.callers, "reads", &read);
    run(options.callers, "lists", &list);
    let made = AtomicU64::new(options.records + 1);
    let create = |_: u64| {
        let n = made.fetch_add(1, Ordering::SeqCst);
        let new = employee(&place, n);
        let body = json!({ "institution_id": new.institution_id, "effective_on": new.effective_on,
                           "base_document_ids": new.base_document_ids, "data": new.data });
        post(&format!("/api/v1/registers/{REGISTER}/records/employee"), &token, &body.to_string())
    };
    run(options.callers, "creates", &create);
    if wanted("pages") {
        pages(address, options.seconds, &place, &there);
    }
    if wanted("authorise") {
        authorise(&app);
    }
    println!("memory        {:>9.0} MB resident, callers included", resident_mb());
    stop();
    if wanted("verify") {
        verify(&url, &app);
    }
}

const PREFIXES: [&str; 8] = ["ta", "ka", "m%C3%A4", "%C3%B5u", "le", "sa", "ra", "ku"];
const LAST: [&str; 24] = [
    "Tamm", "Kask", "Mägi", "Õunapuu", "Lepik", "Saar", "Rand", "Kuusk", "Pärn", "Tammsaar", "Kaasik", "Mänd", "Õun",
    "Lepp", "Sarapuu", "Rebane", "Kukk", "Põld", "Talvik", "Karu", "Männik", "Laas", "Sepp", "Raud",
];
const FIRST: [&str; 12] =
    ["Mari", "Jaan", "Kadri", "Mart", "Liis", "Tõnu", "Anu", "Peeter", "Triin", "Rein", "Piret", "Andres"];

struct Place {
    clerk: Uuid,
    institutions: Vec<Uuid>,
    posts: Vec<Uuid>,
    document: Uuid,
}

fn open(url: &DatabaseUrl) -> App {
    let definitions = andmekogu::config::registers::read(std::path::Path::new("config/registers"))
        .unwrap_or_else(|f| panic!("{f:?}"));
    let registers = Registers::new(definitions).unwrap_or_else(|f| panic!("{}", f.join("\n")));
    let settings = Settings { url: url.clone(), readers: 8, writers: 8, queue: 4_096 };
    let store = Store::open(&settings, registers, Arc::new(SystemClock)).expect("the database opens");
    let lifetimes = Lifetimes { access: Duration::from_secs(86_400), refresh: Duration::from_secs(86_400) };
    App {
        store: Arc::new(store),
        tokens: Tokens::new(&[NamedKey { kid: "load".into(), seed: [1; 32] }], [2; 32], lifetimes).expect("keys"),
        log_keys: LogKeys { domain: "load.example".into(), seed: [3; 32], own: None },
        passwords: Policy { shortest: 12, memory_kib: 64, passes: 1 },
        largest_file: 1 << 20,
        hashing: tokio::sync::Semaphore::new(2),
        facts: Default::default(),
        trials: Default::default(),
        keeping: Default::default(),
        backup: Default::default(),
    }
}

async fn grant(app: &App, by: Option<Uuid>, user_id: Uuid, role: &str, basis: &str) {
    let new = NewGrant {
        user_id,
        role: role.into(),
        institution_id: None,
        sections: None,
        from: NaiveDate::from_ymd_opt(2020, 1, 1).unwrap_or_default(),
        // Who supervises does so for a time (§ 22 lg 1).
        until: (role == "supervisor").then(|| SystemClock.now().date_naive() + chrono::Days::new(300)),
        basis: Basis { kind: basis.into(), reference: "koormusproov".into() },
        task: None,
        application_id: None,
    };
    match by {
        None => app.grant_as_installation(REGISTER, new).await.map(|_| ()),
        Some(by) => app.issue_grant(ActContext::user(by), REGISTER.into(), new).await.map(|_| ()),
    }
    .unwrap_or_else(|e| panic!("{role}: {e:?}"));
}

async fn prepare(app: &Arc<App>) -> Place {
    app.load_definitions().await.expect("definitions");
    let clerk = match app.user_named("clerk").await {
        Ok(id) => id,
        Err(_) => {
            let register = app.register(REGISTER).expect("the register");
            let basis = |role: &str| {
                let role = register.definition.register.roles.iter().find(|r| r.name == role);
                role.and_then(|r| r.basis.first()).map_or("directive".to_owned(), |b| b.name.clone())
            };
            let mut users = Vec::new();
            for name in ["manager", "admin", "clerk", "watcher"] {
                let added = app.add_user(name.into(), name.into(), None, PASSWORD.into()).await;
                users.push(added.unwrap_or_else(|e| panic!("{e:?}")));
            }
            grant(app, None, users[0], "it_manager", &basis("it_manager")).await;
            grant(app, Some(users[0]), users[1], "administrator", &basis("administrator")).await;
            grant(app, Some(users[1]), users[2], "hr_clerk", &basis("hr_clerk")).await;
            grant(app, Some(users[1]), users[3], "supervisor", &basis("supervisor")).await;
            users[2]
        }
    };
    let cx = || ActContext::user(clerk);
    let data =
        DocumentData { kind: "contract".into(), date: NaiveDate::from_ymd_opt(2020, 1, 1), ..DocumentData::default() };
    let document = app.add_document(cx(), REGISTER.into(), data, None).await.expect("a document").get().id;
    let day = NaiveDate::from_ymd_opt(2020, 1, 1).unwrap_or_default();
    let run = Uuid::now_v7().simple().to_string();
    let (mut institutions, mut posts) = (Vec::new(), Vec::new());
    for n in 0..20 {
        let create = async |record_type: &str, institution_id: Option<Uuid>, data: Value| {
            let new = NewRecord {
                record_type: record_type.into(),
                institution_id,
                effective_on: day,
                base_document_ids: vec![document],
                data,
            };
            app.create_record(cx(), REGISTER.into(), new).await.unwrap_or_else(|e| panic!("{e:?}")).get().id
        };
        let name = format!("Kool {n} {run}");
        let data = json!({ "institution_name": name, "institution_kind": "general_school",
                           "lifecycle_events": [{ "kind": "founded", "date": "2020-01-01" }] });
        let institution = create("institution", None, data).await;
        let data = json!({ "unit_name": "Osakond", "lifecycle_events": [{ "kind": "created", "date": "2020-01-01" }] });
        let unit = create("unit", Some(institution), data).await;
        let data =
            json!({ "unit": unit, "post_title": "õpetaja", "created_on": "2020-01-01", "prescribed_load": "1.00" });
        posts.push(create("post", Some(institution), data).await);
        institutions.push(institution);
    }
    Place { clerk, institutions, posts, document }
}

/// The n-th employee: another person for each n, up to some thirty million.
fn employee(place: &Place, n: u64) -> NewRecord {
    let serial = u16::try_from(n % 999).unwrap_or(0);
    let birth = NaiveDate::from_ymd_opt(1950, 1, 1).unwrap_or_default()
        + chrono::Duration::days(i64::try_from(n / 999 % 20_000).unwrap_or(0));
    let sex = if (n / 999 / 20_000).is_multiple_of(2) { Sex::Female } else { Sex::Male };
    let code = PersonalCode::fictitious_ee(birth, sex, serial).map(|c| c.as_str().to_owned()).unwrap_or_default();
    let at = usize::try_from(n).unwrap_or(0);
    let which = at % place.posts.len();
    NewRecord {
        record_type: "employee".into(),
        institution_id: place.institutions.get(which).copied(),
        effective_on: NaiveDate::from_ymd_opt(2024, 9, 1).unwrap_or_default(),
        base_document_ids: vec![place.document],
        data: json!({
            "first_name": FIRST[at / 24 % FIRST.len()], "last_name": LAST[(at / 7) % LAST.len()],
            "personal_code": code, "citizenship": ["EST"], "post": place.posts[which],
            "employment_type": "employment_contract", "employment_start": "2024-09-01",
            "education": [{ "education_level": "higher", "speciality": "eesti filoloogia" }],
            "fixed_term": { "is_fixed": false }, "load_on_post": "1.00", "weekly_hours": "40.00",
            "employee_group": "education_staff", "work_email": "kasutaja@kool.example",
            "salary": [{ "kind": "monthly", "amount": "1820.00", "from": "2024-09-01" }],
            "health_checks": [{ "health_check_on": "2024-08-20", "fit_for_post": "fit" }],
            "leaves": [{ "kind": "annual", "from": "2025-07-01", "to": "2025-07-28" }],
            "trainings": [{ "name": "Andmekaitse alused", "started_on": "2025-02-03", "ended_on": "2025-02-04",
                            "provider": "Koolitaja OÜ", "academic_hours": "16.0", "cost": "240.00" }],
        }),
    }
}

/// Fills up to `records` and gives the ids of some of them.
async fn fill(app: &Arc<App>, place: &Place, records: u64) -> Vec<Uuid> {
    let started = Instant::now();
    let bar = indicatif::ProgressBar::new(records);
    bar.set_style(
        indicatif::ProgressStyle::with_template("filling {wide_bar} {pos}/{len} {per_sec} {eta}")
            .unwrap_or_else(|_| indicatif::ProgressStyle::default_bar()),
    );
    // A thousand spread evenly are enough to read from.
    let step = (records / 1_000).max(1);
    let ids: Vec<Option<Uuid>> = futures_util::stream::iter(0..records)
        .map(|n| {
            let new = employee(place, n);
            let (app, bar) = (app.clone(), bar.clone());
            let cx = ActContext::user(place.clerk);
            async move {
                let made = app.create_record(cx, REGISTER.into(), new).await.unwrap_or_else(|e| panic!("{n}: {e:?}"));
                bar.inc(1);
                (n % step == 0).then(|| made.get().id)
            }
        })
        .buffer_unordered(512)
        .collect()
        .await;
    bar.finish_and_clear();
    let seconds = started.elapsed().as_secs_f64();
    println!("filled        {records:>9} records in {seconds:.1} s, {:.0}/s without HTTP", number(records) / seconds);
    ids.into_iter().flatten().collect()
}

fn pick(ids: &[Uuid], n: u64) -> Uuid {
    // A stride that is prime to the length visits them all.
    ids[usize::try_from(n.wrapping_mul(7_919)).unwrap_or(0) % ids.len()]
}

fn serve(app: Arc<App>) -> (SocketAddr, impl FnOnce()) {
    let (sender, receiver) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let settings = andmekogu::web::Settings {
                listen: ([127, 0, 0, 1], 0).into(),
                workers: 2,
                body_limit: 2 << 20,
                file_limit: 1 << 20,
                metrics_public: false,
                shutdown_seconds: 1,
                secure: false,
                public_url: None,
                demo: false,
                stretched: false,
            };
            let (server, address) = andmekogu::web::bind(app, settings).expect("the server binds");
            sender.send((address, server.handle())).expect("the address is taken");
            server.await.expect("the server runs");
        });
    });
    let (address, handle) = receiver.recv().expect("the server starts");
    let stop = move || {
        actix_web::rt::System::new().block_on(handle.stop(true));
        drop(thread.join());
    };
    (address, stop)
}

fn get(path: &str, token: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: load\r\nAuthorization: Bearer {token}\r\n\r\n").into_bytes()
}

fn post(path: &str, token: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nHost: load\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// A connection that is kept: as little of the machine as possible goes to the callers.
struct Caller(BufReader<TcpStream>);

impl Caller {
    fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the server takes connections");
        stream.set_nodelay(true).expect("no delay");
        Self(BufReader::with_capacity(1 << 16, stream))
    }

    fn call(&mut self, request: &[u8]) -> (u16, Vec<u8>) {
        self.0.get_mut().write_all(request).expect("the request is sent");
        let mut line = String::new();
        self.0.read_line(&mut line).expect("a status");
        let status = line.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
        let mut length = 0;
        loop {
            line.clear();
            self.0.read_line(&mut line).expect("a header");
            if line == "\r\n" {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).expect("a body");
        (status, body)
    }
}

fn login(address: SocketAddr) -> String {
    let body = json!({ "username": "clerk", "password": PASSWORD }).to_string();
    let (status, body) = Caller::connect(address).call(&post("/api/v1/sessions", "-", &body));
    assert_eq!(status, 201, "{}", String::from_utf8_lossy(&body));
    let session: Value = serde_json::from_slice(&body).expect("a session");
    session["access_token"].as_str().expect("a token").to_owned()
}

/// Users at their screens.
const USERS: usize = 16;
/// How long a user looks at a page before opening the next.
const LOOKS: Duration = Duration::from_millis(500);

/// A page that is measured: its name, the sessions that open it, and its address for the nth opening.
type View<'a> = (&'a str, &'a [String], &'a (dyn Fn(u64) -> String + Sync));

/// The pages that are open all day, each alone, and then everything at once.
fn pages(address: SocketAddr, seconds: u64, place: &Place, there: &[Uuid]) {
    let cookies = |user: &str| (0..USERS).map(|_| enter(address, user)).collect::<Vec<_>>();
    let (clerks, watchers) = (cookies("clerk"), cookies("watcher"));
    let at = |rest: &str| format!("/et/r/{REGISTER}{rest}");
    let school = |n: u64| place.institutions[usize::try_from(n).unwrap_or(0) % place.institutions.len()];
    let desk = |_: u64| at("/desk");
    let list = |_: u64| at("/records/employee");
    let one = |n: u64| at(&format!("/records/employee?institution_id={}", school(n)));
    let card = |n: u64| at(&format!("/records/employee/{}", pick(there, n)));
    let log = |_: u64| at("/audit");
    let views: [View<'_>; 5] = [
        ("page-desk", &clerks, &desk),
        ("page-list", &clerks, &list),
        ("page-school", &clerks, &one),
        ("page-card", &clerks, &card),
        ("page-audit", &watchers, &log),
    ];
    for (name, cookies, path) in views {
        report(name, &working(address, cookies, seconds, path));
    }
    let mut caller = Caller::connect(address);
    for (name, cookies, path) in views {
        let (_, body) = caller.call(&page(&path(1), &cookies[0]));
        println!("{name:<13} {:>9} bytes", body.len());
    }
}

fn page(path: &str, cookie: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: load\r\nCookie: {cookie}\r\n\r\n").into_bytes()
}

/// Logs in at the login page: the session's cookie.
fn enter(address: SocketAddr, user: &str) -> String {
    let body = format!("username={user}&password={}", PASSWORD.replace(' ', "+"));
    let request = format!(
        "POST /et/login HTTP/1.1\r\nHost: load\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address).expect("the server takes connections");
    stream.write_all(request.as_bytes()).expect("the request is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let set = answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")).expect("a session");
    set.split(';').next().unwrap_or_default().to_owned()
}

/// What users wait for who look at each page before they open the next.
fn working(address: SocketAddr, cookies: &[String], seconds: u64, path: &(dyn Fn(u64) -> String + Sync)) -> Measured {
    let (counter, failed) = (AtomicU64::new(0), AtomicU64::new(0));
    let started = Instant::now();
    let micros = std::thread::scope(|scope| {
        let (counter, failed) = (&counter, &failed);
        let threads: Vec<_> = cookies
            .iter()
            .enumerate()
            .map(|(user, cookie)| {
                scope.spawn(move || {
                    let mut caller = Caller::connect(address);
                    let mut micros = Vec::new();
                    // They did not all come in at the same moment.
                    std::thread::sleep(LOOKS * u32::try_from(user).unwrap_or(0) / u32::try_from(USERS).unwrap_or(1));
                    while started.elapsed() < Duration::from_secs(seconds) {
                        let request = page(&path(counter.fetch_add(1, Ordering::Relaxed)), cookie);
                        let at = Instant::now();
                        let (status, body) = caller.call(&request);
                        micros.push(u64::try_from(at.elapsed().as_micros()).unwrap_or(u64::MAX));
                        if status != 200 && failed.fetch_add(1, Ordering::Relaxed) == 0 {
                            eprintln!("{status} {}", String::from_utf8_lossy(&body));
                        }
                        std::thread::sleep(LOOKS.saturating_sub(at.elapsed()));
                    }
                    micros
                })
            })
            .collect();
        threads.into_iter().flat_map(|t| t.join().expect("a user")).collect()
    });
    Measured { seconds: started.elapsed().as_secs_f64(), micros, failed: failed.into_inner() }
}

struct Measured {
    seconds: f64,
    micros: Vec<u64>,
    failed: u64,
}

fn measure(address: SocketAddr, callers: usize, seconds: u64, request: &(dyn Fn(u64) -> Vec<u8> + Sync)) -> Measured {
    let (stop, counter, failed) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let started = Instant::now();
    let micros = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..callers)
            .map(|_| {
                scope.spawn(|| {
                    let mut caller = Caller::connect(address);
                    let mut micros = Vec::new();
                    while !stop.load(Ordering::Relaxed) {
                        let request = request(counter.fetch_add(1, Ordering::Relaxed));
                        let at = Instant::now();
                        let (status, body) = caller.call(&request);
                        micros.push(u64::try_from(at.elapsed().as_micros()).unwrap_or(u64::MAX));
                        if !(200..300).contains(&status) && failed.fetch_add(1, Ordering::Relaxed) == 0 {
                            eprintln!("{status} {}", String::from_utf8_lossy(&body));
                        }
                    }
                    micros
                })
            })
            .collect();
        std::thread::sleep(Duration::from_secs(seconds));
        stop.store(true, Ordering::Relaxed);
        threads.into_iter().flat_map(|t| t.join().expect("a caller")).collect()
    });
    Measured { seconds: started.elapsed().as_secs_f64(), micros, failed: failed.into_inner() }
}

fn report(name: &str, measured: &Measured) {
    let mut micros = measured.micros.clone();
    micros.sort_unstable();
    let at = |share: usize| number(micros.get(micros.len() * share / 1000).copied().unwrap_or(0)) / 1000.0;
    let rate = number(u64::try_from(micros.len()).unwrap_or(0)) / measured.seconds;
    println!(
        "{name:<13} {rate:>9.0}/s   p50 {:>7.2} ms   p95 {:>7.2} ms   p99 {:>7.2} ms   failed {}",
        at(500),
        at(950),
        at(990),
        measured.failed
    );
}

/// What a decision costs: evaluated by the policy engine, and found among earlier answers.
fn authorise(app: &App) {
    let register = app.register(REGISTER).expect("the register");
    let question = Question {
        role: "hr_clerk".into(),
        action: Action::RecordRead,
        object: Object::Section { record_type: "employee".into(), section: "pay".into() },
        in_scope: true,
        covered: true,
        about_self: false,
        purpose_given: true,
        to_self: false,
        sole_user: false,
        party: false,
        status: Status::Active,
    };
    for (name, times, evaluated) in [("decide fresh", 5_000_u32, true), ("decide known", 1_000_000, false)] {
        let started = Instant::now();
        for _ in 0..times {
            let decision =
                if evaluated { register.policies.evaluate(&question) } else { register.policies.decide(&question) };
            assert!(decision.permitted);
        }
        println!("{name:<13} {:>9.2} µs", started.elapsed().as_secs_f64() * 1e6 / f64::from(times));
    }
}

fn verify(url: &DatabaseUrl, app: &App) {
    let lookup = |register: &str| {
        let vkey = app.log_keys.signer(register).ok()?.vkey();
        andmekogu::domain::audit::checkpoint::NoteVerifier::parse(&vkey).ok()
    };
    let started = Instant::now();
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let reports = andmekogu::store::verify::verify(url, None, &lookup, threads, &|_| {}).expect("the audit runs");
    let entries: u64 = reports.iter().map(|r| r.size).sum();
    let faults: usize = reports.iter().map(|r| r.faults.len()).sum();
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "verify        {:>9.0}/s   {entries} entries in {seconds:.1} s, {faults} faults",
        number(entries) / seconds
    );
}

fn resident_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap_or(0.0) / 1024.0
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn number(n: u64) -> f64 {
    n as f64
}
