//! The access report: who could see somebody's records at an instant, who did, and who received them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::clock::uuid_at;
use crate::domain::access::grant::Basis;
use crate::domain::access::policy::INSTALLATION;
use crate::domain::access::report::{GrantAct, LeaverAct, grants_at, had_force, leavers_at};
use crate::domain::access::{Action, Actor, Coordinates, Grant, SectionRights};
use crate::domain::calendar::{instant, rfc3339};
use crate::domain::record::Timeline;
use crate::domain::record::index::{Status, life};
use crate::domain::refusal::Refusal;
use crate::domain::registers::{Register, Registers};
use crate::domain::statute::{Clause, Definition, RecordType};
use crate::store::conn::MultiBackend;
use crate::store::context::INSTALLATION_REGISTER;
use crate::store::error::Error;
use crate::store::facts;
use crate::store::guard::{AccessReport, Permit, Sealed};
use crate::store::read::aggregates::renumber;
use crate::store::schema::{app_user, definition, disclosure, disclosure_subject, leaver_log, record};
use crate::store::tx::Tx;

/// Records that one report speaks of; more must be asked for one by one.
const MOST_RECORDS: usize = 50;
/// Accesses and disclosures are counted up to here.
pub const COUNTED: i64 = 10_000;

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct ReportQuery {
    /// Personal code, or id of a record.
    pub subject: Option<String>,
    /// Id of a record.
    pub record_id: Option<Uuid>,
    /// Instant; `None`: now.
    pub at: Option<DateTime<Utc>>,
    /// At most so many accesses and disclosures.
    pub limit: i64,
    /// Accesses before this one.
    pub cursor: Option<Uuid>,
    /// Disclosures before this one.
    pub received_cursor: Option<Uuid>,
}

/// Who could see, who did, who received.
#[derive(Debug, Clone, Serialize)]
pub struct ReportView {
    /// Register.
    pub register: String,
    /// The instant that it speaks of.
    pub at: String,
    /// The day that it was then in the register.
    pub day: NaiveDate,
    /// Digest of the definition whose policies decided then.
    pub definition: String,
    /// The records, as they stood then.
    pub records: Vec<ReportRecord>,
    /// Who could have seen them: everybody, by every right that they had.
    pub could: Vec<CouldView>,
    /// Who did, up to the instant, newest first.
    pub did: Vec<AccessView>,
    /// How many accesses there are in all; counted up to 10,000.
    pub did_total: i64,
    /// `cursor` of the next page of `did`.
    pub next_cursor: Option<String>,
    /// Who received them, up to the instant, newest first.
    pub received: Vec<ReceivedView>,
    /// How many disclosures there are in all; counted up to 10,000.
    pub received_total: i64,
    /// `received_cursor` of the next page of `received`.
    pub next_received_cursor: Option<String>,
    /// What the institutions are called: for the screens.
    #[serde(skip)]
    pub institutions: HashMap<Uuid, String>,
}

/// A record that a report speaks of.
#[derive(Debug, Clone, Serialize)]
pub struct ReportRecord {
    /// Id.
    pub id: Uuid,
    /// Record type.
    #[serde(rename = "type")]
    pub record_type: String,
    /// Institution that owns it.
    pub institution_id: Uuid,
    /// Where it stood; `none` where it was not yet known.
    pub status: Status,
}

/// A right under which somebody could have seen a record.
#[derive(Debug, Clone, Serialize)]
pub struct CouldView {
    /// Which record.
    pub record_id: Uuid,
    /// Who; `None` for everybody with an account, and for the installation.
    pub user_id: Option<Uuid>,
    /// User name.
    pub username: Option<String>,
    /// Name for people.
    pub display_name: Option<String>,
    /// `grant`, `subject`, `guardian`, `everybody` or `installation`.
    #[serde(rename = "as")]
    pub standing: &'static str,
    /// Role.
    pub role: String,
    /// The grant, where it is one.
    pub grant_id: Option<Uuid>,
    /// The only institution that the grant reaches.
    pub institution_id: Option<Uuid>,
    /// Its first day.
    pub from: Option<NaiveDate>,
    /// Its last day.
    pub until: Option<NaiveDate>,
    /// On what it rested.
    pub basis: Option<Basis>,
    /// The sections that could be seen, each with the clause and the policy that permitted it.
    pub sections: Vec<CouldSection>,
}

