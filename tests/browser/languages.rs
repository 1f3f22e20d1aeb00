//! Four languages, and one that is longer than any of them.

use std::collections::BTreeSet;

use super::demo::{PASSWORD, demo};
use super::driver::{Browser, Look};
use super::pages::{PAGES, overflow};
use crate::harness::people::School;
use crate::harness::visitor::Visitor;
use crate::harness::{self, Harness, Place, REGISTER};

/// Words of a page that are the name of a text instead of the text.
fn unsaid(words: &str) -> BTreeSet<String> {
    let screens: Vec<String> = std::fs::read_dir("locales/et")
        .unwrap()
        .filter_map(|file| {
            file.unwrap().file_name().to_str()?.strip_prefix("ui-")?.strip_suffix(".ftl").map(str::to_owned)
        })
        .collect();
    let is_name = |word: &&str| {
        let (first, rest) = word.split_once('-').unwrap_or((word, ""));
        screens.iter().any(|s| s == first)
            && !rest.is_empty()
            && rest.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
    };
    words.split_whitespace().filter(is_name).map(str::to_owned).collect()
}

#[test]
fn every_page_speaks_four_languages_and_misses_no_text() {
    let demo = demo();
    let mut visitor = Visitor::at(&demo.base);
    let (mut who, mut faults) = ("", Vec::new());
    for page in PAGES {
        if page.user != who {
            visitor = Visitor::at(&demo.base);
            visitor.login(page.user, PASSWORD).expect(200);
            who = page.user;
        }
        let mut said = BTreeSet::new();
        for lang in ["et", "en", "fi", "sv"] {
            let seen = visitor.get(&format!("/{lang}{}", (page.path)(demo)));
            let mut must = |so: bool, what: String| {
                if !so {
                    faults.push(format!("{} in {lang}: {what}", page.name));
                }
            };
            must(seen.status == 200, format!("the answer is {}", seen.status));
            must(seen.attributes("html", "lang") == [lang], "the page says that it is in another language".into());
            let whole = seen.text_of("body").unwrap_or_default();
            must(unsaid(&whole).is_empty(), format!("there is no text for {:?}", unsaid(&whole)));
            said.insert(seen.text_of("footer").unwrap_or_default());
            // What is in another language than the page says so (WCAG 3.1.2).
            let title = seen.text_of("h1").unwrap_or_default();
            must(!title.is_empty(), "it has no heading".into());
        }
        if said.len() != 4 {
            faults.push(format!("{}: the frame of two languages is the same", page.name));
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn texts_that_are_longer_by_two_fifths_break_no_page() {
    let school = School::open(Harness::stretched(Place::sqlite()));
    let base = format!("http://{}", school.h.address);
    let Some(browser) = Browser::open(&base, Look::WIDE) else { return };
    let at = |path: &str| format!("/et/r/{REGISTER}{path}");
    let card = format!("/records/employee/{}", school.employee);
    let pages = [
        ("", vec!["/et/login".to_owned(), "/et/".into(), at(""), at("/statute"), "/et/help".into()]),
        (
            "hr_clerk",
            vec![
                at("/desk"),
                at("/records/employee"),
                at(&card),
                at(&format!("{card}/change")),
                at(&format!("{card}/history")),
                at("/records/employee/new"),
                at("/imports"),
                at("/cases/new"),
                "/et/settings".into(),
            ],
        ),
        (
            "administrator",
            vec![at("/desk"), at("/access"), at("/access/new"), at("/access/rules"), at("/disclosures/new")],
        ),
        ("supervisor", vec![at("/audit"), at("/audit/signals"), at("/audit/sample"), at("/access/report")]),
        (
            "controller",
            vec![
                at("/desk"),
                at("/cases"),
                at("/reports"),
                at("/publications"),
                at("/closing"),
                at("/jobs"),
                at("/retention"),
                at("/retention/forecast"),
                at("/retention/batches"),
                at("/retention/holds/new"),
                at("/backups"),
            ],
        ),
    ];
    let mut faults = Vec::new();
    for (who, paths) in pages {
        if !who.is_empty() {
            browser.log_in(who, harness::PASSWORD);
        }
        for path in paths {
            browser.look(Look::WIDE);
            browser.go(&path);
            if !browser.words().contains('[') {
                faults.push(format!("{path}: its texts are not longer"));
            }
            for (width, zoom) in [(1440, 1.0), (720, 2.0), (360, 1.0)] {
                faults.extend(overflow(&browser, width, zoom).into_iter().map(|f| format!("{path}: {f}")));
            }
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}
