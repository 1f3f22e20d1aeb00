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

    /// The records named, each once; `None` where one is no id.
    pub fn records(&self) -> Option<Vec<&'a str>> {
        if self.record_ids.is_empty() {
            return Some(Vec::new());
        }
        let mut records = Vec::with_capacity(self.record_ids.len() / 39 + 1);
        for quoted in self.record_ids.split(',') {
            let id = quoted.strip_prefix('"')?.strip_suffix('"')?;
            if id.len() != 36 {
                return None;
            }
            records.push(id);
        }
        if records.len() > 1 {
            records.sort_unstable();
            records.dedup();
        }
        Some(records)
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
    let mut scan = Scan { text, at: 0 };
    scan.object(0, &mut sink)?;
    (scan.at == text.len()).then_some(())
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scan<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn since(&self, start: usize) -> Option<&'a str> {
        self.text.get(start..self.at)
    }

    fn object(&mut self, depth: u32, sink: &mut impl FnMut(&'a str, &'a str)) -> Option<()> {
        self.take(b'{')?;
        if self.take(b'}').is_some() {
            return Some(());
        }
        let mut last: Option<&str> = None;
        loop {
            let name = self.string()?;
            if last.is_some_and(|last| !sorted(last, name)) {
                return None;
            }
            last = Some(name);
            self.take(b':')?;
            let start = self.at;
            self.value(depth)?;
            sink(name, self.since(start)?);
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
            b'{' => self.object(depth + 1, &mut |_, _| {}),
            b'[' => self.array(depth + 1),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => self.integer(),
        }
    }

    fn word(&mut self, word: &str) -> Option<()> {
        let found = self.text.get(self.at..)?.starts_with(word);
        found.then(|| self.at += word.len())
    }

    /// An integer in its only spelling. What follows it must be a delimiter, or the caller stumbles.
    fn integer(&mut self) -> Option<()> {
        let negative = self.take(b'-').is_some();
        let start = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        let digits = self.since(start)?;
        let zero = digits == "0" && !negative;
        let value: u64 = digits.parse().ok()?;
        (zero || !digits.starts_with('0') && value <= MAX_INTEGER).then_some(())
    }

    /// A string with the shortest escapes and no others; as written, without quotes.
    fn string(&mut self) -> Option<&'a str> {
        self.take(b'"')?;
        let start = self.at;
        loop {
            match self.peek()? {
                b'"' => {
                    let written = self.since(start);
                    self.at += 1;
                    return written;
                }
                b'\\' => {
                    let rest = self.text.as_bytes().get(self.at + 1..)?;
                    self.at += match rest {
                        [b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't', ..] => 2,
                        [b'u', b'0', b'0', high @ b'0'..=b'1', low, ..] => {
                            let short = *high == b'0' && matches!(low, b'8' | b'9' | b'a' | b'c' | b'd');
                            if short || !matches!(low, b'0'..=b'9' | b'a'..=b'f') {
                                return None;
                            }
                            6
                        }
                        _ => return None,
                    };
                }
                0..0x20 => return None,
                _ => self.at += 1,
            }
        }
    }
}

/// Whether two names, as written, stand in this order: by UTF-16 code units, and no name twice.
fn sorted(first: &str, second: &str) -> bool {
    let simple = |name: &str| name.bytes().all(|b| b.is_ascii() && b != b'\\');
    if simple(first) && simple(second) {
        first < second
    } else {
        plain(first).encode_utf16().lt(plain(second).encode_utf16())
    }
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
            "[\u{0}-\u{24}\u{5c}\u{e000}\u{ffff}\u{10000}]{0,4}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            let name = "[a-c\u{0}-\u{24}\u{5c}\u{e000}\u{ffff}\u{10000}]{0,3}";
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
        assert_eq!(
            outline.records().unwrap(),
            ["00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"]
        );
        assert_eq!(Outline::read(r#"{"record_ids":["x"]}"#).unwrap().records(), None);
        assert_eq!(text_member(r#"{"a":"b","c":null}"#, "a"), Some("b"));
        assert_eq!(text_member(r#"{"a":"b","c":null}"#, "c"), None);
    }
}
