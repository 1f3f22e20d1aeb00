//! The definition: a statute as typed data.
//!
//! These types are the shape of the files under `config/registers/<short name>/`. They say *what a
//! statute can say*; whether one particular definition makes sense is asked in [`super::lint`], and
//! what follows from it for records, rights and proofs lives in the sibling chapters of `domain`.
//!
//! Keys in the files are the field names here, in singular for repeated tables (`[[role]]`,
//! `[[field]]`). Every item that obliges somebody carries the clause it comes from.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::description::{CatalogueEntry, Publicity, Statement};
use super::duties::{Check, ConfirmationDuty, HeldBy, Move, QueueRule, TriggerSaid};
use super::exchange::{Exchange, Source};
use super::path::FieldPath;
use super::procedures::{
    CaseKind, ContactPoint, Contract, LeaverRule, Overview, RecertificationRule, RecipientNoticeRule, ReleaseGround,
    ReportDefinition, Withheld,
};
use super::{Clause, Label, Language};
use crate::domain::calendar::HolidayCalendar;
use crate::domain::identity::PersonalCode;

/// One version of one register's statute, complete: what `register.toml` and its neighbours say.
#[doc(alias = "põhimäärus")]
#[doc(alias = "andmekogu")]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Definition {
    /// What the register is, who answers for it, and its general rules.
    pub register: RegisterSource,
    /// What the register holds, in the order of the statute; a file each under `records/`.
    pub record_types: Vec<RecordType>,
    /// Code lists by name.
    pub codelists: Vec<Codelist>,
    /// Kinds of base documents (alusdokument).
    pub document_kinds: Vec<DocumentKind>,
    /// Kinds of cases.
    #[serde(default)]
    pub cases: Vec<CaseKind>,
    /// Profiles of exchange with other registers.
    #[serde(default)]
    pub exchanges: Vec<Exchange>,
    /// Every clause of the statute, in its order.
    pub clauses: Vec<ClauseRow>,
    /// Text of the policy file (`access.cedar`).
    pub policies: String,
    /// SHA-256 of the files that made this definition, lower-case hexadecimal.
    pub digest: String,
    /// The working days of its country, where they stand beside the registers; none: those that come with the program.
    #[serde(skip)]
    pub calendar: Option<Arc<HolidayCalendar>>,
}

