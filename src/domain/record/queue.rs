//! In what order applicants stand, and why: the rule of the statute, applied key by key.
//!
//! *Invariants*: the order is total and does not depend on the order in which applicants are given; whoever leaves
//! moves those behind up by one and changes nothing else; the counts of [`Placed::because`] add up to the place.
//!
//! *Not here*: who applies, and which records are related to theirs: `store` finds both.

use std::cmp::Ordering;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::domain::calendar::parse_day;
use crate::domain::statute::Label;
use crate::domain::statute::duties::{QueueKey, QueueKeyKind, QueueRule};
use crate::domain::statute::path::FieldPath;

/// Name of the last key of every queue: when the application was entered.
pub const ENTERED: &str = "entered";

/// Who applies for a place.
#[derive(Debug, Clone)]
pub struct Applicant {
    /// The application.
    pub record_id: Uuid,
    /// When it was entered: what decides between equals.
    pub entered_at: DateTime<Utc>,
    /// Its data on the day asked about, derived values and relations included.
    pub data: Value,
}

/// An applicant's place.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Placed {
    /// The application.
    pub record_id: Uuid,
    /// The place, from 1.
    pub number: usize,
    /// How many stand in the queue.
    pub of: usize,
    /// What decided, key by key, the weightiest first.
    pub because: Vec<KeyTold>,
}

/// What one key says of an applicant.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KeyTold {
    /// Machine name of the key; [`ENTERED`] for the last, which every queue has.
    pub name: String,
    /// What people read.
    pub label: Label,
    /// Clause, or the basis outside the statute.
    pub basis: String,
    /// What it says of this applicant.
    #[serde(flatten)]
    pub says: Says,
    /// How many stand ahead because of this key: equal by every key before it, and better by this one.
    pub ahead: usize,
}

/// What a key says: something holds or not, or a day is given or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Says {
    /// Whether the condition holds, or there is a relation.
    Holds(bool),
    /// The day; `None` where there is none.
    Value(Option<NaiveDate>),
    /// Nothing that the asker may see.
    Hidden,
}

impl Says {
    /// What `key` says of `data`, for the queue of `institution`.
    fn of(key: &QueueKey, data: &Value, institution: Uuid) -> Self {
        let path = key.field.as_deref().and_then(|f| FieldPath::parse(f).ok());
        match key.kind {
            QueueKeyKind::Holds => Self::Holds(key.condition.as_ref().is_some_and(|c| c.holds(data))),
            QueueKeyKind::Earlier => {
                let days = path.map(|p| p.values(data)).unwrap_or_default();
                Self::Value(days.into_iter().filter_map(Value::as_str).filter_map(parse_day).min())
            }
            QueueKeyKind::Related => {
                let institution = institution.to_string();
                let rows = path.map(|p| p.values(data)).unwrap_or_default();
                let there = |row: &&Value| row.get("institution").and_then(Value::as_str) == Some(&institution);
                Self::Holds(rows.iter().any(there))
            }
        }
    }

    /// What comes first: what holds before what does not, an earlier day before a later one, any day before none.
    fn rank(self) -> (bool, Option<NaiveDate>) {
        match self {
            Self::Holds(holds) => (!holds, None),
            Self::Value(day) => (day.is_none(), day),
            Self::Hidden => (true, None),
        }
    }
}

