//! What is refused, where, under which code and clause, and what is not.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::json;

use super::samples::{
    EMPLOYEE, EVERYTHING, INSTITUTION, LISTS, PERSON, day, definition, definitions, employee, personal_code,
    record_type,
};
use super::*;

/// A register and its definition made ready.
struct Register {
    definition: Definition,
    compiled: Compiled,
}

impl Register {
    fn new(country: &str, types: &[&str]) -> Self {
        let definition = definition(country, types, LISTS);
        let compiled = Compiled::new(&definition).unwrap();
        Self { definition, compiled }
    }

    fn on<'a>(&'a self, name: &str, effective_on: &str) -> Validation<'a> {
        Validation {
            definition: &self.definition,
            compiled: &self.compiled,
            record_type: record_type(&self.definition, name),
            effective_on: day(effective_on),
            today: day("2024-05-02"),
        }
    }

    fn state(&self, name: &str, data: &Value) -> Vec<Violation> {
        self.on(name, "2024-05-01").state(data)
    }
}

fn employees() -> Register {
    Register::new("EE", &[EMPLOYEE])
}

fn everything() -> Register {
    Register::new("EE", &[EVERYTHING])
}

fn codes(violations: &[Violation]) -> Vec<(&str, &str)> {
    violations.iter().map(|fault| (fault.pointer.as_str(), fault.code)).collect()
}

/// The codes for an employee after `change`.
fn after(change: impl FnOnce(&mut Value)) -> Vec<Violation> {
    let mut data = employee();
    change(&mut data);
    employees().state("employee", &data)
}

/// What is said of one value of a field of the record type that has everything.
fn about(field: &str, value: &Value) -> Vec<&'static str> {
    let faults = everything().state("everything", &json!({ "text": "x", "unless_email": "x", field: value }));
    let about = faults.into_iter().filter(|fault| fault.pointer.starts_with(&format!("/{field}")));
    about.map(|fault| fault.code).collect()
}

#[track_caller]
fn takes(field: &str, values: &[Value]) {
    for value in values {
        assert_eq!(about(field, value), [""; 0], "{field}: {value}");
    }
}

#[track_caller]
fn refuses(field: &str, code: &str, values: &[Value]) {
    for value in values {
        assert_eq!(about(field, value), [code], "{field}: {value}");
    }
}

#[test]
fn a_full_record_of_an_employee_is_sound() {
    assert_eq!(after(|_| ()), []);
}

#[test]
fn every_constraint_is_reported_with_pointer_and_clause() {
    let found = after(|data| {
        data["given_name"] = json!("Mari\u{7}");
        data["personal_code"] = json!("38001085719");
        data["citizenships"] = json!(["EST", "EST", "ZZZ"]);
        data["pay"][1]["amount"] = json!("2020.0");
        data["shoe_size"] = json!(42);
        data["sex"] = json!("female");
        data.as_object_mut().unwrap().remove("post");
    });
    assert_eq!(
        codes(&found),
        [
            ("/citizenships/1", "not_unique_in_list"),
            ("/citizenships/2", "not_in_codelist"),
            ("/given_name", "pattern"),
            ("/pay/1/amount", "scale"),
            ("/personal_code", "personal_code_checksum"),
            ("/post", "required"),
            ("/sex", "derived"),
            ("/shoe_size", "unknown_field"),
        ]
    );
    let pay = found.iter().find(|fault| fault.code == "scale").unwrap();
    assert_eq!(pay.clause, Some(Clause("§ 12 lg 1 p 16".to_owned())), "parts inherit the clause");
    assert_eq!(pay.section.as_deref(), Some("pay"));
    assert_eq!(pay.severity, Severity::Error);
    assert_eq!(
        serde_json::to_value(pay).unwrap(),
        json!({
            "pointer": "/pay/1/amount", "code": "scale", "clause": "§ 12 lg 1 p 16",
            "detail": "The number must have exactly 2 digits after the point.",
        })
    );
    let unknown = found.last().unwrap();
    assert_eq!(unknown.clause, Some(Clause("§ 12 lg 1".to_owned())), "the list is closed");
}

#[test]
fn rows_are_reported_in_reading_order() {
    let rows: Vec<Value> = (0..11).map(|_| json!({ "to": "2024-01-01" })).collect();
    let found = after(|data| data["suspensions"] = json!(rows));
    let pointers: Vec<String> = (0..11).map(|row| format!("/suspensions/{row}/from")).collect();
    assert_eq!(found.iter().map(|fault| &fault.pointer).collect::<Vec<_>>(), pointers.iter().collect::<Vec<_>>());
}

#[test]
fn a_pointer_escapes_what_rfc_6901_escapes() {
    let found = after(|data| data["a/b~c"] = json!(1));
    assert_eq!(codes(&found), [("/a~1b~0c", "unknown_field")]);
}

