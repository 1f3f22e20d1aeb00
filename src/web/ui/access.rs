//! Who may see and do what: rights in force, giving, changing and ending them, their log; who could see somebody's
//! records, who did, and who received them; and what the statute lets each role do.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use chrono::NaiveDate;
use uuid::Uuid;

use super::ask::{self, Asking, CheckPage, Choice, FormPage, Row};
use super::frame::{Fault, Frame};
use super::say::{Said, T};
use super::visit::{Form, Posted, Visit};
use super::{Page, Shown, State, html, page};
use crate::app::people::{Named, Sought, UserLine};
use crate::domain::access::grant::Basis;
use crate::domain::access::{Action, Actor, Grant};
use crate::domain::registers::Register;
use crate::domain::statute::Clause;
use crate::domain::statute::definition::Role;
use crate::domain::statute::procedures::Procedure;
use crate::store::acts::grants::{GrantPatch, NewGrant};
use crate::store::read::grants::{GrantLogView, GrantQuery, GrantStanding, GrantView};
use crate::store::read::report::{ReportQuery, ReportView};
use crate::web::problem::Problem;

/// Pages of this noun.
pub const PAGES: &[Page] = &[
    page!(Get "/r/{r}/access", list, "grant.list"),
    page!(Post "/r/{r}/access/find", find, "user.find"),
    page!(Get "/r/{r}/access/new", new, "user.find"),
    page!(Post "/r/{r}/access/new", issue, "grant.issue"),
    page!(Get "/r/{r}/access/log", log, "grant.log"),
    page!(Get "/r/{r}/access/applications", applications, "case.list"),
    page!(Get "/r/{r}/access/report", ask_report, "access.report: the question alone"),
    page!(Post "/r/{r}/access/report", report, "access.report"),
    page!(Get "/r/{r}/access/rules", rules, "register.read: the statute itself"),
    page!(Get "/r/{r}/access/{id:[0-9a-f-]{36}}/change", change, "grant.list"),
    page!(Post "/r/{r}/access/{id:[0-9a-f-]{36}}/change", save_change, "grant.change"),
    page!(Get "/r/{r}/access/{id:[0-9a-f-]{36}}/end", end, "grant.list"),
    page!(Post "/r/{r}/access/{id:[0-9a-f-]{36}}/end", save_end, "grant.revoke"),
];

/// Rights on a page.
const ROWS: i64 = 50;
/// Fields of the form of a right, by which faults find their place.
const FIELDS: &[&str] = &[
    "person",
    "role",
    "institution_id",
    "sections",
    "from",
    "until",
    "basis_kind",
    "basis_reference",
    "task",
    "application_id",
];

/// A role by name, as people read it.
pub(super) fn role_label(t: T, register: &Register, name: &str) -> Said {
    let role = register.definition.register.roles.iter().find(|r| r.name == name);
    role.map_or_else(|| Said { text: name.to_owned(), lang: None }, |role| t.label(&role.label))
}

/// Sections by name, as people read them, in one text.
fn sections_label(t: T, register: &Register, sections: Option<&[String]>) -> String {
    let Some(sections) = sections else { return t.say("access-all-sections") };
    let label = |name: &String| {
        let (kind, section) = name.split_once('.').map_or((None, name.as_str()), |(k, s)| (Some(k), s));
        let mut found = register.definition.record_types.iter().filter(|r| kind.is_none_or(|k| r.name == k));
        found.find_map(|r| Some((r, r.sections.iter().find(|s| s.name == section)?))).map_or_else(
            || name.clone(),
            |(r, s)| match kind {
                Some(_) => format!("{}: {}", t.label(&r.label), t.label(&s.label)),
                None => t.label(&s.label).text,
            },
        )
    };
    sections.iter().map(label).collect::<Vec<_>>().join(", ")
}

/// A way to narrow a list.
pub(super) struct Facet {
    pub text: Said,
    pub href: String,
    pub current: bool,
}

struct Line {
    id: Uuid,
    user: Uuid,
    name: String,
    username: String,
    role: Said,
    clause: Option<String>,
    institution: String,
    sections: String,
    from: String,
    until: String,
    basis: Said,
    reference: String,
    state: &'static str,
    state_text: String,
    may_change: bool,
    may_end: bool,
}

#[derive(Template)]
#[template(path = "ui/access/list.html")]
struct ListPage {
    f: Frame,
    clause: String,
    standings: Vec<Facet>,
    roles: Vec<Facet>,
    chips: Vec<Facet>,
    people: Option<Vec<UserLine>>,
    lines: Vec<Line>,
    next: Option<String>,
    may_issue: bool,
    may_apply: bool,
    may_report: bool,
    reviews: Option<String>,
    institutions: Vec<Choice>,
    standing: &'static str,
    role: String,
    user: String,
}

const STANDINGS: &[(&str, Option<GrantStanding>)] = &[
    ("now", Some(GrantStanding::InForce)),
    ("later", Some(GrantStanding::ToCome)),
    ("over", Some(GrantStanding::Over)),
    ("any", None),
];

/// Rights, those in force where nothing else is asked for.
///
/// # Errors
/// As the act.
pub async fn list(state: State, visit: Visit) -> Shown {
    listed(&state, &visit, None).await
}

/// A query string of those of `pairs` that have a value.
pub(super) fn query_of(pairs: &[(&str, &str)]) -> String {
    let text = |t: &str| crate::web::context::percent_encoded(t);
    let said: Vec<String> =
        pairs.iter().filter(|(_, v)| !v.is_empty()).map(|(n, v)| format!("{n}={}", text(v))).collect();
    if said.is_empty() { String::new() } else { format!("?{}", said.join("&")) }
}

