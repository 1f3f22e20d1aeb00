//! How fast the log is audited: `cargo bench --bench verify`. Makes an SQLite database of `EVENTS` events (a million
//! unless told otherwise) of the usual mix, with entries and subjects, and audits it with one thread and with two.

use std::time::Instant;

use andmekogu::domain::audit::event::{Event, Outcome, Who};
use andmekogu::domain::audit::tree::{Frontier, is_stored};
use andmekogu::domain::audit::{Kind, Leaf, canonical, leaf};
use andmekogu::domain::record::entry::content_digest;
use andmekogu::store::{DatabaseUrl, migrate, verify};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use serde_json::json;
use uuid::Uuid;

mod tables {
    diesel::table! {
        audit_event (id) {
            register -> Text, id -> Text, recorded_at -> BigInt, kind -> Text, action -> Text, decision -> Text,
            actor_id -> Text, commitment -> Binary,
        }
    }
    diesel::table! {
        audit_payload (event_id) { register -> Text, event_id -> Text, salt -> Binary, body -> Text, }
    }
    diesel::table! {
        audit_subject (event_id) { register -> Text, record_id -> Text, event_id -> Text, }
    }
    diesel::table! {
        audit_leaf (seq) { register -> Text, seq -> BigInt, event_id -> Text, hash -> Binary, }
    }
    diesel::table! {
        audit_node (position) { register -> Text, level -> BigInt, position -> BigInt, hash -> Binary, }
    }
    diesel::table! {
        audit_head (register) { register -> Text, size -> BigInt, frontier -> Binary, }
    }
    diesel::table! {
        entry (id) {
            register -> Text, id -> Text, record_id -> Text, number -> BigInt, kind -> Text, effective_on -> Text,
            recorded_at -> BigInt, data -> Text, actor_id -> Text, definition -> Text, audit_id -> Text,
        }
    }
}
use tables::*;

const REGISTER: &str = "bench";
/// 2026-11-21T10:00:00Z.
const START: i64 = 1_795_255_200_000_000;

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

    fn id(&mut self, micros: i64) -> Uuid {
        andmekogu::clock::uuid_at(micros, self.next().to_be_bytes())
    }
}

fn event(dice: &mut Dice, n: i64, users: &[Uuid], records: &[Uuid]) -> Event {
    let at = START + n * 1_000;
    let write = n % 5 == 0;
    let pick = |dice: &mut Dice, from: &[Uuid]| from[dice.next() as usize % from.len()];
    let count = if n % 50 == 1 { 20 } else { 1 };
    Event {
        id: dice.id(at),
        register: REGISTER.into(),
        recorded_at: andmekogu::domain::calendar::rfc3339(andmekogu::domain::calendar::instant(at)),
        kind: if write { Kind::Write } else { Kind::Read },
        action: if write { "record.change" } else { "record.read" }.into(),
        decision: Outcome::Permitted,
        actor: Who { user_id: Some(pick(dice, users)), name: "mari.maasikas".into() },
        role: Some("hr_clerk".into()),
        grant_id: Some(pick(dice, users)),
        clause: Some("§ 20 lg 1 p 2".into()),
        policy: Some("hr_clerk_view".into()),
        institution_id: Some(pick(dice, users)),
        record_type: Some("employee".into()),
        record_ids: (0..count).map(|_| pick(dice, records)).collect(),
        sections: vec!["basic".into(), "pay".into()],
        fields: if write { vec!["position".into(), "salary".into()] } else { vec![] },
        entry_id: write.then(|| dice.id(at - 1)),
        document_ids: if write { vec![pick(dice, users)] } else { vec![] },
        purpose: Some("palgaarvestus".into()),
        request_id: Some(dice.id(at).to_string()),
        detail: write.then(
            || json!({ "effective_on": "2026-11-21", "number": n, "content_sha256": content_digest(CONTENT, None) }),
        ),
    }
}

/// What every entry asserts.
const CONTENT: &str = r#"{"position":"x","salary":"1820.00"}"#;

