//! The files of a new definition, from an [`Outline`].

use std::fmt::Write as _;

use super::draft::{Outline, Proposed, Record, Stated};
use crate::domain::statute::definition::Sources;
use crate::domain::statute::lint::{level_of, word};
use crate::domain::statute::listing::quoted;
use crate::domain::statute::parse::{
    BLANK, CLAUSES_FILE, CODELISTS_FILE, DOCUMENTS_FILE, POLICIES_FILE, RECORDS_FOLDER, REGISTER_FILE,
};
use crate::domain::statute::{FieldType, Language};

/// Name of the record type of those who hold the records, where the text has no list for them.
const INSTITUTION: &str = "institution";

/// A file as it grows.
#[derive(Default)]
struct Page(String);

impl Page {
    /// Writing into a string does not fail.
    fn line(&mut self, line: impl std::fmt::Display) {
        let _ = writeln!(self.0, "{line}");
    }

    fn lines(&mut self, lines: &[&str]) {
        for line in lines {
            self.line(line);
        }
    }

    fn key(&mut self, key: &str, value: &str) {
        self.line(format_args!("{key} = {}", quoted(value)));
    }

    fn list(&mut self, key: &str, values: &[String]) {
        let values: Vec<String> = values.iter().map(|value| quoted(value)).collect();
        self.line(format_args!("{key} = [{}]", values.join(", ")));
    }

    fn rule(&mut self, heading: &str) {
        let dashes = "─".repeat(94_usize.saturating_sub(heading.chars().count()));
        self.line(format_args!("\n# ── {heading} {dashes}\n"));
    }
}

impl Outline {
    /// The files, by their paths in the definition's folder.
    pub fn files(&self) -> Sources {
        let mut files = Sources::new();
        files.insert(REGISTER_FILE.to_owned(), self.register());
        files.insert(CLAUSES_FILE.to_owned(), self.clauses_file());
        files.insert(DOCUMENTS_FILE.to_owned(), self.documents_file());
        files.insert(CODELISTS_FILE.to_owned(), codelists_file());
        files.insert(POLICIES_FILE.to_owned(), self.policies());
        for record in &self.records {
            files.insert(format!("{RECORDS_FOLDER}{}.toml", record.name), self.record_file(record));
        }
        if self.institution().is_none() {
            files.insert(format!("{RECORDS_FOLDER}{INSTITUTION}.toml"), self.institution_file());
        }
        for text in files.values_mut() {
            *text = text.replace("\n\n\n", "\n\n");
        }
        files
    }

    fn institution(&self) -> Option<&Record> {
        self.records.iter().find(|record| record.is_institution)
    }

    /// A text in the language of the source.
    fn said(&self, words: &str) -> String {
        format!("{{ {} = {} }}", self.language.code(), quoted(words))
    }

    /// One of our own words, in the language of the source.
    fn ours(&self, et: &str, en: &str, fi: &str, sv: &str) -> String {
        self.said(match self.language {
            Language::Et => et,
            Language::En => en,
            Language::Fi => fi,
            Language::Sv => sv,
        })
    }

    fn stated(&self, page: &mut Page, table: &str, item: &Stated) {
        page.line(format_args!("\n[[{table}]]"));
        page.key("name", &item.name);
        page.line(format_args!("label = {}", self.said(&item.words)));
        page.key("clause", &item.clause);
    }