async fn listed(state: &State, visit: &Visit, people: Option<Vec<UserLine>>) -> Shown {
    let register = visit.register(state)?;
    let t = visit.t;
    let name = register.name().to_owned();
    let standing = STANDINGS.iter().find(|(n, _)| visit.q("standing") == Some(n)).unwrap_or(&STANDINGS[0]);
    let query = GrantQuery {
        user_id: visit.q_id("user")?,
        role: visit.q("role").map(str::to_owned),
        institution_id: visit.q_id("institution")?,
        standing: standing.1,
        limit: ROWS,
        ..GrantQuery::default()
    };
    let page = state.app.list_grants(visit.cx(), name.clone(), query, visit.q("cursor")).await?.into_inner();
    let institutions = state.app.institutions(visit.cx(), name).await?.into_inner();
    let today = register.day(state.app.store.now());
    let frame = visit.frame(state, t.say("access-title"));
    let (user, role, institution) =
        (visit.q("user").unwrap_or_default(), visit.q("role").unwrap_or_default(), visit.q("institution"));
    let institution = institution.unwrap_or_default();
    let to = |standing: &str, role: &str, user: &str, institution: &str, cursor: &str| {
        let standing = if standing == "now" { "" } else { standing };
        let pairs =
            [("standing", standing), ("role", role), ("user", user), ("institution", institution), ("cursor", cursor)];
        frame.at(&format!("/access{}", query_of(&pairs)))
    };
    let say = |key: &str| Said { text: t.say(key), lang: None };
    let mut chips = Vec::new();
    if !user.is_empty() {
        let text = page.items.first().map_or_else(|| t.say("access-one-person"), |g| g.beside.display_name.clone());
        let href = to(standing.0, role, "", institution, "");
        chips.push(Facet { text: Said { text, lang: None }, href, current: true });
    }
    if !role.is_empty() {
        let href = to(standing.0, "", user, institution, "");
        chips.push(Facet { text: role_label(t, &register, role), href, current: true });
    }
    if let Some(named) = institutions.iter().find(|i| i.id.to_string() == institution) {
        let text = Said { text: named.name.clone(), lang: None };
        chips.push(Facet { text, href: to(standing.0, role, user, "", ""), current: true });
    }
    let roles = register.definition.register.roles.iter().filter(|r| !r.implicit);
    let opens = |procedure: Procedure| {
        let kinds = register.definition.cases.iter().filter(|c| c.procedure == procedure);
        kinds.filter(|c| visit.signed.facts.opens.contains(&c.name)).map(|c| c.name.clone()).next()
    };
    let reviews = register.case_kind_of(Procedure::Recertification).filter(|_| visit.may("case.read"));
    html(&ListPage {
        clause: register.definition.register.access.clause.0.clone(),
        standings: STANDINGS
            .iter()
            .map(|(n, _)| Facet {
                text: say(&format!("access-standing-{n}")),
                href: to(n, role, user, institution, ""),
                current: *n == standing.0,
            })
            .collect(),
        roles: roles
            .map(|r| Facet {
                text: t.label(&r.label),
                href: to(standing.0, if r.name == role { "" } else { &r.name }, user, institution, ""),
                current: r.name == role,
            })
            .collect(),
        next: page.next_cursor.as_deref().map(|cursor| to(standing.0, role, user, institution, cursor)),
        lines: page.items.iter().map(|g| line(t, &register, g, today)).collect(),
        people,
        chips,
        may_issue: visit.may("grant.issue"),
        may_apply: opens(Procedure::Access).is_some(),
        may_report: visit.may("access.report"),
        reviews: reviews.map(|kind| frame.at(&format!("/cases?kind={}", kind.name))),
        institutions: institution_choices(t, &institutions, institution, "access-any-institution"),
        standing: standing.0,
        role: role.to_owned(),
        user: user.to_owned(),
        f: frame,
    })
}

/// The institutions of the register by name; none for whoever has no right in it and may all the same ask or complain.
pub(super) async fn institutions(state: &State, visit: &Visit) -> Result<Vec<Named>, Problem> {
    match state.app.institutions(visit.cx(), visit.word("r").to_owned()).await.map_err(Problem::from) {
        Ok(named) => Ok(named.into_inner()),
        Err(problem) if problem.kind == crate::web::problem::Kind::Forbidden => Ok(Vec::new()),
        Err(problem) => Err(problem),
    }
}

/// The institutions to choose from, with a first answer that names none.
pub(super) fn institution_choices(t: T, institutions: &[Named], chosen: &str, none: &str) -> Vec<Choice> {
    let first = Choice::new("", Said { text: t.say(none), lang: None });
    let named = institutions.iter().map(|i| {
        let id = i.id.to_string();
        Choice { chosen: id == chosen, ..Choice::new(id, Said { text: i.name.clone(), lang: None }) }
    });
    std::iter::once(first).chain(named).collect()
}

fn basis_label(t: T, register: &Register, grant: &Grant) -> Said {
    let role = register.definition.register.roles.iter().find(|r| r.name == grant.role);
    let kind = role.and_then(|r| r.basis.iter().find(|b| b.name == grant.basis.kind));
    kind.map_or_else(|| Said { text: grant.basis.kind.clone(), lang: None }, |kind| t.label(&kind.label))
}

fn line(t: T, register: &Register, view: &GrantView, today: NaiveDate) -> Line {
    let grant = &view.grant;
    let role = register.definition.register.roles.iter().find(|r| r.name == grant.role);
    let (state, key) = if grant.revoked {
        ("", "access-state-ended")
    } else if view.in_force {
        ("ok", "access-state-in-force")
    } else if grant.from > today {
        ("fut", "access-state-to-come")
    } else {
        ("", "access-state-over")
    };
    Line {
        id: grant.id,
        user: grant.user_id,
        name: view.beside.display_name.clone(),
        username: view.username.clone(),
        role: role_label(t, register, &grant.role),
        clause: role.map(|r| r.clause.0.clone()),
        institution: view.beside.institution.clone().unwrap_or_else(|| t.say("access-whole-register")),
        sections: sections_label(t, register, grant.sections.as_deref()),
        from: t.day(grant.from),
        until: grant.until.map_or_else(|| t.say("access-open"), |day| t.day(day)),
        basis: basis_label(t, register, grant),
        reference: grant.basis.reference.clone(),
        state,
        state_text: t.say(key),
        may_change: view.beside.may_change,
        may_end: view.beside.may_end,
    }
}

/// Finds a user: names are sent, not put into addresses.
///
/// # Errors
/// As the act.
pub async fn find(state: State, posted: Posted) -> Shown {
    let visit = &posted.visit;
    let register = visit.word("r").to_owned();
    let sought = posted.form.text("person").map_or(Sought::Nobody, |q| Sought::Text(q.to_owned()));
    let found = state.app.find_users(visit.cx(), register.clone(), sought).await?.into_inner();
    match found.users.as_slice() {
        [only] => visit.see(&format!("/r/{register}/access?user={}&standing=any", only.id)),
        _ => listed(&state, visit, Some(found.users)).await,
    }
}

