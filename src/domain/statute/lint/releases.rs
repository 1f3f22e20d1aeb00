//! Faults of what leaves the register (grounds of release, withheld data, reports) and of when rights end.

use super::derived::changes_by_itself;
use super::options::NUMBERS;
use super::register::is_day_of_every_year;
use super::{Lint, word};
use crate::domain::calendar::Term;
use crate::domain::publication::overview;
use crate::domain::publication::reach::Reach;
use crate::domain::statute::Label;
use crate::domain::statute::definition::{Field, FieldType, Index, Recipient, RecordType};
use crate::domain::statute::parse::{Place, REGISTER_FILE};
use crate::domain::statute::procedures::{OverviewMeasure, ReleaseGround, ReportDefinition};

/// Most fields by which a report is grouped.
const MOST_GROUPS: usize = 3;
/// Most fields by which an overview is grouped.
const MOST_BY: usize = 2;
/// Types of which there are few values, and known ones.
const GROUPED: &[FieldType] = &[FieldType::Code, FieldType::Boolean, FieldType::Country, FieldType::Language];

impl<'a> Lint<'a> {
    pub(super) fn releases(&mut self) {
        let root = Place::file(REGISTER_FILE);
        self.release_grounds(&root);
        self.withheld(&root);
        self.reports(&root);
        self.overviews(&root);
        self.leaver(&root.key("leaver"));
        self.recertification(&root.key("recertification"));
        if let Some(rule) = &self.definition.register.recipient_notice {
            self.clause(&root.key("recipient_notice").key("clause"), &rule.clause);
        }
        self.contracts(&root);
    }

    /// The grounds that recipients name, and their questions.
    fn release_grounds(&mut self, root: &Place) {
        let register = &self.definition.register;
        let grounds = &register.release_grounds;
        let named: Vec<&str> = grounds.iter().map(|g| g.name.as_str()).collect();
        for (index, recipient) in register.recipients.iter().enumerate() {
            let place = root.item("recipient", index);
            for (at, ground) in recipient.grounds.iter().enumerate() {
                self.known(&place.item("grounds", at), "ground of release", ground, &named);
            }
        }
        let names = grounds.iter().enumerate().map(|(i, g)| (g.name.as_str(), root.item("release_ground", i)));
        self.unique("ground of release", names);
        for (index, ground) in grounds.iter().enumerate() {
            let place = root.item("release_ground", index);
            self.machine_name(&place, &ground.name);
            self.label(&place.key("label"), &ground.label);
            self.clause(&place.key("clause"), &ground.clause);
            if !register.recipients.iter().any(|r| r.grounds.contains(&ground.name)) {
                self.fault(
                    &place,
                    format!("nobody may receive data on the ground `{}`", ground.name),
                    "Name it in `grounds` of a `[[recipient]]`, or remove it.",
                );
            }
            self.questions(ground, &place);
        }
    }

    fn questions(&mut self, ground: &ReleaseGround, place: &Place) {
        let refusals: Vec<&str> = self.definition.register.refusal_grounds.iter().map(|g| g.name.as_str()).collect();
        let questions = &ground.questions;
        let names = questions.iter().enumerate().map(|(i, q)| (q.name.as_str(), place.item("question", i)));
        self.unique("question", names);
        for (index, question) in questions.iter().enumerate() {
            let place = place.item("question", index);
            self.machine_name(&place, &question.name);
            self.label(&place.key("label"), &question.label);
            self.clause(&place.key("clause"), &question.clause);
            self.known(&place.key("otherwise"), "ground for refusal", &question.otherwise, &refusals);
        }
    }

    /// What is never released; and it is not published either.
    fn withheld(&mut self, root: &Place) {
        let types = self.record_type_names();
        for (index, withheld) in self.definition.register.withheld.iter().enumerate() {
            let place = root.item("withheld", index);
            self.clause(&place.key("clause"), &withheld.clause);
            if withheld.fields.is_empty() && withheld.sections.is_empty() {
                self.fault(&place, "nothing is withheld", "Name `fields` or `sections`, or remove it.");
            }
            self.once(&place, "fields", &withheld.fields);
            self.once(&place, "sections", &withheld.sections);
            let Some(name) = &withheld.record_type else {
                self.withheld_everywhere(&place, &withheld.fields, &withheld.sections);
                continue;
            };
            self.known(&place.key("record_type"), "record type", name, &types);
            let Some(record_type) = self.record_type(name) else { continue };
            for (at, path) in withheld.fields.iter().enumerate() {
                self.open_path(&place.item("fields", at), path, &record_type.name, &record_type.fields);
            }
            let sections: Vec<&str> = record_type.sections.iter().map(|s| s.name.as_str()).collect();
            for (at, section) in withheld.sections.iter().enumerate() {
                self.known(&place.item("sections", at), "section", section, &sections);
            }
        }
        self.withheld_yet_published(root);
    }

