//! How many notifications are accepted durably in a second, compared with the
//! least that SQLite can do for the same bytes.

use std::{error::Error, sync::Arc, thread, time::Instant};

use annunciator::store::{Intake, SqliteStore, Store as _, StoreError};
use rusqlite::{Connection, params};
use tempfile::TempDir;
use tokio::{
    runtime::Runtime,
    sync::{mpsc, oneshot},
};

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
    let in_no_order = || ours(&runtime, Keys::InNoOrder);
    let served = alternate(RUNS, in_no_order, || serving(&runtime))?;
    let pair = alternate(RUNS, in_no_order, bare)?;
    let grow = alternate(RUNS, || ours(&runtime, Keys::ThatGrow), bare)?;
    Ok(vec![
        Row::with_target(
            "notifications accepted durably, 64 callers, one channel each, 500 bytes",
            "at least 0.5",
            served.ratio.median() >= LEAST,
        )
        .measured(format!("{:.0} a second", served.ours))
        .compared(format!(
            "a bare SQLite loop that commits what 64 callers hand it and answers each, one table, unique keys: {:.0} a second",
            served.theirs
        ))
        .ratio(served.ratio.to_string()),
        Row::for_scale("the same, for scale")
            .measured(format!("{:.0} a second", pair.ours))
            .compared(format!(
                "one thread that appends, 64 rows in a transaction, one table, no keys, no callers: {:.0} a second",
                pair.theirs
            ))
            .ratio(pair.ratio.to_string()),
        Row::for_scale("the same with keys that grow, as UUIDs of version 7 do")
            .measured(format!("{:.0} a second", grow.ours))
            .compared(format!("that thread: {:.0} a second", grow.theirs))
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
    let mut database = database(&folder, "")?;
    let content = content();
    let began = Instant::now();
    for transaction in 0..EACH {
        let callers = 0..CALLERS;
        let group = callers.map(|caller| intake(transaction * CALLERS + caller, &content));
        write(&mut database, group)?;
    }
    Ok(per_second(u32::try_from(CALLERS * EACH)?, began.elapsed()))
}

/// The same by a thread that takes what callers hand it, as much as there is in
/// one transaction, and answers each; no key is taken twice.
fn serving(runtime: &Runtime) -> Result<f64, Box<dyn Error>> {
    let folder = folder()?;
    let mut database = database(&folder, "UNIQUE")?;
    let content = content();
    let (sender, mut taken) = mpsc::channel::<(Intake, oneshot::Sender<()>)>(1024);
    let writer = thread::spawn(move || -> rusqlite::Result<()> {
        let mut some = Vec::new();
        while taken.blocking_recv_many(&mut some, 512) > 0 {
            let (intakes, answers): (Vec<_>, Vec<_>) = some.drain(..).unzip();
            write(&mut database, intakes.into_iter())?;
            // A caller that is gone needs no answer.
            for answer in answers {
                let _ = answer.send(());
            }
        }
        Ok(())
    });
    let began = Instant::now();
    runtime.block_on(async {
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let (sender, content) = (sender.clone(), Arc::clone(&content));
                tokio::spawn(async move {
                    for turn in 0..EACH {
                        let (answer, answered) = oneshot::channel();
                        let intake = intake(turn * CALLERS + caller, &content);
                        // Where the writer has failed, it says why itself.
                        let _ = sender.send((intake, answer)).await;
                        let _ = answered.await;
                    }
                })
            })
            .collect();
        for caller in callers {
            caller.await?;
        }
        Ok::<_, Box<dyn Error>>(())
    })?;
    let took = began.elapsed();
    drop(sender);
    writer.join().map_err(|_| "the writer has panicked")??;
    Ok(per_second(u32::try_from(CALLERS * EACH)?, took))
}

/// With the settings of the store, and one table whose keys are `keys`.
fn database(folder: &TempDir, keys: &str) -> rusqlite::Result<Connection> {
    let database = Connection::open(folder.path().join("bare"))?;
    database.pragma_update(None, "journal_mode", "WAL")?;
    database.pragma_update(None, "synchronous", "FULL")?;
    database.pragma_update(None, "cache_size", -16 * 1024)?;
    database.pragma_update(None, "wal_autocheckpoint", 4000)?;
    database.execute_batch(&format!(
        "CREATE TABLE taken (id INTEGER PRIMARY KEY, name TEXT, key TEXT {keys}, host TEXT,
            severity INTEGER, accepted_ms INTEGER, channel TEXT, content TEXT)",
    ))?;
    Ok(database)
}

/// One transaction.
fn write(database: &mut Connection, intakes: impl Iterator<Item = Intake>) -> rusqlite::Result<()> {
    let group = database.transaction()?;
    {
        let mut insert = group.prepare_cached(
            "INSERT INTO taken (name, key, host, severity, accepted_ms, channel, content)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        for it in intakes {
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
    group.commit()
}
