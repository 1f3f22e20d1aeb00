//! Whether the data of a record are what the statute allows: all faults at once, each with its place,
//! a stable code, a sentence and the clause that it breaks.
//!
//! *Invariants*: no sentence repeats a submitted value, for it may be personal and ends up in logs.
//! What a sound document costs is one pass over it.
//!
//! *Not here*: whatever one record alone cannot show: that a reference exists, that something is
//! unique, that a chain has no cycle, what a file holds.

mod compiled;
mod condition;
pub(super) mod lexical;
mod plan;
mod pointer;
mod rules;
#[cfg(test)]
pub(crate) mod samples;
mod scalar;
#[cfg(test)]
mod tests;
mod uses;
mod walk;

use chrono::NaiveDate;
use serde::Serialize;
use serde_json::Value;

pub use compiled::{CompileError, CompileFault, Compiled};
pub use uses::{FileUse, ReferenceUse, files, references, touched_sections};

pub(super) use condition::{WITHDRAWN, find};
pub(super) use plan::{bounds, is_within, items, length, scale};

use self::plan::TypePlan;
use self::pointer::{Pointer, reading_order};
use self::scalar::Days;
use self::walk::{Holder, Walk};
use crate::domain::statute::{Clause, Definition, RecordType};

/// Every code that a [`Violation`] may have. `media` is for those who look into files.
pub const CODES: &[&str] = &[
    "above",
    "code_not_under_parent",
    "code_not_valid_then",
    "consent_missing",
    "consent_withdrawn",
    "date",
    "derived",
    "email",
    "iban",
    "items",
    "legal_need_missing",
    "length",
    "media",
    "must_be_absent",
    "not_a_minor",
    "not_in_codelist",
    "not_unique_in_list",
    "order",
    "outside",
    "overlap",
    "pattern",
    "personal_code_century",
    "personal_code_checksum",
    "personal_code_date",
    "personal_code_first_digit",
    "personal_code_future",
    "personal_code_length",
    "personal_code_never_issued",
    "personal_code_not_digits",
    "personal_code_separator",
    "personal_code_stored_form",
    "phone",
    "range",
    "registry_code",
    "required",
    "scale",
    "sequence",
    "too_deep",
    "too_large",
    "type",
    "unknown_field",
    "year",
];

/// The deepest nesting of objects and lists that is looked at.
pub const MAX_DEPTH: usize = 32;
/// The most list items in a document, all lists taken together.
pub const MAX_ITEMS: usize = 10_000;
/// The most errors that are reported of one document; whoever made more has a program to mend, and gets
/// no answer many times as large as the question.
pub const MAX_ERRORS: usize = 1000;

/// Whether a violation stands in the way of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// It does.
    Error,
    /// It is shown to the person who enters, and no more.
    Warning,
}

/// One thing that is wrong with a document. It never holds a submitted value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Where (RFC 6901). It names fields of the statute, except that of an unknown field, which is
    /// named as it was submitted.
    pub pointer: String,
    /// What kind of fault: one of [`CODES`].
    pub code: &'static str,
    /// An English sentence that says what is allowed.
    pub detail: String,
    /// Clause that is broken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clause: Option<Clause>,
    /// Whether it stands in the way.
    #[serde(skip)]
    pub severity: Severity,
    /// Section of the field of the record in which it stands.
    #[serde(skip)]
    pub section: Option<String>,
}

/// What documents are checked against, and as of which days.
#[derive(Debug, Clone, Copy)]
pub struct Validation<'a> {
    /// The statute.
    pub definition: &'a Definition,
    /// `definition`, made ready by [`Compiled::new`].
    pub compiled: &'a Compiled,
    /// One of the definition's record types.
    pub record_type: &'a RecordType,
    /// Day from which the data are to be true.
    pub effective_on: NaiveDate,
    /// Today, in the register's time zone.
    pub today: NaiveDate,
}