    /// Without a record type a name must exist somewhere.
    fn withheld_everywhere(&mut self, place: &Place, fields: &[String], sections: &[String]) {
        let types = &self.definition.record_types;
        for (at, path) in fields.iter().enumerate() {
            let names = |t: &RecordType| path.parse::<super::FieldPath>().is_ok_and(|p| p.resolve(&t.fields).is_some());
            if !types.iter().any(names) {
                let message = format!("`{path}` names no field of any record type");
                self.fault(&place.item("fields", at), message, "Correct the path, or remove it.");
            }
        }
        let known: Vec<&str> = types.iter().flat_map(|t| &t.sections).map(|s| s.name.as_str()).collect();
        for (at, section) in sections.iter().enumerate() {
            self.known(&place.item("sections", at), "section", section, &known);
        }
    }

    fn withheld_yet_published(&mut self, root: &Place) {
        let register = &self.definition.register;
        for (index, publication) in register.publications.iter().enumerate() {
            let fields = self.record_type(&publication.record_type).map(|t| t.fields.as_slice()).unwrap_or_default();
            for (at, path) in publication.fields.iter().enumerate() {
                let name = path.split(['/', '[']).next().unwrap_or_default();
                let section = fields.iter().find(|f| f.name == name).and_then(|f| f.section.as_ref());
                let withheld = register.withheld.iter().find(|w| {
                    w.record_type.as_ref().is_none_or(|t| *t == publication.record_type)
                        && (w.fields.iter().any(|f| f == path || f == name)
                            || section.is_some_and(|s| w.sections.contains(s)))
                });
                if let Some(clause) = withheld.map(|w| w.clause.clone()) {
                    self.fault(
                        &root.item("publication", index).item("fields", at),
                        format!("`{path}` is made public, and under {clause} it is never released"),
                        "Remove it from one of the two.",
                    );
                }
            }
        }
    }

    fn reports(&mut self, root: &Place) {
        let register = &self.definition.register;
        let reports = &register.reports;
        let names = reports.iter().enumerate().map(|(i, r)| (r.name.as_str(), root.item("report", i)));
        self.unique("report", names);
        let recipients: Vec<&str> = register.recipients.iter().map(|r| r.name.as_str()).collect();
        let types = self.record_type_names();
        for (index, report) in reports.iter().enumerate() {
            let place = root.item("report", index);
            self.machine_name(&place, &report.name);
            self.label(&place.key("label"), &report.label);
            self.clause(&place.key("clause"), &report.clause);
            self.known(&place.key("recipient"), "recipient", &report.recipient, &recipients);
            if register.recipients.iter().any(|r| r.name == report.recipient && !r.aggregates_only) {
                self.fault(
                    &place.key("recipient"),
                    format!("`{}` receives more than aggregates, so a report hides nothing", report.recipient),
                    "Name a recipient with `aggregates_only = true`.",
                );
            }
            if report.threshold < 2 {
                self.fault(
                    &place.key("threshold"),
                    "cells over a single record are shown, so the report tells of a person",
                    "Write the fewest records that a cell may cover, at least 2.",
                );
            }
            if let Some(every) = report.every {
                self.in_days(&place.key("every"), every);
            }
            self.known(&place.key("record_type"), "record type", &report.record_type, &types);
            if let Some(record_type) = self.record_type(&report.record_type) {
                self.report_fields(report, record_type, &place);
            }
        }
    }

