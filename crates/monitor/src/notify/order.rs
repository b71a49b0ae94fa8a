//! The order of tasks. Tasks about one host run in sequence; a task about many hosts waits
//! for all before it, and all later ones wait for it.

use std::{collections::HashMap, sync::Arc};

use tokio::sync::watch;

use crate::incidents::Lane;

/// The minimum number of remembered hosts before those without a task are forgotten.
const MIN_FORGET: usize = 1024;

/// Closes when the task's [`Turn`] is dropped.
type TaskEnd = watch::Receiver<()>;

/// The tasks that a new task has to wait for.
#[derive(Debug, Default)]
pub(super) struct TaskOrder {
    /// The last task of each host.
    hosts: HashMap<Arc<str>, TaskEnd>,
    /// The tasks that are independent of others.
    others: Vec<TaskEnd>,
    /// The last task about many hosts.
    many: Option<TaskEnd>,
    forget_at: usize,
}

/// A task's place in the order; the task drops it when it ends.
#[derive(Debug)]
pub(super) struct Turn {
    before: Vec<TaskEnd>,
    _ends: watch::Sender<()>,
}

impl Turn {
    /// Returns whether all tasks before this one have ended.
    pub(super) fn has_come(&mut self) -> bool {
        self.before.retain(is_under_way);
        self.before.is_empty()
    }

    /// Waits for the tasks before this one.
    pub(super) async fn come(&mut self) {
        for before in &mut self.before {
            // Nothing is ever sent; the channel closes when the task ends.
            while before.changed().await.is_ok() {}
        }
        self.before.clear();
    }
}

impl TaskOrder {
    /// Adds a task at the end.
    pub(super) fn push(&mut self, lane: &Lane) -> Turn {
        let (ends, ended) = watch::channel(());
        let before = match lane {
            Lane::Host(host) => {
                // The host's last task waits for the one about many.
                let last = self.hosts.insert(Arc::clone(host), ended);
                last.or_else(|| self.many.clone()).into_iter().collect()
            }
            Lane::None => {
                self.others.push(ended);
                self.many.clone().into_iter().collect()
            }
            Lane::All => {
                let many = self.many.replace(ended);
                let hosts = self.hosts.drain().map(|(_, last)| last);
                hosts.chain(self.others.drain(..)).chain(many).collect()
            }
        };
        self.forget_ended();
        Turn {
            before,
            _ends: ends,
        }
    }

    fn forget_ended(&mut self) {
        if self.hosts.len() + self.others.len() < self.forget_at.max(MIN_FORGET) {
            return;
        }
        self.hosts.retain(|_, last| is_under_way(last));
        self.others.retain(is_under_way);
        self.forget_at = 2 * (self.hosts.len() + self.others.len());
    }
}

fn is_under_way(ended: &TaskEnd) -> bool {
    ended.has_changed().is_ok()
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn host(name: &str) -> Lane {
        Lane::Host(name.into())
    }

    fn is_its_turn(turn: &mut Turn) -> bool {
        let is_its_turn = turn.has_come();
        assert_eq!(turn.come().now_or_never().is_some(), is_its_turn);
        is_its_turn
    }

    #[test]
    fn what_concerns_one_host_keeps_its_order() {
        let mut order = TaskOrder::default();
        let mut turns = ["a", "a", "b", "a"].map(|name| Some(order.push(&host(name))));
        let mut ready = |ended: Option<usize>| {
            if let Some(ended) = ended {
                turns[ended] = None;
            }
            let ready = turns
                .iter_mut()
                .map(|turn| turn.as_mut().is_some_and(is_its_turn));
            ready.collect::<Vec<_>>()
        };
        assert_eq!(ready(None), [true, false, true, false]);
        assert_eq!(ready(Some(2)), [true, false, false, false]);
        assert_eq!(ready(Some(0)), [false, true, false, false]);
        assert_eq!(ready(Some(1)), [false, false, false, true]);
    }

    #[test]
    fn what_concerns_many_waits_for_all_before_it_and_all_behind_wait_for_it() {
        let mut order = TaskOrder::default();
        let mut first = order.push(&host("a"));
        let mut alone = order.push(&Lane::None);
        let mut many = order.push(&Lane::All);
        let mut behind = [order.push(&host("b")), order.push(&host("a"))];
        let mut alone_behind = order.push(&Lane::None);
        assert!(is_its_turn(&mut first) && is_its_turn(&mut alone));
        drop(first);
        assert!(!is_its_turn(&mut many));
        drop(alone);
        assert!(is_its_turn(&mut many));
        assert!(!behind.iter_mut().any(is_its_turn) && !is_its_turn(&mut alone_behind));
        drop(many);
        assert!(behind.iter_mut().all(is_its_turn) && is_its_turn(&mut alone_behind));
    }

    #[test]
    fn hosts_without_a_task_are_forgotten() {
        let mut order = TaskOrder::default();
        for number in 0..100_000 {
            drop(order.push(&host(&format!("h{number}"))));
            drop(order.push(&Lane::None));
        }
        assert!(order.hosts.len() + order.others.len() <= MIN_FORGET);
    }
}
