//! The jobs and the letters that they send.

use uuid::Uuid;

use super::{At, State};
use crate::jobs;
use crate::web::answer::{self, Answer};
use crate::web::context::Asked;
use crate::web::json::{Change, Sent, body};
use crate::web::problem::Problem;
use crate::web::query::Query;

/// The states of a letter.
pub const STATES: &[&str] = &["queued", "sent", "dead"];

body! {
    /// How the caller is reached (RFC 7396); `null` takes it away.
    ReachBody {
        /// E-mail address.
        #[schema(value_type = Option<String>)]
        email: Change<String>,
        /// Language of letters: `et`, `en`, `fi` or `sv`.
        #[schema(value_type = Option<String>)]
        language: Change<String>,
    }
}

/// The jobs with their last runs.
///
/// # Errors
/// As the act.
pub async fn list(state: State, asked: Asked) -> Answer {
    answer::ok(&state.app.list_jobs(asked.cx, jobs::plans()).await?)
}

/// Letters of a register.
///
/// # Errors
/// As the act.
pub async fn letters(state: State, at: At<String>, asked: Asked, query: Query) -> Answer {
    let words: Vec<(&str, &'static str)> = STATES.iter().map(|s| (*s, *s)).collect();
    let (standing, after, limit) = (query.one_of("state", &words)?, query.id("cursor")?, query.limit()?);
    let page = state.app.list_letters(asked.cx, at.into_inner(), standing, after, limit).await;
    answer::ok(&page.map_err(|e| Problem::from(e).of_query())?)
}

/// Takes up a letter again.
///
/// # Errors
/// As the act.
pub async fn retry(state: State, at: At<(String, Uuid)>, asked: Asked) -> Answer {
    let (register, id) = at.into_inner();
    answer::ok(&state.app.retry_letter(asked.cx, register, id).await?)
}

/// How the caller is reached.
///
/// # Errors
/// As the act.
pub async fn reach(state: State, sent: Sent<ReachBody>) -> Answer {
    let ReachBody { email, language } = sent.body;
    answer::ok(&state.app.reach_me(sent.cx, email.into_option(), language.into_option()).await?)
}
