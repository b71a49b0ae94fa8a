//! The YAML file as a tree that keeps every character.
//!
//! serde_yaml resolves a plain scalar when nobody says what is wanted
//! (`0123` becomes a number and its zero is gone), and keeps the characters
//! when text is asked for. So the file is read twice: once to learn the kind
//! of every node, and once to ask for text wherever a scalar is known to be.
//! A large file of simple lines is read once, by `stream`, to the same tree.
//! Positions are not known here; see `locate`.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{
    keys::{merge, remove_duplicates},
    reference::FORMS,
    stream,
};

/// A node's number in the order of the file, keys included, aliases expanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NodeId(pub(crate) u32);

/// What YAML makes of a scalar when nobody says what is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scalar {
    Null,
    Bool,
    Int,
    Float,
    Text,
}

/// One node and what is below it.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) id: NodeId,
    pub(crate) value: Value,
}

#[derive(Debug, Clone)]
pub(crate) enum Value {
    /// A scalar with its characters as typed, quotes resolved.
    Scalar(Scalar, Box<str>),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: Box<str>,
    pub(crate) key_id: NodeId,
    pub(crate) node: Node,
}

/// A key that stands twice in one mapping.
#[derive(Debug, Clone)]
pub(crate) struct DuplicateKey {
    pub(crate) key: Box<str>,
    pub(crate) id: NodeId,
}

impl Node {
    /// Puts a text in the place of everything that refers to a secret.
    pub(crate) fn replace_references(&mut self, secret: &str) {
        match &mut self.value {
            Value::Map(entries) => {
                let is_reference = matches!(&entries[..], [entry]
                    if FORMS.iter().any(|(form, _)| *form == &*entry.key));
                if is_reference {
                    self.value = Value::Scalar(Scalar::Text, secret.into());
                } else {
                    let nodes = entries.iter_mut().map(|entry| &mut entry.node);
                    nodes.for_each(|node| node.replace_references(secret));
                }
            }
            Value::List(nodes) => {
                nodes
                    .iter_mut()
                    .for_each(|node| node.replace_references(secret));
            }
            Value::Scalar(..) => {}
        }
    }

    /// The entry of a mapping under this key.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|entry| &*entry.key == key),
            _ => None,
        }
    }

    /// What the node is, for a sentence: "text", "a list".
    pub(crate) fn noun(&self) -> &'static str {
        match &self.value {
            Value::Scalar(Scalar::Null, _) => "nothing",
            Value::Scalar(Scalar::Bool, _) => "true or false",
            Value::Scalar(Scalar::Int, _) => "a whole number",
            Value::Scalar(Scalar::Float, _) => "a number",
            Value::Scalar(Scalar::Text, _) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self.value, Value::Scalar(Scalar::Null, _))
    }
}

/// Reads a file. Duplicate keys are reported and the first one counts.
pub(crate) fn parse(text: &str) -> Result<(Node, Vec<DuplicateKey>), serde_yaml::Error> {
    stream::read(text).map_or_else(|| read_whole(text), Ok)
}

/// Reads any file, in two readings.
pub(super) fn read_whole(text: &str) -> Result<(Node, Vec<DuplicateKey>), serde_yaml::Error> {
    let mut tape = Vec::new();
    Learn(&mut tape).deserialize(serde_yaml::Deserializer::from_str(text))?;
    let mut reading = Reading {
        tape: &tape,
        next: 0,
        duplicates: Vec::new(),
    };
    let root = Read(&mut reading).deserialize(serde_yaml::Deserializer::from_str(text))?;
    Ok((root, reading.duplicates))
}

/// What serde_yaml makes of a plain scalar.
pub(super) fn kind_of(plain: &str) -> Scalar {
    match plain {
        "" | "~" | "null" | "Null" | "NULL" => return Scalar::Null,
        "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => return Scalar::Bool,
        _ if !plain.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) => {
            return Scalar::Text;
        }
        _ => {}
    }
    let mut tape = Vec::new();
    let learnt = Learn(&mut tape).deserialize(serde_yaml::Deserializer::from_str(plain));
    match (learnt, tape.as_slice()) {
        (Ok(()), [Kind::Scalar(scalar)]) => *scalar,
        _ => Scalar::Text,
    }
}

/// The kind of one node, learnt in the first reading.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Scalar(Scalar),
    List,
    Map,
}

/// First reading: every node's kind, in order.
struct Learn<'a>(&'a mut Vec<Kind>);

impl<'de> DeserializeSeed<'de> for Learn<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Learn<'_> {
    fn scalar<E>(self, scalar: Scalar) -> Result<(), E> {
        self.0.push(Kind::Scalar(scalar));
        Ok(())
    }
}

impl<'de> Visitor<'de> for Learn<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value without a tag (`!…`)")
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        self.scalar(Scalar::Null)
    }
    fn visit_none<E>(self) -> Result<(), E> {
        self.scalar(Scalar::Null)
    }
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        self.scalar(Scalar::Bool)
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        self.scalar(Scalar::Int)
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        self.scalar(Scalar::Int)
    }
    fn visit_i128<E>(self, _: i128) -> Result<(), E> {
        self.scalar(Scalar::Int)
    }
    fn visit_u128<E>(self, _: u128) -> Result<(), E> {
        self.scalar(Scalar::Int)
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        self.scalar(Scalar::Float)
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        self.scalar(Scalar::Text)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        self.0.push(Kind::List);
        while list.next_element_seed(Learn(self.0))?.is_some() {}
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.0.push(Kind::Map);
        while map.next_key_seed(Learn(self.0))?.is_some() {
            map.next_value_seed(Learn(self.0))?;
        }
        Ok(())
    }
}

