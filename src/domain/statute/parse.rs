//! Reading a definition's files: text in, a [`Definition`] or every [`Fault`] of every file out.
//!
//! Whether what was read makes sense is asked by [`super::lint`]. Both find the line of a fault with the
//! [`Locator`], which knows where each key of each file stands.
//!
//! # Not here
//! Files are read, and versions in their folders found, by `config`; this module sees text only.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Language;
use super::definition::{ClauseRow, Codelist, Definition, DocumentKind, RecordType, RegisterSource, Sources};
use super::description::Description;
use super::exchange::Exchange;
use super::procedures::CaseKind;

/// The register itself.
pub const REGISTER_FILE: &str = "register.toml";
/// Code lists.
pub const CODELISTS_FILE: &str = "codelists.toml";
/// Kinds of cases; may be absent.
pub const CASES_FILE: &str = "cases.toml";
/// Profiles of exchange with other registers; may be absent too.
pub const EXCHANGES_FILE: &str = "exchanges.toml";
/// Kinds of base documents.
pub const DOCUMENTS_FILE: &str = "documents.toml";
/// The clauses of the statute.
pub const CLAUSES_FILE: &str = "clauses.toml";
/// The policies.
pub const POLICIES_FILE: &str = "access.cedar";
/// Folder of the record types, a file each.
pub const RECORDS_FOLDER: &str = "records/";

/// How many faults of syntax are told of one file: a file with more is something else.
const MOST_SYNTAX_FAULTS: usize = 20;
/// Keys under which people know an item of a list: the first that it has.
pub(super) const NAMES: [&str; 4] = ["name", "code", "id", "record_type"];
/// What stands in a definition where somebody still has to write something.
pub const BLANK: &str = "FILL-IN";

/// Something wrong with a definition: where, what, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Fault {
    /// File, relative to the definition's folder.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Path inside the file, `field[first_name].codelist`; empty when the file as a whole is meant.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What to do, in one sentence.
    pub advice: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file, self.line)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        write!(f, "{}. {}", self.message, self.advice)
    }
}

/// Reads all files of a definition.
///
/// # Errors
/// All faults of all files: missing and unexpected files, TOML that cannot be read, unknown keys, and the
/// first missing or wrongly typed key of each file.
pub fn parse(sources: &Sources) -> Result<Definition, Vec<Fault>> {
    let mut reader = Reader::new(sources);
    reader.unexpected_files();
    let register = reader.read::<RegisterSource>(REGISTER_FILE);
    let codelists = reader.read::<CodelistsFile>(CODELISTS_FILE);
    let documents = reader.read::<DocumentsFile>(DOCUMENTS_FILE);
    let clauses = reader.read::<ClausesFile>(CLAUSES_FILE);
    let policies = reader.text(POLICIES_FILE);
    let cases = match sources.contains_key(CASES_FILE) {
        true => reader.read::<CasesFile>(CASES_FILE),
        false => Some(CasesFile { cases: Vec::new() }),
    };
    let exchanges = match sources.contains_key(EXCHANGES_FILE) {
        true => reader.read::<ExchangesFile>(EXCHANGES_FILE),
        false => Some(ExchangesFile { exchanges: Vec::new() }),
    };
    let record_types = reader.record_types();
    reader.blanks();
    match (register, codelists, documents, clauses, cases, exchanges, policies) {
        (
            Some(register),
            Some(codelists),
            Some(documents),
            Some(clauses),
            Some(cases),
            Some(exchanges),
            Some(policies),
        ) if reader.faults.is_empty() => Ok(Definition {
            register,
            record_types: in_order_of_statute(record_types, &clauses.clauses),
            codelists: codelists.codelists,
            document_kinds: documents.document_kinds,
            cases: cases.cases,
            exchanges: exchanges.exchanges,
            clauses: clauses.clauses,
            policies: policies.to_owned(),
            digest: digest(sources),
            calendar: None,
        }),
        _ => {
            reader.faults.sort();
            reader.faults.dedup();
            Err(reader.faults)
        }
    }
}

/// Whether the files are a description of a register that is kept elsewhere: its register.toml says where it is kept.
pub fn is_described(sources: &Sources) -> bool {
    // Most have no such word at all, and need not be read for it.
    let Some(text) = sources.get(REGISTER_FILE).filter(|text| text.contains("kept")) else {
        return false;
    };
    let (table, _) = DeTable::parse_recoverable(text);
    top_text(table.get_ref(), "kept").is_some()
}

