//! Runs of jobs: one for each due moment, on one node, whoever comes first.
//!
//! What is written here is about the program only and stands outside the log, as leases do. What jobs *do* are acts,
//! and they are logged.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;

use super::Store;
use super::conn::AnyConn;
use super::context::INSTALLATION_REGISTER;
use super::error::Error;
use super::schema::{job_run, lease};
use crate::domain::calendar::micros;

/// A run that a node has taken on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Job.
    pub job: String,
    /// Due moment.
    pub due: DateTime<Utc>,
    /// Who makes it. No two claims have the same node at the same time.
    pub node: String,
}

impl Claim {
    fn lease_name(&self) -> String {
        format!("job:{}", self.job)
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It did what there was to do.
    Done,
    /// It could not.
    Failed,
}

impl Ended {
    /// The word in the store and in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

impl Store {
    /// Takes on the run of a due moment, for as long as `lease`. Says whether it is ours: it is not when somebody has
    /// made it or a later one already, or is making any run of the job. A run whose lease has run out without an end
    /// is taken over. Runs that were due before `forget` are forgotten.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn job_claim(&self, claim: &Claim, lease: TimeDelta, forget: DateTime<Utc>) -> Result<bool, Error> {
        let (claim, stamps, forget) = (claim.clone(), self.stamps.clone(), micros(forget));
        let run = move |conn: &mut AnyConn, traces: &mut super::writer::Traces| {
            let now = micros(stamps.now());
            let until = now.saturating_add(lease.num_microseconds().unwrap_or(0));
            traces.wrote = true;
            take(conn, &claim, now, until, forget)
        };
        self.submit(run).await
    }

    /// Makes the lease of a run longer. Says whether the run is still ours.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn job_renew(&self, claim: &Claim, lease: TimeDelta) -> Result<bool, Error> {
        let (claim, stamps) = (claim.clone(), self.stamps.clone());
        let run = move |conn: &mut AnyConn, traces: &mut super::writer::Traces| {
            let until = micros(stamps.now()).saturating_add(lease.num_microseconds().unwrap_or(0));
            traces.wrote = true;
            let held = hold(conn, &claim, until)?;
            let ours = diesel::update(job_run::table.find((INSTALLATION_REGISTER, &claim.job, micros(claim.due))))
                .filter(job_run::node.eq(&claim.node))
                .filter(job_run::finished_at.is_null())
                .set(job_run::lease_until.eq(until))
                .execute(conn)?;
            Ok(held && ours == 1)
        };
        self.submit(run).await
    }

    /// Notes how a run of ours ended, and gives the job free.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn job_finish(&self, claim: &Claim, ended: Ended, detail: &str) -> Result<(), Error> {
        let (claim, stamps, detail) = (claim.clone(), self.stamps.clone(), detail.to_owned());
        let run = move |conn: &mut AnyConn, traces: &mut super::writer::Traces| {
            traces.wrote = true;
            let now = micros(stamps.now());
            diesel::update(job_run::table.find((INSTALLATION_REGISTER, &claim.job, micros(claim.due))))
                .filter(job_run::node.eq(&claim.node))
                .filter(job_run::finished_at.is_null())
                .set((job_run::finished_at.eq(now), job_run::outcome.eq(ended.as_str()), job_run::detail.eq(&detail)))
                .execute(conn)?;
            hold(conn, &claim, 0)?;
            Ok(())
        };
        self.submit(run).await
    }
}

/// Sets the end of a lease that the claim's node holds; says whether it holds it.
fn hold(conn: &mut AnyConn, claim: &Claim, until: i64) -> Result<bool, Error> {
    let held = diesel::update(lease::table.find((INSTALLATION_REGISTER, claim.lease_name())))
        .filter(lease::holder.eq(&claim.node))
        .set(lease::until_at.eq(until))
        .execute(conn)?;
    Ok(held == 1)
}

fn take(conn: &mut AnyConn, claim: &Claim, now: i64, until: i64, forget: i64) -> Result<bool, Error> {
    let due = micros(claim.due);
    let of_job = || {
        job_run::table.filter(job_run::register.eq(INSTALLATION_REGISTER)).filter(job_run::job.eq(claim.job.clone()))
    };
    let is_taken = |conn: &mut AnyConn| -> Result<bool, Error> {
        let newest: Option<(i64, Option<i64>, i64)> = of_job()
            .filter(job_run::due_at.ge(due))
            .order(job_run::due_at.desc())
            .select((job_run::due_at, job_run::finished_at, job_run::lease_until))
            .first(conn)
            .optional()?;
        Ok(newest.is_some_and(|(at, finished, lease)| at > due || finished.is_some() || lease > now))
    };
    // A look before anything is locked: most claims of most nodes end here.
    if is_taken(conn)? {
        return Ok(false);
    }
    // The lease: its row decides between nodes that come at once, whichever moments they come for.
    let row = (
        lease::register.eq(INSTALLATION_REGISTER),
        lease::name.eq(claim.lease_name()),
        lease::holder.eq(&claim.node),
        lease::until_at.eq(0),
    );
    on_conn!(conn, c => diesel::insert_into(lease::table).values(row).on_conflict_do_nothing().execute(c))?;
    let held = diesel::update(lease::table.find((INSTALLATION_REGISTER, claim.lease_name())))
        .filter(lease::until_at.le(now))
        .set((lease::holder.eq(&claim.node), lease::until_at.eq(until)))
        .execute(conn)?;
    if held == 0 {
        return Ok(false);
    }
    // Whoever had the lease a moment ago may have made the run.
    if is_taken(conn)? {
        hold(conn, claim, 0)?;
        return Ok(false);
    }
    let row = (
        job_run::register.eq(INSTALLATION_REGISTER),
        job_run::job.eq(&claim.job),
        job_run::due_at.eq(due),
        job_run::node.eq(&claim.node),
        job_run::started_at.eq(now),
        job_run::lease_until.eq(until),
    );
    let mut ours =
        on_conn!(conn, c => diesel::insert_into(job_run::table).values(row).on_conflict_do_nothing().execute(c))?;
    if ours == 0 {
        ours = diesel::update(job_run::table.find((INSTALLATION_REGISTER, &claim.job, due)))
            .filter(job_run::finished_at.is_null())
            .filter(job_run::lease_until.le(now))
            .set((job_run::node.eq(&claim.node), job_run::started_at.eq(now), job_run::lease_until.eq(until)))
            .execute(conn)?;
    }
    if ours == 0 {
        hold(conn, claim, 0)?;
        return Ok(false);
    }
    // Whoever had an earlier run has stopped in the middle of it: its lease has run out, or we should not be here.
    diesel::update(of_job().filter(job_run::due_at.lt(due)).filter(job_run::finished_at.is_null()))
        .set((
            job_run::finished_at.eq(now),
            job_run::outcome.eq(Ended::Failed.as_str()),
            job_run::detail.eq("the node stopped before the end"),
        ))
        .execute(conn)?;
    diesel::delete(of_job().filter(job_run::due_at.lt(forget))).execute(conn)?;
    Ok(true)
}
