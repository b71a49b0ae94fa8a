//! Processes datagrams: whether they are fresh, and what follows from them.

use std::sync::Arc;

use annunciator_protocol::{Datagram, Event, Family, Reject};

use super::{
    damper::Damping,
    family::LinkFamily,
    freshness::Order,
    link::{Link, State},
    notice::Occurrence,
    state::{HostId, Machine},
    time::Moment,
};
use crate::timestamp::{format_duration, format_timestamp};

impl Machine {
    /// Processes a datagram that arrived on an address family. A refused datagram changes
    /// nothing.
    ///
    /// # Errors
    /// Returns the reason if the datagram is not fresh or its host is not configured.
    pub fn observe(
        &mut self,
        now: Moment,
        family: Family,
        datagram: &Datagram,
    ) -> Result<(), Reject> {
        let now = self.notice_gap(now);
        let id = *self
            .by_name
            .get(&*datagram.host)
            .ok_or(Reject::UnknownHost)?;
        if self.host(id).settings.is_none() {
            return Err(Reject::UnknownHost);
        }
        self.check_clock(now, datagram)?;
        let order = self.take(id, family, datagram, now)?;
        let family = LinkFamily::from(family);
        self.take_interval(id, datagram);
        self.alive(id, family, datagram, now);
        match &datagram.event {
            Event::Shutdown { expected } if order == Order::Newest => {
                self.goes_down(id, family, *expected, datagram.counter, now);
            }
            Event::Message(message) if order != Order::Copy => self.reports(id, message, now),
            _ => {}
        }
        if order == Order::Newest {
            for (path, value) in &datagram.metrics {
                self.sample(id, path, *value, now);
            }
        }
        Ok(())
    }

    /// Compares a sender's clock with this machine's. If this machine's clock was set while
    /// the monitor ran, the time by the old setting is accepted, too: the senders are not
    /// at fault.
    fn check_clock(&self, now: Moment, datagram: &Datagram) -> Result<(), Reject> {
        let Some(max) = self.settings.max_skew else {
            return Ok(());
        };
        let skew = |wall: i64| datagram.sent_at_ms.abs_diff(wall);
        let skew = skew(now.wall_ms).min(skew(self.anchor.wall_of(now.tick)));
        if u128::from(skew) <= max.as_millis() {
            return Ok(());
        }
        Err(if datagram.sent_at_ms > now.wall_ms {
            Reject::Future
        } else {
            Reject::Past
        })
    }

    /// Checks whether the datagram was accepted before, and begins another boot if it is of
    /// one.
    fn take(
        &mut self,
        id: HostId,
        family: Family,
        datagram: &Datagram,
        now: Moment,
    ) -> Result<Order, Reject> {
        let host = self.host_mut(id);
        if host.persistent.boot.as_ref() != Some(&datagram.boot) {
            match host.earlier_boot(&datagram.boot) {
                Some(newest) if datagram.counter <= newest => return Err(Reject::EarlierBoot),
                // A machine was restored from a snapshot, for example. Or somebody else has
                // sent in its name, which must not block it.
                Some(_) => self.returns(id, datagram, now),
                None => self.boots(id, datagram, now),
            }
        }
        self.host_mut(id)
            .persistent
            .taken
            .take(datagram.counter, family)
    }

    /// Accepts the interval that a host announces. If keys are configured, an unsigned
    /// datagram's interval is ignored, since a forged one could mute an alarm.
    fn take_interval(&mut self, id: HostId, datagram: &Datagram) {
        if datagram.interval.is_none() || (self.settings.keyed && !datagram.signed) {
            return;
        }
        let host = self.host_mut(id);
        if host.persistent.announced == datagram.interval {
            return;
        }
        host.persistent.announced = datagram.interval;
        let families = host.families();
        self.mark_changed(id);
        for family in families {
            self.arm(id, family);
        }
    }

    fn boots(&mut self, id: HostId, datagram: &Datagram, now: Moment) {
        let host = self.host_mut(id);
        let first = host.persistent.boot.is_none();
        let announced = host
            .persistent
            .links
            .iter()
            .any(|link| link.state == State::Down);
        host.begin_boot(&datagram.boot);
        self.mark_changed(id);
        self.down_links_are_due(id, now);
        let boot = &datagram.boot;
        let how = match (first, announced) {
            (true, _) => "heard for the first time",
            (false, true) => "booted after a shutdown that it had announced",
            (false, false) => "rebooted: no shutdown was announced",
        };
        self.note(
            id,
            now,
            format!("{how} (boot {boot}, counter {})", datagram.counter),
        );
        if first && datagram.event != Event::Boot {
            return;
        }
        let what = Occurrence::Booted {
            host: self.host(id).name.clone(),
            unannounced: !first && !announced,
        };
        self.restarts(id, what, now);
    }

    /// Continues an earlier boot, of which nobody is notified.
    fn returns(&mut self, id: HostId, datagram: &Datagram, now: Moment) {
        self.host_mut(id).begin_boot(&datagram.boot);
        self.mark_changed(id);
        let (boot, counter) = (&datagram.boot, datagram.counter);
        let text = format!(
            "continues an earlier boot (boot {boot}, counter {counter}): set back to a snapshot, or two machines have this name"
        );
        self.note(id, now, text);
    }

