//! A monitor under test: its folder, its process, and how it is asked.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::{SocketAddr, UdpSocket},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use annunciator_protocol::{Datagram, Key};
use annunciator_testkit::rig::Rig;
use heartbeat::api::{Client, ClientError};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value as Json;

/// How long a condition is waited for: generous, since machines may be busy.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked at.
const PACE: Duration = Duration::from_millis(20);

/// Nobody is ever overdue.
pub const CALM: &str = "interval: 1h";
/// Who is silent for half a second is overdue.
pub const QUICK: &str = "interval: 200ms
  grace: 300ms
  mass_silence: {within: 0s}";

/// Waits until a look at something yields what is wanted.
pub fn wait_for<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    wait_or(look, || what.to_owned())
}

/// The same, with more to say when it was in vain.
pub fn wait_or<T>(mut look: impl FnMut() -> Option<T>, what: impl Fn() -> String) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain: {}", what());
        thread::sleep(PACE);
    }
}

/// A folder with a configuration; it outlives the monitors that use it.
pub struct Home(Rig);

impl Home {
    /// With these keys of `monitor`, two hosts and a channel.
    pub fn new(monitor: &str) -> Self {
        Self::with(&yaml(monitor))
    }

    /// With this configuration; `HOME` in it is the folder.
    pub fn with(yaml: &str) -> Self {
        let rig = Rig::new(&[
            "fixture-ill-behaved",
            "fixture-steady",
            "annunciator-mattermost",
        ]);
        let home = Self::of(rig.unwrap());
        home.configure(yaml);
        home
    }

    /// With these plugins, and without a configuration.
    pub fn of(rig: Rig) -> Self {
        Self(rig)
    }

    /// Writes another configuration.
    pub fn configure(&self, yaml: &str) {
        let folder = self.0.folder().display().to_string();
        let _builder = self.0.configured(&yaml.replace("HOME", &folder)).unwrap();
    }

    /// The plugin folder.
    pub fn plugins(&self) -> &Path {
        self.0.plugins()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.folder().join(name)
    }

    pub fn file(&self) -> String {
        self.0.file().display().to_string()
    }

    /// What the channels of the fixture wrote down.
    pub fn notes(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path("notes")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hbd"));
        command
            .env_clear()
            .env("HBD_CONFIG", self.0.file())
            .env("ANNUNCIATOR_PLUGIN_DIR", self.0.plugins())
            .current_dir(self.0.folder())
            .stdin(Stdio::null())
            .args(args);
        command
    }

    /// Runs a command to its end: status, standard output, standard error.
    pub fn hbd(&self, args: &[&str]) -> (i32, String, String) {
        notified(&self.command(args).output().unwrap())
    }

    /// Starts a monitor and waits until it answers.
    pub fn start(&self) -> Monitor {
        self.start_as(&["run"], |_| {})
    }

    pub fn start_as(&self, args: &[&str], prepare: impl FnOnce(&mut Command)) -> Monitor {
        let mut monitor = self.spawn(args, prepare);
        let first = wait_for("a monitor that answers", || {
            if let Some(status) = monitor.child.try_wait().unwrap() {
                panic!("it ended with {status}:\n{}", monitor.log());
            }
            monitor.client().get("/status").ok()
        });
        monitor.address = first["listening"][0].as_str().unwrap().parse().ok();
        monitor
    }

    /// Starts a monitor that may have nothing to answer with.
    pub fn spawn(&self, args: &[&str], prepare: impl FnOnce(&mut Command)) -> Monitor {
        let mut command = self.command(args);
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        prepare(&mut command);
        let mut child = command.spawn().unwrap();
        let log = Arc::<Mutex<Vec<String>>>::default();
        let lines = Arc::clone(&log);
        let reader = child.stderr.take().map(|stderr| {
            thread::spawn(move || {
                for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                    lines.lock().unwrap().push(line);
                }
            })
        });
        Monitor {
            control: self.path("control.sock"),
            child,
            log,
            reader,
            sender: UdpSocket::bind("127.0.0.1:0").unwrap(),
            address: None,
        }
    }
}

