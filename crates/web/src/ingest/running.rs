//! The running alerts: problems that count as over unless their sender sends them again.
//!
//! Prometheus repeats an alert as long as it fires, with a time at which it ends unless it is
//! repeated. What is known of each alert is kept in a file, if there is one, so that an alert
//! also ends when the program was restarted meanwhile.

use std::{collections::BTreeMap, sync::Arc};

use annunciator::{
    Kind,
    store::{SchemaPart, SqliteFile, StoreError, rusqlite},
};
use annunciator_ingest::Event;

/// The table of running alerts in a file, which may have other parts.
const PART: SchemaPart = SchemaPart {
    name: "ingest",
    steps: &["
        CREATE TABLE ingest_alert (
            incident TEXT PRIMARY KEY, event TEXT NOT NULL, ends_at_ms INTEGER NOT NULL,
            renewed_ms INTEGER, ended_ms INTEGER
        ) STRICT, WITHOUT ROWID;
    "],
};

/// How long senders have after a start to send again what ended while nobody listened, in
/// milliseconds: Prometheus repeats an alert each minute, and its `endsAt` is four minutes
/// ahead by default
/// (<https://github.com/prometheus/prometheus/blob/main/rules/alerting.go>).
const START_GRACE_MS: i64 = 5 * 60 * 1000;
/// How long an alert that ended by silence is remembered, in milliseconds: if it is sent again
/// later, it counts as a new one.
const MAX_ENDED_AGE_MS: i64 = 7 * 24 * 3600 * 1000;
/// The maximum number of alerts that are kept. Of more, the end is that which the sender
/// reports itself.
const MAX_ALERTS: usize = 20_000;

/// What is known of an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Running {
    /// The event as its sender sent it last.
    event: Event,
    /// When it ends unless it is sent again.
    ends_at_ms: i64,
    /// When its end is due, which is later after a start or a failure.
    due_ms: i64,
    /// When it had ended by silence before it was sent again.
    renewed_ms: Option<i64>,
    /// When it ended by silence, if it has not been sent again.
    ended_ms: Option<i64>,
}

/// The running alerts, by their incidents.
#[derive(Debug, Default)]
pub(super) struct RunningAlerts {
    file: Option<Arc<SqliteFile>>,
    known: BTreeMap<String, Running>,
}

/// A change of the table; without an alert, its row is removed.
type Change = (String, Option<Running>);

impl RunningAlerts {
    /// Reads what a file has.
    pub(super) async fn open(file: Arc<SqliteFile>, now_ms: i64) -> Result<Self, StoreError> {
        file.add_part(PART).await?;
        let rows = file.read(read_all).await?;
        let rows = rows.into_iter().filter_map(|(incident, text, running)| {
            // What another version may have written ends by its sender.
            let event = serde_json::from_str(&text).ok()?;
            let due_ms = running.0.max(now_ms.saturating_add(START_GRACE_MS));
            let running = Running {
                event,
                ends_at_ms: running.0,
                due_ms,
                renewed_ms: running.1,
                ended_ms: running.2,
            };
            Some((incident, running))
        });
        Ok(Self {
            known: rows.collect(),
            file: Some(file),
        })
    }

    /// Returns what is to be submitted for an event of a sender: an alert that ended by silence
    /// and is sent again has other keys.
    pub(super) fn submitted(&self, event: &Event) -> Event {
        let running = event.incident.as_ref().and_then(|it| self.known.get(it));
        let since = running.and_then(|running| match event.kind {
            // Its key is that of the end by silence, if there was one.
            Kind::Recovery => running.renewed_ms,
            _ => running.ended_ms.or(running.renewed_ms),
        });
        since.map_or_else(|| event.clone(), |since| event.renewed(since))
    }

    /// Records events of a sender that were submitted. Returns the number of alerts that there
    /// is no room for.
    pub(super) async fn record(&mut self, events: &[&Event]) -> Result<usize, StoreError> {
        let mut changes: Vec<Change> = Vec::new();
        let (mut left_out, mut count) = (0, self.known.len());
        for event in events {
            let Some(incident) = &event.incident else {
                continue;
            };
            let known = self.known.get(incident);
            match (event.kind, event.ends_at_ms) {
                (Kind::Recovery, _) if known.is_some() => changes.push((incident.clone(), None)),
                (Kind::Problem, Some(_)) if known.is_none() && count >= MAX_ALERTS => left_out += 1,
                (Kind::Problem, Some(ends_at_ms)) => {
                    count += usize::from(known.is_none());
                    let running = Running {
                        event: (*event).clone(),
                        ends_at_ms,
                        due_ms: ends_at_ms,
                        renewed_ms: known.and_then(|known| known.ended_ms.or(known.renewed_ms)),
                        ended_ms: None,
                    };
                    changes.push((incident.clone(), Some(running)));
                }
                _ => {}
            }
        }
        self.change(changes).await?;
        Ok(left_out)
    }

