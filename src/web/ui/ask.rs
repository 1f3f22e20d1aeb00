//! Forms of acts, other than those made of the fields of a record: what is asked, what was answered, and a last look at
//! it before it is sent.

use actix_web::http::StatusCode;
use askama::Template;

use super::frame::{Fault, Frame};
use super::say::{Said, T};
use super::visit::Form;
use super::{Shown, html, html_as};
use crate::domain::statute::Clause;
use crate::web::problem::{Kind, Problem};

/// What a fault is called here, by its code.
const FAULTS: &[(&str, &str)] = &[
    ("outside_contract", "ask-fault-outside-contract"),
    ("implicit", "ask-fault-implicit"),
    ("ground", "ask-fault-ground"),
    ("future", "ask-fault-future"),
    ("withheld", "ask-fault-withheld"),
    ("aggregates_only", "ask-fault-aggregates-only"),
    ("forces_refusal", "ask-fault-forces-refusal"),
    ("other_ground", "ask-fault-other-ground"),
    ("not_partial", "ask-fault-not-partial"),
    ("partial", "ask-fault-partial"),
    ("not_granted", "ask-fault-not-granted"),
    ("no_address", "ask-fault-no-address"),
    ("not_found", "ask-fault-not-found"),
    ("too_many_records", "ask-fault-too-many-records"),
    ("does_not_fit", "ask-fault-does-not-fit"),
    ("already_decided", "ask-fault-already-decided"),
    ("already_extended", "ask-fault-already-extended"),
    ("too_late", "ask-fault-too-late"),
    ("not_ready", "ask-fault-not-ready"),
    ("case_over", "ask-fault-case-over"),
    ("not_own", "own-data-fault-not-own"),
    ("not_yours", "own-data-fault-not-yours"),
    ("not_minor", "own-data-fault-not-minor"),
    ("no_guardians", "own-data-fault-no-guardians"),
    ("identity_not_proved", "own-data-fault-identity"),
    ("identity_proved", "own-data-fault-proved"),
    ("guardian_not_shown", "own-data-fault-guardian"),
    ("clock_stands", "own-data-clock-stands"),
    ("already_revoked", "ask-fault-already-revoked"),
    ("outdated", "ask-fault-outdated"),
    ("another_digest", "ask-fault-another-digest"),
];

/// One of several answers.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// What is sent.
    pub value: String,
    /// What people read.
    pub text: Said,
    /// What else is to be known of it.
    pub note: String,
    /// Clause.
    pub clause: Option<String>,
    /// Whether it is chosen.
    pub chosen: bool,
    /// Whether it cannot be chosen; its clause says why.
    pub barred: bool,
    /// Under which heading it stands, where that is another one than of the one before.
    pub heading: Option<Said>,
}

impl Choice {
    /// An answer.
    pub fn new(value: impl Into<String>, text: Said) -> Self {
        Self { value: value.into(), text, ..Self::default() }
    }

    /// With its clause.
    #[must_use]
    pub fn clause(mut self, clause: &Clause) -> Self {
        self.clause = Some(clause.0.clone());
        self
    }
}

/// Something that is asked.
#[derive(Debug, Clone, Default)]
pub struct Field {
    /// `line`, `short`, `area`, `select`, `radio`, `check` or `file`.
    pub kind: &'static str,
    /// Id and name.
    pub id: String,
    /// The question.
    pub label: Said,
    /// How to answer.
    pub hint: String,
    /// Clause that asks.
    pub clause: Option<String>,
    /// The answer.
    pub value: String,
    /// The answers to choose from.
    pub choices: Vec<Choice>,
    /// What is wrong with the answer.
    pub faults: Vec<String>,
    /// Whether it stands closed until it is opened.
    pub folded: bool,
}

impl Field {
    /// With words on how to answer.
    #[must_use]
    pub fn hint(mut self, text: String) -> Self {
        self.hint = text;
        self
    }

    /// With the clause that asks.
    #[must_use]
    pub fn clause(mut self, clause: Option<&Clause>) -> Self {
        self.clause = clause.map(|c| c.0.clone());
        self
    }

    /// Closed, unless something in it is chosen or wrong.
    #[must_use]
    pub fn folded(mut self) -> Self {
        self.folded = self.faults.is_empty() && !self.choices.iter().any(|c| c.chosen);
        self
    }

