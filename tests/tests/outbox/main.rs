//! Deliveries that are kept until they end: what goes wrong on the way, and
//! that nothing of it is lost.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod acknowledgements;
mod desk;
mod disabled;
mod elsewhere;
mod fatigue;
mod groups;
mod hindered;
mod idempotent;
mod late;
mod logged;
mod own_alerts;
mod pair;
mod problems;
mod processes;
mod proofs;
mod remotes;
mod sent;
mod store_alerts;
