//! The end of a register: who decided it on what document, from which day nothing is entered any more, what becomes of
//! each class of data and when, and what stood open on the day of the decision.
//!
//! ```text
//! proposed ─ approve (a second person) → approved ─ everything has gone → done
//!     └ withdraw
//! ```
//!
//! From the day of closing an approved decision refuses every action that [enters](super::access::Action::enters) data, in every role.
//! What it destroys or hands over goes in batches like everything else that goes ([`Batch`]), through the same gate.
//!
//! *Not here*: where facts come from and what erases them (`store`), who may decide (policies).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::retention::{self, Batch, BatchRefusal, Id, Item, Outcome, Person, Then, Why, part_fields};
use super::statute::Clause;
use super::statute::definition::{ClosingRule, RecordType};

/// The rule under which a record goes as a whole because its register closes: no rule of a definition can have this
/// name, since it is no name.
pub const CLOSING: &str = "register.close";

/// The document of the decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// Kind, as the definition names it.
    pub kind: String,
    /// Number.
    pub number: String,
    /// Its day.
    pub date: NaiveDate,
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} nr {}, {}", self.kind, self.number, self.date.format("%d.%m.%Y"))
    }
}

/// What becomes of a class of data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disposition {
    /// Record type.
    pub record_type: String,
    /// Only the data under this retention rule; absent: everything of the type for which nothing else is decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// [`retention::Action::Archive`] or [`retention::Action::Destroy`].
    pub action: retention::Action,
    /// The day from which it is carried out.
    pub on: NaiveDate,
}

/// Something open on the day of the decision, and what is to become of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenMatter {
    /// What: `complaint`, `case`, `disclosure`, `confirmation`, `transfer`, `publication`, `batch` or `hold`.
    pub kind: String,
    /// How many.
    pub count: i64,
    /// What becomes of them.
    pub how: String,
}

/// A step that other law asks for, done or with the reason why not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepDone {
    /// Name in the definition.
    pub name: String,
    /// Number and day of what shows that it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Why it was not needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Who gets what is handed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receiver {
    /// Archive or register.
    pub name: String,
    /// Its code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// Where a decision stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClosingState {
    /// Waits for a second person.
    Proposed,
    /// In force: the register closes on its day.
    Approved,
    /// Given up before it was approved.
    Withdrawn,
    /// Everything has gone.
    Done,
}

impl ClosingState {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Approved => "approved",
            Self::Withdrawn => "withdrawn",
            Self::Done => "done",
        }
    }
}

/// What a decision to close says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// The document on which it rests.
    pub document: Document,
    /// First day on which nothing is entered any more.
    pub closed_from: NaiveDate,
    /// What becomes of what.
    pub dispositions: Vec<Disposition>,
    /// What stands open.
    #[serde(default)]
    pub open: Vec<OpenMatter>,
    /// Steps of other law.
    #[serde(default)]
    pub steps: Vec<StepDone>,
    /// Who gets what is handed over; absent: the archive of the settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receiver: Option<Receiver>,
}

/// A decision to close a register.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClosingDecision {
    /// Its id.
    pub id: Id,
    /// The clause by which it is decided.
    pub clause: Clause,
    /// What it says.
    #[serde(flatten)]
    pub terms: Terms,
    proposed_by: Person,
    approved_by: Option<Person>,
    state: ClosingState,
}

/// The decision as a batch carries it: on what it rests and what goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosingBasis {
    /// The decision.
    pub decision: Id,
    /// Its clause.
    pub clause: Clause,
    /// Its document.
    pub document: Document,
    /// What becomes of what.
    pub dispositions: Vec<Disposition>,
    /// Who gets what is handed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receiver: Option<Receiver>,
}

impl ClosingBasis {
    /// The fields of `known` that go under a rule of an item of a batch: under [`CLOSING`] everything for which the
    /// decision does not say something else.
    pub fn fields(&self, record_type: &RecordType, rule: &str, known: &BTreeSet<String>) -> BTreeSet<String> {
        let of = |rule: &str| part_fields(record_type, rule).into_iter();
        if rule != CLOSING {
            return of(rule).filter(|f| known.contains(f)).collect();
        }
        let own = self.dispositions.iter().filter(|d| d.record_type == record_type.name);
        let elsewhere: BTreeSet<String> = own.filter_map(|d| d.rule.as_deref()).flat_map(of).collect();
        known.difference(&elsewhere).cloned().collect()
    }
}

