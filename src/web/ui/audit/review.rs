//! Supervision: what stands out in the log, samples of it, what was signed, who could see somebody's data, and that
//! nothing of it was changed.

use std::collections::BTreeMap;

use super::*;
use crate::store::acts::supervision::{NewReview, Verdict};
use crate::store::read::report::ReportQuery;
use crate::store::read::supervision::{ReviewView, SampleView, SignalView};
use crate::web::api::audit::exported;

/// Days that are looked through where none were named.
const USUAL: u64 = 7;
/// Entries of a sample where no number was named.
const SAMPLE: usize = 20;

/// A period of whole days, both of them in it.
struct Days {
    from: NaiveDate,
    until: NaiveDate,
}

impl Days {
    fn of(visit: &Visit, register: &Register, state: &State) -> Result<Self, Problem> {
        let today = register.day(state.app.store.now());
        let until = visit.q_day("until")?.unwrap_or(today);
        let from = visit.q_day("from")?;
        let from = from.or_else(|| until.checked_sub_days(chrono::Days::new(USUAL - 1))).unwrap_or(until);
        Ok(Self { from, until })
    }

    fn instants(&self, register: &Register) -> (DateTime<Utc>, DateTime<Utc>) {
        let zone = register.definition.register.time_zone;
        (start(self.from, zone), start(self.until.succ_opt().unwrap_or(self.until), zone))
    }

    fn query(&self) -> String {
        format!("from={}&until={}", self.from, self.until)
    }
}

/// Something to ask about.
struct Signal {
    name: String,
    about: String,
    who: String,
    when: String,
    count: String,
    records: String,
    href: String,
    heavy: bool,
}

#[derive(Template)]
#[template(path = "ui/audit/signals.html")]
struct SignalsPage {
    f: Frame,
    from: String,
    until: String,
    faults: Vec<Fault>,
    readings: String,
    total: String,
    signals: Vec<Signal>,
    sample: String,
}

/// What there is to ask about in a period.
///
/// # Errors
/// As the act; a period that is too long is told at the form.
pub async fn signals(state: State, visit: Visit) -> Shown {
    let register = visit.register(&state)?;
    let days = Days::of(&visit, &register, &state)?;
    let (from, to) = days.instants(&register);
    let name = register.name().to_owned();
    let frame = visit.frame(&state, visit.t.say("audit-signals"));
    let mut page = SignalsPage {
        f: frame.crumb(visit.t.say("audit-title"), &format!("/r/{name}/audit")).under("/audit"),
        from: visit.t.day(days.from),
        until: visit.t.day(days.until),
        faults: Vec::new(),
        readings: String::new(),
        total: String::new(),
        signals: Vec::new(),
        sample: visit.href(&format!("/r/{name}/audit/sample?{}", days.query())),
    };
    let found = match state.app.audit_signals(visit.cx(), name, from, to).await.map_err(Problem::from) {
        Ok(found) => found.into_inner(),
        Err(problem) if problem.kind == Kind::Invalid => {
            let key =
                if problem.errors.iter().any(|e| e.code == "too_many") { "audit-too-many" } else { "audit-period" };
            page.faults = vec![Fault { id: "from".into(), text: visit.t.say(key), clause: None }];
            page.f = page.f.faulty();
            return html_as(StatusCode::UNPROCESSABLE_ENTITY, &page);
        }
        Err(problem) => return Err(problem),
    };
    let zone = register.definition.register.time_zone;
    page.readings = visit.t.count(i64::try_from(found.readings).unwrap_or(i64::MAX));
    page.total = visit.t.count(i64::try_from(found.total).unwrap_or(i64::MAX));
    page.signals = found.items.into_iter().take(100).map(|s| told(&visit, &register, zone, s)).collect();
    html(&page)
}

