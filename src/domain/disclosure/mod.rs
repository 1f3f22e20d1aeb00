//! Release of data: what is asked for, how it is weighed, what may then leave, and what the ledger keeps of it.
//!
//! A request is a case ([`crate::domain::case`]): its typed content stands in the details of the case, that of the
//! decision in the details of the decision. Here are the rules; nothing here reads or sends anything.

mod projection;

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

pub use projection::{covers, overlap, project, value_at};

use super::case::{CaseFile, CaseParty, CaseState, Step};
use super::identity::{self, Country, PersonalCode};
use super::record::index::Status;
use super::record::validate::Violation;
use super::refusal::Refusal;
use super::registers::Register;
use super::statute::definition::Field;
use super::statute::path::FieldPath;
use super::statute::procedures::{CaseKind, Procedure, ReleaseGround, StepKind};
use super::statute::{Clause, Definition, RecordType};

/// Most records that one release takes.
pub const MOST_RECORDS: usize = 50_000;
/// Most fields that one request names.
const MOST_FIELDS: usize = 200;
/// Longest text, in characters.
const LONGEST_TEXT: usize = 20_000;
/// Longest line, in characters.
const LONGEST_LINE: usize = 300;
/// Filters beside the indexed fields: where a record belongs and where it stands on the day.
const INSTITUTION: &str = "institution_id";
const STATUS: &str = "status";

/// How data leave other than as a file that the program writes.
pub const MANUAL_CHANNELS: &[&str] = &["spoken", "paper", "email", "post", "in_person", "phone", "portal"];

/// The form in which a release is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON, in the shape of the records.
    Json,
    /// Comma-separated values (RFC 4180), or as a spreadsheet program of the register's country opens them.
    Csv {
        /// For the spreadsheet program.
        excel: bool,
    },
    /// A workbook.
    Xlsx,
    /// An extract on pages.
    Pdf,
}

impl Format {
    /// The word in the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv { .. } => "csv",
            Self::Xlsx => "xlsx",
            Self::Pdf => "pdf",
        }
    }

    /// Most records that fit.
    pub fn most_records(self) -> usize {
        match self {
            Self::Json | Self::Csv { .. } => MOST_RECORDS,
            Self::Xlsx => 20_000,
            Self::Pdf => 2_000,
        }
    }
}

/// What somebody asks for: the details of a case.
#[doc(alias = "väljastamise taotlus")]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// What the request is about, in a line.
    pub object: String,
    /// Record type.
    pub record_type: String,
    /// Wanted fields, by path.
    pub fields: Vec<String>,
    /// Exact values of indexed fields.
    #[serde(default)]
    pub filter: BTreeMap<String, String>,
    /// Day as of which; `None`: the day of the release.
    #[serde(default)]
    pub as_of: Option<NaiveDate>,
    /// What for.
    pub purpose: String,
    /// On what right.
    pub legal_basis: String,
    /// Class of recipients of the definition, where it is known.
    #[serde(default)]
    pub recipient: Option<String>,
}

/// Faults of one body.
#[derive(Default)]
struct Faults(Vec<Violation>);

impl Faults {
    fn add(&mut self, pointer: &str, code: &'static str, detail: impl Into<String>, clause: &Clause) {
        self.0.push(Violation::error(pointer, code, detail, Some(clause.clone())));
    }

    /// A text that must say something: spaces do not.
    fn text(&mut self, pointer: &str, text: &str, longest: usize, clause: &Clause) -> String {
        let text = text.trim();
        if text.is_empty() {
            self.add(pointer, "required", "say it in words", clause);
        } else if text.chars().count() > longest {
            self.add(pointer, "length", format!("at most {longest} characters"), clause);
        }
        text.to_owned()
    }

    fn refuse(self) -> Result<(), Refusal> {
        if self.0.is_empty() { Ok(()) } else { Err(Refusal::Invalid(self.0)) }
    }
}

