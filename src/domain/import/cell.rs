//! What a cell says in the column of a field.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::Value;

use super::mapping::{DateForm, Mapping};
use super::names::{folded, nearest, texts};
use super::sheet::Cell;
use crate::domain::statute::definition::{Codelist, Field, FieldType};
use crate::domain::statute::exchange::ColumnForm;

/// What a cell holds that clears a value.
const CLEAR: [&str; 2] = ["∅", "[tühi]"];
/// What people write for yes and no.
const YES: [&str; 8] = ["jah", "true", "tõene", "1", "x", "yes", "kyllä", "ja"];
const NO: [&str; 6] = ["ei", "false", "väär", "0", "no", "nej"];
/// Digits of a personal code of Estonia.
const PERSONAL_CODE: usize = 11;
/// For how many wrong codes of a sheet the nearest right ones are looked for; lists can be long.
const SEARCHES: usize = 100;

/// The text of a cell as its reader sees it.
pub fn shown(cell: &Cell) -> String {
    match cell {
        Cell::Empty => String::new(),
        Cell::Text(text) | Cell::Fault(text) => text.clone(),
        Cell::Number(number) => number.normalize().to_string(),
        Cell::Date(day) => day.to_string(),
        Cell::Boolean(yes) => (if *yes { "true" } else { "false" }).to_owned(),
    }
}

/// Whether a cell clears the value.
pub(super) fn clears(cell: &Cell) -> bool {
    matches!(cell, Cell::Text(text) if CLEAR.contains(&folded(text).as_str()))
}

/// What is wrong with a cell, said without what it holds.
#[derive(Debug)]
pub(super) struct Unread {
    pub(super) code: &'static str,
    pub(super) detail: Cow<'static, str>,
}

pub(super) fn unread<T>(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Result<T, Unread> {
    Err(Unread { code, detail: detail.into() })
}

/// What a cell says.
#[derive(Debug, PartialEq)]
pub(super) enum Said {
    /// A value of the field's type.
    Value(Value),
    /// A record by something other than its id.
    Record(String),
}

/// The codes of a list as cells name them.
pub(super) struct Codes<'d> {
    list: &'d Codelist,
    by_code: HashMap<String, BTreeSet<&'d str>>,
    by_label: HashMap<String, BTreeSet<&'d str>>,
}

impl<'d> Codes<'d> {
    pub(super) fn new(list: &'d Codelist) -> Self {
        let mut codes = Self { list, by_code: HashMap::new(), by_label: HashMap::new() };
        for code in &list.codes {
            codes.by_code.entry(folded(&code.code)).or_default().insert(&code.code);
            for label in texts(&code.label) {
                codes.by_label.entry(folded(label)).or_default().insert(&code.code);
            }
        }
        codes
    }

    /// The code that a text names: the code itself, else one that differs in case, else the one with that label.
    fn read(&self, text: &str, searches: &mut usize) -> Result<&'d str, Unread> {
        let name = folded(text);
        let by_code = self.by_code.get(&name);
        if let Some(exact) = by_code.and_then(|codes| codes.get(text)) {
            return Ok(exact);
        }
        let Some(codes) = by_code.or_else(|| self.by_label.get(&name)) else {
            return Err(self.unknown(text, searches));
        };
        let mut codes = codes.iter();
        match (codes.next(), codes.next()) {
            (Some(one), None) => Ok(one),
            (one, other) => {
                let all = one.into_iter().chain(other).chain(codes).map(|code| format!("`{code}`"));
                let all = all.collect::<Vec<_>>().join(", ");
                unread("code_ambiguous", format!("Several codes are called so: {all}. Write the code itself."))
            }
        }
    }

    fn unknown(&self, text: &str, searches: &mut usize) -> Unread {
        let mut detail = format!("A code of the list `{}` is expected, or its label.", self.list.name);
        if let Some(left) = searches.checked_sub(1) {
            *searches = left;
            let names = self.list.codes.iter().flat_map(|code| {
                let labels = texts(&code.label).map(str::to_owned);
                labels.chain([code.code.clone()]).map(|name| (code.code.as_str(), name))
            });
            let label = |wanted: &str| self.list.codes.iter().find(|c| c.code == wanted).map(|c| c.label.official());
            let near = nearest(text, names);
            let near: Vec<String> =
                near.into_iter().map(|c| format!("`{c}` ({})", label(c).unwrap_or_default())).collect();
            if !near.is_empty() {
                detail.push_str(&format!(" The nearest: {}.", near.join(", ")));
            }
        }
        Unread { code: "not_in_codelist", detail: detail.into() }
    }
}