/// Reads a description of a register that is kept elsewhere: one file, in the language of definitions.
///
/// # Errors
/// All faults: other files, TOML that cannot be read, unknown keys, and the first missing or wrongly typed key.
pub fn parse_description(sources: &Sources) -> Result<Description, Vec<Fault>> {
    let mut reader = Reader::new(sources);
    for path in sources.keys().filter(|path| *path != REGISTER_FILE) {
        reader.fault(
            &Place::file(path),
            "a register that is kept elsewhere has no such file",
            format!("Remove it, or remove `kept` from {REGISTER_FILE} if the register is kept here."),
        );
    }
    let description = reader.read::<Description>(REGISTER_FILE);
    reader.blanks();
    match description {
        Some(mut description) if reader.faults.is_empty() => {
            description.digest = digest(sources);
            Ok(description)
        }
        _ => {
            reader.faults.sort();
            Err(reader.faults)
        }
    }
}

/// The text of a key at the top of a file.
fn top_text<'t>(table: &'t DeTable<'_>, wanted: &str) -> Option<&'t str> {
    table.iter().find(|(key, _)| key.get_ref() == wanted)?.1.get_ref().as_str()
}

/// SHA-256 over the files in the order of their paths, each path and content preceded by its length in bytes
/// (64 bits, big-endian), in lower-case hexadecimal.
pub fn digest(sources: &Sources) -> String {
    let mut hash = Sha256::new();
    for text in sources.iter().flat_map(|(path, content)| [path, content]) {
        // A length in memory always fits; were it not to, the digest would only be of a shorter prefix.
        hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(text.as_bytes());
    }
    let nibbles = hash.finalize().into_iter().flat_map(|byte| [byte >> 4, byte & 0x0f]);
    nibbles.filter_map(|nibble| char::from_digit(u32::from(nibble), 16)).collect()
}

/// The files that hold record types, in the order of their paths.
pub(super) fn record_files(sources: &Sources) -> impl Iterator<Item = &str> {
    sources.keys().map(String::as_str).filter(|path| is_record_file(path))
}

fn is_record_file(path: &str) -> bool {
    path.strip_prefix(RECORDS_FOLDER).is_some_and(|name| !name.contains('/') && has_extension(name, "toml"))
}

fn has_extension(path: &str, extension: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, end)| end.eq_ignore_ascii_case(extension))
}

/// Files are found in the order of their names; the statute's own order is that of its clauses.
fn in_order_of_statute(mut record_types: Vec<RecordType>, clauses: &[ClauseRow]) -> Vec<RecordType> {
    record_types.sort_by_key(|record_type| {
        clauses.iter().position(|row| row.id == record_type.clause).unwrap_or(clauses.len())
    });
    record_types
}

/// Code lists of the register: `codelists.toml`.
#[derive(Deserialize, JsonSchema)]
pub(super) struct CodelistsFile {
    /// Code lists: closed lists of values with the days on which each may be chosen.
    #[serde(default, rename = "codelist")]
    codelists: Vec<Codelist>,
}

/// Kinds of cases: `cases.toml`. The file may be absent.
#[derive(Deserialize, JsonSchema)]
pub(super) struct CasesFile {
    /// Kinds of cases: what can be asked, reported, complained of or ordered.
    #[serde(default, rename = "case")]
    cases: Vec<CaseKind>,
}

/// Profiles of exchange with other registers: `exchanges.toml`. The file may be absent.
#[derive(Deserialize, JsonSchema)]
pub(super) struct ExchangesFile {
    /// Profiles of exchange: which data, in which shape, one way.
    #[serde(default, rename = "exchange")]
    exchanges: Vec<Exchange>,
}

/// Kinds of base documents: `documents.toml`.
#[derive(Deserialize, JsonSchema)]
pub(super) struct DocumentsFile {
    /// Kinds of base documents, without one of which nothing is entered.
    #[serde(default, rename = "document_kind")]
    document_kinds: Vec<DocumentKind>,
}

