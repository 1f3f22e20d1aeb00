//! Sheets that come in, templates for them and lists that go out, and changes of many records at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{Datelike as _, NaiveDate};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::documents::Incoming;
use super::files_of::{Made, Shape, column_kind, written};
use super::{ActContext, App, Caller, Disclosed, Error, cursor};
use crate::clock::uuid_at;
use crate::domain::import::sheet::{self, Sheet};
use crate::domain::import::{ColumnFault, Columns, Mapping, RowRead, columns, headings, rows};
use crate::domain::record::validate::Violation;
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::domain::statute::{Definition, Field, FieldType, RecordType};
use crate::files::read::{Encoding, Limits, Note, ReadFault, Wanted, read};
use crate::files::sheets::{self, TemplateColumn, TemplateSpec};
use crate::files::{Cell, Column, ColumnKind, Lang, Table, csv, xlsx_table};
use crate::store;
use crate::store::acts::imports::{BulkChange, ImportOrder, ImportReport, Reading, Source};
use crate::store::read::imports::{ImportRowView, ImportView};
use crate::store::read::lists::ListQuery;
use crate::store::read::records::{Page, RecordView};
use crate::store::runs::{Run, RunState};

/// Items of each list that a template has columns for.
const TEMPLATE_ITEMS: usize = 2;
/// The most items of a list that an export has columns for.
const EXPORT_ITEMS: usize = 20;

/// A sheet to be imported.
pub struct NewImport {
    /// Record type.
    pub record_type: String,
    /// Institution whose records they are.
    pub institution_id: Uuid,
    /// First day on which rows are true that say nothing else.
    pub effective_on: NaiveDate,
    /// Base documents of all of it.
    pub base_document_ids: Vec<Uuid>,
    /// Which column is which field; absent: as the caller's last one of the type, or by the names of the columns.
    pub mapping: Option<Mapping>,
    /// Whether to keep it for the next time.
    pub keep_mapping: bool,
    /// Sheet of the workbook.
    pub sheet: Option<String>,
    /// What stands between the cells of a text file.
    pub delimiter: Option<char>,
    /// Encoding of a text file.
    pub encoding: Option<Encoding>,
    /// Row of the names of the columns, from 1.
    pub header_row: Option<u32>,
    /// Whether records may be entered that the register does not know.
    pub creates: bool,
    /// Whether records may be changed that it knows.
    pub changes: bool,
    /// What was mended in the sheet since it was brought.
    pub mended: Mended,
    /// Whether nothing is to remain.
    pub dry_run: bool,
}

/// What whoever brought a sheet has since mended in it, and which of its rows they hold back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mended {
    /// Texts in the place of those of the sheet, by the number of the row and the name of the column.
    pub cells: BTreeMap<u32, BTreeMap<String, String>>,
    /// Numbers of rows that are held back.
    pub withheld: BTreeSet<u32>,
}

/// A change of many records.
pub struct NewBulk {
    /// Record type.
    pub record_type: String,
    /// Institution whose records they are.
    pub institution_id: Uuid,
    /// First day on which it is true.
    pub effective_on: NaiveDate,
    /// Base documents of all of it.
    pub base_document_ids: Vec<Uuid>,
    /// Only these records.
    pub ids: Option<Vec<Uuid>>,
    /// Exact values of indexed fields.
    pub filter: BTreeMap<String, String>,
    /// What changes.
    pub change: BulkChange,
    /// SHA-256 of what was asked for.
    pub sha256: String,
    /// Whether nothing is to remain.
    pub dry_run: bool,
}

impl Mended {
    /// Whether nothing was mended.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty() && self.withheld.is_empty()
    }

    /// Puts what was mended in its place.
    fn mend(&self, kind: &RecordType, columns: &Columns, sheet: &mut Sheet) {
        if self.is_empty() {
            return;
        }
        sheet.rows.retain(|row| !self.withheld.contains(&row.number));
        for row in &mut sheet.rows {
            let Some(texts) = self.cells.get(&row.number) else { continue };
            for (column, cell) in columns.list().iter().zip(&mut row.cells) {
                if let Some(text) = texts.get(&column.name) {
                    *cell = typed(kind, column, text);
                }
            }
        }
    }
}

