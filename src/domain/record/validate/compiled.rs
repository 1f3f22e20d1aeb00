//! A definition made ready for checking: names hashed, patterns and bounds read, clauses inherited.
//! Made once per definition; nothing here changes afterwards.

use std::collections::HashMap;
use std::sync::Arc;

use regex::Regex;
use thiserror::Error;

use super::condition::{ConditionPlan, Sibling};
use super::lexical;
use super::plan::{Check, CodelistPlan, FieldPlan, Fields, NeedPlan, TypePlan, bound, bounds, items, length, scale};
use super::rules::RulePlan;
use crate::domain::identity::Country;
use crate::domain::statute::Clause;
use crate::domain::statute::definition::{Definition, Field, FieldType, RecordType};

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
        Ok(Fields::new(list))
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
        let absent_when = source.absent_when.as_ref();
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
            absent_when: absent_when.map(|condition| ConditionPlan::new(condition, siblings)).transpose()?,
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
                first: bound(source.min.as_deref(), lexical::date)?,
                last: bound(source.max.as_deref(), lexical::date)?,
            },
            FieldType::Boolean => Check::Boolean,
            FieldType::Code => Check::Code(self.codelist(source)?),
            FieldType::Language | FieldType::Country if source.codelist.is_some() => {
                Check::Code(self.codelist(source)?)
            }
            FieldType::Language => Check::Language,
            FieldType::Country => Check::Country,
            // What no rule of the country's is known for has the form that the field gives.
            FieldType::PersonalCode | FieldType::RegistryCode
                if source.pattern.is_some() && self.country(source).is_err() =>
            {
                Check::Text
            }
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
