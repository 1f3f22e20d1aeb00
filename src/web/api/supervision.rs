//! Supervision: the access report, kept queries, signals, samples and signed reviews.

use actix_web::HttpResponse;
use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::{At, State};
use crate::domain::record::validate::Violation;
use crate::domain::refusal::Refusal;
use crate::store::acts::supervision::{KeptFilter, NewReview, Verdict};
use crate::store::read::report::ReportQuery;
use crate::web::answer::{self, Answer};
use crate::web::context::Asked;
use crate::web::json::{Member, Sent, body};
use crate::web::problem::Problem;
use crate::web::query::Query;

body! {
    /// What is looked for in the log: the parameters of its list.
    FilterBody {
        /// User name or user id.
        actor: Option<String>,
        /// Personal code, or id of a record.
        subject: Option<String>,
        /// Action.
        action: Option<String>,
        /// Not before this day or instant.
        from: Option<String>,
        /// Until the end of this day, or before this instant.
        to: Option<String>,
        /// Id of a record.
        record_id: Option<Uuid>,
        /// `permitted` or `denied`.
        decision: Option<String>,
        /// Purpose.
        purpose: Option<String>,
        /// Role.
        role: Option<String>,
    }
}

impl From<FilterBody> for KeptFilter {
    fn from(body: FilterBody) -> Self {
        Self {
            actor: body.actor,
            subject: body.subject,
            action: body.action,
            from: body.from,
            to: body.to,
            record_id: body.record_id,
            decision: body.decision,
            purpose: body.purpose,
            role: body.role,
        }
    }
}

body! {
    /// A query to be kept.
    KeptQueryBody creates true {
        /// Name.
        name: String,
        /// The parameters of the log's list.
        query: FilterBody,
    }
}

body! {
    /// What was reviewed.
    ReviewBody creates true {
        /// Not before.
        #[schema(value_type = DateTime<Utc>)]
        from: Instant,
        /// Before.
        #[schema(value_type = DateTime<Utc>)]
        to: Instant,
        /// What was looked for.
        filter: Option<FilterBody>,
        /// Seed of the sample, where it was drawn.
        seed: Option<String>,
        /// Entries of the log that were reviewed, at most 500.
        sample: Vec<Uuid>,
        /// `in_order` or `findings`.
        verdict: String,
        /// In words; must be there for findings.
        note: Option<String>,
    }
}

/// An instant in a body.
pub struct Instant(DateTime<Utc>);

impl Member for Instant {
    fn read(value: Value, at: &str, faults: &mut Vec<Violation>) -> Option<Self> {
        let read = value.as_str().and_then(|t| DateTime::parse_from_rfc3339(t).ok());
        if read.is_none() {
            faults.push(Violation::error(at, "type", "An instant is expected: RFC 3339.", None));
        }
        read.map(|t| Self(t.with_timezone(&Utc)))
    }
}

/// The two moments of a period.
fn period(state: &State, register: &str, query: &Query) -> Result<(DateTime<Utc>, DateTime<Utc>), Problem> {
    let zone = state.app.register(register)?.definition.register.time_zone;
    let moment = |name, end| {
        let read = query.moment(name, zone, end)?;
        read.ok_or_else(|| Problem::parameter(name, "required", "This must be given."))
    };
    Ok((moment("from", false)?, moment("to", true)?))
}

/// The access report.
///
/// # Errors
/// As the act.
pub async fn report(state: State, at: At<String>, asked: Asked, query: Query) -> Answer {
    let wanted = ReportQuery {
        subject: query.text("subject"),
        record_id: query.id("record_id")?,
        at: query.instant("at")?,
        limit: query.limit()?,
        cursor: query.id("cursor")?,
        received_cursor: query.id("received_cursor")?,
    };
    let report = state.app.access_report(asked.cx, at.into_inner(), wanted).await;
    answer::ok(&report.map_err(|e| Problem::from(e).of_query())?)
}

/// The caller's own queries.
///
/// # Errors
/// As the act.
pub async fn queries(state: State, at: At<String>, asked: Asked) -> Answer {
    answer::ok(&state.app.list_queries(asked.cx, at.into_inner()).await?)
}

/// Keeps a query.
///
/// # Errors
/// As the act.
pub async fn keep(state: State, at: At<String>, sent: Sent<KeptQueryBody>) -> Answer {
    let register = at.into_inner();
    let KeptQueryBody { name, query } = sent.body;
    let kept = state.app.keep_query(sent.cx, register.clone(), name, query.into()).await?;
    let id = kept.get().id.to_string();
    answer::created(&kept, &["registers", &register, "audit", "queries", &id])
}

/// Forgets a query.
///
/// # Errors
/// As the act.
pub async fn forget(state: State, at: At<(String, Uuid)>, asked: Asked) -> Answer {
    let (register, id) = at.into_inner();
    state.app.forget_query(asked.cx, register, id).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// What there is to ask about.
///
/// # Errors
/// As the act.
pub async fn signals(state: State, at: At<String>, asked: Asked, query: Query) -> Answer {
    let register = at.into_inner();
    let (from, to) = period(&state, &register, &query)?;
    let signals = state.app.audit_signals(asked.cx, register, from, to).await;
    answer::ok(&signals?)
}

/// A sample of the log.
///
/// # Errors
/// As the act.
pub async fn sample(state: State, at: At<String>, asked: Asked, query: Query) -> Answer {
    let register = at.into_inner();
    let period = period(&state, &register, &query)?;
    let n = query.number("n")?.unwrap_or(50);
    let sample = state.app.audit_sample(asked.cx, register, period, n, query.text("seed")).await;
    answer::ok(&sample.map_err(|e| Problem::from(e).of_query())?)
}

/// Signed reviews.
///
/// # Errors
/// As the act.
pub async fn reviews(state: State, at: At<String>, asked: Asked, query: Query) -> Answer {
    let (before, limit) = (query.id("cursor")?, query.limit()?);
    answer::ok(&state.app.list_reviews(asked.cx, at.into_inner(), before, limit).await?)
}

/// Signs what was reviewed.
///
/// # Errors
/// As the act.
pub async fn sign(state: State, at: At<String>, sent: Sent<ReviewBody>) -> Answer {
    let register = at.into_inner();
    let body = sent.body;
    let verdict = Verdict::parse(&body.verdict)
        .ok_or_else(|| Refusal::invalid("/verdict", "not_in_codelist", "in_order or findings", None))?;
    let new = NewReview {
        from: body.from.0,
        to: body.to.0,
        filter: body.filter.map_or_else(KeptFilter::default, Into::into),
        seed: body.seed,
        sample: body.sample,
        verdict,
        note: body.note.unwrap_or_default(),
    };
    let review = state.app.sign_review(sent.cx, register.clone(), new).await?;
    let id = review.get().id.to_string();
    answer::created(&review, &["registers", &register, "audit", "reviews", &id])
}
