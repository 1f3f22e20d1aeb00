//! Identity codes and contact details: what can be told of a value from the value alone.
//!
//! * [`PersonalCode`]: the Estonian `isikukood` and the Finnish `henkilötunnus`;
//! * [`check_ee`], [`check_fi`]: the registry codes of institutions and companies;
//! * [`is_email`], [`is_phone`], [`is_iban`]: contact details;
//! * the `*_SHAPE` strings: the part of each rule that a JSON Schema `pattern` can say. A check
//!   accepts only what matches its shape, so a published schema never refuses a stored value.
//!
//! Everything here is pure: there is no clock (the day is a parameter), no I/O and no randomness.
//! A code that passes is well formed; whether a person or an institution stands behind it only
//! the population register or the business register can say.
//!
//! No error holds the value that was refused, because a personal code in an error text ends up
//! in logs.

pub mod contact;
pub mod personal_code;
pub mod registry_code;

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use contact::{EMAIL_SHAPE, IBAN_SHAPE, PHONE_SHAPE, is_email, is_iban, is_phone};
pub use personal_code::{EE_PERSONAL_CODE_SHAPE, FI_PERSONAL_CODE_SHAPE, PersonalCode};
pub use registry_code::{EE_REGISTRY_CODE_SHAPE, FI_REGISTRY_CODE_SHAPE, check_ee, check_fi};

/// Why a code was refused.
///
/// A code with several faults is refused for the one that is checked first. The order is, for
/// - an Estonian personal code: length, digits, century, date, checksum, future;
/// - a Finnish personal code: length, digits, separator, date, never issued, checksum, future;
/// - an Estonian registry code: length, digits, first digit, checksum;
/// - a Finnish business id: length, digits, separator, never issued, checksum.
///
/// The sentence of a fault says which rule was broken and never repeats the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CodeFault {
    /// The code has too few or too many characters.
    #[error("the code has the wrong number of characters")]
    Length,
    /// There is something else than 0-9 where the code must have a digit.
    #[error("the code has a character other than a digit where a digit must be")]
    NotDigits,
    /// The first digit of an Estonian personal code names no century.
    #[error("the first digit of the code does not stand for a century")]
    Century,
    /// The birth date in the code is not in the calendar.
    #[error("the birth date in the code does not exist")]
    Date,
    /// The check character does not follow from the rest of the code.
    #[error("the check character does not match the rest of the code")]
    Checksum,
    /// The birth date in the code is later than the day of the check.
    #[error("the birth date in the code is in the future")]
    Future,
    /// The character between the parts of a Finnish code is not one that the rules know.
    #[error("the separator in the code is not one that is in use")]
    Separator,
    /// The first digit of an Estonian registry code names no kind of institution.
    #[error("the first digit of the code does not stand for a kind of institution")]
    FirstDigit,
    /// The code is in a range from which no code has ever been given out.
    #[error("codes of this form are never issued")]
    NeverIssued,
}

impl CodeFault {
    /// The code under which the fault of a personal code is told.
    pub const fn personal_code(self) -> &'static str {
        match self {
            Self::Length => "personal_code_length",
            Self::NotDigits => "personal_code_not_digits",
            Self::Century => "personal_code_century",
            Self::Date => "personal_code_date",
            Self::Checksum => "personal_code_checksum",
            Self::Future => "personal_code_future",
            Self::Separator => "personal_code_separator",
            Self::FirstDigit => "personal_code_first_digit",
            Self::NeverIssued => "personal_code_never_issued",
        }
    }
}

impl CodeFault {
    /// The name of the fault in API answers and message catalogues: `snake_case`, stable.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Length => "length",
            Self::NotDigits => "not_digits",
            Self::Century => "century",
            Self::Date => "date",
            Self::Checksum => "checksum",
            Self::Future => "future",
            Self::Separator => "separator",
            Self::FirstDigit => "first_digit",
            Self::NeverIssued => "never_issued",
        }
    }
}

/// The sex that a personal code states. It is read from the code and never stored on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sex {
    /// An odd first digit (Estonia) or an odd individual number (Finland).
    Male,
    /// An even first digit (Estonia) or an even individual number (Finland).
    Female,
}

