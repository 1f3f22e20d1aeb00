//! The registry codes of institutions and companies: the Estonian `registrikood` and the Finnish
//! `Y-tunnus`.
//!
//! Both checks take the stored form exactly: no blanks are dropped and nothing is mended. Registry
//! codes are public, yet their faults do not repeat them either.
//!
//! Sources: python-stdnum `ee/registrikood` and `fi/ytunnus`.

use super::{CodeFault, characters, digits, estonian_check_digit};

/// The shape of a stored Estonian registry code, as a JSON Schema `pattern`.
///
/// Looser than [`check_ee`], which also checks the check digit.
pub const EE_REGISTRY_CODE_SHAPE: &str = "^[1789][0-9]{7}$";

/// The shape of a stored Finnish business id, as a JSON Schema `pattern`.
///
/// Looser than [`check_fi`], which also checks the check digit.
pub const FI_REGISTRY_CODE_SHAPE: &str = "^[0-9]{7}-[0-9]$";

/// The weights of the seven digits of a Finnish business id.
const FI_WEIGHTS: [u32; 7] = [7, 9, 10, 5, 8, 4, 2];

/// Checks an Estonian registry code: eight digits, the last one a check digit.
///
/// The first digit is 1 for companies, 7 for state and municipal institutions, 8 for non-profit
/// associations and 9 for foundations.
///
/// # Errors
/// The first broken rule: [`CodeFault::Length`], [`CodeFault::NotDigits`],
/// [`CodeFault::FirstDigit`], [`CodeFault::Checksum`].
pub fn check_ee(text: &str) -> Result<(), CodeFault> {
    let code: [u32; 8] = digits(characters(text)?)?;
    let [first, ..] = code;
    if !matches!(first, 1 | 7 | 8 | 9) {
        return Err(CodeFault::FirstDigit);
    }
    let [body @ .., check] = code;
    if estonian_check_digit(&body) != check {
        return Err(CodeFault::Checksum);
    }
    Ok(())
}

/// Checks a Finnish business id: seven digits, a hyphen, a check digit.
///
/// An old id of six digits must have got its leading zero before it comes here.
///
/// # Errors
/// The first broken rule: [`CodeFault::Length`], [`CodeFault::NotDigits`],
/// [`CodeFault::Separator`], [`CodeFault::NeverIssued`] (the digits lead to a remainder of 1, for
/// which there is no check digit), [`CodeFault::Checksum`].
pub fn check_fi(text: &str) -> Result<(), CodeFault> {
    let [n1, n2, n3, n4, n5, n6, n7, separator, check] = characters::<9>(text)?;
    let [body @ .., check] = digits([n1, n2, n3, n4, n5, n6, n7, check])?;
    if separator != '-' {
        return Err(CodeFault::Separator);
    }
    let sum: u32 = body.iter().zip(FI_WEIGHTS).map(|(digit, weight)| digit * weight).sum();
    let right = match sum % 11 {
        0 => 0,
        1 => return Err(CodeFault::NeverIssued),
        remainder => 11 - remainder,
    };
    if right != check {
        return Err(CodeFault::Checksum);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::Regex;

    use super::*;

    #[test]
    fn estonian_codes_of_the_sheet_pass() {
        let codes = [
            "12345678", "75025973", "70006317", "70008440", "75014920", "70000310", "80000860", "10000640", "10421629",
            "10747013", "70008747", "70000591", "70000349", "70008641", "70000898", "70005938",
        ];
        for code in codes {
            assert_eq!(check_ee(code), Ok(()), "{code}");
        }
    }

    #[test]
    fn estonian_codes_are_refused_in_the_order_of_the_checks() {
        assert_eq!(check_ee(""), Err(CodeFault::Length));
        assert_eq!(check_ee("3234567A9"), Err(CodeFault::Length));
        assert_eq!(check_ee("12345678 "), Err(CodeFault::Length));
        assert_eq!(check_ee("3234567A"), Err(CodeFault::NotDigits));
        assert_eq!(check_ee("1234567８"), Err(CodeFault::NotDigits));
        assert_eq!(check_ee("32345674"), Err(CodeFault::FirstDigit));
        assert_eq!(check_ee("32345675"), Err(CodeFault::FirstDigit));
        assert_eq!(check_ee("12345679"), Err(CodeFault::Checksum));
    }

    #[test]
    fn finnish_codes_of_the_sheet_pass() {
        let codes = ["2077474-0", "0112038-9", "0201472-1", "0204428-5", "1572860-0", "0208852-8", "1048736-9"];
        for code in codes {
            assert_eq!(check_fi(code), Ok(()), "{code}");
        }
    }

    #[test]
    fn finnish_codes_are_refused_in_the_order_of_the_checks() {
        assert_eq!(check_fi("20774740"), Err(CodeFault::Length));
        assert_eq!(check_fi("112038-9"), Err(CodeFault::Length));
        assert_eq!(check_fi("010000A 1"), Err(CodeFault::NotDigits));
        assert_eq!(check_fi("0100007 1"), Err(CodeFault::Separator));
        assert_eq!(check_fi("2077474–0"), Err(CodeFault::Separator));
        assert_eq!(check_fi("2077474-1"), Err(CodeFault::Checksum));
    }

    #[test]
    fn a_remainder_of_one_has_no_check_digit() {
        for body in ["0100007", "0100015"] {
            for check in 0..=9 {
                let code = format!("{body}-{check}");
                assert_eq!(check_fi(&code), Err(CodeFault::NeverIssued), "{code}");
            }
        }
    }

    fn matches(shape: &str, text: &str) -> bool {
        Regex::new(shape).is_ok_and(|shape| shape.is_match(text))
    }

    /// The check digits with which `body` passes.
    fn passing(body: &str, check: fn(&str) -> Result<(), CodeFault>) -> Vec<String> {
        let codes = (0..=9).map(|digit| format!("{body}{digit}"));
        codes.filter(|code| check(code).is_ok()).collect()
    }

    proptest! {
        #[test]
        fn an_estonian_body_has_one_check_digit(body in "[1789][0-9]{6}") {
            let codes = passing(&body, check_ee);
            prop_assert_eq!(codes.len(), 1);
            for code in codes {
                prop_assert!(matches(EE_REGISTRY_CODE_SHAPE, &code));
            }
        }

        #[test]
        fn a_finnish_body_has_at_most_one_check_digit(body in "[0-9]{7}-") {
            let codes = passing(&body, check_fi);
            let never = check_fi(&format!("{body}0")) == Err(CodeFault::NeverIssued);
            prop_assert_eq!(codes.len(), usize::from(!never));
            for code in codes {
                prop_assert!(matches(FI_REGISTRY_CODE_SHAPE, &code));
            }
        }

        #[test]
        fn a_finnish_check_digit_catches_every_slip(
            body in "[0-9]{7}-", place in 0_usize..7, new in proptest::char::range('0', '9'),
        ) {
            for code in passing(&body, check_fi) {
                let slip: String = code
                    .char_indices()
                    .map(|(at, old)| if at == place { new } else { old })
                    .collect();
                prop_assert_eq!(check_fi(&slip).is_ok(), slip == code);
            }
        }

        #[test]
        fn any_text_gets_an_answer(text in any::<String>()) {
            let passes = (check_ee(&text).is_ok(), check_fi(&text).is_ok());
            prop_assert!(!passes.0 || matches(EE_REGISTRY_CODE_SHAPE, &text));
            prop_assert!(!passes.1 || matches(FI_REGISTRY_CODE_SHAPE, &text));
        }
    }
}
