//! The base document of an entry: one that is there already, or a new one that is entered with it.

use uuid::Uuid;

use super::{Entered, Work, Wrong};
use crate::app::documents::Incoming;
use crate::store::acts::documents::DocumentData;
use crate::web::problem::{Kind, Problem};
use crate::web::ui::Posted;
use crate::web::ui::frame::Fault;

impl Work {
    /// Whether an entry of this type rests on a document.
    pub(super) fn needs_document(&self) -> bool {
        !self.kind.base_documents.is_empty()
    }

    /// Where only one kind of document will do, it is chosen.
    pub(super) fn preset_document(&self, entered: &mut Entered) {
        if let [only] = self.kind.base_documents.as_slice() {
            entered.set("doc-kind", only.clone());
        }
    }

    /// What is missing of the document.
    pub(super) fn check_document(&self, entered: &Entered, faults: &mut Vec<Fault>) {
        if !self.needs_document() || !entered.get("doc").is_empty() {
            return;
        }
        let kind = self.register.definition.document_kinds.iter().find(|k| k.name == entered.get("doc-kind"));
        if kind.is_none() {
            faults.push(self.fault("doc-kind", "required"));
        }
        if self.writing().day(entered.get("doc-date")).is_none() {
            faults.push(self.fault("doc-date", "required"));
        }
        if kind.is_some_and(|kind| kind.needs_explanation) && entered.get("doc-explanation").is_empty() {
            faults.push(self.fault("doc-explanation", "required"));
        }
    }

    /// The document on which the entry rests; a new one is entered first. Sent twice, it is entered once.
    pub(super) async fn document(&self, entered: &Entered, posted: &Posted) -> Result<Option<Uuid>, Problem> {
        if !self.needs_document() {
            return Ok(None);
        }
        if let Some(id) = entered.id("doc") {
            return Ok(Some(id));
        }
        let text = |name: &str| Some(entered.get(name).to_owned()).filter(|text| !text.is_empty());
        let data = DocumentData {
            kind: entered.get("doc-kind").to_owned(),
            number: text("doc-number"),
            date: self.writing().day(entered.get("doc-date")),
            issuer: text("doc-issuer"),
            title: text("doc-title"),
            reference: None,
            explanation: text("doc-explanation"),
            valid_until: None,
            institution_id: entered.id("institution"),
        };
        let file = posted.form.file("doc-file").map(|file| Incoming {
            name: file.name.clone(),
            claimed: file.claimed.clone(),
            bytes: file.bytes.clone(),
        });
        let mut cx = posted.cx(&self.state);
        if let Some(once) = &mut cx.idempotency {
            once.key.push_str(":document");
        }
        cx.if_match = None;
        let added = self.state.app.add_document(cx, self.name(), data, file).await?;
        Ok(Some(added.get().id))
    }

    /// What the act found wrong with the document, at the controls that it is about.
    pub(super) fn of_document(&self, problem: Problem) -> Result<Wrong, Problem> {
        if !matches!(problem.kind, Kind::Invalid | Kind::WrongType | Kind::TooLarge) {
            return self.found(problem);
        }
        let mut own: Vec<Fault> = problem
            .errors
            .iter()
            .map(|violation| {
                let id = format!("doc-{}", violation.pointer.split('/').nth(1).unwrap_or("kind"));
                let fault = self.fault(&id, violation.code);
                Fault { clause: violation.clause.clone().or(fault.clause), ..fault }
            })
            .collect();
        if own.is_empty() {
            let text = self.visit.t.say("entering-fault-file");
            own.push(Fault { id: "doc-file".into(), text, clause: problem.clause });
        }
        Ok(Wrong { own, ..Wrong::default() })
    }
}
