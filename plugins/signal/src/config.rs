//! The settings of a signal channel, and what in them signal-cli would refuse.

use std::path::PathBuf;

use annunciator_sdk::Problem;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{endpoint::Endpoint, target::Target};

/// The settings of a signal channel.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The account that sends: its number with country code, such as
    /// `+12025551234`, or its account id.
    pub user: String,
    /// Who gets the message: a number with country code, an account id, or
    /// `u:name.01`.
    #[serde(default)]
    pub recipient: Option<String>,
    /// More who get it.
    #[serde(default)]
    pub recipients: Vec<String>,
    /// Usernames (`name.01`) or username links that get it.
    #[serde(default)]
    pub usernames: Vec<String>,
    /// Groups that get it, by the base64 id that `signal-cli listGroups` shows.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Whether the account itself gets it, as a note to self.
    #[serde(default)]
    pub note_to_self: bool,
    /// Whether the account's own phone makes a sound for a note to self.
    #[serde(default)]
    pub notify_self: bool,
    /// Whether it comes without a push, silently; needs signal-cli 0.14.
    #[serde(default)]
    pub silent: bool,
    /// Whether the title is bold.
    #[serde(default)]
    pub styled: bool,
    /// The program; found in PATH unless a path is given.
    #[serde(default)]
    #[schemars(extend("x-annunciator-file" = "execute"))]
    pub cli_path: Option<PathBuf>,
    /// The folder of signal-cli's data, if not its own default.
    #[serde(default)]
    #[schemars(extend("x-annunciator-file" = "enter"))]
    pub config_dir: Option<PathBuf>,
    /// A running daemon to use instead of the program: `unix:/path`,
    /// `tcp://host:port` or `http://host:port`.
    #[serde(default)]
    pub rpc: Option<String>,
    /// Seconds after which a call is given up and the program ended; the
    /// attempt's own end comes first.
    #[serde(default = "default_timeout")]
    pub timeout: u32,
}

/// Longer than the engine's own limit for an attempt, unless that is raised.
fn default_timeout() -> u32 {
    120
}

impl Config {
    /// Everybody who gets the message, each once.
    pub(crate) fn targets(&self) -> Vec<Target> {
        let mut targets: Vec<Target> = Vec::new();
        let own = self.note_to_self.then_some(Target::NoteToSelf);
        let all = self
            .recipient
            .iter()
            .chain(&self.recipients)
            .map(|text| Target::Recipient(text.clone()))
            .chain(
                self.usernames
                    .iter()
                    .map(|name| Target::Username(name.clone())),
            )
            .chain(own)
            .chain(self.groups.iter().map(|id| Target::Group(id.clone())));
        for target in all {
            if !targets.contains(&target) {
                targets.push(target);
            }
        }
        targets
    }

    /// Every problem of these settings.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        shape(Target::account_problem(&self.user), "user", &mut problems);
        if self.targets().is_empty() {
            problems.push(
                Problem::error("recipient", "nobody would get the message")
                    .help("name a `recipient`, or `recipients`, `usernames` or `groups`"),
            );
        }
        if let Some(text) = &self.recipient {
            shape(Target::recipient_problem(text), "recipient", &mut problems);
        }
        for (index, text) in self.recipients.iter().enumerate() {
            let path = format!("recipients[{index}]");
            shape(Target::recipient_problem(text), &path, &mut problems);
        }
        for (index, name) in self.usernames.iter().enumerate() {
            let path = format!("usernames[{index}]");
            shape(Target::username_problem(name), &path, &mut problems);
        }
        for (index, id) in self.groups.iter().enumerate() {
            let path = format!("groups[{index}]");
            shape(Target::group_problem(id), &path, &mut problems);
        }
        if self.timeout == 0 {
            problems.push(Problem::error("timeout", "at least 1 is wanted"));
        }
        if self
            .cli_path
            .as_ref()
            .is_some_and(|path| path.as_os_str().is_empty())
        {
            problems.push(Problem::error("cli_path", "the path is empty"));
        }
        if let Some(rpc) = &self.rpc {
            if let Err(error) = Endpoint::parse(rpc) {
                problems.push(Problem::error("rpc", error).help(
                    "write `unix:/run/signal-cli/socket`, `tcp://localhost:7583` or \
                     `http://localhost:8080`",
                ));
            }
            for (field, set) in [
                ("cli_path", self.cli_path.is_some()),
                ("config_dir", self.config_dir.is_some()),
            ] {
                if set {
                    problems.push(
                        Problem::error(
                            field,
                            "a running daemon and the program exclude each other",
                        )
                        .help(format!("remove `rpc` or `{field}`")),
                    );
                }
            }
        }
        problems
    }
}

fn shape(problem: Option<Problem>, path: &str, problems: &mut Vec<Problem>) {
    if let Some(problem) = problem {
        let placed = if problem.is_error() {
            Problem::error(path, problem.message())
        } else {
            Problem::warning(path, problem.message())
        };
        problems.push(placed.help(
            "a number is written with its country code, such as `+12025551234`, without spaces",
        ));
    }
}
