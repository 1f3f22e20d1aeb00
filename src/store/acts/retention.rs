//! What people and jobs do about the end of data: holds, batches, their review, approval and execution.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use diesel::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::domain::access::Action;
use crate::domain::backup::Erasure;
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::domain::retention::{
    self as rules, Batch, BatchRefusal, BatchState, Change as Review, Cleared, Disposition, Hold, HoldScope, Item, Now,
    Outcome, Person, Recheck, Step, Then, Why, anonymised, erasure, recheck, recheck_closing,
};
use crate::domain::statute::definition::Condition;
use crate::domain::statute::{Clause, RecordType};
use crate::store::change::Change;
use crate::store::context::Caller;
use crate::store::erase::Gone;
use crate::store::error::Error;
use crate::store::facts;
use crate::store::guard::{HoldSet, Permit, RetentionApprove, RetentionExecute, RetentionPropose, Sealed};
use crate::store::read::retention::{
    BatchPart, BatchRow, BatchView, Known, batch_of, candidates, holds_of, is_over, known, referrers_of, rules_of,
    stand,
};
use crate::store::retention::{ActWrite, BatchStep, BatchWrite, ErasedItem, ErasedWrite, HoldWrite, ItemRow};
use crate::store::schema::{disclosure, disclosure_subject, legal_hold, retention_act, retention_batch};
use crate::store::write::WriteTx;

/// Records of one batch; more go into the next.
pub const MOST_RECORDS: usize = 100_000;
/// Records erased in one transaction.
pub const ERASED_AT_ONCE: usize = 200;

/// Records that go in one transaction at most because they refer to each other; beyond them a reference holds.
const TOGETHER: usize = 5_000;

/// A hold that is asked for.
#[derive(Debug, Clone)]
pub struct NewHold {
    /// Record that it holds; else the person, else the records of the query.
    pub record_id: Option<Uuid>,
    /// Type of the record, or of the records of the query.
    pub record_type: Option<String>,
    /// Personal code of the person whose records it holds.
    pub personal_code: Option<String>,
    /// Institution of the records of the query.
    pub institution_id: Option<Uuid>,
    /// What the records of the query have.
    pub conditions: Vec<Condition>,
    /// On what it rests.
    pub basis: String,
    /// Provision on which it rests.
    pub clause: Option<String>,
    /// Last day; open until it is lifted.
    pub until: Option<NaiveDate>,
}

/// What a batch is made of.
#[derive(Debug, Clone, Default)]
pub struct NewBatch {
    /// By which day it must be due: today or earlier.
    pub due_on: Option<NaiveDate>,
    /// Only these rules; all where empty.
    pub rules: Vec<String>,
    /// Only these records; all where empty.
    pub records: Vec<Uuid>,
    /// For the job: nothing while a batch of the job is open, and not what somebody looked at in the last thirty days.
    pub by_job: bool,
}

/// One decision of a review.
#[derive(Debug, Clone)]
pub struct Reviewed {
    /// Record.
    pub record_id: Uuid,
    /// Rule.
    pub rule: String,
    /// What is decided.
    pub change: Review,
}

/// What is left to be done of an execution.
#[derive(Debug, Clone)]
pub struct Execution {
    /// The batch.
    pub id: Uuid,
    /// Its number.
    pub number: i64,
    /// The next step; `None` when all is done.
    pub next: Option<Step>,
    /// Items that are still to be erased.
    pub pending: usize,
    /// What the step has just erased: to be listed beside the copies of the database.
    pub erased: Vec<Erasure>,
    /// The decision that it carries out, where the register closes.
    pub closing: Option<crate::domain::closing::ClosingBasis>,
}

/// An act that was drawn up, ready to be written.
pub struct DrawnAct {
    /// `transfer` or `destruction`.
    pub kind: &'static str,
    /// Number.
    pub number: i64,
    /// SHA-256 of the body, in lower-case hexadecimal.
    pub digest: String,
    /// Canonical JSON.
    pub body: String,
    /// PDF/A.
    pub pdf: Vec<u8>,
}

fn nothing_due(clause: &Clause) -> Error {
    let detail = "nothing is due that may go and stands in no other batch".to_owned();
    Refusal::Conflict { code: "nothing_due", detail, clause: Some(clause.clone()) }.into()
}

fn refused(refusal: &BatchRefusal, clause: &Clause) -> Error {
    let clause = refusal.clause().cloned().unwrap_or_else(|| clause.clone());
    let detail = refusal.to_string();
    match refusal {
        BatchRefusal::SamePerson | BatchRefusal::ApproverExecutes => Refusal::Forbidden { clause, detail }.into(),
        BatchRefusal::NoSuchItem
        | BatchRefusal::NoReason
        | BatchRefusal::UntilPassed
        | BatchRefusal::NotForReview { .. } => Refusal::invalid("/items", refusal.code(), detail, Some(clause)).into(),
        _ => Refusal::Conflict { code: refusal.code(), detail, clause: Some(clause) }.into(),
    }
}

fn state_of(item: &Item) -> &'static str {
    match (&item.outcome, &item.excluded, &item.disposition) {
        (Outcome::Erased, ..) => "erased",
        (Outcome::Dropped(_), ..) => "dropped",
        (Outcome::Failed(_), ..) => "failed",
        (Outcome::Pending, Some(_), _) => "excluded",
        (Outcome::Pending, None, Some(Disposition::KeepUntil { .. })) => "kept",
        (Outcome::Pending, None, _) => "proposed",
    }
}

pub(super) fn row_of(position: i64, item: &Item) -> Result<ItemRow, Error> {
    Ok(ItemRow {
        position,
        record_id: item.record,
        record_type: item.record_type.clone(),
        rule: item.rule.clone(),
        due_on: item.due_on,
        state: state_of(item),
        body: serde_json::to_value(item).map_err(|e| Error::Damaged(e.to_string()))?,
    })
}

