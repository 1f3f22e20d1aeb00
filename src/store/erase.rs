//! The delete gate: the one place from which data of records go, and the only one from which the database lets them go.
//!
//! Rows of a record can be deleted only while the record stands in `erasing`, which happens here, inside the transaction
//! of an approved batch, and nowhere else (triggers on SQLite; `tests/retention.rs` proves that there is no other way).
//! What goes: the record, its entries, states, index and keys; base documents that nothing refers to any more, and
//! their files; what was said in cases about it, and the letters; what was shown of it to the public; drafts, searches
//! and uploads that hold its person's code; the words and salts of the log's entries about it. What stays: the leaves
//! of the log, the ledgers with the record's bare id, the acts.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use regex::Regex;
use serde_json::Value;
use uuid::Uuid;

use super::change;
use super::conn::AnyConn;
use super::error::Error;
use super::facts;
use super::read::aggregates::renumber;
use super::schema::{
    audit_payload, base_document, case_file, draft, entry, entry_document, erasing, former_code, outbox,
    pending_upload, record, record_index, saved_search, stored_file,
};
use crate::domain::case::CaseFile;
use crate::domain::record::Timeline;
use crate::domain::registers::Register;
use crate::domain::retention::Cleared;
use crate::domain::statute::definition::{Field, FieldType};

/// Records that go in one pass: what one statement names.
const PART: usize = 500;

/// What goes of one record: made from leave to erase it, and from nothing else.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::store) struct Gone {
    /// Record.
    pub record_id: Uuid,
    /// Its type.
    pub record_type: String,
    /// Names of the fields that go; `None` for the record as a whole.
    pub fields: Option<BTreeSet<String>>,
    leave: Vec<Cleared>,
}

impl Gone {
    /// What goes by `leave`, all of it for one record; nothing where there is no leave.
    pub(in crate::store) fn by(
        leave: Vec<Cleared>,
        record_type: &str,
        fields: Option<BTreeSet<String>>,
    ) -> Option<Self> {
        let record_id = leave.first()?.record();
        leave.iter().all(|one| one.record() == record_id).then(|| Self {
            record_id,
            record_type: record_type.to_owned(),
            fields,
            leave,
        })
    }

    /// What goes once more, having gone before a copy was brought back.
    pub(in crate::store) fn again(leave: Cleared, erasure: &crate::domain::backup::Erasure) -> Self {
        Self {
            record_id: leave.record(),
            record_type: erasure.record_type.clone(),
            fields: erasure.fields.as_ref().map(|names| names.iter().cloned().collect()),
            leave: vec![leave],
        }
    }

    /// The leave, to be spent once the data are gone.
    pub(in crate::store) fn take_leave(&mut self) -> Vec<Cleared> {
        std::mem::take(&mut self.leave)
    }
}

/// What went with one record beside its entries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::store) struct Went {
    /// Base documents, and files of its fields. One that several records shared counts once, with the first of them.
    pub documents: u64,
    /// Bytes of its entries' data and of files.
    pub bytes: u64,
}

/// What went, by record.
pub(in crate::store) type Gains = BTreeMap<String, Went>;

/// Erases, and says what went with each record. `keep` is the log entry of the erasure itself, whose words stay.
///
/// # Errors
/// The database's; then nothing has gone, since the transaction is rolled back.
pub(in crate::store) fn erase(
    conn: &mut AnyConn,
    register: &Register,
    gone: &[Gone],
    keep: &str,
) -> Result<Gains, Error> {
    let mut went = Gains::new();
    let (whole, parts): (Vec<&Gone>, Vec<&Gone>) = gone.iter().partition(|g| g.fields.is_none());
    for some in whole.chunks(PART) {
        open(conn, register.name(), some)?;
        records(conn, register, some, keep, &mut went)?;
        close(conn, register.name())?;
    }
    for some in parts.chunks(PART) {
        open(conn, register.name(), some)?;
        let mut files = BTreeMap::new();
        for one in some {
            fields(conn, register, one, keep, &mut went, &mut files)?;
        }
        shown(conn, register.name())?;
        forget_files(conn, register, &files, &mut went)?;
        close(conn, register.name())?;
    }
    Ok(went)
}

