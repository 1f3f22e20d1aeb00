//! Reads a package of a closed register back: what went into it comes out of it, page by page.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use super::{ArchiveError, Package, check};
use crate::domain::statute::Definition;

const DATA: &str = "representations/rep1/data";

/// A package that is whole, open for reading.
#[derive(Debug, Clone)]
pub struct Opened {
    /// What was found of it.
    pub package: Package,
    /// The versions of the definition, oldest first.
    pub definitions: Vec<Definition>,
    /// The signed checkpoint to which everything leads.
    pub checkpoint: String,
    /// The key that came with it.
    pub vkey: String,
    sip: PathBuf,
}

/// A line of the log.
#[derive(Debug, Clone, Deserialize)]
pub struct LogLine {
    /// Place.
    pub seq: u64,
    /// The exact leaf.
    pub leaf: String,
    /// Salt in Base64.
    pub salt: Option<String>,
    /// The event.
    pub event: Option<Value>,
}

/// A checkpoint that was handed out.
#[derive(Debug, Clone, Deserialize)]
pub struct CheckpointLine {
    /// Leaves.
    pub size: i64,
    /// Signed note.
    pub note: String,
    /// When, RFC 3339.
    pub made_at: String,
}

/// A record.
#[derive(Debug, Clone, Deserialize)]
pub struct ReadRecord {
    /// Id.
    pub record_id: Uuid,
    /// Type.
    pub record_type: String,
    /// The institution that held it.
    pub institution_id: Option<Uuid>,
    /// The data as last known.
    pub state: Value,
    /// Its entries, by number.
    pub entries: Vec<ReadEntry>,
    /// Base documents.
    pub documents: Vec<ReadDocument>,
    /// Files that its fields name.
    pub files: Vec<ReadFile>,
    /// Places of its events in the log.
    pub proofs: Vec<u64>,
}

/// An entry.
#[derive(Debug, Clone, Deserialize)]
pub struct ReadEntry {
    /// Id.
    pub id: Uuid,
    /// Number.
    pub number: i64,
    /// Kind.
    pub kind: String,
    /// The day from which it is true.
    pub effective_on: NaiveDate,
    /// When the register learnt it.
    pub recorded_at: String,
    /// What was entered.
    pub data: Value,
    /// Why.
    pub reason: Option<String>,
    /// The entry that it corrects.
    pub supersedes: Option<Uuid>,
    /// Who made it, by name.
    pub actor: String,
    /// The definition under which.
    pub definition_digest: String,
    /// Base documents.
    pub base_documents: Vec<Uuid>,
}

/// A base document.
#[derive(Debug, Clone, Deserialize)]
pub struct ReadDocument {
    /// Id.
    pub id: Uuid,
    /// Kind.
    pub kind: String,
    /// Number.
    pub number: Option<String>,
    /// Its day.
    pub date: Option<NaiveDate>,
    /// Title.
    pub title: String,
    /// Its file.
    pub file: Option<ReadFile>,
}

/// A stored file.
#[derive(Debug, Clone, Deserialize)]
pub struct ReadFile {
    /// SHA-256 in lower-case hexadecimal.
    pub sha256: String,
    /// The name under which it came.
    pub file_name: String,
    /// Type.
    pub media_type: String,
    /// Where it lies in the package.
    pub path: String,
}

fn invalid(what: impl Into<String>) -> ArchiveError {
    ArchiveError::Invalid(what.into())
}

