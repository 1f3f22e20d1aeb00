//! Copies of the database: what a copy brings back, what it refuses, and which stay.

use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use age::secrecy::ExposeSecret as _;
use age::x25519::Identity;
use andmekogu::app::{ActContext, LogKeys};
use andmekogu::backup::copy::Copy;
use andmekogu::backup::create::create;
use andmekogu::backup::restore::{restore, scratch, verify};
use andmekogu::backup::{Error, Place as Backups, erasures, key_name};
use andmekogu::clock::{ManualClock, Stamps};
use andmekogu::domain::audit::checkpoint::NoteSigner;
use andmekogu::domain::backup::{Erasure, Obstacle};
use andmekogu::domain::registers::Registers;
use andmekogu::jobs::Jobs;
use andmekogu::store::DatabaseUrl;
use andmekogu::store::jobs::Ended;
use andmekogu::store::migrate::migrate;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::people::{School, code};
use crate::harness::{Harness, Place, REGISTER, on_both_databases, shipped};
use crate::retention::just_left;

const DOMAIN: &str = "log.example";
const SEED: [u8; 32] = [5; 32];

/// Where copies go, and the two private keys that are not on the server.
struct Vault {
    folder: tempfile::TempDir,
    place: Arc<Backups>,
    operator: Identity,
    safe: Identity,
}

impl Vault {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Backups)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (operator, safe) = (Identity::generate(), Identity::generate());
        let keys = LogKeys { domain: DOMAIN.into(), seed: SEED, own: None };
        let mut place = Backups {
            folder: folder.path().join("copies"),
            recipients: vec![operator.to_public().to_string(), safe.to_public().to_string()],
            least: 2,
            hour: 2,
            signer: NoteSigner::new(key_name(DOMAIN), &SEED).unwrap(),
            log_key: Box::new(move |register| keys.signer(register).ok().map(|s| s.verifier().clone())),
        };
        change(&mut place);
        Self { folder, place: Arc::new(place), operator, safe }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.folder.join(name)
    }

    fn open(&self, name: &str) -> Copy {
        Copy::open(&self.path(name), self.place.signer.verifier()).unwrap()
    }

    fn restore(
        &self,
        name: &str,
        url: &DatabaseUrl,
        key: &Identity,
    ) -> Result<andmekogu::backup::restore::Report, Error> {
        let clock = Arc::new(ManualClock::at(at("2026-11-20T10:30:00Z")));
        restore(
            &mut self.open(name),
            std::slice::from_ref(key),
            url,
            &erasures::path(&self.place.folder),
            &Registers::new(shipped()).unwrap(),
            &Stamps::new(clock),
        )
    }
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// An empty database of each engine that there is.
fn targets() -> Vec<Place> {
    [Some(Place::sqlite()), Place::postgres()].into_iter().flatten().collect()
}

/// A small database that is nobody's in particular: migrated, with a row or two.
fn small() -> Place {
    let place = Place::sqlite();
    migrate(&place.url).unwrap();
    place.sql("INSERT INTO lease (register, name, holder, until_at) VALUES ('r', 'a', 'kanaarilind', 7)").unwrap();
    place
}

#[test]
fn a_copy_of_either_database_comes_back_in_either() {
    on_both_databases(|h| {
        let s = School::open(h);
        s.h.integrated();
        let vault = Vault::new();
        let made = create(&vault.place, &s.h.place.url, s.h.app.store.now()).unwrap();
        assert!(made.report.is_sound() && made.report.records >= 4, "{:?}", made.report);
        for target in targets() {
            let report = vault.restore(&made.name, &target.url, &vault.safe).unwrap();
            assert!(report.is_sound(), "{:?}", report.faults);
            let there = Harness::with(target, shipped());
            there.set_clock("2026-11-20T11:00:00Z");
            assert_eq!(there.place.count("SELECT count(*) FROM session WHERE ended_at IS NULL"), 0, "all logged out");
            assert_eq!(there.place.count("SELECT count(*) FROM audit_event WHERE action = 'backup.restore'"), 1);
            let clerk = there.login("hr_clerk");
            let (before, after) = (s.clerk.get(&s.path()).expect(200).body, clerk.get(&s.path()).expect(200).body);
            assert_eq!(before, after, "the record as it was");
            // Work goes on.
            s.office.hire(&clerk, "Kask", &code(1991, 3));
        }
    });
}

