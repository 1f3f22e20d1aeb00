//! What is found before a confirmation, and what stands in its way.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::statute::definition::Condition;

/// The register's pupils, with a check of every kind.
const PUPIL: &str = r#"
  name = "pupil"
  label.et = "õpilane"
  clause = "§ 9 lg 6"
  title = []
  base_documents = []
  section = []
  subject = { personal_code = "code" }
  field = [
    { name = "code", type = "personal_code", label.et = "isikukood" },
    { name = "born", type = "integer", label.et = "sünniaasta", derived = { take = "birth_year", from = "code" } },
    { name = "grade", type = "text", label.et = "klass" },
    { name = "parallel", type = "text", label.et = "paralleel" },
    { name = "special", type = "boolean", label.et = "eriklass" },
    { name = "load", type = "load", label.et = "koormus" },
    { name = "contract", type = "text", label.et = "leping" },
    { name = "decisions", type = "group", repeats = true, label.et = "otsused", part = [
      { name = "number", type = "text", label.et = "number" },
      { name = "made_on", type = "date", label.et = "kuupäev" },
      { name = "until", type = "date", label.et = "kehtiv kuni" } ] },
  ]

  [[check]]
  name = "two_schools"
  label = { et = "Teises koolis on sama õpilane.", en = "Another school has the same pupil." }
  clause = "§ 9 lg 6 p 1"
  kind = "held_elsewhere"
  severity = "warning"
  warns = true

  [[check]]
  name = "class_size"
  label = { et = "Klass on liiga suur.", en = "The class is too large." }
  clause = "§ 9 lg 6 p 16"
  kind = "group_size"
  severity = "warning"
  fields = ["grade", "parallel"]
  limit = "2"
  when = { field = "special", present = false }

  [[check]]
  name = "load_in_all"
  label = { et = "Koormus on kokku üle 1,5.", en = "The load is above 1.5 in all." }
  clause = "§ 9 lg 9 p 13"
  kind = "sum_per_subject"
  severity = "warning"
  fields = ["load"]
  limit = "1.5"

  [[check]]
  name = "decision_expired"
  label = { et = "Otsus on aegunud.", en = "The decision has expired." }
  clause = "§ 9 lg 6 p 21"
  kind = "expired"
  severity = "error"
  fields = ["decisions/until"]

  [[check]]
  name = "no_contract"
  label = { et = "Lepingu number puudub.", en = "The number of the contract is missing." }
  clause = "§ 9 lg 9 p 12"
  kind = "missing"
  severity = "error"
  fields = ["contract", "decisions/number"]
  when = { field = "born", one_of = [2004, 2005] }

  [[check]]
  name = "half_a_decision"
  label.et = "Otsusel on number ja kuupäev."
  clause = "§ 9 lg 6 p 22"
  kind = "unpaired"
  severity = "error"
  fields = ["decisions/number", "decisions/made_on"]
"#;

/// Of nobody: a man born on 29 February 2004.
const CODE: &str = "50402290091";

fn pupil() -> RecordType {
    toml::from_str(PUPIL).unwrap()
}

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn day() -> NaiveDate {
    "2026-09-10".parse().unwrap()
}

fn subject(n: u128, data: &Value) -> Subject<'_> {
    Subject { record_id: id(n), data, violations: &[], code: data["code"].as_str() }
}

fn found_across(records: &[Value], across: &Across) -> Vec<Finding> {
    let records: Vec<Subject> = (1..).zip(records).map(|(n, data)| subject(n, data)).collect();
    findings(&pupil(), "EE", &records, across, day())
}

fn found(records: &[Value]) -> Vec<Finding> {
    found_across(records, &Across::default())
}

/// Code, record and pointer of what was found.
fn told(findings: &[Finding]) -> Vec<(&str, Option<u128>, Option<&str>)> {
    findings.iter().map(|f| (f.code, f.record_id.map(|id| id.as_u128()), f.pointer.as_deref())).collect()
}

fn violation(severity: Severity, clause: Option<&str>) -> Violation {
    Violation {
        pointer: "/load".into(),
        code: "above",
        detail: "At most 1.".into(),
        clause: clause.map(|text| Clause(text.into())),
        severity,
        section: None,
    }
}

