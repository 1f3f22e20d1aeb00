//! How records stand under the rules of retention, holds, batches and acts.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{Days, NaiveDate};
use diesel::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::records::Page;
use crate::domain::access::Action;
use crate::domain::backup::Erasure;
use crate::domain::calendar::{instant, micros, parse_day, rfc3339};
use crate::domain::case::CaseFile;
use crate::domain::case::own_data::OwnData;
use crate::domain::record::{Entry, Timeline};
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::domain::retention::{
    Batch, BatchState, Blocker, BlockerKind, Clock, Disposition, Event, Facts, Forecast, Hold, HoldScope, Item,
    KeptUntil, Other, Part, Rule, Source, Standing, Starts, Then, Trigger, Why, fields_in, forecast, part_fields, why,
};
use crate::domain::statute::definition::{Field, FieldType};
use crate::domain::statute::path::FieldPath;
use crate::domain::statute::procedures::Procedure;
use crate::domain::statute::{Label, RecordType};
use crate::store::conn::AnyConn;
use crate::store::error::Error;
use crate::store::facts::{self, LAST_DAY};
use crate::store::guard::{Permit, RetentionRead, Sealed};
use crate::store::schema::{
    app_user, audit_event, case_file, erasure, former_code, legal_hold, record, record_event, record_index,
    record_move, record_state, retention_act, retention_batch, retention_item,
};
use crate::store::tx::Tx;

/// Records looked at in one pass.
const PART: i64 = 500;
/// Records that a preview looks through; what lies beyond comes on the next page.
const MOST_LOOKED_AT: usize = 200_000;

/// What is known of a record for its retention.
pub(in crate::store) struct Known {
    pub record_id: Uuid,
    pub record_type: String,
    pub institution_id: Uuid,
    pub version: i64,
    pub timeline: Timeline,
    pub entries: Vec<Entry>,
    pub fields: BTreeSet<String>,
    events: Vec<Event>,
    others: Vec<Other>,
    erased_starts: BTreeMap<String, NaiveDate>,
    kept_until: Vec<KeptUntil>,
    people: BTreeSet<String>,
    blockers: Vec<Blocker>,
    referrers: Vec<Referrer>,
}

/// A record that refers to another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Referrer {
    by: Uuid,
    /// The rule under which the reference falls; a reference under none stays.
    rule: Option<String>,
}

impl Known {
    /// How it stands on `on`.
    pub(in crate::store) fn why(
        &self,
        register: &Register,
        kind: &RecordType,
        rules: &[Rule],
        holds: &[Hold],
        on: NaiveDate,
    ) -> Why {
        let facts = Facts {
            record: self.record_id,
            version: self.version,
            institution: Some(self.institution_id),
            timeline: &self.timeline,
            fields: self.fields.clone(),
            events: self.events.clone(),
            others: self.others.clone(),
            erased_starts: self.erased_starts.clone(),
            kept_until: self.kept_until.clone(),
            people: self.people.clone(),
            holds,
            blockers: self.blockers.clone(),
        };
        why(kind, rules, &facts, on, &register.calendar)
    }
}

/// The rules of a register, read.
pub(in crate::store) fn rules_of(register: &Register) -> Result<Vec<Rule>, Error> {
    let rules = register.definition.register.retention_rules.iter().map(Rule::read);
    rules
        .collect::<Result<_, _>>()
        .map_err(|_| Error::Damaged("a retention rule of the definition cannot be read".into()))
}

