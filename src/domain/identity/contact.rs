//! Contact details: e-mail addresses, telephone numbers and bank accounts.
//!
//! The checks answer for stored values, exactly as they stand: nothing is trimmed, no spaces are
//! dropped, no letters change case. That an address or an account exists they cannot say.

/// Characters that a reader cannot see: controls, spaces and the invisible signs of Unicode that
/// join, part or turn text. Written for the inside of a character class.
macro_rules! unseen {
    () => {
        concat!(
            r"\u0000-\u0020\u007F-\u00A0\u00AD\u061C\u1680\u180E",
            r"\u2000-\u200F\u2028-\u202F\u205F-\u206F\u3000\uFEFF"
        )
    };
}

/// A character class that negates [`unseen`] and the ASCII characters which no unquoted local part
/// has: `"(),:;<>@[\]`.
macro_rules! local_class {
    () => {
        concat!("[^", unseen!(), r"\u0022\u0028\u0029\u002C\u003A-\u003C\u003E\u0040\u005B-\u005D", "]")
    };
}

/// A character class that negates [`unseen`], every ASCII character but letters, digits and the
/// hyphen, and the full stops of other scripts, which resolvers take for a dot.
macro_rules! label_class {
    () => {
        concat!(
            "[^",
            unseen!(),
            r"\u0021-\u002C\u002E\u002F\u003A-\u0040\u005B-\u0060\u007B-\u007E",
            r"\u3002\uFF0E\uFF61",
            "]"
        )
    };
}

/// The shape of an e-mail address, as a JSON Schema `pattern` (written with `\uXXXX` escapes,
/// which ECMA 262 and the regex crate read alike).
///
/// Looser than [`is_email`], which also limits lengths in bytes and looks at each label.
pub const EMAIL_SHAPE: &str =
    concat!("^", local_class!(), "{1,64}@", label_class!(), r"+(?:\.", label_class!(), "+)+$");

/// The shape of a telephone number, as a JSON Schema `pattern`. It is all that [`is_phone`] asks.
pub const PHONE_SHAPE: &str = r"^\+[1-9][0-9]{6,14}$";

/// The shape of a bank account number, as a JSON Schema `pattern`.
///
/// Looser than [`is_iban`], which also knows lengths by country and checks the check digits.
pub const IBAN_SHAPE: &str = "^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$";

/// The most bytes of an e-mail address: what fits into a mail command (RFC 5321, erratum 1690).
const EMAIL_MAX: usize = 254;

/// The most bytes of a local part (RFC 5321 § 4.5.3.1.1).
const LOCAL_MAX: usize = 64;

/// The most bytes of a label of a domain name (RFC 1035 § 2.3.4).
const LABEL_MAX: usize = 63;

/// The lengths of IBANs in the European Economic Area, Switzerland, the United Kingdom and
/// Ukraine. Source: the IBAN registry that SWIFT keeps for ISO 13616.
const IBAN_LENGTHS: [(&str, usize); 33] = [
    ("AT", 20),
    ("BE", 16),
    ("BG", 22),
    ("CH", 21),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DK", 18),
    ("EE", 20),
    ("ES", 24),
    ("FI", 18),
    ("FR", 27),
    ("GB", 22),
    ("GR", 27),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IS", 26),
    ("IT", 27),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("MT", 31),
    ("NL", 18),
    ("NO", 15),
    ("PL", 28),
    ("PT", 25),
    ("RO", 24),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
    ("UA", 29),
];

/// Whether `text` is an e-mail address that a person may plausibly have.
///
/// A pragmatic rule, narrower than RFC 5321 in one way and wider in another:
/// - one `@`; before it 1-64 bytes without spaces, invisible characters and `"(),:;<>[\]`, so
///   there are no quoted local parts and no header can be made out of an address;
/// - after it a domain name of at least two labels parted by dots. A label is not empty, has at
///   most 63 bytes, neither starts nor ends with a hyphen, and in ASCII is made of letters, digits
///   and hyphens. Other scripts are taken as they are, without the tables of IDNA. The last label
///   is not all digits, so that an IP address is no domain;
/// - 254 bytes at most in all.
///
/// Both sides may be in Unicode. What passes matches [`EMAIL_SHAPE`].
#[must_use]
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    text.len() <= EMAIL_MAX && is_local_part(local) && is_domain(domain)
}

fn is_local_part(local: &str) -> bool {
    (1..=LOCAL_MAX).contains(&local.len()) && local.chars().all(is_local_character)
}

fn is_local_character(c: char) -> bool {
    let special = matches!(c, '"' | '(' | ')' | ',' | ':' | ';' | '<' | '>' | '@' | '[' | '\\' | ']');
    !special && !is_unseen(c)
}

fn is_domain(domain: &str) -> bool {
    domain.rsplit_once('.').is_some_and(|(_, last)| !last.bytes().all(|b| b.is_ascii_digit()))
        && domain.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    (1..=LABEL_MAX).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.chars().all(is_label_character)
}

fn is_label_character(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_alphanumeric() || c == '-'
    } else {
        !is_unseen(c) && !matches!(c, '\u{3002}' | '\u{FF0E}' | '\u{FF61}')
    }
}