/// A section that could be seen.
#[derive(Debug, Clone, Serialize)]
pub struct CouldSection {
    /// Section.
    pub section: String,
    /// Clause.
    pub clause: Clause,
    /// Policy.
    pub policy: Option<String>,
}

/// An access, as the log tells of it.
#[derive(Debug, Clone, Serialize)]
pub struct AccessView {
    /// Id of its entry in the log.
    pub id: Uuid,
    /// Place of the entry in the tree; `None` until it is integrated.
    pub seq: Option<i64>,
    /// When.
    pub recorded_at: String,
    /// Coarse kind.
    pub kind: String,
    /// What.
    pub action: String,
    /// Who: the user.
    pub user_id: Option<Uuid>,
    /// Who: by name. `None` once the entry's words are erased, as for everything below.
    pub actor: Option<String>,
    /// In which role.
    pub role: Option<String>,
    /// Under which grant.
    pub grant_id: Option<Uuid>,
    /// By which clause.
    pub clause: Option<String>,
    /// What for.
    pub purpose: Option<String>,
    /// Which sections.
    pub sections: Vec<String>,
}

/// A disclosure, as the ledger tells of it.
#[derive(Debug, Clone, Serialize)]
pub struct ReceivedView {
    /// Number in the ledger.
    pub id: Uuid,
    /// When.
    pub released_at: String,
    /// By what channel.
    pub channel: String,
    /// Registry or personal code of the recipient.
    pub recipient_code: Option<String>,
    /// The case in which it was decided.
    pub case_id: Option<Uuid>,
    /// Digest of exactly what left.
    pub digest: String,
    /// The rest of the entry: recipient, composition, basis, purpose.
    pub ledger: Value,
    /// Id of its entry in the log.
    pub audit_id: Uuid,
}

/// A record with what decides about it.
struct Asked {
    view: ReportRecord,
    /// Personal code of whom it is about.
    subject: Option<String>,
    /// Personal codes of guardians, while they stand for the subject.
    guardians: BTreeSet<String>,
    at: Coordinates,
}

struct User {
    id: Uuid,
    username: String,
    display_name: String,
    personal_code: Option<String>,
}

/// Whether the record is about the user.
fn is_subject(kind: &RecordType, user: &User, one: &Asked) -> bool {
    let own = kind.subject.as_ref().and_then(|s| s.own(user.personal_code.as_deref(), &user.username));
    own.is_some() && one.subject.as_deref() == own
}

#[derive(QueryableByName)]
struct EventRow {
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
    #[diesel(sql_type = Nullable<BigInt>)]
    seq: Option<i64>,
}

#[derive(QueryableByName)]
struct GrantRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = BigInt)]
    recorded_at: i64,
    #[diesel(sql_type = Text)]
    grant_id: String,
    #[diesel(sql_type = Text)]
    body: String,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// The least id of what was recorded after `at`.
pub(in crate::store) fn first_after(at: DateTime<Utc>) -> String {
    uuid_at(at.timestamp_micros().saturating_add(1), [0; 8]).to_string()
}

impl<'tx> Tx<'tx> {
    /// Who could see the records of somebody at an instant, who did and who received them until then.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], logged, for somebody unknown or out of the asker's reach; [`Refusal::Invalid`] where
    /// nobody is named or there are too many records.
    pub fn access_report(
        &mut self,
        permit: Permit<'tx, AccessReport>,
        query: &ReportQuery,
    ) -> Result<Sealed<'tx, ReportView>, Error> {
        let current = permit.register.clone();
        let actor = self.actor(&current)?;
        let at = query.at.map_or(self.now, |at| at.min(self.now));
        let day = current.day(at);
        let shown_at = rfc3339(at);
        // Until now is everything there is: stamps may be ahead of a clock that was put back.
        let at = if at < self.now { at } else { self.now + chrono::TimeDelta::hours(1) };
        let mut event = self.event(&current, Action::AccessReport, &actor, &permit.ruling);
        event.detail = Some(json!({ "at": shown_at }));

