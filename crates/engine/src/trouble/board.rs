//! Which trouble there is.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use metrics::gauge;
use tokio::sync::mpsc;

use super::{Subject, Trouble};
use crate::{
    clock::Clock,
    delivery::{TROUBLES, milliseconds},
};

/// What comes back sooner than this is not told again: people know.
const FLAPPING: Duration = Duration::from_secs(900);

/// What has changed, and is to be told.
#[derive(Debug, Clone)]
pub(crate) enum News {
    Begun { subject: Subject, sentence: String },
    Over { subject: Subject, since_ms: i64 },
}

/// The trouble there is.
#[derive(Debug)]
pub(crate) struct Troubles {
    clock: Arc<dyn Clock>,
    board: Mutex<BTreeMap<Subject, Entry>>,
    news: mpsc::UnboundedSender<News>,
}

#[derive(Debug)]
struct Entry {
    sentence: String,
    since_ms: i64,
    told: bool,
    /// When it was over, where it is.
    over_ms: Option<i64>,
}

impl Troubles {
    /// And where its news arrive. They are bounded by the number of subjects,
    /// each of which is told at most once in a time.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> (Arc<Self>, mpsc::UnboundedReceiver<News>) {
        let (news, received) = mpsc::unbounded_channel();
        let troubles = Self {
            clock,
            board: Mutex::default(),
            news,
        };
        (Arc::new(troubles), received)
    }

    /// There is trouble; that it is known already is no news.
    pub(crate) fn raise(&self, subject: Subject, sentence: impl Into<String>) {
        let (sentence, now_ms) = (sentence.into(), self.clock.now_ms());
        let mut board = self.lock();
        let known = board.get(&subject);
        if known.is_some_and(|entry| entry.over_ms.is_none()) {
            return;
        }
        let long_ago = now_ms.saturating_sub(milliseconds(FLAPPING));
        let told = known.is_none_or(|entry| entry.over_ms.is_some_and(|at_ms| at_ms < long_ago));
        tracing::error!(%subject, "{sentence}");
        gauge!(TROUBLES, "kind" => subject.kind()).increment(1);
        if told {
            let (subject, sentence) = (subject.clone(), sentence.clone());
            // Nobody is told any more when the engine is gone.
            let _ = self.news.send(News::Begun { subject, sentence });
        }
        let entry = Entry {
            sentence,
            since_ms: now_ms,
            told,
            over_ms: None,
        };
        board.insert(subject, entry);
    }

    /// There is none any more.
    pub(crate) fn clear(&self, subject: &Subject) {
        let mut board = self.lock();
        let Some(entry) = board
            .get_mut(subject)
            .filter(|entry| entry.over_ms.is_none())
        else {
            return;
        };
        entry.over_ms = Some(self.clock.now_ms());
        tracing::info!(%subject, "this trouble is over");
        gauge!(TROUBLES, "kind" => subject.kind()).decrement(1);
        if entry.told {
            let (subject, since_ms) = (subject.clone(), entry.since_ms);
            let _ = self.news.send(News::Over { subject, since_ms });
        }
    }

    /// What there is now.
    pub(crate) fn now(&self) -> Vec<Trouble> {
        let board = self.lock();
        let now = board.iter().filter(|(_, entry)| entry.over_ms.is_none());
        now.map(|(subject, entry)| Trouble {
            subject: subject.to_string(),
            sentence: entry.sentence.clone(),
            since_ms: entry.since_ms,
        })
        .collect()
    }

    /// Whether anything ails a channel.
    pub(crate) fn ails(&self, channel: &str) -> bool {
        let board = self.lock();
        board
            .iter()
            .any(|(subject, entry)| subject.channel() == Some(channel) && entry.over_ms.is_none())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Subject, Entry>> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
