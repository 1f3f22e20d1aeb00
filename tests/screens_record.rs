//! One record at the screen: what holds, since when, on what document, under which clause, and who looked.

use serde_json::{Value, json};

use crate::harness::people::{School, code};
use crate::harness::{Harness, Place, REGISTER, on_both_databases};
use crate::moves::{Town, child, in_town};

fn card(s: &School) -> String {
    format!("/r/{REGISTER}/records/employee/{}", s.employee)
}

fn change(s: &School, version: i64, on: &str, data: Value) {
    let body = json!({ "effective_on": on, "base_document_ids": [s.office.document], "data": data });
    s.clerk.patch(&s.path(), version, &body).expect(200);
}

#[test]
fn the_card_shows_what_holds_since_when_on_what_document_under_which_clause() {
    on_both_databases(|h| {
        let s = School::open(h);
        change(&s, 1, "2026-11-01", json!({ "load_on_post": "0.8" }));
        let page = s.h.visit_as("hr_clerk").get(&card(&s)).expect(200);
        assert_eq!(page.all("h1"), ["Mari Tamm"]);
        let row = page.text_of("#f-load_on_post").unwrap();
        for told in ["töötaja koormus ametikohal", "0,80", "01.11.2026", "haldusakt 1-2/34", "p 13", "Kanded (2)"] {
            assert!(row.contains(told), "{told}: {row}");
        }
        let pay = page.text_of("#f-salary").unwrap();
        assert!(pay.contains("1820,00 €") && pay.contains("01.09.2024"), "{pay}");
        let post = page.text_of("#f-post").unwrap();
        assert!(post.contains("õpetaja"), "a reference is told by its title: {post}");
        assert!(page.text_of(".rec .meta").unwrap().contains("Kuuse Kool"));
        assert!(page.text_of("#f-citizenship").unwrap().contains("Eesti"), "a country is told by its name");
        assert!(page.text_of("#f-sex").unwrap().contains("naine"));
        // What the picture shows stands in the table too.
        assert_eq!(page.attributes("svg.tl", "role"), ["img"]);
        let lanes = page.all("details.det tbody tr");
        assert!(lanes.iter().any(|l| l.contains("1,00") && l.contains("31.10.2026")), "{lanes:?}");
        assert!(page.html.len() < 150_000, "{} bytes", page.html.len());
        assert!(!page.html.contains("style="));
    });
}

#[test]
fn an_earlier_state_can_be_read_and_not_changed_and_what_is_coming_is_announced() {
    let s = School::open(Harness::start(Place::sqlite()));
    change(&s, 1, "2026-11-01", json!({ "load_on_post": "0.80" }));
    change(&s, 2, "2027-01-01", json!({ "load_on_post": "0.50" }));
    let visitor = s.h.visit_as("hr_clerk");
    let now = visitor.get(&card(&s)).expect(200);
    assert!(now.text_of("#f-load_on_post").unwrap().contains("alates 01.01.2027: 0,50"));
    let told = now.text_of("#attention").unwrap();
    assert!(told.contains("01.01.2027 muutub: töötaja koormus ametikohal"), "{told}");
    assert!(now.link("Lisa muudatus").ends_with("/change"));

    let form = now.form_with("as_of");
    assert_eq!(form.value("as_of"), Some("20.11.2026"));
    let then = visitor.get(&format!("{}?as_of=1.10.2026", card(&s))).expect(200);
    assert!(then.text_of("#f-load_on_post").unwrap().contains("1,00"), "{:?}", then.text_of("#f-load_on_post"));
    assert!(then.text_of(".asof").unwrap().contains("Kuvatakse seis 01.10.2026"));
    assert!(
        then.all(".rec .btns a").iter().all(|a| a == "Väljavõte" || a.contains("Väljasta")),
        "nothing to change there"
    );
    let coming = visitor.get(&now.link("Tulevane: 01.01.2027")).expect(200);
    assert!(coming.text_of("#f-load_on_post").unwrap().contains("0,50"));
    visitor.get(&format!("{}?as_of=2024-08-31", card(&s))).expect(404);
    visitor.get(&format!("{}?as_of=eile", card(&s))).expect(400);
}

