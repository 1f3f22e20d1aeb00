//! Two people change one record: field by field what was there, what the other made of it, and what stands in the form.

use actix_web::http::StatusCode;
use askama::Template;
use serde_json::{Map, Value};

use super::{Entered, Work, Wrong};
use crate::web::ui::form::read::entered_part;
use crate::web::ui::form::typed;
use crate::web::ui::form::value::Show;
use crate::web::ui::{Frame, Posted, Said, Shown, html_as};

/// A field that both changed.
struct Clash {
    name: String,
    label: Said,
    clause: Option<String>,
    before: Vec<String>,
    theirs: Vec<String>,
    mine: Vec<String>,
}

#[derive(Template)]
#[template(path = "ui/entering/conflict.html")]
struct ConflictPage {
    f: Frame,
    title: String,
    action: String,
    hidden: Vec<(String, String)>,
    clashes: Vec<Clash>,
    /// What the other changed that the form does not touch.
    others: Vec<Clash>,
}

impl Work {
    /// The page on which a choice is made; where the other already did what was asked, there is nothing left to do.
    pub(super) async fn conflict(self, entered: Entered) -> Shown {
        let view = self.view(self.on(&entered)).await?;
        let theirs = entered_part(&self.kind.fields, &view.data);
        let (was, mine) = (entered.was(), self.mine(&entered));
        let references = self.references(&entered).await?;
        let t = &self.visit.t;
        let show = Show { definition: &self.register.definition, t, references: &references };
        let (mut clashes, mut others, mut open) = (Vec::new(), Vec::new(), false);
        for field in &self.kind.fields {
            let [before, theirs, mine] =
                [&was, &theirs, &mine].map(|data| data.get(&field.name).unwrap_or(&Value::Null));
            let (changed, touched) = (theirs != before, mine != before);
            open |= touched && mine != theirs;
            if !changed || mine == theirs {
                continue;
            }
            let list = if touched { &mut clashes } else { &mut others };
            list.push(Clash {
                name: field.name.clone(),
                label: t.label(&field.label),
                clause: field.clause.as_ref().map(ToString::to_string),
                before: show.lines(field, before),
                theirs: show.lines(field, theirs),
                mine: show.lines(field, mine),
            });
        }
        if !open {
            self.state.app.drop_draft(self.visit.cx(), self.name(), self.key()).await?;
            return self.visit.done(&self.place(None), "record-changed");
        }
        let title = t.say("entering-conflict");
        let page = ConflictPage {
            f: self.frame_of(&title, &entered),
            action: self.action_of(),
            hidden: entered.pairs(),
            clashes,
            others,
            title,
        };
        html_as(StatusCode::PRECONDITION_FAILED, &page)
    }

    /// The form filled from what is there now, with what was chosen.
    pub(super) async fn resolve(self, mut entered: Entered, posted: &Posted) -> Shown {
        let view = self.view(self.on(&entered)).await?;
        let theirs = entered_part(&self.kind.fields, &view.data);
        let (was, mine) = (entered.was(), self.mine(&entered));
        let mut wanted = Map::new();
        for field in &self.kind.fields {
            let [before, theirs, mine] =
                [&was, &theirs, &mine].map(|data| data.get(&field.name).unwrap_or(&Value::Null));
            let pick = posted.form.text(&format!("pick:{}", field.name));
            let keep = mine != before && (theirs == before || pick != Some("theirs"));
            wanted.insert(field.name.clone(), if keep { mine.clone() } else { theirs.clone() });
        }
        let fields = self.fields(&entered);
        entered.parts = typed::from_state(self.writing(), &fields, &Value::Object(wanted));
        entered.set("was", theirs.to_string());
        entered.set("version", view.version.to_string());
        let reading = self.read(&entered);
        let wrong = self.check(&entered, &reading);
        if wrong.any() {
            return self.edit(entered, wrong).await;
        }
        if self.differences(&entered, &reading).is_empty() {
            return self.visit.done(&self.place(None), "record-changed");
        }
        let references = self.references(&entered).await?;
        self.show_answers(entered, &reading, Wrong::default().fields, &references).await
    }

    /// The state as the form would have it.
    fn mine(&self, entered: &Entered) -> Value {
        let mut data = entered.was();
        crate::domain::record::merge::merge(&mut data, &self.read(entered).data);
        entered_part(&self.kind.fields, &data)
    }
}
