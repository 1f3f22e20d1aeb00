//! The log as supervisors read it, and the proofs that anybody can check.

use std::collections::{BTreeSet, HashMap};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Nullable, Text};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::clock::uuid_at;
use crate::domain::access::Action;
use crate::domain::audit::checkpoint::{Checkpoint, NoteSigner};
use crate::domain::audit::tree::{self, Frontier, Hash, Subtree};
use crate::domain::audit::{Kind, Leaf};
use crate::domain::record::index::{fields_with, normalised};
use crate::domain::refusal::Refusal;
use crate::domain::statute::definition::Index;
use crate::store::change::Change;
use crate::store::conn::{AnyConn, MultiBackend};
use crate::store::context::INSTALLATION_REGISTER;
use crate::store::error::Error;
use crate::store::facts;
use crate::store::guard::{AuditProve, AuditRead, Permit, Sealed};
use crate::store::read::aggregates::renumber;
use crate::store::schema::{app_user, audit_event, audit_head, audit_leaf, audit_payload, former_code, record_index};
use crate::store::tx::Tx;
use crate::store::write::WriteTx;

/// What a supervisor looks for.
#[derive(Debug, Clone, Default)]
pub struct AuditQuery {
    /// User name or user id.
    pub actor: Option<String>,
    /// Personal code, id of a record, or a name.
    pub subject: Option<String>,
    /// Action.
    pub action: Option<String>,
    /// Not before.
    pub from: Option<DateTime<Utc>>,
    /// Before.
    pub to: Option<DateTime<Utc>>,
    /// Id of a record.
    pub record_id: Option<Uuid>,
    /// `permitted` or `denied`.
    pub decision: Option<String>,
    /// This purpose, with or without a reference to the matter after it; `none`: without any.
    pub purpose: Option<String>,
    /// In this role; `none`: in none.
    pub role: Option<String>,
    /// Of this coarse kind.
    pub kind: Option<String>,
    /// What to leave out.
    pub except: Vec<(Member, String)>,
    /// At most so many.
    pub limit: i64,
    /// From the last page.
    pub cursor: Option<Uuid>,
}

/// What of an entry is looked at to leave it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Member {
    /// User name or user id.
    Actor,
    /// Action.
    Action,
    /// Coarse kind.
    Kind,
    /// Purpose, or `none`.
    Purpose,
    /// Role, or `none`.
    Role,
    /// `permitted` or `denied`.
    Decision,
}

impl AuditQuery {
    /// Whether something is asked that stands in no index.
    pub(super) fn looks(&self) -> bool {
        self.purpose.is_some() || self.role.is_some() || self.kind.is_some() || !self.except.is_empty()
    }

    /// Names of what is asked, for the log of those who read the log.
    pub(super) fn asked(&self) -> Vec<String> {
        let asked = [
            ("actor", self.actor.is_some()),
            ("subject", self.subject.is_some()),
            ("action", self.action.is_some()),
            ("from", self.from.is_some()),
            ("to", self.to.is_some()),
            ("record_id", self.record_id.is_some()),
            ("decision", self.decision.is_some()),
            ("purpose", self.purpose.is_some()),
            ("role", self.role.is_some()),
            ("kind", self.kind.is_some()),
            ("except", !self.except.is_empty()),
        ];
        asked.into_iter().filter(|(_, set)| *set).map(|(name, _)| name.to_owned()).collect()
    }
}

/// Where a query looks, in SQL.
pub(super) struct Selection {
    pub from: String,
    /// The column that orders the page: the subject's own list where one is asked for.
    pub order: &'static str,
    pub conditions: Vec<String>,
    pub binds: Vec<String>,
    /// The records that were asked about, if any were.
    pub subjects: Option<Vec<String>>,
}

/// A page of the log.
#[derive(Debug, Clone, Serialize)]
pub struct AuditList {
    /// The items.
    pub items: Vec<AuditView>,
    /// Where the next page begins; `None` at the end.
    pub next_cursor: Option<String>,
    /// Entries that were looked through for a purpose or a role, which stand in no index: a page looks at so many and
    /// no more, and may be empty although the next one is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scanned: Option<usize>,
}

