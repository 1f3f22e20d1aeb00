//! Invented documents of any record type, sound ones and spoilt ones.

use std::cell::RefCell;
use std::collections::HashMap;

use chrono::{Days, NaiveDate};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::super::super::validate::{Severity, Validation, bounds, is_within, items, length, scale};
use crate::domain::identity::{PersonalCode, Sex};
use crate::domain::statute::definition::{Field, FieldType};

/// Choices, out of numbers that proptest makes and shrinks. After its end all choices are the first.
pub(crate) struct Tape<'t> {
    numbers: std::slice::Iter<'t, u16>,
}

impl<'t> Tape<'t> {
    pub(crate) fn new(numbers: &'t [u16]) -> Self {
        Self { numbers: numbers.iter() }
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        let number = self.numbers.next().copied().map_or(0, usize::from);
        if limit == 0 { 0 } else { number % limit }
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) >= 100 - percent
    }

    fn pick<T: Clone>(&mut self, choices: &[T]) -> Option<T> {
        choices.get(self.below(choices.len())).cloned()
    }
}

/// Makes documents of one record type.
pub(crate) struct Maker<'v> {
    validation: &'v Validation<'v>,
    /// Texts that match a pattern, by pattern.
    matching: RefCell<HashMap<String, Vec<String>>>,
}

impl<'v> Maker<'v> {
    pub(crate) fn new(validation: &'v Validation<'v>) -> Self {
        Self { validation, matching: RefCell::default() }
    }

    /// A document that is sound more often than not.
    pub(crate) fn document(&self, tape: &mut Tape) -> Value {
        let fields = &self.validation.record_type.fields;
        let mut document = Value::Object(self.object(fields, tape));
        for _ in 0..8 {
            let faults = self.validation.state(&document).into_iter().rev();
            for fault in faults.filter(|fault| fault.severity == Severity::Error) {
                if fault.code == "required" {
                    self.supply(&mut document, &fault.pointer, tape);
                } else {
                    remove(&mut document, &fault.pointer);
                }
            }
        }
        document
    }

    /// Changes something in a document, for worse or for better.
    pub(super) fn spoil(&self, document: &mut Value, tape: &mut Tape) {
        let mut places = Vec::new();
        pointers(document, String::new(), &mut places);
        // A field first, then something in it: long lists must not have all the attention.
        let names: Vec<String> =
            document.as_object().map(|members| members.keys().cloned().collect()).unwrap_or_default();
        let name = tape.pick(&names).unwrap_or_default();
        if tape.chance(90) {
            places.retain(|place| place.split('/').nth(1) == Some(&name));
        }
        let Some(place) = tape.pick(&places) else {
            return;
        };
        match tape.below(10) {
            0 => remove(document, &place),
            // What is not there, among others what must not be.
            8 | 9 => {
                let fields = &self.validation.record_type.fields;
                let all: Vec<String> = fields.iter().filter(|f| f.derived.is_none()).map(|f| f.name.clone()).collect();
                let name = tape.pick(&all).unwrap_or_default();
                self.supply(document, &format!("/{name}"), tape);
            }
            1 => self.supply(document, &place, tape),
            2 => {
                let other = tape.pick(&places).unwrap_or_default();
                if let Some(other) = document.pointer(&other).cloned() {
                    put(document, &place, other);
                }
            }
            3 => put(document, &place, junk(tape)),
            4 | 5 => {
                if let Some(value) = self.field(&place).and_then(|field| self.verge(field, tape)) {
                    put(document, &place, value);
                }
            }
            _ => {
                if let Some(value) = document.pointer_mut(&place) {
                    self.bend(value, &place, tape);
                }
            }
        }
    }

