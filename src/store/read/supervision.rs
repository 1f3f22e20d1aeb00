//! A supervisor's review: kept queries, signals with their evidence, samples, and what was signed.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Range;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::audit::AuditView;
use super::records::Page;
use super::report::bound;
use crate::clock::uuid_at;
use crate::domain::access::Action;
use crate::domain::audit::Event;
use crate::domain::calendar::{instant, rfc3339};
use crate::domain::record::index::{fields_with, normalised};
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::domain::statute::RecordType;
use crate::domain::statute::definition::Index;
use crate::domain::supervision::signals::{Kind, Seen, signals};
use crate::domain::supervision::{LARGEST_SAMPLE, LEAVER_DAYS, LONGEST_PERIOD, MOST_READINGS, ordinary, sample};
use crate::store::acts::supervision::{KeptFilter, ids, read_filter};
use crate::store::context::INSTALLATION_REGISTER;
use crate::store::error::Error;
use crate::store::facts;
use crate::store::guard::{AuditReview, Permit, Sealed};
use crate::store::schema::{app_user, audit_event, leaver, record_index, review, saved_query};
use crate::store::tx::Tx;

/// Events that are read at once when a period is looked through.
const BATCH: i64 = 10_000;
/// Most signals that are shown.
const MOST_SIGNALS: usize = 500;

/// A kept query.
#[derive(Debug, Clone, Serialize)]
pub struct QueryView {
    /// Id.
    pub id: Uuid,
    /// Name.
    pub name: String,
    /// The parameters of the log's list.
    pub query: KeptFilter,
    /// When it was kept.
    pub saved_at: String,
}

/// A signed review.
#[derive(Debug, Clone, Serialize)]
pub struct ReviewView {
    /// Id.
    pub id: Uuid,
    /// When it was signed.
    pub signed_at: String,
    /// By whom: user name.
    pub signed_by: String,
    /// Not before.
    pub from: String,
    /// Before.
    pub to: String,
    /// What was looked for.
    pub filter: KeptFilter,
    /// Seed of the sample, where it was drawn.
    pub seed: Option<String>,
    /// Entries that were reviewed.
    pub sample: Vec<Uuid>,
    /// `in_order` or `findings`.
    pub verdict: String,
    /// In words.
    pub note: String,
    /// Id of its entry in the log.
    pub audit_id: Uuid,
}

/// What there is to ask about in a period.
#[derive(Debug, Clone, Serialize)]
pub struct SignalsView {
    /// Not before.
    pub from: String,
    /// Before.
    pub to: String,
    /// Readings that were looked through.
    pub readings: usize,
    /// The weightiest first, at most 500.
    pub items: Vec<SignalView>,
    /// How many there are in all.
    pub total: usize,
}

/// A thing to ask about, with its evidence.
#[derive(Debug, Clone, Serialize)]
pub struct SignalView {
    /// What it is.
    pub kind: Kind,
    /// Who.
    pub user_id: Uuid,
    /// User name.
    pub username: String,
    /// The first reading.
    pub from: String,
    /// The last reading.
    pub until: String,
    /// Entries of the log, the first 100 of them.
    pub events: Vec<Uuid>,
    /// How many entries there are in all.
    pub count: usize,
    /// How many records they showed.
    pub records: u64,
    /// How soon to look at it.
    pub weight: u32,
    /// What happened.
    pub words: String,
}

/// A sample of the log.
#[derive(Debug, Clone, Serialize)]
pub struct SampleView {
    /// Not before.
    pub from: String,
    /// Before.
    pub to: String,
    /// With this and the same period the same sample is drawn again.
    pub seed: String,
    /// How many entries there were to draw from.
    pub population: u64,
    /// The entries, in the order of the log.
    pub items: Vec<AuditView>,
}

#[derive(QueryableByName)]
struct Reading {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = BigInt)]
    recorded_at: i64,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    action: String,
    #[diesel(sql_type = Nullable<Text>)]
    actor_id: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    body: Option<String>,
}

#[derive(QueryableByName)]
struct Place {
    #[diesel(sql_type = BigInt)]
    seq: i64,
}

/// A reading as it is needed here: the records that it named are kept until it is known whose they are.
struct Found {
    seen: Seen,
    records: Vec<String>,
}

