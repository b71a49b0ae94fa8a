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

/// Opens channels, all at once. Those that cannot be opened are disabled; where
/// one makes the configuration unusable, all are closed again. `may_lack` says of a
/// channel whether one that cannot work with its settings where this runs, as with a
/// program that is not there, is disabled like any other.
///
/// # Errors
/// [`StartError::Channels`] for channels that are required, or may not be lacking.
pub(crate) async fn open_all(
    configs: impl IntoIterator<Item = Arc<ChannelConfig>>,
    shared: &Shared,
    may_lack: impl Fn(&ChannelConfig) -> bool,
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
        let is_refused = disabled.fault == code::Fault::CONFIG && !may_lack(config);
        if is_refused || config.options().required {
            wrong.push(sentence);
        } else if config.disabled().is_none() {
            tracing::error!(channel = config.name(), "{sentence}");
        }
    }
    if wrong.is_empty() {
        return Ok(channels);
    }
    close_all(&channels).await;
    Err(StartError::Channels(wrong))
}

/// A channel that cannot be used with its settings where this runs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unusable {
    /// The channel's name.
    pub channel: String,
    /// Why, in words.
    pub detail: String,
    /// What a person can do about it, or nothing.
    pub hint: String,
}

/// Opens channels and closes them again; answers those that cannot be opened.
///
/// # Errors
/// [`StartError::Channels`] for channels that are required.
pub(crate) async fn open_once(
    configs: impl IntoIterator<Item = Arc<ChannelConfig>>,
    shared: &Shared,
) -> Result<Vec<Unusable>, StartError> {
    let channels = open_all(configs, shared, |_| true).await?;
    let unusable = channels.iter().filter_map(|channel| {
        let disabled = channel.provider().err()?;
        Some(Unusable {
            channel: channel.config().name().to_owned(),
            detail: disabled.detail.clone(),
            hint: disabled.hint.clone(),
        })
    });
    let unusable = unusable.collect();
    close_all(&channels).await;
    Ok(unusable)
}

/// Has people know of channels that are disabled, and of those that are no more.
pub(crate) fn tell_disabled(channels: &[Arc<Channel>], alerts: &ActiveAlerts) {
    for channel in channels {
        let name = Arc::clone(&channel.definition().name);
        let subject = Subject::Channel(Arc::clone(&name), ChannelProblem::Disabled);
        match channel.provider() {
            Ok(_) => alerts.clear(&subject),
            Err(disabled) => alerts.raise_or_update(subject, told_of(&name, disabled)),
        }
    }
}

fn told_of(channel: &str, disabled: &Disabled) -> String {
    let hint = match disabled.hint.as_str() {
        "" => String::new(),
        hint => format!(" ({hint})"),
    };
    format!(
        "Channel {channel} is disabled: {}{hint}. What is to be told by it waits until that is mended and the configuration is loaded again, or expires.",
        disabled.detail
    )
}

/// Closes channels, all at once.
pub(crate) async fn close_all(channels: &[Arc<Channel>]) {
    join_all(channels.iter().map(|channel| channel.close())).await;
}

/// Logs what the operator should know of a configuration.
pub(crate) fn tell_warnings(warnings: &Problems) {
    for problem in warnings.iter() {
        // None of the file as a whole.
        let line = problem.span.map(|span| span.line);
        tracing::warn!(file = %warnings.file().display(), line, "{}", problem.sentence());
    }
}
