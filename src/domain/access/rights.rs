//! The rights of one actor: their grants in force, asked against the policies.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::Grant;
use super::action::{Action, Object, ObjectKind};
use super::policy::{Decision, Policies, Question, SectionsQuestion};
use crate::domain::closing::Closed;
use crate::domain::record::index::Status;
use crate::domain::statute::definition::{Section, Subject};
use crate::domain::statute::{Clause, Definition, RecordType};

/// Who acts, with the grants of theirs that are in force today in the register concerned.
#[derive(Debug, Clone)]
pub struct Actor {
    /// The user; `None` for the installation itself (command line, jobs).
    pub user_id: Option<Uuid>,
    /// Name under which they log in, or the name of the job.
    pub name: String,
    /// Their own personal code, to find what is about themselves. Never logged.
    pub personal_code: Option<String>,
    /// Grants in force.
    pub grants: Vec<Grant>,
    /// Roles held without a grant: the installation's own.
    pub standing_roles: Vec<String>,
    /// Set where the register is closed: then nobody enters anything, whatever the policies say.
    pub closed: Option<Closed>,
}

/// The name that stands in the place of a policy's where the register is closed.
pub const CLOSED: &str = "register-closed";

/// Where something lies, as far as policies care.
#[derive(Debug, Clone, PartialEq)]
pub struct Coordinates {
    /// Institution it belongs to; `None` for what belongs to none.
    pub institution_id: Option<Uuid>,
    /// Whether the record is about the actor.
    pub about_self: bool,
    /// Where the record stands.
    pub status: Status,
    /// Whether a purpose was stated.
    pub purpose_given: bool,
}

impl Ruling {
    /// Says no where the register is closed and `enters` says that data would be entered. The role stays, so that the
    /// log tells in which one it was tried.
    fn unless_closed(self, closed: Option<&Closed>, enters: bool) -> Self {
        match closed.filter(|_| enters) {
            Some(closed) if self.decision.permitted => {
                let decision =
                    Decision { permitted: false, clause: closed.clause.clone(), policy: Some(CLOSED.to_owned()) };
                Self { decision, ..self }
            }
            _ => self,
        }
    }

    /// Why it is refused: that the register is closed, where it is, else `otherwise`.
    pub fn refusal(&self, otherwise: String) -> String {
        match self.decision.policy.as_deref() {
            Some(CLOSED) => "the register is closed: nothing is entered in it any more".to_owned(),
            _ => otherwise,
        }
    }
}

/// A decision together with the role and grant under which it was reached.
#[derive(Debug, Clone, PartialEq)]
pub struct Ruling {
    /// The decision.
    pub decision: Decision,
    /// The role; `None` when the actor holds none.
    pub role: Option<String>,
    /// The grant; `None` for implicit and standing roles.
    pub grant_id: Option<Uuid>,
}

/// What an actor may do with a record, section by section.
#[derive(Debug, Clone, PartialEq)]
pub struct SectionRights {
    /// Sections permitted, with the ruling for each.
    pub permitted: BTreeMap<String, Ruling>,
    /// Sections refused, with the ruling for each.
    pub refused: BTreeMap<String, Ruling>,
}

impl SectionRights {
    /// Whether anything is permitted.
    pub fn any(&self) -> bool {
        !self.permitted.is_empty()
    }

    /// The ruling that speaks for the whole: the first permitted one, else the first refused one.
    pub fn leading(&self) -> Option<&Ruling> {
        self.permitted.values().next().or_else(|| self.refused.values().next())
    }
}

/// The actor's possible roles: each grant, each implicit role, each standing role.
struct Standing<'a> {
    role: &'a str,
    grant: Option<&'a Grant>,
}

