//! Lists as people see them: what is found, how it is narrowed, and that no address tells of anybody.

use serde_json::json;

use crate::harness::people::{Office, School, code};
use crate::harness::visitor::{Filled, Seen, Visitor};
use crate::harness::{Harness, REGISTER, on_both_databases};

/// Somebody at a browser, who sends what they like.
struct Sender {
    visitor: Visitor,
    csrf: String,
}

impl Sender {
    fn login(s: &School, name: &str) -> Self {
        s.h.user(name);
        let visitor = s.h.visit_as(name);
        let csrf = visitor.get("/settings").expect(200).attributes("input[name=csrf]", "value").remove(0);
        Self { visitor, csrf }
    }

    fn get(&self, address: &str) -> Seen {
        self.visitor.get(address)
    }

    fn post(&self, address: &str, pairs: &[(&str, &str)]) -> Seen {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let fields = pairs.iter().chain([&("csrf", self.csrf.as_str())]).map(own).collect();
        self.visitor.send(&Filled { action: address.to_owned(), fields })
    }
}

/// The records that a list shows.
fn rows(page: &Seen) -> Vec<String> {
    page.all("table.list tbody th a")
}

fn list() -> String {
    format!("/et/r/{REGISTER}/records/employee")
}

/// A school with three more people.
fn staffed(h: Harness) -> School {
    let s = School::open(h);
    s.office.hire(&s.clerk, "Kask", &code(1990, 11));
    s.office.hire(&s.clerk, "Kuusk", &code(1991, 12));
    let mut official = s.office.employee("Mänd", &code(1992, 13));
    official["data"]["employee_group"] = json!("support_staff");
    s.clerk.post(&format!("/registers/{REGISTER}/records/employee"), &official);
    s
}

#[test]
fn a_facet_counts_what_a_click_finds() {
    on_both_databases(|h| {
        let s = staffed(h);
        let clerk = Sender::login(&s, "hr_clerk");
        let page = clerk.get(&list()).expect(200);
        let total = rows(&page).len();
        assert!(total >= 3, "{:?}", rows(&page));
        let choices = page.attributes(".fac a", "href");
        let counts = page.all(".fac a .n");
        assert!(counts.len() >= 2, "{counts:?}");
        for (href, count) in choices.iter().zip(&counts) {
            let narrowed = clerk.get(href).expect(200);
            assert_eq!(rows(&narrowed).len().to_string(), *count, "{href}");
            assert_eq!(narrowed.all(".chip").len(), 1, "{href}");
            let without = narrowed.attributes(".chip a", "href").remove(0);
            assert_eq!(rows(&clerk.get(&without)).len(), total, "the × takes the filter away");
        }
    });
}

#[test]
fn no_address_tells_what_was_searched_for_or_where_a_page_ended() {
    on_both_databases(|h| {
        let s = School::open(h);
        let letter = |n: u16| char::from(b'a' + u8::try_from(n).unwrap());
        for n in 0..55 {
            let name = format!("Tamm{}{}", letter(n / 10), letter(n % 10));
            s.office.hire(&s.clerk, &name, &code(1980, 100 + n));
        }
        let clerk = Sender::login(&s, "hr_clerk");
        let found = clerk.post(&format!("{}/find", list()), &[("q", "tammb")]).expect(200);
        assert_eq!(rows(&found).len(), 10, "{:?}", rows(&found));
        assert!(rows(&found).iter().all(|r| r.contains("Tammb")), "{:?}", rows(&found));
        assert!(!found.path.to_lowercase().contains("tamm"), "{}", found.path);
        let other = Sender::login(&s, "controller");
        let foreign = other.get(&found.path);
        assert!(!foreign.html.to_lowercase().contains("value=\"tammb\""), "a search is its user's");

        let first = clerk.get(&format!("{}?sort=employment_start", list())).expect(200);
        assert_eq!(rows(&first).len(), 50);
        assert_eq!(first.attributes("th[aria-sort]", "aria-sort"), ["ascending"]);
        let next = first.link("Järgmised");
        assert!(!next.to_lowercase().contains("tamm") && !next.contains("VGFtb"), "{next}");
        let second = clerk.get(&next).expect(200);
        let mut all = rows(&first);
        all.extend(rows(&second));
        assert_eq!(all.len(), 56, "each once, none left out");
        let mut sorted = all.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(sorted.len(), 56);
        assert!(!first.html.contains(&code(1980, 100)), "personal codes are masked in lists");
    });
}

#[test]
fn columns_and_named_searches_are_kept_for_their_user_alone() {
    on_both_databases(|h| {
        let s = staffed(h);
        let clerk = Sender::login(&s, "hr_clerk");
        let heads = clerk.post(&format!("{}/columns", list()), &[("column", "load_on_post"), ("column", "post")]);
        assert!(heads.expect(200).html.contains("Veerud on salvestatud."));
        let page = clerk.get(&list());
        assert_eq!(
            page.all("table.list thead th a.sort").len(),
            1,
            "the post is a reference: sorted by its id it would not help"
        );
        assert!(page.all("table.list tbody td").iter().any(|t| t == "õpetaja"), "shown by what it is called");
        clerk.post(&format!("{}/keep", list()), &[("status", "active"), ("name", "Praegused")]).expect(200);
        let href = clerk.get(&list()).link("Praegused");
        assert!(href.contains("status=active"), "{href}");
        let other = Sender::login(&s, "supervisor");
        let theirs = other.get(&list());
        assert!(!theirs.html.contains("Praegused"));
        let id = clerk.get(&list()).attributes("input[name=forget]", "value").remove(0);
        let gone = clerk.post(&format!("{}/forget", list()), &[("forget", id.as_str())]).expect(200);
        assert!(!gone.all(".kept a").contains(&"Praegused".to_owned()));
    });
}