#[test]
fn a_personal_code_is_masked_until_it_is_asked_for_and_asking_is_in_the_log() {
    on_both_databases(|h| {
        let s = School::open(h);
        let visitor = s.h.visit_as("hr_clerk");
        let page = visitor.get(&card(&s)).expect(200);
        let masked = format!("{}•••••{}", &s.personal_code[..3], &s.personal_code[8..]);
        assert!(page.text().contains(&masked), "{}", page.text());
        assert!(!page.html.contains(&s.personal_code));
        let shown = || {
            let log = s.h.export(REGISTER);
            log.iter()
                .filter(|l| l["event"]["fields"] == json!(["personal_code"]) && l["event"]["action"] == "record.read")
                .count()
        };
        assert_eq!(shown(), 0);
        let csrf = page.attributes(".rec form.inline input[name=csrf]", "value")[0].clone();
        let field = page.attributes(".rec form.inline input[name=show]", "value")[0].clone();
        let asked = visitor.raw("POST", &card(&s), &[("csrf", &csrf), ("show", &field)], &[]).expect(200);
        assert!(asked.text().contains(&s.personal_code));
        assert_eq!(shown(), 1, "that it was shown stands in the log");
        assert!(!asked.path.contains(&s.personal_code));
    });
}

#[test]
fn the_history_of_a_field_shows_old_and_new_and_what_was_corrected() {
    on_both_databases(|h| {
        let s = School::open(h);
        change(&s, 1, "2026-11-01", json!({ "load_on_post": "0.80" }));
        let entries = s.clerk.get(&format!("{}/entries", s.path())).expect(200).body;
        let body = json!({ "entry_id": entries["items"][1]["id"], "reason": "Koormus oli 0,90", "data": { "load_on_post": "0.90" },
            "base_document_ids": [s.office.document] });
        s.clerk.post(&format!("{}/corrections", s.path()), &body).expect(201);
        let visitor = s.h.visit_as("hr_clerk");
        let page = visitor.get(&card(&s)).expect(200);
        let open = visitor.get(&page.link("Kanded (3): töötaja koormus ametikohal")).expect(200);
        let rows = open.all("tr.hist tbody tr");
        assert!(
            rows[0].contains("01.11.2026 →") && rows[0].contains("1,00 → 0,90") && rows[0].contains("Kehtiv"),
            "{rows:?}"
        );
        assert!(rows[0].contains("Kasutaja hr_clerk") && rows[0].contains("haldusakt 1-2/34"), "{rows:?}");
        assert!(rows[1].contains("01.09.2024 – 31.10.2026"), "{rows:?}");
        assert!(
            rows[2].contains("0,80") && rows[2].contains("Parandatud") && rows[2].contains("Koormus oli 0,90"),
            "{rows:?}"
        );
        let all = visitor.get(&page.link("Kogu ajalugu (kandeid 3)")).expect(200);
        let rows = all.all("table tbody tr");
        assert_eq!(rows.len(), 3);
        assert!(
            rows[0].starts_with("3 Parandus") && rows[1].contains("Parandatud") && rows[2].contains("Uus kirje"),
            "{rows:?}"
        );
    });
}

#[test]
fn a_section_outside_the_role_is_named_with_its_clause_and_nothing_of_it_is_shown() {
    let s = School::open(Harness::start(Place::sqlite()));
    let _ = s.school_clerk();
    let page = s.h.visit_as("hr_clerk_school").get(&card(&s)).expect(200);
    let pay = page.text_of("#s-pay").unwrap();
    assert!(pay.contains("Sinu roll ei näe seda jaotist") && pay.contains('§'), "{pay}");
    assert!(!page.html.contains("1820") && !page.html.contains("20.08.2024"), "neither pay nor health");
}

#[test]
fn who_looked_is_told_to_those_who_may_read_the_log_and_to_nobody_else() {
    on_both_databases(|h| {
        let s = School::open(h);
        let clerk = s.h.visit_as("hr_clerk");
        let own = clerk.get(&card(&s)).expect(200);
        assert!(!own.text().contains("Kes on vaadanud"));
        clerk.get(&format!("{}/views", card(&s))).expect(403);
        let supervisor = s.h.visit_as("supervisor");
        let page = supervisor.get(&card(&s)).expect(200);
        assert!(page.text().contains("Viimase 30 päeva jooksul vaatamisi:"), "{}", page.text());
        let views = supervisor.get(&page.link("Ava vaatamislogi")).expect(200);
        let rows = views.all("table tbody tr");
        assert!(
            rows.iter().any(|r| r.contains("hr_clerk") && r.contains("personaliarvestaja") && r.contains("Vaatas")),
            "{rows:?}"
        );
        assert!(rows.iter().any(|r| r.contains("hr_clerk") && r.contains("Lisas")), "{rows:?}");
    });
}

