//! A sheet at the screen: brought once, looked at, mended where it stands, entered, taken back.

use serde_json::json;

use crate::harness::people::code;
use crate::harness::visitor::{Seen, Visitor};
use crate::imports::{Harbour, appoint, boat, both, path, sheet};

const PAGE: &str = "/r/paadisadam/imports";

/// Brings a sheet by the form, on a new contract.
fn bring(v: &Visitor, name: &str, text: &str) -> Seen {
    let form = v.get(PAGE).expect(200).form("/imports");
    let form = form
        .set("effective_on", "1.5.2026")
        .set("document_kind", "mooring_contract")
        .set("document_number", "7")
        .set("document_date", "1.4.2026");
    v.upload(&form, &[("file", name, text.as_bytes())])
}

fn rows(n: u16) -> Vec<String> {
    (0..n).map(|i| boat(&format!("Paat {i}"), "6.50", i)).collect()
}

fn inputs(seen: &Seen) -> Vec<String> {
    seen.attributes("td.bad input[name^=cell]", "name")
}

#[test]
fn a_sheet_is_imported_in_four_clicks_and_its_report_names_every_row() {
    both(|k| {
        let v = k.h.visit_as("kapten");
        let trial = bring(&v, "paadid.csv", &sheet(&rows(3))).expect(200);
        assert_eq!(trial.text_of("h1").unwrap(), "Impordi proovijooks");
        assert!(trial.text().contains("Midagi ei ole veel salvestatud"), "{}", trial.text());
        assert!(trial.text().contains("6 p") || !trial.all(".map div").is_empty());
        assert_eq!(trial.all(".stat dd")[..2], ["3", "3"], "three rows, three new records");
        assert_eq!(k.boats().len(), 0, "a trial leaves nothing");

        let saved = v.send(&trial.form("/save")).expect(200);
        assert!(saved.text().contains("Import on salvestatud."), "{}", saved.text());
        assert!(saved.text().contains("Tagasi") || saved.text().contains("Võta import tagasi"));
        let links = saved.attributes("table a.row-link", "href");
        assert_eq!(links.len(), 3);
        let ids: Vec<String> = k.boats().values().map(|b| b["id"].as_str().unwrap().to_owned()).collect();
        assert_eq!(ids.len(), 3);
        assert!(ids.iter().all(|id| links.iter().any(|l| l.ends_with(id))), "{links:?}");
        assert_eq!(k.h.place.count("SELECT COUNT(*) FROM pending_upload"), 0, "the sheet is forgotten");
        assert!(v.get(PAGE).text().contains("uusi 3, muudetud 0"));
        let whole = k.h.export("paadisadam").into_iter().filter(|e| e["event"]["action"] == "record.import").count();
        assert_eq!(whole, 1, "the screen entered it by the same act as the API");
    });
}

#[test]
fn a_fault_stands_at_its_cell_with_its_clause_and_is_mended_there() {
    both(|k| {
        let v = k.h.visit_as("kapten");
        let mut bad = rows(2);
        bad.push(format!("Tiir;96,5;Juhan Tiir;{};2026-05-01", code(1980, 9)));
        bad.push("Kiil;6.50;Juhan Kiil;48005170000;31.06.2026".to_owned());
        let trial = bring(&v, "paadid.csv", &sheet(&bad)).expect(200);
        assert!(trial.text().contains("Vigaseid ridu: 2"), "{}", trial.text());
        assert!(trial.all("td.bad .law").iter().any(|l| l.starts_with("§ 6")), "{}", trial.text());
        let cells = inputs(&trial);
        assert_eq!(cells, ["cell-4-1", "cell-5-3", "cell-5-4"], "only what is at fault is open");
        assert_eq!(trial.attributes("#cell-5-4", "value"), ["31.06.2026"], "what was typed stands there");
        assert!(trial.attributes("#cell-5-4", "aria-label")[0].contains("Rida 5"));
        // Days and numbers are read as people write them, although the sheet writes them otherwise.
        let mended = trial
            .form(trial.path.trim_start_matches("/et"))
            .set("cell-4-1", "9,65")
            .set("cell-5-3", &code(1980, 10))
            .set("cell-5-4", "30.6.2026")
            .add("do", "again");
        let again = v.send(&mended).expect(200);
        assert!(!again.text().contains("Vigaseid ridu"), "{}", again.text());
        assert!(again.text().contains("Siin parandatud lahtreid: 3."), "{}", again.text());
        v.send(&again.form("/save")).expect(200);
        let boats = k.boats();
        assert_eq!(boats["Tiir"]["data"]["length_m"], "9.65");
        assert_eq!(boats["Kiil"]["data"]["moored_from"], "2026-06-30");
        let list = k.master.get(&path("imports")).expect(200);
        assert_eq!(list.body["items"][0]["summary"]["mended"], json!(3), "the register knows that it was mended");
    });
}

