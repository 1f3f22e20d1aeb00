//! Two definitions as trees, and where they differ. Items of a list are the same item where they have the same name;
//! an item that is gone while one without another difference than its name has come was renamed.

use serde_json::{Map, Value};

use super::super::definition::Definition;
use super::super::description::Description;
use super::super::{Language, parse};

/// One step down the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// A key of a table.
    Key(String),
    /// An item of a list, by the name that people know it by.
    Item(String),
}

/// What is otherwise at one place.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum What {
    /// An item has come.
    Added(Value),
    /// An item has gone.
    Removed(Value),
    /// A value is another one; null for none.
    Changed(Value, Value),
    /// An item has another name: the old one, the new one.
    Renamed(String, String),
    /// The items that stay stand in another order.
    Reordered(Vec<String>, Vec<String>),
}

/// A place at which two trees differ.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Leaf {
    /// The way to it.
    pub path: Vec<Step>,
    /// The difference.
    pub what: What,
    /// Clause of the nearest thing that has one.
    pub clause: Option<String>,
    /// The innermost item on the way, as it is now, or as it was where it is gone.
    pub item: Value,
    /// Language of the source.
    pub language: Language,
}

/// Tables that are one saying: told as a whole.
const WHOLE: [&str; 5] = ["required_when", "absent_when", "when", "where", "trigger"];

/// Where two definitions differ; policies aside.
pub(super) fn of_definitions(old: &Definition, new: &Definition) -> Vec<Leaf> {
    compare(&tree(old), &tree(new), new.register.language)
}

/// Where two descriptions differ. They stand in register.toml, as the register of a definition does.
pub(super) fn of_descriptions(old: &Description, new: &Description) -> Vec<Leaf> {
    let nested = |one: &Description| Value::Object(Map::from_iter([("register".to_owned(), tree(one))]));
    compare(&nested(old), &nested(new), new.language)
}

fn tree<T: serde::Serialize>(one: &T) -> Value {
    // What was read from text can be written: there are no keys but text, and no other failure.
    let mut tree = serde_json::to_value(one).unwrap_or_default();
    if let Value::Object(map) = &mut tree {
        map.retain(|key, _| key != "digest" && key != "policies");
    }
    without_language(&mut tree);
    tree
}

/// Labels are told by reading which of their languages is that of the source; a definition says it once.
fn without_language(tree: &mut Value) {
    match tree {
        Value::Object(map) => {
            map.retain(|key, _| key != "official");
            map.values_mut().for_each(without_language);
        }
        Value::Array(items) => items.iter_mut().for_each(without_language),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn compare(old: &Value, new: &Value, language: Language) -> Vec<Leaf> {
    let mut walk = Walk { path: Vec::new(), around: Vec::new(), language, leaves: Vec::new() };
    walk.values(old, new);
    walk.leaves
}

struct Walk {
    path: Vec<Step>,
    around: Vec<Value>,
    language: Language,
    leaves: Vec<Leaf>,
}

impl Walk {
    fn leaf(&mut self, what: What) {
        let clause_of = |item: &Value| {
            let own = ["clause", "id", "basis"].into_iter().find_map(|key| item.get(key)?.as_str());
            own.map(str::to_owned)
        };
        let own = match &what {
            What::Added(item) | What::Removed(item) => clause_of(item),
            _ => None,
        };
        let clause = own.or_else(|| self.around.iter().rev().find_map(clause_of));
        self.leaves.push(Leaf {
            path: self.path.clone(),
            what,
            clause,
            item: self.around.last().cloned().unwrap_or_default(),
            language: self.language,
        });
    }

    fn values(&mut self, old: &Value, new: &Value) {
        if old == new || (says_nothing(old) && says_nothing(new)) {
            return;
        }
        match (old, new) {
            (Value::Object(before), Value::Object(after)) if !self.is_whole(old, new) => {
                let more = after.keys().filter(|key| !before.contains_key(*key));
                for key in before.keys().chain(more) {
                    self.path.push(Step::Key(key.clone()));
                    let at = |map: &Map<String, Value>| map.get(key).cloned().unwrap_or_default();
                    self.values(&at(before), &at(after));
                    self.path.pop();
                }
            }
            _ => match (items(old), items(new)) {
                (Some(before), Some(after)) if !(before.is_empty() && after.is_empty()) => self.lists(before, after),
                _ => self.leaf(What::Changed(told(old), told(new))),
            },
        }
    }

    fn is_whole(&self, old: &Value, new: &Value) -> bool {
        let named = matches!(self.path.last(), Some(Step::Key(key)) if WHOLE.contains(&key.as_str()));
        named || is_label(old) || is_label(new)
    }

    fn lists(&mut self, old: &[Value], new: &[Value]) {
        let Some((before, after)) = names(old).zip(names(new)) else {
            return self.unnamed(old, new);
        };
        let find = |names: &[String], items: &[Value], name: &String| {
            names.iter().position(|n| n == name).and_then(|at| items.get(at)).cloned()
        };
        let mut gone: Vec<(&String, &Value)> =
            before.iter().zip(old).filter(|(name, _)| !after.contains(*name)).collect();
        let mut come: Vec<(&String, &Value)> =
            after.iter().zip(new).filter(|(name, _)| !before.contains(*name)).collect();
        let renamed = renamed(&gone, &come);
        for (was, is) in &renamed {
            gone.retain(|(name, _)| *name != was);
            come.retain(|(name, _)| *name != is);
        }
        for (name, item) in gone {
            self.item(name, item, |walk| walk.leaf(What::Removed(item.clone())));
        }
        for (was, is) in &renamed {
            if let Some((was_item, is_item)) = find(&before, old, was).zip(find(&after, new, is)) {
                self.item(is, &is_item, |walk| {
                    walk.leaf(What::Renamed(was.clone(), is.clone()));
                    walk.values(&unnamed(&was_item), &unnamed(&is_item));
                });
            }
        }
        for (name, item) in after.iter().zip(new) {
            if let Some(was) = find(&before, old, name) {
                self.item(name, item, |walk| walk.values(&was, item));
            }
        }
        for (name, item) in come {
            self.item(name, item, |walk| walk.leaf(What::Added(item.clone())));
        }
        let stay = |names: &[String], others: &[String]| -> Vec<String> {
            names.iter().filter(|name| others.contains(name)).cloned().collect()
        };
        let (was, is) = (stay(&before, &after), stay(&after, &before));
        if was != is {
            self.leaf(What::Reordered(was, is));
        }
    }

    /// Items without names are the same where they say the same.
    fn unnamed(&mut self, old: &[Value], new: &[Value]) {
        let mut come: Vec<&Value> = new.iter().collect();
        let mut gone = Vec::new();
        for item in old {
            match come.iter().position(|other| *other == item) {
                Some(at) => drop(come.remove(at)),
                None => gone.push(item),
            }
        }
        let both = gone.len().min(come.len());
        for (was, is) in gone.iter().zip(&come) {
            self.item(&called(is), is, |walk| walk.values(was, is));
        }
        for item in gone.iter().skip(both) {
            self.item(&called(item), item, |walk| walk.leaf(What::Removed((*item).clone())));
        }
        for item in come.iter().skip(both) {
            self.item(&called(item), item, |walk| walk.leaf(What::Added((*item).clone())));
        }
    }

    fn item(&mut self, name: &str, item: &Value, tell: impl FnOnce(&mut Self)) {
        self.path.push(Step::Item(name.to_owned()));
        self.around.push(item.clone());
        tell(self);
        self.around.pop();
        self.path.pop();
    }
}

/// What is not said, in any of the ways in which a definition does not say it.
pub(super) fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(true) | Value::Number(_) => false,
    }
}

