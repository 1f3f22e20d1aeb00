//! Who looked at what is kept about oneself.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::me::MyRecord;
use super::records::Page;
use super::report::bound;
use crate::domain::audit::Kind;
use crate::domain::audit::event::Who;
use crate::domain::calendar::{instant, rfc3339};
use crate::domain::refusal::Refusal;
use crate::domain::statute::procedures::Procedure;
use crate::store::context::INSTALLATION_REGISTER;
use crate::store::error::Error;
use crate::store::facts;
use crate::store::guard::Sealed;
use crate::store::log;
use crate::store::schema::case_file;
use crate::store::tx::Tx;

/// Entries that a page looks at: some are not shown.
const WINDOW: i64 = 1_000;

/// An access to records about the caller.
///
/// It says when, what, in which role, for what purpose and on which clause, but not who: people have a right to know
/// of each consultation of their data, its date and its purposes, and not the identity of the employees who made it
/// under their employer's authority (GDPR Art. 15 (1); CJEU C-579/21, *Pankki S*, 22 June 2023).
#[derive(Debug, Clone, Serialize)]
pub struct MyAccess {
    /// Id of its entry in the log.
    pub id: Uuid,
    /// Register.
    pub register: String,
    /// The caller's records that it named.
    pub record_ids: Vec<Uuid>,
    /// When.
    pub recorded_at: String,
    /// Coarse kind.
    pub kind: String,
    /// What.
    pub action: String,
    /// In which role. `None` once the entry's words are erased, as for what follows.
    pub role: Option<String>,
    /// What for.
    pub purpose: Option<String>,
    /// Institution concerned.
    pub institution_id: Option<Uuid>,
    /// By which clause.
    pub clause: Option<String>,
    /// Which sections.
    pub sections: Vec<String>,
    /// Whether it was the caller.
    pub own: bool,
}

/// An investigation that postpones what its subject may see.
struct Investigation {
    case_id: String,
    record_id: String,
    opened_at: i64,
    hides: Vec<String>,
}

impl Investigation {
    /// Whether the entry is one that must wait: made in a role that the case hides since it was opened, or about the
    /// case itself, which would betray it.
    fn postpones(&self, row: &Row, event: &Value, named: &BTreeSet<&str>) -> bool {
        let role = event.get("role").and_then(Value::as_str);
        let hidden = role.is_none_or(|r| self.hides.iter().any(|h| h == r));
        let since = row.recorded_at >= self.opened_at && named.contains(self.record_id.as_str()) && hidden;
        since || event["detail"]["case_id"].as_str() == Some(&self.case_id)
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    register: String,
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = BigInt)]
    recorded_at: i64,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    action: String,
    #[diesel(sql_type = Text)]
    decision: String,
    #[diesel(sql_type = Nullable<Text>)]
    actor_id: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    body: Option<String>,
}

impl<'tx> Tx<'tx> {
    /// Accesses to the records about the caller, newest first. What was refused showed nothing and is not among them.
    /// A page may be short although there are more: then it has a cursor.
    ///
    /// # Errors
    /// [`Refusal::Unauthenticated`].
    pub fn my_accesses(&mut self, before: Option<Uuid>, limit: i64) -> Result<Sealed<'tx, Page<MyAccess>>, Error> {
        let user = self.user()?.ok_or(Refusal::Unauthenticated)?;
        let registers: Vec<String> = self.registers.names().map(str::to_owned).collect();
        let own = self.own_records(&registers, user.personal_code.as_deref(), &user.username)?;
        let who = Who { user_id: Some(user.id), name: user.username.clone() };
        let mut event = log::draft(INSTALLATION_REGISTER, Kind::Read, "me.accesses", who);
        event.record_ids = own.iter().map(|r| r.id).collect();
        event.purpose.clone_from(&self.cx.purpose);
        event.request_id.clone_from(&self.cx.request_id);
        let rows = self.accesses_to(&own, before)?;
        let investigations = self.investigations(&own)?;
        let none = Vec::new();
        let limit = usize::try_from(limit).unwrap_or(0);
        let full = i64::try_from(rows.len()).is_ok_and(|n| n >= WINDOW);
        let mut items: Vec<MyAccess> = Vec::new();
        let (mut last, mut more) = (None, full);
        for row in rows {
            if items.len() >= limit {
                more = true;
                break;
            }
            last = Some(row.id.clone());
            let event = row.body.as_deref().map(facts::json).transpose()?.unwrap_or(Value::Null);
            let named: BTreeSet<&str> =
                event["record_ids"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let cases = investigations.get(&row.register).unwrap_or(&none);
            if row.decision == "denied" || cases.iter().any(|c| c.postpones(&row, &event, &named)) {
                continue;
            }
            items.push(shown(&row, &event, &named, &own, user.id)?);
        }
        let next_cursor = last.filter(|_| more);
        Ok(Sealed::new(Page { items, next_cursor }, Some(event)))
    }

