//! The outbox: letters to be sent, and what became of the others.

use chrono::{DateTime, Utc};
use diesel::dsl::count_star;
use diesel::prelude::*;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::records::Page;
use crate::domain::access::Action;
use crate::domain::calendar::{instant, micros, rfc3339};
use crate::domain::case::{CaseFile, Stage, reminded};
use crate::store::context::INSTALLATION_REGISTER;
use crate::store::error::Error;
use crate::store::facts;
use crate::store::guard::{JobList, Permit, Sealed};
use crate::store::schema::{case_file, outbox};
use crate::store::tx::Tx;

/// A letter whose time has come. For the program alone: nothing of it is shown.
pub struct DueLetter {
    /// Register.
    pub register: String,
    /// Id.
    pub id: Uuid,
    /// Kind, of the locales.
    pub letter: String,
    /// Where it goes.
    pub address: String,
    /// Language of the reader.
    pub language: String,
    /// What stands in it.
    pub words: Value,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// How often it was tried.
    pub attempts: i64,
}

/// A letter as it is shown to those who keep watch: of the reader only a hint.
#[derive(Debug, Clone, Serialize)]
pub struct LetterView {
    /// Id, also in its `Message-ID`.
    pub id: Uuid,
    /// Kind.
    pub letter: String,
    /// `queued`, `sent` or `dead`.
    pub state: String,
    /// The address, all but its first character and the domain hidden.
    pub address: String,
    /// Language.
    pub language: String,
    /// How often it was tried.
    pub attempts: i64,
    /// When it is tried next; only of a queued one.
    pub next_at: Option<String>,
    /// Why it was not sent, the last time.
    pub fault: Option<String>,
    /// The case it is about.
    pub case_id: Option<Uuid>,
    /// When it was written.
    pub created_at: String,
    /// When the relay took it over.
    pub sent_at: Option<String>,
}

/// A place in the order of due instants: the instant in microseconds, and the case.
pub type Place = (i64, Uuid);

/// An open case with a reminder that nobody has been sent yet.
#[derive(Debug, Clone)]
pub struct Reminder {
    /// The case.
    pub case_id: Uuid,
    /// Its kind.
    pub kind: String,
}

/// What stands by in a register, for the figures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Register.
    pub register: String,
    /// Letters that wait.
    pub queued: i64,
    /// Letters that were given up.
    pub dead: i64,
    /// Open cases whose time has run out.
    pub overdue: i64,
}

type Row = (String, String, String, String, String, i64, i64, Option<String>, Option<String>, i64, Option<i64>);

/// `m***@example.ee`: enough to tell a wrong domain, too little to tell who.
fn masked(address: &str) -> String {
    let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    let first: String = local.chars().take(1).collect();
    format!("{first}***@{domain}")
}

fn view(row: Row) -> Result<LetterView, Error> {
    let (id, letter, state, address, language, attempts, next_at, fault, case_id, created_at, sent_at) = row;
    Ok(LetterView {
        id: facts::id(&id)?,
        letter,
        address: masked(&address),
        language,
        attempts,
        next_at: (state == "queued").then(|| rfc3339(instant(next_at))),
        state,
        fault,
        case_id: case_id.as_deref().map(facts::id).transpose()?,
        created_at: rfc3339(instant(created_at)),
        sent_at: sent_at.map(|at| rfc3339(instant(at))),
    })
}

macro_rules! columns {
    () => {
        (
            outbox::id,
            outbox::letter,
            outbox::state,
            outbox::address,
            outbox::language,
            outbox::attempts,
            outbox::next_at,
            outbox::fault,
            outbox::case_id,
            outbox::created_at,
            outbox::sent_at,
        )
    };
}

impl<'tx> Tx<'tx> {
    /// Every register that can have letters: the loaded ones and the installation itself.
    fn sending(&self) -> Vec<String> {
        self.registers.names().map(str::to_owned).chain([INSTALLATION_REGISTER.to_owned()]).collect()
    }