/// The form of a right.
struct Asked<'a> {
    register: &'a Register,
    roles: Vec<&'a Role>,
    institutions: &'a [Named],
    people: &'a [UserLine],
}

impl Asked<'_> {
    fn fields(&self, asking: Asking<'_>, fixed: bool) -> Vec<ask::Field> {
        let t = asking.t;
        let access = &self.register.definition.register.access;
        let mut fields = Vec::new();
        if !fixed {
            let person = asking.line("person", asking.said("access-person")).hint(t.say("access-person-hint"));
            fields.push(person);
            if self.people.len() > 1 {
                let people = self.people.iter().map(|user| Choice {
                    note: user.username.clone(),
                    ..Choice::new(user.id.to_string(), Said { text: user.display_name.clone(), lang: None })
                });
                fields.push(asking.radios("user_id", asking.said("access-which-person"), people.collect()));
            }
            let roles = self.roles.iter().map(|role| {
                let needs = [
                    (role.needs_until, "access-needs-until"),
                    (role.needs_task, "access-needs-task"),
                    (role.needs_application, "access-needs-application"),
                    (role.within_contract, "access-needs-contract"),
                ];
                let needs: Vec<String> = needs.iter().filter(|(n, _)| *n).map(|(_, key)| t.say(key)).collect();
                Choice { note: needs.join("; "), ..Choice::new(&role.name, t.label(&role.label)).clause(&role.clause) }
            });
            fields.push(asking.radios("role", asking.said("access-role"), roles.collect()));
        }
        let chosen = asking.form.value("institution_id");
        let institutions = institution_choices(t, self.institutions, chosen, "access-whole-register");
        fields.push(
            asking
                .select("institution_id", asking.said("access-institution"), institutions)
                .clause(Some(&access.scope_clause)),
        );
        fields.push(asking.checks("sections", asking.said("access-only-sections"), self.sections(t)).folded());
        fields.push(asking.short("from", asking.said("access-from")).hint(t.say("access-day-hint")));
        fields.push(asking.short("until", asking.said("access-until")).hint(t.say("access-until-hint")));
        fields.push(asking.select("basis_kind", asking.said("access-basis-kind"), self.kinds(t)));
        fields.push(
            asking
                .line("basis_reference", asking.said("access-basis-reference"))
                .hint(t.say("access-basis-reference-hint")),
        );
        if !fixed && self.roles.iter().any(|r| r.needs_task) {
            fields.push(asking.line("task", asking.said("access-task")).hint(t.say("access-task-hint")));
        }
        if !fixed && (self.roles.iter().any(|r| r.needs_application) || asking.form.has("application_id")) {
            let field = asking.line("application_id", asking.said("access-application"));
            fields.push(field.hint(t.say("access-application-hint")));
        }
        fields
    }

    fn sections(&self, t: T) -> Vec<Choice> {
        let types = self.register.definition.record_types.iter();
        types
            .flat_map(|kind| {
                kind.sections.iter().enumerate().map(move |(n, section)| Choice {
                    heading: (n == 0).then(|| t.label(&kind.label)),
                    note: if section.special_category { t.say("access-special") } else { String::new() },
                    ..Choice::new(format!("{}.{}", kind.name, section.name), t.label(&section.label))
                })
            })
            .collect()
    }

    /// The kinds of basis of all the roles, each once.
    fn kinds(&self, t: T) -> Vec<Choice> {
        let mut kinds = vec![Choice::new("", Said { text: t.say("access-basis-by-role"), lang: None })];
        for kind in self.roles.iter().flat_map(|r| &r.basis) {
            if !kinds.iter().any(|c| c.value == kind.name) {
                kinds.push(Choice::new(&kind.name, t.label(&kind.label)));
            }
        }
        for choice in &mut kinds {
            choice.chosen = false;
        }
        kinds
    }
}

/// The form of a new right.
///
/// # Errors
/// As the act.
pub async fn new(state: State, visit: Visit) -> Shown {
    let register = visit.register(&state)?;
    let today = visit.t.day(register.day(state.app.store.now()));
    let mut form = Form::default();
    let mut put = |name: &str, value: String| form.pairs.push((name.to_owned(), value));
    put("from", if visit.t.lang == crate::locale::Lang::En { iso_today(&state, &register) } else { today });
    for name in ["user", "role", "institution", "application"] {
        if let Some(value) = visit.q(name) {
            let field = match name {
                "user" => "user_id",
                "institution" => "institution_id",
                "application" => "application_id",
                other => other,
            };
            put(field, value.to_owned());
        }
    }
    let sought = visit.q_id("user")?.map_or(Sought::Nobody, Sought::User);
    let found = state.app.find_users(visit.cx(), register.name().to_owned(), sought).await?.into_inner();
    if let [only] = found.users.as_slice() {
        form.pairs.push(("person".to_owned(), only.username.clone()));
    }
    new_form(&state, &visit, &form, Vec::new(), &found.roles, &[]).await
}

/// Today as everybody reads it back.
fn iso_today(state: &State, register: &Register) -> String {
    register.day(state.app.store.now()).to_string()
}

async fn new_form(
    state: &State,
    visit: &Visit,
    form: &Form,
    faults: Vec<Fault>,
    roles: &[String],
    people: &[UserLine],
) -> Shown {
    let register = visit.register(state)?;
    let institutions = state.app.institutions(visit.cx(), register.name().to_owned()).await?.into_inner();
    let roles = register.definition.register.roles.iter().filter(|r| roles.contains(&r.name)).collect();
    let asked = Asked { register: &register, roles, institutions: &institutions, people };
    let frame = visit.frame(state, visit.t.say("access-new"));
    let base = format!("/r/{}/access", register.name());
    let fields = asked.fields(Asking { t: visit.t, form, faults: &faults }, false);
    FormPage {
        intro: visit.t.say("access-new-intro"),
        clause: Some(register.definition.register.access.clause.0.clone()),
        rows: Vec::new(),
        faults,
        fields,
        hidden: Vec::new(),
        action: frame.at("/access/new"),
        button: visit.t.say("ask-check"),
        checks: true,
        files: false,
        back: frame.at("/access"),
        f: frame.crumb(visit.t.say("access-title"), &base),
    }
    .shown()
}

