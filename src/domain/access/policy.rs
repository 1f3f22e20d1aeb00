//! The policy engine: Cedar behind one question and one answer.
//!
//! A definition's `access.cedar` is checked strictly against a schema generated from the same definition, so a
//! policy cannot name a role, section or action that does not exist. Three rules hold for every register and
//! cannot be written away: nothing outside a grant's scope, nothing that it does not cover, nothing to oneself.
//!
//! An evaluation error is a denial: Cedar itself would skip the policy.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::str::FromStr;
use std::sync::{Arc, RwLock};

use cedar_policy::{
    Authorizer, Context, Decision as Effect, Entities, Entity, EntityUid, PolicyId, PolicySet, Request,
    RestrictedExpression, Schema, ValidationMode, Validator,
};

use super::action::{Action, Object, ObjectKind};
use super::nesting::too_deep;
use crate::domain::record::index::Status;
use crate::domain::statute::definition::Section;
use crate::domain::statute::{Clause, Definition};

/// The role of the command line on the machine itself, in every register: it can do what the definition's
/// policies permit to `installation` and nothing else.
pub const INSTALLATION: &str = "installation";

/// What is asked: may somebody in this role do this to that, given these coordinates.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Question {
    /// Role in which the actor would act.
    pub role: String,
    /// What they would do.
    pub action: Action,
    /// To what.
    pub object: Object,
    /// The grant's institution covers the object's.
    pub in_scope: bool,
    /// The grant's sections cover the section.
    pub covered: bool,
    /// The record is about the asker.
    pub about_self: bool,
    /// A purpose was stated.
    pub purpose_given: bool,
    /// The grant would be the asker's own.
    pub to_self: bool,
    /// The person concerned is the only user who may enter data.
    pub sole_user: bool,
    /// The asker opened the case or is a party to it.
    pub party: bool,
    /// Where the record stands.
    pub status: Status,
}

/// What is asked about all sections of a record type at once.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SectionsQuestion {
    /// Role in which the actor would act.
    pub role: String,
    /// What they would do.
    pub action: Action,
    /// With which record type.
    pub record_type: String,
    /// The grant's institution covers the record's.
    pub in_scope: bool,
    /// Which sections the grant covers, in the order of the definition.
    pub covered: Vec<bool>,
    /// The record is about the asker.
    pub about_self: bool,
    /// A purpose was stated.
    pub purpose_given: bool,
    /// Where the record stands.
    pub status: Status,
}

/// The answer, with the clause that gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Whether it may be done.
    pub permitted: bool,
    /// The clause of the deciding policy, or the definition's clause on access where no policy speaks.
    pub clause: Clause,
    /// Id of the deciding policy; `None` where none speaks or one failed.
    pub policy: Option<String>,
}

/// Why a policy file was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFault {
    /// Line in `access.cedar`, from 1; 0 where it is about the file as a whole.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

/// The policies of one definition, ready to be asked. Answers are kept, since few coordinates exist.
pub struct Policies {
    authorizer: Authorizer,
    policies: PolicySet,
    /// Entities per role: the asker in that role, and the action groups.
    entities: HashMap<String, Entities>,
    schema: Schema,
    register: EntityUid,
    fallback: Clause,
    answers: RwLock<HashMap<Question, Decision>>,
    sections: RwLock<HashMap<SectionsQuestion, Arc<[Decision]>>>,
}

impl std::fmt::Debug for Policies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Policies").field("register", &self.register).finish_non_exhaustive()
    }
}