#[test]
fn whatever_the_validator_says_is_a_finding_with_its_own_gravity_and_clause() {
    let data = json!({});
    let violations = [violation(Severity::Error, Some("§ 9 lg 9 p 13")), violation(Severity::Warning, None)];
    let subject = Subject { violations: &violations, ..subject(7, &data) };
    let found = findings(&pupil(), "EE", &[subject], &Across::default(), day());
    assert_eq!(told(&found), [("above", Some(7), Some("/load")); 2]);
    assert_eq!([found[0].severity, found[1].severity], [CheckSeverity::Error, CheckSeverity::Warning]);
    assert_eq!([found[0].clause.0.as_str(), found[1].clause.0.as_str()], ["§ 9 lg 9 p 13", "§ 9 lg 6"]);
    assert_eq!((found[0].check.as_str(), found[0].detail.as_str()), (VALIDATION, "At most 1."));
}

#[test]
fn a_pupil_of_two_schools_is_found_once_and_a_pupil_without_a_code_never() {
    let records = [json!({ "code": CODE }), json!({ "code": CODE }), json!({}), json!({ "code": "39001010006" })];
    let mut across = Across::default();
    across.elsewhere.insert(CODE.to_owned(), vec![id(99)]);
    across.elsewhere.insert("39001010006".to_owned(), vec![]);
    let mut found = found_across(&records, &across);
    found.retain(|f| f.check == "two_schools");
    assert_eq!(told(&found), [("held_elsewhere", Some(1), Some("/code"))]);
    assert_eq!(found[0].detail, "Another school has the same pupil.");
    assert_eq!((found[0].clause.0.as_str(), found[0].severity), ("§ 9 lg 6 p 1", CheckSeverity::Warning));
}

#[test]
fn a_class_is_too_large_above_its_limit_and_not_at_it() {
    let in_class = |grade: &str, parallel: Option<&str>| json!({ "grade": grade, "parallel": parallel });
    let two = [in_class("5", Some("A")), in_class("5", Some("A")), in_class("5", None), in_class("5", None)];
    assert_eq!(found(&two), []);
    let mut three = two.to_vec();
    three.push(in_class("5", None));
    let found = found(&three);
    assert_eq!(told(&found), [("group_size", None, None)]);
    assert_eq!(found[0].group, [json!("5"), Value::Null], "which class it is");
    assert_eq!(found[0].detail, "The class is too large. Records: 3; at most: 2.");
}

#[test]
fn those_in_no_class_are_no_class_and_those_of_another_kind_are_not_counted() {
    assert_eq!(found(&[json!({}), json!({}), json!({})]), []);
    let special = json!({ "grade": "5", "special": true });
    assert_eq!(found(&[special.clone(), special.clone(), special]), []);
}

#[test]
fn the_load_over_all_institutions_is_too_high_above_the_limit_and_not_at_it() {
    let records = [json!({ "code": CODE, "load": "0.75" }), json!({ "code": CODE, "load": "0.50" })];
    let with = |sum: &str| {
        let sums = HashMap::from([(("load_in_all".to_owned(), CODE.to_owned()), sum.parse().unwrap())]);
        let mut found = found_across(&records, &Across { sums, ..Across::default() });
        found.retain(|f| f.check == "load_in_all");
        found
    };
    assert_eq!(with("1.50"), []);
    assert_eq!(told(&with("1.51")), [("sum_per_subject", Some(1), Some("/load"))]);
    assert_eq!(found(&records).iter().filter(|f| f.check == "load_in_all").count(), 0, "nothing is known");
}

#[test]
fn a_decision_expires_after_its_last_day_unless_a_newer_one_holds() {
    let decisions = |days: &[&str]| {
        let list: Vec<Value> = days.iter().map(|day| json!({ "until": day })).collect();
        found(&[json!({ "decisions": list })])
    };
    assert_eq!(decisions(&["2026-09-10"]), [], "the last day counts");
    assert_eq!(told(&decisions(&["2026-09-09"])), [("expired", Some(1), Some("/decisions/0/until"))]);
    assert_eq!(decisions(&["2025-01-01", "2027-01-01"]), []);
    let both = decisions(&["2025-01-01", "2026-01-01", "2024-01-01"]);
    assert_eq!(told(&both), [("expired", Some(1), Some("/decisions/1/until"))]);
    assert_eq!(decisions(&["soon"]), [], "what is no day is the validator's affair");
    assert_eq!(decisions(&[]), []);
}

