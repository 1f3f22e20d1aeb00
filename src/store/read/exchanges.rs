//! What is read for an exchange with another register, and the exchanges that were made.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::active;
use super::records::Page;
use crate::domain::access::Action;
use crate::domain::calendar::{instant, rfc3339};
use crate::domain::disclosure::{self, Format, value_at};
use crate::domain::import::exchange_cell;
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::domain::statute::exchange::{Direction, Exchange, ExchangeColumn, ExchangePart};
use crate::domain::statute::path::FieldPath;
use crate::domain::statute::{Field, RecordType};
use crate::store::error::Error;
use crate::store::facts;
use crate::store::guard::{ExchangeRun, Permit, Sealed};
use crate::store::read::disclosure::Wanted;
use crate::store::schema::exchange_run;
use crate::store::tx::Tx;

/// In a column of an exchange: what follows is a path in the record of the institution.
pub const INSTITUTION: &str = "institution/";

/// An exchange as it is shown.
#[derive(Debug, Clone, Serialize)]
pub struct ExchangeRunView {
    /// Id.
    pub id: Uuid,
    /// Profile of the definition.
    pub exchange: String,
    /// User id of who made it.
    pub made_by: String,
    /// When.
    pub made_at: String,
    /// SHA-256 of exactly what went out or came in.
    pub sha256: String,
    /// Its entry in the ledger of disclosures, when data went out.
    pub disclosure_id: Option<Uuid>,
    /// Which part, and how many records.
    pub counts: Value,
    /// Id of its entry in the log.
    pub audit_id: Uuid,
}

/// What is to go out.
#[derive(Debug, Clone)]
pub struct ExportWanted {
    /// Profile.
    pub exchange: String,
    /// Part; may be left out where there is one only.
    pub part: Option<String>,
    /// Only this institution's records.
    pub institution_id: Option<Uuid>,
    /// Day as of which; `None`: today.
    pub as_of: Option<NaiveDate>,
    /// How it is to be written.
    pub wanted: Wanted,
}

/// What was read to go out: shown to the renderer, and to nobody else before it stands in the ledger.
pub(crate) struct Outgoing {
    /// Id that the entry of the ledger will have.
    pub disclosure_id: Uuid,
    /// When it was read.
    pub made_at: DateTime<Utc>,
    /// Register.
    pub register: Arc<Register>,
    /// Profile.
    pub exchange: Exchange,
    /// Part.
    pub part: ExchangePart,
    /// Day as of which.
    pub as_of: NaiveDate,
    /// Rows, a text for each column of the part.
    pub rows: Vec<Vec<String>>,
    /// How it is to be written.
    pub wanted: Wanted,
    pub(in crate::store) pages: Vec<Vec<Uuid>>,
}

/// The profile called `name` that goes in `direction`.
///
/// # Errors
/// [`Refusal::NotFound`].
pub fn profile<'r>(register: &'r Register, name: &str, direction: Direction) -> Result<&'r Exchange, Refusal> {
    let found = register.definition.exchanges.iter().find(|e| e.name == name && e.direction == direction);
    found.ok_or(Refusal::NotFound { what: "exchange" })
}

/// The part called `name`, or the only one.
///
/// # Errors
/// [`Refusal::Invalid`] that names the parts there are.
pub fn part_of<'e>(exchange: &'e Exchange, name: Option<&str>) -> Result<&'e ExchangePart, Refusal> {
    let found = match name {
        Some(name) => exchange.parts.iter().find(|p| p.name == name),
        None if exchange.parts.len() == 1 => exchange.parts.first(),
        None => None,
    };
    found.ok_or_else(|| {
        let names: Vec<&str> = exchange.parts.iter().map(|p| p.name.as_str()).collect();
        let detail = format!("name one part of the exchange: {}", names.join(", "));
        Refusal::invalid("/part", "not_in_codelist", detail, Some(exchange.clause.clone()))
    })
}

/// A column made ready: whose field it is, and where.
struct Prepared<'d> {
    column: &'d ExchangeColumn,
    of_institution: bool,
    path: FieldPath,
    field: &'d Field,
}

fn prepare<'d>(
    column: &'d ExchangeColumn,
    kind: &'d RecordType,
    institution: &'d RecordType,
) -> Result<Prepared<'d>, Error> {
    let damaged = || Error::Damaged(format!("the column {} of an exchange names no field", column.name));
    let (of_institution, text) = match column.field.strip_prefix(INSTITUTION) {
        Some(rest) => (true, rest),
        None => (false, column.field.as_str()),
    };
    let path = FieldPath::parse(text).map_err(|_| damaged())?;
    let fields = if of_institution { &institution.fields } else { &kind.fields };
    let field = path.resolve(fields).ok_or_else(damaged)?;
    Ok(Prepared { column, of_institution, path, field })
}

impl Prepared<'_> {
    /// What stands in the column; several values are parted by semicolons.
    fn text(&self, record: &Value, institution: Option<&Value>) -> String {
        let of = if self.of_institution { institution } else { Some(record) };
        let value = of.map_or(Value::Null, |data| value_at(data, &self.path));
        match &value {
            Value::Null => exchange_cell(self.field, self.column, None),
            Value::Array(items) => {
                let texts: Vec<String> =
                    items.iter().map(|i| exchange_cell(self.field, self.column, Some(i))).collect();
                texts.join(";")
            }
            one => exchange_cell(self.field, self.column, Some(one)),
        }
    }
}

