//! Processes pings: when a host's job is expected, and what follows from what it says.

use std::{sync::Arc, time::Duration};

use super::{
    family::LinkFamily,
    host::Host,
    link::{Link, State},
    notice::Lapse,
    settings::Settings,
    silence::UnknownHost,
    state::{HostId, Machine},
    time::{Moment, Tick},
};
use crate::{
    ping::{Ping, Signal},
    schedule::Schedule,
    timestamp::format_duration,
};

/// How much too early a ping may come for its run: the clocks of two machines differ, and a
/// quick job is over before the slower one shows that it began. Runs are at least a minute
/// apart.
const MAX_EARLY_MS: i64 = 5_000;

impl Machine {
    /// Processes a ping, which says what became of a host's job.
    ///
    /// # Errors
    /// Returns [`UnknownHost`] if no such host is configured.
    pub fn ping(&mut self, now: Moment, host: &str, ping: &Ping) -> Result<(), UnknownHost> {
        let now = self.notice_gap(now);
        let id = self.configured(host)?;
        let grace = self.host(id).ping_grace();
        let took = self
            .host_mut(id)
            .job
            .get_or_insert_default()
            .take(ping, grace, now);
        match ping.signal {
            Signal::Log => {}
            Signal::Start => self.job_started(id, now),
            Signal::Success | Signal::ExitStatus(0) => self.job_succeeded(id, took, now),
            Signal::Fail => self.job_failed(id, None, took, now),
            Signal::ExitStatus(status) => self.job_failed(id, Some(status), took, now),
        }
        // Written with the next checkpoint, as what is heard by datagrams.
        self.mark_heard(id);
        Ok(())
    }

    fn job_started(&mut self, id: HostId, now: Moment) {
        self.hear_ping(id, now);
        // A run that does not end may be overdue before the next one.
        self.arm(id, LinkFamily::Ping);
    }

    fn job_succeeded(&mut self, id: HostId, took: Option<Duration>, now: Moment) {
        self.hear_ping(id, now);
        let Some(link) = self.host_mut(id).link_mut(LinkFamily::Ping) else {
            return;
        };
        let before = link.state;
        // While it flaps, its end is notified when it is steady.
        let notified = link.notified && !link.damper.is_flapping();
        if before == State::Up && !notified {
            return;
        }
        if before != State::Up {
            link.turn(State::Up, now);
        }
        self.mark_changed(id);
        self.arm(id, LinkFamily::Ping);
        self.note(id, now, format!("ping: the job succeeded{}", lasted(took)));
        self.turned(id, LinkFamily::Ping, false, now);
    }

    fn job_failed(&mut self, id: HostId, status: Option<u8>, took: Option<Duration>, now: Moment) {
        self.hear_ping(id, now);
        let Some(link) = self.host_mut(id).link_mut(LinkFamily::Ping) else {
            return;
        };
        let lapse = Lapse::Failed { status };
        let text = format!("ping: {lapse}{}", lasted(took));
        let is_new = link.state != State::Failed;
        if is_new {
            link.turn(State::Failed, now);
        }
        link.lapse = Some(lapse);
        self.mark_changed(id);
        self.note(id, now, text);
        if is_new {
            self.turned(id, LinkFamily::Ping, true, now);
        }
    }

    /// Handles a sign of life of a job, whatever it says.
    fn hear_ping(&mut self, id: HostId, now: Moment) {
        let family = LinkFamily::Ping;
        let host = self.host_mut(id);
        let Some(link) = host.link_mut(family) else {
            host.persistent.links.push(Link::new(family, now));
            self.mark_changed(id);
            self.arm(id, family);
            self.note(id, now, format!("{family} is used from now on"));
            return;
        };
        link.seen = now;
        if let Some(recheck) = link.recheck.take() {
            self.mark_changed(id);
            self.rechecked(recheck, None, now);
        }
    }
}

/// Describes how long a run took, if that is known.
fn lasted(took: Option<Duration>) -> String {
    took.map_or_else(String::new, |took| {
        format!(" after {}", format_duration(took))
    })
}

impl Host {
    /// Returns how late a ping may be, and how long a run may take.
    pub(super) fn ping_grace(&self) -> Duration {
        let settings = self.settings.unwrap_or_default();
        settings.ping_window(&Settings::default().window).grace
    }

