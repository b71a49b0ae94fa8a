//! The workspace's own commands, with cargo aliases: `cargo demo` is `cargo xtask demo`.

#![expect(clippy::print_stdout, reason = "a command line prints")]

mod bench;
mod build;
mod crash;
mod demo;
mod dist;
mod soak;

use std::{error::Error, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

/// The workspace's own commands.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Shows messages that arrive on all four types of channel, sent by hand and by the monitor
    /// of three simulated machines; nothing leaves this machine
    Demo {
        /// Keep the monitor's page open afterwards, until Ctrl-C
        #[arg(long)]
        stay: bool,
    },
    /// Builds hbd and its plugins in release mode, and copies them into one folder
    Dist {
        /// The folder; it is created if it does not exist
        #[arg(default_value = "target/dist")]
        folder: PathBuf,
    },
    /// Kills an engine repeatedly while it delivers and its disk fails, and reports what was
    /// lost; see RELIABILITY.md
    Crash {
        /// The number of rounds
        #[arg(long, default_value_t = 200)]
        rounds: u32,
        /// The seed of a run to repeat
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Has an engine accept and deliver notifications for a long time, and reports what it uses
    /// meanwhile; see RELIABILITY.md
    Soak {
        /// The number of notifications
        #[arg(long, default_value_t = 1_000_000)]
        notifications: u64,
    },
    /// Runs the benchmarks and prints their table; see BENCHMARKS.md
    Bench {
        /// Only these sections: dispatch, http, mail, config, idle, datagrams, hosts, store,
        /// kept, plugins
        sections: Vec<String>,
    },
}

fn main() -> ExitCode {
    let done: Result<(), Box<dyn Error>> = match Arguments::parse().command {
        Command::Demo { stay } => demo::run(stay),
        Command::Dist { folder } => dist::run(&folder),
        Command::Crash { rounds, seed } => crash::run(rounds, seed).map_err(Into::into),
        Command::Soak { notifications } => soak::run(notifications).map_err(Into::into),
        Command::Bench { sections } => bench::run(&sections).map_err(Into::into),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
