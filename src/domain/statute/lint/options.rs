//! Faults of a field's options: whether they fit its type, and whether they make sense.

use std::str::FromStr;

use chrono::NaiveDate;
use regex::Regex;
use rust_decimal::Decimal;

use super::fields::At;
use super::register::{COUNTRIES, is_country};
use super::{Lint, word};
use crate::domain::statute::definition::{Field, FieldType};
use crate::domain::statute::parse::Place;

use FieldType as T;

/// Types whose value is free text.
const TEXTS: &[T] = &[T::Text, T::Multiline, T::Email, T::Phone, T::Address];
/// Those, and codes of a country that the engine does not know.
const TEXTS_AND_CODES: &[T] =
    &[T::Text, T::Multiline, T::Email, T::Phone, T::Address, T::PersonalCode, T::RegistryCode];
/// Types whose value is a quantity.
pub(super) const NUMBERS: &[T] = &[T::Integer, T::Decimal, T::Money, T::Percentage, T::Load];
/// Types whose values have an order.
const ORDERED: &[T] = &[T::Integer, T::Decimal, T::Money, T::Percentage, T::Load, T::Year, T::Date];
/// Types with as many decimals as the field says.
const SCALED: &[T] = &[T::Decimal, T::Percentage, T::Load];
/// Types that may name a code list; country and language add its codes to their own.
const CODED: &[T] = &[T::Code, T::Country, T::Language];

/// Most digits after the decimal point.
const MOST_DECIMALS: u32 = 12;

impl<'a> Lint<'a> {
    pub(super) fn options(&mut self, at: At<'a, '_>) {
        self.misfits(at.field, at.place);
        self.needed(at.field, at.place);
        self.ranges(at.field, at.place);
        self.bounds(at.field, at.place);
        self.pattern(at.field, at.place);
        self.media_types(at.field, at.place);
        self.country(at.field, at.place);
        if let Some(list) = &at.field.codelist {
            let lists: Vec<&str> = self.definition.codelists.iter().map(|l| l.name.as_str()).collect();
            self.known(&at.place.key("codelist"), "code list", list, &lists);
        }
        if let Some(target) = &at.field.refers_to {
            let types = self.record_type_names();
            self.known(&at.place.key("refers_to"), "record type", target, &types);
        }
        self.within_code(at);
    }

    fn misfits(&mut self, field: &Field, place: &Place) {
        let own_rule = !COUNTRIES.contains(&self.country_of(field));
        let options: [(&'static str, bool, &[T]); 12] = [
            ("length", field.length.is_some(), TEXTS),
            ("pattern", field.pattern.is_some(), if own_rule { TEXTS_AND_CODES } else { TEXTS }),
            ("min", field.min.is_some(), ORDERED),
            ("max", field.max.is_some(), ORDERED),
            ("warn_above", field.warn_above.is_some(), NUMBERS),
            ("scale", field.scale.is_some(), SCALED),
            ("codelist", field.codelist.is_some(), CODED),
            ("within_code", field.within_code.is_some(), &[T::Code]),
            ("country", field.country.is_some(), &[T::PersonalCode, T::RegistryCode]),
            ("minor", field.minor, &[T::PersonalCode]),
            ("refers_to", field.refers_to.is_some(), &[T::Reference]),
            ("media_types", !field.media_types.is_empty(), &[T::File]),
        ];
        for (key, given, kinds) in options {
            if given && !kinds.contains(&field.kind) {
                self.misfit(&place.key(key), key, field);
            }
        }
        if !field.parts.is_empty() && field.kind != T::Group {
            self.misfit(&place.key("part"), "part", field);
        }
        if field.items.is_some() && !field.repeats {
            self.fault(
                &place.key("items"),
                "`items` counts the items of a list, and this is none",
                "Add `repeats = true`, or remove `items`.",
            );
        }
    }

    fn misfit(&mut self, place: &Place, key: &str, field: &Field) {
        self.fault(
            place,
            format!("`{key}` does not fit a field of type {}", word(&field.kind)),
            "Remove it, or change the type.",
        );
    }

    fn needed(&mut self, field: &Field, place: &Place) {
        let needed = [
            ("codelist", T::Code, field.codelist.is_none(), "Name the code list."),
            ("refers_to", T::Reference, field.refers_to.is_none(), "Name the record type it refers to."),
            ("part", T::Group, field.parts.is_empty(), "Add its parts."),
        ];
        for (key, kind, absent, advice) in needed {
            if field.kind == kind && absent {
                self.fault(&place.key(key), format!("a field of type {} needs `{key}`", word(&kind)), advice);
            }
        }
    }

    fn ranges(&mut self, field: &Field, place: &Place) {
        for (key, range) in [("length", field.length), ("items", field.items)] {
            if let Some([least, most]) = range
                && (least > most || most == 0)
            {
                self.fault(
                    &place.key(key),
                    format!("nothing is of {least} to {most}"),
                    "Write the least first, then the most, which is at least 1.",
                );
            }
        }
        if let Some(scale) = field.scale.filter(|scale| *scale > MOST_DECIMALS) {
            self.fault(
                &place.key("scale"),
                format!("{scale} digits after the point are more than the engine keeps"),
                format!("Write at most {MOST_DECIMALS}."),
            );
        }
    }

    fn bounds(&mut self, field: &Field, place: &Place) {
        if !ORDERED.contains(&field.kind) {
            return;
        }
        let mut bound = |key: &'static str, text: Option<&String>| {
            let text = text?;
            let bound = Bound::read(field, text);
            if bound.is_none() {
                self.fault(
                    &place.key(key),
                    format!("`{text}` is not a value of type {}", word(&field.kind)),
                    Bound::advice(field),
                );
            }
            bound
        };
        let least = bound("min", field.min.as_ref());
        let most = bound("max", field.max.as_ref());
        let warning = bound("warn_above", field.warn_above.as_ref().filter(|_| NUMBERS.contains(&field.kind)));
        if least.zip(most).is_some_and(|(least, most)| least > most) {
            self.fault(&place.key("min"), "the least value is above the greatest", "Make `min` at most `max`.");
        }
        if warning.zip(most).is_some_and(|(warning, most)| warning >= most) {
            self.fault(
                &place.key("warn_above"),
                "no value is above this and still allowed, so nobody is ever warned",
                "Make `warn_above` less than `max`, or remove it.",
            );
        }
    }

