//! Converts a notification into the service's parameters, within its limits.
//!
//! Notes say what was cut. The provider adds the recipient.

use std::time::UNIX_EPOCH;

use annunciator_sdk::Notification;

use crate::config::{Config, MAX_TITLE_LENGTH};
use crate::encryption::{self, Key, NotEncrypted};
use crate::html;
use crate::priority::{Priorities, Priority};

/// The limits of the service, in characters: <https://pushover.net/api#limits>.
const MAX_MESSAGE_LENGTH: usize = 1024;
const MAX_URL_LENGTH: usize = 512;

/// A message, without the token and the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) priority: Priority,
    /// The parameters, by the service's names.
    pub(crate) fields: Vec<(&'static str, String)>,
    /// What a person should know about the conversion, such as that a text was cut.
    pub(crate) notes: Vec<String>,
}

/// The reason why there is no message to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// The text has no character that could be shown.
    Blank,
    /// The text cannot be encrypted, for this reason, and must not be sent in clear.
    Open(&'static str),
}

impl From<NotEncrypted> for Unfit {
    fn from(why: NotEncrypted) -> Self {
        Self::Open(why.0)
    }
}

impl Message {
    pub(crate) fn new(
        notification: &Notification,
        config: &Config,
        key: Option<&Key>,
    ) -> Result<Self, Unfit> {
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
        message.texts(notification, config, key)?;
        message.link(notification, config, key)?;
        if key.is_some() {
            message.put("encrypted", "1".to_owned());
        }
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

    fn texts(
        &mut self,
        notification: &Notification,
        config: &Config,
        key: Option<&Key>,
    ) -> Result<(), Unfit> {
        let body = printable(notification.body());
        let body = body.trim();
        if body.is_empty() {
            return Err(Unfit::Blank);
        }
        let length = body.chars().count();
        let (text, cut) = sealed(key, MAX_MESSAGE_LENGTH, |limit| match config.html {
            true => html::fit(body, limit),
            false => shorten(body, limit),
        })?;
        if cut {
            let also = if key.is_some() { ", encrypted" } else { "" };
            self.notes.push(format!(
                "the text of {length} characters was cut to the {MAX_MESSAGE_LENGTH} that Pushover allows{also}"
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
            let title = printable(title);
            let (title, cut) = sealed(key, MAX_TITLE_LENGTH, |limit| shorten(title.trim(), limit))?;
            if cut {
                let note = format!(
                    "the title was cut to the {MAX_TITLE_LENGTH} characters that Pushover allows"
                );
                self.notes.push(note);
            }
            self.put_some("title", Some(title));
        }
        Ok(())
    }

    fn link(
        &mut self,
        notification: &Notification,
        config: &Config,
        key: Option<&Key>,
    ) -> Result<(), Unfit> {
        let own = notification.attribute("url");
        let fits = |url: &str| match key {
            Some(_) => encryption::fits(url, MAX_URL_LENGTH),
            None => url.chars().count() <= MAX_URL_LENGTH,
        };
        let fits = own.is_none_or(fits);
        if !fits {
            let note = "the link was left out, since it is longer than Pushover allows";
            self.notes.push(note.to_owned());
        }
        let own = own.filter(|_| fits).map(str::to_owned);
        let Some(url) = own.or_else(|| config.url.clone()) else {
            return Ok(());
        };
        match key {
            // The parameter for the link's title is too short for an encrypted text, so the title
            // is left out.
            Some(key) => self.put("url", key.encrypt(&url)?),
            None => {
                self.put_some("url", Some(url));
                self.put_some("url_title", config.url_title.clone());
            }
        }
        Ok(())
    }

    fn emergency(&mut self, config: &Config) {
        self.put("retry", config.retry.to_string());
        self.put("expire", config.expire.to_string());
        self.put_some("callback", config.callback.clone());
        let tags: Vec<&str> = config.tags.iter().map(|tag| tag.trim()).collect();
        self.put_some("tags", Some(tags.join(",")));
    }
}

/// Cuts a text by `cut_to`, so that it fits into `limit` characters as it is sent, and encrypts it
/// if there is a key. Returns the text, and whether anything was cut.
fn sealed(
    key: Option<&Key>,
    limit: usize,
    cut_to: impl Fn(usize) -> (String, bool),
) -> Result<(String, bool), Unfit> {
    let Some(key) = key else {
        return Ok(cut_to(limit));
    };
    // A binary search for the longest text that fits. A longer text is never much shorter once it
    // is encrypted.
    let (mut fitting, mut too_long) = (0, limit + 1);
    while too_long - fitting > 1 {
        let middle = (fitting + too_long) / 2;
        if encryption::fits(&cut_to(middle).0, limit) {
            fitting = middle;
        } else {
            too_long = middle;
        }
    }
    let (text, cut) = cut_to(fitting);
    if text.is_empty() {
        return Ok((text, cut));
    }
    Ok((key.encrypt(&text)?, cut))
}

/// Returns the text without NUL and other control characters, which no phone shows.
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