/// Puts `applicants` for a place in `institution` into the order of `rule`.
#[must_use]
pub fn order(rule: &QueueRule, applicants: &[Applicant], institution: Uuid) -> Vec<Placed> {
    let mut lines: Vec<(Vec<Says>, &Applicant)> = applicants
        .iter()
        .map(|a| (rule.keys.iter().map(|key| Says::of(key, &a.data, institution)).collect(), a))
        .collect();
    lines.sort_by(|(a, one), (b, other)| {
        first_difference(a, b).map_or_else(
            || (one.entered_at, one.record_id).cmp(&(other.entered_at, other.record_id)),
            |(_, order)| order,
        )
    });
    let of = lines.len();
    // For each key, where those begin who are equal by all keys before it: what lies between two beginnings is
    // ahead because of the key.
    let mut begins = vec![0; rule.keys.len() + 1];
    let mut placed: Vec<Placed> = Vec::with_capacity(of);
    let mut before: Option<&[Says]> = None;
    for (position, (says, applicant)) in lines.iter().enumerate() {
        if let Some((key, _)) = before.and_then(|before| first_difference(before, says)) {
            begins.iter_mut().skip(key + 1).for_each(|begin| *begin = position);
        }
        before = Some(says);
        let ends = begins.iter().skip(1).copied().chain([position]);
        let ahead: Vec<usize> = begins.iter().zip(ends).map(|(begin, end)| end - begin).collect();
        let told = rule.keys.iter().zip(says).zip(&ahead).map(|((key, says), ahead)| KeyTold {
            name: key.name.clone(),
            label: key.label.clone(),
            basis: key.basis.clone(),
            says: *says,
            ahead: *ahead,
        });
        let entered = KeyTold {
            name: ENTERED.to_owned(),
            label: entered_label(),
            basis: rule.clause.0.clone(),
            says: Says::Value(Some(applicant.entered_at.date_naive())),
            ahead: ahead.last().copied().unwrap_or(0),
        };
        placed.push(Placed {
            record_id: applicant.record_id,
            number: position + 1,
            of,
            because: told.chain([entered]).collect(),
        });
    }
    placed
}

fn first_difference(a: &[Says], b: &[Says]) -> Option<(usize, Ordering)> {
    let orders = a.iter().zip(b).map(|(a, b)| a.rank().cmp(&b.rank()));
    orders.enumerate().find(|(_, order)| order.is_ne())
}

