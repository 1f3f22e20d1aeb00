use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use chrono::NaiveDate;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::model::{Form, Heading, Making, Node, References, Shows};
use super::read::{entered_part, read};
use super::text::Writing;
use super::typed::{Parts, Typed, blank_item, from_pairs, from_state, list_at, to_pairs, without_blank_items};
use crate::config::registers;
use crate::domain::import::{compare, entered, patch};
use crate::domain::record::merge::merge;
use crate::domain::record::schema::tests::documents::{Maker, Tape};
use crate::domain::record::validate::samples::definitions;
use crate::domain::record::validate::{Compiled, Severity, Validation};
use crate::domain::registers::{Register, Registers};
use crate::domain::statute::RecordType;
use crate::domain::statute::definition::{Definition, Field};
use crate::locale::Lang;
use crate::web::ui::T;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn writing(definition: &Definition, lang: Lang) -> Writing<'_> {
    Writing { lang, country: &definition.register.country, today: day("2024-05-02") }
}

/// What a browser posts of a form that shows `parts`: lines end in CR LF.
fn posted(fields: &[Field], parts: &Parts) -> Parts {
    let pairs: Vec<(String, String)> =
        to_pairs(parts).into_iter().map(|(name, text)| (name, text.replace('\n', "\r\n"))).collect();
    from_pairs(fields, pairs.iter().map(|(name, text)| (name.as_str(), text.as_str())))
}

/// Every definition that there is, invented and shipped.
static DEFINITIONS: LazyLock<Vec<(Definition, Compiled)>> = LazyLock::new(|| {
    let shipped = registers::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("config/registers")).unwrap();
    let all = definitions().into_iter().chain(shipped);
    all.map(|definition| (definition.clone(), Compiled::new(&definition).unwrap())).collect()
});

/// Every record type of every definition.
fn every_type(mut visit: impl FnMut(&Definition, &Compiled, usize)) {
    for (definition, compiled) in &*DEFINITIONS {
        for number in 0..definition.record_types.len() {
            visit(definition, compiled, number);
        }
    }
}

/// Whether a text is empty somewhere: in a form it looks like none.
fn has_empty_text(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.iter().any(has_empty_text),
        Value::Object(members) => members.values().any(has_empty_text),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_form_that_comes_back_untouched_changes_nothing(numbers in prop::collection::vec(any::<u16>(), 400)) {
        every_type(|definition, compiled, number| {
            let record_type = &definition.record_types[number];
            let (today, effective_on) = (day("2024-05-02"), day("2024-03-01"));
            let validation = Validation { definition, compiled, record_type, effective_on, today };
            let document = Maker::new(&validation).document(&mut Tape::new(&numbers));
            let was = entered_part(&record_type.fields, &document);
            for lang in Lang::ALL {
                let writing = writing(definition, lang);
                let back = posted(&record_type.fields, &from_state(writing, &record_type.fields, &was));
                let reading = read(writing, &record_type.fields, &back, &was);
                assert_eq!(reading.unread, [], "{} in {lang:?}", record_type.name);
                assert_eq!(compare(record_type, &was, &reading.data), [], "{} in {lang:?}", record_type.name);
            }
        });
    }

    #[test]
    fn what_a_form_shows_of_sound_data_is_read_as_these_data(numbers in prop::collection::vec(any::<u16>(), 400)) {
        every_type(|definition, compiled, number| {
            let record_type = &definition.record_types[number];
            let (today, effective_on) = (day("2024-05-02"), day("2024-03-01"));
            let validation = Validation { definition, compiled, record_type, effective_on, today };
            let document = Maker::new(&validation).document(&mut Tape::new(&numbers));
            let was = entered_part(&record_type.fields, &document);
            // An empty text in a form looks like none.
            if has_empty_text(&was) || validation.state(&was).iter().any(|fault| fault.severity == Severity::Error) {
                return;
            }
            for lang in Lang::ALL {
                let writing = writing(definition, lang);
                let back = posted(&record_type.fields, &from_state(writing, &record_type.fields, &was));
                let reading = read(writing, &record_type.fields, &back, &Value::Null);
                assert_eq!(reading.unread, [], "{} in {lang:?}", record_type.name);
                assert_eq!(compare(record_type, &was, &entered(&reading.data)), [], "{}", record_type.name);
                assert_eq!(compare(record_type, &entered(&reading.data), &was), [], "{}", record_type.name);
            }
        });
    }

    #[test]
    fn what_is_posted_never_stops_the_form(names in prop::collection::vec("(/[a-z0-9_]{0,9}){0,5}", 0..20), text in ".*") {
        every_type(|definition, _, number| {
            let fields = &definition.record_types[number].fields;
            let pairs = names.iter().map(|name| (name.as_str(), text.as_str()));
            let mut parts = from_pairs(fields, pairs);
            read(writing(definition, Lang::Et), fields, &parts, &Value::Null);
            without_blank_items(&mut parts);
        });
    }
}

