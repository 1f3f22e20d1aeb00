use proptest::prelude::*;

use super::*;

/// The calendars that are shipped.
pub(in super::super) fn estonia() -> HolidayCalendar {
    let text = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/config/calendars/EE.toml"));
    HolidayCalendar::parse(text).unwrap()
}

pub(in super::super) fn finland() -> HolidayCalendar {
    let text = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/config/calendars/FI.toml"));
    HolidayCalendar::parse(text).unwrap()
}

pub(in super::super) fn day(text: &str) -> NaiveDate {
    parse_day(text).unwrap()
}

/// Any day of the years for which the holidays are told.
pub(in super::super) fn any_day() -> impl Strategy<Value = NaiveDate> {
    (day("1998-01-01").num_days_from_ce()..=day("2199-12-31").num_days_from_ce())
        .prop_map(|days| NaiveDate::from_num_days_from_ce_opt(days).unwrap())
}

const CALENDAR: &str = r#"country = "EE"

[[weekend]]
day = "sunday"
name = { et = "pühapäev" }
source = "seadus § 1"

[[holiday]]
name = { et = "mardipäev", en = "St Martin's Day" }
date = "11-10"
source = "seadus § 2"
"#;

/// The fault of the calendar in which `from` is replaced by `to`.
fn fault(from: &str, to: &str) -> CalendarFault {
    assert!(CALENDAR.contains(from), "{from}");
    HolidayCalendar::parse(&CALENDAR.replace(from, to)).unwrap_err()
}

#[test]
fn easter_falls_on_the_sunday_that_the_churches_keep() {
    for easter in [
        "1583-04-10",
        "1961-04-02",
        "2008-03-23",
        "2011-04-24",
        "2019-04-21",
        "2024-03-31",
        "2025-04-20",
        "2026-04-05",
        "2027-03-28",
        "2028-04-16",
        "2029-04-01",
        "2030-04-21",
        "2038-04-25",
        "2285-03-22",
    ] {
        assert_eq!(easter_sunday(day(easter).year()), Some(day(easter)));
    }
    assert_eq!(easter_sunday(1582), None);
    assert_eq!(easter_sunday(-4), None);
}

#[test]
fn the_movable_feasts_fall_as_computed_for_the_law() {
    let (estonia, finland) = (estonia(), finland());
    for [good_friday, ascension, pentecost, midsummer, all_saints] in [
        ["2019-04-19", "2019-05-30", "2019-06-09", "2019-06-22", "2019-11-02"],
        ["2024-03-29", "2024-05-09", "2024-05-19", "2024-06-22", "2024-11-02"],
        ["2025-04-18", "2025-05-29", "2025-06-08", "2025-06-21", "2025-11-01"],
        ["2026-04-03", "2026-05-14", "2026-05-24", "2026-06-20", "2026-10-31"],
        ["2027-03-26", "2027-05-06", "2027-05-16", "2027-06-26", "2027-11-06"],
        ["2028-04-14", "2028-05-25", "2028-06-04", "2028-06-24", "2028-11-04"],
        ["2029-03-30", "2029-05-10", "2029-05-20", "2029-06-23", "2029-11-03"],
        ["2030-04-19", "2030-05-30", "2030-06-09", "2030-06-22", "2030-11-02"],
        ["2038-04-23", "2038-06-03", "2038-06-13", "2038-06-26", "2038-11-06"],
    ] {
        for calendar in [&estonia, &finland] {
            assert_eq!(calendar.why_off(day(good_friday)), Some("suur reede"));
            assert_eq!(calendar.why_off(day(pentecost)), Some("nelipühade 1. püha"));
        }
        assert_eq!(finland.why_off(day(ascension)), Some("taevaminemispüha"));
        assert_eq!(estonia.why_off(day(ascension)), None, "a working day in Estonia");
        assert_eq!(finland.why_off(day(midsummer)), Some("jaanipäev"));
        assert_eq!(finland.why_off(day(midsummer).pred_opt().unwrap()), Some("jaanilaupäev"));
        assert_eq!(finland.why_off(day(all_saints)), Some("pühakutepäev"));
        for saturday in [midsummer, all_saints] {
            let week = chrono::Days::new(7);
            assert_eq!(finland.why_off(day(saturday) - week), Some("laupäev"));
            assert_eq!(finland.why_off(day(saturday) + week), Some("laupäev"));
        }
    }
}

