//! A circuit breaker for each channel: stops attempts while the remote fails, and probes it at
//! increasing intervals until it works again.
//!
//! The state depends only on the results of attempts and on the times that callers pass. A delivery
//! that waits for an open breaker uses up no attempts. It expires when its time to live has passed.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::Serialize;

use super::target_report::{Class, Fault, TargetReport};
use crate::{
    alerts::{ActiveAlerts, ChannelProblem, Subject},
    clock::{Clock, milliseconds},
};

/// The number of consecutive failed attempts that opens the breaker. It exceeds the number that one
/// notification makes by default, because a single notification proves little about the remote.
const FAILURE_THRESHOLD: u32 = 10;
/// The duration for which the breaker is open at first. It doubles after each failed probe.
const MIN_OPEN_DURATION: Duration = Duration::from_secs(30);
/// The maximum time between two probes.
const MAX_OPEN_DURATION: Duration = Duration::from_secs(600);

/// The minimum delay requested by a remote (`Retry-After`) that counts as an exhausted quota.
/// People are notified of it.
const MIN_QUOTA_DELAY: Duration = Duration::from_secs(3600);

/// Whether an attempt may be made, named after the state of the breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Permit {
    /// Any attempt may be made.
    Closed,
    /// One attempt may be made, as a probe of the remote.
    HalfOpen,
    /// No attempt may be made before this time, in milliseconds of the steady clock.
    Open(i64),
}

/// The health of the remote, as the result of an attempt shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Health {
    /// The remote works: it accepted the message, or rejected this particular message.
    Healthy,
    /// The remote does not work.
    Unhealthy,
}

/// A change of the breaker's state that people are notified of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transition {
    /// The breaker has opened: attempts stop.
    Opened,
    /// The breaker has closed: the remote works again.
    Closed,
}

/// The state of a channel's circuit breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CircuitState {
    /// Deliveries are attempted.
    Closed,
    /// Deliveries wait, because the remote does not work.
    Open,
    /// The next attempt is a probe, or one is under way: its result closes or opens the breaker.
    HalfOpen,
}

/// A channel's circuit breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CircuitStatus {
    /// Its state.
    pub state: CircuitState,
    /// The number of attempts in a row that failed; counted until the breaker opens.
    pub failures: u32,
    /// When the next attempt may be made, in milliseconds since the Unix epoch; `None` unless the
    /// breaker is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_probe_ms: Option<i64>,
}

/// The circuit breaker of one channel.
#[derive(Debug, Default)]
pub(crate) struct CircuitBreaker(Mutex<Circuit>);

#[derive(Debug, Default)]
struct Circuit {
    /// The number of consecutive failed attempts.
    failures: u32,
    /// The time until which the breaker is open, in milliseconds of the steady clock, and how many
    /// times in a row it has opened. `None` if the breaker is closed.
    open: Option<(i64, u32)>,
    /// Whether a probe is under way.
    probing: bool,
}

impl CircuitBreaker {
    /// Returns whether an attempt may be made now. A caller that gets [`Permit::HalfOpen`] must
    /// make the probe or call [`release_probe`](Self::release_probe).
    pub(super) fn permit(&self, now_ms: i64) -> Permit {
        let mut circuit = self.lock();
        match circuit.open {
            None => Permit::Closed,
            Some((until_ms, _)) if now_ms < until_ms => Permit::Open(until_ms),
            // A probe is under way; its result decides.
            Some(_) if circuit.probing => {
                Permit::Open(now_ms.saturating_add(milliseconds(MIN_OPEN_DURATION)))
            }
            Some(_) => {
                circuit.probing = true;
                Permit::HalfOpen
            }
        }
    }

    /// Returns whether the breaker is open or half open.
    pub(super) fn is_open(&self) -> bool {
        self.lock().open.is_some()
    }

