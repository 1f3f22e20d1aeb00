//! How much falls due when.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use serde::Serialize;

/// How many parts of records fall due, by rule and year.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Forecast {
    /// Due already on the day asked, by rule.
    pub due_now: BTreeMap<String, u64>,
    /// Due later, by year and rule. The year of the day asked counts what is still to come in it.
    pub years: BTreeMap<i32, BTreeMap<String, u64>>,
    /// Without a day: what waits for its trigger or is kept, by rule.
    pub without_day: BTreeMap<String, u64>,
}

impl Forecast {
    /// How many there are in all.
    pub fn total(&self) -> u64 {
        let sum = |rules: &BTreeMap<String, u64>| rules.values().fold(0u64, |all, n| all.saturating_add(*n));
        self.years.values().chain([&self.due_now, &self.without_day]).map(sum).fold(0, u64::saturating_add)
    }
}

/// Adds up rows of (rule, first day on which the data may go, how many), as seen on the day `on`.
pub fn forecast<'a>(rows: impl IntoIterator<Item = (&'a str, Option<NaiveDate>, u64)>, on: NaiveDate) -> Forecast {
    let mut forecast = Forecast::default();
    for (rule, due_on, count) in rows {
        let rules = match due_on {
            None => &mut forecast.without_day,
            Some(due) if due <= on => &mut forecast.due_now,
            Some(due) => forecast.years.entry(due.year()).or_default(),
        };
        let sum = rules.entry(rule.to_owned()).or_default();
        *sum = sum.saturating_add(count);
    }
    forecast
}
