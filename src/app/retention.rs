//! The end of data: what falls due, holds, batches, and carrying out what was approved.
//!
//! An execution goes in steps, each of which is durable before the next begins: the package is written, read back, stored
//! and compared there; then the data go, part by part, each part in a transaction of its own; then the act is drawn up.
//! Whatever kills it, the next call goes on where it was.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{ActContext, App, Disclosed, Error};
use crate::archive::act::{
    Act, ActClass, ActKind, ActPackage, ActRegister, Excluded, LogAt, Method, Official, act_pdf, records_digest, runs,
};
use crate::archive::storage::Storage;
use crate::archive::{
    self, Basis, DefinitionInForce, PackageHead, PackagedDocument, PackagedEntry, PackagedFile, PackagedProof,
    PackagedRecord, Recipient, Source, SourceError,
};
use crate::backup::erasures::{self, Erasure};
use crate::domain::audit::checkpoint::Checkpoint;
use crate::domain::calendar::{Term, instant, rfc3339};
use crate::domain::closing::{CLOSING, ClosingBasis, Document};
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::domain::retention::{Action, Item, Outcome, Step, Why};
use crate::files::Lang;
use crate::store::acts::retention::{Closing, DrawnAct, Execution, LOG_WAITING, NewBatch, NewHold, Reviewed, waiting};
use crate::store::guard::{HoldSet, RetentionApprove, RetentionExecute, RetentionPropose, RetentionRead};
use crate::store::read::records::Page;
use crate::store::read::retention::{ActFile, BatchInFull, BatchView, Due, ForecastView, HoldView, Outgoing};

/// Records read into a package at once.
const PAGE: usize = 100;
/// Lines of the log read into a package at once.
const LINES: i64 = 1_000;
/// How often it is asked whether the log has placed every event, a fifth of a second apart.
const PATIENCE: u32 = 100;
/// After how much silence an execution counts as cut short, where another process began it.
const CUT_SHORT: chrono::TimeDelta = chrono::TimeDelta::hours(1);

/// Where packages are made and kept.
#[derive(Clone, Default)]
pub struct Keeping {
    /// Folder in which packages are made; without one nothing can be archived.
    pub work: Option<PathBuf>,
    /// Where they are kept.
    pub storage: Option<Storage>,
    /// The archive that gets them.
    pub recipient: Option<Recipient>,
    /// The agreement under which it gets them.
    pub agreement: Option<String>,
    /// Batches that this process is carrying out.
    pub executing: Arc<Mutex<BTreeSet<Uuid>>>,
}

/// While this lives, nobody else in this process carries out the same batch.
struct Alone {
    executing: Arc<Mutex<BTreeSet<Uuid>>>,
    batch: Uuid,
}

impl Drop for Alone {
    fn drop(&mut self) {
        self.executing.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.batch);
    }
}

impl Keeping {
    /// Leave to carry out a batch.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] while somebody else is at it.
    fn alone(&self, batch: Uuid) -> Result<Alone, Refusal> {
        if self.executing.lock().unwrap_or_else(PoisonError::into_inner).insert(batch) {
            return Ok(Alone { executing: Arc::clone(&self.executing), batch });
        }
        let detail = "the batch is being carried out at this moment".to_owned();
        Err(Refusal::Conflict { code: "executing", detail, clause: None })
    }
}

