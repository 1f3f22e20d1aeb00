//! What becomes of letters: sent, to be tried again, given up, taken up again; and reminders of deadlines.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use crate::domain::access::Action;
use crate::domain::access::policy::INSTALLATION;
use crate::domain::audit::Kind;
use crate::domain::audit::event::Who;
use crate::domain::calendar::micros;
use crate::domain::case::{Stage, reminded};
use crate::domain::refusal::Refusal;
use crate::store::change::{Change, LetterWrite};
use crate::store::context::{Caller, INSTALLATION_REGISTER};
use crate::store::error::Error;
use crate::store::guard::{CaseHandle, JobList, Permit, Sealed};
use crate::store::log;
use crate::store::read::letters::LetterView;
use crate::store::schema::{app_user, outbox};
use crate::store::write::WriteTx;

/// What became of an attempt to send a letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tried {
    /// The relay took it over.
    Sent,
    /// It is tried again at this instant.
    Again {
        /// When.
        at: DateTime<Utc>,
        /// What went wrong, without addresses.
        fault: String,
    },
    /// It is given up.
    Dead {
        /// What went wrong, without addresses.
        fault: String,
    },
}

impl<'tx> WriteTx<'tx> {
    /// Notes what became of an attempt. `attempts` is how many there had been before: where there have been others
    /// since, nothing is noted.
    ///
    /// # Errors
    /// Those of the database and the log.
    pub(crate) fn letter_tried(
        &mut self,
        register: &str,
        id: Uuid,
        attempts: i64,
        tried: &Tried,
    ) -> Result<Sealed<'tx, bool>, Error> {
        let query = outbox::table.find((register, id.to_string())).select((outbox::state, outbox::attempts));
        let row: Option<(String, i64)> = match &mut *self.conn {
            crate::store::conn::AnyConn::Pg(c) => query.for_update().first(c).optional()?,
            crate::store::conn::AnyConn::Sqlite(c) => query.first(c).optional()?,
        };
        if row.is_none_or(|(state, known)| state != "queued" || known != attempts) {
            return Ok(Sealed::new(false, None));
        }
        let (state, next_at, fault) = match tried {
            Tried::Sent => ("sent", micros(self.now), None),
            Tried::Again { at, fault } => ("queued", micros(*at), Some(fault.clone())),
            Tried::Dead { fault } => ("dead", micros(self.now), Some(fault.clone())),
        };
        let event = log::draft(register, Kind::Job, "letter.send", self.worker());
        self.apply(event, 0, Change::LetterTried { id, state, attempts: attempts + 1, next_at, fault })?;
        Ok(Sealed::new(true, None))
    }

    /// Who acts where nobody but the installation does.
    pub(super) fn worker(&self) -> Who {
        let name = match &self.cx.caller {
            Caller::Installation { name } => format!("{INSTALLATION}:{name}"),
            Caller::Session { .. } | Caller::User { .. } => INSTALLATION.to_owned(),
        };
        Who { user_id: None, name }
    }

    /// Takes up a letter again that was given up.
    ///
    /// # Errors
    /// [`Refusal::NotFound`]; [`Refusal::Conflict`] for one that was not given up.
    pub fn letter_retry(&mut self, permit: Permit<'tx, JobList>, id: Uuid) -> Result<Sealed<'tx, LetterView>, Error> {
        let register = permit.register.clone();
        let letter = self.letter_view(register.name(), id)?.ok_or(Refusal::NotFound { what: "letter" })?;
        if letter.state != "dead" {
            let detail = format!("only a letter that was given up is taken up again; this one is {}", letter.state);
            return Err(Refusal::Conflict { code: "not_dead", detail, clause: None }.into());
        }
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::JobList, &actor, &permit.ruling);
        event.kind = Kind::Job;
        "letter.retry".clone_into(&mut event.action);
        let next_at = micros(self.now);
        self.apply(event, 0, Change::LetterTried { id, state: "queued", attempts: 0, next_at, fault: None })?;
        let letter = self.letter_view(register.name(), id)?.ok_or(Refusal::NotFound { what: "letter" })?;
        Ok(Sealed::new(letter, None))
    }

    /// Queues the reminder of a case that is due now, to whoever has not been reminded; says how many letters that is.
    ///
    /// # Errors
    /// Those of the database and the log.
    pub fn case_remind(&mut self, permit: Permit<'tx, CaseHandle>) -> Result<Sealed<'tx, usize>, Error> {
        let register = permit.register.clone();
        let case = permit.case().cloned().ok_or(Refusal::NotFound { what: "case" })?;
        let kind = register.case_kind(&case.kind).ok_or(Refusal::NotFound { what: "case" })?;
        let Some(stage) = Stage::of(&register, kind, &case, self.now) else {
            return Ok(Sealed::new(0, None));
        };
        let keys: Vec<(&str, String)> = reminded(kind).into_iter().map(|w| (w, stage.key(&case, w))).collect();
        let queued: Vec<Option<String>> = outbox::table
            .filter(outbox::register.eq(register.name()))
            .filter(outbox::stage.eq_any(keys.iter().map(|(_, key)| key)))
            .select(outbox::stage)
            .load(self.conn)?;
        let mut letters: Vec<LetterWrite> = Vec::new();
        for (whom, key) in keys {
            if queued.iter().flatten().any(|known| *known == key) {
                continue;
            }
            if let Some(letter) = self.letter_to(&register, kind, &case, whom, stage.letter())? {
                letters.push(LetterWrite { stage: Some(key), ..letter });
            }
        }
        let count = letters.len();
        if count > 0 {
            let actor = self.actor(&register)?;
            let mut event = self.case_event(&register, Action::CaseHandle, &actor, &permit.ruling, kind, Some(&case));
            event.kind = Kind::Job;
            "case.remind".clone_into(&mut event.action);
            event.clause = Some(case.deadline.as_ref().map_or(&kind.clause, |d| &d.clause).0.clone());
            self.apply(event, 0, Change::LettersQueued { case_id: case.id, letters })?;
        }
        Ok(Sealed::new(count, None))
    }

    /// Sets a user's e-mail address and language; what is `None` stays. At the command line for anybody, otherwise for
    /// oneself.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for what is no address or none of our languages.
    pub(crate) fn user_reach(
        &mut self,
        user_id: Option<Uuid>,
        email: Option<&Option<String>>,
        language: Option<&Option<String>>,
    ) -> Result<Sealed<'tx, ()>, Error> {
        let own = self.user()?;
        let user_id = match &own {
            Some(user) => user.id,
            None => user_id.ok_or(Refusal::Unauthenticated)?,
        };
        let known: Option<(Option<String>, Option<String>)> = app_user::table
            .find((INSTALLATION_REGISTER, user_id.to_string()))
            .select((app_user::email, app_user::language))
            .first(self.conn)
            .optional()?;
        let (known_email, known_language) = known.ok_or(Refusal::NotFound { what: "user" })?;
        let email = email.map_or(known_email, |e| e.as_deref().map(|e| e.trim().to_owned()));
        let language = language.cloned().unwrap_or(known_language);
        let mut faults = Vec::new();
        let mut fault = |pointer: &str, code, detail: &str| {
            faults.push(crate::domain::record::validate::Violation::error(pointer, code, detail, None));
        };
        if email.as_deref().is_some_and(|e| !crate::domain::identity::contact::is_email(e)) {
            fault("/email", "email", "an e-mail address is expected, as mari@example.ee");
        }
        if language.as_deref().is_some_and(|l| !["et", "en", "fi", "sv"].contains(&l)) {
            fault("/language", "not_in_codelist", "one of these is expected: et, en, fi, sv");
        }
        if !faults.is_empty() {
            return Err(Refusal::Invalid(faults).into());
        }
        let who = own.map_or_else(|| self.worker(), |u| Who { user_id: Some(u.id), name: u.username });
        let mut event = log::draft(INSTALLATION_REGISTER, Kind::Config, "user.reach", who);
        event.request_id.clone_from(&self.cx.request_id);
        self.apply(event, 0, Change::UserReached { user_id, email, language })?;
        Ok(Sealed::new((), None))
    }
}
