//! What a client learns when something was not done: RFC 9457 problems, in one exhaustive match.
//!
//! A problem says what is wrong with the request and which clause says so; what went wrong inside goes to the
//! server's log and nowhere else. Nothing here repeats what was submitted.

use std::fmt;

use actix_web::http::header::HeaderName;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use serde_json::{Map, Value, json};

use crate::app;
use crate::domain::record::validate::Violation;
use crate::domain::refusal::Refusal;
use crate::domain::statute::Clause;
use crate::locale::Lang;
use crate::store;

/// Kinds of problems: each has its `type`, its status and its title.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Cannot be read at all.
    Malformed,
    /// No login, or none that counts.
    Unauthenticated,
    /// A policy refuses.
    Forbidden,
    /// Absent, or not visible to the asker.
    NotFound,
    /// The address is known, the method is not.
    MethodNotAllowed,
    /// No representation that the client takes.
    NotAcceptable,
    /// The client was too slow.
    Timeout,
    /// Contradicts what is there.
    Conflict,
    /// Another version than the one seen.
    Stale,
    /// Too large.
    TooLarge,
    /// A type that is not taken.
    WrongType,
    /// The data are not what the statute permits.
    Invalid,
    /// A purpose must be stated.
    PurposeRequired,
    /// The idempotency key was used for something else.
    KeyReused,
    /// `If-Match` must be given.
    VersionRequired,
    /// Too many attempts.
    TooMany,
    /// Our fault.
    Internal,
    /// The log could not be written.
    LogFailed,
    /// Try again.
    Unavailable,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 19] = [
        Self::Malformed,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::NotAcceptable,
        Self::Timeout,
        Self::Conflict,
        Self::Stale,
        Self::TooLarge,
        Self::WrongType,
        Self::Invalid,
        Self::PurposeRequired,
        Self::KeyReused,
        Self::VersionRequired,
        Self::TooMany,
        Self::Internal,
        Self::LogFailed,
        Self::Unavailable,
    ];

    /// Slug, status, title in Estonian, title in English.
    const fn row(self) -> (&'static str, u16, &'static str, &'static str) {
        match self {
            Self::Malformed => ("malformed", 400, "Päringut ei saa lugeda", "The request cannot be read"),
            Self::Unauthenticated => ("unauthenticated", 401, "Logige sisse", "Log in"),
            Self::Forbidden => ("forbidden", 403, "Põhimäärus ei luba seda", "The statute does not permit this"),
            Self::NotFound => ("not_found", 404, "Seda ei ole või te ei näe seda", "Absent, or not visible to you"),
            Self::MethodNotAllowed => {
                ("method_not_allowed", 405, "Seda meetodit siin ei ole", "This method does not exist here")
            }
            Self::NotAcceptable => {
                ("not_acceptable", 406, "Teile sobivat kuju ei ole", "There is no form that you take")
            }
            Self::Timeout => {
                ("timeout", 408, "Päring ei jõudnud õigel ajal kohale", "The request did not arrive in time")
            }
            Self::Conflict => ("conflict", 409, "On vastuolus praeguse seisuga", "It contradicts the present state"),
            Self::Stale => ("stale", 412, "Kirjet on vahepeal muudetud", "It has changed in the meantime"),
            Self::TooLarge => ("too_large", 413, "Liiga suur", "Too large"),
            Self::WrongType => {
                ("wrong_type", 415, "Seda tüüpi sisu ei võeta vastu", "Content of this type is not taken")
            }
            Self::Invalid => {
                ("invalid", 422, "Andmed ei vasta põhimäärusele", "The data are not what the statute permits")
            }
            Self::PurposeRequired => {
                ("purpose_required", 422, "Märkige andmete vaatamise eesmärk", "State the purpose of reading")
            }
            Self::KeyReused => (
                "idempotency_key_reused",
                422,
                "See Idempotency-Key kuulub teisele päringule",
                "This Idempotency-Key belongs to another request",
            ),
            Self::VersionRequired => {
                ("version_required", 428, "Märkige nähtud versioon", "Name the version you have seen")
            }
            Self::TooMany => ("too_many_requests", 429, "Liiga palju katseid", "Too many attempts"),
            Self::Internal => ("internal", 500, "Viga serveris", "A fault in the server"),
            Self::LogFailed => (
                "log_unavailable",
                503,
                "Logi ei saa kirjutada, seepärast ei tehtud midagi",
                "The log cannot be written, so nothing was done",
            ),
            Self::Unavailable => ("unavailable", 503, "Proovige hiljem uuesti", "Try again later"),
        }
    }

    /// Last part of its `type`.
    pub const fn slug(self) -> &'static str {
        self.row().0
    }

    /// Status.
    pub const fn status(self) -> u16 {
        self.row().1
    }

    /// Title; Finnish and Swedish readers get the English one.
    pub const fn title(self, language: Lang) -> &'static str {
        match language {
            Lang::Et => self.row().2,
            Lang::En | Lang::Fi | Lang::Sv => self.row().3,
        }
    }
}