/// `register.toml`: the register itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RegisterSource {
    /// Statutory short name (lühinimi); the register's id everywhere.
    pub short_name: String,
    /// Official name; verbatim in the language of the source, the rest unofficial.
    pub name: Label,
    /// Language of the source, `et` where nothing is said: texts in it are verbatim where the source words the thing, all
    /// others unofficial.
    #[serde(default, skip_serializing_if = "Language::is_estonian")]
    pub language: Language,
    /// Languages in which every text of the definition must be there; that of the source is always one of them.
    #[serde(default = "every_language")]
    pub languages: Vec<Language>,
    /// Clause that fixes the names.
    pub name_clause: Clause,
    /// ISO 3166 alpha-2 of the country whose law applies.
    pub country: String,
    /// IANA time zone in which a day of this register begins and ends.
    #[schemars(with = "String")]
    pub time_zone: chrono_tz::Tz,
    /// The text that founds the register, and the days on which this version of it is in force.
    pub act: Act,
    /// Why data are held, purpose by purpose; record types name theirs.
    #[serde(rename = "purpose")]
    pub purposes: Vec<Item>,
    /// Responsible controller (vastutav töötleja).
    pub controller: Party,
    /// Processors (volitatud töötleja).
    #[serde(default, rename = "processor")]
    pub processors: Vec<Party>,
    /// Security class and level, where the country's law knows them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security: Option<Security>,
    /// Statements that only describe: legal effect, hosting, costs, standard solution.
    #[serde(default, rename = "statement")]
    pub statements: Vec<Statement>,
    /// What is published of it; absent: what its country asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub documents: Option<Vec<Publicity>>,
    /// Whether even that it exists is secret: then only the controller sees what is said of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub secret: bool,
    /// What catalogues want to know beside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catalogue: Option<CatalogueEntry>,
    /// What the data mean in law, where the statute says it: stands on everything that leaves.
    #[serde(default)]
    pub legal_effect: Option<Item>,
    /// Which record type is the institution type, and its kinds.
    pub institutions: Institutions,
    /// Roles of the statute: whoever acts, acts in one of them. What each may do is said by `access.cedar`.
    #[serde(rename = "role")]
    pub roles: Vec<Role>,
    /// What a refusal cites where no policy has a clause of its own, and whether reading needs a stated purpose.
    pub access: Access,
    /// Grounds on which a grant may be ended.
    #[serde(default, rename = "revocation_ground")]
    pub revocation_grounds: Vec<Item>,
    /// To whom data may be released, and on what ground.
    #[serde(default, rename = "recipient")]
    pub recipients: Vec<Recipient>,
    /// Grounds on which data are released.
    #[serde(default, rename = "release_ground")]
    pub release_grounds: Vec<ReleaseGround>,
    /// Data that are never released.
    #[serde(default)]
    pub withheld: Vec<Withheld>,
    /// Grounds for refusing a release.
    #[serde(default, rename = "refusal_ground")]
    pub refusal_grounds: Vec<Item>,
    /// Statistical reports: aggregates only, with small cells hidden.
    #[serde(default, rename = "report")]
    pub reports: Vec<ReportDefinition>,
    /// Overviews for whoever manages.
    #[serde(default, rename = "overview", skip_serializing_if = "Vec::is_empty")]
    pub overviews: Vec<Overview>,
    /// Where letters of the register go.
    #[serde(default, rename = "contact")]
    pub contacts: Vec<ContactPoint>,
    /// What ends with an employment.
    #[serde(default)]
    pub leaver: Option<LeaverRule>,
    /// When the list of rights in force is confirmed.
    #[serde(default)]
    pub recertification: Option<RecertificationRule>,
    /// How recipients of wrong values are told.
    #[serde(default)]
    pub recipient_notice: Option<RecipientNoticeRule>,
    /// Fields that the statute makes public.
    #[serde(default, rename = "publication")]
    pub publications: Vec<Publication>,
    /// Confirmation duties by date and kind of institution.
    #[serde(default, rename = "confirmation")]
    pub confirmations: Vec<ConfirmationDuty>,
    /// How long what is kept, and what then.
    #[serde(default, rename = "retention")]
    pub retention_rules: Vec<RetentionRule>,
    /// Where values come from that are not entered here.
    #[serde(default, rename = "source")]
    pub sources: Vec<Source>,
    /// What the statute says of copies of the database.
    #[serde(default)]
    pub backup: Option<BackupRule>,
    /// How the register is closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closing: Option<ClosingRule>,
}

fn every_language() -> Vec<Language> {
    Language::ALL.to_vec()
}

/// What kind of text a register rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActForm {
    /// An act of law: adopted on a day, numbered, published.
    #[default]
    Statute,
    /// A description that the controller published: of a register that law lets it keep. It may bear no number and no
    /// date. Its clauses are its headings.
    Description,
}

impl ActForm {
    fn is_statute(&self) -> bool {
        *self == Self::Statute
    }
}

/// The text that founds or describes the register.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Act {
    /// What kind of text it is; a statute where nothing is said.
    #[serde(default, skip_serializing_if = "ActForm::is_statute")]
    pub form: ActForm,
    /// Who issued it, verbatim: the council, the minister, the controller.
    pub issuer: String,
    /// What it calls itself, verbatim (`määrus`).
    pub kind: String,
    /// Title of the text, verbatim.
    pub title: String,
    /// Number; blank where a description has none.
    #[serde(default)]
    pub number: String,
    /// Day it was adopted, or on which a description was drawn up; absent where a description does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopted: Option<NaiveDate>,
    /// First day on which this version is in force; of a description the day on which it was brought up to date.
    pub in_force_from: NaiveDate,
    /// Last day on which this version was in force; absent while it is.
    #[serde(default)]
    pub in_force_until: Option<NaiveDate>,
    /// Publication mark (`RT IV, 17.12.2019, 28`); blank where a description has none.
    #[serde(default)]
    pub publication: String,
    /// Provisions or other grounds that it rests on, verbatim.
    #[serde(default)]
    pub legal_basis: Vec<String>,
    /// Clause that founds the register.
    pub clause: Clause,
}

impl Act {
    /// The text as people cite it: what is there of issuer, day, kind, number and title.
    pub fn cited(&self, day: impl Fn(NaiveDate) -> String) -> String {
        let number = Some(self.number.trim()).filter(|n| !n.is_empty()).map(|n| format!("nr {n}"));
        let parts = [Some(self.issuer.clone()), self.adopted.map(day), Some(self.kind.clone()), number];
        parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    }
}

