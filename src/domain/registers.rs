//! The registers that are loaded: each version of each definition with its policies and its compiled checks,
//! ready to be asked.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::NaiveDate;

use super::access::Policies;
use super::access::policy::PolicyFault;
use super::calendar::HolidayCalendar;
use super::record::validate::Compiled;
use super::statute::procedures::{CaseKind, Procedure};
use super::statute::{Catalogue, Definition, RecordType};

/// One version of one register, ready for use.
#[derive(Debug)]
pub struct Register {
    /// The statute as data.
    pub definition: Arc<Definition>,
    /// Its policies.
    pub policies: Policies,
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

    /// The day it is in this register at `instant`.
    pub fn day(&self, instant: chrono::DateTime<chrono::Utc>) -> NaiveDate {
        super::calendar::day_at(instant, self.definition.register.time_zone)
    }
}

/// The calendars that come with the program, by country.
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
    by_digest: HashMap<String, Arc<Register>>,
}

impl Registers {
    /// Makes `definitions` ready for use.
    ///
    /// # Errors
    /// Faults of policies, patterns and dates of force, each with the register it is in.
    pub fn new(definitions: Vec<Definition>) -> Result<Self, Vec<String>> {
        let mut faults = Vec::new();
        let mut by_digest = HashMap::new();
        let calendars = calendars()?;
        for definition in &definitions {
            let name = &definition.register.short_name;
            let policies = Policies::new(definition).map_err(|list| {
                list.into_iter().map(|PolicyFault { line, message }| format!("{name}/access.cedar:{line}: {message}"))
            });
            let compiled = Compiled::new(definition).map_err(|e| format!("{name}: {e}"));
            match (policies, compiled) {
                (Ok(policies), Ok(compiled)) => {
                    let Some(calendar) = calendars.get(&definition.register.country) else {
                        faults.push(format!("{name}: there is no calendar of {}", definition.register.country));
                        continue;
                    };
                    let definition_of = Arc::new(definition.clone());
                    let register =
                        Register { definition: definition_of, policies, compiled, calendar: calendar.clone() };
                    by_digest.insert(definition.digest.clone(), Arc::new(register));
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
        Ok(Self { catalogue: Catalogue::new(definitions)?, by_digest })
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
