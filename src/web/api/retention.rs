//! The end of data: what falls due and why, legal holds, batches, packages and acts.

use std::path::PathBuf;

use actix_web::HttpResponse;
use chrono::NaiveDate;
use uuid::Uuid;

use super::{At, State};
use crate::app::retention::ActOut;
use crate::domain::record::validate::Violation;
use crate::domain::retention::{Change, Disposition};
use crate::store::acts::retention::{NewBatch, NewHold, Reviewed};
use crate::web::answer::{self, Answer};
use crate::web::context::Asked;
use crate::web::json::{Sent, body};
use crate::web::problem::{Kind, Problem};
use crate::web::query::Query;

body! {
    /// A batch to propose.
    BatchBody creates true {
        /// By which day it must be due; today where it is left out.
        due_on: Option<NaiveDate>,
        /// Only these rules.
        rules: Option<Vec<String>>,
        /// Only these records.
        record_ids: Option<Vec<Uuid>>,
    }
}

body! {
    /// Decisions of a review.
    BatchReviewBody {
        /// Decisions.
        items: Option<Vec<BatchDecisionBody>>,
        /// Revision at which the review is over.
        finish: Option<i64>,
    }
}

body! {
    /// A decision about one item.
    BatchDecisionBody {
        /// Record.
        record_id: Uuid,
        /// Rule.
        rule: String,
        /// `exclude`, `include`, `archive`, `destroy` or `keep_until`.
        decision: String,
        /// Why, where something is excluded or kept.
        reason: Option<String>,
        /// Last day on which it is kept.
        until: Option<NaiveDate>,
    }
}

body! {
    /// An approval.
    BatchApprovalBody {
        /// Revision that the approver has seen; another one is refused.
        revision: Option<i64>,
    }
}

body! {
    /// A reason.
    BatchReasonBody {
        /// Why.
        reason: String,
        /// Whether the batch only goes back for review.
        back: Option<bool>,
    }
}

body! {
    /// A hold on a record.
    RecordHoldBody {
        /// On what it rests.
        basis: String,
        /// Provision.
        clause: Option<String>,
        /// Last day; open until it is lifted.
        until: Option<NaiveDate>,
    }
}

body! {
    /// A hold on a person's records, or on those of a query.
    HoldBody {
        /// Personal code of the person.
        personal_code: Option<String>,
        /// Type of the records.
        record_type: Option<String>,
        /// Institution of the records.
        institution_id: Option<Uuid>,
        /// On what it rests.
        basis: String,
        /// Provision.
        clause: Option<String>,
        /// Last day; open until it is lifted.
        until: Option<NaiveDate>,
    }
}

body! {
    /// Why a hold is lifted.
    HoldLiftBody {
        /// Why.
        reason: String,
    }
}

/// What falls due by a day; it changes nothing.
///
/// # Errors
/// As the act.
pub async fn due(state: State, at: At<String>, asked: Asked, query: Query) -> Answer {
    let (on, rule, cursor) = (query.day("on")?, query.text("rule"), query.text("cursor"));
    answer::ok(&state.app.retention_due(asked.cx, at.into_inner(), on, rule, cursor, query.limit()?).await?)
}

/// What falls due in which year.
///
/// # Errors
/// As the act.
pub async fn forecast(state: State, at: At<String>, asked: Asked) -> Answer {
    answer::ok(&state.app.retention_forecast(asked.cx, at.into_inner()).await?)
}

/// How one record stands, and why.
///
/// # Errors
/// As the act.
pub async fn why(state: State, at: At<(String, String, Uuid)>, asked: Asked, query: Query) -> Answer {
    let (register, record_type, id) = at.into_inner();
    answer::ok(&state.app.retention_why(asked.cx, register, record_type, id, query.day("on")?).await?)
}

/// Legal holds.
///
/// # Errors
/// As the act.
pub async fn holds(state: State, at: At<String>, asked: Asked, query: Query) -> Answer {
    let lifted = query.text("lifted").as_deref() == Some("true");
    let (cursor, limit) = (query.id("cursor")?, query.limit()?);
    answer::ok(&state.app.list_holds(asked.cx, at.into_inner(), lifted, cursor, limit).await?)
}