/// An act as a file.
pub struct ActOut {
    /// Number.
    pub number: i64,
    /// `transfer` or `destruction`.
    pub kind: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl App {
    /// What falls due by a day, a page of it; it changes nothing.
    ///
    /// # Errors
    /// Refusals with their clause.
    pub async fn retention_due(
        &self,
        cx: ActContext,
        register: String,
        on: Option<NaiveDate>,
        rule: Option<String>,
        cursor: Option<String>,
        limit: i64,
    ) -> Result<Disclosed<Due>, Error> {
        let on = match on {
            Some(on) => on,
            None => self.register(&register)?.day(self.store.now()),
        };
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_register::<RetentionRead>(&register, None)?;
            tx.retention_due(permit, on, rule.as_deref(), cursor.as_deref(), usize::try_from(limit).unwrap_or(0))
        });
        Ok(act.await?)
    }

    /// What falls due in which year.
    ///
    /// # Errors
    /// Refusals with their clause.
    pub async fn retention_forecast(&self, cx: ActContext, register: String) -> Result<Disclosed<ForecastView>, Error> {
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_register::<RetentionRead>(&register, None)?;
            tx.retention_forecast(permit)
        });
        Ok(act.await?)
    }

    /// How one record stands, and why.
    ///
    /// # Errors
    /// Refusals with their clause.
    pub async fn retention_why(
        &self,
        cx: ActContext,
        register: String,
        record_type: String,
        id: Uuid,
        on: Option<NaiveDate>,
    ) -> Result<Disclosed<Why>, Error> {
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_register::<RetentionRead>(&register, None)?;
            tx.retention_why(permit, &record_type, id, on)
        });
        Ok(act.await?)
    }

    /// Legal holds, newest first.
    ///
    /// # Errors
    /// Refusals with their clause.
    pub async fn list_holds(
        &self,
        cx: ActContext,
        register: String,
        lifted: bool,
        cursor: Option<Uuid>,
        limit: i64,
    ) -> Result<Disclosed<Page<HoldView>>, Error> {
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_register::<RetentionRead>(&register, None)?;
            tx.hold_list(permit, lifted, cursor, limit)
        });
        Ok(act.await?)
    }

    /// Sets a legal hold: its id.
    ///
    /// # Errors
    /// Refusals with their clause.
    pub async fn place_hold(&self, cx: ActContext, register: String, new: NewHold) -> Result<Disclosed<Uuid>, Error> {
        let act = self.store.write(cx, move |tx| {
            let permit = tx.authorize_register::<HoldSet>(&register, None)?;
            tx.hold_place(permit, &new)
        });
        Ok(act.await?)
    }

    /// Lifts a legal hold.
    ///
    /// # Errors
    /// Refusals with their clause.
    pub async fn lift_hold(
        &self,
        cx: ActContext,
        register: String,
        id: Uuid,
        reason: String,
    ) -> Result<Disclosed<()>, Error> {
        let act = self.store.write(cx, move |tx| {
            let permit = tx.authorize_register::<HoldSet>(&register, None)?;
            tx.hold_lift(permit, id, &reason)
        });
        Ok(act.await?)
    }

    /// Lifts the hold on a record.
    ///
    /// # Errors
    /// Refusals with their clause.
    pub async fn lift_hold_of(
        &self,
        cx: ActContext,
        register: String,
        record: Uuid,
        reason: String,
    ) -> Result<Disclosed<()>, Error> {
        let act = self.store.write(cx, move |tx| {
            let permit = tx.authorize_register::<HoldSet>(&register, None)?;
            let id = tx.hold_of_record(&register, record)?;
            tx.hold_lift(permit, id, &reason)
        });
        Ok(act.await?)
    }

    /// Proposes a batch of what is due.
    ///
    /// # Errors
    /// Refusals with their clause.
    pub async fn propose_batch(
        &self,
        cx: ActContext,
        register: String,
        new: NewBatch,
    ) -> Result<Disclosed<BatchView>, Error> {
        let act = self.store.write(cx, move |tx| {
            let permit = tx.authorize_register::<RetentionPropose>(&register, None)?;
            tx.batch_propose(permit, &new)
        });
        Ok(act.await?)
    }

    /// Reviews items of a batch; `finish` names the revision at which the review is over.
    ///
    /// # Errors
    /// Refusals with their clause.
    pub async fn review_batch(
        &self,
        cx: ActContext,
        register: String,
        id: Uuid,
        changes: Vec<Reviewed>,
        finish: Option<u32>,
    ) -> Result<Disclosed<BatchView>, Error> {
        let act = self.store.write(cx, move |tx| {
            let permit = tx.authorize_register::<RetentionPropose>(&register, None)?;
            tx.batch_review(permit, id, &changes, finish)
        });
        Ok(act.await?)
    }

    /// Approves what somebody else proposed and reviewed.
    ///
    /// # Errors
    /// Refusals with their clause.
    pub async fn approve_batch(
        &self,
        cx: ActContext,
        register: String,
        id: Uuid,
        revision: Option<u32>,
    ) -> Result<Disclosed<BatchView>, Error> {
        let act = self.store.write(cx, move |tx| {
            let permit = tx.authorize_register::<RetentionApprove>(&register, None)?;
            tx.batch_approve(permit, id, revision)
        });
        Ok(act.await?)
    }

    /// Gives a batch up, or (`back`) gives a reviewed one back for review.
    ///
    /// # Errors
    /// Refusals with their clause.
    pub async fn give_up_batch(
        &self,
        cx: ActContext,
        register: String,
        id: Uuid,
        reason: String,
        back: bool,
    ) -> Result<Disclosed<BatchView>, Error> {
        let act = self.store.write(cx, move |tx| {
            let permit = tx.authorize_register::<RetentionPropose>(&register, None)?;
            tx.batch_give_up(permit, id, &reason, back)
        });
        Ok(act.await?)
    }

    /// Batches, newest first.
    ///
    /// # Errors
    /// Refusals with their clause.
    pub async fn list_batches(
        &self,
        cx: ActContext,
        register: String,
        cursor: Option<Uuid>,
        limit: i64,
    ) -> Result<Disclosed<Page<BatchView>>, Error> {
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_register::<RetentionRead>(&register, None)?;
            tx.batch_list(permit, cursor, limit)
        });
        Ok(act.await?)
    }

    /// A batch with a page of its items.
    ///
    /// # Errors
    /// Refusals with their clause.
    pub async fn read_batch(
        &self,
        cx: ActContext,
        register: String,
        id: Uuid,
        state: Option<String>,
        cursor: Option<String>,
        limit: i64,
    ) -> Result<Disclosed<BatchInFull>, Error> {
        let after = match cursor.as_deref() {
            Some(text) => text
                .parse::<i64>()
                .map_err(|_| Refusal::invalid("/cursor", "cursor", "the cursor is not one of ours", None))?,
            None => -1,
        };
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_register::<RetentionRead>(&register, None)?;
            tx.batch_read(permit, id, state.as_deref(), after, limit)
        });
        Ok(act.await?)
    }

    /// An act of a batch, as JSON or PDF/A.
    ///
    /// # Errors
    /// Refusals with their clause.
    pub async fn read_act(
        &self,
        cx: ActContext,
        register: String,
        batch: Uuid,
        kind: Option<String>,
        pdf: bool,
    ) -> Result<ActOut, Error> {
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_register::<RetentionRead>(&register, None)?;
            tx.act_read(permit, batch, kind.as_deref())
        });
        let ActFile { number, kind, body, pdf: drawn } = act.await?.into_inner();
        Ok(ActOut { number, kind, bytes: if pdf { drawn } else { body.into_bytes() } })
    }

    /// The package of a batch, as the one file in which it is kept.
    ///
    /// # Errors
    /// Refusals with their clause; a store that does not give it.
    pub async fn read_package(
        &self,
        cx: ActContext,
        register: String,
        batch: Uuid,
    ) -> Result<(String, PathBuf), Error> {
        let view = self.read_batch(cx.clone(), register.clone(), batch, None, None, 1).await?.into_inner();
        // Whoever takes the data along must be one who may hand them over.
        let by = register.clone();
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_register::<RetentionExecute>(&by, None)?;
            tx.outgoing(permit, &[], 0)
        });
        act.await?;
        let name = view.batch.package.as_ref().and_then(|p| p["name"].as_str()).map(str::to_owned);
        let name = name.ok_or(Refusal::NotFound { what: "package" })?;
        let (storage, work) = (self.storage()?, self.work()?);
        let file = storage.get(&name, &work).await.map_err(|e| Error::Setup(e.to_string()))?;
        Ok((name, file))
    }

    fn storage(&self) -> Result<Storage, Error> {
        let none = || Error::Setup("no store of packages is set up: set `archive.folder`".into());
        self.keeping.storage.clone().ok_or_else(none)
    }

    fn work(&self) -> Result<PathBuf, Error> {
        let none = || Error::Setup("no folder is set up in which packages are made".into());
        let work = self.keeping.work.clone().ok_or_else(none)?;
        std::fs::create_dir_all(&work).map_err(|e| Error::Setup(format!("{}: {e}", work.display())))?;
        Ok(work)
    }

    /// Carries out what was approved, or goes on where it was cut short.
    ///
    /// # Errors
    /// Refusals with their clause; a package that cannot be written or stored: then nothing has been erased.
    pub async fn execute_batch(
        self: &Arc<Self>,
        cx: ActContext,
        register: String,
        id: Uuid,
    ) -> Result<Disclosed<BatchView>, Error> {
        let mut cx = cx;
        cx.idempotency = None;
        let _alone = self.keeping.alone(id)?;
        let name = register.clone();
        let started = self.store.write(cx.clone(), move |tx| {
            let permit = tx.authorize_register::<RetentionExecute>(&name, None)?;
            tx.batch_start(permit, id)
        });
        let started = started.await;
        if let Err(crate::store::Error::Refused(Refusal::Conflict { code: "batch_state", .. })) = &started {
            // Killed after its last transaction, it had no time to shed what was deleted.
            self.store.shed().await?;
        }
        let mut at: Execution = started?.into_inner();
        // The act names a state of the log before the first step.
        self.note(&cx, &register).await?;
        loop {
            at = match at.next {
                Some(Step::PackageWritten) => self.package(&cx, &register, &at).await?,
                Some(Step::PackageVerified) => self.verify(&cx, &register, id).await?,
                Some(Step::Stored) => self.keep(&cx, &register, id).await?,
                Some(Step::Erased) => self.erase(&cx, &register, id).await?,
                Some(Step::ActDrawn) | None => break,
            };
        }
        self.finish(&cx, &register, id).await
    }

    /// Proposes what has fallen due and goes on with what was cut short, in every register. How many batches were
    /// proposed and how many ended.
    ///
    /// # Errors
    /// The last of those that a register met; they hinder no other register.
    pub async fn keep_terms(self: &Arc<Self>, cx: &ActContext) -> Result<(usize, usize), Error> {
        let (mut proposed, mut ended, mut failed) = (0, 0, None);
        let names: Vec<String> = self.store.registers().names().map(str::to_owned).collect();
        for name in names {
            match self.keep_terms_of(cx, &name).await {
                Ok((new, done)) => {
                    proposed += usize::from(new);
                    ended += done;
                }
                Err(e) => failed = Some(e),
            }
        }
        match failed {
            Some(e) => Err(e),
            None => Ok((proposed, ended)),
        }
    }

    async fn keep_terms_of(self: &Arc<Self>, cx: &ActContext, register: &str) -> Result<(bool, usize), Error> {
        if self.register(register)?.definition.register.retention_rules.is_empty() {
            return Ok((false, 0));
        }
        let name = register.to_owned();
        let act = self.store.disclose(cx.clone(), move |tx| {
            let permit = tx.authorize_register::<RetentionRead>(&name, None)?;
            tx.cut_short(permit, CUT_SHORT)
        });
        let mut ended = 0;
        for id in act.await?.into_inner() {
            match self.execute_batch(cx.clone(), register.to_owned(), id).await {
                Ok(_) => ended += 1,
                Err(Error::Store(crate::store::Error::Refused(Refusal::Conflict { code: "executing", .. }))) => {}
                Err(e) => return Err(e),
            }
        }
        let new = NewBatch { by_job: true, ..NewBatch::default() };
        match self.propose_batch(cx.clone(), register.to_owned(), new).await {
            Ok(_) => Ok((true, ended)),
            Err(Error::Store(crate::store::Error::Refused(Refusal::Conflict { code: "nothing_due", .. }))) => {
                Ok((false, ended))
            }
            Err(e) => Err(e),
        }
    }

    pub(super) async fn note(&self, cx: &ActContext, register: &str) -> Result<String, Error> {
        let signer = self.log_keys.signer(register)?;
        let name = register.to_owned();
        let act = self.store.write(cx.clone(), move |tx| {
            let permit = tx.authorize_register::<RetentionExecute>(&name, None)?;
            tx.retention_checkpoint(permit, &signer)
        });
        Ok(act.await?.into_inner())
    }

    async fn step(
        &self,
        cx: &ActContext,
        register: &str,
        id: Uuid,
        step: Step,
        beside: Option<(&'static str, Value)>,
    ) -> Result<Execution, Error> {
        let name = register.to_owned();
        let act = self.store.write(cx.clone(), move |tx| {
            let permit = tx.authorize_register::<RetentionExecute>(&name, None)?;
            tx.batch_step(permit, id, step, beside.clone())
        });
        Ok(act.await?.into_inner())
    }

    async fn package(self: &Arc<Self>, cx: &ActContext, register: &str, at: &Execution) -> Result<Execution, Error> {
        let (id, number) = (at.id, at.number);
        let (work, _) = (self.work()?, self.storage()?);
        let name = register.to_owned();
        let look = self.store.write(cx.clone(), move |tx| {
            let permit = tx.authorize_register::<RetentionExecute>(&name, None)?;
            tx.batch_look(permit, id)
        });
        let mut records = look.await?.into_inner();
        if records.is_empty() {
            // Everything that was to be archived fell out: there is no package to make.
            return self.step(cx, register, id, Step::PackageWritten, Some(("package", Value::Null))).await;
        }
        records.sort_by(|a, b| (&a.1, a.0).cmp(&(&b.1, b.0)));
        let note = self.note(cx, register).await?;
        let checkpoint =
            Checkpoint::parse(note.split("\n\n").next().map(|t| format!("{t}\n")).as_deref().unwrap_or(""))
                .map_err(|e| Error::Setup(e.to_string()))?;
        let known = self.register(register)?;
        let closing = at.closing.as_ref();
        let head = PackageHead {
            id,
            number: number.to_string(),
            definitions: match closing {
                Some(_) => self.every_definition(cx, register).await?,
                None => vec![DefinitionInForce {
                    in_force_from: known.definition.register.act.in_force_from,
                    definition: known.definition.clone(),
                }],
            },
            basis: bases(&known, closing, None),
            made_at: self.store.now(),
            checkpoint: note.clone(),
            vkey: self.audit_vkey(register)?,
            recipient: self.recipient(&known, closing),
            submission_agreement: self.keeping.agreement.clone(),
        };
        let folder = work.join(archive::name_of(&head));
        if folder.exists() {
            // Written by an execution that was cut short before it could say so: made anew, since data may have changed.
            std::fs::remove_dir_all(&folder).map_err(|e| Error::Setup(format!("{}: {e}", folder.display())))?;
        }
        let mut source = FromStore {
            app: self.clone(),
            cx: cx.clone(),
            register: register.to_owned(),
            head,
            size: checkpoint.size,
            log: closing.map(|_| WholeLog { next: 0, inside: Arc::new(records.iter().map(|(id, _)| *id).collect()) }),
            left: records.into_iter().map(|(id, _)| id).collect(),
            at: 0,
            runtime: tokio::runtime::Handle::current(),
        };
        let written = tokio::task::spawn_blocking(move || archive::write(&mut source, &work))
            .await
            .map_err(|e| Error::Setup(e.to_string()))?
            .map_err(stopped)?;
        let package = json!({
            "name": written.name,
            "manifest_sha256": written.manifest_sha256,
            "files": written.files,
            "bytes": written.bytes,
            "documents": written.documents,
            "checkpoint": note,
        });
        self.step(cx, register, id, Step::PackageWritten, Some(("package", package))).await
    }

    /// Every version of the definition, for a package of a register that closes.
    async fn every_definition(&self, cx: &ActContext, register: &str) -> Result<Vec<DefinitionInForce>, Error> {
        let name = register.to_owned();
        let act = self.store.disclose(cx.clone(), move |tx| {
            let permit = tx.authorize_register::<RetentionExecute>(&name, None)?;
            tx.outgoing_definitions(permit)
        });
        let found = act.await?.into_inner().into_iter();
        Ok(found.map(|(from, d)| DefinitionInForce { in_force_from: from, definition: Arc::new(d) }).collect())
    }

    fn recipient(&self, register: &Register, closing: Option<&ClosingBasis>) -> Recipient {
        if let Some(named) = closing.and_then(|c| c.receiver.clone()) {
            return Recipient { name: named.name, code: named.code };
        }
        let own = || Recipient { name: register.definition.register.controller.name.clone(), code: None };
        self.keeping.recipient.clone().unwrap_or_else(own)
    }

    /// What is kept of the package beside the batch.
    async fn kept(&self, cx: &ActContext, register: &str, id: Uuid) -> Result<Option<Value>, Error> {
        Ok(self.read_batch(cx.clone(), register.to_owned(), id, None, None, 1).await?.into_inner().batch.package)
    }

    async fn verify(&self, cx: &ActContext, register: &str, id: Uuid) -> Result<Execution, Error> {
        if let Some(package) = self.kept(cx, register, id).await? {
            let folder = self.work()?.join(package["name"].as_str().unwrap_or_default());
            let checked = tokio::task::spawn_blocking(move || archive::check(&folder))
                .await
                .map_err(|e| Error::Setup(e.to_string()))?
                .map_err(stopped)?;
            if Some(checked.manifest_sha256.as_str()) != package["manifest_sha256"].as_str() {
                return Err(stopped("the package on the disk is not the one that was written"));
            }
        }
        self.step(cx, register, id, Step::PackageVerified, None).await
    }

    async fn keep(&self, cx: &ActContext, register: &str, id: Uuid) -> Result<Execution, Error> {
        let Some(mut package) = self.kept(cx, register, id).await? else {
            return self.step(cx, register, id, Step::Stored, None).await;
        };
        let folder = self.work()?.join(package["name"].as_str().unwrap_or_default());
        let read = folder.clone();
        let whole = tokio::task::spawn_blocking(move || archive::check(&read))
            .await
            .map_err(|e| Error::Setup(e.to_string()))?
            .map_err(stopped)?;
        let stored = self.storage()?.put(&whole).await.map_err(stopped)?;
        if let Some(members) = package.as_object_mut() {
            members.insert("file".into(), json!(stored.file));
            members.insert("file_sha256".into(), json!(stored.sha256));
            members.insert("file_bytes".into(), json!(stored.bytes));
        }
        let done = self.step(cx, register, id, Step::Stored, Some(("package", package))).await?;
        forget(folder).await?;
        Ok(done)
    }

    async fn erase(&self, cx: &ActContext, register: &str, id: Uuid) -> Result<Execution, Error> {
        let name = register.to_owned();
        let act = self.store.write(cx.clone(), move |tx| {
            let permit = tx.authorize_register::<RetentionExecute>(&name, None)?;
            tx.batch_erase(permit, id)
        });
        let mut done = act.await?.into_inner();
        self.list_erased(std::mem::take(&mut done.erased), false).await?;
        Ok(done)
    }

    /// Lists what went beside the copies of the database, so that none of them brings it back. `missing` lists only what
    /// is not there yet: what a step erased just before it was killed.
    async fn list_erased(&self, erased: Vec<Erasure>, missing: bool) -> Result<(), Error> {
        let Some(place) = self.backup.get().filter(|_| !erased.is_empty()).cloned() else {
            return Ok(());
        };
        let listed = tokio::task::spawn_blocking(move || {
            let mut erased = erased;
            let path = erasures::path(&place.folder);
            if missing && path.exists() {
                let there: BTreeSet<(String, Uuid, Uuid)> = erasures::read(&path)?
                    .erasures
                    .into_iter()
                    .map(|e| (e.register, e.batch_id, e.record_id))
                    .collect();
                erased.retain(|e| !there.contains(&(e.register.clone(), e.batch_id, e.record_id)));
            }
            erasures::append(&place.folder, &erased)
        });
        let listed = listed.await.map_err(|e| Error::Setup(e.to_string()))?;
        listed.map_err(|e| Error::Setup(format!("the erasure cannot be listed beside the copies of the database: {e}")))
    }

    async fn finish(&self, cx: &ActContext, register: &str, id: Uuid) -> Result<Disclosed<BatchView>, Error> {
        let recipient = self.recipient(&self.register(register)?.clone(), None);
        let name = register.to_owned();
        let all = self.store.disclose(cx.clone(), move |tx| {
            let permit = tx.authorize_register::<RetentionExecute>(&name, None)?;
            tx.erased_of(permit, id)
        });
        self.list_erased(all.await?.into_inner(), true).await?;
        if let Some(package) = self.kept(cx, register, id).await? {
            // Whoever was killed right after the package was stored left the copy.
            forget(self.work()?.join(package["name"].as_str().unwrap_or("none"))).await?;
        }
        let mut patience = PATIENCE;
        loop {
            let after = self.note(cx, register).await?;
            let (name, now, to) = (register.to_owned(), self.store.now(), recipient.clone());
            let act = self.store.write(cx.clone(), move |tx| {
                let permit = tx.authorize_register::<RetentionExecute>(&name, None)?;
                tx.batch_finish(permit, id, &|closing| draw(closing, &after, &to, now))
            });
            match act.await.map_err(Error::from) {
                Err(Error::Store(crate::store::Error::Refused(Refusal::Conflict { code: LOG_WAITING, .. })))
                    if patience > 0 =>
                {
                    patience -= 1;
                    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
                }
                other => {
                    let view = other?;
                    self.store.shed().await?;
                    return Ok(view);
                }
            }
        }
    }
}

