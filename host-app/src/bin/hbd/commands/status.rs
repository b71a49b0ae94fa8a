//! How `hbd status` and `hbd explain` look.

use std::time::Duration;

use annunciator_monitor::timestamp::{format_duration, format_timestamp};
use serde_json::Value as Json;

use crate::output::{Output, plain};

/// All hosts as a table, and what is out of order below.
pub(super) fn overview(answer: &Json, output: &Output) {
    let answer = &plain(answer);
    let hosts = list(&answer["hosts"]);
    let rows: Vec<[String; 5]> = hosts
        .iter()
        .map(|host| {
            [
                text(&host["host"]),
                text(&host["state"]),
                connections(host),
                alerts(host),
                remarks(host),
            ]
        })
        .collect();
    output.table(["HOST", "STATE", "LAST HEARD", "ALERTS", ""], &rows);
    output.line("");
    let count = |state: &str| hosts.iter().filter(|host| host["state"] == state).count();
    let plural = if hosts.len() == 1 { "" } else { "s" };
    let mut summary = vec![format!("{} host{plural}", hosts.len())];
    for state in [
        "up", "late", "overdue", "down", "flapping", "unknown", "new",
    ] {
        if count(state) > 0 {
            summary.push(format!("{} {state}", count(state)));
        }
    }
    output.line(&summary.join(", "));
    output.line(&format!(
        "{} datagrams taken{}",
        answer["datagrams"],
        counted(&answer["refused"], "; refused: ")
    ));
    let messages = counted(&answer["messages"]["by_state"], "messages: ");
    output.line(if messages.is_empty() {
        "no messages yet"
    } else {
        &messages
    });
    if answer["messages"]["redelivered"].as_u64().unwrap_or(0) > 0 {
        output.line(&format!(
            "told again after a crash: {}",
            answer["messages"]["redelivered"]
        ));
    }
    if answer["messages"]["handing_over"].as_u64().unwrap_or(0) > 0 {
        output.line(&format!(
            "not in the store of deliveries yet: {}",
            answer["messages"]["handing_over"]
        ));
    }
    for trouble in list(&answer["troubles"]) {
        output.line(&format!(
            "since {}: {}",
            time(&trouble["since_ms"]),
            text(&trouble["sentence"])
        ));
    }
    for silence in list(&answer["silences"]) {
        output.line(&format!(
            "silenced: {} ({})",
            text(&silence["host"]),
            text(&silence["why"])
        ));
    }
    for span in list(&answer["blind_spans"]).iter().rev().take(1) {
        output.line(&format!(
            "last blind from {} to {}",
            time(&span["from_ms"]),
            time(&span["to_ms"])
        ));
    }
    let addresses: Vec<String> = list(&answer["listening"]).iter().map(text).collect();
    output.line(&format!("heartbeats are taken at {}", addresses.join(", ")));
    if let Some(address) = answer["http"].as_str() {
        output.line(&format!("numbers are served at http://{address}/metrics"));
    }
    if answer["keys"] == false {
        output.line("no keys are configured: anybody who reaches the port can send heartbeats");
    }
    if let Some(trouble) = answer["state_trouble"].as_str() {
        output.line(&format!("the state would not outlive a restart: {trouble}"));
    }
}

