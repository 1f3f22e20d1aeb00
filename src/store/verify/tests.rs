//! A log is made by the writer's own code, tampered with in every way, and each time the audit must say so.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::{Arc, OnceLock};

use proptest::prelude::*;
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::clock::{ManualClock, Stamps};
use crate::domain::access::Grant;
use crate::domain::access::grant::Basis;
use crate::domain::audit::checkpoint::NoteSigner;
use crate::domain::audit::event::{Event, Outcome as Decision, Who};
use crate::domain::audit::leaf::commit;
use crate::domain::audit::{Kind, Leaf};
use crate::store::change::Change;
use crate::store::log;
use crate::store::migrate::migrate;
use crate::store::read::audit::frontier;

const REGISTER: &str = "75025973-test";
const ORIGIN: &str = "register.example/75025973-test";

/// A database with the log of one register.
struct Log {
    dir: tempfile::TempDir,
    url: DatabaseUrl,
    conn: AnyConn,
    stamps: Stamps,
}

impl Log {
    fn empty() -> Self {
        static EMPTY: OnceLock<Vec<u8>> = OnceLock::new();
        Self::copy(EMPTY.get_or_init(|| {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("log.db");
            let url = DatabaseUrl::parse(&path.display().to_string());
            migrate(&url).unwrap();
            std::fs::read(path).unwrap()
        }))
    }

    fn copy(bytes: &[u8]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.db");
        std::fs::write(&path, bytes).unwrap();
        let url = DatabaseUrl::parse(&path.display().to_string());
        let mut conn = connect(&url).unwrap();
        conn.batch_execute("PRAGMA synchronous = OFF").unwrap();
        let last: Option<i64> = audit_event::table.select(max(audit_event::recorded_at)).first(&mut conn).unwrap();
        let clock = instant(last.unwrap_or(1_795_255_200_000_000));
        let stamps = Stamps::new(Arc::new(ManualClock::at(clock)));
        stamps.next(0);
        Self { dir, url, conn, stamps }
    }

    /// Some of everything: 600 events and a few more.
    fn full() -> Self {
        static FULL: OnceLock<Vec<u8>> = OnceLock::new();
        Self::copy(FULL.get_or_init(|| {
            let mut log = Self::made();
            log.sql("PRAGMA wal_checkpoint(TRUNCATE)");
            std::fs::read(log.dir.path().join("log.db")).unwrap()
        }))
    }

    fn made() -> Self {
        let mut log = Self::empty();
        log.conn.batch_execute("BEGIN").unwrap();
        let definition = log.note(draft(Kind::Config, "definition.load"));
        log.sql(&format!("INSERT INTO definition VALUES ('{REGISTER}', 'd', '2026-01-01', '{{}}', 0, '{definition}')"));
        for n in 0..600_u128 {
            let (user, record) = (Uuid::from_u128(n % 7), Uuid::from_u128(1000 + n % 50));
            let mut event = draft(Kind::Read, "record.read");
            event.actor.user_id = (n % 11 != 0).then_some(user);
            event.record_ids = vec![record];
            event.purpose = Some("põhjus \"jutumärkides\"".to_owned());
            match n % 10 {
                0 => log.write_entry(event, n, record),
                1 => {
                    let records = (0..20).map(|r| Uuid::from_u128(1000 + (n + r * r) % 50));
                    event.record_ids = records.collect();
                    log.note(event);
                }
                2 => {
                    (event.kind, event.decision) = (Kind::Denial, Decision::Denied);
                    log.note(event);
                }
                3 if n % 100 == 3 => log.write_grants(n),
                4 if n % 100 == 4 => log.issue(),
                _ => {
                    log.note(event);
                }
            }
        }
        log.conn.batch_execute("COMMIT").unwrap();
        log
    }

    /// Records an event and gives it its place.
    fn note(&mut self, event: Event) -> Uuid {
        let recorded = log::record(&mut self.conn, &self.stamps, 0, event).unwrap();
        log::integrate(&mut self.conn, REGISTER, &[&recorded]).unwrap();
        recorded.id
    }

    fn apply(&mut self, mut event: Event, change: Change) {
        event.detail = change.detail();
        let by = event.actor.user_id.map_or_else(|| event.actor.name.clone(), |u| u.to_string());
        let recorded = log::record(&mut self.conn, &self.stamps, 0, event).unwrap();
        change.write(&mut self.conn, REGISTER, recorded.id, recorded.recorded_at, &by).unwrap();
        log::integrate(&mut self.conn, REGISTER, &[&recorded]).unwrap();
    }

    fn write_entry(&mut self, mut event: Event, n: u128, record: Uuid) {
        let entry = Uuid::from_u128(5_000 + n);
        (event.kind, event.entry_id) = (Kind::Write, Some(entry));
        let supersedes = (n % 20 == 10).then(|| Uuid::from_u128(5_000 + n - 10).to_string());
        "record.change".clone_into(&mut event.action);
        let digest = content_digest("{}", None);
        let mut detail = json!({ "effective_on": "2026-11-21", "number": n, "content_sha256": digest });
        if let Some(supersedes) = &supersedes {
            detail["supersedes"] = json!(supersedes);
        }
        let source = n.is_multiple_of(20).then_some("elsewhere");
        if let Some(source) = source {
            detail["source"] = json!(source);
        }
        event.detail = Some(detail);
        let by = event.actor.user_id.map_or_else(|| event.actor.name.clone(), |u| u.to_string());
        let recorded = log::record(&mut self.conn, &self.stamps, 0, event).unwrap();
        let (at, audit) = (recorded.recorded_at, recorded.id);
        let supersedes = supersedes.map_or("NULL".to_owned(), |s| format!("'{s}'"));
        let source = source.map_or("NULL".to_owned(), |s| format!("'{s}'"));
        self.sql(&format!(
            "INSERT OR IGNORE INTO record VALUES ('{REGISTER}', '{record}', 'employee', 'i', 1, 0, 0);
             INSERT INTO entry VALUES ('{REGISTER}', '{entry}', '{record}', {n}, 'change', '2026-11-21', {at}, '{{}}',
                 NULL, {supersedes}, '{by}', 'd', '{audit}', {source})"
        ));
        log::integrate(&mut self.conn, REGISTER, &[&recorded]).unwrap();
    }

