//! Faults of duties: who holds which records, what is checked across them, in what order applicants stand, how one
//! record gives rise to another, and how confirming runs.
//!
//! Each of these acts by itself, on a day or at an entry. One that names a field of the wrong kind would not fail
//! loudly; it would find nothing, order by nothing, or confirm nothing.

use std::str::FromStr;

use rust_decimal::Decimal;

use super::options::NUMBERS;
use super::{Lint, word};
use crate::domain::statute::definition::{Field, FieldType, Lifecycle, RecordType, Take};
use crate::domain::statute::duties::{Check, CheckKind, ConfirmationDuty, Move, QueueKey, QueueKeyKind};
use crate::domain::statute::parse::Place;
use crate::domain::statute::path::FieldPath;
use crate::domain::statute::procedures::Procedure;

/// What a kind of check uses of a check.
struct Uses {
    /// Fewest and most fields.
    fields: [usize; 2],
    /// Whether it has a limit.
    limit: bool,
    /// Whether it asks who the record is about.
    subject: bool,
}

fn uses(kind: CheckKind) -> Uses {
    let (fields, limit, subject) = match kind {
        CheckKind::HeldElsewhere => ([0, 0], false, true),
        CheckKind::GroupSize => ([1, usize::MAX], true, false),
        CheckKind::SumPerSubject => ([1, 1], true, true),
        CheckKind::Expired => ([1, 1], false, false),
        CheckKind::Missing => ([1, usize::MAX], false, false),
        CheckKind::Unpaired => ([2, 2], false, false),
    };
    Uses { fields, limit, subject }
}

impl<'a> Lint<'a> {
    /// What a record type says of its records beyond each by itself.
    pub(super) fn duties(&mut self, record_type: &'a RecordType, place: &Place) {
        self.held_by(record_type, place);
        let checks = &record_type.checks;
        self.unique("check", checks.iter().enumerate().map(|(i, c)| (c.name.as_str(), place.item("check", i))));
        for (index, check) in checks.iter().enumerate() {
            self.check(record_type, check, &place.item("check", index));
        }
        self.queue(record_type, &place.key("queue"));
        let moves = &record_type.moves;
        self.unique("move", moves.iter().enumerate().map(|(i, m)| (m.name.as_str(), place.item("move", i))));
        for (index, made) in moves.iter().enumerate() {
            self.made_move(record_type, made, &place.item("move", index));
        }
    }

    /// Which institutions hold such records.
    fn held_by(&mut self, record_type: &'a RecordType, place: &Place) {
        let institutions = &self.definition.register.institutions;
        let kinds: Vec<&str> = institutions.kinds.iter().map(|kind| kind.name.as_str()).collect();
        for (index, held) in record_type.held_by.iter().enumerate() {
            let place = place.item("held_by", index);
            self.clause(&place.key("clause"), &held.clause);
            self.known(&place.key("kind"), "kind of institution", &held.kind, &kinds);
            if record_type.name == institutions.record_type {
                self.fault(&place, "an institution is held by itself", "Remove it.");
            }
            if let Some((condition, institution)) =
                held.condition.as_ref().zip(self.record_type(&institutions.record_type))
            {
                self.condition(&institution.fields, None, &place.key("where"), condition);
            }
        }
    }

    fn check(&mut self, record_type: &'a RecordType, check: &'a Check, place: &Place) {
        self.machine_name(place, &check.name);
        self.label(&place.key("label"), &check.label);
        self.clause(&place.key("clause"), &check.clause);
        let kind = word(&check.kind);
        let uses = uses(check.kind);
        let [least, most] = uses.fields;
        if check.fields.len() < least || check.fields.len() > most {
            let wanted = match (least, most) {
                (0, _) => "none".to_owned(),
                (least, most) if least == most => least.to_string(),
                (least, _) => format!("at least {least}"),
            };
            self.fault(
                &place.key("fields"),
                format!("`{kind}` looks at {} fields, but {wanted} is what it needs", check.fields.len()),
                "Name the fields that the kind of check needs.",
            );
        }
        self.once(place, "fields", &check.fields);
        for (index, path) in check.fields.iter().enumerate() {
            self.checked_field(record_type, check.kind, path, &place.item("fields", index));
        }
        match &check.limit {
            None if uses.limit => {
                self.fault(&place.key("limit"), format!("`{kind}` needs `limit`"), "Add `limit`.");
            }
            Some(_) if !uses.limit => {
                self.fault(&place.key("limit"), format!("`{kind}` does not use `limit`"), "Remove it.");
            }
            Some(text) => self.limit(check.kind, text, &place.key("limit")),
            None => {}
        }
        if uses.subject {
            self.has_found_subject(record_type, &kind, place);
        }
        if let Some(condition) = &check.when {
            self.condition(&record_type.fields, None, &place.key("when"), condition);
        }
    }