/// The clauses of the statute, and what realises each: `clauses.toml`.
#[derive(Deserialize, JsonSchema)]
pub(super) struct ClausesFile {
    /// Every clause of the statute, in its order.
    #[serde(default, rename = "clause")]
    clauses: Vec<ClauseRow>,
}

struct Reader<'s> {
    sources: &'s Sources,
    /// Language of the source, which every text of a definition is told: known once register.toml has been read, which
    /// is always the first.
    language: Language,
    locator: Locator<'s>,
    faults: Vec<Fault>,
}

impl<'s> Reader<'s> {
    fn new(sources: &'s Sources) -> Self {
        Self { sources, language: Language::default(), locator: Locator::new(sources), faults: Vec::new() }
    }

    fn fault(&mut self, place: &Place, message: impl Into<String>, advice: impl Into<String>) {
        self.faults.push(self.locator.fault(place, message, advice));
    }

    fn unexpected_files(&mut self) {
        const KNOWN: [&str; 7] =
            [REGISTER_FILE, CASES_FILE, EXCHANGES_FILE, CODELISTS_FILE, DOCUMENTS_FILE, CLAUSES_FILE, POLICIES_FILE];
        for path in self.sources.keys() {
            let meant_for_us = has_extension(path, "toml") || has_extension(path, "cedar");
            if meant_for_us && !KNOWN.contains(&path.as_str()) && !is_record_file(path) {
                self.fault(
                    &Place::file(path),
                    "a definition has no such file",
                    format!("Rename it to one of {}, {RECORDS_FOLDER}<name>.toml, or remove it.", KNOWN.join(", ")),
                );
            }
        }
    }

    /// Blanks that nobody has filled in yet. What else is wrong with their lines follows from that.
    fn blanks(&mut self) {
        for (file, text) in self.sources {
            for (index, line) in text.lines().enumerate().filter(|(_, line)| line.contains(BLANK)) {
                let is_comment = line.trim_start().starts_with(['#', '/']);
                let line = index.saturating_add(1);
                if is_comment {
                    continue;
                }
                self.faults.retain(|fault| fault.file != *file || fault.line != line);
                let message = format!("`{BLANK}` is a blank that nobody has filled in");
                let advice = "Write what belongs here in its place.".to_owned();
                self.faults.push(Fault { file: file.clone(), line, path: String::new(), message, advice });
            }
        }
    }

    fn text(&mut self, file: &str) -> Option<&'s str> {
        let text = self.sources.get(file);
        if text.is_none() {
            self.fault(&Place::file(file), "the file is missing", "Add it to the definition's folder.");
        }
        text.map(String::as_str)
    }

    fn record_types(&mut self) -> Vec<RecordType> {
        let files: Vec<&str> = record_files(self.sources).collect();
        if files.is_empty() {
            self.fault(
                &Place::file(format!("{RECORDS_FOLDER}*.toml")),
                "the register holds nothing: no record type has a file",
                format!("Add a file to {RECORDS_FOLDER} for each kind of thing that the register holds."),
            );
        }
        files.into_iter().filter_map(|file| self.read(file)).collect()
    }

    fn read<T: DeserializeOwned>(&mut self, file: &str) -> Option<T> {
        let (mut table, errors) = DeTable::parse_recoverable(self.text(file)?);
        if file == REGISTER_FILE {
            self.language = top_text(table.get_ref(), "language").and_then(Language::of).unwrap_or_default();
        }
        if !errors.is_empty() {
            self.syntax_faults(file, &errors);
            return None;
        }
        let mut unknown = Vec::new();
        official(table.get_mut(), self.language, &Place::file(file), &mut unknown);
        let read = serde_ignored::deserialize(toml::de::Deserializer::from(table), |path| {
            unknown.push(Place { file: file.to_owned(), steps: steps_of(&path) });
        });
        for place in unknown {
            self.fault(&place, "this key is unknown", "Correct its spelling, move it where it belongs, or remove it.");
        }
        read.inspect_err(|error| self.type_fault(file, error)).ok()
    }

    /// Recovery goes on after the first error of a file, but one line rarely has two, and nobody reads thousands.
    fn syntax_faults(&mut self, file: &str, errors: &[toml::de::Error]) {
        let mut lines = BTreeSet::new();
        for error in errors {
            let line = error.span().map_or(1, |span| self.locator.line_at(file, span.start));
            if lines.len() < MOST_SYNTAX_FAULTS && lines.insert(line) {
                self.faults.push(Fault {
                    file: file.to_owned(),
                    line,
                    path: String::new(),
                    message: format!("this is not TOML: {}", one_line(error.message())),
                    advice: "Correct it; the rest of the file is checked after that.".to_owned(),
                });
            }
        }
    }

    fn type_fault(&mut self, file: &str, error: &toml::de::Error) {
        let place = error.span().map_or_else(|| Place::file(file), |span| self.locator.place_of(file, &span));
        let message = one_line(error.message());
        if let Some(key) = message.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
            let advice = format!("Add `{key}`.");
            self.fault(&place.key(key.to_owned()), format!("the key `{key}` is missing"), advice);
        } else if message.contains("formatted date string") || message.contains("formatted datetime") {
            self.fault(&place, message, "Write the day in quotes, as \"2020-12-31\".");
        } else if message.contains("parse timezone") {
            self.fault(&place, message, "Write a name of the IANA list, such as \"Europe/Tallinn\".");
        } else if let Some((_, expected)) = message.split_once(", expected ") {
            let advice = format!("Write {}.", in_plain_words(expected));
            self.fault(&place, message, advice);
        } else {
            self.fault(&place, message, "Correct this value.");
        }
    }
}

