//! The rhythm tool: how long the year of an education register takes, with as many institutions and people as a city
//! has: sheets that come in, the nightly reckoning of duties, the controller's board, a head who confirms, a list that
//! goes out.
//!
//! ```sh
//! cargo bench --bench rhythm -- --institutions 700 --pupils 120000 --employees 15000
//! cargo bench --bench rhythm -- --institutions 700 --pupils 120000 --employees 15000 \
//!     --database postgres://user@127.0.0.1/empty_database
//! cargo bench --bench rhythm -- --only night,board --keep /tmp/rhythm.sqlite
//! ```
//!
//! * `--institutions`, `--pupils`, `--employees`: how many; preschools, general schools, hobby schools and a few private
//!   schools, one of them (`--largest`) larger than the others;
//! * `--rows`: rows of the sheet that is imported for the measurement;
//! * `--confirmed`: how many schools confirm before the board is looked at;
//! * `--runs`: how often what can be repeated is repeated;
//! * `--only`: of `import`, `night`, `board`, `school`, `export` only these;
//! * `--database`: an empty PostgreSQL database; `--keep`: a new SQLite file that stays.
//!
//! It fills an empty database through the program's own acts (a sheet for each institution and list, by its head), on a
//! clock of its own that it moves to the days that matter, and calls the acts without HTTP. All people are invented.
//! Beside each figure stands what was asked for, where something was.

use std::sync::Arc;
use std::time::{Duration, Instant};

use andmekogu::app::documents::Incoming;
use andmekogu::app::files_of::Shape;
use andmekogu::app::imports::{Export, NewImport};
use andmekogu::app::password::Policy;
use andmekogu::app::tokens::{Lifetimes, NamedKey, Tokens};
use andmekogu::app::{ActContext, App, LogKeys};
use andmekogu::clock::ManualClock;
use andmekogu::domain::access::grant::Basis;
use andmekogu::domain::identity::{PersonalCode, Sex, check_ee};
use andmekogu::domain::registers::Registers;
use andmekogu::files::{Cell, Column, ColumnKind, CsvOptions, Lang, Table, csv, xlsx_table};
use andmekogu::store::acts::confirmations::Statement;
use andmekogu::store::acts::documents::DocumentData;
use andmekogu::store::acts::grants::NewGrant;
use andmekogu::store::acts::imports::ImportReport;
use andmekogu::store::acts::records::{Amendment, NewRecord};
use andmekogu::store::read::confirmations::{BoardPage, BoardQuery, ChecklistView};
use andmekogu::store::read::lists::ListQuery;
use andmekogu::store::{DatabaseUrl, Settings, Store};
use chrono::{DateTime, Days, NaiveDate, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

const REGISTER: &str = "tlnharidus";
/// When the register is filled: no window is open, and the last letters about earlier days are no longer sent.
const FILLED_AT: &str = "2026-08-01T06:00:00Z";
/// The first night of the schools' window.
const SCHOOLS_OPEN: &str = "2026-08-27T01:00:00Z";
/// The schools are late, and everybody else's window opens.
const AUTUMN: &str = "2026-09-21T01:00:00Z";
/// The day of the schools, and of all others.
const SCHOOLS_DUE: &str = "2026-09-10";
const OTHERS_DUE: &str = "2026-10-05";

struct Options {
    institutions: u64,
    pupils: u64,
    employees: u64,
    largest: u64,
    rows: u64,
    confirmed: usize,
    runs: usize,
    only: Vec<String>,
    database: Option<String>,
    keep: Option<String>,
}

fn options() -> Options {
    let mut options = Options {
        institutions: 40,
        pupils: 4_000,
        employees: 500,
        largest: 1_500,
        rows: 5_000,
        confirmed: 60,
        runs: 20,
        only: Vec::new(),
        database: None,
        keep: None,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let mut value = || arguments.next().unwrap_or_else(|| panic!("{name} needs a value"));
        match name.as_str() {
            "--institutions" => options.institutions = value().parse().expect("a number of institutions"),
            "--pupils" => options.pupils = value().parse().expect("a number of pupils"),
            "--employees" => options.employees = value().parse().expect("a number of employees"),
            "--largest" => options.largest = value().parse().expect("a number of pupils"),
            "--rows" => options.rows = value().parse().expect("a number of rows"),
            "--confirmed" => options.confirmed = value().parse().expect("a number of schools"),
            "--runs" => options.runs = value().parse().expect("a number of runs"),
            "--only" => options.only = value().split(',').map(str::to_owned).collect(),
            "--database" => options.database = Some(value()),
            "--keep" => options.keep = Some(value()),
            "--bench" => {}
            other => panic!("unknown option {other}"),
        }
    }
    assert!(options.institutions > 0 && options.largest <= options.pupils && options.rows > 0 && options.runs > 0);
    options
}

fn main() {
    let options = options();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = match (&options.database, &options.keep) {
        (Some(database), _) => DatabaseUrl::parse(database),
        (None, Some(file)) => DatabaseUrl::parse(file),
        (None, None) => DatabaseUrl::Sqlite(folder.path().join("rhythm.sqlite").display().to_string()),
    };
    andmekogu::store::migrate::migrate(&url).expect("migrations");
    let clock = Arc::new(ManualClock::at(moment(FILLED_AT)));
    let app = open(&url, clock.clone());
    println!(
        "{} · {} institutions · {} pupils · {} employees · {} cores{}",
        if url.is_sqlite() { "SQLite" } else { "PostgreSQL" },
        options.institutions,
        options.pupils,
        options.employees,
        std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
        if cfg!(debug_assertions) { " · DEBUG BUILD" } else { "" },
    );
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let bench = Bench::fill(app, clock, options).await;
        println!("\n{:<72} {:>5} {:>11} {:>11} {:>11}   asked", "", "times", "median ms", "p99 ms", "worst ms");
        bench.imports().await;
        bench.nights().await;
        let (school, pupils) = bench.schools().await;
        bench.board().await;
        bench.exports(&school, pupils).await;
    });
    println!("memory {:.0} MB resident", resident_mb());
}

