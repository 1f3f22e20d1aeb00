//! A register of either kind, as documents see it.

use crate::domain::statute::definition::{Act, Item, Party};
use crate::domain::statute::description::{CatalogueEntry, Publicity, Statement};
use crate::domain::statute::procedures::ContactPoint;
use crate::domain::statute::{Clause, Definition, Description, Label, Language};

/// A register, kept here or only described.
#[derive(Debug, Clone, Copy)]
pub enum View<'d> {
    /// Kept here, by its definition.
    Kept(&'d Definition),
    /// Kept elsewhere.
    Described(&'d Description),
}

/// The same key of both.
macro_rules! same {
    ($(#[$doc:meta] $name:ident: $kind:ty, $($key:ident).+;)*) => {
        $(
            #[$doc]
            pub fn $name(self) -> &'d $kind {
                match self {
                    Self::Kept(definition) => &definition.register.$($key).+,
                    Self::Described(description) => &description.$($key).+,
                }
            }
        )*
    };
}

impl<'d> View<'d> {
    same! {
        /// Short name.
        short_name: str, short_name;
        /// Name.
        name: Label, name;
        /// Clause that fixes the name.
        name_clause: Clause, name_clause;
        /// ISO 3166 alpha-2 of the country whose law applies.
        country: str, country;
        /// The text that founds or describes it.
        act: Act, act;
        /// Why data are held.
        purposes: [Item], purposes;
        /// Who answers for it.
        controller: Party, controller;
        /// Who processes data on their behalf.
        processors: [Party], processors;
        /// Where letters go.
        contacts: [ContactPoint], contacts;
        /// What else its source says.
        statements: [Statement], statements;
    }

    /// Language of the source.
    pub fn language(self) -> Language {
        match self {
            Self::Kept(definition) => definition.register.language,
            Self::Described(description) => description.language,
        }
    }

    /// Languages in which every text is there.
    pub fn languages(self) -> Vec<Language> {
        match self {
            Self::Kept(definition) => definition.register.languages.clone(),
            Self::Described(description) => description.languages(),
        }
    }

    /// SHA-256 of its files.
    pub fn digest(self) -> &'d str {
        match self {
            Self::Kept(definition) => &definition.digest,
            Self::Described(description) => &description.digest,
        }
    }

    /// Whether even that it exists is secret.
    pub fn is_secret(self) -> bool {
        match self {
            Self::Kept(definition) => definition.register.secret,
            Self::Described(description) => description.secret,
        }
    }

    /// What is published of it.
    pub fn documents(self) -> Vec<Publicity> {
        let said = match self {
            Self::Kept(definition) => &definition.register.documents,
            Self::Described(description) => &description.documents,
        };
        said.clone().unwrap_or_else(|| Publicity::asked_in(self.country()))
    }

    /// What catalogues want to know beside.
    pub fn catalogue(self) -> CatalogueEntry {
        let said = match self {
            Self::Kept(definition) => &definition.register.catalogue,
            Self::Described(description) => &description.catalogue,
        };
        said.clone().unwrap_or_default()
    }

    /// Its definition, where it is kept here.
    pub fn kept(self) -> Option<&'d Definition> {
        match self {
            Self::Kept(definition) => Some(definition),
            Self::Described(_) => None,
        }
    }
}

impl<'d> From<&'d Definition> for View<'d> {
    fn from(definition: &'d Definition) -> Self {
        Self::Kept(definition)
    }
}

impl<'d> From<&'d Description> for View<'d> {
    fn from(description: &'d Description) -> Self {
        Self::Described(description)
    }
}
