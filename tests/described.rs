//! The registers that are shipped: all of them load, and each says what its source says, item by item.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

use andmekogu::domain::access::{Action, Object, Policies, Question};
use andmekogu::domain::record::index::Status;
use andmekogu::domain::statute::definition::{Field, Item, RecordType};
use andmekogu::domain::statute::description::Part;
use andmekogu::domain::statute::{Definition, Label, Language};

use crate::definition::statute;
use crate::harness::{every_register, named};

const LIST: &str = "000_1ee6b3f3850e26b4.txt";
const NOTICE: &str = "001_34eb80bcb10f4e4c.txt";
const CARDS: &str = "002_3958862ea59c8132.txt";

fn program(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_andmekogu")).args(arguments).output().unwrap()
}

/// A text without what belongs to a page: bullets, line breaks, double spaces, soft differences of hyphens.
fn plain(text: &str) -> String {
    let text = text.replace(['\u{a0}', '•', '\n'], " ").replace('\u{2011}', "-");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn statement<'d>(definition: &'d Definition, name: &str) -> &'d str {
    let found = definition.register.statements.iter().find(|s| s.name == name);
    found.unwrap_or_else(|| panic!("{}: no statement `{name}`", definition.register.short_name)).label.official()
}

#[test]
fn all_thirty_nine_registers_load_and_pass_check() {
    let found = every_register();
    assert_eq!((found.definitions.len(), found.descriptions.len()), (10, 29));
    let names: BTreeSet<&str> = (found.definitions.iter().map(|d| d.register.short_name.as_str()))
        .chain(found.descriptions.iter().map(|d| d.short_name.as_str()))
        .collect();
    assert_eq!(names.len(), 39);
    let told = program(&["check", "config/registers"]);
    let text = String::from_utf8(told.stdout).unwrap();
    assert!(told.status.success(), "{text}");
    assert!(names.iter().all(|name| text.contains(name)), "{text}");
    let missing = program(&["check", "config/registers", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&missing.stdout).unwrap();
    assert_eq!(json["sound"].as_array().unwrap().len(), 39);
}

#[test]
fn the_source_speaks_its_own_language_and_every_other_is_unofficial() {
    for (name, language) in
        [("75025973-persona", Language::Et), ("raisio-tyoymparisto", Language::Fi), ("optima-webauto", Language::Sv)]
    {
        let definition = named(name).definitions.remove(0);
        let label = &definition.record_types[0].fields[0].label;
        assert_eq!((definition.register.language, label.official), (language, language), "{name}");
        for other in Language::ALL {
            assert_eq!(label.is_unofficial_in(other), other != language, "{name}");
        }
        assert_eq!(label.official(), label.text(language).unwrap());
        let json = serde_json::to_value(label).unwrap();
        assert_eq!(json.get("official").is_some(), language != Language::Et, "said where it is not Estonian");
        assert_eq!(serde_json::from_value::<Label>(json).unwrap(), *label);
    }
    for described in every_register().descriptions {
        assert_eq!(described.languages(), [Language::Fi]);
        assert_eq!((&described.name.et, &described.name.sv, &described.name.en), (&None, &None, &None));
    }
}

// ── The list ─────────────────────────────────────────────────────────────────────────────────────

/// The rows of the list, read by other means than the program's.
fn rows(text: &str) -> BTreeSet<[String; 3]> {
    let cells = text.lines().map(|line| line.split('\t').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>());
    cells.filter_map(|row| <[String; 3]>::try_from(row).ok()).filter(|row| row[1] != "Käyttötarkoitus").collect()
}

#[test]
fn every_register_of_the_list_is_described_word_for_word_and_nothing_is_added() {
    let Some(text) = statute(LIST) else { return };
    let said: BTreeSet<[String; 3]> = every_register()
        .descriptions
        .into_iter()
        .map(|d| {
            assert_eq!(d.purposes.len(), 1);
            assert!(d.statements.is_empty() && d.processors.is_empty() && d.contacts.is_empty());
            [d.name.official().to_owned(), d.purposes[0].label.official().to_owned(), d.controller.name]
        })
        .collect();
    let published = rows(&text);
    assert_eq!(published.len(), 29);
    let differences: Vec<_> = published.symmetric_difference(&said).collect();
    assert!(differences.is_empty(), "{differences:#?}");
}

#[test]
fn what_a_list_does_not_say_is_known_to_be_missing() {
    let described = every_register().descriptions.remove(0);
    let missing = described.missing();
    assert!(!missing.contains(&Part::Purpose));
    assert_eq!(missing.len(), Part::ALL.len() - 1, "the list tells name, purpose and controller");
    let notice = named("raisio-tyoymparisto").definitions.remove(0);
    // What the articles ask for beside, and the notice does not say.
    let not_said = [Part::Rights, Part::Complaint, Part::Obligation, Part::AutomatedDecisions, Part::OpenInterface];
    assert_eq!(notice.missing(), not_said);
    // The cards of § 28 say neither by what data are found nor whether there is an open interface.
    let card = named("optima-abilitas").definitions.remove(0);
    assert!(card.missing().contains(&Part::OpenInterface));
}

fn describe(from: &Path, into: &Path) -> Output {
    let (from, into) = (from.to_str().unwrap(), into.to_str().unwrap());
    program(&[
        "describe",
        "--from",
        from,
        "--into",
        into,
        "--prefix",
        "pietarsaari",
        "--issuer",
        "Pietarsaaren kaupunki",
        "--language",
        "fi",
        "--country",
        "FI",
        "--as-of",
        "2026-01-01",
    ])
}

/// Every definition in a folder, by the name of its folder.
fn written(folder: &Path) -> BTreeSet<(String, String)> {
    let folders = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    folders
        .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("pietarsaari-"))
        .map(|path| {
            let text = std::fs::read_to_string(path.join("register.toml")).unwrap();
            (path.file_name().unwrap().to_str().unwrap().to_owned(), text)
        })
        .collect()
}

