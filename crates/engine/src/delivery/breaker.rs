//! Leaves a remote alone that is out of order, and tries now and then whether it
//! is back.
//!
//! Decides from what came of attempts; chance and time are passed in. What waits
//! meanwhile loses no attempt: it ends when its time to live has passed.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::clock::milliseconds;

/// So many attempts in a row fail before a remote counts as out of order: more
/// than one notification has by default, which alone proves little.
const FAILURES: u32 = 10;
/// How long it is left alone first; twice as long each time.
const FIRST: Duration = Duration::from_secs(30);
/// And at most.
const LONGEST: Duration = Duration::from_secs(600);

/// Whether an attempt may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// It may.
    Open,
    /// One may, to see whether the remote is back.
    Probe,
    /// Not before this time.
    Until(i64),
}

/// What an attempt says of the remote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// It works: it took the message, or refused it in person.
    Works,
    /// It doesn't.
    Fails,
}

/// What has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// From now on it is left alone.
    OutOfOrder,
    /// It is back.
    Back,
}

/// The breaker of one channel.
#[derive(Debug, Default)]
pub(crate) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// In a row.
    failures: u32,
    /// Until when it is left alone, and how often it was so far.
    broken: Option<(i64, u32)>,
    /// Somebody sees whether it is back.
    probing: bool,
}

impl Breaker {
    /// Whether an attempt may be made now. Who is given a probe makes it, or
    /// gives it back.
    pub(super) fn way(&self, now_ms: i64) -> Way {
        let mut state = self.lock();
        match state.broken {
            None => Way::Open,
            Some((until_ms, _)) if now_ms < until_ms => Way::Until(until_ms),
            // Whoever probes says when that has ended.
            Some(_) if state.probing => Way::Until(now_ms.saturating_add(milliseconds(FIRST))),
            Some(_) => {
                state.probing = true;
                Way::Probe
            }
        }
    }

    /// Whether it is being left alone.
    pub(super) fn is_broken(&self) -> bool {
        self.lock().broken.is_some()
    }

    /// It was out of order before it was configured anew: the next attempt shows
    /// whether it still is.
    pub(crate) fn doubt(&self, now_ms: i64) {
        self.lock().broken = Some((now_ms, 1));
    }

    /// Nothing was there to be tried.
    pub(super) fn give_back(&self) {
        self.lock().probing = false;
    }

    /// A probe was made that says nothing of the remote: the next one comes a
    /// little later.
    pub(super) fn put_off(&self, now_ms: i64) {
        let mut state = self.lock();
        state.probing = false;
        if let Some((until_ms, _)) = &mut state.broken {
            *until_ms = now_ms.saturating_add(milliseconds(FIRST));
        }
    }

    /// Takes note of an attempt. What began before the remote broke says
    /// nothing of it afterwards, unless it worked.
    pub(super) fn note(&self, sign: Sign, is_probe: bool, now_ms: i64) -> Option<Turn> {
        let mut state = self.lock();
        if is_probe {
            state.probing = false;
        }
        match (sign, state.broken) {
            (Sign::Works, broken) => {
                *state = State::default();
                broken.map(|_| Turn::Back)
            }
            (Sign::Fails, Some((_, times))) if is_probe => {
                let doubled = FIRST.saturating_mul(2_u32.saturating_pow(times));
                let until_ms = now_ms.saturating_add(milliseconds(doubled.min(LONGEST)));
                state.broken = Some((until_ms, times.saturating_add(1)));
                None
            }
            (Sign::Fails, Some(_)) => None,
            (Sign::Fails, None) => {
                state.failures += 1;
                if state.failures < FAILURES {
                    return None;
                }
                state.broken = Some((now_ms.saturating_add(milliseconds(FIRST)), 1));
                Some(Turn::OutOfOrder)
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken() -> Breaker {
        let breaker = Breaker::default();
        let turns: Vec<_> = (0..FAILURES)
            .map(|_| breaker.note(Sign::Fails, false, 0))
            .collect();
        assert_eq!(turns.last(), Some(&Some(Turn::OutOfOrder)));
        assert!(turns.iter().rev().skip(1).all(Option::is_none));
        breaker
    }

    #[test]
    fn one_that_works_now_and_then_is_not_out_of_order() {
        let breaker = Breaker::default();
        for attempt in 0..1000 {
            let sign = if attempt % 9 == 0 {
                Sign::Works
            } else {
                Sign::Fails
            };
            assert_eq!(breaker.note(sign, false, 0), None);
            assert_eq!(breaker.way(0), Way::Open);
        }
    }

    #[test]
    fn one_at_a_time_sees_whether_it_is_back_and_waits_longer_each_time() {
        let breaker = broken();
        let mut now_ms = 0;
        let mut pauses = Vec::new();
        for _ in 0..7 {
            let Way::Until(until_ms) = breaker.way(now_ms) else {
                panic!("it is not left alone");
            };
            pauses.push((until_ms - now_ms) / 1000);
            now_ms = until_ms;
            assert_eq!(breaker.way(now_ms), Way::Probe);
            assert_eq!(
                breaker.way(now_ms),
                Way::Until(now_ms + 30_000),
                "one at a time"
            );
            assert_eq!(breaker.note(Sign::Fails, true, now_ms), None);
        }
        assert_eq!(pauses, [30, 60, 120, 240, 480, 600, 600]);
        assert!(breaker.is_broken());
    }

    #[test]
    fn a_probe_that_says_nothing_is_followed_by_another() {
        let breaker = broken();
        assert_eq!(breaker.way(30_000), Way::Probe);
        breaker.put_off(31_000);
        assert_eq!(breaker.way(31_000), Way::Until(61_000));
        assert_eq!(breaker.way(61_000), Way::Probe);
    }

    #[test]
    fn it_is_back_when_anything_works() {
        let breaker = broken();
        assert_eq!(breaker.way(30_000), Way::Probe);
        assert_eq!(breaker.note(Sign::Fails, false, 30_000), None, "an old one");
        breaker.give_back();
        assert_eq!(breaker.way(30_000), Way::Probe);
        assert_eq!(breaker.note(Sign::Works, true, 30_000), Some(Turn::Back));
        assert_eq!(breaker.way(30_000), Way::Open);
        assert!(!breaker.is_broken());
    }
}
