//! Many records in one act: a sheet compared with what the register knows and entered, the same for a change of many
//! records at once, and taking an import back.
//!
//! A dry run does exactly what the real one does and takes it back before anybody has seen it; what it tells of records
//! is logged as a read of them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{NaiveDate, TimeDelta};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::batch::{BatchDraft, Intent, Many, Marks, Progress, go_on};
use crate::domain::access::{Action, Actor, Coordinates, SectionRights};
use crate::domain::calendar::instant;
use crate::domain::import::{CellFault, Columns, Difference, RowRead, columns, compare, entered, of_violation, patch};
use crate::domain::record::index::{Status, fields_with, index, search_key};
use crate::domain::record::validate::{self, Violation, touched_sections};
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::domain::statute::definition::{Field, Index};
use crate::domain::statute::{Clause, RecordType};
use crate::store::change::{Change, ImportWrite, ImportedRow};
use crate::store::conn::{AnyConn, MultiBackend};
use crate::store::error::Error;
use crate::store::facts;
use crate::store::guard::Sealed;
use crate::store::read::aggregates::renumber;
use crate::store::read::imports::ImportView;
use crate::store::schema::{entry, import_row, import_run, record, record_index, record_state};
use crate::store::write::WriteTx;

/// The most records of one type that an institution may have for its sheets to be compared.
const MOST_RECORDS: i64 = 50_000;
/// Rows and warnings that a report shows.
const SHOWN: usize = 500;
/// Faults that an answer holds.
const FAULTS: usize = 1_000;
/// How long an import can be taken back.
pub const UNDO: TimeDelta = TimeDelta::hours(24);

/// What is to be entered.
#[derive(Debug, Clone)]
pub enum Source {
    /// The rows of a sheet.
    Sheet {
        /// Its columns.
        columns: Columns,
        /// Its rows.
        rows: Vec<RowRead>,
    },
    /// The same change of many records.
    Bulk {
        /// Only these records; `None`: all that fit the filter.
        ids: Option<Vec<Uuid>>,
        /// Exact values of indexed fields.
        filter: BTreeMap<String, String>,
        /// What changes.
        change: BulkChange,
    },
}

/// What changes in each of many records.
#[derive(Debug, Clone)]
pub enum BulkChange {
    /// The same merge patch.
    Set(Value),
    /// The value of a field moves on.
    Advance {
        /// The field.
        field: String,
        /// By what.
        by: Step,
        /// Values that stay.
        unless: Vec<String>,
    },
}

/// By what a value moves on.
#[derive(Debug, Clone)]
pub enum Step {
    /// The number with which it begins grows by this.
    Number(i64),
    /// From one value to another.
    Map(BTreeMap<String, String>),
}

/// An import to be made.
#[derive(Debug, Clone)]
pub struct ImportOrder {
    /// Id that it gets.
    pub id: Uuid,
    /// Record type.
    pub record_type: String,
    /// Institution whose records they are.
    pub institution_id: Uuid,
    /// First day on which the rows are true that say nothing else.
    pub effective_on: NaiveDate,
    /// Base documents of all of it.
    pub base_document_ids: Vec<Uuid>,
    /// What is to be entered.
    pub source: Source,
    /// Whether records may be entered that the register does not know.
    pub creates: bool,
    /// Whether records may be changed that it knows.
    pub changes: bool,
    /// Whether nothing is to remain.
    pub dry_run: bool,
    /// SHA-256 of what was brought.
    pub sha256: String,
    /// How the columns were named, where that is to be kept for the next time.
    pub keep: Option<Value>,
    /// How the sheet was written and read, for the report.
    pub reading: Reading,
}

/// How a sheet was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// Encoding of a text file.
    pub encoding: Option<String>,
    /// What stands between its cells.
    pub delimiter: Option<String>,
    /// What else is worth saying of it.
    pub notes: Vec<String>,
    /// Cells that were mended since it was brought.
    pub mended: usize,
    /// Rows of it that are held back.
    pub withheld: usize,
}

/// What an import did, or would do.
#[derive(Debug, Clone, Serialize)]
pub struct ImportReport {
    /// Id.
    pub import_id: Uuid,
    /// Record type.
    #[serde(rename = "type")]
    pub record_type: String,
    /// Institution.
    pub institution_id: Uuid,
    /// `checked`, `done` or `refused`.
    pub state: &'static str,
    /// Rows read.
    pub rows: usize,
    /// Rows of records that the register does not know.
    pub new: usize,
    /// Rows that change something.
    pub changed: usize,
    /// Rows that say what is known.
    pub unchanged: usize,
    /// Rows left out, since only new or only known records were to be entered.
    pub left_out: usize,
    /// Active records of the institution without a row. They stay as they are.
    pub gone: usize,
    /// Rows at fault.
    pub faulty: usize,
    /// The first rows and what each does.
    pub items: Vec<ImportItem>,
    /// Faults of rows, all of them; an answer holds the first thousand.
    pub faults: Vec<CellFault>,
    /// What is unusual but permitted.
    pub warnings: Vec<CellFault>,
    /// The columns, and which field each is.
    pub columns: Value,
    /// Encoding of a text file.
    pub encoding: Option<String>,
    /// What stands between its cells.
    pub delimiter: Option<String>,
    /// What else is worth saying of the sheet.
    pub notes: Vec<String>,
}

impl ImportReport {
    /// The report as far as an answer holds it.
    pub fn bounded(mut self) -> Self {
        self.faults.truncate(FAULTS);
        self
    }
}