        let wanted = self
            .records_of(&current, query.subject.as_deref(), query.record_id)?
            .ok_or_else(|| Refusal::invalid("/subject", "required", "say whose record, or which one", None))?;
        if wanted.len() > MOST_RECORDS {
            let detail = format!("there are more than {MOST_RECORDS} records: ask for them one by one");
            return Err(Refusal::invalid("/subject", "too_many", detail, None).into());
        }
        let rows: Vec<(String, String, String)> = record::table
            .filter(record::register.eq(current.name()))
            .filter(record::id.eq_any(&wanted))
            .order(record::id)
            .select((record::id, record::record_type, record::institution_id))
            .load(self.conn)?;
        let mut found = Vec::new();
        for (id, record_type, institution) in rows {
            let institution = facts::id(&institution)?;
            let purpose = self.cx.purpose.is_some();
            let reach = actor.register(
                &current.policies,
                &current.definition,
                Action::AccessReport,
                Some(Some(institution)),
                purpose,
            );
            if reach.decision.permitted {
                found.push((facts::id(&id)?, record_type, institution));
            }
        }
        if found.is_empty() {
            // Whoever may report on one institution does not learn who is known in another.
            event.record_ids = wanted.iter().map(|r| facts::id(r)).collect::<Result<_, _>>()?;
            return Err(self.refuse(event, Refusal::NotFound { what: "record" }));
        }
        event.record_ids = found.iter().map(|f| f.0).collect();