impl<'tx> Tx<'tx> {
    /// Reads what goes out by a profile: the active records of a part, in its columns and no others.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for an unknown profile, [`Refusal::Invalid`] for a part that is not there or more records
    /// than fit.
    pub(crate) fn exchange_read(
        &mut self,
        permit: Permit<'tx, ExchangeRun>,
        disclosure_id: Uuid,
        asked: &ExportWanted,
    ) -> Result<Sealed<'tx, Outgoing>, Error> {
        let register = permit.register.clone();
        let exchange = profile(&register, &asked.exchange, Direction::Export)?.clone();
        let part = part_of(&exchange, asked.part.as_deref())?.clone();
        let kind = register.record_type(&part.record_type).ok_or(Refusal::NotFound { what: "record type" })?;
        let of_institutions = &register.definition.register.institutions.record_type;
        let institution = register.record_type(of_institutions).ok_or(Refusal::NotFound { what: "record type" })?;
        let columns = part.columns.iter().map(|c| prepare(c, kind, institution)).collect::<Result<Vec<_>, Error>>()?;
        let day = asked.as_of.unwrap_or_else(|| self.today(&register));
        let most = asked.wanted.format.most_records();
        let only = asked.institution_id.map(|i| i.to_string());
        let asks_institution = columns.iter().any(|c| c.of_institution);
        let needs = |_: &Value, institution: &str| match asks_institution {
            true => vec![institution.to_owned()],
            false => Vec::new(),
        };
        let (mut rows, mut pages) = (Vec::new(), Vec::new());
        active::each_page(self.conn, &register, kind, day, &needs, &mut |records, others| {
            let mut page = Vec::new();
            for record in records {
                let wanted = only.as_ref().is_none_or(|i| *i == record.institution_id)
                    && part.condition.as_ref().is_none_or(|c| c.holds(&record.data));
                if !wanted {
                    continue;
                }
                let institution = others.get(&record.institution_id);
                rows.push(columns.iter().map(|c| c.text(&record.data, institution)).collect());
                page.push(facts::id(&record.record_id)?);
            }
            if rows.len() > most {
                let detail = format!(
                    "more than {most} records match; ask for one institution, or in a form that takes more: {} in JSON \
                     or CSV",
                    disclosure::MOST_RECORDS
                );
                return Err(
                    Refusal::invalid("/format", "too_many_records", detail, Some(exchange.clause.clone())).into()
                );
            }
            if !page.is_empty() {
                pages.push(page);
            }
            Ok(())
        })?;
        let outgoing = Outgoing {
            disclosure_id,
            made_at: self.now,
            as_of: day,
            rows,
            wanted: asked.wanted.clone(),
            pages,
            exchange: exchange.clone(),
            part: part.clone(),
            register: register.clone(),
        };
        Ok(Sealed::new(outgoing, None))
    }

    /// The exchanges that were made, newest first.
    ///
    /// # Errors
    /// Those of the database.
    pub fn exchange_list(
        &mut self,
        permit: Permit<'tx, ExchangeRun>,
        before: Option<Uuid>,
        limit: i64,
    ) -> Result<Sealed<'tx, Page<ExchangeRunView>>, Error> {
        type Row = (String, String, String, i64, String, Option<String>, String, String);
        let register = permit.register.clone();
        let mut query = exchange_run::table
            .filter(exchange_run::register.eq(register.name()))
            .order(exchange_run::id.desc())
            .limit(limit + 1)
            .select((
                exchange_run::id,
                exchange_run::exchange,
                exchange_run::made_by,
                exchange_run::made_at,
                exchange_run::sha256,
                exchange_run::disclosure_id,
                exchange_run::body,
                exchange_run::audit_id,
            ))
            .into_boxed::<crate::store::conn::MultiBackend>();
        if let Some(before) = before {
            query = query.filter(exchange_run::id.lt(before.to_string()));
        }
        let rows: Vec<Row> = query.load(self.conn)?;
        let size = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > size;
        let mut items = Vec::with_capacity(rows.len().min(size));
        for (id, exchange, made_by, made_at, sha256, disclosure_id, body, audit_id) in rows.into_iter().take(size) {
            items.push(ExchangeRunView {
                id: facts::id(&id)?,
                exchange,
                made_by,
                made_at: rfc3339(instant(made_at)),
                sha256,
                disclosure_id: disclosure_id.as_deref().map(facts::id).transpose()?,
                counts: facts::json(&body)?,
                audit_id: facts::id(&audit_id)?,
            });
        }
        let next_cursor = items.last().filter(|_| more).map(|i| i.id.to_string());
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::ExchangeRun, &actor, &permit.ruling);
        event.kind = crate::domain::audit::Kind::Read;
        event.action = "exchange.list".to_owned();
        Ok(Sealed::new(Page { items, next_cursor }, Some(event)))
    }
}

impl Outgoing {
    /// How many records of which part.
    pub(in crate::store) fn counts(&self) -> Value {
        serde_json::json!({ "part": self.part.name, "records": self.rows.len() })
    }

    /// Which form it has.
    pub fn format(&self) -> Format {
        self.wanted.format
    }
}
