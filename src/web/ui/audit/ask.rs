//! What a supervisor asks of the log, as they type it (`isik: kes: toiming: aeg: alus: -x`), as it stands in an address,
//! and as the act takes it. Who is asked about and why somebody said they looked are personal: they are kept by the
//! server and never stand in an address.

use chrono::{DateTime, Datelike as _, Months, NaiveDate, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::domain::audit::Kind;
use crate::domain::calendar::end_of_day;
use crate::domain::registers::Register;
use crate::locale::Lang;
use crate::store::read::audit::{AuditQuery, Member};
use crate::web::context::percent_encoded;
use crate::web::ui::T;
use crate::web::ui::visit::{Guest, day};

/// What can be asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// Whose data.
    Person,
    /// Which record.
    Record,
    /// Who did it.
    Who,
    /// What was done.
    What,
    /// When.
    When,
    /// Why.
    Why,
    /// In which role.
    Role,
    /// Permitted or refused.
    Decision,
}

impl Key {
    /// Every key, in the order of the query line.
    pub const ALL: [Self; 8] =
        [Self::Person, Self::Record, Self::Who, Self::What, Self::When, Self::Why, Self::Role, Self::Decision];

    /// Its words: Estonian, English, Finnish, Swedish.
    const fn words(self) -> [&'static str; 4] {
        match self {
            Self::Person => ["isik", "person", "henkilö", "person"],
            Self::Record => ["kirje", "record", "tietue", "post"],
            Self::Who => ["kes", "who", "kuka", "vem"],
            Self::What => ["toiming", "action", "toimi", "åtgärd"],
            Self::When => ["aeg", "time", "aika", "tid"],
            Self::Why => ["alus", "purpose", "peruste", "grund"],
            Self::Role => ["roll", "role", "rooli", "roll"],
            Self::Decision => ["otsus", "decision", "päätös", "beslut"],
        }
    }

    /// Its word in a language.
    pub const fn word(self, lang: Lang) -> &'static str {
        let words = self.words();
        match lang {
            Lang::Et => words[0],
            Lang::En => words[1],
            Lang::Fi => words[2],
            Lang::Sv => words[3],
        }
    }

    fn parse(word: &str) -> Option<Self> {
        let word = word.to_lowercase();
        Self::ALL.into_iter().find(|k| k.words().contains(&word.as_str()))
    }

    /// Its name in addresses and forms; empty for what stands in no address.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Record => "record_id",
            Self::Who => "who",
            Self::What => "what",
            Self::When => "when",
            Self::Why => "why",
            Self::Role => "role",
            Self::Decision => "decision",
        }
    }
}

/// What is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// Values, in the order of the keys, each with whether it is to be left out.
    pub parts: Vec<(Key, String, bool)>,
    /// Under which id the server keeps what is personal.
    pub kept: Option<Uuid>,
}

/// Words of the line that say nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread(pub Vec<String>);

impl Asked {
    /// The value of a key that is asked for.
    pub fn get(&self, key: Key) -> Option<&str> {
        self.parts.iter().find(|(k, _, not)| *k == key && !not).map(|(_, v, _)| v.as_str())
    }

    /// The same with another value in the place of the one there was; without one where it is empty.
    #[must_use]
    pub fn with(&self, key: Key, value: &str) -> Self {
        let mut next = self.clone();
        next.parts.retain(|(k, _, not)| *k != key || *not);
        if !value.is_empty() {
            next.parts.push((key, value.to_owned(), false));
        }
        if key == Key::Person && value.is_empty() {
            next.kept = None;
        }
        next
    }

    /// The same without the part at `place`.
    #[must_use]
    pub fn without(&self, place: usize) -> Self {
        let mut next = self.clone();
        let gone = next.parts.remove(place);
        if gone.0 == Key::Person {
            next.kept = None;
        }
        next
    }

