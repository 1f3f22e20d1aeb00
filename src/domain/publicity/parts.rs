//! What a definition says under each heading. Of a register that rests on a description, a statement that speaks under a
//! heading is all that stands under it there, and stands alone; where there is none, and after what a statute says, what
//! the engine does by the definition is told. Data content is told by both: the words, and every field that is held.

use super::{Line, Text, View};
use crate::domain::publication::reach::Reach;
use crate::domain::retention::Source as Trigger;
use crate::domain::statute::definition::{ActForm, Field, Party, RecordType, RetentionRule, Section};
use crate::domain::statute::description::{Part, Statement};
use crate::domain::statute::exchange::Direction;
use crate::domain::statute::path::FieldPath;
use crate::domain::statute::procedures::{CaseKind, ContactPoint, Procedure};
use crate::domain::statute::{Definition, Label};

/// The contact point of who answers for the register.
const CONTROLLER: &str = "controller";
/// How the ids of lines begin that group fields by section.
pub(super) const SECTION: &str = "section:";
/// Longer lists of codes are not told one by one.
const MOST_CODES: usize = 12;

/// What is said under `part`.
pub(super) fn lines(register: View<'_>, part: Part) -> Vec<Line> {
    let said = statements(register, part);
    let kept = register.kept();
    let whole = !said.is_empty() && register.act().form == ActForm::Description;
    let or = |otherwise: Vec<Line>| if whole { said.clone() } else { [said.clone(), otherwise].concat() };
    let by_definition = |told: fn(&Definition) -> Vec<Line>| or(kept.map(told).unwrap_or_default());
    match part {
        Part::Systems => systems(register),
        Part::Controller => or(vec![party("controller", register.controller())]),
        Part::ControllerContacts => or(controller_contacts(register)),
        Part::Processors => or(processors(register)),
        Part::Contact => or(contacts(register.contacts().iter())),
        Part::LegalBasis => or(legal_basis(register)),
        Part::Purpose => {
            let purposes = register.purposes().iter();
            let purposes = purposes.map(|item| words(format!("purpose:{}", item.name), &item.label, &item.clause));
            purposes.chain(said).collect()
        }
        Part::DataSubjects => by_definition(data_subjects),
        Part::DataContent => said.into_iter().chain(kept.map(data_content).unwrap_or_default()).collect(),
        Part::SpecialCategories => by_definition(special_categories),
        Part::BesideTheList => by_definition(beside_the_list),
        Part::Sources => by_definition(sources),
        Part::Disclosures => by_definition(disclosures),
        Part::TechnicalMeasures => by_definition(security),
        Part::Retention => by_definition(retention),
        Part::RightToUse => by_definition(right_to_use),
        Part::RightOfAccess => by_definition(right_of_access),
        Part::Complaint => by_definition(|d| cases(d, &[Procedure::Complaint])),
        Part::SearchKeys => by_definition(search_keys),
        Part::OpenInterface => by_definition(open_interface),
        Part::Drafted => {
            let act = register.act();
            let day = act.adopted.map(|day| Line::new("adopted", Text::Day(day), &act.clause));
            or(day.into_iter().collect())
        }
        Part::Updated => {
            let act = register.act();
            or(vec![Line::new("in_force_from", Text::Day(act.in_force_from), &act.clause)])
        }
        Part::DecidingUnit
        | Part::DataSets
        | Part::Sector
        | Part::ServiceArea
        | Part::JointControllers
        | Part::Representative
        | Part::ContactContacts
        | Part::DataProtectionOfficer
        | Part::DataProtectionOfficerContacts
        | Part::Form
        | Part::Transfers
        | Part::OrganisationalMeasures
        | Part::Rights
        | Part::Obligation
        | Part::AutomatedDecisions => said,
    }
}

/// How long which data are kept by the rules, whatever a statement says of it.
pub(super) fn retention_rules(register: View<'_>) -> Vec<Line> {
    register.kept().map_or_else(|| statements(register, Part::Retention), retention)
}

fn words(id: impl Into<String>, label: &Label, clause: &crate::domain::statute::Clause) -> Line {
    Line::new(id, Text::Words(label.clone()), clause)
}

fn statements(register: View<'_>, part: Part) -> Vec<Line> {
    let said = register.statements().iter().filter(|statement| statement.says() == Some(part));
    said.map(|s: &Statement| words(format!("statement:{}", s.name), &s.label, &s.clause).secret_if(s.secret)).collect()
}

fn systems(register: View<'_>) -> Vec<Line> {
    vec![words("name", register.name(), register.name_clause()).secret_if(register.is_secret())]
}

