//! Letters leave through one relay, over SMTP (RFC 5321).
//!
//! A conversation runs on a thread of its own that tells of each step before it begins. Whoever waits for it waits no
//! longer than the time limit for each, whatever the relay does: a name server that is silent, a relay that answers a
//! letter a minute, one that never says goodbye. A conversation that nobody waits for any more ends before its next
//! step, so that a letter which counts as not sent does not leave after all. One case remains, as always with SMTP:
//! the relay may take the content and its answer be lost. The letter then goes a second time, with the same
//! `Message-ID`.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use lettre::address::{Address, Envelope};
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{Certificate, CertificateStore, SmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Failure, Letter, Sent};

/// How many of the relay's addresses are tried.
const ADDRESSES: usize = 4;
/// The most characters of a letter's id: with the domain it must fit into a line.
const LONGEST_ID: usize = 128;

/// How the way to the relay is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// TLS after `STARTTLS` (RFC 3207), without which nothing is sent; usually port 587.
    StartTls,
    /// TLS from the first byte (RFC 8314), which is to be preferred; usually port 465.
    Tls,
    /// None, to a relay on the same machine.
    PlainOnLoopback,
}

/// The relay and how we come before it.
#[derive(Clone, PartialEq, Eq)]
pub struct SmtpSettings {
    /// Name or address of the relay. With TLS its certificate must be for this name.
    pub host: String,
    /// Port.
    pub port: u16,
    /// How the way there is protected.
    pub security: Security,
    /// Name to log in with, where the relay wants one.
    pub username: Option<String>,
    /// Password that goes with the name.
    pub password: Option<String>,
    /// Sender: an address, or `Name <address>`.
    pub from: String,
    /// The longest that one step of the conversation may take.
    pub timeout: Duration,
    /// The name by which we greet (RFC 5321 § 4.1.1.1): our host's full name, or its address.
    pub hello_name: String,
    /// PEM file with certificates of a private authority that is trusted besides the public ones.
    pub extra_root: Option<PathBuf>,
}

/// Hides the password.
impl fmt::Debug for SmtpSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpSettings")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("security", &self.security)
            .field("username", &self.username)
            .field("password", &self.password.as_ref().map(|_| "[hidden]"))
            .field("from", &self.from)
            .field("timeout", &self.timeout)
            .field("hello_name", &self.hello_name)
            .field("extra_root", &self.extra_root)
            .finish()
    }
}

/// A setting with which no mail can be sent. Never tells the value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{setting}: {problem}")]
pub struct SettingsFault {
    /// The field of [`SmtpSettings`].
    pub setting: &'static str,
    /// What is wrong.
    pub problem: String,
}

fn fault(setting: &'static str, problem: impl Into<String>) -> SettingsFault {
    SettingsFault { setting, problem: problem.into() }
}

/// The name of this machine as it can stand in a greeting; `localhost` where it has none that can.
#[must_use]
pub fn own_name() -> String {
    let name = ClientId::default().to_string();
    let name = name.trim_matches(['[', ']']);
    let fits = |b: u8| b.is_ascii_alphanumeric() || b".-".contains(&b);
    if !name.is_empty() && name.bytes().all(fits) { name.to_owned() } else { "localhost".to_owned() }
}

/// Sends letters.
pub struct Smtp {
    from: Mailbox,
    relay: Arc<Relay>,
}

/// Shows the relay and no secrets.
impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let relay = &self.relay;
        f.debug_struct("Smtp").field("host", &relay.host).field("port", &relay.port).finish_non_exhaustive()
    }
}

