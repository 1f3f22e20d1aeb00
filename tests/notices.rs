//! Letters: what goes out, to whom, in which language, and what becomes of those that cannot go.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use andmekogu::app::ActContext;
use andmekogu::domain::case::{NewCase, Step};
use andmekogu::domain::statute::procedures::{About, CaseKind, CaseOutcome, ContactPoint, Procedure, StepKind};
use andmekogu::domain::statute::{Clause, Definition, Label};
use andmekogu::jobs::post::Post;
use andmekogu::jobs::{JOBS, Jobs, Outcome};
use andmekogu::mail::{Security, Smtp, SmtpSettings};
use andmekogu::store::guard::CaseHandle;
use andmekogu::store::jobs::Ended;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::smtp::SmtpServer;
use crate::harness::{Harness, Place, REGISTER, no_postgres, shipped};

const OPEN: &str = "letters_complaint";
const URGENT: &str = "letters_incident";
const ORDER: &str = "letters_order";

fn label(et: &str, fi: &str) -> Label {
    Label { fi: Some(fi.into()), ..Label::estonian(et) }
}

fn contact(name: &str, email: &str, language: &str) -> ContactPoint {
    ContactPoint {
        name: name.into(),
        label: label(name, name),
        clause: Clause("§ 22 lg 2".into()),
        email: email.into(),
        language: language.into(),
    }
}

fn kind(name: &str, procedure: Procedure, tells: &[&str]) -> CaseKind {
    CaseKind {
        name: name.into(),
        label: label("kaebus", "kantelu"),
        clause: Clause("§ 22 lg 2".into()),
        procedure,
        about: About::Register,
        term: Some("P1M".parse().unwrap()),
        term_clause: None,
        names_due: false,
        extension: None,
        tells: tells.iter().map(|t| (*t).to_owned()).collect(),
        forwards_to: Some("processor".into()),
        reminders: vec![7, 1],
        steps: vec![StepKind::Forward, StepKind::Notify],
        outcomes: vec![CaseOutcome {
            name: "upheld".into(),
            label: label("põhjendatud", "aiheellinen"),
            clause: Clause("§ 22 lg 2".into()),
            refuses: false,
            in_part: false,
        }],
        closes_after: vec![],
        remedies: None,
        hides: vec![],
        own_data: None,
    }
}

/// The shipped register with kinds of cases and contact points of this test's own.
fn written_to(installation_may: bool) -> Vec<Definition> {
    let mut all = shipped();
    let persona = all.iter_mut().find(|d| d.register.short_name == REGISTER).unwrap();
    persona.register.contacts = vec![
        contact("controller", "kontroller@vald.example", "et"),
        contact("processor", "yllapito@yritys.example", "fi"),
        contact("information_security", "vakt@vald.example", "sv"),
    ];
    persona.cases.push(kind(OPEN, Procedure::Complaint, &["processor"]));
    persona.cases.push(kind(URGENT, Procedure::Incident, &["controller", "processor", "information_security"]));
    persona.cases.push(kind(ORDER, Procedure::Prescription, &[]));
    for name in [OPEN, URGENT, ORDER] {
        persona.policies.push_str(&format!(
            "\n@id(\"{name}\") @clause(\"§ 22 lg 2\")\npermit (principal in Role::\"controller\", \
             action in Action::\"procedure\", resource == Case::\"{name}\");\n"
        ));
        if installation_may {
            persona.policies.push_str(&format!(
                "\n@id(\"{name}-reminds\") @clause(\"§ 22 lg 2\")\npermit (principal in Role::\"installation\", \
                 action in [Action::\"case.read\", Action::\"case.handle\"], resource == Case::\"{name}\");\n"
            ));
        } else {
            persona.policies.push_str(&format!(
                "\n@id(\"{name}-reminds-not\") @clause(\"§ 22 lg 2\")\nforbid (principal in Role::\"installation\", \
                 action in Action::\"procedure\", resource == Case::\"{name}\");\n"
            ));
        }
    }
    all
}

