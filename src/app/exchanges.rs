//! Exchanging data with other registers, by the profiles of the definition.

use chrono::NaiveDate;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::disclosure::{legal_effect, unfit};
use super::documents::Incoming;
use super::imports::{of_column, unreadable};
use super::{ActContext, App, Disclosed, Error, cursor};
use crate::domain::disclosure::Format;
use crate::domain::import::{Mapping, exchange_columns, rows};
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::domain::statute::exchange::Direction;
use crate::files::read::{Wanted as Sheets, read};
use crate::files::{self, Column, ColumnKind, CsvOptions, Extract, Limits, Table};
use crate::store::acts::exchanges::{IncomingOrder, IncomingReport};
use crate::store::guard::ExchangeRun;
use crate::store::read::exchanges::{ExchangeRunView, ExportWanted, Outgoing, part_of, profile};
use crate::store::read::records::Page;
use crate::store::{self, Left};

impl App {
    /// Sends out what a profile says: read, written, entered in the ledger, and only then let go of.
    ///
    /// # Errors
    /// Refusals with their clause; an unknown profile or part; more records than fit.
    pub async fn export_by_profile(
        &self,
        cx: ActContext,
        register: String,
        wanted: ExportWanted,
    ) -> Result<Disclosed<Left>, Error> {
        let (again, institution) = (register.clone(), wanted.institution_id);
        let act = self.store.release(
            cx,
            move |tx, disclosure_id| {
                let permit = tx.authorize_register::<ExchangeRun>(&register, Some(institution))?;
                tx.exchange_read(permit, disclosure_id, &wanted)
            },
            render,
            move |tx, leaving| {
                let permit = tx.authorize_register::<ExchangeRun>(&again, Some(institution))?;
                tx.exchange_write(permit, leaving)
            },
        );
        Ok(act.await?)
    }

    /// Takes in what came from another register by a profile: all of it or nothing, each value marked with its source.
    ///
    /// # Errors
    /// A file that cannot be read; columns other than agreed; refusals with their clause. Faults of rows are in the
    /// report.
    pub async fn import_by_profile(
        &self,
        cx: ActContext,
        register: String,
        new: NewIncoming,
        file: Incoming,
    ) -> Result<Disclosed<IncomingReport>, Error> {
        let of = self.register(&register)?;
        // Unpacking and reading a large workbook takes a while: not on an async thread.
        let order = tokio::task::spawn_blocking(move || open(&of, new, &file))
            .await
            .map_err(|e| Error::Setup(e.to_string()))??;
        let act = self.store.write(cx, move |tx| {
            let permit = tx.authorize_register::<ExchangeRun>(&register, Some(order.institution_id))?;
            tx.exchange_receive(permit, &order)
        });
        Ok(act.await?)
    }

    /// The exchanges that were made, newest first.
    ///
    /// # Errors
    /// Refusals with their clause.
    pub async fn list_exchanges(
        &self,
        cx: ActContext,
        register: String,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Disclosed<Page<ExchangeRunView>>, Error> {
        let before = cursor(after)?;
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_register::<ExchangeRun>(&register, Some(None))?;
            tx.exchange_list(permit, before, limit)
        });
        Ok(act.await?)
    }
}

/// What came from another register, to be taken in.
pub struct NewIncoming {
    /// Profile of the definition.
    pub exchange: String,
    /// Part of it.
    pub part: Option<String>,
    /// Only records of this institution.
    pub institution_id: Option<Uuid>,
    /// First day on which it is true.
    pub effective_on: NaiveDate,
    /// Base documents of all of it.
    pub base_document_ids: Vec<Uuid>,
    /// Whether nothing is to remain.
    pub dry_run: bool,
}

