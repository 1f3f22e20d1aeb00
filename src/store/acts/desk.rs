//! A user's own desk: drafts, searches, settings, and how long their browser session lasts.
//!
//! These write without an entry in the log. They assert nothing about anybody in a register, nobody but their user ever
//! sees them, and they come every few seconds: an entry for each would bury those that matter. What is finally sent is
//! an act with its entry, and logging in and out are acts too.

use chrono::TimeDelta;
use diesel::prelude::*;
use uuid::Uuid;

use crate::domain::calendar::micros;
use crate::domain::refusal::Refusal;
use crate::store::context::INSTALLATION_REGISTER;
use crate::store::error::Error;
use crate::store::guard::Sealed;
use crate::store::schema::{browser_session, draft, pending_upload, saved_search, user_setting};
use crate::store::write::WriteTx;

/// How long a draft is kept.
const DRAFT_DAYS: i64 = 30;
/// Drafts of a user in a register.
const MOST_DRAFTS: i64 = 100;
/// How long a search without a name is kept.
const SEARCH_HOURS: i64 = 24;
/// Searches of a user in a register, of those with a name and of those without.
const MOST_SEARCHES: i64 = 100;
/// For how long after its end it is known whose a browser session was.
const REMEMBERED_HOURS: i64 = 24;

/// How many of each were forgotten because their time was over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Drafts.
    pub drafts: usize,
    /// Searches.
    pub searches: usize,
    /// Browser sessions.
    pub sessions: usize,
    /// Sheets that nobody took in.
    pub uploads: usize,
}

