//! A difference in words: what it is about, how it is said, what it does to what is stored, and whether somebody may see
//! more or less by it.

use serde_json::Value;

use super::super::Language;
use super::super::definition::{Definition, RecordType};
use super::super::duties::TriggerSaid;
use super::super::parse::{
    CASES_FILE, CLAUSES_FILE, CODELISTS_FILE, DOCUMENTS_FILE, EXCHANGES_FILE, RECORDS_FOLDER, REGISTER_FILE,
};
use super::super::path::FieldPath;
use super::leaves::{Leaf, Step, What, is_label, says_nothing};
use super::rights::Asked;
use super::{Area, Change, Kind, Touch};
use crate::domain::calendar::Term;

/// Longest text that is shown of a value, in characters.
const SHOWN: usize = 160;

/// Whether the policies have something to say of what changes there.
pub(super) fn asks(leaf: &Leaf) -> bool {
    matches!(At::of(leaf).list, "record_types" | "section" | "field" | "role" | "cases")
}

/// The change that `leaf` is. Who sees what is asked of `asked`, where there are policies.
pub(super) fn say(leaf: Leaf, asked: Option<&Asked<'_>>, of: Option<(&Definition, &Definition)>) -> Change {
    let at = At::of(&leaf);
    let mut change = Change {
        area: at.area(),
        kind: Kind::Changed,
        star: at.is_of_rights(),
        place: at.place(),
        says: String::new(),
        clause: leaf.clause.clone(),
        from: Value::Null,
        to: Value::Null,
        details: Vec::new(),
        effect: None,
        touches: Vec::new(),
    };
    match &leaf.what {
        What::Added(item) => {
            change.kind = Kind::Added;
            change.says = format!("{} is new{}", at.noun(), at.called(item));
            change.to = item.clone();
        }
        What::Removed(item) => {
            change.kind = Kind::Removed;
            change.says = format!("{} is gone{}", at.noun(), at.called(item));
            change.from = item.clone();
        }
        What::Renamed(was, is) => {
            change.kind = Kind::Renamed;
            change.says = format!("{}: its name was `{was}`", at.noun());
            (change.from, change.to) = (was.as_str().into(), is.as_str().into());
        }
        What::Reordered(was, is) => {
            change.kind = Kind::Reordered;
            change.says = format!("{}: the order is {}", at.subject(), is.join(", "));
            (change.from, change.to) = (was.clone().into(), is.clone().into());
        }
        What::Changed(was, is) => {
            change.says = at.changed(was, is);
            (change.from, change.to) = (was.clone(), is.clone());
        }
    }
    at.effects(&leaf.what, &leaf.item, &mut change);
    if let (Some((old, new)), What::Changed(was, is)) = (of, &leaf.what) {
        change.touches.extend(at.falling_due(was, is, old, new));
    }
    if let Some(asked) = asked {
        at.seen(&leaf.what, asked, &mut change);
    }
    change
}

/// Where a difference is, taken apart.
struct At<'l> {
    path: &'l [Step],
    language: Language,
    /// Name of the list that the innermost item stands in.
    list: &'l str,
    /// Name of the innermost item.
    name: &'l str,
    /// Keys below the innermost item.
    keys: Vec<&'l str>,
    /// The list around that of the innermost item, with the item's name.
    parent: Option<(&'l str, &'l str)>,
}

impl<'l> At<'l> {
    fn of(leaf: &'l Leaf) -> Self {
        let path = leaf.path.as_slice();
        let mut items: Vec<(&str, &str)> = Vec::new();
        let (mut list, mut keys) = ("", Vec::new());
        for step in path {
            match step {
                Step::Key(key) => {
                    list = key;
                    keys.push(key.as_str());
                }
                Step::Item(name) => {
                    items.push((list, name));
                    keys.clear();
                }
            }
        }
        let innermost = items.last().copied().unwrap_or_default();
        let parent = items.len().checked_sub(2).and_then(|at| items.get(at)).copied();
        let (list, name) = innermost;
        Self { path, language: leaf.language, list, name, keys, parent }
    }

