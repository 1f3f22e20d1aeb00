//! Problems as pages: what is wrong, which clause says so, and what to do now.

use actix_web::http::{Method, StatusCode, header};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};
use askama::Template;

use super::frame::Frame;
use super::session;
use super::visit::{Guest, PART, Unsent, language_of};
use super::{CONTENT_SECURITY, State};
use crate::locale::Lang;
use crate::web::context;
use crate::web::problem::{Kind, Problem};

#[derive(Template)]
#[template(path = "ui/problem.html")]
struct ProblemPage {
    f: Frame,
    /// What is wrong.
    title: String,
    /// What to do.
    advice: String,
    /// What the act says; for those who know the statute.
    detail: String,
    /// The clause.
    clause: Option<String>,
    /// Faults.
    faults: Vec<super::frame::Fault>,
    /// The request, by which the server's log is searched.
    request: String,
}

#[derive(Template)]
#[template(path = "ui/bare.html")]
struct Bare {
    lang: &'static str,
    title: String,
    advice: String,
}

/// A problem as a page, or as the way to where it can be solved: the login, the purpose.
pub fn page(req: &HttpRequest, problem: &Problem, request_id: &str) -> HttpResponse {
    let guest = req.extensions().get::<Guest>().cloned();
    let mut response = match (guest, context::web(req)) {
        (Some(guest), Ok(state)) => told(req, &state, &guest, problem, request_id),
        _ => bare(req, problem),
    };
    let headers = response.headers_mut();
    if let Some(extra) = &problem.header
        && let Ok(value) = header::HeaderValue::from_str(&extra.1)
    {
        headers.insert(extra.0.clone(), value);
    }
    // The compressing layer has been passed already.
    headers.insert(header::CONTENT_ENCODING, header::HeaderValue::from_static("identity"));
    response
}

fn told(req: &HttpRequest, state: &State, guest: &Guest, problem: &Problem, request_id: &str) -> HttpResponse {
    let script = req.headers().contains_key(PART);
    match problem.kind {
        Kind::Unauthenticated if !script => {
            let unsent = req.extensions().get::<Unsent>().cloned();
            if unsent.is_none() && matches!(*req.method(), Method::GET | Method::HEAD) {
                let ended = context::web(req).is_ok() && super::visit::cookie(req).is_some();
                let why = if ended { "&ended=1" } else { "" };
                let to = guest.href(&format!("/login?back={}{why}", context::percent_encoded(&guest.here)));
                return HttpResponse::SeeOther().insert_header((header::LOCATION, to)).finish();
            }
            return session::login_again(state, guest, unsent);
        }
        Kind::PurposeRequired if !script => {
            let back = context::percent_encoded(&guest.here);
            let to = guest.href(&format!("/r/{}/purpose?back={back}", guest.word("r")));
            return HttpResponse::SeeOther().insert_header((header::LOCATION, to)).finish();
        }
        _ => {}
    }
    let t = guest.t;
    let slug = problem.kind.slug().replace('_', "-");
    let coded = problem.code.and_then(|code| t.say_if(&format!("frame-fault-{}", code.replace('_', "-"))));
    let title = t.say(&format!("frame-problem-{slug}"));
    let page = ProblemPage {
        f: guest.frame(state, title.clone()).faulty(),
        title,
        advice: coded.unwrap_or_else(|| t.say(&format!("frame-advice-{slug}"))),
        detail: if [Kind::Forbidden, Kind::Conflict].contains(&problem.kind) {
            problem.detail.clone()
        } else {
            String::new()
        },
        clause: problem.clause.as_ref().map(ToString::to_string),
        faults: super::frame::Fault::all(t, &problem.errors, |_| None),
        request: request_id.to_owned(),
    };
    written(status(problem), page.render())
}

fn status(problem: &Problem) -> StatusCode {
    StatusCode::from_u16(problem.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn written(status: StatusCode, text: Result<String, askama::Error>) -> HttpResponse {
    match text {
        Ok(text) => HttpResponse::build(status)
            .content_type("text/html; charset=utf-8")
            .insert_header((header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY))
            .body(text),
        Err(error) => {
            log::error!(target: "andmekogu::web", "a problem's page cannot be written: {error}");
            HttpResponse::build(status).finish()
        }
    }
}

/// Where nobody is known yet, or the database does not answer: a page that needs neither.
fn bare(req: &HttpRequest, problem: &Problem) -> HttpResponse {
    let lang = language_of(req.path()).unwrap_or_else(|| context::language(req.headers()));
    let t = super::T::new(lang);
    let slug = problem.kind.slug().replace('_', "-");
    let page = Bare {
        lang: Lang::code(lang),
        title: t.say(&format!("frame-problem-{slug}")),
        advice: t.say(&format!("frame-advice-{slug}")),
    };
    written(status(problem), page.render())
}
