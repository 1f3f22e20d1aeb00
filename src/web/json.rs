//! Bodies in JSON: read strictly, and every fault reported with its place.
//!
//! A body first becomes a JSON value (no member named twice, no NUL, not too deep), then a type whose members are
//! declared with [`body!`](crate::web::json::body). What is missing, of a wrong type or unknown is collected, so that a client learns
//! everything at once, as from the validation of records.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use chrono::NaiveDate;
use futures_util::StreamExt as _;
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use uuid::Uuid;

use super::context::{self, Asked};
use super::problem::{Kind, Problem, too_large};
use super::query::day;
use crate::app::{ActContext, Idempotency};
use crate::domain::record::validate::Violation;
use crate::locale::Lang;

/// How long a client may take to send a body.
const PATIENCE: Duration = Duration::from_secs(30);

/// What one member of a body is read into.
pub trait Member: Sized {
    /// Reads the value that stands at `at`; what is wrong with it goes to `faults`.
    fn read(value: Value, at: &str, faults: &mut Vec<Violation>) -> Option<Self>;

    /// What stands for a member that is not there; `None` where it must be.
    fn absent() -> Option<Self> {
        None
    }
}

/// A type that is the whole of a body.
pub trait Body: Member + 'static {
    /// Whether a request with it creates something, so that it may carry an `Idempotency-Key`.
    const CREATES: bool;
}

/// A member of a merge patch.
pub enum Change<T> {
    /// Not mentioned.
    Keep,
    /// Set, or removed with `null`.
    Set(Option<T>),
}

impl<T> Change<T> {
    /// `None` to keep it, `Some(None)` to remove it.
    pub fn into_option(self) -> Option<Option<T>> {
        match self {
            Self::Keep => None,
            Self::Set(value) => Some(value),
        }
    }
}

fn wrong(faults: &mut Vec<Violation>, at: &str, code: &'static str, detail: &str) {
    faults.push(Violation::error(at, code, detail, None));
}

impl Member for String {
    fn read(value: Value, at: &str, faults: &mut Vec<Violation>) -> Option<Self> {
        if let Value::String(text) = value {
            return Some(text);
        }
        wrong(faults, at, "type", "A text is expected.");
        None
    }
}

impl Member for Value {
    fn read(value: Value, _: &str, _: &mut Vec<Violation>) -> Option<Self> {
        Some(value)
    }
}

impl Member for i64 {
    fn read(value: Value, at: &str, faults: &mut Vec<Violation>) -> Option<Self> {
        let found = value.as_i64();
        if found.is_none() {
            faults.push(Violation::error(at, "type", "A whole number is expected.", None));
        }
        found
    }
}

impl Member for bool {
    fn read(value: Value, at: &str, faults: &mut Vec<Violation>) -> Option<Self> {
        let read = value.as_bool();
        if read.is_none() {
            wrong(faults, at, "type", "Yes or no is expected: true or false.");
        }
        read
    }
}

impl<T: Member> Member for BTreeMap<String, T> {
    fn read(value: Value, at: &str, faults: &mut Vec<Violation>) -> Option<Self> {
        let Value::Object(members) = value else {
            wrong(faults, at, "type", "An object is expected.");
            return None;
        };
        if members.len() > 100 {
            wrong(faults, at, "items", "At most 100 members.");
            return None;
        }
        let read = members.into_iter().map(|(name, value)| {
            let short: String = name.chars().take(60).collect();
            let place = format!("{at}/{}", short.replace('~', "~0").replace('/', "~1"));
            Some((name, T::read(value, &place, faults)?))
        });
        // All are read before the first fault stops it.
        read.collect::<Vec<_>>().into_iter().collect()
    }
}

impl Member for Uuid {
    fn read(value: Value, at: &str, faults: &mut Vec<Violation>) -> Option<Self> {
        let id = value.as_str().and_then(uuid);
        if id.is_none() {
            wrong(faults, at, "type", "An id is expected: a UUID.");
        }
        id
    }
}

impl Member for NaiveDate {
    fn read(value: Value, at: &str, faults: &mut Vec<Violation>) -> Option<Self> {
        let read = value.as_str().and_then(day);
        if read.is_none() {
            wrong(faults, at, "date", "A day is expected: YYYY-MM-DD.");
        }
        read
    }
}

impl<T: Member> Member for Vec<T> {
    fn read(value: Value, at: &str, faults: &mut Vec<Violation>) -> Option<Self> {
        let Value::Array(items) = value else {
            wrong(faults, at, "type", "A list is expected.");
            return None;
        };
        if items.len() > 1_000 {
            wrong(faults, at, "items", "At most 1000 items.");
            return None;
        }
        let read: Vec<Option<T>> =
            items.into_iter().enumerate().map(|(n, item)| T::read(item, &format!("{at}/{n}"), faults)).collect();
        read.into_iter().collect()
    }