/// Tells every text which of its languages is that of the source. A text is a table of nothing but languages and perhaps
/// the words of the source; a text that says its language itself has a key too many, as the register says it once for all.
fn official(table: &mut DeTable<'_>, language: Language, place: &Place, unknown: &mut Vec<Place>) {
    let is_language = |key: &Spanned<Cow<'_, str>>| Language::of(key.get_ref()).is_some();
    let is_of_texts = |key: &&Spanned<Cow<'_, str>>| key.get_ref() == OFFICIAL || key.get_ref() == VERBATIM;
    let mut keys = table.keys().filter(|key| !is_of_texts(key)).peekable();
    if keys.peek().is_some() && keys.all(is_language) {
        if table.keys().any(|key| key.get_ref() == OFFICIAL) {
            unknown.push(place.key(OFFICIAL));
        }
        let key = Spanned::new(0..0, Cow::Borrowed(OFFICIAL));
        table.insert(key, Spanned::new(0..0, DeValue::String(Cow::Borrowed(language.code()))));
        return;
    }
    for (key, value) in table.iter_mut() {
        // What a move carries is fields by fields, and one may be called like a language.
        if key.get_ref() != "carries" {
            inside(value.get_mut(), language, &place.key(key.get_ref().to_string()), unknown);
        }
    }
}

fn inside(value: &mut DeValue<'_>, language: Language, place: &Place, unknown: &mut Vec<Place>) {
    match value {
        DeValue::Table(table) => official(table, language, place, unknown),
        DeValue::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                inside(item.get_mut(), language, &place.and(Step::Item(index)), unknown);
            }
        }
        DeValue::String(_) | DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => {}
    }
}

/// The key under which a text is told the language of its source.
const OFFICIAL: &str = "official";
/// The key of a text that has the words of the source where the text itself has others.
const VERBATIM: &str = "verbatim";

/// What a library says, as part of a sentence of ours.
fn one_line(message: &str) -> String {
    let words: Vec<&str> = message.split_whitespace().collect();
    words.join(" ").trim_end_matches('.').to_owned()
}

/// What a key takes, as serde calls it, in the words of those who write definitions.
fn in_plain_words(expected: &str) -> &str {
    match expected {
        "u32" | "usize" => "a whole number",
        "a sequence" => "a list in brackets",
        "a boolean" => "true or false",
        "a string" => "a text in quotes",
        _ if expected.starts_with("struct ") => "a table",
        _ => expected,
    }
}

fn steps_of(path: &serde_ignored::Path<'_>) -> Vec<Step> {
    match path {
        serde_ignored::Path::Root => Vec::new(),
        serde_ignored::Path::Seq { parent, index } => {
            let mut steps = steps_of(parent);
            steps.push(Step::Item(*index));
            steps
        }
        serde_ignored::Path::Map { parent, key } => {
            let mut steps = steps_of(parent);
            steps.push(Step::Key(Cow::Owned(key.clone())));
            steps
        }
        serde_ignored::Path::Some { parent }
        | serde_ignored::Path::NewtypeStruct { parent }
        | serde_ignored::Path::NewtypeVariant { parent } => steps_of(parent),
    }
}

