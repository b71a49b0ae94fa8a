//! The delivery of one notification to one channel, from its acceptance to its outcome.
//!
//! Each stage is one file. Before acceptance: `gate` (suppression by rules), `limit` (rate
//! limit) and `admission`. For each attempt: `circuit_breaker`, `attempt`, `classify`,
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
mod gate;
mod health;
mod in_flight;
mod limit;
mod log_outcome;
mod meter;
mod other_processes;
mod outbox;
mod permit;
mod persist;
mod proofs;
mod report;
mod retry;
mod submission;
mod waiters;
mod wakeup;
mod without_attempt;

pub(crate) use addressee::{Addressee, Turn, pass_over_disabled};
pub(crate) use channel::{Channel, Disabled, Held};
pub(crate) use deliver_once::{SingleDelivery, deliver_once, report_panic};
pub(crate) use digest::intake as recorded;
pub(crate) use dispatcher::{CurrentConfig, run as run_dispatcher};
pub(crate) use gate::by_severity;
pub(crate) use meter::{UnderWay, describe};
pub(crate) use outbox::Outbox;
pub(crate) use proofs::run as take_proofs;
pub use report::{ChannelReport, Class, Fault, Report, StepReport, TargetReport};
pub(crate) use submission::{PendingDeliveries, Submission};
