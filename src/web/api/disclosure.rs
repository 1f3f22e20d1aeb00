//! Requests for data, their decision and release, and the ledger.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::Bytes;
use base64::Engine as _;
use chrono::NaiveDate;
use serde_json::Value;
use uuid::Uuid;

use super::{At, State};
use crate::app::disclosure::Brought;
use crate::domain::case::{CaseParty, CaseState};
use crate::domain::disclosure::{Answer as Said, Format, ManualRelease, Proposal, Request};
use crate::domain::record::validate::Violation;
use crate::store::Left;
use crate::store::acts::disclosure::NewRequest;
use crate::store::read::disclosure::{LedgerQuery, Wanted};
use crate::web::answer::{self, Answer};
use crate::web::context::Asked;
use crate::web::json::{Sent, body};
use crate::web::problem::Problem;
use crate::web::query::Query;
use crate::web::upload::Upload;

body! {
    /// Who asks for data, or receives them.
    PartyBody {
        /// Name.
        name: String,
        /// `person`, `company`, `authority` …
        kind: String,
        /// Registry code of a body.
        registry_code: Option<String>,
        /// Personal code of a person.
        personal_code: Option<String>,
        /// How to reach them.
        contact: String,
    }
}

impl From<PartyBody> for CaseParty {
    fn from(body: PartyBody) -> Self {
        Self {
            name: body.name,
            kind: Some(body.kind),
            registry_code: body.registry_code,
            personal_code: body.personal_code,
            contact: body.contact,
        }
    }
}

body! {
    /// A request for data.
    DisclosureRequestBody creates true {
        /// Kind of case, where the statute knows several; absent: the first.
        kind: Option<String>,
        /// Who asks.
        requester: PartyBody,
        /// What it is about, in a line.
        object: String,
        /// Record type.
        record_type: String,
        /// Wanted fields, by path.
        fields: Vec<String>,
        /// Exact values of indexed fields, of `institution_id` or of `status`.
        #[schema(value_type = Option<Object>)]
        filter: Option<BTreeMap<String, Value>>,
        /// Day as of which; absent: the day of the release.
        as_of: Option<NaiveDate>,
        /// What for.
        purpose: String,
        /// On what right.
        legal_basis: String,
        /// Class of recipients of the definition.
        recipient: Option<String>,
        /// Day on which it came in; absent: today.
        received_on: Option<NaiveDate>,
    }
}

impl TryFrom<DisclosureRequestBody> for NewRequest {
    type Error = Problem;

    fn try_from(body: DisclosureRequestBody) -> Result<Self, Problem> {
        let mut faults = Vec::new();
        let mut filter = BTreeMap::new();
        for (name, value) in body.filter.unwrap_or_default() {
            let text = match value {
                Value::String(text) => text,
                Value::Bool(flag) => flag.to_string(),
                Value::Number(number) => number.to_string(),
                Value::Null | Value::Array(_) | Value::Object(_) => {
                    let name: String = name.chars().take(60).collect();
                    let at = format!("/filter/{}", name.replace('~', "~0").replace('/', "~1"));
                    faults.push(Violation::error(&at, "type", "One value is expected.", None));
                    continue;
                }
            };
            filter.insert(name, text);
        }
        if !faults.is_empty() {
            return Err(Problem::invalid(faults));
        }
        Ok(Self {
            kind: body.kind,
            requester: body.requester.into(),
            received_on: body.received_on,
            request: Request {
                object: body.object,
                record_type: body.record_type,
                fields: body.fields,
                filter,
                as_of: body.as_of,
                purpose: body.purpose,
                legal_basis: body.legal_basis,
                recipient: body.recipient,
            },
        })
    }
}

body! {
    /// An answer to a question of the statute.
    AnswerBody {
        /// Yes or no.
        answer: bool,
        /// In words.
        because: String,
    }
}

body! {
    /// A decision about a request for data.
    DisclosureDecisionBody {
        /// Outcome, of the definition.
        outcome: String,
        /// Ground of the release; of the refusal, where all or a part is refused.
        ground: Option<String>,
        /// Ground on which a part is released, where `ground` is that of the refusal.
        release_ground: Option<String>,
        /// Ground on which a part is refused, where `ground` is that of the release.
        refusal_ground: Option<String>,
        /// Fields granted; absent: all that were asked for.
        fields: Option<Vec<String>>,
        /// Why.
        explanation: String,
        /// The act that gives the public task; absent: the one that the request cites.
        act: Option<String>,
        /// Answers to the questions of the ground, by question.
        #[schema(value_type = Option<BTreeMap<String, AnswerBody>>)]
        answers: Option<BTreeMap<String, AnswerBody>>,
    }
}

