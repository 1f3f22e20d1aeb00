//! From headers to an [`ActContext`]: who asks, why, under which request, over which version.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use uuid::Uuid;

use super::Web;
use super::problem::{Kind, Problem};
use crate::app::{ActContext, Caller};
use crate::domain::refusal::Refusal;
use crate::locale::Lang;

/// `X-Request-Id`.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const PURPOSE: HeaderName = HeaderName::from_static("x-purpose");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Under which of their grants the caller acts.
const ACTING_AS: HeaderName = HeaderName::from_static("x-acting-as");
/// Longest purpose, in characters.
const LONGEST_PURPOSE: usize = 500;
/// Longest idempotency key, in characters.
const LONGEST_KEY: usize = 200;
/// Longest request id, in characters.
const LONGEST_ID: usize = 64;

/// The best of `Accept-Language`; Estonian where nothing fits.
pub fn language(headers: &HeaderMap) -> Lang {
    let all: Vec<&str> = headers.get_all(header::ACCEPT_LANGUAGE).filter_map(|value| value.to_str().ok()).collect();
    Lang::accepted(&all.join(","))
}

/// The request's id, kept with the request.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

impl RequestId {
    /// The client's id where it is one, otherwise a new one.
    pub fn of(headers: &HeaderMap) -> Self {
        let given = one(headers, &REQUEST_ID)
            .ok()
            .flatten()
            .and_then(|v| v.to_str().ok())
            .filter(|v| (1..=LONGEST_ID).contains(&v.len()))
            .filter(|v| v.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)));
        Self(given.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned))
    }
}

/// The only header of that name; two of them are nobody's.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a HeaderValue>, Problem> {
    let mut all = headers.get_all(name);
    let first = all.next();
    if all.next().is_some() {
        return Err(Problem::malformed(format!("{name} is given twice")));
    }
    Ok(first)
}

/// The token of `Authorization: Bearer`.
fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let unknown = || Problem::from(Refusal::Unauthenticated);
    let value = one(headers, &header::AUTHORIZATION)?.ok_or_else(unknown)?;
    let text = value.to_str().map_err(|_| unknown())?;
    let (scheme, token) = text.split_once(' ').ok_or_else(unknown)?;
    let token = token.trim();
    if scheme.eq_ignore_ascii_case("bearer") && (1..=4096).contains(&token.len()) { Ok(token) } else { Err(unknown()) }
}

/// `X-Purpose`: UTF-8, or percent-encoded UTF-8, or Latin-1 from clients that know no better.
fn purpose(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = one(headers, &PURPOSE)? else {
        return Ok(None);
    };
    let plain = match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => text.to_owned(),
        Err(_) => value.as_bytes().iter().map(|b| char::from(*b)).collect(),
    };
    let text = percent_decoded(&plain).unwrap_or(plain);
    let text = text.trim();
    if text.chars().any(char::is_control) {
        return Err(Problem::malformed("X-Purpose has control characters"));
    }
    if text.chars().count() > LONGEST_PURPOSE {
        return Err(Problem::malformed(format!("X-Purpose has at most {LONGEST_PURPOSE} characters")));
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// `text` with its percent-encoding undone; `None` where it is none, or not of UTF-8.
pub fn percent_decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let high = char::from(bytes.next()?).to_digit(16)?;
            let low = char::from(bytes.next()?).to_digit(16)?;
            out.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok()
}