/// What went wrong inside. (One pointer in a problem: problems travel in results.)
#[derive(Debug, Clone)]
pub struct Cause(String);

impl From<String> for Box<Cause> {
    fn from(text: String) -> Self {
        Self::new(Cause(text))
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A problem, before it is written down for one client.
#[derive(Debug, Clone)]
pub struct Problem {
    /// What kind it is.
    pub kind: Kind,
    /// Narrower than the kind, where there is something narrower.
    pub code: Option<&'static str>,
    /// For people.
    pub detail: String,
    /// The clause on which a refusal rests.
    pub clause: Option<Clause>,
    /// Faults of the data, each with its place.
    pub errors: Vec<Violation>,
    /// What was found on the way to it: the report of an import. (Boxed, since problems travel in results.)
    pub report: Option<Box<Value>>,
    /// One more header: how long to wait, which methods there are. (Boxed, since problems travel in results.)
    pub header: Option<Box<(HeaderName, String)>>,
    /// What went wrong inside: for the server's log only.
    pub cause: Option<Box<Cause>>,
}

/// The language in which problems have their titles.
const fn problem_language(language: Lang) -> &'static str {
    match language {
        Lang::Et => "et",
        Lang::En | Lang::Fi | Lang::Sv => "en",
    }
}

impl Problem {
    /// A problem of a kind.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            code: None,
            detail: detail.into(),
            clause: None,
            errors: Vec::new(),
            report: None,
            header: None,
            cause: None,
        }
    }

    /// What was sent cannot be read.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(Kind::Malformed, detail)
    }

    /// There is nothing at this address.
    pub fn not_found() -> Self {
        Self::new(Kind::NotFound, "there is nothing at this address")
    }

    /// A query parameter that cannot be used.
    pub fn parameter(name: &str, code: &'static str, detail: impl Into<String>) -> Self {
        let fault = Violation::error(&format!("/{name}"), code, detail, None);
        Self { errors: vec![fault], ..Self::malformed("a query parameter cannot be used") }
    }

    /// Faults of a body.
    pub fn invalid(errors: Vec<Violation>) -> Self {
        Refusal::Invalid(errors).into()
    }

    /// The same, where what is at fault came in the query and not in a body.
    pub fn of_query(self) -> Self {
        match self.kind {
            Kind::Invalid => Self { kind: Kind::Malformed, detail: "a query parameter cannot be used".into(), ..self },
            _ => self,
        }
    }

    fn internal(kind: Kind, detail: &str, cause: String) -> Self {
        Self { cause: Some(cause.into()), header: (kind.status() == 503).then(|| wait(1)), ..Self::new(kind, detail) }
    }

    /// What a status means when nobody said more.
    pub fn of_status(status: StatusCode) -> Self {
        let kind = Kind::ALL
            .into_iter()
            .find(|k| k.status() == status.as_u16())
            .unwrap_or(if status.is_server_error() { Kind::Internal } else { Kind::Malformed });
        match kind {
            Kind::NotFound => Self::not_found(),
            _ => Self::new(kind, kind.title(Lang::En)),
        }
    }

    /// The problem as it is sent.
    pub fn render(&self, language: Lang, request_id: Option<&str>) -> HttpResponse {
        let mut body = Map::new();
        let slug = self.kind.slug();
        body.insert("type".into(), json!(format!("urn:andmekogu:problem:{slug}")));
        body.insert("title".into(), json!(self.kind.title(language)));
        body.insert("status".into(), json!(self.kind.status()));
        body.insert("detail".into(), json!(self.detail));
        body.insert("code".into(), json!(self.code.unwrap_or(slug)));
        if let Some(clause) = &self.clause {
            body.insert("clause".into(), json!(clause));
        }
        if !self.errors.is_empty() {
            body.insert("errors".into(), json!(self.errors));
        }
        if let Some(report) = &self.report {
            body.insert("report".into(), (**report).clone());
        }
        if let Some(id) = request_id {
            body.insert("request_id".into(), json!(id));
        }
        let mut response = HttpResponse::build(self.status_code());
        response
            .content_type("application/problem+json")
            .insert_header((header::CONTENT_ENCODING, "identity"))
            .insert_header((header::CONTENT_LANGUAGE, problem_language(language)));
        if self.kind == Kind::Unauthenticated {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        if let Some(extra) = &self.header {
            let (name, value) = &**extra;
            response.insert_header((name, value.as_str()));
        }
        response.body(Value::Object(body).to_string())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.slug())
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    // The outermost layer writes it again in the client's language and with the request's id.
    fn error_response(&self) -> HttpResponse {
        self.render(Lang::default(), None)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let detail = refusal.to_string();
        match refusal {
            Refusal::Forbidden { clause, detail } => {
                Self { clause: Some(clause), ..Self::new(Kind::Forbidden, detail) }
            }
            Refusal::NotFound { .. } => Self::new(Kind::NotFound, detail),
            Refusal::Invalid(errors) => Self {
                // A clause that all faults share stands at the top too.
                clause: errors
                    .first()
                    .and_then(|e| e.clause.clone())
                    .filter(|c| errors.iter().all(|e| e.clause.as_ref() == Some(c))),
                errors,
                ..Self::new(Kind::Invalid, detail)
            },
            Refusal::Conflict { code, detail, clause } => {
                Self { code: Some(code), clause, ..Self::new(Kind::Conflict, detail) }
            }
            Refusal::Stale { .. } => Self::new(Kind::Stale, detail),
            Refusal::StaleRoot { changes, clause } => Self {
                code: Some("stale_root"),
                clause: Some(clause),
                errors: changes,
                ..Self::new(Kind::Conflict, detail)
            },
            Refusal::VersionRequired => Self::new(Kind::VersionRequired, detail),
            Refusal::PurposeRequired { clause } => Self { clause, ..Self::new(Kind::PurposeRequired, detail) },
            Refusal::KeyReused => Self::new(Kind::KeyReused, detail),
            Refusal::Unauthenticated => Self::new(Kind::Unauthenticated, detail),
            Refusal::TooMany { seconds } => Self { header: Some(wait(seconds)), ..Self::new(Kind::TooMany, detail) },
        }
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        let taken = error.is_unique_violation();
        let again = error.is_transient();
        let cause = error.to_string();
        match error {
            store::Error::Refused(refusal) => refusal.into(),
            store::Error::Database(_) if taken => Self {
                code: Some("taken"),
                cause: Some(cause.into()),
                ..Self::new(Kind::Conflict, "something that must be unique is there already")
            },
            store::Error::Database(_) if again => {
                Self::internal(Kind::Unavailable, "the server is busy; try again", cause)
            }
            store::Error::Database(_) | store::Error::HalfDone | store::Error::Damaged(_) => {
                Self::internal(Kind::Internal, "the fault is ours and has been noted", cause)
            }
            store::Error::Unavailable(_) => Self::internal(Kind::Unavailable, "the server is busy; try again", cause),
            store::Error::LogFailed(_) => Self::internal(
                Kind::LogFailed,
                "without its log entry nothing is done and nothing is shown; try again",
                cause,
            ),
        }
    }
}

