//! The kind of a scalar: text, number, boolean or null. serde_yaml decides the kind of a plain
//! scalar, and a tag may override it.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Visitor};

use super::tree::Scalar;

/// The maximum length of a number.
const MAX_NUMBER: usize = 400;

/// The prefix of YAML's own tags.
const CORE_TAG: &str = "tag:yaml.org,2002:";

/// Returns a tag without the prefix of YAML's own tags.
pub(super) fn own_name(tag: &str) -> &str {
    tag.strip_prefix(CORE_TAG).unwrap_or(tag)
}

/// Returns the kind of a scalar according to its tag, if it has one. Returns `None` for a foreign
/// tag, or one that does not match.
pub(super) fn tagged(tag: Option<&str>, untyped: Scalar) -> Option<Scalar> {
    let Some(tag) = tag else {
        return Some(untyped);
    };
    let wanted = match own_name(tag) {
        "str" => Scalar::Text,
        "int" => Scalar::Int,
        "float" => Scalar::Float,
        "bool" => Scalar::Bool,
        "null" => Scalar::Null,
        _ => return None,
    };
    let fits = wanted == untyped
        || wanted == Scalar::Text
        || (wanted == Scalar::Float && untyped == Scalar::Int);
    fits.then_some(wanted)
}

/// Returns the kind that serde_yaml gives a plain scalar.
pub(super) fn kind_of(plain: &str) -> Scalar {
    match plain {
        "" | "~" | "null" | "Null" | "NULL" => return Scalar::Null,
        "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => return Scalar::Bool,
        _ if !plain.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) => {
            return Scalar::Text;
        }
        // No number is longer, and a long text need not be read twice.
        _ if plain.len() > MAX_NUMBER || plain.contains(['\n', ' ']) => return Scalar::Text,
        _ => {}
    }
    serde_yaml::from_str::<Kind>(plain).map_or(Scalar::Text, |kind| kind.0)
}

/// The kind of a scalar, as serde_yaml reports it.
struct Kind(Scalar);

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KindVisitor)
    }
}

struct KindVisitor;

impl Visitor<'_> for KindVisitor {
    type Value = Kind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a scalar")
    }
    fn visit_i64<E>(self, _: i64) -> Result<Kind, E> {
        Ok(Kind(Scalar::Int))
    }
    fn visit_u64<E>(self, _: u64) -> Result<Kind, E> {
        Ok(Kind(Scalar::Int))
    }
    fn visit_i128<E>(self, _: i128) -> Result<Kind, E> {
        Ok(Kind(Scalar::Int))
    }
    fn visit_u128<E>(self, _: u128) -> Result<Kind, E> {
        Ok(Kind(Scalar::Int))
    }
    fn visit_f64<E>(self, _: f64) -> Result<Kind, E> {
        Ok(Kind(Scalar::Float))
    }
    fn visit_str<E>(self, _: &str) -> Result<Kind, E> {
        Ok(Kind(Scalar::Text))
    }
}