/// Removes the copy of a package from this disk: what is stored is read back from the store, and the copy holds the same
/// data.
async fn forget(folder: PathBuf) -> Result<(), Error> {
    let removed = tokio::task::spawn_blocking(move || std::fs::remove_dir_all(folder)).await;
    match removed.map_err(|e| Error::Setup(e.to_string()))? {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::Setup(e.to_string())),
        _ => Ok(()),
    }
}

/// Why there is no package: whoever carries the batch out is told, mends it or has it mended, and goes on. Nothing has
/// been erased, and what is said names no person.
fn stopped(why: impl std::fmt::Display) -> Error {
    log::warn!("a package was not made: {why}");
    let detail =
        format!("the package was not made: {why}. Nothing was erased; once that is mended, carry it out again");
    Error::from(crate::store::Error::from(Refusal::Conflict { code: "package_stopped", detail, clause: None }))
}

/// The rules of a register as they stand on packages and acts; only those named, where some are. Where the register
/// closes, everything rests on the decision.
fn bases(register: &Register, closing: Option<&ClosingBasis>, only: Option<&BTreeSet<String>>) -> Vec<Basis> {
    let rules = &register.definition.register.retention_rules;
    if let Some(basis) = closing {
        let whole = BTreeSet::from([CLOSING.to_owned()]);
        let named = only.unwrap_or(&whole).iter();
        let series = |name: &str| rules.iter().find(|r| r.name == name).and_then(|r| r.series.clone());
        let document = decided_by(register, basis);
        return named
            .map(|name| Basis {
                rule: name.clone(),
                label: document.clone(),
                clause: basis.clause.0.clone(),
                series: series(name),
                appraisal: None,
                consent: None,
            })
            .collect();
    }
    rules
        .iter()
        .filter(|r| only.is_none_or(|names| names.contains(&r.name)))
        .map(|r| Basis {
            rule: r.name.clone(),
            label: r.label.official().to_owned(),
            clause: r.clause.0.clone(),
            series: r.series.clone(),
            appraisal: None,
            consent: None,
        })
        .collect()
}

