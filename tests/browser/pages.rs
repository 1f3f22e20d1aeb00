//! Every page, as everybody may meet it: by day, in the dark, on a phone, zoomed, in two languages.

use std::collections::{BTreeMap, BTreeSet};

use andmekogu::web::routes::Verb;
use serde_json::Value;

use super::axe;
use super::demo::{Demo, PASSWORD, demo};
use super::driver::{Browser, Look};

/// The register of personnel in the demonstration.
pub const PEOPLE: &str = "75025973-persona";
/// The register of schools.
pub const SCHOOLS: &str = "tlnharidus";

/// A page: who looks at it, and where it is.
pub struct Page {
    pub name: &'static str,
    /// User name, or nothing for somebody who has not logged in.
    pub user: &'static str,
    /// The address after the language.
    pub path: fn(&Demo) -> String,
}

const fn page(name: &'static str, user: &'static str, path: fn(&Demo) -> String) -> Page {
    Page { name, user, path }
}

/// The pages, those of one user beside each other: each change of user is a login.
pub const PAGES: &[Page] = &[
    page("start", "", |_| "/".into()),
    page("catalogue-narrowed", "", |_| "/?q=kirjasto&authority=Pietarsaaren%20kaupunki".into()),
    page("catalogue-nothing", "", |_| "/?q=purjelaev".into()),
    page("register-elsewhere", "", |_| "/r/pietarsaari-kirjaston-lainaajarekisteri".into()),
    page("document-of-register", "", |_| people("/documents/privacy_notice")),
    page("login", "", |_| "/login".into()),
    page("help", "", |_| "/help".into()),
    page("accessibility", "", |_| "/accessibility".into()),
    page("tour", "", |_| "/tour".into()),
    page("register", "", |_| people("")),
    page("statute", "", |_| people("/statute")),
    page("desk", "hr_clerk", |_| people("/desk")),
    page("purpose", "hr_clerk", |_| people("/purpose")),
    page("settings", "hr_clerk", |_| "/settings".into()),
    page("record-types", "hr_clerk", |_| people("/records")),
    page("list", "hr_clerk", |_| people("/records/employee")),
    page("list-narrowed", "hr_clerk", |_| people("/records/employee?status=active&sort=-last_name")),
    page("list-empty", "hr_clerk", |_| people("/records/employee?on=1.1.1990")),
    page("search", "hr_clerk", |_| people("/search")),
    page("card", "hr_clerk", |d| people(&format!("/records/employee/{}", d.made("employee")))),
    page("history", "hr_clerk", |d| people(&format!("/records/employee/{}/history", d.made("employee")))),
    page("new", "hr_clerk", |_| people("/records/employee/new")),
    page("change", "hr_clerk", |d| people(&format!("/records/employee/{}/change", d.made("employee")))),
    page("correct", "hr_clerk", |d| people(&format!("/records/employee/{}/correct", d.made("employee")))),
    page("end", "hr_clerk", |d| people(&format!("/records/employee/{}/end", d.made("employee")))),
    page("post", "hr_clerk", |d| people(&format!("/records/post/{}", d.made("post")))),
    page("document", "hr_clerk", |d| people(&format!("/documents/{}", d.made("document")))),
    page("imports", "hr_clerk", |_| people("/imports")),
    page("reports", "hr_clerk", |_| people("/reports")),
    page("access", "administrator", |_| people("/access")),
    page("access-log", "administrator", |_| people("/access/log")),
    page("access-rules", "administrator", |_| people("/access/rules")),
    page("access-new", "administrator", |_| people("/access/new")),
    page("access-change", "administrator", |d| people(&format!("/access/{}/change", d.made("grant")))),
    page("access-end", "administrator", |d| people(&format!("/access/{}/end", d.made("grant")))),
    page("requests", "administrator", |_| people("/requests")),
    page("request-new", "administrator", |_| people("/requests/new")),
    page("request", "administrator", |d| people(&format!("/requests/{}", d.made("request")))),
    page("request-decided", "administrator", |d| people(&format!("/requests/{}", d.made("decided")))),
    page("disclosures", "administrator", |_| people("/disclosures")),
    page("disclosure-check", "administrator", |_| people("/disclosures/check")),
    page("disclosure-new", "administrator", |_| people("/disclosures/new")),
    page("disclosure", "administrator", |d| people(&format!("/disclosures/{}", d.made("disclosure")))),
    page("publications", "administrator", |_| people("/publications")),
    page("letters", "administrator", |_| people("/letters")),
    page("jobs", "administrator", |_| people("/jobs")),
    page("backups", "administrator", |_| people("/backups")),
    page("retention", "archivist", |_| people("/retention")),
    page("retention-of-a-rule", "archivist", |_| people("/retention?rule=health")),
    page("retention-forecast", "archivist", |_| people("/retention/forecast")),
    page("retention-why", "archivist", |d| people(&format!("/retention/records/employee/{}", d.made("left")))),
    page("retention-batches", "archivist", |_| people("/retention/batches")),
    page("retention-batch", "archivist", |d| people(&format!("/retention/batches/{}", d.made("batch")))),
    page("retention-back", "archivist", |d| people(&format!("/retention/batches/{}/back", d.made("batch-reviewed")))),
    page("retention-cancel", "archivist", |d| people(&format!("/retention/batches/{}/cancel", d.made("batch")))),
    page("retention-execution", "archivist", |d| {
        people(&format!("/retention/batches/{}/execution", d.made("batch-approved")))
    }),
    page("own-data", "data_subject", |_| people("/own-data")),
    page("own-data-officer", "administrator", |_| people("/own-data")),
    page("report", "controller", |_| people("/reports/staff")),
    page("cases", "controller", |_| people("/cases")),
    page("cases-of-a-kind", "controller", |_| people("/cases?kind=access_application")),
    page("publication", "controller", |d| people(&format!("/publications/{}", d.made("publication")))),
    page("publication-withdraw", "controller", |d| {
        people(&format!("/publications/{}/withdrawal", d.made("publication")))
    }),
    page("closing", "controller", |_| people("/closing")),
    page("closing-decision", "controller", |_| people("/closing/decision")),
    page("retention-approval", "controller", |d| people(&format!("/retention/batches/{}", d.made("batch-reviewed")))),
    page("retention-holds", "controller", |_| people("/retention/holds")),
    page("retention-hold-new", "controller", |_| people("/retention/holds/new")),
    page("retention-hold-lift", "controller", |d| people(&format!("/retention/holds/{}/lift", d.made("hold")))),
    page("card-with-terms", "controller", |d| people(&format!("/records/employee/{}", d.made("left")))),
    page("case-new", "controller", |_| people("/cases/new")),
    page("case", "controller", |d| people(&format!("/cases/{}", d.made("complaint")))),
    page("case-step", "controller", |d| people(&format!("/cases/{}/decide", d.made("complaint")))),
    page("audit", "supervisor", |_| people("/audit")),
    page("audit-asked", "supervisor", |_| people("/audit?what=record.read")),
    page("audit-signals", "supervisor", |_| people("/audit/signals")),
    page("audit-sample", "supervisor", |_| people("/audit/sample")),
    page("audit-reviews", "supervisor", |_| people("/audit/reviews")),
    page("audit-report", "supervisor", |d| people(&format!("/audit/report?record_id={}", d.made("employee")))),
    page("audit-integrity", "supervisor", |_| people("/audit/integrity")),
    page("access-report", "supervisor", |_| people("/access/report")),
    page("views", "supervisor", |d| people(&format!("/records/employee/{}/views", d.made("employee")))),
    page("me", "data_subject", |_| "/me".into()),
    page("me-views", "data_subject", |_| "/me/views".into()),
    page("me-received", "data_subject", |_| "/me/received".into()),
    page("me-account", "data_subject", |_| "/me/account".into()),
    page("me-report", "data_subject", |d| format!("/me/{PEOPLE}/employee/{}/report", d.made("mine"))),
    page("head-desk", "institution_head", |_| schools("/desk")),
    page("confirmations", "institution_head", |_| schools("/confirmations")),
    page("confirmation-calendar", "institution_head", |_| schools("/confirmations/calendar")),
    page("confirmation", "institution_head", |d| schools(&format!("/confirmations/{}", d.made("duty")))),
    page("pupils", "institution_head", |_| schools("/records/school_study")),
    page("pupil", "institution_head", |d| schools(&format!("/records/school_study/{}", d.made("pupil")))),
    page("pupil-moves", "institution_head", |d| schools(&format!("/records/school_study/{}/moves", d.made("pupil")))),
    page("pupil-move", "institution_head", |d| {
        schools(&format!("/records/school_study/{}/move/transfer", d.made("pupil")))
    }),
    page("moves", "institution_head", |_| schools("/moves")),
    page("move", "institution_head", |d| schools(&format!("/moves/{}", d.made("move")))),
    page("import", "institution_head", |d| schools(&format!("/imports/{}", d.made("import")))),
    page("import-undo", "institution_head", |d| schools(&format!("/imports/{}/undo", d.made("import")))),
    page("receipt", "preschool_head", |d| schools(&format!("/confirmations/{}/receipt", d.made("confirmed")))),
    page("receipt-changes", "preschool_head", |d| schools(&format!("/confirmations/{}/changes", d.made("confirmed")))),
    page("receipt-proof", "preschool_head", |d| {
        schools(&format!("/confirmations/{}/proof?record={}", d.made("confirmed"), d.made("child")))
    }),
    page("queue", "preschool_head", |d| schools(&format!("/records/queue_application/{}/queue", d.made("waiting")))),
    page("confirmations-board", "education_controller", |_| schools("/confirmations")),
    page("exchanges", "education_controller", |_| schools("/exchanges")),
    page("exchange", "education_controller", |_| schools("/exchanges/ehis_children")),
];

