//! Copies of the database: made, thinned out, watched over. What is done with them stands in the log of the installation.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::json;

use super::{ActContext, App, Error};
use crate::backup::create::{Made, create};
use crate::backup::folder::{Entry, Thinning};
use crate::backup::{self, Place};
use crate::domain::backup::Calendar;
use crate::domain::calendar::rfc3339;
use crate::domain::schedule::Schedule;

/// After how long a day's copy that was not found to be right is made once more.
const AGAIN: TimeDelta = TimeDelta::hours(6);

/// How the copies are, as everybody may know it: nothing about anybody.
#[derive(Debug, Clone, Serialize)]
pub struct BackupHealth {
    /// Whether recipients are set, so that copies are made.
    pub configured: bool,
    /// When the newest whole copy was made.
    pub last_ok: Option<DateTime<Utc>>,
    /// When the newest copy that was verified was made.
    pub last_verified: Option<DateTime<Utc>>,
    /// Age of the newest copy that was verified.
    pub age_seconds: Option<i64>,
    /// When the next is due.
    pub next_at: Option<DateTime<Utc>>,
    /// How many there are.
    pub copies: usize,
    /// Files that are called copies and are none.
    pub damaged: usize,
    /// Whether the newest copy that was verified is a quarter older than any statute permits.
    pub overdue: bool,
}

fn newest(copies: &[Entry], verified: bool) -> Option<DateTime<Utc>> {
    copies.iter().filter(|c| !verified || c.verified_at.is_some()).map(|c| c.manifest.made_at).max()
}

impl App {
    fn backups(&self) -> Result<&Arc<Place>, Error> {
        let lacks = || Error::Setup("copies are not set up: see [backup] in docs/configuration.md".to_owned());
        self.backup.get().ok_or_else(lacks)
    }

    /// The calendar of every register's backup rule.
    pub fn backup_calendar(&self) -> Calendar {
        let registers = self.store.registers();
        let newest = registers.names().filter_map(|name| registers.versions(name).last().copied());
        let rules: Vec<_> = newest.filter_map(|register| register.definition.register.backup.clone()).collect();
        Calendar::new(&rules)
    }

    /// Makes a copy and verifies it.
    ///
    /// # Errors
    /// [`backup::Error`]; those of the log.
    pub async fn create_backup(&self, cx: ActContext) -> Result<Made, Error> {
        let place = self.backups()?.clone();
        let (url, now) = (self.store.url().clone(), self.now());
        let made = tokio::task::spawn_blocking(move || create(&place, &url, now)).await;
        let made = made.map_err(|e| Error::Setup(e.to_string()))??;
        let detail = json!({
            "copy": made.name,
            "made_at": rfc3339(now),
            "manifest_sha256": made.digest,
            "bytes": made.bytes,
            "rows": made.report.rows,
        });
        self.store.write(cx, move |tx| tx.backup_noted("backup.create", &detail)).await?;
        Ok(made)
    }

    /// Removes the copies that no rule keeps, each after the log says so and why; with `dry_run` only says which.
    ///
    /// # Errors
    /// [`backup::Error`]; those of the log.
    pub async fn prune_backups(&self, cx: ActContext, clock_is_right: bool, dry_run: bool) -> Result<Thinning, Error> {
        let place = self.backups()?.clone();
        let now = self.now();
        let thinning = place.thin_out(&self.backup_calendar(), now, self.zone(), clock_is_right)?;
        if dry_run || thinning.obstacle.is_some() {
            return Ok(thinning);
        }
        for judged in thinning.copies.iter().filter(|c| !c.keeps) {
            let detail = json!({ "copy": judged.name, "reason": judged.reason.to_string() });
            self.store.write(cx.clone(), move |tx| tx.backup_noted("backup.delete", &detail)).await?;
            place.remove(&judged.name)?;
        }
        if let Some(newest) = newest(&place.list()?.copies, false) {
            place.settle(newest)?;
        }
        Ok(thinning)
    }

