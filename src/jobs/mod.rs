//! What the installation does by itself, each thing once for each due moment, on one node of however many there are.
//!
//! A job is a row of [`JOBS`]: a name, a schedule, and a function that does what is due *now*, whatever was missed
//! before. So a job that was away for days catches up with one run, and a run that is made twice does nothing the
//! second time. Jobs act as the installation under their own name (`installation:job:outbox`), by acts and policies
//! like everybody.
//!
//! Which node makes a run is decided in the database ([`crate::store::jobs`]). A node that dies leaves a lease that
//! runs out; a node that is stopped finishes the letter that it is sending, and no more.

mod backup;
mod confirmations;
mod deadlines;
mod desk;
mod outbox;
pub mod post;
mod retention;
mod rights;

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt as _;
use futures_util::future::{Either, join_all, select};
use tokio::sync::Notify;
use tokio::time::Instant;
use uuid::Uuid;

use crate::app::{App, Error};
use crate::domain::refusal::Refusal;
use crate::domain::schedule::{Plan, Schedule};
use crate::store;
use crate::store::jobs::{Claim, Ended};
use post::Post;

/// What a run gives: what it did, in a sentence without personal data.
pub type Running<'a> = Pin<Box<dyn Future<Output = Result<String, Error>> + 'a>>;

/// A job.
#[derive(Clone, Copy)]
pub struct Job {
    /// Name and schedule.
    pub plan: Plan,
    /// Does what is due. Must do no harm when it runs again.
    pub run: for<'a> fn(&'a Jobs, DateTime<Utc>) -> Running<'a>,
}

/// Every job. Whatever the installation is to do by itself gets a row here.
pub const JOBS: &[Job] = &[
    Job {
        plan: Plan {
            name: "outbox",
            does: "sends the letters whose time has come",
            schedule: Schedule::Every { minutes: 1 },
        },
        run: |jobs, _| Box::pin(outbox::run(jobs)),
    },
    Job {
        plan: Plan {
            name: "deadlines",
            does: "reminds of cases that fall due and of those that are overdue",
            schedule: Schedule::Every { minutes: 15 },
        },
        run: |jobs, _| Box::pin(deadlines::run(jobs)),
    },
    // Every hour and not at midnight: registers have days of their own.
    Job {
        plan: Plan {
            name: "leavers",
            does: "ends the rights and sessions of users whose employment has ended",
            schedule: Schedule::Every { minutes: 60 },
        },
        run: |jobs, _| Box::pin(rights::leavers(jobs)),
    },
    Job {
        plan: Plan {
            name: "recertification",
            does: "puts the list of rights in force up for confirmation on its days",
            schedule: Schedule::Every { minutes: 60 },
        },
        run: |jobs, _| Box::pin(rights::recertification(jobs)),
    },
    Job {
        plan: Plan {
            name: "confirmations",
            does: "reckons the duties to confirm and reminds of those that are due",
            schedule: Schedule::Every { minutes: 60 },
        },
        run: |jobs, _| Box::pin(confirmations::run(jobs)),
    },
    // Every hour and not daily: a copy that could not be made is made as soon as it can be.
    Job {
        plan: Plan {
            name: "backup",
            does: "makes and verifies the copy of the database that is due, removes those that no statute keeps",
            schedule: Schedule::Every { minutes: 60 },
        },
        run: |jobs, _| Box::pin(backup::run(jobs)),
    },
    // In the night: reckoning what is due reads every record.
    Job {
        plan: Plan {
            name: "retention",
            does: "proposes what has fallen due, goes on with erasures that were cut short",
            schedule: Schedule::DailyAt { hour: 3, minute: 30 },
        },
        run: |jobs, _| Box::pin(retention::run(jobs)),
    },
    Job {
        plan: Plan {
            name: "desks",
            does: "forgets drafts, searches and browser sessions whose time is over",
            schedule: Schedule::Every { minutes: 60 },
        },
        run: |jobs, _| Box::pin(desk::run(jobs)),
    },
];

/// The plans of every job.
pub fn plans() -> Vec<Plan> {
    JOBS.iter().map(|job| job.plan).collect()
}

/// How long a run may be silent before another node may take it over.
const LEASE: TimeDelta = TimeDelta::minutes(2);
/// How often a run shows that it lives.
const BEAT: Duration = Duration::from_secs(30);
/// For how many due moments runs are remembered.
const REMEMBERED: i32 = 10_000;

