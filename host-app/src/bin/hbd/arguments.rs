//! The command line, defined for clap.

mod circumstances;
mod deliveries;
#[cfg(test)]
mod imperative;
mod init;
mod json;
mod parse;
mod reach;
mod route;
mod sendmail;
mod since;
mod token;

use std::path::PathBuf;

use annunciator::Severity;
use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum, builder::NonEmptyStringValueParser};
use clap_complete::Shell;
use heartbeat::api::MAX_LINES;
use heartbeat::duration::duration;

pub(crate) use circumstances::Said;
pub(crate) use deliveries::{About, Deliveries, One, Retry, Show};
pub(crate) use init::{ChannelKind, Init};
pub(crate) use reach::Reach;
pub(crate) use route::{At, Route};
pub(crate) use sendmail::{MailOptions, Sendmail};
pub(crate) use since::{Since, Until};
pub(crate) use token::{Token, TokenAction};

/// The help text that `hbd send` and `hbd notify` share.
const ONE_RULE: &str = "\
A host that is not in the configuration gets the default channels, with a warning.

Exit status: 0 when all channels were notified; 1 when one was not, or nothing could be
done; 2 when the call or the configuration is wrong: an empty message, an unknown
channel, no channel at all, or a key that was used for something else.";

/// The help text of `hbd sendmail`.
const MAIL_STATUS: &str = "\
A link to hbd that is called sendmail does the same.

Exit status: 0 when the mail was accepted; 64 when the call is wrong; 65 when the mail
cannot be used; 67 when there is no such recipient; 75 when it should be tried again;
77 when the user may not do this.";

/// Watch hosts by their heartbeats, and notify people.
#[derive(Debug, Parser)]
#[command(name = "hbd", version, max_term_width = 100)]
pub(crate) struct Arguments {
    /// Read this configuration [default: ./heartbeat.yaml, otherwise
    /// /etc/heartbeat/heartbeat.yaml]
    #[arg(short, long, value_name = "FILE", env = "HBD_CONFIG", global = true)]
    pub(crate) config: Option<PathBuf>,

    /// Search this folder for plugins; may be given several times. Only these
    /// folders and those of the configuration are searched [default: the folder
    /// of hbd, and /usr/lib/annunciator/plugins]
    #[arg(
        long,
        value_name = "DIR",
        env = "ANNUNCIATOR_PLUGIN_DIR",
        value_delimiter = ':',
        global = true
    )]
    pub(crate) plugin_dir: Vec<PathBuf>,

    /// Log more: -v for actions, -vv for every step
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub(crate) verbose: u8,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Watch hosts by their heartbeats, and notify people
    Run(Run),
    /// Show the hosts of the running monitor, and the monitor itself
    Status(Status),
    /// Explain a host's state by the running monitor's evidence
    Explain(Explain),
    /// Silence a host's notifications
    Silence(Silence),
    /// Acknowledge a problem: people see who has taken over, and are not reminded of it
    Ack(Ack),
    /// Send a message through the running monitor
    #[command(after_help = ONE_RULE)]
    Notify(Notify),
    /// Manage the tokens of the running monitor's API
    Token(Token),
    /// Reload the running monitor's configuration
    Reload(Reach),
    /// Write a first configuration, with one channel and the page
    Init(Init),
    /// Check the configuration; every problem goes to standard error
    Check,
    /// Send a message
    #[command(after_help = ONE_RULE)]
    Send(Send),
    /// Send the mail on standard input, as cron and others call sendmail
    #[command(after_help = MAIL_STATUS)]
    Sendmail(Sendmail),
    /// Test channels' settings, without delivering anything unless asked to
    Test(Test),
    /// List deliveries, or count them all; `show` shows one in full
    Deliveries(Deliveries),
    /// Retry failed or unknown deliveries
    Retry(Retry),
    /// List the channels, and how deliveries to them go
    Channels(List),
    /// List the hosts, and where their messages go
    Hosts(List),
    /// Show what would be sent where and when, without sending it
    Route(Route),
    /// List plugins by their notes, without running them
    Plugins(Plugins),
    /// Print a JSON Schema of the configuration, for editors
    Schema,
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// What to send, and to whom.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("to").required(true).args(["host", "channel", "default"])))]
pub(crate) struct Send {
    /// Notify the channels of this host, or the default channels if it has none
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) host: Option<String>,

    /// Notify this channel; may be given several times
    #[arg(long, value_name = "NAME")]
    pub(crate) channel: Vec<String>,

    /// Notify the default channels
    #[arg(long)]
    pub(crate) default: bool,

    #[command(flatten)]
    pub(crate) wording: MessageText,
}

/// A message, and how its results are printed.
#[derive(Debug, Args)]
pub(crate) struct MessageText {
    /// Set the title: one line above the message
    #[arg(long)]
    pub(crate) title: Option<String>,

    /// Set the severity: info, warning or critical
    #[arg(long, default_value = "info")]
    pub(crate) severity: Severity,

    #[command(flatten)]
    pub(crate) said: Said,