    /// Holds a copy for the reason given, so that nothing removes it, or lets it go again.
    ///
    /// # Errors
    /// No such copy; those of the log.
    pub async fn hold_backup(&self, cx: ActContext, name: &str, why: &str, held: bool) -> Result<(), Error> {
        backup::folder::hold(self.backups()?.as_ref(), name, held.then_some(why))?;
        let action = if held { "backup.hold" } else { "backup.release" };
        let detail = json!({ "copy": name, "reason": why });
        self.store.write(cx, move |tx| tx.backup_noted(action, &detail)).await?;
        Ok(())
    }

    /// How the copies are.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn backup_health(&self) -> Result<BackupHealth, Error> {
        let Some(place) = self.backup.get() else {
            return Ok(BackupHealth {
                configured: false,
                last_ok: None,
                last_verified: None,
                age_seconds: None,
                next_at: None,
                copies: 0,
                damaged: 0,
                overdue: true,
            });
        };
        let listing = place.list()?;
        let (now, calendar) = (self.now(), self.backup_calendar());
        let (last_ok, last_verified) = (newest(&listing.copies, false), newest(&listing.copies, true));
        let age = last_verified.map(|at| now - at);
        let configured = !place.recipients.is_empty();
        Ok(BackupHealth {
            configured,
            last_ok,
            last_verified,
            age_seconds: age.map(|age| age.num_seconds()),
            next_at: configured.then(|| self.next_backup(place, &calendar, last_ok, now)),
            copies: listing.copies.len(),
            damaged: listing.damaged.len(),
            overdue: age.is_none_or(|age| age > calendar.overdue_after()),
        })
    }

    /// A copy belongs to a day; where a statute wants more than one a day, they follow the newest.
    fn next_backup(
        &self,
        place: &Place,
        calendar: &Calendar,
        last: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> DateTime<Utc> {
        let hours = i64::from(calendar.every_hours());
        let daily = Schedule::DailyAt { hour: place.hour, minute: 0 };
        match last {
            None => daily.latest(now, self.zone()),
            Some(last) if hours < 24 => last + TimeDelta::hours(hours),
            // Half a day early rather than a day late.
            Some(last) if hours > 24 => daily.next(last + TimeDelta::hours(hours - 12), self.zone()),
            Some(last) => daily.next(last, self.zone()),
        }
    }

    /// Whether copies are made at all.
    pub fn makes_backups(&self) -> bool {
        self.backup.get().is_some_and(|place| !place.recipients.is_empty())
    }

    /// Whether a copy is due: the next one is, or the newest was not found to be right some hours ago.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn backup_due(&self) -> Result<bool, Error> {
        let place = self.backups()?;
        let copies = place.list()?.copies;
        let (now, last) = (self.now(), newest(&copies, false));
        if self.next_backup(place, &self.backup_calendar(), last, now) <= now {
            return Ok(true);
        }
        Ok(newest(&copies, true) < last && last.is_some_and(|last| now - last >= AGAIN))
    }

    /// Tells the controllers that the newest good copy is too old; once a day. Says how many letters that is.
    ///
    /// # Errors
    /// Those of the database and the log.
    pub async fn alarm_of_backup(&self, cx: &ActContext) -> Result<usize, Error> {
        // A folder that cannot be read has no copies as far as anybody can tell.
        let last = match self.backup_health() {
            Ok(health) if !health.overdue => return Ok(0),
            Ok(health) => health.last_verified,
            Err(e) => {
                log::error!("the copies cannot be listed: {e}");
                None
            }
        };
        let registers = self.store.registers();
        let mut letters = 0;
        for name in registers.names() {
            let Some(register) = registers.versions(name).last().map(|r| (*r).clone()) else {
                continue;
            };
            let today = register.day(self.now());
            let act = self.store.write(cx.clone(), move |tx| tx.backup_alarm(&register, last, today));
            letters += act.await?.into_inner();
        }
        Ok(letters)
    }
}