/// The least ids of a period's first and of the first after it.
fn period(from: DateTime<Utc>, to: DateTime<Utc>) -> Result<[String; 2], Error> {
    if to <= from {
        return Err(Refusal::invalid("/to", "order", "the period ends after it begins", None).into());
    }
    Ok([from, to].map(|t| uuid_at(t.timestamp_micros(), [0; 8]).to_string()))
}

impl<'tx> Tx<'tx> {
    /// The caller's own queries, by name.
    ///
    /// # Errors
    /// Those of the database.
    pub fn query_list(&mut self, permit: Permit<'tx, AuditReview>) -> Result<Sealed<'tx, Page<QueryView>>, Error> {
        let user = self.user()?.ok_or(Refusal::Unauthenticated)?;
        let rows: Vec<(String, String, String, i64)> = saved_query::table
            .filter(saved_query::register.eq(permit.register.name()))
            .filter(saved_query::user_id.eq(user.id.to_string()))
            .order(saved_query::name)
            .limit(500)
            .select((saved_query::id, saved_query::name, saved_query::body, saved_query::saved_at))
            .load(self.conn)?;
        let items = rows
            .into_iter()
            .map(|(id, name, body, saved_at)| {
                let query = read_filter(&facts::json(&body)?)?;
                Ok(QueryView { id: facts::id(&id)?, name, query, saved_at: rfc3339(instant(saved_at)) })
            })
            .collect::<Result<_, Error>>()?;
        let event = self.reviewed(&permit, "audit.query.list", None)?;
        Ok(Sealed::new(Page { items, next_cursor: None }, Some(event)))
    }

    /// Signed reviews, newest first.
    ///
    /// # Errors
    /// Those of the database.
    pub fn review_list(
        &mut self,
        permit: Permit<'tx, AuditReview>,
        before: Option<Uuid>,
        limit: i64,
    ) -> Result<Sealed<'tx, Page<ReviewView>>, Error> {
        let mut items = self.reviews(permit.register.name(), None, before, limit + 1)?;
        let limit = usize::try_from(limit).unwrap_or(0);
        let more = items.len() > limit;
        items.truncate(limit);
        let next_cursor = more.then(|| items.last().map(|r| r.id.to_string())).flatten();
        let event = self.reviewed(&permit, "audit.review.list", None)?;
        Ok(Sealed::new(Page { items, next_cursor }, Some(event)))
    }

    pub(in crate::store) fn reviews(
        &mut self,
        register: &str,
        id: Option<Uuid>,
        before: Option<Uuid>,
        limit: i64,
    ) -> Result<Vec<ReviewView>, Error> {
        let mut query = review::table
            .filter(review::register.eq(register))
            .order(review::id.desc())
            .limit(limit)
            .select((review::id, review::signed_at, review::signed_by, review::body, review::audit_id))
            .into_boxed();
        if let Some(id) = id {
            query = query.filter(review::id.eq(id.to_string()));
        }
        if let Some(before) = before {
            query = query.filter(review::id.lt(before.to_string()));
        }
        let rows: Vec<(String, i64, String, String, String)> = query.load(self.conn)?;
        let names = self.usernames(rows.iter().map(|r| r.2.clone()).collect())?;
        rows.into_iter()
            .map(|(id, signed_at, signed_by, body, audit_id)| {
                let body = facts::json(&body)?;
                let text = |name: &str| body[name].as_str().map(str::to_owned);
                Ok(ReviewView {
                    id: facts::id(&id)?,
                    signed_at: rfc3339(instant(signed_at)),
                    signed_by: names.get(&signed_by).cloned().unwrap_or(signed_by),
                    from: text("from").unwrap_or_default(),
                    to: text("to").unwrap_or_default(),
                    filter: read_filter(&body["filter"])?,
                    seed: text("seed"),
                    sample: ids(&body["sample"])?,
                    verdict: text("verdict").unwrap_or_default(),
                    note: text("note").unwrap_or_default(),
                    audit_id: facts::id(&audit_id)?,
                })
            })
            .collect()
    }

