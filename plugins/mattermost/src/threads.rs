//! The threads of incidents: the first post of each incident, to which its other messages reply.
//!
//! They are stored in the host's store, so that a thread is also found after a restart. A recovery
//! ends the thread of its incident.

use std::hash::{DefaultHasher, Hash, Hasher};

use annunciator_sdk::Host;
use futures_util::lock::{Mutex, MutexGuard};
use serde::{Deserialize, Serialize};

/// The number of locks over which incidents are distributed. Each lock lets one message pass at a
/// time, because two first messages of an incident must not begin two threads.
const LANES: usize = 16;

/// The maximum length of the part of an incident's name that a key contains, in bytes, because the
/// host limits the length of a key.
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

    /// Waits until no other message of this incident is being posted. The returned guard keeps
    /// others waiting.
    pub(crate) async fn enter(&self, incident: &str) -> Option<MutexGuard<'_, ()>> {
        Some(self.lanes.get(lane(incident))?.lock().await)
    }

    /// Returns the ID of the post that begins the incident's thread in this channel, or `None` if
    /// there is none or the store cannot be read.
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

    /// Stores the first post of an incident's thread.
    pub(crate) async fn begin(&self, incident: &str, channel_id: String, post_id: String) {
        let root = Root {
            channel_id,
            post_id,
        };
        let bytes = serde_json::to_vec(&root).unwrap_or_default();
        if let Err(error) = self.host.kv_put(&key(incident), &bytes).await {
            tracing::warn!(incident, "the thread could not be stored: {error}");
        }
    }

    /// Ends the thread of an incident.
    pub(crate) async fn end(&self, incident: &str) {
        if let Err(error) = self.host.kv_remove(&key(incident)).await {
            tracing::warn!(incident, "the thread could not be removed: {error}");
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