/// The decision to close in words: its kind as the statute calls it, number and day.
fn decided_by(register: &Register, basis: &ClosingBasis) -> String {
    let kinds = register.definition.register.closing.iter().flat_map(|rule| &rule.documents);
    let kind = kinds.filter(|k| k.name == basis.document.kind).map(|k| k.label.official().to_owned()).next();
    let document = Document { kind: kind.unwrap_or_else(|| basis.document.kind.clone()), ..basis.document.clone() };
    document.to_string()
}

/// The acts of a batch: one of transfer for what was archived, one of destruction for what was destroyed.
fn draw(
    closing: &Closing<'_>,
    after: &str,
    recipient: &Recipient,
    now: DateTime<Utc>,
) -> Result<Vec<DrawnAct>, crate::store::Error> {
    let damaged = |e: String| crate::store::Error::Damaged(e);
    let source = &closing.register.definition.register;
    let after = log_at(after).map_err(damaged)?;
    if closing.facts.erasures.iter().any(|place| *place >= after.size) {
        return Err(waiting());
    }
    // Instants of the log run ahead of a clock that stands still.
    let now = now.max(closing.facts.approved_by.3);
    let mut acts = Vec::new();
    for (kind, of) in
        [(ActKind::Transfer, &[Action::Archive][..]), (ActKind::Destruction, &[Action::Destroy, Action::Anonymise][..])]
    {
        let erased: Vec<&Item> = closing
            .batch
            .items()
            .iter()
            .filter(|i| i.outcome == Outcome::Erased && i.action().is_some_and(|a| of.contains(&a)))
            .collect();
        if erased.is_empty() {
            continue;
        }
        let number = closing.first + i64::try_from(acts.len()).unwrap_or(0);
        let rules: BTreeSet<String> = erased.iter().map(|i| i.rule.clone()).collect();
        let mut ids: Vec<Uuid> = erased.iter().map(|i| i.record).collect::<BTreeSet<_>>().into_iter().collect();
        let facts = &closing.facts;
        let decided = closing.batch.closing();
        let recipient = match decided.and_then(|basis| basis.receiver.as_ref()) {
            Some(named) => &Recipient { name: named.name.clone(), code: named.code.clone() },
            None => recipient,
        };
        let package = closing.beside("package").filter(|_| kind == ActKind::Transfer);
        let act = Act {
            kind,
            number: number.to_string(),
            drawn_up_on: closing.register.day(now),
            executed_at: now,
            institution: Recipient { name: source.controller.name.clone(), code: None },
            register: ActRegister {
                name: source.name.official().to_owned(),
                short_name: source.short_name.clone(),
                statute: source.act.title.clone(),
                definition_digest: facts.definition_digest.clone(),
            },
            recipient: (kind == ActKind::Transfer).then(|| recipient.clone()),
            basis: bases(closing.register, decided, Some(&rules)),
            batch: closing.number().to_string(),
            classes: classes(closing.register, &erased, &facts.went),
            records_sha256: records_digest(&mut ids),
            method: Some(Method::Overwritten),
            medium: "andmebaas".into(),
            package: package.map(|p| ActPackage {
                name: p["name"].as_str().unwrap_or_default().to_owned(),
                format: "E-ARK SIP 2.1.0 (BagIt 1.0)".into(),
                manifest_sha256: p["manifest_sha256"].as_str().unwrap_or_default().to_owned(),
                file_sha256: p["file_sha256"].as_str().map(str::to_owned),
                files: p["files"].as_u64().unwrap_or(0),
                bytes: p["bytes"].as_u64().unwrap_or(0),
            }),
            restrictions: Vec::new(),
            checkpoint_before: facts
                .before
                .clone()
                .map_or_else(|| after.clone(), |(size, root)| LogAt { origin: after.origin.clone(), size, root }),
            checkpoint_after: after.clone(),
            events: runs(&facts.erasures),
            holds_checked_at: now,
            prepared_by: official(facts.prepared_by.clone()),
            approved_by: vec![official(facts.approved_by.clone())],
            executed_by: facts.executed_by.clone(),
            excluded: excluded(closing.batch.items()),
            backups_lapse_on: Some(lapse(closing.register, closing.register.day(now))),
        };
        let (body, digest) = act.canonical().map_err(|e| damaged(e.to_string()))?;
        let pdf = act_pdf(&act, Lang::default(), source.time_zone).map_err(|e| damaged(e.to_string()))?;
        let kind = if kind == ActKind::Transfer { "transfer" } else { "destruction" };
        acts.push(DrawnAct { kind, number, digest, body, pdf });
    }
    Ok(acts)
}

