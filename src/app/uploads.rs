//! Sheets on their way in: kept for whoever brought them between upload, columns, trial and import.
//!
//! A trial (proovijooks) is the dry run of [`App::import`], with its log entry. What it told is kept in memory for as
//! long as its reader works on it, so that the pages of its rows, and a sheet with its faults, need no second trial.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::documents::Incoming;
use super::imports::{Imported, Mended, NewImport, unreadable};
use super::{ActContext, App, Error};
use crate::domain::import::{ColumnFault, Mapping, columns};
use crate::domain::refusal::Refusal;
use crate::files::read::{Limits, Note, ReadFault, Wanted, read};
use crate::store::Sealed;
use crate::store::acts::imports::ImportReport;
pub use crate::store::read::uploads::{PendingUpload, UploadLine};

/// How long a page waits for a trial before it shows how far that is.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long what a trial told is kept when nobody looks at it.
const KEPT: Duration = Duration::from_secs(30 * 60);
/// Bytes of memory that trials may take together; a sheet takes about ten times its size.
const MEMORY: u64 = 256 << 20;
/// Values of a column that show what is in it.
const SAMPLES: usize = 3;
/// Longest name of a file that is kept, in characters.
const LONGEST_NAME: usize = 200;

/// How a sheet is to be imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportPlan {
    /// Record type.
    pub record_type: String,
    /// Institution whose records they are.
    pub institution_id: Uuid,
    /// What it is called, for whoever brought the sheet.
    pub institution: String,
    /// First day on which rows are true that say nothing else.
    pub effective_on: NaiveDate,
    /// Base documents of all of it.
    pub base_document_ids: Vec<Uuid>,
    /// Which column is which field; absent: as the last time, or by the names of the columns.
    pub mapping: Option<Mapping>,
    /// Whether to keep it for the next time.
    pub keep_mapping: bool,
    /// Sheet of the workbook.
    pub sheet: Option<String>,
    /// Row of the names of the columns, from 1.
    pub header_row: Option<u32>,
    /// Whether records may be entered that the register does not know.
    pub creates: bool,
    /// Whether records may be changed that it knows.
    pub changes: bool,
    /// What was mended here.
    #[serde(default)]
    pub mended: Mended,
}

impl ImportPlan {
    /// The plan of a sheet that is to be imported.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for a sheet that is brought for something else.
    pub fn of(line: &UploadLine) -> Result<Self, Error> {
        let plan = (line.kind == "import").then(|| serde_json::from_value(line.plan.clone()).ok()).flatten();
        plan.ok_or_else(|| Refusal::NotFound { what: "sheet" }.into())
    }

    fn order(self, dry_run: bool) -> NewImport {
        NewImport {
            record_type: self.record_type,
            institution_id: self.institution_id,
            effective_on: self.effective_on,
            base_document_ids: self.base_document_ids,
            mapping: self.mapping,
            keep_mapping: self.keep_mapping && !dry_run,
            sheet: self.sheet,
            delimiter: None,
            encoding: None,
            header_row: self.header_row,
            creates: self.creates,
            changes: self.changes,
            mended: self.mended,
            dry_run,
        }
    }
}

/// A sheet as its columns are about to be assigned.
#[derive(Debug, Clone, Default)]
pub struct Look {
    /// Sheets of the workbook, where it has several.
    pub sheets: Vec<String>,
    /// Whether one of them must be chosen before anything can be read.
    pub must_choose: bool,
    /// Its columns.
    pub columns: Vec<ColumnLook>,
    /// Rows below its head.
    pub rows: usize,
    /// How it is read.
    pub mapping: Mapping,
}

/// A column with what is in it.
#[derive(Debug, Clone)]
pub struct ColumnLook {
    /// Its name.
    pub name: String,
    /// Path of its field, if it has one.
    pub field: Option<String>,
    /// What is wrong with it, or worth saying.
    pub fault: Option<ColumnFault>,
    /// Its first values.
    pub samples: Vec<String>,
}

/// A trial, or the import itself, that goes on or has just ended.
pub struct Trial {
    /// The run.
    pub run: Uuid,
    /// Whether nothing is to remain.
    pub dry_run: bool,
    outcome: OnceLock<Outcome>,
    weight: u32,
}

enum Outcome {
    Told(Box<Imported>),
    Failed(Mutex<Option<Error>>),
}

impl Trial {
    /// Whether it goes on.
    pub fn goes_on(&self) -> bool {
        self.outcome.get().is_none()
    }

    /// What it told, once it is over and nothing stood in its way.
    pub fn told(&self) -> Option<&Imported> {
        match self.outcome.get() {
            Some(Outcome::Told(imported)) => Some(imported),
            _ => None,
        }
    }