impl Smtp {
    /// Checks the settings and reads the certificates; connects nowhere.
    ///
    /// # Errors
    ///
    /// The first setting with which no mail can be sent.
    pub fn new(settings: SmtpSettings) -> Result<Self, SettingsFault> {
        let is_name =
            |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-".contains(&b));
        let host = settings.host;
        let address = host.parse::<IpAddr>().ok();
        if address.is_none() && !is_name(&host) {
            return Err(fault("host", "must be a host name or an IP address"));
        }
        let encrypted = settings.security != Security::PlainOnLoopback;
        let on_loopback = host.eq_ignore_ascii_case("localhost") || address.is_some_and(is_loopback);
        if !encrypted && !on_loopback {
            return Err(fault("security", "mail without TLS may go to a loopback address only"));
        }
        if settings.timeout.is_zero() {
            return Err(fault("timeout", "must be longer than nothing"));
        }
        let from: Mailbox = settings
            .from
            .parse()
            .ok()
            .filter(|from: &Mailbox| from.email.to_string().is_ascii() && !settings.from.contains(char::is_control))
            .ok_or_else(|| fault("from", "must be an e-mail address in ASCII, or a name and an address in <>"))?;
        let hello = match settings.hello_name.parse() {
            Ok(IpAddr::V4(address)) => ClientId::Ipv4(address),
            Ok(IpAddr::V6(address)) => ClientId::Ipv6(address),
            Err(_) if is_name(&settings.hello_name) => ClientId::Domain(settings.hello_name),
            Err(_) => return Err(fault("hello_name", "must be a host name or an IP address")),
        };
        let credentials = match (settings.username, settings.password) {
            (None, None) => None,
            (Some(username), Some(password)) => Some(Credentials::new(username, password)),
            (Some(_), None) => return Err(fault("password", "must be given where there is a username")),
            (None, Some(_)) => return Err(fault("username", "must be given where there is a password")),
        };
        let tls = if encrypted {
            Some(tls_parameters(&host, settings.extra_root)?)
        } else if settings.extra_root.is_some() {
            return Err(fault("extra_root", "is of no use without TLS"));
        } else {
            None
        };
        let (port, timeout, security) = (settings.port, settings.timeout, settings.security);
        Ok(Self { from, relay: Arc::new(Relay { host, port, timeout, hello, security, tls, credentials }) })
    }

    /// Sends a letter. Returns when the relay has taken it over or one step has taken longer than the time limit;
    /// there are at most eight steps, and one more for each further address of the relay.
    ///
    /// # Errors
    ///
    /// The [`Failure`] is lasting where the letter cannot be written as a mail, or where the relay has refused with
    /// 5xx its reader or content. All else is passing, also a 5xx to our login or our sender address: it says nothing
    /// of the letter, and whoever mends the settings will want the letters to have waited.
    pub fn send(&self, letter: &Letter) -> Result<Sent, Failure> {
        let message_id = self.message_id(letter)?;
        let message = self.message(letter, message_id.clone())?;
        let outgoing = Outgoing { envelope: message.envelope().clone(), content: message.formatted() };
        let relay = Arc::clone(&self.relay);
        let (tell, told) = mpsc::channel();
        thread::Builder::new()
            .name("smtp".to_owned())
            .spawn(move || relay.converse(&outgoing, &tell))
            .map_err(|error| Failure::passing(format!("no thread to send with: {}", error.kind())))?;
        let mut step = Step::Resolve;
        loop {
            match told.recv_timeout(self.relay.timeout) {
                Ok(News::Begins(next)) => step = next,
                Ok(News::Ended(result)) => return result.map(|()| Sent { message_id }),
                Err(RecvTimeoutError::Timeout) => return Err(step.timed_out()),
                Err(RecvTimeoutError::Disconnected) => return Err(Failure::passing(format!("{step}: broke off"))),
            }
        }
    }

    fn message_id(&self, letter: &Letter) -> Result<String, Failure> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
        if !(1..=LONGEST_ID).contains(&letter.id.len()) || !letter.id.bytes().all(allowed) {
            return Err(Failure::lasting("the letter's id cannot stand in a Message-ID"));
        }
        Ok(format!("<{}@{}>", letter.id, self.from.email.domain()))
    }

    fn message(&self, letter: &Letter, message_id: String) -> Result<Message, Failure> {
        if letter.subject.contains(char::is_control) {
            return Err(Failure::lasting("the subject has control characters"));
        }
        // A quoted local part may hold nearly anything, and servers disagree on what it means.
        let to: Address = Some(&letter.to)
            .filter(|to| !to.contains(|c: char| c.is_control() || c.is_whitespace() || "\"<>".contains(c)))
            .and_then(|to| to.parse().ok())
            .ok_or_else(|| Failure::lasting("the reader's address is not an e-mail address"))?;
        // The writer of dates stops the program at a year with more or fewer digits.
        if !(DateTime::<Utc>::UNIX_EPOCH..far_future()).contains(&letter.date) {
            return Err(Failure::lasting("the letter's date is out of range"));
        }
        let header = |name, value: &str| HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned());
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(letter.subject.clone())
            .message_id(Some(message_id))
            .date(SystemTime::from(letter.date))
            // RFC 3834 § 5: no answering machine answers.
            .raw_header(header("Auto-Submitted", "auto-generated"))
            .raw_header(header("Content-Language", letter.lang.code()))
            .header(ContentType::TEXT_PLAIN)
            .body(text_of(&letter.body))
            .map_err(|_| Failure::lasting("the letter cannot be written as a mail"))
    }
}

