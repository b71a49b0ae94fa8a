//! A folder with a program named `signal-cli`: a link to the stand-in's executable, which finds
//! its script beside the link.

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

/// The maximum time that `wait_for` waits.
const WAIT_TIMEOUT: Duration = Duration::from_secs(20);

/// An installed stand-in of signal-cli.
pub struct SignalCli {
    folder: TempDir,
    script: Mutex<Script>,
}

impl SignalCli {
    /// Installs a stand-in that has these accounts and sends everything.
    ///
    /// # Errors
    /// Fails if the folder cannot be written, or the executable was not built.
    pub fn install(accounts: &[&str]) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        // A link and not a script, since a file that was just written cannot be executed while
        // another thread's fork still has it open.
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

    /// Returns the path for `cli_path`.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("signal-cli")
    }

    /// Changes the script for the following calls.
    ///
    /// # Errors
    /// Fails if the script cannot be written.
    pub fn change(&self, change: impl FnOnce(&mut Script)) -> io::Result<()> {
        let mut script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut script);
        let part = self.folder.path().join("script.part");
        fs::write(&part, serde_json::to_vec(&*script)?)?;
        fs::rename(part, self.folder.path().join("script.json"))
    }

    /// Sets the result for a recipient.
    ///
    /// # Errors
    /// Fails if the script cannot be written.
    pub fn refuse(&self, recipient: &str, verdict: Verdict) -> io::Result<()> {
        self.change(|script| {
            script.recipients.insert(recipient.to_owned(), verdict);
        })
    }

    /// Adds a group with these members.
    ///
    /// # Errors
    /// Fails if the script cannot be written.
    pub fn group(&self, id: &str, members: &[(&str, Verdict)]) -> io::Result<()> {
        let members = members.iter().map(|(m, v)| ((*m).to_owned(), v.clone()));
        self.change(|script| {
            script.groups.insert(id.to_owned(), members.collect());
        })
    }

    /// Injects a fault into the next call of `send` that has none yet.
    ///
    /// # Errors
    /// Fails if the script cannot be written.
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

    /// Returns the calls so far.
    pub fn calls(&self) -> Vec<Call> {
        calls(self.folder.path()).unwrap_or_default()
    }

    /// Returns the calls as soon as there are this many, or fewer after 20 seconds.
    pub async fn wait_for(&self, number: usize) -> Vec<Call> {
        // Another process writes the files, so that they have to be polled.
        let wait = async {
            while self.calls().len() < number {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let _ = tokio::time::timeout(WAIT_TIMEOUT, wait).await;
        self.calls()
    }

    /// Returns the callers' mistakes that a careful client does not make.
    pub fn violations(&self) -> Vec<String> {
        self.calls()
            .into_iter()
            .flat_map(|call| call.violations)
            .collect()
    }
}
