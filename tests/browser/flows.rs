//! The pieces of work that people come for, from their desk to the end, with every click and key counted. More than
//! was promised is a fault; in each, whoever has done it is told so.
//!
//! The counts are those of the design; a choice from a list costs its first letters, the browser's own dialog for
//! files a click. Not here: the public catalogue.

use std::sync::{Mutex, PoisonError};

use serde_json::json;

use super::axe;
use super::demo::{self, demo};
use super::driver::{Browser, By, Key, Look, css, said};
use super::pages::{PEOPLE, SCHOOLS};
use crate::harness::people::{School, code};
use crate::harness::{Harness, PASSWORD, Place, REGISTER};

/// Opens a browser on a register, somebody logged in, at their desk.
pub fn at_desk(h: &Harness, register: &str, who: &str, look: Look) -> Option<Browser> {
    let browser = Browser::open(&format!("http://{}", h.address), look)?;
    browser.log_in(who, PASSWORD);
    browser.go(&format!("/et/r/{register}/desk"));
    browser.count_from_here();
    Some(browser)
}

/// Enters values into the controls of these names, whatever kind each is.
pub fn enter(browser: &Browser, values: &[(&str, &str)]) {
    for (name, value) in values {
        let control = format!("[name='{name}']:not([type=hidden])");
        browser.sees(&css(&control));
        let kind = browser.script(
            "const e = document.querySelector(arguments[0]); return e.tagName === 'SELECT' ? 'select' : e.type",
            vec![json!(control)],
        );
        match kind.as_str().unwrap() {
            "select" => browser.pick(&By::XPath(format!("//select[@name='{name}']//option[@value='{value}']"))),
            "radio" | "checkbox" => browser.click(&css(&format!("[name='{name}'][value='{value}']"))),
            _ => browser.fill(&css(&control), value),
        }
    }
}

/// More than these is a fault.
fn at_most(browser: &Browser, clicks: usize, keys: usize) {
    let (have, also) = (browser.clicks(), browser.keys());
    eprintln!("{have} clicks and {also} keys (at most {clicks} and {keys})");
    assert!(have <= clicks, "{have} clicks, {clicks} were promised");
    assert!(also <= keys, "{also} keys, {keys} were promised");
}

fn school() -> School {
    School::open(Harness::start(Place::sqlite()))
}

/// What the statute asks of everybody, and the document it rests on.
pub fn about_an_employee<'a>(school: &'a School, personal_code: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("on", "1.9.2026"),
        ("/personal_code", personal_code),
        ("/first_name", "Maarika"),
        ("/last_name", "Kask"),
        ("/citizenship/0", "EST"),
        ("/post", &school.office.post),
        ("/employment_type", "employment_contract"),
        ("/employment_start", "1.9.2026"),
        ("/education/0/education_level", "higher"),
        ("/education/0/speciality", "eesti filoloogia"),
        ("/fixed_term/is_fixed", "false"),
        ("/load_on_post", "1,00"),
        ("/weekly_hours", "40"),
        ("/employee_group", "education_staff"),
        ("/salary/0/kind", "monthly"),
        ("/salary/0/amount", "1820"),
        ("/salary/0/from", "1.9.2026"),
        ("doc-kind", "contract"),
        ("doc-number", "TL-26/17"),
        ("doc-date", "20.8.2026"),
    ]
}

fn a_clerk_adds_an_employee(look: Look) {
    let school = school();
    let Some(browser) = at_desk(&school.h, REGISTER, "hr_clerk", look) else { return };
    if look.scripts {
        browser.type_here("n");
    } else {
        browser.click(&css("[data-key=n]"));
    }
    enter(&browser, &[("institution", &school.office.institution)]);
    browser.click(&said("Vali asutus"));
    enter(&browser, &about_an_employee(&school, &code(1991, 3)));
    browser.click(&css("button.pri[value=check]"));
    browser.click(&css("button.pri[value=save]"));
    browser.sees(&css(".note.done"));
    assert!(browser.words().contains("Maarika Kask") || browser.words().contains("Kask Maarika"));
    at_most(&browser, 6, 180);
    assert_eq!(school.h.place.count("SELECT COUNT(*) FROM record WHERE record_type = 'employee'"), 2);
}

