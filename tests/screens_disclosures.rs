//! Requests for data at the screen: asked for, weighed, released, found again in the ledger.

use crate::harness::people::School;
use crate::harness::visitor::Seen;
use crate::harness::{REGISTER, on_both_databases};

fn at(path: &str) -> String {
    format!("/r/{REGISTER}{path}")
}

fn asked(s: &School) -> Seen {
    let admin = s.h.visit_as("administrator");
    let form = admin.get(&at("/requests/new?type=employee")).expect(200).form("/requests/new");
    let form = form
        .set("requester_name", "Näidisamet")
        .set("requester_kind", "authority")
        .set("requester_contact", "info@naidisamet.example")
        .set("object", "Õpetajate ametikohad")
        .set("purpose", "järelevalve töötingimuste üle")
        .set("legal_basis", "töölepingu seaduse § 115")
        .set("filter_employee_group", "education_staff")
        .add("fields", "last_name")
        .add("fields", "employee_group");
    admin.send(&form.add("step", "save")).expect(200)
}

#[test]
fn what_is_never_released_cannot_be_picked_and_says_why() {
    on_both_databases(|h| {
        let s = School::open(h);
        let page = s.h.visit_as("administrator").get(&at("/requests/new?type=employee")).expect(200);
        let barred = page.all("p.check.barred").join(" ");
        assert!(barred.contains("§ 18 lg 4"), "{barred}");
        let picked = page.attributes("input[name=fields]", "value");
        assert!(picked.contains(&"education/speciality".to_owned()) && !picked.iter().any(|f| f.contains("consent")));
    });
}

#[test]
fn a_request_is_decided_after_a_last_look_and_released_with_its_number() {
    on_both_databases(|h| {
        let s = School::open(h);
        let page = asked(&s);
        assert!(page.text().contains("Taotlus on registreeritud."), "{}", page.text());
        for told in ["7 päeva jäänud", "27.11.2026", "§ 18 lg 1", "Tingimustele vastab seisuga 20.11.2026 kirjeid: 1."]
        {
            assert!(page.text().contains(told), "{told}: {}", page.text());
        }
        let admin = s.h.visit_as("administrator");
        let page = admin.get(&page.path).expect(200);
        let form = page.form("/requests/0");
        // A part is off, and the outcome says all: what to do is said, and nothing is lost.
        let all =
            form.clone().set("outcome", "granted").set("release_ground", "public_task").set("fields", "last_name");
        let all = all.set("explanation", "ülesanne on seaduses");
        let refused = admin.send(&all.clone().add("step", "check")).expect(422);
        assert!(refused.text().contains("Vali osaline rahuldamine."), "{}", refused.text());
        assert_eq!(refused.form("/requests/0").value("explanation"), Some("ülesanne on seaduses"));
        let whole = all.add("fields", "employee_group");
        let check = admin.send(&whole.add("step", "check")).expect(200);
        assert!(check.text().contains("avaliku ülesande täitmine") && check.text().contains("§ 18 lg 2 p 3"));
        assert_eq!(s.h.place.count("SELECT COUNT(*) FROM case_step WHERE act = 'decide'"), 0);
        let decided = admin.send(&check.form("/requests/0").add("step", "save")).expect(200);
        assert!(decided.text().contains("Otsus on tehtud.") && decided.text().contains("30 päeva jooksul"));
        let file = admin.send(&decided.form("/release").set("format", "csv")).expect(200);
        assert!(file.headers["content-disposition"].contains("attachment"), "{:?}", file.headers);
        assert!(file.html.contains("Tamm") && !file.html.contains("Mari") && !file.html.contains(&s.personal_code));
        let ledger = admin.get(&at("/disclosures")).expect(200);
        assert!(ledger.text().contains("Näidisamet") && ledger.text().contains("väljad: 2, kirjed: 1"));
        let entry = admin.get(&ledger.attributes("tbody a", "href")[0]).expect(200);
        assert!(entry.text().contains("Tamm"), "whose data left: {}", entry.text());
        // Exactly these bytes left; others did not.
        let form = admin.get(&at("/disclosures/check")).expect(200).form("/disclosures/check");
        let same = admin.upload(&form, &[("file", "brought.csv", file.html.as_bytes())]).expect(200);
        assert!(same.text().contains("Täpselt see fail on väljastatud"), "{}", same.text());
        let other = admin.upload(&form, &[("file", "brought.csv", b"teine")]).expect(200);
        assert!(other.text().contains("Sellist faili ei ole väljastatud"));
    });
}

#[test]
fn an_officer_prepares_requests_and_neither_decides_nor_counts() {
    on_both_databases(|h| {
        let s = School::open(h);
        let page = asked(&s);
        let seen = s.h.visit_as("hr_clerk").get(&page.path).expect(200);
        assert!(seen.text().contains("Õpetajate ametikohad") && !seen.text().contains("Kontrolli otsust"));
        assert!(!seen.text().contains("Tingimustele vastab"), "{}", seen.text());
        let form = s.h.visit_as("administrator").get(&page.path).expect(200).form("/requests/0");
        let clerk = s.h.visit_as("hr_clerk");
        let own = clerk.get("/settings").form("/settings").value("csrf").unwrap().to_owned();
        let forged = form.set("csrf", &own).set("outcome", "refused").set("refusal_ground", "harm_to_person");
        let forged = forged.set("explanation", "ei").add("step", "save");
        let refused = clerk.send(&forged);
        assert_eq!(refused.status, 403, "{}", refused.text());
    });
}