#[test]
fn estonia_has_twelve_holidays_and_works_on_the_days_between() {
    let calendar = estonia();
    for holiday in ["01-01", "02-24", "04-03", "04-05", "05-01", "05-24", "06-23", "06-24", "08-20", "12-24", "12-25"] {
        let day_off = calendar.day_off(day(&format!("2026-{holiday}"))).unwrap();
        assert!(day_off.source.starts_with("Pühade ja tähtpäevade seadus § "), "{holiday}: {}", day_off.source);
        assert!(!day_off.deadlines_only, "{holiday}");
    }
    for works in ["2026-04-06", "2026-05-14", "2026-01-06", "2026-02-23", "2026-12-23", "2026-12-31"] {
        assert!(calendar.is_working_day(day(works)), "{works}");
    }
    assert_eq!((calendar.working_days_in(2026), calendar.working_days_in(2027)), (252, 254));
}

#[test]
fn a_holiday_in_the_weekend_is_told_as_the_holiday() {
    let calendar = estonia();
    assert_eq!(calendar.why_off(day("2026-12-26")), Some("teine jõulupüha"));
    assert_eq!(calendar.why_off(day("2026-12-27")), Some("pühapäev"));
    assert_eq!(calendar.why_off(day("2026-12-19")), Some("laupäev"));
    let label = &calendar.day_off(day("2026-12-26")).unwrap().name;
    assert_eq!((label.en.as_deref(), label.fi.as_deref()), (Some("Boxing Day"), Some("tapaninpäivä")));
}

#[test]
fn christmas_eve_is_a_holiday_since_2005() {
    let calendar = estonia();
    assert_eq!(calendar.why_off(day("2004-12-24")), None);
    assert_eq!(calendar.why_off(day("2005-12-24")), Some("jõululaupäev"));
}

#[test]
fn a_holiday_that_was_abolished_is_off_to_its_last_year_only() {
    let text = CALENDAR.replace("date = ", "valid_from = 2001\nvalid_until = 2003\ndate = ");
    let calendar = HolidayCalendar::parse(&text).unwrap();
    let off = |year: i32| calendar.why_off(NaiveDate::from_ymd_opt(year, 11, 10).unwrap());
    assert_eq!([2000, 2001, 2003, 2004].map(off), [None, Some("mardipäev"), Some("mardipäev"), None]);
}

#[test]
fn finland_works_on_christmas_eve_but_nothing_ends_on_it() {
    let calendar = finland();
    for (eve, next) in [("2026-12-24", "2026-12-28"), ("2026-06-19", "2026-06-22")] {
        assert!(calendar.is_working_day(day(eve)), "{eve}");
        assert!(calendar.day_off(day(eve)).unwrap().deadlines_only, "{eve}");
        assert_eq!(calendar.roll(day(eve)), Some(day(next)));
    }
    assert!(!calendar.is_working_day(day("2028-12-24")), "a Sunday all the same");
    assert_eq!(calendar.country(), "FI");
}

#[test]
fn what_is_asked_by_a_date_on_a_day_off_is_done_on_the_next_working_day() {
    let calendar = estonia();
    for (as_of, acted_by) in [
        ("2025-04-05", "2025-04-07"),
        ("2025-10-05", "2025-10-06"),
        ("2026-01-10", "2026-01-12"),
        ("2026-04-05", "2026-04-06"),
        ("2026-09-10", "2026-09-10"),
        ("2026-10-05", "2026-10-05"),
        ("2027-01-10", "2027-01-11"),
    ] {
        assert_eq!(calendar.roll(day(as_of)), Some(day(acted_by)), "{as_of}");
    }
}

