//! The registers that are loaded: each version of each definition with its policies and its compiled checks,
//! ready to be asked.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use chrono::NaiveDate;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::access::policy::PolicyFault;
use super::access::{Action, Object, Policies, Question};
use super::calendar::HolidayCalendar;
use super::directory::Directory;
use super::record::index::Status;
use super::record::validate::Compiled;
use super::statute::definition::Role;
use super::statute::procedures::{CaseKind, Procedure};
use super::statute::{Catalogue, Definition, Description, RecordType};

/// One version of one register, ready for use.
#[derive(Debug)]
pub struct Register {
    /// The statute as data.
    pub definition: Arc<Definition>,
    /// Its policies.
    pub policies: Arc<Policies>,
    /// Its compiled patterns and code lists.
    pub compiled: Compiled,
    /// The working days of its country.
    pub calendar: Arc<HolidayCalendar>,
}

impl Register {
    /// Short name.
    pub fn name(&self) -> &str {
        &self.definition.register.short_name
    }

    /// The record type called `name`.
    pub fn record_type(&self, name: &str) -> Option<&RecordType> {
        self.definition.record_types.iter().find(|t| t.name == name)
    }

    /// The kind of case called `name`.
    pub fn case_kind(&self, name: &str) -> Option<&CaseKind> {
        self.definition.cases.iter().find(|c| c.name == name)
    }

    /// The first kind of case that follows `procedure`.
    pub fn case_kind_of(&self, procedure: Procedure) -> Option<&CaseKind> {
        self.definition.cases.iter().find(|c| c.procedure == procedure)
    }

    /// Whether records of this type are the institutions.
    pub fn is_institution_type(&self, name: &str) -> bool {
        self.definition.register.institutions.record_type == name
    }

    /// The roles that may do `action` to `object` where a right of theirs reaches it.
    pub fn who_may(&self, action: Action, object: &Object) -> Vec<&Role> {
        let may = |role: &&Role| {
            let question = Question {
                role: role.name.clone(),
                action,
                object: object.clone(),
                in_scope: true,
                covered: true,
                about_self: false,
                purpose_given: true,
                to_self: false,
                sole_user: false,
                party: false,
                status: Status::Active,
            };
            self.policies.evaluate(&question).permitted
        };
        self.definition.register.roles.iter().filter(may).collect()
    }

    /// The day it is in this register at `instant`.
    pub fn day(&self, instant: chrono::DateTime<chrono::Utc>) -> NaiveDate {
        super::calendar::day_at(instant, self.definition.register.time_zone)
    }
}

/// The calendars that come with the program, by country. Those of other countries stand beside the registers.
fn calendars() -> Result<HashMap<String, Arc<HolidayCalendar>>, Vec<String>> {
    [include_str!("../../config/calendars/EE.toml"), include_str!("../../config/calendars/FI.toml")]
        .into_iter()
        .map(|text| {
            let calendar = HolidayCalendar::parse(text).map_err(|fault| vec![fault.to_string()])?;
            Ok((calendar.country().to_owned(), Arc::new(calendar)))
        })
        .collect()
}

/// All loaded registers.
#[derive(Debug)]
pub struct Registers {
    catalogue: Catalogue,
    descriptions: Vec<Arc<Description>>,
    directory: Directory,
    by_digest: HashMap<String, Arc<Register>>,
    digest: Arc<str>,
}

/// A version of a register that is not the same in two sets of definitions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Difference {
    /// Short name.
    pub register: String,
    /// First day on which the version is in force.
    pub in_force_from: NaiveDate,
    /// Whether the register is kept elsewhere and only described.
    pub described: bool,
    /// Digest of the version in the one set; absent where it has none.
    pub before: Option<String>,
    /// Digest in the other.
    pub after: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = if self.described { ", kept elsewhere" } else { "" };
        write!(f, "{}{kept}, in force from {}: ", self.register, self.in_force_from)?;
        match (&self.before, &self.after) {
            (None, Some(after)) => write!(f, "new, {after}"),
            (Some(before), None) => write!(f, "gone, was {before}"),
            (before, after) => {
                let known = |digest: &Option<String>| digest.clone().unwrap_or_default();
                write!(f, "changed, {} in place of {}", known(after), known(before))
            }
        }
    }
}

impl Registers {
    /// Makes `definitions` ready for use.
    ///
    /// # Errors
    /// Faults of policies, patterns and dates of force, each with the register it is in.
    pub fn new(definitions: Vec<Definition>) -> Result<Self, Vec<String>> {
        Self::ready(definitions, HashMap::new(), Vec::new())
    }

