//! One run of leaves: every event, payload and leaf in it, read in three ordered scans and merged in memory.
//!
//! A batch owns a run of places in the tree and, apart from that, a run of event ids: those from its first leaf's
//! up to the next batch's. As ids rise with the tree these are nearly the same events. The runs of ids cover every
//! id there can be, each once, so that no event is passed over, with or without a leaf.

use std::collections::{HashMap, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Datelike};
use diesel::prelude::*;
use sha2::{Digest, Sha256};

use super::body::{Outline, member, plain};
use super::cells::{Bytes32, Id, KindCell, Lossy, Word};
use super::links::{Keys, Sums};
use super::{Counts, Faults};
use crate::domain::audit::leaf::{Leaf, commit};
use crate::domain::audit::tree::node_hash;
use crate::domain::audit::{Hash, Kind};
use crate::store::conn::AnyConn;
use crate::store::error::Error;
use crate::store::schema::{audit_event, audit_leaf, audit_payload};

/// The level of a batch's subtree: 4,096 leaves.
pub(super) const LEVEL: u32 = 12;
/// How many leaves that is.
pub(super) const LEAVES: u64 = 1 << LEVEL;
/// The lowest level of nodes that a store keeps.
const NODE_LEVEL: usize = 8;
/// How many ids are asked for at once.
const ASK: usize = 500;

/// Runs `$body` for each row of a query that is written once for both databases.
macro_rules! each {
    ($conn:expr, $query:expr, $row:ty, |$pat:pat_param| $body:block) => {
        on_conn!($conn, c => {
            for row in $query.load_iter::<$row, diesel::connection::DefaultLoadingMode>(c)? {
                let $pat = row?;
                $body
            }
        })
    };
}
pub(super) use each;

/// What all batches of a register share.
pub(super) struct Job<'a> {
    pub register: &'a str,
    /// The number of leaves.
    pub size: u64,
    /// Where each batch's run of event ids begins; never falling, and before every id for the first.
    pub bounds: Vec<Id>,
    /// Sizes of the tree whose roots are wanted; rising.
    pub sizes: Vec<u64>,
    /// What waits for its place.
    pub queue: HashSet<Id>,
    pub keys: Keys,
}

/// What a worker has gathered from all its batches.
pub(super) struct Gathered {
    pub counts: Counts,
    pub sums: Sums,
    /// Events without words that could be compared, by their short names.
    pub silent: HashSet<u64>,
    /// Checkpoints of which events tell, by size.
    pub told: Vec<(i64, Id)>,
    /// A few of the records with an event, and of the entries, as marks by which those tables are divided.
    pub marks: Marks,
    /// What was seen to wait, and the earliest instant of it.
    pub waiting: HashSet<Id>,
    pub waiting_since: Option<i64>,
}

impl Gathered {
    pub fn new() -> Self {
        Self {
            counts: Counts::default(),
            sums: Sums::new(),
            silent: HashSet::new(),
            told: Vec::new(),
            marks: Marks::default(),
            waiting: HashSet::new(),
            waiting_since: None,
        }
    }

    pub fn merge(&mut self, other: Self) {
        self.counts.merge(&other.counts);
        self.sums.merge(&other.sums);
        self.silent.extend(other.silent);
        self.told.extend(other.told);
        self.marks.subjects.extend(other.marks.subjects);
        self.marks.entries.extend(other.marks.entries);
        self.waiting.extend(other.waiting);
        self.waiting_since = match (self.waiting_since, other.waiting_since) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }
}

/// One of so many becomes a mark.
const MARKED: u64 = 8_192;

#[derive(Default)]
pub(super) struct Marks {
    pub subjects: Vec<(Id, Id)>,
    pub entries: Vec<Id>,
    seen: [u64; 2],
}

impl Marks {
    fn note(&mut self, event: &Id, outline: &Outline<'_>) {
        let [subjects, entries] = &mut self.seen;
        *subjects += 1 + outline.record_ids.len() as u64 / 39;
        if *subjects >= MARKED
            && let Some(record) = outline.record_ids.get(1..37)
        {
            *subjects = 0;
            self.subjects.push((Id::of(record), *event));
        }
        if let Some(entry) = outline.entry_id {
            *entries += 1;
            if *entries >= MARKED {
                *entries = 0;
                self.entries.push(Id::of(entry));
            }
        }
    }
}

