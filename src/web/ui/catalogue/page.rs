//! The page of one register, kept here or elsewhere: what is held about whom, why, who decides, and how one asks.

use askama::Template;

use super::super::about::lasting;
use super::super::desk::plural;
use super::super::frame::Frame;
use super::super::visit::{Guest, Subject};
use super::super::{Said, Shown, State, T, open};
use super::{closed, language, verbatim};
use crate::domain::access::{Action, Object};
use crate::domain::publicity::{Audience, View};
use crate::domain::registers::Register;
use crate::domain::statute::definition::{Act, RecordType};
use crate::domain::statute::description::Part;
use crate::domain::statute::procedures::Procedure;
use crate::domain::statute::{Clause, Definition, Label};

/// Something of a source with its clause.
#[derive(Default)]
struct Item {
    text: Said,
    /// Whether the text is a translation of the source's own words.
    unofficial: bool,
    /// What belongs to it.
    more: Vec<Said>,
    clause: String,
    secret: bool,
}

/// What stands under one heading.
struct Block {
    id: &'static str,
    heading: String,
    about: Option<String>,
    items: Vec<Item>,
    /// Names of the parts that ought to be said here and are not.
    missing: Vec<String>,
}

/// A record type with its fields.
struct Kind {
    id: String,
    name: Item,
    subject: bool,
    documents: String,
    fields: Vec<FieldLine>,
}

/// A field.
struct FieldLine {
    label: Said,
    section: Said,
    special: bool,
    secret: bool,
    clause: Option<String>,
    required: bool,
    parts: String,
    retention: String,
}

/// A document about the register.
pub(super) struct Paper {
    pub(super) name: String,
    pub(super) href: String,
    /// Other shapes of it: name and address.
    pub(super) shapes: Vec<(&'static str, String)>,
}

/// A version of the source.
struct VersionLine {
    from: String,
    until: Option<String>,
    current: bool,
}

#[derive(Template)]
#[template(path = "ui/catalogue/register.html")]
struct RegisterPage {
    f: Frame,
    name: Said,
    /// Language of the source.
    lang: &'static str,
    elsewhere: bool,
    closed: Option<String>,
    /// In which language its source is, where the page is in another.
    source_language: Option<String>,
    missing: bool,
    act: Said,
    act_title: Said,
    act_clause: String,
    publication: Said,
    in_force: String,
    basis: Vec<Said>,
    country: String,
    /// What comes before the data, and what after.
    first: Vec<Block>,
    kinds: Vec<Kind>,
    after: Vec<Block>,
    document_kinds: Vec<Item>,
    published: Vec<(Item, String)>,
    institutions: Vec<Said>,
    papers: Vec<Paper>,
    versions: Vec<VersionLine>,
}

/// The headings of the page, in the order in which people ask.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Heading {
    Why,
    Who,
    Data,
    Access,
    Use,
    Recipients,
    Sources,
    Retention,
    Protection,
    Found,
    Other,
}

impl Heading {
    const BEFORE: [Self; 2] = [Self::Why, Self::Who];
    const AFTER: [Self; 8] = [
        Self::Access,
        Self::Use,
        Self::Recipients,
        Self::Sources,
        Self::Retention,
        Self::Protection,
        Self::Found,
        Self::Other,
    ];

    const fn id(self) -> &'static str {
        match self {
            Self::Why => "why",
            Self::Who => "who",
            Self::Data => "data",
            Self::Access => "access",
            Self::Use => "use",
            Self::Recipients => "recipients",
            Self::Sources => "sources",
            Self::Retention => "retention",
            Self::Protection => "protection",
            Self::Found => "found",
            Self::Other => "other",
        }
    }

    /// The heading under which a part is told.
    const fn of(part: Part) -> Self {
        match part {
            Part::Purpose | Part::LegalBasis => Self::Why,
            Part::Sector
            | Part::ServiceArea
            | Part::Controller
            | Part::ControllerContacts
            | Part::JointControllers
            | Part::Representative
            | Part::Processors
            | Part::Contact
            | Part::ContactContacts
            | Part::DataProtectionOfficer
            | Part::DataProtectionOfficerContacts => Self::Who,
            Part::Systems
            | Part::DataSets
            | Part::DataSubjects
            | Part::DataContent
            | Part::SpecialCategories
            | Part::BesideTheList => Self::Data,
            Part::DecidingUnit
            | Part::RightOfAccess
            | Part::Rights
            | Part::Complaint
            | Part::Obligation
            | Part::AutomatedDecisions => Self::Access,
            Part::RightToUse => Self::Use,
            Part::Disclosures | Part::Transfers => Self::Recipients,
            Part::Sources => Self::Sources,
            Part::Retention => Self::Retention,
            Part::TechnicalMeasures | Part::OrganisationalMeasures => Self::Protection,
            Part::SearchKeys | Part::OpenInterface => Self::Found,
            Part::Form | Part::Drafted | Part::Updated => Self::Other,
        }
    }
}

