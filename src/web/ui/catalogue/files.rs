//! What of the registers others read: documents about one, as pages and files; the catalogue for programs; the map of
//! the pages.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, Resource, web};
use askama::Template;

use super::super::frame::Frame;
use super::super::visit::{Guest, Subject};
use super::super::{Shown, State, open};
use super::language;
use super::page::{Paper, audience};
use crate::app::Error;
use crate::domain::directory;
use crate::domain::directory::sitemap;
use crate::domain::publicity::riha::riha;
use crate::domain::publicity::sheet::{Sheet, SheetLine};
use crate::domain::publicity::{self, Audience, Kind, View, dcat};
use crate::domain::statute::Language;
use crate::domain::statute::description::Publicity;
use crate::files::publicity::{Spoken, publicity_pdf, site};
use crate::web::context;
use crate::web::layers;
use crate::web::problem::Problem;
use crate::web::routes::Verb;

/// Addresses that stand under no language.
pub fn register(cfg: &mut web::ServiceConfig) {
    let at = |path: &'static str| Resource::new(path).wrap(actix_web::middleware::from_fn(layers::guarded));
    cfg.service(at("/sitemap.xml").route(Verb::Get.route().to(whole_map)))
        .service(at("/sitemap-{n:[0-9]{1,4}}.xml").route(Verb::Get.route().to(part_of_map)))
        .service(at("/robots.txt").route(Verb::Get.route().to(robots)))
        .service(at("/catalogue.json").route(Verb::Get.route().to(as_json)))
        .service(at("/catalogue.ttl").route(Verb::Get.route().to(as_turtle)))
        .service(at("/processing.csv").route(Verb::Get.route().to(processing)));
}

/// Every register that the public may know of, in the order of short names.
fn subjects(state: &State) -> Vec<Subject> {
    let registers = state.app.store.registers();
    let now = state.app.store.now();
    let current = registers.directory().current(now);
    let found = current.filter_map(|entry| {
        Some(if entry.elsewhere {
            Subject::Elsewhere(registers.elsewhere(&entry.short_name, entry.today(now))?.clone())
        } else {
            Subject::Here(registers.current(&entry.short_name, entry.today(now))?.clone())
        })
    });
    found.collect()
}

/// The map's pages: what follows the language.
fn paths(state: &State) -> Vec<String> {
    let mut paths: Vec<String> = ["/", "/help", "/accessibility"].map(str::to_owned).into();
    for subject in subjects(state) {
        let view = subject.view();
        let name = view.short_name();
        paths.push(format!("/r/{name}"));
        if view.kept().is_some() {
            paths.push(format!("/r/{name}/statute"));
        }
        let papers = Kind::ALL.into_iter().filter(|kind| publicity::publishes(view, kind.publicity()));
        paths.extend(papers.map(|kind| format!("/r/{name}/documents/{}", kind.as_str())));
    }
    paths
}

const XML: &str = "application/xml; charset=utf-8";

async fn whole_map(state: State, req: HttpRequest) -> HttpResponse {
    let map = sitemap::whole(&open::base(&state, &req), &paths(&state), sitemap::MOST);
    open::file(&req, XML, map.text().into_bytes())
}

async fn part_of_map(state: State, req: HttpRequest, n: web::Path<usize>) -> Result<HttpResponse, Problem> {
    let text = sitemap::part(&open::base(&state, &req), &paths(&state), sitemap::MOST, *n);
    Ok(open::file(&req, XML, text.ok_or_else(Problem::not_found)?.into_bytes()))
}

/// What programs that follow links need not open: pages for whoever logs in lead nowhere else.
async fn robots(state: State, req: HttpRequest) -> HttpResponse {
    let base = open::base(&state, &req);
    let closed: String = Language::ALL
        .map(|language| language.code())
        .map(|code| format!("Disallow: /{code}/login\nDisallow: /{code}/me$\nDisallow: /{code}/me/\n"))
        .concat();
    let text = format!("User-agent: *\n{closed}Allow: /\n\nSitemap: {base}/sitemap.xml\n");
    open::file(&req, "text/plain; charset=utf-8", text.into_bytes())
}

