//! Resolves a path of field names and indices to the node that it names.

use super::{
    path::FieldPath,
    tree::{Entry, Node, NodeId, Value},
};
use crate::line::printable;

/// The node to which a path leads.
pub(super) struct FieldPlace<'a> {
    /// The node, or the nearest one above it that exists. The place of a mapping is that of its
    /// key.
    pub(super) id: NodeId,
    /// The content of the node.
    pub(super) node: &'a Node,
    /// The path as people read it: `recipients[1]`.
    pub(super) field: FieldPath,
}

/// Follows a path down from an entry, whose own path is `from`.
pub(super) fn place<'a, 'path>(
    entry: &'a Entry,
    from: FieldPath,
    path: impl IntoIterator<Item = &'path str>,
) -> FieldPlace<'a> {
    let mut found = FieldPlace {
        id: entry.key_id,
        node: &entry.node,
        field: from,
    };
    let mut at = Some(&entry.node);
    for part in path {
        let next = match at.map(|node| &node.value) {
            Some(Value::Map(entries)) => {
                entries
                    .iter()
                    .find(|entry| &*entry.key == part)
                    .map(|entry| match entry.node.value {
                        Value::Map(_) => (&entry.node, entry.key_id),
                        Value::List(_) | Value::Scalar(..) => (&entry.node, entry.node.id),
                    })
            }
            Some(Value::List(nodes)) => {
                if let Ok(index) = part.parse() {
                    found.field = found.field.index(index);
                    let node = nodes.get(index);
                    (at, found.id) = (node, node.map_or(found.id, |node| node.id));
                    found.node = node.unwrap_or(found.node);
                    continue;
                }
                None
            }
            Some(Value::Scalar(..)) | None => None,
        };
        found.field = found.field.key(&printable(part));
        at = next.map(|(node, _)| node);
        found.node = at.unwrap_or(found.node);
        found.id = next.map_or(found.id, |(_, id)| id);
    }
    found
}
