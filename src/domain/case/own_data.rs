//! Asking for the data about oneself: who asks about whom, how they prove who they are, what stops the clock, and when
//! what was granted may be given out.
//!
//! The right is that of GDPR art. 15; who decides, how identity is proved and where the signed request is sent is the
//! register's ([`OwnDataRule`]). What was asked stands in the details of the case as [`OwnData`].

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{CaseFile, CaseState, Deadline, Faults, Step};
use crate::domain::identity::{Country, PersonalCode};
use crate::domain::record::validate::Violation;
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::domain::statute::procedures::{CaseKind, OwnDataRule, ProofWay, StepKind};
use crate::domain::statute::{Clause, RecordType};

/// Full years of life at which a person stops being a minor.
const ADULT: u32 = 18;
/// Longest reference, in characters.
const LONGEST_REFERENCE: usize = 300;

/// Whose data are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Personal code, where the register knows people by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub personal_code: Option<String>,
    /// Account, where the register knows people by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Birth date, where no personal code tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub birth_date: Option<NaiveDate>,
}

/// As whom somebody asks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// For themselves.
    #[default]
    Own,
    /// As the guardian of a minor.
    Guardian,
}

/// How whoever asks has proved who they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// Way.
    pub way: ProofWay,
    /// Number of the signed letter, or which kind of document was seen; empty for a login.
    #[serde(default)]
    pub reference: String,
    /// Day on which it was proved.
    pub on: NaiveDate,
    /// User id of who saw it; of the asker, for a login.
    pub by: String,
}

/// On what it rests that a guardian is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guardianship {
    /// The register names them as such.
    Record,
    /// They have shown a document, which is named.
    Document(String),
}

/// A request for the data about oneself: the details of its case.
#[doc(alias = "insyn")]
#[doc(alias = "tarkastuspyyntö")]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnData {
    /// Whose data.
    #[serde(default)]
    pub subject: Person,
    /// As whom.
    #[serde(default)]
    pub standing: Standing,
    /// How identity was proved; `None` while it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// Day on which a proof was first asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_on: Option<NaiveDate>,
    /// On what guardianship rests; `None` while nothing shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guardianship: Option<Guardianship>,
}

/// What is known of whoever asks.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    /// Their own personal code.
    pub personal_code: Option<&'a str>,
    /// Name under which they are logged in; empty where somebody enters it for them.
    pub account: &'a str,
    /// User id of who enters it.
    pub by: &'a str,
    /// Day on which it came in.
    pub on: NaiveDate,
    /// Today.
    pub today: NaiveDate,
}

/// What a body says of a request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    #[serde(default)]
    subject: Person,
    #[serde(default)]
    standing: Standing,
    #[serde(default)]
    proof: Option<SaidProof>,
    #[serde(default)]
    guardian_document: Option<String>,
}

/// What a body says of a proof.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SaidProof {
    way: ProofWay,
    #[serde(default)]
    reference: String,
    #[serde(default)]
    on: Option<NaiveDate>,
}

/// What a body says when a proof has come in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SaidStep {
    #[serde(default)]
    way: Option<ProofWay>,
    #[serde(default)]
    reference: String,
    #[serde(default)]
    on: Option<NaiveDate>,
    #[serde(default)]
    guardian_document: Option<String>,
}

/// By what the register knows people: personal codes, accounts.
pub fn known_by(register: &Register) -> (bool, bool) {
    let subjects = || register.definition.record_types.iter().filter_map(|t| t.subject.as_ref());
    (
        subjects().any(|s| s.personal_code.is_some()),
        subjects().any(|s| s.personal_code.is_none() && s.account.is_some()),
    )
}

/// The kinds of records that are about people.
pub fn about_people(register: &Register) -> impl Iterator<Item = &RecordType> {
    register.definition.record_types.iter().filter(|t| t.subject.is_some())
}