    fn report_fields(&mut self, report: &'a ReportDefinition, record_type: &'a RecordType, place: &Place) {
        if report.group_by.len() > MOST_GROUPS {
            self.fault(
                &place.key("group_by"),
                format!("{} fields are too many to group by", report.group_by.len()),
                format!("Name at most {MOST_GROUPS}: with more, hardly a cell covers enough records."),
            );
        }
        self.once(place, "group_by", &report.group_by);
        for (at, path) in report.group_by.iter().enumerate() {
            let place = place.item("group_by", at);
            if let Some(field) = self.path(&place, path, &record_type.name, &record_type.fields) {
                self.of_kind(&place, field, GROUPED);
                self.standing(&place, field);
            }
        }
        let measures = &report.measures;
        let names = measures.iter().enumerate().map(|(i, m)| (m.name.as_str(), place.item("measure", i)));
        self.unique("measure", names);
        for (index, measure) in measures.iter().enumerate() {
            self.measure(&place.item("measure", index), &measure.name, &measure.label, &measure.field, record_type);
        }
    }

    fn overviews(&mut self, root: &Place) {
        let overviews = &self.definition.register.overviews;
        let names = overviews.iter().enumerate().map(|(i, o)| (o.name.as_str(), root.item("overview", i)));
        // Both are called by their names under one address.
        let reports = self.definition.register.reports.iter().enumerate();
        let reports = reports.map(|(i, r)| (r.name.as_str(), root.item("report", i)));
        self.unique("overview", names.chain(reports));
        let types = self.record_type_names();
        for (index, overview) in overviews.iter().enumerate() {
            let place = root.item("overview", index);
            self.machine_name(&place, &overview.name);
            self.label(&place.key("label"), &overview.label);
            self.clause(&place.key("clause"), &overview.clause);
            self.known(&place.key("record_type"), "record type", &overview.record_type, &types);
            if !(1..=MOST_BY).contains(&overview.by.len()) {
                self.fault(
                    &place.key("by"),
                    format!("{} fields to group by", overview.by.len()),
                    "Name one or two: a table has rows and columns.",
                );
            }
            self.once(&place, "by", &overview.by);
            let Some(record_type) = self.record_type(&overview.record_type) else { continue };
            for (at, path) in overview.by.iter().enumerate() {
                let place = place.item("by", at);
                // A path may lead one record on, as that of a publication may.
                let on = Reach::of(self.definition, record_type, path).filter(Reach::leads_on).map(|r| r.field);
                let field = on.or_else(|| self.path(&place, path, &record_type.name, &record_type.fields));
                if let Some(field) = field {
                    self.of_kind(&place, field, overview::GROUPED);
                    self.standing(&place, field);
                    if matches!(field.index, Some(Index::Code)) {
                        self.fault(
                            &place,
                            format!("`{}` tells records apart, so that each would be a group", field.name),
                            "Group by what many records have in common.",
                        );
                    }
                }
            }
            self.overview_measures(&overview.measures, record_type, &place);
        }
    }

    fn overview_measures(&mut self, measures: &'a [OverviewMeasure], record_type: &'a RecordType, place: &Place) {
        let names = measures.iter().enumerate().map(|(i, m)| (m.name.as_str(), place.item("measure", i)));
        self.unique("measure", names);
        for (index, measure) in measures.iter().enumerate() {
            let place = place.item("measure", index);
            self.measure(&place, &measure.name, &measure.label, &measure.field, record_type);
            let list = measure.field.split(['/', '[']).next().unwrap_or_default();
            let list = record_type.fields.iter().find(|f| f.name == list);
            for (key, part) in [("from", &measure.from), ("until", &measure.until)] {
                let Some(part) = part else { continue };
                let known = list.and_then(|f| f.parts.iter().find(|p| p.name == *part));
                if !known.is_some_and(|p| p.kind == FieldType::Date) {
                    self.fault(
                        &place.key(key),
                        format!("`{part}` is no date in the rows of `{}`", measure.field),
                        "Name the part of the list that holds the first or the last day of a row.",
                    );
                }
            }
            if measure.until.is_some() && measure.from.is_none() {
                self.fault(&place.key("until"), "a last day without a first one", "Name the part `from` too.");
            }
        }
    }

