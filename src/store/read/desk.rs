//! What belongs to one user's work at the screen, as it is read: their browser session, drafts, searches, settings, and
//! what a page asks about its user before it shows anything. None of it is anybody's record, so that no entry of the
//! log stands before it; what is about others (a draft) is shown only to whoever wrote it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::domain::access::{Abilities, Actor, Grant};
use crate::domain::calendar::instant;
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::store::context::INSTALLATION_REGISTER;
use crate::store::error::Error;
use crate::store::facts;
use crate::store::schema::{
    access_grant, app_user, browser_session, draft, leaver, record, record_state, saved_search, session, user_setting,
};
use crate::store::tx::{Tx, within_contract};

/// What a browser session keeps besides who it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BrowserState {
    /// The grant under which the user acts.
    pub acting_as: Option<Uuid>,
    /// The purpose of this piece of work.
    pub purpose: Option<String>,
    /// The register for which the purpose was stated.
    pub purpose_register: Option<String>,
}

/// A browser session.
#[derive(Debug, Clone)]
pub struct Browser {
    /// Whose.
    pub user_id: Uuid,
    /// The session that it keeps open.
    pub session_id: Uuid,
    /// What its forms must send.
    pub csrf: String,
    /// What it keeps.
    pub state: BrowserState,
    /// When it ends if nothing more comes.
    pub idle_until: DateTime<Utc>,
    /// When it ends in any case.
    pub ends_at: DateTime<Utc>,
}

/// How the screens look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the machine is set.
    #[default]
    Auto,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// How close the rows of tables stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Density {
    /// With room.
    #[default]
    Comfortable,
    /// Close.
    Compact,
}

/// How a user wants the screens to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Language of the screens.
    pub language: Option<String>,
    /// Light or dark.
    pub theme: Theme,
    /// Density of tables.
    pub density: Density,
    /// Whether single keys do something.
    pub shortcuts: bool,
    /// Columns of lists, by `register/type`.
    pub columns: BTreeMap<String, Vec<String>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            language: None,
            theme: Theme::default(),
            density: Density::default(),
            shortcuts: true,
            columns: BTreeMap::new(),
        }
    }
}

/// A grant as its holder sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Register.
    pub register: String,
    /// Grant.
    pub grant_id: Uuid,
    /// Role.
    pub role: String,
    /// The only institution it reaches.
    pub institution_id: Option<Uuid>,
    /// What that institution is called.
    pub institution: Option<String>,
}

/// What a page asks about its user: one's own account, and nobody's data.
#[derive(Debug, Clone)]
pub struct Facts {
    /// User.
    pub user_id: Uuid,
    /// User name.
    pub username: String,
    /// Name for people.
    pub display_name: String,
    /// Grants in force today, in all registers.
    pub grants: Vec<Held>,
    /// The one acted under in the register asked about: the one named, or the only one.
    pub acting: Option<Held>,
    /// Whether any register holds something about the user.
    pub about_me: bool,
    /// Actions that may be done somewhere in the register, by the policies alone.
    pub may: BTreeSet<String>,
    /// Record types that may be listed there.
    pub lists: BTreeSet<String>,
    /// Record types of which records may be entered there.
    pub enters: BTreeSet<String>,
    /// Kinds of case that may be opened there.
    pub opens: BTreeSet<String>,
    /// How the user wants the screens to be.
    pub settings: Settings,
}

/// A form that was begun and not sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// What was typed.
    pub body: Value,
    /// When it was kept.
    pub saved_at: DateTime<Utc>,
}

/// A draft in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftLine {
    /// The form.
    pub form_key: String,
    /// When it was kept.
    pub saved_at: DateTime<Utc>,
}

/// A search that somebody keeps.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    /// Id.
    pub id: Uuid,
    /// Record type; `None`: all.
    pub record_type: Option<String>,
    /// Name; `None` for one that is kept for a day.
    pub name: Option<String>,
    /// What is looked for.
    pub query: Value,
    /// When it was kept.
    pub saved_at: DateTime<Utc>,
}

/// Drafts that a list shows.
const DRAFTS_SHOWN: i64 = 50;
/// Searches of a user that are shown.
const SEARCHES_SHOWN: i64 = 100;