/// What a form of a right says, or what is wrong with it.
struct Read {
    institution: Option<Uuid>,
    sections: Option<Vec<String>>,
    from: Option<NaiveDate>,
    until: Option<NaiveDate>,
    basis: Basis,
}

fn read(t: T, form: &Form, role: Option<&Role>, clause: Option<&Clause>, faults: &mut Vec<Fault>) -> Read {
    let mut day = |name: &str| match form.text(name).map(|text| (text, super::visit::day(text))) {
        Some((_, None)) => {
            faults.push(ask::fault(t, name, "access-fault-day", clause));
            None
        }
        Some((_, day)) => day,
        None => None,
    };
    let (from, until) = (day("from"), day("until"));
    if from.is_none() && form.text("from").is_none() {
        faults.push(ask::fault(t, "from", "access-fault-from", clause));
    }
    let sections: Vec<String> = form.all("sections").map(str::to_owned).collect();
    let kinds = role.map(|r| r.basis.as_slice()).unwrap_or_default();
    // A role that rests on one kind of document alone needs no answer.
    let only = if kinds.len() == 1 { kinds.first().map(|k| k.name.clone()) } else { None };
    let kind = form.text("basis_kind").map(str::to_owned).or(only);
    if kind.is_none() && !kinds.is_empty() {
        faults.push(ask::fault(t, "basis_kind", "access-fault-basis-kind", clause));
    }
    if form.text("basis_reference").is_none() {
        faults.push(ask::fault(t, "basis_reference", "access-fault-basis-reference", clause));
    }
    Read {
        institution: form.text("institution_id").and_then(|id| Uuid::parse_str(id).ok()),
        sections: (!sections.is_empty()).then_some(sections),
        from,
        until,
        basis: Basis {
            kind: kind.unwrap_or_default(),
            reference: form.text("basis_reference").unwrap_or_default().to_owned(),
        },
    }
}

/// Looks at a new right once more, then gives it.
///
/// # Errors
/// As the act.
pub async fn issue(state: State, posted: Posted) -> Shown {
    let (visit, t) = (&posted.visit, posted.visit.t);
    let mut form = posted.form.clone();
    let register = visit.register(&state)?;
    let name = register.name().to_owned();
    let chosen = form.text("user_id").and_then(|id| Uuid::parse_str(id).ok());
    let sought = match (chosen, form.text("person")) {
        (Some(id), _) => Sought::User(id),
        (None, Some(text)) => Sought::Text(text.to_owned()),
        (None, None) => Sought::Nobody,
    };
    let found = state.app.find_users(visit.cx(), name.clone(), sought).await?.into_inner();
    if form.value("step") == "edit" {
        return new_form(&state, visit, &form, Vec::new(), &found.roles, &[]).await;
    }
    let mut faults = Vec::new();
    let clause = register.definition.register.access.clause.clone();
    let user = match found.users.as_slice() {
        [only] => Some(only),
        [] => {
            let key = if form.text("person").is_none() { "access-fault-person" } else { "access-fault-nobody" };
            faults.push(ask::fault(t, "person", key, None));
            None
        }
        several => {
            // One whose user name is exactly this is meant.
            let exact = several.iter().find(|u| Some(u.username.as_str()) == form.text("person"));
            if exact.is_none() {
                faults.push(ask::fault(t, "user_id", "access-fault-several", None));
            }
            exact
        }
    };
    let role = register.definition.register.roles.iter().find(|r| Some(r.name.as_str()) == form.text("role"));
    match role {
        None => faults.push(ask::fault(t, "role", "access-fault-role", Some(&clause))),
        Some(role) => {
            let missing = [
                (role.needs_until, "until", "access-fault-until"),
                (role.needs_task, "task", "access-fault-task"),
                (role.needs_application, "application_id", "access-fault-application"),
            ];
            for (_, id, key) in missing.iter().filter(|(needs, id, _)| *needs && form.text(id).is_none()) {
                faults.push(ask::fault(t, id, key, Some(&role.clause)));
            }
        }
    }
    let told = read(t, &form, role, role.map(|r| &r.clause), &mut faults);
    let application = match form.text("application_id").map(Uuid::parse_str) {
        Some(Err(_)) => {
            faults.push(ask::fault(t, "application_id", "access-fault-application", None));
            None
        }
        Some(Ok(id)) => Some(id),
        None => None,
    };
    let (Some(user), Some(role), Some(from), true) = (user, role, told.from, faults.is_empty()) else {
        return new_form(&state, visit, &form, faults, &found.roles, &found.users).await;
    };
    if form.value("step") != "save" {
        let institutions = state.app.institutions(visit.cx(), name).await?.into_inner();
        let row = |key: &str, value: String| Row::new(t.say(key), value);
        let institution = told.institution.and_then(|id| institutions.iter().find(|i| i.id == id));
        let mut rows = vec![
            row("access-person", format!("{} ({})", user.display_name, user.username)),
            Row::new(t.say("access-role"), t.label(&role.label)).clause(Some(&role.clause)),
            row("access-institution", institution.map_or_else(|| t.say("access-whole-register"), |i| i.name.clone())),
            row("access-sections", sections_label(t, &register, told.sections.as_deref())),
            row("access-from", t.day(from)),
            row("access-until", told.until.map_or_else(|| t.say("access-open"), |day| t.day(day))),
        ];
        let kind = role.basis.iter().find(|b| b.name == told.basis.kind);
        let basis = kind.map_or_else(|| told.basis.kind.clone(), |k| t.label(&k.label).text);
        rows.push(row("access-basis", format!("{basis}: {}", told.basis.reference)).clause(kind.map(|k| &k.clause)));
        if let Some(task) = form.text("task") {
            rows.push(row("access-task", task.to_owned()));
        }
        form.pairs.retain(|(n, _)| n != "user_id");
        form.pairs.push(("user_id".to_owned(), user.id.to_string()));
        let frame = visit.frame(&state, t.say("access-check"));
        return html(&CheckPage {
            intro: t.say("access-check-intro"),
            rows,
            hidden: ask::carried(&form),
            action: frame.at("/access/new"),
            button: t.say("access-give"),
            f: frame.crumb(t.say("access-title"), &format!("/r/{}/access", register.name())),
        });
    }
    let grant = NewGrant {
        user_id: user.id,
        role: role.name.clone(),
        institution_id: told.institution,
        sections: told.sections,
        from,
        until: told.until,
        basis: told.basis,
        task: form.text("task").map(str::to_owned),
        application_id: application,
    };
    match state.app.issue_grant(posted.cx(&state), name.clone(), grant).await {
        Ok(_) => visit.done(&format!("/r/{name}/access"), "access-given"),
        Err(error) => {
            let faults = ask::faults(t, error.into(), FIELDS)?;
            new_form(&state, visit, &form, faults, &found.roles, &[]).await
        }
    }
}