/// Why a decision is not taken or stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClosingRefusal {
    /// What is wrong with what it says: place, stable code, words.
    Faulty(Vec<(String, &'static str, String)>),
    /// What stands open is not what the decision names.
    Open(BTreeMap<String, i64>),
    /// It does not stand where this could be done.
    WrongState(ClosingState),
    /// Whoever approves made it, in whatever role.
    SamePerson,
    /// Whoever carries it out approved it.
    ApproverExecutes,
    /// A reason is missing.
    NoReason,
    /// The register is not closed yet.
    TooEarly(NaiveDate),
}

impl ClosingRefusal {
    /// Stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Faulty(_) => "closing_faulty",
            Self::Open(_) => "open_matters",
            Self::WrongState(_) => "closing_state",
            Self::SamePerson => "same_person",
            Self::ApproverExecutes => "approver_executes",
            Self::NoReason => "reason_missing",
            Self::TooEarly(_) => "closing_too_early",
        }
    }
}

impl fmt::Display for ClosingRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Faulty(faults) => write!(f, "the decision has {} fault(s)", faults.len()),
            Self::Open(open) if open.is_empty() => {
                f.write_str("nothing stands open any more; leave `open` out and decide again")
            }
            Self::Open(open) => {
                let list: Vec<String> = open.iter().map(|(kind, n)| format!("{kind} {n}")).collect();
                write!(
                    f,
                    "this stands open: {}; settle it, or name it in the decision with what becomes of it",
                    list.join(", ")
                )
            }
            Self::WrongState(state) => write!(f, "the decision is {}; this cannot be done with it", state.as_str()),
            Self::SamePerson => {
                f.write_str("whoever made the decision cannot approve it, in another role either; ask a second person")
            }
            Self::ApproverExecutes => f.write_str("whoever approved the decision does not carry it out; ask another"),
            Self::NoReason => f.write_str("write the reason"),
            Self::TooEarly(day) => write!(f, "the register is closed from {day}; until then nothing goes"),
        }
    }
}

impl std::error::Error for ClosingRefusal {}

/// What is wrong with a decision made on `today` about a register of these types and rules.
fn faults(
    terms: &Terms,
    types: &[RecordType],
    rule: Option<&ClosingRule>,
    today: NaiveDate,
) -> Vec<(String, &'static str, String)> {
    let mut faults = Vec::new();
    let mut fault = |at: String, code, words: String| faults.push((at, code, words));
    let document = &terms.document;
    if document.number.trim().is_empty() {
        fault("/document/number".into(), "required", "write the number of the decision".into());
    }
    if document.date > today {
        fault("/document/date".into(), "future", "the decision has not been made yet".into());
    }
    match rule.map(|r| &r.documents) {
        Some(kinds) if !kinds.is_empty() && !kinds.iter().any(|k| k.name == document.kind) => {
            let known: Vec<&str> = kinds.iter().map(|k| k.name.as_str()).collect();
            fault("/document/kind".into(), "code", format!("the statute lets it be decided by: {}", known.join(", ")));
        }
        _ if document.kind.trim().is_empty() => {
            fault("/document/kind".into(), "required", "say what kind of document it is".into());
        }
        _ => {}
    }
    if terms.closed_from < today {
        fault("/closed_from".into(), "past", "what was entered since that day cannot be refused any more".into());
    }
    let mut seen = BTreeSet::new();
    for (n, one) in terms.dispositions.iter().enumerate() {
        let at = |member: &str| format!("/dispositions/{n}/{member}");
        let Some(kind) = types.iter().find(|t| t.name == one.record_type) else {
            fault(at("record_type"), "unknown", format!("there is no record type `{}`", one.record_type));
            continue;
        };
        if let Some(rule) = one.rule.as_deref().filter(|rule| part_fields(kind, rule).is_empty()) {
            fault(at("rule"), "unknown", format!("no data of {} follow a rule `{rule}`", kind.name));
        }
        if !seen.insert((one.record_type.as_str(), one.rule.as_deref())) {
            fault(at("record_type"), "twice", "the same data are decided about twice".into());
        }
        if !matches!(one.action, retention::Action::Archive | retention::Action::Destroy) {
            fault(at("action"), "code", "`transfer` or `destruction` is expected".into());
        }
        if one.on < terms.closed_from {
            fault(at("on"), "early", "nothing goes before the register is closed".into());
        }
    }
    for kind in types {
        let whole = seen.contains(&(kind.name.as_str(), None));
        let ruled = kind
            .fields
            .iter()
            .all(|f| f.retention.as_deref().is_some_and(|rule| seen.contains(&(kind.name.as_str(), Some(rule)))));
        if !whole && !ruled {
            let words = format!("say what becomes of the data of {} and when", kind.name);
            fault("/dispositions".into(), "missing", words);
        }
    }
    for (n, matter) in terms.open.iter().enumerate() {
        if matter.how.trim().is_empty() {
            fault(format!("/open/{n}/how"), "required", "say what becomes of it".into());
        }
    }
    let steps = rule.map(|r| r.steps.as_slice()).unwrap_or_default();
    for (n, done) in terms.steps.iter().enumerate() {
        let said = [&done.reference, &done.reason].into_iter().flatten().any(|text| !text.trim().is_empty());
        if !steps.iter().any(|s| s.name == done.name) {
            fault(format!("/steps/{n}/name"), "unknown", format!("there is no step `{}`", done.name));
        } else if !said {
            let words = "give the reference of what shows it, or the reason why it was not needed".to_owned();
            fault(format!("/steps/{n}/reference"), "required", words);
        }
    }
    for step in steps.iter().filter(|s| !terms.steps.iter().any(|d| d.name == s.name)) {
        fault(
            "/steps".into(),
            "missing",
            format!("say of `{}` that it was done, or why not ({})", step.name, step.clause.0),
        );
    }
    faults
}

