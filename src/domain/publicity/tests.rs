//! Documents about made-up registers: one kept here, one only described.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::sheet::{Sheet, Words, sheet};
use super::*;
use crate::domain::statute::definition::{ActForm, Sources};
use crate::domain::statute::lint::example::{changed, definition, sources};
use crate::domain::statute::parse::{REGISTER_FILE, parse, parse_description};
use crate::domain::statute::{Definition, Description};

/// Says the key and what stands in it.
struct Echo;

impl Words for Echo {
    fn say(&self, key: &str, args: &[(&str, &str)]) -> String {
        let args: Vec<String> = args.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("[{}]", [vec![key.to_owned()], args].concat().join(" "))
    }

    fn day(&self, day: NaiveDate) -> String {
        day.to_string()
    }
}

fn day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, 1).unwrap()
}

fn drawn(register: View<'_>, kind: Kind, audience: Audience) -> Document {
    document(register, kind, day(), audience, None).unwrap()
}

/// The example with more in its register.toml.
fn with(more: &str) -> Definition {
    let mut all: Sources = sources();
    all.get_mut(REGISTER_FILE).unwrap().push_str(more);
    parse(&all).unwrap()
}

/// The example with `to` in the place of `from`.
fn but(file: &str, from: &str, to: &str) -> Definition {
    parse(&changed(file, from, to)).unwrap()
}

const DESCRIBED: &str = r#"
short_name = "saarnaki-laiturit"
name_clause = "Rekisteri"
kept = "elsewhere"
language = "fi"
country = "FI"
name = { fi = "Laituripaikkarekisteri" }

[act]
form = "description"
issuer = "Saarnaki"
kind = "luettelo"
title = "Rekisterit"
in_force_from = "2026-01-01"
clause = "Rekisteri"

[[purpose]]
name = "purpose"
label = { fi = "Laituripaikkojen vuokraus" }
clause = "Käyttötarkoitus"

[controller]
name = "Satamalautakunta"
clause = "Rekisterinpitäjä"
"#;

fn described(more: &str) -> Description {
    parse_description(&[(REGISTER_FILE.to_owned(), format!("{DESCRIBED}{more}"))].into()).unwrap()
}

/// All that a document says in a language, as one text.
fn text(document: &Document, language: Language) -> String {
    sheet(document, language, &Echo).json().unwrap()
}

/// Headings with their depth.
fn headings(sections: &[Section]) -> Vec<Part> {
    sections.iter().flat_map(|s| [vec![s.heading], headings(&s.sections)].concat()).collect()
}

#[test]
fn the_description_for_publicity_has_its_five_items_in_every_language_for_every_register() {
    let (kept, elsewhere) = (definition(), described(""));
    for register in [View::from(&kept), View::from(&elsewhere)] {
        let document = drawn(register, Kind::PublicityDescription, Audience::Controller);
        let five: Vec<Part> = document.sections.iter().map(|section| section.heading).collect();
        assert_eq!(
            five,
            [Part::Systems, Part::DecidingUnit, Part::DataSets, Part::SearchKeys, Part::OpenInterface],
            "{}",
            register.short_name()
        );
        let shape = |sheet: &Sheet| -> Vec<&str> { sheet.sections.iter().map(|section| section.id).collect() };
        let in_all = Language::ALL.map(|language| shape(&sheet(&document, language, &Echo)).join(" "));
        assert!(in_all.windows(2).all(|two| two[0] == two[1]));
        let asked: Vec<String> = document.sections.iter().map(|s| s.asked_by.unwrap().point.unwrap().into()).collect();
        assert_eq!(asked, ["1", "2", "3", "4", "5"]);
    }
}