/// Entries that a page looks through for what stands in no index.
pub const WINDOW: i64 = 2_000;

/// An entry of the log as it is shown.
#[derive(Debug, Clone, Serialize)]
pub struct AuditView {
    /// Its place in the tree; absent until it is integrated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<i64>,
    /// Id.
    pub id: Uuid,
    /// When.
    pub recorded_at: String,
    /// Coarse kind.
    pub kind: String,
    /// What.
    pub action: String,
    /// `permitted` or `denied`.
    pub decision: String,
    /// The rest of the event; `None` once it is erased.
    #[serde(flatten)]
    pub event: Option<Value>,
}

/// A line of the export: with a checkpoint enough to recompute everything without us.
#[derive(Debug, Clone, Serialize)]
pub struct ExportLine {
    /// Place in the tree, from 0.
    pub seq: i64,
    /// The exact leaf text.
    pub leaf: String,
    /// Salt in base64; `None` once erased.
    pub salt: Option<String>,
    /// The event; `None` once erased.
    pub event: Option<Value>,
}

/// A proof in base64 hashes.
#[derive(Debug, Clone, Serialize)]
pub struct ProofView {
    /// Leaf or old size that it speaks of.
    pub from: u64,
    /// Size of the tree.
    pub size: u64,
    /// Leaf text, for an inclusion proof.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leaf: Option<String>,
    /// Hash of the leaf, for an inclusion proof.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leaf_hash: Option<String>,
    /// Hashes, in the order of RFC 6962.
    pub proof: Vec<String>,
    /// Root of the tree of `size` leaves.
    pub root: String,
}

#[derive(QueryableByName)]
pub(super) struct Row {
    #[diesel(sql_type = Text)]
    pub id: String,
    #[diesel(sql_type = BigInt)]
    pub recorded_at: i64,
    #[diesel(sql_type = Text)]
    pub kind: String,
    #[diesel(sql_type = Text)]
    pub action: String,
    #[diesel(sql_type = Text)]
    pub decision: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub body: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    seq: Option<i64>,
}

