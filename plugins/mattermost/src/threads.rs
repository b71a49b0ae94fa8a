//! Which post the messages of an incident answer to.
//!
//! Kept in the host's store, so that a thread is found after a restart too; a
//! recovery ends it.

use std::hash::{DefaultHasher, Hash, Hasher};

use annunciator_sdk::Host;
use futures_util::lock::{Mutex, MutexGuard};
use serde::{Deserialize, Serialize};

/// Incidents are spread over so many locks, of which each lets one message
/// through at a time: two first messages must not begin two threads.
const LANES: usize = 16;

/// How much of an incident's name a key holds, in bytes: a host takes no key
/// of any length.
const MAX_KEY_LENGTH: usize = 400;

/// The threads of one channel.
pub(crate) struct Threads {
    host: Host,
    lanes: [Mutex<()>; LANES],
}

/// The first post of an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Root {
    channel_id: String,
    post_id: String,
}

impl Threads {
    pub(crate) fn new(host: Host) -> Self {
        Self {
            host,
            lanes: Default::default(),
        }
    }

    /// Waits until no other message of this incident is on its way.
    pub(crate) async fn enter(&self, incident: &str) -> Option<MutexGuard<'_, ()>> {
        Some(self.lanes.get(lane(incident))?.lock().await)
    }

    /// The post that begins the incident's thread in this channel.
    pub(crate) async fn root(&self, incident: &str, channel_id: &str) -> Option<String> {
        match self.host.kv_get(&key(incident)).await {
            Ok(bytes) => {
                let root: Root = serde_json::from_slice(&bytes?).ok()?;
                (root.channel_id == channel_id).then_some(root.post_id)
            }
            Err(error) => {
                tracing::warn!(incident, "the thread could not be looked up: {error}");
                None
            }
        }
    }

    pub(crate) async fn begin(&self, incident: &str, channel_id: String, post_id: String) {
        let root = Root {
            channel_id,
            post_id,
        };
        let bytes = serde_json::to_vec(&root).unwrap_or_default();
        if let Err(error) = self.host.kv_put(&key(incident), &bytes).await {
            tracing::warn!(incident, "the thread could not be remembered: {error}");
        }
    }

    pub(crate) async fn end(&self, incident: &str) {
        if let Err(error) = self.host.kv_remove(&key(incident)).await {
            tracing::warn!(incident, "the thread could not be forgotten: {error}");
        }
    }
}

fn lane(incident: &str) -> usize {
    let mut hasher = DefaultHasher::new();
    incident.hash(&mut hasher);
    usize::try_from(hasher.finish() % LANES as u64).unwrap_or_default()
}

fn key(incident: &str) -> String {
    let ends = incident.char_indices().map(|(at, one)| at + one.len_utf8());
    let end = ends.take_while(|end| *end <= MAX_KEY_LENGTH).last();
    let start = end.and_then(|end| incident.get(..end)).unwrap_or_default();
    format!("thread/{start}")
}
