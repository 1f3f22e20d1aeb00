//! What changed in a document between two versions of a definition.

use std::collections::BTreeMap;

use serde::Serialize;

use super::parts::SECTION;
use super::{Audience, Document, Line, Section, Text, Version};
use crate::domain::statute::description::Part;

/// What changed since a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Changes {
    /// The version before.
    pub since: Version,
    /// Items that it did not have.
    pub added: Vec<Changed>,
    /// Items that it had.
    pub removed: Vec<Changed>,
    /// Items that it said in other words.
    pub reworded: Vec<Changed>,
}

impl Changes {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.reworded.is_empty()
    }
}

/// One item that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// The heading under which it stands.
    pub heading: Part,
    /// Ids of the lines that lead to it, with `/` between them.
    pub id: String,
    /// What it said before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Text>,
    /// What it says now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub now: Option<Text>,
}

/// An item of a document: where it stands, what it says, whether it is secret.
struct Found<'t> {
    heading: Part,
    id: String,
    text: &'t Text,
    secret: bool,
}

/// What changed from one whole document to another, as `audience` may know it: the public learns nothing of what is secret
/// now, nor of what was secret before.
pub(super) fn between(since: Version, before: &Document, now: &Document, audience: Audience) -> Changes {
    let (was, is) = (items(before), items(now));
    let public = audience == Audience::Public;
    let mut changes = Changes { since, added: Vec::new(), removed: Vec::new(), reworded: Vec::new() };
    // The same item may stand at another place among the headings: only its heading and its id count.
    let by_id = |items: &[Found<'_>]| -> BTreeMap<(Part, String), usize> {
        items.iter().enumerate().map(|(at, item)| ((item.heading, item.id.clone()), at)).collect()
    };
    let (was_at, is_at) = (by_id(&was), by_id(&is));
    let changed = |item: &Found<'_>, before: Option<&Found<'_>>, now: Option<&Found<'_>>| Changed {
        heading: item.heading,
        id: item.id.clone(),
        before: before.map(|found| found.text.clone()),
        now: now.map(|found| found.text.clone()),
    };
    for item in is.iter().filter(|item| !(public && item.secret)) {
        let before = was_at.get(&(item.heading, item.id.clone())).and_then(|at| was.get(*at));
        match before.filter(|before| !(public && before.secret)) {
            Some(before) if before.text != item.text => {
                changes.reworded.push(changed(item, Some(before), Some(item)));
            }
            Some(_) => {}
            None => changes.added.push(changed(item, None, Some(item))),
        }
    }
    for item in was.iter().filter(|item| !(public && item.secret)) {
        // What is still there is not gone, though it may have become secret.
        if !is_at.contains_key(&(item.heading, item.id.clone())) {
            changes.removed.push(changed(item, Some(item), None));
        }
    }
    changes
}

fn items(document: &Document) -> Vec<Found<'_>> {
    let mut items = Vec::new();
    in_sections(&document.sections, &mut items);
    items
}

fn in_sections<'t>(sections: &'t [Section], into: &mut Vec<Found<'t>>) {
    for section in sections {
        in_lines(section.heading, "", false, &section.lines, into);
        in_sections(&section.sections, into);
    }
}

fn in_lines<'t>(heading: Part, above: &str, secret: bool, lines: &'t [Line], into: &mut Vec<Found<'t>>) {
    for line in lines {
        let id = if above.is_empty() { line.id.clone() } else { format!("{above}/{}", line.id) };
        let secret = secret || line.secret;
        // A section only groups fields, where there are several: a field is the same with and without.
        let below = if line.id.starts_with(SECTION) { above } else { &id };
        into.push(Found { heading, id: id.clone(), text: &line.text, secret });
        in_lines(heading, below, secret, &line.more, into);
    }
}
