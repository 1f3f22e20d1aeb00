//! Values that follow from others and are never entered: sex, birth date and age from a personal code,
//! the end of a period, the length of a period in days.
//!
//! *Not here*: what follows from other records ([`aggregates`] lists those fields; `store` counts).

use chrono::{Datelike, Days, Months, NaiveDate};
use serde_json::{Map, Value};

use super::validate::lexical::date;
use crate::domain::identity::{Country, PersonalCode};
use crate::domain::statute::RecordType;
use crate::domain::statute::definition::{Derived, Field, Take};

/// Computes the derived fields of a record that follow from the record itself, in groups and in the
/// rows of lists too. Where the source is absent or makes no sense, the derived field is absent.
///
/// `country` is that of the register, for personal codes whose field names none; `day` is the day on
/// which an age is asked.
pub fn derive(record_type: &RecordType, country: &str, data: &mut Value, day: NaiveDate) {
    Day { country, day }.fill(&record_type.fields, data);
}

/// The fields of a record that are counted or summed over other records.
#[must_use]
pub fn aggregates(record_type: &RecordType) -> Vec<&Field> {
    let is_aggregate = |field: &&Field| {
        let take = field.derived.as_ref().map(|derived| derived.take);
        matches!(take, Some(Take::Count | Take::CountDistinct | Take::Sum))
    };
    record_type.fields.iter().filter(is_aggregate).collect()
}

/// Where and when a derivation is made.
#[derive(Clone, Copy)]
struct Day<'a> {
    country: &'a str,
    day: NaiveDate,
}

impl Day<'_> {
    fn fill(self, fields: &[Field], value: &mut Value) {
        match value {
            Value::Array(rows) => rows.iter_mut().for_each(|row| self.fill(fields, row)),
            Value::Object(members) => {
                for field in fields.iter().filter(|field| !field.parts.is_empty()) {
                    if let Some(group) = members.get_mut(&field.name) {
                        self.fill(&field.parts, group);
                    }
                }
                for field in fields {
                    let Some(derived) = &field.derived else {
                        continue;
                    };
                    match self.value(derived, fields, members) {
                        Outcome::Value(value) => {
                            members.insert(field.name.clone(), value);
                        }
                        Outcome::Absent => {
                            members.remove(&field.name);
                        }
                        Outcome::Elsewhere => {}
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn value(self, derived: &Derived, fields: &[Field], members: &Map<String, Value>) -> Outcome {
        let source = Source { derived, fields, members };
        let value = match derived.take {
            Take::Sex => self.sex(source),
            Take::BirthDate => self.birth_date(source).map(|day| day.to_string().into()),
            Take::Age => self.birth_date(source).and_then(|birth| age(birth, self.day)),
            Take::PeriodEnd => period_end(source).map(|day| day.to_string().into()),
            Take::DaysInclusive => days_inclusive(source),
            Take::Count | Take::CountDistinct | Take::Sum => return Outcome::Elsewhere,
        };
        value.map_or(Outcome::Absent, Outcome::Value)
    }

    fn sex(self, source: Source<'_>) -> Option<Value> {
        match self.personal_code(source) {
            Some(code) => code.sex().map(|sex| sex.as_str().into()),
            None => source.otherwise().cloned(),
        }
    }

    fn birth_date(self, source: Source<'_>) -> Option<NaiveDate> {
        match self.personal_code(source) {
            Some(code) => Some(code.birth_date()),
            None => date(source.otherwise()?.as_str()?),
        }
    }

    /// The code in `from`. It was checked when it was entered, so that no day is to be minded now.
    fn personal_code(self, source: Source<'_>) -> Option<PersonalCode> {
        let text = source.from()?.as_str()?;
        let name = source.derived.from.as_deref()?;
        let field = source.fields.iter().find(|field| field.name == name);
        let country = field.and_then(|field| field.country.as_deref()).unwrap_or(self.country);
        PersonalCode::parse(country.parse::<Country>().ok()?, text, NaiveDate::MAX).ok()
    }
}

/// What became of a derivation.
enum Outcome {
    Value(Value),
    Absent,
    /// It does not follow from this record alone.
    Elsewhere,
}

/// What a derivation takes from, and where.
#[derive(Clone, Copy)]
struct Source<'a> {
    derived: &'a Derived,
    fields: &'a [Field],
    members: &'a Map<String, Value>,
}

impl<'a> Source<'a> {
    fn from(self) -> Option<&'a Value> {
        self.members.get(self.derived.from.as_deref()?)
    }

    fn to(self) -> Option<&'a Value> {
        self.members.get(self.derived.to.as_deref()?)
    }

    /// What was entered for want of `from`.
    fn otherwise(self) -> Option<&'a Value> {
        if self.from().is_some() {
            return None;
        }
        let name = self.derived.otherwise.as_ref().or(self.derived.to.as_ref())?;
        self.members.get(name)
    }
}

/// Full years of life on `day`. Somebody born on 29 February turns a year older on 1 March of a year
/// without that day, as [`PersonalCode::age_on`] has it.
fn age(birth: NaiveDate, day: NaiveDate) -> Option<Value> {
    let years = day.years_since(birth)?;
    Some(years.into())
}

/// The last day of a period that begins on the day `from` and is as long as the group `to` says.
fn period_end(source: Source<'_>) -> Option<NaiveDate> {
    let start = date(source.from()?.as_str()?)?;
    let period = source.to()?;
    let amount = u32::try_from(period.get("amount")?.as_u64()?).ok().filter(|amount| *amount > 0)?;
    let after = match period.get("unit")?.as_str()? {
        "day" => start.checked_add_days(Days::new(amount.into()))?,
        "month" => start.checked_add_months(Months::new(amount))?,
        "year" => start.checked_add_months(Months::new(amount.checked_mul(12)?))?,
        _ => return None,
    };
    after.pred_opt().filter(|end| end.year() <= 9999)
}

/// The days from `from` to `to`, both counted.
fn days_inclusive(source: Source<'_>) -> Option<Value> {
    let from = date(source.from()?.as_str()?)?;
    let to = date(source.to()?.as_str()?)?;
    let days = to.signed_duration_since(from).num_days() + 1;
    (days > 0).then(|| days.into())
}
