//! The keys of a mapping: none is duplicate, and `<<` merges those of other mappings.

use std::collections::HashSet;

use super::tree::{Entry, Node, NodeId, Value};

/// Keeps the first of entries with equal keys and reports the others.
pub(super) fn remove_duplicates(
    entries: &mut Vec<Entry>,
    duplicates: &mut Vec<(NodeId, Box<str>)>,
    left_out: &mut Vec<NodeId>,
) {
    let mut seen: HashSet<Box<str>> = HashSet::new();
    let mut is_first: Vec<bool> = Vec::with_capacity(entries.len());
    for (i, entry) in entries.iter().enumerate() {
        // Most mappings are short, and then comparing with all earlier keys is cheaper than
        // hashing.
        let first = if entries.len() <= 8 {
            entries[..i].iter().all(|earlier| earlier.key != entry.key)
        } else {
            seen.insert(entry.key.clone())
        };
        is_first.push(first);
        if !first {
            left_out.push(entry.key_id);
            entry.node.scalars(&mut |id| left_out.push(id));
            duplicates.push((entry.key_id, entry.key.clone()));
        }
    }
    let mut keep = is_first.into_iter();
    entries.retain(|_| keep.next().unwrap_or(true));
}

/// Merges mappings: `<<: *defaults` adds the keys that the mapping itself does not have.
pub(super) fn merge(entries: &mut Vec<Entry>, left_out: &mut Vec<NodeId>) {
    let Some(at) = entries.iter().position(|entry| &*entry.key == "<<") else {
        return;
    };
    let is_map = |node: &Node| matches!(node.value, Value::Map(_));
    let can_be_merged = match &entries[at].node.value {
        Value::Map(_) => true,
        Value::List(nodes) => nodes.iter().all(is_map),
        Value::Scalar(..) => false,
    };
    if !can_be_merged {
        return;
    }
    let merged = match entries.remove(at).node.value {
        Value::Map(more) => more,
        Value::List(nodes) => nodes
            .into_iter()
            .flat_map(|node| match node.value {
                Value::Map(more) => more,
                Value::List(_) | Value::Scalar(..) => Vec::new(),
            })
            .collect(),
        Value::Scalar(..) => Vec::new(),
    };
    let mut own: HashSet<Box<str>> = entries.iter().map(|entry| entry.key.clone()).collect();
    for entry in merged {
        if own.insert(entry.key.clone()) {
            entries.push(entry);
        } else {
            entry.node.scalars(&mut |id| left_out.push(id));
        }
    }
}