    /// The first two keys of the way.
    fn top(&self) -> (&str, &str) {
        let mut keys = self.path.iter().filter_map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            Step::Item(_) => None,
        });
        (keys.next().unwrap_or_default(), keys.next().unwrap_or_default())
    }

    fn area(&self) -> Area {
        match self.top() {
            ("clauses", _) => Area::Clauses,
            ("codelists", _) => Area::Codes,
            ("document_kinds", _) => Area::Documents,
            ("cases", _) => Area::Deadlines,
            ("exchanges", _) => Area::Release,
            ("record_types", _) => Area::Held,
            (_, "role" | "access" | "revocation_ground" | "recertification" | "leaver") => Area::Rights,
            (
                _,
                "recipient" | "release_ground" | "withheld" | "refusal_ground" | "report" | "overview" | "publication"
                | "legal_effect",
            ) => Area::Release,
            (_, "recipient_notice") => Area::Deadlines,
            (_, "confirmation") => Area::Confirmation,
            (_, "retention" | "backup" | "closing") => Area::Retention,
            (_, "controller" | "processor" | "contact" | "institutions") => Area::Parties,
            (_, "source") => Area::Held,
            _ => Area::Act,
        }
    }

    /// Whether a change here lets somebody see more or less, whatever the policies say.
    fn is_of_rights(&self) -> bool {
        let key = self.keys.first().copied().unwrap_or_default();
        let whole = self.keys.is_empty();
        match (self.top(), self.list) {
            // What is said of a thing is not the thing.
            _ if matches!(key, "label" | "clause" | "clauses" | "contact" | "registry_code" | "statement") => false,
            ((_, "publication" | "withheld"), _) => true,
            ((_, "recipient"), _) => whole || matches!(key, "grounds" | "aggregates_only" | "name"),
            ((_, "release_ground"), _) => whole || matches!(key, "needs_act" | "must_be" | "name"),
            ((_, "report"), _) => whole || matches!(key, "recipient" | "record_type" | "group_by" | "threshold"),
            ((_, "role"), "role") => whole || matches!(key, "implicit" | "within_contract"),
            ((_, "processor"), _) => key == "contract",
            (("exchanges", _), "exchanges" | "part" | "column") => {
                whole || matches!(key, "direction" | "partner" | "where" | "field" | "recipient" | "record_type")
            }
            (("cases", _), _) => key == "hides",
            (("record_types", _), "record_types") => matches!(key, "subject" | "held_by"),
            (_, "held_by") => true,
            _ => false,
        }
    }

    /// File and way, as `check` writes them.
    fn place(&self) -> String {
        let mut steps = self.path.iter();
        let first = match steps.next() {
            Some(Step::Key(key)) => key.as_str(),
            _ => "",
        };
        let (file, list) = match first {
            "clauses" => (CLAUSES_FILE.to_owned(), "clause"),
            "codelists" => (CODELISTS_FILE.to_owned(), "codelist"),
            "document_kinds" => (DOCUMENTS_FILE.to_owned(), "document_kind"),
            "cases" => (CASES_FILE.to_owned(), "case"),
            "exchanges" => (EXCHANGES_FILE.to_owned(), "exchange"),
            "record_types" => {
                let name = match steps.next() {
                    Some(Step::Item(name)) => name.as_str(),
                    _ => "*",
                };
                (format!("{RECORDS_FOLDER}{name}.toml"), "")
            }
            _ => (REGISTER_FILE.to_owned(), ""),
        };
        let mut way = list.to_owned();
        for step in steps {
            match step {
                Step::Key(key) if way.is_empty() => way.push_str(key),
                Step::Key(key) => {
                    way.push('.');
                    way.push_str(key);
                }
                Step::Item(name) => {
                    way.push('[');
                    way.push_str(name);
                    way.push(']');
                }
            }
        }
        if way.is_empty() { file } else { format!("{file}: {way}") }
    }

    /// What people call the things of a list.
    fn kind_of(&self, list: &str) -> String {
        let exchange = self.top().0 == "exchanges";
        match list {
            "record_types" => "record type",
            "codelists" => "code list",
            "document_kinds" => "kind of base document",
            "cases" => "kind of case",
            "exchanges" => "exchange",
            "clauses" => "clause",
            "basis" => "basis of grants",
            "revocation_ground" => "ground for ending a grant",
            "recipient" => "class of recipients",
            "release_ground" => "ground of release",
            "withheld" => "what is withheld:",
            "refusal_ground" => "ground of refusal",
            "contact" => "contact point",
            "publication" => "publication of",
            "confirmation" => "duty to confirm",
            "retention" => "retention rule",
            "document" => "kind of decision to close",
            "step" => "step of closing",
            "kind" => "kind of institution",
            "part" if exchange => "table",
            "rule" => "rule between fields",
            "key" => "key of the order",
            "unique" => "combination that must not repeat:",
            "held_by" => "holder",
            "measure" => "column",
            other => other,
        }
        .to_owned()
    }

    /// The innermost item: ``field `owner` of record type `boat` ``.
    fn noun(&self) -> String {
        let own = format!("{} `{}`", self.kind_of(self.list), self.name);
        let parent = self.parent.map(|(list, name)| format!(" of {} `{name}`", self.kind_of(list)));
        format!("{own}{}", parent.unwrap_or_default())
    }

    /// What is spoken about: the key, of the innermost item where there is one.
    fn subject(&self) -> String {
        let skip = usize::from(self.list.is_empty() && self.keys.first() == Some(&"register"));
        let keys: Vec<&str> = self.keys.iter().copied().skip(skip).collect();
        let key = keys.join(".");
        match (self.list.is_empty(), key.is_empty()) {
            (true, _) => format!("`{key}`"),
            (false, true) => self.noun(),
            (false, false) => format!("{}: `{key}`", self.noun()),
        }
    }

    /// What people read for an item: `, “laevad”`.
    fn called(&self, item: &Value) -> String {
        let label = item.get("label").or_else(|| item.get("gist")).map(|label| self.text(label));
        label.filter(|text| !text.is_empty()).map(|text| format!(": {text}")).unwrap_or_default()
    }

    /// A value as people read it.
    fn text(&self, value: &Value) -> String {
        let full = match value {
            _ if is_label(value) => {
                let official = value.get(self.language.code()).or_else(|| value.as_object()?.values().next());
                format!("“{}”", official.and_then(Value::as_str).unwrap_or_default())
            }
            Value::Null => "nothing".to_owned(),
            Value::Bool(true) => "yes".to_owned(),
            Value::Bool(false) => "no".to_owned(),
            Value::Number(number) => number.to_string(),
            Value::String(text) => format!("`{text}`"),
            Value::Array(items) => items.iter().map(|item| self.text(item)).collect::<Vec<_>>().join(", "),
            Value::Object(map) => {
                let pair = |(key, value): (&String, &Value)| format!("{key} = {}", self.text(value));
                map.iter().filter(|(_, v)| !says_nothing(v)).map(pair).collect::<Vec<_>>().join(", ")
            }
        };
        if full.chars().count() <= SHOWN {
            return full;
        }
        let cut: String = full.chars().take(SHOWN).collect();
        format!("{cut}…")
    }

    /// A changed value in a sentence.
    fn changed(&self, was: &Value, is: &Value) -> String {
        let key = self.keys.last().copied().unwrap_or_default();
        let (noun, old, new) = (self.noun(), self.text(was), self.text(is));
        let field = matches!(self.list, "field" | "part") && self.keys.len() == 1;
        match key {
            "label" if is_label(was) && is_label(is) && old == new => {
                format!("{noun}: a translation of {new} is another one")
            }
            "label" => format!("{noun} is now worded {new}, before {old}"),
            "required" if field && is.as_bool() == Some(true) => format!("{noun} must be there from now on"),
            "required" if field => format!("{noun} need not be there any more"),
            "type" if field => format!("{noun} takes another kind of value: {new}, before {old}"),
            "section" if field => format!("{noun} moves from section {old} to section {new}"),
            "retention" if field => format!("{noun} follows retention rule {new}, before {old}"),
            "term" | "period" | "keep_all" | "keep_at_most" | "every" => {
                let longer = lasts(was).zip(lasts(is)).map_or("", |(before, after)| match after.cmp(&before) {
                    std::cmp::Ordering::Greater => " (longer)",
                    std::cmp::Ordering::Less => " (shorter)",
                    std::cmp::Ordering::Equal => " (as long)",
                });
                format!("{}: {new}, before {old}{longer}", self.subject())
            }
            _ => match (was, is) {
                (Value::Array(before), Value::Array(after)) => self.listed(before, after),
                (Value::Null, Value::Array(after)) => self.listed(&[], after),
                (Value::Array(before), Value::Null) => self.listed(before, &[]),
                (Value::Null, _) => format!("{}: {new}, before nothing was said", self.subject()),
                (_, Value::Null) => format!("{}: nothing is said any more, before {old}", self.subject()),
                _ => format!("{}: {new}, before {old}", self.subject()),
            },
        }
    }

    fn listed(&self, before: &[Value], after: &[Value]) -> String {
        let beyond = |a: &[Value], b: &[Value]| -> Vec<String> {
            a.iter().filter(|item| !b.contains(item)).map(|item| self.text(item)).collect()
        };
        let (come, gone) = (beyond(after, before), beyond(before, after));
        let told: Vec<String> = [("with", come), ("without", gone)]
            .into_iter()
            .filter(|(_, items)| !items.is_empty())
            .map(|(word, items)| format!("{word} {}", items.join(", ")))
            .collect();
        if told.is_empty() {
            let order: Vec<String> = after.iter().map(|item| self.text(item)).collect();
            return format!("{}: in another order, {}", self.subject(), order.join(", "));
        }
        format!("{}: now {}", self.subject(), told.join(" and "))
    }

    /// Record type, and field of the record itself, that the difference is in.
    fn field(&self) -> Option<(String, String)> {
        let mut steps = self.path.iter();
        let named = |list: &str, steps: &mut std::slice::Iter<'_, Step>| match (steps.next()?, steps.next()?) {
            (Step::Key(key), Step::Item(name)) if key == list => Some(name.clone()),
            _ => None,
        };
        let record_type = named("record_types", &mut steps)?;
        Some((record_type, named("field", &mut steps)?))
    }

    fn record_type(&self) -> Option<String> {
        match self.path {
            [Step::Key(key), Step::Item(name), ..] if key == "record_types" => Some(name.clone()),
            _ => None,
        }
    }

    /// What the change does to what is stored, as the store behaves: entries stay as they were entered; a state is
    /// judged by the version in force on its day, and a fault that was there before does not stop another change; what
    /// is shown, to whom, and what falls due, follow the version current today.
    fn effects(&self, what: &What, item: &Value, change: &mut Change) {
        let key = self.keys.first().copied().unwrap_or_default();
        let name = || self.name.to_owned();
        let (effect, touch): (&str, Option<Touch>) = match (self.list, what) {
            ("record_types", What::Removed(_)) => (
                "its records stay stored, and nobody can open them while this version is current",
                Some(Touch::Records { record_type: name() }),
            ),
            ("record_types", What::Renamed(was, _)) => (
                "records stored under the old name are not found under the new one",
                Some(Touch::Records { record_type: was.clone() }),
            ),
            ("field", What::Removed(item)) if is_entered(item) => (
                "what was entered stays in its entries, is shown to nobody while this version is current, and no retention \
                 rule of this version says when it goes",
                self.field().map(|(record_type, field)| Touch::With { record_type, field }),
            ),
            ("field", What::Renamed(was, _)) if is_entered(item) => (
                "what was entered stays under the old name, is not shown under the new one, and has to be entered anew",
                self.record_type().map(|record_type| Touch::With { record_type, field: was.clone() }),
            ),
            ("field", What::Added(item)) if item.get("required").and_then(Value::as_bool) == Some(true) => {
                (NOW_REQUIRED, self.field().map(|(record_type, field)| Touch::Without { record_type, field }))
            }
            ("field", What::Added(item)) if is_entered(item) => ("records entered before have none", None),
            ("field", What::Changed(_, is)) if key == "required" && is.as_bool() == Some(true) => {
                (NOW_REQUIRED, self.field().map(|(record_type, field)| Touch::Without { record_type, field }))
            }
            ("part", What::Added(item)) if item.get("required").and_then(Value::as_bool) == Some(true) => {
                (NOW_REQUIRED, None)
            }
            ("part", What::Changed(_, is)) if key == "required" && is.as_bool() == Some(true) => (NOW_REQUIRED, None),
            ("field", What::Changed(..)) if JUDGED.contains(&key) => (
                "values entered before stay; one that does not fit stands as a fault on the next checklist, and stops no \
                 other change",
                self.field().map(|(record_type, field)| Touch::With { record_type, field }),
            ),
            ("field", What::Changed(..)) if key == "section" => (
                "also what was entered before is seen by the rights to the new section",
                self.field().map(|(record_type, field)| Touch::With { record_type, field }),
            ),
            ("field", What::Changed(..)) if key == "retention" => (
                "also what was entered before follows the new rule",
                self.field().map(|(record_type, field)| Touch::With { record_type, field }),
            ),
            ("rule" | "unique", What::Added(_)) => {
                ("records that break it already stay; it is asked of whatever is entered from now on", None)
            }
            ("code", What::Removed(_)) => {
                ("records that have it keep it, and it stands as a fault on the next checklist", None)
            }
            ("code", What::Changed(..)) if key == "valid_until" || key == "valid_from" => {
                ("records that have it keep it; it is only chosen between these days", None)
            }
            ("retention", What::Changed(was, is)) if key == "period" => match lasts(was).zip(lasts(is)) {
                Some((before, after)) if after < before => (
                    "counts at once for what is stored: what is older by the new period falls due, and goes by an approved \
                     act",
                    None,
                ),
                _ => ("counts at once for what is stored; what is already erased does not come back", None),
            },
            ("retention", What::Changed(..)) if matches!(key, "trigger" | "then" | "keeps" | "working_day") => {
                ("counts at once for what is stored, by an approved act", None)
            }
            ("role", What::Removed(_)) => {
                ("grants of it have no force while this version is current", Some(Touch::Grants { role: name() }))
            }
            ("role", What::Renamed(was, _)) => {
                ("grants of the old name have no force", Some(Touch::Grants { role: was.clone() }))
            }
            ("role", What::Changed(..)) if key.starts_with("needs_") || key == "basis" => {
                ("grants that are there stay; it is asked of the next one", Some(Touch::Grants { role: name() }))
            }
            ("cases", What::Removed(_)) => (
                "cases that are open cannot be opened or taken further while this version is current",
                Some(Touch::Cases { case: name() }),
            ),
            ("cases", What::Changed(..)) if matches!(key, "term" | "extension") => {
                ("cases that are open keep the day that they were given", Some(Touch::Cases { case: name() }))
            }
            ("document_kinds", What::Removed(_)) => {
                ("documents of it stay; none is entered any more", Some(Touch::Documents { document_kind: name() }))
            }
            ("publication", What::Removed(_) | What::Changed(..)) => (
                "a field that is not public any more vanishes with the next request; a new one shows after the next approval",
                None,
            ),
            ("publication", What::Added(_)) => ("shown after it was proposed and approved", None),
            _ => return,
        };
        change.effect = Some(effect.to_owned());
        change.touches = touch.into_iter().collect();
    }

    /// The records of which data fall due at once when the period of a rule becomes shorter, as far as it counts from one
    /// date of theirs.
    fn falling_due(&self, was: &Value, is: &Value, old: &Definition, new: &Definition) -> Vec<Touch> {
        if self.list != "retention" || self.keys != ["period"] {
            return Vec::new();
        }
        let term = |value: &Value| value.as_str().and_then(|text| text.parse::<Term>().ok());
        let shorter = lasts(was).zip(lasts(is)).is_some_and(|(before, after)| after < before);
        let (Some(before), Some(after), true) = (term(was), term(is), shorter) else { return Vec::new() };
        let trigger_in = |definition: &Definition| {
            let rule = definition.register.retention_rules.iter().find(|rule| rule.name == self.name);
            rule.and_then(|rule| rule.trigger.clone())
        };
        // What was due before can only be told where both count from the same day.
        let trigger = trigger_in(new).filter(|trigger| trigger_in(old).as_ref() == Some(trigger));
        let Some(TriggerSaid::One(trigger)) = trigger else { return Vec::new() };
        let follows = |kind: &&RecordType| kind.fields.iter().any(|f| f.retention.as_deref() == Some(self.name));
        new.record_types
            .iter()
            .filter(follows)
            .filter_map(|kind| {
                let own_end = kind.lifecycle.as_ref().filter(|_| trigger == "lifecycle:ends").map(|l| l.ends.clone());
                let trigger = own_end.unwrap_or_else(|| trigger.clone());
                let path = FieldPath::parse(&trigger).ok()?;
                let single =
                    path.steps().iter().all(|step| step.chosen.is_none()) && path.open_list(&kind.fields).is_none();
                path.resolve(&kind.fields).filter(|_| single)?;
                Some(Touch::FallDue { record_type: kind.name.clone(), trigger, before, after })
            })
            .collect()
    }

    /// Who sees what is new or gone or moves to another section.
    fn seen(&self, what: &What, asked: &Asked<'_>, change: &mut Change) {
        let key = self.keys.first().copied().unwrap_or_default();
        let section_of = |item: &Value| item.get("section").and_then(Value::as_str).map(str::to_owned);
        let Some(record_type) = self.record_type() else {
            match (self.list, what) {
                ("role", What::Added(_)) => change.details = asked.new.powers(self.name),
                ("role", What::Removed(_)) => change.details = asked.old.powers(self.name),
                ("cases", What::Added(_)) => change.details = asked.new.handlers(self.name),
                ("cases", What::Removed(_)) => change.details = asked.old.handlers(self.name),
                _ => {}
            }
            return;
        };
        let tell = |readers: Vec<String>, change: &mut Change, words: &str| {
            if !readers.is_empty() {
                change.star = true;
                change.details.push(format!("{words} {}", readers.join(", ")));
            }
        };
        match (self.list, what) {
            ("field", What::Added(item)) => {
                let section = section_of(item).unwrap_or_default();
                tell(asked.new.readers(&record_type, &section), change, "seen by");
            }
            ("field", What::Removed(item)) => {
                let section = section_of(item).unwrap_or_default();
                tell(asked.old.readers(&record_type, &section), change, "seen until now by");
            }
            ("section", What::Added(_)) => tell(asked.new.readers(&record_type, self.name), change, "seen by"),
            ("section", What::Removed(_)) => {
                tell(asked.old.readers(&record_type, self.name), change, "seen until now by")
            }
            ("record_types", What::Added(item) | What::Removed(item)) => {
                let side = if matches!(what, What::Added(_)) { &asked.new } else { &asked.old };
                for section in item.get("section").and_then(Value::as_array).into_iter().flatten() {
                    let name = section.get("name").and_then(Value::as_str).unwrap_or_default();
                    tell(side.readers(&record_type, name), change, &format!("section `{name}` seen by"));
                }
            }
            ("field", What::Changed(was, is)) if key == "section" => {
                let readers = |side: &super::rights::Side<'_>, section: &Value| {
                    side.readers(&record_type, section.as_str().unwrap_or_default())
                };
                let (before, after) = (readers(&asked.old, was), readers(&asked.new, is));
                let beyond = |a: &[String], b: &[String]| a.iter().filter(|r| !b.contains(r)).cloned().collect();
                tell(beyond(&after, &before), change, "seen from now on by");
                tell(beyond(&before, &after), change, "no longer seen by");
            }
            _ => {}
        }
    }
}

