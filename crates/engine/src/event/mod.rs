//! Events that people are notified of: notifications, as the embedding program makes them.

pub(crate) mod code;
mod notification;

pub(crate) use annunciator_store::DigestSource;
pub use annunciator_store::{Kind, Proof, Severity};
pub use notification::Notification;
pub(crate) use notification::{Rendered, since_epoch};
