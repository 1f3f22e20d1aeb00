//! The full audit of the log: everything is recomputed from the events, by other code than the one that writes.
//!
//! A signed checkpoint and a proof only say that the tree was so; that the rows on disk are still what the tree was
//! made of is seen by reading all of them. Leaves are recomputed from events, the tree from leaves; every commitment
//! whose words and salt are still there is opened; every node, head and checkpoint is compared with the recomputed
//! tree; every entry and grant with the event that tells of it. What is missing is a fault like what is wrong.
//!
//! All of it sees one state of the database, whatever is written meanwhile.

mod batch;
mod body;
mod cells;
mod export;
mod links;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use diesel::connection::SimpleConnection;
use diesel::dsl::{count_star, max, min, sql};
use diesel::prelude::*;
use diesel::sql_types::{Binary, Bool, Text};
use serde::Serialize;

pub use export::{checkpoint_now, export};

use super::conn::{AnyConn, DatabaseUrl, connect};
use super::error::Error;
use super::schema::{
    audit_checkpoint, audit_event, audit_head, audit_leaf, audit_node, audit_payload, audit_queue, audit_subject,
    confirmation, confirmed_record, entry, grant_log,
};
use crate::clock::uuid_at;
use crate::domain::audit::checkpoint::{Checkpoint, NoteVerifier};
use crate::domain::audit::tree::{Frontier, is_stored};
use crate::domain::audit::{Hash, canonical};
use crate::domain::calendar::{instant, rfc3339};
use crate::domain::hex;
use crate::domain::record::entry::content_digest;
use batch::{Gathered, Job, LEAVES, Outcome, each};
use body::{Outline, member, text_member};
use cells::{Bytes32, Id, Lossy};
use links::{Difference, EntryRow, GrantRow, Keys, Sums};

/// How many faults of a sort are named in a register's report; the rest are counted.
const NAMED_FAULTS: usize = 25;
/// From how many leaves on they are counted before they are read.
const COUNTED: u64 = 1 << 20;
/// In how many groups of differing links the links themselves are looked for.
const GROUPS_NAMED: usize = 8;

/// A row of `audit_subject` compared with a key, in a way that both databases look up in the primary key.
macro_rules! subject {
    ($how:literal, $key:expr) => {
        sql::<Bool>(concat!("(audit_subject.record_id, audit_subject.event_id) ", $how, " ("))
            .bind::<Text, _>($key.0.as_str())
            .sql(", ")
            .bind::<Text, _>($key.1.as_str())
            .sql(")")
    };
}

/// Tables that tell of a register's log, or from which it can be told that there should be one.
const TABLES: &[&str] = &[
    "audit_event",
    "audit_payload",
    "audit_subject",
    "audit_queue",
    "audit_leaf",
    "audit_node",
    "audit_head",
    "audit_checkpoint",
    "entry",
    "grant_log",
];

/// How far an audit has come.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// Register.
    pub register: &'a str,
    /// Leaves audited.
    pub done: u64,
    /// Leaves there are.
    pub of: u64,
}

/// What an audit of a register's log found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Register.
    pub register: String,
    /// Number of leaves.
    pub size: u64,
    /// Root recomputed from the events, in base64.
    pub root: String,
    /// Events, with a place in the tree or waiting for one.
    pub events: u64,
    /// Events whose commitment was opened with their words and salt.
    pub payloads_opened: u64,
    /// Events whose words and salt are gone.
    pub erased: u64,
    /// Rows that tie an event to a record.
    pub subjects: u64,
    /// Entries.
    pub entries: u64,
    /// Rows of the log of grants.
    pub grants: u64,
    /// Checkpoints handed out.
    pub checkpoints: u64,
    /// Events that wait for their place.
    pub waiting: u64,
    /// Instant of the oldest of them.
    pub waiting_since: Option<String>,
    /// What is wrong: the first 25 of each sort.
    pub faults: Vec<String>,
    /// How much is wrong.
    pub fault_count: u64,
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.fault_count == 0
    }
}

/// Faults in the order found.
#[derive(Debug)]
struct Faults {
    named: Vec<String>,
    count: u64,
    /// How many more are named, so that many of one sort don't hide those of another.
    room: usize,
}

impl Faults {
    fn new() -> Self {
        Self { named: Vec::new(), count: 0, room: NAMED_FAULTS }
    }

    /// Another sort begins.
    fn next_sort(&mut self) {
        self.room = NAMED_FAULTS;
    }

    fn add(&mut self, what: impl FnOnce() -> String) {
        self.count += 1;
        if self.room > 0 {
            self.room -= 1;
            self.named.push(what());
        }
    }

    fn append(&mut self, other: Self) {
        self.count += other.count;
        let taken = other.named.len().min(self.room);
        self.room -= taken;
        self.named.extend(other.named.into_iter().take(taken));
    }
}