/// What a batch amounts to.
pub(super) struct Outcome {
    pub faults: Faults,
    /// The perfect subtrees of its leaves, from left to right, by level.
    pub peaks: Vec<(u32, Hash)>,
    /// The hashes of its subtrees of 256 leaves.
    pub nodes: Vec<Hash>,
    /// For each wanted size that ends inside: the peaks up to there.
    pub prefixes: Vec<(u64, Vec<(u32, Hash)>)>,
}

/// What an event's row says.
#[derive(Clone, Copy)]
struct Row {
    recorded_at: i64,
    kind: Option<Kind>,
    action: Word,
    decision: Word,
    actor: Option<Id>,
    commitment: Option<Hash>,
    opened: bool,
}

type EventCells = (Id, i64, KindCell, Word, Word, Option<Id>, Bytes32);

fn row_of((id, recorded_at, kind, action, decision, actor, commitment): EventCells) -> (Id, Row) {
    let row = Row { recorded_at, kind: kind.0, action, decision, actor, commitment: commitment.0, opened: false };
    (id, row)
}

/// A leaf as stored.
#[derive(Clone, Copy)]
struct Stored {
    event: Id,
    hash: Option<Hash>,
}

/// Audits batch `number`.
pub(super) fn audit(conn: &mut AnyConn, job: &Job<'_>, number: u64, gathered: &mut Gathered) -> Result<Outcome, Error> {
    let first = number * LEAVES;
    let end = job.size.min(first + LEAVES);
    let mut faults = Faults::new();
    let mut batch = Batch {
        job,
        first,
        leaves: vec![None; usize::try_from(end - first).unwrap_or(0)],
        hashes: Vec::new(),
        rows: Vec::new(),
        strays: HashMap::new(),
        text: LeafText::new(),
        faults: &mut faults,
        gathered,
    };
    batch.hashes = vec![None; batch.leaves.len()];
    batch.rows = vec![None; batch.leaves.len()];
    batch.read_leaves(conn, end)?;
    let mut order = Order::of(&batch.leaves);
    batch.read_events(conn, number, &mut order)?;
    order.rewind();
    batch.read_payloads(conn, number, &mut order)?;
    batch.note_silent();
    batch.find_outliers(conn)?;
    batch.place_strays(conn)?;
    let hashes = batch.leaf_hashes();
    let (peaks, nodes, prefixes) = fold(hashes, first, &job.sizes);
    Ok(Outcome { faults, peaks, nodes, prefixes })
}

struct Batch<'a> {
    job: &'a Job<'a>,
    first: u64,
    leaves: Vec<Option<Stored>>,
    /// Leaf hashes as recomputed from the events.
    hashes: Vec<Option<Hash>>,
    /// The events of the leaves.
    rows: Vec<Option<Row>>,
    /// Events in this run of ids whose leaf, if any, is elsewhere.
    strays: HashMap<Id, Row>,
    text: LeafText,
    faults: &'a mut Faults,
    gathered: &'a mut Gathered,
}