impl<'tx> Tx<'tx> {
    /// The browser session of a cookie, and whether its session is open. Whether its time is over is not asked.
    pub(crate) fn browser_of(&mut self, digest: &str) -> Result<Option<(Browser, bool)>, Error> {
        type Row = (String, String, String, String, i64, i64, Option<i64>, i64);
        let row: Option<Row> =
            browser_session::table
                .inner_join(session::table.on(
                    session::register.eq(browser_session::register).and(session::id.eq(browser_session::session_id)),
                ))
                .inner_join(
                    app_user::table.on(app_user::register.eq(session::register).and(app_user::id.eq(session::user_id))),
                )
                .filter(browser_session::register.eq(INSTALLATION_REGISTER))
                .filter(browser_session::digest.eq(digest))
                .select((
                    browser_session::user_id,
                    browser_session::session_id,
                    browser_session::csrf,
                    browser_session::state,
                    browser_session::idle_until,
                    browser_session::ends_at,
                    session::ended_at,
                    app_user::blocked,
                ))
                .first(self.conn)
                .optional()?;
        let Some((user, session, csrf, state, idle_until, ends_at, ended_at, blocked)) = row else {
            return Ok(None);
        };
        let browser = Browser {
            user_id: facts::id(&user)?,
            session_id: facts::id(&session)?,
            csrf,
            state: serde_json::from_str(&state).unwrap_or_default(),
            idle_until: instant(idle_until),
            ends_at: instant(ends_at),
        };
        Ok(Some((browser, ended_at.is_none() && blocked == 0)))
    }

    /// Whether anything has been entered in a register: says nothing of what.
    pub(crate) fn desk_begun(&mut self, register: &str) -> Result<bool, Error> {
        self.user()?.ok_or(Refusal::Unauthenticated)?;
        let any = record::table.filter(record::register.eq(register)).select(record::id).limit(1);
        Ok(any.first::<String>(self.conn).optional()?.is_some())
    }

    /// What a page asks about its user, in `register` where it is about one.
    pub(crate) fn desk_facts(&mut self, register: Option<&str>) -> Result<Facts, Error> {
        let user = self.user()?.ok_or(Refusal::Unauthenticated)?;
        let asked = register.map(|name| self.register(name)).transpose()?;
        let display_name: String = app_user::table
            .find((INSTALLATION_REGISTER, user.id.to_string()))
            .select(app_user::display_name)
            .first(self.conn)?;
        let settings: Option<String> = user_setting::table
            .find((INSTALLATION_REGISTER, user.id.to_string()))
            .select(user_setting::body)
            .first(self.conn)
            .optional()?;
        let held = self.held(user.id)?;
        let titles = self.institution_titles(&held)?;
        let line = |(register, grant): &(Arc<Register>, Grant)| Held {
            register: register.name().to_owned(),
            grant_id: grant.id,
            role: grant.role.clone(),
            institution_id: grant.institution_id,
            institution: grant.institution_id.and_then(|i| titles.get(&i).cloned()),
        };
        let here: Vec<&(Arc<Register>, Grant)> =
            held.iter().filter(|(r, _)| asked.as_ref().is_some_and(|a| a.name() == r.name())).collect();
        let acting = match (self.cx.acting_as, here.as_slice()) {
            (Some(named), list) => list.iter().find(|(_, grant)| grant.id == named).copied(),
            (None, [only]) => Some(*only),
            (None, _) => None,
        };
        let closed = asked.as_ref().map(|register| self.closed(register)).transpose()?.flatten();
        let abilities = asked.map_or_else(Abilities::default, |register| {
            let under = acting.map_or(here.clone(), |one| vec![one]);
            let actor = Actor {
                user_id: Some(user.id),
                name: user.username.clone(),
                personal_code: None,
                grants: under.into_iter().map(|(_, grant)| grant.clone()).collect(),
                standing_roles: Vec::new(),
                closed,
            };
            actor.abilities(&register.policies, &register.definition)
        });
        let acting = acting.map(line);
        let grants = held.iter().map(line).collect();
        let names: Vec<String> = self.registers.names().map(str::to_owned).collect();
        let about_me = !self.own_records(&names, user.personal_code.as_deref(), &user.username)?.is_empty();
        Ok(Facts {
            user_id: user.id,
            username: user.username,
            display_name,
            grants,
            acting,
            about_me,
            may: abilities.actions,
            lists: abilities.lists,
            enters: abilities.enters,
            opens: abilities.opens,
            // What an older or newer version of the program wrote and this one cannot read is as if it were not there.
            settings: settings.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default(),
        })
    }

