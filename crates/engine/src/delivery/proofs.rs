//! What providers prove of deliveries after their attempts: a phone has rung, a
//! person has acknowledged. It may be what a group waits for.

use std::sync::Weak;

use tokio::sync::mpsc;

use super::report::Proof;
use crate::{engine::Inner, store::DeliveryId};

/// Runs until the engine is gone.
pub(crate) async fn run(engine: Weak<Inner>, mut proven: mpsc::Receiver<(DeliveryId, Proof)>) {
    while let Some((delivery, proof)) = proven.recv().await {
        let Some(outbox) = engine.upgrade().and_then(|inner| inner.outbox.clone()) else {
            return;
        };
        let now_ms = outbox.clock.now_ms();
        tracing::info!(%delivery, proof = proof.name(), "more was proven of a delivery");
        match outbox.store.prove(delivery, proof, now_ms).await {
            Ok(superseded) => outbox.are_superseded(&superseded),
            Err(error) => {
                tracing::error!(%delivery, "{error}; what was proven of a delivery is not recorded");
            }
        }
    }
}
