//! Entering, changing, correcting and ending records.
//!
//! Every act makes one entry. Whatever it is, the whole timeline that results is checked: a change entered today
//! for last month must leave every later state lawful too.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::Text;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::domain::access::{Action, SectionRights};
use crate::domain::calendar::instant;
use crate::domain::record::entry::{Entry, EntryKind};
use crate::domain::record::index::{Status, life};
use crate::domain::record::merge::{merge, overlay};
use crate::domain::record::validate::{self, Severity, Validation, Violation};
use crate::domain::record::{Timeline, index};
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::domain::statute::RecordType;
use crate::domain::statute::definition::{RuleKind, Within};
use crate::store::acts::disclosure::Mended;
use crate::store::change::{self, EntryWrite, HeldKey};
use crate::store::conn::{AnyConn, MultiBackend};
use crate::store::error::Error;
use crate::store::facts::{self, RecordFacts};
use crate::store::guard::{Act, Permit, RecordChange, RecordCorrect, RecordCreate, RecordEnd, Sealed};
use crate::store::read::aggregates::renumber;
use crate::store::read::records::{RecordView, served};
use crate::store::schema::{base_document, idempotency, record_state, stored_file, unique_key};
use crate::store::write::WriteTx;

/// `column IN (values)`, spelt `=` for a single value: by far the commonest, and then the statement stays prepared.
macro_rules! among {
    ($query:expr, $column:expr, $values:expr, $conn:expr) => {
        match $values.as_slice() {
            [one] => $query.filter($column.eq(one)).load($conn),
            many => $query.filter($column.eq_any(many)).load($conn),
        }
    };
}

/// A record to be entered.
#[derive(Debug, Clone)]
pub struct NewRecord {
    /// Record type.
    pub record_type: String,
    /// Institution it is entered for; `None` for an institution itself.
    pub institution_id: Option<Uuid>,
    /// First day on which it is true.
    pub effective_on: NaiveDate,
    /// Base documents.
    pub base_document_ids: Vec<Uuid>,
    /// The data.
    pub data: Value,
}

/// A change, a correction or an end.
#[derive(Debug, Clone)]
pub struct Amendment {
    /// First day on which it is true; for a correction `None` keeps the day of the entry it mends.
    pub effective_on: Option<NaiveDate>,
    /// Base documents.
    pub base_document_ids: Vec<Uuid>,
    /// Merge patch.
    pub data: Value,
    /// The entry that a correction mends.
    pub entry_id: Option<Uuid>,
    /// Why, for a correction.
    pub reason: Option<String>,
    /// Ground, for an end.
    pub ground: Option<String>,
}

/// What an entry is about to be.
struct Draft {
    record_id: Uuid,
    institution_id: Uuid,
    kind: EntryKind,
    effective_on: NaiveDate,
    data: Value,
    supersedes: Option<Uuid>,
    reason: Option<String>,
    documents: Vec<Uuid>,
    /// Entries so far.
    before: Vec<Entry>,
    /// Instant of the record's last entry, in microseconds.
    after: i64,
}

