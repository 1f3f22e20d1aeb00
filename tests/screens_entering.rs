//! Entering at the screen: a new record, a change from a day on, a correction, an end; drafts, faults, two editors.

use serde_json::{Value, json};

use crate::harness::people::{School, code};
use crate::harness::visitor::{Filled, Seen, Visitor};
use crate::harness::{Harness, Place, REGISTER, on_both_databases};

fn school() -> School {
    School::open(Harness::start(Place::sqlite()))
}

fn place(school: &School, act: &str) -> String {
    format!("/r/{REGISTER}/records/employee/{}/{act}", school.employee)
}

/// The form of a new employee with everything that must be there, but for what `more` says.
fn hired(visitor: &Visitor, school: &School, personal_code: &str) -> Filled {
    let address = format!("/r/{REGISTER}/records/employee/new?institution={}", school.office.institution);
    let fields = [
        ("on", "1.9.2026"),
        ("/first_name", "Mari"),
        ("/last_name", "Põder"),
        ("/personal_code", personal_code),
        ("/citizenship/0", "EST"),
        ("/post", school.office.post.as_str()),
        ("/employment_type", "employment_contract"),
        ("/employment_start", "01092026"),
        ("/education/0/education_level", "higher"),
        ("/fixed_term/is_fixed", "false"),
        ("/load_on_post", "0,5"),
        ("/weekly_hours", "20"),
        ("/employee_group", "education_staff"),
        ("/salary/0/kind", "monthly"),
        ("/salary/0/amount", "1 820"),
        ("/salary/0/from", "1.9.2026"),
        ("/health_checks/0/health_check_on", "20.8.2026"),
        ("/health_checks/0/fit_for_post", "fit"),
        ("doc-kind", "contract"),
        ("doc-number", "47/26"),
        ("doc-date", "28.8.2026"),
    ];
    let form = visitor.get(&address).expect(200).form("/employee/new");
    fields.iter().fold(form, |form, (name, value)| form.set(name, value))
}

fn press(visitor: &Visitor, form: Filled, button: &str) -> Seen {
    visitor.send(&form.add("do", button))
}

fn employees(school: &School) -> Vec<Value> {
    let list = school.clerk.get(&format!("/registers/{REGISTER}/records/employee?limit=100")).expect(200);
    list.body["items"].as_array().unwrap().clone()
}

#[test]
fn a_clerk_enters_an_employee_and_sees_the_answers_before_they_are_saved() {
    on_both_databases(|h| {
        let school = School::open(h);
        let visitor = school.h.visit_as("hr_clerk");
        let answers = press(&visitor, hired(&visitor, &school, &code(1990, 3)), "check").expect(200);
        let text = answers.text();
        for shown in
            ["Kontrolli andmeid", "Põder", "1820,00", "0,50", "teisipäev, 01.09.2026", "47/26", "§ 12 lg 1 p 13"]
        {
            assert!(text.contains(shown), "{shown}: {text}");
        }
        assert_eq!(employees(&school).len(), 1, "nothing is saved by looking");
        let done = press(&visitor, answers.form("/employee/new"), "save");
        assert!(done.path.contains("done=record-created"), "{}", done.path);
        let entered = employees(&school).into_iter().find(|e| e["data"]["last_name"] == "Põder").unwrap();
        assert!(done.path.contains(entered["id"].as_str().unwrap()));
        assert_eq!(entered["data"]["load_on_post"], "0.50");
        assert_eq!(
            entered["data"]["salary"],
            json!([{ "kind": "monthly", "amount": "1820.00", "from": "2026-09-01" }])
        );
        assert_eq!(entered["data"]["citizenship"], json!(["EST"]));
        let entries = format!("/registers/{REGISTER}/records/employee/{}/entries", entered["id"].as_str().unwrap());
        let entry = school.clerk.get(&entries).expect(200).body["items"][0].clone();
        assert_eq!(entry["base_document_ids"].as_array().unwrap().len(), 1, "no entry without its document");
        assert_eq!(entry["effective_on"], "2026-09-01");
        let log =
            school.h.login("supervisor").get(&format!("/registers/{REGISTER}/audit?action=record.create")).expect(200);
        assert_eq!(log.body["items"][0]["record_ids"][0], entered["id"], "the act stands in the log");
    });
}