impl Request {
    /// The request as it is kept, once everything that the statute asks of it is there.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with every fault: an item that is missing or only spaces, a code that is none, an unknown
    /// record type or field, data that are never released, a filter over what is not indexed, rows for a recipient
    /// that gets aggregates only.
    pub fn accepted(
        mut self,
        requester: CaseParty,
        register: &Register,
        clause: &Clause,
        today: NaiveDate,
    ) -> Result<(Self, CaseParty), Refusal> {
        let mut faults = Faults::default();
        let requester = party(&mut faults, "/requester", requester, register, clause, today);
        self.object = faults.text("/object", &self.object, LONGEST_LINE, clause);
        self.purpose = faults.text("/purpose", &self.purpose, LONGEST_TEXT, clause);
        self.legal_basis = faults.text("/legal_basis", &self.legal_basis, LONGEST_TEXT, clause);
        if let Some(class) = &self.recipient {
            match register.definition.register.recipients.iter().find(|r| r.name == *class) {
                None => faults.add("/recipient", "not_in_codelist", "the statute knows no such recipients", clause),
                Some(known) if known.aggregates_only => {
                    let detail = "the statute gives these recipients aggregates only: run a report for them";
                    faults.add("/recipient", "aggregates_only", detail, &known.clause);
                }
                Some(_) => {}
            }
        }
        if self.as_of.is_some_and(|day| day > today) {
            faults.add("/as_of", "future", "the day is still to come", clause);
        }
        match register.record_type(&self.record_type) {
            None => faults.add("/record_type", "not_in_codelist", "the register has no such records", clause),
            Some(kind) => {
                composition(&mut faults, "/fields", &self.fields, &register.definition, kind, clause);
                filter(&mut faults, &mut self.filter, &register.definition, kind, clause);
            }
        }
        faults.refuse()?;
        Ok((self, requester))
    }

    /// Reads it out of a case.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for a case that is none.
    pub fn of(case: &CaseFile) -> Result<Self, Refusal> {
        serde_json::from_value(case.details.clone()).map_err(|_| Refusal::NotFound { what: "disclosure request" })
    }

    /// The one institution whose records are asked for, where only one's are.
    pub fn institution(&self) -> Option<uuid::Uuid> {
        self.filter.get(INSTITUTION).and_then(|id| uuid::Uuid::parse_str(id).ok())
    }

    /// Where the records must stand on the day, where it matters.
    pub fn status(&self) -> Option<Status> {
        self.filter.get(STATUS).and_then(|word| Status::parse(word))
    }

    /// Field and value of every condition over the index, in order.
    pub fn conditions<'a>(&'a self, kind: &'a RecordType) -> impl Iterator<Item = (&'a Field, &'a str)> {
        self.filter.iter().filter_map(|(name, value)| Some((indexed(kind, name)?, value.as_str())))
    }
}

fn indexed<'a>(kind: &'a RecordType, name: &str) -> Option<&'a Field> {
    kind.fields.iter().find(|f| f.name == name && f.index.is_some() && f.derived.is_none())
}

/// Who asks or receives: with a name, a way to reach them, and codes that can be codes.
fn party(
    faults: &mut Faults,
    at: &str,
    given: CaseParty,
    register: &Register,
    clause: &Clause,
    today: NaiveDate,
) -> CaseParty {
    let filled = |text: Option<String>| text.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
    let party = CaseParty {
        name: faults.text(&format!("{at}/name"), &given.name, LONGEST_LINE, clause),
        kind: Some(faults.text(&format!("{at}/kind"), given.kind.as_deref().unwrap_or_default(), 60, clause)),
        registry_code: filled(given.registry_code),
        personal_code: filled(given.personal_code),
        contact: faults.text(&format!("{at}/contact"), &given.contact, 500, clause),
    };
    if let Some(code) = &party.registry_code {
        let fault = match register.definition.register.country.parse::<Country>() {
            Ok(Country::Fi) => identity::check_fi(code).err(),
            Ok(Country::Ee) => identity::check_ee(code).err(),
            Err(_) => None,
        };
        if let Some(fault) = fault {
            faults.add(&format!("{at}/registry_code"), "registry_code", fault.to_string(), clause);
        }
    }
    if let Some(code) = &party.personal_code {
        let own = register.definition.register.country.parse::<Country>().ok();
        let known = [Country::Ee, Country::Fi];
        if !known.iter().any(|c| PersonalCode::parse(*c, code, today).is_ok()) {
            let fault = own.and_then(|c| PersonalCode::parse(c, code, today).err());
            let detail = fault.map_or_else(|| "it is no personal code".to_owned(), |f| f.to_string());
            faults.add(&format!("{at}/personal_code"), "personal_code", detail, clause);
        }
    }
    party
}

