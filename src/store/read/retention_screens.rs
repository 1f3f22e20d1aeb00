//! What the screens of retention ask beside the lists: what waits and for what, how much is due at a glance, and what
//! has become of a batch.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::retention::{batch_of, candidates, holds_of, known, rules_of};
use crate::domain::access::Action;
use crate::domain::record::{Segment, Timeline};
use crate::domain::retention::{
    self as rules, Actor, Clock, Disposition, Hold, HoldScope, Item, Outcome, Person, Rule, Source, Standing, Starts,
    Step, Then, Trigger, part_fields,
};
use crate::domain::statute::RecordType;
use crate::store::error::Error;
use crate::store::facts::{self, LAST_DAY};
use crate::store::guard::{Permit, RetentionRead, Sealed};
use crate::store::schema::{app_user, erasure, legal_hold, record_state, retention_batch, retention_item};
use crate::store::tx::Tx;

/// Records looked at in one pass.
const PART: i64 = 500;
/// Records that are asked what they wait for.
const MOST_LOOKED_AT: usize = 200_000;
/// Passes over a type that a glance makes: it is asked for with every desk.
const GLANCES: usize = 10;
/// States of batches that are not over.
const OPEN: [&str; 4] = ["proposed", "reviewed", "approved", "executing"];
/// Items of a batch that failed or fell out and are told by themselves.
const MOST_TOLD: usize = 200;

/// How many records of a type hold data under a rule whose clock does not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// Rule.
    pub rule: String,
    /// Record type.
    pub record_type: String,
    /// How many records.
    pub records: u64,
}

/// What waits.
#[derive(Debug, Clone, Default, Serialize)]
pub struct WaitingView {
    /// By rule, in the order of the definition.
    pub items: Vec<Waiting>,
    /// Whether more records were there than were looked at.
    pub truncated: bool,
}

/// How much is due, at a glance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Glance {
    /// Records of which something may go today and stands in no open batch.
    pub records: u64,
    /// Whether there may be more.
    pub more: bool,
}

/// How many items of a batch share a rule and what becomes of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Share {
    /// Rule.
    pub rule: String,
    /// Record type.
    pub record_type: String,
    /// `archive`, `destroy`, `anonymise`, `kept`, `excluded` or `undecided`.
    pub fate: &'static str,
}

/// What has become of a batch, beyond its header.
#[derive(Debug, Clone, Serialize)]
pub struct BatchStory {
    /// Clause under which it was proposed.
    pub clause: Option<String>,
    /// Who reviewed it.
    pub reviewed_by: Vec<String>,
    /// Who began to carry it out.
    pub executed_by: Option<String>,
    /// Why it was given up or given back, the last time.
    pub reason: Option<String>,
    /// Whether the asker proposed or reviewed it, in whatever role: then somebody else approves it.
    pub is_own: bool,
    /// Whether the asker approved it: then somebody else carries it out.
    pub approved_by_asker: bool,
    /// What becomes of how many items.
    pub shares: BTreeMap<Share, u64>,
    /// Items about which nothing has been decided.
    pub undecided: Vec<(Uuid, String)>,
    /// The steps that its execution has, and whether each is done.
    pub steps: Vec<(Step, bool)>,
    /// Items that fell out or could not be erased, as far as they are told.
    pub stayed: Vec<Item>,
}

/// What a hold holds, beyond what a list of holds tells.
#[derive(Debug, Clone, Default, Serialize)]
pub struct HeldScope {
    /// The institution whose records it holds.
    pub institution: Option<Uuid>,
}

fn size(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

/// What becomes of an item: `archive`, `destroy`, `anonymise`, `kept`, `excluded` or `undecided`.
pub fn fate(item: &Item) -> &'static str {
    match (&item.excluded, item.action(), &item.disposition) {
        (Some(_), ..) => "excluded",
        (None, Some(rules::Action::Archive), _) => "archive",
        (None, Some(rules::Action::Destroy), _) => "destroy",
        (None, Some(rules::Action::Anonymise), _) => "anonymise",
        (None, None, Some(Disposition::KeepUntil { .. })) => "kept",
        (None, None, _) if item.then == Then::Review => "undecided",
        (None, None, _) => "kept",
    }
}