fn on_both(scenario: impl Fn(Harness)) {
    scenario(Harness::with(Place::sqlite(), written_to(true)));
    match Place::postgres() {
        Some(place) => scenario(Harness::with(place, written_to(true))),
        None => no_postgres(),
    }
}

fn post(address: SocketAddr) -> Post {
    let smtp = Smtp::new(SmtpSettings {
        host: address.ip().to_string(),
        port: address.port(),
        security: Security::PlainOnLoopback,
        username: None,
        password: None,
        from: "Register <register@vald.example>".into(),
        timeout: Duration::from_secs(20),
        hello_name: "app.vald.example".into(),
        extra_root: None,
    });
    Post::new(smtp.unwrap(), "https://register.vald.example")
}

/// An address at which nobody listens.
fn nowhere() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}

fn jobs(h: &Harness, address: Option<SocketAddr>) -> Jobs {
    // Only what letters need: other jobs open cases of their own.
    let letters = JOBS.iter().filter(|job| ["outbox", "deadlines"].contains(&job.plan.name)).copied().collect();
    Jobs::over(h.app.clone(), address.map(post), letters)
}

/// Opens a case; what is written in it is personal.
fn open(h: &Harness, kind: &str) -> Uuid {
    let new = NewCase {
        kind: kind.into(),
        subject: "Mari Maasika palk on valesti kirjas".into(),
        text: "Mari Maasikas, isikukood 48405170012, kaebab palga üle.".into(),
        ..NewCase::default()
    };
    let cx = ActContext::user(h.user("controller"));
    let act = h.app.store.write(cx, move |tx| {
        let permit = tx.authorize_case_open(REGISTER, &new.kind, None, None)?;
        tx.case_open(permit, &new)
    });
    h.block_on(act).unwrap().get().case.id
}

fn step(h: &Harness, id: Uuid, act: StepKind) {
    let cx = ActContext::user(h.user("controller"));
    let act = h.app.store.write(cx, move |tx| {
        let permit = tx.authorize_case::<CaseHandle>(REGISTER, id)?;
        tx.case_step(permit, &Step::new(act, "tehtud"))
    });
    h.block_on(act).unwrap();
}

fn later(h: &Harness, by: TimeDelta) {
    h.clock.set(h.app.store.now() + by);
}

/// Lets the jobs do what is due a minute later, and gives what one of them said.
fn tick(h: &Harness, jobs: &Jobs, job: &str) -> Option<Outcome> {
    later(h, TimeDelta::minutes(1));
    h.block_on(jobs.tick()).into_iter().find(|outcome| outcome.job == job)
}

fn outbox(h: &Harness, query: &str) -> Vec<Value> {
    let page = h.login("supervisor").get(&format!("/registers/{REGISTER}/outbox{query}")).expect(200);
    page.body["items"].as_array().unwrap().clone()
}

#[test]
fn whoever_must_know_of_a_case_gets_a_letter_in_their_language_and_nothing_personal() {
    on_both(|h| {
        h.staff();
        let server = SmtpServer::start("accept");
        let jobs = jobs(&h, Some(server.address()));
        let id = open(&h, URGENT);
        let outcome = tick(&h, &jobs, "outbox").unwrap();
        assert_eq!(
            (outcome.ended, outcome.detail.as_str()),
            (Ended::Done, "sent: 3, to be tried again: 0, given up: 0")
        );
        let mut letters = server.messages();
        letters.sort_by_key(|letter| letter.rcpt_to.clone());
        let languages: Vec<(&str, &str)> =
            letters.iter().map(|l| (l.rcpt_to[0].as_str(), l.header("Content-Language"))).collect();
        assert_eq!(
            languages,
            [("kontroller@vald.example", "et"), ("vakt@vald.example", "sv"), ("yllapito@yritys.example", "fi")]
        );
        for letter in &letters {
            assert!(letter.header("Subject").contains(&id.to_string()), "{}", letter.header("Subject"));
            for personal in ["Mari", "Maasik", "48405170012", "palk"] {
                assert!(!letter.raw.contains(personal) && !letter.body.contains(personal), "{personal}");
                assert!(!letter.header("Subject").contains(personal), "{personal}");
            }
            let link = format!("https://register.vald.example/registers/{REGISTER}/cases/{id}");
            assert!(letter.body.contains(&link), "{}", letter.body);
            assert!(letter.body.contains("§ 22 lg 2"), "{}", letter.body);
        }
        assert_eq!(letters[0].header("Subject"), format!("KIIRE: intsident nr {id}"));
        let sent = outbox(&h, "?state=sent");
        assert_eq!(sent.len(), 3);
        assert!(sent.iter().all(|l| l["attempts"] == 1 && l["sent_at"].is_string() && l["case_id"] == id.to_string()));
        let shown = serde_json::to_string(&sent).unwrap();
        assert!(shown.contains("k***@vald.example") && !shown.contains("kontroller@"), "{shown}");
        assert!(tick(&h, &jobs, "outbox").unwrap().detail.starts_with("sent: 0"), "nothing is sent twice");
    });
}