fn party(id: impl Into<String>, party: &Party) -> Line {
    let code = party.registry_code.iter().map(|code| {
        Line::under("registry_code", Text::Said("publicity-registry-code", vec![("code", Text::Plain(code.clone()))]))
    });
    Line::new(id, Text::Plain(party.name.clone()), &party.clause).with(code.collect())
}

fn controller_contacts(register: View<'_>) -> Vec<Line> {
    let controller = register.controller();
    match &controller.contact {
        Some(contact) => vec![Line::new("contact", Text::Plain(contact.clone()), &controller.clause)],
        None => contacts(register.contacts().iter().filter(|contact| contact.name == CONTROLLER)),
    }
}

fn contacts<'d>(contacts: impl Iterator<Item = &'d ContactPoint>) -> Vec<Line> {
    let told = contacts.map(|contact| {
        let email = Line::under("email", Text::Plain(contact.email.clone()));
        words(format!("contact:{}", contact.name), &contact.label, &contact.clause).with(vec![email])
    });
    told.collect()
}

fn processors(register: View<'_>) -> Vec<Line> {
    let processors = register.processors().iter();
    processors.map(|processor| party(format!("processor:{}", processor.name), processor)).collect()
}

/// The act itself, and what it rests on.
fn legal_basis(register: View<'_>) -> Vec<Line> {
    let act = register.act();
    let mut lines = Vec::new();
    if act.form == ActForm::Statute {
        let day = Text::Day(act.adopted.unwrap_or(act.in_force_from));
        let plain = |text: &str| Text::Plain(text.to_owned());
        let args = vec![
            ("issuer", plain(&act.issuer)),
            ("day", day),
            ("kind", plain(&act.kind)),
            ("number", plain(&act.number)),
            ("title", plain(&act.title)),
            ("publication", plain(&act.publication)),
        ];
        lines.push(Line::new("act", Text::Said("publicity-act", args), &act.clause));
    }
    lines.extend(act.legal_basis.iter().map(|basis| {
        // Verbatim: it is its own name.
        Line::new(format!("basis:{basis}"), Text::Plain(basis.clone()), &act.clause)
    }));
    lines
}

/// Record types that are about people.
fn about_people(definition: &Definition) -> impl Iterator<Item = &RecordType> {
    definition.record_types.iter().filter(|kind| kind.subject.is_some())
}

fn data_subjects(definition: &Definition) -> Vec<Line> {
    about_people(definition).map(|kind| words(&kind.name, &kind.label, &kind.clause).secret_if(kind.secret)).collect()
}

/// Whether a field belongs to what the source lists: one beside it names what entitles to it.
fn listed(field: &Field) -> bool {
    field.basis.is_none()
}

fn data_content(definition: &Definition) -> Vec<Line> {
    groups(definition, listed)
}

/// Fields that the source does not list, each with the provision or the reason.
fn beside_the_list(definition: &Definition) -> Vec<Line> {
    groups(definition, |field| !listed(field))
}

/// Fields by record type, and by section where a record type has several.
fn groups(definition: &Definition, wanted: impl Fn(&Field) -> bool + Copy) -> Vec<Line> {
    let of_kind = |kind: &RecordType| {
        let of_section = |section: &Section| -> Vec<Line> {
            let fields = kind.fields.iter().filter(|f| f.section.as_ref() == Some(&section.name) && wanted(f));
            fields.map(|field| self::field(field, definition)).collect()
        };
        let sections: Vec<(&Section, Vec<Line>)> =
            kind.sections.iter().map(|section| (section, of_section(section))).filter(|(_, f)| !f.is_empty()).collect();
        let more: Vec<Line> = match sections.as_slice() {
            [(only, _)] if !only.secret => sections.into_iter().flat_map(|(_, fields)| fields).collect(),
            _ => {
                let lines = sections.into_iter().map(|(section, fields)| {
                    let text = Text::Words(section.label.clone());
                    Line::under(format!("{SECTION}{}", section.name), text).secret_if(section.secret).with(fields)
                });
                lines.collect()
            }
        };
        (!more.is_empty()).then(|| words(&kind.name, &kind.label, &kind.clause).secret_if(kind.secret).with(more))
    };
    definition.record_types.iter().filter_map(of_kind).collect()
}