impl Policies {
    /// Compiles and checks the policies of `definition`.
    ///
    /// # Errors
    /// Every fault of the file: syntax, missing or repeated `@id`, missing or unknown `@clause`, and whatever the
    /// strict check against the definition's schema finds.
    pub fn new(definition: &Definition) -> Result<Self, Vec<PolicyFault>> {
        let general = |message: String| vec![PolicyFault { line: 0, message }];
        let (schema, _) = Schema::from_cedarschema_str(&schema(definition))
            .map_err(|e| general(format!("the schema made from the definition is refused: {e}")))?;
        if let Some((line, message)) = too_deep(&definition.policies) {
            return Err(vec![PolicyFault { line, message }]);
        }
        let own = PolicySet::from_str(&definition.policies).map_err(|errors| {
            errors
                .iter()
                .map(|e| PolicyFault { line: line_of(&definition.policies, offset(e)), message: e.to_string() })
                .collect::<Vec<_>>()
        })?;
        let clauses: HashSet<&str> = definition.clauses.iter().map(|c| c.id.0.as_str()).collect();
        let mut faults = Vec::new();
        let mut policies = PolicySet::new();
        let mut parsed: Vec<_> = own.policies().collect();
        parsed.sort_by_key(|p| p.id().to_string().trim_start_matches("policy").parse::<usize>().unwrap_or(usize::MAX));
        let lines = policy_lines(&definition.policies);
        for (n, policy) in parsed.into_iter().enumerate() {
            let line = lines.get(n).copied().unwrap_or(0);
            let mut fault = |message: String| faults.push(PolicyFault { line, message });
            // Asked for one by one, each name of an annotation would be read as Cedar first.
            let annotations: HashMap<&str, &str> = policy.annotations().collect();
            match annotations.get("clause").copied() {
                None => fault("the policy has no @clause".into()),
                Some(c) if !clauses.contains(c) => fault(format!("@clause {c} is not a clause of the statute")),
                Some(_) => {}
            }
            match annotations.get("id").copied() {
                None => fault("the policy has no @id".into()),
                Some(id) if id.starts_with("engine.") => {
                    fault("ids beginning with engine. are the engine's own".into())
                }
                Some(id) => {
                    if let Err(e) = policies.add(policy.new_id(PolicyId::new(id))) {
                        fault(format!("@id {id}: {e}"));
                    }
                }
            }
        }
        let engine = PolicySet::from_str(&engine_policies(definition)).map_err(|e| general(e.to_string()))?;
        for policy in engine.policies() {
            let id = policy.annotations().find(|(name, _)| *name == "id").map_or("", |(_, id)| id);
            policies.add(policy.new_id(PolicyId::new(id))).map_err(|e| general(e.to_string()))?;
        }
        let checked = Validator::new(schema.clone()).validate(&policies, ValidationMode::Strict);
        for error in checked.validation_errors() {
            let id = error.policy_id().to_string();
            let line = line_of_text(&definition.policies, &format!("@id(\"{id}\")"));
            faults.push(PolicyFault { line, message: error.to_string() });
        }
        if !faults.is_empty() {
            faults.sort_by_key(|f| f.line);
            return Err(faults);
        }
        let register = uid("Register", &definition.register.short_name).map_err(&general)?;
        let mut entities = HashMap::new();
        let asker = uid("User", "asker").map_err(&general)?;
        for role in role_names(definition) {
            let asker = asker.clone();
            let parent = uid("Role", role).map_err(&general)?;
            let entity = Entity::new_no_attrs(asker, HashSet::from([parent]));
            let set = Entities::from_entities([entity], Some(&schema)).map_err(|e| general(e.to_string()))?;
            entities.insert(role.to_owned(), set);
        }
        Ok(Self {
            authorizer: Authorizer::new(),
            policies,
            entities,
            schema,
            register,
            fallback: definition.register.access.clause.clone(),
            answers: RwLock::default(),
            sections: RwLock::default(),
        })
    }

    /// Answers `question`; unknown roles, actions on the wrong kind of object and policy errors are denials.
    pub fn decide(&self, question: &Question) -> Decision {
        if let Ok(known) = self.answers.read()
            && let Some(decision) = known.get(question)
        {
            return decision.clone();
        }
        let decision = self.evaluate(question);
        if let Ok(mut known) = self.answers.write() {
            known.insert(question.clone(), decision.clone());
        }
        decision
    }

    /// Answers for every section of a record type at once, in the order of the definition: one look at earlier
    /// answers instead of one for each section.
    pub fn decide_sections(&self, question: &SectionsQuestion, sections: &[Section]) -> Arc<[Decision]> {
        if let Ok(known) = self.sections.read()
            && let Some(decisions) = known.get(question)
        {
            return decisions.clone();
        }
        let decisions: Arc<[Decision]> = sections
            .iter()
            .enumerate()
            .map(|(n, section)| {
                self.decide(&Question {
                    role: question.role.clone(),
                    action: question.action,
                    object: Object::Section {
                        record_type: question.record_type.clone(),
                        section: section.name.clone(),
                    },
                    in_scope: question.in_scope,
                    covered: question.covered.get(n).copied().unwrap_or(false),
                    about_self: question.about_self,
                    purpose_given: question.purpose_given,
                    to_self: false,
                    sole_user: false,
                    party: false,
                    status: question.status,
                })
            })
            .collect();
        if let Ok(mut known) = self.sections.write() {
            known.insert(question.clone(), decisions.clone());
        }
        decisions
    }

