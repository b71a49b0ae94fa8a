//! How much memory a program takes that embeds the engine with all four
//! plugins and does nothing, before and after a message on each channel.

use std::{error::Error, fs, io, time::Duration};

use annunciator::Engine;
use annunciator_testkit::{ensemble::Ensemble, rig::Rig};
use tokio::runtime;

use super::{
    Rows,
    child::{Running, report_line},
    sample::Sample,
    table::Row,
};

const PLUGINS: [&str; 4] = [
    "annunciator-email",
    "annunciator-mattermost",
    "annunciator-pushover",
    "annunciator-signal",
];
const RUNS: usize = 5;
const MAX_MEMORY: f64 = 20.0;
/// What was started has come to rest after this long.
const REST: Duration = Duration::from_secs(1);

pub(crate) fn rows() -> Rows {
    let runtime = runtime::Builder::new_multi_thread().enable_all().build()?;
    let (mut idle, mut used) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let remotes = runtime.block_on(Ensemble::start())?;
        let rig = Rig::new(&PLUGINS)?;
        let _ = rig.configured(&remotes.channels())?;
        let file = rig.file().display().to_string();
        let plugins = rig.plugins().display().to_string();
        let mut child = Running::start("idle", &[&file, &plugins])?;
        idle.push(child.line()?.parse()?);
        child.go_on()?;
        used.push(child.line()?.parse()?);
    }
    let (idle, used) = (Sample::new(idle), Sample::new(used));
    Ok(vec![
        Row::with_target(
            "a program that embeds the engine, idle, four channels of four types: resident memory",
            "under 20 MB",
            idle.median() < MAX_MEMORY,
        )
        .measured(format!("{idle:.1} MB")),
        Row::for_scale("the same after one message on each channel, connections kept")
            .measured(format!("{used:.1} MB")),
    ])
}

/// As a child: embeds an engine and tells its memory; sends a message on each
/// channel when it is told to go on, and tells its memory again.
pub(crate) fn embed(words: &[String]) -> Result<(), Box<dyn Error>> {
    let [file, plugins] = words else {
        return Err("a file and a folder are needed".into());
    };
    let runtime = runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let engine = Engine::builder(file).plugin_dir(plugins).start().await?;
        let config = engine.config();
        let names: Vec<&str> = config.channels().map(|one| one.name()).collect();
        tokio::time::sleep(REST).await;
        report_line(&resident()?);
        let mut line = String::new();
        io::stdin().read_line(&mut line)?;
        let report = engine.notify_channels(&names, "CPU at 95 %").await?;
        if !report.all_delivered() {
            return Err(format!("not delivered: {:?}", report.results()).into());
        }
        tokio::time::sleep(REST).await;
        report_line(&resident()?);
        Ok(())
    })
}

/// This process's resident memory in megabytes, what it shares included.
pub(crate) fn resident() -> Result<String, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
    let kilobytes: f64 = kilobytes.ok_or("no VmRSS")?.parse()?;
    Ok((kilobytes * 1_024.0 / 1e6).to_string())
}
