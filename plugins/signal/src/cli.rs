//! Runs signal-cli as a program: one child at a time, because signal-cli locks its data.
//!
//! It decides what the exit status and the output mean together: signal-cli writes the results
//! before it exits with a failure.

use std::{env, io::ErrorKind, os::unix::fs::MetadataExt as _, path::PathBuf, sync::Arc};

use annunciator_sdk::{Ended, Output, Program};
use serde_json::Value;
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};

use crate::{
    call::{Call, base_arguments},
    child::environment,
    config::Config,
    java::JavaProblem,
    reply::{Answer, Failure, beginning},
};

/// The name of the program in PATH.
const PROGRAM: &str = "signal-cli";

/// signal-cli as a program.
pub(crate) struct Cli {
    config: Arc<Config>,
    /// The permit to run a child, which is held until the child is reaped.
    turn: Arc<Semaphore>,
}

impl Cli {
    pub(crate) fn new(config: Arc<Config>) -> Self {
        Self {
            config,
            turn: Arc::new(Semaphore::new(1)),
        }
    }

    /// Returns whether the program is in PATH, or `cli_path` is set. Without a program, the channel
    /// can send nothing.
    pub(crate) fn is_found(&self) -> bool {
        let is_program = |folder: PathBuf| {
            let facts = folder.join(PROGRAM).metadata();
            facts.is_ok_and(|facts| facts.is_file() && facts.mode() & 0o111 != 0)
        };
        let path = env::var_os("PATH").unwrap_or_default();
        self.config.cli_path.is_some() || env::split_paths(&path).any(is_program)
    }

    /// Sends a message.
    pub(crate) async fn send(&self, call: &Call, end: Instant) -> Answer {
        let words = call.arguments(&self.config);
        let input = call.text.text.clone().into_bytes();
        let output = self.run(words, input, end).await?;
        interpret(&output)
    }

    /// Returns the registered accounts, as signal-cli lists them.
    pub(crate) async fn accounts(&self, end: Instant) -> Result<Value, Failure> {
        let mut words = base_arguments(&self.config);
        words.push("listAccounts".into());
        let output = self.run(words, Vec::new(), end).await?;
        if output.status != Some(0) {
            return Err(refused(&output, None));
        }
        serde_json::from_slice(&output.stdout)
            .map_err(|_| Failure::Garbage(beginning(&String::from_utf8_lossy(&output.stdout))))
    }

    /// Waits until no child is left, but not longer than until `end`.
    pub(crate) async fn close(&self, end: Instant) {
        let _ = timeout_at(end, self.turn.acquire()).await;
        self.turn.close();
    }

    async fn run(
        &self,
        words: Vec<std::ffi::OsString>,
        input: Vec<u8>,
        end: Instant,
    ) -> Result<Output, Failure> {
        let turn = timeout_at(end, Arc::clone(&self.turn).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else {
            return Err(Failure::NoTime);
        };
        let program = self.config.cli_path.clone();
        let program = program.unwrap_or_else(|| PathBuf::from(PROGRAM));
        let shown = program.display().to_string();
        let program = Program::new(program)
            .arguments(words)
            .environment(environment());
        let limit = end.saturating_duration_since(Instant::now());
        match program.run(input, limit, turn).await {
            Ended::Exited(output) => Ok(output),
            Ended::GivenUp => Err(Failure::TimedOut(
                "signal-cli did not end in time and was killed",
            )),
            Ended::NotStarted(error) => Err(Failure::NotStarted {
                text: format!("{shown}: {error}"),
                why: error.kind(),
            }),
        }
    }
}

fn interpret(output: &Output) -> Answer {
    let text = String::from_utf8_lossy(&output.stdout);
    let response = text
        .lines()
        .rev()
        .find_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|value| value.get("timestamp").is_some() || value.get("results").is_some())
        .and_then(|value| serde_json::from_value(value).ok());
    match (output.status, response) {
        (Some(0), Some(response)) => Ok(response),
        (Some(0), None) => Err(Failure::Garbage(beginning(&text))),
        (_, response) => Err(refused(output, response)),
    }
}

/// Returns whether a line is a frame of a stack trace.
fn is_frame(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("at ") || line.starts_with("... ")
}

/// Returns the failure of an exit status, each of which corresponds to a code of JSON-RPC.
fn refused(output: &Output, response: Option<crate::reply::Response>) -> Failure {
    let stderr = String::from_utf8_lossy(&output.stderr);
    if let Some(problem) = JavaProblem::read(&stderr) {
        return Failure::Java(problem);
    }
    // The frames of a stack trace do not help people.
    let mut lines = stderr
        .lines()
        .rev()
        .filter(|line| !line.trim().is_empty() && !is_frame(line));
    // After a usage error, suggestions may follow.
    let error = stderr
        .lines()
        .find_map(|line| line.strip_prefix("signal-cli: error: "));
    let message = beginning(error.or_else(|| lines.next()).unwrap_or_default());
    let usage = stderr.lines().any(|line| line.starts_with("usage:"));
    let code = match output.status {
        Some(1) if usage => -32602,
        Some(1) => -1,
        Some(2) => -32603,
        Some(number @ 3..=6) => -i64::from(number),
        // The status of a shell and of env for a program that they cannot run (POSIX, 2.8.2).
        Some(number @ (126 | 127)) if response.is_none() && output.stdout.is_empty() => {
            return Failure::NotStarted {
                text: format!("exit status {number}: {message}"),
                why: ErrorKind::Other,
            };
        }
        Some(number) => {
            return Failure::Lost(format!("signal-cli exited with status {number}: {message}"));
        }
        None => return Failure::Lost("a signal ended signal-cli".to_owned()),
    };
    Failure::Refused {
        code,
        message,
        response,
    }
}
