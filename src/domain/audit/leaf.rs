//! The leaf of a register's log: the only part of an audit event that stays for ever.
//!
//! A leaf says that something of a coarse kind happened, as the n-th event, at an instant; and it
//! commits to the event with a keyed digest. Who acted, on whom and why stand in the event, which
//! can be erased together with its salt: no one can then find out what the digest was made of, yet
//! every proof holds.

pub use super::tree::Hash;
use super::tree::leaf_hash;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Datelike, NaiveDate, Timelike};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// What an event was, as coarsely as the public log may say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Data was shown.
    Read,
    /// An entry was made or superseded.
    Write,
    /// A right was given, changed or ended.
    Grant,
    /// Data left the register.
    Disclosure,
    /// Data was destroyed or transferred under a retention rule.
    Erasure,
    /// Somebody logged in, out, or failed to.
    Login,
    /// The register's own definition or settings changed.
    Config,
    /// A base document was added or opened.
    Document,
    /// An act was refused.
    Denial,
    /// Data was written out in bulk.
    Export,
    /// A case was opened, taken forward or decided.
    Case,
    /// A job of the installation ran or sent something.
    Job,
    /// Data were checked or confirmed by those who answer for them.
    Confirmation,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 13] = [
        Self::Read,
        Self::Write,
        Self::Grant,
        Self::Disclosure,
        Self::Erasure,
        Self::Login,
        Self::Config,
        Self::Document,
        Self::Denial,
        Self::Export,
        Self::Case,
        Self::Job,
        Self::Confirmation,
    ];

    /// The name in the leaf: the variant's, in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Grant => "grant",
            Self::Disclosure => "disclosure",
            Self::Erasure => "erasure",
            Self::Login => "login",
            Self::Config => "config",
            Self::Document => "document",
            Self::Denial => "denial",
            Self::Export => "export",
            Self::Case => "case",
            Self::Job => "job",
            Self::Confirmation => "confirmation",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A name that is no [`Kind`]'s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("no such kind of event")]
pub struct UnknownKind;

impl FromStr for Kind {
    type Err = UnknownKind;

    /// The kind of exactly this name, in lower case.
    fn from_str(name: &str) -> Result<Self, UnknownKind> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name).ok_or(UnknownKind)
    }
}

/// The commitment to an event: HMAC-SHA256 (RFC 2104) with the event's own 32 random bytes of salt
/// as the key and its canonical text as the message. The salt is kept beside the event and goes
/// with it.
#[must_use]
pub fn commit(salt: &[u8; 32], canonical_event: &str) -> Hash {
    // RFC 2104 fills a key up to the block with zeroes; a key of a whole block needs no fallible
    // call.
    let mut key = [0; 64];
    for (byte, salt) in key.iter_mut().zip(salt) {
        *byte = *salt;
    }
    let mut mac = <Hmac<Sha256> as KeyInit>::new(&key.into());
    mac.update(canonical_event.as_bytes());
    mac.finalize().into_bytes().into()
}

/// One entry of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Leaf {
    /// The zero-based index in the tree; at most 2^53 − 1, the last integer that JSON keeps exact.
    pub seq: u64,
    /// When the register recorded the event: microseconds since 1970-01-01T00:00:00Z, leap seconds
    /// left out; within the years 0 to 9999.
    pub recorded_at_micros: i64,
    /// What it was.
    pub kind: Kind,
    /// The commitment to the event, [`commit`].
    pub commitment: Hash,
}

/// Why a text is no leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum LeafError {
    /// The members `c`, `k`, `seq`, `t` and `v` = 1 don't stand there in this order and form.
    #[error("not a leaf of version 1")]
    Shape,
    /// The commitment `c` is no 32 bytes in Base64.
    #[error("the leaf's commitment is not 32 bytes in Base64")]
    Commitment,
    /// The kind `k` is unknown.
    #[error("the leaf's kind is unknown")]
    Kind,
    /// The sequence number `seq` is no integer from 0 to 2^53 − 1.
    #[error("the leaf's sequence number is not an exact integer")]
    Sequence,
    /// The time `t` is no instant of the form `2026-11-21T10:00:00.000000Z`.
    #[error("the leaf's time is not an instant in UTC with microseconds")]
    Time,
    /// The text says all this, but not in the one way that is canonical.
    #[error("the leaf is not in canonical form")]
    NotCanonical,
}

