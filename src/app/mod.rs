//! One act per file: the whole story of an act reads top to bottom. Parse → authorise → facts → decide → apply.
//!
//! Acts take an [`ActContext`] (who, why, under which request) and typed input; they know no HTTP. What they return
//! is [`Disclosed`]: its log entry is durable.

pub mod backups;
pub mod bring;
pub mod browser;
pub mod cases;
pub mod closing;
pub mod confirmations;
pub mod definitions;
pub mod desk;
pub mod disclosure;
pub mod documents;
pub mod error;
pub mod exchanges;
pub mod files_of;
pub mod grants;
pub mod imports;
pub mod jobs;
pub mod leavers;
mod leaving;
pub mod login;
pub mod me;
pub mod media;
pub mod moves;
pub mod own_data;
pub mod password;
pub mod people;
pub mod publications;
pub mod queue;
pub mod read_audit;
pub mod records;
pub mod registers;
pub mod reports;
pub mod retention;
pub mod retention_screens;
pub mod setup;
pub mod supervise;
pub mod tokens;
pub mod uploads;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use error::Error;

use uuid::Uuid;

use crate::domain::audit::checkpoint::{NoteSigner, NoteVerifier};
use crate::domain::refusal::Refusal;
use crate::store::Store;
pub use crate::store::{ActContext, Caller, Disclosed, Idempotency};

/// The id after which a page begins.
fn cursor(text: Option<&str>) -> Result<Option<Uuid>, Refusal> {
    text.map(|t| {
        Uuid::parse_str(t).map_err(|_| Refusal::invalid("/cursor", "cursor", "the cursor is not one of ours", None))
    })
    .transpose()
}

/// Everything that acts need: the store, the keys, the limits.
pub struct App {
    /// Where everything is kept.
    pub store: Arc<Store>,
    /// Keys of access tokens and of idempotency digests.
    pub tokens: tokens::Tokens,
    /// What signs the checkpoints of the logs.
    pub log_keys: LogKeys,
    /// Password rules.
    pub passwords: password::Policy,
    /// Largest file that is taken, in bytes.
    pub largest_file: usize,
    /// Bounds how many passwords are hashed at once, so that logins cannot starve everything else.
    pub hashing: tokio::sync::Semaphore,
    /// What every page asks about its user, kept for a moment.
    pub facts: desk::FactsKept,
    /// What trials of sheets told, kept for as long as somebody works on them.
    pub trials: uploads::TrialsKept,
    /// Where packages for the archive are made and kept.
    pub keeping: retention::Keeping,
    /// Where copies of the database are made, once that is known.
    pub backup: std::sync::OnceLock<Arc<crate::backup::Place>>,
}

/// What signs checkpoints: one seed outside the database, one name for each register.
pub struct LogKeys {
    /// Domain under which the origins of the logs stand (`andmekogu.example`).
    pub domain: String,
    /// The Ed25519 seed.
    pub seed: [u8; 32],
    /// Folder of the keys of single registers: `<register>.seed`, where one has a seed of its own, and
    /// `<register>.vkey`, the public key that is left of a register that has come to its end, or that was brought here
    /// from elsewhere.
    pub own: Option<PathBuf>,
}

/// What became of a register's key at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyEnd {
    /// Its own seed was destroyed.
    Destroyed,
    /// Other registers sign with the same seed: it is never used again for this one.
    Retired,
}

impl KeyEnd {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Destroyed => "destroyed",
            Self::Retired => "retired",
        }
    }
}

impl LogKeys {
    /// Origin of a register's log: its short name under the domain.
    pub fn origin(&self, register: &str) -> String {
        format!("{}/{register}", self.domain)
    }

    /// The signer of a register's checkpoints: by a seed of its own where it has one, else by the same for all; under
    /// a name (and so a key id) of its own.
    ///
    /// # Errors
    /// When the name cannot be a key name; when the register has come to its end, and its key with it.
    pub fn signer(&self, register: &str) -> Result<NoteSigner, Error> {
        let own = self.read(register, "seed")?;
        if own.is_none() && self.read(register, "vkey")?.is_some() {
            return Err(Error::Setup(format!("{register} has come to its end: nothing is signed for it any more")));
        }
        let seed = match own {
            Some(text) => {
                unhex(&text).ok_or_else(|| Error::Setup(format!("the file of the key of {register} holds no key")))?
            }
            None => self.seed,
        };
        NoteSigner::new(self.origin(register), &seed).map_err(|e| Error::Setup(e.to_string()))
    }

