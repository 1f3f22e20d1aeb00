//! Files in `multipart/form-data`, and documents that come with or without one.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use actix_multipart::{Field, Multipart};
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use futures_util::StreamExt as _;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::context::{self, Asked};
use super::json;
use super::problem::{Kind, Problem, too_large};
use crate::app::documents::Incoming;
use crate::app::{ActContext, Error};
use crate::domain::refusal::Refusal;

/// How long a client may take to send a file.
const PATIENCE: Duration = Duration::from_secs(120);

/// Metadata, a file, or both, from somebody who is logged in.
pub struct Upload {
    /// For the act.
    pub cx: ActContext,
    /// The part `metadata`, or the JSON body.
    pub metadata: Option<Value>,
    /// The part `file`.
    pub file: Option<Incoming>,
}

impl Upload {
    /// The metadata, which must be there.
    ///
    /// # Errors
    /// 422 where it is missing or at fault.
    pub fn metadata<T: json::Body>(&mut self) -> Result<T, Problem> {
        let missing = || Refusal::invalid("/metadata", "required", "This part must be given.", None);
        json::read(self.metadata.take().ok_or_else(missing)?)
    }

    /// The file, which must be there.
    ///
    /// # Errors
    /// 422 where it is missing.
    pub fn file(&mut self) -> Result<Incoming, Problem> {
        let missing = || Refusal::invalid("/file", "required", "This part must be given.", None);
        Ok(self.file.take().ok_or_else(missing)?)
    }
}

impl FromRequest for Upload {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (req, payload) = (req.clone(), payload.take());
        Box::pin(async move {
            let Asked { mut cx, .. } = Asked::of(&req)?;
            let multipart = req.content_type().eq_ignore_ascii_case("multipart/form-data");
            let (metadata, file) = if multipart {
                let parts = tokio::time::timeout(PATIENCE, parts(&req, payload));
                parts.await.map_err(|_| Problem::new(Kind::Timeout, "the file did not arrive in time"))??
            } else {
                (Some(json::value(&req, payload).await?), None)
            };
            let file = idempotent(&req, &mut cx, metadata.as_ref(), file).await?;
            Ok(Self { cx, metadata, file })
        })
    }
}

async fn parts(req: &HttpRequest, payload: Payload) -> Result<(Option<Value>, Option<Incoming>), Problem> {
    json::not_encoded(req)?;
    let settings = &context::web(req)?.settings;
    check_announced(req, settings.body_limit + settings.file_limit)?;
    let (mut metadata, mut file) = (None, None);
    let mut multipart = Multipart::new(req.headers(), payload);
    while let Some(field) = multipart.next().await {
        let mut field = field.map_err(|_| unreadable())?;
        match field.name() {
            Some("metadata") if metadata.is_none() => {
                metadata = Some(json::parse(&part(&mut field, settings.body_limit).await?)?);
            }
            Some("file") if file.is_none() => {
                file = Some(Incoming {
                    name: field.content_disposition().and_then(|d| d.get_filename()).unwrap_or_default().to_owned(),
                    claimed: field.content_type().map(|m| m.essence_str().to_owned()),
                    bytes: part(&mut field, settings.file_limit).await?,
                });
            }
            _ => {
                return Err(Problem::malformed("the parts are metadata and file, each at most once"));
            }
        }
    }
    Ok((metadata, file))
}

async fn part(field: &mut Field, limit: usize) -> Result<Vec<u8>, Problem> {
    match field.bytes(limit).await {
        Ok(Ok(bytes)) => Ok(bytes.into()),
        Ok(Err(_)) => Err(unreadable()),
        Err(_) => Err(too_large(limit)),
    }
}

fn unreadable() -> Problem {
    Problem::malformed("the multipart body cannot be read")
}

/// Sets the context's idempotency over metadata and file, the hashing off the async threads.
async fn idempotent(
    req: &HttpRequest,
    cx: &mut ActContext,
    metadata: Option<&Value>,
    file: Option<Incoming>,
) -> Result<Option<Incoming>, Problem> {
    if !req.headers().contains_key("idempotency-key") {
        return Ok(file);
    }
    let (file, digest) = actix_web::web::block(move || {
        let digest = file.as_ref().map(|f| Sha256::digest(&f.bytes).to_vec());
        (file, digest.unwrap_or_default())
    })
    .await
    .map_err(|e| Problem::from(Error::Setup(e.to_string())))?;
    let metadata = metadata.map(json::canonical).unwrap_or_default();
    let name = file.as_ref().map_or("", |f| f.name.as_str());
    json::idempotent(req, cx, &[&metadata, name.as_bytes(), &digest])?;
    Ok(file)
}

/// Whether a request announces more than the largest upload.
fn check_announced(req: &HttpRequest, limit: usize) -> Result<(), Problem> {
    let announced =
        req.headers().get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<usize>().ok());
    match announced {
        Some(n) if n > limit => Err(too_large(limit)),
        _ => Ok(()),
    }
}
