//! The walk through a document: what an object must hold and may hold, and what a list may.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::condition::is_there;
use super::plan::{Check, CodelistPlan, FieldPlan, Fields, NeedPlan, TypePlan};
use super::pointer::Pointer;
use super::scalar::{self, Days, Finding};
use super::{Faults, Severity, Violation};
use crate::domain::statute::Clause;
use crate::domain::statute::definition::NeedKind;

/// A check of one document under way.
pub(super) struct Walk<'f> {
    pub(super) days: Days,
    pub(super) faults: &'f mut Faults,
}

/// The group, or the record, whose members are checked.
#[derive(Clone, Copy)]
pub(super) struct Holder<'a> {
    fields: &'a Fields,
    clause: Option<&'a Clause>,
    section: Option<&'a String>,
}

impl<'a> Holder<'a> {
    pub(super) fn record(plan: &'a TypePlan) -> Self {
        Self { fields: &plan.fields, clause: Some(&plan.clause), section: None }
    }

    pub(super) fn group(plan: &'a FieldPlan, parts: &'a Fields) -> Self {
        Self { fields: parts, clause: plan.clause.as_ref(), section: plan.section.as_ref() }
    }
}

impl Walk<'_> {
    /// Checks the members of an object, and reports those that are missing or not known.
    pub(super) fn object(&mut self, holder: Holder, members: &Map<String, Value>, at: &Pointer) {
        for (name, value) in members {
            let at = Pointer::Key(at, name);
            match self.faults.known(holder, name, &at) {
                Some(plan) if plan.items.is_some() => self.list(plan, value, &at),
                Some(plan) => self.one(plan, value, &at),
                None => {}
            }
        }
        for plan in holder.fields.iter().filter(|plan| !plan.derived) {
            self.presence(plan, members, &Pointer::Key(at, &plan.name));
        }
    }

    /// Whether a field must be there, and whether it may be.
    fn presence(&mut self, plan: &FieldPlan, members: &Map<String, Value>, at: &Pointer) {
        let Some(value) = members.get(&plan.name).filter(|value| is_there(value)) else {
            let condition = plan.required_when.as_ref();
            if plan.required || condition.is_some_and(|condition| condition.holds(members)) {
                self.faults.error(plan, at, "required", "This field is required.");
            }
            return;
        };
        if plan.absent_when.as_ref().is_some_and(|condition| condition.holds(members)) {
            let detail = "This must be left out beside what else is recorded.";
            self.faults.error(plan, at, "must_be_absent", detail);
        }
        if let Some(needs) = &plan.needs
            && let Some((code, detail)) = lacking(needs, members)
        {
            let detail = detail.into();
            let finding = Finding { severity: Severity::Error, code, detail };
            self.faults.push(plan, Some(&needs.clause), at, finding);
        }
        if let (Some(within), Check::Code(list)) = (&plan.within, &plan.check) {
            self.under_parent(plan, list, value, members.get(within), at);
        }
    }

    /// Whether the chosen codes are under the code chosen in the sibling `within_code`.
    fn under_parent(
        &mut self,
        plan: &FieldPlan,
        list: &CodelistPlan,
        value: &Value,
        chosen: Option<&Value>,
        at: &Pointer,
    ) {
        if let Value::Array(items) = value {
            for (index, item) in items.iter().enumerate() {
                self.under_parent(plan, list, item, chosen, &Pointer::Item(at, index));
            }
            return;
        }
        let code = value.as_str().unwrap_or_default();
        let Some(code) = list.on(code, self.days.effective_on) else {
            return;
        };
        let is_parent = |chosen: &Value| chosen.as_str().is_some_and(|chosen| code.is_under(chosen));
        let fits = match chosen {
            Some(Value::Array(items)) => items.iter().any(is_parent),
            Some(chosen) => is_parent(chosen),
            None => false,
        };
        if !fits {
            let within = plan.within.as_deref().unwrap_or_default();
            let detail = format!("This code must belong to the code chosen in `{within}`.");
            self.faults.error(plan, at, "code_not_under_parent", detail);
        }
    }

    fn list(&mut self, plan: &FieldPlan, value: &Value, at: &Pointer) {
        let Some(items) = value.as_array() else {
            return self.faults.error(plan, at, "type", "A list is expected.");
        };
        let [fewest, most] = plan.items.unwrap_or_default();
        let is_missing = items.is_empty() && plan.required;
        if !is_missing && !(fewest..=most).contains(&items.len()) {
            let detail = format!("The list must have from {fewest} to {most} items.");
            self.faults.error(plan, at, "items", detail);
        }
        let is_group = matches!(plan.check, Check::Group(_));
        let mut seen = HashSet::new();
        for (index, item) in items.iter().enumerate() {
            let at = Pointer::Item(at, index);
            self.one(plan, item, &at);
            if !is_group && items.len() > 1 && !seen.insert(item) {
                let detail = "Each value may stand in the list only once.";
                self.faults.error(plan, &at, "not_unique_in_list", detail);
            }
        }
    }

    fn one(&mut self, plan: &FieldPlan, value: &Value, at: &Pointer) {
        let outcome = match (&plan.check, value) {
            (Check::Group(parts), Value::Object(members)) => {
                return self.object(Holder::group(plan, parts), members, at);
            }
            (Check::Boolean, Value::Bool(_)) => Ok(()),
            (Check::Whole(bounds), Value::Number(number)) if scalar::is_whole(number) => scalar::whole(number, bounds),
            (Check::Year(bounds), Value::Number(number)) if scalar::is_whole(number) => scalar::year(number, bounds),
            (Check::Group(_) | Check::Boolean | Check::Whole(_) | Check::Year(_), _) => {
                scalar::wrong_type(&plan.check, value)
            }
            (check, Value::String(text)) => {
                if let Some(Err(finding)) = plan.length.map(|length| scalar::length(text, length)) {
                    self.faults.push(plan, None, at, finding);
                }
                scalar::text(check, text, self.days).and_then(|()| scalar::pattern(plan.pattern.as_ref(), text))
            }
            (check, _) => scalar::wrong_type(check, value),
        };
        if let Err(finding) = outcome {
            self.faults.push(plan, None, at, finding);
        }
    }
}

