//! Cases: lists and single ones with their steps.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use diesel::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::records::Page;
use crate::domain::access::rights::CaseCoordinates;
use crate::domain::access::{Action, Actor};
use crate::domain::calendar::{instant, rfc3339};
use crate::domain::case::CaseFile;
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::domain::statute::procedures::Procedure;
use crate::store::error::Error;
use crate::store::facts;
use crate::store::guard::{CaseRead, Permit, Sealed};
use crate::store::schema::{case_file, case_step};
use crate::store::tx::Tx;

/// A case as it is shown.
#[derive(Debug, Clone, Serialize)]
pub struct CaseView {
    /// The case.
    #[serde(flatten)]
    pub case: CaseFile,
    /// Register.
    pub register: String,
    /// Procedure that its kind follows.
    pub procedure: Procedure,
    /// Whether its time has run out without an end.
    pub overdue: bool,
    /// What the screens show beside it.
    #[serde(skip)]
    pub beside: CaseBeside,
}

/// What the screens show beside a case.
#[derive(Debug, Clone, Default)]
pub struct CaseBeside {
    /// What the institution concerned is called.
    pub institution: Option<String>,
    /// User name of who opened it, or the name of the job.
    pub opener: String,
    /// Whether the reader opened it.
    pub mine: bool,
}

/// What the reader of a case may do with it, by the policies alone: for what is offered, never for what is done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CaseLeave {
    /// Say something as one concerned.
    pub respond: bool,
    /// Take it forward.
    pub handle: bool,
    /// Decide it.
    pub decide: bool,
    /// Release what was granted on it.
    pub release: bool,
}

/// A case with everything that was done.
#[derive(Debug, Clone, Serialize)]
pub struct CaseInFull {
    /// The case.
    #[serde(flatten)]
    pub view: CaseView,
    /// Its steps, first to last, the opening first.
    pub history: Vec<StepView>,
    /// What the reader may do with it.
    #[serde(skip)]
    pub may: CaseLeave,
}

/// A step as it is shown.
#[derive(Debug, Clone, Serialize)]
pub struct StepView {
    /// Number, from 1.
    pub number: i64,
    /// What.
    pub act: String,
    /// When.
    pub made_at: String,
    /// Who: a user name, or a job.
    pub made_by: String,
    /// What was said and decided.
    pub body: Value,
    /// Its entry in the log.
    pub audit_id: Uuid,
}

/// What of the cases is asked for.
#[derive(Debug, Clone, Default)]
pub struct CaseQuery {
    /// Only of these kinds; empty: all.
    pub kinds: Vec<String>,
    /// Only those that stand so.
    pub state: Option<String>,
    /// Only those whose time has run out.
    pub overdue: bool,
    /// Only those due until this day.
    pub due_until: Option<NaiveDate>,
    /// Only about this record.
    pub record_id: Option<Uuid>,
    /// Only those that the caller opened.
    pub mine: bool,
    /// At most so many.
    pub limit: i64,
    /// From the last page.
    pub before: Option<Uuid>,
}

/// What of the cases an actor may read.
struct Reach {
    /// Kinds of which they may read every case.
    all: Vec<String>,
    /// Kinds of which they may read an institution's.
    of_institution: Vec<(String, String)>,
    /// Kinds of which they may read those that they opened.
    own: Vec<String>,
    /// Kinds of which they may read those that they opened about themselves.
    own_about_self: Vec<String>,
    /// Kinds of which they may read those about themselves, whoever opened them.
    about_self: Vec<String>,
}

fn reach(register: &Register, actor: &Actor, kinds: &[String], purpose_given: bool) -> Reach {
    let mut reach = Reach {
        all: Vec::new(),
        of_institution: Vec::new(),
        own: Vec::new(),
        own_about_self: Vec::new(),
        about_self: Vec::new(),
    };
    let institutions: BTreeSet<Uuid> = actor.grants.iter().filter_map(|g| g.institution_id).collect();
    let wanted = register.definition.cases.iter().filter(|c| kinds.is_empty() || kinds.contains(&c.name));
    for kind in wanted {
        let may = |institution_id: Option<Uuid>, party: bool, about_self: bool| {
            let at = CaseCoordinates { institution_id, party, about_self, purpose_given };
            actor.case(&register.policies, &register.definition, Action::CaseRead, &kind.name, at).decision.permitted
        };
        if may(None, false, false) {
            reach.all.push(kind.name.clone());
            continue;
        }
        for institution in institutions.iter().filter(|i| may(Some(**i), false, false)) {
            reach.of_institution.push((kind.name.clone(), institution.to_string()));
        }
        if may(None, true, false) {
            reach.own.push(kind.name.clone());
        } else if may(None, true, true) {
            reach.own_about_self.push(kind.name.clone());
        }
        if may(None, false, true) {
            reach.about_self.push(kind.name.clone());
        }
    }
    reach
}

