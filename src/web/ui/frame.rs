//! What every page shows around its content: register, search, menu, who is there and in which role, the session's end.

use std::sync::Arc;

use uuid::Uuid;

use super::State;
use super::assets;
use super::open::Place;
use super::say::{Said, T};
use super::visit::Guest;
use crate::app::desk::{Density, Held, Theme};
use crate::domain::record::validate::Violation;
use crate::domain::registers::Register;
use crate::domain::statute::Clause;
use crate::locale::Lang;

/// Record types that have a place of their own in the menu; the others are behind one item.
const MOST_TYPES: usize = 4;

/// A way somewhere.
#[derive(Debug, Clone)]
pub struct Way {
    /// Its text.
    pub text: Said,
    /// Its address.
    pub href: String,
    /// Whether one is there.
    pub current: bool,
}

/// A role in which one may act.
#[derive(Debug, Clone)]
pub struct RoleChoice {
    /// The grant.
    pub id: Uuid,
    /// What it is called: role and institution.
    pub text: Said,
    /// Whether one acts in it.
    pub current: bool,
}

/// Who is there.
#[derive(Debug, Clone)]
pub struct Person {
    /// Name.
    pub name: String,
    /// First letters of the name.
    pub initials: String,
    /// In which role, at which institution.
    pub role: Said,
    /// What else they could act as, in this register.
    pub roles: Vec<RoleChoice>,
}

impl Person {
    /// Whether they act in one role that they chose.
    pub fn has_chosen(&self) -> bool {
        self.roles.iter().any(|role| role.current)
    }
}

/// The register of a page.
#[derive(Debug, Clone)]
pub struct Head {
    /// Short name.
    pub id: String,
    /// Official name.
    pub name: Said,
    /// Language of its source: its clauses and whatever people write in it.
    pub language: &'static str,
    /// Who is responsible for it.
    pub controller: String,
}

/// What every page shows around its content, and what templates ask for texts and addresses.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Texts.
    pub t: T,
    /// Title of the page.
    pub title: String,
    /// Whether the page reports a fault: said first, in the title too.
    pub fault: bool,
    /// Address after the language.
    pub here: String,
    /// The register.
    pub register: Option<Head>,
    /// Where one can go.
    pub menu: Vec<Way>,
    /// Where one is.
    pub crumbs: Vec<(String, String)>,
    /// Who is there.
    pub person: Option<Person>,
    /// Whether records can be searched here.
    pub searches: bool,
    /// Token of the session's forms.
    pub csrf: String,
    /// Key of this form alone.
    pub once: String,
    /// Seconds until the session ends by itself.
    pub seconds: i64,
    /// When that is, on the clock of the register.
    pub ends: String,
    /// What has just been done.
    pub done: Option<String>,
    /// Why one is here, where it was asked.
    pub purpose: Option<String>,
    /// Whether all people here are invented.
    pub demo: bool,
    /// `light`, `dark`, or nothing for what the machine prefers.
    pub theme: &'static str,
    /// Whether single keys are shortcuts.
    pub shortcuts: bool,
    /// Whether rows are packed closer.
    pub dense: bool,
    /// Addresses of stylesheet, script and icon.
    pub assets: [String; 3],
    /// Where the page is to others, where it is open to all.
    pub place: Option<Place>,
}

impl Frame {
    /// An address in the page's language.
    pub fn href(&self, path: &str) -> String {
        format!("/{}{path}", self.t.code())
    }

    /// An address in this register: `at("/desk")`.
    pub fn at(&self, path: &str) -> String {
        let id = self.register.as_ref().map_or("", |r| r.id.as_str());
        format!("/{}/r/{id}{path}", self.t.code())
    }

    /// Where a clause of the statute stands.
    pub fn clause(&self, clause: &str) -> String {
        self.at(&format!("/statute#{}", anchor(clause)))
    }

    /// The language in which clauses stand here.
    pub fn law(&self) -> &'static str {
        self.register.as_ref().map_or(self.t.code(), |r| r.language)
    }

    /// This page in the other languages.
    pub fn languages(&self) -> Vec<(&'static str, String)> {
        Lang::ALL.into_iter().map(|lang| (lang.code(), format!("/{}{}", lang.code(), self.here))).collect()
    }

    /// The address of this page as a parameter.
    pub fn back(&self) -> String {
        crate::web::context::percent_encoded(&self.here)
    }

    /// With one more step on the way here.
    #[must_use]
    pub fn crumb(mut self, text: impl Into<String>, path: &str) -> Self {
        let href = self.href(path);
        self.crumbs.push((text.into(), href));
        self
    }

    /// As a page that reports a fault.
    #[must_use]
    pub fn faulty(mut self) -> Self {
        self.fault = true;
        self
    }

    /// With one's place in the menu marked, where the address alone does not tell it.
    #[must_use]
    pub fn under(mut self, path: &str) -> Self {
        let href = self.at(path);
        for way in &mut self.menu {
            way.current = way.href == href;
        }
        self
    }
}