/// What is known of a right, as its pages repeat it.
fn rows_of(t: T, register: &Register, view: &GrantView) -> Vec<Row> {
    let grant = &view.grant;
    let role = register.definition.register.roles.iter().find(|r| r.name == grant.role);
    let row = |key: &str, value: String| Row::new(t.say(key), value);
    let whole = || t.say("access-whole-register");
    let mut rows = vec![
        row("access-person", format!("{} ({})", view.beside.display_name, view.username)),
        Row::new(t.say("access-role"), role_label(t, register, &grant.role)).clause(role.map(|r| &r.clause)),
        row("access-institution", view.beside.institution.clone().unwrap_or_else(whole)),
        row("access-sections", sections_label(t, register, grant.sections.as_deref())),
        row("access-from", t.day(grant.from)),
        row("access-until", grant.until.map_or_else(|| t.say("access-open"), |day| t.day(day))),
        row("access-basis", format!("{}: {}", basis_label(t, register, grant), grant.basis.reference)),
    ];
    if let Some(task) = &grant.task {
        rows.push(row("access-task", task.clone()));
    }
    rows
}

/// A day as forms of this language have it.
fn typed(t: T, day: NaiveDate) -> String {
    if t.lang == crate::locale::Lang::En { day.to_string() } else { t.day(day) }
}

/// The form that changes a right.
///
/// # Errors
/// As the act.
pub async fn change(state: State, visit: Visit) -> Shown {
    let register = visit.register(&state)?;
    let view = state.app.read_grant(visit.cx(), register.name().to_owned(), visit.id("id")?).await?.into_inner();
    let grant = &view.grant;
    let mut form = Form::default();
    let mut put = |name: &str, value: String| form.pairs.push((name.to_owned(), value));
    put("version", grant.version.to_string());
    put("institution_id", grant.institution_id.map(|i| i.to_string()).unwrap_or_default());
    for section in grant.sections.iter().flatten() {
        put("sections", section.clone());
    }
    put("from", typed(visit.t, grant.from));
    put("until", grant.until.map(|day| typed(visit.t, day)).unwrap_or_default());
    put("basis_kind", grant.basis.kind.clone());
    put("basis_reference", grant.basis.reference.clone());
    change_form(&state, &visit, &register, &view, &form, Vec::new()).await
}

async fn change_form(
    state: &State,
    visit: &Visit,
    register: &Register,
    view: &GrantView,
    form: &Form,
    faults: Vec<Fault>,
) -> Shown {
    let t = visit.t;
    let institutions = state.app.institutions(visit.cx(), register.name().to_owned()).await?.into_inner();
    let roles = register.definition.register.roles.iter().filter(|r| r.name == view.grant.role).collect();
    let asked = Asked { register, roles, institutions: &institutions, people: &[] };
    let frame = visit.frame(state, t.say("access-change"));
    let fields = asked.fields(Asking { t, form, faults: &faults }, true);
    let mut rows = rows_of(t, register, view);
    rows.truncate(2);
    FormPage {
        intro: t.say("access-change-intro"),
        clause: Some(register.definition.register.access.grant_log_clause.0.clone()),
        rows,
        faults,
        fields,
        hidden: vec![("version".to_owned(), form.value("version").to_owned())],
        action: frame.at(&format!("/access/{}/change", view.grant.id)),
        button: t.say("access-save-change"),
        checks: false,
        files: false,
        back: frame.at("/access"),
        f: frame.crumb(t.say("access-title"), &format!("/r/{}/access", register.name())),
    }
    .shown()
}

/// Changes a right.
///
/// # Errors
/// As the act.
pub async fn save_change(state: State, posted: Posted) -> Shown {
    let (visit, form, t) = (&posted.visit, &posted.form, posted.visit.t);
    let register = visit.register(&state)?;
    let name = register.name().to_owned();
    let id = visit.id("id")?;
    let view = state.app.read_grant(visit.cx(), name.clone(), id).await?.into_inner();
    let role = register.definition.register.roles.iter().find(|r| r.name == view.grant.role);
    let mut faults = Vec::new();
    let told = read(t, form, role, role.map(|r| &r.clause), &mut faults);
    if !faults.is_empty() {
        return change_form(&state, visit, &register, &view, form, faults).await;
    }
    let patch = GrantPatch {
        institution_id: Some(told.institution),
        sections: Some(told.sections),
        from: told.from,
        until: Some(told.until),
        basis: Some(told.basis),
    };
    match state.app.change_grant(posted.cx(&state), name.clone(), id, patch).await {
        Ok(_) => visit.done(&format!("/r/{name}/access"), "access-changed"),
        Err(error) => {
            let faults = ask::faults(t, error.into(), FIELDS)?;
            change_form(&state, visit, &register, &view, form, faults).await
        }
    }
}

/// The page that ends a right: what ends, on what ground.
///
/// # Errors
/// As the act.
pub async fn end(state: State, visit: Visit) -> Shown {
    let register = visit.register(&state)?;
    let view = state.app.read_grant(visit.cx(), register.name().to_owned(), visit.id("id")?).await?.into_inner();
    end_form(&state, &visit, &register, &view, &Form::default(), Vec::new())
}

