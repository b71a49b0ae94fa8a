//! Logs the outcome of a delivery, channel by channel.

use std::time::{Duration, UNIX_EPOCH};

use annunciator_store::{Next, State};
use tracing::field::{DisplayValue, display};

use super::report::{ChannelReport, Class, TargetReport};

/// Logs a channel's report, target by target: a permanent failure as an error, a failure that
/// is retried as a warning with the time of the next attempt, and a suppressed message as
/// information.
pub(super) fn log_outcome(
    report: &ChannelReport,
    notification: &str,
    host: &str,
    next: Option<&Next>,
) {
    let (channel, channel_type) = (&report.channel, &report.channel_type);
    let ms = report.duration.as_millis();
    let host = unless_empty(host);
    if report.delivered {
        let targets = report.targets.len();
        tracing::info!(%channel, %channel_type, host, notification, targets, ms, "sent notification");
    }
    // A suppressed or superseded message is no failure.
    let is_suppressed = matches!(report.state, State::Suppressed | State::Superseded);
    for failure in report.failures() {
        let (target, fault, detail) = (&failure.target, failure.fault, &failure.detail);
        let (code, hint) = (unless_empty(&failure.code), unless_empty(&failure.hint));
        if is_suppressed {
            tracing::info!(%channel, %channel_type, host, notification, state = %report.state, "is not sent: {detail}");
            continue;
        }
        // The specification's users grep for these words.
        match next_attempt(failure, next) {
            Some(at) => tracing::warn!(
                %channel, %channel_type, host, notification, ms, %target, %fault, code, hint,
                "failed to send notification: {detail}; tried again at {at}"
            ),
            None => tracing::error!(
                %channel, %channel_type, host, notification, ms, %target, %fault, code, hint,
                "failed to send notification: {detail}"
            ),
        }
    }
    for target in &report.targets {
        for note in &target.notes {
            tracing::info!(%channel, target = %target.target, notification, "{note}");
        }
    }
}

/// Returns when a target is attempted next, if it is.
fn next_attempt(
    failure: &TargetReport,
    next: Option<&Next>,
) -> Option<humantime::Rfc3339Timestamp> {
    let Some(Next::Again { at_ms, targets }) = next else {
        return None;
    };
    let is_left = targets.is_empty() || targets.contains(&failure.target);
    let at = Duration::from_millis(u64::try_from(*at_ms).unwrap_or_default());
    let at = UNIX_EPOCH.checked_add(at)?;
    (is_left && failure.class != Class::Permanent).then(|| humantime::format_rfc3339_seconds(at))
}

/// Leaves out an empty field.
fn unless_empty(text: &str) -> Option<DisplayValue<&str>> {
    (!text.is_empty()).then(|| display(text))
}