    fn pattern(&mut self, field: &Field, place: &Place) {
        let Some(pattern) = &field.pattern else {
            return;
        };
        let place = place.key("pattern");
        if let Some(construct) = uncommon_construct(pattern) {
            self.fault(
                &place,
                format!("`{construct}` does not mean the same to the engine and to a browser"),
                "Write it with plain classes such as [0-9] and groups (?:…).",
            );
        } else if let Err(error) = Regex::new(&format!("^(?:{pattern})$")) {
            let error = error.to_string();
            let reason = error.lines().last().unwrap_or_default().trim().trim_start_matches("error: ");
            self.fault(&place, format!("this is not a regular expression: {reason}"), "Correct it.");
        }
    }

    fn media_types(&mut self, field: &Field, place: &Place) {
        self.once(place, "media_types", &field.media_types);
        for (index, media_type) in field.media_types.iter().enumerate() {
            if !is_media_type(media_type) {
                self.fault(
                    &place.item("media_types", index),
                    format!("`{media_type}` is not a media type"),
                    "Write it as `application/pdf`.",
                );
            }
        }
    }

    /// The country whose codes the field holds.
    fn country_of<'f>(&'f self, field: &'f Field) -> &'f str {
        field.country.as_deref().unwrap_or(&self.definition.register.country)
    }

    /// Codes of a country that the engine does not know have the form that their field gives, and tell nothing.
    fn country(&mut self, field: &Field, place: &Place) {
        let country = self.country_of(field).to_owned();
        let is_code = matches!(field.kind, T::PersonalCode | T::RegistryCode);
        // Where the register's own country is none, that is said there.
        let unsaid = field.country.is_none() && !is_country(&country);
        if !is_code || unsaid || COUNTRIES.contains(&country.as_str()) {
            return;
        }
        let message = format!("the engine does not know the codes of `{country}`");
        if field.pattern.is_none() {
            let advice = "Say their form in `pattern`, or name a country that it knows: EE, FI.";
            self.fault(&place.key("country"), message, advice);
        } else if field.minor {
            let advice = "Remove `minor`: such a code tells nobody's age.";
            self.fault(&place.key("minor"), message, advice);
        }
    }

    /// The sibling that this code depends on, and the parents of the codes.
    fn within_code(&mut self, At { siblings, field, place, .. }: At<'a, '_>) {
        let Some(name) = &field.within_code else {
            return;
        };
        let place = place.key("within_code");
        let Some(parent) = siblings.iter().find(|f| f.name == *name && !std::ptr::eq(*f, field)) else {
            self.fault(&place, format!("there is no sibling `{name}`"), "Name a code field beside this one.");
            return;
        };
        if !self.of_kind(&place, parent, &[T::Code]) {
            return;
        }
        if parent.repeats {
            self.fault(&place, format!("`{name}` has many codes"), "Name a field with a single code.");
        }
        let lists = self.codelist(parent.codelist.as_ref()).zip(self.codelist(field.codelist.as_ref()));
        if let Some((parents, children)) = lists {
            self.parents(children, parents);
        }
    }
}

