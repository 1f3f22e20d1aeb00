//! Statistical reports.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine as _;
use chrono::NaiveDate;

use super::{At, State};
use crate::app::files_of::{Made, Shape};
use crate::domain::refusal::Refusal;
use crate::store::acts::reports::NewDelivery;
use crate::web::answer::{self, Answer};
use crate::web::context::{Asked, language, percent_encoded};
use crate::web::json::{Sent, body};
use crate::web::problem::Problem;
use crate::web::query::Query;

body! {
    /// A delivery to be made.
    DeliveryBody creates true {
        /// The day as of which; default today.
        as_of: Option<NaiveDate>,
        /// `json`, `csv` or `xlsx`.
        format: String,
        /// By what means it goes.
        channel: String,
        /// What else the recipient shall know; it stands in the workbook.
        note: Option<String>,
    }
}

/// Shapes in which a report leaves.
pub const SHAPES: &[&str] = &["json", "csv", "xlsx"];

fn shape(word: &str) -> Option<Shape> {
    Shape::parse(word).filter(|s| SHAPES.contains(&s.as_str()))
}

/// The reports of the definition.
///
/// # Errors
/// As the act.
pub async fn list(state: State, at: At<String>, asked: Asked) -> Answer {
    answer::ok(&state.app.list_reports(asked.cx, at.into_inner(), asked.language.code().to_owned()).await?)
}

/// A report as it would be delivered now.
///
/// # Errors
/// As the act.
pub async fn run(state: State, at: At<(String, String)>, asked: Asked, query: Query) -> Answer {
    let (register, name) = at.into_inner();
    let words = [("json", Shape::Json), ("csv", Shape::Csv), ("xlsx", Shape::Xlsx)];
    let (as_of, shape) = (query.day("as_of")?, query.one_of("format", &words)?.unwrap_or(Shape::Json));
    let language = asked.language.code().to_owned();
    let of_query = |e| Problem::from(e).of_query();
    if shape == Shape::Json {
        let report = state.app.run_report(asked.cx, register, name, as_of, language).await;
        return answer::ok(&report.map_err(of_query)?);
    }
    let made = state.app.report_file(asked.cx, register, name, as_of, language, shape).await.map_err(of_query)?;
    Ok(file(StatusCode::OK, made))
}

/// Delivers a report: the bytes, and in the same transaction their entry in the ledger.
///
/// # Errors
/// As the act.
pub async fn deliver(state: State, at: At<(String, String)>, req: HttpRequest, sent: Sent<DeliveryBody>) -> Answer {
    let (register, report) = at.into_inner();
    let DeliveryBody { as_of, format, channel, note } = sent.body;
    let Some(shape) = shape(&format) else {
        let detail = format!("one of these is expected: {}", SHAPES.join(", "));
        return Err(Refusal::invalid("/format", "not_in_codelist", detail, None).into());
    };
    let language = language(req.headers()).code().to_owned();
    let stem = report.clone();
    let new = NewDelivery { report, as_of, format, channel, note, language };
    let done = state.app.deliver_report(sent.cx, register.clone(), new).await?.into_inner();
    let made = Made::new(format!("{stem}-{}", done.as_of), shape, done.bytes);
    let mut response = file(StatusCode::CREATED, made);
    let place = format!("/api/v1/registers/{}/disclosures/{}", percent_encoded(&register), done.id);
    let bytes: Vec<u8> = (0..done.digest.len())
        .step_by(2)
        .filter_map(|n| u8::from_str_radix(done.digest.get(n..n + 2)?, 16).ok())
        .collect();
    // RFC 9530: what the ledger has, so that whoever saved the file can check it.
    let digest = format!("sha-256=:{}:", base64::engine::general_purpose::STANDARD.encode(bytes));
    let headers = response.headers_mut();
    for (name, value) in [(header::LOCATION, place), (header::HeaderName::from_static("repr-digest"), digest)] {
        if let Ok(value) = header::HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    Ok(response)
}

/// A file to save. It is sent as it is: its digest is of these bytes.
pub fn file(status: StatusCode, made: Made) -> HttpResponse {
    let disposition = format!("attachment; filename=\"{0}\"; filename*=UTF-8''{0}", percent_encoded(&made.name));
    HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, made.shape.media_type()))
        .insert_header((header::CONTENT_DISPOSITION, disposition))
        .insert_header((header::CONTENT_ENCODING, "identity"))
        .body(made.bytes)
}