/// Sets a hold on a person's records or on those of a query.
///
/// # Errors
/// As the act.
pub async fn hold(state: State, at: At<String>, asked: Asked, sent: Sent<HoldBody>) -> Answer {
    let (register, body) = (at.into_inner(), sent.body);
    let new = NewHold {
        record_id: None,
        record_type: body.record_type,
        personal_code: body.personal_code,
        institution_id: body.institution_id,
        conditions: Vec::new(),
        basis: body.basis,
        clause: body.clause,
        until: body.until,
    };
    let id = state.app.place_hold(asked.cx, register, new).await?.into_inner();
    Ok(HttpResponse::Created().json(serde_json::json!({ "id": id })))
}

/// Lifts a hold.
///
/// # Errors
/// As the act.
pub async fn lift(state: State, at: At<(String, Uuid)>, asked: Asked, sent: Sent<HoldLiftBody>) -> Answer {
    let (register, id) = at.into_inner();
    state.app.lift_hold(asked.cx, register, id, sent.body.reason).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Sets a hold on a record.
///
/// # Errors
/// As the act.
pub async fn hold_record(
    state: State,
    at: At<(String, String, Uuid)>,
    asked: Asked,
    sent: Sent<RecordHoldBody>,
) -> Answer {
    let ((register, record_type, id), body) = (at.into_inner(), sent.body);
    let new = NewHold {
        record_id: Some(id),
        record_type: Some(record_type),
        personal_code: None,
        institution_id: None,
        conditions: Vec::new(),
        basis: body.basis,
        clause: body.clause,
        until: body.until,
    };
    let hold = state.app.place_hold(asked.cx, register, new).await?.into_inner();
    Ok(HttpResponse::Created().json(serde_json::json!({ "id": hold })))
}

/// Lifts the hold on a record.
///
/// # Errors
/// As the act.
pub async fn lift_record(state: State, at: At<(String, String, Uuid)>, asked: Asked, query: Query) -> Answer {
    let (register, _, id) = at.into_inner();
    let reason = query.text("reason").unwrap_or_default();
    state.app.lift_hold_of(asked.cx, register, id, reason).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Proposes a batch of what is due.
///
/// # Errors
/// As the act.
pub async fn propose(state: State, at: At<String>, sent: Sent<BatchBody>) -> Answer {
    let (register, cx) = (at.into_inner(), sent.cx);
    let new = NewBatch {
        due_on: sent.body.due_on,
        rules: sent.body.rules.unwrap_or_default(),
        records: sent.body.record_ids.unwrap_or_default(),
        by_job: false,
    };
    let batch = state.app.propose_batch(cx, register.clone(), new).await?;
    let id = batch.get().id.to_string();
    answer::created(&batch, &["registers", &register, "retention", "batches", &id])
}

/// Batches, newest first.
///
/// # Errors
/// As the act.
pub async fn batches(state: State, at: At<String>, asked: Asked, query: Query) -> Answer {
    let (cursor, limit) = (query.id("cursor")?, query.limit()?);
    answer::ok(&state.app.list_batches(asked.cx, at.into_inner(), cursor, limit).await?)
}

/// A batch with a page of its items.
///
/// # Errors
/// As the act.
pub async fn batch(state: State, at: At<(String, Uuid)>, asked: Asked, query: Query) -> Answer {
    let (register, id) = at.into_inner();
    let (wanted, cursor, limit) = (query.text("state"), query.text("cursor"), query.limit()?);
    answer::ok(&state.app.read_batch(asked.cx, register, id, wanted, cursor, limit).await?)
}

/// Reviews items.
///
/// # Errors
/// As the act.
pub async fn review(state: State, at: At<(String, Uuid)>, asked: Asked, sent: Sent<BatchReviewBody>) -> Answer {
    let ((register, id), body) = (at.into_inner(), sent.body);
    let mut changes = Vec::new();
    for (n, item) in body.items.unwrap_or_default().into_iter().enumerate() {
        let reason = item.reason.unwrap_or_default();
        let change = match (item.decision.as_str(), item.until) {
            ("exclude", _) => Change::Exclude(reason),
            ("include", _) => Change::Include,
            ("archive", _) => Change::Decide(Disposition::Archive),
            ("destroy", _) => Change::Decide(Disposition::Destroy),
            ("keep_until", Some(until)) => Change::Decide(Disposition::KeepUntil { until, reason }),
            ("keep_until", None) => {
                return Err(fault(n, "until", "required", "Say until which day it is kept."));
            }
            _ => {
                let detail = "`exclude`, `include`, `archive`, `destroy` or `keep_until` is expected.";
                return Err(fault(n, "decision", "code", detail));
            }
        };
        changes.push(Reviewed { record_id: item.record_id, rule: item.rule, change });
    }
    answer::ok(&state.app.review_batch(asked.cx, register, id, changes, seen(body.finish)).await?)
}

/// Approves a batch.
///
/// # Errors
/// As the act.
pub async fn approve(state: State, at: At<(String, Uuid)>, asked: Asked, sent: Sent<BatchApprovalBody>) -> Answer {
    let (register, id) = at.into_inner();
    answer::ok(&state.app.approve_batch(asked.cx, register, id, seen(sent.body.revision)).await?)
}

/// Gives a batch up, or back for review.
///
/// # Errors
/// As the act.
pub async fn give_up(state: State, at: At<(String, Uuid)>, asked: Asked, sent: Sent<BatchReasonBody>) -> Answer {
    let ((register, id), body) = (at.into_inner(), sent.body);
    let back = body.back.unwrap_or(false);
    answer::ok(&state.app.give_up_batch(asked.cx, register, id, body.reason, back).await?)
}

/// Carries out a batch, or goes on where it was cut short.
///
/// # Errors
/// As the act.
pub async fn execute(state: State, at: At<(String, Uuid)>, asked: Asked) -> Answer {
    let (register, id) = at.into_inner();
    answer::ok(&state.app.execute_batch(asked.cx, register, id).await?)
}

/// The package of a batch.
///
/// # Errors
/// As the act.
pub async fn package(state: State, at: At<(String, Uuid)>, asked: Asked) -> Answer {
    let (register, id) = at.into_inner();
    let (name, path) = state.app.read_package(asked.cx, register, id).await?;
    package_file(&name, path).await
}

/// A package as the one file in which it is kept, fetched to `path` for this answer alone.
///
/// # Errors
/// 503 where it cannot be read there.
pub async fn package_file(name: &str, path: PathBuf) -> Answer {
    let bytes = actix_web::web::block(move || {
        let bytes = std::fs::read(&path);
        std::fs::remove_file(&path).and(bytes)
    });
    let gone = |_| Problem::new(Kind::Unavailable, "the package cannot be read from this machine's disk");
    let bytes = bytes.await.map_err(|_| gone(()))?.map_err(|_| gone(()))?;
    Ok(HttpResponse::Ok()
        .content_type("application/x-tar")
        .insert_header(("Content-Disposition", format!("attachment; filename=\"{name}.tar\"")))
        .body(bytes))
}

/// An act of a batch.
///
/// # Errors
/// As the act.
pub async fn act(state: State, at: At<(String, Uuid)>, asked: Asked, query: Query) -> Answer {
    let (register, id) = at.into_inner();
    let pdf = query.text("format").as_deref() == Some("pdf");
    let act = state.app.read_act(asked.cx, register, id, query.text("kind"), pdf).await?;
    Ok(act_file(act, pdf))
}

/// An act as a file.
pub fn act_file(act: ActOut, pdf: bool) -> HttpResponse {
    let (media, end) = if pdf { ("application/pdf", "pdf") } else { ("application/json", "json") };
    HttpResponse::Ok()
        .content_type(media)
        .insert_header(("Content-Disposition", format!("attachment; filename=\"{}-{}.{end}\"", act.kind, act.number)))
        .body(act.bytes)
}

fn fault(item: usize, member: &str, code: &'static str, detail: &str) -> Problem {
    Problem::invalid(vec![Violation::error(&format!("/items/{item}/{member}"), code, detail, None)])
}

/// A revision as it was sent; one that cannot be is none that anybody has seen.
fn seen(revision: Option<i64>) -> Option<u32> {
    revision.map(|n| u32::try_from(n).unwrap_or(u32::MAX))
}