fn matches_open(named: &[OpenMatter], open: &BTreeMap<String, i64>) -> bool {
    let named: BTreeMap<String, i64> = named.iter().map(|m| (m.kind.clone(), m.count)).collect();
    let open: BTreeMap<String, i64> = open.iter().filter(|(_, n)| **n > 0).map(|(k, n)| (k.clone(), *n)).collect();
    named == open
}

impl ClosingDecision {
    /// A new decision. `open` is what stands open.
    ///
    /// # Errors
    /// [`ClosingRefusal::Faulty`] with everything that is wrong; [`ClosingRefusal::Open`].
    #[expect(clippy::too_many_arguments, reason = "each is a fact of its own; a struct would only rename them")]
    pub fn propose(
        id: Id,
        clause: Clause,
        terms: Terms,
        by: Person,
        types: &[RecordType],
        rule: Option<&ClosingRule>,
        open: &BTreeMap<String, i64>,
        today: NaiveDate,
    ) -> Result<Self, ClosingRefusal> {
        let faults = faults(&terms, types, rule, today);
        if !faults.is_empty() {
            return Err(ClosingRefusal::Faulty(faults));
        }
        if !matches_open(&terms.open, open) {
            let open = open.iter().filter(|(_, n)| **n > 0).map(|(k, n)| (k.clone(), *n)).collect();
            return Err(ClosingRefusal::Open(open));
        }
        Ok(Self { id, clause, terms, proposed_by: by, approved_by: None, state: ClosingState::Proposed })
    }

    /// Where it stands.
    pub fn state(&self) -> ClosingState {
        self.state
    }

    /// Who made it.
    pub fn proposed_by(&self) -> &Person {
        &self.proposed_by
    }

    /// Who approved it.
    pub fn approved_by(&self) -> Option<&Person> {
        self.approved_by.as_ref()
    }

    /// Whether nothing is entered on `day` any more.
    pub fn is_closed_on(&self, day: NaiveDate) -> bool {
        matches!(self.state, ClosingState::Approved | ClosingState::Done) && day >= self.terms.closed_from
    }

    fn must_be(&self, state: ClosingState) -> Result<(), ClosingRefusal> {
        if self.state == state { Ok(()) } else { Err(ClosingRefusal::WrongState(self.state)) }
    }