impl<'tx> Tx<'tx> {
    /// Cases that the caller may read, newest first. Nobody is refused: whoever may read none sees none.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for an unknown register or kind, [`Refusal::Unauthenticated`].
    pub fn case_list(&mut self, register: &str, query: &CaseQuery) -> Result<Sealed<'tx, Page<CaseView>>, Error> {
        let register = self.register(register)?;
        if query.kinds.iter().any(|k| register.case_kind(k).is_none()) {
            return Err(Refusal::NotFound { what: "kind of case" }.into());
        }
        let actor = self.actor(&register)?;
        let reach = reach(&register, &actor, &query.kinds, self.cx.purpose.is_some());
        let me = actor.user_id.map_or_else(|| actor.name.clone(), |u| u.to_string());
        let mut cases = case_file::table
            .filter(case_file::register.eq(register.name()))
            .order(case_file::id.desc())
            .limit(query.limit + 1)
            .select(case_file::body)
            .into_boxed();
        let own = case_file::kind.eq_any(reach.own).and(case_file::opened_by.eq(me.clone()));
        // A kind and an institution are matched in pairs: a grant may open a kind in one school and not in another.
        let pairs: Vec<String> = reach.of_institution.iter().map(|(k, i)| format!("{k}\u{1f}{i}")).collect();
        let in_pairs = case_file::kind
            .concat("\u{1f}")
            .concat(diesel::dsl::sql::<diesel::sql_types::Text>("coalesce(case_file.institution_id, '')"))
            .eq_any(pairs);
        // Who is no party needs a record about them; those are few, and looked for only where it matters.
        let about_me: Vec<String> = match reach.own_about_self.is_empty() && reach.about_self.is_empty() {
            true => Vec::new(),
            false => {
                let found =
                    self.own_records(&[register.name().to_owned()], actor.personal_code.as_deref(), &actor.name)?;
                found.into_iter().map(|r| r.id.to_string()).collect()
            }
        };
        let own_about_me = case_file::kind
            .eq_any(reach.own_about_self)
            .and(case_file::opened_by.eq(me.clone()))
            .and(case_file::record_id.eq_any(about_me.clone()).assume_not_null());
        let of_me =
            case_file::kind.eq_any(reach.about_self).and(case_file::record_id.eq_any(about_me).assume_not_null());
        cases = cases.filter(case_file::kind.eq_any(reach.all).or(own).or(in_pairs).or(own_about_me).or(of_me));
        if query.mine {
            cases = cases.filter(case_file::opened_by.eq(me));
        }
        if let Some(state) = &query.state {
            cases = cases.filter(case_file::state.eq(state));
        }
        if query.overdue {
            let now = self.now.timestamp_micros();
            cases = cases.filter(case_file::closed_at.is_null()).filter(case_file::due_at.le(now));
        }
        if let Some(day) = query.due_until {
            let zone = register.definition.register.time_zone;
            let end = crate::domain::calendar::end_of_day(day, zone).map_or(i64::MAX, |at| at.timestamp_micros());
            cases = cases.filter(case_file::closed_at.is_null()).filter(case_file::due_at.le(end));
        }
        if let Some(record) = query.record_id {
            cases = cases.filter(case_file::record_id.eq(record.to_string()));
        }
        if let Some(before) = query.before {
            cases = cases.filter(case_file::id.lt(before.to_string()));
        }
        let bodies: Vec<String> = cases.load(self.conn)?;
        let limit = usize::try_from(query.limit).unwrap_or(0);
        let more = bodies.len() > limit;
        let mut items: Vec<CaseView> = bodies
            .iter()
            .take(limit)
            .map(|body| {
                let case = serde_json::from_str(body).map_err(|_| Error::Damaged("a case cannot be read".into()))?;
                self.case_view(&register, case)
            })
            .collect::<Result<_, Error>>()?;
        self.beside_cases(&register, &mut items)?;
        let next_cursor = more.then(|| items.last().map(|v| v.case.id.to_string())).flatten();
        let ruling = actor.register(&register.policies, &register.definition, Action::AuditRead, None, false);
        let mut event = self.event(&register, Action::CaseRead, &actor, &ruling);
        "case.list".clone_into(&mut event.action);
        (event.clause, event.policy) = (None, None);
        event.record_ids = items.iter().filter_map(|v| v.case.record_id).collect::<BTreeSet<_>>().into_iter().collect();
        event.detail = Some(json!({ "case_ids": items.iter().map(|v| v.case.id).collect::<Vec<_>>() }));
        Ok(Sealed::new(Page { items, next_cursor }, Some(event)))
    }

    /// A case with its steps.
    ///
    /// # Errors
    /// Those of the database.
    pub fn case_read(&mut self, permit: Permit<'tx, CaseRead>) -> Result<Sealed<'tx, CaseInFull>, Error> {
        type Row = (i64, String, i64, String, String, String);
        let register = permit.register.clone();
        let case = *permit.case.ok_or(Refusal::NotFound { what: "case" })?;
        let rows: Vec<Row> = case_step::table
            .filter(case_step::register.eq(register.name()))
            .filter(case_step::case_id.eq(case.id.to_string()))
            .order(case_step::number)
            .limit(1_000)
            .select((
                case_step::number,
                case_step::act,
                case_step::made_at,
                case_step::made_by,
                case_step::body,
                case_step::audit_id,
            ))
            .load(self.conn)?;
        let names = self.usernames(rows.iter().map(|r| r.3.clone()).collect())?;
        let history = rows
            .into_iter()
            .map(|(number, act, made_at, made_by, body, audit_id)| {
                Ok(StepView {
                    number,
                    act,
                    made_at: rfc3339(instant(made_at)),
                    made_by: names.get(&made_by).cloned().unwrap_or(made_by),
                    body: facts::json(&body)?,
                    audit_id: facts::id(&audit_id)?,
                })
            })
            .collect::<Result<_, Error>>()?;
        let actor = self.actor(&register)?;
        let kind = register.case_kind(&case.kind).ok_or(Refusal::NotFound { what: "case" })?;
        let event = self.case_event(&register, Action::CaseRead, &actor, &permit.ruling, kind, Some(&case));
        let may = self.case_leave(&register, &case, permit.facts.as_ref())?;
        let mut views = [self.case_view(&register, case)?];
        self.beside_cases(&register, &mut views)?;
        let [view] = views;
        Ok(Sealed::new(CaseInFull { view, history, may }, Some(event)))
    }

    /// What the caller may do with a case.
    pub(in crate::store) fn case_leave(
        &mut self,
        register: &Register,
        case: &CaseFile,
        facts: Option<&facts::RecordFacts>,
    ) -> Result<CaseLeave, Error> {
        let actor = self.actor(register)?;
        let at = self.case_coordinates(register, &actor, case, facts);
        let (policies, definition) = (&register.policies, &register.definition);
        let may = |action: Action| actor.case(policies, definition, action, &case.kind, at).decision.permitted;
        let given = self.cx.purpose.is_some();
        let handle = may(Action::CaseHandle);
        Ok(CaseLeave {
            respond: handle || may(Action::CaseRespond),
            handle,
            decide: may(Action::CaseDecide),
            release: actor
                .register(policies, definition, Action::DisclosureRelease, Some(case.institution_id), given)
                .decision
                .permitted,
        })
    }

    /// Names of the institutions concerned and of who opened the cases.
    fn beside_cases(&mut self, register: &Register, views: &mut [CaseView]) -> Result<(), Error> {
        let actor = self.actor(register)?;
        let institutions = views.iter().filter_map(|v| v.case.institution_id).collect();
        let institutions = self.institution_titles_of(register, &institutions)?;
        let names = self.usernames(views.iter().map(|v| v.case.opened_by.clone()).collect())?;
        for view in views {
            let by = &view.case.opened_by;
            view.beside = CaseBeside {
                institution: view.case.institution_id.and_then(|i| institutions.get(&i).cloned()),
                opener: names.get(by).cloned().unwrap_or_else(|| by.clone()),
                mine: actor.user_id.is_some_and(|user| user.to_string() == *by),
            };
        }
        Ok(())
    }

    pub(in crate::store) fn case_view(&self, register: &Register, case: CaseFile) -> Result<CaseView, Error> {
        let kind = register.case_kind(&case.kind);
        let kind = kind.ok_or_else(|| Error::Damaged("a case of a kind that no definition has".into()))?;
        Ok(CaseView {
            overdue: case.is_overdue(self.now),
            register: register.name().to_owned(),
            procedure: kind.procedure,
            beside: CaseBeside::default(),
            case,
        })
    }
}
