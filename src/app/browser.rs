//! Sessions of browsers: opened by a login, kept by a cookie, over after a quarter of an hour without use and after a
//! working day in any case.
//!
//! The cookie is random and kept by digest. It stands for an ordinary session, so that whatever ends the sessions of a
//! user (a right that ends, a new password) ends these too.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::tokens::{Tokens, random_text};
use super::{ActContext, App, Caller, Error};
use crate::domain::refusal::Refusal;
use crate::store::Sealed;
use crate::store::acts::sessions::Keeping;
pub use crate::store::read::desk::{Browser, BrowserState};

/// How long a session lasts without use.
pub const IDLE: TimeDelta = TimeDelta::minutes(15);
/// How long it lasts at most.
pub const LONGEST: TimeDelta = TimeDelta::hours(8);
/// By how much the end of a session is moved at least, so that not every page writes.
const STEP: TimeDelta = TimeDelta::minutes(1);

impl App {
    /// Logs in with user name and password and opens a browser session: the value of its cookie.
    ///
    /// # Errors
    /// As [`App::login`].
    pub async fn browser_login(
        &self,
        request_id: Option<String>,
        username: &str,
        password: String,
    ) -> Result<String, Error> {
        let now = self.store.now();
        let cookie = random_text::<32>()?;
        let keeping = Keeping::Browser {
            digest: Tokens::digest(&cookie),
            csrf: random_text::<32>()?,
            idle_until: (now + IDLE).timestamp_micros(),
            ends_at: (now + LONGEST).timestamp_micros(),
        };
        self.open_session(request_id, username, password, keeping).await?;
        Ok(cookie)
    }

    /// The session of a cookie: none where it is unknown, has ended or its time is over. Using it keeps it open.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn browser(&self, cookie: &str) -> Result<Option<Browser>, Error> {
        self.browser_in_use(cookie, STEP).await
    }

    /// The same, at the user's word that they are still there: its end moves at once.
    ///
    /// # Errors
    /// As [`App::browser`].
    pub async fn browser_extend(&self, cookie: &str) -> Result<Option<Browser>, Error> {
        self.browser_in_use(cookie, TimeDelta::microseconds(1)).await
    }

    async fn browser_in_use(&self, cookie: &str, step: TimeDelta) -> Result<Option<Browser>, Error> {
        let now = self.store.now();
        let Some(mut browser) = self.open_browser(cookie, now).await? else {
            return Ok(None);
        };
        let until = (now + IDLE).min(browser.ends_at);
        if until - browser.idle_until >= step {
            let digest = Tokens::digest(cookie);
            let cx = ActContext::installation("browser");
            self.store.write(cx, move |tx| tx.browser_seen(&digest, until.timestamp_micros())).await?;
            browser.idle_until = until;
        }
        Ok(Some(browser))
    }

    /// Whose a cookie is, also when its session has just ended: to give back what they were writing.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn browser_owner(&self, cookie: &str) -> Result<Option<Uuid>, Error> {
        Ok(self.browser_of(cookie).await?.map(|(browser, _)| browser.user_id))
    }

    /// Keeps what a session is to keep.
    ///
    /// # Errors
    /// [`Refusal::Unauthenticated`] for one that is not open.
    pub async fn browser_state(&self, cookie: &str, state: BrowserState) -> Result<(), Error> {
        self.open_browser(cookie, self.store.now()).await?.ok_or(Refusal::Unauthenticated)?;
        let digest = Tokens::digest(cookie);
        let state = serde_json::to_string(&state).map_err(|e| Error::Malformed(e.to_string()))?;
        self.store.write(ActContext::installation("browser"), move |tx| tx.browser_keep(&digest, &state)).await?;
        self.facts.drop_all();
        Ok(())
    }

    /// Logs out: ends the session of a cookie, if it is open.
    ///
    /// # Errors
    /// Those of the database and the log.
    pub async fn browser_logout(&self, cookie: &str) -> Result<(), Error> {
        let Some((browser, true)) = self.browser_of(cookie).await? else {
            return Ok(());
        };
        let (user_id, session_id) = (browser.user_id, browser.session_id);
        let cx = ActContext { caller: Caller::Session { user_id, session_id }, ..ActContext::installation("browser") };
        self.logout(cx).await
    }

    /// Ends every session of the caller, those of other programs too.
    ///
    /// # Errors
    /// [`Refusal::Unauthenticated`].
    pub async fn logout_everywhere(&self, cx: ActContext) -> Result<(), Error> {
        self.store.write(cx, move |tx| tx.sessions_end()).await?;
        Ok(())
    }

    async fn open_browser(&self, cookie: &str, now: DateTime<Utc>) -> Result<Option<Browser>, Error> {
        let found = self.browser_of(cookie).await?;
        Ok(found.filter(|(b, open)| *open && now < b.idle_until && now < b.ends_at).map(|(b, _)| b))
    }

    async fn browser_of(&self, cookie: &str) -> Result<Option<(Browser, bool)>, Error> {
        let digest = Tokens::digest(cookie);
        let cx = ActContext::installation("browser");
        let found = self.store.disclose(cx, move |tx| Ok(Sealed::unlogged(tx.browser_of(&digest)?))).await?;
        Ok(found.into_inner())
    }
}
