//! Jobs: each due moment once, on one node, caught up after downtime, and told honestly.

use std::sync::Arc;

use andmekogu::app::App;
use andmekogu::domain::refusal::Refusal;
use andmekogu::domain::schedule::{Plan, Schedule};
use andmekogu::jobs::{JOBS, Job, Jobs};
use andmekogu::store::jobs::{Claim, Ended};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde_json::Value;

use crate::harness::{Harness, on_both_databases, open, shipped};

const LEASE: TimeDelta = TimeDelta::minutes(2);

/// Another node on the same database.
fn another(h: &Harness) -> Arc<App> {
    Arc::new(open(&h.place.url, shipped(), h.clock.clone()))
}

fn claim(job: &str, due: DateTime<Utc>, node: &str) -> Claim {
    Claim { job: job.into(), due, node: node.into() }
}

fn claimed(h: &Harness, app: &App, claim: &Claim) -> bool {
    h.block_on(app.store.job_claim(claim, LEASE, DateTime::UNIX_EPOCH)).unwrap()
}

fn runs(h: &Harness, job: &str) -> i64 {
    h.place.count(&format!("SELECT COUNT(*) FROM job_run WHERE job = '{job}'"))
}

fn shown(h: &Harness, job: &str) -> Value {
    let list = h.login("supervisor").get("/jobs").expect(200).body;
    list["items"].as_array().unwrap().iter().find(|j| j["name"] == job).unwrap().clone()
}

#[test]
fn of_many_nodes_that_come_at_once_exactly_one_makes_the_run() {
    on_both_databases(|h| {
        let apps = [h.app.clone(), another(&h)];
        for round in 0..5 {
            let due = h.app.store.now() + TimeDelta::minutes(round);
            h.clock.set(due);
            let claims: Vec<Claim> = (0..8).map(|n| claim("nightly", due, &format!("node-{n}"))).collect();
            let all = claims.iter().zip(apps.iter().cycle()).map(|(claim, app)| {
                let (claim, app) = (claim.clone(), app.clone());
                async move { (app.store.job_claim(&claim, LEASE, DateTime::UNIX_EPOCH).await.unwrap(), claim, app) }
            });
            let won: Vec<_> = h.block_on(futures_util::future::join_all(all)).into_iter().filter(|r| r.0).collect();
            assert_eq!(won.len(), 1, "round {round}");
            let (_, claim, app) = &won[0];
            h.block_on(app.store.job_finish(claim, Ended::Done, "done")).unwrap();
        }
        assert_eq!(runs(&h, "nightly"), 5);
    });
}

#[test]
fn what_a_node_left_undone_is_taken_over_when_its_lease_has_run_out() {
    on_both_databases(|h| {
        let other = another(&h);
        let due = h.app.store.now();
        let (first, second) = (claim("nightly", due, "dies"), claim("nightly", due, "lives"));
        assert!(claimed(&h, &h.app, &first));
        assert!(!claimed(&h, &other, &second), "somebody is at it");
        let later = claim("nightly", due + TimeDelta::minutes(1), "lives");
        h.clock.set(due + TimeDelta::minutes(1));
        assert!(!claimed(&h, &other, &later), "nor does the next moment overlap with it");
        assert!(h.block_on(h.app.store.job_renew(&first, LEASE)).unwrap());
        h.clock.set(due + TimeDelta::minutes(2) + TimeDelta::seconds(30));
        assert!(!claimed(&h, &other, &second), "it has shown that it lives");
        h.clock.set(due + TimeDelta::minutes(4));
        assert!(claimed(&h, &other, &second));
        assert!(!h.block_on(h.app.store.job_renew(&first, LEASE)).unwrap(), "the first one has lost it");
        h.block_on(h.app.store.job_finish(&first, Ended::Done, "too late")).unwrap();
        h.block_on(other.store.job_finish(&second, Ended::Done, "done")).unwrap();
        let told = "SELECT COUNT(*) FROM job_run WHERE detail = 'done' AND node = 'lives'";
        assert_eq!((h.place.count(told), runs(&h, "nightly")), (1, 1));
        assert!(!claimed(&h, &h.app, &first), "done is done");
        assert!(
            !claimed(&h, &h.app, &claim("nightly", due - TimeDelta::days(1), "dies")),
            "and what was before it too"
        );
    });
}

#[test]
fn two_nodes_make_each_run_once() {
    on_both_databases(|h| {
        let (one, two) = (Jobs::new(h.app.clone(), None), Jobs::new(another(&h), None));
        for _ in 0..5 {
            h.clock.set(h.app.store.now() + TimeDelta::minutes(1));
            let (a, b) = h.block_on(futures_util::future::join(one.tick(), two.tick()));
            let outbox = a.iter().chain(&b).filter(|outcome| outcome.job == "outbox").count();
            assert_eq!(outbox, 1);
        }
        assert_eq!((runs(&h, "outbox"), runs(&h, "deadlines")), (5, 1));
    });
}

