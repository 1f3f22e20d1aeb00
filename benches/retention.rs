//! What the end of data costs: `cargo bench --bench retention -- [--due N] [--staying N] [--database URL] [--backup]`.
//!
//! Fills a register through its own imports with people of whom `N` have left (10,000 unless told otherwise) and others
//! who stay, looks at what is due, proposes, approves and carries out: packaged, stored, erased, acts drawn up. Beside it
//! stands what deleting the same rows by hand costs the same database, in one transaction that knows no package, no log
//! and no act. With `--backup` a copy of the whole is made, verified and restored first. All people are invented.
//!
//! `--database` names an empty database; on PostgreSQL its role must be allowed to make another one from it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use andmekogu::app::documents::Incoming;
use andmekogu::app::imports::NewImport;
use andmekogu::app::password::Policy;
use andmekogu::app::retention::Keeping;
use andmekogu::app::tokens::{Lifetimes, NamedKey, Tokens};
use andmekogu::app::{ActContext, App, LogKeys};
use andmekogu::archive::storage::{Place, Storage};
use andmekogu::backup::copy::Copy;
use andmekogu::backup::create::create;
use andmekogu::backup::restore::{restore, scratch, verify};
use andmekogu::backup::{Place as Copies, erasures, key_name};
use andmekogu::clock::{Clock as _, Stamps, SystemClock};
use andmekogu::domain::access::grant::Basis;
use andmekogu::domain::audit::checkpoint::NoteSigner;
use andmekogu::domain::identity::{PersonalCode, Sex, check_ee};
use andmekogu::domain::registers::Registers;
use andmekogu::store::acts::documents::DocumentData;
use andmekogu::store::acts::grants::NewGrant;
use andmekogu::store::acts::records::NewRecord;
use andmekogu::store::acts::retention::NewBatch;
use andmekogu::store::{DatabaseUrl, Settings, Store, migrate};
use chrono::{Days, NaiveDate};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use serde_json::json;
use uuid::Uuid;

type Failure = Box<dyn std::error::Error>;

const REGISTER: &str = "tlnharidus";
const LIST: &str = "hobby_study";
const DOMAIN: &str = "bench.example";
const SEED: [u8; 32] = [3; 32];
/// Rows of one sheet.
const SHEET: u64 = 5_000;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap_or_default()
}

