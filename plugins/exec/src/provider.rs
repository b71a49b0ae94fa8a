//! One open exec channel: a program is run for each attempt.

use std::{sync::Arc, time::Duration};

use annunciator_sdk::{
    Check, Delivery, Ended, Fault, Host, OpenError, Outcome, OwnRuntime, Problem, Program,
    Provider, redacted,
};
use tokio::{sync::Semaphore, time::timeout};

use crate::{config::Config, message::document, outcome::of_output};

/// So many programs of one channel run at once.
const MAX_CONCURRENT_PROGRAMS: usize = 8;
/// A program is asked to end so long before it is made to.
const TERMINATION_TIMEOUT: Duration = Duration::from_secs(2);
/// What ending and reporting take of an attempt's time: a tenth within these.
const MARGIN: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));
/// How long a check may take.
const CHECK_TIMEOUT: Duration = Duration::from_secs(20);
/// So many lines of its standard error are logged.
const MAX_LINES: usize = 20;

/// An exec channel.
pub struct Exec {
    config: Config,
    runtime: OwnRuntime,
    /// Held by each program until it is reaped.
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
                let detail = format!("it did not end within {seconds} s, and was ended");
                all(&|target| Outcome::unknown(target, Fault::Plugin, &detail))
            }
            Ok(Ended::NotStarted(error)) => {
                // Nothing was sent, and who exchanges a program puts it back.
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
                "{} is there; only the first message will show whether it works",
                self.config.program
            );
            return Check::ok(detail);
        };
        let secrets = self.config.secrets();
        match self.run(arguments, Vec::new(), CHECK_TIMEOUT).await {
            Ok(Ended::Exited(output)) if output.status == Some(0) => {
                Check::ok(format!("{} says that all is well", self.config.program))
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
                Check::failed(Fault::Plugin, format!("it did not end within {seconds} s"))
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
        // Programs that are asked to end have their time; then they are made to.
        let ended = self.runtime.run(async move {
            let all = u32::try_from(MAX_CONCURRENT_PROGRAMS).unwrap_or(u32::MAX);
            timeout(TERMINATION_TIMEOUT, places.acquire_many_owned(all))
                .await
                .is_ok()
        });
        if ended.await != Ok(true) {
            tracing::warn!("programs were ended that did not end when they were asked to");
        }
        self.runtime.close().await;
    }
}

impl Exec {
    /// Runs the program, once there is a place for it.
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
                return Err("all places for programs were taken for too long".to_owned());
            };
            let left = limit.saturating_sub(begun.elapsed());
            Ok(program.run(input, left, place).await)
        });
        running.await.unwrap_or_else(|error| Err(error.to_string()))
    }
}

/// What a program says of itself on its standard error.
fn log(output: &[u8], secrets: &[String]) {
    let text = String::from_utf8_lossy(output);
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    for line in lines.take(MAX_LINES) {
        tracing::info!("the program says: {}", redacted(line, secrets));
    }
}
