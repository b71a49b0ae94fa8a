//! Notifications to a web server by an engine that keeps its deliveries in a
//! file, against one that keeps none.

use std::sync::Arc;

use annunciator::store::SqliteStore;
use annunciator_testkit::rig::Rig;
use tokio::runtime;

use super::{Rows, channels, child::Running, http, sample::alternate, table::Row};

const RUNS: usize = 11;
/// As many callers wait at once as for the store alone.
const IN_FLIGHT: u32 = 64;
const REQUESTS: u32 = IN_FLIGHT * 100;
const LEAST_RATIO: f64 = 0.4;

pub(crate) fn rows() -> Rows {
    let runtime = runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut sink = Running::start("sink", &[])?;
    let definition = http::definition(&sink.line()?);
    let rig = Rig::new(&["annunciator-mattermost"])?;
    let store = Arc::new(SqliteStore::open(rig.folder().join("outbox.sqlite"))?);
    let nowhere = format!("{definition}\ndelivery: {{store: none}}\n");
    let builder = rig.configured(&nowhere)?;
    let kept = runtime.block_on(builder.clone().store(store).start())?;
    let plain = runtime.block_on(builder.start())?;
    let pair = alternate(
        RUNS,
        || channels::deliver(&runtime, &kept, REQUESTS, IN_FLIGHT),
        || channels::deliver(&runtime, &plain, REQUESTS, IN_FLIGHT),
    )?;
    let row = Row::with_target(
        "64 notifications in flight to a web server, every delivery kept in a file",
        "at least 0.4",
        pair.ratio.median() >= LEAST_RATIO,
    );
    Ok(vec![
        row.measured(format!("{:.0} a second", pair.ours))
            .compared(format!("kept nowhere: {:.0} a second", pair.theirs))
            .ratio(format!("{:.2}", pair.ratio)),
    ])
}
