//! The receipts of emergencies: <https://pushover.net/api/receipts>.
//!
//! Kept in the host's store by incident, so that a recovery finds them; followed in the background until somebody acknowledges, and
//! cancelled when the incident recovers.

use std::sync::Arc;
use std::time::Duration;

use annunciator_sdk::{Host, HttpRequest};
use futures_util::lock::Mutex;
use serde::{Deserialize, Serialize};

use crate::api::Api;
use crate::outcome::Redaction;

/// The service allows no poll sooner than this after the one before.
const SHORTEST_POLL: Duration = Duration::from_secs(5);

/// How many receipts of one incident are kept: the oldest have long expired.
const MOST_KEPT: usize = 64;

/// How much of an incident's name a key holds, in bytes: a host takes no key
/// of any length.
const LONGEST_KEY: usize = 400;

/// One emergency that may still be repeating.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pending {
    pub(crate) receipt: String,
    /// When the service stops repeating it, in Unix seconds.
    pub(crate) expires_at: u64,
}

#[derive(Debug, Deserialize)]
struct State {
    #[serde(default)]
    acknowledged: u8,
    #[serde(default)]
    acknowledged_by_device: String,
    #[serde(default)]
    expired: u8,
}

/// The receipts of one channel.
pub(crate) struct Receipts {
    api: Arc<Api>,
    host: Host,
    /// One change of the store at a time.
    changing: Mutex<()>,
}

impl Receipts {
    pub(crate) fn new(api: Arc<Api>, host: Host) -> Arc<Self> {
        Arc::new(Self {
            api,
            host,
            changing: Mutex::new(()),
        })
    }

    /// Keeps a receipt for its incident.
    pub(crate) async fn keep(&self, incident: &str, pending: Pending) {
        self.change(incident, |kept| {
            kept.push(pending);
            let surplus = kept.len().saturating_sub(MOST_KEPT);
            kept.drain(..surplus);
        })
        .await;
    }

    async fn forget(&self, incident: &str, receipt: &str) {
        self.change(incident, |kept| kept.retain(|one| one.receipt != receipt))
            .await;
    }

    async fn change(&self, incident: &str, change: impl FnOnce(&mut Vec<Pending>)) {
        let _one = self.changing.lock().await;
        let mut kept = self.kept(incident).await;
        change(&mut kept);
        let key = key(incident);
        let stored = match serde_json::to_vec(&kept) {
            Ok(bytes) if !kept.is_empty() => self.host.kv_put(&key, &bytes).await,
            _ => self.host.kv_remove(&key).await,
        };
        if let Err(error) = stored {
            tracing::warn!(incident, "receipts of Pushover could not be kept: {error}");
        }
    }

    async fn kept(&self, incident: &str) -> Vec<Pending> {
        match self.host.kv_get(&key(incident)).await {
            Ok(Some(bytes)) => serde_json::from_slice(&bytes).unwrap_or_default(),
            Ok(None) => Vec::new(),
            Err(error) => {
                tracing::warn!(incident, "receipts of Pushover could not be read: {error}");
                Vec::new()
            }
        }
    }

    /// Cancels every emergency of an incident that may still repeat. Answers
    /// notes on those that could not be cancelled; they stay kept.
    pub(crate) async fn cancel(&self, incident: &str) -> Vec<String> {
        let now = self.unix_now();
        let mut notes = Vec::new();
        for pending in self.kept(incident).await {
            if pending.expires_at > now
                && let Err(why) = self.cancel_one(&pending.receipt).await
            {
                let receipt = &pending.receipt;
                notes.push(format!("emergency {receipt} could not be cancelled: {why}"));
                continue;
            }
            self.forget(incident, &pending.receipt).await;
        }
        notes
    }

    async fn cancel_one(&self, receipt: &str) -> Result<(), String> {
        let path = format!("/1/receipts/{receipt}/cancel.json");
        let redaction = [self.api.token()];
        match self.api.post(&path, &[], None).await {
            // Unknown to the service: there is nothing left to cancel.
            Ok(answer) if answer.is_success() || answer.status() == 404 => Ok(()),
            Ok(answer) => Err(format!("HTTP {}", answer.status())),
            Err(error) => Err(Redaction(&redaction).of(&error.to_string())),
        }
    }

    /// Follows one emergency until it is acknowledged or over.
    pub(crate) async fn follow(
        self: Arc<Self>,
        incident: Option<String>,
        pending: Pending,
        every: Duration,
    ) {
        let every = every.max(SHORTEST_POLL);
        loop {
            self.host.sleep(every).await;
            if let Some(incident) = &incident
                && !self.kept(incident).await.contains(&pending)
            {
                return;
            }
            let over = self.unix_now() >= pending.expires_at;
            match self.fetch(&pending.receipt).await {
                Some(state) if state.acknowledged == 1 => tracing::info!(
                    receipt = pending.receipt,
                    device = state.acknowledged_by_device,
                    "an emergency was acknowledged"
                ),
                Some(state) if state.expired == 1 || over => tracing::warn!(
                    receipt = pending.receipt,
                    "an emergency expired and nobody acknowledged it"
                ),
                None if over => {}
                _ => continue,
            }
            if let Some(incident) = &incident {
                self.forget(incident, &pending.receipt).await;
            }
            return;
        }
    }

    async fn fetch(&self, receipt: &str) -> Option<State> {
        let request = self.receipt_request(receipt)?;
        let redaction = [self.api.token()];
        match self.host.http(request).await {
            Ok(answer) if answer.is_success() => answer.json().ok(),
            Ok(answer) => {
                let status = answer.status();
                tracing::debug!(receipt, status, "the receipt could not be fetched");
                None
            }
            Err(error) => {
                let why = Redaction(&redaction).of(&error.to_string());
                tracing::debug!(receipt, "the receipt could not be fetched: {why}");
                None
            }
        }
    }

    /// The one call that carries the token in its address, since the service
    /// reads it from nowhere else. This address must never be printed.
    fn receipt_request(&self, receipt: &str) -> Option<HttpRequest> {
        let mut url = self.api.url(&format!("/1/receipts/{receipt}.json"))?;
        url.query_pairs_mut().append_pair("token", self.api.token());
        Some(self.api.limited(HttpRequest::get(url)))
    }

    pub(crate) fn unix_now(&self) -> u64 {
        u64::try_from(self.host.now_ms() / 1000).unwrap_or_default()
    }
}

fn key(incident: &str) -> String {
    let ends = incident.char_indices().map(|(at, one)| at + one.len_utf8());
    let end = ends.take_while(|end| *end <= LONGEST_KEY).last();
    let start = end.and_then(|end| incident.get(..end)).unwrap_or_default();
    format!("receipts/{start}")
}
