//! What would be sent where and when, in words.

use annunciator::{Config, Planned, Proof, Route, Severity, UnknownChannel};
use annunciator_monitor::timestamp::format_timestamp;
use serde_json::{Value as Json, json};

/// What happens on a channel, in a sentence.
#[must_use]
pub fn what(planned: &Planned, config: &Config) -> String {
    let mut what = match &planned.rule {
        Some(rule) => format!("kept back by {rule}"),
        None => match disabled(planned, config) {
            Some(why) => format!("waits, the channel is disabled: {why}"),
            None => "told".to_owned(),
        },
    };
    if let Some(group) = &planned.group {
        let until = planned.until.map_or("told", Proof::name);
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
        what.push_str(&format!(
            "; in the digest at {}",
            format_timestamp(digest_ms)
        ));
    }
    what
}

/// The same as JSON, with why a channel is disabled.
#[must_use]
pub fn about(planned: &Planned, config: &Config) -> Json {
    let mut about = json!(planned);
    if let Some(why) = disabled(planned, config) {
        about["disabled"] = json!(why);
    }
    about
}

/// Why the channel is disabled, where that is known.
pub(crate) fn disabled(planned: &Planned, config: &Config) -> Option<String> {
    let channel = config.channel(&planned.channel)?;
    Some(channel.disabled()?.to_string())
}

/// Whether any of the channels could deliver. A rule that keeps something back does so
/// on purpose.
#[must_use]
pub fn reaches_anybody(planned: &[Planned], config: &Config) -> bool {
    planned.iter().any(|one| disabled(one, config).is_none())
}

/// Whether anybody would be told there at all, now or later.
#[must_use]
pub fn is_told(planned: &Planned, config: &Config) -> bool {
    planned.rule.is_none() && disabled(planned, config).is_none()
}

/// All that would be sent now, for whoever prints it: `told` says whether anybody
/// would be told, `channels` has what [`about`] says of each, and `what` in words.
///
/// # Errors
/// [`UnknownChannel`] when a name is unknown.
pub fn preview(
    config: &Config,
    route: Route<'_>,
    severity: Severity,
    is_recovery: bool,
    now_ms: i64,
) -> Result<Json, UnknownChannel> {
    // No rule by severity keeps back the end of a problem, and no step of a group
    // waits with it.
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
    let channels = planned.iter().map(|one| {
        let mut channel = about(one, config);
        channel["what"] = json!(what(one, config));
        channel
    });
    Ok(json!({
        "at_ms": now_ms,
        "told": planned.iter().any(|one| is_told(one, config)),
        "channels": channels.collect::<Vec<_>>(),
    }))
}
