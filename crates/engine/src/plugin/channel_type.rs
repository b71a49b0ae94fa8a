//! Descriptions that a plugin gives: of a channel type, and of the settings of a channel.

use annunciator_core::outcome::ProblemV1;

use super::proofs::Proofs;

/// A channel type, as its plugin describes it.
#[derive(Debug, Clone)]
pub struct ChannelType {
    /// The `type` in the configuration.
    pub name: String,
    /// What the channel type is, in one sentence.
    pub summary: String,
    /// The JSON Schema of the settings.
    pub schema: serde_json::Value,
    /// An example definition, as YAML without the channel's name.
    pub example: String,
}

/// The plugin's answer to a check of settings.
#[derive(Debug, Default)]
pub(crate) struct SettingsVerdict {
    pub(crate) problems: Vec<ProblemV1>,
    /// The proofs that a channel with these settings can give, in the form of the contract. Empty
    /// if the plugin cannot report them.
    pub(crate) proofs_json: String,
}

impl SettingsVerdict {
    pub(crate) fn proofs(&self) -> Proofs {
        Proofs::read(&self.proofs_json)
    }
}
