//! The contract between the Annunciator engine and its plugins.
//!
//! A plugin is a shared library that offers one or more channel types. It
//! exports one symbol, through which the engine finds a table of functions
//! ([`module::PluginModule`]); `open` makes a provider for one channel
//! ([`provider::ProviderObject`]), which delivers with the help of its host
//! ([`services::HostServices`]). Plugin authors use the SDK, which hides all
//! of this behind one trait with std types.
//!
//! # The promise
//! A plugin that was built for version 1.x of this contract loads in every
//! host of version 1.y with y ≥ x. In an older host it loads too, unless its
//! note says that it needs a newer one; then it is refused in one sentence.
//! Tests keep it: the layout of all that crosses stands in a file of this minor,
//! and plugins and hosts of two minors are built apart and work together.
//! This crate has a version line of its own, and the versions of abi_stable
//! and async-ffi are part of the contract.
//!
//! # The rules of growth
//! - A method or a function is appended behind the last, with a default body
//!   or as an optional field; `last_prefix_field` stays where 1.0 put it.
//! - A struct that crosses by value never changes: new data goes to its
//!   attributes or its extension, a JSON object.
//! - A code is a transparent integer; whoever reads it handles unknown values.
//! - Settings are always one JSON text.
//! - Anything else is a new major version.
//!
//! # Who calls what, where
//! The host calls every function from any of its threads, several at once.
//! Futures are polled and dropped on any thread; a poll should not take longer
//! than 10 ms; dropping a future cancels it. No side lets a panic cross.

pub mod code;
pub mod load;
pub mod message;
pub mod module;
pub mod note;
pub mod outcome;
pub mod provider;
pub mod services;
pub mod version;

/// The types of the boundary's own dialect, for the engine and the SDK.
pub mod ffi {
    pub use abi_stable::{
        library::{
            __call_root_module_loader, CheckTypeLayout, LibHeader, RootModuleResult,
            lib_header_from_path,
        },
        prefix_type::PrefixTypeTrait,
        sabi_trait::TD_Opaque,
        std_types::{RArc, RBox, RErr, RNone, ROk, ROption, RResult, RSome, RStr, RString, RVec},
    };
    pub use async_ffi::{FfiFuture, FutureExt};
}
