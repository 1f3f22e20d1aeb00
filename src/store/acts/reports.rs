//! Delivering a statistical report: the ledger has the digest of exactly what left, and the aggregates themselves, so
//! that the next delivery can be kept from telling more by difference.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::domain::calendar::parse_day;
use crate::domain::publication::hex_sha256;
use crate::domain::publication::report::{Plan, ReportView};
use crate::domain::record::validate::Violation;
use crate::domain::refusal::Refusal;
use crate::domain::statute::procedures::ReportDefinition;
use crate::store::change::{Change, DisclosureWrite};
use crate::store::error::Error;
use crate::store::facts;
use crate::store::guard::{Permit, ReportRun, Sealed};
use crate::store::read::reports::{plan, report_named};
use crate::store::schema::disclosure;
use crate::store::write::WriteTx;

/// A delivery to be made.
#[derive(Debug, Clone)]
pub struct NewDelivery {
    /// Name of the report.
    pub report: String,
    /// Day; `None`: today.
    pub as_of: Option<NaiveDate>,
    /// Name of the format, for the ledger.
    pub format: String,
    /// By what means it goes.
    pub channel: String,
    /// What else the recipient shall know.
    pub note: Option<String>,
    /// Language of labels.
    pub language: String,
}

/// What of a delivery stands in the file itself.
#[derive(Debug, Clone)]
pub struct DeliveryFrame {
    /// Id in the ledger.
    pub id: Uuid,
    /// When it was made.
    pub made_at: DateTime<Utc>,
    /// Name of the format.
    pub format: String,
    /// Language.
    pub language: String,
    /// Note.
    pub note: Option<String>,
}

/// What has been delivered.
#[derive(Debug, Clone)]
pub struct Delivered {
    /// Id in the ledger.
    pub id: Uuid,
    /// The day as of which.
    pub as_of: NaiveDate,
    /// Name of the format.
    pub format: String,
    /// SHA-256 of the bytes, in lower-case hexadecimal.
    pub digest: String,
    /// What leaves.
    pub bytes: Vec<u8>,
}

/// Writes a report down as a file.
pub type Render = dyn Fn(&ReportView, &DeliveryFrame) -> Result<Vec<u8>, String> + Send + Sync;