/// A named statement of the statute: a purpose, a ground, a kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Item {
    /// Machine name, `snake_case`.
    pub name: String,
    /// What people read; verbatim in the language of the source where it words the thing.
    pub label: Label,
    /// Address of the provision or heading that says so, one of `clauses.toml`.
    pub clause: Clause,
}

/// A body that answers for the register.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Party {
    /// Name; verbatim where the source names it.
    pub name: String,
    /// What the source says in place of a name, where it names nobody and the installation does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verbatim: Option<String>,
    /// Registry code, where it is known.
    #[serde(default)]
    pub registry_code: Option<String>,
    /// How to reach it; a matter of the installation, not of the statute.
    #[serde(default)]
    pub contact: Option<String>,
    /// The contract under which a processor acts.
    #[serde(default)]
    pub contract: Option<Contract>,
    /// Clause that names it.
    pub clause: Clause,
}

/// Security class (turvaklass) and level (turbeaste).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Security {
    /// `K0`–`K3`, `T0`–`T3`, `S0`–`S3` in one word.
    pub class: String,
    /// `L` low, `M` medium, `H` high: the highest of the three parts decides.
    pub level: String,
    /// Address of the provision that says so, one of `clauses.toml`: `§ 12 lg 1`.
    pub clause: Clause,
}

/// Which records are the institutions (asutus) that own other records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Institutions {
    /// Name of the record type whose records are the institutions.
    pub record_type: String,
    /// Field of that type that holds the kind, when the statute knows several kinds.
    #[serde(default)]
    pub kind_field: Option<String>,
    /// Field of that type to which letters to an institution go.
    #[serde(default)]
    pub email_field: Option<String>,
    /// The kinds of institutions, which confirmation duties and holders speak of.
    #[serde(rename = "kind")]
    pub kinds: Vec<Item>,
}

/// A role of the statute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Role {
    /// Machine name: what the rest of the definition calls it; a lower-case letter, then letters, digits and `_`.
    pub name: String,
    /// What people read; in the language of the source its own wording, where it words the thing.
    pub label: Label,
    /// Clause that makes it.
    pub clause: Clause,
    /// Held by everybody towards records about themselves, without a grant.
    #[serde(default)]
    pub implicit: bool,
    /// A role in which data are entered; the others look on, decide or administer. Who may grant and end
    /// which role is said by the policies.
    #[serde(default)]
    pub data_role: bool,
    /// Kinds of basis that a grant of it must name (`job_description`, `contract` …).
    #[serde(default)]
    pub basis: Vec<Item>,
    /// Whether a grant must say its last day.
    #[serde(default)]
    pub needs_until: bool,
    /// Whether a grant rests on an application that was decided in its favour.
    #[serde(default)]
    pub needs_application: bool,
    /// Whether a grant must say for what task it is.
    #[serde(default)]
    pub needs_task: bool,
    /// Whether a grant must lie within the days of a processor's contract, and ends with it.
    #[serde(default)]
    pub within_contract: bool,
}

/// What a refusal cites where no policy has a clause of its own, and whether reading needs a stated purpose.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Access {
    /// Clause cited when no policy permits: what says that only those with a role have access.
    pub clause: Clause,
    /// Clause cited when a record lies outside the scope of every grant.
    pub scope_clause: Clause,
    /// Whether reading personal data needs a stated purpose.
    #[serde(default)]
    pub purpose_required: bool,
    /// Clause that asks for the purpose, where it is asked for.
    #[serde(default)]
    pub purpose_clause: Option<Clause>,
    /// Clause that obliges to a base document.
    pub document_clause: Clause,
    /// Clause on correcting wrong data.
    pub correction_clause: Clause,
    /// Clause under which an act is refused on a day when the statute is not in force.
    pub force_clause: Clause,
    /// Clause that obliges to keep a log of access rights.
    pub grant_log_clause: Clause,
    /// Clause on which the reasons for ending a grant rest.
    pub revocation_clause: Clause,
}

