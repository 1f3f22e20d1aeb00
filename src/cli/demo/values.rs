//! What seeds say in place of a value that is known only when they are entered. A text that begins with
//!
//! * `ref:` names a record of the seeds: its id (`ref:office`);
//! * `day:` is a day, `day:2024-03-01` or counted from today in days, months or years (`day:today`, `day:+30d`,
//!   `day:-2y+1d`);
//! * `code:` is a personal code for a person who does not exist, of the register's country: birth day, sex, and a number
//!   of their own among the seeds (`code:1986-03-14 female 701`, `code:-6y male 702`; in Finland 0 to 49, which makes a
//!   code of the range that nobody is given);
//! * `file:` is a file beside the seeds, by its digest (`file:portrait.png`).

use std::collections::HashMap;

use chrono::{Days, Months, NaiveDate};
use serde_json::Value;
use uuid::Uuid;

use crate::domain::identity::{Country, PersonalCode, Sex};

/// What names stand for.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Records by their name in the seeds.
    pub records: HashMap<String, Uuid>,
    /// Digests of files by their name.
    pub files: HashMap<String, String>,
    /// Country whose personal codes are meant; none: Estonia.
    pub country: Option<Country>,
}

/// Names of the files that a value speaks of.
pub(super) fn files(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.extend(text.strip_prefix("file:").map(str::to_owned)),
        Value::Array(items) => items.iter().for_each(|item| files(item, into)),
        Value::Object(members) => members.values().for_each(|member| files(member, into)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A value with everything said in place of values replaced.
///
/// # Errors
/// A name that stands for nothing, a day or code that cannot be read.
pub(super) fn resolve(value: &Value, names: &Names, today: NaiveDate) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) => Value::String(resolve_text(text, names, today)?),
        Value::Array(items) => {
            Value::Array(items.iter().map(|item| resolve(item, names, today)).collect::<Result<_, _>>()?)
        }
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(key, member)| Ok((key.clone(), resolve(member, names, today)?)))
                .collect::<Result<_, String>>()?,
        ),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    })
}

fn resolve_text(text: &str, names: &Names, today: NaiveDate) -> Result<String, String> {
    let Some((kind, rest)) = text.split_once(':') else {
        return Ok(text.to_owned());
    };
    match kind {
        "ref" => record(rest, names).map(|id| id.to_string()),
        "day" => day(rest, today).map(|d| d.to_string()),
        "code" => code(rest, today, names.country.unwrap_or(Country::Ee)),
        "file" => names.files.get(rest).cloned().ok_or_else(|| format!("there is no file {rest}")),
        _ => Ok(text.to_owned()),
    }
}

/// The record called `name`.
///
/// # Errors
/// When none is, yet.
pub(super) fn record(name: &str, names: &Names) -> Result<Uuid, String> {
    names.records.get(name).copied().ok_or_else(|| format!("no record entered before is called {name}"))
}

/// A day: `2024-03-01`, `today`, or steps from today.
///
/// # Errors
/// A text that is none.
pub(super) fn day(text: &str, today: NaiveDate) -> Result<NaiveDate, String> {
    if text == "today" {
        return Ok(today);
    }
    if let Ok(day) = text.parse() {
        return Ok(day);
    }
    steps(text, today)
        .ok_or_else(|| format!("{text} is no day: write 2024-03-01, today, or steps such as +30d or -2y+1d"))
}

fn steps(text: &str, from: NaiveDate) -> Option<NaiveDate> {
    let mut day = from;
    let mut rest = text;
    while !rest.is_empty() {
        let forward = rest.starts_with('+');
        rest = rest.strip_prefix(['+', '-'])?;
        let end = rest.find(|c: char| !c.is_ascii_digit())?;
        let (amount, after) = rest.split_at_checked(end)?;
        let amount: u32 = amount.parse().ok()?;
        let (unit, after) = after.split_at_checked(1)?;
        rest = after;
        day = match unit {
            "d" if forward => day.checked_add_days(Days::new(amount.into()))?,
            "d" => day.checked_sub_days(Days::new(amount.into()))?,
            "m" | "y" => {
                let months = if unit == "y" { amount.checked_mul(12)? } else { amount };
                if forward {
                    day.checked_add_months(Months::new(months))?
                } else {
                    day.checked_sub_months(Months::new(months))?
                }
            }
            _ => return None,
        };
    }
    (!text.is_empty()).then_some(day)
}

