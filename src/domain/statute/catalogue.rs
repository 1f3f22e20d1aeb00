//! The definitions of all registers, each with the days on which it is in force, and what a changed
//! definition would leave behind.
//!
//! An entry is judged by the version in force on the day on which it takes effect, so versions of one register
//! never overlap.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use chrono::NaiveDate;
use serde::Serialize;

use super::definition::{Act, Definition, Field, RecordType};

/// All registers by short name, each with its versions.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    registers: BTreeMap<String, Vec<Arc<Definition>>>,
}

impl Catalogue {
    /// Sorts definitions by register and day of force.
    ///
    /// # Errors
    /// A sentence for each two versions of a register that are in force on the same day.
    pub fn new<D: Into<Arc<Definition>>>(definitions: Vec<D>) -> Result<Self, Vec<String>> {
        let mut registers: BTreeMap<String, Vec<Arc<Definition>>> = BTreeMap::new();
        for definition in definitions {
            let definition: Arc<Definition> = definition.into();
            registers.entry(definition.register.short_name.clone()).or_default().push(definition);
        }
        for versions in registers.values_mut() {
            versions.sort_by_key(|version| act(version).in_force_from);
        }
        let all = registers.values().flatten();
        let faults = clashes(all.map(|d| (d.register.short_name.as_str(), act(d))), std::iter::empty());
        if faults.is_empty() {
            Ok(Self { registers })
        } else {
            Err(faults.into_iter().map(|(_, fault)| fault).collect())
        }
    }

    /// Short names of the registers, in their order.
    pub fn registers(&self) -> impl Iterator<Item = &str> {
        self.registers.keys().map(String::as_str)
    }

    /// All versions of a register, the earliest first; none when there is no such register.
    pub fn versions(&self, register: &str) -> &[Arc<Definition>] {
        self.registers.get(register).map_or(&[], Vec::as_slice)
    }

    /// The version in force on `day`, if one is.
    pub fn in_force(&self, register: &str, day: NaiveDate) -> Option<&Arc<Definition>> {
        self.versions(register).iter().find(|version| is_on(version, day))
    }

    /// Whether the statute is in force on `day`.
    pub fn is_in_force(&self, register: &str, day: NaiveDate) -> bool {
        self.in_force(register, day).is_some()
    }

    /// The version to read records by on `day`: the one in force, else the last that has ended, else the first
    /// to come. There is one for every register.
    pub fn current(&self, register: &str, day: NaiveDate) -> Option<&Arc<Definition>> {
        let versions = self.versions(register);
        versions.iter().rev().find(|version| act(version).in_force_from <= day).or_else(|| versions.first())
    }
}

fn act(definition: &Definition) -> &Act {
    &definition.register.act
}

fn is_on(definition: &Definition, day: NaiveDate) -> bool {
    let Act { in_force_from, in_force_until, .. } = act(definition);
    *in_force_from <= day && in_force_until.is_none_or(|until| day <= until)
}

/// What stands in the way of having registers side by side: a sentence, and the register it is about, for each two
/// versions of one register that are in force on the same day, each description that there is twice, and each register
/// that is said to be kept here and elsewhere on the same day. `kept` and `described` are names, each with the act of
/// one version.
pub fn clashes<'a>(
    kept: impl Iterator<Item = (&'a str, &'a Act)>,
    described: impl Iterator<Item = (&'a str, &'a Act)>,
) -> Vec<(String, String)> {
    let mut registers: BTreeMap<&str, (Vec<&Act>, Vec<&Act>)> = BTreeMap::new();
    for (name, act) in kept {
        registers.entry(name).or_default().0.push(act);
    }
    for (name, act) in described {
        registers.entry(name).or_default().1.push(act);
    }
    let mut faults = Vec::new();
    for (name, (kept, described)) in &mut registers {
        kept.sort_by_key(|act| act.in_force_from);
        described.sort_by_key(|act| act.in_force_from);
        let mut sentences = overlaps(name, kept);
        for pair in described.windows(2) {
            if let [one, other] = pair
                && one.in_force_from == other.in_force_from
            {
                let from = one.in_force_from;
                sentences.push(format!("{name}: it is described twice as of {from}. Remove one of the descriptions."));
            }
        }
        for elsewhere in described.iter() {
            let meets = |here: &&&Act| {
                here.in_force_from <= elsewhere.in_force_until.unwrap_or(NaiveDate::MAX)
                    && elsewhere.in_force_from <= here.in_force_until.unwrap_or(NaiveDate::MAX)
            };
            if let Some(here) = kept.iter().find(meets) {
                sentences.push(format!(
                    "{name}: it is kept elsewhere from {}, and kept here from {}. Remove one of the two, or correct \
                     their days.",
                    elsewhere.in_force_from, here.in_force_from
                ));
            }
        }
        faults.extend(sentences.into_iter().map(|sentence| ((*name).to_owned(), sentence)));
    }
    faults
}

