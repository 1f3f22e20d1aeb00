//! Outgoing mail: a letter, and what became of it.

pub mod backoff;
pub mod smtp;

use std::fmt;

use chrono::{DateTime, Utc};
use thiserror::Error;

use crate::locale::Lang;

pub use smtp::{Security, SettingsFault, Smtp, SmtpSettings};

/// A letter to one reader, in plain text.
#[derive(Clone, PartialEq, Eq)]
pub struct Letter {
    /// Becomes the left side of `Message-ID` (RFC 5322 § 3.6.4): letters, digits, `-` and `_`. A letter that is sent
    /// again keeps it, so that the receiver can tell a repeat.
    pub id: String,
    /// E-mail address of the reader, without a name.
    pub to: String,
    /// Language of subject and body.
    pub lang: Lang,
    /// One line.
    pub subject: String,
    /// Text; lines end with `\n`.
    pub body: String,
    /// When the letter was written.
    pub date: DateTime<Utc>,
}

/// Hides the reader and the text.
impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Letter")
            .field("id", &self.id)
            .field("lang", &self.lang)
            .field("date", &self.date)
            .finish_non_exhaustive()
    }
}

/// The relay has taken the letter over: it is now the relay's to deliver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// `Message-ID` under which it went, with angle brackets.
    pub message_id: String,
}

/// Why a letter was not sent. Tells neither addresses nor what the relay wrote, which often repeats the address.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{reason}")]
pub struct Failure {
    /// Whether trying again is useless: the letter itself or its reader was refused.
    pub lasting: bool,
    /// Status code of the relay's answer, if it answered.
    pub code: Option<u16>,
    /// At which step, and what went wrong, in our own words.
    pub reason: String,
}

impl Failure {
    fn lasting(reason: &str) -> Self {
        Self { lasting: true, code: None, reason: reason.to_owned() }
    }

    fn passing(reason: String) -> Self {
        Self { lasting: false, code: None, reason }
    }
}