#[test]
fn no_table_is_left_out() {
    on_both_databases(|h| {
        let vault = Vault::new();
        // What waits for its place in the tree would be gone from its table a moment later.
        h.integrated();
        let made = create(&vault.place, &h.place.url, h.app.store.now()).unwrap();
        let tables = vault.open(&made.name).manifest.tables;
        let there = match &h.place.url {
            DatabaseUrl::Pg(_) => "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'",
            DatabaseUrl::Sqlite(_) => {
                "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
            }
        };
        // The library's own list of migrations is not ours.
        assert_eq!(i64::try_from(tables.len()).unwrap(), h.place.count(there) - 1);
        for (table, rows) in &tables {
            let count = h.place.count(&format!("SELECT count(*) FROM {table}"));
            assert!(count >= i64::try_from(*rows).unwrap(), "{table}");
        }
        assert!(tables["audit_event"] > 0 && tables["definition"] > 0);
    });
}

#[test]
fn whoever_has_another_key_or_too_few_keys_gets_nothing() {
    let (place, vault) = (small(), Vault::new());
    let made = create(&vault.place, &place.url, at("2026-11-20T02:00:00Z")).unwrap();
    let target = vault.folder.path().join("new.sqlite");
    let url = DatabaseUrl::Sqlite(target.display().to_string());
    let refused = vault.restore(&made.name, &url, &Identity::generate()).unwrap_err().to_string();
    assert!(refused.contains("none of the keys given opens it"), "{refused}");
    assert!(!target.exists(), "not even an empty file");
    // Each of the two opens it alone.
    for key in [&vault.operator, &vault.safe] {
        let scratch = scratch(vault.folder.path()).unwrap();
        assert!(verify(&mut vault.open(&made.name), std::slice::from_ref(key), scratch.path()).unwrap().is_sound());
    }
    let one = Vault::with(|place| place.recipients.truncate(1));
    let refused = create(&one.place, &place.url, at("2026-11-20T02:00:00Z")).unwrap_err().to_string();
    assert!(refused.contains("2 recipients at least, and 1 are set"), "{refused}");
    let twice = Vault::with(|place| place.recipients[1] = place.recipients[0].clone());
    assert!(create(&twice.place, &place.url, at("2026-11-20T02:00:00Z")).is_err(), "the same twice is one");
    assert!(!one.place.folder.exists());
    // Signed by another installation.
    let other = NoteSigner::new(key_name(DOMAIN), &[6; 32]).unwrap();
    let refused = Copy::open(&vault.path(&made.name), other.verifier()).unwrap_err().to_string();
    assert!(refused.contains("its manifest cannot be believed"), "{refused}");
}

#[test]
fn a_database_in_use_is_never_overwritten() {
    on_both_databases(|h| {
        let s = School::open(h);
        let vault = Vault::new();
        let made = create(&vault.place, &s.h.place.url, s.h.app.store.now()).unwrap();
        let events = s.h.place.count("SELECT count(*) FROM audit_event");
        let refused = vault.restore(&made.name, &s.h.place.url, &vault.operator).unwrap_err().to_string();
        assert!(refused.contains("the database is not empty"), "{refused}");
        assert_eq!(s.h.place.count("SELECT count(*) FROM audit_event"), events);
        s.clerk.get(&s.path()).expect(200);
    });
}

