//! The real `hbd run`, queried by `hbd status` as by a person.

use std::{error::Error, fs::File, process::Stdio, time::Duration};

use rustix::process::Signal;
use tokio::{
    process::Child,
    time::{Instant, sleep, timeout},
};

use super::{
    machines,
    stage::Stage,
    status::{self, HostNow},
};

/// How long it may take to start, or to end: it gives messages in flight 20 s.
const WAIT_TIMEOUT: Duration = Duration::from_secs(30);
/// The interval of checks whether it runs.
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// The name of its log.
pub(super) const LOG: &str = "hbd-run.log";

/// What it logs when it serves its page.
const PAGE_SERVED: &str = "the API is served";

/// A running `hbd run`.
pub(super) struct Monitor<'a> {
    stage: &'a Stage,
    process: Child,
}

impl<'a> Monitor<'a> {
    /// Starts it, and waits until it answers.
    pub(super) async fn start(stage: &'a Stage) -> Result<Self, Box<dyn Error>> {
        let log = File::create(stage.path(LOG))?;
        let process = stage.program("hbd")?.arg("run").stderr(log).spawn()?;
        let mut monitor = Self { stage, process };
        let until = Instant::now() + WAIT_TIMEOUT;
        while monitor.hosts().await?.is_none() {
            if let Some(status) = monitor.process.try_wait()? {
                return Err(monitor.wrong(&format!("hbd run ended at once: {status}")));
            }
            if Instant::now() > until {
                return Err(monitor.wrong("hbd run does not answer"));
            }
            sleep(POLL_INTERVAL).await;
        }
        Ok(monitor)
    }

    /// Returns what it knows of the hosts; `None` if it does not answer.
    pub(super) async fn hosts(&self) -> Result<Option<Vec<HostNow>>, Box<dyn Error>> {
        let mut ask = self.stage.program("hbd")?;
        ask.args(["status", "--json", "--control"])
            .arg(self.stage.path("control.sock"))
            .stderr(Stdio::null());
        let answer = ask.output().await?;
        if !answer.status.success() {
            return Ok(None);
        }
        Ok(Some(status::hosts(&serde_json::from_slice(
            &answer.stdout,
        )?)))
    }

    /// Returns the address of its page and a token to log in with.
    pub(super) async fn page(&self) -> Result<(String, String), Box<dyn Error>> {
        let log = std::fs::read_to_string(self.stage.path(LOG))?;
        let mut lines = log.lines().filter(|line| line.contains(PAGE_SERVED));
        let address = lines.find_map(|line| line.rsplit_once("address=")?.1.split(' ').next());
        let address = address.ok_or_else(|| self.wrong("hbd run does not serve its page"))?;
        let mut add = self.stage.program("hbd")?;
        let token = add
            .args(["token", "add", "demo", "--scope", "act"])
            .output()
            .await?;
        if !token.status.success() {
            return Err(self.wrong(&String::from_utf8_lossy(&token.stderr)));
        }
        let token = String::from_utf8(token.stdout)?.trim().to_owned();
        Ok((format!("http://{address}/"), token))
    }

    /// Ends it, after messages in flight have arrived.
    pub(super) async fn end(mut self) -> Result<(), Box<dyn Error>> {
        machines::send(&self.process, Signal::TERM)?;
        match timeout(WAIT_TIMEOUT, self.process.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(self.wrong(&format!("hbd run ended with {status}"))),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(self.wrong("hbd run does not end when it is told to")),
        }
    }

    fn wrong(&self, what: &str) -> Box<dyn Error> {
        format!("{what}\n{}", self.stage.last_words(LOG)).into()
    }
}
