//! The desk, one's own data, the jobs, and what everybody may know.

use serde_json::json;

use crate::harness::people::School;
use crate::harness::{Harness, PASSWORD, Place, REGISTER, on_both_databases};

const DESK: &str = "/r/75025973-persona/desk";

#[test]
fn a_desk_shows_what_waits_with_days_left_and_what_is_late_first() {
    on_both_databases(|h| {
        let s = School::open(h);
        let complaint = json!({
            "subject": "Kaebus andmete kohta", "text": "Minu andmeid on vaadatud põhjuseta.",
            "from": { "name": "Kaja Kask", "kind": "person", "contact": "kaja.kask@post.example" },
            "received_on": "2026-10-01",
        });
        let opened = s.h.login("controller").post(&format!("/registers/{REGISTER}/complaints"), &complaint).expect(201);
        let visitor = s.h.visit_as("controller");
        let desk = visitor.get(DESK).expect(200);
        let line = desk.all(".tasks li").into_iter().find(|l| l.contains("Kaebus andmete kohta")).unwrap();
        assert!(line.contains("üle tähtaja") && line.contains('§'), "{line}");
        assert!(desk.text().contains("üle tähtaja."), "{}", desk.text());
        assert!(desk.attributes(".tasks a.nm", "href").iter().any(|a| a.ends_with(&opened.id())));
        // Whoever may see no such case has none on the desk, and no way that the role does not open.
        s.h.grant("administrator", "temp", "hr_clerk", json!({}));
        let clerk = s.h.visit_as("temp").get(DESK).expect(200);
        assert!(!clerk.text().contains("Kaebus andmete kohta"));
        assert!(clerk.all(".ways a").iter().any(|a| a.starts_with("Lisa:")), "{:?}", clerk.all(".ways a"));
        assert!(!clerk.all(".ways a").contains(&"Ava logi".to_owned()));
    });
}

#[test]
fn an_empty_register_tells_the_first_user_how_to_begin() {
    let h = Harness::start(Place::sqlite());
    h.staff();
    let desk = h.visit_as("hr_clerk").get(DESK).expect(200);
    assert!(desk.text().contains("Alusta neljast sammust"), "{}", desk.text());
    assert_eq!(desk.all("ol.first li").len(), 4);
    let stranger = h.visitor();
    assert!(stranger.get(DESK).path.contains("/login"), "the desk is for those who are logged in");
}

#[test]
fn the_data_subject_sees_what_is_kept_why_who_looked_and_reports_an_error_at_a_field() {
    on_both_databases(|h| {
        let s = School::open(h);
        let code = s.h.personal_code("mari");
        let id = s.office.hire(&s.clerk, "Maasikas", &code).id();
        s.clerk
            .with("X-Purpose", "palgaarvestus")
            .get(&format!("/registers/{REGISTER}/records/employee/{id}"))
            .expect(200);
        let visitor = s.h.visit_as("mari");
        let page = visitor.get("/me").expect(200);
        assert!(page.text().contains("1 kirje, 1 andmekogus"), "{}", page.text());
        let row = page.all("table tr").into_iter().find(|r| r.contains("Maasikas")).unwrap();
        assert!(row.contains('§') && row.contains("alates") && row.contains("alusdokument"), "{row}");
        assert!(!page.html.contains(&code), "the code is hidden until it is asked for");
        assert!(visitor.get(&page.link("Näita isikukoode")).expect(200).html.contains(&code));
        let looked = visitor.get("/me/views").expect(200);
        let access = looked.all("tbody tr").into_iter().find(|r| r.contains("palgaarvestus")).unwrap();
        assert!(
            access.contains("personaliarvestaja") && !access.contains("hr_clerk"),
            "the role, not the name: {access}"
        );
        // Three clicks: own data, report at the field, send.
        let form = visitor.get(&page.attributes("td.act a", "href")[0]).expect(200).form("/report");
        assert!(form.fields.iter().any(|(n, _)| n == "field"), "the field is chosen already");
        let empty = visitor.send(&form.clone().set("text", "  ")).expect(422);
        assert!(empty.text().contains("Kirjuta, mis on valesti."));
        let sent = visitor.send(&form.set("text", "Eesnimi on valesti kirjutatud.")).expect(200);
        assert!(sent.text().contains("Teade on saadetud."), "{}", sent.text());
        let case = sent.all(".tasks li").into_iter().next().unwrap();
        assert!(case.contains("avatud"), "{case}");
        // What is another's is not theirs to report on.
        let other = format!("/me/{REGISTER}/employee/{}/report", s.employee);
        assert!(visitor.get(&other).status >= 400);
    });
}