/// Loads what is known of records, in the order of `ids`; those that are gone are left out. Who refers to them is
/// not asked: see [`stand`].
pub(in crate::store) fn known(conn: &mut AnyConn, register: &Register, ids: &[Uuid]) -> Result<Vec<Known>, Error> {
    let name = register.name();
    let texts: Vec<String> = ids.iter().map(Uuid::to_string).collect();
    type Row = (String, String, String, i64);
    let rows: Vec<Row> = record::table
        .filter(record::register.eq(name))
        .filter(record::id.eq_any(&texts))
        .select((record::id, record::record_type, record::institution_id, record::version))
        .load(conn)?;
    let mut entries = facts::entries_of(conn, name, ids)?;
    let mut found: HashMap<Uuid, Known> = HashMap::new();
    for (id, record_type, institution_id, version) in rows {
        let id = facts::id(&id)?;
        let entries = entries.remove(&id).unwrap_or_default();
        let timeline = Timeline::fold(&entries, None);
        let people = register.record_type(&record_type).map(|k| people_in(k, &entries)).unwrap_or_default();
        found.insert(
            id,
            Known {
                record_id: id,
                record_type,
                institution_id: facts::id(&institution_id)?,
                version,
                fields: fields_in(&entries),
                timeline,
                entries,
                events: Vec::new(),
                others: Vec::new(),
                erased_starts: BTreeMap::new(),
                kept_until: Vec::new(),
                people,
                blockers: Vec::new(),
                referrers: Vec::new(),
            },
        );
    }
    let happened: Vec<(String, String, String)> = record_event::table
        .filter(record_event::register.eq(name))
        .filter(record_event::record_id.eq_any(&texts))
        .select((record_event::record_id, record_event::event, record_event::on_day))
        .load(conn)?;
    for (id, event, on) in happened {
        if let Some(known) = found.get_mut(&facts::id(&id)?) {
            known.events.push(Event { name: event, on: facts::day(&on)? });
        }
    }
    let codes: Vec<(String, String)> = former_code::table
        .filter(former_code::register.eq(name))
        .filter(former_code::record_id.eq_any(&texts))
        .select((former_code::record_id, former_code::value))
        .load(conn)?;
    for (id, code) in codes {
        if let Some(known) = found.get_mut(&facts::id(&id)?) {
            known.people.insert(code);
        }
    }
    let gone: Vec<(String, String)> = erasure::table
        .filter(erasure::register.eq(name))
        .filter(erasure::record_id.eq_any(&texts))
        .select((erasure::record_id, erasure::rules))
        .load(conn)?;
    for (id, rules) in gone {
        let Some(known) = found.get_mut(&facts::id(&id)?) else { continue };
        for one in facts::json(&rules)?.as_array().into_iter().flatten() {
            let on = one["on"].as_str().and_then(parse_day);
            if let Some((source, on)) = one["source"].as_str().zip(on) {
                known.erased_starts.insert(source.to_owned(), on);
            }
        }
    }
    let kept: Vec<(String, String)> = retention_item::table
        .filter(retention_item::register.eq(name))
        .filter(retention_item::record_id.eq_any(&texts))
        .filter(retention_item::state.eq("kept"))
        .select((retention_item::record_id, retention_item::body))
        .load(conn)?;
    for (id, body) in kept {
        let item: Item = serde_json::from_str(&body).map_err(|_| Error::Damaged("an item of a batch".into()))?;
        let Some(known) = found.get_mut(&facts::id(&id)?) else { continue };
        if let Some(Disposition::KeepUntil { until, reason }) = item.disposition {
            known.kept_until.push(KeptUntil { rule: item.rule, until, reason });
        }
    }
    blockers(conn, register, &texts, &mut found)?;
    others(conn, register, &texts, &mut found)?;
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

/// Personal codes (account names, where a register knows its people by those) in a record, wherever its type has
/// fields for them: of whom it is about, their guardians, children, and whoever else it names, in any entry.
fn people_in(kind: &RecordType, entries: &[Entry]) -> BTreeSet<String> {
    let codes = leaves(&kind.fields, FieldType::PersonalCode).into_iter().map(|(path, _)| path);
    let subject = kind.subject.iter().filter_map(|subject| FieldPath::parse(subject.field()).ok());
    let paths: BTreeSet<FieldPath> = codes.chain(subject).collect();
    let codes = entries.iter().flat_map(|e| paths.iter().flat_map(|p| p.values(&e.data)));
    codes.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Paths of the fields of a kind, those inside groups included, each with its field.
fn leaves(fields: &[Field], kind: FieldType) -> Vec<(FieldPath, &Field)> {
    fn walk<'a>(fields: &'a [Field], kind: FieldType, above: &str, found: &mut Vec<(FieldPath, &'a Field)>) {
        for field in fields {
            let path = if above.is_empty() { field.name.clone() } else { format!("{above}/{}", field.name) };
            if field.kind == kind
                && let Ok(path) = FieldPath::parse(&path)
            {
                found.push((path, field));
            }
            walk(&field.parts, kind, &path, found);
        }
    }
    let mut found = Vec::new();
    walk(fields, kind, "", &mut found);
    found
}

/// What is open about the records.
fn blockers(
    conn: &mut AnyConn,
    register: &Register,
    texts: &[String],
    found: &mut HashMap<Uuid, Known>,
) -> Result<(), Error> {
    let name = register.name();
    let open: Vec<(Option<String>, String, String)> = case_file::table
        .filter(case_file::register.eq(name))
        .filter(case_file::record_id.eq_any(texts).assume_not_null())
        .filter(case_file::closed_at.is_null())
        .select((case_file::record_id, case_file::id, case_file::kind))
        .load(conn)?;
    for (record_id, id, kind) in open {
        let procedure = register.case_kind(&kind).map(|k| k.procedure);
        let kind = match procedure {
            Some(Procedure::Complaint) => BlockerKind::Complaint,
            Some(Procedure::Disclosure | Procedure::OwnData) => BlockerKind::Disclosure,
            _ => BlockerKind::Case,
        };
        if let Some(known) = record_id.map(|id| facts::id(&id)).transpose()?.and_then(|id| found.get_mut(&id)) {
            known.blockers.push(Blocker { kind, id: facts::id(&id)? });
        }
    }
    asked_for(conn, register, found)?;
    let moves: Vec<(String, String)> = record_move::table
        .filter(record_move::register.eq(name))
        .filter(record_move::from_record.eq_any(texts))
        .filter(record_move::state.eq("offered"))
        .select((record_move::from_record, record_move::id))
        .load(conn)?;
    for (record_id, id) in moves {
        if let Some(known) = found.get_mut(&facts::id(&record_id)?) {
            known.blockers.push(Blocker { kind: BlockerKind::Transfer, id: facts::id(&id)? });
        }
    }
    Ok(())
}

/// Whoever has asked for the data about themselves finds them there when the answer is given.
fn asked_for(conn: &mut AnyConn, register: &Register, found: &mut HashMap<Uuid, Known>) -> Result<(), Error> {
    let kinds: Vec<&str> =
        register.definition.cases.iter().filter(|k| k.own_data.is_some()).map(|k| k.name.as_str()).collect();
    if kinds.is_empty() {
        return Ok(());
    }
    let open: Vec<(String, String)> = case_file::table
        .filter(case_file::register.eq(register.name()))
        .filter(case_file::kind.eq_any(kinds))
        .filter(case_file::closed_at.is_null())
        .select((case_file::id, case_file::body))
        .load(conn)?;
    for (id, body) in open {
        let case: CaseFile = serde_json::from_str(&body).map_err(|_| Error::Damaged("a case cannot be read".into()))?;
        let Ok(own) = OwnData::of(&case) else { continue };
        let id = facts::id(&id)?;
        let named = [own.subject.personal_code, own.subject.account];
        for known in found.values_mut().filter(|k| named.iter().flatten().any(|one| k.people.contains(one))) {
            known.blockers.push(Blocker { kind: BlockerKind::Disclosure, id });
        }
    }
    Ok(())
}

/// Records that refer to one of `texts`, which are of the types `whom`: by one type, or by any. An indexed field answers
/// by itself; for one that is not, the states of its type are gone through, once for all of `texts`.
fn referring(
    conn: &mut AnyConn,
    register: &Register,
    texts: &[String],
    whom: &BTreeSet<String>,
    of_type: Option<&str>,
) -> Result<BTreeSet<(Uuid, Referrer)>, Error> {
    let mut found = BTreeSet::new();
    if texts.is_empty() {
        return Ok(found);
    }
    let leads = |f: &Field| f.refers_to.as_ref().is_none_or(|to| whom.contains(to));
    for kind in register.definition.record_types.iter().filter(|k| of_type.is_none_or(|name| name == k.name)) {
        let indexed: BTreeMap<&str, Option<&String>> = kind
            .fields
            .iter()
            .filter(|f| f.kind == FieldType::Reference && f.index.is_some() && leads(f))
            .map(|f| (f.name.as_str(), f.retention.as_ref()))
            .collect();
        if !indexed.is_empty() {
            let rows: Vec<(String, String, String)> = record_index::table
                .filter(record_index::register.eq(register.name()))
                .filter(record_index::record_type.eq(&kind.name))
                .filter(record_index::field.eq_any(indexed.keys().copied()))
                .filter(record_index::value.eq_any(texts))
                .select((record_index::value, record_index::record_id, record_index::field))
                .distinct()
                .load(conn)?;
            for (whom, who, field) in rows {
                let rule = indexed.get(field.as_str()).copied().flatten().cloned();
                found.insert((facts::id(&whom)?, Referrer { by: facts::id(&who)?, rule }));
            }
        }
        let loose: Vec<(FieldPath, Option<String>)> = kind
            .fields
            .iter()
            .flat_map(|top| leaves(std::slice::from_ref(top), FieldType::Reference).into_iter().map(move |l| (top, l)))
            .filter(|(_, (_, f))| leads(f) && !indexed.contains_key(f.name.as_str()))
            .map(|(top, (path, _))| (path, top.retention.clone()))
            .collect();
        if !loose.is_empty() {
            look_through(conn, register, kind, &loose, texts, &mut found)?;
        }
    }
    Ok(found)
}

/// States read together where all of a type are gone through.
const STATES: i64 = 5_000;

fn look_through(
    conn: &mut AnyConn,
    register: &Register,
    kind: &RecordType,
    paths: &[(FieldPath, Option<String>)],
    texts: &[String],
    found: &mut BTreeSet<(Uuid, Referrer)>,
) -> Result<(), Error> {
    let wanted: HashSet<&str> = texts.iter().map(String::as_str).collect();
    let mut after = (String::new(), String::new());
    loop {
        // A record has several states: those after the last one seen, and those of the records after it.
        let rows: Vec<(String, String, String)> = record_state::table
            .filter(record_state::register.eq(register.name()))
            .filter(record_state::record_type.eq(&kind.name))
            .filter(record_state::record_id.ge(&after.0))
            .filter(record_state::record_id.gt(&after.0).or(record_state::from_day.gt(&after.1)))
            .order((record_state::record_id, record_state::from_day))
            .limit(STATES)
            .select((record_state::record_id, record_state::from_day, record_state::data))
            .load(conn)?;
        let Some((last, from, _)) = rows.last() else { return Ok(()) };
        after = (last.clone(), from.clone());
        for (who, _, data) in &rows {
            let data = facts::json(data)?;
            for (path, rule) in paths {
                let values = path.values(&data).into_iter().filter_map(Value::as_str);
                for whom in values.filter(|v| wanted.contains(v)) {
                    found.insert((facts::id(whom)?, Referrer { by: facts::id(who)?, rule: rule.clone() }));
                }
            }
        }
    }
}

/// Records that are followed at most to see whether all of what refers to a page of records goes too.
const FOLLOWED: usize = 5_000;

/// How records stand on `on`, in the order of `ids`; those that are gone are left out.
///
/// Who refers to a record stands in its way unless the reference goes as well: `goes` says so of the data of a record
/// under a rule, and nothing that stays may refer to that record either. So two that refer to each other and are both
/// over do not hold each other. With `follow` those who refer are looked at too, wherever they are; without it whoever
/// is not among `ids` stays.
pub(in crate::store) fn stand(
    conn: &mut AnyConn,
    register: &Register,
    (rules, holds): (&[Rule], &[Hold]),
    ids: &[Uuid],
    on: NaiveDate,
    goes: &dyn Fn(&Known, &Why, &str) -> bool,
    follow: bool,
) -> Result<Vec<(Known, Why)>, Error> {
    let mut all: HashMap<Uuid, (Known, Why)> = HashMap::new();
    let mut next: Vec<Uuid> = ids.to_vec();
    while !next.is_empty() {
        let mut found = Vec::new();
        for some in next.chunks(usize::try_from(PART).unwrap_or(1)) {
            found.extend(known(conn, register, some)?);
        }
        let mut over = BTreeSet::new();
        for known in found {
            let Some(kind) = register.record_type(&known.record_type) else { continue };
            let why = known.why(register, kind, rules, holds, on);
            // Of a record that stays nobody needs to know who refers to it.
            if why.ends() {
                over.insert((known.record_type.clone(), known.record_id.to_string()));
            }
            all.insert(known.record_id, (known, why));
        }
        let (types, over): (BTreeSet<String>, Vec<String>) = over.into_iter().unzip();
        let mut beyond = BTreeSet::new();
        for (whom, referrer) in referring(conn, register, &over, &types, None)? {
            if let Some((known, _)) = all.get_mut(&whom).filter(|_| referrer.by != whom) {
                beyond.insert(referrer.by);
                known.referrers.push(referrer);
            }
        }
        next = beyond.into_iter().filter(|id| !all.contains_key(id)).collect();
        if !follow || all.len() + next.len() > ids.len() + FOLLOWED {
            break;
        }
    }
    let mut free: HashSet<Uuid> = all.keys().copied().collect();
    loop {
        let stays = |r: &Referrer| {
            let rule = r.rule.as_deref().filter(|_| free.contains(&r.by));
            !all.get(&r.by).zip(rule).is_some_and(|((known, why), rule)| goes(known, why, rule))
        };
        let held: Vec<Uuid> = free
            .iter()
            .filter(|id| all.get(id).is_some_and(|(k, why)| why.ends() && k.referrers.iter().any(stays)))
            .copied()
            .collect();
        if held.is_empty() {
            break;
        }
        for id in held {
            free.remove(&id);
        }
    }
    let stays = |r: &Referrer| {
        let rule = r.rule.as_deref().filter(|_| free.contains(&r.by));
        !all.get(&r.by).zip(rule).is_some_and(|((known, why), rule)| goes(known, why, rule))
    };
    let mut blocked: HashMap<Uuid, Vec<Blocker>> = HashMap::new();
    for id in ids.iter().filter(|id| !free.contains(id)) {
        let Some((known, _)) = all.get(id) else { continue };
        let by =
            known.referrers.iter().filter(|r| stays(r)).map(|r| Blocker { kind: BlockerKind::Reference, id: r.by });
        blocked.insert(*id, by.collect());
    }
    let mut out = Vec::with_capacity(ids.len());
    for id in ids {
        let Some((mut known, mut why)) = all.remove(id) else { continue };
        if let (Some(by), Some(kind)) = (blocked.remove(id), register.record_type(&known.record_type)) {
            known.blockers.extend(by);
            why = known.why(register, kind, rules, holds, on);
        }
        out.push((known, why));
    }
    Ok(out)
}

/// Data under a rule go by themselves: their time is over, and nothing holds them.
pub(in crate::store) fn is_over(_: &Known, why: &Why, rule: &str) -> bool {
    why.part(rule).is_some_and(Part::may_go)
}

/// Ends of other records from which rules count: of those that refer to the record.
fn others(
    conn: &mut AnyConn,
    register: &Register,
    texts: &[String],
    found: &mut HashMap<Uuid, Known>,
) -> Result<(), Error> {
    let rules = rules_of(register)?;
    let sources = rules.iter().filter_map(|r| r.trigger.as_ref()).flat_map(Trigger::sources);
    let wanted: BTreeSet<String> =
        sources.filter(|s| matches!(s, Source::Other { .. })).map(ToString::to_string).collect();
    for source in wanted {
        let Some(Source::Other { record_type, .. }) = Source::parse(&source) else { continue };
        let Some(kind) = register.record_type(&record_type) else { continue };
        let path = source.split_once('/').map(|(_, path)| path.to_owned());
        let path = path.or_else(|| kind.lifecycle.as_ref().map(|l| l.ends.clone()));
        let path = path.and_then(|p| FieldPath::parse(&p).ok());
        let types: BTreeSet<String> = found.values().map(|k| k.record_type.clone()).collect();
        let pairs = referring(conn, register, texts, &types, Some(&record_type))?;
        let pairs: BTreeSet<(Uuid, Uuid)> = pairs.into_iter().map(|(whom, r)| (whom, r.by)).collect();
        let ids: Vec<String> = pairs.iter().map(|(_, who)| who.to_string()).collect();
        let states: Vec<(String, String)> = record_state::table
            .filter(record_state::register.eq(register.name()))
            .filter(record_state::record_id.eq_any(ids))
            .filter(record_state::until_day.eq(LAST_DAY))
            .select((record_state::record_id, record_state::data))
            .load(conn)?;
        let mut days: HashMap<Uuid, Option<NaiveDate>> = HashMap::new();
        for (id, data) in states {
            let data = facts::json(&data)?;
            let day = path.as_ref().and_then(|p| p.get(&data)).and_then(Value::as_str).and_then(parse_day);
            days.insert(facts::id(&id)?, day);
        }
        for (whom, who) in pairs {
            if let Some(known) = found.get_mut(&whom) {
                known.others.push(Other { source: source.clone(), on: days.get(&who).copied().flatten() });
            }
        }
    }
    Ok(())
}

/// Holds that are not lifted.
pub(in crate::store) fn holds_of(conn: &mut AnyConn, register: &str) -> Result<Vec<Hold>, Error> {
    let bodies: Vec<String> = legal_hold::table
        .filter(legal_hold::register.eq(register))
        .filter(legal_hold::lifted_at.is_null())
        .order(legal_hold::id)
        .select(legal_hold::body)
        .load(conn)?;
    bodies
        .iter()
        .map(|body| {
            let body = facts::json(body)?;
            serde_json::from_value(body["hold"].clone()).map_err(|_| Error::Damaged("a hold cannot be read".into()))
        })
        .collect()
}

/// The latest day of a trigger with which data under a rule are over on `on`; nothing where none is.
fn latest_trigger(register: &Register, rule: &Rule, source: &Source, on: NaiveDate) -> Option<NaiveDate> {
    let due = |day: NaiveDate| {
        let starts = Starts::one(source, day);
        Clock::of(rule, &starts, &register.calendar).due_on().is_some_and(|due| due <= on)
    };
    // The later the trigger, the later it is due: halved until one day is left.
    let (mut early, mut late) = (NaiveDate::from_ymd_opt(1, 1, 1)?, on);
    if !due(early) {
        return None;
    }
    while early < late {
        let days = (late - early).num_days();
        let middle = early.checked_add_days(Days::new(u64::try_from(days - days / 2).ok()?))?;
        if due(middle) {
            early = middle;
        } else {
            late = middle.pred_opt()?;
        }
    }
    Some(early)
}

/// What a type's records are found by when their time is over: each source that its rules count from, with the latest
/// day of it that counts.
fn cutoffs(register: &Register, kind: &RecordType, rules: &[Rule], on: NaiveDate) -> Vec<(Source, NaiveDate)> {
    let mut found: BTreeMap<Source, NaiveDate> = BTreeMap::new();
    for rule in rules.iter().filter(|r| r.then != Then::Keep && !part_fields(kind, &r.name).is_empty()) {
        for source in rule.trigger.iter().flat_map(Trigger::sources) {
            let Some(latest) = latest_trigger(register, rule, source, on) else { continue };
            let known = found.entry(source.clone()).or_insert(latest);
            *known = latest.max(*known);
        }
    }
    found.into_iter().collect()
}

/// Records of a type that may be due on `on`, after `after`, in the order of their ids: those that have a day from which
/// a rule counts, early enough. The second answer is where the next pass begins.
///
/// Ends, events and indexed dates are asked of their indexes, so that what is not over costs nothing. Any other source
/// (a date that the definition does not index, another record) makes it go through all records of the type.
pub(in crate::store) fn candidates(
    conn: &mut AnyConn,
    register: &Register,
    kind: &RecordType,
    rules: &[Rule],
    on: NaiveDate,
    after: &str,
) -> Result<(Vec<Uuid>, Option<String>), Error> {
    let name = register.name();
    let cutoffs = cutoffs(register, kind, rules, on);
    if cutoffs.is_empty() {
        return Ok((Vec::new(), None));
    }
    // What counted from data that went with an earlier part has nothing to show any more.
    let mut pages: Vec<Vec<String>> = vec![
        erasure::table
            .filter(erasure::register.eq(name))
            .filter(erasure::record_type.eq(&kind.name))
            .filter(erasure::fields.is_not_null())
            .filter(erasure::record_id.gt(after))
            .filter(diesel::dsl::exists(
                record::table.filter(record::register.eq(name)).filter(record::id.eq(erasure::record_id)),
            ))
            .order(erasure::record_id)
            .limit(PART)
            .select(erasure::record_id)
            .distinct()
            .load(conn)?,
    ];
    for (source, latest) in cutoffs {
        let latest = latest.to_string();
        // By the bare id SQLite, which keeps no statistics, would go through all records for the sake of their order.
        let page: Vec<String> = match by_index(kind, &source) {
            ByIndex::End => record_state::table
                .filter(record_state::register.eq(name))
                .filter(record_state::record_type.eq(&kind.name))
                .filter(record_state::until_day.eq(LAST_DAY))
                .filter(record_state::ends_on.le(&latest))
                .filter(record_state::record_id.concat("").gt(after))
                .order(record_state::record_id.concat(""))
                .limit(PART)
                .select(record_state::record_id)
                .load(conn)?,
            ByIndex::Event(event) => record_event::table
                .inner_join(
                    record::table
                        .on(record::register.eq(record_event::register).and(record::id.eq(record_event::record_id))),
                )
                .filter(record_event::register.eq(name))
                .filter(record_event::event.eq(event))
                .filter(record_event::on_day.le(&latest))
                .filter(record_event::record_id.concat("").gt(after))
                .filter(record::record_type.eq(&kind.name))
                .order(record_event::record_id.concat(""))
                .limit(PART)
                .select(record_event::record_id)
                .load(conn)?,
            ByIndex::Field(field) => record_index::table
                .filter(record_index::register.eq(name))
                .filter(record_index::record_type.eq(&kind.name))
                .filter(record_index::field.eq(field))
                .filter(record_index::value.gt(""))
                .filter(record_index::value.le(&latest))
                .filter(record_index::until_day.eq(LAST_DAY))
                .filter(record_index::record_id.concat("").gt(after))
                .order(record_index::record_id.concat(""))
                .limit(PART)
                .select(record_index::record_id)
                .load(conn)?,
            ByIndex::No => record::table
                .filter(record::register.eq(name))
                .filter(record::record_type.eq(&kind.name))
                .filter(record::id.gt(after))
                .order(record::id)
                .limit(PART)
                .select(record::id)
                .load(conn)?,
        };
        pages.push(page);
    }
    // Beyond the end of a page that is full, others may be missing.
    let full = |page: &&Vec<String>| i64::try_from(page.len()).unwrap_or(0) == PART;
    let last = pages.iter().filter(full).filter_map(|page| page.last()).min().cloned();
    let ids: BTreeSet<String> = pages.into_iter().flatten().collect();
    let ids = ids.into_iter().filter(|id| last.as_ref().is_none_or(|last| id <= last));
    Ok((ids.map(|id| facts::id(&id)).collect::<Result<_, _>>()?, last))
}

/// By which index records are found whose source has a day.
enum ByIndex<'a> {
    End,
    Event(&'a str),
    Field(&'a str),
    No,
}

fn by_index<'a>(kind: &'a RecordType, source: &'a Source) -> ByIndex<'a> {
    match source {
        Source::OwnEnd if kind.lifecycle.is_some() => ByIndex::End,
        Source::Event(event) => ByIndex::Event(event),
        Source::Field(path) => {
            let one = path.along(&kind.fields).all(|f| f.is_some_and(|f| !f.repeats));
            let path = path.to_string();
            let field = kind.fields.iter().find(|f| f.name == path && f.index.is_some() && f.kind == FieldType::Date);
            match (&kind.lifecycle, field) {
                (Some(life), _) if one && life.ends == path => ByIndex::End,
                (_, Some(field)) if one => ByIndex::Field(&field.name),
                _ => ByIndex::No,
            }
        }
        Source::OwnEnd | Source::Other { .. } => ByIndex::No,
    }
}

/// What a rule says, with how much stands under it.
#[derive(Debug, Clone, Serialize)]
pub struct DueRule {
    /// Rule.
    pub rule: String,
    /// What people read.
    pub label: Label,
    /// Clause.
    pub clause: String,
    /// What then.
    pub then: Then,
    /// Series of the document list.
    pub series: Option<String>,
    /// Where the period comes from, where the statute does not say it.
    pub source: Option<String>,
    /// What it counts from.
    pub triggers: Vec<String>,
    /// ISO 8601 period.
    pub period: Option<String>,
    /// Records of this page whose data are due under it.
    pub due: u64,
    /// Of these, held or waiting for something open.
    pub held: u64,
}

/// A record of which data are due.
#[derive(Debug, Clone, Serialize)]
pub struct DueRecord {
    /// Record.
    pub record_id: Uuid,
    /// Type.
    pub record_type: String,
    /// Institution.
    pub institution_id: Uuid,
    /// Version, as seen.
    pub version: i64,
    /// First day on which something of it may go.
    pub due_on: NaiveDate,
    /// Why: each part that is due.
    pub parts: Vec<Part>,
}

/// What falls due by a day.
#[derive(Debug, Clone, Serialize)]
pub struct Due {
    /// The day.
    pub on: NaiveDate,
    /// The rules.
    pub rules: Vec<DueRule>,
    /// Records, in the order of types and ids.
    pub items: Vec<DueRecord>,
    /// Where the next page begins.
    pub next_cursor: Option<String>,
}

/// What falls due in which year.
#[derive(Debug, Clone, Serialize)]
pub struct ForecastView {
    /// The day from which it is seen.
    pub on: NaiveDate,
    /// The forecast.
    #[serde(flatten)]
    pub forecast: Forecast,
    /// Whether more records were there than it looked at.
    pub truncated: bool,
}

/// A legal hold as it is shown.
#[derive(Debug, Clone, Serialize)]
pub struct HoldView {
    /// Id.
    pub id: Uuid,
    /// `record`, `person` or `query`.
    pub scope: String,
    /// Record that it holds.
    pub record_id: Option<Uuid>,
    /// Type of the records that it holds.
    pub record_type: Option<String>,
    /// On what it rests.
    pub basis: String,
    /// Provision.
    pub clause: Option<String>,
    /// First day.
    pub from: NaiveDate,
    /// Last day; `None` until somebody lifts it.
    pub until: Option<NaiveDate>,
    /// Who set it.
    pub set_by: String,
    /// When, RFC 3339.
    pub set_at: String,
    /// When it was lifted, RFC 3339.
    pub lifted_at: Option<String>,
    /// Why it was lifted.
    pub lifted_for: Option<String>,
}

/// A batch.
#[derive(Debug, Clone, Serialize)]
pub struct BatchView {
    /// Id.
    pub id: Uuid,
    /// Number.
    pub number: i64,
    /// `proposed`, `reviewed`, `approved`, `executing`, `done`, `partly_failed` or `cancelled`.
    pub state: String,
    /// By which day everything in it was due.
    pub due_on: NaiveDate,
    /// Who proposed it.
    pub proposed_by: String,
    /// When, RFC 3339.
    pub proposed_at: String,
    /// Who approved it.
    pub approved_by: Option<String>,
    /// When, RFC 3339.
    pub approved_at: Option<String>,
    /// When it was over, RFC 3339.
    pub finished_at: Option<String>,
    /// Grows with each change of a review; the approval names the one that was seen.
    pub revision: u32,
    /// Version.
    pub version: i64,
    /// Items by state.
    pub counts: BTreeMap<String, i64>,
    /// The last step of its execution.
    pub step: Option<String>,
    /// The package, once it is stored.
    pub package: Option<Value>,
    /// Numbers of its acts, by kind.
    pub acts: BTreeMap<String, i64>,
}

/// An item of a batch.
#[derive(Debug, Clone, Serialize)]
pub struct ItemView {
    /// Place in the batch.
    pub position: i64,
    /// `proposed`, `excluded`, `kept`, `erased`, `dropped` or `failed`.
    pub state: String,
    /// The item.
    #[serde(flatten)]
    pub item: Item,
}

/// A batch with a page of its items.
#[derive(Debug, Clone, Serialize)]
pub struct BatchInFull {
    /// The batch.
    #[serde(flatten)]
    pub batch: BatchView,
    /// Items.
    pub items: Vec<ItemView>,
    /// Where the next page begins.
    pub next_cursor: Option<String>,
}

/// An act.
#[derive(Debug, Clone)]
pub struct ActFile {
    /// Number.
    pub number: i64,
    /// `transfer` or `destruction`.
    pub kind: String,
    /// Canonical JSON.
    pub body: String,
    /// PDF/A.
    pub pdf: Vec<u8>,
}

/// The row of a batch.
pub(in crate::store) struct BatchRow {
    pub number: i64,
    pub version: i64,
    pub due_on: NaiveDate,
    pub proposed_at: i64,
    pub proposed_by: String,
    pub approved_at: Option<i64>,
    pub approved_by: Option<String>,
    pub finished_at: Option<i64>,
    pub body: Value,
}

/// The row of a batch.
pub(in crate::store) fn batch_row(conn: &mut AnyConn, register: &str, id: Uuid) -> Result<BatchRow, Error> {
    type Row = (i64, i64, String, i64, String, Option<i64>, Option<String>, Option<i64>, String);
    let row: Option<Row> = retention_batch::table
        .find((register, id.to_string()))
        .select((
            retention_batch::number,
            retention_batch::version,
            retention_batch::due_on,
            retention_batch::proposed_at,
            retention_batch::proposed_by,
            retention_batch::approved_at,
            retention_batch::approved_by,
            retention_batch::finished_at,
            retention_batch::body,
        ))
        .first(conn)
        .optional()?;
    let (number, version, due_on, proposed_at, proposed_by, approved_at, approved_by, finished_at, body) =
        row.ok_or(Refusal::NotFound { what: "batch" })?;
    Ok(BatchRow {
        number,
        version,
        due_on: facts::day(&due_on)?,
        proposed_at,
        proposed_by,
        approved_at,
        approved_by,
        finished_at,
        body: facts::json(&body)?,
    })
}

/// A batch with all of its items.
pub(in crate::store) fn batch_of(conn: &mut AnyConn, register: &str, id: Uuid) -> Result<(BatchRow, Batch), Error> {
    let row = batch_row(conn, register, id)?;
    let bodies: Vec<String> = retention_item::table
        .filter(retention_item::register.eq(register))
        .filter(retention_item::batch_id.eq(id.to_string()))
        .order(retention_item::position)
        .select(retention_item::body)
        .load(conn)?;
    let items = bodies.iter().map(|b| facts::json(b)).collect::<Result<Vec<Value>, Error>>()?;
    let mut whole = row.body["batch"].clone();
    if let Some(members) = whole.as_object_mut() {
        members.insert("items".into(), Value::Array(items));
    }
    let batch = serde_json::from_value(whole).map_err(|_| Error::Damaged("a batch cannot be read".into()))?;
    Ok((row, batch))
}

/// Items of a batch that are still to be done, with their places in it; the header of the batch around them.
pub(in crate::store) struct BatchPart {
    pub row: BatchRow,
    items: BTreeMap<i64, Item>,
    /// Whether more are to be done beyond them.
    pub more: bool,
}

impl BatchPart {
    /// The items of the next `records` records of which something is to be done.
    pub(in crate::store) fn next(conn: &mut AnyConn, register: &str, id: Uuid, records: usize) -> Result<Self, Error> {
        let row = batch_row(conn, register, id)?;
        let most = records.saturating_mul(4).max(1);
        // What is done lies before the first that is not, and is not read again.
        let to_do = retention_item::table
            .filter(retention_item::register.eq(register))
            .filter(retention_item::batch_id.eq(id.to_string()))
            .filter(retention_item::state.eq_any(TO_DO));
        let first: Option<i64> = to_do.clone().select(diesel::dsl::min(retention_item::position)).first(conn)?;
        let mut rows: Vec<(i64, String, String)> = to_do
            .filter(retention_item::position.ge(first.unwrap_or(0)))
            .order(retention_item::position)
            .limit(i64::try_from(most).unwrap_or(i64::MAX))
            .select((retention_item::position, retention_item::record_id, retention_item::body))
            .load(conn)?;
        // All items of a record are done together, so the last one goes back where it may not be whole.
        let mut more = rows.len() == most;
        let order: Vec<String> = rows.iter().map(|(_, record, _)| record.clone()).collect();
        let mut distinct: Vec<&String> = order.iter().collect();
        distinct.dedup();
        let keep = if more { distinct.len().saturating_sub(1).max(1) } else { distinct.len() }.min(records);
        let kept: HashSet<&String> = distinct.iter().take(keep).copied().collect();
        let before = rows.len();
        rows.retain(|(_, record, _)| kept.contains(record));
        more |= rows.len() < before;
        let mut part = Self { row, items: BTreeMap::new(), more };
        part.take(rows)?;
        if more && kept.len() == 1 {
            let only: Vec<Uuid> = part.records();
            part.add(conn, register, id, &only)?;
        }
        Ok(part)
    }

    /// Adds what is to be done of these records; whether there was anything new.
    pub(in crate::store) fn add(
        &mut self,
        conn: &mut AnyConn,
        register: &str,
        id: Uuid,
        records: &[Uuid],
    ) -> Result<bool, Error> {
        let before = self.items.len();
        for some in records.chunks(500) {
            let rows: Vec<(i64, String, String)> = retention_item::table
                .filter(retention_item::register.eq(register))
                .filter(retention_item::batch_id.eq(id.to_string()))
                .filter(retention_item::record_id.eq_any(some.iter().map(Uuid::to_string)))
                .filter(retention_item::state.eq_any(TO_DO))
                .select((retention_item::position, retention_item::record_id, retention_item::body))
                .load(conn)?;
            self.take(rows)?;
        }
        Ok(self.items.len() > before)
    }

    fn take(&mut self, rows: Vec<(i64, String, String)>) -> Result<(), Error> {
        for (position, _, body) in rows {
            let item = serde_json::from_str(&body).map_err(|_| Error::Damaged("an item of a batch".into()))?;
            self.items.insert(position, item);
        }
        Ok(())
    }

    /// The records, in their order.
    pub(in crate::store) fn records(&self) -> Vec<Uuid> {
        let mut ids: Vec<Uuid> = self.items.values().map(|i| i.record).collect();
        ids.dedup();
        ids
    }

    /// Types of the records.
    pub(in crate::store) fn types(&self) -> BTreeSet<String> {
        self.items.values().map(|i| i.record_type.clone()).collect()
    }

    /// Places of the items in the batch, in the order of [`BatchPart::batch`].
    pub(in crate::store) fn positions(&self) -> Vec<i64> {
        self.items.keys().copied().collect()
    }

    /// The batch with these items only.
    pub(in crate::store) fn batch(&self) -> Result<Batch, Error> {
        let mut whole = self.row.body["batch"].clone();
        if let Some(members) = whole.as_object_mut() {
            let items = serde_json::to_value(self.items.values().collect::<Vec<_>>());
            members.insert("items".into(), items.map_err(|e| Error::Damaged(e.to_string()))?);
        }
        serde_json::from_value(whole).map_err(|_| Error::Damaged("a batch cannot be read".into()))
    }
}

/// States of items that are still to be done: what failed is tried again.
const TO_DO: [&str; 2] = ["proposed", "failed"];

/// Records that refer to these, which are of the types `types`.
pub(in crate::store) fn referrers_of(
    conn: &mut AnyConn,
    register: &Register,
    ids: &[Uuid],
    types: &BTreeSet<String>,
) -> Result<BTreeSet<Uuid>, Error> {
    let texts: Vec<String> = ids.iter().map(Uuid::to_string).collect();
    Ok(referring(conn, register, &texts, types, None)?.into_iter().map(|(_, r)| r.by).collect())
}

/// Who of the register refers to these records of the type `kind`: whom, and by which record.
pub(in crate::store) fn references_to(
    conn: &mut AnyConn,
    register: &Register,
    ids: &[Uuid],
    kind: &str,
) -> Result<Vec<(Uuid, Uuid)>, Error> {
    let texts: Vec<String> = ids.iter().map(Uuid::to_string).collect();
    let types = BTreeSet::from([kind.to_owned()]);
    Ok(referring(conn, register, &texts, &types, None)?.into_iter().map(|(whom, r)| (whom, r.by)).collect())
}

impl<'tx> Tx<'tx> {
    fn display_names(&mut self, ids: impl IntoIterator<Item = String>) -> Result<HashMap<String, String>, Error> {
        let ids: BTreeSet<String> = ids.into_iter().collect();
        let rows: Vec<(String, String)> = app_user::table
            .filter(app_user::register.eq(crate::store::context::INSTALLATION_REGISTER))
            .filter(app_user::id.eq_any(&ids))
            .select((app_user::id, app_user::display_name))
            .load(self.conn)?;
        Ok(rows.into_iter().collect())
    }

    /// What falls due by `on`, a page of it; it changes nothing.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for a cursor that is not ours.
    pub fn retention_due(
        &mut self,
        permit: Permit<'tx, RetentionRead>,
        on: NaiveDate,
        rule: Option<&str>,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Sealed<'tx, Due>, Error> {
        let register = permit.register.clone();
        let rules = rules_of(&register)?;
        if let Some(name) = rule.filter(|name| !rules.iter().any(|r| r.name == *name)) {
            return Err(Refusal::invalid("/rule", "unknown", format!("there is no rule `{name}`"), None).into());
        }
        let holds = holds_of(self.conn, register.name())?;
        let mut counts: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        let (mut items, mut next, mut looked) = (Vec::new(), None, 0_usize);
        let (mut at, mut after) = start(&register, cursor)?;
        'types: while let Some(kind) = register.definition.record_types.get(at) {
            let last = loop {
                let (ids, last) = candidates(self.conn, &register, kind, &rules, on, &after)?;
                looked += usize::try_from(PART).unwrap_or(0);
                let with = (&rules[..], &holds[..]);
                for (known, why) in stand(self.conn, &register, with, &ids, on, &is_over, true)? {
                    let due =
                        |p: &Part| matches!(p.state, Standing::Due { .. }) && rule.is_none_or(|name| name == p.rule);
                    let parts: Vec<Part> = why.parts.into_iter().filter(due).collect();
                    let Some(due_on) = parts.iter().filter_map(Part::due_on).min() else { continue };
                    if items.len() == limit {
                        break 'types;
                    }
                    for part in &parts {
                        let count = counts.entry(part.rule.clone()).or_default();
                        count.0 += 1;
                        count.1 += u64::from(!part.may_go());
                    }
                    next = Some(format!("{at}:{}", known.record_id));
                    items.push(DueRecord {
                        record_id: known.record_id,
                        record_type: known.record_type,
                        institution_id: known.institution_id,
                        version: known.version,
                        due_on,
                        parts,
                    });
                }
                match last {
                    Some(last) if looked < MOST_LOOKED_AT => after = last,
                    last => break last,
                }
            };
            if let Some(last) = last {
                next = Some(format!("{at}:{last}"));
                break;
            }
            (at, after) = (at + 1, String::new());
        }
        let over = register.definition.record_types.len() <= at;
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::RetentionRead, &actor, &permit.ruling);
        "retention.due".clone_into(&mut event.action);
        event.record_ids = items.iter().map(|i: &DueRecord| i.record_id).collect();
        event.detail = Some(json!({ "on": on.to_string(), "rule": rule }));
        let source = &register.definition.register.retention_rules;
        let rules = source.iter().map(|r| {
            let (due, held) = counts.get(&r.name).copied().unwrap_or_default();
            DueRule {
                rule: r.name.clone(),
                label: r.label.clone(),
                clause: r.clause.0.clone(),
                then: Then::parse(&r.then).unwrap_or(Then::Keep),
                series: r.series.clone(),
                source: r.source.clone(),
                triggers: r.trigger.as_ref().map(|t| t.sources().to_vec()).unwrap_or_default(),
                period: r.period.clone(),
                due,
                held,
            }
        });
        let due = Due { on, rules: rules.collect(), items, next_cursor: next.filter(|_| !over) };
        Ok(Sealed::new(due, Some(event)))
    }

    /// What falls due in which year, as known now; it changes nothing.
    ///
    /// # Errors
    /// Those of the database.
    pub fn retention_forecast(
        &mut self,
        permit: Permit<'tx, RetentionRead>,
    ) -> Result<Sealed<'tx, ForecastView>, Error> {
        let register = permit.register.clone();
        let (rules, today) = (rules_of(&register)?, self.today(&register));
        let holds = holds_of(self.conn, register.name())?;
        let mut rows: BTreeMap<(String, Option<NaiveDate>), u64> = BTreeMap::new();
        let (mut looked, mut truncated, mut after) = (0_usize, false, String::new());
        loop {
            let ids: Vec<String> = record::table
                .filter(record::register.eq(register.name()))
                .filter(record::id.gt(&after))
                .order(record::id)
                .limit(PART)
                .select(record::id)
                .load(self.conn)?;
            let Some(last) = ids.last() else { break };
            if looked >= MOST_LOOKED_AT {
                truncated = true;
                break;
            }
            after.clone_from(last);
            looked += ids.len();
            let ids: Vec<Uuid> = ids.iter().map(|id| facts::id(id)).collect::<Result<_, _>>()?;
            for known in known(self.conn, &register, &ids)? {
                let Some(kind) = register.record_type(&known.record_type) else { continue };
                for part in known.why(&register, kind, &rules, &holds, today).parts {
                    if part.state != Standing::Empty {
                        *rows.entry((part.rule.clone(), part.due_on())).or_default() += 1;
                    }
                }
            }
        }
        let view = ForecastView {
            on: today,
            forecast: forecast(rows.iter().map(|((rule, on), n)| (rule.as_str(), *on, *n)), today),
            truncated,
        };
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::RetentionRead, &actor, &permit.ruling);
        "retention.forecast".clone_into(&mut event.action);
        Ok(Sealed::new(view, Some(event)))
    }

    /// How one record stands on `on`, and why.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn retention_why(
        &mut self,
        permit: Permit<'tx, RetentionRead>,
        record_type: &str,
        id: Uuid,
        on: Option<NaiveDate>,
    ) -> Result<Sealed<'tx, Why>, Error> {
        let register = permit.register.clone();
        let on = on.unwrap_or_else(|| self.today(&register));
        let kind = register.record_type(record_type).ok_or(Refusal::NotFound { what: "record type" })?;
        let (rules, holds) = (rules_of(&register)?, holds_of(self.conn, register.name())?);
        let found = stand(self.conn, &register, (&rules, &holds), &[id], on, &is_over, true)?;
        let found = found.into_iter().find(|(known, _)| known.record_type == kind.name);
        let (_, mut why) = found.ok_or(Refusal::NotFound { what: "record" })?;
        // Whom a hold is about is shown to nobody who only asks why.
        for hold in why.parts.iter_mut().flat_map(|p| p.held.iter_mut()) {
            if let HoldScope::Person(code) = &mut hold.scope {
                code.clear();
            }
        }
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::RetentionRead, &actor, &permit.ruling);
        event.record_type = Some(record_type.to_owned());
        event.record_ids = vec![id];
        Ok(Sealed::new(why, Some(event)))
    }

    /// Holds, newest first; those that were lifted where `lifted` asks for them.
    ///
    /// # Errors
    /// Those of the database.
    pub fn hold_list(
        &mut self,
        permit: Permit<'tx, RetentionRead>,
        lifted: bool,
        cursor: Option<Uuid>,
        limit: i64,
    ) -> Result<Sealed<'tx, Page<HoldView>>, Error> {
        let register = permit.register.clone();
        let mut rows = legal_hold::table
            .filter(legal_hold::register.eq(register.name()))
            .order(legal_hold::id.desc())
            .limit(limit + 1)
            .select((
                legal_hold::id,
                legal_hold::scope,
                legal_hold::record_id,
                legal_hold::record_type,
                legal_hold::set_at,
                legal_hold::set_by,
                legal_hold::lifted_at,
                legal_hold::body,
            ))
            .into_boxed();
        if !lifted {
            rows = rows.filter(legal_hold::lifted_at.is_null());
        }
        if let Some(cursor) = cursor {
            rows = rows.filter(legal_hold::id.lt(cursor.to_string()));
        }
        type Row = (String, String, Option<String>, Option<String>, i64, String, Option<i64>, String);
        let rows: Vec<Row> = rows.load(self.conn)?;
        let names = self.display_names(rows.iter().map(|r| r.5.clone()))?;
        let full = i64::try_from(rows.len()).unwrap_or(0) > limit;
        let mut items = Vec::new();
        for (id, scope, record_id, record_type, set_at, set_by, lifted_at, body) in
            rows.into_iter().take(usize::try_from(limit).unwrap_or(0))
        {
            let body = facts::json(&body)?;
            let hold: Hold = serde_json::from_value(body["hold"].clone())
                .map_err(|_| Error::Damaged("a hold cannot be read".into()))?;
            items.push(HoldView {
                id: facts::id(&id)?,
                scope,
                record_id: record_id.as_deref().map(facts::id).transpose()?,
                record_type,
                basis: hold.basis,
                clause: hold.clause.map(|c| c.0),
                from: hold.from,
                until: hold.until,
                set_by: names.get(&set_by).cloned().unwrap_or(set_by),
                set_at: rfc3339(instant(set_at)),
                lifted_at: lifted_at.map(|at| rfc3339(instant(at))),
                lifted_for: body["lifted_for"].as_str().map(str::to_owned),
            });
        }
        let next_cursor = full.then(|| items.last().map(|h| h.id.to_string())).flatten();
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::RetentionRead, &actor, &permit.ruling);
        "hold.list".clone_into(&mut event.action);
        event.record_ids = items.iter().filter_map(|h| h.record_id).collect();
        Ok(Sealed::new(Page { items, next_cursor }, Some(event)))
    }

    pub(in crate::store) fn batch_view(&mut self, register: &str, id: Uuid) -> Result<BatchView, Error> {
        let row = batch_row(self.conn, register, id)?;
        let names =
            self.display_names([Some(row.proposed_by.clone()), row.approved_by.clone()].into_iter().flatten())?;
        let name = |id: &String| names.get(id).cloned().unwrap_or_else(|| id.clone());
        let counts: Vec<(String, i64)> = retention_item::table
            .filter(retention_item::register.eq(register))
            .filter(retention_item::batch_id.eq(id.to_string()))
            .group_by(retention_item::state)
            .select((retention_item::state, diesel::dsl::count_star()))
            .load(self.conn)?;
        let acts: Vec<(String, i64)> = retention_act::table
            .filter(retention_act::register.eq(register))
            .filter(retention_act::batch_id.eq(id.to_string()))
            .select((retention_act::kind, retention_act::number))
            .load(self.conn)?;
        let header = &row.body["batch"];
        Ok(BatchView {
            id,
            number: row.number,
            state: header["state"].as_str().unwrap_or_default().to_owned(),
            due_on: row.due_on,
            proposed_by: name(&row.proposed_by),
            proposed_at: rfc3339(instant(row.proposed_at)),
            approved_by: row.approved_by.as_ref().map(name),
            approved_at: row.approved_at.map(|at| rfc3339(instant(at))),
            finished_at: row.finished_at.map(|at| rfc3339(instant(at))),
            revision: header["revision"].as_u64().and_then(|n| u32::try_from(n).ok()).unwrap_or(0),
            version: row.version,
            counts: counts.into_iter().collect(),
            step: header["done"].as_str().map(str::to_owned),
            package: row.body.get("package").filter(|p| !p.is_null()).cloned(),
            acts: acts.into_iter().collect(),
        })
    }

    /// Batches, newest first.
    ///
    /// # Errors
    /// Those of the database.
    pub fn batch_list(
        &mut self,
        permit: Permit<'tx, RetentionRead>,
        cursor: Option<Uuid>,
        limit: i64,
    ) -> Result<Sealed<'tx, Page<BatchView>>, Error> {
        let register = permit.register.clone();
        let mut rows = retention_batch::table
            .filter(retention_batch::register.eq(register.name()))
            .order(retention_batch::id.desc())
            .limit(limit + 1)
            .select(retention_batch::id)
            .into_boxed();
        if let Some(cursor) = cursor {
            rows = rows.filter(retention_batch::id.lt(cursor.to_string()));
        }
        let ids: Vec<String> = rows.load(self.conn)?;
        let full = i64::try_from(ids.len()).unwrap_or(0) > limit;
        let mut items = Vec::new();
        for id in ids.iter().take(usize::try_from(limit).unwrap_or(0)) {
            items.push(self.batch_view(register.name(), facts::id(id)?)?);
        }
        let next_cursor = full.then(|| items.last().map(|b| b.id.to_string())).flatten();
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::RetentionRead, &actor, &permit.ruling);
        "retention.batch.list".clone_into(&mut event.action);
        Ok(Sealed::new(Page { items, next_cursor }, Some(event)))
    }

    /// A batch with a page of its items.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn batch_read(
        &mut self,
        permit: Permit<'tx, RetentionRead>,
        id: Uuid,
        state: Option<&str>,
        after: i64,
        limit: i64,
    ) -> Result<Sealed<'tx, BatchInFull>, Error> {
        let register = permit.register.clone();
        let batch = self.batch_view(register.name(), id)?;
        let mut rows = retention_item::table
            .filter(retention_item::register.eq(register.name()))
            .filter(retention_item::batch_id.eq(id.to_string()))
            .filter(retention_item::position.gt(after))
            .order(retention_item::position)
            .limit(limit + 1)
            .select((retention_item::position, retention_item::state, retention_item::body))
            .into_boxed();
        if let Some(state) = state {
            rows = rows.filter(retention_item::state.eq(state.to_owned()));
        }
        let rows: Vec<(i64, String, String)> = rows.load(self.conn)?;
        let full = i64::try_from(rows.len()).unwrap_or(0) > limit;
        let mut items = Vec::new();
        for (position, state, body) in rows.into_iter().take(usize::try_from(limit).unwrap_or(0)) {
            let item = serde_json::from_str(&body).map_err(|_| Error::Damaged("an item of a batch".into()))?;
            items.push(ItemView { position, state, item });
        }
        let next_cursor = full.then(|| items.last().map(|i| i.position.to_string())).flatten();
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::RetentionRead, &actor, &permit.ruling);
        "retention.batch.read".clone_into(&mut event.action);
        let ids: BTreeSet<Uuid> = items.iter().map(|i| i.item.record).collect();
        event.record_ids = ids.into_iter().collect();
        event.detail = Some(json!({ "batch_id": id }));
        Ok(Sealed::new(BatchInFull { batch, items, next_cursor }, Some(event)))
    }

    /// An act of a batch.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub fn act_read(
        &mut self,
        permit: Permit<'tx, RetentionRead>,
        batch: Uuid,
        kind: Option<&str>,
    ) -> Result<Sealed<'tx, ActFile>, Error> {
        let register = permit.register.clone();
        let mut rows = retention_act::table
            .filter(retention_act::register.eq(register.name()))
            .filter(retention_act::batch_id.eq(batch.to_string()))
            .order(retention_act::number)
            .select((retention_act::number, retention_act::kind, retention_act::body, retention_act::pdf))
            .into_boxed();
        if let Some(kind) = kind {
            rows = rows.filter(retention_act::kind.eq(kind.to_owned()));
        }
        let row: Option<(i64, String, String, Vec<u8>)> = rows.first(self.conn).optional()?;
        let (number, kind, body, pdf) = row.ok_or(Refusal::NotFound { what: "act" })?;
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::RetentionRead, &actor, &permit.ruling);
        "retention.act.read".clone_into(&mut event.action);
        event.detail = Some(json!({ "batch_id": batch, "act": number }));
        Ok(Sealed::new(ActFile { number, kind, body, pdf }, Some(event)))
    }
}

