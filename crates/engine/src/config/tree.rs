//! The YAML file as a tree that keeps every character: `0123` stays `0123`, and
//! what YAML makes of it when nobody says what is wanted stands beside it.
//!
//! `read` makes the tree of a text's events; `locate` knows where its nodes
//! stand.

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

/// What was read of a text.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) root: Node,
    /// Keys that stand twice in one mapping: the second ones, and what they are.
    pub(crate) duplicates: Vec<(NodeId, Box<str>)>,
    /// The scalars that are not in the tree, since their keys stand twice or a
    /// merged mapping says something else: nobody reads them.
    pub(crate) left_out: Vec<NodeId>,
}

impl Node {
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

    /// Every scalar below, keys included.
    pub(crate) fn scalars(&self, found: &mut impl FnMut(NodeId)) {
        match &self.value {
            Value::Scalar(..) => found(self.id),
            Value::List(nodes) => nodes.iter().for_each(|node| node.scalars(found)),
            Value::Map(entries) => {
                for entry in entries {
                    found(entry.key_id);
                    entry.node.scalars(found);
                }
            }
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self.value, Value::Scalar(Scalar::Null, _))
    }
}
