//! Faults of what a register rests on: its language, an act or a description, people without codes, registers kept
//! elsewhere.

use super::*;
use crate::domain::statute::description::{Description, Part};
use crate::domain::statute::lint::lint_description;
use crate::domain::statute::parse::{is_described, parse_description};
use crate::domain::statute::{Label, Language};

const LANGUAGE: &str = "country = \"FI\"";

#[test]
fn the_language_of_the_source_is_said_once_and_known_by_every_text() {
    let read = parse(&changed(REGISTER, LANGUAGE, "country = \"FI\"\nlanguage = \"sv\"")).unwrap();
    let label = &read.record_types[0].fields[0].label;
    assert_eq!(label.official, Language::Sv);
    assert_eq!(label.official(), label.sv.as_deref().unwrap());
    assert_eq!(read.register.name.official(), "Båtregistret");
    assert_eq!(read.codelists[0].codes[0].label.official, Language::Sv);
    assert_eq!(definition().register.name.official(), "Paatide andmekogu", "Estonian where nothing is said");
    let message = "unknown variant `de`, expected one of `et`, `en`, `fi`, `sv`";
    let to = "country = \"FI\"\nlanguage = \"de\"";
    one(REGISTER, LANGUAGE, to, "language", "language", message);
}

#[test]
fn a_text_cannot_contradict_the_language_of_the_source() {
    let from = "en = \"Register of boats\"";
    let to = "en = \"Register of boats\"\nofficial = \"fi\"";
    one(REGISTER, from, to, "official", "name.official", "this key is unknown");
}

#[test]
fn a_register_is_spoken_of_in_the_languages_that_it_names_and_in_that_of_its_source() {
    let to = "country = \"FI\"\nlanguages = [\"fi\", \"sv\", \"en\"]";
    let message = "the source is in Estonian, and that is not among the languages";
    one(REGISTER, LANGUAGE, to, "languages", "languages", message);
    let to = "country = \"FI\"\nlanguages = [\"et\", \"et\"]";
    one(REGISTER, LANGUAGE, to, "languages", "languages[#2]", "`et` is there twice");

    let mut sources = changed(REGISTER, LANGUAGE, "country = \"FI\"\nlanguages = [\"et\"]");
    let register = sources[REGISTER].replacen("en = \"Register of boats\"\n", "", 1);
    sources.insert(REGISTER.into(), register);
    assert_eq!(faults(&sources), [], "what is not promised may be absent");
    one(REGISTER, "en = \"Register of boats\"", "", "[name]", "name.en", "the text in English is missing");
    one(REGISTER, "et = \"Paatide andmekogu\"", "", "[name]", "name.et", "the text in Estonian is missing");
}

#[test]
fn an_act_has_a_number_a_day_a_publication_and_a_class_and_a_description_may_have_none() {
    let absent = |line: &str| changed(REGISTER, line, "");
    for (line, path, message) in [
        ("number = \"7\"", "act.number", "nothing is written here"),
        ("adopted = \"2020-01-10\"", "act.adopted", "nothing says when the act was adopted"),
        ("publication = \"Saarnaki Teataja 1/2020\"", "act.publication", "nothing is written here"),
        (
            "[security]\nclass = \"K1T2S1\"\nlevel = \"M\"\nclause = \"§ 3\"",
            "security",
            "the statute's security class is missing",
        ),
    ] {
        let mut sources = absent(line);
        let found = faults(&sources);
        let found: Vec<_> = found.iter().map(|f| (f.path.as_str(), f.message.as_str())).collect();
        assert_eq!(found, [(path, message)]);
        let described = sources[REGISTER].replacen("[act]\n", "[act]\nform = \"description\"\n", 1);
        sources.insert(REGISTER.into(), described);
        assert_eq!(faults(&sources), [], "a description without {path}");
    }
}

