//! Checks of channels: each verifies its own settings without delivering anything.

use annunciator_core::code;
use serde::Serialize;

use super::report::Disabled;
use crate::{config::ChannelConfig, runtime::Instance};

/// The verdict of a channel's check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckStatus {
    /// A notification would very likely arrive.
    Ok,
    /// A notification would not arrive.
    Failed,
    /// The channel cannot be checked without delivering something.
    Unsupported,
}

/// The result of a channel's check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Check {
    /// The name of the channel.
    pub channel: String,
    /// The type of the channel.
    #[serde(rename = "type")]
    pub channel_type: String,
    /// The verdict.
    pub status: CheckStatus,
    /// What was found, in words.
    pub detail: String,
    /// What a person can do about it.
    pub hint: String,
}

/// The last check of a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LastCheck {
    /// When it ended, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// What it found.
    #[serde(flatten)]
    pub check: Check,
}

impl Check {
    /// Checks a channel by its provider.
    pub(super) async fn of(config: &ChannelConfig, provider: Result<&Instance, &Disabled>) -> Self {
        let timeout = config.options().timeout;
        let (status, detail, hint) = match provider {
            Err(disabled) => (
                CheckStatus::Failed,
                disabled.sentence(),
                disabled.hint.clone(),
            ),
            Ok(instance) => match instance.check(timeout).await {
                Ok(result) => {
                    let status = match result.status {
                        code::CheckStatus::OK => CheckStatus::Ok,
                        code::CheckStatus::UNSUPPORTED => CheckStatus::Unsupported,
                        _ => CheckStatus::Failed,
                    };
                    (status, result.detail.into(), result.hint.into())
                }
                Err(error) => (
                    CheckStatus::Failed,
                    error.sentence("while it checked"),
                    error.hint(timeout),
                ),
            },
        };
        Self {
            channel: config.name().to_owned(),
            channel_type: config.channel_type().to_owned(),
            status,
            detail,
            hint,
        }
    }
}