#[test]
fn text_is_one_trimmed_line() {
    takes("text", &[json!("x"), json!("Õ é 漢"), json!("a  b"), json!("x".repeat(500)), json!("õ".repeat(500))]);
    refuses("text", "length", &[json!(""), json!("õ".repeat(501))]);
    refuses(
        "text",
        "pattern",
        &[json!(" x"), json!("x "), json!("a\nb"), json!("a\tb"), json!("a\u{a0}"), json!("a\0")],
    );
    refuses("text", "type", &[json!(1), json!(null), json!(true), json!(["x"]), json!({})]);
    takes("multiline", &[json!("a\nb"), json!("x".repeat(20_000))]);
    refuses("multiline", "pattern", &[json!("a\r\nb"), json!("a\n"), json!("a\tb")]);
    refuses("multiline", "length", &[json!("x".repeat(20_001))]);
    takes("address", &[json!("Pargi tee 1")]);
    refuses("address", "pattern", &[json!("Pargi tee 1\nKüla")]);
}

#[test]
fn a_pattern_holds_for_the_whole_text_and_as_ecma_262_reads_it() {
    takes("texts", &[json!(["ab", "cd e"])]);
    refuses("texts", "pattern", &[json!(["ab", "c!"]), json!(["ab", "õ"])]);
    assert_eq!(about("texts", &json!(["a", "b", "c", "d"])), ["items"]);
    assert_eq!(about("texts", &json!(["a", "abcdef"])), ["length"]);
    let arabic = after(|data| {
        data["termination"] = json!({ "on": "2024-05-01", "act": "TLS", "section": "٣" });
    });
    assert_eq!(codes(&arabic), [("/termination/section", "pattern")]);
}

#[test]
fn numbers_are_whole_or_texts() {
    takes("integer", &[json!(0), json!(-5), json!(i64::MAX), json!(i64::MIN)]);
    refuses("integer", "type", &[json!("1"), json!(1.5), json!(1.0), json!(1e30), json!(null)]);
    refuses("integer", "range", &[json!(u64::MAX)]);
    takes("integers", &[json!([-1, 0, 2]), json!([])]);
    refuses("integers", "range", &[json!([-2]), json!([3])]);
    refuses("integers", "type", &[json!(1), json!([null])]);
    takes("decimal", &[json!("0"), json!("37.50"), json!("-1.5")]);
    refuses("decimal", "type", &[json!(37.5), json!(37), json!(["1"])]);
    refuses("decimal", "pattern", &[json!("37,5"), json!("01"), json!("-0"), json!(""), json!(" 1")]);
    refuses("decimal", "scale", &[json!("1.234")]);
    refuses("decimal", "length", &[json!("1".repeat(29))]);
    takes("signed", &[json!("-12.25"), json!("-12.250"), json!("105.5"), json!("105.500"), json!("0.001")]);
    refuses("signed", "range", &[json!("-12.251"), json!("105.501"), json!("-100"), json!("1000")]);
    takes("below", &[json!("-3"), json!("-10")]);
    refuses("below", "range", &[json!("-2"), json!("0")]);
    refuses("below", "scale", &[json!("-3.0")]);
    takes("year", &[json!(1800), json!(2030)]);
    refuses("year", "year", &[json!(1799), json!(2201), json!(-2000)]);
    refuses("year", "range", &[json!(2031)]);
    refuses("year", "type", &[json!("2024")]);
    refuses("boolean", "type", &[json!("true"), json!(1), json!(null)]);
}

#[test]
fn money_is_not_negative_unless_the_statute_says_so() {
    takes("money", &[json!("0.00"), json!("1820.00")]);
    refuses("money", "range", &[json!("-0.01")]);
    refuses("money", "scale", &[json!("1820"), json!("1820.5"), json!("1820.000")]);
    refuses("money", "type", &[json!(1820)]);
    takes("debt", &[json!("-500.00")]);
    refuses("debt", "range", &[json!("-500.01"), json!("0.01")]);
}

#[test]
fn a_value_above_the_usual_is_a_warning() {
    let found = after(|data| data["load"] = json!("1.20"));
    assert_eq!(codes(&found), [("/load", "above")]);
    assert_eq!(found.first().map(|fault| fault.severity), Some(Severity::Warning));
    let found = after(|data| data["load"] = json!("1.51"));
    assert_eq!(codes(&found), [("/load", "range")]);
    assert_eq!(after(|data| data["load"] = json!("1.00")), []);
}

#[test]
fn days_are_in_the_calendar_and_within_bounds() {
    takes("date", &[json!("1991-08-20"), json!("2024-02-29"), json!("2030-12-31")]);
    refuses("date", "date", &[json!("2023-02-29"), json!("29.02.2024"), json!("1799-01-01"), json!("")]);
    refuses("date", "range", &[json!("1991-08-19"), json!("2031-01-01")]);
    refuses("date", "type", &[json!(20_240_229)]);
}

