//! What we say in Estonian, English, Finnish and Swedish: the texts of `locales/<code>/`, in Fluent.

use std::str::FromStr;
use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A language in which we speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    /// Estonian.
    #[default]
    Et,
    /// English.
    En,
    /// Finnish.
    Fi,
    /// Swedish.
    Sv,
}

/// The text is not the code of a language in which we speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not one of the languages et, en, fi, sv")]
pub struct UnknownLang;

impl Lang {
    /// Every language, the default first.
    pub const ALL: [Self; 4] = [Self::Et, Self::En, Self::Fi, Self::Sv];

    /// Two letters (ISO 639-1).
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Et => "et",
            Self::En => "en",
            Self::Fi => "fi",
            Self::Sv => "sv",
        }
    }

    /// The best of an `Accept-Language` (RFC 9110 § 12.5.4), of which a lone code is one too; Estonian where nothing
    /// fits.
    #[must_use]
    pub fn accepted(header: &str) -> Self {
        let mut best = (0, Self::default());
        for part in header.split(',').take(20) {
            let mut pieces = part.split(';').map(str::trim);
            let tag = pieces.next().unwrap_or_default();
            let Ok(lang) = (if tag == "*" { Ok(Self::default()) } else { tag.parse() }) else { continue };
            let weight = pieces.find_map(|piece| piece.strip_prefix("q=")).map_or(1000, thousandths);
            if weight > best.0 {
                best = (weight, lang);
            }
        }
        best.1
    }
}

/// Reads a code or a tag that begins with one (`sv-FI`), in any case of letters.
impl FromStr for Lang {
    type Err = UnknownLang;

    fn from_str(tag: &str) -> Result<Self, UnknownLang> {
        let code = tag.split('-').next().unwrap_or_default();
        Self::ALL.into_iter().find(|lang| lang.code().eq_ignore_ascii_case(code)).ok_or(UnknownLang)
    }
}

/// A weight (`0.8`) in thousandths; nothing for what is no weight.
fn thousandths(q: &str) -> u32 {
    let (whole, rest) = q.split_once('.').unwrap_or((q, ""));
    let digits: String = rest.chars().chain("000".chars()).take(3).collect();
    match (whole, digits.parse()) {
        ("1", _) => 1000,
        ("0", Ok(n)) => n,
        _ => 0,
    }
}

/// A letter that we write. Its texts are `<kind>-subject` and `<kind>-body`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LetterKind {
    /// Name of the letter.
    pub kind: &'static str,
    /// Variables of the body that other letters do not have. Every body has [`COMMON_VARIABLES`].
    pub variables: &'static [&'static str],
}

/// Variables of every letter's body: name of the register, clause of the statute, number of the case or the ledger
/// entry, address to open. A subject knows `number` alone: subjects are shown on locked screens.
pub const COMMON_VARIABLES: [&str; 4] = ["register", "clause", "number", "link"];

/// The value of `due` where there is no due date.
pub const NO_DUE: &str = "none";

/// All letters. Where there is `due`, [`NO_DUE`] leaves its line out.
pub const LETTERS: &[LetterKind] = &[
    LetterKind { kind: "case-opened", variables: &["case_kind", "due"] },
    LetterKind { kind: "case-message", variables: &[] },
    LetterKind { kind: "case-decided", variables: &["decision", "remedies"] },
    LetterKind { kind: "case-due-soon", variables: &["due"] },
    LetterKind { kind: "case-overdue", variables: &["due"] },
    LetterKind { kind: "incident", variables: &["due"] },
    LetterKind { kind: "prescription-forwarded", variables: &["due"] },
    // `outcome` is `granted`, `partly` or `refused`.
    LetterKind { kind: "disclosure-decided", variables: &["outcome", "remedies"] },
    LetterKind { kind: "disclosure-released", variables: &[] },
    LetterKind { kind: "value-corrected", variables: &["released_on", "fields"] },
    LetterKind { kind: "access-ends", variables: &["due"] },
    LetterKind { kind: "access-overdue", variables: &["due"] },
    LetterKind { kind: "recertification-due", variables: &["due"] },
    LetterKind { kind: "application-decided", variables: &[] },
    LetterKind { kind: "confirmation-opens", variables: &["duty", "institution", "due"] },
    LetterKind { kind: "confirmation-due", variables: &["duty", "institution", "due"] },
    LetterKind { kind: "confirmation-overdue", variables: &["duty", "institution", "due"] },
    LetterKind { kind: "publication-waiting", variables: &[] },
    LetterKind { kind: "held-elsewhere", variables: &[] },
    LetterKind { kind: "backup-overdue", variables: &["last"] },
];

