//! How fast supervision is answered when the log is long: `cargo bench --bench audit -- --entries N [--database URL]
//! [--keep]`. Fills a register's log with `N` events (ten million unless told otherwise) of the usual mix, with their
//! words, subjects and places in the tree, and measures the log's list by subject, by actor, by action and time, by
//! decision, and the access report, through the same acts as the service. Says what an entry weighs.
//!
//! A database that holds a log already (`--keep`, or a URL given twice) is measured as it is.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use andmekogu::app::password::Policy;
use andmekogu::app::tokens::{Lifetimes, NamedKey, Tokens};
use andmekogu::app::{App, LogKeys};
use andmekogu::clock::{ManualClock, uuid_at};
use andmekogu::domain::access::grant::Basis;
use andmekogu::domain::audit::event::{Event, Outcome, Who};
use andmekogu::domain::audit::tree::{Frontier, is_stored};
use andmekogu::domain::audit::{Kind, Leaf, canonical, leaf};
use andmekogu::domain::calendar::{instant, rfc3339};
use andmekogu::domain::registers::Registers;
use andmekogu::domain::statute::Definition;
use andmekogu::store::acts::grants::NewGrant;
use andmekogu::store::read::audit::AuditQuery;
use andmekogu::store::read::report::ReportQuery;
use andmekogu::store::{ActContext, DatabaseUrl, Settings, Store, migrate};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use uuid::Uuid;

type Failure = Box<dyn std::error::Error>;

/// 2026-01-01T06:00:00Z: the log covers the year until the clock's now.
const START: i64 = 1_767_247_200_000_000;
/// 2026-11-20T10:00:00Z.
const NOW: i64 = 1_795_168_800_000_000;
const USERS: u64 = 40;
const RECORDS: u64 = 20_000;
const INSTITUTIONS: u64 = 30;
/// Rows of one statement.
const BATCH: usize = 500;
const RUNS: usize = 200;

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, most: u64) -> u64 {
        self.next() % most
    }
}

/// The `n`-th of the people, records or institutions: the same id whoever asks.
fn nth(kind: u8, n: u64) -> Uuid {
    // The two lowest bits do not come into an id.
    let mut tail = (n << 2).to_be_bytes();
    tail[0] = kind;
    uuid_at(START - 1_000, tail)
}

/// Who acted: a few do most of it.
fn user(dice: &mut Dice) -> Uuid {
    nth(1, dice.below(USERS).min(dice.below(USERS)))
}

fn record(dice: &mut Dice) -> Uuid {
    nth(2, dice.below(RECORDS))
}

fn event(register: &str, dice: &mut Dice, at: i64, n: u64) -> Event {
    // Of a hundred: 20 writes, 10 lists of twenty, 2 refused, the rest readings of one record.
    let (kind, action, records) = match n % 100 {
        0..20 => (Kind::Write, "record.change", 1),
        20..30 => (Kind::Read, "record.list", 20),
        30..32 => (Kind::Denial, "record.read", 1),
        32 => (Kind::Read, "audit.read", 1),
        _ => (Kind::Read, "record.read", 1),
    };
    Event {
        id: uuid_at(at, dice.next().to_be_bytes()),
        register: register.to_owned(),
        recorded_at: rfc3339(instant(at)),
        kind,
        action: action.to_owned(),
        decision: if kind == Kind::Denial { Outcome::Denied } else { Outcome::Permitted },
        actor: Who { user_id: Some(user(dice)), name: "mari.maasikas".into() },
        role: Some("hr_clerk".into()),
        grant_id: Some(nth(4, dice.below(USERS))),
        clause: Some("§ 20 lg 2 p 2".into()),
        policy: Some("hr-clerk-given-parts".into()),
        institution_id: Some(nth(3, dice.below(INSTITUTIONS))),
        record_type: Some("employee".into()),
        record_ids: (0..records).map(|_| record(dice)).collect(),
        sections: ["general", "person", "contact", "employment", "pay"].map(str::to_owned).to_vec(),
        fields: if kind == Kind::Write { vec!["salary".into(), "post".into()] } else { vec![] },
        entry_id: None,
        document_ids: vec![],
        purpose: (!n.is_multiple_of(3)).then(|| "puhkusearvestus ja palgaarvestus".into()),
        request_id: Some(uuid_at(at, dice.next().to_be_bytes()).to_string()),
        detail: None,
    }
}

