//! The engine: combines the modules below, and is what a program calls.
//!
//! `builder` starts an engine, and `handle` is what the program then holds. `notify` and `submit`
//! accept notifications, `acknowledge` records who has taken over, `reload` replaces the configuration, `plan` and `check` answer questions.
//! Two of the tasks that live as long as the engine are in this module: `canary` checks channels,
//! and `alert_notifier` notifies people of the engine's own alerts.

mod acknowledge;
mod alert_notifier;
mod builder;
mod canary;
mod current;
mod error;
mod handle;
mod known_report;
mod load;
mod notify;
mod open_channels;
mod plan;
mod reload;
mod runtime_home;
mod store_choice;
mod submit;

pub use acknowledge::{Acknowledge, AcknowledgedIncident};
pub use builder::EngineBuilder;
pub use error::{NotifyError, StartError};
pub use handle::{Drained, Engine, definitions};
pub use load::{LoadError, Loaded};
pub use open_channels::Unusable;
pub use plan::Planned;
pub use reload::Reloaded;
pub use runtime_home::Misplaced;
pub use submit::{PendingSubmission, Receipt, Submitted};
