//! `andmekogu reload`: other definitions into use without a restart; and the server's side of it.
//!
//! The command reaches every server of this machine by a socket of its own in the data folder, which is the servers'
//! account's alone: whoever may open one could as well stop the server and start it over other definitions. A signal
//! (SIGHUP) does the same without an answer. Either way the act is the installation's, as at the start, and stands in
//! its log.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use serde::{Deserialize, Serialize};

use super::Format;
use super::failure::Failure;
use super::out;
use super::start::Installation;
use crate::app::App;
use crate::config::Settings;
use crate::domain::registers::Difference;

/// What is written to the socket to ask.
const QUESTION: &[u8] = b"reload";

/// Take the definitions of the folder into use in the running server: all of them, or none.
#[derive(Debug, Args)]
pub(super) struct Reload {
    /// Of the server that runs with `--demo`
    #[arg(long)]
    demo: bool,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// What became of it.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Outcome {
    /// Whether the definitions of the folder are in use now.
    reloaded: bool,
    /// What is not as it was before, a sentence each.
    differences: Vec<String>,
    /// Why not, a line for each fault.
    faults: Vec<String>,
}

impl Outcome {
    fn of(result: Result<Vec<Difference>, Failure>) -> Self {
        match result {
            Ok(differences) => {
                let differences = differences.iter().map(ToString::to_string).collect();
                Self { reloaded: true, differences, ..Self::default() }
            }
            Err(failure) => {
                Self { faults: failure.to_string().lines().map(str::to_owned).collect(), ..Self::default() }
            }
        }
    }

    /// Takes over what another server answered.
    fn add(&mut self, other: Self) {
        self.reloaded &= other.reloaded;
        self.differences.extend(other.differences);
        self.faults.extend(other.faults);
        for lines in [&mut self.differences, &mut self.faults] {
            lines.sort();
            lines.dedup();
        }
    }

    fn log(&self) {
        for difference in &self.differences {
            log::info!("definitions: {difference}");
        }
        for fault in &self.faults {
            log::error!("definitions: {fault}");
        }
        if self.reloaded {
            log::info!("the definitions were reloaded; {} differ", self.differences.len());
        } else {
            log::error!("the definitions were not reloaded; the old ones stay in use");
        }
    }
}

impl Reload {
    /// Asks the servers that run here, waits, and prints what became of it.
    pub(super) fn run(self, settings: &Settings) -> Result<ExitCode, Failure> {
        let outcome = ask(&settings.data_dir(self.demo))?;
        if self.format == Format::Json {
            out::line(serde_json::to_string(&outcome).map_err(|e| Failure::other(e.to_string()))?)?;
        } else {
            for line in outcome.differences.iter().chain(&outcome.faults) {
                out::line(line)?;
            }
            out::line(match (outcome.reloaded, outcome.differences.is_empty()) {
                (true, true) => "Reloaded: nothing has changed",
                (true, false) => "Reloaded",
                (false, _) => "Not reloaded: the server goes on with the definitions it had",
            })?;
        }
        Ok(if outcome.reloaded { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// How the names of this machine's sockets begin. Nodes may share the folder.
#[cfg(unix)]
fn ours() -> String {
    format!("reload-{}-", crate::mail::smtp::own_name())
}

/// The sockets of this machine's servers in the data folder, of those too that were killed.
#[cfg(unix)]
fn sockets(data_dir: &Path) -> Vec<PathBuf> {
    let ours = ours();
    let is_ours = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&ours));
    let entries = std::fs::read_dir(data_dir).into_iter().flatten().flatten();
    let mut sockets: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_ours).collect();
    sockets.sort();
    sockets
}

#[cfg(unix)]
fn ask(data_dir: &Path) -> Result<Outcome, Failure> {
    use std::os::unix::net::UnixStream;
    let cut_short = "the server stopped before it answered; it starts with the definitions of the folder";
    let mut all: Option<Outcome> = None;
    for mut stream in sockets(data_dir).iter().flat_map(UnixStream::connect) {
        let mut answer = String::new();
        let asked = stream.write_all(QUESTION).and_then(|()| stream.read_to_string(&mut answer));
        asked.map_err(|e| Failure::other(format!("{cut_short} ({e})")))?;
        let outcome: Outcome = serde_json::from_str(&answer).map_err(|_| Failure::other(cut_short))?;
        match &mut all {
            Some(all) => all.add(outcome),
            None => all = Some(outcome),
        }
    }
    let place = data_dir.display();
    let nobody = format!("{place}: no server answers here; start it, or correct paths.data_dir");
    all.ok_or_else(|| Failure::other(nobody))
}

#[cfg(not(unix))]
fn ask(_data_dir: &Path) -> Result<Outcome, Failure> {
    Err(Failure::other("definitions are reloaded by a restart on this system"))
}

/// One reload: what the folder holds now in place of what is in use.
async fn reload(installation: &Installation, app: &App) -> Outcome {
    let outcome = Outcome::of(installation.reload(app).await);
    outcome.log();
    outcome
}

/// The server's side: what it can be asked by.
#[cfg(unix)]
pub(super) struct Reloading {
    installation: Installation,
    hangup: Option<actix_web::rt::signal::unix::Signal>,
    listener: Option<(actix_web::rt::net::UnixListener, PathBuf)>,
}

#[cfg(unix)]
impl Reloading {
    /// From now on the server can be asked. What stands in the way is told in the server's log; it serves all the same.
    pub(super) fn open(installation: &Installation) -> Self {
        use actix_web::rt::signal::unix::{SignalKind, signal};
        // A demonstration is run from a terminal and ends with it.
        let hangup = (!installation.demo).then(|| signal(SignalKind::hangup()));
        let hangup = hangup.and_then(|h| h.inspect_err(|e| log::warn!("SIGHUP cannot be received: {e}")).ok());
        let listener = listen(&installation.data_dir).inspect_err(|e| {
            log::warn!("`andmekogu reload` cannot reach this server, SIGHUP can: {e}");
        });
        Self { installation: installation.clone(), hangup, listener: listener.ok() }
    }