#[test]
fn a_relay_that_is_down_for_a_day_loses_nothing_and_delays_no_letter_twice() {
    on_both(|h| {
        h.staff();
        let away = jobs(&h, Some(nowhere()));
        open(&h, URGENT);
        for _ in 0..24 {
            let outcome = tick(&h, &away, "outbox").unwrap();
            assert_eq!(outcome.ended, Ended::Done, "{}", outcome.detail);
            later(&h, TimeDelta::minutes(59));
        }
        let waiting = outbox(&h, "?state=queued");
        assert_eq!(waiting.len(), 3);
        for letter in &waiting {
            assert!(letter["attempts"].as_i64().unwrap() > 3, "{letter}");
            assert_eq!(letter["fault"], "connecting and greeting: connection refused");
            let next: DateTime<Utc> = letter["next_at"].as_str().unwrap().parse().unwrap();
            assert!(next <= h.app.store.now() + TimeDelta::hours(6), "{letter}");
        }
        let server = SmtpServer::start("accept");
        let back = jobs(&h, Some(server.address()));
        for _ in 0..8 {
            tick(&h, &back, "outbox");
            later(&h, TimeDelta::hours(1));
        }
        assert_eq!(server.messages().len(), 3, "each letter once");
        assert!(outbox(&h, "?state=queued").is_empty() && outbox(&h, "?state=dead").is_empty());
    });
}

#[test]
fn a_refused_letter_is_seen_among_the_dead_and_can_be_taken_up_again() {
    on_both(|h| {
        h.staff();
        let refusing = SmtpServer::start("reject");
        open(&h, OPEN);
        tick(&h, &jobs(&h, Some(refusing.address())), "outbox");
        let dead = outbox(&h, "?state=dead");
        assert_eq!(dead.len(), 1);
        assert_eq!(dead[0]["fault"], "RCPT: the relay answered 550");
        assert_eq!(dead[0]["address"], "y***@yritys.example");
        let metrics = h.nobody().get("/metrics").expect(200).text;
        assert!(metrics.contains(&format!("andmekogu_outbox{{register=\"{REGISTER}\",state=\"dead\"}}")), "{metrics}");

        let path = format!("/registers/{REGISTER}/outbox/{}/retry", dead[0]["id"].as_str().unwrap());
        let clerk = h.login("hr_clerk");
        let refused = clerk.post(&path, &json!({}));
        assert!(refused.status == 403 && refused.body["clause"].is_string(), "{}", refused.text);
        assert_eq!(clerk.get(&format!("/registers/{REGISTER}/outbox")).status, 403);
        let supervisor = h.login("supervisor");
        assert_eq!(supervisor.post(&path, &json!({})).expect(200).body["state"], "queued");
        assert_eq!(supervisor.post(&path, &json!({})).status, 409, "it is no longer among the dead");
        let unknown = format!("/registers/{REGISTER}/outbox/{}/retry", Uuid::now_v7());
        assert_eq!(supervisor.post(&unknown, &json!({})).status, 404);
        assert_eq!(supervisor.get(&format!("/registers/{REGISTER}/outbox?state=lost")).status, 400);

        let server = SmtpServer::start("accept");
        tick(&h, &jobs(&h, Some(server.address())), "outbox");
        assert_eq!(server.messages().len(), 1);
        let log = supervisor.get(&format!("/registers/{REGISTER}/audit?action=letter.retry")).expect(200);
        assert_eq!(log.body["items"][0]["actor"]["name"], "supervisor");
        let log = supervisor.get(&format!("/registers/{REGISTER}/audit?action=letter.send")).expect(200);
        assert_eq!(log.body["items"][0]["actor"]["name"], "installation:job:outbox");
    });
}