#[test]
fn the_controller_is_told_what_is_missing_and_the_public_is_not() {
    let elsewhere = described("");
    let view = View::from(&elsewhere);
    let to_controller = drawn(view, Kind::PrivacyNotice, Audience::Controller);
    assert!(to_controller.missing.contains(&Part::LegalBasis) && to_controller.missing.contains(&Part::Retention));
    assert!(!to_controller.missing.contains(&Part::Purpose) && !to_controller.missing.contains(&Part::Controller));
    assert!(text(&to_controller, Language::Fi).contains("publicity-missing"));
    for kind in Kind::ALL {
        let to_public = drawn(view, kind, Audience::Public);
        assert!(to_public.missing.is_empty(), "{kind:?}");
        let told = text(&to_public, Language::Fi);
        assert!(!told.contains("publicity-missing"), "{told}");
        assert!(told.contains("Laituripaikkojen vuokraus") && told.contains("Satamalautakunta"), "{told}");
    }
    let card = drawn(view, Kind::PublicityDescription, Audience::Public);
    let five = [Part::Systems, Part::DecidingUnit, Part::Controller, Part::DataSets, Part::Purpose];
    assert_eq!(headings(&card.sections), five, "nothing is left of what nobody said");
}

#[test]
fn every_item_of_a_document_of_the_law_bears_its_clause() {
    let kept = definition();
    for kind in Kind::ALL {
        let document = drawn(View::from(&kept), kind, Audience::Controller);
        for section in document.sections.iter().flat_map(|s| std::iter::once(s).chain(&s.sections)) {
            for line in &section.lines {
                assert!(line.clause.as_ref().is_some_and(|c| !c.0.is_empty()), "{kind:?} {:?}", section.heading);
            }
        }
    }
}

#[test]
fn a_statement_of_the_source_stands_before_what_the_engine_does() {
    let said = "\n[[statement]]\nname = \"kept_how_long\"\npart = \"retention\"\nclause = \"§ 8\"\n\
                label = { et = \"Kuni kümme aastat\", en = \"Ten years\", fi = \"Kymmenen vuotta\", sv = \"Tio år\" }\n";
    let lines = |definition: &Definition, kind| -> Vec<String> {
        let document = drawn(View::from(definition), kind, Audience::Public);
        let section = document.sections.into_iter().find(|s| s.heading == Part::Retention).unwrap();
        section.lines.into_iter().map(|line| line.id).collect()
    };
    let by_rules = lines(&definition(), Kind::PrivacyNotice);
    assert!(by_rules.iter().all(|id| id.starts_with("retention:")));
    // A statute's words come first, and what follows from its rules after them.
    let both = lines(&with(said), Kind::PrivacyNotice);
    assert_eq!((both[0].as_str(), &both[1..]), ("statement:kept_how_long", by_rules.as_slice()));
    // A description says it all itself.
    let mut own_words = with(said);
    own_words.register.act.form = ActForm::Description;
    assert_eq!(lines(&own_words, Kind::PrivacyNotice), ["statement:kept_how_long"]);
    // The record of processing tells the rules that erase.
    assert_eq!(lines(&with(said), Kind::ProcessingRecord), lines(&definition(), Kind::ProcessingRecord));
}