/// Where a page begins: the place of the type in the definition, and the record after which.
fn start(register: &Register, cursor: Option<&str>) -> Result<(usize, String), Error> {
    let Some(cursor) = cursor else { return Ok((0, String::new())) };
    let wrong = || Refusal::invalid("/cursor", "cursor", "the cursor is not one of ours", None);
    let (at, after) = cursor.split_once(':').ok_or_else(wrong)?;
    let at: usize = at.parse().map_err(|_| wrong())?;
    if at > register.definition.record_types.len() || Uuid::parse_str(after).is_err() {
        return Err(wrong().into());
    }
    Ok((at, after.to_owned()))
}

/// A record on its way into a package, with all that the register knows of it.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// Record.
    pub record_id: Uuid,
    /// Type.
    pub record_type: String,
    /// Institution.
    pub institution_id: Uuid,
    /// Name of the institution.
    pub institution_name: Option<String>,
    /// The data as last known.
    pub state: Value,
    /// Entries by number.
    pub entries: Vec<OutgoingEntry>,
    /// Base documents.
    pub documents: Vec<super::documents::DocumentView>,
    /// Files that its fields name: digest and type.
    pub files: Vec<(String, String)>,
    /// The events of the log that made its entries, with their proofs.
    pub proofs: Vec<OutgoingProof>,
}