    /// Reloads, one after the other, whenever the server is asked. Never ends by itself.
    pub(super) async fn follow(mut self, app: Arc<App>) {
        use futures_util::future::{Either, pending, select};
        loop {
            let signal = Box::pin(async {
                match &mut self.hangup {
                    Some(hangup) => hangup.recv().await,
                    None => pending().await,
                }
            });
            let asked = Box::pin(async {
                match &self.listener {
                    Some((listener, _)) => listener.accept().await,
                    None => pending().await,
                }
            });
            match select(signal, asked).await {
                Either::Left(_) => {
                    reload(&self.installation, &app).await;
                }
                Either::Right((Ok((stream, _)), _)) => {
                    if !asks(&stream).await {
                        continue;
                    }
                    let outcome = reload(&self.installation, &app).await;
                    if let Err(e) = answer(&stream, &outcome).await {
                        log::warn!("whoever asked to reload has gone: {e}");
                    }
                }
                Either::Right((Err(e), _)) => {
                    log::warn!("whoever asks to reload cannot be heard: {e}");
                    // Descriptors may have run out: others need them more.
                    actix_web::rt::time::sleep(std::time::Duration::from_secs(1)).await;
                }
            }
        }
    }
}

#[cfg(unix)]
impl Drop for Reloading {
    fn drop(&mut self) {
        if let Some((_, path)) = &self.listener {
            // What cannot be removed is found to be dead at the next start.
            drop(std::fs::remove_file(path));
        }
    }
}

/// Listens in the data folder, and removes what servers of this machine that were killed left behind.
#[cfg(unix)]
fn listen(data_dir: &Path) -> std::io::Result<(actix_web::rt::net::UnixListener, PathBuf)> {
    use std::os::unix::fs::PermissionsExt as _;
    let path = data_dir.join(format!("{}{}.sock", ours(), std::process::id()));
    for other in sockets(data_dir) {
        if other == path || std::os::unix::net::UnixStream::connect(&other).is_err() {
            std::fs::remove_file(&other)?;
        }
    }
    let listener = actix_web::rt::net::UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    Ok((listener, path))
}

/// Whether somebody asks, and does not only look whether anybody is here.
#[cfg(unix)]
async fn asks(stream: &actix_web::rt::net::UnixStream) -> bool {
    let said = async {
        let mut said = [0; QUESTION.len()];
        loop {
            stream.readable().await?;
            match stream.try_read(&mut said) {
                Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {}
                read => return read.map(|n| said.get(..n) == Some(QUESTION)),
            }
        }
    };
    let patience = std::time::Duration::from_secs(2);
    matches!(actix_web::rt::time::timeout(patience, said).await, Ok(Ok(true)))
}

#[cfg(unix)]
async fn answer(stream: &actix_web::rt::net::UnixStream, outcome: &Outcome) -> std::io::Result<()> {
    let text = serde_json::to_vec(outcome)?;
    let mut rest = text.as_slice();
    while !rest.is_empty() {
        stream.writable().await?;
        match stream.try_write(rest) {
            Ok(written) => rest = rest.get(written..).unwrap_or_default(),
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// Where there are no such sockets: nothing to be asked by.
#[cfg(not(unix))]
pub(super) struct Reloading;

#[cfg(not(unix))]
impl Reloading {
    /// Nothing.
    pub(super) fn open(_installation: &Installation) -> Self {
        Self
    }

    /// Never ends.
    pub(super) async fn follow(self, _app: Arc<App>) {
        futures_util::future::pending().await
    }
}
