//! The script: what happens to the three machines, act by act, and what people read of it. The
//! configuration's hosts are derived from it, too.

use super::inbox::Channel;

/// The host of the message that is sent by hand; it sends no heartbeats.
pub(super) const BY_HAND: &str = "prod-web-01";

/// The channels of a host without channels of its own.
pub(super) const DEFAULTS: &[Channel] = &[Channel::Email];

/// A simulated machine.
pub(super) struct Machine {
    pub(super) name: &'static str,
    /// The name of its thresholds in the configuration.
    pub(super) thresholds: Option<&'static str>,
    /// Its channels; `None` for the defaults.
    pub(super) channels: Option<&'static [Channel]>,
}

/// The machines, each with different channels.
pub(super) const MACHINES: [Machine; 3] = [
    Machine {
        name: "web-01",
        thresholds: Some("high_sensitivity"),
        channels: Some(&Channel::ALL),
    },
    Machine {
        name: "db-01",
        thresholds: None,
        channels: Some(&[Channel::Pushover, Channel::Signal]),
    },
    Machine {
        name: "mail-01",
        thresholds: None,
        channels: None,
    },
];

/// An action of a machine.
#[derive(Debug, Clone, Copy)]
pub(super) enum Deed {
    /// Starts to send heartbeats with this CPU load.
    Start(&'static str),
    /// Changes its CPU load.
    Load(&'static str),
    /// Ends without a message.
    Vanish,
    /// Reports its shutdown, and shuts down.
    ShutDown,
}

/// Something that happens to a machine.
#[derive(Debug, Clone, Copy)]
pub(super) struct Act {
    pub(super) host: &'static str,
    pub(super) deed: Deed,
    /// The action in words.
    pub(super) happening: &'static str,
    /// The message, word for word, which arrives once on each of the machine's channels.
    pub(super) message: &'static str,
}

impl Act {
    /// Returns the channels on which the message is to arrive.
    pub(super) fn channels(&self) -> &'static [Channel] {
        let machine = MACHINES.iter().find(|machine| machine.name == self.host);
        machine
            .and_then(|machine| machine.channels)
            .unwrap_or(DEFAULTS)
    }
}

/// The acts, in order. mail-01 shuts down before db-01 falls silent, so that it would be overdue
/// before the end if its shutdown were not believed.
pub(super) const SCRIPT: [Act; 8] = [
    act("web-01", Deed::Start("12.0"), "boots", "web-01 booted"),
    act("db-01", Deed::Start("20.5"), "boots", "db-01 booted"),
    act("mail-01", Deed::Start("3.0"), "boots", "mail-01 booted"),
    act(
        "web-01",
        Deed::Load("95.2"),
        "gets busy (95.2 % CPU)",
        "CRITICAL: web-01 - cpu_monitor.cpu_percent = 95.2 (threshold: > 90.0)",
    ),
    act(
        "mail-01",
        Deed::ShutDown,
        "shuts down (SIGTERM)",
        "mail-01 IPv4 shutdown",
    ),
    act(
        "db-01",
        Deed::Vanish,
        "falls silent (SIGKILL)",
        "db-01 IPv4 overdue",
    ),
    act(
        "db-01",
        Deed::Start("20.5"),
        "comes back",
        "db-01 IPv4 is back",
    ),
    act(
        "web-01",
        Deed::Load("12.0"),
        "calms down (12 % CPU)",
        "OK: web-01 - cpu_monitor.cpu_percent = 12.0 (threshold: > 80.0)",
    ),
];

const fn act(
    host: &'static str,
    deed: Deed,
    happening: &'static str,
    message: &'static str,
) -> Act {
    Act {
        host,
        deed,
        happening,
        message,
    }
}
