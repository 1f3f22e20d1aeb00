//! What a statute says of procedures: cases with their clocks, releases, reports, the end of rights.
//!
//! `cases.toml` and parts of `register.toml`. See [`super::definition`] for the rest.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::definition::Item;
use super::{Clause, Label};
use crate::domain::calendar::Term;

/// A kind of case: something that somebody asks, reports, complains of, applies for or is told to do.
#[doc(alias = "menetlus")]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseKind {
    /// Machine name: what the rest of the definition calls it; a lower-case letter, then letters, digits and `_`.
    pub name: String,
    /// What people read; in the language of the source its own wording, where it words the thing.
    pub label: Label,
    /// Clause that makes it.
    pub clause: Clause,
    /// Which procedure of the engine it follows.
    pub procedure: Procedure,
    /// What it is about, and so what must be named when it is opened.
    #[serde(default)]
    pub about: About,
    /// How long it may take, counted from the day of receipt; absent where the statute sets no time.
    #[serde(default)]
    pub term: Option<Term>,
    /// Where the time comes from, when not from `clause`.
    #[serde(default)]
    pub term_clause: Option<Clause>,
    /// Whether whoever opens it names the day by which it must be done.
    #[serde(default)]
    pub names_due: bool,
    /// How the time may be extended, where it may.
    #[serde(default)]
    pub extension: Option<Extension>,
    /// Contact points and `institution`, told at once when a case is opened.
    #[serde(default)]
    pub tells: Vec<String>,
    /// Contact point to which it can be forwarded.
    #[serde(default)]
    pub forwards_to: Option<String>,
    /// Days before the due day on which the contact points are reminded.
    #[serde(default)]
    pub reminders: Vec<u32>,
    /// Steps that such a case can take beside messages, a decision and its closing.
    #[serde(default)]
    pub steps: Vec<StepKind>,
    /// Ways in which it can be decided.
    #[serde(default, rename = "outcome")]
    pub outcomes: Vec<CaseOutcome>,
    /// What must have happened before it can be closed.
    #[serde(default)]
    pub closes_after: Vec<StepKind>,
    /// What the person concerned can do against the decision; told with it.
    #[serde(default)]
    pub remedies: Option<Label>,
    /// Roles whose accesses to the record are not shown to its subject while the case is open.
    #[serde(default)]
    pub hides: Vec<String>,
    /// How people ask for the data about themselves: only with the procedure of that name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_data: Option<OwnDataRule>,
}

/// How people ask for the data about themselves (GDPR art. 15).
#[doc(alias = "rätt till insyn")]
#[doc(alias = "tarkastusoikeus")]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OwnDataRule {
    /// Clause under which whoever asks proves who they are, and somebody decides.
    pub clause: Clause,
    /// Roles that decide and give out what was granted; nobody else does.
    pub decides: Vec<String>,
    /// Ways in which whoever asks may prove who they are.
    pub proofs: Vec<ProofWay>,
    /// Clause under which the guardian of a minor asks; absent where people ask for themselves only.
    #[serde(default)]
    pub guardians: Option<Clause>,
    /// Clause under which the time stands still from the day on which a proof was asked for until it is there, and is
    /// counted from then (GDPR art. 12(6)); absent where it goes on.
    #[serde(default)]
    pub waits_for_identity: Option<Clause>,
    /// Where a written and signed request is sent.
    #[serde(default)]
    pub send_to: Option<String>,
}

/// A way in which somebody proves who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProofWay {
    /// They are logged in under the account that is theirs.
    Login,
    /// They have signed a letter, which has a number.
    SignedLetter,
    /// They have come in person, and an officer has seen their document.
    InPerson,
}

impl ProofWay {
    /// The word in definitions, bodies and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::SignedLetter => "signed_letter",
            Self::InPerson => "in_person",
        }
    }
}

/// Procedures that the engine knows. What differs between two kinds of one procedure is in their data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Procedure {
    /// Somebody asks for data.
    Disclosure,
    /// Somebody asks for the data about themselves, or as a guardian about a minor.
    OwnData,
    /// An institution's head applies for a user's access, or for its end.
    Access,
    /// Wrong data are reported.
    ErrorNotice,
    /// The person whose data they are reports or submits something.
    SubjectNotice,
    /// The controller doubts and asks the submitter.
    Inquiry,
    /// Misuse, a fault or a problem, reported at once.
    Incident,
    /// The keeping of the register or the processing is contested.
    Complaint,
    /// A supervisor's order with a date.
    Prescription,
    /// A proposal or an instruction to the processor.
    Instruction,
    /// An investigation that postpones what its subject may see.
    Investigation,
    /// The rights of a user whose employment ends; opened by the engine.
    Leaver,
    /// The list of rights in force is confirmed; opened by the engine.
    Recertification,
    /// A recipient of a value that was wrong must be told; opened by the engine.
    RecipientNotice,
}

