//! Retention at the screen: what falls due and why, a batch from its proposal to its act, legal holds, and the copies.

use serde_json::{Value, json};

use crate::harness::people::{School, code};
use crate::harness::visitor::{Seen, Visitor};
use crate::harness::{Client, Harness, Place, REGISTER, on_both_databases};

fn at(path: &str) -> String {
    format!("/r/{REGISTER}/retention{path}")
}

/// A school from which somebody left in 2026, looked at when every term is over.
struct Later {
    s: School,
    gone: String,
    archivist: Visitor,
    controller: Visitor,
}

fn later(h: Harness) -> Later {
    let s = School::open(h);
    let gone = s.office.hire(&s.clerk, "Kadunud", &code(1980, 77)).id();
    let end = json!({ "ended_on": "2026-11-01", "ground": "by_employee", "base_document_ids": [s.office.document],
        "data": { "termination": { "legal_basis": "töölepingu seadus", "act": "TLS", "section": "85" } } });
    s.clerk.post(&format!("/registers/{REGISTER}/records/employee/{gone}/end"), &end).expect(200);
    s.h.grant("administrator", "archivist", "archivist", json!({}));
    s.h.set_clock("2037-01-05T08:00:00Z");
    let s = School { clerk: s.h.login("hr_clerk"), ..s };
    let (archivist, controller) = (s.h.visit_as("archivist"), s.h.visit_as("controller"));
    Later { s, gone, archivist, controller }
}

impl Later {
    fn api(&self, user: &str) -> Client {
        self.s.h.login(user)
    }

    /// The page of a batch that the archivist has made up.
    fn proposed(&self) -> Seen {
        let due = self.archivist.get(&at("")).expect(200);
        self.archivist.send(&due.form_with("once")).expect(200)
    }

    /// The same, sent for approval with one decision for everything.
    fn reviewed(&self, fate: &str) -> Seen {
        let form = self.proposed().form("/finish").set("fate", fate);
        self.archivist.send(&form).expect(200)
    }

    /// The same, approved by the controller.
    fn approved(&self, fate: &str) -> String {
        let path = whole(&self.reviewed(fate));
        let form = self.controller.get(&path).expect(200).form("/approval").set("number", "1");
        self.controller.send(&form).expect(200);
        path
    }
}

/// The address of a page without its query.
fn whole(page: &Seen) -> String {
    page.path.split('?').next().unwrap().to_owned()
}

fn told(page: &Seen, words: &[&str]) {
    for word in words {
        assert!(page.text().contains(word), "{word}: {}", page.text());
    }
}

#[test]
fn an_archivist_sees_what_falls_due_by_a_day_with_rule_clause_and_reason_and_nothing_changes() {
    on_both_databases(|h| {
        let l = later(h);
        let before = l.s.h.place.count("SELECT COUNT(*) FROM entry");
        let none = l.archivist.get(&at("?on=1.11.2027")).expect(200);
        told(&none, &["Midagi ei ole tähtajaline"]);
        let due = l.archivist.get(&at("?on=2.11.2027")).expect(200);
        told(
            &due,
            &["tervisekontrolli andmed", "§ 19", "1 aasta pärast", "02.11.2027", "01.11.2026", "otsustab inimene"],
        );
        told(&due, &["Tähtaeg on möödas alates 02.11.2027.", "Tähtaja allikas:"]);
        assert!(!due.text().contains("Kadunud"), "the statute gives the archivist no data: {}", due.text());
        let only = l.archivist.get(&due.link("tervisekontrolli andmed")).expect(200);
        assert!(only.path.contains("rule=health") && only.path.contains("on=2027-11-02"), "{}", only.path);
        let why = l
            .archivist
            .get(&only.attributes("#items-h ~ * tbody th a, section tbody th a[href*='/records/']", "href")[0]);
        told(&why.expect(200), &["tervisekontrolli andmed", "Tähtaeg algab:"]);
        let named = l.controller.get(&at("?on=2.11.2027")).expect(200);
        told(&named, &["Mari Kadunud"]);
        assert_eq!(l.archivist.get(&at("?on=homme")).status, 400);
        assert_eq!(l.s.h.place.count("SELECT COUNT(*) FROM entry"), before);
        let clerk = l.s.h.visit_as("hr_clerk");
        assert!(
            !clerk.get(&format!("/r/{REGISTER}/desk")).expect(200).all("nav.nav a").contains(&"Säilitamine".into())
        );
        assert!(l.archivist.get(&at("")).all("nav.nav a").contains(&"Säilitamine".into()));
        for path in ["", "/forecast", "/batches", "/holds", "/holds/new"] {
            clerk.get(&at(path)).expect(403);
        }
        l.archivist.get(&at("/holds/new")).expect(403);
        clerk.get(&at("/batches/0190a0f0-0000-7000-8000-000000000000")).expect(403);
        l.archivist.get(&at("/batches/0190a0f0-0000-7000-8000-000000000000")).expect(404);
    });
}

