//! The statute as data: what a definition says ([`definition`]), how its files are read ([`parse`]),
//! what may be wrong with it ([`lint`]), and the days on which its versions are in force ([`catalogue`]).

pub mod behaviour;
pub mod catalogue;
pub mod definition;
pub mod duties;
pub mod exchange;
pub mod lint;
pub mod parse;
pub mod path;
pub mod procedures;

use serde::{Deserialize, Serialize};

pub use catalogue::Catalogue;
pub use definition::{Definition, Field, FieldType, RecordType};

/// The address of a provision in a statute, as its readers write it: `§ 12 lg 1 p 16`, `preambul`.
///
/// Its form is the statute's own affair (other countries number otherwise); that it exists is checked
/// against the definition's list of clauses.
#[doc(alias = "säte")]
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct Clause(pub String);

impl std::fmt::Display for Clause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text in the languages we speak. Estonian is always there; the others are unofficial translations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// Estonian, verbatim where the statute words it.
    pub et: String,
    /// English, unofficial.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub en: Option<String>,
    /// Finnish, unofficial.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fi: Option<String>,
    /// Swedish, unofficial.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sv: Option<String>,
}

impl Label {
    /// The text in `language` (`et`, `en`, `fi`, `sv`), Estonian where there is none.
    pub fn in_language(&self, language: &str) -> &str {
        match language {
            "en" => self.en.as_deref(),
            "fi" => self.fi.as_deref(),
            "sv" => self.sv.as_deref(),
            _ => None,
        }
        .unwrap_or(&self.et)
    }
}
