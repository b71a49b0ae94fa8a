//! `hbd route`: prints what would be sent where and when, without sending it.

use std::time::Duration;

use annunciator::{Config, Planned, Severity};
use annunciator_monitor::{
    Hosts,
    thresholds::Renotify,
    timestamp::{format_duration, format_timestamp},
};
use annunciator_web::planned::{PreviewedChannel, is_notified, reaches_anybody, what};
use serde_json::json;

use crate::{
    Exit,
    arguments::{Arguments, At, Route},
    output::{Output, one_line},
    setup,
};

/// The monitor's reminder of a lasting alert.
struct Again {
    every: Duration,
    at_ms: i64,
    notified: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments, route: &Route, output: &Output) -> Exit {
    let loaded = match setup::load(arguments, output) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    let (config, host) = (&loaded.config, route.host.as_str());
    let at_ms = route.at.unwrap_or_else(At::now).ms;
    let planned = config.plan(host, route.severity, at_ms);
    if config.host(host).is_none() && !planned.is_empty() {
        output.warning(format!(
            "no host `{}` is in the configuration: the default channels are notified",
            host.escape_debug()
        ));
    }
    let again = again(config, route, at_ms);
    if route.json {
        output.json(&json!({
            "host": host,
            "is_configured": config.host(host).is_some(),
            "severity": route.severity,
            "at_ms": at_ms,
            "channels": planned
                .iter()
                .map(|planned| PreviewedChannel::of(planned.clone(), config))
                .collect::<Vec<_>>(),
            "again": again.as_ref().map(|again| json!({
                "every_ms": again.every.as_millis(),
                "at_ms": again.at_ms,
                "notified": again.notified,
            })),
        }));
    }
    if planned.is_empty() {
        output.error("no channel is configured for this: nobody would be notified");
        output.help("name channels for the host, or default_notification_channels");
        return Exit::Failed;
    }
    if !route.json {
        print(&planned, again.as_ref(), route, (config, at_ms), output);
    }
    if reaches_anybody(&planned, config) {
        return Exit::Ok;
    }
    output.error("every channel of this route is disabled: nobody would be notified");
    Exit::Failed
}

fn print(
    planned: &[Planned],
    again: Option<&Again>,
    route: &Route,
    (config, at_ms): (&Config, i64),
    output: &Output,
) {
    let (host, severity) = (one_line(&route.host), route.severity);
    output.line(&format!("{host}, {severity}, {}:", format_timestamp(at_ms)));
    let rows: Vec<[String; 4]> = planned
        .iter()
        .map(|planned| {
            [
                relative(planned.at_ms, at_ms),
                format_timestamp(planned.at_ms).to_string(),
                planned.channel.clone(),
                one_line(&what(planned, config)),
            ]
        })
        .collect();
    output.table(["WHEN", "AT", "CHANNEL", "WHAT"], &rows);
    if let Some(again) = again {
        let notified = match again.notified.join(", ") {
            nobody if nobody.is_empty() => "nobody".to_owned(),
            notified => notified,
        };
        let (first, every) = (format_timestamp(again.at_ms), format_duration(again.every));
        output.line(&format!(
            "\nwhile a metric is beyond its threshold, a reminder is sent every {every}: at {first} first, at once to {notified}"
        ));
    }
}

/// Formats the time between two points in time.
pub(super) fn relative(ms: i64, from_ms: i64) -> String {
    match ms.saturating_sub(from_ms) {
        ..=0 => "at once".to_owned(),
        later => format!(
            "in {}",
            format_duration(Duration::from_millis(later.unsigned_abs()))
        ),
    }
}

/// Returns when the monitor reminds of a metric beyond its threshold, and whom.
fn again(config: &Config, route: &Route, at_ms: i64) -> Option<Again> {
    let host = config.host(&route.host)?;
    let hosts = Hosts::new(config);
    let Renotify::Every(every) = hosts.thresholds(host)?.renotify else {
        return None;
    };
    if route.severity < Severity::Warning {
        // Thresholds have no lower severity.
        return None;
    }
    let at_ms = at_ms.saturating_add(i64::try_from(every.as_millis()).unwrap_or(i64::MAX));
    let planned = config.plan(&route.host, route.severity, at_ms).into_iter();
    let notified = planned.filter(|planned| is_notified(planned, config) && planned.at_ms == at_ms);
    let notified = notified.map(|planned| planned.channel).collect();
    Some(Again {
        every,
        at_ms,
        notified,
    })
}
