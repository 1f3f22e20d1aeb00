//! What goes, and what stays.

use std::collections::BTreeSet;

use serde_json::json;

use super::samples::*;
use crate::domain::retention::*;

#[test]
fn a_part_goes_from_every_entry_and_nothing_else_does() {
    let entries = [
        entry(1, json!({ "name": "Juhan Liiv", "phone": "+3725550000", "wage": "900.00" })),
        entry(2, json!({ "phone": "+3725550001" })),
        entry(3, json!({ "phone": null, "wage": "950.00" })),
        entry(4, json!({ "wage": "960.00" })),
    ];
    let go: BTreeSet<String> = part_fields(&sailor(), "contact").into_iter().collect();
    let found = erasure(&go, &entries);
    let told: Vec<_> = found.entries.iter().map(|e| (e.number, e.data.to_string(), e.empty)).collect();
    assert_eq!(
        told,
        [
            (1, r#"{"name":"Juhan Liiv","wage":"900.00"}"#.to_owned(), false),
            (2, "{}".to_owned(), true),
            (3, r#"{"wage":"950.00"}"#.to_owned(), false),
        ]
    );
    assert_eq!(found.fields, BTreeSet::from(["phone".into()]));
    assert!(!found.is_whole());
}

#[test]
fn with_its_last_part_a_record_goes_as_a_whole() {
    let entries = [entry(1, json!({ "wage": "900.00" })), entry(2, json!({}))];
    let go = part_fields(&sailor(), "pay").into_iter().collect();
    assert!(erasure(&go, &entries).is_whole());
}

#[test]
fn a_base_document_goes_after_the_last_data_that_rest_on_it_and_never_before() {
    let gone = |by, on: Option<&str>| DocumentUse { by: id(by), gone_on: on.map(day) };
    let (early, late, there) = (gone(1, Some("2026-01-01")), gone(2, Some("2026-05-01")), gone(3, None));
    assert_eq!(document_standing(&[early, there], false), DocumentStanding::Needed { by: BTreeSet::from([id(3)]) });
    assert_eq!(document_standing(&[early, there], true), DocumentStanding::Needed { by: BTreeSet::from([id(3)]) });
    assert_eq!(document_standing(&[late, early], false), DocumentStanding::MayGo { since: day("2026-05-01") });
    assert_eq!(document_standing(&[late, early], true), DocumentStanding::Held { since: day("2026-05-01") });
    assert_eq!(document_standing(&[], false), DocumentStanding::Unused, "nothing rests on it, so no data are gone");
}

#[test]
fn what_falls_under_no_rule_is_held_by_holds_all_the_same() {
    let left = left("2016-03-14");
    let facts = facts(&left);
    let about =
        Subjects { record: id(7), record_type: "sailor", institution: None, people: &facts.people, timeline: &left };
    let hold = hold(HoldScope::Person("38001010002".into()));
    assert_eq!(
        Cleared::outside_a_batch(about, std::slice::from_ref(&hold), day("2026-01-01")),
        Err(vec![hold.clone()])
    );
    assert_eq!(
        Cleared::outside_a_batch(about, &[hold], day("2019-12-31")).unwrap().record(),
        id(7),
        "not yet in force"
    );
}