fn open(conn: &mut AnyConn, register: &str, gone: &[&Gone]) -> Result<(), Error> {
    let rows: Vec<_> =
        gone.iter().map(|g| (erasing::register.eq(register), erasing::record_id.eq(g.record_id.to_string()))).collect();
    Ok(insert_rows!(conn, erasing::table, rows)?)
}

fn close(conn: &mut AnyConn, register: &str) -> Result<(), Error> {
    diesel::delete(erasing::table.filter(erasing::register.eq(register))).execute(conn)?;
    Ok(())
}

/// Runs a statement about the records for which the gate is open: `{gone}` stands for them, `$1` for the register.
fn run(conn: &mut AnyConn, register: &str, sql: &str) -> Result<u64, Error> {
    let sql = sql.replace("{gone}", "(SELECT g.record_id FROM erasing g WHERE g.register = $1)");
    Ok(diesel::sql_query(sql).bind::<Text, _>(register).execute(conn)? as u64)
}

#[derive(QueryableByName)]
struct Bytes {
    #[diesel(sql_type = Text)]
    record_id: String,
    #[diesel(sql_type = BigInt)]
    bytes: i64,
}

/// Erases records as a whole.
fn records(conn: &mut AnyConn, register: &Register, gone: &[&Gone], keep: &str, went: &mut Gains) -> Result<(), Error> {
    let name = register.name();
    let ids: Vec<String> = gone.iter().map(|g| g.record_id.to_string()).collect();
    let codes = codes_of(conn, register, gone, &ids)?;
    let resting: Vec<(String, String)> = entry_document::table
        .inner_join(
            entry::table.on(entry::register.eq(entry_document::register).and(entry::id.eq(entry_document::entry_id))),
        )
        .filter(entry::register.eq(name))
        .filter(entry::record_id.eq_any(&ids))
        .order((entry_document::document_id, entry::record_id))
        .select((entry_document::document_id, entry::record_id))
        .distinct()
        .load(conn)?;
    // The first of several records stands for a document that they share.
    let mut documents: BTreeMap<String, String> = BTreeMap::new();
    for (document, record) in resting {
        documents.entry(document).or_insert(record);
    }
    let mut files = files_of(conn, register, gone, &ids)?;
    let sizes = "SELECT record_id, CAST(SUM(octet_length(data)) AS BIGINT) AS bytes FROM entry WHERE register = $1 \
         AND record_id IN (SELECT g.record_id FROM erasing g WHERE g.register = $1) GROUP BY record_id";
    for size in diesel::sql_query(sizes).bind::<Text, _>(name).load::<Bytes>(conn)? {
        went.entry(size.record_id).or_default().bytes += u64::try_from(size.bytes).unwrap_or(0);
    }

    run(
        conn,
        name,
        "DELETE FROM entry_document WHERE register = $1 AND entry_id IN \
         (SELECT e.id FROM entry e WHERE e.register = $1 AND e.record_id IN {gone})",
    )?;
    for table in ["record_event", "former_code", "unique_key", "record_index", "record_state", "leaver"] {
        run(conn, name, &format!("DELETE FROM {table} WHERE register = $1 AND record_id IN {{gone}}"))?;
    }
    run(conn, name, "DELETE FROM record_move WHERE register = $1 AND from_record IN {gone}")?;
    shown(conn, name)?;
    cases(conn, name, &ids)?;
    run(conn, name, "DELETE FROM entry WHERE register = $1 AND record_id IN {gone}")?;
    run(conn, name, "DELETE FROM record WHERE register = $1 AND id IN {gone}")?;
    // An entry of the log that is also about somebody who stays keeps its words: they hold nothing but ids.
    let words = "DELETE FROM audit_payload WHERE register = $1 AND event_id <> $2 AND event_id IN \
         (SELECT s.event_id FROM audit_subject s WHERE s.register = $1 AND s.record_id IN \
            (SELECT g.record_id FROM erasing g WHERE g.register = $1)) \
         AND NOT EXISTS (SELECT 1 FROM audit_subject o JOIN record r ON r.register = o.register AND r.id = o.record_id \
            WHERE o.register = $1 AND o.event_id = audit_payload.event_id)";
    let (words, binds) = renumber(words, &[name.to_owned(), keep.to_owned()]);
    let mut words = diesel::sql_query(words).into_boxed::<super::conn::MultiBackend>();
    for bind in binds {
        words = words.bind::<Text, _>(bind);
    }
    words.execute(conn)?;
    desks(conn, name, &ids, &codes)?;
    let all: Vec<&String> = documents.keys().collect();
    for some in all.chunks(PART) {
        let referred = entry_document::table
            .filter(entry_document::register.eq(base_document::register))
            .filter(entry_document::document_id.eq(base_document::id));
        let loose: Vec<(String, Option<String>)> = base_document::table
            .filter(base_document::register.eq(name))
            .filter(base_document::id.eq_any(some.iter().copied()))
            .filter(diesel::dsl::not(diesel::dsl::exists(referred)))
            .select((base_document::id, base_document::sha256))
            .load(conn)?;
        for (id, sha256) in &loose {
            let Some(record) = documents.get(id) else { continue };
            went.entry(record.clone()).or_default().documents += 1;
            if let Some(sha256) = sha256 {
                files.entry(sha256.clone()).or_insert_with(|| Held { record: record.clone(), by_field: false });
            }
        }
        let loose: Vec<String> = loose.into_iter().map(|(id, _)| id).collect();
        let found =
            base_document::table.filter(base_document::register.eq(name)).filter(base_document::id.eq_any(&loose));
        diesel::delete(found).execute(conn)?;
    }
    forget_files(conn, register, &files, went)
}

