//! The server's settings: `config/andmekogu.toml`, and over it the environment.
//!
//! Every setting has a default, so that the file may be absent. A setting `key` of `[section]` is overridden by
//! `ANDMEKOGU_<SECTION>_<KEY>`; a few have a shorter name too ([`SHORT_NAMES`]). An unknown key or variable is a
//! fault like a wrong value: a misspelt setting must not be a silent default.

mod archive;

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use log::LevelFilter;
use toml::de::{DeTable, DeValue};

use crate::domain::identity::contact::is_email;
use crate::mail::Security;

pub use archive::Archive;

/// The file that is read when no other is named. It may be absent.
pub const DEFAULT_FILE: &str = "config/andmekogu.toml";

/// How all our variables begin.
const PREFIX: &str = "ANDMEKOGU_";
/// The variable that names the file.
const FILE_VARIABLE: &str = "ANDMEKOGU_CONFIG";
/// Variables of the test suite, which are no settings.
const TEST_PREFIX: &str = "ANDMEKOGU_TEST_";

/// Variables with a shorter name than section and key would give.
pub const SHORT_NAMES: &[(&str, &str)] = &[
    ("ANDMEKOGU_LISTEN", "server.listen"),
    ("ANDMEKOGU_DATA_DIR", "paths.data_dir"),
    ("ANDMEKOGU_REGISTERS_DIR", "paths.registers_dir"),
    ("ANDMEKOGU_SEEDS_DIR", "paths.seeds_dir"),
];

/// All settings, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `[server]`
    pub server: Server,
    /// `[paths]`
    pub paths: Paths,
    /// `[database]`
    pub database: Database,
    /// `[passwords]`
    pub passwords: Passwords,
    /// `[tokens]`
    pub tokens: Tokens,
    /// `[audit]`
    pub audit: Audit,
    /// `[archive]`
    pub archive: Archive,
    /// `[mail]`
    pub mail: Mail,
    /// `[jobs]`
    pub jobs: Jobs,
    /// `[backup]`
    pub backup: Backup,
    /// `[logging]`
    pub logging: Logging,
}

/// What the web server needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Address and port.
    pub listen: SocketAddr,
    /// Threads that answer requests; 0 in the file means one for each core.
    pub workers: usize,
    /// Largest body of a request in bytes, files aside.
    pub body_limit: usize,
    /// Largest file in bytes.
    pub file_limit: usize,
    /// Whether others than the machine itself may fetch the metrics.
    pub metrics_public: bool,
    /// Whether browsers reach the server by TLS; where nothing is said, they do unless it listens to this machine alone.
    pub secure_cookies: Option<bool>,
    /// How long requests under way may take at a shutdown.
    pub shutdown_seconds: u64,
}

/// Folders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// Folder of database and secrets, if one was set; see [`Settings::data_dir`].
    pub data_dir: Option<PathBuf>,
    /// Folder of the definitions.
    pub registers_dir: PathBuf,
    /// Folder of the fictitious data.
    pub seeds_dir: PathBuf,
}

/// Where data are kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Database {
    /// Address, if one was set; else a SQLite file in the data folder.
    pub url: Option<String>,
    /// Connections for reading.
    pub readers: u32,
    /// Writers on PostgreSQL.
    pub writers: usize,
    /// Acts that may wait for a writer.
    pub queue: usize,
}

/// Hides the address, which may hold a password.
impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("url", &self.url.as_ref().map(|_| "[hidden]"))
            .field("readers", &self.readers)
            .field("writers", &self.writers)
            .field("queue", &self.queue)
            .finish()
    }
}

/// Password rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passwords {
    /// Fewest characters.
    pub shortest: usize,
    /// Memory for hashing in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
}

/// How long tokens and their keys live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tokens {
    /// An access token.
    pub access: Duration,
    /// A refresh token.
    pub refresh: Duration,
    /// How long a key still verifies after another has taken its place.
    pub keep_keys: Duration,
}

