//! What it costs to have plugins: loading one, one that runs apart, their sizes, and
//! examining one.

use std::{
    error::Error,
    fs, io,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use annunciator::{Engine, Isolation, standalone::Standalone, worker::WorkerProgram};
use annunciator_testkit::{
    artefacts::{executable, plugin},
    rig::Rig,
};
use tokio::runtime::Runtime;

use super::{
    Rows,
    sample::{Sample, alternate, nanoseconds_each, repeat},
    table::Row,
};

const LOADS: usize = 51;
const MAX_LOAD_MS: f64 = 3.0;
const RUNS: usize = 11;
/// Deliveries of a run, one after the other.
const DELIVERIES: u32 = 500;
const MAX_ADDED_US: f64 = 200.0;
const MAX_BYTES: u64 = 1_000_000;
const EXAMINATIONS: usize = 3;
const MAX_SECONDS: f64 = 60.0;

/// A plugin without a runtime of its own.
const THIN: &str = "annunciator-mattermost";

pub(crate) fn rows() -> Rows {
    let mut rows = vec![load()?, apart()?];
    rows.extend(sizes()?);
    rows.push(examination()?);
    Ok(rows)
}

fn milliseconds(took: Duration) -> f64 {
    took.as_secs_f64() * 1e3
}

fn load() -> Result<Row, Box<dyn Error>> {
    let path = plugin(THIN)?;
    let size = fs::metadata(&path)?.len() as f64 / 1e6;
    let took = repeat(LOADS, || {
        let began = Instant::now();
        Standalone::load(&path, None).map(|_| milliseconds(began.elapsed()))
    })?;
    let row = Row::with_target(
        "a plugin loaded: read, hashed, its note judged, copied to sealed memory, opened, its layout checked, its channel types described",
        "under 3 ms",
        took.median() < MAX_LOAD_MS,
    );
    Ok(row
        .measured(format!("{took:.1} ms"))
        .compared(format!("a file of {size:.1} MB")))
}

/// Microseconds for each of many notifications, one after the other.
fn notified(runtime: &Runtime, engine: &Engine) -> Result<f64, Box<dyn Error>> {
    let began = Instant::now();
    for _ in 0..DELIVERIES {
        let report = runtime.block_on(engine.notify_default("hello"))?;
        if !report.all_delivered() {
            return Err("it was not delivered".into());
        }
    }
    Ok(nanoseconds_each(DELIVERIES, began.elapsed()) / 1e3)
}

fn apart() -> Result<Row, Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let rig = Rig::new(&["fixture-steady"])?;
    let yaml = "notification_channels: {a: {type: steady}}\n\
                default_notification_channels: [a]\ndelivery: {store: none}\n";
    let builder = rig.configured(yaml)?;
    let here = runtime.block_on(builder.clone().default_isolation(Isolation::None).start())?;
    let builder = builder.worker(WorkerProgram::this());
    let apart = runtime.block_on(builder.default_isolation(Isolation::Process).start())?;
    let pair = alternate(
        RUNS,
        || notified(&runtime, &apart),
        || notified(&runtime, &here),
    )?;
    let added = Sample::new(vec![pair.ours.median() - pair.theirs.median()]).median();
    let row = Row::with_target(
        "a whole `notify_default` to a channel in a process of its own, one after the other",
        "200 µs more at most",
        added < MAX_ADDED_US,
    );
    Ok(row
        .measured(format!("{:.1} µs", pair.ours))
        .compared(format!("in the program: {:.1} µs", pair.theirs))
        .ratio(format!("{added:+.0} µs")))
}

/// The bytes of a library without its symbols; `None` without the tool for that.
fn stripped(library: &Path) -> io::Result<Option<u64>> {
    let folder = tempfile::tempdir()?;
    let to = folder.path().join("stripped.so");
    let strip = Command::new("strip")
        .arg("-o")
        .arg(&to)
        .arg(library)
        .status();
    match strip {
        Ok(status) if status.success() => Ok(Some(fs::metadata(&to)?.len())),
        _ => Ok(None),
    }
}

/// A plugin as `hbd plugins new` writes it, and one that is shipped.
fn sizes() -> Result<Vec<Row>, Box<dyn Error>> {
    let what = "a new plugin, as `hbd plugins new` writes it, stripped";
    let folder = tempfile::tempdir()?;
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/sdk");
    let new = Command::new(executable("hbd")?)
        .args(["plugins", "new", "thin", "--sdk"])
        .arg(sdk)
        .current_dir(folder.path())
        .status()?;
    let project = folder.path().join("thin");
    let built = Command::new("cargo")
        .args(["build", "--release", "--quiet", "--target-dir", "target"])
        .current_dir(&project)
        .status()?;
    if !new.success() || !built.success() {
        return Err("the new plugin could not be built".into());
    }
    let thin = stripped(&project.join("target/release/libthin.so"))?;
    let shipped = stripped(&plugin(THIN)?)?;
    let (Some(thin), Some(shipped)) = (thin, shipped) else {
        return Ok(vec![Row::skipped(what, "there is no `strip`")]);
    };
    let megabytes = |bytes: u64| format!("{:.2} MB", bytes as f64 / 1e6);
    Ok(vec![
        Row::with_target(what, "under 1 MB", thin < MAX_BYTES).measured(megabytes(thin)),
        Row::for_scale("the Mattermost plugin, stripped").measured(megabytes(shipped)),
    ])
}

fn examination() -> Result<Row, Box<dyn Error>> {
    let (hbd, path) = (executable("hbd")?, plugin(THIN)?);
    let took = repeat(EXAMINATIONS, || {
        let began = Instant::now();
        let output = Command::new(&hbd)
            .args(["plugins", "validate", "--level", "compatible"])
            .arg(&path)
            .env_clear()
            .output()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            Ok(began.elapsed().as_secs_f64())
        } else {
            Err(io::Error::other(said))
        }
    })?;
    let row = Row::with_target(
        "`hbd plugins validate --level compatible` on it, the whole process",
        "under 60 s",
        took.median() < MAX_SECONDS,
    );
    Ok(row.measured(format!("{took:.1} s")))
}
