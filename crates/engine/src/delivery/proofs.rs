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
use crate::{event::Proof, services::Proven};

/// The maximum number of proofs that wait for the store. Beyond it, providers are asked to try
/// again.
const MAX_QUEUED: usize = 10_000;
/// The delay before proofs that the store did not accept are written again.
const RETRY_DELAY: Duration = Duration::from_secs(5);

/// Runs until the engine is dropped or no provider can report a proof any more.
pub(crate) async fn run<E: CurrentConfig>(
    engine: Weak<E>,
    outbox: Weak<Outbox>,
    mut received: mpsc::Receiver<Proven>,
) {
    // The strongest proof of each delivery.
    let mut waiting: BTreeMap<DeliveryId, Proven> = BTreeMap::new();
    loop {
        let delay = match outbox.upgrade() {
            Some(outbox) if !waiting.is_empty() => Some(outbox.clock.sleep(RETRY_DELAY)),
            Some(_) => None,
            None => return,
        };
        let next = match delay {
            None => received.recv().await,
            Some(delay) => tokio::select! {
                next = received.recv(), if waiting.len() < MAX_QUEUED => next,
                () = delay => waiting.pop_first().map(|(_, proven)| proven),
            },
        };
        let Some(proven) = next else {
            return;
        };
        let (Some(engine), Some(outbox)) = (engine.upgrade(), outbox.upgrade()) else {
            return;
        };
        // Of two persons who acknowledged it, the first one did.
        let proven = match waiting.remove(&proven.delivery) {
            Some(earlier) if earlier.proof >= proven.proof => earlier,
            _ => proven,
        };
        if let Err(error) = outbox.record_proof(&*engine, &proven).await {
            let delivery = proven.delivery;
            tracing::error!(%delivery, "{error}; the proof of a delivery is recorded later");
            waiting.insert(delivery, proven);
            continue;
        }
        while let Some((delivery, proven)) = waiting.pop_first() {
            if outbox.record_proof(&*engine, &proven).await.is_err() {
                waiting.insert(delivery, proven);
                break;
            }
        }
    }
}

impl Outbox {
    async fn record_proof(
        self: &Arc<Self>,
        config: &impl CurrentConfig,
        proven: &Proven,
    ) -> Result<(), StoreError> {
        match proven.proof {
            Proof::Acknowledged => self.acknowledged_by_channel(config, proven).await?,
            Proof::Accepted | Proof::Delivered => {
                self.prove(proven.delivery, proven.proof).await?;
            }
        }
        tracing::info!(
            delivery = %proven.delivery,
            proof = proven.proof.name(),
            by = proven.by.as_deref(),
            at_ms = proven.at_ms,
            note = proven.note.as_deref(),
            "a delivery has a greater proof"
        );
        Ok(())
    }

    async fn prove(&self, delivery: DeliveryId, proof: Proof) -> Result<(), StoreError> {
        let proving = self.store.prove(delivery, proof, self.clock.now_ms());
        let superseded = tokio::select! {
            proven = proving => proven?,
            () = self.clock.sleep(STORE_TIMEOUT) => return Err(StoreError::Silent(STORE_TIMEOUT)),
        };
        self.notify_superseded(&superseded);
        Ok(())
    }
}