/// The log of acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// Domain under which the origins of the registers' logs stand.
    pub domain: String,
}

/// Where letters leave. Without a host they wait.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// Name or address of the relay.
    pub host: Option<String>,
    /// Its port.
    pub port: u16,
    /// How the way there is protected.
    pub security: Security,
    /// Name to log in with.
    pub username: Option<String>,
    /// Password that goes with the name; see [`Mail::password`].
    pub password: Option<String>,
    /// File whose first line is the password.
    pub password_file: Option<PathBuf>,
    /// Sender: an address, or `Name <address>`.
    pub from: Option<String>,
    /// The longest that one step of the conversation with the relay may take.
    pub timeout: Duration,
    /// What links in letters begin with.
    pub public_url: Option<String>,
    /// PEM file of a private authority that is trusted besides the public ones.
    pub extra_root: Option<PathBuf>,
}

/// Hides the password.
impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("security", &self.security)
            .field("username", &self.username)
            .field("password", &self.password.as_ref().map(|_| "[hidden]"))
            .field("password_file", &self.password_file)
            .field("from", &self.from)
            .field("timeout", &self.timeout)
            .field("public_url", &self.public_url)
            .field("extra_root", &self.extra_root)
            .finish()
    }
}

impl Mail {
    /// The password, as set or from its file.
    ///
    /// # Errors
    /// A file that cannot be read or has no first line.
    pub fn password(&self) -> Result<Option<String>, SettingFault> {
        let Some(path) = &self.password_file else {
            return Ok(self.password.clone());
        };
        let fault = |problem: String| SettingFault {
            setting: "mail.password_file".to_owned(),
            problem,
            origin: Origin::File { path: path.clone(), line: 1 },
        };
        let text = std::fs::read_to_string(path).map_err(|e| fault(format!("the file cannot be read: {e}")))?;
        match text.lines().next() {
            Some(line) if !line.is_empty() => Ok(Some(line.to_owned())),
            _ => Err(fault("its first line is empty; the password is expected there".to_owned())),
        }
    }
}

/// What the installation does by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Jobs {
    /// Whether this node takes part in it.
    pub enabled: bool,
    /// How often it looks whether something is due.
    pub wake: Duration,
}

/// Copies of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// Folder of the copies, if one was set; else `backups` in the data folder.
    pub folder: Option<PathBuf>,
    /// Public keys of age (`age1…`) of whoever can open them. Without any no copies are made.
    pub recipients: Vec<String>,
    /// How many of them there must be.
    pub least_recipients: usize,
    /// Hour of the day from which on the daily copy is made.
    pub hour: u32,
}

/// The server's own log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Logging {
    /// From which level.
    pub level: LevelFilter,
    /// In which form.
    pub format: LogFormat,
}

/// Forms of the server's own log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// A line for people.
    Text,
    /// A JSON object a line.
    Json,
}

/// Where a setting was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// In a file, on a line.
    File {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// In the environment.
    Variable(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Variable(name) => f.write_str(name),
        }
    }
}

/// What is wrong with a setting: which, what, and where it was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingFault {
    /// The setting, `section.key`; empty when a file as a whole is meant.
    pub setting: String,
    /// What is wrong. Never the value of a setting that may be secret.
    pub problem: String,
    /// Where it was set.
    pub origin: Origin,
}

impl fmt::Display for SettingFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.origin)?;
        if !self.setting.is_empty() {
            write!(f, "{}: ", self.setting)?;
        }
        f.write_str(&self.problem)
    }
}