/// The field of a place in the data.
pub fn field_of<'d>(kind: &'d RecordType, pointer: &str) -> Option<&'d Field> {
    let mut found: Option<&Field> = None;
    for name in pointer.split('/').skip(1).filter(|step| !step.bytes().all(|b| b.is_ascii_digit())) {
        let fields = found.map_or(&kind.fields, |field| &field.parts);
        found = Some(fields.iter().find(|field| field.name == name)?);
    }
    found
}

/// What was typed, as the cell of a workbook would hold it: days and numbers are read as people write them, however the
/// sheet writes its own.
fn typed(kind: &RecordType, column: &crate::domain::import::Column, text: &str) -> sheet::Cell {
    let text = text.trim();
    if text.is_empty() {
        return sheet::Cell::Empty;
    }
    let field = column.pointer.as_deref().and_then(|pointer| field_of(kind, pointer));
    let day = || {
        let read = ["%d.%m.%Y", "%Y-%m-%d"].iter().find_map(|form| NaiveDate::parse_from_str(text, form).ok());
        read.filter(|day| day.year() >= 1000).map(sheet::Cell::Date)
    };
    let number = || {
        let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        plain.replace(',', ".").parse().ok().map(sheet::Cell::Number)
    };
    let read = match field.map(|f| (f.kind, f.repeats)) {
        None if column.field.as_deref() == Some("effective_on") => day(),
        Some((FieldType::Date, false)) => day(),
        Some((FieldType::Decimal | FieldType::Money | FieldType::Percentage | FieldType::Load, false)) => number(),
        _ => None,
    };
    read.unwrap_or_else(|| sheet::Cell::Text(text.to_owned()))
}

/// What an import did, and the sheet as it was read.
pub struct Imported {
    /// What it did, or why not.
    pub report: Disclosed<ImportReport>,
    /// The sheet.
    pub sheet: Arc<Sheet>,
}

/// A sheet that has been read.
struct Opened {
    sheet: Arc<Sheet>,
    columns: Columns,
    rows: Vec<RowRead>,
    mapping: Mapping,
    reading: Reading,
    sha256: String,
}

impl App {
    /// Imports a sheet: all of it or nothing, with every fault of every row.
    ///
    /// # Errors
    /// A file that cannot be read; refusals with their clause. Faults of rows are in the report.
    pub async fn import(
        &self,
        cx: ActContext,
        register: String,
        new: NewImport,
        file: Incoming,
    ) -> Result<Imported, Error> {
        let run = self.begin_run(&cx, &register, &new.record_type, new.institution_id)?;
        self.import_as(cx, register, new, file, run).await
    }

    /// Begins an import and gives its id at once; it goes on by itself, and [`App::read_import`] tells how far it is.
    ///
    /// # Errors
    /// As [`App::begin_run`].
    pub fn import_later(
        self: &Arc<Self>,
        cx: ActContext,
        register: String,
        new: NewImport,
        file: Incoming,
    ) -> Result<Uuid, Error> {
        let run = self.begin_run(&cx, &register, &new.record_type, new.institution_id)?;
        let (app, id) = (self.clone(), run.id);
        tokio::spawn(self.store.with_one_version(async move {
            // What came of it stands in the run and, where it was done, in the register.
            drop(app.import_as(cx, register, new, file, run).await);
        }));
        Ok(id)
    }

    pub(super) async fn import_as(
        &self,
        cx: ActContext,
        register: String,
        new: NewImport,
        file: Incoming,
        run: Arc<Run>,
    ) -> Result<Imported, Error> {
        let outcome = self.imported(cx, register, new, file, run.clone()).await;
        match &outcome {
            Ok(imported) => over(&run, imported.report.get()),
            Err(error) => failed(&run, error),
        }
        outcome
    }

