//! What an event says of other tables, and whether those tables say the same.
//!
//! The words of an event name records, an entry, a grant; `audit_subject`, `entry` and `grant_log` name the event.
//! Neither side has an index to find the other by, and a join over a log of millions would be slow. So each side is
//! summed up: a keyed hash of every pair, added per group. Equal sums mean equal sets (the key is drawn anew for
//! each audit, so that nobody can aim at a collision). Only where sums differ are the pairs of a group compared.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};

use super::body::{Outline, member, text_member};
use super::cells::Id;

/// Into how many groups the pairs fall, by event.
const GROUPS: usize = 1024;

/// What ties an event to another table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Link {
    /// A record, in `audit_subject`.
    Subject,
    /// An entry, in `entry`.
    Entry,
    /// A right given, changed or ended, in `grant_log`.
    Grant,
}

/// The sums of one side.
#[derive(Clone)]
pub(super) struct Sums {
    groups: Vec<[(u64, u64); 3]>,
}

impl Sums {
    pub fn new() -> Self {
        Self { groups: vec![[(0, 0); 3]; GROUPS] }
    }

    pub fn add(&mut self, pair: &Pair) {
        if let Some((sum, count)) = self.groups.get_mut(pair.group).and_then(|g| g.get_mut(pair.link as usize)) {
            *sum = sum.wrapping_add(pair.hash);
            *count += 1;
        }
    }

    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.groups.iter_mut().zip(&other.groups) {
            for (mine, theirs) in mine.iter_mut().zip(theirs) {
                mine.0 = mine.0.wrapping_add(theirs.0);
                mine.1 += theirs.1;
            }
        }
    }

    /// The groups in which the two sides differ.
    pub fn differing(&self, other: &Self) -> Vec<usize> {
        (0..GROUPS).filter(|n| self.groups.get(*n) != other.groups.get(*n)).collect()
    }
}

/// An event and what it is tied to.
pub(super) struct Pair {
    pub link: Link,
    pub group: usize,
    pub hash: u64,
}

/// The group of an event: by the end of its id, which is random. Whoever aims at a group gains nothing by it.
fn group(event: &Id) -> usize {
    let end = event.bytes().iter().rev().take(4);
    end.fold(0, |sum, byte| sum * 37 + usize::from(*byte)) % GROUPS
}

/// The keys of one audit.
#[derive(Clone, Default)]
pub(super) struct Keys {
    pair: RandomState,
    event: RandomState,
}

/// The row of a table that says which event it comes from, with what the event must say of it.
pub(super) struct EntryRow<'a> {
    pub id: &'a str,
    pub record_id: &'a str,
    pub number: i64,
    pub effective_on: &'a str,
    pub recorded_at: &'a str,
    pub supersedes: &'a str,
    pub source: &'a str,
    pub by: &'a str,
}

pub(super) struct GrantRow<'a> {
    pub grant_id: &'a str,
    pub user_id: &'a str,
    pub act: &'a str,
    pub recorded_at: &'a str,
    pub by: &'a str,
    /// Canonical.
    pub body: &'a str,
}

impl Keys {
    /// A short name of an event, for a set of them.
    pub fn event(&self, id: &Id) -> u64 {
        self.event.hash_one(id)
    }

    fn pair(&self, link: Link, event: &Id, parts: &[&[u8]]) -> Pair {
        let mut hasher = self.pair.build_hasher();
        hasher.write_u8(link as u8);
        hasher.write(event.bytes());
        for part in parts {
            hasher.write_usize(part.len());
            hasher.write(part);
        }
        Pair { link, group: group(event), hash: hasher.finish() }
    }

    /// The pair of which there are most: hashed in one piece.
    pub fn subject(&self, event: &Id, record: &Id) -> Pair {
        let mut bytes = [Link::Subject as u8; 73];
        bytes[1..37].copy_from_slice(event.bytes());
        bytes[37..].copy_from_slice(record.bytes());
        let mut hasher = self.pair.build_hasher();
        hasher.write(&bytes);
        Pair { link: Link::Subject, group: group(event), hash: hasher.finish() }
    }