#[test]
fn rows_without_faults_are_saved_alone_only_when_that_is_said_and_the_others_wait() {
    both(|k| {
        let v = k.h.visit_as("kapten");
        let mut bad = rows(3);
        bad.push(format!("Tiir;pikk;Juhan Tiir;{};2026-05-01", code(1980, 9)));
        let trial = bring(&v, "paadid.csv", &sheet(&bad)).expect(200);
        let mut form = trial.form("/save");
        form.fields.retain(|(name, _)| name != "leave");
        let refused = v.send(&form).expect(422);
        assert!(refused.text().contains("Paranda vead või märgi"), "{}", refused.text());
        assert_eq!(k.boats().len(), 0);

        let saved = v.send(&refused.form("/save").set("leave", "on")).expect(200);
        assert_eq!(k.boats().len(), 3);
        let rest = v.get(&saved.link("Paranda need")).expect(200);
        assert_eq!(inputs(&rest), ["cell-5-1"], "what was at fault waits, and nothing else");
        assert!(rest.text().contains("Välja jäetud ridu: 3."), "{}", rest.text());
        let again = v.send(&rest.form_with("cell-5-1").set("cell-5-1", "7.10")).expect(200);
        v.send(&again.form("/save")).expect(200);
        assert_eq!(k.boats().len(), 4);
    });
}

#[test]
fn the_fault_sheet_has_every_row_again_with_what_is_wrong_in_the_readers_language() {
    both(|k| {
        let v = k.h.visit_as("kapten");
        let mut bad = rows(2);
        bad.push(format!("Tiir;96,5;Juhan Tiir;{};2026-05-01", code(1980, 9)));
        let trial = bring(&v, "paadid.csv", &sheet(&bad)).expect(200);
        let file = v.get(&trial.link("CSV")).expect(200);
        assert!(file.headers["content-disposition"].contains("paadid-vead.csv"), "{:?}", file.headers);
        let lines: Vec<&str> = file.html.trim_start_matches('\u{feff}').lines().collect();
        assert_eq!(lines.len(), 4);
        assert!(lines[0].contains("viga") && lines[0].contains("väli"), "{}", lines[0]);
        assert!(lines[3].contains("length_m") && lines[3].contains("§ 6 p 2"), "{}", lines[3]);
        assert!(!lines[1].contains('§'), "{}", lines[1]);
        // The mended file takes the place of the first, on the same document.
        let mended = sheet(&rows(3));
        let documents = k.h.place.count("SELECT COUNT(*) FROM base_document");
        let again = v.upload(&trial.form("/file"), &[("file", "parandatud.csv", mended.as_bytes())]).expect(200);
        assert!(again.text().contains("parandatud.csv") && !again.text().contains("Vigaseid ridu"), "{}", again.text());
        assert_eq!(k.h.place.count("SELECT COUNT(*) FROM base_document"), documents);
    });
}

