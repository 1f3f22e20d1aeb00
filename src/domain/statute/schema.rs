//! JSON Schema of the definition language, and the reference of every key, both made from the types that read it: what
//! an editor offers and marks is what [`super::parse`] takes.
//!
//! Draft 7, since that is what editors of TOML understand (taplo). Whether what was written makes sense as a whole is
//! still for `check` to say: a schema sees one file at a time.

mod reference;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use super::behaviour::BEHAVIOURS;
use super::definition::{RecordType, RegisterSource};
use super::description::{Description, Part};
use super::lint::register::COUNTRIES;
use super::parse::{
    CASES_FILE, CLAUSES_FILE, CODELISTS_FILE, CasesFile, ClausesFile, CodelistsFile, DOCUMENTS_FILE, DocumentsFile,
    EXCHANGES_FILE, ExchangesFile, REGISTER_FILE,
};

pub use reference::markdown;

/// The schema of one kind of file of a definition.
#[derive(Debug, Clone, PartialEq)]
pub struct FileSchema {
    /// Name of the schema's own file.
    pub name: &'static str,
    /// Which files it is of, relative to a definition's folder.
    pub of: &'static str,
    /// The schema.
    pub schema: Value,
}

impl FileSchema {
    /// The schema as its file has it.
    pub fn text(&self) -> String {
        format!("{:#}\n", self.schema)
    }
}

/// The schemas of all files of a definition.
pub fn files() -> Vec<FileSchema> {
    vec![
        FileSchema { name: "register.schema.json", of: REGISTER_FILE, schema: register() },
        one::<RecordType>("record.schema.json", "records/*.toml"),
        one::<CodelistsFile>("codelists.schema.json", CODELISTS_FILE),
        one::<DocumentsFile>("documents.schema.json", DOCUMENTS_FILE),
        one::<CasesFile>("cases.schema.json", CASES_FILE),
        one::<ExchangesFile>("exchanges.schema.json", EXCHANGES_FILE),
        one::<ClausesFile>("clauses.schema.json", CLAUSES_FILE),
    ]
}

fn one<T: JsonSchema>(name: &'static str, of: &'static str) -> FileSchema {
    FileSchema { name, of, schema: tidied(generated::<T>()) }
}

fn generated<T: JsonSchema>() -> Value {
    let schema: Schema = SchemaSettings::draft07().into_generator().into_root_schema_for::<T>();
    schema.into()
}

/// A register.toml is that of a register kept here, or the description of one kept elsewhere.
fn register() -> Value {
    let (here, elsewhere) = (generated::<RegisterSource>(), generated::<Description>());
    let mut definitions = Map::new();
    let mut part = |mut schema: Value, title: &str| {
        if let Some(map) = schema.as_object_mut() {
            if let Some(Value::Object(own)) = map.remove("definitions") {
                definitions.extend(own);
            }
            map.remove("$schema");
        }
        definitions.insert(title.to_owned(), schema);
        json!({ "$ref": format!("#/definitions/{title}") })
    };
    let either = [part(here, "RegisterSource"), part(elsewhere, "Description")];
    tidied(json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "register.toml",
        "description": "`register.toml`: the register itself, kept here, or the description of one that is kept elsewhere.",
        "oneOf": either,
        "definitions": definitions,
    }))
}

