//! The receipts of emergencies: <https://pushover.net/api/receipts>.
//!
//! Receipts are stored in the host's store by incident, so that a recovery finds them. A task in
//! the background follows each emergency until somebody acknowledges it, and the recovery of its
//! incident cancels it, as does an acknowledgement of the same incident. A proof that the host does
//! not accept at the moment is reported again.

use std::sync::Arc;
use std::time::Duration;

use annunciator_sdk::{Acknowledgement, Host, HostError, HttpRequest, Proof, redacted};
use futures_util::lock::Mutex;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::api::Api;
use crate::config::Config;
use crate::people::People;

/// The minimum interval between two polls that the service allows.
const MIN_POLL_INTERVAL: Duration = Duration::from_secs(5);

/// The maximum number of receipts that are stored for one incident. Older ones have long expired.
const MAX_KV_ENTRIES: usize = 64;

/// The maximum number of emergencies that are followed after a restart, because the host limits the
/// size of the value of one key.
const MAX_FOLLOWED: usize = 96;
/// The key of the emergencies that are followed.
const FOLLOWED: &str = "followed";

/// The maximum length of the part of an incident's name that a key contains, in bytes, because the
/// host limits the length of a key.
const MAX_KEY_LENGTH: usize = 400;

/// An emergency that may still be repeating.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pending {
    pub(crate) receipt: String,
    /// When the service stops repeating it, in Unix seconds.
    pub(crate) expires_at: u64,
    /// The host's reference to the delivery.
    #[serde(default)]
    pub(crate) reference: String,
}

/// An emergency that is followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Followed {
    pending: Pending,
    /// The key under which its incident's receipts are stored, if it has an incident.
    incident: Option<String>,
}

#[derive(Deserialize)]
struct State {
    #[serde(default)]
    acknowledged: u8,
    /// When it was acknowledged, in Unix seconds, or 0.
    #[serde(default)]
    acknowledged_at: i64,
    /// The user key of the person, which is a secret.
    #[serde(default)]
    acknowledged_by: String,
    #[serde(default)]
    acknowledged_by_device: String,
    #[serde(default)]
    last_delivered_at: u64,
    #[serde(default)]
    expired: u8,
}

/// The receipts of one channel.
pub(crate) struct Receipts {
    api: Arc<Api>,
    host: Host,
    people: People,
    /// Whether the other emergencies of an incident end when one is acknowledged.
    cancels_others: bool,
    /// Serializes the changes of the store.
    changing: Mutex<()>,
}

impl Receipts {
    pub(crate) fn new(api: Arc<Api>, host: Host, config: &Config) -> Arc<Self> {
        Arc::new(Self {
            api,
            host,
            people: People::new(config),
            cancels_others: config.cancel_on_acknowledgement,
            changing: Mutex::new(()),
        })
    }

    /// Stores a receipt of an incident.
    pub(crate) async fn store(&self, incident: &str, pending: Pending) {
        self.change(&key(incident), |entries: &mut Vec<Pending>| {
            entries.push(pending);
            let surplus = entries.len().saturating_sub(MAX_KV_ENTRIES);
            entries.drain(..surplus);
        })
        .await;
    }

    async fn forget(&self, key: &str, receipt: &str) {
        self.change(key, |entries: &mut Vec<Pending>| {
            entries.retain(|one| one.receipt != receipt);
        })
        .await;
    }

    async fn change<T: Serialize + DeserializeOwned>(
        &self,
        key: &str,
        change: impl FnOnce(&mut Vec<T>),
    ) {
        let _one = self.changing.lock().await;
        // Unless the stored entries can be read, writing would lose them.
        let Some(mut entries) = self.load(key).await else {
            return;
        };
        change(&mut entries);
        let stored = match serde_json::to_vec(&entries) {
            Ok(bytes) if !entries.is_empty() => self.host.kv_put(key, &bytes).await,
            _ => self.host.kv_remove(key).await,
        };
        if let Err(error) = stored {
            tracing::warn!(key, "receipts of Pushover could not be stored: {error}");
        }
    }

    /// Returns the entries that are stored under a key, or `None` if the store cannot be read.
    async fn load<T: DeserializeOwned>(&self, key: &str) -> Option<Vec<T>> {
        match self.host.kv_get(key).await {
            Ok(bytes) => {
                let entries = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
                Some(entries.unwrap_or_default())
            }
            Err(error) => {
                tracing::warn!(key, "receipts of Pushover could not be read: {error}");
                None
            }
        }
    }

    /// Cancels every emergency of an incident that may still repeat. Returns notes on those that
    /// could not be cancelled; they stay in the store.
    pub(crate) async fn cancel(&self, incident: &str) -> Vec<String> {
        self.cancel_stored(&key(incident)).await
    }

    /// Does the same as [`cancel`](Self::cancel) for the key of an incident.
    async fn cancel_stored(&self, key: &str) -> Vec<String> {
        let now = self.unix_now();
        let mut notes = Vec::new();
        for pending in self.load::<Pending>(key).await.unwrap_or_default() {
            if pending.expires_at > now
                && let Err(why) = self.cancel_one(&pending.receipt).await
            {
                let receipt = &pending.receipt;
                notes.push(format!("emergency {receipt} could not be cancelled: {why}"));
                continue;
            }
            self.forget(key, &pending.receipt).await;
        }
        notes
    }

    async fn cancel_one(&self, receipt: &str) -> Result<(), String> {
        let path = format!("/1/receipts/{receipt}/cancel.json");
        let secrets = self.api.secrets();
        match self.api.post(&path, &[], None).await {
            // The service does not know the receipt any more, so nothing is left to cancel.
            Ok(answer) if answer.is_success() || answer.status() == 404 => Ok(()),
            Ok(answer) => Err(format!("HTTP {}", answer.status())),
            Err(error) => Err(redacted(&error.to_string(), &secrets)),
        }
    }