/// A place in a definition: a file and the way to a key in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// File, relative to the definition's folder.
    pub file: String,
    /// Way to the key.
    pub steps: Vec<Step>,
}

/// A step on the way to a key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Into a table, by key.
    Key(Cow<'static, str>),
    /// Into a list, by position.
    Item(usize),
    /// Into a list, to the first item of this name (its `name`, `code`, `id` or `record_type`).
    Named(String),
}

impl Place {
    /// A file as a whole.
    pub fn file(file: impl Into<String>) -> Self {
        Self { file: file.into(), steps: Vec::new() }
    }

    /// The key `key` of this table.
    #[must_use]
    pub fn key(&self, key: impl Into<Cow<'static, str>>) -> Self {
        self.and(Step::Key(key.into()))
    }

    /// The item at `index` of the list `key` of this table.
    #[must_use]
    pub fn item(&self, key: impl Into<Cow<'static, str>>, index: usize) -> Self {
        self.key(key).and(Step::Item(index))
    }

    /// The item called `name` of the list `key` of this table.
    #[must_use]
    pub fn named(&self, key: impl Into<Cow<'static, str>>, name: impl Into<String>) -> Self {
        self.key(key).and(Step::Named(name.into()))
    }

    fn and(&self, step: Step) -> Self {
        let mut place = self.clone();
        place.steps.push(step);
        place
    }
}

/// Where each key of each file stands. A file is looked through when something in it is first asked for: of a sound
/// definition hardly any is.
#[derive(Debug, Clone)]
pub struct Locator<'s> {
    files: BTreeMap<&'s str, (&'s str, OnceCell<Located>)>,
}

#[derive(Debug, Clone)]
struct Located {
    root: Node,
    line_starts: Vec<usize>,
}

/// A key, or an item of a list, with what is in it.
#[derive(Debug, Clone)]
struct Node {
    line: usize,
    value: Range<usize>,
    inside: Inside,
}

#[derive(Debug, Clone)]
enum Inside {
    Nothing,
    Text(String),
    Table(BTreeMap<String, Node>),
    List(Vec<Node>),
}

impl<'s> Locator<'s> {
    /// Where everything stands in `sources`, as far as the files can be read.
    pub fn new(sources: &'s Sources) -> Self {
        let file = |(path, text): (&'s String, &'s String)| (path.as_str(), (text.as_str(), OnceCell::new()));
        Self { files: sources.iter().map(file).collect() }
    }

    fn located(&self, file: &str) -> Option<&Located> {
        let (path, (text, located)) = self.files.get_key_value(file)?;
        Some(located.get_or_init(|| Located::new(path, text)))
    }

    /// The line of `place`, from 1. Where a key is absent it is that of the item it should stand in.
    pub fn line(&self, place: &Place) -> usize {
        self.walk(place).last().map_or(1, |(_, node)| node.line)
    }

    /// The line on which the byte at `offset` stands.
    pub fn line_at(&self, file: &str, offset: usize) -> usize {
        self.located(file).map_or(1, |located| line_at(&located.line_starts, offset))
    }

    /// `place` as people write it: `field[first_name].codelist`.
    pub fn path(&self, place: &Place) -> String {
        let mut nodes = self.walk(place).map(|(_, node)| node);
        let words = place.steps.iter().enumerate().map(|(at, step)| {
            let node = nodes.next();
            match step {
                Step::Key(key) if at == 0 => key.to_string(),
                Step::Key(key) => format!(".{key}"),
                Step::Named(name) => format!("[{name}]"),
                Step::Item(index) => match node.and_then(Node::name) {
                    Some(name) => format!("[{name}]"),
                    None => format!("[#{}]", index.saturating_add(1)),
                },
            }
        });
        words.collect()
    }

    /// A fault at `place`.
    pub fn fault(&self, place: &Place, message: impl Into<String>, advice: impl Into<String>) -> Fault {
        Fault {
            file: place.file.clone(),
            line: self.line(place),
            path: self.path(place),
            message: message.into(),
            advice: advice.into(),
        }
    }