    /// Answers `question` without looking at earlier answers.
    pub fn evaluate(&self, question: &Question) -> Decision {
        let denied = || Decision { permitted: false, clause: self.fallback.clone(), policy: None };
        let Some(entities) = self.entities.get(&question.role) else {
            return denied();
        };
        let request = match self.request(question) {
            Ok(request) => request,
            Err(cause) => {
                log::error!("policy question could not be asked for {}: {cause}", question.action.as_str());
                return denied();
            }
        };
        let response = self.authorizer.is_authorized(&request, &self.policies, entities);
        let mut failed = response.diagnostics().errors().peekable();
        if failed.peek().is_some() {
            for error in failed {
                log::error!("policy failed and denies: {error}");
            }
            return denied();
        }
        let mut reasons: Vec<&PolicyId> = response.diagnostics().reason().collect();
        reasons.sort_by_key(ToString::to_string);
        let reason = reasons.first();
        Decision {
            permitted: response.decision() == Effect::Allow,
            clause: reason
                .and_then(|id| self.policies.annotation(id, "clause"))
                .map_or_else(|| self.fallback.clone(), |c| Clause(c.to_owned())),
            policy: reason.map(ToString::to_string),
        }
    }

    fn request(&self, q: &Question) -> Result<Request, String> {
        let bool = |name: &str, value: bool| (name.to_owned(), RestrictedExpression::new_bool(value));
        let (resource, pairs) = match (&q.object, q.action.object_kind()) {
            (Object::Section { record_type, section }, ObjectKind::Section) => (
                uid("Section", &format!("{record_type}.{section}"))?,
                vec![
                    ("record_type".to_owned(), RestrictedExpression::new_entity_uid(uid("RecordType", record_type)?)),
                    bool("in_scope", q.in_scope),
                    bool("covered", q.covered),
                    bool("about_self", q.about_self),
                    bool("purpose_given", q.purpose_given),
                    ("status".to_owned(), RestrictedExpression::new_string(q.status.as_str().to_owned())),
                ],
            ),
            (Object::Register, ObjectKind::Register) => {
                (self.register.clone(), vec![bool("in_scope", q.in_scope), bool("purpose_given", q.purpose_given)])
            }
            (Object::Role(role), ObjectKind::Role) => (
                uid("Role", role)?,
                vec![bool("to_self", q.to_self), bool("in_scope", q.in_scope), bool("sole_user", q.sole_user)],
            ),
            (Object::Case(kind), ObjectKind::Case) => (
                uid("Case", kind)?,
                vec![
                    bool("in_scope", q.in_scope),
                    bool("party", q.party),
                    bool("about_self", q.about_self),
                    bool("purpose_given", q.purpose_given),
                ],
            ),
            (Object::Section { .. } | Object::Register | Object::Role(_) | Object::Case(_), _) => {
                return Err("the action is not done to such an object".into());
            }
        };
        let context = Context::from_pairs(pairs).map_err(|e| e.to_string())?;
        Request::new(uid("User", "asker")?, uid("Action", q.action.as_str())?, resource, context, Some(&self.schema))
            .map_err(|e| e.to_string())
    }
}

fn uid(kind: &str, id: &str) -> Result<EntityUid, String> {
    let kind = kind.parse().map_err(|e: cedar_policy::ParseErrors| e.to_string())?;
    Ok(EntityUid::from_type_name_and_id(kind, cedar_policy::EntityId::new(id)))
}

fn role_names(definition: &Definition) -> impl Iterator<Item = &str> {
    definition.register.roles.iter().map(|r| r.name.as_str()).chain([INSTALLATION])
}