/// An address in the register of schools.
fn schools(rest: &str) -> String {
    format!("/r/{SCHOOLS}{rest}")
}

/// An address in the register of personnel.
fn people(rest: &str) -> String {
    format!("/r/{PEOPLE}{rest}")
}

/// Addresses that give a file, or what becomes of one.
const NO_PAGES: &[&str] = &[
    "/r/{r}/audit/export",
    "/r/{r}/closing/acts/{id:[0-9a-f-]{36}}/{kind:transfer|destruction}",
    "/r/{r}/confirmations/calendar.ics",
    "/r/{r}/confirmations/export",
    "/r/{r}/confirmations/{id:[0-9a-f-]{36}}/receipt.pdf",
    "/r/{r}/documents/{id:[0-9a-f-]{36}}/file",
    "/r/{r}/documents/{kind:[a-z_]+}.json",
    "/r/{r}/documents/{kind:[a-z_]+}.pdf",
    "/r/{r}/riha.json",
    "/r/{r}/imports/templates/{type}",
    "/r/{r}/imports/pending/{id:[0-9a-f-]{36}}/faults",
    "/r/{r}/records/{type}/export",
    "/r/{r}/reports/{name:[a-z0-9_]+}/file",
    "/r/{r}/retention/batches/{id:[0-9a-f-]{36}}/act",
    "/r/{r}/retention/batches/{id:[0-9a-f-]{36}}/package",
    // These lead to another page of the table.
    "/r/{r}/access/applications",
    "/r/{r}/audit/queries/{id:[0-9a-f-]{36}}",
    // These follow a file that was sent, and are searched where one is (see `flows`).
    "/r/{r}/imports/pending/{id:[0-9a-f-]{36}}",
    "/r/{r}/imports/pending/{id:[0-9a-f-]{36}}/columns",
    "/r/{r}/exchanges/pending/{id:[0-9a-f-]{36}}",
];

