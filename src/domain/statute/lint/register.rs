//! Faults of `register.toml`: the register itself, its roles and its general rules.

use chrono::NaiveDate;

use super::{Findings, Lint, choose, period};
use crate::domain::publication::reach::Reach;
use crate::domain::statute::definition::{Act, ActForm, FieldType, Party, RecordType, RetentionRule};
use crate::domain::statute::parse::{Place, REGISTER_FILE};
use crate::domain::statute::path::{FieldPath, is_machine_name};

/// Countries whose codes and calendar the engine knows.
pub(in crate::domain::statute) const COUNTRIES: &[&str] = &["EE", "FI"];

/// Whether `code` is one of ISO 3166-1 alpha-2, by its form.
pub(super) fn is_country(code: &str) -> bool {
    code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase())
}

/// How a trigger begins that is an event and not a date field.
const EVENT: &str = "event:";

/// What may become of data when their time has come.
const THEN: &[&str] = &["archive", "destroy", "anonymise", "review", "keep"];

impl Lint<'_> {
    pub(super) fn register(&mut self) {
        let register = &self.definition.register;
        let root = Place::file(REGISTER_FILE);
        self.known_as(&root, &register.short_name, &register.country);
        self.spoken(&root);
        self.label(&root.key("name"), &register.name);
        self.clause(&root.key("name_clause"), &register.name_clause);
        self.act(&register.act, &root.key("act"));
        self.parties(&register.controller, &register.processors, &root);
        self.security(&root.key("security"));
        self.some(&root, "purpose", "purpose", register.purposes.len());
        self.items("purpose", &root, "purpose", &register.purposes);
        self.published(&root, &register.statements, register.documents.as_deref(), register.catalogue.as_ref());
        self.promises(&root);
        if let Some(effect) = &register.legal_effect {
            let place = root.key("legal_effect");
            self.machine_name(&place, &effect.name);
            self.label(&place.key("label"), &effect.label);
            self.clause(&place.key("clause"), &effect.clause);
        }
        self.items("ground for ending a grant", &root, "revocation_ground", &register.revocation_grounds);
        self.items("ground for refusal", &root, "refusal_ground", &register.refusal_grounds);
        self.institutions(&root.key("institutions"));
        self.roles(&root);
        self.access(&root.key("access"));
        self.recipients(&root);
        self.publications(&root);
        self.confirmations(&root);
        self.retention_rules(&root);
        self.backup(&root.key("backup"));
        self.closing(&root.key("closing"));
    }

    fn security(&mut self, place: &Place) {
        let Some(security) = &self.definition.register.security else {
            if self.definition.register.act.form == ActForm::Statute {
                let advice =
                    "Add `[security]`, or say with `form = \"description\"` in `[act]` that it is no act of law.";
                self.fault(place, "the statute's security class is missing", advice);
            }
            return;
        };
        self.clause(&place.key("clause"), &security.clause);
        match level_of(&security.class) {
            None => self.fault(
                &place.key("class"),
                format!("`{}` is not a security class", security.class),
                "Write K, T and S with a digit from 0 to 3 each, as K1T1S2.",
            ),
            Some(level) if level != security.level => self.fault(
                &place.key("level"),
                format!("level `{}` does not follow from class {}", security.level, security.class),
                format!("Write `{level}`, as the highest of the three parts decides, or correct the class."),
            ),
            Some(_) => {}
        }
    }

    fn institutions(&mut self, place: &Place) {
        let institutions = &self.definition.register.institutions;
        self.some(place, "kind", "kind of institution", institutions.kinds.len());
        self.items("kind of institution", place, "kind", &institutions.kinds);
        let known = self.record_type_names();
        self.known(&place.key("record_type"), "record type", &institutions.record_type, &known);
        let Some(name) = &institutions.kind_field else {
            if institutions.kinds.len() > 1 {
                self.fault(
                    &place.key("kind_field"),
                    "there are several kinds of institution, but no field says which one is of which kind",
                    "Name in `kind_field` the code field that does.",
                );
            }
            return;
        };
        let Some(record_type) = self.record_type(&institutions.record_type) else {
            return;
        };
        let place = place.key("kind_field");
        let Some(field) = self.path(&place, name, &record_type.name, &record_type.fields) else {
            return;
        };
        if !self.of_kind(&place, field, &[FieldType::Code]) {
            return;
        }
        let Some(list) = self.codelist(field.codelist.as_ref()) else {
            return;
        };
        let mut codes: Vec<&str> = list.codes.iter().map(|code| code.code.as_str()).collect();
        let mut kinds: Vec<&str> = institutions.kinds.iter().map(|kind| kind.name.as_str()).collect();
        for names in [&mut codes, &mut kinds] {
            names.sort_unstable();
            names.dedup();
        }
        if codes != kinds {
            self.fault(
                &place,
                format!("the codes of `{}` ({}) are not the kinds ({})", list.name, codes.join(", "), kinds.join(", ")),
                "Make the kinds and the codes the same.",
            );
        }
    }

    fn roles(&mut self, root: &Place) {
        let roles = &self.definition.register.roles;
        self.some(root, "role", "role", roles.len());
        self.unique("role", roles.iter().enumerate().map(|(i, role)| (role.name.as_str(), root.item("role", i))));
        for (index, role) in roles.iter().enumerate() {
            let place = root.item("role", index);
            self.machine_name(&place, &role.name);
            self.label(&place.key("label"), &role.label);
            self.clause(&place.key("clause"), &role.clause);
            self.items("kind of basis", &place, "basis", &role.basis);
            if role.implicit && (role.needs_until || role.needs_task || role.within_contract || !role.basis.is_empty())
            {
                self.fault(
                    &place.key("implicit"),
                    "the role is held without a grant, but has rules for grants",
                    "Remove `implicit`, or `basis`, `needs_until`, `needs_task` and `within_contract`.",
                );
            }
        }
    }

    fn access(&mut self, place: &Place) {
        let access = &self.definition.register.access;
        for (key, clause) in [
            ("clause", &access.clause),
            ("scope_clause", &access.scope_clause),
            ("document_clause", &access.document_clause),
            ("correction_clause", &access.correction_clause),
            ("force_clause", &access.force_clause),
            ("grant_log_clause", &access.grant_log_clause),
            ("revocation_clause", &access.revocation_clause),
        ] {
            self.clause(&place.key(key), clause);
        }
        match &access.purpose_clause {
            Some(clause) => self.clause(&place.key("purpose_clause"), clause),
            None if access.purpose_required => self.fault(
                &place.key("purpose_required"),
                "a purpose is required, but no clause says so",
                "Add `purpose_clause`.",
            ),
            None => {}
        }
    }

    fn recipients(&mut self, root: &Place) {
        let recipients = &self.definition.register.recipients;
        let names = recipients.iter().enumerate().map(|(i, r)| (r.name.as_str(), root.item("recipient", i)));
        self.unique("recipient", names);
        for (index, recipient) in recipients.iter().enumerate() {
            let place = root.item("recipient", index);
            self.machine_name(&place, &recipient.name);
            self.label(&place.key("label"), &recipient.label);
            self.clause(&place.key("clause"), &recipient.clause);
            self.some(&place, "grounds", "ground", recipient.grounds.len());
            self.once(&place, "grounds", &recipient.grounds);
        }
    }

    /// What is made public is no secret.
    fn no_secret(&mut self, place: &Place, record_type: &RecordType, path: &str) {
        let along: Vec<_> =
            FieldPath::parse(path).iter().flat_map(|p| p.along(&record_type.fields)).flatten().collect();
        let in_secret = |name: &Option<String>| {
            record_type.sections.iter().any(|section| section.secret && name.as_ref() == Some(&section.name))
        };
        if record_type.secret || along.iter().any(|field| field.secret || in_secret(&field.section)) {
            let message = format!("the statute makes public what is secret: `{path}`");
            self.fault(place, message, "Remove `secret` there, or the field here.");
        }
    }

    fn publications(&mut self, root: &Place) {
        let publications = &self.definition.register.publications;
        let names = self.record_type_names();
        for (index, publication) in publications.iter().enumerate() {
            let place = root.item("publication", index);
            self.clause(&place.key("clause"), &publication.clause);
            self.some(&place, "fields", "public field", publication.fields.len());
            self.once(&place, "fields", &publication.fields);
            self.known(&place.key("record_type"), "record type", &publication.record_type, &names);
            let Some(record_type) = self.record_type(&publication.record_type) else {
                continue;
            };
            for (at, path) in publication.fields.iter().enumerate() {
                let place = place.item("fields", at);
                self.no_secret(&place, record_type, path);
                match Reach::of(self.definition, record_type, path) {
                    // A path of the record itself, or nowhere: told in the usual words.
                    None => {
                        self.open_path(&place, path, &record_type.name, &record_type.fields);
                    }
                    Some(reach) if !reach.leads_on() => {
                        self.open_path(&place, path, &record_type.name, &record_type.fields);
                        if reach.titled().is_some_and(|other| other.subject.is_some()) {
                            self.fault(
                                &place,
                                format!("`{path}` would be shown by the title of a record about a person"),
                                "Name the fields of that record that are public: `reference/field`.",
                            );
                        }
                    }
                    Some(_) => {}
                }
            }
        }
    }

    fn confirmations(&mut self, root: &Place) {
        let register = &self.definition.register;
        let duties = &register.confirmations;
        let kinds: Vec<&str> = register.institutions.kinds.iter().map(|kind| kind.name.as_str()).collect();
        let types = self.record_type_names();
        let names = duties.iter().enumerate().map(|(i, d)| (d.name.as_str(), root.item("confirmation", i)));
        self.unique("confirmation", names);
        for (index, duty) in duties.iter().enumerate() {
            let place = root.item("confirmation", index);
            self.machine_name(&place, &duty.name);
            self.clause(&place.key("clause"), &duty.clause);
            self.clause(&place.key("responsible_clause"), &duty.responsible_clause);
            self.label(&place.key("label"), &duty.label);
            self.label(&place.key("statement"), &duty.statement);
            self.known(&place.key("institution_kind"), "kind of institution", &duty.institution_kind, &kinds);
            self.some(&place, "record_types", "record type to confirm", duty.record_types.len());
            self.all_known(&place, "record_types", "record type", &duty.record_types, &types);
            self.some(&place, "due_on", "due day", duty.due_on.len());
            self.once(&place, "due_on", &duty.due_on);
            for (at, day) in duty.due_on.iter().enumerate() {
                if !is_day_of_every_year(day) {
                    self.fault(
                        &place.item("due_on", at),
                        format!("`{day}` is not a day of every year"),
                        "Write it as MM-DD, \"09-10\" for the tenth of September.",
                    );
                }
            }
            self.confirmation_rhythm(duty, &place);
        }
    }

    fn retention_rules(&mut self, root: &Place) {
        let rules = &self.definition.register.retention_rules;
        let names = rules.iter().enumerate().map(|(i, rule)| (rule.name.as_str(), root.item("retention", i)));
        self.unique("retention rule", names);
        for (index, rule) in rules.iter().enumerate() {
            let place = root.item("retention", index);
            self.machine_name(&place, &rule.name);
            self.label(&place.key("label"), &rule.label);
            self.clause(&place.key("clause"), &rule.clause);
            if let Some(series) = &rule.series {
                self.text(&place.key("series"), series);
            }
            if let Some(source) = &rule.source {
                self.text(&place.key("source"), source);
            }
            self.fate(&place, rule);
            self.trigger(&place.key("trigger"), rule);
        }
    }

    /// What becomes of the data, and after what time.
    fn fate(&mut self, place: &Place, rule: &RetentionRule) {
        if !THEN.contains(&rule.then.as_str()) {
            self.fault(&place.key("then"), format!("`{}` cannot be done with data", rule.then), choose(THEN));
        }
        if let Some(text) = rule.period.as_deref().filter(|text| period(text).is_none()) {
            self.period_fault(&place.key("period"), text);
        }
        if rule.then == "keep" {
            if rule.period.is_some() {
                let advice = "Remove the period, or say in `then` what becomes of the data after it.";
                self.fault(&place.key("period"), "what is kept has no period", advice);
            }
        } else if rule.source.is_none() && (rule.trigger.is_none() || rule.period.is_none()) {
            let missing = if rule.trigger.is_none() { "trigger" } else { "period" };
            self.fault(
                &place.key(missing),
                format!("without `{missing}` nobody knows when to {}", rule.then),
                format!("Add `{missing}`, or say in `source` where it is laid down."),
            );
        }
        if rule.period.is_some() && rule.trigger.is_none() && rule.source.is_some() {
            self.fault(
                &place.key("trigger"),
                "a period without `trigger` never begins",
                "Add `trigger`, or remove `period`.",
            );
        }
    }

    /// The date that starts the period, in each record type that uses the rule.
    fn trigger(&mut self, place: &Place, rule: &RetentionRule) {
        let Some(said) = &rule.trigger else { return };
        for source in said.sources() {
            self.trigger_source(place, rule, source);
        }
        if said.sources().is_empty() {
            self.fault(place, "no trigger is named", "Name a date, an event, or `record:` and a record type.");
        }
    }

    /// One thing that a rule counts from.
    fn trigger_source(&mut self, place: &Place, rule: &RetentionRule, trigger: &str) {
        if trigger == "lifecycle:ends" {
            let lasting = |t: &&RecordType| uses(t, rule) && t.lifecycle.is_none();
            if let Some(lasting) = self.definition.record_types.iter().find(lasting).map(|t| t.name.clone()) {
                let message = format!("a record of `{lasting}` has no end of its own");
                self.fault(place, message, "Give the record type a `lifecycle`, or name a date.");
            }
            return;
        }
        if let Some(other) = trigger.strip_prefix("record:") {
            let (name, path) = other.split_once('/').map_or((other, None), |(name, path)| (name, Some(path)));
            match self.definition.record_types.iter().find(|t| t.name == name) {
                None => {
                    self.fault(place, format!("`{name}` is no record type"), "Write `record:` and the name of one.");
                }
                Some(found) if path.is_none() && found.lifecycle.is_none() => {
                    let message = format!("a record of `{name}` has no end of its own");
                    self.fault(
                        place,
                        message,
                        "Give the record type a `lifecycle`, or name a date: `record:type/field`.",
                    );
                }
                Some(found) => {
                    let field = path.and_then(|path| self.path(place, path, &found.name, &found.fields));
                    if let Some(field) = field {
                        self.of_kind(place, field, &[FieldType::Date]);
                    }
                }
            }
            return;
        }
        if let Some(event) = trigger.strip_prefix(EVENT) {
            if !is_machine_name(event) {
                self.fault(
                    place,
                    format!("`{event}` is not the name of an event"),
                    "Write `event:` and a machine name.",
                );
                return;
            }
            let types = &self.definition.record_types;
            let makes = |t: &RecordType| t.moves.iter().any(|m| m.event.as_deref() == Some(event));
            let (users, others): (Vec<&RecordType>, Vec<&RecordType>) = types.iter().partition(|t| uses(t, rule));
            let deaf = users.iter().find(|t| !makes(t)).map(|t| t.name.as_str());
            let advice = "Add `event` to the move of the record that starts the period, or name a date.";
            if let Some(name) = deaf {
                let message = format!("no move of `{name}` makes the event `{event}`, so its period never begins");
                self.fault(place, message, advice);
            } else if users.is_empty() && !others.iter().any(|t| makes(t)) {
                let message = format!("no move makes the event `{event}`, so the period never begins");
                self.fault(place, message, advice);
            }
            return;
        }
        let types = &self.definition.record_types;
        let mut users: Vec<&RecordType> = types.iter().filter(|t| uses(t, rule)).collect();
        if users.is_empty() {
            let names =
                |t: &&RecordType| trigger.parse::<super::FieldPath>().is_ok_and(|p| p.resolve(&t.fields).is_some());
            users = types.iter().filter(names).take(1).collect();
        }
        if users.is_empty() {
            self.fault(
                place,
                format!("`{trigger}` names no field of any record type"),
                "Correct the path, or write `event:` and the name of an event.",
            );
        }
        for record_type in users {
            if let Some(field) = self.path(place, trigger, &record_type.name, &record_type.fields) {
                self.of_kind(place, field, &[FieldType::Date]);
            }
        }
    }

    fn closing(&mut self, place: &Place) {
        let Some(rule) = &self.definition.register.closing else {
            return;
        };
        self.clause(&place.key("clause"), &rule.clause);
        for (name, items) in [("document", &rule.documents), ("step", &rule.steps)] {
            for (index, item) in items.iter().enumerate() {
                self.clause(&place.item(name, index).key("clause"), &item.clause);
                if items.iter().take(index).any(|other| other.name == item.name) {
                    let words = format!("`{}` stands there twice", item.name);
                    self.fault(&place.item(name, index).key("name"), words, "Give each its own name.");
                }
            }
        }
    }

    fn backup(&mut self, place: &Place) {
        let Some(rule) = &self.definition.register.backup else {
            return;
        };
        self.clause(&place.key("clause"), &rule.clause);
        if rule.every_hours == 0 {
            self.fault(&place.key("every_hours"), "no time lies between two copies", "Write the hours, at least 1.");
        }
        for (index, day) in rule.keep_days_of_month.iter().enumerate() {
            if !(1..=31).contains(day) {
                self.fault(
                    &place.item("keep_days_of_month", index),
                    format!("no month has a day {day}"),
                    "Write days from 1 to 31.",
                );
            }
        }
        let all = self.period(&place.key("keep_all"), &rule.keep_all);
        let most = self.period(&place.key("keep_at_most"), &rule.keep_at_most);
        if all.zip(most).is_some_and(|(all, most)| all > most) {
            self.fault(
                &place.key("keep_all"),
                "every copy is kept for longer than any copy is kept",
                "Make `keep_all` at most as long as `keep_at_most`.",
            );
        }
    }

    fn period(&mut self, place: &Place, text: &str) -> Option<u64> {
        let days = period(text);
        if days.is_none() {
            self.period_fault(place, text);
        }
        days
    }

    fn period_fault(&mut self, place: &Place, text: &str) {
        self.fault(place, format!("`{text}` is not a period"), "Write it as ISO 8601 has it: P10Y, P6M, P2W or P30D.");
    }
}

