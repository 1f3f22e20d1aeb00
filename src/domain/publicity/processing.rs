//! The record of processing activities (GDPR art. 30): as a document, and as rows for a table, one for each purpose.

use super::sheet::{Words, Writer};
use super::{Audience, Line, Provision, Section, View, asked, parts, public_lines, told};
use crate::domain::statute::Language;
use crate::domain::statute::description::Part;

const fn point(point: char) -> Provision {
    Provision::gdpr(30, 1, point)
}

/// The headings, each with the provision that asks for it.
const HEADINGS: [(Part, Option<Provision>); 16] = [
    (Part::Controller, Some(point('a'))),
    (Part::ControllerContacts, Some(point('a'))),
    (Part::JointControllers, None),
    (Part::Representative, None),
    (Part::DataProtectionOfficer, Some(point('a'))),
    (Part::DataProtectionOfficerContacts, None),
    (Part::Processors, None),
    (Part::Purpose, Some(point('b'))),
    (Part::LegalBasis, None),
    (Part::DataSubjects, Some(point('c'))),
    (Part::DataContent, Some(point('c'))),
    (Part::SpecialCategories, None),
    (Part::Disclosures, Some(point('d'))),
    (Part::Transfers, Some(point('e'))),
    (Part::Retention, Some(point('f'))),
    (Part::Sources, None),
];

pub(super) fn sections(register: View<'_>) -> Vec<Section> {
    let measures = [
        (Part::TechnicalMeasures, Some(point('g'))),
        (Part::OrganisationalMeasures, Some(point('g'))),
        (Part::Updated, None),
    ];
    let section = |(part, by): (Part, Option<Provision>)| {
        let lines = lines(register, part);
        match by {
            Some(by) => Some(asked(part, by, lines)),
            None => told(part, lines),
        }
    };
    let mut sections: Vec<Section> = HEADINGS.into_iter().chain(measures).filter_map(section).collect();
    if let Some(contacts) = sections.iter_mut().find(|section| section.heading == Part::DataProtectionOfficer) {
        // The officer is to be told where there is one: a public authority has one.
        contacts.asked_by = Some(Provision::paragraph(30, 1));
    }
    sections
}

/// What stands in the record under a part: the categories of data, not each field; the rules, not the promise.
fn lines(register: View<'_>, part: Part) -> Vec<Line> {
    match part {
        Part::DataContent => {
            let categories = parts::lines(register, part).into_iter().map(|mut line| {
                line.more.retain(|below| below.id.starts_with(parts::SECTION));
                for section in &mut line.more {
                    section.more.clear();
                }
                line
            });
            categories.collect()
        }
        Part::Retention => parts::retention_rules(register),
        _ => parts::lines(register, part),
    }
}

/// One row of the record: a purpose of a register. Every value is text; several are apart by `; `.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Row {
    /// `<short name>/<purpose>`.
    pub activity_id: String,
    /// Name of the register.
    pub activity: String,
    /// Who answers.
    pub controller: String,
    /// Who answers together with them.
    pub joint_controller: String,
    /// Who represents them.
    pub representative: String,
    /// Data protection officer.
    pub dpo: String,
    /// Who processes on their behalf.
    pub processor: String,
    /// What for.
    pub purpose: String,
    /// On what ground.
    pub legal_basis: String,
    /// Whose data.
    pub subject_categories: String,
    /// Which data.
    pub data_categories: String,
    /// Which of them are of special categories.
    pub special_categories: String,
    /// To whom they are given.
    pub recipients: String,
    /// Whether they leave the European Economic Area.
    pub third_country: String,
    /// How long they are kept.
    pub retention: String,
    /// How they are protected.
    pub security_measures: String,
    /// Where they come from.
    pub sources: String,
    /// First day of the version, ISO 8601.
    pub updated_on: String,
}

/// The rows of a register in a language; none for the public of one that is secret.
pub fn rows(register: View<'_>, audience: Audience, language: Language, words: &impl Words) -> Vec<Row> {
    if register.is_secret() && audience == Audience::Public {
        return Vec::new();
    }
    let writer = Writer { language, words };
    let shown = |lines: Vec<Line>| if audience == Audience::Public { public_lines(lines) } else { lines };
    let flat = |wanted: &[Part]| {
        let all = wanted.iter().flat_map(|part| shown(lines(register, *part)));
        all.map(|line| writer.flat(&line)).collect::<Vec<_>>().join("; ")
    };
    let of_purpose = |line: &Line| Row {
        activity_id: format!("{}/{}", register.short_name(), line.id.rsplit(':').next().unwrap_or_default()),
        activity: writer.label(register.name()).text,
        controller: flat(&[Part::Controller, Part::ControllerContacts]),
        joint_controller: flat(&[Part::JointControllers]),
        representative: flat(&[Part::Representative]),
        dpo: flat(&[Part::DataProtectionOfficer, Part::DataProtectionOfficerContacts]),
        processor: flat(&[Part::Processors]),
        purpose: writer.text(&line.text).text,
        legal_basis: flat(&[Part::LegalBasis]),
        subject_categories: flat(&[Part::DataSubjects]),
        data_categories: flat(&[Part::DataContent]),
        special_categories: flat(&[Part::SpecialCategories]),
        recipients: flat(&[Part::Disclosures]),
        third_country: flat(&[Part::Transfers]),
        retention: flat(&[Part::Retention]),
        security_measures: flat(&[Part::TechnicalMeasures, Part::OrganisationalMeasures]),
        sources: flat(&[Part::Sources]),
        updated_on: register.act().in_force_from.to_string(),
    };
    shown(lines(register, Part::Purpose)).iter().map(of_purpose).collect()
}

/// Why a table could not be written.
#[derive(Debug, thiserror::Error)]
#[error("the table could not be written")]
pub struct NotWritten;

/// Rows as CSV (RFC 4180, commas, UTF-8), the names of the columns first. What a spreadsheet would take for a formula
/// bears an apostrophe before it.
///
/// # Errors
/// [`NotWritten`]: there is no memory.
pub fn csv(rows: &[Row]) -> Result<String, NotWritten> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for row in rows {
        writer.serialize(row.guarded()).map_err(|_| NotWritten)?;
    }
    let bytes = writer.into_inner().map_err(|_| NotWritten)?;
    String::from_utf8(bytes).map_err(|_| NotWritten)
}

impl Row {
    fn guarded(&self) -> Self {
        let guard = |text: &String| match text.chars().next() {
            Some('=' | '+' | '-' | '@' | '\t' | '\r') => format!("'{text}"),
            _ => text.clone(),
        };
        Self {
            activity_id: guard(&self.activity_id),
            activity: guard(&self.activity),
            controller: guard(&self.controller),
            joint_controller: guard(&self.joint_controller),
            representative: guard(&self.representative),
            dpo: guard(&self.dpo),
            processor: guard(&self.processor),
            purpose: guard(&self.purpose),
            legal_basis: guard(&self.legal_basis),
            subject_categories: guard(&self.subject_categories),
            data_categories: guard(&self.data_categories),
            special_categories: guard(&self.special_categories),
            recipients: guard(&self.recipients),
            third_country: guard(&self.third_country),
            retention: guard(&self.retention),
            security_measures: guard(&self.security_measures),
            sources: guard(&self.sources),
            updated_on: guard(&self.updated_on),
        }
    }
}