fn open(url: &DatabaseUrl, clock: Arc<ManualClock>) -> App {
    let definitions = andmekogu::config::registers::read(std::path::Path::new("config/registers"))
        .unwrap_or_else(|f| panic!("{f:?}"));
    let registers = Registers::new(definitions).unwrap_or_else(|f| panic!("{}", f.join("\n")));
    let settings = Settings { url: url.clone(), readers: 8, writers: 8, queue: 4_096 };
    let store = Store::open(&settings, registers, clock).expect("the database opens");
    let lifetimes = Lifetimes { access: Duration::from_secs(86_400), refresh: Duration::from_secs(86_400) };
    App {
        store: Arc::new(store),
        tokens: Tokens::new(&[NamedKey { kid: "rhythm".into(), seed: [1; 32] }], [2; 32], lifetimes).expect("keys"),
        log_keys: LogKeys { domain: "rhythm.example".into(), seed: [3; 32], own: None },
        passwords: Policy { shortest: 12, memory_kib: 64, passes: 1 },
        largest_file: 64 << 20,
        hashing: tokio::sync::Semaphore::new(2),
        facts: Default::default(),
        trials: Default::default(),
        keeping: Default::default(),
        backup: Default::default(),
    }
}

// ── Institutions and people ─────────────────────────────────────────────────────────────────────────

/// An institution with its head and the documents on which its entries about learners and about employees rest.
#[derive(Clone)]
struct Institution {
    id: Uuid,
    kind: &'static str,
    head: Uuid,
    registry_code: String,
    admission: Uuid,
    contract: Uuid,
    pupils: u64,
    employees: u64,
}

/// Of twenty institutions five are general schools, six preschools, eight hobby schools and one is a private school.
fn kind(n: u64) -> &'static str {
    match n % 20 {
        0..5 => "general_school",
        5..11 => "preschool",
        11..19 => "hobby_school",
        _ => "private_school",
    }
}

/// A general school has three times as many people as another institution.
fn weight(kind: &str) -> u64 {
    if kind == "general_school" { 3 } else { 1 }
}

/// The list that an institution keeps of those who learn there.
fn learners(kind: &str) -> &'static str {
    match kind {
        "preschool" => "kindergarten_attendance",
        "hobby_school" => "hobby_study",
        _ => "school_study",
    }
}