impl<'tx> Tx<'tx> {
    /// Entries of the log, newest first.
    ///
    /// # Errors
    /// Those of the database.
    pub fn audit_list(
        &mut self,
        permit: Permit<'tx, AuditRead>,
        query: &AuditQuery,
    ) -> Result<Sealed<'tx, AuditList>, Error> {
        let register = permit.register.clone();
        let selection = self.selection(&register, query)?;
        let list = self.audit_page(&selection, query)?;
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::AuditRead, &actor, &permit.ruling);
        // Reviewing is logged by what was asked, not by everything that came: whose log was read, if one's was.
        event.record_ids =
            selection.subjects.unwrap_or_default().iter().map(|r| facts::id(r)).collect::<Result<_, _>>()?;
        event.fields = query.asked();
        Ok(Sealed::new(list, Some(event)))
    }

    /// Where a query looks.
    pub(super) fn selection(
        &mut self,
        register: &crate::domain::registers::Register,
        query: &AuditQuery,
    ) -> Result<Selection, Error> {
        let mut binds: Vec<String> = vec![register.name().to_owned()];
        let mut conditions = vec!["e.register = $1".to_owned()];
        let mut from = "audit_event e".to_owned();
        let mut order = "e.id";
        let mut bind = |value: String| {
            binds.push(value);
            format!("${}", binds.len())
        };
        let subjects = self.records_of(register, query.subject.as_deref(), query.record_id)?;
        if let Some(records) = &subjects {
            let places: Vec<String> = records.iter().map(|r| bind(r.clone())).collect();
            if let [one] = places.as_slice() {
                // One record's own list, in its order: the walk ends as soon as the page is full.
                from = "audit_subject s JOIN audit_event e ON e.register = s.register AND e.id = s.event_id".to_owned();
                conditions = vec!["s.register = $1".to_owned(), format!("s.record_id = {one}")];
                order = "s.event_id";
            } else if places.is_empty() {
                conditions.push("1 = 0".to_owned());
            } else {
                from = format!(
                    "(SELECT DISTINCT register, event_id FROM audit_subject WHERE register = $1 AND record_id IN ({})) s \
                     JOIN audit_event e ON e.register = s.register AND e.id = s.event_id",
                    places.join(", ")
                );
                order = "s.event_id";
            }
        }
        if let Some(actor) = &query.actor {
            let id = self.audit_actor(actor)?;
            conditions.push(format!("e.actor_id = {}", bind(id)));
        }
        if let Some(action) = &query.action {
            conditions.push(format!("e.action = {}", bind(action.clone())));
        }
        if let Some(decision) = &query.decision {
            // Written out, so that the partial index over denials serves.
            conditions
                .push(if decision == "denied" { "e.decision = 'denied'" } else { "e.decision <> 'denied'" }.into());
        }
        if let Some(from) = query.from {
            let least = uuid_at(from.timestamp_micros(), [0; 8]).to_string();
            conditions.push(format!("{order} >= {}", bind(least)));
        }
        if let Some(to) = query.to {
            let most = uuid_at(to.timestamp_micros(), [0; 8]).to_string();
            conditions.push(format!("{order} < {}", bind(most)));
        }
        Ok(Selection { from, order, conditions, binds, subjects })
    }

    /// A page of what was selected.
    pub(super) fn audit_page(&mut self, selection: &Selection, query: &AuditQuery) -> Result<AuditList, Error> {
        let limit = usize::try_from(query.limit).unwrap_or(0);
        let looks = query.looks();
        let mut rows = self.audit_rows(selection, query.cursor, if looks { WINDOW } else { query.limit + 1 })?;
        let (next_cursor, scanned) = if looks {
            let (next, scanned) = look_through(&mut rows, query, limit)?;
            (next, Some(scanned))
        } else {
            let more = rows.len() > limit;
            rows.truncate(limit);
            (more.then(|| rows.last().map(|r| r.id.clone())).flatten(), None)
        };
        let items: Vec<AuditView> = rows.into_iter().map(shown).collect::<Result<_, _>>()?;
        Ok(AuditList { items, next_cursor, scanned })
    }

    /// The newest entries of what was selected, before `cursor` where one is given, with their words.
    pub(super) fn audit_rows(
        &mut self,
        selection: &Selection,
        cursor: Option<Uuid>,
        limit: i64,
    ) -> Result<Vec<Row>, Error> {
        let Selection { from, order, .. } = selection;
        let (mut conditions, mut binds) = (selection.conditions.clone(), selection.binds.clone());
        if let Some(cursor) = cursor {
            binds.push(cursor.to_string());
            conditions.push(format!("{order} < ${}", binds.len()));
        }
        let sql = format!(
            "SELECT q.id, q.recorded_at, q.kind, q.action, q.decision, p.body, l.seq FROM (SELECT e.register, e.id, \
             e.recorded_at, e.kind, e.action, e.decision FROM {from} WHERE {} ORDER BY {order} DESC LIMIT {limit}) q \
             LEFT JOIN audit_payload p ON p.register = q.register AND p.event_id = q.id \
             LEFT JOIN audit_leaf l ON l.register = q.register AND l.event_id = q.id ORDER BY q.id DESC",
            conditions.join(" AND "),
        );
        let (sql, binds) = renumber(&sql, &binds);
        let mut statement = diesel::sql_query(sql).into_boxed::<MultiBackend>();
        for bind in binds {
            statement = statement.bind::<Text, _>(bind);
        }
        Ok(statement.load(self.conn)?)
    }

    /// The entries at these places, in their order.
    pub(in crate::store) fn audit_at(&mut self, register: &str, places: &[i64]) -> Result<Vec<AuditView>, Error> {
        if places.is_empty() {
            return Ok(Vec::new());
        }
        let list: Vec<String> = places.iter().map(i64::to_string).collect();
        let sql = format!(
            "SELECT e.id, e.recorded_at, e.kind, e.action, e.decision, p.body, l.seq FROM audit_leaf l \
             JOIN audit_event e ON e.register = l.register AND e.id = l.event_id \
             LEFT JOIN audit_payload p ON p.register = l.register AND p.event_id = l.event_id \
             WHERE l.register = $1 AND l.seq IN ({}) ORDER BY l.seq",
            list.join(", ")
        );
        let rows: Vec<Row> = diesel::sql_query(sql).bind::<Text, _>(register).load(self.conn)?;
        rows.into_iter().map(shown).collect()
    }

    /// The records that `subject` and `record_id` name; `None` where neither is asked for.
    pub(in crate::store) fn records_of(
        &mut self,
        register: &crate::domain::registers::Register,
        subject: Option<&str>,
        record_id: Option<Uuid>,
    ) -> Result<Option<Vec<String>>, Error> {
        let mut records: Option<Vec<String>> = record_id.map(|r| vec![r.to_string()]);
        if let Some(subject) = subject {
            let found = match Uuid::parse_str(subject) {
                Ok(id) => vec![id.to_string()],
                Err(_) => {
                    let fields: Vec<(&str, &str)> = register
                        .definition
                        .record_types
                        .iter()
                        .filter(|t| t.subject.is_some())
                        .flat_map(|t| fields_with(t, Index::Code).map(|(f, _)| (t.name.as_str(), f)))
                        .collect();
                    let (types, names): (Vec<&str>, Vec<&str>) = fields.into_iter().unzip();
                    let mut found: Vec<String> = record_index::table
                        .filter(record_index::register.eq(register.name()))
                        .filter(record_index::record_type.eq_any(types))
                        .filter(record_index::field.eq_any(names))
                        .filter(record_index::value.eq(subject.trim()))
                        .select(record_index::record_id)
                        .distinct()
                        .limit(500)
                        .load(self.conn)?;
                    // A code that was corrected away: what was done under it is still part of the history.
                    let former: Vec<String> = former_code::table
                        .filter(former_code::register.eq(register.name()))
                        .filter(former_code::value.eq(subject.trim()))
                        .select(former_code::record_id)
                        .limit(500)
                        .load(self.conn)?;
                    if found.is_empty() && former.is_empty() {
                        found = self.records_named(register, subject)?;
                    }
                    found.extend(former);
                    found.sort_unstable();
                    found.dedup();
                    found
                }
            };
            records = Some(match records {
                Some(both) => both.into_iter().filter(|r| found.contains(r)).collect(),
                None => found,
            });
        }
        Ok(records)
    }

    /// Records of people of whose names every word of `name` is one, at most 500.
    fn records_named(
        &mut self,
        register: &crate::domain::registers::Register,
        name: &str,
    ) -> Result<Vec<String>, Error> {
        let words: BTreeSet<String> = normalised(name).split_whitespace().map(str::to_owned).collect();
        let subjects = register.definition.record_types.iter().filter(|t| t.subject.is_some());
        let (types, names): (Vec<&str>, Vec<&str>) =
            subjects.flat_map(|t| fields_with(t, Index::Name).map(|(f, _)| (t.name.as_str(), f))).unzip();
        if words.is_empty() || words.len() > 5 {
            return Ok(Vec::new());
        }
        let rows: Vec<(String, String)> = record_index::table
            .filter(record_index::register.eq(register.name()))
            .filter(record_index::record_type.eq_any(types))
            .filter(record_index::field.eq_any(names))
            .filter(record_index::value.eq_any(&words))
            .select((record_index::record_id, record_index::value))
            .distinct()
            .limit(5_000)
            .load(self.conn)?;
        let mut found: HashMap<String, BTreeSet<String>> = HashMap::new();
        for (record, word) in rows {
            found.entry(record).or_default().insert(word);
        }
        Ok(found.into_iter().filter(|(_, w)| *w == words).map(|(record, _)| record).take(500).collect())
    }

    /// The user whom `actor` names, by id or by user name; something that matches nobody where there is none.
    fn audit_actor(&mut self, actor: &str) -> Result<String, Error> {
        if Uuid::parse_str(actor).is_ok() {
            return Ok(actor.to_owned());
        }
        Ok(app_user::table
            .filter(app_user::register.eq(INSTALLATION_REGISTER))
            .filter(app_user::username.eq(actor))
            .select(app_user::id)
            .first(self.conn)
            .optional()?
            .unwrap_or_else(|| "-".to_owned()))
    }

    /// An inclusion proof of leaf `seq` in the tree of `size` leaves (`None`: the whole tree).
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for a leaf or a size that the tree does not have.
    pub fn audit_inclusion(
        &mut self,
        permit: Permit<'tx, AuditProve>,
        seq: u64,
        size: Option<u64>,
    ) -> Result<Sealed<'tx, ProofView>, Error> {
        let register = permit.register.name().to_owned();
        let (size, _) = self.tree_of(&register, size)?;
        let out = || Refusal::NotFound { what: "leaf in a tree of that size" };
        if seq >= size {
            return Err(out().into());
        }
        let mut needed = tree::needed_for_inclusion(seq, size);
        needed.push(Subtree { level: 0, index: seq });
        needed.extend(tree::peaks(size));
        let known = subtrees(self.conn, &register, &needed)?;
        let mut lookup = |s: Subtree| known.get(&s).copied().ok_or(Error::Damaged(format!("the tree lacks {s:?}")));
        let proof = tree::inclusion_proof(seq, size, &mut lookup).map_err(|e| proof_error(e, out()))?;
        let root = tree::root_at(size, &mut lookup)?;
        let leaf = self.leaf(&register, seq)?;
        let view = ProofView {
            from: seq,
            size,
            leaf_hash: Some(STANDARD.encode(leaf.hash())),
            leaf: Some(leaf.text()),
            proof: proof.iter().map(|h| STANDARD.encode(h)).collect(),
            root: STANDARD.encode(root),
        };
        self.proved(permit, "audit.inclusion", view)
    }

    /// The leaf at `seq` with its event and its path in the tree of `size` leaves, for a package.
    pub(in crate::store) fn outgoing_proof(
        &mut self,
        register: &str,
        seq: u64,
        size: u64,
    ) -> Result<super::retention::OutgoingProof, Error> {
        let out = || Refusal::NotFound { what: "leaf in a tree of that size" };
        let mut needed = tree::needed_for_inclusion(seq, size);
        needed.push(Subtree { level: 0, index: seq });
        let known = subtrees(self.conn, register, &needed)?;
        let mut lookup = |s: Subtree| known.get(&s).copied().ok_or(Error::Damaged(format!("the tree lacks {s:?}")));
        let path = tree::inclusion_proof(seq, size, &mut lookup).map_err(|e| proof_error(e, out()))?;
        let at = i64::try_from(seq).unwrap_or(i64::MAX);
        let line = export_lines(self.conn, register, at, at.saturating_add(1), 1)?.pop().ok_or_else(out)?;
        Ok(super::retention::OutgoingProof {
            seq,
            leaf: line.leaf,
            salt: line.salt,
            event: line.event,
            path: path.iter().map(|hash| crate::domain::hex(hash)).collect(),
        })
    }

    /// A proof that the tree of `to` leaves (`None`: the whole tree) extends the one of `from` leaves.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for sizes that the tree does not have.
    pub fn audit_consistency(
        &mut self,
        permit: Permit<'tx, AuditProve>,
        from: u64,
        to: Option<u64>,
    ) -> Result<Sealed<'tx, ProofView>, Error> {
        let register = permit.register.name().to_owned();
        let (size, _) = self.tree_of(&register, to)?;
        let out = || Refusal::NotFound { what: "pair of tree sizes" };
        if from > size {
            return Err(out().into());
        }
        let mut needed = tree::needed_for_consistency(from, size);
        needed.extend(tree::peaks(size));
        let known = subtrees(self.conn, &register, &needed)?;
        let mut lookup = |s: Subtree| known.get(&s).copied().ok_or(Error::Damaged(format!("the tree lacks {s:?}")));
        let proof = tree::consistency_proof(from, size, &mut lookup).map_err(|e| proof_error(e, out()))?;
        let root = tree::root_at(size, &mut lookup)?;
        let view = ProofView {
            from,
            size,
            leaf: None,
            leaf_hash: None,
            proof: proof.iter().map(|h| STANDARD.encode(h)).collect(),
            root: STANDARD.encode(root),
        };
        self.proved(permit, "audit.consistency", view)
    }

    /// Lines of the export from place `from`, at most `limit`, below `to`.
    ///
    /// # Errors
    /// Those of the database.
    pub fn audit_export(
        &mut self,
        permit: Permit<'tx, AuditProve>,
        from: i64,
        to: i64,
        limit: i64,
    ) -> Result<Sealed<'tx, Vec<ExportLine>>, Error> {
        let register = permit.register.clone();
        let lines = export_lines(self.conn, register.name(), from, to, limit)?;
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::AuditProve, &actor, &permit.ruling);
        "audit.export".clone_into(&mut event.action);
        event.detail = Some(serde_json::json!({ "from": from, "lines": lines.len() }));
        Ok(Sealed::new(lines, Some(event)))
    }

    fn proved<T>(&mut self, permit: Permit<'tx, AuditProve>, action: &str, value: T) -> Result<Sealed<'tx, T>, Error> {
        let actor = self.actor(&permit.register)?;
        let mut event = self.event(&permit.register, Action::AuditProve, &actor, &permit.ruling);
        action.clone_into(&mut event.action);
        Ok(Sealed::new(value, Some(event)))
    }

    /// The size asked for, or the tree's own; never more than the tree has.
    fn tree_of(&mut self, register: &str, size: Option<u64>) -> Result<(u64, Frontier), Error> {
        let frontier = frontier(self.conn, register)?;
        match size {
            Some(size) if size == 0 || size > frontier.size() => {
                Err(Refusal::NotFound { what: "tree of that size" }.into())
            }
            Some(size) => Ok((size, frontier)),
            None => Ok((frontier.size(), frontier)),
        }
    }

    fn leaf(&mut self, register: &str, seq: u64) -> Result<Leaf, Error> {
        let (recorded_at, kind, commitment): (i64, String, Vec<u8>) = audit_leaf::table
            .inner_join(
                audit_event::table
                    .on(audit_event::register.eq(audit_leaf::register).and(audit_event::id.eq(audit_leaf::event_id))),
            )
            .filter(audit_leaf::register.eq(register))
            .filter(audit_leaf::seq.eq(i64::try_from(seq).unwrap_or(i64::MAX)))
            .select((audit_event::recorded_at, audit_event::kind, audit_event::commitment))
            .first(self.conn)?;
        leaf_of(seq, recorded_at, &kind, &commitment)
    }
}

