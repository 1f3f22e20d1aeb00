//! Exchanging data with other registers.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::NaiveDate;
use diesel::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::batch::{BatchDraft, Intent, Many, Marks, Unwatched};
use super::imports::ImportItem;
use crate::domain::access::Action;
use crate::domain::audit::Kind;
use crate::domain::case::CaseParty;
use crate::domain::disclosure::{self, LedgerBody};
use crate::domain::import::{
    CellFault, Columns, Difference, RowRead, compare, duplicates, entered, of_violation, patch,
};
use crate::domain::record::validate::Violation;
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::domain::statute::RecordType;
use crate::domain::statute::exchange::Direction;
use crate::store::Leaving;
use crate::store::change::{Change, DisclosureWrite, ExchangeWrite};
use crate::store::error::Error;
use crate::store::facts;
use crate::store::guard::{ExchangeRun, Permit, Sealed};
use crate::store::read::exchanges::{INSTITUTION, Outgoing, part_of, profile};
use crate::store::schema::{record_index, record_state};
use crate::store::write::WriteTx;

/// How it leaves: the ledger tells it from a release on a request.
const CHANNEL: &str = "exchange";

impl<'tx> WriteTx<'tx> {
    /// Enters in the ledger, and among the exchanges, what is about to go out.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] when the statute's version has changed meanwhile.
    pub(crate) fn exchange_write(
        &mut self,
        permit: Permit<'tx, ExchangeRun>,
        leaving: &Leaving<Outgoing>,
    ) -> Result<(), Error> {
        let register = permit.register.clone();
        let data = &leaving.data;
        if register.definition.digest != data.register.definition.digest {
            return Err(Refusal::Conflict {
                code: "definition_changed",
                detail: "the definition has changed while the data were read; start again".into(),
                clause: Some(data.exchange.clause.clone()),
            }
            .into());
        }
        let kind = register.record_type(&data.part.record_type).ok_or(Refusal::NotFound { what: "record type" })?;
        let fields: Vec<String> =
            data.part.columns.iter().map(|c| c.field.clone()).filter(|f| !f.starts_with(INSTITUTION)).collect();
        let sections = disclosure::sections(kind, &disclosure::paths(&fields));
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::ExchangeRun, &actor, &permit.ruling);
        event.clause = Some(data.exchange.clause.0.clone());
        event.record_type = Some(kind.name.clone());
        event.fields.clone_from(&fields);
        event.sections.clone_from(&sections);
        let run = self.new_id()?;
        for (n, page) in data.pages.iter().enumerate() {
            let mut served = event.clone();
            served.record_ids.clone_from(page);
            let detail = json!({ "disclosure_id": leaving.id, "exchange_run": run, "page": n + 1 });
            self.note(served, 0, Some(detail))?;
        }
        let by = actor.user_id.map_or_else(|| actor.name.clone(), |u| u.to_string());
        let body = LedgerBody {
            recipient: Some(CaseParty {
                name: data.exchange.partner.clone(),
                kind: Some("authority".to_owned()),
                registry_code: None,
                personal_code: None,
                contact: String::new(),
            }),
            recipient_class: data.exchange.recipient.clone(),
            fields,
            sections,
            records: u64::try_from(data.rows.len()).unwrap_or(u64::MAX),
            ground: data.exchange.ground.clone(),
            clause: Some(data.exchange.clause.clone()),
            purpose: Some(data.exchange.label.official().to_owned()),
            legal_basis: Some(data.exchange.clause.0.clone()),
            decided_by: None,
            released_by: Some(by),
            format: Some(data.format().as_str().to_owned()),
            as_of: Some(data.as_of),
            ..LedgerBody::default()
        };
        let ledger = DisclosureWrite {
            id: leaving.id,
            case_id: None,
            channel: CHANNEL.to_owned(),
            recipient_code: None,
            record_type: Some(kind.name.clone()),
            digest: leaving.digest.clone(),
            body: json!(body),
            subjects: data.pages.concat(),
            letters: Vec::new(),
            idempotency: None,
        };
        let run = ExchangeWrite {
            id: run,
            exchange: data.exchange.name.clone(),
            digest: leaving.digest.clone(),
            body: data.counts(),
        };
        self.apply(event, 0, Change::Exchanged { run: Box::new(run), ledger: Some(Box::new(ledger)) })?;
        Ok(())
    }
}

