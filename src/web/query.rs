//! Query strings: only parameters that the route declares, each once, in UTF-8.

use std::collections::BTreeMap;
use std::future::{Ready, ready};
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use uuid::Uuid;

use super::context::percent_decoded;
use super::json;
use super::problem::Problem;
use crate::domain::calendar::parse_day;

/// Most parameters in one query.
const MOST: usize = 50;
/// Items of a page when nothing is said.
const USUAL: i64 = 50;
/// Most items of a page.
const LARGEST: i64 = 500;

/// What kind of text a parameter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamKind {
    /// Any text.
    Text,
    /// A UUID.
    Id,
    /// A day.
    Day,
    /// An instant.
    Instant,
    /// A day or an instant.
    Moment,
    /// A whole number, not negative.
    Number,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// `name[field]=value`, any number of them.
    Fields,
}

/// A query parameter of a route.
#[derive(Debug, Clone, Copy)]
pub struct Param {
    /// Name.
    pub name: &'static str,
    /// Kind.
    pub kind: ParamKind,
    /// Whether it must be there.
    pub required: bool,
    /// What it does.
    pub about: &'static str,
}

impl Param {
    /// A parameter that may be left out.
    pub const fn new(name: &'static str, kind: ParamKind, about: &'static str) -> Self {
        Self { name, kind, required: false, about }
    }

    fn takes(&self, key: &str) -> bool {
        match self.kind {
            ParamKind::Fields => field(key, self.name).is_some(),
            _ => key == self.name,
        }
    }
}

/// The field of `name[field]`.
fn field<'a>(key: &'a str, name: &str) -> Option<&'a str> {
    key.strip_prefix(name)?.strip_prefix('[')?.strip_suffix(']').filter(|f| !f.is_empty())
}

/// The parameters of one request.
#[derive(Debug, Clone, Default)]
pub struct Query(BTreeMap<String, String>);

impl Query {
    /// Reads a query string of a route that knows `params`.
    ///
    /// # Errors
    /// 400 for a parameter that is unknown, given twice, or no UTF-8.
    pub fn parse(text: &str, params: &[Param]) -> Result<Self, Problem> {
        let mut found = BTreeMap::new();
        for (n, pair) in text.split('&').filter(|p| !p.is_empty()).enumerate() {
            if n >= MOST {
                return Err(Problem::malformed(format!("at most {MOST} query parameters")));
            }
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let plain = |t: &str| {
                percent_decoded(&t.replace('+', " "))
                    .filter(|t| !t.contains('\0'))
                    .ok_or_else(|| Problem::malformed("the query is not percent-encoded UTF-8"))
            };
            let (key, value) = (plain(key)?, plain(value)?);
            if !params.iter().any(|p| p.takes(&key)) {
                let key: String = key.chars().filter(|c| !c.is_control()).take(60).collect();
                return Err(Problem::parameter(&key, "unknown_parameter", "There is no such parameter here."));
            }
            if found.insert(key.clone(), value).is_some() {
                return Err(Problem::parameter(&key, "repeated", "This parameter may be given once."));
            }
        }
        Ok(Self(found))
    }

    /// A text; `None` where it is missing or blank.
    pub fn text(&self, name: &str) -> Option<String> {
        self.0.get(name).filter(|v| !v.trim().is_empty()).cloned()
    }

    fn read<T>(&self, name: &str, detail: &str, read: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, Problem> {
        self.0.get(name).map(|v| read(v).ok_or_else(|| Problem::parameter(name, "type", detail))).transpose()
    }

    /// An id.
    ///
    /// # Errors
    /// 400 for what is none.
    pub fn id(&self, name: &str) -> Result<Option<Uuid>, Problem> {
        self.read(name, "A UUID is expected.", json::uuid)
    }

    /// A day.
    ///
    /// # Errors
    /// 400 for what is none.
    pub fn day(&self, name: &str) -> Result<Option<NaiveDate>, Problem> {
        self.read(name, "A day is expected: YYYY-MM-DD.", day)
    }

    /// An instant.
    ///
    /// # Errors
    /// 400 for what is none.
    pub fn instant(&self, name: &str) -> Result<Option<DateTime<Utc>>, Problem> {
        self.read(name, "An instant is expected: RFC 3339.", instant)
    }

    /// A whole number.
    ///
    /// # Errors
    /// 400 for what is none.
    pub fn number<T: FromStr>(&self, name: &str) -> Result<Option<T>, Problem> {
        self.read(name, "A whole number is expected, not negative.", |v| {
            v.bytes().all(|b| b.is_ascii_digit()).then(|| v.parse().ok())?
        })
    }

    /// One of a few words.
    ///
    /// # Errors
    /// 400 for another.
    pub fn one_of<T>(&self, name: &str, words: &[(&str, T)]) -> Result<Option<T>, Problem>
    where
        T: Copy,
    {
        let list: Vec<&str> = words.iter().map(|(w, _)| *w).collect();
        self.read(name, &format!("One of these is expected: {}.", list.join(", ")), |v| {
            words.iter().find(|(w, _)| *w == v).map(|(_, t)| *t)
        })
    }

    /// A moment: an instant, or a day of the zone `zone`. The beginning of the day, or its end where `end` is asked.
    ///
    /// # Errors
    /// 400 for what is neither.
    pub fn moment(&self, name: &str, zone: chrono_tz::Tz, end: bool) -> Result<Option<DateTime<Utc>>, Problem> {
        self.read(name, "A day (YYYY-MM-DD) or an instant (RFC 3339) is expected.", |v| match day(v) {
            Some(day) => midnight(day.checked_add_days(Days::new(u64::from(end)))?, zone),
            None => instant(v),
        })
    }

    /// How many items a page has.
    ///
    /// # Errors
    /// 400 for what is no number from 1 to 500.
    pub fn limit(&self) -> Result<i64, Problem> {
        let detail = format!("A whole number from 1 to {LARGEST} is expected.");
        let read = self.read("limit", &detail, |v| {
            let digits = v.bytes().all(|b| b.is_ascii_digit());
            v.parse().ok().filter(|n| digits && (1..=LARGEST).contains(n))
        })?;
        Ok(read.unwrap_or(USUAL))
    }

    /// The values of `name[field]`, by field.
    pub fn fields(&self, name: &str) -> BTreeMap<String, String> {
        let named = |(k, v): (&String, &String)| Some((field(k, name)?.to_owned(), v.clone()));
        self.0.iter().filter_map(named).collect()
    }
}

impl FromRequest for Query {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        // The guard of the route has read it already.
        ready(Ok(req.extensions().get::<Self>().cloned().unwrap_or_default()))
    }
}

