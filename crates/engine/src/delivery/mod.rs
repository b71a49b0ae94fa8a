//! One notification to one channel, from its acceptance to its record.
//!
//! Each stage is one file with one function; `pipeline` puts them together.
//! A stage for repeating, limiting or storing goes between two others.

mod admit;
mod attempt;
mod channel;
mod claimed;
mod classify;
mod courier;
mod gate;
mod meter;
mod outbox;
mod pipeline;
mod report;
mod retry;
mod settle;
mod waiting;

pub(crate) use channel::{Channel, Held};
pub(crate) use courier::run as run_courier;
pub(crate) use meter::{UnderWay, describe};
pub(crate) use outbox::{Outbox, Submission};
pub(crate) use pipeline::{Job, broken, deliver};
pub use report::{ChannelReport, Class, Fault, Proof, Report, TargetReport};
