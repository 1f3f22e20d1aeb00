//! The schema beside the validation: both are asked about the same documents.

pub(crate) mod documents;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use self::documents::{Maker, Tape};
use super::super::validate::samples::{
    EMPLOYEE, EVERYTHING, INSTITUTION, LISTS, PERSON, day, definition, definitions, employee, record_type,
};
use super::super::validate::{CODES, Compiled, Severity, Validation};
use super::*;
use crate::domain::statute::definition::Sources;
use crate::domain::statute::parse::{is_described, parse};

/// A schema as a reader has it who knows our formats.
fn reader(schema: &Value) -> jsonschema::Validator {
    assert!(jsonschema::draft202012::meta::is_valid(schema), "{schema:#}");
    let mut options = jsonschema::options().should_validate_formats(true);
    for (name, check) in FORMATS {
        options = options.with_format(*name, *check);
    }
    options.build(schema).unwrap()
}

/// Both ways to check documents of one record type as of one day.
struct Both<'d> {
    validation: Validation<'d>,
    schema: jsonschema::Validator,
}

impl<'d> Both<'d> {
    fn new(definition: &'d Definition, compiled: &'d Compiled, name: &str, on: &str) -> Self {
        let record_type = record_type(definition, name);
        let effective_on = day(on);
        let schema = reader(&json_schema(definition, record_type, effective_on, "et"));
        let today = day("2024-05-02");
        let validation = Validation { definition, compiled, record_type, effective_on, today };
        Self { validation, schema }
    }

    /// Compares the answers about a document; gives the codes of the errors.
    fn compare(&self, document: &Value) -> Result<Vec<&'static str>, TestCaseError> {
        let violations = self.validation.state(document);
        let errors = violations.iter().filter(|fault| fault.severity == Severity::Error);
        let codes: Vec<&str> = errors.map(|fault| fault.code).collect();
        let foreseen = codes.iter().any(|code| !BEYOND_SCHEMA.contains(code));
        let accepted = self.schema.is_valid(document);
        if accepted == foreseen {
            let refusals: Vec<String> = self.schema.iter_errors(document).map(|e| e.to_string()).collect();
            let said = format!("{violations:#?}\n{refusals:#?}\n{document:#}");
            return Err(TestCaseError::fail(said));
        }
        Ok(codes)
    }
}