    fn absent() -> Option<Self> {
        Some(Self::new())
    }
}

impl<T: Member> Member for Option<T> {
    fn read(value: Value, at: &str, faults: &mut Vec<Violation>) -> Option<Self> {
        if value.is_null() {
            return Some(None);
        }
        T::read(value, at, faults).map(Some)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: Member> Member for Change<T> {
    fn read(value: Value, at: &str, faults: &mut Vec<Violation>) -> Option<Self> {
        Option::read(value, at, faults).map(Self::Set)
    }

    fn absent() -> Option<Self> {
        Some(Self::Keep)
    }
}

/// Reads the member `name` of `members`, which stand at `at`.
pub fn member<T: Member>(
    members: &mut Map<String, Value>,
    name: &str,
    at: &str,
    faults: &mut Vec<Violation>,
) -> Option<T> {
    let place = format!("{at}/{name}");
    match members.remove(name) {
        Some(value) => T::read(value, &place, faults),
        None => {
            let value = T::absent();
            if value.is_none() {
                wrong(faults, &place, "required", "This must be given.");
            }
            value
        }
    }
}

/// Reports members that nobody has read.
pub fn unknown(members: &Map<String, Value>, at: &str, faults: &mut Vec<Violation>) {
    for name in members.keys().take(20) {
        let name: String = name.chars().take(60).collect();
        let place = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
        wrong(faults, &place, "unknown_field", "There is no such field.");
    }
}

/// Declares what a request may say: a type for the OpenAPI document, and how it is read.
macro_rules! body {
    ($(#[$meta:meta])* $name:ident $(creates $creates:literal)? {
        $($(#[$field_meta:meta])* $field:ident: $kind:ty),* $(,)?
    }) => {
        $(#[$meta])*
        #[derive(utoipa::ToSchema)]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $kind,)*
        }

        impl $crate::web::json::Member for $name {
            fn read(
                value: serde_json::Value,
                at: &str,
                faults: &mut Vec<$crate::domain::record::validate::Violation>,
            ) -> Option<Self> {
                let serde_json::Value::Object(mut members) = value else {
                    faults.push($crate::domain::record::validate::Violation::error(
                        at, "type", "An object is expected.", None,
                    ));
                    return None;
                };
                $(let $field = {
                    // A member whose name is a word of the language is written `r#name`.
                    let name = stringify!($field).trim_start_matches("r#");
                    $crate::web::json::member(&mut members, name, at, faults)
                };)*
                $crate::web::json::unknown(&members, at, faults);
                Some(Self { $($field: $field?),* })
            }
        }

        impl $crate::web::json::Body for $name {
            const CREATES: bool = false $(|| $creates)?;
        }
    };
}
pub(crate) use body;

/// Reads a value into a body.
///
/// # Errors
/// 422 with every fault.
pub fn read<T: Member>(value: Value) -> Result<T, Problem> {
    let mut faults = Vec::new();
    match T::read(value, "", &mut faults) {
        Some(body) if faults.is_empty() => Ok(body),
        _ => Err(Problem::invalid(faults)),
    }
}

/// A UUID in its usual form and no other.
pub fn uuid(text: &str) -> Option<Uuid> {
    (text.len() == 36).then(|| Uuid::parse_str(text).ok())?
}

/// Reads JSON strictly.
///
/// # Errors
/// 400 for what is no JSON, names a member twice or is too deep; 422 for a NUL.
pub fn parse(bytes: &[u8]) -> Result<Value, Problem> {
    if bytes.is_empty() {
        return Err(Problem::malformed("there is no body"));
    }
    let Strict(value) = serde_json::from_slice(bytes).map_err(|e| {
        // The parser's own sentence may repeat what was sent.
        let what =
            if e.is_data() { "an object names a member twice" } else { "the body is no JSON, or nested too deeply" };
        Problem::malformed(format!("{what} (line {}, column {})", e.line(), e.column()))
    })?;
    let mut faults = Vec::new();
    nul(&value, &mut String::new(), &mut faults);
    if faults.is_empty() { Ok(value) } else { Err(Problem::invalid(faults)) }
}

/// A text that no database keeps: one with NUL in it.
fn nul(value: &Value, at: &mut String, faults: &mut Vec<Violation>) {
    const DETAIL: &str = "The character U+0000 is not taken.";
    if faults.len() >= 20 {
        return;
    }
    match value {
        Value::String(text) if text.contains('\0') => wrong(faults, at, "character", DETAIL),
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                let end = at.len();
                at.push_str(&format!("/{n}"));
                nul(item, at, faults);
                at.truncate(end);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                if name.contains('\0') {
                    wrong(faults, at, "character", DETAIL);
                    continue;
                }
                let end = at.len();
                at.push('/');
                at.push_str(&name.replace('~', "~0").replace('/', "~1"));
                nul(member, at, faults);
                at.truncate(end);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A JSON value none of whose objects names a member twice.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Value;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }
            fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
                Ok(Value::Bool(v))
            }
            fn visit_i64<E>(self, v: i64) -> Result<Value, E> {
                Ok(Value::Number(v.into()))
            }
            fn visit_u64<E>(self, v: u64) -> Result<Value, E> {
                Ok(Value::Number(v.into()))
            }
            fn visit_f64<E>(self, v: f64) -> Result<Value, E> {
                Ok(Number::from_f64(v).map_or(Value::Null, Value::Number))
            }
            fn visit_str<E>(self, v: &str) -> Result<Value, E> {
                Ok(Value::String(v.to_owned()))
            }
            fn visit_string<E>(self, v: String) -> Result<Value, E> {
                Ok(Value::String(v))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
                let mut items = Vec::new();
                while let Some(Strict(item)) = seq.next_element()? {
                    items.push(item);
                }
                Ok(Value::Array(items))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
                let mut members = Map::new();
                while let Some(name) = map.next_key::<String>()? {
                    let Strict(value) = map.next_value()?;
                    if members.insert(name, value).is_some() {
                        return Err(de::Error::custom("a member is named twice"));
                    }
                }
                Ok(Value::Object(members))
            }
        }
        deserializer.deserialize_any(Any).map(Strict)
    }
}

/// Refuses bodies that came compressed: they may unpack to anything.
pub fn not_encoded(req: &HttpRequest) -> Result<(), Problem> {
    match req.headers().get(header::CONTENT_ENCODING) {
        Some(value) if !value.as_bytes().eq_ignore_ascii_case(b"identity") => {
            Err(Problem::new(Kind::WrongType, "bodies are taken without Content-Encoding"))
        }
        _ => Ok(()),
    }
}

/// Whether the body says that it is JSON in UTF-8.
fn is_json(req: &HttpRequest) -> bool {
    let Ok(Some(mime)) = req.mime_type() else {
        return false;
    };
    let json =
        mime.type_() == "application" && (mime.subtype() == "json" || mime.suffix().is_some_and(|s| s == "json"));
    json && mime.get_param("charset").is_none_or(|c| c == "utf-8")
}

/// Reads a whole body, at most `limit` bytes of it.
///
/// # Errors
/// 413, 408 for a client that is too slow, 400 for one that stops.
pub async fn bytes(req: &HttpRequest, mut payload: Payload, limit: usize) -> Result<Bytes, Problem> {
    let announced =
        req.headers().get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<usize>().ok());
    if announced.is_some_and(|n| n > limit) {
        return Err(too_large(limit));
    }
    let mut body = Vec::with_capacity(announced.unwrap_or(8 * 1024));
    let whole = async {
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|_| Problem::malformed("the body did not arrive whole"))?;
            if body.len() + chunk.len() > limit {
                return Err(too_large(limit));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(())
    };
    match tokio::time::timeout(PATIENCE, whole).await {
        Ok(done) => done.map(|()| Bytes::from(body)),
        Err(_) => Err(Problem::new(Kind::Timeout, "the body did not arrive in time")),
    }
}

