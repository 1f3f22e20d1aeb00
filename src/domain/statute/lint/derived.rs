//! Faults of computed values: what each kind of computation needs, and what a computed field cannot have.

use super::fields::At;
use super::options::NUMBERS;
use super::{Lint, word};
use crate::domain::statute::definition::{Derived, Field, FieldType, RecordType, Take};
use crate::domain::statute::parse::Place;

/// The keys that a kind of computation needs, and those it may have beside.
struct Keys {
    needed: &'static [&'static str],
    allowed: &'static [&'static str],
}

/// Units that the engine can add to a date.
const UNITS: &[&str] = &["day", "month", "year"];

/// Codes that the engine takes from a personal code.
const SEXES: &[&str] = &["female", "male"];

/// Whether a value of this kind changes without an entry to its record.
pub(super) fn changes_by_itself(take: Take) -> bool {
    match take {
        Take::Age | Take::Count | Take::CountDistinct | Take::Sum => true,
        Take::Sex | Take::BirthDate | Take::PeriodEnd | Take::DaysInclusive => false,
    }
}

fn keys(take: Take) -> Keys {
    let (needed, allowed): (&[_], &[_]) = match take {
        Take::Sex | Take::BirthDate | Take::Age => (&["from"], &["otherwise"]),
        Take::PeriodEnd | Take::DaysInclusive => (&["from", "to"], &[]),
        Take::Count => (&["of"], &["via"]),
        Take::CountDistinct | Take::Sum => (&["of", "field"], &["via"]),
    };
    Keys { needed, allowed }
}

impl<'a> Lint<'a> {
    pub(super) fn derived(&mut self, at: At<'a, '_>) {
        let Some(derived) = &at.field.derived else {
            return;
        };
        self.entered_only(at.field, at.place);
        let place = at.place.key("derived");
        self.keys(&place, derived);
        self.result(at, derived);
        match derived.take {
            Take::Sex | Take::BirthDate | Take::Age => {
                self.source(at, &place.key("from"), derived.from.as_ref(), &[FieldType::PersonalCode]);
            }
            Take::PeriodEnd => {
                self.source(at, &place.key("from"), derived.from.as_ref(), &[FieldType::Date]);
                let group = self.source(at, &place.key("to"), derived.to.as_ref(), &[FieldType::Group]);
                if let Some(group) = group {
                    self.length_of_time(&place.key("to"), group);
                }
            }
            Take::DaysInclusive => {
                self.source(at, &place.key("from"), derived.from.as_ref(), &[FieldType::Date]);
                self.source(at, &place.key("to"), derived.to.as_ref(), &[FieldType::Date]);
            }
            Take::Count | Take::CountDistinct | Take::Sum => self.aggregate(at, &place, derived),
        }
        self.stand_in(at, &place.key("otherwise"), derived);
    }

    fn entered_only(&mut self, field: &Field, place: &Place) {
        for (key, given) in [
            ("required", field.required),
            ("required_when", field.required_when.is_some()),
            ("needs", field.needs.is_some()),
            ("repeats", field.repeats),
            ("length", field.length.is_some()),
            ("pattern", field.pattern.is_some()),
            ("min", field.min.is_some()),
            ("max", field.max.is_some()),
            ("within_code", field.within_code.is_some()),
            ("minor", field.minor),
        ] {
            if given {
                self.fault(
                    &place.key(key),
                    format!("`{key}` is for what is entered, and this is computed"),
                    "Remove it, or remove `derived`.",
                );
            }
        }
    }

    fn keys(&mut self, place: &Place, derived: &Derived) {
        let Keys { needed, allowed } = keys(derived.take);
        for (key, given) in [
            ("from", derived.from.is_some()),
            ("to", derived.to.is_some()),
            ("otherwise", derived.otherwise.is_some()),
            ("of", derived.of.is_some()),
            ("field", derived.field.is_some()),
            ("via", derived.via.is_some()),
        ] {
            let take = word(&derived.take);
            if !given && needed.contains(&key) {
                self.fault(&place.key(key), format!("`{take}` needs `{key}`"), format!("Add `{key}`."));
            } else if given && !needed.contains(&key) && !allowed.contains(&key) {
                self.fault(&place.key(key), format!("`{take}` does not use `{key}`"), "Remove it.");
            }
        }
    }

    /// The type of the field must take what is computed.
    fn result(&mut self, At { field, place, .. }: At<'a, '_>, derived: &Derived) {
        let place = place.key("type");
        match derived.take {
            Take::Sex => {
                if self.of_kind(&place, field, &[FieldType::Code]) {
                    for sex in SEXES {
                        self.code_of(&place, field, sex);
                    }
                }
            }
            Take::BirthDate | Take::PeriodEnd => {
                self.of_kind(&place, field, &[FieldType::Date]);
            }
            Take::Age | Take::DaysInclusive | Take::Count | Take::CountDistinct => {
                self.of_kind(&place, field, &[FieldType::Integer]);
            }
            Take::Sum => {
                self.of_kind(&place, field, NUMBERS);
            }
        }
    }

