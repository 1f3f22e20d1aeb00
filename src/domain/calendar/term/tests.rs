use chrono_tz::Europe;
use proptest::prelude::*;

use super::super::holidays::tests::{any_day, day, estonia, finland};
use super::*;

fn term(text: &str) -> Term {
    text.parse().unwrap()
}

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[test]
fn a_request_is_answered_in_working_days_from_the_day_after_its_registration() {
    let calendar = estonia();
    for (registered, one, five, fifteen) in [
        ("2026-03-02", "2026-03-03", "2026-03-09", "2026-03-23"),
        ("2026-04-01", "2026-04-02", "2026-04-09", "2026-04-23"),
        ("2026-04-02", "2026-04-06", "2026-04-10", "2026-04-24"),
        ("2026-04-30", "2026-05-04", "2026-05-08", "2026-05-22"),
        ("2026-06-18", "2026-06-19", "2026-06-29", "2026-07-13"),
        ("2026-06-22", "2026-06-25", "2026-07-01", "2026-07-15"),
        ("2026-08-14", "2026-08-17", "2026-08-24", "2026-09-07"),
        ("2026-12-21", "2026-12-22", "2026-12-30", "2027-01-14"),
        ("2026-12-23", "2026-12-28", "2027-01-04", "2027-01-18"),
        ("2027-02-19", "2027-02-22", "2027-03-01", "2027-03-15"),
    ] {
        for (text, due) in [("1 working day", one), ("5 working days", five), ("15 working days", fifteen)] {
            let expected = Due { nominal: day(due), due: day(due), moved_by: None };
            assert_eq!(term(text).due(day(registered), &calendar), Ok(expected), "{registered} + {text}");
        }
    }
}

#[test]
fn a_complaint_is_solved_within_a_month_that_ends_on_a_working_day() {
    let (estonia, finland) = (estonia(), finland());
    for (event, nominal, due_in_estonia, due_in_finland, three_months) in [
        ("2026-01-31", "2026-02-28", "2026-03-02", "2026-03-02", "2026-04-30"),
        ("2026-01-30", "2026-02-28", "2026-03-02", "2026-03-02", "2026-04-30"),
        ("2024-01-31", "2024-02-29", "2024-02-29", "2024-02-29", "2024-04-30"),
        ("2026-03-05", "2026-04-05", "2026-04-06", "2026-04-07", "2026-06-05"),
        ("2026-05-23", "2026-06-23", "2026-06-25", "2026-06-23", "2026-08-24"),
        ("2026-05-24", "2026-06-24", "2026-06-25", "2026-06-24", "2026-08-24"),
        ("2026-07-20", "2026-08-20", "2026-08-21", "2026-08-20", "2026-10-20"),
        ("2026-11-24", "2026-12-24", "2026-12-28", "2026-12-28", "2027-02-25"),
        ("2025-11-26", "2025-12-26", "2025-12-29", "2025-12-29", "2026-02-26"),
        ("2026-08-31", "2026-09-30", "2026-09-30", "2026-09-30", "2026-11-30"),
    ] {
        for (calendar, expected) in [(&estonia, due_in_estonia), (&finland, due_in_finland)] {
            let due = term("P1M").due(day(event), calendar).unwrap();
            assert_eq!((due.nominal, due.due), (day(nominal), day(expected)), "{event} {}", calendar.country());
            assert_eq!(due.moved_by.is_some(), due.due > due.nominal, "{event}");
        }
        assert_eq!(term("P3M").due(day(event), &estonia).unwrap().due, day(three_months), "{event}");
    }
}

#[test]
fn a_notice_is_disputed_within_thirty_days_of_its_receipt() {
    let calendar = estonia();
    for (received, nominal, due, moved_by) in [
        ("2026-03-01", "2026-03-31", "2026-03-31", None),
        ("2026-01-25", "2026-02-24", "2026-02-25", Some("iseseisvuspäev")),
        ("2026-05-24", "2026-06-23", "2026-06-25", Some("võidupüha")),
        ("2026-11-24", "2026-12-24", "2026-12-28", Some("jõululaupäev")),
        ("2026-11-26", "2026-12-26", "2026-12-28", Some("teine jõulupüha")),
    ] {
        let expected = Due { nominal: day(nominal), due: day(due), moved_by: moved_by.map(str::to_owned) };
        assert_eq!(term("P30D").due(day(received), &calendar), Ok(expected), "{received}");
    }
}