    /// What describes it to a screen reader.
    pub fn described(&self) -> String {
        let hint = (!self.hint.is_empty()).then(|| format!("{}-hint", self.id));
        let fault = (!self.faults.is_empty()).then(|| format!("{}-fault", self.id));
        hint.into_iter().chain(fault).collect::<Vec<_>>().join(" ")
    }
}

/// Makes the questions of one form, with what was answered and what is wrong.
#[derive(Clone, Copy)]
pub struct Asking<'a> {
    /// Texts.
    pub t: T,
    /// What was answered.
    pub form: &'a Form,
    /// What is wrong.
    pub faults: &'a [Fault],
}

impl Asking<'_> {
    fn field(&self, kind: &'static str, id: &str, label: Said) -> Field {
        Field {
            kind,
            id: id.to_owned(),
            label,
            value: self.form.value(id).to_owned(),
            faults: self.faults.iter().filter(|f| f.id == id).map(|f| f.text.clone()).collect(),
            ..Field::default()
        }
    }

    /// The text `key` as a question.
    pub fn said(&self, key: &str) -> Said {
        Said { text: self.t.say(key), lang: None }
    }

    /// A line of text.
    pub fn line(&self, id: &str, label: Said) -> Field {
        self.field("line", id, label)
    }

    /// A short line: a day, a code.
    pub fn short(&self, id: &str, label: Said) -> Field {
        self.field("short", id, label)
    }

    /// Text of several lines.
    pub fn area(&self, id: &str, label: Said) -> Field {
        self.field("area", id, label)
    }

    /// A file.
    pub fn file(&self, id: &str, label: Said) -> Field {
        self.field("file", id, label)
    }

    fn chosen(&self, kind: &'static str, id: &str, label: Said, choices: Vec<Choice>) -> Field {
        let mut field = self.field(kind, id, label);
        let answers: Vec<&str> = self.form.all(id).collect();
        field.choices = choices;
        for choice in field.choices.iter_mut().filter(|c| !c.barred) {
            choice.chosen = answers.contains(&choice.value.as_str());
        }
        field
    }

    /// One of many.
    pub fn select(&self, id: &str, label: Said, choices: Vec<Choice>) -> Field {
        self.chosen("select", id, label, choices)
    }

    /// One of few.
    pub fn radios(&self, id: &str, label: Said, choices: Vec<Choice>) -> Field {
        self.chosen("radio", id, label, choices)
    }

    /// Several.
    pub fn checks(&self, id: &str, label: Said, choices: Vec<Choice>) -> Field {
        self.chosen("check", id, label, choices)
    }
}

/// A line of what is known: name, value, clause.
#[derive(Debug, Clone)]
pub struct Row {
    /// Name.
    pub name: Said,
    /// Value.
    pub value: Said,
    /// Clause.
    pub clause: Option<String>,
    /// Where the value leads.
    pub href: Option<String>,
}

impl Row {
    /// A line.
    pub fn new(name: impl Into<Named>, value: impl Into<Named>) -> Self {
        Self { name: name.into().0, value: value.into().0, clause: None, href: None }
    }

    /// With its clause.
    #[must_use]
    pub fn clause(mut self, clause: Option<&Clause>) -> Self {
        self.clause = clause.map(|c| c.0.clone());
        self
    }

    /// With where it leads.
    #[must_use]
    pub fn to(mut self, href: String) -> Self {
        self.href = Some(href);
        self
    }
}

/// What can stand in a line: a text of the page's language, or one of another.
pub struct Named(Said);

impl From<String> for Named {
    fn from(text: String) -> Self {
        Self(Said { text, lang: None })
    }
}

impl From<Said> for Named {
    fn from(said: Said) -> Self {
        Self(said)
    }
}

/// A page that asks.
#[derive(Template)]
#[template(path = "ui/ask/form.html")]
pub struct FormPage {
    /// Frame.
    pub f: Frame,
    /// What it is about, beside the title.
    pub intro: String,
    /// Clause.
    pub clause: Option<String>,
    /// What is known already.
    pub rows: Vec<Row>,
    /// What is wrong.
    pub faults: Vec<Fault>,
    /// What is asked.
    pub fields: Vec<Field>,
    /// What goes with it unseen.
    pub hidden: Vec<(String, String)>,
    /// Where it goes.
    pub action: String,
    /// The button.
    pub button: String,
    /// Whether there is a last look before it is done.
    pub checks: bool,
    /// Whether a file goes with it.
    pub files: bool,
    /// Where one goes who does not want to.
    pub back: String,
}