/// The characters of [`unseen`].
const fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\0'..='\u{20}'
            | '\u{7F}'..='\u{A0}'
            | '\u{AD}'
            | '\u{61C}'
            | '\u{1680}'
            | '\u{180E}'
            | '\u{2000}'..='\u{200F}'
            | '\u{2028}'..='\u{202F}'
            | '\u{205F}'..='\u{206F}'
            | '\u{3000}'
            | '\u{FEFF}'
    )
}

/// Whether `text` is a telephone number in the international form of E.164: `+`, then 7 to 15
/// digits of which the first is not 0.
///
/// Spaces, hyphens and brackets are not allowed: `+372 663 0200` is no stored form,
/// `+3726630200` is. What passes matches [`PHONE_SHAPE`].
#[must_use]
pub fn is_phone(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len()) && !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Whether `text` is an international bank account number (ISO 13616): country, two check digits,
/// account; upper-case letters and digits, without spaces.
///
/// The length must be that of the country for Europe and 15-34 for any other country. The check
/// digits are those of ISO 7064 MOD 97-10, of which 00, 01 and 99 are never given out. What
/// passes matches [`IBAN_SHAPE`].
#[must_use]
pub fn is_iban(text: &str) -> bool {
    let Some((country, rest)) = text.split_at_checked(2) else {
        return false;
    };
    let Some((check, account)) = rest.split_at_checked(2) else {
        return false;
    };
    let known = IBAN_LENGTHS.iter().find(|(code, _)| *code == country);
    let right_length = match known {
        Some((_, length)) => text.len() == *length,
        None => (15..=34).contains(&text.len()),
    };
    right_length
        && country.bytes().all(|byte| byte.is_ascii_uppercase())
        && check.bytes().all(|byte| byte.is_ascii_digit())
        && !matches!(check, "00" | "01" | "99")
        && remainder_97(account.bytes().chain(country.bytes()).chain(check.bytes())) == Some(1)
}

