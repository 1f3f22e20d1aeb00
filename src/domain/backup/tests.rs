//! The calendar of the copies, against the statute's own examples and against itself written a second time.

use chrono_tz::Europe::Tallinn;
use proptest::prelude::*;

use super::*;
use crate::domain::statute::Clause;

fn rule(days: &[u32], all: &str, most: &str) -> BackupRule {
    BackupRule {
        clause: Clause("§ 5 lg 3".into()),
        every_hours: 24,
        keep_days_of_month: days.to_vec(),
        keep_all: all.into(),
        keep_at_most: most.into(),
    }
}

fn statute() -> Calendar {
    Calendar::new([&rule(&[1, 15], "P1M", "P1Y")])
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// At two in the morning.
fn at(day: NaiveDate) -> DateTime<Utc> {
    day.and_hms_opt(0, 0, 0).unwrap().and_utc()
}

fn copy(text: &str) -> Copy {
    Copy { at: at(day(text)), verified: true, held: false }
}

fn daily(from: &str, until: &str) -> Vec<Copy> {
    let days = day(from).iter_days().take_while(|d| *d <= day(until));
    days.map(|d| Copy { at: at(d), verified: true, held: false }).collect()
}

fn judge(calendar: &Calendar, copies: &[Copy], today: &str) -> Verdict {
    calendar.judge(copies, at(day(today)) + TimeDelta::hours(1), Tallinn, None, false)
}

fn reason(calendar: &Calendar, copies: &[Copy], today: &str, of: &str) -> Reason {
    let place = copies.iter().position(|c| c.at == at(day(of))).unwrap();
    judge(calendar, copies, today).reasons[place]
}

#[test]
fn the_last_month_stays_and_before_it_the_first_and_the_fifteenth_for_a_year() {
    let copies = daily("2025-01-01", "2026-03-20");
    for (of, stays) in [
        ("2026-03-20", true),
        ("2026-03-01", true),
        ("2026-02-21", true),
        ("2026-02-20", true),
        ("2026-02-19", false),
        ("2026-02-15", true),
        ("2026-02-01", true),
        ("2026-01-15", true),
        ("2025-04-01", true),
        ("2026-02-14", false),
        ("2025-12-31", false),
        ("2025-03-20", false),
        ("2025-03-15", false),
        ("2025-04-15", true),
    ] {
        assert_eq!(reason(&statute(), &copies, "2026-03-20", of).keeps(), stays, "{of}");
    }
    assert_eq!(reason(&statute(), &copies, "2026-03-20", "2025-03-15"), Reason::TooOld);
    assert_eq!(reason(&statute(), &copies, "2026-03-20", "2025-12-31"), Reason::Between);
    assert_eq!(judge(&statute(), &copies, "2026-03-20").obstacle, None);
}

#[test]
fn a_month_before_the_last_of_march_begins_on_the_last_of_february() {
    let first_kept = |today: &str| {
        let copies = daily("2026-01-20", today);
        let verdict = judge(&statute(), &copies, today);
        let recent = copies.iter().zip(&verdict.reasons).find(|(_, r)| **r == Reason::Recent);
        day_at(recent.unwrap().0.at, Tallinn).to_string()
    };
    assert_eq!(first_kept("2026-03-31"), "2026-02-28");
    assert_eq!(first_kept("2026-03-28"), "2026-02-28");
    assert_eq!(first_kept("2028-03-31"), "2028-02-29");
    assert_eq!(first_kept("2028-02-29"), "2028-01-29");
    assert_eq!(first_kept("2026-05-31"), "2026-04-30");
}

#[test]
fn a_year_before_the_leap_day_ends_on_the_last_of_february() {
    let calendar = Calendar::new([&rule(&[27, 28, 29], "P1M", "P1Y")]);
    let copies = daily("2027-02-01", "2028-02-29");
    assert_eq!(reason(&calendar, &copies, "2028-02-29", "2027-02-27"), Reason::TooOld);
    assert!(reason(&calendar, &copies, "2028-02-29", "2027-02-28").keeps());
    // The leap day itself goes a year later on the day after the last of February.
    let copies = daily("2028-02-01", "2029-03-01");
    assert!(reason(&calendar, &copies, "2029-02-28", "2028-02-29").keeps());
    assert_eq!(reason(&calendar, &copies, "2029-03-01", "2028-02-29"), Reason::TooOld);
}

#[test]
fn a_month_without_the_day_keeps_its_last() {
    let calendar = Calendar::new([&rule(&[31], "P1M", "P1Y")]);
    let copies = daily("2026-01-01", "2026-06-20");
    assert_eq!(reason(&calendar, &copies, "2026-06-20", "2026-02-28"), Reason::OnDay { day: day("2026-02-28") });
    assert_eq!(reason(&calendar, &copies, "2026-06-20", "2026-03-30"), Reason::Between);
}

#[test]
fn for_a_copy_that_is_missing_the_nearest_later_one_stays_and_says_so() {
    let mut copies = daily("2025-11-01", "2026-03-20");
    copies.retain(|c| !["2026-01-15", "2026-01-16"].map(|d| at(day(d))).contains(&c.at));
    let calendar = statute();
    let settled = Some(at(day("2026-03-19")));
    let verdict = calendar.judge(&copies, at(day("2026-03-20")) + TimeDelta::hours(1), Tallinn, settled, false);
    assert_eq!(verdict.obstacle, None, "a hole of long ago stops nobody");
    assert_eq!(reason(&calendar, &copies, "2026-03-20", "2026-01-17"), Reason::StandsIn { day: day("2026-01-15") });
    assert_eq!(reason(&calendar, &copies, "2026-03-20", "2026-01-18"), Reason::Between);
    // Neither is one that was never found to be right; it stays beside the one that stands in for it.
    let mut copies = daily("2025-11-01", "2026-03-20");
    copies.iter_mut().find(|c| c.at == at(day("2026-02-01"))).unwrap().verified = false;
    assert_eq!(reason(&calendar, &copies, "2026-03-20", "2026-02-01"), Reason::OnDay { day: day("2026-02-01") });
    assert_eq!(reason(&calendar, &copies, "2026-03-20", "2026-02-02"), Reason::StandsIn { day: day("2026-02-01") });
    // Nothing stands in for a day across the next one: that one has its own.
    let copies = [copy("2026-02-01"), copy("2026-03-20")];
    assert_eq!(reason(&calendar, &copies, "2026-03-20", "2026-02-01"), Reason::OnDay { day: day("2026-02-01") });
}

#[test]
fn several_registers_in_one_database_keep_what_any_wants_and_nothing_longer_than_the_strictest() {
    let both = Calendar::new([&rule(&[1, 15], "P1M", "P1Y"), &rule(&[10], "P1W", "P6M")]);
    let copies = daily("2025-01-01", "2026-03-20");
    let of = |of: &str| reason(&both, &copies, "2026-03-20", of);
    assert_eq!(of("2026-02-20"), Reason::Recent);
    assert_eq!(of("2026-02-10"), Reason::OnDay { day: day("2026-02-10") });
    assert_eq!(of("2025-10-01"), Reason::OnDay { day: day("2025-10-01") });
    assert_eq!(of("2025-09-15"), Reason::TooOld, "half a year is the most that the second register permits");
    let mut hourly = rule(&[1], "P1M", "P1Y");
    hourly.every_hours = 12;
    let calendar = Calendar::new([&rule(&[1], "P1M", "P1Y"), &hourly]);
    assert_eq!((calendar.every_hours(), calendar.overdue_after()), (12, TimeDelta::hours(15)));
    let nobody = Calendar::default();
    assert_eq!((nobody.every_hours(), nobody.overdue_after()), (24, TimeDelta::hours(30)));
    let verdict = judge(&nobody, &copies, "2026-03-20");
    assert_eq!(verdict.obstacle, Some(Obstacle::NoRule));
    assert!(verdict.reasons.iter().all(|r| r.keeps()));
}

#[test]
fn what_is_held_stays_however_old_it_is() {
    let mut copies = daily("2024-01-01", "2026-03-20");
    copies[3].held = true;
    let verdict = judge(&statute(), &copies, "2026-03-20");
    assert_eq!(verdict.reasons[3], Reason::Held);
    assert!(!verdict.removed().contains(&3) && verdict.removed().contains(&2));
}

#[test]
fn nothing_goes_before_todays_copy_is_there_and_verified() {
    let calendar = statute();
    let mut copies = daily("2026-01-01", "2026-03-20");
    let later = at(day("2026-03-21")) + TimeDelta::hours(1);
    let verdict = calendar.judge(&copies, later, Tallinn, None, true);
    assert_eq!(verdict.obstacle, Some(Obstacle::NoneToday));
    assert!(verdict.removed().is_empty() && verdict.reasons.contains(&Reason::Between));
    copies.last_mut().unwrap().verified = false;
    assert_eq!(judge(&calendar, &copies, "2026-03-20").obstacle, Some(Obstacle::NotVerified));
    copies.push(Copy { at: at(day("2026-03-20")) + TimeDelta::minutes(30), verified: true, held: false });
    assert_eq!(judge(&calendar, &copies, "2026-03-20").obstacle, None, "another one of the day was verified");
}

#[test]
fn a_clock_that_jumped_deletes_nothing_until_somebody_says_that_it_is_right() {
    let calendar = statute();
    let mut copies = daily("2026-01-01", "2026-03-20");
    let settled = Some(at(day("2026-03-20")));
    // Two years ahead: today's copy is there, verified, and everything else looks old.
    let ahead = at(day("2028-03-20"));
    for (n, days) in (0..5).enumerate() {
        let now = ahead + TimeDelta::days(days);
        copies.push(Copy { at: now, verified: true, held: false });
        let verdict = calendar.judge(&copies, now, Tallinn, settled, false);
        assert!(
            matches!(verdict.obstacle, Some(Obstacle::Jump { after, .. }) if Some(after) == settled),
            "day {n}: {:?}",
            verdict.obstacle
        );
        assert!(verdict.removed().is_empty());
    }
    let last = ahead + TimeDelta::days(4);
    assert!(!calendar.judge(&copies, last, Tallinn, settled, true).removed().is_empty());
    // Back again: the copies of the time that has not come are told of.
    let back = at(day("2026-03-21"));
    copies.push(Copy { at: back, verified: true, held: false });
    let verdict = calendar.judge(&copies, back, Tallinn, settled, true);
    assert_eq!(verdict.obstacle, Some(Obstacle::Ahead { at: ahead }), "not even on somebody's word");
    // 36 hours are a late copy; more is a jump.
    let pair = |hours: i64| {
        let now = at(day("2026-03-20"));
        let copies = [now - TimeDelta::hours(hours), now].map(|at| Copy { at, verified: true, held: false });
        calendar.judge(&copies, now, Tallinn, None, false).obstacle
    };
    assert_eq!(pair(36), None);
    assert!(matches!(pair(37), Some(Obstacle::Jump { hours: 37, .. })));
}

/// The statute once more, in its own words.
fn by_the_statute(of: NaiveDate, today: NaiveDate) -> bool {
    let month_ago = today - Months::new(1);
    let year_ago = today - Months::new(12);
    of >= year_ago && (of >= month_ago || of.day() == 1 || of.day() == 15)
}

#[test]
fn twenty_years_day_by_day_are_exactly_what_the_statute_says() {
    let calendar = statute();
    let first = day("2026-11-20");
    let mut copies: Vec<Copy> = Vec::new();
    let mut settled = None;
    for today in first.iter_days().take(7305) {
        let now = at(today);
        copies.push(Copy { at: now, verified: true, held: false });
        let verdict = calendar.judge(&copies, now, Tallinn, settled, false);
        assert_eq!(verdict.obstacle, None, "{today}");
        let mut reasons = verdict.reasons.into_iter();
        copies.retain(|_| reasons.next().is_some_and(Reason::keeps));
        settled = Some(now);
        let stands_in = day("2026-11-20");
        let expected: Vec<NaiveDate> = first
            .max(today - Months::new(13))
            .iter_days()
            .take_while(|d| *d <= today)
            // The first copy of all stands in for that of the 15th before it.
            .filter(|d| by_the_statute(*d, today) || (*d == stands_in && *d >= today - Months::new(12)))
            .collect();
        let kept: Vec<NaiveDate> = copies.iter().map(|c| day_at(c.at, Tallinn)).collect();
        assert_eq!(kept, expected, "{today}");
        if today > first + Months::new(13) {
            assert!((51..=54).contains(&kept.len()), "{today}: {}", kept.len());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Days on which the machine was off, copies that were never verified, made at any hour: what the statute keeps
    /// stays, nothing is older than a year, and each half of a month in which there was a good copy still has one.
    #[test]
    fn with_any_failures_no_half_of_a_month_is_left_without_a_copy(
        lost in proptest::collection::vec(0_u8..100, 3 * 366),
        bad in proptest::collection::vec(0_u8..100, 3 * 366),
        hour in 0_i64..20,
    ) {
        let calendar = statute();
        let first = day("2027-01-01");
        let mut copies: Vec<Copy> = Vec::new();
        let mut made: Vec<Copy> = Vec::new();
        for (n, today) in first.iter_days().take(lost.len()).enumerate() {
            if lost[n] < 25 {
                continue;
            }
            let now = at(today) + TimeDelta::hours(hour);
            let new = Copy { at: now, verified: bad[n] >= 10, held: false };
            copies.push(new);
            made.push(new);
            let verdict = calendar.judge(&copies, now, Tallinn, None, true);
            prop_assert_eq!(verdict.obstacle.is_some(), !new.verified);
            let removed = verdict.removed();
            let mut place = 0;
            copies.retain(|_| { place += 1; !removed.contains(&(place - 1)) });
            if !new.verified {
                continue;
            }
            let today = day_at(now, Tallinn);
            let year_ago = today - Months::new(12);
            for copy in &copies {
                prop_assert!(day_at(copy.at, Tallinn) >= year_ago);
            }
            for copy in made.iter().filter(|c| by_the_statute(day_at(c.at, Tallinn), today)) {
                prop_assert!(copies.contains(copy), "{} went on {}", copy.at, today);
            }
            // Half months that have begun within the year.
            let half = |c: &Copy| { let d = day_at(c.at, Tallinn); (d.year(), d.month(), d.day() >= 15) };
            for copy in made.iter().filter(|c| c.verified && day_at(c.at, Tallinn) >= year_ago + Days::new(16)) {
                prop_assert!(copies.iter().any(|c| c.verified && half(c) == half(copy)), "{} on {}", copy.at, today);
            }
        }
    }
}
