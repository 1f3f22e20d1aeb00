//! What is checked before entries are made, for one entry or for many: every state of the timeline that results,
//! documents, references, files, combinations that must not repeat, chains of references.
//!
//! Each kind of check asks the database once for all drafts together. Faults come back by draft: all of them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::NaiveDate;
use diesel::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use super::records::{Draft, record_type};
use crate::domain::access::SectionRights;
use crate::domain::record::entry::{Entry, EntryKind};
use crate::domain::record::provenance::locked;
use crate::domain::record::validate::{self, ReferenceUse, Severity, Validation, Violation};
use crate::domain::record::{Timeline, index};
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::domain::statute::definition::{RuleKind, Unique, Within};
use crate::domain::statute::{Clause, RecordType};
use crate::store::change::HeldKey;
use crate::store::error::Error;
use crate::store::facts;
use crate::store::schema::{base_document, record_index, record_state, stored_file, unique_key};
use crate::store::write::WriteTx;

/// Values asked about in one statement.
const ASKED: usize = 1_000;
/// The longest chain of references that is followed.
const LONGEST_CHAIN: usize = 100;

/// Loads what has `column` among `values`, a part at a time; spelt `=` for a single value: by far the commonest, and
/// then the statement stays prepared.
macro_rules! among {
    ($query:expr, $column:expr, $values:expr, $row:ty, $conn:expr) => {{
        let mut rows: Vec<$row> = Vec::new();
        match $values.as_slice() {
            [] => {}
            [one] => rows = $query.filter($column.eq(one)).load($conn)?,
            many => {
                for part in many.chunks(ASKED) {
                    rows.extend($query.filter($column.eq_any(part)).load::<$row>($conn)?);
                }
            }
        }
        rows
    }};
}

/// A draft as an entry, with the timelines before and after it.
pub(in crate::store) struct Prepared {
    pub draft: Draft,
    pub entry: Entry,
    pub old: Timeline,
    pub new: Timeline,
    /// The version of the statute under which it is entered.
    pub governing: Arc<Register>,
}

/// What was found about a draft.
#[derive(Default)]
pub(in crate::store) struct Found {
    pub errors: Vec<Violation>,
    pub warnings: Vec<Violation>,
    /// Combinations that the record holds from now on.
    pub keys: Vec<HeldKey>,
}

fn distinct<'a>(values: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut list: Vec<&str> = values.collect();
    list.sort_unstable();
    list.dedup();
    list
}

/// The faults of a refusal that is about the data, or the error itself.
pub(in crate::store) fn faults_of<T>(outcome: Result<T, Error>) -> Result<Result<T, Vec<Violation>>, Error> {
    match outcome {
        Ok(value) => Ok(Ok(value)),
        Err(Error::Refused(Refusal::Invalid(faults))) => Ok(Err(faults)),
        Err(Error::Refused(Refusal::Conflict { code, detail, clause })) => {
            Ok(Err(vec![Violation::error("/effective_on", code, detail, clause)]))
        }
        Err(other) => Err(other),
    }
}

