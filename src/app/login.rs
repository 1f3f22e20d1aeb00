//! Logging in, staying in, logging out.
//!
//! Attempts are counted per user name in the database, so that neither a restart nor a second node
//! forgets them; each failure doubles the wait, up to a quarter of an hour, and nobody is locked out for good.

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::tokens::Tokens;
use super::{ActContext, App, Caller, Error};
use crate::domain::audit::event::{Outcome, Who};
use crate::domain::hex;
use crate::domain::refusal::Refusal;
use crate::store::Sealed;
use crate::store::acts::sessions::Keeping;

/// Attempts before waiting begins.
const FREE_ATTEMPTS: i64 = 3;
/// Longest wait, in seconds.
const LONGEST_WAIT: i64 = 900;

/// What a login gives.
pub struct Session {
    /// Access token.
    pub access_token: String,
    /// Seconds it lives.
    pub expires_in: u64,
    /// Refresh token.
    pub refresh_token: String,
}

impl App {
    /// Logs in with user name and password.
    ///
    /// # Errors
    /// [`Refusal::Unauthenticated`] whether the name or the password is wrong; [`Refusal::TooMany`].
    pub async fn login(&self, request_id: Option<String>, username: &str, password: String) -> Result<Session, Error> {
        let now = self.store.now();
        let refresh = self.tokens.refresh(now)?;
        let keeping = Keeping::Refresh { digest: refresh.digest, expires_at: refresh.expires_at };
        let (user, session) = self.open_session(request_id, username, password, keeping).await?;
        self.session(user, session, refresh.token, now)
    }

    /// Opens a session for whoever has this name and password: the user and the session.
    ///
    /// # Errors
    /// As [`App::login`].
    pub(super) async fn open_session(
        &self,
        request_id: Option<String>,
        username: &str,
        password: String,
        keeping: Keeping,
    ) -> Result<(Uuid, Uuid), Error> {
        let cx = ActContext { request_id, ..ActContext::installation("login") };
        let (who, throttle) = self.check_password(&cx, username, password).await?;
        let user_id = who.user_id.ok_or(Refusal::Unauthenticated)?;
        let left = self.store.disclose(cx.clone(), move |tx| Ok(Sealed::unlogged(tx.has_left(user_id)?))).await?;
        if let Some(clause) = left.into_inner() {
            self.note_in_registers(&cx, &who, "login.refused", Outcome::Denied).await?;
            let detail = "your employment has ended, and with it your right to use the register".to_owned();
            return Err(Refusal::Forbidden { clause, detail }.into());
        }
        let opener = who.clone();
        let session =
            self.store.write(cx.clone(), move |tx| tx.session_open(&opener, &keeping, &throttle)).await?.into_inner();
        self.note_in_registers(&cx, &who, "login", Outcome::Permitted).await?;
        Ok((user_id, session))
    }

    /// Checks a user's password: who they are, and under what their attempts are counted. A failure is counted and
    /// logged.
    ///
    /// # Errors
    /// As [`App::login`].
    pub(super) async fn check_password(
        &self,
        cx: &ActContext,
        username: &str,
        password: String,
    ) -> Result<(Who, String), Error> {
        let key = hex(&Sha256::digest(username.to_lowercase().as_bytes()));
        let (name, throttle) = (username.to_owned(), key.clone());
        let facts = self
            .store
            .disclose(cx.clone(), move |tx| Ok(Sealed::unlogged(tx.login_facts(&name, &throttle)?)))
            .await?
            .into_inner();
        let now = self.store.now();
        if facts.not_before > now.timestamp_micros() {
            let wait = (facts.not_before - now.timestamp_micros()).div_euclid(1_000_000);
            return Err(Refusal::TooMany { seconds: wait.max(0) + 1 }.into());
        }
        let who = Who {
            user_id: facts.user.as_ref().map(|u| u.id),
            // What a stranger types may be anything, their password included: it is not logged.
            name: facts.user.as_ref().map_or_else(|| "unknown".to_owned(), |u| u.username.clone()),
        };
        let hash = facts.user.as_ref().map(|u| u.password_hash.clone());
        let right = self.password_is_right(password, hash).await?;
        if facts.user.is_some_and(|u| right && !u.blocked) {
            return Ok((who, key));
        }
        let why = if right { "blocked" } else { "wrong name or password" };
        self.failed(cx, &who, key, facts.failures + 1, now, why).await?;
        Err(Refusal::Unauthenticated.into())
    }

