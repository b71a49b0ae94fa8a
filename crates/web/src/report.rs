//! The outcome of a message, in lines for people.

use annunciator::{ChannelReport, Class, Config, NotifyError, Report, store::State};
use serde_json::{Value as Json, json};

/// Returns whether the caller made a mistake; otherwise something on this side failed.
#[must_use]
pub fn is_wrong_call(error: &NotifyError) -> bool {
    matches!(
        error,
        NotifyError::EmptyMessage
            | NotifyError::UnknownChannel(_)
            | NotifyError::NoChannel
            | NotifyError::Definitions(_)
            | NotifyError::Key
            | NotifyError::Conflict { .. }
    )
}

/// Returns the details of a conflicting key, for programs.
#[must_use]
pub fn conflict(error: &NotifyError) -> Option<Json> {
    match error {
        NotifyError::Conflict { key, differs } => Some(json!({ "key": key, "differs": differs })),
        _ => None,
    }
}

/// Returns a warning if the host is not configured. Its messages go to the default
/// channels, as specified, but its name may be a typing error. `were` is `were` or `would
/// be`.
#[must_use]
pub fn unknown_host_warning(config: &Config, host: &str, were: &str) -> Option<String> {
    let is_notified = !config.named_by_host(host).is_empty();
    (is_notified && config.host(host).is_none()).then(|| {
        format!(
            "no host `{}` is in the configuration: the default channels {were} notified",
            host.escape_debug()
        )
    })
}

/// Returns whether the outcome is as expected. A channel that was not notified of a problem
/// need not be notified of its end.
#[must_use]
pub fn is_well(report: &Report, is_recovery: bool) -> bool {
    let has_ended = |channel: &ChannelReport| {
        channel.delivered || is_recovery && channel.state == State::Superseded
    };
    report.all_delivered() || !report.is_empty() && report.channels().values().all(has_ended)
}

/// Returns the report as JSON; `goes_on` is as in [`lines`]. Without retries, an open
/// delivery has failed, or its outcome is unknown.
#[must_use]
pub fn json(report: &Report, goes_on: bool) -> Json {
    let mut json = json!(report);
    let open = report.channels().iter();
    for (name, channel) in open.filter(|(_, channel)| !goes_on && !channel.state.has_ended()) {
        json["channels"][name]["state"] = match channel.state {
            State::InFlight => json!(State::Unknown),
            _ if is_unknown(channel) => json!(State::Unknown),
            _ => json!(State::Failed),
        };
    }
    json
}

/// Returns whether the last attempt may have reached a target.
fn is_unknown(channel: &ChannelReport) -> bool {
    let mut targets = channel.targets.iter();
    targets.any(|target| target.class == Class::Unknown)
}

/// Returns a line for the channel, followed by notable outcomes of its targets. `goes_on`
/// says whether open deliveries are retried.
#[must_use]
pub fn lines(channel: &ChannelReport, goes_on: bool) -> Vec<String> {
    let (name, ms) = (&channel.channel, channel.duration.as_millis());
    let first = if channel.delivered {
        let targets = match channel.targets.len() {
            1 => String::new(),
            many => format!(" to {many} targets"),
        };
        format!("{name}: delivered{targets} in {ms} ms")
    } else {
        match channel.state {
            State::InFlight => {
                format!("{name}: no answer yet: it is not known whether it is delivered")
            }
            State::Pending if goes_on && channel.attempts == 0 => {
                format!("{name}: not delivered yet; it waits")
            }
            State::Pending if goes_on => {
                format!("{name}: not delivered yet after {ms} ms; it is tried again")
            }
            State::Pending if is_unknown(channel) => {
                format!(
                    "{name}: it is not known whether it is delivered ({ms} ms); it is not tried again"
                )
            }
            State::Pending => {
                format!("{name}: failed to send notification ({ms} ms); it is not tried again")
            }
            State::Expired | State::Suppressed | State::Superseded => {
                format!("{name}: not sent: {}", channel.state)
            }
            State::Delivered | State::Failed | State::Unknown => {
                format!("{name}: failed to send notification ({ms} ms)")
            }
        }
    };
    let is_kept_or_over = goes_on || channel.state.has_ended();
    let failures = channel.failures().map(|target| {
        let mut target = target.clone();
        if !is_kept_or_over && target.class == Class::Retry {
            // Without retries, a temporary failure is permanent.
            target.class = Class::Permanent;
        }
        format!("  {target}")
    });
    // Before an attempt, the notes only say what the delivery waits for.
    let has_notes = is_kept_or_over || channel.attempts > 0;
    let noted = channel.targets.iter().filter(|_| has_notes);
    let notes = noted.flat_map(|target| {
        let notes = target.notes.iter();
        notes.map(move |note| format!("  {}: {note}", target.target))
    });
    std::iter::once(first)
        .chain(failures)
        .chain(notes)
        .collect()
}