pub(super) fn header(batch: &Batch, beside: &Value) -> Result<Value, Error> {
    let mut whole = serde_json::to_value(batch).map_err(|e| Error::Damaged(e.to_string()))?;
    if let Some(members) = whole.as_object_mut() {
        members.remove("items");
    }
    let mut body = json!({ "batch": whole });
    if let (Some(into), Some(from)) = (body.as_object_mut(), beside.as_object()) {
        into.extend(from.iter().filter(|(name, _)| *name != "batch").map(|(n, v)| (n.clone(), v.clone())));
    }
    Ok(body)
}

impl<'tx> WriteTx<'tx> {
    pub(in crate::store) fn person(&mut self, register: &Register) -> Result<Option<Person>, Error> {
        let actor = self.actor(register)?;
        Ok(actor.user_id.map(|user| Person { user, code: actor.personal_code.clone() }))
    }

    fn doer(&mut self, register: &Register) -> Result<rules::Actor, Error> {
        Ok(match self.person(register)? {
            Some(person) => rules::Actor::Person(person),
            None => rules::Actor::Job(match &self.cx.caller {
                Caller::Installation { name } => name.clone(),
                Caller::Session { .. } | Caller::User { .. } => "installation".to_owned(),
            }),
        })
    }

    /// Sets a legal hold: what it holds is not erased until it is lifted or its last day has passed.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for an unknown record; [`Refusal::Invalid`] for a missing basis, a day that has passed, or
    /// a hold on nothing.
    pub fn hold_place(&mut self, permit: Permit<'tx, HoldSet>, new: &NewHold) -> Result<Sealed<'tx, Uuid>, Error> {
        let register = permit.register.clone();
        let clause = permit.ruling.decision.clause.clone();
        let today = self.today(&register);
        let fault = |pointer: &str, code, detail: &str| -> Error {
            Refusal::invalid(pointer, code, detail.to_owned(), Some(clause.clone())).into()
        };
        if new.basis.trim().is_empty() {
            return Err(fault("/basis", "required", "say on what the hold rests"));
        }
        if new.until.is_some_and(|until| until < today) {
            return Err(fault("/until", "past", "the last day has passed"));
        }
        if let Some(name) = new.record_type.as_deref().filter(|name| register.record_type(name).is_none()) {
            return Err(fault("/record_type", "unknown", &format!("there is no record type `{name}`")));
        }
        let mut event_ids = Vec::new();
        let (word, scope) = match (new.record_id, &new.personal_code) {
            (Some(id), _) => {
                let found = known(self.conn, &register, &[id])?.pop();
                found
                    .filter(|k| new.record_type.as_ref().is_none_or(|t| *t == k.record_type))
                    .ok_or(Refusal::NotFound { what: "record" })?;
                event_ids.push(id);
                ("record", HoldScope::Record(id))
            }
            (None, Some(code)) => ("person", HoldScope::Person(code.clone())),
            (None, None) if new.record_type.is_some() || new.institution_id.is_some() => (
                "query",
                HoldScope::Query {
                    record_type: new.record_type.clone(),
                    institution: new.institution_id,
                    conditions: new.conditions.clone(),
                },
            ),
            (None, None) => {
                return Err(fault("/record_type", "required", "name a record, a person, or what the records have"));
            }
        };
        let id = self.new_id()?;
        let hold = Hold {
            id,
            scope,
            basis: new.basis.trim().to_owned(),
            clause: new.clause.clone().filter(|c| !c.trim().is_empty()).map(Clause),
            from: today,
            until: new.until,
        };
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::HoldSet, &actor, &permit.ruling);
        event.record_type.clone_from(&new.record_type);
        event.record_ids = event_ids;
        let body = json!({ "hold": serde_json::to_value(&hold).map_err(|e| Error::Damaged(e.to_string()))? });
        let write = HoldWrite {
            id,
            scope: word,
            record_id: new.record_id,
            personal_code: new.personal_code.clone().filter(|_| word == "person"),
            record_type: new.record_type.clone(),
            until: new.until,
            body,
        };
        self.apply(event, 0, Change::HoldPlaced(Box::new(write)))?;
        Ok(Sealed::new(id, None))
    }

