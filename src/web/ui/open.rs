//! What is open to all: the same bytes for everybody who is not logged in, without a cookie, to be kept by whoever
//! fetched them, and known again by their digest.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::frame::Frame;
use super::visit::Guest;
use super::{CONTENT_SECURITY, Shown, State};
use crate::app::Error;
use crate::domain::publication::hex_sha256;
use crate::web::problem::Problem;
use crate::web::{Web, answer};

/// For how long others may show what they have fetched: as long as what the public API gives.
const KEPT: &str = "public, max-age=300";
/// What somebody sees who is logged in is theirs alone.
const OWN: &str = "private, no-store";

/// Where an open page is, for whoever speaks of it elsewhere.
#[derive(Debug, Clone)]
pub struct Place {
    /// What its addresses begin with: `https://register.example.ee`.
    pub base: String,
    /// Its address after the language: the one of many that show the same.
    pub path: String,
    /// Whether it is worth finding: answers to a search are not.
    pub found: bool,
}

/// What addresses begin with: as the settings say it, or else as the visitor has it. Of the request only `Host` is
/// believed: by no other header would a cache that keeps the answer know that it is another one (RFC 9111, 4.1).
pub fn base(web: &Web, req: &HttpRequest) -> String {
    if let Some(url) = &web.settings.public_url {
        return url.clone();
    }
    let sane =
        |host: &&str| !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:[]".contains(&b));
    let host = req.headers().get(header::HOST).and_then(|v| v.to_str().ok()).filter(sane);
    let scheme = if web.settings.secure { "https" } else { "http" };
    format!("{scheme}://{}", host.map_or_else(|| web.settings.listen.to_string(), str::to_owned))
}

impl Guest {
    /// The frame of a page that is open to all and known everywhere as `path`; `found` where it may be found by others.
    pub fn open_frame(&self, state: &State, title: impl Into<String>, path: &str, found: bool) -> Frame {
        let place = Place { base: base(state, self.request()), path: path.to_owned(), found };
        Frame { place: Some(place), ..self.frame(state, title) }
    }
}

/// A page that is open to all.
///
/// # Errors
/// When the template fails, which is our own fault.
pub fn page(guest: &Guest, template: &impl Template) -> Shown {
    let text = template.render().map_err(|e| Problem::from(Error::Setup(e.to_string())))?;
    let mut response = answered(guest.request(), "text/html; charset=utf-8", text.into_bytes(), guest.signed.is_some());
    let headers = response.headers_mut();
    // Also where nothing changed: a browser puts the headers of that answer to what it has kept.
    headers.insert(header::CONTENT_SECURITY_POLICY, header::HeaderValue::from_static(CONTENT_SECURITY));
    headers.append(header::VARY, header::HeaderValue::from_static("X-Part, Cookie"));
    Ok(response)
}

/// A file that is open to all and the same for all: programs of others may read it.
pub fn file(req: &HttpRequest, media_type: &str, bytes: Vec<u8>) -> HttpResponse {
    let mut response = answered(req, media_type, bytes, false);
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, header::HeaderValue::from_static("*"));
    let anywhere = header::HeaderName::from_static("cross-origin-resource-policy");
    headers.insert(anywhere, header::HeaderValue::from_static("cross-origin"));
    response
}

/// A file in the language of the visitor: what they see who are logged in may be more than others see.
pub fn file_of(guest: &Guest, media_type: &str, bytes: Vec<u8>) -> HttpResponse {
    let mut response = answered(guest.request(), media_type, bytes, guest.signed.is_some());
    response.headers_mut().append(header::VARY, header::HeaderValue::from_static("Cookie"));
    response
}

/// With its digest, or that nothing changed (RFC 9110, 13.1.2).
fn answered(req: &HttpRequest, media_type: &str, bytes: Vec<u8>, own: bool) -> HttpResponse {
    // Weak: a compressed answer is the same one.
    let tag = format!("W/\"{}\"", hex_sha256(&bytes));
    let mut response = if !own && answer::is_known(req, &tag) {
        HttpResponse::build(StatusCode::NOT_MODIFIED).finish()
    } else {
        HttpResponse::Ok().content_type(media_type.to_owned()).body(bytes)
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static(if own { OWN } else { KEPT }));
    if !own && let Ok(tag) = header::HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}
