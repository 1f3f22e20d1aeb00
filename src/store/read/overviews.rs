//! Overviews: one walk over the active records of a type, of which only numbers leave.

use std::collections::HashMap;

use serde_json::json;
use uuid::Uuid;

use super::active::each_page_of;
use crate::domain::access::{Action, Coordinates};
use crate::domain::publication::overview::{OverviewView, Plan, Tally};
use crate::domain::record::index::Status;
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::domain::statute::procedures::Overview;
use crate::store::error::Error;
use crate::store::facts;
use crate::store::guard::{Permit, RecordList, Sealed};
use crate::store::tx::Tx;

/// The overview of the definition called `name`.
pub(in crate::store) fn overview_named<'r>(register: &'r Register, name: &str) -> Result<&'r Overview, Error> {
    let found = register.definition.register.overviews.iter().find(|o| o.name == name);
    Ok(found.ok_or(Refusal::NotFound { what: "overview" })?)
}

impl<'tx> Tx<'tx> {
    /// Leave to make an overview: whoever may list the records may count them.
    ///
    /// # Errors
    /// [`Refusal::NotFound`]; [`Refusal::Forbidden`] with the clause.
    pub fn authorize_overview(
        &mut self,
        register: &str,
        name: &str,
        institution: Option<Uuid>,
    ) -> Result<Permit<'tx, RecordList>, Error> {
        let definition = self.register(register)?;
        let record_type = overview_named(&definition, name)?.record_type.clone();
        self.authorize_list(register, &record_type, institution)
    }

    /// An overview as of today over the active records that the asker may list, all of an institution's or of all. A
    /// record counts where the asker may list and read every section that the overview takes values from.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] where the definition gives none.
    pub fn overview(
        &mut self,
        permit: Permit<'tx, RecordList>,
        name: &str,
        institution: Option<Uuid>,
        language: &str,
    ) -> Result<Sealed<'tx, OverviewView>, Error> {
        let register = permit.register.clone();
        let source = overview_named(&register, name)?;
        let plan = Plan::of(&register.definition, source).ok_or_else(|| Refusal::Conflict {
            code: "definition",
            detail: "a field of the overview's definition leads nowhere, or cannot be grouped or summed".into(),
            clause: Some(source.clause.clone()),
        })?;
        let actor = self.actor(&register)?;
        let day = self.today(&register);
        let only = match (self.list_reach(&register, plan.kind(), &actor), institution) {
            (None, one) => one.map(|one| vec![one.to_string()]),
            (Some(own), None) => Some(own.iter().map(Uuid::to_string).collect()),
            (Some(own), Some(one)) => Some(own.iter().filter(|i| **i == one).map(Uuid::to_string).collect()),
        };
        let purpose_given = self.cx.purpose.is_some();
        let sections = plan.sections();
        let sees = |institution: &str| -> Result<bool, Error> {
            let institution_id = Some(facts::id(institution)?);
            let at = Coordinates { institution_id, about_self: false, status: Status::Active, purpose_given };
            Ok(sections.iter().all(|(kind, section)| {
                [Action::RecordList, Action::RecordRead].into_iter().all(|action| {
                    let rights = actor.sections(&register.policies, &register.definition, kind, action, &at);
                    rights.permitted.contains_key(section)
                })
            }))
        };
        let mut tally = Tally::new(&plan);
        let mut rights: HashMap<String, bool> = HashMap::new();
        let needs = |data: &serde_json::Value, institution: &str| plan.needs(data, institution);
        each_page_of(self.conn, &register, plan.kind(), day, only.as_deref(), &needs, &mut |page, others| {
            for record in &page {
                let seen = match rights.get(&record.institution_id) {
                    Some(seen) => *seen,
                    None => {
                        let seen = sees(&record.institution_id)?;
                        rights.insert(record.institution_id.clone(), seen);
                        seen
                    }
                };
                if seen {
                    tally.add(&plan, &record.institution_id, &record.data, others, day);
                } else {
                    tally.hide();
                }
            }
            Ok(())
        })?;
        let mut event = self.event(&register, Action::RecordList, &actor, &permit.ruling);
        "record.overview".clone_into(&mut event.action);
        event.record_type = Some(plan.kind().name.clone());
        event.sections = sections.iter().filter(|(k, _)| k.name == plan.kind().name).map(|(_, s)| s.clone()).collect();
        event.fields = plan.fields();
        event.institution_id = institution;
        let view = plan.view(tally, day, institution, language);
        event.detail = Some(json!({ "overview": name, "as_of": day, "records": view.total.records }));
        Ok(Sealed::new(view, Some(event)))
    }
}