impl Procedure {
    /// The word in definitions and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disclosure => "disclosure",
            Self::OwnData => "own_data",
            Self::Access => "access",
            Self::ErrorNotice => "error_notice",
            Self::SubjectNotice => "subject_notice",
            Self::Inquiry => "inquiry",
            Self::Incident => "incident",
            Self::Complaint => "complaint",
            Self::Prescription => "prescription",
            Self::Instruction => "instruction",
            Self::Investigation => "investigation",
            Self::Leaver => "leaver",
            Self::Recertification => "recertification",
            Self::RecipientNotice => "recipient_notice",
        }
    }

    /// Whether only the engine opens such cases.
    pub fn is_opened_by_engine(self) -> bool {
        matches!(self, Self::Leaver | Self::Recertification | Self::RecipientNotice)
    }
}

/// What a case is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// The register, or nothing in particular; a record or an institution may be named.
    #[default]
    Register,
    /// An institution, which must be named.
    Institution,
    /// A record, which must be named.
    Record,
}

/// How the time of a case may be extended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Extension {
    /// The whole time, from the day of receipt; only once, before the first time has run out, and with reasons.
    pub term: Term,
    /// Address of the provision that says so, one of `clauses.toml`: `§ 12 lg 1`.
    pub clause: Clause,
}

/// Steps of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Somebody writes something for the file.
    Message,
    /// The one who asked is asked to say more precisely what is meant; the clock goes on.
    AskClarification,
    /// They have said it.
    Clarify,
    /// The one who asked is asked to prove who they are.
    AskIdentity,
    /// They have proved it; an officer says how.
    Identify,
    /// The time is extended, with reasons.
    Extend,
    /// It is passed on to the contact point that must act.
    Forward,
    /// The one told acknowledges it.
    Acknowledge,
    /// The one asked answers.
    Answer,
    /// It is decided.
    Decide,
    /// The one concerned is told of the result.
    Notify,
    /// The result is checked.
    Verify,
    /// The one who opened it takes it back.
    Withdraw,
    /// It is closed.
    Close,
}

impl StepKind {
    /// The word in definitions, bodies and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::AskClarification => "ask_clarification",
            Self::Clarify => "clarify",
            Self::AskIdentity => "ask_identity",
            Self::Identify => "identify",
            Self::Extend => "extend",
            Self::Forward => "forward",
            Self::Acknowledge => "acknowledge",
            Self::Answer => "answer",
            Self::Decide => "decide",
            Self::Notify => "notify",
            Self::Verify => "verify",
            Self::Withdraw => "withdraw",
            Self::Close => "close",
        }
    }
}

/// A way in which a case can be decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseOutcome {
    /// Machine name: what the rest of the definition calls it; a lower-case letter, then letters, digits and `_`.
    pub name: String,
    /// What people read; in the language of the source its own wording, where it words the thing.
    pub label: Label,
    /// Address of the provision that says so, one of `clauses.toml`: `§ 12 lg 1`.
    pub clause: Clause,
    /// Whether it denies what was asked; then a ground must be named, from the definition's refusal grounds.
    #[serde(default)]
    pub refuses: bool,
    /// Whether it grants only a part.
    #[serde(default)]
    pub in_part: bool,
}

/// Where letters of the register go: a body or an office, not a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ContactPoint {
    /// Machine name (`controller`, `processor`, `information_security`).
    pub name: String,
    /// What people read; in the language of the source its own wording, where it words the thing.
    pub label: Label,
    /// Clause that names it.
    pub clause: Clause,
    /// E-mail address: a matter of the installation, not of the statute.
    pub email: String,
    /// Language of letters to it.
    #[serde(default = "estonian")]
    pub language: String,
}

fn estonian() -> String {
    "et".to_owned()
}

/// A ground on which data are released.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReleaseGround {
    /// Machine name, as recipients name it.
    pub name: String,
    /// What people read; in the language of the source its own wording, where it words the thing.
    pub label: Label,
    /// Address of the provision that says so, one of `clauses.toml`: `§ 12 lg 1`.
    pub clause: Clause,
    /// Whether the act that gives the public task must be named.
    #[serde(default)]
    pub needs_act: bool,
    /// Questions that the decision answers in words.
    #[serde(default, rename = "question")]
    pub questions: Vec<Question>,
}

/// A question that a decision answers with yes or no, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Question {
    /// Machine name: what the rest of the definition calls it; a lower-case letter, then letters, digits and `_`.
    pub name: String,
    /// The question, as whoever decides reads it.
    pub label: Label,
    /// Address of the provision that says so, one of `clauses.toml`: `§ 12 lg 1`.
    pub clause: Clause,
    /// The answer without which nothing is released.
    pub must_be: bool,
    /// Refusal ground where the answer is the other one.
    pub otherwise: String,
}

