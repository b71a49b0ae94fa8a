//! A model of a store: what every store must answer, implemented in the simplest way.
//!
//! It holds lists and searches all of them for each answer, and it decides everything by itself:
//! it uses nothing of `annunciator_store::rules`, so that a store and the model differ if a rule
//! is wrong. [`agree`](super::agree) compares the two.
//!
//! `lists` has the data, `keys` the idempotency keys, `calls` acceptance, claims and settlement,
//! `incidents` what follows for problems, their ends and digests, `taken` what follows from
//! acknowledgements, `feed` the changes.

mod calls;
mod feed;
mod incidents;
mod keys;
mod lists;
mod taken;

pub use lists::ModelStore;
