//! What is so whatever the data.

use std::collections::BTreeSet;

use chrono::{Days, NaiveDate};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::samples::*;
use crate::domain::record::Entry;
use crate::domain::retention::*;

fn any_day() -> impl Strategy<Value = NaiveDate> {
    (0u64..60_000).prop_map(|n| day("1950-01-01") + Days::new(n))
}
fn any_period() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        Just(None),
        (1u16..100).prop_map(|n| Some(format!("P{n}Y"))),
        (1u16..40).prop_map(|n| Some(format!("P{n}M"))),
        (1u16..400).prop_map(|n| Some(format!("P{n}D"))),
        (1u16..9, 1u16..12, 1u16..31).prop_map(|(y, m, d)| Some(format!("P{y}Y{m}M{d}D"))),
    ]
}
fn any_rule() -> impl Strategy<Value = Rule> {
    (any_period(), any::<bool>(), 0usize..3, 0usize..3).prop_map(|(period, working_day, trigger, then)| {
        let trigger = ["termination/date", "lifecycle:ends", "event:left"][trigger];
        let mut said = said("service", Some(trigger), period.as_deref(), ["destroy", "archive", "review"][then]);
        said.working_day = working_day && said.period.is_some();
        Rule::read(&said).unwrap()
    })
}
fn clock(rule: &Rule, on: NaiveDate) -> Clock {
    let left = left(&on.to_string());
    let events = [Event { name: "left".into(), on }];
    let starts = Starts::read(std::slice::from_ref(rule), &sailor(), &left, &events, &[]);
    Clock::of(rule, &starts, &calendar())
}
fn any_entries() -> impl Strategy<Value = Vec<Entry>> {
    let names: Vec<String> = sailor().fields.into_iter().map(|f| f.name).collect();
    let value = prop_oneof![Just(Value::Null), any::<u8>().prop_map(|n| json!(n)), Just(json!({ "a": [1] }))];
    let data = proptest::collection::btree_map(proptest::sample::select(names), value, 0..6);
    proptest::collection::vec(data, 1..6).prop_map(|all| {
        let object =
            |data: std::collections::BTreeMap<String, Value>| Value::Object(data.into_iter().collect::<Map<_, _>>());
        all.into_iter().enumerate().map(|(n, data)| entry(i64::try_from(n).unwrap() + 1, object(data))).collect()
    })
}
fn after(erased: &Erasure, entries: &[Entry]) -> Vec<Entry> {
    let data = |e: &Entry| erased.entries.iter().find(|g| g.id == e.id).map_or(&e.data, |g| &g.data).clone();
    entries.iter().map(|e| Entry { data: data(e), ..e.clone() }).collect()
}
fn fields_of(rule: &str) -> BTreeSet<String> {
    part_fields(&sailor(), rule).into_iter().collect()
}

/// What anybody may try with a batch.
#[derive(Debug, Clone)]
enum Try {
    Review(u8, bool),
    Finish(u8),
    SendBack,
    Approve(u8),
    Cancel,
    Start(u8),
    Step(u8),
    Erase(u8, bool),
    Fail(u8),
    GiveUp,
}
fn any_try() -> impl Strategy<Value = Try> {
    prop_oneof![
        3 => (0u8..4, any::<bool>()).prop_map(|(p, x)| Try::Review(p, x)),
        4 => (0u8..4).prop_map(Try::Finish),
        1 => Just(Try::SendBack),
        4 => (0u8..4).prop_map(Try::Approve),
        1 => Just(Try::Cancel),
        4 => (0u8..4).prop_map(Try::Start),
        8 => (0u8..5).prop_map(Try::Step),
        8 => (0u8..3, any::<bool>()).prop_map(|(i, held)| Try::Erase(i, held)),
        1 => (0u8..3).prop_map(Try::Fail),
        1 => Just(Try::GiveUp),
    ]
}
/// Four accounts of three people: 0 and 3 are one human being.
fn somebody(n: u8) -> Person {
    person(n.into(), ["EE1", "EE2", "EE3", "EE1"][usize::from(n)])
}

