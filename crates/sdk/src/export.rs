//! The macro that makes a crate a plugin.

/// The parts that [`export_channels!`](crate::export_channels) expands to.
#[doc(hidden)]
pub mod parts {
    pub use annunciator_core::{
        ffi::{
            __call_root_module_loader, CheckTypeLayout, FfiFuture, LibHeader, PrefixTypeTrait,
            RResult, RStr, RString, RVec, RootModuleResult,
        },
        module::{ChannelTypeV1, OpenRequestV1, OpenResult, PluginModule, PluginModuleRef},
        note::{note_bytes, note_size, text_bytes, text_size},
        outcome::ProblemV1,
        version::{ABI_MAJOR_TEXT, ABI_MINOR_TEXT, RUSTC, TARGET},
    };

    pub use crate::shell::{Entry, channel_types, open_with, proofs_with, validate_with};

    /// The SDK's version, for the plugin's note.
    pub const SDK: &str = env!("CARGO_PKG_VERSION");

    /// Returns a JSON literal, for the plugin's note.
    #[must_use]
    pub const fn truth(is_true: bool) -> &'static str {
        if is_true { "true" } else { "false" }
    }

    /// The oldest minor version of a host that this SDK works with.
    pub const NEEDS_HOST_MINOR: &str = "0";

    /// Prepares the library. The host calls it once, when it loads the library.
    pub fn loaded(module: PluginModule) -> PluginModuleRef {
        crate::log::install();
        module.leak_into_prefix()
    }
}

/// Exports channel types from a crate of type `cdylib`: the plugin's note, the symbol that hosts
/// look for, and the functions behind it.
///
/// ```ignore
/// annunciator_sdk::export_channels!(Carrier, Pigeon);
/// ```
#[macro_export]
macro_rules! export_channels {
    ($first:ty $(, $more:ty)* $(,)?) => {
        const _: () = {
            use $crate::export::parts as p;

            const ENTRIES: &[p::Entry] = &[p::Entry::of::<$first>() $(, p::Entry::of::<$more>())*];

            const MANIFEST: &[&str] = &[
                "{\"abi_major\":", p::ABI_MAJOR_TEXT,
                ",\"abi_minor\":", p::ABI_MINOR_TEXT,
                ",\"needs_host_minor\":", p::NEEDS_HOST_MINOR,
                ",\"name\":\"", env!("CARGO_PKG_NAME"),
                "\",\"version\":\"", env!("CARGO_PKG_VERSION"),
                "\",\"channel_types\":[\"", <$first as $crate::Provider>::TYPE,
                $("\",\"", <$more as $crate::Provider>::TYPE,)*
                "\"],\"sdk\":\"", p::SDK,
                "\",\"rustc\":\"", p::RUSTC,
                "\",\"target\":\"", p::TARGET,
                "\",\"panic\":\"", if cfg!(panic = "unwind") { "unwind" } else { "abort" },
                "\",\"own_runtime\":", p::truth(
                    <$first as $crate::Provider>::OWN_RUNTIME
                        $(|| <$more as $crate::Provider>::OWN_RUNTIME)*
                ), ",\"idempotent\":{\"", <$first as $crate::Provider>::TYPE,
                "\":", p::truth(<$first as $crate::Provider>::IDEMPOTENT),
                $(",\"", <$more as $crate::Provider>::TYPE,
                "\":", p::truth(<$more as $crate::Provider>::IDEMPOTENT),)*
                "}}",
            ];

            #[repr(C, align(4))]
            struct Aligned([u8; p::note_size(MANIFEST)]);

            #[used]
            #[unsafe(link_section = ".note.annunciator")]
            static NOTE: Aligned = Aligned(p::note_bytes(MANIFEST));

            static MANIFEST_BYTES: [u8; p::text_size(MANIFEST)] = p::text_bytes(MANIFEST);

            extern "C" fn manifest_json() -> p::RStr<'static> {
                p::RStr::from_str(::core::str::from_utf8(&MANIFEST_BYTES).unwrap_or_default())
            }

            extern "C" fn channel_types() -> p::RResult<p::RVec<p::ChannelTypeV1>, p::RString> {
                p::channel_types(ENTRIES)
            }

            extern "C" fn validate(name: p::RStr<'_>, settings: p::RStr<'_>) -> p::RVec<p::ProblemV1> {
                p::validate_with(ENTRIES, name.as_str(), settings.as_str())
            }

            extern "C" fn open(request: p::OpenRequestV1) -> p::FfiFuture<p::OpenResult> {
                p::open_with(ENTRIES, request)
            }

            extern "C" fn proofs(name: p::RStr<'_>, settings: p::RStr<'_>) -> p::RString {
                p::proofs_with(ENTRIES, name.as_str(), settings.as_str())
            }

            fn module() -> p::PluginModuleRef {
                p::loaded(p::PluginModule { manifest_json, channel_types, validate, open, proofs })
            }

            extern "C" fn constructor() -> p::RootModuleResult {
                p::__call_root_module_loader(module)
            }

            // The name that abi_stable 0.11 gives its loader symbol; a test in the SDK compares
            // it with the constant.
            #[unsafe(export_name = "_1as_0lib_1header_0root_bmodule_bloader")]
            static HEADER: p::LibHeader = {
                // SAFETY: the constructor returns a module of the named type.
                unsafe {
                    p::LibHeader::from_constructor::<p::PluginModuleRef>(
                        constructor,
                        p::CheckTypeLayout::Yes,
                    )
                }
            };
        };
    };
}

#[cfg(test)]
mod tests {
    use annunciator_core::load::LOADER_SYMBOL;

    #[test]
    fn the_exported_name_is_the_one_that_hosts_look_for() {
        let source = include_str!("export.rs");
        let name = LOADER_SYMBOL.trim_end_matches('\0');
        assert!(
            source.contains(&format!("export_name = \"{name}\"")),
            "{name}"
        );
    }
}
