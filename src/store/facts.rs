//! What the store knows of a record when it decides about an act: never handed out.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use super::conn::AnyConn;
use super::error::Error;
use super::schema::{entry, record, record_state};
use crate::domain::calendar::{instant, parse_day};
use crate::domain::record::entry::{Entry, EntryKind};
use crate::domain::record::index::Status;

/// Stands for "no first day" and "no last day" in the store, so that comparisons stay simple.
pub(in crate::store) const FIRST_DAY: &str = "0001-01-01";
pub(in crate::store) const LAST_DAY: &str = "9999-12-31";

/// A record's row and the state that holds on a day.
pub(in crate::store) struct RecordFacts {
    pub id: Uuid,
    pub record_type: String,
    pub institution_id: Uuid,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// First day of the state in `data`.
    pub from: NaiveDate,
    /// The state on the day asked about, or the first one when the record begins later.
    pub data: Value,
    /// Where the record stands on the day asked about.
    pub status: Status,
    /// Whether the day lies before the record's first.
    pub before_first: bool,
}

pub(in crate::store) fn id(text: &str) -> Result<Uuid, Error> {
    Uuid::parse_str(text).map_err(|_| Error::Damaged("an id is not a UUID".into()))
}

pub(in crate::store) fn day(text: &str) -> Result<NaiveDate, Error> {
    parse_day(text).ok_or_else(|| Error::Damaged("a day is not a date".into()))
}

/// A bound of a record's life as stored: `None` for the open ends.
pub(in crate::store) fn bound(text: &str) -> Option<NaiveDate> {
    if text == FIRST_DAY || text == LAST_DAY { None } else { parse_day(text) }
}

pub(in crate::store) fn json(text: &str) -> Result<Value, Error> {
    serde_json::from_str(text).map_err(|_| Error::Damaged("stored JSON cannot be read".into()))
}

type Row = (String, String, i64, i64, i64, String, String, String, String);

/// The record and its state on `on`, as known now.
pub(in crate::store) fn load(
    conn: &mut AnyConn,
    register: &str,
    record_id: Uuid,
    on: NaiveDate,
) -> Result<Option<RecordFacts>, Error> {
    let key = record_id.to_string();
    let row: Option<Row> = record::table
        .inner_join(
            record_state::table
                .on(record_state::register.eq(record::register).and(record_state::record_id.eq(record::id))),
        )
        .filter(record::register.eq(register))
        .filter(record::id.eq(&key))
        .filter(record_state::from_day.le(on.to_string()))
        .order(record_state::from_day.desc())
        .select((
            record::record_type,
            record::institution_id,
            record::version,
            record::created_at,
            record::updated_at,
            record_state::effective_on,
            record_state::begins_on,
            record_state::ends_on,
            record_state::data,
        ))
        .first(conn)
        .optional()?;
    row.map(|row| facts_of(record_id, row, on)).transpose()
}

/// Records asked for at once.
const PAGE: usize = 1_000;

/// The records of `ids` that there are, each in its state on `on`, as known now.
pub(in crate::store) fn load_many(
    conn: &mut AnyConn,
    register: &str,
    ids: &[Uuid],
    on: NaiveDate,
) -> Result<HashMap<Uuid, RecordFacts>, Error> {
    type Many = (String, Row);
    let day_text = on.to_string();
    let mut found = HashMap::with_capacity(ids.len());
    for part in ids.chunks(PAGE) {
        let rows: Vec<Many> = record::table
            .inner_join(
                record_state::table
                    .on(record_state::register.eq(record::register).and(record_state::record_id.eq(record::id))),
            )
            .filter(record::register.eq(register))
            .filter(record::id.eq_any(part.iter().map(Uuid::to_string)))
            .filter(record_state::from_day.le(&day_text))
            .filter(record_state::until_day.gt(&day_text))
            .select((
                record::id,
                (
                    record::record_type,
                    record::institution_id,
                    record::version,
                    record::created_at,
                    record::updated_at,
                    record_state::effective_on,
                    record_state::begins_on,
                    record_state::ends_on,
                    record_state::data,
                ),
            ))
            .load(conn)?;
        for (key, row) in rows {
            let record_id = id(&key)?;
            found.insert(record_id, facts_of(record_id, row, on)?);
        }
    }
    Ok(found)
}