const LAST: [&str; 24] = [
    "Tamm", "Kask", "Mägi", "Õunapuu", "Lepik", "Saar", "Rand", "Kuusk", "Pärn", "Tammsaar", "Kaasik", "Mänd", "Õun",
    "Lepp", "Sarapuu", "Rebane", "Kukk", "Põld", "Talvik", "Karu", "Männik", "Laas", "Sepp", "Raud",
];
const FIRST: [&str; 12] =
    ["Mari", "Jaan", "Kadri", "Mart", "Liis", "Tõnu", "Anu", "Peeter", "Triin", "Rein", "Piret", "Andres"];

/// The `n`-th person born from `year` on: code, last name and first name. Some 2,000 are born a day.
fn person(year: i32, n: u64) -> [String; 3] {
    let born = NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or_default() + Days::new(n / 1_998);
    let sex = if (n / 999).is_multiple_of(2) { Sex::Female } else { Sex::Male };
    let code = PersonalCode::fictitious_ee(born, sex, u16::try_from(n % 999).unwrap_or(0)).expect("a code");
    let at = usize::try_from(n).unwrap_or(0);
    let (last, first) = (LAST[at / 7 % LAST.len()], FIRST[at / 24 % FIRST.len()]);
    [code.as_str().to_owned(), last.to_owned(), first.to_owned()]
}

/// The `n`-th registry code, of the range of state and municipal institutions.
fn registry_code(n: u64) -> String {
    let body = 7_500_000 + n;
    (0..10).map(|d| format!("{body}{d}")).find(|c| check_ee(c).is_ok()).expect("one of ten is right")
}

/// The columns of a list with what stands in row `k` of an institution, about the `n`-th person of all.
fn row(list: &str, place: &Institution, n: u64, k: u64) -> Vec<(&'static str, String)> {
    let person_of = |year| {
        let [code, last, first] = person(year, n);
        vec![("personal_code", code), ("last_name", last), ("first_name", first)]
    };
    let text = str::to_owned;
    match list {
        "kindergarten_attendance" => {
            let [guardian, last, first] = person(1985, n);
            let mut row = person_of(2021);
            row.extend([
                ("mother_tongue", text("et")),
                ("language_of_instruction", text("et")),
                ("admitted_on", text("2025-09-01")),
                ("group_registered_on", text("2025-09-01")),
                ("group_name", format!("Rühm {}", k / 20)),
                ("group_kind", text("kindergarten")),
                ("institution_regcode", place.registry_code.clone()),
                ("guardians[1]/kind", text("parent")),
                ("guardians[1]/personal_code", guardian),
                ("guardians[1]/last_name", last),
                ("guardians[1]/first_name", first),
                ("guardians[1]/email", text("vanem@kodu.example")),
            ]);
            row
        }
        "hobby_study" => {
            let mut row = person_of(2013);
            row.extend([
                ("curriculum_name", text("Klaver")),
                ("hobby_group", format!("Rühm {}", k / 12)),
                ("school_started_on", text("2025-09-01")),
                ("group_started_on", text("2025-09-01")),
            ]);
            row
        }
        "school_study" => {
            let class = k / 24;
            let (grade, parallel) = (1 + class % 12, u8::try_from(class / 12 % 26).unwrap_or(0));
            let mut row = person_of(2010);
            row.extend([
                ("institution", place.id.to_string()),
                ("class_code", grade.to_string()),
                ("class_parallel", char::from(b'A' + parallel).to_string()),
                ("class_stage", text(["I", "II", "III", "gymnasium"][usize::try_from((grade - 1) / 3).unwrap_or(0)])),
                ("class_kind", text("ordinary")),
                ("language_of_instruction", text("et")),
                ("mother_tongue", text("et")),
                ("curriculum", text(if grade > 9 { "gymnasium" } else { "basic" })),
                ("study_form", text("daytime")),
                ("citizenship", text("EST")),
                ("enrolled_on", text("2025-09-01")),
                ("first_grade_year", (2026 - grade).to_string()),
            ]);
            row
        }
        _ => {
            let mut row = person_of(1970);
            row.extend([
                ("contract_number", format!("TL-{}", k + 1)),
                ("contract_concluded_on", text("2024-08-20")),
                ("work_started_on", text("2024-09-01")),
                ("post", text("teacher")),
                ("salary", text("1820.00")),
                ("load", text("1.00")),
                ("salary_by_load", text("1820.00")),
                ("meets_qualification", text("true")),
                ("education[1]/level", text("professional_higher")),
                ("email", text("tootaja@kool.example")),
                ("institution", place.id.to_string()),
                ("post_funding_source", text("city_budget")),
            ]);
            row
        }
    }
}