#[test]
fn a_clerk_adds_an_employee_on_one_page_with_one_save() {
    a_clerk_adds_an_employee(Look::WIDE);
}

#[test]
fn a_clerk_adds_an_employee_without_scripts_too() {
    a_clerk_adds_an_employee(Look::WITHOUT_SCRIPTS);
}

#[test]
fn a_supervisor_learns_who_saw_somebody_in_march_and_why() {
    let school = school();
    school.h.set_clock("2027-03-10T09:00:00Z");
    school.h.login("hr_clerk").get(&school.path()).expect(200);
    school.h.set_clock("2027-04-02T09:00:00Z");
    let Some(browser) = at_desk(&school.h, REGISTER, "supervisor", Look::WIDE) else { return };
    browser.click(&By::XPath("//nav//a[normalize-space()='Logi']".into()));
    browser.fill(&css("#line"), "isik:tamm aeg:2027-03");
    browser.press(Key::Enter);
    browser.reads("1 vaatamine");
    browser.reads("hr_clerk");
    assert!(!browser.path().contains("tamm"), "whom one asks about stands in no address: {}", browser.path());
    at_most(&browser, 2, 25);
}

#[test]
fn a_supervisor_finds_the_record_by_its_name_and_reads_who_viewed_it() {
    let school = school();
    school.h.login("hr_clerk").get(&school.path()).expect(200);
    let Some(browser) = at_desk(&school.h, REGISTER, "supervisor", Look::WIDE) else { return };
    browser.type_here("/");
    browser.type_here("Tamm\n");
    browser.click(&css("main a.row-link"));
    browser.click(&css("main a[href$='/views']"));
    browser.reads("hr_clerk");
    at_most(&browser, 3, 5);
}

#[test]
fn an_administrator_grants_a_right_and_ends_it() {
    let school = school();
    school.h.user("uus");
    let Some(browser) = at_desk(&school.h, REGISTER, "administrator", Look::WIDE) else { return };
    browser.click(&By::XPath("//nav//a[normalize-space()='Juurdepääsud']".into()));
    browser.type_here("n");
    browser.fill(&css("[name=person]"), "uus");
    enter(
        &browser,
        &[
            ("role", "hr_clerk"),
            ("institution_id", &school.office.institution),
            ("basis_kind", "directive"),
            ("basis_reference", "käskkiri 12"),
        ],
    );
    browser.click(&css("button[value=check]"));
    browser.click(&css("button[value=save]"));
    browser.sees(&css(".note.done"));
    at_most(&browser, 5, 40);
    assert_eq!(school.h.login("uus").get(&school.path()).status, 200, "the right is in force");

    browser.go(&format!("/et/r/{REGISTER}/access"));
    browser.count_from_here();
    browser.click(&By::XPath("//tr[contains(., 'Kasutaja uus')]//a[contains(., 'Lõpeta')]".into()));
    browser.click(&css("[name=ground]"));
    browser.fill(&css("[name=explanation]"), "töö lõppes");
    if browser.has(&css("button[value=check]")) {
        browser.click(&css("button[value=check]"));
    }
    browser.click(&css("button[value=save]"));
    browser.sees(&css(".note.done"));
    at_most(&browser, 3, 11);
    assert_eq!(
        school.h.nobody().post("/sessions", &json!({ "username": "uus", "password": PASSWORD })).status,
        201,
        "the user stays"
    );
    assert!(school.h.login("uus").get(&school.path()).status >= 403, "the right is gone");
}

