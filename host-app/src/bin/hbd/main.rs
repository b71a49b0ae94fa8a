//! `hbd`: the heartbeat monitor's command line.
//!
//! Reads the arguments, sets up the log, and runs a command. The exit status of every
//! command is 0 on success, 1 when something was not delivered or a check failed, and 2
//! when the call or the configuration has a mistake.

mod arguments;
mod beside;
mod commands;
mod log;
mod outbox;
mod output;
mod problems;
mod setup;

use std::process::ExitCode;

use crate::{
    arguments::{Arguments, Command},
    output::Output,
};

/// The result of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Success.
    Ok,
    /// Something was not delivered, or a check failed.
    Failed,
    /// The call or the configuration has a mistake.
    Wrong,
    /// Another status, for callers that know no other: those of sendmail.
    Status(u8),
    /// A signal of this number ended it.
    Interrupted(u8),
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Ok => 0,
            Exit::Failed => 1,
            Exit::Wrong => 2,
            Exit::Status(status) => status,
            // The convention of shells.
            Exit::Interrupted(signal) => 128 + signal,
        })
    }
}

/// Handles an invalid command line, or a request for help.
fn misused(error: &clap::Error) -> ExitCode {
    let mut typed = std::env::args_os().skip(1).take_while(|word| word != "--");
    let is_json = error.use_stderr() && typed.any(|word| word == "--json");
    let output = Output::new(is_json);
    if is_json {
        let text = error.to_string();
        let text = output::printable_lines(text.trim_end());
        output.failed(output::ErrorDetails::of_usage(&text), &text);
    } else {
        // If this fails, nobody reads the output.
        let _ = error.print();
    }
    let exit = if error.use_stderr() {
        Exit::Wrong
    } else {
        Exit::Ok
    };
    output.finish(exit);
    exit.into()
}

fn main() -> ExitCode {
    annunciator::worker::run_if_asked();
    annunciator_validator::run_if_asked();
    let arguments = match Arguments::of_call() {
        Ok(arguments) => arguments,
        Err(error) => return misused(&error),
    };
    // Dropped at the end, so that the last lines are written.
    let log = log::install(&arguments);
    let output = Output::new(arguments.command.is_json());
    let exit = match &arguments.command {
        Command::Run(_) => commands::run::run(&arguments, log.as_ref(), &output),
        Command::Status(status) => commands::control::status(&arguments, status, &output),
        Command::Explain(explain) => commands::control::explain(&arguments, explain, &output),
        Command::Silence(silence) => commands::control::silence(&arguments, silence, &output),
        Command::Ack(ack) => commands::control::ack(&arguments, ack, &output),
        Command::Notify(notify) => commands::control::notify(&arguments, notify, &output),
        Command::Token(token) => commands::token::run(&arguments, token, &output),
        Command::Reload(reach) => commands::control::reload(&arguments, reach, &output),
        Command::Init(init) => commands::init::run(&arguments, init, &output),
        Command::Check => commands::check::run(&arguments, &output),
        Command::Send(send) => commands::send::run(&arguments, send, &output),
        Command::Sendmail(call) => commands::sendmail::run(&arguments, call, &output),
        Command::Test(test) => commands::test::run(&arguments, test, &output),
        Command::Deliveries(deliveries) => {
            commands::deliveries::run(&arguments, deliveries, &output)
        }
        Command::Retry(retry) => commands::retry::run(&arguments, retry, &output),
        Command::Channels(list) => commands::channels::run(&arguments, list, &output),
        Command::Hosts(list) => commands::hosts::run(&arguments, list, &output),
        Command::Route(route) => commands::route::run(&arguments, route, &output),
        Command::Plugins(plugins) => commands::plugins::run(&arguments, plugins, &output),
        Command::Schema => commands::schema::run(&arguments, &output),
        Command::Completions { shell } => commands::completions::run(*shell, &output),
    };
    output.finish(exit);
    if output.is_lost() && exit == Exit::Ok {
        output.error("the result could not be written to standard output");
        return Exit::Failed.into();
    }
    exit.into()
}