impl From<DisclosureDecisionBody> for Proposal {
    fn from(body: DisclosureDecisionBody) -> Self {
        let said = |(name, a): (String, AnswerBody)| (name, Said { answer: a.answer, because: a.because });
        Self {
            outcome: body.outcome,
            ground: body.ground,
            release_ground: body.release_ground,
            refusal_ground: body.refusal_ground,
            fields: body.fields,
            explanation: body.explanation,
            act: body.act,
            answers: body.answers.unwrap_or_default().into_iter().map(said).collect(),
        }
    }
}

body! {
    /// A release made by other means.
    ManualReleaseBody creates true {
        /// To whom.
        recipient: PartyBody,
        /// Record type.
        record_type: String,
        /// What of the records, by path.
        fields: Vec<String>,
        /// Whose.
        record_ids: Vec<Uuid>,
        /// Ground, of the definition.
        ground: String,
        /// On what act or document it rests.
        basis: String,
        /// What for.
        purpose: String,
        /// `spoken`, `paper`, `email`, `post`, `in_person`, `phone` or `portal`.
        channel: String,
        /// Day as of which the data were told; absent: today.
        as_of: Option<NaiveDate>,
        /// SHA-256 of what left, where it was a file.
        sha256: Option<String>,
    }
}

impl From<ManualReleaseBody> for ManualRelease {
    fn from(body: ManualReleaseBody) -> Self {
        Self {
            recipient: body.recipient.into(),
            record_type: body.record_type,
            fields: body.fields,
            record_ids: body.record_ids,
            ground: body.ground,
            basis: body.basis,
            purpose: body.purpose,
            channel: body.channel,
            as_of: body.as_of,
            sha256: body.sha256,
        }
    }
}

body! {
    /// What is brought to be compared, when not the file itself.
    DisclosureCheckBody {
        /// SHA-256, in lower-case hexadecimal.
        sha256: String,
    }
}

/// Enters a request.
///
/// # Errors
/// As the act.
pub async fn request(state: State, at: At<String>, sent: Sent<DisclosureRequestBody>) -> Answer {
    let register = at.into_inner();
    let view = state.app.request_disclosure(sent.cx, register.clone(), sent.body.try_into()?).await?;
    let id = view.get().id.to_string();
    answer::created_one(&view, &["registers", &register, "disclosure-requests", &id])
}

/// Lists requests.
///
/// # Errors
/// As the act.
pub async fn requests(state: State, at: At<String>, asked: Asked, query: Query) -> Answer {
    let stands = query.one_of("state", &CaseState::ALL.map(|s| (s.as_str(), s)))?;
    let (cursor, limit) = (query.text("cursor"), query.limit()?);
    let page = state.app.list_disclosure_requests(asked.cx, at.into_inner(), stands, cursor.as_deref(), limit).await;
    answer::ok(&page.map_err(|e| Problem::from(e).of_query())?)
}

/// Reads a request.
///
/// # Errors
/// As the act.
pub async fn read_request(state: State, at: At<(String, Uuid)>, asked: Asked) -> Answer {
    let (register, id) = at.into_inner();
    answer::one(&state.app.read_disclosure_request(asked.cx, register, id).await?)
}

/// Decides a request.
///
/// # Errors
/// As the act.
pub async fn decide(state: State, at: At<(String, Uuid)>, sent: Sent<DisclosureDecisionBody>) -> Answer {
    let (register, id) = at.into_inner();
    answer::one(&state.app.decide_disclosure(sent.cx, register, id, sent.body.into()).await?)
}

/// Releases what was granted, as a file. `Location` names its entry in the ledger, `Repr-Digest` (RFC 9530) what the
/// ledger keeps of it.
///
/// # Errors
/// As the act.
pub async fn release(state: State, at: At<(String, Uuid)>, asked: Asked, query: Query) -> Answer {
    let (register, id) = at.into_inner();
    let wanted = wanted(&asked, &query)?;
    let format = wanted.format;
    let left = state.app.release_disclosure(asked.cx, register.clone(), id, wanted).await?.into_inner();
    Ok(file(&register, format, left))
}