/// A class of recipients of released data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Recipient {
    /// Machine name: what the rest of the definition calls it; a lower-case letter, then letters, digits and `_`.
    pub name: String,
    /// What people read; in the language of the source its own wording, where it words the thing.
    pub label: Label,
    /// Address of the provision that says so, one of `clauses.toml`: `§ 12 lg 1`.
    pub clause: Clause,
    /// Grounds on which it may receive data.
    pub grounds: Vec<String>,
    /// Whether it only receives aggregates.
    #[serde(default)]
    pub aggregates_only: bool,
}

/// Fields of one record type that are made public.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Publication {
    /// Name of the record type whose fields they are.
    pub record_type: String,
    /// Paths of the public fields.
    pub fields: Vec<String>,
    /// Address of the provision that says so, one of `clauses.toml`: `§ 12 lg 1`.
    pub clause: Clause,
}

/// How long something is kept: what starts the period, how long it is, and what becomes of the data then.
#[doc(alias = "säilitustähtaeg")]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RetentionRule {
    /// Machine name that fields refer to.
    pub name: String,
    /// What people read; in the language of the source its own wording, where it words the thing.
    pub label: Label,
    /// Address of the provision that says so, one of `clauses.toml`: `§ 12 lg 1`.
    pub clause: Clause,
    /// What starts the period: the path of a date, `event:<name>`, `lifecycle:ends` (the record's own end) or
    /// `record:<type>` (the end of the records linked to it); absent when data stay until the register closes.
    #[serde(default)]
    pub trigger: Option<TriggerSaid>,
    /// ISO 8601 period after the trigger: `P10Y`, `P6M`, `P30D`; absent where data stay until the trigger.
    #[serde(default)]
    pub period: Option<String>,
    /// What becomes of the data when the period is over.
    #[schemars(with = "crate::domain::retention::Then")]
    pub then: String,
    /// Series of the authority's document list under which it is kept there.
    #[serde(default)]
    pub series: Option<String>,
    /// Where the period comes from, when the statute itself does not say it.
    #[serde(default)]
    pub source: Option<String>,
    /// Whether a period that ends on a day off ends on the next working day: where it is a term for somebody's act.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub working_day: bool,
    /// Fields that stay where the rest is anonymised.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keeps: Vec<String>,
}

/// How the register is closed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClosingRule {
    /// Clause by which it is decided, and by which nothing is entered afterwards.
    pub clause: Clause,
    /// What the decision may be; anything where none is named.
    #[serde(default, rename = "document")]
    pub documents: Vec<Item>,
    /// Steps that other law asks for: each is done, or it is said why not.
    #[serde(default, rename = "step")]
    pub steps: Vec<Item>,
}

/// How often the database is copied, and how long copies are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BackupRule {
    /// Address of the provision that says so, one of `clauses.toml`: `§ 12 lg 1`.
    pub clause: Clause,
    /// How many hours lie between two copies.
    pub every_hours: u32,
    /// Days of every earlier month whose copies are kept.
    pub keep_days_of_month: Vec<u32>,
    /// ISO 8601 period for which every copy is kept.
    pub keep_all: String,
    /// ISO 8601 period after which every copy is removed.
    pub keep_at_most: String,
}

/// What the register knows of one kind of thing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecordType {
    /// Machine name: what the rest of the definition calls it; a lower-case letter, then letters, digits and `_`.
    pub name: String,
    /// What people read; in the language of the source its own wording, where it words the thing.
    pub label: Label,
    /// Address of the provision that says so, one of `clauses.toml`: `§ 12 lg 1`.
    pub clause: Clause,
    /// Other clauses that say the same of the same records, point by point.
    #[serde(default)]
    pub repeated_in: Vec<Clause>,
    /// Whether it is secret by law that such records are held: then no published document tells it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub secret: bool,
    /// Which institutions hold such records; all where absent.
    #[serde(default)]
    pub held_by: Vec<HeldBy>,
    /// Purposes for which it is held.
    #[serde(default)]
    pub purposes: Vec<String>,
    /// Paths of the fields that make up what people call the record.
    pub title: Vec<String>,
    /// Whose data this is, if a person's.
    #[serde(default)]
    pub subject: Option<Subject>,
    /// Kinds of base document on which it may be entered.
    pub base_documents: Vec<String>,
    /// When a record begins and ends.
    #[serde(default)]
    pub lifecycle: Option<Lifecycle>,
    /// Combinations of fields that two records must not share.
    #[serde(default)]
    pub unique: Vec<Unique>,
    /// Sections (andmekogu osa): groups of fields that a right covers or does not.
    #[serde(rename = "section")]
    pub sections: Vec<Section>,
    /// What is held of each such thing, field by field.
    #[serde(rename = "field")]
    pub fields: Vec<Field>,
    /// Rules between the fields of one record: order of dates, no overlap, no cycle.
    #[serde(default, rename = "rule")]
    pub rules: Vec<Rule>,
    /// Checks that look across records.
    #[serde(default, rename = "check")]
    pub checks: Vec<Check>,
    /// In what order its records stand, where they are applications.
    #[serde(default)]
    pub queue: Option<QueueRule>,
    /// How a record of this type gives rise to another.
    #[serde(default, rename = "move")]
    pub moves: Vec<Move>,
}