impl Settings {
    /// Reads the file at `path` (else the one that `ANDMEKOGU_CONFIG` names, else [`DEFAULT_FILE`] if there is one),
    /// and over it `env`.
    ///
    /// # Errors
    /// Every fault at once: a file that is named but absent, TOML that cannot be read, unknown settings, wrong values.
    pub fn load(
        path: Option<&Path>,
        env: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Vec<SettingFault>> {
        let mut reader = Reader::default();
        let mut file = path.map(Path::to_owned);
        let mut variables = Vec::new();
        for (name, value) in env {
            if name == FILE_VARIABLE {
                file = file.or_else(|| Some(PathBuf::from(value)));
            } else if name.starts_with(PREFIX) && !name.starts_with(TEST_PREFIX) {
                variables.push((name, value));
            }
        }
        match file {
            Some(file) => reader.file(&file, true),
            None => reader.file(Path::new(DEFAULT_FILE), false),
        }
        variables.sort();
        for (name, value) in variables {
            reader.variable(name, value);
        }
        let settings = reader.settings();
        if reader.faults.is_empty() { Ok(settings) } else { Err(reader.faults) }
    }

    /// The folder of database and secrets. A demonstration keeps its own unless a folder was set.
    pub fn data_dir(&self, demo: bool) -> PathBuf {
        match &self.paths.data_dir {
            Some(set) => set.clone(),
            None if demo => PathBuf::from("data/demo"),
            None => PathBuf::from("data"),
        }
    }

    /// The address of the database: as set, else a SQLite file in the data folder.
    pub fn database_url(&self, demo: bool) -> String {
        self.database.url.clone().unwrap_or_else(|| self.data_dir(demo).join("andmekogu.sqlite").display().to_string())
    }
}

/// A value as it was given.
struct Given {
    value: Result<String, &'static str>,
    origin: Origin,
}

#[derive(Default)]
struct Reader {
    given: BTreeMap<String, Given>,
    faults: Vec<SettingFault>,
}

impl Reader {
    fn fault(&mut self, setting: &str, problem: impl Into<String>, origin: Origin) {
        self.faults.push(SettingFault { setting: setting.to_owned(), problem: problem.into(), origin });
    }

    fn file(&mut self, path: &Path, must_exist: bool) {
        let origin = |line| Origin::File { path: path.to_owned(), line };
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && !must_exist => return,
            Err(e) => return self.fault("", format!("the file cannot be read: {e}"), origin(1)),
        };
        let line_at = |offset: usize| 1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count();
        let (table, errors) = DeTable::parse_recoverable(&text);
        for error in &errors {
            let line = error.span().map_or(1, |span| line_at(span.start));
            self.fault("", format!("this is not TOML: {}", error.message()), origin(line));
        }
        for (section, value) in table.get_ref() {
            let DeValue::Table(keys) = value.get_ref() else {
                let problem = "a setting stands in a section, such as [server]";
                self.fault(section.get_ref(), problem, origin(line_at(section.span().start)));
                continue;
            };
            for (key, value) in keys {
                let name = format!("{}.{}", section.get_ref(), key.get_ref());
                let given = Given { value: scalar(value.get_ref()), origin: origin(line_at(key.span().start)) };
                self.given.insert(name, given);
            }
        }
    }

    /// A variable outweighs the file; under two names it must not be set.
    fn variable(&mut self, name: String, value: String) {
        let setting = match SHORT_NAMES.iter().find(|(short, _)| *short == name) {
            Some((_, setting)) => (*setting).to_owned(),
            None => name.trim_start_matches(PREFIX).to_lowercase().replacen('_', ".", 1),
        };
        if let Some(Given { origin: Origin::Variable(other), .. }) = self.given.get(&setting) {
            let problem = format!("it is also set by {other}; set one of the two");
            return self.fault(&setting, problem, Origin::Variable(name));
        }
        let given = Given { value: Ok(value), origin: Origin::Variable(name) };
        self.given.insert(setting, given);
    }

    /// Takes the setting `name`, or its default when it is not given.
    fn take<T>(&mut self, name: &'static str, default: T, read: impl FnOnce(&str) -> Result<T, String>) -> T {
        let Some(given) = self.given.remove(name) else {
            return default;
        };
        let read = match &given.value {
            Ok(text) if text.trim().is_empty() => Err("it is empty".to_owned()),
            Ok(text) => read(text.trim()),
            Err(kind) => Err(format!("{kind} stands here; a single text, number or true/false is expected")),
        };
        match read {
            Ok(value) => value,
            Err(problem) => {
                self.fault(name, problem, given.origin);
                default
            }
        }
    }