    /// A user's grants in force today in every register, by the order of registers.
    fn held(&mut self, user: Uuid) -> Result<Vec<(Arc<Register>, Grant)>, Error> {
        let names: Vec<String> = self.registers.names().map(str::to_owned).collect();
        let bodies: Vec<(String, String)> = access_grant::table
            .filter(access_grant::register.eq_any(&names))
            .filter(access_grant::user_id.eq(user.to_string()))
            .filter(access_grant::revoked_at.is_null())
            .order((access_grant::register, access_grant::id))
            .select((access_grant::register, access_grant::body))
            .load(self.conn)?;
        if bodies.is_empty() {
            return Ok(Vec::new());
        }
        let left: Vec<(String, String)> = leaver::table
            .filter(leaver::register.eq_any(&names))
            .filter(leaver::user_id.eq(user.to_string()))
            .select((leaver::register, leaver::last_day))
            .load(self.conn)?;
        let mut held = Vec::new();
        for (name, body) in bodies {
            let register = self.register(&name)?;
            let today = self.today(&register);
            let grant: Grant =
                serde_json::from_str(&body).map_err(|_| Error::Damaged("a grant cannot be read".into()))?;
            let mut has_left = false;
            for (_, last) in left.iter().filter(|(r, _)| *r == name) {
                let last = facts::day(last)?;
                // As `Tx::grants_in_force` has it: what was held on the last day.
                has_left |= last < today && grant.from <= last;
            }
            if !has_left && grant.in_force(today) && within_contract(&register, &grant, today) {
                held.push((register, grant));
            }
        }
        Ok(held)
    }

    /// What the institutions of grants are called today.
    fn institution_titles(&mut self, held: &[(Arc<Register>, Grant)]) -> Result<HashMap<Uuid, String>, Error> {
        let bounded: Vec<(&Arc<Register>, Uuid)> =
            held.iter().filter_map(|(r, grant)| Some((r, grant.institution_id?))).collect();
        if bounded.is_empty() {
            return Ok(HashMap::new());
        }
        let registers: BTreeSet<&str> = bounded.iter().map(|(r, _)| r.name()).collect();
        let rows: Vec<(String, String, String, String)> = record_state::table
            .filter(record_state::register.eq_any(registers))
            .filter(record_state::record_id.eq_any(bounded.iter().map(|(_, id)| id.to_string())))
            .order(record_state::from_day)
            .select((record_state::register, record_state::record_id, record_state::from_day, record_state::data))
            .load(self.conn)?;
        let mut titles = HashMap::new();
        for (register, id) in bounded {
            let today = self.today(register).to_string();
            let kind = &register.definition.register.institutions.record_type;
            let key = id.to_string();
            // The state that holds today or, for one that only begins, the first.
            let of_it = || rows.iter().filter(|(r, i, _, _)| r == register.name() && *i == key);
            let state = of_it().rfind(|(_, _, from, _)| *from <= today).or_else(|| of_it().next());
            if let Some((kind, (_, _, _, data))) = register.record_type(kind).zip(state)
                && let Some(title) = kind.title_of(&facts::json(data)?)
            {
                titles.insert(id, title);
            }
        }
        Ok(titles)
    }

    /// Whoever works at a register's screens: the user, and whether only as one whom it holds something about.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] for whoever has nothing to do with the register (any more).
    pub(in crate::store) fn desk_user(&mut self, register: &Register) -> Result<(Uuid, bool), Error> {
        let user = self.user()?.ok_or(Refusal::Unauthenticated)?;
        if self.held(user.id)?.iter().any(|(r, _)| r.name() == register.name()) {
            return Ok((user.id, false));
        }
        let names = [register.name().to_owned()];
        if !self.own_records(&names, user.personal_code.as_deref(), &user.username)?.is_empty() {
            return Ok((user.id, true));
        }
        let clause = register.definition.register.access.clause.clone();
        Err(Refusal::Forbidden { clause, detail: "you have no right in this register any more".to_owned() }.into())
    }

