//! What stands around every page: login, search, language, theme, keys, the session's end.

use serde_json::json;

use super::demo::{PASSWORD, demo};
use super::driver::{Browser, By, Key, Look, css, field, said};
use super::pages::PEOPLE;
use crate::harness::people::School;
use crate::harness::{self, Harness, Place, REGISTER};

/// A browser in front of a school, and somebody logged in.
fn at_school(who: &str, look: Look) -> Option<(School, Browser)> {
    let school = School::open(Harness::start(Place::sqlite()));
    let browser = Browser::open(&format!("http://{}", school.h.address), look)?;
    browser.log_in(who, harness::PASSWORD);
    Some((school, browser))
}

fn background(browser: &Browser) -> String {
    let colour = browser.script("return getComputedStyle(document.body).backgroundColor", vec![]);
    colour.as_str().unwrap().to_owned()
}

#[test]
fn a_wrong_password_is_told_first_in_the_title_and_under_the_focus_and_the_name_stays() {
    let Some(browser) = Browser::open(&demo().base, Look::WIDE) else { return };
    browser.go("/et/login");
    browser.fill(&field("Kasutajanimi"), "hr_clerk");
    browser.fill(&field("Parool"), "see ei ole õige");
    browser.press(Key::Enter);
    browser.sees(&css(".summary"));
    assert!(browser.title().starts_with("Viga:"), "{}", browser.title());
    assert_eq!(browser.value(&css("#username")), "hr_clerk");
    assert_eq!(browser.value(&css("#password")), "");
    browser.until("the summary has the focus", || {
        browser.script("return document.activeElement.matches('.summary')", vec![]) == true
    });
    browser.click(&css(".summary a"));
    assert!(browser.focus().contains("username"), "the summary leads to the field: {}", browser.focus());
}

#[test]
fn the_first_stop_of_the_tab_key_leads_past_the_menu() {
    let Some(browser) = Browser::open(&demo().base, Look::WIDE) else { return };
    browser.log_in("hr_clerk", PASSWORD);
    browser.go(&format!("/et/r/{PEOPLE}/desk"));
    browser.press(Key::Tab);
    assert!(browser.focus().contains("Liigu põhisisu juurde"), "{}", browser.focus());
    browser.press(Key::Enter);
    assert!(browser.focus().starts_with("main"), "{}", browser.focus());
}

#[test]
fn the_language_changes_and_the_place_stays() {
    let Some(browser) = Browser::open(&demo().base, Look::WIDE) else { return };
    browser.log_in("hr_clerk", PASSWORD);
    browser.go(&format!("/et/r/{PEOPLE}/statute?x=1"));
    for lang in ["sv", "fi", "en", "et"] {
        browser.click(&css(&format!(".langs a[hreflang={lang}]")));
        browser.until("the language is the one chosen", || {
            browser.script("return document.documentElement.lang", vec![]) == lang
        });
        assert_eq!(browser.path(), format!("/{lang}/r/{PEOPLE}/statute?x=1"));
    }
}

#[test]
fn who_chooses_the_dark_has_it_on_a_light_machine_and_the_other_way_round() {
    let Some((school, browser)) = at_school("hr_clerk", Look::WIDE) else { return };
    let (light, dark) = ("rgb(244, 246, 248)", "rgb(14, 21, 29)");
    browser.go("/et/settings");
    assert_eq!(background(&browser), light);
    browser.click(&css("[name=theme][value=dark]"));
    browser.click(&said("Salvesta"));
    browser.until("it is dark", || background(&browser) == dark);
    browser.look(Look::DARK);
    browser.click(&css("[name=theme][value=light]"));
    browser.click(&said("Salvesta"));
    browser.until("it is light", || background(&browser) == light);
    browser.click(&css("[name=theme][value=auto]"));
    browser.click(&said("Salvesta"));
    browser.until("it is as dark as the machine", || background(&browser) == dark);
    drop(school);
}

#[test]
fn a_stroke_leads_to_the_search_unless_the_keys_are_switched_off() {
    let Some((school, browser)) = at_school("hr_clerk", Look::WIDE) else { return };
    let desk = format!("/et/r/{REGISTER}/desk");
    browser.go(&desk);
    browser.type_here("/");
    assert!(browser.focus().starts_with("input q"), "{}", browser.focus());
    assert_eq!(browser.value(&css("#q")), "", "and is not typed into it");
    browser.go("/et/settings");
    browser.click(&css("[name=shortcuts]"));
    browser.click(&said("Salvesta"));
    browser.sees(&css(".note.done"));
    browser.go(&desk);
    browser.type_here("/");
    assert!(!browser.focus().starts_with("input q"), "{}", browser.focus());
    drop(school);
}

#[test]
fn before_the_session_ends_one_is_asked_and_goes_on_without_losing_what_one_typed() {
    let Some((school, browser)) = at_school("hr_clerk", Look::WIDE) else { return };
    browser.go(&format!("/et/r/{REGISTER}/purpose"));
    browser.fill(&css("#reference"), "pooleli");
    let whole = browser.attribute(&css("meta[name=session]"), "content").unwrap().parse::<i64>().unwrap();
    assert!(whole > 600, "a session is long enough to work in: {whole} s");
    assert!(!browser.has(&css("dialog[open]")), "nobody is asked at the beginning");
    // Four minutes before the end, by the clocks of both.
    school.h.clock.set(school.h.app.store.now() + chrono::Duration::seconds(whole - 240));
    browser.script(
        "const now = Date.now; Date.now = () => now() + 1000 * arguments[0];"
            .replace("arguments[0]", &(whole - 240).to_string())
            .as_str(),
        vec![],
    );
    browser.sees(&css("dialog[open]"));
    let told = browser.text(&css("dialog[open]"));
    assert!(told.contains("3:") || told.contains("4:0"), "how long is left: {told}");
    browser.press(Key::Enter);
    browser.until("the question is gone", || !browser.has(&css("dialog[open]")));
    assert_eq!(browser.value(&css("#reference")), "pooleli");
    school.h.clock.set(school.h.app.store.now() + chrono::Duration::seconds(600));
    browser.reload();
    assert!(browser.path().ends_with("/purpose"), "the session goes on: {}", browser.path());
    drop(school);
}

#[test]
fn without_scripts_one_logs_in_chooses_and_logs_out() {
    let Some((school, browser)) = at_school("hr_clerk", Look::WITHOUT_SCRIPTS) else { return };
    browser.go("/et/settings");
    browser.click(&css("[name=theme][value=dark]"));
    browser.click(&said("Salvesta"));
    browser.sees(&css(".note.done"));
    assert_eq!(browser.attribute(&css("html"), "data-theme").as_deref(), Some("dark"));
    browser.click(&css("details.me summary"));
    browser.click(&By::XPath("//button[normalize-space()='Logi välja']".into()));
    browser.until("the login page is there", || browser.path().starts_with("/et/login"));
    browser.go("/et/settings");
    assert!(browser.path().starts_with("/et/login"), "the session is gone: {}", browser.path());
    assert_eq!(browser.script("return 1", vec![]), json!(1));
    drop(school);
}