#[test]
fn a_deadline_on_a_saturday_says_that_it_was_a_saturday() {
    let due = term("P2W").due(day("2026-10-03"), &estonia()).unwrap();
    assert_eq!((due.nominal, due.due), (day("2026-10-17"), day("2026-10-19")));
    assert_eq!(due.moved_by.as_deref(), Some("laupäev"));
}

#[test]
fn weeks_years_and_several_units_end_on_the_corresponding_day() {
    let calendar = estonia();
    for (text, event, last) in [
        ("P2W", "2026-03-03", "2026-03-17"),
        ("P9M", "2026-05-31", "2027-02-28"),
        ("P1Y", "2024-02-29", "2025-02-28"),
        ("P4Y", "2024-02-29", "2028-02-29"),
        ("P75Y", "2026-03-02", "2101-03-02"),
        ("P1Y6M", "2026-08-31", "2028-02-29"),
        ("P1M1D", "2026-01-31", "2026-03-01"),
        ("P1M1W", "2026-01-01", "2026-02-08"),
    ] {
        assert_eq!(term(text).after(day(event), &calendar), Ok(day(last)), "{event} + {text}");
    }
}

#[test]
fn a_term_before_a_day_is_counted_backwards_alike() {
    let calendar = finland();
    for (text, event, first) in [
        ("P30D", "2026-03-31", "2026-03-01"),
        ("P2W", "2026-03-17", "2026-03-03"),
        ("P1M", "2026-03-31", "2026-02-28"),
        ("P1Y", "2024-02-29", "2023-02-28"),
        ("1 working day", "2026-04-07", "2026-04-02"),
        ("5 working days", "2026-12-28", "2026-12-18"),
    ] {
        assert_eq!(term(text).before(day(event), &calendar), Ok(day(first)), "{event} - {text}");
    }
}

#[test]
fn working_days_that_end_on_a_finnish_christmas_eve_end_after_christmas() {
    let due = term("2 working days").due(day("2026-12-22"), &finland()).unwrap();
    let moved_by = Some("jõululaupäev".to_owned());
    assert_eq!(due, Due { nominal: day("2026-12-24"), due: day("2026-12-28"), moved_by });
    let due = term("3 working days").due(day("2026-12-22"), &finland()).unwrap();
    assert_eq!(due.due, day("2026-12-28"), "Christmas Eve was the second");
}

#[test]
fn a_breach_is_notified_72_hours_after_it_is_known_weekend_or_not() {
    let calendar = estonia();
    // Good Friday, 10:15 in Tallinn.
    let due = term("PT72H").due_instant(instant("2026-04-03T07:15:00Z"), Europe::Tallinn, &calendar).unwrap();
    assert_eq!(due.at, instant("2026-04-06T07:15:00Z"));
    assert_eq!((due.nominal, due.due, due.moved_by), (day("2026-04-06"), day("2026-04-06"), None));
    let on_a_sunday = term("PT24H").due_instant(instant("2026-03-07T10:00:00Z"), Europe::Tallinn, &calendar).unwrap();
    assert_eq!((on_a_sunday.due, on_a_sunday.moved_by), (day("2026-03-08"), None));
}

#[test]
fn hours_pass_as_they_pass_while_clocks_are_set() {
    let calendar = estonia();
    // Saturday 10:15 by winter time; three days later it is 11:15 by summer time.
    let due = term("PT72H").due_instant(instant("2026-03-28T08:15:00Z"), Europe::Tallinn, &calendar).unwrap();
    assert_eq!(due.at.with_timezone(&Europe::Tallinn).to_string(), "2026-03-31 11:15:00 EEST");
    let due = term("PT72H").due_instant(instant("2026-10-23T07:15:00Z"), Europe::Tallinn, &calendar).unwrap();
    assert_eq!(due.at.with_timezone(&Europe::Tallinn).to_string(), "2026-10-26 09:15:00 EET");
}

