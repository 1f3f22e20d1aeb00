//! Values as people read them: labels of codes, titles of records, days and money in the visitor's language, personal
//! codes masked.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use uuid::Uuid;

use crate::domain::registers::Register;
use crate::domain::statute::definition::{Field, FieldType, RecordType};
use crate::domain::statute::path::FieldPath;
use crate::web::ui::say::{Said, T, masked};

/// A value on a line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line {
    /// The text.
    pub text: Said,
    /// Where more stands about it.
    pub href: Option<String>,
    /// Whether it is a personal code of which the middle is hidden.
    pub hidden: bool,
}

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// Nothing.
    None,
    /// One value or several.
    Lines(Vec<Line>),
    /// A group: its parts by name.
    Parts(Vec<(Said, Vec<Line>)>),
    /// A list of groups.
    Table(Rows),
}

/// A list of groups: only columns in which something stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    /// Names of the columns; whether they hold numbers.
    pub heads: Vec<(Said, bool)>,
    /// Cells by row.
    pub rows: Vec<Vec<Vec<Line>>>,
    /// How many rows more there are.
    pub more: usize,
}

/// Most rows of a list that a card shows.
const MOST_ROWS: usize = 100;

impl Shown {
    /// How many values there are.
    pub fn count(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Lines(_) | Self::Parts(_) => 1,
            Self::Table(rows) => rows.rows.len() + rows.more,
        }
    }
}

/// What values are shown with.
#[derive(Clone, Copy)]
pub struct Show<'a> {
    /// Texts and formats.
    pub t: T,
    /// The register: its code lists.
    pub register: &'a Register,
    /// What the records are called to which values refer.
    pub titles: &'a BTreeMap<Uuid, String>,
    /// Fields whose personal codes are shown in full.
    pub in_full: &'a [String],
}

fn plain(text: impl Into<String>) -> Line {
    Line { text: Said { text: text.into(), lang: None }, ..Line::default() }
}