impl RecordType {
    /// What people call the record with these data: its title fields, with spaces between them.
    pub fn title_of(&self, data: &serde_json::Value) -> Option<String> {
        let part = |path: &String| FieldPath::parse(path).ok()?.get(data)?.as_str().map(str::to_owned);
        let parts: Vec<String> = self.title.iter().filter_map(part).collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    }

    /// Whether it is secret that such a field is held: by itself, with its section, or with the whole type.
    pub fn is_secret(&self, field: &Field) -> bool {
        let within = |section: &Section| section.secret && field.section.as_ref() == Some(&section.name);
        self.secret || field.secret || self.sections.iter().any(within)
    }
}

/// The person a record is about.
#[doc(alias = "andmesubjekt")]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Subject {
    /// Field that holds the personal code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub personal_code: Option<String>,
    /// Field that holds the name under which the person has an account here, where the source lists no personal code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Path of the personal codes of guardians, who stand for the subject while they are a minor; it may lead into a
    /// list (`guardians/personal_code`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guardians: Option<String>,
}

impl Subject {
    /// The field by which the person is told from others.
    pub fn field(&self) -> &str {
        self.personal_code.as_deref().or(self.account.as_deref()).unwrap_or_default()
    }

    /// Of what a user is known by, what stands in [`Self::field`] of a record about them.
    pub fn own<'u>(&self, personal_code: Option<&'u str>, account: &'u str) -> Option<&'u str> {
        if self.personal_code.is_some() { personal_code } else { Some(account).filter(|name| !name.is_empty()) }
    }

    /// Personal codes of those who stand for the subject on `day`, by the state `data` that holds then: nobody does
    /// for an adult, nor for somebody of whose age nothing is known.
    pub fn guardians_on<'v>(&self, country: &str, data: &'v serde_json::Value, day: NaiveDate) -> Vec<&'v str> {
        let Some(path) = self.guardians.as_ref().and_then(|p| FieldPath::parse(p).ok()) else {
            return Vec::new();
        };
        let code = self.personal_code.as_ref().and_then(|field| data.get(field)).and_then(serde_json::Value::as_str);
        let code = country.parse().ok().zip(code).and_then(|(c, text)| PersonalCode::parse(c, text, day).ok());
        if !code.is_some_and(|c| c.is_minor_on(day)) {
            return Vec::new();
        }
        path.values(data).into_iter().filter_map(serde_json::Value::as_str).collect()
    }
}

/// When a record is pending, active and ended; both boundary days count as active.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Lifecycle {
    /// Path of the field with the first day on which the record is active.
    pub begins: String,
    /// Path of the field with the last day on which it is active.
    pub ends: String,
    /// Path of the code that says on what ground it ended, when the statute asks for one.
    #[serde(default)]
    pub ground: Option<String>,
    /// Address of the provision that says so, one of `clauses.toml`: `§ 12 lg 1`.
    pub clause: Clause,
}

/// A combination of fields that two records must not share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Unique {
    /// Field names; each must be indexed.
    pub fields: Vec<String>,
    /// Among which records the combination is unique.
    pub within: Within,
    /// Whether records that have ended free the combination again.
    #[serde(default)]
    pub unless_ended: bool,
    /// Address of the provision that says so, one of `clauses.toml`: `§ 12 lg 1`.
    pub clause: Clause,
}

/// Among which records something is unique.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Within {
    /// Those of the same institution.
    Institution,
    /// All of the register.
    Register,
}

