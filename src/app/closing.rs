//! Closing a register: the decision, its approval, carrying it out, the end; and what everybody may know of it.
//!
//! Carrying out goes on where it was cut short, whatever did it: the batches are those of retention, each of its steps
//! durable before the next begins; the end is one step of its own, after the last checkpoint and before the key goes.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use super::{ActContext, App, Disclosed, Error, KeyEnd};
use crate::domain::closing::Terms;
use crate::domain::refusal::Refusal;
use crate::store::acts::closing::Next;
use crate::store::guard::{RegisterClose, RetentionApprove, RetentionExecute, RetentionRead};
use crate::store::read::closing::{ClosedPublic, ClosingView};

impl App {
    /// How the register stands on its way to its end: the decision, what stands open, what is left.
    ///
    /// # Errors
    /// Refusals with their clause.
    pub async fn read_closing(&self, cx: ActContext, register: String) -> Result<Disclosed<ClosingView>, Error> {
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_register::<RetentionRead>(&register, None)?;
            tx.closing_read(permit)
        });
        Ok(act.await?)
    }

    /// Decides that the register closes.
    ///
    /// # Errors
    /// Refusals with their clause.
    pub async fn decide_closing(
        &self,
        cx: ActContext,
        register: String,
        terms: Terms,
    ) -> Result<Disclosed<ClosingView>, Error> {
        let act = self.store.write(cx, move |tx| {
            let permit = tx.authorize_register::<RegisterClose>(&register, None)?;
            tx.closing_propose(permit, terms.clone())
        });
        Ok(act.await?)
    }

    /// Approves the decision that somebody else made; `version` is the one that the approver has seen.
    ///
    /// # Errors
    /// Refusals with their clause.
    pub async fn approve_closing(
        &self,
        cx: ActContext,
        register: String,
        version: Option<i64>,
    ) -> Result<Disclosed<ClosingView>, Error> {
        let act = self.store.write(cx, move |tx| {
            let permit = tx.authorize_register::<RetentionApprove>(&register, None)?;
            tx.closing_approve(permit, version)
        });
        Ok(act.await?)
    }

    /// Gives a decision up before it is approved.
    ///
    /// # Errors
    /// Refusals with their clause.
    pub async fn withdraw_closing(
        &self,
        cx: ActContext,
        register: String,
        reason: String,
    ) -> Result<Disclosed<ClosingView>, Error> {
        let act = self.store.write(cx, move |tx| {
            let permit = tx.authorize_register::<RegisterClose>(&register, None)?;
            tx.closing_withdraw(permit, &reason)
        });
        Ok(act.await?)
    }

    /// Carries out what of the approved decision may be carried out today, or goes on where that was cut short. When
    /// nothing is left the register comes to its end: a last checkpoint is signed, and its key goes.
    ///
    /// # Errors
    /// Refusals with their clause; those of the packages and of the key's folder.
    pub async fn execute_closing(
        self: &Arc<Self>,
        cx: ActContext,
        register: String,
    ) -> Result<Disclosed<ClosingView>, Error> {
        let mut cx = cx;
        cx.idempotency = None;
        let mut after: Option<Uuid> = None;
        loop {
            let name = register.clone();
            let next = self.store.write(cx.clone(), move |tx| {
                let permit = tx.authorize_register::<RetentionExecute>(&name, None)?;
                tx.closing_next(permit, after)
            });
            match next.await?.into_inner() {
                Next::Batch(id) => {
                    self.execute_batch(cx.clone(), register.clone(), id).await?;
                    after = Some(id);
                }
                Next::Wait => break,
                Next::Finish => {
                    self.finish_closing(&cx, &register).await?;
                    break;
                }
                Next::Done => {
                    // It may have been cut short between the last row and the key.
                    self.log_keys.destroy(&register)?;
                    break;
                }
            }
        }
        self.read_closing(cx, register).await
    }

    async fn finish_closing(&self, cx: &ActContext, register: &str) -> Result<(), Error> {
        let note = self.note(cx, register).await?;
        let key: KeyEnd = self.log_keys.end_of(register)?;
        let name = register.to_owned();
        let done = self.store.write(cx.clone(), move |tx| {
            let permit = tx.authorize_register::<RetentionExecute>(&name, None)?;
            tx.closing_finish(permit, &note, key.as_str())
        });
        done.await?;
        self.log_keys.destroy(register)
    }

    /// The lines of [`App::list_registers`], each with the end of its register (`closed`).
    ///
    /// # Errors
    /// Those of the database.
    pub async fn registers_with_ends(&self, language: &str) -> Result<Vec<Value>, Error> {
        let mut lines = self.list_registers(language);
        let ends = self.closed_registers().await?;
        for line in &mut lines {
            let closed = ends.get(line["register"].as_str().unwrap_or_default()).cloned();
            if let Some(members) = line.as_object_mut() {
                members.insert("closed".into(), json!(closed));
            }
        }
        Ok(lines)
    }

    /// Gives a register a log key of its own, which can be destroyed at its end.
    ///
    /// # Errors
    /// An unknown register; a log of which a checkpoint was handed out already, since it is verified by the key that
    /// signed it.
    pub async fn own_log_key(&self, register: &str) -> Result<String, Error> {
        self.register(register)?;
        let name = register.to_owned();
        let cx = ActContext::installation("cli");
        let act = self.store.disclose(cx, move |tx| Ok(crate::store::Sealed::unlogged(tx.has_checkpoints(&name)?)));
        if act.await?.into_inner() {
            let detail = "a checkpoint of its log was handed out already, and is verified by the key that signed it";
            return Err(Refusal::Conflict { code: "checkpoints", detail: detail.into(), clause: None }.into());
        }
        self.log_keys.make_own(register)?;
        self.log_keys.vkey(register)
    }

    /// What everybody may know of the end of a register; nothing where it goes on. It holds nothing of anybody.
    ///
    /// # Errors
    /// An unknown register; those of the database.
    pub async fn closed_register(&self, register: &str) -> Result<Option<ClosedPublic>, Error> {
        let name = register.to_owned();
        let cx = ActContext::installation("catalogue");
        let act = self.store.disclose(cx, move |tx| Ok(crate::store::Sealed::unlogged(tx.closed_public(&name)?)));
        Ok(act.await?.into_inner())
    }

    /// What everybody may know of the ends of all registers that have one, by their short names.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn closed_registers(&self) -> Result<BTreeMap<String, ClosedPublic>, Error> {
        let cx = ActContext::installation("catalogue");
        let act = self.store.disclose(cx, move |tx| Ok(crate::store::Sealed::unlogged(tx.closed_publics(None)?)));
        Ok(act.await?.into_inner())
    }
}