    fn number<T>(&mut self, name: &'static str, default: T, [least, most]: [T; 2]) -> T
    where
        T: std::str::FromStr + PartialOrd + fmt::Display + Copy,
    {
        self.take(name, default, |text| {
            let wanted = || format!("a whole number from {least} to {most} is expected");
            let number: T = text.parse().map_err(|_| wanted())?;
            if number < least || number > most {
                return Err(wanted());
            }
            Ok(number)
        })
    }

    /// Every setting with its default. What is left over afterwards is unknown.
    fn settings(&mut self) -> Settings {
        let settings = Settings {
            server: self.server(),
            paths: Paths {
                data_dir: self.take("paths.data_dir", None, |t| Ok(Some(PathBuf::from(t)))),
                registers_dir: self
                    .take("paths.registers_dir", PathBuf::from("config/registers"), |t| Ok(PathBuf::from(t))),
                seeds_dir: self.take("paths.seeds_dir", PathBuf::from("seeds"), |t| Ok(PathBuf::from(t))),
            },
            database: Database {
                url: self.take("database.url", None, database_url),
                readers: self.number("database.readers", 8, [1, 1000]),
                writers: self.number("database.writers", 4, [1, 100]),
                queue: self.number("database.queue", 4096, [16, 1_000_000]),
            },
            passwords: Passwords {
                shortest: self.number("passwords.shortest", 12, [8, 128]),
                memory_kib: self.number("passwords.memory_kib", 19_456, [8192, 4_194_304]),
                passes: self.number("passwords.passes", 2, [1, 100]),
            },
            tokens: self.tokens(),
            archive: self.archive(),
            mail: self.mail(),
            jobs: Jobs {
                enabled: self.take("jobs.enabled", true, truth),
                wake: Duration::from_secs(self.number("jobs.wake_seconds", 10, [1, 3600])),
            },
            backup: Backup {
                folder: self.take("backup.folder", None, |t| Ok(Some(PathBuf::from(t)))),
                recipients: self.take("backup.recipients", Vec::new(), recipients),
                least_recipients: self.number("backup.least_recipients", 2, [1, 20]),
                hour: self.number("backup.hour", 2, [0, 23]),
            },
            audit: Audit { domain: self.take("audit.domain", "andmekogu.localhost".to_owned(), domain) },
            logging: Logging {
                level: self.take("logging.level", LevelFilter::Info, |text| {
                    text.parse().map_err(|_| "off, error, warn, info, debug or trace is expected".to_owned())
                }),
                format: self.take("logging.format", LogFormat::Text, |text| match text {
                    "text" => Ok(LogFormat::Text),
                    "json" => Ok(LogFormat::Json),
                    _ => Err("text or json is expected".to_owned()),
                }),
            },
        };
        for (setting, given) in std::mem::take(&mut self.given) {
            let problem = "there is no such setting; docs/configuration.md lists them all";
            self.fault(&setting, problem, given.origin);
        }
        settings
    }

    fn server(&mut self) -> Server {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let workers = match self.number("server.workers", 0, [0, 1024]) {
            0 => cores(),
            n => n,
        };
        let default = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
        Server {
            listen: self.take("server.listen", default, |text| {
                text.parse()
                    .map_err(|_| "an address with a port is expected, as 127.0.0.1:8080 or [::1]:8080".to_owned())
            }),
            workers,
            body_limit: self.number("server.body_limit", 1_048_576, [1024, 1_073_741_824]),
            file_limit: self.number("server.file_limit", 26_214_400, [1024, 1_073_741_824]),
            metrics_public: self.take("server.metrics_public", false, truth),
            secure_cookies: self.take("server.secure_cookies", None, |text| truth(text).map(Some)),
            shutdown_seconds: self.number("server.shutdown_seconds", 30, [0, 3600]),
        }
    }

    fn mail(&mut self) -> Mail {
        let file = |text: &str| Ok(Some(PathBuf::from(text)));
        let origin = |reader: &Self, name: &str| reader.given.get(name).map(|given| given.origin.clone());
        let (host_at, file_at) = (origin(self, "mail.host"), origin(self, "mail.password_file"));
        let mail = Mail {
            host: self.take("mail.host", None, host),
            port: self.number("mail.port", 587, [1, u16::MAX]),
            security: self.take("mail.security", Security::StartTls, |text| match text {
                "starttls" => Ok(Security::StartTls),
                "tls" => Ok(Security::Tls),
                "plain_on_loopback" => Ok(Security::PlainOnLoopback),
                _ => Err("starttls, tls or plain_on_loopback is expected".to_owned()),
            }),
            username: self.take("mail.username", None, |text| Ok(Some(text.to_owned()))),
            password: self.take("mail.password", None, |text| Ok(Some(text.to_owned()))),
            password_file: self.take("mail.password_file", None, file),
            from: self.take("mail.from", None, sender),
            timeout: Duration::from_secs(self.number("mail.timeout_seconds", 20, [1, 60])),
            public_url: self.take("mail.public_url", None, public_url),
            extra_root: self.take("mail.extra_root", None, file),
        };
        // Only a relay makes the others necessary.
        if mail.host.is_some()
            && let Some(origin) = host_at
        {
            for (name, lacks) in [("mail.from", mail.from.is_none()), ("mail.public_url", mail.public_url.is_none())] {
                let said = self.faults.iter().any(|fault| fault.setting == name);
                if lacks && !said {
                    self.fault(name, "it must be set where mail.host is", origin.clone());
                }
            }
        }
        if mail.password.is_some()
            && let Some(origin) = file_at.filter(|_| mail.password_file.is_some())
        {
            self.fault("mail.password_file", "mail.password is set too; set one of the two", origin);
        }
        mail
    }

    fn tokens(&mut self) -> Tokens {
        let set_at = self.given.get("tokens.access_seconds").map(|given| given.origin.clone());
        let access = self.number("tokens.access_seconds", 300, [30, 86_400]);
        let refresh_hours: u64 = self.number("tokens.refresh_hours", 8, [1, 8760]);
        let keep_hours: u64 = self.number("tokens.keep_keys_hours", 24, [1, 8760]);
        let tokens = Tokens {
            access: Duration::from_secs(access),
            refresh: Duration::from_secs(refresh_hours * 3600),
            keep_keys: Duration::from_secs(keep_hours * 3600),
        };
        // The default fits every value that the others may have.
        if let Some(origin) = set_at
            && (tokens.keep_keys < tokens.access || tokens.refresh < tokens.access)
        {
            let longest = refresh_hours.min(keep_hours) * 3600;
            self.faults.push(SettingFault {
                setting: "tokens.access_seconds".to_owned(),
                problem: format!(
                    "{access} seconds are longer than refresh_hours or keep_keys_hours; at most {longest} fit"
                ),
                origin,
            });
        }
        tokens
    }
}

fn truth(text: &str) -> Result<bool, String> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("true or false is expected".to_owned()),
    }
}