#[test]
fn the_command_makes_the_shipped_descriptions_from_the_published_list_and_from_csv() {
    let Some(text) = statute(LIST) else { return };
    let shipped = written(Path::new("config/registers"));
    let folder = tempfile::tempdir().unwrap();
    let from_page = folder.path().join("page");
    let told = describe(&Path::new("../shared/seeds").join(LIST), &from_page);
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    assert_eq!(written(&from_page), shipped);
    assert_eq!(std::fs::read_dir(&from_page).unwrap().count(), 29, "nothing else is left behind");

    let csv = folder.path().join("list.csv");
    let quoted = |cell: &str| format!("\"{}\"", cell.trim().replace('"', "\"\""));
    let lines = text.lines().map(|line| line.split('\t').map(quoted).collect::<Vec<_>>().join(";"));
    let lines: Vec<String> = lines.filter(|line| *line != "\"\"").collect();
    std::fs::write(&csv, lines.join("\r\n")).unwrap();
    let from_csv = folder.path().join("csv");
    assert!(describe(&csv, &from_csv).status.success());
    assert_eq!(written(&from_csv), shipped);

    let again = describe(&csv, &from_csv);
    let why = String::from_utf8(again.stderr).unwrap();
    assert!(!again.status.success() && why.contains("Remove them first"), "{why}");
}

#[test]
fn a_list_with_faults_is_told_of_line_by_line_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let (list, into) = (folder.path().join("list.txt"), folder.path().join("registers"));
    std::fs::write(&list, "Rekisteri\tTarkoitus\tPitäjä\nYksi\tx\ty\nKaksi\t\ty\nKolme\n").unwrap();
    let told = describe(&list, &into);
    let why = String::from_utf8(told.stderr).unwrap();
    assert!(!told.status.success());
    assert!(why.contains("line 3: a cell is empty") && why.contains("line 4: 1 cells"), "{why}");
    assert!(!into.exists());
}

// ── The notice ───────────────────────────────────────────────────────────────────────────────────

/// Headings of the notice with what stands under each, in their order.
fn headings(text: &str, known: &[&str]) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for line in text.lines().map(str::trim) {
        if known.contains(&line) {
            found.push((line.to_owned(), String::new()));
        } else if let Some((_, under)) = found.last_mut() {
            under.push_str(line);
            under.push('\n');
        }
    }
    found
}

