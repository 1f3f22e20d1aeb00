//! Registers that are kept elsewhere: what a citizen is told of them, and what of it is missing.
//!
//! A description is a definition without record types: the same file with the same keys, read and examined by the same
//! code, of which only what tells who holds what and why has to be there. Whatever else a published description or a
//! notice says stands in `[[statement]]`s under the names of [`Part`], for registers that are kept here as well. What is
//! made of it for people to read is [`crate::domain::publicity`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::definition::{Act, Definition, Item, Party};
use super::procedures::{ContactPoint, Procedure};
use super::{Clause, Label, Language};

/// A register that is kept elsewhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Description {
    /// Short name; the register's id everywhere.
    pub short_name: String,
    /// Name, verbatim in the language of the source.
    pub name: Label,
    /// Clause that fixes the name: the heading of the description, or of the column.
    pub name_clause: Clause,
    /// That it is kept elsewhere; without this key the register is kept here.
    pub kept: Kept,
    /// Language of the source: texts in it are verbatim.
    #[serde(default)]
    pub language: Language,
    /// Languages in which every text must be there; only that of the source where nothing is said.
    #[serde(default)]
    pub languages: Vec<Language>,
    /// ISO 3166 alpha-2 of the country whose law applies.
    pub country: String,
    /// The text in which it was described.
    pub act: Act,
    /// Why data are held, purpose by purpose.
    #[serde(default, rename = "purpose")]
    pub purposes: Vec<Item>,
    /// The body that answers for it.
    pub controller: Party,
    /// Who processes data on the controller's behalf.
    #[serde(default, rename = "processor")]
    pub processors: Vec<Party>,
    /// Where letters and questions go.
    #[serde(default, rename = "contact")]
    pub contacts: Vec<ContactPoint>,
    /// What else the description says, each under the name of its [`Part`].
    #[serde(default, rename = "statement")]
    pub statements: Vec<Statement>,
    /// What is published of it; absent: what its country asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub documents: Option<Vec<Publicity>>,
    /// Whether even that it exists is secret: then only the controller sees its description.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub secret: bool,
    /// What catalogues want to know beside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catalogue: Option<CatalogueEntry>,
    /// SHA-256 of the file, lower-case hexadecimal.
    #[serde(default, skip_deserializing)]
    pub digest: String,
}

/// Where a register is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// In a system that this program does not run.
    Elsewhere,
}

/// What else a description, a notice or a statute says, in its own words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Statement {
    /// Machine name, `snake_case`; that of a [`Part`] where it says that part.
    pub name: String,
    /// What people read; verbatim in the language of the source.
    pub label: Label,
    /// Where the source says so.
    pub clause: Clause,
    /// The part of which it says something, where its name does not say it: several statements can tell one part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// The longest time for which it promises that personal data are kept, ISO 8601. No rule may keep them longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<String>,
    /// Whether it is secret by law: then it is told to the controller only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub secret: bool,
}

impl Statement {
    /// The part of which it says something, if of any.
    pub fn says(&self) -> Option<Part> {
        self.part.or_else(|| Part::of(&self.name))
    }
}

/// What is published of a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Publicity {
    /// The description to implement document publicity (Finnish act 906/2019 § 28).
    PublicityDescription,
    /// The privacy notice (GDPR art. 13 and 14).
    PrivacyNotice,
    /// The record of processing activities (GDPR art. 30).
    ProcessingRecord,
    /// The description in the Estonian catalogue of state information systems.
    Riha,
    /// The description as a data set (DCAT-AP).
    Dcat,
}

impl Publicity {
    /// Every kind.
    pub const ALL: [Self; 5] =
        [Self::PublicityDescription, Self::PrivacyNotice, Self::ProcessingRecord, Self::Riha, Self::Dcat];

    /// The word in definitions, addresses and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PublicityDescription => "publicity_description",
            Self::PrivacyNotice => "privacy_notice",
            Self::ProcessingRecord => "processing_record",
            Self::Riha => "riha",
            Self::Dcat => "dcat",
        }
    }

    /// What `word` names.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// What the law of a country asks for, where a definition does not say it.
    pub fn asked_in(country: &str) -> Vec<Self> {
        let own = match country {
            "FI" => Some(Self::PublicityDescription),
            "EE" => Some(Self::Riha),
            _ => None,
        };
        let mut asked = vec![Self::PrivacyNotice, Self::ProcessingRecord, Self::Dcat];
        asked.extend(own);
        asked.sort();
        asked
    }
}

