//! Brings the content of a closed register's package into a database that knows nothing of that register: its log leaf
//! by leaf, so that the tree has the same root, and its records entry by entry. All of it in one transaction.
//!
//! Nothing is entered here, and nothing is added to the register's log: what comes was entered long ago, elsewhere. That
//! it was brought stands in the installation's own log.

use std::collections::{HashMap, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, NaiveDate, Utc};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::change::restate;
use super::conn::{AnyConn, DatabaseUrl, connect};
use super::context::INSTALLATION_REGISTER;
use super::error::Error;
use super::facts::LAST_DAY;
use super::log::{self, Recorded};
use super::read::audit::frontier;
use super::schema::{
    access_grant, audit_checkpoint, audit_event, audit_payload, audit_subject, base_document, definition, entry,
    entry_document, grant_log, record, stored_file,
};
use crate::clock::{Stamps, uuid_at};
use crate::domain::access::Grant;
use crate::domain::access::policy::INSTALLATION;
use crate::domain::audit::checkpoint::Checkpoint;
use crate::domain::audit::event::Who;
use crate::domain::audit::{Kind, Leaf, canonical, leaf};
use crate::domain::calendar::micros;
use crate::domain::record::entry::EntryKind;
use crate::domain::record::{Entry, Timeline};
use crate::domain::refusal::Refusal;
use crate::domain::statute::Definition;

/// Events that get their place at once.
const PLACED: usize = 2_000;

/// A line of the log.
#[derive(Debug, Clone)]
pub struct BroughtLine {
    /// The exact leaf.
    pub leaf: String,
    /// Salt in Base64.
    pub salt: Option<String>,
    /// The event.
    pub event: Option<Value>,
}

/// A record.
#[derive(Debug, Clone)]
pub struct BroughtRecord {
    /// Id.
    pub id: Uuid,
    /// Type.
    pub record_type: String,
    /// The institution that held it.
    pub institution_id: Uuid,
    /// Its entries, by number, each with its reason, its actor by name, the digest of its definition and its documents.
    pub entries: Vec<BroughtEntry>,
    /// Base documents: id, kind, body, file.
    pub documents: Vec<BroughtDocument>,
    /// Files that its fields name.
    pub files: Vec<BroughtFile>,
    /// Places of its events in the log.
    pub places: Vec<u64>,
}

/// An entry.
#[derive(Debug, Clone)]
pub struct BroughtEntry {
    /// The entry, but for its source, which its event tells.
    pub entry: Entry,
    /// Why.
    pub reason: Option<String>,
    /// Who made it, by name: where the event that tells it has been erased.
    pub actor: String,
    /// Digest of the definition.
    pub definition: String,
    /// Base documents.
    pub documents: Vec<Uuid>,
}

/// A base document.
#[derive(Debug, Clone)]
pub struct BroughtDocument {
    /// Id.
    pub id: Uuid,
    /// What it is.
    pub body: Value,
    /// Kind.
    pub kind: String,
    /// Its file.
    pub file: Option<BroughtFile>,
    /// The name under which its file came.
    pub file_name: Option<String>,
}

/// A stored file.
#[derive(Debug, Clone)]
pub struct BroughtFile {
    /// SHA-256 in lower-case hexadecimal.
    pub sha256: String,
    /// Type.
    pub media_type: String,
    /// Bytes.
    pub bytes: Vec<u8>,
}

/// A checkpoint: its size, its note, when it was handed out.
pub type BroughtCheckpoint = (i64, String, DateTime<Utc>);