    /// Approves it. What stands open must be no more than what it names.
    ///
    /// # Errors
    /// [`ClosingRefusal`]: not proposed, [`SamePerson`](ClosingRefusal::SamePerson), [`Open`](ClosingRefusal::Open).
    pub fn approve(&mut self, by: &Person, open: &BTreeMap<String, i64>) -> Result<(), ClosingRefusal> {
        self.must_be(ClosingState::Proposed)?;
        if self.proposed_by.is(by) {
            return Err(ClosingRefusal::SamePerson);
        }
        let named = |kind: &str| self.terms.open.iter().filter(|m| m.kind == kind).map(|m| m.count).sum::<i64>();
        let more: BTreeMap<String, i64> =
            open.iter().filter(|(kind, n)| **n > named(kind)).map(|(k, n)| (k.clone(), *n)).collect();
        if !more.is_empty() {
            return Err(ClosingRefusal::Open(more));
        }
        self.approved_by = Some(by.clone());
        self.state = ClosingState::Approved;
        Ok(())
    }

    /// Gives it up before it was approved.
    ///
    /// # Errors
    /// [`ClosingRefusal`]: approved or over, a reason missing.
    pub fn withdraw(&mut self, reason: &str) -> Result<(), ClosingRefusal> {
        self.must_be(ClosingState::Proposed)?;
        if reason.trim().is_empty() {
            return Err(ClosingRefusal::NoReason);
        }
        self.state = ClosingState::Withdrawn;
        Ok(())
    }

    /// Whether `by` may carry it out on `today`.
    ///
    /// # Errors
    /// [`ClosingRefusal`]: not approved, too early, [`ApproverExecutes`](ClosingRefusal::ApproverExecutes).
    pub fn may_execute(&self, by: Option<&Person>, today: NaiveDate) -> Result<(), ClosingRefusal> {
        self.must_be(ClosingState::Approved)?;
        if self.approved_by.as_ref().zip(by).is_some_and(|(approver, by)| approver.is(by)) {
            return Err(ClosingRefusal::ApproverExecutes);
        }
        if today < self.terms.closed_from {
            return Err(ClosingRefusal::TooEarly(self.terms.closed_from));
        }
        Ok(())
    }

    /// The dispositions whose day has come.
    pub fn due(&self, today: NaiveDate) -> impl Iterator<Item = &Disposition> {
        self.terms.dispositions.iter().filter(move |d| d.on <= today)
    }

    /// Whether the day of every disposition has come.
    pub fn all_due(&self, today: NaiveDate) -> bool {
        self.terms.dispositions.iter().all(|d| d.on <= today)
    }

    /// What goes of one record today: nothing of one that a hold keeps or about which something is open.
    pub fn items(&self, why: &Why, record_type: &RecordType, known: &BTreeSet<String>, today: NaiveDate) -> Vec<Item> {
        if !why.held.is_empty() || why.blocked_by.iter().any(|b| b.kind.keeps_at_closing()) {
            return Vec::new();
        }
        let basis = self.basis();
        let own = self.due(today).filter(|d| d.record_type == record_type.name);
        own.filter_map(|d| {
            let rule = d.rule.as_deref().unwrap_or(CLOSING);
            // A record without any data still has its frame, which goes with the rest.
            let nothing = basis.fields(record_type, rule, known).is_empty();
            if nothing && (d.rule.is_some() || !known.is_empty()) {
                return None;
            }
            Some(Item {
                record: why.record,
                record_type: record_type.name.clone(),
                rule: rule.to_owned(),
                clause: self.clause.clone(),
                series: d.rule.as_deref().and_then(|r| why.part(r)).and_then(|p| p.series.clone()),
                version: why.version,
                trigger: None,
                trigger_on: self.terms.closed_from,
                period: None,
                due_on: d.on,
                then: if d.action == retention::Action::Archive { Then::Archive } else { Then::Destroy },
                excluded: None,
                disposition: None,
                outcome: Outcome::Pending,
            })
        })
        .collect()
    }

    /// On what its batches rest.
    pub fn basis(&self) -> ClosingBasis {
        ClosingBasis {
            decision: self.id,
            clause: self.clause.clone(),
            document: self.terms.document.clone(),
            dispositions: self.terms.dispositions.clone(),
            receiver: self.terms.receiver.clone(),
        }
    }

