//! The output of `hbd status` and `hbd explain`.

use std::{collections::BTreeMap, fmt::Display, time::Duration};

use annunciator::store::State;
use annunciator_monitor::{
    HostDelivery,
    machine::{HostState, HostView, LinkState, LinkView, MetricView, PingReport},
    thresholds::Level,
    timestamp::{format_duration, format_timestamp},
};
use annunciator_web::IncidentJson;
use heartbeat::api::{ExplainAnswer, StatusAnswer};

use crate::output::{Output, one_line};

/// The order in which hosts are counted by state.
const STATES: [HostState; 8] = [
    HostState::Known(LinkState::Up),
    HostState::Known(LinkState::Late),
    HostState::Known(LinkState::Overdue),
    HostState::Known(LinkState::Failed),
    HostState::Known(LinkState::Down),
    HostState::Known(LinkState::Flapping),
    HostState::Known(LinkState::Unknown),
    HostState::New,
];

/// Prints all hosts as a table, followed by the problems.
pub(super) fn overview(status: &StatusAnswer, output: &Output) {
    let StatusAnswer {
        overview,
        http,
        incidents,
    } = status;
    let rows: Vec<[String; 5]> = overview
        .hosts
        .iter()
        .map(|host| {
            [
                one_line(&host.host),
                host.state.name().to_owned(),
                connections(host),
                alerts(host),
                remarks(host),
            ]
        })
        .collect();
    output.table(["HOST", "STATE", "LAST HEARD", "ALERTS", ""], &rows);
    output.line("");
    output.line(&host_counts(&overview.hosts));
    output.line(&format!(
        "{} {} accepted{}",
        overview.datagrams,
        match overview.datagrams {
            1 => "datagram",
            _ => "datagrams",
        },
        counted(&overview.refused, "; refused: ")
    ));
    match overview.pings {
        0 => {}
        1 => output.line("1 ping accepted"),
        many => output.line(&format!("{many} pings accepted")),
    }
    let messages = &overview.messages;
    let by_state = messages.by_state.iter();
    let by_state: BTreeMap<&str, u64> = by_state
        .map(|(state, count)| (State::name(*state), *count))
        .collect();
    let by_state = counted(&by_state, "messages: ");
    output.line(if by_state.is_empty() {
        "no messages yet"
    } else {
        &by_state
    });
    if messages.redelivered > 0 {
        output.line(&format!(
            "sent again after a crash: {}",
            messages.redelivered
        ));
    }
    if messages.handing_over > 0 {
        output.line(&format!(
            "not in the store of deliveries yet: {}",
            messages.handing_over
        ));
    }
    for alert in &overview.alerts {
        output.line(&format!(
            "since {}: {}",
            format_timestamp(alert.since_ms),
            one_line(&alert.sentence)
        ));
    }
    if !incidents.is_empty() {
        output.line(&open_counts(incidents));
    }
    for line in incidents.iter().filter_map(taken_over) {
        output.line(&line);
    }
    for silence in &overview.silences {
        let (host, why) = (one_line(&silence.host), one_line(&silence.why));
        output.line(&format!("silenced: {host} ({why})"));
    }
    if let Some(span) = overview.blind_spans.last() {
        output.line(&format!(
            "last blind from {} to {}",
            format_timestamp(span.from_ms),
            format_timestamp(span.to_ms)
        ));
    }
    let addresses = overview.listening.iter();
    let addresses: Vec<String> = addresses.map(ToString::to_string).collect();
    output.line(&format!(
        "heartbeats are received at {}",
        addresses.join(", ")
    ));
    if let Some(address) = http {
        output.line(&format!("metrics are served at http://{address}/metrics"));
    }
    if !overview.keys {
        output.line("no keys are configured: anybody who reaches the port can send heartbeats");
    }
    if let Some(problem) = &overview.state_problem {
        let problem = one_line(problem);
        output.line(&format!("the state would not survive a restart: {problem}"));
    }
}

