//! A made-up register: the people of a ship's company.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde_json::{Value, json};

use crate::domain::calendar::HolidayCalendar;
use crate::domain::record::{Entry, EntryKind, Segment, Timeline};
use crate::domain::retention::*;
use crate::domain::statute::Clause;
use crate::domain::statute::definition::{Field, RecordType, RetentionRule};

pub fn day(text: &str) -> NaiveDate {
    crate::domain::calendar::parse_day(text).unwrap()
}

/// Without a day off but the ends of weeks.
pub fn calendar() -> HolidayCalendar {
    HolidayCalendar::parse(include_str!("../../../../config/calendars/EE.toml")).unwrap()
}

pub fn id(n: u128) -> Id {
    Id::from_u128(n)
}

/// A rule as a definition says it.
pub fn said(name: &str, trigger: Option<&str>, period: Option<&str>, then: &str) -> RetentionRule {
    let label = json!({ "et": name });
    let rule =
        json!({ "name": name, "label": label, "clause": "§ 19", "trigger": trigger, "period": period, "then": then });
    serde_json::from_value(rule).unwrap()
}

pub fn rule(name: &str, trigger: Option<&str>, period: Option<&str>, then: &str) -> Rule {
    Rule::read(&said(name, trigger, period, then)).unwrap()
}

/// A field of the record itself.
pub fn field(name: &str, kind: &str, section: &str, retention: &str) -> Field {
    serde_json::from_value(field_json(name, kind, section, retention)).unwrap()
}

fn field_json(name: &str, kind: &str, section: &str, retention: &str) -> Value {
    let label = json!({ "et": name });
    json!({ "name": name, "type": kind, "label": label, "clause": "§ 12", "section": section, "retention": retention })
}

/// A member of a ship's company: service for ten years after the end, pay for seven, the contact for one.
pub fn sailor() -> RecordType {
    let part = |name: &str, kind: &str| json!({ "name": name, "type": kind, "label": { "et": name } });
    let mut name = field_json("name", "text", "person", "service");
    name["index"] = json!("name");
    let mut termination = field_json("termination", "group", "service", "service");
    termination["part"] = json!([part("date", "date")]);
    let mut checks = field_json("checks", "group", "health", "contact");
    checks["repeats"] = json!(true);
    checks["part"] = json!([part("kind", "code"), part("ends_on", "date")]);
    let sections =
        ["person", "service", "pay", "health", "contact"].map(|n| json!({ "name": n, "label": { "et": n } }));
    serde_json::from_value(json!({
        "name": "sailor",
        "label": { "et": "meremees" },
        "clause": "§ 12",
        "title": ["name"],
        "subject": { "personal_code": "code" },
        "base_documents": [],
        "lifecycle": { "begins": "starts_on", "ends": "termination/date", "clause": "§ 12 lg 2" },
        "section": sections,
        "field": [
            name,
            field_json("code", "personal_code", "person", "service"),
            field_json("starts_on", "date", "service", "service"),
            termination,
            field_json("wage", "money", "pay", "pay"),
            field_json("account", "iban", "pay", "pay"),
            field_json("phone", "phone", "contact", "contact"),
            checks,
        ],
    }))
    .unwrap()
}

pub fn rules() -> Vec<Rule> {
    let trigger = Some("termination/date");
    vec![
        rule("service", trigger, Some("P10Y"), "review"),
        rule("pay", trigger, Some("P7Y"), "archive"),
        rule("contact", trigger, Some("P1Y"), "destroy"),
    ]
}

pub fn timeline(states: &[(&str, Value)]) -> Timeline {
    let segment = |(from, data): &(&str, Value)| Segment { from: day(from), until: None, data: data.clone() };
    Timeline { segments: states.iter().map(segment).collect() }
}

pub fn left(on: &str) -> Timeline {
    timeline(&[("2010-01-01", json!({ "name": "Juhan Liiv", "termination": { "date": on } }))])
}

pub fn entry(number: i64, data: Value) -> Entry {
    Entry {
        id: id(number.unsigned_abs().into()),
        number,
        kind: EntryKind::Change,
        effective_on: day("2010-01-01"),
        recorded_at: chrono::DateTime::UNIX_EPOCH,
        data,
        supersedes: None,
        source: None,
    }
}

pub fn facts(timeline: &Timeline) -> Facts<'_> {
    Facts {
        record: id(7),
        version: 3,
        institution: Some(id(1)),
        timeline,
        fields: sailor().fields.into_iter().map(|f| f.name).collect(),
        events: vec![],
        others: vec![],
        erased_starts: BTreeMap::new(),
        kept_until: vec![],
        people: BTreeSet::from(["38001010002".into()]),
        holds: &[],
        blockers: vec![],
    }
}

pub fn hold(scope: HoldScope) -> Hold {
    Hold {
        id: id(90),
        scope,
        basis: "töövaidlus 4-1/17".into(),
        clause: Some(Clause("§ 105".into())),
        from: day("2020-01-01"),
        until: None,
    }
}

pub fn person(user: u128, code: &str) -> Person {
    Person { user: id(user), code: Some(code.into()) }
}