fn entered_label() -> Label {
    Label {
        et: Some("taotluse sisestamise aeg".to_owned()),
        en: Some("when the application was entered".to_owned()),
        fi: Some("hakemuksen kirjaamisaika".to_owned()),
        sv: Some("när ansökan registrerades".to_owned()),
        ..Label::default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const HERE: Uuid = Uuid::from_u128(7);

    fn rule() -> QueueRule {
        let source = r#"
            clause = "§ 9"
            institution = "choices/institution"
            [[key]]
            name = "lives_here"
            label = { et = "elukoht linnas" }
            basis = "§ 9 lg 1"
            kind = "holds"
            when = { field = "home", is = "TLN" }
            [[key]]
            name = "sibling"
            label = { et = "õde või vend samas asutuses" }
            basis = "§ 9 lg 2"
            kind = "related"
            field = "siblings"
            [[key]]
            name = "applied"
            label = { et = "varasem taotlus" }
            basis = "§ 9 lg 3"
            kind = "earlier"
            field = "applied_on"
        "#;
        toml::from_str(source).unwrap()
    }

    fn applicant(id: u128, at: i64, home: bool, sibling: bool, day: Option<u32>) -> Applicant {
        let mut data = json!({ "home": if home { "TLN" } else { "TRT" } });
        if sibling {
            data["siblings"] = json!([{ "institution": HERE }, { "institution": Uuid::nil() }]);
        }
        if let Some(day) = day {
            data["applied_on"] = json!(format!("2026-03-{day:02}"));
        }
        let entered_at = DateTime::from_timestamp(at, 0).unwrap();
        Applicant { record_id: Uuid::from_u128(id), entered_at, data }
    }

    #[test]
    fn the_weightiest_key_decides_first_and_the_place_is_explained() {
        let queue = [
            applicant(1, 1, false, true, Some(1)),
            applicant(2, 2, true, false, Some(9)),
            applicant(3, 3, true, true, Some(20)),
            applicant(4, 4, true, false, None),
            applicant(5, 5, true, false, Some(9)),
        ];
        let placed = order(&rule(), &queue, HERE);
        let ids: Vec<u128> = placed.iter().map(|p| p.record_id.as_u128()).collect();
        assert_eq!(ids, [3, 2, 5, 4, 1]);
        let because = |n: usize| placed[n].because.iter().map(|k| (k.name.as_str(), k.ahead)).collect::<Vec<_>>();
        assert_eq!(because(2), [("lives_here", 0), ("sibling", 1), ("applied", 0), (ENTERED, 1)]);
        assert_eq!(because(3), [("lives_here", 0), ("sibling", 1), ("applied", 2), (ENTERED, 0)]);
        assert_eq!(because(4), [("lives_here", 4), ("sibling", 0), ("applied", 0), (ENTERED, 0)]);
        assert_eq!(placed[3].because[2].says, Says::Value(None));
    }

    #[test]
    fn a_sibling_in_another_institution_moves_nobody_ahead() {
        let queue = [applicant(1, 1, true, false, Some(1)), applicant(2, 2, true, true, Some(2))];
        let first = |institution| order(&rule(), &queue, institution)[0].record_id.as_u128();
        assert_eq!((first(HERE), first(Uuid::from_u128(99))), (2, 1));
    }

    fn applicants() -> impl Strategy<Value = Vec<Applicant>> {
        let one = (0_i64..4, any::<bool>(), any::<bool>(), proptest::option::of(1_u32..4));
        proptest::collection::vec(one, 1..40).prop_map(|list| {
            let with_ids = list.into_iter().zip(1_u128..);
            with_ids.map(|((at, home, sibling, day), id)| applicant(id, at, home, sibling, day)).collect()
        })
    }

    proptest! {
        #[test]
        fn every_applicant_has_one_place_whatever_the_order_in_which_they_came(
            (given, shuffled) in applicants().prop_flat_map(|a| (Just(a.clone()), Just(a).prop_shuffle())),
        ) {
            let placed = order(&rule(), &given, HERE);
            prop_assert_eq!(&placed, &order(&rule(), &shuffled, HERE));
            let mut ids: Vec<Uuid> = placed.iter().map(|p| p.record_id).collect();
            ids.sort();
            prop_assert_eq!(ids, given.iter().map(|a| a.record_id).collect::<Vec<_>>());
            for (position, p) in placed.iter().enumerate() {
                prop_assert_eq!((p.number, p.of), (position + 1, given.len()));
                prop_assert_eq!(p.because.iter().map(|k| k.ahead).sum::<usize>(), position);
            }
        }

        #[test]
        fn whoever_leaves_moves_those_behind_up_by_one(
            (given, gone) in applicants().prop_flat_map(|a| { let n = a.len(); (Just(a), 0..n) }),
        ) {
            let before = order(&rule(), &given, HERE);
            let left = before[gone].record_id;
            let rest: Vec<Applicant> = given.into_iter().filter(|a| a.record_id != left).collect();
            let after = order(&rule(), &rest, HERE);
            for p in &after {
                let earlier = before.iter().find(|b| b.record_id == p.record_id).unwrap().number;
                prop_assert_eq!(p.number, if earlier > gone + 1 { earlier - 1 } else { earlier });
            }
        }

        #[test]
        fn the_counts_are_what_comparing_one_by_one_gives(given in applicants()) {
            let placed = order(&rule(), &given, HERE);
            let says = |p: &Placed| p.because.iter().map(|k| k.says).collect::<Vec<_>>();
            let keys = rule().keys.len();
            for (n, p) in placed.iter().enumerate() {
                let mut ahead = vec![0; keys + 1];
                for other in &placed[..n] {
                    let key = first_difference(&says(other)[..keys], &says(p)[..keys]).map_or(keys, |(k, _)| k);
                    ahead[key] += 1;
                }
                prop_assert_eq!(ahead, p.because.iter().map(|k| k.ahead).collect::<Vec<_>>());
            }
        }
    }
}
