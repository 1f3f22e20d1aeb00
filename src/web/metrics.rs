//! Counters for Prometheus: by route pattern and status, never by anything that names a person or a record.

use std::net::IpAddr;
use std::sync::OnceLock;
use std::time::Duration;

use crate::app::backups::BackupHealth;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Bounds of the buckets of durations, in seconds.
const BUCKETS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// How often what was measured is folded together.
pub const UPKEEP: Duration = Duration::from_secs(5);

/// The process's one recorder; a second server in the process shares it.
pub fn handle() -> &'static PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| {
        let builder = PrometheusBuilder::new();
        let builder = builder
            .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), BUCKETS)
            .unwrap_or_else(|_| PrometheusBuilder::new());
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            log::warn!("another recorder of metrics is installed: /metrics will be empty");
        }
        metrics::describe_counter!("http_requests_total", "Requests by route and status");
        metrics::describe_histogram!("http_request_duration_seconds", "Time to the head of the answer");
        metrics::describe_gauge!("andmekogu_backup_age_seconds", "Age of the newest verified copy of the database");
        metrics::describe_gauge!("andmekogu_backup_copies", "Copies of the database");
        metrics::describe_gauge!("andmekogu_backup_overdue", "Whether the newest verified copy is too old");
        handle
    })
}

/// Counts one request.
pub fn count(method: &str, route: &str, status: u16, took: Duration) {
    let labels = [("method", method.to_owned()), ("route", route.to_owned())];
    metrics::histogram!("http_request_duration_seconds", &labels).record(took.as_secs_f64());
    let [method, route] = labels;
    metrics::counter!("http_requests_total", &[method, route, ("status", status.to_string())]).increment(1);
}

/// How the copies of the database are, as gauges.
pub fn backups(health: &BackupHealth) {
    let gauge = |n: i64| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    if let Some(age) = health.age_seconds {
        metrics::gauge!("andmekogu_backup_age_seconds").set(gauge(age.max(0)));
    }
    metrics::gauge!("andmekogu_backup_copies").set(gauge(i64::try_from(health.copies).unwrap_or(i64::MAX)));
    metrics::gauge!("andmekogu_backup_overdue").set(gauge(i64::from(health.overdue)));
}

/// Whether the peer is this machine itself.
pub fn is_loopback(peer: IpAddr) -> bool {
    peer.to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn only_this_machine_is_loopback() {
        for (peer, loopback) in [
            ("127.0.0.1", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("10.0.0.1", false),
            ("::ffff:10.0.0.1", false),
        ] {
            assert_eq!(is_loopback(peer.parse().unwrap()), loopback, "{peer}");
        }
    }
}