/// The sheet of an institution's list, of the people from `first` on.
fn sheet(list: &str, place: &Institution, first: u64, rows: u64) -> Table {
    let kind = |name: &str| if name.ends_with("_on") { ColumnKind::Date } else { ColumnKind::Text };
    let columns = row(list, place, first, 0).into_iter().map(|(name, _)| Column {
        name: name.to_owned(),
        label: name.to_owned(),
        kind: kind(name),
    });
    let mut table = Table::new(list.to_owned(), columns.collect());
    for k in 0..rows {
        let cells = row(list, place, first + k, k);
        let cells = cells.iter().map(|(name, v)| Cell::from_json(&json!(v), kind(name), chrono_tz::Tz::UTC));
        table.push(cells.collect()).expect("a row of the table's width");
    }
    table
}

fn as_csv(table: &Table) -> Vec<u8> {
    csv(table, CsvOptions::rfc4180()).expect("a text file")
}

// ── The register ────────────────────────────────────────────────────────────────────────────────────

struct Bench {
    app: App,
    clock: Arc<ManualClock>,
    options: Options,
    controller: Uuid,
    institutions: Vec<Institution>,
    /// Where the measured sheets go: an institution that is in none of the other figures.
    spare: Institution,
}

/// Gives a new user a role, by `by` or, without one, as the installation gives the first.
async fn user(
    app: &App,
    by: Option<Uuid>,
    name: String,
    role: &str,
    institution_id: Option<Uuid>,
    basis: &str,
) -> Uuid {
    let added = app.add_user(name.clone(), name, None, "rütmiproovi parool".into()).await;
    let user_id = added.unwrap_or_else(|e| panic!("the database must be empty: {e:?}"));
    let new = NewGrant {
        user_id,
        role: role.into(),
        institution_id,
        sections: None,
        from: day("2020-01-01"),
        until: None,
        basis: Basis { kind: basis.into(), reference: "rütmiproov 1".into() },
        task: None,
        application_id: None,
    };
    let granted = match by {
        None => app.grant_as_installation(REGISTER, new).await.map(|_| ()),
        Some(by) => app.issue_grant(ActContext::user(by), REGISTER.into(), new).await.map(|_| ()),
    };
    granted.unwrap_or_else(|e| panic!("{role}: {e:?}"));
    user_id
}

async fn document(app: &App, by: Uuid, kind: &str, institution_id: Option<Uuid>) -> Uuid {
    let data = DocumentData {
        kind: kind.into(),
        number: Some("1".into()),
        date: Some(day("2020-01-01")),
        institution_id,
        ..DocumentData::default()
    };
    let made = app.add_document(ActContext::user(by), REGISTER.into(), data, None).await;
    made.unwrap_or_else(|e| panic!("{kind}: {e:?}")).get().id
}

/// Those who set the register up.
struct Office {
    controller: Uuid,
    administrator: Uuid,
    licence: Uuid,
}

async fn institution(app: &App, office: &Office, n: u64, kind: &'static str) -> Institution {
    let registry_code = registry_code(n);
    let data = json!({
        "institution_name": format!("Näidisasutus {n}"),
        "registry_code": registry_code,
        "institution_kind": kind,
        "general_info": { "owner_form": if kind == "private_school" { "private" } else { "municipal" } },
        "contact_info": { "address": "Näidise tänav 1, Näidiste linn", "email": format!("asutus{n}@kool.example") },
    });
    let new = NewRecord {
        record_type: "institution".into(),
        institution_id: None,
        effective_on: day("2020-01-01"),
        base_document_ids: vec![office.licence],
        data,
    };
    let made = app.create_record(ActContext::user(office.controller), REGISTER.into(), new).await;
    let id = made.unwrap_or_else(|e| panic!("{e:?}")).get().id;
    let by = Some(office.administrator);
    let head = user(app, by, format!("juht.{n}"), "institution_head", Some(id), "application").await;
    let learning = match kind {
        "preschool" => "director_order_admission",
        "hobby_school" => "hobby_director_order_admission",
        _ => "ehis_data",
    };
    let admission = document(app, head, learning, Some(id)).await;
    let contract = document(app, head, "employment_contract", Some(id)).await;
    Institution { id, kind, head, registry_code, admission, contract, pupils: 0, employees: 0 }
}

