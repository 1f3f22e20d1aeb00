//! Statistical reports: what there are and when they are due, and the tables. No value of any record leaves from here,
//! only what [`crate::domain::publication::statistics`] lets through.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::NaiveDate;
use diesel::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};

use super::active::each_page;
use super::records::Page;
use crate::domain::access::Action;
use crate::domain::audit::{Event, Kind};
use crate::domain::calendar::{instant, rfc3339};
use crate::domain::publication::report::{Plan, ReportView, Tally};
use crate::domain::publication::statistics::{Report, TableFault, safe_against};
use crate::domain::refusal::Refusal;
use crate::domain::registers::Register;
use crate::domain::statute::Clause;
use crate::domain::statute::procedures::ReportDefinition;
use crate::store::error::Error;
use crate::store::facts;
use crate::store::guard::{Permit, ReportRun, Sealed};
use crate::store::schema::{disclosure, report_delivery};
use crate::store::tx::Tx;

/// A report of the definition, and when it is due.
#[derive(Debug, Clone, Serialize)]
pub struct ReportLine {
    /// Name.
    pub name: String,
    /// What people read.
    pub label: String,
    /// Clause.
    pub clause: Clause,
    /// Class of recipients that gets it.
    pub recipient: String,
    /// Record type that is counted.
    pub record_type: String,
    /// Paths by which it is grouped.
    pub group_by: Vec<String>,
    /// Names of what is computed beside the count.
    pub measures: Vec<String>,
    /// Cells over fewer are hidden.
    pub threshold: u64,
    /// How often it is due, as the definition writes it; nothing when only on request.
    pub every: Option<String>,
    /// How often it has been delivered.
    pub deliveries: i64,
    /// When it was delivered last.
    pub last_delivered_at: Option<String>,
    /// The day as of which it was delivered last.
    pub last_as_of: Option<NaiveDate>,
    /// The day by which it is due next; today for one that has never been delivered.
    pub next_due: Option<NaiveDate>,
    /// Whether that day has passed.
    pub overdue: bool,
}

/// The last delivery of a report.
pub(in crate::store) struct LastDelivery {
    pub number: i64,
    pub body: Value,
}

/// The report of the definition called `name`.
pub(in crate::store) fn report_named<'r>(register: &'r Register, name: &str) -> Result<&'r ReportDefinition, Error> {
    let found = register.definition.register.reports.iter().find(|r| r.name == name);
    Ok(found.ok_or(Refusal::NotFound { what: "report" })?)
}

/// Its paths, read.
pub(in crate::store) fn plan<'r>(register: &'r Register, source: &'r ReportDefinition) -> Result<Plan<'r>, Error> {
    let plan = Plan::of(&register.definition, source).ok_or_else(|| Refusal::Conflict {
        code: "definition",
        detail: "a field of the report's definition leads nowhere, or cannot be grouped or summed".into(),
        clause: Some(source.clause.clone()),
    })?;
    Ok(plan)
}

/// A table that may leave, and over how many records it was made.
pub(in crate::store) struct Made {
    pub table: Report,
    pub records: u64,
}