impl<'tx> WriteTx<'tx> {
    /// Delivers a report: the table is made, written down by `render`, and entered into the ledger with its digest.
    /// A request that comes twice gets the same bytes.
    ///
    /// # Errors
    /// As [`crate::store::Tx::report_run`]; [`Refusal::Invalid`] without a channel.
    pub fn report_deliver(
        &mut self,
        permit: Permit<'tx, ReportRun>,
        new: &NewDelivery,
        render: &Render,
    ) -> Result<Sealed<'tx, Delivered>, Error> {
        let register = permit.register.clone();
        let source = report_named(&register, &new.report)?;
        let plan = plan(&register, source)?;
        if let Some((id, _)) = self.earlier(register.name())? {
            let mut event = self.report_event(&register, &permit, &plan)?;
            event.detail = Some(json!({ "replay": true, "disclosure_id": id }));
            self.note(event, 0, None)?;
            return Ok(Sealed::new(self.delivered_again(register.name(), id, source, &plan, render)?, None));
        }
        let (channel, note) = checked(new, source)?;
        let day = self.report_day(&register, source, new.as_of)?;
        let last = self.last_delivery(register.name(), &source.name)?;
        let made = self.report_made(&register, source, &plan, day, last.as_ref())?;
        let frame = DeliveryFrame {
            id: self.new_id()?,
            made_at: self.now,
            format: new.format.clone(),
            language: new.language.clone(),
            note,
        };
        let table = json!(made.table);
        let view = plan.view(made.table, day, &new.language);
        let bytes = render(&view, &frame).map_err(Error::Damaged)?;
        let digest = hex_sha256(&bytes);
        let idempotency = match self.cx.idempotency.clone() {
            Some(i) => Some((self.caller_key()?, i.key, i.digest)),
            None => None,
        };
        let recipient = register.definition.register.recipients.iter().find(|r| r.name == source.recipient);
        let number = last.as_ref().map_or(1, |l| l.number + 1);
        let ledger = DisclosureWrite {
            id: frame.id,
            case_id: None,
            channel,
            recipient_code: None,
            record_type: Some(source.record_type.clone()),
            digest: digest.clone(),
            body: json!({
                "kind": "report",
                "report": source.name,
                "recipient": {
                    "kind": source.recipient,
                    "name": recipient.map_or(source.recipient.as_str(), |r| r.label.official()),
                },
                "record_type": source.record_type,
                "fields": plan.fields(),
                "sections": plan.sections(),
                "composition": {
                    "dimensions": source.group_by,
                    "measures": source.measures.iter().map(|m| m.name.as_str()).collect::<Vec<_>>(),
                    "threshold": source.threshold,
                },
                "basis": source.clause,
                "purpose": source.label.official(),
                "as_of": day,
                "format": frame.format,
                "language": frame.language,
                "note": frame.note,
                "made_at": frame.made_at.timestamp_micros(),
                // What was sent, and nothing that was not: suppressed cells have no numbers here either.
                "table": table,
            }),
            // No person can be told apart in it.
            subjects: Vec::new(),
            letters: Vec::new(),
            idempotency,
        };
        let event = self.report_event(&register, &permit, &plan)?;
        let change = Change::ReportDelivered {
            report: source.name.clone(),
            number,
            as_of: day.to_string(),
            records: made.records,
            ledger: Box::new(ledger),
        };
        self.apply(event, 0, change)?;
        Ok(Sealed::new(Delivered { id: frame.id, as_of: day, format: frame.format, digest, bytes }, None))
    }

    /// The same bytes once more, from the aggregates in the ledger.
    fn delivered_again(
        &mut self,
        register: &str,
        id: Uuid,
        source: &ReportDefinition,
        plan: &Plan<'_>,
        render: &Render,
    ) -> Result<Delivered, Error> {
        let (body, digest): (String, String) = disclosure::table
            .find((register, id.to_string()))
            .select((disclosure::body, disclosure::digest))
            .first(self.conn)?;
        let body = facts::json(&body)?;
        let damaged = || Error::Damaged("a delivered report cannot be read".into());
        let text = |key: &str| body.get(key).and_then(Value::as_str).map(str::to_owned);
        let as_of = text("as_of").and_then(|d| parse_day(&d)).ok_or_else(damaged)?;
        let frame = DeliveryFrame {
            id,
            made_at: body["made_at"].as_i64().and_then(DateTime::from_timestamp_micros).ok_or_else(damaged)?,
            format: text("format").ok_or_else(damaged)?,
            language: text("language").ok_or_else(damaged)?,
            note: text("note"),
        };
        let table = serde_json::from_value(body["table"].clone()).map_err(|_| damaged())?;
        let bytes = render(&plan.view(table, as_of, &frame.language), &frame).map_err(Error::Damaged)?;
        if hex_sha256(&bytes) != digest {
            let detail = "it was delivered under another version of the definition and cannot be written again";
            let clause = Some(source.clause.clone());
            return Err(Refusal::Conflict { code: "definition", detail: detail.into(), clause }.into());
        }
        Ok(Delivered { id, as_of, format: frame.format, digest, bytes })
    }
}

/// The channel and the note, in words.
fn checked(new: &NewDelivery, source: &ReportDefinition) -> Result<(String, Option<String>), Error> {
    let mut faults = Vec::new();
    let mut fault = |pointer: &str, code, detail: &str| {
        faults.push(Violation::error(pointer, code, detail, Some(source.clause.clone())));
    };
    let channel = new.channel.trim();
    if channel.is_empty() || channel.chars().count() > 100 {
        fault("/channel", "required", "say in at most 100 characters by what means it goes");
    }
    let note = new.note.as_deref().map(str::trim).filter(|n| !n.is_empty());
    if note.is_some_and(|n| n.chars().count() > 1_000) {
        fault("/note", "length", "at most 1000 characters");
    }
    if faults.is_empty() {
        Ok((channel.to_owned(), note.map(str::to_owned)))
    } else {
        Err(Refusal::Invalid(faults).into())
    }
}
