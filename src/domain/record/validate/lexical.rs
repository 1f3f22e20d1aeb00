//! What the text of a value looks like, kind by kind: a check, and beside it the same rule as an ECMA
//! 262 pattern for the JSON Schema (a test keeps them equal).

use chrono::NaiveDate;
use rust_decimal::Decimal;

/// A character class that negates control characters and line ends, and what is given.
macro_rules! outside {
    ($breaks:literal, $more:literal) => {
        concat!(r"[^\u0000-\u0009", $breaks, r"\u000B-\u001F\u007F-\u009F\u2028\u2029", $more, "]")
    };
}

/// A shape of text without blanks at its ends.
macro_rules! trimmed {
    ($breaks:literal) => {
        concat!(
            "^(?:",
            outside!(r"\u000A", r"\u0020\u00A0\u1680\u2000-\u200A\u202F\u205F\u3000"),
            "(?:",
            outside!($breaks, ""),
            "*",
            outside!(r"\u000A", r"\u0020\u00A0\u1680\u2000-\u200A\u202F\u205F\u3000"),
            ")?)?$"
        )
    };
}

/// One line: no control characters, no line ends, no blanks at the ends.
pub(in super::super) const LINE_SHAPE: &str = trimmed!(r"\u000A");
/// Several lines, parted by line feeds.
pub(in super::super) const LINES_SHAPE: &str = trimmed!("");
/// A day from 1800 to 2200. That it is in the calendar is left to the format `date`.
pub(in super::super) const DATE_SHAPE: &str =
    "^(?:1[89][0-9]{2}|2[01][0-9]{2}|2200)-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])$";
/// A UUID in lower case.
pub(in super::super) const UUID_SHAPE: &str = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$";
/// A SHA-256 digest in lower-case hexadecimal.
pub(in super::super) const DIGEST_SHAPE: &str = "^[0-9a-f]{64}$";
/// A language of ISO 639-1.
pub(in super::super) const LANGUAGE_SHAPE: &str = "^[a-z]{2}$";
/// A country of ISO 3166-1 alpha-3.
pub(in super::super) const COUNTRY_SHAPE: &str = "^[A-Z]{3}$";

/// The most characters of a decimal number. Whatever is not longer fits a [`Decimal`] exactly.
pub(in super::super) const DECIMAL_LENGTH: usize = 28;
/// The years of dates and of the type `year`.
pub(in super::super) const YEARS: [i32; 2] = [1800, 2200];

/// Whether `text` has no blanks at its ends and no control characters; line feeds only if `several`.
pub(super) fn is_text(text: &str, several: bool) -> bool {
    let breaks = |c: char| c.is_control() && !(several && c == '\n');
    text.trim().len() == text.len() && !text.contains(|c| breaks(c) || matches!(c, '\u{2028}' | '\u{2029}'))
}

/// The day that `text` says in the form `YYYY-MM-DD`.
pub(in super::super) fn date(text: &str) -> Option<NaiveDate> {
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text.as_bytes() else {
        return None;
    };
    let year = i32::try_from(number(&[y1, y2, y3, y4])?).ok()?;
    let [first, last] = YEARS;
    (first..=last).contains(&year).then_some(())?;
    NaiveDate::from_ymd_opt(year, number(&[m1, m2])?, number(&[d1, d2])?)
}

/// The number that a few ASCII digits write.
fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |sum, digit| {
        let digit = digit.is_ascii_digit().then(|| digit - b'0')?;
        Some(sum * 10 + u32::from(digit))
    })
}

/// Whether `text` is a UUID in lower case.
pub(super) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => is_hexadecimal(byte),
        })
}

/// Whether `text` is a SHA-256 digest in lower-case hexadecimal.
pub(super) fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(is_hexadecimal)
}

const fn is_hexadecimal(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

/// Whether `text` is a language of ISO 639-1 by its form.
pub(super) fn is_language(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_lowercase())
}

/// Whether `text` is a country of ISO 3166-1 alpha-3 by its form.
pub(super) fn is_country(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// What is wrong with the text of a decimal number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DecimalFault {
    /// It is none: other characters, leading zeros, no digit before or after the point, `-0`.
    Form,
    /// It is longer than [`DECIMAL_LENGTH`].
    Length,
    /// It has too many digits after the point, or not exactly as many as it must have.
    Scale,
}

