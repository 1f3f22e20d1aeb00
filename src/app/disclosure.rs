//! Asking for data, deciding about it, releasing what was granted, and the ledger of what left.

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::files_of::column_kind;
use super::leaving::Frame;
use super::{ActContext, App, Disclosed, Error, cursor};
use crate::domain::case::CaseState;
use crate::domain::disclosure::{ManualRelease, Proposal};
use crate::domain::refusal::Refusal;
use crate::domain::statute::RecordType;
use crate::domain::statute::path::FieldPath;
use crate::files::{Column, ColumnKind, Table};
use crate::store::acts::disclosure::NewRequest;
use crate::store::guard::{CaseDecide, CaseRead, DisclosureList, DisclosureRelease};
use crate::store::read::disclosure::{
    CheckView, DisclosureInFull, DisclosureView, Extraction, LedgerQuery, MyDisclosureView, RequestView, Wanted,
};
use crate::store::read::records::Page;
use crate::store::{self, Left};

/// What somebody brings to be compared with what has left.
pub enum Brought {
    /// The bytes.
    Bytes(Vec<u8>),
    /// Their SHA-256, in lower-case hexadecimal.
    Digest(String),
}

impl App {
    /// Enters a request for data.
    ///
    /// # Errors
    /// Refusals with their clause; every fault of the request, data that are never released among them.
    pub async fn request_disclosure(
        &self,
        cx: ActContext,
        register: String,
        new: NewRequest,
    ) -> Result<Disclosed<RequestView>, Error> {
        let act = self.store.write(cx, move |tx| {
            let kind = tx.disclosure_kind(&register, new.kind.as_deref())?;
            let permit = tx.authorize_case_open(&register, &kind, None, None)?;
            tx.request_open(permit, &kind, &new)
        });
        Ok(act.await?)
    }

    /// Lists requests, newest first.
    ///
    /// # Errors
    /// Refusals with their clause.
    pub async fn list_disclosure_requests(
        &self,
        cx: ActContext,
        register: String,
        state: Option<CaseState>,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Disclosed<Page<RequestView>>, Error> {
        let before = cursor(after)?;
        let act = self.store.disclose(cx, move |tx| tx.request_list(&register, state, before, limit));
        Ok(act.await?)
    }

    /// Reads a request.
    ///
    /// # Errors
    /// Not there, or not to be seen.
    pub async fn read_disclosure_request(
        &self,
        cx: ActContext,
        register: String,
        id: Uuid,
    ) -> Result<Disclosed<RequestView>, Error> {
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_case::<CaseRead>(&register, id)?;
            tx.request_read(permit)
        });
        Ok(act.await?)
    }

    /// Decides a request.
    ///
    /// # Errors
    /// Refusals with their clause; every fault of the decision; one that has been decided.
    pub async fn decide_disclosure(
        &self,
        cx: ActContext,
        register: String,
        id: Uuid,
        proposal: Proposal,
    ) -> Result<Disclosed<RequestView>, Error> {
        let act = self.store.write(cx, move |tx| {
            let permit = tx.authorize_case::<CaseDecide>(&register, id)?;
            tx.request_decide(permit, &proposal)
        });
        Ok(act.await?)
    }

    /// Releases what was granted: read, written, entered in the ledger, and only then let go of.
    ///
    /// # Errors
    /// Refusals with their clause; a request that is undecided, refused or over; more records than fit.
    pub async fn release_disclosure(
        &self,
        cx: ActContext,
        register: String,
        id: Uuid,
        wanted: Wanted,
    ) -> Result<Disclosed<Left>, Error> {
        let again = register.clone();
        let act = self.store.release(
            cx,
            move |tx, disclosure_id| {
                let permit = tx.authorize_release(&register, id, false)?;
                tx.release_read(permit, disclosure_id, wanted)
            },
            render,
            move |tx, leaving| {
                let permit = tx.authorize_release(&again, id, true)?;
                tx.release_write(permit, leaving)
            },
        );
        Ok(act.await?)
    }

    /// Enters a release made by other means: spoken, on paper.
    ///
    /// # Errors
    /// Refusals with their clause; every fault of what is entered.
    pub async fn enter_disclosure(
        &self,
        cx: ActContext,
        register: String,
        release: ManualRelease,
    ) -> Result<Disclosed<DisclosureView>, Error> {
        let act = self.store.write(cx, move |tx| {
            let permit = tx.authorize_register::<DisclosureRelease>(&register, Some(None))?;
            tx.disclosure_enter(permit, &release)
        });
        Ok(act.await?)
    }

    /// Reads the ledger, newest first.
    ///
    /// # Errors
    /// Refusals with their clause.
    pub async fn list_disclosures(
        &self,
        cx: ActContext,
        register: String,
        query: LedgerQuery,
        after: Option<&str>,
    ) -> Result<Disclosed<Page<DisclosureView>>, Error> {
        let query = LedgerQuery { before: cursor(after)?, ..query };
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_register::<DisclosureList>(&register, Some(None))?;
            tx.disclosure_list(permit, &query)
        });
        Ok(act.await?)
    }

    /// Reads one entry of the ledger, with a page of the records whose data left.
    ///
    /// # Errors
    /// Refusals with their clause; not there.
    pub async fn read_disclosure(
        &self,
        cx: ActContext,
        register: String,
        id: Uuid,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Disclosed<DisclosureInFull>, Error> {
        let after = cursor(after)?;
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_register::<DisclosureList>(&register, Some(None))?;
            tx.disclosure_read(permit, id, after, limit)
        });
        Ok(act.await?)
    }

    /// Tells whether exactly this has left the register, and when, to whom.
    ///
    /// # Errors
    /// Refusals with their clause; a digest that is none.
    pub async fn check_disclosure(
        &self,
        cx: ActContext,
        register: String,
        brought: Brought,
    ) -> Result<Disclosed<CheckView>, Error> {
        let sha256 = match brought {
            Brought::Digest(text) if crate::domain::disclosure::is_sha256(&text) => text,
            Brought::Digest(_) => {
                let detail = "64 hexadecimal digits in lower case";
                return Err(Refusal::invalid("/sha256", "pattern", detail, None).into());
            }
            // Digesting a large file takes a while: not on an async thread.
            Brought::Bytes(bytes) => tokio::task::spawn_blocking(move || crate::domain::hex(&Sha256::digest(&bytes)))
                .await
                .map_err(|e| Error::Setup(e.to_string()))?,
        };
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_register::<DisclosureList>(&register, Some(None))?;
            tx.disclosure_check(permit, sha256)
        });
        Ok(act.await?)
    }

    /// What of the caller's own data was released to whom, across registers.
    ///
    /// # Errors
    /// [`Refusal::Unauthenticated`].
    pub async fn my_disclosures(
        &self,
        cx: ActContext,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Disclosed<Page<MyDisclosureView>>, Error> {
        let before = cursor(after)?;
        Ok(self.store.disclose(cx, move |tx| tx.my_disclosures(before, limit)).await?)
    }
}