/// Checks the paths of a composition: there, told once, and none of what is never released.
fn composition(
    faults: &mut Faults,
    at: &str,
    fields: &[String],
    definition: &Definition,
    kind: &RecordType,
    clause: &Clause,
) -> Vec<FieldPath> {
    if fields.is_empty() || fields.len() > MOST_FIELDS {
        faults.add(at, "required", format!("name the data that are wanted: 1 to {MOST_FIELDS} fields"), clause);
        return Vec::new();
    }
    let mut told = BTreeSet::new();
    let mut paths = Vec::new();
    for (n, text) in fields.iter().enumerate() {
        let at = format!("{at}/{n}");
        let Some(path) = FieldPath::parse(text).ok().filter(|p| p.resolve(&kind.fields).is_some()) else {
            faults.add(&at, "unknown_field", format!("records of type {} have no such field", kind.name), clause);
            continue;
        };
        if let Some(clause) = withheld(definition, kind, &path) {
            faults.add(&at, "withheld", "these data are never released, whoever asks", clause);
        }
        if !told.insert(text) {
            faults.add(&at, "not_unique_in_list", "the field is named twice", clause);
        }
        paths.push(path);
    }
    paths
}

/// Checks a filter and brings its values into the form in which they are compared.
fn filter(
    faults: &mut Faults,
    filter: &mut BTreeMap<String, String>,
    definition: &Definition,
    kind: &RecordType,
    clause: &Clause,
) {
    for (name, value) in filter.iter_mut() {
        let at = format!("/filter/{}", name.chars().take(60).collect::<String>().replace('~', "~0").replace('/', "~1"));
        let own = kind.fields.iter().any(|f| f.name == *name);
        *value = value.trim().to_owned();
        match name.as_str() {
            INSTITUTION if !own => match uuid::Uuid::parse_str(value) {
                Ok(id) => *value = id.to_string(),
                Err(_) => faults.add(&at, "type", "an id is expected: a UUID", clause),
            },
            STATUS if !own => {
                if !matches!(Status::parse(value), Some(Status::Pending | Status::Active | Status::Ended)) {
                    faults.add(&at, "not_in_codelist", "one of pending, active, ended", clause);
                }
            }
            _ => match indexed(kind, name) {
                None => {
                    let known: Vec<&str> = kind
                        .fields
                        .iter()
                        .filter(|f| f.index.is_some() && f.derived.is_none())
                        .map(|f| f.name.as_str())
                        .collect();
                    let detail = format!("records are chosen by their indexed fields: {}", known.join(", "));
                    faults.add(&at, "unknown_field", detail, clause);
                }
                Some(field) => {
                    if value.is_empty() {
                        faults.add(&at, "required", "give the value that the records have", clause);
                    }
                    let path = FieldPath::parse(&field.name).ok();
                    if let Some(clause) = path.and_then(|p| withheld(definition, kind, &p).cloned()) {
                        faults.add(&at, "withheld", "what is never released chooses no records either", &clause);
                    }
                }
            },
        }
    }
}

/// The clause that keeps what a path names from ever being released, if one does. A group of which a part is withheld
/// is withheld as a whole: its other parts can be named.
pub fn withheld<'d>(definition: &'d Definition, kind: &RecordType, path: &FieldPath) -> Option<&'d Clause> {
    let section = path.along(&kind.fields).next().flatten().and_then(|f| f.section.as_deref());
    definition
        .register
        .withheld
        .iter()
        .filter(|w| w.record_type.as_ref().is_none_or(|t| *t == kind.name))
        .find(|w| {
            w.sections.iter().any(|s| Some(s.as_str()) == section)
                || w.fields.iter().filter_map(|f| FieldPath::parse(f).ok()).any(|f| overlap(&f, path))
        })
        .map(|w| &w.clause)
}