/// What catalogues of registers want to know beside the definition: addresses and marks, which no statute says. A matter
/// of the installation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CatalogueEntry {
    /// Under which a catalogue knows it; made from the short name where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<uuid::Uuid>,
    /// Page of the register.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub homepage: Option<String>,
    /// Where its act is published on the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act_url: Option<String>,
    /// Topics, in the language of the source.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<String>,
    /// Themes of the EU vocabulary (`GOVE`, `EDUC`); `GOVE` where none is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub themes: Vec<String>,
    /// Address of the licence of what is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
}

/// What people are entitled to be told of a register, and the headings under which they are: the items of the description
/// that makes document publicity possible (Finnish act 906/2019 § 28), of the privacy notice (GDPR art. 13 and 14) and of
/// the record of processing (art. 30).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Which information systems hold the data.
    Systems,
    /// Who decides on giving information, and whom one asks.
    DecidingUnit,
    /// Which data sets they hold.
    DataSets,
    /// The sector of the authority.
    Sector,
    /// The service area of the authority.
    ServiceArea,
    /// Who answers for it.
    Controller,
    /// How they are reached.
    ControllerContacts,
    /// Who answers for it together with them.
    JointControllers,
    /// Who represents them.
    #[serde(rename = "controller_representative")]
    Representative,
    /// Who processes data on their behalf.
    Processors,
    /// Whom one asks.
    #[serde(rename = "contact_person")]
    Contact,
    /// How that person is reached.
    #[serde(rename = "contact_person_contacts")]
    ContactContacts,
    /// Who watches over data protection.
    DataProtectionOfficer,
    /// How that officer is reached.
    DataProtectionOfficerContacts,
    /// Whether it is kept electronically, by hand, or both.
    Form,
    /// On what ground of law they are processed.
    LegalBasis,
    /// What the data are for.
    Purpose,
    /// Whose data they are.
    DataSubjects,
    /// Which data.
    DataContent,
    /// Which of them belong to special categories (GDPR art. 9).
    SpecialCategories,
    /// Data that the source does not list, each with what entitles to it.
    BesideTheList,
    /// Where they come from.
    #[serde(rename = "regular_sources")]
    Sources,
    /// To whom they are given.
    Disclosures,
    /// Whether they leave the European Economic Area.
    #[serde(rename = "third_country_transfers")]
    Transfers,
    /// How they are protected by technology.
    TechnicalMeasures,
    /// How they are protected by those who use them.
    OrganisationalMeasures,
    /// How long they are kept.
    Retention,
    /// Who may use the register.
    RightToUse,
    /// How one sees one's data, and who decides.
    RightOfAccess,
    /// What else one may ask for: that data be put right, erased, restricted, moved, or not processed.
    #[serde(rename = "data_subject_rights")]
    Rights,
    /// To whom one complains.
    Complaint,
    /// Whether one must give the data, and what follows if one does not.
    #[serde(rename = "obligation_to_give")]
    Obligation,
    /// Whether anything is decided by machine alone.
    AutomatedDecisions,
    /// By what data are found.
    SearchKeys,
    /// Whether data can be had through an open interface.
    OpenInterface,
    /// When the description was drawn up.
    Drafted,
    /// When it was brought up to date.
    Updated,
}

impl Part {
    /// What people are entitled to be told, in the order in which they are.
    pub const ALL: [Self; 20] = [
        Self::Purpose,
        Self::LegalBasis,
        Self::DataSubjects,
        Self::DataContent,
        Self::Sources,
        Self::Disclosures,
        Self::Transfers,
        Self::TechnicalMeasures,
        Self::OrganisationalMeasures,
        Self::Retention,
        Self::RightToUse,
        Self::RightOfAccess,
        Self::Contact,
        Self::DataProtectionOfficer,
        Self::Rights,
        Self::Complaint,
        Self::Obligation,
        Self::AutomatedDecisions,
        Self::SearchKeys,
        Self::OpenInterface,
    ];

    /// Every part, asked for by law or not.
    pub const EVERY: [Self; 37] = [
        Self::Systems,
        Self::DecidingUnit,
        Self::DataSets,
        Self::Sector,
        Self::ServiceArea,
        Self::Controller,
        Self::ControllerContacts,
        Self::JointControllers,
        Self::Representative,
        Self::Processors,
        Self::Contact,
        Self::ContactContacts,
        Self::DataProtectionOfficer,
        Self::DataProtectionOfficerContacts,
        Self::Form,
        Self::LegalBasis,
        Self::Purpose,
        Self::DataSubjects,
        Self::DataContent,
        Self::SpecialCategories,
        Self::BesideTheList,
        Self::Sources,
        Self::Disclosures,
        Self::Transfers,
        Self::TechnicalMeasures,
        Self::OrganisationalMeasures,
        Self::Retention,
        Self::RightToUse,
        Self::RightOfAccess,
        Self::Rights,
        Self::Complaint,
        Self::Obligation,
        Self::AutomatedDecisions,
        Self::SearchKeys,
        Self::OpenInterface,
        Self::Drafted,
        Self::Updated,
    ];