    fn write_grants(&mut self, n: u128) {
        let grant = Grant {
            id: Uuid::from_u128(9_000 + n),
            user_id: Uuid::from_u128(n),
            role: "hr_clerk".into(),
            institution_id: None,
            sections: Some(vec!["pay".into()]),
            from: chrono::NaiveDate::from_ymd_opt(2026, 1, 1).unwrap(),
            until: None,
            basis: Basis { kind: "order".into(), reference: "12".into() },
            task: None,
            application_id: None,
            revoked: false,
            version: 1,
        };
        let after = Grant { version: 2, ..grant.clone() };
        let event = draft(Kind::Grant, "grant.issue");
        self.apply(event.clone(), Change::GrantIssued { grant: Box::new(grant.clone()), idempotency: None });
        let change = Change::GrantChanged { before: Box::new(grant), after: Box::new(after.clone()) };
        self.apply(event.clone(), change);
        let change =
            Change::GrantRevoked { grant: Box::new(after), ground: "left".into(), explanation: "läks ära".into() };
        self.apply(event, change);
    }

    /// Hands out a checkpoint.
    fn issue(&mut self) {
        let note = self.sign();
        let size = i64::try_from(frontier(&mut self.conn, REGISTER).unwrap().size()).unwrap();
        self.apply(draft(Kind::Export, "audit.checkpoint"), Change::CheckpointIssued { size, note });
    }

    fn sign(&mut self) -> String {
        let frontier = frontier(&mut self.conn, REGISTER).unwrap();
        let checkpoint = Checkpoint { origin: ORIGIN.into(), size: frontier.size(), root: frontier.root() };
        signer().sign(&checkpoint).unwrap()
    }

    fn sql(&mut self, sql: &str) {
        self.conn.batch_execute(sql).unwrap();
    }

    /// Takes away what keeps the program itself from rewriting the log.
    fn unguard(&mut self) {
        #[derive(QueryableByName)]
        struct Trigger {
            #[diesel(sql_type = Text)]
            name: String,
        }
        let triggers: Vec<Trigger> =
            diesel::sql_query("SELECT name FROM sqlite_schema WHERE type = 'trigger'").load(&mut self.conn).unwrap();
        for trigger in triggers {
            self.sql(&format!("DROP TRIGGER {}", trigger.name));
        }
        self.sql("PRAGMA foreign_keys = OFF");
    }

    fn tampered(sql: &str) -> Self {
        let mut log = Self::full();
        log.unguard();
        log.sql(sql);
        log
    }

    fn try_reports(&self) -> Result<Vec<Report>, Error> {
        let key = |register: &str| (register == REGISTER).then(|| signer().verifier().clone());
        verify(&self.url, None, &key, 2, &|_| {})
    }

    fn reports(&self) -> Vec<Report> {
        self.try_reports().unwrap()
    }

    fn report(&self) -> Report {
        let mut reports = self.reports();
        assert_eq!(reports.len(), 1, "{reports:?}");
        reports.remove(0)
    }

    /// The audit finds each of these.
    #[track_caller]
    fn assert_faults(&self, expected: &[&str]) {
        let report = self.report();
        for expected in expected {
            assert!(report.faults.iter().any(|f| f.contains(expected)), "{expected} is not among {:#?}", report.faults);
        }
        assert!(!report.is_sound());
    }

    /// Makes leaves, nodes and head anew from the events, as one would who rewrites history with care.
    fn rebuild(&mut self) {
        let rows: Vec<(i64, i64, String, Vec<u8>)> = audit_leaf::table
            .inner_join(
                audit_event::table
                    .on(audit_event::register.eq(audit_leaf::register).and(audit_event::id.eq(audit_leaf::event_id))),
            )
            .order(audit_leaf::seq)
            .select((audit_leaf::seq, audit_event::recorded_at, audit_event::kind, audit_event::commitment))
            .load(&mut self.conn)
            .unwrap();
        let mut frontier = Frontier::new();
        let mut statements = vec!["DELETE FROM audit_node".to_owned()];
        for (seq, recorded_at_micros, kind, commitment) in rows {
            let leaf = Leaf {
                seq: seq as u64,
                recorded_at_micros,
                kind: kind.parse().unwrap(),
                commitment: commitment.try_into().unwrap(),
            };
            statements.push(format!("UPDATE audit_leaf SET hash = {} WHERE seq = {seq}", blob(&leaf.hash())));
            frontier.push(leaf.hash(), |s, hash| {
                if is_stored(s.level) {
                    statements.push(format!(
                        "INSERT INTO audit_node VALUES ('{REGISTER}', {}, {}, {})",
                        s.level,
                        s.index,
                        blob(&hash)
                    ));
                }
            });
        }
        statements.push(format!("UPDATE audit_head SET frontier = {}", blob(&frontier.to_bytes())));
        let sql = statements.join(";");
        self.sql(&sql);
    }