/// A named group of fields: the unit of field-level access.
#[doc(alias = "andmekogu osa")]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Section {
    /// Machine name: what the rest of the definition calls it; a lower-case letter, then letters, digits and `_`.
    pub name: String,
    /// What people read; in the language of the source its own wording, where it words the thing.
    pub label: Label,
    /// Whether it holds special categories of personal data (GDPR art. 9).
    #[serde(default)]
    pub special_category: bool,
    /// Whether it is secret by law even what it holds: then no published document tells it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub secret: bool,
}

/// One field of a record or of a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Field {
    /// Machine name: what the rest of the definition calls it; a lower-case letter, then letters, digits and `_`.
    pub name: String,
    /// What kind of value it takes; this decides which other keys it may have.
    #[serde(rename = "type")]
    pub kind: FieldType,
    /// What people read; in the language of the source its own wording, where it words the thing.
    pub label: Label,
    /// A sentence for the person who fills it in.
    #[serde(default)]
    pub help: Option<Label>,
    /// Clause. Parts of a group inherit the group's.
    #[serde(default)]
    pub clause: Option<Clause>,
    /// Other clauses that name the same field again.
    #[serde(default)]
    pub repeated_in: Vec<Clause>,
    /// Whether it is secret by law that it is held: then no published document tells it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub secret: bool,
    /// Source (`[[source]]`) from which the value comes; what becomes of one entered here is said there.
    #[serde(default)]
    pub source: Option<String>,
    /// Provision that entitles to a field beyond the statute's own list.
    #[serde(default)]
    pub basis: Option<String>,
    /// Section that it stands in, and so who may see it; only for fields of the record itself.
    #[serde(default)]
    pub section: Option<String>,
    /// Name of the retention rule that it follows; only for fields of the record itself that are entered.
    #[serde(default)]
    pub retention: Option<String>,
    /// Whether the value must be there: a new record without it is refused.
    #[serde(default)]
    pub required: bool,
    /// Condition on a sibling under which the value must be there.
    #[serde(default)]
    pub required_when: Option<Condition>,
    /// Condition on a sibling under which the value must not be there.
    #[serde(default)]
    pub absent_when: Option<Condition>,
    /// What must be recorded beside the value for it to be lawful: a consent, or a named legal need.
    #[serde(default)]
    pub needs: Option<Needs>,
    /// Whether the value is a list of such values.
    #[serde(default)]
    pub repeats: bool,
    /// Fewest and most items of a list: `[1, 3]`.
    #[serde(default)]
    pub items: Option<[usize; 2]>,
    /// Fewest and most characters (Unicode scalar values): `[1, 100]`.
    #[serde(default)]
    pub length: Option<[usize; 2]>,
    /// Regular expression (ECMA 262 subset common with the `regex` crate) that the whole text must match.
    #[serde(default)]
    pub pattern: Option<String>,
    /// Least value, for numbers (as text) and dates.
    #[serde(default)]
    pub min: Option<String>,
    /// Greatest value, likewise.
    #[serde(default)]
    pub max: Option<String>,
    /// Value above which a warning is given; the value is taken nevertheless.
    #[serde(default)]
    pub warn_above: Option<String>,
    /// Digits after the decimal point; default 2.
    #[serde(default)]
    pub scale: Option<u32>,
    /// Name of the code list in `codelists.toml`, for the type `code`.
    #[serde(default)]
    pub codelist: Option<String>,
    /// Sibling code field whose chosen code must be the parent of this one's.
    #[serde(default)]
    pub within_code: Option<String>,
    /// Country of a personal or registry code; default: the register's.
    #[serde(default)]
    pub country: Option<String>,
    /// Whether the person of a personal code must be a minor on the entry's effective day.
    #[serde(default)]
    pub minor: bool,
    /// Name of the record type that it leads to, for the type `reference`.
    #[serde(default)]
    pub refers_to: Option<String>,
    /// Media types that are taken, for the type `file`: `image/png`. Told by the content, not by the name.
    #[serde(default)]
    pub media_types: Vec<String>,
    /// What it consists of, for the type `group`: fields with the same keys.
    #[serde(default, rename = "part")]
    pub parts: Vec<Field>,
    /// How it is computed; what is computed is never entered.
    #[serde(default)]
    pub derived: Option<Derived>,
    /// How records can be found by it; without an index they cannot.
    #[serde(default)]
    pub index: Option<Index>,
}

