//! The statute as data: what a definition says ([`definition`]), how its files are read ([`parse`]),
//! what may be wrong with it ([`lint`]), and the days on which its versions are in force ([`catalogue`]).

pub mod behaviour;
pub mod catalogue;
pub mod definition;
pub mod description;
pub mod diff;
pub mod duties;
pub mod exchange;
pub mod lint;
pub mod listing;
pub mod parse;
pub mod path;
pub mod procedures;
pub mod schema;
pub mod text;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use catalogue::Catalogue;
pub use definition::{Definition, Field, FieldType, RecordType};
pub use description::Description;

/// The address of a provision in a statute, as its readers write it: `§ 12 lg 1 p 16`, `preambul`.
///
/// Its form is the statute's own affair (other countries number otherwise); that it exists is checked
/// against the definition's list of clauses.
#[doc(alias = "säte")]
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default, JsonSchema)]
#[serde(transparent)]
pub struct Clause(pub String);

impl std::fmt::Display for Clause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A language in which a source can be written, and texts be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// Estonian.
    #[default]
    Et,
    /// English.
    En,
    /// Finnish.
    Fi,
    /// Swedish.
    Sv,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 4] = [Self::Et, Self::En, Self::Fi, Self::Sv];

    /// ISO 639-1 code, as keys of the files have it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Et => "et",
            Self::En => "en",
            Self::Fi => "fi",
            Self::Sv => "sv",
        }
    }

    /// Its name in English, for whoever writes definitions.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Et => "Estonian",
            Self::En => "English",
            Self::Fi => "Finnish",
            Self::Sv => "Swedish",
        }
    }

    /// The language whose code is `code`.
    pub fn of(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.code() == code)
    }

    fn is_estonian(&self) -> bool {
        *self == Self::Et
    }
}

/// A text in the languages we speak. That of the source is always there and verbatim where the source words the
/// thing; the others are unofficial translations.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Label {
    /// The language of the source. Files say it once, in `language` of register.toml; reading puts it here.
    #[serde(default, skip_serializing_if = "Language::is_estonian")]
    #[schemars(skip)]
    pub official: Language,
    /// The text in Estonian.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub et: Option<String>,
    /// The text in English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub en: Option<String>,
    /// The text in Finnish.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fi: Option<String>,
    /// The text in Swedish.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sv: Option<String>,
    /// The words of the source, where the label deliberately has others: it shortens them, or stands for a part of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verbatim: Option<String>,
}

impl Label {
    /// A text of an Estonian source without translations.
    pub fn estonian(text: impl Into<String>) -> Self {
        Self { et: Some(text.into()), ..Self::default() }
    }

    /// The text in `language`, if there is one.
    pub fn text(&self, language: Language) -> Option<&str> {
        match language {
            Language::Et => self.et.as_deref(),
            Language::En => self.en.as_deref(),
            Language::Fi => self.fi.as_deref(),
            Language::Sv => self.sv.as_deref(),
        }
    }

    /// The text in the language of the source. No definition that was checked lacks it.
    pub fn official(&self) -> &str {
        self.text(self.official).unwrap_or_default()
    }

    /// The text in `language` (`et`, `en`, `fi`, `sv`), in the language of the source where there is none.
    pub fn in_language(&self, language: &str) -> &str {
        Language::of(language).and_then(|language| self.text(language)).unwrap_or_else(|| self.official())
    }

    /// Whether what is shown in `language` is not the wording of the source.
    pub fn is_unofficial_in(&self, language: Language) -> bool {
        language != self.official && self.text(language).is_some()
    }
}
