//! `andmekogu serve`: the registers on the web.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::demo;
use super::failure::Failure;
use super::out;
use super::reload::Reloading;
use super::start::Installation;
use crate::config::Settings;
use crate::jobs::Jobs;
use crate::web;

/// How often the token keys are looked at again.
const KEYS_EVERY: Duration = Duration::from_secs(30);

/// Serve the registers.
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Fictitious people, on this machine only
    #[arg(long)]
    pub demo: bool,
}

impl Serve {
    /// Serves until the process is told to stop.
    pub(super) async fn run(self, settings: &Settings) -> Result<ExitCode, Failure> {
        let installation = Installation::new(settings, self.demo);
        let (app, seeded) = if self.demo {
            let (app, seeded) = demo::prepare(&installation).await?;
            (app, Some(seeded))
        } else {
            (installation.start().await?, None)
        };
        let keys = actix_web::rt::spawn(installation.clone().follow_keys(app.clone(), KEYS_EVERY));
        let reloads = actix_web::rt::spawn(Reloading::open(&installation).follow(app.clone()));
        // Looked at on nodes without jobs too: a wrong setting should not wait for the day on which it is needed.
        let post = installation.post()?;
        if settings.backup.recipients.is_empty() && !self.demo {
            log::warn!("no copies of the database are made: backup.recipients is not set (docs/operations.md)");
        }
        let jobs = if settings.jobs.enabled {
            if post.is_none() {
                log::warn!("no relay is set (mail.host): letters wait in the outbox");
            }
            let jobs = Arc::new(Jobs::new(app.clone(), post));
            let work = actix_web::rt::spawn(jobs.clone().work(settings.jobs.wake));
            Some((jobs, work))
        } else {
            None
        };
        let ready = |address| {
            let told = match &seeded {
                Some(seeded) => out::line(seeded.welcome(address)),
                None => out::line(format_args!("Serving on http://{address}")),
            };
            if let Err(failure) = told {
                log::warn!("{failure}");
            }
        };
        let served = web::serve(app, installation.web(), ready).await;
        keys.abort();
        reloads.abort();
        if let Some((jobs, work)) = jobs {
            jobs.stop();
            let patience = Duration::from_secs(settings.server.shutdown_seconds);
            if actix_web::rt::time::timeout(patience, work).await.is_err() {
                log::warn!("a job did not come to an end; another node or the next start takes it over");
            }
        }
        served.map_err(|e| Failure::other(format!("{}: {e}", settings.server.listen)))?;
        Ok(ExitCode::SUCCESS)
    }
}