    /// What is added up or averaged: a number of the record.
    fn measure(&mut self, place: &Place, name: &str, label: &Label, path: &str, record_type: &'a RecordType) {
        self.machine_name(place, name);
        self.label(&place.key("label"), label);
        let place = place.key("field");
        if let Some(field) = self.path(&place, path, &record_type.name, &record_type.fields) {
            self.of_kind(&place, field, NUMBERS);
            self.standing(&place, field);
        }
    }

    /// What follows from other records or from the day is no value of the record that is counted.
    fn standing(&mut self, place: &Place, field: &Field) {
        if let Some(take) = field.derived.as_ref().map(|d| d.take).filter(|take| changes_by_itself(*take)) {
            self.fault(
                place,
                format!("`{}` is computed anew each day (`{}`)", field.name, word(&take)),
                "Name a field that is entered, or follows from what is entered in the same record.",
            );
        }
    }

    fn leaver(&mut self, place: &Place) {
        let register = &self.definition.register;
        let Some(rule) = &register.leaver else { return };
        self.clause(&place.key("clause"), &rule.clause);
        self.clause(&place.key("term_clause"), &rule.term_clause);
        self.in_days(&place.key("term"), rule.term);
        let ground = place.key("ground");
        self.machine_name(&ground, &rule.ground.name);
        self.label(&ground.key("label"), &rule.ground.label);
        self.clause(&ground.key("clause"), &rule.ground.clause);
        if register.revocation_grounds.iter().any(|g| g.name == rule.ground.name) {
            self.fault(
                &ground.key("name"),
                format!("`{}` is also a ground that somebody may choose", rule.ground.name),
                "Give it another name: this one follows from a date.",
            );
        }
        let types = self.record_type_names();
        let place = place.key("record_type");
        self.known(&place, "record type", &rule.record_type, &types);
        let Some(record_type) = self.record_type(&rule.record_type) else { return };
        if record_type.lifecycle.is_none() {
            let message = format!("nothing says when a record of `{}` ends", record_type.name);
            self.fault(&place, message, "Add `[lifecycle]` to it, or name the record type of the employment.");
        }
        if record_type.subject.is_none() {
            let message = format!("nothing says who it is that a record of `{}` is about", record_type.name);
            self.fault(&place, message, "Add `[subject]` to it, or name the record type of the employment.");
        }
    }

    fn recertification(&mut self, place: &Place) {
        let Some(rule) = &self.definition.register.recertification else { return };
        self.clause(&place.key("clause"), &rule.clause);
        self.in_days(&place.key("term"), rule.term);
        self.some(place, "on", "day on which rights are confirmed", rule.on.len());
        self.once(place, "on", &rule.on);
        for (at, day) in rule.on.iter().enumerate() {
            if !is_day_of_every_year(day) {
                self.fault(
                    &place.item("on", at),
                    format!("`{day}` is not a day of every year"),
                    "Write it as MM-DD, \"09-10\" for the tenth of September.",
                );
            }
        }
    }

    /// Contracts with processors, and the roles whose grants lie within them.
    fn contracts(&mut self, root: &Place) {
        let register = &self.definition.register;
        for (index, processor) in register.processors.iter().enumerate() {
            let Some(contract) = &processor.contract else { continue };
            let place = root.item("processor", index).key("contract");
            self.text(&place.key("reference"), &contract.reference);
            if let Some(until) = contract.until.filter(|until| *until < contract.from) {
                let message = format!("the contract ends on {until}, before it begins on {}", contract.from);
                self.fault(&place.key("until"), message, "Correct one of the two days.");
            }
        }
        let some = register.processors.iter().any(|p| p.contract.is_some());
        for (index, role) in register.roles.iter().enumerate().filter(|(_, role)| role.within_contract && !some) {
            self.fault(
                &root.item("role", index).key("within_contract"),
                format!("no processor has a contract, so nobody can be given the role `{}`", role.name),
                "Add `[processor.contract]`, or remove `within_contract`.",
            );
        }
    }

    /// A time that is counted from a day.
    fn in_days(&mut self, place: &Place, term: Term) {
        if term.needs_instant() {
            let message = format!("`{term}` runs from an instant, and only a day is known");
            self.fault(place, message, "Write it in days, working days, weeks, months or years.");
        }
    }
}

/// Whether any recipient may receive data of single records.
pub(super) fn receives_records(recipients: &[Recipient]) -> bool {
    recipients.iter().any(|r| !r.aggregates_only)
}