/// Either database, spoken to directly: the log is written faster than the service would.
enum Raw {
    Pg(PgConnection),
    Sqlite(SqliteConnection),
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

impl Raw {
    fn open(url: &DatabaseUrl) -> Result<Self, Failure> {
        Ok(match url {
            DatabaseUrl::Pg(url) => {
                let mut conn = PgConnection::establish(url)?;
                // Foreign keys hold by construction; a superuser may leave them unchecked while filling.
                conn.batch_execute("SET synchronous_commit = off; SET session_replication_role = replica")?;
                Self::Pg(conn)
            }
            DatabaseUrl::Sqlite(path) => {
                let mut conn = SqliteConnection::establish(path)?;
                conn.batch_execute(
                    "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; PRAGMA \
                     cache_size = -400000; PRAGMA wal_autocheckpoint = 20000",
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

    fn number(&mut self, sql: &str) -> Result<i64, Failure> {
        let sql = format!("SELECT CAST(({sql}) AS BIGINT) AS n");
        Ok(match self {
            Self::Pg(c) => diesel::sql_query(sql).get_result::<Number>(c)?.n,
            Self::Sqlite(c) => diesel::sql_query(sql).get_result::<Number>(c)?.n,
        })
    }

    fn bytes(&self, value: &[u8]) -> String {
        let hex: String = value.iter().map(|b| format!("{b:02x}")).collect();
        match self {
            Self::Pg(_) => format!("'\\x{hex}'"),
            Self::Sqlite(_) => format!("x'{hex}'"),
        }
    }

    fn size(&mut self) -> Result<i64, Failure> {
        match self {
            Self::Pg(_) => self.number("pg_database_size(current_database())"),
            Self::Sqlite(_) => {
                self.run("PRAGMA wal_checkpoint(TRUNCATE)")?;
                let pages = self.number("SELECT page_count FROM pragma_page_count")?;
                Ok(pages * self.number("SELECT page_size FROM pragma_page_size")?)
            }
        }
    }
}

/// Rows of one statement each, in the order of the tables.
#[derive(Default)]
struct Rows {
    events: Vec<String>,
    payloads: Vec<String>,
    subjects: Vec<String>,
    leaves: Vec<String>,
    nodes: Vec<String>,
}

impl Rows {
    fn sql(self) -> String {
        let insert = |table: &str, columns: &str, rows: &[String]| match rows {
            [] => String::new(),
            rows => format!("INSERT INTO {table} ({columns}) VALUES {};\n", rows.join(",")),
        };
        let events = "register, id, recorded_at, kind, action, decision, actor_id, commitment";
        [
            "BEGIN;\n".to_owned(),
            insert("audit_event", events, &self.events),
            insert("audit_payload", "register, event_id, salt, body", &self.payloads),
            insert("audit_subject", "register, record_id, event_id", &self.subjects),
            insert("audit_leaf", "register, seq, event_id, hash", &self.leaves),
            insert("audit_node", "register, level, position, hash", &self.nodes),
            "COMMIT;".to_owned(),
        ]
        .concat()
    }
}

fn fill(raw: &mut Raw, register: &str, frontier: &mut Frontier, entries: u64) -> Result<(), Failure> {
    let mut dice = Dice(11);
    let step = (NOW - 3_600_000_000 - START) / i64::try_from(entries.max(1))?;
    let (begun, mut told) = (Instant::now(), Instant::now());
    let mut n = 0;
    while n < entries {
        let mut rows = Rows::default();
        for _ in 0..BATCH.min(usize::try_from(entries - n)?) {
            let at = START + i64::try_from(n)? * step;
            let event = event(register, &mut dice, at, dice_of(n));
            let body = canonical::canonical(&event)?;
            let mut salt = [0; 32];
            for part in salt.chunks_mut(8) {
                part.copy_from_slice(&dice.next().to_be_bytes());
            }
            let commitment = leaf::commit(&salt, &body);
            let seq = frontier.size();
            let hash = Leaf { seq, recorded_at_micros: at, kind: event.kind, commitment }.hash();
            let nodes = &mut rows.nodes;
            frontier.push(hash, |s, hash| {
                if is_stored(s.level) {
                    nodes.push(format!("('{register}',{},{},{})", s.level, s.index, raw.bytes(&hash)));
                }
            });
            let id = event.id;
            let actor = event.actor.user_id.unwrap_or_default();
            rows.events.push(format!(
                "('{register}','{id}',{at},'{}','{}','{}','{actor}',{})",
                event.kind.as_str(),
                event.action,
                event.decision.as_str(),
                raw.bytes(&commitment)
            ));
            rows.payloads.push(format!("('{register}','{id}',{},'{}')", raw.bytes(&salt), body.replace('\'', "''")));
            rows.leaves.push(format!("('{register}',{seq},'{id}',{})", raw.bytes(&hash)));
            let mut named = event.record_ids;
            named.sort_unstable();
            named.dedup();
            rows.subjects.extend(named.iter().map(|r| format!("('{register}','{r}','{id}')")));
            n += 1;
        }
        raw.run(&rows.sql())?;
        if told.elapsed() > Duration::from_secs(30) {
            told = Instant::now();
            println!("  {n} of {entries} after {:.0} s", begun.elapsed().as_secs_f64());
        }
    }
    let size = i64::try_from(frontier.size())?;
    let bytes = raw.bytes(&frontier.to_bytes());
    raw.run(&format!(
        "DELETE FROM audit_head WHERE register = '{register}'; \
         INSERT INTO audit_head (register, size, frontier) VALUES ('{register}', {size}, {bytes})"
    ))?;
    raw.run("ANALYZE")?;
    println!("{entries} entries written in {:.0} s", begun.elapsed().as_secs_f64());
    Ok(())
}

/// Which of a hundred an event is: spread, so that the rare ones do not stand together.
fn dice_of(n: u64) -> u64 {
    n.wrapping_mul(37) % 100
}

fn app(url: &DatabaseUrl, definitions: Vec<Definition>) -> Result<App, Failure> {
    let now = DateTime::<Utc>::from_timestamp_micros(NOW).unwrap_or_default();
    let registers = Registers::new(definitions).map_err(|faults| faults.join("\n"))?;
    let settings = Settings { url: url.clone(), readers: 2, writers: 2, queue: 2_000 };
    let store = Arc::new(Store::open(&settings, registers, Arc::new(ManualClock::at(now)))?);
    let lifetimes = Lifetimes { access: Duration::from_secs(300), refresh: Duration::from_secs(28_800) };
    let tokens = Tokens::new(&[NamedKey { kid: "bench".into(), seed: [7; 32] }], [9; 32], lifetimes)?;
    Ok(App {
        store,
        tokens,
        log_keys: LogKeys { domain: "log.example".into(), seed: [5; 32], own: None },
        passwords: Policy { shortest: 12, memory_kib: 64, passes: 1 },
        largest_file: 1 << 20,
        hashing: tokio::sync::Semaphore::new(2),
        facts: Default::default(),
        trials: Default::default(),
        keeping: Default::default(),
        backup: Default::default(),
    })
}

/// Somebody who supervises, and records for the subjects of the log to be.
async fn found(app: &App, raw: &mut Raw, register: &str, record_type: &str, role: &str) -> Result<Uuid, Failure> {
    app.load_definitions().await?;
    let password = "maasikas ja piim".to_owned();
    let user = app.add_user("reviewer".into(), "Reviewer".into(), None, password).await?;
    let definition = app.register(register)?.definition.clone();
    let known = definition.register.roles.iter().find(|r| r.name == role).ok_or("no such role")?;
    let basis = known.basis.first().map_or_else(|| "directive".to_owned(), |b| b.name.clone());
    let new = NewGrant {
        user_id: user,
        role: role.to_owned(),
        institution_id: None,
        sections: None,
        from: NaiveDate::from_ymd_opt(2026, 1, 1).unwrap_or_default(),
        until: NaiveDate::from_ymd_opt(2027, 1, 1),
        basis: Basis { kind: basis, reference: "1".into() },
        task: None,
        application_id: None,
    };
    app.grant_as_installation(register, new).await?;
    for from in (0..RECORDS).step_by(BATCH) {
        let rows: Vec<String> = (from..RECORDS.min(from + BATCH as u64))
            .map(|n| {
                let institution = nth(3, n % INSTITUTIONS);
                format!("('{register}','{}','{record_type}','{institution}',1,{START},{START})", nth(2, n))
            })
            .collect();
        raw.run(&format!(
            "INSERT INTO record (register, id, record_type, institution_id, version, created_at, updated_at) VALUES {}",
            rows.join(",")
        ))?;
    }
    Ok(user)
}

fn told(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: usize| times.get((times.len() * share / 100).min(times.len() - 1)).copied().unwrap_or_default();
    let ms = |d: Duration| d.as_secs_f64() * 1_000.0;
    println!("{what:<44} median {:>8.2} ms   p99 {:>8.2} ms   worst {:>8.2} ms", ms(at(50)), ms(at(99)), ms(at(100)));
}

async fn measure(app: &App, register: &str, reviewer: Uuid) -> Result<(), Failure> {
    let mut dice = Dice(23);
    let cx = || ActContext { purpose: Some("bench".into()), ..ActContext::user(reviewer) };
    let blank = || AuditQuery { limit: 50, ..AuditQuery::default() };
    let day = |n: u64| DateTime::from_timestamp_micros(START + i64::try_from(n).unwrap_or(0) * 86_400_000_000);
    type Make<'a> = Box<dyn FnMut(&mut Dice) -> AuditQuery + 'a>;
    let kinds: Vec<(&str, Make<'_>)> = vec![
        ("by subject", Box::new(|d| AuditQuery { subject: Some(record(d).to_string()), ..blank() })),
        ("by actor", Box::new(|d| AuditQuery { actor: Some(user(d).to_string()), ..blank() })),
        (
            "by subject and actor",
            Box::new(|d| AuditQuery { record_id: Some(record(d)), actor: Some(user(d).to_string()), ..blank() }),
        ),
        (
            "by actor and a rare action",
            Box::new(|d| AuditQuery { actor: Some(user(d).to_string()), action: Some("audit.read".into()), ..blank() }),
        ),
        (
            "by action and time",
            Box::new(|d| {
                let from = d.below(300);
                AuditQuery { action: Some("record.list".into()), from: day(from), to: day(from + 7), ..blank() }
            }),
        ),
        ("by decision: denied", Box::new(|_| AuditQuery { decision: Some("denied".into()), ..blank() })),
        (
            "by decision and actor",
            Box::new(|d| AuditQuery { decision: Some("denied".into()), actor: Some(user(d).to_string()), ..blank() }),
        ),
        (
            "by subject and purpose (a window)",
            Box::new(|d| AuditQuery { record_id: Some(record(d)), purpose: Some("none".into()), ..blank() }),
        ),
        ("the newest", Box::new(|_| blank())),
    ];
    for (what, mut make) in kinds {
        let mut times = Vec::with_capacity(RUNS);
        for _ in 0..RUNS {
            let query = make(&mut dice);
            let begun = Instant::now();
            app.read_audit(cx(), register.to_owned(), query).await?;
            times.push(begun.elapsed());
        }
        told(what, times);
    }
    let mut times = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let at = DateTime::from_timestamp_micros(NOW - i64::try_from(dice.below(300))? * 86_400_000_000);
        let query = ReportQuery { record_id: Some(record(&mut dice)), at, limit: 50, ..ReportQuery::default() };
        let begun = Instant::now();
        app.access_report(cx(), register.to_owned(), query).await?;
        times.push(begun.elapsed());
    }
    told("access report", times);
    Ok(())
}

fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let after = |name: &str| args.iter().position(|a| a == name).and_then(|n| args.get(n + 1));
    let entries: u64 = after("--entries").map_or(Ok(10_000_000), |n| n.parse())?;
    let folder = tempfile::tempdir()?;
    let inside = folder.path().join("log.sqlite").display().to_string();
    let url = DatabaseUrl::parse(after("--database").unwrap_or(&inside));
    let definitions = andmekogu::config::registers::read(&PathBuf::from("config/registers"))
        .map_err(|faults| faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
    // The first register with people in it, and a role whose holders look after others.
    let first = definitions.first().ok_or("there is no definition")?;
    let register = first.register.short_name.clone();
    let subject = first.record_types.iter().find(|t| t.subject.is_some()).ok_or("nobody is a subject")?;
    let (record_type, role) = (subject.name.clone(), after("--role").map_or("supervisor", String::as_str).to_owned());
    println!("{register}: {entries} entries about {RECORDS} records of {record_type}");

    migrate::migrate(&url)?;
    let mut raw = Raw::open(&url)?;
    let app = app(&url, definitions)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let there = raw.number(&format!("SELECT COUNT(*) FROM audit_head WHERE register = '{register}'"))?;
    if there == 0 {
        let before = raw.size()?;
        fill(&mut raw, &register, &mut Frontier::new(), entries)?;
        let bytes = raw.size()? - before;
        println!("{:.0} bytes an entry, indexes and tree included", bytes as f64 / entries.max(1) as f64);
        runtime.block_on(found(&app, &mut raw, &register, &record_type, &role))?;
        raw.run("ANALYZE")?;
    }
    let user = "SELECT id AS t FROM app_user WHERE username = 'reviewer'";
    let reviewer = Uuid::parse_str(&text(&mut raw, user)?)?;
    runtime.block_on(measure(&app, &register, reviewer))
}

#[derive(QueryableByName)]
struct One {
    #[diesel(sql_type = diesel::sql_types::Text)]
    t: String,
}

fn text(raw: &mut Raw, sql: &str) -> Result<String, Failure> {
    Ok(match raw {
        Raw::Pg(c) => diesel::sql_query(sql).get_result::<One>(c)?.t,
        Raw::Sqlite(c) => diesel::sql_query(sql).get_result::<One>(c)?.t,
    })
}
