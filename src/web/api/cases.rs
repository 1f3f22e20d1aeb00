//! Cases: what is asked, reported, complained of, applied for and ordered.

use chrono::NaiveDate;
use serde_json::Value;
use uuid::Uuid;

use super::{At, State};
use crate::app::ActContext;
use crate::domain::case::{CaseParty, NewCase, Step};
use crate::domain::refusal::Refusal;
use crate::domain::statute::procedures::{Procedure, StepKind};
use crate::store::read::cases::CaseQuery;
use crate::web::answer::{self, Answer};
use crate::web::context::Asked;
use crate::web::json::{Sent, body};
use crate::web::problem::Problem;
use crate::web::query::Query;

body! {
    /// Whose case it is, when not the opener's own.
    CasePartyBody {
        /// Name.
        name: String,
        /// `person`, `company`, `authority` …
        kind: Option<String>,
        /// Registry code of a body.
        registry_code: Option<String>,
        /// Personal code of a person.
        personal_code: Option<String>,
        /// How to reach them.
        contact: String,
    }
}

impl From<CasePartyBody> for CaseParty {
    fn from(body: CasePartyBody) -> Self {
        Self {
            name: body.name,
            kind: body.kind,
            registry_code: body.registry_code,
            personal_code: body.personal_code,
            contact: body.contact,
        }
    }
}

body! {
    /// A case to be opened.
    CaseBody creates true {
        /// Kind, of the definition; may be left out where the address says the procedure and there is one kind of it.
        kind: Option<String>,
        /// Institution concerned.
        institution_id: Option<Uuid>,
        /// Record concerned.
        record_id: Option<Uuid>,
        /// Fields of the record concerned, by path.
        fields: Vec<String>,
        /// What it is about, in a line.
        subject: String,
        /// In full.
        text: String,
        /// Whose it is.
        from: Option<CasePartyBody>,
        /// Day on which it came in; default today.
        received_on: Option<NaiveDate>,
        /// Day by which it must be done, where the kind asks for one.
        due_on: Option<NaiveDate>,
        /// Files stored before, by SHA-256.
        attachments: Vec<String>,
        /// What else the procedure needs.
        #[schema(value_type = Option<Object>)]
        details: Option<Value>,
    }
}

impl CaseBody {
    fn into_new(self, kind: String) -> NewCase {
        NewCase {
            kind,
            institution_id: self.institution_id,
            record_type: None,
            record_id: self.record_id,
            fields: self.fields,
            subject: self.subject,
            text: self.text,
            from: self.from.map(Into::into),
            received_on: self.received_on,
            due_on: self.due_on,
            attachments: self.attachments,
            details: self.details.unwrap_or_default(),
        }
    }
}

body! {
    /// A step of a case.
    CaseStepBody {
        /// What: `message`, `ask_clarification`, `clarify`, `ask_identity`, `identify`, `extend`, `forward`, `acknowledge`, `answer`, `decide`,
        /// `notify`, `verify`, `withdraw` or `close`.
        act: String,
        /// In words.
        text: Option<String>,
        /// Outcome, for a decision.
        outcome: Option<String>,
        /// Ground, for a decision.
        ground: Option<String>,
        /// How somebody was told: `email`, `post`, `in_person`, `phone` or `portal`.
        channel: Option<String>,
        /// Files stored before, by SHA-256.
        attachments: Vec<String>,
        /// What else the step says: how identity was proved (`way`, `reference`, `on`, `guardian_document`), what is
        /// held back of the data about oneself (`held_back`).
        #[schema(value_type = Option<Object>)]
        details: Option<Value>,
    }
}

impl TryFrom<CaseStepBody> for Step {
    type Error = Problem;

    fn try_from(body: CaseStepBody) -> Result<Self, Problem> {
        let act: Option<StepKind> = serde_json::from_value(Value::String(body.act)).ok();
        let act = act.ok_or_else(|| Refusal::invalid("/act", "not_in_codelist", "there is no such step", None))?;
        Ok(Self {
            act,
            text: body.text.unwrap_or_default(),
            outcome: body.outcome,
            ground: body.ground,
            channel: body.channel,
            attachments: body.attachments,
            details: body.details.unwrap_or_default(),
        })
    }
}

