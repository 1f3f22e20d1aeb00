//! What is asked of fields, as it is looked up while a document is checked, and what a definition means
//! where it is silent.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::NaiveDate;
use regex::Regex;
use rust_decimal::Decimal;

use super::compiled::CompileFault;
use super::condition::{ConditionPlan, Sibling};
use super::rules::RulePlan;
use crate::domain::identity::Country;
use crate::domain::statute::Clause;
use crate::domain::statute::definition::{Codelist, Field, FieldType, NeedKind};

/// A record type made ready.
#[derive(Debug, Clone)]
pub(super) struct TypePlan {
    pub(super) clause: Clause,
    pub(super) fields: Fields,
    pub(super) rules: Vec<RulePlan>,
}

/// The fields of a record or the parts of a group.
#[derive(Debug, Clone)]
pub(super) struct Fields {
    list: Vec<FieldPlan>,
    by_name: HashMap<String, usize>,
}

impl Fields {
    pub(super) fn new(list: Vec<FieldPlan>) -> Self {
        let names = list.iter().enumerate();
        let by_name = names.map(|(at, plan)| (plan.name.clone(), at)).collect();
        Self { list, by_name }
    }

    pub(super) fn get(&self, name: &str) -> Option<&FieldPlan> {
        self.list.get(*self.by_name.get(name)?)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &FieldPlan> {
        self.list.iter()
    }
}

/// A field made ready.
#[derive(Debug, Clone)]
pub(super) struct FieldPlan {
    pub(super) name: String,
    /// Its own clause, or that of the group around it.
    pub(super) clause: Option<Clause>,
    /// Section of the field of the record in which it stands.
    pub(super) section: Option<String>,
    pub(super) derived: bool,
    pub(super) required: bool,
    pub(super) required_when: Option<ConditionPlan>,
    pub(super) absent_when: Option<ConditionPlan>,
    pub(super) needs: Option<NeedPlan>,
    /// Sibling whose code must be the parent of this one's.
    pub(super) within: Option<String>,
    /// Fewest and most items, if it is a list.
    pub(super) items: Option<[usize; 2]>,
    /// Fewest and most characters.
    pub(super) length: Option<[usize; 2]>,
    pub(super) pattern: Option<Regex>,
    pub(super) check: Check,
}

/// What must be recorded beside a value.
#[derive(Debug, Clone)]
pub(super) struct NeedPlan {
    pub(super) kind: NeedKind,
    pub(super) sibling: Sibling,
    pub(super) clause: Clause,
}

/// What is asked of one value.
#[derive(Debug, Clone)]
pub(super) enum Check {
    Text,
    Multiline,
    Whole(Bounds),
    Year(Bounds),
    Decimal { scale: usize, exact: bool, bounds: Bounds },
    Date { first: Option<NaiveDate>, last: Option<NaiveDate> },
    Boolean,
    Code(Arc<CodelistPlan>),
    Language,
    Country,
    PersonalCode { country: Country, minor: bool },
    RegistryCode(Country),
    Email,
    Phone,
    Iban,
    File,
    Reference,
    Group(Fields),
}

/// Bounds of a number, all inclusive.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Bounds {
    pub(in super::super) min: Option<Decimal>,
    pub(in super::super) max: Option<Decimal>,
    pub(in super::super) warn_above: Option<Decimal>,
}

/// A code list made ready.
#[derive(Debug, Clone)]
pub(super) struct CodelistPlan {
    pub(super) name: String,
    /// By code; one that was renamed or moved is there again, on other days.
    codes: HashMap<String, Vec<CodePlan>>,
}

/// A code: when it may be chosen, and under what.
#[derive(Debug, Clone)]
pub(super) struct CodePlan {
    from: Option<NaiveDate>,
    until: Option<NaiveDate>,
    parent: Option<String>,
}

impl CodePlan {
    pub(super) fn is_under(&self, parent: &str) -> bool {
        self.parent.as_deref() == Some(parent)
    }
}

impl CodelistPlan {
    pub(super) fn new(list: &Codelist) -> Self {
        let mut codes: HashMap<String, Vec<CodePlan>> = HashMap::with_capacity(list.codes.len());
        for code in &list.codes {
            codes.entry(code.code.clone()).or_default().push(CodePlan {
                from: code.valid_from,
                until: code.valid_until,
                parent: code.parent.clone(),
            });
        }
        Self { name: list.name.clone(), codes }
    }

    /// Whether the list has the code on any day.
    pub(super) fn has(&self, code: &str) -> bool {
        self.codes.contains_key(code)
    }

    /// The code as it may be chosen on `day`.
    pub(super) fn on(&self, code: &str, day: NaiveDate) -> Option<&CodePlan> {
        let is_valid = |plan: &&CodePlan| is_within(day, plan.from, plan.until);
        self.codes.get(code)?.iter().find(is_valid)
    }
}

/// Whether a day lies within two days, of which each may be open.
pub(in super::super) fn is_within(day: NaiveDate, from: Option<NaiveDate>, until: Option<NaiveDate>) -> bool {
    from.is_none_or(|from| from <= day) && until.is_none_or(|until| day <= until)
}

/// Fewest and most items of a field that is a list.
pub(in super::super) fn items(source: &Field) -> Option<[usize; 2]> {
    source.repeats.then(|| source.items.unwrap_or([0, 1000]))
}

/// Fewest and most characters of a field that is a text.
pub(in super::super) fn length(source: &Field) -> Option<[usize; 2]> {
    let by_type = match source.kind {
        FieldType::Text | FieldType::Address => Some([1, 500]),
        FieldType::Multiline => Some([1, 20_000]),
        FieldType::Integer
        | FieldType::Decimal
        | FieldType::Money
        | FieldType::Date
        | FieldType::Year
        | FieldType::Boolean
        | FieldType::Code
        | FieldType::Language
        | FieldType::Country
        | FieldType::Percentage
        | FieldType::Load
        | FieldType::PersonalCode
        | FieldType::RegistryCode
        | FieldType::Email
        | FieldType::Phone
        | FieldType::Iban
        | FieldType::File
        | FieldType::Reference
        | FieldType::Group => None,
    };
    source.length.or(by_type)
}

/// Digits after the point of a field that is a decimal number.
pub(in super::super) fn scale(source: &Field) -> usize {
    let scale = if source.kind == FieldType::Money { None } else { source.scale };
    scale.and_then(|scale| usize::try_from(scale).ok()).unwrap_or(2)
}

/// Least and greatest value of a field that is a number. Money is not negative unless `min` says so.
pub(in super::super) fn bounds(source: &Field) -> Result<Bounds, CompileFault> {
    let number = |text: &str| text.parse().ok();
    let min = bound(source.min.as_deref(), number)?;
    let floor = (source.kind == FieldType::Money).then_some(Decimal::ZERO);
    Ok(Bounds {
        min: min.or(floor),
        max: bound(source.max.as_deref(), number)?,
        warn_above: bound(source.warn_above.as_deref(), number)?,
    })
}

pub(super) fn bound<T>(text: Option<&str>, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>, CompileFault> {
    text.map(|text| read(text).ok_or(CompileFault::Bound)).transpose()
}
