//! A hundred thousand hosts with twenty metrics each: memory, restart, and how
//! soon it is noticed that one of them is silent.

use std::{
    error::Error,
    fmt::Write as _,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    thread,
    time::{Duration, Instant, SystemTime},
};

use annunciator::{Engine, EngineBuilder};
use annunciator_monitor::{
    Location, Monitor, Running,
    machine::{HostSettings, HostState, LinkState, Machine, Moment, Settings, Tick},
    start,
};
use annunciator_protocol::{Datagram, Event, Family};
use annunciator_testkit::rig::Rig;
use tokio::runtime;

use super::{
    Rows,
    child::{Running as Child, report_line},
    idle::resident,
    sample::{Sample, alternate, nanoseconds_each},
    table::Row,
};

const HOSTS: usize = 100_000;
const METRICS: usize = 20;
const RUNS: usize = 3;
const MAX_MEMORY: f64 = 300.0;
const MAX_RESTART: f64 = 3000.0;
const MAX_DELAY: f64 = 1000.0;
/// The host that falls silent.
const SILENT: &str = "host-000777";
/// Its interval and grace, as the configuration has them.
const WINDOW: Duration = Duration::from_secs(3);
const BATCH: usize = 64;

pub(crate) fn rows() -> Rows {
    let (mut memory, mut restart, mut after, mut delay) = (vec![], vec![], vec![], vec![]);
    for _ in 0..RUNS {
        let rig = Rig::new(&["fixture-steady"])?;
        let _ = rig.configured(&yaml()?)?;
        let file = rig.file().display().to_string();
        let plugins = rig.plugins().display().to_string();
        let state = rig.folder().join("state.sqlite").display().to_string();
        let words = [file.as_str(), plugins.as_str(), state.as_str()];
        let mut child = Child::start("fill", &words)?;
        memory.push(child.line()?.parse()?);
        delay.push(child.line()?.parse()?);
        drop(child);
        let mut child = Child::start("restart", &words)?;
        restart.push(child.line()?.parse()?);
        after.push(child.line()?.parse()?);
    }
    let [memory, restart, after, delay] = [memory, restart, after, delay].map(Sample::new);
    let steps = alternate(9, || step(HOSTS), || step(HOSTS / 100))?;
    Ok(vec![
        Row::with_target(
            "the monitor with 100,000 hosts of 20 metrics each: resident memory",
            "under 300 MB",
            memory.median() < MAX_MEMORY,
        )
        .measured(format!("{memory:.0} MB")),
        Row::with_target(
            "its restart: configuration and state read, first judgement made",
            "under 3000 ms",
            restart.median() < MAX_RESTART,
        )
        .measured(format!("{restart:.0} ms"))
        .compared(format!("memory afterwards: {after:.0} MB")),
        Row::with_target(
            "there, while all others send: from a host's deadline to its being overdue",
            "under 1000 ms",
            delay.median() < MAX_DELAY,
        )
        .measured(format!("{delay:.0} ms")),
        Row::for_scale("a step of time in which nobody is due, 100,000 hosts")
            .measured(format!("{:.0} ns", steps.ours))
            .compared(format!("1,000 hosts: {:.0} ns", steps.theirs))
            .ratio(steps.ratio.to_string()),
    ])
}

fn name(host: usize) -> String {
    format!("host-{host:06}")
}

fn yaml() -> Result<String, std::fmt::Error> {
    let mut yaml = "notification_channels: {a: {type: steady}}
default_notification_channels: [a]
monitor: {listen: ['127.0.0.1:0'], interval: 1h, grace: 1h}
threshold_configs:
  high: {monitor_0.metric_00: {warning: '> 80', critical: '> 90'}, monitor_1.*: {warning: '> 85'}}
hosts:
"
    .to_owned();
    for host in 0..HOSTS {
        let name = name(host);
        if name == SILENT {
            writeln!(yaml, "  {name}: {{watch: true, interval: 2s, grace: 1s}}")?;
        } else {
            writeln!(yaml, "  {name}: {{watch: true, threshold_config: high}}")?;
        }
    }
    Ok(yaml)
}

fn datagram(host: usize, counter: u64) -> Result<Datagram, Box<dyn Error>> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    // Every hundredth host has something above its threshold.
    let value = if host.is_multiple_of(100) { 95.0 } else { 40.0 };
    Ok(Datagram {
        host: name(host).into(),
        boot: "8c1f0bd2-6f3c-4f43-9f43-6f6a4e4c1b11".into(),
        counter,
        sent_at_ms: i64::try_from(now.as_millis())?,
        event: Event::Heartbeat,
        interval: None,
        metrics: (0..METRICS)
            .map(|i| (format!("monitor_{}.metric_{i:02}", i % 4).into(), value))
            .collect(),
        signed: false,
    })
}