fn end_form(
    state: &State,
    visit: &Visit,
    register: &Register,
    view: &GrantView,
    form: &Form,
    faults: Vec<Fault>,
) -> Shown {
    let t = visit.t;
    let source = &register.definition.register;
    let asking = Asking { t, form, faults: &faults };
    let leaver = source.leaver.as_ref().map(|l| &l.ground);
    let grounds = source.revocation_grounds.iter().chain(leaver).map(|ground| {
        let note =
            if leaver.is_some_and(|l| l.name == ground.name) { t.say("access-leaver-note") } else { String::new() };
        Choice { note, ..Choice::new(&ground.name, t.label(&ground.label)).clause(&ground.clause) }
    });
    let fields = vec![
        asking
            .radios("ground", asking.said("access-ground"), grounds.collect())
            .clause(Some(&source.access.revocation_clause)),
        asking.area("explanation", asking.said("access-explanation")).hint(t.say("access-explanation-hint")),
    ];
    let frame = visit.frame(state, t.say("access-end"));
    FormPage {
        intro: t.say("access-end-intro"),
        clause: Some(source.access.revocation_clause.0.clone()),
        rows: rows_of(t, register, view),
        faults,
        fields,
        hidden: Vec::new(),
        action: frame.at(&format!("/access/{}/end", view.grant.id)),
        button: t.say("access-end-now"),
        checks: false,
        files: false,
        back: frame.at("/access"),
        f: frame.crumb(t.say("access-title"), &format!("/r/{}/access", register.name())),
    }
    .shown()
}

/// Ends a right.
///
/// # Errors
/// As the act.
pub async fn save_end(state: State, posted: Posted) -> Shown {
    let (visit, form, t) = (&posted.visit, &posted.form, posted.visit.t);
    let register = visit.register(&state)?;
    let name = register.name().to_owned();
    let id = visit.id("id")?;
    let said = |field: &str| form.text(field).unwrap_or_default().to_owned();
    let act = state.app.revoke_grant(posted.cx(&state), name.clone(), id, said("ground"), said("explanation")).await;
    match act {
        Ok(_) => visit.done(&format!("/r/{name}/access"), "access-ended"),
        Err(error) => {
            let faults = ask::faults(t, error.into(), &["ground", "explanation"])?;
            let view = state.app.read_grant(visit.cx(), name, id).await?.into_inner();
            end_form(&state, visit, &register, &view, form, faults)
        }
    }
}

struct LogLine {
    at: String,
    act: String,
    kind: &'static str,
    username: String,
    role: Said,
    what: Vec<String>,
    by: String,
    ground: Option<(Said, Option<String>)>,
    explanation: Option<String>,
}

#[derive(Template)]
#[template(path = "ui/access/log.html")]
struct LogPage {
    f: Frame,
    clause: String,
    lines: Vec<LogLine>,
    next: Option<String>,
}

/// The log of giving, changing and ending rights.
///
/// # Errors
/// As the act.
pub async fn log(state: State, visit: Visit) -> Shown {
    let register = visit.register(&state)?;
    let page =
        state.app.read_grant_log(visit.cx(), register.name().to_owned(), visit.q("cursor"), ROWS).await?.into_inner();
    let institutions = state.app.institutions(visit.cx(), register.name().to_owned()).await?.into_inner();
    let names: BTreeMap<String, String> = institutions.into_iter().map(|i| (i.id.to_string(), i.name)).collect();
    let frame = visit.frame(&state, visit.t.say("access-log"));
    html(&LogPage {
        clause: register.definition.register.access.grant_log_clause.0.clone(),
        lines: page.items.iter().map(|item| log_line(visit.t, &register, &names, item)).collect(),
        next: page.next_cursor.map(|cursor| frame.at(&format!("/access/log?cursor={cursor}"))),
        f: frame.crumb(visit.t.say("access-title"), &format!("/r/{}/access", register.name())),
    })
}

/// The instant in a text of ours, as people read it.
pub(super) fn moment(t: T, register: &Register, text: &str) -> String {
    chrono::DateTime::parse_from_rfc3339(text)
        .map_or_else(|_| text.to_owned(), |at| t.instant(at.to_utc(), register.definition.register.time_zone))
}

fn log_line(t: T, register: &Register, names: &BTreeMap<String, String>, item: &GrantLogView) -> LogLine {
    let read = |value: &Option<serde_json::Value>| -> Option<Grant> {
        value.as_ref().and_then(|v| serde_json::from_value(v.clone()).ok())
    };
    let (before, after) = (read(&item.before), read(&item.after));
    let told = |grant: &Grant| -> Vec<String> {
        let place = grant.institution_id.map(|i| i.to_string());
        let until = grant.until.map_or_else(|| t.say("access-open"), |day| t.day(day));
        vec![
            place.map_or_else(|| t.say("access-whole-register"), |id| names.get(&id).cloned().unwrap_or(id)),
            sections_label(t, register, grant.sections.as_deref()),
            format!("{} – {until}", t.day(grant.from)),
            format!("{}: {}", basis_label(t, register, grant), grant.basis.reference),
        ]
    };
    let what = match (&before, &after) {
        (Some(before), Some(after)) => {
            let pairs = told(before).into_iter().zip(told(after));
            pairs.filter(|(b, a)| b != a).map(|(b, a)| format!("{b} → {a}")).collect()
        }
        (_, Some(one)) | (Some(one), None) => told(one),
        (None, None) => Vec::new(),
    };
    let source = &register.definition.register;
    let grounds = source.revocation_grounds.iter().chain(source.leaver.as_ref().map(|l| &l.ground));
    let ground = item.ground.as_ref().map(|name| {
        let known = grounds.clone().find(|g| g.name == *name);
        known.map_or_else(
            || (Said { text: name.clone(), lang: None }, None),
            |g| (t.label(&g.label), Some(g.clause.0.clone())),
        )
    });
    let role = after.as_ref().or(before.as_ref()).map(|g| g.role.clone()).unwrap_or_default();
    LogLine {
        at: moment(t, register, &item.recorded_at),
        act: t.say(&format!("access-act-{}", item.act)),
        kind: match item.act.as_str() {
            "granted" => "ok",
            "revoked" => "err",
            _ => "info",
        },
        username: item.username.clone(),
        role: role_label(t, register, &role),
        what,
        by: item.made_by.clone(),
        ground,
        explanation: item.explanation.clone(),
    }
}

/// Applications for access are cases of their procedure.
///
/// # Errors
/// 404 where the statute knows none.
pub async fn applications(state: State, visit: Visit) -> Shown {
    let register = visit.register(&state)?;
    let kind = register.case_kind_of(Procedure::Access).ok_or_else(Problem::not_found)?;
    visit.see(&format!("/r/{}/cases?kind={}", register.name(), kind.name))
}

