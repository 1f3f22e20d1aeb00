//! The secrets: keys of tokens, of the log, and of request digests. They lie in `<data folder>/secrets/`, outside
//! the database, and only their owner may open them.
//!
//! ```text
//! secrets/                0700
//!   tokens/               0700
//!     20260615T101530Z-3fa1.pem    PKCS#8; the name is the key's id, the newest signs
//!   log.pem               PKCS#8; signs the checkpoints of every register's log
//!   requests.key          keys the digests of requests that may arrive twice
//! ```
//!
//! All are made at the first start. A folder or file that others may open is refused, never mended: somebody may
//! have read it already.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::domain::hex;

use chrono::{DateTime, NaiveDateTime, Utc};
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _};

/// Name of the folder inside the data folder.
pub const FOLDER: &str = "secrets";
const TOKENS: &str = "tokens";
const LOG: &str = "log.pem";
const REQUESTS: &str = "requests.key";
const INSTANT: &str = "%Y%m%dT%H%M%SZ";

/// All secrets. Not printable.
pub struct Secrets {
    /// Keys of tokens: the first signs, all verify.
    pub token_keys: Vec<TokenKey>,
    /// Seed of the key that signs checkpoints.
    pub log_seed: [u8; 32],
    /// Key of request digests.
    pub requests: [u8; 32],
}

/// A key of tokens. Not printable.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenKey {
    /// Its id: the file's name.
    pub kid: String,
    /// Ed25519 seed.
    pub seed: [u8; 32],
}

/// Why the secrets cannot be used: a sentence that names the file and never its content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct SecretFault {
    path: PathBuf,
    problem: String,
}

impl SecretFault {
    fn new(path: &Path, problem: impl ToString) -> Self {
        Self { path: path.to_owned(), problem: problem.to_string() }
    }
}

/// Opens the secrets of a data folder and makes those that are not there yet.
///
/// # Errors
/// A folder or file that others may open, a key that cannot be read, a disk that refuses.
pub fn open(data_dir: &Path, now: DateTime<Utc>, keep: Duration) -> Result<Secrets, SecretFault> {
    let dir = folder(data_dir)?;
    if key_files(&dir.join(TOKENS))?.is_empty() {
        add_token_key(&dir, now)?;
    }
    let log = dir.join(LOG);
    if !log.exists() {
        place(&log, pem(&log, &random(&log)?)?.as_bytes())?;
    }
    let requests = dir.join(REQUESTS);
    if !requests.exists() {
        place(&requests, hex(&random(&requests)?).as_bytes())?;
    }
    Ok(Secrets {
        token_keys: token_keys(data_dir, now, keep)?,
        log_seed: read_pem(&log)?,
        requests: read_hex(&requests)?,
    })
}

/// The keys of tokens at `now`: the newest first, then those that it or a later one replaced at most `keep` ago.
///
/// # Errors
/// As [`open`].
pub fn token_keys(data_dir: &Path, now: DateTime<Utc>, keep: Duration) -> Result<Vec<TokenKey>, SecretFault> {
    let files = key_files(&folder(data_dir)?.join(TOKENS))?;
    let mut keys = Vec::new();
    for file in files.iter().filter(|file| file.is_kept(now, keep)) {
        keys.push(TokenKey { kid: file.kid.clone(), seed: read_pem(&file.path)? });
    }
    Ok(keys)
}

/// What a rotation did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// Id of the key that signs from now on.
    pub kid: String,
    /// Ids of keys that had not verified anything for long and are gone.
    pub removed: Vec<String>,
}

/// Adds a key of tokens, which signs from now on, and removes those that no longer verify.
///
/// # Errors
/// As [`open`].
pub fn rotate(data_dir: &Path, now: DateTime<Utc>, keep: Duration) -> Result<Rotation, SecretFault> {
    let dir = folder(data_dir)?;
    let kid = add_token_key(&dir, now)?;
    let mut removed = Vec::new();
    for file in key_files(&dir.join(TOKENS))? {
        if !file.is_kept(now, keep) {
            fs::remove_file(&file.path).map_err(|e| SecretFault::new(&file.path, e))?;
            removed.push(file.kid);
        }
    }
    Ok(Rotation { kid, removed })
}

