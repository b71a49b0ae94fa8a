//! The contract between the Annunciator engine and its plugins.
//!
//! A plugin is a shared library that offers one or more channel types. It exports one symbol,
//! through which the engine finds a table of functions ([`module::PluginModule`]). The function
//! `open` creates a provider for one channel ([`provider::ProviderObject`]), which delivers with
//! the help of its host ([`services::HostServices`]). Plugin authors use the SDK, which hides all
//! of this behind one trait with types of the standard library.
//!
//! # Compatibility
//! A plugin that was built for version 1.x of this contract loads in every host of version 1.y with
//! y ≥ x. It also loads in an older host, unless its note says that it needs a newer one; then it
//! is refused with one sentence.
//!
//! Tests enforce this. The layout of everything that crosses the boundary is recorded in a file for
//! each minor version, and plugins and hosts of two minor versions are built separately and run
//! together. This crate has its own version number, and the versions of abi_stable and async-ffi
//! are part of the contract.
//!
//! # Rules of growth
//! - A method or function is appended after the last one, with a default body or as an optional
//!   field; `last_prefix_field` stays where 1.0 put it.
//! - A struct that crosses by value never changes. New data goes into its attributes or its
//!   extension, which is a JSON object.
//! - A code is a transparent integer, and whatever reads it handles unknown values.
//! - Settings are always a single JSON text.
//! - Any other change requires a new major version.
//!
//! # Threads and panics
//! The host calls every function from any of its threads, and several at the same time. Futures are
//! polled and dropped on any thread. A poll should take at most 10 ms, and dropping a future
//! cancels it. Neither side lets a panic cross the boundary.

pub mod code;
pub mod load;
pub mod message;
pub mod module;
pub mod note;
pub mod outcome;
pub mod proofs;
pub mod provider;
pub mod services;
pub mod version;

/// The types of abi_stable and async-ffi that cross the boundary, for the engine and the SDK.
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