    pub(super) fn status(&self, clock: &dyn Clock) -> CircuitStatus {
        let circuit = self.lock();
        let left_ms = |until_ms: i64| until_ms.saturating_sub(clock.steady_ms());
        let (state, next_probe_ms) = match circuit.open.map(|(until_ms, _)| left_ms(until_ms)) {
            None => (CircuitState::Closed, None),
            Some(left_ms) if left_ms > 0 => (
                CircuitState::Open,
                Some(clock.now_ms().saturating_add(left_ms)),
            ),
            Some(_) => (CircuitState::HalfOpen, None),
        };
        CircuitStatus {
            state,
            failures: circuit.failures,
            next_probe_ms,
        }
    }

    /// Half-opens the breaker of a channel that did not work before it was reconfigured. The next
    /// attempt is a probe.
    pub(crate) fn mark_suspect(&self, now_ms: i64) {
        self.lock().open = Some((now_ms, 1));
    }

    /// Releases a probe for which there was nothing to attempt.
    pub(super) fn release_probe(&self) {
        self.lock().probing = false;
    }

    /// Schedules another probe after one whose result says nothing about the remote.
    fn postpone_probe(&self, now_ms: i64) {
        let mut circuit = self.lock();
        circuit.probing = false;
        if let Some((until_ms, _)) = &mut circuit.open {
            *until_ms = now_ms.saturating_add(milliseconds(MIN_OPEN_DURATION));
        }
    }

    /// Updates the breaker of the channel `name` with the results of an attempt, and raises
    /// or clears the channel's alerts.
    pub(super) fn update_health(
        &self,
        (name, alerts): (&Arc<str>, &ActiveAlerts),
        targets: &[TargetReport],
        is_probe: bool,
        now_ms: i64,
    ) {
        let Some(health) = health(targets) else {
            if is_probe {
                self.postpone_probe(now_ms);
            }
            return;
        };
        let subject = |problem| Subject::Channel(Arc::clone(name), problem);
        let worst = || targets.iter().max_by_key(|target| target.retry_after);
        let last = worst().map_or_else(String::new, ToString::to_string);
        match self.update(health, is_probe, now_ms) {
            Some(Transition::Opened) => {
                let sentence = format!(
                    "Channel {name} is failing: no delivery succeeds any more. Its deliveries wait, and one of them is tried from time to time. The last error: {last}."
                );
                alerts.raise(subject(ChannelProblem::CircuitOpen), sentence);
            }
            Some(Transition::Closed) => alerts.clear(&subject(ChannelProblem::CircuitOpen)),
            None => {}
        }
        let asked = targets.iter().filter_map(|target| target.retry_after).max();
        if let Some(pause) = asked.filter(|pause| *pause >= MIN_QUOTA_DELAY) {
            let pause = humantime::format_duration(Duration::from_secs(pause.as_secs()));
            let sentence = format!(
                "Channel {name} accepts nothing for {pause}: {last}. Its deliveries wait until then, or expire."
            );
            alerts.raise(subject(ChannelProblem::Quota), sentence);
        } else if targets
            .iter()
            .any(|target| target.class == Class::Delivered)
        {
            alerts.clear(&subject(ChannelProblem::Quota));
        }
    }

