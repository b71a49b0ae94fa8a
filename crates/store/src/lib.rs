//! Where deliveries are kept from their acceptance to their end, so that nothing that
//! was accepted is lost, whatever breaks on the way.
//!
//! A [`Store`] records and answers; it decides nothing about when and how to
//! try. No call relies on being the only process: any number of engines may
//! work on one store. What it holds of a delivery is its state, and no
//! transaction is open while a message is being sent.
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
//! A claim carries a *fence*, a number that grows with every claim of the
//! delivery. Whoever was thought dead and settles late has an old fence, and
//! is refused.

mod accounts;
mod content;
mod delivery;
mod error;
mod intake;
mod kind;
mod memory;
mod proof;
mod record;
pub mod rules;
mod settle;
mod severity;
mod sqlite;
mod store;

pub use accounts::Accounts;
pub use content::{DigestSource, MessageText, StoredContent};
pub use delivery::{Claim, ClaimRequest, DeliveryId, State};
pub use error::StoreError;
pub use intake::{Accepted, AcceptedDelivery, Begin, DedupWindow, Digest, Intake, Intent, Step};
pub use kind::Kind;
pub use memory::MemoryStore;
pub use proof::Proof;
pub use record::{Attempt, Prune, Query, Record};
/// What [`SqliteFile`]'s transactions are made of.
pub use rusqlite;
pub use settle::{Next, Settled, Settlement, Superseded};
pub use severity::{Severity, UnknownSeverity};
pub use sqlite::{SchemaPart, SqliteFile, SqliteStore};
pub use store::{Answer, MAX_KV_ENTRIES, Store};