fn fields() -> Vec<Field> {
    let label = json!({ "et": "x" });
    serde_json::from_value(json!([
        { "name": "name", "type": "text", "label": label },
        { "name": "load", "type": "load", "label": label },
        { "name": "price", "type": "money", "label": label },
        { "name": "born", "type": "date", "label": label },
        { "name": "rooms", "type": "integer", "label": label },
        { "name": "open", "type": "boolean", "label": label },
        { "name": "account", "type": "iban", "label": label },
        { "name": "phone", "type": "phone", "label": label, "repeats": true },
        { "name": "mast", "type": "group", "label": label,
          "part": [{ "name": "height", "type": "decimal", "label": label },
                   { "name": "wood", "type": "text", "label": label }] },
        { "name": "sails", "type": "group", "label": label, "repeats": true,
          "part": [{ "name": "kind", "type": "text", "label": label },
                   { "name": "area", "type": "decimal", "label": label }] },
    ]))
    .unwrap()
}

fn in_estonian() -> Writing<'static> {
    Writing { lang: Lang::Et, country: "EE", today: day("2026-11-22") }
}

fn said(pairs: &[(&str, &str)], was: &Value) -> super::read::Reading {
    let fields = fields();
    let mut parts = from_pairs(&fields, pairs.iter().copied());
    without_blank_items(&mut parts);
    read(in_estonian(), &fields, &parts, was)
}

#[test]
fn numbers_and_days_are_read_as_people_write_them() {
    let one = |name: &str, text: &str| said(&[(name, text)], &Value::Null).data[&name[1..]].clone();
    for text in ["1.9.2026", "01.09.2026", "01092026", "2026-09-01", "1.9", "1.9."] {
        assert_eq!(one("/born", text), json!("2026-09-01"), "{text}");
    }
    assert_eq!(one("/load", "1,2"), json!("1.20"));
    assert_eq!(one("/load", "0.5"), json!("0.50"));
    assert_eq!(one("/price", "1 820"), json!("1820.00"));
    assert_eq!(one("/price", "1\u{a0}820,50 €"), json!("1820.50"));
    assert_eq!(one("/rooms", "12"), json!(12));
    assert_eq!(one("/open", "false"), json!(false));
    assert_eq!(one("/account", "ee38 2200 2210 2014 5685"), json!("EE382200221020145685"));
}

#[test]
fn what_cannot_be_understood_is_a_fault_at_its_place_and_changes_nothing() {
    let was = json!({ "born": "2020-01-01", "load": "1.00", "sails": [{ "kind": "jib", "area": "12" }] });
    let pairs = [("/born", "31.6.2026"), ("/load", "palju"), ("/sails/0/kind", "jib"), ("/sails/0/area", "1,2,3")];
    let reading = said(&pairs, &was);
    let faults: Vec<_> = reading.unread.iter().map(|f| (f.pointer.as_str(), f.code)).collect();
    assert_eq!(faults, [("/load", "pattern"), ("/born", "date"), ("/sails/0/area", "pattern")]);
    assert_eq!(reading.data.get("born"), None);
    assert_eq!(reading.data.get("load"), None);
}

#[test]
fn only_what_was_touched_changes_and_what_was_emptied_goes() {
    let was =
        json!({ "name": "Kajakas", "load": "1.0", "mast": { "height": "9.5", "wood": "mänd" }, "phone": ["+3725"] });
    let pairs = [
        ("/name", "Kajakas"),
        ("/load", "1,0"),
        ("/mast", ""),
        ("/mast/height", ""),
        ("/mast/wood", "mänd"),
        ("/phone", ""),
    ];
    let kind: RecordType = serde_json::from_value(json!({
        "name": "boat", "label": { "et": "paat" }, "clause": "§ 1", "title": ["name"], "base_documents": [],
        "section": [], "field": serde_json::to_value(fields()).unwrap(),
    }))
    .unwrap();
    let differences = compare(&kind, &was, &said(&pairs, &was).data);
    let patch = patch(&differences);
    assert_eq!(patch, json!({ "mast": { "height": null }, "phone": null }));
    let mut now = was;
    merge(&mut now, &patch);
    assert_eq!(now, json!({ "name": "Kajakas", "load": "1.0", "mast": { "wood": "mänd" } }));
}

