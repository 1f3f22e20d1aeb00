//! Logging in and out, and one's own account.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::State;
use crate::app::login::Session;
use crate::web::answer::{self, Answer};
use crate::web::context::Asked;
use crate::web::json::{Open, Sent, body};
use crate::web::query::Query;

body! {
    /// User name and password.
    Login {
        /// User name.
        username: String,
        /// Password.
        #[schema(format = Password)]
        password: String,
    }
}

body! {
    /// A refresh token, to be spent.
    Refresh {
        /// The token.
        refresh_token: String,
    }
}

body! {
    /// The old password and the new one.
    PasswordChange {
        /// The password that holds now.
        #[schema(format = Password)]
        old_password: String,
        /// The one that shall.
        #[schema(format = Password)]
        new_password: String,
    }
}

/// What a login gives.
#[derive(Serialize, ToSchema)]
pub struct SessionBody {
    /// For `Authorization: Bearer`.
    access_token: String,
    /// `Bearer`.
    token_type: &'static str,
    /// Seconds for which the access token is good.
    expires_in: u64,
    /// Good for one refresh.
    refresh_token: String,
}

impl From<Session> for SessionBody {
    fn from(session: Session) -> Self {
        Self {
            access_token: session.access_token,
            token_type: "Bearer",
            expires_in: session.expires_in,
            refresh_token: session.refresh_token,
        }
    }
}

/// Logs in.
///
/// # Errors
/// 401, 429.
pub async fn open(state: State, sent: Open<Login>) -> Answer {
    let Login { username, password } = sent.body;
    let session = state.app.login(sent.request_id, &username, password).await?;
    answer::open(StatusCode::CREATED, &SessionBody::from(session))
}

/// Spends a refresh token.
///
/// # Errors
/// 401.
pub async fn refresh(state: State, sent: Open<Refresh>) -> Answer {
    let token = sent.body.refresh_token;
    let session = state.app.refresh(sent.request_id, &token).await?;
    answer::open(StatusCode::CREATED, &SessionBody::from(session))
}

/// Logs out.
///
/// # Errors
/// 401.
pub async fn close(state: State, asked: Asked) -> Answer {
    state.app.logout(asked.cx).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The caller's own account.
///
/// # Errors
/// 401.
pub async fn me(state: State, asked: Asked) -> Answer {
    answer::ok(&state.app.me(asked.cx).await?)
}

/// Who looked at the records about the caller.
///
/// # Errors
/// 401.
pub async fn accesses(state: State, asked: Asked, query: Query) -> Answer {
    let (before, limit) = (query.id("cursor")?, query.limit()?);
    answer::ok(&state.app.my_accesses(asked.cx, before, limit).await?)
}

/// Changes the caller's own password.
///
/// # Errors
/// 401 for a wrong old password, 422 for a weak new one.
pub async fn password(state: State, sent: Sent<PasswordChange>) -> Answer {
    let PasswordChange { old_password, new_password } = sent.body;
    state.app.change_password(sent.cx, old_password, new_password).await?;
    Ok(HttpResponse::NoContent().finish())
}
