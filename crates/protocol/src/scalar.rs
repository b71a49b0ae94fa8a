//! The strings and numbers of a datagram, read from JSON.

use std::{borrow::Cow, fmt, ops::RangeInclusive, time::Duration};

use serde::de::{DeserializeSeed, Deserializer, Error, Visitor};

use crate::reason::FailureReason;

/// Reads a string, which is borrowed unless it has escapes.
#[derive(Clone, Copy)]
pub(crate) struct Text;

impl<'de> DeserializeSeed<'de> for Text {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Text {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

/// A number in the form in which it was written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value {
    /// A number without a sign, fraction or exponent that fits in 64 bits.
    Whole(u64),
    /// Any other number.
    Other(f64),
}

impl Value {
    /// Returns the number if it is a count.
    pub(crate) fn whole(self) -> Option<u64> {
        match self {
            Self::Whole(number) => Some(number),
            Self::Other(_) => None,
        }
    }

    /// Returns the number.
    pub(crate) fn number(self) -> f64 {
        match self {
            Self::Whole(number) => number as f64,
            Self::Other(number) => number,
        }
    }

    /// Returns the number as a duration in seconds if it is in the range.
    pub(crate) fn seconds(self, range: RangeInclusive<Duration>) -> Option<Duration> {
        let seconds = match self {
            Self::Whole(number) => Duration::from_secs(number),
            Self::Other(number) => Duration::try_from_secs_f64(number).ok()?,
        };
        range.contains(&seconds).then_some(seconds)
    }
}

/// Reads a number.
#[derive(Clone, Copy)]
pub(crate) struct Number<'a>(pub(super) &'a FailureReason);

impl<'de> DeserializeSeed<'de> for Number<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.0.at_number(true);
        let value = deserializer.deserialize_f64(self)?;
        self.0.at_number(false);
        Ok(value)
    }
}

impl Visitor<'_> for Number<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Whole(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Other(number as f64))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Other(number))
    }
}
