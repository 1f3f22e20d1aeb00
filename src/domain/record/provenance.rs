//! Where the values of a record come from, and which of them are not for us to change.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::fold::standing_in_order;
use super::validate::Violation;
use super::{Entry, Timeline};
use crate::domain::statute::RecordType;
use crate::domain::statute::exchange::{LocalChange, Source};

/// Where the value of a field comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance {
    /// Source of the definition; `None` when it was entered here.
    pub source: Option<String>,
    /// The entry that says so.
    pub entry_id: Uuid,
    /// When that was made.
    pub recorded_at: DateTime<Utc>,
}

/// For each field of the type that has a source: where its value on `day` comes from, as known at `known_at` (`None`:
/// now). Fields without a value on that day are absent.
pub fn provenance(
    kind: &RecordType,
    entries: &[Entry],
    day: NaiveDate,
    known_at: Option<DateTime<Utc>>,
) -> BTreeMap<String, Provenance> {
    let mut found = BTreeMap::new();
    for entry in standing_in_order(entries, known_at).into_iter().filter(|e| e.effective_on <= day) {
        for field in kind.fields.iter().filter(|f| f.source.is_some()) {
            match entry.data.get(&field.name) {
                None => {}
                Some(Value::Null) => {
                    found.remove(&field.name);
                }
                Some(_) => {
                    let told =
                        Provenance { source: entry.source.clone(), entry_id: entry.id, recorded_at: entry.recorded_at };
                    found.insert(field.name.clone(), told);
                }
            }
        }
    }
    found
}

