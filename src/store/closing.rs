//! What changes when a register closes: the decision and its steps.

use chrono::NaiveDate;
use diesel::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::change::digest_of;
use super::conn::AnyConn;
use super::error::Error;
use super::schema::register_closing;
use crate::domain::refusal::Refusal;

/// A decision to close the register.
pub(in crate::store) struct ClosingWrite {
    pub id: Uuid,
    pub closed_from: NaiveDate,
    pub body: Value,
    pub idempotency: Option<(String, String, Vec<u8>)>,
}

/// What happened to it.
pub(in crate::store) struct ClosingStep {
    pub id: Uuid,
    /// `approved`, `withdrawn`, `batch` or `done`.
    pub step: &'static str,
    pub state: &'static str,
    /// Version before the step; the step fails on any other.
    pub version: i64,
    pub approved_by: Option<String>,
    pub body: Value,
}

impl ClosingWrite {
    pub(in crate::store) fn detail(&self) -> Value {
        json!({
            "closing_id": self.id,
            "closed_from": self.closed_from.to_string(),
            "document": self.body["decision"]["document"],
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
        diesel::insert_into(register_closing::table)
            .values((
                register_closing::register.eq(register),
                register_closing::id.eq(self.id.to_string()),
                register_closing::state.eq("proposed"),
                register_closing::closed_from.eq(self.closed_from.to_string()),
                register_closing::proposed_at.eq(at),
                register_closing::proposed_by.eq(by),
                register_closing::version.eq(1),
                register_closing::body.eq(self.body.to_string()),
                register_closing::audit_id.eq(audit),
            ))
            .execute(conn)?;
        Ok(())
    }
}

impl ClosingStep {
    pub(in crate::store) fn detail(&self) -> Value {
        json!({
            "closing_id": self.id,
            "step": self.step,
            "state": self.state,
            "sha256": digest_of(&self.body),
        })
    }

    pub(in crate::store) fn write(self, conn: &mut AnyConn, register: &str, at: i64) -> Result<(), Error> {
        let id = self.id.to_string();
        let row = register_closing::table
            .filter(register_closing::register.eq(register))
            .filter(register_closing::id.eq(&id))
            .filter(register_closing::version.eq(self.version));
        let changed = diesel::update(row)
            .set((
                register_closing::state.eq(self.state),
                register_closing::version.eq(self.version + 1),
                register_closing::body.eq(self.body.to_string()),
            ))
            .execute(conn)?;
        if changed != 1 {
            let detail = "the decision went on meanwhile: look at it again".to_owned();
            return Err(Refusal::Conflict { code: "outdated", detail, clause: None }.into());
        }
        let row = register_closing::table.find((register, &id));
        if let Some(who) = &self.approved_by {
            diesel::update(row)
                .set((register_closing::approved_at.eq(at), register_closing::approved_by.eq(who)))
                .execute(conn)?;
        }
        if self.step == "done" {
            let row = register_closing::table.find((register, &id));
            diesel::update(row).set(register_closing::finished_at.eq(at)).execute(conn)?;
        }
        Ok(())
    }
}
