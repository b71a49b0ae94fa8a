//! What a store does.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use crate::{
    accounts::Accounts,
    delivery::{Claim, ClaimRequest, DeliveryId},
    error::StoreError,
    intake::{Accepted, Intake},
    proof::Proof,
    record::{Attempt, Prune, Query, Record},
    settle::{Settled, Settlement, Superseded},
};

/// Values that are kept for one channel's provider.
pub const MAX_KV_ENTRIES: usize = 4096;

/// What a store will answer. It may be dropped: what was asked for is done
/// all the same.
pub type Answer<T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send>>;

/// Keeps deliveries.
///
/// Every answer that is `Ok` outlives a crash of the program, and of the
/// machine where the store is on a disk. Times are milliseconds since the Unix
/// epoch and always passed in.
pub trait Store: fmt::Debug + Send + Sync {
    /// Takes a notification with all of its deliveries, whole or not at all.
    ///
    /// One whose idempotency key was accepted before is not taken again: the
    /// answer is that of the first time, or [`StoreError::Conflict`] where it says
    /// something else. A recovery of a problem that its
    /// channel was never told, and is not being told, ends there together with
    /// what waits of the problem: both are superseded.
    ///
    /// What is kept back for a digest goes into one that waits on its channel
    /// for the same and has not been tried, or else into a new one; so does what
    /// is kept back when it is settled. When a digest arrives, its channel was
    /// told of the problems in it.
    fn accept(&self, intake: Intake) -> Answer<Accepted>;

    /// What [`accept`](Self::accept) would answer of a notification whose idempotency
    /// key was accepted before; `None` where its key was not, or it has none. Takes
    /// nothing.
    fn known(&self, intake: Intake) -> Answer<Option<Accepted>>;

    /// Claims deliveries of one channel: those that are due, and those that
    /// somebody claimed who is gone. The worst come first, then the oldest;
    /// what is to keep its order waits for what came before it.
    fn claim(&self, request: ClaimRequest) -> Answer<Vec<Claim>>;

    /// Records what came of an attempt and what is to follow. Refused when
    /// somebody else has claimed the delivery since.
    fn settle(&self, settlement: Settlement) -> Answer<Settled>;

    /// The first time after now at which a delivery is due that waits; `None`
    /// when there is none.
    fn next_due(&self, now_ms: i64) -> Answer<Option<i64>>;

    /// The first time after now at which a delivery that waits on a channel
    /// expires; `None` when there is none. It is asked for channels to which
    /// nothing is handed out.
    fn next_expiry(&self, channel: String, now_ms: i64) -> Answer<Option<i64>>;

    /// The channels for which something may be claimed: it is due, or was left
    /// behind by somebody who is gone.
    fn ready(&self, now_ms: i64) -> Answer<Vec<String>>;

    /// Takes note of what was proven of a delivery after its attempt; answers
    /// what need not be sent any more.
    fn prove(&self, delivery: DeliveryId, proof: Proof, now_ms: i64) -> Answer<Vec<Superseded>>;

    /// Makes deliveries that have failed, or of which nobody knows, due again;
    /// answers how many.
    fn retry(&self, deliveries: Vec<DeliveryId>, now_ms: i64) -> Answer<u64>;

    /// Deliveries, the newest first.
    fn deliveries(&self, query: Query) -> Answer<Vec<Record>>;

    /// The attempts of a delivery, the first of them first.
    fn attempts(&self, delivery: DeliveryId) -> Answer<Vec<Attempt>>;

    /// Counts everything.
    fn accounts(&self) -> Answer<Accounts>;

    /// Whether others may put deliveries into it, so that it has to be looked
    /// at now and then.
    fn is_shared(&self) -> bool;

    /// Deletes notifications that are old and whose deliveries have all ended,
    /// the oldest first. Answers how many. What is pending or in flight is
    /// never deleted, nor what a digest is still to tell of.
    fn prune(&self, prune: Prune) -> Answer<u64>;

    /// Keeps a small value of a channel's provider under a key; `None` removes
    /// it. Of too many keys the oldest goes.
    fn kv_put(&self, channel: Arc<str>, key: String, value: Option<Vec<u8>>) -> Answer<()>;

    /// What is kept under a key.
    fn kv_get(&self, channel: Arc<str>, key: String) -> Answer<Option<Vec<u8>>>;
}
