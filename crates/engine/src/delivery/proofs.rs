//! Records the proofs that providers report after an attempt, for example that a phone has rung or
//! a person has acknowledged. A group may wait for one.
//!
//! An acknowledgement counts for the incident of its delivery, too: see
//! [`acknowledgement`](super::acknowledgement).
//!
//! A provider reports a proof only once, so a proof that the store does not accept is kept here and
//! retried.

use std::{
    collections::BTreeMap,
    sync::{Arc, Weak},
    time::Duration,
};

use annunciator_store::{DeliveryId, StoreError};
use tokio::sync::mpsc;

use super::{
    dispatcher::CurrentConfig,
    outbox::{Outbox, STORE_TIMEOUT},
};
use crate::event::Proof;

/// The maximum number of proofs that wait for the store. Beyond it, providers are asked to try
/// again.
const MAX_QUEUED: usize = 10_000;
/// The delay before proofs that the store did not accept are written again.
const RETRY_DELAY: Duration = Duration::from_secs(5);

/// Runs until the engine is dropped or no provider can report a proof any more.
pub(crate) async fn run<E: CurrentConfig>(
    engine: Weak<E>,
    outbox: Weak<Outbox>,
    mut proven: mpsc::Receiver<(DeliveryId, Proof)>,
) {
    // The strongest proof of each delivery.
    let mut waiting: BTreeMap<DeliveryId, Proof> = BTreeMap::new();
    loop {
        let delay = match outbox.upgrade() {
            Some(outbox) if !waiting.is_empty() => Some(outbox.clock.sleep(RETRY_DELAY)),
            Some(_) => None,
            None => return,
        };
        let received = match delay {
            None => proven.recv().await,
            Some(delay) => tokio::select! {
                received = proven.recv(), if waiting.len() < MAX_QUEUED => received,
                () = delay => waiting.pop_first(),
            },
        };
        let Some((delivery, proof)) = received else {
            return;
        };
        let (Some(engine), Some(outbox)) = (engine.upgrade(), outbox.upgrade()) else {
            return;
        };
        let proof = waiting.remove(&delivery).max(Some(proof)).unwrap_or(proof);
        if let Err(error) = outbox.prove(&*engine, delivery, proof).await {
            tracing::error!(%delivery, "{error}; the proof of a delivery is recorded later");
            waiting.insert(delivery, proof);
            continue;
        }
        while let Some((delivery, proof)) = waiting.pop_first() {
            if outbox.prove(&*engine, delivery, proof).await.is_err() {
                waiting.insert(delivery, proof);
                break;
            }
        }
    }
}

impl Outbox {
    async fn prove(
        self: &Arc<Self>,
        config: &impl CurrentConfig,
        delivery: DeliveryId,
        proof: Proof,
    ) -> Result<(), StoreError> {
        if proof == Proof::Acknowledged {
            return self.acknowledged_by_channel(config, delivery).await;
        }
        let proving = self.store.prove(delivery, proof, self.clock.now_ms());
        let superseded = tokio::select! {
            proven = proving => proven?,
            () = self.clock.sleep(STORE_TIMEOUT) => return Err(StoreError::Silent(STORE_TIMEOUT)),
        };
        tracing::info!(%delivery, proof = proof.name(), "a delivery has a greater proof");
        self.notify_superseded(&superseded);
        Ok(())
    }
}