    pub fn entry(&self, event: &Id, row: &EntryRow<'_>) -> Pair {
        let parts = [
            row.id.as_bytes(),
            row.record_id.as_bytes(),
            &row.number.to_le_bytes(),
            row.effective_on.as_bytes(),
            row.recorded_at.as_bytes(),
            row.supersedes.as_bytes(),
            row.source.as_bytes(),
            row.by.as_bytes(),
        ];
        self.pair(Link::Entry, event, &parts)
    }

    pub fn grant(&self, event: &Id, row: &GrantRow<'_>) -> Pair {
        let parts = [row.grant_id, row.user_id, row.act, row.recorded_at, row.by, row.body];
        self.pair(Link::Grant, event, &parts.map(str::as_bytes))
    }

    /// Every pair that the words of an event ask for; `None` where they name a record that is no id.
    pub fn of_event(
        &self,
        event: &Id,
        outline: &Outline<'_>,
        mut found: impl FnMut(Pair, &dyn Fn() -> String),
    ) -> Option<()> {
        let only = outline.records(|record| {
            found(self.subject(event, &Id::of(record)), &|| {
                format!("event {event} is about record {record}, but audit_subject does not say so")
            });
        })?;
        if outline.decision != "permitted" {
            return Some(());
        }
        if let Some(entry) = outline.entry_id {
            let detail = outline.detail.unwrap_or("{}");
            let by = outline.by();
            let row = EntryRow {
                id: entry,
                record_id: only.unwrap_or_default(),
                number: member(detail, "number").and_then(|n| n.parse().ok()).unwrap_or(0),
                effective_on: text_member(detail, "effective_on").unwrap_or_default(),
                recorded_at: outline.recorded_at,
                supersedes: text_member(detail, "supersedes").unwrap_or_default(),
                source: text_member(detail, "source").unwrap_or_default(),
                by: &by,
            };
            found(self.entry(event, &row), &|| {
                format!("event {event} tells of entry {entry}, which is missing or says otherwise")
            });
        }
        if outline.kind == "grant"
            && let Some(body) = outline.detail
        {
            let (before, after) = (member(body, "before"), member(body, "after"));
            let act = match (before, after) {
                (None, Some(_)) => "granted",
                (Some(_), Some(_)) => "changed",
                (Some(_), None) => "revoked",
                (None, None) => return Some(()),
            };
            let grant = after.or(before).unwrap_or("{}");
            let by = outline.by();
            let row = GrantRow {
                grant_id: text_member(grant, "id").unwrap_or_default(),
                user_id: text_member(grant, "user_id").unwrap_or_default(),
                act,
                recorded_at: outline.recorded_at,
                by: &by,
                body,
            };
            found(self.grant(event, &row), &|| {
                format!("event {event} tells that grant {} was {act}, but grant_log does not", row.grant_id)
            });
        }
        Some(())
    }
}

/// The pairs of differing groups, which cancel out where both sides have them.
pub(super) struct Difference {
    groups: Vec<usize>,
    pairs: HashMap<u64, (i64, String)>,
}

impl Difference {
    pub fn new(groups: Vec<usize>) -> Self {
        Self { groups, pairs: HashMap::new() }
    }

    pub fn add(&mut self, pair: &Pair, side: i64, what: impl FnOnce() -> String) {
        if self.groups.contains(&pair.group) {
            let entry = self.pairs.entry(pair.hash).or_insert_with(|| (0, String::new()));
            entry.0 += side;
            if entry.0 == 0 {
                self.pairs.remove(&pair.hash);
            } else {
                entry.1 = what();
            }
        }
    }

    /// What only one side says.
    pub fn into_faults(self) -> Vec<String> {
        let mut faults: Vec<String> = self.pairs.into_values().map(|(_, what)| what).collect();
        faults.sort_unstable();
        faults
    }
}
