//! Confirming at the screen: the board, what is in the way, the statement, the receipt; and the reports of whoever
//! manages.

use serde_json::json;

use crate::confirmations::{REGISTER, School, appoint, at, change, confirm, enrol, found, on_sqlite, reckon};
use crate::harness::people::code;
use crate::harness::visitor::{Seen, Visitor};
use crate::harness::{Harness, Place, people};

fn board() -> String {
    format!("/r/{REGISTER}/confirmations")
}

fn page(s: &School) -> String {
    format!("{}/{}", board(), s.duty)
}

/// Ticks the statement and presses the button.
fn state_it(head: &Visitor, seen: &Seen) -> Seen {
    head.send(&seen.form("/confirm").set("statement", "yes"))
}

#[test]
fn a_head_confirms_in_three_clicks_and_the_receipt_stays_at_its_address() {
    on_sqlite(|h| {
        let s = School::open(h);
        let head = s.h.visit_as("juht");
        let mine = head.get(&board()).expect(200);
        assert!(mine.text().contains("Järgmine tähtpäev"), "the next day comes first: {}", mine.text());
        let duty = head.get(&format!("/et{}", page(&s))).expect(200);
        assert!(duty.text().contains("13 päeva jäänud"), "{}", duty.text());
        assert!(duty.text().contains("Kuuse Kool") && duty.text().contains("Kinnitan, et andmed on õiged."));
        assert!(duty.text().contains("Päev on vaba") && duty.text().contains("11.01.2027"), "10 January is a Sunday");
        assert!(duty.all("a.law").contains(&"§ 10 lg 1".to_owned()), "who answers, and by which clause");

        let unsaid = head.send(&duty.form("/confirm")).expect(422);
        assert!(unsaid.text_of(".summary").unwrap().contains("Loe kinnitus läbi ja märgi ruut."));
        let receipt = state_it(&head, &unsaid).expect(200);
        assert!(receipt.path.contains("/receipt"), "{}", receipt.path);
        let text = receipt.text();
        for part in ["Kviitung nr 1", "õigel ajal", "Kuuse Kool", "Kasutaja juht", "directive 1-1/7", "§ 9 lg 1"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let again = state_it(&head, &unsaid);
        assert!(again.path.contains("/receipt"), "pressed twice, it is the same receipt: {}", again.path);
        let pdf = head.get(&receipt.link("Salvesta PDF")).expect(200);
        assert_eq!(pdf.headers["content-type"], "application/pdf");
        let confirmed = s.h.export(REGISTER).into_iter().filter(|e| e["event"]["kind"] == "confirmation").count();
        assert_eq!(confirmed, 1, "it stands in the log once");

        s.h.set_clock("2029-05-02T08:00:00Z");
        let later = s.h.visit_as("juht").get(&format!("{}/receipt", page(&s))).expect(200);
        assert!(later.text().contains("Kviitung nr 1"), "the address stays");
    });
}

#[test]
fn what_is_in_the_way_is_named_with_the_way_to_mend_it() {
    on_sqlite(|h| {
        let s = School::open(h);
        let pupil = enrol(&s.h, &s.site, "Dora Dahl", &code(2016, 5), json!({ "support_until": "2026-12-31" }));
        enrol(&s.h, &s.site, "Eha Ein", &code(2016, 6), json!({}));
        let head = s.h.visit_as("juht");
        let seen = head.get(&page(&s)).expect(200);
        let findings = seen.text_of("#findings").unwrap();
        assert!(findings.contains("Dora Dahl") && findings.contains("Otsus on aegunud."), "{findings}");
        assert!(findings.contains("§ 11"), "with the clause: {findings}");
        let mend = seen.link("Paranda Dora Dahl");
        assert!(mend.contains(&format!("/records/pupil/{pupil}/change?field=support_until&back=")), "{mend}");
        assert!(!mend.contains("Dahl"), "no name in an address");
        assert!(seen.text_of("#why").unwrap().contains("Kinnitada saab, kui"), "why not yet");
        assert!(seen.attributes("#confirm button.pri", "class").is_empty(), "the button is no invitation yet");
        assert!(seen.attributes("[disabled]", "disabled").is_empty());

        let refused = state_it(&head, &seen).expect(422);
        assert!(refused.text_of(".summary").unwrap().contains("Paranda vead ja põhjenda hoiatused"));
        assert!(refused.attributes("#statement", "checked").len() == 1, "what was ticked stays so");

        let blank = head.send(&seen.form("/reason").set("reason", "  ")).expect(422);
        assert!(blank.text_of(".summary").unwrap().contains("Täida see väli."), "{}", blank.text());
        let told = head.send(&blank.form("/reason").set("reason", "Liitklass <b>&")).expect(200);
        assert!(told.text().contains("Põhjendus on salvestatud."));
        assert!(told.text_of("#findings").unwrap().contains("Liitklass <b>&"), "as it was written, and as text");
        assert_eq!(s.h.place.count("SELECT COUNT(*) AS n FROM confirmation_note WHERE kind = 'reason'"), 1);
    });
}

#[test]
fn data_that_changed_meanwhile_are_named_and_asked_about_again() {
    on_sqlite(|h| {
        let s = School::open(h);
        let head = s.h.visit_as("juht");
        let seen = head.get(&page(&s)).expect(200);
        s.h.set_clock("2026-12-28T08:05:00Z");
        change(&s.h, "pupil", &s.pupils[0], "2026-12-28", json!({ "class": "2" }));
        let stale = state_it(&head, &seen).expect(409);
        let said = stale.text_of(".summary").unwrap();
        assert!(said.contains("Andmed muutusid") && said.contains("Muudetud: Aadu Allik"), "{said}");
        assert!(!said.contains("Berta Berg"), "what did not change is not named");
        state_it(&head, &stale).expect(200).link("Salvesta PDF");
    });
}

#[test]
fn submitters_check_and_only_who_answers_confirms() {
    on_sqlite(|h| {
        let s = School::open(h);
        let submitter = s.h.visit_as("esitaja");
        let seen = submitter.get(&page(&s)).expect(200);
        assert!(seen.attributes("form[action$='/confirm']", "action").is_empty(), "no form that would be refused");
        assert!(seen.text().contains("Kinnitada saab ainult see, kes andmete eest vastab."));
        let marked = submitter.send(&seen.form("/check")).expect(200);
        assert!(marked.text().contains("Osa on märgitud üle vaadatuks."));
        assert!(marked.text_of("#tasks").unwrap().contains("vaatas üle"), "{}", marked.text());
        let head = s.h.visit_as("juht");
        let form = head.get(&page(&s)).form("/confirm").set("statement", "yes");
        let own = submitter.get(&page(&s)).form("/check");
        let stolen = form.set("csrf", own.value("csrf").unwrap());
        let refused = submitter.send(&stolen).expect(403);
        assert!(refused.text().contains("§ 10 lg 1"), "{}", refused.text());

        let other = found(&s.h, "Kase Kool", "school");
        appoint(&s.h, "teine", "head", Some(&other), "directive");
        s.h.visit_as("teine").get(&page(&s)).expect(404);
        s.h.user("keegi");
        s.h.visit_as("keegi").get(&board()).expect(403);
    });
}

#[test]
fn whoever_watches_sees_the_late_ones_first_and_takes_them_along_as_a_file() {
    on_sqlite(|h| {
        let s = School::open(h);
        let nursery = found(&s.h, "Kuuse Lasteaed", "nursery");
        reckon(&s.h);
        let office = s.h.visit_as("amet");
        let seen = office.get(&board()).expect(200);
        assert_eq!(seen.all("section.card h2")[1], "Tähtaeg möödas", "{:?}", seen.all("h2"));
        let narrowed = office.get(&format!("{}?institution={nursery}&due_on=2027-04-05", board())).expect(200);
        assert_eq!(narrowed.attributes("#duties tbody tr", "class").len() + narrowed.all("#duties tbody tr").len(), 1);
        assert!(narrowed.text().contains("Kuuse Lasteaed"));
        let none = office.get(&format!("{}?institution={nursery}&status=confirmed", board())).expect(200);
        assert!(none.text().contains("Selliseid kinnitamisi ei ole"), "{}", none.text());
        let file = office.get(&seen.link("CSV")).expect(200);
        assert!(file.headers["content-disposition"].contains(".csv") && file.html.contains("Kuuse Kool"));
        let actions: Vec<_> = s.h.export(REGISTER).into_iter().map(|e| e["event"]["action"].clone()).collect();
        assert!(actions.contains(&json!("confirmation.list")) && actions.contains(&json!("confirmation.export")));
    });
}

#[test]
fn the_next_time_it_is_shown_what_came_what_went_and_what_was_confirmed_can_be_proved() {
    on_sqlite(|h| {
        let s = School::open(h);
        confirm(&s.h.login("juht"), &s.duty).expect(200);
        s.h.set_clock("2027-08-30T08:00:00Z");
        change(&s.h, "pupil", &s.pupils[0], "2027-08-01", json!({ "class": "2" }));
        enrol(&s.h, &s.site, "Carl Cask", &code(2017, 9), json!({ "from": "2027-08-01" }));
        change(&s.h, "pupil", &s.pupils[1], "2027-06-30", json!({ "until": "2027-06-30" }));
        let head = s.h.visit_as("juht");
        let list = s.h.login("juht").get(&at("confirmations?due_on=2027-09-10")).expect(200);
        let next = format!("{}/{}", board(), list.body["items"][0]["id"].as_str().unwrap());
        let seen = head.get(&next).expect(200);
        let rows = seen.all("section[aria-labelledby=compared-h] tbody tr");
        assert!(rows[0].contains("2 2 +1 −1 1"), "then, now, came, went, changed: {rows:?}");
        assert!(seen.text().contains("õigel ajal"), "the earlier confirmation: {}", seen.text());
        let changes = head.get(&seen.link("Ava loend")).expect(200);
        let text = changes.text();
        assert!(text.contains("Aadu Allik") && text.contains("1 → 2"), "old and new: {text}");
        assert!(text.contains("Berta Berg") && text.contains("Lahkus") && text.contains("Carl Cask"), "{text}");
        let proof = head.get(&changes.link("Tõend Aadu Allik")).expect(200);
        assert!(proof.text().contains("Tõend, kinnitamine nr 1"), "{}", proof.text());
        assert!(proof.html.contains(&s.pupils[0]));
        let wrong = head.get(&format!("{}/proof?record=abc", page(&s))).expect(422);
        assert!(wrong.text_of(".summary").unwrap().contains("36 märki"));
    });
}

#[test]
fn a_calendar_address_is_shown_once_and_ended_by_its_owner() {
    on_sqlite(|h| {
        let s = School::open(h);
        let head = s.h.visit_as("juht");
        let path = format!("{}/calendar", board());
        let empty = head.get(&path).expect(200);
        assert!(empty.text().contains("Aadresse praegu ei ole."));
        let made = head.send(&empty.form("/calendar")).expect(200);
        let url = made.text_of(".note .mono").unwrap();
        let secret = url.split_once("/api/").map(|(_, rest)| format!("/api/{rest}")).unwrap();
        assert!(s.h.nobody().get(&secret).expect(200).text.contains("BEGIN:VCALENDAR"));
        let later = head.get(&path).expect(200);
        assert!(!later.html.contains(&url), "only once");
        let ended = head.send(&later.form("/calendar/end")).expect(200);
        assert!(ended.text().contains("Kalendri aadress on lõpetatud."));
        s.h.nobody().get(&secret).expect(404);
        let file = head.get(&format!("{}/calendar.ics", board())).expect(200);
        assert!(file.headers["content-type"].starts_with("text/calendar") && file.html.contains("20270110"));
    });
}

#[test]
fn confirming_speaks_four_languages_and_marks_what_stays_estonian() {
    on_sqlite(|h| {
        let s = School::open(h);
        let mut head = s.h.visit_as("juht");
        for (lang, word) in [("en", "days left"), ("fi", "päivää jäljellä"), ("sv", "dagar kvar")] {
            head.lang = lang;
            let seen = head.get(&page(&s)).expect(200);
            assert!(seen.text().contains(word), "{lang}: {}", seen.text());
            assert!(!seen.text().contains("confirmations-"), "a text is missing in {lang}");
        }
    });
}

// ── Reports ──────────────────────────────────────────────────────────────────────────────────────

const PERSONA: &str = crate::harness::REGISTER;

fn staffed() -> people::School {
    let s = people::School::open(Harness::start(Place::sqlite()));
    let other = people::Office::found(&s.clerk, "Teine Kool");
    other.hire(&s.clerk, "Kask", &people::code(1982, 41)).expect(201);
    s
}

#[test]
fn an_overview_counts_what_its_reader_may_list_and_is_logged() {
    let s = staffed();
    let clerk = s.h.visit_as("hr_clerk");
    let list = clerk.get(&format!("/r/{PERSONA}/reports")).expect(200);
    let load = clerk.get(&list.link("Koormus asutuste kaupa")).expect(200);
    let rows = load.all("tbody tr");
    assert!(rows.iter().any(|r| r.contains("Teine Kool")), "{rows:?}");
    assert!(rows.last().unwrap().starts_with("kokku 2 2"), "two records about two people: {rows:?}");
    let csv = clerk.get(&load.link("CSV")).expect(200);
    assert!(csv.html.contains("Teine Kool") && csv.headers["content-disposition"].contains("load-"));
    let events = s.h.export(PERSONA);
    let event = events.iter().find(|e| e["event"]["action"] == "record.overview").unwrap();
    assert_eq!(event["event"]["detail"]["overview"], "load");
    assert!(event["event"]["record_ids"].as_array().is_none_or(Vec::is_empty), "of no single record");

    s.school_clerk();
    let own = s.h.visit_as("hr_clerk_school").get(&format!("/r/{PERSONA}/reports/load")).expect(200);
    assert!(!own.text().contains("Teine Kool"), "whose rights end at one institution counts that one: {}", own.text());
    assert!(own.all("tbody tr").last().unwrap().starts_with("kokku 1 1"), "{:?}", own.all("tbody tr"));
    s.h.user("keegi");
    s.h.visit_as("keegi").get(&format!("/r/{PERSONA}/reports/load")).expect(403);
    clerk.get(&format!("/r/{PERSONA}/reports/nothing")).expect(404);
}

#[test]
fn pay_is_told_as_of_today_by_its_middle() {
    let s = staffed();
    let pay = s.h.visit_as("hr_clerk").get(&format!("/r/{PERSONA}/reports/pay")).expect(200);
    assert!(pay.all("thead th").contains(&"mediaan".to_owned()), "{:?}", pay.all("thead th"));
    assert!(pay.text().contains('€'), "{}", pay.text());
    assert!(pay.text().contains("§ 2 p 1"));
    // A clerk without the section of pay learns no pay from an overview either.
    s.school_clerk();
    let none = s.h.visit_as("hr_clerk_school").get(&format!("/r/{PERSONA}/reports/pay")).expect(200);
    assert!(!none.text().contains('€') && none.text().contains("1 kirjet jäi arvestamata"), "{}", none.text());
}

#[test]
fn a_report_is_delivered_with_the_bytes_that_the_ledger_knows() {
    let s = staffed();
    let by = s.h.visit_as("administrator");
    let list = by.get(&format!("/r/{PERSONA}/reports")).expect(200);
    assert!(list.text().contains("ei kordagi"), "never delivered: {}", list.text());
    let seen = by.get(&list.link("Töötajad gruppide ja soo järgi")).expect(200);
    assert!(seen.text().contains("varjatud"), "few people are not told: {}", seen.text());
    let form = seen.form("/deliver").set("note", "Aasta aruanne").set("format", "csv");
    let refused = by.send(&form).expect(422);
    assert_eq!(refused.form("/deliver").value("note"), Some("Aasta aruanne"), "nothing typed is lost");
    assert_eq!(refused.form("/deliver").value("format"), Some("csv"));
    assert!(refused.attributes(".summary a", "href").contains(&"#channel".to_owned()));
    let wrong = by.send(&form.clone().set("as_of", "eile").set("channel", "X-tee")).expect(422);
    assert!(wrong.text_of(".summary").unwrap().contains("1.9.2026"), "{}", wrong.text());
    let file = by.send(&refused.form("/deliver").set("channel", "X-tee")).expect(200);
    assert!(file.headers["content-disposition"].contains("staff-"), "{:?}", file.headers);
    assert_eq!(s.h.place.count("SELECT COUNT(*) AS n FROM report_delivery"), 1);
    assert!(!by.get(&format!("/r/{PERSONA}/reports")).text().contains("ei kordagi"));
}
