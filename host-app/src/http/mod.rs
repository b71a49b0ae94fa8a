//! Metrics and health over HTTP, for systems that watch the monitor: `/metrics` in
//! Prometheus' text format, and `/healthz`.
//!
//! They are served beside the API, and at `monitor.http` without asking who reads them. No
//! secret and no host is named. `numbers` has the metrics, `health` the verdict, and `answer`
//! the answers.

mod answer;
mod health;
mod numbers;

pub use answer::{HttpError, Observed, routes, serve};
pub use health::Health;
pub use numbers::{InstallError, Numbers};
