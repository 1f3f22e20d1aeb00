//! The pages of a piece of work: the form, the answers before they are saved, what was saved with a warning, and the
//! choice of the entry that was wrong.

use std::collections::BTreeSet;

use actix_web::http::StatusCode;
use askama::Template;
use serde_json::Value;

use super::{Act, Entered, Work, Wrong};
use crate::domain::record::validate::Violation;
use crate::domain::statute::definition::Field;
use crate::store::read::records::EntryView;
use crate::web::problem::Problem;
use crate::web::ui::form::fault::{field_at, message};
use crate::web::ui::form::model::{CodeTold, Form, Making, Node, Opt, References, Widget};
use crate::web::ui::form::read::Reading;
use crate::web::ui::form::value::Show;
use crate::web::ui::frame::Fault;
use crate::web::ui::{Frame, Said, Shown, html, html_as};

/// What the form is shown with besides what stands in it.
#[derive(Default)]
pub(super) struct Beside {
    /// Records that references may name.
    pub references: References,
    /// What was told of a personal code.
    pub told: Option<CodeTold>,
    /// When the draft was kept that could be gone on with.
    pub draft: Option<String>,
}

/// A control of the form that is no field: its value.
struct Line {
    id: &'static str,
    label: String,
    value: String,
    date: bool,
}

#[derive(Template)]
#[template(path = "ui/entering/edit.html")]
struct EditPage {
    f: Frame,
    title: String,
    about: String,
    form: Form,
    errors: Vec<Fault>,
    action: String,
    /// Where drafts are kept.
    drafts: String,
    /// Where a personal code is asked about.
    check: String,
    hidden: Vec<(String, String)>,
    /// Whether files can be sent.
    files: bool,
    on_label: String,
    on: String,
    /// Institutions to choose from; nothing where that is settled.
    institutions: Option<Vec<Opt>>,
    /// The only institution, or the chosen one.
    institution: Option<String>,
    /// What is handed over with a move.
    handed: Vec<Answer>,
    /// Where an offer is declined.
    decline: Option<String>,
    reason: Option<String>,
    grounds: Option<(Said, Vec<Opt>)>,
    document: Option<Document>,
    explanation: String,
    /// Whether only what is needed is shown.
    short: bool,
    draft: Option<String>,
    cancel: String,
}

/// The part of the form about the base document.
struct Document {
    clause: String,
    /// What the document is called that is there already.
    chosen: Option<String>,
    kinds: Vec<Opt>,
    lines: Vec<Line>,
    explains: Vec<Said>,
}

impl EditPage {
    /// The fault of a control, at the control.
    fn fault(&self, id: &str) -> Option<&Fault> {
        self.errors.iter().find(|fault| fault.id == id)
    }
}

/// One line of the page of answers.
struct Answer {
    label: Said,
    clause: Option<String>,
    before: Vec<String>,
    after: Vec<String>,
}

#[derive(Template)]
#[template(path = "ui/entering/answers.html")]
struct AnswersPage {
    f: Frame,
    title: String,
    action: String,
    drafts: String,
    hidden: Vec<(String, String)>,
    /// Whether there is something before.
    changes: bool,
    facts: Vec<(String, String)>,
    sections: Vec<(Said, Vec<Answer>)>,
    warnings: Vec<Fault>,
    document: Option<(String, String)>,
    next: bool,
    save: String,
}

#[derive(Template)]
#[template(path = "ui/entering/saved.html")]
struct SavedPage {
    f: Frame,
    title: String,
    warnings: Vec<Fault>,
    to: String,
}

/// An entry that may have been wrong.
struct EntryLine {
    id: String,
    number: i64,
    what: String,
    on: String,
    made: String,
    fields: String,
    corrected: bool,
}

#[derive(Template)]
#[template(path = "ui/entering/entries.html")]
struct EntriesPage {
    f: Frame,
    title: String,
    entries: Vec<EntryLine>,
    action: String,
    clause: String,
}

#[derive(Template)]
#[template(path = "ui/entering/code.html")]
struct CodePage {
    f: Frame,
    id: String,
    told: CodeTold,
}