    async fn imported(
        &self,
        cx: ActContext,
        register: String,
        mut new: NewImport,
        file: Incoming,
        run: Arc<Run>,
    ) -> Result<Imported, Error> {
        let of = self.register(&register)?;
        if new.mapping.is_none() {
            new.mapping = self.kept_mapping(cx.clone(), &register, &new.record_type).await?;
        }
        let record_type = new.record_type.clone();
        let wanted = Wanted {
            sheet: new.sheet.clone(),
            delimiter: new.delimiter,
            encoding: new.encoding,
            header_row: new.header_row,
            limits: Limits::default(),
        };
        let (mapping, mended) = (new.mapping.take(), std::mem::take(&mut new.mended));
        // Unpacking and reading a large workbook takes a while: not on an async thread.
        let opened = tokio::task::spawn_blocking(move || open(&of, &record_type, &file, &wanted, mapping, &mended))
            .await
            .map_err(|e| Error::Setup(e.to_string()))??;
        let sheet = opened.sheet.clone();
        let keep =
            new.keep_mapping.then(|| json!(Mapping { columns: opened.columns.mapping(), ..opened.mapping.clone() }));
        let told = opened.columns.clone();
        let order = ImportOrder {
            id: run.id,
            record_type: new.record_type,
            institution_id: new.institution_id,
            effective_on: new.effective_on,
            base_document_ids: new.base_document_ids,
            source: Source::Sheet { columns: opened.columns, rows: opened.rows },
            creates: new.creates,
            changes: new.changes,
            dry_run: new.dry_run,
            sha256: opened.sha256,
            keep,
            reading: opened.reading,
        };
        let report = self.store.write(cx, move |tx| tx.import(&register, &order, &*run)).await?;
        let by_number: BTreeMap<u32, usize> = sheet.rows.iter().enumerate().map(|(n, r)| (r.number, n)).collect();
        let report = report.map(|mut report| {
            for fault in report.faults.iter_mut().filter(|f| f.value.is_empty()) {
                let row = by_number.get(&fault.row).and_then(|n| sheet.rows.get(*n));
                fault.value = row.and_then(|row| told.value(&fault.column, row)).unwrap_or_default();
            }
            report
        });
        Ok(Imported { report, sheet })
    }

    /// Changes many records in one act.
    ///
    /// # Errors
    /// Refusals with their clause. Faults of records are in the report.
    pub async fn change_many(
        &self,
        cx: ActContext,
        register: String,
        new: NewBulk,
    ) -> Result<Disclosed<ImportReport>, Error> {
        let run = self.begin_run(&cx, &register, &new.record_type, new.institution_id)?;
        let order = ImportOrder {
            id: run.id,
            record_type: new.record_type,
            institution_id: new.institution_id,
            effective_on: new.effective_on,
            base_document_ids: new.base_document_ids,
            source: Source::Bulk { ids: new.ids, filter: new.filter, change: new.change },
            creates: false,
            changes: true,
            dry_run: new.dry_run,
            sha256: new.sha256,
            keep: None,
            reading: Reading::default(),
        };
        let watched = run.clone();
        let outcome =
            self.store.write(cx, move |tx| tx.import(&register, &order, &*watched)).await.map_err(Error::from);
        match &outcome {
            Ok(report) => over(&run, report.get()),
            Err(error) => failed(&run, error),
        }
        outcome
    }

    /// Remembers that an act with many entries begins.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for an unknown register or record type.
    pub(super) fn begin_run(
        &self,
        cx: &ActContext,
        register: &str,
        record_type: &str,
        institution_id: Uuid,
    ) -> Result<Arc<Run>, Error> {
        let of = self.register(register)?;
        of.record_type(record_type).ok_or(Refusal::NotFound { what: "record type" })?;
        let mut random = [0_u8; 8];
        getrandom::fill(&mut random).map_err(|e| Error::Setup(e.to_string()))?;
        let now = self.store.now();
        let id = uuid_at(now.timestamp_micros(), random);
        let made_by = match &cx.caller {
            Caller::Session { user_id, .. } | Caller::User { user_id } => Some(*user_id),
            Caller::Installation { .. } => None,
        };
        Ok(self.store.runs.begin(Run::new(id, register, record_type, institution_id, made_by, now)))
    }