#[test]
fn what_is_missing_is_found_where_the_condition_holds_even_one_on_a_derived_value() {
    let born_2004 = json!({ "code": CODE });
    let missing = found(std::slice::from_ref(&born_2004));
    assert_eq!(told(&missing), [("missing", Some(1), Some("/contract"))]);
    assert_eq!(missing[0].severity, CheckSeverity::Error);
    assert_eq!(found(&[json!({ "code": CODE, "contract": "12-1/7" })]), []);
    let number = json!({ "code": CODE, "decisions": [{ "number": "3", "made_on": "2026-01-01" }] });
    assert_eq!(found(&[number]), [], "one of the fields is enough");
    assert_eq!(found(&[json!({})]), [], "nothing is known of the birth");
}

#[test]
fn what_belongs_together_is_looked_for_in_each_row() {
    let data = json!({ "decisions": [
        { "number": "1", "made_on": "2026-01-01" }, { "number": "2" }, {}, { "made_on": "2026-01-01", "number": null },
    ] });
    let found = found(&[data]);
    assert_eq!(
        told(&found),
        [("unpaired", Some(1), Some("/decisions/1/made_on")), ("unpaired", Some(1), Some("/decisions/3/number"))]
    );
    assert_ne!(found[0].key, found[1].key);
    assert_eq!(found[0].detail, "Otsusel on number ja kuupäev.", "Estonian where there is no translation");
}

#[test]
fn fields_of_different_groups_belong_together_in_the_record() {
    let mut kind = pupil();
    kind.checks.retain(|check| check.name == "half_a_decision");
    kind.checks[0].fields = vec!["contract".into(), "decisions/number".into()];
    let data = json!({ "decisions": [{ "number": "1" }] });
    let found = findings(&kind, "EE", &[subject(1, &data)], &Across::default(), day());
    assert_eq!(told(&found), [("unpaired", Some(1), Some("/contract"))]);
    let data = json!({ "contract": "12-1/7" });
    let found = findings(&kind, "EE", &[subject(1, &data)], &Across::default(), day());
    assert_eq!(told(&found), [("unpaired", Some(1), Some("/decisions"))], "the list, since no row of it is meant");
}

#[test]
fn a_condition_is_met_by_a_value_by_one_of_several_or_by_presence() {
    let data = json!({ "a": "x", "list": [{ "b": 1 }, { "b": 2 }], "none": null, "empty": [] });
    let condition = |text: Value| serde_json::from_value::<Condition>(text).unwrap().holds(&data);
    assert!(condition(json!({ "field": "a", "is": "x" })));
    assert!(!condition(json!({ "field": "a", "is": "y" })));
    assert!(condition(json!({ "field": "list/b", "one_of": [2, 3] })));
    assert!(!condition(json!({ "field": "list/b", "one_of": [3] })));
    for absent in ["none", "empty", "unknown", "list/c"] {
        assert!(condition(json!({ "field": absent, "present": false })), "{absent}");
        assert!(!condition(json!({ "field": absent, "present": true })), "{absent}");
    }
    assert!(!condition(json!({ "field": "a" })), "a condition that says nothing is never met");
}

#[test]
fn a_check_that_lacks_what_it_needs_finds_nothing() {
    let mut kind = pupil();
    for check in &mut kind.checks {
        (check.fields, check.limit, check.when) = (Vec::new(), None, None);
    }
    let data = json!({ "grade": "5", "decisions": [{ "number": "1", "until": "2020-01-01" }] });
    assert_eq!(findings(&kind, "EE", &[subject(1, &data)], &Across::default(), day()), []);
    for check in &mut kind.checks {
        (check.fields, check.limit) = (vec!["Not a path".into(), "grade".into()], Some("many".into()));
    }
    assert_eq!(findings(&kind, "EE", &[subject(1, &data)], &Across::default(), day()), []);
}

