//! Every mutation there is, as one enum: what it tells the log, and its SQL. Nothing else writes, save what asserts
//! nothing about anybody: leases and runs of jobs (`store/jobs.rs`), and a user's own desk (`acts/desk.rs`).
//!
//! Both matches are without a wildcard: a new mutation does not compile until it has said both.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::upsert::excluded;
use serde_json::{Value, json};
use uuid::Uuid;

use super::closing::{ClosingStep, ClosingWrite};
use super::conn::AnyConn;
use super::context::INSTALLATION_REGISTER;
use super::error::Error;
use super::facts::{FIRST_DAY, LAST_DAY};
use super::read::lists::every;
use super::retention::{ActWrite, BatchStep, BatchWrite, ErasedWrite, HoldWrite};
use super::schema::{
    access_grant, app_user, audit_checkpoint, base_document, browser_session, calendar_feed, case_file, case_step,
    column_mapping, confirmation, confirmation_note, confirmed_record, definition, disclosure, disclosure_subject,
    entry, entry_document, exchange_run, former_code, grant_log, idempotency, import_row, import_run, leaver,
    leaver_log, legal_hold, login_throttle, outbox, publication, publication_row, record, record_event, record_index,
    record_move, record_state, refresh_token, report_delivery, review, saved_query, session, stored_file, unique_key,
};
use crate::domain::access::Grant;
use crate::domain::case::{CaseFile, Deadline, Step};
use crate::domain::publication::ComparedRow;
use crate::domain::record::entry::{EntryKind, content_digest};
use crate::domain::record::index::{Indexed, index, life};
use crate::domain::record::{Entry, Timeline};
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::domain::statute::RecordType;