/// How many there were.
#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    events: u64,
    payloads_opened: u64,
    erased: u64,
    subjects: u64,
    entries: u64,
    grants: u64,
}

impl Counts {
    fn merge(&mut self, other: &Self) {
        self.events += other.events;
        self.payloads_opened += other.payloads_opened;
        self.erased += other.erased;
        self.subjects += other.subjects;
        self.entries += other.entries;
        self.grants += other.grants;
    }
}

/// Audits the logs of `registers` (`None`: of every register of which there is a trace) on `threads` connections.
/// `verifiers` gives the key of a register's checkpoints.
///
/// # Errors
/// The database cannot be read. What is wrong with a log is no error: it stands in its report.
pub fn verify(
    url: &DatabaseUrl,
    registers: Option<&[String]>,
    verifiers: &dyn Fn(&str) -> Option<NoteVerifier>,
    threads: usize,
    progress: &(dyn Fn(Progress<'_>) + Sync),
) -> Result<Vec<Report>, Error> {
    let mut conns = open(url, threads.max(1))?;
    let mut reports = Vec::new();
    let registers = match registers {
        Some(registers) => registers.iter().map(|r| r.clone().into_bytes()).collect(),
        None => registers_of(first(&mut conns)?)?,
    };
    for register in registers {
        match String::from_utf8(register) {
            Ok(register) => {
                let verifier = verifiers(&register);
                let mut audit =
                    Audit { register: &register, verifier: verifier.as_ref(), faults: Faults::new(), progress };
                reports.push(audit.run(&mut conns)?);
            }
            Err(e) => reports.push(nameless(&String::from_utf8_lossy(e.as_bytes()))),
        }
    }
    Ok(reports)
}

/// The report of rows under a name that is no text.
fn nameless(register: &str) -> Report {
    Report {
        register: register.to_owned(),
        size: 0,
        root: String::new(),
        events: 0,
        payloads_opened: 0,
        erased: 0,
        subjects: 0,
        entries: 0,
        grants: 0,
        checkpoints: 0,
        waiting: 0,
        waiting_since: None,
        faults: vec!["rows belong to a register whose name is no text".to_owned()],
        fault_count: 1,
    }
}

fn first(conns: &mut [AnyConn]) -> Result<&mut AnyConn, Error> {
    conns.first_mut().ok_or_else(|| Error::Unavailable("no connection".into()))
}

#[derive(QueryableByName)]
struct Mark {
    #[diesel(sql_type = Text)]
    mark: String,
}

/// Connections that all see the same state of the database, and can't change it.
fn open(url: &DatabaseUrl, count: usize) -> Result<Vec<AnyConn>, Error> {
    let unavailable = |e: diesel::r2d2::Error| Error::Unavailable(e.to_string());
    if let DatabaseUrl::Sqlite(path) = url
        && !path.starts_with("file:")
        && !std::path::Path::new(path).exists()
    {
        // Connecting would make an empty one.
        return Err(Error::Unavailable(format!("there is no database at {path}")));
    }
    let mut conns = (0..count).map(|_| connect(url).map_err(unavailable)).collect::<Result<Vec<_>, _>>()?;
    match url {
        DatabaseUrl::Pg(_) => {
            let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
            let mut snapshot: Option<String> = None;
            for conn in &mut conns {
                conn.batch_execute(begin)?;
                match &snapshot {
                    Some(mark) => conn.batch_execute(&format!("SET TRANSACTION SNAPSHOT '{mark}'"))?,
                    None => {
                        let query = diesel::sql_query("SELECT pg_export_snapshot() AS mark");
                        snapshot = Some(query.get_result::<Mark>(conn)?.mark);
                    }
                }
            }
        }
        DatabaseUrl::Sqlite(_) => {
            for conn in &mut conns {
                // Mapped pages spare each connection a copy of the whole database and, as SQLite is built here, a
                // lock over the page caches of all connections. (A page that the disk can't give then ends the
                // process instead of being an error; for everything but this the program does not map any.)
                conn.batch_execute("PRAGMA query_only = ON; PRAGMA mmap_size = 1099511627776")?;
            }
            align(&mut conns)?;
        }
    }
    Ok(conns)
}

/// Begins reading on every connection until all see the same: whatever is written to a log makes its head grow, so that
/// equal heads are an equal state.
fn align(conns: &mut [AnyConn]) -> Result<(), Error> {
    for attempt in 0_u64..200 {
        let mut seen = HashSet::new();
        for conn in &mut *conns {
            conn.batch_execute("BEGIN")?;
            let mut heads = Vec::new();
            each!(
                &mut *conn,
                audit_head::table.order(audit_head::register).select((audit_head::register, audit_head::size)),
                (Lossy, i64),
                |(Lossy(register), size)| {
                    heads.push((register, size));
                }
            );
            seen.insert(heads);
        }
        if seen.len() == 1 {
            return Ok(());
        }
        for conn in &mut *conns {
            conn.batch_execute("ROLLBACK")?;
        }
        std::thread::sleep(std::time::Duration::from_millis(attempt % 7));
    }
    Err(Error::Unavailable("the database never rested long enough to be read by several at once".into()))
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Binary)]
    register: Vec<u8>,
}

