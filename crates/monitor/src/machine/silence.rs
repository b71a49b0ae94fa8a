//! Silences: a host's notifications are suppressed for a while. Suppressed ones are
//! recorded, so that people can find out later why they were not notified.

use std::{sync::Arc, time::Duration};

use super::{
    damper::Damping,
    notice::{Notice, Occurrence},
    record::{Silence, SuppressedNotice},
    state::{HostId, Machine, Timer},
    time::{Moment, Tick},
};
use crate::timestamp::{format_duration, format_timestamp};

/// An error returned when the configuration has no host of this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no host `{0}` is in the configuration")]
pub struct UnknownHost(pub String);

impl Machine {
    /// Suppresses a host's notifications for a while, except the end of a problem that was
    /// notified before. A problem that outlasts the silence is notified afterwards. A
    /// silence replaces the host's previous one; a length of zero ends it.
    ///
    /// # Errors
    /// Returns [`UnknownHost`] if no such host is configured.
    pub fn silence(
        &mut self,
        host: &str,
        length: Duration,
        why: &str,
        now: Moment,
    ) -> Result<(), UnknownHost> {
        let now = self.notice_gap(now);
        let id = self.configured(host)?;
        let before = self.silences.len();
        self.silences.retain(|silence| &*silence.host != host);
        if length.is_zero() && self.silences.len() == before {
            // There is none to end.
            return Ok(());
        }
        let until = now.tick + length;
        if !length.is_zero() {
            self.silences.push(Silence {
                host: Arc::clone(&self.host(id).name),
                since: now,
                until,
                why: why.to_owned(),
            });
        }
        self.step.silences = Some(self.silences.clone());
        self.host_mut(id).silenced_until = Some(until);
        let timer = Timer::Silence(id);
        self.timers.push(std::cmp::Reverse((until, timer)));
        // The end of a silence is recorded when its timer is due, which is at once.
        if !length.is_zero() {
            let (end, length) = (
                format_timestamp(now.wall_of(until)),
                format_duration(length),
            );
            let text = format!("silenced for {length}, until {end}: {why}");
            self.note(id, now, text);
        }
        Ok(())
    }

    /// Returns the number of a host that the configuration has.
    pub(super) fn configured(&self, host: &str) -> Result<HostId, UnknownHost> {
        let id = self.by_name.get(host).copied();
        id.filter(|id| self.host(*id).settings.is_some())
            .ok_or_else(|| UnknownHost(host.to_owned()))
    }

    /// Returns the silences, and the tick of the last step to compare them with.
    #[must_use]
    pub fn silences(&self) -> &[Silence] {
        &self.silences
    }

    /// Restores the stored silences. Nobody is notified of the end of one whose host is
    /// gone.
    pub(super) fn resume_silences(&mut self, mut silences: Vec<Silence>, now: Tick) {
        silences.retain(|one| now < one.until || self.by_name.contains_key(&one.host));
        self.silences = silences;
        for silence in &self.silences {
            if let Some(id) = self.by_name.get(&silence.host) {
                self.hosts[*id as usize].silenced_until = Some(silence.until);
            }
        }
    }

    pub(super) fn silence_over(&mut self, id: HostId, now: Moment) {
        let host = self.host_mut(id);
        // Another silence may have replaced it.
        if host.silenced_until.is_none() || host.is_silenced(now.tick) {
            return;
        }
        host.silenced_until = None;
        let name = Arc::clone(&host.name);
        self.suppressed.remove(&id);
        self.silences.retain(|silence| silence.host != name);
        self.step.silences = Some(self.silences.clone());
        self.note(id, now, "the silence is over".to_owned());
        self.notify_missed(id, now);
    }

    /// Records what a silence suppresses; does nothing if the host is not silenced. Of an
    /// event that recurs too often, only the first occurrences are recorded: the host's
    /// history has all.
    pub(super) fn suppress(&mut self, id: HostId, what: Occurrence, now: Moment) {
        let host = self.host(id);
        // Thresholds notify of hosts that are not watched, too.
        let is_notified = host.is_watched() || matches!(what, Occurrence::Threshold { .. });
        if !is_notified || !host.is_silenced(now.tick) {
            return;
        }
        let mut silences = self.silences.iter();
        let Some(silence) = silences.find(|silence| silence.host == host.name) else {
            return;
        };
        let until = format_timestamp(now.wall_of(silence.until));
        let rule = format!("silence: until {until}, {}", silence.why);
        let flap = self.settings.flap;
        let damper = self.suppressed.entry(id).or_default();
        if damper.steady_at(&flap).is_some_and(|at| at <= now.tick) {
            damper.settle();
        }
        if damper.change(now.tick, &flap) == Damping::Quiet {
            return;
        }
        let notice = Notice { what, at: now };
        let rule = Some(rule);
        self.step.suppressed.push(SuppressedNotice { notice, rule });
    }

    /// Records the end of a problem of which nobody was notified, whether the silence goes on or
    /// not: what was recorded of the problem, if anything was, would stay open for ever.
    pub(super) fn end_unnotified(&mut self, what: Occurrence, now: Moment) {
        let notice = Notice { what, at: now };
        let rule = None;
        self.step.suppressed.push(SuppressedNotice { notice, rule });
    }
}