#[test]
fn the_forecast_tells_the_years_in_a_chart_and_a_table_and_what_waits_for_its_day() {
    let s = School::open(Harness::start(Place::sqlite()));
    let gone = s.office.hire(&s.clerk, "Kadunud", &code(1980, 77)).id();
    let end = json!({ "ended_on": "2026-11-01", "ground": "by_employee", "base_document_ids": [s.office.document],
        "data": { "termination": { "legal_basis": "töölepingu seadus", "act": "TLS", "section": "85" } } });
    s.clerk.post(&format!("/registers/{REGISTER}/records/employee/{gone}/end"), &end).expect(200);
    s.h.grant("administrator", "archivist", "archivist", json!({}));
    let page = s.h.visit_as("archivist").get(&at("/forecast")).expect(200);
    let rows = page.all("#years-h ~ * tbody tr, section[aria-labelledby=years-h] tbody tr");
    for year in ["2027", "2033", "2036"] {
        assert!(rows.iter().any(|row| row.starts_with(year)), "{year}: {rows:?}");
    }
    assert_eq!(page.attributes("svg.bars", "role"), ["img"], "the same is drawn");
    let waiting = page.all("section[aria-labelledby=waiting-h] tbody tr");
    assert!(waiting.iter().any(|row| row.contains("tervisekontrolli andmed") && row.ends_with('1')), "{waiting:?}");
}

