//! Who may do more or less: both versions are asked about every role, act, thing and circumstance, as the screens and the
//! interface ask them. What only one of the two knows is told where it comes or goes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::definition::Definition;
use super::super::parse::POLICIES_FILE;
use super::{Area, Change, Kind};
use crate::domain::access::action::ObjectKind;
use crate::domain::access::policy::{Decision, INSTALLATION, Policies, PolicyFault, Question};
use crate::domain::access::{Action, Object};
use crate::domain::record::index::Status;

/// One version with its policies.
pub(super) struct Side<'d> {
    definition: &'d Definition,
    policies: Policies,
}

/// Both versions, ready to be asked.
pub(super) struct Asked<'d> {
    pub old: Side<'d>,
    pub new: Side<'d>,
}

/// A circumstance, in words, with the finer ones that it is made of.
struct Circumstance {
    words: &'static str,
    questions: Vec<(Fine, Question)>,
}

/// What a right may depend on within a circumstance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fine {
    status: Status,
    purpose: bool,
}

impl<'d> Side<'d> {
    fn new(definition: &'d Definition) -> Result<Self, Vec<PolicyFault>> {
        Ok(Self { definition, policies: Policies::new(definition)? })
    }

    fn roles(&self) -> impl Iterator<Item = &'d str> {
        self.definition.register.roles.iter().map(|role| role.name.as_str()).chain([INSTALLATION])
    }

    fn decide(&self, question: &Question) -> Decision {
        self.policies.evaluate(question)
    }

    fn permits(&self, question: &Question) -> bool {
        self.decide(question).permitted
    }

    /// Roles that may read active records of a section, with a purpose stated.
    pub(super) fn readers(&self, record_type: &str, section: &str) -> Vec<String> {
        let object = Object::Section { record_type: record_type.to_owned(), section: section.to_owned() };
        let mut readers = Vec::new();
        for role in self.roles() {
            let mut question = question(role, Action::RecordRead, object.clone());
            (question.status, question.purpose_given) = (Status::Active, true);
            if self.permits(&question) {
                readers.push(role.to_owned());
                continue;
            }
            question.about_self = true;
            if self.permits(&question) {
                readers.push(format!("{role} (about themselves)"));
            }
        }
        readers
    }

    /// What a role may do, a line for each act.
    pub(super) fn powers(&self, role: &str) -> Vec<String> {
        let mut found: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for action in Action::ALL {
            let may = |object: &Object| {
                let all = circumstances(role, action, object);
                all.iter().flat_map(|c| &c.questions).any(|(_, q)| self.permits(q))
            };
            let all = self.objects(action);
            let objects: Vec<&Object> = all.iter().filter(|object| may(object)).collect();
            if !objects.is_empty() {
                found.entry(named(&objects, &all)).or_default().push(action.as_str());
            }
        }
        found.into_iter().map(|(objects, actions)| format!("may {}: {objects}", actions.join(", "))).collect()
    }

    /// Who has to do with a kind of case, a line for each role.
    pub(super) fn handlers(&self, case: &str) -> Vec<String> {
        let object = Object::Case(case.to_owned());
        let mut found = Vec::new();
        for role in self.roles() {
            let may = |action: &Action| {
                let all = circumstances(role, *action, &object);
                action.object_kind() == ObjectKind::Case
                    && all.iter().flat_map(|c| &c.questions).any(|(_, q)| self.permits(q))
            };
            let actions: Vec<&str> = Action::ALL.iter().filter(|a| may(a)).map(|a| a.as_str()).collect();
            if !actions.is_empty() {
                found.push(format!("{role}: {}", actions.join(", ")));
            }
        }
        found
    }

    /// Everything that an action can be done to.
    fn objects(&self, action: Action) -> Vec<Object> {
        let definition = self.definition;
        match action.object_kind() {
            ObjectKind::Section => definition
                .record_types
                .iter()
                .flat_map(|t| {
                    let section =
                        |name: &str| Object::Section { record_type: t.name.clone(), section: name.to_owned() };
                    t.sections.iter().map(move |s| section(&s.name))
                })
                .collect(),
            ObjectKind::Register => vec![Object::Register],
            ObjectKind::Role => self.roles().map(|role| Object::Role(role.to_owned())).collect(),
            ObjectKind::Case => definition.cases.iter().map(|case| Object::Case(case.name.clone())).collect(),
        }
    }
}

/// What came of asking about one role.
#[derive(Default)]
struct Found {
    /// Particulars of what may be done from now on, of what may not any more, and of what rests on another clause:
    /// circumstances and things, with the acts.
    more: Groups,
    less: Groups,
    otherwise: Groups,
}