/// Opens a case of the kind that the body names.
///
/// # Errors
/// As the act.
pub async fn open(state: State, at: At<String>, sent: Sent<CaseBody>) -> Answer {
    let Some(kind) = sent.body.kind.clone() else {
        return Err(Refusal::invalid("/kind", "required", "name the kind of case", None).into());
    };
    opened(&state, sent.cx, at.into_inner(), sent.body.into_new(kind)).await
}

async fn opened(state: &State, cx: ActContext, register: String, new: NewCase) -> Answer {
    let case = state.app.open_case(cx, register.clone(), new).await?;
    let id = case.get().case.id.to_string();
    answer::created_one(&case, &["registers", &register, "cases", &id])
}

async fn open_of(state: State, register: String, sent: Sent<CaseBody>, procedure: Procedure) -> Answer {
    let kinds = state.app.case_kinds(&register, procedure)?;
    let kind = match &sent.body.kind {
        None => kinds.into_iter().next().unwrap_or_default(),
        Some(kind) if kinds.contains(kind) => kind.clone(),
        Some(_) => {
            let detail = format!("here cases of these kinds are opened: {}", kinds.join(", "));
            return Err(Refusal::invalid("/kind", "not_in_codelist", detail, None).into());
        }
    };
    opened(&state, sent.cx, register, sent.body.into_new(kind)).await
}

/// Lists cases of every kind.
///
/// # Errors
/// As the act.
pub async fn list(state: State, at: At<String>, asked: Asked, query: Query) -> Answer {
    let kinds = query.text("kind").into_iter().collect();
    listed(&state, at.into_inner(), asked, &query, kinds).await
}

async fn listed(state: &State, register: String, asked: Asked, query: &Query, kinds: Vec<String>) -> Answer {
    let wanted = CaseQuery {
        kinds,
        state: query.text("state"),
        overdue: query.text("overdue").as_deref() == Some("true"),
        due_until: query.day("due_until")?,
        record_id: query.id("record_id")?,
        mine: query.text("mine").as_deref() == Some("true"),
        limit: query.limit()?,
        before: query.id("cursor")?,
    };
    let page = state.app.list_cases(asked.cx, register, wanted).await;
    answer::ok(&page.map_err(|e| Problem::from(e).of_query())?)
}

/// Opens the file of a case.
///
/// # Errors
/// As the act.
pub async fn read(state: State, at: At<(String, Uuid)>, asked: Asked) -> Answer {
    let (register, id) = at.into_inner();
    answer::one(&state.app.read_case(asked.cx, register, id).await?)
}

/// Takes a step.
///
/// # Errors
/// As the act.
pub async fn step(state: State, at: At<(String, Uuid)>, sent: Sent<CaseStepBody>) -> Answer {
    let (register, id) = at.into_inner();
    answer::one(&state.app.take_case_step(sent.cx, register, id, sent.body.try_into()?).await?)
}

/// Gives out what was granted on a request for one's own data.
///
/// # Errors
/// As the act.
pub async fn release(state: State, at: At<(String, Uuid)>, asked: Asked, query: Query) -> Answer {
    let (register, id) = at.into_inner();
    let wanted = super::disclosure::wanted(&asked, &query)?;
    let format = wanted.format;
    let left = state.app.release_own_data(asked.cx, register.clone(), id, wanted).await?.into_inner();
    Ok(super::disclosure::file(&register, format, left))
}

/// The two handlers of a procedure's own address.
macro_rules! procedure {
    ($module:ident, $procedure:ident) => {
        #[doc = concat!("Cases of the procedure [`Procedure::", stringify!($procedure), "`].")]
        pub mod $module {
            use super::*;

            /// Opens one.
            ///
            /// # Errors
            /// As the act.
            pub async fn open(state: State, at: At<String>, sent: Sent<CaseBody>) -> Answer {
                open_of(state, at.into_inner(), sent, Procedure::$procedure).await
            }

            /// Lists them.
            ///
            /// # Errors
            /// As the act.
            pub async fn list(state: State, at: At<String>, asked: Asked, query: Query) -> Answer {
                let register = at.into_inner();
                let kinds = state.app.case_kinds(&register, Procedure::$procedure)?;
                listed(&state, register, asked, &query, kinds).await
            }
        }
    };
}

procedure!(error_notices, ErrorNotice);
procedure!(inquiries, Inquiry);
procedure!(complaints, Complaint);
procedure!(prescriptions, Prescription);
procedure!(incidents, Incident);
procedure!(instructions, Instruction);
procedure!(access_applications, Access);