impl<'tx> WriteTx<'tx> {
    /// A signed checkpoint of the tree as it is; kept, since what it says must stay true for ever.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] while the tree is empty.
    pub fn audit_checkpoint(
        &mut self,
        permit: Permit<'tx, AuditProve>,
        signer: &NoteSigner,
    ) -> Result<Sealed<'tx, String>, Error> {
        let register = permit.register.clone();
        let actor = self.actor(&register)?;
        let event = self.event(&register, Action::AuditProve, &actor, &permit.ruling);
        let note = self.checkpoint(&register, event, signer)?;
        Ok(Sealed::new(note, None))
    }

    /// The last checkpoint of a register that has come to its end: whoever gets it stands in the log.
    ///
    /// # Errors
    /// Those of the log.
    pub(crate) fn audit_kept(
        &mut self,
        permit: Permit<'tx, AuditProve>,
        note: String,
    ) -> Result<Sealed<'tx, String>, Error> {
        let register = permit.register.clone();
        let actor = self.actor(&register)?;
        let event = self.event(&register, Action::AuditProve, &actor, &permit.ruling);
        self.note(event, 0, None)?;
        Ok(Sealed::new(note, None))
    }

    /// A checkpoint before or after what is carried out about the end of data.
    ///
    /// # Errors
    /// As [`WriteTx::audit_checkpoint`].
    pub fn retention_checkpoint(
        &mut self,
        permit: Permit<'tx, crate::store::guard::RetentionExecute>,
        signer: &NoteSigner,
    ) -> Result<Sealed<'tx, String>, Error> {
        let register = permit.register.clone();
        let actor = self.actor(&register)?;
        let event = self.event(&register, Action::RetentionExecute, &actor, &permit.ruling);
        let note = self.checkpoint(&register, event, signer)?;
        Ok(Sealed::new(note, None))
    }

    fn checkpoint(
        &mut self,
        register: &crate::domain::registers::Register,
        mut event: crate::domain::audit::Event,
        signer: &NoteSigner,
    ) -> Result<String, Error> {
        let frontier = frontier(self.conn, register.name())?;
        if frontier.size() == 0 {
            return Err(Refusal::NotFound { what: "checkpoint of an empty log" }.into());
        }
        let checkpoint = Checkpoint { origin: signer.name().to_owned(), size: frontier.size(), root: frontier.root() };
        let note = signer.sign(&checkpoint).map_err(|e| Error::Damaged(e.to_string()))?;
        "audit.checkpoint".clone_into(&mut event.action);
        let size = i64::try_from(frontier.size()).unwrap_or(i64::MAX);
        self.apply(event, 0, Change::CheckpointIssued { size, note: note.clone() })?;
        Ok(note)
    }
}

