//! What changes when data come to their end: holds, batches and their steps, what is erased, acts.

use std::sync::Arc;

use chrono::NaiveDate;
use diesel::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::change::digest_of;
use super::conn::AnyConn;
use super::erase::{Gone, erase};
use super::error::Error;
use super::facts::LAST_DAY;
use super::schema::{erasure, legal_hold, retention_act, retention_batch, retention_item};
use crate::domain::backup::Erasure;
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;

/// A legal hold.
pub(in crate::store) struct HoldWrite {
    pub id: Uuid,
    /// `record`, `person` or `query`.
    pub scope: &'static str,
    pub record_id: Option<Uuid>,
    pub personal_code: Option<String>,
    pub record_type: Option<String>,
    pub until: Option<NaiveDate>,
    pub body: Value,
}

/// A batch with its items.
pub(in crate::store) struct BatchWrite {
    pub id: Uuid,
    pub number: i64,
    pub due_on: NaiveDate,
    /// The batch without its items.
    pub body: Value,
    pub items: Vec<ItemRow>,
    /// Where it carries out a decision: it was proposed and approved with that.
    pub decided: Option<Decided>,
    pub idempotency: Option<(String, String, Vec<u8>)>,
}

/// Who proposed and who approved a decision, and when.
pub(in crate::store) struct Decided {
    pub proposed_at: i64,
    pub proposed_by: String,
    pub approved_at: Option<i64>,
    pub approved_by: Option<String>,
}

/// An item of a batch: the data of a record under a rule.
pub(in crate::store) struct ItemRow {
    pub position: i64,
    pub record_id: Uuid,
    pub record_type: String,
    pub rule: String,
    pub due_on: NaiveDate,
    /// `proposed`, `excluded`, `kept`, `erased`, `dropped` or `failed`.
    pub state: &'static str,
    pub body: Value,
}

/// A step of a batch.
pub(in crate::store) struct BatchStep {
    pub id: Uuid,
    pub number: i64,
    /// What happened: `reviewed`, `approved`, `cancelled`, `started`, `packaged`, `stored`, `erased`, `finished`.
    pub step: &'static str,
    pub state: &'static str,
    /// Version before the step; the step fails on any other.
    pub version: i64,
    pub approved_by: Option<String>,
    pub finished: bool,
    pub body: Value,
    /// Items that changed.
    pub items: Vec<ItemRow>,
}

/// Data that go.
pub(in crate::store) struct ErasedWrite {
    pub register: Arc<Register>,
    pub batch_id: Uuid,
    pub number: i64,
    pub items: Vec<ErasedItem>,
}

/// One record of which data go.
pub(in crate::store) struct ErasedItem {
    pub gone: Gone,
    /// Rules by which it goes, each with what it counted from and the day of that.
    pub rules: Value,
}

/// An act.
pub(in crate::store) struct ActWrite {
    pub kind: &'static str,
    pub number: i64,
    pub batch_id: Uuid,
    /// SHA-256 of the canonical body, in lower-case hexadecimal.
    pub digest: String,
    pub body: String,
    pub pdf: Vec<u8>,
}

impl HoldWrite {
    pub(in crate::store) fn detail(&self) -> Value {
        json!({
            "hold_id": self.id,
            "scope": self.scope,
            "record_type": self.record_type,
            "until": self.until.map(|d| d.to_string()),
            "sha256": digest_of(&self.body),
        })
    }

    pub(in crate::store) fn write(
        self,
        conn: &mut AnyConn,
        register: &str,
        audit: &str,
        at: i64,
        by: &str,
    ) -> Result<(), Error> {
        diesel::insert_into(legal_hold::table)
            .values((
                legal_hold::register.eq(register),
                legal_hold::id.eq(self.id.to_string()),
                legal_hold::scope.eq(self.scope),
                legal_hold::record_id.eq(self.record_id.map(|id| id.to_string())),
                legal_hold::personal_code.eq(self.personal_code),
                legal_hold::record_type.eq(self.record_type),
                legal_hold::until_day.eq(self.until.map_or_else(|| LAST_DAY.to_owned(), |d| d.to_string())),
                legal_hold::set_at.eq(at),
                legal_hold::set_by.eq(by),
                legal_hold::body.eq(self.body.to_string()),
                legal_hold::audit_id.eq(audit),
            ))
            .execute(conn)?;
        Ok(())
    }
}

impl BatchWrite {
    pub(in crate::store) fn detail(&self) -> Value {
        json!({
            "batch_id": self.id,
            "number": self.number,
            "due_on": self.due_on.to_string(),
            "records": self.items.len(),
        })
    }

    pub(in crate::store) fn write(
        self,
        conn: &mut AnyConn,
        register: &str,
        audit: &str,
        at: i64,
        by: &str,
    ) -> Result<(), Error> {
        let id = self.id.to_string();
        let state = if self.decided.is_some() { "approved" } else { "proposed" };
        let decided = self.decided.unwrap_or_else(|| Decided {
            proposed_at: at,
            proposed_by: by.to_owned(),
            approved_at: None,
            approved_by: None,
        });
        diesel::insert_into(retention_batch::table)
            .values((
                retention_batch::register.eq(register),
                retention_batch::id.eq(&id),
                retention_batch::number.eq(self.number),
                retention_batch::state.eq(state),
                retention_batch::due_on.eq(self.due_on.to_string()),
                retention_batch::proposed_at.eq(decided.proposed_at),
                retention_batch::proposed_by.eq(decided.proposed_by),
                retention_batch::approved_at.eq(decided.approved_at),
                retention_batch::approved_by.eq(decided.approved_by),
                retention_batch::version.eq(1),
                retention_batch::body.eq(self.body.to_string()),
                retention_batch::audit_id.eq(audit),
            ))
            .execute(conn)?;
        for some in self.items.chunks(1_000) {
            let rows: Vec<_> = some
                .iter()
                .map(|item| {
                    (
                        retention_item::register.eq(register),
                        retention_item::batch_id.eq(&id),
                        retention_item::position.eq(item.position),
                        retention_item::record_id.eq(item.record_id.to_string()),
                        retention_item::record_type.eq(&item.record_type),
                        retention_item::rule.eq(&item.rule),
                        retention_item::due_on.eq(item.due_on.to_string()),
                        retention_item::state.eq(item.state),
                        retention_item::body.eq(item.body.to_string()),
                    )
                })
                .collect();
            insert_rows!(conn, retention_item::table, rows)?;
        }
        Ok(())
    }
}