    /// Rewrites what an event says, with everything that follows from it but the checkpoints.
    fn rewritten() -> Self {
        let mut log = Self::full();
        log.unguard();
        let id: String =
            audit_leaf::table.filter(audit_leaf::seq.eq(9)).select(audit_leaf::event_id).first(&mut log.conn).unwrap();
        let body: String =
            audit_payload::table.find((REGISTER, &id)).select(audit_payload::body).first(&mut log.conn).unwrap();
        let body = body.replace("jutum", "JUTUM");
        let commitment = commit(&[1; 32], &body);
        log.sql(&format!(
            "UPDATE audit_payload SET salt = {}, body = '{body}' WHERE event_id = '{id}';
             UPDATE audit_event SET commitment = {} WHERE id = '{id}'",
            blob(&[1; 32]),
            blob(&commitment)
        ));
        log.rebuild();
        log
    }
}

fn blob(bytes: &[u8]) -> String {
    let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    format!("x'{hex}'")
}

fn signer() -> NoteSigner {
    NoteSigner::new(ORIGIN, &[7; 32]).unwrap()
}

fn draft(kind: Kind, action: &str) -> Event {
    let who = Who { user_id: None, name: "cli".into() };
    log::draft(REGISTER, kind, action, who)
}

/// A piece of SQL that names the event of a leaf.
fn event(seq: u64) -> String {
    format!("(SELECT event_id FROM audit_leaf WHERE seq = {seq})")
}

#[test]
fn an_untouched_log_is_sound() {
    let log = Log::full();
    let report = log.report();
    assert_eq!(report.faults, Vec::<String>::new());
    assert!(report.is_sound());
    assert_eq!(report.register, REGISTER);
    assert_eq!((report.size, report.events), (613, 613));
    assert_eq!((report.payloads_opened, report.erased), (613, 0));
    assert_eq!((report.entries, report.grants, report.checkpoints), (60, 18, 6));
    assert_eq!((report.waiting, report.waiting_since.as_deref()), (0, None));
    assert!(report.subjects > 1_000);
    // One thread finds the same as three.
    let key = |_: &str| Some(signer().verifier().clone());
    let steps = std::sync::Mutex::new(Vec::new());
    let only = [REGISTER.to_owned()];
    let again = verify(&log.url, Some(&only), &key, 3, &|p| {
        steps.lock().unwrap().push((p.done, p.of));
    });
    assert_eq!(again.unwrap(), [report]);
    assert_eq!(steps.into_inner().unwrap(), [(613, 613)]);
}

#[test]
fn a_log_of_several_batches_is_sound_and_its_parts_are_not_mixed_up() {
    let mut log = Log::empty();
    log.sql("BEGIN");
    let mut recorded = Vec::new();
    for n in 0..9_000_u128 {
        let mut event = draft(Kind::Read, "record.read");
        event.record_ids = vec![Uuid::from_u128(n % 17)];
        recorded.push(log::record(&mut log.conn, &log.stamps, 0, event).unwrap());
    }
    // Two nodes of a cluster: ids don't rise with the places.
    recorded[4_000..4_200].reverse();
    recorded.swap(10, 8_990);
    recorded.swap(4_095, 4_096);
    recorded.swap(8_192, 1);
    let all: Vec<_> = recorded.iter().collect();
    log::integrate(&mut log.conn, REGISTER, &all[..5_000]).unwrap();
    log.issue();
    log::integrate(&mut log.conn, REGISTER, &all[5_000..]).unwrap();
    log.issue();
    log.sql("COMMIT");
    let report = log.report();
    assert_eq!(report.faults, Vec::<String>::new());
    assert_eq!((report.size, report.payloads_opened, report.checkpoints), (9_002, 9_002, 2));

    log.unguard();
    log.sql("UPDATE audit_leaf SET event_id = 'x' || substr(event_id, 2) WHERE seq IN (4096, 8192)");
    log.assert_faults(&["leaf 4096: its event", "leaf 8192: its event", "has no place in the tree"]);
}

#[test]
fn erasure_is_no_fault_and_is_counted() {
    let log = Log::tampered(&format!(
        "DELETE FROM audit_payload WHERE event_id IN (SELECT event_id FROM audit_leaf WHERE seq IN (1, 2, 7, 41))
            OR event_id = {}",
        event(612)
    ));
    let report = log.report();
    assert_eq!(report.faults, Vec::<String>::new());
    assert_eq!((report.erased, report.payloads_opened), (5, 608));
}

