//! Confirmation by the head: the board, the checklist, the act, its receipt, its proofs; and calendars.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;
use uuid::Uuid;

use super::reports::file;
use super::{At, State};
use crate::app::files_of::Shape;
use crate::store::acts::confirmations::{Excepted, Said, Statement};
use crate::store::read::confirmations::{BoardQuery, STANDINGS};
use crate::web::answer::{self, Answer};
use crate::web::context::{Asked, language, percent_encoded};
use crate::web::json::{Sent, body};
use crate::web::problem::Problem;
use crate::web::query::Query;

body! {
    /// A part that was looked through.
    CheckBody {
        /// Record type.
        record_type: String,
        /// What the checker notes.
        note: Option<String>,
    }
}

body! {
    /// Why a warning can stand.
    ReasonBody {
        /// `key` of the finding.
        key: String,
        /// Why.
        reason: String,
    }
}

body! {
    /// A known fault under an open inquiry.
    ExceptionBody {
        /// `key` of the finding.
        key: String,
        /// The inquiry.
        case_id: Uuid,
        /// Why it can be confirmed around.
        reason: String,
    }
}

body! {
    /// A confirmation.
    ConfirmBody {
        /// `snapshot_root` of the checklist that the head has seen.
        snapshot_root: String,
        /// That the head states it: `true`.
        statement: bool,
        /// Known faults under open inquiries, besides those noted before.
        #[schema(value_type = Option<Vec<ExceptionBody>>)]
        exceptions: Option<Vec<ExceptionBody>>,
    }
}

impl From<ExceptionBody> for Excepted {
    fn from(body: ExceptionBody) -> Self {
        Self { key: body.key, case_id: body.case_id, reason: body.reason }
    }
}

/// Shapes of the board.
pub const SHAPES: &[&str] = &["json", "csv", "xlsx"];
/// Shapes of a receipt.
pub const RECEIPTS: &[&str] = &["json", "pdf"];