/// What a row does.
#[derive(Debug, Clone, Serialize)]
pub struct ImportItem {
    /// Its number in the sheet; nothing for a record without a row.
    pub row: Option<u32>,
    /// `new`, `changed`, `unchanged`, `left_out`, `faulty` or `gone`.
    pub outcome: &'static str,
    /// The record.
    pub record_id: Option<Uuid>,
    /// In what it differs from what is known.
    pub differences: Vec<Difference>,
}

/// A record of the institution as it is known.
struct Known {
    id: Uuid,
    states: Vec<KnownState>,
}

struct KnownState {
    from_day: String,
    until_day: String,
    begins_on: String,
    ends_on: String,
    data: Value,
}

impl Known {
    fn on(&self, day: &str) -> Option<&KnownState> {
        self.states.iter().find(|s| s.from_day.as_str() <= day && s.until_day.as_str() > day)
    }

    /// Whether it has not ended before `day`.
    fn stands(&self, day: &str) -> bool {
        self.on(day).is_some_and(|s| s.ends_on.as_str() >= day)
    }

    fn is_active(&self, day: &str) -> bool {
        self.on(day).is_some_and(|s| s.begins_on.as_str() <= day && s.ends_on.as_str() >= day)
    }
}

/// What is made of a row.
struct Planned {
    row: u32,
    outcome: &'static str,
    record_id: Option<Uuid>,
    differences: Vec<Difference>,
    draft: Option<BatchDraft>,
}

/// By what records of a type are told apart: the combination with the subject's personal code where there is one. Where
/// a person may have several records, the code and the first combination that must not repeat; where they are about
/// nobody, that combination.
fn key_fields(kind: &RecordType) -> Vec<&str> {
    let code = kind.subject.as_ref().map(|s| s.field());
    let with_code = kind.unique.iter().find(|u| u.fields.iter().any(|f| Some(f.as_str()) == code));
    let unique = with_code.or_else(|| kind.unique.first());
    let others = unique.into_iter().flat_map(|u| &u.fields).map(String::as_str).filter(|f| Some(*f) != code);
    code.into_iter().chain(others).collect()
}

/// What data say of each key field: empty where they say nothing. `None` where that is so of the first.
fn key_of(kind: &RecordType, fields: &[&str], data: &Value) -> Option<Vec<String>> {
    let part = |name: &str| -> String {
        let field = kind.fields.iter().find(|f| f.name == name);
        match (field, data.get(name)) {
            (Some(field), Some(Value::String(text))) => search_key(field.kind, text),
            (Some(_), Some(value)) if !value.is_null() => value.to_string(),
            _ => String::new(),
        }
    };
    let parts: Vec<String> = fields.iter().map(|f| part(f)).collect();
    parts.first().is_some_and(|p| !p.is_empty()).then_some(parts)
}

/// Whether a row may mean what `other` says: where both say something they say the same.
fn fit(row: &[String], other: &[String]) -> bool {
    row.iter().zip(other).all(|(row, other)| row.is_empty() || row == other)
}

/// The columns of what came in no sheet.
fn no_columns(kind: &RecordType) -> Columns {
    columns(kind, &[], None).0
}

fn cell_fault(
    row: u32,
    columns: &Columns,
    at: &str,
    code: &'static str,
    detail: &str,
    clause: Option<Clause>,
) -> CellFault {
    of_violation(row, columns, &Violation::error(at, code, detail, clause))
}

impl<'tx> WriteTx<'tx> {
    /// Compares what is brought with what is known and enters it: all of it, or nothing where anything is at fault.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] with the clause; [`Refusal::Conflict`] where somebody ends it. Faults of rows are in the
    /// report.
    pub fn import(
        &mut self,
        register: &str,
        order: &ImportOrder,
        progress: &dyn Progress,
    ) -> Result<Sealed<'tx, ImportReport>, Error> {
        let register = self.register(register)?;
        let kind = register.record_type(&order.record_type).ok_or(Refusal::NotFound { what: "record type" })?;
        if register.is_institution_type(&kind.name) {
            let detail = "institutions are entered one by one".to_owned();
            return Err(Refusal::Conflict { code: "institutions", detail, clause: Some(kind.clause.clone()) }.into());
        }
        if let Some((id, _)) = self.earlier(register.name())? {
            return self.imported_earlier(&register, id, order);
        }
        let (actor, view) = self.may_compare(&register, kind, order.institution_id)?;
        go_on(progress)?;
        let known = self.known_of(&register, kind, order.institution_id)?;
        let none = no_columns(kind);
        let (columns, mut planned, mut faults) = match &order.source {
            Source::Sheet { columns, rows } => {
                let (planned, faults) = self.plan_sheet(&register, kind, order, columns, rows, &known)?;
                (columns, planned, faults)
            }
            Source::Bulk { ids, filter, change } => {
                let (planned, faults) = plan_bulk(kind, order, ids.as_deref(), filter, change, &known)?;
                (&none, planned, faults)
            }
        };
        go_on(progress)?;