impl Actor {
    /// Of what the user is known by, what a record about them holds; nothing for the installation.
    pub fn own<'a>(&'a self, subject: &Subject) -> Option<&'a str> {
        self.user_id.and_then(|_| subject.own(self.personal_code.as_deref(), &self.name))
    }

    fn standings<'a>(&'a self, definition: &'a Definition) -> Vec<Standing<'a>> {
        let granted = self.grants.iter().map(|g| Standing { role: &g.role, grant: Some(g) });
        let implicit = definition
            .register
            .roles
            .iter()
            .filter(|r| r.implicit && self.user_id.is_some())
            .map(|r| Standing { role: &r.name, grant: None });
        let standing = self.standing_roles.iter().map(|r| Standing { role: r, grant: None });
        granted.chain(implicit).chain(standing).collect()
    }

    /// Asks for every section of `record_type`.
    pub fn sections(
        &self,
        policies: &Policies,
        definition: &Definition,
        record_type: &RecordType,
        action: Action,
        at: &Coordinates,
    ) -> SectionRights {
        let standings = self.standings(definition);
        let answers: Vec<_> = standings
            .iter()
            .map(|s| {
                let covers = |section: &Section| s.grant.is_none_or(|g| g.covers(&record_type.name, &section.name));
                policies.decide_sections(
                    &SectionsQuestion {
                        role: s.role.to_owned(),
                        action,
                        record_type: record_type.name.clone(),
                        in_scope: s.grant.is_none_or(|g| g.reaches(at.institution_id)),
                        covered: record_type.sections.iter().map(covers).collect(),
                        about_self: at.about_self,
                        purpose_given: at.purpose_given,
                        status: at.status,
                    },
                    &record_type.sections,
                )
            })
            .collect();
        // One role at a time: the one that permits most. Where none permits anything, the best reason is given.
        let permits = |decisions: &[Decision]| decisions.iter().filter(|d| d.permitted).count();
        let most = answers.iter().map(|decisions| permits(decisions)).max().unwrap_or(0);
        let chosen = answers.iter().position(|decisions| most > 0 && permits(decisions) == most);
        let mut rights = SectionRights { permitted: BTreeMap::new(), refused: BTreeMap::new() };
        for (n, section) in record_type.sections.iter().enumerate() {
            let candidates =
                standings.iter().zip(&answers).enumerate().filter(|(at, _)| chosen.is_none_or(|c| c == *at));
            let rulings = candidates.filter_map(|(_, (s, decisions))| {
                decisions.get(n).map(|decision| Ruling {
                    decision: decision.clone(),
                    role: Some(s.role.to_owned()),
                    grant_id: s.grant.map(|g| g.id),
                })
            });
            let ruling = best(rulings, definition).unless_closed(self.closed.as_ref(), action.enters());
            let list = if ruling.decision.permitted { &mut rights.permitted } else { &mut rights.refused };
            list.insert(section.name.clone(), ruling);
        }
        rights
    }

    /// Asks about something of the register as a whole (documents, grants, the log).
    pub fn register(
        &self,
        policies: &Policies,
        definition: &Definition,
        action: Action,
        institution: Option<Option<Uuid>>,
        purpose_given: bool,
    ) -> Ruling {
        let at = Coordinates { institution_id: None, about_self: false, status: Status::None, purpose_given };
        let standings = self.standings(definition);
        let rulings = standings.iter().map(|s| {
            let in_scope = institution.is_none_or(|i| s.grant.is_none_or(|g| g.reaches(i)));
            rule(policies, s, action, Object::Register, Reach { in_scope, ..Reach::default() }, &at)
        });
        best(rulings, definition).unless_closed(self.closed.as_ref(), action.enters())
    }

    /// Asks about a case of the kind `name`.
    pub fn case(
        &self,
        policies: &Policies,
        definition: &Definition,
        action: Action,
        name: &str,
        case: CaseCoordinates,
    ) -> Ruling {
        let at = Coordinates {
            institution_id: case.institution_id,
            about_self: case.about_self,
            status: Status::None,
            purpose_given: case.purpose_given,
        };
        let standings = self.standings(definition);
        let rulings = standings.iter().map(|s| {
            let in_scope = s.grant.is_none_or(|g| g.reaches(case.institution_id));
            let reach = Reach { in_scope, party: case.party, ..Reach::default() };
            rule(policies, s, action, Object::Case(name.to_owned()), reach, &at)
        });
        best(rulings, definition)
    }

    /// Asks whether the actor may grant, change or end `role` for `holder`.
    #[expect(
        clippy::too_many_arguments,
        reason = "each is a coordinate of the question; a struct would only rename them"
    )]
    pub fn role(
        &self,
        policies: &Policies,
        definition: &Definition,
        action: Action,
        role: &str,
        holder: Uuid,
        institution: Option<Uuid>,
        sole_user: bool,
    ) -> Ruling {
        let at =
            Coordinates { institution_id: institution, about_self: false, status: Status::None, purpose_given: false };
        let to_self = self.user_id == Some(holder);
        let standings = self.standings(definition);
        let rulings = standings.iter().map(|s| {
            let in_scope = s.grant.is_none_or(|g| g.reaches(institution));
            let reach = Reach { in_scope, to_self, sole_user, party: false };
            rule(policies, s, action, Object::Role(role.to_owned()), reach, &at)
        });
        let enters = matches!(action, Action::GrantIssue | Action::GrantChange)
            && definition.register.roles.iter().any(|r| r.name == role && r.data_role);
        best(rulings, definition).unless_closed(self.closed.as_ref(), enters)
    }
}

/// What an actor may do somewhere in a register, by the policies alone: for what is offered, never for what is done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Abilities {
    /// Actions (`record.create`).
    pub actions: BTreeSet<String>,
    /// Record types of which records may be listed.
    pub lists: BTreeSet<String>,
    /// Record types of which records may be entered.
    pub enters: BTreeSet<String>,
    /// Kinds of case that may be opened.
    pub opens: BTreeSet<String>,
}

