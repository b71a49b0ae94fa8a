//! A store in which very much waits: how long it takes until the first of it
//! can be sent, and how much memory.

use std::{error::Error, path::Path, time::Instant};

use annunciator::store::{SqliteStore, Store as _};
use tokio::runtime::Runtime;

use super::{Rows, content, fill, folder, intake, ten};
use crate::{
    child::{Running, report_line},
    idle::resident,
    sample::Sample,
    table::Row,
};

const RUNS: usize = 5;
const PENDING: u64 = 1_000_000;
const MAX_MS: f64 = 5_000.0;
const MAX_MEMORY: f64 = 200.0;

pub(super) fn rows() -> Rows {
    let folder = folder()?;
    let file = folder.path().join("store");
    make(&file)?;
    let (mut took, mut memory) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let mut child = Running::start("backlog", &[&file.display().to_string()])?;
        took.push(child.line()?.parse()?);
        memory.push(child.line()?.parse()?);
    }
    let (took, memory) = (Sample::new(took), Sample::new(memory));
    Ok(vec![
        Row::with_target(
            "1,000,000 pending deliveries of one channel: from opening the store to the first ten claimed",
            "under 5000 ms",
            took.median() < MAX_MS,
        )
        .measured(format!("{took:.1} ms")),
        Row::with_target(
            "resident memory of that process",
            "under 200 MB",
            memory.median() < MAX_MEMORY,
        )
        .measured(format!("{memory:.1} MB")),
    ])
}

fn make(file: &Path) -> Result<(), Box<dyn Error>> {
    let store = SqliteStore::open(file)?;
    let content = content();
    let intakes = (0..PENDING).map(|number| intake(number, &content));
    Runtime::new()?.block_on(fill(&store, intakes))?;
    Ok(())
}

/// As a child: opens the store and claims ten; tells how many milliseconds
/// that took, and its memory.
pub(crate) fn open(words: &[String]) -> Result<(), Box<dyn Error>> {
    let [file] = words else {
        return Err("a file is needed".into());
    };
    let runtime = Runtime::new()?;
    let began = Instant::now();
    let store = SqliteStore::open(file)?;
    let claims = runtime.block_on(store.claim(ten()))?;
    let took = began.elapsed();
    if claims.len() < 10 {
        return Err("there was nothing to claim".into());
    }
    report_line(&(took.as_secs_f64() * 1e3).to_string());
    report_line(&resident()?);
    Ok(())
}