#[test]
fn whatever_is_changed_in_the_log_is_named() {
    let cases: &[(&str, &[&str])] = &[
        (
            "UPDATE audit_leaf SET hash = zeroblob(32) WHERE seq = 9",
            &["leaf 9: its hash is not that of event"],
        ),
        (
            "UPDATE audit_leaf SET hash = x'00' WHERE seq = 9",
            &["leaf 9: its hash is not 32 bytes long"],
        ),
        (
            "UPDATE audit_event SET recorded_at = recorded_at + 1 WHERE id = $this",
            &["leaf 9: its hash", "its time is not what its words say", "another root", "node 0 of level 8", "the head"],
        ),
        ("UPDATE audit_event SET kind = 'write' WHERE id = $this", &["leaf 9: its hash", "its kind is not what"]),
        ("UPDATE audit_event SET kind = 'x' WHERE id = $this", &["no such kind", "leaf 9: event"]),
        ("UPDATE audit_event SET action = 'record.list' WHERE id = $this", &["its action is not what its words say"]),
        ("UPDATE audit_event SET decision = 'denied' WHERE id = $this", &["its decision is not what its words say"]),
        ("UPDATE audit_event SET actor_id = NULL WHERE id = $this", &["its actor is not what its words say"]),
        (
            "UPDATE audit_event SET commitment = zeroblob(32) WHERE id = $this",
            &["leaf 9: its hash", "its words and salt do not open its commitment"],
        ),
        (
            "UPDATE audit_payload SET body = replace(body, 'jutum', 'Jutum') WHERE event_id = $this",
            &["its words and salt do not open its commitment"],
        ),
        (
            "UPDATE audit_payload SET body = body || ' ' WHERE event_id = $this",
            &["do not open its commitment", "its words are not canonical JSON"],
        ),
        ("UPDATE audit_payload SET salt = zeroblob(32) WHERE event_id = $this", &["do not open its commitment"]),
        (
            "DELETE FROM audit_leaf WHERE seq = 9",
            &["leaf 9 is missing", "has no place in the tree", "another root"],
        ),
        (
            "DELETE FROM audit_leaf WHERE seq = 612",
            &["has no place in the tree", "the head counts 613 leaves, but there are 612"],
        ),
        (
            "DELETE FROM audit_leaf WHERE seq >= 300; UPDATE audit_head SET size = 300",
            &["has only 300 leaves, so that some were removed", "node 1 of level 8 is none of this tree"],
        ),
        ("UPDATE audit_leaf SET seq = 4611686018427387904 WHERE seq = 612", &["the last leaf has place 4611686018427387904, but there are 613 leaves"]),
        (
            "UPDATE audit_leaf SET seq = -1 WHERE seq = 9; UPDATE audit_leaf SET seq = 9 WHERE seq = 10;
             UPDATE audit_leaf SET seq = 10 WHERE seq = -1",
            &["leaf 9: its hash is not that of event", "leaf 10: its hash", "another root"],
        ),
        (
            "DROP INDEX audit_leaf_by_event; UPDATE audit_leaf SET event_id = $next WHERE seq = 9",
            &["two places in the tree", "has no place in the tree"],
        ),
        ("DELETE FROM audit_event WHERE id = $this", &["leaf 9: its event", "is missing", "but not the event"]),
        ("UPDATE audit_node SET hash = zeroblob(32) WHERE position = 1", &["node 1 of level 8 is not the hash"]),
        ("DELETE FROM audit_node WHERE position = 1", &["node 1 of level 8 is missing"]),
        ("INSERT INTO audit_node VALUES ('75025973-test', 8, 2, zeroblob(32))", &["node 2 of level 8 is none"]),
        ("INSERT INTO audit_node VALUES ('75025973-test', 9, 0, zeroblob(32))", &["node 0 of level 9 is none"]),
        ("UPDATE audit_head SET size = 612", &["the head counts 612 leaves, but there are 613"]),
        (
            "UPDATE audit_head SET frontier = substr(frontier, 1, 50) || zeroblob(1) || substr(frontier, 52)",
            &["the head is not that of the recomputed tree"],
        ),
        ("DELETE FROM audit_head", &["the head of the tree is missing"]),
        (
            "UPDATE audit_checkpoint SET note = replace(note, '— register.example', '— register.exampel')",
            &["not signed by this key"],
        ),
        (
            "UPDATE audit_checkpoint SET size = 100 WHERE size = (SELECT min(size) FROM audit_checkpoint)",
            &["checkpoint of size 100: it says 7"],
        ),
        (
            "DELETE FROM audit_checkpoint WHERE size = 109",
            &["tells of a checkpoint of size 109, which is missing"],
        ),
        ("UPDATE audit_checkpoint SET made_at = made_at + 1", &["no event tells when it was made"]),
        (
            "DELETE FROM audit_subject WHERE event_id = $this",
            &["is about record 00000000-0000-0000-0000-0000000003ee, but audit_subject does not say so"],
        ),
        (
            "INSERT INTO audit_subject VALUES ('75025973-test', '00000000-0000-0000-0000-000000000001', $this)",
            &["is about record 00000000-0000-0000-0000-000000000001; it is not"],
        ),
        (
            "INSERT INTO audit_subject VALUES ('75025973-test', '00000000-0000-0000-0000-000000000001', 'none')",
            &["says that event \"none\" is about record 00000000-0000-0000-0000-000000000001; it is not, or is missing"],
        ),
        (
            "INSERT INTO audit_queue VALUES ('75025973-test', $this)",
            &["on SQLite", "is said to wait, but is missing or has its place already"],
        ),
        (
            "INSERT INTO entry SELECT register, '00000000-0000-0000-0000-000000000001', record_id, 10000, kind, effective_on,
                recorded_at, data, reason, supersedes, actor_id, definition, audit_id, source FROM entry LIMIT 1",
            &["entry 00000000-0000-0000-0000-000000000001 is not what event"],
        ),
        (
            "UPDATE entry SET audit_id = 'none' WHERE number = 20",
            &["entry 00000000-0000-0000-0000-00000000139c is not what event \"none\"", "tells of entry 00000000-0000-0000-0000-00000000139c, which is missing"],
        ),
        ("DELETE FROM entry WHERE number = 20", &["tells of entry 00000000-0000-0000-0000-00000000139c"]),
        ("UPDATE entry SET number = 20000 WHERE number = 20", &["entry 00000000-0000-0000-0000-00000000139c is not"]),
        ("UPDATE entry SET effective_on = '2020-01-01' WHERE number = 20", &["00139c is not what"]),
        ("UPDATE entry SET supersedes = NULL WHERE number = 30", &["0013a6 is not what"]),
        ("UPDATE entry SET source = NULL WHERE number = 20", &["00139c is not what"]),
        ("UPDATE entry SET source = 'elsewhere' WHERE number = 30", &["0013a6 is not what"]),
        ("UPDATE entry SET actor_id = 'x' WHERE number = 20", &["00139c is not what"]),
        ("DELETE FROM grant_log WHERE act = 'revoked'", &["was revoked, but grant_log does not"]),
        ("UPDATE grant_log SET act = 'granted' WHERE act = 'changed'", &["was changed, but grant_log", "grant_log 0"]),
        ("UPDATE grant_log SET user_id = 'x' WHERE act = 'changed'", &["is not what event"]),
        ("UPDATE grant_log SET body = replace(body, 'hr_clerk', 'hr_chief')", &["is not what event"]),
    ];
    for (sql, expected) in cases {
        let sql = sql.replace("$this", &event(9)).replace("$next", &event(10));
        println!("{sql}");
        Log::tampered(&sql).assert_faults(expected);
    }
}