/// All texts, read once.
pub static TEXTS: LazyLock<Texts> = LazyLock::new(|| {
    let (texts, faults) = Texts::read();
    for fault in faults {
        log::error!("locales: {fault}");
    }
    texts
});

/// The texts of all languages.
pub struct Texts {
    et: FluentBundle<FluentResource>,
    en: FluentBundle<FluentResource>,
    fi: FluentBundle<FluentResource>,
    sv: FluentBundle<FluentResource>,
}

impl Texts {
    /// The text `key` in `lang`, with `args` in the places of its variables.
    ///
    /// A text that is missing, or an argument, is our own mistake: it is logged, and the reader gets the Estonian
    /// text, or else the key, or the variable's name.
    #[must_use]
    pub fn text(&self, lang: Lang, key: &str, args: &[(&str, &str)]) -> String {
        for lang in [lang, Lang::Et] {
            if let Some((text, faults)) = self.format(lang, key, args) {
                for fault in faults {
                    log::error!("locales: {key} in {}: {fault}", lang.code());
                }
                return text;
            }
            log::error!("locales: {key} is missing in {}", lang.code());
        }
        key.to_owned()
    }

    /// The text and what went wrong on the way; nothing where the language does not have it.
    fn format(&self, lang: Lang, key: &str, args: &[(&str, &str)]) -> Option<(String, Vec<String>)> {
        let bundle = match lang {
            Lang::Et => &self.et,
            Lang::En => &self.en,
            Lang::Fi => &self.fi,
            Lang::Sv => &self.sv,
        };
        let pattern = bundle.get_message(key)?.value()?;
        let args: FluentArgs<'_> = args.iter().copied().collect();
        let mut faults = Vec::new();
        let text = bundle.format_pattern(pattern, Some(&args), &mut faults).into_owned();
        Some((text, faults.iter().map(ToString::to_string).collect()))
    }

    /// Whether there is a text of this name.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.et.has_message(key)
    }

    /// Reads what was compiled in. A text with a fault is left out.
    fn read() -> (Self, Vec<String>) {
        let mut faults = Vec::new();
        let mut read = |lang: Lang| {
            let mut bundle = FluentBundle::new_concurrent(lang.code().parse().into_iter().collect());
            // The marks would stand in plain text; pages mark up what is written from right to left themselves.
            bundle.set_use_isolating(false);
            for source in sources(lang) {
                let resource = FluentResource::try_new((*source).to_owned()).unwrap_or_else(|(rest, broken)| {
                    faults.extend(broken.iter().map(|fault| format!("{}: {fault}", lang.code())));
                    rest
                });
                if let Err(twice) = bundle.add_resource(resource) {
                    faults.extend(twice.iter().map(|fault| format!("{}: {fault}", lang.code())));
                }
            }
            bundle
        };
        let texts = Self { et: read(Lang::Et), en: read(Lang::En), fi: read(Lang::Fi), sv: read(Lang::Sv) };
        (texts, faults)
    }
}

/// Declares the files of texts for screens: `locales/<code>/ui-<name>.ftl`, whose keys all begin with `<name>-`.
macro_rules! screens {
    ($($name:literal)*) => {
        /// The files of texts for screens, in each language.
        pub const SCREENS: &[&str] = &[$($name),*];

        /// The files of texts of a language, as they were compiled in.
        const fn sources(lang: Lang) -> &'static [&'static str] {
            match lang {
                Lang::Et => &[
                    include_str!("../locales/et/letters.ftl"),
                    $(include_str!(concat!("../locales/et/ui-", $name, ".ftl")),)*
                ],
                Lang::En => &[
                    include_str!("../locales/en/letters.ftl"),
                    $(include_str!(concat!("../locales/en/ui-", $name, ".ftl")),)*
                ],
                Lang::Fi => &[
                    include_str!("../locales/fi/letters.ftl"),
                    $(include_str!(concat!("../locales/fi/ui-", $name, ".ftl")),)*
                ],
                Lang::Sv => &[
                    include_str!("../locales/sv/letters.ftl"),
                    $(include_str!(concat!("../locales/sv/ui-", $name, ".ftl")),)*
                ],
            }
        }
    };
}

