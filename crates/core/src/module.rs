//! The root module: the table of functions that every plugin exports.
//!
//! The host reads it once for each loaded file. Fields that a later minor version appends are read
//! as `Option`, because the table of an older plugin ends before them.

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
    /// What the channel type is, in one sentence.
    pub summary: RString,
    /// The JSON Schema of the settings, which are an object.
    pub schema_json: RString,
    /// An example definition, as YAML without the channel's name; may be empty.
    pub example_yaml: RString,
}

/// The request to open a provider.
#[repr(C)]
#[derive(StableAbi)]
pub struct OpenRequestV1 {
    /// The channel type, one of the plugin's.
    pub channel_type: RString,
    /// The name of the channel in the configuration.
    pub channel: RString,
    /// The settings: a JSON object that fits the schema of the channel type.
    pub settings_json: RString,
    /// The services of the host, which the provider keeps.
    pub host: HostBox,
    /// A JSON object for what later versions add; empty text for none.
    pub extension_json: RString,
}

/// The result of opening a provider.
pub type OpenResult = RResult<ProviderBox, OpenErrorV1>;

/// The functions of a plugin.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = PluginModuleRef)))]
pub struct PluginModule {
    /// Returns the same JSON as the note in the plugin's file, so that the two can be compared.
    pub manifest_json: extern "C" fn() -> RStr<'static>,

    /// Returns the channel types, or the text of an error.
    pub channel_types: extern "C" fn() -> RResult<RVec<ChannelTypeV1>, RString>,

    /// Checks settings (type, JSON text) without any input or output.
    pub validate: extern "C" fn(RStr<'_>, RStr<'_>) -> RVec<ProblemV1>,

    /// Opens a provider for one channel.
    #[sabi(last_prefix_field)]
    pub open: extern "C" fn(OpenRequestV1) -> FfiFuture<OpenResult>,

    /// Returns the proofs that a channel with these settings (type, JSON text) can give, as the
    /// JSON of [`Proofs`](crate::proofs::Proofs), without any input or output. Appended in 1.1.
    /// Without it, a channel proves acceptance only.
    pub proofs: extern "C" fn(RStr<'_>, RStr<'_>) -> RString,
}

impl RootModule for PluginModuleRef {
    declare_root_module_statics! {PluginModuleRef}

    const BASE_NAME: &'static str = "annunciator_plugin";
    const NAME: &'static str = "annunciator_plugin";
    const VERSION_STRINGS: VersionStrings = package_version_strings!();
}