        let register = self.register_at(&current, at, day)?;
        let asked = self.asked(&register, found, at, day)?;
        let could = self.could(&register, &asked, at, day)?;
        let records: Vec<String> = asked.iter().map(|a| a.view.id.to_string()).collect();
        let (did, did_total, next_cursor) = self.did(current.name(), &records, at, query)?;
        let (received, received_total, next_received_cursor) = self.received(current.name(), &records, at, query)?;
        let owners = asked.iter().map(|a| a.view.institution_id).chain(could.iter().filter_map(|c| c.institution_id));
        let institutions = self.institution_titles_of(&current, &owners.collect())?;
        let view = ReportView {
            institutions,
            register: current.name().to_owned(),
            at: shown_at,
            day,
            definition: register.definition.digest.clone(),
            records: asked.into_iter().map(|a| a.view).collect(),
            could,
            did,
            did_total,
            next_cursor,
            received,
            received_total,
            next_received_cursor,
        };
        Ok(Sealed::new(view, Some(event)))
    }

    /// The version whose policies decided at `at`: of those loaded by then, the one in force on the day.
    fn register_at(
        &mut self,
        current: &Arc<Register>,
        at: DateTime<Utc>,
        day: NaiveDate,
    ) -> Result<Arc<Register>, Error> {
        let digest: Option<String> = definition::table
            .filter(definition::register.eq(current.name()))
            .filter(definition::loaded_at.le(at.timestamp_micros()))
            .filter(definition::in_force_from.le(day.to_string()))
            .order((definition::in_force_from.desc(), definition::loaded_at.desc()))
            .select(definition::digest)
            .first(self.conn)
            .optional()?;
        let nearest = || self.registers.current(current.name(), day).cloned().unwrap_or_else(|| current.clone());
        let Some(digest) = digest else {
            return Ok(nearest());
        };
        if let Some(loaded) = self.registers.by_digest(&digest) {
            return Ok(loaded.clone());
        }
        // A version that has been replaced since: its policies are compiled once more.
        let body: String =
            definition::table.find((current.name(), &digest)).select(definition::body).first(self.conn)?;
        let old: Definition =
            serde_json::from_str(&body).map_err(|_| Error::Damaged("a definition cannot be read".into()))?;
        let old = Registers::new(vec![old]).map_err(|_| Error::Damaged("a definition's policies".into()))?;
        Ok(old.current(current.name(), day).cloned().unwrap_or_else(nearest))
    }

    /// The records as they stood on `day`, as known at `at`.
    fn asked(
        &mut self,
        register: &Register,
        found: Vec<(Uuid, String, Uuid)>,
        at: DateTime<Utc>,
        day: NaiveDate,
    ) -> Result<Vec<Asked>, Error> {
        let ids: Vec<Uuid> = found.iter().map(|f| f.0).collect();
        let mut entries = facts::entries_of(self.conn, register.name(), &ids)?;
        let known = found.into_iter().map(|(id, record_type, institution_id)| {
            let timeline = Timeline::fold(&entries.remove(&id).unwrap_or_default(), Some(at));
            let kind = register.record_type(&record_type);
            let segment = timeline.on_or_first(day);
            let status = match (kind, segment) {
                (Some(kind), Some(segment)) => {
                    let (begins, ends) = life(kind, &segment.data);
                    let first = timeline.begins().unwrap_or(segment.from);
                    Status::on(day, Some(begins.map_or(first, |b| b.max(first))), ends)
                }
                _ => Status::None,
            };
            let subject = kind.and_then(|k| k.subject.as_ref());
            let code = |name: &str| segment.and_then(|s| s.data.get(name)).and_then(Value::as_str).map(str::to_owned);
            let at = Coordinates {
                institution_id: Some(institution_id),
                about_self: false,
                status,
                // What could be seen could be seen for a purpose.
                purpose_given: true,
            };
            Asked {
                subject: subject.and_then(|s| code(s.field())),
                guardians: subject
                    .zip(segment)
                    .map(|(s, segment)| s.guardians_on(&register.definition.register.country, &segment.data, day))
                    .into_iter()
                    .flatten()
                    .map(str::to_owned)
                    .collect(),
                view: ReportRecord { id, record_type, institution_id, status },
                at,
            }
        });
        Ok(known.collect())
    }

    /// Everybody who could open the records: by grants as they were then, as the one whom they are about, and whoever
    /// needs no grant.
    fn could(
        &mut self,
        register: &Register,
        asked: &[Asked],
        at: DateTime<Utc>,
        day: NaiveDate,
    ) -> Result<Vec<CouldView>, Error> {
        let grants = self.grants_at(register.name(), at)?;
        let leaving = self.leavers_at(register.name(), at)?;
        let grants: Vec<Grant> =
            grants.into_iter().filter(|g| had_force(g, leaving.get(&g.user_id).copied(), day)).collect();
        let codes: BTreeSet<&String> = asked.iter().flat_map(|a| a.subject.iter().chain(a.guardians.iter())).collect();
        let users = self.users_of(grants.iter().map(|g| g.user_id.to_string()).collect(), &codes, at)?;
        let mut could = Vec::new();
        for one in asked.iter().filter(|a| a.at.status != Status::None) {
            let Some(kind) = register.record_type(&one.view.record_type) else {
                continue;
            };
            let ask = |actor: &Actor, about_self: bool| {
                let at = Coordinates { about_self, ..one.at.clone() };
                actor.sections(&register.policies, &register.definition, kind, Action::RecordRead, &at)
            };
            let nobody = Actor {
                user_id: None,
                name: String::new(),
                personal_code: None,
                grants: Vec::new(),
                standing_roles: Vec::new(),
                closed: None,
            };
            let is_about = |user: Option<&User>| {
                user.is_some_and(|u| {
                    is_subject(kind, u, one) || u.personal_code.as_ref().is_some_and(|c| one.guardians.contains(c))
                })
            };
            for grant in &grants {
                let user = users.get(&grant.user_id);
                // Without a user there are no roles but the grant's.
                let actor = Actor { grants: vec![grant.clone()], ..nobody.clone() };
                let rights = ask(&actor, is_about(user));
                let view = could_view(one.view.id, user, "grant", &rights);
                could.extend(view.map(|view| CouldView {
                    user_id: Some(grant.user_id),
                    grant_id: Some(grant.id),
                    institution_id: grant.institution_id,
                    from: Some(grant.from),
                    until: grant.until,
                    basis: Some(grant.basis.clone()),
                    ..view
                }));
            }
            let by_code: BTreeMap<&str, &User> =
                users.values().filter_map(|u| Some((u.personal_code.as_deref()?, u))).collect();
            let own = users.values().find(|u| is_subject(kind, u, one)).map(|user| ("subject", user));
            let wards = one.guardians.iter().filter_map(|c| Some(("guardian", *by_code.get(c.as_str())?)));
            for (standing, user) in own.into_iter().chain(wards) {
                let actor = Actor { user_id: Some(user.id), ..nobody.clone() };
                could.extend(could_view(one.view.id, Some(user), standing, &ask(&actor, true)));
            }
            let anybody = Actor { user_id: Some(Uuid::nil()), ..nobody.clone() };
            could.extend(could_view(one.view.id, None, "everybody", &ask(&anybody, false)));
            let installation = Actor { standing_roles: vec![INSTALLATION.to_owned()], ..nobody.clone() };
            could.extend(could_view(one.view.id, None, "installation", &ask(&installation, false)));
        }
        Ok(could)
    }

    /// The last act on each grant until `at`, with one query.
    fn grants_at(&mut self, register: &str, at: DateTime<Utc>) -> Result<Vec<Grant>, Error> {
        let sql = "SELECT g.id, g.recorded_at, g.grant_id, g.body FROM grant_log g WHERE g.register = $1 AND g.id < $2 \
                   AND g.act <> 'revoked' AND NOT EXISTS (SELECT 1 FROM grant_log l WHERE l.register = g.register \
                   AND l.grant_id = g.grant_id AND l.id > g.id AND l.id < $2) ORDER BY g.grant_id";
        let rows: Vec<GrantRow> = bound(sql, &[register.to_owned(), first_after(at)]).load(self.conn)?;
        let acts = rows
            .into_iter()
            .map(|row| {
                let after = facts::json(&row.body)?["after"].take();
                let after =
                    serde_json::from_value(after).map_err(|_| Error::Damaged("a grant cannot be read".into()))?;
                Ok(GrantAct {
                    id: facts::id(&row.id)?,
                    recorded_at: instant(row.recorded_at),
                    grant_id: facts::id(&row.grant_id)?,
                    after: Some(after),
                })
            })
            .collect::<Result<Vec<_>, Error>>()?;
        Ok(grants_at(&acts, at))
    }

    fn leavers_at(&mut self, register: &str, at: DateTime<Utc>) -> Result<BTreeMap<Uuid, NaiveDate>, Error> {
        let rows: Vec<(String, i64, String, Option<String>)> = leaver_log::table
            .filter(leaver_log::register.eq(register))
            .filter(leaver_log::id.lt(first_after(at)))
            .select((leaver_log::id, leaver_log::recorded_at, leaver_log::user_id, leaver_log::last_day))
            .load(self.conn)?;
        let acts = rows
            .into_iter()
            .map(|(id, recorded_at, user, last_day)| {
                Ok(LeaverAct {
                    id: facts::id(&id)?,
                    recorded_at: instant(recorded_at),
                    user_id: facts::id(&user)?,
                    last_day: last_day.as_deref().map(facts::day).transpose()?,
                })
            })
            .collect::<Result<Vec<_>, Error>>()?;
        Ok(leavers_at(&acts, at))
    }

    /// Users by id or personal code who had an account at `at`.
    fn users_of(
        &mut self,
        mut ids: Vec<String>,
        codes: &BTreeSet<&String>,
        at: DateTime<Utc>,
    ) -> Result<HashMap<Uuid, User>, Error> {
        ids.sort_unstable();
        ids.dedup();
        let rows: Vec<(String, String, String, Option<String>)> = app_user::table
            .filter(app_user::register.eq(INSTALLATION_REGISTER))
            .filter(
                app_user::id.eq_any(ids).or(app_user::personal_code.eq_any(codes)).or(app_user::username.eq_any(codes)),
            )
            .filter(app_user::created_at.le(at.timestamp_micros()))
            .select((app_user::id, app_user::username, app_user::display_name, app_user::personal_code))
            .load(self.conn)?;
        rows.into_iter()
            .map(|(id, username, display_name, personal_code)| {
                let id = facts::id(&id)?;
                Ok((id, User { id, username, display_name, personal_code }))
            })
            .collect()
    }

    /// Accesses to `records` until `at`, newest first: what the log names them in and was not refused.
    fn did(
        &mut self,
        register: &str,
        records: &[String],
        at: DateTime<Utc>,
        query: &ReportQuery,
    ) -> Result<(Vec<AccessView>, i64, Option<String>), Error> {
        let mut binds = vec![register.to_owned(), first_after(at)];
        let (from, order) = subjects_from(records, &mut binds);
        let base = format!("{from} AND {order} < $2 AND e.decision <> 'denied'");
        let counted = format!("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM (SELECT 1 AS one {base} LIMIT {COUNTED}) q");
        let total: Vec<Count> = bound(&counted, &binds).load(self.conn)?;
        let before = query.cursor.map_or_else(String::new, |cursor| {
            binds.push(cursor.to_string());
            format!(" AND {order} < ${}", binds.len())
        });
        let sql = format!(
            "SELECT q.id, q.recorded_at, q.kind, q.action, q.actor_id, p.body, l.seq FROM (SELECT e.register, e.id, \
             e.recorded_at, e.kind, e.action, e.actor_id {base}{before} ORDER BY {order} DESC LIMIT {}) q \
             LEFT JOIN audit_payload p ON p.register = q.register AND p.event_id = q.id \
             LEFT JOIN audit_leaf l ON l.register = q.register AND l.event_id = q.id ORDER BY q.id DESC",
            query.limit + 1
        );
        let mut rows: Vec<EventRow> = bound(&sql, &binds).load(self.conn)?;
        let limit = usize::try_from(query.limit).unwrap_or(0);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = more.then(|| rows.last().map(|r| r.id.clone())).flatten();
        let items = rows.into_iter().map(access_view).collect::<Result<_, _>>()?;
        Ok((items, total.first().map_or(0, |c| c.n), next))
    }

    /// Disclosures of `records` until `at`, newest first.
    fn received(
        &mut self,
        register: &str,
        records: &[String],
        at: DateTime<Utc>,
        query: &ReportQuery,
    ) -> Result<(Vec<ReceivedView>, i64, Option<String>), Error> {
        type Row = (String, i64, String, Option<String>, Option<String>, String, String, String);
        let before = first_after(at);
        let named = || {
            disclosure_subject::table
                .filter(disclosure_subject::register.eq(register))
                .filter(disclosure_subject::record_id.eq_any(records))
                .filter(disclosure_subject::disclosure_id.lt(&before))
        };
        let counted: Vec<String> =
            named().select(disclosure_subject::disclosure_id).distinct().limit(COUNTED).load(self.conn)?;
        let total = i64::try_from(counted.len()).unwrap_or(COUNTED);
        let mut page = disclosure::table
            .filter(disclosure::register.eq(register))
            .filter(disclosure::id.eq_any(named().select(disclosure_subject::disclosure_id)))
            .order(disclosure::id.desc())
            .limit(query.limit + 1)
            .select((
                disclosure::id,
                disclosure::released_at,
                disclosure::channel,
                disclosure::recipient_code,
                disclosure::case_id,
                disclosure::digest,
                disclosure::body,
                disclosure::audit_id,
            ))
            .into_boxed();
        if let Some(cursor) = query.received_cursor {
            page = page.filter(disclosure::id.lt(cursor.to_string()));
        }
        let mut rows: Vec<Row> = page.load(self.conn)?;
        let limit = usize::try_from(query.limit).unwrap_or(0);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = more.then(|| rows.last().map(|r| r.0.clone())).flatten();
        let items = rows
            .into_iter()
            .map(|(id, released_at, channel, recipient_code, case_id, digest, body, audit_id)| {
                Ok(ReceivedView {
                    id: facts::id(&id)?,
                    released_at: rfc3339(instant(released_at)),
                    channel,
                    recipient_code,
                    case_id: case_id.as_deref().map(facts::id).transpose()?,
                    digest,
                    ledger: facts::json(&body)?,
                    audit_id: facts::id(&audit_id)?,
                })
            })
            .collect::<Result<_, Error>>()?;
        Ok((items, total, next))
    }
}

