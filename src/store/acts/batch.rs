//! Many entries in one act: under the same permits and checks as a single one, with one entry in the log for each, and
//! with statements that serve all of them together.
//!
//! All or none: with a fault in any draft nothing is written, and all faults of all drafts come back.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use chrono::NaiveDate;
use diesel::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use super::checks::{Found, Prepared, faults_of};
use super::moves::Entered as JustEntered;
use super::records::{Draft, record_type};
use crate::domain::access::rights::Ruling;
use crate::domain::access::{Action, Coordinates, SectionRights};
use crate::domain::record::Entry;
use crate::domain::record::entry::EntryKind;
use crate::domain::record::index::Status;
use crate::domain::record::validate::{Violation, touched_sections};
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::store::acts::disclosure::Mended;
use crate::store::change::{self, EntryWrite};
use crate::store::context::INSTALLATION_REGISTER;
use crate::store::error::Error;
use crate::store::facts::{self, RecordFacts};
use crate::store::guard::{Brand, ExchangeRun, Permit};
use crate::store::schema::{app_user, disclosure_subject};
use crate::store::tx::Tx;
use crate::store::write::WriteTx;

/// Drafts between two looks at whether the act is cancelled.
const STRIDE: usize = 200;

/// How far an act with many entries is, and whether it is to go on.
pub trait Progress {
    /// Tells how many of how many rows have been done in a part of the work.
    fn tell(&self, part: &'static str, done: usize, of: usize);
    /// Whether somebody has ended it.
    fn is_cancelled(&self) -> bool;
}

/// Nobody watches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unwatched;

impl Progress for Unwatched {
    fn tell(&self, _: &'static str, _: usize, _: usize) {}

    fn is_cancelled(&self) -> bool {
        false
    }
}

/// Stops the act where somebody has ended it.
///
/// # Errors
/// [`Refusal::Conflict`] with the code `cancelled`.
pub(in crate::store) fn go_on(progress: &dyn Progress) -> Result<(), Error> {
    if progress.is_cancelled() {
        let detail = "it was ended before it was done; nothing has been changed".to_owned();
        return Err(Refusal::Conflict { code: "cancelled", detail, clause: None }.into());
    }
    Ok(())
}

/// What a draft of a batch is to be.
#[derive(Debug, Clone)]
pub(in crate::store) enum Intent {
    /// A new record.
    Create,
    /// A change of a record.
    Change { record_id: Uuid },
    /// A correction of an entry, whose whole data are given.
    Correct { record_id: Uuid, entry_id: Uuid, reason: String },
    /// The record never was.
    Void { record_id: Uuid, reason: String },
}

impl Intent {
    fn record(&self) -> Option<Uuid> {
        match self {
            Self::Create => None,
            Self::Change { record_id } | Self::Correct { record_id, .. } | Self::Void { record_id, .. } => {
                Some(*record_id)
            }
        }
    }