#[test]
fn an_event_beside_the_tree_is_named() {
    let mut log = Log::full();
    let recorded = log::record(&mut log.conn, &log.stamps, 0, draft(Kind::Read, "x")).unwrap();
    log.assert_faults(&[&format!("event {} has no place in the tree and does not wait", recorded.id)]);
    log.sql(&format!("INSERT INTO audit_queue VALUES ('{REGISTER}', '{}')", recorded.id));
    let report = log.report();
    assert_eq!(report.waiting, 1);
    assert_eq!(report.waiting_since, Some(rfc3339(instant(recorded.recorded_at))));
    // On SQLite nothing ever waits.
    assert_eq!(report.fault_count, 1);
}

#[test]
fn forged_checkpoints_are_named() {
    let mut log = Log::full();
    let forger = NoteSigner::new(ORIGIN, &[8; 32]).unwrap();
    let checkpoint = Checkpoint { origin: ORIGIN.into(), size: 100, root: [9; 32] };
    let forged = forger.sign(&checkpoint).unwrap();
    let resigned = signer().sign(&checkpoint).unwrap();
    let of_another = NoteSigner::new("elsewhere", &[7; 32]).unwrap();
    let elsewhere = of_another.sign(&Checkpoint { origin: "elsewhere".into(), ..checkpoint.clone() }).unwrap();
    let at = log.stamps.next(0);
    for (note, fault) in [
        (forged, "checkpoint of size 100: the note is not signed by this key"),
        (resigned, "checkpoint of size 100: the first 100 leaves have another root"),
        (elsewhere, "checkpoint of size 100: the note is not signed by this key"),
        ("nothing".to_owned(), "checkpoint of size 100: not a signed note"),
    ] {
        log.sql(&format!("INSERT INTO audit_checkpoint VALUES ('{REGISTER}', 100, '{note}', {at})"));
        log.assert_faults(&[fault]);
        log.sql("DROP TRIGGER IF EXISTS audit_checkpoint_no_delete; DELETE FROM audit_checkpoint WHERE size = 100");
    }
    // Without the key nobody can say that they are good.
    let reports = verify(&log.url, None, &|_| None, 1, &|_| {}).unwrap();
    assert_eq!(reports[0].faults, ["there is no key to check the signatures of 6 checkpoints with"]);
}

#[test]
fn a_rewritten_history_contradicts_its_checkpoints() {
    let log = Log::rewritten();
    let report = log.report();
    assert_eq!(report.fault_count, 5, "{:?}", report.faults);
    assert!(report.faults.iter().all(|f| f.contains("so that the log was rewritten")));
}

#[test]
fn rows_of_a_register_that_is_none_are_named() {
    for (table, fault) in [
        ("audit_event", "has no place"),
        ("audit_payload", "the words of event"),
        ("audit_subject", "audit_subject says"),
        ("audit_leaf", "its event"),
        ("audit_node", "none of this tree"),
        ("audit_head", "the head counts"),
        ("audit_checkpoint", "has only 0 leaves"),
        ("entry", "entry 0"),
        ("grant_log", "grant_log 0"),
    ] {
        let log = Log::tampered(&format!("UPDATE {table} SET register = 'other'"));
        let reports = log.reports();
        let names: Vec<&str> = reports.iter().map(|r| r.register.as_str()).collect();
        assert_eq!(names, [REGISTER, "other"], "{table}");
        // Words that are gone are erased, as far as the register that has lost them can tell.
        assert_eq!(reports[0].is_sound(), table == "audit_payload");
        assert!(!reports[1].is_sound(), "{table}");
        let found = reports[1].faults.iter().any(|f| f.contains(fault));
        // Whose checkpoints they are is not known: another register has no key here.
        assert!(
            found || table == "audit_checkpoint" && reports[1].fault_count == 7,
            "{table}: {:?}",
            reports[1].faults
        );
        assert!(reports[1].fault_count as usize >= reports[1].faults.len());
    }
    let log = Log::tampered("UPDATE audit_head SET register = CAST(x'ff' AS TEXT)");
    assert_eq!(log.reports()[1].faults, ["rows belong to a register whose name is no text"]);
    let reports = verify(&log.url, Some(&["none".into()]), &|_| None, 1, &|_| {}).unwrap();
    assert_eq!(reports[0].faults, ["there is no log of this name"]);
}

#[test]
fn a_database_that_is_not_there_is_not_made() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("none.db");
    let url = DatabaseUrl::parse(&path.display().to_string());
    assert!(verify(&url, None, &|_| None, 1, &|_| {}).is_err());
    assert!(!path.exists());
}

