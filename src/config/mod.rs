//! The only reader of the environment and of files at start: the server's settings, the registers' folders, and the
//! secrets.
//!
//! Whatever is wrong is said with its place (a file and line, or the name of a variable), all of it at once, and
//! nothing starts. No fault repeats a secret.

pub mod registers;
pub mod secrets;
pub mod settings;
pub mod versions;

pub use settings::{SettingFault, Settings};

/// The environment of the process, as far as it is text.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}