    /// The name of the statement that says it, in definitions.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Systems => "systems",
            Self::DecidingUnit => "deciding_unit",
            Self::DataSets => "data_sets",
            Self::Sector => "sector",
            Self::ServiceArea => "service_area",
            Self::Controller => "controller",
            Self::ControllerContacts => "controller_contacts",
            Self::JointControllers => "joint_controllers",
            Self::Representative => "controller_representative",
            Self::Processors => "processors",
            Self::Contact => "contact_person",
            Self::ContactContacts => "contact_person_contacts",
            Self::DataProtectionOfficer => "data_protection_officer",
            Self::DataProtectionOfficerContacts => "data_protection_officer_contacts",
            Self::Form => "form",
            Self::LegalBasis => "legal_basis",
            Self::Purpose => "purpose",
            Self::DataSubjects => "data_subjects",
            Self::DataContent => "data_content",
            Self::SpecialCategories => "special_categories",
            Self::BesideTheList => "beside_the_list",
            Self::Sources => "regular_sources",
            Self::Disclosures => "disclosures",
            Self::Transfers => "third_country_transfers",
            Self::TechnicalMeasures => "technical_measures",
            Self::OrganisationalMeasures => "organisational_measures",
            Self::Retention => "retention",
            Self::RightToUse => "right_to_use",
            Self::RightOfAccess => "right_of_access",
            Self::Rights => "data_subject_rights",
            Self::Complaint => "complaint",
            Self::Obligation => "obligation_to_give",
            Self::AutomatedDecisions => "automated_decisions",
            Self::SearchKeys => "search_keys",
            Self::OpenInterface => "open_interface",
            Self::Drafted => "drafted",
            Self::Updated => "updated",
        }
    }

    /// The part that a statement of this name says.
    pub fn of(name: &str) -> Option<Self> {
        Self::EVERY.into_iter().find(|part| part.as_str() == name)
    }
}

impl Description {
    /// Languages in which every text must be there.
    pub fn languages(&self) -> Vec<Language> {
        if self.languages.is_empty() { vec![self.language] } else { self.languages.clone() }
    }

    /// What the description does not say: told to the controller, left out for the public.
    pub fn missing(&self) -> Vec<Part> {
        let said = |part: Part| match part {
            Part::Purpose => !self.purposes.is_empty(),
            Part::Contact => !self.contacts.is_empty() || states(&self.statements, part),
            _ => states(&self.statements, part),
        };
        Part::ALL.into_iter().filter(|part| !said(*part)).collect()
    }
}

impl Definition {
    /// What the definition tells nobody, of what people are entitled to be told. Whatever the engine does by the
    /// definition is told by it: data content, rights, retention.
    pub fn missing(&self) -> Vec<Part> {
        let source = &self.register;
        let said = |part: Part| match part {
            Part::Purpose => !source.purposes.is_empty(),
            Part::LegalBasis => !source.act.legal_basis.is_empty(),
            Part::DataContent | Part::SearchKeys => !self.record_types.is_empty(),
            Part::RightToUse => !source.roles.is_empty(),
            Part::Retention => !source.retention_rules.is_empty(),
            Part::Disclosures => !source.recipients.is_empty() || states(&source.statements, part),
            Part::Sources => !source.sources.is_empty() || states(&source.statements, part),
            Part::Contact => !source.contacts.is_empty() || states(&source.statements, part),
            Part::TechnicalMeasures => source.security.is_some() || states(&source.statements, part),
            Part::OpenInterface => !source.publications.is_empty() || states(&source.statements, part),
            Part::DataSubjects => {
                self.record_types.iter().any(|kind| kind.subject.is_some()) || states(&source.statements, part)
            }
            Part::Complaint => {
                self.cases.iter().any(|kind| kind.procedure == Procedure::Complaint) || states(&source.statements, part)
            }
            Part::RightOfAccess => source.roles.iter().any(|r| r.implicit) || states(&source.statements, part),
            _ => states(&source.statements, part),
        };
        Part::ALL.into_iter().filter(|part| !said(*part)).collect()
    }
}

fn states(statements: &[Statement], part: Part) -> bool {
    statements.iter().any(|statement| statement.says() == Some(part))
}