/// The catalogue as programs read it: names and purposes in every language that there is.
async fn as_json(state: State, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let subjects = subjects(&state);
    let list = publicity::list(subjects.iter().map(Subject::view), Audience::Public);
    let bytes = serde_json::to_vec(&list).map_err(|e| Problem::from(Error::Setup(e.to_string())))?;
    Ok(open::file(&req, "application/json", bytes))
}

/// The catalogue as other catalogues read it (DCAT-AP).
async fn as_turtle(state: State, req: HttpRequest) -> HttpResponse {
    let base = open::base(&state, &req);
    // Nothing says who runs the installation but its address.
    let host = base.split_once("://").map_or(base.as_str(), |(_, host)| host);
    let subjects = subjects(&state);
    let text = dcat::dcat(&site(&base, host), subjects.iter().map(Subject::view));
    open::file(&req, "text/turtle; charset=utf-8", text.into_bytes())
}

/// The record of processing of all registers, in the language that the asker prefers.
async fn processing(state: State, req: HttpRequest) -> Result<HttpResponse, Problem> {
    let lang = context::language(req.headers());
    let subjects = subjects(&state);
    let views = subjects.iter().map(Subject::view);
    let told = views.filter(|view| publicity::publishes(*view, Publicity::ProcessingRecord));
    let rows: Vec<_> =
        told.flat_map(|view| publicity::processing::rows(view, Audience::Public, lang.into(), &Spoken(lang))).collect();
    let text = publicity::processing::csv(&rows).map_err(|e| Problem::from(Error::Setup(e.to_string())))?;
    let mut response = open::file(&req, "text/csv; charset=utf-8", text.into_bytes());
    let headers = response.headers_mut();
    headers.append(header::VARY, header::HeaderValue::from_static("Accept-Language"));
    headers.insert(
        header::CONTENT_DISPOSITION,
        header::HeaderValue::from_static("attachment; filename=\"processing.csv\""),
    );
    Ok(response)
}

/// The documents that there are about a register.
pub(super) fn papers(guest: &Guest, view: View<'_>) -> Vec<Paper> {
    let base = guest.href(&format!("/r/{}", view.short_name()));
    let published = Kind::ALL.into_iter().filter(|kind| publicity::publishes(view, kind.publicity()));
    let mut papers: Vec<Paper> = published
        .map(|kind| {
            let href = format!("{base}/documents/{}", kind.as_str());
            Paper {
                name: guest.t.say(&format!("publicity-kind-{}", kind.as_str())),
                shapes: vec![("PDF", format!("{href}.pdf")), ("JSON", format!("{href}.json"))],
                href,
            }
        })
        .collect();
    if publicity::publishes(view, Publicity::Riha) && riha(view).is_ok() {
        let href = format!("{base}/riha.json");
        papers.push(Paper { name: guest.t.say("catalogue-riha"), href, shapes: Vec::new() });
    }
    papers
}

fn no_such_document() -> Problem {
    Problem { code: Some("no_such_document"), ..Problem::not_found() }
}