impl Sex {
    /// `"male"` or `"female"`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Male => "male",
            Self::Female => "female",
        }
    }

    /// The sex that the parity of a number states in both countries: odd male, even female.
    const fn of_parity(number: u32) -> Self {
        if number % 2 == 1 { Self::Male } else { Self::Female }
    }
}

/// A country whose codes this module knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Country {
    /// Estonia.
    Ee,
    /// Finland.
    Fi,
}

impl Country {
    /// The ISO 3166-1 alpha-2 code: `"EE"` or `"FI"`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ee => "EE",
            Self::Fi => "FI",
        }
    }
}

impl FromStr for Country {
    type Err = UnknownCountry;

    /// Reads `"EE"` or `"FI"`, exactly so.
    ///
    /// # Errors
    /// [`UnknownCountry`] for anything else, lower case included.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "EE" => Ok(Self::Ee),
            "FI" => Ok(Self::Fi),
            _ => Err(UnknownCountry),
        }
    }
}

/// The text names no country whose codes this module knows. The text itself is not kept: somebody
/// may have put a whole code in the place of the country.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the country is neither EE nor FI")]
pub struct UnknownCountry;

/// The characters of a code of exactly `N` characters.
fn characters<const N: usize>(text: &str) -> Result<[char; N], CodeFault> {
    let read: Vec<char> = text.chars().take(N.saturating_add(1)).collect();
    read.try_into().map_err(|_| CodeFault::Length)
}

/// The values of characters that must all be ASCII digits.
fn digits<const N: usize>(characters: [char; N]) -> Result<[u32; N], CodeFault> {
    let mut values = [0; N];
    for (value, character) in values.iter_mut().zip(characters) {
        *value = character.to_digit(10).ok_or(CodeFault::NotDigits)?;
    }
    Ok(values)
}

/// The check digit of an Estonian personal code (ten digits given) or registry code (seven).
///
/// Both use one scheme: weights 1, 2, … 9, 1, … modulo 11; a remainder of ten leads to a second
/// round that starts from weight 3, and a second ten gives 0. Source: python-stdnum `ee/ik` and
/// `ee/registrikood`.
fn estonian_check_digit(digits: &[u32]) -> u32 {
    let round = |skipped: usize| {
        let weights = (1..=9).cycle().skip(skipped);
        let sum: u32 = digits.iter().zip(weights).map(|(d, w): (_, u32)| d * w).sum();
        Some(sum % 11).filter(|remainder| *remainder < 10)
    };
    round(0).or_else(|| round(2)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAULTS: [CodeFault; 9] = [
        CodeFault::Length,
        CodeFault::NotDigits,
        CodeFault::Century,
        CodeFault::Date,
        CodeFault::Checksum,
        CodeFault::Future,
        CodeFault::Separator,
        CodeFault::FirstDigit,
        CodeFault::NeverIssued,
    ];

    #[test]
    fn faults_have_distinct_names_and_plain_sentences() {
        let mut names: Vec<_> = FAULTS.iter().map(|fault| fault.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), FAULTS.len());
        for fault in FAULTS {
            let sentence = fault.to_string();
            assert!(!sentence.chars().any(|c| c.is_ascii_digit()), "{sentence}");
            assert!(fault.as_str().chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{sentence}");
        }
    }

    #[test]
    fn the_serialized_names_are_the_spoken_ones() {
        for fault in FAULTS {
            assert_eq!(serde_json::to_value(fault).ok(), Some(fault.as_str().into()));
        }
        for sex in [Sex::Male, Sex::Female] {
            assert_eq!(serde_json::to_value(sex).ok(), Some(sex.as_str().into()));
        }
        for country in [Country::Ee, Country::Fi] {
            assert_eq!(serde_json::to_value(country).ok(), Some(country.as_str().into()));
        }
    }

    #[test]
    fn countries_are_read_exactly() {
        for country in [Country::Ee, Country::Fi] {
            assert_eq!(country.as_str().parse(), Ok(country));
        }
        for text in ["ee", "Fi", " EE", "LV", "", "38001085718"] {
            assert_eq!(text.parse::<Country>(), Err(UnknownCountry));
        }
        assert_eq!(UnknownCountry.to_string(), "the country is neither EE nor FI");
    }
}
