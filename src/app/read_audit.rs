//! Reading the log and proving it.

use chrono::{DateTime, Utc};

use super::{ActContext, App, Disclosed, Error};
use crate::store::guard::{AuditProve, AuditRead};
use crate::store::read::audit::{AuditList, AuditQuery, ExportLine, ProofView};
use crate::store::read::survey::Survey;

impl App {
    /// Entries of the log, newest first.
    ///
    /// # Errors
    /// Refusals with their clause.
    pub async fn read_audit(
        &self,
        cx: ActContext,
        register: String,
        query: AuditQuery,
    ) -> Result<Disclosed<AuditList>, Error> {
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_register::<AuditRead>(&register, None)?;
            tx.audit_list(permit, &query)
        });
        Ok(act.await?)
    }

    /// Entries of the log as [`App::read_audit`] gives them, with what there is in all, told apart at the instants
    /// `steps`: by day, kind, actor and purpose.
    ///
    /// # Errors
    /// Refusals with their clause; too many instants.
    pub async fn survey_audit(
        &self,
        cx: ActContext,
        register: String,
        query: AuditQuery,
        steps: Vec<DateTime<Utc>>,
    ) -> Result<Disclosed<Survey>, Error> {
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_register::<AuditRead>(&register, None)?;
            tx.audit_survey(permit, &query, &steps)
        });
        Ok(act.await?)
    }

    /// A signed checkpoint.
    ///
    /// # Errors
    /// Refusals with their clause; an empty log.
    pub async fn audit_checkpoint(&self, cx: ActContext, register: String) -> Result<Disclosed<String>, Error> {
        // Of a register that has come to its end the last checkpoint is given: nothing signs another.
        let signer = self.log_keys.signer(&register);
        let act = self.store.write(cx, move |tx| {
            let permit = tx.authorize_register::<AuditProve>(&register, None)?;
            if let Some(note) = tx.last_checkpoint(&register)? {
                return tx.audit_kept(permit, note);
            }
            let signer = signer.as_ref().map_err(|e| crate::store::Error::Unavailable(e.to_string()))?;
            tx.audit_checkpoint(permit, signer)
        });
        Ok(act.await?)
    }

    /// The verifier key of a register's checkpoints: public by nature.
    ///
    /// # Errors
    /// An unknown register.
    pub fn audit_vkey(&self, register: &str) -> Result<String, Error> {
        let known = self.store.registers().names().any(|n| n == register);
        if !known {
            return Err(crate::domain::refusal::Refusal::NotFound { what: "register" }.into());
        }
        self.log_keys.vkey(register)
    }

    /// An inclusion proof.
    ///
    /// # Errors
    /// Refusals with their clause; a leaf or size that the tree does not have.
    pub async fn audit_inclusion(
        &self,
        cx: ActContext,
        register: String,
        seq: u64,
        size: Option<u64>,
    ) -> Result<Disclosed<ProofView>, Error> {
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_register::<AuditProve>(&register, None)?;
            tx.audit_inclusion(permit, seq, size)
        });
        Ok(act.await?)
    }

    /// A consistency proof.
    ///
    /// # Errors
    /// As [`App::audit_inclusion`].
    pub async fn audit_consistency(
        &self,
        cx: ActContext,
        register: String,
        from: u64,
        to: Option<u64>,
    ) -> Result<Disclosed<ProofView>, Error> {
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_register::<AuditProve>(&register, None)?;
            tx.audit_consistency(permit, from, to)
        });
        Ok(act.await?)
    }

    /// A part of the export: lines from place `from` below `to`, at most `limit`.
    ///
    /// # Errors
    /// Refusals with their clause.
    pub async fn audit_export(
        &self,
        cx: ActContext,
        register: String,
        from: i64,
        to: i64,
        limit: i64,
    ) -> Result<Disclosed<Vec<ExportLine>>, Error> {
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_register::<AuditProve>(&register, None)?;
            tx.audit_export(permit, from, to, limit)
        });
        Ok(act.await?)
    }
}
