//! Loaded plugins, wherever their code runs: in this process, or in worker processes.
//!
//! `catalog` finds the plugin of a channel type, `cache` keeps what was loaded for as
//! long as the process lives, `loaded` is a channel type of it, and `instance` an open
//! provider. Whoever uses these need not know which of the two it is.

mod cache;
mod catalog;
mod instance;
mod loaded;

pub(crate) use cache::load_uncached;
pub use catalog::Catalog;
pub(crate) use catalog::TypeError;
pub(crate) use instance::Instance;
pub(crate) use loaded::LoadedType;