fn log_at(note: &str) -> Result<LogAt, String> {
    let text = note.split("\n\n").next().map(|t| format!("{t}\n")).unwrap_or_default();
    Checkpoint::parse(&text).map(|c| LogAt::from(&c)).map_err(|e| e.to_string())
}

fn official((user_id, name, role, at): (Uuid, String, String, DateTime<Utc>)) -> Official {
    Official { user_id, name, role, at }
}

/// The day on which the last copy that may hold what goes today is removed.
fn lapse(register: &Register, today: NaiveDate) -> NaiveDate {
    let term = register.definition.register.backup.as_ref().and_then(|b| b.keep_at_most.parse::<Term>().ok());
    term.and_then(|term| term.after(today, &register.calendar).ok()).unwrap_or(today)
}

fn excluded(items: &[Item]) -> Vec<Excluded> {
    let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
    for item in items {
        let reason = match (&item.excluded, &item.outcome) {
            // What a reviewer wrote may name somebody; the batch keeps it, the act counts it.
            (Some(_), _) => "excluded in the review".to_owned(),
            (None, Outcome::Dropped(why)) => why.to_string(),
            (None, Outcome::Failed(code)) => format!("could not be erased: {code}"),
            _ => continue,
        };
        *reasons.entry(reason).or_default() += 1;
    }
    reasons.into_iter().map(|(reason, records)| Excluded { reason, records }).collect()
}