#[test]
fn no_finding_repeats_a_value_outside_the_group_that_it_shows() {
    let data = json!({ "code": CODE, "grade": "Õunapuu", "load": "0.77", "decisions": [{ "number": "77-1" }] });
    let records = [data.clone(), data.clone(), data];
    let sums = HashMap::from([(("load_in_all".to_owned(), CODE.to_owned()), Decimal::TEN)]);
    let elsewhere = HashMap::from([(CODE.to_owned(), vec![id(99)])]);
    let found = found_across(&records, &Across { elsewhere, sums });
    assert!(found.len() > 4);
    for mut finding in found {
        finding.group.clear();
        let text = json!(finding).to_string();
        for value in [CODE, "Õunapuu", "0.77", "77-1", &id(99).to_string()] {
            assert!(!text.contains(value), "{text}");
        }
    }
}

#[test]
fn the_store_learns_what_to_ask_for() {
    assert_eq!(what_is_needed(&pupil()), (true, vec![("load_in_all", "load")]));
    let mut kind = pupil();
    kind.checks.retain(|check| check.kind == CheckKind::Missing);
    assert_eq!(what_is_needed(&kind), (false, vec![]));
}

#[test]
fn errors_block_unless_excepted_and_warnings_unless_a_reason_is_written() {
    let data = json!({});
    let mut warning = violation(Severity::Warning, None);
    warning.pointer = "/grade".into();
    let violations = [violation(Severity::Error, None), warning];
    let subject = Subject { violations: &violations, ..subject(7, &data) };
    let found = findings(&pupil(), "EE", &[subject], &Across::default(), day());
    let none = HashSet::new();
    let keys = |which: &[usize]| -> HashSet<String> { which.iter().map(|n| found[*n].key.clone()).collect() };
    let left = |reasons: &HashSet<String>, exceptions: &HashSet<String>| {
        let left = blockers(&found, reasons, exceptions);
        left.into_iter().map(|f| f.severity).collect::<Vec<_>>()
    };
    use CheckSeverity::{Error, Warning};
    assert_eq!(left(&none, &none), [Error, Warning]);
    assert_eq!(left(&keys(&[0, 1]), &none), [Error], "a reason is no help against an error");
    assert_eq!(left(&none, &keys(&[0])), [Warning]);
    assert_eq!(left(&none, &keys(&[0, 1])), []);
    assert_eq!(left(&keys(&[1]), &keys(&[0])), []);
}

/// A pupil with some of the fields, right or wrong.
fn any_pupil() -> impl Strategy<Value = Value> {
    let grade = proptest::option::of("[1-2]");
    let until = proptest::option::of(prop_oneof![Just("2026-01-01"), Just("2027-01-01")]);
    (proptest::bool::ANY, grade, until, proptest::option::of("[0-9]"), proptest::bool::ANY).prop_map(
        |(coded, grade, until, number, special)| {
            let decision = json!({ "until": until, "number": number });
            let mut data = json!({ "grade": grade, "decisions": [decision] });
            if coded {
                data["code"] = json!(CODE);
            }
            if special {
                data["special"] = json!(true);
            }
            data
        },
    )
}

proptest! {
    #[test]
    fn every_finding_has_a_key_of_its_own_that_does_not_hang_on_the_order_of_the_records(
        (records, shuffled) in proptest::collection::vec(any_pupil(), 0..12).prop_flat_map(|list| {
            let numbered: Vec<(u128, Value)> = (1..).zip(list).collect();
            (Just(numbered.clone()), Just(numbered).prop_shuffle())
        }),
    ) {
        let elsewhere = HashMap::from([(CODE.to_owned(), vec![id(99)])]);
        let across = Across { elsewhere, ..Across::default() };
        let keys = |records: &[(u128, Value)]| {
            let subjects: Vec<Subject> = records.iter().map(|(n, data)| subject(*n, data)).collect();
            let mut keys: Vec<String> =
                findings(&pupil(), "EE", &subjects, &across, day()).into_iter().map(|f| f.key).collect();
            keys.sort();
            keys
        };
        let found = keys(&records);
        prop_assert!(found.is_sorted_by(|a, b| a < b), "{found:?}");
        prop_assert_eq!(keys(&shuffled), found);
    }
}
