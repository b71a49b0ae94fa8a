//! How many notifications are accepted durably in a second, compared with the
//! least that SQLite can do for the same bytes.

use std::{error::Error, sync::Arc, time::Instant};

use annunciator::store::{SqliteStore, Store as _, StoreError};
use rusqlite::{Connection, params};
use tokio::runtime::Runtime;

use super::{Rows, content, folder, intake};
use crate::{
    sample::{alternate, per_second},
    table::Row,
};

const RUNS: usize = 11;
const CALLERS: u64 = 64;
/// Submissions of a caller in a run.
const EACH: u64 = 250;
const LEAST: f64 = 0.5;

pub(super) fn rows() -> Rows {
    let runtime = Runtime::new()?;
    let pair = alternate(RUNS, || ours(&runtime, Keys::InNoOrder), bare)?;
    let grow = alternate(RUNS, || ours(&runtime, Keys::ThatGrow), bare)?;
    Ok(vec![
        Row::with_target(
            "notifications accepted durably, 64 callers, one channel each, 500 bytes",
            "at least 0.5",
            pair.ratio.median() >= LEAST,
        )
        .measured(format!("{:.0} a second", pair.ours))
        .compared(format!(
            "a bare SQLite loop, 64 rows in a transaction, one table, no index: {:.0} a second",
            pair.theirs
        ))
        .ratio(pair.ratio.to_string()),
        Row::for_scale("the same with keys that grow, as UUIDs of version 7 do")
            .measured(format!("{:.0} a second", grow.ours))
            .compared(format!("the same loop: {:.0} a second", grow.theirs))
            .ratio(grow.ratio.to_string()),
    ])
}

/// What the keys of notifications are like.
#[derive(Clone, Copy)]
enum Keys {
    InNoOrder,
    ThatGrow,
}

/// Callers that each wait for an answer before they submit the next.
fn ours(runtime: &Runtime, keys: Keys) -> Result<f64, Box<dyn Error>> {
    let folder = folder()?;
    let store = Arc::new(SqliteStore::open(folder.path().join("store"))?);
    let content = content();
    runtime.block_on(async {
        let began = Instant::now();
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let (store, content) = (Arc::clone(&store), Arc::clone(&content));
                tokio::spawn(async move {
                    for turn in 0..EACH {
                        let mut intake = intake(turn * CALLERS + caller, &content);
                        if let Keys::ThatGrow = keys {
                            intake.key = Some(intake.notification.clone());
                        }
                        store.accept(intake).await?;
                    }
                    Ok::<_, StoreError>(())
                })
            })
            .collect();
        for caller in callers {
            caller.await??;
        }
        Ok(per_second(u32::try_from(CALLERS * EACH)?, began.elapsed()))
    })
}

/// The same bytes, by one thread that does nothing else.
fn bare() -> Result<f64, Box<dyn Error>> {
    let folder = folder()?;
    let mut database = Connection::open(folder.path().join("bare"))?;
    database.pragma_update(None, "journal_mode", "WAL")?;
    database.pragma_update(None, "synchronous", "FULL")?;
    database.pragma_update(None, "cache_size", -16 * 1024)?;
    database.pragma_update(None, "wal_autocheckpoint", 4000)?;
    database.execute_batch(
        "CREATE TABLE taken (id INTEGER PRIMARY KEY, name TEXT, key TEXT, host TEXT,
            severity INTEGER, accepted_ms INTEGER, channel TEXT, content TEXT)",
    )?;
    let content = content();
    let began = Instant::now();
    for transaction in 0..EACH {
        let group = database.transaction()?;
        {
            let mut insert = group.prepare_cached(
                "INSERT INTO taken (name, key, host, severity, accepted_ms, channel, content)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?;
            for caller in 0..CALLERS {
                let it = intake(transaction * CALLERS + caller, &content);
                let channel = it.intents.first().map(|intent| &*intent.channel);
                insert.execute(params![
                    it.notification,
                    it.key,
                    it.host,
                    1,
                    it.accepted_ms,
                    channel,
                    &*it.content
                ])?;
            }
        }
        group.commit()?;
    }
    Ok(per_second(u32::try_from(CALLERS * EACH)?, began.elapsed()))
}
