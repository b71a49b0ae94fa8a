//! Validates that a plugin keeps the rules of the contract.
//!
//! Each check runs in a process of its own, with a time limit, so that a plugin that crashes or
//! hangs fails that check and no other. `checks` has the checks; `subject` is the plugin as they
//! see it; `host` is the host that the plugin gets, which answers with an `answer`, and knows for
//! `whose` delivery a request is and what is `readable` in it; `child` runs a check, `examine`
//! runs all of them; `waiver` has the author's exceptions, and `report` the results.
//!
//! A plugin that makes its HTTP requests through its host is answered by a script: nothing leaves
//! the machine. A plugin that reaches its remote by itself delivers only if the operator has
//! named a server for that.

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