        let mut drafts = Vec::new();
        let mut places = Vec::new();
        for (n, row) in planned.iter_mut().enumerate() {
            if let Some(draft) = row.draft.take() {
                drafts.push(draft);
                places.push(n);
            }
        }
        let permit = self.authorize_many(register.name(), &kind.name, &drafts)?;
        if drafts.iter().any(|d| matches!(d.intent, Intent::Create)) {
            self.require_institution(&register, kind, order.institution_id, order.effective_on)?;
        }
        let leading = permit.leading().cloned();
        let marks = Marks { import_id: Some(order.id), source: None };
        // What stands in the way already needs no look at the rest's effect, but all of its faults are told.
        let hollow = order.dry_run || !faults.is_empty();
        let many = if hollow {
            self.tried(|tx| tx.enter_many(permit, &kind.name, drafts, &marks, progress))?
        } else {
            self.enter_many(permit, &kind.name, drafts, &marks, progress)?
        };
        let mut warnings = Vec::new();
        let mut rows = Vec::new();
        match many {
            Many::Entered(entries) => {
                for (place, entered) in places.iter().zip(entries) {
                    let Some(row) = planned.get_mut(*place) else { continue };
                    warnings.extend(entered.warnings.iter().map(|w| of_violation(row.row, columns, w)));
                    if !hollow {
                        row.record_id = Some(entered.record_id);
                        rows.push(ImportedRow {
                            row: i64::from(row.row),
                            record_id: entered.record_id,
                            entry_id: entered.entry_id,
                            outcome: row.outcome,
                        });
                    }
                }
            }
            Many::Faulty(faulty) => {
                // What is wrong with the documents is so of all rows, and told once.
                let of_all = |v: &&Violation| v.pointer.starts_with("/base_document_ids");
                let mut whole: Vec<Violation> = faulty.iter().flat_map(|(_, v)| v).filter(of_all).cloned().collect();
                whole.sort_by(|a, b| (&a.pointer, a.code).cmp(&(&b.pointer, b.code)));
                whole.dedup_by(|a, b| (&a.pointer, a.code) == (&b.pointer, b.code));
                if !whole.is_empty() {
                    return Err(Refusal::Invalid(whole).into());
                }
                for (draft, violations) in faulty {
                    let Some(row) = places.get(draft).and_then(|n| planned.get(*n)) else { continue };
                    faults.extend(violations.iter().map(|v| of_violation(row.row, columns, v)));
                }
            }
        }
        let refused = !faults.is_empty();
        let mut compared: BTreeSet<Uuid> = planned.iter().filter_map(|p| p.record_id).collect();
        let report = made_report(order, kind, columns, planned, faults, warnings, &known, &view);