const NOW_REQUIRED: &str = "a new record must have it; one entered before that lacks it stays, may be changed otherwise, and \
                            stands as a fault on the next checklist";

/// Keys of a field by which its values are judged.
const JUDGED: [&str; 16] = [
    "type",
    "repeats",
    "items",
    "length",
    "pattern",
    "min",
    "max",
    "scale",
    "codelist",
    "within_code",
    "country",
    "minor",
    "refers_to",
    "media_types",
    "required_when",
    "absent_when",
];

/// Whether a field is entered by people, not computed.
fn is_entered(field: &Value) -> bool {
    field.get("derived").is_none_or(Value::is_null)
}

/// How long a term lasts, in hours, for comparing: a month is counted as a twelfth of 365 days, a working day as 1.4 days.
pub(super) fn lasts(term: &Value) -> Option<u64> {
    let text = term.as_str()?;
    if let Some(days) = text.strip_suffix(" working days").or_else(|| text.strip_suffix(" working day")) {
        return days.parse::<u64>().ok()?.checked_mul(168)?.checked_div(5);
    }
    let mut total: u64 = 0;
    let mut number = String::new();
    let mut rest = text.strip_prefix('P')?;
    let mut hours = false;
    while let Some(letter) = rest.chars().next() {
        rest = rest.get(letter.len_utf8()..)?;
        match letter {
            'T' => hours = true,
            digit if digit.is_ascii_digit() => number.push(digit),
            unit => {
                let of_one = match unit {
                    'Y' => 8_760,
                    'M' if !hours => 730,
                    'W' => 168,
                    'D' => 24,
                    'H' if hours => 1,
                    _ => return None,
                };
                total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(of_one)?)?;
                number.clear();
            }
        }
    }
    number.is_empty().then_some(total)
}