    /// The text that is the value at `place`.
    pub(super) fn text(&self, place: &Place) -> Option<&str> {
        let root = self.located(&place.file).map(|located| &located.root);
        let node = place.steps.iter().try_fold(root?, |node, step| node.child(step));
        node?.text()
    }

    /// The nodes on the way to `place`, as far as they are there.
    fn walk<'l>(&'l self, place: &'l Place) -> impl Iterator<Item = (&'l Step, &'l Node)> {
        let mut here = self.located(&place.file).map(|located| &located.root);
        place.steps.iter().map_while(move |step| {
            here = here.and_then(|node| node.child(step));
            here.map(|node| (step, node))
        })
    }

    /// The innermost place whose value stands exactly at `span`.
    fn place_of(&self, file: &str, span: &Range<usize>) -> Place {
        let mut place = Place::file(file);
        if let Some(located) = self.located(file)
            && let Some(steps) = located.root.find(span)
        {
            place.steps = steps;
        }
        place
    }
}

impl Located {
    fn new(path: &str, text: &str) -> Self {
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at.saturating_add(1));
        let line_starts: Vec<usize> = std::iter::once(0).chain(newlines).collect();
        let mut root = Node { line: 1, value: 0..0, inside: Inside::Nothing };
        if has_extension(path, "toml") {
            let (table, _) = DeTable::parse_recoverable(text);
            root.inside = table_of(table.get_ref(), &line_starts);
        }
        Self { root, line_starts }
    }
}

impl Node {
    fn new(line: usize, value: &Spanned<DeValue<'_>>, line_starts: &[usize]) -> Self {
        let inside = match value.get_ref() {
            DeValue::Table(table) => table_of(table, line_starts),
            DeValue::Array(items) => {
                let item = |item| Self::new(line_at(line_starts, Spanned::span(item).start), item, line_starts);
                Inside::List(items.iter().map(item).collect())
            }
            DeValue::String(text) => Inside::Text(text.to_string()),
            DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => Inside::Nothing,
        };
        Self { line, value: value.span(), inside }
    }

    fn child(&self, step: &Step) -> Option<&Self> {
        match (step, &self.inside) {
            (Step::Key(key), Inside::Table(keys)) => keys.get(key.as_ref()),
            (Step::Item(index), Inside::List(items)) => items.get(*index),
            (Step::Named(name), Inside::List(items)) => items.iter().find(|node| node.name() == Some(name)),
            _ => None,
        }
    }

    fn text(&self) -> Option<&str> {
        match &self.inside {
            Inside::Text(text) => Some(text),
            Inside::Nothing | Inside::Table(_) | Inside::List(_) => None,
        }
    }

    /// The name under which people know an item of a list.
    fn name(&self) -> Option<&str> {
        let Inside::Table(keys) = &self.inside else {
            return None;
        };
        NAMES.iter().find_map(|key| keys.get(*key)?.text())
    }

    fn find(&self, span: &Range<usize>) -> Option<Vec<Step>> {
        let deeper = match &self.inside {
            Inside::Nothing | Inside::Text(_) => None,
            Inside::Table(keys) => keys
                .iter()
                .find_map(|(key, node)| node.find(span).map(|steps| with(Step::Key(Cow::Owned(key.clone())), steps))),
            Inside::List(items) => items
                .iter()
                .enumerate()
                .find_map(|(index, node)| node.find(span).map(|steps| with(Step::Item(index), steps))),
        };
        deeper.or_else(|| (self.value == *span).then(Vec::new))
    }
}

fn with(first: Step, mut rest: Vec<Step>) -> Vec<Step> {
    rest.insert(0, first);
    rest
}

fn table_of(table: &DeTable<'_>, line_starts: &[usize]) -> Inside {
    let node = |(key, value): (&Spanned<Cow<'_, str>>, &Spanned<DeValue<'_>>)| {
        let line = line_at(line_starts, key.span().start);
        (key.get_ref().to_string(), Node::new(line, value, line_starts))
    };
    Inside::Table(table.iter().map(node).collect())
}

fn line_at(line_starts: &[usize], offset: usize) -> usize {
    line_starts.partition_point(|start| *start <= offset).max(1)
}

#[cfg(test)]
mod tests {
    use super::super::lint::example::{changed, definition, sources};
    use super::*;

