//! What there is to tell: notifications, as the embedding program makes them.

mod content;
mod notification;
mod severity;

pub use content::Wording;
pub(crate) use content::{SumsUp, differences};
pub use notification::Notification;
pub(crate) use notification::Rendered;
pub use severity::{Kind, Severity};
