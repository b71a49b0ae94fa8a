//! The stage of the demo: the stand-ins, a folder, the configuration, and the workspace's
//! programs as they run there.

use std::{
    env,
    error::Error,
    fs, io,
    net::{SocketAddr, UdpSocket},
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::Stdio,
};

use annunciator_testkit::{
    artefacts::{executable, plugin_folder},
    ensemble::Ensemble,
    mattermost,
};
use tempfile::TempDir;
use tokio::process::Command;

use super::{
    heading::heading,
    inbox::Channel,
    script::{BY_HAND, DEFAULTS, MACHINES, Machine},
};
use crate::build::PLUGINS;

/// The environment variables that programs inherit, which concern the display. Settings of `hbd`
/// and proxies must not affect the demo.
const HANDED_ON: [&str; 4] = ["PATH", "TERM", "COLUMNS", "NO_COLOR"];

/// How many lines of a log are shown if something is wrong.
const LAST_LINES: usize = 12;

/// The stage of the demo.
pub(super) struct Stage {
    pub(super) ensemble: Ensemble,
    /// The address at which the monitor receives heartbeats.
    pub(super) address: SocketAddr,
    folder: TempDir,
    plugins: TempDir,
    yaml: String,
}

impl Stage {
    pub(super) async fn set() -> Result<Self, Box<dyn Error>> {
        let ensemble = Ensemble::start().await?;
        let folder = tempfile::tempdir()?;
        let address = UdpSocket::bind("127.0.0.1:0")?.local_addr()?;
        let mut stage = Self {
            ensemble,
            address,
            folder,
            plugins: plugin_folder(&PLUGINS)?,
            yaml: String::new(),
        };
        stage.yaml = stage.configuration();
        fs::write(stage.configuration_file(), &stage.yaml)?;
        let private = fs::Permissions::from_mode(0o600);
        fs::set_permissions(stage.configuration_file(), private)?;
        Ok(stage)
    }

    pub(super) fn describe(&self) {
        heading("Four stand-ins run on this machine, each as strict as the service it stands for");
        let Ensemble {
            smtp,
            pushover,
            signal,
            mattermost,
        } = &self.ensemble;
        println!("  mail server   {} (STARTTLS, login)", smtp.address());
        println!("  Pushover      {}", pushover.url());
        println!("  Mattermost    {}", mattermost.url());
        println!("  signal-cli    {}", signal.path().display());
        heading("The configuration");
        self.yaml.lines().for_each(|line| println!("  {line}"));
    }

    /// Returns the path of a file of the demo.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Returns the end of a log, to find a reason.
    pub(super) fn last_words(&self, log: &str) -> String {
        let text = fs::read_to_string(self.path(log)).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        if lines.is_empty() {
            return format!("  {log} is empty");
        }
        let last = &lines[lines.len().saturating_sub(LAST_LINES)..];
        format!("  {log} ends with:\n    {}", last.join("\n    "))
    }

    /// Returns a command of a program of the workspace, which ends with this one.
    pub(super) fn program(&self, name: &str) -> io::Result<Command> {
        let mut program = Command::new(executable(name)?);
        program
            .env_clear()
            .envs(
                HANDED_ON
                    .iter()
                    .filter_map(|name| Some((name, env::var_os(name)?))),
            )
            .env("HBD_CONFIG", self.configuration_file())
            .env("ANNUNCIATOR_PLUGIN_DIR", self.plugins.path())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        Ok(program)
    }

    fn configuration_file(&self) -> PathBuf {
        self.path("heartbeat.yaml")
    }

    fn configuration(&self) -> String {
        let folder = self.folder.path().display();
        let hosts: String = MACHINES.iter().map(host).collect();
        format!(
            "{channels}
  # This webhook does not exist: the channel fails on purpose.
  mattermost_revoked: {{type: mattermost, host: '{url}', token: {token}, channel: {channel}}}

default_notification_channels: [{defaults}]

monitor:
  listen: ['{address}']
  state: '{folder}/state.sqlite'
  control: '{folder}/control.sock'
  grace: 3s
  mass_silence: {{within: 0s}}   # nobody waits for others to fall silent too

web:
  listen: '127.0.0.1:0'          # a port of the system's choice

threshold_configs:
  high_sensitivity:
    cpu_monitor.cpu_percent: {{warning: '> 80', critical: '> 90'}}

hosts:
  {BY_HAND}:
    watch: false
    notification_channels: [{all}, mattermost_revoked]
{hosts}",
            channels = self.ensemble.channels().trim_end(),
            url = self.ensemble.mattermost.url(),
            token = mattermost::HOOK.chars().rev().collect::<String>(),
            channel = mattermost::CHANNEL,
            defaults = names(DEFAULTS),
            address = self.address,
            all = names(&Channel::ALL),
        )
    }
}

fn host(machine: &Machine) -> String {
    let mut yaml = format!("  {}:\n    watch: true\n", machine.name);
    if let Some(thresholds) = machine.thresholds {
        yaml.push_str(&format!("    threshold_config: {thresholds}\n"));
    }
    if let Some(channels) = machine.channels {
        yaml.push_str(&format!(
            "    notification_channels: [{}]\n",
            names(channels)
        ));
    }
    yaml
}

fn names(channels: &[Channel]) -> String {
    let names: Vec<&str> = channels.iter().map(|channel| channel.name()).collect();
    names.join(", ")
}