/// In which form something is to leave.
///
/// # Errors
/// 400.
pub(super) fn wanted(asked: &Asked, query: &Query) -> Result<Wanted, Problem> {
    let excel = query.one_of("for", &[("excel", true)])?.unwrap_or(false);
    let formats =
        [("json", Format::Json), ("csv", Format::Csv { excel }), ("xlsx", Format::Xlsx), ("pdf", Format::Pdf)];
    let format = query.one_of("format", &formats)?.unwrap_or(Format::Json);
    Ok(Wanted { format, language: asked.language.code() })
}

/// What has left, as a file that names its entry in the ledger.
pub(in crate::web) fn file(register: &str, format: Format, left: Left) -> HttpResponse {
    let media = match format {
        Format::Json => "application/json",
        Format::Csv { .. } => "text/csv; charset=utf-8",
        Format::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        Format::Pdf => "application/pdf",
    };
    let digest: Vec<u8> = left
        .digest
        .as_bytes()
        .chunks(2)
        .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect();
    let digest = base64::engine::general_purpose::STANDARD.encode(digest);
    let name = format!("{}.{}", left.id, format.as_str());
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, media))
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .insert_header((header::LOCATION, format!("/api/v1/registers/{register}/disclosures/{}", left.id)))
        .insert_header(("repr-digest", format!("sha-256=:{digest}:")))
        // Exactly the bytes that the ledger has the digest of.
        .insert_header((header::CONTENT_ENCODING, "identity"))
        .body(Bytes::from_owner(left.bytes))
}

/// Enters a release made by other means.
///
/// # Errors
/// As the act.
pub async fn enter(state: State, at: At<String>, sent: Sent<ManualReleaseBody>) -> Answer {
    let register = at.into_inner();
    let entry = state.app.enter_disclosure(sent.cx, register.clone(), sent.body.into()).await?;
    let id = entry.get().id.to_string();
    answer::created(&entry, &["registers", &register, "disclosures", &id])
}

/// Reads the ledger.
///
/// # Errors
/// As the act.
pub async fn list(state: State, at: At<String>, asked: Asked, query: Query) -> Answer {
    let register = at.into_inner();
    let zone = state.app.register(&register)?.definition.register.time_zone;
    let wanted = LedgerQuery {
        recipient_code: query.text("recipient_code"),
        record_id: query.id("record_id")?,
        from: query.moment("from", zone, false)?,
        to: query.moment("to", zone, true)?,
        before: None,
        limit: query.limit()?,
    };
    let cursor = query.text("cursor");
    let page = state.app.list_disclosures(asked.cx, register, wanted, cursor.as_deref()).await;
    answer::ok(&page.map_err(|e| Problem::from(e).of_query())?)
}

/// Reads one entry of the ledger.
///
/// # Errors
/// As the act.
pub async fn read(state: State, at: At<(String, Uuid)>, asked: Asked, query: Query) -> Answer {
    let (register, id) = at.into_inner();
    let (cursor, limit) = (query.text("cursor"), query.limit()?);
    let entry = state.app.read_disclosure(asked.cx, register, id, cursor.as_deref(), limit).await;
    answer::ok(&entry.map_err(|e| Problem::from(e).of_query())?)
}

/// Compares brought bytes, or their digest, with what has left.
///
/// # Errors
/// As the act; 422 without either.
pub async fn check(state: State, at: At<String>, mut sent: Upload) -> Answer {
    let brought = match sent.file.take() {
        Some(file) => Brought::Bytes(file.bytes),
        None => Brought::Digest(sent.metadata::<DisclosureCheckBody>()?.sha256),
    };
    answer::ok(&state.app.check_disclosure(sent.cx, at.into_inner(), brought).await?)
}

/// What of the caller's own data was released to whom.
///
/// # Errors
/// As the act.
pub async fn mine(state: State, asked: Asked, query: Query) -> Answer {
    let (cursor, limit) = (query.text("cursor"), query.limit()?);
    let page = state.app.my_disclosures(asked.cx, cursor.as_deref(), limit).await;
    answer::ok(&page.map_err(|e| Problem::from(e).of_query())?)
}