#[test]
fn a_batch_goes_from_the_proposal_to_the_act_by_two_people_and_each_is_told_what_they_may_not() {
    on_both_databases(|h| {
        let l = later(h);
        let due = l.archivist.get(&at("")).expect(200);
        let form = due.form_with("once");
        let batch = l.archivist.send(&form).expect(200);
        told(&batch, &["Loend nr 1", "Loend on koostatud.", "läbivaatamisel", "otsustamata"]);
        let twice = l.archivist.send(&form).expect(200);
        assert_eq!(whole(&twice), whole(&batch), "sent twice, made up once");
        let nothing = l.archivist.send(&l.archivist.get(&at("")).form_with("once")).expect(409);
        told(&nothing, &["Midagi ei ole, mis võiks minna"]);
        // Undecided, it goes to nobody.
        let path = whole(&batch);
        let finish = batch.form("/finish");
        told(&l.archivist.send(&finish).expect(422), &["Vali, mis andmetest saab."]);
        let sent = l.archivist.send(&finish.set("fate", "archive")).expect(200);
        told(&sent, &["ootab kinnitamist", "Sina koostasid loendi või vaatasid selle läbi."]);
        let own = l.archivist.send(&sent.form("/approval").set("number", "1")).expect(403);
        told(&own, &["ei saa seda kinnitada, ka teises rollis mitte", "§ 19"]);
        let desk = l.controller.get(&format!("/r/{REGISTER}/desk")).expect(200);
        told(&desk, &["loend ootab kinnitamist"]);
        let seen = l.controller.get(&desk.link("Loend nr 1")).expect(200);
        let approval = seen.form("/approval");
        let wrong = l.controller.send(&approval.clone().set("number", "7")).expect(422);
        assert_eq!(wrong.form("/approval").value("number"), Some("7"), "what was typed is kept");
        let approved = l.controller.send(&approval.clone().set("number", "1")).expect(200);
        told(&approved, &["Loend on kinnitatud.", "Täidab keegi teine."]);
        assert!(!approved.text().contains("Täida loend"), "nobody is offered what they would be refused");
        told(&l.controller.send(&approval.set("number", "1")).expect(409), &["Loend on vahepeal edasi viidud."]);
        let ask = l.controller.get(&format!("{path}/execution")).expect(200);
        told(&ask, &["Kustutatud andmeid tagasi ei saa"]);
        told(&l.controller.send(&ask.form("/execution")).expect(403), &["Loendi kinnitanu seda ei täida.", "§ 19"]);
        let ask = l.archivist.get(&l.archivist.get(&path).link("Täida loend")).expect(200);
        let done = l.archivist.send(&ask.form("/execution")).expect(200);
        told(&done, &["Loend on täidetud.", "Üleandmise akt nr 1", "Arhiivipakett", "kustutatud"]);
        let steps = done.all("#steps-h ~ ol li, section[aria-labelledby=steps-h] li");
        assert_eq!(steps.len(), 8, "{steps:?}");
        assert!(steps.iter().all(|step| step.ends_with("tehtud")), "{steps:?}");
        let pdf = l.archivist.get(&done.link("PDF")).expect(200);
        assert!(pdf.html.starts_with("%PDF-"));
        let act: Value = serde_json::from_str(&l.archivist.get(&done.link("JSON")).expect(200).html).unwrap();
        assert_eq!(act["kind"], "transfer");
        let package = l.archivist.get(&done.link("Laadi pakett alla")).expect(200);
        assert_eq!(package.headers["content-type"], "application/x-tar");
        assert!(package.html.contains("Kadunud"), "what went stands in the package");
        l.s.clerk.get(&format!("/registers/{REGISTER}/records/employee/{}", l.gone)).expect(404);
        let list = l.archivist.get(&at("/batches")).expect(200);
        told(&list, &["Loend nr 1", "täidetud", "Üleandmise akt nr 1"]);
        // The supervisor sees what was done and takes no data along.
        let supervisor = l.s.h.visit_as("controller").get(&path).expect(200);
        told(&supervisor, &["täidetud"]);
    });
}

#[test]
fn a_reviewer_decides_for_several_rows_at_once_and_loses_nothing_they_typed() {
    on_both_databases(|h| {
        let l = later(h);
        let batch = l.proposed();
        let rows = batch.attributes("input[name=item]", "value");
        assert!(rows.len() >= 3, "{rows:?}");
        let form = batch.form("/review").set("decision", "exclude").add("item", &rows[0]).add("item", &rows[1]);
        let mute = l.archivist.send(&form).expect(422);
        told(&mute, &["Kirjuta põhjus."]);
        let again = mute.form("/review");
        let ticked: Vec<&String> = again.fields.iter().filter(|(n, _)| n == "item").map(|(_, v)| v).collect();
        assert_eq!(ticked, [&rows[0], &rows[1]], "the rows stay chosen");
        assert_eq!(again.value("decision"), Some("exclude"));
        let out = l.archivist.send(&again.set("reason", "vaidlus on pooleli")).expect(200);
        told(&out, &["Otsus on kantud ridadele.", "välja jäetud", "vaidlus on pooleli"]);
        let none = l.archivist.send(&out.form("/review").set("decision", "destroy")).expect(422);
        told(&none, &["Vali vähemalt üks rida."]);
        let early = out.form("/review").set("decision", "keep_until").set("reason", "uurimine").add("item", &rows[2]);
        let day = l.archivist.send(&early.clone().set("until", "1.9.30")).expect(422);
        assert_eq!(day.form("/review").value("until"), Some("1.9.30"), "a day that is none is shown as it was typed");
        told(
            &l.archivist.send(&early.clone().set("until", "1.9.2036")).expect(422),
            &["Päev peab olema hilisem kui täna."],
        );
        let kept = l.archivist.send(&early.set("until", "1.9.2040")).expect(200);
        told(&kept, &["säilitatakse edasi", "kuni 01.09.2040: uurimine"]);
        let back = l.archivist.send(&kept.form("/review").set("decision", "include").add("item", &rows[0])).expect(200);
        told(&back, &[format!("Otsustamata read ({})", rows.len() - 2).as_str()]);
        let only = l.archivist.get(&back.link("välja jäetud 1")).expect(200);
        assert_eq!(only.attributes("input[name=item]", "value"), [rows[1].clone()]);
        let rest = back.form("/review").set("to", "undecided").set("decision", "destroy");
        told(&l.archivist.send(&rest).expect(200), &["Kõik read on otsustatud."]);
        // Given up with a reason, the same data can be proposed anew.
        let form = l.archivist.get(&back.link("Loobu loendist")).expect(200).form("/cancel");
        told(&l.archivist.send(&form).expect(422), &["Kirjuta põhjus"]);
        told(&l.archivist.send(&form.set("reason", "ekslik")).expect(200), &["Loendist on loobutud.", "ekslik"]);
        told(&l.proposed(), &["Loend nr 2"]);
    });
}

