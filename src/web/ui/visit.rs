//! Who visits a page: language, session, the register, and what is sent by a form.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use actix_multipart::Multipart;
use actix_web::dev::Payload;
use actix_web::http::{Method, StatusCode, header};
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, HttpResponse, web};
use chrono::NaiveDate;
use futures_util::StreamExt as _;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::say::T;
use super::{Shown, State};
use crate::app::browser::Browser;
use crate::app::desk::Facts;
use crate::app::{ActContext, Caller, Idempotency};
use crate::domain::calendar::parse_day;
use crate::domain::directory;
use crate::domain::publicity::View;
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::domain::statute::Description;
use crate::locale::Lang;
use crate::web::context::{self, percent_decoded};
use crate::web::problem::{Kind, Problem, too_large};
use crate::web::{Web, json};

/// The session's cookie where the way to us is protected: no other host can set it (RFC 6265bis, `__Host-`).
const COOKIE: &str = "__Host-sid";
/// The same on the machine itself without TLS, where browsers keep no secure cookies.
const LOCAL_COOKIE: &str = "sid";
/// Names the part of a page that a script will take out of the answer.
pub const PART: header::HeaderName = header::HeaderName::from_static("x-part");
/// Most fields of a form.
const MOST_FIELDS: usize = 20_000;

/// What a page is about.
#[derive(Debug, Clone)]
pub enum Subject {
    /// A register that is kept here.
    Here(Arc<Register>),
    /// The description of one that is kept elsewhere.
    Elsewhere(Arc<Description>),
}

impl Subject {
    /// As documents see it.
    pub fn view(&self) -> View<'_> {
        match self {
            Self::Here(register) => View::Kept(&register.definition),
            Self::Elsewhere(description) => View::Described(description),
        }
    }
}

/// Nothing is done here with a register that is only described.
fn kept_elsewhere() -> Problem {
    Problem { code: Some("kept_elsewhere"), ..Problem::not_found() }
}

/// Somebody who is logged in.
#[derive(Debug, Clone)]
pub struct Signed {
    /// Their session.
    pub browser: Browser,
    /// The cookie's value: names the session to the acts on it.
    pub cookie: String,
    /// Who they are, and what they may do in the register of the page.
    pub facts: Arc<Facts>,
}

/// A visit by anybody.
#[derive(Debug, Clone)]
pub struct Guest {
    /// Texts in the visitor's language.
    pub t: T,
    /// The address after the language, with its query: `/r/x/desk?tab=2`.
    pub here: String,
    /// The request's id.
    pub request_id: Option<String>,
    /// Who, if logged in.
    pub signed: Option<Signed>,
    request: HttpRequest,
    query: Vec<(String, String)>,
}

impl Guest {
    async fn of(req: HttpRequest) -> Result<Self, Problem> {
        let web = context::web(&req)?;
        let lang = req.match_info().get("lang").and_then(|code| code.parse().ok()).unwrap_or_else(|| {
            // Addresses without a language (the first page) speak what the browser asks for.
            context::language(req.headers())
        });
        let t = T { lang, stretched: web.settings.stretched };
        let prefix = format!("/{}", lang.code());
        let path = req.path().strip_prefix(&prefix).unwrap_or(req.path());
        let query = req.query_string();
        let here = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
        let query = pairs(query)?;
        let request_id = context::request_id(&req);
        let mut guest = Self { t, here, request_id, signed: None, request: req, query };
        guest.signed = guest.find(&web).await?;
        // Whatever answers in the end, a problem too, finds who it speaks to.
        guest.request.extensions_mut().insert(guest.clone());
        Ok(guest)
    }

    async fn find(&self, web: &Web) -> Result<Option<Signed>, Problem> {
        let Some(cookie) = cookie(&self.request) else { return Ok(None) };
        let Some(browser) = web.app.browser(&cookie).await? else { return Ok(None) };
        let register = self.request.match_info().get("r").map(str::to_owned);
        let known = register.filter(|r| !web.app.store.registers().versions(r).is_empty());
        let cx = self.context_of(&browser);
        match web.app.facts(cx, known).await.map_err(Problem::from) {
            Ok(facts) => Ok(Some(Signed { browser, cookie, facts: Arc::new(facts) })),
            Err(problem) if problem.kind == Kind::Unauthenticated => Ok(None),
            Err(problem) => Err(problem),
        }
    }

