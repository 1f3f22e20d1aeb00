//! Moves of records, and offers of them to other institutions.

use chrono::NaiveDate;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{At, State};
use crate::store::acts::moves::{Acceptance, NewMove};
use crate::store::read::moves::MoveQuery;
use crate::web::answer::{self, Answer};
use crate::web::context::Asked;
use crate::web::json::{Sent, body};
use crate::web::problem::Problem;
use crate::web::query::Query;

/// Where a move can stand.
pub const STATES: &[&str] = crate::store::read::moves::STATES;

body! {
    /// Moves a record.
    MoveBody creates true {
        /// Name of the move in the definition.
        r#move: String,
        /// Institution of the new record; that of the old one where it is left out.
        institution_id: Option<Uuid>,
        /// First day of the new record; the old one ends on the day before, where the move ends it.
        effective_on: NaiveDate,
        /// Base documents on which it rests.
        #[schema(required = false)]
        base_document_ids: Vec<Uuid>,
        /// What the new record needs beyond what is handed over.
        #[schema(value_type = Option<Object>)]
        data: Option<Value>,
    }
}

body! {
    /// Accepts an offer.
    AcceptanceBody creates true {
        /// First day of the new record; as offered where it is left out.
        effective_on: Option<NaiveDate>,
        /// Base documents on which it rests.
        #[schema(required = false)]
        base_document_ids: Vec<Uuid>,
        /// What the new record needs beyond what is handed over.
        #[schema(value_type = Option<Object>)]
        data: Option<Value>,
    }
}

body! {
    /// Declines or withdraws an offer.
    MoveReasonBody {
        /// Why; a refusal needs one.
        reason: Option<String>,
    }
}

/// Moves a record.
///
/// # Errors
/// As the act.
pub async fn begin(state: State, at: At<(String, String, Uuid)>, sent: Sent<MoveBody>) -> Answer {
    let (register, kind, id) = at.into_inner();
    let new = NewMove {
        name: sent.body.r#move,
        institution_id: sent.body.institution_id,
        effective_on: sent.body.effective_on,
        base_document_ids: sent.body.base_document_ids,
        data: sent.body.data.unwrap_or_else(|| json!({})),
    };
    let made = state.app.move_record(sent.cx, register.clone(), kind, id, new).await?;
    let id = made.get().id.to_string();
    answer::created(&made, &["registers", &register, "moves", &id])
}

/// Where a record came from and where it went.
///
/// # Errors
/// As the act.
pub async fn of_record(state: State, at: At<(String, String, Uuid)>, asked: Asked) -> Answer {
    let (register, kind, id) = at.into_inner();
    answer::ok(&state.app.moves_of_record(asked.cx, register, kind, id).await?)
}

/// Lists moves.
///
/// # Errors
/// As the act.
pub async fn list(state: State, at: At<String>, asked: Asked, query: Query) -> Answer {
    let wanted = MoveQuery {
        state: query.text("state"),
        institution_id: query.id("institution_id")?,
        limit: query.limit()?,
        cursor: query.id("cursor")?,
    };
    let page = state.app.list_moves(asked.cx, at.into_inner(), wanted).await;
    answer::ok(&page.map_err(|e| Problem::from(e).of_query())?)
}

/// Opens a move.
///
/// # Errors
/// As the act.
pub async fn read(state: State, at: At<(String, Uuid)>, asked: Asked) -> Answer {
    let (register, id) = at.into_inner();
    answer::ok(&state.app.read_move(asked.cx, register, id).await?)
}

/// Accepts an offer.
///
/// # Errors
/// As the act.
pub async fn accept(state: State, at: At<(String, Uuid)>, sent: Sent<AcceptanceBody>) -> Answer {
    let (register, id) = at.into_inner();
    let new = Acceptance {
        effective_on: sent.body.effective_on,
        base_document_ids: sent.body.base_document_ids,
        data: sent.body.data.unwrap_or_else(|| json!({})),
    };
    let made = state.app.accept_move(sent.cx, register.clone(), id, new).await?;
    let place = ["registers", &register, "moves", &id.to_string()];
    answer::created(&made, &place)
}

/// Declines an offer.
///
/// # Errors
/// As the act.
pub async fn refuse(state: State, at: At<(String, Uuid)>, sent: Sent<MoveReasonBody>) -> Answer {
    let (register, id) = at.into_inner();
    answer::ok(&state.app.refuse_move(sent.cx, register, id, sent.body.reason).await?)
}

/// Withdraws an offer.
///
/// # Errors
/// As the act.
pub async fn withdraw(state: State, at: At<(String, Uuid)>, sent: Sent<MoveReasonBody>) -> Answer {
    let (register, id) = at.into_inner();
    answer::ok(&state.app.withdraw_move(sent.cx, register, id, sent.body.reason).await?)
}