/// Every register that has a row in one of [`TABLES`], found by jumping from name to name.
fn registers_of(conn: &mut AnyConn) -> Result<Vec<Vec<u8>>, Error> {
    let (out, into) = match conn {
        AnyConn::Pg(_) => ("convert_to(register, 'UTF8')", "convert_from($1, 'UTF8')"),
        AnyConn::Sqlite(_) => ("CAST(register AS BLOB)", "CAST(? AS TEXT)"),
    };
    let mut names: Vec<Vec<u8>> = Vec::new();
    for table in TABLES {
        let select = format!("SELECT {out} AS register FROM {table}");
        let mut next = diesel::sql_query(format!("{select} ORDER BY {table}.register LIMIT 1"))
            .get_result::<Name>(conn)
            .optional()?;
        while let Some(Name { register }) = next {
            next = diesel::sql_query(format!(
                "{select} WHERE {table}.register > {into} ORDER BY {table}.register LIMIT 1"
            ))
            .bind::<Binary, _>(&register)
            .get_result::<Name>(conn)
            .optional()?
            .filter(|found| found.register != register);
            names.push(register);
        }
    }
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

/// A checkpoint as stored.
struct Issued {
    size: i64,
    note: String,
    made_at: i64,
}

/// The audit of one register.
struct Audit<'a> {
    register: &'a str,
    verifier: Option<&'a NoteVerifier>,
    faults: Faults,
    progress: &'a (dyn Fn(Progress<'_>) + Sync),
}

/// The recomputed tree.
struct Tree {
    frontier: Frontier,
    /// The roots at the sizes of which there is a checkpoint.
    roots: HashMap<u64, Hash>,
}