/// A sentence for each version that begins while an earlier one is in force. `versions` are sorted.
fn overlaps(register: &str, versions: &[&Act]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut longest: Option<&Act> = None;
    for act in versions.iter().copied() {
        let from = act.in_force_from;
        match longest {
            Some(before) if before.in_force_from == from => faults.push(format!(
                "{register}: two versions are in force from {from}. Remove one of them, or correct its `in_force_from`."
            )),
            Some(Act { in_force_from, in_force_until: None, .. }) => faults.push(format!(
                "{register}: the version in force from {in_force_from} has no last day, although another is in force \
                 from {from}. Add `in_force_until` to the earlier one."
            )),
            Some(Act { in_force_from, in_force_until: Some(until), .. }) if *until >= from => faults.push(format!(
                "{register}: the version in force from {in_force_from} ends on {until}, but another is in force from \
                 {from}. Correct one of the two days."
            )),
            Some(_) | None => {}
        }
        // The end of no day is after every day; the version that ends last is the one to compare with.
        let end = |act: &Act| act.in_force_until.unwrap_or(NaiveDate::MAX);
        if longest.is_none_or(|before| end(before) <= end(act)) {
            longest = Some(act);
        }
    }
    faults
}

/// Something of an old definition that a new one no longer knows, so that what refers to it would be orphaned.
/// Whether anything does is for the store to find.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Orphan {
    /// A record type, with all its records.
    RecordType(String),
    /// A field or part that is gone, or takes another kind of value.
    Field {
        /// Record type.
        record_type: String,
        /// Path of the field, `group/part`.
        path: String,
    },
    /// A code.
    Code {
        /// Code list.
        codelist: String,
        /// Code.
        code: String,
    },
    /// A section, which grants may name.
    Section {
        /// Record type.
        record_type: String,
        /// Section.
        section: String,
    },
    /// A role, which users may hold.
    Role(String),
    /// A kind of base document.
    DocumentKind(String),
}

impl fmt::Display for Orphan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RecordType(name) => write!(f, "the record type `{name}` is gone"),
            Self::Field { record_type, path } => {
                write!(f, "the field `{path}` of `{record_type}` is gone or takes another kind of value")
            }
            Self::Code { codelist, code } => write!(f, "the code `{code}` of `{codelist}` is gone"),
            Self::Section { record_type, section } => write!(f, "the section `{section}` of `{record_type}` is gone"),
            Self::Role(name) => write!(f, "the role `{name}` is gone"),
            Self::DocumentKind(name) => write!(f, "the kind of base document `{name}` is gone"),
        }
    }
}

/// What `new` no longer knows of `old`.
pub fn orphans(old: &Definition, new: &Definition) -> Vec<Orphan> {
    let mut orphans = Vec::new();
    for record_type in &old.record_types {
        match new.record_types.iter().find(|t| t.name == record_type.name) {
            None => orphans.push(Orphan::RecordType(record_type.name.clone())),
            Some(newer) => record_type_orphans(record_type, newer, &mut orphans),
        }
    }
    code_orphans(old, new, &mut orphans);
    let roles = new.register.roles.iter().map(|role| role.name.as_str());
    gone(old.register.roles.iter().map(|role| &role.name), roles, Orphan::Role, &mut orphans);
    let kinds = new.document_kinds.iter().map(|kind| kind.name.as_str());
    gone(old.document_kinds.iter().map(|kind| &kind.name), kinds, Orphan::DocumentKind, &mut orphans);
    orphans.sort();
    orphans.dedup();
    orphans
}

fn gone<'a>(
    old: impl Iterator<Item = &'a String>,
    new: impl Iterator<Item = &'a str>,
    orphan: impl Fn(String) -> Orphan,
    orphans: &mut Vec<Orphan>,
) {
    let known: BTreeSet<&str> = new.collect();
    orphans.extend(old.filter(|name| !known.contains(name.as_str())).cloned().map(orphan));
}

fn record_type_orphans(old: &RecordType, new: &RecordType, orphans: &mut Vec<Orphan>) {
    let record_type = &old.name;
    gone(
        old.sections.iter().map(|section| &section.name),
        new.sections.iter().map(|section| section.name.as_str()),
        |section| Orphan::Section { record_type: record_type.clone(), section },
        orphans,
    );
    field_orphans(record_type, "", &old.fields, &new.fields, orphans);
}