    /// A value on the verge of what a field takes.
    fn verge(&self, field: &Field, tape: &mut Tape) -> Option<Value> {
        let list = self.validation.definition.codelists.iter().find(|list| Some(&list.name) == field.codelist.as_ref());
        if field.repeats && tape.chance(30) {
            return Some(json!([]));
        }
        let text = match (list, field.kind) {
            (Some(list), _) => tape.pick(&list.codes)?.code,
            (None, FieldType::PersonalCode) => tape.pick(&WRONG_CODES)?.to_owned(),
            (None, FieldType::Date) => match tape.pick(&[&field.min, &field.max])? {
                Some(bound) => {
                    let bound: NaiveDate = bound.parse().ok()?;
                    tape.pick(&[bound, bound.pred_opt()?, bound.succ_opt()?])?.to_string()
                }
                None => tape.pick(&DATES)?.to_owned(),
            },
            (None, FieldType::Group) => return Some(json!({})),
            (None, _) => match tape.pick(&[&field.min, &field.max])? {
                Some(bound) => {
                    let bound: Decimal = bound.parse().ok()?;
                    let unit = Decimal::new(1, tape.pick(&[0, 1, 2, 3])?);
                    let number = tape.pick(&[bound, bound - unit, bound + unit])?;
                    if matches!(field.kind, FieldType::Integer | FieldType::Year) {
                        return Some(json!(i64::try_from(number.round()).ok()?));
                    }
                    number.to_string()
                }
                None => tape.pick(&NUMBERS)?.to_owned(),
            },
        };
        let item = json!(text);
        Some(if field.repeats { json!([item]) } else { item })
    }

    /// Changes a value a little.
    fn bend(&self, value: &mut Value, place: &str, tape: &mut Tape) {
        match value {
            Value::Null => {}
            Value::Bool(flag) => *flag = !*flag,
            Value::Number(number) => {
                let step = tape.pick(&[1, -1, 1000, -100_000]).unwrap_or(1);
                *value = json!(number.as_i64().unwrap_or(0).saturating_add(step));
            }
            Value::String(text) => bend_text(text, tape),
            Value::Array(list) => match tape.below(4) {
                0 => list.clear(),
                1 => list.extend(list.first().cloned()),
                2 => list.push(junk(tape)),
                _ => {
                    let copies = tape.pick(&[3, 30, 201, 1001]).unwrap_or(3);
                    let first = list.first().cloned().unwrap_or_default();
                    list.extend(std::iter::repeat_n(first, copies));
                }
            },
            Value::Object(members) => {
                let field = self.field(place);
                let fields = field.map_or(&self.validation.record_type.fields, |field| &field.parts);
                let name = tape.pick(fields).map_or("unknown".to_owned(), |field| field.name);
                let value = self.field(&format!("{place}/{name}")).map(|field| self.value(field, tape));
                members.insert(if tape.chance(20) { format!("{name}_") } else { name }, value.unwrap_or(json!(1)));
            }
        }
    }

    /// The field at a pointer; that of the list for its items.
    fn field(&self, pointer: &str) -> Option<&Field> {
        let mut fields = &self.validation.record_type.fields;
        let mut found = None;
        for token in pointer.split('/').skip(1) {
            if token.parse::<usize>().is_err() {
                found = Some(fields.iter().find(|field| field.name == token)?);
                fields = &found?.parts;
            }
        }
        found
    }

    /// Puts an invented value at a pointer.
    fn supply(&self, document: &mut Value, pointer: &str, tape: &mut Tape) {
        if let Some(field) = self.field(pointer) {
            let is_item = pointer.rsplit('/').next().is_some_and(|token| token.parse::<usize>().is_ok());
            let value = if is_item { self.one(field, tape) } else { self.value(field, tape) };
            put(document, pointer, value);
        }
    }

    fn object(&self, fields: &[Field], tape: &mut Tape) -> Map<String, Value> {
        let entered = fields.iter().filter(|field| field.derived.is_none());
        let mut members = Map::new();
        for field in entered {
            if field.required || tape.chance(45) {
                members.insert(field.name.clone(), self.value(field, tape));
            }
        }
        members
    }

