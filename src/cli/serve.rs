//! `andmekogu serve`: the registers on the web.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::demo;
use super::failure::Failure;
use super::out;
use super::start::Installation;
use crate::config::Settings;
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
        served.map_err(|e| Failure::other(format!("{}: {e}", settings.server.listen)))?;
        Ok(ExitCode::SUCCESS)
    }
}