/// `text` percent-encoded but for unreserved characters (RFC 3986).
pub fn percent_encoded(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// `If-Match`: the version in one strong tag. `*` names no version and counts as none.
fn if_match(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let malformed = || Problem::malformed("If-Match takes one version, as in \"5\"");
    let Some(value) = one(headers, &header::IF_MATCH)? else {
        return Ok(None);
    };
    let text = value.to_str().map_err(|_| malformed())?.trim();
    if text == "*" {
        return Ok(None);
    }
    let weak = text.starts_with("W/");
    let tag = text.strip_prefix("W/").unwrap_or(text);
    let inner =
        tag.strip_prefix('"').and_then(|t| t.strip_suffix('"')).filter(|t| !t.contains('"')).ok_or_else(malformed)?;
    // Weak tags never match (RFC 9110, 13.1.1), nor do tags that we never gave.
    let ours = inner.bytes().all(|b| b.is_ascii_digit()) && !inner.starts_with('0');
    inner
        .parse()
        .ok()
        .filter(|_| ours && !weak)
        .map(Some)
        .ok_or_else(|| Problem::new(Kind::Stale, "this is not the version that is current"))
}

/// `X-Acting-As`: the grant under which the caller acts, where they hold several.
fn acting_as(headers: &HeaderMap) -> Result<Option<Uuid>, Problem> {
    let Some(value) = one(headers, &ACTING_AS)? else {
        return Ok(None);
    };
    let id = value.to_str().ok().and_then(|text| Uuid::try_parse(text.trim()).ok());
    id.map(Some).ok_or_else(|| Problem::malformed("X-Acting-As takes the id of one of your grants"))
}

/// `Idempotency-Key`.
pub fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = one(headers, &IDEMPOTENCY_KEY)? else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default().trim();
    let visible = text.bytes().all(|b| b.is_ascii_graphic());
    if !visible || !(1..=LONGEST_KEY).contains(&text.len()) {
        return Err(Problem::malformed(format!("Idempotency-Key has 1 to {LONGEST_KEY} visible ASCII characters")));
    }
    Ok(Some(text.to_owned()))
}

/// The state of the web layer behind a request.
pub fn web(req: &HttpRequest) -> Result<Data<Web>, Problem> {
    req.app_data::<Data<Web>>()
        .cloned()
        .ok_or_else(|| Problem::from(crate::app::Error::Setup("no state is configured".into())))
}

/// The id that the outermost layer has given to the request.
pub fn request_id(req: &HttpRequest) -> Option<String> {
    req.extensions().get::<RequestId>().map(|r| r.0.clone())
}

/// Who asks and how, with a login that our keys have signed.
#[derive(Debug, Clone)]
pub struct Asked {
    /// For the act.
    pub cx: ActContext,
    /// For labels and messages.
    pub language: Lang,
}

impl Asked {
    /// Reads the headers.
    ///
    /// # Errors
    /// 401 without a login, 400 for a header that cannot be read.
    pub fn of(req: &HttpRequest) -> Result<Self, Problem> {
        let caller: Caller = web(req)?.app.caller(bearer(req.headers())?)?;
        let cx = ActContext {
            caller,
            purpose: purpose(req.headers())?,
            request_id: request_id(req),
            idempotency: None,
            if_match: if_match(req.headers())?,
            acting_as: acting_as(req.headers())?,
        };
        Ok(Self { cx, language: language(req.headers()) })
    }
}

