//! What may be wrong with a definition: every fault with its file, its line and what to do about it.
//!
//! [`super::parse`] has read the files; here we ask whether they make sense together. A definition with a
//! single fault is not served, so a rule stands here if and only if its breach would make the engine do
//! something that the statute does not say, or nothing where it says something.
//!
//! One file each: `register` for what stands in `register.toml`, `records` for a record type as a whole,
//! `fields` for each field, with its `options` and `conditions`, `derived` for computed values, `rules` for
//! rules between fields, `codelists` for these and document kinds, `procedures` for kinds of cases and contacts,
//! `described` for registers that are kept elsewhere, `releases` for what leaves the register and when rights end, `duties` for who holds, checks, queues, moves and
//! confirms, `promises` for what is published and what it promises, `exchanges` for sources of values and exchange with other registers, `clauses`, and `duplicates`.
//!
//! # Not here
//! Policies are judged by the policy engine: [`lint_with`] takes its faults along. Here they are only text,
//! of which the clauses are checked.

mod clauses;
mod codelists;
mod conditions;
mod derived;
mod described;
mod duplicates;
mod duties;
#[cfg(test)]
pub(in crate::domain) mod example;
mod exchanges;
mod fields;
mod options;
mod procedures;
mod promises;
mod records;
pub(super) mod register;
mod releases;
mod rules;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Deref, DerefMut};

use serde::Serialize;

use super::definition::{Codelist, Definition, Field, FieldType, Item, RecordType, Sources};
use super::description::Description;
use super::parse::{Fault, Locator, Place, RECORDS_FOLDER, record_files};
use super::path::{FieldPath, is_machine_name};
use super::{Clause, Label, Language};

pub use register::is_short_name;
pub(super) use register::level_of;

/// All faults of a definition, by file and line. `sources` are the files that it was parsed from.
pub fn lint(definition: &Definition, sources: &Sources) -> Vec<Fault> {
    lint_with(definition, sources, |_| Vec::new())
}

/// As [`lint`], with the faults that `policies` finds in the policy text among them.
pub fn lint_with(
    definition: &Definition,
    sources: &Sources,
    policies: impl FnOnce(&Definition) -> Vec<Fault>,
) -> Vec<Fault> {
    let mut lint = Lint::new(definition, sources);
    lint.register();
    lint.record_types();
    lint.codelists();
    lint.document_kinds();
    lint.procedures();
    lint.releases();
    lint.exchanges();
    lint.clauses();
    lint.policy_clauses();
    lint.duplicate_lists();
    lint.faults.extend(policies(definition));
    lint.found.told()
}

/// All faults of a description of a register that is kept elsewhere, by line.
pub fn lint_description(description: &Description, sources: &Sources) -> Vec<Fault> {
    let mut found = Findings {
        locator: Locator::new(sources),
        clauses: None,
        language: description.language,
        languages: description.languages(),
        faults: Vec::new(),
    };
    found.description(description);
    found.told()
}

/// The security level that follows from a class (`K1T1S2`), nothing for what is no class.
pub(crate) fn security_level(class: &str) -> Option<&'static str> {
    register::level_of(class)
}

/// A definition under examination.
struct Lint<'a> {
    definition: &'a Definition,
    /// File of each record type, in the definition's order.
    files: Vec<String>,
    found: Findings<'a>,
}

/// What was found so far, and what is needed to say it: the same for definitions and descriptions.
struct Findings<'a> {
    locator: Locator<'a>,
    /// The clauses that there are; where nothing lists them, any.
    clauses: Option<BTreeSet<&'a str>>,
    /// Language of the source.
    language: Language,
    /// Languages in which every text must be there.
    languages: Vec<Language>,
    faults: Vec<Fault>,
}

impl<'a> Deref for Lint<'a> {
    type Target = Findings<'a>;

    fn deref(&self) -> &Findings<'a> {
        &self.found
    }
}

impl DerefMut for Lint<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.found
    }
}

