//! Writing the log: events with their salted commitments, their place in the tree, checkpoints.
//!
//! An event is *recorded* in the transaction of the act that it tells of, and *integrated* when it has its
//! place in the tree: on SQLite in the same transaction, on PostgreSQL within a second (see `sequencer`).

use diesel::prelude::*;
use uuid::Uuid;

use super::conn::AnyConn;
use super::error::Error;
use super::schema::{audit_event, audit_head, audit_leaf, audit_node, audit_payload, audit_queue, audit_subject};
use crate::clock::{Stamps, uuid_at};
use crate::domain::audit::event::{Event, Outcome, Who};
use crate::domain::audit::tree::{Frontier, is_stored};
use crate::domain::audit::{Hash, Kind, Leaf, canonical, leaf};
use crate::domain::calendar::{instant, rfc3339};

/// Rows of one statement: PostgreSQL takes 65,535 parameters.
const ROWS: usize = 5_000;

/// An event that is recorded and waits for its place in the tree.
#[derive(Debug, Clone)]
pub(in crate::store) struct Recorded {
    pub register: String,
    pub id: Uuid,
    pub recorded_at: i64,
    pub kind: Kind,
    pub commitment: Hash,
}

/// An event with nothing in it yet but what every event has; id and time come when it is recorded.
pub(in crate::store) fn draft(register: &str, kind: Kind, action: &str, actor: Who) -> Event {
    Event {
        id: Uuid::nil(),
        register: register.to_owned(),
        recorded_at: String::new(),
        kind,
        action: action.to_owned(),
        decision: Outcome::Permitted,
        actor,
        role: None,
        grant_id: None,
        clause: None,
        policy: None,
        institution_id: None,
        record_type: None,
        record_ids: Vec::new(),
        sections: Vec::new(),
        fields: Vec::new(),
        entry_id: None,
        document_ids: Vec::new(),
        purpose: None,
        request_id: None,
        detail: None,
    }
}

#[derive(Insertable)]
#[diesel(table_name = audit_event)]
struct EventRow<'a> {
    register: &'a str,
    id: &'a str,
    recorded_at: i64,
    kind: &'a str,
    action: &'a str,
    decision: &'a str,
    actor_id: Option<String>,
    commitment: &'a [u8],
}

#[derive(Insertable)]
#[diesel(table_name = audit_subject)]
struct SubjectRow<'a> {
    register: &'a str,
    record_id: &'a str,
    event_id: &'a str,
}

#[derive(Insertable, Clone, Copy)]
#[diesel(table_name = audit_leaf)]
struct LeafRow<'a> {
    register: &'a str,
    seq: i64,
    event_id: &'a str,
    hash: &'a [u8],
}

/// An event with its id, its stamp and its commitment: ready to be written.
struct Stamped {
    event: Event,
    id: String,
    recorded_at: i64,
    salt: [u8; 32],
    body: String,
    commitment: Hash,
}

impl Stamped {
    /// Gives `event` a stamp later than `after`; `random` becomes its salt and the end of its id.
    fn new(stamps: &Stamps, after: i64, mut event: Event, random: &[u8; 40]) -> Result<Self, Error> {
        let (mut salt, mut tail) = ([0_u8; 32], [0_u8; 8]);
        let (front, back) = random.split_at(32);
        salt.copy_from_slice(front);
        tail.copy_from_slice(back);
        let recorded_at = stamps.next(after);
        event.id = uuid_at(recorded_at, tail);
        event.recorded_at = rfc3339(instant(recorded_at));
        let body = canonical::canonical(&event).map_err(|e| Error::LogFailed(e.to_string()))?;
        let commitment = leaf::commit(&salt, &body);
        Ok(Self { id: event.id.to_string(), event, recorded_at, salt, body, commitment })
    }

