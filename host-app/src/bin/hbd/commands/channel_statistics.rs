//! Statistics of the deliveries to channels, from the store, for `hbd channels`.

use std::{collections::BTreeMap, time::Duration};

use annunciator::store::{Query, Record, State, StoreError};
use annunciator_monitor::timestamp::format_timestamp;
use serde_json::{Value as Json, json};

use crate::{arguments::Since, outbox::Outbox};

/// The period in which counted deliveries were accepted.
const RECENT_PERIOD: Duration = Duration::from_secs(24 * 3600);
/// The number of consecutive failures from which on a channel counts as broken.
const BROKEN: usize = 3;
/// The age from which on an attempted delivery counts as stuck: the engine considers it
/// late, so a temporary failure does not explain it.
const LATE_AFTER: Duration = Duration::from_secs(300);
/// The number of ended deliveries that are examined, the latest first.
const LOOKED_AT: u32 = 100;
/// The states that depend on the channel; rules and people decide the others.
const OUTCOME_STATES: [State; 3] = [State::Delivered, State::Failed, State::Expired];

/// The statistics of a channel.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct ChannelStatistics {
    waiting: u64,
    delivered: u64,
    failed: u64,
    last_delivered_ms: Option<i64>,
    /// The number of failures since the last successful delivery.
    failing: usize,
    /// The number of deliveries that have waited for long, were attempted, and after which
    /// nothing was delivered; then the number of their attempts.
    stuck: u64,
    tried: u64,
}

/// Returns the statistics of all channels, by name.
pub(super) fn of_channels<'a>(
    outbox: &Outbox,
    names: impl IntoIterator<Item = &'a str>,
) -> Result<BTreeMap<&'a str, ChannelStatistics>, StoreError> {
    let names = names.into_iter();
    let mut statistics: BTreeMap<&str, ChannelStatistics> = names
        .map(|name| (name, ChannelStatistics::default()))
        .collect();
    for (name, statistics) in &mut statistics {
        statistics.failing = failing(ended(outbox, name, &OUTCOME_STATES)?);
        let delivered = ended(outbox, name, &[State::Delivered])?;
        let ended = delivered.iter().filter_map(|record| record.ended_ms);
        statistics.last_delivered_ms = ended.max();
    }
    let late_ms = Since::ago(LATE_AFTER).ms;
    let open = Query {
        states: vec![State::Pending, State::InFlight],
        ..Query::default()
    };
    outbox.pages(open, |page| {
        for record in page {
            if let Some(statistics) = statistics.get_mut(record.channel.as_str()) {
                statistics.take_note(&record, late_ms);
            }
        }
        Ok(true)
    })?;
    let since_ms = Since::ago(RECENT_PERIOD).ms;
    outbox.pages(Query::default(), |page| {
        let is_recent = |record: &Record| record.accepted_ms >= since_ms;
        // The pages are in the order of acceptance, except where clocks differ.
        let goes_on = page.iter().any(is_recent);
        for record in page.iter().filter(|record| is_recent(record)) {
            match (statistics.get_mut(record.channel.as_str()), record.state) {
                (Some(statistics), State::Delivered) => statistics.delivered += 1,
                (Some(statistics), State::Failed | State::Expired) => statistics.failed += 1,
                _ => {}
            }
        }
        Ok(goes_on)
    })?;
    Ok(statistics)
}

fn ended(outbox: &Outbox, channel: &str, states: &[State]) -> Result<Vec<Record>, StoreError> {
    let query = Query {
        states: states.to_vec(),
        channel: Some(channel.to_owned()),
        limit: LOOKED_AT,
        ..Query::default()
    };
    outbox.ask(|store| store.deliveries(query))
}

/// Returns how many consecutive deliveries failed last.
fn failing(mut records: Vec<Record>) -> usize {
    records.sort_by_key(|record| std::cmp::Reverse((record.ended_ms, record.delivery)));
    let failing = records.iter();
    failing
        .take_while(|record| record.state != State::Delivered)
        .count()
}

impl ChannelStatistics {
    /// Counts a delivery that waits.
    fn take_note(&mut self, record: &Record, late_ms: i64) {
        self.waiting += 1;
        let waits_since = record.accepted_ms;
        let overtaken = self.last_delivered_ms.is_some_and(|ms| ms >= waits_since);
        if record.attempts > 0 && waits_since <= late_ms && !overtaken {
            self.stuck += 1;
            self.tried += u64::from(record.attempts);
        }
    }

    pub(super) fn is_broken(&self) -> bool {
        self.failing >= BROKEN || self.tried >= BROKEN as u64
    }

    /// Returns what is wrong with the channel, if it is broken.
    pub(super) fn complaint(&self) -> Option<String> {
        if self.failing >= BROKEN {
            let or_more = if self.failing >= LOOKED_AT as usize {
                " or more"
            } else {
                ""
            };
            let failing = self.failing;
            return Some(format!(
                "broken: the last {failing}{or_more} were not delivered"
            ));
        }
        let (stuck, tried) = (self.stuck, self.tried);
        self.is_broken().then(|| {
            format!("broken: {stuck} waiting, tried {tried} times, and nothing was delivered since")
        })
    }

    /// Returns the cells of the table: waiting, delivered, failed, and the time of the last
    /// delivery.
    pub(super) fn cells(&self) -> [String; 4] {
        let last = self.last_delivered_ms;
        [
            self.waiting.to_string(),
            self.delivered.to_string(),
            self.failed.to_string(),
            last.map_or_else(|| "never".to_owned(), |ms| format_timestamp(ms).to_string()),
        ]
    }

    pub(super) fn json(&self) -> Json {
        json!({
            "waiting": self.waiting,
            "delivered_in_24h": self.delivered,
            "failed_in_24h": self.failed,
            "last_delivered_ms": self.last_delivered_ms,
            "failed_in_a_row": self.failing,
            "stuck": self.stuck,
            "broken": self.is_broken(),
        })
    }
}
