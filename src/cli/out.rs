//! Answers on standard output. A reader that has seen enough and closes the pipe (`… | head`) is no failure.

use std::fmt;
use std::io::{ErrorKind, Write as _};

use super::failure::Failure;

/// Writes `text` and ends the line.
///
/// # Errors
/// An output that refuses, such as a full disk.
pub(super) fn line(text: impl fmt::Display) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::other(format!("the answer cannot be written: {e}")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}
