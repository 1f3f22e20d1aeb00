//! What is kept about whoever is there: in which registers, on what base and clause, who looked and why, who received
//! it; what is wrong with it; and their own account.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use askama::Template;
use futures_util::future::{join, join_all};
use serde_json::Value;
use uuid::Uuid;

use super::desk::{Due, moment, plural};
use super::frame::{Fault, Frame};
use super::say::masked;
use super::visit::{Form, Posted, Visit, set_cookie};
use super::{Page, Said, Shown, State, T, html, html_as, page};
use crate::app::Error;
use crate::domain::case::NewCase;
use crate::domain::registers::Register;
use crate::domain::statute::procedures::Procedure;
use crate::domain::statute::{Field, FieldType};
use crate::locale::Lang;
use crate::store::read::accesses::MyAccess;
use crate::store::read::cases::CaseQuery;
use crate::store::read::disclosure::MyDisclosureView;
use crate::store::read::me::{MeView, MyRecord};
use crate::store::read::records::{EntryView, RecordView};
use crate::web::context;
use crate::web::problem::{Kind, Problem};

/// Pages of this noun.
pub const PAGES: &[Page] = &[
    page!(Get "/me", show, "me.read"),
    page!(Get "/me/views", views, "me.accesses"),
    page!(Get "/me/received", received, "me.disclosures"),
    page!(Get "/me/account", account, "me.read"),
    page!(Post "/me/password", change_password, "password.set"),
    page!(Post "/me/reach", reach, "user.reach"),
    page!(Get "/me/{r}/{type}/{id:[0-9a-f-]{36}}/report", report, "record.read"),
    page!(Post "/me/{r}/{type}/{id:[0-9a-f-]{36}}/report", send_report, "case.open"),
];

/// Records that are opened on the first page; the others are a way away.
const OPENED: usize = 6;
/// Accesses and disclosures of the first page.
const FIRST: i64 = 8;
/// Those of a page of their own.
const PAGE: i64 = 50;
/// Entries of a record that are read for what its fields rest on.
const ENTRIES: i64 = 200;

/// A value with what it rests on.
struct Told {
    label: Said,
    clause: Option<String>,
    value: Vec<String>,
    since: String,
    documents: Vec<Uuid>,
    report: Option<String>,
}

/// A record about somebody.
struct Card {
    id: String,
    title: String,
    kind: Said,
    register: Said,
    short_name: String,
    standing: bool,
    href: String,
    sections: Vec<(Said, Vec<Told>)>,
    redacted: usize,
    opened: bool,
    /// Language of its clauses.
    law: &'static str,
}

/// An access as the person it is about sees it.
struct Looked {
    when: String,
    what: String,
    role: Said,
    purpose: Option<String>,
    sections: String,
    clause: Option<String>,
    register: String,
    own: bool,
    law: &'static str,
}

/// A disclosure as the person it is about sees it.
struct Got {
    when: String,
    who: String,
    what: String,
    purpose: String,
    clause: Option<String>,
    register: String,
    law: &'static str,
}

/// One's own case.
struct MyCase {
    kind: Said,
    about: String,
    state: String,
    href: String,
    due: Option<Due>,
}

/// One's own right.
struct MyRight {
    role: Said,
    register: Said,
    basis: String,
    days: String,
    href: String,
}

#[derive(Template)]
#[template(path = "ui/mine/mine.html")]
struct MinePage {
    f: Frame,
    name: String,
    answer: String,
    own: Vec<Card>,
    wards: Vec<Card>,
    looked: Vec<Looked>,
    got: Vec<Got>,
    cases: Vec<MyCase>,
    rights: Vec<MyRight>,
    codes: bool,
    /// Where one can ask for everything at once: register and address.
    requests: Vec<(Said, String)>,
}

