//! Whether a register is closed, the decision about it, what stands open, and what is left.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use diesel::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::retention::BatchView;
use crate::domain::access::Action;
use crate::domain::calendar::{instant, rfc3339};
use crate::domain::closing::{Closed, ClosingDecision};
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::domain::statute::Definition;
use crate::domain::statute::procedures::Procedure;
use crate::store::conn::AnyConn;
use crate::store::error::Error;
use crate::store::facts;
use crate::store::guard::{Permit, RetentionExecute, RetentionRead, Sealed};
use crate::store::read::audit::{ExportLine, export_lines};
use crate::store::schema::{
    app_user, audit_checkpoint, case_file, confirmation, definition, legal_hold, publication, record, record_move,
    register_closing, retention_act, retention_batch,
};
use crate::store::tx::Tx;

/// A checkpoint that was handed out: size, note, and the instant in microseconds.
pub type HandedOut = (i64, String, i64);

/// The row of a decision.
pub(in crate::store) struct ClosingRow {
    pub decision: ClosingDecision,
    pub version: i64,
    pub proposed_at: i64,
    pub proposed_by: String,
    pub approved_at: Option<i64>,
    pub approved_by: Option<String>,
    pub finished_at: Option<i64>,
    /// The decision and what is kept beside it: its batches, the last checkpoint.
    pub body: Value,
}

impl ClosingRow {
    /// The batches that carried it out.
    pub(in crate::store) fn batches(&self) -> Vec<Uuid> {
        batches_of(&self.body)
    }
}

/// The batches that carried a decision out.
fn batches_of(body: &Value) -> Vec<Uuid> {
    let ids = body["batches"].as_array().into_iter().flatten();
    ids.filter_map(|id| Uuid::parse_str(id.as_str()?).ok()).collect()
}

/// The decision, of what is kept of it.
fn decision_of(body: &Value) -> Result<ClosingDecision, Error> {
    serde_json::from_value(body["decision"].clone())
        .map_err(|_| Error::Damaged("the decision to close the register cannot be read".into()))
}

/// The decision that counts, where there is one.
pub(in crate::store) fn closing_row(conn: &mut AnyConn, register: &str) -> Result<Option<ClosingRow>, Error> {
    type Row = (i64, i64, String, Option<i64>, Option<String>, Option<i64>, String);
    let row: Option<Row> = register_closing::table
        .filter(register_closing::register.eq(register))
        .filter(register_closing::state.ne("withdrawn"))
        .select((
            register_closing::version,
            register_closing::proposed_at,
            register_closing::proposed_by,
            register_closing::approved_at,
            register_closing::approved_by,
            register_closing::finished_at,
            register_closing::body,
        ))
        .first(conn)
        .optional()?;
    row.map(|(version, proposed_at, proposed_by, approved_at, approved_by, finished_at, body)| {
        let body = facts::json(&body)?;
        let decision = decision_of(&body)?;
        Ok(ClosingRow { decision, version, proposed_at, proposed_by, approved_at, approved_by, finished_at, body })
    })
    .transpose()
}

/// Something decided about a class of data, with what is left of it.
#[derive(Debug, Clone, Serialize)]
pub struct DispositionView {
    /// Record type.
    pub record_type: String,
    /// Only the data under this rule.
    pub rule: Option<String>,
    /// `transfer` or `destruction`.
    pub action: &'static str,
    /// The day from which it is carried out.
    pub on: NaiveDate,
    /// Records of the type that are still there.
    pub records: i64,
}

