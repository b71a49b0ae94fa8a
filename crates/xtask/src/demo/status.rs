//! The hosts in `hbd status --json`, as far as the demo shows them.

use std::time::Duration;

use serde_json::Value as Json;

/// The current state of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HostNow {
    pub(super) name: String,
    pub(super) state: String,
    /// How long ago it was last heard, if ever.
    pub(super) silent_for: Option<Duration>,
    /// What is wrong with its metrics.
    pub(super) alerts: String,
}

/// Returns the hosts that send heartbeats, in the order of the configuration.
pub(super) fn hosts(answer: &Json) -> Vec<HostNow> {
    let watched = list(&answer["hosts"]).filter(|host| host["watch"] == true);
    watched.map(host).collect()
}

fn host(json: &Json) -> HostNow {
    let silences = list(&json["connections"]).filter_map(|link| link["silent_for_ms"].as_u64());
    let alerts = list(&json["alerts"]).map(|alert| {
        format!(
            "{} {} = {}",
            text(&alert["level"]),
            text(&alert["path"]),
            alert["value"]
        )
    });
    HostNow {
        name: text(&json["host"]),
        state: text(&json["state"]),
        silent_for: silences.min().map(Duration::from_millis),
        alerts: alerts.collect::<Vec<_>>().join(", "),
    }
}

fn list(json: &Json) -> impl Iterator<Item = &Json> {
    json.as_array().into_iter().flatten()
}

fn text(json: &Json) -> String {
    json.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn when_one_host_has_an_alert_and_one_was_never_heard() {
        let answer = json!({"hosts": [
            {"host": "by-hand", "state": "new", "watch": false, "connections": [], "alerts": []},
            {"host": "web-01", "state": "up", "watch": true,
             "connections": [{"silent_for_ms": 1200}, {"silent_for_ms": 200}],
             "alerts": [{"level": "CRITICAL", "path": "a.b", "value": 95.2}]},
            {"host": "db-01", "state": "new", "watch": true, "connections": [], "alerts": []},
        ]});
        let of = |name: &str, state: &str, silent_for, alerts: &str| HostNow {
            name: name.to_owned(),
            state: state.to_owned(),
            silent_for,
            alerts: alerts.to_owned(),
        };
        let expected = [
            of(
                "web-01",
                "up",
                Some(Duration::from_millis(200)),
                "CRITICAL a.b = 95.2",
            ),
            of("db-01", "new", None, ""),
        ];
        assert_eq!(hosts(&answer), expected);
    }
}