    fn value(&self, field: &Field, tape: &mut Tape) -> Value {
        let Some([fewest, most]) = items(field) else {
            return self.one(field, tape);
        };
        let count = (fewest.max(1) + tape.below(3)).min(most);
        let mut list: Vec<Value> = Vec::new();
        for _ in 0..count * 3 {
            let item = self.one(field, tape);
            if list.len() < count && (field.kind == FieldType::Group || !list.contains(&item)) {
                list.push(item);
            }
        }
        Value::Array(list)
    }

    fn one(&self, field: &Field, tape: &mut Tape) -> Value {
        let code = |country: &str, tape: &mut Tape| {
            let country = field.country.as_deref().unwrap_or(country);
            let years = match tape.below(20) {
                0 => [1900, 2005],
                1 => [2025, 2035],
                _ if field.minor => [2007, 2023],
                _ => [1900, 2023],
            };
            let birth = some_day(years, tape);
            let sex = tape.pick(&[Sex::Female, Sex::Male]).unwrap();
            let code = match country {
                "FI" => PersonalCode::fictitious_fi(birth, sex, 7),
                _ => PersonalCode::fictitious_ee(birth, sex, 7),
            };
            json!(code.unwrap().as_str())
        };
        let country = &self.validation.definition.register.country;
        match field.kind {
            FieldType::Group => Value::Object(self.object(&field.parts, tape)),
            FieldType::Boolean => json!(tape.chance(50)),
            FieldType::Integer | FieldType::Year => {
                json!(i64::try_from(number(field, 0, tape).trunc()).unwrap())
            }
            FieldType::Decimal | FieldType::Money | FieldType::Percentage | FieldType::Load => {
                let mut number = number(field, scale(field), tape);
                if field.kind == FieldType::Money {
                    number.rescale(2);
                }
                json!(number.to_string())
            }
            FieldType::Date => {
                let day = some_day([1990, 2030], tape);
                json!(day.to_string())
            }
            FieldType::PersonalCode => code(country, tape),
            FieldType::RegistryCode => match field.country.as_deref().unwrap_or(country) {
                "FI" => json!(tape.pick(&["2077474-0", "0112038-9"])),
                _ => json!(tape.pick(&["70006317", "75014913", "12345678", "10137319"])),
            },
            FieldType::File => json!(tape.pick(&["0a", "9f"]).unwrap().repeat(32)),
            FieldType::Reference => {
                json!(format!("0190163d-8694-739b-aea5-{:012x}", tape.below(4096)))
            }
            FieldType::Code => self.code(field, tape),
            FieldType::Language | FieldType::Country if field.codelist.is_some() => self.code(field, tape),
            FieldType::Language => json!(tape.pick(&["et", "fi", "sv"])),
            FieldType::Country => json!(tape.pick(&["EST", "FIN", "SWE"])),
            FieldType::Email => json!(tape.pick(&["mari@example.ee", "jüri.õ@sub.example.com"])),
            FieldType::Phone => json!(tape.pick(&["+3725550000", "+37266302001", "+3587654321"])),
            FieldType::Iban => json!(tape.pick(&["EE382200221020145685", "FI2112345600000785"])),
            FieldType::Text | FieldType::Multiline | FieldType::Address => {
                json!(self.text(field, tape))
            }
        }
    }

    fn code(&self, field: &Field, tape: &mut Tape) -> Value {
        let lists = &self.validation.definition.codelists;
        let list = lists.iter().find(|list| Some(&list.name) == field.codelist.as_ref()).unwrap();
        let day = self.validation.effective_on;
        let valid = |code: &&_| {
            let code: &crate::domain::statute::definition::Code = code;
            is_within(day, code.valid_from, code.valid_until)
        };
        let codes: Vec<&str> = list.codes.iter().filter(valid).map(|code| code.code.as_str()).collect();
        let any = tape.pick(&list.codes).map(|code| code.code).unwrap_or_default();
        if tape.chance(12) { json!(any) } else { json!(tape.pick(&codes)) }
    }

