//! The keys of a mapping: none twice, and `<<` takes over those of others.

use std::collections::HashSet;

use super::tree::{DuplicateKey, Entry, Value};

/// Keeps the first of entries with equal keys, and tells of the others.
pub(super) fn remove_duplicates(entries: &mut Vec<Entry>, duplicates: &mut Vec<DuplicateKey>) {
    let mut seen: HashSet<Box<str>> = HashSet::new();
    let mut is_first: Vec<bool> = Vec::with_capacity(entries.len());
    for (i, entry) in entries.iter().enumerate() {
        // Most mappings are short, and then a look back is cheaper than a hash.
        let first = if entries.len() <= 8 {
            entries[..i].iter().all(|earlier| earlier.key != entry.key)
        } else {
            seen.insert(entry.key.clone())
        };
        is_first.push(first);
        if !first {
            duplicates.push(DuplicateKey {
                key: entry.key.clone(),
                id: entry.key_id,
            });
        }
    }
    let mut keep = is_first.into_iter();
    entries.retain(|_| keep.next().unwrap_or(true));
}

/// `<<: *defaults` takes over what the mapping itself does not say.
pub(super) fn merge(entries: &mut Vec<Entry>) {
    let Some(at) = entries.iter().position(|entry| &*entry.key == "<<") else {
        return;
    };
    let merged = match &entries[at].node.value {
        Value::Map(more) => more.clone(),
        Value::List(nodes) if nodes.iter().all(|node| matches!(node.value, Value::Map(_))) => nodes
            .iter()
            .flat_map(|node| match &node.value {
                Value::Map(more) => more.clone(),
                _ => Vec::new(),
            })
            .collect(),
        _ => return,
    };
    entries.remove(at);
    for entry in merged {
        if entries.iter().all(|own| own.key != entry.key) {
            entries.push(entry);
        }
    }
}