        compared.extend(report.items.iter().filter_map(|i| i.record_id));
        let compared: Vec<Uuid> = compared.into_iter().collect();
        let ruling = leading.or_else(|| view.leading().cloned());
        let ruling = ruling.ok_or(Refusal::NotFound { what: "record type" })?;
        if order.dry_run || refused {
            let ruling = view.leading().cloned().unwrap_or(ruling);
            let mut event = self.event(&register, Action::RecordList, &actor, &ruling);
            event.institution_id = Some(order.institution_id);
            event.record_type = Some(kind.name.clone());
            event.record_ids = compared;
            event.sections = view.permitted.keys().cloned().collect();
            event.detail = Some(json!({ "import_id": order.id, "state": report.state, "rows": report.rows }));
            return Ok(Sealed::new(report, Some(event)));
        }
        let idempotency = match self.cx.idempotency.clone() {
            Some(i) => Some((self.caller_key()?, i.key, i.digest)),
            None => None,
        };
        let mut event = self.event(&register, Action::RecordCreate, &actor, &ruling);
        event.action = "record.import".to_owned();
        event.institution_id = Some(order.institution_id);
        event.record_type = Some(kind.name.clone());
        event.record_ids = compared;
        event.document_ids.clone_from(&order.base_document_ids);
        event.sections = view.permitted.keys().cloned().collect();
        let body = json!({
            "of": if matches!(order.source, Source::Sheet { .. }) { "sheet" } else { "bulk_change" },
            "rows": report.rows, "new": report.new, "changed": report.changed, "unchanged": report.unchanged,
            "left_out": report.left_out, "gone": report.gone,
            "effective_on": order.effective_on, "base_document_ids": order.base_document_ids,
            "mended": order.reading.mended, "withheld": order.reading.withheld,
        });
        let import = ImportWrite {
            id: order.id,
            record_type: kind.name.clone(),
            institution_id: order.institution_id,
            sha256: order.sha256.clone(),
            body,
            rows,
            idempotency,
        };
        self.apply(event, 0, Change::ImportMade(Box::new(import)))?;
        if let (Some(body), Some(user_id)) = (&order.keep, actor.user_id) {
            let event = self.event(&register, Action::RecordCreate, &actor, &ruling);
            let event = crate::domain::audit::Event { action: "import.mapping".to_owned(), ..event };
            let change = Change::MappingKept { user_id, record_type: kind.name.clone(), body: body.clone() };
            self.apply(event, 0, change)?;
        }
        Ok(Sealed::new(report, None))
    }

    /// The first answer once more, without its rows.
    fn imported_earlier(
        &mut self,
        register: &Register,
        id: Uuid,
        order: &ImportOrder,
    ) -> Result<Sealed<'tx, ImportReport>, Error> {
        let body: String =
            import_run::table.find((register.name(), id.to_string())).select(import_run::body).first(self.conn)?;
        let body = facts::json(&body)?;
        let count =
            |name: &str| body.get(name).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
        let report = ImportReport {
            import_id: id,
            record_type: order.record_type.clone(),
            institution_id: order.institution_id,
            state: "done",
            rows: count("rows"),
            new: count("new"),
            changed: count("changed"),
            unchanged: count("unchanged"),
            left_out: count("left_out"),
            gone: count("gone"),
            faulty: 0,
            items: Vec::new(),
            faults: Vec::new(),
            warnings: Vec::new(),
            columns: json!([]),
            encoding: None,
            delimiter: None,
            notes: Vec::new(),
        };
        Ok(Sealed::new(report, None))
    }

    /// Leave to compare records of an institution with a sheet: they are read.
    fn may_compare(
        &mut self,
        register: &std::sync::Arc<Register>,
        kind: &RecordType,
        institution: Uuid,
    ) -> Result<(std::sync::Arc<Actor>, SectionRights), Error> {
        let actor = self.actor(register)?;
        let at = Coordinates {
            institution_id: Some(institution),
            about_self: false,
            status: Status::Active,
            purpose_given: self.purpose(register, false)?,
        };
        let view = actor.sections(&register.policies, &register.definition, kind, Action::RecordRead, &at);
        self.permitted(register, &actor, kind, Action::RecordRead, &view, &BTreeSet::new(), Some(institution), None)?;
        Ok((actor, view))
    }

    /// Every record of the type that the institution has, in all its states; locked until the transaction ends.
    fn known_of(&mut self, register: &Register, kind: &RecordType, institution: Uuid) -> Result<Vec<Known>, Error> {
        type Row = (String, String, String, String, String, String);
        let institution = institution.to_string();
        let mine = record::table
            .filter(record::register.eq(register.name()))
            .filter(record::record_type.eq(&kind.name))
            .filter(record::institution_id.eq(&institution));
        let ids: Vec<String> = match &mut *self.tx.conn {
            AnyConn::Pg(pg) => {
                mine.order(record::id).limit(MOST_RECORDS + 1).select(record::id).for_update().load(pg)?
            }
            AnyConn::Sqlite(c) => mine.order(record::id).limit(MOST_RECORDS + 1).select(record::id).load(c)?,
        };
        if i64::try_from(ids.len()).unwrap_or(i64::MAX) > MOST_RECORDS {
            let detail = format!("this institution has more than {MOST_RECORDS} such records: too many to compare");
            return Err(Refusal::Conflict { code: "too_many", detail, clause: None }.into());
        }
        let rows: Vec<Row> = record::table
            .inner_join(
                record_state::table
                    .on(record_state::register.eq(record::register).and(record_state::record_id.eq(record::id))),
            )
            .filter(record::register.eq(register.name()))
            .filter(record::record_type.eq(&kind.name))
            .filter(record::institution_id.eq(&institution))
            .order((record::id, record_state::from_day))
            .select((
                record_state::record_id,
                record_state::from_day,
                record_state::until_day,
                record_state::begins_on,
                record_state::ends_on,
                record_state::data,
            ))
            .load(self.conn)?;
        let mut known: Vec<Known> = Vec::with_capacity(ids.len());
        for (record_id, from_day, until_day, begins_on, ends_on, data) in rows {
            let id = facts::id(&record_id)?;
            let state = KnownState { from_day, until_day, begins_on, ends_on, data: facts::json(&data)? };
            match known.last_mut().filter(|k| k.id == id) {
                Some(last) => last.states.push(state),
                None => known.push(Known { id, states: vec![state] }),
            }
        }
        Ok(known)
    }

    /// What each row of a sheet means.
    fn plan_sheet(
        &mut self,
        register: &Register,
        kind: &RecordType,
        order: &ImportOrder,
        columns: &Columns,
        rows: &[RowRead],
        known: &[Known],
    ) -> Result<(Vec<Planned>, Vec<CellFault>), Error> {
        let mut faults: Vec<CellFault> = rows.iter().flat_map(|r| r.faults.iter().cloned()).collect();
        let rows = self.found(register, order, columns, rows, &mut faults)?;
        let fields = key_fields(kind);
        let by_id: HashMap<Uuid, &Known> = known.iter().map(|k| (k.id, k)).collect();
        let day = order.effective_on.to_string();
        let mut by_first: HashMap<String, Vec<&Known>> = HashMap::new();
        for record in known {
            let keys = record.states.iter().filter_map(|s| key_of(kind, &fields, &s.data));
            let mut firsts: Vec<String> = keys.filter_map(|k| k.into_iter().next()).collect();
            firsts.sort_unstable();
            firsts.dedup();
            for first in firsts {
                by_first.entry(first).or_default().push(record);
            }
        }
        let mut rows_by_key: HashMap<Vec<String>, u32> = HashMap::new();
        let mut seen: HashMap<Uuid, u32> = HashMap::new();
        let mut planned = Vec::with_capacity(rows.len());
        for (row, data) in rows {
            let effective_on = row.effective_on.unwrap_or(order.effective_on);
            let on = if row.effective_on.is_some() { effective_on.to_string() } else { day.clone() };
            let key = key_of(kind, &fields, &data);
            let place = format!("/{}", fields.first().copied().unwrap_or_default());
            let mut fault = |at: &str, code, detail: &str| {
                faults.push(cell_fault(row.number, columns, at, code, detail, None));
            };
            let fits = match (row.record_id, &key) {
                (Some(id), _) => match by_id.get(&id).filter(|k| k.stands(&on)) {
                    Some(one) => vec![*one],
                    None => {
                        fault(
                            "/record_id",
                            "not_found",
                            "there is no such record in this institution, or it has ended",
                        );
                        planned.push(Planned::faulty(row.number));
                        continue;
                    }
                },
                (None, Some(key)) => {
                    let fits = key.first().and_then(|k| by_first.get(k)).map(Vec::as_slice).unwrap_or_default();
                    let alike = |k: &&Known| {
                        let state = k.on(&on).and_then(|s| key_of(kind, &fields, &s.data));
                        k.stands(&on) && state.is_none_or(|state| fit(key, &state))
                    };
                    fits.iter().copied().filter(alike).collect()
                }
                (None, None) => Vec::new(),
            };
            if fits.len() > 1 {
                fault(
                    &place,
                    "ambiguous",
                    "several records of this institution fit this row; name the record by its id",
                );
                planned.push(Planned::faulty(row.number));
                continue;
            }
            if let Some(key) = key.filter(|_| row.record_id.is_none())
                && let Some(earlier) = rows_by_key.insert(key, row.number)
            {
                fault(&place, "duplicate_in_sheet", &format!("row {earlier} is about the same record"));
            }
            let broken = !row.faults.is_empty();
            match fits.first() {
                None => planned.push(Planned {
                    row: row.number,
                    outcome: if order.creates { "new" } else { "left_out" },
                    record_id: None,
                    differences: Vec::new(),
                    draft: order.creates.then(|| BatchDraft {
                        intent: Intent::Create,
                        institution_id: order.institution_id,
                        effective_on,
                        documents: order.base_document_ids.clone(),
                        data: entered(&data),
                        touches: BTreeSet::new(),
                    }),
                }),
                Some(record) => {
                    if let Some(earlier) = seen.insert(record.id, row.number)
                        && row.record_id.is_some()
                    {
                        fault("/record_id", "duplicate_in_sheet", &format!("row {earlier} is about the same record"));
                    }
                    let now = record.on(&on).map(|s| &s.data).unwrap_or(&Value::Null);
                    let differences = compare(kind, now, &data);
                    let draft = (!differences.is_empty() && order.changes && !broken).then(|| BatchDraft {
                        intent: Intent::Change { record_id: record.id },
                        institution_id: order.institution_id,
                        effective_on,
                        documents: order.base_document_ids.clone(),
                        data: patch(&differences),
                        touches: BTreeSet::new(),
                    });
                    let outcome = match (differences.is_empty(), order.changes) {
                        (true, _) => "unchanged",
                        (false, true) => "changed",
                        (false, false) => "left_out",
                    };
                    planned.push(Planned { row: row.number, outcome, record_id: Some(record.id), differences, draft });
                }
            }
        }
        Ok((planned, faults))
    }

    /// The rows with the ids of the records that they name by something else.
    fn found<'r>(
        &mut self,
        register: &Register,
        order: &ImportOrder,
        columns: &Columns,
        rows: &'r [RowRead],
        faults: &mut Vec<CellFault>,
    ) -> Result<Vec<(&'r RowRead, Value)>, Error> {
        let mut wanted: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for lookup in rows.iter().flat_map(|r| &r.lookups) {
            wanted.entry(&lookup.record_type).or_default().insert(&lookup.text);
        }
        let mut found: HashMap<(&str, &str), BTreeSet<String>> = HashMap::new();
        let day = order.effective_on.to_string();
        for (record_type, texts) in &wanted {
            let Some(kind) = register.record_type(record_type) else { continue };
            let indexed: Vec<_> = fields_with(kind, Index::Code).chain(fields_with(kind, Index::Name)).collect();
            let mut keys: HashMap<String, Vec<&str>> = HashMap::new();
            for text in texts {
                for (_, field) in &indexed {
                    keys.entry(search_key(*field, text)).or_default().push(text);
                }
            }
            let names: Vec<&str> = indexed.iter().map(|(name, _)| *name).collect();
            let values: Vec<&String> = keys.keys().collect();
            for part in values.chunks(1_000) {
                let fitting: Vec<(String, String, String)> = record_index::table
                    .filter(record_index::register.eq(register.name()))
                    .filter(record_index::record_type.eq(record_type))
                    .filter(record_index::field.eq_any(&names))
                    .filter(record_index::value.eq_any(part))
                    .filter(record_index::from_day.le(&day))
                    .filter(record_index::until_day.gt(&day))
                    .filter(record_index::ends_on.ge(&day))
                    .select((record_index::value, record_index::record_id, record_index::institution_id))
                    .load(self.conn)?;
                let own = order.institution_id.to_string();
                let everywhere = register.is_institution_type(record_type);
                for (value, record_id, institution) in fitting {
                    if !everywhere && institution != own {
                        continue;
                    }
                    for text in keys.get(&value).into_iter().flatten() {
                        found.entry((record_type, text)).or_default().insert(record_id.clone());
                    }
                }
            }
        }
        let mut out = Vec::with_capacity(rows.len());
        for row in rows {
            let mut data = row.data.clone();
            for lookup in &row.lookups {
                let fits = found.get(&(lookup.record_type.as_str(), lookup.text.as_str()));
                let only = fits.filter(|f| f.len() == 1).and_then(|f| f.first());
                match (only, data.pointer_mut(&lookup.pointer)) {
                    (Some(id), Some(place)) => *place = json!(id),
                    (None, _) => {
                        let (code, detail) = match fits {
                            None => ("not_found", "there is no such record that the cell could name"),
                            Some(_) => ("ambiguous", "several records have this name; write the record's id"),
                        };
                        faults.push(cell_fault(row.number, columns, &lookup.pointer, code, detail, None));
                    }
                    (Some(_), None) => {}
                }
            }
            out.push((row, data));
        }
        Ok(out)
    }
}

