//! The jobs with their last runs, and what will fall due.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use diesel::dsl::max;
use diesel::prelude::*;
use serde::Serialize;
use uuid::Uuid;

use crate::domain::access::Action;
use crate::domain::calendar::{day_at, end_of_day, instant, micros, rfc3339};
use crate::domain::refusal::Refusal;
use crate::domain::schedule::Plan;
use crate::store::context::INSTALLATION_REGISTER;
use crate::store::error::Error;
use crate::store::facts;
use crate::store::guard::{JobList, Permit, Sealed};
use crate::store::schema::{case_file, job_run, leaver, outbox};
use crate::store::tx::{Tx, nothing};

/// Most items of a preview in each of its lists.
const PREVIEW: i64 = 500;

/// A job.
#[derive(Debug, Clone, Serialize)]
pub struct JobView {
    /// Name.
    pub name: String,
    /// What it does.
    pub does: String,
    /// When, in words.
    pub schedule: String,
    /// The run of the newest due moment that was taken on; `None` before the first.
    pub last_run: Option<RunView>,
    /// The next due moment; one that has passed waits for a node to take it on.
    pub next_due: String,
}

/// The jobs.
#[derive(Debug, Clone, Serialize)]
pub struct JobsView {
    /// All of them.
    pub items: Vec<JobView>,
}

/// A run of a job.
#[derive(Debug, Clone, Serialize)]
pub struct RunView {
    /// Due moment.
    pub due: String,
    /// When it began.
    pub started: String,
    /// When it ended; `None` while it runs.
    pub finished: Option<String>,
    /// How long it took.
    pub duration_ms: Option<i64>,
    /// `done` or `failed`; `None` while it runs.
    pub outcome: Option<String>,
    /// What was done, or why not, in a sentence.
    pub detail: Option<String>,
}

/// What will fall due in a register until a day.
#[derive(Debug, Clone, Serialize)]
pub struct PreviewView {
    /// Register.
    pub register: String,
    /// Open cases whose due day comes by then, at most 500, the earliest first.
    pub cases: Vec<DueCaseView>,
    /// Users whose rights must be ended by then, at most 500.
    pub leavers: Vec<DueLeaverView>,
    /// How many letters wait and will be tried by then.
    pub letters: i64,
}

/// A case that falls due.
#[derive(Debug, Clone, Serialize)]
pub struct DueCaseView {
    /// Id.
    pub id: Uuid,
    /// Kind.
    pub kind: String,
    /// Due day.
    pub due_on: String,
}

/// A user whose rights must be ended.
#[derive(Debug, Clone, Serialize)]
pub struct DueLeaverView {
    /// User.
    pub user_id: Uuid,
    /// The case about it.
    pub case_id: Uuid,
    /// Due day.
    pub due_on: String,
}