fn registers() -> Result<Registers, Failure> {
    let definitions = andmekogu::config::registers::read(Path::new("config/registers"))
        .map_err(|faults| faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
    Ok(Registers::new(definitions).map_err(|faults| faults.join("\n"))?)
}

fn app(url: &DatabaseUrl, folder: &Path) -> Result<Arc<App>, Failure> {
    let registers = registers()?;
    let settings = Settings { url: url.clone(), readers: 4, writers: 4, queue: 2_000 };
    let lifetimes = Lifetimes { access: Duration::from_secs(86_400), refresh: Duration::from_secs(86_400) };
    Ok(Arc::new(App {
        store: Arc::new(Store::open(&settings, registers, Arc::new(SystemClock))?),
        tokens: Tokens::new(&[NamedKey { kid: "bench".into(), seed: [7; 32] }], [9; 32], lifetimes)?,
        log_keys: LogKeys { domain: DOMAIN.into(), seed: SEED, own: None },
        passwords: Policy { shortest: 12, memory_kib: 64, passes: 1 },
        largest_file: 64 << 20,
        hashing: tokio::sync::Semaphore::new(2),
        facts: Default::default(),
        trials: Default::default(),
        keeping: Keeping {
            work: Some(folder.join("packages")),
            storage: Some(Storage::open(&Place::Folder(folder.join("archive")))?),
            ..Keeping::default()
        },
        backup: Default::default(),
    }))
}

struct People {
    head: Uuid,
    archivist: Uuid,
    controller: Uuid,
    school: Uuid,
    admission: Uuid,
}

async fn user(app: &App, by: Option<Uuid>, role: &str, institution_id: Option<Uuid>) -> Result<Uuid, Failure> {
    let user_id = app.add_user(role.replace('_', "."), role.into(), None, "lõpuproovi parool".into()).await?;
    let register = app.register(REGISTER)?;
    let known = register.definition.register.roles.iter().find(|r| r.name == role).ok_or("no such role")?;
    let basis = known.basis.first().map_or_else(|| "directive".to_owned(), |b| b.name.clone());
    let new = NewGrant {
        user_id,
        role: role.into(),
        institution_id,
        sections: None,
        from: day("2020-01-01"),
        until: None,
        basis: Basis { kind: basis, reference: "lõpuproov 1".into() },
        task: None,
        application_id: None,
    };
    match by {
        None => drop(app.grant_as_installation(REGISTER, new).await?),
        Some(by) => drop(app.issue_grant(ActContext::user(by), REGISTER.into(), new).await?),
    }
    Ok(user_id)
}

async fn document(app: &App, by: Uuid, kind: &str, institution_id: Option<Uuid>) -> Result<Uuid, Failure> {
    let data = DocumentData {
        kind: kind.into(),
        number: Some("1".into()),
        date: Some(day("2020-01-01")),
        institution_id,
        ..DocumentData::default()
    };
    Ok(app.add_document(ActContext::user(by), REGISTER.into(), data, None).await?.get().id)
}

async fn found(app: &App) -> Result<People, Failure> {
    app.load_definitions().await?;
    let controller = user(app, None, "controller", None).await?;
    let administrator = user(app, Some(controller), "administrator", None).await?;
    let archivist = user(app, Some(controller), "archivist", None).await?;
    let licence = document(app, controller, "education_licence", None).await?;
    let code = (0..10).map(|d| format!("7500000{d}")).find(|c| check_ee(c).is_ok()).ok_or("no registry code")?;
    let data = json!({
        "institution_name": "Näidise huvikool", "registry_code": code, "institution_kind": "hobby_school",
        "general_info": { "owner_form": "municipal" },
        "contact_info": { "address": "Näidise tänav 1, Näidiste linn", "email": "kool@kool.example" },
    });
    let new = NewRecord {
        record_type: "institution".into(),
        institution_id: None,
        effective_on: day("2020-01-01"),
        base_document_ids: vec![licence],
        data,
    };
    let school = app.create_record(ActContext::user(controller), REGISTER.into(), new).await?.get().id;
    let head = user(app, Some(administrator), "institution_head", Some(school)).await?;
    let admission = document(app, head, "hobby_director_order_admission", Some(school)).await?;
    Ok(People { head, archivist, controller, school, admission })
}

/// A name of its own for each: no digits stand in names.
fn letters(mut n: u64) -> String {
    let mut name = String::new();
    loop {
        name.push(char::from(b'a' + u8::try_from(n % 26).unwrap_or(0)));
        n /= 26;
        if n == 0 {
            return name;
        }
    }
}

/// A sheet of the people from `first` on; the first `due` of all have left.
fn sheet(first: u64, rows: u64, due: u64) -> String {
    let head =
        "personal_code;last_name;first_name;curriculum_name;hobby_group;school_started_on;group_started_on;removed_on";
    let mut text = format!("{head}\n");
    for n in first..first + rows {
        let born = day("1990-01-01") + Days::new(n / 1_998);
        let sex = if (n / 999).is_multiple_of(2) { Sex::Female } else { Sex::Male };
        let code = PersonalCode::fictitious_ee(born, sex, u16::try_from(n % 999).unwrap_or(0));
        let code = code.map(|c| c.as_str().to_owned()).unwrap_or_default();
        let left = if n < due { "2026-06-01" } else { "" };
        let name = letters(n);
        text += &format!("{code};Pere{name};Ees{name};Klaver;Rühm {};2025-09-01;2025-09-01;{left}\n", n / 12);
    }
    text
}

async fn fill(app: &App, people: &People, due: u64, all: u64) -> Result<(), Failure> {
    let (begun, mut told) = (Instant::now(), Instant::now());
    let mut first = 0;
    while first < all {
        let rows = SHEET.min(all - first);
        let new = NewImport {
            record_type: LIST.to_owned(),
            institution_id: people.school,
            effective_on: day("2025-09-01"),
            base_document_ids: vec![people.admission],
            mapping: None,
            keep_mapping: false,
            sheet: None,
            delimiter: None,
            encoding: None,
            header_row: None,
            creates: true,
            changes: true,
            mended: Default::default(),
            dry_run: false,
        };
        let file = Incoming { name: "leht.csv".into(), claimed: None, bytes: sheet(first, rows, due).into_bytes() };
        let report = app.import(ActContext::user(people.head), REGISTER.into(), new, file).await?.report.into_inner();
        if report.new != usize::try_from(rows)? {
            return Err(format!("{} of {rows} rows came in: {:?}", report.new, report.faults.first()).into());
        }
        first += rows;
        if told.elapsed() > Duration::from_secs(30) {
            told = Instant::now();
            println!("  {first} of {all} after {:.0} s", begun.elapsed().as_secs_f64());
        }
    }
    println!("{all} people entered in {:.0} s", begun.elapsed().as_secs_f64());
    Ok(())
}

/// Either database, spoken to directly.
enum Raw {
    Pg(PgConnection),
    Sqlite(SqliteConnection),
}

#[derive(QueryableByName)]
struct One {
    #[diesel(sql_type = Text)]
    t: String,
}

impl Raw {
    fn open(url: &DatabaseUrl) -> Result<Self, Failure> {
        Ok(match url {
            DatabaseUrl::Pg(url) => Self::Pg(PgConnection::establish(url)?),
            DatabaseUrl::Sqlite(path) => {
                let mut conn = SqliteConnection::establish(path)?;
                // As the service has it.
                conn.batch_execute(
                    "PRAGMA busy_timeout = 60000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA \
                     foreign_keys = ON; PRAGMA secure_delete = ON; PRAGMA cache_size = -64000",
                )?;
                Self::Sqlite(conn)
            }
        })
    }

    fn run(&mut self, sql: &str) -> Result<(), Failure> {
        match self {
            Self::Pg(c) => c.batch_execute(sql)?,
            Self::Sqlite(c) => c.batch_execute(sql)?,
        }
        Ok(())
    }

    fn text(&mut self, sql: &str) -> Result<String, Failure> {
        let sql = format!("SELECT CAST(({sql}) AS TEXT) AS t");
        Ok(match self {
            Self::Pg(c) => diesel::sql_query(sql).get_result::<One>(c)?.t,
            Self::Sqlite(c) => diesel::sql_query(sql).get_result::<One>(c)?.t,
        })
    }
}

/// Another database with the same content.
fn double(url: &DatabaseUrl, folder: &Path) -> Result<DatabaseUrl, Failure> {
    Ok(match url {
        DatabaseUrl::Sqlite(path) => {
            let to = folder.join("by-hand.sqlite");
            Raw::open(url)?.run("PRAGMA wal_checkpoint(TRUNCATE)")?;
            std::fs::copy(path, &to)?;
            DatabaseUrl::Sqlite(to.display().to_string())
        }
        DatabaseUrl::Pg(text) => {
            let (server, name) = text.rsplit_once('/').ok_or("the URL names no database")?;
            let mut other = PgConnection::establish(&format!("{server}/postgres"))?;
            other.batch_execute(&format!("DROP DATABASE IF EXISTS {name}_by_hand"))?;
            other.batch_execute(&format!("CREATE DATABASE {name}_by_hand TEMPLATE {name}"))?;
            DatabaseUrl::Pg(format!("{text}_by_hand"))
        }
    })
}

/// What somebody would type who has nothing but SQL: the rows of the records, in one transaction.
fn by_hand(url: &DatabaseUrl) -> Result<Duration, Failure> {
    let mut raw = Raw::open(url)?;
    let due = format!(
        "SELECT register, record_id FROM record_state WHERE register = '{REGISTER}' AND record_type = '{LIST}' AND \
         ends_on < '2026-11-01'"
    );
    let gone = format!("(SELECT g.record_id FROM erasing g WHERE g.register = '{REGISTER}')");
    let delete = |table: &str, column: &str| {
        format!("DELETE FROM {table} WHERE register = '{REGISTER}' AND {column} IN {gone};")
    };
    let mut sql = format!("BEGIN; INSERT INTO erasing (register, record_id) {due};");
    sql += &format!(
        "DELETE FROM entry_document WHERE register = '{REGISTER}' AND entry_id IN (SELECT e.id FROM entry e WHERE \
         e.register = '{REGISTER}' AND e.record_id IN {gone});"
    );
    for table in ["unique_key", "record_index", "record_state", "entry"] {
        sql += &delete(table, "record_id");
    }
    sql += &delete("record", "id");
    sql += "DELETE FROM erasing; COMMIT;";
    let begun = Instant::now();
    raw.run(&sql)?;
    if url.is_sqlite() {
        raw.run("PRAGMA wal_checkpoint(TRUNCATE)")?;
    }
    Ok(begun.elapsed())
}

fn copies(url: &DatabaseUrl, folder: &Path) -> Result<(), Failure> {
    let (operator, safe) = (age::x25519::Identity::generate(), age::x25519::Identity::generate());
    let keys = LogKeys { domain: DOMAIN.into(), seed: SEED, own: None };
    let place = Copies {
        folder: folder.join("copies"),
        recipients: vec![operator.to_public().to_string(), safe.to_public().to_string()],
        least: 2,
        hour: 2,
        signer: NoteSigner::new(key_name(DOMAIN), &SEED).map_err(|e| format!("{e:?}"))?,
        log_key: Box::new(move |register| keys.signer(register).ok().map(|s| s.verifier().clone())),
    };
    let begun = Instant::now();
    let made = create(&place, url, SystemClock.now())?;
    println!(
        "copy made and verified      {:>9.1} s   {} rows, {:.0} MB",
        begun.elapsed().as_secs_f64(),
        made.report.rows,
        made.bytes as f64 / 1e6
    );
    let open = || Copy::open(&place.folder.join(&made.name), place.signer.verifier());
    let begun = Instant::now();
    let room = scratch(folder)?;
    let report = verify(&mut open()?, std::slice::from_ref(&operator), room.path())?;
    println!("copy verified again         {:>9.1} s   sound: {}", begun.elapsed().as_secs_f64(), report.is_sound());
    drop(room);
    let into = DatabaseUrl::Sqlite(folder.join("restored.sqlite").display().to_string());
    let begun = Instant::now();
    let list = erasures::path(&place.folder);
    let report = restore(&mut open()?, &[safe], &into, &list, &registers()?, &Stamps::new(Arc::new(SystemClock)))?;
    println!("copy restored (SQLite)      {:>9.1} s   sound: {}", begun.elapsed().as_secs_f64(), report.is_sound());
    Ok(())
}

/// Tells when which step of the only batch was done, until it is told to stop.
fn watch(url: &DatabaseUrl, stop: &AtomicBool) -> Result<Vec<(String, Duration)>, Failure> {
    let mut raw = Raw::open(url)?;
    let (begun, mut steps) = (Instant::now(), Vec::<(String, Duration)>::new());
    while !stop.load(Ordering::SeqCst) {
        let body = raw.text("SELECT COALESCE(MAX(body), '{}') FROM retention_batch")?;
        let body: serde_json::Value = serde_json::from_str(&body)?;
        if let Some(done) = body["batch"]["done"].as_str()
            && steps.last().is_none_or(|(last, _)| last != done)
        {
            steps.push((done.to_owned(), begun.elapsed()));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(steps)
}

async fn ends(app: &Arc<App>, url: &DatabaseUrl, people: &People, due: u64) -> Result<Duration, Failure> {
    let archivist = || ActContext { purpose: Some("lõpuproov".into()), ..ActContext::user(people.archivist) };
    let told = |what: &str, begun: Instant, more: String| {
        println!("{what:<28}{:>9.2} s   {more}", begun.elapsed().as_secs_f64());
    };
    let begun = Instant::now();
    let page = app.retention_due(archivist(), REGISTER.into(), None, None, None, 50).await?.into_inner();
    told("first page of what is due", begun, format!("{} records", page.items.len()));
    let begun = Instant::now();
    let none = app.retention_due(archivist(), REGISTER.into(), Some(day("2026-06-01")), None, None, 50).await?;
    told("a day on which nothing is", begun, format!("{} records", none.into_inner().items.len()));
    let begun = Instant::now();
    let forecast = app.retention_forecast(archivist(), REGISTER.into()).await?.into_inner();
    told("forecast", begun, format!("truncated: {}", forecast.truncated));

    let whole = Instant::now();
    let begun = Instant::now();
    let batch = app.propose_batch(archivist(), REGISTER.into(), NewBatch::default()).await?.into_inner();
    told("proposed", begun, format!("{:?}", batch.counts));
    let begun = Instant::now();
    let controller = ActContext { purpose: Some("lõpuproov".into()), ..ActContext::user(people.controller) };
    app.approve_batch(controller, REGISTER.into(), batch.id, Some(batch.revision)).await?;
    told("approved", begun, String::new());
    let stop = Arc::new(AtomicBool::new(false));
    let watched = {
        let (url, stop) = (url.clone(), stop.clone());
        std::thread::spawn(move || watch(&url, &stop).map_err(|e| e.to_string()))
    };
    let begun = Instant::now();
    let done = app.execute_batch(archivist(), REGISTER.into(), batch.id).await?.into_inner();
    told("carried out", begun, format!("{:?}, acts {:?}", done.counts, done.acts));
    let took = whole.elapsed();
    stop.store(true, Ordering::SeqCst);
    let steps = watched.join().map_err(|_| "the watch broke off")??;
    let mut before = Duration::ZERO;
    for (step, at) in steps {
        println!("  until {step:<20}{:>9.1} s", (at.saturating_sub(before)).as_secs_f64());
        before = at;
    }
    println!(
        "in all                      {:>9.1} s   {:.0} records a second",
        took.as_secs_f64(),
        due as f64 / took.as_secs_f64()
    );
    Ok(took)
}

fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let after = |name: &str| args.iter().position(|a| a == name).and_then(|n| args.get(n + 1));
    let due: u64 = after("--due").map_or(Ok(10_000), |n| n.parse())?;
    let staying: u64 = after("--staying").map_or(Ok(10_000), |n| n.parse())?;
    let folder = tempfile::tempdir()?;
    let inside = folder.path().join("bench.sqlite").display().to_string();
    let url = DatabaseUrl::parse(after("--database").unwrap_or(&inside));
    let build = if cfg!(debug_assertions) { " · DEBUG BUILD" } else { "" };
    let engine = if url.is_sqlite() { "SQLite" } else { "PostgreSQL" };
    println!("{engine} · {due} due · {staying} staying{build}");
    migrate::migrate(&url)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let filling = app(&url, folder.path())?;
    let people = runtime.block_on(found(&filling))?;
    runtime.block_on(fill(&filling, &people, due, due + staying))?;
    drop(filling);
    Raw::open(&url)?.run("ANALYZE")?;
    if args.iter().any(|a| a == "--backup") {
        copies(&url, folder.path())?;
    }
    let other = double(&url, folder.path())?;
    let hand = by_hand(&other)?;
    println!("deleted by hand             {:>9.2} s", hand.as_secs_f64());
    let app = app(&url, folder.path())?;
    let took = runtime.block_on(ends(&app, &url, &people, due))?;
    println!("as a multiple               {:>9.1}", took.as_secs_f64() / hand.as_secs_f64());
    Ok(())
}