/// The number modulo 97 that digits and upper-case letters (A is 10, … Z is 35) write together;
/// `None` when there is any other character.
fn remainder_97(bytes: impl Iterator<Item = u8>) -> Option<u32> {
    let mut remainder = 0;
    for byte in bytes {
        remainder = match byte {
            b'0'..=b'9' => remainder * 10 + u32::from(byte - b'0'),
            b'A'..=b'Z' => remainder * 100 + u32::from(byte - b'A') + 10,
            _ => return None,
        } % 97;
    }
    Some(remainder)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::Regex;

    use super::*;

    fn matches(shape: &str, text: &str) -> bool {
        Regex::new(shape).is_ok_and(|shape| shape.is_match(text))
    }

    #[test]
    fn ordinary_addresses_pass() {
        let addresses = [
            "mari.maasikas@example.ee",
            "a@b.ee",
            "mari+vald@sub.example.co.uk",
            "o'neill@example.com",
            "x_y-z=1/2@ex-ample.org",
            "mari@õppeamet.ee",
            "jüri@xn--ppeamet-p4a.ee",
            "用户@例子.公司",
            "mari@123.ee",
        ];
        for text in addresses {
            assert!(is_email(text), "{text}");
            assert!(matches(EMAIL_SHAPE, text), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let texts = [
            "",
            "@",
            "mari",
            "mari@",
            "@example.ee",
            "mari@localhost",
            "mari@example..ee",
            "mari@.example.ee",
            "mari@example.ee.",
            "mari@-example.ee",
            "mari@example-.ee",
            "mari@example.ee-",
            "mari@exa_mple.ee",
            "mari@192.168.0.1",
            "mari@[192.168.0.1]",
            "mari@@example.ee",
            "mari@vald@example.ee",
            "mari maasikas@example.ee",
            "mari@exam ple.ee",
            " mari@example.ee",
            "mari@example.ee\n",
            "mari\r\nBcc: x@example.ee",
            "mari\0@example.ee",
            "<mari@example.ee",
            "mari@example.ee>",
            "\"mari\"@example.ee",
            "mari,jaan@example.ee",
            "mari\u{202e}@example.ee",
            "mari@exam\u{200b}ple.ee",
            "mari@example\u{3002}ee",
            "mari@exa\u{a0}mple.ee",
        ];
        for text in texts {
            assert!(!is_email(text), "{text:?}");
        }
    }

    #[test]
    fn address_lengths_are_limited() {
        let local = |length| format!("{}@example.ee", "a".repeat(length));
        assert!(is_email(&local(64)));
        assert!(matches(EMAIL_SHAPE, &local(64)));
        assert!(!is_email(&local(65)));
        assert!(!is_email(&format!("{}@example.ee", "õ".repeat(33))));

        let label = |length| format!("a@{}.ee", "b".repeat(length));
        assert!(is_email(&label(63)));
        assert!(!is_email(&label(64)));

        let long = |length| {
            let mut text = format!("a@{}", "b.".repeat(124));
            while text.len() < length {
                text.push('c');
            }
            text
        };
        assert!(is_email(&long(254)));
        assert!(matches(EMAIL_SHAPE, &long(254)));
        assert!(!is_email(&long(255)));
    }

    #[test]
    fn the_classes_of_the_shape_are_those_of_the_check() {
        let local = Regex::new(concat!("^", local_class!(), "$")).ok();
        let label = Regex::new(concat!("^", label_class!(), "$")).ok();
        assert!(local.is_some() && label.is_some());
        let mut place = [0; 4];
        for c in '\0'..=char::MAX {
            let text: &str = c.encode_utf8(&mut place);
            let by_shape = |shape: &Option<Regex>| shape.as_ref().map(|shape| shape.is_match(text));
            assert_eq!(by_shape(&local), Some(is_local_character(c)), "{c:?}");
            assert_eq!(by_shape(&label), Some(is_label_character(c)), "{c:?}");
            if c.is_whitespace() || c.is_control() {
                assert!(is_unseen(c), "{c:?}");
            }
        }
    }

    #[test]
    fn phone_numbers_are_in_the_international_form() {
        for text in ["+3726630200", "+358295000", "+1234567", "+123456789012345"] {
            assert!(is_phone(text), "{text}");
            assert!(matches(PHONE_SHAPE, text), "{text}");
        }
        let texts = [
            "",
            "+",
            "3726630200",
            "+123456",
            "+1234567890123456",
            "+0726630200",
            "+372 663 0200",
            "+372-6630200",
            "+3726630200\n",
            "++3726630200",
            "+37266３0200",
        ];
        for text in texts {
            assert!(!is_phone(text), "{text:?}");
            assert!(!matches(PHONE_SHAPE, text), "{text:?}");
        }
    }

    #[test]
    fn the_example_accounts_of_the_registry_pass() {
        let accounts = [
            "EE382200221020145685",
            "FI2112345600000785",
            "LV80BANK0000435195001",
            "LT121000011101001000",
            "SE4550000000058398257466",
            "DE89370400440532013000",
            "NO9386011117947",
            "MT84MALT011000012345MTLCAST001S",
            "GB29NWBK60161331926819",
            "AE070331234567890123456",
        ];
        for text in accounts {
            assert!(is_iban(text), "{text}");
            assert!(matches(IBAN_SHAPE, text), "{text}");
        }
    }

    #[test]
    fn what_is_no_account_is_refused() {
        let texts = [
            "",
            "EE",
            "EE38",
            "EE382200221020145686",
            "EE392200221020145685",
            "ee382200221020145685",
            "EE38 2200 2210 2014 5685",
            " EE382200221020145685",
            "EE3822002210201456850",
            "EE38220022102014568",
            "EE38220022102014568Õ",
            "ÕE382200221020145685",
            "E1382200221020145685",
            "LV80bank0000435195001",
        ];
        for text in texts {
            assert!(!is_iban(text), "{text:?}");
        }
    }

    #[test]
    fn the_table_of_lengths_has_each_country_once_and_in_order() {
        assert!(IBAN_LENGTHS.is_sorted_by(|(a, _), (b, _)| a < b));
        for (country, length) in [("EE", 20), ("FI", 18), ("LV", 21), ("LT", 20), ("SE", 24)] {
            assert!(IBAN_LENGTHS.contains(&(country, length)), "{country}");
        }
    }

    /// The account with right check digits, computed the way a bank does: 98 less the remainder.
    fn account(country: &str, bban: &str) -> String {
        let remainder = remainder_97(format!("{bban}{country}00").bytes()).unwrap_or(0);
        format!("{country}{:02}{bban}", 98 - remainder)
    }

    proptest! {
        #[test]
        fn accounts_with_right_check_digits_pass_and_slips_do_not(
            bban in "[0-9]{16}", place in 4_usize..20, new in proptest::char::range('0', '9'),
        ) {
            let text = account("EE", &bban);
            prop_assert!(is_iban(&text), "{}", text);
            prop_assert!(matches(IBAN_SHAPE, &text));
            let slip: String = text
                .char_indices()
                .map(|(at, old)| if at == place { new } else { old })
                .collect();
            prop_assert_eq!(is_iban(&slip), slip == text);
        }

        #[test]
        fn an_account_has_one_pair_of_check_digits(bban in "[A-Z0-9]{11,30}") {
            // XX is a country of no table.
            let passing: Vec<_> = (0..100)
                .map(|check| format!("XX{check:02}{bban}"))
                .filter(|text| is_iban(text))
                .collect();
            prop_assert_eq!(passing, [account("XX", &bban)]);
        }

        #[test]
        fn what_passes_matches_its_shape(
            text in prop_oneof![
                any::<String>(),
                "[a-zõ.+]{0,5}@[a-zõ.-]{0,8}\\.[a-z0-9]{0,3}",
                "\\+?[0-9 ]{5,17}",
                "[A-Z]{2}[0-9]{2}[A-Z0-9]{9,32}",
            ],
        ) {
            prop_assert!(!is_email(&text) || matches(EMAIL_SHAPE, &text));
            prop_assert_eq!(is_phone(&text), matches(PHONE_SHAPE, &text));
            prop_assert!(!is_iban(&text) || matches(IBAN_SHAPE, &text));
        }
    }
}