    fn context_of(&self, browser: &Browser) -> ActContext {
        let state = &browser.state;
        let here = self.request.match_info().get("r");
        let same = here.is_some() && state.purpose_register.as_deref() == here;
        ActContext {
            caller: Caller::Session { user_id: browser.user_id, session_id: browser.session_id },
            purpose: state.purpose.clone().filter(|_| same),
            request_id: self.request_id.clone(),
            idempotency: None,
            if_match: None,
            acting_as: state.acting_as,
        }
    }

    /// A parameter of the query, without surrounding spaces; absent where it is empty.
    pub fn q(&self, name: &str) -> Option<&str> {
        let value = self.query.iter().find(|(n, _)| n == name)?.1.trim();
        (!value.is_empty()).then_some(value)
    }

    /// All values of a parameter of the query.
    pub fn q_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        self.query.iter().filter(move |(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// The whole query, in order.
    pub fn query(&self) -> &[(String, String)] {
        &self.query
    }

    /// A day of the query, as people write days.
    ///
    /// # Errors
    /// 400 where it is none.
    pub fn q_day(&self, name: &str) -> Result<Option<NaiveDate>, Problem> {
        let wrong = || Problem::parameter(name, "date", "this is not a day");
        self.q(name).map(|text| day(text).ok_or_else(wrong)).transpose()
    }

    /// An id of the query.
    ///
    /// # Errors
    /// 400 where it is none.
    pub fn q_id(&self, name: &str) -> Result<Option<Uuid>, Problem> {
        let wrong = || Problem::parameter(name, "id", "this is not an id");
        self.q(name).map(|text| Uuid::parse_str(text).map_err(|_| wrong())).transpose()
    }

    /// A segment of the path.
    pub fn word(&self, name: &str) -> &str {
        self.request.match_info().get(name).unwrap_or_default()
    }

    /// A segment of the path that is an id.
    ///
    /// # Errors
    /// 404 where it is none.
    pub fn id(&self, name: &str) -> Result<Uuid, Problem> {
        Uuid::parse_str(self.word(name)).map_err(|_| Problem::not_found())
    }

    /// The register of the page: the version in force today, or else the last one.
    ///
    /// # Errors
    /// 404 where there is none of that name.
    pub fn register(&self, state: &State) -> Result<Arc<Register>, Problem> {
        match self.subject(state)? {
            Subject::Here(register) => Ok(register),
            Subject::Elsewhere(_) => Err(kept_elsewhere()),
        }
    }

    /// What the page is about: a register in the version in force today, or else the last one, or the description of one
    /// that is kept elsewhere.
    ///
    /// # Errors
    /// 404 where there is none of that name.
    pub fn subject(&self, state: &State) -> Result<Subject, Problem> {
        let name = self.word("r");
        let registers = state.app.store.registers();
        let now = state.app.store.now();
        let subject = match registers.versions(name).last().map(|r| Arc::clone(r)) {
            Some(last) => Subject::Here(registers.current(name, last.day(now)).cloned().unwrap_or(last)),
            None => {
                let described = registers.elsewhere(name, directory::today_elsewhere(now)).cloned();
                Subject::Elsewhere(described.ok_or_else(Problem::not_found)?)
            }
        };
        if subject.view().is_secret() && !self.works_here(name) {
            return Err(Problem::not_found());
        }
        Ok(subject)
    }

    /// Whether the visitor holds any right in the register.
    pub fn works_here(&self, register: &str) -> bool {
        self.signed.as_ref().is_some_and(|signed| signed.facts.grants.iter().any(|held| held.register == register))
    }

    /// Refuses whoever wants to work with a register that is kept elsewhere, before they are asked to log in.
    fn of_a_register_kept_here(&self) -> Result<(), Problem> {
        let registers = context::web(&self.request)?.app.store.registers();
        let name = self.word("r");
        let only_described = registers.versions(name).is_empty() && !registers.versions_elsewhere(name).is_empty();
        if only_described { Err(kept_elsewhere()) } else { Ok(()) }
    }

    /// The same visit in another language.
    #[must_use]
    pub fn speaking(&self, lang: Lang) -> Self {
        Self { t: T { lang, ..self.t }, ..self.clone() }
    }

    /// Whether a script asked for this part of the page alone.
    pub fn wants_part(&self) -> bool {
        self.request.headers().contains_key(PART)
    }

    /// The request.
    pub fn request(&self) -> &HttpRequest {
        &self.request
    }

    /// An address in the visitor's language.
    pub fn href(&self, path: &str) -> String {
        format!("/{}{path}", self.t.code())
    }

    /// Sends the visitor on (303).
    ///
    /// # Errors
    /// None.
    pub fn see(&self, path: &str) -> Shown {
        Ok(HttpResponse::SeeOther().insert_header((header::LOCATION, self.href(path))).finish())
    }

    /// Sends the visitor on after an act; the next page says the text `done-<what>`.
    ///
    /// # Errors
    /// None.
    pub fn done(&self, path: &str, what: &str) -> Shown {
        let (path, anchor) = path.split_once('#').map_or((path, String::new()), |(p, a)| (p, format!("#{a}")));
        let join = if path.contains('?') { '&' } else { '?' };
        self.see(&format!("{path}{join}done={what}{anchor}"))
    }
}

/// A visit by somebody who is logged in.
#[derive(Debug, Clone)]
pub struct Visit {
    /// Everything that is known of any visitor.
    pub guest: Guest,
    /// Who they are.
    pub signed: Signed,
}

impl std::ops::Deref for Visit {
    type Target = Guest;

    fn deref(&self) -> &Guest {
        &self.guest
    }
}

impl Visit {
    /// What the acts are told: who, in which role, for what purpose.
    pub fn cx(&self) -> ActContext {
        self.guest.context_of(&self.signed.browser)
    }

    /// Whether the role acted in may do this somewhere in the register of the page. For showing ways only: the act
    /// itself decides.
    pub fn may(&self, action: &str) -> bool {
        self.signed.facts.may.contains(action)
    }
}

/// A file that came with a form.
#[derive(Debug, Clone)]
pub struct Upload {
    /// Name of the field.
    pub field: String,
    /// Name that the visitor's machine gives it.
    pub name: String,
    /// Media type that the browser claims.
    pub claimed: Option<String>,
    /// Content.
    pub bytes: Vec<u8>,
}

/// What was filled in.
#[derive(Debug, Clone, Default)]
pub struct Form {
    /// Names and values, in order, as they were typed.
    pub pairs: Vec<(String, String)>,
    /// Files.
    pub files: Vec<Upload>,
}

impl Form {
    /// A value as it was typed.
    pub fn raw(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// A value without surrounding spaces; absent where it is empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.raw(name).map(str::trim).filter(|v| !v.is_empty())
    }

    /// The value, or an empty text.
    pub fn value(&self, name: &str) -> &str {
        self.raw(name).unwrap_or_default()
    }

    /// All values of a name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        self.pairs.iter().filter(move |(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// Whether a box was ticked, or a button pressed.
    pub fn has(&self, name: &str) -> bool {
        self.raw(name).is_some()
    }

    /// An id.
    ///
    /// # Errors
    /// 422 where it is none.
    pub fn id(&self, name: &str) -> Result<Option<Uuid>, Problem> {
        let wrong = || Refusal::invalid(&format!("/{name}"), "id", "This is not an id.", None);
        Ok(self.text(name).map(|text| Uuid::parse_str(text).map_err(|_| wrong())).transpose()?)
    }

    /// A day as people write days: `1.9.2026`, `01.09.2026`, `01092026`, `2026-09-01`.
    ///
    /// # Errors
    /// 422 where it is none.
    pub fn day(&self, name: &str) -> Result<Option<NaiveDate>, Problem> {
        let wrong = || Refusal::invalid(&format!("/{name}"), "date", "This is not a day.", None);
        Ok(self.text(name).map(|text| day(text).ok_or_else(wrong)).transpose()?)
    }

    /// The first file of a field; absent where none was chosen.
    pub fn file(&self, field: &str) -> Option<&Upload> {
        self.files.iter().find(|f| f.field == field)
    }
}

/// A form sent by somebody who is logged in, from a page of ours.
#[derive(Debug)]
pub struct Posted {
    /// Who.
    pub visit: Visit,
    /// What.
    pub form: Form,
}

impl Posted {
    /// As [`Visit::cx`], with the version that the form was made from (`version`) and with the form's own key
    /// (`once`), by which a second sending of the same form is known.
    pub fn cx(&self, state: &State) -> ActContext {
        let mut cx = self.visit.cx();
        cx.if_match = self.form.text("version").and_then(|v| v.parse().ok());
        cx.idempotency = self.form.text("once").filter(|key| key.len() <= 100).map(|key| {
            let mut parts: Vec<&[u8]> = vec![b"form", self.visit.guest.request.path().as_bytes()];
            for (name, value) in self.form.pairs.iter().filter(|(n, _)| n != "csrf") {
                parts.push(name.as_bytes());
                parts.push(value.as_bytes());
            }
            for file in &self.form.files {
                parts.push(&file.bytes);
            }
            Idempotency { key: key.to_owned(), digest: state.app.tokens.request_digest(&parts) }
        });
        cx
    }
}

/// What could not be sent because the session had ended: it goes through the login page and is offered again.
#[derive(Debug, Clone)]
pub struct Unsent {
    /// Where it was sent to, after the language.
    pub to: String,
    /// What was filled in.
    pub pairs: Vec<(String, String)>,
    /// Whose session it was; nobody else is given it back.
    pub owner: Uuid,
}

type Coming<T> = Pin<Box<dyn Future<Output = Result<T, Problem>>>>;

impl FromRequest for Guest {
    type Error = Problem;
    type Future = Coming<Self>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        Box::pin(Self::of(req.clone()))
    }
}

impl FromRequest for Visit {
    type Error = Problem;
    type Future = Coming<Self>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let req = req.clone();
        Box::pin(async move {
            let guest = Guest::of(req).await?;
            guest.of_a_register_kept_here()?;
            let signed = guest.signed.clone().ok_or(Refusal::Unauthenticated)?;
            Ok(Self { guest, signed })
        })
    }
}