#[test]
fn a_note_that_cannot_be_written_sends_a_letter_again_under_the_same_id() {
    let h = Harness::with(Place::sqlite(), written_to(true));
    h.staff();
    let server = SmtpServer::start("accept");
    let jobs = jobs(&h, Some(server.address()));
    open(&h, OPEN);
    h.place.sql("CREATE TRIGGER no_note BEFORE UPDATE ON outbox BEGIN SELECT RAISE(ABORT, 'disk full'); END").unwrap();
    assert_eq!(tick(&h, &jobs, "outbox").unwrap().ended, Ended::Failed);
    h.place.sql("DROP TRIGGER no_note").unwrap();
    assert_eq!(tick(&h, &jobs, "outbox").unwrap().ended, Ended::Done);
    let ids: Vec<String> = server.messages().iter().map(|m| m.header("Message-ID").to_owned()).collect();
    assert_eq!(ids.len(), 2, "it may go twice, and is never lost");
    assert_eq!(ids[0], ids[1], "the reader's own program can tell");
}

#[test]
fn without_a_relay_letters_wait_where_everybody_sees_them() {
    on_both(|h| {
        h.staff();
        open(&h, OPEN);
        let outcome = tick(&h, &jobs(&h, None), "outbox").unwrap();
        assert_eq!(outcome.detail, "no relay is set (mail.host); letters that wait: 1");
        assert_eq!(outbox(&h, "?state=queued").len(), 1);
    });
}

#[test]
fn an_order_that_is_forwarded_reaches_who_must_carry_it_out() {
    on_both(|h| {
        h.staff();
        let server = SmtpServer::start("accept");
        let id = open(&h, ORDER);
        step(&h, id, StepKind::Forward);
        tick(&h, &jobs(&h, Some(server.address())), "outbox");
        let [letter] = server.messages().try_into().unwrap();
        assert_eq!(letter.rcpt_to, ["yllapito@yritys.example"]);
        assert!(letter.body.contains("2026-12-21"), "{}", letter.body);
    });
}

#[test]
fn deadlines_are_reminded_of_once_each_before_they_come_and_after() {
    on_both(|h| {
        h.staff();
        let server = SmtpServer::start("accept");
        let jobs = jobs(&h, Some(server.address()));
        // A month from 20 November is a Sunday, so that it is due on Monday, 21 December.
        let id = open(&h, OPEN);
        let on = |at: &str| {
            h.set_clock(at);
            let reminded = tick(&h, &jobs, "deadlines").map(|outcome| outcome.detail).unwrap_or_default();
            tick(&h, &jobs, "outbox");
            reminded
        };
        assert_eq!(on("2026-12-13T21:00:00Z"), "cases reminded of: 0, letters: 0", "eight days before");
        assert_eq!(on("2026-12-13T22:30:00Z"), "cases reminded of: 1, letters: 2", "seven, by the register's own day");
        assert_eq!(on("2026-12-16T10:00:00Z"), "cases reminded of: 0, letters: 0", "once");
        assert_eq!(on("2026-12-20T10:00:00Z"), "cases reminded of: 1, letters: 2");
        assert_eq!(on("2026-12-21T21:30:00Z"), "cases reminded of: 0, letters: 0", "the due day is not over");
        assert_eq!(on("2026-12-21T22:00:00Z"), "cases reminded of: 1, letters: 2");
        assert_eq!(on("2026-12-30T10:00:00Z"), "cases reminded of: 0, letters: 0");
        let metrics = h.nobody().get("/metrics").expect(200).text;
        assert!(metrics.contains(&format!("andmekogu_cases_overdue{{register=\"{REGISTER}\"}}")), "{metrics}");
        let subjects: Vec<String> = server
            .messages()
            .iter()
            .filter(|m| m.rcpt_to == ["kontroller@vald.example"])
            .map(|m| m.header("Subject").replace(&id.to_string(), "N"))
            .collect();
        assert_eq!(subjects.len(), 3, "{subjects:?}");
        assert_eq!(subjects[0], subjects[1]);
        assert_ne!(subjects[1], subjects[2], "overdue reads otherwise than due soon");
        let log = h.login("supervisor").get(&format!("/registers/{REGISTER}/audit?action=case.remind")).expect(200);
        assert_eq!(log.body["items"].as_array().unwrap().len(), 3);
        assert_eq!(log.body["items"][0]["actor"]["name"], "installation:job:deadlines");
    });
}

