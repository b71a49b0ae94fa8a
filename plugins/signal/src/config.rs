//! The settings of a signal channel, and their validation, which reports what signal-cli would
//! refuse.

use std::path::PathBuf;

use annunciator_sdk::Problem;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{endpoint::Endpoint, events::Events, signs::Signs, target::Target};

/// The settings of a signal channel.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The account that sends: its phone number with country code, such as `+12025551234`, or its
    /// account ID.
    pub user: String,
    /// The recipient: a phone number with country code, an account ID, `PNI:` and an ID, or
    /// `u:name.01`. Default: none.
    #[serde(default)]
    pub recipient: Option<String>,
    /// Additional recipients, in the same forms as `recipient`. Default: none.
    #[serde(default)]
    pub recipients: Vec<String>,
    /// The usernames (`name.01`) or username links of additional recipients. Default: none.
    #[serde(default)]
    pub usernames: Vec<String>,
    /// The groups that get the message, by their base64 IDs, which `signal-cli listGroups` shows.
    /// Default: none.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Whether the account itself gets the message, as a note to self. Default: false.
    #[serde(default)]
    pub note_to_self: bool,
    /// Whether the account's own phone makes a sound for a note to self. Default: false.
    #[serde(default)]
    pub notify_self: bool,
    /// Whether the message arrives silently, without a push notification. It needs signal-cli 0.14.
    /// Default: false.
    #[serde(default)]
    pub silent: bool,
    /// Whether the title is bold. Default: false.
    #[serde(default)]
    pub styled: bool,
    /// The path of the signal-cli program. Default: `signal-cli` in PATH.
    #[serde(default)]
    #[schemars(extend("x-annunciator-file" = "execute"))]
    pub cli_path: Option<PathBuf>,
    /// The folder of signal-cli's data. Default: signal-cli's own.
    #[serde(default)]
    #[schemars(extend("x-annunciator-file" = "enter"))]
    pub config_dir: Option<PathBuf>,
    /// The address of a running daemon, which is used instead of the program: `unix:/path`,
    /// `tcp://host:port` or `http://host:port`. Default: none.
    #[serde(default)]
    pub rpc: Option<String>,
    /// Whether people acknowledge a message by a reaction or a reply that quotes it; only with a
    /// daemon, and not over https. Default: true with such a daemon.
    #[serde(default)]
    pub acknowledge: Option<bool>,
    /// The reactions that acknowledge a message, as emojis. Default: ✅, ☑, ✔, 👌, 👍, 👀.
    #[serde(default)]
    pub acknowledge_reactions: Option<Vec<String>>,
    /// The words that acknowledge a message when a reply that quotes it begins with one of them, in
    /// any case. Default: ack, acknowledged, taken, mine, on it.
    #[serde(default)]
    pub acknowledge_words: Option<Vec<String>>,
    /// The timeout in seconds for all calls of an attempt together. A program that exceeds it is
    /// killed. The attempt's own timeout takes precedence. Default: 120.
    #[serde(default = "default_timeout")]
    pub timeout: u32,
}

/// Returns more than the engine's own timeout of an attempt, unless that is raised.
fn default_timeout() -> u32 {
    120
}

impl Config {
    /// Returns whether a daemon reports what people do with a message.
    pub(crate) fn reports(&self) -> bool {
        match self.rpc.as_deref().map(Endpoint::parse) {
            Some(Ok(Endpoint::Http(url))) => Events::authority(&url).is_some(),
            Some(Ok(_)) => true,
            Some(Err(_)) | None => false,
        }
    }

    /// Returns the signs by which people acknowledge a message.
    pub(crate) fn signs(&self) -> Signs {
        let reactions = self.acknowledge_reactions.as_deref();
        Signs::new(reactions, self.acknowledge_words.as_deref())
    }

    /// Returns whether people can acknowledge a message.
    pub(crate) fn acknowledges(&self) -> bool {
        self.reports() && self.acknowledge.unwrap_or(true)
    }

    /// Returns every target of a message, once each.
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

    /// Returns every problem of these settings.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        problems.extend(Target::account_problem(&self.user, "user"));
        if self.targets().is_empty() {
            problems.push(
                Problem::error("recipient", "nobody would get the message")
                    .help("set `recipient`, `recipients`, `usernames`, `groups` or `note_to_self`"),
            );
        }
        if let Some(text) = &self.recipient {
            problems.extend(Target::recipient_problem(text, "recipient"));
        }
        for (index, text) in self.recipients.iter().enumerate() {
            let path = format!("recipients[{index}]");
            problems.extend(Target::recipient_problem(text, &path));
        }
        for (index, name) in self.usernames.iter().enumerate() {
            let path = format!("usernames[{index}]");
            problems.extend(Target::username_problem(name, &path));
        }
        for (index, id) in self.groups.iter().enumerate() {
            let path = format!("groups[{index}]");
            problems.extend(Target::group_problem(id, &path));
        }
        if self.timeout == 0 {
            problems.push(Problem::error("timeout", "must be at least 1"));
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
                        Problem::error(field, "`rpc` and this setting exclude each other")
                            .help(format!("remove `rpc` or `{field}`")),
                    );
                }
            }
        }
        self.acknowledging(&mut problems);
        problems
    }

    fn acknowledging(&self, problems: &mut Vec<Problem>) {
        if self.acknowledge == Some(true) && !self.reports() {
            problems
                .push(Problem::error("acknowledge", "needs a daemon").help(
                    "set `rpc`, such as `unix:/run/signal-cli/socket`; not an https address",
                ));
        }
        if self.acknowledges() && self.signs().is_empty() {
            problems.push(
                Problem::error("acknowledge_reactions", "leaves nothing that acknowledges").help(
                    "name a reaction, or a word in `acknowledge_words`; or set \
                     `acknowledge: false`",
                ),
            );
        }
        let lists = [
            ("acknowledge_reactions", &self.acknowledge_reactions),
            ("acknowledge_words", &self.acknowledge_words),
        ];
        for (field, list) in lists {
            if list.is_some() && !self.acknowledges() {
                problems.push(Problem::warning(field, "has no effect").help(
                    "only a daemon (`rpc`) reports reactions and replies, unless \
                     `acknowledge` is false",
                ));
            }
        }
    }
}