/// The most items and faults that a report holds.
const SHOWN: usize = 500;
/// Values asked about in one statement.
const ASKED: usize = 1_000;

/// What came from another register, read.
pub struct IncomingOrder {
    /// Profile of the definition.
    pub exchange: String,
    /// Part of it.
    pub part: Option<String>,
    /// Only records of this institution; `None`: of whichever holds them.
    pub institution_id: Option<Uuid>,
    /// First day on which the rows are true.
    pub effective_on: NaiveDate,
    /// Base documents of all of it.
    pub base_document_ids: Vec<Uuid>,
    /// The columns.
    pub columns: Columns,
    /// The rows.
    pub rows: Vec<RowRead>,
    /// SHA-256 of what came.
    pub sha256: String,
    /// Whether nothing is to remain.
    pub dry_run: bool,
}

/// What came of it, or would.
#[derive(Debug, Clone, Serialize)]
pub struct IncomingReport {
    /// Id of the exchange; the ledger of exchanges has it once it is done.
    pub exchange_run: Uuid,
    /// Profile.
    pub exchange: String,
    /// Part.
    pub part: String,
    /// `checked`, `done` or `refused`.
    pub state: &'static str,
    /// Rows read.
    pub rows: usize,
    /// Records entered.
    pub new: usize,
    /// Records changed.
    pub changed: usize,
    /// Records that say already what came.
    pub unchanged: usize,
    /// Rows about nobody whom the register knows.
    pub unknown: usize,
    /// Rows at fault.
    pub faulty: usize,
    /// The first records that were or would be entered or changed.
    pub items: Vec<ImportItem>,
    /// The first faults.
    pub faults: Vec<CellFault>,
}

/// A record as it is known on the day.
struct Held {
    id: Uuid,
    institution_id: Uuid,
    data: Value,
}

impl<'tx> WriteTx<'tx> {
    /// Enters what came from another register, each value marked with its source: all of it, or nothing where anything
    /// is at fault. Whom the register does not know is told of and left out, unless the profile enters them.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for an unknown profile, [`Refusal::Forbidden`] where the caller may not enter the values;
    /// faults of rows are in the report.
    pub fn exchange_receive(
        &mut self,
        permit: Permit<'tx, ExchangeRun>,
        order: &IncomingOrder,
    ) -> Result<Sealed<'tx, IncomingReport>, Error> {
        let register = permit.register.clone();
        let exchange = profile(&register, &order.exchange, Direction::Import)?;
        let part = part_of(exchange, order.part.as_deref())?;
        let kind = register.record_type(&part.record_type).ok_or(Refusal::NotFound { what: "record type" })?;
        let subject = kind.subject.as_ref().ok_or(Refusal::NotFound { what: "person of the record type" })?;
        let run = self.new_id()?;
        let mut faults: Vec<CellFault> = order.rows.iter().flat_map(|r| r.faults.iter().cloned()).collect();
        faults.extend(duplicates(&order.rows, subject.field()));

        let code = |row: &RowRead| row.data.get(subject.field()).and_then(Value::as_str).map(str::to_owned);
        let codes: BTreeSet<String> = order.rows.iter().filter_map(code).collect();
        let held = self.held_by_code(&register, kind, subject.field(), &codes, order)?;
        let institutions = self.institutions_named(&register, &order.rows, order.effective_on)?;