    fn row(&self) -> EventRow<'_> {
        EventRow {
            register: &self.event.register,
            id: &self.id,
            recorded_at: self.recorded_at,
            kind: self.event.kind.as_str(),
            action: &self.event.action,
            decision: self.event.decision.as_str(),
            actor_id: self.event.actor.user_id.map(|u| u.to_string()),
            commitment: &self.commitment,
        }
    }

    fn into_recorded(self) -> Recorded {
        Recorded {
            register: self.event.register,
            id: self.event.id,
            recorded_at: self.recorded_at,
            kind: self.event.kind,
            commitment: self.commitment,
        }
    }
}

/// Records `event` in the running transaction, at a stamp later than `after`.
///
/// # Errors
/// [`Error::LogFailed`], whatever the cause: the caller must give up what it was doing.
pub(in crate::store) fn record(
    conn: &mut AnyConn,
    stamps: &Stamps,
    after: i64,
    event: Event,
) -> Result<Recorded, Error> {
    let mut random = [0_u8; 40];
    getrandom::fill(&mut random).map_err(|e| Error::LogFailed(e.to_string()))?;
    let stamped = Stamped::new(stamps, after, event, &random)?;
    insert(conn, &stamped).map_err(|e| Error::LogFailed(e.to_string()))?;
    Ok(stamped.into_recorded())
}

/// Records many events at once, in their order, each at a stamp later than the one given with it.
///
/// # Errors
/// As [`record`].
pub(in crate::store) fn record_many(
    conn: &mut AnyConn,
    stamps: &Stamps,
    events: Vec<(i64, Event)>,
) -> Result<Vec<Recorded>, Error> {
    let mut random = vec![[0_u8; 40]; events.len()];
    getrandom::fill(random.as_flattened_mut()).map_err(|e| Error::LogFailed(e.to_string()))?;
    let stamped = events.into_iter().zip(&random).map(|((after, event), r)| Stamped::new(stamps, after, event, r));
    let stamped = stamped.collect::<Result<Vec<_>, _>>()?;
    insert_many(conn, &stamped).map_err(|e| Error::LogFailed(e.to_string()))?;
    Ok(stamped.into_iter().map(Stamped::into_recorded).collect())
}

/// Records whose data an event names: each once.
fn subjects(event: &Event) -> Vec<String> {
    let mut records: Vec<String> = event.record_ids.iter().map(Uuid::to_string).collect();
    records.sort_unstable();
    records.dedup();
    records
}

fn insert_many(conn: &mut AnyConn, events: &[Stamped]) -> QueryResult<()> {
    let queued = matches!(conn, AnyConn::Pg(_));
    for part in events.chunks(ROWS) {
        insert_rows!(conn, audit_event::table, part.iter().map(Stamped::row).collect::<Vec<_>>())?;
        let payloads = part.iter().map(|e| {
            (
                audit_payload::register.eq(e.event.register.as_str()),
                audit_payload::event_id.eq(e.id.as_str()),
                audit_payload::salt.eq(e.salt.as_slice()),
                audit_payload::body.eq(e.body.as_str()),
            )
        });
        insert_rows!(conn, audit_payload::table, payloads.collect::<Vec<_>>())?;
        let records: Vec<(&Stamped, String)> =
            part.iter().flat_map(|e| subjects(&e.event).into_iter().map(move |r| (e, r))).collect();
        for records in records.chunks(ROWS) {
            let rows = records.iter().map(|(e, record_id)| SubjectRow {
                register: &e.event.register,
                record_id,
                event_id: &e.id,
            });
            insert_rows!(conn, audit_subject::table, rows.collect::<Vec<_>>())?;
        }
        if queued {
            let rows = part.iter().map(|e| {
                (audit_queue::register.eq(e.event.register.as_str()), audit_queue::event_id.eq(e.id.as_str()))
            });
            insert_rows!(conn, audit_queue::table, rows.collect::<Vec<_>>())?;
        }
    }
    Ok(())
}

