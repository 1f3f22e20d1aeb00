//! Cases: everything that somebody asks, reports, complains of, applies for or is told to do.
//!
//! One kind of thing, whatever the procedure: parties, a clock, steps that are never rewritten, a decision that
//! cites its clause. What a kind of case may do is data of the definition ([`CaseKind`]); here are the rules that
//! hold for all of them. A case is what its steps amount to: [`CaseFile::open`], then [`CaseFile::take`] for each.

mod due;
pub mod own_data;
mod reminder;

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

pub use due::Deadline;
pub use reminder::Stage;
pub(crate) use reminder::reminded;

use super::calendar::rfc3339;
use super::record::validate::Violation;
use super::refusal::Refusal;
use super::registers::Register;
use super::statute::Clause;
use super::statute::procedures::{About, CaseKind, StepKind};

/// Longest text of a step, in characters.
const LONGEST_TEXT: usize = 20_000;
/// Ways in which somebody can be told something.
pub const CHANNELS: &[&str] = &["email", "post", "in_person", "phone", "portal"];

/// A case as its steps have made it.
#[doc(alias = "toimik")]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaseFile {
    /// Id (UUIDv7).
    pub id: Uuid,
    /// Kind, of the definition.
    pub kind: String,
    /// Where it stands.
    pub state: CaseState,
    /// Institution concerned.
    pub institution_id: Option<Uuid>,
    /// Record type concerned.
    pub record_type: Option<String>,
    /// Record concerned.
    pub record_id: Option<Uuid>,
    /// Fields concerned, by path.
    #[serde(default)]
    pub fields: Vec<String>,
    /// When it was opened, RFC 3339.
    pub opened_at: String,
    /// User id of who opened it, or the name of the job.
    pub opened_by: String,
    /// Day on which it came in: its clock starts there.
    pub received_on: NaiveDate,
    /// By when it must be done; `None` where the statute sets no time, or while the time stands still.
    pub deadline: Option<Deadline>,
    /// Day from which the time is counted, where that is not the day of receipt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted_from: Option<NaiveDate>,
    /// What it is about, in a line.
    pub subject: String,
    /// What was asked or reported.
    pub text: String,
    /// Whose case it is, when not the opener's own.
    pub from: Option<CaseParty>,
    /// What else the procedure needs (a disclosure request, an application, a list of grants).
    #[serde(default)]
    pub details: Value,
    /// Files, by SHA-256.
    #[serde(default)]
    pub attachments: Vec<String>,
    /// When each kind of step was last made, RFC 3339.
    #[serde(default)]
    pub made: BTreeMap<StepKind, String>,
    /// The decision.
    pub decision: Option<CaseDecision>,
    /// When it was closed, RFC 3339.
    pub closed_at: Option<String>,
    /// Number of steps, the opening counted.
    pub version: i64,
}

/// Where a case stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseState {
    /// To be dealt with.
    Open,
    /// Whoever asked is asked to say what they mean; the clock goes on.
    Clarifying,
    /// With the one who must act.
    Forwarded,
    /// Decided, not yet closed.
    Decided,
    /// Done.
    Closed,
    /// Taken back.
    Withdrawn,
}

impl CaseState {
    /// Every state, in the order in which a case goes through them.
    pub const ALL: [Self; 6] =
        [Self::Open, Self::Clarifying, Self::Forwarded, Self::Decided, Self::Closed, Self::Withdrawn];

    /// The word in the store and in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Clarifying => "clarifying",
            Self::Forwarded => "forwarded",
            Self::Decided => "decided",
            Self::Closed => "closed",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Whether nothing can happen any more.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Closed | Self::Withdrawn)
    }
}

/// A person or body that a case is from or about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseParty {
    /// Name.
    pub name: String,
    /// `person`, `company`, `authority` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Registry code of a body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry_code: Option<String>,
    /// Personal code of a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub personal_code: Option<String>,
    /// How to reach them. Empty where data left to everybody, or to whom the statute itself names: the ledger keeps no
    /// address of those.
    #[serde(default)]
    pub contact: String,
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaseDecision {
    /// Outcome, of the definition.
    pub outcome: String,
    /// Clause that the decision cites: the ground's, else the outcome's.
    pub clause: Clause,
    /// Ground of a refusal, or on which something is granted.
    pub ground: Option<String>,
    /// Why.
    pub explanation: String,
    /// What else the procedure decides (fields granted, questions answered).
    #[serde(default)]
    pub details: Value,
    /// What can be done against it.
    pub remedies: Option<String>,
    /// When, RFC 3339.
    pub at: String,
    /// User id of who decided.
    pub by: String,
}