    fn action(&self) -> Action {
        match self {
            Self::Create => Action::RecordCreate,
            Self::Change { .. } => Action::RecordChange,
            Self::Correct { .. } | Self::Void { .. } => Action::RecordCorrect,
        }
    }
}

/// A draft of a batch.
#[derive(Debug, Clone)]
pub(in crate::store) struct BatchDraft {
    pub intent: Intent,
    /// Institution for which it is entered; that of the record, where there is one already.
    pub institution_id: Uuid,
    pub effective_on: NaiveDate,
    pub documents: Vec<Uuid>,
    /// The data, or a merge patch.
    pub data: Value,
    /// Sections that it speaks about, where the data alone do not say so: those of what is taken back.
    pub touches: BTreeSet<String>,
}

/// What all entries of a batch have in common.
#[derive(Debug, Clone, Default)]
pub(in crate::store) struct Marks {
    /// The import that they are rows of.
    pub import_id: Option<Uuid>,
    /// Where the values come from, when not from whoever enters them.
    pub source: Option<String>,
}

/// An entry made.
#[derive(Debug, Clone)]
pub struct Entered {
    /// Record.
    pub record_id: Uuid,
    /// Entry.
    pub entry_id: Uuid,
    /// Its number within the record: the record's version.
    pub number: i64,
    /// What is unusual but permitted.
    pub warnings: Vec<Violation>,
}

/// What has become of a batch.
pub(in crate::store) enum Many {
    /// All are entered, in their order.
    Entered(Vec<Entered>),
    /// None is: faults by draft.
    Faulty(Vec<(usize, Vec<Violation>)>),
}

/// The rights under which one draft is entered.
struct Right {
    action: Action,
    ruling: Ruling,
    rights: SectionRights,
    view: SectionRights,
}

/// Leave to enter the drafts of one batch, once, in one transaction.
#[must_use]
pub(in crate::store) struct BatchPermit<'tx> {
    register: Arc<Register>,
    rights: Vec<Right>,
    /// For each draft which of the rights it is entered under.
    of: Vec<usize>,
    facts: HashMap<Uuid, RecordFacts>,
    _brand: Brand<'tx>,
}

impl BatchPermit<'_> {
    fn right(&self, draft: usize) -> Result<&Right, Error> {
        let right = self.of.get(draft).and_then(|n| self.rights.get(*n));
        right.ok_or_else(|| Error::Damaged("a draft without rights".into()))
    }

    /// A ruling that speaks for the whole batch; `None` for an empty one.
    pub fn leading(&self) -> Option<&Ruling> {
        self.rights.first().map(|r| &r.ruling)
    }
}

impl<'tx> Tx<'tx> {
    /// Leave to enter `drafts`: each in every section that it touches, whether it is new, changed or corrected, where
    /// its record stands. Records are locked until the transaction ends.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], [`Refusal::Forbidden`] with the clause.
    pub(in crate::store) fn authorize_many(
        &mut self,
        register: &str,
        type_name: &str,
        drafts: &[BatchDraft],
    ) -> Result<BatchPermit<'tx>, Error> {
        let register = self.register(register)?;
        let kind = register.record_type(type_name).ok_or(Refusal::NotFound { what: "record type" })?;
        let actor = self.actor(&register)?;
        let today = self.today(&register);
        let ids: Vec<Uuid> = drafts.iter().filter_map(|d| d.intent.record()).collect();
        facts::lock_many(self.conn, register.name(), &ids)?;
        let mut facts = facts::load_many(self.conn, register.name(), &ids, today)?;
        facts.retain(|_, f| f.record_type == type_name);
        let country = &register.definition.register.country;
        let purpose = self.cx.purpose.is_some();