/// Where it comes from.
pub trait Bringing {
    /// The register's short name.
    fn register(&self) -> &str;
    /// The versions of its definition; the last one describes its records.
    fn definitions(&self) -> &[Definition];
    /// The checkpoint to which the log leads.
    fn checkpoint(&self) -> &Checkpoint;
    /// Hands over the log, line by line.
    ///
    /// # Errors
    /// What is brought cannot be read; those of `each`.
    fn log(&self, each: &mut dyn FnMut(BroughtLine) -> Result<(), Error>) -> Result<(), Error>;
    /// Hands over the checkpoints.
    ///
    /// # Errors
    /// As [`Bringing::log`].
    fn checkpoints(&self, each: &mut dyn FnMut(BroughtCheckpoint) -> Result<(), Error>) -> Result<(), Error>;
    /// Hands over the records.
    ///
    /// # Errors
    /// As [`Bringing::log`].
    fn records(&self, each: &mut dyn FnMut(BroughtRecord) -> Result<(), Error>) -> Result<(), Error>;
}

/// What was brought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Brought {
    /// Leaves of the log.
    pub leaves: u64,
    /// Records.
    pub records: u64,
    /// Their entries.
    pub entries: u64,
}

fn unfit(what: impl std::fmt::Display) -> Error {
    Error::Damaged(format!("the package does not fit together: {what}"))
}

/// Brings all of it into the database at `url`, or nothing.
///
/// # Errors
/// [`Refusal::Conflict`] where the database knows the register; what does not fit together; the database's own.
pub fn bring(url: &DatabaseUrl, from: &dyn Bringing, stamps: &Stamps) -> Result<Brought, Error> {
    let mut conn = connect(url).map_err(|e| Error::Unavailable(e.to_string()))?;
    conn.transaction(|conn| {
        if let AnyConn::Sqlite(c) = conn {
            c.batch_execute("PRAGMA defer_foreign_keys = ON")?;
        }
        let register = from.register().to_owned();
        let known: Option<String> = audit_event::table
            .filter(audit_event::register.eq(&register))
            .select(audit_event::id)
            .first(conn)
            .optional()?;
        if known.is_some() {
            let detail = format!("the database knows {register} already: bring it into an empty one");
            return Err(Refusal::Conflict { code: "register_known", detail, clause: None }.into());
        }
        let mut log = BroughtLog::default();
        from.log(&mut |line| log.line(conn, &register, line))?;
        log.place(conn, &register)?;
        let end = frontier(conn, &register)?;
        let told = from.checkpoint();
        if end.size() != told.size || end.root() != told.root {
            return Err(unfit("the log does not lead to its checkpoint"));
        }
        let mut done = Brought { leaves: end.size(), ..Brought::default() };
        definitions(conn, &register, from.definitions(), &log)?;
        for (audit, at, event) in std::mem::take(&mut log.grants) {
            grant(conn, &register, audit, at, &event)?;
        }
        from.checkpoints(&mut |(size, note, at)| {
            // One whose event got its place only after the end of this log tells nothing here.
            if !log.handed_out.contains(&micros(at)) {
                return Ok(());
            }
            diesel::insert_into(audit_checkpoint::table)
                .values((
                    audit_checkpoint::register.eq(&register),
                    audit_checkpoint::size.eq(size),
                    audit_checkpoint::note.eq(note),
                    audit_checkpoint::made_at.eq(micros(at)),
                ))
                .execute(conn)?;
            Ok(())
        })?;
        let newest = from.definitions().last().ok_or_else(|| unfit("it holds no definition"))?;
        from.records(&mut |one| {
            done.records += 1;
            done.entries += one.entries.len() as u64;
            record_of(conn, &register, newest, &log, one)
        })?;
        let who = Who { user_id: None, name: format!("{INSTALLATION}:cli") };
        let mut event = log::draft(INSTALLATION_REGISTER, Kind::Config, "package.import", who);
        event.detail = Some(json!({ "register": register, "leaves": done.leaves, "records": done.records }));
        let after: Option<i64> = audit_event::table
            .filter(audit_event::register.eq(INSTALLATION_REGISTER))
            .select(diesel::dsl::max(audit_event::recorded_at))
            .first(conn)?;
        let recorded = log::record(conn, stamps, after.unwrap_or(0), event)?;
        if matches!(conn, AnyConn::Sqlite(_)) {
            log::integrate(conn, INSTALLATION_REGISTER, &[&recorded])?;
        }
        Ok(done)
    })
}