fn facts_of(record_id: Uuid, row: Row, on: NaiveDate) -> Result<RecordFacts, Error> {
    let (record_type, institution, version, created, updated, effective, begins, ends, data) = row;
    let from = day(&effective)?;
    Ok(RecordFacts {
        id: record_id,
        record_type,
        institution_id: id(&institution)?,
        version,
        created_at: instant(created),
        updated_at: instant(updated),
        from,
        data: json(&data)?,
        status: Status::on(on, bound(&begins), bound(&ends)),
        before_first: from > on,
    })
}

/// Locks the rows of many records, as [`lock`] does one.
pub(in crate::store) fn lock_many(conn: &mut AnyConn, register: &str, ids: &[Uuid]) -> Result<(), Error> {
    if let AnyConn::Pg(pg) = conn {
        // In one order, so that two who want the same records wait for each other instead of forever.
        let mut keys: Vec<String> = ids.iter().map(Uuid::to_string).collect();
        keys.sort_unstable();
        for part in keys.chunks(PAGE) {
            record::table
                .filter(record::register.eq(register))
                .filter(record::id.eq_any(part))
                .order(record::id)
                .select(record::version)
                .for_update()
                .load::<i64>(pg)?;
        }
    }
    Ok(())
}

/// Every entry of a record, in the order made.
pub(in crate::store) fn entries(conn: &mut AnyConn, register: &str, record_id: Uuid) -> Result<Vec<Entry>, Error> {
    Ok(entries_of(conn, register, &[record_id])?.remove(&record_id).unwrap_or_default())
}

/// Every entry of each record, in the order made.
pub(in crate::store) fn entries_of(
    conn: &mut AnyConn,
    register: &str,
    records: &[Uuid],
) -> Result<HashMap<Uuid, Vec<Entry>>, Error> {
    type Row = (String, String, i64, String, String, i64, String, Option<String>, Option<String>);
    let rows: Vec<Row> = entry::table
        .filter(entry::register.eq(register))
        .filter(entry::record_id.eq_any(records.iter().map(Uuid::to_string)))
        .order((entry::record_id, entry::number))
        .select((
            entry::record_id,
            entry::id,
            entry::number,
            entry::kind,
            entry::effective_on,
            entry::recorded_at,
            entry::data,
            entry::supersedes,
            entry::source,
        ))
        .load(conn)?;
    let mut found: HashMap<Uuid, Vec<Entry>> = HashMap::new();
    for (record_id, entry_id, number, kind, effective_on, recorded_at, data, supersedes, source) in rows {
        found.entry(id(&record_id)?).or_default().push(Entry {
            id: id(&entry_id)?,
            number,
            kind: EntryKind::parse(&kind).ok_or_else(|| Error::Damaged("an entry's kind".into()))?,
            effective_on: day(&effective_on)?,
            recorded_at: instant(recorded_at),
            data: json(&data)?,
            supersedes: supersedes.as_deref().map(id).transpose()?,
            source,
        });
    }
    Ok(found)
}

/// Locks the record's row until the transaction ends (PostgreSQL; SQLite has one writer anyway).
pub(in crate::store) fn lock(conn: &mut AnyConn, register: &str, record_id: Uuid) -> Result<(), Error> {
    if let AnyConn::Pg(pg) = conn {
        record::table
            .filter(record::register.eq(register))
            .filter(record::id.eq(record_id.to_string()))
            .select(record::version)
            .for_update()
            .first::<i64>(pg)
            .optional()?;
    }
    Ok(())
}

/// Digest of the newest definition of a register.
pub(in crate::store) fn definition_digest(conn: &mut AnyConn, register: &str) -> Result<String, Error> {
    use super::schema::definition;
    Ok(definition::table
        .filter(definition::register.eq(register))
        .order(definition::loaded_at.desc())
        .select(definition::digest)
        .first(conn)?)
}