impl<'tx> WriteTx<'tx> {
    /// Enters a record.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with every fault, [`Refusal::KeyReused`].
    pub fn record_create(
        &mut self,
        permit: Permit<'tx, RecordCreate>,
        new: &NewRecord,
    ) -> Result<Sealed<'tx, RecordView>, Error> {
        if let Some((result, at)) = self.earlier(permit.register.name())? {
            return self.replay(permit, result, at);
        }
        self.governing(&permit.register, new.effective_on)?;
        let record_id = self.new_id()?;
        let itself = permit.register.is_institution_type(&new.record_type);
        let institution_id = match (itself, new.institution_id) {
            (true, None) => record_id,
            (true, Some(_)) => {
                let detail = "an institution belongs to no other: leave institution_id out";
                return Err(Refusal::invalid("/institution_id", "unknown_field", detail, None).into());
            }
            (false, Some(id)) => id,
            (false, None) => {
                let detail = "name the institution for which the record is entered";
                return Err(Refusal::invalid("/institution_id", "required", detail, None).into());
            }
        };
        if !itself {
            self.require_institution(&permit.register, institution_id, new.effective_on)?;
        }
        let draft = Draft {
            record_id,
            institution_id,
            kind: EntryKind::Create,
            effective_on: new.effective_on,
            data: new.data.clone(),
            supersedes: None,
            reason: None,
            documents: new.base_document_ids.clone(),
            before: Vec::new(),
            after: 0,
        };
        self.enter(permit, &new.record_type, draft)
    }

    /// Changes a record from a day on.
    ///
    /// # Errors
    /// [`Refusal::Stale`], [`Refusal::Invalid`], [`Refusal::Conflict`] for a day before the record began or after it
    /// ended.
    pub fn record_change(
        &mut self,
        permit: Permit<'tx, RecordChange>,
        change: &Amendment,
    ) -> Result<Sealed<'tx, RecordView>, Error> {
        let expected = self.cx.if_match.ok_or(Refusal::VersionRequired)?;
        let (facts, before) = self.amendable(&permit, Some(expected))?;
        let effective_on = change.effective_on.unwrap_or_else(|| self.today(&permit.register));
        self.after_beginning(&permit.register, &facts, &before, effective_on, "/effective_on")?;
        let draft = Draft {
            record_id: facts.id,
            institution_id: facts.institution_id,
            kind: EntryKind::Change,
            effective_on,
            data: change.data.clone(),
            supersedes: None,
            reason: None,
            documents: change.base_document_ids.clone(),
            before,
            after: facts.updated_at.timestamp_micros(),
        };
        self.enter(permit, &facts.record_type, draft)
    }

    /// Corrects an entry that was never true.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for an entry of another record, [`Refusal::Conflict`] for one already corrected,
    /// [`Refusal::Invalid`].
    pub fn record_correct(
        &mut self,
        permit: Permit<'tx, RecordCorrect>,
        correction: &Amendment,
    ) -> Result<Sealed<'tx, RecordView>, Error> {
        let (facts, before) = self.amendable(&permit, self.cx.if_match)?;
        let clause = permit.register.definition.register.access.correction_clause.clone();
        let reason = correction.reason.as_deref().map(str::trim).filter(|r| !r.is_empty());
        let Some(reason) = reason else {
            let detail = "say why the entry was wrong";
            return Err(Refusal::invalid("/reason", "required", detail, Some(clause)).into());
        };
        let wrong = before.iter().find(|e| Some(e.id) == correction.entry_id);
        let wrong = wrong.ok_or(Refusal::NotFound { what: "entry of this record" })?;
        if let Some(by) = before.iter().find(|e| e.supersedes == Some(wrong.id)) {
            return Err(Refusal::Conflict {
                code: "already_corrected",
                detail: format!("this entry has been corrected already, by entry {}", by.id),
                clause: Some(clause),
            }
            .into());
        }
        let mut data = wrong.data.clone();
        overlay(&mut data, &correction.data);
        let effective_on = correction.effective_on.unwrap_or(wrong.effective_on);
        let draft = Draft {
            record_id: facts.id,
            institution_id: facts.institution_id,
            kind: EntryKind::Correction,
            effective_on,
            data,
            supersedes: Some(wrong.id),
            reason: Some(reason.to_owned()),
            documents: correction.base_document_ids.clone(),
            after: facts.updated_at.timestamp_micros(),
            before,
        };
        self.enter(permit, &facts.record_type, draft)
    }

    /// Ends a record on a day, with its statutory ground.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] when it has an end already or its type has none, [`Refusal::Invalid`].
    pub fn record_end(
        &mut self,
        permit: Permit<'tx, RecordEnd>,
        end: &Amendment,
    ) -> Result<Sealed<'tx, RecordView>, Error> {
        let (facts, before) = self.amendable(&permit, self.cx.if_match)?;
        let kind = record_type(&permit.register, &facts.record_type)?;
        let Some(lifecycle) = kind.lifecycle.clone() else {
            return Err(Refusal::Conflict {
                code: "has_no_end",
                detail: "the statute knows no end of such records".into(),
                clause: Some(kind.clause.clone()),
            }
            .into());
        };
        let ended_on = end.effective_on.unwrap_or_else(|| self.today(&permit.register));
        let latest = Timeline::fold(&before, None);
        let last = latest.segments.last().map(|s| &s.data);
        if last.is_some_and(|data| life(kind, data).1.is_some()) {
            return Err(Refusal::Conflict {
                code: "already_ended",
                detail: "the record has an end already; correct the entry that ended it".into(),
                clause: Some(lifecycle.clause),
            }
            .into());
        }
        self.after_beginning(&permit.register, &facts, &before, ended_on, "/ended_on")?;
        let mut data = end.data.clone();
        if !data.is_object() {
            data = json!({});
        }
        let base = latest.on_or_first(ended_on).map_or_else(|| json!({}), |s| s.data.clone());
        put(&mut data, &base, &lifecycle.ends, json!(ended_on.to_string()));
        match (&lifecycle.ground, &end.ground) {
            (Some(path), Some(ground)) => put(&mut data, &base, path, json!(ground)),
            (Some(_), None) => {
                let detail = "name the ground on which the record ends";
                return Err(Refusal::invalid("/ground", "required", detail, Some(lifecycle.clause)).into());
            }
            (None, Some(_)) => {
                let detail = "the statute knows no ground for this end";
                return Err(Refusal::invalid("/ground", "unknown_field", detail, Some(lifecycle.clause)).into());
            }
            (None, None) => {}
        }
        let draft = Draft {
            record_id: facts.id,
            institution_id: facts.institution_id,
            kind: EntryKind::End,
            effective_on: ended_on,
            data,
            supersedes: None,
            reason: None,
            documents: end.base_document_ids.clone(),
            after: facts.updated_at.timestamp_micros(),
            before,
        };
        self.enter(permit, &facts.record_type, draft)
    }

    /// The record of a permit and its entries, once its version is the one expected.
    fn amendable<A: Act>(
        &mut self,
        permit: &Permit<'tx, A>,
        expected: Option<i64>,
    ) -> Result<(RecordFacts, Vec<Entry>), Error> {
        let known = permit.facts.as_ref().ok_or(Refusal::NotFound { what: "record" })?;
        let (register, record_id) = (permit.register.name().to_owned(), known.id);
        let today = self.today(&permit.register);
        let facts = facts::load(self.conn, &register, record_id, today)?.ok_or(Refusal::NotFound { what: "record" })?;
        if expected.is_some_and(|e| e != facts.version) {
            return Err(Refusal::Stale { current: facts.version }.into());
        }
        let entries = facts::entries(self.conn, &register, record_id)?;
        Ok((facts, entries))
    }

    /// Refuses a day on which the record did not exist yet or no longer.
    fn after_beginning(
        &self,
        register: &Register,
        facts: &RecordFacts,
        before: &[Entry],
        on: NaiveDate,
        pointer: &str,
    ) -> Result<(), Error> {
        let kind = record_type(register, &facts.record_type)?;
        let timeline = Timeline::fold(before, None);
        let clause = kind.lifecycle.as_ref().map(|l| l.clause.clone());
        if let Some(begins) = timeline.begins().filter(|b| on < *b) {
            let detail = format!("the record begins on {begins}; correct its first entry to let it begin earlier");
            return Err(Refusal::invalid(pointer, "before_record", detail, clause).into());
        }
        let ends = timeline.on(on).and_then(|s| life(kind, &s.data).1);
        if let Some(ended) = ends.filter(|e| on > *e) {
            let detail = format!("the record ended on {ended}: after that it can only be corrected");
            return Err(Refusal::Conflict { code: "ended", detail, clause }.into());
        }
        Ok(())
    }

    fn require_institution(&mut self, register: &Register, id: Uuid, on: NaiveDate) -> Result<(), Error> {
        let expected = &register.definition.register.institutions.record_type;
        let clause = register.record_type(expected).map(|t| t.clause.clone());
        let invalid = |code, detail: &str| Refusal::invalid("/institution_id", code, detail, clause.clone());
        let found = facts::load(self.conn, register.name(), id, on)?.filter(|f| f.record_type == *expected);
        match found {
            None => Err(invalid("not_found", "there is no such institution").into()),
            Some(f) if f.before_first => {
                Err(invalid("not_yet", "the institution does not exist on that day yet").into())
            }
            Some(f) if f.status == Status::Ended => {
                Err(invalid("ended", "the institution has ended before that day").into())
            }
            Some(_) => Ok(()),
        }
    }

    /// What this caller's idempotency key has already made, if anything.
    pub(in crate::store) fn earlier(&mut self, register: &str) -> Result<Option<(Uuid, i64)>, Error> {
        let Some(wanted) = self.cx.idempotency.clone() else {
            return Ok(None);
        };
        let user = self.caller_key()?;
        let found: Option<(Vec<u8>, String, i64)> = idempotency::table
            .find((register, user, wanted.key))
            .select((idempotency::request_digest, idempotency::result_id, idempotency::recorded_at))
            .first(self.conn)
            .optional()?;
        match found {
            None => Ok(None),
            Some((digest, _, _)) if digest != wanted.digest => Err(Refusal::KeyReused.into()),
            Some((_, result, at)) => Ok(Some((facts::id(&result)?, at))),
        }
    }

    /// Under whom an idempotency key is kept.
    pub(in crate::store) fn caller_key(&mut self) -> Result<String, Error> {
        Ok(self.user()?.map_or_else(|| "installation".to_owned(), |u| u.id.to_string()))
    }

    /// The first answer once more: the record as it was known then. That is a read, and logged as one.
    fn replay(
        &mut self,
        permit: Permit<'tx, RecordCreate>,
        record_id: Uuid,
        at: i64,
    ) -> Result<Sealed<'tx, RecordView>, Error> {
        let register = permit.register.clone();
        let today = self.today(&register);
        let mut facts =
            facts::load(self.conn, register.name(), record_id, today)?.ok_or(Refusal::NotFound { what: "record" })?;
        let entries = facts::entries(self.conn, register.name(), record_id)?;
        let timeline = Timeline::fold(&entries, Some(instant(at)));
        let segment = timeline.on_or_first(today).ok_or(Refusal::NotFound { what: "record" })?;
        facts.data = segment.data.clone();
        facts.from = segment.from;
        facts.version = 1;
        facts.updated_at = facts.created_at;
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::RecordRead, &actor, &permit.ruling);
        let view = self.view(&register, facts, &permit.view, today)?;
        served(&mut event, &register, &view.record_type, &[&view], &permit.view);
        self.note(event, 0, Some(json!({ "replay": true })))?;
        Ok(Sealed::new(view, None))
    }

    /// Checks a draft in every respect and makes it an entry.
    fn enter<A: Act>(
        &mut self,
        permit: Permit<'tx, A>,
        type_name: &str,
        draft: Draft,
    ) -> Result<Sealed<'tx, RecordView>, Error> {
        let register = permit.register.clone();
        let kind = record_type(&register, type_name)?;
        let governing = self.governing(&register, draft.effective_on)?;
        let entry = Entry {
            id: self.new_id()?,
            number: i64::try_from(draft.before.len()).unwrap_or(i64::MAX) + 1,
            kind: draft.kind,
            effective_on: draft.effective_on,
            recorded_at: self.now,
            data: draft.data.clone(),
            supersedes: draft.supersedes,
        };
        let old = Timeline::fold(&draft.before, None);
        let mut all = draft.before.clone();
        all.push(entry.clone());
        let new = Timeline::fold(&all, None);

        let mut faults = Vec::new();
        if draft.kind != EntryKind::Create {
            let shape = Validation {
                definition: &governing.definition,
                record_type: kind,
                compiled: &governing.compiled,
                effective_on: draft.effective_on,
                today: self.today(&register),
            };
            faults.extend(shape.patch_shape(&draft.data));
        }
        faults.extend(self.check_states(&register, type_name, &old, &new, &permit.rights)?);
        faults.extend(self.check_documents(&register, kind, &draft)?);
        faults.extend(self.check_references(&register, kind, &draft, &old, &new)?);
        faults.extend(self.check_files(&register, kind, &draft)?);
        let (unique_keys, clashes) = self.check_unique(&register, kind, &draft, &new)?;
        faults.extend(clashes);
        faults.extend(self.check_cycles(&register, kind, &draft)?);
        let (errors, warnings): (Vec<_>, Vec<_>) = faults.into_iter().partition(|f| f.severity == Severity::Error);
        if !errors.is_empty() {
            let mut errors = errors;
            let mut told = HashSet::new();
            // Several states may share a fault; it is told once, where it first stands.
            errors.retain(|e| told.insert((e.pointer.clone(), e.code)));
            return Err(Refusal::Invalid(errors).into());
        }

        let actor = self.actor(&register)?;
        let today = self.today(&register);
        let mut event = self.event(&register, A::ACTION, &actor, &permit.ruling);
        event.institution_id = Some(draft.institution_id);
        event.record_type = Some(type_name.to_owned());
        event.record_ids = vec![draft.record_id];
        event.entry_id = Some(entry.id);
        event.document_ids.clone_from(&draft.documents);
        event.fields = draft.data.as_object().map(|m| m.keys().cloned().collect()).unwrap_or_default();
        event.sections = permit.view.permitted.keys().cloned().collect::<BTreeSet<_>>().into_iter().collect();
        let version = entry.number;
        let made = entry.clone();
        let idempotency = match (&draft.kind, self.cx.idempotency.clone()) {
            (EntryKind::Create, Some(i)) => Some((self.caller_key()?, i.key, i.digest)),
            _ => None,
        };
        let write = Box::new(EntryWrite {
            register: register.clone(),
            record_type: type_name.to_owned(),
            record_id: draft.record_id,
            institution_id: draft.institution_id,
            version,
            reason: draft.reason.clone(),
            actor_id: actor.user_id.map_or_else(|| actor.name.clone(), |u| u.to_string()),
            definition: governing.definition.digest.clone(),
            documents: draft.documents.clone(),
            timeline: new.clone(),
            unique_keys,
            idempotency,
            entry,
        });
        let (_, at) = self.apply(event, draft.after, change::of_kind(draft.kind, write))?;
        self.note_leaver(&register, kind, draft.record_id, draft.institution_id, &new)?;
        if draft.kind == EntryKind::Correction {
            let (record_id, institution_id) = (draft.record_id, draft.institution_id);
            let mended = Mended { record_id, institution_id, before: &draft.before, correction: &made };
            self.tell_recipients(&register, kind, &permit.ruling, &mended)?;
        }

        // What is answered is what the next reader would see, without reading it back.
        let segment = new.on_or_first(today).ok_or(Refusal::NotFound { what: "record" })?;
        let (begins, ends) = life(kind, &segment.data);
        let first_at = draft.before.first().map_or_else(|| instant(at), |e| e.recorded_at);
        let begins = begins.map_or(new.begins(), |b| Some(new.begins().map_or(b, |n| n.max(b))));
        let facts = RecordFacts {
            id: draft.record_id,
            record_type: type_name.to_owned(),
            institution_id: draft.institution_id,
            version,
            created_at: first_at,
            updated_at: instant(at),
            from: segment.from,
            data: segment.data.clone(),
            status: Status::on(today, begins, ends),
            before_first: segment.from > today,
        };
        let mut view = self.view(&register, facts, &permit.view, today)?;
        view.warnings = warnings;
        Ok(Sealed::new(view, None))
    }

    /// The version of the statute under which something that is true on `day` is entered.
    fn governing(&self, register: &Register, day: NaiveDate) -> Result<Arc<Register>, Error> {
        let act = &register.definition.register;
        if let Some(found) = self.registers.in_force(register.name(), day) {
            return Ok(found.clone());
        }
        let first = self.registers.versions(register.name()).first().map(|r| r.definition.register.act.in_force_from);
        if let Some(from) = first.filter(|f| day < *f) {
            let clause = Some(act.access.force_clause.clone());
            let detail = format!("the statute is in force from {from}; nothing can be entered as true before");
            return Err(Refusal::invalid("/effective_on", "before_statute", detail, clause).into());
        }
        // A statute that has ended goes on being applied to what it left behind; the start-up warning says so.
        self.registers
            .current(register.name(), day)
            .cloned()
            .ok_or_else(|| Refusal::NotFound { what: "register" }.into())
    }

    /// Faults of the new states that the old ones did not have. What the actor may not write cannot be demanded of
    /// them: it becomes a warning for those who may.
    fn check_states(
        &self,
        register: &Register,
        type_name: &str,
        old: &Timeline,
        new: &Timeline,
        rights: &SectionRights,
    ) -> Result<Vec<Violation>, Error> {
        let mut faults = Vec::new();
        for segment in &new.segments {
            let before = old.on(segment.from).map(|s| &s.data);
            if before == Some(&segment.data) {
                continue;
            }
            let governing = self.governing(register, segment.from)?;
            let kind = record_type(&governing, type_name)?;
            let check = Validation {
                definition: &governing.definition,
                record_type: kind,
                compiled: &governing.compiled,
                effective_on: segment.from,
                today: self.today(register),
            };
            let known: HashSet<(String, &'static str)> = before
                .map(|data| check.state(data).into_iter().map(|v| (v.pointer, v.code)).collect())
                .unwrap_or_default();
            for mut violation in check.state(&segment.data) {
                if known.contains(&(violation.pointer.clone(), violation.code)) {
                    continue;
                }
                let writable = violation.section.as_ref().is_none_or(|s| rights.permitted.contains_key(s));
                if !writable && violation.code == "required" {
                    violation.severity = Severity::Warning;
                }
                faults.push(violation);
            }
        }
        Ok(faults)
    }

    fn check_documents(
        &mut self,
        register: &Register,
        kind: &RecordType,
        draft: &Draft,
    ) -> Result<Vec<Violation>, Error> {
        let clause = register.definition.register.access.document_clause.clone();
        if kind.base_documents.is_empty() && draft.documents.is_empty() {
            return Ok(Vec::new());
        }
        if draft.documents.is_empty() {
            let detail = "no entry without a base document: name at least one";
            return Ok(vec![Violation::error("/base_document_ids", "required", detail, Some(clause))]);
        }
        let ids: Vec<String> = draft.documents.iter().map(Uuid::to_string).collect();
        let documents = base_document::table.filter(base_document::register.eq(register.name())).select((
            base_document::id,
            base_document::kind,
            base_document::institution_id,
        ));
        let rows: Vec<(String, String, Option<String>)> = among!(documents, base_document::id, ids, self.conn)?;
        let found: HashMap<String, (String, Option<String>)> =
            rows.into_iter().map(|(id, kind, institution)| (id, (kind, institution))).collect();
        let own = draft.institution_id.to_string();
        let mut faults = Vec::new();
        let mut seen = HashSet::new();
        for (n, id) in ids.iter().enumerate() {
            let pointer = format!("/base_document_ids/{n}");
            if !seen.insert(id) {
                let detail = "the document is named twice";
                faults.push(Violation::error(&pointer, "not_unique_in_list", detail, Some(clause.clone())));
                continue;
            }
            match found.get(id) {
                Some((_, Some(institution))) if *institution != own => {
                    faults.push(Violation::error(
                        &pointer,
                        "not_found",
                        "there is no such document",
                        Some(clause.clone()),
                    ));
                }
                None => {
                    faults.push(Violation::error(
                        &pointer,
                        "not_found",
                        "there is no such document",
                        Some(clause.clone()),
                    ));
                }
                Some((document_kind, _)) if !kind.base_documents.contains(document_kind) => {
                    let detail = format!(
                        "a document of kind {document_kind} entitles to no such entry; these do: {}",
                        kind.base_documents.join(", ")
                    );
                    faults.push(Violation::error(&pointer, "document_kind", detail, Some(clause.clone())));
                }
                Some(_) => {}
            }
        }
        Ok(faults)
    }

    /// New references must lead to records of the right type and institution that exist on the day.
    fn check_references(
        &mut self,
        register: &Register,
        kind: &RecordType,
        draft: &Draft,
        old: &Timeline,
        new: &Timeline,
    ) -> Result<Vec<Violation>, Error> {
        type Row = (String, String, String, String, String);
        let Some(segment) = new.on(draft.effective_on) else {
            return Ok(Vec::new());
        };
        let known: HashSet<(String, String)> = old
            .on(draft.effective_on)
            .map(|s| validate::references(kind, &s.data).into_iter().map(|r| (r.pointer, r.id)).collect())
            .unwrap_or_default();
        let uses: Vec<_> = validate::references(kind, &segment.data)
            .into_iter()
            .filter(|r| !known.contains(&(r.pointer.clone(), r.id.clone())))
            .collect();
        if uses.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<&str> = uses.iter().map(|u| u.id.as_str()).collect();
        let day = draft.effective_on.to_string();
        let states = record_state::table
            .filter(record_state::register.eq(register.name()))
            .filter(record_state::from_day.le(&day))
            .filter(record_state::until_day.gt(&day))
            .select((
                record_state::record_id,
                record_state::record_type,
                record_state::institution_id,
                record_state::effective_on,
                record_state::ends_on,
            ));
        let rows: Vec<Row> = among!(states, record_state::record_id, ids, self.conn)?;
        let found: HashMap<String, Row> = rows.into_iter().map(|row| (row.0.clone(), row)).collect();
        let own = draft.institution_id.to_string();
        let mut faults = Vec::new();
        for r in uses {
            let fault = |code, detail: &str| Violation::error(&r.pointer, code, detail, r.clause.clone());
            // A record that is entered together with its first reference to itself does not exist yet.
            let fitting = found
                .get(&r.id)
                .filter(|row| row.1 == r.record_type && (row.2 == own || register.is_institution_type(&r.record_type)));
            match fitting {
                None => {
                    faults.push(fault("not_found", &format!("there is no such {} in this institution", r.record_type)))
                }
                Some(row) if row.3 > day => faults.push(fault("not_yet", "it does not exist on that day yet")),
                Some(row) if row.4 < day => faults.push(fault("ended", "it had ended before that day")),
                Some(_) => {}
            }
        }
        Ok(faults)
    }

    fn check_files(&mut self, register: &Register, kind: &RecordType, draft: &Draft) -> Result<Vec<Violation>, Error> {
        let uses = validate::files(kind, &draft.data);
        if uses.is_empty() {
            return Ok(Vec::new());
        }
        let digests: Vec<&str> = uses.iter().map(|u| u.sha256.as_str()).collect();
        let found: HashMap<String, String> = stored_file::table
            .filter(stored_file::register.eq(register.name()))
            .filter(stored_file::sha256.eq_any(digests))
            .select((stored_file::sha256, stored_file::media_type))
            .load::<(String, String)>(self.conn)?
            .into_iter()
            .collect();
        Ok(uses
            .into_iter()
            .filter_map(|u| match found.get(&u.sha256) {
                None => Some(Violation::error(&u.pointer, "not_found", "store the file first", u.clause)),
                Some(media) if !u.media_types.is_empty() && !u.media_types.contains(media) => {
                    let detail = format!("the file is {media}; permitted are {}", u.media_types.join(", "));
                    Some(Violation::error(&u.pointer, "media", detail, u.clause))
                }
                Some(_) => None,
            })
            .collect())
    }

    /// The combinations that the record holds from now on, and which of them another holds.
    fn check_unique(
        &mut self,
        register: &Register,
        kind: &RecordType,
        draft: &Draft,
        new: &Timeline,
    ) -> Result<(Vec<HeldKey>, Vec<Violation>), Error> {
        let mut keys: Vec<(String, usize)> = Vec::new();
        for (n, unique) in kind.unique.iter().enumerate() {
            for segment in &new.segments {
                let values: HashMap<String, String> =
                    index::index(kind, &segment.data).into_iter().map(|i| (i.field, i.value)).collect();
                let parts: Vec<&str> = unique.fields.iter().map(|f| values.get(f).map_or("", String::as_str)).collect();
                // A combination whose first field is absent identifies nothing.
                if parts.first().is_none_or(|p| p.is_empty()) {
                    continue;
                }
                let scope = match unique.within {
                    Within::Institution => draft.institution_id.to_string(),
                    Within::Register => String::new(),
                };
                let key = format!("{}\u{1f}{n}\u{1f}{scope}\u{1f}{}", kind.name, parts.join("\u{1f}"));
                if !keys.iter().any(|(k, _)| *k == key) {
                    keys.push((key, n));
                }
            }
        }
        if keys.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let wanted: Vec<&str> = keys.iter().map(|(k, _)| k.as_str()).collect();
        let keys_held = unique_key::table
            .filter(unique_key::register.eq(register.name()))
            .filter(unique_key::record_id.ne(draft.record_id.to_string()))
            .select((unique_key::key, unique_key::record_id));
        let held: Vec<(String, String)> = among!(keys_held, unique_key::key, wanted, self.conn)?;
        if held.is_empty() {
            return Ok((keys.into_iter().map(|(key, _)| HeldKey { key, from: None }).collect(), Vec::new()));
        }
        let holders: Vec<&str> = held.iter().map(|(_, r)| r.as_str()).collect();
        let ends: Vec<(String, String)> = record_state::table
            .filter(record_state::register.eq(register.name()))
            .filter(record_state::record_id.eq_any(holders))
            .filter(record_state::until_day.eq(facts::LAST_DAY))
            .select((record_state::record_id, record_state::ends_on))
            .load(self.conn)?;
        let ends: HashMap<String, String> = ends.into_iter().collect();
        let begins = new.begins().map(|d| d.to_string()).unwrap_or_default();
        let mut faults = Vec::new();
        let mut taken_over: HashMap<String, String> = HashMap::new();
        for (key, holder) in held {
            let rule = keys.iter().find(|(k, _)| *k == key).and_then(|(_, n)| kind.unique.get(*n));
            let Some(rule) = rule else { continue };
            let ended = ends.get(&holder).is_some_and(|e| *e < begins);
            if rule.unless_ended && ended {
                taken_over.insert(key, holder);
                continue;
            }
            let within = match rule.within {
                Within::Institution => "this institution",
                Within::Register => "the register",
            };
            let detail = format!("another record of {within} has the same {}", rule.fields.join(" and "));
            let pointer = format!("/{}", rule.fields.first().map_or("", String::as_str));
            faults.push(Violation::error(&pointer, "not_unique", detail, Some(rule.clause.clone())));
        }
        let keys = keys.into_iter().map(|(key, _)| HeldKey { from: taken_over.remove(&key), key });
        Ok((keys.collect(), faults))
    }

    /// A chain of references must not lead back to the record itself.
    fn check_cycles(&mut self, register: &Register, kind: &RecordType, draft: &Draft) -> Result<Vec<Violation>, Error> {
        #[derive(QueryableByName)]
        struct Link {
            #[diesel(sql_type = Text)]
            id: String,
        }
        let mut faults = Vec::new();
        for rule in kind.rules.iter().filter(|r| r.kind == RuleKind::NoCycle) {
            let field = rule.from.as_deref().unwrap_or_default();
            let Some(start) = draft.data.get(field).and_then(Value::as_str) else {
                continue;
            };
            let own = draft.record_id.to_string();
            // The columns of the index are compared byte by byte; PostgreSQL wants both ends of the walk alike.
            let collation = if matches!(self.conn, AnyConn::Pg(_)) { " COLLATE \"C\"" } else { "" };
            let sql = format!(
                "WITH RECURSIVE chain(id, steps) AS (SELECT CAST($1 AS TEXT){collation}, 0 UNION ALL SELECT \
                       CAST(i.value AS TEXT), c.steps + 1 FROM chain c JOIN record_index i ON i.register = $2 AND \
                       i.record_type = $3 AND i.field = $4 AND i.record_id = c.id AND i.from_day <= $5 AND \
                       i.until_day > $5 WHERE c.steps < 100 AND i.value <> '' AND c.id <> $6) SELECT id FROM chain \
                       WHERE id = $6 LIMIT 1"
            );
            let binds: Vec<String> = [start, register.name(), &kind.name, field, &draft.effective_on.to_string(), &own]
                .map(str::to_owned)
                .to_vec();
            let (sql, binds) = renumber(&sql, &binds);
            let mut query = diesel::sql_query(sql).into_boxed::<MultiBackend>();
            for bind in binds {
                query = query.bind::<Text, _>(bind);
            }
            let found: Vec<Link> = query.load(self.conn)?;
            if found.iter().any(|l| l.id == own) {
                let detail = "the chain of references leads back to this record";
                faults.push(Violation::error(&format!("/{field}"), "cycle", detail, Some(rule.clause.clone())));
            }
        }
        Ok(faults)
    }
}

fn record_type<'r>(register: &'r Register, name: &str) -> Result<&'r RecordType, Error> {
    Ok(register.record_type(name).ok_or(Refusal::NotFound { what: "record type" })?)
}

/// Puts `value` at a lifecycle path of a merge patch over `base`. A list item selected by a code
/// (`events[kind=closed]/date`) is appended to the base's list.
fn put(patch: &mut Value, base: &Value, path: &str, value: Value) {
    let Some((head, rest)) = path.split_once('/') else {
        merge(patch, &json!({ path: value }));
        return;
    };
    let Some((list, selector)) = head.split_once('[') else {
        merge(patch, &json!({ head: { rest: value } }));
        return;
    };
    let Some((part, code)) = selector.trim_end_matches(']').split_once('=') else {
        return;
    };
    let mut items = patch.get(list).or_else(|| base.get(list)).and_then(Value::as_array).cloned().unwrap_or_default();
    match items.iter_mut().find(|i| i.get(part).and_then(Value::as_str) == Some(code)) {
        Some(item) => merge(item, &json!({ rest: value })),
        None => items.push(json!({ part: code, rest: value })),
    }
    merge(patch, &json!({ list: items }));
}