impl FromRequest for Posted {
    type Error = Problem;
    type Future = Coming<Self>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (req, payload) = (req.clone(), payload.take());
        Box::pin(async move {
            let guest = Guest::of(req.clone()).await?;
            guest.of_a_register_kept_here()?;
            same_site(&req)?;
            let Some(signed) = guest.signed.clone() else {
                let web = context::web(&req)?;
                // Only a form of somebody whose session has just ended is worth reading.
                if let Some(old) = cookie(&req)
                    && let Some(owner) = web.app.browser_owner(&old).await?
                {
                    let form = read_form(&req, payload).await?;
                    let pairs = form.pairs.into_iter().filter(|(n, _)| n != "csrf").collect();
                    req.extensions_mut().insert(Unsent { to: guest.here.clone(), pairs, owner });
                }
                return Err(Refusal::Unauthenticated.into());
            };
            let form = read_form(&req, payload).await?;
            check_token(form.value("csrf"), &signed.browser.csrf)?;
            Ok(Self { visit: Visit { guest, signed }, form })
        })
    }
}

/// A form sent by anybody: the login itself.
#[derive(Debug)]
pub struct Knock {
    /// Who knocks.
    pub guest: Guest,
    /// What.
    pub form: Form,
}

impl FromRequest for Knock {
    type Error = Problem;
    type Future = Coming<Self>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (req, payload) = (req.clone(), payload.take());
        Box::pin(async move {
            same_site(&req)?;
            let guest = Guest::of(req.clone()).await?;
            Ok(Self { form: read_form(&req, payload).await?, guest })
        })
    }
}