fn proof_error(error: tree::ProofError<Error>, out: Refusal) -> Error {
    match error {
        tree::ProofError::Lookup(e) => e,
        tree::ProofError::Range { .. } => out.into(),
    }
}

/// Keeps of `rows`, a window of the log, what has the purpose and the role asked for, at most `limit`. Gives where to
/// go on, and how many were looked at.
fn look_through(rows: &mut Vec<Row>, query: &AuditQuery, limit: usize) -> Result<(Option<String>, usize), Error> {
    let full = i64::try_from(rows.len()).is_ok_and(|n| n >= WINDOW);
    let mut kept = Vec::new();
    let (mut scanned, mut last) = (0, None);
    let mut more = full;
    for row in std::mem::take(rows) {
        if kept.len() >= limit {
            more = true;
            break;
        }
        scanned += 1;
        last = Some(row.id.clone());
        // What is erased has neither: it cannot be said to have had none.
        let Some(event) = row.body.as_deref().map(facts::json).transpose()? else {
            continue;
        };
        if wanted(&row, &event, query) {
            kept.push(row);
        }
    }
    *rows = kept;
    Ok((last.filter(|_| more), scanned))
}

/// Whether an entry is what is looked for, by all that stands in no index.
pub(super) fn wanted(row: &Row, event: &Value, query: &AuditQuery) -> bool {
    let said = |member: &str| event.get(member).and_then(Value::as_str);
    let purpose = |w: &str| match said("purpose") {
        None => w == "none",
        Some(p) => p == w || p.strip_prefix(w).is_some_and(|rest| rest.starts_with(" · ")),
    };
    let role = |w: &str| if w == "none" { said("role").is_none() } else { said("role") == Some(w) };
    let actor = |w: &str| {
        let who = &event["actor"];
        who["name"].as_str() == Some(w) || who["user_id"].as_str() == Some(w)
    };
    query.purpose.as_deref().is_none_or(purpose)
        && query.role.as_deref().is_none_or(role)
        && query.kind.as_ref().is_none_or(|k| *k == row.kind)
        && !query.except.iter().any(|(member, value)| match member {
            Member::Actor => actor(value),
            Member::Action => row.action == *value,
            Member::Kind => row.kind == *value,
            Member::Purpose => purpose(value),
            Member::Role => role(value),
            Member::Decision => row.decision == *value,
        })
}

