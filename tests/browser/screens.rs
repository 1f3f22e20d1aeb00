//! Pictures of the main pages for the documents: made when `ANDMEKOGU_TEST_SCREENS=1`, so that a usual run leaves the tree
//! as it is.

use std::path::Path;
use std::process::Command;

use super::demo::{PASSWORD, demo};
use super::driver::{Browser, Look};
use super::pages::PAGES;

/// The pages that are pictured, by their names in the table.
const PICTURED: &[&str] = &[
    "login",
    "desk",
    "list",
    "card",
    "change",
    "confirmation",
    "confirmations-board",
    "receipt",
    "access",
    "request",
    "audit",
    "me",
    "statute",
    "report",
    "exchange",
];

const FOLDER: &str = "docs/screens";

#[test]
fn the_pictures_of_the_documents_show_what_is() {
    for name in PICTURED {
        assert!(PAGES.iter().any(|p| p.name == *name), "{name} is a page of the table");
    }
    if std::env::var("ANDMEKOGU_TEST_SCREENS").is_ok_and(|v| v == "1") {
        take();
    }
}

fn take() {
    let demo = demo();
    let Some(browser) = Browser::open(&demo.base, Look::WIDE) else { return };
    std::fs::create_dir_all(FOLDER).unwrap();
    let mut who = "";
    for page in PAGES.iter().filter(|p| PICTURED.contains(&p.name)) {
        if page.user != who {
            browser.log_in(page.user, PASSWORD);
            who = page.user;
        }
        for (name, look) in [("wide", Look::WIDE), ("phone", Look::PHONE)] {
            browser.look(look);
            browser.go(&format!("/et{}", (page.path)(demo)));
            let file = Path::new(FOLDER).join(format!("{}-{name}.png", page.name));
            std::fs::write(&file, browser.picture(false)).unwrap();
            smaller(&file);
        }
    }
}

/// A picture of a page needs few colours. Without the program it stays as it is.
fn smaller(file: &Path) {
    let made = Command::new("pngquant").args(["--force", "--ext", ".png", "--strip", "128"]).arg(file).status();
    if !made.is_ok_and(|s| s.success()) {
        eprintln!("{} is larger than it need be: pngquant is not here", file.display());
    }
}