#[test]
fn a_form_that_is_sent_twice_enters_one_person() {
    let school = school();
    let visitor = school.h.visit_as("hr_clerk");
    let answers = press(&visitor, hired(&visitor, &school, &code(1990, 3)), "check").expect(200).form("/employee/new");
    let first = press(&visitor, answers.clone(), "save");
    let second = press(&visitor, answers, "save");
    assert_eq!(first.path, second.path, "the second sending leads to the same record");
    assert_eq!(employees(&school).len(), 2);
    let documents = school.h.place.count("SELECT COUNT(*) FROM base_document");
    assert_eq!(documents, 2, "nor is the document entered twice");
}

#[test]
fn whatever_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost() {
    let school = school();
    let visitor = school.h.visit_as("hr_clerk");
    let form = hired(&visitor, &school, "48405070011")
        .set("/employment_start", "31.6.2026")
        .set("/load_on_post", "palju")
        .set("/last_name", "<script>alert(1)</script>")
        .set("/post", "")
        .set("doc-kind", "");
    let seen = press(&visitor, form, "check").expect(422);
    assert!(seen.html.contains("<title>Viga: "));
    let summary = seen.text_of(".summary").unwrap();
    for said in [
        "Kirjuta „töö- või teenistussuhte alguse kuupäev” kujul pp.kk.aaaa",
        "isikukoodi kontrollnumber ei klapi",
        "Kirjuta „töötaja koormus ametikohal” arvuna",
        "Täida „ametikoht”.",
        "Vali alusdokumendi liik.",
    ] {
        assert!(summary.contains(said), "{said}: {summary}");
    }
    assert!(summary.contains("§ 12 lg 1 p 7"), "with the clause: {summary}");
    let links = seen.attributes(".summary a[href^='#f-']", "href");
    for link in &links {
        assert_eq!(seen.attributes(&format!("[id='{}']", &link[1..]), "id").len(), 1, "{link} leads to its control");
    }
    assert!(links.contains(&"#f-load_on_post".to_owned()), "{links:?}");
    let back = seen.form("/employee/new");
    assert_eq!(back.value("/employment_start"), Some("31.6.2026"));
    assert_eq!(back.value("/load_on_post"), Some("palju"));
    assert_eq!(back.value("/last_name"), Some("<script>alert(1)</script>"));
    assert_eq!(back.value("doc-number"), Some("47/26"));
    assert_eq!(seen.attributes("#f-load_on_post", "aria-invalid"), ["true"]);
    assert_eq!(seen.attributes("#f-load_on_post", "aria-describedby"), ["f-load_on_post-hint f-load_on_post-fault"]);
    assert_eq!(employees(&school).len(), 1);
}

#[test]
fn what_only_the_register_knows_is_said_when_it_is_saved_and_the_document_is_kept() {
    let school = school();
    let visitor = school.h.visit_as("hr_clerk");
    // The same person on the same post again.
    let answers = press(&visitor, hired(&visitor, &school, &school.personal_code), "check").expect(200);
    let seen = press(&visitor, answers.form("/employee/new"), "save").expect(422);
    assert!(seen.text().contains("selline kirje on juba olemas"), "{}", seen.text());
    let again = seen.form("/employee/new").set("/personal_code", &code(1991, 4));
    assert!(again.value("doc").is_some_and(|id| !id.is_empty()), "the document that was entered is used again");
    let answers = press(&visitor, again, "check").expect(200);
    press(&visitor, answers.form("/employee/new"), "save");
    assert_eq!(employees(&school).len(), 2);
    assert_eq!(school.h.place.count("SELECT COUNT(*) FROM base_document"), 2);
}