/// The cookie's value.
pub fn cookie(req: &HttpRequest) -> Option<String> {
    let web = context::web(req).ok()?;
    req.cookie(cookie_name(&web)).map(|c| c.value().to_owned()).filter(|v| (20..=200).contains(&v.len()))
}

/// What the cookie is called here.
fn cookie_name(web: &Web) -> &'static str {
    if web.settings.secure { COOKIE } else { LOCAL_COOKIE }
}

/// The cookie that opens a session, or, without a value, ends it.
pub fn set_cookie(web: &Web, value: Option<&str>) -> actix_web::cookie::Cookie<'static> {
    use actix_web::cookie::{Cookie, SameSite, time::Duration};
    // Lax, not Strict: a link in a letter must find the session, and so must the return from a state login.
    let cookie = Cookie::build(cookie_name(web), value.unwrap_or_default().to_owned())
        .path("/")
        .http_only(true)
        .secure(web.settings.secure)
        .same_site(SameSite::Lax);
    match value {
        Some(_) => cookie.finish(),
        None => cookie.max_age(Duration::ZERO).finish(),
    }
}

/// Refuses forms that another site made the browser send (Fetch Metadata; `Origin` for browsers without it).
fn same_site(req: &HttpRequest) -> Result<(), Problem> {
    let foreign = || Problem::new(Kind::Forbidden, "this form was sent from another site");
    let text = |name: header::HeaderName| req.headers().get(name).and_then(|v| v.to_str().ok());
    if let Some(site) = text(header::HeaderName::from_static("sec-fetch-site")) {
        return if ["same-origin", "none"].contains(&site) { Ok(()) } else { Err(foreign()) };
    }
    let Some(origin) = text(header::ORIGIN) else { return Ok(()) };
    let host = text(header::HOST).unwrap_or_default();
    if origin.split_once("://").is_some_and(|(_, from)| from.eq_ignore_ascii_case(host)) {
        Ok(())
    } else {
        Err(foreign())
    }
}