/// Whether an address is one of a route: `/r/{r}/desk`.
fn is_of(path: &str, route: &str) -> bool {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let (have, want): (Vec<&str>, Vec<&str>) = (path.split('/').collect(), route.split('/').collect());
    have.len() == want.len() && have.iter().zip(&want).all(|(h, w)| h == w || fits(h, w))
}

/// Whether a part of an address is one of `{kind:[a-z_]+}.json`.
fn fits(part: &str, route: &str) -> bool {
    let Some((inside, rest)) = route.strip_prefix('{').and_then(|r| r.rsplit_once('}')) else { return false };
    let pattern = inside.split_once(':').map_or("[^/]+", |(_, pattern)| pattern);
    regex::Regex::new(&format!("^(?:{pattern}){}$", regex::escape(rest))).unwrap().is_match(part)
}

#[test]
fn no_page_escapes_the_search() {
    let addresses: Vec<String> = PAGES.iter().map(|p| (p.path)(demo())).collect();
    let routes: Vec<&str> = andmekogu::web::ui::PAGES
        .iter()
        .flat_map(|pages| pages.iter())
        .filter(|page| page.method == Verb::Get)
        .map(|page| page.path)
        .collect();
    // An address belongs to the route that names more of it: `/new` is not the card of a record called so.
    let fixed = |route: &str| route.split('/').filter(|part| !part.starts_with('{')).count();
    let owner = |address: &String| routes.iter().filter(|r| is_of(address, r)).max_by_key(|r| fixed(r)).copied();
    let found: BTreeSet<&str> = addresses.iter().filter_map(owner).collect();
    let missing: Vec<&&str> = routes.iter().filter(|r| !found.contains(**r) && !NO_PAGES.contains(r)).collect();
    assert!(missing.is_empty(), "these pages stand in no line of the table: {missing:#?}");
    for route in NO_PAGES {
        assert!(routes.contains(route), "{route} is no route any more");
    }
}

