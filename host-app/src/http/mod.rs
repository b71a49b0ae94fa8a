//! Numbers and health over HTTP, for the systems that watch the monitor:
//! `/metrics` in Prometheus' text format, and `/healthz`.
//!
//! Off unless `monitor.http` names an address. It knows no users and gives
//! no secrets, names no host and takes nothing: whoever reaches it reads.
//! `numbers` has the series, `health` the verdict, `answer` what a path
//! yields, `server` the connections and their bounds.

mod answer;
mod health;
mod numbers;
mod server;

pub use health::Health;
pub use numbers::{InstallError, Numbers};
pub use server::{HttpError, MetricsServer};
