//! The store of deliveries: how fast it takes them, and how little it minds
//! what it holds.
//!
//! The files lie where the build does, on a disk and not in memory.

mod backlog;
mod history;
mod in_memory;
mod submissions;

use std::sync::Arc;

use annunciator::{
    Kind, Severity,
    store::{Begin, ClaimRequest, Intake, Intent, Store, StoreError},
};
use tempfile::TempDir;

pub(crate) use backlog::open;

use super::Rows;

const CHANNEL: &str = "a";
/// Any time.
const NOW: i64 = 1_790_000_000_000;
const LEASE_UNTIL: i64 = NOW + 60_000;
/// As much as a rendered notification has.
const CONTENT: usize = 500;
/// What fills a store at once: as many as it writes in one transaction.
const TOGETHER: usize = 512;

pub(crate) fn rows() -> Rows {
    let mut rows = submissions::rows()?;
    rows.extend(backlog::rows()?);
    rows.extend(history::rows()?);
    rows.extend(in_memory::rows()?);
    Ok(rows)
}

fn folder() -> std::io::Result<TempDir> {
    TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))
}

/// One notification with one channel, and a key that is as long as a UUID and
/// in as little order.
fn intake(number: u64, content: &Arc<str>) -> Intake {
    // The golden ratio spreads them.
    let spread = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    Intake {
        key: Some(format!("{spread:016x}-{number:019}")),
        notification: format!("{number:036}"),
        host: "web-01".to_owned(),
        incident: String::new(),
        lane: String::new(),
        kind: Kind::Message,
        severity: Severity::Warning,
        accepted_ms: NOW,
        content: Arc::clone(content),
        intents: vec![Intent {
            channel: Arc::from(CHANNEL),
            expires_ms: None,
            begin: Begin::At(NOW),
            step: None,
            dedup: None,
        }],
    }
}

fn content() -> Arc<str> {
    Arc::from("x".repeat(CONTENT))
}

fn ten() -> ClaimRequest {
    ClaimRequest {
        channel: Arc::from(CHANNEL),
        limit: 10,
        now_ms: NOW,
        lease_until_ms: LEASE_UNTIL,
        in_flight: Vec::new(),
        only_expired: false,
    }
}

/// Accepts all of these, many at a time.
async fn fill(
    store: &dyn Store,
    mut intakes: impl Iterator<Item = Intake>,
) -> Result<(), StoreError> {
    loop {
        let some: Vec<_> = intakes.by_ref().take(TOGETHER).collect();
        if some.is_empty() {
            return Ok(());
        }
        let answers: Vec<_> = some.into_iter().map(|one| store.accept(one)).collect();
        for answer in answers {
            answer.await?;
        }
    }
}