impl Show<'_> {
    /// A value of a field of the record.
    pub fn value(&self, field: &Field, value: &Value) -> Shown {
        match value {
            Value::Null => Shown::None,
            Value::Array(items) if items.is_empty() => Shown::None,
            Value::Array(items) if field.kind == FieldType::Group => Shown::Table(self.rows(field, items)),
            Value::Object(_) if field.kind == FieldType::Group => {
                let parts = field.parts.iter().filter_map(|part| {
                    let lines = self.lines(&field.name, part, value.get(&part.name)?);
                    (!lines.is_empty()).then(|| (self.t.label(&part.label), lines))
                });
                let parts: Vec<_> = parts.collect();
                if parts.is_empty() { Shown::None } else { Shown::Parts(parts) }
            }
            one => {
                let lines = self.lines(&field.name, field, one);
                if lines.is_empty() { Shown::None } else { Shown::Lines(lines) }
            }
        }
    }

    fn rows(&self, field: &Field, items: &[Value]) -> Rows {
        let used: Vec<&Field> =
            field.parts.iter().filter(|p| items.iter().any(|i| i.get(&p.name).is_some_and(|v| !v.is_null()))).collect();
        let cell = |item: &Value, part: &Field| {
            item.get(&part.name).map(|v| self.lines(&field.name, part, v)).unwrap_or_default()
        };
        Rows {
            heads: used.iter().map(|p| (self.t.label(&p.label), is_number(p))).collect(),
            rows: items.iter().take(MOST_ROWS).map(|i| used.iter().map(|p| cell(i, p)).collect()).collect(),
            more: items.len().saturating_sub(MOST_ROWS),
        }
    }

    /// A value of `field`, which stands in the record's field `top`: a line for each item.
    pub fn lines(&self, top: &str, field: &Field, value: &Value) -> Vec<Line> {
        match value {
            Value::Null => Vec::new(),
            Value::Array(items) => items.iter().flat_map(|item| self.lines(top, field, item)).collect(),
            Value::Object(_) => {
                let text = self.brief(top, field, value);
                if text.is_empty() { Vec::new() } else { vec![plain(text)] }
            }
            Value::Bool(yes) => vec![plain(self.t.say(if *yes { "record-yes" } else { "record-no" }))],
            Value::Number(n) if field.kind == FieldType::Year => vec![plain(n.to_string())],
            Value::Number(n) => vec![plain(self.t.decimal(&n.to_string()))],
            Value::String(text) => vec![self.line(top, field, text)],
        }
    }

    fn line(&self, top: &str, field: &Field, text: &str) -> Line {
        match field.kind {
            FieldType::Date => plain(text.parse().map_or_else(|_| text.to_owned(), |day| self.t.day(day))),
            FieldType::Money => plain(self.t.money(text)),
            FieldType::Load => plain(self.t.decimal(&hundredths(text))),
            FieldType::Decimal => plain(self.t.decimal(text)),
            FieldType::Percentage => plain(format!("{}\u{a0}%", self.t.decimal(text))),
            FieldType::PersonalCode if self.in_full.iter().any(|f| f == top) => plain(text),
            FieldType::PersonalCode => Line { hidden: true, ..plain(masked(text)) },
            FieldType::Code | FieldType::Language | FieldType::Country => {
                Line { text: self.code(field, text), ..Line::default() }
            }
            FieldType::Reference => self.reference(field.refers_to.as_deref(), text),
            FieldType::File => plain(self.t.say("record-file-kept")),
            FieldType::Text => {
                let derived = field.derived.as_ref().and_then(|_| self.t.say_if(&format!("record-sex-{text}")));
                plain(derived.unwrap_or_else(|| text.to_owned()))
            }
            FieldType::Multiline
            | FieldType::Integer
            | FieldType::Year
            | FieldType::Boolean
            | FieldType::RegistryCode
            | FieldType::Email
            | FieldType::Phone
            | FieldType::Iban
            | FieldType::Address
            | FieldType::Group => plain(text),
        }
    }

    /// A record by its title, with the way to it. Of one that may not be read there is nothing to say.
    pub fn reference(&self, kind: Option<&str>, id: &str) -> Line {
        let title = Uuid::parse_str(id).ok().and_then(|id| self.titles.get(&id));
        match title {
            Some(title) => {
                let here = format!("/{}/r/{}", self.t.code(), self.register.name());
                let href = kind.map(|kind| format!("{here}/records/{kind}/{id}"));
                Line { href, ..plain(title) }
            }
            None => plain(self.t.say("record-not-yours")),
        }
    }

    /// What a code is called; of one that was renamed, its last name.
    fn code(&self, field: &Field, code: &str) -> Said {
        let lists = &self.register.definition.codelists;
        let list = field.codelist.as_ref().and_then(|n| lists.iter().find(|l| l.name == *n));
        if let Some(found) = list.and_then(|l| l.codes.iter().rfind(|c| c.code == code)) {
            return self.t.label(&found.label);
        }
        let said = match field.kind {
            FieldType::Language => self.t.say_if(&format!("record-language-{}", code.to_lowercase())),
            FieldType::Country => self.t.say_if(&format!("record-country-{}", code.to_lowercase())),
            _ => self.t.say_if(&format!("record-sex-{}", code.to_lowercase())),
        };
        Said { text: said.unwrap_or_else(|| code.to_owned()), lang: None }
    }

    /// A value on one line of plain text, whatever it is.
    pub fn brief(&self, top: &str, field: &Field, value: &Value) -> String {
        match value {
            Value::Object(_) => {
                let parts =
                    field.parts.iter().filter_map(|part| value.get(&part.name).map(|v| self.brief(top, part, v)));
                parts.filter(|t| !t.is_empty()).collect::<Vec<_>>().join(" · ")
            }
            Value::Array(items) => {
                let texts = items.iter().map(|item| self.brief(top, field, item)).filter(|t| !t.is_empty());
                texts.collect::<Vec<_>>().join("; ")
            }
            one => self.lines(top, field, one).into_iter().map(|l| l.text.text).collect::<Vec<_>>().join(", "),
        }
    }

    /// What people call a record.
    pub fn title(&self, kind: &RecordType, data: &Value) -> Option<String> {
        let words = kind.title.iter().filter_map(|path| {
            let path = FieldPath::parse(path).ok()?;
            let top = path.steps().first()?.name.clone();
            Some(self.brief(&top, path.resolve(&kind.fields)?, path.get(data)?))
        });
        let title = words.filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ");
        (!title.is_empty()).then_some(title)
    }
}

/// A load always has two decimals.
fn hundredths(text: &str) -> String {
    match text.split_once('.') {
        None => format!("{text}.00"),
        Some((whole, part)) if part.len() < 2 => format!("{whole}.{part:0<2}"),
        Some(_) => text.to_owned(),
    }
}

/// Whether values of the field are numbers: set right in columns.
pub fn is_number(field: &Field) -> bool {
    let number = [FieldType::Integer, FieldType::Decimal, FieldType::Money, FieldType::Percentage, FieldType::Load];
    number.contains(&field.kind) && !field.repeats
}

/// The records that a value refers to.
pub fn referred(fields: &[Field], data: &Value, into: &mut BTreeSet<Uuid>) {
    for field in fields {
        let Some(value) = data.get(&field.name) else { continue };
        let items: &[Value] = match value {
            Value::Array(items) => items,
            one => std::slice::from_ref(one),
        };
        for item in items {
            match field.kind {
                FieldType::Reference => into.extend(item.as_str().and_then(|t| Uuid::parse_str(t).ok())),
                FieldType::Group => referred(&field.parts, item, into),
                _ => {}
            }
        }
    }
}