impl WriteTx<'_> {
    /// Makes a draft an entry, and folds it with those before it.
    pub(in crate::store) fn prepare(&mut self, register: &Register, draft: Draft) -> Result<Prepared, Error> {
        let governing = self.governing(register, draft.effective_on)?;
        let entry = Entry {
            id: self.new_id()?,
            number: i64::try_from(draft.before.len()).unwrap_or(i64::MAX) + 1,
            kind: draft.kind,
            effective_on: draft.effective_on,
            recorded_at: self.now,
            data: draft.data.clone(),
            supersedes: draft.supersedes,
            source: draft.source.clone(),
        };
        let old = Timeline::fold(&draft.before, None);
        let mut all = draft.before.clone();
        all.push(entry.clone());
        let new = Timeline::fold(&all, None);
        Ok(Prepared { draft, entry, old, new, governing })
    }

    /// Checks drafts in every respect, against the register and against each other.
    pub(in crate::store) fn check<'r>(
        &mut self,
        register: &Register,
        kind: &RecordType,
        items: &[Prepared],
        rights: &dyn Fn(usize) -> &'r SectionRights,
    ) -> Result<Vec<Found>, Error> {
        let mut faults: Vec<Vec<Violation>> = Vec::with_capacity(items.len());
        for (n, item) in items.iter().enumerate() {
            faults.push(self.check_data(register, kind, item, rights(n))?);
        }
        self.check_documents(register, kind, items, &mut faults)?;
        self.check_references(register, kind, items, &mut faults)?;
        self.check_files(register, kind, items, &mut faults)?;
        let keys = self.check_unique(register, kind, items, &mut faults)?;
        self.check_cycles(register, kind, items, &mut faults)?;
        Ok(faults
            .into_iter()
            .zip(keys)
            .map(|(faults, keys)| {
                let (mut errors, warnings): (Vec<_>, Vec<_>) =
                    faults.into_iter().partition(|f| f.severity == Severity::Error);
                let mut told = HashSet::new();
                // Several states may share a fault; it is told once, where it first stands.
                errors.retain(|e| told.insert((e.pointer.clone(), e.code)));
                Found { errors, warnings, keys }
            })
            .collect())
    }

    /// What can be told of a draft from its data alone.
    pub(in crate::store) fn check_data(
        &self,
        register: &Register,
        kind: &RecordType,
        item: &Prepared,
        rights: &SectionRights,
    ) -> Result<Vec<Violation>, Error> {
        let mut faults = Vec::new();
        if item.draft.kind != EntryKind::Create {
            let shape = Validation {
                definition: &item.governing.definition,
                record_type: kind,
                compiled: &item.governing.compiled,
                effective_on: item.draft.effective_on,
                today: self.today(register),
            };
            faults.extend(shape.patch_shape(&item.draft.data));
        }
        let Draft { before, data, effective_on, source, carried, .. } = &item.draft;
        let sources = &item.governing.definition.register.sources;
        faults.extend(locked(kind, sources, before, data, *effective_on, source.as_deref(), carried));
        faults.extend(other_institution(kind, &item.draft));
        faults.extend(self.check_states(register, &kind.name, &item.old, &item.new, rights)?);
        Ok(faults)
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
        items: &[Prepared],
        faults: &mut [Vec<Violation>],
    ) -> Result<(), Error> {
        type Row = (String, String, Option<String>);
        let clause = &register.definition.register.access.document_clause;
        let fault = |at: &str, code, detail: &str| Violation::error(at, code, detail, Some(clause.clone()));
        let mut named: Vec<Uuid> = items.iter().flat_map(|i| i.draft.documents.iter().copied()).collect();
        named.sort_unstable();
        named.dedup();
        let named: Vec<String> = named.iter().map(Uuid::to_string).collect();
        let documents = base_document::table.filter(base_document::register.eq(register.name())).select((
            base_document::id,
            base_document::kind,
            base_document::institution_id,
        ));
        let rows = among!(documents, base_document::id, named, Row, self.conn);
        let found: HashMap<String, (String, Option<String>)> =
            rows.into_iter().map(|(id, kind, institution)| (id, (kind, institution))).collect();
        for (item, faults) in items.iter().zip(faults) {
            let draft = &item.draft;
            if kind.base_documents.is_empty() && draft.documents.is_empty() {
                continue;
            }
            if draft.documents.is_empty() {
                let detail = "no entry without a base document: name at least one";
                faults.push(fault("/base_document_ids", "required", detail));
                continue;
            }
            let own = draft.institution_id.to_string();
            let mut seen = HashSet::new();
            for (n, id) in draft.documents.iter().enumerate() {
                let pointer = format!("/base_document_ids/{n}");
                if !seen.insert(id) {
                    faults.push(fault(&pointer, "not_unique_in_list", "the document is named twice"));
                    continue;
                }
                match found.get(&id.to_string()) {
                    Some((_, Some(institution))) if *institution != own => {
                        faults.push(fault(&pointer, "not_found", "there is no such document"));
                    }
                    None => faults.push(fault(&pointer, "not_found", "there is no such document")),
                    Some((document_kind, _)) if !kind.base_documents.contains(document_kind) => {
                        let detail = format!(
                            "a document of kind {document_kind} entitles to no such entry; these do: {}",
                            kind.base_documents.join(", ")
                        );
                        faults.push(fault(&pointer, "document_kind", &detail));
                    }
                    Some(_) => {}
                }
            }
        }
        Ok(())
    }

    /// New references must lead to records of the right type and institution that exist on the day.
    fn check_references(
        &mut self,
        register: &Register,
        kind: &RecordType,
        items: &[Prepared],
        faults: &mut [Vec<Violation>],
    ) -> Result<(), Error> {
        type Row = (String, String, String, String, String, String, String);
        let uses: Vec<Vec<ReferenceUse>> = items.iter().map(|i| new_references(kind, i)).collect();
        let ids = distinct(uses.iter().flatten().map(|u| u.id.as_str()));
        let states = record_state::table.filter(record_state::register.eq(register.name())).select((
            record_state::record_id,
            record_state::record_type,
            record_state::institution_id,
            record_state::effective_on,
            record_state::ends_on,
            record_state::from_day,
            record_state::until_day,
        ));
        let rows = among!(states, record_state::record_id, ids, Row, self.conn);
        let mut found: HashMap<&str, Vec<&Row>> = HashMap::new();
        for row in &rows {
            found.entry(&row.0).or_default().push(row);
        }
        for ((item, uses), faults) in items.iter().zip(&uses).zip(faults) {
            if uses.is_empty() {
                continue;
            }
            let day = item.draft.effective_on.to_string();
            let own = item.draft.institution_id.to_string();
            for r in uses {
                let fault = |code, detail: &str| Violation::error(&r.pointer, code, detail, r.clause.clone());
                // A record that is entered together with its first reference to itself does not exist yet.
                let fitting = found
                    .get(r.id.as_str())
                    .and_then(|rows| rows.iter().find(|row| row.5 <= day && row.6 > day))
                    .filter(|r2| {
                        r2.1 == r.record_type && (r2.2 == own || register.is_institution_type(&r.record_type))
                    });
                match fitting {
                    None => faults
                        .push(fault("not_found", &format!("there is no such {} in this institution", r.record_type))),
                    Some(row) if row.3 > day => faults.push(fault("not_yet", "it does not exist on that day yet")),
                    Some(row) if row.4 < day => faults.push(fault("ended", "it had ended before that day")),
                    Some(_) => {}
                }
            }
        }
        Ok(())
    }

    fn check_files(
        &mut self,
        register: &Register,
        kind: &RecordType,
        items: &[Prepared],
        faults: &mut [Vec<Violation>],
    ) -> Result<(), Error> {
        let uses: Vec<_> = items.iter().map(|i| validate::files(kind, &i.draft.data)).collect();
        let digests = distinct(uses.iter().flatten().map(|u| u.sha256.as_str()));
        let files = stored_file::table
            .filter(stored_file::register.eq(register.name()))
            .select((stored_file::sha256, stored_file::media_type));
        let rows = among!(files, stored_file::sha256, digests, (String, String), self.conn);
        let found: HashMap<String, String> = rows.into_iter().collect();
        for (uses, faults) in uses.into_iter().zip(faults) {
            faults.extend(uses.into_iter().filter_map(|u| match found.get(&u.sha256) {
                None => Some(Violation::error(&u.pointer, "not_found", "store the file first", u.clause)),
                Some(media) if !u.media_types.is_empty() && !u.media_types.contains(media) => {
                    let detail = format!("the file is {media}; permitted are {}", u.media_types.join(", "));
                    Some(Violation::error(&u.pointer, "media", detail, u.clause))
                }
                Some(_) => None,
            }));
        }
        Ok(())
    }

    /// The combinations that each record holds from now on, and which of them another holds: one of the register, or
    /// one entered with it.
    fn check_unique(
        &mut self,
        register: &Register,
        kind: &RecordType,
        items: &[Prepared],
        faults: &mut [Vec<Violation>],
    ) -> Result<Vec<Vec<HeldKey>>, Error> {
        let wanted: Vec<Vec<(String, usize)>> = items.iter().map(|i| combinations(kind, i)).collect();
        let keys = distinct(wanted.iter().flatten().map(|(k, _)| k.as_str()));
        let own: HashSet<String> = items.iter().map(|i| i.draft.record_id.to_string()).collect();
        let held = unique_key::table
            .filter(unique_key::register.eq(register.name()))
            .select((unique_key::key, unique_key::record_id));
        // What records entered here hold so far, they let go of or ask for again.
        let held: HashMap<String, String> = among!(held, unique_key::key, keys, (String, String), self.conn)
            .into_iter()
            .filter(|(_, holder)| !own.contains(holder))
            .collect();
        let holders = distinct(held.values().map(String::as_str));
        let states = record_state::table
            .filter(record_state::register.eq(register.name()))
            .filter(record_state::until_day.eq(facts::LAST_DAY))
            .select((record_state::record_id, record_state::ends_on));
        let ends: HashMap<String, String> =
            among!(states, record_state::record_id, holders, (String, String), self.conn).into_iter().collect();

        let mut taken: HashMap<&str, usize> = HashMap::new();
        let mut lost: Vec<(usize, &str)> = Vec::new();
        let mut result: Vec<Vec<HeldKey>> = Vec::with_capacity(items.len());
        for (n, (item, wanted)) in items.iter().zip(&wanted).enumerate() {
            let begins = item.new.begins().map(|d| d.to_string()).unwrap_or_default();
            let mut keys = Vec::with_capacity(wanted.len());
            for (key, rule) in wanted {
                let Some(rule) = kind.unique.get(*rule) else { continue };
                let mut from = None;
                let mut clash = None;
                if let Some(holder) = held.get(key) {
                    if rule.unless_ended && ends.get(holder).is_some_and(|e| *e < begins) {
                        from = Some(holder.clone());
                    } else {
                        clash = Some("another record");
                    }
                }
                if let Some(earlier) = taken.insert(key, n) {
                    let ended = items.get(earlier).and_then(|i| last_day(kind, &i.new));
                    let ended = ended.zip(item.new.begins()).is_some_and(|(ended, begins)| ended < begins);
                    if rule.unless_ended && ended {
                        lost.push((earlier, key));
                        from = None;
                    } else {
                        clash = clash.or(Some("another row"));
                    }
                }
                match (clash, faults.get_mut(n)) {
                    (Some(who), Some(faults)) => faults.push(not_unique(rule, who)),
                    _ => keys.push(HeldKey { key: key.clone(), from }),
                }
            }
            result.push(keys);
        }
        for (n, key) in lost {
            if let Some(keys) = result.get_mut(n) {
                keys.retain(|k| k.key != key);
            }
        }
        Ok(result)
    }

    /// A chain of references must not lead back to the record itself. All chains are followed together, a link at a
    /// time.
    fn check_cycles(
        &mut self,
        register: &Register,
        kind: &RecordType,
        items: &[Prepared],
        faults: &mut [Vec<Violation>],
    ) -> Result<(), Error> {
        for rule in kind.rules.iter().filter(|r| r.kind == RuleKind::NoCycle) {
            let field = rule.from.as_deref().unwrap_or_default();
            let link = |item: &Prepared| {
                let data = item.new.on(item.draft.effective_on).map(|s| &s.data)?;
                data.get(field).and_then(Value::as_str).map(str::to_owned)
            };
            let entered: HashMap<String, Option<String>> =
                items.iter().map(|i| (i.draft.record_id.to_string(), link(i))).collect();
            let day = items.first().map(|i| i.draft.effective_on).unwrap_or_default().to_string();
            let mut chains: Vec<(usize, String)> = items
                .iter()
                .enumerate()
                .filter(|(_, i)| i.draft.data.get(field).is_some_and(Value::is_string))
                .filter_map(|(n, i)| Some((n, entered.get(&i.draft.record_id.to_string())?.clone()?)))
                .collect();
            for _ in 0..LONGEST_CHAIN {
                chains.retain(|(n, at)| {
                    let own = items.get(*n).is_some_and(|i| i.draft.record_id.to_string() == *at);
                    if let Some(faults) = faults.get_mut(*n).filter(|_| own) {
                        let detail = "the chain of references leads back to this record";
                        faults.push(Violation::error(&format!("/{field}"), "cycle", detail, Some(rule.clause.clone())));
                    }
                    !own
                });
                if chains.is_empty() {
                    break;
                }
                let ask = distinct(chains.iter().map(|(_, at)| at.as_str()).filter(|at| !entered.contains_key(*at)));
                let links = record_index::table
                    .filter(record_index::register.eq(register.name()))
                    .filter(record_index::record_type.eq(&kind.name))
                    .filter(record_index::field.eq(field))
                    .filter(record_index::from_day.le(&day))
                    .filter(record_index::until_day.gt(&day))
                    .filter(record_index::value.ne(""))
                    .select((record_index::record_id, record_index::value));
                let known: HashMap<String, String> =
                    among!(links, record_index::record_id, ask, (String, String), self.conn).into_iter().collect();
                chains = chains
                    .into_iter()
                    .filter_map(|(n, at)| {
                        let next = entered.get(&at).cloned().unwrap_or_else(|| known.get(&at).cloned());
                        next.map(|next| (n, next))
                    })
                    .collect();
            }
        }
        Ok(())
    }
}