impl Validation<'_> {
    /// Checks the whole state of a record as of the effective day. Everything that is wrong, sorted by
    /// place; of more than [`MAX_ERRORS`] errors those found first.
    ///
    /// - A member that is absent or an empty list is missing; `null` is no value.
    /// - A consent counts when its group has members and no `withdrawn_on`, whatever day that gives:
    ///   the entry that records the withdrawal removes what rested on it.
    /// - A legal need is named by anything but `false` and empty texts, lists and groups.
    #[must_use]
    pub fn state(&self, data: &Value) -> Vec<Violation> {
        self.report(data, |plan, faults| {
            let Some(members) = data.as_object() else {
                return faults.document("type", "An object is expected.");
            };
            let (effective_on, today) = (self.effective_on, self.today);
            let days = Days { effective_on, today };
            Walk { days, faults }.object(Holder::record(plan), members, &Pointer::Root);
            for rule in &plan.rules {
                rule.check(data, faults);
            }
        })
    }

    /// Checks what can be told of a merge patch before it is merged: that it is an object and mentions
    /// only fields that there are and that may be entered, be it to remove them. Sorted by place.
    #[must_use]
    pub fn patch_shape(&self, patch: &Value) -> Vec<Violation> {
        self.report(patch, |plan, faults| {
            if patch.is_object() {
                faults.names(Holder::record(plan), patch, &Pointer::Root);
            } else {
                faults.document("type", "An object is expected.");
            }
        })
    }

    fn report(&self, document: &Value, check: impl FnOnce(&TypePlan, &mut Faults)) -> Vec<Violation> {
        let mut faults = Faults::default();
        let same = self.compiled.digest == self.definition.digest;
        let plans = &self.compiled.types;
        let plan = plans.get(&self.record_type.name).filter(|_| same);
        match (plan, size(document, 0, &mut 0)) {
            (Some(plan), Ok(())) => check(plan, &mut faults),
            (Some(_), Err((code, detail))) => faults.document(code, &detail),
            // A mistake of the program, not of the document. Nothing may pass for sound.
            (None, _) => faults.document("type", "This record type is not part of the statute."),
        }
        faults.found.sort_by_cached_key(|fault| {
            let place = reading_order(&fault.pointer).into_iter();
            let place: Vec<_> = place.map(|(number, token)| (number, token.to_owned())).collect();
            (place, fault.code)
        });
        faults.found
    }
}

/// What was found so far.
#[derive(Default)]
struct Faults {
    found: Vec<Violation>,
    errors: usize,
}

impl Faults {
    /// Reports a violation, unless there have been [`MAX_ERRORS`].
    fn report(&mut self, violation: Violation) {
        if violation.severity == Severity::Error {
            if self.errors == MAX_ERRORS {
                return;
            }
            self.errors += 1;
        }
        self.found.push(violation);
    }

    /// Reports a fault of the document as a whole.
    fn document(&mut self, code: &'static str, detail: &str) {
        self.report(Violation {
            pointer: String::new(),
            code,
            detail: detail.to_owned(),
            clause: None,
            severity: Severity::Error,
            section: None,
        });
    }
}

/// Looks at how deep and how large a document is before anything walks through it.
fn size(value: &Value, depth: usize, items: &mut usize) -> Result<(), (&'static str, String)> {
    if depth > MAX_DEPTH {
        let detail = format!("Objects and lists may be nested at most {MAX_DEPTH} deep.");
        return Err(("too_deep", detail));
    }
    match value {
        Value::Array(list) => {
            *items = items.saturating_add(list.len());
            if *items > MAX_ITEMS {
                let detail = format!("All lists together may have at most {MAX_ITEMS} items.");
                return Err(("too_large", detail));
            }
            list.iter().try_for_each(|item| size(item, depth + 1, items))
        }
        Value::Object(members) => members.values().try_for_each(|member| size(member, depth + 1, items)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}
