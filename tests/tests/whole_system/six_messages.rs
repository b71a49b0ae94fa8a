//! From a machine's heartbeat to a message on somebody's phone: real `hbc`
//! processes, the real `hbd run`, the real plugins and strict stand-ins show
//! each message of the specification, word for word, on each kind of channel.

use std::{
    fs::{self, File},
    net::UdpSocket,
    os::unix::{fs::PermissionsExt as _, net::UnixStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use annunciator_testkit::{
    artefacts::{executable, plugin_folder},
    ensemble::Ensemble,
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;

const PLUGINS: [&str; 4] = [
    "annunciator-email",
    "annunciator-pushover",
    "annunciator-signal",
    "annunciator-mattermost",
];
/// Enough for every wait, whatever else the machine does.
const WAIT_TIMEOUT: Duration = Duration::from_secs(60);

/// A child process that does not outlive its test.
struct Process(Child);

impl Process {
    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.0.id().cast_signed());
        kill(pid, signal).unwrap();
    }

    fn ended(mut self) -> Option<i32> {
        self.0.wait().unwrap().code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct System {
    ensemble: Ensemble,
    folder: TempDir,
    _plugins: TempDir,
    address: String,
    hbd: Process,
}

impl System {
    async fn start() -> Self {
        let ensemble = Ensemble::start().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let plugins = plugin_folder(&PLUGINS).unwrap();
        let free = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap().to_string();
        drop(free);
        let yaml = format!(
            "{channels}
monitor:
  listen: ['{address}']
  state: {folder}/state.sqlite
  control: {folder}/control.sock
  grace: 2s
  mass_silence: {{within: 0s}}
threshold_configs:
  high_sensitivity:
    cpu_monitor.cpu_percent: {{warning: '> 80', critical: '> 90'}}
hosts:
  prod-web-01:
    threshold_config: high_sensitivity
    watch: true
    notification_channels: [signal_oncall, pushover_urgent, email_ops, mattermost_devops]
",
            channels = ensemble.channels(),
            folder = folder.path().display(),
        );
        let file = folder.path().join("heartbeat.yaml");
        fs::write(&file, yaml).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let log = File::create(folder.path().join("log")).unwrap();
        let hbd = Command::new(executable("hbd").unwrap())
            .arg("run")
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HBD_CONFIG", &file)
            .env("ANNUNCIATOR_PLUGIN_DIR", plugins.path())
            .stdin(Stdio::null())
            .stderr(log)
            .spawn();
        let system = Self {
            ensemble,
            folder,
            _plugins: plugins,
            address,
            hbd: Process(hbd.unwrap()),
        };
        let until = Instant::now() + WAIT_TIMEOUT;
        while UnixStream::connect(system.path("control.sock")).is_err() {
            assert!(Instant::now() < until, "{}", system.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        system
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// A machine whose processor is as busy as this.
    fn hbc(&self, args: &[&str]) -> Process {
        let child = Command::new(executable("hbc").unwrap())
            .args([
                "--server",
                &self.address,
                "--host",
                "prod-web-01",
                "--state",
            ])
            .arg(self.path("hbc"))
            .args(args)
            .env_clear()
            .stdin(Stdio::null())
            .spawn();
        Process(child.unwrap())
    }

    fn running(&self, cpu: &str) -> Process {
        let metric = format!("cpu_monitor.cpu_percent={cpu}");
        self.hbc(&["--interval", "200ms", "--metric", &metric])
    }

    /// What arrived on each of the four.
    fn arrived(&self) -> [(&'static str, Vec<String>); 4] {
        let mail = self.ensemble.smtp.messages();
        let pushover = self.ensemble.pushover.messages();
        let signal = self.ensemble.signal.calls();
        let mattermost = self.ensemble.mattermost.messages();
        let attachment = |post: &annunciator_testkit::mattermost::Post| {
            post.attachments()[0]["text"].as_str().unwrap().to_owned()
        };
        [
            ("email", mail.iter().map(|mail| mail.text()).collect()),
            (
                "pushover",
                pushover
                    .iter()
                    .map(|message| message.text().to_owned())
                    .collect(),
            ),
            (
                "signal",
                signal
                    .into_iter()
                    .filter_map(|call| Some(call.send?.message))
                    .collect(),
            ),
            ("mattermost", mattermost.iter().map(attachment).collect()),
        ]
    }

    /// Waits until a message stands on each of the four, and checks that it
    /// stands there once.
    async fn shows(&self, text: &str) {
        let until = Instant::now() + WAIT_TIMEOUT;
        let same = |arrived: &String| arrived.trim() == text;
        loop {
            let arrived = self.arrived();
            if arrived.iter().all(|(_, texts)| texts.iter().any(same)) {
                for (channel, texts) in arrived {
                    let count = texts.iter().filter(|arrived| same(arrived)).count();
                    assert_eq!(count, 1, "{channel}: {text}");
                }
                return;
            }
            assert!(
                Instant::now() < until,
                "`{text}` did not arrive everywhere: {arrived:#?}\n{}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_message_of_the_specification_arrives_word_for_word_on_each_kind_of_channel() {
    let system = System::start().await;

    let machine = system.running("95.2");
    system.shows("prod-web-01 booted").await;
    system
        .shows("CRITICAL: prod-web-01 - cpu_monitor.cpu_percent = 95.2 (threshold: > 90.0)")
        .await;

    machine.signal(Signal::SIGKILL);
    machine.ended();
    system.shows("prod-web-01 IPv4 overdue").await;

    let machine = system.running("12.0");
    system.shows("prod-web-01 IPv4 is back").await;
    system
        .shows("OK: prod-web-01 - cpu_monitor.cpu_percent = 12.0 (threshold: > 80.0)")
        .await;

    let report = system.hbc(&["--message", "lost its uplink"]);
    assert_eq!(report.ended(), Some(0));
    system.shows("prod-web-01 lost its uplink").await;

    machine.signal(Signal::SIGTERM);
    assert_eq!(machine.ended(), Some(0));
    system.shows("prod-web-01 IPv4 shutdown").await;

    system.hbd.signal(Signal::SIGTERM);
    let System {
        ensemble,
        hbd,
        folder,
        ..
    } = system;
    assert_eq!(hbd.ended(), Some(0));
    // Nothing but these seven, anywhere.
    assert_eq!(ensemble.mattermost.messages().len(), 7);
    assert_eq!(ensemble.pushover.messages().len(), 7);
    let log = fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(!log.contains("failed to send notification"), "{log}");
}