/// What became of a due moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Job.
    pub job: &'static str,
    /// Due moment.
    pub due: DateTime<Utc>,
    /// How it ended.
    pub ended: Ended,
    /// What was done, or why not.
    pub detail: String,
}

/// The jobs of one node.
pub struct Jobs {
    /// The acts.
    pub app: Arc<App>,
    /// The relay; without one letters wait.
    pub post: Option<Post>,
    table: Vec<Job>,
    node: String,
    stopping: AtomicBool,
    stopped: Notify,
}

impl Jobs {
    /// The jobs of a node that sends by `post`.
    pub fn new(app: Arc<App>, post: Option<Post>) -> Self {
        Self::over(app, post, JOBS.to_vec())
    }

    /// Other jobs than the usual ones.
    pub fn over(app: Arc<App>, post: Option<Post>, table: Vec<Job>) -> Self {
        let node = Uuid::now_v7().to_string();
        Self { app, post, table, node, stopping: AtomicBool::new(false), stopped: Notify::new() }
    }

    /// Makes every run that is due now and that no other node has taken on. Those that fail hinder no other.
    pub async fn tick(&self) -> Vec<Outcome> {
        let runs = join_all(self.table.iter().map(|job| self.if_due(job))).await;
        self.figures().await;
        runs.into_iter().flatten().collect()
    }

    /// Makes a run of the job called `name` now, whether or not one is due; nothing where another node is at it.
    ///
    /// # Errors
    /// [`Refusal::NotFound`]; those of the database.
    pub async fn run_now(&self, name: &str) -> Result<Option<Outcome>, Error> {
        let job = self.table.iter().find(|job| job.plan.name == name).ok_or(Refusal::NotFound { what: "job" })?;
        self.claimed(job, self.app.now()).await
    }

    /// Works until [`Jobs::stop`], looking every `wake` whether something is due. Each job goes its own way, so that a
    /// slow one delays no other.
    pub async fn work(self: Arc<Self>, wake: Duration) {
        metrics::describe_histogram!("andmekogu_job_seconds", "Time that a run of a job took");
        metrics::describe_counter!("andmekogu_job_failures_total", "Runs of jobs that failed");
        metrics::describe_gauge!("andmekogu_outbox", "Letters that wait or were given up, by register");
        metrics::describe_gauge!("andmekogu_cases_overdue", "Open cases whose time has run out, by register");
        let this: &Self = &self;
        let each = this.table.iter().map(|job| {
            this.until_stopped(wake, move || async move {
                this.if_due(job).await;
            })
        });
        let figures = this.until_stopped(wake, || this.figures());
        futures_util::future::join(join_all(each), figures).await;
    }

    async fn until_stopped<F: Future<Output = ()>>(&self, wake: Duration, mut work: impl FnMut() -> F) {
        loop {
            // Asked for before the look at the flag, so that no stop is missed.
            let mut stopped = Box::pin(self.stopped.notified());
            stopped.as_mut().enable();
            if self.is_stopping() {
                return;
            }
            work().await;
            select(Box::pin(tokio::time::sleep(wake)), stopped).await;
        }
    }