#[test]
fn what_changed_after_it_was_looked_at_is_neither_finished_nor_approved() {
    on_both_databases(|h| {
        let l = later(h);
        let batch = l.proposed();
        let old = batch.form("/finish").set("fate", "destroy");
        let rows = batch.attributes("input[name=item]", "value");
        let leave_out = |page: &Seen, row: &str| {
            page.form("/review").set("decision", "exclude").set("reason", "vaidlus").add("item", row)
        };
        l.archivist.send(&leave_out(&batch, &rows[0])).expect(200);
        let stale = l.archivist.send(&old).expect(409);
        told(&stale, &["Loend on vahepeal muutunud."]);
        assert_eq!(stale.form("/finish").value("fate"), Some("destroy"), "the choice is kept");
        let late = l.archivist.send(&leave_out(&batch, &rows[1])).expect(409);
        assert_eq!(late.form("/review").value("reason"), Some("vaidlus"));
        l.archivist.send(&stale.form("/finish")).expect(200);
        let path = whole(&batch);
        let approval = l.controller.get(&path).expect(200).form("/approval").set("number", "1");
        let form = l.archivist.get(&format!("{path}/back")).expect(200).form("/back").set("reason", "veel üks rida");
        told(&l.archivist.send(&form).expect(200), &["Loend on tagasi läbivaatamisel.", "veel üks rida"]);
        let again = l.archivist.get(&path).expect(200);
        l.archivist.send(&leave_out(&again, &rows[1])).expect(200);
        l.archivist.send(&l.archivist.get(&path).form("/finish")).expect(200);
        let refused = l.controller.send(&approval).expect(409);
        told(&refused, &["Loend on vahepeal muutunud."]);
        l.controller.send(&refused.form("/approval")).expect(200);
    });
}

#[test]
fn a_hold_set_on_a_record_keeps_it_and_the_batch_tells_what_stayed_and_why() {
    on_both_databases(|h| {
        let l = later(h);
        let path = l.approved("destroy");
        let card = l.controller.get(&format!("/r/{REGISTER}/records/employee/{}", l.gone)).expect(200);
        let section = card.text_of("#retention").unwrap();
        for word in ["Säilitamine", "palga, lisatasude ja hüvitiste andmed", "Säilitatakse 7 aastat", "tähtaeg möödas"]
        {
            assert!(section.contains(word), "{word}: {section}");
        }
        let form = l.controller.get(&card.link("Sea kustutamise keeld")).expect(200).form("/holds/new");
        let mute = l.controller.send(&form.clone().set("until", "1.9.2040")).expect(422);
        told(&mute, &["Kirjuta, millele keeld tugineb."]);
        assert_eq!(mute.form("/holds/new").value("until"), Some("1.9.2040"));
        let set = l.controller.send(&form.set("basis", "vaidlus töösuhte üle")).expect(200);
        told(&set, &["Keeld kehtib.", "vaidlus töösuhte üle", "peatatud"]);
        let ask = l.archivist.get(&format!("{path}/execution")).expect(200);
        let done = l.archivist.send(&ask.form("/execution")).expect(200);
        told(&done, &["Mis jäi alles ja miks", "Kehtib kustutamise keeld", "langes välja"]);
        l.s.clerk.get(&format!("/registers/{REGISTER}/records/employee/{}", l.gone)).expect(200);
        let due = l.archivist.get(&at("")).expect(200);
        told(&due, &["peatatud", "neist peatatud"]);
        assert!(!due.text().contains("Koosta loend kõigest"), "nothing may go");
        // Who only looks lifts nothing.
        let list = l.archivist.get(&at("/holds")).expect(200);
        told(&list, &["vaidlus töösuhte üle", "kehtib", "kuni lõpetamiseni"]);
        assert!(list.all("td.act a").is_empty(), "{}", list.text());
        let list = l.controller.get(&at("/holds")).expect(200);
        let lift = l.controller.get(&list.link("Lõpeta keeld")).expect(200).form("/lift");
        told(&l.controller.send(&lift).expect(422), &["Täida see väli."]);
        let lifted = l.controller.send(&lift.clone().set("reason", "vaidlus on lõppenud")).expect(200);
        told(&lifted, &["Keeld on lõpetatud.", "Keelde ei ole"]);
        told(&l.controller.send(&lift.set("reason", "veel kord")).expect(422), &["Keeld on juba lõpetatud."]);
        told(&l.controller.get(&at("/holds?lifted=yes")).expect(200), &["vaidlus on lõppenud", "lõpetatud"]);
    });
}

