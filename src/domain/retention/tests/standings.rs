//! How a record stands, and why.

use serde_json::json;

use super::samples::*;
use crate::domain::retention::*;
use crate::domain::statute::definition::Condition;

fn on(facts: &Facts<'_>, at: &str) -> Why {
    why(&sailor(), &rules(), facts, day(at), &calendar())
}
fn due(why: &Why) -> Vec<&str> {
    why.parts.iter().filter(|p| p.may_go()).map(|p| p.rule.as_str()).collect()
}

#[test]
fn the_parts_of_a_record_fall_due_each_on_its_own_day_and_the_record_with_the_last() {
    let left = left("2016-03-14");
    let facts = facts(&left);
    for (at, expected) in [
        ("2017-03-14", vec![]),
        ("2017-03-15", vec!["contact"]),
        ("2023-03-15", vec!["pay", "contact"]),
        ("2026-03-14", vec!["pay", "contact"]),
        ("2026-03-15", vec!["service", "pay", "contact"]),
    ] {
        let why = on(&facts, at);
        assert_eq!(due(&why), expected, "{at}");
        assert_eq!(why.whole, Whole::With { rule: "service".into(), on: day("2026-03-15") }, "{at}");
    }
}

#[test]
fn an_answer_names_rule_clause_trigger_period_day_fields_and_sections() {
    let left = left("2016-03-14");
    let why = on(&facts(&left), "2020-01-01");
    let part = why.part("contact").unwrap();
    assert_eq!(part.clause.0, "§ 19");
    assert_eq!(part.trigger.as_deref(), Some("termination/date"));
    assert_eq!((part.period.as_deref(), part.last_day), (Some("P1Y"), Some(day("2017-03-14"))));
    assert_eq!(part.fields, ["phone", "checks"]);
    assert_eq!(part.sections.iter().map(String::as_str).collect::<Vec<_>>(), ["contact", "health"]);
    let (trigger_on, due_on) = (day("2016-03-14"), day("2017-03-15"));
    assert_eq!(part.state, Standing::Due { trigger_on, due_on });
    let keys: Vec<&str> = say(part).iter().map(|s| s.key).collect();
    let expected = ["rule", "from-field", "period", "due", "then-destroy"].map(|k| format!("retention-why-{k}"));
    assert_eq!(keys, expected);
}

#[test]
fn what_waits_says_for_what_and_keeps_the_record() {
    let open = timeline(&[("2010-01-01", json!({ "name": "x" }))]);
    let why = on(&facts(&open), "2100-01-01");
    assert!(due(&why).is_empty(), "never destroyed");
    assert_eq!(why.whole, Whole::Stays(vec!["service".into(), "pay".into(), "contact".into()]));
    let said = say(&why.parts[0]);
    let waiting = said.iter().find(|s| s.key == "retention-why-waiting-field").unwrap();
    assert_eq!(waiting.args, [("field", Arg::Field("termination/date".into()))]);
}

#[test]
fn a_part_of_which_nothing_is_there_keeps_nothing_and_the_frame_of_an_empty_record_goes() {
    let left = left("2016-03-14");
    let mut facts = facts(&left);
    facts.fields.retain(|f| f == "wage");
    let why = on(&facts, "2020-01-01");
    assert_eq!(why.part("service").unwrap().state, Standing::Empty);
    assert_eq!(why.whole, Whole::With { rule: "pay".into(), on: day("2023-03-15") });
    facts.fields.clear();
    assert_eq!(on(&facts, "2020-01-01").whole, Whole::Now);
}

#[test]
fn data_of_which_no_rule_speaks_stay_and_are_named() {
    let left = left("2016-03-14");
    let mut facts = facts(&left);
    facts.fields.insert("nickname".into());
    let why = on(&facts, "2100-01-01");
    assert_eq!((why.unruled.as_slice(), &why.whole), (["nickname".to_owned()].as_slice(), &Whole::Stays(vec![])));
    assert_eq!(say_whole(&why)[0].key, "retention-why-unruled");
}

#[test]
fn a_hold_on_the_record_the_person_or_a_query_stops_it_through_its_last_day_and_moves_no_clock() {
    let left = left("2016-03-14");
    let is = |value: &str| Condition { field: "name".into(), is: Some(json!(value)), one_of: None, present: None };
    let query = |kind: Option<&str>, institution, conditions| HoldScope::Query {
        record_type: kind.map(Into::into),
        institution,
        conditions,
    };
    for (scope, holds) in [
        (HoldScope::Record(id(7)), true),
        (HoldScope::Record(id(8)), false),
        (HoldScope::Person("38001010002".into()), true),
        (HoldScope::Person("48001010001".into()), false),
        (query(Some("sailor"), None, vec![]), true),
        (query(Some("cook"), None, vec![]), false),
        (query(None, Some(id(1)), vec![is("Juhan Liiv")]), true),
        (query(None, Some(id(2)), vec![]), false),
        (query(None, None, vec![is("Anna Haava")]), false),
    ] {
        let mut hold = hold(scope);
        hold.until = Some(day("2030-06-30"));
        let mut facts = facts(&left);
        facts.holds = std::slice::from_ref(&hold);
        let held = on(&facts, "2030-06-30");
        assert_eq!(due(&held).is_empty(), holds, "{hold:?}");
        assert_eq!(held.parts[0].due_on(), Some(day("2026-03-15")), "its day is what it was");
        assert_eq!(due(&on(&facts, "2030-07-01")).len(), 3, "{hold:?} is over");
        assert!(!format!("{hold:?}").contains("01010"), "no personal code in a log");
    }
}

