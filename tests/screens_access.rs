//! Rights at the screen: given and ended in a few steps, with their clause, by whom the statute names and nobody else.

use serde_json::json;

use crate::harness::people::School;
use crate::harness::{Harness, Place, REGISTER, on_both_databases};

fn at(path: &str) -> String {
    format!("/r/{REGISTER}{path}")
}

#[test]
fn an_administrator_gives_a_right_looks_at_it_once_more_and_finds_it_in_force() {
    on_both_databases(|h| {
        let s = School::open(h);
        s.h.user("mari.maasikas");
        let admin = s.h.visit_as("administrator");
        let list = admin.get(&at("/access")).expect(200);
        assert!(list.text().contains("§ 20 lg 1"), "{}", list.text());
        let form = admin.get(&list.link("Lisa õigus")).expect(200);
        let filled = form
            .form("/access/new")
            .set("person", "mari.m")
            .set("role", "hr_clerk")
            .set("institution_id", &s.office.institution)
            .set("basis_kind", "directive")
            .set("basis_reference", "käskkiri 12, 1.9.2026")
            .add("step", "check");
        let check = admin.send(&filled).expect(200);
        for told in
            ["Kasutaja mari.maasikas", "personaliarvestaja", "Kuuse Kool", "20.11.2026", "käskkiri: käskkiri 12"]
        {
            assert!(check.text().contains(told), "{told}: {}", check.text());
        }
        assert_eq!(s.h.place.count("SELECT COUNT(*) FROM access_grant WHERE role = 'hr_clerk'"), 1, "nothing yet");
        let done = admin.send(&check.form("/access/new").add("step", "save")).expect(200);
        assert!(done.text().contains("Õigus on antud."), "{}", done.text());
        assert!(done.text().contains("Kasutaja mari.maasikas") && done.text().contains("Kuuse Kool"));
        let log = admin.get(&at("/access/log")).expect(200);
        assert!(log.text().contains("mari.maasikas") && log.text().contains("§ 3 lg 4"), "{}", log.text());
        // Looking for people is in the log, by whom they were found and not by what was typed.
        let found = s.h.export(REGISTER);
        let found: Vec<_> = found.iter().filter(|l| l["event"]["action"] == "user.find").collect();
        assert!(!found.is_empty() && found.iter().all(|l| !l.to_string().contains("mari.m\"")), "{found:?}");
    });
}

#[test]
fn a_right_that_lacks_something_is_not_given_and_nothing_typed_is_lost() {
    let h = Harness::start(Place::sqlite());
    h.staff();
    let it = h.visit_as("controller");
    let form = it.get(&at("/access/new")).expect(200).form("/access/new");
    let filled = form.set("person", "supervisor").set("role", "processor").set("from", "varsti").add("step", "check");
    let seen = it.send(&filled).expect(422);
    for told in ["Kirjuta kuupäev kujul 1.9.2026.", "See roll antakse tähtajaga.", "Nimeta dokument", "mis ülesandeks"]
    {
        assert!(seen.text().contains(told), "{told}: {}", seen.text());
    }
    let again = seen.form("/access/new");
    assert_eq!(again.value("person"), Some("supervisor"));
    assert_eq!(again.value("role"), Some("processor"));
    assert_eq!(again.value("from"), Some("varsti"));
    assert!(seen.attributes(".summary a", "href").contains(&"#until".to_owned()), "the summary leads to the field");
}

#[test]
fn a_right_ends_on_a_ground_of_the_statute_and_only_with_words() {
    on_both_databases(|h| {
        let s = School::open(h);
        let grant = s.h.grant("administrator", "temp", "hr_clerk", json!({}));
        let id = grant["id"].as_str().unwrap().to_owned();
        let admin = s.h.visit_as("administrator");
        let page = admin.get(&at(&format!("/access/{id}/end"))).expect(200);
        assert!(page.text().contains("kasutaja on korduvalt rikkunud") && page.text().contains("§ 21 lg 3 p 1"));
        let form = page.form("/end");
        let bare = admin.send(&form.clone().set("ground", "not_a_duty").add("step", "save")).expect(422);
        assert!(bare.text().contains("Täida see väli."), "{}", bare.text());
        assert_eq!(bare.form("/end").value("ground"), Some("not_a_duty"), "the ground stays chosen");
        let ended = form.set("ground", "not_a_duty").set("explanation", "ülesanded muutusid").add("step", "save");
        let done = admin.send(&ended).expect(200);
        assert!(done.text().contains("Õigus on lõpetatud."));
        let over = admin.get(&at("/access?standing=over")).expect(200);
        assert!(over.text().contains("Kasutaja temp"), "{}", over.text());
        let log = admin.get(&at("/access/log")).expect(200).text();
        assert!(log.contains("§ 21 lg 3 p 5") && log.contains("ülesanded muutusid"), "{log}");
    });
}

#[test]
fn who_may_not_grant_finds_nobody_and_is_told_why() {
    let h = Harness::start(Place::sqlite());
    h.staff();
    let clerk = h.visit_as("hr_clerk");
    clerk.get(&at("/access")).expect(403);
    let refused = clerk.get(&at("/access/new")).expect(403);
    assert!(refused.text().contains("§ 20 lg 3"), "{}", refused.text());
    let secretary = h.visit_as("municipal_secretary");
    let list = secretary.get(&at("/access")).expect(200);
    assert!(!list.text().contains("Lisa õigus"), "no way is shown that is shut");
    let log = h.login("supervisor").get(&format!("/registers/{REGISTER}/audit?decision=denied")).expect(200);
    assert!(log.text.contains("user.find"), "{}", log.text);
}

#[test]
fn the_report_says_who_could_see_somebody_and_the_code_stands_in_no_address() {
    on_both_databases(|h| {
        let s = School::open(h);
        s.clerk.get(&s.path()).expect(200);
        let supervisor = s.h.visit_as("supervisor");
        let form = supervisor.get(&at("/access/report")).expect(200).form("/access/report");
        let seen = supervisor.send(&form.clone().set("subject", &s.personal_code)).expect(200);
        assert_eq!(seen.path, format!("/et/r/{REGISTER}/access/report"));
        for told in ["Kasutaja hr_clerk", "personaliarvestaja", "Kirje vaatamine", "§ 20 lg 2 p 2"] {
            assert!(seen.text().contains(told), "{told}: {}", seen.text());
        }
        let none = supervisor.send(&form.set("subject", "38001010014")).expect(422);
        assert!(none.text().contains("Sellist isikut või kirjet andmekogus ei ole."), "{}", none.text());
    });
}

#[test]
fn everybody_reads_what_the_statute_lets_each_role_do() {
    let h = Harness::start(Place::sqlite());
    h.staff();
    let page = h.visit_as("hr_clerk").get(&at("/access/rules")).expect(200);
    assert!(page.text().contains("personaliarvestaja") && page.text().contains("Õiguse andmine"));
    assert!(page.all("td[lang=en]").iter().any(|says| says.contains("The administrator grants and changes")));
}