        let mut report = IncomingReport {
            exchange_run: run,
            exchange: exchange.name.clone(),
            part: part.name.clone(),
            state: "checked",
            rows: order.rows.len(),
            new: 0,
            changed: 0,
            unchanged: 0,
            unknown: 0,
            faulty: 0,
            items: Vec::new(),
            faults: Vec::new(),
        };
        let mut drafts = Vec::new();
        let mut of_drafts: Vec<(u32, Option<Uuid>, Vec<Difference>)> = Vec::new();
        for row in order.rows.iter().filter(|r| r.faults.is_empty()) {
            let named = institution_of(row).map(|named| institutions.get(&named));
            let institution = match named {
                Some(None) => {
                    let detail = "the register knows no such institution on that day";
                    faults.push(of_violation(
                        row.number,
                        &order.columns,
                        &Violation::error("/institution", "not_found", detail, Some(exchange.clause.clone())),
                    ));
                    continue;
                }
                Some(Some(id)) => Some(*id),
                None => order.institution_id,
            };
            let fits: Vec<&Held> = code(row)
                .and_then(|c| held.get(&c))
                .into_iter()
                .flatten()
                .filter(|h| institution.is_none_or(|i| i == h.institution_id))
                .collect();
            if fits.is_empty() {
                match institution.filter(|_| part.creates) {
                    Some(institution_id) => {
                        report.new += 1;
                        of_drafts.push((row.number, None, Vec::new()));
                        drafts.push(draft(order, Intent::Create, institution_id, entered(&row.data)));
                    }
                    None => report.unknown += 1,
                }
            }
            for record in fits {
                let differences = compare(kind, &record.data, &row.data);
                if differences.is_empty() {
                    report.unchanged += 1;
                    continue;
                }
                report.changed += 1;
                drafts.push(draft(
                    order,
                    Intent::Change { record_id: record.id },
                    record.institution_id,
                    patch(&differences),
                ));
                of_drafts.push((row.number, Some(record.id), differences));
            }
        }
        let fields: Vec<String> =
            part.columns.iter().map(|c| c.field.clone()).filter(|f| !f.starts_with(INSTITUTION)).collect();
        let sections = disclosure::sections(kind, &disclosure::paths(&fields));
        let many = self.authorize_received(&permit, &kind.name, &sections, &drafts)?;
        let marks = Marks { import_id: Some(run), source: exchange.source.clone() };
        // What stands in the way already needs no look at the rest's effect, but all of its faults are told.
        let hollow = order.dry_run || !faults.is_empty();
        let done = if hollow {
            self.tried(|tx| tx.enter_many(many, &kind.name, drafts, &marks, &Unwatched))?
        } else {
            self.enter_many(many, &kind.name, drafts, &marks, &Unwatched)?
        };
        match done {
            Many::Entered(entries) => {
                for ((_, record, _), made) in of_drafts.iter_mut().zip(entries).filter(|_| !hollow) {
                    *record = Some(made.record_id);
                }
            }
            Many::Faulty(faulty) => {
                for (n, violations) in faulty {
                    let Some((row, _, _)) = of_drafts.get(n) else { continue };
                    faults.extend(violations.iter().map(|v| of_violation(*row, &order.columns, v)));
                }
            }
        }
        let faulty: BTreeSet<u32> = faults.iter().map(|f| f.row).collect();
        report.faulty = faulty.len();
        report.state = match (faulty.is_empty(), order.dry_run) {
            (false, _) => "refused",
            (true, true) => "checked",
            (true, false) => "done",
        };
        let touched: Vec<Uuid> = of_drafts.iter().filter_map(|(_, record, _)| *record).collect();
        report.items = of_drafts
            .into_iter()
            .take(SHOWN)
            .map(|(row, record_id, differences)| ImportItem {
                row: Some(row),
                outcome: if differences.is_empty() { "new" } else { "changed" },
                record_id,
                differences,
            })
            .collect();
        faults.truncate(SHOWN);
        report.faults = faults;

        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::ExchangeRun, &actor, &permit.ruling);
        event.clause = Some(exchange.clause.0.clone());
        event.record_type = Some(kind.name.clone());
        event.document_ids.clone_from(&order.base_document_ids);
        event.record_ids = touched;
        if report.state != "done" {
            event.kind = Kind::Read;
            event.detail = Some(json!({ "exchange": exchange.name, "part": part.name, "state": report.state }));
            return Ok(Sealed::new(report, Some(event)));
        }
        let body = json!({
            "part": part.name, "rows": report.rows, "new": report.new, "changed": report.changed,
            "unchanged": report.unchanged, "unknown": report.unknown,
        });
        let write = ExchangeWrite { id: run, exchange: exchange.name.clone(), digest: order.sha256.clone(), body };
        self.apply(event, 0, Change::Exchanged { run: Box::new(write), ledger: None })?;
        Ok(Sealed::new(report, None))
    }

    /// The records about each of the codes that have not ended on the day, as they are then.
    fn held_by_code(
        &mut self,
        register: &Register,
        kind: &RecordType,
        field: &str,
        codes: &BTreeSet<String>,
        order: &IncomingOrder,
    ) -> Result<HashMap<String, Vec<Held>>, Error> {
        type Row = (String, String, String, String);
        let (day, codes) = (order.effective_on.to_string(), codes.iter().collect::<Vec<_>>());
        let mut found: HashMap<String, Vec<Held>> = HashMap::new();
        for part in codes.chunks(ASKED) {
            let rows: Vec<Row> = record_index::table
                .inner_join(
                    record_state::table.on(record_state::register
                        .eq(record_index::register)
                        .and(record_state::record_id.eq(record_index::record_id))
                        .and(record_state::from_day.eq(record_index::from_day))),
                )
                .filter(record_index::register.eq(register.name()))
                .filter(record_index::record_type.eq(&kind.name))
                .filter(record_index::field.eq(field))
                .filter(record_index::value.eq_any(part))
                .filter(record_index::from_day.le(&day))
                .filter(record_index::until_day.gt(&day))
                .filter(record_index::ends_on.ge(&day))
                .select((
                    record_index::value,
                    record_index::record_id,
                    record_index::institution_id,
                    record_state::data,
                ))
                .load(self.conn)?;
            for (code, record_id, institution_id, data) in rows {
                let held = Held {
                    id: facts::id(&record_id)?,
                    institution_id: facts::id(&institution_id)?,
                    data: facts::json(&data)?,
                };
                found.entry(code).or_default().push(held);
            }
        }
        Ok(found)
    }

    /// The institutions that rows name by a field of theirs: by name of the field and value.
    fn institutions_named(
        &mut self,
        register: &Register,
        rows: &[RowRead],
        on: NaiveDate,
    ) -> Result<HashMap<(String, String), Uuid>, Error> {
        let mut wanted: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (field, value) in rows.iter().filter_map(institution_of) {
            wanted.entry(field).or_default().insert(value);
        }
        let day = on.to_string();
        let mut found = HashMap::new();
        for (field, values) in wanted {
            let values: Vec<String> = values.into_iter().collect();
            for part in values.chunks(ASKED) {
                let rows: Vec<(String, String)> = record_index::table
                    .filter(record_index::register.eq(register.name()))
                    .filter(record_index::record_type.eq(&register.definition.register.institutions.record_type))
                    .filter(record_index::field.eq(&field))
                    .filter(record_index::value.eq_any(part))
                    .filter(record_index::from_day.le(&day))
                    .filter(record_index::until_day.gt(&day))
                    .select((record_index::value, record_index::record_id))
                    .load(self.conn)?;
                for (value, id) in rows {
                    found.insert((field.clone(), value), facts::id(&id)?);
                }
            }
        }
        Ok(found)
    }
}

/// By which field, and by which value of it, a row names its institution.
fn institution_of(row: &RowRead) -> Option<(String, String)> {
    let (field, value) = row.institution.as_object()?.iter().next()?;
    Some((field.clone(), value.as_str()?.to_owned()))
}

fn draft(order: &IncomingOrder, intent: Intent, institution_id: Uuid, data: Value) -> BatchDraft {
    BatchDraft {
        intent,
        institution_id,
        effective_on: order.effective_on,
        documents: order.base_document_ids.clone(),
        data,
        touches: BTreeSet::new(),
    }
}
