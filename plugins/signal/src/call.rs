//! A call of `send`: its targets, and its form on the command line and in JSON-RPC.
//!
//! All single recipients share a call. Each group has its own call, because a group that signal-cli
//! cannot send to makes it forget the results of all.

use std::ffi::OsString;

use serde_json::{Map, Value, json};

use crate::{config::Config, message::Text, target::Target};

/// Returns the text of a target of one kind.
type Pick = fn(&Target) -> Option<&String>;

/// One call of `send`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) targets: Vec<Target>,
    pub(crate) text: Text,
}

impl Call {
    /// Returns the calls that these targets need.
    pub(crate) fn split(targets: Vec<Target>, text: &Text) -> Vec<Self> {
        let (groups, singles): (Vec<Target>, Vec<Target>) = targets
            .into_iter()
            .partition(|target| matches!(target, Target::Group(_)));
        let singles = (!singles.is_empty()).then_some(singles);
        let groups = groups.into_iter().map(|group| vec![group]);
        singles
            .into_iter()
            .chain(groups)
            .map(|targets| Self {
                targets,
                text: text.clone(),
            })
            .collect()
    }

    /// Returns the program's arguments. They do not contain the text, which goes to standard input,
    /// where no process list shows it.
    pub(crate) fn arguments(&self, config: &Config) -> Vec<OsString> {
        let mut words = base_arguments(config);
        words.splice(0..0, ["-a".into(), OsString::from(&config.user)]);
        words.extend(["send", "--message-from-stdin"].map(OsString::from));
        let of = |pick: Pick| -> Vec<OsString> {
            self.targets
                .iter()
                .filter_map(pick)
                .map(OsString::from)
                .collect()
        };
        let own = self.targets.contains(&Target::NoteToSelf);
        for (flag, set) in [
            ("--note-to-self", own),
            ("--notify-self", own && config.notify_self),
            ("--no-urgent", config.silent),
        ] {
            if set {
                words.push(flag.into());
            }
        }
        // The options after the recipients consume every argument that follows.
        words.extend(of(recipient));
        for (option, values) in [
            ("-u", of(username)),
            ("-g", of(group)),
            (
                "--text-style",
                self.text.style().map(OsString::from).into_iter().collect(),
            ),
        ] {
            if !values.is_empty() {
                words.push(option.into());
                words.extend(values);
            }
        }
        words
    }

    /// Returns the parameters for JSON-RPC.
    pub(crate) fn parameters(&self, config: &Config) -> Value {
        let mut parameters = Map::new();
        let mut put = |key: &str, value: Value| parameters.insert(key.to_owned(), value);
        put("account", json!(config.user));
        put("message", json!(self.text.text));
        let lists: [(&str, Pick); 3] = [
            ("recipient", recipient),
            ("username", username),
            ("groupId", group),
        ];
        for (key, pick) in lists {
            let values: Vec<&String> = self.targets.iter().filter_map(pick).collect();
            if !values.is_empty() {
                put(key, json!(values));
            }
        }
        if self.targets.contains(&Target::NoteToSelf) {
            put("noteToSelf", json!(true));
            if config.notify_self {
                put("notifySelf", json!(true));
            }
        }
        if config.silent {
            put("noUrgent", json!(true));
        }
        if let Some(style) = self.text.style() {
            put("textStyle", json!([style]));
        }
        Value::Object(parameters)
    }
}

/// Returns the options in front of every command. Results are requested as JSON, so that they can
/// be read even if the call fails.
pub(crate) fn base_arguments(config: &Config) -> Vec<OsString> {
    let mut words = vec![OsString::from("-o"), OsString::from("json")];
    if let Some(folder) = &config.config_dir {
        words.push("-c".into());
        words.push(folder.into());
    }
    words
}

fn recipient(target: &Target) -> Option<&String> {
    match target {
        Target::Recipient(text) => Some(text),
        _ => None,
    }
}

fn username(target: &Target) -> Option<&String> {
    match target {
        Target::Username(name) => Some(name),
        _ => None,
    }
}

fn group(target: &Target) -> Option<&String> {
    match target {
        Target::Group(id) => Some(id),
        _ => None,
    }
}
