//! What one value must be, kind by kind.

use std::borrow::Cow;

use chrono::NaiveDate;
use regex::Regex;
use rust_decimal::Decimal;
use serde_json::Value;

use super::Severity;
use super::lexical::{self, DECIMAL_LENGTH, DecimalFault, YEARS};
use super::plan::{Bounds, Check, CodelistPlan};
use crate::domain::identity::{CodeFault, Country, PersonalCode, check_ee, check_fi, is_email, is_iban, is_phone};

/// What is wrong with a value, said without the value.
pub(super) struct Finding {
    pub(super) severity: Severity,
    pub(super) code: &'static str,
    pub(super) detail: Cow<'static, str>,
}

/// Nothing, or the first thing that is wrong with a value.
pub(super) type Outcome = Result<(), Finding>;

/// The days on which a check depends.
#[derive(Clone, Copy)]
pub(super) struct Days {
    pub(super) effective_on: NaiveDate,
    pub(super) today: NaiveDate,
}

/// An error unless `sound`.
fn ensure(sound: bool, code: &'static str, detail: &'static str) -> Outcome {
    if sound { Ok(()) } else { error(code, detail) }
}

fn error(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Outcome {
    let detail = detail.into();
    Err(Finding { severity: Severity::Error, code, detail })
}

/// What is said of a value that is not of the kind of JSON value that the field takes.
pub(super) fn wrong_type(check: &Check, value: &Value) -> Outcome {
    let expected = match check {
        Check::Group(_) => "An object is expected.",
        Check::Boolean => "True or false is expected.",
        Check::Whole(_) => "A whole number is expected.",
        Check::Year(_) => "A year is expected, as a whole number.",
        Check::Decimal { .. } => "A decimal number is expected, written as a text.",
        Check::Date { .. } => "A day is expected, as a text in the form YYYY-MM-DD.",
        Check::Text
        | Check::Multiline
        | Check::Code(_)
        | Check::Language
        | Check::Country
        | Check::PersonalCode { .. }
        | Check::RegistryCode(_)
        | Check::Email
        | Check::Phone
        | Check::Iban
        | Check::File
        | Check::Reference => "A text is expected.",
    };
    let detail = match value {
        Value::Null => "Null is not a value; leave the field out instead.",
        Value::Array(_) => "This field takes one value, not a list.",
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => expected,
    };
    error("type", detail)
}

/// Whether a number was written without a fraction or an exponent.
pub(super) fn is_whole(number: &serde_json::Number) -> bool {
    number.is_i64() || number.is_u64()
}

pub(super) fn whole(number: &serde_json::Number, bounds: &Bounds) -> Outcome {
    match number.as_i64() {
        Some(number) => within(number.into(), bounds),
        None => error("range", format!("The greatest value is {}.", i64::MAX)),
    }
}

pub(super) fn year(number: &serde_json::Number, bounds: &Bounds) -> Outcome {
    let [first, last] = YEARS;
    let year = number.as_i64().and_then(|year| i32::try_from(year).ok());
    match year.filter(|year| (first..=last).contains(year)) {
        Some(year) => within(year.into(), bounds),
        None => error("year", format!("The year must be from {first} to {last}.")),
    }
}

fn within(value: Decimal, bounds: &Bounds) -> Outcome {
    if let Some(min) = bounds.min.filter(|min| value < *min) {
        return error("range", format!("The least value is {min}."));
    }
    if let Some(max) = bounds.max.filter(|max| value > *max) {
        return error("range", format!("The greatest value is {max}."));
    }
    match bounds.warn_above.filter(|usual| value > *usual) {
        Some(usual) => Err(Finding {
            severity: Severity::Warning,
            code: "above",
            detail: format!("The value is unusual: it is above {usual}.").into(),
        }),
        None => Ok(()),
    }
}

pub(super) fn length(text: &str, [fewest, most]: [usize; 2]) -> Outcome {
    if (fewest..=most).contains(&text.chars().count()) {
        return Ok(());
    }
    error("length", format!("The text must have from {fewest} to {most} characters."))
}

/// Checks a text against the pattern that the definition gives.
pub(super) fn pattern(pattern: Option<&Regex>, text: &str) -> Outcome {
    let fits = pattern.is_none_or(|pattern| pattern.is_match(text));
    ensure(fits, "pattern", "The text must have the form that the field's pattern describes.")
}

/// Checks a value that is a text; the kinds that are none pass.
pub(super) fn text(check: &Check, text: &str, days: Days) -> Outcome {
    match check {
        Check::Text => ensure(
            lexical::is_text(text, false),
            "pattern",
            "The text must be one line without control characters and without blanks at its ends.",
        ),
        Check::Multiline => ensure(
            lexical::is_text(text, true),
            "pattern",
            "The text must have no control characters but line feeds, and no blanks at its ends.",
        ),
        Check::Decimal { scale, exact, bounds } => decimal(text, (*scale, *exact), bounds),
        Check::Date { first, last } => date(text, (*first, *last)),
        Check::Code(list) => code(text, list, days),
        Check::PersonalCode { country, minor } => personal_code(text, *country, *minor, days),
        Check::RegistryCode(country) => registry_code(text, *country),
        Check::Language => ensure(
            lexical::is_language(text),
            "pattern",
            "A language is expected: two lower-case letters of ISO 639-1.",
        ),
        Check::Country => ensure(
            lexical::is_country(text),
            "pattern",
            "A country is expected: three upper-case letters of ISO 3166-1.",
        ),
        Check::Email => ensure(is_email(text), "email", "An e-mail address is expected."),
        Check::Phone => ensure(
            is_phone(text),
            "phone",
            "A telephone number is expected: + and 7 to 15 digits, the country's first, no spaces.",
        ),
        Check::Iban => ensure(
            is_iban(text),
            "iban",
            "An IBAN with right check digits is expected, in upper case and without spaces.",
        ),
        Check::File => ensure(
            lexical::is_digest(text),
            "pattern",
            "A stored file is expected, by its SHA-256 in 64 lower-case hexadecimal digits.",
        ),
        Check::Reference => {
            ensure(lexical::is_uuid(text), "pattern", "The id of a record is expected: a UUID in lower case.")
        }
        Check::Whole(_) | Check::Year(_) | Check::Boolean | Check::Group(_) => Ok(()),
    }
}

fn decimal(text: &str, (scale, exact): (usize, bool), bounds: &Bounds) -> Outcome {
    match lexical::decimal(text, scale, exact) {
        Ok(value) => within(value, bounds),
        Err(DecimalFault::Scale) => {
            let how_many = if exact { "exactly" } else { "at most" };
            let detail = format!("The number must have {how_many} {scale} digits after the point.");
            error("scale", detail)
        }
        Err(DecimalFault::Length) => {
            error("length", format!("The number may have at most {DECIMAL_LENGTH} characters."))
        }
        Err(DecimalFault::Form) => {
            error("pattern", "A decimal number is expected: digits, and a point before decimals.")
        }
    }
}

fn date(text: &str, (first, last): (Option<NaiveDate>, Option<NaiveDate>)) -> Outcome {
    let Some(day) = lexical::date(text) else {
        let [from, to] = YEARS;
        let detail = format!("A day from {from} to {to} is expected, in the form YYYY-MM-DD.");
        return error("date", detail);
    };
    if let Some(first) = first.filter(|first| day < *first) {
        return error("range", format!("The first possible day is {first}."));
    }
    match last.filter(|last| day > *last) {
        Some(last) => error("range", format!("The last possible day is {last}.")),
        None => Ok(()),
    }
}

fn code(text: &str, list: &CodelistPlan, days: Days) -> Outcome {
    let (name, day) = (&list.name, days.effective_on);
    if !list.has(text) {
        return error("not_in_codelist", format!("A code of the list `{name}` is expected."));
    }
    if list.on(text, day).is_none() {
        let detail = format!("A code of the list `{name}` that is valid on {day} is expected.");
        return error("code_not_valid_then", detail);
    }
    Ok(())
}

fn personal_code(text: &str, country: Country, minor: bool, days: Days) -> Outcome {
    let code = PersonalCode::parse(country, text, days.today);
    let is_mendable = matches!(code, Ok(_) | Err(CodeFault::Future));
    if is_mendable && !PersonalCode::is_stored_form(country, text) {
        let detail = "A personal code is expected in upper case and without blanks around it.";
        return error("personal_code_stored_form", detail);
    }
    let code = match code {
        Ok(code) => code,
        Err(fault) => {
            let detail = format!("A personal code is expected: {fault}.");
            return error(fault.personal_code(), detail);
        }
    };
    if minor && !code.is_minor_on(days.effective_on) {
        let day = days.effective_on;
        let detail = format!("Only a person who is under 18 on {day} may be recorded here.");
        return error("not_a_minor", detail);
    }
    Ok(())
}

fn registry_code(text: &str, country: Country) -> Outcome {
    let outcome = match country {
        Country::Ee => check_ee(text),
        Country::Fi => check_fi(text),
    };
    outcome.or_else(|fault| error("registry_code", format!("A registry code is expected: {fault}.")))
}
