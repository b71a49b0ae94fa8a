//! Plugins in this process: finding, checking by the note, loading and calling them.
//!
//! This module does not know any plugin or channel type by name. A file that cannot be used never
//! stops the host: it disables its channel types and is reported in one sentence.

mod call_error;
mod channel_type;
mod error;
mod find;
mod image;
mod in_process;
mod limit;
mod lock;
mod note;
mod policy;
mod pool;
mod private_group;
mod proofs;
mod provider;
mod sha256;
mod trust;

pub(crate) use call_error::{CLOSING, CallError, not_opened};
pub use channel_type::ChannelType;
pub(crate) use channel_type::SettingsVerdict;
pub use error::PluginError;
pub use find::{Origin, PluginDir, PluginFile, default_dirs, inspect};
pub(crate) use find::{judge, scan};
pub(crate) use image::{Image, SealedImage};
pub(crate) use in_process::{InProcess, Offer, load, load_given};
pub(crate) use limit::{CLOSE_TIMEOUT, LOAD_TIMEOUT, OPEN_TIMEOUT, limited};
pub use lock::{Lock, LockError, LockMode};
pub(crate) use policy::Policy;
pub(crate) use pool::{Calls, Pool, Task};
pub use proofs::{ProofHint, Proofs};
pub(crate) use provider::Provider;
pub use sha256::Sha256;
pub(crate) use trust::typed;
pub use trust::{Distrust, Trust, Why};
