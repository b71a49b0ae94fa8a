//! The view while the monitor runs: on a terminal a block that is redrawn, elsewhere a line for
//! each change.

use std::{
    io::{self, Write as _},
    time::{Duration, Instant},
};

use super::{
    block::Block,
    inbox::{Arrival, Channel},
    status::HostNow,
};

/// How long a state stays visible on a terminal, where a person would miss a shorter one.
const MIN_DISPLAY_TIME: Duration = Duration::from_secs(1);

/// The view.
pub(super) struct View {
    since: Instant,
    /// `None` if there is no terminal to draw on.
    block: Option<Block>,
    hosts: Vec<HostNow>,
    arrived: Vec<Arrival>,
}

impl View {
    pub(super) fn open() -> Self {
        Self {
            since: Instant::now(),
            block: Block::open(),
            hosts: Vec::new(),
            arrived: Vec::new(),
        }
    }

    /// Returns how long an act stays visible.
    pub(super) fn pace(&self) -> Duration {
        match self.block {
            Some(_) => MIN_DISPLAY_TIME,
            None => Duration::ZERO,
        }
    }

    /// Shows what happens to a host.
    pub(super) fn happens(&mut self, host: &str, what: &str) -> io::Result<()> {
        let line = self.line("", &format!("{host} {what}"));
        match &mut self.block {
            Some(block) => print(&block.below(&line, &self.hosts, &self.arrived)),
            None => print(&line),
        }
    }

    /// Shows the current state.
    pub(super) fn show(&mut self, hosts: Vec<HostNow>, arrived: Vec<Arrival>) -> io::Result<()> {
        let text = match &mut self.block {
            Some(block) => block.anew(&hosts, &arrived),
            None => {
                let changes = changes(&self.hosts, &hosts).into_iter();
                let news = news(&self.arrived, &arrived).into_iter();
                changes
                    .chain(news)
                    .map(|change| self.line("    ", &change))
                    .collect()
            }
        };
        self.hosts = hosts;
        self.arrived = arrived;
        print(&text)
    }

    fn line(&self, indent: &str, text: &str) -> String {
        let since = self.since.elapsed().as_secs_f32();
        format!("  {since:4.1} s  {indent}{text}\n")
    }
}

/// Returns the hosts whose state or alerts have changed.
fn changes(before: &[HostNow], now: &[HostNow]) -> Vec<String> {
    let changed = now.iter().filter(|host| {
        let earlier = before.iter().find(|earlier| earlier.name == host.name);
        earlier
            .is_none_or(|earlier| (&earlier.state, &earlier.alerts) != (&host.state, &host.alerts))
    });
    changed
        .map(|host| {
            let comma = if host.alerts.is_empty() { "" } else { ", " };
            format!(
                "status: {} is {}{comma}{}",
                host.name, host.state, host.alerts
            )
        })
        .collect()
}

/// Returns the messages that have arrived since.
fn news(before: &[Arrival], now: &[Arrival]) -> Vec<String> {
    let new = Channel::ALL.iter().flat_map(|channel| {
        let of_channel = |arrival: &&Arrival| arrival.channel == *channel;
        let old = before.iter().filter(of_channel).count();
        now.iter().filter(of_channel).skip(old)
    });
    new.map(|arrival| format!("{}: {}", arrival.channel.name(), arrival.text))
        .collect()
}

fn print(text: &str) -> io::Result<()> {
    let mut output = io::stdout().lock();
    output.write_all(text.as_bytes())?;
    output.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str, state: &str, alerts: &str) -> HostNow {
        HostNow {
            name: name.to_owned(),
            state: state.to_owned(),
            silent_for: None,
            alerts: alerts.to_owned(),
        }
    }

    fn arrival(channel: Channel, text: &str) -> Arrival {
        Arrival {
            channel,
            envelope: String::new(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn when_one_of_two_hosts_changes() {
        let before = [host("a", "up", ""), host("b", "up", "")];
        let now = [host("a", "up", "WARNING x.y = 1"), host("b", "up", "")];
        assert_eq!(changes(&before, &now), ["status: a is up, WARNING x.y = 1"]);
        assert_eq!(changes(&now, &now), [""; 0]);
    }

    #[test]
    fn when_a_channel_has_one_more() {
        let first = arrival(Channel::Email, "first");
        let other = arrival(Channel::Signal, "first");
        let second = arrival(Channel::Email, "second");
        let now = [first.clone(), second, other.clone()];
        assert_eq!(news(&[first, other], &now), ["email_ops: second"]);
    }
}