fn field(field: &Field, definition: &Definition) -> Line {
    let mut more: Vec<Line> = field.parts.iter().map(|part| self::field(part, definition)).collect();
    let list = definition.codelists.iter().find(|list| field.codelist.as_ref() == Some(&list.name));
    if let Some(list) = list.filter(|list| list.codes.len() <= MOST_CODES) {
        let codes = list.codes.iter().map(|code| Text::Words(code.label.clone()));
        more.push(Line::under("codes", Text::Several(codes.collect())));
    }
    if let Some(basis) = &field.basis {
        more.push(Line::under("basis", Text::Plain(basis.clone())));
    }
    let text = Text::Words(field.label.clone());
    let line = Line { clause: field.clause.clone(), ..Line::under(&field.name, text) };
    line.secret_if(field.secret).with(more)
}

fn special_categories(definition: &Definition) -> Vec<Line> {
    let of_kind = |kind: &RecordType| -> Vec<Line> {
        let special = kind.sections.iter().filter(|section| section.special_category);
        let lines = special.map(|section| {
            let both = Text::Said(
                "publicity-of",
                vec![("whole", Text::Words(kind.label.clone())), ("part", Text::Words(section.label.clone()))],
            );
            let id = format!("{}/{}", kind.name, section.name);
            Line::new(id, both, &kind.clause).secret_if(kind.secret || section.secret)
        });
        lines.collect()
    };
    definition.record_types.iter().flat_map(of_kind).collect()
}

/// Other registers from which values come; else the documents on which entries rest.
fn sources(definition: &Definition) -> Vec<Line> {
    let from = definition.register.sources.iter();
    let mut lines: Vec<Line> =
        from.map(|source| words(format!("source:{}", source.name), &source.label, &source.clause)).collect();
    let incoming = definition.exchanges.iter().filter(|exchange| exchange.direction == Direction::Import);
    lines.extend(incoming.map(|exchange| {
        let partner = Line::under("partner", Text::Plain(exchange.partner.clone()));
        words(format!("exchange:{}", exchange.name), &exchange.label, &exchange.clause).with(vec![partner])
    }));
    lines.extend(
        definition
            .document_kinds
            .iter()
            .map(|kind| words(format!("document:{}", kind.name), &kind.label, &kind.clause)),
    );
    lines
}

/// Who may receive data, each with the grounds; and what is public.
fn disclosures(definition: &Definition) -> Vec<Line> {
    let source = &definition.register;
    let mut lines: Vec<Line> = source
        .recipients
        .iter()
        .map(|recipient| {
            let grounds = source.release_grounds.iter().filter(|ground| recipient.grounds.contains(&ground.name));
            let grounds = grounds.map(|ground| words(format!("ground:{}", ground.name), &ground.label, &ground.clause));
            words(format!("recipient:{}", recipient.name), &recipient.label, &recipient.clause).with(grounds.collect())
        })
        .collect();
    lines.extend(open_interface(definition));
    lines
}

fn security(definition: &Definition) -> Vec<Line> {
    let class = definition.register.security.iter().map(|security| {
        let args = vec![("class", Text::Plain(security.class.clone())), ("level", Text::Plain(security.level.clone()))];
        Line::new("security", Text::Said("publicity-security", args), &security.clause)
    });
    class.collect()
}

fn retention(definition: &Definition) -> Vec<Line> {
    definition.register.retention_rules.iter().map(|rule| retention_rule(definition, rule)).collect()
}

fn retention_rule(definition: &Definition, rule: &RetentionRule) -> Line {
    let mut more = Vec::new();
    match &rule.period {
        Some(period) => {
            let from = rule.trigger.iter().flat_map(|trigger| trigger.sources()).filter_map(|s| trigger(definition, s));
            let from: Vec<Text> = from.collect();
            let period = Text::Period(period.clone());
            let text = if from.is_empty() {
                Text::Said("publicity-kept-for", vec![("period", period)])
            } else {
                Text::Said("publicity-kept-from", vec![("period", period), ("from", Text::Several(from))])
            };
            more.push(Line::under("period", text));
        }
        None => more.push(Line::under("period", Text::Said("publicity-kept", Vec::new()))),
    }
    let then = match rule.then.as_str() {
        "archive" => Some("publicity-then-archive"),
        "destroy" => Some("publicity-then-destroy"),
        "anonymise" => Some("publicity-then-anonymise"),
        "review" => Some("publicity-then-review"),
        _ => None,
    };
    more.extend(then.map(|key| Line::under("then", Text::Said(key, Vec::new()))));
    more.extend(rule.series.iter().map(|series| {
        let args = vec![("series", Text::Plain(series.clone()))];
        Line::under("series", Text::Said("publicity-series", args))
    }));
    more.extend(rule.source.iter().map(|source| Line::under("source", Text::Plain(source.clone()))));
    words(format!("retention:{}", rule.name), &rule.label, &rule.clause).with(more)
}

