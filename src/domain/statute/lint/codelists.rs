//! Faults of `codelists.toml` and `documents.toml`.

use std::collections::BTreeSet;

use super::{Lint, choose};
use crate::domain::statute::definition::{Code, Codelist, Field};
use crate::domain::statute::parse::{CODELISTS_FILE, DOCUMENTS_FILE, Place};

impl<'a> Lint<'a> {
    pub(super) fn codelists(&mut self) {
        let lists = &self.definition.codelists;
        let root = Place::file(CODELISTS_FILE);
        self.unique("code list", lists.iter().enumerate().map(|(i, l)| (l.name.as_str(), root.item("codelist", i))));
        let mut uses = Uses::default();
        for record_type in &self.definition.record_types {
            uses.add(&record_type.fields);
        }
        for (index, list) in lists.iter().enumerate() {
            let place = root.item("codelist", index);
            self.machine_name(&place, &list.name);
            self.label(&place.key("label"), &list.label);
            self.clause(&place.key("clause"), &list.clause);
            self.some(&place, "code", "code", list.codes.len());
            if !uses.lists.contains(list.name.as_str()) {
                self.fault(
                    &place,
                    format!("no field uses the code list `{}`", list.name),
                    "Name it in the `codelist` of a field, or remove it.",
                );
            }
            for (at, code) in list.codes.iter().enumerate() {
                let place = place.item("code", at);
                self.code(code, &place);
                self.code_once(list, at, &place);
                if code.parent.is_some() && !uses.dependent.contains(list.name.as_str()) {
                    self.fault(
                        &place.key("parent"),
                        "the code has a parent, but no field with this list says within which code it is chosen",
                        "Add `within_code` to the field, or remove `parent`.",
                    );
                }
            }
        }
    }

    fn code(&mut self, code: &Code, place: &Place) {
        if !is_code(&code.code) {
            self.fault(
                &place.key("code"),
                format!("`{}` cannot be a code", code.code),
                "Write letters, digits, underscores, hyphens and points, a letter or digit first.",
            );
        }
        self.label(&place.key("label"), &code.label);
        if code.valid_from.zip(code.valid_until).is_some_and(|(from, until)| from > until) {
            self.fault(
                &place.key("valid_until"),
                format!("`{}` ends before it begins", code.code),
                "Correct one of the two days.",
            );
        }
    }

    /// The same code may return, with another label, on days on which the first is no longer valid.
    fn code_once(&mut self, list: &Codelist, at: usize, place: &Place) {
        let Some(code) = list.codes.get(at) else {
            return;
        };
        if list.codes.iter().take(at).any(|earlier| earlier.code == code.code && overlap(earlier, code)) {
            self.fault(
                place,
                format!("the code `{}` is there twice on the same days", code.code),
                "Remove one of them, or end the first with `valid_until` before the second's `valid_from`.",
            );
        }
    }

    /// Every code of `children` must have a parent among `parents`.
    pub(super) fn parents(&mut self, children: &'a Codelist, parents: &'a Codelist) {
        let codes: Vec<&str> = parents.codes.iter().map(|code| code.code.as_str()).collect();
        let Some(index) = self.definition.codelists.iter().position(|list| std::ptr::eq(list, children)) else {
            return;
        };
        let place = Place::file(CODELISTS_FILE).item("codelist", index);
        for (at, code) in children.codes.iter().enumerate() {
            let place = place.item("code", at).key("parent");
            match &code.parent {
                None => self.fault(
                    &place,
                    format!("`{}` has no parent in `{}`, so it can never be chosen", code.code, parents.name),
                    choose(&codes),
                ),
                Some(parent) if !codes.contains(&parent.as_str()) => {
                    self.fault(&place, format!("`{parent}` is not a code of `{}`", parents.name), choose(&codes));
                }
                Some(_) => {}
            }
        }
    }

    pub(super) fn document_kinds(&mut self) {
        let kinds = &self.definition.document_kinds;
        let root = Place::file(DOCUMENTS_FILE);
        let names = kinds.iter().enumerate().map(|(i, k)| (k.name.as_str(), root.item("document_kind", i)));
        self.unique("kind of base document", names);
        for (index, kind) in kinds.iter().enumerate() {
            let place = root.item("document_kind", index);
            self.machine_name(&place, &kind.name);
            self.label(&place.key("label"), &kind.label);
            self.clause(&place.key("clause"), &kind.clause);
        }
    }
}

/// Which code lists the fields use.
#[derive(Default)]
struct Uses<'a> {
    lists: BTreeSet<&'a str>,
    /// Those whose codes are chosen within the code of a sibling.
    dependent: BTreeSet<&'a str>,
}

impl<'a> Uses<'a> {
    fn add(&mut self, fields: &'a [Field]) {
        for field in fields {
            self.lists.extend(field.codelist.as_deref());
            if field.within_code.is_some() {
                self.dependent.extend(field.codelist.as_deref());
            }
            self.add(&field.parts);
        }
    }
}

/// Codes are machine names, or those of a classification that others made (`EST`, `2310`, `A-1.2`).
fn is_code(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
}

/// Whether there is a day on which both may be chosen.
fn overlap(one: &Code, other: &Code) -> bool {
    let begins_in_time =
        |code: &Code, until: &Code| code.valid_from.zip(until.valid_until).is_none_or(|(from, until)| from <= until);
    begins_in_time(one, other) && begins_in_time(other, one)
}
