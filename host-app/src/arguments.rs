//! The command line, as clap reads it.

use std::path::PathBuf;

use annunciator::Severity;
use clap::{ArgGroup, Args, Parser, Subcommand};
use clap_complete::Shell;

/// Watches hosts by their heartbeats, and tells people.
#[derive(Debug, Parser)]
#[command(name = "hbd", version, max_term_width = 100)]
pub(crate) struct Arguments {
    /// The configuration [default: ./heartbeat.yaml, else
    /// /etc/heartbeat/heartbeat.yaml]
    #[arg(short, long, value_name = "FILE", env = "HBD_CONFIG", global = true)]
    pub(crate) config: Option<PathBuf>,

    /// A folder with plugins; may be given several times. Only named folders
    /// are searched, these and the configuration's; when none is named, that
    /// of hbd and /usr/lib/annunciator/plugins are
    #[arg(
        long,
        value_name = "DIR",
        env = "ANNUNCIATOR_PLUGIN_DIR",
        value_delimiter = ':',
        global = true
    )]
    pub(crate) plugin_dir: Vec<PathBuf>,

    /// Logs more: -v what is done, -vv every step
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub(crate) verbose: u8,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Checks the configuration; every problem goes to standard error
    Check,
    /// Sends a message
    Send(Send),
    /// Lets channels prove their settings; delivers nothing unless asked to
    Test(Test),
    /// Lists the channels
    Channels(List),
    /// Lists the hosts and where their messages go
    Hosts(List),
    /// Lists plugins; reads their notes and runs none of them
    Plugins(Plugins),
    /// Prints a JSON Schema of the configuration, for editors
    Schema,
    /// Prints completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// What to send, and to whom.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("to").required(true).args(["host", "channel", "default"])))]
pub(crate) struct Send {
    /// Tells the channels of this host
    #[arg(long, value_name = "NAME")]
    pub(crate) host: Option<String>,

    /// Tells this channel; may be given several times
    #[arg(long, value_name = "NAME")]
    pub(crate) channel: Vec<String>,

    /// Tells the default channels
    #[arg(long)]
    pub(crate) default: bool,

    /// One line above the message
    #[arg(long)]
    pub(crate) title: Option<String>,

    /// How bad it is: info, warning or critical
    #[arg(long, default_value = "info")]
    pub(crate) severity: Severity,

    /// Prints the results as JSON
    #[arg(long)]
    pub(crate) json: bool,

    /// The message; `-` reads it from standard input
    pub(crate) message: String,
}

/// Which channels to test, and how.
#[derive(Debug, Args)]
pub(crate) struct Test {
    /// Delivers a real test message
    #[arg(long)]
    pub(crate) deliver: bool,

    /// Prints the results as JSON
    #[arg(long)]
    pub(crate) json: bool,

    /// The channels; none means all
    #[arg(value_name = "CHANNEL")]
    pub(crate) channels: Vec<String>,
}

/// How to print a list.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Prints JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which plugins to list, and how.
#[derive(Debug, Args)]
pub(crate) struct Plugins {
    /// Prints JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,

    /// A plugin's file or a folder of them; none means those that hbd would use
    #[arg(value_name = "PATH")]
    pub(crate) path: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::Arguments;

    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
    }
}