/// Writes an extraction in the form that was asked for. A plain function: it can keep nothing of what it sees.
fn render(data: &Extraction) -> Result<Vec<u8>, store::Error> {
    let frame = Frame {
        register: &data.register,
        disclosure_id: data.disclosure_id,
        recipient: &data.recipient.name,
        purpose: &data.purpose,
        clause: &data.clause,
        made_at: data.made_at,
        wanted: &data.wanted,
    };
    frame.write(|| json(data), || table(data))
}

fn json(data: &Extraction) -> serde_json::Value {
    serde_json::json!({
        "disclosure": {
            "id": data.disclosure_id,
            "register": data.register.name(),
            "recipient": data.recipient.name,
            "purpose": data.purpose,
            "clause": data.clause,
            "record_type": data.record_type,
            "fields": data.fields.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "as_of": data.as_of,
            "records": data.rows.len(),
            "legal_effect": data.register.definition.register.legal_effect,
            "made_at": crate::domain::calendar::rfc3339(data.made_at),
        },
        "records": data.rows,
    })
}

fn table(data: &Extraction) -> Table {
    let language = data.wanted.language;
    let kind = data.register.record_type(&data.record_type);
    let columns = data.fields.iter().map(|path| column(path, kind, language)).collect();
    let title = kind.map_or(data.record_type.as_str(), |k| k.label.in_language(language));
    let mut table = Table::new(title.to_owned(), columns);
    for row in &data.rows {
        table.push_json(row, data.register.definition.register.time_zone);
    }
    table
}

/// The column of a path: headed by the labels on the way, typed where there is one value.
fn column(path: &FieldPath, kind: Option<&RecordType>, language: &str) -> Column {
    let fields = kind.map(|k| k.fields.as_slice()).unwrap_or_default();
    let along: Vec<_> = path.along(fields).flatten().collect();
    let label: Vec<&str> = along.iter().map(|f| f.label.in_language(language)).collect();
    let several = path.open_list(fields).is_some();
    let kind = along.last().filter(|_| !several).map_or(ColumnKind::Text, |field| column_kind(field.kind));
    Column { name: path.to_string(), label: label.join(" / "), kind }
}