/// How the cells of one column are read.
pub(super) struct Reader<'d> {
    pub(super) field: &'d Field,
    /// Country of the register.
    pub(super) country: &'d str,
    pub(super) codes: Option<Codes<'d>>,
    pub(super) dates: DateForm,
    pub(super) decimal_comma: bool,
}

/// The value that a text typed into a form says in a field that is a number, a code of digits or a bank account; days
/// and codes of lists are the form's own matter. Decimals follow a point.
///
/// # Errors
/// The code of the fault.
pub fn typed_scalar(field: &Field, country: &str, text: &str) -> Result<Value, &'static str> {
    let reader = Reader { field, country, codes: None, dates: DateForm::Iso, decimal_comma: false };
    match reader.read(&Cell::Text(text.to_owned()), &mut Budget::new()) {
        Ok(Said::Value(value)) => Ok(value),
        Ok(Said::Record(_)) => Err("type"),
        Err(unread) => Err(unread.code),
    }
}

/// What is kept from cell to cell of a sheet.
pub(super) struct Budget {
    /// Searches for nearest codes that are left.
    searches: usize,
}

impl Budget {
    pub(super) const fn new() -> Self {
        Self { searches: SEARCHES }
    }
}

impl<'d> Reader<'d> {
    pub(super) fn new(
        field: &'d Field,
        country: &'d str,
        codelists: &'d [Codelist],
        mapping: &Mapping,
        form: Option<ColumnForm>,
    ) -> Self {
        let list = field.codelist.as_deref().and_then(|name| codelists.iter().find(|list| list.name == name));
        let dates = if form == Some(ColumnForm::DottedDate) { DateForm::Dotted } else { mapping.dates };
        Self { field, country, codes: list.map(Codes::new), dates, decimal_comma: mapping.decimal_comma }
    }

    /// The value of a cell that is not empty.
    ///
    /// What a cell says is taken as it is meant and written as records hold it; whether the statute allows the value is
    /// left to the validator, which says it of sheets as of everything else.
    pub(super) fn read(&self, cell: &Cell, budget: &mut Budget) -> Result<Said, Unread> {
        let value = match self.field.kind {
            FieldType::Text | FieldType::Address | FieldType::Email | FieldType::File => Value::from(text(cell)?),
            FieldType::Multiline => Value::from(text(cell)?.replace("\r\n", "\n").replace('\r', "\n")),
            FieldType::Integer => Value::from(whole(cell)?),
            FieldType::Year => Value::from(year(cell)?),
            FieldType::Decimal | FieldType::Money | FieldType::Percentage | FieldType::Load => self.decimal(cell)?,
            FieldType::Date => Value::from(day(cell, self.dates)?.to_string()),
            FieldType::Boolean => Value::from(boolean(cell)?),
            FieldType::Code | FieldType::Language | FieldType::Country => {
                let written = text(cell)?;
                match (&self.codes, self.field.kind) {
                    (Some(codes), _) => Value::from(codes.read(&written, &mut budget.searches)?),
                    (None, FieldType::Language) => Value::from(written.to_lowercase()),
                    (None, FieldType::Country) => Value::from(written.to_uppercase()),
                    (None, _) => Value::from(written),
                }
            }
            FieldType::PersonalCode => Value::from(self.personal_code(cell)?),
            FieldType::RegistryCode => Value::from(code_text(cell)?),
            FieldType::Phone => Value::from(phone(cell)?),
            FieldType::Iban => {
                let joined: String = text(cell)?.chars().filter(|c| !c.is_whitespace()).collect();
                Value::from(joined.to_uppercase())
            }
            FieldType::Reference => {
                let written = text(cell)?;
                match uuid(&written) {
                    Some(id) => Value::from(id.to_string()),
                    None => return Ok(Said::Record(written)),
                }
            }
            // Columns of groups are those of their parts.
            FieldType::Group => return unread("type", "This field has several parts; each needs a column."),
        };
        Ok(Said::Value(value))
    }