struct Could {
    name: String,
    username: String,
    role: Said,
    standing: String,
    institution: String,
    days: String,
    basis: String,
    sections: Vec<(String, String)>,
}

struct Did {
    at: String,
    action: String,
    actor: String,
    role: Said,
    purpose: String,
    clause: Option<String>,
    sections: String,
}

struct Received {
    at: String,
    id: Uuid,
    recipient: String,
    fields: usize,
    purpose: String,
}

struct Answer {
    at: String,
    records: Vec<(Said, String, String)>,
    could: Vec<Could>,
    did: Vec<Did>,
    did_total: String,
    received: Vec<Received>,
    received_total: String,
}

#[derive(Template)]
#[template(path = "ui/access/report.html")]
struct ReportPage {
    f: Frame,
    fields: Vec<ask::Field>,
    faults: Vec<Fault>,
    answer: Option<Answer>,
    hidden: Vec<(String, String)>,
    more: bool,
}

/// The question who could see somebody's records.
///
/// # Errors
/// None of its own.
pub async fn ask_report(state: State, visit: Visit) -> Shown {
    let mut form = Form::default();
    if let Some(record) = visit.q_id("record")? {
        form.pairs.push(("subject".to_owned(), record.to_string()));
    }
    html(&report_page(&state, &visit, &form, Vec::new(), None)?)
}

fn report_page(
    state: &State,
    visit: &Visit,
    form: &Form,
    faults: Vec<Fault>,
    answer: Option<&ReportView>,
) -> Result<ReportPage, Problem> {
    let t = visit.t;
    let register = visit.register(state)?;
    let asking = Asking { t, form, faults: &faults };
    let fields = vec![
        asking.line("subject", asking.said("access-subject")).hint(t.say("access-subject-hint")),
        asking.short("on", asking.said("access-on")).hint(t.say("access-on-hint")),
        asking.short("time", asking.said("access-time")).hint(t.say("access-time-hint")),
    ];
    let frame = visit.frame(state, t.say("access-report"));
    let next = answer.and_then(|a| a.next_cursor.clone());
    let later = answer.and_then(|a| a.next_received_cursor.clone());
    let mut hidden = ask::carried(form);
    hidden.retain(|(n, _)| !["cursor", "received_cursor"].contains(&n.as_str()));
    hidden.extend(next.clone().map(|c| ("cursor".to_owned(), c)));
    hidden.extend(later.clone().map(|c| ("received_cursor".to_owned(), c)));
    Ok(ReportPage {
        fields,
        answer: answer.map(|view| told(t, &register, view)),
        more: next.is_some() || later.is_some(),
        hidden,
        f: {
            let frame = frame.crumb(t.say("access-title"), &format!("/r/{}/access", register.name()));
            if faults.is_empty() { frame } else { frame.faulty() }
        },
        faults,
    })
}

/// Actions as the log has them, as people read them.
fn action_label(t: T, action: &str) -> String {
    t.say_if(&format!("access-action-{}", action.replace(['.', '_'], ""))).unwrap_or_else(|| action.to_owned())
}

fn told(t: T, register: &Register, view: &ReportView) -> Answer {
    let kind = |name: &str| register.record_type(name);
    let section = |name: &String| {
        let types = view.records.iter().filter_map(|r| kind(&r.record_type));
        let found = types.flat_map(|k| &k.sections).find(|s| s.name == *name);
        found.map_or_else(|| name.clone(), |s| t.label(&s.label).text)
    };
    let count = |n: i64| if n >= crate::store::read::report::COUNTED { format!("{}+", t.count(n)) } else { t.count(n) };
    Answer {
        at: moment(t, register, &view.at),
        records: view
            .records
            .iter()
            .map(|r| {
                let label = kind(&r.record_type)
                    .map_or_else(|| Said { text: r.record_type.clone(), lang: None }, |k| t.label(&k.label));
                let place = view.institutions.get(&r.institution_id).cloned().unwrap_or_default();
                (label, place, format!("/records/{}/{}", r.record_type, r.id))
            })
            .collect(),
        could: view
            .could
            .iter()
            .map(|c| Could {
                name: c.display_name.clone().unwrap_or_else(|| t.say("access-everybody")),
                username: c.username.clone().unwrap_or_default(),
                role: role_label(t, register, &c.role),
                standing: t.say(&format!("access-as-{}", c.standing)),
                institution: c
                    .institution_id
                    .and_then(|i| view.institutions.get(&i).cloned())
                    .unwrap_or_else(|| t.say("access-whole-register")),
                days: c.from.map_or_else(String::new, |from| {
                    format!("{} – {}", t.day(from), c.until.map_or_else(|| t.say("access-open"), |u| t.day(u)))
                }),
                basis: c.basis.as_ref().map(|b| b.reference.clone()).unwrap_or_default(),
                sections: by_clause(c.sections.iter().map(|s| (s.clause.0.clone(), section(&s.section)))),
            })
            .collect(),
        did: view
            .did
            .iter()
            .map(|d| Did {
                at: moment(t, register, &d.recorded_at),
                action: action_label(t, &d.action),
                actor: d.actor.clone().unwrap_or_else(|| t.say("access-erased")),
                role: d.role.as_deref().map(|r| role_label(t, register, r)).unwrap_or_default(),
                purpose: d.purpose.clone().unwrap_or_default(),
                clause: d.clause.clone(),
                sections: d.sections.iter().map(section).collect::<Vec<_>>().join(", "),
            })
            .collect(),
        did_total: count(view.did_total),
        received: view
            .received
            .iter()
            .map(|r| Received {
                at: moment(t, register, &r.released_at),
                id: r.id,
                recipient: r.ledger["recipient"]["name"].as_str().unwrap_or_default().to_owned(),
                fields: r.ledger["fields"].as_array().map_or(0, Vec::len),
                purpose: r.ledger["purpose"].as_str().unwrap_or_default().to_owned(),
            })
            .collect(),
        received_total: count(view.received_total),
    }
}

