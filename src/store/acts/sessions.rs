//! Sessions, refresh tokens and failed logins. They belong to the installation's own register; that somebody
//! logged in is also noted in each register where they have rights.

use diesel::prelude::*;
use uuid::Uuid;

use crate::domain::audit::Kind;
use crate::domain::audit::event::{Outcome, Who};
use crate::domain::refusal::Refusal;
pub use crate::store::change::Keeping;
use crate::store::change::{Change, RefreshWrite};
use crate::store::context::INSTALLATION_REGISTER;
use crate::store::error::Error;
use crate::store::facts;
use crate::store::guard::Sealed;
use crate::store::log;
use crate::store::schema::{access_grant, app_user, login_throttle, refresh_token, session};
use crate::store::tx::Tx;
use crate::store::write::WriteTx;

/// What is needed to check a login. Never leaves the process.
pub struct LoginFacts {
    /// The user, if there is one of that name.
    pub user: Option<LoginUser>,
    /// Failed attempts in a row.
    pub failures: i64,
    /// No attempt before this instant, in microseconds.
    pub not_before: i64,
}

/// A user who may log in.
pub struct LoginUser {
    /// Id.
    pub id: Uuid,
    /// User name.
    pub username: String,
    /// Password as PHC string.
    pub password_hash: String,
    /// Whether the account is blocked.
    pub blocked: bool,
}

/// A refresh token that was presented.
pub struct Presented {
    /// Its session.
    pub session_id: Uuid,
    /// Whose.
    pub user_id: Uuid,
}

impl<'tx> Tx<'tx> {
    /// Whether there is any user yet.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) fn has_users(&mut self) -> Result<bool, Error> {
        let any: Option<String> = app_user::table
            .filter(app_user::register.eq(INSTALLATION_REGISTER))
            .select(app_user::id)
            .limit(1)
            .first(self.conn)
            .optional()?;
        Ok(any.is_some())
    }

    /// What is needed to check a login as `username`, with attempts counted under `throttle_key`.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) fn login_facts(&mut self, username: &str, throttle_key: &str) -> Result<LoginFacts, Error> {
        type Row = (String, String, String, i64);
        let row: Option<Row> = app_user::table
            .filter(app_user::register.eq(INSTALLATION_REGISTER))
            .filter(app_user::username.eq(username))
            .select((app_user::id, app_user::username, app_user::password_hash, app_user::blocked))
            .first(self.conn)
            .optional()?;
        let throttle: Option<(i64, i64)> = login_throttle::table
            .find((INSTALLATION_REGISTER, throttle_key))
            .select((login_throttle::failures, login_throttle::not_before))
            .first(self.conn)
            .optional()?;
        let (failures, not_before) = throttle.unwrap_or((0, 0));
        let user = match row {
            Some((id, username, password_hash, blocked)) => {
                Some(LoginUser { id: facts::id(&id)?, username, password_hash, blocked: blocked != 0 })
            }
            None => None,
        };
        Ok(LoginFacts { user, failures, not_before })
    }

    /// The registers in which the user has or had a grant: where logins are noted too.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) fn registers_of(&mut self, user_id: Uuid) -> Result<Vec<String>, Error> {
        let names: Vec<String> = self.registers.names().map(str::to_owned).collect();
        Ok(access_grant::table
            .filter(access_grant::register.eq_any(names))
            .filter(access_grant::user_id.eq(user_id.to_string()))
            .select(access_grant::register)
            .distinct()
            .load(self.conn)?)
    }
}