/// A head confirms what is due: the first duty in which nothing is wrong.
fn a_head_confirms(look: Look) {
    // One after the other: two who open the same duty at once meet each other, and that is another test's story.
    static ONE_HEAD: Mutex<()> = Mutex::new(());
    let _alone = ONE_HEAD.lock().unwrap_or_else(PoisonError::into_inner);
    let demo = demo();
    let Some(browser) = Browser::open(&demo.base, look) else { return };
    browser.log_in("hobby_head", demo::PASSWORD);
    browser.go(&format!("/et/r/{SCHOOLS}/desk"));
    browser.count_from_here();
    browser.click(&By::XPath("//main//a[contains(@href, '/confirmations/')][1]".into()));
    browser.click(&css("#statement"));
    browser.click(&css("#confirm button.pri"));
    browser.sees(&css(".note.done"));
    at_most(&browser, 3, 0);
    let receipt = browser.path().split('?').next().unwrap().to_owned();
    assert!(receipt.ends_with("/receipt"), "{receipt}");
    browser.go(&receipt);
    assert!(browser.text(&css("h1")).starts_with("Kviitung"), "the receipt stays at its address");
}

#[test]
fn a_head_confirms_in_three_clicks_and_holds_a_receipt() {
    a_head_confirms(Look::WIDE);
}

#[test]
fn a_head_confirms_without_scripts_too() {
    a_head_confirms(Look::WITHOUT_SCRIPTS);
}

#[test]
fn a_clerk_imports_a_sheet_of_posts() {
    let school = school();
    let folder = tempfile::tempdir().unwrap();
    let template = school.clerk.get(&format!("/registers/{REGISTER}/templates/post?format=csv")).expect(200);
    let label = |name: &str| {
        let register = school.h.app.register(REGISTER).unwrap();
        let kind = register.record_type("post").unwrap();
        kind.fields.iter().find(|f| f.name == name).unwrap().label.official().to_owned()
    };
    let head = [label("unit"), label("post_title"), label("created_on"), label("prescribed_load")];
    assert!(head.iter().all(|name| template.text.contains(name.as_str())), "{}", template.text);
    let mut sheet = format!("{}\n", head.join(";"));
    for n in 0..500 {
        sheet += &format!("{};õpetaja {n};2026-09-01;1.00\n", school.office.unit);
    }
    let file = folder.path().join("ametikohad.csv");
    std::fs::write(&file, sheet).unwrap();

    let Some(browser) = at_desk(&school.h, REGISTER, "hr_clerk", Look::WIDE) else { return };
    browser.click(&By::XPath("//nav//a[normalize-space()='Import']".into()));
    enter(&browser, &[("record_type", "post"), ("institution_id", &school.office.institution)]);
    browser.attach(&css("#file"), &file);
    enter(&browser, &[("effective_on", "1.9.2026"), ("document_kind", "administrative_act"), ("document_number", "7")]);
    enter(&browser, &[("document_date", "20.8.2026")]);
    browser.click(&said("Edasi"));
    browser.reads("Midagi ei ole veel salvestatud");
    let faults = axe::everything(&browser);
    assert!(faults.is_empty(), "{faults:#?}");
    browser.click(&css("#save-h ~ * .btn.pri, section[aria-labelledby=save-h] .btn.pri"));
    browser.reads("500");
    browser.until("all of it is saved", || {
        school.h.place.count("SELECT COUNT(*) FROM record WHERE record_type = 'post'") == 501
    });
    at_most(&browser, 4, 40);
}

#[test]
fn an_administrator_answers_a_request_for_data() {
    let school = school();
    let asked = json!({
        "requester": { "name": "Näidisamet", "kind": "authority", "contact": "info@naidisamet.example" },
        "object": "Õpetajate ametikohad", "record_type": "employee", "fields": ["last_name", "load_on_post"],
        "purpose": "järelevalve", "legal_basis": "töölepingu seaduse § 115" });
    school.h.login("administrator").post(&format!("/registers/{REGISTER}/disclosure-requests"), &asked).expect(201);
    let Some(browser) = at_desk(&school.h, REGISTER, "administrator", Look::WIDE) else { return };
    browser.click(&By::XPath("//main//li[contains(., 'Õpetajate ametikohad')]//a[1]".into()));
    enter(&browser, &[("outcome", "granted")]);
    if browser.has(&css("[name=release_ground]")) {
        enter(&browser, &[("release_ground", "public_task")]);
    }
    enter(&browser, &[("explanation", "Ülesandeks vajalik.")]);
    browser.click(&css("button[value=check]"));
    browser.click(&css("button[value=save]"));
    browser.sees(&css(".note.done"));
    at_most(&browser, 5, 60);
}