        let mut rights: Vec<Right> = Vec::new();
        let mut known: HashMap<(Action, Uuid, Status, bool), usize> = HashMap::new();
        let mut of = Vec::with_capacity(drafts.len());
        // The sections that are touched under each of the rights: what one draft is refused all of them are.
        let mut touched: BTreeMap<usize, (BTreeSet<String>, Uuid, Option<Uuid>)> = BTreeMap::new();
        for draft in drafts {
            let action = draft.intent.action();
            let (institution, status, about_self) = match draft.intent.record() {
                None => (draft.institution_id, Status::None, false),
                Some(id) => {
                    let facts = facts.get(&id).ok_or(Refusal::NotFound { what: "record" })?;
                    let stands_for =
                        kind.subject.as_ref().zip(actor.personal_code.as_deref()).is_some_and(|(subject, own)| {
                            subject.guardians_on(country, &facts.data, today).contains(&own)
                        });
                    let about_self = Self::about_self(&actor, kind, &facts.data) || stands_for;
                    (facts.institution_id, facts.status, about_self)
                }
            };
            let key = (action, institution, status, about_self);
            let n = match known.get(&key) {
                Some(n) => *n,
                None => {
                    let mut at = Coordinates {
                        institution_id: Some(institution),
                        about_self,
                        status,
                        purpose_given: if status == Status::None {
                            purpose
                        } else {
                            self.purpose(&register, about_self)?
                        },
                    };
                    let may = actor.sections(&register.policies, &register.definition, kind, action, &at);
                    let ruling = may.leading().cloned().ok_or(Refusal::NotFound { what: "record type" })?;
                    if status == Status::None {
                        at.status = Status::Active;
                    }
                    let view = actor.sections(&register.policies, &register.definition, kind, Action::RecordRead, &at);
                    rights.push(Right { action, ruling, rights: may, view });
                    known.insert(key, rights.len() - 1);
                    rights.len() - 1
                }
            };
            let asked = touched.entry(n).or_insert_with(|| (BTreeSet::new(), institution, draft.intent.record()));
            asked.0.extend(touched_sections(kind, &draft.data));
            asked.0.extend(draft.touches.iter().cloned());
            of.push(n);
        }
        for (n, (sections, institution, record)) in touched {
            let Some(right) = rights.get_mut(n) else { continue };
            if record.is_some() && !right.view.any() {
                return Err(Refusal::NotFound { what: "record" }.into());
            }
            right.ruling = self.permitted(
                &register,
                &actor,
                kind,
                right.action,
                &right.rights,
                &sections,
                Some(institution),
                record,
            )?;
        }
        Ok(BatchPermit { register: register.clone(), rights, of, facts, _brand: self.brand })
    }

    /// Leave to enter what another register sent: who may exchange by a profile of the definition enters the fields of
    /// that profile, in `sections`, and no others. Records are locked until the transaction ends.
    ///
    /// # Errors
    /// Those of the database.
    pub(in crate::store) fn authorize_received(
        &mut self,
        permit: &Permit<'tx, ExchangeRun>,
        type_name: &str,
        sections: &[String],
        drafts: &[BatchDraft],
    ) -> Result<BatchPermit<'tx>, Error> {
        let register = permit.register.clone();
        let today = self.today(&register);
        let ids: Vec<Uuid> = drafts.iter().filter_map(|d| d.intent.record()).collect();
        facts::lock_many(self.conn, register.name(), &ids)?;
        let mut facts = facts::load_many(self.conn, register.name(), &ids, today)?;
        facts.retain(|_, f| f.record_type == type_name);
        let rights = SectionRights {
            permitted: sections.iter().map(|s| (s.clone(), permit.ruling.clone())).collect(),
            refused: BTreeMap::new(),
        };
        let right =
            |action| Right { action, ruling: permit.ruling.clone(), rights: rights.clone(), view: rights.clone() };
        let of = drafts.iter().map(|d| usize::from(d.intent.record().is_some())).collect();
        let rights = vec![right(Action::RecordCreate), right(Action::RecordChange)];
        Ok(BatchPermit { register, rights, of, facts, _brand: self.brand })
    }
}

