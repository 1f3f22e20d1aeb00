//! Counting: the vectors of the statutes and of the sheet on deadlines.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::samples::*;
use crate::domain::retention::*;
use crate::domain::statute::duties::TriggerSaid;

fn clock(rule: &Rule, timeline: &crate::domain::record::Timeline) -> Clock {
    clock_of(rule, timeline, &[], &[])
}
fn clock_of(rule: &Rule, timeline: &crate::domain::record::Timeline, events: &[Event], others: &[Other]) -> Clock {
    let starts = Starts::read(std::slice::from_ref(rule), &sailor(), timeline, events, others);
    Clock::of(rule, &starts, &calendar())
}

#[test]
fn data_are_kept_through_the_last_day_of_the_period_and_may_go_on_the_day_after() {
    for (period, trigger, last, due) in [
        ("P10Y", "2016-03-14", "2026-03-14", "2026-03-15"),
        // 29 February has no corresponding day in 2034; it has one in 2028.
        ("P10Y", "2024-02-29", "2034-02-28", "2034-03-01"),
        ("P4Y", "2024-02-29", "2028-02-29", "2028-03-01"),
        ("P1Y", "2023-02-28", "2024-02-28", "2024-02-29"),
        ("P1M", "2026-01-31", "2026-02-28", "2026-03-01"),
        ("P1M", "2024-01-31", "2024-02-29", "2024-03-01"),
        ("P1M", "2026-03-31", "2026-04-30", "2026-05-01"),
        ("P30D", "2026-03-01", "2026-03-31", "2026-04-01"),
        ("P9M", "2026-05-31", "2027-02-28", "2027-03-01"),
        ("P75Y", "2000-12-31", "2075-12-31", "2076-01-01"),
        ("P50Y", "2009-06-01", "2059-06-01", "2059-06-02"),
        ("P2W", "2026-12-20", "2027-01-03", "2027-01-04"),
    ] {
        let rule = rule("r", Some("termination/date"), Some(period), "destroy");
        let Clock::Runs { last_day, due_on, trigger_on, .. } = clock(&rule, &left(trigger)) else { panic!("{period}") };
        assert_eq!((trigger_on, last_day, due_on), (day(trigger), Some(day(last)), day(due)), "{period} {trigger}");
    }
}

#[test]
fn a_term_for_disputing_ends_on_a_working_day_where_the_rule_says_so() {
    let mut said = said("staff", Some("termination/date"), Some("P30D"), "archive");
    for (working_day, received, last) in [
        (true, "2026-03-01", "2026-03-31"),
        (true, "2026-01-25", "2026-02-25"),
        (true, "2026-05-24", "2026-06-25"),
        (true, "2026-11-24", "2026-12-28"),
        (true, "2026-11-26", "2026-12-28"),
        (false, "2026-01-25", "2026-02-24"),
        (false, "2026-11-24", "2026-12-24"),
    ] {
        said.working_day = working_day;
        let Clock::Runs { last_day, moved_by, due_on, .. } = clock(&Rule::read(&said).unwrap(), &left(received)) else {
            panic!("{received}")
        };
        assert_eq!((last_day, due_on), (Some(day(last)), day(last).succ_opt().unwrap()), "{received}");
        let nominal = day(received) + chrono::Duration::days(30);
        assert_eq!(moved_by.is_some(), day(last) > nominal, "{received}: who reads it is told why it moved");
    }
}