/// `FROM … WHERE …` over the events that name `records` of the register in `$1`, and the column that orders them. For
/// one record the walk is in its own list, which ends as soon as a page is full.
pub(in crate::store) fn subjects_from(records: &[String], binds: &mut Vec<String>) -> (String, &'static str) {
    let places: Vec<String> = records
        .iter()
        .map(|r| {
            binds.push(r.clone());
            format!("${}", binds.len())
        })
        .collect();
    let join = "JOIN audit_event e ON e.register = s.register AND e.id = s.event_id";
    match places.as_slice() {
        [one] => (format!("FROM audit_subject s {join} WHERE s.register = $1 AND s.record_id = {one}"), "s.event_id"),
        many => (
            format!(
                "FROM (SELECT DISTINCT register, event_id FROM audit_subject WHERE register = $1 AND record_id IN \
                 ({})) s {join} WHERE s.register = $1",
                if many.is_empty() { "''".to_owned() } else { many.join(", ") }
            ),
            "s.event_id",
        ),
    }
}

/// A statement with its texts in place.
pub(in crate::store) fn bound(
    sql: &str,
    binds: &[String],
) -> diesel::query_builder::BoxedSqlQuery<'static, MultiBackend, diesel::query_builder::SqlQuery> {
    let (sql, binds) = renumber(sql, binds);
    let mut statement = diesel::sql_query(sql).into_boxed::<MultiBackend>();
    for bind in binds {
        statement = statement.bind::<Text, _>(bind);
    }
    statement
}