    fn checked_field(&mut self, record_type: &'a RecordType, kind: CheckKind, path: &str, place: &Place) {
        let fields = &record_type.fields;
        match kind {
            // What is absent may be a list.
            CheckKind::Missing | CheckKind::Unpaired => {
                self.not_through_a_list(place, path, &record_type.name, fields);
            }
            CheckKind::GroupSize => {
                let field = self.path(place, path, &record_type.name, fields);
                if let Some(field) = field.filter(|f| [FieldType::Group, FieldType::File].contains(&f.kind)) {
                    self.fault(
                        place,
                        format!("`{}` has no value by which records could be grouped", field.name),
                        "Name a field whose values are equal or not.",
                    );
                }
            }
            CheckKind::Expired => {
                if let Some(field) = self.path(place, path, &record_type.name, fields) {
                    self.of_kind(place, field, &[FieldType::Date]);
                }
            }
            CheckKind::SumPerSubject => {
                if let Some(field) = self.path(place, path, &record_type.name, fields)
                    && self.of_kind(place, field, NUMBERS)
                {
                    self.indexed(place, field);
                }
            }
            // Told already: it looks at none.
            CheckKind::HeldElsewhere => {}
        }
    }

    fn limit(&mut self, kind: CheckKind, text: &str, place: &Place) {
        let limit = Decimal::from_str(text).ok().filter(|limit| !limit.is_sign_negative());
        let whole = kind != CheckKind::GroupSize || limit.is_some_and(|limit| limit.is_integer());
        if limit.is_none() || !whole {
            self.fault(
                place,
                format!("`{text}` is not a number that could be exceeded"),
                match kind {
                    CheckKind::GroupSize => "Write a whole number in quotes.",
                    _ => "Write a number in quotes, \"1.5\".",
                },
            );
        }
    }

    /// Records about one person are found by the person's code.
    fn has_found_subject(&mut self, record_type: &'a RecordType, kind: &str, place: &Place) {
        let Some(subject) = &record_type.subject else {
            self.fault(
                &place.key("kind"),
                format!("nothing says who a record of `{}` is about, which `{kind}` asks", record_type.name),
                "Add `[subject]` to the record type, or choose another kind of check.",
            );
            return;
        };
        let code = FieldPath::parse(subject.field()).ok().and_then(|path| path.resolve(&record_type.fields));
        if let Some(code) = code {
            self.indexed(&place.key("kind"), code);
        }
    }

    /// In what order applicants stand.
    fn queue(&mut self, record_type: &'a RecordType, place: &Place) {
        let Some(queue) = &record_type.queue else { return };
        self.clause(&place.key("clause"), &queue.clause);
        let institutions = &self.definition.register.institutions.record_type;
        let at = place.key("institution");
        if let Some(field) = self.open_path(&at, &queue.institution, &record_type.name, &record_type.fields) {
            self.refers_to(&at, field, institutions);
        }
        if record_type.lifecycle.is_none() {
            self.fault(
                place,
                format!("a record of `{}` never ends, so nobody ever leaves the queue", record_type.name),
                "Add `[lifecycle]` to the record type.",
            );
        }
        self.some(place, "key", "key by which applicants are ordered", queue.keys.len());
        self.unique("key", queue.keys.iter().enumerate().map(|(i, k)| (k.name.as_str(), place.item("key", i))));
        for (index, key) in queue.keys.iter().enumerate() {
            self.queue_key(record_type, key, &place.item("key", index));
        }
    }

    fn queue_key(&mut self, record_type: &'a RecordType, key: &'a QueueKey, place: &Place) {
        self.machine_name(place, &key.name);
        self.label(&place.key("label"), &key.label);
        self.text(&place.key("basis"), &key.basis);
        let kind = word(&key.kind);
        let asks = key.kind == QueueKeyKind::Holds;
        for (name, given, needed) in [("when", key.condition.is_some(), asks), ("field", key.field.is_some(), !asks)] {
            if needed && !given {
                self.fault(&place.key(name), format!("`{kind}` needs `{name}`"), format!("Add `{name}`."));
            } else if given && !needed {
                self.fault(&place.key(name), format!("`{kind}` does not use `{name}`"), "Remove it.");
            }
        }
        if let Some(condition) = key.condition.as_ref().filter(|_| asks) {
            self.condition(&record_type.fields, None, &place.key("when"), condition);
        }
        let Some(path) = key.field.as_ref().filter(|_| !asks) else {
            return;
        };
        let place = place.key("field");
        let field = match key.kind {
            // Relations are a list.
            QueueKeyKind::Related => self.not_through_a_list(&place, path, &record_type.name, &record_type.fields),
            QueueKeyKind::Holds | QueueKeyKind::Earlier => {
                self.path(&place, path, &record_type.name, &record_type.fields)
            }
        };
        let Some(field) = field else { return };
        match key.kind {
            QueueKeyKind::Holds => {}
            QueueKeyKind::Earlier => {
                self.of_kind(&place, field, &[FieldType::Date]);
            }
            QueueKeyKind::Related => {
                if field.derived.as_ref().is_none_or(|d| d.take != Take::Related) {
                    self.fault(
                        &place,
                        format!("`{}` does not hold relations", field.name),
                        "Name a field that is derived by `related`.",
                    );
                }
            }
        }
    }