screens! {
    "access"
    "ask"
    "cases"
    "disclosures"
    "frame"
    "publications"
    "closing"
    "lists"
    "form"
    "entering"
    "record"
    "session"
    "imports"
    "exchanges"
    "confirmations"
    "reports"
    "retention"
    "retention-why"
    "backups"
    "desk"
    "audit"
    "mine"
    "own-data"
    "jobs"
    "about"
    "catalogue"
    "publicity"
    "weave"
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    fn source(lang: Lang) -> String {
        let path = format!("{}/locales/{}/letters.ftl", env!("CARGO_MANIFEST_DIR"), lang.code());
        std::fs::read_to_string(path).unwrap()
    }

    /// Every entry of a file with what stands in it, read without the library.
    fn entries(source: &str) -> BTreeMap<String, String> {
        let mut entries = BTreeMap::<String, String>::new();
        let mut current = String::new();
        for line in source.lines().filter(|line| !line.starts_with('#')) {
            if line.starts_with(|c: char| c.is_ascii_lowercase() || c == '-') {
                let (id, rest) = line.split_once(" =").unwrap();
                current = id.to_owned();
                assert!(entries.insert(current.clone(), rest.to_owned()).is_none(), "{id} stands twice");
            } else if let Some(text) = entries.get_mut(&current) {
                text.push('\n');
                text.push_str(line);
            }
        }
        entries
    }

    /// The variables of an entry and of those that it refers to.
    fn variables(entries: &BTreeMap<String, String>, id: &str) -> BTreeSet<String> {
        let name = |text: &str| text.chars().take_while(|c| c.is_ascii_lowercase() || "-_".contains(*c)).collect();
        let text = &entries[id];
        let mut found: BTreeSet<String> = text.split('$').skip(1).map(name).collect();
        for placeable in text.split('{').skip(1) {
            let inner: String = name(placeable.trim_start());
            if entries.contains_key(&inner) {
                found.extend(variables(entries, &inner));
            }
        }
        found
    }

    /// All variables of a letter's body.
    fn expected(letter: &LetterKind) -> BTreeSet<String> {
        letter.variables.iter().chain(&COMMON_VARIABLES).map(ToString::to_string).collect()
    }

    /// A letter filled in; every variable has the value `[name]`, but for `outcome`.
    fn filled(lang: Lang, key: &str, outcome: &str) -> String {
        let values: Vec<(String, String)> =
            LETTERS.iter().flat_map(expected).map(|name| (name.clone(), format!("[{name}]"))).collect();
        let mut args: Vec<(&str, &str)> = values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        args.push(("outcome", outcome));
        let (text, faults) = TEXTS.format(lang, key, &args).unwrap();
        assert_eq!(faults, Vec::<String>::new(), "{key} in {}", lang.code());
        text
    }

    #[test]
    fn the_texts_are_read_without_a_fault() {
        assert_eq!(Texts::read().1, Vec::<String>::new());
    }

    #[test]
    fn every_language_has_the_same_texts_with_the_same_variables() {
        let shape = |lang| {
            let entries = entries(&source(lang));
            entries.keys().map(|id| (id.clone(), variables(&entries, id))).collect::<BTreeMap<_, _>>()
        };
        let estonian = shape(Lang::Et);
        for lang in Lang::ALL {
            assert_eq!(shape(lang), estonian, "{}", lang.code());
        }
    }

    #[test]
    fn screens_say_the_same_in_every_language_and_say_nothing_that_is_not_asked_for() {
        let root = env!("CARGO_MANIFEST_DIR");
        let mut asking = String::new();
        let mut folders = vec![format!("{root}/src"), format!("{root}/templates/ui")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path.display().to_string());
                } else {
                    asking.push_str(&std::fs::read_to_string(path).unwrap());
                }
            }
        }
        let texts = |lang: Lang, screen: &str| {
            let path = format!("{root}/locales/{}/ui-{screen}.ftl", lang.code());
            entries(&std::fs::read_to_string(path).unwrap())
        };
        let mut faults = Vec::new();
        for screen in SCREENS {
            let estonian = texts(Lang::Et, screen);
            for key in estonian.keys() {
                if !key.starts_with(&format!("{screen}-")) && !key.starts_with("done-") {
                    faults.push(format!("{key} stands in ui-{screen}.ftl"));
                }
                // Keys of which the last part is a word of the code (`confirmations-state-open`) are asked for by
                // their beginning.
                let asked = |k: &str| asking.contains(&format!("\"{k}\"")) || asking.contains(&format!("\"{k}-"));
                let begin = |k: &str| {
                    k.match_indices('-').skip(1).any(|(at, _)| {
                        let begun = &k[..at];
                        asking.contains(&format!("\"{begun}-{{")) || asking.contains(&format!("\"{begun}-\""))
                    })
                };
                if !asked(key)
                    && !begin(key)
                    && !key.strip_prefix("done-").is_some_and(|k| {
                        asking.contains(&format!("\"{k}\"")) || asking.contains(&format!("done={k}\""))
                    })
                {
                    faults.push(format!("nobody asks for {key}"));
                }
            }
            for lang in Lang::ALL {
                let here = texts(lang, screen);
                for key in estonian.keys().chain(here.keys()).collect::<BTreeSet<_>>() {
                    match (estonian.contains_key(key), here.contains_key(key)) {
                        (true, true) => {
                            if variables(&estonian, key) != variables(&here, key) {
                                faults.push(format!("{key} has other variables in {}", lang.code()));
                            }
                        }
                        (_, there) => faults.push(format!(
                            "{key} is {} in {}",
                            if there { "extra" } else { "missing" },
                            lang.code()
                        )),
                    }
                }
            }
        }
        assert_eq!(faults, Vec::<String>::new());
        // And the other way round: what is asked for by its whole name is there.
        let names: Vec<&str> = asking
            .split("say(\"")
            .chain(asking.split("say_with(\""))
            .skip(1)
            .filter_map(|rest| rest.split_once('"'))
            .map(|(name, _)| name)
            .filter(|name| {
                !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            })
            .collect();
        let absent: BTreeSet<&str> =
            names.into_iter().filter(|name| !name.ends_with('-') && !TEXTS.has(name)).collect();
        assert_eq!(absent, BTreeSet::new());
    }

    #[test]
    fn every_letter_has_a_body_with_exactly_its_variables() {
        let entries = entries(&source(Lang::Et));
        for letter in LETTERS {
            assert_eq!(variables(&entries, &format!("{}-body", letter.kind)), expected(letter), "{}", letter.kind);
        }
        let written = entries.keys().filter_map(|id| id.strip_suffix("-body")).collect::<BTreeSet<_>>();
        assert_eq!(written, LETTERS.iter().map(|letter| letter.kind).collect());
    }

    #[test]
    fn a_subject_tells_a_locked_screen_the_number_and_nothing_else() {
        let entries = entries(&source(Lang::Et));
        for letter in LETTERS {
            let subject = format!("{}-subject", letter.kind);
            assert_eq!(variables(&entries, &subject), BTreeSet::from(["number".to_owned()]), "{subject}");
        }
    }

    #[test]
    fn every_letter_tells_in_every_language_all_that_it_was_given() {
        for lang in Lang::ALL {
            for letter in LETTERS {
                let body = filled(lang, &format!("{}-body", letter.kind), "granted");
                for name in expected(letter).iter().filter(|name| *name != "outcome") {
                    assert!(body.contains(&format!("[{name}]")), "{} in {}: {name}", letter.kind, lang.code());
                }
                let own: BTreeSet<_> = body.split('[').skip(1).filter_map(|t| t.split_once(']')).map(|t| t.0).collect();
                assert!(own.iter().all(|name| expected(letter).contains(*name)), "{own:?}");
                assert!(!body.contains(['{', '}', '$', '\u{2068}']), "{body}");
                let subject = filled(lang, &format!("{}-subject", letter.kind), "granted");
                assert!(subject.contains("[number]") && !subject.contains('\n'), "{subject}");
            }
        }
    }

    #[test]
    fn subjects_tell_the_letters_apart() {
        for lang in Lang::ALL {
            let subjects: BTreeSet<_> =
                LETTERS.iter().map(|letter| filled(lang, &format!("{}-subject", letter.kind), "granted")).collect();
            assert_eq!(subjects.len(), LETTERS.len(), "{}", lang.code());
        }
    }

    #[test]
    fn every_outcome_of_a_disclosure_reads_differently_and_an_unknown_one_claims_nothing() {
        for lang in Lang::ALL {
            let letters: BTreeSet<_> = ["granted", "partly", "refused", "something-new"]
                .map(|outcome| filled(lang, "disclosure-decided-body", outcome))
                .into();
            assert_eq!(letters.len(), 4, "{}", lang.code());
        }
        assert!(filled(Lang::Et, "disclosure-decided-body", "refused").contains("on jäetud rahuldamata"));
        assert!(filled(Lang::En, "disclosure-decided-body", "partly").contains("granted in part"));
    }

    #[test]
    fn a_letter_without_a_due_date_has_no_line_for_it() {
        let mut args = ["register", "clause", "number", "link", "case_kind"].map(|name| (name, "x")).to_vec();
        args.push(("due", NO_DUE));
        let without = TEXTS.text(Lang::Et, "case-opened-body", &args);
        assert!(!without.contains("Tähtaeg") && !without.contains(NO_DUE), "{without}");
        args.push(("due", "7. juulil 2026"));
        let with = TEXTS.text(Lang::Et, "case-opened-body", &args);
        assert!(with.contains("\nTähtaeg: 7. juulil 2026\n"), "{with}");
        assert_eq!(without.lines().count() + 1, with.lines().count());
    }

    #[test]
    fn no_letter_has_a_hole_or_a_ragged_line() {
        for lang in Lang::ALL {
            for letter in LETTERS {
                let body = filled(lang, &format!("{}-body", letter.kind), "granted");
                assert!(!body.contains("\n\n\n"), "{body}");
                assert!(body.lines().all(|line| line.trim() == line), "{body}");
            }
        }
    }

    #[test]
    fn a_missing_text_is_estonian_and_else_its_key() {
        let mut texts = Texts::read().0;
        texts.sv = FluentBundle::new_concurrent(Vec::new());
        let args = [("number", "12")];
        let subject = texts.text(Lang::Sv, "incident-subject", &args);
        assert_eq!(subject, texts.text(Lang::Et, "incident-subject", &args));
        assert_eq!(texts.text(Lang::Sv, "no-such-text", &args), "no-such-text");
    }

    #[test]
    fn numbers_and_quotation_marks_arrive_as_they_were_given() {
        let subject = TEXTS.text(Lang::Et, "incident-subject", &[("number", "007 { $link } \"x\"")]);
        assert!(subject.ends_with("007 { $link } \"x\""), "{subject}");
    }

    #[test]
    fn a_language_is_read_from_a_code_or_from_what_a_browser_accepts() {
        for (header, lang) in [
            ("", Lang::Et),
            ("fi", Lang::Fi),
            ("SV-fi", Lang::Sv),
            ("de, en;q=0.5, sv;q=0.8", Lang::Sv),
            ("de, fr", Lang::Et),
            ("fi;q=0, en;q=0.1", Lang::En),
            ("*;q=0.5, fi;q=0.4", Lang::Et),
            ("en;q=verygood, fi;q=0.001", Lang::Fi),
            ("finnish", Lang::Et),
        ] {
            assert_eq!(Lang::accepted(header), lang, "{header}");
        }
        assert_eq!("sv".parse(), Ok(Lang::Sv));
        assert_eq!("de".parse::<Lang>(), Err(UnknownLang));
        assert_eq!("".parse::<Lang>(), Err(UnknownLang));
    }
}
