//! Faults of rules between fields: what each kind needs, and whether it is there.

use super::{Lint, word};
use crate::domain::statute::definition::{Field, FieldType, RecordType, Rule, RuleKind};
use crate::domain::statute::parse::Place;

/// The keys that a kind of rule needs, and those it may have beside.
fn keys(kind: RuleKind) -> (&'static [&'static str], &'static [&'static str]) {
    match kind {
        RuleKind::Order => (&["from", "to"], &["of"]),
        RuleKind::NoOverlap => (&["of", "from", "to"], &["by"]),
        RuleKind::Inside => (&["from"], &["of", "to"]),
        RuleKind::Sequence => (&["of", "from"], &["by", "first", "last"]),
        RuleKind::NoCycle | RuleKind::OwnInstitution => (&["from"], &[]),
    }
}

impl<'a> Lint<'a> {
    pub(super) fn rules(&mut self, record_type: &'a RecordType, place: &Place) {
        for (index, rule) in record_type.rules.iter().enumerate() {
            let place = place.item("rule", index);
            self.clause(&place.key("clause"), &rule.clause);
            self.rule_keys(&place, rule);
            if let Some((owner, fields)) = self.rows(record_type, &place, rule) {
                self.rule(record_type, &place, rule, owner, fields);
            }
        }
    }

    fn rule_keys(&mut self, place: &Place, rule: &Rule) {
        let (needed, allowed) = keys(rule.kind);
        for (key, given) in [
            ("of", rule.of.is_some()),
            ("from", rule.from.is_some()),
            ("to", rule.to.is_some()),
            ("by", rule.by.is_some()),
            ("first", rule.first.is_some()),
            ("last", rule.last.is_some()),
        ] {
            let kind = word(&rule.kind);
            if !given && needed.contains(&key) {
                self.fault(&place.key(key), format!("a rule `{kind}` needs `{key}`"), format!("Add `{key}`."));
            } else if given && !needed.contains(&key) && !allowed.contains(&key) {
                self.fault(&place.key(key), format!("a rule `{kind}` does not use `{key}`"), "Remove it.");
            }
        }
    }

    /// Among which fields the rule looks: the parts of its list, or the fields of the record.
    fn rows(&mut self, record_type: &'a RecordType, place: &Place, rule: &Rule) -> Option<(&'a str, &'a [Field])> {
        let Some(of) = &rule.of else {
            return Some((&record_type.name, &record_type.fields));
        };
        let place = place.key("of");
        let group = self.open_path(&place, of, &record_type.name, &record_type.fields)?;
        if !self.of_kind(&place, group, &[FieldType::Group]) {
            return None;
        }
        if !group.repeats {
            self.fault(&place, format!("`{of}` is not a list"), "Name a group that repeats.");
        }
        Some((&group.name, &group.parts))
    }

    fn rule(&mut self, record_type: &'a RecordType, place: &Place, rule: &'a Rule, owner: &str, fields: &'a [Field]) {
        let institutions = self.definition.register.institutions.record_type.as_str();
        let mut part = |key: &'static str, path: Option<&String>, kind: FieldType| {
            let place = place.key(key);
            let field = self.path(&place, path?, owner, fields)?;
            self.of_kind(&place, field, &[kind]).then_some(field)
        };
        if rule.kind == RuleKind::OwnInstitution {
            let reference = part("from", rule.from.as_ref(), FieldType::Reference);
            if let Some(field) = reference.filter(|f| f.refers_to.as_deref() != Some(institutions)) {
                self.fault(
                    &place.key("from"),
                    format!("`{}` does not refer to {institutions}", field.name),
                    "Name a reference to the institution type.",
                );
            }
            return;
        }
        if rule.kind == RuleKind::NoCycle {
            let reference = part("from", rule.from.as_ref(), FieldType::Reference);
            if let Some(field) = reference.filter(|f| f.refers_to.as_ref() != Some(&record_type.name)) {
                self.fault(
                    &place.key("from"),
                    format!("`{}` does not refer to {}, so it makes no chain", field.name, record_type.name),
                    "Name a reference to the record type itself.",
                );
            }
            return;
        }
        part("from", rule.from.as_ref(), FieldType::Date);
        part("to", rule.to.as_ref(), FieldType::Date);
        let by = part("by", rule.by.as_ref(), FieldType::Code);
        if by.is_some_and(|by| rule.by.as_ref() != Some(&by.name)) {
            self.fault(
                &place.key("by"),
                "the code must stand in the row itself",
                "Name a part of the list, without a path.",
            );
        }
        if rule.from.is_some() && rule.from == rule.to {
            self.fault(&place.key("to"), "both dates are the same field", "Name the field of the second date.");
        }
        match rule.kind {
            RuleKind::Sequence => self.sequence(place, rule, by),
            RuleKind::Inside if record_type.lifecycle.is_none() => self.fault(
                place,
                format!("a record of type {} has no life to be inside of", record_type.name),
                "Add `lifecycle`, or remove the rule.",
            ),
            RuleKind::Inside | RuleKind::Order | RuleKind::NoOverlap | RuleKind::NoCycle | RuleKind::OwnInstitution => {
            }
        }
    }

    fn sequence(&mut self, place: &Place, rule: &'a Rule, by: Option<&'a Field>) {
        let ends = [("first", rule.first.as_ref()), ("last", rule.last.as_ref())];
        let given = ends.iter().any(|(_, code)| code.is_some());
        if given && rule.by.is_none() {
            self.fault(&place.key("by"), "`first` and `last` are codes of no field", "Name their field in `by`.");
        }
        if !given && rule.by.is_some() {
            self.fault(
                &place.key("by"),
                "`by` says nothing without `first` or `last`",
                "Add one of them, or remove `by`.",
            );
        }
        let Some(by) = by else { return };
        for (key, code) in ends {
            if let Some(code) = code {
                self.code_of(&place.key(key), by, code);
            }
        }
    }
}
