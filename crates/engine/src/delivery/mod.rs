//! The delivery of one notification to one channel, from its acceptance to its outcome.
//!
//! Each stage is one file, in this order: `submission` admits a notification to each channel, as
//! the rules of `suppression` and the circuit breaker allow, and has the store accept it;
//! `attempt` carries out one claimed delivery; `report` reads what the provider said,
//! `circuit_breaker` learns of it, `retry` gives the verdict (backoff), and `persist` records and
//! logs it; `waiters` has the callers. `dispatcher` claims what is not attempted at once, and
//! `outbox` is what these share. `deliver_once` makes a single attempt without a store.

mod attempt;
mod channel;
mod circuit_breaker;
mod deliver_once;
mod digest;
mod dispatcher;
mod metrics;
mod outbox;
mod permit;
mod persist;
mod proofs;
mod report;
mod retry;
mod submission;
mod suppression;
mod waiters;
mod wakeup;

pub(crate) use self::metrics::{UnderWay, describe};
pub(crate) use channel::{Channel, ChannelGuard};
pub(crate) use deliver_once::{SingleDelivery, deliver_once, report_panic};
pub(crate) use dispatcher::{CurrentConfig, run as run_dispatcher};
pub(crate) use outbox::Outbox;
pub(crate) use proofs::run as persist_proofs;
pub(crate) use report::Disabled;
pub use report::{ChannelReport, Class, Fault, Report, StepReport, TargetReport};
pub(crate) use submission::{
    Addressee, PendingDeliveries, Submission, Turn, intake as recorded, pass_over_disabled,
};
pub(crate) use suppression::suppression_by_severity;
