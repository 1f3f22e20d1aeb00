//! Reads the words of an event without building anything: whether the text is canonical, and where in it the
//! members stand that must agree with the event's row.
//!
//! It shares no code with what writes events: `domain::audit::canonical` makes a text, this judges one.

use std::borrow::Cow;

/// The largest magnitude of an integer in a canonical text: 2^53 − 1.
const MAX_INTEGER: u64 = (1 << 53) - 1;
/// How deep objects and arrays may nest.
const MAX_DEPTH: u32 = 100;

/// Where the members of an event stand in its text. Strings are as written, without quotes.
#[derive(Debug, Default)]
pub(super) struct Outline<'a> {
    pub id: &'a str,
    pub register: &'a str,
    pub recorded_at: &'a str,
    pub kind: &'a str,
    pub action: &'a str,
    pub decision: &'a str,
    pub user_id: Option<&'a str>,
    pub name: &'a str,
    /// The records, without brackets.
    pub record_ids: &'a str,
    pub entry_id: Option<&'a str>,
    /// The object as written.
    pub detail: Option<&'a str>,
}

impl<'a> Outline<'a> {
    /// Reads the words of an event; `None` unless they are one object in RFC 8785 form.
    pub fn read(text: &'a str) -> Option<Self> {
        let mut outline = Self::default();
        let mut actor = "{}";
        members(text, |name, value| match name {
            "action" => outline.action = inner(value),
            "actor" => actor = value,
            "decision" => outline.decision = inner(value),
            "detail" => outline.detail = Some(value),
            "entry_id" => outline.entry_id = Some(inner(value)),
            "id" => outline.id = inner(value),
            "kind" => outline.kind = inner(value),
            "record_ids" => outline.record_ids = inner(value),
            "recorded_at" => outline.recorded_at = inner(value),
            "register" => outline.register = inner(value),
            _ => {}
        })?;
        // An actor that is no object has no name, which no event lacks: that is found out later.
        let _ = members(actor, |name, value| match name {
            "user_id" => outline.user_id = Some(inner(value)),
            "name" => outline.name = inner(value),
            _ => {}
        });
        Some(outline)
    }

    /// Calls `sink` with each record named, once; gives the record where there is one only. `None` where one is no id.
    pub fn records(&self, mut sink: impl FnMut(&'a str)) -> Option<Option<&'a str>> {
        let id = |quoted: &'a str| {
            let id = quoted.strip_prefix('"')?.strip_suffix('"')?;
            (id.len() == 36).then_some(id)
        };
        match self.record_ids.len() {
            0 => Some(None),
            38 => {
                let only = id(self.record_ids)?;
                sink(only);
                Some(Some(only))
            }
            _ => {
                let mut records = self.record_ids.split(',').map(id).collect::<Option<Vec<_>>>()?;
                records.sort_unstable();
                records.dedup();
                records.iter().for_each(|record| sink(record));
                match records.as_slice() {
                    [only] => Some(Some(only)),
                    _ => Some(None),
                }
            }
        }
    }

    /// Who acted, as the store's other tables name them: by id, or by name for the installation.
    pub fn by(&self) -> Cow<'a, str> {
        self.user_id.map_or_else(|| plain(self.name), plain)
    }
}

/// What is between a value's quotes or brackets.
fn inner(value: &str) -> &str {
    value.get(1..value.len().saturating_sub(1)).unwrap_or_default()
}

/// A string as written → the string.
pub(super) fn plain(written: &str) -> Cow<'_, str> {
    if written.contains('\\') {
        serde_json::from_str(&format!("\"{written}\"")).map_or(Cow::Borrowed(written), Cow::Owned)
    } else {
        Cow::Borrowed(written)
    }
}

/// The string member of this name in a canonical object, as written.
pub(super) fn member<'a>(object: &'a str, wanted: &str) -> Option<&'a str> {
    let mut found = None;
    members(object, |name, value| {
        if name == wanted {
            found = Some(value);
        }
    })?;
    found
}

/// The same for a string, without its quotes; what is no string has no such member.
pub(super) fn text_member<'a>(object: &'a str, wanted: &str) -> Option<&'a str> {
    member(object, wanted).filter(|value| value.starts_with('"')).map(inner)
}

/// Calls `sink` with each member of the object that `text` is, name and value as written; `None` unless the whole
/// text is canonical.
pub(super) fn members<'a>(text: &'a str, mut sink: impl FnMut(&'a str, &'a str)) -> Option<()> {
    let mut scan = Scan { text: text.as_bytes(), at: 0 };
    let part = |start, end| text.get(start..end).unwrap_or_default();
    scan.object(0, &mut |name, start, end| {
        sink(part(name.start, name.end), part(start, end));
    })?;
    (scan.at == text.len()).then_some(())
}

