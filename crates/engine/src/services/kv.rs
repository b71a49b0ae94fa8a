//! Small state that a plugin keeps: receipts, thread ids, cached tokens.
//!
//! In memory, each channel by itself for as long as it is open, bounded so that
//! no plugin can fill the host's memory: when there are too many keys, the
//! oldest goes.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard},
};

/// Keys per channel.
const MOST_KEYS: usize = 4096;
/// Bytes of a key and of a value.
const LONGEST_KEY: usize = 512;
const LARGEST_VALUE: usize = 64 * 1024;

/// What one channel keeps.
#[derive(Default)]
pub(crate) struct KeyValues(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    values: HashMap<String, Vec<u8>>,
    /// The keys, oldest first.
    order: VecDeque<String>,
}

impl KeyValues {
    pub(crate) fn value(&self, key: &str) -> Option<Vec<u8>> {
        self.kept().values.get(key).cloned()
    }

    /// Stores or removes; the error says which limit was broken.
    pub(crate) fn set(&self, key: String, value: Option<Vec<u8>>) -> Result<(), String> {
        if key.len() > LONGEST_KEY {
            return Err(format!("a key may have {LONGEST_KEY} bytes at most"));
        }
        if value
            .as_ref()
            .is_some_and(|value| value.len() > LARGEST_VALUE)
        {
            return Err(format!("a value may have {LARGEST_VALUE} bytes at most"));
        }
        self.kept().set(key, value);
        Ok(())
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Kept {
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
    fn a_value_is_there_until_it_is_removed() {
        let kv = KeyValues::default();
        assert_eq!(kv.value("k"), None);
        kv.set("k".to_owned(), Some(vec![1])).unwrap();
        assert_eq!(kv.value("k"), Some(vec![1]));
        kv.set("k".to_owned(), None).unwrap();
        assert_eq!(kv.value("k"), None);
    }

    #[test]
    fn the_oldest_key_goes_when_there_are_too_many() {
        let kv = KeyValues::default();
        for i in 0..=MOST_KEYS {
            kv.set(i.to_string(), Some(Vec::new())).unwrap();
        }
        assert_eq!(kv.value("0"), None);
        assert!(kv.value("1").is_some());
        kv.set("x".repeat(LONGEST_KEY + 1), None).unwrap_err();
        kv.set("x".to_owned(), Some(vec![0; LARGEST_VALUE + 1]))
            .unwrap_err();
    }
}
