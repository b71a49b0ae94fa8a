//! A folder with a program named `signal-cli` in it: a link to the stand-in's
//! executable, which finds its script beside the link.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tempfile::TempDir;

use super::binary;
use super::program::{Call, calls};
use super::script::{Fault, Script, Verdict};

/// How long `wait_for` waits at most.
const WAIT_TIMEOUT: Duration = Duration::from_secs(20);

/// An installed stand-in of signal-cli.
pub struct SignalCli {
    folder: TempDir,
    script: Mutex<Script>,
}

impl SignalCli {
    /// Installs one that knows these accounts and sends everything.
    ///
    /// # Errors
    /// When the folder can't be written, or the executable wasn't built.
    pub fn install(accounts: &[&str]) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        // A link, not a script: a file that was just written can't be executed
        // while another thread's fork still holds it open.
        symlink(binary::find()?, folder.path().join("signal-cli"))?;
        let cli = Self {
            folder,
            script: Mutex::new(Script {
                accounts: accounts.iter().map(|a| (*a).to_owned()).collect(),
                ..Script::default()
            }),
        };
        cli.change(|_| {})?;
        Ok(cli)
    }

    /// The path for `cli_path`.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("signal-cli")
    }

    /// Changes the script for the calls to come.
    ///
    /// # Errors
    /// When the script can't be written.
    pub fn change(&self, change: impl FnOnce(&mut Script)) -> io::Result<()> {
        let mut script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut script);
        let part = self.folder.path().join("script.part");
        fs::write(&part, serde_json::to_vec(&*script)?)?;
        fs::rename(part, self.folder.path().join("script.json"))
    }

    /// Answers this to a recipient.
    ///
    /// # Errors
    /// When the script can't be written.
    pub fn refuse(&self, recipient: &str, verdict: Verdict) -> io::Result<()> {
        self.change(|script| {
            script.recipients.insert(recipient.to_owned(), verdict);
        })
    }

    /// Knows a group with these members.
    ///
    /// # Errors
    /// When the script can't be written.
    pub fn group(&self, id: &str, members: &[(&str, Verdict)]) -> io::Result<()> {
        let members = members.iter().map(|(m, v)| ((*m).to_owned(), v.clone()));
        self.change(|script| {
            script.groups.insert(id.to_owned(), members.collect());
        })
    }

    /// Goes wrong in the next call of `send` that has no fault yet.
    ///
    /// # Errors
    /// When the script can't be written.
    pub fn fault(&self, fault: Fault) -> io::Result<()> {
        let done = self
            .calls()
            .iter()
            .filter(|call| call.send.is_some())
            .count();
        self.change(|script| {
            while script.faults.len() < done {
                script.faults.push(None);
            }
            script.faults.push(Some(fault));
        })
    }

    /// The calls so far.
    pub fn calls(&self) -> Vec<Call> {
        calls(self.folder.path()).unwrap_or_default()
    }

    /// The calls, as soon as there are this many; fewer after 20 seconds.
    pub async fn wait_for(&self, number: usize) -> Vec<Call> {
        // Another process writes the files, so there is no bell to wait for.
        let wait = async {
            while self.calls().len() < number {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let _ = tokio::time::timeout(WAIT_TIMEOUT, wait).await;
        self.calls()
    }

    /// What the callers did that a careful client doesn't do.
    pub fn violations(&self) -> Vec<String> {
        self.calls()
            .into_iter()
            .flat_map(|call| call.violations)
            .collect()
    }
}