impl<'a> Lint<'a> {
    fn new(definition: &'a Definition, sources: &'a Sources) -> Self {
        let locator = Locator::new(sources);
        let register = &definition.register;
        Self {
            definition,
            files: files_of(&definition.record_types, sources, &locator),
            found: Findings {
                locator,
                clauses: Some(definition.clauses.iter().map(|row| row.id.0.as_str()).collect()),
                language: register.language,
                languages: register.languages.clone(),
                faults: Vec::new(),
            },
        }
    }

    /// The place of the record type at `index`.
    fn record_place(&self, index: usize) -> Place {
        Place::file(self.files.get(index).cloned().unwrap_or_default())
    }

    fn record_type(&self, name: &str) -> Option<&'a RecordType> {
        self.definition.record_types.iter().find(|t| t.name == name)
    }

    fn record_type_names(&self) -> Vec<&'a str> {
        self.definition.record_types.iter().map(|t| t.name.as_str()).collect()
    }

    fn codelist(&self, name: Option<&String>) -> Option<&'a Codelist> {
        name.and_then(|name| self.definition.codelists.iter().find(|list| list.name == *name))
    }

    /// The field that `text` names among `fields`, a single value.
    fn path(&mut self, place: &Place, text: &str, owner: &str, fields: &'a [Field]) -> Option<&'a Field> {
        let field = self.open_path(place, text, owner, fields)?;
        let path = FieldPath::parse(text).ok()?;
        match path.open_list(fields) {
            None => Some(field),
            Some(list) => {
                let list = &list.name;
                self.fault(
                    place,
                    format!("`{text}` has many values, as `{list}` is a list"),
                    format!("Choose an item, as in `{list}[part=value]/…`, or name a field that is not in a list."),
                );
                None
            }
        }
    }

    /// As [`Self::path`], but it may lead into lists.
    fn open_path(&mut self, place: &Place, text: &str, owner: &str, fields: &'a [Field]) -> Option<&'a Field> {
        let path = match FieldPath::parse(text) {
            Ok(path) => path,
            Err(fault) => {
                self.fault(
                    place,
                    format!("`{text}` is not a path: {fault}"),
                    "Write it as `field`, `group/part` or `list[part=value]/part`.",
                );
                return None;
            }
        };
        let field = path.resolve(fields);
        if field.is_none() {
            self.fault(place, format!("`{text}` names no field of {owner}"), "Correct the path, or add the field.");
        }
        self.choices(place, &path, fields);
        field
    }

    /// The codes by which a path chooses items must be codes.
    fn choices(&mut self, place: &Place, path: &FieldPath, fields: &'a [Field]) {
        for (step, field) in path.steps().iter().zip(path.along(fields)) {
            let Some((choice, field)) = step.chosen.as_ref().zip(field) else {
                continue;
            };
            let part = field.parts.iter().find(|p| p.name == choice.part);
            if let Some(list) = part.and_then(|p| self.codelist(p.codelist.as_ref()))
                && !list.codes.iter().any(|code| code.code == choice.value)
            {
                let codes: Vec<&str> = list.codes.iter().map(|code| code.code.as_str()).collect();
                self.fault(place, format!("`{}` is not a code of `{}`", choice.value, list.name), choose(&codes));
            }
        }
    }

    /// `field`, found at `place`, must be of one of `kinds`.
    fn of_kind(&mut self, place: &Place, field: &Field, kinds: &[FieldType]) -> bool {
        let fits = kinds.contains(&field.kind);
        if !fits {
            let words: Vec<String> = kinds.iter().map(word).collect();
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            self.fault(
                place,
                format!("`{}` is of type {}, but {} is needed", field.name, word(&field.kind), words.join(" or ")),
                "Name another field, or change the type of this one.",
            );
        }
        fits
    }
}

impl Findings<'_> {
    /// Every fault once, by file and line.
    fn told(mut self) -> Vec<Fault> {
        self.faults.sort();
        self.faults.dedup();
        self.faults
    }

    fn fault(&mut self, place: &Place, message: impl Into<String>, advice: impl Into<String>) {
        self.faults.push(self.locator.fault(place, message, advice));
    }

    /// A text that must say something.
    fn text(&mut self, place: &Place, text: &str) {
        if text.trim().is_empty() {
            self.fault(place, "nothing is written here", "Write it, or remove the key if it may be absent.");
        }
    }

    fn label(&mut self, place: &Place, label: &Label) {
        for language in Language::ALL {
            let text = label.text(language);
            if text.is_none() && !self.languages.contains(&language) || text.is_some_and(|text| !text.trim().is_empty())
            {
                continue;
            }
            let (code, spoken) = (language.code(), language.name());
            let fault = (format!("the text in {spoken} is missing"), format!("Add `{code} = \"…\"`."));
            self.fault(&place.key(code), fault.0, fault.1);
        }
        if let Some(words) = &label.verbatim {
            let place = place.key("verbatim");
            self.text(&place, words);
            if words == label.official() {
                self.fault(&place, "the text itself has the words of the source already", "Remove `verbatim`.");
            }
        }
    }

    /// Whether the source has the clause.
    fn has_clause(&self, clause: &str) -> bool {
        self.clauses.as_ref().is_none_or(|known| known.contains(clause))
    }

    fn clause(&mut self, place: &Place, clause: &Clause) {
        if clause.0.trim().is_empty() {
            self.fault(place, "the clause is blank", "Write the address of the provision, as in clauses.toml.");
        } else if !self.has_clause(&clause.0) {
            self.fault(
                place,
                format!("the statute has no clause `{clause}`"),
                "Correct the address, or list the clause in clauses.toml.",
            );
        }
    }

    /// Other clauses that say the same as `own`.
    fn repeated(&mut self, owner: &Place, own: Option<&Clause>, repeated: &[Clause]) {
        for (index, clause) in repeated.iter().enumerate() {
            let place = owner.item("repeated_in", index);
            self.clause(&place, clause);
            let earlier = repeated.iter().take(index).any(|other| other == clause);
            if earlier || own == Some(clause) {
                self.fault(&place, format!("`{clause}` is there twice"), "Remove one of them.");
            }
        }
    }

    /// The `name` of the item at `place`.
    fn machine_name(&mut self, place: &Place, name: &str) {
        if !is_machine_name(name) {
            self.fault(
                &place.key("name"),
                format!("`{name}` is not a machine name"),
                "Write lower-case letters, digits and underscores, a letter first.",
            );
        }
    }

    /// Items that people name must not share a name.
    fn unique<'n>(&mut self, what: &str, names: impl IntoIterator<Item = (&'n str, Place)>) {
        let mut seen: BTreeMap<&str, Place> = BTreeMap::new();
        for (name, place) in names {
            if let Some(first) = seen.get(name) {
                let first = self.at(first, &place);
                self.fault(
                    &place,
                    format!("the {what} `{name}` is there twice, first {first}"),
                    "Give one of them another name, or remove it.",
                );
            } else {
                seen.insert(name, place);
            }
        }
    }

    /// Where `place` is, for a reader who looks at `from`.
    fn at(&self, place: &Place, from: &Place) -> String {
        let line = self.locator.line(place);
        if place.file == from.file { format!("on line {line}") } else { format!("in {}:{line}", place.file) }
    }

    /// The name `name` must be among `known`.
    fn known(&mut self, place: &Place, what: &str, name: &str, known: &[&str]) -> bool {
        let found = known.contains(&name);
        if !found {
            self.fault(place, format!("there is no {what} `{name}`"), choose_or(known, "define it"));
        }
        found
    }

    /// Each name of the list `key` must be among `known`, once.
    fn all_known(&mut self, owner: &Place, key: &'static str, what: &str, names: &[String], known: &[&str]) {
        for (index, name) in names.iter().enumerate() {
            self.known(&owner.item(key, index), what, name, known);
        }
        self.once(owner, key, names);
    }

    /// No text stands twice in the list `key`.
    fn once(&mut self, owner: &Place, key: &'static str, texts: &[String]) {
        let mut seen = BTreeSet::new();
        for (index, text) in texts.iter().enumerate() {
            if !seen.insert(text) {
                self.fault(&owner.item(key, index), format!("`{text}` is there twice"), "Remove one of them.");
            }
        }
    }

    /// Named statements: names, labels, clauses.
    fn items(&mut self, what: &str, owner: &Place, key: &'static str, items: &[Item]) {
        self.unique(what, items.iter().enumerate().map(|(i, item)| (item.name.as_str(), owner.item(key, i))));
        for (index, item) in items.iter().enumerate() {
            let place = owner.item(key, index);
            self.machine_name(&place, &item.name);
            self.label(&place.key("label"), &item.label);
            self.clause(&place.key("clause"), &item.clause);
        }
    }
}