    /// A batch that carries it out: proposed and approved with it.
    ///
    /// # Errors
    /// [`BatchRefusal`]: nothing in it, the same twice, a decision that nobody approved.
    pub fn batch(&self, id: Id, items: Vec<Item>) -> Result<Batch, BatchRefusal> {
        let approver = self.approved_by.as_ref().filter(|_| self.state == ClosingState::Approved);
        let approver = approver.ok_or(BatchRefusal::SamePerson)?;
        Batch::by_decision(id, self.basis(), &self.proposed_by, approver, items)
    }

    /// Says that everything has gone.
    ///
    /// # Errors
    /// [`ClosingRefusal::WrongState`].
    pub fn finish(&mut self) -> Result<(), ClosingRefusal> {
        self.must_be(ClosingState::Approved)?;
        self.state = ClosingState::Done;
        Ok(())
    }
}

/// A register that is closed: what refuses an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// First day.
    pub since: NaiveDate,
    /// The clause.
    pub clause: Clause,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(n: u128, code: Option<&str>) -> Person {
        Person { user: Id::from_u128(n), code: code.map(str::to_owned) }
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn terms() -> Terms {
        Terms {
            document: Document { kind: "council_decision".into(), number: "12".into(), date: day("2027-01-10") },
            closed_from: day("2027-03-01"),
            dispositions: Vec::new(),
            open: Vec::new(),
            steps: Vec::new(),
            receiver: None,
        }
    }

    fn proposed(open: &BTreeMap<String, i64>, terms: Terms) -> Result<ClosingDecision, ClosingRefusal> {
        let by = person(1, Some("a"));
        let clause = Clause("§ 23 lg 1".into());
        ClosingDecision::propose(Id::nil(), clause, terms, by, &[], None, open, day("2027-02-01"))
    }

    #[test]
    fn it_is_approved_by_another_human_being_and_closes_on_its_day() {
        let mut one = proposed(&BTreeMap::new(), terms()).unwrap();
        assert!(!one.is_closed_on(day("2027-03-01")), "nobody has approved it");
        assert_eq!(one.approve(&person(1, None), &BTreeMap::new()), Err(ClosingRefusal::SamePerson));
        assert_eq!(one.approve(&person(2, Some("a")), &BTreeMap::new()), Err(ClosingRefusal::SamePerson));
        one.approve(&person(2, Some("b")), &BTreeMap::new()).unwrap();
        assert!(!one.is_closed_on(day("2027-02-28")) && one.is_closed_on(day("2027-03-01")));
        assert_eq!(one.withdraw("x"), Err(ClosingRefusal::WrongState(ClosingState::Approved)));
        let (other, approver) = (person(3, None), person(2, None));
        assert_eq!(one.may_execute(Some(&approver), day("2027-03-01")), Err(ClosingRefusal::ApproverExecutes));
        assert_eq!(one.may_execute(Some(&other), day("2027-02-28")), Err(ClosingRefusal::TooEarly(day("2027-03-01"))));
        one.may_execute(Some(&other), day("2027-03-01")).unwrap();
    }

    #[test]
    fn what_stands_open_is_named_with_what_becomes_of_it_and_nothing_new_slips_in() {
        let open = BTreeMap::from([("complaint".to_owned(), 1), ("case".to_owned(), 0)]);
        assert_eq!(proposed(&open, terms()), Err(ClosingRefusal::Open(BTreeMap::from([("complaint".into(), 1)]))));
        let matter = |how: &str| OpenMatter { kind: "complaint".into(), count: 1, how: how.into() };
        let silent = proposed(&open, Terms { open: vec![matter(" ")], ..terms() });
        assert!(matches!(silent, Err(ClosingRefusal::Faulty(f)) if f[0].0 == "/open/0/how"));
        let mut one = proposed(&open, Terms { open: vec![matter("lahendatakse")], ..terms() }).unwrap();
        let now = BTreeMap::from([("complaint".to_owned(), 2)]);
        assert_eq!(one.approve(&person(2, None), &now), Err(ClosingRefusal::Open(now.clone())));
        one.approve(&person(2, None), &BTreeMap::new()).unwrap();
    }
}