/// An entry on its way into a package.
#[derive(Debug, Clone)]
pub struct OutgoingEntry {
    /// The entry.
    pub entry: Entry,
    /// Why, where a reason was asked for.
    pub reason: Option<String>,
    /// Who made it.
    pub actor: String,
    /// Digest of the definition in force.
    pub definition: String,
    /// Base documents.
    pub documents: Vec<Uuid>,
}

/// The proof of an event.
#[derive(Debug, Clone)]
pub struct OutgoingProof {
    /// Place in the log.
    pub seq: u64,
    /// The leaf.
    pub leaf: String,
    /// Salt in base64.
    pub salt: Option<String>,
    /// The event.
    pub event: Option<Value>,
    /// Inclusion path, in lower-case hexadecimal.
    pub path: Vec<String>,
}

impl<'tx> Tx<'tx> {
    /// Batches whose execution has been silent for so long: nobody is at them any more.
    ///
    /// # Errors
    /// Those of the database.
    pub fn cut_short(
        &mut self,
        permit: Permit<'tx, RetentionRead>,
        silent: chrono::TimeDelta,
    ) -> Result<Sealed<'tx, Vec<Uuid>>, Error> {
        let ids: Vec<String> = retention_batch::table
            .inner_join(audit_event::table.on(
                audit_event::register.eq(retention_batch::register).and(audit_event::id.eq(retention_batch::audit_id)),
            ))
            .filter(retention_batch::register.eq(permit.register.name()))
            .filter(retention_batch::state.eq(BatchState::Executing.as_str()))
            .filter(audit_event::recorded_at.lt(micros(self.now - silent)))
            .order(retention_batch::number)
            .select(retention_batch::id)
            .load(self.conn)?;
        let ids = ids.iter().map(|id| facts::id(id)).collect::<Result<_, _>>()?;
        Ok(Sealed::new(ids, None))
    }

    /// What a batch has erased, as it is listed beside the copies of the database.
    ///
    /// # Errors
    /// Those of the database.
    pub fn erased_of(
        &mut self,
        permit: Permit<'tx, crate::store::guard::RetentionExecute>,
        batch_id: Uuid,
    ) -> Result<Sealed<'tx, Vec<Erasure>>, Error> {
        let name = permit.register.name();
        let rows: Vec<(String, String, Option<String>, String, i64)> = erasure::table
            .filter(erasure::register.eq(name))
            .filter(erasure::batch_id.eq(batch_id.to_string()))
            .order(erasure::record_id)
            .select((erasure::record_id, erasure::record_type, erasure::fields, erasure::rules, erasure::erased_at))
            .load(self.conn)?;
        let erased = rows.into_iter().map(|(id, record_type, fields, rules, erased_at)| {
            let unreadable = |_| Error::Damaged("an erasure cannot be read".into());
            let fields = fields.map(|names| serde_json::from_str(&names).map_err(unreadable)).transpose()?;
            let (record_id, rules) = (facts::id(&id)?, facts::json(&rules)?);
            Ok(Erasure::new(name, (record_id, record_type), fields, rules, (batch_id, erased_at)))
        });
        let erased: Vec<Erasure> = erased.collect::<Result<_, Error>>()?;
        Ok(Sealed::new(erased, None))
    }

    /// Records as they go into a package, with proofs in the tree of `size` leaves. What is read is logged as one
    /// reading of all of them.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for a size that the tree does not have.
    pub fn outgoing(
        &mut self,
        permit: Permit<'tx, crate::store::guard::RetentionExecute>,
        ids: &[Uuid],
        size: u64,
    ) -> Result<Sealed<'tx, Vec<Outgoing>>, Error> {
        use crate::store::schema::{audit_leaf, entry, entry_document, stored_file};
        let register = permit.register.clone();
        let name = register.name().to_owned();
        let today = self.today(&register);
        let texts: Vec<String> = ids.iter().map(Uuid::to_string).collect();
        let found = known(self.conn, &register, ids)?;
        type Row = (String, Option<String>, String, String, Option<i64>);
        let rows: Vec<Row> = entry::table
            .left_join(
                audit_leaf::table
                    .on(audit_leaf::register.eq(entry::register).and(audit_leaf::event_id.eq(entry::audit_id))),
            )
            .filter(entry::register.eq(&name))
            .filter(entry::record_id.eq_any(&texts))
            .select((entry::id, entry::reason, entry::actor_id, entry::definition, audit_leaf::seq.nullable()))
            .load(self.conn)?;
        let names = self.display_names(rows.iter().map(|r| r.2.clone()))?;
        let beside: HashMap<String, Row> = rows.into_iter().map(|r| (r.0.clone(), r)).collect();
        let resting: Vec<(String, String)> = entry_document::table
            .filter(entry_document::register.eq(&name))
            .filter(entry_document::entry_id.eq_any(beside.keys().collect::<Vec<_>>()))
            .order((entry_document::entry_id, entry_document::document_id))
            .select((entry_document::entry_id, entry_document::document_id))
            .load(self.conn)?;
        let mut documents: HashMap<String, Vec<Uuid>> = HashMap::new();
        for (entry_id, document) in resting {
            documents.entry(entry_id).or_default().push(facts::id(&document)?);
        }
        let mut views: HashMap<Uuid, super::documents::DocumentView> = HashMap::new();
        for id in documents.values().flatten().copied().collect::<BTreeSet<_>>() {
            views.insert(id, self.document(&register, id)?);
        }
        let institutions = found.iter().map(|k| k.institution_id.to_string()).collect();
        let institution_names = self.institution_names(&register, institutions, today)?;
        let mut out = Vec::new();
        for known in found {
            let state = known.timeline.segments.last().map(|s| s.data.clone()).unwrap_or(Value::Null);
            let (mut entries, mut proofs, mut resting) = (Vec::new(), Vec::new(), BTreeSet::new());
            for one in known.entries {
                let Some((id, reason, actor, definition, seq)) = beside.get(&one.id.to_string()) else { continue };
                let on = documents.get(id).cloned().unwrap_or_default();
                resting.extend(on.iter().copied());
                if let Some(seq) = seq.and_then(|seq| u64::try_from(seq).ok()).filter(|seq| *seq < size) {
                    proofs.push(self.outgoing_proof(&name, seq, size)?);
                }
                entries.push(OutgoingEntry {
                    entry: one,
                    reason: reason.clone(),
                    actor: names.get(actor).cloned().unwrap_or_else(|| actor.clone()),
                    definition: definition.clone(),
                    documents: on,
                });
            }
            let mut digests = BTreeSet::new();
            entries.iter().for_each(|e| crate::store::erase::digests(&e.entry.data, &mut digests));
            let digests: Vec<String> = digests.into_iter().collect();
            let files: Vec<(String, String)> = stored_file::table
                .filter(stored_file::register.eq(&name))
                .filter(stored_file::sha256.eq_any(&digests))
                .order(stored_file::sha256)
                .select((stored_file::sha256, stored_file::media_type))
                .load(self.conn)?;
            out.push(Outgoing {
                record_id: known.record_id,
                record_type: known.record_type,
                institution_id: known.institution_id,
                institution_name: institution_names.get(&known.institution_id.to_string()).cloned(),
                state,
                entries,
                documents: resting.iter().filter_map(|id| views.get(id).cloned()).collect(),
                files,
                proofs,
            });
        }
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::RetentionExecute, &actor, &permit.ruling);
        "retention.package".clone_into(&mut event.action);
        event.record_ids = out.iter().map(|r| r.record_id).collect();
        Ok(Sealed::new(out, Some(event)))
    }

    /// The bytes of a stored file that goes into a package.
    ///
    /// # Errors
    /// Those of the database.
    pub fn outgoing_file(
        &mut self,
        permit: Permit<'tx, crate::store::guard::RetentionExecute>,
        sha256: &str,
    ) -> Result<Sealed<'tx, Option<Vec<u8>>>, Error> {
        use crate::store::schema::stored_file;
        let row = stored_file::table.find((permit.register.name(), sha256));
        let bytes: Option<Vec<u8>> = row.select(stored_file::bytes).first(self.conn).optional()?;
        let register = permit.register.clone();
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::RetentionExecute, &actor, &permit.ruling);
        "retention.package".clone_into(&mut event.action);
        event.detail = Some(json!({ "sha256": sha256 }));
        Ok(Sealed::new(bytes, Some(event)))
    }
}