impl Leaf {
    /// The leaf as the log holds it: the RFC 8785 form of `{v, seq, t, k, c}`, about 130 bytes of
    /// ASCII without a final newline:
    ///
    /// ```json
    /// {"c":"<44 characters>","k":"read","seq":0,"t":"2026-11-21T10:00:00.000000Z","v":1}
    /// ```
    ///
    /// `c` is standard Base64 with padding (RFC 4648 section 4), `t` RFC 3339 with six decimals. A
    /// year beyond 0 to 9999 has no such form: `t` is then the bare number, and [`Leaf::parse`]
    /// refuses it.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::with_capacity(160);
        text.push_str(r#"{"c":""#);
        STANDARD.encode_string(self.commitment, &mut text);
        text.push_str(r#"","k":""#);
        text.push_str(self.kind.as_str());
        text.push_str(r#"","seq":"#);
        push_number(&mut text, self.seq);
        text.push_str(r#","t":""#);
        push_instant(&mut text, self.recorded_at_micros);
        text.push_str(r#"","v":1}"#);
        text
    }

    /// Reads exactly what [`Leaf::text`] writes, and nothing else: the text must equal its own
    /// leaf's text byte for byte.
    ///
    /// # Errors
    /// [`LeafError`], naming the first part that is wrong.
    pub fn parse(text: &str) -> Result<Self, LeafError> {
        let rest = text.strip_prefix(r#"{"c":""#).ok_or(LeafError::Shape)?;
        let (commitment, rest) = rest.split_once(r#"","k":""#).ok_or(LeafError::Shape)?;
        let (kind, rest) = rest.split_once(r#"","seq":"#).ok_or(LeafError::Shape)?;
        let (seq, rest) = rest.split_once(r#","t":""#).ok_or(LeafError::Shape)?;
        let time = rest.strip_suffix(r#"","v":1}"#).ok_or(LeafError::Shape)?;

        let commitment = STANDARD.decode(commitment).map_err(|_| LeafError::Commitment)?;
        let leaf = Self {
            seq: seq.parse().map_err(|_| LeafError::Sequence)?,
            recorded_at_micros: parse_instant(time).ok_or(LeafError::Time)?,
            kind: kind.parse().map_err(|UnknownKind| LeafError::Kind)?,
            commitment: commitment.try_into().map_err(|_| LeafError::Commitment)?,
        };
        if leaf.seq > super::canonical::MAX_INTEGER {
            return Err(LeafError::Sequence);
        }
        if leaf.text() != text {
            return Err(LeafError::NotCanonical);
        }
        Ok(leaf)
    }

    /// The leaf's hash in the tree: SHA-256(0x00 ‖ [`Leaf::text`]) (RFC 6962 section 2.1).
    #[must_use]
    pub fn hash(&self) -> Hash {
        leaf_hash(self.text().as_bytes())
    }
}

/// The last `N` decimal digits of `value`, with leading zeroes.
fn digits<const N: usize>(mut value: u64) -> [char; N] {
    let mut digits = ['0'; N];
    for digit in digits.iter_mut().rev() {
        *digit = char::from(b'0' + (value % 10) as u8);
        value /= 10;
    }
    digits
}

/// Appends `value` in decimal without leading zeroes.
fn push_number(text: &mut String, value: u64) {
    let length = value.checked_ilog10().map_or(1, |exponent| exponent as usize + 1);
    text.extend(digits::<20>(value).iter().skip(20 - length));
}

/// Appends an instant as RFC 3339 with six decimals and `Z`, or as the bare number of microseconds
/// where RFC 3339 has no year for it.
fn push_instant(text: &mut String, micros: i64) {
    let time = DateTime::from_timestamp_micros(micros)
        .and_then(|time| Some((time, u64::try_from(time.year()).ok()?)))
        .filter(|(_, year)| *year <= 9999);
    let Some((time, year)) = time else {
        return text.push_str(&micros.to_string());
    };
    text.extend(digits::<4>(year));
    for (before, part) in
        [('-', time.month()), ('-', time.day()), ('T', time.hour()), (':', time.minute()), (':', time.second())]
    {
        text.push(before);
        text.extend(digits::<2>(part.into()));
    }
    text.push('.');
    text.extend(digits::<6>(time.timestamp_subsec_micros().into()));
    text.push('Z');
}

/// The instant of a text such as `2026-11-21T10:00:00.000000Z`, in microseconds since 1970. Takes a
/// few other spellings too: whoever calls compares with what [`push_instant`] writes.
fn parse_instant(text: &str) -> Option<i64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut date = date.split('-');
    let mut next = || date.next()?.parse::<u16>().ok();
    let date = NaiveDate::from_ymd_opt(next()?.into(), next()?.into(), next()?.into())?;
    let (time, micros) = time.split_once('.')?;
    let mut time = time.split(':').chain([micros]);
    let mut next = || time.next()?.parse::<u32>().ok();
    let instant = date.and_hms_micro_opt(next()?, next()?, next()?, next()?)?;
    Some(instant.and_utc().timestamp_micros())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::audit::canonical::{MAX_INTEGER, canonical_value};
    use proptest::prelude::*;
    use serde_json::json;

    /// 2026-11-21T10:00:00Z.
    const TEN: i64 = 1_795_255_200_000_000;

    fn known() -> Leaf {
        let event = r#"{"what":"read"}"#;
        Leaf { seq: 42, recorded_at_micros: TEN, kind: Kind::Read, commitment: commit(&[7; 32], event) }
    }

    fn micros(time: &str) -> i64 {
        DateTime::parse_from_rfc3339(time).unwrap().timestamp_micros()
    }

    #[test]
    fn kinds_have_one_name() {
        for kind in Kind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            assert_eq!(kind.to_string(), format!("{kind:?}").to_lowercase());
            assert_eq!(json!(kind), json!(kind.as_str()));
            assert_eq!(kind.as_str().to_uppercase().parse::<Kind>(), Err(UnknownKind));
        }
        assert_eq!("".parse::<Kind>(), Err(UnknownKind));
        assert_eq!(format!("{:>6}", Kind::Read), "  read");
    }

    #[test]
    fn a_commitment_is_hmac_sha256() {
        // RFC 4231, test case 1 has a key of 20 bytes, which filled up with zeroes is the same key.
        let mut salt = [0; 32];
        salt[..20].fill(0x0b);
        let expected = "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7";
        let found: String = commit(&salt, "Hi There").iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_commitment_opens_only_with_its_salt_and_event() {
        let commitment = commit(&[7; 32], "event");
        for bit in 0..256 {
            let mut salt = [7; 32];
            salt[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(commit(&salt, "event"), commitment);
        }
        assert_ne!(commit(&[7; 32], "evenu"), commitment);
    }

    #[test]
    fn the_text_is_known() {
        // The commitment as Python computes it: hmac.new(b"\x07" * 32, event, sha256).
        let leaf = known();
        assert_eq!(
            leaf.text(),
            "{\"c\":\"JoFd800RtLmdLjqMG9adJDseFMtk6vA5yuvv1622rDk=\",\"k\":\"read\",\
             \"seq\":42,\"t\":\"2026-11-21T10:00:00.000000Z\",\"v\":1}"
        );
        assert_eq!(leaf.hash(), leaf_hash(leaf.text().as_bytes()));
    }

    #[test]
    fn instants_at_the_edges() {
        for time in [
            "0000-01-01T00:00:00.000000Z",
            "1582-10-15T00:00:00.000001Z",
            "1969-12-31T23:59:59.999999Z",
            "1970-01-01T00:00:00.000000Z",
            "2000-02-29T12:34:56.789012Z",
            "2100-02-28T23:59:59.000000Z",
            "9999-12-31T23:59:59.999999Z",
        ] {
            let leaf = Leaf { recorded_at_micros: micros(time), ..known() };
            assert!(leaf.text().contains(&format!(r#""t":"{time}""#)), "{}", leaf.text());
            assert_eq!(Leaf::parse(&leaf.text()), Ok(leaf));
        }
    }

    #[test]
    fn what_has_no_rfc_3339_year_is_written_but_never_read() {
        let last = micros("9999-12-31T23:59:59.999999Z");
        let first = micros("0000-01-01T00:00:00.000000Z");
        for beyond in [last + 1, first - 1, i64::MIN, i64::MAX] {
            let text = Leaf { recorded_at_micros: beyond, ..known() }.text();
            assert!(text.contains(&format!(r#""t":"{beyond}""#)));
            assert_eq!(Leaf::parse(&text), Err(LeafError::Time));
        }
    }

    #[test]
    fn sequence_numbers_at_the_edges() {
        for seq in [0, 1, 9, 10, 99, 100, 12_345_678_901, MAX_INTEGER] {
            let leaf = Leaf { seq, ..known() };
            assert!(leaf.text().contains(&format!(r#""seq":{seq},"#)));
            assert_eq!(Leaf::parse(&leaf.text()), Ok(leaf));
        }
        for seq in [MAX_INTEGER + 1, u64::MAX] {
            let leaf = Leaf { seq, ..known() };
            assert!(leaf.text().contains(&format!(r#""seq":{seq},"#)));
            assert_eq!(Leaf::parse(&leaf.text()), Err(LeafError::Sequence));
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        let text = known().text();
        for (from, to, error) in [
            ("{", "{ ", LeafError::Shape),
            (",\"v\":1}", ",\"v\":2}", LeafError::Shape),
            (",\"v\":1}", ",\"v\":1}\n", LeafError::Shape),
            (",\"v\":1}", ",\"v\":1,\"x\":0}", LeafError::Shape),
            ("\"seq\":", "\"seq\": ", LeafError::Sequence),
            ("\"k\"", "\"K\"", LeafError::Shape),
            ("read", "Read", LeafError::Kind),
            ("read", "", LeafError::Kind),
            ("42", "042", LeafError::NotCanonical),
            ("42", "+42", LeafError::NotCanonical),
            ("42", "-42", LeafError::Sequence),
            ("42", "42.0", LeafError::Sequence),
            ("42", "\"42\"", LeafError::Sequence),
            ("42", "18446744073709551616", LeafError::Sequence),
            ("=\"", "\"", LeafError::Commitment),
            ("=\"", "==\"", LeafError::Commitment),
            ("\"c\":\"", "\"c\":\"AAAA", LeafError::Commitment),
            ("\"c\":\"", "\"c\":\"-", LeafError::Commitment),
            (".000000Z", "Z", LeafError::Time),
            (".000000Z", ".000Z", LeafError::NotCanonical),
            (".000000Z", ".000000+00:00", LeafError::Time),
            (".000000Z", ".0000000Z", LeafError::NotCanonical),
            ("2026-11", "2026-13", LeafError::Time),
            ("2026-11-21", "2026-02-29", LeafError::Time),
            ("T10", "t10", LeafError::Time),
            ("T10", "T24", LeafError::Time),
            ("T10:00:00.000000", "T10:00:60.000000", LeafError::Time),
            ("T10:00:00.000000", "T10:00:59.1000000", LeafError::NotCanonical),
            ("2026-11-21", "2026-11-21-01", LeafError::NotCanonical),
            ("T10:00:00.", "T10:00:00:00.", LeafError::NotCanonical),
            ("2026-", "02026-", LeafError::NotCanonical),
            ("2026-", "+2026-", LeafError::NotCanonical),
        ] {
            assert!(text.contains(from));
            let other = text.replacen(from, to, 1);
            assert_eq!(Leaf::parse(&other), Err(error), "{other}");
        }
        for end in 0..text.len() {
            assert_eq!(Leaf::parse(&text[..end]), Err(LeafError::Shape));
        }
        // A last character whose unused bits are set decodes to the same bytes elsewhere, but not
        // here.
        let at = text.find("=\"").unwrap() - 1;
        let mut other = text.clone().into_bytes();
        other[at] += 1;
        assert_eq!(Leaf::parse(std::str::from_utf8(&other).unwrap()), Err(LeafError::Commitment));
    }

    #[test]
    fn every_flipped_bit_of_a_text_is_refused_or_another_leaf() {
        let leaf = known();
        let text = leaf.text().into_bytes();
        for bit in 0..text.len() * 8 {
            let mut other = text.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(leaf_hash(&other), leaf.hash());
            if let Ok(Ok(parsed)) = std::str::from_utf8(&other).map(Leaf::parse) {
                assert_ne!(parsed, leaf);
            }
        }
    }

    proptest! {
        #[test]
        fn the_text_is_canonical_and_read_back(
            seq in 0..=MAX_INTEGER,
            recorded_at_micros in micros("0000-01-01T00:00:00Z")..micros("9999-12-31T23:59:59Z"),
            kind in prop::sample::select(&Kind::ALL),
            commitment in any::<Hash>(),
        ) {
            let leaf = Leaf { seq, recorded_at_micros, kind, commitment };
            let time = DateTime::from_timestamp_micros(recorded_at_micros).unwrap();
            let value = json!({
                "v": 1,
                "seq": seq,
                "t": time.to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
                "k": kind,
                "c": STANDARD.encode(commitment),
            });
            prop_assert_eq!(leaf.text(), canonical_value(&value).unwrap());
            prop_assert_eq!(Leaf::parse(&leaf.text()), Ok(leaf));
        }

        #[test]
        fn no_text_at_all_makes_the_reader_stumble(text in any::<String>(), cut in 0_usize..140) {
            let known = known().text();
            let (start, end) = known.split_at(cut.min(known.len()));
            let text = format!("{start}{text}{end}");
            if let Ok(leaf) = Leaf::parse(&text) {
                prop_assert_eq!(leaf.text(), text);
            }
        }
    }
}