/// The document that is asked for, in the language of the page.
fn asked(state: &State, guest: &Guest) -> Result<Sheet, Problem> {
    let subject = guest.subject(state)?;
    let kind = Kind::of(guest.word("kind")).ok_or_else(no_such_document)?;
    let view = subject.view();
    if !publicity::publishes(view, kind.publicity()) {
        return Err(no_such_document());
    }
    let registers = state.app.store.registers();
    let (now, name) = (state.app.store.now(), view.short_name());
    let (day, before) = match &subject {
        Subject::Here(register) => {
            let versions = registers.versions(name);
            let at = versions.iter().position(|r| r.definition.digest == register.definition.digest);
            let before = at.and_then(|at| at.checked_sub(1)).and_then(|at| versions.get(at).map(|r| (*r).clone()));
            (register.day(now), before.map(Subject::Here))
        }
        Subject::Elsewhere(description) => {
            let versions = registers.versions_elsewhere(name);
            let at = versions.iter().position(|d| d.digest == description.digest);
            let before = at.and_then(|at| at.checked_sub(1)).and_then(|at| versions.get(at).cloned());
            (directory::today_elsewhere(now), before.map(Subject::Elsewhere))
        }
    };
    let audience = audience(state, guest, &subject);
    let document = publicity::document(view, kind, day, audience, before.as_ref().map(Subject::view));
    let document = document.ok_or_else(no_such_document)?;
    Ok(publicity::sheet::sheet(&document, language(guest.t), &Spoken(guest.t.lang)))
}

/// Lines with what belongs to them: lists within lists.
#[derive(Template)]
#[template(path = "ui/catalogue/lines.html")]
struct Lines<'a> {
    f: &'a Frame,
    lines: &'a [SheetLine],
}

impl Lines<'_> {
    fn below<'b>(&'b self, lines: &'b [SheetLine]) -> Lines<'b> {
        Lines { f: self.f, lines }
    }
}

#[derive(Template)]
#[template(path = "ui/catalogue/document.html")]
struct DocumentPage {
    f: Frame,
    sheet: Sheet,
    shapes: Vec<(&'static str, String)>,
}

impl DocumentPage {
    fn lines<'a>(&'a self, lines: &'a [SheetLine]) -> Lines<'a> {
        Lines { f: &self.f, lines }
    }
}

/// A document about a register, as a page.
///
/// # Errors
/// 404.
pub async fn document(state: State, guest: Guest) -> Shown {
    let sheet = asked(&state, &guest)?;
    let here = format!("/r/{}/documents/{}", sheet.register, sheet.kind.as_str());
    let href = guest.href(&here);
    let frame = guest.open_frame(&state, sheet.title.clone(), &here, true);
    let frame = frame.crumb(guest.t.say("catalogue-title"), "/");
    let f = frame.crumb(sheet.name.text.clone(), &format!("/r/{}", sheet.register));
    let shapes = vec![("PDF", format!("{href}.pdf")), ("JSON", format!("{href}.json"))];
    open::page(&guest, &DocumentPage { f, sheet, shapes })
}

/// The same as JSON.
///
/// # Errors
/// 404.
pub async fn document_json(state: State, guest: Guest) -> Shown {
    let sheet = asked(&state, &guest)?;
    let text = sheet.json().map_err(|e| Problem::from(Error::Setup(e.to_string())))?;
    Ok(open::file_of(&guest, "application/json", text.into_bytes()))
}

/// The same as PDF/A.
///
/// # Errors
/// 404.
pub async fn document_pdf(state: State, guest: Guest) -> Shown {
    let sheet = asked(&state, &guest)?;
    let lang = guest.t.lang;
    // Setting a page takes longer than answering others may wait.
    let made = web::block(move || publicity_pdf(&sheet, lang)).await;
    let bytes = made.map_err(|e| e.to_string()).and_then(|pdf| pdf.map_err(|e| e.to_string()));
    let bytes = bytes.map_err(|cause| Problem::from(Error::Setup(cause)))?;
    Ok(open::file_of(&guest, "application/pdf", bytes))
}

/// The description of a register for the Estonian catalogue of information systems.
///
/// # Errors
/// 404 where there is none.
pub async fn riha_json(state: State, guest: Guest) -> Shown {
    let subject = guest.subject(&state)?;
    let told = Some(subject.view()).filter(|view| publicity::publishes(*view, Publicity::Riha));
    let value = told.and_then(|view| riha(view).ok()).ok_or_else(no_such_document)?;
    let bytes = serde_json::to_vec_pretty(&value).map_err(|e| Problem::from(Error::Setup(e.to_string())))?;
    Ok(open::file_of(&guest, "application/json", bytes))
}