#[test]
fn a_password_is_changed_with_the_old_one_and_ends_every_session() {
    let h = Harness::start(Place::sqlite());
    h.staff();
    let (here, there) = (h.visit_as("hr_clerk"), h.visit_as("hr_clerk"));
    let form = here.get("/me/account").expect(200).form("/me/password");
    let fill = |old: &str, new: &str, again: &str| form.clone().set("old", old).set("new", new).set("again", again);
    let new = "karu sõi mustikaid metsas";
    assert!(here.send(&fill(PASSWORD, new, "muu")).expect(422).text().contains("ühtemoodi"));
    assert!(here.send(&fill("vale parool küll", new, new)).expect(422).text().contains("Praegune parool on vale"));
    assert!(here.send(&fill(PASSWORD, "abc", "abc")).expect(422).text().contains("pikem parool"));
    let changed = here.send(&fill(PASSWORD, new, new)).expect(200);
    assert!(changed.text().contains("Parool on vahetatud."), "{}", changed.text());
    assert!(there.get("/me/account").path.contains("/login"), "the other machine too");
    assert_eq!(h.visitor().login("hr_clerk", PASSWORD).status, 401);
    assert_eq!(h.visitor().login("hr_clerk", new).status, 200);
}

#[test]
fn how_one_is_reached_is_ones_own_to_say_and_a_wrong_address_is_kept_for_mending() {
    let h = Harness::start(Place::sqlite());
    h.staff();
    let visitor = h.visit_as("hr_clerk");
    let form = visitor.get("/me/account").expect(200).form("/me/reach");
    let wrong = visitor.send(&form.clone().set("email", "see ei ole aadress")).expect(422);
    assert_eq!(wrong.form("/me/reach").value("email"), Some("see ei ole aadress"));
    visitor.send(&form.set("email", "kadri@vald.example").set("language", "fi")).expect(200);
    let me = h.login("hr_clerk").get("/me").expect(200).body;
    assert_eq!((me["email"].as_str(), me["language"].as_str()), (Some("kadri@vald.example"), Some("fi")));
}

#[test]
fn what_a_register_is_and_what_realises_its_statute_is_open_to_all_and_names_nobody() {
    let h = Harness::start(Place::sqlite());
    let s = School::open(h);
    let visitor = s.h.visitor();
    let start = visitor.get("/et/").expect(200);
    let register = visitor.get(&start.link("personaliarvestuse andmekogu")).expect(200);
    assert!(register.text().contains("RT IV, 17.12.2019, 28"));
    for word in ["Tamm", "Kuuse Kool", s.personal_code.as_str()] {
        assert!(!register.html.contains(word), "{word}");
    }
    // Every § tag of the page leads to an anchor of the statute.
    let statute = visitor.get("/r/75025973-persona/statute").expect(200);
    let anchors = statute.attributes("[id]", "id");
    for href in register.attributes("a.law", "href") {
        let anchor = href.split_once('#').unwrap().1;
        assert!(anchors.iter().any(|a| a == anchor), "{anchor}");
    }
    assert!(statute.text().contains("täidetud") && statute.html.contains("/r/75025973-persona/audit"));
    for page in ["/help", "/accessibility", "/tour"] {
        let seen = visitor.get(page).expect(200);
        assert_eq!(seen.all("h1").len(), 1, "{page}");
    }
}

#[test]
fn jobs_and_letters_are_for_whom_the_statute_lets_see_them() {
    let h = Harness::start(Place::sqlite());
    h.staff();
    let visitor = h.visit_as("administrator");
    let jobs = visitor.get("/r/75025973-persona/jobs").expect(200);
    assert!(
        jobs.all("tbody tr").iter().any(|r| r.contains("outbox") && r.contains("ei ole käinud")),
        "{}",
        jobs.text()
    );
    let letters = visitor.get("/r/75025973-persona/letters?state=dead").expect(200);
    assert!(letters.text().contains("Kirju ei ole"));
    assert_eq!(h.visit_as("hr_clerk").get("/r/75025973-persona/jobs").status, 403);
}

#[test]
fn every_page_of_mine_speaks_four_languages() {
    let h = Harness::start(Place::sqlite());
    let s = School::open(h);
    let visitor = s.h.visit_as("supervisor");
    for lang in ["en", "fi", "sv"] {
        for path in [
            "/r/75025973-persona/desk",
            "/r/75025973-persona/audit",
            "/r/75025973-persona/audit/signals",
            "/r/75025973-persona/audit/sample",
            "/r/75025973-persona/audit/reviews",
            "/r/75025973-persona/audit/report",
            "/r/75025973-persona/audit/integrity",
            "/r/75025973-persona/statute",
            "/r/75025973-persona",
            "/me",
            "/me/views",
            "/me/received",
            "/me/account",
            "/help",
            "/accessibility",
            "/tour",
            "/",
        ] {
            let page = visitor.get(&format!("/{lang}{path}")).expect(200);
            assert!(page.html.contains(&format!("<html lang=\"{lang}\"")), "{lang} {path}");
            assert_eq!(page.all("h1").len(), 1, "{lang} {path}");
            let mut ids = page.attributes("[id]", "id");
            let all = ids.len();
            ids.sort();
            ids.dedup();
            assert_eq!(ids.len(), all, "ids stand once: {lang} {path}");
        }
    }
}
