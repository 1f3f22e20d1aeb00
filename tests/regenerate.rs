//! Documents made from the shipped definitions, compared with the texts that authorities published, item by item, and
//! with the rules of those who take them.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Output};

use andmekogu::domain::publicity::sheet::{Sheet, SheetLine, SheetSection, sheet};
use andmekogu::domain::publicity::{Audience, Document, Kind, Line, View, dcat, document, list, processing, riha};
use andmekogu::domain::statute::description::{Part, Publicity};
use andmekogu::domain::statute::{Definition, Language};
use andmekogu::files::publicity::{Spoken, publicity_pdf, site};
use andmekogu::locale::Lang;
use chrono::NaiveDate;
use serde_json::{Value, json};

use crate::definition::statute;
use crate::harness::{REGISTER, city, every_register, named};

const LIST: &str = "000_1ee6b3f3850e26b4.txt";
const NOTICE: &str = "001_34eb80bcb10f4e4c.txt";
const CARDS: &str = "002_3958862ea59c8132.txt";

fn day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 20).unwrap()
}

fn drawn(register: View<'_>, kind: Kind, audience: Audience) -> Document {
    document(register, kind, day(), audience, None).unwrap()
}

/// What the public reads of a register.
fn public(register: View<'_>, kind: Kind, lang: Lang) -> Sheet {
    sheet(&drawn(register, kind, Audience::Public), lang.into(), &Spoken(lang))
}