    async fn password_is_right(&self, password: String, hash: Option<String>) -> Result<bool, Error> {
        let _turn = self.hashing.acquire().await.map_err(|e| Error::Setup(e.to_string()))?;
        let policy = self.passwords;
        tokio::task::spawn_blocking(move || policy.verify(&password, hash.as_deref()))
            .await
            .map_err(|e| Error::Setup(e.to_string()))
    }

    async fn failed(
        &self,
        cx: &ActContext,
        who: &Who,
        key: String,
        failures: i64,
        now: DateTime<Utc>,
        why: &'static str,
    ) -> Result<(), Error> {
        let not_before = now.timestamp_micros() + wait_after(failures) * 1_000_000;
        let failing = who.clone();
        self.store.write(cx.clone(), move |tx| tx.login_failed(&failing, &key, failures, not_before, why)).await?;
        self.note_in_registers(cx, who, "login.failed", Outcome::Denied).await
    }

    /// Supervisors read about logins in the logs of the registers in which the user has rights.
    async fn note_in_registers(
        &self,
        cx: &ActContext,
        who: &Who,
        action: &'static str,
        outcome: Outcome,
    ) -> Result<(), Error> {
        let Some(user_id) = who.user_id else {
            return Ok(());
        };
        let registers = self
            .store
            .disclose(cx.clone(), move |tx| Ok(Sealed::unlogged(tx.registers_of(user_id)?)))
            .await?
            .into_inner();
        for register in registers {
            let who = who.clone();
            self.store.write(cx.clone(), move |tx| tx.login_note(&register, &who, action, outcome)).await?;
        }
        Ok(())
    }

    /// Spends a refresh token for new tokens.
    ///
    /// # Errors
    /// [`Refusal::Unauthenticated`] for one that is unknown, expired or spent; a spent one ends the session.
    pub async fn refresh(&self, request_id: Option<String>, token: &str) -> Result<Session, Error> {
        let cx = ActContext { request_id, ..ActContext::installation("refresh") };
        let now = self.store.now();
        let presented = Tokens::digest(token);
        let next = self.tokens.refresh(now)?;
        let (digest, expires_at) = (next.digest.clone(), next.expires_at);
        let spent =
            self.store.write(cx, move |tx| tx.session_refresh(&presented, &digest, expires_at)).await?.into_inner();
        match spent {
            Some(session) => self.session(session.user_id, session.session_id, next.token, now),
            None => Err(Refusal::Unauthenticated.into()),
        }
    }

    /// Logs out: ends the caller's session.
    ///
    /// # Errors
    /// [`Refusal::Unauthenticated`].
    pub async fn logout(&self, cx: ActContext) -> Result<(), Error> {
        let Caller::Session { session_id, .. } = cx.caller else {
            return Err(Refusal::Unauthenticated.into());
        };
        self.store.write(cx, move |tx| tx.session_end(session_id)).await?;
        Ok(())
    }

    /// Who calls, by their access token.
    ///
    /// # Errors
    /// [`Refusal::Unauthenticated`] for a token that is forged, foreign or expired.
    pub fn caller(&self, token: &str) -> Result<Caller, Error> {
        let claims = self.tokens.verify(token, self.store.now()).ok_or(Refusal::Unauthenticated)?;
        Ok(Caller::Session { user_id: claims.sub, session_id: claims.sid })
    }

    fn session(&self, user: Uuid, session: Uuid, refresh_token: String, now: DateTime<Utc>) -> Result<Session, Error> {
        Ok(Session {
            access_token: self.tokens.access(user, session, now)?,
            expires_in: self.tokens.access_seconds(),
            refresh_token,
        })
    }
}

/// Seconds to wait after so many failures in a row.
fn wait_after(failures: i64) -> i64 {
    let beyond = failures - FREE_ATTEMPTS;
    if beyond < 0 {
        return 0;
    }
    2_i64.checked_pow(u32::try_from(beyond).unwrap_or(u32::MAX)).unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::wait_after;

    #[test]
    fn each_failure_doubles_the_wait_and_nobody_is_locked_out_for_good() {
        assert_eq!([1, 2, 3, 4, 5, 6].map(wait_after), [0, 0, 1, 2, 4, 8]);
        assert_eq!(wait_after(1_000), 900);
    }
}