/// Reads a JSON body as a value.
///
/// # Errors
/// 415 for another type, and as [`bytes`] and [`parse`].
pub async fn value(req: &HttpRequest, payload: Payload) -> Result<Value, Problem> {
    not_encoded(req)?;
    if !is_json(req) {
        return Err(Problem::new(Kind::WrongType, "the body must be application/json"));
    }
    let limit = context::web(req)?.settings.body_limit;
    parse(&bytes(req, payload, limit).await?)
}

/// Sets the context's idempotency, where the client gave a key: its digest covers method, path and `parts`.
///
/// # Errors
/// 400 for a key that is none.
pub fn idempotent(req: &HttpRequest, cx: &mut ActContext, parts: &[&[u8]]) -> Result<(), Problem> {
    let Some(key) = context::idempotency_key(req.headers())? else {
        return Ok(());
    };
    let mut all = vec![req.method().as_str().as_bytes(), req.path().as_bytes()];
    all.extend_from_slice(parts);
    let digest = context::web(req)?.app.tokens.request_digest(&all);
    cx.idempotency = Some(Idempotency { key, digest });
    Ok(())
}

/// The bytes by which two values are told apart: RFC 8785, or the value as it is where that cannot say it.
pub fn canonical(value: &Value) -> Vec<u8> {
    serde_json_canonicalizer::to_vec(value).unwrap_or_else(|_| value.to_string().into_bytes())
}

/// A body from somebody who is logged in.
pub struct Sent<T> {
    /// For the act.
    pub cx: ActContext,
    /// What was sent.
    pub body: T,
}

