//! Plugins: found, judged by their note, loaded, asked, run.
//!
//! Nothing here knows a plugin or a channel type by name. A file that cannot
//! be used never stops the host: it disables its channel types and is named
//! in one sentence.

mod calls;
mod catalog;
mod error;
mod find;
mod image;
mod instance;
mod limit;
mod loaded;
mod lock;
mod no_answer;
mod note;
mod policy;
mod pool;
mod private_group;
mod proofs;
mod resident;
mod trust;

pub(crate) use calls::Calls;
pub use catalog::Catalog;
pub(crate) use catalog::TypeError;
pub use error::PluginError;
pub use find::{Origin, PluginDir, PluginFile, default_dirs, inspect};
pub(crate) use image::Place;
pub use image::Sha256;
pub(crate) use instance::{CLOSE_LIMIT, CLOSING, Instance, OPEN_LIMIT, not_opened};
pub use loaded::ChannelType;
pub(crate) use loaded::{LoadedType, Verdict, load_given};
pub use lock::{Lock, LockError, LockMode};
pub(crate) use no_answer::NoAnswer;
pub(crate) use policy::Policy;
pub(crate) use pool::{Pool, Task};
pub use proofs::{ProofHint, Proofs};
pub(crate) use resident::alone as load_alone;
pub use trust::{Distrust, Trust, Why};