impl<'tx> Tx<'tx> {
    /// What waits for the day from which its period would count, by rule and type. It changes nothing.
    ///
    /// Where a type's rules count from dates of the record alone, its last state says what it holds.
    ///
    /// # Errors
    /// Those of the database.
    pub fn retention_waiting(&mut self, permit: Permit<'tx, RetentionRead>) -> Result<Sealed<'tx, WaitingView>, Error> {
        let register = permit.register.clone();
        let all = rules_of(&register)?;
        let mut found: BTreeMap<(usize, String), u64> = BTreeMap::new();
        let (mut looked, mut truncated) = (0_usize, false);
        for kind in &register.definition.record_types {
            let of_it: Vec<(usize, &Rule, Vec<String>)> = all
                .iter()
                .enumerate()
                .map(|(n, rule)| (n, rule, part_fields(kind, &rule.name)))
                .filter(|(_, rule, fields)| rule.then != Then::Keep && !fields.is_empty())
                .collect();
            if of_it.is_empty() {
                continue;
            }
            let mut after = String::new();
            loop {
                let rows: Vec<(String, String)> = record_state::table
                    .filter(record_state::register.eq(register.name()))
                    .filter(record_state::record_type.eq(&kind.name))
                    .filter(record_state::until_day.eq(LAST_DAY))
                    .filter(record_state::record_id.gt(&after))
                    .order(record_state::record_id)
                    .limit(PART)
                    .select((record_state::record_id, record_state::data))
                    .load(self.conn)?;
                let Some((last, _)) = rows.last() else { break };
                after.clone_from(last);
                looked += rows.len();
                for place in self.waiting_of(&register, kind, &all, &of_it, rows)? {
                    *found.entry((place, kind.name.clone())).or_default() += 1;
                }
                if looked >= MOST_LOOKED_AT {
                    truncated = true;
                    break;
                }
            }
        }
        let items = found.into_iter().filter_map(|((place, record_type), records)| {
            Some(Waiting { rule: all.get(place)?.name.clone(), record_type, records })
        });
        let view = WaitingView { items: items.collect(), truncated };
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::RetentionRead, &actor, &permit.ruling);
        "retention.waiting".clone_into(&mut event.action);
        Ok(Sealed::new(view, Some(event)))
    }

    /// Places of the rules whose data wait in the records of `rows`, one for each record and rule.
    fn waiting_of(
        &mut self,
        register: &crate::domain::registers::Register,
        kind: &RecordType,
        all: &[Rule],
        of_it: &[(usize, &Rule, Vec<String>)],
        rows: Vec<(String, String)>,
    ) -> Result<Vec<usize>, Error> {
        let ids: Vec<&String> = rows.iter().map(|(id, _)| id).collect();
        let erased: BTreeSet<String> = erasure::table
            .filter(erasure::register.eq(register.name()))
            .filter(erasure::record_id.eq_any(ids))
            .select(erasure::record_id)
            .load::<String>(self.conn)?
            .into_iter()
            .collect();
        let by_facts = |source: &Source| !matches!(source, Source::Field(_) | Source::OwnEnd);
        let sources = of_it.iter().filter_map(|(_, rule, _)| rule.trigger.as_ref()).flat_map(Trigger::sources);
        let asks_more = sources.into_iter().any(by_facts);
        let (mut waiting, mut asked) = (Vec::new(), Vec::new());
        for (id, data) in rows {
            if asks_more || erased.contains(&id) {
                asked.push(facts::id(&id)?);
                continue;
            }
            let data = facts::json(&data)?;
            let holds = |fields: &[String]| fields.iter().any(|f| data.get(f).is_some_and(|v| !v.is_null()));
            let there: Vec<&(usize, &Rule, Vec<String>)> = of_it.iter().filter(|(.., fields)| holds(fields)).collect();
            let segment = Segment { from: self.today(register), until: None, data: data.clone() };
            let timeline = Timeline { segments: vec![segment] };
            let starts = Starts::read(all, kind, &timeline, &[], &[]);
            for (place, rule, _) in there {
                if matches!(Clock::of(rule, &starts, &register.calendar), Clock::Waiting(_)) {
                    waiting.push(*place);
                }
            }
        }
        let today = self.today(register);
        for known in known(self.conn, register, &asked)? {
            let why = known.why(register, kind, all, &[], today);
            for part in why.parts.iter().filter(|p| matches!(p.state, Standing::Waiting { .. })) {
                waiting.extend(of_it.iter().find(|(_, rule, _)| rule.name == part.rule).map(|(place, ..)| *place));
            }
        }
        Ok(waiting)
    }