    /// Returns the ends that are due, with their incidents. What ended long ago is forgotten.
    pub(super) async fn due(&mut self, now_ms: i64) -> Result<Vec<(String, Event)>, StoreError> {
        let is_old = |running: &Running| {
            let age = running
                .ended_ms
                .map(|ended_ms| now_ms.saturating_sub(ended_ms));
            age.is_some_and(|age| age > MAX_ENDED_AGE_MS)
        };
        let old = self.known.iter().filter(|(_, running)| is_old(running));
        let old = old.map(|(incident, _)| (incident.clone(), None)).collect();
        self.change(old).await?;
        let due = self
            .known
            .iter()
            .filter(|(_, running)| running.ended_ms.is_none() && running.due_ms <= now_ms);
        let ended = due.filter_map(|(incident, running)| {
            let event = match running.renewed_ms {
                Some(since) => running.event.renewed(since),
                None => running.event.clone(),
            };
            // By the time that was announced, so that a repetition after a crash is the same.
            Some((incident.clone(), event.ended(running.ends_at_ms)?))
        });
        Ok(ended.collect())
    }

    /// Records that the end of an alert was submitted.
    pub(super) async fn ended(&mut self, incident: &str) -> Result<(), StoreError> {
        let running = self.known.get(incident).map(|running| Running {
            ended_ms: Some(running.ends_at_ms),
            ..running.clone()
        });
        self.change(vec![(incident.to_owned(), running)]).await
    }

    /// Puts off the end of an alert that could not be submitted.
    pub(super) fn put_off(&mut self, incident: &str, due_ms: i64) {
        if let Some(running) = self.known.get_mut(incident) {
            running.due_ms = due_ms;
        }
    }

    /// Returns when the next end is due, in milliseconds since the Unix epoch.
    pub(super) fn next_due_ms(&self) -> Option<i64> {
        let running = self
            .known
            .values()
            .filter(|running| running.ended_ms.is_none());
        running.map(|running| running.due_ms).min()
    }

    /// Applies changes to the file and then to what is known.
    async fn change(&mut self, changes: Vec<Change>) -> Result<(), StoreError> {
        if changes.is_empty() {
            return Ok(());
        }
        if let Some(file) = &self.file {
            let rows = changes.iter().map(|(incident, running)| {
                let row = running.as_ref().map(|running| {
                    // An event always fits.
                    let event = serde_json::to_string(&running.event).unwrap_or_default();
                    (
                        event,
                        running.ends_at_ms,
                        running.renewed_ms,
                        running.ended_ms,
                    )
                });
                (incident.clone(), row)
            });
            let rows: Vec<_> = rows.collect();
            file.write(move |transaction| write(transaction, &rows))
                .await?;
        }
        for (incident, running) in changes {
            match running {
                Some(running) => drop(self.known.insert(incident, running)),
                None => drop(self.known.remove(&incident)),
            }
        }
        Ok(())
    }
}

/// An alert's event as JSON, and the times beside it.
type Row = (String, i64, Option<i64>, Option<i64>);
/// The time of an end, and the times of the last renewal and of the last end by silence.
type Times = (i64, Option<i64>, Option<i64>);

fn write(
    transaction: &rusqlite::Transaction<'_>,
    rows: &[(String, Option<Row>)],
) -> rusqlite::Result<()> {
    let mut put = transaction.prepare_cached(
        "INSERT OR REPLACE INTO ingest_alert (incident, event, ends_at_ms, renewed_ms, ended_ms)
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let mut remove = transaction.prepare_cached("DELETE FROM ingest_alert WHERE incident = ?1")?;
    for (incident, row) in rows {
        match row {
            Some((event, ends_at_ms, renewed_ms, ended_ms)) => {
                put.execute((incident, event, ends_at_ms, renewed_ms, ended_ms))?
            }
            None => remove.execute([incident])?,
        };
    }
    Ok(())
}

fn read_all(
    transaction: &rusqlite::Transaction<'_>,
) -> rusqlite::Result<Vec<(String, String, Times)>> {
    let mut found = transaction.prepare_cached(
        "SELECT incident, event, ends_at_ms, renewed_ms, ended_ms FROM ingest_alert",
    )?;
    let rows = found.query_map([], |row| {
        let times = (row.get(2)?, row.get(3)?, row.get(4)?);
        Ok((row.get(0)?, row.get(1)?, times))
    })?;
    rows.collect()
}