proptest! {
    #[test]
    fn nothing_is_due_before_its_trigger_nor_while_its_period_runs(rule in any_rule(), on in any_day()) {
        let Clock::Runs { trigger_on, last_day, due_on, source, .. } = clock(&rule, on) else { panic!() };
        prop_assert_eq!(trigger_on, on);
        prop_assert!(due_on >= on);
        match last_day {
            Some(last) => {
                prop_assert!(last > on, "the day of the trigger is not counted");
                prop_assert_eq!(Some(due_on), last.succ_opt());
            }
            None => prop_assert_eq!(due_on > on, !source.starts_with("event:")),
        }
    }

    #[test]
    fn a_later_trigger_never_makes_anything_due_earlier(rule in any_rule(), on in any_day(), more in 0u64..4000) {
        prop_assert!(clock(&rule, on + Days::new(more)).due_on() >= clock(&rule, on).due_on());
    }

    #[test]
    fn correcting_the_trigger_leads_where_it_would_have_been_from_the_start(
        rule in any_rule(), wrong in any_day(), right in any_day(),
    ) {
        // The correction comes as a later state; the event as one that is replaced.
        let states = timeline(&[
            ("1940-01-01", json!({ "termination": { "date": wrong.to_string() } })),
            ("1940-02-01", json!({ "termination": { "date": right.to_string() } })),
        ]);
        let events = [Event { name: "left".into(), on: right }];
        let read = || Starts::read(std::slice::from_ref(&rule), &sailor(), &states, &events, &[]);
        let corrected = Clock::of(&rule, &read(), &calendar());
        prop_assert_eq!(&corrected, &clock(&rule, right));
        prop_assert_eq!(&corrected, &Clock::of(&rule, &read(), &calendar()), "asked twice");
    }

    #[test]
    fn a_hold_never_makes_anything_due_and_never_moves_its_day(
        on in any_day(), asked in any_day(), from in any_day(), length in proptest::option::of(0u64..9000),
        scope in 0usize..3,
    ) {
        let left = left(&on.to_string());
        let scope = [
            HoldScope::Record(id(7)),
            HoldScope::Person("38001010002".into()),
            HoldScope::Query { record_type: None, institution: None, conditions: vec![] },
        ][scope].clone();
        let hold = Hold { from, until: length.map(|n| from + Days::new(n)), ..hold(scope) };
        let free = why(&sailor(), &rules(), &facts(&left), asked, &calendar());
        let held = Facts { holds: std::slice::from_ref(&hold), ..facts(&left) };
        let held = why(&sailor(), &rules(), &held, asked, &calendar());
        for (free, held) in free.parts.iter().zip(&held.parts) {
            prop_assert!(free.may_go() || !held.may_go());
            prop_assert_eq!(&free.state, &held.state);
            prop_assert_eq!(held.may_go(), free.may_go() && !hold.in_force_on(asked));
        }
    }

    #[test]
    fn once_due_always_due_while_nothing_changes(on in any_day(), asked in any_day(), later in 0u64..9000) {
        let left = left(&on.to_string());
        let at = |day| why(&sailor(), &rules(), &facts(&left), day, &calendar());
        for (a, b) in at(asked).parts.iter().zip(&at(asked + Days::new(later)).parts) {
            prop_assert!(!a.may_go() || b.may_go());
        }
    }

    #[test]
    fn facts_and_rules_may_be_given_in_any_order(
        on in any_day(), asked in any_day(), events in proptest::collection::vec(any_day(), 0..5),
        order in Just(vec![0usize, 1, 2]).prop_shuffle(), blockers in proptest::collection::vec(0u128..5, 0..5),
    ) {
        let left = left(&on.to_string());
        let mut forth = facts(&left);
        forth.events = events.iter().map(|on| Event { name: "left".into(), on: *on }).collect();
        forth.blockers = blockers.iter().map(|n| Blocker { kind: BlockerKind::Case, id: id(*n) }).collect();
        let holds = [hold(HoldScope::Record(id(7))), Hold { id: id(91), ..hold(HoldScope::Person("38001010002".into())) }];
        forth.holds = &holds;
        let turned = [holds[1].clone(), holds[0].clone()];
        let mut back = Facts { holds: &turned, ..forth.clone() };
        back.events.reverse();
        back.blockers.reverse();
        let mut rules = rules();
        rules[2] = rule("contact", Some("event:left"), Some("P1Y"), "destroy");
        let shuffled: Vec<Rule> = order.iter().map(|n| rules[*n].clone()).collect();
        let a = why(&sailor(), &rules, &forth, asked, &calendar());
        let b = why(&sailor(), &shuffled, &back, asked, &calendar());
        for part in &a.parts {
            prop_assert_eq!(Some(part), b.part(&part.rule));
        }
        if let (Whole::With { .. }, _) | (_, Whole::With { .. }) = (&a.whole, &b.whole) {
            prop_assert_eq!(&a.whole, &b.whole);
        }
    }

    #[test]
    fn erasing_all_parts_erases_the_record_in_whatever_order(
        entries in any_entries(), order in Just(vec!["service", "pay", "contact"]).prop_shuffle(),
    ) {
        let mut left = entries.clone();
        for rule in &order {
            let before = left.clone();
            let erased = erasure(&fields_of(rule), &left);
            left = after(&erased, &left);
            for (was, is) in before.iter().zip(&left) {
                for (name, value) in was.data.as_object().unwrap() {
                    let stays = !fields_of(rule).contains(name);
                    prop_assert_eq!(is.data.get(name), stays.then_some(value), "{} under {}", name, rule);
                }
            }
            let again = erasure(&fields_of(rule), &left);
            prop_assert!(again.entries.is_empty() && again.fields.is_empty(), "nothing is left to erase");
            prop_assert_eq!(erased.left.is_empty(), fields_in(&left).is_empty());
        }
        prop_assert!(fields_in(&left).is_empty());
        let all: BTreeSet<String> = order.iter().flat_map(|r| fields_of(r)).collect();
        let at_once = erasure(&all, &entries);
        prop_assert!(at_once.is_whole());
        prop_assert_eq!(after(&at_once, &entries), left);
    }

    #[test]
    fn a_forecast_adds_up_in_any_order(
        rows in proptest::collection::vec((0usize..3, proptest::option::of(any_day()), 0u64..100), 0..30), on in any_day(),
    ) {
        let rows: Vec<(&str, Option<NaiveDate>, u64)> =
            rows.into_iter().map(|(r, d, n)| (["a", "b", "c"][r], d, n)).collect();
        let found = forecast(rows.clone(), on);
        prop_assert_eq!(found.total(), rows.iter().map(|r| r.2).sum::<u64>());
        prop_assert_eq!(found, forecast(rows.into_iter().rev(), on));
    }

    #[test]
    fn whatever_is_tried_nothing_is_erased_unless_another_person_approved_it(
        tries in proptest::collection::vec(any_try(), 0..60), by in proptest::option::of(0u8..4),
    ) {
        let today = day("2030-01-01");
        let left = left("2016-03-14");
        let good = why(&sailor(), &rules(), &facts(&left), today, &calendar());
        let hold = hold(HoldScope::Record(id(7)));
        let held = Facts { holds: std::slice::from_ref(&hold), ..facts(&left) };
        let held = why(&sailor(), &rules(), &held, today, &calendar());
        let items = ["pay", "service", "contact"].map(|rule| Item::of(&good, "sailor", rule).unwrap());
        let actor = |n: u8| if n == 0 { Actor::Job("retention".into()) } else { Actor::Person(somebody(n)) };
        let proposer = by.map_or_else(|| Actor::Job("retention".into()), |n| Actor::Person(somebody(n)));
        let mut batch = Batch::propose(id(1), proposer.clone(), items.into()).unwrap();
        let rule = |n: u8| ["pay", "service", "contact"][usize::from(n)];
        for attempt in tries {
            let before = batch.clone();
            let revision = batch.revision();
            let done = match attempt {
                Try::Review(p, out) => {
                    let change = if out { Change::Exclude("vaidlus".into()) } else { Change::Decide(Disposition::Destroy) };
                    batch.review(&somebody(p), &[((id(7), "service"), change)], today)
                }
                Try::Finish(p) => batch.finish_review(&somebody(p), revision),
                Try::SendBack => batch.send_back("uuesti"),
                Try::Approve(p) => batch.approve(&somebody(p), revision),
                Try::Cancel => batch.cancel("ei"),
                Try::Start(p) => batch.start(&actor(p)),
                Try::Step(n) => batch.step_done(Step::ALL[usize::from(n)]),
                Try::Erase(n, is_held) => {
                    let why = Some(if is_held { &held } else { &good });
                    match batch.clear((id(7), rule(n)), Now { why, disclosed_since_approval: false }) {
                        Ok(Some(leave)) => {
                            prop_assert!(!is_held, "leave over a hold");
                            batch.erased(leave)
                        }
                        Ok(None) => Ok(()),
                        Err(refusal) => Err(refusal),
                    }
                }
                Try::Fail(n) => batch.failed((id(7), rule(n)), "x"),
                Try::GiveUp => batch.give_up("x"),
            };
            if done.is_err() {
                prop_assert_eq!(&before, &batch, "a refusal changes nothing");
            }
            let gone = batch.items().iter().any(|i| i.outcome == Outcome::Erased);
            if gone || batch.state() == BatchState::Executing {
                let approver = batch.approved_by().unwrap();
                prop_assert!(!matches!(&proposer, Actor::Person(p) if p.is(approver)));
                prop_assert!(!batch.reviewed_by().is_empty());
                prop_assert!(batch.reviewed_by().iter().all(|p| !p.is(approver)));
            }
            for item in batch.items() {
                prop_assert!(item.outcome != Outcome::Erased || (item.excluded.is_none() && batch.done() >= Some(Step::Stored)));
            }
        }
    }
}