#[test]
fn codes_are_of_their_list_and_valid_on_the_day() {
    let register = everything();
    let on = |code: &str, day: &str| {
        let data = json!({ "text": "x", "unless_email": "x", "dated": code });
        codes(&register.on("everything", day).state(&data)).into_iter().map(|(_, code)| code).collect::<String>()
    };
    assert_eq!(on("study", "2021-01-01"), "");
    assert_eq!(on("study", "2020-12-31"), "code_not_valid_then");
    assert_eq!(on("old", "2019-12-31"), "");
    assert_eq!(on("old", "2020-01-01"), "code_not_valid_then");
    assert_eq!(on("Annual", "2020-01-01"), "not_in_codelist");
    refuses("listed", "not_in_codelist", &[json!("SWE")]);
    takes("country", &[json!("SWE")]);
    refuses("country", "pattern", &[json!("SE"), json!("swe")]);
    refuses("language", "pattern", &[json!("est"), json!("ET")]);
}

#[test]
fn a_code_that_was_renamed_is_known_under_both_names_and_moved_ones_have_their_parent_of_the_day() {
    let lists = r#"codelist = [
      { name = "levels", label.et = "x", clause = "§ 1", code = [{ code = "a", label.et = "a" }, { code = "b", label.et = "b" }] },
      { name = "kinds", label.et = "x", clause = "§ 1", code = [
        { code = "k", label.et = "vana", parent = "a", valid_until = "2019-12-31" },
        { code = "k", label.et = "uus", parent = "b", valid_from = "2020-01-01" } ] } ]"#;
    let text = r#"
      name = "t"
      label.et = "x"
      clause = "§ 1"
      title = []
      base_documents = []
      section = []
      field = [{ name = "level", type = "code", codelist = "levels", label.et = "x" },
        { name = "kind", type = "code", codelist = "kinds", within_code = "level", label.et = "x" }]"#;
    let definition = definition("EE", &[text], lists);
    let register = Register { compiled: Compiled::new(&definition).unwrap(), definition };
    for (day, parent) in [("2019-12-31", "a"), ("2020-01-01", "b")] {
        for level in ["a", "b"] {
            let found = register.on("t", day).state(&json!({ "level": level, "kind": "k" }));
            let expected: &[_] = if level == parent { &[] } else { &[("/kind", "code_not_under_parent")] };
            assert_eq!(codes(&found), expected, "{day} {level}");
        }
    }
}

#[test]
fn a_code_belongs_to_the_code_chosen_beside_it() {
    let found = after(|data| data["group"] = json!("workers"));
    assert_eq!(codes(&found), [("/subgroup", "code_not_under_parent")]);
    let found = after(|data| data["education"][0]["level"] = json!("basic"));
    assert_eq!(codes(&found), [("/education/0/kind", "code_not_under_parent")]);
    let found = after(|data| {
        data["education"][0].as_object_mut().unwrap().remove("level");
    });
    assert_eq!(codes(&found), [("/education/0/kind", "code_not_under_parent"), ("/education/0/level", "required")]);
    assert_eq!(about("codes", &json!(["bachelor", "primary"])), ["code_not_under_parent"; 2]);
}

#[test]
fn identity_codes_and_contacts_are_checked() {
    let (adult, child) = (personal_code("1980-01-08", 1), personal_code("2010-01-08", 1));
    takes("personal_code", &[json!(adult)]);
    refuses("personal_code", "personal_code_checksum", &[json!("38001085719")]);
    refuses("personal_code", "personal_code_length", &[json!("3800108571"), json!("")]);
    refuses("personal_code", "personal_code_future", &[json!(personal_code("2024-05-03", 1))]);
    refuses("personal_code", "personal_code_stored_form", &[json!(format!("{adult} "))]);
    takes("finnish_code", &[json!("131052-308T")]);
    refuses("finnish_code", "personal_code_stored_form", &[json!("131052-308t")]);
    refuses("finnish_code", "personal_code_separator", &[json!("131052G308T")]);
    takes("minor", &[json!(child)]);
    refuses("minor", "not_a_minor", &[json!(adult)]);
    takes("registry_code", &[json!("70006317")]);
    refuses("registry_code", "registry_code", &[json!("70006318"), json!("2345")]);
    refuses("business_id", "registry_code", &[json!("70006317")]);
    takes("phone", &[json!("+3725550000")]);
    refuses("phone", "phone", &[json!("+372 5550000")]);
    refuses("phone", "pattern", &[json!("+4615550000")]);
    takes("email", &[json!("mari@example.ee")]);
    refuses("email", "email", &[json!("mari@example")]);
    takes("iban", &[json!("EE382200221020145685")]);
    refuses("iban", "iban", &[json!("EE392200221020145685")]);
    takes("file", &[json!("0f".repeat(32))]);
    refuses("file", "pattern", &[json!("0F".repeat(32))]);
    refuses("reference", "pattern", &[json!("1"), json!("0190163D-8694-739B-AEA5-966C26F8AD91")]);
}

#[test]
fn a_personal_code_is_read_by_the_country_of_the_field_or_of_the_register() {
    let finland = Register::new("FI", &[PERSON]);
    assert_eq!(finland.state("person", &json!({ "code": "131052-308T", "employer": "2077474-0" })), []);
    let found = finland.state("person", &json!({ "code": "38001085718" }));
    assert_eq!(codes(&found), [("/code", "personal_code_separator")]);
}

