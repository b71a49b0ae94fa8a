//! A running `smtp-sink`, which ends when it is dropped; what it took lies in
//! a folder, a file per mail.

use std::{
    fs, io,
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
    process::{Child, Command, Stdio},
};

use annunciator_tests::foreign::{free_port, program, wait_for};
use tempfile::TempDir;

const INSTALL: &str = "on Debian, `apt-get install postfix`";
/// How often another port is tried when somebody else was quicker.
const TRIES: usize = 3;

/// A running `smtp-sink`.
pub struct Sink {
    child: Child,
    port: u16,
    dumps: TempDir,
}

impl Sink {
    /// Starts it with these flags.
    pub fn start(flags: &[&str]) -> io::Result<Self> {
        let mut failure = io::Error::other("it was never tried");
        for _ in 0..TRIES {
            match Self::attempt(flags) {
                Ok(sink) => return Ok(sink),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    fn attempt(flags: &[&str]) -> io::Result<Self> {
        let port = free_port()?;
        let dumps = tempfile::tempdir()?;
        // It gives up root's rights before it writes.
        fs::set_permissions(dumps.path(), fs::Permissions::from_mode(0o777))?;
        let child = Command::new(program("smtp-sink", INSTALL)?)
            .args(["-u", "nobody", "-d"])
            .arg(dumps.path().join("mail."))
            .args(flags)
            .arg(format!("127.0.0.1:{port}"))
            .arg("16")
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let mut sink = Self { child, port, dumps };
        let listening = wait_for("smtp-sink's port", || {
            if let Ok(Some(status)) = sink.child.try_wait() {
                return Some(Err(io::Error::other(format!("smtp-sink ended: {status}"))));
            }
            TcpStream::connect(("127.0.0.1", port)).ok().map(|_| Ok(()))
        })?;
        listening.map(|()| sink)
    }

    /// A channel that sends to it in clear; `more` are lines of YAML.
    pub fn channel(&self, more: &str) -> String {
        format!(
            "notification_channels:\n  mail:\n    type: email\n    \
             recipients: [ops@example.test, oncall@example.test]\n    \
             sender: heartbeat@example.test\n    smtp_server: 127.0.0.1\n    \
             smtp_port: {}\n    smtp_tls: none\n{more}default_notification_channels: [mail]\n",
            self.port
        )
    }

    /// A mail that it took, as soon as one holds this text.
    pub fn wait_for_dump(&self, text: &str) -> io::Result<String> {
        wait_for("a mail in the sink", || {
            fs::read_dir(self.dumps.path())
                .ok()?
                .filter_map(|entry| fs::read_to_string(entry.ok()?.path()).ok())
                .find(|dump| dump.contains(text))
        })
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