/// A decision as it is shown.
#[derive(Debug, Clone, Serialize)]
pub struct DecisionView {
    /// Id.
    pub id: Uuid,
    /// `proposed`, `approved` or `done`.
    pub state: &'static str,
    /// Version.
    pub version: i64,
    /// Clause by which it was decided.
    pub clause: String,
    /// Its document.
    pub document: Value,
    /// First day on which nothing is entered any more.
    pub closed_from: NaiveDate,
    /// What becomes of what.
    pub dispositions: Vec<DispositionView>,
    /// What stood open, and what becomes of it.
    pub open: Value,
    /// Steps of other law.
    pub steps: Value,
    /// Who gets what is handed over.
    pub receiver: Option<Value>,
    /// Who made it.
    pub proposed_by: String,
    /// When, RFC 3339.
    pub proposed_at: String,
    /// Who approved it.
    pub approved_by: Option<String>,
    /// When, RFC 3339.
    pub approved_at: Option<String>,
    /// When everything had gone, RFC 3339.
    pub finished_at: Option<String>,
    /// The batches that carry it out.
    pub batches: Vec<BatchView>,
    /// Last signed checkpoint of the log.
    pub last_checkpoint: Option<String>,
    /// What became of the key: `destroyed`, or `retired` where other registers use it too.
    pub key: Option<String>,
}

/// How a register stands on its way to its end.
#[derive(Debug, Clone, Serialize)]
pub struct ClosingView {
    /// `open`, `proposed`, `approved` (its day has not come), `closed` or `done`.
    pub state: &'static str,
    /// Today in the register.
    pub today: NaiveDate,
    /// What stands open, by kind.
    pub open_now: BTreeMap<String, i64>,
    /// Records that are there, by type.
    pub records: BTreeMap<String, i64>,
    /// The decision.
    pub decision: Option<DecisionView>,
}

/// What everybody may know of a register that closes.
#[derive(Debug, Clone, Serialize)]
pub struct ClosedPublic {
    /// First day on which nothing is entered any more.
    pub since: NaiveDate,
    /// `closing` until everything has gone, then `closed`.
    pub state: &'static str,
    /// Clause.
    pub clause: String,
    /// Kind, number and day of the decision.
    pub document: Value,
    /// Acts: number, kind and day.
    pub acts: Vec<ActLine>,
}

/// An act, for everybody.
#[derive(Debug, Clone, Serialize)]
pub struct ActLine {
    /// Number.
    pub number: i64,
    /// `transfer` or `destruction`.
    pub kind: String,
    /// The day on which it was drawn up.
    pub on: NaiveDate,
}

impl<'tx> Tx<'tx> {
    /// Whether nothing is entered in `register` any more.
    pub(in crate::store) fn closed(&mut self, register: &Register) -> Result<Option<Closed>, Error> {
        let today = self.today(register).to_string();
        let body: Option<String> = register_closing::table
            .filter(register_closing::register.eq(register.name()))
            .filter(register_closing::state.eq_any(["approved", "done"]))
            .filter(register_closing::closed_from.le(today))
            .select(register_closing::body)
            .first(self.conn)
            .optional()?;
        let Some(body) = body else { return Ok(None) };
        let decision: ClosingDecision = serde_json::from_value(facts::json(&body)?["decision"].clone())
            .map_err(|_| Error::Damaged("the decision to close the register cannot be read".into()))?;
        Ok(Some(Closed { since: decision.terms.closed_from, clause: decision.clause }))
    }

