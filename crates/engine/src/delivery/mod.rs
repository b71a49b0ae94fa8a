//! The delivery of one notification to one channel, from its acceptance to its outcome.
//!
//! Each stage is one file, in this order: `submission` decides the admission of a notification to
//! each channel, by the rules of `suppression` and the circuit breaker, and has the store accept
//! it; `attempt` carries out one claimed delivery; `target_report` reads the provider's outcomes,
//! which `report` gathers for each channel; `circuit_breaker` is updated with them, `retry` returns
//! the verdict (backoff), and `persist` records and logs it; `waiters` notifies the callers that
//! wait. `dispatcher` claims the deliveries that are not attempted at once, and `outbox` has the
//! state that these stages share. `check` asks a channel's provider whether it would deliver, and
//! `channel_status` gathers what is known of a channel. `deliver_once` makes a single attempt
//! without a store, `acknowledgement` records who has taken over.

mod acknowledgement;
mod attempt;
mod channel;
mod channel_status;
mod check;
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
mod target_report;
mod waiters;
mod wakeup;

pub(crate) use self::metrics::{UnderWay, describe};
pub(crate) use channel::{Channel, ChannelGuard};
pub use channel_status::ChannelStatus;
pub use check::{Check, CheckStatus, LastCheck};
pub use circuit_breaker::{CircuitState, CircuitStatus};
pub(crate) use deliver_once::{SingleDelivery, deliver_once, report_panic};
pub(crate) use dispatcher::{CurrentConfig, run as run_dispatcher};
pub(crate) use outbox::Outbox;
pub(crate) use proofs::run as persist_proofs;
pub(crate) use report::Disabled;
pub use report::{ChannelReport, Report, StepReport};
pub(crate) use submission::{
    Addressee, PendingDeliveries, Submission, Turn, intake as recorded, pass_over_disabled,
};
pub use suppression::RateLimitStatus;
pub(crate) use suppression::suppression_by_severity;
pub use target_report::{Class, Fault, TargetReport};