fn build(url: &DatabaseUrl, path: &str, events: i64) -> Result<(), Box<dyn std::error::Error>> {
    migrate::migrate(url)?;
    let mut conn = SqliteConnection::establish(path)?;
    conn.batch_execute("PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; PRAGMA cache_size = -200000")?;
    let mut dice = Dice(7);
    let ids = |dice: &mut Dice, count: i64| (0..count).map(|n| dice.id(START - n)).collect::<Vec<_>>();
    let (users, records) = (ids(&mut dice, 40), ids(&mut dice, 20_000));
    let mut frontier = Frontier::new();
    for start in (0..events).step_by(500) {
        conn.transaction::<_, diesel::result::Error, _>(|c| {
            let made: Vec<_> = (start..events.min(start + 500))
                .map(|n| {
                    let event = event(&mut dice, n, &users, &records);
                    let body = canonical::canonical(&event).unwrap_or_default();
                    let mut salt = [0; 32];
                    for part in salt.chunks_mut(8) {
                        part.copy_from_slice(&dice.next().to_be_bytes());
                    }
                    let leaf = Leaf {
                        seq: n as u64,
                        recorded_at_micros: START + n * 1_000,
                        kind: event.kind,
                        commitment: leaf::commit(&salt, &body),
                    };
                    (event, body, salt, leaf)
                })
                .collect();
            let mut nodes = Vec::new();
            let (mut rows, mut payloads, mut leaves, mut subjects, mut entries) =
                (vec![], vec![], vec![], vec![], vec![]);
            for (event, body, salt, leaf) in &made {
                frontier.push(leaf.hash(), |s, hash| {
                    if is_stored(s.level) {
                        nodes.push((
                            audit_node::register.eq(REGISTER),
                            audit_node::level.eq(i64::from(s.level)),
                            audit_node::position.eq(s.index as i64),
                            audit_node::hash.eq(hash.to_vec()),
                        ));
                    }
                });
                let id = event.id.to_string();
                let actor = event.actor.user_id.map(|u| u.to_string()).unwrap_or_default();
                rows.push((
                    audit_event::register.eq(REGISTER),
                    audit_event::id.eq(id.clone()),
                    audit_event::recorded_at.eq(leaf.recorded_at_micros),
                    audit_event::kind.eq(event.kind.as_str()),
                    audit_event::action.eq(&event.action),
                    audit_event::decision.eq("permitted"),
                    audit_event::actor_id.eq(actor.clone()),
                    audit_event::commitment.eq(leaf.commitment.to_vec()),
                ));
                payloads.push((
                    audit_payload::register.eq(REGISTER),
                    audit_payload::event_id.eq(id.clone()),
                    audit_payload::salt.eq(salt.to_vec()),
                    audit_payload::body.eq(body),
                ));
                leaves.push((
                    audit_leaf::register.eq(REGISTER),
                    audit_leaf::seq.eq(leaf.seq as i64),
                    audit_leaf::event_id.eq(id.clone()),
                    audit_leaf::hash.eq(leaf.hash().to_vec()),
                ));
                let mut named = event.record_ids.clone();
                named.sort_unstable();
                named.dedup();
                for record in named {
                    subjects.push((
                        audit_subject::register.eq(REGISTER),
                        audit_subject::record_id.eq(record.to_string()),
                        audit_subject::event_id.eq(id.clone()),
                    ));
                }
                if let Some(entry_id) = event.entry_id {
                    entries.push((
                        entry::register.eq(REGISTER),
                        entry::id.eq(entry_id.to_string()),
                        entry::record_id.eq(event.record_ids[0].to_string()),
                        entry::number.eq(leaf.seq as i64),
                        entry::kind.eq("change"),
                        entry::effective_on.eq("2026-11-21"),
                        entry::recorded_at.eq(leaf.recorded_at_micros),
                        entry::data.eq(CONTENT),
                        entry::actor_id.eq(actor),
                        entry::definition.eq("d"),
                        entry::audit_id.eq(id),
                    ));
                }
            }
            diesel::insert_into(audit_event::table).values(&rows).execute(c)?;
            diesel::insert_into(audit_payload::table).values(&payloads).execute(c)?;
            diesel::insert_into(audit_leaf::table).values(&leaves).execute(c)?;
            diesel::insert_into(audit_subject::table).values(&subjects).execute(c)?;
            diesel::insert_into(entry::table).values(&entries).execute(c)?;
            diesel::insert_into(audit_node::table).values(&nodes).execute(c)?;
            Ok(())
        })?;
    }
    diesel::insert_into(audit_head::table)
        .values((
            audit_head::register.eq(REGISTER),
            audit_head::size.eq(events),
            audit_head::frontier.eq(frontier.to_bytes()),
        ))
        .execute(&mut conn)?;
    conn.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)")?;
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let events: i64 = std::env::var("EVENTS").map_or(Ok(1_000_000), |n| n.parse())?;
    let dir = tempfile::tempdir()?;
    // A database that is kept, for measuring again.
    let kept = std::env::var("VERIFY_BENCH_DB").ok();
    let path = kept.unwrap_or_else(|| dir.path().join("log.db").display().to_string());
    let url = DatabaseUrl::parse(&path);
    if !std::path::Path::new(&path).exists() {
        let start = Instant::now();
        build(&url, &path, events)?;
        println!("{events} events built in {:.1} s", start.elapsed().as_secs_f64());
    }
    for threads in [1, 2, 2, 2] {
        let start = Instant::now();
        let reports = verify::verify(&url, None, &|_| None, threads, &|_| {})?;
        let seconds = start.elapsed().as_secs_f64();
        for report in reports {
            if !report.is_sound() {
                return Err(format!("faults: {:?}", report.faults).into());
            }
            println!(
                "{threads} thread(s): {} events, {} subjects, {} entries in {seconds:.2} s: {:.0} events a second",
                report.events,
                report.subjects,
                report.entries,
                report.events as f64 / seconds
            );
        }
    }
    Ok(())
}
