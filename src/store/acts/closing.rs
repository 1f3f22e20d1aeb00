//! Closing a register: the decision, its approval, the batches that carry it out, its end.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::retention::{MOST_RECORDS, header, row_of};
use crate::domain::access::Action;
use crate::domain::closing::{ClosingDecision, ClosingRefusal, Terms};
use crate::domain::record::validate::Violation;
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::domain::retention::Item;
use crate::domain::statute::Clause;
use crate::store::change::Change;
use crate::store::closing::{ClosingStep, ClosingWrite};
use crate::store::error::Error;
use crate::store::facts;
use crate::store::guard::{Permit, RegisterClose, RetentionApprove, RetentionExecute, Sealed};
use crate::store::read::closing::{ClosingRow, ClosingView, closing_row};
use crate::store::read::retention::{batch_row, holds_of, known, references_to, rules_of};
use crate::store::retention::{BatchWrite, Decided};
use crate::store::schema::{record, retention_batch};
use crate::store::write::WriteTx;

/// Records looked at in one pass.
const PART: i64 = 500;

/// What is to be done next of an approved decision.
#[derive(Debug, Clone)]
pub enum Next {
    /// A batch is to be carried out.
    Batch(Uuid),
    /// Everything has gone: the register comes to its end.
    Finish,
    /// Something is left that may not go yet: a hold, an open case, a day that has not come.
    Wait,
    /// It has come to its end already.
    Done,
}

fn refused(refusal: ClosingRefusal, clause: &Clause) -> Error {
    let (code, detail, clause) = (refusal.code(), refusal.to_string(), clause.clone());
    match refusal {
        ClosingRefusal::Faulty(faults) => {
            let faults = faults.into_iter();
            let faults = faults.map(|(at, code, words)| Violation::error(&at, code, words, Some(clause.clone())));
            Refusal::Invalid(faults.collect()).into()
        }
        ClosingRefusal::SamePerson | ClosingRefusal::ApproverExecutes => Refusal::Forbidden { clause, detail }.into(),
        ClosingRefusal::NoReason => Refusal::invalid("/reason", code, detail, Some(clause)).into(),
        ClosingRefusal::Open(_) | ClosingRefusal::WrongState(_) | ClosingRefusal::TooEarly(_) => {
            Refusal::Conflict { code, detail, clause: Some(clause) }.into()
        }
    }
}