/// By whom a file was held that may be of no use any more.
struct Held {
    record: String,
    /// In a field of the record; else by its base document, which is counted already.
    by_field: bool,
}

/// Personal codes that the records have or had.
fn codes_of(conn: &mut AnyConn, register: &Register, gone: &[&Gone], ids: &[String]) -> Result<Vec<String>, Error> {
    let types: BTreeSet<&str> = gone.iter().map(|g| g.record_type.as_str()).collect();
    let fields: Vec<&str> =
        types.into_iter().filter_map(|name| register.record_type(name)?.subject.as_ref().map(|s| s.field())).collect();
    let mut codes: Vec<String> = record_index::table
        .filter(record_index::register.eq(register.name()))
        .filter(record_index::record_id.eq_any(ids))
        .filter(record_index::field.eq_any(&fields))
        .filter(record_index::value.ne(""))
        .select(record_index::value)
        .distinct()
        .load(conn)?;
    let former: Vec<String> = former_code::table
        .filter(former_code::register.eq(register.name()))
        .filter(former_code::record_id.eq_any(ids))
        .select(former_code::value)
        .load(conn)?;
    codes.extend(former);
    Ok(codes)
}

/// Names of fields that hold files, those inside groups included.
fn file_fields(fields: &[Field]) -> Vec<&str> {
    let here = fields.iter().filter(|f| f.kind == FieldType::File).map(|f| f.name.as_str());
    here.chain(fields.iter().flat_map(|f| file_fields(&f.parts))).collect()
}