/// What of a register is told to one visitor.
struct Teller<'a> {
    t: T,
    view: View<'a>,
    /// The register, where it is kept here.
    here: Option<&'a Register>,
    audience: Audience,
}

impl Teller<'_> {
    fn item(&self, label: &Label, clause: &Clause) -> Item {
        Item {
            text: self.t.label(label),
            // What is the same in both languages, a name, is no translation.
            unofficial: label.is_unofficial_in(language(self.t))
                && label.text(language(self.t)) != Some(label.official()),
            clause: clause.to_string(),
            ..Item::default()
        }
    }

    /// What is the same in every language: a name, an address.
    fn named(&self, text: &str, clause: &Clause) -> Item {
        Item { text: self.verbatim(text), clause: clause.to_string(), ..Item::default() }
    }

    fn verbatim(&self, text: &str) -> Said {
        verbatim(self.t, text, self.view.language())
    }

    fn said(&self, key: &str, args: &[(&str, &str)]) -> Said {
        Said { text: self.t.say_with(key, args), lang: None }
    }

    /// Whether this visitor is told what is secret or not.
    fn tells(&self, secret: bool) -> bool {
        !secret || self.audience == Audience::Controller
    }

    fn block(&self, heading: Heading) -> Block {
        let mut items = self.of_definition(heading);
        for statement in self.view.statements() {
            let under = statement.says().map_or(Heading::Other, Heading::of);
            if under == heading && self.tells(statement.secret) {
                items.push(Item { secret: statement.secret, ..self.item(&statement.label, &statement.clause) });
            }
        }
        // A statement may repeat what another key of the definition says under the same clause.
        let mut told: Vec<(String, String)> = Vec::new();
        items.retain(|item| {
            let key = (item.text.text.clone(), item.clause.clone());
            let fresh = !told.contains(&key);
            told.push(key);
            fresh
        });
        Block {
            id: heading.id(),
            heading: self.t.say(&format!("catalogue-h-{}", heading.id())),
            about: (heading == Heading::Access && self.here.is_some()).then(|| self.t.say("catalogue-rights-about")),
            items,
            missing: self.missing(heading),
        }
    }

    fn missing(&self, heading: Heading) -> Vec<String> {
        if self.audience == Audience::Public {
            return Vec::new();
        }
        let missing = match self.view {
            View::Kept(definition) => definition.missing(),
            View::Described(description) => description.missing(),
        };
        let here = missing.into_iter().filter(|part| Heading::of(*part) == heading);
        here.map(|part| self.t.say(&format!("publicity-heading-{}", part.as_str()))).collect()
    }

    /// What the keys of the definition say under a heading, its statements apart.
    fn of_definition(&self, heading: Heading) -> Vec<Item> {
        let view = self.view;
        let source = view.kept().map(|definition| &definition.register);
        match heading {
            Heading::Why => view.purposes().iter().map(|p| self.item(&p.label, &p.clause)).collect(),
            Heading::Who => self.who(),
            Heading::Access => self.asks(),
            Heading::Use => source
                .iter()
                .flat_map(|source| source.roles.iter().filter(|role| !role.implicit))
                .map(|role| self.item(&role.label, &role.clause))
                .collect(),
            Heading::Recipients => source
                .iter()
                .flat_map(|source| {
                    source.recipients.iter().map(move |recipient| Item {
                        more: recipient
                            .grounds
                            .iter()
                            .filter_map(|ground| source.release_grounds.iter().find(|g| g.name == *ground))
                            .map(|ground| self.t.label(&ground.label))
                            .collect(),
                        ..self.item(&recipient.label, &recipient.clause)
                    })
                })
                .collect(),
            Heading::Sources => source
                .iter()
                .flat_map(|source| source.sources.iter())
                .map(|from| self.item(&from.label, &from.clause))
                .collect(),
            Heading::Retention => source
                .iter()
                .flat_map(|source| source.retention_rules.iter())
                .map(|rule| {
                    let period = rule.period.as_deref().map(|p| Said { text: lasting(self.t, p), lang: None });
                    let from = rule.source.as_deref().map(|text| self.verbatim(text));
                    Item {
                        more: [period, from].into_iter().flatten().collect(),
                        ..self.item(&rule.label, &rule.clause)
                    }
                })
                .collect(),
            Heading::Protection => source
                .iter()
                .filter_map(|source| source.security.as_ref())
                .map(|security| {
                    let args = [("class", security.class.as_str()), ("level", security.level.as_str())];
                    Item {
                        text: self.said("catalogue-security", &args),
                        clause: security.clause.to_string(),
                        ..Item::default()
                    }
                })
                .collect(),
            Heading::Data | Heading::Found | Heading::Other => Vec::new(),
        }
    }

    fn who(&self) -> Vec<Item> {
        let controller = self.view.controller();
        let code = controller.registry_code.as_deref();
        let mut items = vec![Item {
            more: [Some(self.said("catalogue-controller", &[]))]
                .into_iter()
                .chain([controller.contact.as_deref().map(|text| self.verbatim(text))])
                .chain([code.map(|code| self.said("catalogue-registry-code", &[("code", code)]))])
                .flatten()
                .collect(),
            ..self.named(&controller.name, &controller.clause)
        }];
        items.extend(self.view.processors().iter().map(|processor| {
            Item {
                more: [
                    Some(self.said("catalogue-processor", &[])),
                    processor.contact.as_deref().map(|c| self.verbatim(c)),
                ]
                .into_iter()
                .flatten()
                .collect(),
                ..self.named(&processor.name, &processor.clause)
            }
        }));
        items.extend(self.view.contacts().iter().map(|contact| Item {
            more: vec![Said { text: contact.email.clone(), lang: None }],
            ..self.item(&contact.label, &contact.clause)
        }));
        items
    }

    /// How one asks for data: what can be asked for, by when it is answered, and who decides.
    fn asks(&self) -> Vec<Item> {
        let Some(register) = self.here else { return Vec::new() };
        let asks = [Procedure::OwnData, Procedure::Disclosure];
        let asked = register.definition.cases.iter().filter(|case| asks.contains(&case.procedure));
        asked
            .map(|case| {
                let term = case.term.map(|term| self.term(&term.to_string()));
                let mut more: Vec<Said> =
                    term.iter().map(|term| self.said("catalogue-answered-within", &[("term", term)])).collect();
                let named = case.own_data.as_ref();
                let decides = register.who_may(Action::CaseDecide, &Object::Case(case.name.clone()));
                for role in decides.into_iter().filter(|role| named.is_none_or(|n| n.decides.contains(&role.name))) {
                    more.push(self.said("catalogue-decides", &[("who", &self.t.label(&role.label).text)]));
                }
                Item { more, ..self.item(&case.label, &case.clause) }
            })
            .collect()
    }

    /// A term in words.
    fn term(&self, text: &str) -> String {
        match text.strip_suffix(" working days").or_else(|| text.strip_suffix(" working day")) {
            Some(n) => plural(self.t, "catalogue-working-days-", n.parse().unwrap_or_default()),
            None => lasting(self.t, text),
        }
    }

    fn kinds(&self, definition: &Definition) -> Vec<Kind> {
        let told = definition.record_types.iter().filter(|kind| self.tells(kind.secret));
        told.map(|kind| self.kind(definition, kind)).collect()
    }

    fn kind(&self, definition: &Definition, kind: &RecordType) -> Kind {
        let t = self.t;
        let rules = &definition.register.retention_rules;
        let retention_of = |name: &Option<String>| {
            let rule = name.as_ref().and_then(|n| rules.iter().find(|r| r.name == *n));
            rule.map(|r| t.label(&r.label).text).unwrap_or_default()
        };
        let kinds_of_documents = definition.document_kinds.len();
        let section_of = |name: &Option<String>| kind.sections.iter().find(|s| Some(&s.name) == name.as_ref());
        Kind {
            id: kind.name.clone(),
            name: Item { secret: kind.secret, ..self.item(&kind.label, &kind.clause) },
            subject: kind.subject.is_some(),
            // What is the same for all stands once, below.
            documents: definition
                .document_kinds
                .iter()
                .filter(|d| kind.base_documents.len() < kinds_of_documents && kind.base_documents.contains(&d.name))
                .map(|d| t.label(&d.label).text)
                .collect::<Vec<_>>()
                .join(", "),
            fields: kind
                .fields
                .iter()
                .filter(|field| self.tells(kind.is_secret(field)))
                .map(|f| {
                    let section = section_of(&f.section);
                    FieldLine {
                        label: t.label(&f.label),
                        section: section.map(|s| t.label(&s.label)).unwrap_or_default(),
                        special: section.is_some_and(|s| s.special_category),
                        secret: kind.is_secret(f),
                        clause: f.clause.as_ref().map(ToString::to_string),
                        required: f.required,
                        parts: f.parts.iter().map(|p| t.label(&p.label).text).collect::<Vec<_>>().join(", "),
                        retention: retention_of(&f.retention),
                    }
                })
                .collect(),
        }
    }

    /// What is public of the records, with the addresses at which programs read it.
    fn published(&self) -> Vec<(Item, String)> {
        let Some(register) = self.here else { return Vec::new() };
        let all = register.definition.register.publications.iter();
        all.filter_map(|p| {
            let kind = register.record_type(&p.record_type).filter(|kind| self.tells(kind.secret))?;
            let href = format!("/api/public/v1/registers/{}/{}", register.name(), p.record_type);
            Some((self.item(&kind.label, &p.clause), href))
        })
        .collect()
    }
}

