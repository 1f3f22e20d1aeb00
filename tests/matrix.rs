//! The policy matrix: role × action × object × scope, as a table that a lawyer can read and approve.

use std::fmt::Write as _;

use andmekogu::domain::access::action::ObjectKind;
use andmekogu::domain::access::policy::INSTALLATION;
use andmekogu::domain::access::{Action, Object, Policies, Question};
use andmekogu::domain::record::index::Status;
use andmekogu::domain::registers::Registers;
use andmekogu::domain::statute::Definition;

use crate::harness::{REGISTER, shipped};

fn persona() -> Definition {
    shipped().into_iter().find(|d| d.register.short_name == REGISTER).unwrap()
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
        status: Status::Active,
    }
}

/// The circumstances that a row distinguishes.
fn circumstances(q: &Question) -> Vec<(&'static str, Question)> {
    let with = |change: fn(&mut Question)| {
        let mut next = q.clone();
        change(&mut next);
        next
    };
    match q.action.object_kind() {
        ObjectKind::Section => vec![
            ("own", with(|q| q.about_self = true)),
            ("in scope", q.clone()),
            ("ended", with(|q| q.status = Status::Ended)),
            ("not covered", with(|q| q.covered = false)),
            ("elsewhere", with(|q| q.in_scope = false)),
        ],
        ObjectKind::Register => vec![("in scope", q.clone()), ("elsewhere", with(|q| q.in_scope = false))],
        ObjectKind::Role => vec![
            ("of another", q.clone()),
            ("own", with(|q| q.to_self = true)),
            ("sole user", with(|q| q.sole_user = true)),
            ("elsewhere", with(|q| q.in_scope = false)),
        ],
    }
}

/// One line for each role, action and kind of object; sections of which the same is true share one.
fn matrix(definition: &Definition) -> String {
    let policies = Policies::new(definition).unwrap();
    let mut out = String::from(
        "# Who may do what: role × action × object × circumstance, with the clause that decides\n\
         # + permitted, - refused. Made by the tests from the policies; `UPDATE_GOLDEN=1 cargo test matrix` rewrites it.\n",
    );
    let roles: Vec<&str> = definition.register.roles.iter().map(|r| r.name.as_str()).chain([INSTALLATION]).collect();
    for role in &roles {
        let _ = writeln!(out, "\n## {role}");
        for action in Action::ALL {
            let objects: Vec<(String, Object)> = match action.object_kind() {
                ObjectKind::Section => definition
                    .record_types
                    .iter()
                    .flat_map(|t| t.sections.iter().map(move |s| (t, s)))
                    .map(|(t, s)| {
                        let object = Object::Section { record_type: t.name.clone(), section: s.name.clone() };
                        (format!("{}.{}", t.name, s.name), object)
                    })
                    .collect(),
                ObjectKind::Register => vec![("the register".to_owned(), Object::Register)],
                ObjectKind::Role => roles.iter().map(|r| ((*r).to_owned(), Object::Role((*r).to_owned()))).collect(),
            };
            let mut rows: Vec<(String, Vec<String>)> = Vec::new();
            for (name, object) in objects {
                let cells: Vec<String> = circumstances(&question(role, action, object))
                    .into_iter()
                    .map(|(circumstance, q)| {
                        let decision = policies.evaluate(&q);
                        assert_eq!(decision, policies.decide(&q), "an answer that is kept is the same answer");
                        let sign = if decision.permitted { '+' } else { '-' };
                        format!("{circumstance} {sign} {}", decision.clause)
                    })
                    .collect();
                let row = cells.join(" | ");
                match rows.iter_mut().find(|(known, _)| *known == row) {
                    Some((_, names)) => names.push(name),
                    None => rows.push((row, vec![name])),
                }
            }
            for (row, names) in rows {
                let _ = writeln!(out, "{:<15} {}\n                {row}", action.as_str(), names.join(", "));
            }
        }
    }
    out
}

#[test]
fn the_policy_matrix_is_what_a_lawyer_approved() {
    let now = matrix(&persona());
    let path = "tests/golden/policy-matrix.txt";
    if std::env::var("UPDATE_GOLDEN").is_ok() {
        std::fs::write(path, &now).unwrap();
    }
    let approved = std::fs::read_to_string(path).unwrap_or_default();
    for (n, (a, b)) in approved.lines().zip(now.lines()).enumerate() {
        assert_eq!(
            a,
            b,
            "{path}:{}: rights have changed; if that is meant, run with UPDATE_GOLDEN=1 and say so with a star in the changelog",
            n + 1
        );
    }
    assert_eq!(approved.lines().count(), now.lines().count());
}