    fn text(&self, field: &Field, tape: &mut Tape) -> String {
        let [fewest, most] = length(field).unwrap();
        if let Some(pattern) = &field.pattern {
            let mut all = self.matching.borrow_mut();
            let texts = all.entry(pattern.clone()).or_insert_with(|| texts_like(pattern));
            let fitting: Vec<String> = texts
                .iter()
                .filter(|text| (fewest..=most).contains(&text.chars().count()) && text.trim() == text.as_str())
                .cloned()
                .collect();
            return tape.pick(&fitting).unwrap_or_default();
        }
        let words = ["x", "Mari-Liis", "õ 漢 ü", "employee", "dependant", "deep", "asendus", "a  b"];
        let mut text = tape.pick(&words).unwrap().to_owned();
        if field.kind == FieldType::Multiline && tape.chance(50) {
            text.push_str("\nteine rida");
        }
        while text.chars().count() < fewest {
            text.push('x');
        }
        text.chars().take(most).collect::<String>().trim().to_owned()
    }
}

fn number(field: &Field, scale: usize, tape: &mut Tape) -> Decimal {
    let bounds = bounds(field).unwrap();
    let is_year = field.kind == FieldType::Year;
    let (low, high) = if is_year { (1900, 2024) } else { (0, 50) };
    let low = bounds.min.unwrap_or(bounds.max.map_or(low.into(), |max| max.min(low.into())));
    let high = bounds.max.unwrap_or_else(|| low.max(high.into()));
    let steps = Decimal::from(tape.below(101)) / Decimal::from(100);
    let number = low + (high - low) * steps;
    let number = number.round_dp(u32::try_from(scale).unwrap());
    let number = if number < low || number > high { low.ceil() } else { number };
    if number.is_zero() { Decimal::ZERO } else { number }
}

/// Personal codes that are none, for a reason each.
const WRONG_CODES: [&str; 12] = [
    "38001085719",
    "3800108571",
    "3800108571A",
    "09912310000",
    "49002290000",
    "38001085718 ",
    "57912310008",
    "131052-308U",
    "131052-000U",
    "131052G308T",
    "310252-308Y",
    "131052-308t",
];