impl Batch<'_> {
    fn place(&self, index: usize) -> u64 {
        self.first + index as u64
    }

    /// The batch's run of event ids, the last of which has no end; `None` for an empty one.
    fn bounds(&self, number: u64) -> Option<(Id, Option<Id>)> {
        let at = |n: u64| {
            let n = usize::try_from(n).ok()?;
            self.job.bounds.get(n).copied()
        };
        let (low, high) = (at(number)?, at(number + 1));
        (Some(low) != high).then_some((low, high))
    }

    fn read_leaves(&mut self, conn: &mut AnyConn, end: u64) -> Result<(), Error> {
        let to_i64 = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let (register, low, high) = (self.job.register, to_i64(self.first), to_i64(end));
        each!(
            &mut *conn,
            audit_leaf::table
                .filter(audit_leaf::register.eq(register))
                .filter(audit_leaf::seq.ge(low))
                .filter(audit_leaf::seq.lt(high))
                .order(audit_leaf::seq)
                .select((audit_leaf::seq, audit_leaf::event_id, audit_leaf::hash)),
            (i64, Id, Bytes32),
            |(seq, event, hash)| {
                let slot = usize::try_from(seq - low).ok().and_then(|n| self.leaves.get_mut(n));
                if let Some(slot) = slot {
                    *slot = Some(Stored { event, hash: hash.0 });
                }
            }
        );
        for (n, leaf) in self.leaves.iter().enumerate() {
            let place = self.first + n as u64;
            match leaf {
                None => self.faults.add(|| format!("leaf {place} is missing")),
                Some(leaf) if leaf.hash.is_none() => {
                    self.faults.add(|| format!("leaf {place}: its hash is not 32 bytes long"));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    fn read_events(&mut self, conn: &mut AnyConn, number: u64, order: &mut Order) -> Result<(), Error> {
        let Some((low, high)) = self.bounds(number) else {
            return Ok(());
        };
        let register = self.job.register;
        each!(
            &mut *conn,
            {
                let query = audit_event::table
                    .filter(audit_event::register.eq(register))
                    .filter(audit_event::id.ge(low.as_str()))
                    .order(audit_event::id)
                    .select(event_columns())
                    .into_boxed();
                match &high {
                    Some(high) => query.filter(audit_event::id.lt(high.as_str())),
                    None => query,
                }
            },
            EventCells,
            |cells| {
                let (id, row) = row_of(cells);
                self.event(id, row, order);
            }
        );
        Ok(())
    }

    fn event(&mut self, id: Id, row: Row, order: &mut Order) {
        self.gathered.counts.events += 1;
        if row.kind.is_none() {
            self.faults.add(|| format!("event {id}: no such kind"));
        }
        if !id.is_uuid() {
            self.faults.add(|| format!("event {id}: its id is no UUID"));
        }
        match order.find(&id) {
            Some(index) => {
                self.compare(index, &id, &row);
                if let Some(slot) = self.rows.get_mut(index) {
                    *slot = Some(row);
                }
            }
            None => {
                self.strays.insert(id, row);
            }
        }
    }

    /// Recomputes the leaf at `index` from the event's row.
    fn compare(&mut self, index: usize, id: &Id, row: &Row) {
        let place = self.place(index);
        let stored = self.leaves.get(index).copied().flatten();
        let (Some(kind), Some(commitment)) = (row.kind, row.commitment) else {
            return self.faults.add(|| format!("leaf {place}: event {id} has no whole kind and commitment to hash"));
        };
        let hash = self.text.hash(place, row.recorded_at, kind, commitment);
        if stored.is_some_and(|s| s.hash.is_some_and(|h| h != hash)) {
            self.faults.add(|| format!("leaf {place}: its hash is not that of event {id}"));
        }
        if let Some(slot) = self.hashes.get_mut(index) {
            *slot = Some(hash);
        }
    }

    fn read_payloads(&mut self, conn: &mut AnyConn, number: u64, order: &mut Order) -> Result<(), Error> {
        let Some((low, high)) = self.bounds(number) else {
            return Ok(());
        };
        let register = self.job.register;
        each!(
            &mut *conn,
            {
                let query = audit_payload::table
                    .filter(audit_payload::register.eq(register))
                    .filter(audit_payload::event_id.ge(low.as_str()))
                    .order(audit_payload::event_id)
                    .select((audit_payload::event_id, audit_payload::salt, audit_payload::body))
                    .into_boxed();
                match &high {
                    Some(high) => query.filter(audit_payload::event_id.lt(high.as_str())),
                    None => query,
                }
            },
            (Id, Bytes32, Lossy),
            |(id, salt, Lossy(body))| {
                let found = match order.find(&id).and_then(|n| self.rows.get_mut(n)) {
                    Some(slot) => slot.as_mut(),
                    None => self.strays.get_mut(&id),
                };
                match found {
                    Some(row) => {
                        row.opened = true;
                        let row = *row;
                        self.open(&id, &row, salt.0.as_ref(), &body);
                    }
                    None => self.faults.add(|| format!("the words of event {id} are there, but not the event")),
                }
            }
        );
        Ok(())
    }

    /// Opens a commitment and compares the words with the event's row.
    fn open(&mut self, id: &Id, row: &Row, salt: Option<&Hash>, body: &str) {
        self.gathered.counts.payloads_opened += 1;
        if salt.is_none_or(|salt| Some(commit(salt, body)) != row.commitment) {
            self.faults.add(|| format!("event {id}: its words and salt do not open its commitment"));
        }
        let Some(outline) = Outline::read(body) else {
            self.gathered.silent.insert(self.job.keys.event(id));
            return self.faults.add(|| format!("event {id}: its words are not canonical JSON"));
        };
        let time = self.text.instant(row.recorded_at);
        let mut differs = |what: &str| {
            self.faults.add(|| format!("event {id}: its {what} is not what its words say"));
        };
        if outline.id.as_bytes() != id.bytes() {
            differs("id");
        }
        if plain(outline.register) != self.job.register {
            differs("register");
        }
        if time.is_none_or(|time| outline.recorded_at.as_bytes() != time) {
            differs("time");
        }
        if row.kind.is_some_and(|kind| outline.kind != kind.as_str()) {
            differs("kind");
        }
        if Word::of(&plain(outline.action)) != row.action {
            differs("action");
        }
        if Word::of(outline.decision) != row.decision {
            differs("decision");
        }
        if outline.user_id.map(Id::of) != row.actor || outline.name.is_empty() {
            differs("actor");
        }
        if outline.action == "audit.checkpoint" && outline.decision == "permitted" {
            let size = outline.detail.and_then(|detail| member(detail, "size"));
            let size = size.and_then(|size| size.parse().ok()).unwrap_or(-1);
            self.gathered.told.push((size, *id));
        }
        self.gathered.marks.note(id, &outline);
        let (keys, sums) = (&self.job.keys, &mut self.gathered.sums);
        if keys.of_event(id, &outline, |pair, _| sums.add(&pair)).is_none() {
            self.gathered.silent.insert(keys.event(id));
            differs("list of records");
        }
    }

    /// Events whose words are gone: erased.
    fn note_silent(&mut self) {
        let leaves = self.leaves.iter().zip(&self.rows);
        let matched = leaves.filter_map(|(leaf, row)| Some((leaf.as_ref()?.event, row.as_ref()?)));
        let strays = self.strays.iter().map(|(id, row)| (*id, row));
        for (id, _) in matched.chain(strays).filter(|(_, row)| !row.opened) {
            self.gathered.counts.erased += 1;
            self.gathered.silent.insert(self.job.keys.event(&id));
        }
    }

    /// Leaves whose event lies in another batch's run of ids.
    fn find_outliers(&mut self, conn: &mut AnyConn) -> Result<(), Error> {
        let wanted: Vec<(usize, Id)> = self
            .leaves
            .iter()
            .zip(&self.rows)
            .enumerate()
            .filter_map(|(n, (leaf, row))| Some((n, leaf.as_ref()?.event, row.is_none())))
            .filter_map(|(n, id, lacks)| lacks.then_some((n, id)))
            .collect();
        for part in wanted.chunks(ASK) {
            let ids: Vec<&str> = part.iter().map(|(_, id)| id.as_str()).collect();
            let mut events: HashMap<Id, Row> = HashMap::with_capacity(ids.len());
            each!(
                &mut *conn,
                audit_event::table
                    .filter(audit_event::register.eq(self.job.register))
                    .filter(audit_event::id.eq_any(&ids))
                    .select(event_columns()),
                EventCells,
                |cells| {
                    let (id, row) = row_of(cells);
                    events.insert(id, row);
                }
            );
            let places = leaves_of(conn, self.job.register, &ids)?;
            for (index, id) in part {
                let place = self.place(*index);
                match events.get(id) {
                    Some(row) => self.compare(*index, id, row),
                    None => self.faults.add(|| format!("leaf {place}: its event {id} is missing")),
                }
                for other in places.get(id).into_iter().flatten() {
                    if u64::try_from(*other) != Ok(place) {
                        self.faults.add(|| format!("event {id} has two places in the tree: {place} and {other}"));
                    }
                }
            }
        }
        Ok(())
    }

    /// Events whose leaf is elsewhere, or which wait, or which are at fault.
    fn place_strays(&mut self, conn: &mut AnyConn) -> Result<(), Error> {
        let mut ids: Vec<Id> = self.strays.keys().copied().collect();
        ids.sort_unstable();
        for part in ids.chunks(ASK) {
            let asked: Vec<&str> = part.iter().map(Id::as_str).collect();
            let places = leaves_of(conn, self.job.register, &asked)?;
            for id in part {
                match (places.contains_key(id), self.job.queue.contains(id)) {
                    (true, _) => {}
                    (false, true) => {
                        self.gathered.waiting.insert(*id);
                        let at = self.strays.get(id).map(|row| row.recorded_at);
                        let earliest = self.gathered.waiting_since;
                        self.gathered.waiting_since = earliest.into_iter().chain(at).min();
                    }
                    (false, false) => {
                        self.faults.add(|| format!("event {id} has no place in the tree and does not wait for one"))
                    }
                }
            }
        }
        Ok(())
    }

    /// What the tree is built from: the recomputed hashes, and a stored one where there is no event to hash.
    fn leaf_hashes(&self) -> Vec<Hash> {
        self.hashes
            .iter()
            .zip(&self.leaves)
            .map(|(hash, leaf)| hash.or_else(|| leaf.as_ref().and_then(|l| l.hash)).unwrap_or_default())
            .collect()
    }
}

type EventColumns = (
    audit_event::id,
    audit_event::recorded_at,
    audit_event::kind,
    audit_event::action,
    audit_event::decision,
    audit_event::actor_id,
    audit_event::commitment,
);

fn event_columns() -> EventColumns {
    (
        audit_event::id,
        audit_event::recorded_at,
        audit_event::kind,
        audit_event::action,
        audit_event::decision,
        audit_event::actor_id,
        audit_event::commitment,
    )
}

/// The places of these events.
fn leaves_of(conn: &mut AnyConn, register: &str, ids: &[&str]) -> Result<HashMap<Id, Vec<i64>>, Error> {
    let mut places: HashMap<Id, Vec<i64>> = HashMap::with_capacity(ids.len());
    each!(
        &mut *conn,
        audit_leaf::table
            .filter(audit_leaf::register.eq(register))
            .filter(audit_leaf::event_id.eq_any(ids))
            .select((audit_leaf::event_id, audit_leaf::seq)),
        (Id, i64),
        |(id, seq)| {
            places.entry(id).or_default().push(seq);
        }
    );
    Ok(places)
}

/// The leaves of a batch by their event.
struct Order {
    ids: Vec<(Id, usize)>,
    next: usize,
}

impl Order {
    fn of(leaves: &[Option<Stored>]) -> Self {
        let mut ids: Vec<(Id, usize)> =
            leaves.iter().enumerate().filter_map(|(n, leaf)| leaf.as_ref().map(|l| (l.event, n))).collect();
        if !ids.is_sorted() {
            ids.sort_unstable();
        }
        Self { ids, next: 0 }
    }

    /// The leaf of this event. Events come in order: what is wanted is nearly always the next one.
    fn find(&mut self, id: &Id) -> Option<usize> {
        if let Some((next, index)) = self.ids.get(self.next)
            && next == id
        {
            self.next += 1;
            return Some(*index);
        }
        let at = self.ids.partition_point(|(other, _)| other < id);
        let (found, index) = self.ids.get(at)?;
        (found == id).then(|| {
            self.next = at + 1;
            *index
        })
    }

    fn rewind(&mut self) {
        self.next = 0;
    }
}

/// Writes leaf texts, as docs/log.md describes them: not with the code that the writer uses.
struct LeafText {
    buffer: Vec<u8>,
    /// The last day written, since most leaves share theirs with the one before.
    day: i64,
    date: [u8; 10],
}

const DAY: i64 = 86_400_000_000;

impl LeafText {
    fn new() -> Self {
        Self { buffer: Vec::with_capacity(192), day: i64::MIN, date: [b'0'; 10] }
    }

    /// `2026-11-21T10:00:00.000000Z`; `None` beyond the years 0 to 9999.
    fn instant(&mut self, micros: i64) -> Option<[u8; 27]> {
        let day = micros.div_euclid(DAY);
        if day != self.day {
            let date = DateTime::from_timestamp_micros(micros)?.date_naive();
            if !(0..=9999).contains(&date.year()) {
                return None;
            }
            self.date = date.format("%Y-%m-%d").to_string().as_bytes().try_into().ok()?;
            self.day = day;
        }
        let mut rest = u64::try_from(micros.rem_euclid(DAY)).unwrap_or(0);
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        text[..10].copy_from_slice(&self.date);
        let mut put = |range: std::ops::Range<usize>, base: u64| {
            let mut part = rest % base;
            rest /= base;
            for digit in text[range].iter_mut().rev() {
                *digit = b'0' + (part % 10) as u8;
                part /= 10;
            }
        };
        put(20..26, 1_000_000);
        put(17..19, 60);
        put(14..16, 60);
        put(11..13, 24);
        Some(text)
    }

    /// SHA-256(0x00 ‖ leaf text).
    fn hash(&mut self, seq: u64, micros: i64, kind: Kind, commitment: Hash) -> Hash {
        let Some(time) = self.instant(micros) else {
            // No log has such a leaf; the writer's own rule for it is as good as any.
            let leaf = Leaf { seq, recorded_at_micros: micros, kind, commitment };
            return leaf.hash();
        };
        let out = &mut self.buffer;
        out.clear();
        out.extend_from_slice(b"\0{\"c\":\"");
        let mut base64 = [0; 44];
        if STANDARD.encode_slice(commitment, &mut base64).is_ok() {
            out.extend_from_slice(&base64);
        }
        out.extend_from_slice(b"\",\"k\":\"");
        out.extend_from_slice(kind.as_str().as_bytes());
        out.extend_from_slice(b"\",\"seq\":");
        let mut digits = [0; 20];
        let (mut at, mut rest) = (digits.len(), seq);
        while at == digits.len() || rest > 0 {
            at -= 1;
            digits[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        out.extend_from_slice(&digits[at..]);
        out.extend_from_slice(b",\"t\":\"");
        out.extend_from_slice(&time);
        out.extend_from_slice(b"\",\"v\":1}");
        Sha256::digest(&*out).into()
    }
}

type Folded = (Vec<(u32, Hash)>, Vec<Hash>, Vec<(u64, Vec<(u32, Hash)>)>);

/// Hashes a batch's leaves together, row by row: its peaks, its nodes that a store keeps, and the peaks up to each of
/// `sizes` that ends inside it.
fn fold(leaves: Vec<Hash>, first: u64, sizes: &[u64]) -> Folded {
    let count = leaves.len();
    let mut levels = vec![leaves];
    while let Some(row) = levels.last()
        && row.len() > 1
    {
        let above = row.as_chunks().0.iter().map(|[l, r]| node_hash(l, r)).collect();
        levels.push(above);
    }
    let peaks = |count: usize| -> Vec<(u32, Hash)> {
        (0_u32..LEVEL + 1)
            .rev()
            .filter(|level| (count >> level) & 1 == 1)
            .filter_map(|level| {
                let row = levels.get(usize::try_from(level).ok()?)?;
                Some((level, *row.get((count >> level) - 1)?))
            })
            .collect()
    };
    let from = sizes.partition_point(|size| *size <= first);
    let prefixes = sizes
        .iter()
        .skip(from)
        .map_while(|size| {
            let inside = usize::try_from(size - first).ok().filter(|n| *n <= count)?;
            Some((*size, peaks(inside)))
        })
        .collect();
    let nodes = levels.get(NODE_LEVEL).cloned().unwrap_or_default();
    (peaks(count), nodes, prefixes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::audit::tree::Frontier;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn leaf_texts_are_those_of_the_writer(
            seq in 0_u64..1 << 53, recorded_at_micros in -62_167_219_200_000_000_i64..253_402_300_800_000_000,
            kind in prop::sample::select(&Kind::ALL), commitment in any::<Hash>(),
        ) {
            let leaf = Leaf { seq, recorded_at_micros, kind, commitment };
            let mut text = LeafText::new();
            prop_assert_eq!(text.hash(seq, recorded_at_micros, kind, commitment), leaf.hash());
            // A second time: the day is remembered.
            prop_assert_eq!(text.hash(seq, recorded_at_micros, kind, commitment), leaf.hash());
            let later = Leaf { recorded_at_micros: recorded_at_micros / 2, seq: seq % 11, ..leaf };
            prop_assert_eq!(text.hash(seq % 11, recorded_at_micros / 2, kind, commitment), later.hash());
        }

        #[test]
        fn folding_gives_the_roots_of_every_size(count in 0_usize..700, batch in 0_u64..3, wanted in any::<prop::sample::Index>()) {
            let leaves: Vec<Hash> = (0..count).map(|n| [n as u8; 32]).collect();
            let first = batch * LEAVES;
            let inside = wanted.index(count + 1);
            let size = first + inside as u64;
            let (peaks, nodes, prefixes) = fold(leaves.clone(), first, &[0, first, size, first + 701]);
            let root = |peaks: &[(u32, Hash)]| {
                let mut frontier = Frontier::new();
                for (level, hash) in peaks { frontier.push_subtree(*level, *hash).unwrap(); }
                (frontier.size(), frontier.root())
            };
            let expected = |count: usize| {
                let mut frontier = Frontier::new();
                let mut nodes = Vec::new();
                for leaf in &leaves[..count] {
                    frontier.push(*leaf, |s, hash| if s.level == 8 { nodes.push(hash); });
                }
                ((frontier.size(), frontier.root()), nodes)
            };
            prop_assert_eq!(root(&peaks), expected(count).0);
            prop_assert_eq!(nodes, expected(count).1);
            if inside > 0 {
                prop_assert_eq!(prefixes[0].0, size);
                prop_assert_eq!(root(&prefixes[0].1), expected(inside).0);
            } else {
                prop_assert!(prefixes.is_empty());
            }
        }
    }
}
