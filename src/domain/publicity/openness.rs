//! The description to implement document publicity: the five items of the Finnish act on information management in public
//! administration (906/2019) § 28, each with the headings under which authorities tell them.

use super::{Provision, Section, View, asked, parts, told};
use crate::domain::statute::description::Part;

/// The items, with the headings below each: those that the item asks for, and those that help to understand it.
const ITEMS: [(Part, char, &[Part], &[Part]); 5] = [
    (Part::Systems, '1', &[], &[Part::RightToUse]),
    (Part::DecidingUnit, '2', &[Part::Controller, Part::Contact, Part::RightOfAccess], &[Part::ControllerContacts]),
    (Part::DataSets, '3', &[Part::Purpose, Part::DataContent], &[Part::DataSubjects, Part::BesideTheList]),
    (Part::SearchKeys, '4', &[], &[]),
    (Part::OpenInterface, '5', &[], &[]),
];

pub(super) fn sections(register: View<'_>) -> Vec<Section> {
    ITEMS
        .into_iter()
        .map(|(item, number, wanted, helpful)| {
            let by = Provision::item(number);
            let mut section = asked(item, by, parts::lines(register, item));
            let below = wanted.iter().map(|part| asked(*part, by, parts::lines(register, *part)));
            section.sections = below.collect();
            section.sections.extend(helpful.iter().filter_map(|part| told(*part, parts::lines(register, *part))));
            // An item that headings tell is missing where they are.
            section.missing = section.missing && wanted.is_empty();
            section
        })
        .collect()
}