impl<'tx> Tx<'tx> {
    /// Leave to see the jobs: they serve all registers, so the right in any of them is enough.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] with the clause of the first register.
    pub fn authorize_jobs(&mut self) -> Result<Permit<'tx, JobList>, Error> {
        let names: Vec<String> = self.registers.names().map(str::to_owned).collect();
        let mut refused = None;
        for name in names {
            let register = self.register(&name)?;
            let actor = self.actor(&register)?;
            let purpose = self.cx.purpose.is_some();
            let ruling = actor.register(&register.policies, &register.definition, Action::JobList, None, purpose);
            if ruling.decision.permitted {
                return Ok(self.permit(register, ruling, nothing(), nothing(), None));
            }
            refused = refused.or_else(|| {
                let event = self.event(&register, Action::JobList, &actor, &ruling);
                Some((event, ruling.decision.clause))
            });
        }
        let Some((event, clause)) = refused else {
            return Err(Refusal::NotFound { what: "job" }.into());
        };
        let detail = "your role does not permit job.list in any register".to_owned();
        Err(self.refuse(event, Refusal::Forbidden { clause, detail }))
    }

    /// The jobs of `plans` with their last runs.
    ///
    /// # Errors
    /// Those of the database.
    pub fn job_list(
        &mut self,
        permit: Permit<'tx, JobList>,
        plans: &[Plan],
        zone: Tz,
    ) -> Result<Sealed<'tx, JobsView>, Error> {
        let items = self.jobs(plans, zone)?;
        let register = permit.register.clone();
        let actor = self.actor(&register)?;
        let event = self.event(&register, Action::JobList, &actor, &permit.ruling);
        Ok(Sealed::new(JobsView { items }, Some(event)))
    }

    /// The jobs themselves, about which nothing is personal: for whoever sits at the machine.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) fn jobs(&mut self, plans: &[Plan], zone: Tz) -> Result<Vec<JobView>, Error> {
        type Row = (String, i64, i64, Option<i64>, Option<String>, Option<String>);
        let names: Vec<&str> = plans.iter().map(|p| p.name).collect();
        let of_ours = || job_run::table.filter(job_run::register.eq(INSTALLATION_REGISTER));
        let newest: Vec<(String, Option<i64>)> = of_ours()
            .filter(job_run::job.eq_any(&names))
            .group_by(job_run::job)
            .select((job_run::job, max(job_run::due_at)))
            .load(self.conn)?;
        let newest: HashMap<String, i64> = newest.into_iter().filter_map(|(job, due)| Some((job, due?))).collect();
        // Jobs share due moments, so that some rows come that are not the newest of their job.
        let rows: Vec<Row> = of_ours()
            .filter(job_run::job.eq_any(&names))
            .filter(job_run::due_at.eq_any(newest.values()))
            .select((
                job_run::job,
                job_run::due_at,
                job_run::started_at,
                job_run::finished_at,
                job_run::outcome,
                job_run::detail,
            ))
            .load(self.conn)?;
        let mut runs: HashMap<String, (i64, RunView)> = rows
            .into_iter()
            .filter(|row| newest.get(&row.0) == Some(&row.1))
            .map(|(job, due, started, finished, outcome, detail)| {
                let view = RunView {
                    due: rfc3339(instant(due)),
                    started: rfc3339(instant(started)),
                    finished: finished.map(|at| rfc3339(instant(at))),
                    duration_ms: finished.map(|at| (at - started).max(0) / 1000),
                    outcome,
                    detail,
                };
                (job, (due, view))
            })
            .collect();
        let now = self.now;
        Ok(plans
            .iter()
            .map(|plan| {
                let last = runs.remove(plan.name);
                let latest = plan.schedule.latest(now, zone);
                let waits = last.as_ref().is_none_or(|(due, _)| *due < micros(latest));
                let next = if waits { latest } else { plan.schedule.next(now, zone) };
                JobView {
                    name: plan.name.to_owned(),
                    does: plan.does.to_owned(),
                    schedule: plan.schedule.words(),
                    last_run: last.map(|(_, run)| run),
                    next_due: rfc3339(next),
                }
            })
            .collect())
    }

    /// What will fall due until the end of `on`, by register: ids, kinds and days, nothing personal.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) fn jobs_preview(&mut self, on: NaiveDate) -> Result<Vec<PreviewView>, Error> {
        let names: Vec<String> = self.registers.names().map(str::to_owned).collect();
        names.into_iter().map(|name| self.preview_of(name, on)).collect()
    }

    fn preview_of(&mut self, name: String, on: NaiveDate) -> Result<PreviewView, Error> {
        let register = self.register(&name)?;
        let zone = register.definition.register.time_zone;
        let end = micros(end_of_day(on, zone).unwrap_or(DateTime::<Utc>::MAX_UTC));
        let cases: Vec<(String, String, Option<i64>)> = case_file::table
            .filter(case_file::register.eq(&name))
            .filter(case_file::closed_at.is_null())
            .filter(case_file::due_at.le(end))
            .order((case_file::due_at, case_file::id))
            .limit(PREVIEW)
            .select((case_file::id, case_file::kind, case_file::due_at))
            .load(self.conn)?;
        let leavers: Vec<(String, String, String)> = leaver::table
            .filter(leaver::register.eq(&name))
            .filter(leaver::due_on.le(on.to_string()))
            .order((leaver::due_on, leaver::user_id))
            .limit(PREVIEW)
            .select((leaver::user_id, leaver::case_id, leaver::due_on))
            .load(self.conn)?;
        let letters: i64 = outbox::table
            .filter(outbox::register.eq(&name))
            .filter(outbox::state.eq("queued"))
            .filter(outbox::next_at.lt(end))
            .count()
            .get_result(self.conn)?;
        let day_of = |due: i64| day_at(instant(due.saturating_sub(1)), zone).to_string();
        Ok(PreviewView {
            register: name,
            cases: cases
                .into_iter()
                .map(|(id, kind, due)| {
                    Ok(DueCaseView { id: facts::id(&id)?, kind, due_on: due.map(day_of).unwrap_or_default() })
                })
                .collect::<Result<_, Error>>()?,
            leavers: leavers
                .into_iter()
                .map(|(user, case, due_on)| {
                    Ok(DueLeaverView { user_id: facts::id(&user)?, case_id: facts::id(&case)?, due_on })
                })
                .collect::<Result<_, Error>>()?,
            letters,
        })
    }
}