/// What the log tells about other tables, while it is brought.
#[derive(Default)]
struct BroughtLog {
    waiting: Vec<Recorded>,
    placed: u64,
    /// By entry: the event that tells of it.
    entries: HashMap<Uuid, Told>,
    /// By base document or digest of a file.
    documents: HashMap<String, Uuid>,
    /// Events without words, by the instant that they share with the entry that they made.
    silent: HashMap<i64, Vec<(u64, Uuid)>>,
    /// Instants at which a checkpoint may have been handed out: its event is here, or here without words.
    handed_out: HashSet<i64>,
    definitions: Vec<(String, String, Uuid, i64)>,
    grants: Vec<(Uuid, i64, Value)>,
}

struct Told {
    audit: Uuid,
    actor: String,
    source: Option<String>,
}

impl BroughtLog {
    fn line(&mut self, conn: &mut AnyConn, register: &str, line: BroughtLine) -> Result<(), Error> {
        let leaf = Leaf::parse(&line.leaf).map_err(|_| unfit("a line of the log holds no leaf"))?;
        let at = leaf.recorded_at_micros;
        let (event, opened) = match (line.event, line.salt) {
            (Some(event), Some(salt)) => {
                let salt: Option<[u8; 32]> = STANDARD.decode(salt).ok().and_then(|bytes| bytes.try_into().ok());
                let text = canonical::canonical_value(&event).map_err(|_| unfit("an event has no canonical text"))?;
                let salt = salt.filter(|salt| leaf::commit(salt, &text) == leaf.commitment);
                let salt = salt.ok_or_else(|| unfit(format!("event {} is not the one of its leaf", leaf.seq)))?;
                (event, Some((salt, text)))
            }
            _ => (Value::Null, None),
        };
        let text = |member: &str| event[member].as_str();
        let id = match text("id").map(Uuid::parse_str) {
            Some(id) => id.map_err(|_| unfit("an event has no id"))?,
            // The id went with the words: another one of the same instant stands in its place.
            None => {
                let mut tail = [0; 8];
                tail.copy_from_slice(leaf.commitment.get(..8).unwrap_or(&[0; 8]));
                uuid_at(at, tail)
            }
        };
        let denied = leaf.kind == Kind::Denial;
        diesel::insert_into(audit_event::table)
            .values((
                audit_event::register.eq(register),
                audit_event::id.eq(id.to_string()),
                audit_event::recorded_at.eq(at),
                audit_event::kind.eq(leaf.kind.as_str()),
                audit_event::action.eq(text("action").unwrap_or("erased")),
                audit_event::decision.eq(text("decision").unwrap_or(if denied { "denied" } else { "permitted" })),
                audit_event::actor_id.eq(event["actor"]["user_id"].as_str()),
                audit_event::commitment.eq(leaf.commitment.as_slice()),
            ))
            .execute(conn)?;
        match &opened {
            None => {
                self.handed_out.insert(at);
                self.silent.entry(at).or_default().push((leaf.seq, id));
            }
            Some((salt, body)) => {
                diesel::insert_into(audit_payload::table)
                    .values((
                        audit_payload::register.eq(register),
                        audit_payload::event_id.eq(id.to_string()),
                        audit_payload::salt.eq(salt.as_slice()),
                        audit_payload::body.eq(body),
                    ))
                    .execute(conn)?;
                self.words(conn, register, id, at, &event)?;
            }
        }
        self.waiting.push(Recorded {
            register: register.to_owned(),
            id,
            recorded_at: at,
            kind: leaf.kind,
            commitment: leaf.commitment,
        });
        if self.waiting.len() >= PLACED { self.place(conn, register) } else { Ok(()) }
    }

