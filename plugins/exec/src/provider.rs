//! An open exec channel, which runs the program once for each attempt.

use std::{sync::Arc, time::Duration};

use annunciator_sdk::{
    Check, Delivery, Ended, Fault, Host, OpenError, Outcome, OwnRuntime, Problem, Program,
    Provider, redacted,
};
use tokio::{sync::Semaphore, time::timeout};

use crate::{config::Config, message::document, outcome::of_output};

/// The maximum number of programs of one channel that run at once.
const MAX_CONCURRENT_PROGRAMS: usize = 8;
/// How long a program may take to end once it is asked to (SIGTERM); then it is killed (SIGKILL).
const TERMINATION_TIMEOUT: Duration = Duration::from_secs(2);
/// The bounds of the time that is reserved for ending the program and reporting: a tenth of the
/// attempt's time, and at least the first and at most the second.
const MARGIN: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));
/// The maximum duration of a check.
const CHECK_TIMEOUT: Duration = Duration::from_secs(20);
/// The maximum number of lines of a program's standard error that are logged.
const MAX_LINES: usize = 20;

/// An exec channel.
pub struct Exec {
    config: Config,
    runtime: OwnRuntime,
    /// The slots for programs. Each program occupies one until it is reaped.
    places: Arc<Semaphore>,
}

impl Provider for Exec {
    const TYPE: &'static str = "exec";
    const SUMMARY: &'static str = "Runs a program of your own for each message.";
    const EXAMPLE: &'static str = "type: exec\nprogram: /usr/local/bin/tell\n";
    const OWN_RUNTIME: bool = true;
    type Config = Config;

    fn validate(config: &Config) -> Vec<Problem> {
        config.problems()
    }

    async fn open(config: Config, _: Host) -> Result<Self, OpenError> {
        if let Some(problem) = config.problems().iter().find(|found| found.is_error()) {
            let detail = format!("{} {}", problem.path(), problem.message());
            return Err(OpenError::new(Fault::Config, detail));
        }
        if let Some(problem) = config.problem() {
            return Err(OpenError::new(Fault::Config, problem));
        }
        Ok(Self {
            config,
            runtime: OwnRuntime::of::<Self>(),
            places: Arc::new(Semaphore::new(MAX_CONCURRENT_PROGRAMS)),
        })
    }

    async fn deliver(&self, delivery: &Delivery) -> Vec<Outcome> {
        let targets = self.config.target_names().into_iter();
        let targets: Vec<String> = targets.filter(|target| delivery.wants(target)).collect();
        if targets.is_empty() {
            return Vec::new();
        }
        let input = document(&self.config, delivery, &targets);
        let limit = delivery.timeout();
        let limit = limit.saturating_sub((limit / 10).clamp(MARGIN.0, MARGIN.1));
        let all = |outcome: &dyn Fn(&str) -> Outcome| {
            let targets = targets.iter();
            targets.map(|target| outcome(target)).collect()
        };
        match self.run(&self.config.arguments, input, limit).await {
            Ok(Ended::Exited(output)) => {
                let secrets = self.config.secrets();
                log(&output.stderr, &secrets);
                of_output(&targets, &output, &secrets)
            }
            Ok(Ended::GivenUp) => {
                let seconds = limit.as_secs();
                let detail =
                    format!("the program did not end within {seconds} s, and was terminated");
                all(&|target| Outcome::unknown(target, Fault::Plugin, &detail))
            }
            Ok(Ended::NotStarted(error)) => {
                // A retry, since nothing was sent, and a program that is being replaced returns.
                let detail = format!("{} cannot be started: {error}", self.config.program);
                all(&|target| Outcome::retry(target, Fault::Config, &detail))
            }
            Err(detail) => all(&|target| Outcome::retry(target, Fault::Host, &detail)),
        }
    }

    async fn check(&self) -> Check {
        if let Some(problem) = self.config.problem() {
            return Check::failed(Fault::Config, problem);
        }
        let Some(arguments) = &self.config.check_arguments else {
            let detail = format!(
                "{} exists; only the first message will show whether it works",
                self.config.program
            );
            return Check::ok(detail);
        };
        let secrets = self.config.secrets();
        match self.run(arguments, Vec::new(), CHECK_TIMEOUT).await {
            Ok(Ended::Exited(output)) if output.status == Some(0) => {
                Check::ok(format!("{} reports success", self.config.program))
            }
            Ok(Ended::Exited(output)) => {
                let target = self.config.target_names();
                let outcome = of_output(&target, &output, &secrets);
                let first = outcome.first();
                let detail = first.map_or_else(String::new, |one| one.raw().detail.to_string());
                let fault = first.and_then(Outcome::fault).unwrap_or(Fault::Config);
                Check::failed(fault, detail)
            }
            Ok(Ended::GivenUp) => {
                let seconds = CHECK_TIMEOUT.as_secs();
                Check::failed(
                    Fault::Plugin,
                    format!("the program did not end within {seconds} s"),
                )
            }
            Ok(Ended::NotStarted(error)) => {
                let detail = format!("{} cannot be started: {error}", self.config.program);
                Check::failed(Fault::Config, redacted(&detail, &secrets))
            }
            Err(detail) => Check::failed(Fault::Host, detail),
        }
    }

    async fn close(&self) {
        let places = Arc::clone(&self.places);
        // Programs that were asked to end may take their time; closing the runtime kills the rest.
        let ended = self.runtime.run(async move {
            let all = u32::try_from(MAX_CONCURRENT_PROGRAMS).unwrap_or(u32::MAX);
            timeout(TERMINATION_TIMEOUT, places.acquire_many_owned(all))
                .await
                .is_ok()
        });
        if ended.await != Ok(true) {
            tracing::warn!("programs that did not end when they were asked to were killed");
        }
        self.runtime.close().await;
    }
}

impl Exec {
    /// Runs the program once a slot is free. `limit` is the time for both.
    ///
    /// # Errors
    /// A sentence for people, if no slot becomes free in time or the runtime is closed.
    async fn run(
        &self,
        arguments: &[String],
        input: Vec<u8>,
        limit: Duration,
    ) -> Result<Ended, String> {
        let program = Program::new(&self.config.program)
            .arguments(arguments)
            .environment(self.config.variables())
            .folder(self.config.folder.as_deref().unwrap_or("/"))
            .asked_to_end(TERMINATION_TIMEOUT);
        let places = Arc::clone(&self.places);
        let running = self.runtime.run(async move {
            let begun = tokio::time::Instant::now();
            let place = timeout(limit, places.acquire_owned()).await;
            let Ok(Ok(place)) = place else {
                return Err("all slots for programs were taken for too long".to_owned());
            };
            let left = limit.saturating_sub(begun.elapsed());
            Ok(program.run(input, left, place).await)
        });
        running.await.unwrap_or_else(|error| Err(error.to_string()))
    }
}

/// Logs what the program wrote to its standard error, without secrets.
fn log(output: &[u8], secrets: &[String]) {
    let text = String::from_utf8_lossy(output);
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    for line in lines.take(MAX_LINES) {
        tracing::info!("the program says: {}", redacted(line, secrets));
    }
}
