//! Faults of procedures: `cases.toml`, and the contact points that letters of cases go to.
//!
//! What a kind of case must have follows from what the engine does with it: a clock that nothing starts, a step that
//! cannot be made, a letter that reaches nobody would each be a duty of the statute that silently never happens.

use super::releases::receives_records;
use super::{Findings, Lint};
use crate::domain::calendar::Term;
use crate::domain::statute::Clause;
use crate::domain::statute::definition::FieldType;
use crate::domain::statute::parse::{CASES_FILE, Place, REGISTER_FILE};
use crate::domain::statute::procedures::{About, CaseKind, ContactPoint, Procedure, StepKind};

/// Stands among contact points for the institution that a case is about.
pub(super) const INSTITUTION: &str = "institution";
/// Languages in which letters are written.
const LANGUAGES: &[&str] = &["et", "en", "fi", "sv"];

/// A time that a rule of the register sets, and the clause that does.
struct Time<'a>(Term, &'a Clause);

impl Findings<'_> {
    /// Where letters go.
    pub(super) fn contacts(&mut self, contacts: &[ContactPoint], root: &Place) {
        let names = contacts.iter().enumerate().map(|(i, c)| (c.name.as_str(), root.item("contact", i)));
        self.unique("contact", names);
        for (index, contact) in contacts.iter().enumerate() {
            let place = root.item("contact", index);
            self.machine_name(&place, &contact.name);
            self.label(&place.key("label"), &contact.label);
            self.clause(&place.key("clause"), &contact.clause);
            if contact.name == INSTITUTION {
                self.fault(
                    &place.key("name"),
                    "`institution` stands for the institution that a case is about",
                    "Give the contact another name.",
                );
            }
            let address = contact.email.trim();
            if !address.split_once('@').is_some_and(|(who, host)| !who.is_empty() && host.contains('.')) {
                self.fault(
                    &place.key("email"),
                    format!("letters to `{}` reach nobody: `{address}` is not an e-mail address", contact.name),
                    "Write the address of the office.",
                );
            }
            self.known(&place.key("language"), "language of letters", &contact.language, LANGUAGES);
        }
    }
}

