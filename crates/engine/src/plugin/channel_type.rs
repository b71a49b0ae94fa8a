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

/// What a plugin says of settings.
#[derive(Debug, Default)]
pub(crate) struct SettingsVerdict {
    pub(crate) problems: Vec<ProblemV1>,
    /// What a channel with them can prove, as the contract has it; empty from a
    /// plugin that cannot say.
    pub(crate) proofs_json: String,
}

impl SettingsVerdict {
    pub(crate) fn proofs(&self) -> Proofs {
        Proofs::read(&self.proofs_json)
    }
}
