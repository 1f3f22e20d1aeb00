//! Institutions: records of the type that the definition names, under an address of their own.

use uuid::Uuid;

use super::records::{ChangeBody, RecordBody, list_query};
use super::{At, State};
use crate::web::Web;
use crate::web::answer::{self, Answer};
use crate::web::context::Asked;
use crate::web::json::Sent;
use crate::web::problem::Problem;
use crate::web::query::Query;

fn kind(state: &Web, register: &str) -> Result<String, Problem> {
    let register = state.app.register(register)?;
    Ok(register.definition.register.institutions.record_type.clone())
}

/// Enters an institution.
///
/// # Errors
/// As the act.
pub async fn create(state: State, at: At<String>, sent: Sent<RecordBody>) -> Answer {
    let register = at.into_inner();
    let new = sent.body.of_type(kind(&state, &register)?);
    let record = state.app.create_record(sent.cx, register.clone(), new).await?;
    let id = record.get().id.to_string();
    answer::created_one(&record, &["registers", &register, "institutions", &id])
}

/// Lists institutions.
///
/// # Errors
/// As the act.
pub async fn list(state: State, at: At<String>, asked: Asked, query: Query) -> Answer {
    let register = at.into_inner();
    let kind = kind(&state, &register)?;
    let wanted = list_query(&query)?;
    let page = state.app.list_records(asked.cx, register, kind, wanted).await;
    answer::ok(&page.map_err(|e| Problem::from(e).of_query())?)
}

/// Opens an institution.
///
/// # Errors
/// As the act.
pub async fn read(state: State, at: At<(String, Uuid)>, asked: Asked, query: Query) -> Answer {
    let (register, id) = at.into_inner();
    let kind = kind(&state, &register)?;
    let (as_of, known_at) = (query.day("as_of")?, query.instant("known_at")?);
    let record = state.app.read_record(asked.cx, register, kind, id, as_of, known_at);
    answer::one(&record.await?)
}

/// Changes an institution.
///
/// # Errors
/// As the act.
pub async fn change(state: State, at: At<(String, Uuid)>, sent: Sent<ChangeBody>) -> Answer {
    let (register, id) = at.into_inner();
    let kind = kind(&state, &register)?;
    let record = state.app.change_record(sent.cx, register, kind, id, sent.body.into());
    answer::one(&record.await?)
}