impl Planned {
    fn faulty(row: u32) -> Self {
        Self { row, outcome: "faulty", record_id: None, differences: Vec::new(), draft: None }
    }
}

/// What the same change means for each record.
fn plan_bulk(
    kind: &RecordType,
    order: &ImportOrder,
    ids: Option<&[Uuid]>,
    filter: &BTreeMap<String, String>,
    change: &BulkChange,
    known: &[Known],
) -> Result<(Vec<Planned>, Vec<CellFault>), Error> {
    let none = no_columns(kind);
    let day = order.effective_on.to_string();
    let mut wanted: Vec<(&str, String)> = Vec::new();
    let mut wrong = Vec::new();
    for (name, value) in filter {
        match kind.fields.iter().find(|f| f.name == *name && f.index.is_some()) {
            Some(field) => wanted.push((name, search_key(field.kind, value))),
            None => {
                wrong.push(Violation::error("/filter", "unknown_field", "records are chosen by indexed fields", None))
            }
        }
    }
    if let BulkChange::Advance { field, .. } = change
        && !kind.fields.iter().any(|f| f.name == *field && f.derived.is_none())
    {
        wrong.push(Violation::error("/change/advance/field", "unknown_field", "There is no such field.", None));
    }
    if !wrong.is_empty() {
        return Err(Refusal::Invalid(wrong).into());
    }
    let asked: Option<HashSet<Uuid>> = ids.map(|ids| ids.iter().copied().collect());
    let mut planned = Vec::new();
    let mut faults = Vec::new();
    let mut met = HashSet::new();
    for record in known {
        if asked.as_ref().is_some_and(|a| !a.contains(&record.id)) || !record.is_active(&day) {
            continue;
        }
        let Some(now) = record.on(&day).map(|s| &s.data) else { continue };
        let indexed = index(kind, now);
        let fits = wanted.iter().all(|(name, value)| indexed.iter().any(|i| i.field == *name && i.value == *value));
        if !fits {
            continue;
        }
        met.insert(record.id);
        let number = u32::try_from(planned.len() + 1).unwrap_or(u32::MAX);
        let row = match change {
            BulkChange::Set(patch) => patch.clone(),
            BulkChange::Advance { field, by, unless } => match advanced(now.get(field), by, unless) {
                Ok(Some(next)) => json!({ field.as_str(): next }),
                Ok(None) => json!({}),
                Err(detail) => {
                    let clause = kind.fields.iter().find(|f| f.name == *field).and_then(|f: &Field| f.clause.clone());
                    faults.push(cell_fault(number, &none, &format!("/{field}"), "advance", detail, clause));
                    json!({})
                }
            },
        };
        let differences = compare(kind, now, &row);
        let draft = (!differences.is_empty()).then(|| BatchDraft {
            intent: Intent::Change { record_id: record.id },
            institution_id: order.institution_id,
            effective_on: order.effective_on,
            documents: order.base_document_ids.clone(),
            data: patch(&differences),
            touches: BTreeSet::new(),
        });
        let outcome = if differences.is_empty() { "unchanged" } else { "changed" };
        planned.push(Planned { row: number, outcome, record_id: Some(record.id), differences, draft });
    }
    if asked.is_some_and(|a| a.iter().any(|id| !met.contains(id))) {
        let detail = "one of these records is not an active record of this institution that fits the filter";
        return Err(Refusal::invalid("/ids", "not_found", detail, Some(kind.clause.clone())).into());
    }
    Ok((planned, faults))
}