#[test]
fn children_need_a_named_legal_need_and_must_be_minors() {
    let child = |birth: &str, need: Value| {
        after(|data| {
            let mut row = json!({ "name": "Juku", "personal_code": personal_code(birth, 1) });
            if !need.is_null() {
                row["need"] = need;
            }
            data["children"] = json!([row]);
        })
    };
    assert_eq!(child("2015-05-05", json!("bonus")), []);
    let found = child("2015-05-05", Value::Null);
    assert_eq!(codes(&found), [("/children/0/name", "legal_need_missing")]);
    assert_eq!(found.first().and_then(|fault| fault.section.as_deref()), Some("children"));
    assert_eq!(codes(&child("2006-05-01", json!("bonus"))), [("/children/0/personal_code", "not_a_minor")]);
    assert_eq!(child("2006-05-02", json!("bonus")), [], "on the day before the birthday");
}

#[test]
fn a_legal_need_is_not_named_by_a_no() {
    assert_eq!(about("by_agreement", &json!("x")), ["legal_need_missing"]);
    let register = everything();
    for (agreed, expected) in [(true, vec![]), (false, vec![("/by_agreement", "legal_need_missing")])] {
        let data = json!({ "text": "x", "unless_email": "x", "by_agreement": "x", "agreed": agreed });
        assert_eq!(codes(&register.state("everything", &data)), expected);
    }
}

#[test]
fn a_value_that_needs_consent_is_refused_without_it() {
    let consent = |consent: Option<Value>| {
        after(|data| {
            let members = data.as_object_mut().unwrap();
            members.remove("sector_consent");
            members.extend(consent.map(|consent| ("sector_consent".to_owned(), consent)));
        })
    };
    assert_eq!(consent(Some(json!({ "given_on": "2020-03-02" }))), []);
    let missing = consent(None);
    assert_eq!(codes(&missing), [("/previous_sector", "consent_missing")]);
    assert_eq!(missing.first().and_then(|fault| fault.clause.clone()), Some(Clause("§ 12 lg 1 p 23 l 2".to_owned())));
    assert_eq!(codes(&consent(Some(json!({})))), [("/previous_sector", "consent_missing")]);
}

#[test]
fn a_value_is_refused_after_the_withdrawal_of_its_consent_whatever_the_day() {
    for withdrawn in ["2021-01-01", "2024-05-01", "2030-01-01"] {
        let found = after(|data| data["sector_consent"]["withdrawn_on"] = json!(withdrawn));
        assert_eq!(codes(&found), [("/previous_sector", "consent_withdrawn")], "{withdrawn}");
    }
    let found = after(|data| {
        data["sector_consent"]["withdrawn_on"] = json!("2024-05-01");
        data.as_object_mut().unwrap().remove("previous_sector");
    });
    assert_eq!(found, []);
}

#[test]
fn of_several_consents_one_that_stands_is_enough() {
    let with = |consents: Value| {
        let data = json!({ "text": "x", "unless_email": "x", "by_consent": ["x"], "consents": consents });
        everything().state("everything", &data).into_iter().map(|fault| fault.code).collect::<String>()
    };
    let (given, ended) = (json!({ "version": "1" }), json!({ "withdrawn_on": "2020-01-01" }));
    assert_eq!(with(json!([ended, given])), "");
    assert_eq!(with(json!([ended])), "consent_withdrawn");
    assert_eq!(with(json!([])), "consent_missing");
    assert_eq!(with(json!([{}])), "consent_missing");
}

#[test]
fn what_is_required_may_hang_on_a_sibling() {
    let found = after(|data| data["fixed_term"] = json!({ "is_fixed": true }));
    assert_eq!(codes(&found), [("/fixed_term/reason", "required"), ("/fixed_term/until", "required")]);
    assert_eq!(after(|data| data["fixed_term"] = json!({ "is_fixed": false })), []);
    let found = after(|data| data["fixed_term"]["reason"] = json!("asendus"));
    assert_eq!(codes(&found), [("/deputy", "required")], "a condition reaches into a group beside");
    let found = after(|data| data["documents"][0]["about"] = json!("dependant"));
    assert_eq!(codes(&found), [("/documents/0/need", "required")]);
}

#[test]
fn what_must_be_absent_beside_something_else_is_refused_with_its_clause() {
    let register = everything();
    let faults = |data: Value| {
        let found = register.state("everything", &data).into_iter().filter(|f| f.code == "must_be_absent");
        found.map(|f| (f.pointer, f.clause.map(|c| c.0))).collect::<Vec<_>>()
    };
    let inner = json!([{ "deepest": "xy" }]);
    let beside = json!({ "not_beside": "x", "outer": { "flag": true, "inner": inner } });
    assert_eq!(faults(beside), [("/not_beside".to_owned(), Some("§ 5".to_owned()))]);
    assert_eq!(faults(json!({ "not_beside": "x", "outer": { "flag": false } })), []);
    assert_eq!(faults(json!({ "outer": { "flag": true, "inner": inner } })), []);
    let list = |items: Value| faults(json!({ "language": "et", "none_beside": items })).len();
    assert_eq!((list(json!(["x"])), list(json!([]))), (1, 0), "an empty list is absent");
}

