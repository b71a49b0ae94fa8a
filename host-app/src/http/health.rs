//! The health of the monitor: one word for machines, and a sentence for people.
//!
//! A monitor whose state cannot be written is degraded, and not failing. It still watches
//! hosts and notifies people, and a restart would lose what it knows. `hbd_state_writable`
//! reports the same.

use annunciator_monitor::Monitor;
use serde::Serialize;

/// The health of a monitor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "lowercase")]
pub enum Health {
    /// The monitor works.
    Ok,
    /// The monitor works, but its state would not survive a restart.
    Degraded {
        /// The reason, in a sentence; none for those who may not know it.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The monitor does not watch hosts.
    Failing {
        /// The reason, in a sentence; none for those who may not know it.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
}

impl Health {
    /// Returns the health of a running monitor.
    #[must_use]
    pub fn of(monitor: &Monitor) -> Self {
        Self::judge(monitor.liveness().problem(), monitor.state_problem())
    }

    fn judge(dead: Option<String>, state: Option<String>) -> Self {
        match (dead, state) {
            (reason @ Some(_), _) => Self::Failing { reason },
            (None, reason @ Some(_)) => Self::Degraded { reason },
            (None, None) => Self::Ok,
        }
    }

    /// Returns the health as one word.
    #[must_use]
    pub fn without_reason(self) -> Self {
        match self {
            Self::Ok => Self::Ok,
            Self::Degraded { .. } => Self::Degraded { reason: None },
            Self::Failing { .. } => Self::Failing { reason: None },
        }
    }

    /// Returns whether the monitor watches hosts and notifies people.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        !matches!(self, Self::Failing { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(dead: Option<&str>, state: Option<&str>, alive: bool, json: &str) {
        let health = Health::judge(dead.map(str::to_owned), state.map(str::to_owned));
        assert_eq!(health.is_alive(), alive);
        assert_eq!(serde_json::to_string(&health).unwrap(), json);
    }

    #[test]
    fn when_all_is_well() {
        check(None, None, true, r#"{"status":"ok"}"#);
    }

    #[test]
    fn when_the_state_cannot_be_written_it_is_alive_all_the_same() {
        let json = r#"{"status":"degraded","reason":"the disk is full"}"#;
        check(None, Some("the disk is full"), true, json);
    }

    #[test]
    fn whoever_may_not_know_the_reason_learns_one_word() {
        let health = Health::judge(None, Some("/var/lib/x is full".to_owned()));
        let json = serde_json::to_string(&health.without_reason()).unwrap();
        assert_eq!(json, r#"{"status":"degraded"}"#);
    }

    #[test]
    fn when_it_does_not_watch() {
        let json = r#"{"status":"failing","reason":"no host was judged for 60 s"}"#;
        let dead = Some("no host was judged for 60 s");
        check(dead, Some("the disk is full"), false, json);
    }
}
