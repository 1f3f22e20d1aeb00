//! A definition held against the text that it was made from: whatever differs, with the line of both.
//!
//! What is compared: the heads of the act, the names, who answers; every clause; every list of points against what of
//! the definition stands under it, in number and in words; what the definition quotes; the days of confirmation.
//!
//! Words are compared as a reader compares them: quotation marks, dashes, spaces, full stops and lost superscripts aside.
//! A point is said where one label has its words, or several labels under it have them together (`ees- ja perekonnanimi`
//! as first and last name). Where a label deliberately has other words, it has those of the text beside it in `verbatim`.

use std::collections::BTreeMap;
use std::fmt;

use chrono::NaiveDate;
use serde::Serialize;

use super::words::{beginning, contains, divided, plain, yearly_days};
use super::{Part, Provision, Said, Statute};
use crate::domain::statute::definition::{ActForm, Definition, Field, RecordType, Sources};
use crate::domain::statute::lint::files_of;
use crate::domain::statute::parse::{
    CLAUSES_FILE, CODELISTS_FILE, DOCUMENTS_FILE, Fault, Locator, Place, REGISTER_FILE,
};
use crate::domain::statute::{Clause, Label};

/// Something in which a definition and a text differ.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Difference {
    /// Where in the definition, what, and what to do.
    #[serde(flatten)]
    pub fault: Fault,
    /// Line of the text, from 1, where the text says something of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text_line: Option<usize>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fault.fmt(f)?;
        self.text_line.map_or(Ok(()), |line| write!(f, " (line {line} of the text)"))
    }
}

/// Everything in which `definition`, made from the files `sources`, differs from `statute`, by file and line.
pub fn compare(definition: &Definition, sources: &Sources, statute: &Statute) -> Vec<Difference> {
    let locator = Locator::new(sources);
    let files = files_of(&definition.record_types, sources, &locator);
    let by_clause = statute.provisions.iter().enumerate().map(|(at, p)| (p.clause.0.as_str(), at)).collect();
    let mut comparison = Comparison { definition, statute, locator, by_clause, found: Vec::new() };
    comparison.act();
    comparison.names();
    comparison.parties();
    comparison.clauses();
    for (record_type, file) in definition.record_types.iter().zip(files) {
        comparison.record_type(record_type, &Place::file(file));
    }
    comparison.lists();
    comparison.codelists();
    comparison.quoted();
    comparison.confirmations();
    comparison.found.sort();
    comparison.found.dedup();
    comparison.found
}

/// Whether the definition and the text are of the same register: one names the short name of the other, or both bear the
/// same publication mark.
pub fn is_about(definition: &Definition, statute: &Statute) -> bool {
    let register = &definition.register;
    let named = statute.provisions.iter().filter_map(|provision| short_name(&provision.text)).next();
    let published = statute.head.publication.as_ref().map(|said| plain(&said.value));
    named.is_some_and(|name| name == register.short_name)
        || published.is_some_and(|mark| mark == plain(&register.act.publication))
}

/// The short name that a provision gives: `Andmekogu lühinimi on x.`
pub(super) fn short_name(text: &str) -> Option<&str> {
    named_after(text, "lühinimi on ")
}

/// The name that a provision gives: `Andmekogu ametlik nimetus on X.`
pub(super) fn official_name(text: &str) -> Option<&str> {
    named_after(text, "ametlik nimetus on ")
}

/// The controller that a provision names: `Andmekogu vastutav töötleja on X.`
pub(super) fn controller(text: &str) -> Option<&str> {
    named_after(text, "vastutav töötleja on ").filter(|name| name.starts_with(char::is_uppercase))
}

fn named_after<'t>(text: &'t str, words: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(words)?;
    let name = rest.split_once(". ").map_or(rest, |(name, _)| name).trim_end_matches(['.', ';']).trim();
    (!name.is_empty()).then_some(name)
}

/// A labelled thing of the definition that rests on a clause.
struct Sayer<'d> {
    label: &'d Label,
    place: Place,
}

struct Comparison<'a> {
    definition: &'a Definition,
    statute: &'a Statute,
    locator: Locator<'a>,
    by_clause: BTreeMap<&'a str, usize>,
    found: Vec<Difference>,
}