#[test]
fn the_clock_of_a_case_ends_at_midnight_of_the_registers_zone_in_summer_and_in_winter() {
    let calendar = estonia();
    for (text, event, nominal, due, at) in [
        // Received by winter time at two in the afternoon; due by summer time.
        ("P1M", "2026-02-28T12:00:00Z", "2026-03-28", "2026-03-30", "2026-03-30T21:00:00Z"),
        ("5 working days", "2026-03-26T12:00:00Z", "2026-04-02", "2026-04-02", "2026-04-02T21:00:00Z"),
        // Received by summer time; due by winter time.
        ("P1M", "2026-09-26T12:00:00Z", "2026-10-26", "2026-10-26", "2026-10-26T22:00:00Z"),
        // On the days on which the clocks are set, both of them Sundays.
        ("P30D", "2026-02-27T12:00:00Z", "2026-03-29", "2026-03-30", "2026-03-30T21:00:00Z"),
        ("P30D", "2026-09-25T12:00:00Z", "2026-10-25", "2026-10-26", "2026-10-26T22:00:00Z"),
        // Half past midnight in Tallinn is still the evening before in UTC.
        ("P1M", "2026-06-30T21:30:00Z", "2026-08-01", "2026-08-03", "2026-08-03T21:00:00Z"),
    ] {
        let found = term(text).due_instant(instant(event), Europe::Tallinn, &calendar).unwrap();
        assert_eq!((found.nominal, found.due), (day(nominal), day(due)), "{event} + {text}");
        assert_eq!(found.at, instant(at), "{event} + {text}");
        assert_eq!(found.moved_by.is_some(), nominal != due, "{event} + {text}");
    }
}

#[test]
fn hours_are_not_counted_from_a_day() {
    let (term, calendar) = (term("PT72H"), estonia());
    assert!(term.needs_instant());
    assert_eq!(term.due(day("2026-04-03"), &calendar), Err(TermFault::NeedsInstant));
    assert_eq!(term.after(day("2026-04-03"), &calendar), Err(TermFault::NeedsInstant));
    assert_eq!(term.before(day("2026-04-03"), &calendar), Err(TermFault::NeedsInstant));
}

#[test]
fn a_term_that_ends_after_the_year_9999_has_no_last_day() {
    let calendar = estonia();
    for text in ["P1D", "P1M", "P65535Y65535M65535W65535D", "1 working day", "65535 working days"] {
        for event in [day("9999-12-31"), NaiveDate::MAX] {
            assert_eq!(term(text).due(event, &calendar), Err(TermFault::OutOfCalendar), "{event} + {text}");
        }
        for event in [day("0000-01-01"), NaiveDate::MIN] {
            assert_eq!(term(text).before(event, &calendar), Err(TermFault::OutOfCalendar), "{event} - {text}");
        }
    }
    assert_eq!(term("P30D").due(day("9999-11-30"), &calendar).map(|due| due.nominal), Ok(day("9999-12-30")));
    for text in ["PT1H", "P1D", "1 working day"] {
        for zone in [Europe::Tallinn, chrono_tz::America::Los_Angeles] {
            for event in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC, instant("9999-12-31T23:30:00Z")] {
                let due = term(text).due_instant(event, zone, &calendar);
                assert!(
                    due == Err(TermFault::OutOfCalendar) || due.unwrap().due <= day("9999-12-31"),
                    "{event} {zone}"
                );
            }
        }
    }
}

#[test]
fn a_term_is_written_in_one_way() {
    for text in ["P1M", "P30D", "P2W", "P1Y", "P9M", "P1Y2M3W4D", "PT72H", "1 working day", "5 working days"] {
        assert_eq!(term(text).to_string(), text);
    }
    for text in [
        "",
        "P",
        "PT",
        "P0D",
        "PT0H",
        "P01M",
        "P-1M",
        "P+1M",
        "P1.5Y",
        "p1m",
        "P1",
        "1M",
        "PD",
        "P1D1M",
        "P1M1M",
        "P1DT1H",
        "PT1M",
        "PT1H30M",
        "P65536D",
        "P1M ",
        "Põ",
        "0 working days",
        "1 working days",
        "5 working day",
        "5  working days",
        "-5 working days",
        "5 workdays",
        "five working days",
        "65536 working days",
    ] {
        assert_eq!(text.parse::<Term>(), Err(TermFault::NotATerm), "{text}");
    }
}

#[test]
fn a_definition_holds_a_term_as_a_string() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Rule {
        within: Term,
    }
    let rule: Rule = toml::from_str("within = \"5 working days\"").unwrap();
    assert_eq!(rule, Rule { within: term("5 working days") });
    assert_eq!(toml::to_string(&rule).unwrap(), "within = \"5 working days\"\n");
    let error = toml::from_str::<Rule>("within = \"soon\"").unwrap_err();
    assert!(error.message().contains("write it as P30D"), "{error}");
}

