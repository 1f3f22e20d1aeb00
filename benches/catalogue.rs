//! How fast the public site is with very many registers: the catalogue, a search in it, a register's page, the map.
//!
//! ```sh
//! cargo bench --bench catalogue
//! cargo bench --bench catalogue -- --registers 1000 --kept 100 --runs 200
//! ```
//!
//! * `--registers`: how many there are; `--kept`: how many of them are kept here, copies of those that are shipped, the
//!   others are described; `--runs`: how often each page is asked for.
//!
//! Handlers, layers and templates run as in the server, in this process and without a network; each page is asked for by
//! a guest who has nothing of it yet. The target is less than 100 ms a page with 1 000 registers.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::App as Application;
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::web::Data;
use andmekogu::app::password::Policy;
use andmekogu::app::tokens::{Lifetimes, NamedKey, Tokens};
use andmekogu::app::{App, LogKeys};
use andmekogu::clock::SystemClock;
use andmekogu::config::registers::{Found, read_all};
use andmekogu::domain::registers::Registers;
use andmekogu::store::{DatabaseUrl, Settings, Store};
use andmekogu::web::Web;

struct Options {
    registers: usize,
    kept: usize,
    runs: usize,
}

fn options() -> Options {
    let mut options = Options { registers: 1_000, kept: 100, runs: 200 };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().and_then(|v| v.parse().ok()).expect("a number");
        match word.as_str() {
            "--registers" => options.registers = value(),
            "--kept" => options.kept = value(),
            "--runs" => options.runs = value(),
            "--bench" => {}
            other => panic!("unknown option {other}"),
        }
    }
    options
}

/// As many registers as were asked for: the shipped ones over and over, under other names.
fn many(options: &Options) -> Found {
    let found = read_all(Path::new("config/registers")).expect("the shipped registers are read");
    let kept = options.kept.min(options.registers);
    let definitions = (0..kept).map(|n| {
        let mut one = found.definitions[n % found.definitions.len()].clone();
        one.register.short_name = format!("{}-{n}", one.register.short_name);
        one.digest = format!("{n:064x}");
        one
    });
    let descriptions = (kept..options.registers).map(|n| {
        let mut one = found.descriptions[n % found.descriptions.len()].clone();
        one.short_name = format!("{}-{n}", one.short_name);
        one.digest = format!("{n:064x}");
        one
    });
    Found { definitions: definitions.collect(), descriptions: descriptions.collect(), ..Found::default() }
}

fn open(url: &DatabaseUrl, registers: Registers) -> App {
    let settings = Settings { url: url.clone(), readers: 4, writers: 4, queue: 100 };
    let lifetimes = Lifetimes { access: Duration::from_secs(300), refresh: Duration::from_secs(300) };
    let keys = [NamedKey { kid: "bench".into(), seed: [7; 32] }];
    App {
        store: Arc::new(Store::open(&settings, registers, Arc::new(SystemClock)).expect("the database opens")),
        tokens: Tokens::new(&keys, [9; 32], lifetimes).expect("keys"),
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

/// The value below which `percent` of all lie, in milliseconds.
fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    let at = (sorted.len() * percent).div_ceil(100).clamp(1, sorted.len()) - 1;
    sorted[at].as_secs_f64() * 1_000.0
}

fn main() {
    let options = options();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = DatabaseUrl::Sqlite(folder.path().join("bench.sqlite").display().to_string());
    andmekogu::store::migrate::migrate(&url).expect("migrations");
    let found = many(&options);
    let (here, elsewhere) = (found.definitions[0].clone(), found.descriptions.first().map(|d| d.short_name.clone()));
    let started = Instant::now();
    let registers = Registers::new(found.definitions).expect("the definitions are ready for use");
    let registers = registers.with_descriptions(found.descriptions);
    println!("ready         {:>9.0} ms for {} registers", started.elapsed().as_secs_f64() * 1_000.0, options.registers);
    let app = Arc::new(open(&url, registers));
    println!(
        "{} registers · {} kept here · {} runs · {}",
        options.registers,
        options.kept,
        options.runs,
        if cfg!(debug_assertions) { "without optimisation" } else { "optimised" }
    );
    let name = &here.register.short_name;
    let mut pages = vec![
        ("catalogue", "/et/".to_owned()),
        ("narrowed", "/et/?authority=Pietarsaaren%20kaupunki&page=2".into()),
        ("search", "/sv/?q=ymparistonsuojelu".into()),
        ("nothing", "/fi/?q=purjelaev+puudub".into()),
        ("register", format!("/et/r/{name}")),
        ("statute", format!("/et/r/{name}/statute")),
        ("notice", format!("/fi/r/{name}/documents/privacy_notice")),
        ("map", "/sitemap.xml".into()),
        ("turtle", "/catalogue.ttl".into()),
    ];
    pages.extend(elsewhere.map(|name| ("described", format!("/fi/r/{name}"))));
    actix_web::rt::System::new().block_on(async {
        let state = Data::new(Web::new(app, andmekogu::web::Settings::default()));
        let service = init_service(Application::new().configure(|cfg| andmekogu::web::configure(cfg, state))).await;
        for (what, path) in pages {
            let mut took = Vec::with_capacity(options.runs);
            let mut bytes = 0;
            for _ in 0..options.runs {
                let request = TestRequest::get().uri(&path).to_request();
                let began = Instant::now();
                let response = call_service(&service, request).await;
                let status = response.status();
                bytes = actix_web::test::read_body(response).await.len();
                took.push(began.elapsed());
                assert!(status.is_success(), "{path}: {status}");
            }
            took.sort();
            println!(
                "{what:<13} {:>9.1} ms p50 {:>9.1} ms p99 {:>9} bytes",
                percentile(&took, 50),
                percentile(&took, 99),
                bytes
            );
        }
    });
}