impl<'tx> WriteTx<'tx> {
    /// Decides that the register closes.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with everything that is wrong; [`Refusal::Conflict`] where something stands open that the
    /// decision does not name, or where there is a decision already.
    pub fn closing_propose(
        &mut self,
        permit: Permit<'tx, RegisterClose>,
        terms: Terms,
    ) -> Result<Sealed<'tx, ClosingView>, Error> {
        let register = permit.register.clone();
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::RegisterClose, &actor, &permit.ruling);
        "closing.propose".clone_into(&mut event.action);
        if let Some((id, _)) = self.earlier(register.name())? {
            self.note(event, 0, Some(json!({ "replay": true, "closing_id": id })))?;
            return Ok(Sealed::new(self.closing_view(&register)?, None));
        }
        let rule = register.definition.register.closing.as_ref();
        let clause = rule.map_or_else(|| permit.ruling.decision.clause.clone(), |rule| rule.clause.clone());
        self.alone("closing", &register)?;
        if closing_row(self.conn, register.name())?.is_some() {
            let detail = "there is a decision already: withdraw it before you make another".to_owned();
            return Err(Refusal::Conflict { code: "closing_exists", detail, clause: Some(clause) }.into());
        }
        let by = self.person(&register)?.ok_or_else(|| Refusal::Forbidden {
            clause: clause.clone(),
            detail: "people decide, no job does".into(),
        })?;
        let (open, today) = (self.open_matters(&register)?, self.today(&register));
        let id = self.new_id()?;
        let types = &register.definition.record_types;
        let decision = ClosingDecision::propose(id, clause.clone(), terms, by, types, rule, &open, today)
            .map_err(|r| refused(r, &clause))?;
        let idempotency = match self.cx.idempotency.clone() {
            Some(i) => Some((self.caller_key()?, i.key, i.digest)),
            None => None,
        };
        let write = ClosingWrite {
            id,
            closed_from: decision.terms.closed_from,
            body: json!({ "decision": json_of(&decision)?, "batches": [] }),
            idempotency,
        };
        self.apply(event, 0, Change::ClosingProposed(Box::new(write)))?;
        Ok(Sealed::new(self.closing_view(&register)?, None))
    }

    /// Approves the decision that somebody else made.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] for whoever made it, in whatever role; [`Refusal::Conflict`] for one that is not waiting,
    /// and where more stands open than it names; [`Refusal::NotFound`].
    pub fn closing_approve(
        &mut self,
        permit: Permit<'tx, RetentionApprove>,
        version: Option<i64>,
    ) -> Result<Sealed<'tx, ClosingView>, Error> {
        let register = permit.register.clone();
        let row = self.closing_of(&register)?;
        let mut decision = row.decision.clone();
        let clause = decision.clause.clone();
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::RetentionApprove, &actor, &permit.ruling);
        "closing.approve".clone_into(&mut event.action);
        if version.is_some_and(|seen| seen != row.version) {
            let detail = "the decision has changed since you looked; look again".to_owned();
            return Err(Refusal::Conflict { code: "stale", detail, clause: Some(clause) }.into());
        }
        let by = self.person(&register)?.ok_or_else(|| Refusal::Forbidden {
            clause: clause.clone(),
            detail: "people approve, no job does".into(),
        })?;
        let open = self.open_matters(&register)?;
        if let Err(refusal) = decision.approve(&by, &open) {
            event.detail = Some(json!({ "closing_id": decision.id }));
            return Err(match refused(refusal, &clause) {
                Error::Refused(refusal @ Refusal::Forbidden { .. }) => self.refuse(event, refusal),
                other => other,
            });
        }
        self.save_closing(event, &row, &decision, "approved", &[])?;
        Ok(Sealed::new(self.closing_view(&register)?, None))
    }

    /// Gives a decision up before it is approved.
    ///
    /// # Errors
    /// [`Refusal::NotFound`]; [`Refusal::Invalid`] for a missing reason; [`Refusal::Conflict`] for one that is approved.
    pub fn closing_withdraw(
        &mut self,
        permit: Permit<'tx, RegisterClose>,
        reason: &str,
    ) -> Result<Sealed<'tx, ClosingView>, Error> {
        let register = permit.register.clone();
        let row = self.closing_of(&register)?;
        let mut decision = row.decision.clone();
        let clause = decision.clause.clone();
        decision.withdraw(reason).map_err(|r| refused(r, &clause))?;
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::RegisterClose, &actor, &permit.ruling);
        "closing.withdraw".clone_into(&mut event.action);
        self.save_closing(event, &row, &decision, "withdrawn", &[("reason", json!(reason.trim()))])?;
        Ok(Sealed::new(self.closing_view(&register)?, None))
    }

    fn save_closing(
        &mut self,
        event: crate::domain::audit::Event,
        row: &ClosingRow,
        decision: &ClosingDecision,
        step: &'static str,
        beside: &[(&str, Value)],
    ) -> Result<(), Error> {
        let mut body = row.body.clone();
        if let Some(members) = body.as_object_mut() {
            members.insert("decision".into(), json_of(decision)?);
            members.extend(beside.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        }
        let write = ClosingStep {
            id: decision.id,
            step,
            state: decision.state().as_str(),
            version: row.version,
            approved_by: decision.approved_by().filter(|_| step == "approved").map(|p| p.user.to_string()),
            body,
        };
        self.apply(event, 0, Change::ClosingStepped(Box::new(write)))?;
        Ok(())
    }

    /// What is to be done next of the approved decision: a batch that is not over, else a new one of what may go
    /// today. `after` is the batch that was carried out just now: where nothing of it went, nothing else would.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] for whoever approved it; [`Refusal::Conflict`] for a decision that is not approved and
    /// before the register is closed.
    pub fn closing_next(
        &mut self,
        permit: Permit<'tx, RetentionExecute>,
        after: Option<Uuid>,
    ) -> Result<Sealed<'tx, Next>, Error> {
        let register = permit.register.clone();
        let row = self.closing_of(&register)?;
        let (decision, clause, today) = (&row.decision, row.decision.clause.clone(), self.today(&register));
        let by = self.person(&register)?;
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::RetentionExecute, &actor, &permit.ruling);
        "closing.execute".clone_into(&mut event.action);
        event.detail = Some(json!({ "closing_id": decision.id }));
        if row.finished_at.is_some() {
            self.note(event, 0, None)?;
            return Ok(Sealed::new(Next::Done, None));
        }
        if let Err(refusal) = decision.may_execute(by.as_ref(), today) {
            return Err(match refused(refusal, &clause) {
                Error::Refused(refusal @ Refusal::Forbidden { .. }) => self.refuse(event, refusal),
                other => other,
            });
        }
        for id in row.batches() {
            let batch = batch_row(self.conn, register.name(), id)?;
            if batch.finished_at.is_none() {
                self.note(event, 0, None)?;
                return Ok(Sealed::new(Next::Batch(id), None));
            }
        }
        let items = match after {
            Some(id) if self.batch_view(register.name(), id)?.counts.get("erased").is_none_or(|n| *n == 0) => {
                Vec::new()
            }
            _ => self.closing_items(&register, decision)?,
        };
        if items.is_empty() {
            let left: i64 = record::table.filter(record::register.eq(register.name())).count().get_result(self.conn)?;
            let next = if left == 0 && decision.all_due(today) { Next::Finish } else { Next::Wait };
            self.note(event, 0, None)?;
            return Ok(Sealed::new(next, None));
        }
        let id = self.new_id()?;
        let due_on = items.iter().map(|i| i.due_on).max().unwrap_or(today);
        let batch = decision.batch(id, items).map_err(|r| Error::Damaged(r.to_string()))?;
        let number: Option<i64> = retention_batch::table
            .filter(retention_batch::register.eq(register.name()))
            .select(diesel::dsl::max(retention_batch::number))
            .first(self.conn)?;
        let number = number.unwrap_or(0) + 1;
        let mut proposed = event.clone();
        "closing.batch".clone_into(&mut proposed.action);
        proposed.record_ids = batch.items().iter().map(|i| i.record).collect::<BTreeSet<_>>().into_iter().collect();
        let items = (0..).zip(batch.items()).map(|(n, i)| row_of(n, i)).collect::<Result<_, _>>()?;
        let body = header(&batch, &json!({ "clause": clause, "closing": decision.id }))?;
        // The batch was proposed and approved with the decision.
        let decided = Decided {
            proposed_at: row.proposed_at,
            proposed_by: row.proposed_by.clone(),
            approved_at: row.approved_at,
            approved_by: row.approved_by.clone(),
        };
        let write = BatchWrite { id, number, due_on, body, items, decided: Some(decided), idempotency: None };
        self.apply(proposed, 0, Change::BatchProposed(Box::new(write)))?;
        let mut ids: Vec<String> = row.batches().iter().map(Uuid::to_string).collect();
        ids.push(id.to_string());
        self.save_closing(event, &row, decision, "batch", &[("batches", json!(ids))])?;
        Ok(Sealed::new(Next::Batch(id), None))
    }

    /// What may go today by the decision: neither what a hold keeps or somebody waits for, nor what such a record
    /// refers to.
    fn closing_items(&mut self, register: &Register, decision: &ClosingDecision) -> Result<Vec<Item>, Error> {
        let (all, today) = (rules_of(register)?, self.today(register));
        let holds = holds_of(self.conn, register.name())?;
        let due: BTreeSet<&str> = decision.due(today).map(|d| d.record_type.as_str()).collect();
        let mut found: Vec<Item> = Vec::new();
        // Whom each record refers to.
        let mut referred: BTreeMap<Uuid, Vec<Uuid>> = BTreeMap::new();
        let mut held_by: BTreeMap<Uuid, Uuid> = BTreeMap::new();
        let mut staying: BTreeSet<Uuid> = BTreeSet::new();
        for kind in &register.definition.record_types {
            let mut after = String::new();
            loop {
                let ids: Vec<String> = record::table
                    .filter(record::register.eq(register.name()))
                    .filter(record::record_type.eq(&kind.name))
                    .filter(record::id.gt(&after))
                    .order(record::id)
                    .limit(PART)
                    .select(record::id)
                    .load(self.conn)?;
                let Some(last) = ids.last().cloned() else { break };
                let ids = ids.iter().map(|id| facts::id(id)).collect::<Result<Vec<_>, _>>()?;
                for known in known(self.conn, register, &ids)? {
                    held_by.insert(known.record_id, known.institution_id);
                    let why = known.why(register, kind, &all, &holds, today);
                    if !why.held.is_empty() || why.blocked_by.iter().any(|b| b.kind.keeps_at_closing()) {
                        staying.insert(known.record_id);
                    } else if due.contains(kind.name.as_str()) {
                        found.extend(decision.items(&why, kind, &known.fields, today));
                    }
                }
                for (whom, by) in references_to(self.conn, register, &ids, &kind.name)? {
                    referred.entry(by).or_default().push(whom);
                }
                after = last;
            }
        }
        // What a staying record refers to stays with it, and the institution that holds it, and so on.
        let mut waiting: Vec<Uuid> = staying.iter().copied().collect();
        while let Some(id) = waiting.pop() {
            for whom in referred.get(&id).into_iter().flatten().chain(held_by.get(&id)) {
                if staying.insert(*whom) {
                    waiting.push(*whom);
                }
            }
        }
        let mut items: Vec<Item> = found.into_iter().filter(|i| !staying.contains(&i.record)).collect();
        items.sort_by(|a, b| a.key().cmp(&b.key()));
        items.truncate(MOST_RECORDS);
        Ok(items)
    }

    /// Brings the register to its end: everything has gone, and `note` is the last checkpoint that its key signs.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] where something is left, or the log has grown into an erasure since the checkpoint.
    pub fn closing_finish(
        &mut self,
        permit: Permit<'tx, RetentionExecute>,
        note: &str,
        key: &'static str,
    ) -> Result<Sealed<'tx, ClosingView>, Error> {
        let register = permit.register.clone();
        let row = self.closing_of(&register)?;
        let mut decision = row.decision.clone();
        let clause = decision.clause.clone();
        let left: i64 = record::table.filter(record::register.eq(register.name())).count().get_result(self.conn)?;
        if left > 0 {
            let detail = format!("{left} records are still there");
            return Err(Refusal::Conflict { code: "records_left", detail, clause: Some(clause) }.into());
        }
        decision.finish().map_err(|r| refused(r, &clause))?;
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::RetentionExecute, &actor, &permit.ruling);
        "closing.finish".clone_into(&mut event.action);
        let beside = [("last_checkpoint", json!(note)), ("key", json!(key))];
        self.save_closing(event, &row, &decision, "done", &beside)?;
        Ok(Sealed::new(self.closing_view(&register)?, None))
    }
}

fn json_of(decision: &ClosingDecision) -> Result<Value, Error> {
    serde_json::to_value(decision).map_err(|e| Error::Damaged(e.to_string()))
}
