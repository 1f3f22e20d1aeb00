//! A definition made ready for checking: names hashed, patterns and bounds read, clauses inherited.
//! Made once per definition; nothing here changes afterwards.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::NaiveDate;
use regex::Regex;
use rust_decimal::Decimal;
use thiserror::Error;

use super::condition::{ConditionPlan, Sibling};
use super::rules::RulePlan;
use crate::domain::identity::Country;
use crate::domain::statute::Clause;
use crate::domain::statute::definition::{Codelist, Definition, Field, FieldType, NeedKind, RecordType};

/// A definition made ready for [`Validation`](super::Validation).
#[derive(Debug, Clone)]
pub struct Compiled {
    /// Digest of the definition that it was made of.
    pub(super) digest: String,
    /// Record types by name.
    pub(super) types: HashMap<String, TypePlan>,
}

/// Why a definition cannot be made ready. The lint of definitions finds all of this earlier, with file
/// and line.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{record_type}, {place}: {fault}")]
pub struct CompileError {
    /// Name of the record type.
    pub record_type: String,
    /// Path of the field, or the rule.
    pub place: String,
    /// What is wrong.
    pub fault: CompileFault,
}

/// What is wrong with a definition that cannot be made ready.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CompileFault {
    /// The pattern is no regular expression.
    #[error("the pattern is no regular expression that both ECMA 262 and the engine know")]
    Pattern,
    /// `min`, `max` or `warn_above` is no number or day, as the type asks.
    #[error("`min`, `max` and `warn_above` must be of the field's own type")]
    Bound,
    /// A code field names no code list, or one that is not there.
    #[error("a code needs a code list that the definition has")]
    Codelist,
    /// The country has no codes that the engine knows.
    #[error("personal and registry codes are known for EE and FI only")]
    Country,
    /// A condition, need or parent names a sibling that is not there.
    #[error("there is no sibling of the name that a condition, need or `within_code` gives")]
    Sibling,
    /// A condition says none or several of `is`, `one_of`, `present`.
    #[error("a condition says exactly one of `is`, `one_of` and `present`")]
    Condition,
    /// A rule lacks a path that its kind needs, or the path cannot be read.
    #[error("the rule lacks a path that its kind needs, or the path cannot be read")]
    Rule,
}

impl Compiled {
    /// Makes a definition ready.
    ///
    /// # Errors
    /// The first thing in it that cannot be used.
    pub fn new(definition: &Definition) -> Result<Self, CompileError> {
        let mut types = HashMap::new();
        let mut compiler = Compiler {
            lists: definition
                .codelists
                .iter()
                .map(|list| (list.name.as_str(), Arc::new(CodelistPlan::new(list))))
                .collect(),
            country: &definition.register.country,
            path: Vec::new(),
        };
        for record_type in &definition.record_types {
            let plan = compiler.record_type(record_type).map_err(|fault| CompileError {
                record_type: record_type.name.clone(),
                place: compiler.path.join("/"),
                fault,
            })?;
            types.insert(record_type.name.clone(), plan);
        }
        let digest = definition.digest.clone();
        Ok(Self { digest, types })
    }
}

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
    pub(super) list: Vec<FieldPlan>,
    by_name: HashMap<String, usize>,
}

impl Fields {
    pub(super) fn get(&self, name: &str) -> Option<&FieldPlan> {
        self.list.get(*self.by_name.get(name)?)
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
struct CodePlan {
    from: Option<NaiveDate>,
    until: Option<NaiveDate>,
    parent: Option<String>,
}

impl CodelistPlan {
    fn new(list: &Codelist) -> Self {
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

    /// The parent of a code that is valid on `day`; `None` if the code is not.
    pub(super) fn parent_on(&self, code: &str, day: NaiveDate) -> Option<Option<&str>> {
        let is_valid = |plan: &&CodePlan| is_within(day, plan.from, plan.until);
        let plan = self.codes.get(code)?.iter().find(is_valid)?;
        Some(plan.parent.as_deref())
    }
}

/// Whether a day lies within two days, of which each may be open.
pub(in super::super) fn is_within(day: NaiveDate, from: Option<NaiveDate>, until: Option<NaiveDate>) -> bool {
    from.is_none_or(|from| from <= day) && until.is_none_or(|until| day <= until)
}

/// What is common to a definition while it is made ready, and where the work stands.
struct Compiler<'d> {
    lists: HashMap<&'d str, Arc<CodelistPlan>>,
    country: &'d str,
    path: Vec<String>,
}

/// What a part takes over from the group around it.
#[derive(Clone, Copy, Default)]
struct Inherited<'d> {
    clause: Option<&'d Clause>,
    section: Option<&'d String>,
}

impl<'d> Compiler<'d> {
    fn record_type(&mut self, source: &'d RecordType) -> Result<TypePlan, CompileFault> {
        self.path.clear();
        let fields = self.fields(&source.fields, Inherited::default())?;
        let mut rules = Vec::new();
        for rule in &source.rules {
            self.path.push(format!("rule under {}", rule.clause));
            rules.extend(RulePlan::new(rule, source.lifecycle.as_ref(), &fields)?);
            self.path.pop();
        }
        Ok(TypePlan { clause: source.clause.clone(), fields, rules })
    }