    /// What the server keeps of it; nothing where nothing is personal.
    pub fn personal(&self, register: &Register) -> Option<Value> {
        let kept: Vec<Value> = self
            .parts
            .iter()
            .filter(|(k, v, _)| is_personal(register, *k, v))
            .map(|(k, v, not)| json!([k.name(), v, not]))
            .collect();
        (!kept.is_empty()).then(|| json!({ "audit": kept }))
    }

    /// What the server kept.
    pub fn restore(&mut self, kept: &Value) {
        for part in kept["audit"].as_array().into_iter().flatten() {
            let key = Key::ALL.into_iter().find(|k| Some(k.name()) == part[0].as_str());
            if let (Some(key), Some(value)) = (key, part[1].as_str()) {
                self.parts.insert(0, (key, value.to_owned(), part[2].as_bool().unwrap_or(false)));
            }
        }
    }

    /// What an address says.
    pub fn of(guest: &Guest) -> Self {
        let mut asked = Self { kept: guest.q("q").and_then(|q| Uuid::parse_str(q).ok()), parts: Vec::new() };
        for (name, value) in guest.query() {
            let value = value.trim();
            if value.is_empty() {
                continue;
            }
            let (name, not) = name.strip_prefix("not_").map_or((name.as_str(), false), |n| (n, true));
            if let Some(key) = Key::ALL.into_iter().find(|k| k.name() == name && *k != Key::Person) {
                asked.parts.push((key, value.to_owned(), not));
            }
        }
        asked
    }

    /// The query of its address: `?who=…`.
    pub fn query(&self, register: &Register) -> String {
        let mut parts: Vec<String> = self.kept.iter().map(|id| format!("q={id}")).collect();
        for (key, value, not) in self.parts.iter().filter(|(k, v, _)| !is_personal(register, *k, v)) {
            let not = if *not { "not_" } else { "" };
            parts.push(format!("{not}{}={}", key.name(), percent_encoded(value)));
        }
        if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
    }

    /// The line as it is typed.
    pub fn line(&self, t: T) -> String {
        let part = |(key, value, not): &(Key, String, bool)| {
            let quote = if value.contains(char::is_whitespace) { "\"" } else { "" };
            format!("{}{}:{quote}{value}{quote}", if *not { "-" } else { "" }, key.word(t.lang))
        };
        self.parts.iter().map(part).collect::<Vec<_>>().join(" ")
    }

    /// Reads a line: qualifiers in the words of any language, and words alone, which are a personal code, a record, an
    /// action or else a user name.
    ///
    /// # Errors
    /// The words that say nothing.
    pub fn read(line: &str, register: &Register, t: T) -> Result<Self, Unread> {
        let (mut asked, mut unread) = (Self::default(), Vec::new());
        for token in tokens(line) {
            let (not, rest) = token.strip_prefix('-').map_or((false, token.as_str()), |rest| (true, rest));
            let pair = rest.split_once(':').and_then(|(word, value)| Some((Key::parse(word)?, value.trim())));
            // `-alus` alone asks for what was done without one.
            let alone = Key::parse(rest).filter(|_| not);
            let part = match (pair, alone) {
                (Some((_, "")), _) => None,
                (Some((key, value)), _) => Some((key, value.to_owned(), not)),
                (None, Some(key @ (Key::Why | Key::Role))) => Some((key, "none".to_owned(), false)),
                (None, _) if rest.contains(':') || rest.is_empty() => None,
                (None, _) => Some((guess(rest, register, t), rest.to_owned(), not)),
            };
            match part.and_then(|(k, v, not)| Some((k, meant(k, &v, register, t)?, not))) {
                Some(part) => asked.parts.push(part),
                None => unread.push(token),
            }
        }
        if unread.is_empty() { Ok(asked) } else { Err(Unread(unread)) }
    }

    /// The days asked about: the first and the one after the last; and whether they were asked for.
    pub fn days(&self, today: NaiveDate) -> (NaiveDate, NaiveDate, bool) {
        if let Some((from, to)) = self.get(Key::When).and_then(period) {
            return (from, to, true);
        }
        let this = today.with_day(1).unwrap_or(today);
        let next = this.checked_add_months(Months::new(1)).unwrap_or(today);
        (this.checked_sub_months(Months::new(11)).unwrap_or(this), next, false)
    }