/// The sections from which the paths take, in order.
pub fn sections(kind: &RecordType, paths: &[FieldPath]) -> Vec<String> {
    let named: BTreeSet<&str> = paths
        .iter()
        .filter_map(|p| p.along(&kind.fields).next().flatten())
        .filter_map(|f| f.section.as_deref())
        .collect();
    named.into_iter().map(str::to_owned).collect()
}

/// A question answered with yes or no, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Yes or no.
    pub answer: bool,
    /// In words.
    pub because: String,
}

/// What somebody decides about a request, as it comes.
#[derive(Debug, Clone, Default)]
pub struct Proposal {
    /// Outcome.
    pub outcome: String,
    /// Ground: of the release where it is granted, else of the refusal.
    pub ground: Option<String>,
    /// Ground of the release, where `ground` is that of the part refused.
    pub release_ground: Option<String>,
    /// Ground of the refusal, where `ground` is that of the release.
    pub refusal_ground: Option<String>,
    /// Fields granted; `None`: those asked for.
    pub fields: Option<Vec<String>>,
    /// Why.
    pub explanation: String,
    /// The act that gives the public task; `None`: the one that the request cites.
    pub act: Option<String>,
    /// Answers to the questions of the ground.
    pub answers: BTreeMap<String, Answer>,
}

/// What was decided: the details of the decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Ground on which it is released; `None` for a refusal that names none.
    pub release_ground: Option<String>,
    /// Clause of that ground.
    pub release_clause: Option<Clause>,
    /// Fields granted, by path.
    pub fields: Vec<String>,
    /// Fields asked for and not granted.
    #[serde(default)]
    pub refused_fields: Vec<String>,
    /// The act that gives the public task.
    #[serde(default)]
    pub act: Option<String>,
    /// Answers to the questions of the ground.
    #[serde(default)]
    pub answers: BTreeMap<String, Answer>,
}