    /// The sibling that `name` names; its absence where it is needed has been told by [`Self::keys`].
    fn source(
        &mut self,
        At { siblings, field, .. }: At<'a, '_>,
        place: &Place,
        name: Option<&String>,
        kinds: &[FieldType],
    ) -> Option<&'a Field> {
        let name = name?;
        let Some(source) = siblings.iter().find(|f| f.name == *name && !std::ptr::eq(*f, field)) else {
            self.fault(place, format!("there is no sibling `{name}`"), "Name a field beside this one.");
            return None;
        };
        if source.repeats {
            self.fault(place, format!("`{name}` has many values"), "Name a field with a single value.");
            return None;
        }
        self.of_kind(place, source, kinds).then_some(source)
    }

    fn stand_in(&mut self, at: At<'a, '_>, place: &Place, derived: &Derived) {
        // An age follows from a birth date too.
        let kind = if derived.take == Take::Age { FieldType::Date } else { at.field.kind };
        let source = self.source(at, place, derived.otherwise.as_ref(), &[kind]);
        if source.is_some_and(|f| f.derived.is_some()) {
            self.fault(place, "what stands in must be entered, and this is computed", "Name a field that is entered.");
        }
    }

    /// A group of an amount and a unit.
    fn length_of_time(&mut self, place: &Place, group: &'a Field) {
        for (name, kind) in [("amount", FieldType::Integer), ("unit", FieldType::Code)] {
            match group.parts.iter().find(|p| p.name == name) {
                None => self.fault(
                    place,
                    format!("`{}` has no part `{name}`", group.name),
                    format!("Add to it a part `{name}` of type {}.", word(&kind)),
                ),
                Some(part) if self.of_kind(place, part, &[kind]) => self.units(place, part),
                Some(_) => {}
            }
        }
    }

    fn units(&mut self, place: &Place, part: &'a Field) {
        let Some(list) = self.codelist(part.codelist.as_ref()) else {
            return;
        };
        for code in list.codes.iter().filter(|code| !UNITS.contains(&code.code.as_str())) {
            self.fault(
                place,
                format!("the engine cannot count in units of `{}`", code.code),
                format!("Remove the code from `{}`; day, month and year are known.", list.name),
            );
        }
    }

    fn aggregate(&mut self, at: At<'a, '_>, place: &Place, derived: &Derived) {
        if !at.top {
            self.fault(place, "other records are counted for a record, not for a part of it", "Move it to the record.");
        }
        let Some(of) = &derived.of else { return };
        let types = self.record_type_names();
        self.known(&place.key("of"), "record type", of, &types);
        let Some(counted) = self.record_type(of) else {
            return;
        };
        if let Some(name) = derived.field.as_ref().filter(|_| derived.take != Take::Count) {
            self.aggregated(at, &place.key("field"), counted, name, derived.take);
        }
        match &derived.via {
            Some(via) => self.via(at.record_type, &place.key("via"), counted, via),
            None if self.definition.register.institutions.record_type != at.record_type.name => {
                self.fault(
                    &place.key("via"),
                    format!("nothing says which records of `{of}` belong to this one"),
                    "Add in `via` the reference that leads from them to here.",
                );
            }
            None => {}
        }
    }

    /// The field of other records that is summed or counted.
    fn aggregated(&mut self, at: At<'a, '_>, place: &Place, counted: &'a RecordType, name: &str, take: Take) {
        let Some(field) = self.path(place, name, &counted.name, &counted.fields) else {
            return;
        };
        self.indexed(place, field);
        if take == Take::Sum
            && self.of_kind(place, field, NUMBERS)
            && field.kind != at.field.kind
            && at.field.kind != FieldType::Decimal
        {
            self.fault(
                place,
                format!("a sum of values of type {} is not of type {}", word(&field.kind), word(&at.field.kind)),
                format!("Make the type of this field {}.", word(&field.kind)),
            );
        }
    }

    fn indexed(&mut self, place: &Place, field: &Field) {
        if field.index.is_none() {
            self.fault(
                place,
                format!("`{}` is not indexed", field.name),
                format!("Add `index = \"filter\"` to the field `{}`.", field.name),
            );
        }
    }

    /// References, one after the other, from the counted record to `here`.
    fn via(&mut self, here: &RecordType, place: &Place, counted: &'a RecordType, via: &str) {
        let mut reached = counted;
        for name in via.split('/') {
            let Some(field) = reached.fields.iter().find(|f| f.name == *name) else {
                self.fault(
                    place,
                    format!("`{name}` names no field of {}", reached.name),
                    "Write the references that lead here, with slashes between.",
                );
                return;
            };
            if !self.of_kind(place, field, &[FieldType::Reference]) {
                return;
            }
            self.indexed(place, field);
            let Some(next) = field.refers_to.as_ref().and_then(|name| self.record_type(name)) else {
                return;
            };
            reached = next;
        }
        if reached.name != here.name {
            self.fault(
                place,
                format!("`{via}` leads to {}, not to {}", reached.name, here.name),
                "Write the references that lead here, with slashes between.",
            );
        }
    }

    /// Fields are computed in their order, so none may come from one that is computed after it, and so none
    /// comes from itself by whatever way round.
    pub(super) fn derived_in_order(&mut self, siblings: &'a [Field], owner: &Place, key: &'static str) {
        for (index, field) in siblings.iter().enumerate() {
            let later: Vec<&str> =
                siblings.iter().skip(index).filter(|f| f.derived.is_some()).map(|f| f.name.as_str()).collect();
            for (source, name) in sources(field).filter(|(_, name)| later.contains(name)) {
                self.fault(
                    &owner.item(key, index).key("derived").key(source),
                    format!("`{name}` is computed no earlier than this field"),
                    format!("Compute this field from what is entered, or move it below `{name}`."),
                );
            }
        }
    }
}

/// The siblings that a computed field comes from, each with the key that names it.
fn sources(field: &Field) -> impl Iterator<Item = (&'static str, &str)> {
    field
        .derived
        .iter()
        .flat_map(|d| [("from", &d.from), ("to", &d.to), ("otherwise", &d.otherwise)])
        .filter_map(|(key, name)| Some((key, name.as_deref()?)))
}
