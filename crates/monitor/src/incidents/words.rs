//! The texts of messages. Other programs match them, so that they do not change.

use std::{sync::Arc, time::Duration};

use annunciator::{Kind, Severity};

use super::message::Message;
use crate::{
    machine::{Connection, Lapse, Moment, Occurrence, Steadiness},
    thresholds::Level,
    timestamp::{format_duration, format_timestamp},
};

/// The maximum number of hosts that a group message names; it counts the rest.
const MAX_NAMES: usize = 20;

/// Returns the incident that a connection's problems and their ends share.
pub(super) fn heartbeat_incident(of: &Connection) -> Arc<str> {
    format!("{}/{}/heartbeat", of.host, of.family).into()
}

/// Returns the message for a notice about one host, or about none.
pub(super) fn message(what: &Occurrence, at: Moment) -> Message {
    use Kind::{Message as Plain, Problem, Recovery};
    use Severity::{Critical, Info, Warning};
    let make = |kind, severity, body: String| Message::new(kind, severity, body, at.wall_ms);
    let about = |of: &Connection, kind, severity, body: String| Message {
        host: Some(Arc::clone(&of.host)),
        incident: Some(heartbeat_incident(of)),
        ..make(kind, severity, body)
    };
    let of_host = |host: &Arc<str>, severity, body: String| Message {
        host: Some(Arc::clone(host)),
        ..make(Plain, severity, body)
    };
    match what {
        Occurrence::Booted { host, unannounced } => Message {
            title: unannounced
                .then(|| format!("{host} rebooted without having announced a shutdown").into()),
            ..of_host(
                host,
                if *unannounced { Warning } else { Info },
                format!("{host} booted"),
            )
        },
        Occurrence::Shutdown(of) => of_host(
            &of.host,
            Info,
            format!("{} {} shutdown", of.host, of.family),
        ),
        Occurrence::UpAgain(of) => {
            let text = format!("{} {} is up again without a reboot", of.host, of.family);
            of_host(&of.host, Info, text)
        }
        Occurrence::Reported { host, message } => {
            of_host(host, Warning, format!("{host} {message}"))
        }
        Occurrence::Overdue(of) => about(
            of,
            Problem,
            Critical,
            format!("{} {} overdue", of.host, of.family),
        ),
        Occurrence::Lapsed { of, lapse } => {
            let (host, family) = (&of.host, of.family);
            let text = match lapse {
                Lapse::Failed { status: None } => format!("{host} {family} failed"),
                Lapse::Failed {
                    status: Some(status),
                } => format!("{host} {family} failed with exit status {status}"),
                Lapse::Missed { .. } | Lapse::Unfinished { .. } => {
                    format!("{host} {family} overdue: {lapse}")
                }
            };
            about(of, Problem, Critical, text)
        }
        Occurrence::Back(of) => about(
            of,
            Recovery,
            Info,
            format!("{} {} is back", of.host, of.family),
        ),
        Occurrence::Removed(of) => about(
            of,
            Recovery,
            Info,
            format!(
                "{} {} is no longer in the configuration, and no longer watched",
                of.host, of.family
            ),
        ),
        Occurrence::Flapping {
            of,
            changes,
            within,
        } => {
            let text = format!(
                "{} {} is flapping: {changes} changes within {}; the next message comes when it is steady",
                of.host,
                of.family,
                length(*within)
            );
            about(of, Problem, Warning, text)
        }
        Occurrence::Steady { of, now_is } => {
            let (kind, severity, state) = match now_is {
                Steadiness::Up => (Recovery, Info, "up"),
                Steadiness::Down => (Recovery, Info, "down"),
                Steadiness::Overdue => (Problem, Critical, "overdue"),
                Steadiness::Failed => (Problem, Critical, "failed"),
            };
            let text = format!("{} {} is steady again: {state}", of.host, of.family);
            about(of, kind, severity, text)
        }
        Occurrence::Restarting {
            host,
            changes,
            within,
        } => {
            let text = format!(
                "{host} keeps restarting: {changes} boots and shutdowns within {}; the next message comes when it stays up",
                length(*within)
            );
            of_host(host, Warning, text)
        }
        Occurrence::RestartingEnded { host } => {
            of_host(host, Info, format!("{host} no longer keeps restarting"))
        }
        Occurrence::Reporting {
            host,
            changes,
            within,
        } => {
            let text = format!(
                "{host} keeps reporting problems: {changes} messages within {}; `hbd explain {}` has the further ones",
                length(*within),
                // A host's name has no NUL byte, the only reason to fail.
                shlex::try_quote(host).unwrap_or_default()
            );
            of_host(host, Warning, text)
        }
        Occurrence::ReportingEnded { host } => {
            let text = format!("{host} no longer keeps reporting problems");
            of_host(host, Info, text)
        }
        Occurrence::ThresholdGone { host, path } => Message {
            incident: Some(format!("{host}/{path}").into()),
            kind: Recovery,
            ..of_host(
                host,
                Info,
                format!("{host} - {path} has no threshold any more"),
            )
        },
        Occurrence::Threshold {
            host,
            path,
            level,
            value,
            info,
            ..
        } => {
            let (kind, severity) = match level {
                Level::Ok => (Recovery, Info),
                Level::Warning => (Problem, Warning),
                Level::Critical => (Problem, Critical),
            };
            let text = format!("{level}: {host} - {path} = {value} {info}");
            Message {
                host: Some(Arc::clone(host)),
                incident: Some(format!("{host}/{path}").into()),
                ..make(kind, severity, text)
            }
        }
        Occurrence::Blind {
            from_ms,
            to_ms,
            rechecked,
            silent,
        } => {
            let text = format!(
                "monitor was blind from {} to {}; {rechecked} hosts re-checked; {silent} still silent",
                format_timestamp(*from_ms),
                format_timestamp(*to_ms)
            );
            make(Plain, if *silent > 0 { Warning } else { Info }, text)
        }
        // Each channel is notified of the hosts that are routed to it: see `group`.
        Occurrence::ManyOverdue(members) => group(true, members, at),
        Occurrence::ManyBack(members) => group(false, members, at),
    }
}