fn rule(kind: &CaseKind) -> Result<&OwnDataRule, Refusal> {
    kind.own_data.as_ref().ok_or(Refusal::NotFound { what: "request for one's own data" })
}

fn conflict(code: &'static str, detail: &str, clause: &Clause) -> Refusal {
    Refusal::Conflict { code, detail: detail.to_owned(), clause: Some(clause.clone()) }
}

/// A reference that says something, within its length.
fn reference(faults: &mut Faults, at: &str, text: &str) -> String {
    let text = text.trim();
    if text.is_empty() {
        faults.add(at, "required", "name the letter's number, or which kind of document was seen");
    } else if text.chars().count() > LONGEST_REFERENCE {
        faults.add(at, "length", format!("at most {LONGEST_REFERENCE} characters"));
    }
    text.to_owned()
}

/// A proof that somebody else has seen.
fn seen(faults: &mut Faults, rule: &OwnDataRule, at: &str, said: (ProofWay, &str, NaiveDate), by: &str) -> Proof {
    let (way, text, on) = said;
    let taken = [ProofWay::SignedLetter, ProofWay::InPerson];
    if !taken.contains(&way) || !rule.proofs.contains(&way) {
        let known: Vec<&str> = rule.proofs.iter().filter(|p| taken.contains(p)).map(|p| p.as_str()).collect();
        let detail = format!("identity is proved here by: {}", known.join(", "));
        faults.add(&format!("{at}/way"), "not_in_codelist", detail);
    }
    Proof { way, reference: reference(faults, &format!("{at}/reference"), text), on, by: by.to_owned() }
}

impl OwnData {
    /// The request as it is kept, from what a body says.
    ///
    /// `asker.account` tells somebody who asks under their own login from a request that an officer enters: only an
    /// officer says how identity was proved, and only of somebody else.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with every fault: a person who is not named, a code that is none, a guardian of somebody of
    /// age, a proof that the register does not know or that the asker gives themselves.
    pub fn asked(details: &Value, register: &Register, kind: &CaseKind, asker: &Asker<'_>) -> Result<Self, Refusal> {
        let rule = rule(kind)?;
        let details = if details.is_null() { json!({}) } else { details.clone() };
        let said: Said = serde_json::from_value(details).map_err(|_| {
            let detail = "say `subject`, `standing` (own or guardian) and, as an officer, `proof` with its `way`";
            Refusal::invalid("/details", "type", detail, Some(rule.clause.clone()))
        })?;
        let mut faults = Faults::new(&rule.clause);
        let itself = !asker.account.is_empty();
        let mut subject = said.subject;
        for text in [&mut subject.personal_code, &mut subject.account] {
            *text = text.take().map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
        }
        if said.standing == Standing::Own {
            let own = asker.personal_code.map(str::to_owned);
            if itself {
                let claimed = subject.personal_code.as_ref().is_some_and(|c| own.as_ref().is_some_and(|o| o != c));
                if claimed || subject.account.as_ref().is_some_and(|a| a != asker.account) {
                    faults.add("/details/subject", "not_own", "that is somebody else: ask as their guardian");
                }
                subject.account = Some(asker.account.to_owned());
            }
            subject.personal_code = subject.personal_code.or(own);
        }
        person(&mut faults, register, &subject, asker.today);
        let mut asked = Self { subject, standing: said.standing, ..Self::default() };
        asked.of_age(&mut faults, register, rule, asker.today);
        if itself {
            if said.proof.is_some() || said.guardian_document.is_some() {
                let detail = "an officer enters what was seen; you prove who you are by logging in or by coming in";
                faults.add("/details/proof", "not_yours", detail);
            }
            let (codes, _) = known_by(register);
            // A login tells who somebody is where the register knows people by the same: their code, or their account.
            let tells = asker.personal_code.is_some() || (said.standing == Standing::Own && !codes);
            if rule.proofs.contains(&ProofWay::Login) && tells {
                let (reference, by) = (String::new(), asker.by.to_owned());
                asked.proof = Some(Proof { way: ProofWay::Login, reference, on: asker.today, by });
            }
        } else {
            if let Some(proof) = said.proof {
                let on = proof.on.unwrap_or(asker.on);
                day_of_proof(&mut faults, "/details/proof/on", on, asker.on, asker.today);
                asked.proof =
                    Some(seen(&mut faults, rule, "/details/proof", (proof.way, &proof.reference, on), asker.by));
            }
            if let Some(text) = said.guardian_document {
                let text = reference(&mut faults, "/details/guardian_document", &text);
                asked.guardianship = Some(Guardianship::Document(text));
            }
        }
        faults.refuse()?;
        Ok(asked)
    }

