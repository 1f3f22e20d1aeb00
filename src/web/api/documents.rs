//! Base documents and files.

use actix_web::http::StatusCode;
use chrono::NaiveDate;
use uuid::Uuid;

use super::{At, State};
use crate::store::acts::documents::DocumentData;
use crate::web::answer::{self, Answer};
use crate::web::context::Asked;
use crate::web::json::body;
use crate::web::upload::Upload;

body! {
    /// What a base document is.
    DocumentBody creates true {
        /// Kind, from the statute's list.
        kind: String,
        /// Number.
        number: Option<String>,
        /// Day it was made.
        date: Option<NaiveDate>,
        /// Who made it.
        issuer: Option<String>,
        /// Title.
        title: Option<String>,
        /// Where it lies: a mark or address in a document system.
        reference: Option<String>,
        /// What it proves, for kinds that must be explained.
        explanation: Option<String>,
        /// Last day on which it is valid.
        valid_until: Option<NaiveDate>,
        /// Institution it belongs to; absent: any of the register may rest on it.
        institution_id: Option<Uuid>,
    }
}

impl From<DocumentBody> for DocumentData {
    fn from(body: DocumentBody) -> Self {
        Self {
            kind: body.kind,
            number: body.number,
            date: body.date,
            issuer: body.issuer,
            title: body.title,
            reference: body.reference,
            explanation: body.explanation,
            valid_until: body.valid_until,
            institution_id: body.institution_id,
        }
    }
}

/// Enters a base document, with its file if it has one.
///
/// # Errors
/// As the act.
pub async fn create(state: State, at: At<String>, mut sent: Upload) -> Answer {
    let register = at.into_inner();
    let data = sent.metadata::<DocumentBody>()?.into();
    let document = state.app.add_document(sent.cx, register.clone(), data, sent.file).await?;
    let id = document.get().id.to_string();
    answer::created(&document, &["registers", &register, "base-documents", &id])
}

/// Reads a base document.
///
/// # Errors
/// As the act.
pub async fn read(state: State, at: At<(String, Uuid)>, asked: Asked) -> Answer {
    let (register, id) = at.into_inner();
    answer::ok(&state.app.read_document(asked.cx, register, id).await?)
}

/// Reads a base document's file.
///
/// # Errors
/// As the act.
pub async fn file(state: State, at: At<(String, Uuid)>, asked: Asked) -> Answer {
    let (register, id) = at.into_inner();
    let content = state.app.read_document_file(asked.cx, register, id).await?;
    Ok(answer::file(content))
}

/// Stores a file for a field of type `file`.
///
/// # Errors
/// As the act.
pub async fn store(state: State, at: At<String>, mut sent: Upload) -> Answer {
    let file = sent.file()?;
    let stored = state.app.add_file(sent.cx, at.into_inner(), file).await?;
    answer::open(StatusCode::CREATED, &stored)
}