impl Audit<'_> {
    fn run(&mut self, conns: &mut [AnyConn]) -> Result<Report, Error> {
        let conn = first(conns)?;
        let size = self.size(conn)?;
        let issued = self.checkpoints(conn)?;
        let queue = self.queue(conn)?;
        let mut sizes: Vec<u64> =
            issued.iter().filter_map(|c| u64::try_from(c.size).ok()).filter(|at| *at <= size).collect();
        sizes.sort_unstable();
        let job = Job {
            register: self.register,
            size,
            bounds: self.bounds(conn, size)?,
            sizes,
            queue,
            keys: Keys::default(),
        };
        let (outcomes, mut gathered) = self.batches(conns, &job)?;
        let (tree, nodes) = self.tree(outcomes, &job.sizes);
        let conn = first(conns)?;
        self.nodes(conn, nodes)?;
        self.head(conn, &tree.frontier)?;
        self.queued(&job, &gathered);
        self.contents(conn)?;
        self.confirmations(conn)?;
        if size == 0 && gathered.counts.events == 0 {
            self.faults.add(|| "there is no log of this name".to_owned());
        }
        let said = gathered.sums.clone();
        let kept = self.others(conns, &job, &issued, &tree, &mut gathered)?;
        self.links(first(conns)?, &job, &gathered, &said, &kept)?;
        let faults = std::mem::replace(&mut self.faults, Faults::new());
        Ok(Report {
            register: self.register.to_owned(),
            size,
            root: STANDARD.encode(tree.frontier.root()),
            events: gathered.counts.events,
            payloads_opened: gathered.counts.payloads_opened,
            erased: gathered.counts.erased,
            subjects: gathered.counts.subjects,
            entries: gathered.counts.entries,
            grants: gathered.counts.grants,
            checkpoints: issued.len() as u64,
            waiting: gathered.waiting.len() as u64,
            waiting_since: gathered.waiting_since.map(|at| rfc3339(instant(at))),
            faults: faults.named,
            fault_count: faults.count,
        })
    }

    /// What each entry asserts must have the digest that its event tells, where the event's words remain.
    fn contents(&mut self, conn: &mut AnyConn) -> Result<(), Error> {
        each!(
            conn,
            entry::table
                .inner_join(
                    audit_payload::table.on(audit_payload::register
                        .eq(entry::register)
                        .and(audit_payload::event_id.eq(entry::audit_id)),),
                )
                .filter(entry::register.eq(self.register))
                .select((entry::id, entry::data, entry::reason, audit_payload::body)),
            (Id, Lossy, Option<Lossy>, Lossy),
            |(id, data, reason, body)| {
                let detail = Outline::read(&body.0).and_then(|event| event.detail).unwrap_or("{}");
                let told = text_member(detail, "content_sha256");
                if told != Some(content_digest(&data.0, reason.as_ref().map(|r| r.0.as_str())).as_str()) {
                    self.faults.add(|| format!("entry {id} does not assert what its event tells"));
                }
            }
        );
        Ok(())
    }

    /// What is confirmed must be what its event tells, and the leaves must lead to its root.
    fn confirmations(&mut self, conn: &mut AnyConn) -> Result<(), Error> {
        self.faults.next_sort();
        let mut trees: HashMap<String, Frontier> = HashMap::new();
        each!(
            &mut *conn,
            confirmed_record::table
                .filter(confirmed_record::register.eq(self.register))
                .order((confirmed_record::confirmation_id, confirmed_record::position))
                .select((confirmed_record::confirmation_id, confirmed_record::leaf)),
            (Id, Bytes32),
            |(id, leaf)| {
                let tree = trees.entry(id.to_string()).or_default();
                tree.push(leaf.0.unwrap_or_default(), |_, _| {});
            }
        );
        each!(
            conn,
            confirmation::table
                .left_join(
                    audit_payload::table.on(audit_payload::register
                        .eq(confirmation::register)
                        .and(audit_payload::event_id.eq(confirmation::audit_id)),),
                )
                .filter(confirmation::register.eq(self.register))
                .filter(confirmation::confirmed_at.is_not_null())
                .select((
                    confirmation::id,
                    confirmation::root,
                    confirmation::number,
                    confirmation::body,
                    audit_payload::body.nullable(),
                )),
            (Id, Option<Lossy>, Option<i64>, Lossy, Option<Lossy>),
            |(id, root, number, body, told)| {
                let kept = root.map_or_else(String::new, |r| r.0);
                let tree = trees.remove(&id.to_string()).unwrap_or_default();
                if hex(&tree.root()) != kept {
                    self.faults.add(|| format!("the records of confirmation {id} do not lead to its root"));
                }
                // The words of the event may have been erased.
                let Some(told) = told else { continue };
                let detail = Outline::read(&told.0).and_then(|event| event.detail).unwrap_or("{}");
                let said = (text_member(detail, "snapshot_root"), text_member(detail, "sha256"));
                let digest = content_digest(&body.0, None);
                let numbered = member(detail, "number").and_then(|n| n.parse().ok()) == number;
                if said != (Some(kept.as_str()), Some(digest.as_str())) || !numbered {
                    self.faults.add(|| format!("confirmation {id} is not what its event tells"));
                }
            }
        );
        for id in trees.into_keys() {
            self.faults.add(|| format!("there are records of confirmation {id}, which is not confirmed"));
        }
        Ok(())
    }

    /// The number of leaves, from the leaves themselves.
    fn size(&mut self, conn: &mut AnyConn) -> Result<u64, Error> {
        let rows = || audit_leaf::table.filter(audit_leaf::register.eq(self.register));
        let low: Option<i64> = rows().select(min(audit_leaf::seq)).first(conn)?;
        let high: Option<i64> = rows().select(max(audit_leaf::seq)).first(conn)?;
        let (Some(low), Some(high)) = (low, high) else {
            return Ok(0);
        };
        if low != 0 {
            self.faults.add(|| format!("the first leaf has place {low}"));
        }
        let size = u64::try_from(high).map_or(0, |high| high.saturating_add(1));
        if size <= COUNTED {
            return Ok(size);
        }
        // A place beyond all measure must not make the audit go on for ever.
        let count: i64 = rows().select(count_star()).first(conn)?;
        let rows = u64::try_from(count).unwrap_or(0);
        if rows != size {
            self.faults.add(|| format!("the last leaf has place {high}, but there are {count} leaves"));
        }
        Ok(size.min(rows.saturating_add(LEAVES)))
    }

    fn checkpoints(&self, conn: &mut AnyConn) -> Result<Vec<Issued>, Error> {
        let mut issued = Vec::new();
        each!(
            &mut *conn,
            audit_checkpoint::table
                .filter(audit_checkpoint::register.eq(self.register))
                .order(audit_checkpoint::size)
                .select((audit_checkpoint::size, audit_checkpoint::note, audit_checkpoint::made_at,)),
            (i64, Lossy, i64),
            |(size, Lossy(note), made_at)| {
                issued.push(Issued { size, note, made_at });
            }
        );
        Ok(issued)
    }

    fn queue(&mut self, conn: &mut AnyConn) -> Result<HashSet<Id>, Error> {
        let mut queue = HashSet::new();
        each!(
            &mut *conn,
            audit_queue::table.filter(audit_queue::register.eq(self.register)).select(audit_queue::event_id),
            Id,
            |id| {
                queue.insert(id);
            }
        );
        if !queue.is_empty() && matches!(conn, AnyConn::Sqlite(_)) {
            self.faults.add(|| "events wait for their place, which on SQLite they get as they are recorded".to_owned());
        }
        Ok(queue)
    }

    /// Where the batches' runs of event ids begin: at the event of each one's first leaf.
    fn bounds(&self, conn: &mut AnyConn, size: u64) -> Result<Vec<Id>, Error> {
        let starts: Vec<i64> =
            (1..size.div_ceil(LEAVES)).map(|n| i64::try_from(n * LEAVES).unwrap_or(i64::MAX)).collect();
        let mut found: HashMap<i64, Id> = HashMap::with_capacity(starts.len());
        for part in starts.chunks(500) {
            each!(
                &mut *conn,
                audit_leaf::table
                    .filter(audit_leaf::register.eq(self.register))
                    .filter(audit_leaf::seq.eq_any(part))
                    .select((audit_leaf::seq, audit_leaf::event_id)),
                (i64, Id),
                |(seq, id)| {
                    found.insert(seq, id);
                }
            );
        }
        let mut bounds = vec![Id::of("")];
        let mut last = Id::of("");
        for start in starts {
            if let Some(id) = found.get(&start).filter(|id| id.is_uuid()) {
                last = last.max(*id);
            }
            bounds.push(last);
        }
        Ok(bounds)
    }

    /// Audits the batches, the next one by whoever is free.
    fn batches(&self, conns: &mut [AnyConn], job: &Job<'_>) -> Result<(Vec<Outcome>, Gathered), Error> {
        let (next, done) = (AtomicU64::new(0), AtomicU64::new(0));
        let count = job.bounds.len() as u64;
        let work = |conn: &mut AnyConn| -> Result<_, Error> {
            let mut gathered = Gathered::new();
            let mut outcomes = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return Ok((outcomes, gathered));
                }
                outcomes.push((number, batch::audit(conn, job, number, &mut gathered)?));
                let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                (self.progress)(Progress { register: job.register, done: job.size.min(done * LEAVES), of: job.size });
            }
        };
        let mut gathered = Gathered::new();
        let mut outcomes = Vec::new();
        for (theirs, also) in side_by_side(conns, work)? {
            outcomes.extend(theirs);
            gathered.merge(also);
        }
        outcomes.sort_unstable_by_key(|(number, _)| *number);
        Ok((outcomes.into_iter().map(|(_, outcome)| outcome).collect(), gathered))
    }

    /// Puts the batches' subtrees together: the tree, and the nodes of it that a store keeps.
    fn tree(&mut self, outcomes: Vec<Outcome>, sizes: &[u64]) -> (Tree, HashMap<(i64, i64), Hash>) {
        self.faults.next_sort();
        let mut frontier = Frontier::new();
        let mut nodes = HashMap::new();
        let mut roots = HashMap::new();
        if sizes.contains(&0) {
            roots.insert(0, frontier.root());
        }
        let to_i64 = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        for outcome in outcomes {
            self.faults.append(outcome.faults);
            for (size, peaks) in outcome.prefixes {
                let mut then = frontier.clone();
                if peaks.iter().all(|(l, hash)| then.push_subtree(*l, *hash).is_ok()) {
                    roots.insert(size, then.root());
                }
            }
            for (n, hash) in (0..).zip(outcome.nodes) {
                nodes.insert((8, to_i64(frontier.size() >> 8) + n), hash);
            }
            for (level, hash) in outcome.peaks {
                let pushed = frontier.push_subtree_with(level, hash, |subtree, hash| {
                    if is_stored(subtree.level) && subtree.level > batch::LEVEL {
                        let key = (i64::from(subtree.level), to_i64(subtree.index));
                        nodes.insert(key, hash);
                    }
                });
                if let Err(e) = pushed {
                    self.faults.add(|| format!("the tree cannot be built: {e}"));
                }
            }
        }
        (Tree { frontier, roots }, nodes)
    }

    /// Compares the stored nodes with the recomputed ones.
    fn nodes(&mut self, conn: &mut AnyConn, mut expected: HashMap<(i64, i64), Hash>) -> Result<(), Error> {
        self.faults.next_sort();
        each!(
            &mut *conn,
            audit_node::table
                .filter(audit_node::register.eq(self.register))
                .order((audit_node::level, audit_node::position))
                .select((audit_node::level, audit_node::position, audit_node::hash)),
            (i64, i64, Bytes32),
            |(level, position, hash)| {
                match expected.remove(&(level, position)) {
                    Some(expected) if hash.0 == Some(expected) => {}
                    Some(_) => {
                        self.faults.add(|| format!("node {position} of level {level} is not the hash of its leaves"))
                    }
                    None => self.faults.add(|| format!("node {position} of level {level} is none of this tree")),
                }
            }
        );
        let mut missing: Vec<(i64, i64)> = expected.into_keys().collect();
        missing.sort_unstable();
        for (level, position) in missing {
            self.faults.add(|| format!("node {position} of level {level} is missing"));
        }
        Ok(())
    }

    fn head(&mut self, conn: &mut AnyConn, frontier: &Frontier) -> Result<(), Error> {
        self.faults.next_sort();
        let head: Option<(i64, Vec<u8>)> = audit_head::table
            .find(self.register)
            .select((audit_head::size, audit_head::frontier))
            .first(conn)
            .optional()?;
        match head {
            None if frontier.size() == 0 => {}
            None => self.faults.add(|| "the head of the tree is missing".to_owned()),
            Some((size, bytes)) => {
                if u64::try_from(size) != Ok(frontier.size()) {
                    let leaves = frontier.size();
                    self.faults.add(|| format!("the head counts {size} leaves, but there are {leaves}"));
                }
                if bytes != frontier.to_bytes() {
                    self.faults.add(|| "the head is not that of the recomputed tree".to_owned());
                }
            }
        }
        Ok(())
    }

    /// What waits must be there, and must not have its place already.
    fn queued(&mut self, job: &Job<'_>, gathered: &Gathered) {
        self.faults.next_sort();
        let mut wrong: Vec<&Id> = job.queue.difference(&gathered.waiting).collect();
        wrong.sort_unstable();
        for id in wrong {
            self.faults.add(|| format!("event {id} is said to wait, but is missing or has its place already"));
        }
    }

    /// Reads what else tells of the log: checkpoints, subjects, entries, grants. Sums up the links found there.
    fn others(
        &mut self,
        conns: &mut [AnyConn],
        job: &Job<'_>,
        issued: &[Issued],
        tree: &Tree,
        gathered: &mut Gathered,
    ) -> Result<Sums, Error> {
        self.faults.next_sort();
        if !issued.is_empty() && self.verifier.is_none() {
            self.faults.add(|| format!("there is no key to check the signatures of {} checkpoints with", issued.len()));
        }
        let marks = std::mem::take(&mut gathered.marks);
        let subjects = Page::all(marks.subjects);
        let entries = Page::all(marks.entries.into_iter().map(|id| (id, id)).collect());
        let taken: [AtomicUsize; 4] = Default::default();
        let [next_checkpoint, next_subjects, next_entries, next_grants] = &taken;
        let kept: HashSet<i64> = issued.iter().map(|c| c.size).collect();
        gathered.told.sort_unstable();
        for (size, event) in gathered.told.iter().filter(|(size, _)| !kept.contains(size)) {
            self.faults.add(|| format!("event {event} tells of a checkpoint of size {size}, which is missing"));
        }
        let (this, silent) = (&*self, &gathered.silent);
        let work = |conn: &mut AnyConn| -> Result<_, Error> {
            let mut wrong = Vec::new();
            while let n = next_checkpoint.fetch_add(1, Ordering::Relaxed)
                && let Some(checkpoint) = issued.get(n)
            {
                if let Some(fault) = this.checkpoint(conn, checkpoint, tree)? {
                    wrong.push((n, fault));
                }
            }
            let mut rows =
                Rows { register: job.register, keys: &job.keys, silent, counts: Counts::default(), sums: Sums::new() };
            let next = |counter: &AtomicUsize| counter.fetch_add(1, Ordering::Relaxed);
            while let Some(page) = subjects.get(next(next_subjects)) {
                rows.subjects(conn, page, |rows, pair, _| rows.sums.add(&pair))?;
            }
            while let Some(page) = entries.get(next(next_entries)) {
                rows.entries(conn, page, |rows, pair, _| rows.sums.add(&pair))?;
            }
            if next(next_grants) == 0 {
                rows.grants(conn, |rows, pair, _| rows.sums.add(&pair))?;
            }
            Ok((wrong, rows.counts, rows.sums))
        };
        let mut wrong = Vec::new();
        let mut sums = Sums::new();
        for (theirs, counts, also) in side_by_side(conns, work)? {
            wrong.extend(theirs);
            gathered.counts.merge(&counts);
            sums.merge(&also);
        }
        wrong.sort_unstable();
        for (_, fault) in wrong {
            self.faults.add(|| fault);
        }
        Ok(sums)
    }

    /// What is wrong with a checkpoint.
    fn checkpoint(&self, conn: &mut AnyConn, issued: &Issued, tree: &Tree) -> Result<Option<String>, Error> {
        let size = issued.size;
        let said = match self.verifier {
            Some(verifier) => verifier.verify(&issued.note).map_err(|e| e.to_string()),
            None => issued.note.split_once("\n\n").map_or(Err("not a signed note".to_owned()), |(text, _)| {
                Checkpoint::parse(&format!("{text}\n")).map_err(|e| e.to_string())
            }),
        };
        let said = match said {
            Ok(said) => said,
            Err(why) => return Ok(Some(format!("checkpoint of size {size}: {why}"))),
        };
        if u64::try_from(size) != Ok(said.size) {
            return Ok(Some(format!("checkpoint of size {size}: it says {}", said.size)));
        }
        if said.size > tree.frontier.size() {
            let now = tree.frontier.size();
            return Ok(Some(format!(
                "checkpoint of size {size}: the log has only {now} leaves, so that some were removed"
            )));
        }
        if tree.roots.get(&said.size) != Some(&said.root) {
            return Ok(Some(format!(
                "checkpoint of size {size}: the first {size} leaves have another root, so that the log was rewritten"
            )));
        }
        // Handing it out is an event of the same instant.
        let (low, high) = (uuid_at(issued.made_at, [0; 8]), uuid_at(issued.made_at, [255; 8]));
        let (low, high) = (low.to_string(), high.to_string());
        let mut told = false;
        each!(
            &mut *conn,
            audit_event::table
                .left_join(audit_payload::table.on(
                    audit_payload::register.eq(audit_event::register).and(audit_payload::event_id.eq(audit_event::id))
                ),)
                .filter(audit_event::register.eq(self.register))
                .filter(audit_event::id.between(&low, &high))
                .select((audit_event::recorded_at, audit_payload::body.nullable())),
            (i64, Option<Lossy>),
            |(at, body)| {
                let tells = body.is_none_or(|Lossy(body)| {
                    let detail = Outline::read(&body).and_then(|o| o.detail);
                    detail.and_then(|d| member(d, "size")) == Some(&size.to_string())
                });
                told |= at == issued.made_at && tells;
            }
        );
        Ok((!told).then(|| format!("checkpoint of size {size}: no event tells when it was made")))
    }

    /// Names the links that only one side has.
    fn links(
        &mut self,
        conn: &mut AnyConn,
        job: &Job<'_>,
        gathered: &Gathered,
        said: &Sums,
        kept: &Sums,
    ) -> Result<(), Error> {
        let mut groups = said.differing(kept);
        if groups.is_empty() {
            return Ok(());
        }
        let more = groups.len().saturating_sub(GROUPS_NAMED);
        groups.truncate(GROUPS_NAMED);
        let mut difference = Difference::new(groups);
        each!(
            &mut *conn,
            audit_payload::table
                .filter(audit_payload::register.eq(self.register))
                .select((audit_payload::event_id, audit_payload::body)),
            (Id, Lossy),
            |(id, Lossy(body))| {
                if let Some(outline) = Outline::read(&body)
                    && !gathered.silent.contains(&job.keys.event(&id))
                {
                    let add = |pair: links::Pair, what: &dyn Fn() -> String| {
                        difference.add(&pair, 1, what);
                    };
                    // What cannot be read has been reported with its event.
                    let _ = job.keys.of_event(&id, &outline, add);
                }
            }
        );
        let mut rows = Rows {
            register: self.register,
            keys: &job.keys,
            silent: &gathered.silent,
            counts: Counts::default(),
            sums: Sums::new(),
        };
        let mut add = |_: &mut Rows<'_>, pair: links::Pair, what: &dyn Fn() -> String| {
            difference.add(&pair, -1, what);
        };
        rows.subjects(conn, &Page::default(), &mut add)?;
        rows.entries(conn, &Page::default(), &mut add)?;
        rows.grants(conn, &mut add)?;
        self.faults.next_sort();
        for fault in difference.into_faults() {
            self.faults.add(|| fault);
        }
        if more > 0 {
            self.faults.add(|| {
                format!(
                    "subjects, entries or grants of still more events do not agree with them: {more} groups in 1024"
                )
            });
        }
        Ok(())
    }
}