/// Everything that is kept about the visitor.
///
/// # Errors
/// Those of the acts.
pub async fn show(state: State, visit: Visit) -> Shown {
    let app = &state.app;
    let me = app.me(visit.cx()).await?.into_inner();
    let codes = visit.q("show") == Some("codes");
    let looked = app.my_accesses(visit.cx(), None, FIRST);
    let got = app.my_disclosures(visit.cx(), None, FIRST);
    let ((cards, cases), (looked, got)) =
        join(join(cards(&state, &visit, &me, codes), cases(&state, &visit, &me)), join(looked, got)).await;
    let (looked, got) = (looked?.into_inner(), got?.into_inner());
    let (wards, own): (Vec<Card>, Vec<Card>) = cards?.into_iter().partition(|c| c.standing);
    let registers = {
        let mut names: Vec<&str> = me.records.iter().map(|r| r.register.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names.len()
    };
    let t = visit.t;
    let n = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    html(&MinePage {
        f: visit.frame(&state, t.say("frame-my-data")),
        name: me.display_name.clone(),
        answer: if me.records.is_empty() {
            t.say("mine-nothing")
        } else {
            t.say_with(
                "mine-answer",
                &[
                    ("records", &plural(t, "mine-records-", n(me.records.len()))),
                    ("registers", &plural(t, "mine-registers-", n(registers))),
                ],
            )
        },
        looked: looked.items.into_iter().filter_map(|l| told_access(&state, &visit, l)).collect(),
        got: got.items.into_iter().filter_map(|g| told_disclosure(&state, &visit, g)).collect(),
        rights: rights(&state, &visit, &me),
        requests: requests(&state, &visit, &me),
        cases: cases?,
        own,
        wards,
        codes,
    })
}

/// A register by its name; nothing where it is gone.
fn register_of(state: &State, name: &str) -> Option<std::sync::Arc<Register>> {
    state.app.register(name).ok()
}

/// The records, each with its fields; those behind the first few only by their title.
async fn cards(state: &State, visit: &Visit, me: &MeView, codes: bool) -> Result<Vec<Card>, Error> {
    let opened = me.records.iter().take(OPENED).map(|mine| async move {
        let (name, kind) = (mine.register.clone(), mine.record_type.clone());
        let record = state.app.read_record(visit.cx(), name.clone(), kind.clone(), mine.id, None, None);
        let entries = state.app.read_entries(visit.cx(), name, kind, mine.id, None, ENTRIES);
        let (record, entries) = join(record, entries).await;
        let record = match record {
            Ok(record) => Some(record.into_inner()),
            // A right that does not reach it now; that there is something is said all the same.
            Err(error) if crate::app::jobs::is_refused(&error) => None,
            Err(error) => return Err(error),
        };
        let entries = entries.map(|page| page.into_inner().items).unwrap_or_default();
        Ok((mine, record, entries))
    });
    let mut cards = Vec::new();
    for outcome in join_all(opened).await {
        let (mine, record, entries) = outcome?;
        cards.extend(card(state, visit, mine, record, &entries, codes));
    }
    cards.extend(me.records.iter().skip(OPENED).filter_map(|mine| card(state, visit, mine, None, &[], codes)));
    Ok(cards)
}

fn card(
    state: &State,
    visit: &Visit,
    mine: &MyRecord,
    record: Option<RecordView>,
    entries: &[EntryView],
    codes: bool,
) -> Option<Card> {
    let register = register_of(state, &mine.register)?;
    let kind = register.record_type(&mine.record_type)?;
    let t = visit.t;
    let data = record.as_ref().map_or(&Value::Null, |r| &r.data);
    // What a field rests on: the last entry that speaks of it and stands.
    let mut since: BTreeMap<&str, &EntryView> = BTreeMap::new();
    for entry in entries.iter().filter(|e| e.superseded_by.is_none()) {
        for name in entry.data.as_object().into_iter().flat_map(|map| map.keys()) {
            since.insert(name, entry);
        }
    }
    let reports = error_kind(&register).is_some();
    let base = format!("/me/{}/{}/{}/report", mine.register, mine.record_type, mine.id);
    let told = |field: &Field| {
        let value = data.get(&field.name).filter(|v| !v.is_null())?;
        let entry = since.get(field.name.as_str());
        Some(Told {
            label: t.label(&field.label),
            clause: field.clause.as_ref().map(ToString::to_string),
            value: texts(t, &register, field, value, codes),
            since: entry
                .and_then(|e| e.effective_on.parse().ok())
                .map(|day| t.say_with("mine-since", &[("day", &t.day(day))]))
                .unwrap_or_default(),
            documents: entry.map(|e| e.base_document_ids.clone()).unwrap_or_default(),
            report: reports.then(|| visit.href(&format!("{base}?field={}", field.name))),
        })
    };
    let mut sections: Vec<(Said, Vec<Told>)> = kind
        .sections
        .iter()
        .map(|s| {
            let fields = kind.fields.iter().filter(|f| f.section.as_deref() == Some(s.name.as_str()));
            (t.label(&s.label), fields.filter_map(told).collect())
        })
        .collect();
    let rest = kind.fields.iter().filter(|f| f.section.is_none()).filter_map(told).collect();
    sections.push((Said { text: t.say("mine-other"), lang: None }, rest));
    sections.retain(|(_, fields): &(Said, Vec<Told>)| !fields.is_empty());
    Some(Card {
        id: format!("r-{}", mine.id),
        title: kind.title_of(data).unwrap_or_else(|| t.label(&kind.label).text),
        kind: t.label(&kind.label),
        register: t.label(&register.definition.register.name),
        short_name: mine.register.clone(),
        standing: mine.standing.is_some(),
        href: visit.href(&format!("/r/{}/records/{}/{}", mine.register, mine.record_type, mine.id)),
        redacted: record.as_ref().map_or(0, |r| r.redacted.len()),
        opened: record.is_some(),
        law: register.definition.register.language.code(),
        sections,
    })
}

/// A value as people read it, a line for each item of a group.
fn texts(t: T, register: &Register, field: &Field, value: &Value, codes: bool) -> Vec<String> {
    if let Value::Array(items) = value {
        return items.iter().flat_map(|item| texts(t, register, field, item, codes)).collect();
    }
    if let (FieldType::Group, Value::Object(map)) = (field.kind, value) {
        let part = |part: &Field| {
            let value = map.get(&part.name).filter(|v| !v.is_null())?;
            Some(format!("{}: {}", t.label(&part.label).text, texts(t, register, part, value, codes).join(", ")))
        };
        return vec![field.parts.iter().filter_map(part).collect::<Vec<_>>().join("; ")];
    }
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => return vec![t.say("mine-yes")],
        Value::Bool(false) => return vec![t.say("mine-no")],
        Value::Null => return Vec::new(),
        other => other.to_string(),
    };
    vec![match field.kind {
        FieldType::Date => text.parse().map_or(text, |day| t.day(day)),
        FieldType::Money => t.money(&text),
        FieldType::Decimal | FieldType::Load | FieldType::Percentage => t.decimal(&text),
        FieldType::PersonalCode if !codes => masked(&text),
        FieldType::Code => {
            let list = register.definition.codelists.iter().find(|l| Some(&l.name) == field.codelist.as_ref());
            let code = list.and_then(|l| l.codes.iter().find(|c| c.code == text));
            code.map_or(text, |c| t.label(&c.label).text)
        }
        FieldType::Reference => t.say("mine-reference"),
        FieldType::File => t.say("mine-file"),
        _ => text,
    }]
}

