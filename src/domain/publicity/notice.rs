//! The privacy notice (GDPR art. 13 and 14), in the order of headings that Finnish authorities use.

use super::{Provision, Section, View, asked, parts, told};
use crate::domain::statute::description::Part;

const fn gdpr(article: u8, paragraph: u8, point: char) -> Provision {
    Provision::gdpr(article, paragraph, point)
}

/// The headings in their order, each with the provision that asks for it, where one does.
const HEADINGS: [(Part, Option<Provision>); 28] = [
    (Part::Sector, None),
    (Part::ServiceArea, None),
    (Part::Controller, Some(gdpr(13, 1, 'a'))),
    (Part::ControllerContacts, Some(gdpr(13, 1, 'a'))),
    (Part::JointControllers, None),
    (Part::Representative, None),
    (Part::Processors, None),
    (Part::Contact, None),
    (Part::ContactContacts, None),
    (Part::DataProtectionOfficer, Some(gdpr(13, 1, 'b'))),
    (Part::DataProtectionOfficerContacts, None),
    (Part::Form, None),
    (Part::LegalBasis, Some(gdpr(13, 1, 'c'))),
    (Part::Purpose, Some(gdpr(13, 1, 'c'))),
    (Part::DataSubjects, None),
    (Part::DataContent, Some(gdpr(14, 1, 'd'))),
    (Part::BesideTheList, None),
    (Part::Sources, Some(gdpr(14, 2, 'f'))),
    (Part::Disclosures, Some(gdpr(13, 1, 'e'))),
    (Part::Transfers, Some(gdpr(13, 1, 'f'))),
    (Part::TechnicalMeasures, None),
    (Part::OrganisationalMeasures, None),
    (Part::Retention, Some(gdpr(13, 2, 'a'))),
    (Part::RightOfAccess, Some(gdpr(13, 2, 'b'))),
    (Part::Rights, Some(gdpr(13, 2, 'b'))),
    (Part::Complaint, Some(gdpr(13, 2, 'd'))),
    (Part::Obligation, Some(gdpr(13, 2, 'e'))),
    (Part::AutomatedDecisions, Some(gdpr(13, 2, 'f'))),
];

pub(super) fn sections(register: View<'_>) -> Vec<Section> {
    let headings = HEADINGS.into_iter().chain([(Part::Drafted, None), (Part::Updated, None)]);
    let section = |(part, by): (Part, Option<Provision>)| {
        let lines = parts::lines(register, part);
        match by {
            Some(by) => Some(asked(part, by, lines)),
            None => told(part, lines),
        }
    };
    headings.filter_map(section).collect()
}