    fn register(&self) -> String {
        let mut page = Page::default();
        let code = self.language.code();
        page.line(format_args!("# {}: the register itself.", self.name));
        page.lines(&[
            "#",
            "# A skeleton. What the text says stands here; what is only probable is marked as a guess; every FILL-IN is a",
            "# blank, and `andmekogu check` names them all. `andmekogu check --against FILE` compares it with the text.",
            "# The statute outranks this file.",
            "",
        ]);
        page.key("short_name", &self.short_name);
        page.key("name_clause", &self.rules.name);
        page.key("language", code);
        page.line(
            "# Languages in which every text must be there. Add \"en\", \"fi\", \"sv\" when they are translated.",
        );
        page.line(format_args!("languages = [\"{code}\"]"));
        page.key("country", &self.country);
        let zone = if self.country == "FI" { chrono_tz::Europe::Helsinki } else { chrono_tz::Europe::Tallinn };
        page.key("time_zone", zone.name());
        page.line(format_args!("\n[name]\n{code} = {}", quoted(&self.name)));
        self.act(&mut page);
        page.rule("Why data are held");
        for purpose in &self.purposes {
            self.stated(&mut page, "purpose", purpose);
        }
        page.rule("Who answers");
        page.line("[controller]");
        page.key("name", &self.controller);
        page.key("clause", &self.rules.controller);
        if let Some(processor) = &self.processor {
            let is_name = processor.words.starts_with(char::is_uppercase);
            page.line("\n[[processor]]");
            page.key("name", if is_name { &processor.words } else { BLANK });
            if !is_name {
                page.line("# The text names nobody: who it is, is a matter of the installation.");
                page.key("verbatim", &processor.words);
            }
            page.key("clause", &processor.clause);
        }
        self.security_and_effect(&mut page);
        self.institutions(&mut page);
        self.roles_and_access(&mut page);
        self.retention_and_closing(&mut page);
        page.0
    }

    fn act(&self, page: &mut Page) {
        let day = |day: Option<chrono::NaiveDate>| day.map_or(BLANK.to_owned(), |day| day.to_string());
        page.line("\n[act]");
        page.key("issuer", &self.issuer);
        page.key("kind", &self.kind);
        page.key("title", &self.title);
        page.key("number", &self.number);
        page.key("adopted", &day(self.adopted));
        page.key("in_force_from", &day(self.in_force_from));
        if self.in_force_until.is_some() {
            page.key("in_force_until", &day(self.in_force_until));
        }
        page.key("publication", &self.publication);
        page.line("# Superscripts may be lost in the text: § 435 may be § 43⁵.");
        page.list("legal_basis", &self.legal_basis);
        page.key("clause", &self.rules.founding);
    }

    fn security_and_effect(&self, page: &mut Page) {
        page.rule("Security class");
        page.line("[security]");
        let class = self.security.as_ref().map_or(BLANK, |security| &security.words);
        page.key("class", class);
        page.key("level", level_of(class).unwrap_or(BLANK));
        page.key("clause", self.security.as_ref().map_or(&self.rules.founding, |security| &security.clause));
        if let Some(effect) = &self.legal_effect {
            page.rule("What the data mean in law");
            page.line("[legal_effect]");
            page.key("name", &effect.name);
            page.line(format_args!("label = {}", self.said(&effect.words)));
            page.key("clause", &effect.clause);
        }
    }

    fn institutions(&self, page: &mut Page) {
        page.rule("Who holds the records");
        page.line("# Every record belongs to an institution. Add kinds where the statute knows several.");
        page.line("[institutions]");
        page.key("record_type", self.institution().map_or(INSTITUTION, |record| &record.name));
        page.line("\n[[institutions.kind]]");
        page.key("name", "institution");
        page.line(format_args!("label = {}", self.ours("asutus", "institution", "laitos", "inrättning")));
        page.key("clause", self.institution().map_or(&self.rules.controller, |record| &record.clause));
    }

