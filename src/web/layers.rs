//! What happens around every handler: request id, problems, headers, the access log, panics.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, HttpResponse};
use futures_util::FutureExt as _;

use super::context::{REQUEST_ID, RequestId, language};
use super::problem::Problem;
use super::query::Query;
use super::{metrics, routes, ui};
use crate::app;
use crate::locale::Lang;

/// Headers of every answer that does not say otherwise itself.
const HEADERS: &[(&str, &str)] = &[
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ("strict-transport-security", "max-age=63072000; includeSubDomains"),
    ("cache-control", "no-store"),
];

/// The outermost layer.
///
/// # Errors
/// Those of layers within that gave no answer at all.
pub async fn outermost(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let began = Instant::now();
    let id = RequestId::of(req.headers());
    let language = language(req.headers());
    req.extensions_mut().insert(id.clone());
    let response = if has_control_characters(req.path()) {
        req.into_response(HttpResponse::from_error(Problem::not_found()))
    } else {
        next.call(req).await?.map_into_boxed_body()
    };
    let mut response = explained(response, language, &id.0);
    dress(response.headers_mut(), &id.0);
    note(&response, &id.0, began);
    Ok(response)
}

/// Whether a path hides control characters: nothing of ours has any, and databases choke on some.
fn has_control_characters(path: &str) -> bool {
    super::context::percent_decoded(path).is_none_or(|p| p.chars().any(char::is_control))
}

/// Errors in the client's language and with the request's id, whoever made them.
fn explained(response: ServiceResponse, language: Lang, id: &str) -> ServiceResponse {
    let status = response.status();
    if status.as_u16() < 400 {
        return response;
    }
    let known = response.response().error().and_then(|e| e.as_error::<Problem>()).cloned();
    // A page that shows a form again says itself what is wrong with it.
    let page = response.headers().get(header::CONTENT_TYPE).is_some_and(|t| t.as_bytes().starts_with(b"text/html"));
    if known.is_none() && page {
        return response;
    }
    let problem = known.unwrap_or_else(|| Problem::of_status(status));
    if let Some(cause) = &problem.cause {
        log::error!(target: "andmekogu::web", request_id = id, problem = problem.kind.slug(); "{cause}");
    }
    let request = response.request();
    let written = if ui::owns(request.path()) {
        ui::problem::page(request, &problem, id)
    } else {
        problem.render(language, Some(id))
    };
    response.into_response(written)
}

fn dress(headers: &mut HeaderMap, id: &str) {
    // Where frames are permitted by policy, the older header that forbids them would contradict it.
    let framed = headers
        .get(header::CONTENT_SECURITY_POLICY)
        .is_some_and(|v| v.to_str().is_ok_and(|v| v.contains("frame-ancestors *")));
    for (name, value) in HEADERS {
        let name = HeaderName::from_static(name);
        if framed && name == header::X_FRAME_OPTIONS {
            continue;
        }
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
    // It only told the compressing layer to leave the body alone.
    if headers.get(header::CONTENT_ENCODING).is_some_and(|v| v == "identity") {
        headers.remove(header::CONTENT_ENCODING);
    }
}

/// One line: no query, no id of anything but the request itself.
fn note(response: &ServiceResponse, id: &str, began: Instant) {
    let took = began.elapsed();
    let pattern = response.request().match_pattern();
    let route = pattern.as_deref().unwrap_or("-");
    let method = known_method(response.request().method());
    let status = response.status().as_u16();
    metrics::count(method, route, status, took);
    log::info!(
        target: "andmekogu::access",
        request_id = id, status = status, ms = took.as_millis();
        "{method} {route}"
    );
}

/// A method of our own, so that nobody fills logs and metrics with names they made up.
fn known_method(method: &Method) -> &'static str {
    [Method::GET, Method::HEAD, Method::POST, Method::PATCH, Method::DELETE, Method::OPTIONS, Method::PUT]
        .iter()
        .zip(["GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS", "PUT"])
        .find(|(known, _)| *known == method)
        .map_or("-", |(_, name)| name)
}

/// The layer of one route: its query is read, and a panic in its handler is a problem like any other.
///
/// # Errors
/// None of its own.
pub async fn guarded(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let pattern = req.match_pattern().unwrap_or_default();
    // Methods that are not there are told so before anything is said about their query.
    if let Some(route) = routes::find(req.method(), &pattern) {
        match Query::parse(req.query_string(), route.query) {
            Ok(query) => req.extensions_mut().insert(query),
            Err(problem) => return Ok(req.into_response(HttpResponse::from_error(problem))),
        };
    }
    let request = req.request().clone();
    match AssertUnwindSafe(next.call(req)).catch_unwind().await {
        Ok(result) => result.map(ServiceResponse::map_into_boxed_body),
        Err(_) => {
            let cause = format!("a handler of {pattern} panicked");
            let problem = Problem::from(app::Error::Setup(cause));
            Ok(ServiceResponse::new(request, HttpResponse::from_error(problem)))
        }
    }
}

/// Nothing is at this address.
///
/// # Errors
/// Always 404.
pub async fn nowhere() -> Result<HttpResponse, Problem> {
    Err(Problem::of_status(StatusCode::NOT_FOUND))
}