/// Returns the message about many hosts, for a channel that these are routed to.
pub(super) fn group(overdue: bool, members: &[Connection], at: Moment) -> Message {
    let mut names: Vec<String> = members
        .iter()
        .take(MAX_NAMES)
        .map(|of| format!("{} {}", of.host, of.family))
        .collect();
    if members.len() > MAX_NAMES {
        names.push(format!("and {} more", members.len() - MAX_NAMES));
    }
    let (count, names) = (members.len(), names.join(", "));
    let (kind, severity, text) = if overdue {
        (
            Kind::Problem,
            Severity::Critical,
            format!(
                "{count} overdue at once: {names}; the cause may lie between them and the monitor"
            ),
        )
    } else {
        (
            Kind::Recovery,
            Severity::Info,
            format!("{count} are back: {names}"),
        )
    };
    Message::new(kind, severity, text, at.wall_ms)
}

fn length(duration: Duration) -> impl std::fmt::Display {
    // In whole minutes: people read this.
    let minutes = duration.as_secs().div_ceil(60).max(1);
    format_duration(Duration::from_secs(minutes * 60))
}

#[cfg(test)]
mod tests {
    use crate::machine::LinkFamily;

    use super::*;

    fn text(what: &Occurrence) -> String {
        message(what, Moment::default()).body.into()
    }

    fn connection() -> Connection {
        Connection {
            host: Arc::from("prod-web-01"),
            family: LinkFamily::V4,
        }
    }

    #[test]
    fn the_specification_s_messages_are_to_the_letter() {
        let host = Arc::<str>::from("prod-web-01");
        let threshold = Occurrence::Threshold {
            host: Arc::clone(&host),
            path: Arc::from("cpu_monitor.cpu_percent"),
            level: Level::Critical,
            value: "95.2".into(),
            info: "(threshold: > 90.0)".into(),
            reminder: false,
        };
        let reported = Occurrence::Reported {
            host: Arc::clone(&host),
            message: "lost its uplink".into(),
        };
        for (what, expected) in [
            (
                threshold,
                "CRITICAL: prod-web-01 - cpu_monitor.cpu_percent = 95.2 (threshold: > 90.0)",
            ),
            (
                Occurrence::Booted {
                    host,
                    unannounced: true,
                },
                "prod-web-01 booted",
            ),
            (
                Occurrence::Shutdown(connection()),
                "prod-web-01 IPv4 shutdown",
            ),
            (Occurrence::Back(connection()), "prod-web-01 IPv4 is back"),
            (reported, "prod-web-01 lost its uplink"),
            (
                Occurrence::Overdue(connection()),
                "prod-web-01 IPv4 overdue",
            ),
        ] {
            assert_eq!(text(&what), expected);
        }
    }

    #[test]
    fn a_job_that_lapses_is_reported_in_these_words() {
        let lapsed = |lapse| {
            let of = Connection {
                family: LinkFamily::Ping,
                ..connection()
            };
            message(&Occurrence::Lapsed { of, lapse }, Moment::default())
        };
        let missed = Lapse::Missed {
            run: "2026-11-23 02:30 (Europe/Berlin)".into(),
        };
        for (lapse, expected) in [
            (
                missed,
                "overdue: its run of 2026-11-23 02:30 (Europe/Berlin) has not come",
            ),
            (
                Lapse::Unfinished {
                    since_ms: 1_790_000_000_000,
                },
                "overdue: its run that began at 2026-09-21T14:13:20Z has not ended",
            ),
            (Lapse::Failed { status: None }, "failed"),
            (
                Lapse::Failed { status: Some(7) },
                "failed with exit status 7",
            ),
        ] {
            let message = lapsed(lapse);
            assert_eq!(*message.body, format!("prod-web-01 ping {expected}"));
            assert_eq!(
                message.incident.as_deref(),
                Some("prod-web-01/ping/heartbeat")
            );
        }
    }

    #[test]
    fn a_large_group_names_some_and_counts_the_others() {
        let members: Vec<_> = (0..25)
            .map(|i| Connection {
                host: Arc::from(format!("h{i}")),
                family: LinkFamily::V6,
            })
            .collect();
        let text = text(&Occurrence::ManyOverdue(members));
        assert!(text.starts_with("25 overdue at once: h0 IPv6, "), "{text}");
        assert!(text.contains("h19 IPv6, and 5 more;"), "{text}");
    }

    #[test]
    fn what_the_monitor_did_not_see_is_reported_in_these_words() {
        let what = Occurrence::Blind {
            from_ms: 1_790_000_000_000,
            to_ms: 1_790_000_600_000,
            rechecked: 12,
            silent: 2,
        };
        assert_eq!(
            text(&what),
            "monitor was blind from 2026-09-21T14:13:20Z to 2026-09-21T14:23:20Z; 12 hosts re-checked; 2 still silent"
        );
    }
}