/// Terms in days and in months, up to some years.
fn calendar_term() -> impl Strategy<Value = Term> {
    let lengths = [(0..5_u16), (0..40), (0..20), (0..400)];
    let terms = lengths.prop_map(|[years, months, weeks, days]| Length::Calendar { years, months, weeks, days });
    terms.prop_filter("a term is not nothing", |length| *length != nothing()).prop_map(Term)
}

fn nothing() -> Length {
    Length::Calendar { years: 0, months: 0, weeks: 0, days: 0 }
}

fn any_term() -> impl Strategy<Value = Term> {
    let calendar = any::<[u16; 4]>()
        .prop_map(|[years, months, weeks, days]| Length::Calendar { years, months, weeks, days })
        .prop_filter("a term is not nothing", |length| *length != nothing());
    prop_oneof![
        calendar.prop_map(Term),
        calendar_term(),
        (1..=u16::MAX).prop_map(|n| Term(Length::Hours(n))),
        (1..=u16::MAX).prop_map(|n| Term(Length::WorkingDays(n))),
        Just(Term(Length::WorkingDays(1))),
    ]
}

proptest! {
    #[test]
    fn a_term_is_read_as_it_is_written(term in any_term()) {
        prop_assert_eq!(term.to_string().parse(), Ok(term));
    }

    #[test]
    fn no_text_is_read_as_anything_but_itself(text in "P?T?[0-9]{0,3}[YMWDH]?[0-9]{0,3}[MD]?( working days?)?") {
        if let Ok(term) = text.parse::<Term>() {
            prop_assert_eq!(term.to_string(), text);
        }
    }

    #[test]
    fn an_act_is_never_due_earlier_than_its_last_day_nor_on_a_day_off(event in any_day(), term in calendar_term()) {
        for calendar in [estonia(), finland()] {
            let due = term.due(event, &calendar).unwrap();
            prop_assert!(event < due.nominal && due.nominal <= due.due);
            prop_assert_eq!(calendar.why_off(due.due), None);
            prop_assert_eq!(due.moved_by.is_some(), due.nominal < due.due);
        }
    }

    #[test]
    fn what_happens_later_is_never_due_earlier(event in any_day(), later in 0_u64..90, term in calendar_term()) {
        for calendar in [estonia(), finland()] {
            let first = term.due(event, &calendar).unwrap();
            let second = term.due(event + Days::new(later), &calendar).unwrap();
            prop_assert!(first.nominal <= second.nominal && first.due <= second.due);
        }
    }

    #[test]
    fn estonian_working_days_never_move(event in any_day(), n in 1_u16..60) {
        let due = Term(Length::WorkingDays(n)).due(event, &estonia()).unwrap();
        prop_assert_eq!(due.nominal, due.due);
        prop_assert_eq!(due.moved_by, None);
    }

    #[test]
    fn so_many_days_after_and_before_are_the_same_day(event in any_day(), days in 1..=u16::MAX) {
        let term = Term(Length::Calendar { years: 0, months: 0, weeks: 0, days });
        let last = term.after(event, &estonia()).unwrap();
        prop_assert_eq!(term.before(last, &estonia()), Ok(event));
    }

    #[test]
    fn a_term_ends_when_its_last_day_does(event in any_day(), second in 0_u32..86_400, term in calendar_term()) {
        let instant = event.and_hms_opt(0, 0, 0).unwrap().and_utc() + TimeDelta::seconds(second.into());
        for zone in [Europe::Tallinn, chrono_tz::Atlantic::Azores, chrono_tz::America::Havana] {
            let due = term.due_instant(instant, zone, &estonia()).unwrap();
            prop_assert!(due.at > instant);
            prop_assert!(day_at(due.at - TimeDelta::microseconds(1), zone) <= due.due && due.due < day_at(due.at, zone));
        }
    }

    #[test]
    fn no_term_from_no_day_panics(days in any::<i32>(), term in any_term()) {
        if let Some(event) = NaiveDate::from_num_days_from_ce_opt(days / 6) {
            let due = term.due(event, &estonia());
            prop_assert!(due.is_err() || due.unwrap().due > event);
        }
    }
}