    /// The newest entries that name these records, with one query that walks the list of each.
    fn accesses_to(&mut self, own: &[MyRecord], before: Option<Uuid>) -> Result<Vec<Row>, Error> {
        if own.is_empty() {
            return Ok(Vec::new());
        }
        let mut binds: Vec<String> = Vec::new();
        let mut bind = |value: String| {
            binds.push(value);
            format!("${}", binds.len())
        };
        let before = before.map(|b| bind(b.to_string()));
        let lists: Vec<String> = own
            .iter()
            .enumerate()
            .map(|(n, r)| {
                let (register, record) = (bind(r.register.clone()), bind(r.id.to_string()));
                let before = before.as_ref().map_or_else(String::new, |b| format!(" AND event_id < {b}"));
                format!(
                    "SELECT register, event_id FROM (SELECT register, event_id FROM audit_subject WHERE register = \
                     {register} AND record_id = {record}{before} ORDER BY event_id DESC LIMIT {WINDOW}) l{n}"
                )
            })
            .collect();
        let sql = format!(
            "SELECT u.register, u.event_id AS id, e.recorded_at, e.kind, e.action, e.decision, e.actor_id, p.body FROM \
             (SELECT register, event_id FROM ({}) x ORDER BY event_id DESC LIMIT {WINDOW}) u \
             JOIN audit_event e ON e.register = u.register AND e.id = u.event_id \
             LEFT JOIN audit_payload p ON p.register = u.register AND p.event_id = u.event_id \
             ORDER BY u.event_id DESC",
            lists.join(" UNION ")
        );
        Ok(bound(&sql, &binds).load(self.conn)?)
    }

    /// Open investigations about these records, by register.
    fn investigations(&mut self, own: &[MyRecord]) -> Result<HashMap<String, Vec<Investigation>>, Error> {
        let mut hides: HashMap<(String, String), Vec<String>> = HashMap::new();
        let registers: BTreeSet<&str> = own.iter().map(|r| r.register.as_str()).collect();
        for register in &registers {
            for version in self.registers.versions(register) {
                let kinds = version.definition.cases.iter().filter(|c| c.procedure == Procedure::Investigation);
                for kind in kinds {
                    // A role that any version hides is hidden.
                    let roles = hides.entry(((*register).to_owned(), kind.name.clone())).or_default();
                    roles.extend(kind.hides.iter().cloned());
                }
            }
        }
        if hides.is_empty() {
            return Ok(HashMap::new());
        }
        let records: BTreeSet<String> = own.iter().map(|r| r.id.to_string()).collect();
        let rows: Vec<(String, String, String, Option<String>, i64)> = case_file::table
            .filter(case_file::register.eq_any(registers))
            .filter(case_file::record_id.eq_any(records))
            .filter(case_file::closed_at.is_null())
            .select((case_file::register, case_file::id, case_file::kind, case_file::record_id, case_file::opened_at))
            .load(self.conn)?;
        let mut found: HashMap<String, Vec<Investigation>> = HashMap::new();
        for (register, case_id, kind, record_id, opened_at) in rows {
            let roles = hides.get(&(register.clone(), kind));
            if let (Some(roles), Some(record_id)) = (roles, record_id) {
                let case = Investigation { case_id, record_id, opened_at, hides: roles.clone() };
                found.entry(register).or_default().push(case);
            }
        }
        Ok(found)
    }
}

fn shown(row: &Row, event: &Value, named: &BTreeSet<&str>, own: &[MyRecord], caller: Uuid) -> Result<MyAccess, Error> {
    let text = |name: &str| event.get(name).and_then(Value::as_str).map(str::to_owned);
    let sections = event.get("sections").and_then(Value::as_array).into_iter().flatten();
    Ok(MyAccess {
        id: facts::id(&row.id)?,
        register: row.register.clone(),
        record_ids: own.iter().map(|r| r.id).filter(|id| named.contains(id.to_string().as_str())).collect(),
        recorded_at: rfc3339(instant(row.recorded_at)),
        kind: row.kind.clone(),
        action: row.action.clone(),
        role: text("role"),
        purpose: text("purpose"),
        institution_id: text("institution_id").as_deref().map(facts::id).transpose()?,
        clause: text("clause"),
        sections: sections.filter_map(Value::as_str).map(str::to_owned).collect(),
        own: row.actor_id.as_deref() == Some(caller.to_string().as_str()),
    })
}