/// Opens the package in a folder, after checking all of it.
///
/// # Errors
/// [`ArchiveError::Invalid`] for one that is not whole, or that holds no log; [`ArchiveError::Io`].
pub fn open(folder: &Path) -> Result<Opened, ArchiveError> {
    let package = check(folder)?;
    let data = folder.join("data");
    let mut sips = fs::read_dir(&data).map_err(ArchiveError::at(&data))?;
    let sip = sips.next().ok_or_else(|| invalid("the payload is empty"))?.map_err(ArchiveError::at(&data))?.path();
    let text = |name: &str| {
        let path = sip.join(DATA).join("log").join(name);
        fs::read_to_string(&path).map_err(ArchiveError::at(&path))
    };
    if !sip.join(DATA).join("log/export.ndjson").exists() {
        return Err(invalid("it holds no log: only the package of a register that was closed can be read back"));
    }
    let (checkpoint, vkey) = (text("checkpoint.txt")?, text("vkey.txt")?.trim().to_owned());
    #[derive(Deserialize)]
    struct Version {
        in_force_from: NaiveDate,
        definition: Definition,
    }
    let documentation = sip.join("documentation");
    let mut found: Vec<(NaiveDate, Definition)> = Vec::new();
    for item in fs::read_dir(&documentation).map_err(ArchiveError::at(&documentation))? {
        let path = item.map_err(ArchiveError::at(&documentation))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with("definition-") {
            let file = BufReader::new(File::open(&path).map_err(ArchiveError::at(&path))?);
            let read: Version =
                serde_json::from_reader(file).map_err(|_| invalid(format!("{name} is no definition")))?;
            found.push((read.in_force_from, read.definition));
        }
    }
    if found.is_empty() {
        return Err(invalid("it holds no definition"));
    }
    found.sort_by_key(|(from, _)| *from);
    let definitions = found.into_iter().map(|(_, definition)| definition).collect();
    Ok(Opened { package, definitions, checkpoint, vkey, sip })
}

impl Opened {
    /// The register's short name.
    pub fn register(&self) -> &str {
        self.definitions.last().map_or("", |d| d.register.short_name.as_str())
    }

    /// Hands every line of the log to `each`, in their order.
    ///
    /// # Errors
    /// [`ArchiveError`], and those of `each`.
    pub fn log<E: From<ArchiveError>>(&self, each: impl FnMut(LogLine) -> Result<(), E>) -> Result<(), E> {
        self.lines("log/export.ndjson", each)
    }

    /// Hands every checkpoint to `each`.
    ///
    /// # Errors
    /// As [`Opened::log`].
    pub fn checkpoints<E: From<ArchiveError>>(
        &self,
        each: impl FnMut(CheckpointLine) -> Result<(), E>,
    ) -> Result<(), E> {
        self.lines("log/checkpoints.ndjson", each)
    }

    /// Hands every record to `each`, type by type.
    ///
    /// # Errors
    /// As [`Opened::log`].
    pub fn records<E: From<ArchiveError>>(&self, mut each: impl FnMut(ReadRecord) -> Result<(), E>) -> Result<(), E> {
        self.package.counts.keys().try_for_each(|name| self.lines(&format!("{name}.ndjson"), &mut each))
    }

    /// The bytes of a stored file.
    ///
    /// # Errors
    /// [`ArchiveError`].
    pub fn file(&self, file: &ReadFile) -> Result<Vec<u8>, ArchiveError> {
        // What a package says of a path must not lead out of it.
        if file.path.split('/').any(|part| part.is_empty() || part == "..") {
            return Err(invalid("the path of a file leads out of the package"));
        }
        let path = self.sip.join(DATA).join(&file.path);
        fs::read(&path).map_err(ArchiveError::at(&path))
    }

    fn lines<T: DeserializeOwned, E: From<ArchiveError>>(
        &self,
        name: &str,
        mut each: impl FnMut(T) -> Result<(), E>,
    ) -> Result<(), E> {
        let path = self.sip.join(DATA).join(name);
        let file = BufReader::new(File::open(&path).map_err(ArchiveError::at(&path))?);
        for line in file.lines() {
            let line = line.map_err(ArchiveError::at(&path))?;
            let read =
                serde_json::from_str(&line).map_err(|_| invalid(format!("{name} holds a line of another form")))?;
            each(read)?;
        }
        Ok(())
    }
}