/// Reads on from a place in a text. It only ever stops at ASCII, so that every place is one between characters.
struct Scan<'a> {
    text: &'a [u8],
    at: usize,
}

/// A string without its quotes.
#[derive(Clone, Copy)]
struct Written {
    start: usize,
    end: usize,
    /// All of it ASCII, and no escapes.
    simple: bool,
}

impl Scan<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn written(&self, string: Written) -> &[u8] {
        self.text.get(string.start..string.end).unwrap_or_default()
    }

    /// Reads an object and tells of each member the name, and where its value starts and ends.
    fn object(&mut self, depth: u32, sink: &mut impl FnMut(Written, usize, usize)) -> Option<()> {
        self.take(b'{')?;
        if self.take(b'}').is_some() {
            return Some(());
        }
        let mut last: Option<Written> = None;
        loop {
            let name = self.string()?;
            if last.is_some_and(|last| !self.are_sorted(last, name)) {
                return None;
            }
            last = Some(name);
            self.take(b':')?;
            let start = self.at;
            self.value(depth)?;
            sink(name, start, self.at);
            if self.take(b',').is_none() {
                return self.take(b'}');
            }
        }
    }

    fn array(&mut self, depth: u32) -> Option<()> {
        self.take(b'[')?;
        if self.take(b']').is_some() {
            return Some(());
        }
        loop {
            self.value(depth)?;
            if self.take(b',').is_none() {
                return self.take(b']');
            }
        }
    }

    fn value(&mut self, depth: u32) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        match self.peek()? {
            b'"' => self.string().map(|_| ()),
            b'{' => self.object(depth + 1, &mut |_, _, _| {}),
            b'[' => self.array(depth + 1),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            _ => self.integer(),
        }
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        let found = self.text.get(self.at..)?.starts_with(word);
        found.then(|| self.at += word.len())
    }

    /// An integer in its only spelling. What follows it must be a delimiter, or the caller stumbles.
    fn integer(&mut self) -> Option<()> {
        let negative = self.take(b'-').is_some();
        let (start, mut value) = (self.at, 0_u64);
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            value = value.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
            self.at += 1;
        }
        let first = self.text.get(start..self.at)?.first()?;
        let only_zero = self.at == start + 1 && !negative;
        (value <= MAX_INTEGER && (*first != b'0' || only_zero)).then_some(())
    }

    /// A string with the shortest escapes and no others. Eight bytes at a time: of all that the audit does to an event
    /// this takes the longest, after hashing it.
    fn string(&mut self) -> Option<Written> {
        self.take(b'"')?;
        let start = self.at;
        let (mut all, mut escaped) = (0, false);
        loop {
            while let Some(chunk) = self.text.get(self.at..).and_then(<[u8]>::first_chunk) {
                let chunk = u64::from_le_bytes(*chunk);
                let ends = equal(chunk, b'"') | equal(chunk, b'\\') | below(chunk, 0x20);
                if ends != 0 {
                    let plain = ends.trailing_zeros() / 8;
                    all |= chunk & ((1 << (8 * plain)) - 1);
                    self.at += plain as usize;
                    break;
                }
                all |= chunk;
                self.at += 8;
            }
            match self.peek()? {
                b'"' => {
                    let end = self.at;
                    self.at += 1;
                    let simple = !escaped && all & HIGH == 0;
                    return Some(Written { start, end, simple });
                }
                b'\\' => {
                    escaped = true;
                    self.at += escape(self.text.get(self.at + 1..)?)?;
                }
                0..0x20 => return None,
                byte => {
                    all |= u64::from(byte);
                    self.at += 1;
                }
            }
        }
    }

    /// Whether two names stand in this order: by UTF-16 code units, and no name twice.
    fn are_sorted(&self, first: Written, second: Written) -> bool {
        let (a, b) = (self.written(first), self.written(second));
        if first.simple && second.simple {
            return a < b;
        }
        let (Ok(a), Ok(b)) = (std::str::from_utf8(a), std::str::from_utf8(b)) else {
            return false;
        };
        plain(a).encode_utf16().lt(plain(b).encode_utf16())
    }
}

/// The length of an escape of which this follows the backslash.
fn escape(rest: &[u8]) -> Option<usize> {
    match rest {
        [b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't', ..] => Some(2),
        [b'u', b'0', b'0', high @ b'0'..=b'1', low, ..] => {
            let short = *high == b'0' && matches!(low, b'8' | b'9' | b'a' | b'c' | b'd');
            (!short && matches!(low, b'0'..=b'9' | b'a'..=b'f')).then_some(6)
        }
        _ => None,
    }
}

/// The highest bit of each of eight bytes.
const HIGH: u64 = 0x8080_8080_8080_8080;
/// The lowest bit of each.
const LOW: u64 = 0x0101_0101_0101_0101;