    /// Reads it out of a case.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for a case that is none.
    pub fn of(case: &CaseFile) -> Result<Self, Refusal> {
        serde_json::from_value(case.details.clone())
            .map_err(|_| Refusal::NotFound { what: "request for one's own data" })
    }

    /// Whether the subject is whoever has this personal code or account.
    pub fn is_about(&self, personal_code: Option<&str>, account: &str) -> bool {
        let same = |known: Option<&String>, own: &str| known.is_some_and(|k| k == own && !own.is_empty());
        personal_code.is_some_and(|code| same(self.subject.personal_code.as_ref(), code))
            || same(self.subject.account.as_ref(), account)
    }

    /// Whether the subject is a minor on `day`; `None` where nothing tells.
    pub fn is_minor(&self, register: &Register, day: NaiveDate) -> Option<bool> {
        let country = register.definition.register.country.parse::<Country>().ok();
        let code = self.subject.personal_code.as_deref();
        let by_code = country.zip(code).and_then(|(c, text)| PersonalCode::parse(c, text, day).ok());
        match by_code {
            Some(code) => Some(code.is_minor_on(day)),
            None => Some(day.years_since(self.subject.birth_date?).is_none_or(|years| years < ADULT)),
        }
    }

    /// A guardian asks for a minor, where the register lets guardians ask.
    fn of_age(&self, faults: &mut Faults, register: &Register, rule: &OwnDataRule, day: NaiveDate) {
        if self.standing == Standing::Own {
            return;
        }
        let at = "/details/standing";
        let Some(clause) = &rule.guardians else {
            faults.add(at, "no_guardians", "here people ask for themselves only");
            return;
        };
        let (code, detail) = match self.is_minor(register, day) {
            Some(true) => return,
            Some(false) => ("not_minor", "the person is of age and asks for themselves"),
            None => ("required", "give the personal code or the birth date: guardians ask for minors only"),
        };
        faults.found.push(Violation::error(at, code, detail, Some(clause.clone())));
    }

    /// What a guardian's request still lacks on `day`.
    fn guardian(&self, register: &Register, rule: &OwnDataRule, day: NaiveDate) -> Result<(), Refusal> {
        if self.standing == Standing::Own {
            return Ok(());
        }
        let clause = rule.guardians.as_ref().unwrap_or(&rule.clause);
        if self.is_minor(register, day) != Some(true) {
            let detail = "the person has come of age: nothing is given to a guardian any more; they ask for themselves";
            return Err(conflict("not_minor", detail, clause));
        }
        if self.guardianship.is_none() {
            let detail = "nothing shows that whoever asks is the guardian: take the step `identify` with a document";
            return Err(conflict("guardian_not_shown", detail, clause));
        }
        Ok(())
    }

    /// Whether it may be granted on `day`, in full or in part.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] with the clause: identity is not proved; nothing shows the guardian; the minor is of age.
    pub fn grantable(&self, register: &Register, kind: &CaseKind, day: NaiveDate) -> Result<(), Refusal> {
        let rule = rule(kind)?;
        if self.proof.is_none() {
            let detail = "whoever asks has not proved who they are: take the step `identify` first, or refuse it";
            return Err(conflict("identity_not_proved", detail, &rule.clause));
        }
        self.guardian(register, rule, day)
    }
}

