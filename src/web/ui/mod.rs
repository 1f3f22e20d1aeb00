//! The screens: pages for people, made by the server, of the same acts that the API calls.
//!
//! A page's handler takes a [`Visit`] (who, in what language, in which role), calls acts, and shows what is
//! [`Disclosed`](crate::app::Disclosed) in a template of `templates/ui/`. There is no second way in: what a page shows
//! was permitted and logged as if a program had asked for it. Every page works without the script; what the script
//! adds (`static/andmekogu.js`) is comfort.
//!
//! Texts stand in `locales/<language>/ui-<noun>.ftl`, labels come from the definition. A register that the code has
//! never seen has all its screens.

pub mod about;
pub mod access;
pub mod ask;
pub mod assets;
pub mod audit;
pub mod backups;
pub mod cases;
pub mod catalogue;
pub mod closing;
pub mod confirmations;
pub mod desk;
pub mod disclosures;
pub mod entering;
pub mod exchanges;
pub mod form;
pub mod frame;
pub mod imports;
pub mod jobs;
pub mod lists;
pub mod mine;
pub mod open;
pub mod own_data;
pub mod problem;
pub mod publications;
pub mod record;
pub mod reports;
pub mod retention;
pub mod say;
pub mod session;
pub mod svg;
pub mod visit;

use actix_web::http::{Method, StatusCode, header};
use actix_web::middleware::from_fn;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpResponse, Resource};
use askama::Template;

pub use frame::Frame;
pub use say::{Said, T};
pub use visit::{Form, Guest, Knock, Posted, Visit};

use super::Web;
use super::layers;
use super::problem::{Kind, Problem};
use super::routes::Verb;
use crate::app::Error;

/// The state.
pub type State = Data<Web>;
/// What a page's handler gives.
pub type Shown = Result<HttpResponse, Problem>;

/// What pages may load and where their forms may go: our own and nothing else. The script makes elements of what we
/// send through a policy of its own name (Trusted Types).
pub const CONTENT_SECURITY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; \
     require-trusted-types-for 'script'; trusted-types andmekogu";

/// One page, or one form's target.
pub struct Page {
    /// Method.
    pub method: Verb,
    /// Path after the language.
    pub path: &'static str,
    /// The act behind it, as it stands in the log where it is logged; a sentence where there is none.
    pub act: &'static str,
    /// Attaches its handler.
    pub attach: fn(Resource) -> Resource,
}

/// Declares a [`Page`]: `page!(Get "/r/{r}/desk", show, "desk.read")`.
macro_rules! page {
    ($method:ident $path:literal, $handler:path, $act:literal) => {
        $crate::web::ui::Page {
            method: $crate::web::routes::Verb::$method,
            path: $path,
            act: $act,
            attach: |resource| resource.route($crate::web::routes::Verb::$method.route().to($handler)),
        }
    };
}
pub(crate) use page;

/// Every page, noun by noun. Where two paths could both answer, the one with more fixed words stands first.
pub const PAGES: &[&[Page]] = &[
    session::PAGES,
    access::PAGES,
    disclosures::PAGES,
    own_data::PAGES,
    cases::PAGES,
    publications::PAGES,
    closing::PAGES,
    lists::PAGES,
    entering::PAGES,
    imports::PAGES,
    exchanges::PAGES,
    confirmations::PAGES,
    reports::PAGES,
    retention::PAGES,
    backups::PAGES,
    desk::PAGES,
    audit::PAGES,
    mine::PAGES,
    jobs::PAGES,
    catalogue::PAGES,
    about::PAGES,
    record::PAGES,
];

/// Registers every page.
pub fn register(cfg: &mut ServiceConfig) {
    cfg.service(Resource::new("/").route(Verb::Get.route().to(session::door)));
    cfg.service(Resource::new("/static/{file}").route(Verb::Get.route().to(assets::serve)));
    cfg.configure(catalogue::register);
    let mut scope = web::scope("/{lang:et|en|fi|sv}");
    let all = || PAGES.iter().flat_map(|pages| pages.iter());
    let mut seen: Vec<&str> = Vec::new();
    for page in all() {
        if seen.contains(&page.path) {
            continue;
        }
        seen.push(page.path);
        let resource = all().filter(|p| p.path == page.path).fold(Resource::new(page.path), |r, p| (p.attach)(r));
        let resource = resource.default_service(web::to(other_method)).wrap(from_fn(layers::guarded));
        scope = scope.service(resource);
    }
    cfg.service(scope.default_service(web::to(nowhere)));
}

async fn other_method() -> Shown {
    Err(Problem::of_status(StatusCode::METHOD_NOT_ALLOWED))
}

/// There is no such page. (The visitor is looked up so that the page that says so has their menu.)
async fn nowhere(_: Guest) -> Shown {
    Err(Problem::not_found())
}

/// Whether problems at this address are told as pages.
pub fn owns(path: &str) -> bool {
    path == "/" || visit::language_of(path).is_some()
}

/// A page.
///
/// # Errors
/// When the template fails, which is our own fault.
pub fn html(template: &impl Template) -> Shown {
    html_as(StatusCode::OK, template)
}

/// A page with another status.
///
/// # Errors
/// As [`html`].
pub fn html_as(status: StatusCode, template: &impl Template) -> Shown {
    let text = template.render().map_err(|e| Problem::from(Error::Setup(e.to_string())))?;
    Ok(HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY))
        .insert_header((header::VARY, "X-Part, Cookie"))
        .body(text))
}

/// A text alone: the answer to a script that saved something.
///
/// # Errors
/// None.
pub fn plain(text: String) -> Shown {
    Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(text))
}

/// Whether an answer of this kind is about what was filled in, so that its form is shown again.
pub fn is_about_the_form(problem: &Problem) -> bool {
    matches!(problem.kind, Kind::Invalid | Kind::Conflict)
}

/// Whether a method only looks.
pub fn only_looks(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_page_stands_once_and_says_what_it_does() {
        let mut seen = HashSet::new();
        for page in PAGES.iter().flat_map(|p| p.iter()) {
            assert!(seen.insert((page.method, page.path)), "{} stands twice", page.path);
            assert!(page.path.starts_with('/') && !page.act.is_empty(), "{}", page.path);
            assert!([Verb::Get, Verb::Post].contains(&page.method), "forms know GET and POST: {}", page.path);
        }
    }

    #[test]
    fn problems_are_pages_where_people_are_and_json_where_programs_are() {
        assert!(owns("/") && owns("/et/r/x/desk") && owns("/sv"));
        assert!(!owns("/api/v1/registers") && !owns("/etc") && !owns("/healthz") && !owns("/static/x.css"));
    }
}
