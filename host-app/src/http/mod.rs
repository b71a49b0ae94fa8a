//! Metrics and health over HTTP, for systems that watch the monitor: `/metrics` in
//! Prometheus' text format, and `/healthz`.
//!
//! Off unless `monitor.http` has an address. The server is read-only and has no users, so
//! it reveals no secret and names no host. `numbers` has the metrics, `health` the verdict,
//! `answer` the response to a path, and `server` the connections and their limits.

mod answer;
mod health;
mod numbers;
mod server;

pub use health::Health;
pub use numbers::{InstallError, Numbers};
pub use server::{HttpError, MetricsServer};