#[test]
fn a_copy_of_an_older_schema_is_brought_up_to_date_and_one_of_a_newer_refused() {
    use diesel::prelude::*;
    use diesel_migrations::{FileBasedMigrations, MigrationHarness as _};
    let vault = Vault::new();
    let older = Place::sqlite();
    let DatabaseUrl::Sqlite(path) = &older.url else { unreachable!() };
    let mut conn = SqliteConnection::establish(path).unwrap();
    let steps = || FileBasedMigrations::from_path("migrations/sqlite").unwrap();
    let first = conn.run_next_migration(steps()).unwrap().to_string();
    drop(conn);
    older.sql("INSERT INTO lease (register, name, holder, until_at) VALUES ('r', 'a', 'b', 7)").unwrap();
    let made = create(&vault.place, &older.url, at("2026-11-20T02:00:00Z")).unwrap();
    assert_eq!(vault.open(&made.name).manifest.schema, first);
    for target in targets() {
        assert!(vault.restore(&made.name, &target.url, &vault.operator).unwrap().is_sound());
        assert!(migrate(&target.url).unwrap().is_empty(), "nothing is missing");
        assert_eq!(target.count("SELECT until_at FROM lease"), 7);
        assert_eq!(target.count("SELECT count(*) FROM draft"), 0, "a table that the copy did not know");
    }
    let newer = small();
    newer.sql("INSERT INTO __diesel_schema_migrations (version) VALUES ('29991231000001')").unwrap();
    let refused = create(&vault.place, &newer.url, at("2026-11-21T02:00:00Z")).unwrap_err().to_string();
    assert!(refused.contains("29991231000001 is newer than any that this program knows"), "{refused}");
    let name = "2026-11-21T020000Z.andmekogu-backup";
    assert!(vault.place.list().unwrap().copies.iter().any(|c| c.name == name && c.verified_at.is_none()));
    for target in targets() {
        let refused = vault.restore(name, &target.url, &vault.operator).unwrap_err().to_string();
        assert!(refused.contains("use the program that made the copy, or a newer one"), "{refused}");
        assert!(andmekogu::store::backup::is_empty(&target.url).unwrap(), "nothing was left behind");
    }
}

#[test]
fn a_copy_that_is_made_while_sixty_four_write_is_one_state_of_the_register() {
    on_both_databases(|h| {
        let s = School::open(h);
        let vault = Vault::new();
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let (stop, s) = (&stop, &s);
            for n in 0..64_u16 {
                scope.spawn(move || {
                    let mut serial = 0;
                    while !stop.load(Ordering::Relaxed) && serial < 40 {
                        s.office.hire(&s.clerk, "Lepp", &code(1950 + i32::from(n) % 50, 100 + n / 50 * 100 + serial));
                        serial += 1;
                    }
                });
            }
            let mut records = Vec::new();
            for second in 0..3 {
                let now = at("2026-11-20T10:00:00Z") + TimeDelta::seconds(second);
                let made = create(&vault.place, &s.h.place.url, now).unwrap();
                assert!(made.report.is_sound());
                records.push(made.report.records);
            }
            stop.store(true, Ordering::Relaxed);
            assert!(records[0] < records[2], "they did write meanwhile: {records:?}");
        });
        let copies = vault.place.list().unwrap().copies;
        assert_eq!(copies.len(), 3);
        for copy in copies {
            let scratch = scratch(vault.folder.path()).unwrap();
            let report =
                verify(&mut vault.open(&copy.name), std::slice::from_ref(&vault.safe), scratch.path()).unwrap();
            assert!(report.is_sound() && report.audits.iter().all(|a| a.is_sound()), "{:?}", report.faults);
        }
        s.h.integrated();
    });
}

/// Deterministic, so that a failure can be repeated (xorshift64*).
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % n
    }
}

