//! A store in memory, for tests and for programs that want none: what it holds ends with
//! the process.
//!
//! It is data and indexes: what follows from a call is for the [`rules`](crate::rules) to
//! decide, and which of what has ended is remembered is decided in `calls`.
//!
//! - `store`: the handle, and the calls of [`Store`](crate::Store).
//! - `calls`: acceptance, claims, settlement, deletion: facts to the rules, changes from them.
//! - `follow_ups`: incidents, digests and groups, in the same way.
//! - `indexes`, `orders`: the deliveries, in the orders in which they are looked for.
//! - `stored`, `incidents`, `windows`, `key_value`: what is held.

mod calls;
mod follow_ups;
mod incidents;
mod indexes;
mod key_value;
mod orders;
mod store;
mod stored;
mod windows;

pub use store::MemoryStore;