/// One host, and how it came to be as it is.
pub(super) fn explained(answer: &Json, output: &Output) {
    let answer = &plain(answer);
    let host = &answer["host"];
    let watched = if host["watch"] == true {
        "watched"
    } else {
        "not watched: its heartbeat events are not told"
    };
    output.line(&format!(
        "{} is {}; {watched}",
        text(&host["host"]),
        text(&host["state"])
    ));
    let channels: Vec<String> = list(&answer["channels"]).iter().map(text).collect();
    output.line(&format!(
        "channels: {}",
        if channels.is_empty() {
            "none".to_owned()
        } else {
            channels.join(", ")
        }
    ));
    for link in list(&host["connections"]) {
        let due = link["due_in_ms"].as_u64();
        let due = due.map_or(String::new(), |ms| format!(", overdue in {}", length(ms)));
        output.line(&format!(
            "{} {} since {}, last heard {} ago{due}",
            text(&link["family"]),
            text(&link["state"]),
            time(&link["since_ms"]),
            length(link["silent_for_ms"].as_u64().unwrap_or(0)),
        ));
    }
    if let Some(why) = host["silenced_why"].as_str() {
        output.line(&format!(
            "silenced until {}: {why}",
            time(&host["silenced_until_ms"])
        ));
    }
    for alert in list(&host["alerts"]) {
        output.line(&format!(
            "{} {} = {} since {}",
            text(&alert["level"]),
            text(&alert["path"]),
            alert["value"],
            time(&alert["since_ms"])
        ));
    }
    let refused = counted(&answer["refused"], "refused in its name: ");
    if !refused.is_empty() {
        output.line(&refused);
    }
    section("metrics", &answer["metrics"], output, |metric| {
        format!("{} = {}", text(&metric[0]), metric[1])
    });
    section("history", &answer["history"], output, |line| {
        format!("{}  {}", time(&line["wall_ms"]), text(&line["text"]))
    });
    section("messages", &answer["messages"], output, |message| {
        let detail = message["detail"].as_str();
        let detail = detail.map_or(String::new(), |detail| format!(" ({detail})"));
        format!(
            "{}  {} {}{}: {}{detail}",
            time(&message["occurred_ms"]),
            text(&message["channel"]),
            text(&message["state"]),
            attempts(message),
            text(&message["text"]),
        )
    });
}

/// How often it was tried, where that is worth a word, and when it is next.
fn attempts(message: &Json) -> String {
    let tried = match message["attempts"].as_u64() {
        Some(many @ 2..) => format!(" after {many} attempts"),
        _ => String::new(),
    };
    let due = message["due_ms"].as_i64();
    let due = due.map_or(String::new(), |_| {
        format!(", next tried at {}", time(&message["due_ms"]))
    });
    format!("{tried}{due}")
}

fn section(name: &str, lines: &Json, output: &Output, show: impl Fn(&Json) -> String) {
    let lines = list(lines);
    if !lines.is_empty() {
        output.line(&format!("\n{name}:"));
        lines
            .iter()
            .for_each(|line| output.line(&format!("  {}", show(line))));
    }
}

fn connections(host: &Json) -> String {
    let links = list(&host["connections"]).iter().map(|link| {
        let silent = length(link["silent_for_ms"].as_u64().unwrap_or(0));
        format!("{} {silent} ago", text(&link["family"]))
    });
    let links: Vec<String> = links.collect();
    if links.is_empty() {
        "never".to_owned()
    } else {
        links.join(", ")
    }
}

fn alerts(host: &Json) -> String {
    let alerts = list(&host["alerts"]).iter();
    let alerts = alerts.map(|alert| format!("{} {}", text(&alert["level"]), text(&alert["path"])));
    alerts.collect::<Vec<_>>().join(", ")
}

fn remarks(host: &Json) -> String {
    let mut remarks = Vec::new();
    if host["watch"] == false {
        remarks.push("not watched".to_owned());
    }
    if host["silenced_until_ms"].is_i64() {
        remarks.push(format!(
            "silenced until {}",
            time(&host["silenced_until_ms"])
        ));
    }
    remarks.join(", ")
}

fn counted(counts: &Json, before: &str) -> String {
    let counts = counts.as_object().into_iter().flatten();
    let counts: Vec<String> = counts
        .filter(|(_, count)| count.as_u64() != Some(0))
        .map(|(name, count)| format!("{count} {name}"))
        .collect();
    if counts.is_empty() {
        String::new()
    } else {
        format!("{before}{}", counts.join(", "))
    }
}

fn length(ms: u64) -> String {
    // To the second: nobody reads more.
    format_duration(Duration::from_secs(ms / 1000)).to_string()
}

fn time(ms: &Json) -> String {
    format_timestamp(ms.as_i64().unwrap_or_default()).to_string()
}

fn list(json: &Json) -> &[Json] {
    json.as_array().map_or(&[], Vec::as_slice)
}

fn text(json: &Json) -> String {
    json.as_str().unwrap_or_default().to_owned()
}