    /// Makes `definitions` ready for use, beside those that are `same` as before. Of some the policies have been read
    /// already: `policies` has them by the definition's digest.
    ///
    /// # Errors
    /// As [`Registers::new`].
    pub fn ready(
        definitions: Vec<Definition>,
        mut policies: HashMap<String, Policies>,
        same: Vec<Arc<Register>>,
    ) -> Result<Self, Vec<String>> {
        let mut faults = Vec::new();
        let mut versions: Vec<Arc<Definition>> = same.iter().map(|register| register.definition.clone()).collect();
        let mut by_digest: HashMap<_, _> = same.into_iter().map(|r| (r.definition.digest.clone(), r)).collect();
        let calendars = calendars()?;
        for definition in definitions {
            let name = &definition.register.short_name;
            let policies = policies.remove(&definition.digest).map_or_else(|| Policies::new(&definition), Ok);
            let policies = policies.map(Arc::new).map_err(|list| {
                list.into_iter().map(|PolicyFault { line, message }| format!("{name}/access.cedar:{line}: {message}"))
            });
            let compiled = Compiled::new(&definition).map_err(|e| format!("{name}: {e}"));
            match (policies, compiled) {
                (Ok(policies), Ok(compiled)) => {
                    let country = &definition.register.country;
                    let own = definition.calendar.as_ref();
                    let Some(calendar) = own.or_else(|| calendars.get(country)).cloned() else {
                        faults.push(format!(
                            "{name}: there is no calendar of {country}: put {country}.toml into the folder `calendars` \
                             beside that of the registers"
                        ));
                        continue;
                    };
                    let definition = Arc::new(definition);
                    versions.push(definition.clone());
                    let digest = definition.digest.clone();
                    let register = Register { definition, policies, compiled, calendar };
                    by_digest.insert(digest, Arc::new(register));
                }
                (policies, compiled) => {
                    faults.extend(policies.err().into_iter().flatten());
                    faults.extend(compiled.err());
                }
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let directory = Directory::new(versions.iter().map(AsRef::as_ref), std::iter::empty());
        let catalogue = Catalogue::new(versions)?;
        Ok(Self { catalogue, descriptions: Vec::new(), directory, by_digest, digest: Arc::from("") }.digested())
    }

    /// With registers that are kept elsewhere, each in one or more versions.
    #[must_use]
    pub fn with_descriptions(mut self, descriptions: Vec<Description>) -> Self {
        self.descriptions = descriptions.into_iter().map(Arc::new).collect();
        self.descriptions.sort_by_key(|d| (d.short_name.clone(), d.act.in_force_from));
        let definitions = self.by_digest.values().map(|register| register.definition.as_ref());
        self.directory = Directory::new(definitions, self.descriptions.iter().map(AsRef::as_ref));
        self.digested()
    }

    /// The catalogue that everybody reads.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Every version of the description of a register that is kept elsewhere, oldest first; none where there is none.
    pub fn versions_elsewhere(&self, name: &str) -> &[Arc<Description>] {
        let from = self.descriptions.partition_point(|d| d.short_name.as_str() < name);
        let until = self.descriptions.partition_point(|d| d.short_name.as_str() <= name);
        self.descriptions.get(from..until).unwrap_or_default()
    }

    /// The description of a register that is kept elsewhere, in the version that is current on `day`.
    pub fn elsewhere(&self, name: &str, day: NaiveDate) -> Option<&Arc<Description>> {
        let versions = self.versions_elsewhere(name);
        versions.iter().rev().find(|d| d.act.in_force_from <= day).or_else(|| versions.first())
    }

    /// Registers that are kept elsewhere, in the version that is current on `day`, by their short names.
    pub fn descriptions(&self, day: NaiveDate) -> impl Iterator<Item = &Arc<Description>> {
        let of_one = move |one: &[Arc<Description>]| one.iter().rposition(|d| d.act.in_force_from <= day).unwrap_or(0);
        let by_name = self.descriptions.chunk_by(|a, b| a.short_name == b.short_name);
        by_name.filter_map(move |one| one.get(of_one(one)))
    }

    fn digested(mut self) -> Self {
        let mut hash = Sha256::new();
        for (name, of) in self.every_version() {
            hash.update(format!("{name:?}{of:?}\n"));
        }
        self.digest = super::hex(&hash.finalize()).into();
        self
    }

    /// SHA-256 over everything in it, in lower-case hexadecimal: two sets of the same definitions have the same.
    pub fn digest(&self) -> Arc<str> {
        self.digest.clone()
    }

    /// Every version of every register with its digest, by name, day of force, and whether it is only described.
    fn every_version(&self) -> BTreeMap<(&str, NaiveDate, bool), &str> {
        let kept = self
            .names()
            .flat_map(|name| self.catalogue.versions(name))
            .map(|d| ((d.register.short_name.as_str(), d.register.act.in_force_from, false), d.digest.as_str()));
        let described = self.descriptions.iter();
        let described = described.map(|d| ((d.short_name.as_str(), d.act.in_force_from, true), d.digest.as_str()));
        kept.chain(described).collect()
    }

    /// What is not the same in `newer`, by register and day.
    pub fn differences(&self, newer: &Self) -> Vec<Difference> {
        let (old, new) = (self.every_version(), newer.every_version());
        let both: BTreeSet<_> = old.keys().chain(new.keys()).copied().collect();
        both.into_iter()
            .filter(|version| old.get(version) != new.get(version))
            .map(|version| Difference {
                register: version.0.to_owned(),
                in_force_from: version.1,
                described: version.2,
                before: old.get(&version).map(|digest| (*digest).to_owned()),
                after: new.get(&version).map(|digest| (*digest).to_owned()),
            })
            .collect()
    }

    /// Every version of every register that is kept elsewhere.
    pub fn all_descriptions(&self) -> &[Arc<Description>] {
        &self.descriptions
    }

    /// Short names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.catalogue.registers()
    }

    /// The version to be used for reading and for rights on `day`: the one in force, or the nearest.
    pub fn current(&self, name: &str, day: NaiveDate) -> Option<&Arc<Register>> {
        self.catalogue.current(name, day).and_then(|d| self.by_digest.get(&d.digest))
    }

    /// The version in force on `day`, if any is.
    pub fn in_force(&self, name: &str, day: NaiveDate) -> Option<&Arc<Register>> {
        self.catalogue.in_force(name, day).and_then(|d| self.by_digest.get(&d.digest))
    }

    /// The version with this digest, if it is loaded.
    pub fn by_digest(&self, digest: &str) -> Option<&Arc<Register>> {
        self.by_digest.get(digest)
    }

    /// Every version of a register, oldest first.
    pub fn versions(&self, name: &str) -> Vec<&Arc<Register>> {
        self.catalogue.versions(name).iter().filter_map(|d| self.by_digest.get(&d.digest)).collect()
    }
}
