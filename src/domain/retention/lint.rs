//! What is wrong with the retention rules of a definition beyond their form: what would make them wait for ever, lose
//! the day that they count from, or leave a record without its name.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::erasure::{identifying, part_fields};
use super::rule::{Rule, Source, Then};
use crate::domain::calendar::HolidayCalendar;
use crate::domain::statute::definition::RecordType;
use crate::domain::statute::path::FieldPath;

/// A fault of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleFault {
    /// The rule.
    pub rule: String,
    /// The key of the rule that is at fault.
    pub key: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub advice: &'static str,
}

/// The faults of `rules` as `types` use them, in the order of the rules.
pub fn rule_faults(types: &[RecordType], rules: &[Rule], calendar: &HolidayCalendar) -> Vec<RuleFault> {
    let mut faults = Vec::new();
    for rule in rules {
        let mut fault = |key, message: String, advice| {
            faults.push(RuleFault { rule: rule.name.clone(), key, message, advice });
        };
        if rule.working_day && rule.period.is_none() {
            let message = "without a period no day can be moved to a working day".to_owned();
            fault("working_day", message, "Add `period`, or remove `working_day`.");
        }
        match (rule.then == Then::Anonymise, rule.keeps.is_empty()) {
            (true, true) => {
                let message = "nobody knows what stays of the data when they are anonymised".to_owned();
                fault("keeps", message, "Name in `keeps` the fields that stay, or write `then = \"destroy\"`.");
            }
            (false, false) => {
                let message = format!("`keeps` means nothing where `then` is {}", rule.then.as_str());
                fault("keeps", message, "Remove `keeps`, or write `then = \"anonymise\"`.");
            }
            (true, false) | (false, true) => {}
        }
        let users: Vec<&RecordType> = types.iter().filter(|t| !part_fields(t, &rule.name).is_empty()).collect();
        for kept in &rule.keeps {
            let of: Vec<&&RecordType> = users.iter().filter(|t| part_fields(t, &rule.name).contains(kept)).collect();
            if of.is_empty() {
                let message = format!("no field `{kept}` follows the rule");
                fault("keeps", message, "Name fields that have this rule as their `retention`.");
            }
            if let Some(t) = of.iter().find(|t| identifying(t, types).contains(kept)) {
                let message = format!("`{kept}` of {} can name somebody, so it cannot stay", t.name);
                fault("keeps", message, "Remove it from `keeps`.");
            }
        }
        for source in rule.trigger.iter().flat_map(|t| t.sources()) {
            match source {
                Source::OwnEnd => {
                    if let Some(t) = users.iter().find(|t| t.lifecycle.is_none()) {
                        let message = format!("{} has no end, so its period never begins", t.name);
                        fault("trigger", message, "Add a `lifecycle` to the record type, or count from a date.");
                    }
                }
                Source::Other { record_type, path } => match (types.iter().find(|t| t.name == *record_type), path) {
                    (None, _) => {
                        let message = format!("there is no record type `{record_type}`");
                        fault("trigger", message, "Correct the name after `record:`.");
                    }
                    (Some(t), None) if t.lifecycle.is_none() => {
                        let message = format!("{} has no end, so the period never begins", t.name);
                        fault("trigger", message, "Write `record:<type>/<path>` with the path of a date of it.");
                    }
                    (Some(t), Some(path)) if path.resolve(&t.fields).is_none() => {
                        let message = format!("`{path}` names no field of {record_type}");
                        fault("trigger", message, "Correct the path after `record:`.");
                    }
                    (Some(_), _) => {}
                },
                Source::Field(_) | Source::Event(_) => {}
            }
        }
        for record_type in users {
            for (field, earlier) in lost_before(record_type, rule, rules, calendar) {
                let message = format!(
                    "`{field}` of {} follows `{earlier}` and may go before what follows `{}`, which needs it",
                    record_type.name, rule.name
                );
                fault("period", message, "Give the field a rule that ends last.");
            }
        }
    }
    faults
}

/// The fields of a type that data under `rule` need while they are there (the date they count from, the record's name,
/// subject and life) and that may go earlier, each with its rule.
fn lost_before(
    record_type: &RecordType,
    rule: &Rule,
    rules: &[Rule],
    calendar: &HolidayCalendar,
) -> BTreeSet<(String, String)> {
    let top = |path: &str| FieldPath::parse(path).ok()?.steps().first().map(|s| s.name.clone());
    let life = record_type.lifecycle.iter().flat_map(|l| [l.begins.as_str(), l.ends.as_str()]);
    let subject = record_type.subject.iter().map(|s| s.field());
    let needed = life.chain(subject).chain(record_type.title.iter().map(String::as_str)).filter_map(top);
    let counted = rule.trigger.iter().flat_map(|t| t.sources()).filter_map(|s| match s {
        Source::Field(path) => path.steps().first().map(|s| s.name.clone()),
        Source::Event(_) | Source::OwnEnd | Source::Other { .. } => None,
    });
    let ruled_by = |name: &str| {
        let field = record_type.fields.iter().find(|f| f.name == name)?;
        rules.iter().find(|r| Some(&r.name) == field.retention.as_ref())
    };
    needed
        .chain(counted)
        .filter_map(|name| {
            let by = ruled_by(&name)?;
            may_go_before(by, rule, calendar).then(|| (name, by.name.clone()))
        })
        .collect()
}

/// Whether data under `a` may go while those under `b` are there.
fn may_go_before(a: &Rule, b: &Rule, calendar: &HolidayCalendar) -> bool {
    if a.name == b.name || a.then == Then::Keep {
        return false;
    }
    if b.then == Then::Keep || a.trigger != b.trigger {
        return true;
    }
    // Of periods after the same day the one that ends earlier after some day is the shorter one.
    let end = |rule: &Rule| match rule.period {
        None => NaiveDate::from_ymd_opt(2000, 1, 1),
        Some(period) => period.after(NaiveDate::from_ymd_opt(2000, 1, 1)?, calendar).ok(),
    };
    end(a) < end(b)
}