/// Acts and clauses, by things and circumstances.
type Groups = BTreeMap<(String, String), (Vec<&'static str>, BTreeSet<String>)>;

/// Things, by circumstances and clauses.
type Rows<'o> = BTreeMap<(String, BTreeSet<String>), Vec<&'o Object>>;

impl<'d> Asked<'d> {
    pub(super) fn new(old: &'d Definition, new: &'d Definition) -> Result<Self, Vec<PolicyFault>> {
        Ok(Self { old: Side::new(old)?, new: Side::new(new)? })
    }

    /// What changes for the roles that both versions know, a change for each role and direction.
    pub(super) fn changes(&self) -> Vec<Change> {
        // The same policies answer the same questions alike.
        if self.old.definition.policies == self.new.definition.policies {
            return Vec::new();
        }
        let mut changes = Vec::new();
        for role in self.new.roles().filter(|role| self.old.roles().any(|r| r == *role)) {
            let found = self.role(role);
            for (kind, groups) in [(Kind::More, found.more), (Kind::Less, found.less), (Kind::Changed, found.otherwise)]
            {
                if !groups.is_empty() {
                    changes.push(told(role, kind, groups));
                }
            }
        }
        let rights_of_what_is_new = self.old.shape() != self.new.shape();
        if changes.is_empty() && !rights_of_what_is_new {
            let says = "the policies are written otherwise; nobody's rights change".to_owned();
            changes.push(of_policies(Kind::Changed, says, Vec::new()));
        }
        changes
    }

    fn role(&self, role: &str) -> Found {
        let mut found = Found::default();
        for action in Action::ALL {
            let known = self.old.objects(action);
            let all: Vec<Object> = self.new.objects(action).into_iter().filter(|o| known.contains(o)).collect();
            let mut rows: [Rows<'_>; 3] = Default::default();
            for object in &all {
                for (row, (words, clauses)) in rows.iter_mut().zip(self.object(role, action, object)) {
                    if !words.is_empty() {
                        row.entry((words.join("; "), clauses)).or_default().push(object);
                    }
                }
            }
            let groups = [&mut found.more, &mut found.less, &mut found.otherwise];
            for (group, row) in groups.into_iter().zip(rows) {
                for ((words, clauses), objects) in row {
                    let (actions, of) = group.entry((named(&objects, &all), words)).or_default();
                    actions.push(action.as_str());
                    of.extend(clauses);
                }
            }
        }
        found
    }

    /// In which circumstances a role may now do something to an object, may not any more, or may by another clause; with
    /// the clauses.
    fn object(&self, role: &str, action: Action, object: &Object) -> [(Vec<String>, BTreeSet<String>); 3] {
        let mut told: [(Vec<String>, BTreeSet<String>); 3] = Default::default();
        let mut before: [Vec<Fine>; 3] = Default::default();
        for circumstance in circumstances(role, action, object) {
            let mut differs: [Vec<Fine>; 3] = Default::default();
            let all: Vec<Fine> = circumstance.questions.iter().map(|(fine, _)| *fine).collect();
            for (fine, question) in &circumstance.questions {
                let (was, is) = (self.old.decide(question), self.new.decide(question));
                let own = |d: &Decision| d.policy.as_deref().is_some_and(|id| !id.starts_with("engine."));
                let at = match (was.permitted, is.permitted) {
                    (false, true) => 0,
                    (true, false) => 1,
                    _ if was.clause != is.clause && own(&was) && own(&is) => 2,
                    _ => continue,
                };
                if let (Some(list), Some((_, clauses))) = (differs.get_mut(at), told.get_mut(at)) {
                    list.push(*fine);
                    clauses.insert(match at {
                        0 => is.clause.0,
                        1 => was.clause.0,
                        _ => format!("{}, before {}", is.clause, was.clause),
                    });
                }
            }
            for ((words, _), (fines, seen)) in told.iter_mut().zip(differs.into_iter().zip(before.iter_mut())) {
                // What is so wherever the grant reaches is not told again of one's own.
                if fines.is_empty() || fines.iter().all(|fine| seen.contains(fine)) {
                    continue;
                }
                words.push(format!("{}{}", circumstance.words, finer(&fines, &all)));
                seen.extend(fines);
            }
        }
        told
    }
}

impl Side<'_> {
    /// The names of what policies speak about.
    fn shape(&self) -> BTreeSet<String> {
        let objects = Action::ALL.into_iter().flat_map(|action| self.objects(action));
        objects.map(|object| format!("{object:?}")).collect()
    }
}

fn told(role: &str, kind: Kind, groups: Groups) -> Change {
    let says = match kind {
        Kind::More => format!("`{role}` may do more"),
        Kind::Less => format!("`{role}` may do less"),
        _ => format!("`{role}` may do the same on another clause"),
    };
    let details = groups
        .into_iter()
        .map(|((objects, words), (actions, clauses))| {
            let clauses: Vec<String> = clauses.into_iter().collect();
            format!("{}: {objects} ({words}) by {}", actions.join(", "), clauses.join("; "))
        })
        .collect();
    let mut change = of_policies(kind, says, details);
    change.star = kind != Kind::Changed;
    change.place = format!("{POLICIES_FILE}: {role}");
    change
}

fn of_policies(kind: Kind, says: String, details: Vec<String>) -> Change {
    Change {
        area: Area::Rights,
        kind,
        star: false,
        place: POLICIES_FILE.to_owned(),
        says,
        clause: None,
        from: Value::Null,
        to: Value::Null,
        details,
        effect: None,
        touches: Vec::new(),
    }
}

/// Objects by their names; the sections of a record type together where they are all that there are.
fn named(objects: &[&Object], all: &[Object]) -> String {
    let mut names: Vec<String> = Vec::new();
    for object in objects {
        let name = match object {
            Object::Section { record_type, section } => {
                let of_type = |o: &Object| matches!(o, Object::Section { record_type: t, .. } if t == record_type);
                let whole = all.iter().filter(|o| of_type(o)).count();
                let here = objects.iter().filter(|o| of_type(o)).count();
                if here == whole { format!("all of {record_type}") } else { format!("{record_type}.{section}") }
            }
            Object::Register => "the register".to_owned(),
            Object::Role(role) => format!("role {role}"),
            Object::Case(case) => format!("case {case}"),
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(", ")
}

/// The statuses and the stated purpose on which a difference depends, where it does not concern all of them.
fn finer(fines: &[Fine], all: &[Fine]) -> String {
    if fines.len() == all.len() {
        return String::new();
    }
    let one_by_one = |purposes: &[bool]| -> Vec<&str> {
        let found = |fine: &&Fine| purposes.contains(&fine.purpose);
        let mut words: Vec<&str> = fines.iter().filter(found).map(|fine| fine.status.as_str()).collect();
        words.dedup();
        words
    };
    let (with, without) = (one_by_one(&[true]), one_by_one(&[false]));
    let statuses = |words: Vec<&str>| {
        let complete = all.iter().filter(|fine| fine.purpose).all(|fine| words.contains(&fine.status.as_str()));
        if complete { String::new() } else { format!(", {}", words.join(" or ")) }
    };
    if with == without {
        statuses(with)
    } else if without.is_empty() {
        format!("{}, with a purpose", statuses(with))
    } else if with.is_empty() {
        format!("{}, without a purpose", statuses(without))
    } else {
        format!("{} with a purpose{} without one", statuses(with), statuses(without))
    }
}

fn question(role: &str, action: Action, object: Object) -> Question {
    Question {
        role: role.to_owned(),
        action,
        object,
        in_scope: true,
        covered: true,
        about_self: false,
        purpose_given: false,
        to_self: false,
        sole_user: false,
        party: false,
        status: Status::None,
    }
}

/// Everything that a right to `object` may depend on; what no register permits (outside the grant, to oneself) is not asked.
fn circumstances(role: &str, action: Action, object: &Object) -> Vec<Circumstance> {
    type Set = fn(&mut Question);
    let of_kind: &[(&'static str, Set)] = match action.object_kind() {
        ObjectKind::Section => &[("in scope", |_| {}), ("about oneself", |q| q.about_self = true)],
        ObjectKind::Register => &[("in scope", |_| {})],
        ObjectKind::Role => &[("of another", |_| {}), ("of the sole user", |q| q.sole_user = true)],
        ObjectKind::Case => &[
            ("in scope", |_| {}),
            ("about oneself", |q| (q.in_scope, q.about_self) = (false, true)),
            ("as a party", |q| (q.in_scope, q.party) = (false, true)),
            ("as a party about oneself", |q| (q.in_scope, q.about_self, q.party) = (false, true, true)),
        ],
    };
    let statuses: &[Status] = match (action.object_kind(), action) {
        (ObjectKind::Section, Action::RecordCreate) => &[Status::None],
        (ObjectKind::Section, _) => &[Status::Pending, Status::Active, Status::Ended],
        _ => &[Status::None],
    };
    let asks_purpose = action.object_kind() != ObjectKind::Role;
    let purposes: &[bool] = if asks_purpose { &[true, false] } else { &[true] };
    let made = |(words, set): &(&'static str, Set)| {
        let mut questions = Vec::new();
        for purpose in purposes {
            for status in statuses {
                let mut asked = question(role, action, object.clone());
                (asked.status, asked.purpose_given) = (*status, *purpose && asks_purpose);
                set(&mut asked);
                questions.push((Fine { status: *status, purpose: *purpose }, asked));
            }
        }
        Circumstance { words, questions }
    };
    of_kind.iter().map(made).collect()
}
