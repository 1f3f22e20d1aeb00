//! What is made public: proposals, approval, withdrawal and history.

use actix_web::HttpRequest;
use uuid::Uuid;

use super::{At, State};
use crate::domain::publication::Difference;
use crate::web::answer::{self, Answer};
use crate::web::context::Asked;
use crate::web::json::{self, Sent, body};
use crate::web::problem::Problem;
use crate::web::query::Query;

body! {
    /// An approval.
    ApprovalBody {
        /// Digest of the proposal that the approver has seen; another one is refused.
        digest: Option<String>,
    }
}

body! {
    /// A withdrawal.
    WithdrawalBody {
        /// Why.
        reason: String,
    }
}

/// Words for the ways in which rows differ.
pub const DIFFERENCES: &[&str] = &["added", "changed", "same", "gone"];

/// Proposes what the statute makes public of a record type.
///
/// # Errors
/// As the act.
pub async fn propose(state: State, at: At<(String, String)>, asked: Asked, req: HttpRequest) -> Answer {
    let (register, record_type) = at.into_inner();
    let mut cx = asked.cx;
    json::idempotent(&req, &mut cx, &[])?;
    let proposal = state.app.propose_publication(cx, register.clone(), record_type).await?;
    let id = proposal.get().id.to_string();
    answer::created(&proposal, &["registers", &register, "publications", &id])
}

/// What was published when.
///
/// # Errors
/// As the act.
pub async fn list(state: State, at: At<String>, asked: Asked, query: Query) -> Answer {
    let (record_type, cursor, limit) = (query.text("type"), query.id("cursor")?, query.limit()?);
    answer::ok(&state.app.list_publications(asked.cx, at.into_inner(), record_type, cursor, limit).await?)
}

/// A publication with its rows.
///
/// # Errors
/// As the act.
pub async fn read(state: State, at: At<(String, String)>, asked: Asked, query: Query) -> Answer {
    let (register, id) = at.into_inner();
    let id = json::uuid(&id).ok_or_else(Problem::not_found)?;
    let words = Difference::ALL.map(|d| (d.as_str(), d));
    let (difference, cursor, limit) = (query.one_of("difference", &words)?, query.text("cursor"), query.limit()?);
    let found = state.app.read_publication(asked.cx, register, id, difference, cursor, limit).await;
    answer::ok(&found.map_err(|e| Problem::from(e).of_query())?)
}

/// Approves a proposal.
///
/// # Errors
/// As the act.
pub async fn approve(state: State, at: At<(String, Uuid)>, sent: Sent<ApprovalBody>) -> Answer {
    let (register, id) = at.into_inner();
    answer::ok(&state.app.approve_publication(sent.cx, register, id, sent.body.digest).await?)
}

/// Withdraws what is public or proposed.
///
/// # Errors
/// As the act.
pub async fn withdraw(state: State, at: At<(String, Uuid)>, sent: Sent<WithdrawalBody>) -> Answer {
    let (register, id) = at.into_inner();
    answer::ok(&state.app.withdraw_publication(sent.cx, register, id, sent.body.reason).await?)
}