/// The next value; `None` where it stays.
fn advanced(now: Option<&Value>, by: &Step, unless: &[String]) -> Result<Option<Value>, &'static str> {
    let text = match now {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        Some(_) => return Err("only a text or a number moves on"),
    };
    if unless.contains(&text) {
        return Ok(None);
    }
    match by {
        Step::Map(map) => match map.get(&text) {
            Some(next) => Ok(Some(json!(next))),
            None => Err("it is not said what follows this value; name it in `by` or in `unless`"),
        },
        Step::Number(by) => {
            let digits = text.bytes().take_while(u8::is_ascii_digit).count();
            let (number, rest) = text.split_at(digits);
            let next = number.parse::<i64>().ok().and_then(|n| n.checked_add(*by)).filter(|n| *n >= 0);
            match (next, now) {
                (Some(next), Some(Value::Number(_))) => Ok(Some(json!(next))),
                (Some(next), _) => Ok(Some(json!(format!("{next}{rest}")))),
                (None, _) => Err("the value does not begin with a number that could move on"),
            }
        }
    }
}

#[expect(clippy::too_many_arguments, reason = "everything that the report tells of")]
fn made_report(
    order: &ImportOrder,
    kind: &RecordType,
    columns: &Columns,
    planned: Vec<Planned>,
    mut faults: Vec<CellFault>,
    mut warnings: Vec<CellFault>,
    known: &[Known],
    view: &SectionRights,
) -> ImportReport {
    let day = order.effective_on.to_string();
    let at_fault: HashSet<u32> = faults.iter().map(|f| f.row).collect();
    faults.sort_by_key(|f| f.row);
    let mentioned: HashSet<Uuid> = planned.iter().filter_map(|p| p.record_id).collect();
    let of_sheet = matches!(order.source, Source::Sheet { .. });
    let gone: Vec<Uuid> = if of_sheet {
        known.iter().filter(|k| k.is_active(&day) && !mentioned.contains(&k.id)).map(|k| k.id).collect()
    } else {
        Vec::new()
    };
    let count = |outcome: &str| planned.iter().filter(|p| p.outcome == outcome && !at_fault.contains(&p.row)).count();
    let (new, changed, unchanged, left_out) = (count("new"), count("changed"), count("unchanged"), count("left_out"));
    let rows = planned.len();
    let shown = |differences: Vec<Difference>| -> Vec<Difference> {
        let hidden = |d: &Difference| {
            let name = d.pointer.split('/').nth(1).unwrap_or_default();
            let section = kind.fields.iter().find(|f| f.name == name).and_then(|f| f.section.as_deref());
            !section.is_some_and(|s| view.permitted.contains_key(s))
        };
        differences.into_iter().map(|d| if hidden(&d) { Difference { before: None, ..d } } else { d }).collect()
    };
    // What asks for somebody's eyes comes first.
    let mut planned = planned;
    planned.sort_by_key(|p| (p.outcome == "unchanged", p.row));
    let items = planned
        .into_iter()
        .map(|p| ImportItem {
            row: Some(p.row),
            outcome: if at_fault.contains(&p.row) { "faulty" } else { p.outcome },
            record_id: p.record_id,
            differences: shown(p.differences),
        })
        .take(SHOWN)
        .chain(gone.iter().take(SHOWN).map(|id| ImportItem {
            row: None,
            outcome: "gone",
            record_id: Some(*id),
            differences: Vec::new(),
        }))
        .collect();
    let state = match (order.dry_run, faults.is_empty()) {
        (true, _) => "checked",
        (false, true) => "done",
        (false, false) => "refused",
    };
    warnings.truncate(SHOWN);
    ImportReport {
        import_id: order.id,
        record_type: kind.name.clone(),
        institution_id: order.institution_id,
        state,
        rows,
        new,
        changed,
        unchanged,
        left_out,
        gone: gone.len(),
        faulty: at_fault.len(),
        items,
        faults,
        warnings,
        columns: json!(columns),
        encoding: order.reading.encoding.clone(),
        delimiter: order.reading.delimiter.clone(),
        notes: order.reading.notes.clone(),
    }
}