#[test]
fn a_person_is_known_by_a_code_or_by_an_account_that_can_be_found() {
    let from = "\npersonal_code = \"personal_code\"";
    let path = "subject.account";
    let found = |to: &str| -> Vec<(String, String)> {
        faults(&changed(SKIPPER, from, to)).into_iter().map(|f| (f.path, f.message)).collect()
    };
    let said = |path: &str, message: &str| vec![(path.to_owned(), message.to_owned())];
    let both = "a person is known either by a personal code or by an account";
    assert_eq!(found("\npersonal_code = \"personal_code\"\naccount = \"surname\""), said("subject", both));
    assert_eq!(found("\n"), said("subject", both));
    let message = "nobody finds their own record, as `surname` is not indexed as a code";
    assert!(found("\naccount = \"surname\"").contains(&said(path, message)[0]));
    let message = "`personal_code` is of type personal_code, but text or email is needed";
    assert!(found("\naccount = \"personal_code\"").contains(&said(path, message)[0]));
}

const DESCRIBED: &str = r#"
short_name = "boats-2"
name_clause = "Register"
kept = "elsewhere"
language = "fi"
country = "FI"
name = { fi = "Venerekisteri" }

[act]
form = "description"
issuer = "Saarnaki"
kind = "luettelo"
title = "Rekisterit"
in_force_from = "2026-01-01"
clause = "Register"

[[purpose]]
name = "purpose"
label = { fi = "Laituripaikat" }
clause = "Purpose"

[controller]
name = "Satamaseura"
clause = "Controller"
"#;

fn described(from: &str, to: &str) -> Sources {
    assert!(DESCRIBED.contains(from));
    [(REGISTER.to_owned(), DESCRIBED.replacen(from, to, 1))].into()
}

fn read(sources: &Sources) -> (Option<Description>, Vec<(String, String)>) {
    let (read, found) = match parse_description(sources) {
        Ok(read) => {
            let found = lint_description(&read, sources);
            (Some(read), found)
        }
        Err(faults) => (None, faults),
    };
    (read, found.into_iter().map(|f| (f.path, f.message)).collect())
}

#[test]
fn a_register_kept_elsewhere_is_one_file_in_one_language_and_says_what_is_missing() {
    let sources = described("", "");
    assert!(is_described(&sources) && !is_described(&super::sources()));
    let (read, found) = read(&sources);
    assert_eq!(found, []);
    let read = read.unwrap();
    assert_eq!(read.name, Label { official: Language::Fi, fi: Some("Venerekisteri".into()), ..Label::default() });
    assert_eq!(read.digest.len(), 64);
    let missing = read.missing();
    assert!(!missing.contains(&Part::Purpose) && missing.contains(&Part::DataContent));
    let more =
        "\n[[statement]]\nname = \"data_content\"\nlabel = { fi = \"Veneet\" }\nclause = \"Content\"\n\n[controller]";
    let (read, found) = self::read(&described("\n[controller]", more));
    assert_eq!(found, []);
    assert!(!read.unwrap().missing().contains(&Part::DataContent));
}

#[test]
fn a_description_is_examined_as_a_definition_is() {
    for (from, to, path, message) in [
        ("short_name = \"boats-2\"", "short_name = \"Boats\"", "short_name", "`Boats` cannot be a short name"),
        ("country = \"FI\"", "country = \"Lv\"", "country", "`Lv` is no code of a country"),
        ("{ fi = \"Venerekisteri\" }", "{ sv = \"Båtar\" }", "name.fi", "the text in Finnish is missing"),
        ("{ fi = \"Laituripaikat\" }", "{ fi = \" \" }", "purpose[purpose].label.fi", "the text in Finnish is missing"),
        ("name = \"Satamaseura\"", "name = \"\"", "controller.name", "nothing is written here"),
        ("clause = \"Controller\"", "clause = \"\"", "controller.clause", "the clause is blank"),
        ("kept = \"elsewhere\"", "kept = \"nowhere\"", "kept", "unknown variant `nowhere`, expected `elsewhere`"),
        ("kept = \"elsewhere\"", "kept = \"elsewhere\"\nroles = 1", "roles", "this key is unknown"),
        (
            "form = \"description\"\n",
            "number = \"1\"\nadopted = \"2025-01-01\"\npublication = \"x\"\nlegal_basis = [\"x\"]\n",
            "act.form",
            "a register that is kept elsewhere is described, not founded, by what stands here",
        ),
    ] {
        let (_, found) = read(&described(from, to));
        assert_eq!(found, [(path.to_owned(), message.to_owned())], "after `{from}` became `{to}`");
    }
    let mut sources = described("", "");
    sources.insert("records/boat.toml".into(), String::new());
    assert_eq!(read(&sources).1[0].1, "a register that is kept elsewhere has no such file");
}