/// Which file each record type stands in: the first with its name and clause that no other has taken.
pub(super) fn files_of(record_types: &[RecordType], sources: &Sources, locator: &Locator<'_>) -> Vec<String> {
    let mut left: Vec<&str> = record_files(sources).collect();
    let file_of = |record_type: &RecordType| {
        // As good as every file is called like what is in it, and says so in its first lines.
        let (name, clause) = (&record_type.name, &record_type.clause.0);
        let namesake = format!("{RECORDS_FOLDER}{name}.toml");
        let lines = [format!("name = \"{name}\""), format!("clause = \"{clause}\"")];
        if let Some(at) = left.iter().position(|file| *file == namesake)
            && let Some(text) = sources.get(&namesake)
            && lines.iter().all(|line| text.lines().take_while(|l| !l.starts_with('[')).any(|l| l == line))
        {
            return left.remove(at).to_owned();
        }
        let is_its_own = |file: &&str| {
            let text = |key: &'static str| locator.text(&Place::file(*file).key(key));
            text("name") == Some(&record_type.name) && text("clause") == Some(&record_type.clause.0)
        };
        match left.iter().position(is_its_own) {
            Some(at) => left.remove(at).to_owned(),
            None => format!("{RECORDS_FOLDER}{}.toml", record_type.name),
        }
    };
    record_types.iter().map(file_of).collect()
}