#[test]
fn ten_thousand_damaged_copies_are_refused_before_a_row_is_written() {
    let (place, vault) = (small(), Vault::new());
    let made = create(&vault.place, &place.url, at("2026-11-20T02:00:00Z")).unwrap();
    let path = vault.path(&made.name);
    let whole = std::fs::read(&path).unwrap();
    let verifier = vault.place.signer.verifier();
    let look = || Copy::open(&path, verifier).and_then(|mut copy| copy.check());
    look().unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    let length = u64::try_from(whole.len()).unwrap();
    let mut chance = Chance(20_261_122);
    let registers = Registers::new(shipped()).unwrap();
    let target = vault.folder.path().join("new.sqlite");
    let url = DatabaseUrl::Sqlite(target.display().to_string());
    for round in 0..10_000_u64 {
        let what = if round % 10 == 0 {
            let end = chance.below(length);
            file.set_len(end).unwrap();
            format!("cut at {end}")
        } else {
            // The first rounds walk through the head and the end of the file, byte by byte.
            let place = match round {
                0..600 => length - 1 - round,
                600..1200 => round - 600,
                _ => chance.below(length),
            };
            let bit = 1 << chance.below(8);
            file.write_all_at(&[whole[usize::try_from(place).unwrap()] ^ bit], place).unwrap();
            format!("bit {bit} of byte {place}")
        };
        assert!(look().is_err(), "{what} of {length}");
        if round % 500 == 0 {
            let opened = Copy::open(&path, verifier);
            let key = std::slice::from_ref(&vault.operator);
            let clock = Arc::new(ManualClock::at(at("2026-11-21T08:00:00Z")));
            let list = erasures::path(&vault.place.folder);
            let restored =
                opened.and_then(|mut copy| restore(&mut copy, key, &url, &list, &registers, &Stamps::new(clock)));
            assert!(restored.is_err() && !target.exists(), "{what}");
        }
        file.set_len(length).unwrap();
        file.write_all_at(&whole, 0).unwrap();
    }
    look().unwrap();
    std::fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .and_then(|mut f| std::io::Write::write_all(&mut f, b"x"))
        .unwrap();
    assert!(look().is_err(), "nor may anything follow");
}

#[test]
fn nothing_of_anybody_can_be_read_in_the_folder_of_the_copies() {
    let s = School::open(Harness::start(Place::sqlite()));
    s.office.hire(&s.clerk, "Kanaarilind", &code(1977, 7));
    let vault = Vault::new();
    create(&vault.place, &s.h.place.url, s.h.app.store.now()).unwrap();
    let canaries = ["Kanaarilind", "kanaarilind", &code(1977, 7), "Kuuse Kool", "argon2", "hr_clerk"];
    let mut files = 0;
    for item in std::fs::read_dir(&vault.place.folder).unwrap() {
        let item = item.unwrap();
        assert!(item.file_type().unwrap().is_file(), "the scratch database is gone");
        let bytes = std::fs::read(item.path()).unwrap();
        for canary in canaries {
            let found = bytes.windows(canary.len()).any(|w| w == canary.as_bytes());
            assert!(!found, "{canary} in {}", item.path().display());
        }
        files += 1;
    }
    assert_eq!(files, 3, "the copy, that it was verified, the list of erasures");
    let live = std::fs::read(s.h.place.text("SELECT file FROM pragma_database_list WHERE name = 'main'")).unwrap();
    let wal =
        std::fs::read(format!("{}-wal", s.h.place.text("SELECT file FROM pragma_database_list WHERE name = 'main'")));
    let both = [live, wal.unwrap_or_default()].concat();
    assert!(both.windows(11).any(|w| w == b"Kanaarilind"), "whereas in the database it stands");
}

fn erasure(erased_at: &str) -> Erasure {
    Erasure {
        register: "r".into(),
        record_id: Uuid::nil(),
        record_type: "boat".into(),
        fields: None,
        rules: json!([]),
        erased_at: at(erased_at).timestamp_micros(),
        batch_id: Uuid::nil(),
    }
}