/// Compares the form's token with the session's, in a time that tells nothing.
fn check_token(given: &str, ours: &str) -> Result<(), Problem> {
    if Sha256::digest(given.as_bytes()) == Sha256::digest(ours.as_bytes()) {
        return Ok(());
    }
    Err(Problem {
        code: Some("form_token"),
        ..Problem::new(Kind::Forbidden, "this form is of another session; open it again")
    })
}

/// Names and values of `application/x-www-form-urlencoded`.
fn pairs(text: &str) -> Result<Vec<(String, String)>, Problem> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let wrong = || Problem::malformed("the form cannot be read");
    let read = web::Query::<Vec<(String, String)>>::from_query(text).map_err(|_| wrong())?.into_inner();
    if read.len() > MOST_FIELDS || read.iter().any(|(n, v)| n.contains('\0') || v.contains('\0')) {
        return Err(wrong());
    }
    Ok(read)
}

async fn read_form(req: &HttpRequest, payload: Payload) -> Result<Form, Problem> {
    if *req.method() != Method::POST {
        return Err(Problem::of_status(StatusCode::METHOD_NOT_ALLOWED));
    }
    json::not_encoded(req)?;
    let settings = &context::web(req)?.settings;
    if req.content_type().eq_ignore_ascii_case("multipart/form-data") {
        return read_parts(req, payload, settings.body_limit, settings.file_limit).await;
    }
    let bytes = json::bytes(req, payload, settings.body_limit).await?;
    let text = std::str::from_utf8(&bytes).map_err(|_| Problem::malformed("the form is not UTF-8"))?;
    Ok(Form { pairs: pairs(text)?, files: Vec::new() })
}

