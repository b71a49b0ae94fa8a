//! The demo: four stand-ins on loopback, the real `hbd`, the real plugins, and
//! what arrived where.

use std::{
    error::Error,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, ExitStatus},
};

use annunciator_testkit::{
    artefacts::{executable, plugin_folder},
    ensemble::Ensemble,
    mattermost,
};
use tokio::runtime::Builder;

use crate::build::{self, PLUGINS};

const TITLE: &str = "prod-web-01 needs help";
const MESSAGE: &str = "CRITICAL: prod-web-01 - cpu_monitor.cpu_percent = 95.2 (threshold: > 90.0)";

pub(crate) fn run() -> Result<(), Box<dyn Error>> {
    heading("Building hbd, the four plugins and the stand-ins");
    build::everything()?;
    // The stand-ins run on this runtime while hbd is waited for.
    Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let ensemble = Ensemble::start().await?;
            tokio::task::block_in_place(|| show(&ensemble))
        })
}

fn show(ensemble: &Ensemble) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let plugins = plugin_folder(&PLUGINS)?;
    let file = folder.path().join("heartbeat.yaml");
    let yaml = configuration(ensemble);
    fs::write(&file, &yaml)?;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600))?;

    heading("Four stand-ins run on this machine, each as strict as the service it stands for");
    println!(
        "  mail server   {} (STARTTLS, login)",
        ensemble.smtp.address()
    );
    println!("  Pushover      {}", ensemble.pushover.url());
    println!("  Mattermost    {}", ensemble.mattermost.url());
    println!("  signal-cli    {}", ensemble.signal.path().display());
    heading("The configuration");
    yaml.lines().for_each(|line| println!("  {line}"));

    let hbd = Hbd {
        file: &file,
        plugins: plugins.path(),
    };
    hbd.run(&["plugins"])?;
    hbd.run(&["check"])?;
    hbd.run(&["test"])?;
    let sent = hbd.run(&[
        "send",
        "--host",
        "prod-web-01",
        "--severity",
        "critical",
        "--title",
        TITLE,
        MESSAGE,
    ])?;

    heading("What arrived");
    let arrived = arrivals(ensemble);
    for (place, what) in &arrived {
        println!("  {place:<12}  {what}");
    }
    verdict(sent, &arrived)
}

/// The demo checks itself: four messages arrived, and the fifth channel failed.
fn verdict(sent: ExitStatus, arrived: &[(&str, String)]) -> Result<(), Box<dyn Error>> {
    let complete = arrived.len() == 4
        && arrived
            .iter()
            .all(|(_, what)| what.contains("cpu_percent = 95.2"));
    if !complete || sent.code() != Some(1) {
        return Err(
            "not everything arrived as it should have: this is a fault of Annunciator".into(),
        );
    }
    println!();
    println!("The message arrived once on each of the four kinds of channel. The fifth channel");
    println!("failed, as it was meant to: hbd said why, and ended with status 1. Nothing left");
    println!("this machine.");
    Ok(())
}

fn configuration(ensemble: &Ensemble) -> String {
    format!(
        "{channels}
  # This webhook does not exist: the channel fails on purpose.
  mattermost_revoked: {{type: mattermost, host: '{url}', token: {token}, channel: {channel}}}

default_notification_channels: [email_ops]

hosts:
  prod-web-01:
    watch: true
    notification_channels: [signal_oncall, pushover_urgent, email_ops, mattermost_devops, mattermost_revoked]
",
        channels = ensemble.channels().trim_end(),
        url = ensemble.mattermost.url(),
        token = mattermost::HOOK.chars().rev().collect::<String>(),
        channel = mattermost::CHANNEL,
    )
}

/// What each stand-in holds, a line for each message.
fn arrivals(ensemble: &Ensemble) -> Vec<(&'static str, String)> {
    let mut arrived = Vec::new();
    for mail in ensemble.smtp.messages() {
        let text = one_line(&mail.text());
        arrived.push((
            "mail server",
            format!(
                "to {}: \"{}\": {text}",
                mail.recipients.join(", "),
                mail.subject()
            ),
        ));
    }
    for message in ensemble.pushover.messages() {
        let title = message.title().unwrap_or_default();
        arrived.push((
            "Pushover",
            format!("\"{title}\": {}", one_line(message.text())),
        ));
    }
    for call in ensemble.signal.calls() {
        if let Some(send) = call.send {
            let to = send.recipients.join(", ");
            arrived.push((
                "Signal",
                format!(
                    "from {} to {to}: {}",
                    send.account.unwrap_or_default(),
                    one_line(&send.message)
                ),
            ));
        }
    }
    for post in ensemble.mattermost.messages() {
        let attachment = post.attachments().into_iter().next().unwrap_or_default();
        let text = attachment["text"]
            .as_str()
            .unwrap_or(&post.message)
            .to_owned();
        arrived.push((
            "Mattermost",
            format!("in {}: {}", post.channel, one_line(&text)),
        ));
    }
    arrived
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

struct Hbd<'a> {
    file: &'a Path,
    plugins: &'a Path,
}

impl Hbd<'_> {
    /// Runs a command and shows it as a person would have typed it.
    fn run(&self, args: &[&str]) -> Result<ExitStatus, Box<dyn Error>> {
        let shown = args.iter().map(|arg| {
            if arg.contains(' ') {
                format!("'{arg}'")
            } else {
                (*arg).to_owned()
            }
        });
        heading(&format!("$ hbd {}", shown.collect::<Vec<_>>().join(" ")));
        let status = Command::new(executable("hbd")?)
            .args(args)
            .env("HBD_CONFIG", self.file)
            .env("ANNUNCIATOR_PLUGIN_DIR", self.plugins)
            .status()?;
        Ok(status)
    }
}

fn heading(text: &str) {
    println!("\n== {text}");
}