fn shown(row: Row) -> Result<AuditView, Error> {
    let event = row.body.as_deref().map(facts::json).transpose()?.map(|mut body| {
        // What stands beside it already is not said twice.
        if let Value::Object(map) = &mut body {
            for key in ["id", "recorded_at", "kind", "action", "decision", "register"] {
                map.remove(key);
            }
        }
        body
    });
    Ok(AuditView {
        seq: row.seq,
        id: facts::id(&row.id)?,
        recorded_at: crate::domain::calendar::rfc3339(crate::domain::calendar::instant(row.recorded_at)),
        kind: row.kind,
        action: row.action,
        decision: row.decision,
        event,
    })
}

/// The end of a register's tree; an empty one where nothing has been logged yet.
pub(in crate::store) fn frontier(conn: &mut AnyConn, register: &str) -> Result<Frontier, Error> {
    let bytes: Option<Vec<u8>> =
        audit_head::table.find(register).select(audit_head::frontier).first(conn).optional()?;
    match bytes {
        Some(bytes) => Frontier::from_bytes(&bytes).map_err(|e| Error::Damaged(format!("the head of the log: {e}"))),
        None => Ok(Frontier::new()),
    }
}

pub(in crate::store) fn leaf_of(seq: u64, recorded_at: i64, kind: &str, commitment: &[u8]) -> Result<Leaf, Error> {
    Ok(Leaf {
        seq,
        recorded_at_micros: recorded_at,
        kind: kind.parse::<Kind>().map_err(|_| Error::Damaged(format!("leaf {seq} is of no known kind")))?,
        commitment: hash(commitment)?,
    })
}

