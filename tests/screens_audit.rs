//! The log at the screen: who looked at somebody's data, when and why; nothing personal in an address; supervision.

use serde_json::json;

use crate::harness::people::School;
use crate::harness::visitor::{Filled, Seen, Visitor};
use crate::harness::{Harness, Place, REGISTER, on_both_databases};

const LOG: &str = "/r/75025973-persona/audit";

fn ask(visitor: &Visitor, line: &str) -> Seen {
    visitor.send(&visitor.get(LOG).expect(200).form("/audit").set("line", line))
}

/// Two clerks look at one employee: one says why, the other does not.
fn looked_at(h: Harness) -> School {
    let s = School::open(h);
    s.clerk.with("X-Purpose", "palgaarvestus").get(&s.path()).expect(200);
    s.school_clerk().get(&s.path()).expect(200);
    s
}

#[test]
fn who_looked_at_somebody_in_a_month_takes_three_clicks_and_stands_in_a_sentence() {
    on_both_databases(|h| {
        let s = looked_at(h);
        let visitor = s.h.visit_as("supervisor");
        // The log opens from the menu; the name is typed; the month is chosen.
        let log = visitor.get(&visitor.get("/r/75025973-persona/desk").expect(200).link("Logi")).expect(200);
        let found = visitor.send(&log.form("/audit").set("line", "isik:tamm")).expect(200);
        let answer = visitor.get(&found.link("november 2026")).expect(200);
        let said = answer.text_of(".note .answer").unwrap();
        assert!(said.contains("ovember 2026: 3 kasutajat, "), "{said}");
        assert!(said.contains("3 vaatamist"), "{said}");
        assert!(answer.text().contains("puudub põhjendus"), "whoever said nothing is pointed at");
        let rows = answer.all("table.log tbody tr");
        assert!(rows.iter().any(|r| r.contains("Kasutaja hr_clerk_school") && r.contains("Põhjendamata")), "{rows:?}");
        assert!(
            rows.iter().any(|r| r.contains("palgaarvestus") && r.contains("§ 20 lg 2")),
            "with the clause: {rows:?}"
        );
        assert!(answer.attributes("table.log a", "href").iter().any(|a| a.ends_with(&s.employee)), "and the record");
        // In November there is one bar; the same figures stand in the table below it.
        assert_eq!(answer.all("svg.bars rect.v").len(), 1);
        assert!(answer.all("details table tbody tr").iter().any(|r| r.starts_with("reede, 20.11.2026")));
    });
}

#[test]
fn a_personal_code_a_name_and_a_reason_stand_in_no_address() {
    let h = Harness::start(Place::sqlite());
    let s = looked_at(h);
    let visitor = s.h.visit_as("supervisor");
    let page = ask(&visitor, &format!("isik:{} alus:palgaarvestus kes:hr_clerk", s.personal_code)).expect(200);
    assert!(page.path.contains("?q=") && page.path.contains("who=hr_clerk"), "{}", page.path);
    for address in page.attributes("a", "href").into_iter().chain([page.path.clone()]) {
        assert!(!address.contains(&s.personal_code) && !address.contains("palgaarvestus"), "{address}");
    }
    assert_eq!(page.all("table.log tbody tr").len(), 1, "{}", page.text());
    let chips = page.all(".chips .chip").join(" ");
    let masked = format!("{}•••••{}", &s.personal_code[..3], &s.personal_code[8..]);
    assert!(chips.contains(&masked) && !chips.contains(&s.personal_code), "{chips}");
    // Another supervisor's address opens nothing of it.
    s.h.grant("administrator", "other", "hr_clerk", json!({}));
    let stranger = s.h.visitor();
    stranger.login("controller", crate::harness::PASSWORD);
    let stolen = stranger.get(page.path.trim_start_matches("/et"));
    assert!(!stolen.text().contains("palgaarvestus") && stolen.status >= 400, "{}", stolen.status);
    // Dropping a condition widens the answer.
    let wider = visitor.get(&page.attributes(".chip a", "href")[1]).expect(200);
    assert!(wider.path.contains("?q=") || wider.path.contains("who="), "{}", wider.path);
}

#[test]
fn a_line_is_understood_in_every_language_and_what_is_not_is_said_and_kept() {
    let h = Harness::start(Place::sqlite());
    let s = looked_at(h);
    let visitor = s.h.visit_as("supervisor");
    for line in ["kes:hr_clerk_school", "who:hr_clerk_school", "kuka:hr_clerk_school", "vem:hr_clerk_school"] {
        let page = ask(&visitor, line).expect(200);
        assert!(page.path.contains("who=hr_clerk_school"), "{line}");
        assert!(!page.all("table.log tbody tr").is_empty());
    }
    let without = ask(&visitor, "toiming:record.read -alus").expect(200);
    assert_eq!(without.all("table.log tbody tr").len(), 1, "only the one who gave no purpose");
    let others = ask(&visitor, "toiming:record.read -kes:hr_clerk_school").expect(200);
    let rows = others.all("table.log tbody tr").join("|");
    assert!(rows.contains("Kasutaja hr_clerk") && !rows.contains("hr_clerk_school"), "{rows}");
    let refused = ask(&visitor, "aeg:hommikul kes:hr_clerk").expect(422);
    assert!(refused.text().contains("aeg:hommikul"), "{}", refused.text());
    assert_eq!(refused.form("/audit").value("line"), Some("aeg:hommikul kes:hr_clerk"), "nothing typed is lost");
    assert!(refused.html.contains("<title>Viga: "));
}