/// Has the high bit of the first byte below `bound` (at most 0x80) set, and none before it.
fn below(bytes: u64, bound: u8) -> u64 {
    bytes.wrapping_sub(LOW * u64::from(bound)) & !bytes & HIGH
}

/// The same for the first byte that is `byte`.
fn equal(bytes: u64, byte: u8) -> u64 {
    below(bytes ^ (LOW * u64::from(byte)), 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::audit::canonical::canonical_value;
    use proptest::prelude::*;
    use serde_json::Value;

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-9_007_199_254_740_991_i64..=9_007_199_254_740_991).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            r"[\x{0}-\x{24}\x{5c}\x{7f}\x{e000}\x{ffff}\x{10000}]{0,4}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            let name = r"[a-c\x{0}-\x{24}\x{5c}\x{e000}\x{ffff}\x{10000}]{0,3}";
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(name, inner, 0..6).prop_map(|m| Value::Object(m.into_iter().collect())),
            ]
        })
    }

    fn is_canonical(text: &str) -> bool {
        members(text, |_, _| {}).is_some()
    }

    proptest! {
        #[test]
        fn every_canonical_text_passes(value in json()) {
            let text = canonical_value(&serde_json::json!({ "x": value })).unwrap();
            prop_assert!(is_canonical(&text), "{text}");
        }

        #[test]
        fn what_passes_is_what_the_writer_would_have_written(
            value in json(), at in any::<prop::sample::Index>(), by in prop::sample::select(&[
                " ", "0", "-", ".0", "e1", ",", "\"", "\\", "\\u0041", "\\u000A", "\\/", "{", "}", "1", "\u{e9}", ""
            ][..]), cut in 0_usize..2,
        ) {
            let mut text = canonical_value(&serde_json::json!({ "x": value, "y": 10 })).unwrap();
            let mut at = at.index(text.len());
            while !text.is_char_boundary(at) { at -= 1; }
            let mut end = (at + cut).min(text.len());
            while !text.is_char_boundary(end) { end += 1; }
            text.replace_range(at..end, by);
            let expected = serde_json::from_str::<Value>(&text).ok()
                .and_then(|value| canonical_value(&value).ok())
                .is_some_and(|again| again == text);
            prop_assert_eq!(is_canonical(&text), expected && text.starts_with('{'), "{}", text);
        }

        #[test]
        fn no_text_makes_it_stumble(text in any::<String>()) {
            let _ = Outline::read(&text);
            let _ = Outline::read(&format!("{{\"a\":{text}}}"));
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in [
            "",
            "{",
            "[]",
            "null",
            "{} ",
            " {}",
            "{\"a\":1,}",
            "{\"a\":01}",
            "{\"a\":-0}",
            "{\"a\":1.0}",
            "{\"a\":1e3}",
            "{\"a\":9007199254740992}",
            "{\"a\":+1}",
            "{\"a\":}",
            "{\"a\":tru}",
            "{\"b\":1,\"a\":1}",
            "{\"a\":1,\"a\":1}",
            "{\"a\":\"\\u0009\"}",
            "{\"a\":\"\\u001F\"}",
            "{\"a\":\"\\/\"}",
            "{\"a\":\"\u{1}\"}",
            "{\"a\":[1,]}",
            "{\"a\":[1 ]}",
            "{\"a\" :1}",
            "{\"a\":-}",
        ] {
            assert!(!is_canonical(text), "{text}");
        }
        for text in ["{}", "{\"a\":-1,\"b\":[],\"c\":{}}", "{\"a\":\"\\u001f\\t\u{7f}/\"}", "{\"a\":0}"] {
            assert!(is_canonical(text), "{text}");
        }
        let deep = |n: usize| format!("{{\"a\":{}{}}}", "[".repeat(n), "]".repeat(n));
        assert!(is_canonical(&deep(90)) && !is_canonical(&deep(100_000)));
    }

    #[test]
    fn members_are_found() {
        let text = r#"{"action":"a\"b","actor":{"name":"n","user_id":"u"},"decision":"denied","id":"i","record_ids":["00000000-0000-0000-0000-000000000002","00000000-0000-0000-0000-000000000001","00000000-0000-0000-0000-000000000002"]}"#;
        let outline = Outline::read(text).unwrap();
        assert_eq!(plain(outline.action), "a\"b");
        assert_eq!((outline.user_id, outline.name, outline.id), (Some("u"), "n", "i"));
        assert_eq!(outline.by(), "u");
        let mut records = Vec::new();
        assert_eq!(outline.records(|r| records.push(r)), Some(None));
        assert_eq!(records, ["00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"]);
        assert_eq!(Outline::read(r#"{"record_ids":["x"]}"#).unwrap().records(|_| {}), None);
        assert_eq!(text_member(r#"{"a":"b","c":null}"#, "a"), Some("b"));
        assert_eq!(text_member(r#"{"a":"b","c":null}"#, "c"), None);
    }
}