impl Work {
    fn heading(&self, entered: &Entered) -> String {
        let t = &self.visit.t;
        let kind = t.label(&self.kind.label).text;
        let name = entered.get("heading");
        match self.act {
            Act::New => t.say_with("entering-new", &[("type", &kind)]),
            Act::Change => t.say_with("entering-change", &[("name", name)]),
            Act::Correct => t.say_with("entering-correct", &[("name", name)]),
            Act::End => t.say_with("entering-end", &[("name", name)]),
            Act::Move | Act::Accept => {
                let how = self.how.as_ref().map(|how| t.label(&how.label).text).unwrap_or_default();
                t.say_with("entering-move", &[("move", &how), ("name", name)])
            }
        }
    }

    pub(super) fn frame_of(&self, title: &str, entered: &Entered) -> Frame {
        let list = format!("/r/{}/records/{}", self.register.name(), self.of);
        let frame = self.visit.frame(&self.state, title);
        if self.act == Act::Accept {
            return frame.crumb(self.visit.t.say("entering-moves"), &format!("/r/{}/moves", self.register.name()));
        }
        let kind = self.register.record_type(&self.of).unwrap_or(&self.kind);
        let frame = frame.crumb(self.visit.t.label(&kind.label).text, &list);
        match self.id {
            Some(id) if !entered.get("heading").is_empty() => {
                frame.crumb(entered.get("heading"), &format!("{list}/{id}"))
            }
            _ => frame,
        }
    }

    pub(super) fn action_of(&self) -> String {
        self.visit.href(&format!("/r/{}/{}", self.register.name(), self.key()))
    }

    fn drafts(&self) -> String {
        let key = crate::web::context::percent_encoded(&self.key());
        self.visit.href(&format!("/r/{}/drafts?form={key}", self.register.name()))
    }

    /// The form, with what is wrong.
    pub(super) async fn edit(self, entered: Entered, wrong: Wrong) -> Shown {
        let references = self.references(&entered).await?;
        self.show(entered, wrong, Beside { references, ..Beside::default() }).await
    }

    /// The form.
    pub(super) async fn show(self, entered: Entered, wrong: Wrong, beside: Beside) -> Shown {
        let t = &self.visit.t;
        let institution = entered.id("institution");
        let action = self.act.action();
        let record = self.id.filter(|_| !self.act.makes());
        let writable = self.state.app.writable_sections(
            self.visit.cx(),
            self.name(),
            self.kind.name.clone(),
            action,
            record,
            institution,
        );
        let writable = writable.await?;
        if writable.is_empty() && self.act != Act::Move && (record.is_some() || institution.is_some()) {
            return Err(self.forbidden());
        }
        // Before the institution is chosen nobody can say what may be entered in it.
        let every: BTreeSet<String> = self.kind.sections.iter().map(|s| s.name.clone()).collect();
        let writable = if writable.is_empty() && self.act != Act::Move { every } else { writable };
        let reading = self.read(&entered);
        let state = self.state_of(&entered, &reading);
        let (shows, received) = (entered.shows(), entered.received());
        let making = Making {
            register: &self.register,
            kind: &self.kind,
            t,
            writing: self.writing(),
            on: self.on(&entered).unwrap_or_else(|| self.today()),
            shows: &shows,
            writable: &writable,
            received: &received,
            references: &beside.references,
            state: &state,
            told: beside.told.as_ref(),
            faults: &wrong.fields,
        };
        let form = Form::of(making, &entered.parts);
        let title = self.heading(&entered);
        // In the order of the page: the document comes last.
        let (last, first): (Vec<Fault>, Vec<Fault>) =
            wrong.own.iter().cloned().partition(|fault| fault.id.starts_with("doc-"));
        let errors: Vec<Fault> = first.into_iter().chain(form.errors.iter().cloned()).chain(last).collect();
        let mut f = self.frame_of(&title, &entered);
        f.fault = !errors.is_empty();
        let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
        let institutions = self.institution_choice(&entered, &beside.references);
        let kind = &self.register.definition.register.institutions.record_type;
        let chosen = institution.and_then(|id| beside.references.title(kind, &id.to_string()).map(str::to_owned));
        let own = ["on", "reason", "ground"];
        let settled = institutions.is_none();
        let shown = |name: &str| own.contains(&name) || name.starts_with("doc-") || name == "institution" && !settled;
        let page = EditPage {
            about: match self.act {
                Act::New => t.say("entering-about-new"),
                Act::Change => t.say("entering-about-change"),
                Act::Correct => t.say("entering-about-correct"),
                Act::End => t.say("entering-about-end"),
                Act::Move => t.say("entering-about-move"),
                Act::Accept => t.say("entering-about-accept"),
            },
            errors,
            action: self.action_of(),
            drafts: self.drafts(),
            check: self.visit.href(&format!("/r/{}/records/{}/code", self.register.name(), self.kind.name)),
            hidden: entered.meta.iter().filter(|(n, _)| !shown(n)).map(|(n, v)| (n.clone(), v.clone())).collect(),
            files: form.has_files() || (self.needs_document() && entered.get("doc").is_empty()),
            on_label: t.say(if self.act == Act::End { "entering-last-day" } else { "entering-on" }),
            on: entered.get("on").to_owned(),
            institutions,
            institution: if self.act.makes() { chosen } else { None },
            handed: self.handed(&entered, &beside.references),
            decline: (self.act == Act::Accept).then(|| {
                self.visit.href(&format!("/r/{}/moves/{}/decline", self.register.name(), self.id.unwrap_or_default()))
            }),
            reason: (self.act == Act::Correct).then(|| entered.get("reason").to_owned()),
            grounds: self.grounds(&entered),
            document: self.document_part(&entered).await?,
            explanation: entered.get("doc-explanation").to_owned(),
            short: matches!(self.act, Act::New | Act::Change) && entered.get("shows") != "all",
            draft: beside.draft,
            cancel: self.visit.href(&self.place(None)),
            form,
            title,
            f,
        };
        html_as(status, &page)
    }

