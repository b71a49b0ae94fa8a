//! A plan of what would be sent where and when, in words.

use annunciator::{Config, Planned, Proof, Route, Severity, UnknownChannel};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Returns a time of day and date in UTC, to the second.
fn in_utc(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(|_| ms.to_string(), |at| format!("{at:.0}"))
}

/// Describes in a sentence what happens on a channel.
#[must_use]
pub fn what(planned: &Planned, config: &Config) -> String {
    let mut what = match &planned.rule {
        Some(rule) => format!("suppressed by {rule}"),
        None => match disabled(planned, config) {
            Some(why) => format!("waits, the channel is disabled: {why}"),
            None => "notified".to_owned(),
        },
    };
    if let Some(group) = &planned.group {
        let until = planned.until.map_or("notified", Proof::name);
        what.push_str(&match planned.step {
            1 => format!(", step 1 of group {group}, until {until}"),
            step => format!(", step {step} of group {group}, unless {until} before"),
        });
        what.push_str(match planned.until {
            Some(Proof::Acknowledged) if planned.never_ends => "; never acknowledges",
            Some(_) if planned.never_ends => "; never says that it was delivered",
            _ => "",
        });
    }
    if let Some(digest_ms) = planned.digest_ms {
        what.push_str(&format!("; in the digest at {}", in_utc(digest_ms)));
    }
    what
}

/// A preview of what would be sent now, see [`preview`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// The moment, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Whether anybody would be notified.
    pub notified: bool,
    /// What would happen on each channel.
    pub channels: Vec<PreviewedChannel>,
}

/// The preview of one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewedChannel {
    /// The engine's plan.
    #[serde(flatten)]
    pub planned: Planned,
    /// Why the channel is disabled; `None` if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<String>,
    /// The plan in words.
    pub what: String,
}

impl PreviewedChannel {
    /// Completes a plan with what a configuration says of its channel.
    #[must_use]
    pub fn of(planned: Planned, config: &Config) -> Self {
        Self {
            disabled: disabled(&planned, config),
            what: what(&planned, config),
            planned,
        }
    }
}

/// Returns why the channel is disabled, if the configuration says so.
pub(crate) fn disabled(planned: &Planned, config: &Config) -> Option<String> {
    let channel = config.channel(&planned.channel)?;
    Some(channel.disabled()?.to_string())
}

/// Returns whether at least one of the channels can deliver. A channel whose delivery a
/// rule suppresses counts, since that is intended.
#[must_use]
pub fn reaches_anybody(planned: &[Planned], config: &Config) -> bool {
    planned.iter().any(|one| disabled(one, config).is_none())
}

/// Returns whether the channel would notify anybody, now or later.
#[must_use]
pub fn is_notified(planned: &Planned, config: &Config) -> bool {
    planned.rule.is_none() && disabled(planned, config).is_none()
}

/// Returns what would be sent now.
///
/// # Errors
/// Returns [`UnknownChannel`] if a name is unknown.
pub fn preview(
    config: &Config,
    route: Route<'_>,
    severity: Severity,
    is_recovery: bool,
    now_ms: i64,
) -> Result<Preview, UnknownChannel> {
    // The end of a problem passes `min_severity`, and goes to all steps of a group at once.
    let severity = if is_recovery {
        Severity::Critical
    } else {
        severity
    };
    let mut planned = config.plan_route(route, severity, now_ms)?;
    if is_recovery {
        for one in &mut planned {
            (one.at_ms, one.group, one.step, one.until) = (now_ms, None, 0, None);
            one.never_ends = false;
        }
    }
    let channels = planned.into_iter();
    let channels: Vec<_> = channels
        .map(|one| PreviewedChannel::of(one, config))
        .collect();
    Ok(Preview {
        at_ms: now_ms,
        notified: channels.iter().any(|one| is_notified(&one.planned, config)),
        channels,
    })
}
