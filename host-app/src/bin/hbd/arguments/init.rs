//! The arguments of `hbd init`.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, ValueEnum};

/// What the first configuration has.
#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Notify people through a channel of this type
    #[arg(long, value_name = "TYPE")]
    pub(crate) channel: Option<ChannelKind>,

    /// Set a setting of the channel; may be given several times. A value such as
    /// env:NAME, file:PATH or credential:NAME is read from there
    #[arg(long, value_name = "KEY=VALUE", value_parser = setting)]
    pub(crate) set: Vec<(String, String)>,

    /// Serve the page at this address
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9680")]
    pub(crate) listen: SocketAddr,

    /// Keep the state and the control socket in this folder, which must exist
    /// [default: the folder of FILE]
    #[arg(long, value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,

    /// Ask nothing: take the options and the defaults
    #[arg(short, long)]
    pub(crate) yes: bool,

    /// The file to write [default: that of --config, otherwise ./heartbeat.yaml]
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
}

/// The channel types for which the questions are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ChannelKind {
    /// Mails, by an SMTP server
    Email,
    /// Pushover, for phones
    Pushover,
    /// Signal, by signal-cli
    Signal,
    /// Mattermost, by an incoming webhook
    Mattermost,
    /// Any service that takes an HTTP request
    Webhook,
    /// Any program
    Exec,
}

impl ChannelKind {
    /// Returns the name of the channel type in the configuration.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Pushover => "pushover",
            Self::Signal => "signal",
            Self::Mattermost => "mattermost",
            Self::Webhook => "webhook",
            Self::Exec => "exec",
        }
    }
}

/// Reads a setting.
fn setting(text: &str) -> Result<(String, String), String> {
    let is_key = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() && key.chars().all(is_key) => {
            Ok((key.to_owned(), value.to_owned()))
        }
        _ => Err("write KEY=VALUE, such as sender=hbd@example.org".to_owned()),
    }
}
