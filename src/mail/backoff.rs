//! When a letter that could not be sent is tried again.
//!
//! Pauses double from a minute to six hours. Only after at least three days of trying is a letter given up, so that
//! a relay which is down over a weekend loses none.

use chrono::{DateTime, TimeDelta, Utc};

/// The pause after the first failure.
const FIRST: TimeDelta = TimeDelta::minutes(1);
/// No pause is longer.
const LONGEST: TimeDelta = TimeDelta::hours(6);
/// How many attempts a letter gets: the fewest whose pauses, each shortened as far as [`SHORTENED`] allows, come to
/// three days.
pub const ATTEMPTS: u32 = 22;
/// The part of a pause, in thousandths, by which it may be shortened: letters that failed together should not all
/// return in the same second.
const SHORTENED: u64 = 100;

/// When to try again after the `attempts`-th attempt (from 1) failed at `failed_at`; `None` gives the letter up.
///
/// `seed` spreads the letters: take any number that stays with the letter, such as a part of its id. The same
/// arguments always give the same answer.
#[must_use]
pub fn next_attempt(attempts: u32, failed_at: DateTime<Utc>, seed: u64) -> Option<DateTime<Utc>> {
    if attempts >= ATTEMPTS {
        return None;
    }
    let doublings = attempts.saturating_sub(1).min(16);
    let full = (FIRST * (1 << doublings)).min(LONGEST);
    let thousandths = mixed(seed.wrapping_add(u64::from(attempts))) % (SHORTENED + 1);
    let shortened = full.num_milliseconds() / 1000 * i64::try_from(thousandths).unwrap_or_default();
    failed_at.checked_add_signed(full - TimeDelta::milliseconds(shortened))
}

/// `SplitMix64`'s finaliser: neighbouring numbers come out unalike.
const fn mixed(n: u64) -> u64 {
    let n = n.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    n ^ (n >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn monday() -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000, 0).unwrap()
    }

    /// The pauses of a letter that fails at once each time it is tried.
    fn pauses(seed: u64) -> Vec<TimeDelta> {
        let mut at = monday();
        let mut pauses = Vec::new();
        while let Some(next) = next_attempt(u32::try_from(pauses.len()).unwrap() + 1, at, seed) {
            pauses.push(next - at);
            at = next;
        }
        pauses
    }

    #[test]
    fn a_letter_is_tried_a_bounded_number_of_times() {
        assert_eq!(pauses(7).len() + 1, ATTEMPTS as usize);
        assert_eq!(next_attempt(ATTEMPTS, monday(), 7), None);
        assert_eq!(next_attempt(u32::MAX, monday(), 7), None);
    }

    #[test]
    fn letters_that_failed_together_do_not_return_in_the_same_second() {
        let returns: BTreeSet<_> = (0..100).map(|seed| next_attempt(12, monday(), seed).unwrap().timestamp()).collect();
        assert!(returns.len() > 50, "{} different seconds", returns.len());
    }

    #[test]
    fn an_attempt_that_nobody_counted_is_the_first() {
        assert!(next_attempt(0, monday(), 7).unwrap() - monday() <= FIRST);
    }

    #[test]
    fn the_end_of_the_calendar_gives_up_and_does_not_break() {
        assert_eq!(next_attempt(1, DateTime::<Utc>::MAX_UTC, 7), None);
    }

    proptest! {
        #[test]
        fn no_letter_is_given_up_before_three_days_and_none_lives_over_a_week(seed: u64) {
            let total = pauses(seed).into_iter().fold(TimeDelta::zero(), |sum, pause| sum + pause);
            prop_assert!(total >= TimeDelta::days(3), "{total}");
            prop_assert!(total <= TimeDelta::days(7), "{total}");
        }

        #[test]
        fn pauses_grow_from_a_minute_to_six_hours(seed: u64) {
            let pauses = pauses(seed);
            let nominal = |n: usize| TimeDelta::minutes(360.min(1 << n.min(9)));
            for (n, pause) in pauses.iter().enumerate() {
                prop_assert!(*pause <= nominal(n), "{n}: {pause}");
                prop_assert!(*pause * 10 >= nominal(n) * 9, "{n}: {pause}");
            }
            prop_assert!(pauses[..9].is_sorted());
        }

        #[test]
        fn the_next_attempt_is_always_later_and_always_the_same(attempts in 0..ATTEMPTS, seed: u64, second in 0..4_000_000_000_i64) {
            let failed_at = DateTime::from_timestamp(second, 0).unwrap();
            let next = next_attempt(attempts, failed_at, seed);
            prop_assert!(next > Some(failed_at));
            prop_assert_eq!(next, next_attempt(attempts, failed_at, seed));
        }
    }
}