/// A clause as an anchor: `§ 12 lg 1 p 13¹` is `p-12-lg-1-p-13-1`.
pub fn anchor(clause: &str) -> String {
    let mut out = String::from("c");
    let mut gap = true;
    for c in clause.chars() {
        let plain = match c {
            '¹' => "-1",
            '²' => "-2",
            '³' => "-3",
            c if c.is_ascii_alphanumeric() => {
                if gap {
                    out.push('-');
                }
                gap = false;
                out.extend(c.to_lowercase());
                continue;
            }
            _ => {
                gap = true;
                continue;
            }
        };
        out.push_str(plain);
    }
    out
}

impl Guest {
    /// What this page shows around its content.
    pub fn frame(&self, state: &State, title: impl Into<String>) -> Frame {
        let register = self.register(state).ok();
        let signed = self.signed.as_ref();
        let now = state.app.store.now();
        let zone = register.as_ref().map_or(chrono_tz::Europe::Tallinn, |r| r.definition.register.time_zone);
        let settings = signed.map(|s| s.facts.settings.clone()).unwrap_or_default();
        let until = signed.map(|s| s.browser.idle_until.min(s.browser.ends_at));
        Frame {
            t: self.t,
            title: title.into(),
            fault: false,
            here: self.here.split("done=").next().unwrap_or_default().trim_end_matches(['?', '&']).to_owned(),
            register: register.as_ref().map(|r| Head {
                id: r.name().to_owned(),
                name: self.t.label(&r.definition.register.name),
                language: r.definition.register.language.code(),
                controller: r.definition.register.controller.name.clone(),
            }),
            menu: self.menu(register.as_ref()),
            crumbs: Vec::new(),
            person: signed.map(|s| self.person(register.as_ref(), &s.facts.display_name, &s.facts.grants, s)),
            searches: register.is_some() && signed.is_some_and(|s| !s.facts.lists.is_empty()),
            csrf: signed.map(|s| s.browser.csrf.clone()).unwrap_or_default(),
            once: Uuid::now_v7().to_string(),
            seconds: until.map_or(0, |until| (until - now).num_seconds().max(0)),
            ends: until.map(|until| until.with_timezone(&zone).format("%H:%M").to_string()).unwrap_or_default(),
            done: self.q("done").and_then(|what| {
                let plain = what.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
                plain.then(|| self.t.say_if(&format!("done-{what}"))).flatten()
            }),
            purpose: signed.and_then(|s| {
                let here = register.as_ref().map(|r| r.name());
                let state = &s.browser.state;
                state.purpose.clone().filter(|_| here.is_some() && state.purpose_register.as_deref() == here)
            }),
            demo: state.settings.demo,
            theme: match settings.theme {
                Theme::Auto => "",
                Theme::Light => "light",
                Theme::Dark => "dark",
            },
            shortcuts: settings.shortcuts,
            dense: settings.density == Density::Compact,
            assets: assets::addresses(),
            place: None,
        }
    }

    fn person(
        &self,
        register: Option<&Arc<Register>>,
        name: &str,
        grants: &[Held],
        signed: &super::visit::Signed,
    ) -> Person {
        let here: Vec<&Held> = grants.iter().filter(|g| register.is_some_and(|r| r.name() == g.register)).collect();
        let text = |held: &Held| {
            let role = register
                .and_then(|r| r.definition.register.roles.iter().find(|role| role.name == held.role))
                .map_or_else(|| Said { text: held.role.clone(), lang: None }, |role| self.t.label(&role.label));
            match &held.institution {
                Some(institution) => Said { text: format!("{} · {institution}", role.text), ..role },
                None => role,
            }
        };
        let acting = signed.browser.state.acting_as;
        let current =
            here.iter().find(|g| Some(g.grant_id) == acting).or(if here.len() == 1 { here.first() } else { None });
        let role = match (current, here.len()) {
            (Some(held), _) => text(held),
            (None, 0) => Said::default(),
            (None, _) => Said { text: self.t.say("frame-all-roles"), lang: None },
        };
        Person {
            name: name.to_owned(),
            initials: name.split_whitespace().filter_map(|w| w.chars().next()).take(2).collect(),
            role,
            roles: if here.len() < 2 {
                Vec::new()
            } else {
                here.iter()
                    .map(|g| RoleChoice { id: g.grant_id, text: text(g), current: Some(g.grant_id) == acting })
                    .collect()
            },
        }
    }

