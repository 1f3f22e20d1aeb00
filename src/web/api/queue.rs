//! Queues: the whole in its order, and one applicant's place in words.

use actix_web::http::StatusCode;
use serde::Serialize;
use uuid::Uuid;

use super::{At, State};
use crate::domain::refusal::Refusal;
use crate::locale::{Lang, TEXTS};
use crate::store::read::queue::{QueuePlace, QueueQuery};
use crate::web::answer::{self, Answer};
use crate::web::context::Asked;
use crate::web::problem::Problem;
use crate::web::query::Query;

/// A place with its sentence.
#[derive(Serialize)]
pub struct PlaceTold<'p> {
    /// The place.
    #[serde(flatten)]
    pub place: &'p QueuePlace,
    /// The same in words, in the language of the asker.
    pub sentence: String,
}

impl<'p> PlaceTold<'p> {
    /// Tells a place in `lang`.
    pub fn new(place: &'p QueuePlace, lang: Lang) -> Self {
        let (number, of) = (place.number.to_string(), place.of.to_string());
        let mut sentence = TEXTS.text(lang, "queue-place", &[("number", &number), ("of", &of)]);
        for told in place.because.iter().filter(|told| told.ahead > 0) {
            let count = told.ahead.to_string();
            let label = told.label.in_language(lang.code());
            sentence.push(' ');
            sentence.push_str(&TEXTS.text(lang, "queue-ahead", &[("count", &count), ("label", label)]));
        }
        if place.number == 1 {
            sentence.push(' ');
            sentence.push_str(&TEXTS.text(lang, "queue-first", &[]));
        }
        Self { place, sentence }
    }
}

/// The queue for an institution.
///
/// # Errors
/// As the act.
pub async fn list(state: State, at: At<(String, String)>, asked: Asked, query: Query) -> Answer {
    let (register, kind) = at.into_inner();
    let institution_id = query.id("institution_id")?.ok_or_else(|| {
        Problem::from(Refusal::invalid("/institution_id", "required", "name the institution", None)).of_query()
    })?;
    let wanted =
        QueueQuery { institution_id, as_of: query.day("as_of")?, limit: query.limit()?, cursor: query.text("cursor") };
    let page = state.app.list_queue(asked.cx, register, kind, wanted).await;
    answer::ok(&page.map_err(|e| Problem::from(e).of_query())?)
}

/// An applicant's place.
///
/// # Errors
/// As the act.
pub async fn place(state: State, at: At<(String, String, Uuid)>, asked: Asked, query: Query) -> Answer {
    let (register, kind, id) = at.into_inner();
    let institution = query.id("institution_id")?;
    let place = state.app.read_place(asked.cx, register, kind, id, institution).await;
    let place = place.map_err(|e| Problem::from(e).of_query())?;
    answer::open(StatusCode::OK, &PlaceTold::new(place.get(), asked.language))
}
