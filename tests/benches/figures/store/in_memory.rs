//! The store in memory, as an embedded engine uses it: what it costs to keep a notification that is
//! delivered by its first attempt.

use std::{error::Error, sync::Arc, time::Instant};

use annunciator::store::{
    Attempt, Begin, Intake, Intent, MemoryStore, Next, Proof, Settlement, State, Store as _,
};
use futures_util::FutureExt as _;

use super::{CHANNEL, LEASE_UNTIL, NOW, Rows, content, intake};
use crate::{
    sample::{nanoseconds_each, repeat},
    table::Row,
};

const RUNS: usize = 11;
/// Many more than the store remembers, so that each forgets another.
const NOTIFICATIONS: u32 = 50_000;
const MAX_NANOSECONDS: f64 = 5_000.0;

pub(super) fn rows() -> Rows {
    let content = content();
    let store = MemoryStore::default();
    let mut next = 0;
    let each = repeat(RUNS, || keep(&store, &mut next, &content))?;
    Ok(vec![
        Row::with_target(
            "a notification in the store in memory: accepted, delivered, recorded, an older one forgotten; one thread",
            "under 5 µs",
            each.median() < MAX_NANOSECONDS,
        )
        .measured(format!("{:.2} µs", each.map(|ns| ns / 1000.0))),
    ])
}

/// Accepts notifications with their claims and settles them. Returns the nanoseconds of each.
fn keep(store: &MemoryStore, next: &mut u64, content: &Arc<str>) -> Result<f64, Box<dyn Error>> {
    // What the engine prepares is not the store's.
    let intakes: Vec<Intake> = (0..NOTIFICATIONS)
        .map(|_| {
            *next += 1;
            Intake {
                key: None,
                intents: vec![Intent {
                    channel: Arc::from(CHANNEL),
                    expires_ms: Some(LEASE_UNTIL),
                    begin: Begin::Claimed {
                        lease_until_ms: LEASE_UNTIL,
                    },
                    step: None,
                    dedup: None,
                }],
                ..intake(*next, content)
            }
        })
        .collect();
    let began = Instant::now();
    for intake in intakes {
        let accepted = store.accept(intake).now_or_never().ok_or("it waits")??;
        let placed = accepted.deliveries.first().ok_or("nothing was accepted")?;
        let settlement = Settlement {
            delivery: placed.delivery,
            fence: placed.fence,
            now_ms: NOW,
            attempt: Some(Attempt {
                began_ms: NOW,
                ended_ms: NOW,
                outcome: "[]".to_owned(),
            }),
            is_uncounted: false,
            proof: Some(Proof::Accepted),
            may_have_arrived: true,
            next: Next::End {
                state: State::Delivered,
                why: String::new(),
                targets: Vec::new(),
            },
        };
        store
            .settle(settlement)
            .now_or_never()
            .ok_or("it waits")??;
    }
    Ok(nanoseconds_each(NOTIFICATIONS, began.elapsed()))
}