impl<'tx> WriteTx<'tx> {
    /// Enters `drafts` of one record type: all, or none where any is at fault. A record has one draft at most.
    ///
    /// # Errors
    /// Those of the database; [`Refusal::Conflict`] where somebody ends it.
    pub(in crate::store) fn enter_many(
        &mut self,
        permit: BatchPermit<'tx>,
        type_name: &str,
        drafts: Vec<BatchDraft>,
        marks: &Marks,
        progress: &dyn Progress,
    ) -> Result<Many, Error> {
        let register = permit.register.clone();
        let kind = record_type(&register, type_name)?;
        let of = drafts.len();
        let mut faulty: Vec<(usize, Vec<Violation>)> = Vec::new();
        let mut items: Vec<Prepared> = Vec::with_capacity(of);
        let mut places: Vec<usize> = Vec::with_capacity(of);
        let institutions: HashSet<(Uuid, NaiveDate)> = drafts
            .iter()
            .filter(|d| matches!(d.intent, Intent::Create))
            .map(|d| (d.institution_id, d.effective_on))
            .collect();
        let mut unfit: HashMap<(Uuid, NaiveDate), Vec<Violation>> = HashMap::new();
        if !register.is_institution_type(type_name) {
            let kind = record_type(&register, type_name)?;
            for (institution, on) in institutions {
                if let Err(faults) = faults_of(self.require_institution(&register, kind, institution, on))? {
                    unfit.insert((institution, on), faults);
                }
            }
        }
        let mut before = self.entries_of(&register, &drafts)?;
        let mut seen = HashSet::new();
        for (n, draft) in drafts.into_iter().enumerate() {
            if n % STRIDE == 0 {
                go_on(progress)?;
                progress.tell("checking", n, of);
            }
            if let Some(faults) =
                unfit.get(&(draft.institution_id, draft.effective_on)).filter(|_| draft.intent.record().is_none())
            {
                faulty.push((n, faults.clone()));
                continue;
            }
            match self.drafted(&permit, draft, marks, &mut before)? {
                Ok(draft) if seen.insert(draft.record_id) => match faults_of(self.prepare(&register, draft))? {
                    Ok(item) => {
                        items.push(item);
                        places.push(n);
                    }
                    Err(faults) => faulty.push((n, faults)),
                },
                Ok(_) => {
                    let detail = "another row is about the same record";
                    faulty.push((n, vec![Violation::error("", "not_unique", detail, None)]));
                }
                Err(faults) => faulty.push((n, faults)),
            }
        }
        let none = crate::store::tx::nothing();
        let rights = |n: usize| places.get(n).and_then(|at| permit.right(*at).ok()).map_or(&none, |r| &r.rights);
        let found = self.check(&register, kind, &items, &rights)?;
        go_on(progress)?;
        faulty.extend(
            places.iter().zip(&found).filter(|(_, f)| !f.errors.is_empty()).map(|(n, f)| (*n, f.errors.clone())),
        );
        if !faulty.is_empty() {
            faulty.sort_by_key(|(n, _)| *n);
            return Ok(Many::Faulty(faulty));
        }
        progress.tell("writing", 0, of);
        self.write_entered(&permit, type_name, items.into_iter().zip(found).collect(), marks, progress)
            .map(Many::Entered)
    }

    fn entries_of(&mut self, register: &Register, drafts: &[BatchDraft]) -> Result<HashMap<Uuid, Vec<Entry>>, Error> {
        let ids: Vec<Uuid> = drafts.iter().filter_map(|d| d.intent.record()).collect();
        let mut found = HashMap::with_capacity(ids.len());
        for part in ids.chunks(1_000) {
            found.extend(facts::entries_of(self.conn, register.name(), part)?);
        }
        Ok(found)
    }

    /// A draft with what is known of its record, or why it cannot be one.
    fn drafted(
        &mut self,
        permit: &BatchPermit<'tx>,
        draft: BatchDraft,
        marks: &Marks,
        before: &mut HashMap<Uuid, Vec<Entry>>,
    ) -> Result<Result<Draft, Vec<Violation>>, Error> {
        let (kind, supersedes, reason) = match &draft.intent {
            Intent::Create => (EntryKind::Create, None, None),
            Intent::Change { .. } => (EntryKind::Change, None, None),
            Intent::Correct { entry_id, reason, .. } => (EntryKind::Correction, Some(*entry_id), Some(reason.clone())),
            Intent::Void { reason, .. } => (EntryKind::Void, None, Some(reason.clone())),
        };
        let mut ready = Draft {
            record_id: Uuid::nil(),
            institution_id: draft.institution_id,
            kind,
            effective_on: draft.effective_on,
            data: draft.data,
            supersedes,
            source: marks.source.clone(),
            carried: Value::Null,
            reason,
            documents: draft.documents,
            before: Vec::new(),
            after: 0,
        };
        let Some(record_id) = draft.intent.record() else {
            ready.record_id = self.new_id()?;
            return Ok(Ok(ready));
        };
        let facts = permit.facts.get(&record_id).ok_or(Refusal::NotFound { what: "record" })?;
        ready.record_id = record_id;
        ready.institution_id = facts.institution_id;
        ready.before = before.remove(&record_id).unwrap_or_default();
        ready.after = facts.updated_at.timestamp_micros();
        if kind == EntryKind::Change {
            let checked =
                self.after_beginning(&permit.register, facts, &ready.before, ready.effective_on, "/effective_on");
            if let Err(faults) = faults_of(checked)? {
                return Ok(Err(faults));
            }
        }
        Ok(Ok(ready))
    }