fn classes(register: &Register, items: &[&Item], went: &BTreeMap<(String, String), (u64, u64)>) -> Vec<ActClass> {
    let mut found: BTreeMap<(String, String), Vec<&Item>> = BTreeMap::new();
    for item in items {
        found.entry((item.record_type.clone(), item.rule.clone())).or_default().push(item);
    }
    found
        .into_iter()
        .filter_map(|((class, rule), items)| {
            let label = register.record_type(&class).map(|t| t.label.official().to_owned()).unwrap_or_default();
            let days = |day: fn(&Item) -> NaiveDate| {
                Some([items.iter().map(|i| day(i)).min()?, items.iter().map(|i| day(i)).max()?])
            };
            let records: BTreeSet<Uuid> = items.iter().map(|i| i.record).collect();
            let about = register.record_type(&class).is_some_and(|t| t.subject.is_some());
            let count = u64::try_from(records.len()).unwrap_or(u64::MAX);
            let (documents, bytes) = went.get(&(class.clone(), rule.clone())).copied().unwrap_or_default();
            Some(ActClass {
                class,
                label,
                rule,
                term: items.first().and_then(|i| i.period.clone()),
                period: days(|i| i.trigger_on)?,
                term_ended_on: days(|i| i.due_on)?,
                subjects: if about { count } else { 0 },
                records: count,
                documents,
                bytes,
            })
        })
        .collect()
}