/// The step that decides `request` as `proposal` says.
///
/// # Errors
/// [`Refusal::Invalid`] with every fault: a ground that the statute does not have or does not give to such
/// recipients, a public task without its act, a question without an answer in words, an answer that permits nothing
/// but a refusal, fields that were not asked for.
pub fn weigh(request: &Request, proposal: &Proposal, register: &Register, kind: &CaseKind) -> Result<Step, Refusal> {
    let source = &register.definition.register;
    let mut faults = Faults::default();
    let explanation = faults.text("/explanation", &proposal.explanation, LONGEST_TEXT, &kind.clause);
    let Some(outcome) = kind.outcomes.iter().find(|o| o.name == proposal.outcome) else {
        let known: Vec<&str> = kind.outcomes.iter().map(|o| o.name.as_str()).collect();
        let detail = format!("it can be decided as: {}", known.join(", "));
        faults.add("/outcome", "not_in_codelist", detail, &kind.clause);
        faults.refuse()?;
        return Err(Refusal::NotFound { what: "outcome" });
    };
    let grants = !outcome.refuses;
    let denies = outcome.refuses || outcome.in_part;
    let release = release_ground(&mut faults, proposal, register, kind, grants, denies);

    // The questions of the ground.
    let mut forced = Vec::new();
    for question in release.map(|g| g.questions.as_slice()).unwrap_or_default() {
        let at = format!("/answers/{}", question.name);
        let Some(answer) = proposal.answers.get(&question.name) else {
            faults.add(&at, "required", "this ground asks the question; answer it", &question.clause);
            continue;
        };
        faults.text(&format!("{at}/because"), &answer.because, LONGEST_TEXT, &question.clause);
        if answer.answer != question.must_be {
            forced.push(question);
        }
    }
    for name in proposal.answers.keys() {
        if !release.is_some_and(|g| g.questions.iter().any(|q| q.name == *name)) {
            let at = format!("/answers/{}", name.replace('~', "~0").replace('/', "~1"));
            faults.add(&at, "unknown_field", "the ground asks no such question", &kind.clause);
        }
    }
    if grants {
        for question in &forced {
            let at = format!("/answers/{}/answer", question.name);
            let detail =
                format!("with this answer nothing is released: refuse it on the ground {}", question.otherwise);
            faults.add(&at, "forces_refusal", detail, &question.clause);
        }
    }

    // The ground of what is denied.
    let is_refusal = |name: &str| source.refusal_grounds.iter().any(|g| g.name == name);
    let named = proposal.refusal_ground.clone().or_else(|| proposal.ground.clone().filter(|g| is_refusal(g)));
    let refusal = named.or_else(|| forced.first().map(|q| q.otherwise.clone()));
    if denies && !source.refusal_grounds.is_empty() {
        let known: Vec<&str> = source.refusal_grounds.iter().map(|g| g.name.as_str()).collect();
        match &refusal {
            Some(ground) if !is_refusal(ground) => {
                let detail = format!("a refusal rests on one of: {}", known.join(", "));
                faults.add("/refusal_ground", "not_in_codelist", detail, &kind.clause);
            }
            Some(ground) if !forced.is_empty() && !forced.iter().any(|q| q.otherwise == *ground) => {
                let detail = "the answers give another ground";
                faults.add("/ground", "other_ground", detail, &kind.clause);
            }
            Some(_) => {}
            None => {
                let detail = format!("a refusal rests on one of: {}", known.join(", "));
                faults.add("/ground", "not_in_codelist", detail, &kind.clause);
            }
        }
    }

    let act = match (release.filter(|_| grants), &proposal.act) {
        (Some(ground), Some(act)) if ground.needs_act => Some(faults.text("/act", act, LONGEST_TEXT, &ground.clause)),
        // The act that the request cites, which is there.
        (Some(ground), None) if ground.needs_act => Some(request.legal_basis.clone()),
        (_, act) => act.as_deref().map(str::trim).filter(|a| !a.is_empty()).map(str::to_owned),
    };
    let record_type = register.record_type(&request.record_type).ok_or(Refusal::NotFound { what: "record type" })?;
    let asked = paths(&request.fields);
    let granted = granted_fields(&mut faults, request, proposal, register, record_type, kind, (grants, denies));
    faults.refuse()?;
    let decision = Decision {
        release_ground: release.map(|g| g.name.clone()),
        release_clause: release.map(|g| g.clause.clone()),
        refused_fields: asked
            .iter()
            .filter(|a| !granted.iter().any(|g| covers(g, a)))
            .map(ToString::to_string)
            .collect(),
        fields: granted.iter().map(ToString::to_string).collect(),
        act,
        answers: proposal.answers.clone(),
    };
    let mut step = Step::new(StepKind::Decide, explanation);
    step.outcome = Some(outcome.name.clone());
    step.ground = if denies { refusal } else { decision.release_ground.clone() };
    step.details = json!(decision);
    Ok(step)
}

/// The legal ground on which it is released, of the definition.
fn release_ground<'r>(
    faults: &mut Faults,
    proposal: &Proposal,
    register: &'r Register,
    kind: &CaseKind,
    grants: bool,
    denies: bool,
) -> Option<&'r ReleaseGround> {
    let grounds = &register.definition.register.release_grounds;
    let find = |name: &str| grounds.iter().find(|g| g.name == name);
    let named = proposal.release_ground.as_deref();
    // With a partial grant `ground` says why the rest is refused; what else is said tells on what the part rests.
    let told = || {
        let ground = proposal.ground.as_deref().and_then(find);
        let answered = || {
            let answers = &proposal.answers;
            let fits = |g: &&ReleaseGround| {
                !answers.is_empty() && answers.keys().all(|a| g.questions.iter().any(|q| q.name == *a))
            };
            grounds.iter().find(fits)
        };
        let by_act = || proposal.act.as_ref().filter(|_| grants).and_then(|_| grounds.iter().find(|g| g.needs_act));
        ground.or_else(|| answered().filter(|_| denies)).or_else(|| by_act().filter(|_| denies))
    };
    let found = match named {
        Some(name) => find(name),
        None => told(),
    };
    if found.is_none() && (grants && !grounds.is_empty() || named.is_some()) {
        let known: Vec<&str> = grounds.iter().map(|g| g.name.as_str()).collect();
        let at = if denies || named.is_some() { "/release_ground" } else { "/ground" };
        faults.add(at, "not_in_codelist", format!("data are released on one of: {}", known.join(", ")), &kind.clause);
    }
    found
}