/// Public keys of age, with commas or blanks between them.
fn recipients(text: &str) -> Result<Vec<String>, String> {
    let keys = text.split([',', ' ', '\n', '\t']).filter(|key| !key.is_empty());
    keys.map(|key| {
        let rest = key.strip_prefix("age1").unwrap_or_default();
        let fits = rest.len() == 58 && rest.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        // A private key that was put here by mistake is not repeated.
        if fits {
            Ok(key.to_owned())
        } else {
            Err("public keys of age are expected, age1…, with commas between them".to_owned())
        }
    })
    .collect()
}

fn host(text: &str) -> Result<Option<String>, String> {
    let name = text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-".contains(&b));
    if name || text.parse::<IpAddr>().is_ok() {
        Ok(Some(text.to_owned()))
    } else {
        Err("a host name or an IP address is expected, without a port".to_owned())
    }
}

fn sender(text: &str) -> Result<Option<String>, String> {
    let address = match text.split_once('<') {
        Some((_, rest)) => rest.strip_suffix('>').unwrap_or_default(),
        None => text,
    };
    if address.is_ascii() && is_email(address) {
        Ok(Some(text.to_owned()))
    } else {
        Err("an e-mail address is expected, or a name and an address in <>".to_owned())
    }
}

fn public_url(text: &str) -> Result<Option<String>, String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
    let plain = text.bytes().all(|b| b.is_ascii_graphic()) && !text.contains(['?', '#', '@']);
    if plain && !rest.trim_start_matches('/').is_empty() {
        Ok(Some(text.trim_end_matches('/').to_owned()))
    } else {
        Err("an address is expected, as https://register.example.ee".to_owned())
    }
}