#[test]
fn the_notice_is_said_again_heading_by_heading() {
    let Some(text) = statute(NOTICE) else { return };
    let definition = named("raisio-tyoymparisto").definitions.remove(0);
    let of_statement = [
        ("Toimiala", "sector"),
        ("Palvelualue", "service_area"),
        ("Rekisterinpitäjän yhteystiedot", "controller_contacts"),
        ("Rekisterinpitäjän edustaja", "controller_representative"),
        ("Rekisteriasioita hoitavan henkilön nimi", "contact_person"),
        ("Rekisteriasioita hoitavan henkilön yhteystiedot", "contact_person_contacts"),
        ("Tietosuojavastaava", "data_protection_officer"),
        ("Tietosuojavastaavan yhteystiedot", "data_protection_officer_contacts"),
        ("Rekisterin muoto", "form"),
        ("Oikeusperuste", "legal_basis"),
        ("Henkilötietojen luovutus", "disclosures"),
        ("Henkilötietojen luovutus EU:n tai Euroopan talousalueen ulkopuolelle", "third_country_transfers"),
        ("Rekisterin tekniset suojaukset", "technical_measures"),
        ("Rekisterin toiminnalliset suojaukset", "organisational_measures"),
        ("Henkilötietojen säilyttämisaika ja peruste", "retention"),
    ];
    let others = [
        "Rekisterinpitäjä",
        "Rekisterin käyttötarkoitus",
        "Rekisterin tietosisältö",
        "Rekisterin säännönmukaiset tietolähteet",
    ];
    let known: Vec<&str> = of_statement.iter().map(|(heading, _)| *heading).chain(others).collect();
    let said = headings(&text, &known);
    assert_eq!(said.len(), known.len(), "every heading once");
    let under = |heading: &str| plain(&said.iter().find(|(h, _)| h == heading).unwrap().1);
    for (heading, name) in of_statement {
        let published = under(heading);
        // Below the last heading stand the two dates.
        let published = published.split(" Henkilörekisteriseloste laadittu").next().unwrap();
        assert_eq!(statement(&definition, name), published, "{heading}");
    }
    let source = &definition.register;
    assert_eq!(source.controller.name, under("Rekisterinpitäjä"));
    let purpose = under("Rekisterin käyttötarkoitus");
    let (purpose, subjects) = purpose.split_once(" Rekisteröity on - ").unwrap();
    assert_eq!(source.purposes[0].label.official(), purpose);
    let subjects: Vec<&str> = subjects.split(" - ").collect();
    let of_part = |part: Part| -> Vec<&str> {
        let said = source.statements.iter().filter(|s| s.says() == Some(part));
        said.map(|s| s.label.official()).collect()
    };
    assert_eq!(of_part(Part::DataSubjects), subjects);
    let sources = under("Rekisterin säännönmukaiset tietolähteet");
    let sources: Vec<&str> = sources.strip_prefix("- ").unwrap().split(" - ").collect();
    assert_eq!(of_part(Part::Sources), sources);
    let text = plain(&text);
    assert!(text.contains("laadittu 24.5.2018") && text.contains("päivitetty 6.4.2023"));
    assert_eq!((statement(&definition, "drafted"), statement(&definition, "updated")), ("24.5.2018", "6.4.2023"));
    assert_eq!(source.act.adopted.unwrap().to_string(), "2018-05-24");
    assert_eq!(source.act.in_force_from.to_string(), "2023-04-06");
}

/// Labels of the fields that the source lists: what is only technical names the reason.
fn listed(kind: &RecordType, under: &str) -> Vec<String> {
    let of_the_list = |field: &&Field| {
        field.basis.is_none() && field.clause.as_ref().is_some_and(|clause| clause.0.starts_with(under))
    };
    kind.fields.iter().filter(of_the_list).map(|field| field.label.official().to_owned()).collect()
}