/// A bound of a value.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
enum Bound {
    Number(Decimal),
    Day(NaiveDate),
}

impl Bound {
    fn read(field: &Field, text: &str) -> Option<Self> {
        if field.kind == T::Date {
            return NaiveDate::from_str(text).ok().filter(|day| day.to_string() == text).map(Self::Day);
        }
        let plain = text.strip_prefix('-').unwrap_or(text);
        if !plain.starts_with(|c: char| c.is_ascii_digit()) || !plain.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            return None;
        }
        let number = Decimal::from_str_exact(text).ok()?;
        let year = field.kind != T::Year || (plain == text && text.len() == 4);
        (number.scale() <= decimals(field) && year).then_some(Self::Number(number))
    }

    fn advice(field: &Field) -> String {
        match (field.kind, decimals(field)) {
            (T::Date, _) => "Write a day as \"2020-12-31\".".to_owned(),
            (T::Year, _) => "Write four digits.".to_owned(),
            (_, 0) => "Write a whole number in quotes.".to_owned(),
            (_, decimals) => {
                format!("Write a number in quotes, with at most {decimals} digits after the point.")
            }
        }
    }
}

/// Digits after the decimal point that a value of `field` may have.
fn decimals(field: &Field) -> u32 {
    if SCALED.contains(&field.kind) {
        field.scale.unwrap_or(2)
    } else if field.kind == T::Money {
        2
    } else {
        0
    }
}

fn is_media_type(text: &str) -> bool {
    let token = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"!#$&^_.+-".contains(&b))
    };
    text.split_once('/').is_some_and(|(kind, subtype)| token(kind) && token(subtype))
}

/// The first construct of a pattern that the `regex` crate and ECMA 262 read differently, or only one reads.
///
/// `\d`, `\w` and `\s` are not among them, as the engine gives them the meaning that ECMA 262 does.
fn uncommon_construct(pattern: &str) -> Option<String> {
    let mut rest = pattern;
    let mut in_class = false;
    loop {
        let mut chars = rest.chars();
        let first = chars.next()?;
        let second = chars.next();
        let after_first = rest.get(first.len_utf8()..).unwrap_or_default();
        let mut step = first.len_utf8();
        let found = match (first, second) {
            ('\\', Some(escaped)) => {
                step += escaped.len_utf8();
                let braced =
                    after_first.starts_with(['p', 'P']) && after_first.get(1..).is_some_and(|r| r.starts_with('{'));
                let known = braced || "\\.+*?()|[]{}^$/-dDwWsSntrfvux".contains(escaped);
                (!known).then(|| format!("\\{escaped}"))
            }
            ('[', _) if in_class => Some("[".to_owned()),
            ('[', _) => {
                in_class = true;
                // A bracket that closes at once stands for itself in one dialect and not in the other.
                let inner = after_first.strip_prefix('^').unwrap_or(after_first);
                inner.starts_with(']').then(|| "[]".to_owned())
            }
            (']', _) => {
                in_class = false;
                None
            }
            ('&' | '~' | '-', Some(twin)) if in_class && first == twin => Some(format!("{first}{twin}")),
            ('(', Some('?')) if !in_class => {
                let group: String = rest.chars().take(4).collect();
                let common = group.starts_with("(?:")
                    || (group.starts_with("(?<") && group.ends_with(|c: char| c.is_ascii_alphabetic()));
                (!common).then(|| group.chars().take(3).collect())
            }
            ('+' | '*' | '?' | '}', Some('+')) if !in_class => Some(format!("{first}+")),
            _ => None,
        };
        if found.is_some() {
            return found;
        }
        rest = rest.get(step..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constructs_that_are_not_common_are_found() {
        for (pattern, construct) in [
            (r"\h+", Some(r"\h")),
            (r"a\b", Some(r"\b")),
            ("(?i)a", Some("(?i")),
            ("(?P<n>a)", Some("(?P")),
            ("(?=a)", Some("(?=")),
            ("(?<=a)", Some("(?<")),
            ("[[:alpha:]]", Some("[")),
            ("[a&&b]", Some("&&")),
            ("[]a]", Some("[]")),
            ("a++", Some("++")),
            (r"\pL", Some(r"\p")),
            (r"[0-9]{4}\d[\w\s]", None),
            (r"[A-ZÕÄÖÜ][a-zõäöü\-]+", None),
            (r"\p{Lu}(?:a|b)\.(?<rest>c)", None),
            (r"\[\]\(?", None),
            ("", None),
            ("\\", None),
        ] {
            assert_eq!(uncommon_construct(pattern).as_deref(), construct, "{pattern}");
        }
    }
}