impl Lint<'_> {
    pub(super) fn procedures(&mut self) {
        let root = Place::file(REGISTER_FILE);
        let register = &self.definition.register;
        self.contacts(&register.contacts, &root);
        self.institution_email(&root.key("institutions").key("email_field"));
        let cases = &self.definition.cases;
        let file = Place::file(CASES_FILE);
        let names = cases.iter().enumerate().map(|(i, kind)| (kind.name.as_str(), file.item("case", i)));
        self.unique("kind of case", names);
        for (index, kind) in cases.iter().enumerate() {
            let place = file.item("case", index);
            self.machine_name(&place, &kind.name);
            self.label(&place.key("label"), &kind.label);
            self.clause(&place.key("clause"), &kind.clause);
            self.clock(kind, &place);
            self.told(kind, &place);
            self.steps(kind, &place);
            self.outcomes(kind, &place);
            if let Some(remedies) = &kind.remedies {
                self.label(&place.key("remedies"), remedies);
            }
            self.hidden(kind, &place);
            self.own_data(kind, &place);
            self.procedure(kind, &place);
        }
        self.engine_kinds(&file, &root);
    }

    fn institution_email(&mut self, place: &Place) {
        let institutions = &self.definition.register.institutions;
        let record_type = self.record_type(&institutions.record_type);
        if let Some((name, record_type)) = institutions.email_field.as_ref().zip(record_type)
            && let Some(field) = self.path(place, name, &record_type.name, &record_type.fields)
        {
            self.of_kind(place, field, &[FieldType::Email]);
        }
    }

    /// Term, extension, reminders.
    fn clock(&mut self, kind: &CaseKind, place: &Place) {
        if let Some(clause) = &kind.term_clause {
            self.clause(&place.key("term_clause"), clause);
            if kind.term.is_none() {
                let advice = "Add `term`, or remove `term_clause`.";
                self.fault(&place.key("term_clause"), "a clause is named for a time that is not", advice);
            }
        }
        if kind.names_due && kind.term.is_some() {
            self.fault(
                &place.key("names_due"),
                "both the statute and whoever opens the case set the time",
                "Remove `names_due`, or `term`.",
            );
        }
        let extends = kind.steps.contains(&StepKind::Extend);
        match &kind.extension {
            Some(extension) => {
                self.clause(&place.key("extension").key("clause"), &extension.clause);
                if kind.term.is_none() {
                    let advice = "Add `term`, or remove `extension`.";
                    self.fault(&place.key("extension"), "there is no time that could be extended", advice);
                }
                if !extends {
                    let advice = "Add `extend` to `steps`, or remove `extension`.";
                    self.fault(&place.key("extension"), "no step extends the time", advice);
                }
            }
            None if extends => self.fault(
                &place.key("steps"),
                "the step `extend` has no extension to give",
                "Add `extension`, or remove the step: a time without an extension cannot be extended.",
            ),
            None => {}
        }
        if !kind.reminders.is_empty() && kind.term.is_none() && !kind.names_due {
            let advice = "Add `term` or `names_due`, or remove `reminders`.";
            self.fault(&place.key("reminders"), "nothing falls due of which one could be reminded", advice);
        }
    }

    /// Who is told, and to whom it can be passed on.
    fn told(&mut self, kind: &CaseKind, place: &Place) {
        let register = &self.definition.register;
        let mut known: Vec<&str> = register.contacts.iter().map(|c| c.name.as_str()).collect();
        known.push(INSTITUTION);
        self.all_known(place, "tells", "contact", &kind.tells, &known);
        if let Some(whom) = &kind.forwards_to {
            self.known(&place.key("forwards_to"), "contact", whom, &known);
        }
        let to_institution = kind.tells.iter().chain(&kind.forwards_to).any(|whom| whom == INSTITUTION);
        if to_institution && register.institutions.email_field.is_none() {
            self.fault(
                &place.key(if kind.tells.iter().any(|whom| whom == INSTITUTION) { "tells" } else { "forwards_to" }),
                "nothing says where letters to an institution go",
                "Name the field with its address in `email_field` of `[institutions]` in register.toml.",
            );
        }
    }

    fn steps(&mut self, kind: &CaseKind, place: &Place) {
        for (key, steps) in [("steps", &kind.steps), ("closes_after", &kind.closes_after)] {
            for (index, step) in steps.iter().enumerate() {
                if steps.iter().take(index).any(|earlier| earlier == step) {
                    let message = format!("`{}` is there twice", step.as_str());
                    self.fault(&place.item(key, index), message, "Remove one of them.");
                }
            }
        }
        for (index, step) in kind.steps.iter().enumerate() {
            let place = place.item("steps", index);
            match step {
                StepKind::Message | StepKind::Withdraw | StepKind::Close => {
                    let message = format!("`{}` is a step of every case", step.as_str());
                    self.fault(&place, message, "Remove it.");
                }
                StepKind::Decide if kind.outcomes.is_empty() => {
                    let advice = "Add at least one `[[case.outcome]]`, or remove the step.";
                    self.fault(&place, "there is nothing that could be decided", advice);
                }
                StepKind::AskIdentity | StepKind::Identify => {
                    let advice = "Remove it: `own_data` gives such cases these steps.";
                    self.fault(&place, format!("`{}` is no step to choose", step.as_str()), advice);
                }
                StepKind::Clarify if !kind.steps.contains(&StepKind::AskClarification) => {
                    let advice = "Add `ask_clarification`, or remove it.";
                    self.fault(&place, "nobody can be asked to clarify", advice);
                }
                StepKind::AskClarification if !kind.steps.contains(&StepKind::Clarify) => {
                    let advice = "Add `clarify`, or remove it.";
                    self.fault(&place, "whoever is asked to clarify cannot do so", advice);
                }
                _ => {}
            }
        }
        for (index, step) in kind.closes_after.iter().enumerate() {
            let can = match step {
                StepKind::Decide => !kind.outcomes.is_empty(),
                StepKind::Message => true,
                StepKind::Withdraw | StepKind::Close => false,
                _ => kind.steps.contains(step),
            };
            if !can {
                self.fault(
                    &place.item("closes_after", index),
                    format!("such a case is closed only after `{}`, which it cannot take", step.as_str()),
                    match step {
                        StepKind::Decide => "Add at least one `[[case.outcome]]`, or remove it.",
                        StepKind::Withdraw | StepKind::Close => "Remove it: what is withdrawn or closed has ended.",
                        _ => "Add it to `steps`, or remove it.",
                    },
                );
            }
        }
    }

    fn outcomes(&mut self, kind: &CaseKind, place: &Place) {
        let outcomes = &kind.outcomes;
        let names = outcomes.iter().enumerate().map(|(i, o)| (o.name.as_str(), place.item("outcome", i)));
        self.unique("outcome", names);
        for (index, outcome) in outcomes.iter().enumerate() {
            let place = place.item("outcome", index);
            self.machine_name(&place, &outcome.name);
            self.label(&place.key("label"), &outcome.label);
            self.clause(&place.key("clause"), &outcome.clause);
            if outcome.refuses && outcome.in_part {
                let advice = "Remove one of the two.";
                self.fault(&place.key("in_part"), "what is refused is not granted in part", advice);
            }
        }
    }

    /// Whose accesses the subject of the record does not see for the time being.
    fn hidden(&mut self, kind: &CaseKind, place: &Place) {
        let roles: Vec<&str> = self.definition.register.roles.iter().map(|role| role.name.as_str()).collect();
        self.all_known(place, "hides", "role", &kind.hides, &roles);
        if !kind.hides.is_empty() && kind.about != About::Record {
            self.fault(
                &place.key("hides"),
                "nobody's accesses are hidden, as the case need not be about a record",
                "Add `about = \"record\"`, or remove `hides`.",
            );
        }
    }

    /// How people ask for the data about themselves.
    fn own_data(&mut self, kind: &CaseKind, place: &Place) {
        let Some(rule) = &kind.own_data else { return };
        let place = place.key("own_data");
        if kind.procedure != Procedure::OwnData {
            let advice = "Write `procedure = \"own_data\"`, or remove it.";
            self.fault(&place, "only a request for the data about oneself is asked so", advice);
        }
        self.clause(&place.key("clause"), &rule.clause);
        for (key, clause) in [("guardians", &rule.guardians), ("waits_for_identity", &rule.waits_for_identity)] {
            if let Some(clause) = clause {
                self.clause(&place.key(key), clause);
            }
        }
        let roles: Vec<&str> = self.definition.register.roles.iter().map(|role| role.name.as_str()).collect();
        self.all_known(&place, "decides", "role", &rule.decides, &roles);
        if rule.decides.is_empty() {
            self.fault(&place.key("decides"), "nobody decides such a request", "Name the roles that do.");
        }
        if rule.proofs.is_empty() {
            let advice = "Name ways: `login`, `signed_letter`, `in_person`.";
            self.fault(&place.key("proofs"), "nobody can prove who they are", advice);
        }
        let about_people = self.definition.record_types.iter().any(|t| t.subject.is_some());
        if !about_people {
            let advice = "Add `[subject]` to a record type, or remove the kind of case.";
            self.fault(&place, "no record of the register is about a person", advice);
        }
    }

    /// What a procedure cannot do without.
    fn procedure(&mut self, kind: &CaseKind, place: &Place) {
        let word = kind.procedure.as_str();
        let receives_records = receives_records(&self.definition.register.recipients);
        let mut needs = |met: bool, key: &'static str, what: &str, advice: &str| {
            if !met {
                self.fault(&place.key(key), format!("a case of the procedure `{word}` needs {what}"), advice);
            }
        };
        let closes_after = |step: StepKind| kind.closes_after.contains(&step);
        match kind.procedure {
            Procedure::Disclosure => {
                needs(
                    kind.outcomes.iter().any(|o| !o.refuses),
                    "outcome",
                    "an outcome that grants",
                    "Add a `[[case.outcome]]` without `refuses`.",
                );
                needs(
                    kind.outcomes.iter().any(|o| o.refuses),
                    "outcome",
                    "an outcome that refuses",
                    "Add a `[[case.outcome]]` with `refuses = true`.",
                );
                needs(
                    receives_records,
                    "procedure",
                    "a recipient who may receive more than aggregates",
                    "Add a `[[recipient]]` to register.toml.",
                );
            }
            Procedure::OwnData => {
                needs(kind.own_data.is_some(), "own_data", "how one asks", "Add `[case.own_data]`.");
                needs(kind.term.is_some(), "term", "a time", "Add `term`: one month by GDPR article 12(3).");
                needs(
                    kind.outcomes.iter().any(|o| !o.refuses),
                    "outcome",
                    "an outcome that grants",
                    "Add a `[[case.outcome]]` without `refuses`.",
                );
                needs(
                    kind.outcomes.iter().any(|o| o.refuses),
                    "outcome",
                    "an outcome that refuses",
                    "Add a `[[case.outcome]]` with `refuses = true`.",
                );
                let told = kind.remedies.is_some();
                needs(told, "remedies", "what can be done against a refusal", "Add `[case.remedies]`.");
                let after = closes_after(StepKind::Decide);
                needs(after, "closes_after", "a decision", "Add `decide` to `closes_after`.");
            }
            Procedure::Access | Procedure::ErrorNotice | Procedure::SubjectNotice | Procedure::Recertification => {
                needs(!kind.outcomes.is_empty(), "outcome", "an outcome", "Add a `[[case.outcome]]`.");
            }
            Procedure::Inquiry => {
                let can = kind.steps.contains(&StepKind::Answer);
                needs(can, "steps", "the step `answer`", "Add it to `steps`.");
            }
            Procedure::Incident | Procedure::Instruction => {
                needs(!kind.tells.is_empty(), "tells", "somebody who is told", "Name contacts in `tells`.");
            }
            Procedure::Complaint => {
                needs(kind.term.is_some(), "term", "a time", "Add `term`.");
                needs(closes_after(StepKind::Decide), "closes_after", "a decision", "Add `decide` to `closes_after`.");
                needs(
                    closes_after(StepKind::Notify),
                    "closes_after",
                    "a notice to whoever complained",
                    "Add `notify` to `closes_after`.",
                );
            }
            Procedure::Prescription => {
                needs(kind.names_due, "names_due", "the day that it sets", "Add `names_due = true`.");
                let to = kind.forwards_to.is_some();
                needs(to, "forwards_to", "somebody to whom it is sent", "Name a contact in `forwards_to`.");
                let after = closes_after(StepKind::Forward);
                needs(after, "closes_after", "to have been sent", "Add `forward` to `closes_after`.");
            }
            Procedure::Investigation => {
                needs(!kind.hides.is_empty(), "hides", "roles whose accesses it hides", "Name roles in `hides`.");
            }
            Procedure::RecipientNotice => {
                let after = closes_after(StepKind::Notify);
                needs(after, "closes_after", "a notice to the recipient", "Add `notify` to `closes_after`.");
            }
            Procedure::Leaver => {}
        }
    }

    /// The rules under which the engine itself opens cases, and their kinds: neither without the other.
    fn engine_kinds(&mut self, file: &Place, root: &Place) {
        let register = &self.definition.register;
        let rules = [
            ("leaver", Procedure::Leaver, register.leaver.as_ref().map(|r| Time(r.term, &r.term_clause))),
            (
                "recertification",
                Procedure::Recertification,
                register.recertification.as_ref().map(|r| Time(r.term, &r.clause)),
            ),
            (
                "recipient_notice",
                Procedure::RecipientNotice,
                register.recipient_notice.as_ref().map(|r| Time(r.term, &r.clause)),
            ),
        ];
        for (key, procedure, rule) in rules {
            let cases = &self.definition.cases;
            let mut kinds = cases.iter().enumerate().filter(|(_, kind)| kind.procedure == procedure);
            let Some((index, kind)) = kinds.next() else {
                if rule.is_some() {
                    let message = format!("no kind of case follows the procedure `{key}`, so nothing is ever due");
                    self.fault(&root.key(key), message, "Add one to cases.toml.");
                }
                continue;
            };
            for (other, _) in kinds {
                let place = file.item("case", other).key("procedure");
                let message = format!("a second kind of case follows the procedure `{key}`");
                self.fault(&place, message, "Keep one: the engine opens it.");
            }
            let place = file.item("case", index);
            match rule {
                None => {
                    let message = "nothing ever opens such a case";
                    self.fault(&place.key("procedure"), message, format!("Add `[{key}]` to register.toml."));
                }
                Some(Time(term, clause)) if kind.term != Some(term) => {
                    let message =
                        format!("`[{key}]` of register.toml sets the time {term} ({clause}), and this does not");
                    self.fault(&place.key("term"), message, format!("Write `term = \"{term}\"`."));
                }
                Some(_) => {}
            }
        }
    }
}