impl FormPage {
    /// The page, with the status that fits it.
    ///
    /// # Errors
    /// When the template fails.
    pub fn shown(mut self) -> Shown {
        if self.faults.is_empty() {
            return html(&self);
        }
        self.f = self.f.faulty();
        self.faults = naming(self.faults, &self.fields);
        html_as(StatusCode::UNPROCESSABLE_ENTITY, &self)
    }
}

/// The faults as their summary tells them: each says which question it is about.
pub fn naming(mut faults: Vec<Fault>, fields: &[Field]) -> Vec<Fault> {
    for fault in &mut faults {
        let asked = fields.iter().find(|field| field.id == fault.id).map(|field| &field.label.text);
        if let Some(label) = asked.filter(|label| !label.is_empty() && !fault.text.contains(label.as_str())) {
            fault.text = format!("{label}: {}", fault.text);
        }
    }
    faults
}

/// The last look before something is done.
#[derive(Template)]
#[template(path = "ui/ask/check.html")]
pub struct CheckPage {
    /// Frame.
    pub f: Frame,
    /// What will come of it.
    pub intro: String,
    /// What will be done.
    pub rows: Vec<Row>,
    /// What was answered, to be sent again.
    pub hidden: Vec<(String, String)>,
    /// Where it goes.
    pub action: String,
    /// The button.
    pub button: String,
}

/// What was answered, as it goes with the last look.
pub fn carried(form: &Form) -> Vec<(String, String)> {
    form.pairs.iter().filter(|(n, _)| !["csrf", "once", "step"].contains(&n.as_str())).cloned().collect()
}

/// The field of a JSON Pointer: `/basis/kind` is `basis_kind`, an item of a list is the list.
pub fn id_of(pointer: &str) -> String {
    let parts = pointer.split('/').filter(|p| !p.is_empty() && !p.bytes().all(|b| b.is_ascii_digit()));
    parts.collect::<Vec<_>>().join("_")
}

/// A fault about the field `id`.
pub fn fault(t: T, id: &str, key: &str, clause: Option<&Clause>) -> Fault {
    Fault { id: id.to_owned(), text: t.say(key), clause: clause.cloned() }
}

fn text_of(t: T, code: &str, detail: &str) -> String {
    let own = FAULTS.iter().find(|(c, _)| *c == code).map(|(_, key)| t.say(key));
    let common = || t.say_if(&format!("frame-fault-{}", code.replace('_', "-")));
    own.or_else(common).unwrap_or_else(|| detail.to_owned())
}

/// The faults for which a form is shown again, each at its field (`known`) or at none.
///
/// # Errors
/// The problem itself where it is not about what was answered.
pub fn faults(t: T, problem: Problem, known: &[&str]) -> Result<Vec<Fault>, Problem> {
    if !matches!(problem.kind, Kind::Invalid | Kind::Conflict) {
        return Err(problem);
    }
    if problem.errors.is_empty() {
        let text = problem.code.map_or_else(|| problem.detail.clone(), |code| text_of(t, code, &problem.detail));
        return Ok(vec![Fault { id: String::new(), text, clause: problem.clause }]);
    }
    let at = |pointer: &str| {
        let id = id_of(pointer);
        if known.contains(&id.as_str()) || id.starts_with("answers_") || id.starts_with("filter_") {
            id
        } else {
            String::new()
        }
    };
    let mut faults: Vec<Fault> = Vec::new();
    for e in &problem.errors {
        let fault = Fault { id: at(&e.pointer), text: text_of(t, e.code, &e.detail), clause: e.clause.clone() };
        if !faults.iter().any(|f| f.id == fault.id && f.text == fault.text) {
            faults.push(fault);
        }
    }
    Ok(faults)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_leads_to_the_field_that_asked() {
        assert_eq!(id_of("/basis/kind"), "basis_kind");
        assert_eq!(id_of("/fields/12"), "fields");
        assert_eq!(id_of("/answers/harm_possible/because"), "answers_harm_possible_because");
    }
}
