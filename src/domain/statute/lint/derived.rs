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

/// Part of a row that holds the number counted.
const COUNT: &str = "count";
/// Part of a row that refers to the related record.
const RECORD: &str = "record";
/// Part of a row that refers to its institution.
const INSTITUTION: &str = "institution";

/// Whether a value of this kind changes without an entry to its record.
pub(super) fn changes_by_itself(take: Take) -> bool {
    match take {
        Take::Age | Take::Count | Take::CountDistinct | Take::Sum | Take::CountBy | Take::Related => true,
        Take::Sex | Take::BirthDate | Take::BirthYear | Take::PeriodEnd | Take::DaysInclusive => false,
    }
}

fn keys(take: Take) -> Keys {
    let (needed, allowed): (&[_], &[_]) = match take {
        Take::Sex | Take::BirthDate | Take::BirthYear | Take::Age => (&["from"], &["otherwise"]),
        Take::PeriodEnd | Take::DaysInclusive => (&["from", "to"], &[]),
        Take::Count => (&["of"], &["via"]),
        Take::CountDistinct | Take::Sum => (&["of", "field"], &["via"]),
        Take::CountBy => (&["of", "by"], &["via"]),
        Take::Related => (&["of", "field"], &["via"]),
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
            Take::Sex | Take::BirthDate | Take::BirthYear | Take::Age => {
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
            Take::CountBy => {
                self.aggregate(at, &place, derived);
                self.count_by(at, &place, derived);
            }
            Take::Related => self.related(at, &place, derived),
        }
        self.stand_in(at, &place.key("otherwise"), derived);
    }

    fn entered_only(&mut self, field: &Field, place: &Place) {
        // Computed rows are a list.
        let rows = field.derived.as_ref().is_some_and(|d| matches!(d.take, Take::CountBy | Take::Related));
        for (key, given) in [
            ("required", field.required),
            ("required_when", field.required_when.is_some()),
            ("absent_when", field.absent_when.is_some()),
            ("needs", field.needs.is_some()),
            ("repeats", field.repeats && !rows),
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
            ("by", !derived.by.is_empty()),
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
            Take::BirthYear => {
                self.of_kind(&place, field, &[FieldType::Year, FieldType::Integer]);
            }
            Take::CountBy | Take::Related => {
                self.of_kind(&place, field, &[FieldType::Group]);
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
        // An age and a year follow from a birth date too.
        let from_a_date = matches!(derived.take, Take::Age | Take::BirthYear);
        let kind = if from_a_date { FieldType::Date } else { at.field.kind };
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

    pub(super) fn indexed(&mut self, place: &Place, field: &Field) {
        if field.index.is_none() {
            self.fault(
                place,
                format!("`{}` is not indexed", field.name),
                format!("Add `index = \"filter\"` to the field `{}`.", field.name),
            );
        }
    }

    /// The parts of rows that count: those by which it is counted, and the number.
    fn count_by(&mut self, At { field, place: here, .. }: At<'a, '_>, place: &Place, derived: &Derived) {
        self.once(place, "by", &derived.by);
        let Some(counted) = derived.of.as_ref().and_then(|name| self.record_type(name)) else {
            return;
        };
        for (index, name) in derived.by.iter().enumerate() {
            let place = place.item("by", index);
            let Some(source) = counted.fields.iter().find(|f| f.name == *name) else {
                let message = format!("`{name}` names no field of {}", counted.name);
                self.fault(&place, message, "Name a field of the records that are counted.");
                continue;
            };
            if source.repeats {
                let message = format!("`{name}` has many values");
                self.fault(&place, message, "Name a field with a single value.");
            } else {
                self.indexed(&place, source);
            }
            self.row_part(here, field, source);
        }
        match field.parts.iter().position(|p| p.name == COUNT) {
            None => self.fault(here, format!("`{}` has no part `{COUNT}`", field.name), "Add it, of type integer."),
            Some(at) => {
                if let Some(part) = field.parts.get(at) {
                    self.of_kind(&here.item("part", at).key("type"), part, &[FieldType::Integer]);
                }
            }
        }
        for (index, part) in field.parts.iter().enumerate() {
            if part.name != COUNT && !derived.by.contains(&part.name) {
                let message = format!("nothing is counted by `{}`", part.name);
                self.fault(&here.item("part", index), message, "Add it to `by`, or remove the part.");
            }
        }
    }

    /// Relations: what the two records share, and what is told of the other.
    fn related(&mut self, at: At<'a, '_>, place: &Place, derived: &Derived) {
        if !at.top {
            self.fault(place, "relations are those of a record, not of a part of it", "Move it to the record.");
        }
        let here = at.record_type;
        let institutions = &self.definition.register.institutions.record_type;
        if let Some(via) = &derived.via {
            let place = place.key("via");
            if let Some(reached) = self.open_path(&place, via, &here.name, &here.fields) {
                self.refers_to(&place, reached, institutions);
            }
        }
        let Some(of) = &derived.of else { return };
        let types = self.record_type_names();
        self.known(&place.key("of"), "record type", of, &types);
        let Some(other) = self.record_type(of) else { return };
        if let Some(shared) = &derived.field {
            let place = place.key("field");
            let mine = self.open_path(&place, shared, &here.name, &here.fields);
            let theirs =
                if here.name == other.name { mine } else { self.open_path(&place, shared, &other.name, &other.fields) };
            if let Some((mine, theirs)) = mine.zip(theirs)
                && mine.kind != theirs.kind
            {
                self.fault(
                    &place,
                    format!(
                        "`{shared}` is of type {} in {} and of type {} in {}, so they never share it",
                        word(&mine.kind),
                        here.name,
                        word(&theirs.kind),
                        other.name
                    ),
                    "Name a field that has one type in both.",
                );
            }
        }
        self.related_parts(at, other);
    }

    fn related_parts(&mut self, At { field, place, .. }: At<'a, '_>, other: &'a RecordType) {
        let institutions = &self.definition.register.institutions.record_type;
        for (name, target) in [(RECORD, &other.name), (INSTITUTION, institutions)] {
            match field.parts.iter().position(|p| p.name == name) {
                None => self.fault(
                    place,
                    format!("`{}` has no part `{name}`", field.name),
                    format!("Add it, a reference to `{target}`."),
                ),
                Some(at) => {
                    if let Some(part) = field.parts.get(at) {
                        self.refers_to(&place.item("part", at).key("refers_to"), part, target);
                    }
                }
            }
        }
        for (index, part) in field.parts.iter().enumerate().filter(|(_, p)| ![RECORD, INSTITUTION].contains(&&*p.name))
        {
            match other.fields.iter().find(|f| f.name == part.name) {
                Some(source) => self.row_part(place, field, source),
                None => self.fault(
                    &place.item("part", index),
                    format!("`{}` names no field of {}", part.name, other.name),
                    "Name the part like the field that it shows, or remove it.",
                ),
            }
        }
    }

    /// The part of a row that has the name of `source` must take its values.
    fn row_part(&mut self, place: &Place, rows: &Field, source: &Field) {
        let Some((index, part)) = rows.parts.iter().enumerate().find(|(_, p)| p.name == source.name) else {
            let message = format!("`{}` has no part `{}`", rows.name, source.name);
            self.fault(place, message, "Add it, of the same type as the field.");
            return;
        };
        let place = place.item("part", index);
        self.of_kind(&place.key("type"), part, &[source.kind]);
        if part.kind == source.kind && part.codelist != source.codelist {
            let message = format!("`{}` has another code list there", part.name);
            self.fault(&place.key("codelist"), message, "Name the code list of the field.");
        }
    }

    /// `field`, named at `place`, must be a reference to records of `target`.
    pub(super) fn refers_to(&mut self, place: &Place, field: &Field, target: &str) {
        if self.of_kind(place, field, &[FieldType::Reference])
            && let Some(other) = field.refers_to.as_ref().filter(|other| *other != target)
        {
            self.fault(
                place,
                format!("`{}` refers to {other}, but a reference to {target} is needed", field.name),
                format!("Name a field with `refers_to = \"{target}\"`."),
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