/// A mutation.
pub(in crate::store) enum Change {
    /// A new record with its first entry.
    RecordCreated(Box<EntryWrite>),
    /// A change from a day on.
    RecordChanged(Box<EntryWrite>),
    /// A correction of a wrong entry.
    RecordCorrected(Box<EntryWrite>),
    /// The record's end.
    RecordEnded(Box<EntryWrite>),
    /// A record that never was.
    RecordVoided(Box<EntryWrite>),
    /// Records entered together, with what each row did.
    ImportMade(Box<ImportWrite>),
    /// An import taken back.
    ImportUndone { id: Uuid, records: u64 },
    /// How somebody's sheets name their columns.
    MappingKept { user_id: Uuid, record_type: String, body: Value },
    /// A file, stored once by its digest.
    FileStored { sha256: String, media_type: &'static str, bytes: Vec<u8>, by: String },
    /// A base document.
    DocumentAdded(Box<DocumentWrite>),
    /// A grant.
    GrantIssued { grant: Box<Grant>, idempotency: Option<(String, String, Vec<u8>)> },
    /// A changed grant.
    GrantChanged { before: Box<Grant>, after: Box<Grant> },
    /// An ended grant.
    GrantRevoked { grant: Box<Grant>, ground: String, explanation: String },
    /// A definition in use from now on.
    DefinitionLoaded { digest: String, in_force_from: String, body: String, replaces: Option<String> },
    /// A user.
    UserAdded(Box<UserWrite>),
    /// A new password; ends the user's sessions.
    PasswordChanged { user_id: Uuid, password_hash: String },
    /// A session with what keeps it open; forgets failed attempts.
    SessionOpened { session_id: Uuid, user_id: Uuid, keeping: Keeping, throttle_key: String },
    /// A refresh token spent and replaced.
    SessionRefreshed { spent: String, refresh: RefreshWrite, session_id: Uuid },
    /// A session, or all of a user's, ended.
    SessionsEnded { user_id: Uuid, session_id: Option<Uuid>, why: &'static str },
    /// A failed login, with how long to wait before the next.
    LoginFailed { throttle_key: String, failures: i64, not_before: i64, why: &'static str },
    /// A checkpoint handed out: what it says must stay true for ever.
    CheckpointIssued { size: i64, note: String },
    /// A case opened.
    CaseOpened { case: Box<CaseFile>, letters: Vec<LetterWrite>, idempotency: Option<(String, String, Vec<u8>)> },
    /// A step of a case.
    CaseStepped { case: Box<CaseFile>, step: Box<Step>, letters: Vec<LetterWrite> },
    /// Data that leave the register.
    Released(Box<DisclosureWrite>),
    /// What is proposed to be made public.
    PublicationProposed(Box<PublicationWrite>),
    /// What was proposed is public from now on, in place of what was before; or is not; or is no longer.
    PublicationDecided {
        id: Uuid,
        record_type: String,
        state: &'static str,
        reason: Option<String>,
        ledger: Option<Box<DisclosureWrite>>,
    },
    /// A statistical report delivered: the `number`-th of its name.
    ReportDelivered { report: String, number: i64, as_of: String, records: u64, ledger: Box<DisclosureWrite> },
    /// Data exchanged with another register; what went out stands in the ledger too.
    Exchanged { run: Box<ExchangeWrite>, ledger: Option<Box<DisclosureWrite>> },
    /// Letters that remind of a case.
    LettersQueued { case_id: Uuid, letters: Vec<LetterWrite> },
    /// A letter sent, or tried once more, or given up.
    LetterTried { id: Uuid, state: &'static str, attempts: i64, next_at: i64, fault: Option<String> },
    /// A user's employment ends on a day; or, with `None`, does not end after all.
    LeaverNoted { user_id: Uuid, leaver: Option<Box<LeaverWrite>> },
    /// A user's e-mail address and language.
    UserReached { user_id: Uuid, email: Option<String>, language: Option<String> },
    /// A supervisor's query, kept under a name; without a body it is forgotten.
    QueryKept { query: KeptQuery, body: Option<Value>, idempotency: Option<(String, String, Vec<u8>)> },
    /// What a supervisor has reviewed and signs.
    ReviewSigned { id: Uuid, body: Value, idempotency: Option<(String, String, Vec<u8>)> },
    /// A record that gives rise to another, or is offered to another institution.
    MoveBegun(Box<MoveWrite>),
    /// What became of an offer: the receiver's new record, a refusal, or the giver's withdrawal.
    MoveEnded(Box<MoveWrite>),
    /// Letters to institutions about what a check found at an entry.
    InstitutionsWarned { check: String, letters: Vec<LetterWrite> },
    /// Duties to confirm that follow from the definition's days; those that no longer do, and those that do again.
    DutiesComputed { new: Vec<DutyWrite>, cancelled: Vec<(Uuid, Value)>, reopened: Vec<(Uuid, Value)> },
    /// Something said on the way to a confirmation.
    ConfirmationNoted(Box<NoteWrite>),
    /// Data confirmed by the head, in exactly this state.
    Confirmed(Box<ConfirmedWrite>),
    /// Letters that remind of duties to confirm.
    ConfirmationReminded { letters: Vec<LetterWrite> },
    /// Letters that the newest good copy of the database is too old.
    BackupOverdue { letters: Vec<LetterWrite> },
    /// A secret address of a calendar, by its digest; or, where it is `revoked`, its end.
    CalendarFed { digest: String, user_id: Uuid, revoked: bool },
    /// A legal hold.
    HoldPlaced(Box<HoldWrite>),
    /// The end of a legal hold, with its reason.
    HoldLifted { id: Uuid, body: Value },
    /// A batch of what is due.
    BatchProposed(Box<BatchWrite>),
    /// A step of a batch: reviewed, approved, cancelled, a step of its execution.
    BatchStepped(Box<BatchStep>),
    /// Data that have gone: the one variant that deletes.
    Erased(Box<ErasedWrite>),
    /// An act of transfer or of destruction.
    ActDrawn(Box<ActWrite>),
    /// A decision to close the register.
    ClosingProposed(Box<ClosingWrite>),
    /// A step of it: approved, withdrawn, a batch of it, its end.
    ClosingStepped(Box<ClosingStep>),
}

/// A move of a record.
#[derive(Clone)]
pub(in crate::store) struct MoveWrite {
    pub id: Uuid,
    /// Name of the move in the definition.
    pub name: String,
    /// `offered`, `done`, `declined` or `withdrawn`.
    pub state: &'static str,
    pub from_record: Uuid,
    pub from_institution: Uuid,
    pub into_institution: Uuid,
    pub into_record: Option<Uuid>,
    pub effective_on: NaiveDate,
    pub body: Value,
    /// What has happened to the old record on `effective_on`, once the move is done.
    pub event: Option<String>,
    pub idempotency: Option<(String, String, Vec<u8>)>,
}

/// A duty to confirm.
pub(in crate::store) struct DutyWrite {
    pub id: Uuid,
    pub duty: String,
    pub institution_id: Uuid,
    pub due_on: NaiveDate,
    pub acts_by: NaiveDate,
    pub opens_on: NaiveDate,
    pub body: Value,
}

/// A part checked, a reason for a warning, or an exception under an inquiry.
pub(in crate::store) struct NoteWrite {
    pub id: Uuid,
    pub confirmation_id: Uuid,
    /// `check`, `reason` or `exception`.
    pub kind: &'static str,
    /// The record type, or the key of the finding.
    pub subject: String,
    pub body: Value,
}

/// What is confirmed.
pub(in crate::store) struct ConfirmedWrite {
    pub id: Uuid,
    pub number: i64,
    pub on: NaiveDate,
    /// Lower-case hexadecimal.
    pub root: String,
    pub counts: Value,
    pub body: Value,
    /// In their order.
    pub leaves: Vec<ConfirmedLeaf>,
}

/// One record of what is confirmed.
pub(in crate::store) struct ConfirmedLeaf {
    pub record_id: Uuid,
    pub record_type: String,
    pub version: i64,
    pub hash: Vec<u8>,
}

/// An entry with everything that follows from it.
pub(in crate::store) struct EntryWrite {
    pub register: Arc<Register>,
    pub record_type: String,
    pub record_id: Uuid,
    pub institution_id: Uuid,
    pub entry: Entry,
    pub version: i64,
    pub reason: Option<String>,
    pub actor_id: String,
    pub definition: String,
    pub documents: Vec<Uuid>,
    pub timeline: Timeline,
    pub unique_keys: Vec<HeldKey>,
    pub idempotency: Option<(String, String, Vec<u8>)>,
    /// The import that it is a row of.
    pub import_id: Option<Uuid>,
}

/// Records entered together.
pub(in crate::store) struct ImportWrite {
    pub id: Uuid,
    pub record_type: String,
    pub institution_id: Uuid,
    /// SHA-256 of the sheet, or of what was asked for.
    pub sha256: String,
    /// Counts and bases: nothing of what stood in the sheet.
    pub body: Value,
    pub rows: Vec<ImportedRow>,
    pub idempotency: Option<(String, String, Vec<u8>)>,
}

/// What a row of an import did.
pub(in crate::store) struct ImportedRow {
    pub row: i64,
    pub record_id: Uuid,
    pub entry_id: Uuid,
    pub outcome: &'static str,
}

impl EntryWrite {
    fn detail(&self) -> Value {
        let mut detail = json!({
            "effective_on": self.entry.effective_on.to_string(),
            "number": self.entry.number,
            "content_sha256": self.content_sha256(),
        });
        if let Some(supersedes) = self.entry.supersedes {
            detail["supersedes"] = json!(supersedes);
        }
        if let Some(source) = &self.entry.source {
            detail["source"] = json!(source);
        }
        if let Some(import) = self.import_id {
            detail["import_id"] = json!(import);
        }
        detail
    }

    fn content_sha256(&self) -> String {
        content_digest(&self.entry.data.to_string(), self.reason.as_deref())
    }
}

/// A combination that the record holds from now on.
pub(in crate::store) struct HeldKey {
    pub key: String,
    /// The ended record that has held it so far.
    pub from: Option<String>,
}

/// A letter to be sent.
#[derive(Clone)]
pub(in crate::store) struct LetterWrite {
    pub id: Uuid,
    /// Kind of letter, of the locales.
    pub letter: String,
    pub address: String,
    pub language: String,
    /// What stands in it: no personal data.
    pub words: Value,
    pub case_id: Option<Uuid>,
    /// What it reminds of, and whom: the same reminder is queued once.
    pub stage: Option<String>,
}

/// An entry of the ledger.
pub(in crate::store) struct DisclosureWrite {
    pub id: Uuid,
    pub case_id: Option<Uuid>,
    pub channel: String,
    pub recipient_code: Option<String>,
    pub record_type: Option<String>,
    /// SHA-256 of exactly what leaves, in lower-case hexadecimal.
    pub digest: String,
    pub body: Value,
    pub subjects: Vec<Uuid>,
    pub letters: Vec<LetterWrite>,
    pub idempotency: Option<(String, String, Vec<u8>)>,
}

/// An exchange with another register.
pub(in crate::store) struct ExchangeWrite {
    pub id: Uuid,
    /// Profile of the definition.
    pub exchange: String,
    /// SHA-256 of exactly what went out or came in, in lower-case hexadecimal.
    pub digest: String,
    /// Counts, no personal data.
    pub body: Value,
}

/// What is proposed to be made public.
pub(in crate::store) struct PublicationWrite {
    pub id: Uuid,
    pub record_type: String,
    pub as_of: String,
    pub digest: String,
    pub body: Value,
    pub rows: Vec<ComparedRow>,
    pub idempotency: Option<(String, String, Vec<u8>)>,
}

/// A user whose employment ends.
pub(in crate::store) struct LeaverWrite {
    pub record_id: Uuid,
    pub last_day: NaiveDate,
    pub due_on: NaiveDate,
    pub case_id: Uuid,
}

/// A supervisor's query: whose, and under which name.
pub(in crate::store) struct KeptQuery {
    pub id: Uuid,
    pub user_id: Uuid,
    pub name: String,
}

/// A base document.
pub(in crate::store) struct DocumentWrite {
    pub id: Uuid,
    pub kind: String,
    pub institution_id: Option<Uuid>,
    pub body: String,
    pub sha256: Option<String>,
    pub file_name: Option<String>,
    pub by: String,
    pub idempotency: Option<(String, String, Vec<u8>)>,
}

/// A user.
pub(in crate::store) struct UserWrite {
    pub id: Uuid,
    pub username: String,
    pub personal_code: Option<String>,
    pub display_name: String,
    pub password_hash: String,
}

/// A refresh token as kept: by digest.
pub(in crate::store) struct RefreshWrite {
    pub digest: String,
    pub expires_at: i64,
}

/// By what a session is kept open; kept by digest.
#[derive(Debug, Clone)]
pub enum Keeping {
    /// A refresh token.
    Refresh {
        /// Digest of the token.
        digest: String,
        /// When it expires, in microseconds.
        expires_at: i64,
    },
    /// A browser's cookie.
    Browser {
        /// Digest of its value.
        digest: String,
        /// What its forms must send.
        csrf: String,
        /// When it ends if nothing more comes, in microseconds.
        idle_until: i64,
        /// When it ends in any case, in microseconds.
        ends_at: i64,
    },
}

impl Change {
    /// What the log says about it beyond who and whose: no personal data that the event's other fields don't
    /// need, integers and text only.
    pub(in crate::store) fn detail(&self) -> Option<Value> {
        match self {
            Self::RecordCreated(w)
            | Self::RecordChanged(w)
            | Self::RecordEnded(w)
            | Self::RecordCorrected(w)
            | Self::RecordVoided(w) => Some(w.detail()),
            Self::ImportMade(i) => Some(json!({
                "import_id": i.id,
                "sha256": i.sha256,
                "entries": i.rows.len(),
                "body_sha256": digest_of(&i.body),
            })),
            Self::ImportUndone { id, records } => Some(json!({ "import_id": id, "records": records })),
            Self::MappingKept { record_type, body, user_id: _ } => {
                Some(json!({ "record_type": record_type, "sha256": digest_of(body) }))
            }
            Self::FileStored { sha256, media_type, bytes, .. } => {
                Some(json!({ "sha256": sha256, "media_type": media_type, "size": bytes.len() }))
            }
            Self::DocumentAdded(d) => Some(json!({ "kind": d.kind, "sha256": d.sha256 })),
            Self::GrantIssued { grant, .. } => Some(json!({ "after": grant })),
            Self::GrantChanged { before, after } => Some(json!({ "before": before, "after": after })),
            Self::GrantRevoked { grant, ground, explanation } => {
                Some(json!({ "before": grant, "ground": ground, "explanation": explanation }))
            }
            Self::DefinitionLoaded { digest, in_force_from, replaces, body: _ } => {
                Some(json!({ "digest": digest, "in_force_from": in_force_from, "replaces": replaces }))
            }
            Self::UserAdded(u) => Some(json!({ "user_id": u.id, "username": u.username })),
            Self::PasswordChanged { user_id, .. } => Some(json!({ "user_id": user_id })),
            Self::SessionOpened { session_id, .. } | Self::SessionRefreshed { session_id, .. } => {
                Some(json!({ "session_id": session_id }))
            }
            Self::SessionsEnded { session_id, user_id, why } => {
                Some(json!({ "session_id": session_id, "user_id": user_id, "why": why }))
            }
            Self::LoginFailed { failures, why, .. } => Some(json!({ "failures": failures, "why": why })),
            Self::CheckpointIssued { size, .. } => Some(json!({ "size": size })),
            Self::CaseOpened { case, letters, .. } => Some(json!({
                "case_id": case.id,
                "kind": case.kind,
                "due_on": case.deadline.as_ref().map(|d| d.due.to_string()),
                "sha256": digest_of(&json!(case)),
                "letters": letters.len(),
            })),
            Self::CaseStepped { case, step, letters } => Some(json!({
                "case_id": case.id,
                "kind": case.kind,
                "number": case.version,
                "act": step.act,
                "outcome": step.outcome,
                "due_on": case.deadline.as_ref().map(|d| d.due.to_string()),
                "sha256": digest_of(&json!(step)),
                "letters": letters.len(),
            })),
            Self::Released(d) => Some(d.detail()),
            Self::PublicationProposed(p) => Some(json!({
                "publication_id": p.id,
                "record_type": p.record_type,
                "as_of": p.as_of,
                "digest": p.digest,
            })),
            Self::PublicationDecided { id, record_type, state, reason, ledger } => Some(json!({
                "publication_id": id,
                "record_type": record_type,
                "state": state,
                "reason": reason,
                "disclosure": ledger.as_ref().map(|d| d.detail()),
            })),
            Self::ReportDelivered { report, number, as_of, records, ledger } => Some(json!({
                "report": report,
                "number": number,
                "as_of": as_of,
                "records": records,
                "disclosure": ledger.detail(),
            })),
            Self::Exchanged { run, ledger } => Some(json!({
                "exchange_run": run.id,
                "exchange": run.exchange,
                "digest": run.digest,
                "counts": run.body,
                "disclosure": ledger.as_ref().map(|d| d.detail()),
            })),
            Self::LettersQueued { case_id, letters } => {
                let kinds: Vec<&str> = letters.iter().map(|l| l.letter.as_str()).collect();
                Some(json!({ "case_id": case_id, "letters": kinds }))
            }
            Self::LetterTried { id, state, attempts, fault, next_at: _ } => {
                Some(json!({ "letter_id": id, "state": state, "attempts": attempts, "fault": fault }))
            }
            Self::LeaverNoted { user_id, leaver } => Some(json!({
                "user_id": user_id,
                "last_day": leaver.as_ref().map(|l| l.last_day.to_string()),
                "due_on": leaver.as_ref().map(|l| l.due_on.to_string()),
                "case_id": leaver.as_ref().map(|l| l.case_id),
            })),
            Self::UserReached { user_id, email, language } => {
                Some(json!({ "user_id": user_id, "email": email.is_some(), "language": language }))
            }
            Self::QueryKept { query, body, .. } => Some(json!({ "query_id": query.id, "kept": body.is_some() })),
            Self::ReviewSigned { id, body, .. } => Some(json!({ "review_id": id, "sha256": digest_of(body) })),
            Self::MoveBegun(m) | Self::MoveEnded(m) => Some(json!({
                "move_id": m.id,
                "move": m.name,
                "state": m.state,
                "into_institution": m.into_institution,
                "effective_on": m.effective_on.to_string(),
                "sha256": digest_of(&m.body),
            })),
            Self::InstitutionsWarned { check, letters } => Some(json!({ "check": check, "letters": letters.len() })),
            Self::DutiesComputed { new, cancelled, reopened } => Some(json!({
                "new": new.len(),
                "cancelled": cancelled.iter().map(|(id, _)| id).collect::<Vec<_>>(),
                "reopened": reopened.iter().map(|(id, _)| id).collect::<Vec<_>>(),
            })),
            Self::ConfirmationNoted(n) => Some(json!({
                "confirmation_id": n.confirmation_id,
                "note": n.kind,
                "subject": n.subject,
                "sha256": digest_of(&n.body),
            })),
            Self::Confirmed(c) => Some(json!({
                "confirmation_id": c.id,
                "number": c.number,
                "snapshot_root": c.root,
                "size": c.leaves.len(),
                "counts": c.counts,
                "sha256": digest_of(&c.body),
            })),
            Self::ConfirmationReminded { letters } => {
                let stages: Vec<&str> = letters.iter().filter_map(|l| l.stage.as_deref()).collect();
                Some(json!({ "letters": letters.len(), "stages": stages }))
            }
            Self::BackupOverdue { letters } => Some(json!({ "letters": letters.len() })),
            Self::CalendarFed { digest, revoked, user_id: _ } => Some(json!({ "feed": digest, "revoked": revoked })),
            Self::HoldPlaced(w) => Some(w.detail()),
            Self::HoldLifted { id, body } => Some(json!({ "hold_id": id, "sha256": digest_of(body) })),
            Self::BatchProposed(w) => Some(w.detail()),
            Self::BatchStepped(w) => Some(w.detail()),
            Self::Erased(w) => Some(w.detail()),
            Self::ActDrawn(w) => Some(w.detail()),
            Self::ClosingProposed(w) => Some(w.detail()),
            Self::ClosingStepped(w) => Some(w.detail()),
        }
    }

    /// Writes it. `audit` is the entry in the log that tells of it, already recorded at `at`, of what `by` did.
    pub(in crate::store) fn write(
        self,
        conn: &mut AnyConn,
        register: &str,
        audit: Uuid,
        at: i64,
        by: &str,
    ) -> Result<(), Error> {
        let audit = audit.to_string();
        match self {
            Self::RecordCreated(w) => {
                diesel::insert_into(record::table)
                    .values((
                        record::register.eq(register),
                        record::id.eq(w.record_id.to_string()),
                        record::record_type.eq(&w.record_type),
                        record::institution_id.eq(w.institution_id.to_string()),
                        record::version.eq(w.version),
                        record::created_at.eq(at),
                        record::updated_at.eq(at),
                    ))
                    .execute(conn)?;
                write_entry(conn, register, &w, &audit, at)?;
                write_states(conn, register, &w)?;
                remember(conn, register, w.idempotency, w.record_id, at)
            }
            Self::RecordChanged(w) | Self::RecordCorrected(w) | Self::RecordEnded(w) | Self::RecordVoided(w) => {
                let key = w.record_id.to_string();
                diesel::update(record::table.filter(record::register.eq(register)).filter(record::id.eq(&key)))
                    .set((record::version.eq(w.version), record::updated_at.eq(at)))
                    .execute(conn)?;
                write_entry(conn, register, &w, &audit, at)?;
                keep_codes(conn, register, &[w.as_ref()])?;
                forget_states(conn, register, &key)?;
                write_states(conn, register, &w)
            }
            Self::ImportMade(i) => write_import(conn, register, *i, &audit, at, by),
            Self::ImportUndone { id, records: _ } => {
                diesel::update(import_run::table.find((register, id.to_string())))
                    .set((import_run::state.eq("undone"), import_run::undone_at.eq(at)))
                    .execute(conn)?;
                Ok(())
            }
            Self::MappingKept { user_id, record_type, body } => {
                let user_id = user_id.to_string();
                diesel::delete(column_mapping::table.find((register, &user_id, &record_type))).execute(conn)?;
                diesel::insert_into(column_mapping::table)
                    .values((
                        column_mapping::register.eq(register),
                        column_mapping::user_id.eq(&user_id),
                        column_mapping::record_type.eq(&record_type),
                        column_mapping::body.eq(body.to_string()),
                        column_mapping::kept_at.eq(at),
                        column_mapping::audit_id.eq(audit),
                    ))
                    .execute(conn)?;
                Ok(())
            }
            Self::FileStored { sha256, media_type, bytes, by } => {
                let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
                let row = (
                    stored_file::register.eq(register),
                    stored_file::sha256.eq(sha256),
                    stored_file::size.eq(size),
                    stored_file::media_type.eq(media_type),
                    stored_file::bytes.eq(bytes),
                    stored_file::stored_at.eq(at),
                    stored_file::stored_by.eq(by),
                    stored_file::audit_id.eq(audit),
                );
                on_conn!(conn, c => diesel::insert_into(stored_file::table)
                    .values(row).on_conflict_do_nothing().execute(c))?;
                Ok(())
            }
            Self::DocumentAdded(d) => {
                diesel::insert_into(base_document::table)
                    .values((
                        base_document::register.eq(register),
                        base_document::id.eq(d.id.to_string()),
                        base_document::kind.eq(d.kind),
                        base_document::institution_id.eq(d.institution_id.map(|i| i.to_string())),
                        base_document::body.eq(d.body),
                        base_document::sha256.eq(d.sha256),
                        base_document::file_name.eq(d.file_name),
                        base_document::added_at.eq(at),
                        base_document::added_by.eq(d.by),
                        base_document::audit_id.eq(audit),
                    ))
                    .execute(conn)?;
                remember(conn, register, d.idempotency, d.id, at)
            }
            Self::GrantIssued { grant, idempotency } => {
                let (from, until, body) = grant_columns(&grant)?;
                diesel::insert_into(access_grant::table)
                    .values((
                        access_grant::register.eq(register),
                        access_grant::id.eq(grant.id.to_string()),
                        access_grant::user_id.eq(grant.user_id.to_string()),
                        access_grant::role.eq(&grant.role),
                        access_grant::institution_id.eq(grant.institution_id.map(|i| i.to_string())),
                        access_grant::from_day.eq(from),
                        access_grant::until_day.eq(until),
                        access_grant::version.eq(grant.version),
                        access_grant::body.eq(body),
                        access_grant::audit_id.eq(&audit),
                    ))
                    .execute(conn)?;
                log_grant(conn, register, &grant, "granted", &json!({ "after": grant }), &audit, at, by)?;
                remember(conn, register, idempotency, grant.id, at)
            }
            Self::GrantChanged { before, after } => {
                let (from, until, body) = grant_columns(&after)?;
                diesel::update(access_grant::table.find((register, after.id.to_string())))
                    .set((
                        access_grant::institution_id.eq(after.institution_id.map(|i| i.to_string())),
                        access_grant::from_day.eq(from),
                        access_grant::until_day.eq(until),
                        access_grant::version.eq(after.version),
                        access_grant::body.eq(body),
                    ))
                    .execute(conn)?;
                let body = json!({ "before": before, "after": after });
                log_grant(conn, register, &after, "changed", &body, &audit, at, by)
            }
            Self::GrantRevoked { grant, ground, explanation } => {
                let mut after = grant.clone();
                after.revoked = true;
                after.version += 1;
                let (_, _, body) = grant_columns(&after)?;
                diesel::update(access_grant::table.find((register, grant.id.to_string())))
                    .set((
                        access_grant::revoked_at.eq(at),
                        access_grant::version.eq(after.version),
                        access_grant::body.eq(body),
                    ))
                    .execute(conn)?;
                let body = json!({ "before": grant, "ground": ground, "explanation": explanation });
                log_grant(conn, register, &grant, "revoked", &body, &audit, at, by)
            }
            Self::DefinitionLoaded { digest, in_force_from, body, replaces: _ } => {
                diesel::insert_into(definition::table)
                    .values((
                        definition::register.eq(register),
                        definition::digest.eq(digest),
                        definition::in_force_from.eq(in_force_from),
                        definition::body.eq(body),
                        definition::loaded_at.eq(at),
                        definition::audit_id.eq(audit),
                    ))
                    .execute(conn)?;
                Ok(())
            }
            Self::UserAdded(u) => {
                diesel::insert_into(app_user::table)
                    .values((
                        app_user::register.eq(register),
                        app_user::id.eq(u.id.to_string()),
                        app_user::username.eq(u.username),
                        app_user::personal_code.eq(u.personal_code),
                        app_user::display_name.eq(u.display_name),
                        app_user::password_hash.eq(u.password_hash),
                        app_user::blocked.eq(0),
                        app_user::created_at.eq(at),
                        app_user::audit_id.eq(audit),
                    ))
                    .execute(conn)?;
                Ok(())
            }
            Self::PasswordChanged { user_id, password_hash } => {
                diesel::update(app_user::table.find((register, user_id.to_string())))
                    .set(app_user::password_hash.eq(password_hash))
                    .execute(conn)?;
                end_sessions(conn, register, user_id, None, at)
            }
            Self::SessionOpened { session_id, user_id, keeping, throttle_key } => {
                diesel::insert_into(session::table)
                    .values((
                        session::register.eq(register),
                        session::id.eq(session_id.to_string()),
                        session::user_id.eq(user_id.to_string()),
                        session::opened_at.eq(at),
                    ))
                    .execute(conn)?;
                diesel::delete(login_throttle::table.find((register, throttle_key))).execute(conn)?;
                match keeping {
                    Keeping::Refresh { digest, expires_at } => {
                        write_refresh(conn, register, session_id, RefreshWrite { digest, expires_at })
                    }
                    Keeping::Browser { digest, csrf, idle_until, ends_at } => {
                        diesel::insert_into(browser_session::table)
                            .values((
                                browser_session::register.eq(register),
                                browser_session::digest.eq(digest),
                                browser_session::session_id.eq(session_id.to_string()),
                                browser_session::user_id.eq(user_id.to_string()),
                                browser_session::csrf.eq(csrf),
                                browser_session::state.eq("{}"),
                                browser_session::seen_at.eq(at),
                                browser_session::idle_until.eq(idle_until),
                                browser_session::ends_at.eq(ends_at),
                            ))
                            .execute(conn)?;
                        Ok(())
                    }
                }
            }
            Self::SessionRefreshed { spent, refresh, session_id } => {
                diesel::update(refresh_token::table.find((register, spent)))
                    .set(refresh_token::used_at.eq(at))
                    .execute(conn)?;
                write_refresh(conn, register, session_id, refresh)
            }
            Self::SessionsEnded { user_id, session_id, why: _ } => {
                end_sessions(conn, register, user_id, session_id, at)
            }
            Self::LoginFailed { throttle_key, failures, not_before, why: _ } => {
                let row = (
                    login_throttle::register.eq(register),
                    login_throttle::key.eq(throttle_key),
                    login_throttle::failures.eq(failures),
                    login_throttle::not_before.eq(not_before),
                );
                let update = (login_throttle::failures.eq(failures), login_throttle::not_before.eq(not_before));
                on_conn!(conn, c => diesel::insert_into(login_throttle::table).values(row)
                    .on_conflict((login_throttle::register, login_throttle::key)).do_update().set(update).execute(c))?;
                Ok(())
            }
            Self::CheckpointIssued { size, note } => {
                let row = (
                    audit_checkpoint::register.eq(register),
                    audit_checkpoint::size.eq(size),
                    audit_checkpoint::note.eq(note),
                    audit_checkpoint::made_at.eq(at),
                );
                on_conn!(conn, c => diesel::insert_into(audit_checkpoint::table)
                    .values(row).on_conflict_do_nothing().execute(c))?;
                Ok(())
            }
            Self::CaseOpened { case, letters, idempotency } => {
                diesel::insert_into(case_file::table)
                    .values((
                        case_file::register.eq(register),
                        case_file::id.eq(case.id.to_string()),
                        case_file::kind.eq(&case.kind),
                        case_file::state.eq(case.state.as_str()),
                        case_file::institution_id.eq(case.institution_id.map(|i| i.to_string())),
                        case_file::record_id.eq(case.record_id.map(|i| i.to_string())),
                        case_file::opened_by.eq(&case.opened_by),
                        case_file::opened_at.eq(at),
                        case_file::due_at.eq(case.deadline.as_ref().and_then(Deadline::micros)),
                        case_file::version.eq(case.version),
                        case_file::body.eq(json!(case).to_string()),
                        case_file::audit_id.eq(&audit),
                    ))
                    .execute(conn)?;
                write_step(conn, register, &case, "open", &json!(case), &audit, at, by)?;
                write_letters(conn, register, letters, &audit, at)?;
                remember(conn, register, idempotency, case.id, at)
            }
            Self::CaseStepped { case, step, letters } => {
                diesel::update(case_file::table.find((register, case.id.to_string())))
                    .set((
                        case_file::state.eq(case.state.as_str()),
                        case_file::due_at.eq(case.deadline.as_ref().and_then(Deadline::micros)),
                        case_file::closed_at.eq(case.state.is_over().then_some(at)),
                        case_file::version.eq(case.version),
                        case_file::body.eq(json!(case).to_string()),
                    ))
                    .execute(conn)?;
                write_step(conn, register, &case, step.act.as_str(), &json!(step), &audit, at, by)?;
                write_letters(conn, register, letters, &audit, at)
            }
            Self::Released(d) => write_disclosure(conn, register, *d, &audit, at),
            Self::PublicationProposed(p) => {
                diesel::insert_into(publication::table)
                    .values((
                        publication::register.eq(register),
                        publication::id.eq(p.id.to_string()),
                        publication::record_type.eq(p.record_type),
                        publication::state.eq("proposed"),
                        publication::as_of.eq(p.as_of),
                        publication::proposed_at.eq(at),
                        publication::proposed_by.eq(by),
                        publication::digest.eq(p.digest),
                        publication::body.eq(p.body.to_string()),
                        publication::audit_id.eq(audit),
                    ))
                    .execute(conn)?;
                write_public_rows(conn, register, p.id, &p.rows)?;
                remember(conn, register, p.idempotency, p.id, at)
            }
            Self::PublicationDecided { id, record_type, state, reason, ledger } => {
                let id = id.to_string();
                let row = publication::table.find((register, &id));
                if state == "public" {
                    let before = publication::table
                        .filter(publication::register.eq(register))
                        .filter(publication::record_type.eq(record_type))
                        .filter(publication::state.eq("public"));
                    diesel::update(before)
                        .set((publication::state.eq("replaced"), publication::public_until.eq(at)))
                        .execute(conn)?;
                    diesel::update(row)
                        .set((
                            publication::state.eq(state),
                            publication::decided_at.eq(at),
                            publication::decided_by.eq(by),
                            publication::public_from.eq(at),
                        ))
                        .execute(conn)?;
                } else {
                    diesel::update(row)
                        .set((
                            publication::state.eq(state),
                            publication::withdrawn_by.eq(by),
                            publication::withdrawn_for.eq(reason),
                        ))
                        .execute(conn)?;
                    // What was only proposed has never been public.
                    diesel::update(row.filter(publication::public_from.is_not_null()))
                        .set(publication::public_until.eq(at))
                        .execute(conn)?;
                }
                ledger.map_or(Ok(()), |d| write_disclosure(conn, register, *d, &audit, at))
            }
            Self::ReportDelivered { report, number, as_of, records: _, ledger } => {
                let disclosure_id = ledger.id.to_string();
                write_disclosure(conn, register, *ledger, &audit, at)?;
                // Whoever delivers at the same instant fails on the primary key.
                diesel::insert_into(report_delivery::table)
                    .values((
                        report_delivery::register.eq(register),
                        report_delivery::report.eq(report),
                        report_delivery::number.eq(number),
                        report_delivery::as_of.eq(as_of),
                        report_delivery::disclosure_id.eq(disclosure_id),
                    ))
                    .execute(conn)?;
                Ok(())
            }
            Self::Exchanged { run, ledger } => {
                let disclosure_id = ledger.as_ref().map(|d| d.id.to_string());
                if let Some(ledger) = ledger {
                    write_disclosure(conn, register, *ledger, &audit, at)?;
                }
                diesel::insert_into(exchange_run::table)
                    .values((
                        exchange_run::register.eq(register),
                        exchange_run::id.eq(run.id.to_string()),
                        exchange_run::exchange.eq(run.exchange),
                        exchange_run::made_by.eq(by),
                        exchange_run::made_at.eq(at),
                        exchange_run::sha256.eq(run.digest),
                        exchange_run::disclosure_id.eq(disclosure_id),
                        exchange_run::body.eq(run.body.to_string()),
                        exchange_run::audit_id.eq(&audit),
                    ))
                    .execute(conn)?;
                Ok(())
            }
            Self::LettersQueued { case_id: _, letters } => write_letters(conn, register, letters, &audit, at),
            Self::LetterTried { id, state, attempts, next_at, fault } => {
                diesel::update(outbox::table.find((register, id.to_string())))
                    .set((
                        outbox::state.eq(state),
                        outbox::attempts.eq(attempts),
                        outbox::next_at.eq(next_at),
                        outbox::fault.eq(fault),
                        outbox::sent_at.eq((state == "sent").then_some(at)),
                    ))
                    .execute(conn)?;
                Ok(())
            }
            Self::LeaverNoted { user_id, leaver: noted } => {
                diesel::insert_into(leaver_log::table)
                    .values((
                        leaver_log::register.eq(register),
                        leaver_log::id.eq(&audit),
                        leaver_log::user_id.eq(user_id.to_string()),
                        leaver_log::last_day.eq(noted.as_ref().map(|n| n.last_day.to_string())),
                        leaver_log::recorded_at.eq(at),
                        leaver_log::audit_id.eq(&audit),
                    ))
                    .execute(conn)?;
                diesel::delete(leaver::table.find((register, user_id.to_string()))).execute(conn)?;
                if let Some(noted) = noted {
                    diesel::insert_into(leaver::table)
                        .values((
                            leaver::register.eq(register),
                            leaver::user_id.eq(user_id.to_string()),
                            leaver::record_id.eq(noted.record_id.to_string()),
                            leaver::last_day.eq(noted.last_day.to_string()),
                            leaver::due_on.eq(noted.due_on.to_string()),
                            leaver::case_id.eq(noted.case_id.to_string()),
                        ))
                        .execute(conn)?;
                }
                Ok(())
            }
            Self::UserReached { user_id, email, language } => {
                diesel::update(app_user::table.find((register, user_id.to_string())))
                    .set((app_user::email.eq(email), app_user::language.eq(language)))
                    .execute(conn)?;
                Ok(())
            }
            Self::QueryKept { query: KeptQuery { id, user_id, name }, body, idempotency } => {
                diesel::delete(saved_query::table.find((register, id.to_string()))).execute(conn)?;
                if let Some(body) = body {
                    diesel::insert_into(saved_query::table)
                        .values((
                            saved_query::register.eq(register),
                            saved_query::id.eq(id.to_string()),
                            saved_query::user_id.eq(user_id.to_string()),
                            saved_query::name.eq(name),
                            saved_query::body.eq(body.to_string()),
                            saved_query::saved_at.eq(at),
                            saved_query::audit_id.eq(audit),
                        ))
                        .execute(conn)?;
                }
                remember(conn, register, idempotency, id, at)
            }
            Self::ReviewSigned { id, body, idempotency } => {
                diesel::insert_into(review::table)
                    .values((
                        review::register.eq(register),
                        review::id.eq(id.to_string()),
                        review::signed_at.eq(at),
                        review::signed_by.eq(by),
                        review::body.eq(body.to_string()),
                        review::audit_id.eq(audit),
                    ))
                    .execute(conn)?;
                remember(conn, register, idempotency, id, at)
            }
            Self::MoveBegun(m) => {
                diesel::insert_into(record_move::table)
                    .values((
                        record_move::register.eq(register),
                        record_move::id.eq(m.id.to_string()),
                        record_move::name.eq(&m.name),
                        record_move::state.eq(m.state),
                        record_move::from_record.eq(m.from_record.to_string()),
                        record_move::from_institution.eq(m.from_institution.to_string()),
                        record_move::into_institution.eq(m.into_institution.to_string()),
                        record_move::into_record.eq(m.into_record.map(|r| r.to_string())),
                        record_move::effective_on.eq(m.effective_on.to_string()),
                        record_move::begun_at.eq(at),
                        record_move::ended_at.eq((m.state != "offered").then_some(at)),
                        record_move::body.eq(m.body.to_string()),
                        record_move::audit_id.eq(&audit),
                    ))
                    .execute(conn)?;
                note_event(conn, register, &m, &audit)?;
                // Where a record was made, the key stands with its entry already.
                match m.into_record {
                    None => remember(conn, register, m.idempotency, m.id, at),
                    Some(_) => Ok(()),
                }
            }
            Self::MoveEnded(m) => {
                let open = record_move::table.find((register, m.id.to_string()));
                let ended = diesel::update(open.filter(record_move::state.eq("offered")))
                    .set((
                        record_move::state.eq(m.state),
                        record_move::into_record.eq(m.into_record.map(|r| r.to_string())),
                        record_move::effective_on.eq(m.effective_on.to_string()),
                        record_move::ended_at.eq(at),
                        record_move::body.eq(m.body.to_string()),
                    ))
                    .execute(conn)?;
                if ended != 1 {
                    let detail = "the offer has just been answered by somebody else".into();
                    return Err(Refusal::Conflict { code: "not_open", detail, clause: None }.into());
                }
                note_event(conn, register, &m, &audit)
            }
            Self::InstitutionsWarned { check: _, letters } => write_letters(conn, register, letters, &audit, at),
            Self::DutiesComputed { new, cancelled, reopened } => {
                write_duties(conn, register, &new, &audit)?;
                for (ids, since) in [(cancelled, Some(at)), (reopened, None)] {
                    for (id, body) in ids {
                        diesel::update(confirmation::table.find((register, id.to_string())))
                            .set((
                                confirmation::cancelled_at.eq(since),
                                confirmation::body.eq(body.to_string()),
                                confirmation::audit_id.eq(&audit),
                            ))
                            .execute(conn)?;
                    }
                }
                Ok(())
            }
            Self::ConfirmationNoted(n) => {
                diesel::insert_into(confirmation_note::table)
                    .values((
                        confirmation_note::register.eq(register),
                        confirmation_note::id.eq(n.id.to_string()),
                        confirmation_note::confirmation_id.eq(n.confirmation_id.to_string()),
                        confirmation_note::kind.eq(n.kind),
                        confirmation_note::subject.eq(n.subject),
                        confirmation_note::made_by.eq(by),
                        confirmation_note::made_at.eq(at),
                        confirmation_note::body.eq(n.body.to_string()),
                        confirmation_note::audit_id.eq(audit),
                    ))
                    .execute(conn)?;
                Ok(())
            }
            Self::Confirmed(c) => write_confirmed(conn, register, *c, &audit, at, by),
            Self::ConfirmationReminded { letters } | Self::BackupOverdue { letters } => {
                write_letters(conn, register, letters, &audit, at)
            }
            Self::CalendarFed { digest, user_id, revoked: false } => {
                diesel::insert_into(calendar_feed::table)
                    .values((
                        calendar_feed::register.eq(register),
                        calendar_feed::digest.eq(digest),
                        calendar_feed::user_id.eq(user_id.to_string()),
                        calendar_feed::made_at.eq(at),
                        calendar_feed::audit_id.eq(audit),
                    ))
                    .execute(conn)?;
                Ok(())
            }
            Self::CalendarFed { digest, user_id: _, revoked: true } => {
                diesel::update(calendar_feed::table.find((register, digest)))
                    .set(calendar_feed::revoked_at.eq(at))
                    .execute(conn)?;
                Ok(())
            }
            Self::HoldPlaced(w) => w.write(conn, register, &audit, at, by),
            Self::HoldLifted { id, body } => {
                diesel::update(legal_hold::table.find((register, id.to_string())))
                    .set((legal_hold::lifted_at.eq(at), legal_hold::body.eq(body.to_string())))
                    .execute(conn)?;
                Ok(())
            }
            Self::BatchProposed(w) => {
                let (id, idempotency) = (w.id, w.idempotency.clone());
                w.write(conn, register, &audit, at, by)?;
                remember(conn, register, idempotency, id, at)
            }
            Self::BatchStepped(w) => w.write(conn, register, at),
            Self::Erased(w) => w.write(conn, register, &audit, at),
            Self::ActDrawn(w) => w.write(conn, register, &audit, at),
            Self::ClosingProposed(mut w) => {
                let (id, idempotency) = (w.id, w.idempotency.take());
                w.write(conn, register, &audit, at, by)?;
                remember(conn, register, idempotency, id, at)
            }
            Self::ClosingStepped(w) => w.write(conn, register, at),
        }
    }
}

fn write_entry(conn: &mut AnyConn, register: &str, w: &EntryWrite, audit: &str, at: i64) -> Result<(), Error> {
    let id = w.entry.id.to_string();
    diesel::insert_into(entry::table)
        .values((
            entry::register.eq(register),
            entry::id.eq(&id),
            entry::record_id.eq(w.record_id.to_string()),
            entry::number.eq(w.entry.number),
            entry::kind.eq(w.entry.kind.as_str()),
            entry::effective_on.eq(w.entry.effective_on.to_string()),
            entry::recorded_at.eq(at),
            entry::data.eq(w.entry.data.to_string()),
            entry::reason.eq(w.reason.as_deref()),
            entry::supersedes.eq(w.entry.supersedes.map(|s| s.to_string())),
            entry::actor_id.eq(&w.actor_id),
            entry::definition.eq(&w.definition),
            entry::audit_id.eq(audit),
            entry::source.eq(w.entry.source.as_deref()),
        ))
        .execute(conn)?;
    for document in &w.documents {
        diesel::insert_into(entry_document::table)
            .values((
                entry_document::register.eq(register),
                entry_document::entry_id.eq(&id),
                entry_document::document_id.eq(document.to_string()),
            ))
            .execute(conn)?;
    }
    Ok(())
}

fn forget_states(conn: &mut AnyConn, register: &str, record_id: &str) -> Result<(), Error> {
    diesel::delete(
        record_index::table.filter(record_index::register.eq(register)).filter(record_index::record_id.eq(record_id)),
    )
    .execute(conn)?;
    diesel::delete(
        record_state::table.filter(record_state::register.eq(register)).filter(record_state::record_id.eq(record_id)),
    )
    .execute(conn)?;
    diesel::delete(
        unique_key::table.filter(unique_key::register.eq(register)).filter(unique_key::record_id.eq(record_id)),
    )
    .execute(conn)?;
    Ok(())
}

/// Keeps the personal codes that records have had so far, of each record whose code an entry speaks of or that it voids:
/// one that no state has any more still leads to the record's history.
fn keep_codes(conn: &mut AnyConn, register: &str, writes: &[&EntryWrite]) -> Result<(), Error> {
    let mut by_field: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for w in writes.iter().filter(|w| w.entry.number > 1) {
        let subject = w.register.record_type(&w.record_type).and_then(|t| t.subject.as_ref());
        let Some(code) = subject.map(|s| s.field()) else { continue };
        if w.entry.kind == EntryKind::Void || w.entry.data.get(code).is_some() {
            by_field.entry(code).or_default().push(w.record_id.to_string());
        }
    }
    for (field, records) in by_field {
        for part in records.chunks(1_000) {
            let known: Vec<(String, String)> = record_index::table
                .filter(record_index::register.eq(register))
                .filter(record_index::record_id.eq_any(part))
                .filter(record_index::field.eq(field))
                .filter(record_index::value.ne(""))
                .select((record_index::value, record_index::record_id))
                .distinct()
                .load(conn)?;
            for some in known.chunks(5_000) {
                let rows: Vec<_> = some
                    .iter()
                    .map(|(value, record_id)| {
                        let (register, value) = (former_code::register.eq(register), former_code::value.eq(value));
                        (register, value, former_code::record_id.eq(record_id))
                    })
                    .collect();
                on_conn!(conn, c => diesel::insert_into(former_code::table)
                    .values(&rows).on_conflict_do_nothing().execute(c))?;
            }
        }
    }
    Ok(())
}

fn note_event(conn: &mut AnyConn, register: &str, m: &MoveWrite, audit: &str) -> Result<(), Error> {
    let Some(event) = m.event.as_ref().filter(|_| m.state == "done") else {
        return Ok(());
    };
    diesel::insert_into(record_event::table)
        .values((
            record_event::register.eq(register),
            record_event::record_id.eq(m.from_record.to_string()),
            record_event::event.eq(event),
            record_event::on_day.eq(m.effective_on.to_string()),
            record_event::audit_id.eq(audit),
        ))
        .execute(conn)?;
    Ok(())
}

#[derive(Insertable)]
#[diesel(table_name = record_index)]
struct IndexRow<'a> {
    register: &'a str,
    record_type: &'a str,
    field: &'a str,
    value: &'a str,
    record_id: &'a str,
    from_day: &'a str,
    until_day: &'a str,
    institution_id: &'a str,
    begins_on: &'a str,
    ends_on: &'a str,
    amount: Option<i64>,
}

/// A state for a run of days, as stored, with the index over it.
struct StateOf {
    from_day: String,
    until_day: String,
    effective_on: String,
    begins_on: String,
    ends_on: String,
    data: String,
    indexed: Vec<Indexed>,
}

/// What the entries now amount to: a state for each run of days.
fn states_of(kind: &RecordType, timeline: &Timeline) -> Vec<StateOf> {
    let states = timeline.segments.iter().enumerate().map(|(n, segment)| {
        let effective_on = segment.from.to_string();
        let (begins, ends) = life(kind, &segment.data);
        // Nothing was true of the record before its first entry, whatever its dates say.
        let first = timeline.begins().unwrap_or(segment.from);
        let mut indexed = index(kind, &segment.data);
        if indexed.is_empty() {
            indexed.push(Indexed { field: every(kind).to_owned(), value: String::new(), number: None });
        }
        StateOf {
            from_day: if n == 0 { FIRST_DAY.to_owned() } else { effective_on.clone() },
            until_day: segment.until.map_or_else(|| LAST_DAY.to_owned(), |d| d.to_string()),
            effective_on,
            begins_on: begins.map_or(first, |b| b.max(first)).to_string(),
            ends_on: ends.map_or_else(|| LAST_DAY.to_owned(), |d| d.to_string()),
            data: segment.data.to_string(),
            indexed,
        }
    });
    states.collect()
}

fn type_of(w: &EntryWrite) -> Result<&RecordType, Error> {
    Ok(w.register.record_type(&w.record_type).ok_or(Refusal::NotFound { what: "record type" })?)
}

fn index_rows<'a>(
    register: &'a str,
    record_type: &'a str,
    record_id: &'a str,
    institution_id: &'a str,
    state: &'a StateOf,
) -> impl Iterator<Item = IndexRow<'a>> {
    state.indexed.iter().map(move |i| IndexRow {
        register,
        record_type,
        field: &i.field,
        value: &i.value,
        record_id,
        from_day: &state.from_day,
        until_day: &state.until_day,
        institution_id,
        begins_on: &state.begins_on,
        ends_on: &state.ends_on,
        amount: i.number,
    })
}

/// Writes what the entries now amount to: a state for each run of days, and the index over it.
fn write_states(conn: &mut AnyConn, register: &str, w: &EntryWrite) -> Result<(), Error> {
    let kind = type_of(w)?;
    let record_id = w.record_id.to_string();
    insert_states(conn, register, kind, &record_id, &w.institution_id.to_string(), &w.timeline)?;
    write_keys(conn, register, kind, &record_id, &w.unique_keys)
}

/// Writes anew what the entries of a record amount to after fields of them have gone; what keeps it single stays.
pub(in crate::store) fn restate(
    conn: &mut AnyConn,
    register: &str,
    kind: &RecordType,
    record_id: Uuid,
    institution_id: &str,
    timeline: &Timeline,
) -> Result<(), Error> {
    let record_id = record_id.to_string();
    let index =
        record_index::table.filter(record_index::register.eq(register)).filter(record_index::record_id.eq(&record_id));
    diesel::delete(index).execute(conn)?;
    let states =
        record_state::table.filter(record_state::register.eq(register)).filter(record_state::record_id.eq(&record_id));
    diesel::delete(states).execute(conn)?;
    insert_states(conn, register, kind, &record_id, institution_id, timeline)
}

fn insert_states(
    conn: &mut AnyConn,
    register: &str,
    kind: &RecordType,
    record_id: &str,
    institution_id: &str,
    timeline: &Timeline,
) -> Result<(), Error> {
    for state in states_of(kind, timeline) {
        diesel::insert_into(record_state::table)
            .values((
                record_state::register.eq(register),
                record_state::record_id.eq(record_id),
                record_state::from_day.eq(&state.from_day),
                record_state::until_day.eq(&state.until_day),
                record_state::effective_on.eq(&state.effective_on),
                record_state::record_type.eq(&kind.name),
                record_state::institution_id.eq(institution_id),
                record_state::begins_on.eq(&state.begins_on),
                record_state::ends_on.eq(&state.ends_on),
                record_state::data.eq(&state.data),
            ))
            .execute(conn)?;
        let rows: Vec<IndexRow<'_>> = index_rows(register, &kind.name, record_id, institution_id, &state).collect();
        insert_rows!(conn, record_index::table, rows)?;
    }
    Ok(())
}

fn write_keys(
    conn: &mut AnyConn,
    register: &str,
    kind: &RecordType,
    record_id: &str,
    keys: &[HeldKey],
) -> Result<(), Error> {
    for HeldKey { key, from } in keys {
        // Whoever comes second at the same instant fails on the primary key, or finds the holder gone.
        let held = match from {
            None => diesel::insert_into(unique_key::table)
                .values((
                    unique_key::register.eq(register),
                    unique_key::key.eq(key),
                    unique_key::record_id.eq(record_id),
                ))
                .execute(conn)?,
            Some(holder) => diesel::update(
                unique_key::table
                    .filter(unique_key::register.eq(register))
                    .filter(unique_key::key.eq(key))
                    .filter(unique_key::record_id.eq(holder)),
            )
            .set(unique_key::record_id.eq(record_id))
            .execute(conn)?,
        };
        if held != 1 {
            return Err(Refusal::Conflict {
                code: "not_unique",
                detail: "another record has just been entered with the same combination".into(),
                clause: Some(kind.clause.clone()),
            }
            .into());
        }
    }
    Ok(())
}

/// Writes many changes at once, each with its entry in the log and the instant of that. Only entries of records are
/// written together.
pub(in crate::store) fn write_many(
    conn: &mut AnyConn,
    register: &str,
    changes: Vec<(Change, Uuid, i64)>,
) -> Result<(), Error> {
    let mut entries = Vec::with_capacity(changes.len());
    for (change, audit, at) in changes {
        match change {
            Change::RecordCreated(w)
            | Change::RecordChanged(w)
            | Change::RecordCorrected(w)
            | Change::RecordEnded(w)
            | Change::RecordVoided(w) => entries.push((w, audit.to_string(), at)),
            _ => return Err(Error::Damaged("only entries of records are written together".into())),
        }
    }
    for part in entries.chunks(ROWS) {
        write_entries(conn, register, part)?;
    }
    Ok(())
}

/// Entries written together.
const ROWS: usize = 2_000;

fn write_entries(conn: &mut AnyConn, register: &str, entries: &[(Box<EntryWrite>, String, i64)]) -> Result<(), Error> {
    let ids: Vec<(String, String, String)> = entries
        .iter()
        .map(|(w, _, _)| (w.record_id.to_string(), w.institution_id.to_string(), w.entry.id.to_string()))
        .collect();
    let all = || entries.iter().zip(&ids);
    let records: Vec<_> = all()
        .map(|((w, _, at), (record_id, institution_id, _))| {
            (
                record::register.eq(register),
                record::id.eq(record_id),
                record::record_type.eq(&w.record_type),
                record::institution_id.eq(institution_id),
                record::version.eq(w.version),
                record::created_at.eq(at),
                record::updated_at.eq(at),
            )
        })
        .collect();
    // Of a record that is there already only its version and the instant of its last entry change.
    match &mut *conn {
        AnyConn::Pg(c) => {
            diesel::insert_into(record::table)
                .values(&records)
                .on_conflict((record::register, record::id))
                .do_update()
                .set((
                    record::version.eq(excluded(record::version)),
                    record::updated_at.eq(excluded(record::updated_at)),
                ))
                .execute(c)?;
        }
        AnyConn::Sqlite(c) => {
            for row in &records {
                diesel::insert_into(record::table)
                    .values(row)
                    .on_conflict((record::register, record::id))
                    .do_update()
                    .set((
                        record::version.eq(excluded(record::version)),
                        record::updated_at.eq(excluded(record::updated_at)),
                    ))
                    .execute(c)?;
            }
        }
    }
    let rows: Vec<_> = all()
        .map(|((w, audit, at), (record_id, _, id))| {
            (
                entry::register.eq(register),
                entry::id.eq(id),
                entry::record_id.eq(record_id),
                entry::number.eq(w.entry.number),
                entry::kind.eq(w.entry.kind.as_str()),
                entry::effective_on.eq(w.entry.effective_on.to_string()),
                entry::recorded_at.eq(at),
                entry::data.eq(w.entry.data.to_string()),
                entry::reason.eq(w.reason.as_deref()),
                entry::supersedes.eq(w.entry.supersedes.map(|s| s.to_string())),
                entry::actor_id.eq(&w.actor_id),
                entry::definition.eq(&w.definition),
                entry::audit_id.eq(audit),
                entry::source.eq(w.entry.source.as_deref()),
            )
        })
        .collect();
    insert_rows!(conn, entry::table, rows)?;
    let documents: Vec<_> = all()
        .flat_map(|((w, _, _), (_, _, id))| w.documents.iter().map(move |d| (id, d.to_string())))
        .map(|(id, document)| {
            (
                entry_document::register.eq(register),
                entry_document::entry_id.eq(id),
                entry_document::document_id.eq(document),
            )
        })
        .collect();
    for part in documents.chunks(10_000) {
        insert_rows!(conn, entry_document::table, part)?;
    }
    let known: Vec<&str> =
        all().filter(|((w, _, _), _)| w.entry.number > 1).map(|(_, (record_id, _, _))| record_id.as_str()).collect();
    let changed: Vec<&EntryWrite> = entries.iter().map(|(w, _, _)| w.as_ref()).collect();
    keep_codes(conn, register, &changed)?;
    for part in known.chunks(1_000) {
        forget_many(conn, register, part)?;
    }
    let mut states = Vec::with_capacity(entries.len());
    for ((w, _, _), (record_id, institution_id, _)) in all() {
        let kind = type_of(w)?;
        states.extend(states_of(kind, &w.timeline).into_iter().map(|s| (w, record_id, institution_id, s)));
    }
    for part in states.chunks(ROWS) {
        let rows: Vec<_> = part
            .iter()
            .map(|(w, record_id, institution_id, s)| {
                (
                    record_state::register.eq(register),
                    record_state::record_id.eq(*record_id),
                    record_state::from_day.eq(&s.from_day),
                    record_state::until_day.eq(&s.until_day),
                    record_state::effective_on.eq(&s.effective_on),
                    record_state::record_type.eq(&w.record_type),
                    record_state::institution_id.eq(*institution_id),
                    record_state::begins_on.eq(&s.begins_on),
                    record_state::ends_on.eq(&s.ends_on),
                    record_state::data.eq(&s.data),
                )
            })
            .collect();
        insert_rows!(conn, record_state::table, rows)?;
    }
    let rows: Vec<IndexRow<'_>> = states
        .iter()
        .flat_map(|(w, record_id, institution_id, s)| {
            index_rows(register, &w.record_type, record_id, institution_id, s)
        })
        .collect();
    for part in rows.chunks(5_000) {
        insert_rows!(conn, record_index::table, part)?;
    }
    // A combination that nobody has held is inserted with the others; whoever takes one over does so by itself.
    let mut fresh = Vec::new();
    for ((w, _, _), (record_id, _, _)) in all() {
        if w.unique_keys.iter().all(|k| k.from.is_none()) {
            fresh.extend(w.unique_keys.iter().map(|k| (record_id, k)));
        } else {
            write_keys(conn, register, type_of(w)?, record_id, &w.unique_keys)?;
        }
    }
    for part in fresh.chunks(10_000) {
        let rows: Vec<_> = part
            .iter()
            .map(|(record_id, k)| {
                (unique_key::register.eq(register), unique_key::key.eq(&k.key), unique_key::record_id.eq(*record_id))
            })
            .collect();
        insert_rows!(conn, unique_key::table, rows)?;
    }
    Ok(())
}

fn forget_many(conn: &mut AnyConn, register: &str, records: &[&str]) -> Result<(), Error> {
    diesel::delete(
        record_index::table.filter(record_index::register.eq(register)).filter(record_index::record_id.eq_any(records)),
    )
    .execute(conn)?;
    diesel::delete(
        record_state::table.filter(record_state::register.eq(register)).filter(record_state::record_id.eq_any(records)),
    )
    .execute(conn)?;
    diesel::delete(
        unique_key::table.filter(unique_key::register.eq(register)).filter(unique_key::record_id.eq_any(records)),
    )
    .execute(conn)?;
    Ok(())
}

fn write_import(
    conn: &mut AnyConn,
    register: &str,
    import: ImportWrite,
    audit: &str,
    at: i64,
    by: &str,
) -> Result<(), Error> {
    let id = import.id.to_string();
    diesel::insert_into(import_run::table)
        .values((
            import_run::register.eq(register),
            import_run::id.eq(&id),
            import_run::record_type.eq(import.record_type),
            import_run::institution_id.eq(import.institution_id.to_string()),
            import_run::state.eq("done"),
            import_run::made_by.eq(by),
            import_run::made_at.eq(at),
            import_run::sha256.eq(import.sha256),
            import_run::body.eq(import.body.to_string()),
            import_run::audit_id.eq(audit),
        ))
        .execute(conn)?;
    for part in import.rows.chunks(5_000) {
        let rows: Vec<_> = part
            .iter()
            .map(|row| {
                (
                    import_row::register.eq(register),
                    import_row::import_id.eq(&id),
                    import_row::position.eq(row.row),
                    import_row::record_id.eq(row.record_id.to_string()),
                    import_row::entry_id.eq(row.entry_id.to_string()),
                    import_row::outcome.eq(row.outcome),
                )
            })
            .collect();
        insert_rows!(conn, import_row::table, rows)?;
    }
    remember(conn, register, import.idempotency, import.id, at)
}

fn remember(
    conn: &mut AnyConn,
    register: &str,
    idempotency: Option<(String, String, Vec<u8>)>,
    result: Uuid,
    at: i64,
) -> Result<(), Error> {
    if let Some((user, key, digest)) = idempotency {
        diesel::insert_into(idempotency::table)
            .values((
                idempotency::register.eq(register),
                idempotency::user_id.eq(user),
                idempotency::key.eq(key),
                idempotency::request_digest.eq(digest),
                idempotency::result_id.eq(result.to_string()),
                idempotency::recorded_at.eq(at),
            ))
            .execute(conn)?;
    }
    Ok(())
}

fn grant_columns(grant: &Grant) -> Result<(String, String, String), Error> {
    let body = serde_json::to_string(grant).map_err(|e| Error::Damaged(e.to_string()))?;
    Ok((grant.from.to_string(), grant.until.map_or_else(|| LAST_DAY.to_owned(), |d| d.to_string()), body))
}

#[expect(clippy::too_many_arguments, reason = "the columns of one row")]
fn log_grant(
    conn: &mut AnyConn,
    register: &str,
    grant: &Grant,
    act: &str,
    body: &Value,
    audit: &str,
    at: i64,
    by: &str,
) -> Result<(), Error> {
    diesel::insert_into(grant_log::table)
        .values((
            grant_log::register.eq(register),
            grant_log::id.eq(audit),
            grant_log::grant_id.eq(grant.id.to_string()),
            grant_log::user_id.eq(grant.user_id.to_string()),
            grant_log::act.eq(act),
            grant_log::recorded_at.eq(at),
            grant_log::actor_id.eq(by),
            grant_log::body.eq(body.to_string()),
            grant_log::audit_id.eq(audit),
        ))
        .execute(conn)?;
    Ok(())
}

fn write_refresh(conn: &mut AnyConn, register: &str, session_id: Uuid, refresh: RefreshWrite) -> Result<(), Error> {
    diesel::insert_into(refresh_token::table)
        .values((
            refresh_token::register.eq(register),
            refresh_token::digest.eq(refresh.digest),
            refresh_token::session_id.eq(session_id.to_string()),
            refresh_token::expires_at.eq(refresh.expires_at),
        ))
        .execute(conn)?;
    Ok(())
}

fn end_sessions(
    conn: &mut AnyConn,
    register: &str,
    user_id: Uuid,
    session_id: Option<Uuid>,
    at: i64,
) -> Result<(), Error> {
    debug_assert_eq!(register, INSTALLATION_REGISTER);
    let open = session::table
        .filter(session::register.eq(register))
        .filter(session::user_id.eq(user_id.to_string()))
        .filter(session::ended_at.is_null());
    match session_id {
        Some(one) => {
            diesel::update(open.filter(session::id.eq(one.to_string()))).set(session::ended_at.eq(at)).execute(conn)?
        }
        None => diesel::update(open).set(session::ended_at.eq(at)).execute(conn)?,
    };
    Ok(())
}

/// The change that an entry of `kind` is.
pub(in crate::store) fn of_kind(kind: EntryKind, write: Box<EntryWrite>) -> Change {
    match kind {
        EntryKind::Create => Change::RecordCreated(write),
        EntryKind::Change => Change::RecordChanged(write),
        EntryKind::Correction => Change::RecordCorrected(write),
        EntryKind::End => Change::RecordEnded(write),
        EntryKind::Void => Change::RecordVoided(write),
    }
}

impl DisclosureWrite {
    /// What the log tells of it: composition, basis, digest and number, but not to whom nor whose.
    fn detail(&self) -> Value {
        json!({
            "disclosure_id": self.id,
            "case_id": self.case_id,
            "channel": self.channel,
            "digest": self.digest,
            "subjects": self.subjects.len(),
            "sha256": digest_of(&self.body),
        })
    }
}

/// SHA-256 of a value as text, in lower-case hexadecimal: ties what a ledger says to the log.
pub(in crate::store) fn digest_of(value: &Value) -> String {
    content_digest(&value.to_string(), None)
}

#[expect(clippy::too_many_arguments, reason = "a row's columns")]
fn write_step(
    conn: &mut AnyConn,
    register: &str,
    case: &CaseFile,
    act: &str,
    body: &Value,
    audit: &str,
    at: i64,
    by: &str,
) -> Result<(), Error> {
    diesel::insert_into(case_step::table)
        .values((
            case_step::register.eq(register),
            case_step::case_id.eq(case.id.to_string()),
            case_step::number.eq(case.version),
            case_step::act.eq(act),
            case_step::made_at.eq(at),
            case_step::made_by.eq(by),
            case_step::body.eq(body.to_string()),
            case_step::audit_id.eq(audit),
        ))
        .execute(conn)?;
    Ok(())
}

fn write_letters(
    conn: &mut AnyConn,
    register: &str,
    letters: Vec<LetterWrite>,
    audit: &str,
    at: i64,
) -> Result<(), Error> {
    let rows: Vec<_> = letters
        .into_iter()
        .map(|l| {
            (
                outbox::register.eq(register),
                outbox::id.eq(l.id.to_string()),
                outbox::state.eq("queued"),
                outbox::letter.eq(l.letter),
                outbox::address.eq(l.address),
                outbox::language.eq(l.language),
                outbox::words.eq(l.words.to_string()),
                outbox::case_id.eq(l.case_id.map(|c| c.to_string())),
                outbox::stage.eq(l.stage),
                outbox::created_at.eq(at),
                outbox::next_at.eq(at),
                outbox::attempts.eq(0),
                outbox::audit_id.eq(audit),
            )
        })
        .collect();
    Ok(insert_rows!(conn, outbox::table, rows)?)
}

fn write_public_rows(conn: &mut AnyConn, register: &str, id: Uuid, rows: &[ComparedRow]) -> Result<(), Error> {
    let id = id.to_string();
    for (part, chunk) in rows.chunks(1_000).enumerate() {
        let rows: Vec<_> = (part * 1_000..)
            .zip(chunk)
            .map(|(n, row)| {
                (
                    publication_row::register.eq(register),
                    publication_row::publication_id.eq(&id),
                    publication_row::number.eq(i64::try_from(n).unwrap_or(i64::MAX)),
                    publication_row::record_id.eq(row.record_id.to_string()),
                    publication_row::difference.eq(row.difference.as_str()),
                    publication_row::body.eq(row.shown.as_ref().map(Value::to_string)),
                    publication_row::earlier.eq(row.before.as_ref().map(Value::to_string)),
                )
            })
            .collect();
        insert_rows!(conn, publication_row::table, rows)?;
    }
    Ok(())
}

fn write_disclosure(conn: &mut AnyConn, register: &str, d: DisclosureWrite, audit: &str, at: i64) -> Result<(), Error> {
    let id = d.id.to_string();
    diesel::insert_into(disclosure::table)
        .values((
            disclosure::register.eq(register),
            disclosure::id.eq(&id),
            disclosure::case_id.eq(d.case_id.map(|c| c.to_string())),
            disclosure::released_at.eq(at),
            disclosure::channel.eq(d.channel),
            disclosure::recipient_code.eq(d.recipient_code),
            disclosure::record_type.eq(d.record_type),
            disclosure::digest.eq(d.digest),
            disclosure::body.eq(d.body.to_string()),
            disclosure::audit_id.eq(audit),
        ))
        .execute(conn)?;
    for part in d.subjects.chunks(1_000) {
        let rows: Vec<_> = part
            .iter()
            .map(|subject| {
                (
                    disclosure_subject::register.eq(register),
                    disclosure_subject::record_id.eq(subject.to_string()),
                    disclosure_subject::disclosure_id.eq(&id),
                )
            })
            .collect();
        insert_rows!(conn, disclosure_subject::table, rows)?;
    }
    write_letters(conn, register, d.letters, audit, at)?;
    remember(conn, register, d.idempotency, d.id, at)
}

fn write_duties(conn: &mut AnyConn, register: &str, duties: &[DutyWrite], audit: &str) -> Result<(), Error> {
    for part in duties.chunks(1_000) {
        let rows: Vec<_> = part
            .iter()
            .map(|d| {
                (
                    confirmation::register.eq(register),
                    confirmation::id.eq(d.id.to_string()),
                    confirmation::duty.eq(&d.duty),
                    confirmation::institution_id.eq(d.institution_id.to_string()),
                    confirmation::due_on.eq(d.due_on.to_string()),
                    confirmation::acts_by.eq(d.acts_by.to_string()),
                    confirmation::opens_on.eq(d.opens_on.to_string()),
                    confirmation::body.eq(d.body.to_string()),
                    confirmation::audit_id.eq(audit),
                )
            })
            .collect();
        insert_rows!(conn, confirmation::table, rows)?;
    }
    Ok(())
}

fn write_confirmed(
    conn: &mut AnyConn,
    register: &str,
    c: ConfirmedWrite,
    audit: &str,
    at: i64,
    by: &str,
) -> Result<(), Error> {
    let id = c.id.to_string();
    let size = i64::try_from(c.leaves.len()).unwrap_or(i64::MAX);
    diesel::update(confirmation::table.find((register, &id)))
        .set((
            confirmation::confirmed_at.eq(at),
            confirmation::confirmed_on.eq(c.on.to_string()),
            confirmation::confirmed_by.eq(by),
            confirmation::number.eq(c.number),
            confirmation::root.eq(c.root),
            confirmation::size.eq(size),
            confirmation::body.eq(c.body.to_string()),
            confirmation::audit_id.eq(audit),
        ))
        .execute(conn)?;
    for (part, leaves) in c.leaves.chunks(1_000).enumerate() {
        let rows: Vec<_> = (part * 1_000..)
            .zip(leaves)
            .map(|(n, leaf)| {
                (
                    confirmed_record::register.eq(register),
                    confirmed_record::confirmation_id.eq(&id),
                    confirmed_record::position.eq(i64::try_from(n).unwrap_or(i64::MAX)),
                    confirmed_record::record_id.eq(leaf.record_id.to_string()),
                    confirmed_record::record_type.eq(&leaf.record_type),
                    confirmed_record::version.eq(leaf.version),
                    confirmed_record::leaf.eq(&leaf.hash),
                )
            })
            .collect();
        insert_rows!(conn, confirmed_record::table, rows)?;
    }
    Ok(())
}