fn host_counts(hosts: &[HostView]) -> String {
    let plural = if hosts.len() == 1 { "" } else { "s" };
    let mut summary = vec![format!("{} host{plural}", hosts.len())];
    for state in STATES {
        let count = hosts.iter().filter(|host| host.state == state).count();
        if count > 0 {
            summary.push(format!("{count} {}", state.name()));
        }
    }
    summary.join(", ")
}

/// Prints one host, with its history.
pub(super) fn explained(answer: &ExplainAnswer, output: &Output) {
    let ExplainAnswer {
        explained,
        incidents,
    } = answer;
    let host = &explained.host;
    let watched = if host.watch {
        "watched"
    } else {
        "not watched: nobody is notified of its heartbeat events"
    };
    output.line(&format!(
        "{} is {}; {watched}",
        one_line(&host.host),
        host.state.name()
    ));
    let channels = explained.channels.iter();
    let channels: Vec<String> = channels.map(|name| one_line(name)).collect();
    output.line(&format!(
        "channels: {}",
        if channels.is_empty() {
            "none".to_owned()
        } else {
            channels.join(", ")
        }
    ));
    for link in &host.connections {
        let due = link.due_in_ms;
        let due = due.map_or(String::new(), |ms| format!(", overdue in {}", length(ms)));
        output.line(&format!(
            "{} {} since {}, last heard {} ago{due}",
            link.family.name(),
            link.state.name(),
            format_timestamp(link.since_ms),
            length(link.silent_for_ms),
        ));
        if let Some(line) = job(link) {
            output.line(&line);
        }
    }
    if let Some(why) = &host.silenced_why {
        let until = host.silenced_until_ms.map(format_timestamp);
        let until = until.map_or_else(String::new, |until| format!(" until {until}"));
        output.line(&format!("silenced{until}: {}", one_line(why)));
    }
    for alert in &host.alerts {
        output.line(&format!(
            "{} {} = {:?} since {}",
            level(alert.level),
            one_line(&alert.path),
            alert.value,
            format_timestamp(alert.since_ms)
        ));
    }
    for line in incidents.iter().map(open_incident) {
        output.line(&line);
    }
    let refused = counted(&explained.refused, "refused in its name: ");
    if !refused.is_empty() {
        output.line(&refused);
    }
    for report in &explained.pings {
        ping(report, output);
    }
    section("metrics", &explained.metrics, output, metric);
    section("history", &explained.history, output, |line| {
        format!(
            "{}  {}",
            format_timestamp(line.wall_ms),
            one_line(&line.text)
        )
    });
    section("messages", &explained.messages, output, |message| {
        let detail = match message.detail.as_str() {
            "" => String::new(),
            detail => format!(" ({})", one_line(detail)),
        };
        format!(
            "{}  {} {}{}: {}{detail}",
            format_timestamp(message.occurred_ms),
            one_line(&message.channel),
            message.state.name(),
            attempts(message),
            one_line(&message.text),
        )
    });
}

/// Describes the job that a connection of pings is about, if there is something to say.
fn job(link: &LinkView) -> Option<String> {
    let problem = link.problem.as_deref().map(one_line);
    let running = link.running_since_ms.map(|since_ms| {
        let since = format_timestamp(since_ms);
        format!("it is running since {since}")
    });
    let next = link.next_run.as_deref();
    let next = next.map(|run| format!("its next run is that of {}", one_line(run)));
    let parts: Vec<String> = [problem, running, next].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| format!("  {}", parts.join("; ")))
}

/// Prints a ping with its output.
fn ping(report: &PingReport, output: &Output) {
    let took = report.took_ms.map_or(String::new(), |took_ms| {
        let took = format_duration(Duration::from_millis(took_ms));
        format!(" after {took}")
    });
    let what = match (report.body.is_empty(), report.is_cut) {
        (true, _) => ", without output",
        (false, false) => ", with this output:",
        (false, true) => ", with output that begins:",
    };
    let at = format_timestamp(report.at_ms);
    output.line(&format!("\n{at}  ping: {}{took}{what}", report.signal));
    for line in report.body.lines() {
        output.line(&format!("  {}", one_line(line)));
    }
}