#[test]
fn refusals_are_marked_and_the_log_is_not_for_everybody() {
    let h = Harness::start(Place::sqlite());
    let s = looked_at(h);
    let clerk = s.h.visit_as("hr_clerk");
    let refused = clerk.get(LOG).expect(403);
    assert!(refused.text().contains('§'), "with its clause: {}", refused.text());
    assert!(!clerk.get("/r/75025973-persona/desk").expect(200).all("nav a").contains(&"Logi".to_owned()));
    let visitor = s.h.visit_as("supervisor");
    let denied = ask(&visitor, "otsus:keelatud").expect(200);
    let rows = denied.all("table.log tbody tr");
    assert!(rows.iter().any(|r| r.contains("Kasutaja hr_clerk") && r.contains("Keelatud")), "{rows:?}");
    // Looking at the log stands in the log.
    let own = ask(&visitor, "kes:supervisor").expect(200);
    assert!(own.all("table.log tbody tr").iter().any(|r| r.contains("Logi vaatamine")));
}

#[test]
fn a_query_is_kept_under_a_name_asked_again_and_forgotten() {
    let h = Harness::start(Place::sqlite());
    let s = looked_at(h);
    let visitor = s.h.visit_as("supervisor");
    let page = ask(&visitor, &format!("isik:{} aeg:2026-11", s.personal_code)).expect(200);
    let keep = page.form("/audit/queries");
    let unnamed = visitor.send(&keep.clone().set("name", " ")).expect(422);
    assert!(unnamed.text().contains("Anna päringule nimi."));
    let kept = visitor.send(&keep.set("name", "Tamme lugu")).expect(200);
    let again = visitor.get(&kept.link("Tamme lugu")).expect(200);
    assert!(again.text_of(".note .answer").unwrap().contains("ovember 2026: 3 kasutajat"));
    let gone = visitor.send(&again.form("/audit/queries/")).expect(200);
    assert!(gone.text().contains("Päring on kustutatud.") && !gone.text().contains("Tamme lugu"));
}

#[test]
fn a_sample_is_read_signed_and_drawn_again() {
    on_both_databases(|h| {
        let s = looked_at(h);
        s.h.integrated();
        let visitor = s.h.visit_as("supervisor");
        let drawn = visitor.get(&format!("{LOG}/sample?n=3")).expect(200);
        let rows = drawn.all("table.log tbody tr th");
        assert_eq!(rows.len(), 3);
        let form: Filled = drawn.form("/audit/reviews");
        let bad = visitor.send(&form.clone().set("note", "")).expect(422);
        assert!(bad.text().contains("Vali tulemus.") && bad.text().contains("Kirjuta, mida vaatasid ja leidsid."));
        let signed =
            visitor.send(&form.set("verdict", "in_order").set("note", "Kolm kannet, kõik selged.")).expect(200);
        assert!(signed.text().contains("Ülevaatus on allkirjastatud.") && signed.text().contains("kõik selged"));
        let again = visitor.get(&signed.link("Ava valim uuesti")).expect(200);
        assert_eq!(again.form("/audit/reviews").value("seed"), drawn.form("/audit/reviews").value("seed"));
        let log = s.h.login("supervisor").get(&format!("/registers/{REGISTER}/audit?action=audit.review")).expect(200);
        assert_eq!(log.body["items"].as_array().unwrap().len(), 1);
    });
}

#[test]
fn the_signals_lead_to_their_entries_and_a_long_period_is_told_at_the_form() {
    let h = Harness::start(Place::sqlite());
    let s = looked_at(h);
    let visitor = s.h.visit_as("supervisor");
    let page = visitor.get(&format!("{LOG}/signals")).expect(200);
    let row = page.all("table tbody tr").into_iter().find(|r| r.contains("hr_clerk_school")).unwrap();
    assert!(row.contains("Põhjendamata"), "{row}");
    let evidence = visitor.get(&page.link("hr_clerk_school, Põhjendamata")).expect(200);
    assert!(evidence.all("table.log tbody tr").iter().any(|r| r.contains("Kirje avamine")));
    let long = visitor.get(&format!("{LOG}/signals?from=1.1.2026&until=1.6.2026")).expect(422);
    assert!(long.text().contains("31-päevane"), "{}", long.text());
    assert_eq!(long.form("/audit/signals").value("from"), Some("01.01.2026"));
}

#[test]
fn who_could_see_and_who_did_is_told_with_clauses() {
    let h = Harness::start(Place::sqlite());
    let s = looked_at(h);
    let visitor = s.h.visit_as("supervisor");
    let log = visitor.get(&format!("{LOG}?record_id={}", s.employee)).expect(200);
    let report = visitor.get(&log.link("Kes võis neid andmeid näha")).expect(200);
    let could = report.all("section[aria-labelledby=could-h] tbody tr").join("|");
    assert!(
        could.contains("Kasutaja hr_clerk_school") && could.contains("ametijuhend 2/2026") && could.contains('§'),
        "{could}"
    );
    assert!(report.all("section[aria-labelledby=did-h] tbody tr").iter().any(|r| r.contains("hr_clerk_school")));
    assert!(report.text().contains("ei ole kellelegi väljastatud"));
}

#[test]
fn the_head_of_the_tree_is_signed_on_demand_and_says_how_to_check_it() {
    let h = Harness::start(Place::sqlite());
    let s = looked_at(h);
    s.h.integrated();
    let visitor = s.h.visit_as("supervisor");
    let page = visitor.get(&format!("{LOG}/integrity")).expect(200);
    assert!(page.all("pre").iter().any(|p| p.contains("75025973-persona+")), "the key stands there");
    let signed = visitor.send(&page.form("/audit/integrity")).expect(200);
    assert!(signed.all("pre").iter().any(|p| p.contains('—')), "a signed note: {:?}", signed.all("pre"));
    let export = visitor.get(&signed.link("Laadi logi alla")).expect(200);
    assert!(export.headers["content-disposition"].contains("attachment") && export.html.lines().count() > 5);
}