    fn told(sources: &Sources) -> Vec<String> {
        parse(sources).unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_definition_is_read_in_the_order_of_its_clauses() {
        let definition = definition();
        let names: Vec<&str> = definition.record_types.iter().map(|t| t.name.as_str()).collect();
        assert_eq!(names, ["harbour", "skipper", "boat", "voyage"]);
        assert_eq!(definition.register.short_name, "boats-1");
        assert_eq!(definition.codelists.len(), 9);
        assert_eq!(definition.document_kinds.len(), 2);
        assert_eq!(definition.clauses.len(), 13);
        assert!(definition.policies.contains("permit"));
    }

    #[test]
    fn the_digest_is_that_of_paths_and_contents() {
        let one: Sources = [("a".to_owned(), "bc".to_owned())].into();
        // printf '\0\0\0\0\0\0\0\1a\0\0\0\0\0\0\0\2bc' | sha256sum
        assert_eq!(digest(&one), "3fafa1cf2f19a7c1129beb20cf0983f73a489a221fc0dd2f16d1be292d089205");
        let moved: Sources = [("ab".to_owned(), "c".to_owned())].into();
        assert_ne!(digest(&one), digest(&moved));
        assert_eq!(definition().digest, digest(&sources()));
    }

    #[test]
    fn a_missing_file_is_a_fault() {
        for file in [REGISTER_FILE, CODELISTS_FILE, DOCUMENTS_FILE, CLAUSES_FILE, POLICIES_FILE] {
            let mut sources = sources();
            sources.remove(file);
            assert_eq!(told(&sources), [format!("{file}:1: the file is missing. Add it to the definition's folder.")]);
        }
        let mut sources = sources();
        sources.retain(|path, _| !path.starts_with(RECORDS_FOLDER));
        assert_eq!(
            told(&sources),
            ["records/*.toml:1: the register holds nothing: no record type has a file. \
              Add a file to records/ for each kind of thing that the register holds."]
        );
    }

    #[test]
    fn a_file_that_does_not_belong_here_is_a_fault_unless_it_is_for_people() {
        let mut sources = sources();
        sources.insert("README.md".into(), "Boats.".into());
        assert!(parse(&sources).is_ok());
        sources.insert("code-lists.toml".into(), String::new());
        sources.insert("records/old/boat.toml".into(), String::new());
        let told = told(&sources);
        assert_eq!(told.len(), 2);
        assert!(
            told[0].starts_with("code-lists.toml:1: a definition has no such file. Rename it to one of register.toml,")
        );
        assert!(told[1].starts_with("records/old/boat.toml:1: a definition has no such file."));
    }

    #[test]
    fn every_file_that_is_not_toml_is_told_of_with_its_line() {
        let mut sources = changed(CLAUSES_FILE, "gist = \"Says why it is kept.\"", "gist = Says why it is kept.");
        let documents = sources[DOCUMENTS_FILE].replacen("[[document_kind]]", "[[document_kind]", 1);
        sources.insert(DOCUMENTS_FILE.into(), documents);
        let told = told(&sources);
        assert!(told[0].starts_with("clauses.toml:9: this is not TOML: "), "{told:?}");
        assert!(told.iter().any(|fault| fault.starts_with("documents.toml:2: this is not TOML: ")), "{told:?}");
        assert!(
            told.iter().all(|fault| { fault.ends_with("Correct it; the rest of the file is checked after that.") })
        );
    }

    #[test]
    fn a_key_given_twice_is_told_of() {
        let twice = changed(REGISTER_FILE, "country = \"FI\"", "country = \"FI\"\ncountry = \"EE\"");
        assert_eq!(
            told(&twice),
            [
                "register.toml:5: this is not TOML: duplicate key. Correct it; the rest of the file is checked after that."
            ]
        );
    }

    #[test]
    fn every_unknown_key_of_every_file_is_told_of() {
        let boat = "records/boat.toml";
        let mut sources = changed(boat, "within_code = \"class\"", "within_code = \"class\"\nwithin = \"class\"");
        let text = sources[boat].replace("name = \"begins_on\"", "colour = \"red\"\nname = \"begins_on\"");
        let text = text.replace("is = true }", "is = true, was = true }");
        sources.insert(boat.into(), format!("colour = \"blue\"{text}"));
        let told = told(&sources);
        let ends: Vec<&str> = told.iter().map(|fault| fault.split(": this key").next().unwrap()).collect();
        assert_eq!(
            ends,
            [
                "records/boat.toml:1: colour",
                "records/boat.toml:49: field[rig].within",
                "records/boat.toml:167: field[policy].required_when.was",
                "records/boat.toml:192: field[checks].part[begins_on].colour",
            ]
        );
        assert!(
            told[0].ends_with("this key is unknown. Correct its spelling, move it where it belongs, or remove it.")
        );
    }

    #[test]
    fn missing_and_wrongly_typed_keys_are_told_with_the_line_and_path() {
        for (file, from, to, fault) in [
            (
                "records/boat.toml",
                "title = [\"name\", \"checks[kind=hull]/number\"]",
                "",
                "records/boat.toml:1: title: the key `title` is missing. Add `title`.",
            ),
            (
                "records/boat.toml",
                "name = \"built\"\ntype = \"year\"",
                "name = \"built\"",
                "records/boat.toml:87: field[built].type: the key `type` is missing. Add `type`.",
            ),
            (
                "records/boat.toml",
                "name = \"built\"\ntype = \"year\"",
                "name = \"built\"\ntype = \"years\"",
                "records/boat.toml:89: field[built].type: unknown variant `years`, expected one of `text`, `multiline`, \
                 `integer`, `decimal`, `money`, `date`, `year`, `boolean`, `code`, `language`, `country`, `percentage`, \
                 `load`, `personal_code`, `registry_code`, `email`, `phone`, `iban`, `address`, `file`, `reference`, \
                 `group`. Write one of `text`, `multiline`, `integer`, `decimal`, `money`, `date`, `year`, `boolean`, \
                 `code`, `language`, `country`, `percentage`, `load`, `personal_code`, `registry_code`, `email`, `phone`, \
                 `iban`, `address`, `file`, `reference`, `group`.",
            ),
            (
                "records/boat.toml",
                "scale = 1",
                "scale = \"1\"",
                "records/boat.toml:80: field[length_over_all].scale: invalid type: string \"1\", expected u32. Write a whole number.",
            ),
            (
                "register.toml",
                "adopted = \"2020-01-10\"",
                "adopted = 2020-01-10",
                "register.toml:18: act.adopted: invalid type: map, expected a formatted date string. \
                 Write the day in quotes, as \"2020-12-31\".",
            ),
            (
                "register.toml",
                "\"Europe/Helsinki\"",
                "\"Europe/Boats\"",
                "register.toml:5: time_zone: failed to parse timezone: 'Europe/Boats'. \
                 Write a name of the IANA list, such as \"Europe/Tallinn\".",
            ),
            (
                "codelists.toml",
                "{ code = \"storm\", label",
                "{ label",
                "codelists.toml:70: codelist[leaving].code[#1].code: the key `code` is missing. Add `code`.",
            ),
        ] {
            assert_eq!(told(&changed(file, from, to)), [fault]);
        }
    }

    #[test]
    fn a_place_is_found_by_position_and_by_name() {
        let sources = sources();
        let locator = Locator::new(&sources);
        let boat = Place::file("records/boat.toml");
        let by_name = boat.named("field", "checks").named("part", "kind").key("codelist");
        assert_eq!(locator.line(&by_name), 181);
        assert_eq!(locator.path(&by_name), "field[checks].part[kind].codelist");
        let by_position = boat.item("field", 0).key("index");
        assert_eq!(locator.line(&by_position), 32);
        assert_eq!(locator.path(&by_position), "field[name].index");
    }

    #[test]
    fn what_is_absent_is_found_where_it_should_stand() {
        let sources = sources();
        let locator = Locator::new(&sources);
        let boat = Place::file("records/boat.toml");
        assert_eq!(locator.line(&boat.named("field", "checks").key("basis")), 168);
        assert_eq!(locator.line(&boat.key("colour")), 1);
        assert_eq!(locator.line(&Place::file("nowhere.toml").key("x")), 1);
        assert_eq!(locator.path(&boat.item("field", 999).key("name")), "field[#1000].name");
        let registers = Place::file(REGISTER_FILE);
        assert_eq!(locator.line(&registers.key("act").key("end")), 13);
        let last = sources[REGISTER_FILE].lines().count();
        assert_eq!(locator.line_at(REGISTER_FILE, usize::MAX), last + 1);
    }
}