#[test]
fn what_is_open_must_be_settled_first() {
    let left = left("2016-03-14");
    let mut facts = facts(&left);
    facts.blockers = vec![Blocker { kind: BlockerKind::Complaint, id: id(5) }];
    let why = on(&facts, "2030-01-01");
    assert!(due(&why).is_empty());
    assert!(say(&why.parts[0]).iter().any(|s| s.key == "retention-why-open-complaint"));
}

#[test]
fn what_a_review_keeps_longer_is_due_on_the_day_after() {
    let left = left("2016-03-14");
    let mut facts = facts(&left);
    let until = day("2031-12-31");
    facts.kept_until = vec![KeptUntil { rule: "service".into(), until, reason: "uurimus".into() }];
    assert_eq!(due(&on(&facts, "2031-12-31")), ["pay", "contact"]);
    assert!(say(&on(&facts, "2031-12-31").parts[0]).iter().any(|s| s.key == "retention-why-longer"));
    assert_eq!(due(&on(&facts, "2032-01-01")), ["service", "pay", "contact"]);
}

#[test]
fn a_forecast_counts_by_year_and_rule_and_leaves_nothing_out() {
    let rows = [
        ("pay", Some(day("2026-01-01")), 3),
        ("pay", Some(day("2026-12-31")), 2),
        ("pay", Some(day("2027-01-01")), 5),
        ("contact", Some(day("2027-06-01")), 7),
        ("service", None, 11),
    ];
    let found = forecast(rows, day("2026-06-30"));
    assert_eq!(found.due_now["pay"], 3);
    assert_eq!(found.years[&2026]["pay"], 2);
    assert_eq!((found.years[&2027]["pay"], found.years[&2027]["contact"]), (5, 7));
    assert_eq!(found.without_day["service"], 11, "what waits is counted, not forgotten");
    assert_eq!(found.total(), 28);
}

#[test]
fn rules_that_would_lose_their_day_or_wait_for_ever_are_faults() {
    let types = [sailor()];
    let messages = |rules: &[Rule]| -> Vec<String> {
        rule_faults(&types, rules, &calendar()).into_iter().map(|f| format!("{}: {}", f.key, f.message)).collect()
    };
    assert_eq!(messages(&rules()), Vec::<String>::new());

    let mut short = rules();
    short[0] = rule("service", Some("termination/date"), Some("P5Y"), "review");
    assert!(
        messages(&short).contains(
            &"period: `termination` of sailor follows `service` and may go before what follows `pay`, which needs it"
                .into()
        )
    );

    let mut equal = rules();
    equal[0] = rule("service", Some("termination/date"), Some("P7Y"), "review");
    assert_eq!(messages(&equal), Vec::<String>::new(), "they go on the same day");

    let mut anonymise = rules();
    let mut said = said("pay", Some("termination/date"), Some("P7Y"), "anonymise");
    anonymise[1] = Rule::read(&said).unwrap();
    assert_eq!(messages(&anonymise), ["keeps: nobody knows what stays of the data when they are anonymised"]);
    said.keeps = vec!["wage".into(), "account".into(), "phone".into()];
    anonymise[1] = Rule::read(&said).unwrap();
    assert_eq!(
        messages(&anonymise),
        ["keeps: `account` of sailor can name somebody, so it cannot stay", "keeps: no field `phone` follows the rule"]
    );

    let mut other = rules();
    other[2] = rule("contact", Some("record:ship"), None, "destroy");
    assert!(messages(&other).contains(&"trigger: there is no record type `ship`".into()));
}

#[test]
fn anonymising_keeps_only_what_the_rule_names_and_tells_who_still_names_the_person() {
    let mut said = said("pay", Some("termination/date"), Some("P7Y"), "anonymise");
    said.keeps = vec!["wage".into(), "account".into()];
    let rule = Rule::read(&said).unwrap();
    let mut kind = sailor();
    kind.fields.push(field("bonus", "money", "pay", "pay"));
    let there = kind.fields.iter().map(|f| f.name.clone()).collect();
    let found = anonymised(&kind, &[kind.clone()], &rule, &there);
    assert_eq!(found.stays.iter().collect::<Vec<_>>(), ["wage"], "an account names its holder, kept or not");
    assert_eq!(found.goes.iter().collect::<Vec<_>>(), ["account", "bonus"], "what is not named goes");
    assert_eq!(found.still_named_by.iter().collect::<Vec<_>>(), ["code", "name", "phone"]);
}