/// Asks both about invented documents, sound and spoilt. Says how many of them were sound, and which
/// codes came up.
fn ask(definition: &Definition, name: &str, on: &str, runner: &mut TestRunner) -> (u32, BTreeSet<&'static str>) {
    let compiled = Compiled::new(definition).unwrap();
    let both = Both::new(definition, &compiled, name, on);
    let maker = Maker::new(&both.validation);
    let (sound, seen) = (Cell::new(0), RefCell::new(BTreeSet::new()));
    let numbers = |length| proptest::collection::vec(proptest::num::u16::ANY, length);
    let numbers = (numbers(0..900), numbers(150..300));
    let outcome = runner.run(&numbers, |(numbers, others)| {
        let sound_one = maker.document(&mut Tape::new(&numbers));
        let mut tape = Tape::new(&others);
        sound.set(sound.get() + u32::from(both.compare(&sound_one)?.is_empty()));
        // Each is spoilt by itself: a second fault would hide that the two disagree on the first.
        for _ in 0..8 {
            let mut document = sound_one.clone();
            for _ in 0..=tape.below(2) {
                maker.spoil(&mut document, &mut tape);
            }
            seen.borrow_mut().extend(both.compare(&document)?);
        }
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{name} on {on}: {error}");
    }
    (sound.get(), seen.into_inner())
}

fn config(cases: u32) -> Config {
    Config { cases, failure_persistence: None, ..Config::default() }
}

#[test]
fn schema_and_validation_agree_on_invented_documents() {
    for definition in definitions() {
        for record_type in &definition.record_types {
            ask(&definition, &record_type.name, "2015-01-01", &mut TestRunner::new(config(100)));
        }
    }
}

/// As the test above, with the same documents each time, so that it can be said what they reach.
#[test]
fn the_invented_documents_are_often_sound_and_reach_every_code() {
    let mut seen = BTreeSet::new();
    for definition in definitions() {
        for record_type in &definition.record_types {
            let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
            let mut runner = TestRunner::new_with_rng(config(400), rng);
            let (sound, codes) = ask(&definition, &record_type.name, "2024-05-01", &mut runner);
            assert!(sound > 200, "{}: {sound} of 400 were sound", record_type.name);
            seen.extend(codes);
        }
    }
    // A warning, three that are tested by themselves, one for files, one that no personal code has.
    let apart = ["above", "media", "personal_code_first_digit", "too_deep", "too_large"];
    let unseen: Vec<_> = CODES.iter().filter(|code| !seen.contains(*code) && !apart.contains(code)).collect();
    assert_eq!(unseen, [&""; 0]);
}

/// The files and folders in a folder; none if it is not there.
fn inside(folder: &Path) -> Vec<PathBuf> {
    let found = std::fs::read_dir(folder).into_iter().flatten();
    found.map(|entry| entry.unwrap().path()).collect()
}

/// The definitions under a folder: each is a folder with a `register.toml`.
fn shipped(folder: &Path) -> Vec<Definition> {
    if !folder.join("register.toml").is_file() {
        let folders = inside(folder).into_iter().filter(|path| path.is_dir());
        return folders.flat_map(|folder| shipped(&folder)).collect();
    }
    let mut sources = Sources::new();
    let files = inside(folder).into_iter().chain(inside(&folder.join("records")));
    for file in files.filter(|path| path.is_file()) {
        let name = file.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
        sources.insert(name, std::fs::read_to_string(&file).unwrap());
    }
    // What is kept elsewhere has no records.
    if is_described(&sources) {
        return Vec::new();
    }
    parse(&sources)
        .inspect_err(|faults| println!("skipped: {} cannot be read: {faults:?}", folder.display()))
        .into_iter()
        .collect()
}

#[test]
fn schema_and_validation_agree_on_the_shipped_statutes() {
    let shipped = shipped(&Path::new(env!("CARGO_MANIFEST_DIR")).join("config/registers"));
    if shipped.is_empty() {
        println!("skipped: there are no definitions under config/registers");
    }
    for definition in &shipped {
        for record_type in &definition.record_types {
            let mut runner = TestRunner::new(config(100));
            let (sound, _) = ask(definition, &record_type.name, "2024-05-01", &mut runner);
            let short_name = &definition.register.short_name;
            println!("{short_name} {}: {sound} of 100 were sound", record_type.name);
        }
    }
}

fn schema_of(name: &str, text: &str, language: &str) -> Value {
    let definition = definition("EE", &[text], LISTS);
    json_schema(&definition, record_type(&definition, name), day("2024-05-01"), language)
}

#[test]
fn a_full_record_of_an_employee_fits_its_schema() {
    let schema = reader(&schema_of("employee", EMPLOYEE, "et"));
    let faults: Vec<String> = schema.iter_errors(&employee()).map(|e| e.to_string()).collect();
    assert_eq!(faults, [""; 0]);
}

#[test]
fn a_schema_says_whose_data_it_describes_and_under_which_clauses() {
    let schema = schema_of("employee", EMPLOYEE, "en");
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema["$id"], "urn:andmekogu:naidis:employee");
    assert_eq!(schema["title"], "employee");
    assert_eq!(schema["additionalProperties"], false);
    let name = &schema["properties"]["given_name"];
    assert_eq!(name["title"], "given name");
    assert_eq!(name["description"], "Nagu dokumendis.", "Estonian where there is no translation");
    assert_eq!(name["x-clause"], "§ 12 lg 1 p 1");
    assert_eq!(name["x-section"], "main");
    assert_eq!(schema["properties"]["pay"]["items"]["properties"]["amount"]["x-clause"], "§ 12 lg 1 p 16");
    assert!(schema["required"].as_array().unwrap().contains(&json!("given_name")));
}

#[test]
fn what_is_derived_is_named_but_not_taken() {
    let schema = schema_of("employee", EMPLOYEE, "et");
    assert_eq!(schema["properties"].get("sex"), None);
    assert_eq!(schema["x-derived"]["sex"]["readOnly"], true);
    assert_eq!(schema["x-derived"]["sex"]["title"], "sugu");
    let leave = &schema["properties"]["leaves"]["items"];
    assert_eq!(leave["properties"].get("days"), None);
    assert_eq!(leave["x-derived"]["days"]["x-clause"], "§ 12 lg 1 p 19");
}