/// A personal code for a person who does not exist.
fn code(text: &str, today: NaiveDate, country: Country) -> Result<String, String> {
    let wanted = || format!("{text} is no code: write birth day, sex and number, as 1986-03-14 female 701");
    let mut words = text.split_whitespace();
    let (Some(birth), Some(sex), Some(serial), None) = (words.next(), words.next(), words.next(), words.next()) else {
        return Err(wanted());
    };
    let sex = match sex {
        "male" => Sex::Male,
        "female" => Sex::Female,
        _ => return Err(wanted()),
    };
    let serial = serial.parse().map_err(|_| wanted())?;
    let birth = day(birth, today)?;
    let made = match country {
        Country::Ee => PersonalCode::fictitious_ee(birth, sex, serial),
        Country::Fi => PersonalCode::fictitious_fi(birth, sex, serial),
    };
    made.map(|code| code.as_str().to_owned()).ok_or_else(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 3, 31).unwrap()
    }

    #[test]
    fn days_are_counted_from_today() {
        let day = |text| day(text, today()).unwrap().to_string();
        assert_eq!(day("today"), "2026-03-31");
        assert_eq!(day("2024-02-29"), "2024-02-29");
        assert_eq!(day("+30d"), "2026-04-30");
        assert_eq!(day("-1m"), "2026-02-28");
        assert_eq!(day("-2y+1d"), "2024-04-01");
        for wrong in ["", "+", "+d", "5d", "+5w", "+99999999999y", "tomorrow", "+5d "] {
            assert!(super::day(wrong, today()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn values_are_replaced_wherever_they_stand() {
        let id = Uuid::from_u128(7);
        let names = Names {
            records: HashMap::from([("office".to_owned(), id)]),
            files: HashMap::from([("a.png".to_owned(), "ff".to_owned())]),
            country: None,
        };
        let seed = json!({ "a": ["ref:office", "day:today"], "b": { "c": "file:a.png", "d": 1, "e": "at 10:30" } });
        let found = resolve(&seed, &names, today()).unwrap();
        assert_eq!(found, json!({ "a": [id, "2026-03-31"], "b": { "c": "ff", "d": 1, "e": "at 10:30" } }));
        let mut seen = Vec::new();
        files(&seed, &mut seen);
        assert_eq!(seen, ["a.png"]);
        for wrong in ["ref:nobody", "file:b.png", "day:soon", "code:x"] {
            assert!(resolve(&json!([wrong]), &names, today()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn codes_are_valid_and_of_the_person_described() {
        let text = code("1986-03-14 female 701", today(), Country::Ee).unwrap();
        let read = PersonalCode::parse(Country::Ee, &text, today()).unwrap();
        assert_eq!(read.birth_date().to_string(), "1986-03-14");
        assert_eq!(read.sex(), Some(Sex::Female));
        let child = code("-6y male 702", today(), Country::Ee).unwrap();
        assert!(PersonalCode::parse(Country::Ee, &child, today()).unwrap().is_minor_on(today()));
        for wrong in ["1986-03-14 female", "1986-03-14 other 1", "1986-03-14 male 1000", "x male 1"] {
            assert!(code(wrong, today(), Country::Ee).is_err(), "{wrong}");
        }
        let finnish = code("2011-05-06 female 7", today(), Country::Fi).unwrap();
        assert_eq!(&finnish[..10], "060511A914");
        assert!(PersonalCode::parse(Country::Fi, &finnish, today()).is_ok());
        assert!(code("2011-05-06 female 50", today(), Country::Fi).is_err());
    }
}
