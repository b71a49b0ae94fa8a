//! The rules of deliveries: what follows from what a store holds, decided in one place for all
//! stores.
//!
//! A store fetches **facts**, calls a rule, and applies the **changes** that it returns; which
//! statements or indexes it uses is its own business. A rule is a pure function: it reads no
//! clock, holds no state and never fails, so that its tests run without a store. Times are
//! milliseconds since the Unix epoch; notifications and deliveries are numbered in the order of
//! their acceptance.
//!
//! | call of [`Store`](crate::Store) | rules, in the order in which a store calls them |
//! | --- | --- |
//! | `accept`, `known` | [`idempotency`], [`acknowledgement::on_acceptance`], then for each intent [`accept`], [`digest`], [`incident`], [`review`], [`acknowledgement::review`]; then [`step`] for each group, and [`accept::answer`] |
//! | `claim`, `ready` | [`claim`], and for abandoned deliveries [`Subject::may_have_arrived`] |
//! | `settle` | [`settle`], whose [`FollowUp`]s say which other rules to call |
//! | `prove` | [`step`] |
//! | `acknowledge` | `prove` for a delivery; [`acknowledgement::recorded`], [`acknowledgement::review`] for each channel, and `accept` for the notice |
//! | `retry` | [`settle::retried`] |
//! | `prune` | [`prune`] |
//!
//! A store fetches all facts of a call in the transaction in which it applies the changes. Facts
//! that a change touches are fetched after it.

pub mod accept;
pub mod acknowledgement;
pub mod change;
pub mod claim;
pub mod digest;
pub mod idempotency;
pub mod incident;
pub mod prune;
pub mod review;
pub mod settle;
pub mod step;

pub use change::{Change, IncidentChange};
pub use settle::{FollowUp, Subject};