impl From<app::Error> for Problem {
    fn from(error: app::Error) -> Self {
        match error {
            app::Error::Store(error) => error.into(),
            app::Error::Malformed(detail) => Self::malformed(detail),
            app::Error::TooLarge { limit } => too_large(limit),
            app::Error::WrongType(detail) => Self::new(Kind::WrongType, detail),
            app::Error::Backup(cause) => {
                Self::internal(Kind::Internal, "the fault is ours and has been noted", cause.to_string())
            }
            app::Error::Setup(cause) => Self::internal(Kind::Internal, "the fault is ours and has been noted", cause),
        }
    }
}

fn wait(seconds: i64) -> Box<(HeaderName, String)> {
    Box::new((header::RETRY_AFTER, seconds.max(1).to_string()))
}

/// More than `limit` bytes.
pub fn too_large(limit: usize) -> Problem {
    Problem::new(Kind::TooLarge, format!("at most {limit} bytes are taken"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::body::to_bytes;
    use diesel::result::{DatabaseErrorKind, Error as Diesel};

    fn clause() -> Clause {
        Clause("§ 20 lg 1".into())
    }

    fn database(kind: DatabaseErrorKind, message: &str) -> app::Error {
        let error = Diesel::DatabaseError(kind, Box::new(message.to_owned()));
        app::Error::Store(store::Error::Database(error))
    }

    fn golden() -> Vec<(app::Error, &'static str, u16, &'static str)> {
        let store = app::Error::Store;
        vec![
            (Refusal::Forbidden { clause: clause(), detail: "no".into() }.into(), "forbidden", 403, "forbidden"),
            (Refusal::NotFound { what: "record" }.into(), "not_found", 404, "not_found"),
            (Refusal::invalid("/a", "required", "give it", None).into(), "invalid", 422, "invalid"),
            (
                Refusal::Conflict { code: "ended", detail: "it ended".into(), clause: None }.into(),
                "conflict",
                409,
                "ended",
            ),
            (Refusal::Stale { current: 3 }.into(), "stale", 412, "stale"),
            (Refusal::VersionRequired.into(), "version_required", 428, "version_required"),
            (Refusal::PurposeRequired { clause: None }.into(), "purpose_required", 422, "purpose_required"),
            (Refusal::KeyReused.into(), "idempotency_key_reused", 422, "idempotency_key_reused"),
            (Refusal::Unauthenticated.into(), "unauthenticated", 401, "unauthenticated"),
            (Refusal::TooMany { seconds: 7 }.into(), "too_many_requests", 429, "too_many_requests"),
            (database(DatabaseErrorKind::UniqueViolation, "secret"), "conflict", 409, "taken"),
            (database(DatabaseErrorKind::SerializationFailure, "secret"), "unavailable", 503, "unavailable"),
            (database(DatabaseErrorKind::Unknown, "secret"), "internal", 500, "internal"),
            (store(store::Error::Damaged("secret".into())), "internal", 500, "internal"),
            (store(store::Error::LogFailed("secret".into())), "log_unavailable", 503, "log_unavailable"),
            (store(store::Error::Unavailable("secret".into())), "unavailable", 503, "unavailable"),
            (app::Error::Malformed("no".into()), "malformed", 400, "malformed"),
            (app::Error::TooLarge { limit: 9 }, "too_large", 413, "too_large"),
            (app::Error::WrongType("no".into()), "wrong_type", 415, "wrong_type"),
            (app::Error::Setup("secret".into()), "internal", 500, "internal"),
        ]
    }

    #[actix_web::test]
    async fn every_error_has_its_problem_and_no_cause_leaves() {
        for (error, slug, status, code) in golden() {
            let problem = Problem::from(error);
            let response = problem.render(Lang::En, Some("r-1"));
            assert_eq!(response.status().as_u16(), status, "{slug}");
            assert_eq!(response.headers().get(header::CONTENT_TYPE).unwrap(), "application/problem+json");
            let waits = response.headers().contains_key(header::RETRY_AFTER);
            assert_eq!(waits, matches!(status, 429 | 503), "{slug}");
            let asks = response.headers().contains_key(header::WWW_AUTHENTICATE);
            assert_eq!(asks, status == 401, "{slug}");
            let text = String::from_utf8(to_bytes(response.into_body()).await.unwrap().to_vec()).unwrap();
            assert!(!text.contains("secret"), "{text}");
            let body: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(body["type"], format!("urn:andmekogu:problem:{slug}"));
            assert_eq!(body["status"], status);
            assert_eq!(body["code"], code);
            assert_eq!(body["request_id"], "r-1");
        }
    }

    #[test]
    fn a_refusal_keeps_its_clause_and_its_faults() {
        let problem = Problem::from(Refusal::Forbidden { clause: clause(), detail: "no".into() });
        assert_eq!(problem.clause, Some(clause()));
        let problem = Problem::from(Refusal::invalid("/a", "required", "give it", Some(clause())));
        assert_eq!(problem.errors[0].pointer, "/a");
        assert_eq!(problem.clause, Some(clause()));
        assert_eq!(problem.of_query().kind, Kind::Malformed);
    }

    #[test]
    fn titles_are_in_the_clients_language() {
        for kind in Kind::ALL {
            assert_ne!(kind.title(Lang::Et), kind.title(Lang::En), "{kind:?}");
            assert_eq!(kind.title(Lang::Sv), kind.title(Lang::En), "{kind:?}");
        }
    }

    #[test]
    fn slugs_are_unique() {
        let slugs: std::collections::HashSet<_> = Kind::ALL.iter().map(|k| k.slug()).collect();
        assert_eq!(slugs.len(), Kind::ALL.len());
    }
}
