//! Canonical JSON: one text, and only one, for every value that a register commits to.
//!
//! The text is RFC 8785 (JSON Canonicalization Scheme): no white space, object members sorted by
//! the UTF-16 code units of their names, shortest escapes. RFC 8785 writes every number as an IEEE
//! 754 double, so two integers above 2^53 can share one text; and a float's text depends on the
//! printing algorithm. Events hold neither: both are refused here, before any text exists.

use serde::Serialize;
use serde::ser;
use std::fmt::Display;
use thiserror::Error;

/// The largest magnitude of an integer that RFC 8785 keeps exact: 2^53 − 1 (RFC 8785 appendix D,
/// RFC 7493 section 2.2). As microseconds since 1970 it lasts until the year 2255.
pub const MAX_INTEGER: u64 = (1 << 53) - 1;

/// Why a value has no canonical text.
#[derive(Debug, Error)]
pub enum CanonicalError {
    /// The value holds a floating-point number, finite or not, as a value or as an object key.
    #[error("a floating-point number cannot be committed to")]
    Float,
    /// The value holds an integer whose magnitude exceeds [`MAX_INTEGER`]; RFC 8785 would round it.
    #[error("an integer beyond 2^53 - 1 cannot be committed to")]
    Integer,
    /// The value cannot be written as JSON at all: its own `Serialize` failed, a map key is no
    /// string, or an object names one member twice.
    #[error("not serialisable as canonical JSON: {0}")]
    Serialize(#[source] serde_json::Error),
}

/// The RFC 8785 text of `value`, as UTF-8 without white space or a final newline.
///
/// Equal values give equal texts whatever the order of their members. Strings are kept code point
/// by code point: no Unicode normalisation takes place (RFC 8785 section 3.1).
///
/// # Errors
/// [`CanonicalError`]: a float, an integer beyond 2^53 − 1, or a value that isn't JSON.
pub fn canonical<T: Serialize + ?Sized>(value: &T) -> Result<String, CanonicalError> {
    value.serialize(Check::Value)?;
    serde_json_canonicalizer::to_string(&value).map_err(CanonicalError::Serialize)
}

/// The RFC 8785 text of a JSON value already at hand; the same rules as [`canonical`].
///
/// # Errors
/// [`CanonicalError`]: a float (`1.0` is one too) or an integer beyond 2^53 − 1.
pub fn canonical_value(value: &serde_json::Value) -> Result<String, CanonicalError> {
    canonical(value)
}

/// The struct name under which `serde_json` serialises a `Number` when its feature
/// `arbitrary_precision` is on anywhere in the build; the only field is then the number's text.
const NUMBER_TOKEN: &str = "$serde_json::private::Number";

/// A serialiser that writes nothing and stops at the first number that is not exact under RFC 8785.
///
/// `serde_json` can't do this: it writes a NaN as `null`, also when called through the
/// canonicaliser.
#[derive(Clone, Copy)]
enum Check {
    /// An ordinary value is expected.
    Value,
    /// The text of a number is expected ([`NUMBER_TOKEN`]).
    NumberText,
}

impl Check {
    /// Refuses a magnitude beyond [`MAX_INTEGER`].
    fn integer(magnitude: Option<u64>) -> Result<(), CanonicalError> {
        match magnitude {
            Some(magnitude) if magnitude <= MAX_INTEGER => Ok(()),
            _ => Err(CanonicalError::Integer),
        }
    }
}

impl ser::Error for CanonicalError {
    fn custom<M: Display>(message: M) -> Self {
        Self::Serialize(ser::Error::custom(message))
    }
}

impl ser::Serializer for Check {
    type Ok = ();
    type Error = CanonicalError;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    fn serialize_bool(self, _: bool) -> Result<(), CanonicalError> {
        Ok(())
    }

    fn serialize_i8(self, _: i8) -> Result<(), CanonicalError> {
        Ok(())
    }

    fn serialize_i16(self, _: i16) -> Result<(), CanonicalError> {
        Ok(())
    }

    fn serialize_i32(self, _: i32) -> Result<(), CanonicalError> {
        Ok(())
    }

    fn serialize_i64(self, value: i64) -> Result<(), CanonicalError> {
        Self::integer(Some(value.unsigned_abs()))
    }

    fn serialize_i128(self, value: i128) -> Result<(), CanonicalError> {
        Self::integer(u64::try_from(value.unsigned_abs()).ok())
    }

    fn serialize_u8(self, _: u8) -> Result<(), CanonicalError> {
        Ok(())
    }

    fn serialize_u16(self, _: u16) -> Result<(), CanonicalError> {
        Ok(())
    }

    fn serialize_u32(self, _: u32) -> Result<(), CanonicalError> {
        Ok(())
    }

