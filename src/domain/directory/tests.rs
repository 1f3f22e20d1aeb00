//! What is asked of the catalogue, and what it answers.

use std::collections::BTreeSet;

use chrono::TimeZone as _;
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn description(short: &str, name: &str, purpose: &str, controller: &str, issuer: &str, from: &str) -> Description {
    serde_json::from_value(json!({
        "short_name": short, "name": { "official": "fi", "fi": name }, "name_clause": "Rekisteri",
        "kept": "elsewhere", "language": "fi", "country": "FI",
        "act": { "form": "description", "issuer": issuer, "kind": "luettelo", "title": "Luettelo",
                 "in_force_from": from, "clause": "Rekisteri" },
        "purpose": [{ "name": "purpose", "label": { "official": "fi", "fi": purpose, "sv": "Ändamål" }, "clause": "K" }],
        "controller": { "name": controller, "clause": "Rekisterinpitäjä" },
    }))
    .unwrap()
}

fn directory(all: &[Description]) -> Directory {
    Directory::new(std::iter::empty(), all.iter())
}

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 20, 10, 0, 0).unwrap()
}

fn names(directory: &Directory, words: &str, authority: Option<&str>) -> Vec<String> {
    let words = Words::of(words).unwrap();
    let found = directory.find(Asked { words: &words, authority, language: Language::Fi, now: now() });
    found.entries.iter().map(|e| e.short_name.clone()).collect()
}

fn town() -> Directory {
    directory(&[
        description(
            "loans",
            "Kirjaston lainaajarekisteri",
            "Asiakastiedot",
            "Sivistyslautakunta",
            "Kaupunki",
            "2026-01-01",
        ),
        description("water", "Vesilaskutus", "Laskut", "Vesilaitos", "Kaupunki", "2026-01-01"),
        description("school", "Äidinkielen opetus", "Koulukirjasto", "Sivistyslautakunta", "Kuntayhtymä", "2026-01-01"),
    ])
}

#[test]
fn words_are_found_within_words_in_name_purpose_controller_authority_and_any_language() {
    let town = town();
    assert_eq!(names(&town, "kirjasto", None), ["loans", "school"], "name and purpose");
    assert_eq!(names(&town, "SIVISTYS lainaaja", None), ["loans"], "all words, in different texts");
    assert_eq!(names(&town, "aidinkielen", None), ["school"], "without marks");
    assert_eq!(names(&town, "kuntayhtymä", None), ["school"]);
    assert_eq!(names(&town, "andamal water", None), ["water"], "the Swedish purpose, the short name");
    assert_eq!(names(&town, "laskutus laskut", None), ["water"]);
    assert_eq!(names(&town, "lainaajarekisteriasiakastiedot", None), [""; 0], "no word reaches across two texts");
    assert_eq!(names(&town, "", None), ["loans", "water", "school"], "in the order of names, Ä after V");
}

#[test]
fn authorities_are_counted_among_what_says_the_words_and_narrow_it() {
    let town = town();
    let words = Words::of("").unwrap();
    let found = town.find(Asked { words: &words, authority: Some("Kuntayhtymä"), language: Language::Fi, now: now() });
    assert_eq!(found.authorities, [("Kaupunki", 2), ("Kuntayhtymä", 1)]);
    assert_eq!(names(&town, "", Some("Kuntayhtymä")), ["school"]);
    assert_eq!(names(&town, "vesi", Some("Kuntayhtymä")), [""; 0]);
    assert!(town.knows_authority("Kaupunki", now()) && !town.knows_authority("kaupunki", now()));
}

#[test]
fn of_each_register_the_version_of_the_day_is_told() {
    let all = [
        description("a", "Vanha", "x", "C", "K", "2020-01-01"),
        description("a", "Nykyinen", "x", "C", "K", "2026-11-20"),
        description("a", "Tuleva", "x", "C", "K", "2026-11-21"),
        description("b", "Vasta tuleva", "x", "C", "K", "2027-01-01"),
        description("b", "Paljon tuleva", "x", "C", "K", "2028-01-01"),
    ];
    let told = |now| directory(&all).current(now).map(|e| e.name.official().to_owned()).collect::<Vec<_>>();
    assert_eq!(told(now()), ["Nykyinen", "Vasta tuleva"]);
    assert_eq!(told(Utc.with_ymd_and_hms(2019, 1, 1, 0, 0, 0).unwrap()), ["Vanha", "Vasta tuleva"]);
    // A day begins where people are: at ten in the evening of Greenwich it is tomorrow in Tallinn.
    assert_eq!(told(Utc.with_ymd_and_hms(2026, 11, 20, 22, 0, 0).unwrap()), ["Tuleva", "Vasta tuleva"]);
}

proptest! {
    /// Everything that contains the words is found, and nothing else: against a reading of each text by itself.
    #[test]
    fn exactly_what_says_every_word_is_found(
        texts in prop::collection::vec(("[a-cäõ ]{1,8}", "[A-Cäõ ]{1,8}", "[a-cÄÕ ]{1,8}"), 1..12),
        asked in "[a-cA-CäõÄÕ ]{0,6}",
    ) {
        let all: Vec<Description> = texts
            .iter()
            .enumerate()
            .map(|(i, (name, purpose, controller))| {
                description(&format!("{i}"), name, purpose, controller, controller, "2026-01-01")
            })
            .collect();
        let found: BTreeSet<String> = names(&directory(&all), &asked, None).into_iter().collect();
        let plain = |t: &str| t.to_lowercase().replace('ä', "a").replace('õ', "o");
        let expected: BTreeSet<String> = all
            .iter()
            .filter(|d| {
                plain(&asked).split_whitespace().all(|word| {
                    [d.short_name.as_str(), d.name.official(), d.purposes[0].label.official(), "andamal", d.controller.name.trim()]
                        .iter()
                        .any(|text| plain(text).contains(word))
                })
            })
            .map(|d| d.short_name.clone())
            .collect();
        prop_assert_eq!(found, expected);
    }
}