    fn roles_and_access(&self, page: &mut Page) {
        page.rule("Roles: what each may do is said in access.cedar");
        page.line("# Those that every register needs, and those that the text lists. Rename and add by the text.");
        let basis = |page: &mut Page, clause: &str| {
            page.line("[[role.basis]]");
            page.key("name", "order");
            page.line(format_args!("label = {}", self.ours("käskkiri", "order", "määräys", "förordnande")));
            page.key("clause", clause);
        };
        let rules = &self.rules;
        let controller = self.ours("vastutav töötleja", "controller", "rekisterinpitäjä", "personuppgiftsansvarig");
        let entry =
            self.ours("andmete sisestaja", "who enters data", "tietojen merkitsijä", "den som för in uppgifter");
        let subject = self.ours("andmesubjekt", "data subject", "rekisteröity", "registrerad");
        page.line("\n[[role]]\nname = \"controller\"");
        page.line(format_args!("label = {controller}"));
        page.key("clause", &rules.controller);
        basis(page, &rules.controller);
        page.line("\n[[role]]\nname = \"data_entry\"");
        page.line(format_args!("label = {entry}"));
        page.key("clause", &rules.entering);
        page.line("data_role = true");
        basis(page, &rules.entering);
        for role in &self.roles {
            self.stated(page, "role", role);
            basis(page, &role.clause);
        }
        page.line("\n[[role]]\nname = \"data_subject\"");
        page.line(format_args!("label = {subject}"));
        page.key("clause", &rules.access);
        page.line("implicit = true");
        page.rule("General rules of access");
        page.line("# Guesses by the headings of the text: look at each.");
        page.line("[access]");
        for (key, clause) in [
            ("clause", &rules.access),
            ("scope_clause", &rules.access),
            ("purpose_clause", &rules.purpose),
            ("document_clause", &rules.documents),
            ("correction_clause", &rules.correction),
            ("force_clause", &rules.founding),
            ("grant_log_clause", &rules.grant_log),
            ("revocation_clause", &rules.revocation),
        ] {
            page.key(key, clause);
        }
        if !self.sources.is_empty() {
            page.rule("Where data come from that are not entered here");
            page.line(
                "# Name the source in `source` of the fields that it fills, and add an exchange to exchanges.toml.",
            );
        }
        for source in &self.sources {
            self.stated(page, "source", source);
            page.key("local_change", "marked");
        }
    }

    fn retention_and_closing(&self, page: &mut Page) {
        page.rule("How long data are kept");
        page.line(
            "# `trigger` and `period` say it; until they do, `source` says where it is laid down, and people review.",
        );
        for rule in &self.retention {
            self.stated(page, "retention", rule);
            page.key("then", "review");
            page.key("source", BLANK);
        }
        if let Some(clause) = &self.rules.closing {
            page.rule("How the register is closed");
            page.line("[closing]");
            page.key("clause", clause);
        }
    }

    fn clauses_file(&self) -> String {
        let mut page = Page::default();
        page.lines(&[
            "# Every clause of the statute, in its order: what it demands in our words (no translation), and what answers it.",
            "#",
            "#   gist         what it demands, in a sentence of your own, in English; the statute's text is not copied",
            "#   behaviours   what the engine does for it (`andmekogu conformance` prints what there is)",
            "#   reason       why no software does it, or not all of it: it binds people, or only states a fact",
            "#   pending      what of it is NOT done yet; never counted as done",
        ]);
        for row in &self.clauses {
            if let Some(heading) = &row.heading {
                page.rule(heading);
            } else {
                page.line("");
            }
            page.line("[[clause]]");
            page.key("id", &row.clause);
            page.key("gist", BLANK);
            page.key("pending", "Not compared yet with what the engine does.");
        }
        page.0
    }

    fn documents_file(&self) -> String {
        let mut page = Page::default();
        page.line("# Kinds of base documents: on what entries rest.");
        for document in &self.documents {
            self.stated(&mut page, "document_kind", document);
        }
        page.0
    }

    fn record_file(&self, record: &Record) -> String {
        let mut page = Page::default();
        page.line(format_args!("# {}: what the register holds of it, point by point.", record.clause));
        page.lines(&[
            "# Types are guesses by the words of the points. A point that names several things is divided into fields, each",
            "# with its own words, or kept whole as a group.",
            "",
        ]);
        page.key("name", &record.name);
        page.line(format_args!("label = {}", self.said(&record.label)));
        page.key("clause", &record.clause);
        if !record.repeated_in.is_empty() {
            page.list("repeated_in", &record.repeated_in);
        }
        page.list("purposes", &self.purposes.iter().map(|purpose| purpose.name.clone()).collect::<Vec<_>>());
        let title = title(&record.fields);
        page.list("title", &title);
        page.line("# A guess: all kinds. Strike out those on which nothing of this is entered.");
        page.list("base_documents", &self.documents.iter().map(|kind| kind.name.clone()).collect::<Vec<_>>());
        let subject = record.fields.iter().find(|field| is_own_code(field));
        if let Some(subject) = subject {
            page.line("\n[subject]");
            page.key("personal_code", &subject.name);
        }
        self.section(&mut page);
        for field in &record.fields {
            self.field(&mut page, field, &record.retention, title.contains(&field.name));
        }
        page.0
    }