/// What a page weighs at most, in bytes as they travel: the page itself, its stylesheet, its script.
const HEAVIEST: u64 = 150 * 1024;

/// What is wrong with a page that is open, whatever it is about.
fn look_around(browser: &Browser, path: &str, lang: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let seen = browser.script(
        "const whole = performance.getEntriesByType('navigation')[0]; \
         const parts = performance.getEntriesByType('resource'); \
         return { status: whole.responseStatus, lang: document.documentElement.lang, \
           title: document.title, headings: document.querySelectorAll('h1').length, \
           weight: [whole, ...parts].reduce((sum, p) => sum + p.encodedBodySize, 0), \
           styled: document.querySelectorAll('[style], style, script:not([src])').length, \
           foreign: parts.map(p => p.name).filter(n => !n.startsWith(location.origin + '/')), \
           styles: parts.filter(p => p.name.endsWith('.css')).length, \
           scripts: parts.filter(p => p.name.endsWith('.js')).length, \
           disabled: document.querySelectorAll('[disabled]').length }",
        vec![],
    );
    let number = |name: &str| seen[name].as_u64().unwrap_or_default();
    let mut must = |so: bool, what: String| {
        if !so {
            faults.push(what);
        }
    };
    must(browser.path() == path, format!("one is led to {} instead", browser.path()));
    must(number("status") == 200, format!("the answer is {}", seen["status"]));
    must(seen["lang"] == lang, format!("the language is said to be {}", seen["lang"]));
    must(number("headings") == 1, format!("there are {} headings of the first rank", seen["headings"]));
    must(number("weight") <= HEAVIEST, format!("it weighs {} bytes", seen["weight"]));
    must(number("styled") == 0, "there is a style or a script inside the page".into());
    must(number("disabled") == 0, "there is a control that is disabled instead of saying what is missing".into());
    must(seen["foreign"] == Value::Array(vec![]), format!("it loads from elsewhere: {}", seen["foreign"]));
    must(
        number("styles") == 1 && number("scripts") == 1,
        format!("{} stylesheets, {} scripts", seen["styles"], seen["scripts"]),
    );
    must(!seen["title"].as_str().unwrap_or_default().is_empty(), "there is no title".into());
    faults
}