/// The share of `whole` that falls on the part from `before` to `before + own` of `all`.
fn share(whole: u64, before: u64, own: u64, all: u64) -> u64 {
    let share = |part: u64| (whole * part).checked_div(all).unwrap_or(0);
    share(before + own) - share(before)
}

impl Bench {
    async fn fill(app: App, clock: Arc<ManualClock>, options: Options) -> Self {
        app.load_definitions().await.expect("definitions");
        let order = "controllers_order";
        let controller = user(&app, None, "vastutav".into(), "controller", None, order).await;
        let administrator = user(&app, Some(controller), "haldur".into(), "administrator", None, order).await;
        let licence = document(&app, controller, "education_licence", None).await;
        let office = Office { controller, administrator, licence };
        let started = Instant::now();
        let mut institutions = Vec::new();
        for n in 0..options.institutions {
            institutions.push(institution(&app, &office, n, kind(n)).await);
        }
        let spare = institution(&app, &office, options.institutions, "general_school").await;
        println!("institutions, heads and documents in {:.1} s", started.elapsed().as_secs_f64());

        let all: u64 = institutions.iter().skip(1).map(|i| weight(i.kind)).sum();
        let working = |i: &Institution| if i.kind == "private_school" { 0 } else { weight(i.kind) };
        let all_working: u64 = institutions.iter().map(working).sum();
        let (mut before, mut before_working) = (0, 0);
        for (n, place) in institutions.iter_mut().enumerate() {
            if n == 0 {
                place.pupils = options.largest;
            } else {
                place.pupils = share(options.pupils - options.largest, before, weight(place.kind), all);
                before += weight(place.kind);
            }
            place.employees = share(options.employees, before_working, working(place), all_working);
            before_working += working(place);
        }
        let bench = Self { app, clock, options, controller, institutions, spare };
        bench.people().await;
        bench
    }

    /// A sheet for each institution and list.
    async fn people(&self) {
        let started = Instant::now();
        let bar = indicatif::ProgressBar::new(self.options.pupils + self.options.employees);
        bar.set_style(
            indicatif::ProgressStyle::with_template("filling {wide_bar} {pos}/{len} {per_sec} {eta}")
                .unwrap_or_else(|_| indicatif::ProgressStyle::default_bar()),
        );
        let (mut pupils, mut employees) = (0, 0);
        for place in &self.institutions {
            let lists = [
                (learners(place.kind), &mut pupils, place.pupils),
                ("staff_contract", &mut employees, place.employees),
            ];
            for (list, first, rows) in lists {
                if rows > 0 {
                    let report = self.enter(place, list, &as_csv(&sheet(list, place, *first, rows)), false).await;
                    assert_eq!(report.new, usize::try_from(rows).unwrap_or(0), "{list}");
                }
                *first += rows;
                bar.inc(rows);
            }
        }
        bar.finish_and_clear();
        let seconds = started.elapsed().as_secs_f64();
        let people = pupils + employees;
        println!("filled {people} people in {seconds:.1} s, {:.0}/s", number(people) / seconds);
    }

    /// Imports a sheet as the head does.
    async fn enter(&self, place: &Institution, list: &str, bytes: &[u8], dry_run: bool) -> ImportReport {
        let new = NewImport {
            record_type: list.to_owned(),
            institution_id: place.id,
            effective_on: day("2025-09-01"),
            base_document_ids: vec![if list == "staff_contract" { place.contract } else { place.admission }],
            mapping: None,
            keep_mapping: false,
            sheet: None,
            delimiter: None,
            encoding: None,
            header_row: None,
            creates: true,
            changes: true,
            mended: Default::default(),
            dry_run,
        };
        let file = Incoming { name: "leht".into(), claimed: None, bytes: bytes.to_vec() };
        let done = self.app.import(ActContext::user(place.head), REGISTER.into(), new, file).await;
        let report = done.unwrap_or_else(|e| panic!("{list}: {e:?}")).report.into_inner();
        assert_eq!(report.faulty, 0, "{list}: {:?}", report.faults.first());
        assert_eq!(report.state, if dry_run { "checked" } else { "done" }, "{list}");
        report
    }