/// The files that stand in fields of the records, by digest.
fn files_of(
    conn: &mut AnyConn,
    register: &Register,
    gone: &[&Gone],
    ids: &[String],
) -> Result<BTreeMap<String, Held>, Error> {
    let mut found = BTreeMap::new();
    if !gone.iter().any(|g| register.record_type(&g.record_type).is_some_and(|t| !file_fields(&t.fields).is_empty())) {
        return Ok(found);
    }
    let all: Vec<(String, String)> = entry::table
        .filter(entry::register.eq(register.name()))
        .filter(entry::record_id.eq_any(ids))
        .order(entry::record_id)
        .select((entry::record_id, entry::data))
        .load(conn)?;
    for (record, data) in all {
        let mut digests = BTreeSet::new();
        self::digests(&facts::json(&data)?, &mut digests);
        for sha256 in digests {
            found.entry(sha256).or_insert_with(|| Held { record: record.clone(), by_field: true });
        }
    }
    Ok(found)
}

/// Puts the digests that stand in a value into `found`.
pub(in crate::store) fn digests(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) => {
            found.insert(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| digests(item, found)),
        Value::Object(members) => members.values().for_each(|member| digests(member, found)),
        _ => {}
    }
}

/// Rows read together where a whole table is gone through.
const ROWS: i64 = 5_000;

/// Deletes the files that nothing refers to any more.
fn forget_files(
    conn: &mut AnyConn,
    register: &Register,
    files: &BTreeMap<String, Held>,
    went: &mut Gains,
) -> Result<(), Error> {
    let name = register.name();
    let all: Vec<&String> = files.keys().collect();
    let mut loose: BTreeMap<String, i64> = BTreeMap::new();
    for some in all.chunks(PART) {
        let documents = base_document::table
            .filter(base_document::register.eq(stored_file::register))
            .filter(base_document::sha256.eq(stored_file::sha256.nullable()));
        let rows: Vec<(String, i64)> = stored_file::table
            .filter(stored_file::register.eq(name))
            .filter(stored_file::sha256.eq_any(some.iter().copied()))
            .filter(diesel::dsl::not(diesel::dsl::exists(documents)))
            .select((stored_file::sha256, stored_file::size))
            .load(conn)?;
        loose.extend(rows);
    }
    still_named(conn, register, &mut loose)?;
    let gone: Vec<&String> = loose.keys().collect();
    for some in gone.chunks(PART) {
        let rows = stored_file::table
            .filter(stored_file::register.eq(name))
            .filter(stored_file::sha256.eq_any(some.iter().copied()));
        diesel::delete(rows).execute(conn)?;
    }
    for (sha256, size) in loose {
        let Some(held) = files.get(&sha256) else { continue };
        let went = went.entry(held.record.clone()).or_default();
        went.bytes += u64::try_from(size).unwrap_or(0);
        went.documents += u64::from(held.by_field);
    }
    Ok(())
}

/// Takes out of `loose` what an entry of some record still names, a corrected one included: one walk over the entries
/// that name files at all, for all of the files together.
fn still_named(conn: &mut AnyConn, register: &Register, loose: &mut BTreeMap<String, i64>) -> Result<(), Error> {
    let types = &register.definition.record_types;
    let fields: BTreeSet<&str> = types.iter().flat_map(|t| file_fields(&t.fields)).collect();
    for field in fields {
        let mut after = String::new();
        while !loose.is_empty() {
            let rows: Vec<(String, String)> = entry::table
                .filter(entry::register.eq(register.name()))
                .filter(entry::id.gt(&after))
                .filter(entry::data.like(format!("%\"{field}\":%")))
                .order(entry::id)
                .limit(ROWS)
                .select((entry::id, entry::data))
                .load(conn)?;
            let Some((last, _)) = rows.last() else { break };
            after.clone_from(last);
            for (_, data) in &rows {
                named(data, |sha256| {
                    loose.remove(sha256);
                });
            }
        }
    }
    Ok(())
}

/// Tells of every text in stored JSON that has the form of a digest.
fn named(data: &str, mut tell: impl FnMut(&str)) {
    for text in data.split('"').filter(|t| t.len() == 64 && t.bytes().all(|b| b.is_ascii_hexdigit())) {
        tell(text);
    }
}

