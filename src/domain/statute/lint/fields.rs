//! Faults of a field or part: its name and label, the clause, section and retention rule it needs, and how it
//! is indexed.

use super::Lint;
use super::word;
use crate::domain::statute::definition::{Field, FieldType, Index, RecordType};
use crate::domain::statute::parse::Place;

/// A field under examination, with what it stands among.
#[derive(Clone, Copy)]
pub(super) struct At<'a, 'p> {
    pub(super) record_type: &'a RecordType,
    pub(super) siblings: &'a [Field],
    pub(super) field: &'a Field,
    pub(super) place: &'p Place,
    /// Whether it is a field of the record itself, not a part of a group.
    pub(super) top: bool,
}

impl<'a> Lint<'a> {
    /// The fields of a record type (`key` is `field`) or the parts of a group (`part`).
    pub(super) fn fields(
        &mut self,
        record_type: &'a RecordType,
        siblings: &'a [Field],
        owner: &Place,
        key: &'static str,
    ) {
        let what = if key == "part" { "part" } else { "field" };
        self.unique(what, siblings.iter().enumerate().map(|(i, f)| (f.name.as_str(), owner.item(key, i))));
        for (index, field) in siblings.iter().enumerate() {
            let place = &owner.item(key, index);
            self.field(At { record_type, siblings, field, place, top: key == "field" });
            self.fields(record_type, &field.parts, place, "part");
        }
        self.derived_in_order(siblings, owner, key);
    }

    fn field(&mut self, at: At<'a, '_>) {
        let At { field, place, .. } = at;
        self.machine_name(place, &field.name);
        self.label(&place.key("label"), &field.label);
        if let Some(help) = &field.help {
            self.label(&place.key("help"), help);
        }
        if let Some(clause) = &field.clause {
            self.clause(&place.key("clause"), clause);
        }
        self.repeated(place, field.clause.as_ref(), &field.repeated_in);
        self.source_of(at);
        if let Some(basis) = &field.basis {
            self.text(&place.key("basis"), basis);
        }
        if at.top {
            self.belonging(at);
            self.index(at);
        } else {
            self.belongs_to_group(at);
        }
        self.options(at);
        self.conditions(at);
        self.derived(at);
    }

    /// What a field of the record itself must say: on which clause it rests, where it belongs, when it goes.
    fn belonging(&mut self, At { record_type, field, place, .. }: At<'a, '_>) {
        if field.clause.is_none() {
            self.fault(&place.key("clause"), "the field has no clause", "Add the `clause` that entitles to it.");
        }
        let sections: Vec<&str> = record_type.sections.iter().map(|s| s.name.as_str()).collect();
        match &field.section {
            Some(section) => {
                self.known(&place.key("section"), "section", section, &sections);
            }
            None => self.fault(&place.key("section"), "the field is in no section", super::choose(&sections)),
        }
        let rules: Vec<&str> = self.definition.register.retention_rules.iter().map(|rule| rule.name.as_str()).collect();
        match &field.retention {
            Some(rule) => {
                self.known(&place.key("retention"), "retention rule", rule, &rules);
            }
            None if field.derived.is_none() => {
                self.fault(&place.key("retention"), "the field has no retention rule", super::choose(&rules));
            }
            None => {}
        }
    }

    fn belongs_to_group(&mut self, At { field, place, .. }: At<'a, '_>) {
        for (key, given) in [
            ("section", field.section.is_some()),
            ("retention", field.retention.is_some()),
            ("index", field.index.is_some()),
        ] {
            if given {
                self.fault(
                    &place.key(key),
                    format!("a part of a group has no `{key}` of its own"),
                    "Remove it here; it is said of the field of the record.",
                );
            }
        }
    }

    fn index(&mut self, At { field, place, .. }: At<'a, '_>) {
        let Some(index) = field.index else { return };
        let place = place.key("index");
        if field.repeats || field.kind == FieldType::Group {
            self.fault(&place, "a list or group cannot be indexed", "Remove `index`; only single values are indexed.");
        } else if index == Index::Name && field.kind != FieldType::Text {
            self.fault(
                &place,
                format!("a field of type {} is not found as a name is", word(&field.kind)),
                "Write `code` or `filter`.",
            );
        } else if field.derived.as_ref().is_some_and(|d| super::derived::changes_by_itself(d.take)) {
            self.fault(&place, "the value changes without an entry, so no index can hold it", "Remove `index`.");
        }
    }
}