/// Whether it is secret that a field is held: by itself, its section or its record type.
fn is_secret(kind: &RecordType, field: &Field) -> bool {
    let section = |section: &Section| section.secret && field.section.as_ref() == Some(&section.name);
    kind.secret || field.secret || kind.sections.iter().any(section)
}

/// Where a path leads in a record type, unless that is secret.
fn open_field<'d>(kind: &'d RecordType, path: &FieldPath) -> Option<&'d Field> {
    let along: Option<Vec<&Field>> = path.along(&kind.fields).collect();
    let along = along?;
    let open = along.iter().all(|field| !is_secret(kind, field));
    along.last().copied().filter(|_| open)
}

/// From what a period counts; nothing where that is secret.
fn trigger(definition: &Definition, source: &str) -> Option<Text> {
    let field = |path: &FieldPath| {
        let found = definition.record_types.iter().find_map(|kind| open_field(kind, path))?;
        Some(Text::Words(found.label.clone()))
    };
    match Trigger::parse(source)? {
        Trigger::OwnEnd => Some(Text::Said("publicity-from-end", Vec::new())),
        Trigger::Field(path) => field(&path),
        Trigger::Event(name) => {
            let moves = definition.record_types.iter().flat_map(|kind| &kind.moves);
            let made = moves.into_iter().find(|m| m.event.as_ref() == Some(&name))?;
            Some(Text::Words(made.label.clone()))
        }
        Trigger::Other { record_type, path } => match path {
            Some(path) => field(&path),
            None => {
                let kind = definition.record_types.iter().find(|kind| kind.name == record_type && !kind.secret)?;
                let args = vec![("record", Text::Words(kind.label.clone()))];
                Some(Text::Said("publicity-from-end-of", args))
            }
        },
    }
}

/// Roles in which data are entered and seen; not the person's own.
fn right_to_use(definition: &Definition) -> Vec<Line> {
    let roles = definition.register.roles.iter().filter(|role| !role.implicit);
    roles.map(|role| words(format!("role:{}", role.name), &role.label, &role.clause)).collect()
}

/// People see their own data; and how data are asked for, and within what time.
fn right_of_access(definition: &Definition) -> Vec<Line> {
    let own = definition.register.roles.iter().filter(|role| role.implicit);
    let own = own.map(|role| {
        let args = vec![("role", Text::Words(role.label.clone()))];
        Line::new(format!("role:{}", role.name), Text::Said("publicity-sees-own", args), &role.clause)
    });
    own.chain(cases(definition, &[Procedure::Disclosure, Procedure::ErrorNotice])).collect()
}

fn cases(definition: &Definition, procedures: &[Procedure]) -> Vec<Line> {
    let kinds = definition.cases.iter().filter(|kind| procedures.contains(&kind.procedure));
    let told = kinds.map(|kind: &CaseKind| {
        let within = kind.term.map(|term| {
            Line::under("term", Text::Said("publicity-within", vec![("period", Text::Period(term.to_string()))]))
        });
        words(format!("case:{}", kind.name), &kind.label, &kind.clause).with(within.into_iter().collect())
    });
    told.collect()
}

/// Fields by which records are found.
fn search_keys(definition: &Definition) -> Vec<Line> {
    let of_kind = |kind: &RecordType| {
        let keys = kind.fields.iter().filter(|field| field.index.is_some());
        let keys = keys.map(|field| {
            let line = Line::under(&field.name, Text::Words(field.label.clone()));
            Line { clause: field.clause.clone(), ..line }.secret_if(is_secret(kind, field))
        });
        let keys: Vec<Line> = keys.collect();
        (!keys.is_empty()).then(|| words(&kind.name, &kind.label, &kind.clause).secret_if(kind.secret).with(keys))
    };
    definition.record_types.iter().filter_map(of_kind).collect()
}

/// What the statute makes public: it is had through the open interface.
fn open_interface(definition: &Definition) -> Vec<Line> {
    let publications = definition.register.publications.iter().filter_map(|publication| {
        let kind = definition.record_types.iter().find(|kind| kind.name == publication.record_type)?;
        let fields = publication.fields.iter().filter_map(|path| {
            let own = FieldPath::parse(path).ok().and_then(|path| open_field(kind, &path));
            let other = || Reach::of(definition, kind, path).filter(Reach::leads_on).map(|reach| reach.field);
            let field = own.or_else(other).filter(|field| !field.secret)?;
            Some(Line::under(path, Text::Words(field.label.clone())))
        });
        let id = format!("publication:{}", kind.name);
        Some(words(id, &kind.label, &publication.clause).secret_if(kind.secret).with(fields.collect()))
    });
    publications.collect()
}
