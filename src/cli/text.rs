//! A statute's text: the operator's file, read for whoever compares, drafts or signs.

use std::fs;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::failure::Failure;
use crate::domain::hex;
use crate::domain::statute::text::{Statute, read};

/// Largest text in bytes. A long statute has some hundred kilobytes.
const LARGEST: u64 = 2 * 1024 * 1024;

/// A text with the digest of its bytes.
pub(super) struct Text {
    /// What it says.
    pub(super) statute: Statute,
    /// SHA-256 in lower-case hexadecimal.
    pub(super) digest: String,
}

/// Reads the text at `path`.
///
/// # Errors
/// A file that cannot be read, is too large or not UTF-8, and a text that is not that of a statute: what was expected.
pub(super) fn text(path: &Path) -> Result<Text, Failure> {
    let shown = path.display();
    let failed = |e: std::io::Error| Failure::other(format!("{shown}: {e}"));
    let size = fs::metadata(path).map_err(failed)?.len();
    if size > LARGEST {
        return Err(Failure::other(format!(
            "{shown}: {size} bytes; at most {LARGEST} are read. Expected the plain text of one statute."
        )));
    }
    let bytes = fs::read(path).map_err(failed)?;
    let digest = hex(&Sha256::digest(&bytes));
    let text = String::from_utf8(bytes).map_err(|_| {
        Failure::other(format!(
            "{shown}: this is not UTF-8. Expected the plain text of a statute, saved as UTF-8: not a PDF, not a word \
             processor's file."
        ))
    })?;
    let statute = read(&text).map_err(|fault| Failure::other(format!("{shown}: {fault}")))?;
    Ok(Text { statute, digest })
}
