//! Records: entering, changing, correcting, ending, reading.

use chrono::NaiveDate;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{At, State};
use crate::domain::record::index::Status;
use crate::domain::refusal::Refusal;
use crate::store::acts::records::{Amendment, NewRecord};
use crate::store::read::lists::ListQuery;
use crate::web::answer::{self, Answer};
use crate::web::context::Asked;
use crate::web::json::{Sent, body};
use crate::web::problem::Problem;
use crate::web::query::Query;

body! {
    /// A record to be entered.
    RecordBody creates true {
        /// Institution for which it is entered; an institution itself has none.
        institution_id: Option<Uuid>,
        /// First day on which it is true.
        effective_on: NaiveDate,
        /// Base documents on which it rests.
        #[schema(required = false)]
        base_document_ids: Vec<Uuid>,
        /// The data, by field of the definition.
        #[schema(value_type = Object)]
        data: Value,
    }
}

impl RecordBody {
    /// For the act.
    pub fn of_type(self, record_type: String) -> NewRecord {
        NewRecord {
            record_type,
            institution_id: self.institution_id,
            effective_on: self.effective_on,
            base_document_ids: self.base_document_ids,
            data: self.data,
        }
    }
}

body! {
    /// A change from a day on.
    ChangeBody {
        /// First day on which it is true; today where it is left out.
        effective_on: Option<NaiveDate>,
        /// Base documents on which it rests.
        #[schema(required = false)]
        base_document_ids: Vec<Uuid>,
        /// Merge patch (RFC 7396).
        #[schema(value_type = Object)]
        data: Value,
    }
}

impl From<ChangeBody> for Amendment {
    fn from(body: ChangeBody) -> Self {
        Self {
            effective_on: body.effective_on,
            base_document_ids: body.base_document_ids,
            data: body.data,
            entry_id: None,
            reason: None,
            ground: None,
        }
    }
}

body! {
    /// Mends an entry that was never true.
    CorrectionBody {
        /// The wrong entry.
        entry_id: Uuid,
        /// Why it was wrong.
        reason: Option<String>,
        /// Its day, where that was wrong.
        effective_on: Option<NaiveDate>,
        /// Base documents on which the correction rests.
        #[schema(required = false)]
        base_document_ids: Vec<Uuid>,
        /// Merge patch over the data of the wrong entry.
        #[schema(value_type = Option<Object>)]
        data: Option<Value>,
    }
}

impl From<CorrectionBody> for Amendment {
    fn from(body: CorrectionBody) -> Self {
        Self {
            effective_on: body.effective_on,
            base_document_ids: body.base_document_ids,
            data: body.data.unwrap_or_else(|| json!({})),
            entry_id: Some(body.entry_id),
            reason: body.reason,
            ground: None,
        }
    }
}

body! {
    /// Ends a record.
    EndBody {
        /// Last day; today where it is left out.
        ended_on: Option<NaiveDate>,
        /// Another name of `ended_on`.
        effective_on: Option<NaiveDate>,
        /// Ground, from the definition's list.
        ground: Option<String>,
        /// Base documents on which it rests.
        #[schema(required = false)]
        base_document_ids: Vec<Uuid>,
        /// What else is to be recorded with the end.
        #[schema(value_type = Option<Object>)]
        data: Option<Value>,
    }
}

impl TryFrom<EndBody> for Amendment {
    type Error = Problem;

    fn try_from(body: EndBody) -> Result<Self, Problem> {
        if body.ended_on.is_some() && body.effective_on.is_some() {
            let detail = "Give ended_on or effective_on, not both.";
            return Err(Refusal::invalid("/effective_on", "unknown_field", detail, None).into());
        }
        Ok(Self {
            effective_on: body.ended_on.or(body.effective_on),
            base_document_ids: body.base_document_ids,
            data: body.data.unwrap_or_else(|| json!({})),
            entry_id: None,
            reason: None,
            ground: body.ground,
        })
    }
}

/// What a list is asked for.
///
/// # Errors
/// 400.
pub fn list_query(query: &Query) -> Result<ListQuery, Problem> {
    let words = [("pending", Status::Pending), ("active", Status::Active), ("ended", Status::Ended)];
    Ok(ListQuery {
        institution_id: query.id("institution_id")?,
        q: query.text("q"),
        status: query.one_of("status", &words)?,
        sort: query.text("sort"),
        filters: query.fields("filter"),
        as_of: query.day("as_of")?,
        limit: query.limit()?,
        cursor: query.text("cursor"),
    })
}

/// Enters a record.
///
/// # Errors
/// As the act.
pub async fn create(state: State, at: At<(String, String)>, sent: Sent<RecordBody>) -> Answer {
    let (register, kind) = at.into_inner();
    let new = sent.body.of_type(kind.clone());
    let record = state.app.create_record(sent.cx, register.clone(), new).await?;
    let id = record.get().id.to_string();
    answer::created_one(&record, &["registers", &register, "records", &kind, &id])
}

/// Lists records.
///
/// # Errors
/// As the act.
pub async fn list(state: State, at: At<(String, String)>, asked: Asked, query: Query) -> Answer {
    let (register, kind) = at.into_inner();
    let wanted = list_query(&query)?;
    let page = state.app.list_records(asked.cx, register, kind, wanted).await;
    answer::ok(&page.map_err(|e| Problem::from(e).of_query())?)
}

/// Opens a record.
///
/// # Errors
/// As the act.
pub async fn read(state: State, at: At<(String, String, Uuid)>, asked: Asked, query: Query) -> Answer {
    let (register, kind, id) = at.into_inner();
    let (as_of, known_at) = (query.day("as_of")?, query.instant("known_at")?);
    let record = state.app.read_record(asked.cx, register, kind, id, as_of, known_at);
    answer::one(&record.await?)
}

/// Changes a record.
///
/// # Errors
/// As the act.
pub async fn change(state: State, at: At<(String, String, Uuid)>, sent: Sent<ChangeBody>) -> Answer {
    let (register, kind, id) = at.into_inner();
    let record = state.app.change_record(sent.cx, register, kind, id, sent.body.into());
    answer::one(&record.await?)
}

/// Corrects an entry.
///
/// # Errors
/// As the act.
pub async fn correct(state: State, at: At<(String, String, Uuid)>, sent: Sent<CorrectionBody>) -> Answer {
    let (register, kind, id) = at.into_inner();
    let act = state.app.correct_record(sent.cx, register.clone(), kind.clone(), id, sent.body.into());
    let record = act.await?;
    let place = ["registers", &register, "records", &kind, &id.to_string()];
    answer::created_one(&record, &place)
}

/// Ends a record.
///
/// # Errors
/// As the act.
pub async fn end(state: State, at: At<(String, String, Uuid)>, sent: Sent<EndBody>) -> Answer {
    let (register, kind, id) = at.into_inner();
    let record = state.app.end_record(sent.cx, register, kind, id, sent.body.try_into()?);
    answer::one(&record.await?)
}

/// Reads a record's entries.
///
/// # Errors
/// As the act.
pub async fn entries(state: State, at: At<(String, String, Uuid)>, asked: Asked, query: Query) -> Answer {
    let (register, kind, id) = at.into_inner();
    let (cursor, limit) = (query.text("cursor"), query.limit()?);
    let page = state.app.read_entries(asked.cx, register, kind, id, cursor.as_deref(), limit).await;
    answer::ok(&page.map_err(|e| Problem::from(e).of_query())?)
}