    fn wanted(&self, name: &str) -> bool {
        self.options.only.is_empty() || self.options.only.iter().any(|o| o == name)
    }

    /// Repeats what can be repeated and prints a line.
    async fn repeat<T>(&self, name: &str, asked: &str, act: impl AsyncFn() -> T) -> Option<T> {
        let (mut took, mut last) = (Vec::new(), None);
        for _ in 0..self.options.runs {
            last = Some(timed(&mut took, act()).await);
        }
        report(name, asked, took);
        last
    }

    // ── Sheets ──────────────────────────────────────────────────────────────────────────────────────

    async fn imports(&self) {
        if !self.wanted("import") {
            return;
        }
        let (rows, place, list) = (self.options.rows, &self.spare, "school_study");
        let expected = usize::try_from(rows).unwrap_or(0);
        // Nobody on these sheets is on another one.
        let mut first = self.options.pupils;
        for (shape, write) in [("CSV", as_csv as fn(&Table) -> Vec<u8>), ("XLSX", as_xlsx)] {
            let bytes = write(&sheet(list, place, first, rows));
            first += rows;
            let line = |what: &str| format!("{what}, {rows} rows, {shape} of {} kB", bytes.len() / 1024);
            let mut took = Vec::new();
            let checked = timed(&mut took, self.enter(place, list, &bytes, true)).await;
            assert_eq!(checked.new, expected);
            report(&line("dry run of a sheet"), "", took);
            let mut took = Vec::new();
            let done = timed(&mut took, self.enter(place, list, &bytes, false)).await;
            assert_eq!(done.new, expected);
            report(&line("import of a sheet"), "< 10 s", took);
            let mut took = Vec::new();
            let again = timed(&mut took, self.enter(place, list, &bytes, false)).await;
            assert_eq!(again.unchanged, expected);
            report(&line("the same again"), "", took);
            let mut took = Vec::new();
            let undo = self.app.undo_import(ActContext::user(place.head), REGISTER.into(), done.import_id);
            timed(&mut took, undo).await.unwrap_or_else(|e| panic!("{e:?}"));
            report(&line("undo of the import"), "", took);
        }
    }

    // ── Nights ──────────────────────────────────────────────────────────────────────────────────────

    /// What the job of the night does; the days move on whether it is measured or not.
    async fn nights(&self) {
        let nights = [
            (FILLED_AT, "first computation of all duties"),
            (FILLED_AT, "second"),
            (SCHOOLS_OPEN, "night when the schools' window opens"),
            (AUTUMN, "night when schools are late, others' window opens"),
            (AUTUMN, "the same night once more"),
        ];
        for (at, name) in nights {
            self.clock.set(moment(at));
            let mut took = Vec::new();
            let cx = ActContext::installation("job:confirmations");
            let done = timed(&mut took, self.app.reckon_confirmations(&cx)).await;
            let (reckoned, letters) = done.unwrap_or_else(|e| panic!("{e:?}"));
            if self.wanted("night") {
                report(&format!("{name}: {} duties new, {letters} letters", reckoned.new), "< 1 min", took);
            }
        }
    }

    // ── The board ───────────────────────────────────────────────────────────────────────────────────

    async fn page(&self, query: BoardQuery) -> BoardPage {
        let cx = ActContext::user(self.controller);
        let page = self.app.list_confirmations(cx, REGISTER.into(), query).await;
        page.unwrap_or_else(|e| panic!("{e:?}")).into_inner()
    }