    /// Entries of a period drawn by `seed` (`None`: one that the store chooses and names).
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for a period that is none, a sample of none or too many, or a seed of another form.
    pub fn audit_sample(
        &mut self,
        permit: Permit<'tx, AuditReview>,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        n: usize,
        seed: Option<&str>,
    ) -> Result<Sealed<'tx, SampleView>, Error> {
        let register = permit.register.clone();
        let [least, most] = period(from, to)?;
        if n == 0 || n > LARGEST_SAMPLE {
            let detail = format!("from 1 to {LARGEST_SAMPLE}");
            return Err(Refusal::invalid("/n", "range", detail, None).into());
        }
        let seed = match seed {
            Some(text) => Some(text.to_owned())
                .filter(|t| t.len() == 16)
                .and_then(|t| u64::from_str_radix(&t, 16).ok())
                .ok_or_else(|| Refusal::invalid("/seed", "format", "16 hexadecimal digits", None))?,
            None => {
                let mut random = [0_u8; 8];
                getrandom::fill(&mut random).map_err(|e| Error::Unavailable(e.to_string()))?;
                u64::from_be_bytes(random)
            }
        };
        let places = self.places(register.name(), &least, &most)?;
        let chosen: Vec<i64> =
            sample::draw(seed, &places, n).into_iter().filter_map(|p| i64::try_from(p).ok()).collect();
        let items = self.audit_at(register.name(), &chosen)?;
        let detail = json!({ "from": rfc3339(from), "to": rfc3339(to), "entries": items.len() });
        let mut event = self.reviewed(&permit, "audit.sample", Some(detail))?;
        event.record_ids = Vec::new();
        let view = SampleView {
            from: rfc3339(from),
            to: rfc3339(to),
            seed: format!("{seed:016x}"),
            population: places.end - places.start,
            items,
        };
        Ok(Sealed::new(view, Some(event)))
    }

    /// Places in the tree of the entries recorded in a period. Places and instants go together to within the second
    /// in which entries wait for their place.
    fn places(&mut self, register: &str, least: &str, most: &str) -> Result<Range<u64>, Error> {
        let mut at = |order: &str| -> Result<Option<u64>, Error> {
            let sql = format!(
                "SELECT l.seq FROM audit_event e JOIN audit_leaf l ON l.register = e.register AND l.event_id = e.id \
                 WHERE e.register = $1 AND e.id >= $2 AND e.id < $3 ORDER BY e.id {order} LIMIT 1"
            );
            let binds = [register, least, most].map(str::to_owned);
            let found: Vec<Place> = bound(&sql, &binds).load(self.conn)?;
            Ok(found.first().and_then(|p| u64::try_from(p.seq).ok()))
        };
        Ok(match (at("ASC")?, at("DESC")?) {
            (Some(first), Some(last)) => first.min(last)..first.max(last) + 1,
            _ => 0..0,
        })
    }

    /// What there is to ask about in a period, with the evidence.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for a period that is none, too long, or has too much in it.
    pub fn audit_signals(
        &mut self,
        permit: Permit<'tx, AuditReview>,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<Sealed<'tx, SignalsView>, Error> {
        let register = permit.register.clone();
        let [least, most] = period(from, to)?;
        // An hour more, since one of the days may have 25.
        if to - from > chrono::TimeDelta::days(LONGEST_PERIOD) + chrono::TimeDelta::hours(1) {
            let detail = format!("at most {LONGEST_PERIOD} days at once");
            return Err(Refusal::invalid("/from", "period", detail, None).into());
        }
        let mut found = self.readings(&register, &least, &most)?;
        self.whose(&register, &mut found)?;
        let seen: Vec<Seen> = found.into_iter().map(|f| f.seen).collect();
        let leavers: Vec<(String, String)> = leaver::table
            .filter(leaver::register.eq(register.name()))
            .select((leaver::user_id, leaver::last_day))
            .load(self.conn)?;
        let leavers: Vec<(Uuid, NaiveDate)> = leavers
            .iter()
            .map(|(user, last)| Ok((facts::id(user)?, facts::day(last)?)))
            .collect::<Result<_, Error>>()?;
        let calendar = register.calendar.clone();
        let is_working_day = |day| calendar.is_working_day(day);
        let settings = ordinary(register.definition.register.time_zone, &is_working_day);
        let all = signals(&seen, &settings, &leavers, LEAVER_DAYS);
        let total = all.len();
        let names = self.usernames(all.iter().take(MOST_SIGNALS).map(|s| s.actor.to_string()).collect())?;
        let items = all.into_iter().take(MOST_SIGNALS).map(|s| SignalView {
            kind: s.kind,
            user_id: s.actor,
            username: names.get(&s.actor.to_string()).cloned().unwrap_or_default(),
            from: rfc3339(s.from),
            until: rfc3339(s.until),
            events: s.events,
            count: s.count,
            records: s.records,
            weight: s.weight,
            words: s.words,
        });
        let view =
            SignalsView { from: rfc3339(from), to: rfc3339(to), readings: seen.len(), items: items.collect(), total };
        let detail = json!({ "from": view.from, "to": view.to, "readings": seen.len(), "signals": total });
        let event = self.reviewed(&permit, "audit.signals", Some(detail))?;
        Ok(Sealed::new(view, Some(event)))
    }

    /// What users read in a period, a batch at a time. People who look at what is kept about themselves in the role
    /// that everybody has use a right of theirs: they are not among them.
    fn readings(&mut self, register: &Register, least: &str, most: &str) -> Result<Vec<Found>, Error> {
        let bounds = i64::try_from(MOST_READINGS + 1).unwrap_or(i64::MAX);
        let events: Vec<String> = audit_event::table
            .filter(audit_event::register.eq(register.name()))
            .filter(audit_event::id.ge(least))
            .filter(audit_event::id.lt(most))
            .order(audit_event::id)
            .offset(bounds - 1)
            .limit(1)
            .select(audit_event::id)
            .load(self.conn)?;
        if !events.is_empty() {
            let detail = format!("there are more than {MOST_READINGS} entries in this period: ask for a shorter one");
            return Err(Refusal::invalid("/from", "too_many", detail, None).into());
        }
        let implicit: HashSet<&str> =
            register.definition.register.roles.iter().filter(|r| r.implicit).map(|r| r.name.as_str()).collect();
        let sql = format!(
            "SELECT e.id, e.recorded_at, e.kind, e.action, e.actor_id, p.body FROM (SELECT register, id, recorded_at, \
             kind, action, actor_id FROM audit_event WHERE register = $1 AND id > $2 AND id < $3 ORDER BY id LIMIT \
             {BATCH}) e LEFT JOIN audit_payload p ON p.register = e.register AND p.event_id = e.id ORDER BY e.id"
        );
        let mut found = Vec::new();
        let mut after = least.to_owned();
        loop {
            let binds = [register.name().to_owned(), after.clone(), most.to_owned()];
            let rows: Vec<Reading> = bound(&sql, &binds).load(self.conn)?;
            let last = i64::try_from(rows.len()).is_ok_and(|n| n < BATCH);
            if let Some(row) = rows.last() {
                after.clone_from(&row.id);
            }
            for row in rows {
                found.extend(reading(row, &implicit)?);
            }
            if last {
                return Ok(found);
            }
        }
    }

    /// Says of each reading whether a record in it is the reader's own, or of somebody of the same surname. The names
    /// and codes that are compared do not leave this function.
    fn whose(&mut self, register: &Register, found: &mut [Found]) -> Result<(), Error> {
        let actors: BTreeSet<String> = found.iter().map(|f| f.seen.actor.to_string()).collect();
        let people: Vec<(String, String, Option<String>, String)> = app_user::table
            .filter(app_user::register.eq(INSTALLATION_REGISTER))
            .filter(app_user::id.eq_any(actors))
            .select((app_user::id, app_user::display_name, app_user::personal_code, app_user::username))
            .load(self.conn)?;
        let mut accounts: HashMap<Uuid, String> = HashMap::new();
        let mut surnames: HashMap<Uuid, String> = HashMap::new();
        let mut codes: HashMap<Uuid, String> = HashMap::new();
        for (id, name, code, account) in people {
            let id = facts::id(&id)?;
            let name = normalised(&name);
            // A name of one word has no surname.
            if let Some((_, surname)) = name.rsplit_once(' ') {
                surnames.insert(id, surname.to_owned());
            }
            codes.extend(code.map(|c| (id, c)));
            accounts.insert(id, normalised(&account));
        }
        let subjects = || register.definition.record_types.iter().filter(|t| t.subject.is_some());
        let names = subjects().flat_map(|t| fields_with(t, Index::Name).map(|(f, _)| (t.name.clone(), f.to_owned())));
        let by_code = |t: &&RecordType| t.subject.as_ref().is_some_and(|s| s.personal_code.is_some());
        let fields = |t: &RecordType| Some((t.name.clone(), t.subject.as_ref()?.field().to_owned()));
        let own = subjects().filter(by_code).filter_map(fields);
        let accounted = subjects().filter(|t| !by_code(t)).filter_map(fields);
        let named = self.records_with(register.name(), names.collect(), surnames.values())?;
        let coded = self.records_with(register.name(), own.collect(), codes.values())?;
        let accounted = self.records_with(register.name(), accounted.collect(), accounts.values())?;
        for one in found {
            let shows = |of: &HashMap<Uuid, String>, with: &BTreeMap<String, HashSet<String>>| {
                let records = of.get(&one.seen.actor).and_then(|value| with.get(value));
                records.is_some_and(|records| one.records.iter().any(|r| records.contains(r)))
            };
            one.seen.same_surname = shows(&surnames, &named);
            one.seen.about_self = shows(&codes, &coded) || shows(&accounts, &accounted);
        }
        Ok(())
    }

    /// Records by the value of one of these indexed fields, with one query.
    fn records_with<'v>(
        &mut self,
        register: &str,
        fields: BTreeSet<(String, String)>,
        values: impl Iterator<Item = &'v String>,
    ) -> Result<BTreeMap<String, HashSet<String>>, Error> {
        let values: BTreeSet<&String> = values.collect();
        let types: BTreeSet<&String> = fields.iter().map(|f| &f.0).collect();
        let names: BTreeSet<&String> = fields.iter().map(|f| &f.1).collect();
        let rows: Vec<(String, String, String, String)> = record_index::table
            .filter(record_index::register.eq(register))
            .filter(record_index::record_type.eq_any(types))
            .filter(record_index::field.eq_any(names))
            .filter(record_index::value.eq_any(values))
            .select((record_index::record_type, record_index::field, record_index::value, record_index::record_id))
            .distinct()
            .load(self.conn)?;
        let mut found: BTreeMap<String, HashSet<String>> = BTreeMap::new();
        for (record_type, field, value, record) in rows {
            if fields.contains(&(record_type, field)) {
                found.entry(value).or_default().insert(record);
            }
        }
        Ok(found)
    }

    /// Reviewing is itself a read.
    fn reviewed(
        &mut self,
        permit: &Permit<'tx, AuditReview>,
        action: &str,
        detail: Option<Value>,
    ) -> Result<Event, Error> {
        let actor = self.actor(&permit.register)?;
        let mut event = self.event(&permit.register, Action::AuditReview, &actor, &permit.ruling);
        action.clone_into(&mut event.action);
        event.detail = detail;
        Ok(event)
    }
}

/// A reading of records by a user; `None` for everything else, and for what has been erased.
fn reading(row: Reading, implicit: &HashSet<&str>) -> Result<Option<Found>, Error> {
    let reads = match row.kind.as_str() {
        "export" | "disclosure" => true,
        "read" => row.action.starts_with("record."),
        _ => false,
    };
    let (Some(actor), Some(body), true) = (row.actor_id, row.body, reads) else {
        return Ok(None);
    };
    let event: Event = serde_json::from_str(&body).map_err(|_| Error::Damaged("an event cannot be read".into()))?;
    if event.record_ids.is_empty() || event.role.as_deref().is_some_and(|r| implicit.contains(r)) {
        return Ok(None);
    }
    let seen = Seen {
        event: facts::id(&row.id)?,
        at: instant(row.recorded_at),
        actor: facts::id(&actor)?,
        action: row.action,
        purpose: event.purpose,
        role: event.role,
        records: u32::try_from(event.record_ids.len()).unwrap_or(u32::MAX),
        about_self: false,
        same_surname: false,
    };
    Ok(Some(Found { seen, records: event.record_ids.iter().map(Uuid::to_string).collect() }))
}
