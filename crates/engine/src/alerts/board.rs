//! Which trouble there is, and what people know of it.
//!
//! What is to be told follows from both: it is no queue, so that what came and
//! went before anybody could be told is told to nobody, and the last that people
//! hear is how it is.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use metrics::gauge;
use tokio::sync::Notify;

use super::{Subject, Trouble};
use crate::clock::{Clock, milliseconds};

/// A gauge of the problems there are, by their kind.
pub(crate) const ACTIVE_ALERTS: &str = "annunciator_troubles";

/// What comes back sooner than this after it was told to be over is told when it
/// has lasted until then.
const FLAPPING: Duration = Duration::from_secs(900);

/// What is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum News {
    Begun { subject: Subject, sentence: String },
    Over { subject: Subject, since_ms: i64 },
}

/// The trouble there is.
#[derive(Debug)]
pub(crate) struct Troubles {
    clock: Arc<dyn Clock>,
    board: Mutex<BTreeMap<Subject, Entry>>,
    changed: Arc<Notify>,
}

#[derive(Debug)]
struct Entry {
    sentence: String,
    since_ms: i64,
    /// Whether there is trouble.
    is_on: bool,
    /// Whether people think so.
    is_told: bool,
    /// When people last heard of it, by the clock that nobody sets.
    heard_ms: Option<i64>,
}