/// The example with one thing of each kind made secret, and words that only they have.
fn secrets() -> [(Definition, &'static str); 4] {
    let statement = "\n[[statement]]\nname = \"technical_measures\"\nsecret = true\nclause = \"§ 3\"\n\
                     label = { et = \"Saladus\", en = \"Hidden\", fi = \"Saladus\", sv = \"Saladus\" }\n";
    [
        (with(statement), "Saladus"),
        (but("records/boat.toml", "name = \"built\"", "name = \"built\"\nsecret = true"), "Ehitatud"),
        (but("records/voyage.toml", "title = [\"crew\"]", "title = [\"crew\"]\nsecret = true"), "Reis"),
        (but("records/skipper.toml", "name = \"contact\"\n", "name = \"contact\"\nsecret = true\n"), "Telefon"),
    ]
}

#[test]
fn what_is_secret_is_marked_for_the_controller_and_never_there_for_the_public() {
    for (at, (definition, word)) in secrets().into_iter().enumerate() {
        let view = View::from(&definition);
        let mut marked = 0;
        for kind in Kind::ALL {
            let public = drawn(view, kind, Audience::Public);
            let whole = drawn(view, kind, Audience::Controller);
            let told = text(&whole, Language::Et);
            marked += told.matches("publicity-secret").count();
            let hidden = |lines: &[Line]| {
                fn any(lines: &[Line]) -> bool {
                    lines.iter().any(|line| line.secret || any(&line.more))
                }
                any(lines)
            };
            for section in public.sections.iter().flat_map(|s| std::iter::once(s).chain(&s.sections)) {
                assert!(!hidden(&section.lines), "{at} {kind:?} {:?}", section.heading);
            }
            let rows = processing::rows(view, Audience::Public, Language::Et, &Echo);
            let shown = format!("{}{rows:?}", text(&public, Language::Et));
            let seen = [format!("\"{word}\""), format!("{word};"), format!("{word}("), format!(" {word}")];
            assert!(seen.iter().all(|w| !shown.contains(w.as_str())), "{at} {kind:?}: {shown}");
        }
        assert!(marked > 0, "{at}: the controller sees it");
    }
    let (voyages, _) = &secrets()[2];
    assert!(!format!("{:?}", riha::riha(View::from(voyages))).contains("voyage"));
}

#[test]
fn nobody_else_learns_that_there_is_a_secret_register() {
    let secret = described("");
    let secret = Description { secret: true, ..secret };
    let view = View::from(&secret);
    for kind in Kind::ALL {
        assert_eq!(document(view, kind, day(), Audience::Public, None), None);
        assert!(document(view, kind, day(), Audience::Controller, None).is_some());
    }
    assert!(list([view], Audience::Public).is_empty());
    assert_eq!(list([view], Audience::Controller).len(), 1, "counted by who answers for it");
    assert!(processing::rows(view, Audience::Public, Language::Fi, &Echo).is_empty());
    assert!(riha::riha(view).is_err());
    let site = dcat::Site {
        base: "https://x.example".into(),
        title: Label::estonian("K"),
        description: Label::estonian("K"),
        publisher: "X".into(),
    };
    assert!(!dcat::dcat(&site, [view]).contains("laiturit"));
}

fn changes(before: &Definition, now: &Definition, kind: Kind, audience: Audience) -> Changes {
    document(View::from(now), kind, day(), audience, Some(View::from(before))).unwrap().changes.unwrap()
}

#[test]
fn a_document_says_what_changed_since_the_version_before() {
    let before = definition();
    let same = changes(&before, &before, Kind::PrivacyNotice, Audience::Public);
    assert!(same.is_empty() && same.since.in_force_from == before.register.act.in_force_from);
    assert_eq!(same.since.digest, before.digest);

    let reworded = but(REGISTER_FILE, "et = \"Kaikohad\"", "et = \"Kaikohtade arvestus\"");
    let told = changes(&before, &reworded, Kind::PrivacyNotice, Audience::Public);
    assert_eq!((told.added.len(), told.removed.len(), told.reworded.len()), (0, 0, 1));
    assert_eq!((told.reworded[0].heading, told.reworded[0].id.as_str()), (Part::Purpose, "purpose:berths"));
    assert!(format!("{:?}", told.reworded[0].before).contains("Kaikohad"));

    let renamed = but("records/boat.toml", "name = \"built\"", "name = \"made\"");
    let told = changes(&before, &renamed, Kind::PrivacyNotice, Audience::Public);
    let ids = |list: &[Changed]| list.iter().map(|c| c.id.rsplit('/').next().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!((ids(&told.added), ids(&told.removed)), (vec!["made".to_owned()], vec!["built".to_owned()]));
}

#[test]
fn the_version_that_counts_is_the_last_in_force_and_the_one_before_it_is_compared_with() {
    let in_force = |from: &str| {
        let mut version = definition();
        version.register.act.in_force_from = from.parse().unwrap();
        version
    };
    let (first, second, third) = (in_force("2020-02-01"), in_force("2024-01-01"), in_force("2030-01-01"));
    let all = || [View::from(&third), View::from(&first), View::from(&second)];
    let from = |view: View<'_>| view.act().in_force_from.to_string();
    let on = |day: &str| {
        let (now, before) = current(all(), "boats-1", day.parse().unwrap()).unwrap();
        (from(now), before.map(from))
    };
    assert_eq!(on("2026-01-01"), ("2024-01-01".to_owned(), Some("2020-02-01".to_owned())));
    assert_eq!(on("2019-01-01"), ("2020-02-01".to_owned(), None), "shown before it is in force");
    assert!(current(all(), "rafts", day()).is_none());
}

#[test]
fn what_became_secret_is_not_told_as_removed_and_what_was_secret_not_as_reworded() {
    let open = definition();
    for (at, (secret, _)) in secrets().into_iter().enumerate().skip(1) {
        for kind in Kind::ALL {
            let told = changes(&open, &secret, kind, Audience::Public);
            assert!(told.removed.is_empty() && told.reworded.is_empty(), "{at} {kind:?} {told:?}");
            let told = changes(&secret, &open, kind, Audience::Public);
            assert!(told.removed.is_empty() && told.reworded.is_empty(), "{at} {kind:?} {told:?}");
        }
        let told = changes(&secret, &open, Kind::PrivacyNotice, Audience::Public);
        assert!(!told.added.is_empty(), "what is open now is new to the public");
    }
}

#[test]
fn a_translation_says_that_it_is_one_and_what_is_not_translated_says_its_language() {
    let elsewhere = described("");
    let document = drawn(View::from(&elsewhere), Kind::PublicityDescription, Audience::Public);
    let finnish = sheet(&document, Language::Fi, &Echo);
    assert_eq!((finnish.unofficial.as_deref(), finnish.name.language), (None, None));
    let swedish = sheet(&document, Language::Sv, &Echo);
    assert_eq!(swedish.unofficial.unwrap(), "[publicity-unofficial language=[publicity-language-fi]]");
    assert_eq!((swedish.name.text.as_str(), swedish.name.language), ("Laituripaikkarekisteri", Some("fi")));
    let kept = definition();
    let document = drawn(View::from(&kept), Kind::PrivacyNotice, Audience::Public);
    let english = sheet(&document, Language::En, &Echo);
    assert!(english.name.unofficial && english.name.language.is_none());
}

#[test]
fn periods_are_said_in_words() {
    let in_words =
        |period: &str| sheet::Writer { language: Language::En, words: &Echo }.text(&Text::Period(period.into())).text;
    assert_eq!(in_words("P9M"), "[publicity-period-month-many n=9]");
    assert_eq!(in_words("P1Y6M"), "[publicity-period-year-one n=1] [publicity-period-month-many n=6]");
    assert_eq!(in_words("5 working days"), "[publicity-period-working_day-many n=5]");
    assert_eq!(in_words("PT48H"), "[publicity-period-hour-many n=48]");
    assert_eq!(in_words("forever"), "forever");
}

#[test]
fn what_is_published_follows_the_country_unless_the_register_says_it() {
    let words = |description: &Description| -> Vec<&str> {
        View::from(description).documents().into_iter().map(Publicity::as_str).collect()
    };
    assert_eq!(words(&described("")), ["publicity_description", "privacy_notice", "processing_record", "dcat"]);
    let estonian = Description { country: "EE".into(), ..described("") };
    assert_eq!(words(&estonian), ["privacy_notice", "processing_record", "riha", "dcat"]);
    let chosen = Description { documents: Some(vec![Publicity::PrivacyNotice]), ..described("") };
    assert_eq!(words(&chosen), ["privacy_notice"]);
}

#[test]
fn the_record_of_processing_has_a_row_for_each_purpose_that_a_spreadsheet_takes_as_text() {
    let kept = but(REGISTER_FILE, "et = \"Kaikohad\"", "et = \"=1+1, \\\"kai\\\"\"");
    let rows = processing::rows(View::from(&kept), Audience::Public, Language::Et, &Echo);
    assert_eq!(rows.len(), kept.register.purposes.len());
    assert_eq!(rows[0].activity_id, "boats-1/berths");
    let csv = processing::csv(&rows).unwrap();
    let (head, body) = csv.split_once("\r\n").unwrap();
    assert_eq!(
        head,
        "activity_id,activity,controller,joint_controller,representative,dpo,processor,purpose,legal_basis,\
         subject_categories,data_categories,special_categories,recipients,third_country,retention,security_measures,\
         sources,updated_on"
    );
    assert!(body.contains("\"'=1+1, \"\"kai\"\"\""), "{body}");
    assert_eq!(processing::csv(&[]).unwrap(), "");
}

#[test]
fn ids_are_told_apart_within_a_document() {
    let kept = definition();
    for kind in Kind::ALL {
        fn walk(prefix: &str, lines: &[Line], seen: &mut BTreeSet<String>) {
            for line in lines {
                let id = format!("{prefix}/{}", line.id);
                assert!(seen.insert(id.clone()), "{id} stands twice");
                walk(&id, &line.more, seen);
            }
        }
        let document = drawn(View::from(&kept), kind, Audience::Controller);
        let mut seen = BTreeSet::new();
        for section in document.sections.iter().flat_map(|s| std::iter::once(s).chain(&s.sections)) {
            walk(section.heading.as_str(), &section.lines, &mut seen);
        }
    }
}

// ── The catalogue of state information systems ───────────────────────────────────────────────────

fn accepted() -> serde_json::Value {
    serde_json::json!({
        "uuid": "3d1b6c1e-5a70-4c58-9d3a-0c5f3a1e9b10", "short_name": "70000001-paadid", "name": "Paadid",
        "purpose": "Kaikohad", "owner": { "code": "70000001" }, "stored_data": ["Paat"],
        "security": { "standard": "ISKE", "class": "K1T1S2", "level": "M", "latest_audit_date": null,
                      "latest_audit_resolution": null },
    })
}

#[test]
fn the_catalogue_of_the_state_refuses_what_contradicts_itself() {
    assert_eq!(riha::check(&accepted()), []);
    let refused = |pointer: &str, value: serde_json::Value| -> Vec<&'static str> {
        let mut changed = accepted();
        *changed.pointer_mut(pointer).unwrap() = value;
        riha::check(&changed).into_iter().map(|fault| fault.member).collect()
    };
    assert_eq!(refused("/stored_data", serde_json::json!(vec!["x"; 11])), ["stored_data"]);
    assert_eq!(refused("/name", "".into()), ["name"]);
    assert_eq!(refused("/short_name", "3d1b6c1e-5a70-4c58-9d3a-0c5f3a1e9b10".into()), ["short_name"]);
    assert_eq!(refused("/short_name", "a_b".into()), ["short_name"]);
    assert_eq!(refused("/owner/code", "".into()), ["owner.code"]);
    assert_eq!(refused("/security/class", "K4T1S1".into()), ["security.class"]);
    assert_eq!(refused("/security/level", "H".into()), ["security.level"]);
    assert_eq!(refused("/security/standard", "E-ITS".into()), ["security.class", "security.level"]);
    assert_eq!(
        refused("/security/latest_audit_date", "2026-01-01T00:00:00Z".into()),
        ["security.latest_audit_resolution"]
    );
    let mut without = accepted();
    without["security"].as_object_mut().unwrap().remove("latest_audit_date");
    assert_eq!(riha::check(&without)[0].member, "security");
}

#[test]
fn a_register_is_entered_in_the_catalogue_of_the_state_once_its_controller_has_a_code() {
    let nameless = definition();
    let faults = riha::riha(View::from(&nameless)).unwrap_err();
    assert_eq!(faults.iter().map(|fault| fault.member).collect::<Vec<_>>(), ["owner.code"]);
    let from = "[controller]\nname = \"Saarnaki Sadamaselts\"";
    let known = but(REGISTER_FILE, from, &format!("{from}\nregistry_code = \"70000001\""));
    let entry = riha::riha(View::from(&known)).unwrap();
    assert_eq!(entry["name"], "Paatide andmekogu");
    assert_eq!(entry["security"]["class"], "K1T2S1");
    assert_eq!(entry, riha::riha(View::from(&known)).unwrap(), "the same each time, with the same id");
    // Acts since 2023 follow the successor, which knows no classes.
    let mut newer = known.clone();
    newer.register.act.in_force_from = NaiveDate::from_ymd_opt(2023, 1, 1).unwrap();
    let entry = riha::riha(View::from(&newer)).unwrap();
    assert_eq!(
        (&entry["security"]["standard"], &entry["security"]["class"]),
        (&"E-ITS".into(), &serde_json::Value::Null)
    );
}
