//! The command line, as clap reads it.

mod circumstances;
mod deliveries;
mod json;
mod route;
mod since;

use std::path::PathBuf;

use annunciator::Severity;
use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum, builder::NonEmptyStringValueParser};
use clap_complete::Shell;
use heartbeat::control::MAX_LINES;

pub(crate) use circumstances::Said;
pub(crate) use deliveries::{About, Deliveries, One, Retry, Show};
pub(crate) use route::{At, Route};
pub(crate) use since::Since;

/// What `hbd send` and `hbd notify` have in common.
const ONE_RULE: &str = "\
A host that is not in the configuration has the default channels; a warning says so.

Exit status: 0 when all channels were told; 1 when one was not, or nothing could be
done; 2 when the call or the configuration is wrong: an empty message, an unknown
channel, no channel at all, or a key that was used for something else.";

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
    /// Watches hosts: takes their heartbeats and tells people
    Run(Run),
    /// Shows the hosts of the running monitor, and the monitor itself
    Status(Status),
    /// Says how a host came to be as it is, by the running monitor's evidence
    Explain(Explain),
    /// Tells nothing of a host for a while
    Silence(Silence),
    /// Sends a message through the running monitor
    #[command(after_help = ONE_RULE)]
    Notify(Notify),
    /// Lets the running monitor read its configuration again
    Reload(Reach),
    /// Checks the configuration; every problem goes to standard error
    Check,
    /// Sends a message
    #[command(after_help = ONE_RULE)]
    Send(Send),
    /// Lets channels prove their settings; delivers nothing unless asked to
    Test(Test),
    /// Lists deliveries, or counts them all; `show` tells all of one
    Deliveries(Deliveries),
    /// Has deliveries tried again that failed, or of which nobody knows
    Retry(Retry),
    /// Lists the channels, and how deliveries to them go
    Channels(List),
    /// Lists the hosts and where their messages go
    Hosts(List),
    /// Says what would be sent where and when, and sends nothing
    Route(Route),
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
    /// Tells the channels of this host, else the default ones
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) host: Option<String>,

    /// Tells this channel; may be given several times
    #[arg(long, value_name = "NAME")]
    pub(crate) channel: Vec<String>,

    /// Tells the default channels
    #[arg(long)]
    pub(crate) default: bool,

    #[command(flatten)]
    pub(crate) wording: MessageText,
}

/// A message, and how its results are printed.
#[derive(Debug, Args)]
pub(crate) struct MessageText {
    /// One line above the message
    #[arg(long)]
    pub(crate) title: Option<String>,

    /// How bad it is: info, warning or critical
    #[arg(long, default_value = "info")]
    pub(crate) severity: Severity,

    #[command(flatten)]
    pub(crate) said: Said,

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
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Plugins {
    /// What to do; nothing lists them
    #[command(subcommand)]
    pub(crate) action: Option<PluginsAction>,

    /// Prints JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,

    /// A plugin's file or a folder of them; none means those that hbd would use
    #[arg(value_name = "PATH")]
    pub(crate) path: Option<PathBuf>,
}

/// What to do with plugins.
#[derive(Debug, Subcommand)]
pub(crate) enum PluginsAction {
    /// Takes the plugins over as they are into the lock file
    Lock(PinPlugins),
    /// Examines whether a plugin keeps the rules of the contract
    Validate(ValidatePlugin),
    /// Writes a plugin project into a folder of its name
    New(NewPlugin),
}

/// What kind of project.
#[derive(Debug, Args)]
pub(crate) struct NewPlugin {
    /// The plugin's name, such as carrier-pigeon
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    /// What it starts from
    #[arg(long, value_name = "TEMPLATE", default_value = "http")]
    pub(crate) template: Template,

    /// The SDK's folder, `crates/sdk` in a checkout; without it, the one that
    /// came with this program
    #[arg(long, value_name = "PATH")]
    pub(crate) sdk: Option<PathBuf>,
}

/// What a project starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Template {
    /// A service over HTTP, which the host speaks for it
    Http,
    /// A protocol of its own, with a runtime of its own
    OwnRuntime,
}

/// What is examined, and how.
#[derive(Debug, Args)]
pub(crate) struct ValidatePlugin {
    /// The plugin's file
    #[arg(value_name = "PATH")]
    pub(crate) path: PathBuf,

    /// What is asked of it; each level includes those before it
    #[arg(long, value_name = "LEVEL", default_value = "compatible")]
    pub(crate) level: ValidateLevel,

    /// Lets a plugin that reaches its remote by itself deliver: some hundred
    /// messages go to where the channels of --config lead
    #[arg(long, requires = "config")]
    pub(crate) live: bool,

    /// Checks that need not be passed, each with a reason; and how the remote
    /// answers, where that is unusual
    #[arg(long, value_name = "FILE")]
    pub(crate) waivers: Option<PathBuf>,

    /// Repeats what was random in an examination that told this number
    #[arg(long, value_name = "NUMBER")]
    pub(crate) seed: Option<u64>,

    /// Prints JSON instead of lines
    #[arg(long)]
    pub(crate) json: bool,

    /// Writes the results to this file, too, as JUnit's XML
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
}

/// How much is asked of a plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ValidateLevel {
    /// What hosts need to load it at all, and without danger
    Must,
    /// What its configuration owes to operators
    Compatible,
    /// How it behaves
    Thorough,
}

/// How to say what was taken over.
#[derive(Debug, Args)]
pub(crate) struct PinPlugins {
    /// Prints JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,
}

/// How the monitor runs.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// How the log is written to standard error
    #[arg(
        long,
        value_name = "FORMAT",
        env = "HBD_LOG_FORMAT",
        default_value = "text"
    )]
    pub(crate) log_format: LogFormat,
}

/// How a log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people
    Text,
    /// An object of JSON on each line
    Json,
}

/// How to reach a running monitor.
#[derive(Debug, Args)]
pub(crate) struct Reach {
    /// The monitor's control socket [default: as the configuration has it]
    #[arg(long, value_name = "PATH", env = "HBD_CONTROL")]
    pub(crate) control: Option<PathBuf>,
}

/// How to show the monitor's state.
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Prints JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) reach: Reach,
}

/// Which host to explain, and how.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// Prints JSON
    #[arg(long)]
    pub(crate) json: bool,

    /// As many lines of history and messages, 10000 at most
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(..=i64::from(MAX_LINES)))]
    pub(crate) lines: u32,

    #[command(flatten)]
    pub(crate) reach: Reach,

    /// The host
    pub(crate) host: String,
}

/// Which host to silence, for how long, and why.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("length or end").required(true).args(["length", "end"])))]
pub(crate) struct Silence {
    /// For how long, such as 2h or 30m
    #[arg(long = "for", value_name = "DURATION", requires = "why")]
    pub(crate) length: Option<humantime::Duration>,

    /// Why, for those who wonder
    #[arg(long, value_name = "TEXT")]
    pub(crate) why: Option<String>,

    /// Ends a silence
    #[arg(long)]
    pub(crate) end: bool,

    #[command(flatten)]
    pub(crate) reach: Reach,

    /// The host
    pub(crate) host: String,
}

/// What to send through the running monitor, and to whom.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("to").required(true).args(["host", "default"])))]
pub(crate) struct Notify {
    /// Tells the channels of this host, else the default ones
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) host: Option<String>,

    /// Tells the default channels
    #[arg(long)]
    pub(crate) default: bool,

    #[command(flatten)]
    pub(crate) wording: MessageText,

    #[command(flatten)]
    pub(crate) reach: Reach,
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
