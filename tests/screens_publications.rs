//! Making public at the screen: nobody approves what they proposed.

use crate::harness::people::School;
use crate::harness::{REGISTER, on_both_databases};

#[test]
fn what_is_proposed_is_looked_at_and_approved_by_another_and_can_be_withdrawn() {
    on_both_databases(|h| {
        let s = School::open(h);
        let admin = s.h.visit_as("administrator");
        let path = format!("/r/{REGISTER}/publications");
        let list = admin.get(&path).expect(200);
        assert!(
            list.text().contains("§ 18 lg 3") && list.text().contains("Midagi ei ole avaldatud"),
            "{}",
            list.text()
        );
        let proposed = admin.send(&list.form("/publications")).expect(200);
        for told in ["Tamm", "eesti filoloogia", "uusi 1", "enda esitatut kinnitada ei saa"] {
            assert!(proposed.text().contains(told), "{told}: {}", proposed.text());
        }
        assert!(!proposed.text().contains(&s.personal_code) && !proposed.text().contains("1820"));
        let one = proposed.path.split('?').next().unwrap().to_owned();
        let controller = s.h.visit_as("controller");
        let seen = controller.get(&one).expect(200);
        let public = controller.send(&seen.form("/approval")).expect(200);
        assert!(public.text().contains("Andmed on avaldatud."), "{}", public.text());
        let form = controller.get(&public.link("Võta tagasi")).expect(200).form("/withdrawal");
        let bare = controller.send(&form.clone().add("step", "save")).expect(422);
        assert!(bare.text().contains("Täida see väli."), "{}", bare.text());
        let back = controller.send(&form.set("reason", "viga andmetes").add("step", "save")).expect(200);
        assert!(back.text().contains("Tagasi võetud") && back.text().contains("viga andmetes"), "{}", back.text());
    });
}