/// Reads a small file of the secrets folder that is no key, such as the mark of a demonstration.
///
/// # Errors
/// As [`open`]; a file that is not there is `None`.
pub fn read_note(data_dir: &Path, name: &str) -> Result<Option<String>, SecretFault> {
    let path = folder(data_dir)?.join(name);
    if !path.exists() {
        return Ok(None);
    }
    read(&path).map(Some)
}

/// Writes such a file, replacing what it held.
///
/// # Errors
/// As [`open`].
pub fn write_note(data_dir: &Path, name: &str, text: &str) -> Result<(), SecretFault> {
    let path = folder(data_dir)?.join(name);
    let fresh = write_beside(&path, text.as_bytes())?;
    fs::rename(&fresh, &path).map_err(|e| SecretFault::new(&path, e))
}

/// The secrets folder, made if need be, once nobody else may open it.
fn folder(data_dir: &Path) -> Result<PathBuf, SecretFault> {
    let dir = data_dir.join(FOLDER);
    let tokens = dir.join(TOKENS);
    make_private(data_dir)?;
    make_private(&dir)?;
    make_private(&tokens)?;
    private(&dir, "700")?;
    private(&tokens, "700")?;
    Ok(dir)
}

/// Makes a folder that only its owner may open, if there is none.
///
/// # Errors
/// A disk that refuses.
pub fn make_private(dir: &Path) -> Result<(), SecretFault> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(|e| SecretFault::new(dir, e))
}

/// Makes an empty file that only its owner may open, if there is none: the embedded database takes over its mode.
///
/// # Errors
/// A disk that refuses.
pub fn make_private_file(path: &Path) -> Result<(), SecretFault> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => Err(SecretFault::new(path, e)),
        Ok(_) | Err(_) => Ok(()),
    }
}

#[cfg(unix)]
fn private(path: &Path, advised: &str) -> Result<(), SecretFault> {
    use std::os::unix::fs::PermissionsExt as _;
    let found = fs::symlink_metadata(path).map_err(|e| SecretFault::new(path, e))?;
    if found.file_type().is_symlink() {
        return Err(SecretFault::new(
            path,
            "secrets must not be reached over a symbolic link; put the file itself here",
        ));
    }
    let mode = found.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        let problem = format!(
            "others may open it (mode {mode:04o}); see who could have read it, then run chmod {advised} {}",
            path.display()
        );
        return Err(SecretFault::new(path, problem));
    }
    Ok(())
}

#[cfg(not(unix))]
fn private(_path: &Path, _advised: &str) -> Result<(), SecretFault> {
    Ok(())
}

/// A file of a token key.
struct KeyFile {
    kid: String,
    path: PathBuf,
    /// When a newer key took its place.
    replaced: Option<DateTime<Utc>>,
}

impl KeyFile {
    fn is_kept(&self, now: DateTime<Utc>, keep: Duration) -> bool {
        let keep = chrono::Duration::from_std(keep).unwrap_or(chrono::Duration::MAX);
        self.replaced.is_none_or(|at| now.signed_duration_since(at) <= keep)
    }
}

/// The files of token keys, newest first.
fn key_files(dir: &Path) -> Result<Vec<KeyFile>, SecretFault> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(|e| SecretFault::new(dir, e))? {
        let path = entry.map_err(|e| SecretFault::new(dir, e))?.path();
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        let Some(kid) = name.strip_suffix(".pem").filter(|k| !k.starts_with('.')) else {
            continue;
        };
        let made = kid.split_once('-').and_then(|(at, _)| NaiveDateTime::parse_from_str(at, INSTANT).ok()).ok_or_else(
            || {
                let problem = "a key's name begins with the instant it was made, as 20260615T101530Z-3fa1.pem";
                SecretFault::new(&path, problem)
            },
        )?;
        found.push((made.and_utc(), kid.to_owned(), path));
    }
    found.sort();
    let mut files: Vec<KeyFile> = Vec::new();
    let mut replaced = None;
    for (made, kid, path) in found.into_iter().rev() {
        files.push(KeyFile { kid, path, replaced });
        replaced = Some(made);
    }
    Ok(files)
}