    /// What it told of rows.
    pub fn report(&self) -> Option<&ImportReport> {
        self.told().map(|imported| imported.report.get())
    }

    /// Why it failed; told once.
    pub fn failed(&self) -> Option<Error> {
        match self.outcome.get() {
            Some(Outcome::Failed(error)) => error.lock().unwrap_or_else(PoisonError::into_inner).take(),
            _ => None,
        }
    }
}

/// What trials told, by the sheet.
pub struct TrialsKept(moka::sync::Cache<Uuid, Arc<Trial>>);

impl Default for TrialsKept {
    fn default() -> Self {
        let weigh = |_: &Uuid, trial: &Arc<Trial>| trial.weight;
        Self(moka::sync::Cache::builder().weigher(weigh).max_capacity(MEMORY).time_to_idle(KEPT).build())
    }
}

impl App {
    /// Keeps a sheet of the caller's for a day, for what `plan` says.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] for whoever has no right in the register; a sheet that is too large, or one too many.
    pub async fn keep_upload(
        &self,
        cx: ActContext,
        register: String,
        kind: &'static str,
        file: Incoming,
        plan: &impl Serialize,
    ) -> Result<Uuid, Error> {
        let (name, plan) = (named(&file)?, plan_text(plan)?);
        let act = self.store.write(cx, move |tx| tx.upload_keep(&register, kind, &name, &file.bytes, &plan));
        Ok(act.await?.into_inner())
    }

    /// The caller's sheets that are not taken in yet.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`].
    pub async fn uploads(&self, cx: ActContext, register: String) -> Result<Vec<UploadLine>, Error> {
        let read = self.store.disclose(cx, move |tx| Ok(Sealed::unlogged(tx.uploads_of(&register)?)));
        Ok(read.await?.into_inner())
    }

    /// A sheet of the caller's.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], also where it is somebody else's or its day is over.
    pub async fn upload(&self, cx: ActContext, register: String, id: Uuid) -> Result<PendingUpload, Error> {
        let read = self.store.disclose(cx, move |tx| Ok(Sealed::unlogged(tx.upload_of(&register, id)?)));
        Ok(read.await?.into_inner())
    }

    /// Keeps how a sheet is to be taken in and, where it was mended elsewhere, its new content. What a trial told of it
    /// is no longer so.
    ///
    /// # Errors
    /// As [`App::upload`].
    pub async fn change_upload(
        &self,
        cx: ActContext,
        register: String,
        id: Uuid,
        plan: &impl Serialize,
        file: Option<Incoming>,
    ) -> Result<(), Error> {
        let plan = plan_text(plan)?;
        let file = file.map(|file| Ok::<_, Error>((named(&file)?, file.bytes))).transpose()?;
        let act = self.store.write(cx, move |tx| {
            tx.upload_change(&register, id, &plan, file.as_ref().map(|(name, bytes)| (name.as_str(), bytes.as_slice())))
        });
        act.await?;
        self.trials.0.invalidate(&id);
        Ok(())
    }

    /// Forgets a sheet of the caller's, whether there is one or not.
    ///
    /// # Errors
    /// [`Refusal::Unauthenticated`].
    pub async fn drop_upload(&self, cx: ActContext, register: String, id: Uuid) -> Result<(), Error> {
        self.store.write(cx, move |tx| tx.upload_drop(&register, id)).await?;
        self.trials.0.invalidate(&id);
        Ok(())
    }

    /// What is in a sheet, column by column, and which field each would be.
    ///
    /// # Errors
    /// As [`App::upload`]; a file that cannot be read.
    pub async fn look_at_upload(&self, cx: ActContext, register: String, id: Uuid) -> Result<Look, Error> {
        let upload = self.upload(cx.clone(), register.clone(), id).await?;
        let plan = ImportPlan::of(&upload.line)?;
        let of = self.register(&register)?;
        let mapping = match plan.mapping {
            Some(mapping) => Some(mapping),
            None => self.kept_mapping(cx, &register, &plan.record_type).await?,
        };
        let wanted = Wanted { sheet: plan.sheet.clone(), header_row: plan.header_row, ..Wanted::default() };
        let record_type = plan.record_type;
        let looked = tokio::task::spawn_blocking(move || {
            let kind = of.record_type(&record_type).ok_or(Refusal::NotFound { what: "record type" })?;
            let opened = match read(&upload.bytes, &wanted) {
                Ok(opened) => opened,
                Err(ReadFault::SeveralSheets { sheets }) => {
                    let mapping = mapping.unwrap_or_default();
                    return Ok(Look { sheets, must_choose: true, mapping, ..Look::default() });
                }
                Err(fault) => return Err(unreadable(fault)),
            };
            let mapping = mapping.unwrap_or_default();
            let (found, faults) = columns(kind, &opened.sheet.header, Some(&mapping));
            let look = |(at, column): (usize, &crate::domain::import::Column)| {
                let cells = opened.sheet.rows.iter().filter_map(|row| row.cells.get(at));
                let texts = cells.map(crate::domain::import::shown).filter(|text| !text.is_empty());
                ColumnLook {
                    name: column.name.clone(),
                    field: column.field.clone(),
                    fault: faults.iter().find(|f| f.position == at + 1).cloned(),
                    samples: texts.take(SAMPLES).collect(),
                }
            };
            let mut sheets = Vec::new();
            for note in &opened.notes {
                if let Note::OtherSheets { sheets: others } = note {
                    sheets.push(opened.sheet.name.clone());
                    sheets.extend(others.iter().cloned());
                }
            }
            Ok(Look {
                sheets,
                must_choose: false,
                columns: found.list().iter().enumerate().map(look).collect(),
                rows: opened.sheet.rows.len(),
                mapping,
            })
        });
        looked.await.map_err(|e| Error::Setup(e.to_string()))?
    }