    /// Ends the work: runs under way come to their next good place to stop.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.stopped.notify_waiters();
    }

    /// Whether a run should come to an end.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    async fn if_due(&self, job: &Job) -> Option<Outcome> {
        let due = job.plan.schedule.latest(self.app.now(), self.app.zone());
        match self.claimed(job, due).await {
            Ok(outcome) => outcome,
            Err(e) => {
                log::error!(target: "andmekogu::jobs", "{}: the run cannot be taken on: {e}", job.plan.name);
                None
            }
        }
    }

    /// Makes the run of a due moment, if it is ours to make.
    async fn claimed(&self, job: &Job, due: DateTime<Utc>) -> Result<Option<Outcome>, Error> {
        let name = job.plan.name;
        let claim = Claim { job: name.to_owned(), due, node: self.node.clone() };
        let forget = due - job.plan.schedule.period() * REMEMBERED;
        if !self.app.store.job_claim(&claim, LEASE, forget).await? {
            return Ok(None);
        }
        let begun = Instant::now();
        let (ended, detail) = self.guarded(job, &claim).await;
        metrics::histogram!("andmekogu_job_seconds", "job" => name).record(begun.elapsed().as_secs_f64());
        let failures = metrics::counter!("andmekogu_job_failures_total", "job" => name);
        match ended {
            Ended::Failed => {
                failures.increment(1);
                log::error!(target: "andmekogu::jobs", "{name}: {detail}");
            }
            Ended::Done => {
                // So that the counter is there before the first failure.
                failures.increment(0);
                log::debug!(target: "andmekogu::jobs", "{name}: {detail}");
            }
        }
        self.app.store.job_finish(&claim, ended, &detail).await?;
        Ok(Some(Outcome { job: name, due, ended, detail }))
    }

    /// The run itself, with whatever goes wrong caught, and with signs of life while it lasts.
    async fn guarded(&self, job: &Job, claim: &Claim) -> (Ended, String) {
        let run = self.app.store.with_one_version((job.run)(self, claim.due));
        let work = AssertUnwindSafe(run).catch_unwind();
        match select(Box::pin(work), Box::pin(self.lost(claim))).await {
            Either::Left((Ok(Ok(detail)), _)) => (Ended::Done, detail),
            Either::Left((Ok(Err(e)), _)) => {
                log::warn!(target: "andmekogu::jobs", "{}: {e}", claim.job);
                (Ended::Failed, told(&e))
            }
            Either::Left((Err(_panic), _)) => (Ended::Failed, "a fault in the program; its log says where".to_owned()),
            Either::Right(_) => (Ended::Failed, "another node has taken the run over".to_owned()),
        }
    }

    /// Ends when the run is no longer ours.
    async fn lost(&self, claim: &Claim) {
        loop {
            tokio::time::sleep(BEAT).await;
            match self.app.store.job_renew(claim, LEASE).await {
                Ok(true) => {}
                Ok(false) => return,
                // Nobody else reaches the database either, or the next sign of life comes in time.
                Err(e) => log::warn!(target: "andmekogu::jobs", "{}: no sign of life: {e}", claim.job),
            }
        }
    }

    /// What `/metrics` says of letters and deadlines, on every node.
    async fn figures(&self) {
        let standing = match self.app.standing().await {
            Ok(standing) => standing,
            Err(e) => return log::warn!(target: "andmekogu::jobs", "the figures cannot be read: {e}"),
        };
        let gauge = |n: i64| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
        for s in standing {
            let register = s.register;
            metrics::gauge!("andmekogu_outbox", "register" => register.clone(), "state" => "queued")
                .set(gauge(s.queued));
            metrics::gauge!("andmekogu_outbox", "register" => register.clone(), "state" => "dead").set(gauge(s.dead));
            metrics::gauge!("andmekogu_cases_overdue", "register" => register).set(gauge(s.overdue));
        }
    }
}

/// Why a run failed, for those who may see the jobs: the cause itself is for the server's log.
fn told(error: &Error) -> String {
    match error {
        Error::Store(store::Error::Refused(Refusal::Forbidden { clause, detail })) => format!("{detail} ({clause})"),
        Error::Store(store::Error::Refused(refusal)) => refusal.to_string(),
        Error::Store(store::Error::Unavailable(_)) => "the database cannot be reached".to_owned(),
        Error::Store(store::Error::LogFailed(_)) => "the log cannot be written".to_owned(),
        Error::Store(store::Error::Damaged(what)) => format!("stored data are damaged: {what}"),
        // What is wrong with a copy names files, tables and keys, never anybody's data.
        Error::Backup(crate::backup::Error::Refused(what)) => what.clone(),
        Error::Backup(what @ crate::backup::Error::Damaged { .. }) => what.to_string(),
        _ => "it failed; the server's log says why".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_job_has_a_name_of_its_own_and_says_what_it_does() {
        let names: BTreeSet<&str> = JOBS.iter().map(|job| job.plan.name).collect();
        assert_eq!(names.len(), JOBS.len());
        for job in JOBS {
            assert!(job.plan.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{}", job.plan.name);
            assert!(!job.plan.does.is_empty());
        }
    }

    #[test]
    fn what_is_told_of_a_failure_holds_no_cause() {
        let error = Error::Store(store::Error::Unavailable("postgres://user:hush@host".into()));
        assert!(!told(&error).contains("hush"));
    }
}