#[test]
fn a_base_document_opens_from_the_card_for_those_who_may_read_it() {
    let s = School::open(Harness::start(Place::sqlite()));
    let visitor = s.h.visit_as("hr_clerk");
    let page = visitor.get(&card(&s)).expect(200);
    let document = visitor.get(&page.link("haldusakt 1-2/34")).expect(200);
    for told in ["haldusakt", "1-2/34", "01.01.2020", "Faili ei ole lisatud"] {
        assert!(document.text().contains(told), "{told}: {}", document.text());
    }
    visitor.get(&format!("/r/{REGISTER}/documents/{}/file", s.office.document)).expect(404);
    let log = s.h.export(REGISTER);
    let read = |l: &&Value| {
        l["event"]["action"] == "document.read" && l["event"]["document_ids"] == json!([s.office.document])
    };
    assert!(log.iter().filter(read).count() >= 2, "on the card and on its own page");
}

#[test]
fn a_record_with_hundreds_of_entries_stays_light_and_its_history_has_pages() {
    let s = School::open(Harness::start(Place::sqlite()));
    for version in 1..=240 {
        let load = format!("0.{:02}", 10 + version % 80);
        change(&s, version, "2026-11-01", json!({ "load_on_post": load }));
    }
    let visitor = s.h.visit_as("hr_clerk");
    let page = visitor.get(&format!("{}?history=load_on_post", card(&s))).expect(200);
    assert!(page.html.len() < 150_000, "{} bytes", page.html.len());
    assert!(page.text_of("#f-load_on_post").unwrap().contains("0,10"), "240 % 80 = 0");
    let first = visitor.get(&format!("{}/history", card(&s))).expect(200);
    assert_eq!(first.all("table tbody tr").len(), 50);
    assert!(first.html.len() < 150_000, "{} bytes", first.html.len());
    let mut seen = 50;
    let mut next = first;
    while let Some(href) = next.attributes("nav.pager a", "href").first().cloned() {
        next = visitor.get(&href).expect(200);
        seen += next.all("table tbody tr").len();
    }
    assert_eq!(seen, 241, "every entry once");
    assert!(next.text().contains("Uus kirje"));
}

#[test]
fn names_of_any_script_are_text_and_nothing_more() {
    let s = School::open(Harness::start(Place::sqlite()));
    let mut body = s.office.employee("Näidis", &code(1990, 3));
    body["data"]["first_name"] = json!("שלום");
    body["data"]["education"][0]["speciality"] = json!("<script>alert(1)</script>\"'&");
    let id = s.clerk.post(&format!("/registers/{REGISTER}/records/employee"), &body).expect(201).id();
    let page = s.h.visit_as("hr_clerk").get(&format!("/r/{REGISTER}/records/employee/{id}")).expect(200);
    assert_eq!(page.all("h1 bdi"), ["שלום Näidis"]);
    assert!(page.text().contains("<script>alert(1)</script>\"'&"), "shown as it was typed");
    assert_eq!(page.all("main script").len(), 0);
}

#[test]
fn an_applicant_s_card_leads_to_the_place_in_the_queue_and_why() {
    in_town(|t: Town| {
        let id = t.applies("Berta", &child(32), json!({ "queued_on": "2026-02-01" }));
        let visitor = t.h.visit_as("registripidaja");
        let page = visitor.get(&format!("/r/{}/records/waiting/{id}", crate::moves::REGISTER)).expect(200);
        let place = visitor.get(&page.link("Koht järjekorras")).expect(200);
        assert!(place.text().contains("1. koht 1 taotleja seas"), "{}", place.text());
        assert!(place.text().contains("§ 6 lg 4"));
        let moves = visitor.get(&page.link("Üleviimised")).expect(200);
        assert!(moves.text().contains("Üleviimisi ei ole"), "{}", moves.text());
    });
}