#[test]
fn a_condition_on_a_list_holds_if_one_item_meets_it() {
    let register = everything();
    let required = |member: &str, value: Value| {
        let data = json!({ "text": "x", "email": "a@b.ee", member: value });
        let found = register.state("everything", &data);
        found.into_iter().filter(|f| f.code == "required").map(|f| f.pointer).collect::<String>()
    };
    assert_eq!(required("integers", json!([0, 2])), "/with_seven");
    assert_eq!(required("integers", json!([0, -1])), "");
    assert_eq!(required("texts", json!(["a", "b"])), "/with_texts");
    assert_eq!(required("rows", json!([{}, { "note": "deep" }])), "/with_deep");
    assert_eq!(required("rows", json!([{ "note": "x" }])), "");
    assert_eq!(required("outer", json!({ "flag": false })), "/with_group");
    assert_eq!(required("outer", json!({})), "");
    assert_eq!(required("outer", json!({ "flag": true })), "/outer/inner/with_group");
    let found = register.state("everything", &json!({ "text": "x" }));
    assert_eq!(codes(&found), [("/unless_email", "required")]);
}

#[test]
fn an_empty_list_is_nothing() {
    let found = after(|data| data["pay"] = json!([]));
    assert_eq!(codes(&found), [("/pay", "required")]);
    assert_eq!(after(|data| data["leaves"] = json!([])), []);
    let data = json!({ "text": "x", "unless_email": "x", "by_consent": [] });
    assert_eq!(everything().state("everything", &data), []);
    assert_eq!(about("texts", &json!([])), ["items"]);
}

#[test]
fn parts_of_a_group_are_required_where_the_group_is() {
    let found = after(|data| data["probation"] = json!({}));
    assert_eq!(codes(&found), [("/probation/amount", "required"), ("/probation/unit", "required")]);
    assert_eq!(after(|data| drop(data.as_object_mut().unwrap().remove("probation"))), []);
    let found = after(|data| data["probation"]["days"] = json!(1));
    assert_eq!(codes(&found), [("/probation/days", "unknown_field")]);
    assert_eq!(found.first().and_then(|fault| fault.clause.clone()), Some(Clause("§ 12 lg 1 p 8".to_owned())));
    let found = after(|data| data["leaves"][0]["days"] = json!(28));
    assert_eq!(codes(&found), [("/leaves/0/days", "derived")]);
}

#[test]
fn null_is_no_value() {
    assert_eq!(codes(&after(|data| data["address"] = Value::Null)), [("/address", "type")]);
    assert_eq!(codes(&after(|data| data["post"] = Value::Null)), [("/post", "type")]);
    assert_eq!(codes(&after(|data| data["phones"] = Value::Null)), [("/phones", "type")]);
    assert_eq!(codes(&after(|data| data["pay"][0] = Value::Null)), [("/pay/0", "type")]);
}

#[test]
fn days_are_in_order() {
    let found = after(|data| data["leaves"][1]["to"] = json!("2022-06-30"));
    assert_eq!(codes(&found), [("/leaves/1/to", "order")]);
    let found = after(|data| {
        data["termination"] = json!({ "on": "2020-03-01", "act": "TLS", "section": "88^1" });
        data["suspensions"] = json!([]);
    });
    assert_eq!(codes(&found), [("/items/0/issued_on", "outside"), ("/termination/on", "order")]);
    assert_eq!(found.last().and_then(|fault| fault.clause.clone()), Some(Clause("§ 12 lg 2".to_owned())));
    let same = after(|data| data["leaves"][1]["to"] = json!("2022-07-01"));
    assert_eq!(same, [], "one day is a period");
}

#[test]
fn periods_do_not_overlap_and_both_their_days_count() {
    let found = after(|data| data["leaves"][0]["to"] = json!("2022-07-01"));
    assert_eq!(codes(&found), [("/leaves/1", "overlap")]);
    assert_eq!(found[0].detail, "This period must not overlap the one at /leaves/0.");
    assert_eq!(after(|data| data["leaves"][0]["to"] = json!("2022-06-30")), []);
    let found = after(|data| data["leaves"][0]["to"] = json!("2024-07-02"));
    assert_eq!(codes(&found), [("/leaves/1", "overlap"), ("/leaves/2", "overlap"), ("/leaves/3", "overlap")]);
}

#[test]
fn kinds_may_overlap_each_other_and_an_open_period_never_ends() {
    let found = after(|data| drop(data["pay"][0].as_object_mut().unwrap().remove("to")));
    assert_eq!(codes(&found), [("/pay/1", "overlap")]);
    assert_eq!(found[0].section.as_deref(), Some("pay"));
    assert_eq!(after(|data| data["pay"][1]["kind"] = json!("allowance")).len(), 1);
}