    /// What the caller had begun to write in a form.
    pub(crate) fn draft_of(&mut self, register: &str, form_key: &str) -> Result<Option<Draft>, Error> {
        let register = self.register(register)?;
        let (user, as_subject) = self.desk_user(&register)?;
        let row: Option<(String, i64, i64)> = draft::table
            .filter(draft::register.eq(register.name()))
            .filter(draft::user_id.eq(user.to_string()))
            .filter(draft::form_key.eq(form_key))
            .filter(draft::expires_at.gt(self.now.timestamp_micros()))
            .select((draft::body, draft::as_subject, draft::saved_at))
            .first(self.conn)
            .optional()?;
        let Some((body, written_as_subject, saved_at)) = row else {
            return Ok(None);
        };
        // What was written under a right may be about others: without a right it is not given back.
        if as_subject && written_as_subject == 0 {
            return Ok(None);
        }
        Ok(Some(Draft { body: facts::json(&body)?, saved_at: instant(saved_at) }))
    }

    /// The caller's drafts, newest first.
    pub(crate) fn drafts_of(&mut self, register: &str) -> Result<Vec<DraftLine>, Error> {
        let register = self.register(register)?;
        let (user, as_subject) = self.desk_user(&register)?;
        let rows: Vec<(String, i64)> = draft::table
            .filter(draft::register.eq(register.name()))
            .filter(draft::user_id.eq(user.to_string()))
            .filter(draft::expires_at.gt(self.now.timestamp_micros()))
            .filter(draft::as_subject.ge(i64::from(as_subject)))
            .order((draft::saved_at.desc(), draft::id.desc()))
            .limit(DRAFTS_SHOWN)
            .select((draft::form_key, draft::saved_at))
            .load(self.conn)?;
        Ok(rows.into_iter().map(|(form_key, at)| DraftLine { form_key, saved_at: instant(at) }).collect())
    }

    /// A search of the caller's, under a name or not.
    pub(crate) fn search_of(&mut self, register: &str, id: Uuid) -> Result<Option<Search>, Error> {
        let register = self.register(register)?;
        let user = self.searcher(&register)?;
        let row: Option<SearchRow> = saved_search::table
            .filter(saved_search::register.eq(register.name()))
            .filter(saved_search::id.eq(id.to_string()))
            .filter(saved_search::user_id.eq(user.to_string()))
            .filter(saved_search::expires_at.is_null().or(saved_search::expires_at.gt(self.now.timestamp_micros())))
            .select(SEARCH_COLUMNS)
            .first(self.conn)
            .optional()?;
        row.map(search).transpose()
    }

    /// The searches that the caller keeps under a name, by name.
    pub(crate) fn searches_of(&mut self, register: &str) -> Result<Vec<Search>, Error> {
        let register = self.register(register)?;
        let user = self.searcher(&register)?;
        let rows: Vec<SearchRow> = saved_search::table
            .filter(saved_search::register.eq(register.name()))
            .filter(saved_search::user_id.eq(user.to_string()))
            .filter(saved_search::name.is_not_null())
            .order((saved_search::record_type, saved_search::name))
            .limit(SEARCHES_SHOWN)
            .select(SEARCH_COLUMNS)
            .load(self.conn)?;
        rows.into_iter().map(search).collect()
    }

    /// Whoever searches a register: nobody does without a right.
    pub(in crate::store) fn searcher(&mut self, register: &Register) -> Result<Uuid, Error> {
        match self.desk_user(register)? {
            (user, false) => Ok(user),
            (_, true) => {
                let clause = register.definition.register.access.clause.clone();
                let detail = "only those with a right in this register search it".to_owned();
                Err(Refusal::Forbidden { clause, detail }.into())
            }
        }
    }
}

type SearchRow = (String, String, Option<String>, String, i64);
const SEARCH_COLUMNS: (
    saved_search::id,
    saved_search::record_type,
    saved_search::name,
    saved_search::query,
    saved_search::saved_at,
) = (saved_search::id, saved_search::record_type, saved_search::name, saved_search::query, saved_search::saved_at);

fn search((id, record_type, name, query, saved_at): SearchRow) -> Result<Search, Error> {
    Ok(Search {
        id: facts::id(&id)?,
        record_type: Some(record_type).filter(|t| !t.is_empty()),
        name,
        query: facts::json(&query)?,
        saved_at: instant(saved_at),
    })
}