/// Returns the line of a metric.
fn metric(metric: &MetricView) -> String {
    let level = match metric.level {
        Level::Ok => String::new(),
        level => format!("  {level}"),
    };
    let thresholds = match metric.thresholds().as_str() {
        "" => String::new(),
        thresholds => format!("  (thresholds: {thresholds})"),
    };
    let (path, value) = (one_line(&metric.path), metric.shown());
    format!("{path} = {value}{level}{thresholds}")
}

fn open_counts(incidents: &[IncidentJson]) -> String {
    let is_taken = |one: &&IncidentJson| one.acknowledgement.is_some();
    let taken = incidents.iter().filter(is_taken).count();
    let open = match incidents.len() {
        1 => "1 incident is open".to_owned(),
        many => format!("{many} incidents are open"),
    };
    format!("{open}, {taken} taken over")
}

/// Describes who has taken over an incident, if somebody has.
fn taken_over(one: &IncidentJson) -> Option<String> {
    let taken = one.acknowledgement.as_ref()?;
    let until = taken.until_ms.map_or(String::new(), |until_ms| {
        format!(", until {}", format_timestamp(until_ms))
    });
    let note = match one_line(&taken.note).as_str() {
        "" => String::new(),
        note => format!(": {note}"),
    };
    Some(format!(
        "{} is taken over by {} ({}) since {}{until}{note}",
        one_line(&one.incident),
        one_line(&taken.by),
        one_line(&taken.via),
        format_timestamp(taken.at_ms)
    ))
}

/// Describes an open incident.
fn open_incident(one: &IncidentJson) -> String {
    taken_over(one).unwrap_or_else(|| {
        format!(
            "{} is open since {}: {}",
            one_line(&one.incident),
            format_timestamp(one.since_ms),
            one_line(&one.subject)
        )
    })
}

/// Describes the number of attempts, if it matters, and the time of the next one.
fn attempts(message: &HostDelivery) -> String {
    let tried = match message.attempts {
        0 | 1 => String::new(),
        many => format!(" after {many} attempts"),
    };
    let due = message.due_ms.map_or(String::new(), |due_ms| {
        format!(", next tried at {}", format_timestamp(due_ms))
    });
    format!("{tried}{due}")
}

fn section<T>(name: &str, lines: &[T], output: &Output, show: impl Fn(&T) -> String) {
    if !lines.is_empty() {
        output.line(&format!("\n{name}:"));
        lines
            .iter()
            .for_each(|line| output.line(&format!("  {}", show(line))));
    }
}

fn connections(host: &HostView) -> String {
    let links = host.connections.iter().map(|link| {
        let silent = length(link.silent_for_ms);
        format!("{} {silent} ago", link.family.name())
    });
    let links: Vec<String> = links.collect();
    if links.is_empty() {
        "never".to_owned()
    } else {
        links.join(", ")
    }
}

fn alerts(host: &HostView) -> String {
    let alerts = host.alerts.iter();
    let alerts = alerts.map(|alert| format!("{} {}", level(alert.level), one_line(&alert.path)));
    alerts.collect::<Vec<_>>().join(", ")
}

fn level(level: Level) -> String {
    level.to_string().to_lowercase()
}

fn remarks(host: &HostView) -> String {
    let problems = host.connections.iter();
    let problems = problems.filter_map(|link| link.problem.as_deref());
    let mut remarks: Vec<String> = problems.map(one_line).collect();
    if !host.watch {
        remarks.push("not watched".to_owned());
    }
    if let Some(until_ms) = host.silenced_until_ms {
        remarks.push(format!("silenced until {}", format_timestamp(until_ms)));
    }
    remarks.join(", ")
}

fn counted<K: Display>(counts: &BTreeMap<K, u64>, before: &str) -> String {
    let counts: Vec<String> = counts
        .iter()
        .filter(|(_, count)| **count != 0)
        .map(|(name, count)| format!("{count} {name}"))
        .collect();
    if counts.is_empty() {
        String::new()
    } else {
        format!("{before}{}", counts.join(", "))
    }
}

fn length(ms: u64) -> String {
    // In whole seconds, which is enough for people.
    format_duration(Duration::from_secs(ms / 1000)).to_string()
}
