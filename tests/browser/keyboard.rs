//! With the keyboard alone: Tab, Space, Enter and letters. Wherever the focus stops, it can be seen.

use serde_json::json;

use super::demo::{self, demo};
use super::driver::{Browser, Key, Look, css};
use super::flows::at_desk;
use super::pages::SCHOOLS;
use crate::harness::people::School;
use crate::harness::{Harness, Place, REGISTER};

/// Longest way to anything on a page, in stops of the Tab key.
const LONGEST_WAY: usize = 250;

/// Presses Tab until the focus is on what a selector means, and what contains a text.
pub fn tab_to(browser: &Browser, selector: &str, text: &str) {
    for _ in 0..LONGEST_WAY {
        browser.press(Key::Tab);
        let seen = browser.script(
            "const e = document.activeElement, [selector, text] = arguments; \
             if (e === document.body) return { at: 'body' }; \
             const style = getComputedStyle(e), box = e.getBoundingClientRect(); \
             const there = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2); \
             const marked = style.outlineStyle !== 'none' || style.boxShadow !== 'none'; \
             const covered = box.width > 2 && there && !e.contains(there) && !there.contains(e); \
             return { at: e.outerHTML.slice(0, 200), marked, covered: covered ? there.outerHTML.slice(0, 100) : null, \
               found: e.matches(selector) && (e.innerText || e.value || e.getAttribute('aria-label') || '').includes(text) }",
            vec![json!(selector), json!(text)],
        );
        if seen["at"] != "body" {
            assert!(seen["marked"] == true, "the focus is not to be seen on {}", seen["at"]);
            assert!(seen["covered"].is_null(), "{} covers the focus on {}", seen["covered"], seen["at"]);
        }
        if seen["found"] == true {
            return;
        }
    }
    panic!("Tab does not lead to {selector} {text:?} on {}", browser.path());
}

/// Puts the focus on a control and types: what a person does between two presses of Tab.
fn write(browser: &Browser, name: &str, text: &str) {
    tab_to(browser, &format!("[name='{name}']"), "");
    browser.type_here(text);
}

#[test]
fn a_head_confirms_with_the_keyboard_alone() {
    let demo = demo();
    let Some(browser) = Browser::open(&demo.base, Look::WIDE) else { return };
    browser.log_in("institution_head", demo::PASSWORD);
    browser.go(&format!("/et/r/{SCHOOLS}/desk"));
    tab_to(&browser, "main a[href*='/confirmations/']", "");
    browser.enter();
    tab_to(&browser, "#statement", "");
    browser.type_here(" ");
    tab_to(&browser, "main button", "Kinnita andmete õigsus");
    browser.enter();
    // There are faults in this school's data: the page says so, and the focus is there.
    browser.sees(&css(".summary, .note"));
    assert!(!browser.has(&css(".note.done")), "nothing is confirmed before the faults are mended");
}

#[test]
fn a_supervisor_asks_the_log_with_the_keyboard_alone() {
    let school = School::open(Harness::start(Place::sqlite()));
    let Some(browser) = at_desk(&school.h, REGISTER, "supervisor", Look::WIDE) else { return };
    tab_to(&browser, "nav a", "Logi");
    browser.enter();
    write(&browser, "line", "isik:tamm");
    browser.enter();
    browser.sees(&css("#answer-h"));
}

#[test]
fn an_administrator_grants_a_right_with_the_keyboard_alone() {
    let school = School::open(Harness::start(Place::sqlite()));
    school.h.user("uus");
    let Some(browser) = at_desk(&school.h, REGISTER, "administrator", Look::WIDE) else { return };
    tab_to(&browser, "nav a", "Juurdepääsud");
    browser.enter();
    tab_to(&browser, "main a", "Lisa õigus");
    browser.enter();
    write(&browser, "person", "uus");
    // The roles are one stop of the Tab key; the arrows go from one to the next.
    tab_to(&browser, "[name=role]", "");
    for _ in 0..40 {
        if browser.script("return document.activeElement.value", vec![]) == "hr_clerk" {
            break;
        }
        browser.press(Key::Down);
    }
    browser.type_here(" ");
    write(&browser, "basis_reference", "käskkiri 12");
    tab_to(&browser, "button[value=check]", "");
    browser.enter();
    if browser.has(&css("[name=basis_kind][aria-invalid=true]")) {
        tab_to(&browser, "[name=basis_kind]", "");
        browser.press(Key::Down);
        tab_to(&browser, "button[value=check]", "");
        browser.enter();
    }
    tab_to(&browser, "button[value=save]", "");
    browser.enter();
    browser.sees(&css(".note.done"));
    assert_eq!(school.h.login("uus").get(&school.path()).status, 200, "the right is in force");
}
