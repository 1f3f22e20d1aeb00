//! Exchanging data with other registers.

use actix_web::http::StatusCode;
use chrono::NaiveDate;
use serde_json::json;
use uuid::Uuid;

use super::disclosure::{file, wanted};
use super::imports::errors;
use super::{At, State};
use crate::app::exchanges::NewIncoming;
use crate::store::read::exchanges::ExportWanted;
use crate::web::answer::{self, Answer};
use crate::web::context::Asked;
use crate::web::json::body;
use crate::web::problem::Problem;
use crate::web::query::Query;
use crate::web::upload::Upload;

/// The exchanges that were made, newest first.
///
/// # Errors
/// As the act.
pub async fn list(state: State, at: At<String>, asked: Asked, query: Query) -> Answer {
    let (cursor, limit) = (query.text("cursor"), query.limit()?);
    let page = state.app.list_exchanges(asked.cx, at.into_inner(), cursor.as_deref(), limit).await;
    answer::ok(&page.map_err(|e| Problem::from(e).of_query())?)
}

/// Sends out what a profile says, as a file. `Location` names its entry in the ledger, `Repr-Digest` (RFC 9530) what
/// the ledger keeps of it.
///
/// # Errors
/// As the act.
pub async fn send(state: State, at: At<(String, String)>, asked: Asked, query: Query) -> Answer {
    let (register, exchange) = at.into_inner();
    let wanted = ExportWanted {
        exchange,
        part: query.text("part"),
        institution_id: query.id("institution_id")?,
        as_of: query.day("as_of")?,
        wanted: wanted(&asked, &query)?,
    };
    let format = wanted.wanted.format;
    let left = state.app.export_by_profile(asked.cx, register.clone(), wanted).await;
    Ok(file(&register, format, left.map_err(|e| Problem::from(e).of_query())?.into_inner()))
}

body! {
    /// What is said of a table that came from another register.
    IncomingBody creates true {
        /// Part of the profile; may be left out where there is one only.
        part: Option<String>,
        /// Only records of this institution.
        institution_id: Option<Uuid>,
        /// First day on which it is true.
        effective_on: NaiveDate,
        /// Base documents on which all of it rests.
        #[schema(required = false)]
        base_document_ids: Vec<Uuid>,
    }
}

/// Takes in what came from another register, each value marked with its source.
///
/// # Errors
/// As the act; 422 with every fault of every row.
pub async fn receive(state: State, at: At<(String, String)>, query: Query, mut sent: Upload) -> Answer {
    let (register, exchange) = at.into_inner();
    let dry_run = query.one_of("dry_run", &[("true", true), ("false", false)])?.unwrap_or(false);
    let body = sent.metadata::<IncomingBody>()?;
    let new = NewIncoming {
        exchange,
        part: body.part,
        institution_id: body.institution_id,
        effective_on: body.effective_on,
        base_document_ids: body.base_document_ids,
        dry_run,
    };
    let brought = sent.file()?;
    let report = state.app.import_by_profile(sent.cx, register, new, brought).await?;
    let told = report.get();
    if told.state == "refused" {
        let errors = errors(&told.faults);
        return Err(Problem { report: Some(Box::new(json!(told))), ..Problem::invalid(errors) });
    }
    let status = if told.state == "done" { StatusCode::CREATED } else { StatusCode::OK };
    answer::open(status, &report)
}