    /// What the words of an event tell about other tables.
    fn words(&mut self, conn: &mut AnyConn, register: &str, id: Uuid, at: i64, event: &Value) -> Result<(), Error> {
        let mut subjects: Vec<&str> =
            event["record_ids"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        subjects.sort_unstable();
        subjects.dedup();
        for record in subjects {
            diesel::insert_into(audit_subject::table)
                .values((
                    audit_subject::register.eq(register),
                    audit_subject::record_id.eq(record),
                    audit_subject::event_id.eq(id.to_string()),
                ))
                .execute(conn)?;
        }
        if event["decision"] != "permitted" {
            return Ok(());
        }
        let actor = || {
            let actor = &event["actor"];
            actor["user_id"].as_str().or(actor["name"].as_str()).unwrap_or_default().to_owned()
        };
        let detail = &event["detail"];
        if let Some(entry) = event["entry_id"].as_str().and_then(|e| Uuid::parse_str(e).ok()) {
            let source = detail["source"].as_str().map(str::to_owned);
            self.entries.insert(entry, Told { audit: id, actor: actor(), source });
        }
        if event["kind"] == "document" {
            let ids = event["document_ids"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let named = ids.chain(detail["sha256"].as_str()).map(str::to_owned).collect::<Vec<_>>();
            for name in named {
                self.documents.entry(name).or_insert(id);
            }
        }
        if event["action"] == "audit.checkpoint" {
            self.handed_out.insert(at);
        }
        if event["action"] == "definition.load" {
            let text = |member: &str| detail[member].as_str().unwrap_or_default().to_owned();
            self.definitions.push((text("digest"), text("in_force_from"), id, at));
        }
        if event["kind"] == "grant" && (detail.get("before").is_some() || detail.get("after").is_some()) {
            self.grants.push((id, at, event.clone()));
        }
        Ok(())
    }

    fn place(&mut self, conn: &mut AnyConn, register: &str) -> Result<(), Error> {
        let waiting = std::mem::take(&mut self.waiting);
        self.placed += waiting.len() as u64;
        if waiting.is_empty() {
            return Ok(());
        }
        log::integrate(conn, register, &waiting.iter().collect::<Vec<_>>())
    }

    /// The event that made an entry: by its own words, else by the instant and the places of its record.
    fn of_entry(&self, entry: &Entry, places: &[u64]) -> Option<Uuid> {
        let known = self.entries.get(&entry.id).map(|told| told.audit);
        known.or_else(|| {
            let same = self.silent.get(&micros(entry.recorded_at))?;
            same.iter().find(|(place, _)| places.contains(place)).or(same.first()).map(|(_, id)| *id)
        })
    }
}

fn definitions(conn: &mut AnyConn, register: &str, brought: &[Definition], log: &BroughtLog) -> Result<(), Error> {
    for (digest, in_force_from, audit, at) in &log.definitions {
        let body = match brought.iter().find(|d| d.digest == *digest) {
            Some(found) => serde_json::to_string(found).map_err(|e| Error::Damaged(e.to_string()))?,
            // Nothing was entered under a version that did not come along.
            None => "null".to_owned(),
        };
        diesel::insert_into(definition::table)
            .values((
                definition::register.eq(register),
                definition::digest.eq(digest),
                definition::in_force_from.eq(in_force_from),
                definition::body.eq(body),
                definition::loaded_at.eq(at),
                definition::audit_id.eq(audit.to_string()),
            ))
            .execute(conn)?;
    }
    Ok(())
}

fn grant(conn: &mut AnyConn, register: &str, audit: Uuid, at: i64, event: &Value) -> Result<(), Error> {
    let detail = &event["detail"];
    let read = |member: &str| -> Option<Grant> { serde_json::from_value(detail.get(member)?.clone()).ok() };
    let (before, after) = (read("before"), read("after"));
    let act = match (&before, &after) {
        (None, Some(_)) => "granted",
        (Some(_), Some(_)) => "changed",
        (Some(_), None) => "revoked",
        (None, None) => return Err(unfit("an event tells of no grant that can be read")),
    };
    let revoked = after.is_none();
    let Some(mut now) = after.or(before) else { return Ok(()) };
    if revoked {
        (now.revoked, now.version) = (true, now.version + 1);
    }
    let body = serde_json::to_string(&now).map_err(|e| Error::Damaged(e.to_string()))?;
    let until = now.until.map_or_else(|| LAST_DAY.to_owned(), |d| d.to_string());
    if act == "granted" {
        diesel::insert_into(access_grant::table)
            .values((
                access_grant::register.eq(register),
                access_grant::id.eq(now.id.to_string()),
                access_grant::user_id.eq(now.user_id.to_string()),
                access_grant::role.eq(&now.role),
                access_grant::institution_id.eq(now.institution_id.map(|i| i.to_string())),
                access_grant::from_day.eq(now.from.to_string()),
                access_grant::until_day.eq(until),
                access_grant::version.eq(now.version),
                access_grant::body.eq(body),
                access_grant::audit_id.eq(audit.to_string()),
            ))
            .execute(conn)?;
    } else {
        diesel::update(access_grant::table.find((register, now.id.to_string())))
            .set((
                access_grant::institution_id.eq(now.institution_id.map(|i| i.to_string())),
                access_grant::from_day.eq(now.from.to_string()),
                access_grant::until_day.eq(until),
                access_grant::revoked_at.eq(revoked.then_some(at)),
                access_grant::version.eq(now.version),
                access_grant::body.eq(body),
            ))
            .execute(conn)?;
    }
    let actor = &event["actor"];
    diesel::insert_into(grant_log::table)
        .values((
            grant_log::register.eq(register),
            grant_log::id.eq(audit.to_string()),
            grant_log::grant_id.eq(now.id.to_string()),
            grant_log::user_id.eq(now.user_id.to_string()),
            grant_log::act.eq(act),
            grant_log::recorded_at.eq(at),
            grant_log::actor_id.eq(actor["user_id"].as_str().or(actor["name"].as_str())),
            grant_log::body.eq(detail.to_string()),
            grant_log::audit_id.eq(audit.to_string()),
        ))
        .execute(conn)?;
    Ok(())
}

fn file(conn: &mut AnyConn, register: &str, file: &BroughtFile, audit: Uuid, at: i64) -> Result<(), Error> {
    let row = (
        stored_file::register.eq(register),
        stored_file::sha256.eq(&file.sha256),
        stored_file::size.eq(i64::try_from(file.bytes.len()).unwrap_or(i64::MAX)),
        stored_file::media_type.eq(&file.media_type),
        stored_file::bytes.eq(&file.bytes),
        stored_file::stored_at.eq(at),
        stored_file::stored_by.eq("package"),
        stored_file::audit_id.eq(audit.to_string()),
    );
    on_conn!(conn, c => diesel::insert_into(stored_file::table).values(row).on_conflict_do_nothing().execute(c))?;
    Ok(())
}

fn record_of(
    conn: &mut AnyConn,
    register: &str,
    newest: &Definition,
    log: &BroughtLog,
    one: BroughtRecord,
) -> Result<(), Error> {
    let id = one.id.to_string();
    let (Some(first), Some(last)) = (one.entries.first(), one.entries.last()) else {
        return Err(unfit(format!("record {id} has no entry")));
    };
    let (created, updated) = (micros(first.entry.recorded_at), micros(last.entry.recorded_at));
    let any = log.of_entry(&first.entry, &one.places);
    let any = any.ok_or_else(|| unfit(format!("no event of the log made entry {}", first.entry.id)))?;
    diesel::insert_into(record::table)
        .values((
            record::register.eq(register),
            record::id.eq(&id),
            record::record_type.eq(&one.record_type),
            record::institution_id.eq(one.institution_id.to_string()),
            record::version.eq(i64::try_from(one.entries.len()).unwrap_or(i64::MAX)),
            record::created_at.eq(created),
            record::updated_at.eq(updated),
        ))
        .execute(conn)?;
    for stored in one.files.iter().chain(one.documents.iter().filter_map(|d| d.file.as_ref())) {
        file(conn, register, stored, log.documents.get(&stored.sha256).copied().unwrap_or(any), created)?;
    }
    for document in &one.documents {
        let audit = log.documents.get(&document.id.to_string()).copied().unwrap_or(any);
        let row = (
            base_document::register.eq(register),
            base_document::id.eq(document.id.to_string()),
            base_document::kind.eq(&document.kind),
            base_document::body.eq(document.body.to_string()),
            base_document::sha256.eq(document.file.as_ref().map(|f| f.sha256.as_str())),
            base_document::file_name.eq(document.file_name.as_deref()),
            base_document::added_at.eq(created),
            base_document::added_by.eq("package"),
            base_document::audit_id.eq(audit.to_string()),
        );
        on_conn!(conn, c => diesel::insert_into(base_document::table).values(row).on_conflict_do_nothing().execute(c))?;
    }
    let mut entries = Vec::with_capacity(one.entries.len());
    for mut brought in one.entries {
        let audit = log.of_entry(&brought.entry, &one.places);
        let audit = audit.ok_or_else(|| unfit(format!("no event of the log made entry {}", brought.entry.id)))?;
        let told = log.entries.get(&brought.entry.id);
        brought.entry.source = told.and_then(|t| t.source.clone());
        let entry = &brought.entry;
        diesel::insert_into(entry::table)
            .values((
                entry::register.eq(register),
                entry::id.eq(entry.id.to_string()),
                entry::record_id.eq(&id),
                entry::number.eq(entry.number),
                entry::kind.eq(entry.kind.as_str()),
                entry::effective_on.eq(entry.effective_on.to_string()),
                entry::recorded_at.eq(micros(entry.recorded_at)),
                entry::data.eq(entry.data.to_string()),
                entry::reason.eq(brought.reason.as_deref()),
                entry::supersedes.eq(entry.supersedes.map(|s| s.to_string())),
                entry::actor_id.eq(told.map_or(brought.actor.as_str(), |t| t.actor.as_str())),
                entry::definition.eq(&brought.definition),
                entry::audit_id.eq(audit.to_string()),
                entry::source.eq(entry.source.as_deref()),
            ))
            .execute(conn)?;
        for document in &brought.documents {
            diesel::insert_into(entry_document::table)
                .values((
                    entry_document::register.eq(register),
                    entry_document::entry_id.eq(entry.id.to_string()),
                    entry_document::document_id.eq(document.to_string()),
                ))
                .execute(conn)?;
        }
        entries.push(brought.entry);
    }
    if let Some(kind) = newest.record_types.iter().find(|t| t.name == one.record_type) {
        let timeline = Timeline::fold(&entries, None);
        restate(conn, register, kind, one.id, &one.institution_id.to_string(), &timeline)?;
    }
    Ok(())
}

/// The kind of an entry, and its instants, as a package words them.
///
/// # Errors
/// Words that are none of ours.
pub fn entry_of(
    id: Uuid,
    number: i64,
    kind: &str,
    effective_on: NaiveDate,
    recorded_at: &str,
    data: Value,
    supersedes: Option<Uuid>,
) -> Result<Entry, Error> {
    let kind = EntryKind::parse(kind).ok_or_else(|| unfit(format!("there is no kind of entry `{kind}`")))?;
    let recorded_at = instant_of(recorded_at)?;
    Ok(Entry { id, number, kind, effective_on, recorded_at, data, supersedes, source: None })
}

/// An instant as a package words it.
///
/// # Errors
/// Words that are no instant.
pub fn instant_of(text: &str) -> Result<DateTime<Utc>, Error> {
    let read = DateTime::parse_from_rfc3339(text).map_err(|_| unfit("an instant is no instant"))?;
    Ok(read.with_timezone(&Utc))
}