    fn decimal(&self, cell: &Cell) -> Result<Value, Unread> {
        let mut number = match cell {
            Cell::Number(number) => number.normalize(),
            other => decimal(&text(other)?, self.decimal_comma)?,
        };
        // Money has exactly two decimals, and full time is `1.00`.
        let scale = match self.field.kind {
            FieldType::Money => 2,
            FieldType::Load => self.field.scale.unwrap_or(2),
            _ => 0,
        };
        if number.scale() < scale {
            number.rescale(scale);
        }
        if number.is_zero() {
            number.set_sign_positive(true);
        }
        Ok(Value::from(number.to_string()))
    }

    fn personal_code(&self, cell: &Cell) -> Result<String, Unread> {
        let code = code_text(cell)?;
        let estonian = self.field.country.as_deref().unwrap_or(self.country) == "EE";
        let digits = code.bytes().all(|byte| byte.is_ascii_digit());
        if estonian && digits && (1..PERSONAL_CODE).contains(&code.len()) {
            let detail = format!(
                "Only {} of the {PERSONAL_CODE} digits of a personal code are there. A spreadsheet program that takes \
                 codes for numbers drops zeros; {MEND_CODES}",
                code.len()
            );
            return unread("code_became_number", detail);
        }
        Ok(code.to_ascii_uppercase())
    }
}

/// What to do about codes that became numbers.
const MEND_CODES: &str = "format the column as text and enter the codes again.";

/// What a cell says as text. A whole number is its digits: class 7, house 12.
fn text(cell: &Cell) -> Result<String, Unread> {
    match cell {
        Cell::Empty => Ok(String::new()),
        Cell::Text(text) => Ok(text.trim().to_owned()),
        Cell::Number(number) => Ok(number.normalize().to_string()),
        Cell::Date(_) => unread(
            "became_date",
            "The cell holds a day, which no value of this field is. A spreadsheet program takes texts such as 1/2 for \
             days; format the column as text and enter the value again.",
        ),
        Cell::Boolean(_) => unread("type", "The cell holds a truth value, which no value of this field is."),
        Cell::Fault(_) => unread(
            "cell_fault",
            "The cell holds a fault of the spreadsheet program, or a formula without a result; enter the value itself.",
        ),
    }
}

/// A code of digits that a spreadsheet program may have taken for a number.
fn code_text(cell: &Cell) -> Result<String, Unread> {
    let written = match cell {
        Cell::Number(number) if !number.fract().is_zero() => {
            return unread("type", "A code is expected; the cell holds a number with decimals.");
        }
        other => text(other)?,
    };
    // An apostrophe keeps spreadsheet programs from taking what follows for a number.
    let code = written.strip_prefix('\'').unwrap_or(&written).trim();
    if is_number_with_exponent(code) {
        let detail = format!(
            "A spreadsheet program took the code for a number and rounded it; its digits cannot be told. Therefore \
             {MEND_CODES}"
        );
        return unread("code_became_number", detail);
    }
    Ok(code.to_owned())
}

/// Whether a text is a number as spreadsheet programs shorten long ones: `3,99E+10`; also `39901010000.0`.
fn is_number_with_exponent(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let mantissa = |part: &str| part.split_once(['.', ',']).map_or(digits(part), |(a, b)| digits(a) && digits(b));
    match text.split_once(['e', 'E']) {
        Some((number, exponent)) => {
            // A plain `E` between digits may be a code; a program always writes the sign.
            mantissa(number) && exponent.strip_prefix(['+', '-']).is_some_and(digits)
        }
        None => {
            text.split_once(['.', ',']).is_some_and(|(a, b)| digits(a) && digits(b) && b.bytes().all(|b| b == b'0'))
        }
    }
}