/// The columns in which a changed byte must be found, with each table's key.
const COLUMNS: &[(&str, &[&str], &[&str])] = &[
    (
        "audit_event",
        &["register", "id"],
        &["register", "id", "recorded_at", "kind", "action", "decision", "actor_id", "commitment"],
    ),
    ("audit_payload", &["register", "event_id"], &["register", "event_id", "salt", "body"]),
    ("audit_subject", &["register", "record_id", "event_id"], &["register", "record_id", "event_id"]),
    ("audit_leaf", &["register", "seq"], &["register", "seq", "event_id", "hash"]),
    ("audit_node", &["register", "level", "position"], &["register", "level", "position", "hash"]),
    ("audit_head", &["register"], &["register", "size", "frontier"]),
    ("audit_checkpoint", &["register", "size"], &["register", "size", "note", "made_at"]),
    (
        "entry",
        &["register", "id"],
        &[
            "register",
            "id",
            "record_id",
            "number",
            "effective_on",
            "recorded_at",
            "supersedes",
            "actor_id",
            "data",
            "reason",
            "audit_id",
            "source",
        ],
    ),
    (
        "grant_log",
        &["register", "id"],
        &["register", "id", "grant_id", "user_id", "act", "recorded_at", "actor_id", "body", "audit_id"],
    ),
];

#[derive(QueryableByName)]
struct Cell {
    #[diesel(sql_type = Text)]
    key: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    literal: String,
    #[diesel(sql_type = Text)]
    hex: String,
}

/// Changes one byte of one cell; `None` where there is none to change. Gives the statement that mends it.
fn change_a_byte(log: &mut Log, picks: [usize; 4], mask: u8) -> Option<(String, String)> {
    let (table, keys, columns) = COLUMNS[picks[0] % COLUMNS.len()];
    let column = columns[picks[1] % columns.len()];
    let count: i64 = {
        #[derive(QueryableByName)]
        struct Count {
            #[diesel(sql_type = diesel::sql_types::BigInt)]
            n: i64,
        }
        let query = diesel::sql_query(format!("SELECT count(*) AS n FROM {table}"));
        query.get_result::<Count>(&mut log.conn).unwrap().n
    };
    let key: Vec<String> =
        keys.iter().filter(|key| **key != column).map(|key| format!("'{key} = ' || quote({key})")).collect();
    let key = if key.is_empty() { "'1 = 1'".to_owned() } else { key.join(" || ' AND ' || ") };
    let cell: Cell = diesel::sql_query(format!(
        "SELECT {key} AS key, typeof({column}) AS kind, quote({column}) AS literal, hex({column}) AS hex
         FROM {table} ORDER BY {} LIMIT 1 OFFSET {}",
        keys.join(", "),
        picks[2] as i64 % count
    ))
    .get_result(&mut log.conn)
    .unwrap();
    let changed = match cell.kind.as_str() {
        "integer" => {
            let bit = u32::from(mask) % 8 + 8 * (picks[3] as u32 % 8);
            (cell.literal.parse::<i64>().unwrap() ^ (1 << bit)).to_string()
        }
        kind @ ("text" | "blob") => {
            let mut bytes: Vec<u8> =
                (0..cell.hex.len() / 2).map(|n| u8::from_str_radix(&cell.hex[2 * n..2 * n + 2], 16).unwrap()).collect();
            let at = picks[3] % bytes.len();
            bytes[at] ^= mask;
            if kind == "text" { format!("CAST({} AS TEXT)", blob(&bytes)) } else { blob(&bytes) }
        }
        _ => return None,
    };
    let set =
        |from: &str, to: &str| format!("UPDATE {table} SET {column} = {to} WHERE {column} = {from} AND {}", cell.key);
    log.conn.batch_execute(&set(&cell.literal, &changed)).ok()?;
    Some((set(&cell.literal, &changed), set(&changed, &cell.literal)))
}

#[test]
fn any_changed_byte_is_found() {
    let mut log = Log::full();
    log.unguard();
    log.sql("DROP INDEX entry_superseded_once");
    let log = std::cell::RefCell::new(log);
    let mut tried: BTreeMap<String, u32> = BTreeMap::new();
    let tried_cell = std::cell::RefCell::new(&mut tried);
    let strategy = (any::<[u16; 4]>(), 1_u8..);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::default());
    let outcome = runner.run(&strategy, |(picks, mask)| {
        let mut log = log.borrow_mut();
        let picks = picks.map(usize::from);
        let Some((change, mend)) = change_a_byte(&mut log, picks, mask) else {
            return Ok(());
        };
        let reports = log.try_reports();
        log.sql(&mend);
        let sound = reports.map_err(|e| TestCaseError::fail(format!("{e}: {change}")))?.iter().all(Report::is_sound);
        prop_assert!(!sound, "not found: {}", change);
        let what: String =
            change.split(" WHERE").next().unwrap_or_default().split(" =").next().unwrap_or_default().into();
        *tried_cell.borrow_mut().entry(what).or_default() += 1;
        Ok(())
    });
    outcome.unwrap();
    assert!(log.borrow().report().is_sound(), "everything was mended");
    assert!(tried.len() > 30, "{tried:?}");
}

#[test]
fn the_export_holds_every_leaf_word_for_word() {
    let mut log = Log::full();
    log.unguard();
    log.sql(&format!("DELETE FROM audit_payload WHERE event_id = {}", event(5)));
    let mut out = Vec::new();
    assert_eq!(export(&log.url, REGISTER, 0, None, &mut out, &|_| {}).unwrap(), 613);
    let text = String::from_utf8(out).unwrap();
    let lines: Vec<serde_json::Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let theirs = crate::store::read::audit::export_lines(&mut log.conn, REGISTER, 0, 1_000, 1_000).unwrap();
    assert_eq!(lines, theirs.iter().map(|l| json!(l)).collect::<Vec<_>>());
    assert!(text.lines().nth(5).unwrap().ends_with("\"salt\":null,\"event\":null}"));

    let mut part = Vec::new();
    assert_eq!(export(&log.url, REGISTER, 600, Some(900), &mut part, &|_| {}).unwrap(), 13);
    assert!(text.ends_with(std::str::from_utf8(&part).unwrap()));
    assert_eq!(export(&log.url, REGISTER, 700, None, &mut part, &|_| {}).unwrap(), 0);

    log.sql(&format!("DELETE FROM audit_event WHERE id = {}", event(7)));
    let fault = export(&log.url, REGISTER, 0, None, &mut part, &|_| {}).unwrap_err();
    assert_eq!(fault.to_string(), "stored data are damaged: leaf 7 has no event");
    log.sql("DELETE FROM audit_leaf WHERE seq = 7");
    let fault = export(&log.url, REGISTER, 0, None, &mut part, &|_| {}).unwrap_err();
    assert_eq!(fault.to_string(), "stored data are damaged: leaf 7 is missing");
}