/// Who the documents about a register are for: whoever may decide that it ends answers for what is said of it; of what
/// is kept elsewhere somebody who watches over the installation.
pub(super) fn audience(state: &State, guest: &Guest, subject: &Subject) -> Audience {
    let Some(signed) = &guest.signed else { return Audience::Public };
    let answers = match subject {
        Subject::Here(_) => signed.facts.may.contains(Action::RegisterClose.as_str()),
        Subject::Elsewhere(_) => signed.facts.grants.iter().any(|held| {
            let register = state.app.register(&held.register);
            register
                .is_ok_and(|r| r.who_may(Action::JobList, &Object::Register).iter().any(|role| role.name == held.role))
        }),
    };
    if answers { Audience::Controller } else { Audience::Public }
}

fn in_force(t: T, act: &Act) -> String {
    match act.in_force_until {
        Some(last) => t.say_with("about-force-until", &[("from", &t.day(act.in_force_from)), ("until", &t.day(last))]),
        None => t.say_with("about-force-from", &[("from", &t.day(act.in_force_from))]),
    }
}

/// What a register is: for everybody.
///
/// # Errors
/// 404.
pub async fn show(state: State, guest: Guest) -> Shown {
    let subject = guest.subject(&state)?;
    let (t, view) = (guest.t, subject.view());
    let here = match &subject {
        Subject::Here(register) => Some(register.as_ref()),
        Subject::Elsewhere(_) => None,
    };
    let name = view.short_name();
    let end = match here {
        Some(_) => state.app.closed_register(name).await?,
        None => None,
    };
    let audience = audience(&state, &guest, &subject);
    let teller = Teller { t, view, here, audience };
    let act = view.act();
    let official = view.language();
    let blocks = |headings: &[Heading]| -> Vec<Block> {
        let all = headings.iter().map(|heading| teller.block(*heading));
        all.filter(|block| !block.items.is_empty() || !block.missing.is_empty() || block.about.is_some()).collect()
    };
    let first: Vec<Block> = blocks(&Heading::BEFORE).into_iter().chain(blocks(&[Heading::Data])).collect();
    let after = blocks(&Heading::AFTER);
    let registers = state.app.store.registers();
    let acts: Vec<(&Act, &str)> = if here.is_some() {
        registers
            .versions(name)
            .into_iter()
            .map(|r| (&r.definition.register.act, r.definition.digest.as_str()))
            .collect()
    } else {
        registers.versions_elsewhere(name).iter().map(|d| (&d.act, d.digest.as_str())).collect()
    };
    let page = RegisterPage {
        name: t.label(view.name()),
        lang: official.code(),
        elsewhere: here.is_none(),
        closed: closed(t, end.as_ref()),
        source_language: (official != language(t)).then(|| t.say(&format!("catalogue-source-{}", official.code()))),
        missing: first.iter().chain(&after).any(|block| !block.missing.is_empty()),
        act: teller.verbatim(&act.cited(|day| t.day(day))),
        act_title: teller.verbatim(&act.title),
        act_clause: act.clause.to_string(),
        publication: teller.verbatim(&act.publication),
        in_force: in_force(t, act),
        basis: act.legal_basis.iter().map(|text| teller.verbatim(text)).collect(),
        country: view.country().to_owned(),
        first,
        kinds: view.kept().map(|definition| teller.kinds(definition)).unwrap_or_default(),
        after,
        document_kinds: view
            .kept()
            .map(|d| d.document_kinds.iter().map(|k| teller.item(&k.label, &k.clause)).collect())
            .unwrap_or_default(),
        published: teller.published(),
        institutions: view
            .kept()
            .map(|d| d.register.institutions.kinds.iter().map(|k| t.label(&k.label)).collect())
            .unwrap_or_default(),
        papers: super::files::papers(&guest, view),
        versions: acts
            .iter()
            .map(|(act, digest)| VersionLine {
                from: t.day(act.in_force_from),
                until: act.in_force_until.map(|day| t.day(day)),
                current: *digest == view.digest(),
            })
            .collect(),
        f: guest.open_frame(&state, t.label(view.name()).text, &format!("/r/{name}"), true),
    };
    open::page(&guest, &page)
}
