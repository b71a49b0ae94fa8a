//! Loaded plugins, whether their code runs in this process or in worker processes.
//!
//! `catalog` finds the plugin of a channel type, `cache` keeps loaded plugins as long as the
//! process lives, `loaded` is a channel type of a loaded plugin, and `instance` is an open
//! provider. Callers need not know where the code runs.

mod cache;
mod catalog;
mod instance;
mod loaded;

pub(crate) use cache::load_uncached;
pub use catalog::Catalog;
pub(crate) use catalog::TypeError;
pub(crate) use instance::Instance;
pub(crate) use loaded::LoadedType;
