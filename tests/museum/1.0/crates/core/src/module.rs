//! The root module: the table of functions that every plugin exports.
//!
//! The host reads it once per loaded file. Fields that a later minor appends
//! are read as `Option`, since an older plugin's table ends before them.

use abi_stable::{
    StableAbi, declare_root_module_statics,
    library::RootModule,
    package_version_strings,
    sabi_types::VersionStrings,
    std_types::{RResult, RStr, RString, RVec},
};
use async_ffi::FfiFuture;

use crate::{
    outcome::{OpenErrorV1, ProblemV1},
    provider::ProviderBox,
    services::HostBox,
};

/// A channel type that a plugin offers.
#[repr(C)]
#[derive(StableAbi, Debug, Clone, PartialEq, Eq)]
pub struct ChannelTypeV1 {
    /// The `type` in the configuration.
    pub name: RString,
    /// What it is, in one sentence.
    pub summary: RString,
    /// The JSON Schema of its settings, an object schema.
    pub schema_json: RString,
    /// A definition to copy, as YAML without the channel's name; may be empty.
    pub example_yaml: RString,
}

/// Everything that a provider needs to open.
#[repr(C)]
#[derive(StableAbi)]
pub struct OpenRequestV1 {
    /// Which of the plugin's channel types.
    pub channel_type: RString,
    /// The channel's name in the configuration.
    pub channel: RString,
    /// The settings: a JSON object that fits the type's schema.
    pub settings_json: RString,
    /// The host, to keep.
    pub host: HostBox,
    /// A JSON object for what later versions add; empty text for none.
    pub extension_json: RString,
}

/// What opening answers.
pub type OpenResult = RResult<ProviderBox, OpenErrorV1>;

/// The functions of a plugin.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = PluginModuleRef)))]
pub struct PluginModule {
    /// The same JSON as in the file's note, to compare.
    pub manifest_json: extern "C" fn() -> RStr<'static>,

    /// The channel types; an error text when the plugin cannot say.
    pub channel_types: extern "C" fn() -> RResult<RVec<ChannelTypeV1>, RString>,

    /// Checks settings (type, JSON text) without any input or output.
    pub validate: extern "C" fn(RStr<'_>, RStr<'_>) -> RVec<ProblemV1>,

    /// Opens a provider for one channel.
    #[sabi(last_prefix_field)]
    pub open: extern "C" fn(OpenRequestV1) -> FfiFuture<OpenResult>,
}

impl RootModule for PluginModuleRef {
    declare_root_module_statics! {PluginModuleRef}

    const BASE_NAME: &'static str = "annunciator_plugin";
    const NAME: &'static str = "annunciator_plugin";
    const VERSION_STRINGS: VersionStrings = package_version_strings!();
}