#[test]
fn nothing_outside_scope_or_cover_and_nothing_for_oneself_is_ever_permitted() {
    let definition = persona();
    let policies = Policies::new(&definition).unwrap();
    for role in definition.register.roles.iter().map(|r| r.name.as_str()).chain([INSTALLATION]) {
        for action in Action::ALL {
            let object = match action.object_kind() {
                ObjectKind::Section => Object::Section { record_type: "employee".into(), section: "pay".into() },
                ObjectKind::Register => Object::Register,
                ObjectKind::Role => Object::Role("hr_clerk".into()),
            };
            let base = question(role, action, object);
            for change in [
                |q: &mut Question| q.in_scope = false,
                |q: &mut Question| q.covered = false,
                |q: &mut Question| q.to_self = true,
            ] {
                let mut q = base.clone();
                change(&mut q);
                let matters = match action.object_kind() {
                    ObjectKind::Section => !q.in_scope || !q.covered,
                    ObjectKind::Register => !q.in_scope,
                    ObjectKind::Role => !q.in_scope || q.to_self,
                };
                if matters {
                    assert!(!policies.evaluate(&q).permitted, "{q:?}");
                }
            }
        }
    }
}

#[test]
fn an_unknown_role_object_or_pairing_is_refused() {
    let policies = Policies::new(&persona()).unwrap();
    let section = |s: &str| Object::Section { record_type: "employee".into(), section: s.into() };
    for q in [
        question("magician", Action::RecordRead, section("pay")),
        question("administrator", Action::RecordRead, section("dreams")),
        question("administrator", Action::RecordRead, Object::Register),
        question("administrator", Action::AuditRead, section("pay")),
        question("it_manager", Action::GrantIssue, Object::Role("emperor".into())),
    ] {
        let decision = policies.evaluate(&q);
        assert!(!decision.permitted, "{q:?}");
        assert!(!decision.clause.0.is_empty(), "even then a clause is cited");
    }
}

#[test]
fn a_policy_that_errs_denies() {
    let mut definition = persona();
    // Overflows when it is evaluated: Cedar itself would leave such a policy out.
    definition.policies.push_str(
        "\n@id(\"broken\") @clause(\"§ 1 lg 1\") forbid (principal, action == Action::\"record.read\", resource)\n\
         when { 9223372036854775807 + 1 == 0 && context.in_scope };\n",
    );
    let policies = Policies::new(&definition).unwrap();
    let object = Object::Section { record_type: "employee".into(), section: "person".into() };
    assert!(!policies.evaluate(&question("administrator", Action::RecordRead, object.clone())).permitted);
    assert!(policies.evaluate(&question("administrator", Action::RecordChange, object)).permitted, "others stand");
}

#[test]
fn a_policy_that_names_what_does_not_exist_is_refused_with_its_line() {
    let refused = |policy: &str| {
        let mut definition = persona();
        let line = definition.policies.lines().count() + 2;
        definition.policies.push_str(&format!("\n{policy}\n"));
        let faults = Policies::new(&definition).unwrap_err();
        assert!(faults.iter().any(|f| f.line == line || f.line == 0), "line {line}: {faults:?}");
        assert!(Registers::new(vec![definition]).is_err());
    };
    refused("@id(\"a\") @clause(\"§ 1 lg 1\") permit (principal in Role::\"magician\", action, resource);");
    refused("@id(\"a\") @clause(\"§ 99\") permit (principal in Role::\"administrator\", action, resource);");
    refused("@clause(\"§ 1 lg 1\") permit (principal in Role::\"administrator\", action, resource);");
    refused("@id(\"a\") permit (principal in Role::\"administrator\", action, resource);");
    refused("@id(\"a\") @clause(\"§ 1 lg 1\") permit (principal, action == Action::\"record.steal\", resource);");
    refused(
        "@id(\"a\") @clause(\"§ 1 lg 1\") permit (principal, action == Action::\"record.read\", resource == Section::\"employee.dreams\");",
    );
}