/// `YYYY-MM-DD` with four digits of a year from 1 on.
pub fn day(text: &str) -> Option<NaiveDate> {
    let digits = text.bytes().enumerate().all(|(n, b)| match n {
        4 | 7 => b == b'-',
        _ => b.is_ascii_digit(),
    });
    (digits && !text.starts_with("0000")).then(|| parse_day(text))?
}

fn instant(text: &str) -> Option<DateTime<Utc>> {
    // A plus sign that was not encoded arrives as a space.
    let text = text.replace(' ', "+");
    let read = DateTime::parse_from_rfc3339(&text).ok()?.with_timezone(&Utc);
    (1..=9999).contains(&chrono::Datelike::year(&read)).then_some(read)
}

/// The instant at which a day begins; after the gap, where clocks are put forward at midnight.
fn midnight(day: NaiveDate, zone: chrono_tz::Tz) -> Option<DateTime<Utc>> {
    let local = day.and_time(NaiveTime::MIN);
    local
        .and_local_timezone(zone)
        .earliest()
        .or_else(|| (local + chrono::TimeDelta::hours(1)).and_local_timezone(zone).earliest())
        .map(|t| t.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::problem::Kind;

    const PARAMS: &[Param] = &[
        Param::new("q", ParamKind::Text, ""),
        Param::new("limit", ParamKind::Number, ""),
        Param::new("to", ParamKind::Moment, ""),
        Param::new("filter", ParamKind::Fields, ""),
    ];

    fn parse(text: &str) -> Result<Query, Problem> {
        Query::parse(text, PARAMS)
    }

    #[test]
    fn unknown_repeated_and_undecodable_parameters_are_refused() {
        assert_eq!(parse("q=M%C3%A4nd+1&").unwrap().text("q").unwrap(), "Mänd 1");
        assert_eq!(parse("q=").unwrap().text("q"), None);
        for wrong in ["x=1", "q=1&q=2", "q=%ff", "q=%", "q=%00", "filter=1", "filter[]=1", "filter[a=1"] {
            assert_eq!(parse(wrong).unwrap_err().kind, Kind::Malformed, "{wrong}");
        }
        assert_eq!(parse("x=1").unwrap_err().errors[0].pointer, "/x");
        let many = "q=1&".repeat(60);
        assert!(parse(&many).is_err());
        let fields = parse("filter[a]=1&filter%5Bb%5D=2").unwrap().fields("filter");
        assert_eq!(fields.into_iter().collect::<Vec<_>>(), [("a".into(), "1".into()), ("b".into(), "2".into())]);
    }

    #[test]
    fn a_page_has_one_to_five_hundred_items() {
        let limit = |text: &str| parse(text).unwrap().limit();
        assert_eq!(limit("").unwrap(), 50);
        assert_eq!(limit("limit=1").unwrap(), 1);
        assert_eq!(limit("limit=500").unwrap(), 500);
        for wrong in
            ["limit=0", "limit=501", "limit=-1", "limit=x", "limit=", "limit=%2B5", "limit=99999999999999999999"]
        {
            assert_eq!(limit(wrong).unwrap_err().errors[0].pointer, "/limit", "{wrong}");
        }
    }

    #[test]
    fn the_end_of_a_day_is_the_registers_own() {
        let to = |text: &str| {
            parse(text).unwrap().moment("to", chrono_tz::Europe::Tallinn, true).unwrap().unwrap().to_rfc3339()
        };
        assert_eq!(to("to=2026-07-01"), "2026-07-01T21:00:00+00:00");
        assert_eq!(to("to=2026-07-01T12:00:00Z"), "2026-07-01T12:00:00+00:00");
        assert_eq!(to("to=2026-07-01T12:00:00+03:00"), "2026-07-01T09:00:00+00:00");
        assert!(parse("to=2026-7-1").unwrap().moment("to", chrono_tz::UTC, true).is_err());
    }

    #[test]
    fn a_day_has_ten_characters() {
        assert!(day("2026-02-28").is_some());
        for wrong in ["2026-02-30", "-026-01-01", "+026-01-01", "0000-01-01", "2026-1-01", "2026-01-01 "] {
            assert!(day(wrong).is_none(), "{wrong}");
        }
    }
}