#[test]
fn rows_are_added_and_taken_out_without_a_script() {
    let school = school();
    let visitor = school.h.visit_as("hr_clerk");
    let form = hired(&visitor, &school, &code(1990, 3));
    let seen = press(&visitor, form, "add:/education").expect(200);
    let form = seen.form("/employee/new").set("/education/1/education_level", "secondary");
    assert_eq!(form.value("/last_name"), Some("Põder"));
    let seen = press(&visitor, form, "remove:/education/0").expect(200);
    let form = seen.form("/employee/new");
    assert_eq!(form.value("/education/0/education_level"), Some("secondary"));
    assert_eq!(form.value("/education/1/education_level"), None);
}

#[test]
fn the_short_form_shows_what_is_needed_and_a_button_shows_the_rest_with_what_was_typed() {
    let school = school();
    let visitor = school.h.visit_as("hr_clerk");
    let form = hired(&visitor, &school, &code(1990, 3));
    assert_eq!(form.value("/address"), None);
    let whole = press(&visitor, form, "all").expect(200).form("/employee/new");
    assert_eq!(whole.value("/address"), Some(""));
    assert_eq!(whole.value("/last_name"), Some("Põder"));
}

#[test]
fn a_personal_code_tells_sex_and_birth_and_who_has_it_already() {
    let school = school();
    let visitor = school.h.visit_as("hr_clerk");
    let form = hired(&visitor, &school, &school.personal_code);
    let seen = press(&visitor, form, "code:/personal_code").expect(200);
    let told = seen.text_of("#f-personal_code-check").unwrap();
    for said in ["Isikukood on õige. Naine. Sünniaeg 17.05.1984.", "Mari Tamm"] {
        assert!(told.contains(said), "{said}: {told}");
    }
    assert!(!seen.path.contains(&school.personal_code), "a code stands in no address");
    let live = [("csrf", seen.form("/employee/new").value("csrf").unwrap().to_owned())];
    let address = format!("/r/{REGISTER}/records/employee/code");
    let part =
        visitor.raw("POST", &address, &[("csrf", &live[0].1), ("at", "/personal_code"), ("code", "48405170000")], &[]);
    assert!(part.html.contains("isikukoodi kontrollnumber ei klapi"), "{}", part.html);
}

#[test]
fn a_change_says_only_what_was_touched() {
    let school = school();
    let visitor = school.h.visit_as("hr_clerk");
    let form = visitor.get(&place(&school, "change")).expect(200).form("/change");
    let untouched =
        press(&visitor, form.clone().set("doc-kind", "contract").set("doc-date", "2.1.2026"), "check").expect(422);
    assert!(untouched.text().contains("Midagi ei ole muudetud."));
    let form =
        form.set("on", "1.12.2026").set("/load_on_post", "0,8").set("doc-kind", "contract").set("doc-date", "2.1.2026");
    let answers = press(&visitor, form, "check").expect(200);
    assert_eq!(answers.all("del"), ["1,00"]);
    assert_eq!(answers.all("ins"), ["0,80"]);
    let done = press(&visitor, answers.form("/change"), "save");
    assert!(done.path.contains("done=record-changed"), "{} {}", done.path, done.text());
    let entries = school.clerk.get(&format!("{}/entries", school.path())).expect(200);
    assert_eq!(entries.body["items"][1]["data"], json!({ "load_on_post": "0.80" }));
    assert_eq!(entries.body["items"][1]["effective_on"], "2026-12-01");
    let again = press(&visitor, answers.form("/change"), "save");
    assert!(
        again.path.contains("done=record-changed"),
        "sent twice, it is one change: {} {}",
        again.path,
        again.text()
    );
    assert_eq!(
        school.clerk.get(&format!("{}/entries", school.path())).expect(200).body["items"].as_array().unwrap().len(),
        2
    );
}