/// An entry that an import made.
struct Made {
    record_id: Uuid,
    entry_id: Uuid,
    is_new: bool,
    effective_on: NaiveDate,
    data: Value,
}

/// What shows that something was built on an import, and how it is found. `$1` is the register, `$2` the import, `$3`
/// the instant at which it was made. Each goes once through what has been done since, and not once for each row.
const BUILT_ON: &[(&str, &str, &str)] = &[
    (
        "later_entry",
        "a record of it has a later entry",
        "SELECT COUNT(*) AS n FROM import_row i JOIN entry e ON e.register = i.register AND e.id = i.entry_id JOIN record r \
         ON r.register = i.register AND r.id = i.record_id WHERE i.register = $1 AND i.import_id = $2 AND r.version > e.number",
    ),
    (
        "confirmed",
        "a record of it has been confirmed since",
        "SELECT COUNT(*) AS n FROM import_row i JOIN entry e ON e.register = i.register AND e.id = i.entry_id JOIN \
         confirmed_record c ON c.register = i.register AND c.record_id = i.record_id WHERE i.register = $1 AND \
         i.import_id = $2 AND c.version >= e.number",
    ),
    (
        "released",
        "data of it have left the register since",
        "SELECT COUNT(*) AS n FROM disclosure d JOIN disclosure_subject s ON s.register = d.register AND s.disclosure_id = \
         d.id WHERE d.register = $1 AND d.released_at >= CAST($3 AS BIGINT) AND s.record_id IN (SELECT i.record_id FROM \
         import_row i WHERE i.register = $1 AND i.import_id = $2)",
    ),
    (
        "published",
        "data of it have been proposed for publication since",
        "SELECT COUNT(*) AS n FROM publication p JOIN publication_row w ON w.register = p.register AND w.publication_id = \
         p.id WHERE p.register = $1 AND p.proposed_at >= CAST($3 AS BIGINT) AND w.record_id IN (SELECT i.record_id FROM \
         import_row i WHERE i.register = $1 AND i.import_id = $2)",
    ),
    (
        "moved",
        "a record of it is part of a move to another one",
        "SELECT COUNT(*) AS n FROM record_move m WHERE m.register = $1 AND m.begun_at >= CAST($3 AS BIGINT) AND \
         (m.from_record IN (SELECT i.record_id FROM import_row i WHERE i.register = $1 AND i.import_id = $2) OR \
         m.into_record IN (SELECT i.record_id FROM import_row i WHERE i.register = $1 AND i.import_id = $2))",
    ),
    (
        "case",
        "a case is about a record of it",
        "SELECT COUNT(*) AS n FROM case_file c WHERE c.register = $1 AND c.opened_at >= CAST($3 AS BIGINT) AND \
         c.record_id IN (SELECT i.record_id FROM import_row i WHERE i.register = $1 AND i.import_id = $2)",
    ),
];