    /// Lifts a hold.
    ///
    /// # Errors
    /// [`Refusal::NotFound`]; [`Refusal::Invalid`] for a missing reason; [`Refusal::Conflict`] for one that is lifted.
    pub fn hold_lift(
        &mut self,
        permit: Permit<'tx, HoldSet>,
        id: Uuid,
        reason: &str,
    ) -> Result<Sealed<'tx, ()>, Error> {
        let register = permit.register.clone();
        let clause = permit.ruling.decision.clause.clone();
        if reason.trim().is_empty() {
            return Err(Refusal::invalid("/reason", "required", "say why it is lifted", Some(clause)).into());
        }
        type Row = (Option<i64>, Option<String>, String);
        let row: Option<Row> = legal_hold::table
            .find((register.name(), id.to_string()))
            .select((legal_hold::lifted_at, legal_hold::record_id, legal_hold::body))
            .first(self.conn)
            .optional()?;
        let (lifted, record_id, body) = row.ok_or(Refusal::NotFound { what: "hold" })?;
        if lifted.is_some() {
            let detail = "the hold has been lifted already".to_owned();
            return Err(Refusal::Conflict { code: "already_lifted", detail, clause: Some(clause) }.into());
        }
        let mut body = facts::json(&body)?;
        if let Some(members) = body.as_object_mut() {
            members.insert("lifted_for".into(), json!(reason.trim()));
        }
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::HoldSet, &actor, &permit.ruling);
        "hold.lift".clone_into(&mut event.action);
        event.record_ids = record_id.as_deref().map(facts::id).transpose()?.into_iter().collect();
        self.apply(event, 0, Change::HoldLifted { id, body })?;
        Ok(Sealed::new((), None))
    }

    /// The hold on one record that is in force; for lifting it by the record.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn hold_of_record(&mut self, register: &str, record: Uuid) -> Result<Uuid, Error> {
        let found: Option<String> = legal_hold::table
            .filter(legal_hold::register.eq(register))
            .filter(legal_hold::record_id.eq(record.to_string()))
            .filter(legal_hold::lifted_at.is_null())
            .order(legal_hold::id.desc())
            .select(legal_hold::id)
            .first(self.conn)
            .optional()?;
        facts::id(&found.ok_or(Refusal::NotFound { what: "hold" })?)
    }

    /// Proposes a batch of what is due and may go.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] where nothing is; [`Refusal::Invalid`] for a day to come or an unknown rule.
    pub fn batch_propose(
        &mut self,
        permit: Permit<'tx, RetentionPropose>,
        new: &NewBatch,
    ) -> Result<Sealed<'tx, BatchView>, Error> {
        let register = permit.register.clone();
        if let Some((id, _)) = self.earlier(register.name())? {
            let actor = self.actor(&register)?;
            let event = self.event(&register, Action::RetentionPropose, &actor, &permit.ruling);
            self.note(event, 0, Some(json!({ "replay": true, "batch_id": id })))?;
            return Ok(Sealed::new(self.batch_view(register.name(), id)?, None));
        }
        let clause = permit.ruling.decision.clause.clone();
        let today = self.today(&register);
        let due_on = new.due_on.unwrap_or(today);
        if due_on > today {
            let detail = "what is due on a day to come can be looked at, not proposed";
            return Err(Refusal::invalid("/due_on", "future", detail, Some(clause)).into());
        }
        let all = rules_of(&register)?;
        if let Some(name) = new.rules.iter().find(|name| !all.iter().any(|r| r.name == **name)) {
            return Err(
                Refusal::invalid("/rules", "unknown", format!("there is no rule `{name}`"), Some(clause)).into()
            );
        }
        let holds = holds_of(self.conn, register.name())?;
        let wanted = |rule: &str| new.rules.is_empty() || new.rules.iter().any(|name| name == rule);
        let mut waiting = self.waiting_items(&register)?;
        if new.by_job {
            if self.has_open_proposal(&register)? {
                return Err(nothing_due(&clause));
            }
            waiting.extend(self.looked_at(&register)?);
        }
        let mut items = Vec::new();
        'types: for kind in &register.definition.record_types {
            let mut after = String::new();
            loop {
                let (mut ids, last) = candidates(self.conn, &register, kind, &all, due_on, &after)?;
                if !new.records.is_empty() {
                    ids.retain(|id| new.records.contains(id));
                }
                for (_, why) in stand(self.conn, &register, (&all, &holds), &ids, due_on, &is_over, true)? {
                    let parts = why.parts.iter().filter(|p| p.then != Then::Keep && wanted(&p.rule));
                    let found = parts.filter_map(|p| Item::of(&why, &kind.name, &p.rule));
                    items.extend(found.filter(|i| !waiting.contains(&(i.record, i.rule.clone()))));
                    if items.len() >= MOST_RECORDS {
                        break 'types;
                    }
                }
                match last {
                    Some(last) => after = last,
                    None => break,
                }
            }
        }
        let id = self.new_id()?;
        let by = self.doer(&register)?;
        let batch = Batch::propose(id, by, items).map_err(|r| match r {
            BatchRefusal::Empty => nothing_due(&clause),
            other => refused(&other, &clause),
        })?;
        let number: Option<i64> = retention_batch::table
            .filter(retention_batch::register.eq(register.name()))
            .select(diesel::dsl::max(retention_batch::number))
            .first(self.conn)?;
        let idempotency = match self.cx.idempotency.clone() {
            Some(i) => Some((self.caller_key()?, i.key, i.digest)),
            None => None,
        };
        let items = (0..).zip(batch.items()).map(|(n, i)| row_of(n, i)).collect::<Result<_, _>>()?;
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::RetentionPropose, &actor, &permit.ruling);
        event.record_ids = batch.items().iter().map(|i| i.record).collect::<BTreeSet<_>>().into_iter().collect();
        let write = BatchWrite {
            id,
            number: number.unwrap_or(0) + 1,
            due_on,
            body: header(&batch, &json!({ "clause": clause, "roles": { "proposed": permit.ruling.role } }))?,
            items,
            decided: None,
            idempotency,
        };
        self.apply(event, 0, Change::BatchProposed(Box::new(write)))?;
        Ok(Sealed::new(self.batch_view(register.name(), id)?, None))
    }

    /// What stands in a batch that is not over.
    fn waiting_items(&mut self, register: &Register) -> Result<BTreeSet<(Uuid, String)>, Error> {
        use crate::store::schema::retention_item;
        let open = ["proposed", "reviewed", "approved", "executing"];
        let rows: Vec<(String, String)> = retention_item::table
            .inner_join(
                retention_batch::table.on(retention_batch::register
                    .eq(retention_item::register)
                    .and(retention_batch::id.eq(retention_item::batch_id))),
            )
            .filter(retention_item::register.eq(register.name()))
            .filter(retention_batch::state.eq_any(open))
            .filter(retention_item::state.eq("proposed"))
            .select((retention_item::record_id, retention_item::rule))
            .load(self.conn)?;
        rows.into_iter().map(|(id, rule)| Ok((facts::id(&id)?, rule))).collect()
    }

    /// Whether a batch that a job proposed is not over.
    fn has_open_proposal(&mut self, register: &Register) -> Result<bool, Error> {
        let bodies: Vec<String> = retention_batch::table
            .filter(retention_batch::register.eq(register.name()))
            .filter(retention_batch::finished_at.is_null())
            .select(retention_batch::proposed_by)
            .load(self.conn)?;
        Ok(bodies.iter().any(|by| Uuid::parse_str(by).is_err()))
    }

    /// What stood in a batch that ended within thirty days, and stayed.
    fn looked_at(&mut self, register: &Register) -> Result<Vec<(Uuid, String)>, Error> {
        use crate::store::schema::retention_item;
        let since = crate::domain::calendar::micros(self.now - chrono::TimeDelta::days(30));
        let rows: Vec<(String, String)> = retention_item::table
            .inner_join(
                retention_batch::table.on(retention_batch::register
                    .eq(retention_item::register)
                    .and(retention_batch::id.eq(retention_item::batch_id))),
            )
            .filter(retention_item::register.eq(register.name()))
            .filter(retention_batch::finished_at.ge(since))
            .filter(retention_item::state.ne("erased"))
            .select((retention_item::record_id, retention_item::rule))
            .load(self.conn)?;
        rows.into_iter().map(|(id, rule)| Ok((facts::id(&id)?, rule))).collect()
    }

    fn save_batch(
        &mut self,
        register: &Register,
        event: crate::domain::audit::Event,
        row: &BatchRow,
        (before, batch): (&Batch, &Batch),
        step: &'static str,
        beside: Option<(&str, Value)>,
    ) -> Result<(), Error> {
        let places: Vec<i64> = (0..).take(batch.items().len()).collect();
        self.save_part(register, event, row, (before, batch, &places), step, beside)
    }

    /// Saves a batch of which only the items at `places` are at hand; the others are as they were.
    fn save_part(
        &mut self,
        register: &Register,
        event: crate::domain::audit::Event,
        row: &BatchRow,
        (before, batch, places): (&Batch, &Batch, &[i64]),
        step: &'static str,
        beside: Option<(&str, Value)>,
    ) -> Result<(), Error> {
        let mut kept = row.body.clone();
        // In which role each step was done last: the act says so of the officials.
        let roles = match kept.get("roles").cloned() {
            Some(Value::Object(mut roles)) => {
                roles.insert(step.to_owned(), json!(event.role));
                roles
            }
            _ => serde_json::Map::from_iter([(step.to_owned(), json!(event.role))]),
        };
        if let Some(members) = kept.as_object_mut() {
            members.insert("roles".into(), Value::Object(roles));
            members.extend(beside.map(|(name, value)| (name.to_owned(), value)));
        }
        let changed = batch.items().iter().zip(places).zip(before.items()).filter(|((now, _), was)| now != was);
        let items = changed.map(|((item, n), _)| row_of(*n, item)).collect::<Result<_, _>>()?;
        let write = BatchStep {
            id: batch.id,
            number: row.number,
            step,
            state: batch.state().as_str(),
            version: row.version,
            approved_by: (step == "approved").then(|| batch.approved_by().map(|p| p.user.to_string())).flatten(),
            finished: matches!(batch.state(), BatchState::Done | BatchState::PartlyFailed | BatchState::Cancelled),
            body: header(batch, &kept)?,
            items,
        };
        let _ = register;
        self.apply(event, 0, Change::BatchStepped(Box::new(write)))?;
        Ok(())
    }

    /// Reviews items of a batch; `finish` says that the review is over.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], [`Refusal::Invalid`], [`Refusal::Conflict`] as the batch refuses it.
    pub fn batch_review(
        &mut self,
        permit: Permit<'tx, RetentionPropose>,
        id: Uuid,
        changes: &[Reviewed],
        finish: Option<u32>,
    ) -> Result<Sealed<'tx, BatchView>, Error> {
        let register = permit.register.clone();
        let clause = permit.ruling.decision.clause.clone();
        let (row, before) = batch_of(self.conn, register.name(), id)?;
        let mut batch = before.clone();
        let today = self.today(&register);
        let by = self.person(&register)?.ok_or_else(|| Refusal::Forbidden {
            clause: clause.clone(),
            detail: "people review, no job does".into(),
        })?;
        if !changes.is_empty() {
            let changes: Vec<_> = changes.iter().map(|c| ((c.record_id, c.rule.as_str()), c.change.clone())).collect();
            batch.review(&by, &changes, today).map_err(|r| refused(&r, &clause))?;
        }
        if let Some(revision) = finish {
            let seen = if changes.is_empty() { revision } else { batch.revision() };
            batch.finish_review(&by, seen).map_err(|r| refused(&r, &clause))?;
        }
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::RetentionPropose, &actor, &permit.ruling);
        "retention.review".clone_into(&mut event.action);
        event.record_ids = changes.iter().map(|c| c.record_id).collect::<BTreeSet<_>>().into_iter().collect();
        self.save_batch(&register, event, &row, (&before, &batch), "reviewed", None)?;
        Ok(Sealed::new(self.batch_view(register.name(), id)?, None))
    }

    /// Approves a batch that somebody else proposed and reviewed. One that needs no decision and that its proposer left
    /// as it was counts as reviewed by them.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] for whoever proposed or reviewed it, in whatever role; [`Refusal::Conflict`] for what is
    /// undecided, changed or over.
    pub fn batch_approve(
        &mut self,
        permit: Permit<'tx, RetentionApprove>,
        id: Uuid,
        revision: Option<u32>,
    ) -> Result<Sealed<'tx, BatchView>, Error> {
        let register = permit.register.clone();
        let clause = permit.ruling.decision.clause.clone();
        let (row, before) = batch_of(self.conn, register.name(), id)?;
        let mut batch = before.clone();
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::RetentionApprove, &actor, &permit.ruling);
        event.detail = Some(json!({ "batch_id": id }));
        let by = self.person(&register)?.ok_or_else(|| Refusal::Forbidden {
            clause: clause.clone(),
            detail: "people approve, no job does".into(),
        })?;
        let seen = revision.unwrap_or(batch.revision());
        let mut approve = || {
            if let (BatchState::Proposed, rules::Actor::Person(proposer)) = (batch.state(), batch.proposed_by().clone())
            {
                if proposer.is(&by) {
                    return Err(BatchRefusal::SamePerson);
                }
                batch.finish_review(&proposer, seen)?;
            }
            batch.approve(&by, seen)
        };
        if let Err(refusal) = approve() {
            return Err(match refused(&refusal, &clause) {
                Error::Refused(refusal @ Refusal::Forbidden { .. }) => self.refuse(event, refusal),
                other => other,
            });
        }
        event.record_ids = batch.items().iter().map(|i| i.record).collect::<BTreeSet<_>>().into_iter().collect();
        self.save_batch(&register, event, &row, (&before, &batch), "approved", None)?;
        Ok(Sealed::new(self.batch_view(register.name(), id)?, None))
    }

    /// Gives a batch up before it is approved, or a reviewed one back for review.
    ///
    /// # Errors
    /// As the batch refuses it.
    pub fn batch_give_up(
        &mut self,
        permit: Permit<'tx, RetentionPropose>,
        id: Uuid,
        reason: &str,
        only_back: bool,
    ) -> Result<Sealed<'tx, BatchView>, Error> {
        let register = permit.register.clone();
        let clause = permit.ruling.decision.clause.clone();
        let (row, before) = batch_of(self.conn, register.name(), id)?;
        let mut batch = before.clone();
        let done = if only_back { batch.send_back(reason) } else { batch.cancel(reason) };
        done.map_err(|r| refused(&r, &clause))?;
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::RetentionPropose, &actor, &permit.ruling);
        "retention.cancel".clone_into(&mut event.action);
        let step = if only_back { "sent_back" } else { "cancelled" };
        self.save_batch(&register, event, &row, (&before, &batch), step, Some(("reason", json!(reason.trim()))))?;
        Ok(Sealed::new(self.batch_view(register.name(), id)?, None))
    }

    /// Begins to carry out what was approved, or goes on where it was cut short.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] for whoever approved it; [`Refusal::Conflict`] for what is not approved or is over.
    pub fn batch_start(
        &mut self,
        permit: Permit<'tx, RetentionExecute>,
        id: Uuid,
    ) -> Result<Sealed<'tx, Execution>, Error> {
        let register = permit.register.clone();
        let clause = permit.ruling.decision.clause.clone();
        let (row, before) = batch_of(self.conn, register.name(), id)?;
        let mut batch = before.clone();
        let by = self.doer(&register)?;
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::RetentionExecute, &actor, &permit.ruling);
        if matches!(by, rules::Actor::Job(_)) && before.state() != BatchState::Executing {
            let detail = "a person begins to carry out a batch; the installation only goes on with it".to_owned();
            return Err(Refusal::Forbidden { clause, detail }.into());
        }
        if let Err(refusal) = batch.start(&by) {
            event.detail = Some(json!({ "batch_id": id }));
            return Err(match refused(&refusal, &clause) {
                Error::Refused(refusal @ Refusal::Forbidden { .. }) => self.refuse(event, refusal),
                other => other,
            });
        }
        if before.state() == BatchState::Executing {
            self.note(event, 0, Some(json!({ "batch_id": id, "resumed": true })))?;
        } else {
            let archives = batch.items().iter().any(|i| i.action() == Some(rules::Action::Archive));
            let started = Some(("execution", json!({ "by": actor.user_id, "archives": archives })));
            self.save_batch(&register, event, &row, (&before, &batch), "started", started)?;
        }
        Ok(Sealed::new(execution(&row, &batch), None))
    }

    /// How the records of items stand now, and whose data were disclosed since. A reference from a record stands in the
    /// way unless the data that it is part of stand in `batch` and may go as well.
    fn standing(
        &mut self,
        register: &Register,
        ids: &[Uuid],
        batch: &Batch,
        since: i64,
    ) -> Result<(Stands, BTreeSet<Uuid>), Error> {
        let texts: Vec<String> = ids.iter().map(Uuid::to_string).collect();
        let mut disclosed = BTreeSet::new();
        for some in texts.chunks(1_000) {
            let found: Vec<String> = disclosure_subject::table
                .inner_join(
                    disclosure::table.on(disclosure::register
                        .eq(disclosure_subject::register)
                        .and(disclosure::id.eq(disclosure_subject::disclosure_id))),
                )
                .filter(disclosure_subject::register.eq(register.name()))
                .filter(disclosure_subject::record_id.eq_any(some))
                .filter(disclosure::released_at.gt(since))
                .select(disclosure_subject::record_id)
                .distinct()
                .load(self.conn)?;
            for id in found {
                disclosed.insert(facts::id(&id)?);
            }
        }
        let look = if batch.closing().is_some() { recheck_closing } else { recheck };
        let goes = |known: &Known, why: &Why, rule: &str| {
            let now = Now { why: Some(why), disclosed_since_approval: disclosed.contains(&known.record_id) };
            let item = batch.item((known.record_id, rule)).filter(|i| i.action().is_some());
            item.is_some_and(|item| matches!(look(item, now), Recheck::Go | Recheck::AlreadyGone))
        };
        let (all, holds) = (rules_of(register)?, holds_of(self.conn, register.name())?);
        let today = self.today(register);
        let found = stand(self.conn, register, (&all, &holds), ids, today, &goes, false)?;
        Ok((found.into_iter().map(|(known, why)| (known.record_id, (known, why))).collect(), disclosed))
    }

    /// Erases the next part of what was approved: each item is looked at once more, in this very transaction. What
    /// refers to a record of the part goes with it.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] where something else comes first.
    pub fn batch_erase(
        &mut self,
        permit: Permit<'tx, RetentionExecute>,
        id: Uuid,
    ) -> Result<Sealed<'tx, Execution>, Error> {
        let register = permit.register.clone();
        let clause = permit.ruling.decision.clause.clone();
        let mut part = BatchPart::next(self.conn, register.name(), id, ERASED_AT_ONCE)?;
        // Of a part nobody can tell whether the batch has a package to make first.
        let archives = part.row.body["execution"]["archives"].as_bool().unwrap_or(true);
        if archives && part.row.body["batch"]["done"].is_null() {
            return Err(refused(&BatchRefusal::OutOfOrder { next: Some(Step::PackageWritten) }, &clause));
        }
        let mut fresh = part.records();
        while !fresh.is_empty() && part.records().len() <= TOGETHER {
            let by = referrers_of(self.conn, &register, &fresh, &part.types())?;
            let there: BTreeSet<Uuid> = part.records().into_iter().collect();
            let by: Vec<Uuid> = by.difference(&there).copied().collect();
            part.add(self.conn, register.name(), id, &by)?;
            fresh = part.records().into_iter().filter(|id| !there.contains(id)).collect();
        }
        let before = part.batch()?;
        let mut batch = before.clone();
        let ids = part.records();
        let since = part.row.approved_at.unwrap_or(i64::MAX);
        let (standing, disclosed) = self.standing(&register, &ids, &before, since)?;
        let all = rules_of(&register)?;
        let mut rules_by: BTreeMap<Uuid, Vec<String>> = BTreeMap::new();
        for (record, rule) in pending(&batch) {
            rules_by.entry(record).or_default().push(rule);
        }
        let mut gone: Vec<ErasedItem> = Vec::new();
        let mut spent: Vec<Vec<Cleared>> = Vec::new();
        for (record, names) in rules_by {
            let found = standing.get(&record);
            let mut leave = Vec::new();
            for rule in names {
                let now = Now { why: found.map(|(_, why)| why), disclosed_since_approval: disclosed.contains(&record) };
                leave.extend(batch.clear((record, &rule), now).map_err(|r| refused(&r, &clause))?);
            }
            let Some((known, why)) = found else { continue };
            let Some(kind) = register.record_type(&known.record_type) else { continue };
            if let Some((item, leave)) = gone_of(&register, kind, (known, why), &all, &batch, leave) {
                gone.push(item);
                spent.push(leave);
            }
        }
        let actor = self.actor(&register)?;
        let mut erased: Vec<Erasure> = gone.iter().map(|item| item.listed(register.name(), id)).collect();
        if !gone.is_empty() {
            let mut event = self.event(&register, Action::RetentionExecute, &actor, &permit.ruling);
            "retention.erase".clone_into(&mut event.action);
            event.record_ids = gone.iter().map(|item| item.gone.record_id).collect();
            let write = ErasedWrite { register: register.clone(), batch_id: id, number: part.row.number, items: gone };
            let (_, at) = self.apply(event, 0, Change::Erased(Box::new(write)))?;
            erased.iter_mut().for_each(|one| one.erased_at = at);
        }
        for cleared in spent.into_iter().flatten() {
            batch.erased(cleared).map_err(|r| refused(&r, &clause))?;
        }
        if !part.more && self::pending(&batch).is_empty() {
            batch.step_done(Step::Erased).map_err(|r| refused(&r, &clause))?;
        }
        let event = self.event(&register, Action::RetentionExecute, &actor, &permit.ruling);
        let places = part.positions();
        self.save_part(&register, event, &part.row, (&before, &batch, &places), "erased", None)?;
        Ok(Sealed::new(Execution { erased, ..execution(&part.row, &batch) }, None))
    }

    /// Records that a step of the execution is done, with what is to be kept beside the batch.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] where another step comes first.
    pub fn batch_step(
        &mut self,
        permit: Permit<'tx, RetentionExecute>,
        id: Uuid,
        step: Step,
        beside: Option<(&'static str, Value)>,
    ) -> Result<Sealed<'tx, Execution>, Error> {
        let register = permit.register.clone();
        let clause = permit.ruling.decision.clause.clone();
        let (row, before) = batch_of(self.conn, register.name(), id)?;
        let mut batch = before.clone();
        batch.step_done(step).map_err(|r| refused(&r, &clause))?;
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::RetentionExecute, &actor, &permit.ruling);
        let word = match step {
            Step::PackageWritten => "packaged",
            Step::PackageVerified => "verified",
            Step::Stored => "stored",
            Step::Erased => "erased",
            Step::ActDrawn => "finished",
        };
        if step == Step::PackageWritten {
            // Whose data were read into the package stands in the log.
            let into = batch.items().iter().filter(|i| i.action() == Some(rules::Action::Archive));
            let into = into.filter(|i| matches!(i.outcome, Outcome::Pending | Outcome::Erased));
            event.record_ids = into.map(|i| i.record).collect::<BTreeSet<_>>().into_iter().collect();
        }
        self.save_batch(&register, event, &row, (&before, &batch), word, beside)?;
        Ok(Sealed::new(execution(&row, &batch), None))
    }

    /// Looks once more at everything that is to go into the package: what falls out does not get into it. The records
    /// that do.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] where the batch is not being carried out.
    pub fn batch_look(
        &mut self,
        permit: Permit<'tx, RetentionExecute>,
        id: Uuid,
    ) -> Result<Sealed<'tx, Vec<(Uuid, String)>>, Error> {
        let register = permit.register.clone();
        let clause = permit.ruling.decision.clause.clone();
        let (row, before) = batch_of(self.conn, register.name(), id)?;
        let mut batch = before.clone();
        let wanted: Vec<(Uuid, String)> = batch
            .items()
            .iter()
            .filter(|i| i.action() == Some(rules::Action::Archive))
            .map(|i| (i.record, i.rule.clone()))
            .collect();
        let mut into = BTreeMap::new();
        let mut rules_by: BTreeMap<Uuid, Vec<String>> = BTreeMap::new();
        for (record, rule) in wanted {
            rules_by.entry(record).or_default().push(rule);
        }
        let since = row.approved_at.unwrap_or(i64::MAX);
        let going = || before.items().iter().filter(|i| i.action().is_some());
        let types: BTreeSet<String> = going().map(|i| i.record_type.clone()).collect();
        let among: BTreeSet<Uuid> = going().map(|i| i.record).collect();
        let records: Vec<Uuid> = rules_by.keys().copied().collect();
        for some in records.chunks(500) {
            let mut ids: BTreeSet<Uuid> = some.iter().copied().collect();
            let mut fresh = some.to_vec();
            while !fresh.is_empty() && ids.len() <= TOGETHER {
                let by = referrers_of(self.conn, &register, &fresh, &types)?;
                fresh = by.into_iter().filter(|id| among.contains(id) && !ids.contains(id)).collect();
                ids.extend(&fresh);
            }
            let ids: Vec<Uuid> = ids.into_iter().collect();
            let (standing, disclosed) = self.standing(&register, &ids, &before, since)?;
            for record in some {
                let found = standing.get(record);
                let now = Now { why: found.map(|(_, why)| why), disclosed_since_approval: disclosed.contains(record) };
                for rule in rules_by.get(record).into_iter().flatten() {
                    let look = batch.look((*record, rule), now).map_err(|r| refused(&r, &clause))?;
                    if let (Recheck::Go, Some((known, _))) = (look, found) {
                        into.insert(*record, known.record_type.clone());
                    }
                }
            }
        }
        let actor = self.actor(&register)?;
        let event = self.event(&register, Action::RetentionExecute, &actor, &permit.ruling);
        self.save_batch(&register, event, &row, (&before, &batch), "looked", None)?;
        Ok(Sealed::new(into.into_iter().collect(), None))
    }

    /// The number that the next act gets.
    ///
    /// # Errors
    /// Those of the database.
    pub(in crate::store) fn next_act(&mut self, register: &str) -> Result<i64, Error> {
        let last: Option<i64> = retention_act::table
            .filter(retention_act::register.eq(register))
            .select(diesel::dsl::max(retention_act::number))
            .first(self.conn)?;
        Ok(last.unwrap_or(0) + 1)
    }

    /// Writes the acts of a batch and ends it, in one transaction.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] where something else comes first; what `draw` refused.
    pub fn batch_finish(
        &mut self,
        permit: Permit<'tx, RetentionExecute>,
        id: Uuid,
        draw: &dyn Fn(&Closing<'_>) -> Result<Vec<DrawnAct>, Error>,
    ) -> Result<Sealed<'tx, BatchView>, Error> {
        let register = permit.register.clone();
        let clause = permit.ruling.decision.clause.clone();
        let (row, before) = batch_of(self.conn, register.name(), id)?;
        let mut batch = before.clone();
        batch.step_done(Step::ActDrawn).map_err(|r| refused(&r, &clause))?;
        let first = self.next_act(register.name())?;
        let facts = self.act_facts(&register, &batch, &row)?;
        let closing = Closing { register: &register, batch: &batch, row: &row, first, facts };
        let acts = draw(&closing)?;
        let actor = self.actor(&register)?;
        for act in acts {
            let mut event = self.event(&register, Action::RetentionExecute, &actor, &permit.ruling);
            "retention.act".clone_into(&mut event.action);
            let write = ActWrite {
                kind: act.kind,
                number: act.number,
                batch_id: id,
                digest: act.digest,
                body: act.body,
                pdf: act.pdf,
            };
            self.apply(event, 0, Change::ActDrawn(Box::new(write)))?;
        }
        let event = self.event(&register, Action::RetentionExecute, &actor, &permit.ruling);
        self.save_batch(&register, event, &row, (&before, &batch), "finished", None)?;
        Ok(Sealed::new(self.batch_view(register.name(), id)?, None))
    }
}