    async fn board(&self) {
        if !self.wanted("board") {
            return;
        }
        let of = |due_on: Option<&str>, status, limit| BoardQuery {
            due_on: due_on.map(day),
            status,
            limit,
            ..BoardQuery::default()
        };
        let pages = [
            ("board of the schools' day, 50", of(Some(SCHOOLS_DUE), None, 50)),
            ("board of the schools' day, 500", of(Some(SCHOOLS_DUE), None, 500)),
            ("board of the others' day, 50", of(Some(OTHERS_DUE), None, 50)),
            ("board of the others' day, 500", of(Some(OTHERS_DUE), None, 500)),
            ("board of all days, 50", of(None, None, 50)),
            ("board of all days, 500", of(None, None, 500)),
            ("board, overdue on the schools' day, 50", of(Some(SCHOOLS_DUE), Some("overdue"), 50)),
            ("board, overdue on any day, 500", of(None, Some("overdue"), 500)),
            ("board, open on the others' day, 50", of(Some(OTHERS_DUE), Some("open"), 50)),
            ("board, confirmed late on the schools' day, 50", of(Some(SCHOOLS_DUE), Some("confirmed_late"), 50)),
            ("board, upcoming, 500", of(None, Some("upcoming"), 500)),
        ];
        for (name, query) in pages {
            let found = self.page(query.clone()).await.items.len();
            self.repeat(&format!("{name} ({found} shown)"), "< 200 ms", async || self.page(query.clone()).await).await;
        }
        for (name, due_on) in [("summary of the others' day", Some(day(OTHERS_DUE))), ("summary of all days", None)] {
            let cx = || ActContext::user(self.controller);
            let act = async || self.app.summarise_confirmations(cx(), REGISTER.into(), due_on).await.map(|_| ());
            self.repeat(name, "< 200 ms", act).await.expect("a summary").unwrap_or_else(|e| panic!("{e:?}"));
        }
    }

    // ── Schools that confirm ────────────────────────────────────────────────────────────────────────

    async fn duty(&self, place: &Institution, due_on: &str) -> Uuid {
        let query =
            BoardQuery { due_on: Some(day(due_on)), institution_id: Some(place.id), limit: 1, ..BoardQuery::default() };
        self.page(query).await.items.first().unwrap_or_else(|| panic!("no duty on {due_on}")).id
    }

    async fn checklist(&self, place: &Institution, duty: Uuid) -> ChecklistView {
        let list = self.app.read_confirmation(ActContext::user(place.head), REGISTER.into(), duty).await;
        let list = list.unwrap_or_else(|e| panic!("{e:?}")).into_inner();
        let first = list.findings.first().map(|f| &f.detail);
        assert_eq!(list.blockers, 0, "{first:?}");
        list
    }

    async fn confirm(&self, place: &Institution, duty: Uuid, snapshot_root: String) {
        let statement = Statement { snapshot_root, statement: true, exceptions: Vec::new() };
        let done = self.app.confirm(ActContext::user(place.head), REGISTER.into(), duty, statement).await;
        done.unwrap_or_else(|e| panic!("{e:?}"));
    }

    async fn pupils_of(&self, place: &Institution) -> Vec<(Uuid, i64)> {
        let query = ListQuery { institution_id: Some(place.id), limit: 500, ..ListQuery::default() };
        let list = self.app.list_records(ActContext::user(place.head), REGISTER.into(), "school_study".into(), query);
        let page = list.await.unwrap_or_else(|e| panic!("{e:?}")).into_inner();
        page.items.iter().map(|r| (r.id, r.version)).collect()
    }

