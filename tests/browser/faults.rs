//! When something goes wrong: nothing typed is lost, nothing is saved twice, and whoever is there is told what to do.

use serde_json::json;

use super::driver::{Browser, By, Key, Look, css, said};
use super::flows::{about_an_employee, at_desk, enter};
use crate::harness::people::{School, code};
use crate::harness::{Harness, PASSWORD, Place, REGISTER};

fn school() -> School {
    School::open(Harness::start(Place::sqlite()))
}

fn employees(school: &School) -> i64 {
    school.h.place.count("SELECT COUNT(*) FROM record WHERE record_type = 'employee'")
}

/// A clerk before the filled form of a new employee.
fn before_saving(school: &School, code: &str) -> Option<Browser> {
    let browser = at_desk(&school.h, REGISTER, "hr_clerk", Look::WIDE)?;
    browser.go(&format!("/et/r/{REGISTER}/records/employee/new?institution={}", school.office.institution));
    if !browser.has(&css("[name='/post']")) || browser.has(&css("select[name=institution]")) {
        enter(&browser, &[("institution", &school.office.institution)]);
        browser.click(&said("Vali asutus"));
    }
    enter(&browser, &about_an_employee(school, code));
    Some(browser)
}

fn check(browser: &Browser) {
    browser.click(&css("button.pri[value=check]"));
    browser.sees(&css("button.pri[value=save]"));
}

#[test]
fn whoever_presses_save_twice_makes_one_record() {
    let school = school();
    let Some(browser) = before_saving(&school, &code(1991, 3)) else { return };
    check(&browser);
    browser.click_twice(&css("button.pri[value=save]"));
    browser.sees(&css(".note.done"));
    assert_eq!(employees(&school), 2);
}

#[test]
fn going_back_after_saving_and_saving_again_makes_no_second_record() {
    let school = school();
    let Some(browser) = before_saving(&school, &code(1991, 3)) else { return };
    check(&browser);
    browser.click(&css("button.pri[value=save]"));
    browser.sees(&css(".note.done"));
    browser.back();
    if browser.has(&css("button.pri[value=save]")) {
        browser.click(&css("button.pri[value=save]"));
        browser.until("there is an answer", || {
            !browser.has(&css("button.pri[value=save]")) || browser.has(&css(".summary"))
        });
    }
    assert_eq!(employees(&school), 2);
}

#[test]
fn what_was_typed_survives_the_end_of_the_session() {
    let school = school();
    let Some(browser) = before_saving(&school, &code(1991, 3)) else { return };
    school.h.clock.set(school.h.app.store.now() + chrono::Duration::hours(9));
    browser.click(&css("button.pri[value=check]"));
    browser.reads("Sisestatu ei läinud kaotsi");
    browser.fill(&css("#username"), "hr_clerk");
    browser.fill(&css("#password"), PASSWORD);
    browser.press(Key::Enter);
    browser.click(&said("Saada sisestatu"));
    browser.sees(&css("button.pri[value=save]"));
    assert!(browser.words().contains("Maarika"), "{}", browser.words());
    browser.click(&css("button.pri[value=save]"));
    browser.sees(&css(".note.done"));
    assert_eq!(employees(&school), 2);
}

#[test]
fn a_page_with_something_written_stays_when_the_session_ends_and_another_leads_to_the_login() {
    let h = Harness::start(Place::sqlite());
    h.staff();
    let Some(browser) = at_desk(&h, REGISTER, "administrator", Look::WIDE) else { return };
    let nine_hours_later = || {
        let later = "const now = Date.now; Date.now = () => now() + 9 * 3600e3";
        browser.script(later, vec![]);
    };
    browser.go(&format!("/et/r/{REGISTER}/cases/new?kind=complaint"));
    browser.fill(&css("[name=subject]"), "Vaatamised");
    nine_hours_later();
    // The page's clock ticks each second.
    std::thread::sleep(std::time::Duration::from_millis(2500));
    let kept = browser.script("return document.querySelector('[name=subject]')?.value", vec![]);
    assert_eq!(kept, json!("Vaatamised"), "at {}", browser.path());
    browser.go(&format!("/et/r/{REGISTER}/access"));
    h.clock.set(h.app.store.now() + chrono::Duration::hours(9));
    nine_hours_later();
    browser.until("one is at the login", || browser.path().starts_with("/et/login"));
}

#[test]
fn whoever_changes_what_somebody_else_has_changed_compares_and_loses_nothing() {
    let school = school();
    let Some(browser) = at_desk(&school.h, REGISTER, "hr_clerk", Look::WIDE) else { return };
    let change = format!("/et/r/{REGISTER}/records/employee/{}/change", school.employee);
    browser.go(&change);
    let first = browser.new_tab();
    browser.go(&change);
    let document = [("on", "1.12.2026"), ("doc-kind", "contract"), ("doc-number", "7"), ("doc-date", "20.8.2026")];
    enter(&browser, &[("/load_on_post", "0,50")]);
    enter(&browser, &document);
    check(&browser);
    browser.click(&css("button.pri[value=save]"));
    browser.sees(&css(".note.done"));
    browser.switch_to(first);
    enter(&browser, &[("/load_on_post", "0,75")]);
    enter(&browser, &document);
    browser.click(&css("button.pri[value=check]"));
    if browser.has(&css("button.pri[value=save]")) {
        browser.click(&css("button.pri[value=save]"));
    }
    browser.reads("Keegi muutis kirjet samal ajal");
    let words = browser.words();
    assert!(words.contains("0,50") && words.contains("0,75"), "both values are there: {words}");
    browser.click(&css("button.pri[value=resolve]"));
    browser.click(&css("button.pri[value=save]"));
    browser.sees(&css(".note.done"));
    let seen = school.clerk.get(&format!("{}?as_of=2026-12-01", school.path())).expect(200);
    assert_eq!(seen.body["data"]["load_on_post"], "0.75");
}