fn scalar(value: &DeValue<'_>) -> Result<String, &'static str> {
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Ok(number.as_str().replace('_', "")),
        DeValue::Integer(_) => Err("a number that is not decimal"),
        DeValue::Boolean(yes) => Ok(yes.to_string()),
        DeValue::Float(_) => Err("a fraction"),
        DeValue::Datetime(_) => Err("a date"),
        DeValue::Array(_) => Err("a list"),
        DeValue::Table(_) => Err("a table"),
    }
}

/// Never repeats the address, which may hold a password.
fn database_url(text: &str) -> Result<Option<String>, String> {
    let known = ["postgres", "postgresql", "sqlite"];
    match text.split_once("://") {
        Some((scheme, rest)) if known.contains(&scheme) && !rest.is_empty() => Ok(Some(text.to_owned())),
        None => Ok(Some(text.to_owned())),
        Some(_) => Err("postgres://…, sqlite://… or the path of a file is expected".to_owned()),
    }
}

fn domain(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._/".contains(c);
    if text.chars().all(fits) && !text.ends_with('/') && !text.starts_with('/') {
        Ok(text.to_owned())
    } else {
        Err("a domain is expected, as registers.example.ee, with no scheme and no blanks".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
    }

    fn load(text: &str, pairs: &[(&str, &str)]) -> Result<Settings, Vec<SettingFault>> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("settings.toml");
        std::fs::write(&path, text).unwrap();
        Settings::load(Some(&path), env(pairs))
    }

    fn fault(text: &str, pairs: &[(&str, &str)]) -> String {
        let faults = load(text, pairs).unwrap_err();
        assert_eq!(faults.len(), 1, "{faults:?}");
        faults[0].to_string()
    }

    #[test]
    fn the_shipped_file_states_the_defaults_and_every_setting() {
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join(DEFAULT_FILE);
        let mut reader = Reader::default();
        let defaults = reader.settings();
        assert_eq!(
            Settings::load(Some(&shipped), env(&[])).unwrap(),
            defaults,
            "the shipped file differs from the defaults"
        );
        let text = std::fs::read_to_string(&shipped).unwrap();
        let page =
            std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md")).unwrap();
        for name in NAMES {
            let (_, key) = name.split_once('.').unwrap();
            assert!(
                text.contains(&format!("\n{key} = ")) || text.contains(&format!("\n# {key} = ")),
                "{name} is not in the shipped file"
            );
            assert!(page.contains(&format!("`{name}`")), "{name} is not in docs");
        }
    }

    /// Every setting, with a wrong value for it.
    const WRONG: &[(&str, &str)] = &[
        ("server.listen", "localhost"),
        ("server.workers", "many"),
        ("server.body_limit", "1"),
        ("server.file_limit", "-1"),
        ("server.metrics_public", "yes"),
        ("server.secure_cookies", "yes"),
        ("server.shutdown_seconds", "3601"),
        ("database.url", "mysql://user:hush@host/db"),
        ("database.readers", "0"),
        ("database.writers", "0"),
        ("database.queue", "1"),
        ("passwords.shortest", "7"),
        ("passwords.memory_kib", "64"),
        ("passwords.passes", "0"),
        ("tokens.access_seconds", "1"),
        ("tokens.refresh_hours", "0"),
        ("tokens.keep_keys_hours", "0.5"),
        ("audit.domain", "https://example.ee"),
        ("archive.folder", ""),
        ("archive.bucket", ""),
        ("archive.endpoint", "s3.example.ee"),
        ("archive.region", ""),
        ("archive.prefix", " "),
        ("archive.access_key_id", ""),
        ("archive.secret_access_key", " "),
        ("archive.secret_access_key_file", ""),
        ("archive.patience_seconds", "0"),
        ("archive.recipient", ""),
        ("archive.recipient_code", " "),
        ("archive.agreement", ""),
        ("mail.host", "relay.example.ee:25"),
        ("mail.port", "0"),
        ("mail.security", "ssl"),
        ("mail.username", ""),
        ("mail.password", " "),
        ("mail.password_file", ""),
        ("mail.from", "the register"),
        ("mail.timeout_seconds", "0"),
        ("mail.public_url", "register.example.ee"),
        ("mail.extra_root", ""),
        ("jobs.enabled", "yes"),
        ("jobs.wake_seconds", "0"),
        ("logging.level", "loud"),
        ("logging.format", "xml"),
        ("paths.data_dir", ""),
        ("paths.registers_dir", " "),
        ("paths.seeds_dir", ""),
    ];

    const NAMES: [&str; 47] = {
        let mut names = [""; 47];
        let mut n = 0;
        while n < names.len() {
            names[n] = WRONG[n].0;
            n += 1;
        }
        names
    };

    #[test]
    fn each_wrong_setting_is_named_with_its_variable() {
        for (name, value) in WRONG {
            let variable = format!("ANDMEKOGU_{}", name.to_uppercase().replace('.', "_"));
            let text = fault("", &[(&variable, value)]);
            assert!(text.starts_with(&format!("{variable}: {name}: ")), "{text}");
            assert!(!text.contains("hush"), "{text}");
        }
        assert_eq!(WRONG.len(), NAMES.len(), "a setting is not in the table");
    }

    #[test]
    fn each_wrong_setting_is_named_with_its_file_and_line() {
        for (name, value) in WRONG {
            let (section, key) = name.split_once('.').unwrap();
            let text = fault(&format!("# one\n[{section}]\n\n{key} = '{value}'\n"), &[]);
            assert!(text.contains(&format!("settings.toml:4: {name}: ")), "{text}");
        }
    }

    #[test]
    fn unknown_settings_are_faults_wherever_they_stand() {
        assert!(fault("[server]\nlisten_on = 1", &[]).contains("settings.toml:2: server.listen_on"));
        assert!(fault("listen = 1", &[]).contains("settings.toml:1: listen: "));
        assert!(fault("[nothing]\nhere = 1", &[]).contains("nothing.here"));
        assert!(fault("", &[("ANDMEKOGU_SERVER_LISTN", "x")]).contains("ANDMEKOGU_SERVER_LISTN: server.listn"));
        assert!(fault("[server]\nworkers = [1]", &[]).contains("a list stands here"));
    }

    #[test]
    fn variables_outweigh_the_file_and_must_not_contradict_each_other() {
        let listen = "[server]\nlisten = '127.0.0.1:1'";
        let set = load(listen, &[("ANDMEKOGU_LISTEN", "127.0.0.1:2")]).unwrap();
        assert_eq!(set.server.listen.port(), 2);
        let both = [("ANDMEKOGU_LISTEN", "127.0.0.1:2"), ("ANDMEKOGU_SERVER_LISTEN", "127.0.0.1:3")];
        assert!(fault(listen, &both).contains("also set by ANDMEKOGU_LISTEN"));
        assert!(load("", &[("ANDMEKOGU_TEST_PG", "x"), ("HOME", "y")]).is_ok());
    }

    #[test]
    fn all_faults_come_at_once() {
        let text = "[server]\nlisten = 'x'\nworkers = 'x'\n[tokens]\naccess_seconds = 'x'";
        assert_eq!(load(text, &[("ANDMEKOGU_X_Y", "1")]).unwrap_err().len(), 4);
    }

    #[test]
    fn a_file_must_exist_only_when_it_is_named() {
        let named = Settings::load(Some(Path::new("/nowhere/x.toml")), env(&[])).unwrap_err();
        assert!(named[0].to_string().contains("/nowhere/x.toml:1: the file cannot be read"));
        let named = Settings::load(None, env(&[("ANDMEKOGU_CONFIG", "/nowhere/y.toml")]));
        assert!(named.unwrap_err()[0].to_string().contains("/nowhere/y.toml"));
    }

    #[test]
    fn a_relay_needs_a_sender_and_an_address_for_links() {
        let lacking = load("[mail]\nhost = 'relay.example.ee'", &[]).unwrap_err();
        let said: Vec<String> = lacking.iter().map(ToString::to_string).collect();
        assert!(said[0].contains("mail.from: it must be set") && said[1].contains("mail.public_url: it must be set"));
        let set = "[mail]\nhost = 'relay.example.ee'\nfrom = 'Register <register@example.ee>'\n\
                   public_url = 'https://register.example.ee/'";
        let mail = load(set, &[]).unwrap().mail;
        assert_eq!(mail.public_url.as_deref(), Some("https://register.example.ee"));
    }

    #[test]
    fn the_password_of_the_relay_comes_from_one_place_and_is_never_printed() {
        let set = load("", &[("ANDMEKOGU_MAIL_PASSWORD", "hush")]).unwrap();
        assert!(!format!("{set:?}").contains("hush"));
        assert_eq!(set.mail.password().unwrap().as_deref(), Some("hush"));
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("password");
        std::fs::write(&file, "hush hush\nnot this\n").unwrap();
        let path = file.display().to_string();
        let set = load("", &[("ANDMEKOGU_MAIL_PASSWORD_FILE", &path)]).unwrap();
        assert_eq!(set.mail.password().unwrap().as_deref(), Some("hush hush"));
        let both = fault("", &[("ANDMEKOGU_MAIL_PASSWORD", "hush"), ("ANDMEKOGU_MAIL_PASSWORD_FILE", &path)]);
        assert!(both.contains("set one of the two") && !both.contains("hush"), "{both}");
        std::fs::write(&file, "\n").unwrap();
        assert!(set.mail.password().unwrap_err().to_string().contains("mail.password_file: its first line is empty"));
    }

    #[test]
    fn the_address_of_the_database_is_never_printed() {
        let set = load("", &[("ANDMEKOGU_DATABASE_URL", "postgres://u:hush@h/d")]).unwrap();
        assert!(!format!("{set:?}").contains("hush"));
        assert_eq!(set.database_url(false), "postgres://u:hush@h/d");
    }

    #[test]
    fn a_demonstration_has_a_folder_of_its_own_unless_one_is_set() {
        let plain = load("", &[]).unwrap();
        assert_eq!(plain.database_url(true), "data/demo/andmekogu.sqlite");
        assert_eq!(plain.database_url(false), "data/andmekogu.sqlite");
        let set = load("", &[("ANDMEKOGU_DATA_DIR", "/srv/x")]).unwrap();
        assert_eq!(set.data_dir(true), Path::new("/srv/x"));
    }

    #[test]
    fn tokens_may_not_outlive_their_keys() {
        let set = [("ANDMEKOGU_TOKENS_ACCESS_SECONDS", "86400"), ("ANDMEKOGU_TOKENS_KEEP_KEYS_HOURS", "1")];
        assert!(fault("", &set).starts_with("ANDMEKOGU_TOKENS_ACCESS_SECONDS: tokens.access_seconds: 86400 seconds"));
    }
}