    /// How much may go today and stands in no open batch: a number and nobody's data, so that nothing is logged. It looks
    /// at a bounded number of records.
    ///
    /// # Errors
    /// Those of the database.
    pub fn retention_glance(
        &mut self,
        permit: Permit<'tx, RetentionRead>,
        most: u64,
    ) -> Result<Sealed<'tx, Glance>, Error> {
        let register = permit.register.clone();
        let (all, today) = (rules_of(&register)?, self.today(&register));
        let holds = holds_of(self.conn, register.name())?;
        let mut glance = Glance { records: 0, more: false };
        for kind in &register.definition.record_types {
            let mut after = String::new();
            for pass in 0..=GLANCES {
                if glance.records >= most || pass == GLANCES {
                    glance.more = true;
                    break;
                }
                let (ids, last) = candidates(self.conn, &register, kind, &all, today, &after)?;
                let mut due: BTreeSet<(String, String)> = BTreeSet::new();
                for known in known(self.conn, &register, &ids)? {
                    let why = known.why(&register, kind, &all, &holds, today);
                    let parts = why.parts.iter().filter(|p| p.may_go() && p.then != Then::Keep);
                    due.extend(parts.map(|p| (known.record_id.to_string(), p.rule.clone())));
                }
                let records: BTreeSet<&String> = due.iter().map(|(id, _)| id).collect();
                let waiting: Vec<(String, String)> = retention_item::table
                    .inner_join(
                        retention_batch::table.on(retention_batch::register
                            .eq(retention_item::register)
                            .and(retention_batch::id.eq(retention_item::batch_id))),
                    )
                    .filter(retention_item::register.eq(register.name()))
                    .filter(retention_batch::state.eq_any(OPEN))
                    .filter(retention_item::state.eq("proposed"))
                    .filter(retention_item::record_id.eq_any(records))
                    .select((retention_item::record_id, retention_item::rule))
                    .load(self.conn)?;
                for pair in waiting {
                    due.remove(&pair);
                }
                glance.records += size(due.iter().map(|(id, _)| id).collect::<BTreeSet<_>>().len());
                match last {
                    Some(last) => after = last,
                    None => break,
                }
            }
        }
        Ok(Sealed::unlogged(glance))
    }

    /// What has become of a batch: who did what, what becomes of how much, and what stayed and why.
    ///
    /// # Errors
    /// [`Refusal::NotFound`](crate::domain::refusal::Refusal::NotFound).
    pub fn batch_story(
        &mut self,
        permit: Permit<'tx, RetentionRead>,
        id: Uuid,
    ) -> Result<Sealed<'tx, BatchStory>, Error> {
        let register = permit.register.clone();
        let (row, batch) = batch_of(self.conn, register.name(), id)?;
        let actor = self.actor(&register)?;
        let asker = actor.user_id.map(|user| Person { user, code: actor.personal_code.clone() });
        let is = |person: &Person| asker.as_ref().is_some_and(|asker| person.is(asker));
        let proposed = matches!(batch.proposed_by(), Actor::Person(person) if is(person));
        let text = |name: &str| row.body.get(name).and_then(Value::as_str).map(str::to_owned);
        let executed_by = text("executed_by");
        let names =
            self.people_named(batch.reviewed_by().iter().map(|p| p.user.to_string()).chain(executed_by.clone()))?;
        let name = |id: String| names.get(&id).cloned().unwrap_or(id);
        let mut shares: BTreeMap<Share, u64> = BTreeMap::new();
        let mut undecided = Vec::new();
        for item in batch.items() {
            let fate = fate(item);
            if fate == "undecided" {
                undecided.push((item.record, item.rule.clone()));
            }
            let share = Share { rule: item.rule.clone(), record_type: item.record_type.clone(), fate };
            *shares.entry(share).or_default() += 1;
        }
        let archives = batch.items().iter().any(|i| i.action() == Some(rules::Action::Archive));
        let steps = if archives { &Step::ALL[..] } else { &Step::ALL[3..] };
        let stayed = batch.items().iter().filter(|i| matches!(i.outcome, Outcome::Dropped(_) | Outcome::Failed(_)));
        let story = BatchStory {
            clause: text("clause"),
            reviewed_by: batch.reviewed_by().iter().map(|p| name(p.user.to_string())).collect(),
            executed_by: executed_by.map(name),
            reason: text("reason"),
            is_own: proposed || batch.reviewed_by().iter().any(is),
            approved_by_asker: batch.approved_by().is_some_and(is),
            shares,
            undecided,
            steps: steps.iter().map(|step| (*step, batch.done().is_some_and(|done| *step <= done))).collect(),
            stayed: stayed.take(MOST_TOLD).cloned().collect(),
        };
        let mut event = self.event(&register, Action::RetentionRead, &actor, &permit.ruling);
        "retention.batch.read".clone_into(&mut event.action);
        event.record_ids = story.stayed.iter().map(|i| i.record).collect::<BTreeSet<_>>().into_iter().collect();
        event.detail = Some(json!({ "batch_id": id }));
        Ok(Sealed::new(story, Some(event)))
    }

    fn people_named(&mut self, ids: impl Iterator<Item = String>) -> Result<BTreeMap<String, String>, Error> {
        let ids: BTreeSet<String> = ids.collect();
        let rows: Vec<(String, String)> = app_user::table
            .filter(app_user::register.eq(crate::store::context::INSTALLATION_REGISTER))
            .filter(app_user::id.eq_any(&ids))
            .select((app_user::id, app_user::display_name))
            .load(self.conn)?;
        Ok(rows.into_iter().collect())
    }

    /// What the holds of `ids` hold, beyond what their list tells; of whom they are about, nothing.
    ///
    /// # Errors
    /// Those of the database.
    pub fn hold_scopes(
        &mut self,
        permit: Permit<'tx, RetentionRead>,
        ids: &[Uuid],
    ) -> Result<Sealed<'tx, BTreeMap<Uuid, HeldScope>>, Error> {
        let texts: Vec<String> = ids.iter().map(Uuid::to_string).collect();
        let rows: Vec<(String, String)> = legal_hold::table
            .filter(legal_hold::register.eq(permit.register.name()))
            .filter(legal_hold::id.eq_any(&texts))
            .select((legal_hold::id, legal_hold::body))
            .load(self.conn)?;
        let mut scopes = BTreeMap::new();
        for (id, body) in rows {
            let hold: Hold = serde_json::from_value(facts::json(&body)?["hold"].clone())
                .map_err(|_| Error::Damaged("a hold cannot be read".into()))?;
            let institution = match hold.scope {
                HoldScope::Query { institution, .. } => institution,
                HoldScope::Record(_) | HoldScope::Person(_) => None,
            };
            scopes.insert(facts::id(&id)?, HeldScope { institution });
        }
        // The list of holds, which was logged, told of the same holds.
        Ok(Sealed::unlogged(scopes))
    }
}