#[test]
fn one_section_is_changed_alone() {
    let school = school();
    let visitor = school.h.visit_as("hr_clerk");
    let form = visitor.get(&format!("{}?section=contact", place(&school, "change"))).expect(200).form("/change");
    assert_eq!(form.value("/load_on_post"), None);
    let form = form.set("/address", "Pargi tee 1").set("doc-kind", "application_or_notice").set("doc-date", "2.1.2026");
    let answers = press(&visitor, form, "check").expect(200);
    let done = press(&visitor, answers.form("/change"), "save");
    assert!(done.path.contains("done=record-changed"), "{} {}", done.path, done.text());
    let data = school.clerk.get(&school.path()).expect(200).body["data"].clone();
    assert_eq!((data["address"].as_str(), data["load_on_post"].as_str()), (Some("Pargi tee 1"), Some("1.00")));
}

#[test]
fn two_editors_meet_field_by_field_and_neither_loses_anything() {
    let school = school();
    let visitor = school.h.visit_as("hr_clerk");
    let open = |load: &str, hours: Option<&str>| {
        let form = visitor.get(&place(&school, "change")).expect(200).form("/change");
        let form = form.set("/load_on_post", load).set("doc-kind", "contract").set("doc-date", "2.1.2026");
        hours.into_iter().fold(form, |form, hours| form.set("/weekly_hours", hours))
    };
    let mine = press(&visitor, open("0,8", None), "check").expect(200).form("/change");
    let theirs = press(&visitor, open("0,6", Some("24")), "check").expect(200).form("/change");
    press(&visitor, theirs, "save");
    let met = press(&visitor, mine, "save").expect(412);
    let text = met.text();
    for said in ["Keegi muutis kirjet samal ajal", "Oli 1,00", "0,80", "0,60", "24"] {
        assert!(text.contains(said), "{said}: {text}");
    }
    let answers = press(&visitor, met.form("/change").set("pick:load_on_post", "mine"), "resolve").expect(200);
    assert_eq!((answers.all("del"), answers.all("ins")), (vec!["0,60".to_owned()], vec!["0,80".to_owned()]));
    press(&visitor, answers.form("/change"), "save");
    let data = school.clerk.get(&school.path()).expect(200).body["data"].clone();
    assert_eq!((data["load_on_post"].as_str(), data["weekly_hours"].as_str()), (Some("0.80"), Some("24")));
}

#[test]
fn a_wrong_entry_is_corrected_with_its_reason() {
    let school = school();
    let visitor = school.h.visit_as("hr_clerk");
    let entries = visitor.get(&place(&school, "correct")).expect(200);
    assert!(entries.text().contains("Milline kanne on vale?"));
    let form = visitor.get(&entries.link("Paranda")).expect(200).form("/correct");
    let form = form.set("/last_name", "Tamme").set("doc-kind", "identity_document").set("doc-date", "2.1.2026");
    let seen = press(&visitor, form, "check").expect(422);
    assert!(seen.text().contains("Kirjuta, miks kanne vale oli."));
    let answers = press(&visitor, seen.form("/correct").set("reason", "Kirjaviga."), "check").expect(200);
    let done = press(&visitor, answers.form("/correct"), "save");
    assert!(done.path.contains("done=record-corrected"), "{} {}", done.path, done.text());
    let entries = school.clerk.get(&format!("{}/entries", school.path())).expect(200);
    assert_eq!(entries.body["items"][1]["kind"], "correction");
    assert_eq!(entries.body["items"][1]["reason"], "Kirjaviga.");
    assert_eq!(school.clerk.get(&school.path()).expect(200).body["data"]["last_name"], "Tamme");
}