/// Sections by the clause that opens them.
fn by_clause(sections: impl Iterator<Item = (String, String)>) -> Vec<(String, String)> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (clause, section) in sections {
        found.entry(clause).or_default().push(section);
    }
    found.into_iter().map(|(clause, sections)| (clause, sections.join(", "))).collect()
}

/// Who could see somebody's records at an instant, who did, who received them. Sent, since it names a person.
///
/// # Errors
/// As the act.
pub async fn report(state: State, posted: Posted) -> Shown {
    let (visit, form, t) = (&posted.visit, &posted.form, posted.visit.t);
    let register = visit.register(&state)?;
    let subject = form.text("subject").map(str::to_owned);
    let record_id = subject.as_deref().and_then(|s| Uuid::parse_str(s).ok());
    let zone = register.definition.register.time_zone;
    let mut faults = Vec::new();
    if subject.is_none() {
        faults.push(ask::fault(t, "subject", "access-fault-subject", None));
    }
    let on = form.text("on").map(super::visit::day);
    let clock = form.text("time").map(|text| chrono::NaiveTime::parse_from_str(text, "%H:%M"));
    if on == Some(None) {
        faults.push(ask::fault(t, "on", "access-fault-day", None));
    }
    if matches!(clock, Some(Err(_))) {
        faults.push(ask::fault(t, "time", "access-fault-time", None));
    }
    if !faults.is_empty() {
        return super::html_as(
            actix_web::http::StatusCode::UNPROCESSABLE_ENTITY,
            &report_page(&state, visit, form, faults, None)?,
        );
    }
    // A day alone means its end.
    let last = chrono::NaiveTime::from_hms_opt(23, 59, 59).unwrap_or_default();
    let at = on.flatten().and_then(|day| {
        let clock = clock.and_then(Result::ok).unwrap_or(last);
        day.and_time(clock).and_local_timezone(zone).latest().map(|at| at.to_utc())
    });
    let query = ReportQuery {
        subject: subject.filter(|_| record_id.is_none()),
        record_id,
        at,
        limit: ROWS,
        cursor: form.id("cursor")?,
        received_cursor: form.id("received_cursor")?,
    };
    match state.app.access_report(visit.cx(), register.name().to_owned(), query).await {
        Ok(view) => html(&report_page(&state, visit, form, Vec::new(), Some(view.get()))?),
        Err(error) => {
            let problem = Problem::from(error);
            let faults = if problem.kind == crate::web::problem::Kind::NotFound {
                vec![ask::fault(t, "subject", "access-fault-unknown", None)]
            } else {
                ask::faults(t, problem, &["subject"])?
            };
            super::html_as(
                actix_web::http::StatusCode::UNPROCESSABLE_ENTITY,
                &report_page(&state, visit, form, faults, None)?,
            )
        }
    }
}

struct Rule {
    clause: String,
    says: String,
    forbids: bool,
}

#[derive(Template)]
#[template(path = "ui/access/rules.html")]
struct RulesPage {
    f: Frame,
    clause: String,
    roles: Vec<(Said, String)>,
    actions: Vec<(String, Vec<bool>)>,
    rules: Vec<Rule>,
}

/// What each role may do, by the policies of the definition: the statute itself, for whoever is logged in.
///
/// # Errors
/// None of its own.
pub async fn rules(state: State, visit: Visit) -> Shown {
    let t = visit.t;
    let register = visit.register(&state)?;
    let definition = &register.definition;
    let roles: Vec<&Role> = definition.register.roles.iter().collect();
    let may: Vec<BTreeSet<String>> = roles
        .iter()
        .map(|role| {
            let grant = Grant {
                id: Uuid::nil(),
                user_id: Uuid::nil(),
                role: role.name.clone(),
                institution_id: None,
                sections: None,
                from: definition.register.act.in_force_from,
                until: None,
                basis: Basis { kind: String::new(), reference: String::new() },
                task: None,
                application_id: None,
                revoked: false,
                version: 1,
            };
            // Somebody in this role alone; what is everybody's is in the role of the person concerned.
            let actor = Actor {
                user_id: role.implicit.then(Uuid::nil),
                name: String::new(),
                personal_code: None,
                grants: if role.implicit { Vec::new() } else { vec![grant] },
                standing_roles: Vec::new(),
                closed: None,
            };
            actor.abilities(&register.policies, definition).actions
        })
        .collect();
    let frame = visit.frame(&state, t.say("access-rules"));
    html(&RulesPage {
        clause: definition.register.access.clause.0.clone(),
        roles: roles.iter().map(|r| (t.label(&r.label), r.clause.0.clone())).collect(),
        actions: Action::ALL
            .iter()
            .map(|a| (action_label(t, a.as_str()), may.iter().map(|m| m.contains(a.as_str())).collect()))
            .collect(),
        rules: policies(&definition.policies),
        f: frame.crumb(t.say("access-title"), &format!("/r/{}/access", register.name())),
    })
}

/// What the policies say of themselves.
fn policies(text: &str) -> Vec<Rule> {
    let quoted = |line: &str, name: &str| {
        line.trim().strip_prefix(name)?.strip_prefix("(\"")?.strip_suffix("\")").map(str::to_owned)
    };
    let (mut rules, mut clause, mut says): (Vec<Rule>, Option<String>, Option<String>) = (Vec::new(), None, None);
    for line in text.lines() {
        clause = quoted(line, "@clause").or(clause);
        says = quoted(line, "@says").or(says);
        let start = line.trim_start();
        if (start.starts_with("permit") || start.starts_with("forbid"))
            && let (Some(clause), Some(says)) = (clause.take(), says.take())
        {
            rules.push(Rule { clause, says, forbids: start.starts_with("forbid") });
        }
    }
    rules
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_tell_what_they_say_and_where_the_statute_says_so() {
        let text = "@id(\"a\")\n@clause(\"§ 1\")\n@says(\"One sees.\")\npermit (principal, action, resource);\n\
                    // forbid nothing\n@id(\"b\")\n@clause(\"§ 2\")\n@says(\"One does not.\")\nforbid (principal);";
        let found: Vec<_> = policies(text).into_iter().map(|r| (r.clause, r.says, r.forbids)).collect();
        assert_eq!(
            found,
            [("§ 1".to_owned(), "One sees.".to_owned(), false), ("§ 2".to_owned(), "One does not.".to_owned(), true)]
        );
    }
}