/// How an action is called, as in the log.
fn action(t: T, action: &str, kind: &str) -> String {
    t.say_if(&format!("audit-act-{}", action.replace('.', "_"))).unwrap_or_else(|| t.say(&format!("audit-kind-{kind}")))
}

fn told_access(state: &State, visit: &Visit, access: MyAccess) -> Option<Looked> {
    let register = register_of(state, &access.register)?;
    let (t, source) = (visit.t, &register.definition.register);
    let role = access.role.as_deref().map_or_else(
        || Said { text: t.say("mine-no-role"), lang: None },
        |name| {
            let known = source.roles.iter().find(|r| r.name == name);
            known.map_or_else(|| Said { text: name.to_owned(), lang: None }, |r| t.label(&r.label))
        },
    );
    let section = |name: &String| {
        let all = register.definition.record_types.iter().flat_map(|k| &k.sections);
        all.into_iter().find(|s| s.name == *name).map_or_else(|| name.clone(), |s| t.label(&s.label).text)
    };
    Some(Looked {
        when: moment(t, &access.recorded_at, source.time_zone),
        what: action(t, &access.action, &access.kind),
        role,
        purpose: access.purpose,
        sections: access.sections.iter().map(section).collect::<Vec<_>>().join(", "),
        clause: access.clause,
        register: access.register,
        own: access.own,
        law: source.language.code(),
    })
}

fn told_disclosure(state: &State, visit: &Visit, given: MyDisclosureView) -> Option<Got> {
    let register = register_of(state, &given.register)?;
    let (t, definition) = (visit.t, &register.definition);
    let kind = given.record_type.as_deref().and_then(|name| register.record_type(name));
    let field = |name: &String| {
        let known = kind.and_then(|k| k.fields.iter().find(|f| f.name == *name));
        known.map_or_else(|| name.clone(), |f| t.label(&f.label).text)
    };
    Some(Got {
        when: moment(t, &given.released_at, definition.register.time_zone),
        who: given.recipient.unwrap_or_else(|| t.say("mine-recipient-unknown")),
        what: given.fields.iter().map(field).collect::<Vec<_>>().join(", "),
        purpose: given.purpose.unwrap_or_default(),
        clause: given.clause.map(|c| c.to_string()),
        register: given.register,
        law: definition.register.language.code(),
    })
}