#[test]
fn who_was_erased_since_does_not_come_back() {
    let (place, vault) = (small(), Vault::new());
    let folder = &vault.place.folder;
    erasures::append(folder, &[erasure("2026-10-01T12:00:00Z")]).unwrap();
    let made = create(&vault.place, &place.url, at("2026-11-20T02:00:00Z")).unwrap();
    let target = Place::sqlite();
    vault.restore(&made.name, &target.url, &vault.operator).unwrap();
    let list = erasures::path(folder);
    let known = std::fs::read_to_string(&list).unwrap();
    for (name, text, said) in [
        ("lost", None, "there is no list of erasures"),
        ("older", Some(String::new()), "older than the copy"),
        ("another", Some(known.replace("\"boat\"", "\"ship\"")), "it is not the list of erasures"),
        ("damaged", Some(format!("{known}{{\"register\":\"r\"\n")), "erasures.ndjson:2: the line is damaged"),
    ] {
        match text {
            Some(text) => std::fs::write(&list, text).unwrap(),
            None => std::fs::remove_file(&list).unwrap(),
        }
        let target = Place::sqlite();
        let refused = vault.restore(&made.name, &target.url, &vault.operator).unwrap_err().to_string();
        assert!(refused.contains(said), "{name}: {refused}");
    }
    std::fs::write(&list, known).unwrap();
    erasures::append(folder, &[erasure("2026-11-20T12:00:00Z")]).unwrap();
    let copy = vault.open(&made.name);
    let since = andmekogu::backup::restore::since(&copy.manifest, &list).unwrap();
    assert_eq!(since, [erasure("2026-11-20T12:00:00Z")]);
    assert!(andmekogu::store::backup::is_empty(&Place::sqlite().url).unwrap());
}

#[test]
fn yesterdays_copy_brings_back_nobody_who_was_erased_since() {
    on_both_databases(|h| {
        let vault = Vault::new();
        installed(&h, &vault);
        let (a, gone) = just_left(h);
        a.s.h.integrated();
        let made = create(&vault.place, &a.s.h.place.url, a.s.h.app.store.now()).unwrap();
        let list = erasures::path(&vault.place.folder);

        let a = a.on("2028-01-05");
        assert_eq!(a.destroy()["state"], "done");
        assert_eq!(erasures::read(&list).unwrap().lines(), 1, "what went of the record is listed beside the copies");
        for target in targets() {
            let report = vault.restore(&made.name, &target.url, &vault.safe).unwrap();
            assert!(report.is_sound(), "{:?}", report.faults);
            let there = Harness::with(target, shipped());
            there.set_clock("2028-01-05T09:00:00Z");
            let path = format!("/registers/{REGISTER}/records/employee/{gone}");
            let (here, restored) = (a.archivist.get(&format!("{path}/retention")), there.login("archivist"));
            let restored = restored.get(&format!("{path}/retention")).expect(200).body;
            assert_eq!(here.expect(200).body["parts"], restored["parts"], "what stayed goes on the same days");
        }

        let a = a.on("2037-01-05");
        assert_eq!(a.destroy()["state"], "done");
        assert_eq!(erasures::read(&list).unwrap().lines(), 2);
        for target in targets() {
            let report = vault.restore(&made.name, &target.url, &vault.safe).unwrap();
            assert!(report.is_sound(), "{:?}", report.faults);
            for table in ["entry", "record_state", "record_index", "record"] {
                let column = if table == "record" { "id" } else { "record_id" };
                assert_eq!(target.count(&format!("SELECT COUNT(*) FROM {table} WHERE {column} = '{gone}'")), 0);
            }
            assert_eq!(target.count("SELECT COUNT(*) FROM erasure"), 2);
            assert!(target.count("SELECT COUNT(*) FROM record") > 0, "everybody else is there");
        }
    });
}