/// The person is named by what the register knows people by, and by a code that can be one.
fn person(faults: &mut Faults, register: &Register, subject: &Person, today: NaiveDate) {
    let (codes, accounts) = known_by(register);
    let named = (codes && subject.personal_code.is_some()) || (accounts && subject.account.is_some());
    if !named {
        let (at, detail) = match codes {
            true => ("/details/subject/personal_code", "the register knows people by their personal code: give it"),
            false => ("/details/subject/account", "the register knows people by their account: give it"),
        };
        faults.add(at, "required", detail);
    }
    let country = register.definition.register.country.parse::<Country>().ok();
    if let Some((country, code)) = country.zip(subject.personal_code.as_deref()).filter(|_| codes)
        && let Err(fault) = PersonalCode::parse(country, code, today)
    {
        faults.add("/details/subject/personal_code", fault.personal_code(), fault.to_string());
    }
    if subject.birth_date.is_some_and(|day| day > today) {
        faults.add("/details/subject/birth_date", "future", "the day is still to come");
    }
}

fn day_of_proof(faults: &mut Faults, at: &str, on: NaiveDate, received_on: NaiveDate, today: NaiveDate) {
    if on > today {
        faults.add(at, "future", "the day is still to come");
    } else if on < received_on {
        faults.add(at, "order", "the day lies before the day of receipt");
    }
}

/// The case after a proof was asked for: where the register's rule says so, its time stands still until the proof is
/// there. Only the first asking stops it, and only before the time has run out.
pub(super) fn asked_for(case: &CaseFile, next: &mut CaseFile, kind: &CaseKind, at: Instant) -> Result<(), Refusal> {
    let rule = rule(kind)?;
    let mut own = OwnData::of(case)?;
    let shown = own.standing == Standing::Own || own.guardianship.is_some();
    if own.proof.is_some() && shown {
        return Err(conflict("identity_proved", "whoever asks has proved who they are", &rule.clause));
    }
    next.state = CaseState::Clarifying;
    if own.asked_on.is_none() {
        own.asked_on = Some(at.today);
        let runs = case.deadline.as_ref().is_none_or(|d| !d.is_past(at.now));
        if rule.waits_for_identity.is_some() && runs {
            next.deadline = None;
        }
    }
    next.details = json!(own);
    Ok(())
}

/// An instant and the day it is in the register.
#[derive(Debug, Clone, Copy)]
pub(super) struct Instant {
    pub now: DateTime<Utc>,
    pub today: NaiveDate,
}

/// The case after a proof has come in; a time that stood still is counted from its day.
pub(super) fn identified(
    case: &CaseFile,
    next: &mut CaseFile,
    register: &Register,
    kind: &CaseKind,
    step: &Step,
    (at, by, faults): (Instant, &str, &mut Faults),
) -> Result<(), Refusal> {
    let rule = rule(kind)?;
    let mut own = OwnData::of(case)?;
    let said = if step.details.is_null() { json!({}) } else { step.details.clone() };
    let Ok(said) = serde_json::from_value::<SaidStep>(said) else {
        faults.add("/details", "type", "say `way` and `reference`, or `guardian_document`");
        return Ok(());
    };
    let on = said.on.unwrap_or(at.today);
    day_of_proof(faults, "/details/on", on, case.received_on, at.today);
    if let Some(way) = said.way {
        own.proof = Some(seen(faults, rule, "/details", (way, &said.reference, on), by));
    }
    if let Some(text) = &said.guardian_document {
        if own.standing == Standing::Own {
            faults.add("/details/guardian_document", "unknown_field", "whoever asks does not ask as a guardian");
        }
        own.guardianship = Some(Guardianship::Document(reference(faults, "/details/guardian_document", text)));
    }
    if said.way.is_none() && said.guardian_document.is_none() {
        faults.add("/details/way", "required", "say how identity was proved");
    }
    let shown = own.standing == Standing::Own || own.guardianship.is_some();
    if own.proof.is_some() && shown {
        next.state = CaseState::Open;
        // The time had stopped: it begins anew on the day of the proof.
        if let Some(term) = kind.term.filter(|_| case.deadline.is_none()) {
            next.counted_from = Some(on);
            next.deadline = Some(Deadline::reckoned(register, kind, term, on, at.now)?);
        }
    }
    next.details = json!(own);
    Ok(())
}

