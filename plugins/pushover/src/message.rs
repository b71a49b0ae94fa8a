//! Fits a notification into the service's parameters and limits.
//!
//! Says in notes what was cut; whom it goes to is left to the provider.

use std::time::UNIX_EPOCH;

use annunciator_sdk::Notification;

use crate::config::{Config, LONGEST_TITLE};
use crate::html;
use crate::priority::{Priorities, Priority};

/// <https://pushover.net/api#limits>, in characters.
const LONGEST_MESSAGE: usize = 1024;
const LONGEST_URL: usize = 512;

/// A message but for token and user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) priority: Priority,
    /// Parameters by the service's names.
    pub(crate) fields: Vec<(&'static str, String)>,
    /// What a person should know about the way it was fitted.
    pub(crate) notes: Vec<String>,
}

/// The text has nothing in it that could be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Blank;

impl Message {
    pub(crate) fn new(notification: &Notification, config: &Config) -> Result<Self, Blank> {
        let priority = match (config.priority, &config.priorities) {
            (Some(priority), _) => priority,
            (None, Some(table)) => table.of(notification),
            (None, None) => Priorities::default().of(notification),
        };
        let mut message = Self {
            priority,
            fields: Vec::new(),
            notes: Vec::new(),
        };
        message.texts(notification, config)?;
        message.link(notification, config);
        message.put("priority", priority.number().to_string());
        if priority == Priority::EMERGENCY {
            message.emergency(config);
        } else if let Some(ttl) = config.ttl {
            message.put("ttl", ttl.to_string());
        }
        message.put_some("device", config.device.as_deref().map(without_spaces));
        message.put_some("sound", config.sound.clone());
        if config.timestamp {
            message.put_some("timestamp", unix_seconds(notification));
        }
        Ok(message)
    }

    fn put(&mut self, name: &'static str, value: String) {
        self.fields.push((name, value));
    }

    fn put_some(&mut self, name: &'static str, value: Option<String>) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.put(name, value);
        }
    }

    fn texts(&mut self, notification: &Notification, config: &Config) -> Result<(), Blank> {
        let body = printable(notification.body());
        let body = body.trim();
        if body.is_empty() {
            return Err(Blank);
        }
        let length = body.chars().count();
        let (text, cut) = if config.html {
            html::fit(body, LONGEST_MESSAGE)
        } else {
            shorten(body, LONGEST_MESSAGE)
        };
        if cut {
            self.notes.push(format!(
                "the text of {length} characters was cut to the {LONGEST_MESSAGE} of Pushover"
            ));
        }
        self.put("message", text);
        if config.html {
            self.put("html", "1".to_owned());
        }
        if config.monospace {
            self.put("monospace", "1".to_owned());
        }
        let title = config
            .title
            .as_deref()
            .or(notification.title())
            .or(notification.host());
        if let Some(title) = title {
            let (title, cut) = shorten(printable(title).trim(), LONGEST_TITLE);
            if cut {
                let note =
                    format!("the title was cut to the {LONGEST_TITLE} characters of Pushover");
                self.notes.push(note);
            }
            self.put_some("title", Some(title));
        }
        Ok(())
    }

    fn link(&mut self, notification: &Notification, config: &Config) {
        let own = notification.attribute("url");
        let fits = own.is_none_or(|url| url.chars().count() <= LONGEST_URL);
        if !fits {
            let note = "the link was left out, since it is longer than Pushover allows";
            self.notes.push(note.to_owned());
        }
        let own = own.filter(|_| fits).map(str::to_owned);
        if let Some(url) = own.or_else(|| config.url.clone()) {
            self.put_some("url", Some(url));
            self.put_some("url_title", config.url_title.clone());
        }
    }

    fn emergency(&mut self, config: &Config) {
        self.put("retry", config.retry.to_string());
        self.put("expire", config.expire.to_string());
        self.put_some("callback", config.callback.clone());
        let tags: Vec<&str> = config.tags.iter().map(|tag| tag.trim()).collect();
        self.put_some("tags", Some(tags.join(",")));
    }
}

/// The text without NUL and other control characters that no phone shows.
fn printable(text: &str) -> String {
    text.chars()
        .filter(|character| !character.is_control() || matches!(character, '\n' | '\t'))
        .collect()
}

fn shorten(text: &str, limit: usize) -> (String, bool) {
    if text.chars().nth(limit).is_none() {
        return (text.to_owned(), false);
    }
    let mut short: String = text.chars().take(limit.saturating_sub(1)).collect();
    short.push('…');
    (short, true)
}

fn without_spaces(list: &str) -> String {
    list.split(',').map(str::trim).collect::<Vec<_>>().join(",")
}

fn unix_seconds(notification: &Notification) -> Option<String> {
    let since = notification.occurred_at().duration_since(UNIX_EPOCH).ok()?;
    Some(since.as_secs().to_string()).filter(|seconds| seconds != "0")
}
