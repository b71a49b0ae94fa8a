//! What the three machines go through, act by act, and what people are to read
//! about it. The configuration's hosts are made from this too.

use super::inbox::Channel;

/// The host whose message is sent by hand; it has no heartbeat.
pub(super) const BY_HAND: &str = "prod-web-01";

/// The channels of a host that names none.
pub(super) const DEFAULTS: &[Channel] = &[Channel::Email];

/// A simulated machine.
pub(super) struct Machine {
    pub(super) name: &'static str,
    /// Its thresholds, by their name in the configuration.
    pub(super) thresholds: Option<&'static str>,
    /// Its channels; without any it has the defaults.
    pub(super) channels: Option<&'static [Channel]>,
}

/// The machines, each with other channels.
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

/// What a machine does.
#[derive(Debug, Clone, Copy)]
pub(super) enum Deed {
    /// It starts to send heartbeats with this load of its processor.
    Start(&'static str),
    /// From now on its processor has another load.
    Load(&'static str),
    /// It ends without a word.
    Vanish,
    /// It says that it goes down, and does.
    ShutDown,
}

/// Something that happens to a machine.
#[derive(Debug, Clone, Copy)]
pub(super) struct Act {
    pub(super) host: &'static str,
    pub(super) deed: Deed,
    /// The deed in words.
    pub(super) happening: &'static str,
    /// What arrives, word for word, once on each of the machine's channels.
    pub(super) message: &'static str,
}

impl Act {
    /// Where the message is to arrive.
    pub(super) fn channels(&self) -> &'static [Channel] {
        let machine = MACHINES.iter().find(|machine| machine.name == self.host);
        machine
            .and_then(|machine| machine.channels)
            .unwrap_or(DEFAULTS)
    }
}

/// What happens, in this order. mail-01 shuts down before db-01 falls silent, so
/// that it would be overdue before the end if its shutdown were not believed.
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