    /// Writes entries that have been checked, each with its event.
    fn write_entered(
        &mut self,
        permit: &BatchPermit<'tx>,
        type_name: &str,
        items: Vec<(Prepared, Found)>,
        marks: &Marks,
        progress: &dyn Progress,
    ) -> Result<Vec<Entered>, Error> {
        let register = permit.register.clone();
        let kind = record_type(&register, type_name)?;
        let actor = self.actor(&register)?;
        let actor_id = actor.user_id.map_or_else(|| actor.name.clone(), |u| u.to_string());
        let of = items.len();
        let users = self.users_among(&register, kind, &items)?;
        let told = self.told_of(&register, &items)?;
        let mut entered: Vec<Entered> = Vec::with_capacity(of);
        let warns = kind.checks.iter().any(|c| c.warns);
        let mut items = items.into_iter().enumerate().peekable();
        while items.peek().is_some() {
            go_on(progress)?;
            progress.tell("writing", entered.len(), of);
            let mut changes = Vec::new();
            let mut afterwards = Vec::new();
            let mut held = Vec::new();
            for (n, (item, found)) in items.by_ref().take(1_000) {
                let right = permit.right(n)?;
                let Prepared { draft, entry, new, governing, old: _ } = item;
                let mut event = self.event(&register, right.action, &actor, &right.ruling);
                event.institution_id = Some(draft.institution_id);
                event.record_type = Some(type_name.to_owned());
                event.record_ids = vec![draft.record_id];
                event.entry_id = Some(entry.id);
                event.document_ids.clone_from(&draft.documents);
                event.fields = draft.data.as_object().map(|m| m.keys().cloned().collect()).unwrap_or_default();
                event.sections = right.view.permitted.keys().cloned().collect();
                entered.push(Entered {
                    record_id: draft.record_id,
                    entry_id: entry.id,
                    number: entry.number,
                    warnings: found.warnings,
                });
                let leaves = users.contains(&draft.record_id);
                let mended = draft.kind == EntryKind::Correction && told.contains(&draft.record_id);
                if leaves || mended {
                    let correction = mended.then(|| entry.clone());
                    let facts = (draft.record_id, draft.institution_id);
                    afterwards.push((
                        facts,
                        leaves.then(|| new.clone()),
                        correction,
                        draft.before,
                        right.ruling.clone(),
                    ));
                }
                if warns
                    && draft.kind != EntryKind::Void
                    && let Some(segment) = new.on_or_first(draft.effective_on)
                {
                    held.push((entered.len() - 1, draft.institution_id, segment.data.clone(), segment.from));
                }
                let write = Box::new(EntryWrite {
                    register: register.clone(),
                    record_type: type_name.to_owned(),
                    record_id: draft.record_id,
                    institution_id: draft.institution_id,
                    version: entry.number,
                    reason: draft.reason,
                    actor_id: actor_id.clone(),
                    definition: governing.definition.digest.clone(),
                    documents: draft.documents,
                    timeline: new,
                    unique_keys: found.keys,
                    idempotency: None,
                    import_id: marks.import_id,
                    entry,
                });
                changes.push((event, draft.after, change::of_kind(draft.kind, write)));
            }
            self.apply_many(register.name(), changes)?;
            if let Some(ruling) = permit.right(0).ok().map(|r| r.ruling.clone()).filter(|_| !held.is_empty()) {
                let facts = |(n, institution_id, data, from): &(usize, Uuid, Value, NaiveDate)| {
                    let record_id = entered.get(*n).map(|e| e.record_id)?;
                    Some((record_id, *institution_id, data.clone(), *from))
                };
                let facts: Vec<_> = held.iter().filter_map(facts).collect();
                let together: Vec<JustEntered<'_>> = facts
                    .iter()
                    .map(|(record_id, institution_id, data, from)| JustEntered {
                        record_id: *record_id,
                        institution_id: *institution_id,
                        data,
                        from: *from,
                    })
                    .collect();
                let mut found: HashMap<Uuid, Vec<Violation>> = HashMap::new();
                for (record_id, warning) in self.warn_elsewhere(&register, kind, &together, &ruling)? {
                    found.entry(record_id).or_default().push(warning);
                }
                for entered in &mut entered {
                    entered.warnings.extend(found.remove(&entered.record_id).unwrap_or_default());
                }
            }
            for ((record_id, institution_id), timeline, correction, before, ruling) in afterwards {
                if let Some(timeline) = timeline {
                    self.note_leaver(&register, kind, record_id, institution_id, &timeline)?;
                }
                if let Some(correction) = correction {
                    let mended = Mended { record_id, institution_id, before: &before, correction: &correction };
                    self.tell_recipients(&register, kind, &ruling, &mended)?;
                }
            }
        }
        Ok(entered)
    }