impl WriteTx<'_> {
    /// What an act says beyond the batch: who prepared and approved it, and where the log shows what went.
    fn act_facts(&mut self, register: &Register, batch: &Batch, row: &BatchRow) -> Result<ActFacts, Error> {
        use crate::store::schema::{app_user, audit_checkpoint, audit_leaf, erasure};
        let at = |micros: Option<i64>| crate::domain::calendar::instant(micros.unwrap_or(row.proposed_at));
        // What people call the role in which somebody did a step.
        let role = |step: &str| {
            let name = row.body["roles"][step].as_str().unwrap_or_default();
            let known = register.definition.register.roles.iter().find(|r| r.name == name);
            known.map_or_else(|| name.to_owned(), |r| r.label.official().to_owned())
        };
        let mut official = |user: Option<Uuid>, step: &str, when| -> Result<OfficialRow, Error> {
            let name: Option<String> = match user {
                Some(user) => app_user::table
                    .find((crate::store::context::INSTALLATION_REGISTER, user.to_string()))
                    .select(app_user::display_name)
                    .first(self.tx.conn)
                    .optional()?,
                None => None,
            };
            Ok((user.unwrap_or(batch.id), name.unwrap_or_else(|| "installation".into()), role(step), when))
        };
        let (proposer, step) = match batch.proposed_by() {
            rules::Actor::Person(person) => (Some(person.user), "proposed"),
            rules::Actor::Job(_) => (batch.reviewed_by().first().map(|p| p.user), "reviewed"),
        };
        let prepared_by = official(proposer, step, at(Some(row.proposed_at)))?;
        let approved_by = official(batch.approved_by().map(|p| p.user), "approved", at(row.approved_at))?;
        let executor = row.body["execution"]["by"].as_str().and_then(|id| Uuid::parse_str(id).ok());
        let executed_by = official(executor, "started", at(row.approved_at))?.1;
        let places: Vec<Option<i64>> = erasure::table
            .left_join(
                audit_leaf::table
                    .on(audit_leaf::register.eq(erasure::register).and(audit_leaf::event_id.eq(erasure::audit_id))),
            )
            .filter(erasure::register.eq(register.name()))
            .filter(erasure::batch_id.eq(batch.id.to_string()))
            .select(audit_leaf::seq.nullable())
            .distinct()
            .load(self.tx.conn)?;
        if places.iter().any(Option::is_none) {
            return Err(waiting());
        }
        let ledger: Vec<(String, String)> = erasure::table
            .filter(erasure::register.eq(register.name()))
            .filter(erasure::batch_id.eq(batch.id.to_string()))
            .select((erasure::record_type, erasure::rules))
            .load(self.tx.conn)?;
        let mut went: BTreeMap<(String, String), (u64, u64)> = BTreeMap::new();
        for (record_type, rules) in ledger {
            for told in facts::json(&rules)?.as_array().into_iter().flatten() {
                let Some(rule) = told["rule"].as_str() else { continue };
                let sum = went.entry((record_type.clone(), rule.to_owned())).or_default();
                sum.0 += told["documents"].as_u64().unwrap_or(0);
                sum.1 += told["bytes"].as_u64().unwrap_or(0);
            }
        }
        let erasures: Vec<u64> = places.into_iter().flatten().filter_map(|seq| u64::try_from(seq).ok()).collect();
        let first = erasures.iter().min().copied().and_then(|seq| i64::try_from(seq).ok()).unwrap_or(0);
        let note: Option<String> = audit_checkpoint::table
            .filter(audit_checkpoint::register.eq(register.name()))
            .filter(audit_checkpoint::size.le(first))
            .order(audit_checkpoint::size.desc())
            .select(audit_checkpoint::note)
            .first(self.tx.conn)
            .optional()?;
        let before = note.and_then(|note| {
            let text = note.split("\n\n").next().map(|t| format!("{t}\n"))?;
            let checkpoint = crate::domain::audit::checkpoint::Checkpoint::parse(&text).ok()?;
            Some((checkpoint.size, crate::domain::hex(&checkpoint.root)))
        });
        Ok(ActFacts {
            definition_digest: crate::store::facts::definition_digest(self.tx.conn, register.name())?,
            before,
            erasures,
            prepared_by,
            approved_by,
            executed_by,
            went,
        })
    }
}