#[test]
fn a_hold_on_a_person_or_on_a_kind_of_records_stops_them_and_does_not_tell_whom() {
    on_both_databases(|h| {
        let l = later(h);
        let code = code(1980, 77);
        let form = l.controller.get(&at("/holds/new")).expect(200).form("/holds/new").set("basis", "kohtuasi");
        told(&l.controller.send(&form).expect(422), &["Vali, mida hoida."]);
        let person = form.clone().set("scope", "person");
        let wrong = l.controller.send(&person.clone().set("personal_code", "48005170")).expect(422);
        told(&wrong, &["Kontrolli isikukoodi."]);
        assert_eq!(wrong.form("/holds/new").value("basis"), Some("kohtuasi"));
        let list = l.controller.send(&person.set("personal_code", &code)).expect(200);
        told(&list, &["kohtuasi", "ühe isiku kirjed"]);
        assert!(!list.html.contains(&code), "the code is not shown");
        told(&l.archivist.get(&at("")).expect(200), &["peatatud"]);
        l.controller
            .send(&l.controller.get(&list.link("Lõpeta keeld")).form("/lift").set("reason", "läbi"))
            .expect(200);
        let empty = l.controller.send(&form.clone().set("scope", "query")).expect(422);
        told(&empty, &["Vali kirje liik või asutus."]);
        let query = form.set("scope", "query").set("institution_id", &l.s.office.institution);
        told(&l.controller.send(&query).expect(200), &["Kuuse Kool"]);
        told(&l.archivist.get(&at("")).expect(200), &["peatatud"]);
    });
}

#[test]
fn the_desk_says_how_much_is_due_until_a_batch_has_it() {
    on_both_databases(|h| {
        let l = later(h);
        let desk = || l.archivist.get(&format!("/r/{REGISTER}/desk")).expect(200);
        told(&desk(), &["1 kirje, mille andmete säilitustähtaeg on möödas"]);
        l.proposed();
        assert!(!desk().text().contains("säilitustähtaeg on möödas"), "{}", desk().text());
        told(&desk(), &["loend ootab läbivaatust"]);
        let id = l.api("archivist").get(&format!("/registers/{REGISTER}/retention/batches")).expect(200).body["items"]
            [0]["id"]
            .clone();
        assert!(desk().link("Loend nr 1").ends_with(id.as_str().unwrap()));
    });
}

#[test]
fn whoever_sees_the_jobs_sees_how_old_the_copies_are_and_what_to_do() {
    on_both_databases(|h| {
        h.staff();
        let admin = h.visit_as("administrator");
        let jobs = admin.get(&format!("/r/{REGISTER}/jobs")).expect(200);
        let page = admin.get(&jobs.link("Turvakoopiad")).expect(200);
        told(&page, &["koopiaid ei tehta", "Tee nüüd nii", "backup.recipients", "Koopiaid ei ole"]);
        h.visit_as("hr_clerk").get(&format!("/r/{REGISTER}/backups")).expect(403);
    });
}