#[test]
fn when_a_right_ends_while_its_page_is_open_the_page_says_so() {
    let school = school();
    let Some(browser) = at_desk(&school.h, REGISTER, "hr_clerk", Look::WIDE) else { return };
    browser.go(&format!("/et/r/{REGISTER}/records/employee/{}", school.employee));
    browser.reads("Tamm");
    let administrator = school.h.login("administrator");
    let grants = administrator.get(&format!("/registers/{REGISTER}/grants?limit=50")).expect(200).body;
    let own = grants["items"].as_array().unwrap().iter().find(|g| g["username"] == "hr_clerk").unwrap().clone();
    let ground = school.h.app.register(REGISTER).unwrap().definition.register.revocation_grounds[0].name.clone();
    administrator
        .post(
            &format!("/registers/{REGISTER}/grants/{}/revocation", own["id"].as_str().unwrap()),
            &json!({ "ground": ground, "explanation": "lahkus" }),
        )
        .expect(200);
    browser.reload();
    browser.until("the page tells what to do", || {
        let words = browser.words();
        words.contains("Sinu roll seda ei luba") || browser.path().starts_with("/et/login")
    });
    assert!(!browser.words().contains("Tamm"), "and shows nothing any more");
}

#[test]
fn names_of_every_kind_are_shown_as_they_are_and_break_no_page() {
    let school = school();
    let names = [
        ("\u{202e}Öövalge", "right to left"),
        ("Z\u{0301}o\u{0308}e\u{0327}", "combining marks"),
        ("עברית", "another script"),
        ("<script>window.broken = 1</script>", "markup"),
        ("\"onmouseover=\"window.broken = 1", "an attribute"),
    ];
    let mut ids = Vec::new();
    for (n, (name, what)) in names.iter().enumerate() {
        let mut body = school.office.employee(name, &code(1980, u16::try_from(n).unwrap()));
        body["data"]["education"][0]["speciality"] = json!(name);
        let answer = school.clerk.post(&format!("/registers/{REGISTER}/records/employee"), &body);
        // What the statute's own rule for names shuts out never gets that far.
        if answer.status == 201 {
            ids.push((answer.id(), *name, *what));
        }
    }
    assert!(!ids.is_empty());
    let Some(browser) = at_desk(&school.h, REGISTER, "hr_clerk", Look::PHONE) else { return };
    let list = format!("/et/r/{REGISTER}/records/employee");
    let pages = ids.iter().map(|(id, name, what)| (format!("{list}/{id}"), *name, *what));
    for (page, name, what) in pages {
        browser.go(&page);
        assert!(browser.script("return document.body.textContent", vec![]).as_str().unwrap().contains(name), "{what}");
        assert_eq!(browser.script("return window.broken === undefined", vec![]), true, "{what}");
        let past = browser.script("return document.documentElement.scrollWidth - innerWidth", vec![]);
        assert!(past.as_i64().unwrap() <= 0, "{what}: the page scrolls sideways by {past}");
    }
    browser.go(&list);
    assert_eq!(browser.script("return window.broken === undefined", vec![]), true);
    let past = browser.script("return document.documentElement.scrollWidth - innerWidth", vec![]);
    assert!(past.as_i64().unwrap() <= 0, "the list scrolls sideways by {past}");
}

#[test]
fn a_slow_answer_about_a_personal_code_takes_nobody_away_from_where_they_are_typing() {
    let school = school();
    let Some(browser) = at_desk(&school.h, REGISTER, "hr_clerk", Look::WIDE) else { return };
    browser.go(&format!("/et/r/{REGISTER}/records/employee/new?institution={}", school.office.institution));
    let slow = "const ask = window.fetch; window.answered = false; window.fetch = async (...all) => { \
                await new Promise(done => setTimeout(done, 1500)); const answer = await ask(...all); \
                setTimeout(() => { window.answered = true; }, 100); return answer; }";
    browser.script(slow, vec![]);
    let code = code(1991, 3);
    enter(&browser, &[("/personal_code", &code), ("/first_name", "Maarika")]);
    browser.until("the answer is there", || browser.script("return window.answered", vec![]) == true);
    assert!(browser.focus().contains("first_name"), "{}", browser.focus());
    browser.type_here(" Mai");
    assert_eq!(browser.value(&css("[name='/first_name']")), "Maarika Mai");
    assert_eq!(browser.value(&css("[name='/personal_code']")), code);
}

#[test]
fn a_name_of_three_thousand_characters_is_told_at_its_field_and_stays_there() {
    let school = school();
    let Some(browser) = before_saving(&school, &code(1991, 3)) else { return };
    let long = "pikk ".repeat(600);
    browser.script("document.getElementsByName('/last_name')[0].value = arguments[0]", vec![json!(long)]);
    browser.click(&css("button.pri[value=check]"));
    browser.sees(&css(".summary"));
    assert!(browser.title().starts_with("Viga:"), "{}", browser.title());
    assert_eq!(browser.value(&css("[name='/last_name']")).trim(), long.trim());
    assert_eq!(browser.value(&css("[name='/first_name']")), "Maarika", "the rest is there too");
    browser.click(&By::XPath("//*[contains(@class, 'summary')]//a[1]".into()));
    assert!(browser.focus().contains("last_name"), "the summary leads to the field: {}", browser.focus());
    assert_eq!(employees(&school), 1);
}
