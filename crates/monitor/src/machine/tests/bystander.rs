//! A bystander, who reads every notice and sees every accepted datagram, and so knows which
//! notices are right.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::thresholds::Level;

/// The window of the default settings.
const WINDOW: Duration = Duration::from_secs(30);

/// What a bystander knows who reads every notice and sees every accepted datagram.
#[derive(Default)]
pub(super) struct Bystander {
    /// The connections that people know to be overdue.
    pub(super) overdue: BTreeSet<Connection>,
    flapping: BTreeSet<Connection>,
    pub(super) heard: BTreeMap<Connection, Vec<Tick>>,
    levels: BTreeMap<String, Level>,
    pub(super) blind_spans: usize,
    blind_notices: usize,
}

impl Bystander {
    /// Reads a notice; fails if it is wrong.
    pub(super) fn read(&mut self, notice: &Notice) -> Result<(), TestCaseError> {
        let all = |of: &Connection| vec![of.clone()];
        let (silent, back) = match &notice.what {
            Occurrence::Overdue(of) => (all(of), Vec::new()),
            Occurrence::ManyOverdue(of) => (of.clone(), Vec::new()),
            Occurrence::Back(of) => (Vec::new(), all(of)),
            Occurrence::ManyBack(of) => (Vec::new(), of.clone()),
            Occurrence::Flapping { of, .. } => {
                prop_assert!(self.flapping.insert(of.clone()), "told twice: {of:?} flaps");
                return Ok(());
            }
            Occurrence::Steady { of, now_is } => {
                prop_assert!(self.flapping.remove(of), "it did not flap: {of:?}");
                if *now_is != Steadiness::Overdue {
                    self.overdue.remove(of);
                } else {
                    self.overdue.insert(of.clone());
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
                self.heard.get(&of).is_some_and(due),
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