/// The right as it is shown, where it permits anything.
fn could_view(
    record_id: Uuid,
    user: Option<&User>,
    standing: &'static str,
    rights: &SectionRights,
) -> Option<CouldView> {
    let role = rights.leading().filter(|_| rights.any())?.role.clone().unwrap_or_default();
    Some(CouldView {
        record_id,
        user_id: user.map(|u| u.id),
        username: user.map(|u| u.username.clone()),
        display_name: user.map(|u| u.display_name.clone()),
        standing,
        role,
        grant_id: None,
        institution_id: None,
        from: None,
        until: None,
        basis: None,
        sections: rights
            .permitted
            .iter()
            .map(|(section, ruling)| CouldSection {
                section: section.clone(),
                clause: ruling.decision.clause.clone(),
                policy: ruling.decision.policy.clone(),
            })
            .collect(),
    })
}

fn access_view(row: EventRow) -> Result<AccessView, Error> {
    let body = row.body.as_deref().map(facts::json).transpose()?.unwrap_or(Value::Null);
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    let sections = body.get("sections").and_then(Value::as_array).into_iter().flatten();
    Ok(AccessView {
        id: facts::id(&row.id)?,
        seq: row.seq,
        recorded_at: rfc3339(instant(row.recorded_at)),
        kind: row.kind,
        action: row.action,
        user_id: row.actor_id.as_deref().map(facts::id).transpose()?,
        actor: body["actor"]["name"].as_str().map(str::to_owned),
        role: text("role"),
        grant_id: text("grant_id").as_deref().map(facts::id).transpose()?,
        clause: text("clause"),
        purpose: text("purpose"),
        sections: sections.filter_map(Value::as_str).map(str::to_owned).collect(),
    })
}