impl Actor {
    /// What may be done where a grant reaches, with a purpose stated; without any grant, what everybody may do with
    /// what is about themselves.
    pub fn abilities(&self, policies: &Policies, definition: &Definition) -> Abilities {
        let mut found = Abilities::default();
        let standings = self.standings(definition);
        let closed = self.closed.is_some();
        for action in Action::ALL.into_iter().filter(|action| !(closed && action.enters())) {
            let may = match action.object_kind() {
                ObjectKind::Section => {
                    let kinds = definition.record_types.iter();
                    let kinds: Vec<&RecordType> =
                        kinds.filter(|k| self.may_with(policies, &standings, k, action)).collect();
                    let names = kinds.iter().map(|k| k.name.clone());
                    match action {
                        Action::RecordList => found.lists.extend(names),
                        Action::RecordCreate => found.enters.extend(names),
                        _ => {}
                    }
                    !kinds.is_empty()
                }
                ObjectKind::Register => self.may_do(policies, &standings, action, &Object::Register),
                ObjectKind::Role => definition
                    .register
                    .roles
                    .iter()
                    .any(|r| self.may_do(policies, &standings, action, &Object::Role(r.name.clone()))),
                ObjectKind::Case => {
                    let kinds = definition
                        .cases
                        .iter()
                        .filter(|c| self.may_do(policies, &standings, action, &Object::Case(c.name.clone())));
                    let names: Vec<String> = kinds.map(|c| c.name.clone()).collect();
                    let any = !names.is_empty();
                    if action == Action::CaseOpen {
                        found.opens.extend(names);
                    }
                    any
                }
            };
            if may {
                found.actions.insert(action.as_str().to_owned());
            }
        }
        found
    }

    /// Whether the policies permit `action` with any section of a record type in any of its standings.
    fn may_with(&self, policies: &Policies, standings: &[Standing<'_>], kind: &RecordType, action: Action) -> bool {
        let statuses: &[Status] =
            if action == Action::RecordCreate { &[Status::None] } else { &[Status::Active, Status::Ended] };
        let about_self = self.grants.is_empty() && action != Action::RecordList;
        standings.iter().any(|s| {
            let covers = |section: &Section| s.grant.is_none_or(|g| g.covers(&kind.name, &section.name));
            statuses.iter().any(|status| {
                let question = SectionsQuestion {
                    role: s.role.to_owned(),
                    action,
                    record_type: kind.name.clone(),
                    in_scope: true,
                    covered: kind.sections.iter().map(covers).collect(),
                    about_self,
                    purpose_given: true,
                    status: *status,
                };
                policies.decide_sections(&question, &kind.sections).iter().any(|d| d.permitted)
            })
        })
    }

    fn may_do(&self, policies: &Policies, standings: &[Standing<'_>], action: Action, object: &Object) -> bool {
        let about_self = self.grants.is_empty();
        let at = Coordinates { institution_id: None, about_self, status: Status::None, purpose_given: true };
        // Whoever opens a case is a party to it.
        let party = about_self || action == Action::CaseOpen;
        standings.iter().any(|s| {
            [false, true].into_iter().any(|sole_user| {
                let reach = Reach { in_scope: true, to_self: false, sole_user, party };
                rule(policies, s, action, object.clone(), reach, &at).decision.permitted
            })
        })
    }
}

/// What a case is to the actor, as far as policies care.
#[derive(Debug, Clone, Copy, Default)]
pub struct CaseCoordinates {
    /// Institution it belongs to; `None` for what belongs to none.
    pub institution_id: Option<Uuid>,
    /// Whether the actor opened it or is a party to it.
    pub party: bool,
    /// Whether it is about the actor.
    pub about_self: bool,
    /// Whether a purpose was stated.
    pub purpose_given: bool,
}

#[derive(Default)]
struct Reach {
    in_scope: bool,
    to_self: bool,
    sole_user: bool,
    party: bool,
}

fn rule(
    policies: &Policies,
    standing: &Standing<'_>,
    action: Action,
    object: Object,
    reach: Reach,
    at: &Coordinates,
) -> Ruling {
    let decision = policies.decide(&Question {
        role: standing.role.to_owned(),
        action,
        object,
        in_scope: reach.in_scope,
        covered: true,
        about_self: at.about_self,
        purpose_given: at.purpose_given,
        to_self: reach.to_self,
        sole_user: reach.sole_user,
        party: reach.party,
        status: at.status,
    });
    Ruling { decision, role: Some(standing.role.to_owned()), grant_id: standing.grant.map(|g| g.id) }
}

/// The first permission; else the refusal that says most: one by a policy before one for want of any.
fn best(rulings: impl Iterator<Item = Ruling>, definition: &Definition) -> Ruling {
    let mut refused: Option<Ruling> = None;
    for ruling in rulings {
        if ruling.decision.permitted {
            return ruling;
        }
        if refused.as_ref().is_none_or(|r| r.decision.policy.is_none() && ruling.decision.policy.is_some()) {
            refused = Some(ruling);
        }
    }
    refused.unwrap_or_else(|| no_role(&definition.register.access.clause))
}

fn no_role(clause: &Clause) -> Ruling {
    Ruling { decision: Decision { permitted: false, clause: clause.clone(), policy: None }, role: None, grant_id: None }
}
