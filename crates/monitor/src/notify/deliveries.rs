//! What became of messages, by the engine's store of deliveries.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use annunciator::{
    Class, TargetReport,
    store::{Accounts, Attempt, Query, Record, State, Store, StoreError},
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use crate::incidents::OutboundMessage;

/// How long a caller waits for the store.
const STORE_TIMEOUT: Duration = Duration::from_secs(5);
/// The maximum number of concurrent reads of attempts.
const MAX_CONCURRENT_READS: usize = 64;

/// Counts of deliveries by state, over the life of the engine's store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryCounts {
    /// The deliveries in each state. Those that have ended are counted even after they were
    /// pruned.
    pub by_state: BTreeMap<State, u64>,
    /// The deliveries that were attempted again because the process that attempted them
    /// first died before it recorded the outcome.
    pub redelivered: u64,
    /// The messages that the engine's store has not accepted yet.
    pub handing_over: u64,
}

impl DeliveryCounts {
    /// Combines the store's accounts with the number of messages that are not in them.
    #[must_use]
    pub fn new(accounts: &Accounts, handing_over: usize) -> Self {
        let states = State::ALL.into_iter();
        Self {
            by_state: states.map(|state| (state, accounts.of(state))).collect(),
            redelivered: accounts.reclaims,
            handing_over: handing_over as u64,
        }
    }
}

/// A delivery of a message about a host to one channel, with its outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HostDelivery {
    /// When the event happened, in milliseconds since the Unix epoch.
    pub occurred_ms: i64,
    /// The channel, or a group while the engine has not accepted the message yet.
    pub channel: String,
    /// The delivery's state.
    pub state: State,
    /// How many attempts were made.
    pub attempts: u32,
    /// When the next attempt is due, in milliseconds since the Unix epoch; `None` if no
    /// attempt is scheduled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_ms: Option<i64>,
    /// The message's text.
    pub text: String,
    /// Why it was not delivered: the rule that suppressed it, or the remote's last answer.
    /// Empty if it was delivered.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// Reads the newest deliveries about a host and returns them in chronological order.
///
/// # Errors
/// Returns [`StoreError`] if they cannot be read.
pub async fn host_deliveries(
    store: &Arc<dyn Store>,
    host: &str,
    limit: u32,
) -> Result<Vec<HostDelivery>, StoreError> {
    let query = Query {
        host: Some(host.to_owned()),
        limit,
        ..Query::default()
    };
    let asking = async {
        let mut records = store.deliveries(query).await?;
        records.reverse();
        let host_deliveries = stream::iter(records).map(|record| HostDelivery::of(store, record));
        host_deliveries
            .buffered(MAX_CONCURRENT_READS)
            .try_collect()
            .await
    };
    let answered = timeout(STORE_TIMEOUT, asking).await;
    answered.unwrap_or(Err(StoreError::Silent(STORE_TIMEOUT)))
}

impl HostDelivery {
    async fn of(store: &Arc<dyn Store>, record: Record) -> Result<Self, StoreError> {
        let tried = record.attempts > 0 && record.state != State::Delivered;
        let words = if tried {
            let attempts = store.attempts(record.delivery).await?;
            attempts.last().map(last_words).unwrap_or_default()
        } else {
            String::new()
        };
        let why = [record.why.as_str(), words.as_str()];
        let why: Vec<&str> = why.into_iter().filter(|one| !one.is_empty()).collect();
        let wording = record.wording();
        Ok(Self {
            occurred_ms: wording
                .as_ref()
                .map_or(record.accepted_ms, |wording| wording.occurred_at_ms),
            channel: record.channel,
            state: record.state,
            attempts: record.attempts,
            due_ms: record.due_ms,
            text: wording.map(|wording| wording.body).unwrap_or_default(),
            detail: why.join("; "),
        })
    }

    /// Returns a message that the store has not accepted yet, once for each name that it
    /// goes to.
    pub(crate) fn waiting(outbound: &OutboundMessage) -> impl Iterator<Item = Self> + use<'_> {
        outbound.names.iter().map(|name| Self {
            occurred_ms: outbound.message.occurred_ms,
            channel: name.to_string(),
            state: State::Pending,
            attempts: 0,
            due_ms: None,
            text: outbound.message.body.to_string(),
            detail: "it is not recorded yet".to_owned(),
        })
    }
}

/// Returns the answers of the targets that were not reached.
fn last_words(attempt: &Attempt) -> String {
    let targets = TargetReport::of_attempt(attempt).into_iter();
    let failures = targets.filter(|one| one.class != Class::Delivered);
    let words = failures.map(|one| {
        let code = match one.code.as_str() {
            "" => String::new(),
            code => format!(" ({code})"),
        };
        let hint = match one.hint.as_str() {
            "" => String::new(),
            hint => format!(", {hint}"),
        };
        format!("{}: {}{code}{hint}", one.target, one.detail)
    });
    words.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_are_those_of_who_was_not_reached() {
        let outcome = serde_json::json!([
            {"target": "a", "class": "delivered", "fault": "none"},
            {"target": "b", "class": "retry", "fault": "remote", "code": "429", "detail": "busy"},
            {"target": "c", "class": "permanent", "fault": "recipient", "detail": "nobody there", "hint": "look"},
        ]);
        let attempt = Attempt {
            began_ms: 0,
            ended_ms: 1,
            outcome: outcome.to_string(),
        };
        assert_eq!(last_words(&attempt), "b: busy (429); c: nobody there, look");
    }
}
