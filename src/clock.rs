//! Time as something that is handed in: the program has the machine's clock, tests have their own.

use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Utc};

/// Where the time comes from.
pub trait Clock: Send + Sync {
    /// The instant it is.
    fn now(&self) -> DateTime<Utc>;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `at`.
    pub fn at(at: DateTime<Utc>) -> Self {
        Self(AtomicI64::new(at.timestamp_micros()))
    }

    /// Moves the clock to `at`, forwards or back.
    pub fn set(&self, at: DateTime<Utc>) {
        self.0.store(at.timestamp_micros(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0.load(Ordering::SeqCst)).unwrap_or_default()
    }
}

/// Instants that never repeat and never go back, whatever the clock does: what the register stamps its
/// entries and events with.
pub struct Stamps {
    clock: std::sync::Arc<dyn Clock>,
    last: AtomicI64,
}

impl Stamps {
    /// Stamps from `clock`.
    pub fn new(clock: std::sync::Arc<dyn Clock>) -> Self {
        Self { clock, last: AtomicI64::new(i64::MIN) }
    }

    /// The next stamp: now, or a microsecond after the last one, and later than `after`.
    pub fn next(&self, after: i64) -> i64 {
        let now = self.clock.now().timestamp_micros().max(after.saturating_add(1));
        let taken = self
            .last
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |last| Some(now.max(last.saturating_add(1))))
            .unwrap_or(now);
        now.max(taken.saturating_add(1))
    }

    /// The clock's own time.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }
}

/// A UUIDv7 whose order is that of `micros` (RFC 9562, 6.2 method 3: the fraction of the millisecond stands in
/// front of the random bits).
pub fn uuid_at(micros: i64, random: [u8; 8]) -> uuid::Uuid {
    let micros = u64::try_from(micros).unwrap_or(0);
    let (millis, fraction) = (micros / 1000, micros % 1000 * 4096 / 1000);
    let random = u64::from_be_bytes(random) >> 2;
    let high = u128::from(millis & 0xffff_ffff_ffff) << 80 | 0x7_u128 << 76 | u128::from(fraction) << 64;
    uuid::Uuid::from_u128(high | 0b10_u128 << 62 | u128::from(random))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_rise_even_when_the_clock_goes_back() {
        let clock = std::sync::Arc::new(ManualClock::at(DateTime::from_timestamp(1_000_000, 0).unwrap()));
        let stamps = Stamps::new(clock.clone());
        let first = stamps.next(0);
        clock.set(DateTime::from_timestamp(999_000, 0).unwrap());
        let second = stamps.next(0);
        assert!(second > first);
        assert!(stamps.next(second + 50) > second + 50, "later than what the record already has");
    }

    #[test]
    fn ids_are_version_7_and_sort_as_their_instants() {
        let (a, b) = (uuid_at(1_700_000_000_000_001, [255; 8]), uuid_at(1_700_000_000_000_002, [0; 8]));
        assert_eq!(a.get_version_num(), 7);
        assert_eq!(a.get_variant(), uuid::Variant::RFC4122);
        assert!(a < b && a.to_string() < b.to_string());
    }
}
