//! The trait that every store implements.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use crate::{
    accounts::Accounts,
    acknowledgement::{AcknowledgeRequest, Acknowledged, IncidentQuery, OpenIncident},
    delivery::{Claim, ClaimRequest, DeliveryId},
    error::StoreError,
    feed::{FeedPage, FeedQuery},
    intake::{Accepted, Intake},
    proof::Proof,
    record::{Attempt, Prune, Query, Record},
    settle::{Settled, Settlement, Superseded},
};

/// The maximum number of values that a store keeps for one channel's provider.
pub const MAX_KV_ENTRIES: usize = 4096;

/// A store's answer. The work is done even if the answer is dropped before it is ready.
pub type Answer<T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send>>;

/// A store of deliveries.
///
/// Each `Ok` answer is durable: it survives a crash of the program and, for a store on a disk, of
/// the machine. Times are milliseconds since the Unix epoch. The caller passes them in: a store
/// reads no clock.
pub trait Store: fmt::Debug + Send + Sync {
    /// Accepts a notification with all of its deliveries, or none of it.
    ///
    /// A notification whose idempotency key was accepted before is not accepted again: the answer
    /// is that of the first call. Fails with [`StoreError::Conflict`] if the key was used for a
    /// different notification.
    ///
    /// A recovery ends superseded if its channel was not notified of the problem and no message or
    /// digest that reports the problem is in flight there. The problem's pending messages are
    /// superseded with it.
    ///
    /// A delivery that is suppressed for a digest, at acceptance or at settlement, joins a
    /// pending digest of the same channel and batch key that has not been tried, or else begins a
    /// new digest. A digest that arrives notifies its channel of all problems in it.
    fn accept(&self, intake: Intake) -> Answer<Accepted>;

    /// Returns what [`accept`](Self::accept) would answer for a notification whose idempotency
    /// key was accepted before, or `None` if the key is new or absent. Accepts nothing.
    fn known(&self, intake: Intake) -> Answer<Option<Accepted>>;

    /// Claims deliveries of one channel: those that are due, and those whose holder is gone. The
    /// most severe come first, then the oldest. A delivery in a lane waits for the earlier ones
    /// of its lane.
    fn claim(&self, request: ClaimRequest) -> Answer<Vec<Claim>>;

    /// Records the outcome of a claim and what follows from it. Answers [`Settled::Stale`], and
    /// records nothing, if somebody else has claimed the delivery since.
    fn settle(&self, settlement: Settlement) -> Answer<Settled>;

    /// Returns the earliest time after `now_ms` at which a pending delivery becomes due, or
    /// `None` if there is none.
    fn next_due(&self, now_ms: i64) -> Answer<Option<i64>>;

    /// Returns the earliest time after `now_ms` at which a pending delivery of a channel expires,
    /// or `None` if there is none. Meant for channels whose deliveries are not being claimed.
    fn next_expiry(&self, channel: String, now_ms: i64) -> Answer<Option<i64>>;

    /// Returns the channels that have deliveries to claim: due ones, or ones whose holder is
    /// gone.
    fn ready(&self, now_ms: i64) -> Answer<Vec<String>>;

    /// Records proof of a delivery that arrived after its attempt, and returns the deliveries
    /// that are superseded by it.
    fn prove(&self, delivery: DeliveryId, proof: Proof, now_ms: i64) -> Answer<Vec<Superseded>>;

    /// Records that a person has taken over a problem, so that nobody else is called and nobody is
    /// reminded: see [`Acknowledgement`](crate::Acknowledgement). An acknowledgement that was in
    /// force is replaced.
    fn acknowledge(&self, request: AcknowledgeRequest) -> Answer<Acknowledged>;

    /// Withdraws the acknowledgement of an incident, so that people are reminded again. Returns
    /// whether one was in force.
    fn withdraw(&self, incident: String, now_ms: i64) -> Answer<bool>;

    /// Returns the incidents whose problem is open on at least one channel, and whose end was not
    /// accepted, the most severe first, then the oldest.
    fn incidents(&self, query: IncidentQuery) -> Answer<Vec<OpenIncident>>;

    /// Makes failed and unknown deliveries due again, and returns how many there were.
    fn retry(&self, deliveries: Vec<DeliveryId>, now_ms: i64) -> Answer<u64>;

    /// Returns the deliveries that a query asks for, the newest first.
    fn deliveries(&self, query: Query) -> Answer<Vec<Record>>;

    /// Returns the attempts of a delivery, the earliest first.
    fn attempts(&self, delivery: DeliveryId) -> Answer<Vec<Attempt>>;

    /// Returns what has changed since a cursor. Whoever reads it from a cursor on, and looks at the
    /// records, misses no change: an entry appears with the change itself or not at all.
    fn feed(&self, query: FeedQuery) -> Answer<FeedPage>;

    /// Counts all deliveries.
    fn accounts(&self) -> Answer<Accounts>;

    /// Returns whether other processes may add deliveries, so that the store has to be polled.
    fn is_shared(&self) -> bool;

    /// Deletes old notifications whose deliveries have all ended, the oldest first, and returns
    /// how many. A notification with a pending or in-flight delivery is never deleted, nor one
    /// that a digest has yet to report.
    fn prune(&self, prune: Prune) -> Answer<u64>;

    /// Stores a small value of a channel's provider under a key; `None` removes it. Beyond
    /// [`MAX_KV_ENTRIES`] values of a channel, the oldest is removed.
    fn kv_put(&self, channel: Arc<str>, key: String, value: Option<Vec<u8>>) -> Answer<()>;

    /// Returns the value that is stored under a key, or `None` if there is none.
    fn kv_get(&self, channel: Arc<str>, key: String) -> Answer<Option<Vec<u8>>>;
}