/// Runs tests/verifier/verify.py, which knows nothing but docs/log.md. `None` where there is no Python.
fn python(arguments: &[&str]) -> Option<(bool, String)> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/verifier/verify.py");
    let output = Command::new("python3").arg(script).args(arguments).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    Some((output.status.success(), text))
}

#[test]
fn an_outsider_comes_to_the_same_result() {
    let mut log = Log::full();
    let old = log.sign();
    log.note(draft(Kind::Login, "login"));
    log.unguard();
    log.sql(&format!("DELETE FROM audit_payload WHERE event_id = {}", event(5)));
    let dir = log.dir.path().to_owned();
    let path = |name: &str| dir.join(name).display().to_string();
    let vkey = signer().vkey();
    let write_down = |log: &Log| {
        let (note, size) = checkpoint_now(&log.url, REGISTER, &signer()).unwrap();
        assert_eq!(size, 614);
        let mut out = Vec::new();
        export(&log.url, REGISTER, 0, Some(size), &mut out, &|_| {}).unwrap();
        std::fs::write(path("log.ndjson"), &out).unwrap();
        std::fs::write(path("checkpoint"), note).unwrap();
        out
    };
    let out = write_down(&log);
    std::fs::write(path("old"), old).unwrap();
    let (checkpoint, export, old) = (path("checkpoint"), path("log.ndjson"), path("old"));
    let all = ["--vkey", &vkey, "--checkpoint", &checkpoint, "--export", &export, "--old-checkpoint", &old];
    let Some((good, text)) = python(&all) else {
        return;
    };
    assert!(good, "{text}");
    assert!(text.contains("614 entries") && text.contains("613 opened") && text.contains("1 erased"), "{text}");
    assert!(text.contains("first 613"), "{text}");

    // Another key, a changed word, a lost line.
    let other = NoteSigner::new(ORIGIN, &[8; 32]).unwrap().vkey();
    let (good, text) = python(&["--vkey", &other, "--checkpoint", &checkpoint, "--export", &export]).unwrap();
    assert!(!good && text.contains("not signed"), "{text}");
    let text = String::from_utf8(out).unwrap();
    for (from, to, fault) in [("jutum", "Jutum", "does not open"), ("\"read\\\"", "\"writ\\\"", "leaf"), ("\n", "", "")]
    {
        std::fs::write(&export, text.replacen(from, to, 1)).unwrap();
        let (good, text) = python(&all).unwrap();
        assert!(!good && text.contains(fault), "{text}");
    }

    // A history rewritten and signed anew is sound in itself; only an old checkpoint tells.
    let mut log = Log::rewritten();
    log.note(draft(Kind::Login, "login"));
    write_down(&log);
    let (good, text) = python(&all[..6]).unwrap();
    assert!(good, "{text}");
    let (good, text) = python(&all).unwrap();
    assert!(!good && text.contains("old checkpoint"), "{text}");
}

/// On PostgreSQL events wait for the sequencer, and all connections share one snapshot.
#[test]
fn on_postgresql_too() {
    let Ok(server) = std::env::var("ANDMEKOGU_TEST_PG") else {
        eprintln!("NOT RUN on PostgreSQL: ANDMEKOGU_TEST_PG is not set; use scripts/test");
        assert!(std::env::var("CI").is_err(), "in CI the suite runs on PostgreSQL too");
        return;
    };
    let name = format!("verify{}", Uuid::now_v7().simple());
    let mut admin = connect(&DatabaseUrl::Pg(format!("{server}/postgres"))).unwrap();
    admin.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
    let url = DatabaseUrl::Pg(format!("{server}/{name}"));
    migrate(&url).unwrap();
    let mut conn = connect(&url).unwrap();
    let clock = ManualClock::at(instant(1_795_255_200_000_000));
    let stamps = Stamps::new(Arc::new(clock));
    let register = format!("test-{}", std::process::id());
    let note = |conn: &mut AnyConn, n: u128| {
        let mut event = draft(Kind::Read, "record.read");
        event.register.clone_from(&register);
        event.record_ids = (0..n % 4).map(|r| Uuid::from_u128(1_000 + n % 50 + r)).collect();
        log::record(conn, &stamps, 0, event).unwrap().id
    };
    conn.batch_execute("BEGIN").unwrap();
    for n in 0..5_000 {
        note(&mut conn, n);
    }
    conn.batch_execute("COMMIT").unwrap();
    while crate::store::sequencer::integrate_waiting(&mut conn).unwrap() > 0 {}
    let waiting: Vec<Uuid> = (0..3).map(|n| note(&mut conn, n)).collect();

    let only = [register.clone()];
    let report = || verify(&url, Some(&only), &|_| None, 2, &|_| {}).unwrap().remove(0);
    let found = report();
    assert_eq!(found.faults, Vec::<String>::new());
    assert_eq!((found.size, found.events, found.waiting), (5_000, 5_003, 3));
    assert!(found.waiting_since.is_some());
    let all = verify(&url, None, &|_| None, 2, &|_| {}).unwrap();
    assert!(all.contains(&found));
    let mut out = Vec::new();
    assert_eq!(export(&url, &register, 0, None, &mut out, &|_| {}).unwrap(), 5_000);

    for (sql, fault) in [
        (format!("DELETE FROM audit_queue WHERE event_id = '{}'", waiting[0]), "has no place in the tree"),
        ("UPDATE audit_payload SET body = replace(body, 'cli', 'CLI') WHERE event_id IN (SELECT event_id FROM audit_leaf WHERE seq = 6)".to_owned(), "do not open its commitment"),
        ("DELETE FROM audit_subject WHERE event_id IN (SELECT event_id FROM audit_leaf WHERE seq = 7)".to_owned(), "audit_subject does not say so"),
        ("UPDATE audit_leaf SET hash = decode('00', 'hex') WHERE seq = 4999".to_owned(), "leaf 4999: its hash is not 32"),
        ("UPDATE audit_head SET size = 4".to_owned(), "the head counts 4 leaves"),
    ] {
        conn.batch_execute(&sql).unwrap();
        let report = report();
        assert!(report.faults.iter().any(|f| f.contains(fault)), "{fault}: {:?}", report.faults);
    }
}