/// A case to be opened.
#[derive(Debug, Clone, Default)]
pub struct NewCase {
    /// Kind.
    pub kind: String,
    /// Institution.
    pub institution_id: Option<Uuid>,
    /// Record type, with `record_id`.
    pub record_type: Option<String>,
    /// Record.
    pub record_id: Option<Uuid>,
    /// Fields, by path.
    pub fields: Vec<String>,
    /// In a line.
    pub subject: String,
    /// In full.
    pub text: String,
    /// Whose it is.
    pub from: Option<CaseParty>,
    /// Day on which it came in; `None`: today.
    pub received_on: Option<NaiveDate>,
    /// Day by which it must be done, where the opener names it.
    pub due_on: Option<NaiveDate>,
    /// Files.
    pub attachments: Vec<String>,
    /// What else the procedure needs.
    pub details: Value,
}

/// A step to be taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// What.
    pub act: StepKind,
    /// In words.
    #[serde(default)]
    pub text: String,
    /// Outcome, for a decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Ground, for a decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ground: Option<String>,
    /// How somebody was told ([`CHANNELS`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Files, by SHA-256.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<String>,
    /// What else the procedure decides.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub details: Value,
}

impl Step {
    /// A step that says `text`.
    pub fn new(act: StepKind, text: impl Into<String>) -> Self {
        Self {
            act,
            text: text.into(),
            outcome: None,
            ground: None,
            channel: None,
            attachments: Vec::new(),
            details: Value::Null,
        }
    }
}

/// When a step is made and by whom.
#[derive(Debug, Clone, Copy)]
pub struct Made<'a> {
    /// Instant.
    pub at: DateTime<Utc>,
    /// User id, or the name of the job.
    pub by: &'a str,
}

impl CaseFile {
    /// Opens a case of `kind`.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with every fault: what is missing, a day of receipt to come, a due day that has passed.
    pub fn open(
        register: &Register,
        kind: &CaseKind,
        id: Uuid,
        new: &NewCase,
        made: Made<'_>,
    ) -> Result<Self, Refusal> {
        let today = register.day(made.at);
        let received_on = new.received_on.unwrap_or(today);
        let mut faults = Faults::new(&kind.clause);
        faults.text("/subject", &new.subject, 300);
        faults.text("/text", &new.text, LONGEST_TEXT);
        if let Some(from) = &new.from {
            faults.text("/from/name", &from.name, 300);
            faults.text("/from/contact", &from.contact, 500);
        }
        match kind.about {
            About::Record if new.record_id.is_none() => {
                faults.add("/record_id", "required", "name the record that it is about");
            }
            About::Institution if new.institution_id.is_none() => {
                faults.add("/institution_id", "required", "name the institution that it is about");
            }
            About::Record | About::Institution | About::Register => {}
        }
        if received_on > today {
            faults.add("/received_on", "future", "the day of receipt is still to come");
        }
        match (kind.names_due, new.due_on) {
            (true, None) => faults.add("/due_on", "required", "name the day by which it must be done"),
            (true, Some(due)) if due < received_on => {
                faults.add("/due_on", "order", "the due day lies before the day of receipt");
            }
            (false, Some(_)) => {
                faults.add("/due_on", "unknown_field", "the statute sets the time; it cannot be chosen");
            }
            (true, Some(_)) | (false, None) => {}
        }
        faults.refuse()?;
        let deadline = match new.due_on {
            Some(due) => Some(Deadline::named(register, kind, due)?),
            None => match kind.term {
                Some(term) => Some(Deadline::reckoned(register, kind, term, received_on, made.at)?),
                None => None,
            },
        };
        Ok(Self {
            id,
            kind: kind.name.clone(),
            state: CaseState::Open,
            institution_id: new.institution_id,
            record_type: new.record_type.clone(),
            record_id: new.record_id,
            fields: new.fields.clone(),
            opened_at: rfc3339(made.at),
            opened_by: made.by.to_owned(),
            received_on,
            deadline,
            counted_from: None,
            subject: new.subject.trim().to_owned(),
            text: new.text.trim().to_owned(),
            from: new.from.clone(),
            details: new.details.clone(),
            attachments: new.attachments.clone(),
            made: BTreeMap::new(),
            decision: None,
            closed_at: None,
            version: 1,
        })
    }

