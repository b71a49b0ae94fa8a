//! Advances time: finds hosts that are overdue or steady again, releases held events, and
//! handles blind spans.

use std::{cmp::Reverse, time::Duration};

use super::{
    blind::{BlindSpan, JUMPED_AFTER, STALLED_AFTER},
    damper::Damping,
    family::LinkFamily,
    link::{Recheck, State},
    notice::{Connection, Occurrence, Steadiness},
    state::{HostId, Machine, Timer},
    time::{Moment, Tick},
};
use crate::timestamp::{format_duration, format_timestamp};

impl Machine {
    /// Advances time to `now`. The cost depends on the number of hosts that are due, not on
    /// the number of all hosts.
    pub fn advance(&mut self, now: Moment) {
        let now = self.notice_gap(now);
        while let Some(Reverse((at, timer))) = self.timers.peek().copied() {
            if at > now.tick {
                break;
            }
            self.timers.pop();
            match timer {
                Timer::Link(id, family) => self.link_due(id, family, at, now),
                Timer::Steady(id) => self.steady_due(id, now),
                Timer::Silence(id) => self.silence_over(id, now),
            }
        }
        let mass = self.settings.mass;
        if self.hold.due(&mass).is_some_and(|due| due <= now.tick) {
            let (notified, released) = self.hold.release(&mass);
            self.step.released = Some(released);
            for (what, at) in notified {
                self.notify(what, at);
            }
        }
    }

    fn link_due(&mut self, id: HostId, family: LinkFamily, at: Tick, now: Moment) {
        let host = self.host_mut(id);
        let configured = host.settings.is_some();
        let Some(link) = host.link_mut(family).filter(|link| link.timer == Some(at)) else {
            return;
        };
        link.timer = None;
        if !configured {
            return;
        }
        match self.deadline(id, family) {
            Some(deadline) if deadline <= now.tick => self.overdue(id, family, deadline, now),
            // The host was heard after the timer was set.
            Some(_) => self.arm(id, family),
            None => {}
        }
    }

    fn overdue(&mut self, id: HostId, family: LinkFamily, deadline: Tick, now: Moment) {
        let Self {
            settings, hosts, ..
        } = self;
        let host = &mut hosts[id as usize];
        let links = &host.persistent.links;
        let Some(link) = links.iter().find(|link| link.family == family) else {
            return;
        };
        let (window, lapse) = (
            host.window_of(link, settings),
            host.lapse(link, settings, now),
        );
        let boot = host.persistent.boot.clone().unwrap_or_default();
        let counter = host.persistent.taken.newest().unwrap_or_default();
        let Some(link) = host.link_mut(family) else {
            return;
        };
        let was_down = link.state == State::Down;
        let seen = link.seen;
        let recheck = link.recheck.take();
        link.expected = None;
        link.turn(State::Overdue, now);
        link.lapse.clone_from(&lapse);
        self.mark_changed(id);
        let blind: Vec<String> = self
            .blindness
            .since(seen.wall_ms)
            .map(|span| {
                format!(
                    "{} to {}",
                    format_timestamp(span.from_ms),
                    format_timestamp(span.to_ms)
                )
            })
            .collect();
        let blind = if blind.is_empty() {
            "no blind span since".to_owned()
        } else {
            format!("blind from {}", blind.join(", from "))
        };
        let why = if let Some(lapse) = lapse {
            format!("overdue: {lapse}")
        } else if was_down {
            "did not come back from the shutdown that it announced".to_owned()
        } else {
            format!(
                "overdue: it may be silent for {} (interval {}, misses {}, grace {})",
                format_duration(window.length()),
                format_duration(window.interval),
                window.misses,
                format_duration(window.grace),
            )
        };
        let (heard, due) = (
            format_timestamp(seen.wall_ms),
            format_timestamp(now.wall_of(deadline)),
        );
        let evidence = match family {
            LinkFamily::Ping => String::new(),
            LinkFamily::V4 | LinkFamily::V6 => format!(" (boot {boot}, counter {counter})"),
        };
        self.note(
            id,
            now,
            format!("{family} {why}; last heard at {heard}{evidence}, due until {due}; {blind}"),
        );
        if let Some(recheck) = recheck {
            self.rechecked(recheck, Some(id), now);
        }
        self.turned(id, family, true, now);
    }