/// Data that are never released, whoever asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Withheld {
    /// Record type; absent for all.
    #[serde(default)]
    pub record_type: Option<String>,
    /// Names of the fields that are withheld.
    #[serde(default)]
    pub fields: Vec<String>,
    /// Names of the sections that are withheld as a whole.
    #[serde(default)]
    pub sections: Vec<String>,
    /// Address of the provision that says so, one of `clauses.toml`: `§ 12 lg 1`.
    pub clause: Clause,
}

/// A statistical report: aggregates of records as of a day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReportDefinition {
    /// Machine name: what the rest of the definition calls it; a lower-case letter, then letters, digits and `_`.
    pub name: String,
    /// What people read; in the language of the source its own wording, where it words the thing.
    pub label: Label,
    /// Address of the provision that says so, one of `clauses.toml`: `§ 12 lg 1`.
    pub clause: Clause,
    /// Class of recipients that gets it.
    pub recipient: String,
    /// Record type that is counted; its active records.
    pub record_type: String,
    /// Coded fields by which it is grouped: at most three paths.
    #[serde(default)]
    pub group_by: Vec<String>,
    /// What is computed beside the number of records.
    #[serde(default, rename = "measure")]
    pub measures: Vec<ReportMeasure>,
    /// How often it is due, ISO 8601; absent when only on request.
    #[serde(default)]
    pub every: Option<Term>,
    /// Cells over fewer records than this are hidden.
    pub threshold: u64,
}

/// A computed column of a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReportMeasure {
    /// Machine name: what the rest of the definition calls it; a lower-case letter, then letters, digits and `_`.
    pub name: String,
    /// What people read; in the language of the source its own wording, where it words the thing.
    pub label: Label,
    /// What is computed.
    pub take: MeasureKind,
    /// Numeric field, by path.
    pub field: String,
}

/// An overview for whoever manages: records counted by what they have in common, as of today, for those who may list
/// them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Overview {
    /// Machine name: what the rest of the definition calls it; a lower-case letter, then letters, digits and `_`.
    pub name: String,
    /// What people read; in the language of the source its own wording, where it words the thing.
    pub label: Label,
    /// Clause: for what the register is kept.
    pub clause: Clause,
    /// Record type that is counted; its active records.
    pub record_type: String,
    /// Fields by which it is grouped: one or two paths.
    pub by: Vec<String>,
    /// What is computed beside the number of records, and of people where the records are about people.
    #[serde(default, rename = "measure")]
    pub measures: Vec<OverviewMeasure>,
}

/// A computed column of an overview.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OverviewMeasure {
    /// Machine name: what the rest of the definition calls it; a lower-case letter, then letters, digits and `_`.
    pub name: String,
    /// What people read; in the language of the source its own wording, where it words the thing.
    pub label: Label,
    /// What is computed.
    pub take: OverviewTake,
    /// Numeric field, by path; in a list with the row chosen (`list[part=value]/number`).
    pub field: String,
    /// Part of the list's rows with their first day: only rows in force today are measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Part with their last day; open where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// What an overview computes over a numeric field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OverviewTake {
    /// Sum.
    Sum,
    /// Arithmetic mean.
    Average,
    /// The value in the middle.
    Median,
}

/// What a report computes over a numeric field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MeasureKind {
    /// Sum.
    Sum,
    /// Arithmetic mean.
    Average,
}

/// When somebody stops being employed, what they held as users ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LeaverRule {
    /// Record type of the employment; its lifecycle says when it ends, its subject who it is.
    pub record_type: String,
    /// Clause under which the right ends with the employment.
    pub clause: Clause,
    /// Clause that says by when it must be taken away.
    pub term_clause: Clause,
    /// By when: counted from the last day.
    pub term: Term,
    /// The ground under which the rights are ended.
    pub ground: Item,
}

/// Dates on which the list of rights in force is confirmed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecertificationRule {
    /// Days of each year, `MM-DD`.
    pub on: Vec<String>,
    /// How much time there is for it.
    pub term: Term,
    /// Address of the provision that says so, one of `clauses.toml`: `§ 12 lg 1`.
    pub clause: Clause,
}

/// How recipients of a value that turns out to be wrong are told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecipientNoticeRule {
    /// Clause or other provision that asks for it.
    pub clause: Clause,
    /// How much time there is for it.
    pub term: Term,
}

/// A contract with a processor: a matter of the installation. Its users have access only between its days.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Contract {
    /// Number or mark of the contract.
    pub reference: String,
    /// First day of the contract.
    pub from: chrono::NaiveDate,
    /// Last day; absent while it is open.
    #[serde(default)]
    pub until: Option<chrono::NaiveDate>,
}

impl Contract {
    /// Whether it holds on `day`.
    pub fn holds_on(&self, day: chrono::NaiveDate) -> bool {
        self.from <= day && self.until.is_none_or(|last| day <= last)
    }
}
