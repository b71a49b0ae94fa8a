//! Blind spans: times in which the monitor received nothing.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::time::Moment;

/// The gap between two steps from which on the monitor was not running: it was stopped,
/// suspended or starved.
pub(super) const STALLED_AFTER: Duration = Duration::from_secs(2);
/// How far the wall clock may move ahead of the timeline. A larger jump is time that the
/// timeline has not counted.
pub(super) const JUMPED_AFTER: Duration = Duration::from_secs(5);
/// The number of blind spans that are kept as evidence.
const MAX_BLIND_SPANS: usize = 16;

/// A blind span, by wall time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlindSpan {
    /// The beginning, in milliseconds since the Unix epoch.
    pub from_ms: i64,
    /// The end, in milliseconds since the Unix epoch.
    pub to_ms: i64,
}

impl BlindSpan {
    /// Creates the span of this length that ends now. It uses the current setting of the
    /// clock, so that it never ends before it begins.
    pub(super) fn until(now: Moment, length: Duration) -> Self {
        let length = i64::try_from(length.as_millis()).unwrap_or(i64::MAX);
        Self {
            from_ms: now.wall_ms.saturating_sub(length),
            to_ms: now.wall_ms,
        }
    }
}

/// A blind span whose hosts are being checked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Check {
    pub(super) span: BlindSpan,
    /// When the check began.
    pub(super) began: Moment,
    /// How many hosts got a fresh window.
    pub(super) rechecked: u32,
    /// How many of them are still silent.
    pub(super) silent: u32,
}

/// The part of blind spans that survives a restart.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Blindness {
    /// The newest spans, oldest first.
    pub(super) spans: Vec<BlindSpan>,
    /// The span that people were not notified of yet.
    pub(super) check: Option<Check>,
}

impl Blindness {
    pub(super) fn remember(&mut self, span: BlindSpan) {
        let excess = (self.spans.len() + 1).saturating_sub(MAX_BLIND_SPANS);
        self.spans.drain(..excess);
        self.spans.push(span);
    }

    /// Records that hosts got a fresh window. A span whose hosts are still being checked is
    /// extended, so that one notice covers both.
    pub(super) fn begin(&mut self, span: BlindSpan, rechecked: u32, now: Moment) {
        let check = self.check.get_or_insert(Check {
            span,
            began: now,
            rechecked: 0,
            silent: 0,
        });
        check.span.from_ms = check.span.from_ms.min(span.from_ms);
        check.span.to_ms = span.to_ms;
        // They are the same hosts, except those that fell silent in between.
        check.rechecked = check.rechecked.max(rechecked);
    }

    /// Returns the spans that end after a point of wall time.
    pub(super) fn since(&self, wall_ms: i64) -> impl Iterator<Item = &BlindSpan> {
        self.spans.iter().filter(move |span| span.to_ms >= wall_ms)
    }
}