    /// Notifies of a connection that fell silent or is heard again, unless it changes too
    /// often.
    pub(super) fn turned(&mut self, id: HostId, family: LinkFamily, overdue: bool, now: Moment) {
        let may_notify = self.is_notified(id, now);
        let flap = self.settings.flap;
        let of = self.connection(id, family);
        let Some(link) = self.host_mut(id).link_mut(family) else {
            return;
        };
        // Whoever was notified of the problem is notified of its end, silenced or not, and
        // nobody else is. Whoever was not notified of the end yet knows of the problem
        // already.
        let matters = if overdue {
            may_notify && !link.notified
        } else {
            link.notified || link.damper.is_flapping()
        };
        let problem = match &link.lapse {
            Some(lapse) => Occurrence::Lapsed {
                of: of.clone(),
                lapse: lapse.clone(),
            },
            None => Occurrence::Overdue(of.clone()),
        };
        if !matters {
            match (link.notified, overdue) {
                (false, true) => self.suppress(id, problem, now),
                (false, false) => self.end_unnotified(Occurrence::Back(of), now),
                (true, _) => {}
            }
            return;
        }
        match link.damper.change(now.tick, &flap) {
            Damping::Notify => {
                link.notified = overdue;
                if overdue && link.state == State::Failed {
                    // It is certain, and no matter of the network.
                    self.notify_about(id, problem, now);
                    return;
                }
                let host = of.host.clone();
                let what = if overdue {
                    problem
                } else {
                    Occurrence::Back(of)
                };
                let held = self.hold.push(host, what, now);
                self.step.held.push(held);
            }
            Damping::Flapping(changes, within) => {
                self.arm_steady(id);
                let what = Occurrence::Flapping {
                    of,
                    changes,
                    within,
                };
                self.notify_about(id, what, now);
            }
            Damping::Quiet => {}
        }
    }

    /// Sets the timer that checks whether a host is steady again.
    pub(super) fn arm_steady(&mut self, id: HostId) {
        let flap = self.settings.flap;
        let host = self.host(id);
        let dampers = host.persistent.links.iter().map(|link| &link.damper);
        let dampers = dampers.chain([&host.persistent.restarts, &host.reports]);
        if let Some(at) = dampers.filter_map(|damper| damper.steady_at(&flap)).min() {
            self.timers.push(Reverse((at, Timer::Steady(id))));
        }
    }

    fn steady_due(&mut self, id: HostId, now: Moment) {
        let flap = self.settings.flap;
        let may_notify = self.is_notified(id, now);
        let due = |at: Option<Tick>| at.is_some_and(|at| at <= now.tick);
        let (mut notified, mut suppressed) = (Vec::new(), Vec::new());
        let host = self.host_mut(id);
        for link in &mut host.persistent.links {
            if !due(link.damper.steady_at(&flap)) {
                continue;
            }
            link.damper.settle();
            let now_is = match link.state {
                State::Up => Steadiness::Up,
                State::Overdue => Steadiness::Overdue,
                State::Down => Steadiness::Down,
                State::Failed => Steadiness::Failed,
            };
            // A problem of a silenced host is notified when the silence is over.
            let overdue = link.state.is_problem();
            link.notified = overdue && may_notify;
            let of = Connection {
                host: host.name.clone(),
                family: link.family,
            };
            let what = Occurrence::Steady { of, now_is };
            if !overdue || may_notify {
                notified.push(what);
            } else {
                suppressed.push(what);
            }
        }
        let dampers = [
            (
                &mut host.persistent.restarts,
                Occurrence::RestartingEnded {
                    host: host.name.clone(),
                },
            ),
            (
                &mut host.reports,
                Occurrence::ReportingEnded {
                    host: host.name.clone(),
                },
            ),
        ];
        for (damper, ended) in dampers {
            if due(damper.steady_at(&flap)) {
                damper.settle();
                if may_notify {
                    notified.push(ended);
                } else {
                    suppressed.push(ended);
                }
            }
        }
        self.mark_changed(id);
        self.arm_steady(id);
        for what in notified {
            self.notify_about(id, what, now);
        }
        for what in suppressed {
            self.suppress(id, what, now);
        }
    }

