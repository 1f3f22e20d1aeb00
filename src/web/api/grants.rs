//! Grants and the log of granting.

use chrono::NaiveDate;
use uuid::Uuid;

use super::{At, State};
use crate::domain::access::grant::Basis;
use crate::domain::refusal::Refusal;
use crate::store::acts::grants::{GrantPatch, NewGrant};
use crate::store::read::grants::GrantQuery;
use crate::web::answer::{self, Answer};
use crate::web::context::Asked;
use crate::web::json::{Change, Sent, body};
use crate::web::problem::Problem;
use crate::web::query::Query;

body! {
    /// On what a grant rests.
    BasisBody {
        /// Kind, from the definition's list for the role.
        kind: String,
        /// Reference to the document.
        reference: String,
    }
}

impl From<BasisBody> for Basis {
    fn from(body: BasisBody) -> Self {
        Self { kind: body.kind, reference: body.reference }
    }
}

body! {
    /// A grant to be made.
    GrantBody creates true {
        /// For whom.
        user_id: Uuid,
        /// Role of the definition.
        role: String,
        /// Only for this institution.
        institution_id: Option<Uuid>,
        /// Only for these sections.
        sections: Option<Vec<String>>,
        /// First day.
        from: NaiveDate,
        /// Last day.
        until: Option<NaiveDate>,
        /// On what it rests.
        basis: BasisBody,
        /// For what task, where the role asks for one.
        task: Option<String>,
        /// The application on which it is granted.
        application_id: Option<Uuid>,
    }
}

impl From<GrantBody> for NewGrant {
    fn from(body: GrantBody) -> Self {
        Self {
            user_id: body.user_id,
            role: body.role,
            institution_id: body.institution_id,
            sections: body.sections,
            from: body.from,
            until: body.until,
            basis: body.basis.into(),
            task: body.task,
            application_id: body.application_id,
        }
    }
}

body! {
    /// What of a grant changes (RFC 7396); `null` takes a bound away.
    GrantChangeBody {
        /// Institution.
        #[schema(value_type = Option<Uuid>)]
        institution_id: Change<Uuid>,
        /// Sections.
        #[schema(value_type = Option<Vec<String>>)]
        sections: Change<Vec<String>>,
        /// First day.
        #[schema(value_type = Option<NaiveDate>)]
        from: Change<NaiveDate>,
        /// Last day.
        #[schema(value_type = Option<NaiveDate>)]
        until: Change<NaiveDate>,
        /// On what it now rests.
        #[schema(value_type = Option<BasisBody>)]
        basis: Change<BasisBody>,
    }
}

/// What every grant has can be set, not removed.
fn kept<T>(change: Change<T>, pointer: &str) -> Result<Option<T>, Problem> {
    match change.into_option() {
        Some(None) => Err(Refusal::invalid(pointer, "required", "This cannot be removed.", None).into()),
        Some(Some(value)) => Ok(Some(value)),
        None => Ok(None),
    }
}

impl TryFrom<GrantChangeBody> for GrantPatch {
    type Error = Problem;

    fn try_from(body: GrantChangeBody) -> Result<Self, Problem> {
        Ok(Self {
            institution_id: body.institution_id.into_option(),
            sections: body.sections.into_option(),
            from: kept(body.from, "/from")?,
            until: body.until.into_option(),
            basis: kept(body.basis, "/basis")?.map(Into::into),
        })
    }
}

body! {
    /// Why a grant ends.
    RevocationBody {
        /// Ground, from the definition's list.
        ground: String,
        /// Explanation.
        explanation: String,
    }
}

/// Grants a role.
///
/// # Errors
/// As the act.
pub async fn issue(state: State, at: At<String>, sent: Sent<GrantBody>) -> Answer {
    let register = at.into_inner();
    let grant = state.app.issue_grant(sent.cx, register.clone(), sent.body.into()).await?;
    let id = grant.get().id.to_string();
    answer::created_one(&grant, &["registers", &register, "grants", &id])
}

/// Lists grants.
///
/// # Errors
/// As the act.
pub async fn list(state: State, at: At<String>, asked: Asked, query: Query) -> Answer {
    let wanted = GrantQuery { user_id: query.id("user_id")?, limit: query.limit()?, ..GrantQuery::default() };
    let page = state.app.list_grants(asked.cx, at.into_inner(), wanted, query.text("cursor").as_deref()).await;
    answer::ok(&page.map_err(|e| Problem::from(e).of_query())?)
}

/// Changes a grant.
///
/// # Errors
/// As the act.
pub async fn change(state: State, at: At<(String, Uuid)>, sent: Sent<GrantChangeBody>) -> Answer {
    let (register, id) = at.into_inner();
    let grant = state.app.change_grant(sent.cx, register, id, sent.body.try_into()?);
    answer::one(&grant.await?)
}

/// Ends a grant.
///
/// # Errors
/// As the act.
pub async fn revoke(state: State, at: At<(String, Uuid)>, sent: Sent<RevocationBody>) -> Answer {
    let (register, id) = at.into_inner();
    let RevocationBody { ground, explanation } = sent.body;
    let grant = state.app.revoke_grant(sent.cx, register, id, ground, explanation);
    answer::one(&grant.await?)
}

/// Reads the grant log.
///
/// # Errors
/// As the act.
pub async fn log(state: State, at: At<String>, asked: Asked, query: Query) -> Answer {
    let (cursor, limit) = (query.text("cursor"), query.limit()?);
    let page = state.app.read_grant_log(asked.cx, at.into_inner(), cursor.as_deref(), limit).await;
    answer::ok(&page.map_err(|e| Problem::from(e).of_query())?)
}