    /// Ways to what the role acted in may do here: a menu shows no door that is shut.
    fn menu(&self, register: Option<&Arc<Register>>) -> Vec<Way> {
        let (Some(signed), Some(register)) = (self.signed.as_ref(), register) else { return Vec::new() };
        let may = |action: &str| signed.facts.may.contains(action);
        let definition = &register.definition;
        let base = format!("/{}/r/{}", self.t.code(), register.name());
        let say = |key: &str| Said { text: self.t.say(key), lang: None };
        let mut ways: Vec<(Said, String)> = vec![(say("frame-desk"), "/desk".into())];
        let types: Vec<_> = definition.record_types.iter().filter(|t| signed.facts.lists.contains(&t.name)).collect();
        if types.len() <= MOST_TYPES {
            ways.extend(types.iter().map(|t| (self.t.label(&t.label), format!("/records/{}", t.name))));
        } else {
            ways.push((say("frame-records"), "/records".into()));
        }
        let doors = [
            ("frame-imports", "/imports", may("record.create") || may("record.change")),
            ("exchanges-title", "/exchanges", !definition.exchanges.is_empty() && may("exchange.run")),
            (
                "frame-confirmations",
                "/confirmations",
                !definition.register.confirmations.is_empty() && may("confirmation.read"),
            ),
            ("frame-cases", "/cases", may("case.read")),
            ("frame-requests", "/requests", may("disclosure.release") || may("disclosure.list")),
            (
                "frame-reports",
                "/reports",
                may("report.run")
                    || definition.register.overviews.iter().any(|o| signed.facts.lists.contains(&o.record_type)),
            ),
            ("frame-access", "/access", may("grant.list")),
            ("frame-audit", "/audit", may("audit.read")),
            ("retention-title", "/retention", may("retention.read")),
            ("closing-title", "/closing", may("register.close") || may("retention.approve")),
            ("frame-jobs", "/jobs", may("job.list")),
        ];
        ways.extend(doors.into_iter().filter(|(.., open)| *open).map(|(key, path, _)| (say(key), path.into())));
        ways.push((say("frame-about"), String::new()));
        let path = self.here.split('?').next().unwrap_or_default();
        ways.into_iter()
            .map(|(text, to)| {
                let whole = format!("/r/{}{to}", register.name());
                let current = path == whole || !to.is_empty() && path.starts_with(&format!("{whole}/"));
                Way { text, href: format!("{base}{to}"), current }
            })
            .collect()
    }
}

/// A fault of a form: where it is, and what to do.
#[derive(Debug, Clone)]
pub struct Fault {
    /// Id of the field, or empty where it is about no single one.
    pub id: String,
    /// What to do.
    pub text: String,
    /// Clause.
    pub clause: Option<Clause>,
}

impl Fault {
    /// Faults of a refusal, each at the field that `id` names for its JSON Pointer.
    pub fn all(t: T, errors: &[Violation], id: impl Fn(&str) -> Option<String>) -> Vec<Self> {
        errors
            .iter()
            .map(|e| Self {
                id: id(&e.pointer).unwrap_or_default(),
                text: t
                    .say_if(&format!("frame-fault-{}", e.code.replace('_', "-")))
                    .unwrap_or_else(|| e.detail.clone()),
                clause: e.clause.clone(),
            })
            .collect()
    }

    /// The faults of a problem; one that is about no field where it names none.
    pub fn of(t: T, problem: &crate::web::problem::Problem, id: impl Fn(&str) -> Option<String>) -> Vec<Self> {
        if problem.errors.is_empty() {
            let text = problem
                .code
                .and_then(|code| t.say_if(&format!("frame-fault-{}", code.replace('_', "-"))))
                .unwrap_or_else(|| problem.detail.clone());
            return vec![Self { id: String::new(), text, clause: problem.clause.clone() }];
        }
        Self::all(t, &problem.errors, id)
    }
}

#[cfg(test)]
mod tests {
    use super::anchor;

    #[test]
    fn clauses_have_anchors_of_their_own() {
        assert_eq!(anchor("§ 12 lg 1 p 13"), "c-12-lg-1-p-13");
        assert_eq!(anchor("§ 13¹ lg 2"), "c-13-1-lg-2");
        assert_eq!(anchor("preambul"), "c-preambul");
    }
}