fn add_token_key(dir: &Path, now: DateTime<Utc>) -> Result<String, SecretFault> {
    let tokens = dir.join(TOKENS);
    let seed = random(&tokens)?;
    let tail: String = hex(&random(&tokens)?).chars().take(4).collect();
    let kid = format!("{}-{tail}", now.format(INSTANT));
    let path = tokens.join(format!("{kid}.pem"));
    place(&path, pem(&path, &seed)?.as_bytes())?;
    Ok(kid)
}

/// Puts a file in its place whole, or leaves the one that another process put there meanwhile.
fn place(path: &Path, content: &[u8]) -> Result<(), SecretFault> {
    let fresh = write_beside(path, content)?;
    let placed = match fs::hard_link(&fresh, path) {
        Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => Err(SecretFault::new(path, e)),
        Ok(()) | Err(_) => Ok(()),
    };
    fs::remove_file(&fresh).map_err(|e| SecretFault::new(&fresh, e))?;
    placed
}

fn write_beside(path: &Path, content: &[u8]) -> Result<PathBuf, SecretFault> {
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
    let tail: String = hex(&random(path)?).chars().take(12).collect();
    let fresh = path.with_file_name(format!(".{name}.{tail}"));
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let write = || {
        let mut file = options.open(&fresh)?;
        file.write_all(content)?;
        file.sync_all()
    };
    write().map_err(|e| SecretFault::new(&fresh, e))?;
    Ok(fresh)
}

fn read(path: &Path) -> Result<String, SecretFault> {
    private(path, "600")?;
    fs::read_to_string(path).map_err(|e| SecretFault::new(path, e))
}

fn random(at: &Path) -> Result<[u8; 32], SecretFault> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|e| SecretFault::new(at, e))?;
    Ok(bytes)
}

fn pem(at: &Path, seed: &[u8; 32]) -> Result<String, SecretFault> {
    let pem = SigningKey::from_bytes(seed).to_pkcs8_pem(LineEnding::LF).map_err(|e| SecretFault::new(at, e))?;
    Ok(pem.as_str().to_owned())
}

fn read_pem(path: &Path) -> Result<[u8; 32], SecretFault> {
    let key = SigningKey::from_pkcs8_pem(&read(path)?)
        .map_err(|_| SecretFault::new(path, "it is no Ed25519 key in PKCS#8 PEM; restore it from a copy"))?;
    Ok(key.to_bytes())
}