    /// Takes a step. `language` is that of the remedies told with a decision.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with every fault; [`Refusal::Conflict`] for what cannot be done any more or not yet: a
    /// step after the end, a second decision, an extension too late, closing before what the statute asks for;
    /// [`Refusal::Forbidden`] for taking back what somebody else has opened.
    pub fn take(&self, register: &Register, kind: &CaseKind, step: &Step, made: Made<'_>) -> Result<Self, Refusal> {
        let conflict =
            |code, detail: String, clause: &Clause| Refusal::Conflict { code, detail, clause: Some(clause.clone()) };
        if self.state.is_over() {
            let detail = format!("the case is {}: nothing can be added", self.state.as_str());
            return Err(conflict("case_over", detail, &kind.clause));
        }
        self.possible(kind, step)?;
        if step.act == StepKind::Withdraw && made.by != self.opened_by {
            let detail = "only whoever opened the case takes it back".into();
            return Err(Refusal::Forbidden { clause: kind.clause.clone(), detail });
        }
        let mut faults = Faults::new(&kind.clause);
        if !matches!(step.act, StepKind::Close | StepKind::Acknowledge) || !step.text.trim().is_empty() {
            faults.text("/text", &step.text, LONGEST_TEXT);
        }
        let mut next = self.clone();
        let instant = own_data::Instant { now: made.at, today: register.day(made.at) };
        match step.act {
            StepKind::Message | StepKind::Acknowledge | StepKind::Answer | StepKind::Verify => {}
            StepKind::AskIdentity => own_data::asked_for(self, &mut next, kind, instant)?,
            StepKind::Identify => {
                own_data::identified(self, &mut next, register, kind, step, (instant, made.by, &mut faults))?;
            }
            StepKind::AskClarification => next.state = CaseState::Clarifying,
            StepKind::Clarify => next.state = CaseState::Open,
            StepKind::Forward => next.state = CaseState::Forwarded,
            StepKind::Extend => next.deadline = Some(self.extended(register, kind, made.at)?),
            StepKind::Decide => {
                if kind.own_data.is_some() {
                    own_data::decided(self, register, kind, step, (instant.today, &mut faults))?;
                }
                let decision = self.decided(register, kind, step, made, &mut faults);
                next.decision = decision;
                next.state = CaseState::Decided;
            }
            StepKind::Notify => {
                if !step.channel.as_deref().is_some_and(|c| CHANNELS.contains(&c)) {
                    let detail = format!("say how they were told: {}", CHANNELS.join(", "));
                    faults.add("/channel", "not_in_codelist", detail);
                }
            }
            StepKind::Withdraw => {
                next.state = CaseState::Withdrawn;
                next.closed_at = Some(rfc3339(made.at));
            }
            StepKind::Close => {
                let lacking: Vec<&str> =
                    kind.closes_after.iter().filter(|s| !self.made.contains_key(s)).map(|s| s.as_str()).collect();
                if !lacking.is_empty() {
                    let detail = format!("before it is closed there must be: {}", lacking.join(", "));
                    return Err(conflict("not_ready", detail, &kind.clause));
                }
                next.state = CaseState::Closed;
                next.closed_at = Some(rfc3339(made.at));
            }
        }
        faults.refuse()?;
        next.made.insert(step.act, rfc3339(made.at));
        next.version += 1;
        Ok(next)
    }

    /// Whether such a case can take such a step now.
    fn possible(&self, kind: &CaseKind, step: &Step) -> Result<(), Refusal> {
        let always = matches!(step.act, StepKind::Message | StepKind::Withdraw | StepKind::Close);
        let decides = step.act == StepKind::Decide && !kind.outcomes.is_empty();
        let known = always
            || decides
            || own_data::takes(kind, step.act)
            || kind.steps.contains(&step.act)
            || kind.closes_after.contains(&step.act);
        if !known {
            let detail = format!("a case of this kind has no step `{}`", step.act.as_str());
            return Err(Refusal::invalid("/act", "not_in_codelist", detail, Some(kind.clause.clone())));
        }
        let refused = match step.act {
            StepKind::Decide if self.decision.is_some() => ("already_decided", "it has been decided already"),
            StepKind::AskClarification
            | StepKind::AskIdentity
            | StepKind::Identify
            | StepKind::Extend
            | StepKind::Forward
                if self.decision.is_some() =>
            {
                ("already_decided", "it has been decided already")
            }
            StepKind::Withdraw if self.decision.is_some() => {
                ("already_decided", "it has been decided and cannot be taken back")
            }
            StepKind::Clarify if self.state != CaseState::Clarifying => {
                ("not_asked", "no clarification has been asked for")
            }
            StepKind::Notify if !kind.outcomes.is_empty() && self.decision.is_none() => {
                ("not_decided", "there is no decision yet to tell of")
            }
            _ => return Ok(()),
        };
        Err(Refusal::Conflict { code: refused.0, detail: refused.1.into(), clause: Some(kind.clause.clone()) })
    }