    /// Print the results as JSON
    #[arg(long)]
    pub(crate) json: bool,

    /// The message; `-` reads it from standard input
    pub(crate) message: String,
}

/// Which channels to test, and how.
#[derive(Debug, Args)]
pub(crate) struct Test {
    /// Deliver a real test message
    #[arg(long)]
    pub(crate) deliver: bool,

    /// Print the results as JSON
    #[arg(long)]
    pub(crate) json: bool,

    /// The channels [default: all]
    #[arg(value_name = "CHANNEL")]
    pub(crate) channels: Vec<String>,
}

/// How to print a list.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Print JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which plugins to list, and how.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Plugins {
    /// What to do [default: list them]
    #[command(subcommand)]
    pub(crate) action: Option<PluginsAction>,

    /// Print JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,

    /// A plugin's file, or a folder of plugins [default: those that hbd would use]
    #[arg(value_name = "PATH")]
    pub(crate) path: Option<PathBuf>,
}

/// What to do with plugins.
#[derive(Debug, Subcommand)]
pub(crate) enum PluginsAction {
    /// Pin the plugins as they are, in the lock file
    Lock(PinPlugins),
    /// Validate a plugin against the rules of the contract
    Validate(ValidatePlugin),
    /// Create a plugin project in a folder of its name
    New(NewPlugin),
}

/// What kind of project.
#[derive(Debug, Args)]
pub(crate) struct NewPlugin {
    /// The plugin's name, such as carrier-pigeon
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    /// Start from this template
    #[arg(long, value_name = "TEMPLATE", default_value = "http")]
    pub(crate) template: Template,

    /// Use the SDK in this folder, `crates/sdk` in a checkout [default: the SDK
    /// that came with hbd]
    #[arg(long, value_name = "PATH")]
    pub(crate) sdk: Option<PathBuf>,
}

/// What a project starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Template {
    /// A service over HTTP, through the host's HTTP client
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

    /// Make the checks of this level; each level includes those before it
    #[arg(long, value_name = "LEVEL", default_value = "compatible")]
    pub(crate) level: ValidateLevel,

    /// Let a plugin that reaches its remote by itself deliver: some hundred
    /// messages go to where the channels of --config lead
    #[arg(long, requires = "config")]
    pub(crate) live: bool,

    /// Read waivers from this file: checks that need not pass, each with a
    /// reason, and how the remote answers if that is unusual
    #[arg(long, value_name = "FILE")]
    pub(crate) waivers: Option<PathBuf>,

    /// Repeat the random choices of the validation that printed this number
    #[arg(long, value_name = "NUMBER")]
    pub(crate) seed: Option<u64>,

    /// Print JSON instead of lines
    #[arg(long)]
    pub(crate) json: bool,

    /// Also write the results to this file, as JUnit's XML
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
}

/// How much is asked of a plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ValidateLevel {
    /// What a host needs to load it, and to load it safely
    Must,
    /// What operators need of its configuration
    Compatible,
    /// How it behaves
    Thorough,
}

/// How to print the pinned plugins.
#[derive(Debug, Args)]
pub(crate) struct PinPlugins {
    /// Print JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,
}

/// How the monitor runs.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Write the log to standard error in this format
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
    /// One JSON object per line
    Json,
}

/// How to show the monitor's state.
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Print JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) reach: Reach,
}

/// Which host to explain, and how.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,

    /// Show at most this many lines of history and messages, up to 10000
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
    /// Silence the host for this long, such as 2h or 30m
    #[arg(long = "for", value_name = "DURATION", requires = "why", value_parser = duration)]
    pub(crate) length: Option<humantime::Duration>,

    /// Give the reason, which `hbd status` shows
    #[arg(long, value_name = "TEXT")]
    pub(crate) why: Option<String>,

    /// End the silence
    #[arg(long)]
    pub(crate) end: bool,

    #[command(flatten)]
    pub(crate) reach: Reach,

    /// The host
    pub(crate) host: String,
}

/// Which problem to acknowledge, in whose name, and for how long.
#[derive(Debug, Args)]
pub(crate) struct Ack {
    /// Name who has taken over [default: the user that runs the command]
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) by: Option<String>,

    /// Add a note, which people see
    #[arg(long, value_name = "TEXT")]
    pub(crate) note: Option<String>,

    /// Let people be reminded again after this time, such as 4h, or from a point in time on,
    /// such as "2026-11-22 14:00" (UTC)
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<Until>,

    /// Withdraw the acknowledgement of an incident, so that people are reminded again
    #[arg(long, conflicts_with_all = ["by", "note", "until"])]
    pub(crate) release: bool,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) reach: Reach,

    /// The incident, or a host: all of its open problems
    #[arg(value_name = "INCIDENT|HOST", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) target: String,
}

/// What to send through the running monitor, and to whom.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("to").required(true).args(["host", "default"])))]
pub(crate) struct Notify {
    /// Notify the channels of this host, or the default channels if it has none
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) host: Option<String>,

    /// Notify the default channels
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