/// References of the state on the entry's day that were not there before.
fn new_references(kind: &RecordType, item: &Prepared) -> Vec<ReferenceUse> {
    let Some(segment) = item.new.on(item.draft.effective_on) else {
        return Vec::new();
    };
    let known: HashSet<(String, String)> = item
        .old
        .on(item.draft.effective_on)
        .map(|s| validate::references(kind, &s.data).into_iter().map(|r| (r.pointer, r.id)).collect())
        .unwrap_or_default();
    let mut uses = validate::references(kind, &segment.data);
    uses.retain(|r| !known.contains(&(r.pointer.clone(), r.id.clone())));
    uses
}

/// The combinations that a record holds with its new timeline, each once, with the rule that makes it one.
fn combinations(kind: &RecordType, item: &Prepared) -> Vec<(String, usize)> {
    let mut keys: Vec<(String, usize)> = Vec::new();
    if kind.unique.is_empty() {
        return keys;
    }
    for segment in &item.new.segments {
        let values: HashMap<String, String> =
            index::index(kind, &segment.data).into_iter().map(|i| (i.field, i.value)).collect();
        for (n, unique) in kind.unique.iter().enumerate() {
            let parts: Vec<&str> = unique.fields.iter().map(|f| values.get(f).map_or("", String::as_str)).collect();
            // A combination whose first field is absent identifies nothing.
            if parts.first().is_none_or(|p| p.is_empty()) {
                continue;
            }
            let scope = match unique.within {
                Within::Institution => item.draft.institution_id.to_string(),
                Within::Register => String::new(),
            };
            let key = format!("{}\u{1f}{n}\u{1f}{scope}\u{1f}{}", kind.name, parts.join("\u{1f}"));
            if !keys.iter().any(|(k, _)| *k == key) {
                keys.push((key, n));
            }
        }
    }
    keys
}

