//! What is open to all: which registers there are, what they are, and what an approved act has made public of their
//! records. Nothing else of it is anybody's data.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use base64::Engine as _;
use serde_json::{Value, json};
use sha2::Digest as _;

use super::registers::page;
use super::{At, State};
use crate::app::Error;
use crate::app::files_of::{Made, Shape};
use crate::domain::publication::hex_sha256;
use crate::domain::registers::Register;
use crate::domain::statute::definition::{Item, Party};
use crate::web::answer::{self, Answer};
use crate::web::context::{language, percent_encoded};
use crate::web::problem::Problem;
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
        .filter(|t| !t.secret)
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

/// A register of which everybody may know.
fn of_everybody(state: &State, name: &str) -> Result<Arc<Register>, Problem> {
    let register = state.app.register(name)?;
    if register.definition.register.secret { Err(Problem::not_found()) } else { Ok(register) }
}

/// The catalogue.
///
/// # Errors
/// 400.
pub async fn list(state: State, req: HttpRequest, query: Query) -> Answer {
    let mut lines = state.app.registers_with_ends(language(req.headers()).code()).await?;
    lines.retain(|line| line["register"].as_str().is_some_and(|name| of_everybody(&state, name).is_ok()));
    answer::open(StatusCode::OK, &page(lines, &query)?).map(public)
}

/// One register.
///
/// # Errors
/// 404.
pub async fn describe(state: State, at: At<String>, req: HttpRequest) -> Answer {
    let register = of_everybody(&state, &at)?;
    let mut body = description(&register, language(req.headers()).code());
    body["closed"] = json!(state.app.closed_register(register.name()).await?);
    answer::open(StatusCode::OK, &body).map(public)
}

/// Shapes in which public data are given.
pub const SHAPES: &[&str] = &["json", "csv", "html"];

/// What is public of a record type. It changes the moment a record ends, so that whoever keeps it asks each time
/// whether it is still so; pages of anybody may embed and read it.
///
/// # Errors
/// 404 where nothing is public; 400.
pub async fn published(state: State, at: At<(String, String)>, req: HttpRequest, query: Query) -> Answer {
    let (register, record_type) = at.into_inner();
    let words = [("json", Shape::Json), ("csv", Shape::Csv), ("html", Shape::Html)];
    let shape = query.one_of("format", &words)?.unwrap_or(Shape::Json);
    let language = language(req.headers()).code().to_owned();
    let made = if shape == Shape::Json {
        let (cursor, limit) = (query.text("cursor"), query.limit()?);
        let page = state.app.published(register, record_type, language, cursor, Some(limit)).await;
        let page = page.map_err(|e| Problem::from(e).of_query())?;
        let bytes = serde_json::to_vec(&page).map_err(|e| Problem::from(Error::Setup(e.to_string())))?;
        Made::new(page.record_type, shape, bytes)
    } else {
        state.app.published_file(register, record_type, language, shape).await?
    };
    // Weak: a compressed answer is the same one.
    let tag = format!("W/\"{}\"", hex_sha256(&made.bytes));
    let mut response = if answer::is_known(&req, &tag) {
        HttpResponse::NotModified().finish()
    } else {
        let mut response = HttpResponse::Ok();
        response.insert_header((header::CONTENT_TYPE, shape.media_type()));
        if shape == Shape::Csv {
            let disposition = format!("attachment; filename=\"{}\"", percent_encoded(&made.name));
            response.insert_header((header::CONTENT_DISPOSITION, disposition));
        }
        if shape == Shape::Html {
            response.insert_header((header::CONTENT_SECURITY_POLICY, embeddable(&made.bytes)));
        }
        response.body(made.bytes)
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("public, no-cache"));
    headers.append(header::VARY, header::HeaderValue::from_static("Accept-Language"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, header::HeaderValue::from_static("*"));
    let anywhere = header::HeaderName::from_static("cross-origin-resource-policy");
    headers.insert(anywhere, header::HeaderValue::from_static("cross-origin"));
    if let Ok(tag) = header::HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    Ok(response)
}

/// What a page that anybody may embed may do: show its own style, and nothing else.
fn embeddable(page: &[u8]) -> String {
    let text = String::from_utf8_lossy(page);
    let style = text.split_once("<style>").and_then(|(_, rest)| rest.split_once("</style>")).map_or("", |(s, _)| s);
    let digest = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(style));
    format!("default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors *; base-uri 'none'; form-action 'none'")
}