    /// The deadline after its one extension.
    fn extended(&self, register: &Register, kind: &CaseKind, at: DateTime<Utc>) -> Result<Deadline, Refusal> {
        let Some(extension) = &kind.extension else {
            let detail = "the statute provides no extension of this time";
            return Err(Refusal::Conflict {
                code: "no_extension",
                detail: detail.into(),
                clause: Some(kind.clause.clone()),
            });
        };
        let refuse = |code, detail: &str| Refusal::Conflict {
            code,
            detail: detail.into(),
            clause: Some(extension.clause.clone()),
        };
        if self.made.contains_key(&StepKind::Extend) {
            return Err(refuse("already_extended", "the time has been extended once; that is all there is"));
        }
        if self.deadline.is_none() {
            return Err(refuse("clock_stands", "the time stands still until whoever asks has proved who they are"));
        }
        if self.deadline.as_ref().is_some_and(|d| d.is_past(at)) {
            return Err(refuse("too_late", "the time has run out; it could be extended only before"));
        }
        let mut deadline =
            Deadline::reckoned(register, kind, extension.term, self.counted_from.unwrap_or(self.received_on), at)?;
        deadline.clause = extension.clause.clone();
        Ok(deadline)
    }

    fn decided(
        &self,
        register: &Register,
        kind: &CaseKind,
        step: &Step,
        made: Made<'_>,
        faults: &mut Faults,
    ) -> Option<CaseDecision> {
        let source = &register.definition.register;
        let outcome = kind.outcomes.iter().find(|o| Some(o.name.as_str()) == step.outcome.as_deref());
        let Some(outcome) = outcome else {
            let known: Vec<&str> = kind.outcomes.iter().map(|o| o.name.as_str()).collect();
            faults.add("/outcome", "not_in_codelist", format!("it can be decided as: {}", known.join(", ")));
            return None;
        };
        let denies = outcome.refuses || outcome.in_part;
        let ground = source.refusal_grounds.iter().find(|g| Some(g.name.as_str()) == step.ground.as_deref());
        if denies && !source.refusal_grounds.is_empty() && ground.is_none() {
            let known: Vec<&str> = source.refusal_grounds.iter().map(|g| g.name.as_str()).collect();
            faults.add("/ground", "not_in_codelist", format!("a refusal rests on one of: {}", known.join(", ")));
        }
        Some(CaseDecision {
            outcome: outcome.name.clone(),
            clause: ground.filter(|_| denies).map_or_else(|| outcome.clause.clone(), |g| g.clause.clone()),
            ground: step.ground.clone(),
            explanation: step.text.trim().to_owned(),
            details: step.details.clone(),
            remedies: kind.remedies.as_ref().map(|r| r.official().to_owned()),
            at: rfc3339(made.at),
            by: made.by.to_owned(),
        })
    }

    /// Whether its time has run out without an end.
    pub fn is_overdue(&self, at: DateTime<Utc>) -> bool {
        !self.state.is_over() && self.deadline.as_ref().is_some_and(|d| d.is_past(at))
    }
}

/// Faults of one body, all under one clause.
struct Faults {
    clause: Clause,
    found: Vec<Violation>,
}

impl Faults {
    fn new(clause: &Clause) -> Self {
        Self { clause: clause.clone(), found: Vec::new() }
    }

    fn add(&mut self, pointer: &str, code: &'static str, detail: impl Into<String>) {
        self.found.push(Violation::error(pointer, code, detail, Some(self.clause.clone())));
    }

    /// A text that must say something: spaces do not.
    fn text(&mut self, pointer: &str, text: &str, longest: usize) {
        if text.trim().is_empty() {
            self.add(pointer, "required", "say it in words");
        } else if text.chars().count() > longest {
            self.add(pointer, "length", format!("at most {longest} characters"));
        }
    }

    fn refuse(self) -> Result<(), Refusal> {
        if self.found.is_empty() { Ok(()) } else { Err(Refusal::Invalid(self.found)) }
    }
}