    /// What stands open in a register, by kind; what does not is left out.
    pub(in crate::store) fn open_matters(&mut self, register: &Register) -> Result<BTreeMap<String, i64>, Error> {
        let name = register.name();
        let mut open: BTreeMap<String, i64> = BTreeMap::new();
        let mut add = |kind: &str, n: i64| {
            if n > 0 {
                *open.entry(kind.to_owned()).or_default() += n;
            }
        };
        let cases: Vec<(String, i64)> = case_file::table
            .filter(case_file::register.eq(name))
            .filter(case_file::closed_at.is_null())
            .group_by(case_file::kind)
            .select((case_file::kind, diesel::dsl::count_star()))
            .load(self.conn)?;
        for (kind, n) in cases {
            add(
                match register.case_kind(&kind).map(|k| k.procedure) {
                    Some(Procedure::Complaint) => "complaint",
                    Some(Procedure::Disclosure | Procedure::OwnData) => "disclosure",
                    _ => "case",
                },
                n,
            );
        }
        let today = self.today(register).to_string();
        let confirmations: i64 = confirmation::table
            .filter(confirmation::register.eq(name))
            .filter(confirmation::confirmed_at.is_null())
            .filter(confirmation::cancelled_at.is_null())
            .filter(confirmation::opens_on.le(&today))
            .filter(confirmation::acts_by.ge(&today))
            .count()
            .get_result(self.conn)?;
        add("confirmation", confirmations);
        let moves: i64 = record_move::table
            .filter(record_move::register.eq(name))
            .filter(record_move::state.eq("offered"))
            .count()
            .get_result(self.conn)?;
        add("transfer", moves);
        let publications: i64 = publication::table
            .filter(publication::register.eq(name))
            .filter(publication::state.eq("proposed"))
            .count()
            .get_result(self.conn)?;
        add("publication", publications);
        let batches: i64 = retention_batch::table
            .filter(retention_batch::register.eq(name))
            .filter(retention_batch::state.eq_any(["proposed", "reviewed", "approved", "executing"]))
            .count()
            .get_result(self.conn)?;
        add("batch", batches);
        let holds: i64 = legal_hold::table
            .filter(legal_hold::register.eq(name))
            .filter(legal_hold::lifted_at.is_null())
            .filter(legal_hold::until_day.ge(&today))
            .count()
            .get_result(self.conn)?;
        add("hold", holds);
        Ok(open)
    }

    /// Records by type.
    pub(in crate::store) fn records_left(&mut self, register: &Register) -> Result<BTreeMap<String, i64>, Error> {
        let rows: Vec<(String, i64)> = record::table
            .filter(record::register.eq(register.name()))
            .group_by(record::record_type)
            .select((record::record_type, diesel::dsl::count_star()))
            .load(self.conn)?;
        Ok(rows.into_iter().collect())
    }

    pub(in crate::store) fn closing_view(&mut self, register: &Register) -> Result<ClosingView, Error> {
        let today = self.today(register);
        let open_now = self.open_matters(register)?;
        let records = self.records_left(register)?;
        let Some(row) = closing_row(self.conn, register.name())? else {
            return Ok(ClosingView { state: "open", today, open_now, records, decision: None });
        };
        let decision = &row.decision;
        let ids: Vec<&String> = [Some(&row.proposed_by), row.approved_by.as_ref()].into_iter().flatten().collect();
        let names: Vec<(String, String)> = app_user::table
            .filter(app_user::register.eq(crate::store::context::INSTALLATION_REGISTER))
            .filter(app_user::id.eq_any(ids))
            .select((app_user::id, app_user::display_name))
            .load(self.conn)?;
        let names: BTreeMap<String, String> = names.into_iter().collect();
        let name = |id: &String| names.get(id).cloned().unwrap_or_else(|| id.clone());
        let mut batches = Vec::new();
        for id in row.batches() {
            batches.push(self.batch_view(register.name(), id)?);
        }
        let state = match decision.state().as_str() {
            "approved" if decision.is_closed_on(today) => "closed",
            other => other,
        };
        let terms = &decision.terms;
        let dispositions = terms.dispositions.iter().map(|d| DispositionView {
            record_type: d.record_type.clone(),
            rule: d.rule.clone(),
            action: if d.action == crate::domain::retention::Action::Archive { "transfer" } else { "destruction" },
            on: d.on,
            records: records.get(&d.record_type).copied().unwrap_or(0),
        });
        let shown = DecisionView {
            id: decision.id,
            state: decision.state().as_str(),
            version: row.version,
            clause: decision.clause.0.clone(),
            document: json!(terms.document),
            closed_from: terms.closed_from,
            dispositions: dispositions.collect(),
            open: json!(terms.open),
            steps: json!(terms.steps),
            receiver: terms.receiver.as_ref().map(|r| json!(r)),
            proposed_by: name(&row.proposed_by),
            proposed_at: rfc3339(instant(row.proposed_at)),
            approved_by: row.approved_by.as_ref().map(name),
            approved_at: row.approved_at.map(|at| rfc3339(instant(at))),
            finished_at: row.finished_at.map(|at| rfc3339(instant(at))),
            batches,
            last_checkpoint: row.body["last_checkpoint"].as_str().map(str::to_owned),
            key: row.body["key"].as_str().map(str::to_owned),
        };
        Ok(ClosingView { state, today, open_now, records, decision: Some(shown) })
    }

