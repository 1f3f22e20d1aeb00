//! The log and its proofs.

use actix_web::HttpResponse;
use actix_web::web::Bytes;
use futures_util::stream::{self, StreamExt as _};

use super::{At, State};
use crate::app::{ActContext, Disclosed, Error};
use crate::store::read::audit::{AuditQuery, ExportLine};
use crate::store::snapshot::with;
use crate::web::answer::{self, Answer};
use crate::web::context::Asked;
use crate::web::problem::Problem;
use crate::web::query::Query;

/// Lines of an export that are read, logged and sent at once.
const PAGE: i64 = 500;

/// Entries of the log.
///
/// # Errors
/// As the act.
pub async fn list(state: State, at: At<String>, asked: Asked, query: Query) -> Answer {
    let register = at.into_inner();
    let zone = state.app.register(&register)?.definition.register.time_zone;
    let words = [("permitted", "permitted"), ("denied", "denied")];
    let wanted = AuditQuery {
        actor: query.text("actor"),
        subject: query.text("subject"),
        action: query.text("action"),
        from: query.moment("from", zone, false)?,
        to: query.moment("to", zone, true)?,
        record_id: query.id("record_id")?,
        decision: query.one_of("decision", &words)?.map(str::to_owned),
        purpose: query.text("purpose"),
        role: query.text("role"),
        limit: query.limit()?,
        cursor: query.id("cursor")?,
        ..AuditQuery::default()
    };
    answer::ok(&state.app.read_audit(asked.cx, register, wanted).await?)
}

/// A signed checkpoint.
///
/// # Errors
/// As the act.
pub async fn checkpoint(state: State, at: At<String>, asked: Asked) -> Answer {
    let note = state.app.audit_checkpoint(asked.cx, at.into_inner()).await?;
    Ok(answer::text(note.into_inner()))
}

/// The verifier key.
///
/// # Errors
/// As the act.
pub async fn vkey(state: State, at: At<String>, asked: Asked) -> Answer {
    state.app.require_session(asked.cx).await?;
    Ok(answer::text(format!("{}\n", state.app.audit_vkey(&at)?)))
}

/// An inclusion proof.
///
/// # Errors
/// As the act.
pub async fn inclusion(state: State, at: At<(String, u64)>, asked: Asked, query: Query) -> Answer {
    let (register, seq) = at.into_inner();
    let size = query.number("size")?;
    answer::ok(&state.app.audit_inclusion(asked.cx, register, seq, size).await?)
}

/// A consistency proof.
///
/// # Errors
/// As the act.
pub async fn consistency(state: State, at: At<String>, asked: Asked, query: Query) -> Answer {
    let from = query.number("from")?.ok_or_else(|| Problem::parameter("from", "required", "This must be given."))?;
    let to = query.number("to")?;
    answer::ok(&state.app.audit_consistency(asked.cx, at.into_inner(), from, to).await?)
}

/// The log as NDJSON, a page at a time: what is sent has been logged as sent.
///
/// # Errors
/// As the act.
pub async fn export(state: State, at: At<String>, asked: Asked, query: Query) -> Answer {
    let (from, to) = (query.number("from")?.unwrap_or(0), query.number("to")?.unwrap_or(i64::MAX));
    exported(state, at.into_inner(), asked.cx, from, to).await
}

/// The log from place `from` below `to`, for programs and for pages.
///
/// # Errors
/// As the act.
pub async fn exported(state: State, register: String, cx: ActContext, from: i64, to: i64) -> Answer {
    // The first page comes before the answer begins, so that a refusal has its status.
    let first = state.app.audit_export(cx.clone(), register.clone(), from, to, PAGE).await?;
    // The rest is read while it is sent, when the handler has long ended.
    let version = state.app.store.registers();
    let rest = stream::try_unfold(next(&first, to), move |place| {
        let (state, register, cx) = (state.clone(), register.clone(), cx.clone());
        with(version.clone(), async move { further(&state, cx, register, place, to).await })
    });
    let begin = stream::once(std::future::ready(Ok::<_, Problem>(lines(&first))));
    Ok(HttpResponse::Ok().content_type("application/x-ndjson").streaming(begin.chain(rest)))
}

/// Where the page after this one begins, if there is one.
fn next(page: &Disclosed<Vec<ExportLine>>, to: i64) -> Option<i64> {
    let full = i64::try_from(page.get().len()).is_ok_and(|n| n >= PAGE);
    let after = page.get().last()?.seq.checked_add(1)?;
    (full && after < to).then_some(after)
}

async fn further(
    state: &State,
    cx: ActContext,
    register: String,
    place: Option<i64>,
    to: i64,
) -> Result<Option<(Bytes, Option<i64>)>, Problem> {
    let Some(from) = place else {
        return Ok(None);
    };
    let page = state.app.audit_export(cx, register, from, to, PAGE).await.inspect_err(cut_short)?;
    Ok(Some((lines(&page), next(&page, to))))
}

/// The head of the answer is gone; the client sees a body that breaks off.
fn cut_short(error: &Error) {
    log::error!(target: "andmekogu::web", "an export of the log was cut short: {error}");
}

fn lines(page: &Disclosed<Vec<ExportLine>>) -> Bytes {
    let mut out = Vec::new();
    for line in page.get() {
        if serde_json::to_writer(&mut out, line).is_ok() {
            out.push(b'\n');
        }
    }
    Bytes::from(out)
}
