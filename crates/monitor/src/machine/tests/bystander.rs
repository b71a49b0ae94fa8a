//! A bystander, who reads every notice and sees every accepted datagram, and so knows which
//! notices are right.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::{ping::Signal, thresholds::Level};

/// The window of the default settings.
const WINDOW: Duration = Duration::from_secs(30);

/// What a bystander knows who reads every notice and sees every accepted datagram.
#[derive(Default)]
pub(super) struct Bystander {
    /// The connections that people know to be overdue.
    pub(super) overdue: BTreeSet<Connection>,
    flapping: BTreeSet<Connection>,
    pub(super) heard: BTreeMap<Connection, Vec<Tick>>,
    /// When the jobs of hosts began a run.
    started: BTreeMap<Connection, Vec<Tick>>,
    /// The jobs that have failed at least once.
    failed: BTreeSet<Connection>,
    levels: BTreeMap<String, Level>,
    pub(super) blind_spans: usize,
    blind_notices: usize,
}

/// The grace of jobs.
const GRACE: Duration = Duration::from_secs(20);

impl Bystander {
    /// Sees a ping.
    pub(super) fn pinged(&mut self, host: &str, signal: Signal, at: Tick) {
        let of = Connection {
            host: Arc::from(host),
            family: LinkFamily::Ping,
        };
        if signal == Signal::Log {
            return;
        }
        self.heard.entry(of.clone()).or_default().push(at);
        if signal == Signal::Start {
            self.started.entry(of).or_default().push(at);
        } else if signal.is_success() == Some(false) {
            self.failed.insert(of);
        }
    }

    /// Returns whether a run had begun so long ago that it is overdue, or whether the host has
    /// a schedule, of which a bystander knows nothing.
    fn may_lapse(&self, of: &Connection, at: Tick) -> bool {
        let begun = self.started.get(of);
        let is_old = |began: &Tick| *began + GRACE <= at;
        let is_ping = of.family == LinkFamily::Ping;
        is_ping && (&*of.host == "b" || begun.is_some_and(|begun| begun.iter().any(is_old)))
    }

    /// Reads a notice; fails if it is wrong.
    pub(super) fn read(&mut self, notice: &Notice) -> Result<(), TestCaseError> {
        let all = |of: &Connection| vec![of.clone()];
        let (silent, back) = match &notice.what {
            Occurrence::Lapsed {
                of,
                lapse: Lapse::Failed { .. },
            } => {
                prop_assert!(self.failed.contains(of), "{of:?} did not fail");
                prop_assert!(self.overdue.insert(of.clone()), "told twice: {of:?} failed");
                return Ok(());
            }
            Occurrence::Overdue(of) | Occurrence::Lapsed { of, .. } => (all(of), Vec::new()),
            Occurrence::ManyOverdue(of) => (of.clone(), Vec::new()),
            Occurrence::Back(of) => (Vec::new(), all(of)),
            Occurrence::ManyBack(of) => (Vec::new(), of.clone()),
            Occurrence::Removed(of) => {
                self.flapping.remove(of);
                self.overdue.remove(of);
                return Ok(());
            }
            Occurrence::Flapping { of, .. } => {
                prop_assert!(self.flapping.insert(of.clone()), "told twice: {of:?} flaps");
                return Ok(());
            }
            Occurrence::Steady { of, now_is } => {
                prop_assert!(self.flapping.remove(of), "it did not flap: {of:?}");
                if matches!(now_is, Steadiness::Overdue | Steadiness::Failed) {
                    self.overdue.insert(of.clone());
                } else {
                    self.overdue.remove(of);
                }
                return Ok(());
            }
            Occurrence::Blind { from_ms, to_ms, .. } => {
                prop_assert!(from_ms <= to_ms);
                self.blind_notices += 1;
                prop_assert!(
                    self.blind_notices <= self.blind_spans,
                    "more notices than spans"
                );
                return Ok(());
            }
            Occurrence::Threshold {
                host,
                level,
                reminder,
                ..
            } => {
                let notified = self.levels.insert(host.to_string(), *level);
                let notified = notified.unwrap_or_default();
                prop_assert_eq!(
                    notified == *level,
                    *reminder,
                    "{} is told twice, or recalled wrongly",
                    level
                );
                return Ok(());
            }
            _ => return Ok(()),
        };
        // The time of a group is that of its first event.
        let group = matches!(notice.what, Occurrence::ManyOverdue(_));
        let at = notice.at.tick + SECOND * if group { 9 } else { 0 };
        for of in silent {
            prop_assert!(
                self.overdue.insert(of.clone()),
                "told twice: {of:?} is overdue"
            );
            let due = |heard: &Vec<Tick>| {
                // The notice may have been held, and the host may have been heard again
                // meanwhile.
                heard.iter().enumerate().any(|(i, last)| {
                    let silent_until = *last + WINDOW;
                    let next = heard.get(i + 1);
                    silent_until <= at && next.is_none_or(|next| *next >= silent_until)
                })
            };
            prop_assert!(
                self.heard.get(&of).is_some_and(due) || self.may_lapse(&of, at),
                "{of:?} was never due: heard at {:?}, told of {:?}",
                self.heard.get(&of),
                notice.at.tick
            );
        }
        for of in back {
            prop_assert!(self.overdue.remove(&of), "back without overdue: {of:?}");
        }
        Ok(())
    }
}