#[test]
fn the_right_of_one_who_leaves_ends_on_the_working_day_after_the_last() {
    let calendar = estonia();
    for (last, ended) in [
        ("2026-01-30", "2026-02-02"),
        ("2026-02-23", "2026-02-25"),
        ("2026-04-02", "2026-04-06"),
        ("2026-06-22", "2026-06-25"),
        ("2026-12-23", "2026-12-28"),
    ] {
        assert_eq!(calendar.working_days_after(day(last), 1), Some(day(ended)), "{last}");
        assert_eq!(calendar.working_day_before(day(ended)), Some(day(last)), "{ended}");
    }
}

#[test]
fn a_search_ends_where_years_have_more_than_four_digits() {
    let calendar = estonia();
    assert_eq!(calendar.roll(day("9999-12-31")), Some(day("9999-12-31")));
    assert_eq!(calendar.working_days_after(day("9999-12-30"), 1), Some(day("9999-12-31")));
    assert_eq!(calendar.working_days_after(day("9999-12-30"), 2), None);
    assert_eq!(calendar.working_day_before(day("0000-01-01")), None);
    for end in [NaiveDate::MIN, NaiveDate::MAX] {
        assert_eq!(calendar.roll(end), None);
        assert_eq!(calendar.working_days_after(end, u16::MAX), None);
        assert_eq!(calendar.working_days_before(end, u16::MAX), None);
    }
    assert_eq!(calendar.working_days_in(i32::MAX), 0);
}

#[test]
fn a_calendar_says_where_it_is_wrong_and_what_to_do() {
    let cases = [
        ("\"EE\"", "\"ee\"", 1, "`ee` is no country", "ISO 3166-1"),
        ("\"EE\"", "\"EE", 1, "invalid basic string", "Correct"),
        ("country = \"EE\"", "", 1, "missing field `country`", "Add it"),
        ("country = \"EE\"", "county = \"EE\"", 1, "unknown field `county`", "spelling"),
        ("\"sunday\"", "\"holiday\"", 4, "weekday names expected", "Correct"),
        ("source = \"seadus § 1\"", "moon = 1", 6, "unknown field `moon`", "spelling"),
        ("et = \"pühapäev\"", "et = \"\"", 3, "Estonian name is empty", "`et`"),
        ("\"seadus § 2\"", "\" \"", 8, "`mardipäev` has an empty source", "section"),
        ("source = \"seadus § 2\"", "", 8, "missing field `source`", "Add it"),
        ("en = ", "de = ", 9, "unknown field `de`", "spelling"),
        ("\"11-10\"", "\"02-29\"", 10, "`02-29` is not the month and day", "Correct"),
        ("\"11-10\"", "\"11- 1\"", 10, "`11- 1` is not the month and day", "Correct"),
        ("date = \"11-10\"", "", 8, "in one way when", "`date`, or `easter`, or `first`"),
        ("date = ", "easter = 1\ndate = ", 8, "in one way when", "either"),
        ("date = ", "on_or_after = ", 8, "in one way when", "`first` with `on_or_after`"),
        ("date = \"11-10\"", "easter = 251", 8, "outside the year of its Easter", "-80 to 250"),
        ("date = \"11-10\"", "first = \"friday\"\non_or_after = \"12-26\"", 8, "into the next year", "12-25"),
        ("date = ", "valid_from = 2005\nvalid_until = 2004\ndate = ", 8, "ends before it begins", "valid_until"),
        ("date = ", "valid_from = \"2005\"\ndate = ", 10, "invalid type", "Correct"),
    ];
    for (from, to, line, message, advice) in cases {
        let fault = fault(from, to);
        assert!(fault.message.contains(message), "{to}: {fault}");
        assert!(fault.advice.contains(advice), "{to}: {fault}");
        assert_eq!(fault.line, line, "{to}: {fault}");
    }
    let fault = fault("\"EE\"", "\"Eesti\"");
    assert_eq!(fault.to_string(), "line 1: `Eesti` is no country. Write the ISO 3166-1 code, such as \"EE\".");
}