#[test]
fn rows_lie_within_the_life_of_the_record() {
    let found = after(|data| {
        data["suspensions"] = json!([{ "from": "2020-03-01", "to": "2020-03-02" }, { "from": "2024-01-01" }]);
        data["items"][0]["issued_on"] = json!("2019-01-01");
    });
    assert_eq!(codes(&found), [("/items/0/issued_on", "outside"), ("/suspensions/0/from", "outside")]);
    assert_eq!(found[0].severity, Severity::Warning, "as the rule says");
    let found = after(|data| {
        data["termination"] = json!({ "on": "2024-06-30", "act": "TLS", "section": "85" });
        data["suspensions"] = json!([{ "from": "2024-06-30", "to": "2024-07-01" }]);
        data["leaves"] = json!([]);
    });
    assert_eq!(codes(&found), [("/suspensions/0/to", "outside")]);
}

#[test]
fn a_life_of_events_is_in_sequence() {
    let register = Register::new("EE", &[INSTITUTION]);
    let state = |events: Value| {
        let data = json!({ "name": "Kool", "events": events, "opened_on": "2000-01-01" });
        register
            .state("institution", &data)
            .into_iter()
            .map(|f| format!("{} {}", f.pointer, f.code))
            .collect::<Vec<_>>()
    };
    let event = |kind: &str, on: &str| json!({ "kind": kind, "on": on, "act": "x" });
    let [founded, reorganised, closed] =
        [event("founded", "1990-01-01"), event("reorganised", "2000-01-01"), event("closed", "2010-01-01")];
    assert_eq!(state(json!([founded, reorganised, closed])), [""; 0]);
    assert_eq!(state(json!([founded, reorganised, reorganised])), [""; 0], "two on one day");
    assert_eq!(state(json!([reorganised, founded, closed])), ["/events/0/kind sequence", "/events/1/on sequence"]);
    assert_eq!(state(json!([founded, closed, reorganised])), ["/events/1/kind sequence", "/events/2/on sequence"]);
    assert_eq!(
        state(json!([event("founded", "2000-01-02"), event("closed", "2009-01-01")])),
        ["/opened_on order", "/opened_on outside"],
        "a path chooses a row"
    );
    let data = json!({ "name": "Kool", "events": [{ "kind": "closed", "on": "2000-01-01" }] });
    assert_eq!(
        codes(&register.state("institution", &data)),
        [("/events/0/act", "required"), ("/events/0/kind", "sequence")]
    );
}

#[test]
fn a_path_chooses_the_first_row_that_fits() {
    let event = |kind: &str, on: &str| json!({ "kind": kind, "on": on, "act": "x" });
    let events = json!([event("founded", "1990-01-01"), event("closed", "1995-01-01"), event("closed", "1999-01-01")]);
    let data = json!({ "name": "Kool", "events": events, "opened_on": "1996-01-01" });
    assert_eq!(
        codes(&Register::new("EE", &[INSTITUTION]).state("institution", &data)),
        [("/events/1/kind", "sequence"), ("/events/1/on", "order"), ("/opened_on", "outside")]
    );
}

#[test]
fn rules_reach_into_lists_of_lists() {
    let text = r#"
      name = "t"
      label.et = "x"
      clause = "§ 1"
      title = []
      base_documents = []
      section = [{ name = "s", label.et = "x" }]
      field = [{ name = "outer", type = "group", repeats = true, label.et = "x", section = "s", part = [
        { name = "inner", type = "group", repeats = true, label.et = "x", part = [
          { name = "from", type = "date", label.et = "x" }, { name = "to", type = "date", label.et = "x" } ] } ] }]
      rule = [{ kind = "no_overlap", clause = "§ 2", of = "outer/inner", from = "from", to = "to" }]"#;
    let register = Register::new("EE", &[text]);
    let row = json!({ "from": "2020-01-01", "to": "2020-01-02" });
    let found = register.state("t", &json!({ "outer": [{ "inner": [row] }, { "inner": [row, row] }] }));
    assert_eq!(codes(&found), [("/outer/1/inner/1", "overlap")]);
    assert_eq!(found[0].section.as_deref(), Some("s"));
}

#[test]
fn a_patch_mentions_only_what_may_be_entered() {
    let register = employees();
    let shape = |patch: &Value| {
        let found = register.on("employee", "2024-05-01").patch_shape(patch);
        found.into_iter().map(|fault| format!("{} {}", fault.pointer, fault.code)).collect::<Vec<_>>()
    };
    assert_eq!(shape(&json!({ "address": null, "fixed_term": { "until": null }, "load": 7 })), [""; 0]);
    assert_eq!(shape(&json!({})), [""; 0]);
    assert_eq!(
        shape(&json!({
            "sex": null, "shoe_size": null, "fixed_term": { "colour": 1 },
            "leaves": [{ "kind": "annual" }, { "days": 3, "colour": {} }],
        })),
        [
            "/fixed_term/colour unknown_field",
            "/leaves/1/colour unknown_field",
            "/leaves/1/days derived",
            "/sex derived",
            "/shoe_size unknown_field",
        ]
    );
    for patch in [json!(null), json!([]), json!("x")] {
        assert_eq!(shape(&patch), [" type"]);
    }
}

