//! A store with a long history: looking for work must not take longer.

use std::{env, error::Error, time::Instant};

use annunciator::store::{
    Begin, Claim, Intake, Intent, Next, Settlement, SqliteStore, State, Store as _,
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::{CHANNEL, NOW, Rows, content, fill, folder, intake, ten};
use crate::{sample::alternate, table::Row};

const RUNS: usize = 200;
const SHORT: u64 = 10_000;
const LONG: u64 = 1_000_000;
/// Another number in place of the million, for those who have the time.
const LONG_VARIABLE: &str = "STORE_HISTORY";
/// Deliveries of one notification.
const CHANNELS: u64 = 10;
const MAX_RATIO: f64 = 1.5;

pub(super) fn rows() -> Rows {
    let long = match env::var(LONG_VARIABLE) {
        Ok(rows) => rows.parse()?,
        Err(_) => LONG,
    };
    let mut short_one = Aged::new(SHORT)?;
    let mut long_one = Aged::new(long)?;
    let pair = alternate(RUNS, || long_one.claim(), || short_one.claim())?;
    Ok(vec![
        Row::with_target(
            &format!("ten deliveries claimed, {long} rows of history"),
            "at most 1.5",
            pair.ratio.median() <= MAX_RATIO,
        )
        .measured(format!("{:.0} µs", pair.ours))
        .compared(format!("{SHORT} rows of history: {:.0} µs", pair.theirs))
        .ratio(pair.ratio.to_string()),
    ])
}

/// A store that has held much.
struct Aged {
    store: SqliteStore,
    runtime: Runtime,
    number: u64,
    _folder: TempDir,
}

impl Aged {
    fn new(rows: u64) -> Result<Self, Box<dyn Error>> {
        let folder = folder()?;
        let store = SqliteStore::open(folder.path().join("store"))?;
        let content = content();
        let ended = |number| Intake {
            intents: (0..CHANNELS).map(suppressed).collect(),
            ..intake(number, &content)
        };
        let runtime = Runtime::new()?;
        runtime.block_on(fill(&store, (0..rows / CHANNELS).map(ended)))?;
        Ok(Self {
            store,
            runtime,
            number: rows,
            _folder: folder,
        })
    }

    /// Microseconds that it takes to claim ten.
    fn claim(&mut self) -> Result<f64, Box<dyn Error>> {
        let first = self.number;
        self.number += 10;
        let content = content();
        let intakes = (first..self.number).map(|number| intake(number, &content));
        self.runtime.block_on(async {
            fill(&self.store, intakes).await?;
            let began = Instant::now();
            let claims = self.store.claim(ten()).await?;
            let took = began.elapsed();
            if claims.len() < 10 {
                return Err("there was too little to claim".into());
            }
            for settled in claims
                .iter()
                .map(|claim| self.store.settle(delivered(claim)))
            {
                settled.await?;
            }
            Ok(took.as_secs_f64() * 1e6)
        })
    }
}

fn suppressed(channel: u64) -> Intent {
    let channel = match channel {
        0 => CHANNEL.to_owned(),
        other => other.to_string(),
    };
    Intent {
        channel: channel.into(),
        expires_ms: None,
        step: None,
        dedup: None,
        begin: Begin::Suppressed {
            rule: "quiet hours".to_owned(),
            digest: None,
        },
    }
}

fn delivered(claim: &Claim) -> Settlement {
    Settlement {
        delivery: claim.delivery,
        fence: claim.fence,
        now_ms: NOW,
        attempt: None,
        proof: None,
        is_uncounted: false,
        may_have_arrived: false,
        next: Next::End {
            state: State::Delivered,
            why: String::new(),
            targets: Vec::new(),
        },
    }
}