/// Texts that match an ECMA 262 pattern as a whole.
fn texts_like(pattern: &str) -> Vec<String> {
    let ascii = pattern.replace(r"\d", "[0-9]").replace(r"\w", "[0-9A-Za-z_]");
    let strategy = proptest::string::string_regex(&ascii).unwrap();
    let mut runner = TestRunner::deterministic();
    (0..200).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

fn some_day([from, to]: [i32; 2], tape: &mut Tape) -> NaiveDate {
    let (first, last) = (NaiveDate::from_ymd_opt(from, 1, 1).unwrap(), NaiveDate::from_ymd_opt(to, 12, 31).unwrap());
    let days = last.signed_duration_since(first).num_days();
    let step = tape.below(usize::try_from(days).unwrap() + 1);
    first + Days::new(step.try_into().unwrap())
}

/// Texts on the verge of being days.
const DATES: [&str; 7] =
    ["1800-01-01", "1799-12-31", "2200-12-31", "2201-01-01", "2024-02-29", "2023-02-29", "2024-04-31"];

/// Texts on the verge of being numbers.
const NUMBERS: [&str; 12] = [
    "0",
    "-0",
    "0.00",
    "-0.00",
    "-0.01",
    "01.00",
    "1.",
    "1.0",
    "1.000",
    "-1.00",
    "9999999999999999999999999.00",
    "99999999999999999999999999.00",
];

/// Texts on the verge of something.
const TEXTS: [&str; 63] = [
    "",
    " ",
    "x",
    " x",
    "x\n",
    "a\nb",
    "a\u{2028}b",
    "\u{85}",
    "0",
    "-0",
    "-0.0",
    "-0.00",
    "0.00",
    "1.00",
    "-1.00",
    "01",
    "1.",
    ".5",
    "12.345",
    "1e5",
    "1820.00",
    "105.5",
    "105.50001",
    "-12.25",
    "-12.26",
    "99999999999999999999999999999.0",
    "2024-02-29",
    "2023-02-29",
    "1799-12-31",
    "2200-12-31",
    "2201-01-01",
    "1991-08-19",
    "1991-08-20",
    "2030-12-31",
    "2031-01-01",
    "2024-1-1",
    "38001085718",
    "38001085719",
    "49002290000",
    "131052-308T",
    "131052-308t",
    "131052-308U",
    "131052-000U",
    "09912310000",
    "380010857AB",
    "310252-308Y",
    "70006317",
    "70006318",
    "2077474-0",
    "EST",
    "est",
    "et",
    "xx",
    "mari@example.ee",
    "mari@example",
    "+3725550000",
    "+372 5550000",
    "EE382200221020145685",
    "EE392200221020145685",
    "0190163d-8694-739b-aea5-966c26f8ad91",
    "0190163D-8694-739b-aea5-966c26f8ad91",
    "60005050007",
    "٣",
];

fn junk(tape: &mut Tape) -> Value {
    match tape.below(12) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(tape.pick(&[0, 1, 2, 3, -1, -2, 1799, 1800, 2030, 2031, 2200, 2201, i64::MAX, i64::MIN])),
        3 => json!(u64::MAX),
        4 => json!(1.5),
        5 => json!([]),
        6 => json!({}),
        7 => json!([tape.pick(&TEXTS)]),
        8 => json!([null]),
        _ => json!(tape.pick(&TEXTS)),
    }
}

fn bend_text(text: &mut String, tape: &mut Tape) {
    match tape.below(9) {
        0 => text.push(' '),
        1 => text.insert(0, '\n'),
        2 => text.push('0'),
        3 => *text = text.to_uppercase(),
        4 => *text = text.to_lowercase(),
        5 => drop(text.pop()),
        6 => *text = format!("-{text}"),
        7 => *text = text.repeat(tape.pick(&[2, 40, 501, 20_001]).unwrap_or(2)),
        _ => {
            let at = tape.below(text.chars().count());
            let new = tape.pick(&['0', '1', '5', '9', 'a', 'Z', '.', '-', ' ', '\u{7}', '\u{a0}', 'õ']);
            *text = text.chars().enumerate().map(|(i, old)| if i == at { new.unwrap_or(old) } else { old }).collect();
        }
    }
}

fn pointers(value: &Value, at: String, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                pointers(member, format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        Value::Array(list) => {
            for (index, item) in list.iter().enumerate().take(8) {
                pointers(item, format!("{at}/{index}"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    found.push(at);
}

fn remove(document: &mut Value, pointer: &str) {
    let Some((parent, token)) = pointer.rsplit_once('/') else {
        return;
    };
    match document.pointer_mut(parent) {
        Some(Value::Object(members)) => drop(members.remove(token)),
        Some(Value::Array(list)) => {
            if let Some(index) = token.parse().ok().filter(|index| *index < list.len()) {
                list.remove(index);
            }
        }
        _ => {}
    }
}

fn put(document: &mut Value, pointer: &str, value: Value) {
    let Some((parent, token)) = pointer.rsplit_once('/') else {
        return;
    };
    match document.pointer_mut(parent) {
        Some(Value::Object(members)) => drop(members.insert(token.to_owned(), value)),
        Some(Value::Array(list)) => {
            if let Some(slot) = token.parse::<usize>().ok().and_then(|index| list.get_mut(index)) {
                *slot = value;
            }
        }
        _ => {}
    }
}