    /// The largest school confirms three days, the others the last one; gives the largest and some of its pupils.
    async fn schools(&self) -> (Institution, Vec<(Uuid, i64)>) {
        let school = self.institutions[0].clone();
        let pupils = self.pupils_of(&school).await;
        if self.wanted("school") {
            let size = school.pupils + school.employees;
            let name = |what: &str| format!("{what}, school of {size}");
            let mut took = Vec::new();
            for due_on in ["2025-09-10", "2026-01-10", SCHOOLS_DUE] {
                let duty = self.duty(&school, due_on).await;
                let list = self.checklist(&school, duty).await;
                assert_eq!(list.size, usize::try_from(size).unwrap_or(0));
                if due_on == SCHOOLS_DUE {
                    self.repeat(&name("checklist"), "", async || self.checklist(&school, duty).await).await;
                }
                timed(&mut took, self.confirm(&school, duty, list.snapshot_root)).await;
            }
            report(&name("confirmed: checked and sealed"), "< 1 s", took);
            let duty = self.duty(&school, SCHOOLS_DUE).await;
            let cx = || ActContext::user(school.head);
            let receipt = async || self.app.read_receipt(cx(), REGISTER.into(), duty).await.map(|_| ());
            self.repeat(&name("receipt"), "", receipt).await.expect("one").unwrap_or_else(|e| panic!("{e:?}"));
            let print = async || self.app.print_receipt(cx(), REGISTER.into(), duty, Lang::Et).await.map(|_| ());
            self.repeat(&name("receipt as PDF"), "", print).await.expect("one").unwrap_or_else(|e| panic!("{e:?}"));
            let pupil = pupils[pupils.len() / 2].0;
            let prove = async || self.app.prove_confirmation(cx(), REGISTER.into(), duty, pupil).await.map(|_| ());
            self.repeat(&name("proof of a pupil"), "", prove).await.expect("one").unwrap_or_else(|e| panic!("{e:?}"));
            // What is corrected afterwards shows as drift.
            let drifted = pupils.iter().take(25);
            for (pupil, version) in drifted.clone() {
                self.amend(&school, *pupil, *version).await;
            }
            let list = self.repeat(&name("drift afterwards"), "", async || self.checklist(&school, duty).await).await;
            let drift = list.and_then(|l| l.drift).map_or(0, |d| d.changed);
            assert_eq!(drift, drifted.len(), "what was changed shows");
        }
        let others = self.institutions.iter().skip(1).filter(|i| i.kind == "general_school" && i.pupils > 0);
        let mut took = Vec::new();
        for place in others.take(self.options.confirmed) {
            let duty = self.duty(place, SCHOOLS_DUE).await;
            let root = self.checklist(place, duty).await.snapshot_root;
            timed(&mut took, self.confirm(place, duty, root)).await;
        }
        if self.wanted("school") && !took.is_empty() {
            report("confirmed: each of the other schools", "< 1 s", took);
        }
        (school, pupils)
    }

    async fn amend(&self, place: &Institution, pupil: Uuid, version: i64) {
        let change = Amendment {
            effective_on: Some(day("2026-09-01")),
            base_document_ids: vec![place.admission],
            data: json!({ "class_parallel": "Z" }) as Value,
            entry_id: None,
            reason: None,
            ground: None,
        };
        let cx = ActContext { if_match: Some(version), ..ActContext::user(place.head) };
        let act = self.app.change_record(cx, REGISTER.into(), "school_study".into(), pupil, change).await;
        act.unwrap_or_else(|e| panic!("{e:?}"));
    }

    // ── Lists that go out ───────────────────────────────────────────────────────────────────────────

    async fn exports(&self, school: &Institution, pupils: Vec<(Uuid, i64)>) {
        if !self.wanted("export") {
            return;
        }
        assert!(!pupils.is_empty());
        let query = ListQuery { institution_id: Some(school.id), limit: 500, ..ListQuery::default() };
        for shape in [Shape::Csv, Shape::Xlsx] {
            let export = Export { shape, lang: Lang::Et, machine_names: false };
            let act = async || {
                let cx = ActContext::user(school.head);
                self.app.export_records(cx, REGISTER.into(), "school_study".into(), query.clone(), export).await
            };
            let name = format!("export of {} pupils, {}", school.pupils, shape.as_str());
            let made = self.repeat(&name, "", act).await.expect("one").unwrap_or_else(|e| panic!("{e:?}"));
            assert!(made.get().bytes.len() > 1_000);
        }
    }
}

fn as_xlsx(table: &Table) -> Vec<u8> {
    xlsx_table(table, Lang::Et).expect("a workbook")
}

// ── Figures ─────────────────────────────────────────────────────────────────────────────────────────

async fn timed<T>(took: &mut Vec<Duration>, act: impl Future<Output = T>) -> T {
    let started = Instant::now();
    let done = act.await;
    took.push(started.elapsed());
    done
}

fn report(name: &str, asked: &str, mut took: Vec<Duration>) {
    took.sort_unstable();
    let ms = |d: Option<&Duration>| d.map_or(0.0, Duration::as_secs_f64) * 1_000.0;
    let at = |share: usize| ms(took.get(took.len() * share / 100));
    println!("{name:<72} {:>5} {:>11.1} {:>11.1} {:>11.1}   {asked}", took.len(), at(50), at(99), ms(took.last()));
}

fn moment(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
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