#[test]
fn the_night_goes_on_with_what_was_cut_short_and_lists_what_was_erased_before_its_act_is_drawn() {
    let h = Harness::start(Place::sqlite());
    let vault = Vault::new();
    installed(&h, &vault);
    let (a, _) = just_left(h);
    let a = a.on("2037-01-05");
    // The list cannot be written: somebody put half a line into it.
    let list = erasures::path(&vault.place.folder);
    std::fs::create_dir_all(&vault.place.folder).unwrap();
    std::fs::write(&list, "{").unwrap();
    let id = a.archivist.post(&crate::retention::at("batches"), &json!({})).expect(201).id();
    crate::retention::decide(&a.archivist, &id, "destroy");
    a.controller.post(&crate::retention::at(&format!("batches/{id}/approval")), &json!({})).expect(200);
    let execution = crate::retention::at(&format!("batches/{id}/execution"));
    a.archivist.post(&execution, &json!({})).expect(500);
    a.archivist.get(&crate::retention::at(&format!("batches/{id}/act"))).expect(404);
    std::fs::write(&list, "").unwrap();
    let jobs = Jobs::new(a.s.h.app.clone(), None);
    let night = || a.s.h.block_on(jobs.run_now("retention")).unwrap().unwrap().detail;
    assert!(night().ends_with("0 carried to their end"), "somebody may still be at it");
    a.s.h.set_clock("2037-01-05T10:00:00Z");
    assert!(night().ends_with("1 carried to their end"));
    assert_eq!(erasures::read(&list).unwrap().lines(), 1);
    let archivist = a.s.h.login("archivist");
    archivist.get(&crate::retention::at(&format!("batches/{id}/act"))).expect(200);
}

/// An installation with a folder for its copies.
fn installed(h: &Harness, vault: &Vault) {
    assert!(h.app.backup.set(vault.place.clone()).is_ok());
}

#[test]
fn the_copies_of_spring_2028_are_thinned_out_as_the_statute_says() {
    let h = Harness::start(Place::sqlite());
    let vault = Vault::new();
    installed(&h, &vault);
    let cli = || ActContext::installation("cli");
    let mut now = at("2028-01-14T02:00:00Z");
    // The folder as it is on the last of March; the 15th of January and the 1st of February failed.
    while now <= at("2028-03-31T02:00:00Z") {
        let day = now.date_naive().to_string();
        if !["2028-01-15", "2028-02-01"].contains(&day.as_str()) {
            // Most of what thinning out looks at is the manifest: a tiny database does.
            h.clock.set(now);
            create(&vault.place, &h.place.url, now).unwrap();
        }
        now += TimeDelta::days(if day.as_str() < "2028-02-26" { 1 } else { 4 });
    }
    let last = vault.place.list().unwrap().copies.last().unwrap().manifest.made_at;
    h.clock.set(last + TimeDelta::minutes(10));
    let held = "2028-01-20T020000Z.andmekogu-backup";
    h.block_on(h.app.hold_backup(cli(), held, "kohtuvaidlus", true)).unwrap();
    let before = vault.place.list().unwrap().copies.len();
    let stopped = h.block_on(h.app.prune_backups(cli(), false, false)).unwrap();
    assert!(
        matches!(stopped.obstacle, Some(Obstacle::Jump { .. })),
        "four days without a copy: {:?}",
        stopped.obstacle
    );
    let dry = h.block_on(h.app.prune_backups(cli(), true, true)).unwrap();
    assert!(!dry.removed.is_empty());
    assert_eq!(vault.place.list().unwrap().copies.len(), before, "nothing was removed yet");
    let done = h.block_on(h.app.prune_backups(cli(), true, false)).unwrap();
    assert_eq!(done.removed, dry.removed);
    let month_ago = (last.date_naive() - chrono::Months::new(1)).to_string();
    let kept: Vec<String> =
        vault.place.list().unwrap().copies.iter().map(|c| c.manifest.made_at.date_naive().to_string()).collect();
    let old: Vec<&str> = kept.iter().map(String::as_str).filter(|day| *day < month_ago.as_str()).collect();
    assert_eq!(old, ["2028-01-14", "2028-01-16", "2028-01-20", "2028-02-02", "2028-02-15"]);
    let deletions = h.place.count("SELECT count(*) FROM audit_event WHERE action = 'backup.delete'");
    assert_eq!(usize::try_from(deletions).unwrap(), done.removed.len(), "each deletion stands in the log");
    // What was said of the clock is remembered.
    let again = h.block_on(h.app.prune_backups(cli(), false, false)).unwrap();
    assert_eq!((again.obstacle, again.removed.len()), (None, 0));
}

