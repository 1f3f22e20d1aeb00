//! The public site: which registers there are, here and elsewhere, what each is for, who answers for it and how one
//! asks; its documents; what programs of others read. No personal data, no login, no cookie.

mod files;
mod page;

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use askama::Template;

use super::frame::{Fault, Frame};
use super::visit::Guest;
use super::{Page, Said, Shown, State, T, html_as, open, page};
use crate::domain::directory::{Asked, Entry, Words, words};
use crate::domain::statute::Language;
use crate::store::read::closing::ClosedPublic;
use crate::web::context::percent_encoded;

pub use files::register;

/// Pages of this noun.
pub const PAGES: &[Page] = &[
    page!(Get "/", list, "registers.list: no personal data"),
    page!(Get "/r/{r}", page::show, "register.read: no personal data"),
    page!(Get "/r/{r}/documents/{kind:[a-z_]+}", files::document, "register.document: no personal data"),
    page!(Get "/r/{r}/documents/{kind:[a-z_]+}.json", files::document_json, "register.document: no personal data"),
    page!(Get "/r/{r}/documents/{kind:[a-z_]+}.pdf", files::document_pdf, "register.document: no personal data"),
    page!(Get "/r/{r}/riha.json", files::riha_json, "register.document: no personal data"),
];

/// Registers of a page.
const MOST: usize = 50;
/// Authorities that are offered to narrow by; who means another searches for it.
const MOST_AUTHORITIES: usize = 30;
/// Purposes that a line of the list tells; the others stand on the register's own page.
const MOST_PURPOSES: usize = 3;

/// A register in the list.
struct Line {
    href: String,
    name: Said,
    purposes: Vec<Said>,
    more: usize,
    controller: Said,
    elsewhere: bool,
    ended: Option<String>,
    closed: Option<String>,
}

/// An authority to narrow by.
struct Choice {
    text: String,
    count: usize,
    href: String,
    current: bool,
}

#[derive(Template)]
#[template(path = "ui/catalogue/list.html")]
struct ListPage {
    f: Frame,
    faults: Vec<Fault>,
    q: String,
    longest: usize,
    authority: Option<String>,
    authorities: Vec<Choice>,
    more_authorities: usize,
    found: String,
    at: Option<String>,
    lines: Vec<Line>,
    prev: Option<String>,
    next: Option<String>,
    whole: String,
}

/// The language of a page among those of definitions.
fn language(t: T) -> Language {
    t.lang.into()
}

/// A text in the language of the source, whatever the page's is.
fn verbatim(t: T, text: &str, official: Language) -> Said {
    Said { text: text.to_owned(), lang: (official.code() != t.code()).then_some(official.code()) }
}

/// In words that a register is closed, with the acts drawn up so far; nothing where it goes on.
fn closed(t: T, end: Option<&ClosedPublic>) -> Option<String> {
    end.map(|end| {
        let day = t.day(end.since);
        let acts: Vec<String> = end.acts.iter().map(|a| a.number.to_string()).collect();
        if acts.is_empty() {
            t.say_with("closing-since", &[("day", day.as_str())])
        } else {
            t.say_with("closing-since-acts", &[("day", day.as_str()), ("acts", acts.join(", ").as_str())])
        }
    })
}

/// The address of the list, after the language, that shows this.
fn address(q: &str, authority: Option<&str>, page: usize) -> String {
    let mut parts = Vec::new();
    if !q.is_empty() {
        parts.push(format!("q={}", percent_encoded(q)));
    }
    if let Some(authority) = authority {
        parts.push(format!("authority={}", percent_encoded(authority)));
    }
    if page > 1 {
        parts.push(format!("page={page}"));
    }
    if parts.is_empty() { "/".to_owned() } else { format!("/?{}", parts.join("&")) }
}