impl Troubles {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            board: Mutex::default(),
            changed: Arc::default(),
        }
    }

    /// Told whenever something has changed, and when this is gone.
    pub(crate) fn changed(&self) -> Arc<Notify> {
        Arc::clone(&self.changed)
    }

    /// There is trouble; that it is known already is no news.
    pub(crate) fn raise(&self, subject: Subject, sentence: impl Into<String>) {
        let (sentence, since_ms) = (sentence.into(), self.clock.now_ms());
        let mut board = self.lock();
        let known = board.get(&subject);
        if known.is_some_and(|entry| entry.is_on) {
            return;
        }
        tracing::error!(%subject, "{sentence}");
        gauge!(ACTIVE_ALERTS, "kind" => subject.kind()).increment(1);
        let entry = Entry {
            sentence,
            since_ms,
            is_on: true,
            is_told: known.is_some_and(|entry| entry.is_told),
            heard_ms: known.and_then(|entry| entry.heard_ms),
        };
        board.insert(subject, entry);
        self.changed.notify_one();
    }

    /// There is trouble, which may have another reason than before: that is known
    /// from then on, and no news.
    pub(crate) fn restate(&self, subject: Subject, sentence: String) {
        if let Some(entry) = { self.lock() }
            .get_mut(&subject)
            .filter(|entry| entry.is_on)
        {
            entry.sentence = sentence;
            return;
        }
        self.raise(subject, sentence);
    }

    /// There is none any more.
    pub(crate) fn clear(&self, subject: &Subject) {
        let mut board = self.lock();
        if let Some(entry) = board.get_mut(subject).filter(|entry| entry.is_on) {
            entry.is_on = false;
            is_over(subject);
            self.changed.notify_one();
        }
    }

    /// Forgets what can be no trouble any more: what it is about is gone.
    pub(crate) fn keep(&self, is_there: impl Fn(&Subject) -> bool) {
        self.lock().retain(|subject, entry| {
            let stays = is_there(subject);
            if entry.is_on && !stays {
                is_over(subject);
            }
            stays
        });
    }

    /// What is to be told now, which counts as told; and in how long there may be
    /// more.
    pub(crate) fn news(&self) -> (Vec<News>, Option<Duration>) {
        let steady_ms = self.clock.steady_ms();
        let (mut news, mut next_ms) = (Vec::new(), None);
        self.lock().retain(|subject, entry| {
            let subject = subject.clone();
            let again_ms = entry
                .heard_ms
                .map(|at_ms| at_ms.saturating_add(milliseconds(FLAPPING)));
            let left_ms = again_ms.map_or(0, |at_ms| at_ms.saturating_sub(steady_ms));
            match (entry.is_on, entry.is_told) {
                (true, false) if left_ms > 0 => {
                    next_ms = next_ms.into_iter().chain([left_ms]).min();
                    return true;
                }
                (true, false) => {
                    let sentence = entry.sentence.clone();
                    news.push(News::Begun { subject, sentence });
                }
                (false, true) => {
                    let since_ms = entry.since_ms;
                    news.push(News::Over { subject, since_ms });
                }
                (true, true) => return true,
                // People have not forgotten it yet.
                (false, false) => return left_ms > 0,
            }
            (entry.is_told, entry.heard_ms) = (entry.is_on, Some(steady_ms));
            true
        });
        let next = next_ms.and_then(|ms| u64::try_from(ms).ok());
        (news, next.map(Duration::from_millis))
    }

    /// What there is now.
    pub(crate) fn now(&self) -> Vec<Trouble> {
        let board = self.lock();
        let now = board.iter().filter(|(_, entry)| entry.is_on);
        now.map(|(subject, entry)| Trouble {
            subject: subject.to_string(),
            sentence: entry.sentence.clone(),
            since_ms: entry.since_ms,
        })
        .collect()
    }

    /// Whether there is this trouble.
    pub(crate) fn is(&self, subject: &Subject) -> bool {
        self.lock().get(subject).is_some_and(|entry| entry.is_on)
    }

    /// Whether anything ails a channel.
    pub(crate) fn ails(&self, channel: &str) -> bool {
        let board = self.lock();
        board
            .iter()
            .any(|(subject, entry)| subject.channel() == Some(channel) && entry.is_on)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Subject, Entry>> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Troubles {
    fn drop(&mut self) {
        self.changed.notify_one();
    }
}

fn is_over(subject: &Subject) {
    tracing::info!(%subject, "this trouble is over");
    gauge!(ACTIVE_ALERTS, "kind" => subject.kind()).decrement(1);
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;
    use crate::clock::Sleep;

    #[derive(Debug, Default)]
    struct Hand(AtomicI64);

    impl Hand {
        fn later(&self, minutes: i64) {
            self.0.fetch_add(minutes * 60_000, Ordering::SeqCst);
        }
    }

    impl Clock for Hand {
        fn now_ms(&self) -> i64 {
            self.0.load(Ordering::SeqCst)
        }

        fn sleep(&self, _: Duration) -> Sleep {
            Box::pin(std::future::ready(()))
        }
    }

    fn board() -> (Arc<Hand>, Troubles) {
        let hand = Arc::new(Hand::default());
        let clock: Arc<dyn Clock> = Arc::clone(&hand) as _;
        (hand, Troubles::new(clock))
    }

    fn begun() -> News {
        let (subject, sentence) = (Subject::Store, "full".to_owned());
        News::Begun { subject, sentence }
    }

    fn over(since_ms: i64) -> News {
        let subject = Subject::Store;
        News::Over { subject, since_ms }
    }

    #[test]
    fn it_is_told_once_and_so_is_its_end() {
        let (hand, troubles) = board();
        troubles.raise(Subject::Store, "full");
        troubles.raise(Subject::Store, "still full");
        assert_eq!(troubles.news(), (vec![begun()], None));
        assert_eq!(troubles.news(), (vec![], None));
        hand.later(5);
        troubles.clear(&Subject::Store);
        troubles.clear(&Subject::Store);
        assert_eq!(troubles.news(), (vec![over(0)], None));
        assert_eq!(troubles.news(), (vec![], None));
    }

    #[test]
    fn what_comes_back_soon_and_stays_is_told_later() {
        let (hand, troubles) = board();
        troubles.raise(Subject::Store, "full");
        assert_eq!(troubles.news().0, [begun()]);
        troubles.clear(&Subject::Store);
        assert_eq!(troubles.news().0, [over(0)]);
        hand.later(5);
        troubles.raise(Subject::Store, "full");
        let ten_minutes = Some(Duration::from_secs(600));
        assert_eq!(troubles.news(), (vec![], ten_minutes));
        hand.later(10);
        assert_eq!(troubles.news(), (vec![begun()], None));
        troubles.clear(&Subject::Store);
        assert_eq!(troubles.news().0, [over(300_000)]);
    }

    #[test]
    fn what_comes_and_goes_is_told_once() {
        let (hand, troubles) = board();
        troubles.raise(Subject::Store, "full");
        troubles.clear(&Subject::Store);
        assert_eq!(troubles.news(), (vec![], None), "nobody heard of it");
        troubles.raise(Subject::Store, "full");
        assert_eq!(troubles.news().0.len(), 1);
        for _ in 0..10 {
            troubles.clear(&Subject::Store);
            troubles.news();
            hand.later(1);
            troubles.raise(Subject::Store, "full");
            assert_eq!(troubles.news().0, []);
        }
    }

    #[test]
    fn what_it_was_about_is_gone() {
        let (_, troubles) = board();
        let subject = Subject::Channel("ops".into(), super::super::Ailment::Check);
        troubles.raise(subject.clone(), "it would not deliver");
        assert_eq!(troubles.news().0.len(), 1);
        assert!(troubles.ails("ops"));
        troubles.keep(|subject| subject.channel().is_none());
        assert!(!troubles.ails("ops") && troubles.now().is_empty());
        assert_eq!(troubles.news().0, [], "its end would be no truth");
        troubles.raise(subject, "it would not deliver");
        assert_eq!(troubles.news().0.len(), 1, "that is another");
    }
}
