//! The same list twice: two record types, two groups of one or two code lists that say the same.
//!
//! Groups of different record types may be alike: an address is an address, whosever it is.
//!
//! Statutes do that (one drafts by copying), and then two lists of the same people live side by side and
//! drift apart. It is for the definition to say that both clauses mean one list.

use std::collections::{BTreeMap, BTreeSet};

use super::{Lint, word};
use crate::domain::statute::Clause;
use crate::domain::statute::definition::{Field, FieldType, NeedKind, Take};
use crate::domain::statute::parse::{CODELISTS_FILE, Place};

/// Fewer fields than this make no list.
const LEAST: usize = 2;

/// A list: what people call it, the clause it rests on, where it stands.
struct List<'a> {
    title: String,
    clause: Option<&'a Clause>,
    place: Place,
}

/// Lists by what is in them.
type Lists<'a> = BTreeMap<String, Vec<List<'a>>>;

impl Lint<'_> {
    pub(super) fn duplicate_lists(&mut self) {
        let mut types: Lists<'_> = BTreeMap::new();
        let mut same = Vec::new();
        for (index, record_type) in self.definition.record_types.iter().enumerate() {
            let place = self.record_place(index);
            let list = List {
                title: format!("record type `{}`", record_type.name),
                clause: Some(&record_type.clause),
                place: place.key("name"),
            };
            add(&mut types, &record_type.fields, list);
            let title = format!("`{}", record_type.name);
            let mut groups: Lists<'_> = BTreeMap::new();
            add_groups(&mut groups, &record_type.fields, &title, Some(&record_type.clause), (&place, "field"));
            same.extend(groups.into_values());
        }
        for lists in types.into_values().chain(same) {
            self.same_lists(&lists);
        }
        self.same_codes();
    }

    fn same_lists(&mut self, same: &[List<'_>]) {
        let Some((first, others)) = same.split_first() else {
            return;
        };
        for other in others {
            let at = self.at(&first.place, &other.place);
            let title = &other.title;
            let (message, advice) = match (first.clause, other.clause) {
                (Some(one), Some(two)) if one != two => (
                    format!("{one} and {two} are the same list twice: {}, {at}, and {title}", first.title),
                    "Make one type that carries both clauses.",
                ),
                _ => (
                    format!("{} {at} and {title} are the same list twice", first.title),
                    "Make one of them, and refer to it.",
                ),
            };
            self.fault(&other.place, message, advice);
        }
    }

    fn same_codes(&mut self) {
        let root = Place::file(CODELISTS_FILE);
        let mut seen: BTreeMap<BTreeSet<&str>, &str> = BTreeMap::new();
        for (index, list) in self.definition.codelists.iter().enumerate() {
            let codes: BTreeSet<&str> = list.codes.iter().map(|code| code.code.as_str()).collect();
            if codes.is_empty() {
                continue;
            }
            match seen.get(&codes) {
                None => {
                    seen.insert(codes, &list.name);
                }
                Some(first) => self.fault(
                    &root.item("codelist", index),
                    format!("`{}` has the same codes as `{first}`", list.name),
                    format!("Use `{first}` in its place, and remove it."),
                ),
            }
        }
    }
}

fn add<'a>(lists: &mut Lists<'a>, fields: &'a [Field], list: List<'a>) {
    if fields.len() >= LEAST {
        lists.entry(signature(fields)).or_default().push(list);
    }
}

/// Adds the groups among `fields`, and those within them. Groups whose form the engine itself lays down, a
/// consent or a length of time, are alike of necessity.
fn add_groups<'a>(
    lists: &mut Lists<'a>,
    fields: &'a [Field],
    owner: &str,
    clause: Option<&'a Clause>,
    (place, key): (&Place, &'static str),
) {
    for (index, field) in fields.iter().enumerate().filter(|(_, f)| f.kind == FieldType::Group) {
        let place = place.item(key, index);
        let clause = field.clause.as_ref().or(clause);
        let title = format!("{owner}/{}", field.name);
        if !has_prescribed_form(field, fields) {
            add(lists, &field.parts, List { title: format!("{title}`"), clause, place: place.clone() });
        }
        add_groups(lists, &field.parts, &title, clause, (&place, "part"));
    }
}

fn has_prescribed_form(group: &Field, siblings: &[Field]) -> bool {
    siblings.iter().any(|field| {
        let consent = field.needs.as_ref().is_some_and(|n| n.kind == NeedKind::Consent && n.field == group.name);
        let length =
            field.derived.as_ref().is_some_and(|d| d.take == Take::PeriodEnd && d.to.as_ref() == Some(&group.name));
        consent || length
    })
}

/// Names and types in their order; the type of a code is its list, that of a reference what it refers to.
fn signature(fields: &[Field]) -> String {
    let one = |field: &Field| {
        let of = field.codelist.as_deref().or(field.refers_to.as_deref()).unwrap_or_default();
        let list = if field.repeats { "*" } else { "" };
        format!("{}:{}{list}<{of}>({});", field.name, word(&field.kind), signature(&field.parts))
    };
    fields.iter().map(one).collect()
}
