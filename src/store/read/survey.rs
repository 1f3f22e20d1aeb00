//! The log at a glance: how much of what a supervisor asks about there is, on which days, by whom and why.
//!
//! A log only grows, so that nothing here may grow with it: of what stands in an index the newest five thousand entries
//! are counted, of what stands only in the words of the entries the newest thousand; and how many entries there are in
//! all in a period is told by their places in the tree.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use serde_json::Value;
use uuid::Uuid;

use super::audit::{AuditList, AuditQuery, Row, Selection, WINDOW, frontier, wanted};
use super::report::bound;
use crate::clock::uuid_at;
use crate::domain::access::Action;
use crate::domain::calendar::instant;
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::store::context::INSTALLATION_REGISTER;
use crate::store::error::Error;
use crate::store::facts;
use crate::store::guard::{AuditRead, Permit, Sealed};
use crate::store::schema::app_user;
use crate::store::tx::Tx;

/// Entries that are counted, at most.
pub const COUNTED: i64 = 5_000;
/// Entries of which the words are counted, at most.
const READ: i64 = 1_000;
/// Parts of a period that are told apart, at most.
const MOST_STEPS: usize = 62;
/// Actors that are told apart, at most.
const MOST_ACTORS: usize = 20;
/// Entries are counted by quarters of an hour, of which the days of every time zone are made.
const QUARTER: i64 = 900_000_000;

/// A page of the log with what there is around it.
#[derive(Debug, Clone)]
pub struct Survey {
    /// The page.
    pub list: AuditList,
    /// What there is in all.
    pub summary: Summary,
    /// How many records the person asked about has; `None` where nobody was asked about.
    pub subjects: Option<usize>,
}

/// What there is in all.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// Entries that were counted.
    pub counted: i64,
    /// Whether that is every one that was asked about.
    pub complete: bool,
    /// How many there are in all, where it is known without counting.
    pub total: Option<i64>,
    /// What happened in each part of the period.
    pub steps: Vec<StepCount>,
    /// By coarse kind.
    pub kinds: BTreeMap<String, i64>,
    /// By action.
    pub actions: BTreeMap<String, i64>,
    /// By who did it, the busiest first.
    pub actors: Vec<ActorCount>,
    /// How many different people did it.
    pub people: usize,
    /// How many were refused.
    pub denied: i64,
    /// What stands in the words of the entries.
    pub words: WordCount,
}

/// What happened in a part of a period.
#[derive(Debug, Clone, Default)]
pub struct StepCount {
    /// In all; more than the kinds together where only the newest were counted.
    pub total: i64,
    /// What left the register.
    pub left: i64,
    /// What was refused.
    pub denied: i64,
}

/// What one actor did.
#[derive(Debug, Clone)]
pub struct ActorCount {
    /// The user; `None` for the installation and its jobs.
    pub user_id: Option<Uuid>,
    /// User name.
    pub username: String,
    /// Name for people.
    pub display_name: String,
    /// How often.
    pub count: i64,
}

/// What the words of the newest entries say.
#[derive(Debug, Clone, Default)]
pub struct WordCount {
    /// How many entries were read.
    pub read: i64,
    /// Whether those are all.
    pub complete: bool,
    /// By role; the empty one for none.
    pub roles: BTreeMap<String, i64>,
    /// By purpose, without the reference to a matter; the empty one for readings without any.
    pub purposes: BTreeMap<String, i64>,
    /// Readings of records without a purpose.
    pub unexplained: i64,
    /// Those of them on days off.
    pub unexplained_off: i64,
}

#[derive(QueryableByName)]
struct Group {
    #[diesel(sql_type = BigInt)]
    slot: i64,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    action: String,
    #[diesel(sql_type = Text)]
    decision: String,
    #[diesel(sql_type = Nullable<Text>)]
    actor_id: Option<String>,
    #[diesel(sql_type = BigInt)]
    n: i64,
}

#[derive(QueryableByName)]
struct Place {
    #[diesel(sql_type = BigInt)]
    step: i64,
    #[diesel(sql_type = BigInt)]
    seq: i64,
}