impl<'tx> Tx<'tx> {
    /// The reports of the definition.
    ///
    /// # Errors
    /// Those of the database.
    pub fn report_list(
        &mut self,
        permit: Permit<'tx, ReportRun>,
        language: &str,
    ) -> Result<Sealed<'tx, Page<ReportLine>>, Error> {
        let register = permit.register.clone();
        let today = self.today(&register);
        let last = self.last_deliveries(register.name())?;
        let lines = register.definition.register.reports.iter().map(|r| {
            let delivered = last.get(&r.name);
            let last_as_of = delivered.map(|d| d.1);
            let next_due = r.every.map(|every| match last_as_of {
                Some(day) => every.due(day, &register.calendar).map_or(today, |end| end.due),
                None => today,
            });
            ReportLine {
                name: r.name.clone(),
                label: r.label.in_language(language).to_owned(),
                clause: r.clause.clone(),
                recipient: r.recipient.clone(),
                record_type: r.record_type.clone(),
                group_by: r.group_by.clone(),
                measures: r.measures.iter().map(|m| m.name.clone()).collect(),
                threshold: r.threshold,
                every: r.every.map(|t| t.to_string()),
                deliveries: delivered.map_or(0, |d| d.0),
                last_delivered_at: delivered.map(|d| rfc3339(instant(d.2))),
                last_as_of,
                next_due,
                overdue: next_due.is_some_and(|day| day < today),
            }
        });
        let items = lines.collect();
        let actor = self.actor(&register)?;
        let mut event = self.event(&register, Action::ReportRun, &actor, &permit.ruling);
        "report.list".clone_into(&mut event.action);
        event.kind = Kind::Read;
        Ok(Sealed::new(Page { items, next_cursor: None }, Some(event)))
    }

    /// A report as it would be delivered now.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], [`Refusal::Invalid`] for a day that is still to come, [`Refusal::Conflict`] where the
    /// definition gives no table.
    pub fn report_run(
        &mut self,
        permit: Permit<'tx, ReportRun>,
        name: &str,
        as_of: Option<NaiveDate>,
        language: &str,
    ) -> Result<Sealed<'tx, ReportView>, Error> {
        let register = permit.register.clone();
        let source = report_named(&register, name)?;
        let day = self.report_day(&register, source, as_of)?;
        let plan = plan(&register, source)?;
        let last = self.last_delivery(register.name(), name)?;
        let made = self.report_made(&register, source, &plan, day, last.as_ref())?;
        let mut event = self.report_event(&register, &permit, &plan)?;
        event.kind = Kind::Read;
        event.detail = Some(json!({ "report": name, "as_of": day, "records": made.records }));
        Ok(Sealed::new(plan.view(made.table, day, language), Some(event)))
    }

    /// The event of a report: which sections it took values from, and of no single record, since none is told apart.
    pub(in crate::store) fn report_event(
        &mut self,
        register: &Arc<Register>,
        permit: &Permit<'tx, ReportRun>,
        plan: &Plan<'_>,
    ) -> Result<Event, Error> {
        let actor = self.actor(register)?;
        let mut event = self.event(register, Action::ReportRun, &actor, &permit.ruling);
        event.record_type = Some(plan.kind().name.clone());
        event.sections = plan.sections();
        event.fields = plan.fields();
        Ok(event)
    }

    /// The day as of which a report is made.
    pub(in crate::store) fn report_day(
        &self,
        register: &Register,
        source: &ReportDefinition,
        as_of: Option<NaiveDate>,
    ) -> Result<NaiveDate, Error> {
        let today = self.today(register);
        let day = as_of.unwrap_or(today);
        if day > today {
            let detail = "a report tells of what has been: this day is still to come";
            return Err(Refusal::invalid("/as_of", "future", detail, Some(source.clause.clone())).into());
        }
        Ok(day)
    }

    /// Counts the records active on `day` and hides what tells of too few, also beside the last delivery.
    pub(in crate::store) fn report_made(
        &mut self,
        register: &Register,
        source: &ReportDefinition,
        plan: &Plan<'_>,
        day: NaiveDate,
        last: Option<&LastDelivery>,
    ) -> Result<Made, Error> {
        let no_table = |fault: TableFault| -> Error {
            let clause = Some(source.clause.clone());
            Refusal::Conflict { code: "no_table", detail: fault.to_string(), clause }.into()
        };
        let mut tally = Tally::default();
        let needs = |data: &Value, institution: &str| plan.needs(data, institution);
        each_page(self.conn, register, plan.kind(), day, &needs, &mut |page, others| {
            page.iter()
                .try_for_each(|r| tally.add(plan, &r.record_id, &r.institution_id, &r.data, others).map_err(no_table))
        })?;
        let records = tally.records();
        let mut table = tally.table(plan).map_err(no_table)?;
        if let Some(last) = last {
            let sent: Report = serde_json::from_value(last.body["table"].clone())
                .map_err(|_| Error::Damaged("a delivered report cannot be read".into()))?;
            table = safe_against(&sent, &table, source.threshold);
        }
        Ok(Made { table, records })
    }

    /// The last delivery of a report.
    pub(in crate::store) fn last_delivery(
        &mut self,
        register: &str,
        report: &str,
    ) -> Result<Option<LastDelivery>, Error> {
        let row: Option<(i64, String)> = report_delivery::table
            .inner_join(
                disclosure::table.on(disclosure::register
                    .eq(report_delivery::register)
                    .and(disclosure::id.eq(report_delivery::disclosure_id))),
            )
            .filter(report_delivery::register.eq(register))
            .filter(report_delivery::report.eq(report))
            .order(report_delivery::number.desc())
            .select((report_delivery::number, disclosure::body))
            .first(self.conn)
            .optional()?;
        row.map(|(number, body)| Ok(LastDelivery { number, body: facts::json(&body)? })).transpose()
    }

    /// Of each report that was ever delivered: how often, the day of the last, and when that was.
    fn last_deliveries(&mut self, register: &str) -> Result<HashMap<String, (i64, NaiveDate, i64)>, Error> {
        let numbers: Vec<(String, Option<i64>)> = report_delivery::table
            .filter(report_delivery::register.eq(register))
            .group_by(report_delivery::report)
            .select((report_delivery::report, diesel::dsl::max(report_delivery::number)))
            .load(self.conn)?;
        let last: Vec<i64> = numbers.iter().filter_map(|(_, n)| *n).collect();
        let rows: Vec<(String, i64, String, i64)> = report_delivery::table
            .inner_join(
                disclosure::table.on(disclosure::register
                    .eq(report_delivery::register)
                    .and(disclosure::id.eq(report_delivery::disclosure_id))),
            )
            .filter(report_delivery::register.eq(register))
            .filter(report_delivery::number.eq_any(last))
            .select((report_delivery::report, report_delivery::number, report_delivery::as_of, disclosure::released_at))
            .load(self.conn)?;
        rows.into_iter()
            .filter(|(report, number, _, _)| numbers.contains(&(report.clone(), Some(*number))))
            .map(|(report, number, as_of, at)| Ok((report, (number, facts::day(&as_of)?, at))))
            .collect()
    }
}