impl<'tx> WriteTx<'tx> {
    /// Opens a session after a successful login.
    ///
    /// # Errors
    /// Those of the database and the log.
    pub(crate) fn session_open(
        &mut self,
        user: &Who,
        keeping: &Keeping,
        throttle_key: &str,
    ) -> Result<Sealed<'tx, Uuid>, Error> {
        let session_id = self.new_id()?;
        let user_id = user.user_id.ok_or(Refusal::Unauthenticated)?;
        let mut event = log::draft(INSTALLATION_REGISTER, Kind::Login, "login", user.clone());
        event.request_id.clone_from(&self.cx.request_id);
        let change = Change::SessionOpened {
            session_id,
            user_id,
            keeping: keeping.clone(),
            throttle_key: throttle_key.to_owned(),
        };
        self.apply(event, 0, change)?;
        Ok(Sealed::new(session_id, None))
    }

    /// Notes a failed login and how long to wait before the next.
    ///
    /// # Errors
    /// Those of the database and the log.
    pub(crate) fn login_failed(
        &mut self,
        who: &Who,
        throttle_key: &str,
        failures: i64,
        not_before: i64,
        why: &'static str,
    ) -> Result<Sealed<'tx, ()>, Error> {
        let mut event = log::draft(INSTALLATION_REGISTER, Kind::Login, "login.failed", who.clone());
        event.decision = Outcome::Denied;
        event.request_id.clone_from(&self.cx.request_id);
        let change = Change::LoginFailed { throttle_key: throttle_key.to_owned(), failures, not_before, why };
        self.apply(event, 0, change)?;
        Ok(Sealed::new((), None))
    }

    /// Notes a login or its failure in a register where the user has rights.
    ///
    /// # Errors
    /// Those of the log.
    pub(crate) fn login_note(
        &mut self,
        register: &str,
        who: &Who,
        action: &'static str,
        outcome: Outcome,
    ) -> Result<Sealed<'tx, ()>, Error> {
        let mut event = log::draft(register, Kind::Login, action, who.clone());
        event.decision = outcome;
        event.request_id.clone_from(&self.cx.request_id);
        self.note(event, 0, None)?;
        Ok(Sealed::new((), None))
    }

    /// Spends a refresh token for a new one. A token that was spent before ends the whole session.
    ///
    /// # Errors
    /// [`Refusal::Unauthenticated`] for an unknown, expired or ended one. Reuse gives `Ok(None)`: the session is
    /// ended and that must be committed before the refusal is answered.
    pub(crate) fn session_refresh(
        &mut self,
        presented_digest: &str,
        next_digest: &str,
        next_expires_at: i64,
    ) -> Result<Sealed<'tx, Option<Presented>>, Error> {
        type Row = (String, String, i64, Option<i64>, Option<i64>, String);
        let row: Option<Row> = refresh_token::table
            .inner_join(
                session::table
                    .on(session::register.eq(refresh_token::register).and(session::id.eq(refresh_token::session_id))),
            )
            .inner_join(
                app_user::table.on(app_user::register.eq(session::register).and(app_user::id.eq(session::user_id))),
            )
            .filter(refresh_token::register.eq(INSTALLATION_REGISTER))
            .filter(refresh_token::digest.eq(presented_digest))
            .filter(app_user::blocked.eq(0))
            .select((
                session::id,
                session::user_id,
                refresh_token::expires_at,
                refresh_token::used_at,
                session::ended_at,
                app_user::username,
            ))
            .first(self.conn)
            .optional()?;
        let (session_id, user_id, expires_at, used_at, ended_at, username) = row.ok_or(Refusal::Unauthenticated)?;
        let (session_id, user_id) = (facts::id(&session_id)?, facts::id(&user_id)?);
        if ended_at.is_some() || expires_at <= self.now.timestamp_micros() {
            return Err(Refusal::Unauthenticated.into());
        }
        let who = Who { user_id: Some(user_id), name: username };
        if used_at.is_some() {
            let mut event = log::draft(INSTALLATION_REGISTER, Kind::Login, "session.reuse", who);
            event.decision = Outcome::Denied;
            event.request_id.clone_from(&self.cx.request_id);
            let why = "a refresh token was presented twice";
            self.apply(event, 0, Change::SessionsEnded { user_id, session_id: Some(session_id), why })?;
            return Ok(Sealed::new(None, None));
        }
        let mut event = log::draft(INSTALLATION_REGISTER, Kind::Login, "session.refresh", who);
        event.request_id.clone_from(&self.cx.request_id);
        let change = Change::SessionRefreshed {
            spent: presented_digest.to_owned(),
            refresh: RefreshWrite { digest: next_digest.to_owned(), expires_at: next_expires_at },
            session_id,
        };
        self.apply(event, 0, change)?;
        Ok(Sealed::new(Some(Presented { session_id, user_id }), None))
    }

    /// Logs out: ends the caller's own session.
    ///
    /// # Errors
    /// [`Refusal::Unauthenticated`].
    pub(crate) fn session_end(&mut self, session_id: Uuid) -> Result<Sealed<'tx, ()>, Error> {
        let user = self.user()?.ok_or(Refusal::Unauthenticated)?;
        let who = Who { user_id: Some(user.id), name: user.username };
        let mut event = log::draft(INSTALLATION_REGISTER, Kind::Login, "logout", who);
        event.request_id.clone_from(&self.cx.request_id);
        let change = Change::SessionsEnded { user_id: user.id, session_id: Some(session_id), why: "logged out" };
        self.apply(event, 0, change)?;
        Ok(Sealed::new((), None))
    }

    /// Logs out everywhere: ends all of the caller's sessions.
    ///
    /// # Errors
    /// [`Refusal::Unauthenticated`].
    pub(crate) fn sessions_end(&mut self) -> Result<Sealed<'tx, ()>, Error> {
        let user = self.user()?.ok_or(Refusal::Unauthenticated)?;
        let who = Who { user_id: Some(user.id), name: user.username };
        let mut event = log::draft(INSTALLATION_REGISTER, Kind::Login, "logout", who);
        event.request_id.clone_from(&self.cx.request_id);
        let change = Change::SessionsEnded { user_id: user.id, session_id: None, why: "logged out everywhere" };
        self.apply(event, 0, change)?;
        Ok(Sealed::new((), None))
    }

    /// Ends all sessions of a user whose right has ended. Called after the ending has committed, by the same actor.
    ///
    /// # Errors
    /// Those of the database and the log.
    pub(crate) fn sessions_die(&mut self, user_id: Uuid) -> Result<Sealed<'tx, ()>, Error> {
        let who = match self.user()? {
            Some(user) => Who { user_id: Some(user.id), name: user.username },
            None => Who { user_id: None, name: crate::domain::access::policy::INSTALLATION.to_owned() },
        };
        let mut event = log::draft(INSTALLATION_REGISTER, Kind::Login, "session.end", who);
        event.request_id.clone_from(&self.cx.request_id);
        self.apply(event, 0, Change::SessionsEnded { user_id, session_id: None, why: "a right has ended" })?;
        Ok(Sealed::new((), None))
    }
}