#[test]
fn columns_with_other_names_are_assigned_once_and_remembered() {
    both(|k| {
        let v = k.h.visit_as("kapten");
        let text = sheet(&rows(2)).replace("boat_name", "Nimetus").replace("length_m", "Pikkus");
        let columns = bring(&v, "paadid.csv", &text).expect(200);
        assert_eq!(columns.text_of("h1").unwrap(), "Veergude vastavus");
        assert!(columns.text().contains("Sellise nimega välja ei ole."), "{}", columns.text());
        assert!(columns.text().contains("Paat 0 · Paat 1"), "samples tell what is in a column: {}", columns.text());
        assert!(!columns.html.contains(&code(1980, 0)), "personal codes are masked");
        let form = columns.form("/columns").set("field-0", "boat_name").set("field-1", "length_m");
        let trial = v.send(&form).expect(200);
        assert_eq!(trial.text_of("h1").unwrap(), "Impordi proovijooks");
        assert!(trial.text().contains("5 / 5 veergu seotud"), "{}", trial.text());
        v.send(&trial.form("/save")).expect(200);
        // The next sheet of the same kind goes straight to its trial.
        let next = text.replace("Paat", "Uus paat").replace("6.50", "7.00");
        let trial = bring(&v, "paadid2.csv", &next).expect(200);
        assert_eq!(trial.text_of("h1").unwrap(), "Impordi proovijooks", "{}", trial.text());
    });
}

#[test]
fn a_form_with_faults_says_where_they_are_and_loses_nothing() {
    both(|k| {
        let v = k.h.visit_as("kapten");
        let form = v.get(PAGE).form("/imports").set("effective_on", "homme").set("document_number", "77-B");
        let seen = v.send(&form).expect(422);
        let summary = seen.all(".summary li").join(" ");
        assert!(summary.contains("Vali fail."), "{summary}");
        assert!(summary.contains("Kirjuta kuupäev kujul 1.9.2026."), "{summary}");
        assert!(summary.contains("Vali alusdokumendi liik."), "{summary}");
        assert_eq!(seen.form("/imports").value("document_number"), Some("77-B"));
        assert_eq!(seen.form("/imports").value("effective_on"), Some("homme"));
        assert!(seen.html.contains("<title>Viga: "));
        let broken = bring(&v, "pilt.xlsx", "see ei ole tabel\u{1}\u{2}").expect(422);
        assert!(broken.text().contains("Faili ei saa importida"), "{}", broken.text());
        assert_eq!(k.entries(), 1, "only the harbour stands in the register");
    });
}

#[test]
fn a_waiting_sheet_is_nobody_elses_and_is_forgotten_after_a_day() {
    both(|k| {
        let v = k.h.visit_as("kapten");
        let trial = bring(&v, "paadid.csv", &sheet(&rows(1))).expect(200);
        assert!(v.get(PAGE).text().contains("paadid.csv"), "it can be gone on with");
        appoint(&k.h, "teine", "harbour_master", None);
        let other = k.h.visit_as("teine");
        for page in ["", "/columns", "/faults"] {
            other.get(&format!("{}{page}", trial.path)).expect(404);
        }
        let csrf = other.get(PAGE).form("/imports").value("csrf").unwrap().to_owned();
        for page in ["", "/columns", "/save"] {
            other.raw("POST", &format!("{}{page}", trial.path), &[("csrf", &csrf)], &[]).expect(404);
        }
        assert!(!other.get(PAGE).text().contains("paadid.csv"));
        other.raw("POST", &format!("{}/drop", trial.path), &[("csrf", &csrf)], &[]);
        assert_eq!(k.h.place.count("SELECT COUNT(*) FROM pending_upload"), 1, "nobody else discards it");

        k.h.set_clock("2026-11-21T10:00:01Z");
        k.h.visit_as("kapten").get(&trial.path).expect(404);
        let gone = k.h.block_on(k.h.app.forget_expired(&andmekogu::app::ActContext::installation("job"))).unwrap();
        assert_eq!(gone.uploads, 1);
        assert_eq!(k.h.place.count("SELECT COUNT(*) FROM pending_upload"), 0);
    });
}

