//! Why a command did not do what it was told: everything that stands in the way, a line each.

use std::fmt;

use crate::app;
use crate::config::SettingFault;
use crate::config::secrets::SecretFault;
use crate::domain::refusal::Refusal;
use crate::domain::statute::parse::Fault;
use crate::store;

/// A command that failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// Settings that cannot be used.
    Settings(Vec<SettingFault>),
    /// Definitions that cannot be used.
    Registers(Vec<Fault>),
    /// Secrets that cannot be used.
    Secrets(SecretFault),
    /// An act that was refused or failed.
    Act(app::Error),
    /// Anything else, in a sentence.
    Other(String),
}

impl Failure {
    /// A failure in a sentence.
    pub(super) fn other(sentence: impl Into<String>) -> Self {
        Self::Other(sentence.into())
    }

    /// The same failure, of `what`.
    pub(super) fn of(self, what: impl fmt::Display) -> Self {
        Self::Other(format!("{what}: {self}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Settings(faults) => lines(f, faults),
            Self::Registers(faults) => lines(f, faults),
            Self::Secrets(fault) => fault.fmt(f),
            Self::Act(app::Error::Store(store::Error::Refused(refusal))) => refused(f, refusal),
            Self::Act(error) => error.fmt(f),
            Self::Other(sentence) => f.write_str(sentence),
        }
    }
}

fn lines<T: fmt::Display>(f: &mut fmt::Formatter<'_>, faults: &[T]) -> fmt::Result {
    for (n, fault) in faults.iter().enumerate() {
        if n > 0 {
            writeln!(f)?;
        }
        fault.fmt(f)?;
    }
    Ok(())
}

/// What people need to mend it: the clause of a refusal, each fault of invalid data.
fn refused(f: &mut fmt::Formatter<'_>, refusal: &Refusal) -> fmt::Result {
    match refusal {
        Refusal::Forbidden { clause, detail } => write!(f, "{detail} ({clause})"),
        Refusal::Conflict { detail, clause: Some(clause), .. } => write!(f, "{detail} ({clause})"),
        Refusal::Invalid(violations) => {
            let sentences: Vec<String> = violations.iter().map(|v| format!("{}: {}", v.pointer, v.detail)).collect();
            lines(f, &sentences)
        }
        other => write!(f, "{other}"),
    }
}

impl From<app::Error> for Failure {
    fn from(e: app::Error) -> Self {
        Self::Act(e)
    }
}

impl From<store::Error> for Failure {
    fn from(e: store::Error) -> Self {
        Self::Act(e.into())
    }
}

impl From<SecretFault> for Failure {
    fn from(e: SecretFault) -> Self {
        Self::Secrets(e)
    }
}
