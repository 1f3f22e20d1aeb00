//! What is sent back. Personal data are sent only as [`Disclosed`]: their log entry is durable.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use super::context::percent_encoded;
use super::problem::Problem;
use crate::app::{Disclosed, Error};
use crate::domain::access::Grant;
use crate::store::read::cases::{CaseInFull, CaseView};
use crate::store::read::disclosure::RequestView;
use crate::store::read::documents::FileContent;
use crate::store::read::records::RecordView;

/// What a handler gives.
pub type Answer = Result<HttpResponse, Problem>;

/// Below this compressing costs more than it saves.
const SMALL: usize = 1024;

/// Something of which there are versions.
pub trait Versioned: Serialize {
    /// Its version.
    fn version(&self) -> i64;
}

impl Versioned for RecordView {
    fn version(&self) -> i64 {
        self.version
    }
}

impl Versioned for RequestView {
    fn version(&self) -> i64 {
        self.version
    }
}

impl Versioned for CaseView {
    fn version(&self) -> i64 {
        self.case.version
    }
}

impl Versioned for CaseInFull {
    fn version(&self) -> i64 {
        self.view.case.version
    }
}

impl Versioned for Grant {
    fn version(&self) -> i64 {
        self.version
    }
}

/// What is disclosed, as JSON.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn ok<T: Serialize>(value: &Disclosed<T>) -> Answer {
    open(StatusCode::OK, value)
}

/// What is disclosed, with its version.
///
/// # Errors
/// As [`ok`].
pub fn one<T: Versioned>(value: &Disclosed<T>) -> Answer {
    let mut response = ok(value)?;
    tag(&mut response, value.get().version());
    Ok(response)
}

/// What was created, with where it is.
///
/// # Errors
/// As [`ok`].
pub fn created<T: Serialize>(value: &Disclosed<T>, place: &[&str]) -> Answer {
    let mut response = open(StatusCode::CREATED, value)?;
    let path: String = place.iter().map(|p| format!("/{}", percent_encoded(p))).collect();
    if let Ok(location) = header::HeaderValue::from_str(&format!("/api/v1{path}")) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// What was created and has a version.
///
/// # Errors
/// As [`ok`].
pub fn created_one<T: Versioned>(value: &Disclosed<T>, place: &[&str]) -> Answer {
    let mut response = created(value, place)?;
    tag(&mut response, value.get().version());
    Ok(response)
}

/// Whether the asker has the answer with this tag (`If-None-Match`; weak comparison, RFC 9110, 13.1.2).
pub fn is_known(req: &HttpRequest, tag: &str) -> bool {
    let known = req.headers().get_all(header::IF_NONE_MATCH).filter_map(|v| v.to_str().ok());
    known
        .flat_map(|v| v.split(','))
        .map(str::trim)
        .any(|t| t == "*" || t.trim_start_matches("W/") == tag.trim_start_matches("W/"))
}

fn tag(response: &mut HttpResponse, version: i64) {
    if let Ok(tag) = header::HeaderValue::from_str(&format!("\"{version}\"")) {
        response.headers_mut().insert(header::ETAG, tag);
    }
}

/// JSON that holds nobody's data, or what [`Disclosed`] holds.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn open<T: Serialize>(status: StatusCode, value: &T) -> Answer {
    let body = serde_json::to_vec(value).map_err(|e| Problem::from(Error::Setup(e.to_string())))?;
    let mut response = HttpResponse::build(status);
    response.content_type("application/json");
    if body.len() < SMALL {
        response.insert_header((header::CONTENT_ENCODING, "identity"));
    }
    Ok(response.body(body))
}

/// Plain text.
pub fn text(body: String) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .insert_header((header::CONTENT_ENCODING, "identity"))
        .body(body)
}

/// A file to save, under its name (RFC 6266, RFC 5987).
pub fn file(content: Disclosed<FileContent>) -> HttpResponse {
    let content = content.into_inner();
    let plain: String = content
        .name
        .chars()
        .map(|c| match c {
            ' ' | '-' | '.' | '_' | '(' | ')' => c,
            _ if c.is_ascii_alphanumeric() => c,
            _ => '_',
        })
        .collect();
    let disposition = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{}", percent_encoded(&content.name));
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, content.file.media_type))
        .insert_header((header::CONTENT_DISPOSITION, disposition))
        // What is stored is compressed already.
        .insert_header((header::CONTENT_ENCODING, "identity"))
        .body(content.bytes)
}