    /// Handles a sign of life.
    fn alive(&mut self, id: HostId, family: LinkFamily, datagram: &Datagram, now: Moment) {
        let host = self.host_mut(id);
        if host
            .persistent
            .went_down_at
            .is_some_and(|at| datagram.counter <= at)
        {
            // Sent before the shutdown, or a copy of its datagram.
            return;
        }
        host.persistent.went_down_at = None;
        let Some(link) = host.link_mut(family) else {
            let link = Link::new(family, now);
            host.persistent.links.push(link);
            self.mark_changed(id);
            self.mark_heard(id);
            self.arm(id, family);
            self.note(id, now, format!("{family} is used from now on"));
            return;
        };
        let (before, silent_since) = (link.state, link.seen);
        link.seen = now;
        let recheck = link.recheck.take();
        // While it flaps, its end is notified when it is steady.
        let notified = link.notified && !link.damper.is_flapping();
        if before != State::Up {
            link.turn(State::Up, now);
            link.expected = None;
        }
        self.mark_heard(id);
        if let Some(recheck) = recheck {
            self.mark_changed(id);
            self.rechecked(recheck, None, now);
        }
        if before == State::Up && !notified {
            return;
        }
        self.mark_changed(id);
        self.arm(id, family);
        let silence = format_duration(now.tick.since(silent_since.tick));
        let counter = datagram.counter;
        self.note(
            id,
            now,
            format!("{family} is heard again after {silence} (counter {counter})"),
        );
        if before == State::Down {
            self.down_links_are_due(id, now);
        }
        if before == State::Down && !notified {
            let what = Occurrence::UpAgain(self.connection(id, family));
            self.restarts(id, what, now);
        } else {
            self.turned(id, family, false, now);
        }
    }

    /// Resumes a host that had announced a shutdown: its connections have a deadline again.
    fn down_links_are_due(&mut self, id: HostId, now: Moment) {
        let default = self.settings.window;
        let host = self.host_mut(id);
        let window = host.window(&default).length();
        let mut due = Vec::new();
        for link in &mut host.persistent.links {
            if link.state == State::Down {
                link.turn(State::Up, now);
                link.expected = None;
                link.not_before = now.tick + window;
                due.push(link.family);
            }
        }
        for family in due {
            self.arm(id, family);
        }
    }

    fn goes_down(
        &mut self,
        id: HostId,
        family: LinkFamily,
        expected: Option<std::time::Duration>,
        counter: u64,
        now: Moment,
    ) {
        let default = self.settings.window;
        let host = self.host_mut(id);
        host.persistent.went_down_at = Some(counter);
        let window = host.window(&default).length();
        let until = expected.map(|expected| now.tick + expected + window);
        let mut rechecks = Vec::new();
        // The host shuts down as a whole: its other connections fall silent, too, even if
        // their copies of the datagram are lost. A job that does not run meanwhile is missed.
        let links = host.persistent.links.iter_mut();
        for link in links.filter(|link| link.family != LinkFamily::Ping) {
            if link.state != State::Down || link.family == family {
                link.turn(State::Down, now);
                link.expected = until;
                rechecks.extend(link.recheck.take());
            }
        }
        let families = host.families();
        for recheck in rechecks {
            self.rechecked(recheck, None, now);
        }
        self.mark_changed(id);
        for family in families {
            self.arm(id, family);
        }
        let until = until.map_or("it does not say for how long".to_owned(), |until| {
            format!(
                "it is due again at {}",
                format_timestamp(now.wall_of(until))
            )
        });
        self.note(id, now, format!("{family} announces a shutdown; {until}"));
        let what = Occurrence::Shutdown(self.connection(id, family));
        self.restarts(id, what, now);
    }

    fn reports(&mut self, id: HostId, message: &str, now: Moment) {
        // Written with the accepted counter, so that a repetition after a crash is not
        // notified again.
        self.mark_changed(id);
        self.note(id, now, format!("reports: {message}"));
        let reported = Occurrence::Reported {
            host: Arc::clone(&self.host(id).name),
            message: message.into(),
        };
        if !self.is_notified(id, now) {
            self.suppress(id, reported, now);
            return;
        }
        let flap = self.settings.flap;
        let host = self.host_mut(id);
        let what = match host.reports.change(now.tick, &flap) {
            Damping::Notify => reported,
            Damping::Flapping(changes, within) => Occurrence::Reporting {
                host: host.name.clone(),
                changes,
                within,
            },
            Damping::Quiet => return,
        };
        self.arm_steady(id);
        self.notify_about(id, what, now);
    }

    /// Notifies of a boot or a shutdown, unless there are too many.
    fn restarts(&mut self, id: HostId, what: Occurrence, now: Moment) {
        if !self.is_notified(id, now) {
            self.suppress(id, what, now);
            return;
        }
        let flap = self.settings.flap;
        let host = self.host_mut(id);
        let what = match host.persistent.restarts.change(now.tick, &flap) {
            Damping::Notify => what,
            Damping::Flapping(changes, within) => Occurrence::Restarting {
                host: host.name.clone(),
                changes,
                within,
            },
            Damping::Quiet => return,
        };
        self.mark_changed(id);
        self.arm_steady(id);
        self.notify_about(id, what, now);
    }

    /// Returns whether people are notified of a host's events.
    pub(super) fn is_notified(&self, id: HostId, now: Moment) -> bool {
        let host = self.host(id);
        host.is_watched() && !host.is_silenced(now.tick)
    }
}