    /// The key by which a register's checkpoints are verified: also after its end.
    ///
    /// # Errors
    /// When the name cannot be a key name.
    pub fn vkey(&self, register: &str) -> Result<String, Error> {
        match self.read(register, "vkey")? {
            Some(kept) => Ok(kept.trim().to_owned()),
            None => Ok(self.signer(register)?.vkey()),
        }
    }

    /// What verifies a register's checkpoints.
    pub fn verifier(&self, register: &str) -> Option<NoteVerifier> {
        NoteVerifier::parse(&self.vkey(register).ok()?).ok()
    }

    /// Gives a register a seed of its own, so that it can be destroyed with the register. Before its first checkpoint:
    /// one that was handed out is verified by the key that signed it.
    ///
    /// # Errors
    /// There is no folder; the register has one already; the disk.
    pub fn make_own(&self, register: &str) -> Result<(), Error> {
        let mut seed = [0_u8; 32];
        getrandom::fill(&mut seed).map_err(|e| Error::Setup(e.to_string()))?;
        let path = self.path(register, "seed")?;
        let text = crate::domain::hex(&seed);
        private_file(&path)
            .and_then(|mut file| {
                file.write_all(text.as_bytes())?;
                file.sync_all()
            })
            .map_err(|e| Error::Setup(format!("{}: {e}", path.display())))
    }

    /// What will become of a register's key.
    ///
    /// # Errors
    /// The disk.
    pub fn end_of(&self, register: &str) -> Result<KeyEnd, Error> {
        Ok(if self.read(register, "seed")?.is_some() { KeyEnd::Destroyed } else { KeyEnd::Retired })
    }

    /// Destroys a register's own seed after its last checkpoint, and keeps the public key. It may be done twice.
    ///
    /// # Errors
    /// There is no folder; the disk.
    pub fn destroy(&self, register: &str) -> Result<(), Error> {
        if self.read(register, "vkey")?.is_none() {
            let vkey = self.signer(register)?.vkey();
            self.keep(register, &vkey)?;
        }
        let path = self.path(register, "seed")?;
        if path.exists() {
            let gone = std::fs::OpenOptions::new().write(true).open(&path).and_then(|mut file| {
                file.write_all(&[b'0'; 64])?;
                file.sync_all()
            });
            gone.and_then(|()| std::fs::remove_file(&path))
                .map_err(|e| Error::Setup(format!("{}: {e}", path.display())))?;
        }
        Ok(())
    }

    /// Keeps the public key of a register that nothing is signed for here.
    ///
    /// # Errors
    /// There is no folder; the disk.
    pub fn keep(&self, register: &str, vkey: &str) -> Result<(), Error> {
        let path = self.path(register, "vkey")?;
        let part = path.with_extension("vkey.part");
        std::fs::write(&part, format!("{}\n", vkey.trim()))
            .and_then(|()| std::fs::File::open(&part)?.sync_all())
            .and_then(|()| std::fs::rename(&part, &path))
            .map_err(|e| Error::Setup(format!("{}: {e}", path.display())))
    }

    fn path(&self, register: &str, end: &str) -> Result<PathBuf, Error> {
        let none = || Error::Setup("no folder is set up for the keys of single registers".into());
        let folder = self.own.clone().ok_or_else(none)?;
        if register.is_empty() || register.contains(['/', '\\', '\0']) || register.starts_with('.') {
            return Err(Error::Setup("the name of the register is no file name".into()));
        }
        std::fs::create_dir_all(&folder).map_err(|e| Error::Setup(format!("{}: {e}", folder.display())))?;
        Ok(folder.join(format!("{register}.{end}")))
    }

    fn read(&self, register: &str, end: &str) -> Result<Option<String>, Error> {
        let Some(folder) = &self.own else { return Ok(None) };
        let path = folder.join(format!("{register}.{end}"));
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(Error::Setup(format!("{}: {e}", path.display()))),
        }
    }
}

/// A new file that only its owner may open.
fn private_file(path: &Path) -> std::io::Result<std::fs::File> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let text = text.trim();
    let mut out = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (n, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * n..2 * n + 2)?, 16).ok()?;
    }
    Some(out)
}