fn open(register: &Register, new: NewIncoming, file: &Incoming) -> Result<IncomingOrder, Error> {
    let exchange = profile(register, &new.exchange, Direction::Import)?;
    let part = part_of(exchange, new.part.as_deref())?;
    let kind = register.record_type(&part.record_type).ok_or(Refusal::NotFound { what: "record type" })?;
    let sheet = read(&file.bytes, &Sheets::default()).map_err(unreadable)?.sheet;
    let (columns, faults) = exchange_columns(kind, part, &sheet.header);
    let blocking: Vec<_> = faults.into_iter().filter(|f| f.blocks).map(of_column).collect();
    if !blocking.is_empty() {
        return Err(Refusal::Invalid(blocking).into());
    }
    let rows = rows(&register.definition, kind, &columns, &sheet, &Mapping::default());
    Ok(IncomingOrder {
        exchange: new.exchange,
        part: new.part,
        institution_id: new.institution_id,
        effective_on: new.effective_on,
        base_document_ids: new.base_document_ids,
        sha256: crate::domain::hex(&Sha256::digest(&file.bytes)),
        dry_run: new.dry_run,
        columns,
        rows,
    })
}

/// Writes what goes out in the form that was asked for. A plain function: it can keep nothing of what it sees.
fn render(data: &Outgoing) -> Result<Vec<u8>, store::Error> {
    let damaged = |what: &str| store::Error::Damaged(format!("an exchange could not be written: {what}"));
    match data.format() {
        Format::Json => serde_json::to_vec(&in_json(data)).map_err(|_| damaged("json")),
        Format::Csv { excel } => {
            let options = if excel { CsvOptions::excel_et() } else { CsvOptions::rfc4180() };
            files::csv(&table(data), options).map_err(|_| damaged("csv"))
        }
        Format::Xlsx => files::xlsx(&extract(data)).map_err(|_| unfit("a text is too long for a workbook")),
        Format::Pdf => files::pdf(&extract(data), Limits::rows(Format::Pdf.most_records()))
            .map_err(|_| unfit("it does not fit on pages")),
    }
}

fn in_json(data: &Outgoing) -> Value {
    let rows: Vec<Value> = data
        .rows
        .iter()
        .map(|row| {
            // What is not there is left out, as the other side expects of its optional elements.
            let members = data.part.columns.iter().zip(row).filter(|(_, text)| !text.is_empty());
            Value::Object(members.map(|(c, text)| (c.name.clone(), json!(text))).collect::<Map<_, _>>())
        })
        .collect();
    json!({
        "exchange": data.exchange.name,
        "disclosure_id": data.disclosure_id,
        "register": data.register.name(),
        "partner": data.exchange.partner,
        "clause": data.exchange.clause,
        "legal_effect": data.register.definition.register.legal_effect,
        "as_of": data.as_of,
        "made_at": crate::domain::calendar::rfc3339(data.made_at),
        data.part.name.clone(): rows,
    })
}

fn table(data: &Outgoing) -> Table {
    let column = |name: &String| Column { name: name.clone(), label: name.clone(), kind: ColumnKind::Text };
    let mut table = Table::new(data.part.name.clone(), data.part.columns.iter().map(|c| column(&c.name)).collect());
    for row in &data.rows {
        let members: Map<String, Value> =
            data.part.columns.iter().zip(row).map(|(c, text)| (c.name.clone(), json!(text))).collect();
        table.push_json(&members, data.register.definition.register.time_zone);
    }
    table
}

fn extract(data: &Outgoing) -> Extract {
    let source = &data.register.definition.register;
    Extract {
        register_name: source.name.in_language(data.wanted.language).to_owned(),
        register_id: source.short_name.clone(),
        act: files::Act { title: source.act.title.clone(), publication_mark: source.act.publication.clone() },
        clause: data.exchange.clause.0.clone(),
        ledger_number: data.disclosure_id.to_string(),
        recipient_name: data.exchange.partner.clone(),
        purpose: data.exchange.label.in_language(data.wanted.language).to_owned(),
        made_at: data.made_at,
        time_zone: source.time_zone,
        lang: data.wanted.language.parse().unwrap_or_default(),
        note: legal_effect(source, data.wanted.language),
        table: table(data),
    }
}
