//! Opens the channels of a configuration, all of them or none.

use std::sync::Arc;

use annunciator_core::code;
use futures_util::future::join_all;

use crate::{
    alerts::{ActiveAlerts, ChannelProblem, Subject},
    config::{ChannelConfig, Problems},
    delivery::{Channel, Disabled},
    engine::error::StartError,
    services::Shared,
};

/// Opens channels concurrently. A channel that cannot be opened is disabled. If a channel makes the
/// configuration unusable, all channels are closed again. `may_be_disabled` decides whether a
/// channel whose settings do not work on this machine, for example because a program is missing, is
/// disabled like any other.
///
/// # Errors
/// [`StartError::Channels`] for channels that are required or may not be disabled.
pub(crate) async fn open_channels(
    configs: impl IntoIterator<Item = Arc<ChannelConfig>>,
    shared: &Shared,
    may_be_disabled: impl Fn(&ChannelConfig) -> bool,
) -> Result<Vec<Arc<Channel>>, StartError> {
    let opening = configs
        .into_iter()
        .map(|config| Channel::open(config, shared));
    let channels: Vec<_> = join_all(opening).await.into_iter().map(Arc::new).collect();
    let mut wrong = Vec::new();
    for channel in &channels {
        let Err(disabled) = channel.provider() else {
            continue;
        };
        let config = channel.config();
        let sentence = format!("channel {}: {}", config.name(), disabled.detail);
        let is_refused = disabled.fault == code::Fault::CONFIG && !may_be_disabled(config);
        if is_refused || config.options().required {
            wrong.push(sentence);
        } else if config.disabled().is_none() {
            tracing::error!(channel = config.name(), "{sentence}");
        }
    }
    if wrong.is_empty() {
        return Ok(channels);
    }
    close_channels(&channels).await;
    Err(StartError::Channels(wrong))
}

/// A channel whose settings cannot be used on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unusable {
    /// The name of the channel.
    pub channel: String,
    /// Why the channel cannot be used, in words.
    pub detail: String,
    /// What a person can do about it, if known.
    pub hint: String,
}

/// Opens channels and closes them again. Returns those that cannot be opened.
///
/// # Errors
/// [`StartError::Channels`] for channels that are required.
pub(crate) async fn open_once(
    configs: impl IntoIterator<Item = Arc<ChannelConfig>>,
    shared: &Shared,
) -> Result<Vec<Unusable>, StartError> {
    let channels = open_channels(configs, shared, |_| true).await?;
    let unusable = channels.iter().filter_map(|channel| {
        let disabled = channel.provider().err()?;
        Some(Unusable {
            channel: channel.config().name().to_owned(),
            detail: disabled.detail.clone(),
            hint: disabled.hint.clone(),
        })
    });
    let unusable = unusable.collect();
    close_channels(&channels).await;
    Ok(unusable)
}

/// Raises or clears the alerts of channels that are disabled.
pub(crate) fn update_disabled_alerts(channels: &[Arc<Channel>], alerts: &ActiveAlerts) {
    for channel in channels {
        let name = Arc::clone(&channel.definition().name);
        let subject = Subject::Channel(Arc::clone(&name), ChannelProblem::Disabled);
        match channel.provider() {
            Ok(_) => alerts.clear(&subject),
            Err(disabled) => alerts.raise_or_update(subject, disabled_sentence(&name, disabled)),
        }
    }
}

fn disabled_sentence(channel: &str, disabled: &Disabled) -> String {
    let hint = match disabled.hint.as_str() {
        "" => String::new(),
        hint => format!(" ({hint})"),
    };
    format!(
        "Channel {channel} is disabled: {}{hint}. Its deliveries wait until that is fixed and the configuration is loaded again, or expire.",
        disabled.detail
    )
}

/// Closes channels concurrently.
pub(crate) async fn close_channels(channels: &[Arc<Channel>]) {
    join_all(channels.iter().map(|channel| channel.close())).await;
}

/// Logs the warnings of a configuration.
pub(crate) fn log_warnings(warnings: &Problems) {
    for problem in warnings.iter() {
        // A problem of the whole file has no line.
        let line = problem.span.map(|span| span.line);
        tracing::warn!(file = %warnings.file().display(), line, "{}", problem.sentence());
    }
}
