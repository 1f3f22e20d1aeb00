//! Passwords at the command line: from a file, from a pipe, or typed twice unseen; never from the arguments, which
//! others can see.

use std::io::{IsTerminal as _, Read as _};
use std::path::Path;

use console::Term;

use super::failure::Failure;

/// The password in `file` (its first line), else on standard input, else as typed at the terminal.
///
/// # Errors
/// A file that cannot be read, an empty line, two that differ.
pub(super) fn read(file: Option<&Path>) -> Result<String, Failure> {
    let failed = |e: std::io::Error| Failure::other(format!("the password cannot be read: {e}"));
    let text = match file {
        Some(file) => std::fs::read_to_string(file).map_err(failed)?,
        None if std::io::stdin().is_terminal() => typed().map_err(failed)?,
        None => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map_err(failed)?;
            text
        }
    };
    let first = text.lines().next().unwrap_or_default().to_owned();
    if first.is_empty() {
        return Err(Failure::other("there is no password: the first line is empty"));
    }
    Ok(first)
}

fn typed() -> std::io::Result<String> {
    let terminal = Term::stderr();
    terminal.write_str("Password: ")?;
    let first = terminal.read_secure_line()?;
    terminal.write_str("Again: ")?;
    let second = terminal.read_secure_line()?;
    if first == second { Ok(first) } else { Err(std::io::Error::other("the two differ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_of_a_file_is_the_password() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("password");
        std::fs::write(&path, " maasikas ja piim \nnot this\n").unwrap();
        assert_eq!(read(Some(&path)).unwrap(), " maasikas ja piim ");
        std::fs::write(&path, "\nhush").unwrap();
        let failure = read(Some(&path)).unwrap_err().to_string();
        assert!(!failure.contains("hush"), "{failure}");
    }
}