    /// Updates the breaker with the result of an attempt. Ignores a failure of an attempt that
    /// began before the breaker opened.
    fn update(&self, health: Health, is_probe: bool, now_ms: i64) -> Option<Transition> {
        let mut circuit = self.lock();
        if is_probe {
            circuit.probing = false;
        }
        match (health, circuit.open) {
            (Health::Healthy, open) => {
                *circuit = Circuit::default();
                open.map(|_| Transition::Closed)
            }
            (Health::Unhealthy, Some((_, times))) if is_probe => {
                let doubled = MIN_OPEN_DURATION.saturating_mul(2_u32.saturating_pow(times));
                let until_ms = now_ms.saturating_add(milliseconds(doubled.min(MAX_OPEN_DURATION)));
                circuit.open = Some((until_ms, times.saturating_add(1)));
                None
            }
            (Health::Unhealthy, Some(_)) => None,
            (Health::Unhealthy, None) => {
                circuit.failures += 1;
                if circuit.failures < FAILURE_THRESHOLD {
                    return None;
                }
                circuit.open = Some((now_ms.saturating_add(milliseconds(MIN_OPEN_DURATION)), 1));
                Some(Transition::Opened)
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Circuit> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the health of the remote after an attempt. The remote is healthy if it accepted
/// anything, or rejected this particular message or recipient. Returns `None` if only the plugin or
/// this program failed.
fn health(targets: &[TargetReport]) -> Option<Health> {
    let in_person = |target: &TargetReport| {
        target.class == Class::Delivered
            || matches!(target.fault, Fault::Message | Fault::Recipient)
    };
    if targets.iter().any(in_person) {
        return Some(Health::Healthy);
    }
    let of_the_remote = |target: &TargetReport| {
        let faults = [Fault::Network, Fault::Remote, Fault::Config];
        faults.contains(&target.fault)
    };
    targets
        .iter()
        .any(of_the_remote)
        .then_some(Health::Unhealthy)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open() -> CircuitBreaker {
        let breaker = CircuitBreaker::default();
        let transitions: Vec<_> = (0..FAILURE_THRESHOLD)
            .map(|_| breaker.update(Health::Unhealthy, false, 0))
            .collect();
        assert_eq!(transitions.last(), Some(&Some(Transition::Opened)));
        assert!(transitions.iter().rev().skip(1).all(Option::is_none));
        breaker
    }

    #[test]
    fn a_remote_that_works_now_and_then_does_not_open_it() {
        let breaker = CircuitBreaker::default();
        for attempt in 0..1000 {
            let health = if attempt % 9 == 0 {
                Health::Healthy
            } else {
                Health::Unhealthy
            };
            assert_eq!(breaker.update(health, false, 0), None);
            assert_eq!(breaker.permit(0), Permit::Closed);
        }
    }

    #[test]
    fn one_probe_at_a_time_is_made_at_growing_intervals() {
        let breaker = open();
        let mut now_ms = 0;
        let mut intervals = Vec::new();
        for _ in 0..7 {
            let Permit::Open(until_ms) = breaker.permit(now_ms) else {
                panic!("the breaker is closed");
            };
            intervals.push((until_ms - now_ms) / 1000);
            now_ms = until_ms;
            assert_eq!(breaker.permit(now_ms), Permit::HalfOpen);
            assert_eq!(
                breaker.permit(now_ms),
                Permit::Open(now_ms + 30_000),
                "one at a time"
            );
            assert_eq!(breaker.update(Health::Unhealthy, true, now_ms), None);
        }
        assert_eq!(intervals, [30, 60, 120, 240, 480, 600, 600]);
        assert!(breaker.is_open());
    }

    #[test]
    fn a_probe_without_a_result_is_followed_by_another() {
        let breaker = open();
        assert_eq!(breaker.permit(30_000), Permit::HalfOpen);
        breaker.postpone_probe(31_000);
        assert_eq!(breaker.permit(31_000), Permit::Open(61_000));
        assert_eq!(breaker.permit(61_000), Permit::HalfOpen);
    }

    #[test]
    fn any_success_closes_it() {
        let breaker = open();
        assert_eq!(breaker.permit(30_000), Permit::HalfOpen);
        assert_eq!(
            breaker.update(Health::Unhealthy, false, 30_000),
            None,
            "an attempt from before"
        );
        breaker.release_probe();
        assert_eq!(breaker.permit(30_000), Permit::HalfOpen);
        assert_eq!(
            breaker.update(Health::Healthy, true, 30_000),
            Some(Transition::Closed)
        );
        assert_eq!(breaker.permit(30_000), Permit::Closed);
        assert!(!breaker.is_open());
    }
}