fn phone(cell: &Cell) -> Result<String, Unread> {
    if let Cell::Number(_) = cell {
        return unread(
            "phone",
            "A spreadsheet program took the telephone number for a number, which has no + at its head. Format the \
             column as text and enter + and the country's digits first.",
        );
    }
    let written = text(cell)?;
    let number = written.strip_prefix('\'').unwrap_or(&written);
    let dropped = |c: &char| c.is_whitespace() || matches!(c, '-' | '\u{2010}'..='\u{2013}');
    Ok(number.chars().filter(|c| !dropped(c)).collect())
}

/// The id that a text is.
pub(super) fn uuid(text: &str) -> Option<uuid::Uuid> {
    let id = text.trim().to_lowercase();
    // Shorter forms of ids are not what exports write; they may be names.
    if id.len() == 36 { id.parse().ok() } else { None }
}

fn whole(cell: &Cell) -> Result<i64, Unread> {
    let number = match cell {
        Cell::Number(number) => Some(*number),
        other => ungrouped(&text(other)?).filter(|t| is_plain(t)).and_then(|t| Decimal::from_str_exact(&t).ok()),
    };
    let number = number.filter(|number| number.fract().is_zero()).and_then(|number| i64::try_from(number).ok());
    number.map_or_else(|| unread("type", "A whole number is expected."), Ok)
}

fn year(cell: &Cell) -> Result<i64, Unread> {
    let detail = "A year is expected, with its four digits.";
    let number = match cell {
        Cell::Date(_) => return unread("year", detail),
        Cell::Number(number) => Some(number.normalize().to_string()),
        other => Some(text(other)?),
    };
    let digits = number.filter(|text| text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|text| text.parse().ok()).map_or_else(|| unread("year", detail), Ok)
}

/// The decimal number of a text: digits, in threes where blanks part them, and decimals after the mark.
fn decimal(text: &str, comma: bool) -> Result<Decimal, Unread> {
    let (mark, other) = if comma { (',', '.') } else { ('.', ',') };
    let number = text.trim_end_matches(['€', '%']).trim_end();
    if number.contains(other) {
        let detail = if comma {
            "Decimals are declared to follow a comma in this sheet; the cell has a point."
        } else {
            "Decimals are declared to follow a point in this sheet; the cell has a comma. Declare the decimal comma if \
             the whole sheet is written so."
        };
        return unread("decimal_separator", detail);
    }
    let plain = ungrouped(number).map(|number| number.replace(mark, ".")).filter(|number| is_plain(number));
    let Some(plain) = plain else {
        return unread("pattern", "A decimal number is expected: digits, and the decimal mark before decimals.");
    };
    Decimal::from_str_exact(&plain).or_else(|_| unread("length", "The number may have at most 28 characters."))
}

/// Whether a text is an optional minus, digits and, after a point, digits.
fn is_plain(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    unsigned.split_once('.').map_or(digits(unsigned), |(whole, fraction)| digits(whole) && digits(fraction))
}

/// A number without the blanks between its thousands; nothing where blanks stand elsewhere.
fn ungrouped(text: &str) -> Option<String> {
    let text = text.strip_prefix('\'').unwrap_or(text).trim().replace('\u{2212}', "-");
    let unsigned = text.strip_prefix('-').unwrap_or(&text);
    let mut groups = unsigned.split(char::is_whitespace);
    let first = groups.next()?;
    let mut groups = groups.peekable();
    if groups.peek().is_some() && !(1..=3).contains(&first.len()) {
        return None;
    }
    while let Some(group) = groups.next() {
        let digits = group.bytes().take_while(u8::is_ascii_digit).count();
        let ends = digits == group.len() || groups.peek().is_none();
        if digits != 3 || !ends {
            return None;
        }
    }
    Some(text.chars().filter(|c| !c.is_whitespace()).collect())
}

fn boolean(cell: &Cell) -> Result<bool, Unread> {
    if let Cell::Boolean(yes) = cell {
        return Ok(*yes);
    }
    let word = folded(&text(cell)?);
    let is = |words: &[&str]| words.contains(&word.as_str());
    match (is(&YES), is(&NO)) {
        (true, _) => Ok(true),
        (_, true) => Ok(false),
        _ => unread("type", "True or false is expected: `jah` or `ei`, `true` or `false`, 1 or 0."),
    }
}