fn line(
    guest: &Guest,
    entry: &Entry,
    ends: &BTreeMap<String, ClosedPublic>,
    now: chrono::DateTime<chrono::Utc>,
) -> Line {
    let t = guest.t;
    Line {
        href: guest.href(&format!("/r/{}", entry.short_name)),
        name: t.label(&entry.name),
        purposes: entry.purposes.iter().take(MOST_PURPOSES).map(|p| t.label(p)).collect(),
        more: entry.purposes.len().saturating_sub(MOST_PURPOSES),
        controller: verbatim(t, &entry.controller, entry.name.official),
        elsewhere: entry.elsewhere,
        ended: entry.ended(now).map(|last| t.day(last)),
        closed: closed(t, ends.get(&entry.short_name)),
    }
}

/// The catalogue: every register, kept here or elsewhere, to search and to narrow.
///
/// # Errors
/// Those of the database. What is asked wrongly is told on the page.
pub async fn list(state: State, guest: Guest) -> Shown {
    let registers = state.app.store.registers();
    let (directory, now, t) = (registers.directory(), state.app.store.now(), guest.t);
    let mut wrong: Option<(StatusCode, Fault)> = None;
    let mut fault = |status: StatusCode, id: &str, key: &str| {
        let fault = Fault { id: id.to_owned(), text: t.say(key), clause: None };
        wrong.get_or_insert((status, fault));
    };
    let q: String = guest.q("q").unwrap_or_default().chars().take(words::LONGEST).collect();
    let words = Words::of(guest.q("q").unwrap_or_default()).unwrap_or_else(|_| {
        fault(StatusCode::BAD_REQUEST, "catalogue-q", "catalogue-fault-long");
        Words::default()
    });
    let authority = guest.q("authority");
    if authority.is_some_and(|name| !directory.knows_authority(name, now)) {
        fault(StatusCode::NOT_FOUND, "", "catalogue-fault-authority");
    }
    let at = guest.q("page").map_or(Some(1), |text| text.parse().ok().filter(|n: &usize| *n > 0));
    if at.is_none() {
        fault(StatusCode::BAD_REQUEST, "", "catalogue-fault-page");
    }
    let at = at.unwrap_or(1);
    let found = directory.find(Asked { words: &words, authority, language: language(t), now });
    let pages = found.entries.len().div_ceil(MOST).max(1);
    if at > pages {
        fault(StatusCode::NOT_FOUND, "", "catalogue-fault-page-after");
    }
    let ends = state.app.closed_registers().await?;
    let shown = if wrong.is_some() { &[][..] } else { &found.entries[..] };
    let authorities = found.authorities.iter().enumerate();
    let offered = authorities.filter(|(i, (name, _))| *i < MOST_AUTHORITIES || authority == Some(*name));
    let choices: Vec<Choice> = offered
        .map(|(_, (name, count))| Choice {
            text: (*name).to_owned(),
            count: *count,
            href: guest.href(&address(&q, Some(name), 1)),
            current: authority == Some(*name),
        })
        .collect();
    let total = found.entries.len().to_string();
    let here = address(&q, authority, at);
    let title = t.say("catalogue-title");
    let page = ListPage {
        lines: shown
            .iter()
            .skip((at - 1).saturating_mul(MOST))
            .take(MOST)
            .map(|entry| line(&guest, entry, &ends, now))
            .collect(),
        longest: words::LONGEST,
        authority: authority.map(str::to_owned),
        more_authorities: found.authorities.len().saturating_sub(choices.len()),
        authorities: choices,
        found: if found.entries.len() == 1 {
            t.say("catalogue-found-one")
        } else {
            t.say_with("catalogue-found-many", &[("n", total.as_str())])
        },
        at: (pages > 1).then(|| t.say_with("catalogue-page", &[("n", &at.to_string()), ("of", &pages.to_string())])),
        prev: (at > 1 && at <= pages).then(|| guest.href(&address(&q, authority, at - 1))),
        next: (at < pages).then(|| guest.href(&address(&q, authority, at + 1))),
        whole: guest.href("/"),
        f: guest.open_frame(&state, title, &here, words.is_empty()),
        faults: wrong.iter().map(|(_, fault)| fault.clone()).collect(),
        q,
    };
    match wrong {
        Some((status, _)) => html_as(status, &ListPage { f: page.f.clone().faulty(), ..page }),
        None => open::page(&guest, &page),
    }
}