/// What of the record types is held back of a request that is granted in part: `record_type/section`.
pub fn held_back(register: &Register, details: &Value) -> Result<Vec<(String, String)>, &'static str> {
    let list = match details.get("held_back") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(list)) => list,
        Some(_) => return Err("name them in a list"),
    };
    let known = |kind: &str, section: &str| {
        about_people(register).any(|t| t.name == kind && t.sections.iter().any(|s| s.name == section))
    };
    let read = |item: &Value| {
        let (kind, section) = item.as_str()?.split_once('/')?;
        known(kind, section).then(|| (kind.to_owned(), section.to_owned()))
    };
    let mut read: Vec<(String, String)> =
        list.iter().map(read).collect::<Option<_>>().ok_or("a section is named as record_type/section")?;
    read.sort_unstable();
    read.dedup();
    Ok(read)
}

/// Checks what a decision adds to that of any case.
pub(super) fn decided(
    case: &CaseFile,
    register: &Register,
    kind: &CaseKind,
    step: &Step,
    (today, faults): (NaiveDate, &mut Faults),
) -> Result<(), Refusal> {
    let Some(outcome) = kind.outcomes.iter().find(|o| Some(o.name.as_str()) == step.outcome.as_deref()) else {
        return Ok(());
    };
    if !outcome.refuses {
        OwnData::of(case)?.grantable(register, kind, today)?;
    }
    let at = "/details/held_back";
    match held_back(register, &step.details) {
        Err(detail) => faults.add(at, "not_in_codelist", detail),
        Ok(list) if outcome.in_part && list.is_empty() => {
            faults.add(at, "required", "name the sections that are held back");
        }
        Ok(list) if !outcome.in_part && !list.is_empty() => {
            faults.add(at, "not_partial", "only a part that is granted holds anything back");
        }
        Ok(_) => {}
    }
    Ok(())
}

/// What may be given out on a case as it stands on `day`: the sections that are held back of it.
///
/// # Errors
/// [`Refusal::Conflict`] with the clause: not decided, refused, over, or a minor who has come of age meanwhile;
/// [`Refusal::NotFound`] for a case of another procedure.
pub fn releasable(
    case: &CaseFile,
    kind: &CaseKind,
    register: &Register,
    day: NaiveDate,
) -> Result<(OwnData, Vec<(String, String)>), Refusal> {
    let rule = rule(kind)?;
    let own = OwnData::of(case)?;
    let Some(decision) = &case.decision else {
        return Err(conflict("not_decided", "nothing is given out before it is decided", &rule.clause));
    };
    if kind.outcomes.iter().find(|o| o.name == decision.outcome).is_none_or(|o| o.refuses) {
        return Err(conflict("refused", "the request was refused", &decision.clause));
    }
    if case.state != CaseState::Decided {
        let detail = format!("the case is {}: nothing is given out any more", case.state.as_str());
        return Err(conflict("case_over", &detail, &kind.clause));
    }
    own.grantable(register, kind, day)?;
    let held = held_back(register, &decision.details).unwrap_or_default();
    Ok((own, held))
}

/// Whether a case of this kind takes the steps of identity.
pub(super) fn takes(kind: &CaseKind, act: StepKind) -> bool {
    kind.own_data.is_some() && matches!(act, StepKind::AskIdentity | StepKind::Identify)
}