fn builder(file: &str, plugins: &str) -> EngineBuilder {
    annunciator_monitor::declare(Engine::builder(Path::new(file))).plugin_dir(plugins)
}

fn running(
    runtime: &runtime::Runtime,
    file: &str,
    plugins: &str,
    state: &str,
) -> Result<Running, Box<dyn Error>> {
    let engine = runtime.block_on(builder(file, plugins).start())?;
    let monitor = annunciator_monitor::MonitorConfig::of(&engine.config());
    let state = Location::parse(state);
    Ok(runtime.block_on(start(engine, monitor, &state, || {}))?)
}

/// Every host is heard once.
fn all_are_heard(core: &Monitor, counter: u64) -> Result<(), Box<dyn Error>> {
    let from = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
    for first in (0..HOSTS).step_by(BATCH) {
        let batch: Result<Vec<_>, Box<dyn Error>> = (first..HOSTS.min(first + BATCH))
            .map(|host| Ok((Family::V4, datagram(host, counter)?, from)))
            .collect();
        core.take(batch?.into_iter());
    }
    Ok(())
}

/// As a child: fills a monitor and tells its memory, then how long it takes to
/// notice a silent host while the others go on sending.
pub(crate) fn fill(words: &[String]) -> Result<(), Box<dyn Error>> {
    let [file, plugins, state] = words else {
        return Err("a file, a folder and a state file are needed".into());
    };
    let runtime = runtime::Builder::new_multi_thread().enable_all().build()?;
    let _inside = runtime.enter();
    let running = running(&runtime, file, plugins, state)?;
    let core = running.monitor();
    all_are_heard(core, 1)?;
    let heard = core.look(|machine, now| {
        let view = machine.view(SILENT, now)?;
        Some(view.connections.first()?.last_heard_ms)
    });
    let heard = heard.ok_or("the host was not heard")?;
    let noticed = thread::scope(|scope| {
        let others = scope.spawn(|| {
            let mut counter = 2;
            loop {
                let state =
                    core.look(|machine, now| machine.view(SILENT, now).map(|view| view.state));
                if state == Some(HostState::Known(LinkState::Overdue)) {
                    return;
                }
                let from = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
                for host in (0..HOSTS).filter(|host| name(*host) != SILENT).take(1000) {
                    if let Ok(datagram) = datagram(host, counter) {
                        core.take(std::iter::once((Family::V4, datagram, from)));
                    }
                }
                counter += 1;
            }
        });
        others.join().map_err(|_| "a thread broke")?;
        core.look(|machine, now| {
            let view = machine.view(SILENT, now)?;
            Some(view.connections.first()?.since_ms)
        })
        .ok_or("the host is unknown")
    })?;
    // All that is written about it is written.
    thread::sleep(Duration::from_secs(3));
    report_line(&resident()?);
    let window = i64::try_from(WINDOW.as_millis())?;
    report_line(&(noticed - heard - window).to_string());
    runtime.block_on(running.stop());
    Ok(())
}

/// As a child: starts a monitor that goes on from what was written, and tells
/// how long it took, and its memory.
pub(crate) fn restart(words: &[String]) -> Result<(), Box<dyn Error>> {
    let [file, plugins, state] = words else {
        return Err("a file, a folder and a state file are needed".into());
    };
    let began = Instant::now();
    let runtime = runtime::Builder::new_multi_thread().enable_all().build()?;
    let _inside = runtime.enter();
    let running = running(&runtime, file, plugins, state)?;
    let took = began.elapsed();
    let overview = runtime.block_on(running.monitor().overview());
    let known = overview
        .hosts
        .iter()
        .filter(|host| host.state != HostState::New);
    if known.count() < HOSTS {
        return Err("not every host was restored".into());
    }
    drop(overview);
    report_line(&took.as_millis().to_string());
    report_line(&resident()?);
    runtime.block_on(running.stop());
    Ok(())
}

/// Nanoseconds of a step in which nobody is due.
fn step(hosts: usize) -> Result<f64, Box<dyn Error>> {
    const STEPS: u32 = 10_000;
    let watched = HostSettings {
        watch: true,
        ..HostSettings::default()
    };
    let mut now = Moment {
        tick: Tick(1),
        wall_ms: 1_790_000_000_000,
    };
    let settings = Settings {
        max_skew: None,
        ..Settings::default()
    };
    let names = (0..hosts).map(|host| (name(host).into(), watched));
    let mut machine = Machine::new(settings, names, now);
    for host in 0..hosts {
        machine
            .observe(now, Family::V4, &datagram(host, 1)?)
            .map_err(|reason| format!("refused: {reason}"))?;
    }
    let _ = machine.take_step();
    let began = Instant::now();
    for _ in 0..STEPS {
        now.tick = now.tick + Duration::from_millis(1);
        now.wall_ms += 1;
        machine.advance(now);
    }
    Ok(nanoseconds_each(STEPS, began.elapsed()))
}