/// The visitor's own cases, in every register where they have any.
async fn cases(state: &State, visit: &Visit, me: &MeView) -> Result<Vec<MyCase>, Error> {
    let mut names: Vec<String> = me.records.iter().map(|r| r.register.clone()).collect();
    names.extend(me.grants.iter().map(|g| g.register.clone()));
    names.sort_unstable();
    names.dedup();
    names.truncate(10);
    let lists = names.into_iter().map(|name| {
        let query = CaseQuery { mine: true, limit: 10, ..CaseQuery::default() };
        async move {
            state.app.list_cases(visit.cx(), name.clone(), query).await.map(|page| (name, page.into_inner().items))
        }
    });
    let t = visit.t;
    let mut cases = Vec::new();
    for list in join_all(lists).await {
        let (name, items) = list?;
        let Some(register) = register_of(state, &name) else { continue };
        let today = register.day(state.app.store.now());
        cases.extend(items.into_iter().map(|view| {
            let kind = register.case_kind(&view.case.kind);
            let over = view.case.state.is_over();
            MyCase {
                kind: kind.map_or_else(|| Said { text: view.case.kind.clone(), lang: None }, |k| t.label(&k.label)),
                about: view.case.subject.clone(),
                state: t.say(&format!("mine-case-{}", view.case.state.as_str())),
                href: visit.href(&format!("/r/{name}/cases/{}", view.case.id)),
                due: view.case.deadline.as_ref().filter(|_| !over).map(|d| Due::of(t, d.due, today)),
            }
        }));
    }
    Ok(cases)
}

