//! The YAML file as a tree that keeps every character: `0123` stays `0123`, with the value that
//! YAML gives it if no type is required.
//!
//! `read` builds the tree from the events of a text; `locate` finds the places of its nodes.

/// The number of a node in the order of the file, including keys and expanded aliases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NodeId(pub(crate) u32);

/// The kind that YAML gives a scalar if no type is required.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scalar {
    Null,
    Bool,
    Int,
    Float,
    Text,
}

/// A node and everything below it.
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

/// The result of reading a text.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) root: Node,
    /// The second occurrences of duplicate keys in a mapping, with their names.
    pub(crate) duplicates: Vec<(NodeId, Box<str>)>,
    /// The scalars that are not in the tree, because their keys are duplicate or are overridden in
    /// a merge. They are not read.
    pub(crate) left_out: Vec<NodeId>,
}

impl Node {
    /// Returns the entry of a mapping with this key.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|entry| &*entry.key == key),
            _ => None,
        }
    }

    /// Returns the kind of the node for a sentence: "text", "a list".
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

    /// Calls `found` for every scalar below the node, including keys.
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
