//! Writing what leaves the register, on a request or by an exchange, in the form that was asked for.

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::domain::disclosure::Format;
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::domain::statute::Clause;
use crate::files::{self, CsvOptions, Extract, Limits, PdfError, Table};
use crate::store;
use crate::store::read::disclosure::Wanted;

/// The frame in which data leave.
pub(super) struct Frame<'f> {
    /// Register.
    pub register: &'f Register,
    /// Id of its entry in the ledger.
    pub disclosure_id: Uuid,
    /// To whom.
    pub recipient: &'f str,
    /// What for.
    pub purpose: &'f str,
    /// Under which clause.
    pub clause: &'f Clause,
    /// When it was read.
    pub made_at: DateTime<Utc>,
    /// How it is to be written.
    pub wanted: &'f Wanted,
}

impl Frame<'_> {
    /// Writes the data: `json` for JSON, `table` for everything else; only the one that is needed is made.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for data that do not fit the form; [`store::Error::Damaged`] when they cannot be written.
    pub fn write(&self, json: impl FnOnce() -> Value, table: impl FnOnce() -> Table) -> Result<Vec<u8>, store::Error> {
        let damaged = |what: &str| store::Error::Damaged(format!("what leaves could not be written: {what}"));
        match self.wanted.format {
            Format::Json => serde_json::to_vec(&json()).map_err(|_| damaged("json")),
            Format::Csv { excel } => {
                let options = if excel { CsvOptions::excel_et() } else { CsvOptions::rfc4180() };
                files::csv(&table(), options).map_err(|_| damaged("csv"))
            }
            Format::Xlsx => files::xlsx(&self.extract(table())).map_err(|_| unfit("a text is too long for a workbook")),
            Format::Pdf => {
                let limits = Limits::rows(Format::Pdf.most_records());
                files::pdf(&self.extract(table()), limits).map_err(|fault| match fault {
                    PdfError::TooManyRows { .. } | PdfError::TooManyColumns { .. } | PdfError::TimedOut => {
                        unfit(&fault.to_string())
                    }
                    PdfError::Refused | PdfError::BrokeOff => damaged("pdf"),
                })
            }
        }
    }

    fn extract(&self, table: Table) -> Extract {
        let source = &self.register.definition.register;
        let language = self.wanted.language;
        let effect = source.legal_effect.as_ref();
        Extract {
            register_name: source.name.in_language(language).to_owned(),
            register_id: source.short_name.clone(),
            act: files::Act { title: source.act.title.clone(), publication_mark: source.act.publication.clone() },
            clause: self.clause.0.clone(),
            ledger_number: self.disclosure_id.to_string(),
            recipient_name: self.recipient.to_owned(),
            purpose: self.purpose.to_owned(),
            made_at: self.made_at,
            time_zone: source.time_zone,
            lang: language.parse().unwrap_or_default(),
            note: effect.map(|item| format!("{} ({})", item.label.in_language(language), item.clause)),
            table,
        }
    }
}

fn unfit(why: &str) -> store::Error {
    Refusal::invalid("/format", "does_not_fit", format!("{why}: choose another form"), None).into()
}