/// What an act is drawn up from.
pub struct Closing<'a> {
    /// Register.
    pub register: &'a Register,
    /// The batch, carried out.
    pub batch: &'a Batch,
    pub(in crate::store) row: &'a BatchRow,
    /// Number of the first act.
    pub first: i64,
    /// What else stands in it.
    pub facts: ActFacts,
}

/// An official in an act: user, name, role, and when they acted.
pub type OfficialRow = (Uuid, String, String, chrono::DateTime<chrono::Utc>);

/// Records with what is known of each, and why they stand as they do.
type Stands = BTreeMap<Uuid, (Known, Why)>;

/// What an act says beyond the batch.
pub struct ActFacts {
    /// Digest of the definition in force.
    pub definition_digest: String,
    /// Size and root (lower-case hexadecimal) of the log when the batch was approved.
    pub before: Option<(u64, String)>,
    /// Places of the events of erasure in the log.
    pub erasures: Vec<u64>,
    /// Who prepared it.
    pub prepared_by: OfficialRow,
    /// Who approved it.
    pub approved_by: OfficialRow,
    /// Who carried it out, by name.
    pub executed_by: String,
    /// Base documents and files that went, and bytes of data and files, by record type and rule: each once, with the
    /// rule with which the record's last data went.
    pub went: BTreeMap<(String, String), (u64, u64)>,
}

