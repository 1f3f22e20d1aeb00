//! Supervision: what strikes the eye in the log, and samples that can be drawn again.

pub mod sample;
pub mod signals;

use chrono::{NaiveDate, NaiveTime};
use chrono_tz::Tz;

use signals::{Burst, Settings};

/// Days of the log that are looked through for signals at once, at most.
pub const LONGEST_PERIOD: i64 = 31;
/// Readings that are looked through for signals at once, at most.
pub const MOST_READINGS: usize = 100_000;
/// Days before somebody's last that are looked at closely.
pub const LEAVER_DAYS: u32 = 14;
/// Most entries in a sample.
pub const LARGEST_SAMPLE: usize = 500;

/// Hours in which an office works, with an hour at either end: not every reading at half past seven is a question.
const WORKING_HOURS: (u32, u32) = (7, 19);
/// More records than somebody opens one by one for a task: two full pages of a list in ten minutes.
const BURST: Burst = Burst { records: 100, minutes: 10 };
/// Purposes that say nothing, in the languages of the service.
const MEANINGLESS: &[&str] =
    &["test", "testing", "töö", "work", "tööülesanne", "työ", "arbete", "asi", "vaatan", "check", "kontroll", "muu"];

/// What is ordinary in a register whose days are those of `zone`.
pub fn ordinary(zone: Tz, is_working_day: &dyn Fn(NaiveDate) -> bool) -> Settings<'_> {
    let hour = |h| NaiveTime::from_hms_opt(h, 0, 0).unwrap_or(NaiveTime::MIN);
    Settings {
        zone,
        working_hours: (hour(WORKING_HOURS.0), hour(WORKING_HOURS.1)),
        is_working_day,
        burst: BURST,
        meaningless_purposes: MEANINGLESS.iter().map(|p| (*p).to_owned()).collect(),
    }
}