/// A computed field holds nothing that could be orphaned.
fn field_orphans(record_type: &str, before: &str, old: &[Field], new: &[Field], orphans: &mut Vec<Orphan>) {
    for field in old.iter().filter(|field| field.derived.is_none()) {
        let path = format!("{before}{}", field.name);
        match new.iter().find(|newer| newer.name == field.name) {
            Some(newer) if takes_the_same(field, newer) => {
                field_orphans(record_type, &format!("{path}/"), &field.parts, &newer.parts, orphans);
            }
            Some(_) | None => orphans.push(Orphan::Field { record_type: record_type.to_owned(), path }),
        }
    }
}

fn takes_the_same(old: &Field, new: &Field) -> bool {
    old.kind == new.kind
        && old.repeats == new.repeats
        && old.refers_to == new.refers_to
        && old.codelist == new.codelist
        && new.derived.is_none()
}

/// Codes that the list of the same name no longer has; a list that is gone takes all of its codes along.
fn code_orphans(old: &Definition, new: &Definition, orphans: &mut Vec<Orphan>) {
    for list in &old.codelists {
        let newer = new.codelists.iter().find(|newer| newer.name == list.name);
        gone(
            list.codes.iter().map(|code| &code.code),
            newer.into_iter().flat_map(|newer| &newer.codes).map(|code| code.code.as_str()),
            |code| Orphan::Code { codelist: list.name.clone(), code },
            orphans,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::lint::example::{changed, definition};
    use super::super::parse::parse;
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn version(register: &str, from: &str, until: Option<&str>) -> Definition {
        let mut definition = definition();
        definition.register.short_name = register.to_owned();
        definition.register.act.in_force_from = day(from);
        definition.register.act.in_force_until = until.map(day);
        definition
    }

    fn boats() -> Catalogue {
        Catalogue::new(vec![
            version("boats", "2022-01-01", None),
            version("boats", "2020-01-01", Some("2020-12-31")),
            version("rafts", "2019-05-01", Some("2019-06-30")),
        ])
        .unwrap()
    }

    fn from(version: Option<&Arc<Definition>>) -> Option<String> {
        version.map(|v| v.register.act.in_force_from.to_string())
    }

    #[test]
    fn versions_stand_in_the_order_of_their_days() {
        let boats = boats();
        assert_eq!(boats.registers().collect::<Vec<_>>(), ["boats", "rafts"]);
        let days: Vec<_> = boats.versions("boats").iter().map(|v| from(Some(v)).unwrap()).collect();
        assert_eq!(days, ["2020-01-01", "2022-01-01"]);
        assert!(boats.versions("kayaks").is_empty());
    }

    #[test]
    fn a_version_is_in_force_from_its_first_to_its_last_day() {
        let boats = boats();
        for (on, version) in [
            ("2019-12-31", None),
            ("2020-01-01", Some("2020-01-01")),
            ("2020-12-31", Some("2020-01-01")),
            ("2021-01-01", None),
            ("2021-12-31", None),
            ("2022-01-01", Some("2022-01-01")),
            ("2999-01-01", Some("2022-01-01")),
        ] {
            assert_eq!(from(boats.in_force("boats", day(on))).as_deref(), version, "{on}");
            assert_eq!(boats.is_in_force("boats", day(on)), version.is_some(), "{on}");
        }
        assert!(!boats.is_in_force("kayaks", day("2020-01-01")));
    }

    #[test]
    fn records_are_read_by_some_version_on_any_day() {
        let boats = boats();
        for (register, on, version) in [
            ("boats", "1990-01-01", "2020-01-01"),
            ("boats", "2020-06-01", "2020-01-01"),
            ("boats", "2021-06-01", "2020-01-01"),
            ("boats", "2022-06-01", "2022-01-01"),
            ("rafts", "2024-06-01", "2019-05-01"),
        ] {
            assert_eq!(from(boats.current(register, day(on))).as_deref(), Some(version), "{register} {on}");
        }
        assert_eq!(boats.current("kayaks", day("2020-01-01")), None);
    }

    #[test]
    fn versions_that_overlap_are_refused() {
        let faults = |versions: &[(&str, Option<&str>)]| {
            let versions = versions.iter().map(|(from, until)| version("boats", from, *until)).collect();
            Catalogue::new(versions).map(|_| ()).unwrap_err()
        };
        assert_eq!(
            faults(&[("2020-01-01", None), ("2021-01-01", None)]),
            [
                "boats: the version in force from 2020-01-01 has no last day, although another is in force from 2021-01-01. \
              Add `in_force_until` to the earlier one."
            ]
        );
        assert_eq!(
            faults(&[("2021-01-01", None), ("2020-01-01", Some("2021-01-01"))]),
            [
                "boats: the version in force from 2020-01-01 ends on 2021-01-01, but another is in force from 2021-01-01. \
              Correct one of the two days."
            ]
        );
        assert_eq!(
            faults(&[("2020-01-01", Some("2020-12-31")), ("2020-01-01", Some("2020-06-30"))]),
            ["boats: two versions are in force from 2020-01-01. Remove one of them, or correct its `in_force_from`."]
        );
        // One within another, and a third that overlaps the longer.
        let within = [("2020-01-01", Some("2020-12-31")), ("2020-02-01", Some("2020-03-01")), ("2020-06-01", None)];
        assert_eq!(faults(&within).len(), 2);
    }

    fn lost(file: &str, from: &str, to: &str) -> Vec<Orphan> {
        orphans(&definition(), &parse(&changed(file, from, to)).unwrap())
    }

    fn field(record_type: &str, path: &str) -> Orphan {
        Orphan::Field { record_type: record_type.to_owned(), path: path.to_owned() }
    }

    fn code(codelist: &str, code: &str) -> Orphan {
        Orphan::Code { codelist: codelist.to_owned(), code: code.to_owned() }
    }

    #[test]
    fn a_definition_orphans_nothing_of_itself() {
        assert_eq!(orphans(&definition(), &definition()), []);
    }

    #[test]
    fn what_goes_orphans_what_refers_to_it() {
        let boat = "records/boat.toml";
        assert_eq!(
            lost(
                boat,
                "name = \"boat\"\nlabel = { et = \"Paat\", en = \"Boat\", fi = \"Vene\", sv = \"Båt\" }\nclause",
                "name = \"ship\"\nlabel = { et = \"Paat\" }\nclause"
            ),
            [Orphan::RecordType("boat".into())]
        );
        assert_eq!(lost(boat, "name = \"built\"", "name = \"made\""), [field("boat", "built")]);
        assert_eq!(lost(boat, "name = \"number\"", "name = \"sign\""), [field("boat", "checks/number")]);
        assert_eq!(lost("codelists.toml", "code = \"storm\"", "code = \"gale\""), [code("leaving", "storm")]);
        assert_eq!(lost("register.toml", "name = \"skipper\"", "name = \"captain\""), [Orphan::Role("skipper".into())]);
        assert_eq!(
            lost("documents.toml", "name = \"other\"", "name = \"else\""),
            [Orphan::DocumentKind("other".into())]
        );
        let section = Orphan::Section { record_type: "skipper".into(), section: "contact".into() };
        assert_eq!(lost("records/skipper.toml", "name = \"contact\"", "name = \"reach\""), [section]);
    }

    #[test]
    fn a_code_list_that_goes_takes_its_codes_along() {
        assert_eq!(
            lost("codelists.toml", "name = \"check\"", "name = \"test\""),
            [code("check", "hull"), code("check", "rigging")]
        );
    }

    #[test]
    fn a_field_that_takes_another_kind_of_value_orphans_its_values() {
        let boat = "records/boat.toml";
        for (from, to, path) in [
            ("name = \"built\"\ntype = \"year\"", "name = \"built\"\ntype = \"date\"", "built"),
            ("name = \"number\"\ntype = \"text\"", "name = \"number\"\ntype = \"integer\"", "checks/number"),
            ("name = \"built\"", "repeats = true\nname = \"built\"", "built"),
            ("codelist = \"leaving\"", "codelist = \"check\"", "leaving"),
            ("refers_to = \"skipper\"", "refers_to = \"harbour\"", "owner"),
            ("name = \"built\"", "name = \"built\"\nderived = { take = \"count\" }", "built"),
        ] {
            assert_eq!(lost(boat, from, to), [field("boat", path)], "{to}");
        }
    }

    #[test]
    fn a_computed_field_holds_nothing_to_orphan() {
        assert_eq!(lost("records/boat.toml", "name = \"nights\"", "name = \"days\""), []);
    }

    #[test]
    fn orphans_are_told_in_a_sentence() {
        let told = [
            Orphan::RecordType("boat".into()),
            field("boat", "checks/number"),
            code("leaving", "storm"),
            Orphan::Section { record_type: "boat".into(), section: "hull".into() },
            Orphan::Role("skipper".into()),
            Orphan::DocumentKind("other".into()),
        ]
        .map(|orphan| orphan.to_string());
        assert_eq!(
            told,
            [
                "the record type `boat` is gone",
                "the field `checks/number` of `boat` is gone or takes another kind of value",
                "the code `storm` of `leaving` is gone",
                "the section `hull` of `boat` is gone",
                "the role `skipper` is gone",
                "the kind of base document `other` is gone",
            ]
        );
    }
}