#[test]
fn rows_are_added_and_taken_out_where_they_stand() {
    let fields = fields();
    let mut parts = from_pairs(&fields, [("/sails", ""), ("/sails/0/kind", "jib"), ("/sails/4/kind", "main")]);
    let (field, rows) = list_at(&fields, &mut parts, "/sails").unwrap();
    rows.push(blank_item(in_estonian(), field));
    assert_eq!(rows.len(), 3);
    rows.remove(0);
    without_blank_items(&mut parts);
    let reading = read(in_estonian(), &fields, &parts, &Value::Null);
    assert_eq!(reading.data, json!({ "sails": [{ "kind": "main" }] }));
    for nowhere in ["sails", "/", "/name", "/sails/9", "/sails/0/kind", "/mast"] {
        assert!(list_at(&fields, &mut parts, nowhere).is_none(), "{nowhere}");
    }
    assert!(Typed::Text(" ".into()).is_blank());
}

/// The form of a record type on which nothing stands yet.
fn blank_form(register: &Register, kind: &RecordType, lang: Lang) -> Form {
    let t = T::new(lang);
    let writing = Writing { lang, country: &register.definition.register.country, today: day("2026-11-22") };
    let making = Making {
        register,
        kind,
        t: &t,
        writing,
        on: day("2026-11-22"),
        shows: &Shows::All,
        writable: &kind.sections.iter().map(|section| section.name.clone()).collect(),
        received: &BTreeSet::new(),
        references: &References::default(),
        state: &Value::Null,
        told: None,
        faults: &[],
    };
    Form::of(making, &from_state(writing, &kind.fields, &Value::Null))
}

fn heading(node: &Node) -> Option<&Heading> {
    match node {
        Node::Control(control) => Some(&control.head),
        Node::Open(group) => Some(&group.head),
        Node::Fixed(_) | Node::Row(_) | Node::RowEnd(_) | Node::Close(_) => None,
    }
}

fn shipped() -> Registers {
    Registers::new(registers::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("config/registers")).unwrap()).unwrap()
}

#[test]
fn every_record_type_has_a_form_with_ids_of_their_own_and_conditions_on_controls_that_it_has() {
    let registers = shipped();
    for register in registers.names().flat_map(|name| registers.versions(name)) {
        for kind in &register.definition.record_types {
            for lang in Lang::ALL {
                let form = blank_form(register, kind, lang);
                let heads: Vec<&Heading> = form.sections.iter().flat_map(|s| &s.nodes).filter_map(heading).collect();
                let ids: BTreeSet<&str> = heads.iter().map(|head| head.id.as_str()).collect();
                let names: BTreeSet<&str> = heads.iter().map(|head| head.name.as_str()).collect();
                assert_eq!(ids.len(), heads.len(), "{}", kind.name);
                for when in heads.iter().filter_map(|head| head.when.as_ref()) {
                    let script: Value = serde_json::from_str(&when.script).unwrap();
                    assert!(names.contains(script["name"].as_str().unwrap()), "{}: {}", kind.name, when.script);
                }
                for head in heads {
                    assert!(!head.label.text.is_empty() && !head.hints.iter().any(String::is_empty), "{}", head.name);
                }
            }
        }
    }
}

#[test]
fn a_hundred_sections_make_a_form_of_a_hundred_sections() {
    let registers = shipped();
    let register = registers.versions(registers.names().next().unwrap())[0];
    let label = json!({ "et": "x" });
    let sections: Vec<Value> = (0..100).map(|n| json!({ "name": format!("s{n}"), "label": label })).collect();
    let fields: Vec<Value> = (0..1000)
        .map(|n| json!({ "name": format!("f{n}"), "type": "text", "label": label, "section": format!("s{}", n % 100) }))
        .collect();
    let kind: RecordType = serde_json::from_value(json!({
        "name": "wide", "label": label, "clause": "§ 1", "title": [], "base_documents": [], "section": sections,
        "field": fields,
    }))
    .unwrap();
    let form = blank_form(register, &kind, Lang::Et);
    assert_eq!(form.sections.len(), 100);
    assert_eq!(form.sections.iter().map(|section| section.nodes.len()).sum::<usize>(), 1000);
}