/// The content of a package, read from the store page by page.
struct FromStore {
    app: Arc<App>,
    cx: ActContext,
    register: String,
    head: PackageHead,
    size: u64,
    left: Vec<Uuid>,
    at: usize,
    /// The whole log, where the register closes.
    log: Option<WholeLog>,
    runtime: tokio::runtime::Handle,
}

/// How far the log has been read, and whose words of it go along.
struct WholeLog {
    next: u64,
    inside: Arc<BTreeSet<Uuid>>,
}

impl Source for FromStore {
    fn head(&self) -> &PackageHead {
        &self.head
    }

    fn records(&mut self) -> Result<Vec<PackagedRecord>, SourceError> {
        let ids: Vec<Uuid> = self.left.iter().skip(self.at).take(PAGE).copied().collect();
        self.at += ids.len();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let (register, size) = (self.register.clone(), self.size);
        let read = self.app.store.disclose(self.cx.clone(), move |tx| {
            let permit = tx.authorize_register::<RetentionExecute>(&register, None)?;
            tx.outgoing(permit, &ids, size)
        });
        let found = self.runtime.block_on(read).map_err(|e| SourceError(e.to_string()))?;
        Ok(found.into_inner().into_iter().map(packaged).collect())
    }

    fn file(&mut self, sha256: &str) -> Result<Option<Vec<u8>>, SourceError> {
        let (register, sha256) = (self.register.clone(), sha256.to_owned());
        let read = self.app.store.disclose(self.cx.clone(), move |tx| {
            let permit = tx.authorize_register::<RetentionExecute>(&register, None)?;
            tx.outgoing_file(permit, &sha256)
        });
        Ok(self.runtime.block_on(read).map_err(|e| SourceError(e.to_string()))?.into_inner())
    }

