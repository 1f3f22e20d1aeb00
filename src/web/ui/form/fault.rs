//! What is wrong with a form, said in the visitor's language beside the control that it is about.

use std::collections::{BTreeMap, HashMap};

use super::model::id;
use crate::domain::record::validate::{Severity, Violation};
use crate::domain::statute::definition::{Field, FieldType};
use crate::domain::statute::{Clause, RecordType};
use crate::web::ui::frame;
use crate::web::ui::say::T;

/// Something that is wrong with a control.
#[derive(Debug, Clone)]
pub struct Fault {
    /// What it says, and what to do.
    pub text: String,
    /// Clause that is broken.
    pub clause: Option<Clause>,
    /// Whether it stands in the way.
    pub blocks: bool,
}

/// The faults of a form while its controls are made.
pub struct Faults<'a> {
    t: &'a T,
    kind: &'a RecordType,
    /// By place, in the order in which they came.
    waiting: BTreeMap<&'a str, Vec<&'a Violation>>,
    errors: Vec<frame::Fault>,
    warnings: Vec<frame::Fault>,
}

impl<'a> Faults<'a> {
    /// All of them wait for their controls.
    pub fn new(t: &'a T, kind: &'a RecordType, faults: &'a [Violation]) -> Self {
        let mut waiting: BTreeMap<&str, Vec<&Violation>> = BTreeMap::new();
        for fault in faults {
            waiting.entry(fault.pointer.as_str()).or_default().push(fault);
        }
        Self { t, kind, waiting, errors: Vec::new(), warnings: Vec::new() }
    }

    /// Those of the control at `place`. Where a text could not be understood, that it is missing too says nothing.
    pub fn take(&mut self, place: &str) -> Vec<Fault> {
        let mut found = self.waiting.remove(place).unwrap_or_default();
        if found.len() > 1 {
            found.retain(|fault| fault.code != "required");
        }
        found.into_iter().map(|violation| self.tell(violation, id(place))).collect()
    }

    fn tell(&mut self, violation: &Violation, id: String) -> Fault {
        let text = message(self.t, &self.kind.fields, violation);
        let clause = violation.clause.clone();
        let blocks = violation.severity == Severity::Error;
        let list = if blocks { &mut self.errors } else { &mut self.warnings };
        list.push(frame::Fault { id, text: text.clone(), clause: clause.clone() });
        Fault { text, clause, blocks }
    }

    /// Errors and warnings, those that found no control last.
    pub fn finish(mut self) -> (Vec<frame::Fault>, Vec<frame::Fault>) {
        for violation in std::mem::take(&mut self.waiting).into_values().flatten() {
            self.tell(violation, String::new());
        }
        (self.errors, self.warnings)
    }
}

/// The field at a place (`/pay/0/amount`).
pub fn field_at<'f>(fields: &'f [Field], place: &str) -> Option<&'f Field> {
    let mut here = fields;
    let mut found = None;
    for step in place.split('/').skip(1).filter(|step| step.parse::<usize>().is_err()) {
        let field = here.iter().find(|f| f.name == step)?;
        here = &field.parts;
        found = Some(field);
    }
    found
}

/// What a fault says in the visitor's language: where we have no words of our own, those of the act.
pub fn message(t: &T, fields: &[Field], fault: &Violation) -> String {
    let field = field_at(fields, &fault.pointer);
    let label = field.map(|f| t.label(&f.label).text).unwrap_or_default();
    let Some(key) = key(fault.code, field) else {
        return if label.is_empty() { fault.detail.clone() } else { format!("{label}: {}", fault.detail) };
    };
    let bound = |bound: Option<&String>| {
        let Some((field, text)) = field.zip(bound) else { return String::new() };
        match field.kind {
            FieldType::Date => text.parse().map_or_else(|_| text.clone(), |day| t.day(day)),
            _ => t.decimal(text),
        }
    };
    let [fewest, most] = match fault.code {
        "items" => field.and_then(|f| f.items).unwrap_or([0, 1000]),
        _ => field
            .and_then(|f| f.length)
            .unwrap_or([1, if field.is_some_and(|f| f.kind == FieldType::Multiline) { 20_000 } else { 500 }]),
    };
    let values: HashMap<&str, String> = HashMap::from([
        ("label", label),
        ("min", bound(field.and_then(|f| f.min.as_ref()))),
        ("max", bound(field.and_then(|f| f.max.as_ref()))),
        ("limit", bound(field.and_then(|f| f.warn_above.as_ref()))),
        ("fewest", fewest.to_string()),
        ("most", most.to_string()),
        ("scale", field.and_then(|f| f.scale).unwrap_or(2).to_string()),
    ]);
    let args: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    t.say_with(key, &args)
}

/// The text for the code of a fault of a field; those of no field have other words.
fn key(code: &str, field: Option<&Field>) -> Option<&'static str> {
    let field = field?;
    let key = match code {
        "above" => "form-fault-above",
        "code_not_under_parent" => "form-fault-not-under-parent",
        "code_not_valid_then" => "form-fault-not-valid-then",
        "not_in_codelist" => "form-fault-not-in-list",
        "consent_missing" => "form-fault-consent-missing",
        "consent_withdrawn" => "form-fault-consent-withdrawn",
        "legal_need_missing" => "form-fault-need-missing",
        "must_be_absent" => "form-fault-must-be-absent",
        "date" => "form-fault-date",
        "year" => "form-fault-year",
        "email" => "form-fault-email",
        "phone" => "form-fault-phone",
        "iban" => "form-fault-iban",
        "registry_code" => "form-fault-registry-code",
        "items" => "form-fault-items",
        "length" => "form-fault-length",
        "not_a_minor" => "form-fault-not-a-minor",
        "not_unique_in_list" => "form-fault-twice",
        "order" => "form-fault-order",
        "outside" => "form-fault-outside",
        "overlap" => "form-fault-overlap",
        "sequence" => "form-fault-sequence",
        "range" => match (&field.min, &field.max) {
            (Some(_), Some(_)) => "form-fault-range",
            (Some(_), None) => "form-fault-range-min",
            (None, Some(_)) => "form-fault-range-max",
            (None, None) => "form-fault-range-zero",
        },
        "pattern" | "type" | "scale" => match field.kind {
            FieldType::Integer => "form-fault-integer",
            FieldType::Year => "form-fault-year",
            FieldType::Decimal | FieldType::Money | FieldType::Percentage | FieldType::Load => {
                if code == "scale" {
                    "form-fault-scale"
                } else {
                    "form-fault-decimal"
                }
            }
            FieldType::Boolean => "form-fault-required",
            FieldType::Reference => "form-fault-reference",
            _ => "form-fault-pattern",
        },
        "required" => "form-fault-required",
        "personal_code_length" => "form-fault-code-length",
        "personal_code_not_digits" => "form-fault-code-digits",
        "personal_code_century" => "form-fault-code-century",
        "personal_code_date" => "form-fault-code-date",
        "personal_code_checksum" | "personal_code_never_issued" => "form-fault-code-checksum",
        "personal_code_future" => "form-fault-code-future",
        "personal_code_separator" | "personal_code_first_digit" | "personal_code_stored_form" => "form-fault-code-form",
        "code_became_number" => "form-fault-code-length",
        "not_found" | "not_yet" | "ended" => "form-fault-reference",
        "not_unique" => "form-fault-not-unique",
        "source_locked" => "form-fault-source",
        "media" => "form-fault-media",
        _ => return None,
    };
    Some(key)
}