#[test]
fn three_days_of_downtime_are_caught_up_with_one_run() {
    on_both_databases(|h| {
        h.staff();
        let jobs = Jobs::new(h.app.clone(), None);
        assert_eq!(h.block_on(jobs.tick()).len(), JOBS.len());
        h.set_clock("2026-11-23T10:07:30Z");
        let waits = shown(&h, "deadlines");
        assert_eq!(waits["next_due"], "2026-11-23T10:00:00.000000Z", "what was missed waits for a node");
        let again = Jobs::new(h.app.clone(), None);
        assert_eq!(h.block_on(again.tick()).len(), JOBS.len());
        assert!(h.block_on(again.tick()).is_empty(), "once");
        assert_eq!((runs(&h, "outbox"), runs(&h, "deadlines")), (2, 2));
        let caught_up = shown(&h, "deadlines");
        assert_eq!(caught_up["last_run"]["due"], "2026-11-23T10:00:00.000000Z");
        assert_eq!(caught_up["next_due"], "2026-11-23T10:15:00.000000Z");
    });
}

#[test]
fn a_job_that_fails_or_breaks_says_so_and_hinders_no_other() {
    on_both_databases(|h| {
        h.staff();
        fn failing(_: &Jobs, _: DateTime<Utc>) -> andmekogu::jobs::Running<'_> {
            let refusal = Refusal::Conflict { code: "x", detail: "the calendar ends".into(), clause: None };
            Box::pin(async { Err(refusal.into()) })
        }
        fn breaking(_: &Jobs, _: DateTime<Utc>) -> andmekogu::jobs::Running<'_> {
            Box::pin(async { panic!("a secret of Mari Maasikas") })
        }
        let plan = |name| Plan { name, does: "fails", schedule: Schedule::Every { minutes: 1 } };
        let run = |run, name: &'static str, other: &'static str| {
            let fine = Job { plan: plan(other), ..JOBS[0] };
            let jobs = Jobs::over(h.app.clone(), None, vec![Job { plan: plan(name), run }, fine]);
            h.block_on(jobs.tick())
        };
        let outcomes = run(failing, "outbox", "deadlines");
        assert_eq!(outcomes.iter().map(|o| o.ended).collect::<Vec<_>>(), [Ended::Failed, Ended::Done]);
        let seen = shown(&h, "outbox")["last_run"].clone();
        assert_eq!((&seen["outcome"], &seen["detail"]), (&"failed".into(), &"the calendar ends".into()));
        h.clock.set(h.app.store.now() + TimeDelta::minutes(1));
        run(breaking, "outbox", "deadlines");
        let seen = shown(&h, "outbox")["last_run"].clone();
        assert_eq!(seen["outcome"], "failed");
        assert!(!seen.to_string().contains("Mari"), "{seen}");
        let metrics = h.nobody().get("/metrics").expect(200).text;
        assert!(metrics.contains("andmekogu_job_failures_total{job=\"outbox\"}"), "{metrics}");
        assert!(metrics.contains("andmekogu_job_seconds"), "{metrics}");
    });
}

#[test]
fn the_jobs_are_shown_to_those_who_oversee() {
    on_both_databases(|h| {
        h.staff();
        let before = shown(&h, "outbox");
        assert_eq!((&before["last_run"], &before["schedule"]), (&Value::Null, &"every minute".into()));
        h.block_on(Jobs::new(h.app.clone(), None).tick());
        let after = shown(&h, "outbox");
        let run = &after["last_run"];
        assert_eq!((&run["outcome"], &run["due"]), (&"done".into(), &"2026-11-20T10:00:00.000000Z".into()));
        assert!(run["duration_ms"].is_i64() && run["started"].is_string() && run["finished"].is_string(), "{run}");
        let refused = h.login("hr_clerk").get("/jobs");
        assert!(refused.status == 403 && refused.body["clause"].is_string(), "{}", refused.text);
        assert_eq!(h.nobody().get("/jobs").status, 401);
    });
}

#[test]
fn a_look_ahead_changes_nothing_and_a_run_by_hand_is_a_run() {
    on_both_databases(|h| {
        let before = h.place.count("SELECT COUNT(*) FROM audit_event");
        let day = NaiveDate::from_ymd_opt(2026, 12, 31).unwrap();
        let preview = h.block_on(h.app.preview_jobs(day)).unwrap();
        assert_eq!(preview.len(), h.app.store.registers().names().count());
        assert_eq!(h.place.count("SELECT COUNT(*) FROM audit_event"), before);
        assert_eq!(h.place.count("SELECT COUNT(*) FROM job_run"), 0);
        let jobs = Jobs::new(h.app.clone(), None);
        assert!(h.block_on(jobs.run_now("outbox")).unwrap().is_some());
        assert!(h.block_on(jobs.run_now("no_such_job")).is_err());
        assert_eq!(runs(&h, "outbox"), 1);
    });
}

#[test]
fn a_stop_ends_the_work() {
    let h = Harness::start(crate::harness::Place::sqlite());
    let jobs = Arc::new(Jobs::new(h.app.clone(), None));
    let work = jobs.clone().work(std::time::Duration::from_secs(3600));
    h.block_on(async {
        let stop = async {
            while runs(&h, "outbox") == 0 {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
            jobs.stop();
        };
        let both = futures_util::future::join(work, stop);
        tokio::time::timeout(std::time::Duration::from_secs(30), both).await.expect("the work ends");
    });
    assert_eq!(runs(&h, "outbox"), 1);
}