#[test]
fn a_document_that_is_too_deep_or_too_large_is_not_walked() {
    let nested = |depth: usize| (0..depth).fold(json!(1), |inner, _| json!([inner]));
    let register = everything();
    let validation = register.on("everything", "2024-05-01");
    let deep = json!({ "text": nested(32) });
    assert_eq!(codes(&validation.state(&deep)), [("", "too_deep")]);
    assert_eq!(codes(&validation.patch_shape(&deep)), [("", "too_deep")]);
    assert_eq!(about("text", &nested(31)), ["type"]);
    let half = json!(vec![0; 5000]);
    let large = json!({ "text": "x", "integers": half, "rows": half });
    assert_eq!(validation.state(&large).iter().filter(|fault| fault.code == "too_large").count(), 0);
    let large = json!({ "text": "x", "integers": half, "rows": half, "texts": [1] });
    assert_eq!(codes(&validation.state(&large)), [("", "too_large")]);
}

#[test]
fn an_answer_is_not_many_times_as_large_as_the_question() {
    let unknown: serde_json::Map<_, _> = (0..5000).map(|n| (format!("x{n}"), json!(1))).collect();
    assert_eq!(everything().state("everything", &Value::Object(unknown)).len(), MAX_ERRORS);
}

#[test]
fn warnings_never_crowd_out_an_error() {
    let row = |amount: &str| json!({ "kind": "salary", "amount": amount, "from": "2020-01-01", "to": "2020-01-01" });
    let text = EMPLOYEE.replace("items = [1, 200]", "items = [1, 5000]");
    let register = Register::new("EE", &[&text]);
    let mut rows = vec![row("20000.00"); 2000];
    rows.push(row("20000.0"));
    let mut data = employee();
    data["pay"] = json!(rows);
    let found = register.state("employee", &data);
    assert_eq!(found.iter().filter(|fault| fault.severity == Severity::Warning).count(), 2000);
    assert!(found.iter().any(|fault| fault.pointer == "/pay/2000/amount" && fault.code == "scale"));
}

#[test]
fn no_document_that_is_not_an_object_passes() {
    for document in [json!(null), json!([]), json!("x"), json!(1)] {
        assert_eq!(codes(&employees().state("employee", &document)), [("", "type")]);
    }
}

#[test]
fn nothing_passes_under_another_statute() {
    let (one, mut other) = (employees(), employees());
    other.definition.digest = "e".repeat(64);
    let mut validation = one.on("employee", "2024-05-01");
    validation.definition = &other.definition;
    assert_eq!(codes(&validation.state(&employee())), [("", "type")]);
    let strangers = Register::new("EE", &[INSTITUTION]);
    validation = one.on("employee", "2024-05-01");
    validation.record_type = record_type(&strangers.definition, "institution");
    assert_eq!(codes(&validation.state(&employee())), [("", "type")]);
}

#[test]
fn a_definition_that_makes_no_sense_is_not_made_ready() {
    let fault = |field: &str, rules: &str| {
        let text = format!(
            "name = \"t\"\nlabel.et = \"x\"\nclause = \"§ 1\"\ntitle = []\nbase_documents = []\nsection = []\n\
             field = [{{ name = \"a\", label.et = \"x\", {field} }}]\nrule = [{rules}]"
        );
        let error = Compiled::new(&definition("SE", &[&text], LISTS)).unwrap_err();
        assert_eq!(error.record_type, "t");
        (error.place, error.fault)
    };
    let at = |fault| ("a".to_owned(), fault);
    assert_eq!(fault("type = \"text\", pattern = \"(\"", ""), at(CompileFault::Pattern));
    assert_eq!(fault("type = \"integer\", min = \"x\"", ""), at(CompileFault::Bound));
    assert_eq!(fault("type = \"date\", max = \"soon\"", ""), at(CompileFault::Bound));
    assert_eq!(fault("type = \"code\"", ""), at(CompileFault::Codelist));
    assert_eq!(fault("type = \"code\", codelist = \"none\"", ""), at(CompileFault::Codelist));
    assert_eq!(fault("type = \"personal_code\"", ""), at(CompileFault::Country));
    let condition = "type = \"text\", required_when = { field = \"b\", present = true }";
    assert_eq!(fault(condition, ""), at(CompileFault::Sibling));
    let condition = "type = \"text\", required_when = { field = \"a\" }";
    assert_eq!(fault(condition, ""), at(CompileFault::Condition));
    let rule = "{ kind = \"order\", clause = \"§ 2\", from = \"a\" }";
    assert_eq!(fault("type = \"text\"", rule), ("rule under § 2".to_owned(), CompileFault::Rule));
}

