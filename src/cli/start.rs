//! Making the application ready from the settings: secrets, definitions, database. Shared by all commands that act.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::failure::Failure;
use crate::app::password::Policy;
use crate::app::retention::Keeping;
use crate::app::tokens::{Lifetimes, NamedKey, Tokens};
use crate::app::{App, LogKeys};
use crate::archive::storage::Storage;
use crate::backup::{Place, key_name};
use crate::clock::{Clock as _, SystemClock};
use crate::config::secrets::{self, TokenKey};
use crate::config::{Settings, registers};
use crate::domain::audit::checkpoint::NoteSigner;
use crate::domain::registers::{Difference, Registers};
use crate::jobs::post::Post;
use crate::mail::{Smtp, SmtpSettings, smtp};
use crate::store::{DatabaseUrl, Store, migrate};
use crate::{store, web};

/// Where an installation is: its settings, with what depends on whether it is a demonstration.
#[derive(Debug, Clone)]
pub(super) struct Installation {
    /// The settings.
    pub settings: Settings,
    /// Folder of database and secrets.
    pub data_dir: PathBuf,
    /// The database.
    pub url: DatabaseUrl,
    /// Whether it is a demonstration.
    pub demo: bool,
}

impl Installation {
    /// The installation of `settings`.
    pub(super) fn new(settings: &Settings, demo: bool) -> Self {
        Self {
            settings: settings.clone(),
            data_dir: settings.data_dir(demo),
            url: DatabaseUrl::parse(&settings.database_url(demo)),
            demo,
        }
    }

    /// What signs and verifies the checkpoints of the logs.
    pub(super) fn log_keys(&self, seed: [u8; 32]) -> LogKeys {
        LogKeys { domain: self.settings.audit.domain.clone(), seed, own: Some(self.data_dir.join("log-keys")) }
    }

    /// Every register's definitions, ready for use.
    ///
    /// # Errors
    /// Every fault of every file.
    pub(super) fn registers(&self) -> Result<Registers, Failure> {
        let found = registers::read_all(&self.settings.paths.registers_dir).map_err(Failure::Registers)?;
        found.ready().map_err(|faults| Failure::other(faults.join("\n")))
    }

    /// Takes the definitions of the folder into use in place of those with which `app` runs, and says what differs.
    ///
    /// # Errors
    /// Every fault of every file, and whatever the start would refuse; then nothing changes.
    pub(super) async fn reload(&self, app: &App) -> Result<Vec<Difference>, Failure> {
        let (folder, before) = (self.settings.paths.registers_dir.clone(), app.store.in_use());
        let read = move || {
            let found = registers::read_again(&folder, &before).map_err(Failure::Registers)?;
            found.ready().map_err(|faults| Failure::other(faults.join("\n")))
        };
        let read = tokio::task::spawn_blocking(read).await.map_err(|e| Failure::other(e.to_string()))?;
        let registers = read?;
        warn_of_ended(&registers);
        Ok(app.reload_definitions(registers).await?)
    }

    /// Makes the data folder, and applies the migrations that are missing.
    ///
    /// # Errors
    /// The disk's or the database's own.
    pub(super) fn migrate(&self) -> Result<Vec<String>, Failure> {
        secrets::make_private(&self.data_dir)?;
        if let DatabaseUrl::Sqlite(path) = &self.url {
            let file = Path::new(path);
            if let Some(folder) = file.parent().filter(|f| !f.as_os_str().is_empty()) {
                secrets::make_private(folder)?;
            }
            secrets::make_private_file(file)?;
        }
        Ok(migrate::migrate(&self.url)?)
    }

    /// The application. The embedded database is migrated, PostgreSQL is only looked at: there the role that runs
    /// may not change tables.
    ///
    /// # Errors
    /// Whatever stands in the way, all of it where that can be told.
    pub(super) async fn start(&self) -> Result<Arc<App>, Failure> {
        let registers = self.registers()?;
        warn_of_ended(&registers);
        if self.url.is_sqlite() {
            for step in self.migrate()? {
                log::info!("migrated: {step}");
            }
        }
        let tokens = &self.settings.tokens;
        let secrets = secrets::open(&self.data_dir, SystemClock.now(), tokens.keep_keys)?;
        let lifetimes = Lifetimes { access: tokens.access, refresh: tokens.refresh };
        let database = &self.settings.database;
        let store = store::Settings {
            url: self.url.clone(),
            readers: database.readers,
            writers: database.writers,
            queue: database.queue,
        };
        let passwords = self.settings.passwords;
        let app = App {
            store: Arc::new(Store::open(&store, registers, Arc::new(SystemClock))?),
            tokens: Tokens::new(&named(&secrets.token_keys), secrets.requests, lifetimes)?,
            log_keys: self.log_keys(secrets.log_seed),
            passwords: Policy {
                shortest: passwords.shortest,
                memory_kib: passwords.memory_kib,
                passes: passwords.passes,
            },
            largest_file: self.settings.server.file_limit,
            hashing: Semaphore::new(std::thread::available_parallelism().map_or(2, usize::from)),
            facts: Default::default(),
            trials: Default::default(),
            keeping: Keeping {
                work: Some(self.data_dir.join("packages")),
                storage: Some(
                    Storage::open(
                        &self.settings.archive.place(&self.data_dir).map_err(|f| Failure::Settings(vec![f]))?,
                    )
                    .map_err(|e| Failure::other(format!("archive: {e}")))?,
                ),
                recipient: self.settings.archive.recipient(),
                agreement: self.settings.archive.agreement.clone(),
                ..Keeping::default()
            },
            backup: self.backups(secrets.log_seed)?.into(),
        };
        for fresh in app.load_definitions().await? {
            log::info!("definition taken into use: {fresh}");
        }
        Ok(Arc::new(app))
    }