fn read_hex(path: &Path) -> Result<[u8; 32], SecretFault> {
    let text = read(path)?;
    let fault = || SecretFault::new(path, "it is not 64 hexadecimal digits; restore it from a copy");
    let digits = text
        .trim()
        .chars()
        .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
        .collect::<Option<Vec<u8>>>()
        .ok_or_else(fault)?;
    let bytes: Vec<u8> =
        digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |sum, digit| sum << 4 | digit)).collect();
    bytes.try_into().map_err(|_| fault())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEEP: Duration = Duration::from_secs(24 * 3600);

    fn at(hour: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + hour * 3600, 0).unwrap()
    }

    #[test]
    fn secrets_are_made_once_and_stay() {
        let dir = tempfile::tempdir().unwrap();
        let first = open(dir.path(), at(0), KEEP).unwrap();
        let again = open(dir.path(), at(1), KEEP).unwrap();
        assert!(first.token_keys == again.token_keys && first.token_keys.len() == 1);
        assert!(first.log_seed == again.log_seed && first.requests == again.requests);
        assert_ne!(first.log_seed, first.requests);
        let other = tempfile::tempdir().unwrap();
        assert!(open(other.path(), at(0), KEEP).unwrap().log_seed != first.log_seed);
    }

    #[cfg(unix)]
    #[test]
    fn what_others_may_open_is_refused_with_the_remedy() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        open(dir.path(), at(0), KEEP).unwrap();
        let secrets = dir.path().join(FOLDER);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let key = fs::read_dir(secrets.join(TOKENS)).unwrap().next().unwrap().unwrap().path();
        let all = [
            (secrets.clone(), 0o700),
            (secrets.join(TOKENS), 0o700),
            (key, 0o600),
            (secrets.join(LOG), 0o600),
            (secrets.join(REQUESTS), 0o600),
        ];
        for (path, right) in all {
            assert_eq!(mode(&path), right, "{}", path.display());
            for wrong in [right | 0o040, right | 0o004, right | 0o020] {
                fs::set_permissions(&path, fs::Permissions::from_mode(wrong)).unwrap();
                let fault = open(dir.path(), at(0), KEEP).err().unwrap().to_string();
                assert!(
                    fault.contains(&path.display().to_string()) && fault.contains(&format!("chmod {right:o}")),
                    "{fault}"
                );
            }
            fs::set_permissions(&path, fs::Permissions::from_mode(right)).unwrap();
        }
        assert!(open(dir.path(), at(0), KEEP).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn a_symbolic_link_is_no_secret() {
        let dir = tempfile::tempdir().unwrap();
        open(dir.path(), at(0), KEEP).unwrap();
        let log = dir.path().join(FOLDER).join(LOG);
        let elsewhere = dir.path().join("elsewhere.pem");
        fs::rename(&log, &elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &log).unwrap();
        let fault = open(dir.path(), at(0), KEEP).err().unwrap().to_string();
        assert!(fault.contains("symbolic link"), "{fault}");
    }

    #[test]
    fn after_a_rotation_the_newest_signs_and_the_former_verifies_for_a_while() {
        let dir = tempfile::tempdir().unwrap();
        open(dir.path(), at(0), KEEP).unwrap();
        let second = rotate(dir.path(), at(100), KEEP).unwrap();
        let keys = token_keys(dir.path(), at(101), KEEP).unwrap();
        assert_eq!(keys.len(), 2, "the first was replaced an hour ago");
        assert_eq!(keys[0].kid, second.kid, "the newest signs");
        let first = keys[1].kid.clone();
        assert_eq!(token_keys(dir.path(), at(125), KEEP).unwrap().len(), 1);
        let third = rotate(dir.path(), at(200), KEEP).unwrap();
        assert_eq!(third.removed, [first], "it had not verified for long");
        let kids: Vec<String> = token_keys(dir.path(), at(200), KEEP).unwrap().into_iter().map(|k| k.kid).collect();
        assert_eq!(kids, [third.kid, second.kid]);
    }

    #[test]
    fn damaged_secrets_are_named_and_never_shown() {
        let dir = tempfile::tempdir().unwrap();
        open(dir.path(), at(0), KEEP).unwrap();
        for (file, content) in [(REQUESTS, "abc123"), (LOG, "-----BEGIN abc123")] {
            let path = dir.path().join(FOLDER).join(file);
            let whole = fs::read(&path).unwrap();
            fs::write(&path, content).unwrap();
            let fault = open(dir.path(), at(0), KEEP).err().unwrap().to_string();
            assert!(fault.contains(file) && !fault.contains("abc123"), "{fault}");
            fs::write(&path, whole).unwrap();
        }
    }

    #[test]
    fn notes_are_kept_and_replaced() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read_note(dir.path(), "note").unwrap(), None);
        write_note(dir.path(), "note", "one").unwrap();
        write_note(dir.path(), "note", "two").unwrap();
        assert_eq!(read_note(dir.path(), "note").unwrap().as_deref(), Some("two"));
    }
}