    /// What the act takes.
    pub fn wanted(&self, register: &Register, today: NaiveDate, cursor: Option<Uuid>, limit: i64) -> AuditQuery {
        let zone = register.definition.register.time_zone;
        let (from, to, _) = self.days(today);
        let text = |key: Key| self.get(key).map(str::to_owned);
        let what = text(Key::What);
        let kind = what.clone().filter(|w| is_kind(w));
        AuditQuery {
            actor: text(Key::Who),
            subject: text(Key::Person),
            action: what.filter(|w| !is_kind(w)),
            from: Some(start(from, zone)),
            to: Some(start(to, zone)),
            record_id: self.get(Key::Record).and_then(|id| Uuid::parse_str(id).ok()),
            decision: text(Key::Decision),
            purpose: text(Key::Why).map(|why| purpose_text(register, &why)),
            role: text(Key::Role),
            kind,
            except: self
                .parts
                .iter()
                .filter(|(_, _, not)| *not)
                .filter_map(|(key, value, _)| {
                    let member = match key {
                        Key::Who => Member::Actor,
                        Key::What if is_kind(value) => Member::Kind,
                        Key::What => Member::Action,
                        Key::Why => return Some((Member::Purpose, purpose_text(register, value))),
                        Key::Role => Member::Role,
                        Key::Decision => Member::Decision,
                        Key::Person | Key::Record | Key::When => return None,
                    };
                    Some((member, value.clone()))
                })
                .collect(),
            limit,
            cursor,
        }
    }
}

/// Whether a value must not stand in an address: whose data, and reasons in somebody's own words.
fn is_personal(register: &Register, key: Key, value: &str) -> bool {
    match key {
        Key::Person => true,
        Key::Why => value != "none" && !register.definition.register.purposes.iter().any(|p| p.name == value),
        _ => false,
    }
}

