//! The end of a register at the screen: one decides, another approves, everybody reads that it is closed.

use crate::closing::{AFTER, open};
use crate::harness::{REGISTER, on_both_databases};

#[test]
fn one_decides_another_approves_and_the_public_page_says_closed_with_the_acts() {
    on_both_databases(|h| {
        let e = open(h);
        let path = format!("/r/{REGISTER}/closing");
        let controller = e.s.h.visit_as("controller");
        let page = controller.get(&path).expect(200);
        assert!(page.text().contains("Lõpetamise otsust ei ole."), "{}", page.text());
        let form = controller.get(&page.link("Sisesta lõpetamise otsus")).expect(200).form("/decision");
        let bare = controller.send(&form.clone().add("step", "save")).expect(422);
        assert!(bare.text().contains("Täida see väli."), "{}", bare.text());
        let mut filled = form
            .set("document_kind", "council_decision")
            .set("document_number", "12")
            .set("document_date", "19.11.2026")
            .set("closed_from", "1.12.2026")
            .set("step_archive_appraisal", "RA 5-1/26, 02.11.2026")
            .set("step_riha_end", "17.11.2026")
            .set("step_destruction_consent_reason", "arhivaale ei tuvastatud");
        for kind in &e.s.h.app.register(REGISTER).unwrap().definition.record_types {
            filled = filled.set(&format!("what_{}", kind.name), "destruction");
        }
        let decided = controller.send(&filled.add("step", "save")).expect(200);
        for told in ["Otsus on sisestatud", "Jõelähtme Vallavolikogu otsus 12", "enda sisestatut kinnitada ei saa"] {
            assert!(decided.text().contains(told), "{told}: {}", decided.text());
        }
        let archivist = e.s.h.visit_as("archivist");
        let seen = archivist.get(&path).expect(200);
        let approved = archivist.send(&seen.form("/approval")).expect(200);
        assert!(approved.text().contains("Otsus on kinnitatud."), "{}", approved.text());

        e.s.h.set_clock(AFTER);
        let controller = e.s.h.visit_as("controller");
        let clerk = e.s.h.visit_as("hr_clerk");
        let list = clerk.get(&format!("/r/{REGISTER}/records/employee")).expect(200);
        assert!(!list.html.contains("/records/employee/new"), "no door to enter is shown");
        let page = controller.get(&path).expect(200);
        let done = controller.send(&page.form("/execution")).expect(200);
        assert!(done.text().contains("Kõik andmed on üle antud või hävitatud."), "{}", done.text());
        let act = controller.get(&done.link("Hävitamisakt nr 1")).expect(200);
        assert_eq!(act.headers["content-type"], "application/pdf");
        let public = controller.get(&format!("/r/{REGISTER}")).expect(200);
        assert!(public.text().contains("suletud alates 01.12.2026, aktid nr 1"), "{}", public.text());
    });
}
