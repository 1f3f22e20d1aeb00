//! The reference of every key of a definition, as Markdown, from the schemas.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;

use serde_json::Value;

use super::{FileSchema, files};

const HEAD: &str = "# The definition language

Every key of every file of a definition: what it means, what it takes, whether it must be there. This page is generated
from the code that reads definitions (`andmekogu schema --markdown`); the JSON Schemas for editors are in `config/schema`.
How a register comes of it, step by step, is told in [adding-a-register.md](adding-a-register.md).

A definition is a folder `config/registers/<short name>/`. Further versions of the same statute stand in
`versions/<first day in force>/` below it, each with all its files. `access.cedar` holds the policies, in the language
[Cedar](https://docs.cedarpolicy.com).

Repeated tables are written `[[role]]`; a table in a table `[act]` or `name = { et = \"…\", en = \"…\" }`. Days are texts in
quotes, `\"2026-12-31\"`. A path names a field: `name`, `group/part`, or `list[part=value]/part` for the first item of a list
whose part has that value.

";

/// A part of the page: a table with a heading of its own.
struct Part<'s> {
    heading: String,
    schema: &'s Value,
    /// Name among the definitions, under which it is written once.
    name: Option<String>,
}

struct Page<'s> {
    text: String,
    /// Definitions that have their part of the page already.
    told: BTreeSet<String>,
    /// The heading of each definition.
    headings: BTreeMap<String, String>,
    /// The schema that is being written.
    root: &'s Value,
    later: VecDeque<Part<'s>>,
}

/// The reference of every key.
pub fn markdown() -> String {
    let files = files();
    let mut text = HEAD.to_owned();
    let (mut told, mut headings) = (BTreeSet::new(), BTreeMap::new());
    for file in &files {
        let mut page = Page { text, told, headings, root: &file.schema, later: VecDeque::new() };
        page.file(file);
        (text, told, headings) = (page.text, page.told, page.headings);
    }
    format!("{}\n", text.trim_end())
}

impl<'s> Page<'s> {
    fn file(&mut self, file: &'s FileSchema) {
        self.line(&format!("## {}\n", file.of));
        let root = self.root;
        self.describe(root);
        match root.get("oneOf").and_then(Value::as_array) {
            Some(either) => {
                for one in either {
                    let (name, schema) = self.resolved(one);
                    let heading = if schema.pointer("/properties/kept").is_some() {
                        "A register that is kept elsewhere"
                    } else {
                        "A register that is kept here"
                    };
                    self.later.push_back(Part { heading: heading.to_owned(), schema, name });
                }
            }
            None => self.table(root),
        }
        while let Some(part) = self.later.pop_front() {
            if part.name.as_ref().is_some_and(|name| !self.told.insert(name.clone())) {
                continue;
            }
            self.line(&format!("### {}\n", part.heading));
            self.describe(part.schema);
            self.table(part.schema);
            self.values(part.schema);
        }
    }