#[test]
fn a_weekday_is_in_the_weekend_once() {
    let row = "[[weekend]]\nday = \"sunday\"\nname = { et = \"pühapäev\" }\nsource = \"seadus § 1\"\n";
    let fault = HolidayCalendar::parse(&format!("{CALENDAR}\n{row}")).unwrap_err();
    assert_eq!((fault.line, fault.message.as_str()), (13, "`pühapäev` is in the weekend twice"));
}

#[test]
fn a_calendar_in_which_nobody_ever_works_is_refused() {
    let weekend = |days: &[&str]| -> String {
        let row = |day| format!("[[weekend]]\nday = \"{day}\"\nname = {{ et = \"puhkus\" }}\nsource = \"seadus\"\n");
        days.iter().map(row).collect()
    };
    let holidays = |count: u64| -> String {
        let first = day("2025-01-01");
        let row = |n| {
            let date = (first + chrono::Days::new(n)).format("%m-%d");
            format!("[[holiday]]\nname = {{ et = \"püha\" }}\ndate = \"{date}\"\nsource = \"seadus\"\n")
        };
        (0..count).map(row).collect()
    };
    let parse = |weekend: String, holidays: String| {
        HolidayCalendar::parse(&format!("country = \"EE\"\n{weekend}{holidays}")).map_err(|fault| fault.message)
    };
    let never = Err("there may be no working day for a whole year".to_owned());
    let week = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    assert_eq!(parse(weekend(&week), holidays(1)), never, "every weekday is off");
    assert_eq!(parse(weekend(&week[6..]), holidays(365)), never, "every date is off");
    assert_eq!(
        parse(weekend(&week[1..]), holidays(26)),
        never,
        "half of the Mondays are off, and they may be all there are"
    );
    assert!(parse(weekend(&week[1..]), holidays(25)).is_ok());
    let sparse = parse(weekend(&week[6..]), holidays(155)).unwrap();
    assert_eq!(sparse.roll(day("2026-01-01")), Some(day("2026-06-05")), "155 holidays in a row, but for one");
}

proptest! {
    #[test]
    fn rolling_finds_the_first_day_that_is_not_off(day in any_day()) {
        for calendar in [estonia(), finland()] {
            let rolled = calendar.roll(day).unwrap();
            prop_assert!(rolled >= day);
            prop_assert_eq!(calendar.roll(rolled), Some(rolled));
            prop_assert_eq!(calendar.why_off(rolled), None);
            prop_assert!(calendar.is_working_day(rolled));
            prop_assert!(day.iter_days().take_while(|d| *d < rolled).all(|d| calendar.why_off(d).is_some()));
        }
    }

    #[test]
    fn working_days_add_up(day in any_day(), a in 0_u16..60, b in 0_u16..60) {
        for calendar in [estonia(), finland()] {
            let after_a = calendar.working_days_after(day, a).unwrap();
            prop_assert_eq!(calendar.working_days_after(after_a, b), calendar.working_days_after(day, a + b));
        }
    }

    #[test]
    fn so_many_working_days_lie_between_a_day_and_the_nth_after_it(day in any_day(), n in 1_u16..60) {
        for calendar in [estonia(), finland()] {
            let nth = calendar.working_days_after(day, n).unwrap();
            prop_assert!(calendar.is_working_day(nth));
            let between = day.iter_days().skip(1).take_while(|d| *d <= nth).filter(|d| calendar.is_working_day(*d));
            prop_assert_eq!(between.count(), usize::from(n));
            let back = calendar.working_days_before(nth, n).unwrap();
            prop_assert!(back <= day, "the working day on or before it");
            prop_assert_eq!(back == day, calendar.is_working_day(day));
        }
    }

    #[test]
    fn easter_is_a_sunday_between_22_march_and_25_april(year in 1583..=9999) {
        let easter = easter_sunday(year).unwrap();
        prop_assert_eq!(easter.weekday(), Weekday::Sun);
        prop_assert!(((3, 22)..=(4, 25)).contains(&(easter.month(), easter.day())), "{easter}");
    }
}
