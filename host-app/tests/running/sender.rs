//! `hbc` in a folder of its own, and a socket that stands in for the monitor.

use std::{
    fs::{self, File, Permissions},
    net::UdpSocket,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use annunciator_protocol::{Datagram, Event, Keyring, decode};
use tempfile::TempDir;

/// Far more than anything takes: a test that waits so long has failed.
const BOUND: Duration = Duration::from_secs(120);

/// What came, as it came.
pub struct Received {
    pub bytes: Vec<u8>,
}

impl Received {
    pub fn read(&self, keys: &Keyring) -> Datagram {
        let text = String::from_utf8_lossy(&self.bytes);
        decode(&self.bytes, keys).unwrap_or_else(|reject| panic!("{reject}: {text}"))
    }

    /// What it says, whoever signed it.
    pub fn event(&self) -> Event {
        let text = str::from_utf8(&self.bytes).unwrap();
        let plain = match text.find(",\"key\":") {
            Some(at) => format!("{}}}", &text[..at]),
            None => text.to_owned(),
        };
        decode(plain.as_bytes(), &Keyring::default()).unwrap().event
    }
}

/// A socket that stands in for the monitor.
pub struct Monitor {
    socket: UdpSocket,
}

impl Monitor {
    pub fn v4() -> Self {
        Self::at("127.0.0.1:0").unwrap()
    }

    /// Two of the same port, one of each family that the machine has.
    pub fn both() -> (Self, Option<Self>) {
        let has_v6 = Self::at("[::1]:0").is_some();
        for _ in 0..100 {
            let v4 = Self::v4();
            let v6 = Self::at(&format!("[::1]:{}", v4.port()));
            if v6.is_some() || !has_v6 {
                return (v4, v6);
            }
        }
        panic!("no port is free in both families");
    }

    fn at(address: &str) -> Option<Self> {
        let socket = UdpSocket::bind(address).ok()?;
        Some(Self { socket })
    }

    pub fn port(&self) -> u16 {
        self.socket.local_addr().unwrap().port()
    }

    /// Receives until the condition holds.
    #[track_caller]
    pub fn receive_until(&self, holds: impl Fn(&[Received]) -> bool) -> Vec<Received> {
        let deadline = Instant::now() + BOUND;
        let mut received = Vec::new();
        while !holds(&received) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "only {} datagrams came", received.len());
            self.socket.set_read_timeout(Some(left)).unwrap();
            received.extend(self.receive());
        }
        received
    }

    /// What has come and was not received yet; whoever sent it has ended.
    pub fn rest(&self) -> Vec<Received> {
        self.socket.set_nonblocking(true).unwrap();
        let rest = std::iter::from_fn(|| self.receive()).collect();
        self.socket.set_nonblocking(false).unwrap();
        rest
    }

    fn receive(&self) -> Option<Received> {
        let mut buffer = [0; 2048];
        let length = self.socket.recv(&mut buffer).ok()?;
        Some(Received {
            bytes: buffer[..length].to_vec(),
        })
    }
}

/// `hbc` in a folder of its own.
pub struct Hbc {
    folder: TempDir,
}

impl Hbc {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Makes a file in its folder.
    pub fn file(&self, name: &str, content: &str, mode: u32) -> String {
        let file = self.folder.path().join(name);
        let _ = fs::remove_file(&file);
        fs::write(&file, content).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        file.to_str().unwrap().to_owned()
    }

    pub fn start(&self, monitor: &Monitor, args: &[&str]) -> Running {
        self.start_for(&format!("127.0.0.1:{}", monitor.port()), args)
    }

    pub fn start_for(&self, server: &str, args: &[&str]) -> Running {
        let (errors, file) = tempfile::NamedTempFile::new_in(self.folder.path())
            .unwrap()
            .keep()
            .map(|(file, path)| (path, file))
            .unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_hbc"))
            .env_clear()
            .env("XDG_RUNTIME_DIR", self.folder.path())
            .args(["--server", server])
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::try_clone(&file).unwrap())
            .spawn()
            .unwrap();
        Running { child, errors }
    }

    pub fn run(&self, monitor: &Monitor, args: &[&str]) -> Ended {
        self.start(monitor, args).wait()
    }

    pub fn run_for(&self, server: &str, args: &[&str]) -> Ended {
        self.start_for(server, args).wait()
    }
}

/// How a process ended.
pub struct Ended {
    pub status: i32,
    pub error: String,
}

/// A process that is under way.
pub struct Running {
    child: Child,
    errors: PathBuf,
}

impl Running {
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: &str) {
        let status = Command::new("kill")
            .args(["-s", signal, &self.id().to_string()])
            .status()
            .unwrap();
        assert!(status.success());
    }

    pub fn is_running(&self) -> bool {
        fs::read_to_string(format!("/proc/{}/stat", self.id()))
            .is_ok_and(|stat| !stat.contains(") Z "))
    }

    /// Waits until this stands in its log.
    #[track_caller]
    pub fn wait_for_word(&self, word: &str) {
        let deadline = Instant::now() + BOUND;
        while !self.error().contains(word) {
            assert!(Instant::now() < deadline, "{}", self.error());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn error(&self) -> String {
        fs::read_to_string(&self.errors).unwrap()
    }

    /// Waits until it has ended.
    #[track_caller]
    pub fn wait(mut self) -> Ended {
        let deadline = Instant::now() + BOUND;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Ended {
                    status: status.code().unwrap(),
                    error: self.error(),
                };
            }
            assert!(Instant::now() < deadline, "it does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends it by SIGTERM; its log must be empty. Answers its status.
    #[track_caller]
    pub fn end_quietly(self) -> i32 {
        self.signal("TERM");
        let ended = self.wait();
        assert_eq!(ended.error, "");
        ended.status
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
