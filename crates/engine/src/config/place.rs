//! From a path of field names and indices to the node that it names.

use super::{
    path::FieldPath,
    tree::{Entry, NodeId, Value},
};
use crate::line::printable;

/// Where a path leads.
pub(super) struct Place {
    /// The node, or the nearest above that exists; a mapping stands where its
    /// key does.
    pub(super) id: NodeId,
    /// The path as people read it: `recipients[1]`.
    pub(super) field: FieldPath,
}

/// Walks down from an entry, whose own path is `from`.
pub(super) fn place<'a>(
    entry: &Entry,
    from: FieldPath,
    path: impl IntoIterator<Item = &'a str>,
) -> Place {
    let mut found = Place {
        id: entry.key_id,
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
                    continue;
                }
                None
            }
            Some(Value::Scalar(..)) | None => None,
        };
        found.field = found.field.key(&printable(part));
        at = next.map(|(node, _)| node);
        found.id = next.map_or(found.id, |(_, id)| id);
    }
    found
}
