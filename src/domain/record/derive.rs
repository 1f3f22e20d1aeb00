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
        matches!(take, Some(Take::Count | Take::CountDistinct | Take::Sum | Take::CountBy))
    };
    record_type.fields.iter().filter(is_aggregate).collect()
}

/// The fields of a record that hold its relations to other records.
pub fn relations(record_type: &RecordType) -> impl Iterator<Item = &Field> {
    record_type.fields.iter().filter(|f| f.derived.as_ref().is_some_and(|d| d.take == Take::Related))
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
            Take::BirthYear => self.birth_date(source).map(|day| day.year().into()),
            Take::PeriodEnd => period_end(source).map(|day| day.to_string().into()),
            Take::DaysInclusive => days_inclusive(source),
            Take::Count | Take::CountDistinct | Take::Sum | Take::CountBy | Take::Related => return Outcome::Elsewhere,
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::validate::samples::{
        EMPLOYEE, INSTITUTION, LISTS, PERSON, day, definition, employee, personal_code, record_type,
    };
    use super::*;

    fn derived(name: &str, country: &str, mut data: Value, on: &str) -> Value {
        let definition = definition(country, &[EMPLOYEE, INSTITUTION, DATED, PERSON], LISTS);
        derive(record_type(&definition, name), country, &mut data, day(on));
        data
    }

    /// A person with dates that follow from others.
    const DATED: &str = r#"
      name = "dated"
      label.et = "x"
      clause = "§ 1"
      title = []
      base_documents = []
      section = []
      field = [
        { name = "code", type = "personal_code", label.et = "x" },
        { name = "foreign", type = "personal_code", country = "FI", label.et = "x" },
        { name = "entered_sex", type = "text", label.et = "x" },
        { name = "entered_birth", type = "date", label.et = "x" },
        { name = "sex", type = "text", label.et = "x", derived = { take = "sex", from = "code", otherwise = "entered_sex" } },
        { name = "born", type = "date", label.et = "x", derived = { take = "birth_date", from = "code", otherwise = "entered_birth" } },
        { name = "age", type = "integer", label.et = "x", derived = { take = "age", from = "code", otherwise = "entered_birth" } },
        { name = "foreign_sex", type = "text", label.et = "x", derived = { take = "sex", from = "foreign" } },
        { name = "start", type = "date", label.et = "x" },
        { name = "period", type = "group", label.et = "x", part = [
          { name = "amount", type = "integer", label.et = "x" }, { name = "unit", type = "text", label.et = "x" } ] },
        { name = "end", type = "date", label.et = "x", derived = { take = "period_end", from = "start", to = "period" } },
        { name = "length", type = "integer", label.et = "x", derived = { take = "days_inclusive", from = "start", to = "end" } },
      ]
    "#;

    fn end(start: &str, amount: i64, unit: &str) -> Value {
        let data = json!({ "start": start, "period": { "amount": amount, "unit": unit } });
        derived("dated", "EE", data, "2024-05-01")["end"].clone()
    }

    #[test]
    fn derived_values_are_computed_and_cannot_be_entered() {
        let data = derived("employee", "EE", employee(), "2024-05-01");
        assert_eq!(data["sex"], "female");
        assert_eq!(data["probation_end"], "2020-07-01");
        let days: Vec<&Value> = data["leaves"].as_array().unwrap().iter().map(|leave| &leave["days"]).collect();
        assert_eq!(days, [28, 28, 28, 28]);
        let mut forged = employee();
        forged["sex"] = json!("male");
        assert_eq!(derived("employee", "EE", forged, "2024-05-01")["sex"], "female");
    }

    #[test]
    fn what_has_no_source_is_absent() {
        let forged = json!({ "sex": "male", "born": "2000-01-01", "age": 24, "end": "2024-01-01", "length": 3 });
        assert_eq!(derived("dated", "EE", forged, "2024-05-01"), json!({}));
        let half = json!({ "start": "2024-01-01" });
        assert_eq!(derived("dated", "EE", half.clone(), "2024-05-01"), half);
        let nonsense = json!({ "code": "123", "start": 7, "period": [] });
        assert_eq!(derived("dated", "EE", nonsense.clone(), "2024-05-01"), nonsense);
    }

    #[test]
    fn sex_birth_date_and_age_follow_from_the_personal_code() {
        let person = |on: &str| derived("dated", "EE", json!({ "code": personal_code("2004-02-29", 1) }), on);
        let data = person("2022-02-28");
        assert_eq!((&data["sex"], &data["born"], &data["age"]), (&json!("female"), &json!("2004-02-29"), &json!(17)));
        assert_eq!(person("2022-03-01")["age"], 18, "born on 29 February, older on 1 March");
        assert_eq!(person("2024-02-28")["age"], 19);
        assert_eq!(person("2024-02-29")["age"], 20);
        assert_eq!(person("2004-02-29")["age"], 0);
        let unborn = person("2003-01-01");
        assert_eq!((unborn.get("age"), &unborn["sex"]), (None, &json!("female")));
    }

    #[test]
    fn what_was_entered_stands_in_only_where_there_is_no_code() {
        let entered = json!({ "entered_sex": "male", "entered_birth": "1990-06-15" });
        let data = derived("dated", "EE", entered.clone(), "2024-06-14");
        assert_eq!((&data["sex"], &data["born"], &data["age"]), (&json!("male"), &json!("1990-06-15"), &json!(33)));
        let mut with_code = entered;
        with_code["code"] = json!(personal_code("1980-01-08", 1));
        let data = derived("dated", "EE", with_code, "2024-06-14");
        assert_eq!((&data["sex"], &data["born"], &data["age"]), (&json!("female"), &json!("1980-01-08"), &json!(44)));
    }

    #[test]
    fn a_code_is_read_by_the_country_of_its_field_or_of_the_register() {
        let data = derived("dated", "EE", json!({ "foreign": "131052-308T" }), "2024-05-01");
        assert_eq!(data["foreign_sex"], "female");
        let data = derived("person", "FI", json!({ "code": "010190-999W" }), "2024-05-01");
        assert_eq!(data["sex"], "male");
        let data = derived("person", "SE", json!({ "code": "010190-999W" }), "2024-05-01");
        assert_eq!(data.get("sex"), None, "a country whose codes are not known");
    }

    #[test]
    fn a_period_ends_on_the_day_before_it_would_begin_again() {
        assert_eq!(end("2024-01-01", 4, "month"), "2024-04-30");
        assert_eq!(end("2024-03-02", 4, "month"), "2024-07-01");
        assert_eq!(end("2024-01-01", 1, "year"), "2024-12-31");
        assert_eq!(end("2024-01-01", 1, "day"), "2024-01-01");
        assert_eq!(end("2024-02-28", 2, "day"), "2024-02-29");
        assert_eq!(end("2023-02-28", 2, "day"), "2023-03-01");
    }

    #[test]
    fn a_month_that_is_too_short_ends_the_period_on_its_last_day_less_one() {
        assert_eq!(end("2024-01-31", 1, "month"), "2024-02-28");
        assert_eq!(end("2023-01-31", 1, "month"), "2023-02-27");
        assert_eq!(end("2024-10-31", 4, "month"), "2025-02-27");
        assert_eq!(end("2024-03-31", 1, "month"), "2024-04-29");
        assert_eq!(end("2024-08-31", 6, "month"), "2025-02-27");
    }

    #[test]
    fn a_year_from_29_february_ends_on_27_february_unless_it_is_leap() {
        assert_eq!(end("2024-02-29", 1, "year"), "2025-02-27");
        assert_eq!(end("2024-02-29", 4, "year"), "2028-02-28");
        assert_eq!(end("2024-02-29", 12, "month"), "2025-02-27");
    }

    #[test]
    fn a_period_of_nothing_or_beyond_the_calendar_has_no_end() {
        for (amount, unit) in [(0, "month"), (-1, "day"), (1, "week"), (i64::MAX, "day"), (4_000_000_000, "year")] {
            assert_eq!(end("2024-01-01", amount, unit), Value::Null, "{amount} {unit}");
        }
        assert_eq!(end("2024-01-01", 9000, "year"), Value::Null);
    }

    #[test]
    fn both_days_count_and_one_derived_value_may_follow_from_another() {
        let data = json!({ "start": "2024-02-28", "period": { "amount": 1, "unit": "month" } });
        let data = derived("dated", "EE", data, "2024-05-01");
        assert_eq!((&data["end"], &data["length"]), (&json!("2024-03-27"), &json!(29)));
        let leave = |from: &str, to: &str| {
            let data = json!({ "leaves": [{ "from": from, "to": to }] });
            derived("employee", "EE", data, "2024-05-01")["leaves"][0]["days"].clone()
        };
        assert_eq!(leave("2024-02-28", "2024-03-01"), 3);
        assert_eq!(leave("2023-02-28", "2023-03-01"), 2);
        assert_eq!(leave("2024-05-01", "2024-05-01"), 1);
        assert_eq!(leave("2024-05-02", "2024-05-01"), Value::Null, "no days at all");
    }

    #[test]
    fn what_is_counted_over_other_records_is_listed_and_left_alone() {
        let definition = definition("EE", &[INSTITUTION, EMPLOYEE], LISTS);
        let names =
            |name| aggregates(record_type(&definition, name)).into_iter().map(|field| &field.name).collect::<Vec<_>>();
        assert_eq!(names("institution"), ["worker_count", "load_total"]);
        assert_eq!(names("employee"), [""; 0]);
        let counted = json!({ "name": "Kool", "worker_count": 7 });
        assert_eq!(derived("institution", "EE", counted.clone(), "2024-05-01"), counted);
    }

    #[test]
    fn data_that_are_no_object_are_left_alone() {
        for data in [json!(null), json!("x"), json!([1])] {
            assert_eq!(derived("employee", "EE", data.clone(), "2024-05-01"), data);
        }
    }

    proptest! {
        #[test]
        fn deriving_twice_is_deriving_once(
            start in 0_i32..146_000, amount in 0_i64..400, unit in "day|month|year", on in 0_i32..146_000,
        ) {
            let date = |days: i32| NaiveDate::from_num_days_from_ce_opt(657_073 + days).unwrap().to_string();
            let data = json!({ "start": date(start), "entered_birth": date(start), "period": { "amount": amount, "unit": unit } });
            let once = derived("dated", "EE", data, &date(on));
            prop_assert_eq!(&derived("dated", "EE", once.clone(), &date(on)), &once);
            if let Some(end) = once["end"].as_str() {
                prop_assert!(end >= once["start"].as_str().unwrap());
                prop_assert!(once["length"].as_i64().is_none_or(|length| length >= amount.min(1)));
            }
        }
    }
}
