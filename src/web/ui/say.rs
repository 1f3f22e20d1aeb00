//! What is said to people: texts, labels, days and numbers in the visitor's language.

use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use chrono_tz::Tz;

use crate::domain::statute::{Label, Language};
use crate::locale::{Lang, TEXTS};

/// A no-break space: between thousands, before units.
const NBSP: char = '\u{a0}';

/// The texts and forms of one language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct T {
    /// The language.
    pub lang: Lang,
    /// Whether texts are drawn out by two fifths and marked, so that tests find what would not fit or was not translated.
    pub stretched: bool,
}

/// A text with its language, where that is not the page's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Said {
    /// The text.
    pub text: String,
    /// Language, where it differs from the page's: Estonian words of the statute that have no translation.
    pub lang: Option<&'static str>,
}

impl std::fmt::Display for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl T {
    /// In a language.
    pub const fn new(lang: Lang) -> Self {
        Self { lang, stretched: false }
    }

    /// Code of the language.
    pub const fn code(&self) -> &'static str {
        self.lang.code()
    }

    /// The text `key`.
    pub fn say(&self, key: &str) -> String {
        self.say_with(key, &[])
    }

    /// The text `key` with `args` in the places of its variables.
    pub fn say_with(&self, key: &str, args: &[(&str, &str)]) -> String {
        let text = TEXTS.text(self.lang, key, args);
        if self.stretched { stretch(&text) } else { text }
    }

    /// The text `key`, or nothing where there is none: for keys made of words of the code.
    pub fn say_if(&self, key: &str) -> Option<String> {
        TEXTS.has(key).then(|| self.say(key))
    }

    /// A text of a definition. What has no translation stays in the language of the source and says so to screen
    /// readers.
    pub fn label(&self, label: &Label) -> Said {
        let shown = |text: &str| if self.stretched { stretch(text) } else { text.to_owned() };
        match Language::of(self.code()).and_then(|language| label.text(language)) {
            Some(text) => Said { text: shown(text), lang: None },
            None => Said { text: shown(label.official()), lang: Some(label.official.code()) },
        }
    }

    /// A day: `10.09.2026`, in English `10 September 2026`, in Finnish and Swedish `10.9.2026`.
    pub fn day(&self, day: NaiveDate) -> String {
        match self.lang {
            Lang::Et => day.format("%d.%m.%Y").to_string(),
            Lang::En => day.format("%-d %B %Y").to_string(),
            Lang::Fi | Lang::Sv => format!("{}.{}.{}", day.day(), day.month(), day.year()),
        }
    }

    /// A day with the day of its week: `neljapäev, 10.09.2026`.
    pub fn weekday(&self, day: NaiveDate) -> String {
        let name = self.say(match day.weekday() {
            chrono::Weekday::Mon => "frame-monday",
            chrono::Weekday::Tue => "frame-tuesday",
            chrono::Weekday::Wed => "frame-wednesday",
            chrono::Weekday::Thu => "frame-thursday",
            chrono::Weekday::Fri => "frame-friday",
            chrono::Weekday::Sat => "frame-saturday",
            chrono::Weekday::Sun => "frame-sunday",
        });
        format!("{name}, {}", self.day(day))
    }

    /// An instant to the minute, as clocks in `zone` show it: `18.11.2026 10:12`.
    pub fn instant(&self, instant: DateTime<Utc>, zone: Tz) -> String {
        let there = instant.with_timezone(&zone);
        format!("{} {}", self.day(there.date_naive()), there.format("%H:%M"))
    }

    /// A decimal number as it stands in data (`1.20`) as people write it (`1,20`), thousands apart.
    pub fn decimal(&self, number: &str) -> String {
        let (sign, rest) = number.strip_prefix('-').map_or(("", number), |rest| ("−", rest));
        let (whole, part) = rest.split_once('.').map_or((rest, None), |(w, p)| (w, Some(p)));
        let comma = if self.lang == Lang::En { '.' } else { ',' };
        let mut out = format!("{sign}{}", grouped(whole));
        if let Some(part) = part {
            out.push(comma);
            out.push_str(part);
        }
        out
    }

    /// Euros: `1820,00 €`, in English `€1820.00`.
    pub fn money(&self, amount: &str) -> String {
        match self.lang {
            Lang::En => format!("€{}", self.decimal(amount)),
            _ => format!("{}{NBSP}€", self.decimal(amount)),
        }
    }

    /// A whole number, thousands apart.
    pub fn count(&self, number: i64) -> String {
        self.decimal(&number.to_string())
    }
}

/// Digits in threes, from five digits on: a year-like number of four stays whole.
fn grouped(digits: &str) -> String {
    if digits.len() < 5 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return digits.to_owned();
    }
    let mut out = String::with_capacity(digits.len() * 2);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(NBSP);
        }
        out.push(digit);
    }
    out
}

/// A text drawn out by two fifths, between marks.
fn stretch(text: &str) -> String {
    let more = text.chars().count() * 2 / 5;
    let tail: String = "lõõõöpp ".chars().cycle().take(more).collect();
    format!("[{text}{tail}]")
}

/// A personal code with its middle hidden: `485•••••991`. What is short is hidden whole.
pub fn masked(code: &str) -> String {
    let chars: Vec<char> = code.chars().collect();
    if chars.len() < 8 {
        return "•".repeat(chars.len());
    }
    let (first, last) = (3, chars.len() - 3);
    chars.iter().enumerate().map(|(i, c)| if (first..last).contains(&i) { '•' } else { *c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_numbers_are_written_as_each_language_writes_them() {
        let day = NaiveDate::from_ymd_opt(2026, 9, 5).unwrap();
        let say = |lang| (T::new(lang).day(day), T::new(lang).decimal("12345.60"), T::new(lang).money("-1820.00"));
        assert_eq!(say(Lang::Et), ("05.09.2026".into(), "12\u{a0}345,60".into(), "−1820,00\u{a0}€".into()));
        assert_eq!(say(Lang::En), ("5 September 2026".into(), "12\u{a0}345.60".into(), "€−1820.00".into()));
        assert_eq!((say(Lang::Sv).0, say(Lang::Fi).0), ("5.9.2026".into(), "5.9.2026".into()));
    }

    #[test]
    fn a_masked_code_shows_neither_the_day_of_birth_nor_too_much_of_a_short_one() {
        assert_eq!(masked("48501011991"), "485•••••991");
        assert_eq!(masked("1234567"), "•••••••");
        assert_eq!(masked(""), "");
    }

    #[test]
    fn what_has_no_translation_stays_estonian_and_says_so() {
        let label = Label { en: Some("Load".into()), ..Label::estonian("Koormus") };
        assert_eq!(T::new(Lang::En).label(&label), Said { text: "Load".into(), lang: None });
        assert_eq!(T::new(Lang::Fi).label(&label), Said { text: "Koormus".into(), lang: Some("et") });
        assert_eq!(T::new(Lang::Et).label(&label).lang, None);
    }

    #[test]
    fn a_stretched_text_is_longer_by_two_fifths_and_marked() {
        let t = T { stretched: true, ..T::new(Lang::Et) };
        let (plain, long) = (T::new(Lang::Et).say("frame-desk"), t.say("frame-desk"));
        assert!(long.chars().count() >= plain.chars().count() * 7 / 5 && long.starts_with('['));
    }
}