#[test]
fn the_job_makes_the_copy_of_the_day_and_raises_the_alarm_when_it_cannot() {
    on_both_databases(|h| {
        let vault = Vault::new();
        let job = |h: &Harness| h.block_on(Jobs::new(h.app.clone(), None).run_now("backup")).unwrap().unwrap();
        let health = |h: &Harness| h.nobody().get("/healthz/backup").expect(200).body;
        let nothing = job(&h);
        assert_eq!(
            (nothing.ended, nothing.detail.as_str()),
            (Ended::Done, "no copies are made: backup.recipients is not set")
        );
        assert_eq!((&health(&h)["configured"], &health(&h)["overdue"]), (&json!(false), &json!(true)));
        installed(&h, &vault);
        h.set_clock("2026-11-20T10:00:10Z");
        let made = job(&h);
        assert!(made.detail.starts_with("2026-11-20T100010Z.andmekogu-backup made and verified"), "{}", made.detail);
        h.set_clock("2026-11-20T10:01:00Z");
        assert_eq!(job(&h).detail, "no copy is due");
        let shown = health(&h);
        assert_eq!(shown["last_verified"], "2026-11-20T10:00:10Z");
        assert_eq!(shown["next_at"], "2026-11-21T00:00:00Z", "at two in the morning where the register is");
        assert_eq!(
            (&shown["copies"], &shown["overdue"], &shown["age_seconds"]),
            (&json!(1), &json!(false), &json!(50))
        );
        // The disk is lost: first late, then overdue, and told once a day.
        let copies = vault.place.folder.clone();
        let aside = vault.folder.path().join("aside");
        std::fs::rename(&copies, &aside).unwrap();
        std::fs::write(&copies, "no folder").unwrap();
        let letters = "SELECT count(*) FROM outbox WHERE letter = 'backup-overdue'";
        h.set_clock("2026-11-21T10:00:00Z");
        assert_eq!(job(&h).ended, Ended::Failed);
        assert_eq!(h.place.count(letters), 1, "whoever cannot see the copies says so");
        std::fs::remove_file(&copies).unwrap();
        std::fs::create_dir(&copies).unwrap();
        for item in std::fs::read_dir(&aside).unwrap().flatten() {
            std::fs::copy(item.path(), copies.join(item.file_name())).unwrap();
        }
        assert_eq!(health(&h)["overdue"], json!(false));
        h.set_clock("2026-11-21T16:00:11Z");
        assert_eq!(health(&h)["overdue"], json!(true));
        // No room for a new copy: its name is taken by a folder.
        let blocked = |h: &Harness| {
            let name = format!("{}.andmekogu-backup.part", h.app.store.now().format("%Y-%m-%dT%H%M%SZ"));
            std::fs::create_dir_all(copies.join(name)).unwrap();
            job(h)
        };
        assert_eq!(blocked(&h).ended, Ended::Failed);
        assert_eq!(h.place.count(letters), 1);
        h.set_clock("2026-11-21T17:00:01Z");
        assert_eq!(blocked(&h).ended, Ended::Failed);
        assert_eq!(h.place.count(letters), 1, "once a day");
        h.set_clock("2026-11-21T18:00:01Z");
        let made = job(&h);
        assert_eq!(made.ended, Ended::Done, "{}", made.detail);
        assert_eq!(health(&h)["overdue"], json!(false));
        let metrics = h.nobody().get("/metrics").text;
        assert!(metrics.contains("andmekogu_backup_age_seconds") && metrics.contains("andmekogu_backup_overdue"));
        let words = h.place.text("SELECT words FROM outbox WHERE letter = 'backup-overdue'");
        assert!(words.contains("/healthz/backup"), "{words}");
    });
}