pub(in crate::store) fn hash(bytes: &[u8]) -> Result<Hash, Error> {
    Hash::try_from(bytes).map_err(|_| Error::Damaged("a hash is not 32 bytes long".into()))
}

#[derive(QueryableByName)]
struct NodeRow {
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = Binary)]
    hash: Vec<u8>,
}

/// The hashes of the subtrees named, with one query a stored level: leaves, then every eighth.
fn subtrees(conn: &mut AnyConn, register: &str, wanted: &[Subtree]) -> Result<HashMap<Subtree, Hash>, Error> {
    let mut ranges: HashMap<u32, Vec<(Subtree, std::ops::Range<u64>)>> = HashMap::new();
    for subtree in wanted {
        let (level, range) = tree::descend(*subtree);
        ranges.entry(level).or_default().push((*subtree, range));
    }
    let mut found = HashMap::new();
    for (level, list) in ranges {
        let spans: Vec<String> =
            list.iter().map(|(_, r)| format!("(position >= {} AND position < {})", r.start, r.end)).collect();
        let (table, position, at) = if level == 0 {
            ("audit_leaf", "seq", String::new())
        } else {
            ("audit_node", "position", format!(" AND level = {level}"))
        };
        let sql = format!(
            "SELECT {position} AS position, hash FROM {table} WHERE register = $1{at} AND ({})",
            spans.join(" OR ").replace("position", position)
        );
        let rows: Vec<NodeRow> = diesel::sql_query(sql).bind::<Text, _>(register).load(conn)?;
        let hashes: HashMap<u64, Hash> = rows
            .into_iter()
            .map(|r| Ok((u64::try_from(r.position).unwrap_or(u64::MAX), hash(&r.hash)?)))
            .collect::<Result<_, Error>>()?;
        for (subtree, range) in list {
            let parts: Vec<Hash> = range.filter_map(|i| hashes.get(&i).copied()).collect();
            let whole = tree::fold_perfect(&parts)
                .ok_or_else(|| Error::Damaged(format!("the tree lacks a part of {subtree:?}")))?;
            found.insert(subtree, whole);
        }
    }
    Ok(found)
}

