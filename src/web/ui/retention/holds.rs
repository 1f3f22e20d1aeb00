//! Legal holds: which there are, setting one, lifting one.

use std::collections::BTreeSet;

use askama::Template;
use chrono::NaiveDate;
use uuid::Uuid;

use super::words::{record_name, titles, type_label};
use super::{Tab, faults, tabs};
use crate::domain::identity::{Country, PersonalCode};
use crate::domain::refusal::Refusal;
use crate::store::acts::retention::NewHold;
use crate::store::read::retention::HoldView;
use crate::web::problem::Problem;
use crate::web::ui::access::{institution_choices, institutions, moment};
use crate::web::ui::ask::{Asking, Choice, FormPage, Row};
use crate::web::ui::disclosures::day_of;
use crate::web::ui::frame::{Fault, Frame};
use crate::web::ui::say::{Said, T};
use crate::web::ui::visit::{Form, Posted, Visit};
use crate::web::ui::{Shown, State, html};

/// Lines on a page.
const ROWS: i64 = 50;
/// Fields of the form of a hold.
const FIELDS: &[&str] = &["scope", "personal_code", "record_type", "institution_id", "basis", "clause", "until"];

struct Line {
    basis: String,
    clause: String,
    what: Said,
    href: Option<String>,
    from: String,
    until: String,
    set: String,
    state: (&'static str, String),
    reason: String,
    lift: Option<String>,
}

#[derive(Template)]
#[template(path = "ui/retention/holds.html")]
struct ListPage {
    f: Frame,
    tabs: Vec<Tab>,
    filters: Vec<(String, String, bool)>,
    lines: Vec<Line>,
    next: Option<String>,
    sets: bool,
    asks_purpose: bool,
}

fn state_of(t: T, hold: &HoldView, today: NaiveDate) -> (&'static str, String) {
    if hold.lifted_at.is_some() {
        ("none", t.say("retention-hold-lifted"))
    } else if hold.until.is_some_and(|until| until < today) {
        ("none", t.say("retention-hold-over"))
    } else {
        ("fut", t.say("retention-hold-in-force"))
    }
}

/// Legal holds, newest first: those that are not lifted, or all.
///
/// # Errors
/// As the act.
pub async fn list(state: State, visit: Visit) -> Shown {
    let (t, register) = (visit.t, visit.register(&state)?);
    let name = register.name().to_owned();
    let all = visit.q("lifted") == Some("yes");
    let page = state.app.list_holds(visit.cx(), name.clone(), all, visit.q_id("cursor")?, ROWS).await?.into_inner();
    let scopes = state.app.hold_scopes(visit.cx(), name.clone(), page.items.iter().map(|h| h.id).collect());
    let scopes = scopes.await?.into_inner();
    let ids: BTreeSet<Uuid> = page.items.iter().filter_map(|h| h.record_id).collect();
    let (names, asks_purpose) = titles(&state, &visit, ids).await?;
    let named =
        if scopes.values().any(|s| s.institution.is_some()) { institutions(&state, &visit).await? } else { Vec::new() };
    let today = register.day(state.app.store.now());
    let frame = visit.frame(&state, t.say("retention-tab-holds"));
    let sets = visit.may("hold.set");
    let line = |hold: &HoldView| {
        let institution = scopes.get(&hold.id).and_then(|s| s.institution);
        let institution = institution.map(|id| {
            let found = named.iter().find(|i| i.id == id);
            found.map_or_else(|| t.say("retention-hold-institution"), |i| i.name.clone())
        });
        let kind = hold.record_type.as_deref().map(|kind| type_label(t, &register, kind));
        let what = match (hold.scope.as_str(), hold.record_id, &hold.record_type) {
            ("person", ..) => Said { text: t.say("retention-hold-person"), lang: None },
            (_, Some(id), Some(kind)) => record_name(t, &register, &names, kind, id),
            _ => {
                let words: Vec<String> = kind.map(|k| k.text).into_iter().chain(institution).collect();
                Said { text: words.join(" · "), lang: None }
            }
        };
        Line {
            basis: hold.basis.clone(),
            clause: hold.clause.clone().unwrap_or_default(),
            what,
            href: hold
                .record_id
                .zip(hold.record_type.as_ref())
                .map(|(id, kind)| frame.at(&format!("/retention/records/{kind}/{id}"))),
            from: t.day(hold.from),
            until: hold.until.map_or_else(|| t.say("retention-hold-open"), |day| t.day(day)),
            set: format!("{} · {}", moment(t, &register, &hold.set_at), hold.set_by),
            state: state_of(t, hold, today),
            reason: hold.lifted_for.clone().unwrap_or_default(),
            lift: (sets && hold.lifted_at.is_none()).then(|| frame.at(&format!("/retention/holds/{}/lift", hold.id))),
        }
    };
    let to = |all: bool| frame.at(if all { "/retention/holds?lifted=yes" } else { "/retention/holds" });
    let join = if all { "?lifted=yes&" } else { "?" };
    html(&ListPage {
        tabs: tabs(&frame, "/holds"),
        filters: vec![
            (t.say("retention-holds-in-force"), to(false), !all),
            (t.say("retention-holds-all"), to(true), all),
        ],
        lines: page.items.iter().map(line).collect(),
        next: page.next_cursor.map(|cursor| frame.at(&format!("/retention/holds{join}cursor={cursor}"))),
        sets,
        asks_purpose,
        f: frame.crumb(t.say("retention-title"), &format!("/r/{name}/retention")).under("/retention"),
    })
}

/// The form of a hold: on the record that the address names, or on a person's records, or on those of a type or an
/// institution.
///
/// # Errors
/// 403 for whoever may set none.
pub async fn new(state: State, visit: Visit) -> Shown {
    let mut form = Form::default();
    for (from, to) in [("record", "record_id"), ("type", "record_type")] {
        form.pairs.extend(visit.q(from).map(|value| (to.to_owned(), value.to_owned())));
    }
    asked(&state, &visit, &form, Vec::new()).await
}

/// Whoever may set no hold is told so before they have written anything.
fn must_set(visit: &Visit) -> Result<(), Problem> {
    if visit.may("hold.set") {
        return Ok(());
    }
    Err(Problem::new(crate::web::problem::Kind::Forbidden, "your role does not permit hold.set in this register"))
}

async fn asked(state: &State, visit: &Visit, form: &Form, wrong: Vec<Fault>) -> Shown {
    must_set(visit)?;
    let (t, register) = (visit.t, visit.register(state)?);
    let base = format!("/r/{}/retention", register.name());
    let asking = Asking { t, form, faults: &wrong };
    let record = form.id("record_id")?;
    let (mut fields, mut rows, mut hidden) = (Vec::new(), Vec::new(), Vec::new());
    let mut back = visit.href(&format!("{base}/holds"));
    if let Some(id) = record {
        let kind = form.text("record_type").filter(|k| register.record_type(k).is_some());
        let kind = kind.ok_or_else(Problem::not_found)?;
        let (names, _) = titles(state, visit, BTreeSet::from([id])).await?;
        back = visit.href(&format!("{base}/records/{kind}/{id}"));
        rows.push(Row::new(t.say("retention-record"), record_name(t, &register, &names, kind, id)).to(back.clone()));
        hidden.push(("record_id".to_owned(), id.to_string()));
        hidden.push(("record_type".to_owned(), kind.to_owned()));
    } else {
        let scopes = ["person", "query"].map(|s| Choice::new(s, asking.said(&format!("retention-scope-{s}"))));
        fields.push(asking.radios("scope", asking.said("retention-scope"), scopes.to_vec()));
        fields.push(asking.short("personal_code", asking.said("retention-code")).hint(t.say("retention-code-hint")));
        let none = Choice::new("", asking.said("retention-any-type"));
        let kinds = register.definition.record_types.iter();
        let kinds = std::iter::once(none).chain(kinds.map(|k| Choice::new(&k.name, t.label(&k.label))));
        fields.push(asking.select("record_type", asking.said("retention-type"), kinds.collect()));
        let named = institutions(state, visit).await?;
        let choices = institution_choices(t, &named, form.value("institution_id"), "retention-any-institution");
        fields.push(asking.select("institution_id", asking.said("retention-institution"), choices));
    }
    fields.push(asking.area("basis", asking.said("retention-basis")).hint(t.say("retention-basis-hint")));
    fields.push(asking.short("clause", asking.said("retention-clause")).hint(t.say("retention-clause-hint")));
    fields.push(asking.short("until", asking.said("retention-hold-until")).hint(t.say("retention-hold-until-hint")));
    FormPage {
        intro: t.say("retention-hold-about"),
        clause: None,
        rows,
        fields,
        faults: wrong,
        hidden,
        action: visit.href(&format!("{base}/holds/new")),
        button: t.say("retention-set-hold"),
        checks: false,
        files: false,
        back,
        f: visit
            .frame(state, t.say("retention-set-hold"))
            .crumb(t.say("retention-title"), &base)
            .crumb(t.say("retention-tab-holds"), &format!("{base}/holds"))
            .under("/retention"),
    }
    .shown()
}

/// A personal code in its stored form, of either country.
fn code_of(text: &str) -> Option<String> {
    let text = text.trim().to_ascii_uppercase();
    [Country::Ee, Country::Fi].into_iter().any(|c| PersonalCode::is_stored_form(c, &text)).then_some(text)
}

/// Sets a hold.
///
/// # Errors
/// As the act.
pub async fn set(state: State, posted: Posted) -> Shown {
    let (visit, form, t) = (&posted.visit, &posted.form, posted.visit.t);
    let mut wrong = Vec::new();
    let fault = |id: &str, key: &str| Fault { id: id.to_owned(), text: t.say(key), clause: None };
    let until = day_of(t, form, "until", &mut wrong);
    let record = form.id("record_id")?;
    let person = record.is_none() && form.value("scope") == "person";
    let code = form.text("personal_code").and_then(code_of);
    if record.is_none() {
        match form.value("scope") {
            "person" if code.is_none() => wrong.push(fault("personal_code", "retention-fault-code")),
            "query" if form.text("record_type").is_none() && form.text("institution_id").is_none() => {
                wrong.push(fault("record_type", "retention-fault-query"));
            }
            "person" | "query" => {}
            _ => wrong.push(fault("scope", "retention-fault-scope")),
        }
    }
    if form.text("basis").is_none() {
        wrong.push(fault("basis", "retention-fault-basis"));
    }
    if !wrong.is_empty() {
        return asked(&state, visit, form, wrong).await;
    }
    let register = visit.word("r").to_owned();
    let text = |name: &str| form.text(name).map(str::to_owned);
    let new = NewHold {
        record_id: record,
        record_type: text("record_type").filter(|_| !person),
        personal_code: code.filter(|_| person),
        institution_id: form.id("institution_id")?.filter(|_| record.is_none() && !person),
        conditions: Vec::new(),
        basis: form.value("basis").to_owned(),
        clause: text("clause"),
        until,
    };
    let kind = new.record_type.clone();
    match state.app.place_hold(visit.cx(), register.clone(), new).await {
        Ok(_) => match record.zip(kind) {
            Some((id, kind)) => visit.done(&format!("/r/{register}/retention/records/{kind}/{id}"), "retention-held"),
            None => visit.done(&format!("/r/{register}/retention/holds"), "retention-held"),
        },
        Err(error) => {
            let wrong = faults(t, Problem::from(error), FIELDS)?;
            asked(&state, visit, form, wrong).await
        }
    }
}

/// The form that lifts a hold.
///
/// # Errors
/// As the act; 404.
pub async fn ask_lift(state: State, visit: Visit) -> Shown {
    lifting(&state, &visit, &Form::default(), Vec::new()).await
}

async fn lifting(state: &State, visit: &Visit, form: &Form, wrong: Vec<Fault>) -> Shown {
    must_set(visit)?;
    let (t, register) = (visit.t, visit.register(state)?);
    let id = visit.id("id")?;
    // The list goes downwards: the first one below the next id is the hold itself.
    let after = Uuid::from_u128(id.as_u128().saturating_add(1));
    let page = state.app.list_holds(visit.cx(), register.name().to_owned(), true, Some(after), 1).await?.into_inner();
    let found = page.items.into_iter().find(|h| h.id == id);
    let hold = found.ok_or_else(|| Problem::from(Refusal::NotFound { what: "hold" }))?;
    let today = register.day(state.app.store.now());
    let base = format!("/r/{}/retention", register.name());
    let asking = Asking { t, form, faults: &wrong };
    FormPage {
        intro: t.say("retention-lift-about"),
        clause: None,
        rows: vec![
            Row::new(t.say("retention-basis"), hold.basis.clone()),
            Row::new(t.say("retention-state"), state_of(t, &hold, today).1),
            Row::new(t.say("retention-set-by"), format!("{} · {}", moment(t, &register, &hold.set_at), hold.set_by)),
        ],
        fields: vec![asking.area("reason", asking.said("retention-lift-reason"))],
        faults: wrong,
        hidden: Vec::new(),
        action: visit.href(&format!("{base}/holds/{id}/lift")),
        button: t.say("retention-lift"),
        checks: false,
        files: false,
        back: visit.href(&format!("{base}/holds")),
        f: visit
            .frame(state, t.say("retention-lift"))
            .crumb(t.say("retention-title"), &base)
            .crumb(t.say("retention-tab-holds"), &format!("{base}/holds"))
            .under("/retention"),
    }
    .shown()
}

/// Lifts a hold.
///
/// # Errors
/// As the act.
pub async fn lift(state: State, posted: Posted) -> Shown {
    let (visit, form) = (&posted.visit, &posted.form);
    let (register, id) = (visit.word("r").to_owned(), visit.id("id")?);
    let reason = form.text("reason").unwrap_or_default().to_owned();
    match state.app.lift_hold(visit.cx(), register.clone(), id, reason).await {
        Ok(_) => visit.done(&format!("/r/{register}/retention/holds"), "retention-lifted"),
        Err(error) => {
            let wrong = faults(visit.t, Problem::from(error), &["reason"])?;
            lifting(&state, visit, form, wrong).await
        }
    }
}
