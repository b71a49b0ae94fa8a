//! What providers prove of deliveries after their attempts: a phone has rung, a
//! person has acknowledged. It may be what a group waits for.
//!
//! A provider proves once, and has forgotten it: what the store does not take is
//! offered to it until it does.

use std::{collections::BTreeMap, sync::Weak, time::Duration};

use annunciator_store::{DeliveryId, StoreError};
use tokio::sync::mpsc;

use super::outbox::{Outbox, STORE_TIMEOUT};
use crate::event::Proof;

/// So many wait for the store; who proves more is told to try again.
const MOST_WAITING: usize = 10_000;
/// How long a store is left alone that does not take them.
const PAUSE: Duration = Duration::from_secs(5);

/// Runs until the outbox is gone, or nobody can prove anything any more.
pub(crate) async fn run(outbox: Weak<Outbox>, mut proven: mpsc::Receiver<(DeliveryId, Proof)>) {
    // The most that is proven of each.
    let mut waiting: BTreeMap<DeliveryId, Proof> = BTreeMap::new();
    loop {
        let pause = match outbox.upgrade() {
            Some(outbox) if !waiting.is_empty() => Some(outbox.clock.sleep(PAUSE)),
            Some(_) => None,
            None => return,
        };
        let received = match pause {
            None => proven.recv().await,
            Some(pause) => tokio::select! {
                received = proven.recv(), if waiting.len() < MOST_WAITING => received,
                () = pause => waiting.pop_first(),
            },
        };
        let Some((delivery, proof)) = received else {
            return;
        };
        let Some(outbox) = outbox.upgrade() else {
            return;
        };
        let proof = waiting.remove(&delivery).max(Some(proof)).unwrap_or(proof);
        if let Err(error) = outbox.prove(delivery, proof).await {
            tracing::error!(%delivery, "{error}; what was proven of a delivery is recorded later");
            waiting.insert(delivery, proof);
            continue;
        }
        while let Some((delivery, proof)) = waiting.pop_first() {
            if outbox.prove(delivery, proof).await.is_err() {
                waiting.insert(delivery, proof);
                break;
            }
        }
    }
}

impl Outbox {
    async fn prove(&self, delivery: DeliveryId, proof: Proof) -> Result<(), StoreError> {
        let proving = self.store.prove(delivery, proof, self.clock.now_ms());
        let superseded = tokio::select! {
            proven = proving => proven?,
            () = self.clock.sleep(STORE_TIMEOUT) => return Err(StoreError::Silent(STORE_TIMEOUT)),
        };
        tracing::info!(%delivery, proof = proof.name(), "more was proven of a delivery");
        self.notify_superseded(&superseded);
        Ok(())
    }
}
