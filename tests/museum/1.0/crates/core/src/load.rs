//! From an exported symbol to a checked root module.
//!
//! abi_stable's own loader keeps one library per type of module and refuses
//! every plugin that is older than its host, so the steps are taken here one
//! by one. This file holds the crate's unsafe code that is not generated.

use abi_stable::{
    StableAbi,
    abi_stability::abi_checking::check_layout_compatibility,
    library::{AbiHeaderRef, IsLayoutChecked, LibHeader, LibraryError, RootModuleError},
};

use crate::{module::PluginModuleRef, version::Verdict};

/// The name of the symbol that a plugin exports, with the final NUL.
pub const LOADER_SYMBOL: &str = abi_stable::library::ROOT_MODULE_LOADER_NAME_WITH_NUL;

/// What the symbol [`LOADER_SYMBOL`] holds.
pub type LoaderHeader = AbiHeaderRef;

/// Why a loaded file is not a plugin that can be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It was built with an abi_stable that speaks another dialect.
    #[error("it was built with another version of abi_stable, or is damaged")]
    Header(#[source] LibraryError),
    /// Its layout is not what its version says. The text is long.
    #[error("its types are laid out differently from what its version says")]
    Layout(String),
    /// It was built without the description of its layout.
    #[error("it carries no description of its layout")]
    Unchecked,
    /// Its constructor panicked or failed.
    #[error("its constructor failed: {0}")]
    Constructor(RootModuleError),
}

/// Checks a plugin's layout in the direction that `verdict` asks for, and
/// answers its functions.
///
/// abi_stable expects the user of a library to be older than the library or
/// equal to it. That holds for a plugin that is as new as the host or newer;
/// for an older one, the roles are swapped: the host's types must extend the
/// plugin's. Either way every accessor looks up at run time which fields the
/// actual table has, which is what makes both directions sound.
///
/// # Errors
/// [`LoadError`] says what is wrong with the file.
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
