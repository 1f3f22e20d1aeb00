//! Columns as the audit reads them: of fixed size where the log's are, and never an error: what is damaged is a
//! value like any other, which then agrees with nothing.

use std::fmt;

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::pg::{Pg, PgValue};
use diesel::sql_types::{Binary, Text};
use diesel::sqlite::{Sqlite, SqliteValue};
use sha2::{Digest, Sha256};

use crate::domain::audit::{Hash, Kind};

/// An id: 36 characters. Anything of another length is odd, and equals no id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, FromSqlRow)]
pub(super) struct Id([u8; 36]);

impl Id {
    pub fn of(text: &str) -> Self {
        if let Ok(id) = text.as_bytes().try_into() {
            return Self(id);
        }
        let mut id = [0; 36];
        for (to, from) in id.iter_mut().zip(text.bytes()) {
            *to = from;
        }
        if text.len() > 36 {
            id[35] = 0;
        }
        Self(id)
    }

    /// Whether it is the lower-case text of a UUID.
    pub fn is_uuid(&self) -> bool {
        self.0.iter().enumerate().all(|(n, byte)| match n {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text; empty for an odd one whose cut went through a character.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default().trim_end_matches('\0')
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_uuid() {
            f.write_str(self.as_str())
        } else {
            write!(f, "{:?}", String::from_utf8_lossy(&self.0).trim_end_matches('\0'))
        }
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromSql<Text, Sqlite> for Id {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        Ok(Self::of(value.read_text()))
    }
}

impl FromSql<Text, Pg> for Id {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self::of(std::str::from_utf8(value.as_bytes()).unwrap_or_default()))
    }
}

/// A text; bytes that are none are replaced, which makes it another text than it was.
#[derive(Clone, PartialEq, Eq, Debug, FromSqlRow)]
pub(super) struct Lossy(pub String);

impl FromSql<Text, Sqlite> for Lossy {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        Ok(Self(value.read_text().to_owned()))
    }
}

impl FromSql<Text, Pg> for Lossy {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(String::from_utf8_lossy(value.as_bytes()).into_owned()))
    }
}

/// 32 bytes, or `None` where there are more or fewer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromSqlRow)]
pub(super) struct Bytes32(pub Option<Hash>);

impl FromSql<Binary, Sqlite> for Bytes32 {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        Ok(Self(value.read_blob().try_into().ok()))
    }
}

impl FromSql<Binary, Pg> for Bytes32 {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(value.as_bytes().try_into().ok()))
    }
}

/// A kind, or `None` for a word that is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, FromSqlRow)]
pub(super) struct KindCell(pub Option<Kind>);

impl FromSql<Text, Sqlite> for KindCell {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        Ok(Self(value.read_text().parse().ok()))
    }
}

impl FromSql<Text, Pg> for KindCell {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(std::str::from_utf8(value.as_bytes())?.parse().ok()))
    }
}

/// A short word, kept without an allocation; one of more than 22 bytes is kept by a digest, which is enough to compare.
#[derive(Clone, Copy, PartialEq, Eq, FromSqlRow)]
pub(super) struct Word([u8; 23]);

impl Word {
    pub fn of(text: &str) -> Self {
        let digest;
        let (length, bytes) = match u8::try_from(text.len()) {
            Ok(length @ 0..=22) => (length, text.as_bytes()),
            _ => {
                digest = Sha256::digest(text);
                (u8::MAX, digest.as_slice())
            }
        };
        let mut word = [0; 23];
        for (to, from) in word.iter_mut().zip([length].iter().chain(bytes)) {
            *to = *from;
        }
        Self(word)
    }
}

impl FromSql<Text, Sqlite> for Word {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        Ok(Self::of(value.read_text()))
    }
}

impl FromSql<Text, Pg> for Word {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self::of(std::str::from_utf8(value.as_bytes())?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_another_length_equals_none() {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        assert!(Id::of(id).is_uuid());
        assert_eq!(Id::of(id).as_str(), id);
        for odd in [&id[..35], &format!("{id}0"), "", &format!("{}\u{fffd}", &id[..35]), &id.to_uppercase()] {
            assert_ne!(Id::of(odd), Id::of(id));
            assert!(!Id::of(odd).is_uuid(), "{odd}");
        }
    }

    #[test]
    fn words_are_told_apart_whatever_their_length() {
        let words = ["", "a", &"a".repeat(22), &"a".repeat(23), &"a".repeat(24)];
        for (n, a) in words.iter().enumerate() {
            for (m, b) in words.iter().enumerate() {
                assert_eq!(Word::of(a) == Word::of(b), n == m);
            }
        }
    }
}