    pub(super) async fn kept_mapping(
        &self,
        cx: ActContext,
        register: &str,
        record_type: &str,
    ) -> Result<Option<Mapping>, Error> {
        match self.read_mapping(cx, register.to_owned(), record_type.to_owned()).await {
            Ok(kept) => Ok(serde_json::from_value(kept.into_inner()).ok()),
            Err(Error::Store(store::Error::Refused(Refusal::NotFound { .. }))) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// How the caller's sheets of a type name their columns.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] where nothing is kept.
    pub async fn read_mapping(
        &self,
        cx: ActContext,
        register: String,
        record_type: String,
    ) -> Result<Disclosed<Value>, Error> {
        Ok(self.store.disclose(cx, move |tx| tx.import_mapping(&register, &record_type)).await?)
    }

    /// Imports, newest first: on the first page those that run stand in front.
    ///
    /// # Errors
    /// Refusals with their clause.
    pub async fn list_imports(
        &self,
        cx: ActContext,
        register: String,
        institution: Option<Uuid>,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Disclosed<Page<ImportView>>, Error> {
        let before = cursor(after)?;
        let mut running = if before.is_none() { self.store.runs.running(&register) } else { Vec::new() };
        running.retain(|r| institution.is_none_or(|i| i == r.institution_id));
        let act = self.store.disclose(cx, move |tx| {
            let mut seen = Vec::new();
            for run in &running {
                match tx.may_see_run(&register, &run.record_type, run.institution_id, run.made_by) {
                    Ok(()) => seen.push(run_view(run)),
                    Err(store::Error::Refused(Refusal::NotFound { .. })) => {}
                    Err(other) => return Err(other),
                }
            }
            tx.import_list(&register, institution, before, limit, seen)
        });
        Ok(act.await?)
    }

    /// An import: one that runs or has just run in this process, or one that was made.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], also where it is not the caller's to see.
    pub async fn read_import(
        &self,
        cx: ActContext,
        register: String,
        id: Uuid,
    ) -> Result<Disclosed<ImportView>, Error> {
        let run = self.store.runs.find(&register, id).filter(|r| r.state() != RunState::Done);
        let act = self.store.disclose(cx, move |tx| match &run {
            Some(run) => {
                tx.may_see_run(&register, &run.record_type, run.institution_id, run.made_by)?;
                Ok(store::Sealed::unlogged(run_view(run)))
            }
            None => tx.import_read(&register, id),
        });
        Ok(act.await?)
    }

    /// What the rows of an import did.
    ///
    /// # Errors
    /// As [`App::read_import`].
    pub async fn import_rows(
        &self,
        cx: ActContext,
        register: String,
        id: Uuid,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Disclosed<Page<ImportRowView>>, Error> {
        let after = match after {
            Some(text) => text
                .parse::<i64>()
                .map_err(|_| Refusal::invalid("/cursor", "cursor", "the cursor is not one of ours", None))?,
            None => i64::MIN,
        };
        Ok(self.store.disclose(cx, move |tx| tx.import_rows(&register, id, after, limit)).await?)
    }

    /// Ends an import that runs; nothing of it remains.
    ///
    /// # Errors
    /// [`Refusal::NotFound`]; [`Refusal::Conflict`] for one that is over.
    pub async fn cancel_import(
        &self,
        cx: ActContext,
        register: String,
        id: Uuid,
    ) -> Result<Disclosed<ImportView>, Error> {
        let run = self.store.runs.find(&register, id).ok_or(Refusal::NotFound { what: "import that runs" })?;
        let act = self.store.disclose(cx, move |tx| {
            tx.may_see_run(&register, &run.record_type, run.institution_id, run.made_by)?;
            if !run.cancel() {
                let detail = "it is over; take it back instead".to_owned();
                return Err(Refusal::Conflict { code: "over", detail, clause: None }.into());
            }
            Ok(store::Sealed::unlogged(run_view(&run)))
        });
        Ok(act.await?)
    }

    /// Takes an import back.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] with the reason why it cannot be; refusals with their clause.
    pub async fn undo_import(
        &self,
        cx: ActContext,
        register: String,
        id: Uuid,
    ) -> Result<Disclosed<ImportView>, Error> {
        Ok(self.store.write(cx, move |tx| tx.import_undo(&register, id)).await?)
    }

    /// A sheet to be filled in: its columns with their code lists.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub async fn template(
        &self,
        register: String,
        record_type: String,
        lang: Lang,
        shape: Shape,
    ) -> Result<Made, Error> {
        let of = self.register(&register)?;
        let day = of.day(self.store.now());
        let made = move || template(&of, &record_type, day, lang, shape);
        tokio::task::spawn_blocking(made).await.map_err(|e| Error::Setup(e.to_string()))?
    }

    /// Every record that a list would give, as a file that can be read in again.
    ///
    /// # Errors
    /// As [`App::list_records`]; [`Refusal::Conflict`] for more records than an export holds.
    pub async fn export_records(
        &self,
        cx: ActContext,
        register: String,
        record_type: String,
        query: ListQuery,
        export: Export,
    ) -> Result<Disclosed<Made>, Error> {
        let of = self.register(&register)?;
        let kind = record_type.clone();
        let views = self.store.disclose(cx, move |tx| tx.record_export(&register, &kind, &query)).await?;
        let made = tokio::task::spawn_blocking(move || {
            let mut fault = None;
            let made = views.map(|views| match exported(&of, &record_type, &views, export) {
                Ok(made) => made,
                Err(error) => {
                    fault = Some(error);
                    Made::new(String::new(), export.shape, Vec::new())
                }
            });
            fault.map_or(Ok(made), Err)
        });
        made.await.map_err(|e| Error::Setup(e.to_string()))?
    }
}

/// How an export is written.
#[derive(Debug, Clone, Copy)]
pub struct Export {
    /// Its shape.
    pub shape: Shape,
    /// Language of the heads of the columns.
    pub lang: Lang,
    /// Whether columns bear the names of the definition instead of labels.
    pub machine_names: bool,
}

fn over(run: &Run, report: &ImportReport) {
    let state = match report.state {
        "done" => RunState::Done,
        "refused" => RunState::Refused,
        _ => RunState::Checked,
    };
    run.finish(state, report.faulty);
}

fn failed(run: &Run, error: &Error) {
    let cancelled = matches!(error, Error::Store(store::Error::Refused(Refusal::Conflict { code: "cancelled", .. })));
    run.finish(if cancelled { RunState::Cancelled } else { RunState::Failed }, 0);
}

fn run_view(run: &Run) -> ImportView {
    let (done, of) = run.done();
    let running = run.state() == RunState::Running;
    let count = |n: usize| running.then(|| u64::try_from(n).unwrap_or(u64::MAX));
    ImportView {
        id: run.id,
        register: run.register.clone(),
        record_type: run.record_type.clone(),
        institution_id: run.institution_id,
        state: run.state().as_str().to_owned(),
        made_by: run.made_by.map(|u| u.to_string()).unwrap_or_default(),
        made_at: crate::domain::calendar::rfc3339(run.started_at),
        undone_at: None,
        part: running.then(|| run.part().to_owned()),
        done: count(done),
        of: count(of),
        faulty: (!running).then(|| u64::try_from(run.faulty()).unwrap_or(u64::MAX)),
        sha256: None,
        summary: json!({}),
    }
}

/// Reads a sheet and finds the fields of its columns.
fn open(
    register: &Register,
    record_type: &str,
    file: &Incoming,
    wanted: &Wanted,
    mapping: Option<Mapping>,
    mended: &Mended,
) -> Result<Opened, Error> {
    let kind = register.record_type(record_type).ok_or(Refusal::NotFound { what: "record type" })?;
    let mut opened = read(&file.bytes, wanted).map_err(unreadable)?;
    let mapping = mapping.unwrap_or_default();
    let (columns, faults) = columns(kind, &opened.sheet.header, Some(&mapping));
    let (blocking, notes): (Vec<ColumnFault>, Vec<ColumnFault>) = faults.into_iter().partition(|f| f.blocks);
    if !blocking.is_empty() {
        return Err(Refusal::Invalid(blocking.into_iter().map(of_column).collect()).into());
    }
    if opened.sheet.rows.is_empty() {
        return Err(Refusal::invalid("/file", "no_rows", "The sheet has no rows below its head.", None).into());
    }
    mended.mend(kind, &columns, &mut opened.sheet);
    let rows = rows(&register.definition, kind, &columns, &opened.sheet, &mapping);
    let notes = opened.notes.iter().map(told).chain(notes.into_iter().map(|n| format!("{}: {}", n.column, n.detail)));
    Ok(Opened {
        reading: Reading {
            encoding: opened.encoding.map(|e| e.name().to_owned()),
            delimiter: opened.delimiter.map(String::from),
            notes: notes.collect(),
            mended: mended.cells.values().map(BTreeMap::len).sum(),
            withheld: mended.withheld.len(),
        },
        sheet: Arc::new(opened.sheet),
        columns,
        rows,
        mapping,
        sha256: crate::domain::hex(&Sha256::digest(&file.bytes)),
    })
}

fn told(note: &Note) -> String {
    match note {
        Note::Formulas { count, cells } => {
            format!("{count} cells hold formulas; their stored values are taken ({})", cells.join(", "))
        }
        Note::OtherSheets { sheets } => format!("other sheets are not read: {}", sheets.join(", ")),
    }
}

pub(super) fn of_column(fault: ColumnFault) -> Violation {
    let meant = if fault.fields.is_empty() { String::new() } else { format!(" ({})", fault.fields.join(", ")) };
    let detail = format!("{}: {}{meant}", fault.column, fault.detail);
    Violation::error(&format!("/columns/{}", fault.position), fault.code, detail, fault.clause)
}

/// Why a sheet was not taken, as a refusal.
pub(super) fn unreadable(fault: ReadFault) -> Error {
    let code = match &fault {
        ReadFault::TooLarge { .. }
        | ReadFault::Bomb
        | ReadFault::TooManyRows { .. }
        | ReadFault::TooManyColumns { .. }
        | ReadFault::CellTooLong { .. } => "too_large",
        _ => "unreadable",
    };
    Refusal::invalid("/file", code, fault.to_string(), None).into()
}

/// The codes of a field's list that may be chosen on a day, with their labels.
fn codes(definition: &Definition, field: &Field, day: NaiveDate, lang: Lang) -> Vec<(String, String)> {
    let list = definition.codelists.iter().find(|l| Some(&l.name) == field.codelist.as_ref());
    let valid = |from: Option<NaiveDate>, until: Option<NaiveDate>| {
        from.is_none_or(|f| f <= day) && until.is_none_or(|u| u >= day)
    };
    let codes = list.into_iter().flat_map(|l| &l.codes).filter(|c| valid(c.valid_from, c.valid_until));
    codes.map(|c| (c.code.clone(), c.label.in_language(lang.code()).to_owned())).collect()
}

fn template(register: &Register, record_type: &str, day: NaiveDate, lang: Lang, shape: Shape) -> Result<Made, Error> {
    let kind = register.record_type(record_type).ok_or(Refusal::NotFound { what: "record type" })?;
    let headings = headings(kind, lang.code(), TEMPLATE_ITEMS);
    let bytes = if shape == Shape::Csv {
        let columns =
            headings.into_iter().map(|h| Column { name: h.path, label: h.label, kind: ColumnKind::Text }).collect();
        csv(&Table::new(record_type.to_owned(), columns), written(lang.code()))
            .map_err(|e| Error::Setup(e.to_string()))?
    } else {
        let columns = headings
            .into_iter()
            .map(|h| TemplateColumn {
                kind: match h.field.kind {
                    FieldType::Code if !h.field.repeats => {
                        sheets::ColumnKind::Code(codes(&register.definition, h.field, day, lang))
                    }
                    FieldType::Date => sheets::ColumnKind::Date,
                    FieldType::Boolean => sheets::ColumnKind::Boolean,
                    FieldType::Integer
                    | FieldType::Year
                    | FieldType::Decimal
                    | FieldType::Money
                    | FieldType::Percentage
                    | FieldType::Load
                        if !h.field.repeats =>
                    {
                        sheets::ColumnKind::Number
                    }
                    _ => sheets::ColumnKind::Text,
                },
                label: h.label,
                name: h.path,
                clause: h.clause.map(|c| c.0.clone()).unwrap_or_default(),
                required: h.required,
                note: h.field.help.as_ref().map(|l| l.in_language(lang.code()).to_owned()),
            })
            .collect();
        let spec = TemplateSpec { title: kind.label.in_language(lang.code()).to_owned(), columns, words: lang };
        sheets::template(&spec).map_err(|e| Error::Setup(e.to_string()))?
    };
    Ok(Made::new(record_type.to_owned(), shape, bytes))
}

/// The most items that a list of groups has in these records, and no more than an export shows.
fn longest(kind: &RecordType, views: &[RecordView]) -> usize {
    fn most(value: &Value) -> usize {
        match value {
            Value::Array(items) => items.len().max(items.iter().map(most).max().unwrap_or(0)),
            Value::Object(members) => members.values().map(most).max().unwrap_or(0),
            _ => 0,
        }
    }
    let lists: Vec<&str> = kind.fields.iter().filter(|f| f.kind == FieldType::Group).map(|f| f.name.as_str()).collect();
    let of = |view: &RecordView| lists.iter().filter_map(|l| view.data.get(*l)).map(most).max().unwrap_or(0);
    views.iter().map(of).max().unwrap_or(0).clamp(1, EXPORT_ITEMS)
}

/// The value at a path with items from 1 (`guardians[2]/phone`).
fn at<'v>(data: &'v Value, path: &str) -> Option<&'v Value> {
    let mut here = data;
    for step in path.split('/') {
        let (name, item) = match step.split_once('[') {
            Some((name, rest)) => (name, rest.trim_end_matches(']').parse::<usize>().ok()?.checked_sub(1)),
            None => (step, None),
        };
        here = here.get(name)?;
        if let Some(item) = item {
            here = here.get(item)?;
        }
    }
    Some(here)
}

fn exported(register: &Register, record_type: &str, views: &[RecordView], export: Export) -> Result<Made, Error> {
    let stem = record_type.to_owned();
    if export.shape == Shape::Json {
        let bytes = serde_json::to_vec(&json!({ "items": views })).map_err(|e| Error::Setup(e.to_string()))?;
        return Ok(Made::new(stem, Shape::Json, bytes));
    }
    let kind = register.record_type(record_type).ok_or(Refusal::NotFound { what: "record type" })?;
    let headings = headings(kind, export.lang.code(), longest(kind, views));
    let mut columns = vec![Column { name: "record_id".into(), label: "record_id".into(), kind: ColumnKind::Text }];
    columns.extend(headings.iter().map(|h| Column {
        name: h.path.clone(),
        label: if export.machine_names { h.path.clone() } else { h.label.clone() },
        kind: if h.field.repeats { ColumnKind::Text } else { column_kind(h.field.kind) },
    }));
    let zone = register.definition.register.time_zone;
    let mut table = Table::new(kind.label.in_language(export.lang.code()).to_owned(), columns);
    for view in views {
        let mut row = vec![Cell::Text(view.id.to_string())];
        for (column, heading) in table.columns().iter().skip(1).zip(&headings) {
            let value = at(&view.data, &heading.path);
            row.push(value.map_or(Cell::Empty, |v| Cell::from_json(v, column.kind, zone)));
        }
        table.push(row).map_err(|e| Error::Setup(e.to_string()))?;
    }
    let bytes = match export.shape {
        Shape::Csv => csv(&table, written(export.lang.code())).map_err(|e| Error::Setup(e.to_string()))?,
        _ => xlsx_table(&table, export.lang).map_err(|e| Error::Setup(e.to_string()))?,
    };
    Ok(Made::new(stem, export.shape, bytes))
}

/// The sheet with its faults: every row in its own row again, with what is wrong at its end.
///
/// # Errors
/// When a text is longer than a cell can be.
pub fn fault_sheet(sheet: &Sheet, report: &ImportReport, stem: &str, shape: Shape, lang: Lang) -> Result<Made, Error> {
    let mut faults: BTreeMap<u32, Vec<(String, String)>> = BTreeMap::new();
    for fault in &report.faults {
        let column = if fault.column.is_empty() { fault.field.clone() } else { fault.column.clone() };
        let clause = fault.clause.as_ref().map(|c| format!(" ({})", c.0)).unwrap_or_default();
        faults.entry(fault.row).or_default().push((column, format!("{}{clause}", fault.detail)));
    }
    let written = match shape {
        Shape::Csv => sheets::Shape::Csv,
        _ => sheets::Shape::Xlsx,
    };
    let bytes = sheets::faults(sheet, &faults, written, lang).map_err(|e| Error::Setup(e.to_string()))?;
    Ok(Made::new(format!("{stem}-vead"), shape, bytes))
}