#[test]
fn a_record_ends_on_a_day_with_its_ground() {
    let school = school();
    let visitor = school.h.visit_as("hr_clerk");
    let form = visitor.get(&place(&school, "end")).expect(200).form("/end");
    assert_eq!(form.value("/termination/date"), None, "the day is asked once");
    let form = form
        .set("on", "30.11.2026")
        .set("/termination/legal_basis", "poolte kokkulepe")
        .set("/termination/act", "töölepingu seadus")
        .set("/termination/section", "79")
        .set("doc-kind", "administrative_act")
        .set("doc-date", "2.1.2026");
    let seen = press(&visitor, form, "check").expect(422);
    assert!(seen.text().contains("Vali lõppemise alus."));
    let ground = seen.attributes("#ground option", "value")[1].clone();
    let answers = press(&visitor, seen.form("/end").set("ground", &ground), "check").expect(200);
    let done = press(&visitor, answers.form("/end"), "save");
    assert!(done.path.contains("done=record-ended"), "{} {}", done.path, done.text());
    let data = school.clerk.get(&format!("{}?as_of=2026-11-30", school.path())).expect(200).body["data"].clone();
    assert_eq!((&data["termination"]["date"], &data["termination"]["kind"]), (&json!("2026-11-30"), &json!(ground)));
}

#[test]
fn a_draft_waits_on_the_server_and_goes_when_it_is_saved() {
    let school = school();
    let visitor = school.h.visit_as("hr_clerk");
    let form = hired(&visitor, &school, &code(1990, 3));
    let address = format!("/r/{REGISTER}/drafts?form=records%2Femployee%2Fnew");
    let kept = visitor.send(&Filled { action: format!("/et{address}"), ..form }).expect(200);
    assert_eq!(kept.html, "Mustand salvestatud 12:00");
    let page = visitor.get(&format!("/r/{REGISTER}/records/employee/new")).expect(200);
    assert!(page.text().contains("Sul on siin pooleli mustand"));
    let form = visitor.get(&page.link("Jätka mustandiga")).expect(200).form("/employee/new");
    assert_eq!(form.value("/last_name"), Some("Põder"));
    let answers = press(&visitor, form, "check").expect(200);
    press(&visitor, answers.form("/employee/new"), "save");
    let page = visitor.get(&format!("/r/{REGISTER}/records/employee/new")).expect(200);
    assert!(!page.text().contains("mustand, salvestatud"));
}

#[test]
fn whoever_may_not_enter_is_refused_and_a_clerk_without_pay_is_not_asked_about_it() {
    let school = school();
    school.school_clerk();
    let visitor = school.h.visit_as("hr_clerk_school");
    let page = visitor.get(&place(&school, "change")).expect(200);
    assert!(page.text().contains("töötaja koormus ametikohal"));
    assert_eq!(page.form("/change").value("/salary/0/amount"), None);
    assert!(!page.html.contains("1820"), "what is not to be seen is not in the page either");
    let nobody = school.h.visit_as("supervisor");
    let refused = nobody.get(&place(&school, "change"));
    assert!(
        [403, 404, 422].contains(&refused.status) || refused.path.contains("/purpose"),
        "{} {}",
        refused.status,
        refused.path
    );
    let refused = nobody.get(&format!("/r/{REGISTER}/records/employee/new?institution={}", school.office.institution));
    assert_ne!(refused.status, 200, "{}", refused.text());
}

#[test]
fn every_control_has_a_label_and_every_id_stands_once() {
    let school = school();
    let visitor = school.h.visit_as("hr_clerk");
    for address in
        [format!("/r/{REGISTER}/records/employee/new?all=1"), place(&school, "change"), place(&school, "end")]
    {
        let page = visitor.get(&address).expect(200);
        let ids = page.attributes("[id]", "id");
        let mut once = ids.clone();
        once.sort();
        once.dedup();
        assert_eq!(ids.len(), once.len(), "{address}");
        let labelled = page.attributes("main label[for]", "for");
        for id in page.attributes("main input[id], main select[id], main textarea[id]", "id") {
            assert!(labelled.contains(&id), "{address}: {id} has no label");
        }
        assert_eq!(page.all("h1").len(), 1);
        assert!(!page.html.contains(" style="));
    }
}