fn not_unique(rule: &Unique, who: &str) -> Violation {
    let within = match rule.within {
        Within::Institution => "this institution",
        Within::Register => "the register",
    };
    let detail = format!("{who} of {within} has the same {}", rule.fields.join(" and "));
    let pointer = format!("/{}", rule.fields.first().map_or("", String::as_str));
    let clause: Option<Clause> = Some(rule.clause.clone());
    Violation::error(&pointer, "not_unique", detail, clause)
}

fn last_day(kind: &RecordType, timeline: &Timeline) -> Option<NaiveDate> {
    timeline.segments.last().and_then(|s| index::life(kind, &s.data).1)
}

/// Fields that name another institution than the one that holds the record.
fn other_institution(kind: &RecordType, draft: &Draft) -> Vec<Violation> {
    let own = draft.institution_id.to_string();
    let rules = kind.rules.iter().filter(|r| r.kind == RuleKind::OwnInstitution);
    rules
        .filter_map(|rule| {
            let field = rule.from.as_deref()?;
            let named = draft.data.get(field)?.as_str()?;
            let detail = "this is not the institution for which the record is entered";
            let fault =
                || Violation::error(&format!("/{field}"), "other_institution", detail, Some(rule.clause.clone()));
            (named != own).then(fault)
        })
        .collect()
}