    fn serialize_u64(self, value: u64) -> Result<(), CanonicalError> {
        Self::integer(Some(value))
    }

    fn serialize_u128(self, value: u128) -> Result<(), CanonicalError> {
        Self::integer(u64::try_from(value).ok())
    }

    fn serialize_f32(self, _: f32) -> Result<(), CanonicalError> {
        Err(CanonicalError::Float)
    }

    fn serialize_f64(self, _: f64) -> Result<(), CanonicalError> {
        Err(CanonicalError::Float)
    }

    fn serialize_char(self, _: char) -> Result<(), CanonicalError> {
        Ok(())
    }

    fn serialize_str(self, text: &str) -> Result<(), CanonicalError> {
        match self {
            Self::Value => Ok(()),
            Self::NumberText => match text.parse::<i128>() {
                Ok(value) => self.serialize_i128(value),
                Err(_) => Err(CanonicalError::Float),
            },
        }
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), CanonicalError> {
        Ok(())
    }

    fn serialize_none(self) -> Result<(), CanonicalError> {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), CanonicalError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), CanonicalError> {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), CanonicalError> {
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Result<(), CanonicalError> {
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), CanonicalError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), CanonicalError> {
        value.serialize(self)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self, CanonicalError> {
        Ok(self)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self, CanonicalError> {
        Ok(self)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, CanonicalError> {
        Ok(self)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, CanonicalError> {
        Ok(self)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self, CanonicalError> {
        Ok(self)
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Self, CanonicalError> {
        Ok(if name == NUMBER_TOKEN { Self::NumberText } else { self })
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, CanonicalError> {
        Ok(self)
    }

    fn collect_str<T: Display + ?Sized>(self, _: &T) -> Result<(), CanonicalError> {
        Ok(())
    }
}

/// Implements the compound serialisers that hold unnamed parts.
macro_rules! check_parts {
    ($($role:ident $method:ident),+ $(,)?) => {$(
        impl ser::$role for Check {
            type Ok = ();
            type Error = CanonicalError;

            fn $method<T: Serialize + ?Sized>(&mut self, part: &T) -> Result<(), CanonicalError> {
                part.serialize(*self)
            }

            fn end(self) -> Result<(), CanonicalError> {
                Ok(())
            }
        }
    )+};
}

check_parts! {
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field,
}

impl ser::SerializeMap for Check {
    type Ok = ();
    type Error = CanonicalError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), CanonicalError> {
        key.serialize(*self)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CanonicalError> {
        value.serialize(*self)
    }

    fn end(self) -> Result<(), CanonicalError> {
        Ok(())
    }
}

/// Implements the compound serialisers that hold named fields.
macro_rules! check_fields {
    ($($role:ident),+) => {$(
        impl ser::$role for Check {
            type Ok = ();
            type Error = CanonicalError;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                _: &'static str,
                value: &T,
            ) -> Result<(), CanonicalError> {
                value.serialize(*self)
            }

            fn end(self) -> Result<(), CanonicalError> {
                Ok(())
            }
        }
    )+};
}

check_fields!(SerializeStruct, SerializeStructVariant);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use std::collections::{BTreeMap, HashMap};

    #[test]
    fn members_sort_by_utf16_code_units() {
        // The sample of RFC 8785 section 3.2.3.
        let value = json!({
            "\u{20ac}": "Euro Sign", "\r": "Carriage Return", "\u{fb33}": "Hebrew Letter Dalet With Dagesh",
            "1": "One", "\u{1f600}": "Emoji: Grinning Face", "\u{80}": "Control",
            "\u{f6}": "Latin Small Letter O With Diaeresis"
        });
        assert_eq!(
            canonical_value(&value).unwrap(),
            "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",\
             \"\u{f6}\":\"Latin Small Letter O With Diaeresis\",\"\u{20ac}\":\"Euro Sign\",\
             \"\u{1f600}\":\"Emoji: Grinning Face\",\"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}"
        );
    }

    #[test]
    fn strings_are_escaped_the_short_way() {
        // The string of RFC 8785 section 3.2.2.
        let value = json!({"string": "\u{20ac}$\u{f}\nA'\u{42}\u{22}\u{5c}\\\"/", "literals": [null, true, false]});
        assert_eq!(
            canonical_value(&value).unwrap(),
            "{\"literals\":[null,true,false],\"string\":\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}"
        );
        assert_eq!(canonical("\u{8}\u{9}\u{c}\u{7f}\u{1b}").unwrap(), "\"\\b\\t\\f\u{7f}\\u001b\"");
    }

    #[test]
    fn a_type_and_its_value_have_the_same_text() {
        #[derive(Serialize)]
        #[serde(rename_all = "lowercase")]
        enum Act {
            Read,
            Write { field: Option<&'static str> },
            Grant(u8, char),
        }
        #[derive(Serialize)]
        struct Event<'a> {
            when: i64,
            acts: Vec<Act>,
            basis: &'a str,
            counts: BTreeMap<u32, i128>,
        }
        let event = Event {
            when: -1,
            acts: vec![Act::Read, Act::Write { field: None }, Act::Grant(7, 'õ')],
            basis: "§ 12 lg 1",
            counts: BTreeMap::from([(10, 1), (9, 2)]),
        };
        let text = canonical(&event).unwrap();
        assert_eq!(
            text,
            r#"{"acts":["read",{"write":{"field":null}},{"grant":[7,"õ"]}],"basis":"§ 12 lg 1","counts":{"10":1,"9":2},"when":-1}"#
        );
        assert_eq!(canonical_value(&serde_json::to_value(&event).unwrap()).unwrap(), text);
    }

    #[test]
    fn floats_are_refused_wherever_they_stand() {
        #[derive(Serialize)]
        struct Deep {
            inner: Vec<Option<(f64,)>>,
        }
        for number in [0.0, -0.0, 1.0, 0.5, 1e300, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(matches!(canonical(&number), Err(CanonicalError::Float)));
            let deep = Deep { inner: vec![None, Some((number,))] };
            assert!(matches!(canonical(&deep), Err(CanonicalError::Float)), "{number}");
        }
        assert!(matches!(canonical(&[1.0_f32]), Err(CanonicalError::Float)));
        let text: Value = serde_json::from_str(r#"{"a":[{"b":1.0}]}"#).unwrap();
        assert!(matches!(canonical_value(&text), Err(CanonicalError::Float)));
        let exponent: Value = serde_json::from_str("1e2").unwrap();
        assert!(matches!(canonical_value(&exponent), Err(CanonicalError::Float)));
    }

    #[test]
    fn integers_are_exact_or_refused() {
        let max = i64::try_from(MAX_INTEGER).unwrap();
        assert_eq!(canonical(&max).unwrap(), "9007199254740991");
        assert_eq!(canonical(&-max).unwrap(), "-9007199254740991");
        assert!(matches!(canonical(&(max + 1)), Err(CanonicalError::Integer)));
        assert!(matches!(canonical(&(-max - 1)), Err(CanonicalError::Integer)));
        for refused in [json!(u64::MAX), json!(i64::MIN), json!({"seq": [1_u64 << 53]})] {
            assert!(matches!(canonical_value(&refused), Err(CanonicalError::Integer)), "{refused}");
        }
        assert!(matches!(canonical(&u128::MAX), Err(CanonicalError::Integer)));
        assert!(matches!(canonical(&i128::MIN), Err(CanonicalError::Integer)));
        assert!(matches!(canonical(&HashMap::from([(u64::MAX, 1)])), Err(CanonicalError::Integer)));
    }

    #[test]
    fn arbitrary_precision_numbers_are_still_checked() {
        struct Number(&'static str);
        impl Serialize for Number {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeStruct;
                let mut fields = serializer.serialize_struct(NUMBER_TOKEN, 1)?;
                fields.serialize_field(NUMBER_TOKEN, self.0)?;
                fields.end()
            }
        }
        assert!(Number("-42").serialize(Check::Value).is_ok());
        assert!(matches!(Number("1.5").serialize(Check::Value), Err(CanonicalError::Float)));
        assert!(matches!([Number("9007199254740992")].serialize(Check::Value), Err(CanonicalError::Integer)));
    }

    #[test]
    fn what_json_cannot_say_is_refused() {
        #[derive(Serialize)]
        struct Twice {
            name: u8,
            #[serde(rename = "name")]
            again: u8,
        }
        assert!(matches!(canonical(&Twice { name: 1, again: 2 }), Err(CanonicalError::Serialize(_))));
        let keyed = HashMap::from([((1, 2), 3)]);
        assert!(matches!(canonical(&keyed), Err(CanonicalError::Serialize(_))));
    }

    /// Any JSON value without floats and with exact integers.
    fn value() -> impl Strategy<Value = Value> {
        let max = i64::try_from(MAX_INTEGER).unwrap();
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-max..=max).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 48, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::hash_map(any::<String>(), inner, 0..6)
                    .prop_map(|members| members.into_iter().collect::<Value>()),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_text_says_the_value_and_is_a_fixed_point(value in value()) {
            let text = canonical_value(&value).unwrap();
            let read: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(&read, &value);
            prop_assert_eq!(canonical_value(&read).unwrap(), text);
        }
    }
}