/// Kinds of value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FieldType {
    /// One line of text.
    Text,
    /// Text of several lines.
    Multiline,
    /// Whole number.
    Integer,
    /// Decimal number, as text (`"37.50"`).
    Decimal,
    /// Euros, as text with two decimals.
    Money,
    /// Day, `YYYY-MM-DD`.
    Date,
    /// Year, four digits, a number.
    Year,
    /// `true` or `false`.
    Boolean,
    /// Code of a code list.
    Code,
    /// ISO 639-1 language, two lower-case letters.
    Language,
    /// ISO 3166-1 alpha-3 country or the statute's extra codes.
    Country,
    /// Percentage, decimal text.
    Percentage,
    /// Load (koormus), decimal text; `"1.00"` is full time.
    Load,
    /// Personal code.
    PersonalCode,
    /// Registry code of a body.
    RegistryCode,
    /// E-mail address.
    Email,
    /// Telephone, E.164.
    Phone,
    /// Bank account, ISO 13616.
    Iban,
    /// Postal address, one line.
    Address,
    /// A stored file, by its SHA-256 in lower-case hexadecimal.
    File,
    /// Id of another record.
    Reference,
    /// Several parts.
    Group,
}

/// A condition on a sibling field. Exactly one of `is`, `one_of`, `present` is given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Condition {
    /// Name of a sibling (field of the same record or part of the same group); may reach one part into a
    /// sibling group (`fixed_term/is_fixed`).
    pub field: String,
    /// The sibling is equal to this value.
    #[serde(default)]
    pub is: Option<serde_json::Value>,
    /// The sibling is equal to one of these.
    #[serde(default)]
    pub one_of: Option<Vec<serde_json::Value>>,
    /// The sibling has a value (`true`) or has none (`false`).
    #[serde(default)]
    pub present: Option<bool>,
}

impl Condition {
    /// Whether it holds in `data`, the record or group whose members are the siblings. Of a list it is enough that
    /// one item meets it; a condition that cannot be read holds nowhere.
    pub fn holds(&self, data: &serde_json::Value) -> bool {
        let path = FieldPath::parse(&self.field).ok();
        let values = path.as_ref().map(|p| p.values(data)).unwrap_or_default();
        match (&self.is, &self.one_of, self.present) {
            (Some(value), None, None) => values.contains(&value),
            (None, Some(allowed), None) => values.iter().any(|v| allowed.contains(v)),
            (None, None, Some(present)) => values.is_empty() != present,
            _ => false,
        }
    }
}

/// What must be recorded beside a value for it to be lawful.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Needs {
    /// Consent, or a named legal need.
    pub kind: NeedKind,
    /// Sibling that records it: a group for a consent (whose part `withdrawn_on` ends it), any field for a need.
    pub field: String,
    /// Address of the provision that says so, one of `clauses.toml`: `§ 12 lg 1`.
    pub clause: Clause,
}

/// Kinds of need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NeedKind {
    /// The person agreed.
    Consent,
    /// A duty under law, or another need that the clause names.
    LegalNeed,
}

/// How a field is indexed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Index {
    /// A name: found by prefix with `q`, sorted and filtered by.
    Name,
    /// A code: found whole with `q`, filtered by.
    Code,
    /// Filtered, sorted and aggregated by.
    Filter,
}

/// How a derived field is computed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Derived {
    /// What is computed; this decides which other keys it has.
    pub take: Take,
    /// Field it is taken from (a sibling).
    #[serde(default)]
    pub from: Option<String>,
    /// Second field (`days_inclusive`), or the entered field that stands in when `from` is absent.
    #[serde(default)]
    pub to: Option<String>,
    /// Entered field used when `from` is absent.
    #[serde(default)]
    pub otherwise: Option<String>,
    /// Record type that is counted.
    #[serde(default)]
    pub of: Option<String>,
    /// Its field that is summed or counted.
    #[serde(default)]
    pub field: Option<String>,
    /// Path of references from the counted record to this one; absent: the records of this institution. For
    /// `related`: path in this record of the institutions in which relations are looked for; absent: everywhere.
    #[serde(default)]
    pub via: Option<String>,
    /// Fields of the counted records by whose values they are counted (`count_by`).
    #[serde(default)]
    pub by: Vec<String>,
}

