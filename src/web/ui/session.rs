//! Logging in and out, the role acted in, the purpose of a piece of work, one's own settings.

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use askama::Template;

use super::frame::{Fault, Frame};
use super::visit::{Form, Guest, Knock, Posted, Unsent, Visit, set_cookie, way_back};
use super::{Page, Shown, State, html, html_as, page, plain};
use crate::app::browser::BrowserState;
use crate::app::desk::{Density, Theme};
use crate::domain::refusal::Refusal;
use crate::locale::Lang;
use crate::web::context;
use crate::web::problem::{Kind, Problem};

/// Pages of this noun.
pub const PAGES: &[Page] = &[
    page!(Get "/login", login, "session.open"),
    page!(Post "/login", enter, "session.open"),
    page!(Post "/logout", leave, "session.end"),
    page!(Post "/logout-everywhere", leave_everywhere, "session.end"),
    page!(Post "/session", extend, "session.extend: no personal data"),
    page!(Post "/role", act_as, "session.role: the visitor's own session"),
    page!(Get "/r/{r}/purpose", purpose, "session.purpose: the visitor's own session"),
    page!(Post "/r/{r}/purpose", state_purpose, "session.purpose: the visitor's own session"),
    page!(Get "/settings", settings, "settings.read: the visitor's own"),
    page!(Post "/settings", change_settings, "settings.change: the visitor's own"),
];

/// Longest purpose, in characters; what the log takes.
const LONGEST_PURPOSE: usize = 500;

