//! Words as they are looked for: without marks over letters, without regard to capitals; and the order of names.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::domain::statute::Language;

/// Most characters of what is looked for.
pub const LONGEST: usize = 200;

/// A text as it is searched: `Sõidukijuht Øst` is `soidukijuht ost`.
pub fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.nfkd().flat_map(char::to_lowercase).filter(|c| !is_combining_mark(*c)) {
        match c {
            // Letters of their own in Unicode, letters with a mark to whoever has no key for them.
            'ø' => out.push('o'),
            'đ' | 'ð' => out.push('d'),
            'ł' => out.push('l'),
            'ħ' => out.push('h'),
            'ı' => out.push('i'),
            'æ' => out.push_str("ae"),
            'œ' => out.push_str("oe"),
            'þ' => out.push_str("th"),
            'ß' => out.push_str("ss"),
            c => out.push(c),
        }
    }
    out
}

/// What is looked for: words, all of which must be said, in any order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Words(Vec<String>);

impl Words {
    /// The words of what somebody typed; whatever is neither a letter nor a digit parts them.
    ///
    /// # Errors
    /// More than [`LONGEST`] characters.
    pub fn of(text: &str) -> Result<Self, TooLong> {
        if text.chars().count() > LONGEST {
            return Err(TooLong);
        }
        let folded = folded(text);
        let mut words: Vec<String> =
            folded.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_owned).collect();
        words.sort();
        words.dedup();
        Ok(Self(words))
    }

    /// Whether nothing is looked for.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether each stands somewhere in a text that was [`folded`].
    pub fn stand_in(&self, folded: &str) -> bool {
        self.0.iter().all(|word| folded.contains(word.as_str()))
    }
}

/// More was typed than anybody looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what is looked for has at most {LONGEST} characters")]
pub struct TooLong;

/// Letters in the order of the language's dictionaries.
const fn alphabet(language: Language) -> &'static str {
    match language {
        Language::Et => "abcdefghijklmnopqrsšzžtuvwõäöüxy",
        Language::Fi | Language::Sv => "abcdefghijklmnopqrstuvwxyzåäö",
        Language::En => "abcdefghijklmnopqrstuvwxyz",
    }
}

/// What a name is sorted by in `language`: letters in the order of its alphabet, those that it does not have beside
/// what they are without their marks; digits before letters, and the name itself where that tells nothing apart.
pub fn order(name: &str, language: Language) -> (Vec<u32>, String) {
    let alphabet = alphabet(language);
    let place = |c: char| alphabet.chars().zip(1_u32..).find(|(letter, _)| *letter == c).map(|(_, n)| 100 + n);
    let mut key = Vec::with_capacity(name.len());
    for c in name.nfc().flat_map(char::to_lowercase) {
        match (place(c), c.to_digit(10)) {
            (Some(place), _) => key.push(place),
            (None, Some(digit)) => key.push(10 + digit),
            (None, None) if c.is_alphabetic() => {
                key.extend(folded(&c.to_string()).chars().map(|c| place(c).unwrap_or(1_000 + u32::from(c))));
            }
            // What is no letter parts words: `a b` stands before `ab`.
            (None, None) => key.push(0),
        }
    }
    (key, name.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn marks_and_capitals_do_not_matter() {
        for (typed, meant) in [
            ("Töötervishoid", "tootervishoid"),
            ("ŠVEITS žürii", "sveits zurii"),
            ("Ärende- och dokument", "arende- och dokument"),
            ("ÅÄÖ", "aao"),
            ("Straße", "strasse"),
            ("Ørsted Łódź", "orsted lodz"),
            ("ﬁnance", "finance"),
            ("İstanbul", "istanbul"),
        ] {
            assert_eq!(folded(typed), meant);
        }
    }

    #[test]
    fn names_stand_in_the_order_of_the_readers_alphabet() {
        let sorted = |language, mut names: Vec<&'static str>| {
            names.sort_by_cached_key(|name| order(name, language));
            names
        };
        assert_eq!(
            sorted(
                Language::Et,
                vec!["Ülo", "Õde", "Zoo", "Tamm", "Žanr", "Aed 10", "Sakk", "Aed", "Šokk", "Öö", "Äär"]
            ),
            ["Aed", "Aed 10", "Sakk", "Šokk", "Zoo", "Žanr", "Tamm", "Õde", "Äär", "Öö", "Ülo"]
        );
        assert_eq!(sorted(Language::Sv, vec!["Örn", "Ärta", "Å", "Zebra", "Ek"]), ["Ek", "Zebra", "Å", "Ärta", "Örn"]);
        assert_eq!(sorted(Language::En, vec!["Zoo", "Äpple", "Bee"]), ["Äpple", "Bee", "Zoo"]);
    }

    #[test]
    fn what_is_too_long_is_refused_and_what_has_no_letter_asks_for_nothing() {
        assert!(Words::of(&"õ".repeat(LONGEST)).is_ok());
        assert_eq!(Words::of(&"õ".repeat(LONGEST + 1)), Err(TooLong));
        for nothing in ["", "   ", "!!! – §", "\u{301}"] {
            assert!(Words::of(nothing).unwrap().is_empty(), "{nothing:?}");
        }
    }

    proptest! {
        #[test]
        fn what_was_folded_is_folded(text in ".{0,60}") {
            let once = folded(&text);
            prop_assert_eq!(folded(&once), once);
        }

        #[test]
        fn a_text_says_each_of_its_words_however_they_are_typed(text in "[a-zõäöüšžåA-ZÕÄÖÜŠŽÅ0-9 ,./-]{1,60}", upper: bool) {
            let typed = if upper { text.to_uppercase() } else { text.clone() };
            prop_assert!(Words::of(&typed).unwrap().stand_in(&folded(&text)));
            // And as whoever has no such keys types it.
            prop_assert!(Words::of(&folded(&text)).unwrap().stand_in(&folded(&text)));
        }
    }
}