/// What the public saw of the records.
fn shown(conn: &mut AnyConn, register: &str) -> Result<(), Error> {
    run(
        conn,
        register,
        "UPDATE publication_row SET body = NULL, earlier = NULL WHERE register = $1 AND record_id IN {gone}",
    )?;
    Ok(())
}

/// What was said in cases about the records: steps and letters go; a case to which the ledger refers keeps its frame.
fn cases(conn: &mut AnyConn, register: &str, ids: &[String]) -> Result<(), Error> {
    let of = "(SELECT c.id FROM case_file c WHERE c.register = $1 AND c.record_id IN {gone})";
    run(conn, register, &format!("DELETE FROM outbox WHERE register = $1 AND case_id IN {of}"))?;
    run(conn, register, &format!("DELETE FROM case_step WHERE register = $1 AND case_id IN {of}"))?;
    run(
        conn,
        register,
        "DELETE FROM case_file WHERE register = $1 AND record_id IN {gone} AND NOT EXISTS \
         (SELECT 1 FROM disclosure d WHERE d.register = $1 AND d.case_id = case_file.id)",
    )?;
    let left: Vec<(String, String)> = case_file::table
        .filter(case_file::register.eq(register))
        .filter(case_file::record_id.eq_any(ids))
        .select((case_file::id, case_file::body))
        .load(conn)?;
    for (id, body) in left {
        let mut file: CaseFile =
            serde_json::from_str(&body).map_err(|_| Error::Damaged("a case cannot be read".into()))?;
        file.subject = "–".to_owned();
        file.text.clear();
        file.from = None;
        file.details = Value::Null;
        file.attachments.clear();
        let body = serde_json::to_string(&file).map_err(|e| Error::Damaged(e.to_string()))?;
        diesel::update(case_file::table.find((register, id))).set(case_file::body.eq(body)).execute(conn)?;
    }
    Ok(())
}

/// What stands on users' desks and in letters about the records' persons: each table is gone through once, for all of
/// the persons together.
fn desks(conn: &mut AnyConn, register: &str, ids: &[String], codes: &[String]) -> Result<(), Error> {
    let Some(about) = any_of(ids.iter().chain(codes))? else { return Ok(()) };
    let drafts: Vec<(String, String, String)> = draft::table
        .filter(draft::register.eq(register))
        .select((draft::id, draft::form_key, draft::body))
        .load(conn)?;
    let drafts = drafts.into_iter().filter(|(_, key, body)| about.is_match(key) || about.is_match(body));
    let drafts: Vec<String> = drafts.map(|(id, ..)| id).collect();
    for some in drafts.chunks(PART) {
        diesel::delete(draft::table.filter(draft::register.eq(register)).filter(draft::id.eq_any(some)))
            .execute(conn)?;
    }
    let Some(about) = any_of(codes.iter())? else { return Ok(()) };
    let uploads: Vec<(String, Vec<u8>, String)> = pending_upload::table
        .filter(pending_upload::register.eq(register))
        .select((pending_upload::id, pending_upload::bytes, pending_upload::plan))
        .load(conn)?;
    for (id, bytes, plan) in uploads {
        // A workbook is packed: what cannot be searched goes too.
        let packed = bytes.starts_with(b"PK");
        if packed || about.is_match(&plan) || about.is_match(&String::from_utf8_lossy(&bytes)) {
            diesel::delete(pending_upload::table.find((register, id))).execute(conn)?;
        }
    }
    let searches: Vec<(String, String)> = saved_search::table
        .filter(saved_search::register.eq(register))
        .select((saved_search::id, saved_search::query))
        .load(conn)?;
    let searches: Vec<String> = searches.into_iter().filter(|(_, q)| about.is_match(q)).map(|(id, _)| id).collect();
    for some in searches.chunks(PART) {
        let rows = saved_search::table.filter(saved_search::register.eq(register));
        diesel::delete(rows.filter(saved_search::id.eq_any(some))).execute(conn)?;
    }
    let mut after = String::new();
    loop {
        let letters: Vec<(String, String)> = outbox::table
            .filter(outbox::register.eq(register))
            .filter(outbox::id.gt(&after))
            .order(outbox::id)
            .limit(ROWS)
            .select((outbox::id, outbox::words))
            .load(conn)?;
        let Some((last, _)) = letters.last() else { break };
        after.clone_from(last);
        let letters: Vec<String> = letters.into_iter().filter(|(_, w)| about.is_match(w)).map(|(id, _)| id).collect();
        for some in letters.chunks(PART) {
            diesel::delete(outbox::table.filter(outbox::register.eq(register)).filter(outbox::id.eq_any(some)))
                .execute(conn)?;
        }
    }
    Ok(())
}