/// Runs `work` on every connection at once.
fn side_by_side<T: Send>(
    conns: &mut [AnyConn],
    work: impl Fn(&mut AnyConn) -> Result<T, Error> + Sync,
) -> Result<Vec<T>, Error> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = conns.iter_mut().map(|conn| scope.spawn(|| work(conn))).collect();
        threads
            .into_iter()
            .map(|thread| {
                thread.join().unwrap_or_else(|_| Err(Error::Unavailable("a part of the audit panicked".into())))
            })
            .collect()
    })
}

/// A run of keys, from the first up to, not including, the second.
#[derive(Debug, Clone, Default)]
struct Page {
    from: (String, String),
    until: Option<(String, String)>,
}

impl Page {
    /// All of a table, in pages that begin at these keys. However they lie, every row is in one page and no other.
    fn all(mut marks: Vec<(Id, Id)>) -> Vec<Self> {
        marks.retain(|(a, b)| a.is_uuid() && b.is_uuid());
        marks.sort_unstable();
        marks.dedup();
        let mut from = (String::new(), String::new());
        let mut pages = Vec::with_capacity(marks.len() + 1);
        for (a, b) in marks {
            let until = (a.as_str().to_owned(), b.as_str().to_owned());
            pages.push(Self { from: std::mem::replace(&mut from, until.clone()), until: Some(until) });
        }
        pages.push(Self { from, until: None });
        pages
    }
}