    /// Detects a blind span: a gap since the last step, or a wall clock that has jumped
    /// ahead. Returns the moment with a tick that never runs backwards.
    pub(super) fn notice_gap(&mut self, now: Moment) -> Moment {
        let last = self.last;
        let now = Moment {
            tick: now.tick.max(last.tick),
            ..now
        };
        self.last = now;
        let gap = now.tick.since(last.tick);
        let moved = i128::from(now.wall_ms) - i128::from(last.wall_of(now.tick));
        let ahead = Duration::from_millis(u64::try_from(moved).unwrap_or_default());
        if gap > STALLED_AFTER || ahead > JUMPED_AFTER {
            let span = BlindSpan::until(now, gap.saturating_add(ahead));
            let unseen = if ahead > JUMPED_AFTER {
                ahead
            } else {
                Duration::ZERO
            };
            let gap = if gap > STALLED_AFTER {
                gap
            } else {
                Duration::ZERO
            };
            self.was_blind(span, gap, unseen, now);
        }
        now
    }

    /// Gives one fresh window to every host whose deadline passed in a blind span. `gap` is
    /// the part of the span that the timeline has counted, `unseen` the part that it has
    /// not.
    pub(super) fn was_blind(
        &mut self,
        span: BlindSpan,
        gap: Duration,
        unseen: Duration,
        now: Moment,
    ) {
        self.blindness.remember(span);
        self.blind_count += 1;
        let (mut rechecked, mut waiting) = (0, 0);
        for id in self.ids() {
            let Self {
                settings, hosts, ..
            } = self;
            let host = &mut hosts[id as usize];
            if host.settings.is_none() {
                continue;
            }
            let watched = host.is_watched();
            let mut counted = false;
            let mut changed = false;
            for place in 0..host.persistent.links.len() {
                let link = &host.persistent.links[place];
                let Some(deadline) = host.deadline(link, settings, now) else {
                    continue;
                };
                let window = host.window_of(link, settings);
                // A job pings once, and is answered: it gets the grace once more in which
                // it may ping again. A heartbeat that was missed is followed by the next.
                let slack = match window.interval.is_zero() {
                    true => window.grace,
                    false => window.interval,
                };
                let link = &mut host.persistent.links[place];
                if link.recheck.is_some() {
                    // It has its fresh window, which the blind time does not shorten. It
                    // gets no second one: otherwise a monitor that restarts again and again
                    // would never find a host overdue.
                    link.not_before = link.not_before + gap;
                } else if deadline <= now.tick + unseen + slack {
                    // Due already, or so soon that no heartbeat need arrive before.
                    link.not_before = now.tick + window.length();
                    link.recheck = Some(Recheck { counted: watched });
                    waiting += u32::from(watched);
                    counted |= watched;
                } else {
                    continue;
                }
                changed = true;
            }
            rechecked += u32::from(counted);
            if changed {
                self.mark_changed(id);
            }
            // What is expected at a wall time is due earlier when the clock jumps ahead.
            self.arm(id, LinkFamily::Ping);
        }
        self.rechecking += waiting;
        if rechecked > 0 {
            self.blindness.begin(span, rechecked, now);
        }
        self.step.globals = Some(self.globals());
    }

    /// Ends a fresh window: its host was heard, or `silent` names it.
    pub(super) fn rechecked(&mut self, recheck: Recheck, silent: Option<HostId>, now: Moment) {
        if !recheck.counted {
            return;
        }
        self.rechecking = self.rechecking.saturating_sub(1);
        // A host counts once, however many connections it has.
        let new = silent.is_some_and(|id| self.silent_again.insert(id));
        if let Some(check) = &mut self.blindness.check {
            check.silent += u32::from(new);
        }
        self.end_check(now);
    }

    /// Notifies of the blind span when the last fresh window is over.
    pub(super) fn end_check(&mut self, now: Moment) {
        self.step.globals = Some(self.globals());
        if self.rechecking > 0 {
            return;
        }
        self.silent_again.clear();
        let Some(check) = self.blindness.check.take() else {
            return;
        };
        self.step.globals = Some(self.globals());
        let BlindSpan { from_ms, to_ms } = check.span;
        let length = u64::try_from(to_ms.saturating_sub(from_ms)).unwrap_or_default();
        if Duration::from_millis(length) >= self.settings.blind_notice {
            let what = Occurrence::Blind {
                from_ms,
                to_ms,
                rechecked: check.rechecked,
                silent: check.silent,
            };
            self.notify(what, now);
        }
    }
}