/// The fields granted: within what was asked for, all of it or, for a partial grant, a part.
fn granted_fields(
    faults: &mut Faults,
    request: &Request,
    proposal: &Proposal,
    register: &Register,
    record_type: &RecordType,
    kind: &CaseKind,
    (grants, denies): (bool, bool),
) -> Vec<FieldPath> {
    let clause = &kind.clause;
    if !grants {
        if proposal.fields.as_ref().is_some_and(|f| !f.is_empty()) {
            faults.add("/fields", "not_granted", "a refusal grants no fields", clause);
        }
        return Vec::new();
    }
    if proposal.fields.is_none() && denies {
        faults.add("/fields", "required", "name the fields that are granted", clause);
        return Vec::new();
    }
    let fields = proposal.fields.as_ref().unwrap_or(&request.fields);
    let granted = composition(faults, "/fields", fields, &register.definition, record_type, clause);
    let asked = paths(&request.fields);
    for (n, text) in fields.iter().enumerate() {
        let beyond = FieldPath::parse(text)
            .is_ok_and(|path| path.resolve(&record_type.fields).is_some() && !asked.iter().any(|a| covers(a, &path)));
        if beyond {
            faults.add(&format!("/fields/{n}"), "not_asked", "it was not asked for", clause);
        }
    }
    let whole = asked.iter().all(|a| granted.iter().any(|g| covers(g, a)));
    match (denies, whole) {
        (true, true) => faults.add("/fields", "not_partial", "this grants all that was asked for", clause),
        (false, false) if !granted.is_empty() => {
            faults.add("/fields", "partial", "this grants less than was asked for: decide it as a part", clause);
        }
        _ => {}
    }
    granted
}

/// Paths that have been read before.
pub fn paths(fields: &[String]) -> Vec<FieldPath> {
    fields.iter().filter_map(|f| FieldPath::parse(f).ok()).collect()
}

/// What may be released on a case as it stands.
///
/// # Errors
/// [`Refusal::Conflict`] with the clause: not decided yet, refused, closed or taken back, or of data that the statute
/// has since come to withhold. [`Refusal::NotFound`] for a case of another procedure.
pub fn releasable(case: &CaseFile, kind: &CaseKind, register: &Register) -> Result<Decision, Refusal> {
    if kind.procedure != Procedure::Disclosure {
        return Err(Refusal::NotFound { what: "disclosure request" });
    }
    let conflict =
        |code, detail: String, clause: &Clause| Err(Refusal::Conflict { code, detail, clause: Some(clause.clone()) });
    let Some(decision) = &case.decision else {
        return conflict("not_decided", "nothing is released before it is decided".into(), &kind.clause);
    };
    let refused = kind.outcomes.iter().find(|o| o.name == decision.outcome).is_none_or(|o| o.refuses);
    if refused {
        return conflict("refused", "the release was refused".into(), &decision.clause);
    }
    if case.state != CaseState::Decided {
        let detail = format!("the case is {}: nothing is released any more", case.state.as_str());
        return conflict("case_over", detail, &kind.clause);
    }
    let request = Request::of(case)?;
    let decided: Decision = serde_json::from_value(decision.details.clone())
        .map_err(|_| Refusal::NotFound { what: "decision on a disclosure request" })?;
    let record_type = register.record_type(&request.record_type).ok_or(Refusal::NotFound { what: "record type" })?;
    let granted = paths(&decided.fields);
    if let Some(clause) = granted.iter().find_map(|p| withheld(&register.definition, record_type, p)) {
        return conflict("withheld", "these data are never released, whoever asks".into(), clause);
    }
    Ok(decided)
}

/// A release made by other means: spoken, on paper.
#[derive(Debug, Clone)]
pub struct ManualRelease {
    /// To whom.
    pub recipient: CaseParty,
    /// Record type.
    pub record_type: String,
    /// What of the records, by path.
    pub fields: Vec<String>,
    /// Whose.
    pub record_ids: Vec<uuid::Uuid>,
    /// Ground, of the definition.
    pub ground: String,
    /// On what act or document it rests.
    pub basis: String,
    /// What for.
    pub purpose: String,
    /// How.
    pub channel: String,
    /// Day as of which the data were told; `None`: today.
    pub as_of: Option<NaiveDate>,
    /// SHA-256 of the paper's or file's bytes, where there are bytes.
    pub sha256: Option<String>,
}

