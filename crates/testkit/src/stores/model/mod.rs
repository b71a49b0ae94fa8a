//! A model of a store: what every store must answer, in the plainest way there is.
//!
//! It holds lists and looks through all of them for each answer, and it decides all on
//! its own: nothing of `annunciator_store::rules` is used here, so that a fault in a rule is
//! one in which a store and the model differ. [`agree`](super::agree) asks both the same.
//!
//! `lists` is what it holds, `keys` what a key stands for, `calls` how a notification is accepted, claimed and settled,
//! `incidents` what follows for problems, their ends and digests.

mod calls;
mod incidents;
mod keys;
mod lists;

pub use lists::ModelStore;