#[test]
fn whoever_is_written_about_sees_who_looked_and_why_and_reports_a_mistake() {
    let demo = demo();
    let Some(browser) = Browser::open(&demo.base, Look::WIDE) else { return };
    browser.log_in("data_subject", demo::PASSWORD);
    browser.go("/et/me");
    browser.count_from_here();
    browser.click(&said("Kes on vaadanud"));
    browser.reads("Kes on vaadanud");
    at_most(&browser, 1, 0);
    browser.go(&format!("/et/me/{PEOPLE}/employee/{}/report", demo.made("mine")));
    browser.count_from_here();
    browser.fill(&css("#text"), "Nimi on valesti.");
    browser.click(&css("[name=field]"));
    browser.click(&css("main .btn.pri"));
    browser.sees(&css(".note.done"));
    at_most(&browser, 2, 20);
}

#[test]
fn anybody_reads_what_a_register_holds_and_by_which_clause() {
    let demo = demo();
    let Some(browser) = Browser::open(&demo.base, Look::WIDE) else { return };
    browser.go("/et/");
    browser.count_from_here();
    browser.click(&css(&format!("main a[href='/et/r/{PEOPLE}']")));
    browser.reads("§ 12");
    browser.click(&By::XPath("(//main//a[contains(@class, 'law')])[1]".into()));
    browser.until("one stands at the clause", || browser.path().contains("/statute"));
    at_most(&browser, 2, 0);
    browser.go(&format!("/fi/r/{PEOPLE}/statute"));
    assert!(browser.count(&css("main [lang=et]")) > 0, "the statute's own words are marked as Estonian");
}

#[test]
fn an_archivist_makes_up_a_batch_in_four_clicks_and_a_second_person_approves_it_in_two() {
    let school = school();
    let gone = school.office.hire(&school.clerk, "Kadunud", &code(1980, 77)).id();
    let end = json!({ "ended_on": "2026-11-01", "ground": "by_employee", "base_document_ids": [school.office.document],
        "data": { "termination": { "legal_basis": "töölepingu seadus", "act": "TLS", "section": "85" } } });
    school.clerk.post(&format!("/registers/{REGISTER}/records/employee/{gone}/end"), &end).expect(200);
    school.h.grant("administrator", "archivist", "archivist", json!({}));
    school.h.set_clock("2037-01-05T08:00:00Z");
    let Some(browser) = at_desk(&school.h, REGISTER, "archivist", Look::WIDE) else { return };
    browser.click(&By::XPath("//nav//a[normalize-space()='Säilitamine']".into()));
    browser.click(&By::XPath("//tr[contains(., 'tervisekontrolli andmed')]//button".into()));
    browser.reads("Loend nr 1");
    browser.click(&css("[name=fate][value=destroy]"));
    browser.click(&said("Saada kinnitamiseks"));
    browser.reads("Läbivaatamine on lõppenud");
    at_most(&browser, 4, 0);

    browser.log_in("controller", PASSWORD);
    browser.go(&format!("/et/r/{REGISTER}/desk"));
    browser.count_from_here();
    browser.click(&By::XPath("//main//a[normalize-space()='Loend nr 1']".into()));
    browser.reads("tervisekontrolli andmed");
    let faults = axe::everything(&browser);
    assert!(faults.is_empty(), "{faults:#?}");
    browser.fill(&css("#number"), "1");
    browser.click(&said("Kinnita loend"));
    browser.reads("Loend on kinnitatud");
    // Tab to the field and the digit of the batch's number.
    at_most(&browser, 2, 2);
    assert_eq!(school.h.place.count("SELECT COUNT(*) FROM retention_batch WHERE state = 'approved'"), 1);
}
