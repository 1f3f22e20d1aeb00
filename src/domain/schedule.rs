//! When jobs are due: moments that follow from a schedule alone, the same on every node and after every restart.

use chrono::{DateTime, MappedLocalTime, NaiveDate, NaiveTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::{GapInfo, Tz};

/// How often a job is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schedule {
    /// Every so many minutes, counted from the epoch: the same moments on every node.
    Every {
        /// Minutes, from 1.
        minutes: u32,
    },
    /// Once a day at a time of the clock on the wall.
    DailyAt {
        /// Hour, 0 to 23.
        hour: u32,
        /// Minute, 0 to 59.
        minute: u32,
    },
}

/// A job as it is planned: what the list of jobs shows of it beside its runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Name.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub does: &'static str,
    /// When.
    pub schedule: Schedule,
}

impl Schedule {
    /// The latest due moment that is not after `now`. Whoever was away for days finds one moment, the newest.
    pub fn latest(self, now: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
        match self {
            Self::Every { minutes } => {
                let step = i64::from(minutes.max(1)) * 60;
                let seconds = now.timestamp().div_euclid(step) * step;
                DateTime::from_timestamp(seconds, 0).unwrap_or(now)
            }
            Self::DailyAt { .. } => {
                let today = now.with_timezone(&zone).date_naive();
                // Two days back: a day may have been left out of the calendar.
                let days = [Some(today), today.pred_opt(), today.pred_opt().and_then(|d| d.pred_opt())];
                days.into_iter().flatten().filter_map(|d| self.on(d, zone)).find(|at| *at <= now).unwrap_or(now)
            }
        }
    }

    /// The first due moment after `now`.
    pub fn next(self, now: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
        match self {
            Self::Every { minutes } => self.latest(now, zone) + TimeDelta::minutes(i64::from(minutes.max(1))),
            Self::DailyAt { .. } => {
                let today = now.with_timezone(&zone).date_naive();
                let days = [Some(today), today.succ_opt(), today.succ_opt().and_then(|d| d.succ_opt())];
                days.into_iter().flatten().filter_map(|d| self.on(d, zone)).find(|at| *at > now).unwrap_or(now)
            }
        }
    }

    /// The usual time between two due moments.
    pub fn period(self) -> TimeDelta {
        match self {
            Self::Every { minutes } => TimeDelta::minutes(i64::from(minutes.max(1))),
            Self::DailyAt { .. } => TimeDelta::days(1),
        }
    }

    /// In words, for people.
    pub fn words(self) -> String {
        match self {
            Self::Every { minutes: 1 } => "every minute".to_owned(),
            Self::Every { minutes } => format!("every {minutes} minutes"),
            Self::DailyAt { hour, minute } => format!("daily at {hour:02}:{minute:02}"),
        }
    }

    /// The due moment of a day: where clocks show the time twice, the first; where they skip it, the moment of the skip.
    fn on(self, day: NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
        let Self::DailyAt { hour, minute } = self else {
            return None;
        };
        let local = day.and_time(NaiveTime::from_hms_opt(hour, minute, 0)?);
        let at = match zone.from_local_datetime(&local) {
            MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(at, _) => at,
            MappedLocalTime::None => GapInfo::new(&local, &zone)?.end?,
        };
        Some(at.to_utc())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::Europe::Tallinn;
    use proptest::prelude::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    const NIGHTLY: Schedule = Schedule::DailyAt { hour: 3, minute: 30 };

    #[test]
    fn a_quarter_of_an_hour_begins_at_the_quarters() {
        let quarter = Schedule::Every { minutes: 15 };
        assert_eq!(quarter.latest(at("2026-11-20T10:14:59Z"), Tallinn), at("2026-11-20T10:00:00Z"));
        assert_eq!(quarter.latest(at("2026-11-20T10:15:00Z"), Tallinn), at("2026-11-20T10:15:00Z"));
        assert_eq!(quarter.next(at("2026-11-20T10:15:00Z"), Tallinn), at("2026-11-20T10:30:00Z"));
    }

    #[test]
    fn a_daily_time_is_that_of_the_clock_on_the_wall_in_summer_and_winter() {
        assert_eq!(NIGHTLY.latest(at("2026-07-01T10:00:00Z"), Tallinn), at("2026-07-01T00:30:00Z"));
        assert_eq!(NIGHTLY.latest(at("2026-12-01T10:00:00Z"), Tallinn), at("2026-12-01T01:30:00Z"));
        assert_eq!(NIGHTLY.latest(at("2026-12-01T01:29:59Z"), Tallinn), at("2026-11-30T01:30:00Z"));
    }

    #[test]
    fn the_night_in_which_the_clocks_change_has_the_time_once() {
        // 03:30 is skipped on 29 March and shown twice on 25 October.
        assert_eq!(NIGHTLY.latest(at("2026-03-29T12:00:00Z"), Tallinn), at("2026-03-29T01:00:00Z"));
        assert_eq!(NIGHTLY.latest(at("2026-10-25T12:00:00Z"), Tallinn), at("2026-10-25T00:30:00Z"));
        assert_eq!(NIGHTLY.next(at("2026-10-25T00:30:00Z"), Tallinn), at("2026-10-26T01:30:00Z"));
    }

    #[test]
    fn three_days_away_leave_one_moment() {
        let before = NIGHTLY.latest(at("2026-11-20T12:00:00Z"), Tallinn);
        let after = NIGHTLY.latest(at("2026-11-23T12:00:00Z"), Tallinn);
        assert_eq!(after - before, TimeDelta::days(3));
    }

    fn schedules() -> impl Strategy<Value = Schedule> {
        prop_oneof![
            (1_u32..2000).prop_map(|minutes| Schedule::Every { minutes }),
            (0_u32..24, 0_u32..60).prop_map(|(hour, minute)| Schedule::DailyAt { hour, minute }),
        ]
    }

    proptest! {
        #[test]
        fn now_lies_between_the_latest_and_the_next(schedule in schedules(), second in 0_i64..4_000_000_000) {
            let now = DateTime::from_timestamp(second, 0).unwrap();
            let (latest, next) = (schedule.latest(now, Tallinn), schedule.next(now, Tallinn));
            prop_assert!(latest <= now && now < next, "{latest} {now} {next}");
            prop_assert_eq!(schedule.latest(latest, Tallinn), latest);
            prop_assert_eq!(schedule.latest(next, Tallinn), next);
            prop_assert_eq!(schedule.next(latest, Tallinn), next);
        }
    }
}