/// What finds any of `texts`, all in one go; nothing where there are none.
fn any_of<'a>(texts: impl Iterator<Item = &'a String>) -> Result<Option<Regex>, Error> {
    let texts: BTreeSet<String> = texts.filter(|t| !t.is_empty()).map(|t| regex::escape(t)).collect();
    if texts.is_empty() {
        return Ok(None);
    }
    let one = texts.into_iter().collect::<Vec<_>>().join("|");
    Regex::new(&one).map(Some).map_err(|_| Error::Damaged("what is searched for is too long".into()))
}

/// Erases fields of one record: from every entry, from what the entries amount to, and the words of the log about those
/// entries, which hold a digest of them.
fn fields(
    conn: &mut AnyConn,
    register: &Register,
    gone: &Gone,
    keep: &str,
    went: &mut Gains,
    files: &mut BTreeMap<String, Held>,
) -> Result<(), Error> {
    let (name, id) = (register.name(), gone.record_id.to_string());
    let Some(names) = &gone.fields else { return Ok(()) };
    let Some(kind) = register.record_type(&gone.record_type) else { return Ok(()) };
    let (mut digests, mut words) = (BTreeSet::new(), Vec::new());
    let rows: Vec<(String, String, String)> = entry::table
        .filter(entry::register.eq(name))
        .filter(entry::record_id.eq(&id))
        .select((entry::id, entry::data, entry::audit_id))
        .load(conn)?;
    for (entry_id, data, audit) in rows {
        let size = data.len();
        let mut data = facts::json(&data)?;
        let Some(members) = data.as_object_mut() else { continue };
        let before = members.len();
        for name in names {
            if let Some(value) = members.remove(name) {
                self::digests(&value, &mut digests);
            }
        }
        if members.len() == before {
            continue;
        }
        let data = data.to_string();
        went.entry(id.clone()).or_default().bytes += (size - data.len().min(size)) as u64;
        diesel::update(entry::table.find((name, entry_id))).set(entry::data.eq(data)).execute(conn)?;
        if audit != keep {
            words.push(audit);
        }
    }
    let words =
        audit_payload::table.filter(audit_payload::register.eq(name)).filter(audit_payload::event_id.eq_any(words));
    diesel::delete(words).execute(conn)?;
    let institution: String = record::table.find((name, &id)).select(record::institution_id).first(conn)?;
    let timeline = Timeline::fold(&facts::entries(conn, name, gone.record_id)?, None);
    change::restate(conn, name, kind, gone.record_id, &institution, &timeline)?;
    if kind.subject.as_ref().is_some_and(|s| names.contains(s.field())) {
        let codes = former_code::table.filter(former_code::register.eq(name)).filter(former_code::record_id.eq(&id));
        diesel::delete(codes).execute(conn)?;
    }
    for sha256 in digests {
        files.entry(sha256).or_insert_with(|| Held { record: id.clone(), by_field: true });
    }
    Ok(())
}