struct Reading<'a> {
    tape: &'a [Kind],
    next: u32,
    duplicates: Vec<DuplicateKey>,
}

/// Second reading: the tree.
struct Read<'a, 'b>(&'a mut Reading<'b>);

impl<'de> DeserializeSeed<'de> for Read<'_, '_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        let id = NodeId(self.0.next);
        let kind = self.0.tape.get(id.0 as usize).copied();
        self.0.next += 1;
        let value = match kind {
            Some(Kind::Scalar(Scalar::Null)) => {
                IgnoredAny::deserialize_any(deserializer)?;
                Value::Scalar(Scalar::Null, "".into())
            }
            Some(Kind::Scalar(scalar)) => {
                Value::Scalar(scalar, deserializer.deserialize_str(Characters)?)
            }
            Some(Kind::List) => deserializer.deserialize_seq(self)?,
            Some(Kind::Map) => deserializer.deserialize_map(self)?,
            None => return Err(de::Error::custom("the file changed while it was read")),
        };
        Ok(Node { id, value })
    }
}

/// Lets [`IgnoredAny`] read a null that has no characters.
trait DeserializeAny<'de>: Sized {
    fn deserialize_any<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

impl<'de> DeserializeAny<'de> for IgnoredAny {
    fn deserialize_any<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IgnoredAny)
    }
}

struct Characters;

impl Visitor<'_> for Characters {
    type Value = Box<str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a scalar")
    }
    fn visit_str<E>(self, text: &str) -> Result<Box<str>, E> {
        Ok(text.into())
    }
}

impl<'de> Visitor<'de> for Read<'_, '_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list or a mapping")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = list.next_element_seed(Read(self.0))? {
            nodes.push(node);
        }
        nodes.shrink_to_fit();
        Ok(Value::List(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries: Vec<Entry> = Vec::new();
        while let Some(key) = map.next_key_seed(Read(self.0))? {
            let node = map.next_value_seed(Read(self.0))?;
            let Value::Scalar(_, text) = key.value else {
                return Err(de::Error::custom("a key must be a plain word"));
            };
            entries.push(Entry {
                key: text,
                key_id: key.id,
                node,
            });
        }
        remove_duplicates(&mut entries, &mut self.0.duplicates);
        merge(&mut entries);
        entries.shrink_to_fit();
        Ok(Value::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalar(text: &str) -> (Scalar, String) {
        let (root, _) = parse(&format!("k: {text}\n")).unwrap();
        match &root.entry("k").unwrap().node.value {
            Value::Scalar(kind, text) => (*kind, text.to_string()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_characters_are_kept_whatever_yaml_would_make_of_them() {
        for (typed, kind) in [
            ("+12025551234", Scalar::Int),
            ("+0987654321", Scalar::Text),
            ("0123", Scalar::Text),
            ("1e5", Scalar::Float),
            ("yes", Scalar::Text),
            ("0x1F", Scalar::Int),
            ("1_000", Scalar::Text),
            (".5", Scalar::Float),
            ("true", Scalar::Bool),
        ] {
            let (found, text) = scalar(typed);
            assert_eq!(text, typed);
            assert_eq!(found, kind, "{typed}");
        }
    }

    #[test]
    fn quotes_make_text_and_are_resolved() {
        assert_eq!(scalar(r#""58\u0037""#), (Scalar::Text, "587".to_owned()));
        assert_eq!(scalar("'it''s'"), (Scalar::Text, "it's".to_owned()));
        assert_eq!(scalar("~").0, Scalar::Null);
        assert_eq!(scalar("").0, Scalar::Null);
    }

    #[test]
    fn a_key_twice_is_reported_and_the_first_counts() {
        let (root, duplicates) = parse("a: 1\nb: 2\na: 3\n").unwrap();
        assert_eq!(duplicates.len(), 1);
        assert_eq!((&*duplicates[0].key, duplicates[0].id), ("a", NodeId(5)));
        let Value::Scalar(_, text) = &root.entry("a").unwrap().node.value else {
            panic!("not a scalar");
        };
        assert_eq!(&**text, "1");
    }

    #[test]
    fn anchors_and_merge_keys_work() {
        let text = "base: &b {x: 1, y: 2}\nuse:\n  <<: *b\n  y: 3\n";
        let (root, _) = parse(text).unwrap();
        let node = &root.entry("use").unwrap().node;
        assert!(node.entry("x").is_some());
        let Value::Scalar(_, y) = &node.entry("y").unwrap().node.value else {
            panic!("not a scalar");
        };
        assert_eq!(&**y, "3");
    }

    #[test]
    fn a_bomb_of_aliases_and_a_deep_nesting_are_errors() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for i in 1..12 {
            let below = format!("*a{},", i - 1).repeat(10);
            bomb.push_str(&format!("a{i}: &a{i} [{below}]\n"));
        }
        parse(&bomb).unwrap_err();
        parse(&"[".repeat(10_000)).unwrap_err();
    }
}