/// The number that `text` says, with at most `scale` digits after the point (with `exact`: exactly).
pub(super) fn decimal(text: &str, scale: usize, exact: bool) -> Result<Decimal, DecimalFault> {
    if text.len() > DECIMAL_LENGTH {
        return Err(DecimalFault::Length);
    }
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = match unsigned.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (unsigned, None),
    };
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let leading_zero = whole.len() > 1 && whole.starts_with('0');
    if !is_number(whole) || leading_zero || !fraction.is_none_or(is_number) {
        return Err(DecimalFault::Form);
    }
    let value: Decimal = text.parse().unwrap_or_default();
    if value.is_zero() && unsigned.len() < text.len() {
        return Err(DecimalFault::Form);
    }
    let digits = fraction.map_or(0, str::len);
    if digits > scale || (exact && digits != scale) {
        return Err(DecimalFault::Scale);
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::Regex;

    use super::*;

    fn shape(pattern: &str) -> Regex {
        Regex::new(pattern).unwrap()
    }

    #[test]
    fn the_shapes_of_text_know_every_character_as_the_checks_do() {
        let (line, lines) = (shape(LINE_SHAPE), shape(LINES_SHAPE));
        let rare = ('\u{10000}'..=char::MAX).step_by(97);
        for c in ('\0'..'\u{10000}').chain(rare) {
            for text in [c.to_string(), format!("a{c}b"), format!("a{c}"), format!("{c}a")] {
                assert_eq!(line.is_match(&text), is_text(&text, false), "{text:?}");
                assert_eq!(lines.is_match(&text), is_text(&text, true), "{text:?}");
            }
        }
        assert!(is_text("", false) && line.is_match(""));
    }

    #[test]
    fn days_are_in_the_calendar_and_from_1800_to_2200() {
        for text in ["1800-01-01", "2024-02-29", "2000-02-29", "2200-12-31"] {
            assert!(date(text).is_some_and(|day| day.to_string() == text), "{text}");
        }
        let texts = [
            "",
            "1799-12-31",
            "2201-01-01",
            "2023-02-29",
            "1900-02-29",
            "2024-13-01",
            "2024-00-01",
            "2024-1-1",
            "2024-01-32",
            "2024-01-00",
            "24-01-01",
            "+024-01-01",
            "2024-01-01T00:00",
            "2024-01-01 ",
            " 2024-01-01",
            "2024/01/01",
            "２０２４-01-01",
            "2024-01-1０",
        ];
        for text in texts {
            assert_eq!(date(text), None, "{text}");
        }
    }

    #[test]
    fn decimal_numbers_have_one_way_to_be_written() {
        let value = |text: &str| decimal(text, 2, false).map(|value| value.to_string());
        for text in ["0", "0.5", "0.50", "-0.05", "1820.00", "-7", "1234567890123456789012345.67"] {
            assert_eq!(value(text), Ok(text.to_owned()));
        }
        let forms = [
            "", "-", ".", ".5", "5.", "01", "00", "-01", "1,5", "+1", "1e3", " 1", "1 ", "--1", "1.-5", "1.2.3", "-0",
            "-0.00", "１", "0x1", "1_000", "NaN", "1.5\n",
        ];
        for text in forms {
            assert_eq!(value(text), Err(DecimalFault::Form), "{text:?}");
        }
        assert_eq!(value("1.234"), Err(DecimalFault::Scale));
        assert_eq!(value(&"9".repeat(28)), Ok("9".repeat(28)));
        assert_eq!(value(&"9".repeat(29)), Err(DecimalFault::Length));
    }

    #[test]
    fn money_has_exactly_two_decimals() {
        let money = |text| decimal(text, 2, true);
        assert_eq!(money("1820.00"), Ok(Decimal::new(182_000, 2)));
        for text in ["1820", "1820.0", "1820.000"] {
            assert_eq!(money(text), Err(DecimalFault::Scale), "{text}");
        }
    }

    #[test]
    fn ids_and_codes_are_in_lower_or_upper_case_as_they_must_be() {
        assert!(is_uuid("0190163d-8694-739b-aea5-966c26f8ad91"));
        assert!(!is_uuid("0190163D-8694-739b-aea5-966c26f8ad91"));
        assert!(!is_uuid("0190163d8694739baea5966c26f8ad91"));
        assert!(is_digest(&"0a".repeat(32)) && !is_digest(&"0A".repeat(32)));
        assert!(is_language("et") && !is_language("ET") && !is_language("est"));
        assert!(is_country("EST") && !is_country("EE") && !is_country("est"));
    }

    proptest! {
        #[test]
        fn the_other_shapes_say_what_the_checks_say(
            text in prop_oneof![
                "[0-9a-fA-F-]{36}", "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "[0-9a-g]{63,65}",
                "[a-z]{1,3}", "[A-Z]{2,4}", "[12][0-9]{3}-[01][0-9]-[0-3][0-9]",
            ],
        ) {
            prop_assert_eq!(shape(UUID_SHAPE).is_match(&text), is_uuid(&text));
            prop_assert_eq!(shape(DIGEST_SHAPE).is_match(&text), is_digest(&text));
            prop_assert_eq!(shape(LANGUAGE_SHAPE).is_match(&text), is_language(&text));
            prop_assert_eq!(shape(COUNTRY_SHAPE).is_match(&text), is_country(&text));
            let in_calendar = text.parse::<NaiveDate>().is_ok();
            prop_assert_eq!(shape(DATE_SHAPE).is_match(&text) && in_calendar, date(&text).is_some());
        }
    }
}