impl Findings<'_> {
    /// A list that the statute cannot do without.
    pub(super) fn some(&mut self, owner: &Place, key: &'static str, what: &str, count: usize) {
        if count == 0 {
            self.fault(&owner.key(key), format!("there is no {what}"), format!("Name at least one {what}."));
        }
    }

    /// The short name, the country.
    pub(super) fn known_as(&mut self, root: &Place, short_name: &str, country: &str) {
        if !is_short_name(short_name) {
            self.fault(
                &root.key("short_name"),
                format!("`{short_name}` cannot be a short name"),
                "Write lower-case letters, digits and hyphens, not a hyphen first.",
            );
        }
        if !is_country(country) {
            let message = format!("`{country}` is no code of a country");
            self.fault(&root.key("country"), message, "Write the two capital letters of ISO 3166-1, as EE.");
        }
    }

    /// The languages in which the register is spoken of.
    pub(super) fn spoken(&mut self, root: &Place) {
        if !self.languages.contains(&self.language) {
            self.fault(
                &root.key("languages"),
                format!("the source is in {}, and that is not among the languages", self.language.name()),
                format!("Add \"{}\", or correct `language`.", self.language.code()),
            );
        }
        let codes: Vec<String> = self.languages.iter().map(|l| l.code().to_owned()).collect();
        self.once(root, "languages", &codes);
    }

    /// The text that founds or describes the register.
    pub(super) fn act(&mut self, act: &Act, place: &Place) {
        let always = [("issuer", &act.issuer), ("kind", &act.kind), ("title", &act.title)];
        let of_statutes = [("number", &act.number), ("publication", &act.publication)];
        let of_statutes = of_statutes.into_iter().filter(|_| act.form == ActForm::Statute);
        for (key, text) in always.into_iter().chain(of_statutes) {
            self.text(&place.key(key), text);
        }
        if act.adopted.is_none() && act.form == ActForm::Statute {
            let advice = "Add `adopted`, or say with `form = \"description\"` that it is no act of law.";
            self.fault(&place.key("adopted"), "nothing says when the act was adopted", advice);
        }
        if let Some(adopted) = act.adopted.filter(|day| *day > act.in_force_from) {
            self.fault(
                &place.key("in_force_from"),
                format!("the act is in force from {}, before it was adopted on {adopted}", act.in_force_from),
                "Correct one of the two days.",
            );
        }
        if let Some(until) = act.in_force_until.filter(|until| *until < act.in_force_from) {
            self.fault(
                &place.key("in_force_until"),
                format!("the act ends on {until}, before it is in force on {}", act.in_force_from),
                "Correct one of the two days.",
            );
        }
        if act.form == ActForm::Statute {
            self.some(place, "legal_basis", "legal basis", act.legal_basis.len());
        }
        for (index, basis) in act.legal_basis.iter().enumerate() {
            self.text(&place.item("legal_basis", index), basis);
        }
        self.clause(&place.key("clause"), &act.clause);
    }

    /// Who answers for the register, and who processes data for them.
    pub(super) fn parties(&mut self, controller: &Party, processors: &[Party], root: &Place) {
        let processors = processors.iter().enumerate().map(|(i, party)| (root.item("processor", i), party));
        for (place, party) in std::iter::once((root.key("controller"), controller)).chain(processors) {
            self.text(&place.key("name"), &party.name);
            self.clause(&place.key("clause"), &party.clause);
        }
    }
}

/// Whether fields of `record_type` are kept by `rule`.
fn uses(record_type: &RecordType, rule: &RetentionRule) -> bool {
    record_type.fields.iter().any(|f| f.retention.as_ref() == Some(&rule.name))
}

/// Whether `text` can be a short name: lower-case letters, digits and hyphens.
pub fn is_short_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('-')
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// The level that follows from a security class, if it is one.
pub(in crate::domain::statute) fn level_of(class: &str) -> Option<&'static str> {
    let [b'K', k @ b'0'..=b'3', b'T', t @ b'0'..=b'3', b'S', s @ b'0'..=b'3'] = class.as_bytes() else {
        return None;
    };
    Some(match k.max(t).max(s) {
        b'0' | b'1' => "L",
        b'2' => "M",
        _ => "H",
    })
}

/// Whether `text` is `MM-DD` of a day that every year has, leap year or not.
pub(super) fn is_day_of_every_year(text: &str) -> bool {
    const COMMON_YEAR: &str = "2001";
    text.len() == 5 && NaiveDate::parse_from_str(&format!("{COMMON_YEAR}-{text}"), "%Y-%m-%d").is_ok()
}
