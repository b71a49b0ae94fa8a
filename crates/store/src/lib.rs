//! Stores of deliveries, from acceptance to the end, so that no accepted delivery is lost,
//! whatever fails on the way.
//!
//! A [`Store`] records and answers; it does not decide when or how an attempt is made. No call
//! assumes that its process is the only one: any number of engines may share a store. A delivery
//! is held as its state alone, and no transaction is open while a message is being sent.
//!
//! ```text
//!            accept                 settle
//! (caller) ---------> pending  <--------------+
//!             |          | claim              | again at a later time
//!             |          v                    |
//!             +-----> in flight --------------+
//!                        | settle
//!                        v
//!     delivered, failed, expired, suppressed, superseded, unknown
//! ```
//!
//! A claim carries a *fence*, a number that grows with every claim of the delivery. A holder that
//! was considered dead and settles late shows an old fence, and its settlement is refused.

mod accounts;
mod acknowledgement;
mod content;
mod delivery;
mod error;
mod feed;
mod intake;
mod kind;
mod memory;
mod numbered;
mod proof;
mod record;
pub mod rules;
mod settle;
mod severity;
mod sqlite;
mod store;

pub use accounts::Accounts;
pub use acknowledgement::{
    AcknowledgeRequest, AcknowledgeTarget, Acknowledged, Acknowledgement, IncidentQuery,
    OpenIncident,
};
pub use content::{DigestSource, MessageText, StoredContent};
pub use delivery::{Claim, ClaimRequest, DeliveryId, State};
pub use error::StoreError;
pub use feed::{FeedChange, FeedEntry, FeedPage, FeedQuery, MAX_FEED_LENGTH};
pub use intake::{Accepted, AcceptedDelivery, Begin, DedupWindow, Digest, Intake, Intent, Step};
pub use kind::Kind;
pub use memory::MemoryStore;
pub use proof::Proof;
pub use record::{Attempt, Prune, Query, Record};
/// The SQLite bindings, re-exported for the types of [`SqliteFile`]'s transactions.
pub use rusqlite;
pub use settle::{Next, Settled, Settlement, Superseded};
pub use severity::{Severity, UnknownSeverity};
pub use sqlite::{SchemaPart, SqliteFile, SqliteStore};
pub use store::{Answer, MAX_KV_ENTRIES, Store};