/// The body with lines that end with `\n` and without other control characters than tabs: a lone `\r` on the wire is
/// a line's end to some servers and none to others, and between them a second mail could be smuggled. The content's
/// own end ends the last line (RFC 5321 § 4.1.1.4).
fn text_of(body: &str) -> String {
    let lines = body.replace("\r\n", "\n").replace('\r', "\n");
    lines.trim_end_matches('\n').replace(|c: char| c.is_control() && c != '\n' && c != '\t', " ")
}

/// The first instant whose year has five digits.
fn far_future() -> DateTime<Utc> {
    DateTime::from_timestamp(253_402_300_800, 0).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// Whether the address is the machine's own; `::ffff:127.0.0.1` is 127.0.0.1.
const fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

fn tls_parameters(host: &str, extra_root: Option<PathBuf>) -> Result<TlsParameters, SettingsFault> {
    let mut builder = TlsParameters::builder(host.to_owned()).certificate_store(CertificateStore::WebpkiRoots);
    if let Some(path) = extra_root {
        let problem = "must be a PEM file of certificates";
        let pem =
            std::fs::read(path).map_err(|error| fault("extra_root", format!("cannot be read: {}", error.kind())))?;
        // A file without any certificate would be read as no certificates.
        if !pem.windows(27).any(|part| part == b"-----BEGIN CERTIFICATE-----") {
            return Err(fault("extra_root", problem));
        }
        builder = builder.add_root_certificate(Certificate::from_pem(&pem).map_err(|_| fault("extra_root", problem))?);
    }
    builder.build().map_err(|_| fault("extra_root", "has a certificate that cannot be used"))
}

/// A letter as it goes over the wire.
struct Outgoing {
    envelope: Envelope,
    content: Vec<u8>,
}

/// What a conversation tells whoever waits for it.
enum News {
    Begins(Step),
    Ended(Result<(), Failure>),
}

/// A part of a conversation that waits for the other side once, or in [`Step::Connect`] for its greeting too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Resolve,
    Connect,
    StartTls,
    Login,
    Sender,
    Reader,
    Data,
    Content,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "looking up the relay's address",
            Self::Connect => "connecting and greeting",
            Self::StartTls => "STARTTLS",
            Self::Login => "AUTH",
            Self::Sender => "MAIL",
            Self::Reader => "RCPT",
            Self::Data => "DATA",
            Self::Content => "the content",
        })
    }
}

impl Step {
    fn timed_out(self) -> Failure {
        Failure::passing(format!("{self}: no answer within the time limit"))
    }

    /// What an error of the client means at this step.
    fn failed(self, error: &SmtpError) -> Failure {
        if let Some(code) = error.status().map(u16::from) {
            // 530 wants a login or TLS (RFC 4954 § 6, RFC 3207 § 4), and some relays say so only at the reader.
            let of_letter = matches!(self, Self::Reader | Self::Data | Self::Content) && code != 530;
            let lasting = error.is_permanent() && of_letter;
            return Failure { lasting, code: Some(code), reason: format!("{self}: the relay answered {code}") };
        }
        let mut source = std::error::Error::source(error);
        while let Some(inner) = source {
            if let Some(io) = inner.downcast_ref::<io::Error>() {
                return self.broken(io);
            }
            source = inner.source();
        }
        Failure::passing(match self {
            Self::StartTls if error.is_client() => format!("{self}: the relay does not offer it"),
            Self::Login if error.is_client() => format!("{self}: the relay offers no way to log in that we know"),
            _ if error.is_response() => format!("{self}: the relay closed the connection or does not speak SMTP"),
            _ => format!("{self}: failed"),
        })
    }

    /// What an error of the network or of TLS means at this step.
    fn broken(self, error: &io::Error) -> Failure {
        match error.kind() {
            // What a socket's own time limit gives differs by platform.
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => self.timed_out(),
            io::ErrorKind::InvalidData => {
                let problem =
                    error.get_ref().map_or("the relay's answer is not text", |tls| tls_problem(&tls.to_string()));
                Failure::passing(format!("{self}: {problem}"))
            }
            kind => Failure::passing(format!("{self}: {kind}")),
        }
    }
}