/// What a value that needs something beside it lacks.
fn lacking(needs: &NeedPlan, members: &Map<String, Value>) -> Option<(&'static str, String)> {
    let sibling = &needs.sibling.name;
    let recorded = needs.sibling.records(members);
    match needs.kind {
        NeedKind::LegalNeed if !recorded => {
            Some(("legal_need_missing", format!("This may be recorded only for a legal need, named in `{sibling}`.")))
        }
        NeedKind::Consent if !recorded => {
            Some(("consent_missing", format!("This may be recorded only with a consent, recorded in `{sibling}`.")))
        }
        NeedKind::Consent if !needs.sibling.consents(members) => {
            Some(("consent_withdrawn", format!("This must be removed: the consent in `{sibling}` was withdrawn.")))
        }
        NeedKind::LegalNeed | NeedKind::Consent => None,
    }
}

impl Faults {
    /// Reports members that are not known or derived, at any depth.
    pub(super) fn names(&mut self, holder: Holder, value: &Value, at: &Pointer) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    let at = Pointer::Key(at, name);
                    if let Some(plan) = self.known(holder, name, &at)
                        && let Check::Group(parts) = &plan.check
                    {
                        self.names(Holder::group(plan, parts), value, &at);
                    }
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.names(holder, item, &Pointer::Item(at, index));
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// The plan of a member that may be entered; reports one that is not known or derived.
    fn known<'a>(&mut self, holder: Holder<'a>, name: &str, at: &Pointer) -> Option<&'a FieldPlan> {
        let Some(plan) = holder.fields.get(name) else {
            self.report(Violation {
                pointer: at.to_string(),
                code: "unknown_field",
                detail: "There is no such field here.".to_owned(),
                clause: holder.clause.cloned(),
                severity: Severity::Error,
                section: holder.section.cloned(),
            });
            return None;
        };
        if plan.derived {
            self.error(plan, at, "derived", "This field is computed and cannot be entered.");
            return None;
        }
        Some(plan)
    }

    fn error(
        &mut self,
        plan: &FieldPlan,
        at: &Pointer,
        code: &'static str,
        detail: impl Into<std::borrow::Cow<'static, str>>,
    ) {
        let detail = detail.into();
        self.push(plan, None, at, Finding { severity: Severity::Error, code, detail });
    }

    /// Reports a fault of a field, under its own clause if no other is given.
    fn push(&mut self, plan: &FieldPlan, clause: Option<&Clause>, at: &Pointer, finding: Finding) {
        self.report(Violation {
            pointer: at.to_string(),
            code: finding.code,
            detail: finding.detail.into_owned(),
            clause: clause.or(plan.clause.as_ref()).cloned(),
            severity: finding.severity,
            section: plan.section.clone(),
        });
    }
}
