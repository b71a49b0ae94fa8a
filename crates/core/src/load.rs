//! Loading: checks an exported symbol, and returns the plugin's root module.
//!
//! abi_stable's own loader keeps one library for each type of module and refuses every plugin that
//! is older than its host. Therefore this module takes the steps one by one. It contains the only
//! unsafe code of the crate that is not generated.

use abi_stable::{
    StableAbi,
    abi_stability::abi_checking::check_layout_compatibility,
    library::{AbiHeaderRef, IsLayoutChecked, LibHeader, LibraryError, RootModuleError},
};

use crate::{module::PluginModuleRef, version::Verdict};

/// The name of the symbol that a plugin exports, with the final NUL.
pub const LOADER_SYMBOL: &str = abi_stable::library::ROOT_MODULE_LOADER_NAME_WITH_NUL;

/// The type of the symbol [`LOADER_SYMBOL`].
pub type LoaderHeader = AbiHeaderRef;

/// The error when a loaded file is not a usable plugin.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The plugin was built with an incompatible version of abi_stable.
    #[error("it was built with another version of abi_stable, or is damaged")]
    Header(#[source] LibraryError),
    /// The plugin's layout is not that of the version that it declares. The text is long.
    #[error("its types are laid out differently from what its version says")]
    Layout(String),
    /// The plugin was built without a description of its layout.
    #[error("it carries no description of its layout")]
    Unchecked,
    /// The plugin's constructor panicked or failed.
    #[error("its constructor failed: {0}")]
    Constructor(RootModuleError),
}

/// Checks a plugin's layout in the direction that `verdict` requires, and returns its functions.
///
/// abi_stable expects the user of a library to be as old as the library or older. That is so for a
/// plugin that is as new as the host or newer. For an older plugin, the roles are swapped: the
/// host's types must extend the plugin's. In both directions, every accessor looks up at run time
/// which fields the actual table has, which is what makes both of them sound.
///
/// # Errors
/// [`LoadError`] when the file is not a usable plugin.
///
/// # Safety
/// `header` must have been read from the symbol [`LOADER_SYMBOL`] of a library
/// that stays loaded until the process ends.
pub unsafe fn root_module(
    header: LoaderHeader,
    verdict: Verdict,
) -> Result<PluginModuleRef, LoadError> {
    let header: &'static LibHeader = header.upgrade().map_err(LoadError::Header)?;
    let IsLayoutChecked::Yes(plugin) = header.root_mod_consts().layout() else {
        return Err(LoadError::Unchecked);
    };
    let host = <PluginModuleRef as StableAbi>::LAYOUT;
    let (interface, implementation) = match verdict {
        Verdict::Older => (plugin, host),
        _ => (host, plugin),
    };
    check_layout_compatibility(interface, implementation)
        .map_err(|errors| LoadError::Layout(errors.to_string()))?;
    // SAFETY: the layouts were found compatible just above, and the caller
    // promises that the library stays loaded.
    unsafe { header.unchecked_layout::<PluginModuleRef>() }.map_err(LoadError::Constructor)
}
