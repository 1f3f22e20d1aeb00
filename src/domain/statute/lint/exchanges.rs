//! Faults of what comes from elsewhere and goes there: sources of values, and profiles of exchange.
//!
//! An exchange runs by itself over thousands of records: a column that names nothing, a code that the other does not
//! know or a ground that nobody may receive data on must come to light before it does.

use std::collections::BTreeSet;

use super::fields::At;
use super::{Lint, choose};
use crate::domain::statute::definition::{Field, FieldType, RecordType};
use crate::domain::statute::exchange::{ColumnForm, Direction, Exchange, ExchangeColumn, ExchangePart, LocalChange};
use crate::domain::statute::parse::{EXCHANGES_FILE, Place, REGISTER_FILE};

/// How a column begins that is of the record's institution.
const OF_INSTITUTION: &str = "institution/";
/// Types whose value does not stand in one cell.
const NOT_IN_A_CELL: &[FieldType] = &[FieldType::Group, FieldType::File];
/// Types that have codes.
const CODED: &[FieldType] = &[FieldType::Code, FieldType::Country, FieldType::Language];

impl<'a> Lint<'a> {
    pub(super) fn exchanges(&mut self) {
        self.sources();
        let exchanges = &self.definition.exchanges;
        let file = Place::file(EXCHANGES_FILE);
        let names = exchanges.iter().enumerate().map(|(i, e)| (e.name.as_str(), file.item("exchange", i)));
        self.unique("exchange", names);
        for (index, exchange) in exchanges.iter().enumerate() {
            let place = file.item("exchange", index);
            self.machine_name(&place, &exchange.name);
            self.label(&place.key("label"), &exchange.label);
            self.clause(&place.key("clause"), &exchange.clause);
            self.text(&place.key("partner"), &exchange.partner);
            self.one_way(exchange, &place);
            self.some(&place, "part", "table", exchange.parts.len());
            let parts = exchange.parts.iter().enumerate();
            self.unique("table", parts.map(|(i, part)| (part.name.as_str(), place.item("part", i))));
            for (index, part) in exchange.parts.iter().enumerate() {
                self.exchanged(exchange, part, &place.item("part", index));
            }
        }
    }

    /// Where values come from that are not entered here.
    fn sources(&mut self) {
        let register = &self.definition.register;
        let root = Place::file(REGISTER_FILE);
        let names = register.sources.iter().enumerate().map(|(i, s)| (s.name.as_str(), root.item("source", i)));
        self.unique("source", names);
        for (index, source) in register.sources.iter().enumerate() {
            let place = root.item("source", index);
            self.machine_name(&place, &source.name);
            self.label(&place.key("label"), &source.label);
            self.clause(&place.key("clause"), &source.clause);
            let brings = |e: &Exchange| e.direction == Direction::Import && e.source.as_ref() == Some(&source.name);
            if source.local_change == LocalChange::Refused && !self.definition.exchanges.iter().any(brings) {
                self.fault(
                    &place.key("local_change"),
                    format!("values of `{}` are refused here, and no exchange brings them", source.name),
                    "Add an exchange with `direction = \"import\"` and this source, or write another `local_change`.",
                );
            }
        }
    }

    /// The source of a field's values.
    pub(super) fn source_of(&mut self, At { field, place, top, .. }: At<'a, '_>) {
        let Some(source) = &field.source else { return };
        let place = place.key("source");
        let known: Vec<&str> = self.definition.register.sources.iter().map(|source| source.name.as_str()).collect();
        self.known(&place, "source", source, &known);
        if !top {
            self.fault(&place, "a part of a group has no `source` of its own", "Say it of the field of the record.");
        }
        if field.derived.is_some() {
            self.fault(&place, "what is computed comes from nowhere else", "Remove it, or remove `derived`.");
        }
    }

    /// Outgoing data need somebody who may receive them, incoming ones a source.
    fn one_way(&mut self, exchange: &'a Exchange, place: &Place) {
        let register = &self.definition.register;
        let out = exchange.direction == Direction::Export;
        for (key, given, outgoing) in [
            ("recipient", exchange.recipient.is_some(), true),
            ("ground", exchange.ground.is_some(), true),
            ("source", exchange.source.is_some(), false),
        ] {
            let way = if out { "goes out" } else { "comes in" };
            if outgoing == out && !given {
                self.fault(&place.key(key), format!("what {way} needs `{key}`"), format!("Add `{key}`."));
            } else if outgoing != out && given {
                self.fault(&place.key(key), format!("what {way} has no `{key}`"), "Remove it.");
            }
        }
        if let Some(name) = &exchange.recipient {
            let known: Vec<&str> = register.recipients.iter().map(|r| r.name.as_str()).collect();
            self.known(&place.key("recipient"), "recipient", name, &known);
            if let Some(recipient) = register.recipients.iter().find(|r| r.name == *name) {
                if recipient.aggregates_only {
                    let message = format!("`{name}` receives aggregates only, and this sends records");
                    self.fault(&place.key("recipient"), message, "Name another recipient.");
                }
                if let Some(ground) = exchange.ground.as_ref().filter(|ground| !recipient.grounds.contains(ground)) {
                    let grounds: Vec<&str> = recipient.grounds.iter().map(String::as_str).collect();
                    let message = format!("`{name}` receives nothing on the ground `{ground}`");
                    self.fault(&place.key("ground"), message, choose(&grounds));
                }
            }
        }
        if let Some(source) = &exchange.source {
            let known: Vec<&str> = register.sources.iter().map(|source| source.name.as_str()).collect();
            self.known(&place.key("source"), "source", source, &known);
        }
    }