/// The other tables' side of the links.
struct Rows<'a> {
    register: &'a str,
    keys: &'a Keys,
    silent: &'a HashSet<u64>,
    counts: Counts,
    sums: Sums,
}

impl Rows<'_> {
    fn is_silent(&self, event: &Id) -> bool {
        !self.silent.is_empty() && self.silent.contains(&self.keys.event(event))
    }

    fn subjects(
        &mut self,
        conn: &mut AnyConn,
        page: &Page,
        mut found: impl FnMut(&mut Self, links::Pair, &dyn Fn() -> String),
    ) -> Result<(), Error> {
        each!(
            &mut *conn,
            {
                let query = audit_subject::table
                    .filter(audit_subject::register.eq(self.register))
                    .filter(subject!(">=", page.from))
                    .select((audit_subject::record_id, audit_subject::event_id))
                    .into_boxed();
                match &page.until {
                    Some(until) => query.filter(subject!("<", until)),
                    None => query,
                }
            },
            (Id, Id),
            |(record, event)| {
                self.counts.subjects += 1;
                if !self.is_silent(&event) {
                    let pair = self.keys.subject(&event, &record);
                    found(self, pair, &|| {
                        format!(
                            "audit_subject says that event {event} is about record {record}; it is not, or is missing"
                        )
                    });
                }
            }
        );
        Ok(())
    }

    fn entries(
        &mut self,
        conn: &mut AnyConn,
        page: &Page,
        mut found: impl FnMut(&mut Self, links::Pair, &dyn Fn() -> String),
    ) -> Result<(), Error> {
        type Row = (Id, Lossy, i64, Lossy, i64, Option<Lossy>, Lossy, Id, Option<Lossy>);
        each!(
            &mut *conn,
            {
                let query = entry::table
                    .filter(entry::register.eq(self.register))
                    .filter(entry::id.ge(&page.from.0))
                    .select((
                        entry::id,
                        entry::record_id,
                        entry::number,
                        entry::effective_on,
                        entry::recorded_at,
                        entry::supersedes,
                        entry::actor_id,
                        entry::audit_id,
                        entry::source,
                    ))
                    .into_boxed();
                match &page.until {
                    Some((until, _)) => query.filter(entry::id.lt(until)),
                    None => query,
                }
            },
            Row,
            |(id, record, number, effective_on, recorded_at, supersedes, by, event, source)| {
                self.counts.entries += 1;
                if !self.is_silent(&event) {
                    let row = EntryRow {
                        id: id.as_str(),
                        record_id: &record.0,
                        number,
                        effective_on: &effective_on.0,
                        recorded_at: &rfc3339(instant(recorded_at)),
                        supersedes: supersedes.as_ref().map_or("", |s| &s.0),
                        source: source.as_ref().map_or("", |s| &s.0),
                        by: &by.0,
                    };
                    let pair = self.keys.entry(&event, &row);
                    found(self, pair, &|| {
                        format!("entry {id} is not what event {event} tells of it, or that event is missing")
                    });
                }
            }
        );
        Ok(())
    }

    fn grants(
        &mut self,
        conn: &mut AnyConn,
        mut found: impl FnMut(&mut Self, links::Pair, &dyn Fn() -> String),
    ) -> Result<(), Error> {
        type Row = (Id, Lossy, Lossy, Lossy, i64, Option<Lossy>, Lossy, Id);
        each!(
            &mut *conn,
            grant_log::table.filter(grant_log::register.eq(self.register)).select((
                grant_log::id,
                grant_log::grant_id,
                grant_log::user_id,
                grant_log::act,
                grant_log::recorded_at,
                grant_log::actor_id,
                grant_log::body,
                grant_log::audit_id,
            )),
            Row,
            |(id, grant, user, act, recorded_at, by, body, event)| {
                self.counts.grants += 1;
                if !self.is_silent(&event) || id != event {
                    let body =
                        serde_json::from_str(&body.0).ok().and_then(|body| canonical::canonical_value(&body).ok());
                    // The id of such a row is its event's.
                    let known = body.filter(|_| id == event);
                    let row = GrantRow {
                        grant_id: &grant.0,
                        user_id: &user.0,
                        act: &act.0,
                        recorded_at: &rfc3339(instant(recorded_at)),
                        by: by.as_ref().map_or("", |by| &by.0),
                        body: known.as_deref().unwrap_or("damaged"),
                    };
                    let pair = self.keys.grant(&event, &row);
                    found(self, pair, &|| {
                        format!("grant_log {id} is not what event {event} tells of it, or that event is missing")
                    });
                }
            }
        );
        Ok(())
    }
}
