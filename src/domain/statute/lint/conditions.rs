//! Faults of what a field asks of its siblings: conditions, consents and named legal needs.

use serde_json::Value;

use super::fields::At;
use super::{Lint, choose, word};
use crate::domain::statute::definition::{Condition, Field, FieldType, NeedKind};
use crate::domain::statute::parse::Place;
use crate::domain::statute::path::FieldPath;

impl<'a> Lint<'a> {
    pub(super) fn conditions(&mut self, at: At<'a, '_>) {
        let At { field, place, .. } = at;
        if let Some(condition) = &field.required_when {
            let place = place.key("required_when");
            if field.required {
                self.fault(&place, "the field is required in any case", "Remove `required`, or the condition.");
            }
            self.condition(at.siblings, Some(field), &place, condition);
        }
        if let Some(condition) = &field.absent_when {
            let place = place.key("absent_when");
            if field.required {
                self.fault(&place, "the field is required in any case", "Remove `required`, or the condition.");
            } else if field.required_when.as_ref() == Some(condition) {
                self.fault(
                    &place,
                    "what must be there under this condition must not be there under it",
                    "Change one of the two conditions.",
                );
            }
            self.condition(at.siblings, Some(field), &place, condition);
        }
        self.needs(at);
    }

    /// A condition on one of `siblings`, asked by the sibling `own`, or by the record as a whole.
    pub(super) fn condition(
        &mut self,
        siblings: &'a [Field],
        own: Option<&Field>,
        place: &Place,
        condition: &Condition,
    ) {
        let given = [condition.is.is_some(), condition.one_of.is_some(), condition.present.is_some()];
        if given.iter().filter(|given| **given).count() != 1 {
            self.fault(place, "a condition asks one thing", "Give exactly one of `is`, `one_of` and `present`.");
        }
        let at_field = place.key("field");
        let Some(target) = self.sibling(siblings, own, &at_field, &condition.field) else {
            return;
        };
        if let Some(value) = &condition.is {
            self.comparable(&place.key("is"), target, value);
        }
        for (index, value) in condition.one_of.iter().flatten().enumerate() {
            self.comparable(&place.item("one_of", index), target, value);
        }
        if condition.one_of.as_ref().is_some_and(Vec::is_empty) {
            self.fault(&place.key("one_of"), "no value can be one of none", "Name the values.");
        }
    }

    /// The sibling, or the part of a sibling group, that `name` names. It may be a list, of which the engine
    /// asks for one item that fits.
    fn sibling(&mut self, siblings: &'a [Field], own: Option<&Field>, place: &Place, name: &str) -> Option<&'a Field> {
        let near = |path: &FieldPath| path.steps().len() <= 2 && path.steps().iter().all(|s| s.chosen.is_none());
        let path = FieldPath::parse(name).ok().filter(near);
        let found = path.as_ref().and_then(|path| Some((path, path.resolve(siblings)?)));
        let Some((path, target)) = found else {
            let (message, advice) = match own {
                Some(_) => (
                    format!("there is no sibling `{name}`"),
                    "Name a field beside this one, or a part of a group beside it as `group/part`.",
                ),
                None => (format!("there is no field `{name}`"), "Name a field, or a part of a group as `group/part`."),
            };
            self.fault(place, message, advice);
            return None;
        };
        if path.steps().first().is_some_and(|step| own.is_some_and(|field| step.name == field.name)) {
            self.fault(place, "the field depends on itself", "Name another field.");
            return None;
        }
        Some(target)
    }

    /// Whether a value of `target` can ever equal `value`.
    fn comparable(&mut self, place: &Place, target: &Field, value: &Value) {
        let fits = match target.kind {
            FieldType::Boolean => value.is_boolean(),
            FieldType::Integer | FieldType::Year => value.is_i64(),
            FieldType::Group | FieldType::File => false,
            FieldType::Text
            | FieldType::Multiline
            | FieldType::Decimal
            | FieldType::Money
            | FieldType::Date
            | FieldType::Code
            | FieldType::Language
            | FieldType::Country
            | FieldType::Percentage
            | FieldType::Load
            | FieldType::PersonalCode
            | FieldType::RegistryCode
            | FieldType::Email
            | FieldType::Phone
            | FieldType::Iban
            | FieldType::Address
            | FieldType::Reference => value.is_string(),
        };
        if !fits {
            self.fault(
                place,
                format!("`{}` is of type {} and never {value}", target.name, word(&target.kind)),
                "Write a value of that type, or ask for `present`.",
            );
            return;
        }
        if target.kind == FieldType::Code
            && let Some(code) = value.as_str()
        {
            self.code_of(place, target, code);
        }
    }

    /// `code` must be a code of the list of `field`.
    pub(super) fn code_of(&mut self, place: &Place, field: &Field, code: &str) {
        let Some(list) = self.codelist(field.codelist.as_ref()) else {
            return;
        };
        let codes: Vec<&str> = list.codes.iter().map(|c| c.code.as_str()).collect();
        if !codes.contains(&code) {
            self.fault(place, format!("`{code}` is not a code of `{}`", list.name), choose(&codes));
        }
    }

    fn needs(&mut self, at: At<'a, '_>) {
        let Some(needs) = &at.field.needs else { return };
        let place = at.place.key("needs");
        self.clause(&place.key("clause"), &needs.clause);
        let place = place.key("field");
        let target = self.sibling(at.siblings, Some(at.field), &place, &needs.field);
        if let Some(group) = target.filter(|_| needs.kind == NeedKind::Consent) {
            self.consent(&place, group);
        }
    }

    fn consent(&mut self, place: &Place, target: &Field) {
        if !self.of_kind(place, target, &[FieldType::Group]) {
            return;
        }
        let part = |name: &str| target.parts.iter().find(|p| p.name == name);
        if part("given_on").is_none() {
            self.fault(
                place,
                format!("`{}` does not say when consent was given", target.name),
                "Add to it a part `given_on` of type date.",
            );
        }
        for day in ["given_on", "withdrawn_on"].into_iter().filter_map(part) {
            self.of_kind(place, day, &[FieldType::Date]);
        }
    }
}