#[test]
fn accounts_hold_exactly_the_data_content_of_the_notice() {
    let Some(text) = statute(NOTICE) else { return };
    let definition = named("raisio-tyoymparisto").definitions.remove(0);
    let (_, content) = text.split_once("Rekisterin tietosisältö").unwrap();
    let (content, _) = content.split_once("Rekisterin säännönmukaiset").unwrap();
    let (of_staff, of_schools) = content.split_once("Opetuspalvelut:").unwrap();
    let points = |text: &str| -> Vec<String> {
        text.lines().filter_map(|line| line.trim().strip_prefix("- ")).map(str::to_owned).collect()
    };
    let kind = |name: &str| definition.record_types.iter().find(|t| t.name == name).unwrap();
    assert_eq!(listed(kind("work_user"), "Rekisterin tietosisältö 1."), points(of_staff));
    assert!(plain(of_staff).contains(kind("work_user").label.official()), "one list for all of them");
    let mut of_schools = points(of_schools);
    // The last point lists the roles too.
    let roles = of_schools.pop().unwrap();
    let (label, roles) = roles.split_once(": ").unwrap();
    of_schools.push(label.to_owned());
    assert_eq!(listed(kind("school_person"), "Rekisterin tietosisältö 2."), of_schools);
    let codes = &definition.codelists.iter().find(|list| list.name == "school_role").unwrap().codes;
    let codes: Vec<&str> = codes.iter().map(|code| code.label.official()).collect();
    assert_eq!(codes, roles.split('/').map(str::trim).collect::<Vec<_>>());
    assert!(plain(content).contains(statement(&definition, "user_content")));
}

#[test]
fn nothing_is_disclosed_and_data_go_nine_months_after_the_end_of_use() {
    let definition = named("raisio-tyoymparisto").definitions.remove(0);
    let source = &definition.register;
    let recipients: Vec<&str> = source.recipients.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(recipients, ["person_registered"], "only the person themselves");
    assert!(source.publications.is_empty() && source.reports.is_empty() && definition.exchanges.is_empty());
    for kind in definition.record_types.iter().filter(|t| t.subject.is_some()) {
        for field in &kind.fields {
            assert_eq!(field.retention.as_deref(), Some("nine_months"), "{} {}", kind.name, field.name);
        }
        assert_eq!(kind.lifecycle.as_ref().unwrap().ends, "use_ends");
    }
    let rule = source.retention_rules.iter().find(|rule| rule.name == "nine_months").unwrap();
    assert_eq!((rule.period.as_deref(), rule.then.as_str()), (Some("P9M"), "destroy"));
    assert_eq!(rule.trigger.as_ref().unwrap().sources(), ["lifecycle:ends"]);
    assert_eq!(source.leaver.as_ref().unwrap().record_type, "work_user");
}

// ── The cards ────────────────────────────────────────────────────────────────────────────────────

const HEADINGS: [&str; 5] = [
    "Kontaktperson i ärenden angående registret:",
    "Ändamålet med behandlingen av personuppgifter:",
    "Registrets datainnehåll:",
    "Rätt att använda registret:",
    "Rätt till insyn:",
];