    /// How a record gives rise to another.
    fn made_move(&mut self, from: &'a RecordType, made: &'a Move, place: &Place) {
        self.machine_name(place, &made.name);
        self.label(&place.key("label"), &made.label);
        self.clause(&place.key("clause"), &made.clause);
        self.end_of(from, made, place);
        if let Some(event) = made.event.as_ref().filter(|event| !super::is_machine_name(event)) {
            self.fault(
                &place.key("event"),
                format!("`{event}` is not the name of an event"),
                "Write lower-case letters, digits and underscores, a letter first.",
            );
        }
        let types = self.record_type_names();
        self.known(&place.key("into"), "record type", &made.into, &types);
        let into = self.record_type(&made.into);
        self.moved_on(from, into, made, place);
        if let Some(into) = into {
            self.carries(from, into, made, place);
        }
    }

    /// Whether the old record can end, and on what ground.
    fn end_of(&mut self, from: &'a RecordType, made: &Move, place: &Place) {
        let Some(lifecycle) = from.lifecycle.as_ref().filter(|_| made.ends) else {
            if made.ends {
                let message = format!("a record of `{}` never ends", from.name);
                self.fault(&place.key("ends"), message, "Add `[lifecycle]` to it, or remove `ends`.");
            } else if made.ground.is_some() {
                let message = "a ground is named for an end that does not come";
                self.fault(&place.key("ground"), message, "Add `ends = true`, or remove `ground`.");
            }
            return;
        };
        let last_day = FieldPath::parse(&lifecycle.ends).ok().and_then(|path| path.resolve(&from.fields));
        if let Some(field) = last_day.filter(|f| f.derived.is_some()) {
            self.fault(
                &place.key("ends"),
                format!("the last day, `{}`, is computed, so a move cannot set it", field.name),
                "Remove `ends`, or have the last day entered.",
            );
        }
        self.ground(from, lifecycle, made, &place.key("ground"));
    }

    fn ground(&mut self, from: &'a RecordType, lifecycle: &Lifecycle, made: &Move, place: &Place) {
        match (&lifecycle.ground, &made.ground) {
            (None, Some(_)) => {
                let message = format!("a record of `{}` ends on no ground", from.name);
                self.fault(place, message, "Remove `ground`, or add one to `[lifecycle]`.");
            }
            (Some(_), None) => self.fault(
                place,
                format!("nothing says on what ground the record of `{}` ends", from.name),
                "Add `ground`, a code of the field that its `[lifecycle]` names.",
            ),
            (Some(path), Some(code)) => {
                if let Some(field) = FieldPath::parse(path).ok().and_then(|path| path.resolve(&from.fields)) {
                    self.code_of(place, field, code);
                }
            }
            (None, None) => {}
        }
    }

    /// The documents on which a move rests are documents on which what it does may rest.
    fn moved_on(&mut self, from: &'a RecordType, into: Option<&'a RecordType>, made: &Move, place: &Place) {
        let kinds: Vec<&str> = self.definition.document_kinds.iter().map(|kind| kind.name.as_str()).collect();
        self.some(place, "base_documents", "base document on which it rests", made.base_documents.len());
        self.all_known(place, "base_documents", "kind of base document", &made.base_documents, &kinds);
        let ended = made.ends.then_some(from);
        for (index, name) in made.base_documents.iter().enumerate().filter(|(_, name)| kinds.contains(&name.as_str())) {
            let refuses = ended.into_iter().chain(into).find(|t| !t.base_documents.contains(name));
            if let Some(refuses) = refuses {
                self.fault(
                    &place.item("base_documents", index),
                    format!("nothing of `{}` is entered on a `{name}`", refuses.name),
                    format!("Name another kind, or add it to `base_documents` of `{}`.", refuses.name),
                );
            }
        }
    }