    /// What is handed over to the receiver of an offer, in words.
    fn handed(&self, entered: &Entered, references: &References) -> Vec<Answer> {
        let show = Show { definition: &self.register.definition, t: &self.visit.t, references };
        let carried: Value = serde_json::from_str(entered.get("carried")).unwrap_or(Value::Null);
        let kind = self.register.record_type(&self.kind.name);
        let fields = kind.map(|k| k.fields.as_slice()).unwrap_or_default();
        let line = |field: &Field| {
            Some(Answer {
                label: self.visit.t.label(&field.label),
                clause: field.clause.as_ref().map(ToString::to_string),
                before: Vec::new(),
                after: show.lines(field, carried.get(&field.name)?),
            })
        };
        fields.iter().filter_map(line).collect()
    }

    fn forbidden(&self) -> Problem {
        let clause = self.register.definition.register.access.clause.clone();
        crate::domain::refusal::Refusal::Forbidden { clause, detail: "your rights do not cover this entry".into() }
            .into()
    }

    fn institution_choice(&self, entered: &Entered, references: &References) -> Option<Vec<Opt>> {
        let settled = match self.act {
            Act::New => self.institutions() || self.only_institution().is_some(),
            Act::Move => self.institutions(),
            Act::Change | Act::Correct | Act::End | Act::Accept => true,
        };
        if settled {
            return None;
        }
        let kind = &self.register.definition.register.institutions.record_type;
        let (list, _) = references.by_type.get(kind)?;
        let option = |choice: &crate::web::ui::form::model::Choice| Opt {
            id: format!("institution-{}", choice.id),
            value: choice.id.clone(),
            label: Said { text: choice.title.clone(), lang: None },
            chosen: choice.id == entered.get("institution"),
            ended: false,
        };
        Some(list.iter().map(option).collect())
    }

    fn grounds(&self, entered: &Entered) -> Option<(Said, Vec<Opt>)> {
        let field = self.ground_field().filter(|_| self.act == Act::End)?;
        let name = field.codelist.as_ref()?;
        let list = self.register.definition.codelists.iter().find(|l| l.name == *name)?;
        let day = self.on(entered).unwrap_or_else(|| self.today());
        let valid = list
            .codes
            .iter()
            .filter(|c| c.valid_from.is_none_or(|from| from <= day) && c.valid_until.is_none_or(|until| day <= until));
        let option = |code: &crate::domain::statute::definition::Code| Opt {
            id: format!("ground-{}", code.code),
            value: code.code.clone(),
            label: self.visit.t.label(&code.label),
            chosen: code.code == entered.get("ground"),
            ended: false,
        };
        Some((self.visit.t.label(&field.label), valid.map(option).collect()))
    }

