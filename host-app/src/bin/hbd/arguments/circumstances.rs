//! The options of `hbd send` and `hbd notify` that describe a message.

use std::str::FromStr;

use annunciator_monitor::timestamp;
use annunciator_web::{Circumstances, EventKind, check_attribute, check_incident, check_key};
use clap::{ArgGroup, Args};

/// The circumstances of a message, and whether it is sent at all.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("kind").args(["problem", "reminder", "recovery"])))]
pub(crate) struct Said {
    /// Mark the message as a problem: something is wrong
    #[arg(long)]
    problem: bool,

    /// Mark it as a reminder: what --incident names is still wrong
    #[arg(long, requires = "incident")]
    reminder: bool,

    /// Mark it as a recovery: what --incident names is over. It goes to those who
    /// were notified of the problem
    #[arg(long, requires = "incident")]
    recovery: bool,

    /// Set the incident: the same name for a problem, its reminders and its
    /// recovery
    #[arg(long, value_name = "ID", value_parser = incident)]
    incident: Option<String>,

    /// Set the idempotency key: the message is sent once, however often it is
    /// submitted with this key
    #[arg(long, value_name = "KEY", value_parser = key)]
    key: Option<String>,

    /// Add another fact about the event; may be given several times
    #[arg(long, value_name = "NAME=VALUE")]
    attribute: Vec<Attribute>,

    /// Set when it happened, such as "2026-11-22 14:00" (UTC) or
    /// 2026-11-22T14:00:00+01:00 [default: now]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    occurred_at: Option<i64>,

    /// Show who would be notified, or that the key was used before, without
    /// sending anything
    #[arg(long)]
    pub(crate) dry_run: bool,
}

impl Said {
    /// Returns the circumstances in the form of a request.
    ///
    /// # Errors
    /// Returns what is wrong, in a sentence.
    pub(crate) fn circumstances(&self) -> Result<Circumstances, String> {
        let kinds = [
            (self.problem, EventKind::Problem),
            (self.reminder, EventKind::Reminder),
            (self.recovery, EventKind::Recovery),
        ];
        let attributes = self.attribute.iter().cloned();
        let circumstances = Circumstances {
            kind: { kinds.into_iter() }.find_map(|(is_said, kind)| is_said.then_some(kind)),
            incident: self.incident.clone(),
            key: self.key.clone(),
            attributes: attributes.map(|one| (one.name, one.value)).collect(),
            occurred_at_ms: self.occurred_at,
        };
        circumstances.check()?;
        Ok(circumstances)
    }
}

/// An attribute: `NAME=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Attribute {
    name: String,
    value: String,
}

impl FromStr for Attribute {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| "write NAME=VALUE, such as path=/var".to_owned())?;
        check_attribute(name, value)?;
        let (name, value) = (name.to_owned(), value.to_owned());
        Ok(Self { name, value })
    }
}

fn incident(text: &str) -> Result<String, String> {
    check_incident(text)?;
    Ok(text.to_owned())
}

fn key(text: &str) -> Result<String, String> {
    check_key(text)?;
    Ok(text.to_owned())
}

fn moment(text: &str) -> Result<i64, String> {
    timestamp::parse_timestamp(text).ok_or_else(|| {
        "write when, such as \"2026-11-22 14:00\" (UTC) or 2026-11-22T14:00:00+01:00".to_owned()
    })
}