async fn read_parts(req: &HttpRequest, payload: Payload, texts: usize, files: usize) -> Result<Form, Problem> {
    let wrong = || Problem::malformed("the form cannot be read");
    let mut parts = Multipart::new(req.headers(), payload);
    let (mut form, mut left) = (Form::default(), texts);
    while let Some(part) = parts.next().await {
        let mut part = part.map_err(|_| wrong())?;
        let name = part.name().unwrap_or_default().to_owned();
        let file = part.content_disposition().and_then(|d| d.get_filename()).map(str::to_owned);
        let claimed = part.content_type().map(|m| m.essence_str().to_owned());
        let limit = if file.is_some() { files } else { left };
        let mut bytes = Vec::new();
        while let Some(chunk) = part.next().await {
            let chunk = chunk.map_err(|_| wrong())?;
            if bytes.len() + chunk.len() > limit {
                return Err(too_large(limit));
            }
            bytes.extend_from_slice(&chunk);
        }
        match file {
            // A browser sends a field without a file as a file without a name.
            Some(file) if file.is_empty() => {}
            Some(file) => form.files.push(Upload { field: name, name: file, claimed, bytes }),
            None => {
                left -= bytes.len();
                let text = String::from_utf8(bytes).map_err(|_| wrong())?;
                if text.contains('\0') || form.pairs.len() >= MOST_FIELDS {
                    return Err(wrong());
                }
                form.pairs.push((name, text));
            }
        }
        if form.files.len() > 20 {
            return Err(wrong());
        }
    }
    Ok(form)
}

/// A day as people write days; two digits of a year are too few to be sure of.
pub fn day(text: &str) -> Option<NaiveDate> {
    let text = text.trim();
    if let Some(day) = parse_day(text) {
        return Some(day);
    }
    if text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit()) {
        return parse_day(&format!("{}-{}-{}", &text[4..8], &text[2..4], &text[0..2]));
    }
    let mut parts = text.split('.').map(str::trim);
    let (d, m, y) = (parts.next()?, parts.next()?, parts.next()?);
    let digits = |t: &str, most: usize| (1..=most).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_digit());
    if parts.next().is_some_and(|rest| !rest.is_empty())
        || !digits(d, 2)
        || !digits(m, 2)
        || y.len() != 4
        || !digits(y, 4)
    {
        return None;
    }
    NaiveDate::from_ymd_opt(y.parse().ok()?, m.parse().ok()?, d.parse().ok()?)
}

/// Where a visitor wanted to go: a path of ours after the language, or nothing.
pub fn way_back(text: Option<&str>) -> Option<String> {
    let path = percent_decoded(text?).unwrap_or_else(|| text.unwrap_or_default().to_owned());
    let ours =
        path.starts_with('/') && !path.starts_with("//") && !path.contains('\\') && !path.chars().any(char::is_control);
    ours.then_some(path)
}

/// The language of an address of a page; nothing where it is no page.
pub fn language_of(path: &str) -> Option<Lang> {
    let first = path.strip_prefix('/')?.split('/').next()?;
    Lang::ALL.into_iter().find(|lang| lang.code() == first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_as_people_write_them_and_nothing_is_guessed() {
        let expected = NaiveDate::from_ymd_opt(2026, 9, 1);
        for text in ["1.9.2026", "01.09.2026", "01092026", "2026-09-01", " 1. 9. 2026 ", "1.9.2026."] {
            assert_eq!(day(text), expected, "{text}");
        }
        for text in
            ["", "1.9.26", "32.1.2026", "29.2.2026", "9/1/2026", "1.9", "2026", "1.9.2026.1", "homme", "0109202"]
        {
            assert_eq!(day(text), None, "{text}");
        }
    }

    #[test]
    fn nobody_is_sent_to_another_site() {
        for wrong in
            ["https://else.example", "//else.example", "/\\else.example", "else", "/a%0d%0aSet-Cookie:x", "%2F%2Felse"]
        {
            assert_eq!(way_back(Some(wrong)), None, "{wrong}");
        }
        assert_eq!(way_back(Some("/r/x/desk?tab=2")), Some("/r/x/desk?tab=2".into()));
        assert_eq!(way_back(None), None);
    }
}