/// The words of a line; what stands between quotation marks is one.
fn tokens(line: &str) -> Vec<String> {
    let (mut out, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for c in line.chars().take(2_000) {
        match c {
            '"' => quoted = !quoted,
            c if c.is_whitespace() && !quoted => {
                if !word.is_empty() {
                    out.push(std::mem::take(&mut word));
                }
            }
            c => word.push(c),
        }
    }
    if !word.is_empty() {
        out.push(word);
    }
    out.truncate(30);
    out
}

fn guess(word: &str, register: &Register, t: T) -> Key {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    if Uuid::parse_str(word).is_ok() {
        Key::Record
    } else if digits >= 6 {
        Key::Person
    } else if period(word).is_some() {
        Key::When
    } else if meant(Key::What, word, register, t).is_some_and(|w| is_kind(&w) || w.contains('.')) {
        Key::What
    } else {
        Key::Who
    }
}

/// The value that a word means: a kind of event by its name in any language, a role or a purpose by its label.
fn meant(key: Key, word: &str, register: &Register, t: T) -> Option<String> {
    let source = &register.definition.register;
    let same = |label: &str| label.to_lowercase() == word.to_lowercase();
    let none = ["puudub", "none", "puuttuu", "saknas"].contains(&word.to_lowercase().as_str());
    match key {
        Key::Record => Uuid::parse_str(word).ok().map(|id| id.to_string()),
        Key::When => period(word).map(|_| word.to_owned()),
        Key::What => {
            let named = Kind::ALL.into_iter().map(Kind::as_str).find(|kind| {
                same(kind)
                    || Lang::ALL.into_iter().any(|lang| same(&T { lang, ..t }.say(&format!("audit-kind-{kind}"))))
            });
            let known = |w: &str| w.bytes().all(|b| b.is_ascii_lowercase() || b == b'.' || b == b'_') && !w.is_empty();
            named.map(str::to_owned).or_else(|| Some(word.to_lowercase()).filter(|w| known(w)))
        }
        Key::Decision => {
            let is = |key: &str| Lang::ALL.into_iter().any(|lang| same(&T { lang, ..t }.say(key)));
            match word {
                "denied" | "permitted" => Some(word.to_owned()),
                _ if is("audit-decision-denied") => Some("denied".into()),
                _ if is("audit-decision-permitted") => Some("permitted".into()),
                _ => None,
            }
        }
        Key::Role => {
            let role = source
                .roles
                .iter()
                .find(|r| same(&r.name) || same(r.label.official()) || same(&t.label(&r.label).text));
            if none { Some("none".into()) } else { Some(role.map_or_else(|| word.to_owned(), |r| r.name.clone())) }
        }
        Key::Why if none => Some("none".into()),
        Key::Why => {
            let purpose = source.purposes.iter().find(|p| same(&p.name) || same(p.label.official()));
            Some(purpose.map_or_else(|| word.to_owned(), |p| p.name.clone()))
        }
        Key::Person | Key::Who => Some(word.to_owned()),
    }
}

/// The purpose as it stands in the log.
fn purpose_text(register: &Register, why: &str) -> String {
    let known = register.definition.register.purposes.iter().find(|p| p.name == why);
    known.map_or_else(|| why.to_owned(), |p| p.label.official().to_owned())
}

/// Whether a word is a coarse kind of event.
pub fn is_kind(word: &str) -> bool {
    Kind::ALL.into_iter().any(|k| k.as_str() == word)
}

/// The instant at which a day begins.
pub fn start(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    day.pred_opt()
        .and_then(|before| end_of_day(before, zone))
        .unwrap_or_else(|| day.and_time(chrono::NaiveTime::MIN).and_utc())
}

/// A period as people write it: a year, a month (`2026-03`, `03.2026`), a day, or two of them with `..` between. Gives
/// its first day and the first one after it.
pub fn period(text: &str) -> Option<(NaiveDate, NaiveDate)> {
    if let Some((from, to)) = text.split_once("..") {
        let (from, to) = (period(from)?.0, period(to)?.1);
        return (from < to).then_some((from, to));
    }
    let year = |y: &str| y.parse::<i32>().ok().filter(|_| y.len() == 4 && y.bytes().all(|b| b.is_ascii_digit()));
    if let Some(y) = year(text) {
        return Some((NaiveDate::from_ymd_opt(y, 1, 1)?, NaiveDate::from_ymd_opt(y + 1, 1, 1)?));
    }
    let halves = text.split_once('-').or_else(|| text.split_once('.').map(|(m, y)| (y, m)));
    if let Some((y, m)) = halves
        && let (Some(y), Ok(m)) = (year(y), m.parse::<u32>())
    {
        let first = NaiveDate::from_ymd_opt(y, m, 1)?;
        return Some((first, first.checked_add_months(Months::new(1))?));
    }
    let day = day(text)?;
    Some((day, day.succ_opt()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_read_as_people_write_them() {
        let days = |text| period(text).map(|(a, b)| format!("{a} {b}"));
        assert_eq!(days("2026-03").as_deref(), Some("2026-03-01 2026-04-01"));
        assert_eq!(days("12.2026").as_deref(), Some("2026-12-01 2027-01-01"));
        assert_eq!(days("2026").as_deref(), Some("2026-01-01 2027-01-01"));
        assert_eq!(days("5.3.2026").as_deref(), Some("2026-03-05 2026-03-06"));
        assert_eq!(days("2026-03-05..2026-03-07").as_deref(), Some("2026-03-05 2026-03-08"));
        for wrong in ["", "märts", "2026-13", "26-03", "2026-03-07..2026-03-05"] {
            assert_eq!(days(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn words_between_quotation_marks_are_one() {
        assert_eq!(tokens("isik:\"Liis Mets\"  aeg:2026-03"), ["isik:Liis Mets", "aeg:2026-03"]);
    }

    #[test]
    fn every_key_has_its_word_in_every_language() {
        for lang in Lang::ALL {
            for key in Key::ALL {
                assert_eq!(Key::parse(key.word(lang)), Some(key));
            }
        }
    }
}