/// The events of the example in docs/log.md.
fn example() -> Vec<Event> {
    let at = |micros: i64| 1_795_255_200_000_000 + micros;
    let id = |micros, tail: u64| uuid_at(at(micros), (tail << 2).to_be_bytes());
    let other = |tail| id(-1_000_000_000, tail);
    let draft = |micros, tail, kind, action: &str, name: &str| {
        let who = Who { user_id: None, name: name.into() };
        let mut event = log::draft("75025973-example", kind, action, who);
        event.id = id(micros, tail);
        event.recorded_at = rfc3339(instant(at(micros)));
        event
    };
    let mut load = draft(0, 1, Kind::Config, "definition.load", "cli");
    load.detail = Some(json!({ "digest": "9f86d081", "in_force_from": "2026-01-01", "replaces": null }));
    let mut read = draft(1_250_000, 2, Kind::Read, "record.read", "mari.maasikas");
    read.actor.user_id = Some(other(0xaa));
    read.role = Some("hr_clerk".into());
    read.clause = Some("§ 20 lg 1 p 2".into());
    read.record_type = Some("employee".into());
    read.record_ids = vec![other(0xbb)];
    read.sections = vec!["basic".into(), "pay".into()];
    read.purpose = Some("töötasu \"arvestus\"".into());
    read.request_id = Some("req-1".into());
    let mut refused = draft(2_000_001, 3, Kind::Denial, "record.read", "juhan.juurikas");
    refused.actor.user_id = Some(other(0xcc));
    refused.decision = Decision::Denied;
    refused.record_type = Some("employee".into());
    refused.record_ids = vec![other(0xbb)];
    vec![load, read, refused]
}

#[test]
fn the_example_in_the_documentation_is_true() {
    use crate::domain::audit::tree::{Subtree, consistency_proof, inclusion_proof, node_hash};
    let hex = |hash: &Hash| hash.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let mut frontier = Frontier::new();
    let (mut blocks, mut leaves) = (Vec::new(), Vec::new());
    let mut line = String::new();
    for (n, event) in (0_u8..).zip(example()) {
        let body = canonical::canonical(&event).unwrap();
        let salt = [n + 1; 32];
        let leaf = Leaf {
            seq: n.into(),
            recorded_at_micros: chrono::DateTime::parse_from_rfc3339(&event.recorded_at).unwrap().timestamp_micros(),
            kind: event.kind,
            commitment: commit(&salt, &body),
        };
        blocks.push(format!("{body}\n{}\n{}\n{}", STANDARD.encode(leaf.commitment), leaf.text(), hex(&leaf.hash())));
        if n == 1 {
            export::write_line(&mut line, &leaf, Some(&salt), Some(&body));
            export::write_line(&mut line, &leaf, None, None);
        }
        frontier.push(leaf.hash(), |_, _| {});
        leaves.push(leaf.hash());
    }
    let node = node_hash(&leaves[0], &leaves[1]);
    blocks.push(format!("{}\n{}", hex(&node), hex(&frontier.root())));
    let seed: Vec<u8> = (0..32).collect();
    let signer = NoteSigner::new("register.example/75025973-example", &seed.try_into().unwrap()).unwrap();
    blocks.push(signer.vkey());
    let checkpoint = Checkpoint { origin: signer.name().into(), size: 3, root: frontier.root() };
    blocks.push(signer.sign(&checkpoint).unwrap().trim_end().to_owned());
    let mut lookup = |s: Subtree| {
        if s.level == 0 { Ok::<_, ()>(leaves[s.index as usize]) } else { Ok(node) }
    };
    let base64 = |proof: Vec<Hash>| proof.iter().map(|h| STANDARD.encode(h)).collect::<Vec<_>>().join("\n");
    blocks.push(base64(inclusion_proof(1, 3, &mut lookup).unwrap()));
    blocks.push(base64(consistency_proof(2, 3, &mut lookup).unwrap()));
    blocks.push(line.trim_end().to_owned());

    let page = include_str!("../../../docs/log.md");
    let (_, example) = page.split_once("## Example").unwrap();
    let written: Vec<&str> =
        example.split("```text\n").skip(1).map(|part| part.split_once("\n```").unwrap().0).collect();
    assert_eq!(written, blocks);
    for kind in Kind::ALL {
        assert!(page.contains(&format!("`{kind}`")), "{kind}");
    }
}