#[test]
fn one_box_searches_every_list_within_ones_right() {
    on_both_databases(|h| {
        let s = staffed(h);
        let other = Office::found(&s.clerk, "Kasemetsa Kool");
        other.hire(&s.clerk, "Kaskla", &code(1970, 3));
        let clerk = Sender::login(&s, "hr_clerk");
        let search = format!("/et/r/{REGISTER}/search");
        let found = clerk.post(&search, &[("q", "kas")]).expect(200);
        assert!(!found.path.contains("kas"), "{}", found.path);
        let names = found.all("a.row-link");
        for name in ["Mari Kask", "Mari Kaskla", "Kasemetsa Kool"] {
            assert!(names.contains(&name.to_owned()), "{names:?}");
        }
        assert_eq!(found.all("section.card h2").len(), 2, "grouped by type");
        s.school_clerk();
        let school = Sender::login(&s, "hr_clerk_school");
        let names = school.post(&search, &[("q", "kas")]).expect(200).all("a.row-link");
        assert!(names.contains(&"Mari Kask".to_owned()) && !names.contains(&"Mari Kaskla".to_owned()), "{names:?}");
        let by_code = clerk.post(&search, &[("q", s.personal_code.as_str())]).expect(200);
        assert_eq!(by_code.all("a.row-link"), ["Mari Tamm"]);
        let nothing = clerk.post(&search, &[("q", "<script>alert(1)</script>")]).expect(200);
        assert!(nothing.html.contains("Midagi ei leitud") && !nothing.html.contains("<script>alert"));
    });
}

#[test]
fn what_is_hidden_is_neither_filtered_nor_sorted_by() {
    on_both_databases(|h| {
        let s = School::open(h);
        s.h.grant(
            "administrator",
            "narrow",
            "hr_clerk",
            json!({ "institution_id": s.office.institution, "sections": ["person"] }),
        );
        let narrow = s.h.login("narrow");
        let path = format!("/registers/{REGISTER}/records/employee");
        narrow.get(&path).expect(200);
        let refused = narrow.get(&format!("{path}?filter[employment_type]=employment_contract")).expect(403);
        assert!(refused.body["clause"].is_string(), "{}", refused.text);
        narrow.get(&format!("{path}?sort=load_on_post")).expect(403);
    });
}

#[test]
fn the_records_selected_are_tried_first_and_then_changed_on_a_document() {
    on_both_databases(|h| {
        let s = staffed(h);
        let clerk = Sender::login(&s, "hr_clerk");
        let boxes = clerk.get(&list()).attributes("input[name=row]", "value");
        let bulk = format!("{}/bulk", list());
        let none = clerk.post(&bulk, &[]).expect(422);
        assert!(none.html.contains("Märgi loendis vähemalt üks rida."));
        let (first, second) = (boxes[0].as_str(), boxes[1].as_str());
        let chosen = clerk.post(&bulk, &[("row", first), ("row", second)]).expect(200);
        assert!(chosen.all("select#field option").len() > 3);
        let field = [("row", first), ("row", second), ("field", "weekly_hours")];
        let form = clerk.post(&bulk, &field).expect(200);
        assert!(!form.attributes("select#kind option", "value").is_empty());
        let missing = clerk.post(&bulk, &[&field[..], &[("step", "try"), ("value", "35,00")]].concat()).expect(422);
        assert!(missing.html.contains("Vali alusdokumendi liik.") && missing.html.contains("35,00"), "nothing is lost");
        let all = [
            &field[..],
            &[("step", "try"), ("value", "35,00"), ("on", "1.12.2026"), ("kind", "administrative_act")],
            &[("number", "1-2/77"), ("date", "20.11.2026")],
        ]
        .concat();
        let tried = clerk.post(&bulk, &all).expect(200);
        assert!(tried.html.contains("Muutub 2"), "{:?}", tried.all("main"));
        let count = || s.h.place.count("SELECT COUNT(*) FROM entry WHERE kind = 'change'");
        assert_eq!(count(), 0, "a trial leaves nothing");
        let document = tried.attributes("input[name=document]", "value").remove(0);
        let save =
            [&field[..], &[("step", "save"), ("value", "35,00"), ("on", "1.12.2026"), ("document", document.as_str())]]
                .concat();
        let saved = clerk.post(&bulk, &save).expect(200);
        assert!(saved.html.contains("Valitud kirjed on muudetud."), "{:?}", saved.all("main"));
        assert_eq!(count(), 2);
    });
}

#[test]
fn what_is_shown_can_be_taken_away_as_a_file_and_stands_in_the_log() {
    on_both_databases(|h| {
        let s = staffed(h);
        let clerk = Sender::login(&s, "hr_clerk");
        let file = clerk.get(&format!("{}/export?format=csv&status=active", list())).expect(200);
        assert!(file.html.contains("Kask"), "{:.200}", file.html);
        let log = s.h.login("supervisor").get(&format!("/registers/{REGISTER}/audit?action=record.list")).expect(200);
        assert!(log.text.contains(&s.employee));
        let supervisor = Sender::login(&s, "it_manager");
        assert_ne!(supervisor.get(&list()).status, 200, "who may not list sees no list");
    });
}
