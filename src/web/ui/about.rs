//! What everybody may know: what realises each clause of a statute; help, accessibility, and a tour of the
//! demonstration. No personal data.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use askama::Template;

use super::desk::plural;
use super::frame::{Frame, anchor};
use super::visit::Guest;
use super::{Page, Said, Shown, State, T, html, open, page};
use crate::domain::registers::Register;
use crate::domain::statute::behaviour;
use crate::domain::statute::{Clause, Label};

/// Pages of this noun.
pub const PAGES: &[Page] = &[
    page!(Get "/help", help, "none: no data"),
    page!(Get "/accessibility", accessibility, "none: no data"),
    page!(Get "/tour", tour, "none: no data"),
    page!(Get "/r/{r}/statute", statute, "register.read: no personal data"),
];

/// A period (`P10Y`) in words; what is none of years, months or days stays as it is.
pub(super) fn lasting(t: T, period: &str) -> String {
    let rest = period.strip_prefix('P').unwrap_or_default();
    let split = rest.len().checked_sub(1).and_then(|at| rest.split_at_checked(at));
    let Some((Ok(n), unit)) = split.map(|(n, unit)| (n.parse::<i64>(), unit)) else { return period.to_owned() };
    match unit {
        "Y" => plural(t, "about-years-", n),
        "M" => plural(t, "about-months-", n),
        "D" => plural(t, "about-days-", n),
        _ => period.to_owned(),
    }
}

/// What the software does for a clause.
struct Does {
    does: &'static str,
    href: Option<String>,
    screen: String,
}

/// A clause.
struct ClauseLine {
    id: String,
    anchor: String,
    gist: String,
    words: Vec<Said>,
    standing: &'static str,
    kind: &'static str,
    does: Vec<Does>,
    reason: Option<String>,
    pending: Option<String>,
}

