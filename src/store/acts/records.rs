//! Entering, changing, correcting and ending records.
//!
//! Every act makes one entry. Whatever it is, the whole timeline that results is checked: a change entered today
//! for last month must leave every later state lawful too.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::NaiveDate;
use diesel::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::checks::{Found, Prepared};
use crate::domain::access::Action;
use crate::domain::calendar::instant;
use crate::domain::record::Timeline;
use crate::domain::record::entry::{Entry, EntryKind};
use crate::domain::record::index::{Status, life};
use crate::domain::record::merge::{merge, overlay};
use crate::domain::record::moves::not_held_by;
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::domain::statute::RecordType;
use crate::store::acts::disclosure::Mended;
use crate::store::acts::moves::Entered;
use crate::store::change::{self, EntryWrite};
use crate::store::error::Error;
use crate::store::facts::{self, RecordFacts};
use crate::store::guard::{Act, Permit, RecordChange, RecordCorrect, RecordCreate, RecordEnd, Sealed};
use crate::store::read::records::{RecordView, served};
use crate::store::schema::idempotency;
use crate::store::write::WriteTx;

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
pub(in crate::store) struct Draft {
    pub record_id: Uuid,
    pub institution_id: Uuid,
    pub kind: EntryKind,
    pub effective_on: NaiveDate,
    pub data: Value,
    pub supersedes: Option<Uuid>,
    /// Source of the definition from which the values come.
    pub source: Option<String>,
    /// Values that another record hands over with where they come from; no change of anything.
    pub carried: Value,
    pub reason: Option<String>,
    pub documents: Vec<Uuid>,
    /// Entries so far.
    pub before: Vec<Entry>,
    /// Instant of the record's last entry, in microseconds.
    pub after: i64,
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
        self.record_create_from(permit, new, &Value::Null)
    }

    /// Enters a record, of which another record hands over `carried`.
    ///
    /// # Errors
    /// As [`WriteTx::record_create`].
    pub(in crate::store) fn record_create_from(
        &mut self,
        permit: Permit<'tx, RecordCreate>,
        new: &NewRecord,
        carried: &Value,
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
            let kind = record_type(&permit.register, &new.record_type)?;
            self.require_institution(&permit.register, kind, institution_id, new.effective_on)?;
        }
        let draft = Draft {
            record_id,
            institution_id,
            kind: EntryKind::Create,
            effective_on: new.effective_on,
            data: new.data.clone(),
            supersedes: None,
            source: None,
            carried: carried.clone(),
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
            source: None,
            carried: Value::Null,
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
            source: None,
            carried: Value::Null,
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
            source: None,
            carried: Value::Null,
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
    pub(in crate::store) fn after_beginning(
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

    /// Refuses an institution that does not exist on the day, or that may not hold records of this type.
    pub(in crate::store) fn require_institution(
        &mut self,
        register: &Register,
        kind: &RecordType,
        id: Uuid,
        on: NaiveDate,
    ) -> Result<(), Error> {
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
            Some(f) => match not_held_by(&register.definition, kind, &f.data) {
                Some(clause) => {
                    let detail = "such records are not held by an institution of this kind";
                    Err(Refusal::invalid("/institution_id", "not_held_by", detail, Some(clause.clone())).into())
                }
                None => Ok(()),
            },
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
        let prepared = self.prepare(&register, draft)?;
        let found = self.check(&register, kind, std::slice::from_ref(&prepared), &|_| &permit.rights)?;
        let Found { errors, mut warnings, keys: unique_keys } = found.into_iter().next().unwrap_or_default();
        if !errors.is_empty() {
            return Err(Refusal::Invalid(errors).into());
        }
        let Prepared { draft, entry, new, governing, .. } = prepared;

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
            import_id: None,
            entry,
        });
        let (_, at) = self.apply(event, draft.after, change::of_kind(draft.kind, write))?;
        self.note_leaver(&register, kind, draft.record_id, draft.institution_id, &new)?;
        if draft.kind == EntryKind::Correction {
            let (record_id, institution_id) = (draft.record_id, draft.institution_id);
            let mended = Mended { record_id, institution_id, before: &draft.before, correction: &made };
            self.tell_recipients(&register, kind, &permit.ruling, &mended)?;
        }

        if draft.kind != EntryKind::End
            && let Some(segment) = new.on_or_first(draft.effective_on)
        {
            let (record_id, institution_id) = (draft.record_id, draft.institution_id);
            let entered = Entered { record_id, institution_id, data: &segment.data, from: segment.from };
            let found = self.warn_elsewhere(&register, kind, &[entered], &permit.ruling)?;
            warnings.extend(found.into_iter().map(|(_, warning)| warning));
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
        self.note_related(&permit, &view)?;
        Ok(Sealed::new(view, None))
    }

    /// The version of the statute under which something that is true on `day` is entered.
    pub(in crate::store) fn governing(&self, register: &Register, day: NaiveDate) -> Result<Arc<Register>, Error> {
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
}

pub(in crate::store) fn record_type<'r>(register: &'r Register, name: &str) -> Result<&'r RecordType, Error> {
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
