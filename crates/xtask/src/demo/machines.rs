//! The simulated machines: each is an `hbc` process.

use std::{collections::BTreeMap, error::Error, fs::OpenOptions, io, process::ExitStatus};

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Child;

use super::{script::Deed, stage::Stage};

/// The interval of a machine's heartbeats: short, so that the demo is short.
const INTERVAL: &str = "300ms";

/// The running machines.
pub(super) struct Machines<'a> {
    stage: &'a Stage,
    running: BTreeMap<&'static str, Child>,
}

impl<'a> Machines<'a> {
    pub(super) fn new(stage: &'a Stage) -> Self {
        Self {
            stage,
            running: BTreeMap::new(),
        }
    }

    pub(super) async fn perform(
        &mut self,
        host: &'static str,
        deed: Deed,
    ) -> Result<(), Box<dyn Error>> {
        match deed {
            Deed::Start(load) => self.start(host, load)?,
            // SIGINT ends hbc without a message: to the monitor, its successor is the same
            // machine.
            Deed::Load(load) => {
                self.stop(host, Signal::INT).await?;
                self.start(host, load)?;
            }
            Deed::Vanish => {
                self.stop(host, Signal::KILL).await?;
            }
            Deed::ShutDown => {
                let status = self.stop(host, Signal::TERM).await?;
                if !status.success() {
                    return Err(format!("hbc could not tell {host}'s shutdown: {status}").into());
                }
            }
        }
        Ok(())
    }

    /// Ends all machines at once.
    pub(super) async fn end(mut self) -> io::Result<()> {
        for machine in self.running.values_mut() {
            machine.kill().await?;
        }
        Ok(())
    }

    fn start(&mut self, host: &'static str, load: &str) -> io::Result<()> {
        let log = self.stage.path(&log(host));
        let log = OpenOptions::new().create(true).append(true).open(log)?;
        let machine = self
            .stage
            .program("hbc")?
            .args(["--server", &self.stage.address.to_string()])
            .args(["--host", host, "--interval", INTERVAL])
            .args(["--metric", &format!("cpu_monitor.cpu_percent={load}")])
            // Each machine records for itself that it has reported its boot.
            .arg("--state")
            .arg(self.stage.path(&format!("{host}.boot")))
            .stderr(log)
            .spawn()?;
        self.running.insert(host, machine);
        Ok(())
    }

    async fn stop(&mut self, host: &str, how: Signal) -> Result<ExitStatus, Box<dyn Error>> {
        let mut machine = self
            .running
            .remove(host)
            .ok_or("this machine does not run")?;
        send(&machine, how)?;
        Ok(machine.wait().await?)
    }
}

/// Returns the name of a machine's log.
pub(super) fn log(host: &str) -> String {
    format!("{host}.log")
}

/// Sends a signal to a child that has not been waited for.
pub(super) fn send(child: &Child, signal: Signal) -> io::Result<()> {
    let pid = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    let pid = pid.ok_or_else(|| io::Error::other("it has ended already"))?;
    Ok(kill_process(pid, signal)?)
}