fn asked_of(query: &Query) -> Result<BoardQuery, Problem> {
    let words: Vec<(&str, &'static str)> = STANDINGS.iter().map(|s| (*s, *s)).collect();
    Ok(BoardQuery {
        due_on: query.day("due_on")?,
        status: query.one_of("status", &words)?,
        institution_id: query.id("institution_id")?,
        late: query.one_of("late", &[("true", true), ("false", false)])?,
        limit: query.limit()?,
        cursor: query.text("cursor"),
    })
}

/// The board: a page of it, or with `format` all of it as a file.
///
/// # Errors
/// As the act.
pub async fn list(state: State, at: At<String>, asked: Asked, query: Query) -> Answer {
    let wanted = asked_of(&query)?;
    let words = [("json", Shape::Json), ("csv", Shape::Csv), ("xlsx", Shape::Xlsx)];
    let shape = query.one_of("format", &words)?.unwrap_or(Shape::Json);
    let of_query = |e| Problem::from(e).of_query();
    if shape == Shape::Json {
        return answer::ok(&state.app.list_confirmations(asked.cx, at.into_inner(), wanted).await.map_err(of_query)?);
    }
    let language = asked.language.code().to_owned();
    let made = state.app.export_confirmations(asked.cx, at.into_inner(), wanted, language, shape).await;
    Ok(file(StatusCode::OK, made.map_err(of_query)?))
}

/// How many duties stand where.
///
/// # Errors
/// As the act.
pub async fn summary(state: State, at: At<String>, asked: Asked, query: Query) -> Answer {
    answer::ok(&state.app.summarise_confirmations(asked.cx, at.into_inner(), query.day("due_on")?).await?)
}

/// The checklist.
///
/// # Errors
/// As the act.
pub async fn read(state: State, at: At<(String, Uuid)>, asked: Asked) -> Answer {
    let (register, id) = at.into_inner();
    answer::ok(&state.app.read_confirmation(asked.cx, register, id).await?)
}

/// Marks a part as checked.
///
/// # Errors
/// As the act.
pub async fn check(state: State, at: At<(String, Uuid)>, sent: Sent<CheckBody>) -> Answer {
    let CheckBody { record_type, note } = sent.body;
    let (register, id) = at.into_inner();
    answer::ok(&state.app.note_confirmation(sent.cx, register, id, Said::Check { record_type, note }).await?)
}

/// Gives the reason for a warning.
///
/// # Errors
/// As the act.
pub async fn reason(state: State, at: At<(String, Uuid)>, sent: Sent<ReasonBody>) -> Answer {
    let ReasonBody { key, reason } = sent.body;
    let (register, id) = at.into_inner();
    answer::ok(&state.app.note_confirmation(sent.cx, register, id, Said::Reason { key, reason }).await?)
}

/// Notes a known fault under an open inquiry.
///
/// # Errors
/// As the act.
pub async fn except(state: State, at: At<(String, Uuid)>, sent: Sent<ExceptionBody>) -> Answer {
    let (register, id) = at.into_inner();
    answer::ok(&state.app.note_confirmation(sent.cx, register, id, Said::Exception(sent.body.into())).await?)
}

/// Confirms.
///
/// # Errors
/// As the act.
pub async fn confirm(state: State, at: At<(String, Uuid)>, sent: Sent<ConfirmBody>) -> Answer {
    let ConfirmBody { snapshot_root, statement, exceptions } = sent.body;
    let exceptions = exceptions.unwrap_or_default().into_iter().map(Excepted::from).collect();
    let (register, id) = at.into_inner();
    let said = Statement { snapshot_root, statement, exceptions };
    answer::ok(&state.app.confirm(sent.cx, register, id, said).await?)
}

/// The receipt.
///
/// # Errors
/// As the act.
pub async fn receipt(state: State, at: At<(String, Uuid)>, asked: Asked, query: Query) -> Answer {
    let (register, id) = at.into_inner();
    if !query.one_of("format", &[("json", false), ("pdf", true)])?.unwrap_or(false) {
        return answer::ok(&state.app.read_receipt(asked.cx, register, id).await?);
    }
    let (name, bytes) = state.app.print_receipt(asked.cx, register, id, asked.language).await?;
    let disposition = format!("attachment; filename=\"{}\"", percent_encoded(&name));
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "application/pdf"))
        .insert_header((header::CONTENT_DISPOSITION, disposition))
        .insert_header((header::CONTENT_ENCODING, "identity"))
        .body(bytes))
}

/// What proves that a record was confirmed.
///
/// # Errors
/// As the act.
pub async fn proof(state: State, at: At<(String, Uuid, Uuid)>, asked: Asked) -> Answer {
    let (register, id, record) = at.into_inner();
    answer::ok(&state.app.prove_confirmation(asked.cx, register, id, record).await?)
}

fn calendar(text: String) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/calendar; charset=utf-8"))
        .insert_header((header::CACHE_CONTROL, "private, no-cache"))
        .body(text)
}

/// The caller's calendar.
///
/// # Errors
/// As the act.
pub async fn own_calendar(state: State, at: At<String>, asked: Asked) -> Answer {
    Ok(calendar(state.app.confirmation_calendar(asked.cx, at.into_inner(), asked.language).await?))
}

/// Makes a secret address of the caller's calendar.
///
/// # Errors
/// As the act.
pub async fn feed(state: State, at: At<String>, req: HttpRequest, asked: Asked) -> Answer {
    let made = state.app.feed_confirmations(asked.cx, at.into_inner()).await?.into_inner();
    let url = {
        let connection = req.connection_info();
        format!("{}://{}{}", connection.scheme(), connection.host(), made.path)
    };
    let mut response = answer::open(StatusCode::CREATED, &json!({ "id": made.id, "url": url }))?;
    response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Ends a secret address.
///
/// # Errors
/// As the act.
pub async fn end_feed(state: State, at: At<(String, String)>, asked: Asked) -> Answer {
    let (register, id) = at.into_inner();
    state.app.end_feed(asked.cx, register, id).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The calendar behind a secret address.
///
/// # Errors
/// 404.
pub async fn public_calendar(state: State, at: At<String>, req: HttpRequest) -> Answer {
    Ok(calendar(state.app.public_calendar(&at, language(req.headers())).await?))
}
