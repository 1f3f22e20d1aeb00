//! The policy matrix: role × action × object × scope, as a table that a lawyer can read and approve.

use std::fmt::Write as _;

use andmekogu::domain::access::action::ObjectKind;
use andmekogu::domain::access::policy::INSTALLATION;
use andmekogu::domain::access::{Action, Object, Policies, Question};
use andmekogu::domain::record::index::Status;
use andmekogu::domain::registers::Registers;
use andmekogu::domain::statute::Definition;
use andmekogu::domain::statute::procedures::StepKind;

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
        party: false,
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
        ObjectKind::Case => vec![
            ("in scope", q.clone()),
            ("own", with(|q| (q.in_scope, q.about_self) = (false, true))),
            ("party", with(|q| (q.in_scope, q.party) = (false, true))),
            ("own party", with(|q| (q.in_scope, q.about_self, q.party) = (false, true, true))),
            ("party in scope", with(|q| q.party = true)),
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
                ObjectKind::Case => {
                    definition.cases.iter().map(|c| (c.name.clone(), Object::Case(c.name.clone()))).collect()
                }
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
                ObjectKind::Case => Object::Case("complaint".into()),
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
                    ObjectKind::Case => !q.in_scope && !q.party && !q.about_self,
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

#[test]
fn a_party_speaks_in_a_case_and_others_take_it_forward() {
    let policies = Policies::new(&persona()).unwrap();
    let may = |role: &str, step: StepKind, kind: &str, party: bool| {
        // A role without a grant is in scope of everything.
        let q = Question { party, ..question(role, Action::of_step(step), Object::Case(kind.into())) };
        policies.evaluate(&q).permitted
    };
    for (step, processor) in [
        (StepKind::Acknowledge, true),
        (StepKind::Answer, true),
        (StepKind::Extend, false),
        (StepKind::Forward, false),
        (StepKind::Verify, false),
        (StepKind::Close, false),
        (StepKind::Decide, false),
    ] {
        for kind in ["prescription", "instruction", "proposal"] {
            assert_eq!(may("processor", step, kind, true), processor, "{} of a {kind}", step.as_str());
        }
    }
    for step in [StepKind::Message, StepKind::Clarify, StepKind::Withdraw] {
        assert!(may("data_subject", step, "complaint", true), "{}", step.as_str());
        assert!(!may("data_subject", step, "complaint", false), "another's complaint is none of theirs");
    }
    for step in [StepKind::Notify, StepKind::Close, StepKind::Decide] {
        assert!(!may("data_subject", step, "complaint", true), "{}", step.as_str());
        assert!(may("controller", step, "complaint", false), "{}", step.as_str());
    }
    assert!(may("hr_clerk", StepKind::Extend, "information_request", false));
    assert!(!may("hr_clerk", StepKind::Decide, "information_request", false), "prepared by one, decided by another");
    assert!(may("administrator", StepKind::Decide, "information_request", false));
    for role in ["administrator", "hr_clerk", "processor", "data_subject", "it_manager", "installation"] {
        let read = question(role, Action::CaseRead, Object::Case("investigation".into()));
        assert!(!policies.evaluate(&read).permitted, "{role} does not know of an investigation");
    }
}

#[test]
fn nobody_decides_a_case_about_themselves_nor_knows_of_an_investigation_of_themselves() {
    let definition = persona();
    let policies = Policies::new(&definition).unwrap();
    for role in definition.register.roles.iter().map(|r| r.name.as_str()).chain([INSTALLATION]) {
        for case in &definition.cases {
            let object = Object::Case(case.name.clone());
            let decide = Question { about_self: true, ..question(role, Action::CaseDecide, object.clone()) };
            assert!(!policies.evaluate(&decide).permitted, "{role} {}", case.name);
        }
        for action in [Action::CaseOpen, Action::CaseRead, Action::CaseRespond, Action::CaseHandle] {
            let object = Object::Case("investigation".into());
            let own = Question { about_self: true, party: true, ..question(role, action, object) };
            assert!(!policies.evaluate(&own).permitted, "{role} {}", action.as_str());
        }
    }
}