fn told(value: &Value) -> Value {
    if says_nothing(value) && !value.is_boolean() { Value::Null } else { value.clone() }
}

/// Whether it is a text in languages.
pub(super) fn is_label(value: &Value) -> bool {
    value.as_object().is_some_and(|map| !map.is_empty() && map.keys().all(|key| Language::of(key).is_some()))
}

/// The items of a list of tables; nothing said is an empty one.
fn items(value: &Value) -> Option<&[Value]> {
    match value {
        Value::Null => Some(&[]),
        Value::Array(items) if items.iter().all(Value::is_object) => Some(items),
        _ => None,
    }
}

/// The names of all items, where each has its own.
fn names(items: &[Value]) -> Option<Vec<String>> {
    let mut names: Vec<String> = Vec::with_capacity(items.len());
    for item in items {
        let name = parse::NAMES.into_iter().chain(["kind"]).find_map(|key| item.get(key)?.as_str())?.to_owned();
        if names.contains(&name) {
            return None;
        }
        names.push(name);
    }
    Some(names)
}

/// An item without the key that is its name.
fn unnamed(item: &Value) -> Value {
    let mut item = item.clone();
    if let Value::Object(map) = &mut item {
        let key = parse::NAMES.into_iter().find(|key| map.get(*key).is_some_and(Value::is_string));
        map.retain(|name, _| Some(name.as_str()) != key);
    }
    item
}

/// How an item without a name is called.
fn called(item: &Value) -> String {
    let texts = |key: &str| match item.get(key) {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    let words: Vec<String> =
        ["record_type", "kind", "fields", "sections", "of", "from", "to"].into_iter().flat_map(texts).collect();
    words.join(" ")
}

/// Items that have only changed their names, each with the only one that it can have become.
fn renamed(gone: &[(&String, &Value)], come: &[(&String, &Value)]) -> Vec<(String, String)> {
    let alike = |a: &Value, b: &Value| {
        let (a, b) = (unnamed(a), unnamed(b));
        let same = |key: &str| a.get(key) == b.get(key);
        let field = a.get("type").is_some();
        a == b || (field && ["type", "label", "repeats", "codelist", "refers_to", "derived"].into_iter().all(same))
    };
    let mut pairs = Vec::new();
    for (was, old) in gone {
        let mut found = come.iter().filter(|(_, new)| alike(old, new));
        if let (Some((is, new)), None) = (found.next(), found.next())
            && gone.iter().filter(|(_, other)| alike(other, new)).count() == 1
        {
            pairs.push(((*was).clone(), (*is).clone()));
        }
    }
    pairs
}
