//! One notification to one channel, from its acceptance to its record.
//!
//! Each stage is one file: `gate` and `limit` before it is accepted, `circuit_breaker`,
//! `attempt`, `classify`, `retry` and `settle` for each attempt. `outbox`,
//! `dispatcher` and `claimed` put them together over a store, `pipeline` for a
//! single attempt without one.

mod addressee;
mod admit;
mod appointment;
mod attempt;
mod berth;
mod channel;
mod circuit_breaker;
mod claimed;
mod classify;
mod digest;
mod dispatcher;
mod elsewhere;
mod gate;
mod health;
mod holding;
mod limit;
mod meter;
mod outbox;
mod pipeline;
mod proofs;
mod record;
mod report;
mod retry;
mod settle;
mod submission;
mod unsent;
mod waiting;

pub(crate) use addressee::{Addressee, Turn, pass_over_disabled};
pub(crate) use channel::{Channel, Disabled, Held};
pub(crate) use digest::intake as recorded;
pub(crate) use dispatcher::{CurrentConfig, run as run_dispatcher};
pub(crate) use gate::by_severity;
pub(crate) use meter::{UnderWay, describe};
pub(crate) use outbox::Outbox;
pub(crate) use pipeline::{Job, broken, deliver};
pub(crate) use proofs::run as take_proofs;
pub use report::{ChannelReport, Class, Fault, Report, StepReport, TargetReport};
pub(crate) use submission::{PendingDeliveries, Submission};