/// A text without what belongs to a page: bullets, line breaks, double spaces, soft differences of hyphens.
fn plain(text: &str) -> String {
    let text = text.replace(['\u{a0}', '•', '\n'], " ").replace('\u{2011}', "-");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Every section with those below it, in order.
fn all_sections(sections: &[SheetSection]) -> Vec<&SheetSection> {
    sections.iter().flat_map(|s| std::iter::once(s).chain(all_sections(&s.sections))).collect()
}

/// What is said under a heading, item by item. Sections of a record only group what stands in them; a list of codes is
/// as many items as it has codes. What the source does not list is technical and says why: it is no item of the list.
fn facts(lines: &[SheetLine]) -> Vec<String> {
    let of_line = |line: &SheetLine| {
        let own: Vec<String> = match line.id.as_str() {
            "codes" => line.phrase.text.split("; ").map(plain).collect(),
            id if id.starts_with("section:") => Vec::new(),
            _ => vec![plain(&line.phrase.text)],
        };
        [own, facts(&line.more)].concat()
    };
    let listed = |line: &&SheetLine| !line.more.iter().any(|more| more.id == "basis");
    lines.iter().filter(listed).flat_map(of_line).collect()
}

/// A heading with its items.
type Told = (String, Vec<String>);

/// Every difference between what was published and what we make: headings in their order, and under each what is said.
/// What we say in more detail must be words of what was published under the same heading.
fn differences(published: &[Told], made: &[Told]) -> Vec<String> {
    let mut found = Vec::new();
    let known: Vec<&str> = published.iter().map(|(heading, _)| heading.as_str()).collect();
    let ours: Vec<&str> = made.iter().map(|(h, _)| h.as_str()).filter(|h| known.contains(h)).collect();
    let theirs: Vec<&str> = known.iter().copied().filter(|h| ours.contains(h)).collect();
    if ours != theirs {
        found.push(format!("the headings stand in another order: {ours:?} instead of {theirs:?}"));
    }
    for (heading, items) in published {
        let Some((_, said)) = made.iter().find(|(ours, _)| ours == heading) else {
            found.push(format!("`{heading}`: the heading is missing"));
            continue;
        };
        let low = |text: &str| text.to_lowercase().replace(' ', "");
        for item in items.iter().filter(|item| !said.iter().any(|s| low(s) == low(item))) {
            found.push(format!("`{heading}`: published, but not made: {item}"));
        }
        let whole = low(&items.join(" "));
        for more in said.iter().filter(|s| !whole.contains(&low(s))) {
            found.push(format!("`{heading}`: made, but not published: {more}"));
        }
    }
    found
}

fn none(differences: &[String]) {
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}

#[test]
fn a_difference_is_found_wherever_it_is() {
    let told = |items: &[(&str, &[&str])]| -> Vec<Told> {
        items.iter().map(|(h, i)| ((*h).to_owned(), i.iter().map(|i| (*i).to_owned()).collect())).collect()
    };
    let seed = told(&[("A", &["one", "two words"]), ("B", &["three"])]);
    assert_eq!(differences(&seed, &seed), Vec::<String>::new());
    assert_eq!(
        differences(&seed, &told(&[("A", &["one", "two words", "words"]), ("B", &["three"])])),
        Vec::<String>::new()
    );
    for other in [
        told(&[("A", &["one"]), ("B", &["three"])]),
        told(&[("A", &["one", "two words", "four"]), ("B", &["three"])]),
        told(&[("A", &["one", "two words"])]),
        told(&[("B", &["three"]), ("A", &["one", "two words"])]),
    ] {
        assert_eq!(differences(&seed, &other).len(), 1, "{other:?}");
    }
}

// ── The list ─────────────────────────────────────────────────────────────────────────────────────

#[test]
fn the_list_of_registers_is_made_again_row_by_row() {
    let Some(text) = statute(LIST) else { return };
    let cells = text.lines().map(|line| line.split('\t').map(plain).collect::<Vec<_>>());
    let mut rows: Vec<[String; 3]> = cells.filter_map(|row| row.try_into().ok()).collect();
    let head = rows[0].clone();
    rows.retain(|row| *row != head);
    assert_eq!(rows.len(), 29);
    let found = every_register();
    let views: Vec<View<'_>> = found.descriptions.iter().map(View::from).collect();
    let mut differences = Vec::new();
    let mut made = BTreeSet::new();
    for (row, view) in list(views.iter().copied(), Audience::Public).into_iter().zip(&views) {
        let purposes: Vec<&str> = row.purposes.iter().map(|p| p.official()).collect();
        made.insert([plain(row.name.official()), purposes.join("; "), row.controller]);
        // The same three stand in the description to implement publicity, under the headings of the list.
        let card = drawn(*view, Kind::PublicityDescription, Audience::Public);
        let below = card.sections.iter().flat_map(|s| std::iter::once(s).chain(&s.sections));
        let clauses: BTreeMap<Part, String> =
            below.filter_map(|s| Some((s.heading, s.lines.first()?.clause.as_ref()?.0.clone()))).collect();
        for (part, heading) in [(Part::Systems, &head[0]), (Part::Purpose, &head[1]), (Part::Controller, &head[2])] {
            if clauses.get(&part) != Some(heading) {
                differences.push(format!("{}: {part:?} does not stand under `{heading}`", row.register));
            }
        }
    }
    for row in &rows {
        if !made.contains(row) {
            differences.push(format!("published, but not made: {row:?}"));
        }
    }
    differences
        .extend(made.iter().filter(|row| !rows.contains(row)).map(|row| format!("made, but not published: {row:?}")));
    none(&differences);
}

// ── The notice ───────────────────────────────────────────────────────────────────────────────────

/// The headings of the notice, in its order.
const HEADINGS: [&str; 22] = [
    "Toimiala",
    "Palvelualue",
    "Rekisterinpitäjä",
    "Rekisterinpitäjän yhteystiedot",
    "Rekisterinpitäjän edustaja",
    "Rekisteriasioita hoitavan henkilön nimi",
    "Rekisteriasioita hoitavan henkilön yhteystiedot",
    "Tietosuojavastaava",
    "Tietosuojavastaavan yhteystiedot",
    "Rekisterin muoto",
    "Oikeusperuste",
    "Rekisterin käyttötarkoitus",
    "Rekisteröity on",
    "Rekisterin tietosisältö",
    "Rekisterin säännönmukaiset tietolähteet",
    "Henkilötietojen luovutus",
    "Henkilötietojen luovutus EU:n tai Euroopan talousalueen ulkopuolelle",
    "Rekisterin tekniset suojaukset",
    "Rekisterin toiminnalliset suojaukset",
    "Henkilötietojen säilyttämisaika ja peruste",
    "Henkilörekisteriseloste laadittu",
    "Henkilörekisteriseloste päivitetty",
];

/// The published notice: under each heading its points, and where it has none, or beside them, its paragraphs as one.
fn published_notice(text: &str) -> Vec<Told> {
    let mut told: Vec<(String, Vec<String>, Vec<String>)> = Vec::new();
    for line in text.lines().map(str::trim) {
        let dated = HEADINGS.iter().rev().take(2).find_map(|h| Some((*h, line.strip_prefix(h)?)));
        if let Some((heading, day)) = dated {
            told.push((heading.to_owned(), Vec::new(), vec![plain(day)]));
        } else if HEADINGS.contains(&line) {
            told.push((line.to_owned(), Vec::new(), Vec::new()));
        } else if let Some((_, paragraphs, points)) = told.last_mut() {
            match (line.strip_prefix("- "), points.last_mut(), line.is_empty()) {
                (Some(point), _, _) => points.push(plain(point)),
                (None, _, true) => {}
                // A point goes on where its line ends with a comma.
                (None, Some(point), false) if point.ends_with(',') => *point = plain(&format!("{point} {line}")),
                (None, _, false) if line.ends_with(':') => points.push(line.trim_end_matches(':').to_owned()),
                (None, _, false) => paragraphs.push(line.to_owned()),
            }
        }
    }
    let joined = |(heading, paragraphs, mut points): (String, Vec<String>, Vec<String>)| {
        if !paragraphs.is_empty() {
            points.push(plain(&paragraphs.join(" ")));
        }
        // A point may give a list after its name: the name and each of the list.
        let points = points.into_iter().flat_map(|point| match point.split_once(": ") {
            Some((name, list)) if list.contains('/') => {
                std::iter::once(name.to_owned()).chain(list.split('/').map(plain)).collect()
            }
            _ => vec![point],
        });
        (heading, points.collect())
    };
    told.into_iter().map(joined).collect()
}

#[test]
fn the_privacy_notice_is_made_again_heading_by_heading() {
    let Some(text) = statute(NOTICE) else { return };
    let published = published_notice(&text);
    let headings: Vec<&str> = published.iter().map(|(heading, _)| heading.as_str()).collect();
    assert_eq!(headings, HEADINGS, "the notice is read whole");
    let definition = named("raisio-tyoymparisto").definitions.remove(0);
    let sheet = public(View::from(&definition), Kind::PrivacyNotice, Lang::Fi);
    let made: Vec<Told> = sheet.sections.iter().map(|s| (s.heading.clone(), facts(&s.lines))).collect();
    none(&differences(&published, &made));
    // The head of the page, and who issued it.
    let head = plain(&text.lines().take(6).collect::<Vec<_>>().join(" "));
    assert!(head.starts_with(&format!("{} {}", sheet.title, sheet.name.text)), "{head}");
    assert!(head.contains("Raision kaupunki") && sheet.source.contains("Raision kaupunki"), "{}", sheet.source);
    assert!(sheet.source.contains("Seloste henkilötietojen käsittelystä"));
    assert_eq!(sheet.unofficial, None, "Finnish is the language of the source");
    // Beside the headings of the notice: what its own text names under others, and what is technical, with its reason.
    let beside: Vec<&str> =
        sheet.sections.iter().filter(|s| !HEADINGS.contains(&s.heading.as_str())).map(|s| s.id).collect();
    assert_eq!(beside, ["processors", "beside_the_list", "right_of_access"]);
    let technical = all_sections(&sheet.sections).into_iter().find(|s| s.id == "beside_the_list").unwrap();
    for kind in &technical.lines {
        for field in
            kind.more.iter().flat_map(|l| if l.id.starts_with("section:") { l.more.clone() } else { vec![l.clone()] })
        {
            assert!(field.more.iter().any(|m| m.id == "basis"), "{}", field.id);
        }
    }
}

#[test]
fn the_controller_of_the_notice_is_told_what_the_articles_ask_for_beside() {
    let definition = named("raisio-tyoymparisto").definitions.remove(0);
    let whole = drawn(View::from(&definition), Kind::PrivacyNotice, Audience::Controller);
    assert_eq!(whole.missing, [Part::Rights, Part::Complaint, Part::Obligation, Part::AutomatedDecisions]);
    let told = sheet(&whole, Language::Sv, &Spoken(Lang::Sv));
    assert_eq!(told.missing.len(), 4);
    assert_eq!(told.unofficial.as_deref(), Some("Inofficiell översättning. Den finska texten gäller."));
}

// ── The cards ────────────────────────────────────────────────────────────────────────────────────

const CARD: [&str; 5] = [
    "Kontaktperson i ärenden angående registret",
    "Ändamålet med behandlingen av personuppgifter",
    "Registrets datainnehåll",
    "Rätt att använda registret",
    "Rätt till insyn",
];

/// The cards of the page: the name of each system and what stands under its headings.
fn cards(text: &str) -> Vec<(String, Vec<Told>)> {
    let mut cards: Vec<(String, Vec<Told>)> = Vec::new();
    let mut above = String::new();
    for line in text.lines() {
        let bare = plain(line.trim().trim_start_matches('•'));
        if let Some((heading, rest)) = CARD.iter().find_map(|h| Some((*h, bare.strip_prefix(&format!("{h}:"))?))) {
            if heading == CARD[0] {
                cards.push((above.clone(), Vec::new()));
            }
            let (_, card) = cards.last_mut().unwrap();
            card.push((heading.to_owned(), vec![plain(rest)]));
        } else if line.starts_with([' ', '\u{a0}'])
            && let Some((_, items)) = cards.last_mut().and_then(|(_, card)| card.last_mut())
        {
            items[0] = plain(&format!("{} {bare}", items[0]));
        }
        if !bare.is_empty() {
            above = bare;
        }
    }
    cards
}

/// The seven systems, in the order of the page.
const SYSTEMS: [&str; 7] = [
    "optima-abilitas",
    "optima-itslearning",
    "optima-ad-office365",
    "optima-primus-wilma-kurre",
    "optima-tweb-valmu",
    "optima-unit4",
    "optima-webauto",
];

#[test]
fn the_cards_of_the_systems_are_made_again_heading_by_heading() {
    let Some(text) = statute(CARDS) else { return };
    let published = cards(&text);
    assert_eq!(published.len(), 7);
    let mut found = Vec::new();
    for (short, (name, card)) in SYSTEMS.into_iter().zip(&published) {
        assert_eq!(card.len(), 5, "{name}: the card is read whole");
        let definition = named(short).definitions.remove(0);
        let sheet = public(View::from(&definition), Kind::PublicityDescription, Lang::Sv);
        if plain(&sheet.name.text) != *name {
            found.push(format!("{short}: `{}` instead of `{name}`", sheet.name.text));
        }
        let sections = all_sections(&sheet.sections);
        // Our order is that of the five items of the law; the cards have their own.
        let made: Vec<Told> = CARD
            .iter()
            .filter_map(|heading| {
                let section = sections.iter().find(|s| s.heading == *heading)?;
                let mut items = facts(&section.lines);
                if *heading == CARD[1] {
                    items = vec![items.join(" ")];
                }
                Some(((*heading).to_owned(), items))
            })
            .collect();
        // A field may be named where the purpose speaks of it.
        let purpose = card[1].1[0].to_lowercase();
        let told = differences(card, &made).into_iter().filter(|d| !purpose.contains(&said(d)));
        found.extend(told.map(|d| format!("{short}: {d}")));
    }
    none(&found);
}

/// What a difference says was made.
fn said(difference: &str) -> String {
    difference.rsplit("not published: ").next().unwrap_or_default().to_lowercase()
}

#[test]
fn that_there_are_secret_data_is_said_and_which_they_are_is_told_to_the_controller_only() {
    fn any(lines: &[Line], wanted: &str) -> bool {
        lines.iter().any(|line| line.id == wanted || any(&line.more, wanted))
    }
    let definition = named("optima-tweb-valmu").definitions.remove(0);
    let view = View::from(&definition);
    let has = |document: &Document, wanted: &str| {
        document.sections.iter().flat_map(|s| std::iter::once(s).chain(&s.sections)).any(|s| any(&s.lines, wanted))
    };
    for kind in Kind::ALL {
        let (open, whole) = (drawn(view, kind, Audience::Public), drawn(view, kind, Audience::Controller));
        assert!(!has(&open, "secret_data") && !has(&open, "section:secret"), "{kind:?}");
        assert!(has(&whole, "section:secret"), "{kind:?}");
    }
    let text = public(view, Kind::PublicityDescription, Lang::Sv).json().unwrap();
    assert!(text.contains("Sekretessbelagda uppgifter i form av"), "the card says so itself");
    let rows = processing::rows(view, Audience::Public, Language::Sv, &Spoken(Lang::Sv));
    assert!(!format!("{rows:?}").contains("matter/secret") && rows[0].special_categories.is_empty());
}

// ── Every register, every language ───────────────────────────────────────────────────────────────

#[test]
fn every_register_has_its_documents_in_every_language_without_a_word_missing() {
    let found = every_register();
    let views = found.definitions.iter().map(View::from).chain(found.descriptions.iter().map(View::from));
    let (mut made, mut seen) = (0, BTreeSet::new());
    for view in views {
        seen.insert(view.short_name());
        for kind in Kind::ALL {
            for audience in [Audience::Public, Audience::Controller] {
                let document = drawn(view, kind, audience);
                for lang in Lang::ALL {
                    let text = sheet(&document, lang.into(), &Spoken(lang)).json().unwrap();
                    assert!(!text.contains("publicity-"), "{} {kind:?} {}: {text}", view.short_name(), lang.code());
                    made += 1;
                }
            }
        }
        if view.country() == "FI" {
            let five = drawn(view, Kind::PublicityDescription, Audience::Controller).sections.len();
            assert_eq!(five, 5, "{}", view.short_name());
        }
    }
    assert_eq!((seen.len(), made), (39, 39 * 3 * 2 * 4));
}

#[test]
fn the_pdf_is_pdf_a_and_the_same_whenever_it_is_fetched() {
    for (name, kind, lang) in [
        ("raisio-tyoymparisto", Kind::PrivacyNotice, Lang::Fi),
        ("optima-tweb-valmu", Kind::PublicityDescription, Lang::Et),
        (REGISTER, Kind::ProcessingRecord, Lang::En),
    ] {
        let definition = named(name).definitions.remove(0);
        let view = View::from(&definition);
        let before = {
            let mut before = definition.clone();
            before.record_types.iter_mut().max_by_key(|kind| kind.fields.len()).unwrap().fields.pop();
            before.register.purposes[0].label = andmekogu::domain::statute::Label::estonian("Teisiti");
            before
        };
        let document = document(view, kind, day(), Audience::Controller, Some(View::from(&before))).unwrap();
        assert!(!document.changes.as_ref().unwrap().is_empty());
        let sheet = sheet(&document, lang.into(), &Spoken(lang));
        let pdf = publicity_pdf(&sheet, lang).unwrap();
        assert!(pdf.starts_with(b"%PDF-1.7"));
        let text = String::from_utf8_lossy(&pdf);
        assert!(text.contains("<pdfaid:part>2</pdfaid:part>"), "{name}");
        assert_eq!(pdf, publicity_pdf(&sheet, lang).unwrap(), "{name}");
    }
}

// ── The catalogue of state information systems ───────────────────────────────────────────────────

fn schema() -> jsonschema::Validator {
    let text = std::fs::read_to_string("tests/riha/infosystem_schema.json").unwrap();
    let schema: Value = serde_json::from_str(&text).unwrap();
    jsonschema::draft4::options().should_validate_formats(true).build(&schema).unwrap()
}

fn with_code(mut definition: Definition) -> Definition {
    definition.register.controller.registry_code.get_or_insert_with(|| "70000001".to_owned());
    definition
}

#[test]
fn estonian_registers_are_entered_in_the_catalogue_of_the_state_by_its_schema_and_its_rules() {
    let schema = schema();
    for name in [REGISTER, city::EDUCATION] {
        let definition = with_code(named(name).definitions.remove(0));
        assert!(View::from(&definition).documents().contains(&Publicity::Riha), "{name}");
        let entry = riha::riha(View::from(&definition)).unwrap_or_else(|faults| panic!("{name}: {faults:?}"));
        let faults: Vec<String> = schema.iter_errors(&entry).map(|e| e.to_string()).collect();
        assert!(faults.is_empty(), "{name}: {faults:?}");
        assert_eq!(entry["short_name"], name);
        assert_eq!(entry["name"], definition.register.name.official());
        assert!(!entry["stored_data"].as_array().unwrap().is_empty());
        assert_eq!(entry["security"]["class"], definition.register.security.unwrap().class);
    }
    // No code of the education authority stands in its statute: whoever enters it is told.
    let education = named(city::EDUCATION).definitions.remove(0);
    let faults = riha::riha(View::from(&education)).unwrap_err();
    assert!(faults[0].to_string().contains("registry_code"), "{faults:?}");
}

#[test]
fn the_schema_and_the_rules_refuse_the_known_wrong_entries() {
    let schema = schema();
    let accepted = json!({
        "uuid": "3d1b6c1e-5a70-4c58-9d3a-0c5f3a1e9b10", "short_name": "75025973-persona", "name": "Andmekogu",
        "purpose": "Arvestus", "owner": { "code": "75025973", "name": "Vald" }, "homepage": "https://www.example.ee",
        "topics": ["x-tee"], "contacts": [{ "name": "Administraator", "email": "info@example.ee" }],
        "legislations": [{ "url": "https://example.ee/47", "name": "nr 47", "type": "LEGAL_TYPE_STATUTE" }],
        "documents": [{ "url": "https://example.ee/g.pdf", "name": "Juhend", "type": "DOC_TYPE_USER_GUIDE" }],
        "stored_data": ["Asutuse andmed"],
        "data_files": [{ "url": "https://example.ee/a.csv", "name": "a.csv", "creation_timestamp": "2026-01-15T08:00:00Z",
                         "update_timestamp": "2026-01-15T08:00:00Z" }],
        "standard_system": false,
        "security": { "standard": "ISKE", "class": "K1T1S2", "level": "M", "latest_audit_date": null,
                      "latest_audit_resolution": null },
        "meta": { "creation_timestamp": "2026-01-15T08:00:00Z", "update_timestamp": "2026-01-15T08:00:00Z",
                  "development_status": "IN_USE",
                  "system_status": { "status": "IN_USE", "timestamp": "2026-01-15T08:00:00Z" },
                  "x_road_status": { "status": "JOINED", "timestamp": "2026-01-15T08:00:00Z" } },
    });
    assert!(schema.is_valid(&accepted) && riha::check(&accepted).is_empty());
    let but = |pointer: &str, value: Value| {
        let mut changed = accepted.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        changed
    };
    // By the schema and by our own check alike.
    let mut no_audit = accepted.clone();
    no_audit["security"].as_object_mut().unwrap().remove("latest_audit_date");
    for wrong in [
        but("/stored_data", json!(vec!["x"; 11])),
        but("/name", json!("")),
        but("/short_name", json!("3d1b6c1e-5a70-4c58-9d3a-0c5f3a1e9b10")),
        but("/short_name", json!("a_b")),
        but("/security/class", json!("K4T1S1")),
        no_audit,
    ] {
        assert!(!schema.is_valid(&wrong) && !riha::check(&wrong).is_empty(), "{wrong}");
    }
    // By the rules between members alone.
    for wrong in [but("/security/level", json!("H")), but("/security/standard", json!("E-ITS"))] {
        assert!(schema.is_valid(&wrong) && !riha::check(&wrong).is_empty(), "{wrong}");
    }
}

// ── Data sets ────────────────────────────────────────────────────────────────────────────────────

#[test]
fn the_registers_are_data_sets_that_a_stranger_can_read() {
    let found = every_register();
    let views = found.definitions.iter().map(View::from).chain(found.descriptions.iter().map(View::from));
    let site = site("https://register.example.ee/", "Näidis \"AS\"\n\\");
    let turtle = dcat::dcat(&site, views);
    let mut said: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for triple in oxttl::TurtleParser::new().for_slice(turtle.as_bytes()) {
        let triple = triple.unwrap_or_else(|e| panic!("{e}"));
        let predicate = triple.predicate.as_str().to_owned();
        said.entry(triple.subject.to_string()).or_default().push((predicate, triple.object.to_string()));
    }
    let of_kind = |kind: &str| -> Vec<&Vec<(String, String)>> {
        let object = format!("<http://www.w3.org/ns/dcat#{kind}>");
        said.values().filter(|said| said.iter().any(|(p, o)| p.ends_with("#type") && *o == object)).collect()
    };
    let has = |said: &[(String, String)], end: &str| said.iter().any(|(predicate, _)| predicate.ends_with(end));
    let catalogues = of_kind("Catalog");
    assert_eq!(catalogues.len(), 1);
    for mandatory in ["terms/title", "terms/description", "terms/publisher", "dcat#dataset"] {
        assert!(has(catalogues[0], mandatory), "{mandatory}");
    }
    assert_eq!(catalogues[0].iter().filter(|(p, _)| p.ends_with("dcat#dataset")).count(), 39);
    let sets = of_kind("Dataset");
    assert_eq!(sets.len(), 39);
    for set in sets {
        for wanted in ["terms/title", "terms/description", "terms/publisher", "terms/accessRights", "dcat#theme"] {
            assert!(has(set, wanted), "{wanted}: {set:?}");
        }
        let languages: Vec<&String> =
            set.iter().filter(|(p, _)| p.ends_with("terms/language")).map(|(_, o)| o).collect();
        assert!(!languages.is_empty());
        for code in languages {
            assert!(
                ["EST", "ENG", "FIN", "SWE"].iter().any(|known| code.ends_with(&format!("language/{known}>"))),
                "{code}"
            );
        }
    }
    let distributions = of_kind("Distribution");
    assert!(!distributions.is_empty() && distributions.iter().all(|d| has(d, "dcat#accessURL")));
    let publisher =
        said.values().flatten().find(|(p, o)| p.ends_with("foaf/0.1/name") && o.contains("Näidis")).unwrap();
    assert_eq!(publisher.1, r#""Näidis \"AS\"\n\\""#);
}

// ── The command ──────────────────────────────────────────────────────────────────────────────────

fn program(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_andmekogu")).args(arguments).output().unwrap()
}

#[test]
fn the_command_writes_a_document_without_a_database() {
    let told = |arguments: &[&str]| {
        let out = program(&[&["documents"], arguments].concat());
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    };
    let notice: Value =
        serde_json::from_str(&told(&["raisio-tyoymparisto", "--kind", "privacy_notice", "--on", "2026-11-20"]))
            .unwrap();
    assert_eq!((notice["language"].as_str(), notice["kind"].as_str()), (Some("fi"), Some("privacy_notice")));
    assert_eq!(
        (notice["in_force_from"].as_str(), notice["drawn_on"].as_str()),
        (Some("2023-04-06"), Some("2026-11-20"))
    );
    let table = told(&[REGISTER, "--kind", "processing_record", "--language", "en", "--format", "csv"]);
    assert_eq!(table.lines().count(), 1 + 3, "{table}");
    assert!(told(&[REGISTER, "--kind", "dcat", "--base", "https://x.example"]).contains("dcat:Dataset"));
    assert!(told(&[REGISTER, "--kind", "riha"]).contains("\"short_name\": \"75025973-persona\""));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("n.pdf");
    let named = file.to_str().unwrap();
    told(&["optima-webauto", "--kind", "publicity_description", "--format", "pdf", "--out", named]);
    assert!(std::fs::read(&file).unwrap().starts_with(b"%PDF"));
    for (wrong, why) in [
        (vec!["nobody", "--kind", "privacy_notice"], "there is no such register"),
        (vec![REGISTER, "--kind", "riha", "--format", "pdf"], "not written in such a format"),
        (vec![city::EDUCATION, "--kind", "riha"], "registry_code"),
    ] {
        let out = program(&[vec!["documents"], wrong].concat());
        let said = String::from_utf8(out.stderr).unwrap();
        assert!(!out.status.success() && said.contains(why), "{said}");
    }
}