/// An error of TLS in our own words: the library's may quote what is in the certificate.
fn tls_problem(error: &str) -> &'static str {
    let known = [
        ("UnknownIssuer", "the certificate's issuer is not trusted"),
        ("not valid for name", "the certificate is for another name"),
        ("certificate expired", "the certificate has expired"),
        ("certificate", "the certificate is not valid"),
    ];
    known.iter().find(|(part, _)| error.contains(part)).map_or("TLS failed", |(_, problem)| problem)
}

/// Nobody waits for the conversation any more.
struct Abandoned;

impl From<Abandoned> for Failure {
    fn from(_: Abandoned) -> Self {
        Self::passing("abandoned".to_owned())
    }
}

/// What is needed to speak with the relay.
struct Relay {
    host: String,
    port: u16,
    timeout: Duration,
    hello: ClientId,
    security: Security,
    tls: Option<TlsParameters>,
    credentials: Option<Credentials>,
}

impl Relay {
    /// A whole conversation, told step by step.
    fn converse(&self, outgoing: &Outgoing, tell: &Sender<News>) {
        let begin = |step| tell.send(News::Begins(step)).map(|()| step).map_err(|_| Abandoned);
        let mut connection = None;
        let result = self.talk(outgoing, &begin, &mut connection);
        // Nobody may wait any more, and then nobody needs to know.
        let _ = tell.send(News::Ended(result));
        // The letter's fate is settled: a relay that is slow to say goodbye delays nobody.
        if let Some(mut connection) = connection {
            connection.abort();
        }
    }

    fn talk(
        &self,
        outgoing: &Outgoing,
        begin: &impl Fn(Step) -> Result<Step, Abandoned>,
        connection: &mut Option<SmtpConnection>,
    ) -> Result<(), Failure> {
        begin(Step::Resolve)?;
        let connection = connection.insert(self.connect(&self.addresses()?, begin)?);
        if let (Security::StartTls, Some(tls)) = (self.security, &self.tls) {
            let step = begin(Step::StartTls)?;
            connection.starttls(tls, &self.hello).map_err(|e| step.failed(&e))?;
        }
        if let Some(credentials) = &self.credentials {
            let step = begin(Step::Login)?;
            connection.auth(DEFAULT_MECHANISMS, credentials).map_err(|e| step.failed(&e))?;
        }
        let mut parameters = Vec::new();
        if outgoing.envelope.to().iter().any(|to| !to.to_string().is_ascii()) {
            // RFC 6531 § 3.2
            if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
                return Err(Failure::lasting("the relay takes no addresses beyond ASCII"));
            }
            parameters.push(MailParameter::SmtpUtfEight);
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        let step = begin(Step::Sender)?;
        let sender = Mail::new(outgoing.envelope.from().cloned(), parameters);
        connection.command(sender).map_err(|e| step.failed(&e))?;
        for to in outgoing.envelope.to() {
            let step = begin(Step::Reader)?;
            connection.command(Rcpt::new(to.clone(), Vec::new())).map_err(|e| step.failed(&e))?;
        }
        let step = begin(Step::Data)?;
        connection.command(Data).map_err(|e| step.failed(&e))?;
        let step = begin(Step::Content)?;
        connection.message(&outgoing.content).map_err(|e| step.failed(&e))?;
        Ok(())
    }

    fn addresses(&self) -> Result<Vec<SocketAddr>, Failure> {
        let mut addresses: Vec<SocketAddr> =
            (self.host.as_str(), self.port).to_socket_addrs().map_err(|e| Step::Resolve.broken(&e))?.collect();
        if self.security == Security::PlainOnLoopback {
            addresses.retain(|address| is_loopback(address.ip()));
        }
        addresses.truncate(ADDRESSES);
        Ok(addresses)
    }

    /// Connects to the first address that greets us.
    fn connect(
        &self,
        addresses: &[SocketAddr],
        begin: &impl Fn(Step) -> Result<Step, Abandoned>,
    ) -> Result<SmtpConnection, Failure> {
        let tls = self.tls.as_ref().filter(|_| self.security == Security::Tls);
        let mut failure = Failure::passing(format!("{}: there is none", Step::Resolve));
        for address in addresses {
            let step = begin(Step::Connect)?;
            match SmtpConnection::connect(address, Some(self.timeout), &self.hello, tls, None) {
                Ok(connection) => return Ok(connection),
                Err(error) => failure = step.failed(&error),
            }
        }
        Err(failure)
    }
}
