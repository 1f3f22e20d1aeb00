//! Words of a text, as they are compared and as days are written.

use chrono::NaiveDate;

use super::line::lowered;

/// Months as they stand in dates: `12. detsember 2019`, `12. detsembri 2019`, `12. detsembril 2019`.
const MONTHS: [&str; 12] = [
    "jaanuar", "veebruar", "märts", "aprill", "mai", "juuni", "juuli", "august", "septemb", "oktoob", "novemb",
    "detsemb",
];

/// The month, 1 to 12, whose name begins `word`.
pub(super) fn month(word: &str) -> Option<u32> {
    let word = word.to_lowercase();
    let index = MONTHS.iter().position(|name| word.starts_with(name))?;
    u32::try_from(index).ok()?.checked_add(1)
}

/// A day as statutes write it: `12.12.2019`, `12. detsembril 2019`.
pub(super) fn day(text: &str) -> Option<NaiveDate> {
    let text = text.trim();
    if let Ok(day) = NaiveDate::parse_from_str(text.trim_end_matches('.'), "%d.%m.%Y") {
        return Some(day);
    }
    let (day, rest) = text.split_once(". ")?;
    let (name, year) = rest.split_once(' ')?;
    let year = year.trim_end_matches(['.', ' ', 'a']);
    NaiveDate::from_ymd_opt(year.parse().ok()?, month(name)?, day.parse().ok()?)
}

/// Days of every year that `text` names, as `MM-DD`: `10. septembril`.
pub(super) fn yearly_days(text: &str) -> Vec<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let pairs = words.iter().zip(words.iter().skip(1));
    let named = pairs.filter_map(|(number, name)| {
        let number: u32 = number.strip_suffix('.')?.parse().ok().filter(|n| (1..=31).contains(n))?;
        Some(format!("{:02}-{number:02}", month(name)?))
    });
    named.collect()
}

/// A text as two texts are compared: quotation marks, dashes and spaces of one kind, superscripts on the line, without
/// full stops, semicolons and the like at its end.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '„' | '“' | '”' | '«' | '»' | '’' | '‘' | '\'' | '‟' => out.push('"'),
            '–' | '—' | '−' | '‑' | '‐' | '―' => out.push('-'),
            '\u{ad}' | '\u{200b}' | '\u{feff}' => {}
            c if c.is_whitespace() => out.push(' '),
            c => out.push(lowered(c).unwrap_or(c)),
        }
    }
    let words: Vec<&str> = out.split(' ').filter(|word| !word.is_empty()).collect();
    words.join(" ").trim_end_matches(['.', ';', ',', ':', ' ']).to_owned()
}

/// Whether `part` stands in `whole`, both compared as [`plain`], capital letters aside. Words are whole: `asutus` does not
/// stand in `asutuse`.
pub(super) fn contains(whole: &str, part: &str) -> bool {
    let (whole, part) = (plain(whole).to_lowercase(), plain(part).to_lowercase());
    if part.is_empty() {
        return true;
    }
    let is_edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    whole.match_indices(&part).any(|(at, found)| {
        let before = whole.get(..at).and_then(|s| s.chars().next_back());
        let after = whole.get(at.saturating_add(found.len())..).and_then(|s| s.chars().next());
        is_edge(before) && is_edge(after)
    })
}

/// Words that only join others.
const JOINING: [&str; 5] = ["ja", "ning", "või", "sh", "sealhulgas"];

/// The words of a text that say something. A word of which only the beginning is written (`ees-`) keeps its hyphen.
pub(super) fn words(text: &str) -> Vec<String> {
    let text = plain(text).to_lowercase();
    text.split(|c: char| !c.is_alphanumeric() && c != '-')
        .filter(|word| word.chars().any(char::is_alphanumeric) && !JOINING.contains(word))
        .map(str::to_owned)
        .collect()
}

/// Whether the words of `whole` are all among those of `parts`: a point that is divided among several.
pub(super) fn divided(whole: &str, parts: &[&str]) -> bool {
    let there: Vec<String> = parts.iter().flat_map(|part| words(part)).collect();
    words(whole).iter().all(|word| match word.strip_suffix('-') {
        Some(beginning) => there.iter().any(|other| other.starts_with(beginning)),
        None => there.contains(word),
    })
}

/// The first words of a text, to name it by.
pub(super) fn beginning(text: &str) -> String {
    const MOST: usize = 70;
    let mut short = String::new();
    for word in text.split(' ') {
        if short.chars().count().saturating_add(word.chars().count()) > MOST {
            return short + " …";
        }
        if !short.is_empty() {
            short.push(' ');
        }
        short.push_str(word);
    }
    short
}