impl<'a> Comparison<'a> {
    fn differs(&mut self, place: &Place, line: Option<usize>, message: impl Into<String>, advice: impl Into<String>) {
        self.found.push(Difference { fault: self.locator.fault(place, message, advice), text_line: line });
    }

    fn provision(&self, clause: &Clause) -> Option<&'a Provision> {
        self.by_clause.get(clause.0.as_str()).and_then(|at| self.statute.provisions.get(*at))
    }

    // ── The act, its names, who answers ──────────────────────────────────────────────────────────

    fn act(&mut self) {
        let act = &self.definition.register.act;
        let head = &self.statute.head;
        let place = Place::file(REGISTER_FILE).key("act");
        if act.form == ActForm::Description {
            self.differs(
                &place.key("form"),
                None,
                "the register rests on a description, and the text is that of a statute",
                "Compare it with the description's own text, or say in `[act]` that it rests on an act.",
            );
            return;
        }
        for (key, ours, theirs) in [
            ("issuer", &act.issuer, &head.issuer),
            ("kind", &act.kind, &head.kind),
            ("title", &act.title, &head.title),
            ("number", &act.number, &head.number),
            ("publication", &act.publication, &head.publication),
        ] {
            if let Some(Said { value, line }) = theirs
                && plain(value) != plain(ours)
            {
                let message = format!("the text says `{value}`, the definition `{ours}`");
                self.differs(&place.key(key), Some(*line), message, "Correct it by the text.");
            }
        }
        let until = head.in_force_until.as_ref();
        for (key, ours, theirs) in [
            ("adopted", act.adopted, head.adopted.as_ref().map(|said| (Some(said.value), said.line))),
            ("in_force_from", Some(act.in_force_from), head.in_force_from.as_ref().map(|s| (Some(s.value), s.line))),
            ("in_force_until", act.in_force_until, until.map(|said| (said.value, said.line))),
        ] {
            if let Some((value, line)) = theirs.filter(|(value, _)| *value != ours) {
                let said = |day: Option<NaiveDate>| day.map_or("no day".to_owned(), |day| format!("`{day}`"));
                let message = format!("the text says {}, the definition {}", said(value), said(ours));
                self.differs(&place.key(key), Some(line), message, "Correct it by the text.");
            }
        }
        self.legal_basis(&place);
    }

    /// Each provision that the act rests on stands in its preamble: the act's name and the number, which may be apart.
    fn legal_basis(&mut self, place: &Place) {
        let Some(preamble) = self.provision(&Clause(super::PREAMBLE.to_owned())) else { return };
        for (index, basis) in self.definition.register.act.legal_basis.iter().enumerate() {
            let parts = basis.split_once('§').map(|(act, number)| [act.to_owned(), format!("§{number}")]);
            let parts = parts.map_or_else(|| vec![basis.clone()], Vec::from);
            if !parts.iter().all(|part| contains(&preamble.text, part)) {
                self.differs(
                    &place.item("legal_basis", index),
                    Some(preamble.line),
                    format!("the text does not rest on `{basis}`"),
                    "Take over the words of the text, a provision each.",
                );
            }
        }
    }

    fn names(&mut self) {
        let register = &self.definition.register;
        let root = Place::file(REGISTER_FILE);
        let provisions = &self.statute.provisions;
        let said = provisions.iter().find_map(|p| short_name(&p.text).map(|name| (name, p.line)));
        if let Some((name, line)) = said.filter(|(name, _)| plain(name) != plain(&register.short_name)) {
            let message = format!("the text says `{name}`, the definition `{}`", register.short_name);
            self.differs(
                &root.key("short_name"),
                Some(line),
                message,
                "Correct it by the text, and the folder's name.",
            );
        }
        let ours = register.name.verbatim.as_deref().unwrap_or(register.name.official());
        let said = provisions.iter().find_map(|p| official_name(&p.text).map(|name| (name, p.line)));
        if let Some((name, line)) = said.filter(|(name, _)| plain(name) != plain(ours)) {
            let message = format!("the text says `{name}`, the definition `{ours}`");
            self.differs(&root.key("name"), Some(line), message, "Correct it by the text.");
        }
    }

    fn parties(&mut self) {
        let register = &self.definition.register;
        let root = Place::file(REGISTER_FILE);
        let processors = register.processors.iter().enumerate().map(|(i, party)| (root.item("processor", i), party));
        for (place, party) in std::iter::once((root.key("controller"), &register.controller)).chain(processors) {
            let ours = party.verbatim.as_ref().unwrap_or(&party.name);
            let Some(provision) = self.provision(&party.clause) else { continue };
            if !contains(&provision.text, ours) {
                let line = Some(provision.line);
                let message = format!("{} does not name `{ours}`: {}", party.clause, beginning(&provision.text));
                let advice = "Correct the name by the text, or say in `verbatim` what the text has in its place.";
                self.differs(&place.key("name"), line, message, advice);
            }
        }
        if let Some(security) = &register.security
            && let Some(provision) = self.provision(&security.clause)
            && !contains(&provision.text, &security.class)
        {
            let line = Some(provision.line);
            let message = format!("{} does not say `{}`: {}", security.clause, security.class, provision.text);
            self.differs(&root.key("security").key("class"), line, message, "Correct it by the text.");
        }
    }

    // ── Clauses ──────────────────────────────────────────────────────────────────────────────────

    fn clauses(&mut self) {
        let rows = &self.definition.clauses;
        let root = Place::file(CLAUSES_FILE);
        let mut ours = BTreeMap::new();
        for (index, row) in rows.iter().enumerate() {
            ours.insert(row.id.0.as_str(), index);
            if !self.by_clause.contains_key(row.id.0.as_str()) {
                self.differs(
                    &root.item("clause", index),
                    None,
                    format!("the text has no `{}`", row.id),
                    "Correct the address, or remove the clause and what rests on it.",
                );
            }
        }
        // A missing clause is told where it belongs: after the last one before it that is there.
        let mut before: Option<usize> = None;
        for (at, provision) in self.statute.provisions.iter().enumerate() {
            if let Some(index) = ours.get(provision.clause.0.as_str()) {
                before = Some(*index);
            } else if self.statute.speaks(at) {
                let place = before.map_or_else(|| root.clone(), |index| root.item("clause", index));
                let after = before.and_then(|index| rows.get(index)).map(|row| row.id.0.as_str());
                let advice = after.map_or("Add it first.".to_owned(), |id| format!("Add it after `{id}`."));
                let message = format!("`{}` is missing: {}", provision.clause, beginning(&provision.text));
                self.differs(&place, Some(provision.line), message, advice);
            }
        }
    }

    // ── Lists ────────────────────────────────────────────────────────────────────────────────────

    /// What a record type holds, against the points of the clauses that list it.
    fn record_type(&mut self, record_type: &'a RecordType, file: &Place) {
        let mut sayers = BTreeMap::new();
        fields(&record_type.fields, file, "field", None, &mut sayers);
        for clause in std::iter::once(&record_type.clause).chain(&record_type.repeated_in) {
            for point in self.statute.points(clause) {
                let Some(sayers) = sayers.get(&point.clause.0) else {
                    self.differs(
                        &file.key("clause"),
                        Some(point.line),
                        format!("no field of `{}` is `{}`: {}", record_type.name, point.clause, beginning(&point.text)),
                        "Add a field with this clause, or name the point in `repeated_in` of the field that has it.",
                    );
                    continue;
                };
                self.said(point, sayers);
            }
        }
    }

    /// A point must be said by what stands under it.
    fn said(&mut self, point: &Provision, sayers: &[Sayer<'_>]) {
        let words = |sayer: &Sayer<'_>| plain(sayer.label.verbatim.as_deref().unwrap_or(sayer.label.official()));
        let text = plain(&point.text);
        let labels: Vec<&str> = sayers.iter().map(|sayer| sayer.label.official()).collect();
        let is_said = sayers.iter().any(|sayer| words(sayer) == text || plain(sayer.label.official()) == text);
        // A label that has all the words and others besides is no part of them.
        let whole = labels.iter().any(|label| divided(&text, &[*label]));
        if is_said || (sayers.len() > 1 && !whole && divided(&text, &labels)) {
            return;
        }
        let quoting = sayers.iter().find(|sayer| sayer.label.verbatim.is_some());
        let Some(sayer) = quoting.or_else(|| nearest(sayers, &text)) else { return };
        let (key, ours) = match &sayer.label.verbatim {
            Some(words) => ("verbatim", words.as_str()),
            None => (sayer.label.official.code(), sayer.label.official()),
        };
        let message = format!("{} says “{}”, the definition “{ours}”", point.clause, point.text);
        let advice =
            "Take over the words of the text, or set them beside the label in `verbatim` where it is meant so.";
        self.differs(&sayer.place.key(key), Some(point.line), message, advice);
    }

    /// Lists of register.toml and documents.toml, against the lists of points that they are.
    fn lists(&mut self) {
        let register = &self.definition.register;
        let root = Place::file(REGISTER_FILE);
        let documents = Place::file(DOCUMENTS_FILE);
        let kinds = self.definition.document_kinds.iter().map(|kind| (&kind.label, &kind.clause)).collect();
        let purposes = register.purposes.iter().map(|item| (&item.label, &item.clause)).collect();
        let recipients = register.recipients.iter().map(|item| (&item.label, &item.clause)).collect();
        let revocation = register.revocation_grounds.iter().map(|item| (&item.label, &item.clause)).collect();
        let retention = register.retention_rules.iter().map(|rule| (&rule.label, &rule.clause)).collect();
        let roles = register.roles.iter().map(|role| (&role.label, &role.clause)).collect();
        self.list("kind of base document", &documents, "document_kind", kinds, Words::All);
        self.list("purpose", &root, "purpose", purposes, Words::All);
        self.list("recipient", &root, "recipient", recipients, Words::All);
        self.list("ground for ending a grant", &root, "revocation_ground", revocation, Words::All);
        // The point goes on to say what the role may do, or until when the data stay.
        self.list("retention rule", &root, "retention", retention, Words::Some);
        self.list("role", &root, "role", roles, Words::Some);
    }

    fn list(
        &mut self,
        what: &str,
        root: &Place,
        key: &'static str,
        items: Vec<(&'a Label, &'a Clause)>,
        wanted: Words,
    ) {
        let mut sayers: BTreeMap<usize, Vec<Sayer<'a>>> = BTreeMap::new();
        for (index, (label, clause)) in items.into_iter().enumerate() {
            if let Some(at) = self.by_clause.get(clause.0.as_str()) {
                let place = root.item(key, index).key("label");
                sayers.entry(*at).or_default().push(Sayer { label, place });
            }
        }
        let is_point = |at: &usize| self.statute.provisions.get(*at).filter(|p| p.part == Part::Point);
        let mut roofs: Vec<usize> = sayers.keys().filter_map(|at| is_point(at)?.parent).collect();
        roofs.sort_unstable();
        roofs.dedup();
        for roof in roofs {
            let Some(clause) = self.statute.provisions.get(roof).map(|provision| &provision.clause) else { continue };
            let points = self.statute.points(clause);
            let there = points.iter().filter(|point| self.sayers(&sayers, point).is_some()).count();
            // One thing may rest on a point of a list that lists something else.
            if wanted == Words::Some && there.saturating_mul(2) < points.len() {
                continue;
            }
            for point in points {
                match self.sayers(&sayers, point) {
                    None => self.differs(
                        root,
                        Some(point.line),
                        format!("no {what} is `{}`: {}", point.clause, beginning(&point.text)),
                        format!("Add a `[[{key}]]` with this clause."),
                    ),
                    Some(sayers) if wanted == Words::All => self.said(point, sayers),
                    Some(sayers) => self.begun(point, sayers),
                }
            }
        }
    }

    fn sayers<'s>(&self, sayers: &'s BTreeMap<usize, Vec<Sayer<'a>>>, point: &Provision) -> Option<&'s [Sayer<'a>]> {
        sayers.get(self.by_clause.get(point.clause.0.as_str())?).map(Vec::as_slice)
    }

    /// A point must have the words of what stands under it.
    fn begun(&mut self, point: &Provision, sayers: &[Sayer<'_>]) {
        for sayer in sayers {
            let ours = sayer.label.verbatim.as_deref().unwrap_or(sayer.label.official());
            if !contains(&point.text, ours) {
                let message = format!("{} says “{}”, the definition “{ours}”", point.clause, point.text);
                let advice = "Take over the words of the text, or set them beside the label in `verbatim`.";
                self.differs(&sayer.place, Some(point.line), message, advice);
            }
        }
    }

    /// A code list that rests on a list of points has its points, no more and no fewer.
    fn codelists(&mut self) {
        for (index, list) in self.definition.codelists.iter().enumerate() {
            let points = self.statute.points(&list.clause);
            if points.is_empty() {
                continue;
            }
            let place = Place::file(CODELISTS_FILE).item("codelist", index);
            let words = |label: &Label| plain(label.verbatim.as_deref().unwrap_or(label.official()));
            let texts: Vec<String> = points.iter().map(|point| plain(&point.text)).collect();
            for (at, code) in list.codes.iter().enumerate() {
                if !texts.contains(&words(&code.label)) {
                    let message = format!("`{}` has no point “{}”", list.clause, code.label.official());
                    let line = points.first().map(|point| point.line);
                    let advice = "Take over the words of the text, or remove the code.";
                    self.differs(&place.item("code", at).key("label"), line, message, advice);
                }
            }
            for (point, text) in points.iter().zip(&texts) {
                if !list.codes.iter().any(|code| words(&code.label) == *text) {
                    let message = format!("no code of `{}` is `{}`: {text}", list.name, point.clause);
                    self.differs(&place, Some(point.line), message, "Add a code with the words of the text.");
                }
            }
        }
    }

    /// What the definition quotes as the statute's own statement.
    fn quoted(&mut self) {
        let register = &self.definition.register;
        let root = Place::file(REGISTER_FILE);
        let statements = register.statements.iter().enumerate();
        let statements = statements.map(|(i, item)| (root.item("statement", i), &item.label, &item.clause));
        let effect = register.legal_effect.iter().map(|item| (root.key("legal_effect"), &item.label, &item.clause));
        for (place, label, clause) in statements.chain(effect) {
            let Some(provision) = self.provision(clause) else { continue };
            let ours = label.verbatim.as_deref().unwrap_or(label.official());
            if !contains(&provision.text, ours) {
                let place = place.key("label").key(label.official.code());
                let message = format!("{clause} says “{}”, the definition “{ours}”", provision.text);
                self.differs(&place, Some(provision.line), message, "Take over the words of the text.");
            }
        }
    }

    /// The days on which something is confirmed every year.
    fn confirmations(&mut self) {
        for (index, duty) in self.definition.register.confirmations.iter().enumerate() {
            let Some(provision) = self.provision(&duty.clause) else { continue };
            let mut theirs = yearly_days(&provision.text);
            let mut ours = duty.due_on.clone();
            theirs.sort();
            ours.sort();
            if !theirs.is_empty() && theirs != ours {
                let place = Place::file(REGISTER_FILE).item("confirmation", index).key("due_on");
                let message =
                    format!("{} says {}, the definition {}", duty.clause, theirs.join(" and "), ours.join(" and "));
                self.differs(&place, Some(provision.line), message, "Correct the days by the text.");
            }
        }
    }
}

/// How much of a point a label must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Words {
    /// All of its words.
    All,
    /// Some of them, as they stand there.
    Some,
}

/// Fields and parts by the clauses that they rest on; parts of a group inherit the group's.
fn fields<'d>(
    of: &'d [Field],
    owner: &Place,
    key: &'static str,
    inherited: Option<&'d Clause>,
    into: &mut BTreeMap<String, Vec<Sayer<'d>>>,
) {
    for (index, field) in of.iter().enumerate() {
        let place = owner.item(key, index);
        let own = field.clause.as_ref().or(inherited);
        for clause in own.into_iter().chain(&field.repeated_in) {
            into.entry(clause.0.clone()).or_default().push(Sayer { label: &field.label, place: place.key("label") });
        }
        fields(&field.parts, &place, "part", own, into);
    }
}

/// Of several labels under a point the one that has most of its words, the first of them.
fn nearest<'s, 'd>(sayers: &'s [Sayer<'d>], text: &str) -> Option<&'s Sayer<'d>> {
    let wanted = super::words::words(text);
    let common = |sayer: &&Sayer<'_>| {
        let words = super::words::words(sayer.label.official());
        words.iter().filter(|word| wanted.contains(word)).count()
    };
    sayers.iter().rev().max_by_key(common)
}
