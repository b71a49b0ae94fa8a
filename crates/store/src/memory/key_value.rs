//! Small values of a channel's provider; if there are too many, the oldest is removed.

use std::collections::{BTreeMap, HashMap};

use crate::MAX_KV_ENTRIES;

/// The values of one channel.
#[derive(Debug, Default)]
pub(super) struct KeyValues {
    values: HashMap<String, (u64, Vec<u8>)>,
    /// The keys, the oldest first.
    order: BTreeMap<u64, String>,
    last: u64,
}

impl KeyValues {
    pub(super) fn value(&self, key: &str) -> Option<Vec<u8>> {
        self.values.get(key).map(|(_, value)| value.clone())
    }

    pub(super) fn set(&mut self, key: String, value: Option<Vec<u8>>) {
        let Some(value) = value else {
            if let Some((number, _)) = self.values.remove(&key) {
                self.order.remove(&number);
            }
            return;
        };
        if let Some((_, known)) = self.values.get_mut(&key) {
            *known = value;
            return;
        }
        self.last += 1;
        self.order.insert(self.last, key.clone());
        self.values.insert(key, (self.last, value));
        if self.order.len() > MAX_KV_ENTRIES
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.values.remove(&oldest);
        }
    }
}