/// The values of `data`, about to be entered as true from `day` on, that come from elsewhere and may not be entered
/// here. `by` is the source of the entry itself: a source changes its own fields, and no other's. What another record
/// hands over, `carried`, is not entered here either.
pub fn locked(
    kind: &RecordType,
    sources: &[Source],
    before: &[Entry],
    data: &Value,
    day: NaiveDate,
    by: Option<&str>,
    carried: &Value,
) -> Vec<Violation> {
    let sourced = || kind.fields.iter().filter(|f| f.source.is_some() && f.source.as_deref() != by);
    if !sourced().any(|f| data.get(&f.name).is_some()) {
        return Vec::new();
    }
    let timeline = Timeline::fold(before, None);
    let now = timeline.on_or_first(day).map(|s| &s.data);
    let origins = provenance(kind, before, day, None);
    let mut faults = Vec::new();
    for field in sourced() {
        let Some(source) = sources.iter().find(|s| Some(&s.name) == field.source.as_ref()) else {
            continue;
        };
        let given = data.get(&field.name);
        let known = now.and_then(|n| n.get(&field.name)).or_else(|| carried.get(&field.name));
        // What stands there already is no change, and neither is taking away what is not there.
        if given.is_none() || given == known || (known.is_none() && given.is_some_and(Value::is_null)) {
            continue;
        }
        let received = origins.get(&field.name).is_some_and(|p| p.source == field.source);
        let refused = match source.local_change {
            LocalChange::Refused => true,
            LocalChange::LockedOnceReceived => received,
            LocalChange::Marked => false,
        };
        if refused {
            let detail = format!("the value comes from {}: it is changed there and not here", source.label.official());
            let mut fault =
                Violation::error(&format!("/{}", field.name), "source_locked", detail, Some(source.clause.clone()));
            fault.section.clone_from(&field.section);
            faults.push(fault);
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use serde_json::json;

    use super::super::EntryKind;
    use super::*;

    const PUPIL: &str = r#"
      name = "pupil"
      label.et = "x"
      clause = "§ 1"
      title = []
      base_documents = []
      section = []
      field = [
        { name = "name", type = "text", label.et = "x" },
        { name = "address", type = "text", label.et = "x", source = "people" },
        { name = "class", type = "text", label.et = "x", source = "schools" },
        { name = "phone", type = "text", label.et = "x", source = "phones" },
      ]
    "#;

    fn kind() -> RecordType {
        toml::from_str(PUPIL).unwrap()
    }

    fn sources() -> Vec<Source> {
        let of = |name: &str, rule: &str| {
            toml::from_str::<Source>(&format!(
                "name = \"{name}\"\nlabel.et = \"Register {name}\"\nclause = \"§ 10 lg 3\"\nlocal_change = \"{rule}\""
            ))
            .unwrap()
        };
        vec![of("people", "refused"), of("schools", "locked_once_received"), of("phones", "marked")]
    }

    fn day(n: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 9, n).unwrap()
    }

    fn entry(number: i64, on: u32, data: Value, source: Option<&str>) -> Entry {
        Entry {
            id: Uuid::from_u128(u128::try_from(number).unwrap()),
            number,
            kind: if number == 1 { EntryKind::Create } else { EntryKind::Change },
            effective_on: day(on),
            recorded_at: DateTime::UNIX_EPOCH + TimeDelta::hours(number),
            data,
            supersedes: None,
            source: source.map(str::to_owned),
        }
    }

    fn faults(before: &[Entry], data: &Value, by: Option<&str>) -> Vec<(String, String)> {
        locked(&kind(), &sources(), before, data, day(20), by, &json!({ "address": "Üle antud 1" }))
            .into_iter()
            .map(|v| (v.pointer, v.clause.map(|c| c.0).unwrap_or_default()))
            .collect()
    }

    #[test]
    fn a_value_whose_source_is_elsewhere_is_refused_with_the_clause() {
        let refused = [("/address".to_owned(), "§ 10 lg 3".to_owned())];
        assert_eq!(faults(&[], &json!({ "name": "M", "address": "Pikk 1" }), None), refused);
        let known = [entry(1, 1, json!({ "address": "Pikk 1" }), Some("people"))];
        assert_eq!(faults(&known, &json!({ "address": "Lai 2" }), None), refused);
        assert_eq!(faults(&known, &json!({ "address": null }), None), refused, "taking it away is a change too");
        assert_eq!(faults(&known, &json!({ "address": "Lai 2" }), Some("schools")), refused, "another source");
        assert!(faults(&known, &json!({ "address": "Lai 2" }), Some("people")).is_empty());
        assert!(faults(&known, &json!({ "address": "Pikk 1", "name": "N" }), None).is_empty(), "no change");
        assert!(faults(&[], &json!({ "address": "Üle antud 1" }), None).is_empty(), "handed over as it was");
    }

    #[test]
    fn what_the_source_has_not_brought_yet_can_be_entered_here() {
        assert!(faults(&[], &json!({ "class": "1" }), None).is_empty());
        let here = [entry(1, 1, json!({ "class": "1" }), None)];
        assert!(faults(&here, &json!({ "class": "2" }), None).is_empty());
        let brought = [here[0].clone(), entry(2, 2, json!({ "class": "2" }), Some("schools"))];
        assert_eq!(faults(&brought, &json!({ "class": "3" }), None).len(), 1);
        assert!(faults(&brought, &json!({ "phone": "5" }), None).is_empty(), "marked, not refused");
    }

    #[test]
    fn each_value_is_marked_with_where_it_comes_from() {
        let entries = [
            entry(1, 1, json!({ "name": "M", "class": "1", "phone": "1" }), None),
            entry(2, 5, json!({ "class": "2", "address": "Pikk 1" }), Some("schools")),
            entry(3, 9, json!({ "phone": null }), None),
        ];
        let on = |d| {
            provenance(&kind(), &entries, day(d), None)
                .into_iter()
                .map(|(field, p)| (field, p.source))
                .collect::<Vec<_>>()
        };
        assert_eq!(on(1), [("class".into(), None), ("phone".into(), None)]);
        let schools = Some("schools".to_owned());
        let after = [("address".into(), schools.clone()), ("class".into(), schools.clone()), ("phone".into(), None)];
        assert_eq!(on(5), after);
        assert_eq!(on(9), [("address".into(), schools.clone()), ("class".into(), schools)]);
        let then = provenance(&kind(), &entries, day(9), Some(DateTime::UNIX_EPOCH + TimeDelta::hours(1)));
        assert_eq!(then.get("class").map(|p| p.source.clone()), Some(None), "as it was known then");
    }
}