/// Lines of the log in tree order.
pub(in crate::store) fn export_lines(
    conn: &mut AnyConn,
    register: &str,
    from: i64,
    to: i64,
    limit: i64,
) -> Result<Vec<ExportLine>, Error> {
    type Row = (i64, i64, String, Vec<u8>, Option<Vec<u8>>, Option<String>);
    let rows: Vec<Row> =
        audit_leaf::table
            .inner_join(
                audit_event::table
                    .on(audit_event::register.eq(audit_leaf::register).and(audit_event::id.eq(audit_leaf::event_id))),
            )
            .left_join(audit_payload::table.on(
                audit_payload::register.eq(audit_leaf::register).and(audit_payload::event_id.eq(audit_leaf::event_id)),
            ))
            .filter(audit_leaf::register.eq(register))
            .filter(audit_leaf::seq.ge(from))
            .filter(audit_leaf::seq.lt(to))
            .order(audit_leaf::seq)
            .limit(limit)
            .select((
                audit_leaf::seq,
                audit_event::recorded_at,
                audit_event::kind,
                audit_event::commitment,
                audit_payload::salt.nullable(),
                audit_payload::body.nullable(),
            ))
            .load(conn)?;
    rows.into_iter()
        .map(|(seq, recorded_at, kind, commitment, salt, body)| {
            let leaf = leaf_of(u64::try_from(seq).unwrap_or(u64::MAX), recorded_at, &kind, &commitment)?;
            Ok(ExportLine {
                seq,
                leaf: leaf.text(),
                salt: salt.map(|s| STANDARD.encode(s)),
                event: body.as_deref().map(facts::json).transpose()?,
            })
        })
        .collect()
}
