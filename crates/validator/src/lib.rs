//! Examines whether a plugin keeps the rules of the contract.
//!
//! Each check runs in a process of its own, with a time limit, so that a plugin
//! that crashes or hangs fails that check and no other. `checks` holds what is
//! checked, `subject` is the plugin as checks see it, `host` is the host that it
//! is given, which answers by an `answer` and knows `whose` request it is and what
//! is `readable` in it, `child` runs a check, `examine` runs all of them, `waiver` is what
//! the author has decided otherwise, and `report` says what came of it.
//!
//! A plugin that asks its host for HTTP is answered by a script: nothing leaves
//! the machine. One that reaches its remote by itself is only told to deliver
//! where somebody has named a server for that.

mod answer;
mod checks;
mod child;
mod examine;
mod host;
mod miss;
mod readable;
mod report;
mod subject;
mod waiver;
mod whose;

pub use answer::{Answer, Route};
pub use checks::{Check, LIST, Level};
pub use child::run_if_asked;
pub use examine::{Examination, examine};
pub use report::{Outcome, Report, Result};
pub use subject::{Channel, canary};
pub use waiver::{Waiver, WaiverError, Waivers};