#[test]
fn a_case_that_was_missed_while_the_program_was_away_is_reminded_of_once_by_the_nearest() {
    on_both(|h| {
        h.staff();
        open(&h, OPEN);
        h.set_clock("2026-12-20T10:00:00Z");
        let jobs = jobs(&h, None);
        assert_eq!(tick(&h, &jobs, "deadlines").unwrap().detail, "cases reminded of: 1, letters: 2");
        let kinds: Vec<Value> = outbox(&h, "?state=queued").into_iter().map(|l| l["letter"].clone()).collect();
        assert_eq!(kinds.iter().filter(|k| **k == "case-due-soon").count(), 2, "{kinds:?}");
    });
}

#[test]
fn a_closed_case_is_not_reminded_of() {
    on_both(|h| {
        h.staff();
        let id = open(&h, OPEN);
        step(&h, id, StepKind::Close);
        h.set_clock("2027-01-20T10:00:00Z");
        assert_eq!(tick(&h, &jobs(&h, None), "deadlines").unwrap().detail, "cases reminded of: 0, letters: 0");
    });
}

#[test]
fn reminders_stay_within_the_policies_and_a_run_that_may_not_says_so() {
    let h = Harness::with(Place::sqlite(), written_to(false));
    h.staff();
    open(&h, OPEN);
    open(&h, OPEN);
    h.set_clock("2027-01-20T10:00:00Z");
    let outcome = tick(&h, &jobs(&h, None), "deadlines").unwrap();
    assert_eq!(outcome.ended, Ended::Failed);
    assert!(outcome.detail.contains(OPEN), "{}", outcome.detail);
    let shown = h.login("supervisor").get("/jobs").expect(200).body;
    let job = shown["items"].as_array().unwrap().iter().find(|j| j["name"] == "deadlines").unwrap().clone();
    assert_eq!(job["last_run"]["outcome"], "failed");
    let denied = h.login("supervisor").get(&format!("/registers/{REGISTER}/audit?decision=denied")).expect(200);
    assert_eq!(denied.body["items"].as_array().unwrap().len(), 1, "one denial tells it, not one for each case");
}

#[test]
fn people_say_where_and_in_which_language_letters_reach_them() {
    on_both(|h| {
        h.staff();
        let me = h.login("controller");
        assert_eq!(me.get("/me").expect(200).body["email"], Value::Null);
        let patch = |body: Value| me.send("PATCH", "/me", Some(body.to_string().into_bytes()), "application/json");
        let set = patch(json!({ "email": "liis@vald.example", "language": "fi" })).expect(200);
        assert_eq!((&set.body["email"], &set.body["language"]), (&json!("liis@vald.example"), &json!("fi")));
        let set = patch(json!({ "email": null })).expect(200);
        assert_eq!((&set.body["email"], &set.body["language"]), (&Value::Null, &json!("fi")), "the other stays");
        let wrong = patch(json!({ "email": "liis", "language": "de" }));
        assert_eq!(wrong.status, 422);
        assert!(wrong.has_fault("/email", "email") && wrong.has_fault("/language", "not_in_codelist"));
        assert!(!wrong.text.contains("liis"), "a fault does not repeat what was sent");
        assert_eq!(h.nobody().send("PATCH", "/me", Some(b"{}".to_vec()), "application/json").status, 401);
        assert!(!h.export("installation").iter().any(|line| line["event"].to_string().contains("liis@")));
    });
}
