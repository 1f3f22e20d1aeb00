//! Bounds of values that are written as text, as ECMA 262 patterns: JSON Schema compares numbers only.
//!
//! A pattern here says which texts are within a bound among those that are well formed; that they are
//! is said by another pattern beside it.

use chrono::NaiveDate;
use rust_decimal::Decimal;

/// The decimal numbers that are not less than `min`.
pub(super) fn at_least(min: Decimal) -> String {
    if min.is_sign_negative() && !min.is_zero() {
        format!("^(?:-(?:{})|[0-9].*)$", not_above(min.abs()))
    } else {
        format!("^(?:{})$", not_below(min))
    }
}

/// The decimal numbers that are not greater than `max`.
pub(super) fn at_most(max: Decimal) -> String {
    if max.is_sign_negative() && !max.is_zero() {
        format!("^-(?:{})$", not_below(max.abs()))
    } else {
        format!("^(?:-.*|{})$", not_above(max))
    }
}

/// The days in the form `YYYY-MM-DD` that are not before `first`.
pub(super) fn not_before(first: NaiveDate) -> String {
    let text = first.to_string();
    let mut ways = differing(&text, Side::Above, "[0-9-]*");
    ways.push(text);
    format!("^(?:{})$", ways.join("|"))
}

/// The days in the form `YYYY-MM-DD` that are not after `last`.
pub(super) fn not_after(last: NaiveDate) -> String {
    let text = last.to_string();
    let mut ways = differing(&text, Side::Below, "[0-9-]*");
    ways.push(text);
    format!("^(?:{})$", ways.join("|"))
}

/// Numbers without a sign that are not less than `bound`, which is not negative.
fn not_below(bound: Decimal) -> String {
    let (whole, fraction) = digits(bound);
    let any = r"(?:\.[0-9]+)?";
    let mut ways = vec![format!("[1-9][0-9]{{{},}}{any}", whole.len())];
    ways.extend(same_length(&whole, Side::Above).into_iter().map(|way| way + any));
    if fraction.is_empty() {
        ways.push(whole + any);
    } else {
        let decimals = differing(&fraction, Side::Above, "[0-9]*");
        ways.extend(decimals.into_iter().map(|way| format!(r"{whole}\.{way}")));
        ways.push(format!(r"{whole}\.{fraction}[0-9]*"));
    }
    ways.join("|")
}

/// Numbers without a sign that are not greater than `bound`, which is not negative.
fn not_above(bound: Decimal) -> String {
    let (whole, fraction) = digits(bound);
    let any = r"(?:\.[0-9]+)?";
    let mut ways = Vec::new();
    if let Some(shorter) = whole.len().checked_sub(2) {
        ways.push(format!("(?:0|[1-9][0-9]{{0,{shorter}}}){any}"));
    }
    ways.extend(same_length(&whole, Side::Below).into_iter().map(|way| way + any));
    let decimals = differing(&fraction, Side::Below, "[0-9]*");
    ways.extend(decimals.into_iter().map(|way| format!(r"{whole}\.{way}")));
    // The bound itself, its beginnings, and zeros after it.
    let mut tail = "0*".to_owned();
    for digit in fraction.chars().rev() {
        tail = format!("(?:{digit}{tail})?");
    }
    ways.push(if fraction.is_empty() { format!(r"{whole}(?:\.0+)?") } else { format!(r"{whole}(?:\.{tail})?") });
    ways.join("|")
}

/// The digits of a number before and after its point, without zeros at the end.
fn digits(number: Decimal) -> (String, String) {
    let text = number.normalize().abs().to_string();
    match text.split_once('.') {
        Some((whole, fraction)) => (whole.to_owned(), fraction.to_owned()),
        None => (text, String::new()),
    }
}

/// On which side of a bound texts lie.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Below,
    Above,
}

/// Whole numbers of as many digits as `bound` has that lie on one side of it.
fn same_length(bound: &str, side: Side) -> Vec<String> {
    let mut ways = Vec::new();
    for (at, digit) in bound.char_indices() {
        let least = if at == 0 && bound.len() > 1 { '1' } else { '0' };
        if let (Some(class), Some((before, after))) = (class(digit, side, least), bound.split_at_checked(at)) {
            let left = after.len().saturating_sub(1);
            let rest = if left == 0 { String::new() } else { format!("[0-9]{{{left}}}") };
            ways.push(format!("{before}{class}{rest}"));
        }
    }
    ways
}

/// Texts that begin as `bound` does and then have a digit that puts them on one side of it.
fn differing(bound: &str, side: Side, rest: &str) -> Vec<String> {
    let mut ways = Vec::new();
    for (at, digit) in bound.char_indices().filter(|(_, digit)| digit.is_ascii_digit()) {
        if let (Some(class), Some((before, _))) = (class(digit, side, '0'), bound.split_at_checked(at)) {
            ways.push(format!("{before}{class}{rest}"));
        }
    }
    ways
}

/// The digits on one side of `digit`, none below `least`; `None` where there are none.
fn class(digit: char, side: Side, least: char) -> Option<String> {
    let digits: Vec<char> = match side {
        Side::Below => (least..digit).collect(),
        Side::Above => (digit..='9').skip(1).collect(),
    };
    match digits.as_slice() {
        [] => None,
        [only] => Some(only.to_string()),
        [from, .., to] => Some(format!("[{from}-{to}]")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::Regex;

    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Regex::new(pattern).unwrap().is_match(text)
    }

    #[test]
    fn the_patterns_of_common_bounds_are_short() {
        assert_eq!(at_least(Decimal::ZERO), r"^(?:[1-9][0-9]{1,}(?:\.[0-9]+)?|[1-9](?:\.[0-9]+)?|0(?:\.[0-9]+)?)$");
        assert_eq!(
            at_most(Decimal::from(60)),
            r"^(?:-.*|(?:0|[1-9][0-9]{0,0})(?:\.[0-9]+)?|[1-5][0-9]{1}(?:\.[0-9]+)?|60(?:\.0+)?)$"
        );
    }

    fn bounds() -> impl Strategy<Value = Decimal> {
        prop_oneof![
            (-1500_i64..1500, 0_u32..4).prop_map(|(number, scale)| Decimal::new(number, scale)),
            (any::<i64>(), 0_u32..4).prop_map(|(number, scale)| Decimal::new(number, scale)),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn decimal_patterns_compare_as_numbers_do(
            bound in bounds(), shift in -30_i64..30, scale in 0_u32..4, free in bounds(), zeros in 0_u32..3,
        ) {
            let near = bound + Decimal::new(shift, scale);
            for mut value in [near, free, bound] {
                value.rescale(value.scale() + zeros);
                if value.is_zero() {
                    value.set_sign_positive(true);
                }
                let text = value.to_string();
                prop_assert_eq!(matches(&at_least(bound), &text), value >= bound, "{} {}", &text, bound);
                prop_assert_eq!(matches(&at_most(bound), &text), value <= bound, "{} {}", &text, bound);
            }
        }

        #[test]
        fn day_patterns_compare_as_days_do(bound in 0_i32..146_000, shift in -800_i32..800) {
            let day = |days: i32| NaiveDate::from_num_days_from_ce_opt(657_073 + days).unwrap();
            let (bound, value) = (day(bound), day(bound + shift));
            prop_assert_eq!(matches(&not_before(bound), &value.to_string()), value >= bound);
            prop_assert_eq!(matches(&not_after(bound), &value.to_string()), value <= bound);
        }
    }
}