impl FromRequest for Asked {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(req))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(HeaderName, &[u8])]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in list {
            map.append(name.clone(), HeaderValue::from_bytes(value).unwrap());
        }
        map
    }

    #[test]
    fn purposes_come_as_utf8_percent_encoded_or_latin1() {
        let read = |v: &[u8]| purpose(&headers(&[(PURPOSE, v)]));
        assert_eq!(read("töölepingu koostamine".as_bytes()).unwrap().unwrap(), "töölepingu koostamine");
        assert_eq!(read(b"t%C3%B6%C3%B6leping").unwrap().unwrap(), "tööleping");
        assert_eq!(read(b"t\xf6\xf6leping").unwrap().unwrap(), "tööleping");
        assert_eq!(read(b"koormus 50% ja enam").unwrap().unwrap(), "koormus 50% ja enam");
        assert_eq!(read(b"  pay  ").unwrap().unwrap(), "pay");
        assert_eq!(read(b"   ").unwrap(), None);
        assert_eq!(read(b"").unwrap(), None);
        assert_eq!(purpose(&HeaderMap::new()).unwrap(), None);
        assert!(read("õ".repeat(500).as_bytes()).unwrap().is_some());
        for wrong in [&b"a%0Ab"[..], b"a%00b", "õ".repeat(501).as_bytes()] {
            assert_eq!(read(wrong).unwrap_err().kind, Kind::Malformed);
        }
        let twice = headers(&[(PURPOSE, b"a"), (PURPOSE, b"b")]);
        assert_eq!(purpose(&twice).unwrap_err().kind, Kind::Malformed);
    }

    #[test]
    fn versions_come_in_one_strong_tag() {
        let read = |v: &[u8]| if_match(&headers(&[(header::IF_MATCH, v)]));
        assert_eq!(read(b"\"5\"").unwrap(), Some(5));
        assert_eq!(read(b"*").unwrap(), None);
        assert_eq!(if_match(&HeaderMap::new()).unwrap(), None);
        for never in [&b"W/\"5\""[..], b"\"abc\"", b"\"99999999999999999999\"", b"\"05\"", b"\"-1\"", b"\"\""] {
            assert_eq!(read(never).unwrap_err().kind, Kind::Stale, "{never:?}");
        }
        for wrong in [&b"5"[..], b"\"5\", \"6\"", b"\"5", b"", b"\xff"] {
            assert_eq!(read(wrong).unwrap_err().kind, Kind::Malformed, "{wrong:?}");
        }
    }

    #[test]
    fn idempotency_keys_are_visible_ascii() {
        let read = |v: &[u8]| idempotency_key(&headers(&[(IDEMPOTENCY_KEY, v)]));
        assert_eq!(read(b"k-1").unwrap().unwrap(), "k-1");
        assert_eq!(idempotency_key(&HeaderMap::new()).unwrap(), None);
        for wrong in [&b""[..], b"a b", b"\xc3\xb5", "k".repeat(201).as_bytes()] {
            assert_eq!(read(wrong).unwrap_err().kind, Kind::Malformed, "{wrong:?}");
        }
    }

    #[test]
    fn request_ids_are_taken_or_made() {
        let read = |v: &[u8]| RequestId::of(&headers(&[(REQUEST_ID, v)])).0;
        assert_eq!(read(b"abc-1.2_3"), "abc-1.2_3");
        for wrong in [&b""[..], b"a b", b"<script>", "a".repeat(65).as_bytes(), b"\xff"] {
            assert!(Uuid::parse_str(&read(wrong)).is_ok(), "{wrong:?}");
        }
    }

    #[test]
    fn tokens_come_from_bearer_alone() {
        let read = |v: &[u8]| bearer(&headers(&[(header::AUTHORIZATION, v)])).map(str::to_owned);
        assert_eq!(read(b"Bearer abc").unwrap(), "abc");
        assert_eq!(read(b"bearer abc").unwrap(), "abc");
        for wrong in [&b"Basic abc"[..], b"Bearer", b"Bearer ", b"abc", b"\xff"] {
            assert_eq!(read(wrong).unwrap_err().kind, Kind::Unauthenticated, "{wrong:?}");
        }
    }

    #[test]
    fn the_best_language_is_chosen() {
        let read = |v: &[u8]| language(&headers(&[(header::ACCEPT_LANGUAGE, v)]));
        assert_eq!(language(&HeaderMap::new()), Lang::Et);
        assert_eq!(read(b"en-GB,en;q=0.9"), Lang::En);
        assert_eq!(read(b"de, fi;q=0.5, sv;q=0.7"), Lang::Sv);
        assert_eq!(read(b"de"), Lang::Et);
        assert_eq!(read(b"en;q=0"), Lang::Et);
        assert_eq!(read(b";;q=x,,"), Lang::Et);
    }

    #[test]
    fn percent_encoding_goes_there_and_back() {
        let text = "tööleping 1/2.pdf";
        assert_eq!(percent_decoded(&percent_encoded(text)).unwrap(), text);
        for wrong in ["%", "%1", "%zz", "%ff"] {
            assert_eq!(percent_decoded(wrong), None, "{wrong}");
        }
    }
}
