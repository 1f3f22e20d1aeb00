//! The fold: from entries to the state of a record on any day, as known at any instant.
//!
//! Two times, always: an entry is true from its `effective_on` (a day) and known from its `recorded_at`
//! (an instant). The state as of (day, instant) is the fold of the entries known at the instant, not
//! superseded by another known then, whose effective day is not after the day, in the order of
//! (effective day, number).
//!
//! An entry that corrects another stands in the other's place: it has its number in the order. An entry that voids the
//! record leaves nothing standing: once it is known, there is no state on any day.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::{Entry, EntryKind, merge::merge};

/// The state of a record over a run of days.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// First day of the run.
    pub from: NaiveDate,
    /// First day after the run; `None` when it is open.
    pub until: Option<NaiveDate>,
    /// The data on each of those days.
    pub data: Value,
}

/// The states of a record over all days, as known at one instant.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Timeline {
    /// Segments, ascending, without gaps; empty when nothing was known.
    pub segments: Vec<Segment>,
}

impl Timeline {
    /// Folds `entries` (in any order) as known at `known_at`; `None` means all of them.
    pub fn fold(entries: &[Entry], known_at: Option<DateTime<Utc>>) -> Self {
        let standing = standing_in_order(entries, known_at);
        let mut segments: Vec<Segment> = Vec::with_capacity(standing.len());
        let mut data = Value::Object(serde_json::Map::new());
        for entry in standing {
            merge(&mut data, &entry.data);
            match segments.last_mut() {
                Some(last) if last.from == entry.effective_on => last.data = data.clone(),
                previous => {
                    if let Some(last) = previous {
                        last.until = Some(entry.effective_on);
                    }
                    segments.push(Segment { from: entry.effective_on, until: None, data: data.clone() });
                }
            }
        }
        Self { segments }
    }

    /// The segment that holds `day`; `None` before the record's first day.
    pub fn on(&self, day: NaiveDate) -> Option<&Segment> {
        let after = self.segments.partition_point(|s| s.from <= day);
        after.checked_sub(1).and_then(|at| self.segments.get(at))
    }

    /// The segment that holds `day`, or the first one when the record begins later.
    pub fn on_or_first(&self, day: NaiveDate) -> Option<&Segment> {
        self.on(day).or_else(|| self.segments.first())
    }

    /// The record's first day.
    pub fn begins(&self) -> Option<NaiveDate> {
        self.segments.first().map(|s| s.from)
    }
}

/// The entries that the fold takes, in the order in which it takes them: known at `known_at` (`None`: all), not
/// superseded, by effective day and place.
pub fn standing_in_order(entries: &[Entry], known_at: Option<DateTime<Utc>>) -> Vec<&Entry> {
    let known: Vec<&Entry> =
        entries.iter().filter(|e| known_at.is_none_or(|instant| e.recorded_at <= instant)).collect();
    if known.iter().any(|e| e.kind == EntryKind::Void) {
        return Vec::new();
    }
    let mut standing = standing(&known);
    standing.sort_by_key(|(place, e)| (e.effective_on, *place));
    standing.into_iter().map(|(_, entry)| entry).collect()
}