/// What the types cannot say: no key but these, nothing for nothing, closed lists that stand in tables of the code.
fn tidied(mut schema: Value) -> Value {
    tidy(&mut schema);
    let behaviours: Vec<Value> =
        BEHAVIOURS.iter().map(|b| json!({ "type": "string", "const": b.name, "description": b.does })).collect();
    let behaviour = json!({ "description": "What the engine can do for a clause.", "oneOf": behaviours });
    let parts: Vec<String> = Part::ALL.iter().map(|part| format!("`{}`", part.as_str())).collect();
    let statement =
        format!("What else the source says. Under these names the public description finds it: {}.", parts.join(", "));
    let lists = [
        ("/definitions/Behaviour", behaviour),
        ("/definitions/ClauseRow/properties/behaviours/items", json!({ "$ref": "#/definitions/Behaviour" })),
        ("/definitions/RegisterSource/properties/statement/description", json!(statement)),
        ("/definitions/Description/properties/statement/description", json!(statement)),
        ("/definitions/RegisterSource/properties/country/enum", json!(COUNTRIES)),
        ("/definitions/Description/properties/country/enum", json!(COUNTRIES)),
        ("/definitions/Field/properties/country/enum", json!(COUNTRIES)),
    ];
    for (place, value) in lists {
        if let Some((owner, key)) = place.rsplit_once('/')
            && let Some(Value::Object(owner)) = schema.pointer_mut(owner)
            && (key != "Behaviour" || owner.contains_key("ClauseRow"))
        {
            owner.insert(key.to_owned(), value);
        }
    }
    if let Some(Value::Object(label)) = schema.pointer_mut("/definitions/Label") {
        label.insert("minProperties".to_owned(), json!(1));
    }
    schema
}

fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::String(text)) = map.get_mut("description") {
                *text = plain(text);
            }
            // TOML has no null: what is not said is left out.
            if let Some(Value::Array(types)) = map.get_mut("type") {
                types.retain(|t| t != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    map.insert("type".to_owned(), only);
                }
            }
            for key in ["anyOf", "oneOf"] {
                if let Some(Value::Array(choices)) = map.get_mut(key) {
                    let before = choices.len();
                    choices.retain(|choice| choice.get("type").is_none_or(|t| t != "null"));
                    if let [only] = choices.as_slice()
                        && before > 1
                    {
                        let only = only.clone();
                        map.remove(key);
                        map.insert("allOf".to_owned(), json!([only]));
                    }
                }
            }
            if map.get("default").is_some_and(Value::is_null) {
                map.remove("default");
            }
            // Widths of the program's own numbers.
            if map.get("format").and_then(Value::as_str).is_some_and(|f| f.starts_with("uint")) {
                map.remove("format");
            }
            if map.contains_key("properties") {
                map.insert("additionalProperties".to_owned(), Value::Bool(false));
            }
            map.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A doc comment without its links and line breaks.
fn plain(doc: &str) -> String {
    let words: Vec<&str> = doc.split_whitespace().collect();
    let mut text = words.join(" ");
    while let Some((before, inner, after)) = link(&text) {
        let name = inner.rsplit("::").next().unwrap_or(&inner).to_owned();
        text = format!("{before}`{name}`{after}");
    }
    text
}

/// The first ``[`link`]`` with what stands around it.
fn link(text: &str) -> Option<(String, String, String)> {
    let (before, rest) = text.split_once("[`")?;
    let (inner, after) = rest.split_once("`]")?;
    Some((before.to_owned(), inner.to_owned(), after.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> Value {
        files().into_iter().find(|f| f.of == name).unwrap().schema
    }

    #[test]
    fn every_key_says_what_it_means_in_a_sentence() {
        fn walk(place: &str, schema: &Value) {
            for (key, of) in schema["properties"].as_object().into_iter().flatten() {
                let said = of["description"].as_str().unwrap_or_default();
                assert!(said.ends_with(['.', ')', '`']) && said.len() > 8, "{place}.{key}: {said:?}");
                assert!(!said.contains("[`") && !said.contains('\n'), "{place}.{key}: {said}");
            }
            for (name, of) in schema["definitions"].as_object().into_iter().flatten() {
                walk(name, of);
            }
        }
        for file in files() {
            walk(file.of, &file.schema);
        }
    }

    #[test]
    fn the_language_of_a_text_is_said_once_for_all_and_not_in_a_text() {
        let keys = file("cases.toml")["definitions"]["Label"]["properties"].clone();
        assert_eq!(keys.as_object().unwrap().keys().collect::<Vec<_>>(), ["et", "en", "fi", "sv", "verbatim"]);
    }

    #[test]
    fn links_of_doc_comments_become_words() {
        assert_eq!(plain("From\n[`super::behaviour`], see [`Field`]."), "From `behaviour`, see `Field`.");
        assert_eq!(plain("`[x]` and [`open"), "`[x]` and [`open");
    }
}