#[test]
fn references_files_and_sections_are_found() {
    let definition = definition("EE", &[EMPLOYEE], LISTS);
    let kind = record_type(&definition, "employee");
    let data = employee();
    let uses = references(kind, &data);
    let found: Vec<_> = uses.iter().map(|u| (u.pointer.as_str(), u.record_type.as_str())).collect();
    assert_eq!(found, [("/post", "post"), ("/transfers/0/from_post", "post"), ("/transfers/0/to_post", "post")]);
    assert!(uses.iter().all(|u| u.id == data["post"] && u.section.as_deref() == Some("main")));
    assert_eq!(uses[1].clause, Some(Clause("§ 12 lg 1 p 20".to_owned())));
    let uses = files(kind, &data);
    let found: Vec<_> = uses.iter().map(|u| (u.pointer.as_str(), u.media_types.join(" "))).collect();
    assert_eq!(
        found,
        [("/photo", "image/jpeg image/png".to_owned()), ("/documents/0/file", "application/pdf".to_owned())]
    );
    let patch = json!({ "pay": null, "address": "x", "unknown": 1, "children": [] });
    let sections: Vec<_> = touched_sections(kind, &patch).into_iter().collect();
    assert_eq!(sections, ["children", "main", "pay"]);
    assert_eq!(references(kind, &json!({ "post": null, "transfers": [{ "from_post": 3 }] })), []);
}

#[test]
fn lists_of_references_are_found_item_by_item() {
    let register = everything();
    let id = "0190163d-8694-739b-aea5-966c26f8ad91";
    let kind = record_type(&register.definition, "everything");
    let found = references(kind, &json!({ "references": [id, "x", id] }));
    let pointers: Vec<_> = found.into_iter().map(|found| found.pointer).collect();
    assert_eq!(pointers, ["/references/0", "/references/2"]);
}

/// How long one check takes, the best of several rounds.
fn time_of(check: impl Fn() -> Vec<Violation>) -> Duration {
    let round = || {
        let start = Instant::now();
        for _ in 0..200 {
            assert!(std::hint::black_box(check()).is_empty());
        }
        start.elapsed() / 200
    };
    (0..5).map(|_| round()).min().unwrap()
}

#[test]
fn a_full_record_is_checked_in_microseconds() {
    let (register, data) = (employees(), employee());
    let validation = register.on("employee", "2024-05-01");
    let time = time_of(|| validation.state(&data));
    println!("a full record of an employee was checked in {time:?}");
    // 50 µs are the budget of an optimised build; an unoptimised one on a busy machine has more.
    let budget = if cfg!(debug_assertions) { 5000 } else { 50 };
    assert!(time < Duration::from_micros(budget), "{time:?}");
}

/// All texts and numbers of a document.
fn leaves(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => drop(found.insert(text.clone())),
        Value::Number(number) => drop(found.insert(number.to_string())),
        Value::Array(items) => items.iter().for_each(|item| leaves(item, found)),
        Value::Object(members) => members.values().for_each(|member| leaves(member, found)),
        Value::Null | Value::Bool(_) => {}
    }
}

fn junk() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        "QZ[0-9]{9}QZ".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 20, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,4}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_document_gets_an_answer_in_order_with_known_codes(
        members in prop::collection::btree_map(0_usize..60, junk(), 0..8), free in junk(),
    ) {
        let codes: BTreeSet<&str> = CODES.iter().copied().collect();
        for definition in definitions() {
            let compiled = Compiled::new(&definition).unwrap();
            for record_type in &definition.record_types {
                let validation = Validation {
                    definition: &definition, compiled: &compiled, record_type,
                    effective_on: day("2024-05-01"), today: day("2024-05-02"),
                };
                let named: BTreeMap<_, _> = members.iter().filter_map(|(at, value)| {
                    Some((record_type.fields.get(*at)?.name.clone(), value.clone()))
                }).collect();
                for document in [json!(named), free.clone()] {
                    for found in [validation.state(&document), validation.patch_shape(&document)] {
                        let in_order = found.is_sorted_by_key(|fault| reading_order(&fault.pointer));
                        prop_assert!(in_order);
                        for fault in found {
                            prop_assert!(codes.contains(fault.code), "{}", fault.code);
                            prop_assert!(document.pointer(&fault.pointer).is_some() || ["required", "sequence"].contains(&fault.code));
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn no_sentence_repeats_a_submitted_value(
        members in prop::collection::btree_map(0_usize..60, "QZ[0-9a-z]{4,30}", 1..8), number in 1_000_000..i64::MAX,
    ) {
        for definition in definitions() {
            let compiled = Compiled::new(&definition).unwrap();
            for record_type in &definition.record_types {
                let validation = Validation {
                    definition: &definition, compiled: &compiled, record_type,
                    effective_on: day("2024-05-01"), today: day("2024-05-02"),
                };
                let mut document = json!({});
                for (at, text) in &members {
                    let Some(field) = record_type.fields.get(*at) else { continue };
                    let parts = field.parts.iter().map(|part| (part.name.clone(), json!(text)));
                    let value = if field.parts.is_empty() { json!(text) } else { Value::Object(parts.collect()) };
                    document[&field.name] = if field.repeats { json!([value, value, number]) } else { value };
                }
                let mut values = BTreeSet::new();
                leaves(&document, &mut values);
                for fault in validation.state(&document) {
                    prop_assert!(!values.iter().any(|value| fault.detail.contains(value.as_str())), "{fault:?}");
                }
            }
        }
    }
}

#[test]
fn the_list_of_codes_is_in_order_and_without_doubles() {
    assert!(CODES.is_sorted_by(|a, b| a < b));
}