fn told(visit: &Visit, register: &Register, zone: chrono_tz::Tz, signal: SignalView) -> Signal {
    let kind = serde_json::to_value(signal.kind).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
    let day = |text: &str| {
        text.parse::<DateTime<Utc>>().map(|at| at.with_timezone(&zone).date_naive().to_string()).unwrap_or_default()
    };
    let (from, until) = (day(&signal.from), day(&signal.until));
    let when = if from == until { from } else { format!("{from}..{until}") };
    let asked = Asked { parts: vec![(Key::Who, signal.username.clone(), false), (Key::When, when, false)], kept: None };
    let n = |n: usize| visit.t.count(i64::try_from(n).unwrap_or(i64::MAX));
    Signal {
        name: visit.t.say(&format!("audit-signal-{kind}")),
        about: visit.t.say(&format!("audit-why_signal-{kind}")),
        who: signal.username,
        when: format!("{} – {}", moment(visit.t, &signal.from, zone), moment(visit.t, &signal.until, zone)),
        count: n(signal.count),
        records: visit.t.count(i64::try_from(signal.records).unwrap_or(i64::MAX)),
        href: visit.href(&format!("/r/{}/audit{}", register.name(), asked.query(register))),
        heavy: signal.weight >= 50,
    }
}

#[derive(Template)]
#[template(path = "ui/audit/sample.html")]
struct SamplePage {
    f: Frame,
    from: String,
    until: String,
    n: String,
    seed: String,
    faults: Vec<Fault>,
    population: String,
    rows: Vec<Row>,
    note: String,
    verdict: String,
    version_from: String,
    version_until: String,
}

/// A sample of a period that can be drawn again, and the form by which its review is signed.
///
/// # Errors
/// As the act.
pub async fn sample(state: State, visit: Visit) -> Shown {
    let register = visit.register(&state)?;
    let days = Days::of(&visit, &register, &state)?;
    let n = visit.q("n").and_then(|n| n.parse().ok()).unwrap_or(SAMPLE);
    let seed = visit.q("seed").map(str::to_owned);
    let page = sampled(&state, &visit, &register, (&days, n, seed), &Form::default(), Vec::new()).await?;
    let status = if page.faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    html_as(status, &page)
}

async fn sampled(
    state: &State,
    visit: &Visit,
    register: &Register,
    (days, n, seed): (&Days, usize, Option<String>),
    form: &Form,
    mut faults: Vec<Fault>,
) -> Result<SamplePage, Problem> {
    let name = register.name().to_owned();
    let drawn = state.app.audit_sample(visit.cx(), name.clone(), days.instants(register), n, seed.clone()).await;
    let drawn = match drawn.map_err(Problem::from) {
        Ok(drawn) => drawn.into_inner(),
        Err(problem) if problem.kind == Kind::Invalid => {
            let at = |pointer: &str| match pointer {
                "/n" => Some("n".to_owned()),
                "/seed" => Some("seed".to_owned()),
                _ => Some("from".to_owned()),
            };
            let text = |id: &str| visit.t.say(&format!("audit-fault-{id}"));
            faults.extend(problem.errors.iter().filter_map(|e| at(&e.pointer)).map(|id| Fault {
                text: text(&id),
                id,
                clause: None,
            }));
            let (from, to) = days.instants(register);
            SampleView {
                from: from.to_rfc3339(),
                to: to.to_rfc3339(),
                seed: seed.unwrap_or_default(),
                population: 0,
                items: Vec::new(),
            }
        }
        Err(problem) => return Err(problem),
    };
    let asked = Asked::default();
    let view = View { visit, register, asked: &asked };
    let frame = visit.frame(state, visit.t.say("audit-sample"));
    let frame = frame.crumb(visit.t.say("audit-title"), &format!("/r/{name}/audit")).under("/audit");
    Ok(SamplePage {
        f: if faults.is_empty() { frame } else { frame.faulty() },
        from: visit.t.day(days.from),
        until: visit.t.day(days.until),
        n: n.to_string(),
        seed: drawn.seed,
        faults,
        population: visit.t.count(i64::try_from(drawn.population).unwrap_or(i64::MAX)),
        rows: drawn.items.iter().map(|item| view.row(item, &Summary::default())).collect(),
        note: form.value("note").to_owned(),
        verdict: form.value("verdict").to_owned(),
        version_from: days.from.to_string(),
        version_until: days.until.to_string(),
    })
}