    fn log(&mut self) -> Result<Vec<String>, SourceError> {
        let failed = |e: String| SourceError(e);
        let Some(log) = &mut self.log else { return Ok(Vec::new()) };
        let (register, from, size, inside) = (self.register.clone(), log.next, self.size, log.inside.clone());
        let read = self.app.store.disclose(self.cx.clone(), move |tx| {
            let permit = tx.authorize_register::<RetentionExecute>(&register, None)?;
            tx.outgoing_log(permit, from, size, LINES, &inside)
        });
        let lines = self.runtime.block_on(read).map_err(|e| failed(e.to_string()))?.into_inner();
        log.next += lines.len() as u64;
        lines.iter().map(|line| serde_json::to_string(line).map_err(|e| failed(e.to_string()))).collect()
    }

    fn checkpoints(&mut self) -> Result<Vec<String>, SourceError> {
        if self.log.is_none() {
            return Ok(Vec::new());
        }
        let (register, size) = (self.register.clone(), self.size);
        let read = self.app.store.disclose(self.cx.clone(), move |tx| {
            let permit = tx.authorize_register::<RetentionExecute>(&register, None)?;
            tx.outgoing_checkpoints(permit, size)
        });
        let notes = self.runtime.block_on(read).map_err(|e| SourceError(e.to_string()))?.into_inner().into_iter();
        let line = |(size, note, at)| json!({ "size": size, "note": note, "made_at": rfc3339(instant(at)) });
        Ok(notes.map(|note| line(note).to_string()).collect())
    }
}

fn packaged(record: Outgoing) -> PackagedRecord {
    let file = |sha256: String, file_name: Option<String>, media_type: String| PackagedFile {
        file_name: file_name.unwrap_or_else(|| sha256.clone()),
        sha256,
        media_type,
    };
    PackagedRecord {
        record_id: record.record_id,
        record_type: record.record_type,
        institution_id: Some(record.institution_id),
        institution_name: record.institution_name,
        state: record.state,
        entries: record
            .entries
            .into_iter()
            .map(|e| PackagedEntry {
                id: e.entry.id,
                number: u64::try_from(e.entry.number).unwrap_or(0),
                kind: e.entry.kind.as_str().to_owned(),
                effective_on: e.entry.effective_on,
                recorded_at: rfc3339(e.entry.recorded_at),
                data: e.entry.data,
                reason: e.reason,
                supersedes: e.entry.supersedes,
                actor: e.actor,
                definition_digest: e.definition,
                base_documents: e.documents,
            })
            .collect(),
        documents: record
            .documents
            .into_iter()
            .map(|d| PackagedDocument {
                id: d.id,
                kind: d.data.kind,
                number: d.data.number,
                date: d.data.date,
                title: d.data.title.unwrap_or_default(),
                file: d.file.map(|f| file(f.sha256, d.file_name, f.media_type)),
            })
            .collect(),
        files: record.files.into_iter().map(|(sha256, media_type)| file(sha256, None, media_type)).collect(),
        proofs: record
            .proofs
            .into_iter()
            .map(|p| PackagedProof { seq: p.seq, leaf: p.leaf, salt: p.salt, event: p.event, path: p.path })
            .collect(),
    }
}