impl<T: Body> FromRequest for Sent<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (req, payload) = (req.clone(), payload.take());
        Box::pin(async move {
            // Who is not logged in is told so before a byte of the body is read.
            let mut asked = Asked::of(&req)?;
            let value = value(&req, payload).await?;
            if T::CREATES {
                idempotent(&req, &mut asked.cx, &[&canonical(&value)])?;
            }
            Ok(Self { cx: asked.cx, body: read(value)? })
        })
    }
}

/// A body from anybody.
pub struct Open<T> {
    /// Request id.
    pub request_id: Option<String>,
    /// Language.
    pub language: Lang,
    /// What was sent.
    pub body: T,
}

impl<T: Body> FromRequest for Open<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (req, payload) = (req.clone(), payload.take());
        Box::pin(async move {
            let value = value(&req, payload).await?;
            Ok(Self {
                request_id: context::request_id(&req),
                language: context::language(req.headers()),
                body: read(value)?,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    body! {
        /// An inner one.
        Inner {
            /// A text.
            kind: String,
        }
    }
    body! {
        /// A body.
        Outer creates true {
            /// A text.
            name: String,
            /// A day.
            from: Option<NaiveDate>,
            /// Ids.
            ids: Vec<Uuid>,
            /// Inner.
            inner: Option<Inner>,
            /// Patch.
            #[schema(value_type = Option<String>)]
            note: Change<String>,
        }
    }

    fn faults(value: Value) -> Vec<(String, &'static str)> {
        match read::<Outer>(value) {
            Ok(_) => Vec::new(),
            Err(problem) => problem.errors.into_iter().map(|e| (e.pointer, e.code)).collect(),
        }
    }

    #[test]
    fn all_faults_come_at_once_with_their_places() {
        let body = json!({"from": "2026-13-01", "ids": ["x"], "inner": {"kind": 1, "b/d": 2}, "extra": null});
        assert_eq!(
            faults(body),
            [
                ("/name".into(), "required"),
                ("/from".into(), "date"),
                ("/ids/0".into(), "type"),
                ("/inner/kind".into(), "type"),
                ("/inner/b~1d".into(), "unknown_field"),
                ("/extra".into(), "unknown_field"),
            ]
        );
        assert_eq!(faults(json!([])), [(String::new(), "type")]);
        assert!(faults(json!({"name": "a", "from": null})).is_empty());
        const {
            assert!(Outer::CREATES && !Inner::CREATES);
        }
        let id = "01890000-0000-7000-8000-000000000000";
        let body = json!({"name": "a", "from": "2026-01-01", "ids": [id], "inner": {"kind": "b"}});
        let read = read::<Outer>(body).unwrap();
        assert_eq!(read.name, "a");
        assert_eq!(read.from.unwrap().to_string(), "2026-01-01");
        assert_eq!(read.ids[0].to_string(), id);
        assert_eq!(read.inner.unwrap().kind, "b");
    }

    #[test]
    fn a_patch_tells_removed_from_not_mentioned() {
        let note = |v| read::<Outer>(v).unwrap().note.into_option();
        assert_eq!(note(json!({"name": "a"})), None);
        assert_eq!(note(json!({"name": "a", "note": null})), Some(None));
        assert_eq!(note(json!({"name": "a", "note": "b"})), Some(Some("b".into())));
    }

    #[test]
    fn json_is_read_strictly() {
        assert_eq!(parse(b"{\"a\":[1,-2,1.5,null,true,\"x\"]}").unwrap(), json!({"a":[1,-2,1.5,null,true,"x"]}));
        let deep = [b"[".repeat(10_000), b"]".repeat(10_000)].concat();
        let wrong: [&[u8]; 10] = [
            b"",
            b"{",
            b"\xff",
            b"{\"a\":1,\"a\":2}",
            b"{\"a\":{\"b\":1,\"b\":1}}",
            b"1e999",
            b"\"\\ud800\"",
            b"{} {}",
            b"NaN",
            &deep,
        ];
        for text in wrong {
            assert_eq!(parse(text).unwrap_err().kind, Kind::Malformed);
        }
        let problem = parse(b"{\"pay\": \"38001085718\" x}").unwrap_err();
        assert!(!problem.detail.contains("38001085718"), "what was sent is not repeated");
        let problem = parse(b"{\"a/b\":[\"x\\u0000\"]}").unwrap_err();
        assert_eq!((problem.kind, problem.errors[0].pointer.as_str()), (Kind::Invalid, "/a~1b/0"));
    }

    #[test]
    fn equal_requests_have_equal_canonical_forms() {
        assert_eq!(canonical(&json!({"a":1,"b":2})), canonical(&parse(b"{\"b\":2, \"a\":1}").unwrap()));
        assert_ne!(canonical(&json!({"a":1})), canonical(&json!({"a":"1"})));
    }
}