fn andmekogu(folder: &Path, args: &[&str]) -> (bool, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_andmekogu"))
        .args(args)
        .env("ANDMEKOGU_DATA_DIR", folder)
        .env("ANDMEKOGU_BACKUP_RECIPIENTS", std::fs::read_to_string(folder.join("recipients")).unwrap())
        .env("ANDMEKOGU_LOGGING_LEVEL", "error")
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

#[test]
fn an_operator_makes_lists_verifies_and_restores_at_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let (operator, safe) = (Identity::generate(), Identity::generate());
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    file("recipients", &format!("{}, {}", operator.to_public(), safe.to_public()));
    let key = file("operator.txt", &format!("# made for a drill\n{}\n", operator.to_string().expose_secret()));
    let run = |args: &[&str]| andmekogu(folder.path(), args);
    let (ok, out, err) = run(&["backup", "create"]);
    assert!(ok && out.contains("made and verified"), "{out}{err}");
    let (ok, out, _) = run(&["backup", "list", "--format", "json"]);
    let list: Value = serde_json::from_str(&out).unwrap();
    assert!(ok && list["copies"][0]["verified_at"].is_string(), "{out}");
    let name = list["copies"][0]["name"].as_str().unwrap();
    let copy = folder.path().join("backups").join(name).display().to_string();
    let (ok, out, err) = run(&["backup", "verify", &copy, "--identity", &key, "--format", "json"]);
    let report: Value = serde_json::from_str(&out).unwrap();
    assert!(ok && report["rows"].as_u64().unwrap() > 0 && report["faults"] == json!([]), "{out}{err}");
    // On a machine that knows nothing but the public key.
    let (_, vkey, _) = run(&["backup", "key"]);
    let elsewhere = tempfile::tempdir().unwrap();

    std::fs::write(elsewhere.path().join("recipients"), std::fs::read(folder.path().join("recipients")).unwrap())
        .unwrap();
    let (ok, out, err) =
        andmekogu(elsewhere.path(), &["backup", "verify", &copy, "--identity", &key, "--key", vkey.trim()]);
    assert!(ok && out.contains("sound"), "{out}{err}");
    let (ok, _, err) = andmekogu(elsewhere.path(), &["backup", "verify", &copy, "--identity", &key]);
    assert!(!ok && err.contains("its manifest cannot be believed"), "{err}");
    let new = elsewhere.path().join("new.sqlite").display().to_string();
    let (ok, out, err) = andmekogu(
        elsewhere.path(),
        &["backup", "restore", &copy, "--identity", &key, "--key", vkey.trim(), "--into", &new],
    );
    assert!(ok && out.contains("sound"), "{out}{err}");
    let (ok, _, err) = run(&["backup", "restore", &copy, "--identity", &key, "--into", &new]);
    assert!(!ok && err.contains("the database is not empty"), "{err}");
    let (ok, out, _) = run(&["backup", "prune", "--dry-run"]);
    assert!(ok && out.contains("every copy of the last period is kept"), "{out}");
    assert!(safe.to_string().expose_secret().starts_with("AGE-SECRET-KEY-1"));
    let (ok, _, err) =
        run(&["backup", "verify", &copy, "--identity", &file("wrong.txt", safe.to_public().to_string().as_str())]);
    assert!(!ok && err.contains("not a file of private keys of age"), "{err}");
}