    /// What is handed over must fit where it goes.
    fn carries(&mut self, from: &'a RecordType, into: &'a RecordType, made: &Move, place: &Place) {
        let place = place.key("carries");
        let mut taken: Vec<&str> = Vec::new();
        for (old, new) in &made.carries {
            let place = place.key(old.clone());
            let source = self.not_through_a_list(&place, old, &from.name, &from.fields);
            let target = self.not_through_a_list(&place, new, &into.name, &into.fields);
            if taken.contains(&new.as_str()) {
                self.fault(&place, format!("`{new}` is handed over twice"), "Remove one of them.");
            }
            taken.push(new);
            for (path, field) in [(old, source), (new, target)] {
                if field.is_some_and(|f| f.derived.is_some()) {
                    self.fault(&place, format!("`{path}` is computed, not handed over"), "Remove it.");
                }
            }
            if let Some((source, target)) = source.zip(target)
                && let Some(why) = misfit(source, target)
            {
                self.fault(
                    &place,
                    format!("`{old}` of {} does not fit `{new}` of {}: {why}", from.name, into.name),
                    "Make the two alike, or have the value entered anew.",
                );
            }
        }
    }

    /// As [`Self::open_path`], but the path may end in a list and not lead through one.
    pub(super) fn not_through_a_list(
        &mut self,
        place: &Place,
        text: &str,
        owner: &str,
        fields: &'a [Field],
    ) -> Option<&'a Field> {
        let field = self.open_path(place, text, owner, fields)?;
        let path = FieldPath::parse(text).ok()?;
        match path.open_list(fields).filter(|list| !std::ptr::eq(*list, field)) {
            None => Some(field),
            Some(list) => {
                let list = &list.name;
                self.fault(
                    place,
                    format!("`{text}` has many values, as `{list}` is a list"),
                    format!("Name `{list}` as a whole, or a field that is not in a list."),
                );
                None
            }
        }
    }

    /// When one can confirm, who is reminded, who is told, and how one confirms around a known fault.
    pub(super) fn confirmation_rhythm(&mut self, duty: &'a ConfirmationDuty, place: &Place) {
        let register = &self.definition.register;
        for (index, days) in duty.reminders.iter().enumerate() {
            let place = place.item("reminders", index);
            if duty.reminders.iter().take(index).any(|earlier| earlier == days) {
                self.fault(&place, format!("`{days}` is there twice"), "Remove one of them.");
            }
            if *days > duty.opens_days_before {
                self.fault(
                    &place,
                    format!("{days} days before, nobody can confirm yet"),
                    format!("Write at most {}, or open earlier.", duty.opens_days_before),
                );
            }
        }
        if !duty.reminders.is_empty() && register.institutions.email_field.is_none() {
            self.fault(
                &place.key("reminders"),
                "nothing says where letters to an institution go",
                "Name the field with its address in `email_field` of `[institutions]`.",
            );
        }
        if let Some(whom) = &duty.escalates_to {
            let contacts: Vec<&str> = register.contacts.iter().map(|contact| contact.name.as_str()).collect();
            self.known(&place.key("escalates_to"), "contact", whom, &contacts);
        }
        if let Some(kind) = &duty.inquiry {
            let cases = &self.definition.cases;
            let inquiries: Vec<&str> =
                cases.iter().filter(|c| c.procedure == Procedure::Inquiry).map(|c| c.name.as_str()).collect();
            self.known(&place.key("inquiry"), "kind of case that follows the procedure `inquiry`", kind, &inquiries);
        }
        // A kind that does not exist has been told.
        let exists = register.institutions.kinds.iter().any(|kind| kind.name == duty.institution_kind);
        for (index, name) in duty.record_types.iter().enumerate().filter(|_| exists) {
            let held = self.record_type(name).map(|t| t.held_by.as_slice()).unwrap_or_default();
            if !held.is_empty() && !held.iter().any(|held| held.kind == duty.institution_kind) {
                self.fault(
                    &place.item("record_types", index),
                    format!("an institution of the kind `{}` holds no `{name}`", duty.institution_kind),
                    "Remove it, or add the kind to `[[held_by]]` of the record type.",
                );
            }
        }
    }
}

/// Why values of `source` cannot stand in `target`, if they cannot.
fn misfit(source: &Field, target: &Field) -> Option<String> {
    if source.kind != target.kind {
        return Some(format!("{} is not {}", word(&source.kind), word(&target.kind)));
    }
    if source.repeats != target.repeats {
        return Some("one is a list and the other is not".to_owned());
    }
    if source.codelist != target.codelist {
        return Some("they have other code lists".to_owned());
    }
    if source.refers_to != target.refers_to {
        return Some("they refer to records of other types".to_owned());
    }
    source.parts.iter().find_map(|part| {
        let name = &part.name;
        match target.parts.iter().find(|p| p.name == *name) {
            None => Some(format!("it has no part `{name}`")),
            Some(other) => misfit(part, other).map(|why| format!("in `{name}`, {why}")),
        }
    })
}