    /// The relay by which letters leave, if one is set.
    ///
    /// # Errors
    /// The setting with which no mail can be sent.
    pub(super) fn post(&self) -> Result<Option<Post>, Failure> {
        let mail = &self.settings.mail;
        let (Some(host), Some(from), Some(public_url)) = (&mail.host, &mail.from, &mail.public_url) else {
            return Ok(None);
        };
        let smtp = Smtp::new(SmtpSettings {
            host: host.clone(),
            port: mail.port,
            security: mail.security,
            username: mail.username.clone(),
            password: mail.password().map_err(|fault| Failure::Settings(vec![fault]))?,
            from: from.clone(),
            timeout: mail.timeout,
            hello_name: smtp::own_name(),
            extra_root: mail.extra_root.clone(),
        });
        let smtp = smtp.map_err(|fault| Failure::other(format!("mail.{fault}")))?;
        Ok(Some(Post::new(smtp, public_url)))
    }

    /// Where copies of the database are made.
    ///
    /// # Errors
    /// A domain that cannot be in the name of a key.
    pub(super) fn backups(&self, seed: [u8; 32]) -> Result<Arc<Place>, Failure> {
        let (backup, domain) = (&self.settings.backup, self.settings.audit.domain.clone());
        let signer = NoteSigner::new(key_name(&domain), &seed).map_err(|e| Failure::other(e.to_string()))?;
        let keys = self.log_keys(seed);
        Ok(Arc::new(Place {
            folder: backup.folder.clone().unwrap_or_else(|| self.data_dir.join("backups")),
            recipients: backup.recipients.clone(),
            least: backup.least_recipients,
            hour: backup.hour,
            signer,
            log_key: Box::new(move |register| keys.verifier(register)),
        }))
    }

    /// What the web server needs.
    pub(super) fn web(&self) -> web::Settings {
        let server = &self.settings.server;
        web::Settings {
            listen: server.listen,
            workers: server.workers,
            body_limit: server.body_limit,
            file_limit: server.file_limit,
            metrics_public: server.metrics_public,
            shutdown_seconds: server.shutdown_seconds,
            secure: server.secure_cookies.unwrap_or(!server.listen.ip().is_loopback()),
            public_url: self.settings.mail.public_url.clone(),
            demo: self.demo,
            stretched: false,
        }
    }

    /// Takes keys into use that were rotated while the server runs. Never ends by itself.
    pub(super) async fn follow_keys(self, app: Arc<App>, every: Duration) {
        let mut known = Vec::new();
        loop {
            actix_web::rt::time::sleep(every).await;
            let keep = self.settings.tokens.keep_keys;
            match secrets::token_keys(&self.data_dir, app.store.now(), keep) {
                Ok(keys) if keys.is_empty() || keys == known => {}
                Ok(keys) => match app.tokens.replace(&named(&keys)) {
                    Ok(()) => known = keys,
                    Err(e) => log::error!("the token keys cannot be used; the old ones stay: {e}"),
                },
                Err(e) => log::error!("the token keys cannot be read; the old ones stay: {e}"),
            }
        }
    }
}

fn named(keys: &[TokenKey]) -> Vec<NamedKey> {
    keys.iter().map(|key| NamedKey { kid: key.kid.clone(), seed: key.seed }).collect()
}

/// One warning for each register whose statute has ended: what it left behind goes on under it.
fn warn_of_ended(registers: &Registers) {
    for name in registers.names() {
        let versions = registers.versions(name);
        let Some(last) = versions.last() else {
            continue;
        };
        let today = last.day(SystemClock.now());
        let act = &last.definition.register.act;
        if let Some(until) = act.in_force_until.filter(|until| *until < today) {
            log::warn!(
                "{name}: the statute ({}) was in force until {until}; the register goes on under it until a newer \
                 version is added",
                act.publication
            );
        }
    }
}