#[derive(Template)]
#[template(path = "ui/session/login.html")]
struct LoginPage {
    f: Frame,
    /// Where to go afterwards.
    back: String,
    /// What was typed as the name.
    username: String,
    /// Whether a session has just ended.
    ended: bool,
    /// What is wrong.
    faults: Vec<Fault>,
    /// What waits to be sent, sealed.
    unsent: Option<String>,
    /// The demonstration's users, where this is one.
    demo: Vec<(&'static str, String)>,
}

/// The first page: to the desk, to the only register, or to the login.
///
/// # Errors
/// Those of the store.
pub async fn door(state: State, guest: Guest) -> Shown {
    let Some(signed) = &guest.signed else { return guest.see("/") };
    let mine = signed.facts.settings.language.as_deref().and_then(|code| code.parse::<Lang>().ok());
    let guest = guest.speaking(mine.unwrap_or(guest.t.lang));
    guest.see(&home(&state, &guest))
}

/// Where somebody's work begins: the desk of their first register, or their own data.
fn home(state: &State, guest: &Guest) -> String {
    let grants = guest.signed.as_ref().map(|s| s.facts.grants.as_slice()).unwrap_or_default();
    let known = |name: &str| !state.app.store.registers().versions(name).is_empty();
    grants.iter().find(|g| known(&g.register)).map_or_else(|| "/me".to_owned(), |g| format!("/r/{}/desk", g.register))
}

/// The login page.
///
/// # Errors
/// Those of the store.
pub async fn login(state: State, guest: Guest) -> Shown {
    if guest.signed.is_some() {
        return guest.see(&way_back(guest.q("back")).unwrap_or_else(|| home(&state, &guest)));
    }
    html(&login_page(&state, &guest, &Form::default(), Vec::new(), None))
}

fn login_page(state: &State, guest: &Guest, form: &Form, faults: Vec<Fault>, unsent: Option<String>) -> LoginPage {
    let frame = guest.frame(state, guest.t.say("session-login"));
    let demo = ["hr_clerk", "institution_head", "administrator", "supervisor", "controller", "data_subject"];
    let about = |user: &&'static str| (*user, guest.t.say(&format!("session-demo-{}", user.replace('_', "-"))));
    LoginPage {
        f: if faults.is_empty() { frame } else { frame.faulty() },
        back: way_back(form.text("back").or(guest.q("back"))).unwrap_or_default(),
        username: form.value("username").to_owned(),
        ended: guest.q("ended").is_some() || unsent.is_some(),
        faults,
        unsent: unsent.or_else(|| form.text("unsent").map(str::to_owned)),
        demo: if state.settings.demo { demo.iter().map(about).collect() } else { Vec::new() },
    }
}

/// The login page in the place of an answer to what was sent too late. What was filled in goes through it, sealed.
pub fn login_again(state: &State, guest: &Guest, unsent: Option<Unsent>) -> HttpResponse {
    let sealed = unsent.map(|unsent| {
        let owner = unsent.owner.to_string();
        let body = serde_json::json!({ "to": unsent.to, "pairs": unsent.pairs }).to_string();
        // Only whoever wrote it gets it back: the seal is over the owner.
        let seal =
            crate::domain::hex(&state.app.tokens.request_digest(&[b"unsent", owner.as_bytes(), body.as_bytes()]));
        format!("{seal}.{body}")
    });
    let page = login_page(state, guest, &Form::default(), Vec::new(), sealed);
    html_as(StatusCode::UNAUTHORIZED, &page).unwrap_or_else(|_| HttpResponse::Unauthorized().finish())
}

#[derive(Template)]
#[template(path = "ui/session/resume.html")]
struct ResumePage {
    f: Frame,
    /// Where it was to be sent.
    to: String,
    /// What was filled in.
    pairs: Vec<(String, String)>,
}

/// Logs in.
///
/// # Errors
/// Those of the store.
pub async fn enter(state: State, knock: Knock) -> Shown {
    let Knock { guest, form } = knock;
    let (Some(username), Some(password)) = (form.text("username"), form.raw("password").filter(|p| !p.is_empty()))
    else {
        let missing = if form.text("username").is_none() { "username" } else { "password" };
        let text = guest.t.say(&format!("session-missing-{missing}"));
        let fault = Fault { id: missing.to_owned(), text, clause: None };
        return html_as(StatusCode::UNPROCESSABLE_ENTITY, &login_page(&state, &guest, &form, vec![fault], None));
    };
    let opened = state.app.browser_login(guest.request_id.clone(), username, password.to_owned()).await;
    let cookie = match opened.map_err(Problem::from) {
        Ok(cookie) => cookie,
        Err(problem) if [Kind::Unauthenticated, Kind::TooMany, Kind::Forbidden].contains(&problem.kind) => {
            let text = match problem.kind {
                Kind::Unauthenticated => guest.t.say("session-wrong"),
                Kind::TooMany => {
                    let seconds = problem.header.as_ref().map(|h| h.1.clone()).unwrap_or_default();
                    guest.t.say_with("session-wait", &[("seconds", &seconds)])
                }
                _ => guest.t.say("session-left"),
            };
            let fault = Fault { id: "username".into(), text, clause: problem.clause.clone() };
            let status = StatusCode::from_u16(problem.kind.status()).unwrap_or(StatusCode::UNAUTHORIZED);
            return html_as(status, &login_page(&state, &guest, &form, vec![fault], None));
        }
        Err(problem) => return Err(problem),
    };
    let browser = state.app.browser(&cookie).await?.ok_or(Refusal::Unauthenticated)?;
    let mut response = match form.text("unsent").and_then(|sealed| unseal(&state, sealed, browser.user_id)) {
        Some(unsent) => {
            let mut frame = guest.frame(&state, guest.t.say("session-resume"));
            frame.csrf.clone_from(&browser.csrf);
            html(&ResumePage { f: frame, to: guest.href(&unsent.to), pairs: unsent.pairs })?
        }
        None => {
            let to = way_back(form.text("back")).unwrap_or_else(|| "/".into());
            // The first page knows where this visitor's work begins.
            let to = if to == "/" { to } else { guest.href(&to) };
            HttpResponse::SeeOther().insert_header((header::LOCATION, to)).finish()
        }
    };
    let web = context::web(guest.request())?;
    response.add_cookie(&set_cookie(&web, Some(&cookie))).map_err(|e| crate::app::Error::Setup(e.to_string()))?;
    Ok(response)
}

fn unseal(state: &State, sealed: &str, owner: uuid::Uuid) -> Option<Unsent> {
    let (seal, body) = sealed.split_once('.')?;
    let whose = owner.to_string();
    let ours = crate::domain::hex(&state.app.tokens.request_digest(&[b"unsent", whose.as_bytes(), body.as_bytes()]));
    if seal != ours {
        return None;
    }
    let value: serde_json::Value = serde_json::from_str(body).ok()?;
    let to = way_back(value.get("to")?.as_str())?;
    let pairs = serde_json::from_value(value.get("pairs")?.clone()).ok()?;
    Some(Unsent { to, pairs, owner })
}

/// Logs out.
///
/// # Errors
/// Those of the store.
pub async fn leave(state: State, posted: Posted) -> Shown {
    state.app.browser_logout(&posted.visit.signed.cookie).await?;
    gone(&posted.visit)
}

/// Ends every session of the visitor, on every machine.
///
/// # Errors
/// Those of the store.
pub async fn leave_everywhere(state: State, posted: Posted) -> Shown {
    state.app.logout_everywhere(posted.visit.cx()).await?;
    gone(&posted.visit)
}

fn gone(visit: &Visit) -> Shown {
    let mut response = visit.done("/login", "logged-out")?;
    let web = context::web(visit.request())?;
    response.add_cookie(&set_cookie(&web, None)).map_err(|e| crate::app::Error::Setup(e.to_string()))?;
    Ok(response)
}

/// Draws the session out; to a script it says how many seconds are left.
///
/// # Errors
/// Those of the store.
pub async fn extend(state: State, posted: Posted) -> Shown {
    let browser = state.app.browser_extend(&posted.visit.signed.cookie).await?.ok_or(Refusal::Unauthenticated)?;
    if posted.visit.wants_part() {
        let left = browser.idle_until.min(browser.ends_at) - state.app.store.now();
        return plain(left.num_seconds().max(0).to_string());
    }
    posted.visit.see(&way_back(posted.form.text("back")).unwrap_or_else(|| "/settings".into()))
}

/// Chooses the role acted in.
///
/// # Errors
/// Those of the store.
pub async fn act_as(state: State, posted: Posted) -> Shown {
    let visit = &posted.visit;
    let chosen = posted.form.id("grant")?;
    let own = chosen.filter(|id| visit.signed.facts.grants.iter().any(|g| g.grant_id == *id));
    let kept = BrowserState { acting_as: own, ..visit.signed.browser.state.clone() };
    state.app.browser_state(&visit.signed.cookie, kept).await?;
    let register = own.and_then(|id| visit.signed.facts.grants.iter().find(|g| g.grant_id == id)).map(|g| &g.register);
    // The page one was on may be none of the other role's; the desk always is.
    let home = register.map(|r| format!("/r/{r}/desk"));
    visit.see(&home.or_else(|| way_back(posted.form.text("back"))).unwrap_or_else(|| "/".into()))
}

#[derive(Template)]
#[template(path = "ui/session/purpose.html")]
struct PurposePage {
    f: Frame,
    back: String,
    clause: Option<String>,
    choices: Vec<(String, super::Said, String)>,
    chosen: String,
    reference: String,
    faults: Vec<Fault>,
}

/// Asks why data are looked at: once for each piece of work, from the purposes that the statute names.
///
/// # Errors
/// 404.
pub async fn purpose(state: State, visit: Visit) -> Shown {
    html(&purpose_page(&state, &visit, &Form::default(), Vec::new())?)
}

fn purpose_page(state: &State, visit: &Visit, form: &Form, faults: Vec<Fault>) -> Result<PurposePage, Problem> {
    let register = visit.register(state)?;
    let source = &register.definition.register;
    let frame = visit.frame(state, visit.t.say("session-purpose"));
    Ok(PurposePage {
        f: if faults.is_empty() { frame } else { frame.faulty() },
        back: way_back(form.text("back").or(visit.q("back"))).unwrap_or_default(),
        clause: source.access.purpose_clause.as_ref().map(ToString::to_string),
        choices: source
            .purposes
            .iter()
            .map(|p| (p.name.clone(), visit.t.label(&p.label), p.clause.to_string()))
            .collect(),
        chosen: form.value("purpose").to_owned(),
        reference: form.value("reference").to_owned(),
        faults,
    })
}

/// Keeps the purpose until the work is another one, or the session ends.
///
/// # Errors
/// Those of the store.
pub async fn state_purpose(state: State, posted: Posted) -> Shown {
    let (visit, form) = (&posted.visit, &posted.form);
    let register = visit.register(&state)?;
    let clause = register.definition.register.access.purpose_clause.clone();
    let chosen = register.definition.register.purposes.iter().find(|p| Some(p.name.as_str()) == form.text("purpose"));
    let Some(item) = chosen else {
        let fault = Fault { id: "purpose".into(), text: visit.t.say("session-choose-purpose"), clause };
        return html_as(StatusCode::UNPROCESSABLE_ENTITY, &purpose_page(&state, visit, form, vec![fault])?);
    };
    // The log speaks the language of the statute.
    let text = match form.text("reference") {
        Some(reference) => format!("{} · {reference}", item.label.official()),
        None => item.label.official().to_owned(),
    };
    if text.chars().count() > LONGEST_PURPOSE || text.chars().any(char::is_control) {
        let fault = Fault { id: "reference".into(), text: visit.t.say("session-long-reference"), clause };
        return html_as(StatusCode::UNPROCESSABLE_ENTITY, &purpose_page(&state, visit, form, vec![fault])?);
    }
    let kept = BrowserState {
        purpose: Some(text),
        purpose_register: Some(register.name().to_owned()),
        ..visit.signed.browser.state.clone()
    };
    state.app.browser_state(&visit.signed.cookie, kept).await?;
    visit.see(&way_back(form.text("back")).unwrap_or_else(|| format!("/r/{}/desk", register.name())))
}

#[derive(Template)]
#[template(path = "ui/session/settings.html")]
struct SettingsPage {
    f: Frame,
    language: String,
    theme: &'static str,
    shortcuts: bool,
    dense: bool,
    keys: Vec<(&'static str, String)>,
}

/// The visitor's own settings.
///
/// # Errors
/// None of its own.
pub async fn settings(state: State, visit: Visit) -> Shown {
    let mine = &visit.signed.facts.settings;
    html(&SettingsPage {
        f: visit.frame(&state, visit.t.say("session-settings")),
        language: mine.language.clone().unwrap_or_else(|| visit.t.code().to_owned()),
        theme: match mine.theme {
            Theme::Auto => "auto",
            Theme::Light => "light",
            Theme::Dark => "dark",
        },
        shortcuts: mine.shortcuts,
        dense: mine.density == Density::Compact,
        keys: keys(visit.t),
    })
}

/// The keys that do something on a page, each with what it does.
pub(super) fn keys(t: super::say::T) -> Vec<(&'static str, String)> {
    let keys = [
        ("/", "session-key-search"),
        ("N", "session-key-new"),
        ("M", "session-key-change"),
        ("J · K", "session-key-rows"),
        ("Ctrl + S", "session-key-save"),
    ];
    keys.map(|(key, does)| (key, t.say(does))).into()
}

/// Changes them.
///
/// # Errors
/// Those of the store.
pub async fn change_settings(state: State, posted: Posted) -> Shown {
    let (visit, form) = (&posted.visit, &posted.form);
    let mut mine = visit.signed.facts.settings.clone();
    let language = form.text("language").and_then(|code| code.parse::<Lang>().ok()).unwrap_or(visit.t.lang);
    mine.language = Some(language.code().to_owned());
    mine.theme = match form.value("theme") {
        "light" => Theme::Light,
        "dark" => Theme::Dark,
        _ => Theme::Auto,
    };
    mine.shortcuts = form.has("shortcuts");
    mine.density = if form.has("dense") { Density::Compact } else { Density::Comfortable };
    state.app.save_settings(visit.cx(), mine).await?;
    let to = format!("/{}/settings?done=settings-saved", language.code());
    Ok(HttpResponse::SeeOther().insert_header((header::LOCATION, to)).finish())
}