#[test]
fn the_notice_counts_where_there_was_one_and_the_end_of_the_contract_where_there_was_none() {
    let mut said = said("staff", None, Some("P30D"), "archive");
    let sources = || vec!["notice_received_on".to_owned(), "lifecycle:ends".to_owned()];
    let ended = json!({ "termination": { "date": "2026-03-31" } });
    let noticed = json!({ "notice_received_on": "2026-03-01", "termination": { "date": "2026-03-31" } });
    let late = json!({ "notice_received_on": "2026-04-10", "termination": { "date": "2026-03-31" } });
    for (trigger, data, from, due) in [
        (TriggerSaid::First { first: sources() }, &ended, "lifecycle:ends", "2026-05-01"),
        (TriggerSaid::First { first: sources() }, &noticed, "notice_received_on", "2026-04-01"),
        (TriggerSaid::First { first: sources() }, &late, "notice_received_on", "2026-05-11"),
        (TriggerSaid::Latest { latest: sources() }, &noticed, "lifecycle:ends", "2026-05-01"),
        (TriggerSaid::Latest { latest: sources() }, &late, "notice_received_on", "2026-05-11"),
    ] {
        said.trigger = Some(trigger.clone());
        let found = clock(&Rule::read(&said).unwrap(), &timeline(&[("2026-01-01", data.clone())]));
        let Clock::Runs { source, due_on, .. } = found else { panic!("{trigger:?}") };
        assert_eq!((source.as_str(), due_on), (from, day(due)), "{trigger:?} {data}");
    }
}

#[test]
fn without_a_period_an_event_is_over_the_same_day_and_a_date_at_its_midnight() {
    let accepted = rule("queue", Some("event:place_accepted"), None, "archive");
    let happened = |on: &str| Event { name: "place_accepted".into(), on: day(on) };
    let found = clock_of(&accepted, &timeline(&[]), &[happened("2026-05-04")], &[]);
    assert_eq!(found.due_on(), Some(day("2026-05-04")), "on the worklist the same day");
    let twice = [happened("2026-08-01"), happened("2026-05-04")];
    assert_eq!(clock_of(&accepted, &timeline(&[]), &twice, &[]).due_on(), Some(day("2026-08-01")), "the last time");
    let removed = rule("attendance", Some("termination/date"), None, "archive");
    assert_eq!(clock(&removed, &left("2026-05-31")).due_on(), Some(day("2026-06-01")), "the day itself is a day of it");
}

#[test]
fn what_has_no_trigger_yet_waits_for_it_by_name() {
    for trigger in ["termination/date", "event:place_accepted", "lifecycle:ends", "record:contract/ends_on"] {
        let rule = rule("r", Some(trigger), Some("P1Y"), "destroy");
        let found = clock(&rule, &timeline(&[("2020-01-01", json!({ "name": "x" }))]));
        assert_eq!(found, Clock::Waiting(WaitingFor::Trigger(vec![trigger.into()])));
    }
    assert_eq!(clock(&rule("r", None, None, "destroy"), &left("2000-01-01")), Clock::Waiting(WaitingFor::Rule));
    assert_eq!(clock(&rule("r", None, None, "keep"), &left("2000-01-01")), Clock::Kept);
}

#[test]
fn a_date_that_leads_out_of_the_calendar_waits_to_be_corrected() {
    let rule = rule("r", Some("termination/date"), Some("P10Y"), "destroy");
    let found = clock(&rule, &left("9995-01-01"));
    let waiting = WaitingFor::Calendar { source: "termination/date".into(), trigger_on: day("9995-01-01") };
    assert_eq!(found, Clock::Waiting(waiting));
    assert!(matches!(clock(&rule, &left("not a day")), Clock::Waiting(WaitingFor::Trigger(_))));
}

#[test]
fn the_last_state_of_the_record_decides_what_the_date_is() {
    let rule = rule("r", Some("termination/date"), Some("P1Y"), "destroy");
    let first = ("2020-01-01", json!({ "termination": { "date": "2021-06-30" } }));
    let later = ("2021-01-01", json!({ "termination": { "date": "2022-06-30" } }));
    let withdrawn = ("2021-02-01", json!({ "name": "x" }));
    assert_eq!(clock(&rule, &timeline(&[first.clone(), later.clone()])).due_on(), Some(day("2023-07-01")));
    assert_eq!(clock(&rule, &timeline(&[later, first.clone()])).due_on(), Some(day("2023-07-01")), "in any order");
    assert!(matches!(clock(&rule, &timeline(&[first, withdrawn])), Clock::Waiting(_)), "the end was taken back");
}