    fn fields(&mut self, sources: &'d [Field], around: Inherited<'d>) -> Result<Fields, CompileFault> {
        let mut list = Vec::with_capacity(sources.len());
        for source in sources {
            self.path.push(source.name.clone());
            list.push(self.field(source, sources, around)?);
            self.path.pop();
        }
        let by_name = list.iter().enumerate().map(|(at, plan)| (plan.name.clone(), at)).collect();
        Ok(Fields { list, by_name })
    }

    fn field(
        &mut self,
        source: &'d Field,
        siblings: &[Field],
        around: Inherited<'d>,
    ) -> Result<FieldPlan, CompileFault> {
        let around = Inherited {
            clause: source.clause.as_ref().or(around.clause),
            section: source.section.as_ref().or(around.section),
        };
        let required_when = source.required_when.as_ref();
        let needs = source.needs.as_ref().map(|needs| {
            let sibling = Sibling::new(&needs.field, siblings)?;
            Ok(NeedPlan { kind: needs.kind, sibling, clause: needs.clause.clone() })
        });
        let within = source.within_code.as_deref();
        if within.is_some_and(|name| !siblings.iter().any(|field| field.name == name)) {
            return Err(CompileFault::Sibling);
        }
        Ok(FieldPlan {
            name: source.name.clone(),
            clause: around.clause.cloned(),
            section: around.section.cloned(),
            derived: source.derived.is_some(),
            required: source.required,
            required_when: required_when.map(|condition| ConditionPlan::new(condition, siblings)).transpose()?,
            needs: needs.transpose()?,
            within: source.within_code.clone(),
            items: items(source),
            length: length(source),
            pattern: source.pattern.as_deref().map(pattern).transpose()?,
            check: self.check(source, around)?,
        })
    }

    fn check(&mut self, source: &'d Field, around: Inherited<'d>) -> Result<Check, CompileFault> {
        Ok(match source.kind {
            FieldType::Text | FieldType::Address => Check::Text,
            FieldType::Multiline => Check::Multiline,
            FieldType::Integer => Check::Whole(bounds(source)?),
            FieldType::Year => Check::Year(bounds(source)?),
            FieldType::Decimal | FieldType::Percentage | FieldType::Load | FieldType::Money => {
                Check::Decimal { scale: scale(source), exact: source.kind == FieldType::Money, bounds: bounds(source)? }
            }
            FieldType::Date => Check::Date {
                first: bound(source.min.as_deref(), super::lexical::date)?,
                last: bound(source.max.as_deref(), super::lexical::date)?,
            },
            FieldType::Boolean => Check::Boolean,
            FieldType::Code => Check::Code(self.codelist(source)?),
            FieldType::Language | FieldType::Country if source.codelist.is_some() => {
                Check::Code(self.codelist(source)?)
            }
            FieldType::Language => Check::Language,
            FieldType::Country => Check::Country,
            FieldType::PersonalCode => {
                let country = self.country(source)?;
                Check::PersonalCode { country, minor: source.minor }
            }
            FieldType::RegistryCode => Check::RegistryCode(self.country(source)?),
            FieldType::Email => Check::Email,
            FieldType::Phone => Check::Phone,
            FieldType::Iban => Check::Iban,
            FieldType::File => Check::File,
            FieldType::Reference => Check::Reference,
            FieldType::Group => Check::Group(self.fields(&source.parts, around)?),
        })
    }

    fn codelist(&self, source: &Field) -> Result<Arc<CodelistPlan>, CompileFault> {
        let name = source.codelist.as_deref().unwrap_or_default();
        self.lists.get(name).cloned().ok_or(CompileFault::Codelist)
    }

    fn country(&self, source: &Field) -> Result<Country, CompileFault> {
        let country = source.country.as_deref().unwrap_or(self.country).parse();
        country.ok().ok_or(CompileFault::Country)
    }
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

fn bound<T>(text: Option<&str>, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>, CompileFault> {
    text.map(|text| read(text).ok_or(CompileFault::Bound)).transpose()
}

/// The regular expression of a definition's pattern. `\d`, `\w` and `\s` mean what they mean in ECMA
/// 262, so that the schema and the engine agree: to the `regex` crate they are wider or narrower.
fn pattern(source: &str) -> Result<Regex, CompileFault> {
    let mut anchored = String::from("^(?:");
    let mut rest = source.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            anchored.push(c);
            continue;
        }
        match rest.next() {
            Some('d') => anchored.push_str("[0-9]"),
            Some('D') => anchored.push_str("[^0-9]"),
            Some('w') => anchored.push_str("[0-9A-Za-z_]"),
            Some('W') => anchored.push_str("[^0-9A-Za-z_]"),
            Some('s') => anchored.push_str(r"[\s\u{FEFF}]"),
            Some('S') => anchored.push_str(r"[^\s\u{FEFF}]"),
            Some(other) => anchored.extend(['\\', other]),
            None => return Err(CompileFault::Pattern),
        }
    }
    anchored.push_str(")$");
    Regex::new(&anchored).ok().ok_or(CompileFault::Pattern)
}
