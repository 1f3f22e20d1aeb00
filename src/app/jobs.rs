//! The jobs as people see them, the letters that they send, and how users are reached.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use uuid::Uuid;

use super::{ActContext, App, Disclosed, Error};
use crate::domain::refusal::Refusal;
use crate::domain::schedule::Plan;
use crate::store::Sealed;
use crate::store::acts::letters::Tried;
use crate::store::guard::{CaseHandle, JobList};
use crate::store::read::jobs::{JobView, JobsView, PreviewView};
use crate::store::read::letters::{DueLetter, LetterView, Place, Reminder, Standing};
use crate::store::read::me::MeView;
use crate::store::read::records::Page;

/// The installation as the job `name`.
fn job(name: &str) -> ActContext {
    ActContext::installation(&format!("job:{name}"))
}

impl App {
    /// The time zone of the jobs' daily times: that of the first register, since a day is a day of the register's own.
    pub fn zone(&self) -> Tz {
        let registers = self.store.registers();
        let first = registers.names().next().and_then(|name| registers.versions(name).last().copied().cloned());
        first.map_or(Tz::UTC, |register| register.definition.register.time_zone)
    }

    /// The jobs with their last runs.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] for whoever may see them in no register.
    pub async fn list_jobs(&self, cx: ActContext, plans: Vec<Plan>) -> Result<Disclosed<JobsView>, Error> {
        let zone = self.zone();
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_jobs()?;
            tx.job_list(permit, &plans, zone)
        });
        Ok(act.await?)
    }

    /// The same at the machine itself.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn jobs_here(&self, plans: Vec<Plan>) -> Result<Vec<JobView>, Error> {
        let zone = self.zone();
        let act = self
            .store
            .disclose(ActContext::installation("cli"), move |tx| Ok(Sealed::unlogged(tx.jobs(&plans, zone)?)));
        Ok(act.await?.into_inner())
    }

    /// What will fall due until the end of `on`; changes nothing.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn preview_jobs(&self, on: NaiveDate) -> Result<Vec<PreviewView>, Error> {
        let cx = ActContext::installation("cli");
        let act = self.store.disclose(cx, move |tx| Ok(Sealed::unlogged(tx.jobs_preview(on)?)));
        Ok(act.await?.into_inner())
    }

    /// Letters of a register, newest first.
    ///
    /// # Errors
    /// Refusals with their clause; a cursor that is not ours.
    pub async fn list_letters(
        &self,
        cx: ActContext,
        register: String,
        state: Option<&'static str>,
        after: Option<Uuid>,
        limit: i64,
    ) -> Result<Disclosed<Page<LetterView>>, Error> {
        let act = self.store.disclose(cx, move |tx| {
            let permit = tx.authorize_register::<JobList>(&register, None)?;
            tx.letter_list(permit, state, after, limit)
        });
        Ok(act.await?)
    }

    /// Takes up a letter again that was given up.
    ///
    /// # Errors
    /// Refusals with their clause; [`Refusal::NotFound`]; [`Refusal::Conflict`] for one that was not given up.
    pub async fn retry_letter(
        &self,
        cx: ActContext,
        register: String,
        id: Uuid,
    ) -> Result<Disclosed<LetterView>, Error> {
        let act = self.store.write(cx, move |tx| {
            let permit = tx.authorize_register::<JobList>(&register, None)?;
            tx.letter_retry(permit, id)
        });
        Ok(act.await?)
    }

    /// Letters whose time has come.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn letters_due(&self, limit: i64) -> Result<Vec<DueLetter>, Error> {
        let act = self.store.disclose(job("outbox"), move |tx| Ok(Sealed::unlogged(tx.letters_due(limit)?)));
        Ok(act.await?.into_inner())
    }

    /// Notes what became of an attempt to send a letter; says whether it was still to be sent.
    ///
    /// # Errors
    /// Those of the database and the log.
    pub async fn letter_tried(&self, letter: &DueLetter, tried: Tried) -> Result<bool, Error> {
        let (register, id, attempts) = (letter.register.clone(), letter.id, letter.attempts);
        let act = self.store.write(job("outbox"), move |tx| tx.letter_tried(&register, id, attempts, &tried));
        Ok(act.await?.into_inner())
    }

    /// Cases of a register with a reminder that is due, from `after` on, and where to go on.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn reminders_due(
        &self,
        register: String,
        after: Option<Place>,
        limit: i64,
    ) -> Result<(Vec<Reminder>, Option<Place>), Error> {
        let act = self
            .store
            .disclose(job("deadlines"), move |tx| Ok(Sealed::unlogged(tx.reminders_due(&register, after, limit)?)));
        Ok(act.await?.into_inner())
    }

    /// Queues the reminder of a case that is due now; says how many letters that is.
    ///
    /// # Errors
    /// Refusals: the policies must permit `case.read` and `case.handle` to the installation.
    pub async fn remind(&self, register: String, case_id: Uuid) -> Result<usize, Error> {
        let act = self.store.write(job("deadlines"), move |tx| {
            let permit = tx.authorize_case::<CaseHandle>(&register, case_id)?;
            tx.case_remind(permit)
        });
        Ok(act.await?.into_inner())
    }

    /// What stands by in each register.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn standing(&self) -> Result<Vec<Standing>, Error> {
        let act = self.store.disclose(ActContext::installation("job"), |tx| Ok(Sealed::unlogged(tx.standing()?)));
        Ok(act.await?.into_inner())
    }

    /// Sets the caller's own e-mail address and language; what is `None` stays, and `Some(None)` takes it away.
    ///
    /// # Errors
    /// [`Refusal::Unauthenticated`]; [`Refusal::Invalid`] for what is no address or none of our languages.
    pub async fn reach_me(
        &self,
        cx: ActContext,
        email: Option<Option<String>>,
        language: Option<Option<String>>,
    ) -> Result<Disclosed<MeView>, Error> {
        let next = cx.clone();
        self.store.write(cx, move |tx| tx.user_reach(None, email.as_ref(), language.as_ref())).await?;
        self.me(next).await
    }

    /// Sets a user's e-mail address and language at the command line.
    ///
    /// # Errors
    /// As [`App::reach_me`]; [`Refusal::NotFound`].
    pub async fn reach_user(
        &self,
        user_id: Uuid,
        email: Option<String>,
        language: Option<String>,
    ) -> Result<(), Error> {
        let (email, language) = (email.map(Some), language.map(Some));
        let cx = ActContext::installation("cli");
        self.store.write(cx, move |tx| tx.user_reach(Some(user_id), email.as_ref(), language.as_ref())).await?;
        Ok(())
    }

    /// The instant by the application's clock.
    pub fn now(&self) -> DateTime<Utc> {
        self.store.now()
    }
}

/// Whether an act was refused (and would be again), and not merely hindered.
pub fn is_refused(error: &Error) -> bool {
    matches!(error, Error::Store(crate::store::Error::Refused(Refusal::Forbidden { .. } | Refusal::NotFound { .. })))
}
