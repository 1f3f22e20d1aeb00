//! Statistical reports: which there are and when they are due, what one says, delivering it.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use super::files_of::{Made, Shape, written};
use super::{ActContext, App, Disclosed, Error};
use crate::domain::audit::canonical::canonical;
use crate::domain::publication::overview::OverviewView;
use crate::domain::publication::report::{ReportView, UNKNOWN, words};
use crate::domain::registers::Register;
use crate::files::{Act, Cell, Column, ColumnKind, Extract, Table, csv, xlsx};
use crate::store::acts::reports::{Delivered, DeliveryFrame, NewDelivery};
use crate::store::guard::ReportRun;
use crate::store::read::records::Page;
use crate::store::read::reports::ReportLine;

impl App {
    /// The reports of the definition, and when each is due.
    ///
    /// # Errors
    /// Refusals with their clause.
    pub async fn list_reports(
        &self,
        cx: ActContext,
        register: String,
        language: String,
    ) -> Result<Disclosed<Page<ReportLine>>, Error> {
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_register::<ReportRun>(&register, None)?;
            tx.report_list(permit, &language)
        });
        Ok(act.await?)
    }

    /// A report as it would be delivered now.
    ///
    /// # Errors
    /// Refusals with their clause; a day that is still to come.
    pub async fn run_report(
        &self,
        cx: ActContext,
        register: String,
        name: String,
        as_of: Option<NaiveDate>,
        language: String,
    ) -> Result<Disclosed<ReportView>, Error> {
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_register::<ReportRun>(&register, None)?;
            tx.report_run(permit, &name, as_of, &language)
        });
        Ok(act.await?)
    }

    /// A report as it would be delivered now, as a file.
    ///
    /// # Errors
    /// As [`App::run_report`].
    pub async fn report_file(
        &self,
        cx: ActContext,
        register: String,
        name: String,
        as_of: Option<NaiveDate>,
        language: String,
        shape: Shape,
    ) -> Result<Made, Error> {
        let report = self.run_report(cx, register.clone(), name.clone(), as_of, language.clone()).await?;
        let register = self.register(&register)?;
        let view = report.into_inner();
        let made_at = self.store.now();
        let bytes = file(&register, &view, "–", made_at, &language, None, shape).map_err(Error::Setup)?;
        Ok(Made::new(format!("{}-{}", view.report, view.as_of), shape, bytes))
    }

    /// Delivers a report. The ledger has the digest of exactly these bytes.
    ///
    /// # Errors
    /// As [`App::run_report`]; a missing channel.
    pub async fn deliver_report(
        &self,
        cx: ActContext,
        register: String,
        new: NewDelivery,
    ) -> Result<Disclosed<Delivered>, Error> {
        let of = self.register(&register)?;
        let render = move |view: &ReportView, frame: &DeliveryFrame| {
            let DeliveryFrame { id, made_at, format, language, note } = frame;
            let shape = Shape::parse(format).ok_or("the format is unknown")?;
            file(&of, view, &id.to_string(), *made_at, language, note.clone(), shape)
        };
        let act = self.store.write(cx, move |tx| {
            let permit = tx.authorize_register::<ReportRun>(&register, None)?;
            tx.report_deliver(permit, &new, &render)
        });
        Ok(act.await?)
    }
}

impl App {
    /// An overview of the definition as of today: over all that the caller may list, or of one institution.
    ///
    /// # Errors
    /// Refusals with their clause.
    pub async fn overview(
        &self,
        cx: ActContext,
        register: String,
        name: String,
        institution: Option<Uuid>,
        language: String,
    ) -> Result<Disclosed<OverviewView>, Error> {
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_overview(&register, &name, institution)?;
            tx.overview(permit, &name, institution, &language)
        });
        Ok(act.await?)
    }

    /// An overview as a file, for the caller's own use.
    ///
    /// # Errors
    /// As [`App::overview`].
    pub async fn overview_file(
        &self,
        cx: ActContext,
        register: String,
        name: String,
        institution: Option<Uuid>,
        language: String,
        shape: Shape,
    ) -> Result<Made, Error> {
        let of = self.register(&register)?;
        let view = self.overview(cx, register, name, institution, language.clone()).await?.into_inner();
        let made_at = self.store.now();
        let stem = format!("{}-{}", view.overview, view.as_of);
        let source = &of.definition.register;
        let table = overview_table(&view, &language).map_err(Error::Setup)?;
        let bytes = match shape {
            Shape::Csv => csv(&table, written(&language)).map_err(|e| e.to_string()),
            Shape::Xlsx => xlsx(&Extract {
                register_name: source.name.in_language(&language).to_owned(),
                register_id: of.name().to_owned(),
                act: Act { title: source.act.title.clone(), publication_mark: source.act.publication.clone() },
                clause: view.clause.to_string(),
                ledger_number: "–".to_owned(),
                recipient_name: "–".to_owned(),
                purpose: format!("{} ({})", view.label, view.as_of),
                made_at,
                time_zone: source.time_zone,
                lang: language.parse().unwrap_or_default(),
                note: None,
                table,
            })
            .map_err(|e| e.to_string()),
            Shape::Json | Shape::Html => Err("overviews are not made so".to_owned()),
        };
        Ok(Made::new(stem, shape, bytes.map_err(Error::Setup)?))
    }
}

