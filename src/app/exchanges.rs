//! Exchanging data with other registers, by the profiles of the definition.

use chrono::NaiveDate;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::documents::Incoming;
use super::imports::{of_column, unreadable};
use super::leaving::Frame;
use super::{ActContext, App, Disclosed, Error, cursor};
use crate::domain::import::{Mapping, exchange_columns, rows};
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::domain::statute::exchange::Direction;
use crate::files::read::{Wanted as Sheets, read};
use crate::files::{Column, ColumnKind, Table};
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
    let frame = Frame {
        register: &data.register,
        disclosure_id: data.disclosure_id,
        recipient: &data.exchange.partner,
        purpose: data.exchange.label.in_language(data.wanted.language),
        clause: &data.exchange.clause,
        made_at: data.made_at,
        wanted: &data.wanted,
    };
    frame.write(|| in_json(data), || table(data))
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
