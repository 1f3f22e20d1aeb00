//! A real SMTP server for tests, and certificates for it: `tests/smtp/server.py` and the `openssl` command.

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

const SERVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/smtp/server.py");
const INSTALL: &str =
    "the mail tests need a Python with aiosmtpd and openssl: apt-get install python3-aiosmtpd openssl";

/// A server that is running. Ends when dropped.
pub struct SmtpServer {
    process: Child,
    port: u16,
    folder: TempDir,
}

/// A message that the server took over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The address of `MAIL FROM`.
    pub mail_from: String,
    /// The addresses of `RCPT TO`.
    pub rcpt_to: Vec<String>,
    /// What came over the wire.
    pub raw: String,
    /// The headers as Python's parser decodes them, in their order.
    pub headers: Vec<(String, String)>,
    /// The body as Python's parser decodes it; `\n` stands between lines and none at the end.
    pub body: String,
}

impl Received {
    /// The one header of that name.
    pub fn header(&self, name: &str) -> &str {
        let found: Vec<_> = self.headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name)).collect();
        assert_eq!(found.len(), 1, "{name} stands once in {:?}", self.headers);
        &found[0].1
    }
}

impl SmtpServer {
    /// Starts a server that behaves as `mode` says (see `tests/smtp/server.py`), without TLS and login.
    pub fn start(mode: &str) -> Self {
        Self::start_with(mode, &[])
    }

    /// The same with more arguments, such as `--auth user:pass`.
    pub fn start_with(mode: &str, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut process = Command::new(python())
            .arg(SERVER)
            .args(["--mode", mode, "--dir"])
            .arg(folder.path())
            .args(arguments)
            // It ends with us, even if we are killed.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect(INSTALL);
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.strip_prefix("port ").and_then(|port| port.trim().parse().ok());
        let port = port.unwrap_or_else(|| panic!("the SMTP server did not start (it says {line:?} and why above)"));
        Self { process, port, folder }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// All messages that it took over, in their order.
    pub fn messages(&self) -> Vec<Received> {
        let mut files: Vec<PathBuf> = std::fs::read_dir(self.folder.path())
            .unwrap()
            .map(|item| item.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "eml"))
            .collect();
        files.sort();
        files.iter().map(|path| received(path)).collect()
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn received(eml: &Path) -> Received {
    let read = |extension| std::fs::read_to_string(eml.with_extension(extension)).unwrap();
    let mut envelope = read("envelope").lines().map(str::to_owned).collect::<Vec<_>>().into_iter();
    let split = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
    Received {
        mail_from: envelope.next().unwrap(),
        rcpt_to: envelope.collect(),
        raw: read("eml"),
        headers: read("headers").lines().filter_map(split).collect(),
        body: read("body"),
    }
}

/// The first Python here that has aiosmtpd. The one on the path may be another than the system's.
fn python() -> &'static str {
    static PYTHON: OnceLock<Option<&str>> = OnceLock::new();
    let has_it = |python: &&str| {
        let probe = Command::new(python).args(["-c", "import aiosmtpd"]).stderr(Stdio::null()).status();
        probe.is_ok_and(|status| status.success())
    };
    PYTHON.get_or_init(|| ["python3", "/usr/bin/python3"].into_iter().find(has_it)).expect(INSTALL)
}

/// A certificate that vouches for itself, and its key.
pub struct SelfSigned {
    folder: TempDir,
}

impl SelfSigned {
    /// Makes one with `openssl`; `names` as in `subjectAltName`, such as `IP:127.0.0.1`.
    pub fn new(names: &str) -> Self {
        let made = Self { folder: tempfile::tempdir().unwrap() };
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem";
        let certificate = "-x509 -days 2 -subj /CN=relay.test -addext basicConstraints=critical,CA:FALSE";
        made.openssl(&format!("req {key} {certificate} -addext subjectAltName={names} -out certificate.pem"));
        made
    }

    /// One that is no longer valid.
    pub fn expired(names: &str) -> Self {
        let made = Self::new(names);
        made.openssl("x509 -in certificate.pem -signkey key.pem -days 0 -out certificate.pem");
        // It was valid for the second in which it was made.
        std::thread::sleep(std::time::Duration::from_millis(1100));
        made
    }

    fn openssl(&self, arguments: &str) {
        let mut openssl = Command::new("openssl");
        openssl.args(arguments.split(' ')).current_dir(self.folder.path());
        let done = openssl.output().expect(INSTALL);
        assert!(done.status.success(), "openssl: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// The certificate, as PEM.
    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }

    /// Two arguments of the server: certificate and key.
    pub fn arguments(&self) -> [String; 2] {
        ["certificate.pem", "key.pem"].map(|name| self.folder.path().join(name).display().to_string())
    }
}
