//! What came of a message, in lines for a person.

use annunciator::{ChannelReport, Class, Config, NotifyError, Report, store::State};
use serde_json::{Value as Json, json};

/// Whether whoever calls has to call otherwise; else something here was in the way.
#[must_use]
pub fn is_wrong_call(error: &NotifyError) -> bool {
    matches!(
        error,
        NotifyError::EmptyMessage
            | NotifyError::UnknownChannel(_)
            | NotifyError::Definitions(_)
            | NotifyError::Key
            | NotifyError::Conflict { .. }
    )
}

/// What programs are told of a key that was used for something else.
#[must_use]
pub fn conflict(error: &NotifyError) -> Option<Json> {
    match error {
        NotifyError::Conflict { key, differs } => Some(json!({ "key": key, "differs": differs })),
        _ => None,
    }
}

/// A host that is not configured has the default channels, by the specification; its
/// name may be a slip all the same. `were` is `were` or `would be`.
#[must_use]
pub fn unknown_host_warning(config: &Config, host: &str, were: &str) -> Option<String> {
    let is_notified = !config.named_by_host(host).is_empty();
    (is_notified && config.host(host).is_none()).then(|| {
        format!(
            "no host `{}` is in the configuration: the default channels {were} told",
            host.escape_debug()
        )
    })
}

/// Whether it went as it should. The end of a problem is no business of a channel that
/// was never told the problem.
#[must_use]
pub fn is_well(report: &Report, is_recovery: bool) -> bool {
    let has_ended = |channel: &ChannelReport| {
        channel.delivered || is_recovery && channel.state == State::Superseded
    };
    report.all_delivered() || !report.is_empty() && report.channels().values().all(has_ended)
}

/// The report as JSON; `goes_on` as for [`lines`]. What nobody tries again has
/// failed, or nobody knows what came of it.
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

/// Whether it may have arrived somewhere, by what its last attempt brought.
fn is_unknown(channel: &ChannelReport) -> bool {
    let mut targets = channel.targets.iter();
    targets.any(|target| target.class == Class::Unknown)
}

/// A line for the channel, and below it what is worth telling of its targets.
/// `goes_on` says whether somebody tries again what has not ended.
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
            // Not for now: for good.
            target.class = Class::Permanent;
        }
        format!("  {target}")
    });
    // Without an attempt there is nothing to note but what it waits for.
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