impl<'tx> Tx<'tx> {
    /// A page of the log, and what there is in all, told apart at the instants `steps`.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for too many instants.
    pub fn audit_survey(
        &mut self,
        permit: Permit<'tx, AuditRead>,
        query: &AuditQuery,
        steps: &[DateTime<Utc>],
    ) -> Result<Sealed<'tx, Survey>, Error> {
        let register = permit.register.clone();
        if steps.len() > MOST_STEPS + 1 {
            let detail = format!("at most {MOST_STEPS} parts of a period");
            return Err(Refusal::invalid("/from", "period", detail, None).into());
        }
        let selection = self.selection(&register, query)?;
        let list = self.audit_page(&selection, query)?;
        let steps: Vec<i64> = steps.iter().map(DateTime::timestamp_micros).collect();
        let summary = self.summary(&register, &selection, query, &steps)?;
        let subjects = selection.subjects.as_ref().map(Vec::len);
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::AuditRead, &actor, &permit.ruling);
        event.record_ids =
            selection.subjects.unwrap_or_default().iter().map(|r| facts::id(r)).collect::<Result<_, _>>()?;
        event.fields = query.asked();
        Ok(Sealed::new(Survey { list, summary, subjects }, Some(event)))
    }

    fn summary(
        &mut self,
        register: &Register,
        selection: &Selection,
        query: &AuditQuery,
        steps: &[i64],
    ) -> Result<Summary, Error> {
        let looks = query.looks();
        let most = if looks { WINDOW } else { READ };
        let rows = self.audit_rows(selection, None, most + 1)?;
        let all = i64::try_from(rows.len()).is_ok_and(|n| n <= most);
        let read: Vec<(Row, Value)> = rows
            .into_iter()
            .map(|row| {
                let event = row.body.as_deref().map(facts::json).transpose()?.unwrap_or(Value::Null);
                Ok((row, event))
            })
            .filter(|read: &Result<(Row, Value), Error>| {
                !looks || read.as_ref().is_ok_and(|(row, event)| !event.is_null() && wanted(row, event, query))
            })
            .collect::<Result<_, Error>>()?;
        let groups: Vec<Group> = if all || looks {
            read.iter()
                .map(|(row, event)| Group {
                    slot: row.recorded_at.div_euclid(QUARTER),
                    kind: row.kind.clone(),
                    action: row.action.clone(),
                    decision: row.decision.clone(),
                    actor_id: event["actor"]["user_id"].as_str().map(str::to_owned),
                    n: 1,
                })
                .collect()
        } else {
            self.groups(selection)?
        };
        let mut out =
            Summary { steps: vec![StepCount::default(); steps.len().saturating_sub(1)], ..Summary::default() };
        let mut actors: HashMap<Option<String>, i64> = HashMap::new();
        for group in groups {
            out.counted += group.n;
            let denied = group.decision == "denied";
            out.denied += if denied { group.n } else { 0 };
            let after = steps.partition_point(|s| *s <= group.slot * QUARTER);
            if let Some(step) = after.checked_sub(1).and_then(|i| out.steps.get_mut(i)) {
                step.total += group.n;
                if denied {
                    step.denied += group.n;
                } else if ["disclosure", "export"].contains(&group.kind.as_str()) {
                    step.left += group.n;
                }
            }
            *out.kinds.entry(group.kind).or_default() += group.n;
            *out.actions.entry(group.action).or_default() += group.n;
            *actors.entry(group.actor_id).or_default() += group.n;
        }
        out.complete = if looks { all } else { out.counted < COUNTED };
        out.words = words(register, &read, all)?;
        out.people = actors.keys().flatten().count();
        out.actors = self.actors_named(actors)?;
        let plain = query.actor.is_none() && query.action.is_none() && query.decision.is_none();
        if !out.complete && !looks && plain && selection.subjects.is_none() {
            self.count_by_places(register.name(), steps, &mut out)?;
        }
        Ok(out)
    }

    /// Who they are, the busiest first.
    fn actors_named(&mut self, counts: HashMap<Option<String>, i64>) -> Result<Vec<ActorCount>, Error> {
        let mut counts: Vec<(Option<String>, i64)> = counts.into_iter().collect();
        counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        counts.truncate(MOST_ACTORS);
        let names: HashMap<String, (String, String)> = app_user::table
            .filter(app_user::register.eq(INSTALLATION_REGISTER))
            .filter(app_user::id.eq_any(counts.iter().filter_map(|c| c.0.as_ref())))
            .select((app_user::id, app_user::username, app_user::display_name))
            .load::<(String, String, String)>(self.conn)?
            .into_iter()
            .map(|(id, username, name)| (id, (username, name)))
            .collect();
        counts
            .into_iter()
            .map(|(id, count)| {
                let (username, display_name) = id.as_ref().and_then(|i| names.get(i)).cloned().unwrap_or_default();
                let user_id = id.as_deref().map(facts::id).transpose()?;
                Ok(ActorCount { user_id, username, display_name, count })
            })
            .collect()
    }

    /// The newest entries, counted by quarter of an hour, kind, action, outcome and actor.
    fn groups(&mut self, selection: &Selection) -> Result<Vec<Group>, Error> {
        let Selection { from, order, conditions, binds, .. } = selection;
        let sql = format!(
            "SELECT slot, kind, action, decision, actor_id, COUNT(*) AS n FROM (SELECT e.recorded_at / {QUARTER} AS \
             slot, e.kind, e.action, e.decision, e.actor_id FROM {from} WHERE {} ORDER BY {order} DESC LIMIT {COUNTED}) \
             q GROUP BY slot, kind, action, decision, actor_id",
            conditions.join(" AND ")
        );
        Ok(bound(&sql, binds).load(self.conn)?)
    }

    /// How many entries there are in each part of the period, from their places in the tree. Places and instants go
    /// together to within the second in which entries wait for their place.
    fn count_by_places(&mut self, register: &str, steps: &[i64], out: &mut Summary) -> Result<(), Error> {
        let mut binds = vec![register.to_owned()];
        let parts: Vec<String> = steps
            .iter()
            .enumerate()
            .map(|(i, step)| {
                binds.push(uuid_at(*step, [0; 8]).to_string());
                format!(
                    "SELECT step, seq FROM (SELECT {i} AS step, l.seq AS seq FROM audit_event e JOIN audit_leaf l ON \
                     l.register = e.register AND l.event_id = e.id WHERE e.register = $1 AND e.id >= ${} ORDER BY e.id \
                     LIMIT 1) s{i}",
                    binds.len()
                )
            })
            .collect();
        if parts.len() < 2 {
            return Ok(());
        }
        let sql = format!("SELECT CAST(step AS BIGINT) AS step, seq FROM ({}) x", parts.join(" UNION ALL "));
        let found: Vec<Place> = bound(&sql, &binds).load(self.conn)?;
        let size = i64::try_from(frontier(self.conn, register)?.size()).unwrap_or(i64::MAX);
        let places: HashMap<i64, i64> = found.into_iter().map(|p| (p.step, p.seq)).collect();
        let place = |i: usize| i64::try_from(i).ok().and_then(|i| places.get(&i)).copied().unwrap_or(size);
        for (i, step) in out.steps.iter_mut().enumerate() {
            step.total = step.total.max(place(i + 1) - place(i));
        }
        out.total = Some(out.steps.iter().map(|s| s.total).sum());
        Ok(())
    }
}