#[test]
fn of_several_dates_the_latest_counts_and_none_while_one_is_missing() {
    let rule = rule("r", Some("checks/ends_on"), Some("P1Y"), "review");
    let with = |checks: Value| timeline(&[("2020-01-01", json!({ "checks": checks }))]);
    let both = with(json!([{ "ends_on": "2024-05-01" }, { "ends_on": "2022-05-01" }]));
    assert_eq!(clock(&rule, &both).due_on(), Some(day("2025-05-02")));
    let open = with(json!([{ "ends_on": "2024-05-01" }, { "kind": "hull" }]));
    assert!(matches!(clock(&rule, &open), Clock::Waiting(_)));
    assert!(matches!(clock(&rule, &with(json!([]))), Clock::Waiting(_)));
    let chosen = super::samples::rule("r", Some("checks[kind=hull]/ends_on"), Some("P1Y"), "review");
    let hull = with(json!([{ "ends_on": "2024-05-01" }, { "kind": "hull", "ends_on": "2021-01-01" }]));
    assert_eq!(clock(&chosen, &hull).due_on(), Some(day("2022-01-02")));
}

#[test]
fn data_that_outlive_another_record_wait_for_all_of_them() {
    let rule = rule("r", Some("record:contract"), Some("P10Y"), "destroy");
    let other = |on: Option<&str>| Other { source: "record:contract".into(), on: on.map(day) };
    let ended = [other(Some("2020-01-01")), other(Some("2016-01-01"))];
    assert_eq!(clock_of(&rule, &timeline(&[]), &[], &ended).due_on(), Some(day("2030-01-02")));
    let open = [other(Some("2020-01-01")), other(None)];
    assert!(matches!(clock_of(&rule, &timeline(&[]), &[], &open), Clock::Waiting(_)));
}

#[test]
fn a_day_whose_data_have_been_erased_goes_on_counting_as_it_was_counted() {
    let rules = rules();
    let counted = BTreeMap::from([("termination/date".to_owned(), day("2016-03-14"))]);
    let gone = Starts::read(&rules, &sailor(), &timeline(&[("2010-01-01", json!({}))]), &[], &[]);
    let clock = Clock::of(&rules[0], &gone.with_erased(&counted), &calendar());
    assert_eq!(clock.due_on(), Some(day("2026-03-15")));
    let there = Starts::read(&rules, &sailor(), &left("2017-03-14"), &[], &[]).with_erased(&counted);
    assert_eq!(Clock::of(&rules[0], &there, &calendar()).due_on(), Some(day("2027-03-15")), "what is there stands");
}

#[test]
fn a_rule_that_cannot_be_read_says_which_key_is_wrong() {
    for (trigger, period, then, wrong) in [
        (Some("a"), Some("10 years"), "destroy", RuleUnread::Period),
        (Some("a"), Some("P1Y"), "burn", RuleUnread::Then),
        (Some("event:"), Some("P1Y"), "destroy", RuleUnread::Trigger),
        (Some("record:/x"), Some("P1Y"), "destroy", RuleUnread::Trigger),
        (Some("Wrong Path"), Some("P1Y"), "destroy", RuleUnread::Trigger),
    ] {
        assert_eq!(Rule::read(&said("r", trigger, period, then)), Err(wrong));
    }
    let mut none = said("r", None, Some("P1Y"), "destroy");
    none.trigger = Some(TriggerSaid::First { first: vec![] });
    assert_eq!(Rule::read(&none), Err(RuleUnread::Trigger));
}

#[test]
fn a_source_is_written_as_it_is_read() {
    for text in
        ["termination/date", "checks[kind=hull]/ends_on", "event:sold", "lifecycle:ends", "record:a", "record:a/b/c"]
    {
        assert_eq!(Source::parse(text).unwrap().to_string(), text);
    }
}

#[test]
fn a_definition_writes_a_trigger_as_a_word_or_as_a_choice() {
    let read = |v: Value| serde_json::from_value::<TriggerSaid>(v);
    assert_eq!(read(json!("left_on")).unwrap().sources(), ["left_on"]);
    assert_eq!(read(json!({ "first": ["a", "b"] })).unwrap().sources(), ["a", "b"]);
    assert!(matches!(read(json!({ "latest": ["a"] })).unwrap(), TriggerSaid::Latest { .. }));
    assert!(read(json!({ "oldest": ["a"] })).is_err());
}