#[derive(Template)]
#[template(path = "ui/about/statute.html")]
struct StatutePage {
    f: Frame,
    title: String,
    publication: String,
    counts: Vec<(String, usize, &'static str)>,
    sections: Vec<(String, String)>,
    clauses: Vec<ClauseLine>,
}

/// The screen on which a behaviour is seen: its path in the register and the text of the menu.
fn screen(behaviour: &str) -> Option<(&'static str, &'static str)> {
    Some(match behaviour {
        "access_log" | "access_report" | "supervision" | "tamper_evidence" => ("/audit", "frame-audit"),
        "grant_appointment" | "grant_log" | "revocation_grounds" | "sole_user" | "leaver_clock"
        | "processor_contract" | "entry_by_role" | "section_rights" | "named_person" => ("/access", "frame-access"),
        "confirmation_by_head" | "confirmation_dates" | "confirmation_snapshot" | "cross_record_checks" => {
            ("/confirmations", "frame-confirmations")
        }
        "disclosure_ledger" | "disclosure_release" | "release_weighing" | "request_clocks" | "recipient_notices"
        | "publication" => ("/requests", "frame-requests"),
        "closing" | "closing_act" | "closing_package" | "closing_plan" | "closing_steps" => {
            ("/closing", "closing-title")
        }
        "import_sheets" => ("/imports", "frame-imports"),
        "complaint_clock" | "incident_notices" | "instructions" | "prescription" | "subject_notice" => {
            ("/cases", "frame-cases")
        }
        "statistical_report" | "aggregates" => ("/reports", "frame-reports"),
        "exchange" | "source_locked" => ("/exchanges", "about-exchanges"),
        "own_data" => ("", "about-own-data"),
        "base_document_kinds"
        | "base_document_required"
        | "consent_gate"
        | "correction"
        | "current_data"
        | "derived_values"
        | "digital_files"
        | "field_validation"
        | "held_by"
        | "legal_need_gate"
        | "lifecycle"
        | "queue_order"
        | "record_moves"
        | "references" => ("/records", "frame-records"),
        "definition_states" | "official_names" | "security_class" | "retention_declared" => ("", "frame-about"),
        _ => return None,
    })
}

/// The statute clause by clause, with what realises each.
///
/// # Errors
/// 404.
pub async fn statute(state: State, guest: Guest) -> Shown {
    let register = guest.register(&state)?;
    let (t, act) = (guest.t, &register.definition.register.act);
    let clauses = clauses(&guest, &register);
    let mut counts: Vec<(String, usize, &'static str)> = Vec::new();
    for (standing, kind) in [("done", "ok"), ("partly", "warn"), ("pending", "err sq"), ("reasoned", "")] {
        let n = clauses.iter().filter(|c| c.standing == standing).count();
        if n > 0 {
            counts.push((t.say(&format!("about-standing-{standing}")), n, kind));
        }
    }
    let mut sections: Vec<(String, String)> = Vec::new();
    for clause in &clauses {
        let section =
            clause.id.split(" lg ").next().and_then(|s| s.split(" p ").next()).unwrap_or(&clause.id).to_owned();
        if sections.last().is_none_or(|(last, _)| *last != section) {
            sections.push((section, clause.anchor.clone()));
        }
    }
    let here = format!("/r/{}/statute", register.name());
    open::page(
        &guest,
        &StatutePage {
            f: guest.open_frame(&state, t.say("frame-statute"), &here, true),
            title: act.title.clone(),
            publication: act.publication.clone(),
            counts,
            sections,
            clauses,
        },
    )
}

/// Every clause that the definition names, in the order of the statute.
fn clauses(guest: &Guest, register: &Register) -> Vec<ClauseLine> {
    let (t, definition) = (guest.t, &register.definition);
    let source = &definition.register;
    // What of the definition stands under which clause, in the words of the statute where it has words.
    let mut words: BTreeMap<String, Vec<Said>> = BTreeMap::new();
    // What is secret is for those who work with the register, and so is a clause that says nothing else.
    let works_here = guest.works_here(register.name());
    let tells = |secret: bool| works_here || !secret;
    let mut hidden: BTreeSet<String> = BTreeSet::new();
    let mut put = |clause: &Clause, label: &Label| words.entry(clause.to_string()).or_default().push(t.label(label));
    put(&source.name_clause, &source.name);
    for item in source.purposes.iter().chain(&source.legal_effect).chain(&source.refusal_grounds) {
        put(&item.clause, &item.label);
    }
    for said in &source.statements {
        if tells(said.secret) {
            put(&said.clause, &said.label);
        } else {
            hidden.insert(said.clause.to_string());
        }
    }
    for item in &source.revocation_grounds {
        put(&item.clause, &item.label);
    }
    for role in &source.roles {
        put(&role.clause, &role.label);
    }
    for recipient in &source.recipients {
        put(&recipient.clause, &recipient.label);
    }
    for rule in &source.retention_rules {
        put(&rule.clause, &rule.label);
    }
    for kind in &definition.record_types {
        if tells(kind.secret) {
            put(&kind.clause, &kind.label);
        } else {
            hidden.insert(kind.clause.to_string());
        }
        for field in &kind.fields {
            if !tells(kind.is_secret(field)) {
                hidden.extend(field.clause.iter().map(ToString::to_string));
                continue;
            }
            if let Some(clause) = &field.clause {
                put(clause, &field.label);
            }
            for part in &field.parts {
                if let Some(clause) = part.clause.as_ref().filter(|c| Some(*c) != field.clause.as_ref()) {
                    put(clause, &part.label);
                }
            }
        }
    }
    for kind in &definition.document_kinds {
        put(&kind.clause, &kind.label);
    }
    for case in &definition.cases {
        put(&case.clause, &case.label);
    }
    for clause in [
        &source.access.clause,
        &source.access.scope_clause,
        &source.access.document_clause,
        &source.access.correction_clause,
        &source.access.force_clause,
        &source.access.grant_log_clause,
        &source.access.revocation_clause,
        &source.controller.clause,
    ]
    .into_iter()
    .chain(source.security.as_ref().map(|security| &security.clause))
    {
        words.entry(clause.to_string()).or_default();
    }
    hidden.retain(|clause| !words.contains_key(clause));
    let mut lines: Vec<ClauseLine> = definition
        .clauses
        .iter()
        .filter(|row| !hidden.contains(&row.id.0))
        .map(|row| {
            let known: Vec<_> = row.behaviours.iter().filter_map(|name| behaviour::find(name)).collect();
            let (standing, kind) = match (known.is_empty(), &row.pending, &row.reason) {
                (false, None, _) => ("done", "ok"),
                (false, Some(_), _) => ("partly", "warn"),
                (true, Some(_), _) => ("pending", "err sq"),
                (true, None, _) => ("reasoned", ""),
            };
            ClauseLine {
                anchor: anchor(&row.id.0),
                gist: row.gist.clone(),
                words: words.remove(&row.id.0).unwrap_or_default(),
                standing,
                kind,
                does: known
                    .into_iter()
                    .map(|b| {
                        let screen = screen(b.name);
                        Does {
                            does: b.does,
                            href: screen.map(|(path, key)| match key {
                                "about-own-data" => guest.href("/me"),
                                _ => guest.href(&format!("/r/{}{path}", register.name())),
                            }),
                            screen: screen.map(|(_, key)| t.say(key)).unwrap_or_default(),
                        }
                    })
                    .collect(),
                reason: row.reason.clone(),
                pending: row.pending.clone(),
                id: row.id.0.clone(),
            }
        })
        .collect();
    // Clauses that the definition cites and that have no row of their own.
    lines.extend(words.into_iter().map(|(id, words)| ClauseLine {
        anchor: anchor(&id),
        gist: String::new(),
        words,
        standing: "",
        kind: "",
        does: Vec::new(),
        reason: None,
        pending: None,
        id,
    }));
    lines.sort_by(|a, b| in_order(&a.id, &b.id));
    // Two writings of one clause have one anchor.
    lines.dedup_by(|b, a| a.anchor == b.anchor);
    lines
}

/// The order of clauses: `§ 9` before `§ 10`, what has no number in front.
fn in_order(a: &str, b: &str) -> Ordering {
    let parts = |text: &str| -> Vec<u32> {
        text.split(|c: char| !c.is_ascii_digit()).filter(|s| !s.is_empty()).filter_map(|s| s.parse().ok()).collect()
    };
    parts(a).cmp(&parts(b)).then_with(|| a.cmp(b))
}

#[derive(Template)]
#[template(path = "ui/about/help.html")]
struct HelpPage {
    f: Frame,
    keys: Vec<(&'static str, String)>,
    tasks: Vec<(String, String)>,
}

/// Help: keys and the usual tasks.
///
/// # Errors
/// None of its own.
pub async fn help(state: State, guest: Guest) -> Shown {
    let t = guest.t;
    open::page(
        &guest,
        &HelpPage {
            f: guest.open_frame(&state, t.say("frame-help"), "/help", true),
            keys: super::session::keys(t),
            tasks: ["find", "add", "change", "correct", "import", "confirm", "audit", "grant", "disclose", "mine"]
                .into_iter()
                .map(|task| (t.say(&format!("about-task-{task}")), t.say(&format!("about-how-{task}"))))
                .collect(),
        },
    )
}

#[derive(Template)]
#[template(path = "ui/about/accessibility.html")]
struct AccessibilityPage {
    f: Frame,
}

/// How accessible the pages are, and what to do where they are not.
///
/// # Errors
/// None of its own.
pub async fn accessibility(state: State, guest: Guest) -> Shown {
    let frame = guest.open_frame(&state, guest.t.say("frame-accessibility"), "/accessibility", true);
    open::page(&guest, &AccessibilityPage { f: frame })
}

/// A step of the tour.
struct Stop {
    title: String,
    text: String,
    user: &'static str,
    href: String,
    link: String,
}

#[derive(Template)]
#[template(path = "ui/about/tour.html")]
struct TourPage {
    f: Frame,
    stops: Vec<Stop>,
    demo: bool,
}

/// Two minutes through the demonstration: each step names who does it and where.
///
/// # Errors
/// None of its own.
pub async fn tour(state: State, guest: Guest) -> Shown {
    let t = guest.t;
    let registers = state.app.store.registers();
    let names: Vec<&str> = registers.names().collect();
    let first = names.first().copied().unwrap_or_default();
    // The register in which somebody confirms: the tour of it begins there.
    let confirms = names
        .iter()
        .find(|n| state.app.register(n).is_ok_and(|r| !r.definition.register.confirmations.is_empty()))
        .copied()
        .unwrap_or(first);
    let people = state.app.register(first).ok();
    let kind = people
        .as_ref()
        .and_then(|r| r.definition.record_types.iter().find(|k| k.subject.is_some()).map(|k| k.name.clone()))
        .unwrap_or_default();
    let stops = [
        ("desk", "hr_clerk", format!("/r/{first}/desk")),
        ("list", "hr_clerk", format!("/r/{first}/records/{kind}")),
        ("import", "hr_clerk", format!("/r/{first}/imports")),
        ("confirm", "institution_head", format!("/r/{confirms}/confirmations")),
        ("disclose", "controller", format!("/r/{first}/requests")),
        ("audit", "supervisor", format!("/r/{first}/audit")),
        ("mine", "data_subject", "/me".to_owned()),
        ("statute", "", format!("/r/{first}/statute")),
    ];
    let stop = |(name, user, path): (&str, &'static str, String)| Stop {
        title: t.say(&format!("about-stop-{name}")),
        text: t.say(&format!("about-see-{name}")),
        user,
        href: guest.href(&path),
        link: t.say("about-go"),
    };
    html(&TourPage {
        f: guest.frame(&state, t.say("frame-tour")),
        stops: stops.into_iter().map(stop).collect(),
        demo: state.settings.demo,
    })
}

#[cfg(test)]
mod tests {
    use super::in_order;

    #[test]
    fn clauses_stand_in_the_order_of_the_statute() {
        let mut clauses = vec!["§ 12 lg 1 p 10", "§ 3", "preambul", "§ 12 lg 1 p 9", "§ 12"];
        clauses.sort_by(|a, b| in_order(a, b));
        assert_eq!(clauses, ["preambul", "§ 3", "§ 12", "§ 12 lg 1 p 9", "§ 12 lg 1 p 10"]);
    }
}