/// The registers that hold something about the visitor and take requests for it.
fn requests(state: &State, visit: &Visit, me: &MeView) -> Vec<(Said, String)> {
    let mut names: Vec<&str> = me.records.iter().map(|r| r.register.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let one = |name: &str| {
        let register = register_of(state, name)?;
        super::own_data::kind_of(&register)?;
        Some((visit.t.label(&register.definition.register.name), visit.href(&format!("/r/{name}/own-data"))))
    };
    names.into_iter().filter_map(one).collect()
}

fn rights(state: &State, visit: &Visit, me: &MeView) -> Vec<MyRight> {
    let t = visit.t;
    me.grants
        .iter()
        .filter_map(|mine| {
            let register = register_of(state, &mine.register)?;
            let role = register.definition.register.roles.iter().find(|r| r.name == mine.grant.role);
            Some(MyRight {
                role: role.map_or_else(|| Said { text: mine.grant.role.clone(), lang: None }, |r| t.label(&r.label)),
                register: t.label(&register.definition.register.name),
                basis: mine.grant.basis.reference.clone(),
                days: format!("{}–{}", t.day(mine.grant.from), mine.grant.until.map(|d| t.day(d)).unwrap_or_default()),
                href: visit.href(&format!("/r/{}/desk", mine.register)),
            })
        })
        .collect()
}

#[derive(Template)]
#[template(path = "ui/mine/views.html")]
struct ViewsPage {
    f: Frame,
    looked: Vec<Looked>,
    next: Option<String>,
}

/// Who looked, and why.
///
/// # Errors
/// As the act.
pub async fn views(state: State, visit: Visit) -> Shown {
    let page = state.app.my_accesses(visit.cx(), visit.q_id("cursor")?, PAGE).await?.into_inner();
    let frame = visit.frame(&state, visit.t.say("mine-looked"));
    html(&ViewsPage {
        f: frame.crumb(visit.t.say("frame-my-data"), "/me"),
        next: page.next_cursor.map(|cursor| visit.href(&format!("/me/views?cursor={cursor}"))),
        looked: page.items.into_iter().filter_map(|l| told_access(&state, &visit, l)).collect(),
    })
}

#[derive(Template)]
#[template(path = "ui/mine/received.html")]
struct ReceivedPage {
    f: Frame,
    got: Vec<Got>,
    next: Option<String>,
}

/// Who received it.
///
/// # Errors
/// As the act.
pub async fn received(state: State, visit: Visit) -> Shown {
    let page = state.app.my_disclosures(visit.cx(), visit.q("cursor"), PAGE).await?.into_inner();
    let frame = visit.frame(&state, visit.t.say("mine-got"));
    html(&ReceivedPage {
        f: frame.crumb(visit.t.say("frame-my-data"), "/me"),
        next: page.next_cursor.map(|cursor| visit.href(&format!("/me/received?cursor={cursor}"))),
        got: page.items.into_iter().filter_map(|g| told_disclosure(&state, &visit, g)).collect(),
    })
}

#[derive(Template)]
#[template(path = "ui/mine/account.html")]
struct AccountPage {
    f: Frame,
    username: String,
    name: String,
    email: String,
    language: String,
    faults: Vec<Fault>,
}

/// The visitor's own account.
///
/// # Errors
/// As the act.
pub async fn account(state: State, visit: Visit) -> Shown {
    html(&account_page(&state, &visit, &Form::default(), Vec::new()).await?)
}

async fn account_page(state: &State, visit: &Visit, form: &Form, faults: Vec<Fault>) -> Result<AccountPage, Problem> {
    let me = state.app.me(visit.cx()).await?.into_inner();
    let frame = visit.frame(state, visit.t.say("mine-account")).crumb(visit.t.say("frame-my-data"), "/me");
    let language = form.text("language").map(str::to_owned).or(me.language);
    Ok(AccountPage {
        f: if faults.is_empty() { frame } else { frame.faulty() },
        username: me.username,
        name: me.display_name,
        email: if form.has("email") { form.value("email").to_owned() } else { me.email.unwrap_or_default() },
        language: language.unwrap_or_else(|| visit.t.code().to_owned()),
        faults,
    })
}

/// Changes the password. Every session of the visitor ends, this one too.
///
/// # Errors
/// 422 with what the new password lacks.
pub async fn change_password(state: State, posted: Posted) -> Shown {
    let (visit, form) = (&posted.visit, &posted.form);
    let (old, new, again) = (form.value("old"), form.value("new"), form.value("again"));
    let fault = |id: &str, key: &str| Fault { id: id.to_owned(), text: visit.t.say(key), clause: None };
    let mut faults = Vec::new();
    if old.is_empty() {
        faults.push(fault("old", "mine-password-missing"));
    }
    if new != again {
        faults.push(fault("again", "mine-password-differs"));
    }
    if faults.is_empty() {
        let changed = state.app.change_password(visit.cx(), old.to_owned(), new.to_owned()).await;
        match changed.map_err(Problem::from) {
            Ok(()) => {
                let mut response = visit.done("/login", "password-changed")?;
                let web = context::web(visit.request())?;
                response.add_cookie(&set_cookie(&web, None)).map_err(|e| Error::Setup(e.to_string()))?;
                return Ok(response);
            }
            Err(problem) => match problem.kind {
                Kind::Unauthenticated => faults.push(fault("old", "mine-password-wrong")),
                Kind::TooMany => faults.push(fault("old", "mine-password-wait")),
                Kind::Invalid if problem.errors.iter().any(|e| e.code == "common") => {
                    faults.push(fault("new", "mine-password-common"));
                }
                Kind::Invalid => faults.push(fault("new", "mine-password-length")),
                _ => return Err(problem),
            },
        }
    }
    html_as(StatusCode::UNPROCESSABLE_ENTITY, &account_page(&state, visit, &Form::default(), faults).await?)
}

/// Sets how the visitor is reached.
///
/// # Errors
/// 422 for what is no address.
pub async fn reach(state: State, posted: Posted) -> Shown {
    let (visit, form) = (&posted.visit, &posted.form);
    let language = form.text("language").and_then(|code| code.parse::<Lang>().ok()).map(|l| l.code().to_owned());
    let email = form.text("email").map(str::to_owned);
    match state.app.reach_me(posted.cx(&state), Some(email), Some(language)).await.map_err(Problem::from) {
        Ok(_) => visit.done("/me/account", "reach-saved"),
        Err(problem) if super::is_about_the_form(&problem) => {
            let faults = Fault::of(visit.t, &problem, |pointer| Some(pointer.trim_start_matches('/').to_owned()));
            html_as(StatusCode::UNPROCESSABLE_ENTITY, &account_page(&state, visit, form, faults).await?)
        }
        Err(problem) => Err(problem),
    }
}

#[derive(Template)]
#[template(path = "ui/mine/report.html")]
struct ReportPage {
    f: Frame,
    action: String,
    title: String,
    kind: Said,
    clause: String,
    fields: Vec<(String, Said, String, bool)>,
    text: String,
    faults: Vec<Fault>,
}

/// The kind of case by which an error is reported: one's own report where the statute knows one.
fn error_kind(register: &Register) -> Option<&crate::domain::statute::procedures::CaseKind> {
    register.case_kind_of(Procedure::ErrorNotice).or_else(|| register.case_kind_of(Procedure::SubjectNotice))
}

/// The form by which an error is reported, with the field at which one pressed.
///
/// # Errors
/// 404 for what is not the visitor's to see, or where the statute knows no such report.
pub async fn report(state: State, visit: Visit) -> Shown {
    let field = visit.q("field").map(str::to_owned);
    html(&report_page(&state, &visit, &field.into_iter().collect::<Vec<_>>(), String::new(), Vec::new()).await?)
}

async fn report_page(
    state: &State,
    visit: &Visit,
    chosen: &[String],
    text: String,
    faults: Vec<Fault>,
) -> Result<ReportPage, Problem> {
    let register = visit.register(state)?;
    let kind = register.record_type(visit.word("type")).ok_or_else(Problem::not_found)?;
    let notice = error_kind(&register).ok_or_else(Problem::not_found)?;
    let (name, id, t) = (register.name().to_owned(), visit.id("id")?, visit.t);
    let record = state.app.read_record(visit.cx(), name.clone(), kind.name.clone(), id, None, None).await?.into_inner();
    let title = kind.title_of(&record.data).unwrap_or_else(|| t.label(&kind.label).text);
    let frame = visit.frame(state, t.say("mine-report")).crumb(t.say("frame-my-data"), "/me");
    Ok(ReportPage {
        f: if faults.is_empty() { frame } else { frame.faulty() },
        action: visit.href(&format!("/me/{name}/{}/{id}/report", kind.name)),
        title,
        kind: t.label(&notice.label),
        clause: notice.clause.to_string(),
        fields: kind
            .fields
            .iter()
            .filter_map(|f| {
                let value = record.data.get(&f.name).filter(|v| !v.is_null())?;
                let shown = texts(t, &register, f, value, false).join("; ");
                Some((f.name.clone(), t.label(&f.label), super::audit::short(&shown), chosen.contains(&f.name)))
            })
            .collect(),
        text,
        faults,
    })
}

/// Reports an error: opens its case, which goes to those who entered the data.
///
/// # Errors
/// 422 with what is missing, and everything as it was typed.
pub async fn send_report(state: State, posted: Posted) -> Shown {
    let (visit, form) = (&posted.visit, &posted.form);
    let register = visit.register(&state)?;
    let kind = register.record_type(visit.word("type")).ok_or_else(Problem::not_found)?;
    let notice = error_kind(&register).ok_or_else(Problem::not_found)?;
    let fields: Vec<String> = form.all("field").map(str::to_owned).collect();
    let text = form.text("text").unwrap_or_default().to_owned();
    let mut faults = Vec::new();
    if text.is_empty() {
        faults.push(Fault {
            id: "text".into(),
            text: visit.t.say("mine-report-missing"),
            clause: Some(notice.clause.clone()),
        });
    }
    if faults.is_empty() {
        let named: Vec<&str> =
            kind.fields.iter().filter(|f| fields.contains(&f.name)).map(|f| f.label.official()).collect();
        // The register's own language: it goes to those who keep it.
        let subject = if named.is_empty() {
            notice.label.official().to_owned()
        } else {
            format!("{}: {}", notice.label.official(), named.join(", "))
        };
        let new = NewCase {
            kind: notice.name.clone(),
            record_type: Some(kind.name.clone()),
            record_id: Some(visit.id("id")?),
            fields: kind.fields.iter().map(|f| f.name.clone()).filter(|f| fields.contains(f)).collect(),
            subject: subject.chars().take(300).collect(),
            text: text.clone(),
            ..NewCase::default()
        };
        match state.app.open_case(posted.cx(&state), register.name().to_owned(), new).await.map_err(Problem::from) {
            Ok(_) => return visit.done("/me", "error-reported"),
            Err(problem) if super::is_about_the_form(&problem) => {
                faults = Fault::of(visit.t, &problem, |pointer| (pointer == "/text").then(|| "text".to_owned()));
            }
            Err(problem) => return Err(problem),
        }
    }
    let page = report_page(&state, visit, &fields, text, faults).await?;
    html_as(StatusCode::UNPROCESSABLE_ENTITY, &page)
}
