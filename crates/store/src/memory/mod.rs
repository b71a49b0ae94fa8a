//! A store in memory, for tests and for programs that need no durable store: its contents end
//! with the process.
//!
//! It is data and indexes. The [`rules`](crate::rules) decide what follows from a call; which of
//! the ended notifications are remembered is decided in `calls`.
//!
//! - `store`: the handle, and the calls of [`Store`](crate::Store).
//! - `calls`: acceptance, claims, settlement and deletion: passes facts to the rules and applies
//!   their changes.
//! - `follow_ups`: incidents, digests and groups, in the same way.
//! - `indexes`, `orders`: the deliveries, in the orders in which they are looked up.
//! - `changes`: the change feed.
//! - `stored`, `incidents`, `windows`, `key_value`: the data.

mod acknowledgement;
mod calls;
mod changes;
mod follow_ups;
mod incidents;
mod indexes;
mod key_value;
mod orders;
mod store;
mod stored;
mod windows;

pub use store::MemoryStore;