impl Closing<'_> {
    /// Number of the batch.
    pub fn number(&self) -> i64 {
        self.row.number
    }

    /// By which day everything in it was due.
    pub fn due_on(&self) -> NaiveDate {
        self.row.due_on
    }

    /// What is kept beside the batch under a name: the package, the checkpoints.
    pub fn beside(&self, name: &str) -> Option<&Value> {
        self.row.body.get(name).filter(|v| !v.is_null())
    }
}

/// The log has not given every event its place yet: it does within a second.
pub fn waiting() -> Error {
    let detail = "the log has not placed every event of the erasure yet: try again in a second".to_owned();
    Refusal::Conflict { code: LOG_WAITING, detail, clause: None }.into()
}

/// Code of [`waiting`].
pub const LOG_WAITING: &str = "log_waiting";

/// What goes of one record by the leave there is for it.
fn gone_of(
    register: &Register,
    kind: &RecordType,
    (known, why): (&Known, &Why),
    all: &[rules::Rule],
    batch: &Batch,
    leave: Vec<Cleared>,
) -> Option<(ErasedItem, Vec<Cleared>)> {
    let mut fields = BTreeSet::new();
    let mut told = Vec::new();
    for rule in leave.iter().filter_map(Cleared::rule) {
        if let Some(basis) = batch.closing() {
            fields.extend(basis.fields(kind, rule, &known.fields));
            told.push((None, std::cmp::Reverse(rule), json!({ "rule": rule })));
            continue;
        }
        let Some(source) = all.iter().find(|r| r.name == rule) else { continue };
        let (item, part) = (batch.item((known.record_id, rule)), why.part(rule));
        if item.and_then(Item::action) == Some(rules::Action::Anonymise) {
            let types = &register.definition.record_types;
            fields.extend(anonymised(kind, types, source, &known.fields).goes);
        } else if let Some(part) = part {
            fields.extend(part.fields.iter().cloned());
        }
        let trigger = part.and_then(|p| p.trigger.clone());
        let said = json!({ "rule": rule, "source": trigger, "on": item.map(|i| i.trigger_on) });
        told.push((item.map(|i| i.due_on), std::cmp::Reverse(rule), said));
    }
    // The last of them is the one with which the record goes.
    told.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    let told: Vec<Value> = told.into_iter().map(|(_, _, said)| said).collect();
    let whole = erasure(&fields, &known.entries).is_whole();
    let mut gone = Gone::by(leave, &known.record_type, (!whole).then_some(fields))?;
    let leave = gone.take_leave();
    Some((ErasedItem { gone, rules: Value::Array(told) }, leave))
}

fn pending(batch: &Batch) -> Vec<(Uuid, String)> {
    let open = |i: &&Item| i.action().is_some() && matches!(i.outcome, Outcome::Pending | Outcome::Failed(_));
    batch.items().iter().filter(open).map(|i| (i.record, i.rule.clone())).collect()
}

fn execution(row: &BatchRow, batch: &Batch) -> Execution {
    let (next, pending, closing) = (batch.next_step(), pending(batch).len(), batch.closing().cloned());
    Execution { id: batch.id, number: row.number, next, pending, erased: Vec::new(), closing }
}