impl<'tx> WriteTx<'tx> {
    /// Takes an import back: what it entered anew is voided, what it changed is corrected to what it was before. Its
    /// entries stay, as what was known meanwhile.
    ///
    /// # Errors
    /// [`Refusal::NotFound`]; [`Refusal::Conflict`] after 24 hours, or once something was built on it;
    /// [`Refusal::Forbidden`] with the clause.
    pub fn import_undo(&mut self, register: &str, id: Uuid) -> Result<Sealed<'tx, ImportView>, Error> {
        type Row = (String, String, String, i64, String);
        let register = self.register(register)?;
        let row: Option<Row> = import_run::table
            .find((register.name(), id.to_string()))
            .select((
                import_run::record_type,
                import_run::institution_id,
                import_run::state,
                import_run::made_at,
                import_run::body,
            ))
            .first(self.conn)
            .optional()?;
        let Some((type_name, institution, state, made_at, body)) = row else {
            return Err(Refusal::NotFound { what: "import" }.into());
        };
        let kind = register.record_type(&type_name).ok_or(Refusal::NotFound { what: "record type" })?;
        let clause = register.definition.register.access.correction_clause.clone();
        let institution = facts::id(&institution)?;
        let body = facts::json(&body)?;
        let documents: Vec<Uuid> = serde_json::from_value(body.get("base_document_ids").cloned().unwrap_or_default())
            .map_err(|_| Error::Damaged("the documents of an import".into()))?;
        let made = self.made_by_import(&register, id)?;
        let reason = format!("import {id} is taken back");
        let drafts: Vec<BatchDraft> = made
            .iter()
            .map(|m| BatchDraft {
                intent: if m.is_new {
                    Intent::Void { record_id: m.record_id, reason: reason.clone() }
                } else {
                    Intent::Correct { record_id: m.record_id, entry_id: m.entry_id, reason: reason.clone() }
                },
                institution_id: institution,
                effective_on: m.effective_on,
                documents: documents.clone(),
                data: json!({}),
                touches: touched_sections(kind, &m.data),
            })
            .collect();
        let refuse = |code: &'static str, detail: String| -> Error {
            Refusal::Conflict { code, detail, clause: Some(clause.clone()) }.into()
        };
        // Whoever may not is told so, and no more.
        let (actor, _) = self.may_compare(&register, kind, institution)?;
        if state != "done" {
            return Err(refuse("undone", "it has been taken back already".into()));
        }
        let permit = self.authorize_many(register.name(), &type_name, &drafts)?;
        if self.now - instant(made_at) > UNDO {
            let detail = format!("an import can be taken back for {} hours; correct its records", UNDO.num_hours());
            return Err(refuse("too_late", detail));
        }
        for (code, detail, sql) in BUILT_ON {
            if self.counted(sql, &[register.name(), &id.to_string(), &made_at.to_string()])? > 0 {
                return Err(refuse(code, format!("{detail}; correct its records one by one")));
            }
        }
        if self.is_referred_to(&register, &type_name, &made, made_at)? {
            return Err(refuse("referred_to", "another record refers to a record of it".into()));
        }
        let ruling = permit.leading().cloned();
        let records = u64::try_from(made.len()).unwrap_or(u64::MAX);
        let marks = Marks { import_id: Some(id), source: None };
        if let Many::Faulty(faults) = self.enter_many(permit, &type_name, drafts, &marks, &super::batch::Unwatched)? {
            let why = faults.first().and_then(|(_, f)| f.first()).map(|f| f.detail.clone()).unwrap_or_default();
            return Err(refuse("not_lawful", format!("what was known before can no longer be restored: {why}")));
        }
        let Some(ruling) = ruling else {
            return Err(refuse("nothing", "it has entered nothing".into()));
        };
        let mut event = self.event(&register, Action::RecordCorrect, &actor, &ruling);
        event.action = "record.import_undo".to_owned();
        event.institution_id = Some(institution);
        event.record_type = Some(type_name.clone());
        self.apply(event, 0, Change::ImportUndone { id, records })?;
        let view = self.import_view(register.name(), id)?;
        Ok(Sealed::new(view, None))
    }

    fn made_by_import(&mut self, register: &Register, id: Uuid) -> Result<Vec<Made>, Error> {
        type Row = (String, String, String, String, String);
        let rows: Vec<Row> = import_row::table
            .inner_join(
                entry::table.on(entry::register.eq(import_row::register).and(entry::id.eq(import_row::entry_id))),
            )
            .filter(import_row::register.eq(register.name()))
            .filter(import_row::import_id.eq(id.to_string()))
            .order(import_row::position)
            .select((entry::record_id, entry::id, import_row::outcome, entry::effective_on, entry::data))
            .load(self.conn)?;
        rows.into_iter()
            .map(|(record_id, entry_id, outcome, effective_on, data)| {
                Ok(Made {
                    record_id: facts::id(&record_id)?,
                    entry_id: facts::id(&entry_id)?,
                    is_new: outcome == "new",
                    effective_on: facts::day(&effective_on)?,
                    data: facts::json(&data)?,
                })
            })
            .collect()
    }

    fn counted(&mut self, sql: &str, binds: &[&str]) -> Result<i64, Error> {
        #[derive(QueryableByName)]
        struct Count {
            #[diesel(sql_type = BigInt)]
            n: i64,
        }
        let binds: Vec<String> = binds.iter().map(|b| (*b).to_owned()).collect();
        let (sql, binds) = renumber(sql, &binds);
        let mut query = diesel::sql_query(sql).into_boxed::<MultiBackend>();
        for bind in binds {
            query = query.bind::<Text, _>(bind);
        }
        let found: Vec<Count> = query.load(self.conn)?;
        Ok(found.first().map_or(0, |c| c.n))
    }

    /// Whether an entry made since refers to a record that the import entered anew: no older one can.
    fn is_referred_to(
        &mut self,
        register: &Register,
        type_name: &str,
        made: &[Made],
        since: i64,
    ) -> Result<bool, Error> {
        let new: HashSet<String> = made.iter().filter(|m| m.is_new).map(|m| m.record_id.to_string()).collect();
        fn refers(fields: &[Field], to: &str) -> bool {
            fields.iter().any(|f| f.refers_to.as_deref() == Some(to) || refers(&f.parts, to))
        }
        let kinds: Vec<&RecordType> =
            register.definition.record_types.iter().filter(|k| refers(&k.fields, type_name)).collect();
        if new.is_empty() || kinds.is_empty() {
            return Ok(false);
        }
        let names: Vec<&str> = kinds.iter().map(|k| k.name.as_str()).collect();
        let rows: Vec<(String, String)> = entry::table
            .inner_join(record::table.on(record::register.eq(entry::register).and(record::id.eq(entry::record_id))))
            .filter(entry::register.eq(register.name()))
            .filter(entry::recorded_at.ge(since))
            .filter(record::record_type.eq_any(names))
            .select((record::record_type, entry::data))
            .load(self.conn)?;
        for (record_type, data) in rows {
            let Some(kind) = kinds.iter().find(|k| k.name == record_type) else { continue };
            let data = facts::json(&data)?;
            if validate::references(kind, &data).iter().any(|r| new.contains(&r.id)) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
