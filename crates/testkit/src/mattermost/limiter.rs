//! The server's rate limit, which an administrator can enable.
//!
//! It counts requests and ignores time: the test sets how many are free, and refills them.

use crate::http::Answer;

/// The value of `X-RateLimit-Reset` and `Retry-After`, in seconds from now.
const RESET_SECONDS: u64 = 2;

#[derive(Debug, Clone)]
pub(super) struct Limiter {
    limit: u64,
    left: u64,
}

impl Limiter {
    pub(super) fn new(limit: u64) -> Self {
        Self { limit, left: limit }
    }

    pub(super) fn refill(&mut self) {
        self.left = self.limit;
    }

    /// Counts one request; returns `false` if none is left.
    pub(super) fn admit(&mut self) -> bool {
        let admitted = self.left > 0;
        self.left = self.left.saturating_sub(1);
        admitted
    }

    pub(super) fn refusal() -> Answer {
        Answer::text(429, "limit exceeded").header("Retry-After", RESET_SECONDS)
    }

    pub(super) fn stamp(&self, answer: Answer) -> Answer {
        answer
            .header("X-RateLimit-Limit", self.limit)
            .header("X-RateLimit-Remaining", self.left)
            .header("X-RateLimit-Reset", RESET_SECONDS)
    }
}
