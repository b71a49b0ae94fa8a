//! Small state that plugins keep: receipts, thread ids, cached tokens.
//!
//! In memory, each channel by itself, bounded so that no plugin can fill the
//! host's memory: when a channel has too many keys, its oldest goes.

use std::{
    collections::{HashMap, VecDeque},
    sync::Mutex,
};

/// Keys per channel.
const MOST_KEYS: usize = 4096;
/// Bytes of a key and of a value.
const LONGEST_KEY: usize = 512;
const LARGEST_VALUE: usize = 64 * 1024;

#[derive(Default)]
pub(crate) struct KeyValues(Mutex<HashMap<Box<str>, Channel>>);

#[derive(Default)]
struct Channel {
    values: HashMap<String, Vec<u8>>,
    /// The keys, oldest first.
    order: VecDeque<String>,
}

impl KeyValues {
    pub(crate) fn value(&self, channel: &str, key: &str) -> Option<Vec<u8>> {
        let channels = self
            .0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        channels.get(channel)?.values.get(key).cloned()
    }

    /// Stores or removes; the error says which limit was broken.
    pub(crate) fn set(
        &self,
        channel: &str,
        key: String,
        value: Option<Vec<u8>>,
    ) -> Result<(), String> {
        if key.len() > LONGEST_KEY {
            return Err(format!("a key may have {LONGEST_KEY} bytes at most"));
        }
        if value
            .as_ref()
            .is_some_and(|value| value.len() > LARGEST_VALUE)
        {
            return Err(format!("a value may have {LARGEST_VALUE} bytes at most"));
        }
        let mut channels = self
            .0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        if !channels.contains_key(channel) {
            channels.insert(channel.into(), Channel::default());
        }
        if let Some(channel) = channels.get_mut(channel) {
            channel.set(key, value);
        }
        Ok(())
    }
}

impl Channel {
    fn set(&mut self, key: String, value: Option<Vec<u8>>) {
        let Some(value) = value else {
            if self.values.remove(&key).is_some() {
                self.order.retain(|known| *known != key);
            }
            return;
        };
        if self.values.insert(key.clone(), value).is_none() {
            self.order.push_back(key);
        }
        if self.order.len() > MOST_KEYS
            && let Some(oldest) = self.order.pop_front()
        {
            self.values.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_do_not_see_each_other() {
        let kv = KeyValues::default();
        kv.set("a", "k".to_owned(), Some(vec![1])).unwrap();
        assert_eq!(kv.value("a", "k"), Some(vec![1]));
        assert_eq!(kv.value("b", "k"), None);
        kv.set("a", "k".to_owned(), None).unwrap();
        assert_eq!(kv.value("a", "k"), None);
    }

    #[test]
    fn the_oldest_key_goes_when_there_are_too_many() {
        let kv = KeyValues::default();
        for i in 0..=MOST_KEYS {
            kv.set("a", i.to_string(), Some(Vec::new())).unwrap();
        }
        assert_eq!(kv.value("a", "0"), None);
        assert!(kv.value("a", "1").is_some());
        kv.set("a", "x".repeat(LONGEST_KEY + 1), None).unwrap_err();
        kv.set("a", "x".to_owned(), Some(vec![0; LARGEST_VALUE + 1]))
            .unwrap_err();
    }
}