impl<'tx> WriteTx<'tx> {
    /// Moves the end of a browser session that is in use.
    pub(crate) fn browser_seen(&mut self, digest: &str, idle_until: i64) -> Result<Sealed<'tx, ()>, Error> {
        self.wrote = true;
        let now = micros(self.now);
        diesel::update(browser_session::table.find((INSTALLATION_REGISTER, digest)))
            .set((browser_session::seen_at.eq(now), browser_session::idle_until.eq(idle_until)))
            .execute(self.conn)?;
        Ok(Sealed::unlogged(()))
    }

    /// Keeps what a browser session is to keep.
    pub(crate) fn browser_keep(&mut self, digest: &str, state: &str) -> Result<Sealed<'tx, ()>, Error> {
        self.wrote = true;
        diesel::update(browser_session::table.find((INSTALLATION_REGISTER, digest)))
            .set(browser_session::state.eq(state))
            .execute(self.conn)?;
        Ok(Sealed::unlogged(()))
    }

    /// Keeps the caller's settings.
    pub(crate) fn settings_save(&mut self, body: &str) -> Result<Sealed<'tx, ()>, Error> {
        let user = self.user()?.ok_or(Refusal::Unauthenticated)?;
        self.wrote = true;
        let row = (
            user_setting::register.eq(INSTALLATION_REGISTER),
            user_setting::user_id.eq(user.id.to_string()),
            user_setting::body.eq(body),
            user_setting::saved_at.eq(micros(self.now)),
        );
        let update = (user_setting::body.eq(body), user_setting::saved_at.eq(micros(self.now)));
        on_conn!(&mut *self.tx.conn, c => diesel::insert_into(user_setting::table).values(row)
            .on_conflict((user_setting::register, user_setting::user_id)).do_update().set(update).execute(c))?;
        Ok(Sealed::unlogged(()))
    }

    /// Keeps what the caller has typed so far; when it was kept comes back, in microseconds.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] for one draft too many.
    pub(crate) fn draft_save(&mut self, register: &str, form_key: &str, body: &str) -> Result<Sealed<'tx, i64>, Error> {
        let register = self.register(register)?;
        let (user, as_subject) = self.desk_user(&register)?;
        let (user, id) = (user.to_string(), self.new_id()?.to_string());
        let now = micros(self.now);
        let ends = micros(self.now + TimeDelta::days(DRAFT_DAYS));
        let others: i64 = draft::table
            .filter(draft::register.eq(register.name()))
            .filter(draft::user_id.eq(&user))
            .filter(draft::form_key.ne(form_key))
            .count()
            .get_result(self.conn)?;
        if others >= MOST_DRAFTS {
            let detail = format!("{MOST_DRAFTS} drafts are kept already; finish or discard one");
            return Err(Refusal::Conflict { code: "too_many_drafts", detail, clause: None }.into());
        }
        self.wrote = true;
        let row = (
            draft::register.eq(register.name()),
            draft::id.eq(&id),
            draft::user_id.eq(&user),
            draft::form_key.eq(form_key),
            draft::body.eq(body),
            draft::as_subject.eq(i64::from(as_subject)),
            draft::saved_at.eq(now),
            draft::expires_at.eq(ends),
        );
        let update = (
            draft::body.eq(body),
            draft::as_subject.eq(i64::from(as_subject)),
            draft::saved_at.eq(now),
            draft::expires_at.eq(ends),
        );
        on_conn!(&mut *self.tx.conn, c => diesel::insert_into(draft::table).values(row)
            .on_conflict((draft::register, draft::user_id, draft::form_key)).do_update().set(update).execute(c))?;
        Ok(Sealed::unlogged(now))
    }

    /// Forgets a draft of the caller's, whether there is one or not.
    pub(crate) fn draft_drop(&mut self, register: &str, form_key: &str) -> Result<Sealed<'tx, ()>, Error> {
        let user = self.user()?.ok_or(Refusal::Unauthenticated)?;
        self.wrote = true;
        diesel::delete(
            draft::table
                .filter(draft::register.eq(register))
                .filter(draft::user_id.eq(user.id.to_string()))
                .filter(draft::form_key.eq(form_key)),
        )
        .execute(self.conn)?;
        Ok(Sealed::unlogged(()))
    }

    /// Keeps a search: under a name, which it then has alone, or for a day.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] for one search too many.
    pub(crate) fn search_save(
        &mut self,
        register: &str,
        record_type: Option<&str>,
        name: Option<&str>,
        query: &str,
    ) -> Result<Sealed<'tx, Uuid>, Error> {
        let register = self.register(register)?;
        let user = self.searcher(&register)?.to_string();
        let id = self.new_id()?;
        let kind = record_type.unwrap_or_default();
        let own = || {
            saved_search::table
                .filter(saved_search::register.eq(register.name().to_owned()))
                .filter(saved_search::user_id.eq(user.clone()))
        };
        self.wrote = true;
        if let Some(name) = name {
            let same = own().filter(saved_search::record_type.eq(kind)).filter(saved_search::name.eq(name));
            diesel::delete(same).execute(self.conn)?;
            let named: i64 = own().filter(saved_search::name.is_not_null()).count().get_result(self.conn)?;
            if named >= MOST_SEARCHES {
                let detail = format!("{MOST_SEARCHES} searches are kept already; forget one");
                return Err(Refusal::Conflict { code: "too_many_searches", detail, clause: None }.into());
            }
        } else {
            // Those that nobody can come back to any more make room.
            let older: Vec<String> = own()
                .filter(saved_search::name.is_null())
                .order(saved_search::id.desc())
                .offset(MOST_SEARCHES - 1)
                .limit(MOST_SEARCHES)
                .select(saved_search::id)
                .load(self.conn)?;
            if !older.is_empty() {
                diesel::delete(own().filter(saved_search::id.eq_any(older))).execute(self.conn)?;
            }
        }
        let ends = name.is_none().then(|| micros(self.now + TimeDelta::hours(SEARCH_HOURS)));
        diesel::insert_into(saved_search::table)
            .values((
                saved_search::register.eq(register.name()),
                saved_search::id.eq(id.to_string()),
                saved_search::user_id.eq(&user),
                saved_search::record_type.eq(kind),
                saved_search::name.eq(name),
                saved_search::query.eq(query),
                saved_search::saved_at.eq(micros(self.now)),
                saved_search::expires_at.eq(ends),
            ))
            .execute(self.conn)?;
        Ok(Sealed::unlogged(id))
    }

    /// Forgets a search of the caller's.
    pub(crate) fn search_forget(&mut self, register: &str, id: Uuid) -> Result<Sealed<'tx, ()>, Error> {
        let user = self.user()?.ok_or(Refusal::Unauthenticated)?;
        self.wrote = true;
        diesel::delete(
            saved_search::table
                .filter(saved_search::register.eq(register))
                .filter(saved_search::id.eq(id.to_string()))
                .filter(saved_search::user_id.eq(user.id.to_string())),
        )
        .execute(self.conn)?;
        Ok(Sealed::unlogged(()))
    }

    /// Forgets drafts, searches, sheets and browser sessions whose time is over, in every register.
    pub(crate) fn desk_forget(&mut self) -> Result<Sealed<'tx, Forgotten>, Error> {
        self.wrote = true;
        let now = micros(self.now);
        let names: Vec<String> = self.registers.names().map(str::to_owned).collect();
        let drafts =
            diesel::delete(draft::table.filter(draft::register.eq_any(&names)).filter(draft::expires_at.le(now)))
                .execute(self.conn)?;
        let searches = diesel::delete(
            saved_search::table.filter(saved_search::register.eq_any(&names)).filter(saved_search::expires_at.le(now)),
        )
        .execute(self.conn)?;
        let sessions = diesel::delete(
            browser_session::table
                .filter(browser_session::register.eq(INSTALLATION_REGISTER))
                .filter(browser_session::idle_until.le(micros(self.now - TimeDelta::hours(REMEMBERED_HOURS)))),
        )
        .execute(self.conn)?;
        let uploads = diesel::delete(
            pending_upload::table
                .filter(pending_upload::register.eq_any(&names))
                .filter(pending_upload::expires_at.le(now)),
        )
        .execute(self.conn)?;
        Ok(Sealed::unlogged(Forgotten { drafts, searches, sessions, uploads }))
    }
}