/// The word for a type or an option in the files.
pub(super) fn word<T: Serialize>(value: &T) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// "Write `a`, `b` or `c`."
fn choose(known: &[&str]) -> String {
    match choice(known) {
        Some(names) => format!("Write {names}."),
        None => "Define one first.".to_owned(),
    }
}

/// "Write `a`, `b` or `c`, or define it."
fn choose_or(known: &[&str], otherwise: &str) -> String {
    match choice(known) {
        Some(names) => format!("Write {names}, or {otherwise}."),
        None => format!("None is defined yet: {otherwise}."),
    }
}

/// "`a`, `b` or `c`", not too many.
fn choice(known: &[&str]) -> Option<String> {
    const MOST: usize = 16;
    let mut words: Vec<String> = known.iter().take(MOST).map(|name| format!("`{name}`")).collect();
    if known.len() > MOST {
        words.push(format!("another of the {}", known.len()));
    }
    match words.split_last()? {
        (only, []) => Some(only.clone()),
        (last, others) => Some(format!("{} or {last}", others.join(", "))),
    }
}

/// Whether `text` is an ISO 8601 period of whole years, months, weeks and days, and not empty; with its
/// length in days, roughly, to compare it by.
fn period(text: &str) -> Option<u64> {
    let mut rest = text.strip_prefix('P')?;
    let mut days: u64 = 0;
    for (unit, length) in [('Y', 365), ('M', 30), ('W', 7), ('D', 1)] {
        if let Some((amount, after)) = rest.split_once(unit) {
            if amount.is_empty() || !amount.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            days = days.checked_add(amount.parse::<u64>().ok()?.checked_mul(length)?)?;
            rest = after;
        }
    }
    (rest.is_empty() && days > 0).then_some(days)
}