    /// What the last trial of a sheet told, or that it goes on. Whether the sheet is the caller's must be known already.
    pub fn trial(&self, upload: &UploadLine) -> Option<Arc<Trial>> {
        self.trials.0.get(&upload.id)
    }

    /// Tries a sheet, or imports it: begun at once and, if it takes long, going on by itself. A sheet that was imported
    /// is forgotten.
    ///
    /// # Errors
    /// As [`App::upload`]. What the import itself says is in the trial.
    pub async fn try_upload(
        self: &Arc<Self>,
        cx: ActContext,
        register: String,
        upload: PendingUpload,
        dry_run: bool,
    ) -> Result<Arc<Trial>, Error> {
        let id = upload.line.id;
        let plan = ImportPlan::of(&upload.line)?;
        let new = plan.clone().order(dry_run);
        let run = self.begin_run(&cx, &register, &new.record_type, new.institution_id)?;
        let weight = u32::try_from(upload.bytes.len().saturating_mul(10)).unwrap_or(u32::MAX);
        let trial = Arc::new(Trial { run: run.id, dry_run, outcome: OnceLock::new(), weight });
        self.trials.0.insert(id, trial.clone());
        let (app, kept) = (self.clone(), trial.clone());
        let file = Incoming { name: upload.line.name, claimed: None, bytes: upload.bytes };
        let task = tokio::spawn(self.store.with_one_version(async move {
            let outcome = match app.import_as(cx.clone(), register.clone(), new, file, run).await {
                Ok(imported) => Outcome::Told(Box::new(imported)),
                Err(error) => Outcome::Failed(Mutex::new(Some(error))),
            };
            if let Outcome::Told(imported) = &outcome
                && imported.report.get().state == "done"
            {
                app.imported_upload(cx, register, id, &plan, imported).await;
            }
            drop(kept.outcome.set(outcome));
        }));
        // Whoever waits no longer leaves it running.
        drop(tokio::time::timeout(PATIENCE, task).await);
        Ok(trial)
    }

    /// A sheet that was imported is forgotten; where rows of it were held back, it waits with these alone.
    async fn imported_upload(&self, cx: ActContext, register: String, id: Uuid, plan: &ImportPlan, done: &Imported) {
        self.trials.0.invalidate(&id);
        let cx = ActContext { idempotency: None, ..cx };
        let outcome = if plan.mended.withheld.is_empty() {
            self.drop_upload(cx, register, id).await
        } else {
            let entered = done.sheet.rows.iter().map(|row| row.number).collect();
            let mended = Mended { cells: plan.mended.cells.clone(), withheld: entered };
            self.change_upload(cx, register, id, &ImportPlan { mended, ..plan.clone() }, None).await
        };
        if let Err(error) = outcome {
            // It is forgotten when its day is over.
            log::warn!(target: "andmekogu", "an imported sheet was not forgotten at once: {error}");
        }
    }

    /// Forgets what a trial told, so that the next look tries again.
    pub fn forget_trial(&self, upload: Uuid) {
        self.trials.0.invalidate(&upload);
    }
}

/// The name of a sheet that is not too large.
fn named(file: &Incoming) -> Result<String, Error> {
    let limit = Limits::default().bytes;
    if file.bytes.len() > limit {
        return Err(Error::TooLarge { limit });
    }
    let last = file.name.rsplit(['/', '\\']).next().unwrap_or_default();
    Ok(last.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect())
}

fn plan_text(plan: &impl Serialize) -> Result<String, Error> {
    let limit = super::desk::LARGEST_DRAFT;
    let value: Value = serde_json::to_value(plan).map_err(|e| Error::Malformed(e.to_string()))?;
    let text = value.to_string();
    if text.len() > limit { Err(Error::TooLarge { limit }) } else { Ok(text) }
}