impl BatchStep {
    pub(in crate::store) fn detail(&self) -> Value {
        json!({
            "batch_id": self.id,
            "number": self.number,
            "step": self.step,
            "state": self.state,
            "records": self.items.len(),
            "sha256": digest_of(&self.body),
        })
    }

    pub(in crate::store) fn write(self, conn: &mut AnyConn, register: &str, at: i64) -> Result<(), Error> {
        let id = self.id.to_string();
        let row = retention_batch::table
            .filter(retention_batch::register.eq(register))
            .filter(retention_batch::id.eq(&id))
            .filter(retention_batch::version.eq(self.version));
        let changed = diesel::update(row)
            .set((
                retention_batch::state.eq(self.state),
                retention_batch::version.eq(self.version + 1),
                retention_batch::body.eq(self.body.to_string()),
            ))
            .execute(conn)?;
        if changed != 1 {
            return Err(Refusal::Conflict {
                code: "outdated",
                detail: "the batch went on meanwhile: look at it again".into(),
                clause: None,
            }
            .into());
        }
        if let Some(who) = &self.approved_by {
            diesel::update(retention_batch::table.find((register, &id)))
                .set((retention_batch::approved_at.eq(at), retention_batch::approved_by.eq(who)))
                .execute(conn)?;
        }
        if self.finished {
            diesel::update(retention_batch::table.find((register, &id)))
                .set(retention_batch::finished_at.eq(at))
                .execute(conn)?;
        }
        for item in &self.items {
            diesel::update(retention_item::table.find((register, &id, item.position)))
                .set((retention_item::state.eq(item.state), retention_item::body.eq(item.body.to_string())))
                .execute(conn)?;
        }
        Ok(())
    }
}

impl ErasedItem {
    /// How it is listed beside the copies of the database; when is not known yet.
    pub(in crate::store) fn listed(&self, register: &str, batch_id: Uuid) -> Erasure {
        let fields = self.gone.fields.as_ref().map(|names| names.iter().cloned().collect());
        let record = (self.gone.record_id, self.gone.record_type.clone());
        Erasure::new(register, record, fields, self.rules.clone(), (batch_id, 0))
    }
}

impl ErasedWrite {
    pub(in crate::store) fn detail(&self) -> Value {
        let whole = self.items.iter().filter(|item| item.gone.fields.is_none()).count();
        json!({
            "batch_id": self.batch_id,
            "number": self.number,
            "records": whole,
            "parts": self.items.len() - whole,
        })
    }

    /// Everything that goes, goes here: through the gate, and then into the ledger, with how much it was.
    pub(in crate::store) fn write(self, conn: &mut AnyConn, register: &str, audit: &str, at: i64) -> Result<(), Error> {
        let batch_id = self.batch_id.to_string();
        let (gone, rules): (Vec<Gone>, Vec<Value>) = self.items.into_iter().map(|item| (item.gone, item.rules)).unzip();
        let went = erase(conn, &self.register, &gone, audit)?;
        let ledger: Vec<_> = gone
            .iter()
            .zip(rules)
            .map(|(gone, mut rules)| {
                let record_id = gone.record_id.to_string();
                let went = went.get(&record_id).copied().unwrap_or_default();
                // What goes goes with the last of its rules; the act counts it there, and once.
                if let Some(last) = rules.as_array_mut().and_then(|all| all.last_mut()).and_then(Value::as_object_mut) {
                    last.insert("documents".into(), json!(went.documents));
                    last.insert("bytes".into(), json!(went.bytes));
                }
                (
                    erasure::register.eq(register),
                    erasure::record_id.eq(record_id),
                    erasure::batch_id.eq(&batch_id),
                    erasure::record_type.eq(&gone.record_type),
                    erasure::fields.eq(gone.fields.as_ref().map(|names| json!(names).to_string())),
                    erasure::rules.eq(rules.to_string()),
                    erasure::erased_at.eq(at),
                    erasure::audit_id.eq(audit),
                )
            })
            .collect();
        for some in ledger.chunks(1_000) {
            insert_rows!(conn, erasure::table, some)?;
        }
        Ok(())
    }
}

impl ActWrite {
    pub(in crate::store) fn detail(&self) -> Value {
        json!({ "act": self.number, "kind": self.kind, "batch_id": self.batch_id, "digest": self.digest })
    }

    pub(in crate::store) fn write(self, conn: &mut AnyConn, register: &str, audit: &str, at: i64) -> Result<(), Error> {
        diesel::insert_into(retention_act::table)
            .values((
                retention_act::register.eq(register),
                retention_act::kind.eq(self.kind),
                retention_act::number.eq(self.number),
                retention_act::batch_id.eq(self.batch_id.to_string()),
                retention_act::made_at.eq(at),
                retention_act::digest.eq(self.digest),
                retention_act::body.eq(self.body),
                retention_act::pdf.eq(self.pdf),
                retention_act::audit_id.eq(audit),
            ))
            .execute(conn)?;
        Ok(())
    }
}