    /// Letters whose time has come, those that have waited longest first. Only the program looks at them.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) fn letters_due(&mut self, limit: i64) -> Result<Vec<DueLetter>, Error> {
        type Row = (String, String, String, String, String, String, i64, i64);
        let rows: Vec<Row> = outbox::table
            .filter(outbox::register.eq_any(self.sending()))
            .filter(outbox::state.eq("queued"))
            .filter(outbox::next_at.le(micros(self.now)))
            .order((outbox::next_at, outbox::register, outbox::id))
            .limit(limit)
            .select((
                outbox::register,
                outbox::id,
                outbox::letter,
                outbox::address,
                outbox::language,
                outbox::words,
                outbox::created_at,
                outbox::attempts,
            ))
            .load(self.conn)?;
        rows.into_iter()
            .map(|(register, id, letter, address, language, words, created_at, attempts)| {
                Ok(DueLetter {
                    register,
                    id: facts::id(&id)?,
                    letter,
                    address,
                    language,
                    words: facts::json(&words)?,
                    created_at: instant(created_at),
                    attempts,
                })
            })
            .collect()
    }

    /// Letters of a register, newest first.
    ///
    /// # Errors
    /// Those of the database.
    pub fn letter_list(
        &mut self,
        permit: Permit<'tx, JobList>,
        state: Option<&str>,
        before: Option<Uuid>,
        limit: i64,
    ) -> Result<Sealed<'tx, Page<LetterView>>, Error> {
        let register = permit.register.clone();
        let mut query = outbox::table
            .filter(outbox::register.eq(register.name()))
            .order(outbox::id.desc())
            .limit(limit + 1)
            .select(columns!())
            .into_boxed();
        if let Some(state) = state {
            query = query.filter(outbox::state.eq(state.to_owned()));
        }
        if let Some(before) = before {
            query = query.filter(outbox::id.lt(before.to_string()));
        }
        let mut rows: Vec<Row> = query.load(self.conn)?;
        let limit = usize::try_from(limit).unwrap_or(0);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = more.then(|| rows.last().map(|r| r.0.clone())).flatten();
        let items = rows.into_iter().map(view).collect::<Result<_, _>>()?;
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::JobList, &actor, &permit.ruling);
        "letter.list".clone_into(&mut event.action);
        Ok(Sealed::new(Page { items, next_cursor }, Some(event)))
    }

    pub(in crate::store) fn letter_view(&mut self, register: &str, id: Uuid) -> Result<Option<LetterView>, Error> {
        let row: Option<Row> =
            outbox::table.find((register, id.to_string())).select(columns!()).first(self.conn).optional()?;
        row.map(view).transpose()
    }

    /// Open cases of a register, from `after` on in the order of their due instants, with a reminder that is due and
    /// has not been queued for everybody who is reminded; and where to go on, at the end nowhere.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) fn reminders_due(
        &mut self,
        register: &str,
        after: Option<Place>,
        limit: i64,
    ) -> Result<(Vec<Reminder>, Option<Place>), Error> {
        let register = self.register(register)?;
        let now = self.now;
        let longest = register.definition.cases.iter().flat_map(|k| k.reminders.iter()).max().copied().unwrap_or(0);
        // Two days more: what counts is the register's own day, which is looked at below.
        let horizon = now + chrono::TimeDelta::days(i64::from(longest) + 2);
        let mut query = case_file::table
            .filter(case_file::register.eq(register.name()))
            .filter(case_file::closed_at.is_null())
            .filter(case_file::due_at.le(micros(horizon)))
            .order((case_file::due_at, case_file::id))
            .limit(limit)
            .select((case_file::id, case_file::due_at, case_file::body))
            .into_boxed();
        if let Some((due, id)) = after {
            query = query
                .filter(case_file::due_at.gt(due).or(case_file::due_at.eq(due).and(case_file::id.gt(id.to_string()))));
        }
        let rows: Vec<(String, Option<i64>, String)> = query.load(self.conn)?;
        let full = i64::try_from(rows.len()).unwrap_or(i64::MAX) >= limit;
        let next = match rows.last() {
            Some((id, Some(due), _)) if full => Some((*due, facts::id(id)?)),
            _ => None,
        };
        let mut wanted: Vec<(Reminder, Vec<String>)> = Vec::new();
        for (_, _, body) in rows {
            let case: CaseFile =
                serde_json::from_str(&body).map_err(|_| Error::Damaged("a case cannot be read".into()))?;
            let Some(kind) = register.case_kind(&case.kind) else {
                continue;
            };
            if let Some(stage) = Stage::of(&register, kind, &case, now) {
                let keys = reminded(kind).into_iter().map(|whom| stage.key(&case, whom)).collect();
                wanted.push((Reminder { case_id: case.id, kind: case.kind }, keys));
            }
        }
        let keys: Vec<&String> = wanted.iter().flat_map(|(_, keys)| keys).collect();
        let queued: Vec<Option<String>> = outbox::table
            .filter(outbox::register.eq(register.name()))
            .filter(outbox::stage.eq_any(keys))
            .select(outbox::stage)
            .load(self.conn)?;
        let queued: std::collections::HashSet<String> = queued.into_iter().flatten().collect();
        wanted.retain(|(_, keys)| keys.iter().any(|key| !queued.contains(key)));
        Ok((wanted.into_iter().map(|(reminder, _)| reminder).collect(), next))
    }

    /// What stands by, register by register: figures only.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) fn standing(&mut self) -> Result<Vec<Standing>, Error> {
        let names = self.sending();
        let letters: Vec<(String, String, i64)> = outbox::table
            .filter(outbox::register.eq_any(&names))
            .filter(outbox::state.eq_any(["queued", "dead"]))
            .group_by((outbox::register, outbox::state))
            .select((outbox::register, outbox::state, count_star()))
            .load(self.conn)?;
        let overdue: Vec<(String, i64)> = case_file::table
            .filter(case_file::register.eq_any(&names))
            .filter(case_file::closed_at.is_null())
            .filter(case_file::due_at.le(micros(self.now)))
            .group_by(case_file::register)
            .select((case_file::register, count_star()))
            .load(self.conn)?;
        let letters_of = |register: &str, state: &str| {
            letters.iter().find(|(r, s, _)| r == register && s == state).map_or(0, |(_, _, count)| *count)
        };
        Ok(names
            .into_iter()
            .map(|register| Standing {
                queued: letters_of(&register, "queued"),
                dead: letters_of(&register, "dead"),
                overdue: overdue.iter().find(|(r, _)| *r == register).map_or(0, |(_, count)| *count),
                register,
            })
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn of_an_address_only_its_first_character_and_its_domain_are_shown() {
        assert_eq!(masked("mari.maasikas@example.ee"), "m***@example.ee");
        assert_eq!(masked("õ@example.ee"), "õ***@example.ee");
        assert_eq!(masked("nonsense"), "n***@");
    }
}
