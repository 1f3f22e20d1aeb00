//! The registers' definitions, for whoever is logged in.

use actix_web::http::StatusCode;
use serde_json::{Value, json};

use super::{At, State, aside};
use crate::web::answer::{self, Answer};
use crate::web::context::Asked;
use crate::web::problem::Problem;
use crate::web::query::Query;

/// A page of lines, each of which names its register.
///
/// # Errors
/// 400 for a bad limit.
pub fn page(lines: Vec<Value>, query: &Query) -> Result<Value, Problem> {
    let limit = usize::try_from(query.limit()?).unwrap_or(usize::MAX);
    let after = query.text("cursor").unwrap_or_default();
    let name = |line: &Value| line["register"].as_str().unwrap_or_default().to_owned();
    let mut items: Vec<Value> = lines.into_iter().filter(|l| name(l) > after).collect();
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(name);
    Ok(json!({ "items": items, "next_cursor": next }))
}

/// A line for each register.
///
/// # Errors
/// 401.
pub async fn list(state: State, asked: Asked, query: Query) -> Answer {
    state.app.require_session(asked.cx).await?;
    let lines = state.app.registers_with_ends(asked.language.code()).await?;
    answer::open(StatusCode::OK, &page(lines, &query)?)
}

/// A definition in full.
///
/// # Errors
/// 401, 404.
pub async fn describe(state: State, at: At<String>, asked: Asked) -> Answer {
    state.app.require_session(asked.cx).await?;
    let (app, register) = (state.app.clone(), at.into_inner());
    let closed = app.closed_register(&register).await?;
    let mut body = aside(move || app.describe_register(&register)).await??;
    if let Some(members) = body.as_object_mut() {
        members.insert("closed".into(), json!(closed));
    }
    answer::open(StatusCode::OK, &body)
}

/// JSON Schema of a record type's data.
///
/// # Errors
/// 401, 404.
pub async fn schema(state: State, at: At<(String, String)>, asked: Asked) -> Answer {
    state.app.require_session(asked.cx).await?;
    let (register, record_type) = at.into_inner();
    let (app, language) = (state.app.clone(), asked.language.code());
    let schema = aside(move || app.record_schema(&register, &record_type, language)).await??;
    answer::open(StatusCode::OK, &schema)
}