    /// Begins to follow an emergency, and stores that, so that it is also followed after a restart.
    /// `every` is the interval between two polls.
    pub(crate) async fn begin(
        self: &Arc<Self>,
        incident: Option<&str>,
        pending: Pending,
        every: Duration,
    ) {
        let incident = incident.map(key);
        let followed = Followed { pending, incident };
        self.change(FOLLOWED, |all: &mut Vec<Followed>| {
            all.push(followed.clone());
            let surplus = all.len().saturating_sub(MAX_FOLLOWED);
            all.drain(..surplus);
        })
        .await;
        self.spawn(followed, every);
    }

    /// Continues to follow the emergencies that an earlier process followed.
    pub(crate) async fn resume(self: &Arc<Self>, every: Duration) {
        for followed in self.load(FOLLOWED).await.unwrap_or_default() {
            self.spawn(followed, every);
        }
    }

    fn spawn(self: &Arc<Self>, followed: Followed, every: Duration) {
        let task = Arc::clone(self).follow(followed, every);
        if let Err(error) = self.host.spawn(task) {
            tracing::warn!(
                "the receipt of an emergency is not followed until the next start: {error}"
            );
        }
    }

    /// Follows an emergency until it is acknowledged, cancelled or expired.
    async fn follow(self: Arc<Self>, followed: Followed, every: Duration) {
        let every = every.max(MIN_POLL_INTERVAL);
        let pending = &followed.pending;
        let mut is_delivered = false;
        loop {
            self.host.sleep(every).await;
            if let Some(key) = &followed.incident
                && let Some(entries) = self.load(key).await
                && !entries.contains(pending)
            {
                break;
            }
            let over = self.unix_now() >= pending.expires_at;
            let state = self.fetch(&pending.receipt).await;
            if !is_delivered && state.as_ref().is_some_and(|it| it.last_delivered_at > 0) {
                is_delivered = report(pending, |reference| {
                    self.host.prove(reference, Proof::Delivered)
                });
            }
            let mut is_acknowledged = false;
            match state {
                Some(state) if state.acknowledged == 1 => {
                    let by = self.name(&state);
                    let mut acknowledgement = Acknowledgement::default().by(&by);
                    if state.acknowledged_at > 0 {
                        let at_ms = state.acknowledged_at.saturating_mul(1000);
                        acknowledgement = acknowledgement.at_ms(at_ms);
                    }
                    let reported = report(pending, |reference| {
                        self.host.acknowledge(reference, &acknowledgement)
                    });
                    if !reported && !over {
                        continue;
                    }
                    is_acknowledged = true;
                    tracing::info!(
                        receipt = pending.receipt,
                        by,
                        "an emergency was acknowledged"
                    );
                }
                Some(state) if state.expired == 1 || over => tracing::warn!(
                    receipt = pending.receipt,
                    "an emergency expired and nobody acknowledged it"
                ),
                None if over => {}
                _ => continue,
            }
            if let Some(key) = &followed.incident {
                self.forget(key, &pending.receipt).await;
                if is_acknowledged && self.cancels_others {
                    // Somebody has taken over: no other phone has to go on.
                    for note in self.cancel_stored(key).await {
                        tracing::warn!("{note}");
                    }
                }
            }
            break;
        }
        self.change(FOLLOWED, |all: &mut Vec<Followed>| {
            all.retain(|one| *one != followed);
        })
        .await;
    }

    /// Returns the name of the person who acknowledged an emergency, without secrets.
    fn name(&self, state: &State) -> String {
        let name = self
            .people
            .name(&state.acknowledged_by, &state.acknowledged_by_device);
        redacted(&name, &self.api.secrets())
    }

    async fn fetch(&self, receipt: &str) -> Option<State> {
        let request = self.receipt_request(receipt)?;
        let secrets = self.api.secrets();
        match self.host.http(request).await {
            Ok(answer) if answer.is_success() => answer.json().ok(),
            Ok(answer) => {
                let status = answer.status();
                tracing::debug!(receipt, status, "the receipt could not be fetched");
                None
            }
            Err(error) => {
                let why = redacted(&error.to_string(), &secrets);
                tracing::debug!(receipt, "the receipt could not be fetched: {why}");
                None
            }
        }
    }

    /// Creates the request for a receipt. It is the only one with the token in its address, since
    /// the service reads it from nowhere else; this address must never be printed.
    fn receipt_request(&self, receipt: &str) -> Option<HttpRequest> {
        let mut url = self.api.url(&format!("/1/receipts/{receipt}.json"))?;
        url.query_pairs_mut().append_pair("token", self.api.token());
        Some(self.api.limited(HttpRequest::get(url)))
    }

    pub(crate) fn unix_now(&self) -> u64 {
        u64::try_from(self.host.now_ms() / 1000).unwrap_or_default()
    }
}

/// Reports a proof to the host. Returns whether the host has accepted it, or does not want it.
fn report(pending: &Pending, prove: impl FnOnce(&str) -> Result<(), HostError>) -> bool {
    if pending.reference.is_empty() {
        return true;
    }
    let proven = prove(&pending.reference);
    if let Err(error) = &proven {
        tracing::debug!("the host does not accept the proof: {error}");
    }
    proven.is_ok()
}

fn key(incident: &str) -> String {
    let ends = incident.char_indices().map(|(at, one)| at + one.len_utf8());
    let end = ends.take_while(|end| *end <= MAX_KEY_LENGTH).last();
    let start = end.and_then(|end| incident.get(..end)).unwrap_or_default();
    format!("receipts/{start}")
}