#[test]
fn what_the_vocabulary_cannot_say_is_annotated() {
    let schema = schema_of("employee", EMPLOYEE, "et");
    assert_eq!(
        schema["x-rules"][4],
        json!({ "kind": "no_overlap", "clause": "§ 12 lg 1 p 16", "of": "pay", "from": "from", "to": "to", "by": "kind" })
    );
    let code = &schema["properties"]["children"]["items"]["properties"]["personal_code"];
    assert_eq!((&code["format"], &code["x-minor"]), (&json!("ee-personal-code"), &json!(true)));
    let load = &schema["properties"]["load"];
    assert_eq!(
        (&load["x-minimum"], &load["x-maximum"], &load["x-warn-above"]),
        (&json!("0.01"), &json!("1.5"), &json!("1"))
    );
    assert_eq!(schema["properties"]["previous_sector"]["x-needs"]["kind"], "consent");
    assert_eq!(schema["properties"]["photo"]["x-media-types"], json!(["image/jpeg", "image/png"]));
    assert_eq!(schema["properties"]["post"]["x-refers-to"], "post");
}

#[test]
fn codes_are_those_of_the_day() {
    let definition = definition("EE", &[EVERYTHING], LISTS);
    let kind = record_type(&definition, "everything");
    let codes = |on: &str| json_schema(&definition, kind, day(on), "et")["properties"]["dated"]["enum"].clone();
    assert_eq!(codes("2019-12-31"), json!(["annual", "old"]));
    assert_eq!(codes("2020-01-01"), json!(["annual"]));
    assert_eq!(codes("2021-01-01"), json!(["annual", "study"]));
}

#[test]
fn numbers_lists_and_texts_have_their_limits() {
    let schema = schema_of("everything", EVERYTHING, "et");
    let field = |name: &str| schema["properties"][name].clone();
    assert_eq!(field("integer")["minimum"], json!(i64::MIN));
    assert_eq!(field("integers")["items"], json!({ "type": "integer", "minimum": -1, "maximum": 2 }));
    assert_eq!(
        field("year"),
        json!({
            "title": "x", "x-clause": null, "type": "integer", "minimum": 1800, "maximum": 2030,
        })
        .as_object()
        .map(|year| {
            let mut year = year.clone();
            year.remove("x-clause");
            Value::Object(year)
        })
        .unwrap()
    );
    assert_eq!(field("money")["pattern"], r"^-?(?:0|[1-9][0-9]*)\.[0-9]{2}$");
    let texts = field("texts");
    assert_eq!((&texts["minItems"], &texts["maxItems"], &texts["uniqueItems"]), (&json!(2), &json!(3), &json!(true)));
    assert_eq!((&texts["items"]["minLength"], &texts["items"]["maxLength"]), (&json!(0), &json!(5)));
    assert_eq!(field("rows").get("uniqueItems"), None, "rows may be alike");
    assert_eq!(field("date")["format"], "date");
    assert_eq!(field("reference")["format"], "uuid");
}

#[test]
fn the_one_difference_without_a_code_is_a_fraction_of_zero() {
    let definition = definition("EE", &[EVERYTHING], LISTS);
    let compiled = Compiled::new(&definition).unwrap();
    let both = Both::new(&definition, &compiled, "everything", "2024-05-01");
    let document = json!({ "text": "x", "unless_email": "x", "integer": 1.0 });
    assert!(both.schema.is_valid(&document));
    assert_eq!(both.validation.state(&document)[0].code, "type");
}

#[test]
fn an_empty_list_needs_no_consent() {
    let schema = reader(&schema_of("everything", EVERYTHING, "et"));
    let with = |texts: Value| json!({ "text": "x", "unless_email": "x", "by_consent": texts });
    assert!(schema.is_valid(&with(json!([]))));
    assert!(!schema.is_valid(&with(json!(["x"]))));
}

#[test]
fn the_country_of_the_register_decides_on_codes() {
    let definition = definition("FI", &[PERSON, INSTITUTION], LISTS);
    let schema = json_schema(&definition, record_type(&definition, "person"), day("2024-05-01"), "fi");
    assert_eq!(schema["properties"]["code"]["format"], "fi-personal-code");
    assert_eq!(schema["properties"]["code"]["title"], "henkilötunnus");
    assert_eq!(schema["properties"]["employer"]["format"], "fi-registry-code");
}

#[test]
fn the_codes_beyond_the_schema_are_codes() {
    assert!(BEYOND_SCHEMA.is_sorted() && BEYOND_SCHEMA.iter().all(|code| CODES.contains(code)));
}