/// The day of a cell; one that holds text must have the form.
pub(super) fn day(cell: &Cell, form: DateForm) -> Result<NaiveDate, Unread> {
    let written = match cell {
        Cell::Date(day) => return Ok(*day),
        Cell::Number(_) => {
            return unread(
                "date",
                "The cell holds a number, not a day. Format the column as a date, or enter the day as text.",
            );
        }
        other => text(other)?,
    };
    let mark = match form {
        DateForm::Iso => '-',
        DateForm::Dotted => '.',
        DateForm::DayMonthSlashed => '/',
    };
    let mut parts: Vec<&str> = written.split(mark).collect();
    if form == DateForm::Iso {
        parts.reverse();
    }
    let digits = |part: &str, fewest: usize, most: usize| {
        (fewest..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    let least = if form == DateForm::Iso { 2 } else { 1 };
    match *parts.as_slice() {
        [day, month, year] if digits(day, least, 2) && digits(month, least, 2) && digits(year, 4, 4) => {
            let number = |part: &str| part.parse::<u32>().ok();
            let made = year.parse().ok().zip(number(month)).zip(number(day));
            made.and_then(|((year, month), day)| NaiveDate::from_ymd_opt(year, month, day))
                .map_or_else(|| unread("date", "There is no such day in the calendar."), Ok)
        }
        [day, month, year] if digits(day, 1, 2) && digits(month, 1, 2) && digits(year, 2, 2) => {
            unread("date", "The year must have four digits.")
        }
        _ => unread("date", format!("A day is expected in the form that was declared, {}.", form.example())),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(text: &str) -> Cell {
        Cell::Number(text.parse().unwrap())
    }

    fn cell(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }

    fn code_of<T: std::fmt::Debug>(outcome: Result<T, Unread>) -> &'static str {
        outcome.unwrap_err().code
    }

    #[test]
    fn a_day_is_read_in_the_declared_form_and_in_no_other() {
        use DateForm::{DayMonthSlashed, Dotted, Iso};
        let first = NaiveDate::from_ymd_opt(2026, 9, 1).unwrap();
        for (text, form) in [
            ("2026-09-01", Iso),
            ("1.9.2026", Dotted),
            ("01.09.2026", Dotted),
            ("01/09/2026", DayMonthSlashed),
            ("1/9/2026", DayMonthSlashed),
        ] {
            for declared in [Iso, Dotted, DayMonthSlashed] {
                let read = day(&cell(text), declared);
                assert_eq!(read.ok(), (declared == form).then_some(first), "{text} as {declared:?}");
            }
            assert_eq!(day(&Cell::Date(first), form).ok(), Some(first));
        }
        for (text, form) in [
            ("1.9.26", Dotted),
            ("26-09-01", Iso),
            ("2026-9-1", Iso),
            ("31.02.2026", Dotted),
            ("09/30/2026", DayMonthSlashed),
            ("2026-09-01 00:00", Iso),
            ("september 2026", Dotted),
            ("1.9.02026", Dotted),
        ] {
            assert_eq!(code_of(day(&cell(text), form)), "date", "{text}");
        }
        assert_eq!(code_of(day(&number("46266"), Iso)), "date");
    }

    #[test]
    fn a_year_of_two_digits_is_told_apart_from_another_form() {
        assert!(day(&cell("1.9.26"), DateForm::Dotted).unwrap_err().detail.contains("four digits"));
        assert_eq!(code_of(year(&cell("26"))), "year");
        assert_eq!(year(&number("2026")).ok(), Some(2026));
    }

    #[test]
    fn numbers_have_thousands_in_threes_and_the_declared_mark() {
        let read = |text: &str, comma| decimal(text, comma).map(|n| n.to_string()).map_err(|u| u.code);
        assert_eq!(read("1 820,50", true), Ok("1820.50".to_owned()));
        assert_eq!(read("1\u{a0}234\u{202f}567,8 €", true), Ok("1234567.8".to_owned()));
        assert_eq!(read("−0.5", false), Ok("-0.5".to_owned()));
        assert_eq!(read("007.50", false), Ok("7.50".to_owned()));
        assert_eq!(read("1,5", false), Err("decimal_separator"));
        assert_eq!(read("1.5", true), Err("decimal_separator"));
        for text in ["1 82", "1820 500", "18 2 0", "1 820 ,5", "", "-", "5.", ".5", "1e3", "1.2.3", "+1", "viis", "- 1"]
        {
            assert_eq!(
                read(text, false).unwrap_err(),
                if text.contains(',') { "decimal_separator" } else { "pattern" }
            );
        }
        assert_eq!(whole(&cell("12 000")).ok(), Some(12_000));
        assert_eq!(whole(&number("12.0")).ok(), Some(12));
        assert_eq!(code_of(whole(&number("12.5"))), "type");
        assert_eq!(code_of(whole(&cell("99999999999999999999"))), "type");
    }

    #[test]
    fn yes_and_no_are_read_in_many_words_and_nothing_else_is() {
        for word in ["jah", "JAH", "true", "1", "x", "X", "yes"] {
            assert_eq!(boolean(&cell(word)).ok(), Some(true), "{word}");
        }
        for word in ["ei", "Ei", "false", "0", "no"] {
            assert_eq!(boolean(&cell(word)).ok(), Some(false), "{word}");
        }
        assert_eq!(boolean(&number("1")).ok(), Some(true));
        assert_eq!(boolean(&Cell::Boolean(false)).ok(), Some(false));
        for word in ["2", "vahel", "?"] {
            assert_eq!(code_of(boolean(&cell(word))), "type", "{word}");
        }
    }

    #[test]
    fn a_code_that_became_a_number_is_found_out() {
        for text in ["3,99E+10", "3.99e+10", "39901010000.0", "4E+10"] {
            assert_eq!(code_of(code_text(&cell(text))), "code_became_number", "{text}");
        }
        for text in ["39901010000", "010190-999E", "12E4", "A-1.0"] {
            assert!(code_text(&cell(text)).is_ok(), "{text}");
        }
        assert_eq!(code_text(&number("39901010000")).ok().as_deref(), Some("39901010000"));
        assert_eq!(code_of(code_text(&number("0.5"))), "type");
        assert_eq!(code_text(&cell("'70000310")).ok().as_deref(), Some("70000310"));
    }

    #[test]
    fn telephones_lose_their_blanks_and_hyphens_and_nothing_else() {
        assert_eq!(phone(&cell("+372 5555-0000")).ok().as_deref(), Some("+37255550000"));
        assert_eq!(phone(&cell("5555 0000")).ok().as_deref(), Some("55550000"));
        assert_eq!(code_of(phone(&number("37255550000"))), "phone");
    }

    #[test]
    fn faults_of_spreadsheets_are_no_values() {
        assert_eq!(code_of(text(&Cell::Fault("#N/A".to_owned()))), "cell_fault");
        assert_eq!(code_of(text(&Cell::Date(NaiveDate::default()))), "became_date");
        assert_eq!(text(&number("7.0")).ok().as_deref(), Some("7"));
    }

    proptest! {
        #[test]
        fn any_cell_is_read_or_refused(written in any::<String>(), comma in any::<bool>()) {
            let written = cell(&written);
            let _ = (day(&written, DateForm::Dotted), whole(&written), year(&written), boolean(&written));
            let _ = (phone(&written), code_text(&written));
            if let Ok(number) = decimal(&shown(&written), comma) {
                prop_assert_eq!(decimal(&number.to_string(), false).ok(), Some(number));
            }
        }

        #[test]
        fn a_number_grouped_in_threes_is_the_number(number in any::<i64>()) {
            let digits = number.unsigned_abs().to_string();
            let mut grouped = String::new();
            for (at, digit) in digits.chars().enumerate() {
                if at > 0 && (digits.len() - at) % 3 == 0 {
                    grouped.push('\u{a0}');
                }
                grouped.push(digit);
            }
            let sign = if number < 0 { "-" } else { "" };
            prop_assert_eq!(whole(&cell(&format!("{sign}{grouped}"))).ok(), Some(number));
        }
    }
}
