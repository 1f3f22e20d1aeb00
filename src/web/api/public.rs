//! What is open to all: which registers there are, and what they are. Nothing of it is anybody's data.

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use serde_json::{Value, json};

use super::registers::page;
use super::{At, State};
use crate::domain::registers::Register;
use crate::domain::statute::definition::{Item, Party};
use crate::web::answer::{self, Answer};
use crate::web::context::Language;
use crate::web::query::Query;
use actix_web::HttpRequest;

/// Whatever is public may be kept by whoever fetched it.
fn public(mut response: HttpResponse) -> HttpResponse {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("public, max-age=300"));
    headers.append(header::VARY, header::HeaderValue::from_static("Accept-Language"));
    response
}

fn party(party: &Party) -> Value {
    json!({
        "name": party.name,
        "registry_code": party.registry_code,
        "contact": party.contact,
        "clause": party.clause,
    })
}

fn item(item: &Item, language: &str) -> Value {
    json!({ "name": item.name, "label": item.label.in_language(language), "clause": item.clause })
}

/// What everybody may know of a register. Its security class is not part of that.
fn description(register: &Register, language: &str) -> Value {
    let source = &register.definition.register;
    let kinds = register
        .definition
        .record_types
        .iter()
        .map(|t| json!({ "name": t.name, "label": t.label.in_language(language), "clause": t.clause }));
    json!({
        "register": register.name(),
        "name": source.name.in_language(language),
        "names": source.name,
        "country": source.country,
        "act": source.act,
        "purposes": source.purposes.iter().map(|i| item(i, language)).collect::<Vec<_>>(),
        "controller": party(&source.controller),
        "processors": source.processors.iter().map(party).collect::<Vec<_>>(),
        "contact": source.controller.contact,
        "record_types": kinds.collect::<Vec<_>>(),
    })
}

/// The catalogue.
///
/// # Errors
/// 400.
pub async fn list(state: State, req: HttpRequest, query: Query) -> Answer {
    let lines = state.app.list_registers(Language::of(req.headers()).code());
    answer::open(StatusCode::OK, &page(lines, &query)?).map(public)
}

/// One register.
///
/// # Errors
/// 404.
pub async fn describe(state: State, at: At<String>, req: HttpRequest) -> Answer {
    let register = state.app.register(&at)?;
    let body = description(&register, Language::of(req.headers()).code());
    answer::open(StatusCode::OK, &body).map(public)
}