/// The entries nothing known supersedes, each with its place in the order: its own number, or that of the
/// entry at the end of its chain of corrections.
fn standing<'a>(known: &[&'a Entry]) -> Vec<(i64, &'a Entry)> {
    let by_id: HashMap<Uuid, &Entry> = known.iter().map(|e| (e.id, *e)).collect();
    let superseded: std::collections::HashSet<Uuid> = known.iter().filter_map(|e| e.supersedes).collect();
    known
        .iter()
        .filter(|e| !superseded.contains(&e.id))
        .map(|e| {
            let mut first = *e;
            // A chain is as long as there are entries at most; corrections always point to older ones.
            while let Some(older) = first.supersedes.and_then(|id| by_id.get(&id)).filter(|o| o.number < first.number) {
                first = older;
            }
            (first.number, *e)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn day(n: i64) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 1, 1).unwrap() + chrono::Duration::days(n)
    }
    fn at(n: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(1_700_000_000_000_000 + n).unwrap()
    }
    fn entry(number: i64, on: i64, data: Value) -> Entry {
        Entry {
            id: Uuid::from_u128(number.unsigned_abs().into()),
            number,
            kind: if number == 1 { EntryKind::Create } else { EntryKind::Change },
            effective_on: day(on),
            recorded_at: at(number),
            data,
            supersedes: None,
            source: None,
        }
    }

    #[test]
    fn a_change_is_true_from_its_day_on_and_not_before() {
        let t = Timeline::fold(&[entry(1, 0, json!({"load": "1.00"})), entry(2, 10, json!({"load": "0.50"}))], None);
        assert_eq!(t.on(day(9)).unwrap().data, json!({"load": "1.00"}));
        assert_eq!(t.on(day(10)).unwrap().data, json!({"load": "0.50"}));
        assert!(t.on(day(-1)).is_none(), "before the first day there is nothing");
        assert_eq!(t.on_or_first(day(-1)).unwrap().from, day(0));
    }

    #[test]
    fn a_correction_stands_in_the_place_of_the_entry_it_mends() {
        let mut entries =
            vec![entry(1, 0, json!({"name": "Tmam", "load": "1.00"})), entry(2, 0, json!({"load": "0.80"}))];
        let mut fix = entry(3, 0, json!({"name": "Tamm", "load": "1.00"}));
        fix.kind = EntryKind::Correction;
        fix.supersedes = Some(entries[0].id);
        entries.push(fix);
        let t = Timeline::fold(&entries, None);
        assert_eq!(t.on(day(0)).unwrap().data, json!({"name": "Tamm", "load": "0.80"}), "the later change still holds");
        let before = Timeline::fold(&entries, Some(at(2)));
        assert_eq!(before.on(day(0)).unwrap().data["name"], "Tmam", "what was known then is not rewritten");
    }

    #[test]
    fn a_voided_record_is_nothing_on_any_day_but_was_what_it_was_known_to_be() {
        let mut entries = vec![entry(1, 0, json!({"name": "Tamm"})), entry(2, 10, json!({"name": "Kask"}))];
        let mut void = entry(3, 0, json!({}));
        void.kind = EntryKind::Void;
        entries.push(void);
        assert!(Timeline::fold(&entries, None).segments.is_empty());
        let before = Timeline::fold(&entries, Some(at(2)));
        assert_eq!(before.on(day(10)).unwrap().data["name"], "Kask");
    }

    #[test]
    fn null_in_a_change_ends_a_value_from_that_day() {
        let t =
            Timeline::fold(&[entry(1, 0, json!({"phone": "+3725550000"})), entry(2, 5, json!({"phone": null}))], None);
        assert_eq!(t.on(day(5)).unwrap().data, json!({}));
    }

    /// The definition of the fold, written a second time the slow way.
    fn brute(entries: &[Entry], on: NaiveDate, known: DateTime<Utc>) -> Option<Value> {
        let mut list: Vec<&Entry> = entries
            .iter()
            .filter(|e| e.recorded_at <= known && e.effective_on <= on)
            .filter(|e| !entries.iter().any(|o| o.supersedes == Some(e.id) && o.recorded_at <= known))
            .collect();
        let place = |e: &Entry| {
            let mut e = e;
            while let Some(o) = e.supersedes.and_then(|id| entries.iter().find(|o| o.id == id)) {
                e = o;
            }
            e.number
        };
        list.sort_by_key(|e| (e.effective_on, place(e)));
        list.iter().fold(None, |state: Option<Value>, e| {
            let mut data = state.unwrap_or_else(|| json!({}));
            merge(&mut data, &e.data);
            Some(data)
        })
    }

    proptest! {
        #[test]
        fn the_fold_equals_its_definition_on_any_day_and_instant(
            steps in proptest::collection::vec((0i64..20, 0u8..4, 0u8..3, proptest::option::of(0usize..6)), 1..8),
            on in -2i64..25, known in 0i64..10,
        ) {
            let mut entries: Vec<Entry> = Vec::new();
            for (n, (effective, key, value, corrects)) in steps.into_iter().enumerate() {
                let value = if value == 2 { Value::Null } else { json!(value) };
                let mut e = entry(i64::try_from(n).unwrap() + 1, effective, json!({ format!("f{key}"): value }));
                if let Some(target) = corrects.and_then(|c| entries.get(c)).map(|t| t.id)
                    && !entries.iter().any(|o| o.supersedes == Some(target)) {
                    e.supersedes = Some(target);
                    e.kind = EntryKind::Correction;
                }
                entries.push(e);
            }
            let folded = Timeline::fold(&entries, Some(at(known))).on(day(on)).map(|s| s.data.clone());
            prop_assert_eq!(folded, brute(&entries, day(on), at(known)));
        }
    }
}