/// Most records of one manual release.
const MOST_SUBJECTS: usize = 500;

impl ManualRelease {
    /// The release as it is kept.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with every fault.
    pub fn accepted(mut self, register: &Register, clause: &Clause, today: NaiveDate) -> Result<Self, Refusal> {
        let mut faults = Faults::default();
        self.recipient = party(&mut faults, "/recipient", self.recipient, register, clause, today);
        self.basis = faults.text("/basis", &self.basis, LONGEST_TEXT, clause);
        self.purpose = faults.text("/purpose", &self.purpose, LONGEST_TEXT, clause);
        let grounds = &register.definition.register.release_grounds;
        if !grounds.is_empty() && !grounds.iter().any(|g| g.name == self.ground) {
            let known: Vec<&str> = grounds.iter().map(|g| g.name.as_str()).collect();
            let detail = format!("data are released on one of: {}", known.join(", "));
            faults.add("/ground", "not_in_codelist", detail, clause);
        }
        if !MANUAL_CHANNELS.contains(&self.channel.as_str()) {
            let detail = format!("say how it left: {}", MANUAL_CHANNELS.join(", "));
            faults.add("/channel", "not_in_codelist", detail, clause);
        }
        if self.record_ids.is_empty() || self.record_ids.len() > MOST_SUBJECTS {
            faults.add("/record_ids", "items", format!("name 1 to {MOST_SUBJECTS} records"), clause);
        }
        if self.record_ids.iter().collect::<BTreeSet<_>>().len() != self.record_ids.len() {
            faults.add("/record_ids", "not_unique_in_list", "a record is named twice", clause);
        }
        if self.as_of.is_some_and(|day| day > today) {
            faults.add("/as_of", "future", "the day is still to come", clause);
        }
        if let Some(digest) = &self.sha256
            && !is_sha256(digest)
        {
            faults.add("/sha256", "pattern", "64 hexadecimal digits in lower case", clause);
        }
        match register.record_type(&self.record_type) {
            None => faults.add("/record_type", "not_in_codelist", "the register has no such records", clause),
            Some(kind) => {
                composition(&mut faults, "/fields", &self.fields, &register.definition, kind, clause);
            }
        }
        faults.refuse()?;
        Ok(self)
    }
}

/// Whether `text` is a SHA-256 in lower-case hexadecimal.
pub fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// What the ledger keeps of a release beside its columns. Everything may be absent: other releases than those on a
/// request keep what they have.
#[doc(alias = "väljastamise register")]
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LedgerBody {
    /// To whom.
    pub recipient: Option<CaseParty>,
    /// Class of recipients.
    pub recipient_class: Option<String>,
    /// Composition: fields, by path.
    pub fields: Vec<String>,
    /// Composition: sections.
    pub sections: Vec<String>,
    /// Number of records.
    pub records: u64,
    /// Ground.
    pub ground: Option<String>,
    /// Clause of the ground; publications and reports call it their basis.
    #[serde(alias = "basis")]
    pub clause: Option<Clause>,
    /// The act that gives the public task.
    pub act: Option<String>,
    /// On what the recipient relies.
    pub legal_basis: Option<String>,
    /// What for.
    pub purpose: Option<String>,
    /// User id of who decided.
    pub decided_by: Option<String>,
    /// User id of who released.
    pub released_by: Option<String>,
    /// Form of the file.
    pub format: Option<String>,
    /// Day as of which.
    pub as_of: Option<NaiveDate>,
}

/// The fields of a composition whose released value a correction changes.
pub fn changed(before: &Value, after: &Value, fields: &[String]) -> Vec<String> {
    paths(fields)
        .iter()
        .filter(|path| {
            let one = |data: &Value| -> Map<String, Value> { project(data, std::slice::from_ref(*path)) };
            one(before) != one(after)
        })
        .map(ToString::to_string)
        .collect()
}