#[test]
fn an_import_is_taken_back_after_a_question_and_only_while_nothing_is_built_on_it() {
    both(|k| {
        let v = k.h.visit_as("kapten");
        let import = |name: &str, rows: &[String]| {
            let trial = bring(&v, name, &sheet(rows)).expect(200);
            v.send(&trial.form("/save")).expect(200)
        };
        let first = import("a.csv", &rows(2));
        let question = v.get(&first.link("Võta import tagasi")).expect(200);
        assert!(question.text().contains("Uued kirjed (2) tühistatakse"), "{}", question.text());
        let undone = v.send(&question.form("/undo")).expect(200);
        assert!(undone.text().contains("Tagasi võetud"), "{}", undone.text());
        assert!(k.boats().is_empty());

        let second = import("b.csv", &[boat("Kajakas", "6.50", 40)]);
        let question = v.get(&second.link("Võta import tagasi")).expect(200);
        let record = k.boats()["Kajakas"].clone();
        let change =
            json!({ "effective_on": "2026-06-01", "base_document_ids": [k.contract], "data": { "length_m": "7.00" } });
        k.master.patch(&path(&format!("records/boat/{}", record["id"].as_str().unwrap())), 1, &change).expect(200);
        let refused = v.send(&question.form("/undo")).expect(409);
        assert!(refused.text().contains("Mõnda imporditud kirjet on juba edasi muudetud."), "{}", refused.text());
        assert!(!refused.all(".summary .law").is_empty(), "with its clause");
        k.h.set_clock("2026-11-21T10:00:01Z");
        let late = k.h.visit_as("kapten").get(&second.path).expect(200);
        assert!(!late.text().contains("Võta import tagasi"), "after a day it is not offered");
    });
}

#[test]
fn whoever_may_not_enter_is_offered_no_import_and_cannot_send_one() {
    both(|k| {
        appoint(&k.h, "valvur", "coast_guard", None);
        let v = k.h.visit_as("valvur");
        let page = v.get(PAGE).expect(200);
        assert!(!page.text().contains("Uus import") && !page.all("nav.nav a").iter().any(|a| a == "Import"));
        let master = k.h.visit_as("kapten").get(PAGE);
        let form = master.form("/imports");
        let csrf = page.attributes("input[name=csrf]", "value")[0].clone();
        let sent = v.upload(
            &form
                .set("csrf", &csrf)
                .set("document_kind", "mooring_contract")
                .set("document_number", "1")
                .set("document_date", "1.4.2026"),
            &[("file", "a.csv", sheet(&rows(1)).as_bytes())],
        );
        assert!([403, 422].contains(&sent.status), "{}: {}", sent.status, sent.text());
        assert_eq!(k.h.place.count("SELECT COUNT(*) FROM import_run"), 0);
        assert!(k.boats().is_empty());
    });
}

#[test]
fn the_rows_of_a_large_sheet_come_a_page_at_a_time() {
    both(|k: Harbour| {
        let v = k.h.visit_as("kapten");
        let bad: Vec<String> = (0..60).map(|i| boat(&format!("Paat {i}"), "pikk", i)).collect();
        let trial = bring(&v, "paadid.csv", &sheet(&bad)).expect(200);
        assert_eq!(inputs(&trial).len(), 25);
        let second = v.get(&trial.link("Järgmised")).expect(200);
        assert_eq!(inputs(&second)[0], "cell-27-1");
        let last = v.get(&second.link("Järgmised")).expect(200);
        assert_eq!(inputs(&last).len(), 10);
        assert!(v.get(&last.link("Eelmised")).path.contains("page=1"));
        let template = v.get("/r/paadisadam/imports/templates/boat?format=csv").expect(200);
        assert!(template.html.to_lowercase().contains("paadi nimi"), "{}", template.html);
    });
}
