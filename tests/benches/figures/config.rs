//! How long `hbd check` takes and how much memory, and how long a host's
//! channels take to look up.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    hint::black_box,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use annunciator_testkit::{artefacts, rig::Rig};
use nix::sys::resource::{UsageWho, getrusage};

use super::{
    Rows,
    child::{Running, report_line},
    sample::{nanoseconds_each, repeat},
    table::Row,
};

const PLUGINS: [&str; 4] = [
    "annunciator-email",
    "annunciator-mattermost",
    "annunciator-pushover",
    "annunciator-signal",
];
const HOSTS: u32 = 100_000;
const CHANNELS: u32 = 1_000;
const LOOKUPS: u32 = 1_000_000;
/// A step through the hosts that visits them in no order that a cache likes.
const STRIDE: u32 = 61_803;

const MAX_SMALL: f64 = 50.0;
const MAX_LARGE: f64 = 2_000.0;
const MAX_MEMORY: f64 = 150.0;
const MAX_LOOKUP: f64 = 200.0;

pub(crate) fn rows() -> Rows {
    let hbd = artefacts::executable("hbd")?;
    let rig = Rig::new(&PLUGINS)?;
    let small = example();
    let small = repeat(31, || {
        check(&hbd, &small, rig.plugins()).map(|(took, _)| took)
    })?;
    let builder = rig.configured(&large()?)?;
    let mut memory = Vec::new();
    let large = repeat(7, || {
        let (took, peak) = check(&hbd, &rig.file(), rig.plugins())?;
        memory.push(peak);
        Ok::<_, Box<dyn Error>>(took)
    })?;
    let memory = super::sample::Sample::new(memory);
    let bytes = fs::metadata(rig.file())?.len();
    let config = builder.load()?.config;
    // In memory in the order of their use: the caller has the name at hand.
    let names: Vec<String> = (0..HOSTS)
        .scan(0, |at, _| {
            *at = (*at + STRIDE) % HOSTS;
            Some(host(*at))
        })
        .collect();
    let lookup = repeat(15, || {
        let start = Instant::now();
        for name in names.iter().cycle().take(LOOKUPS as usize) {
            black_box(config.channel_configs_for_host(black_box(name)));
        }
        Ok::<_, Box<dyn Error>>(nanoseconds_each(LOOKUPS, start.elapsed()))
    })?;
    let warm = repeat(15, || {
        let start = Instant::now();
        for name in names.iter().take(100).cycle().take(LOOKUPS as usize) {
            black_box(config.channel_configs_for_host(black_box(name)));
        }
        Ok::<_, Box<dyn Error>>(nanoseconds_each(LOOKUPS, start.elapsed()))
    })?;
    let row = |what: &str, target: &str, met| Row::with_target(what, target, met);
    Ok(vec![
        row(
            "`hbd check` on config/complete.yaml, the whole process",
            "under 50 ms",
            small.median() < MAX_SMALL,
        )
        .measured(format!("{small:.1} ms")),
        row(
            "`hbd check` on 100,000 hosts and 1,000 channels, the whole process",
            "under 2000 ms",
            large.median() < MAX_LARGE,
        )
        .measured(format!("{large:.0} ms"))
        .compared(format!("a file of {:.1} MB", bytes as f64 / 1e6)),
        row(
            "its largest resident memory",
            "under 150 MB",
            memory.median() < MAX_MEMORY,
        )
        .measured(format!("{memory:.0} MB")),
        row(
            "a lookup there: a host's channels, all hosts in no order",
            "under 200 ns",
            lookup.median() < MAX_LOOKUP,
        )
        .measured(format!("{lookup:.0} ns")),
        Row::for_scale("the same for a hundred hosts over and over")
            .measured(format!("{warm:.0} ns")),
    ])
}

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/complete.yaml")
}

/// Milliseconds and megabytes of one `hbd check`.
fn check(hbd: &Path, file: &Path, plugins: &Path) -> Result<(f64, f64), Box<dyn Error>> {
    let text = |path: &Path| path.display().to_string();
    let (hbd, file, plugins) = (text(hbd), text(file), text(plugins));
    let answer = Running::start("peak", &[&hbd, &file, &plugins])?.line()?;
    let (took, peak) = answer.split_once(' ').ok_or("no numbers")?;
    Ok((took.parse()?, peak.parse()?))
}

/// As a child: runs `hbd check` and tells its time and largest memory. Not in
/// the benchmark's process, whose own memory the system would count too.
pub(crate) fn peak(words: &[String]) -> Result<(), Box<dyn Error>> {
    let [hbd, file, plugins] = words else {
        return Err("a program, a file and a folder are needed".into());
    };
    let start = Instant::now();
    let status = Command::new(hbd)
        .args(["check", "--config", file, "--plugin-dir", plugins])
        .env_clear()
        .env("PATH", env::var_os("PATH").unwrap_or_default())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    let took = start.elapsed().as_secs_f64() * 1_000.0;
    if !status.success() {
        return Err("hbd check refuses the configuration".into());
    }
    let kilobytes = getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss();
    report_line(&format!("{took} {}", kilobytes as f64 * 1_024.0 / 1e6));
    Ok(())
}

fn host(number: u32) -> String {
    format!("host-{number:06}.example.com")
}

fn channel(number: u32) -> String {
    format!("channel_{number:04}")
}

/// A file of many hosts and channels.
fn large() -> Result<String, std::fmt::Error> {
    let mut text = "notification_channels:\n".to_owned();
    for number in 0..CHANNELS {
        let name = channel(number);
        match number % 4 {
            0 => writeln!(
                text,
                "  {name}:\n    type: email\n    recipients: [ops{number}@example.com, alerts@example.com]\n    \
                 sender: heartbeat@example.com\n    smtp_server: smtp.example.com\n    smtp_port: 587\n    \
                 smtp_user: heartbeat@example.com\n    smtp_password: app-password-here"
            )?,
            1 => writeln!(
                text,
                "  {name}:\n    type: pushover\n    token: azGDORePK8gMaC0QOYAMyEEuzJnyUi\n    \
                 user: uQiRzpo4DXghDmr9QzzfQu27cmVRsG"
            )?,
            2 => writeln!(
                text,
                "  {name}:\n    type: signal\n    cli_path: /usr/local/bin/signal-cli\n    \
                 user: +12025551234\n    recipient: +1202555{number:04}"
            )?,
            _ => writeln!(
                text,
                "  {name}:\n    type: mattermost\n    host: mattermost.example.com\n    \
                 token: abcdefghijklmnopqrstuvwxyz\n    channel: team-{number}\n    username: heartbeat-bot"
            )?,
        }
    }
    writeln!(
        text,
        "\ndefault_notification_channels: [{}]\n\nhosts:",
        channel(0)
    )?;
    for number in 0..HOSTS {
        // Each list of channels is that of a hundred hosts.
        let (first, second) = (number % CHANNELS, (number + 1) % CHANNELS);
        let threshold = ["high_sensitivity", "low_sensitivity"][number as usize % 2];
        writeln!(
            text,
            "  {}:\n    threshold_config: {threshold}\n    watch: true\n    \
             notification_channels: [{}, {}]\n    dyndns: false",
            host(number),
            channel(first),
            channel(second)
        )?;
    }
    Ok(text)
}