    fn section(&self, page: &mut Page) {
        page.line("\n# What a role may be given of the register. Divide it where roles see different parts.");
        page.line("[[section]]\nname = \"data\"");
        page.line(format_args!("label = {}", self.ours("andmed", "data", "tiedot", "uppgifter")));
    }

    fn field(&self, page: &mut Page, field: &Proposed, retention: &str, in_title: bool) {
        page.line("\n[[field]]");
        page.key("name", &field.name);
        let why = if field.several { "a guess; the point names several things" } else { "a guess, by the words" };
        page.line(format_args!("type = \"{}\" # {why}", word(&field.kind)));
        page.line(format_args!("label = {}", self.said(&field.label)));
        page.key("clause", &field.clause);
        if !field.repeated_in.is_empty() {
            page.list("repeated_in", &field.repeated_in);
        }
        page.key("section", "data");
        page.key("retention", retention);
        if field.kind == FieldType::PersonalCode {
            page.line("index = \"code\"");
        } else if in_title && field.kind == FieldType::Text {
            page.line("index = \"name\"");
        }
    }

    fn institution_file(&self) -> String {
        let mut page = Page::default();
        let clause = &self.rules.controller;
        page.lines(&[
            "# Who holds the records. The text has no list of data for it: a technical record without personal data.",
            "",
        ]);
        page.key("name", INSTITUTION);
        page.line(format_args!("label = {}", self.ours("asutus", "institution", "laitos", "inrättning")));
        page.key("clause", clause);
        page.list("title", &["institution_name".to_owned()]);
        page.list("base_documents", &self.documents.iter().map(|kind| kind.name.clone()).collect::<Vec<_>>());
        self.section(&mut page);
        page.line("\n[[field]]\nname = \"institution_name\"\ntype = \"text\"");
        let label = self.ours("asutuse nimetus", "name of the institution", "laitoksen nimi", "inrättningens namn");
        page.line(format_args!("label = {label}"));
        page.key("clause", clause);
        let basis = match self.language {
            Language::Et => "tehniline tunnus, ei kuulu andmete koosseisu",
            Language::En => "a technical identifier, no part of the data content",
            Language::Fi => "tekninen tunniste, ei kuulu tietosisältöön",
            Language::Sv => "teknisk uppgift, hör inte till datainnehållet",
        };
        page.key("basis", basis);
        page.key("section", "data");
        page.key("retention", self.retention.first().map_or("kept", |rule| &rule.name));
        page.line("required = true\nindex = \"name\"");
        page.0
    }