/// What a derivation takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Take {
    /// Sex from a personal code.
    Sex,
    /// Birth date from a personal code.
    BirthDate,
    /// Age in years, on the day asked about, from a personal code.
    Age,
    /// Year of birth from a personal code.
    BirthYear,
    /// `from` plus the period group `to` (`amount`, `unit` = `month`, `day` or `year`), less one day.
    PeriodEnd,
    /// Days from `from` to `to`, both counted.
    DaysInclusive,
    /// Number of active records.
    Count,
    /// Number of different values of `field` among active records.
    CountDistinct,
    /// Sum of `field` over active records.
    Sum,
    /// Number of active records for each combination of values in `by`: rows with the parts `by` and `count`.
    CountBy,
    /// Active records of the type `of` that share a value at the path `field` with this one, other than this one:
    /// rows with the parts `record` and `institution` (references) and those that have the name of a field of theirs.
    Related,
}

/// A rule between fields.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Rule {
    /// What kind of rule; this decides which other keys it has.
    pub kind: RuleKind,
    /// Address of the provision that says so, one of `clauses.toml`: `§ 12 lg 1`.
    pub clause: Clause,
    /// Repeating group that it speaks about; absent: the record itself.
    #[serde(default)]
    pub of: Option<String>,
    /// Path of the first date, or of the reference (in the group, where `of` is given).
    #[serde(default)]
    pub from: Option<String>,
    /// Path of the second date.
    #[serde(default)]
    pub to: Option<String>,
    /// Code field that separates rows (`no_overlap` per kind; `sequence`).
    #[serde(default)]
    pub by: Option<String>,
    /// Code that must come first (`sequence`).
    #[serde(default)]
    pub first: Option<String>,
    /// Code that must come last.
    #[serde(default)]
    pub last: Option<String>,
    /// Whether a breach is only a warning.
    #[serde(default)]
    pub warning: bool,
}

/// Kinds of rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RuleKind {
    /// `from` is not after `to`.
    Order,
    /// Rows of `of` don't overlap in time (per `by`, where given).
    NoOverlap,
    /// Rows of `of` lie within the record's life.
    Inside,
    /// Rows of `of` ascend by the date `from`; the code `by` is `first` in the first and `last` only in the last.
    Sequence,
    /// The chain of references over `from` has no cycle.
    NoCycle,
    /// The reference `from` names the institution that holds the record.
    OwnInstitution,
}

/// A code list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Codelist {
    /// Machine name: what the rest of the definition calls it; a lower-case letter, then letters, digits and `_`.
    pub name: String,
    /// What people read; in the language of the source its own wording, where it words the thing.
    pub label: Label,
    /// Clause, or the basis on which the list was made.
    pub clause: Clause,
    /// The codes, in the order in which they are offered.
    #[serde(rename = "code")]
    pub codes: Vec<Code>,
}

/// One code, with the days on which it may be chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Code {
    /// Machine value: what a record holds.
    pub code: String,
    /// Label as of its validity; old records keep it.
    pub label: Label,
    /// First day on which it may be chosen.
    #[serde(default)]
    pub valid_from: Option<NaiveDate>,
    /// Last day on which it may be chosen.
    #[serde(default)]
    pub valid_until: Option<NaiveDate>,
    /// Code of the parent list (see [`Field::within_code`]).
    #[serde(default)]
    pub parent: Option<String>,
}

/// A kind of base document.
#[doc(alias = "alusdokument")]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DocumentKind {
    /// Machine name: what the rest of the definition calls it; a lower-case letter, then letters, digits and `_`.
    pub name: String,
    /// What people read; verbatim in the language of the source.
    pub label: Label,
    /// Address of the provision that says so, one of `clauses.toml`: `§ 12 lg 1`.
    pub clause: Clause,
    /// Whether the document must be explained (a catch-all kind).
    #[serde(default)]
    pub needs_explanation: bool,
}

/// One clause of the statute and what realises it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClauseRow {
    /// Address (`§ 12 lg 1 p 16`).
    pub id: Clause,
    /// What it demands, in our own words, in English.
    pub gist: String,
    /// Behaviours of the engine that realise it.
    #[serde(default)]
    pub behaviours: Vec<String>,
    /// Why no software realises it, where it binds only people or only states a fact.
    #[serde(default)]
    pub reason: Option<String>,
    /// What of it is not realised yet. Shown, never counted as done.
    #[serde(default)]
    pub pending: Option<String>,
}

/// The files of one definition as text, by path relative to its folder.
pub type Sources = BTreeMap<String, String>;