    /// How the register stands on its way to its end.
    ///
    /// # Errors
    /// Those of the database.
    pub fn closing_read(&mut self, permit: Permit<'tx, RetentionRead>) -> Result<Sealed<'tx, ClosingView>, Error> {
        let register = permit.register.clone();
        let view = self.closing_view(&register)?;
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::RetentionRead, &actor, &permit.ruling);
        "closing.read".clone_into(&mut event.action);
        Ok(Sealed::new(view, Some(event)))
    }

    /// What everybody may know of the end of a register; nothing where it goes on.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub(crate) fn closed_public(&mut self, register: &str) -> Result<Option<ClosedPublic>, Error> {
        let register = self.register(register)?;
        Ok(self.closed_publics(Some(register.name()))?.remove(register.name()))
    }

    /// What everybody may know of the ends of all registers, or of `only` one, by their short names: two questions to
    /// the database, however many registers there are.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub(crate) fn closed_publics(&mut self, only: Option<&str>) -> Result<BTreeMap<String, ClosedPublic>, Error> {
        let mut decisions = register_closing::table
            .filter(register_closing::state.ne("withdrawn"))
            .select((register_closing::register, register_closing::finished_at, register_closing::body))
            .into_boxed();
        if let Some(only) = only {
            decisions = decisions.filter(register_closing::register.eq(only.to_owned()));
        }
        let rows: Vec<(String, Option<i64>, String)> = decisions.load(self.conn)?;
        let (mut closed, mut batches) = (BTreeMap::new(), Vec::new());
        for (name, finished_at, body) in rows {
            // A decision may be about a register whose definition is no longer loaded.
            let Ok(register) = self.register(&name) else { continue };
            let body = facts::json(&body)?;
            let decision = decision_of(&body)?;
            if !decision.is_closed_on(self.today(&register)) {
                continue;
            }
            batches.extend(batches_of(&body).into_iter().map(|id| (id.to_string(), register.clone())));
            let end = ClosedPublic {
                since: decision.terms.closed_from,
                state: if finished_at.is_some() { "closed" } else { "closing" },
                clause: decision.clause.0.clone(),
                document: json!(decision.terms.document),
                acts: Vec::new(),
            };
            closed.insert(name, end);
        }
        let ids: Vec<&str> = batches.iter().map(|(id, _)| id.as_str()).collect();
        let acts: Vec<(String, i64, String, i64)> = if ids.is_empty() {
            Vec::new()
        } else {
            retention_act::table
                .filter(retention_act::batch_id.eq_any(ids))
                .order((retention_act::register, retention_act::number))
                .select((retention_act::batch_id, retention_act::number, retention_act::kind, retention_act::made_at))
                .load(self.conn)?
        };
        for (batch, number, kind, at) in acts {
            let Some((_, register)) = batches.iter().find(|(id, _)| *id == batch) else { continue };
            if let Some(end) = closed.get_mut(register.name()) {
                end.acts.push(ActLine { number, kind, on: register.day(instant(at)) });
            }
        }
        Ok(closed)
    }

    /// Whether a checkpoint of the register's log was ever handed out.
    pub(crate) fn has_checkpoints(&mut self, register: &str) -> Result<bool, Error> {
        let any =
            audit_checkpoint::table.filter(audit_checkpoint::register.eq(register)).select(audit_checkpoint::size);
        Ok(any.first::<i64>(self.conn).optional()?.is_some())
    }

    /// The note of the last checkpoint of a register that has come to its end.
    pub(crate) fn last_checkpoint(&mut self, register: &str) -> Result<Option<String>, Error> {
        let row = closing_row(self.conn, register)?.filter(|row| row.finished_at.is_some());
        Ok(row.and_then(|row| row.body["last_checkpoint"].as_str().map(str::to_owned)))
    }

    /// Every version of the definition under which something was entered, oldest first; the current one is the last.
    ///
    /// # Errors
    /// A definition that cannot be read.
    pub fn outgoing_definitions(
        &mut self,
        permit: Permit<'tx, RetentionExecute>,
    ) -> Result<Sealed<'tx, Vec<(NaiveDate, Definition)>>, Error> {
        let register = permit.register.clone();
        let rows: Vec<(String, String, String)> = definition::table
            .filter(definition::register.eq(register.name()))
            .order((definition::in_force_from, definition::loaded_at))
            .select((definition::digest, definition::in_force_from, definition::body))
            .load(self.conn)?;
        let mut found = Vec::new();
        let mut current = None;
        for (digest, from, body) in rows {
            let read: Definition =
                serde_json::from_str(&body).map_err(|_| Error::Damaged("a definition cannot be read".into()))?;
            let version = (facts::day(&from)?, read);
            if digest == register.definition.digest {
                current = Some(version);
            } else {
                found.push(version);
            }
        }
        found.extend(current);
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::RetentionExecute, &actor, &permit.ruling);
        "retention.package".clone_into(&mut event.action);
        Ok(Sealed::new(found, Some(event)))
    }

    /// Lines of the log from place `from`, below `size`, for a package that holds the records `inside`: the words of an
    /// event about anybody else stay behind, as if they had been erased.
    ///
    /// # Errors
    /// Those of the database.
    pub fn outgoing_log(
        &mut self,
        permit: Permit<'tx, RetentionExecute>,
        from: u64,
        size: u64,
        limit: i64,
        inside: &std::collections::BTreeSet<Uuid>,
    ) -> Result<Sealed<'tx, Vec<ExportLine>>, Error> {
        let register = permit.register.clone();
        let place = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let mut lines = export_lines(self.conn, register.name(), place(from), place(size), limit)?;
        for line in &mut lines {
            let ids = line.event.as_ref().and_then(|e| e["record_ids"].as_array()).into_iter().flatten();
            let mut ids = ids.map(|id| id.as_str().and_then(|id| Uuid::parse_str(id).ok()));
            if !ids.all(|id| id.is_some_and(|id| inside.contains(&id))) {
                (line.salt, line.event) = (None, None);
            }
        }
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::RetentionExecute, &actor, &permit.ruling);
        "retention.package".clone_into(&mut event.action);
        event.detail = Some(json!({ "from": from, "lines": lines.len() }));
        Ok(Sealed::new(lines, Some(event)))
    }

    /// The checkpoints that were handed out below `size`: size, note, and the instant in microseconds.
    ///
    /// # Errors
    /// Those of the database.
    pub fn outgoing_checkpoints(
        &mut self,
        permit: Permit<'tx, RetentionExecute>,
        size: u64,
    ) -> Result<Sealed<'tx, Vec<HandedOut>>, Error> {
        let register = permit.register.clone();
        let rows: Vec<HandedOut> = audit_checkpoint::table
            .filter(audit_checkpoint::register.eq(register.name()))
            .filter(audit_checkpoint::size.lt(i64::try_from(size).unwrap_or(i64::MAX)))
            .order(audit_checkpoint::size)
            .select((audit_checkpoint::size, audit_checkpoint::note, audit_checkpoint::made_at))
            .load(self.conn)?;
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::RetentionExecute, &actor, &permit.ruling);
        "retention.package".clone_into(&mut event.action);
        Ok(Sealed::new(rows, Some(event)))
    }

    /// The decision that counts.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub(in crate::store) fn closing_of(&mut self, register: &Register) -> Result<ClosingRow, Error> {
        Ok(closing_row(self.conn, register.name())?
            .ok_or(Refusal::NotFound { what: "decision to close the register" })?)
    }
}