/// A line for each group, and one over all.
fn overview_table(view: &OverviewView, language: &str) -> Result<Table, String> {
    let words = words(language);
    let column = |name: &str, label: &str, kind| Column { name: name.to_owned(), label: label.to_owned(), kind };
    let mut columns: Vec<Column> = view.by.iter().map(|c| column(&c.name, &c.label, ColumnKind::Text)).collect();
    columns.push(column("records", words.count, ColumnKind::Integer));
    if view.counts_people {
        columns.push(column("people", words.people, ColumnKind::Integer));
    }
    columns.extend(view.measures.iter().map(|m| column(&m.name, &m.label, ColumnKind::Decimal)));
    let mut table = Table::new(format!("{} ({})", view.label, view.as_of), columns);
    for row in view.rows.iter().chain([&view.total]) {
        let blank = view.by.len().saturating_sub(row.labels.len());
        let keys = row.labels.iter().map(|l| Cell::Text(l.clone())).chain(std::iter::repeat_n(Cell::Empty, blank));
        let number = |n: u64| i64::try_from(n).map_or(Cell::Empty, Cell::Integer);
        let counts = std::iter::once(number(row.records)).chain(row.people.map(number));
        let values = row.values.iter().map(|v| v.map_or(Cell::Empty, Cell::Decimal));
        table.push(keys.chain(counts).chain(values).collect()).map_err(|e| e.to_string())?;
    }
    Ok(table)
}

/// A report as a file.
fn file(
    register: &Arc<Register>,
    view: &ReportView,
    ledger_number: &str,
    made_at: DateTime<Utc>,
    language: &str,
    note: Option<String>,
    shape: Shape,
) -> Result<Vec<u8>, String> {
    match shape {
        Shape::Html => Err("reports are not made as pages".into()),
        Shape::Json => canonical(view).map(String::into_bytes).map_err(|e| e.to_string()),
        Shape::Csv => csv(&table(view, language)?, written(language)).map_err(|e| e.to_string()),
        Shape::Xlsx => {
            let source = &register.definition.register;
            let extract = Extract {
                register_name: source.name.in_language(language).to_owned(),
                register_id: register.name().to_owned(),
                act: Act { title: source.act.title.clone(), publication_mark: source.act.publication.clone() },
                clause: view.clause.to_string(),
                ledger_number: ledger_number.to_owned(),
                recipient_name: view.recipient.clone(),
                purpose: format!("{} ({})", view.label, view.as_of),
                made_at,
                time_zone: source.time_zone,
                lang: language.parse().unwrap_or_default(),
                note,
                table: table(view, language)?,
            };
            xlsx(&extract).map_err(|e| e.to_string())
        }
    }
}

/// A line for each cell of the report.
fn table(view: &ReportView, language: &str) -> Result<Table, String> {
    let words = words(language);
    let column = |name: &str, label: &str, kind| Column { name: name.to_owned(), label: label.to_owned(), kind };
    let mut columns: Vec<Column> =
        view.dimensions.iter().map(|d| column(&d.name, &d.label, ColumnKind::Text)).collect();
    columns.push(column("count", words.count, ColumnKind::Integer));
    columns.extend(view.measures.iter().map(|m| column(&m.name, &m.label, ColumnKind::Decimal)));
    columns.push(column("suppressed", words.suppressed, ColumnKind::Boolean));
    let mut table = Table::new(format!("{} ({})", view.label, view.as_of), columns);
    for cell in &view.cells {
        let keys = view.dimensions.iter().zip(&cell.keys).map(|(dimension, key)| match key.as_deref() {
            None => Cell::Text(words.total.to_owned()),
            Some(code) => {
                let fallback = if code == UNKNOWN { words.unknown } else { code };
                Cell::Text(dimension.codes.get(code).map_or(fallback, String::as_str).to_owned())
            }
        });
        let count = cell.count.and_then(|n| i64::try_from(n).ok()).map_or(Cell::Empty, Cell::Integer);
        let values = cell.values.iter().map(|v| v.map_or(Cell::Empty, Cell::Decimal));
        let line = keys.chain([count]).chain(values).chain([Cell::Boolean(cell.suppressed)]);
        table.push(line.collect()).map_err(|e| e.to_string())?;
    }
    Ok(table)
}
