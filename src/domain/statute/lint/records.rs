//! Faults of a record type as a whole: its names, sections, title, subject, life and what must not repeat.

use std::collections::BTreeSet;

use super::Lint;
use crate::domain::statute::definition::{FieldType, Index, RecordType};
use crate::domain::statute::parse::Place;

impl<'a> Lint<'a> {
    pub(super) fn record_types(&mut self) {
        let types = &self.definition.record_types;
        let names: Vec<_> =
            types.iter().enumerate().map(|(i, t)| (t.name.as_str(), self.record_place(i).key("name"))).collect();
        self.unique("record type", names);
        for (index, record_type) in types.iter().enumerate() {
            let place = self.record_place(index);
            self.record_type_faults(record_type, &place);
        }
    }

    fn record_type_faults(&mut self, record_type: &'a RecordType, place: &Place) {
        let register = &self.definition.register;
        self.machine_name(place, &record_type.name);
        self.label(&place.key("label"), &record_type.label);
        self.clause(&place.key("clause"), &record_type.clause);
        let purposes: Vec<&str> = register.purposes.iter().map(|p| p.name.as_str()).collect();
        self.all_known(place, "purposes", "purpose", &record_type.purposes, &purposes);
        let kinds: Vec<&str> = self.definition.document_kinds.iter().map(|k| k.name.as_str()).collect();
        self.some(
            place,
            "base_documents",
            "base document on which it may be entered",
            record_type.base_documents.len(),
        );
        self.all_known(place, "base_documents", "kind of base document", &record_type.base_documents, &kinds);
        self.some(place, "field", "field", record_type.fields.len());
        self.sections(record_type, place);
        self.title(record_type, place);
        self.subject(record_type, &place.key("subject"));
        self.lifecycle(record_type, &place.key("lifecycle"));
        self.uniqueness(record_type, place);
        self.fields(record_type, &record_type.fields, place, "field");
        self.rules(record_type, place);
        self.repeated(place, Some(&record_type.clause), &record_type.repeated_in);
        self.duties(record_type, place);
    }

    fn sections(&mut self, record_type: &'a RecordType, place: &Place) {
        let sections = &record_type.sections;
        self.some(place, "section", "section", sections.len());
        self.unique("section", sections.iter().enumerate().map(|(i, s)| (s.name.as_str(), place.item("section", i))));
        let used: BTreeSet<&str> = record_type.fields.iter().filter_map(|f| f.section.as_deref()).collect();
        for (index, section) in sections.iter().enumerate() {
            let place = place.item("section", index);
            self.machine_name(&place, &section.name);
            self.label(&place.key("label"), &section.label);
            if !used.contains(section.name.as_str()) {
                self.fault(
                    &place,
                    format!("no field is in the section `{}`", section.name),
                    "Put a field into it, or remove it.",
                );
            }
        }
    }

    fn title(&mut self, record_type: &'a RecordType, place: &Place) {
        self.some(place, "title", "field that makes up the title", record_type.title.len());
        self.once(place, "title", &record_type.title);
        for (index, path) in record_type.title.iter().enumerate() {
            let place = place.item("title", index);
            let field = self.path(&place, path, &record_type.name, &record_type.fields);
            if let Some(field) = field.filter(|f| [FieldType::Group, FieldType::File].contains(&f.kind)) {
                self.fault(
                    &place,
                    format!("`{}` has no text that could stand in a title", field.name),
                    "Name a field whose value can be read in one line.",
                );
            }
        }
    }

    fn subject(&mut self, record_type: &'a RecordType, place: &Place) {
        let Some(subject) = &record_type.subject else {
            return;
        };
        match (&subject.personal_code, &subject.account) {
            (Some(code), None) => {
                let own = place.key("personal_code");
                if let Some(field) = self.path(&own, code, &record_type.name, &record_type.fields) {
                    self.of_kind(&own, field, &[FieldType::PersonalCode]);
                }
            }
            (None, Some(account)) => self.account(record_type, account, &place.key("account")),
            _ => self.fault(
                place,
                "a person is known either by a personal code or by an account",
                "Name one field: in `personal_code`, or in `account` where the source lists no code.",
            ),
        }
        let Some(guardians) = &subject.guardians else {
            return;
        };
        let place = place.key("guardians");
        if let Some(field) = self.open_path(&place, guardians, &record_type.name, &record_type.fields) {
            self.of_kind(&place, field, &[FieldType::PersonalCode]);
        }
    }

    /// The field that holds the name under which the person logs in.
    fn account(&mut self, record_type: &'a RecordType, name: &str, place: &Place) {
        let Some(field) = self.path(place, name, &record_type.name, &record_type.fields) else { return };
        if self.of_kind(place, field, &[FieldType::Text, FieldType::Email]) && field.index != Some(Index::Code) {
            self.fault(
                place,
                format!("nobody finds their own record, as `{name}` is not indexed as a code"),
                format!("Add `index = \"code\"` to the field `{name}`."),
            );
        }
    }

    fn lifecycle(&mut self, record_type: &'a RecordType, place: &Place) {
        let Some(lifecycle) = &record_type.lifecycle else {
            return;
        };
        self.clause(&place.key("clause"), &lifecycle.clause);
        for (key, path, kind) in [
            ("begins", Some(&lifecycle.begins), FieldType::Date),
            ("ends", Some(&lifecycle.ends), FieldType::Date),
            ("ground", lifecycle.ground.as_ref(), FieldType::Code),
        ] {
            let Some(path) = path else { continue };
            let place = place.key(key);
            if let Some(field) = self.path(&place, path, &record_type.name, &record_type.fields) {
                self.of_kind(&place, field, &[kind]);
            }
        }
        if lifecycle.begins == lifecycle.ends {
            self.fault(
                &place.key("ends"),
                "a record that ends on the field on which it begins lives one day",
                "Name the field of the last day.",
            );
        }
    }

    fn uniqueness(&mut self, record_type: &'a RecordType, place: &Place) {
        for (index, unique) in record_type.unique.iter().enumerate() {
            let place = place.item("unique", index);
            self.clause(&place.key("clause"), &unique.clause);
            self.some(&place, "fields", "field that must not repeat", unique.fields.len());
            self.once(&place, "fields", &unique.fields);
            for (at, name) in unique.fields.iter().enumerate() {
                let place = place.item("fields", at);
                let field = self.path(&place, name, &record_type.name, &record_type.fields);
                if let Some(field) = field.filter(|f| f.index.is_none()) {
                    self.fault(
                        &place,
                        format!("`{}` must not repeat, but is not indexed", field.name),
                        format!("Add `index` to the field `{}`.", field.name),
                    );
                }
            }
            if unique.unless_ended && record_type.lifecycle.is_none() {
                self.fault(
                    &place.key("unless_ended"),
                    "a record of this type never ends",
                    "Add `lifecycle`, or remove `unless_ended`.",
                );
            }
        }
    }
}