    /// Policies with which the register can begin: the controller appoints, those who enter data see and enter within
    /// their scope, people see their own.
    fn policies(&self) -> String {
        let rules = &self.rules;
        let mut page = Page::default();
        page.lines(&[
            "// Who may do what in the register. The clause of the deciding policy is shown with the answer and written into the",
            "// log. What no policy permits stays closed. Beyond these the engine never lets anybody act outside the scope and the",
            "// sections of a grant, nor grant to themselves. A beginning: read the statute's rules of access, and add what they give.",
        ]);
        let everybody = "[Action::\"view\", Action::\"enter\"]";
        let documents = "[Action::\"document.add\", Action::\"document.read\"]";
        let own = "[Action::\"record.read\", Action::\"record.history\"]";
        let terms = "[Action::\"retention.read\", Action::\"retention.propose\", Action::\"retention.approve\", \
                     Action::\"retention.execute\", Action::\"hold.set\", Action::\"register.close\"]";
        let is_controller = "resource == Role::\"controller\"";
        for (id, clause, says, who, action, resource, condition) in [
            (
                "entering",
                &rules.entering,
                "Those who enter data see and enter them, within their right.",
                "data_entry",
                format!("action in {everybody}"),
                "resource is Section",
                "when { context.in_scope && context.covered }",
            ),
            (
                "entering-documents",
                &rules.documents,
                "Whoever enters data adds and reads what the entries rest on.",
                "data_entry",
                format!("action in {documents}"),
                "resource is Register",
                "when { context.in_scope }",
            ),
            (
                "controller-appoints",
                &rules.controller,
                "The controller gives and ends rights.",
                "controller",
                "action in Action::\"administer\"".to_owned(),
                "resource",
                "when { context.in_scope && !context.to_self }",
            ),
            (
                "controller-oversees",
                &rules.controller,
                "The controller sees who holds rights, who saw what, and the jobs.",
                "controller",
                "action in Action::\"oversee\"".to_owned(),
                "resource",
                "when { context.in_scope }",
            ),
            (
                "controller-keeps-the-terms",
                &rules.controller,
                "The controller reviews what falls due, approves what another proposed, and closes the register.",
                "controller",
                format!("action in {terms}"),
                "resource",
                "when { context.in_scope }",
            ),
            (
                "own-data",
                &rules.access,
                "People see what the register holds about them.",
                "data_subject",
                format!("action in {own}"),
                "resource",
                "when { context.about_self }",
            ),
            (
                "installation-appoints-the-first",
                &rules.controller,
                "At installation the controller is appointed.",
                "installation",
                "action == Action::\"grant.issue\"".to_owned(),
                is_controller,
                "",
            ),
            (
                "installation-sees-the-jobs",
                &rules.controller,
                "On the command line of the installation one sees which jobs ran when and how they ended.",
                "installation",
                "action == Action::\"job.list\"".to_owned(),
                "resource",
                "",
            ),
            (
                "installation-proposes-what-is-due",
                &rules.controller,
                "A job of the installation proposes what has fallen due; people review and approve it.",
                "installation",
                "action in [Action::\"retention.read\", Action::\"retention.propose\"]".to_owned(),
                "resource",
                "",
            ),
        ] {
            let condition = if condition.is_empty() { String::new() } else { format!(" {condition}") };
            page.line(format_args!(
                "\n@id(\"{id}\")\n@clause(\"{clause}\")\n@says(\"{says}\")\npermit (\n    principal in Role::\"{who}\",\n    \
                 {action},\n    {resource}\n){condition};"
            ));
        }
        page.0
    }
}

fn codelists_file() -> String {
    "# Code lists: one for each field whose values are chosen from a list. A field with one has `type = \"code\"` and\n\
     # `codelist`. The text gives none.\n"
        .to_owned()
}

/// Whether a field is the personal code of the person that the record is about.
fn is_own_code(field: &Proposed) -> bool {
    field.kind == FieldType::PersonalCode && field.label == "isikukood"
}

/// The fields by which people call a record: names, else the first text, else the first field.
fn title(fields: &[Proposed]) -> Vec<String> {
    let names: Vec<String> = fields
        .iter()
        .filter(|field| field.kind == FieldType::Text)
        .filter(|field| ["eesnimi", "perekonnanimi", "ees- ja perekonnanimi", "nimi"].contains(&field.label.as_str()))
        .map(|field| field.name.clone())
        .collect();
    if !names.is_empty() {
        return names;
    }
    let named = fields.iter().find(|field| field.kind == FieldType::Text && field.label.ends_with("nimetus"));
    let text = || fields.iter().find(|field| field.kind == FieldType::Text);
    let chosen = named.or_else(text).or_else(|| fields.first());
    chosen.map(|field| field.name.clone()).into_iter().collect()
}