/// How far the page reaches past the right edge, and what does.
pub fn overflow(browser: &Browser, width: u32, zoom: f64) -> Vec<String> {
    browser.viewport(width, 900, zoom);
    let past = browser.script(
        "const e = document.documentElement; if (e.scrollWidth <= innerWidth) return null; \
         const wide = [...document.querySelectorAll('body *')].filter(x => x.getBoundingClientRect().right > innerWidth + 1 \
           && !x.closest('.tw, .nav ul, .vh') && x.getClientRects().length); \
         return (e.scrollWidth - innerWidth) + ' px: ' + wide.slice(-3).map(x => x.outerHTML.slice(0, 120)).join(' | ')",
        vec![],
    );
    past.as_str().map(|what| format!("at {width} px it scrolls sideways by {what}")).into_iter().collect()
}

/// Everything that is wrong with a page in a language.
fn faults_of(browser: &Browser, demo: &Demo, page: &Page, lang: &str) -> Vec<String> {
    let path = format!("/{lang}{}", (page.path)(demo));
    drop(browser.console());
    browser.look(Look::WIDE);
    browser.go(&path);
    let mut faults = look_around(browser, &path, lang);
    faults.extend(axe::everything(browser).into_iter().map(|f| format!("axe: {f}")));
    faults.extend(overflow(browser, 1440, 1.0));
    // 200 % of a window that is 1440 wide, and the narrowest phone.
    faults.extend(overflow(browser, 720, 2.0));
    faults.extend(overflow(browser, 360, 1.0));
    browser.look(Look::PHONE);
    faults.extend(axe::everything(browser).into_iter().map(|f| format!("axe on a phone: {f}")));
    browser.look(Look::DARK);
    faults.extend(axe::contrast(browser).into_iter().map(|f| format!("axe in the dark: {f}")));
    faults.extend(browser.console().into_iter().map(|line| format!("console: {line}")));
    faults.sort();
    faults.dedup();
    faults.into_iter().map(|fault| format!("{} ({}) {path}: {fault}", page.name, page.user)).collect()
}

/// Looks at every `of`th page from the `from`th on.
fn walk(from: usize, of: usize) {
    let demo = demo();
    let Some(browser) = Browser::open(&demo.base, Look::WIDE) else { return };
    axe::is_here();
    let (mut faults, mut who, mut titles) = (Vec::new(), "", BTreeMap::new());
    // A list that is narrowed is the same list.
    let place = |page: &Page| (page.path)(demo).split('?').next().unwrap().to_owned();
    // Neighbours share a user, and a login is dear: the pages are dealt out in runs.
    let share = PAGES.len().div_ceil(of);
    for page in PAGES.iter().skip(from * share).take(share) {
        if page.user != who {
            browser.log_in(page.user, PASSWORD);
            who = page.user;
        }
        for lang in ["et", "fi"] {
            faults.extend(faults_of(&browser, demo, page, lang));
            if let Some(other) =
                titles.insert((page.user, browser.title()), place(page)).filter(|at| *at != place(page))
            {
                faults.push(format!("{} ({lang}): its title is that of {other}: {}", page.name, browser.title()));
            }
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

// Two halves, so that two cores have something to do.

#[test]
fn every_page_is_free_of_axe_violations() {
    walk(0, 2);
}

#[test]
fn every_other_page_is_free_of_axe_violations() {
    walk(1, 2);
}