/// What the words of these entries say.
fn words(register: &Register, read: &[(Row, Value)], complete: bool) -> Result<WordCount, Error> {
    let mut out = WordCount { read: i64::try_from(read.len()).unwrap_or(i64::MAX), complete, ..WordCount::default() };
    let source = &register.definition.register;
    let own: Vec<&str> = source.roles.iter().filter(|r| r.implicit).map(|r| r.name.as_str()).collect();
    for (row, event) in read.iter().filter(|(_, event)| !event.is_null()) {
        let said = |member: &str| event.get(member).and_then(Value::as_str);
        let role = said("role").unwrap_or_default();
        *out.roles.entry(role.to_owned()).or_default() += 1;
        match said("purpose") {
            Some(purpose) => {
                let plain = purpose.split(" · ").next().unwrap_or(purpose);
                *out.purposes.entry(plain.to_owned()).or_default() += 1;
            }
            // Whoever looks at what is kept about themselves need not say why.
            None if is_reading(row) && !own.contains(&role) => {
                out.unexplained += 1;
                let off = !register.calendar.is_working_day(register.day(instant(row.recorded_at)));
                out.unexplained_off += i64::from(off);
            }
            None => {}
        }
    }
    Ok(out)
}

/// Whether records were shown.
fn is_reading(row: &Row) -> bool {
    row.decision != "denied" && (row.kind == "export" || row.kind == "read" && row.action.starts_with("record."))
}
