//! The definition language for those who write it: the schemas for their editors and the reference of every key are those
//! of the code, and what the program takes and refuses the schemas take and refuse as well.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use andmekogu::domain::statute::schema::{files, markdown};
use serde_json::Value;

/// What is committed is what the code says; `UPDATE_GOLDEN=1` writes it.
fn is_current(path: &str, now: &str) {
    if std::env::var("UPDATE_GOLDEN").is_ok() {
        std::fs::create_dir_all(Path::new(path).parent().unwrap()).unwrap();
        std::fs::write(path, now).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == now, "{path} is out of date: run `UPDATE_GOLDEN=1 cargo test --test suite language`");
}

#[test]
fn the_schemas_and_the_reference_that_are_committed_are_those_of_the_code() {
    for file in files() {
        is_current(&format!("config/schema/{}", file.name), &file.text());
    }
    is_current("docs/definition-language.md", &markdown());
    let stray: Vec<_> = std::fs::read_dir("config/schema").unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(stray.len(), files().len(), "{stray:?}");
}

#[test]
fn editors_find_the_schema_of_every_file() {
    let taplo: toml::Table = std::fs::read_to_string(".taplo.toml").unwrap().parse().unwrap();
    let rules = taplo["rule"].as_array().unwrap();
    for file in files() {
        let rule = rules.iter().find(|rule| rule["schema"]["path"].as_str().unwrap().ends_with(file.name));
        let include = rule.unwrap_or_else(|| panic!("{}", file.name))["include"][0].as_str().unwrap();
        assert!(include.ends_with(file.of), "{include}");
    }
    assert_eq!(rules.len(), files().len());
}

/// The schema of a file of a definition, ready to be asked.
struct Schemas(BTreeMap<&'static str, jsonschema::Validator>);

impl Schemas {
    fn new() -> Self {
        Self(files().into_iter().map(|file| (file.of, jsonschema::validator_for(&file.schema).unwrap())).collect())
    }

    fn faults(&self, path: &Path, text: &str) -> Vec<String> {
        let in_records = path.parent().is_some_and(|p| p.ends_with("records"));
        let name = if in_records { "records/*.toml" } else { path.file_name().unwrap().to_str().unwrap() };
        let value: toml::Table = text.parse().unwrap();
        let json = serde_json::to_value(value).unwrap();
        self.0[name].iter_errors(&json).map(|e| format!("{}: {e}", e.instance_path())).collect()
    }
}

fn toml_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            toml_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "toml") {
            found.push(path);
        }
    }
}

#[test]
fn every_file_of_every_definition_is_as_its_schema_says() {
    let schemas = Schemas::new();
    let mut paths = Vec::new();
    toml_files(Path::new("config/registers"), &mut paths);
    toml_files(Path::new("tests/registers"), &mut paths);
    let registers = paths.iter().filter(|p| p.ends_with("register.toml")).count();
    assert!(registers >= 39, "{registers}");
    for path in paths {
        let faults = schemas.faults(&path, &std::fs::read_to_string(&path).unwrap());
        assert!(faults.is_empty(), "{}: {faults:#?}", path.display());
    }
}

#[test]
fn a_misspelt_key_a_wrong_type_and_a_word_that_is_no_choice_are_marked() {
    let schemas = Schemas::new();
    let wrong = |file: &str, from: &str, to: &str| {
        let path = Path::new("tests/registers/paadisadam").join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from} in {file}");
        let faults = schemas.faults(&path, &text.replacen(from, to, 1));
        assert!(!faults.is_empty(), "`{to}` in {file} goes unmarked");
    };
    wrong("register.toml", "short_name", "shortname");
    wrong("register.toml", "country = \"EE\"", "country = \"LV\"");
    wrong("register.toml", "adopted = \"2021-03-01\"", "adopted = 2021");
    wrong("register.toml", "then = \"destroy\"", "then = \"delete\"");
    wrong("register.toml", "data_role = true", "data_role = \"yes\"");
    wrong("register.toml", "clause = \"§ 1\"\n\n[[purpose]]", "[[purpose]]");
    wrong("register.toml", "et = \"meresadam\"", "ee = \"meresadam\"");
    wrong("records/boat.toml", "type = \"text\"", "type = \"string\"");
    wrong("records/boat.toml", "index = \"name\"", "index = \"names\"");
    wrong("records/boat.toml", "length = [1, 40]", "length = \"1-40\"");
    wrong("records/boat.toml", "length = [1, 40]", "length = [1]");
    wrong("records/boat.toml", "required = true", "requred = true");
    wrong("cases.toml", "procedure = \"complaint\"", "procedure = \"grumble\"");
    wrong("cases.toml", "term = \"P30D\"", "term = \"30 days\"");
    wrong("clauses.toml", "\"official_names\"", "\"official_name\"");
    wrong("codelists.toml", "code = \"sea\"", "key = \"sea\"");
    wrong("documents.toml", "[[document_kind]]", "[[document]]");
}

#[test]
fn what_the_program_refuses_as_a_key_the_schema_refuses_too() {
    // A register that is kept elsewhere has fewer keys than one that is kept here, and the other way about.
    let schemas = Schemas::new();
    let path = Path::new("tests/registers/paadisadam/register.toml");
    let text = std::fs::read_to_string(path).unwrap();
    assert!(!schemas.faults(path, &format!("kept = \"elsewhere\"\n{text}")).is_empty());
    let described: Vec<PathBuf> = {
        let mut paths = Vec::new();
        toml_files(Path::new("config/registers"), &mut paths);
        paths.retain(|p| std::fs::read_to_string(p).unwrap().contains("\nkept = \"elsewhere\""));
        paths
    };
    let one = described.first().expect("registers that are kept elsewhere are described");
    let text = std::fs::read_to_string(one).unwrap().replacen("\nkept = \"elsewhere\"", "", 1);
    assert!(!schemas.faults(one, &text).is_empty());
}

#[test]
fn the_reference_explains_every_key_that_a_schema_knows() {
    let text = markdown();
    let mut keys = 0;
    fn walk(schema: &Value, text: &str, keys: &mut usize) {
        for key in schema["properties"].as_object().into_iter().flatten().map(|(key, _)| key) {
            assert!(text.contains(&format!("| `{key}` |")), "{key}");
            *keys += 1;
        }
        schema["definitions"].as_object().into_iter().flatten().for_each(|(_, of)| walk(of, text, keys));
    }
    for file in files() {
        walk(&file.schema, &text, &mut keys);
    }
    assert!(keys > 250, "{keys}");
    // Every link of the page leads to a heading of it.
    let anchors: Vec<String> = text
        .lines()
        .filter_map(|l| l.strip_prefix("### "))
        .map(|h| h.to_lowercase().replace(' ', "-").replace(['`', '(', ')'], ""))
        .collect();
    for link in text.split("](#").skip(1).map(|rest| rest.split(')').next().unwrap()) {
        assert!(anchors.iter().any(|a| a == link), "#{link} leads nowhere");
    }
}