    /// Records about users, where the statute says what follows from the end of their employment.
    fn users_among(
        &mut self,
        register: &Register,
        kind: &crate::domain::statute::RecordType,
        items: &[(Prepared, Found)],
    ) -> Result<HashSet<Uuid>, Error> {
        let rule = register.definition.register.leaver.as_ref().filter(|r| r.record_type == kind.name);
        let Some(subject) = rule.and(kind.subject.as_ref()) else {
            return Ok(HashSet::new());
        };
        let codes: Vec<(Uuid, &str)> = items
            .iter()
            .filter_map(|(i, _)| {
                let data = &i.new.segments.last()?.data;
                Some((i.draft.record_id, data.get(subject.field())?.as_str()?))
            })
            .collect();
        let mut users: HashSet<String> = HashSet::new();
        for part in codes.chunks(1_000) {
            let of_installation = app_user::table.filter(app_user::register.eq(INSTALLATION_REGISTER));
            let codes = part.iter().map(|(_, code)| *code);
            if subject.personal_code.is_some() {
                let rows: Vec<Option<String>> = of_installation
                    .filter(app_user::personal_code.eq_any(codes))
                    .select(app_user::personal_code)
                    .load(self.conn)?;
                users.extend(rows.into_iter().flatten());
            } else {
                let rows: Vec<String> = of_installation
                    .filter(app_user::username.eq_any(codes))
                    .select(app_user::username)
                    .load(self.conn)?;
                users.extend(rows);
            }
        }
        Ok(codes.into_iter().filter(|(_, code)| users.contains(*code)).map(|(id, _)| id).collect())
    }

    /// Records to be corrected of which something has left: whoever got it may have to be told.
    fn told_of(&mut self, register: &Register, items: &[(Prepared, Found)]) -> Result<HashSet<Uuid>, Error> {
        let corrected = items.iter().filter(|(i, _)| i.draft.kind == EntryKind::Correction);
        let ids: Vec<String> = corrected.map(|(i, _)| i.draft.record_id.to_string()).collect();
        let mut told = HashSet::new();
        for part in ids.chunks(1_000) {
            let rows: Vec<String> = disclosure_subject::table
                .filter(disclosure_subject::register.eq(register.name()))
                .filter(disclosure_subject::record_id.eq_any(part))
                .select(disclosure_subject::record_id)
                .distinct()
                .load(self.conn)?;
            for row in rows {
                told.insert(facts::id(&row)?);
            }
        }
        Ok(told)
    }
}