/// The cards of the page: the name of each system and what stands under its five headings.
fn cards(text: &str) -> Vec<(String, [String; 5])> {
    let mut cards: Vec<(String, [String; 5])> = Vec::new();
    let mut above = "";
    let mut at: Option<usize> = None;
    for line in text.lines() {
        let bare = line.trim().trim_start_matches('•').trim();
        let heading = HEADINGS.iter().position(|heading| bare.starts_with(heading));
        match heading {
            Some(0) => cards.push((above.to_owned(), <[String; 5]>::default())),
            None if !line.starts_with([' ', '\u{a0}']) && !bare.is_empty() => at = None,
            _ => {}
        }
        at = heading.or(at);
        if let (Some(at), Some((_, card))) = (at, cards.last_mut()) {
            card[at].push_str(bare.strip_prefix(HEADINGS[at]).unwrap_or(bare));
            card[at].push('\n');
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
fn the_cards_are_said_again_heading_by_heading() {
    let Some(text) = statute(CARDS) else { return };
    let cards = cards(&text);
    assert_eq!(cards.len(), 7);
    for (short, (name, [contact, purpose, content, use_of, insight])) in SYSTEMS.into_iter().zip(&cards) {
        let definition = named(short).definitions.remove(0);
        assert_eq!(plain(definition.register.name.official()), plain(name), "{short}");
        for (part, published) in [
            ("contact_person", contact),
            ("data_content", content),
            ("right_to_use", use_of),
            ("right_of_access", insight),
        ] {
            assert_eq!(plain(statement(&definition, part)), plain(published), "{short}, {part}");
        }
        let purposes: Vec<String> =
            definition.register.purposes.iter().map(|p: &Item| plain(p.label.official())).collect();
        let told = purposes.join(" ");
        // A heading of its own (`Tweb:`) may stand on a line by itself.
        assert_eq!(told.replace(' ', ""), plain(purpose).replace(' ', ""), "{short}");
    }
}

fn words(text: &str) -> BTreeSet<String> {
    let text = plain(text).to_lowercase();
    let long = text.split(|c: char| !c.is_alphabetic()).filter(|word| word.chars().count() > 3);
    long.map(str::to_owned).collect()
}

/// Every label under which the definition holds data: of record types, sections, fields, parts and codes.
fn labels(definition: &Definition, listed_only: bool) -> Vec<&Label> {
    fn of<'d>(fields: &'d [Field], listed_only: bool, into: &mut Vec<&'d Label>) {
        for field in fields.iter().filter(|field| !listed_only || field.basis.is_none()) {
            into.push(&field.label);
            of(&field.parts, listed_only, into);
        }
    }
    let own = &definition.register.institutions.record_type;
    let mut all = Vec::new();
    for kind in definition.record_types.iter().filter(|kind| kind.name != *own) {
        all.push(&kind.label);
        all.extend(kind.sections.iter().map(|section| &section.label));
        of(&kind.fields, listed_only, &mut all);
    }
    all.extend(definition.codelists.iter().flat_map(|list| &list.codes).map(|code| &code.label));
    all
}

#[test]
fn every_word_of_the_data_content_has_its_place_and_no_field_is_invented() {
    let Some(text) = statute(CARDS) else { return };
    // Words that only join or explain, and programs that hold no data of their own.
    let joining = [
        "samt",
        "bl",
        "osv",
        "dem",
        "form",
        "enligt",
        "lag",
        "över",
        "under",
        "programmen",
        "office",
        "används",
        "olika",
        "syften",
        "sharepoint",
        "intranätet",
        "yammer",
        "kommunikation",
        "outlook",
        "kalender",
        "epost",
        "onedrive",
        "delning",
        "filer",
        "molntjänst",
        "teams",
        "samarbetsapp",
        "innehållande",
        "hör",
        "ihop",
        "information",
        "info",
        "som",
        "med",
    ];
    for (short, (_, [_, purpose, content, ..])) in SYSTEMS.into_iter().zip(cards(&text)) {
        let definition = named(short).definitions.remove(0);
        let held: BTreeSet<String> = labels(&definition, false).iter().flat_map(|l| words(l.official())).collect();
        let left: Vec<String> =
            words(&content).into_iter().filter(|w| !held.contains(w) && !joining.contains(&w.as_str())).collect();
        assert!(left.is_empty(), "{short} has no place for {left:?}");
        // Fields that the list does not name are technical, and say so.
        let page = plain(&format!("{content} {purpose}")).to_lowercase();
        for kind in &definition.record_types {
            for field in kind.fields.iter().filter(|field| field.basis.is_none()) {
                let label = plain(field.label.official()).to_lowercase();
                assert!(page.contains(&label), "{short}: `{label}` is not in the description");
            }
        }
    }
}

// ── Rights as described ──────────────────────────────────────────────────────────────────────────

/// The roles that may do `action` to `object`, of everybody whose right reaches it; `own` is about the asker.
fn who_may(definition: &Definition, action: Action, object: &Object, own: bool) -> Vec<String> {
    let policies = Policies::new(definition).unwrap();
    let question = |role: &str| Question {
        role: role.to_owned(),
        action,
        object: object.clone(),
        in_scope: !own,
        covered: true,
        about_self: own,
        purpose_given: false,
        to_self: false,
        sole_user: false,
        party: own,
        status: Status::Active,
    };
    let roles = definition.register.roles.iter().map(|role| role.name.clone());
    roles.filter(|role| policies.evaluate(&question(role)).permitted).collect()
}

/// Who may do `action` to some section of a record type.
fn of_records(definition: &Definition, action: Action, record_type: &str, own: bool) -> Vec<String> {
    let kind = definition.record_types.iter().find(|t| t.name == record_type).unwrap();
    let mut all: Vec<String> = Vec::new();
    for section in &kind.sections {
        let object = Object::Section { record_type: record_type.to_owned(), section: section.name.clone() };
        all.extend(who_may(definition, action, &object, own));
    }
    all.sort();
    all.dedup();
    all
}

#[test]
fn only_those_use_a_register_whom_its_description_names_and_people_see_their_own() {
    let users: [(&str, &[&str], &[&str]); 9] = [
        ("optima-abilitas", &["student"], &["counsellor"]),
        ("optima-itslearning", &["student"], &["staff"]),
        ("optima-ad-office365", &["staff_account", "student_account"], &["staff"]),
        ("optima-primus-wilma-kurre", &["student", "staff_member", "workplace_representative"], &["staff"]),
        ("optima-tweb-valmu", &["matter", "document", "official_decision"], &["staff"]),
        ("optima-unit4", &["customer_or_supplier", "staff_member"], &["staff"]),
        ("optima-webauto", &["student", "staff_member"], &["customer_manager", "traffic_teacher"]),
        ("raisio-tyoymparisto", &["work_user"], &["decision_services", "host", "superior"]),
        ("raisio-tyoymparisto", &["school_person"], &["school_services"]),
    ];
    for (short, kinds, expected) in users {
        let definition = named(short).definitions.remove(0);
        for kind in kinds {
            for action in [Action::RecordCreate, Action::RecordChange, Action::RecordCorrect, Action::RecordEnd] {
                assert_eq!(of_records(&definition, action, kind, false), expected, "{short} {kind} {action:?}");
            }
            // Users of the working environment look for their task and enter nothing.
            let mut readers: Vec<&str> = expected.to_vec();
            readers.extend((short == "raisio-tyoymparisto").then_some("user"));
            assert_eq!(of_records(&definition, Action::RecordRead, kind, false), readers, "{short} {kind}");
            let subject = definition.record_types.iter().find(|t| t.name == *kind).unwrap().subject.is_some();
            let own = of_records(&definition, Action::RecordRead, kind, true);
            assert!(!subject || own == ["data_subject"], "{short} {kind}: {own:?}");
        }
    }
}

#[test]
fn requests_to_see_ones_data_are_decided_by_whom_the_description_names() {
    let insight = Object::Case("data_subject_request".into());
    for (short, decide) in [
        ("optima-abilitas", "rector"),
        ("optima-primus-wilma-kurre", "rector"),
        ("optima-itslearning", "contact_person"),
        ("optima-ad-office365", "contact_person"),
        ("optima-unit4", "contact_person"),
        ("optima-webauto", "contact_person"),
        ("raisio-tyoymparisto", "register_manager"),
    ] {
        let definition = named(short).definitions.remove(0);
        assert_eq!(who_may(&definition, Action::CaseDecide, &insight, false), [decide], "{short}");
        assert!(who_may(&definition, Action::CaseOpen, &insight, true).contains(&"data_subject".to_owned()), "{short}");
        let kind = definition.cases.iter().find(|case| case.name == "data_subject_request").unwrap();
        assert_eq!(kind.term.unwrap().to_string(), "P1M", "{short}");
        let guardians =
            definition.record_types.iter().any(|t| t.subject.as_ref().is_some_and(|s| s.guardians.is_some()));
        assert_eq!(guardians, decide == "rector", "{short}: guardians where the description names them");
    }
}

#[test]
fn what_is_secret_is_neither_published_nor_released() {
    let definition = named("optima-tweb-valmu").definitions.remove(0);
    let source = &definition.register;
    assert_eq!(source.withheld.len(), 1);
    assert_eq!(source.withheld[0].sections, ["secret"]);
    for publication in &source.publications {
        let kind = definition.record_types.iter().find(|t| t.name == publication.record_type).unwrap();
        for field in &publication.fields {
            let section = kind.fields.iter().find(|f| f.name == *field).unwrap().section.as_deref();
            assert_eq!(section, Some("public"), "{field}");
        }
    }
    let public: BTreeSet<&str> = source.publications.iter().map(|p| p.record_type.as_str()).collect();
    assert_eq!(public, ["document", "matter", "official_decision"].into());
    for short in SYSTEMS.into_iter().filter(|short| *short != "optima-tweb-valmu") {
        assert!(named(short).definitions[0].register.publications.is_empty(), "{short} publishes nothing");
    }
}
