//! The list of erasures beside the copies: what was erased since a copy must not come back with it.
//!
//! `erasures.ndjson`, one erasure a line, only ever appended to. It names records by their ids and says nothing of them.
//! A line that is damaged stops a restore: an erasure that cannot be read cannot be replayed.

use std::fs::OpenOptions;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::Error;
pub use crate::domain::backup::Erasure;
use crate::domain::hex;

/// Name of the list in the folder of the copies.
pub const FILE: &str = "erasures.ndjson";

/// The list, read whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// Erasures in the order of the list.
    pub erasures: Vec<Erasure>,
    /// SHA-256 over the list up to and including each line, in lower-case hexadecimal; of the empty list first.
    pub digests: Vec<String>,
}

impl List {
    /// How many there are.
    pub fn lines(&self) -> u64 {
        u64::try_from(self.erasures.len()).unwrap_or(u64::MAX)
    }

    /// SHA-256 of the whole list.
    pub fn digest(&self) -> &str {
        self.digests.last().map_or("", String::as_str)
    }
}

/// Where the list of a folder is.
pub fn path(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

fn bad(path: &Path, line: usize, what: &str) -> Error {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Error::damaged(&format!("{name}:{line}"), format!("{what}; mend the list from the acts of destruction"))
}

/// Appends erasures to the list in `folder`, and returns when they are on the disk. The list is made where there is none.
/// Nothing is appended to a list that does not end with a whole line.
///
/// # Errors
/// The disk's own; a list whose last line is not whole.
pub fn append(folder: &Path, erasures: &[Erasure]) -> Result<(), Error> {
    let path = path(folder);
    let failed = |source| Error::File { path: path.clone(), source };
    super::folder::make(folder)?;
    let fresh = !path.exists();
    let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(&path).map_err(failed)?;
    // Several registers erase at once, and a copy being made reads the list: nobody sees half a line.
    file.lock().map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    if size > 0 {
        let mut last = [0_u8; 1];
        file.seek(SeekFrom::End(-1)).and_then(|_| file.read_exact(&mut last)).map_err(failed)?;
        if last != *b"\n" {
            return Err(bad(&path, lines_of(&path)?, "the last line is not whole"));
        }
    }
    let mut text = String::new();
    for erasure in erasures {
        text.push_str(&serde_json::to_string(erasure).map_err(|e| failed(e.into()))?);
        text.push('\n');
    }
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    if fresh {
        super::folder::sync(folder)?;
    }
    Ok(())
}

fn lines_of(path: &Path) -> Result<usize, Error> {
    let bytes = std::fs::read(path).map_err(Error::file(path))?;
    Ok(bytes.split(|b| *b == b'\n').count())
}

/// Reads the list at `path`.
///
/// # Errors
/// No list; a line that is damaged, with its number.
pub fn read(path: &Path) -> Result<List, Error> {
    let mut text = Vec::new();
    let mut file = std::fs::File::open(path).map_err(Error::file(path))?;
    file.lock_shared().and_then(|()| file.read_to_end(&mut text)).map_err(Error::file(path))?;
    let mut digest = Sha256::new();
    let mut list = List { erasures: Vec::new(), digests: vec![hex(&digest.clone().finalize())] };
    for (n, line) in text.split_inclusive(|b| *b == b'\n').enumerate() {
        let whole = line.strip_suffix(b"\n").ok_or_else(|| bad(path, n + 1, "the line is not whole"))?;
        let erasure = serde_json::from_slice(whole).map_err(|_| bad(path, n + 1, "the line is damaged"))?;
        list.erasures.push(erasure);
        digest.update(line);
        list.digests.push(hex(&digest.clone().finalize()));
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn erasure(n: i64) -> Erasure {
        Erasure {
            register: "r".into(),
            record_id: Uuid::nil(),
            record_type: "boat".into(),
            fields: (n % 2 == 0).then(|| vec!["pay".into()]),
            rules: serde_json::json!([]),
            erased_at: n,
            batch_id: Uuid::nil(),
        }
    }

    #[test]
    fn the_list_grows_and_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        append(folder.path(), &[]).unwrap();
        assert_eq!(read(&path(folder.path())).unwrap().lines(), 0);
        append(folder.path(), &[erasure(1), erasure(2)]).unwrap();
        let before = read(&path(folder.path())).unwrap();
        append(folder.path(), &[erasure(3)]).unwrap();
        let list = read(&path(folder.path())).unwrap();
        assert_eq!(list.erasures, [erasure(1), erasure(2), erasure(3)]);
        assert_eq!(list.digests[2], before.digest(), "what stood there stays");
    }

    #[test]
    fn a_damaged_line_is_refused_with_its_number() {
        let folder = tempfile::tempdir().unwrap();
        append(folder.path(), &[erasure(1), erasure(2)]).unwrap();
        let at = path(folder.path());
        let whole = std::fs::read_to_string(&at).unwrap();
        for (text, line) in [
            (whole.replace("\"erased_at\":2", "\"erased_at\":\"two\""), 2),
            (whole.replacen("\"register\"", "\"registre\"", 1), 1),
            (whole[..whole.len() - 1].to_owned(), 2),
            (whole[..whole.len() - 9].to_owned(), 2),
            (format!("\n{whole}"), 1),
        ] {
            std::fs::write(&at, &text).unwrap();
            let error = read(&at).unwrap_err().to_string();
            assert!(error.starts_with(&format!("erasures.ndjson:{line}: ")), "{error}");
        }
        std::fs::write(&at, &whole[..whole.len() - 1]).unwrap();
        assert!(append(folder.path(), &[erasure(3)]).is_err(), "nothing is glued to half a line");
    }
}