    async fn document_part(&self, entered: &Entered) -> Result<Option<Document>, Problem> {
        if !self.needs_document() {
            return Ok(None);
        }
        let t = &self.visit.t;
        let chosen = match entered.id("doc") {
            None => None,
            Some(id) => {
                let document = self.state.app.read_document(self.visit.cx(), self.name(), id).await?;
                Some(self.document_name(&document.get().data))
            }
        };
        let kinds = self.register.definition.document_kinds.iter();
        let kinds = kinds.filter(|kind| self.kind.base_documents.contains(&kind.name));
        let explains = kinds.clone().filter(|k| k.needs_explanation).map(|k| t.label(&k.label)).collect();
        let option = |kind: &crate::domain::statute::definition::DocumentKind| Opt {
            id: format!("doc-kind-{}", kind.name),
            value: kind.name.clone(),
            label: t.label(&kind.label),
            chosen: kind.name == entered.get("doc-kind"),
            ended: false,
        };
        let line = |id: &'static str, key: &str, date: bool| Line {
            id,
            label: t.say(key),
            value: entered.get(id).to_owned(),
            date,
        };
        Ok(Some(Document {
            clause: self.register.definition.register.access.document_clause.to_string(),
            chosen,
            kinds: kinds.map(option).collect(),
            lines: vec![
                line("doc-number", "entering-doc-number", false),
                line("doc-date", "entering-doc-date", true),
                line("doc-title", "entering-doc-title", false),
                line("doc-issuer", "entering-doc-issuer", false),
            ],
            explains,
        }))
    }

    fn document_name(&self, data: &crate::store::acts::documents::DocumentData) -> String {
        let kind = self.register.definition.document_kinds.iter().find(|k| k.name == data.kind);
        let kind = kind.map_or_else(|| data.kind.clone(), |k| self.visit.t.label(&k.label).text);
        let day = data.date.map(|day| self.visit.t.day(day));
        let words = [Some(kind), data.number.clone(), day, data.title.clone()];
        words.into_iter().flatten().collect::<Vec<_>>().join(" · ")
    }

    /// What is about to be saved.
    pub(super) async fn show_answers(
        self,
        mut entered: Entered,
        reading: &Reading,
        warnings: Vec<Violation>,
        references: &References,
    ) -> Shown {
        let t = &self.visit.t;
        if let Some(day) = self.on(&entered) {
            entered.set("on", day.format("%d.%m.%Y").to_string());
        }
        let show = Show { definition: &self.register.definition, t, references };
        let differences = self.differences(&entered, reading);
        let mut sections = Vec::new();
        for section in &self.kind.sections {
            let mut answers = Vec::new();
            for difference in &differences {
                let name = difference.pointer.split('/').nth(1).unwrap_or_default();
                let Some(top) = self.kind.fields.iter().find(|f| f.name == name) else { continue };
                if top.section.as_deref() != Some(&section.name) {
                    continue;
                }
                let Some(field) = field_at(&self.kind.fields, &difference.pointer) else { continue };
                let lines = |value: &Option<Value>| value.as_ref().map(|v| show.lines(field, v)).unwrap_or_default();
                answers.push(Answer {
                    label: label(t, top, field),
                    clause: field.clause.as_ref().or(top.clause.as_ref()).map(ToString::to_string),
                    before: lines(&difference.before),
                    after: lines(&difference.after),
                });
            }
            if !answers.is_empty() {
                sections.push((t.label(&section.label), answers));
            }
        }
        let mut facts = Vec::new();
        let day = self.on(&entered).map(|day| t.weekday(day)).unwrap_or_default();
        facts.push((t.say(if self.act == Act::End { "entering-last-day" } else { "entering-on" }), day));
        let kind = &self.register.definition.register.institutions.record_type;
        if self.act.makes()
            && let Some(title) = references.title(kind, entered.get("institution"))
        {
            facts.push((t.say("entering-institution"), title.to_owned()));
        }
        if let Some((label, grounds)) = self.grounds(&entered)
            && let Some(ground) = grounds.iter().find(|ground| ground.chosen)
        {
            facts.push((label.text, ground.label.text.clone()));
        }
        if !entered.get("reason").is_empty() && self.act == Act::Correct {
            facts.push((t.say("entering-reason"), entered.get("reason").to_owned()));
        }
        let document = self.document_told(&entered).await?;
        let title = self.heading(&entered);
        let warnings = warnings
            .iter()
            .map(|v| Fault { id: String::new(), text: message(t, &self.kind.fields, v), clause: v.clause.clone() })
            .collect();
        let page = AnswersPage {
            f: self.frame_of(&title, &entered),
            action: self.action_of(),
            drafts: self.drafts(),
            hidden: entered.pairs(),
            changes: !self.act.makes(),
            facts,
            sections,
            warnings,
            document,
            next: self.act == Act::New,
            save: t.say(match self.act {
                Act::End => "entering-save-end",
                Act::Correct => "entering-save-correction",
                Act::New | Act::Change => "entering-save",
                Act::Move => "entering-save-move",
                Act::Accept => "entering-save-accept",
            }),
            title,
        };
        html(&page)
    }

    /// The document in words, with the clause that asks for one.
    async fn document_told(&self, entered: &Entered) -> Result<Option<(String, String)>, Problem> {
        let Some(part) = self.document_part(entered).await? else { return Ok(None) };
        let name = part.chosen.unwrap_or_else(|| {
            let kind = part.kinds.iter().find(|kind| kind.chosen).map(|kind| kind.label.text.clone());
            let lines = part.lines.into_iter().map(|line| line.value).filter(|value| !value.is_empty());
            kind.into_iter().chain(lines).collect::<Vec<_>>().join(" · ")
        });
        Ok(Some((name, part.clause)))
    }

    /// What was saved although something is unusual: said before the visitor goes on.
    pub(super) fn show_saved(&self, warnings: &[Violation], place: &str) -> Shown {
        let t = &self.visit.t;
        let told = |v: &Violation| {
            let kind = self.register.record_type(&self.kind.name);
            let fields = kind.map(|k| k.fields.as_slice()).unwrap_or_default();
            // What is still missing is for whoever may write it; this visitor may not.
            let missing = field_at(fields, &v.pointer).filter(|_| v.code == "required");
            let text = match missing {
                Some(field) => t.say_with("entering-still-missing", &[("field", &t.label(&field.label).text)]),
                None => message(t, fields, v),
            };
            Fault { id: String::new(), text, clause: v.clause.clone() }
        };
        let title = t.say("entering-saved");
        let page = SavedPage {
            f: self.frame_of(&title, &Entered::default()),
            warnings: warnings.iter().map(told).collect(),
            to: self.visit.href(place),
            title,
        };
        html(&page)
    }

    /// The entries of which one was wrong.
    pub(super) fn show_entries(&self, entries: &[EntryView]) -> Shown {
        let t = &self.visit.t;
        let zone = self.register.definition.register.time_zone;
        let line = |entry: &EntryView| {
            let names = entry.data.as_object().map(|m| m.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
            let labels = names.iter().filter_map(|n| self.kind.fields.iter().find(|f| f.name == *n));
            let made = chrono::DateTime::parse_from_rfc3339(&entry.recorded_at).ok();
            EntryLine {
                id: entry.id.to_string(),
                number: entry.number,
                what: t.say(&format!("entering-kind-{}", entry.kind.as_str())),
                on: entry.effective_on.parse().map(|day| t.day(day)).unwrap_or_default(),
                made: made.map(|at| t.instant(at.to_utc(), zone)).unwrap_or_default(),
                fields: labels.take(6).map(|f| t.label(&f.label).text).collect::<Vec<_>>().join(", "),
                corrected: entry.superseded_by.is_some(),
            }
        };
        let title = t.say("entering-which-entry");
        let page = EntriesPage {
            f: self.frame_of(&title, &Entered::default()),
            entries: entries.iter().rev().map(line).collect(),
            action: self.action_of(),
            clause: self.register.definition.register.access.correction_clause.to_string(),
            title,
        };
        html(&page)
    }

    /// What was told of a personal code: a part of the form.
    pub(super) fn show_told(&self, told: CodeTold) -> Shown {
        let id = crate::web::ui::form::model::id(&told.place);
        html(&CodePage { f: self.visit.frame(&self.state, ""), id, told })
    }
}

/// What a value is called: with the name of the group that it is part of.
fn label(t: &crate::web::ui::T, top: &Field, field: &Field) -> Said {
    if std::ptr::eq(top, field) {
        return t.label(&field.label);
    }
    Said { text: format!("{}: {}", t.label(&top.label).text, t.label(&field.label).text), lang: None }
}