/// The Cedar schema of a definition: its roles, sections and record types as closed lists.
pub fn schema(definition: &Definition) -> String {
    let list = |names: Vec<String>| names.iter().map(|n| format!("{n:?}")).collect::<Vec<_>>().join(", ");
    let sections = definition
        .record_types
        .iter()
        .flat_map(|t| t.sections.iter().map(move |s| format!("{}.{}", t.name, s.name)))
        .collect();
    let mut text = format!(
        "entity Role enum [{}];\nentity Section enum [{}];\nentity RecordType enum [{}];\n\
         entity Register enum [{}];\nentity Case{};\nentity User in [Role];\n\
         action view, enter, oversee, administer, procedure, release, confirmation, retention;\n",
        list(role_names(definition).map(str::to_owned).collect()),
        list(sections),
        list(definition.record_types.iter().map(|t| t.name.clone()).collect()),
        list(vec![definition.register.short_name.clone()]),
        // An enumeration cannot be empty.
        match definition.cases.as_slice() {
            [] => String::new(),
            cases => format!(" enum [{}]", list(cases.iter().map(|c| c.name.clone()).collect())),
        },
    );
    // Reading a name costs Cedar far more than reading a text, and this is read for each register. So the contexts are
    // written once, and the actions of one group on one kind of thing stand together.
    text.push_str(
        "type OfSection = { record_type: RecordType, in_scope: Bool, covered: Bool, about_self: Bool, \
         purpose_given: Bool, status: String };\n\
         type OfRegister = { in_scope: Bool, purpose_given: Bool };\n\
         type OfRole = { to_self: Bool, in_scope: Bool, sole_user: Bool };\n\
         type OfCase = { in_scope: Bool, party: Bool, about_self: Bool, purpose_given: Bool };\n",
    );
    let mut together: Vec<(&str, ObjectKind, Vec<String>)> = Vec::new();
    for action in Action::ALL {
        let (group, kind, name) = (action.group(), action.object_kind(), action.as_str().to_owned());
        match together.iter_mut().find(|(g, k, _)| *g == group && *k == kind) {
            Some((_, _, names)) => names.push(name),
            None => together.push((group, kind, vec![name])),
        }
    }
    for (group, kind, names) in together {
        let resource = match kind {
            ObjectKind::Section => "Section",
            ObjectKind::Register => "Register",
            ObjectKind::Role => "Role",
            ObjectKind::Case => "Case",
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "action {} in [{group}] appliesTo {{ principal: [User], resource: [{resource}], context: Of{resource} }};",
            list(names),
        );
    }
    text
}

/// The rules that hold in every register.
fn engine_policies(definition: &Definition) -> String {
    let names = |kind: ObjectKind| {
        Action::ALL
            .into_iter()
            .filter(|a| a.object_kind() == kind)
            .map(|a| format!("Action::{:?}", a.as_str()))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let access = &definition.register.access;
    format!(
        "@id(\"engine.scope\") @clause({scope:?}) forbid (principal, action in [{section}], resource)\n\
         when {{ !context.in_scope && !context.about_self }};\n\
         @id(\"engine.scope.register\") @clause({scope:?}) forbid (principal, action in [{register}], resource)\n\
         when {{ !context.in_scope }};\n\
         @id(\"engine.scope.case\") @clause({scope:?}) forbid (principal, action in [{case}], resource)\n\
         when {{ !context.in_scope && !context.party && !context.about_self }};\n\
         @id(\"engine.sections\") @clause({clause:?}) forbid (principal, action in [{section}], resource)\n\
         when {{ !context.covered && !context.about_self }};\n\
         @id(\"engine.self\") @clause({clause:?}) forbid (principal, action in [{role}], resource)\n\
         when {{ context.to_self }};\n\
         @id(\"engine.scope.grant\") @clause({scope:?}) forbid (principal, action in [{role}], resource)\n\
         when {{ !context.in_scope }};\n",
        scope = access.scope_clause.0,
        clause = access.clause.0,
        section = names(ObjectKind::Section),
        register = names(ObjectKind::Register),
        role = names(ObjectKind::Role),
        case = names(ObjectKind::Case),
    )
}

fn offset(error: &cedar_policy::ParseError) -> usize {
    use miette::Diagnostic as _;
    error.labels().and_then(|mut l| l.next()).map_or(0, |l| l.offset())
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|b| *b == b'\n').count() + 1
}

fn line_of_text(text: &str, needle: &str) -> usize {
    text.find(needle).map_or(0, |at| line_of(text, at))
}

/// The line on which each policy begins: that of its first annotation or, without any, of its effect.
fn policy_lines(text: &str) -> Vec<usize> {
    let mut lines = Vec::new();
    let mut begun = None;
    for (n, line) in text.lines().enumerate() {
        let line = line.trim_start();
        if line.starts_with("//") {
            continue;
        }
        let effect = line.contains("permit") || line.contains("forbid");
        if begun.is_none() && (line.starts_with('@') || effect) {
            begun = Some(n + 1);
            lines.push(n + 1);
        }
        if line.trim_end().ends_with(';') {
            begun = None;
        }
    }
    lines
}