/// Signs what was reviewed.
///
/// # Errors
/// As the act; 422 with everything that is missing, and the sample and the note as they were.
pub async fn sign(state: State, posted: Posted) -> Shown {
    let (visit, form) = (&posted.visit, &posted.form);
    let register = visit.register(&state)?;
    let (Some(from), Some(until)) = (form.day("from")?, form.day("until")?) else {
        return Err(Problem::malformed("the form names no period"));
    };
    let days = Days { from, until };
    let mut faults = Vec::new();
    let verdict = form.text("verdict").and_then(Verdict::parse);
    let note = form.text("note").unwrap_or_default().to_owned();
    let fault = |id: &str, key: &str| Fault { id: id.to_owned(), text: visit.t.say(key), clause: None };
    if verdict.is_none() {
        faults.push(fault("verdict", "audit-choose-verdict"));
    }
    if note.is_empty() {
        faults.push(fault("note", "audit-write-note"));
    }
    let sample = form.all("entry").filter_map(|id| Uuid::parse_str(id).ok()).collect();
    let n = form.text("n").and_then(|n| n.parse().ok()).unwrap_or(SAMPLE);
    let seed = form.text("seed").map(str::to_owned);
    if let (Some(verdict), true) = (verdict, faults.is_empty()) {
        let (from, to) = days.instants(&register);
        let filter = KeptFilter::default();
        let new = NewReview { from, to, filter, seed: seed.clone(), sample, verdict, note };
        let signed = state.app.sign_review(posted.cx(&state), register.name().to_owned(), new).await;
        match signed.map_err(Problem::from) {
            Ok(_) => return visit.done(&format!("/r/{}/audit/reviews", register.name()), "audit-signed"),
            Err(problem) if super::super::is_about_the_form(&problem) => {
                faults = Fault::of(visit.t, &problem, |pointer| Some(pointer.trim_start_matches('/').to_owned()));
            }
            Err(problem) => return Err(problem),
        }
    }
    let page = sampled(&state, visit, &register, (&days, n, seed), form, faults).await?;
    html_as(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

#[derive(Template)]
#[template(path = "ui/audit/reviews.html")]
struct ReviewsPage {
    f: Frame,
    rows: Vec<Reviewed>,
    next: Option<String>,
    may_sign: String,
}

/// A signed review.
struct Reviewed {
    when: String,
    who: String,
    period: String,
    n: usize,
    ok: bool,
    verdict: String,
    note: String,
    again: Option<String>,
}

/// Signed reviews.
///
/// # Errors
/// As the act.
pub async fn reviews(state: State, visit: Visit) -> Shown {
    let register = visit.register(&state)?;
    let name = register.name().to_owned();
    let zone = register.definition.register.time_zone;
    let page = state.app.list_reviews(visit.cx(), name.clone(), visit.q_id("cursor")?, PAGE).await?.into_inner();
    let t = visit.t;
    let row = |review: ReviewView| {
        let day = |text: &str, back: i64| {
            let at = text.parse::<DateTime<Utc>>().ok()?;
            Some((at - chrono::TimeDelta::seconds(back)).with_timezone(&zone).date_naive())
        };
        let (from, until) = (day(&review.from, 0), day(&review.to, 1));
        let again = review.seed.as_ref().zip(from.zip(until)).map(|(seed, (from, until))| {
            let n = review.sample.len().max(1);
            visit.href(&format!("/r/{name}/audit/sample?from={from}&until={until}&n={n}&seed={seed}"))
        });
        Reviewed {
            when: moment(t, &review.signed_at, zone),
            who: review.signed_by,
            period: format!(
                "{}–{}",
                from.map(|d| t.day(d)).unwrap_or_default(),
                until.map(|d| t.day(d)).unwrap_or_default()
            ),
            n: review.sample.len(),
            ok: review.verdict == "in_order",
            verdict: t.say(&format!("audit-verdict-{}", review.verdict)),
            note: review.note,
            again,
        }
    };
    let frame = visit.frame(&state, t.say("audit-reviews"));
    html(&ReviewsPage {
        f: frame.crumb(t.say("audit-title"), &format!("/r/{name}/audit")).under("/audit"),
        next: page.next_cursor.map(|cursor| visit.href(&format!("/r/{name}/audit/reviews?cursor={cursor}"))),
        may_sign: visit.href(&format!("/r/{name}/audit/sample")),
        rows: page.items.into_iter().map(row).collect(),
    })
}

#[derive(Template)]
#[template(path = "ui/audit/report.html")]
struct ReportPage {
    f: Frame,
    asked: bool,
    at: String,
    kept: Option<Uuid>,
    record: Option<Uuid>,
    answer: String,
    could: Vec<Could>,
    did: Vec<Did>,
    did_total: String,
    received: Vec<Did>,
    next: Option<String>,
    log: String,
}

/// Somebody who could have seen the data.
struct Could {
    who: String,
    role: Said,
    standing: String,
    basis: String,
    days: String,
    sections: Vec<(String, String)>,
}

/// Somebody who did, or who received them.
struct Did {
    when: String,
    who: String,
    what: String,
    why: String,
    clause: Option<String>,
}

/// Who could see somebody's data, who did, and who received them.
///
/// # Errors
/// As the act.
pub async fn report(state: State, visit: Visit) -> Shown {
    let register = visit.register(&state)?;
    let asked = asked_for(&state, &visit).await?;
    let (name, t) = (register.name().to_owned(), visit.t);
    let zone = register.definition.register.time_zone;
    let day = visit.q_day("at")?;
    let record_id = asked.get(Key::Record).and_then(|id| Uuid::parse_str(id).ok());
    let query = ReportQuery {
        subject: asked.get(Key::Person).map(str::to_owned),
        record_id,
        // At the end of the day, but not later than now.
        at: day.map(|d| start(d.succ_opt().unwrap_or(d), zone).min(state.app.store.now())),
        limit: PAGE,
        cursor: visit.q_id("cursor")?,
        received_cursor: None,
    };
    let frame = visit.frame(&state, t.say("audit-report"));
    let frame = frame.crumb(t.say("audit-title"), &format!("/r/{name}/audit")).under("/audit");
    let mut page = ReportPage {
        f: frame,
        asked: false,
        at: day.map(|d| t.day(d)).unwrap_or_default(),
        kept: asked.kept,
        record: record_id,
        answer: String::new(),
        could: Vec::new(),
        did: Vec::new(),
        did_total: String::new(),
        received: Vec::new(),
        next: None,
        log: visit.href(&format!("/r/{name}/audit{}", asked.query(&register))),
    };
    if query.subject.is_none() && query.record_id.is_none() {
        return html(&page);
    }
    let found = state.app.access_report(visit.cx(), name.clone(), query).await?.into_inner();
    let view = View { visit: &visit, register: &register, asked: &asked };
    let section = |name: &str| {
        let kinds =
            register.definition.record_types.iter().filter(|k| found.records.iter().any(|r| r.record_type == k.name));
        kinds
            .flat_map(|k| &k.sections)
            .find(|s| s.name == name)
            .map_or_else(|| name.to_owned(), |s| t.label(&s.label).text)
    };
    page.asked = true;
    page.answer = t.say_with(
        "audit-report-answer",
        &[
            ("when", &moment(t, &found.at, zone)),
            ("could", &plural(t, "audit-rights-", i64::try_from(found.could.len()).unwrap_or(i64::MAX))),
            ("did", &plural(t, "audit-times-", found.did_total)),
            ("received", &plural(t, "audit-receipts-", found.received_total)),
        ],
    );
    page.could = found
        .could
        .iter()
        .map(|could| {
            let mut by_clause: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for s in &could.sections {
                by_clause.entry(s.clause.to_string()).or_default().push(section(&s.section));
            }
            let days = [could.from, could.until].map(|d| d.map(|d| t.day(d)).unwrap_or_default());
            Could {
                who: could
                    .display_name
                    .clone()
                    .or_else(|| could.username.clone())
                    .unwrap_or_else(|| t.say("audit-everybody")),
                role: view.role(&could.role),
                standing: t.say(&format!("audit-standing-{}", could.standing)),
                basis: could.basis.as_ref().map(|b| b.reference.clone()).unwrap_or_default(),
                days: if could.from.is_some() { format!("{}–{}", days[0], days[1]) } else { String::new() },
                sections: by_clause.into_iter().map(|(clause, names)| (clause, names.join(", "))).collect(),
            }
        })
        .collect();
    page.did = found
        .did
        .iter()
        .map(|did| Did {
            when: moment(t, &did.recorded_at, zone),
            who: match (&did.actor, &did.role) {
                (Some(actor), Some(role)) => format!("{actor} · {}", view.role(role).text),
                (Some(actor), None) => actor.clone(),
                (None, _) => t.say("audit-erased"),
            },
            what: view.action(&did.action),
            why: did.purpose.clone().unwrap_or_default(),
            clause: did.clause.clone(),
        })
        .collect();
    page.did_total = t.count(found.did_total);
    page.received = found
        .received
        .iter()
        .map(|r| Did {
            when: moment(t, &r.released_at, zone),
            who: r.ledger["recipient"]["name"].as_str().unwrap_or_default().to_owned(),
            what: r.channel.clone(),
            why: r.ledger["purpose"].as_str().unwrap_or_default().to_owned(),
            clause: r.ledger["clause"].as_str().map(str::to_owned),
        })
        .collect();
    page.next = found.next_cursor.map(|cursor| {
        let mut only = asked.clone();
        only.parts.retain(|(k, ..)| [Key::Person, Key::Record].contains(k));
        let at = day.map(|d| format!("&at={d}")).unwrap_or_default();
        visit.href(&format!("/r/{name}/audit/report{}{at}&cursor={cursor}", only.query(&register)))
    });
    html(&page)
}

#[derive(Template)]
#[template(path = "ui/audit/integrity.html")]
struct IntegrityPage {
    f: Frame,
    vkey: String,
    note: Option<String>,
    size: String,
    may_prove: bool,
}

/// What makes sure that the log was not changed, and how anybody can check it.
///
/// # Errors
/// Those of the store.
pub async fn integrity(state: State, visit: Visit) -> Shown {
    html(&proof(&state, &visit, None)?)
}

fn proof(state: &State, visit: &Visit, note: Option<String>) -> Result<IntegrityPage, Problem> {
    let register = visit.register(state)?;
    let name = register.name().to_owned();
    let frame = visit.frame(state, visit.t.say("audit-integrity"));
    // The second line of a checkpoint is the size of the tree.
    let size = note.as_ref().and_then(|n| n.lines().nth(1)).and_then(|n| n.parse::<i64>().ok());
    Ok(IntegrityPage {
        f: frame.crumb(visit.t.say("audit-title"), &format!("/r/{name}/audit")).under("/audit"),
        vkey: state.app.audit_vkey(&name)?,
        size: size.map(|n| visit.t.count(n)).unwrap_or_default(),
        note,
        may_prove: visit.may("audit.prove"),
    })
}

/// Signs the head of the tree as it is now.
///
/// # Errors
/// As the act.
pub async fn checkpoint(state: State, posted: Posted) -> Shown {
    let visit = &posted.visit;
    let name = visit.register(&state)?.name().to_owned();
    let note = state.app.audit_checkpoint(posted.cx(&state), name).await?.into_inner();
    html(&proof(&state, visit, Some(note))?)
}

/// The whole log as a file; every part of it is logged as it leaves.
///
/// # Errors
/// As the act.
pub async fn export(state: State, visit: Visit) -> Result<HttpResponse, Problem> {
    let name = visit.register(&state)?.name().to_owned();
    let mut response = exported(state, name.clone(), visit.cx(), 0, i64::MAX).await?;
    let disposition = format!("attachment; filename=\"{name}-log.ndjson\"");
    if let Ok(value) = actix_web::http::header::HeaderValue::from_str(&disposition) {
        response.headers_mut().insert(actix_web::http::header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}
