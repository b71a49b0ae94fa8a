//! Pages, by requests to the router.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod desk;
mod events;
mod link;
mod login;
mod now;