    fn exchanged(&mut self, exchange: &'a Exchange, part: &'a ExchangePart, place: &Place) {
        self.text(&place.key("name"), &part.name);
        let types = self.record_type_names();
        self.known(&place.key("record_type"), "record type", &part.record_type, &types);
        self.some(place, "column", "column", part.columns.len());
        let columns = part.columns.iter().enumerate();
        self.unique("column", columns.map(|(i, column)| (column.name.as_str(), place.item("column", i))));
        let Some(record_type) = self.record_type(&part.record_type) else {
            return;
        };
        match exchange.direction {
            Direction::Export => self.sent(record_type, part, place),
            Direction::Import => self.received(record_type, part, place),
        }
        for (index, column) in part.columns.iter().enumerate() {
            self.column(exchange, record_type, column, &place.item("column", index));
        }
    }

    fn sent(&mut self, record_type: &'a RecordType, part: &'a ExchangePart, place: &Place) {
        for (key, given) in [("base_document", part.base_document.is_some()), ("creates", part.creates)] {
            if given {
                self.fault(&place.key(key), format!("what goes out has no `{key}`"), "Remove it.");
            }
        }
        if let Some(condition) = &part.condition {
            self.condition(&record_type.fields, None, &place.key("where"), condition);
        }
    }

    fn received(&mut self, record_type: &'a RecordType, part: &'a ExchangePart, place: &Place) {
        if part.condition.is_some() {
            self.fault(&place.key("where"), "what comes in has no `where`", "Remove it.");
        }
        match &part.base_document {
            None => self.fault(
                &place.key("base_document"),
                "nothing says on which base document it is entered",
                "Name one of the base documents of the record type.",
            ),
            Some(kind) => {
                let kinds: Vec<&str> = record_type.base_documents.iter().map(String::as_str).collect();
                let what = format!("base document of `{}` called", record_type.name);
                self.known(&place.key("base_document"), &what, kind, &kinds);
            }
        }
        let code = record_type.subject.as_ref().map(|subject| subject.field());
        if let Some(code) = code.filter(|code| !part.columns.iter().any(|column| column.field == *code)) {
            self.fault(
                place,
                format!("no column says whose record of `{}` a row is", record_type.name),
                format!("Add a column with `field = \"{code}\"`."),
            );
        }
        let mut seen = BTreeSet::new();
        for (index, column) in part.columns.iter().enumerate() {
            if !seen.insert(&column.field) {
                self.fault(
                    &place.item("column", index).key("field"),
                    format!("two columns bring `{}`", column.field),
                    "Remove one of them.",
                );
            }
        }
    }

    fn column(
        &mut self,
        exchange: &'a Exchange,
        record_type: &'a RecordType,
        column: &'a ExchangeColumn,
        place: &Place,
    ) {
        self.text(&place.key("name"), &column.name);
        let institution = &self.definition.register.institutions.record_type;
        let (path, owner) = match column.field.strip_prefix(OF_INSTITUTION) {
            Some(path) => (path, self.record_type(institution)),
            None => (column.field.as_str(), Some(record_type)),
        };
        let Some(owner) = owner else { return };
        let at = place.key("field");
        let field = match exchange.direction {
            Direction::Export => self.open_path(&at, path, &owner.name, &owner.fields),
            Direction::Import => self.not_through_a_list(&at, path, &owner.name, &owner.fields),
        };
        let Some(field) = field else { return };
        if NOT_IN_A_CELL.contains(&field.kind) {
            let message = format!("`{}` does not stand in one cell", field.name);
            self.fault(&at, message, "Name its parts, a column each, or a field with one value.");
        }
        if exchange.direction == Direction::Import && std::ptr::eq(owner, record_type) {
            self.brought(exchange, owner, path, &at);
        }
        self.form(column.form, field, &place.key("form"));
        self.codes(exchange.direction, column, field, &place.key("codes"));
    }

    /// What comes in must be something that this source may bring.
    fn brought(&mut self, exchange: &'a Exchange, owner: &'a RecordType, path: &str, place: &Place) {
        let name = path.split(['/', '[']).next().unwrap_or_default();
        let Some(field) = owner.fields.iter().find(|f| f.name == name) else {
            return;
        };
        if field.derived.is_some() {
            self.fault(place, format!("`{name}` is computed, so nothing brings it"), "Remove the column.");
        }
        // By the code a row is recognised; it brings nothing.
        if owner.subject.as_ref().is_some_and(|subject| subject.field() == name) {
            return;
        }
        if let Some((theirs, ours)) = field.source.as_ref().zip(exchange.source.as_ref()).filter(|(a, b)| a != b) {
            self.fault(
                place,
                format!("`{name}` comes from `{theirs}`, not from `{ours}`"),
                "Remove the column, or correct the source of the field.",
            );
        }
    }

    fn form(&mut self, form: Option<ColumnForm>, field: &Field, place: &Place) {
        match form {
            Some(ColumnForm::DottedDate) => {
                self.of_kind(place, field, &[FieldType::Date]);
            }
            Some(ColumnForm::JahEi) => {
                self.of_kind(place, field, &[FieldType::Boolean]);
            }
            None => {}
        }
    }

    fn codes(&mut self, direction: Direction, column: &'a ExchangeColumn, field: &'a Field, place: &Place) {
        if column.codes.is_empty() || !self.of_kind(place, field, CODED) {
            return;
        }
        let mut theirs = BTreeSet::new();
        for (ours, other) in &column.codes {
            let place = place.key(ours.clone());
            // A country or language has codes beyond those of a list.
            if field.kind == FieldType::Code {
                self.code_of(&place, field, ours);
            }
            self.text(&place, other);
            if direction == Direction::Import && !theirs.insert(other) {
                let message = format!("`{other}` would be two of our codes");
                self.fault(&place, message, "Give each of the other's codes one of ours.");
            }
        }
    }
}