pub fn notified(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let status = output.status.code().unwrap();
    (status, text(&output.stdout), text(&output.stderr))
}

/// A configuration with these keys of `monitor`.
pub fn yaml(monitor: &str) -> String {
    format!(
        "notification_channels:
  a: {{type: steady, text: hello, notes: HOME/notes}}
default_notification_channels: [a]
monitor:
  listen: ['127.0.0.1:0']
  state: HOME/state.sqlite
  control: HOME/control.sock
  http: '127.0.0.1:0'
  {monitor}
threshold_configs:
  high:
    cpu_monitor.cpu_percent: {{warning: '> 80', critical: '> 90'}}
hosts:
  web-01: {{watch: true, threshold_config: high}}
  db-01: {{watch: true}}
"
    )
}

/// A monitor that runs; it is killed when a test forgets it.
pub struct Monitor {
    pub control: PathBuf,
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
    sender: UdpSocket,
    address: Option<SocketAddr>,
}

impl Monitor {
    /// A client of its API.
    pub fn client(&self) -> Client {
        Client::new(&self.control)
    }

    pub fn reload(&self) -> Result<Json, ClientError> {
        self.client().post("/reload", None)
    }

    pub fn status(&self) -> Json {
        self.client().get("/status").unwrap()
    }

    pub fn explain(&self, host: &str) -> Json {
        let path = format!("{}?lines=100", heartbeat::api::host_path(host));
        self.client().get(&path).unwrap()
    }

    /// The state of a host.
    pub fn state(&self, host: &str) -> String {
        let explained = self.explain(host);
        explained["host"]["state"].as_str().unwrap().to_owned()
    }

    pub fn wait_for_state(&self, host: &str, state: &str) {
        wait_for(&format!("{host} {state}"), || {
            (self.state(host) == state).then_some(())
        });
    }

    /// The messages about a host that were delivered.
    pub fn notified(&self, host: &str) -> Vec<String> {
        let explained = self.explain(host);
        let messages = explained["messages"].as_array().unwrap().iter();
        let delivered = messages.filter(|message| message["state"] == "delivered");
        delivered
            .map(|message| message["text"].as_str().unwrap().to_owned())
            .collect()
    }

    pub fn wait_for_text(&self, host: &str, text: &str) {
        wait_for(text, || {
            self.notified(host)
                .iter()
                .any(|notified| notified == text)
                .then_some(())
        });
    }

    /// Returns how many datagrams were accepted, or refused for this reason.
    pub fn count(&self, reason: Option<&str>) -> u64 {
        let status = self.status();
        let count = match reason {
            None => &status["datagrams"],
            Some(reason) => &status["refused"][reason],
        };
        count.as_u64().unwrap_or(0)
    }

    pub fn send_bytes(&self, bytes: &[u8]) {
        self.sender.send_to(bytes, self.address.unwrap()).unwrap();
    }

    /// Sends a datagram and waits until it is accepted.
    pub fn send(&self, datagram: &Datagram) {
        self.send_signed(datagram, None);
    }

    pub fn send_signed(&self, datagram: &Datagram, key: Option<&Key>) {
        let before = self.count(None);
        self.send_bytes(&datagram.encode(key).unwrap());
        wait_for("a datagram that is taken", || {
            (self.count(None) > before).then_some(())
        });
    }

    /// Answers what a GET yields: status and body.
    pub fn fetch(&self, method: &str, path: &str) -> (u16, String) {
        let address = self.status()["http"].as_str().unwrap().to_owned();
        let url = format!("http://{address}{path}");
        let answer = annunciator_testkit::http::exchange(method, &url, &[], b"").unwrap();
        (answer.status, String::from_utf8(answer.body).unwrap())
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    pub fn wait_for_log(&self, part: &str) {
        wait_for(part, || self.log().contains(part).then_some(()));
    }

    /// The number of its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }

    /// Ends it as systemd does; answers its exit status and its log.
    pub fn stop(mut self) -> (Option<i32>, String) {
        self.signal(Signal::TERM);
        let status = wait_for("its end", || self.child.try_wait().unwrap());
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        (status.code(), self.log())
    }

    /// Ends it without a chance to write anything.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
