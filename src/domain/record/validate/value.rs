//! What one value must be, kind by kind, and what an object must hold.

use std::collections::HashSet;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::Severity::{Error, Warning};
use super::compiled::{Bounds, Check, CodelistPlan, FieldPlan, Fields, NeedPlan, TypePlan};
use super::condition::is_there;
use super::lexical::{self, DecimalFault};
use super::pointer::Pointer;
use super::{Faults, Severity, Violation};
use crate::domain::identity::{CodeFault, Country, PersonalCode, check_ee, check_fi, is_email, is_iban, is_phone};
use crate::domain::statute::Clause;
use crate::domain::statute::definition::NeedKind;

/// A check of one document under way.
pub(super) struct Walk<'f> {
    pub(super) effective_on: NaiveDate,
    pub(super) today: NaiveDate,
    pub(super) faults: &'f mut Faults,
}

/// The group, or the record, whose members are checked.
#[derive(Clone, Copy)]
pub(super) struct Holder<'a> {
    pub(super) fields: &'a Fields,
    pub(super) clause: Option<&'a Clause>,
    pub(super) section: Option<&'a String>,
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
    /// Checks the members of an object and reports those that are missing or not known.
    pub(super) fn object(&mut self, holder: Holder<'_>, members: &Map<String, Value>, at: &Pointer<'_>) {
        for (name, value) in members {
            let at = Pointer::Key(at, name);
            match self.faults.known(holder, name, &at) {
                Some(plan) if plan.items.is_some() => self.list(plan, value, &at),
                Some(plan) => self.one(plan, value, &at),
                None => {}
            }
        }
        for plan in holder.fields.list.iter().filter(|plan| !plan.derived) {
            self.presence(plan, members, &Pointer::Key(at, &plan.name));
        }
    }

    /// Whether a field must be there, and whether it may be.
    fn presence(&mut self, plan: &FieldPlan, members: &Map<String, Value>, at: &Pointer<'_>) {
        let Some(value) = members.get(&plan.name).filter(|value| is_there(value)) else {
            let conditional = plan.required_when.as_ref();
            if plan.required || conditional.is_some_and(|condition| condition.holds(members)) {
                self.faults.error(plan, at, "required", "This field is required.");
            }
            return;
        };
        if let Some(needs) = &plan.needs
            && let Some((code, detail)) = lacking(needs, members)
        {
            self.faults.push(plan, Some(&needs.clause), at, (Error, code, detail));
        }
        if let (Some(within), Check::Code(list)) = (&plan.within, &plan.check) {
            self.under_parent(plan, list, (value, members.get(within)), at);
        }
    }

    /// Whether the chosen codes are under the code chosen in the sibling `within_code`.
    fn under_parent(
        &mut self,
        plan: &FieldPlan,
        list: &CodelistPlan,
        (value, parent): (&Value, Option<&Value>),
        at: &Pointer<'_>,
    ) {
        if let Value::Array(items) = value {
            for (index, item) in items.iter().enumerate() {
                self.under_parent(plan, list, (item, parent), &Pointer::Item(at, index));
            }
            return;
        }
        let code = value.as_str().unwrap_or_default();
        let Some(needed) = list.parent_on(code, self.effective_on) else {
            return;
        };
        let is_parent = |value: &Value| needed.is_some() && value.as_str() == needed;
        let fits = match parent {
            Some(Value::Array(items)) => items.iter().any(is_parent),
            Some(parent) => is_parent(parent),
            None => false,
        };
        if !fits {
            let within = plan.within.as_deref().unwrap_or_default();
            let detail = format!("This code must belong to the code chosen in `{within}`.");
            self.faults.error(plan, at, "code_not_under_parent", detail);
        }
    }

    fn list(&mut self, plan: &FieldPlan, value: &Value, at: &Pointer<'_>) {
        let Some(items) = value.as_array() else {
            return self.faults.error(plan, at, "type", "A list is expected.");
        };
        let [fewest, most] = plan.items.unwrap_or_default();
        let missing = items.is_empty() && plan.required;
        if !missing && !(fewest..=most).contains(&items.len()) {
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

    fn one(&mut self, plan: &FieldPlan, value: &Value, at: &Pointer<'_>) {
        match (&plan.check, value) {
            (Check::Group(parts), Value::Object(members)) => {
                self.object(Holder::group(plan, parts), members, at);
            }
            (Check::Boolean, Value::Bool(_)) => {}
            (Check::Whole(bounds), Value::Number(number)) if is_whole(number) => {
                self.whole(plan, [i64::MIN, i64::MAX], bounds, number, at);
            }
            (Check::Year(bounds), Value::Number(number)) if is_whole(number) => {
                let years = lexical::YEARS.map(i64::from);
                self.whole(plan, years, bounds, number, at);
            }
            (Check::Group(_) | Check::Boolean | Check::Whole(_) | Check::Year(_), _) => {
                self.wrong_type(plan, value, at);
            }
            (check, Value::String(text)) => {
                self.length(plan, text, at);
                self.text(plan, check, text, at);
                if plan.pattern.as_ref().is_some_and(|pattern| !pattern.is_match(text)) {
                    let detail = "The text must have the form that the field's pattern describes.";
                    self.faults.error(plan, at, "pattern", detail);
                }
            }
            _ => self.wrong_type(plan, value, at),
        }
    }

    fn wrong_type(&mut self, plan: &FieldPlan, value: &Value, at: &Pointer<'_>) {
        let expected = match &plan.check {
            Check::Group(_) => "An object is expected.",
            Check::Boolean => "True or false is expected.",
            Check::Whole(_) => "A whole number is expected.",
            Check::Year(_) => "A year is expected, as a whole number.",
            Check::Decimal { .. } => "A decimal number is expected, written as a text.",
            Check::Date { .. } => "A day is expected, as a text in the form YYYY-MM-DD.",
            Check::Text
            | Check::Multiline
            | Check::Code(_)
            | Check::Language
            | Check::Country
            | Check::PersonalCode { .. }
            | Check::RegistryCode(_)
            | Check::Email
            | Check::Phone
            | Check::Iban
            | Check::File
            | Check::Reference => "A text is expected.",
        };
        let detail = match value {
            Value::Null => "Null is not a value; leave the field out instead.",
            Value::Array(_) => "This field takes one value, not a list.",
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => expected,
        };
        self.faults.error(plan, at, "type", detail);
    }

    fn whole(
        &mut self,
        plan: &FieldPlan,
        [least, greatest]: [i64; 2],
        bounds: &Bounds,
        number: &serde_json::Number,
        at: &Pointer<'_>,
    ) {
        match number.as_i64().filter(|number| (least..=greatest).contains(number)) {
            Some(number) => self.bounds(plan, bounds, number.into(), at),
            None if matches!(plan.check, Check::Year(_)) => {
                let detail = format!("The year must be from {least} to {greatest}.");
                self.faults.error(plan, at, "year", detail);
            }
            None => {
                let detail = format!("The greatest value is {greatest}.");
                self.faults.error(plan, at, "range", detail);
            }
        }
    }

    fn bounds(&mut self, plan: &FieldPlan, bounds: &Bounds, value: Decimal, at: &Pointer<'_>) {
        if let Some(min) = bounds.min.filter(|min| value < *min) {
            self.faults.error(plan, at, "range", format!("The least value is {min}."));
        }
        if let Some(max) = bounds.max.filter(|max| value > *max) {
            self.faults.error(plan, at, "range", format!("The greatest value is {max}."));
        }
        if let Some(usual) = bounds.warn_above.filter(|usual| value > *usual) {
            let detail = format!("The value is unusual: it is above {usual}.");
            self.faults.push(plan, None, at, (Warning, "above", detail));
        }
    }

    fn length(&mut self, plan: &FieldPlan, text: &str, at: &Pointer<'_>) {
        let Some([fewest, most]) = plan.length else {
            return;
        };
        if !(fewest..=most).contains(&text.chars().count()) {
            let detail = format!("The text must have from {fewest} to {most} characters.");
            self.faults.error(plan, at, "length", detail);
        }
    }

    fn text(&mut self, plan: &FieldPlan, check: &Check, text: &str, at: &Pointer<'_>) {
        let (sound, code, detail) = match check {
            Check::Text => (
                lexical::is_text(text, false),
                "pattern",
                "The text must be one line without control characters and without blanks at its ends.",
            ),
            Check::Multiline => (
                lexical::is_text(text, true),
                "pattern",
                "The text must have no control characters but line feeds, and no blanks at its ends.",
            ),
            Check::Decimal { scale, exact, bounds } => {
                return self.decimal(plan, (*scale, *exact), bounds, text, at);
            }
            Check::Date { first, last } => return self.date(plan, [*first, *last], text, at),
            Check::Code(list) => return self.code(plan, list, text, at),
            Check::PersonalCode { country, minor } => {
                return self.personal_code(plan, *country, *minor, text, at);
            }
            Check::RegistryCode(country) => return self.registry_code(plan, *country, text, at),
            Check::Language => {
                (lexical::is_language(text), "pattern", "A language is expected: two lower-case letters of ISO 639-1.")
            }
            Check::Country => {
                (lexical::is_country(text), "pattern", "A country is expected: three upper-case letters of ISO 3166-1.")
            }
            Check::Email => (is_email(text), "email", "An e-mail address is expected."),
            Check::Phone => (
                is_phone(text),
                "phone",
                "A telephone number is expected: +, the country's number and 7 to 15 digits in all, \
                 without spaces.",
            ),
            Check::Iban => (
                is_iban(text),
                "iban",
                "An international bank account number with right check digits is expected, in \
                 upper case and without spaces.",
            ),
            Check::File => (
                lexical::is_digest(text),
                "pattern",
                "A stored file is expected, by its SHA-256 in 64 lower-case hexadecimal digits.",
            ),
            Check::Reference => {
                (lexical::is_uuid(text), "pattern", "The id of a record is expected: a UUID in lower case.")
            }
            Check::Whole(_) | Check::Year(_) | Check::Boolean | Check::Group(_) => return,
        };
        if !sound {
            self.faults.error(plan, at, code, detail);
        }
    }

    fn decimal(
        &mut self,
        plan: &FieldPlan,
        (scale, exact): (usize, bool),
        bounds: &Bounds,
        text: &str,
        at: &Pointer<'_>,
    ) {
        let (code, detail) = match lexical::decimal(text, scale, exact) {
            Ok(value) => return self.bounds(plan, bounds, value, at),
            Err(DecimalFault::Scale) if exact => {
                ("scale", format!("The number must have exactly {scale} digits after the point."))
            }
            Err(DecimalFault::Scale) => {
                ("scale", format!("The number may have at most {scale} digits after the point."))
            }
            Err(DecimalFault::Length) => {
                let most = lexical::DECIMAL_LENGTH;
                ("length", format!("The number may have at most {most} characters."))
            }
            Err(DecimalFault::Form) => {
                ("pattern", "A decimal number is expected: digits, and a point before decimals.".to_owned())
            }
        };
        self.faults.error(plan, at, code, detail);
    }

    fn date(&mut self, plan: &FieldPlan, [first, last]: [Option<NaiveDate>; 2], text: &str, at: &Pointer<'_>) {
        let Some(day) = lexical::date(text) else {
            let [from, to] = lexical::YEARS;
            let detail = format!("A day in the calendar is expected, from {from} to {to}, in the form YYYY-MM-DD.");
            return self.faults.error(plan, at, "date", detail);
        };
        if let Some(first) = first.filter(|first| day < *first) {
            self.faults.error(plan, at, "range", format!("The first possible day is {first}."));
        }
        if let Some(last) = last.filter(|last| day > *last) {
            self.faults.error(plan, at, "range", format!("The last possible day is {last}."));
        }
    }

    fn code(&mut self, plan: &FieldPlan, list: &CodelistPlan, text: &str, at: &Pointer<'_>) {
        let name = &list.name;
        if !list.has(text) {
            let detail = format!("A code of the list `{name}` is expected.");
            self.faults.error(plan, at, "not_in_codelist", detail);
        } else if list.parent_on(text, self.effective_on).is_none() {
            let day = self.effective_on;
            let detail = format!("A code of the list `{name}` that is valid on {day} is expected.");
            self.faults.error(plan, at, "code_not_valid_then", detail);
        }
    }

    fn personal_code(&mut self, plan: &FieldPlan, country: Country, minor: bool, text: &str, at: &Pointer<'_>) {
        let code = match PersonalCode::parse(country, text, self.today) {
            Ok(code) => code,
            Err(fault) => {
                let detail = format!("A personal code is expected: {fault}.");
                return self.faults.error(plan, at, personal_code_fault(fault), detail);
            }
        };
        if code.as_str() != text {
            let detail = "A personal code is expected without blanks around it, in upper case.";
            self.faults.error(plan, at, "personal_code_stored_form", detail);
        }
        if minor && !code.is_minor_on(self.effective_on) {
            let day = self.effective_on;
            let detail = format!("Only a person who is under 18 on {day} may be recorded here.");
            self.faults.error(plan, at, "not_a_minor", detail);
        }
    }

    fn registry_code(&mut self, plan: &FieldPlan, country: Country, text: &str, at: &Pointer<'_>) {
        let outcome = match country {
            Country::Ee => check_ee(text),
            Country::Fi => check_fi(text),
        };
        if let Err(fault) = outcome {
            let detail = format!("A registry code is expected: {fault}.");
            self.faults.error(plan, at, "registry_code", detail);
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

/// Whether a number was written without a fraction or an exponent.
fn is_whole(number: &serde_json::Number) -> bool {
    number.is_i64() || number.is_u64()
}

const fn personal_code_fault(fault: CodeFault) -> &'static str {
    match fault {
        CodeFault::Length => "personal_code_length",
        CodeFault::NotDigits => "personal_code_not_digits",
        CodeFault::Century => "personal_code_century",
        CodeFault::Date => "personal_code_date",
        CodeFault::Checksum => "personal_code_checksum",
        CodeFault::Future => "personal_code_future",
        CodeFault::Separator => "personal_code_separator",
        CodeFault::FirstDigit => "personal_code_first_digit",
        CodeFault::NeverIssued => "personal_code_never_issued",
    }
}

impl Faults {
    /// The plan of a member that may be entered; reports one that is not known or derived.
    pub(super) fn known<'a>(&mut self, holder: Holder<'a>, name: &str, at: &Pointer<'_>) -> Option<&'a FieldPlan> {
        let Some(plan) = holder.fields.get(name) else {
            self.0.push(Violation {
                pointer: at.to_string(),
                code: "unknown_field",
                detail: "There is no such field here.".to_owned(),
                clause: holder.clause.cloned(),
                severity: Error,
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

    fn error(&mut self, plan: &FieldPlan, at: &Pointer<'_>, code: &'static str, detail: impl Into<String>) {
        self.push(plan, None, at, (Error, code, detail.into()));
    }

    /// Reports a fault of a field, under its own clause if no other is given.
    fn push(
        &mut self,
        plan: &FieldPlan,
        clause: Option<&Clause>,
        at: &Pointer<'_>,
        (severity, code, detail): (Severity, &'static str, String),
    ) {
        self.0.push(Violation {
            pointer: at.to_string(),
            code,
            detail,
            clause: clause.or(plan.clause.as_ref()).cloned(),
            severity,
            section: plan.section.clone(),
        });
    }
}
