//! The real `hbd run`, started, killed and asked.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs::{self, File},
    net::{SocketAddr, UdpSocket},
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use annunciator_testkit::{artefacts::plugin_folder, mattermost};
use heartbeat::api::Client;
use tempfile::TempDir;

use super::{PATIENCE, records::Records};

pub struct Monitor {
    folder: TempDir,
    plugins: TempDir,
    address: SocketAddr,
    child: Option<Child>,
}

impl Monitor {
    pub fn new(url: &str, hosts: &[String]) -> Self {
        // A port that nobody has now; on an address of this test's own.
        let process = std::process::id();
        let own = format!("127.{}.{}.1:0", 1 + process / 250 % 250, 1 + process % 250);
        let address = UdpSocket::bind(own).unwrap().local_addr().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut yaml = format!(
            "notification_channels:
  c:
    type: mattermost
    host: '{url}'
    token: {hook}
    channel: devops-alerts
    # What a monitor died of is not left alone for long: here it is no wonder.
    delivery: {{retry: {{first: 10ms, max: 10ms}}}}
default_notification_channels: [c]
monitor:
  listen: ['{address}']
  state: {folder}/state.sqlite
  control: {folder}/control.sock
  interval: 500ms
  grace: 1500ms
  blind_notice: 1h
  mass_silence: {{hosts: 1000, within: 0s}}
  flapping: {{changes: 1000}}
threshold_configs:
  high: {{cpu_monitor.cpu_percent: {{critical: '> 90'}}, renotify: never}}
hosts:
",
            hook = mattermost::HOOK,
            folder = folder.path().display(),
        );
        for host in hosts {
            writeln!(yaml, "  {host}: {{watch: true, threshold_config: high}}").unwrap();
        }
        let file = folder.path().join("heartbeat.yaml");
        fs::write(&file, yaml).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        Self {
            folder,
            plugins: plugin_folder(&["annunciator-mattermost"]).unwrap(),
            address,
            child: None,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts it; returns at once.
    pub fn start(&mut self) {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.path("log"))
            .unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_hbd"))
            .arg("run")
            .env_clear()
            .env("HBD_CONFIG", self.path("heartbeat.yaml"))
            .env("ANNUNCIATOR_PLUGIN_DIR", self.plugins.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        self.child = Some(child.unwrap());
    }

    /// kill -9.
    pub fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Ends it as an operator would.
    pub fn end(&mut self) {
        let child = self.child.take().unwrap();
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let status = { child }.wait().unwrap();
        assert!(status.success(), "{status}: {}", self.log());
    }

    /// The hosts' states, as soon as it answers.
    pub fn states(&self) -> BTreeMap<String, String> {
        let until = Instant::now() + PATIENCE;
        loop {
            match Client::new(&self.path("control.sock")).get("/status") {
                Ok(answer) => {
                    let hosts = answer["hosts"].as_array().unwrap().iter();
                    let text = |json: &serde_json::Value| json.as_str().unwrap().to_owned();
                    let states = hosts.map(|host| (text(&host["host"]), text(&host["state"])));
                    return states.collect();
                }
                Err(error) => assert!(Instant::now() < until, "{error}: {}", self.log()),
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    pub fn records(&self) -> Records {
        Records::read(&self.path("state.sqlite"))
    }

    /// The end of its log.
    pub fn log(&self) -> String {
        let text = fs::read_to_string(self.path("log")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
