//! Blind spans: times in which the monitor did not see.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::time::Moment;

/// When steps are further apart than this, the monitor did not run between
/// them: it was stopped, suspended, or starved.
pub(super) const STALLED: Duration = Duration::from_secs(2);
/// When the wall clock moves ahead of the timeline by more than this, time
/// has passed that the timeline did not see.
pub(super) const JUMPED: Duration = Duration::from_secs(5);
/// How many spans are remembered as evidence.
const REMEMBERED: usize = 16;

/// A blind span, by the wall.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlindSpan {
    /// From when.
    pub from_ms: i64,
    /// Until when.
    pub to_ms: i64,
}

impl BlindSpan {
    /// The span of this length that ends now. By the clock as it is set now,
    /// so that it never ends before it begins.
    pub(super) fn until(now: Moment, length: Duration) -> Self {
        let length = i64::try_from(length.as_millis()).unwrap_or(i64::MAX);
        Self {
            from_ms: now.wall_ms.saturating_sub(length),
            to_ms: now.wall_ms,
        }
    }
}

/// A blind span whose hosts are being looked at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Check {
    pub(super) span: BlindSpan,
    /// When it began to look.
    pub(super) began: Moment,
    /// How many hosts got a fresh window.
    pub(super) rechecked: u32,
    /// How many of them turned out to be silent.
    pub(super) silent: u32,
}

/// What of blind spans outlives the monitor.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Blindness {
    /// The newest spans, the oldest of them first.
    pub(super) spans: Vec<BlindSpan>,
    /// The one that is not yet told of.
    pub(super) check: Option<Check>,
}

impl Blindness {
    pub(super) fn remember(&mut self, span: BlindSpan) {
        let excess = (self.spans.len() + 1).saturating_sub(REMEMBERED);
        self.spans.drain(..excess);
        self.spans.push(span);
    }

    /// Takes note that hosts got a fresh window. A span whose hosts are still
    /// being looked at grows: there is one notice for both.
    pub(super) fn begin(&mut self, span: BlindSpan, rechecked: u32, now: Moment) {
        let check = self.check.get_or_insert(Check {
            span,
            began: now,
            rechecked: 0,
            silent: 0,
        });
        check.span.from_ms = check.span.from_ms.min(span.from_ms);
        check.span.to_ms = span.to_ms;
        // They are the same hosts, but for those that were silent meanwhile.
        check.rechecked = check.rechecked.max(rechecked);
    }

    /// The spans that end after a point of wall time.
    pub(super) fn since(&self, wall_ms: i64) -> impl Iterator<Item = &BlindSpan> {
        self.spans.iter().filter(move |span| span.to_ms >= wall_ms)
    }
}