fn insert(conn: &mut AnyConn, stamped: &Stamped) -> QueryResult<()> {
    let (register, id) = (stamped.event.register.as_str(), stamped.id.as_str());
    diesel::insert_into(audit_event::table).values(&stamped.row()).execute(conn)?;
    diesel::insert_into(audit_payload::table)
        .values((
            audit_payload::register.eq(register),
            audit_payload::event_id.eq(id),
            audit_payload::salt.eq(stamped.salt.as_slice()),
            audit_payload::body.eq(&stamped.body),
        ))
        .execute(conn)?;
    for records in subjects(&stamped.event).chunks(ROWS) {
        let rows: Vec<SubjectRow<'_>> =
            records.iter().map(|record_id| SubjectRow { register, record_id, event_id: id }).collect();
        insert_rows!(conn, audit_subject::table, rows)?;
    }
    if matches!(conn, AnyConn::Pg(_)) {
        diesel::insert_into(audit_queue::table)
            .values((audit_queue::register.eq(register), audit_queue::event_id.eq(id)))
            .execute(conn)?;
    }
    Ok(())
}

/// Gives recorded events of one register their places in the tree, in the order given.
pub(in crate::store) fn integrate(conn: &mut AnyConn, register: &str, events: &[&Recorded]) -> Result<(), Error> {
    let failed = |e: diesel::result::Error| Error::LogFailed(e.to_string());
    let (mut frontier, fresh) = match head(conn, register).map_err(failed)? {
        Some(bytes) => (
            Frontier::from_bytes(&bytes)
                .map_err(|e| Error::Damaged(format!("the head of the log of {register}: {e}")))?,
            false,
        ),
        None => (Frontier::new(), true),
    };
    let mut leaves = Vec::with_capacity(events.len());
    let mut nodes: Vec<(u32, u64, Hash)> = Vec::new();
    for event in events {
        let seq = frontier.size();
        let leaf = Leaf { seq, recorded_at_micros: event.recorded_at, kind: event.kind, commitment: event.commitment };
        let hash = leaf.hash();
        leaves.push((i64::try_from(seq).unwrap_or(i64::MAX), event.id.to_string(), hash));
        frontier.push(hash, |subtree, hash| {
            if is_stored(subtree.level) {
                nodes.push((subtree.level, subtree.index, hash));
            }
        });
    }
    let rows: Vec<LeafRow<'_>> =
        leaves.iter().map(|(seq, event_id, hash)| LeafRow { register, seq: *seq, event_id, hash }).collect();
    for rows in rows.chunks(ROWS) {
        insert_rows!(conn, audit_leaf::table, rows.to_vec()).map_err(failed)?;
    }
    for (level, position, hash) in &nodes {
        diesel::insert_into(audit_node::table)
            .values((
                audit_node::register.eq(register),
                audit_node::level.eq(i64::from(*level)),
                audit_node::position.eq(i64::try_from(*position).unwrap_or(i64::MAX)),
                audit_node::hash.eq(hash.as_slice()),
            ))
            .execute(conn)
            .map_err(failed)?;
    }
    let (size, bytes) = (i64::try_from(frontier.size()).unwrap_or(i64::MAX), frontier.to_bytes());
    if fresh {
        diesel::insert_into(audit_head::table)
            .values((
                audit_head::register.eq(register),
                audit_head::size.eq(size),
                audit_head::frontier.eq(bytes.as_slice()),
            ))
            .execute(conn)
            .map_err(failed)?;
    } else {
        diesel::update(audit_head::table.find(register))
            .set((audit_head::size.eq(size), audit_head::frontier.eq(bytes.as_slice())))
            .execute(conn)
            .map_err(failed)?;
    }
    Ok(())
}

/// The end of a register's tree, locked on PostgreSQL so that only one integrates at a time.
fn head(conn: &mut AnyConn, register: &str) -> QueryResult<Option<Vec<u8>>> {
    let query = audit_head::table.find(register).select(audit_head::frontier);
    match conn {
        AnyConn::Pg(c) => query.for_update().first(c).optional(),
        AnyConn::Sqlite(c) => query.first(c).optional(),
    }
}
