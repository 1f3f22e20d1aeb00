//! Cases at the screen: their clocks, the steps that can be taken, and who may take them.

use serde_json::json;

use crate::harness::people::School;
use crate::harness::{REGISTER, on_both_databases};

fn at(path: &str) -> String {
    format!("/r/{REGISTER}{path}")
}

#[test]
fn a_complaint_shows_its_clock_and_clause_and_is_seen_through_to_the_end() {
    on_both_databases(|h| {
        h.staff();
        let clerk = h.visit_as("hr_clerk");
        let kinds = clerk.get(&at("/cases/new")).expect(200);
        assert!(kinds.text().contains("§ 22 lg 2"), "{}", kinds.text());
        let form = clerk.get(&kinds.link("kaebus")).expect(200).form("/cases/new");
        let empty = clerk.send(&form.clone().set("subject", "Vaatamised").add("step", "save")).expect(422);
        assert!(empty.text().contains("Täida see väli."), "{}", empty.text());
        assert_eq!(empty.form("/cases/new").value("subject"), Some("Vaatamised"));
        let opened =
            clerk.send(&form.set("subject", "Vaatamised").set("text", "Minu andmeid vaadati.").add("step", "save"));
        let opened = opened.expect(200);
        for told in ["Menetlus on avatud.", "§ 22 lg 2", "21.12.2026", "Võta tagasi"] {
            assert!(opened.text().contains(told), "{told}: {}", opened.text());
        }
        assert!(!opened.text().contains("Otsusta"), "whoever complains does not decide");
        let controller = h.visit_as("controller");
        let list = controller.get(&at("/cases?kind=complaint")).expect(200);
        let file = controller.get(&list.link("Vaatamised")).expect(200);
        assert!(file.text().contains("Enne lõpetamist peab olema: otsusta, teavita."), "{}", file.text());
        let form = controller.get(&file.link("Otsusta")).expect(200).form("/decide");
        let decided = form.set("outcome", "upheld").set("text", "õigus oli olemas").add("step", "save");
        let decided = controller.send(&decided).expect(200);
        assert!(decided.text().contains("Andmekaitse Inspektsiooni"), "remedies are told: {}", decided.text());
        let form = controller.get(&decided.link("Teavita")).expect(200).form("/notify");
        let mute = controller.send(&form.clone().set("text", "öeldud").add("step", "save")).expect(422);
        assert_eq!(mute.form("/notify").value("text"), Some("öeldud"));
        let told =
            controller.send(&form.set("text", "öeldud").set("channel", "in_person").add("step", "save")).expect(200);
        let close = controller.get(&told.link("Lõpeta menetlus")).expect(200).form("/close");
        let over = controller.send(&close.add("step", "save")).expect(200);
        assert!(over.text().contains("Lõpetatud") && !over.text().contains("Lisa märkus"), "{}", over.text());
    });
}

#[test]
fn a_step_on_a_case_that_went_on_is_shown_again_with_what_was_written() {
    on_both_databases(|h| {
        h.staff();
        let controller = h.visit_as("controller");
        let path = format!("/registers/{REGISTER}/cases");
        let new = json!({ "kind": "complaint", "subject": "Vaatamised", "text": "Minu andmeid vaadati." });
        let id = h.login("hr_clerk").post(&path, &new).expect(201).id();
        let form = controller.get(&at(&format!("/cases/{id}/decide"))).expect(200).form("/decide");
        let more = json!({ "act": "message", "text": "veel midagi" });
        h.login("hr_clerk").post(&format!("{path}/{id}/steps"), &more).expect(200);
        let late = controller.send(&form.set("outcome", "upheld").set("text", "õigus oli").add("step", "save"));
        let late = late.expect(422);
        assert!(late.text().contains("Menetlust on vahepeal edasi viidud."), "{}", late.text());
        let again = late.form("/decide");
        assert_eq!(again.value("text"), Some("õigus oli"));
        controller.send(&again.add("step", "save")).expect(200);
    });
}

#[test]
fn an_application_for_access_leads_to_the_right_that_was_applied_for() {
    on_both_databases(|h| {
        let s = School::open(h);
        let user = s.h.user("uus");
        let clerk = s.h.visit_as("hr_clerk");
        let page = clerk.get(&at(&format!("/cases/new?kind=access_application&user={user}&role=hr_clerk"))).expect(200);
        let form = page.form("/cases/new").set("subject", "Uus kasutaja").set("text", "asendab").set("wants", "grant");
        let form = form.set("details_name", "Kasutaja uus").set("institution_id", &s.office.institution);
        let opened = clerk.send(&form.add("step", "save")).expect(200);
        assert!(opened.text().contains("õiguse andmist") && opened.text().contains("personaliarvestaja"));
        let admin = s.h.visit_as("administrator");
        let form = admin.get(&format!("{}/decide", opened.path.split('?').next().unwrap())).expect(200).form("/decide");
        let granted =
            admin.send(&form.set("outcome", "granted").set("text", "vajalik").add("step", "save")).expect(200);
        let right = admin.get(&granted.link("Vormista õigus")).expect(200).form("/access/new");
        assert_eq!(right.value("person"), Some("uus"));
        assert_eq!(right.value("role"), Some("hr_clerk"));
        assert_eq!(right.value("institution_id"), Some(s.office.institution.as_str()));
    });
}