    fn schedule<'a>(&self, settings: &'a Settings) -> Option<&'a Arc<Schedule>> {
        let number = self.settings?.schedule?;
        settings.schedules.get(number as usize)
    }

    /// Returns when the next run is expected that has not pinged, by its schedule, in
    /// milliseconds since the Unix epoch.
    ///
    /// If the clock was set since the last ping, that came at the earlier of the times that
    /// the clock showed then and would have shown by its setting now, so that no run is
    /// forgotten.
    fn expected_ms(&self, link: &Link, settings: &Settings, now: Moment) -> Option<i64> {
        let heard_ms = link.seen.wall_ms.min(now.wall_of(link.seen.tick));
        let heard_ms = heard_ms.saturating_add(MAX_EARLY_MS);
        self.schedule(settings)?.next_after(heard_ms)
    }

    /// Returns the next run that has not pinged, as the clocks of its schedule's zone show
    /// it.
    pub(super) fn next_run(
        &self,
        link: &Link,
        settings: &Settings,
        now: Moment,
    ) -> Option<Box<str>> {
        let expected_ms = self.expected_ms(link, settings, now)?;
        let run = self.schedule(settings)?.local_time(expected_ms);
        Some(run.into())
    }

    /// Returns when the oldest run is overdue that has begun and not ended.
    fn unfinished(&self) -> Option<Tick> {
        let began = self.job.as_ref()?.oldest_start()?;
        Some(began.tick + self.ping_grace())
    }

    /// Returns when a connection is overdue unless it is heard; `None` for never.
    ///
    /// A run of a schedule is expected at a wall time, so that its deadline on the timeline
    /// depends on what the clock shows now.
    pub(super) fn deadline(&self, link: &Link, settings: &Settings, now: Moment) -> Option<Tick> {
        if link.family != LinkFamily::Ping {
            return link.deadline(&self.window(&settings.window));
        }
        if link.state != State::Up {
            return None;
        }
        let due = match self.schedule(settings) {
            Some(_) => {
                let expected_ms = self.expected_ms(link, settings, now);
                expected_ms.map(|ms| now.tick_of(ms) + self.ping_grace())
            }
            None => Some(link.seen.tick + self.window_of(link, settings).length()),
        };
        let due = due.into_iter().chain(self.unfinished()).min()?;
        Some(due.max(link.not_before))
    }

    /// Returns the window of a connection. That of a schedule is the grace alone.
    pub(super) fn window_of(&self, link: &Link, settings: &Settings) -> super::Window {
        if link.family != LinkFamily::Ping {
            return self.window(&settings.window);
        }
        let own = self.settings.unwrap_or_default();
        let window = own.ping_window(&settings.window);
        match self.schedule(settings) {
            Some(_) => super::Window {
                interval: Duration::ZERO,
                ..window
            },
            None => window,
        }
    }

    /// Returns whether a connection has missed a heartbeat or a run without being overdue.
    pub(super) fn is_late(&self, link: &Link, settings: &Settings, now: Moment) -> bool {
        if link.family != LinkFamily::Ping {
            return link.is_late(now.tick, &self.window(&settings.window));
        }
        let is_up = link.state == State::Up;
        is_up
            && match self.expected_ms(link, settings, now) {
                Some(expected_ms) => expected_ms <= now.wall_ms,
                None if self.schedule(settings).is_some() => false,
                None => {
                    let window = self.window_of(link, settings);
                    now.tick.since(link.seen.tick) > window.length().saturating_sub(window.grace)
                }
            }
    }

    /// Returns what is wrong with a job whose deadline has passed; `None` if nothing more is
    /// known than that it is silent.
    pub(super) fn lapse(&self, link: &Link, settings: &Settings, now: Moment) -> Option<Lapse> {
        if link.family != LinkFamily::Ping {
            return None;
        }
        if self.unfinished().is_some_and(|at| at <= now.tick) {
            let since_ms = self.job.as_ref()?.oldest_start()?.wall_ms;
            return Some(Lapse::Unfinished { since_ms });
        }
        let run = self.next_run(link, settings, now)?;
        Some(Lapse::Missed { run })
    }
}
