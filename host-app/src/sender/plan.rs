//! The sender's plan: its arguments, completed and checked.

use std::time::Duration;

use annunciator_protocol::{Event, Family, Key, name};
use compact_str::CompactString;
use sysinfo::System;

use super::{
    arguments::SenderArguments, boot, composer::Composer, ending::SendError, memory::Memory,
    server::MonitorAddress,
};

/// The default interval between heartbeats.
const USUAL_INTERVAL: Duration = Duration::from_secs(10);

/// What to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Task {
    /// Heartbeats, until a signal comes.
    Watch,
    /// One heartbeat.
    Once,
    /// A message.
    Message(String),
}

/// The sender's plan.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) server: MonitorAddress,
    /// The only family to send on; `None` for both.
    pub(super) only: Option<Family>,
    pub(super) task: Task,
    pub(super) every: Duration,
    pub(super) metrics: Vec<(CompactString, f64)>,
    pub(super) down_for: Option<Duration>,
    pub(super) composer: Composer,
    pub(super) memory: Memory,
    /// The line that is remembered once this boot was announced, and its prefix, which all
    /// hosts and monitors share.
    pub(super) notified: String,
    pub(super) notified_in_this_boot: String,
}

impl Plan {
    pub(super) fn new(arguments: &SenderArguments) -> Result<Self, SendError> {
        let host = match &arguments.host {
            Some(host) => host.as_str().into(),
            None => System::host_name()
                .map(CompactString::from)
                .filter(|host| name::is_host(host))
                .ok_or(SendError::NoHost)?,
        };
        let key = match &arguments.key_file {
            Some(file) => Some(Key::from_file(file, arguments.key_id.as_deref())?),
            None => None,
        };
        let task = match (&arguments.message, arguments.once) {
            (Some(text), _) => Task::Message(text.clone()),
            (None, true) => Task::Once,
            (None, false) => Task::Watch,
        };
        let every = arguments.interval.unwrap_or(USUAL_INTERVAL);
        // A single heartbeat announces no interval, unless one is given.
        let announced = match task {
            Task::Watch => Some(every),
            Task::Once | Task::Message(_) => arguments.interval,
        };
        let boot = boot::id().map_err(SendError::NoBoot)?;
        let notified_in_this_boot = format!("{boot}\t");
        let notified = format!("{notified_in_this_boot}{host}\t{}", arguments.server);
        let mut composer = Composer::new(host, boot, announced, key);
        check(&mut composer, &task, &arguments.metric)?;
        Ok(Self {
            server: arguments.server.clone(),
            only: match (arguments.ipv4, arguments.ipv6) {
                (true, false) => Some(Family::V4),
                (false, true) => Some(Family::V6),
                _ => None,
            },
            task,
            every,
            metrics: arguments.metric.clone(),
            down_for: arguments.down_for,
            composer,
            memory: Memory::open(arguments.state.as_deref()),
            notified,
            notified_in_this_boot,
        })
    }
}

/// Checks early that everything can be encoded, instead of failing when it matters.
fn check(
    composer: &mut Composer,
    task: &Task,
    metrics: &[(CompactString, f64)],
) -> Result<(), SendError> {
    let mut paths: Vec<&str> = metrics.iter().map(|(path, _)| path.as_str()).collect();
    paths.sort_unstable();
    if let Some(twice) = paths.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(SendError::MetricTwice(twice[0].to_owned()));
    }
    let event = match task {
        Task::Message(text) => Event::Message(text.clone()),
        Task::Watch | Task::Once => Event::Heartbeat,
    };
    composer.spread(event, metrics.to_vec())?;
    Ok(())
}
