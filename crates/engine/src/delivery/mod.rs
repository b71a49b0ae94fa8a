//! The delivery of one notification to one channel, from its acceptance to its outcome.
//!
//! Each stage is one file. Before acceptance: `suppression` (by rules), `rate_limit`
//! and `admission`. For each attempt: `circuit_breaker`, `attempt`, `classify`,
//! `retry` (backoff), `log_outcome` and `persist`. `outbox`, `submission`, `dispatcher` and
//! `attempt_task` put them together over a store, and `deliver_once` makes a single attempt
//! without one.

mod addressee;
mod admission;
mod attempt;
mod attempt_task;
mod channel;
mod circuit_breaker;
mod classify;
mod deliver_once;
mod digest;
mod dispatcher;
mod health;
mod in_flight;
mod log_outcome;
mod metrics;
mod other_processes;
mod outbox;
mod permit;
mod persist;
mod proofs;
mod rate_limit;
mod report;
mod retry;
mod submission;
mod suppression;
mod waiters;
mod wakeup;
mod without_attempt;

pub(crate) use self::metrics::{UnderWay, describe};
pub(crate) use addressee::{Addressee, Turn, pass_over_disabled};
pub(crate) use channel::{Channel, ChannelGuard, Disabled};
pub(crate) use deliver_once::{SingleDelivery, deliver_once, report_panic};
pub(crate) use digest::intake as recorded;
pub(crate) use dispatcher::{CurrentConfig, run as run_dispatcher};
pub(crate) use outbox::Outbox;
pub(crate) use proofs::run as persist_proofs;
pub use report::{ChannelReport, Class, Fault, Report, StepReport, TargetReport};
pub(crate) use submission::{PendingDeliveries, Submission};
pub(crate) use suppression::suppression_by_severity;