    fn line(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    fn describe(&mut self, schema: &Value) {
        if let Some(text) = schema.get("description").and_then(Value::as_str) {
            let text = format!("{text}\n");
            self.line(&text);
        }
    }

    /// The keys of a table.
    fn table(&mut self, schema: &'s Value) {
        let Some(keys) = schema.get("properties").and_then(Value::as_object) else { return };
        let required: Vec<&str> =
            schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        self.line("| key | takes | if absent | meaning |\n| --- | --- | --- | --- |");
        for (key, of) in keys {
            let meaning = of.get("description").and_then(Value::as_str).unwrap_or_default();
            let absent = match of.get("default") {
                _ if required.contains(&key.as_str()) => "**must be there**".to_owned(),
                Some(Value::Bool(false)) => "no".to_owned(),
                Some(Value::Array(items)) if items.is_empty() => "none".to_owned(),
                Some(Value::String(text)) if text.is_empty() => "blank".to_owned(),
                Some(Value::Object(map)) if map.is_empty() => "none".to_owned(),
                Some(default) => format!("`{default}`"),
                None => match of.get("type").and_then(Value::as_str) {
                    Some("array") => "none".to_owned(),
                    Some("boolean") => "no".to_owned(),
                    _ => "nothing".to_owned(),
                },
            };
            let takes = self.takes(of, key);
            let row = format!("| `{key}` | {takes} | {absent} | {} |", meaning.replace('|', "\\|"));
            self.line(&row);
        }
        self.line("");
    }

    /// What a key takes, in a few words; tables and closed lists get their own part of the page.
    fn takes(&mut self, schema: &'s Value, key: &str) -> String {
        let (name, of) = self.resolved(schema);
        if let Some(choices) = words_of(of) {
            let listed = choices.iter().map(|(word, _)| format!("`{word}`")).collect::<Vec<_>>().join(", ");
            return match name {
                Some(name) if choices.iter().any(|(_, meaning)| !meaning.is_empty()) => self.linked(name, of, key, ""),
                _ if choices.len() > 12 => format!("one of {} words: {listed}", choices.len()),
                _ => listed,
            };
        }
        match of.get("type").and_then(Value::as_str) {
            Some("array") => match of.get("items") {
                Some(items) if items.is_array() || of.get("minItems").is_some() => "two numbers in brackets".to_owned(),
                Some(items) => {
                    let (name, inner) = self.resolved(items);
                    match name.filter(|_| inner.get("properties").is_some()) {
                        Some(name) => self.linked(name, inner, key, "tables "),
                        None => format!("list of: {}", self.takes(items, key)),
                    }
                }
                None => "list".to_owned(),
            },
            Some("object") if of.get("properties").is_some() => match name {
                Some(name) => self.linked(name, of, key, "table "),
                None => "table".to_owned(),
            },
            Some("object") => "table of texts by name".to_owned(),
            Some("boolean") => "`true` or `false`".to_owned(),
            Some("integer") => "whole number".to_owned(),
            Some("string") if of.get("format").is_some_and(|f| f == "date") => "day".to_owned(),
            Some("string") => match name.as_deref() {
                Some("Clause") => "clause".to_owned(),
                Some("Term") => "term (`P30D`, `P2W`, `P1M`, `P1Y`, `PT72H`, `5 working days`)".to_owned(),
                _ => "text".to_owned(),
            },
            _ => match (name, of.get("anyOf").and_then(Value::as_array)) {
                (_, Some(choices)) => {
                    let choices: Vec<String> = choices.iter().map(|choice| self.choice(choice)).collect();
                    choices.join(", or ")
                }
                _ => "any value".to_owned(),
            },
        }
    }

    /// One of several shapes.
    fn choice(&mut self, schema: &'s Value) -> String {
        match schema.get("properties").and_then(Value::as_object) {
            Some(keys) => {
                let keys: Vec<String> = keys.keys().map(|key| format!("{key} = […]")).collect();
                format!("`{{ {} }}`", keys.join(", "))
            }
            None => self.takes(schema, ""),
        }
    }

    fn linked(&mut self, name: String, schema: &'s Value, key: &str, what: &str) -> String {
        let heading = self.headings.entry(name.clone()).or_insert_with(|| title(&name, key)).clone();
        let anchor = anchor(&heading);
        let link = format!("{what}[{heading}](#{anchor})");
        self.later.push_back(Part { heading, schema, name: Some(name) });
        link
    }

    /// The words of a closed list, with what each means.
    fn values(&mut self, schema: &Value) {
        let Some(words) = words_of(schema) else { return };
        for (word, meaning) in words {
            let mut line = format!("- `{word}`");
            if !meaning.is_empty() {
                // Writing to a String cannot fail.
                let _ = write!(line, ": {meaning}");
            }
            self.line(&line);
        }
        self.line("");
    }

    /// What a schema refers to, with its name.
    fn resolved(&self, schema: &'s Value) -> (Option<String>, &'s Value) {
        let within = schema.get("allOf").and_then(|all| all.get(0)).unwrap_or(schema);
        let reference = within.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix("#/definitions/"));
        match reference.and_then(|name| Some((name, self.root.get("definitions")?.get(name)?))) {
            Some((name, schema)) => (Some(name.to_owned()), schema),
            None => (None, within),
        }
    }
}

/// The words of a closed list of texts, each with its meaning.
fn words_of(schema: &Value) -> Option<Vec<(String, String)>> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        return words.iter().map(|word| Some((text(word)?, String::new()))).collect();
    }
    if let Some(choices) = schema.get("oneOf").and_then(Value::as_array) {
        let nested: Option<Vec<Vec<(String, String)>>> = choices
            .iter()
            .map(|choice| {
                let meaning = choice.get("description").and_then(text).unwrap_or_default();
                match choice.get("const").and_then(text) {
                    Some(word) => Some(vec![(word, meaning)]),
                    None => choice.get("enum").is_some().then(|| words_of(choice)).flatten(),
                }
            })
            .collect();
        return nested.map(|lists| lists.into_iter().flatten().collect());
    }
    schema.get("const").and_then(text).map(|word| vec![(word, String::new())])
}

/// The heading of a type that is the value of `key`.
fn title(name: &str, key: &str) -> String {
    match name {
        "Label" => "A text in languages".to_owned(),
        "Item" => "A named statement".to_owned(),
        "Condition" => "A condition".to_owned(),
        "Language" => "Languages".to_owned(),
        "Behaviour" => "Behaviours".to_owned(),
        "Take" => "What is computed".to_owned(),
        "Then" => "What becomes of data".to_owned(),
        _ => {
            let mut words = String::new();
            for (n, letter) in name.chars().enumerate() {
                if n > 0 && letter.is_ascii_uppercase() {
                    words.push(' ');
                }
                words.push(if n == 0 { letter } else { letter.to_ascii_lowercase() });
            }
            if key.is_empty() { words } else { format!("{words} (`{key}`)") }
        }
    }
}

/// The address of a heading, as Markdown on the web makes it.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase();
    kept.chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}
