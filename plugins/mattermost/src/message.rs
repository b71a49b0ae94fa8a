//! The conversion of a notification into posts, within the server's limits.
//!
//! Notes say what was cut. `webhook` and `bot` send the posts.

use annunciator_sdk::Notification;
use serde_json::{Map, Value, json};

use crate::config::Config;
use crate::mentions;
use crate::style::Mentions;

/// The maximum number of characters of a post, after which the server begins another one:
/// <https://developers.mattermost.com/integrate/webhooks/incoming/>.
pub(crate) const MAX_POST_LENGTH: usize = 16_383;

/// The maximum number of posts of one message. With four bytes a character, the message stays below
/// the 300,000 bytes that a server accepts in one request.
const MAX_POSTS: usize = 4;

/// The maximum length of a text beside a coloured bar, in characters. Older servers keep only 8,000
/// characters of all attachments.
const MAX_ATTACHMENT_LENGTH: usize = 4_000;

/// The maximum length of the text that a phone shows instead of an attachment, in characters.
const MAX_FALLBACK_LENGTH: usize = 250;

const MAX_TITLE_LENGTH: usize = 250;
const MAX_FIELD_LENGTH: usize = 300;
const MAX_FIELDS: usize = 20;

/// The name of the attribute that is shown as a link.
const LINK: &str = "url";
/// The attribute with an address by which somebody takes over, for whom a message is meant: the bot
/// has ways of its own, and a channel may have many readers.
const ACKNOWLEDGE: &str = "acknowledge_url";

/// A message, which is a post or several posts in a row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Message {
    /// The texts of the posts. If there is only one and an attachment, it may be empty.
    pub(crate) parts: Vec<String>,
    /// The attachment of the last post.
    pub(crate) attachment: Option<Value>,
    /// The text of the side panel.
    pub(crate) card: Option<String>,
    pub(crate) priority: Option<Value>,
    pub(crate) notes: Vec<String>,
}

/// The error for a text with no character that could be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Blank;

impl Message {
    pub(crate) fn new(notification: &Notification, config: &Config) -> Result<Self, Blank> {
        let quiet = |text: &str| {
            let text = printable(text);
            match config.mentions {
                Mentions::Neutralise => mentions::neutralise(&text),
                Mentions::Allow => text,
            }
        };
        let body = quiet(notification.body());
        let body = body.trim();
        if body.is_empty() {
            return Err(Blank);
        }
        let mut notes = Vec::new();
        let title = notification.title().or(notification.host());
        let title = title.map(|title| shorten(quiet(title).trim(), MAX_TITLE_LENGTH));
        let beside_bar = config.attachment && body.chars().count() <= MAX_ATTACHMENT_LENGTH;
        let text = match (&title, config.attachment) {
            _ if beside_bar => String::new(),
            (Some(title), false) => format!("**{title}**\n{body}"),
            _ => body.to_owned(),
        };
        let attachment = config.attachment.then(|| {
            let text = if beside_bar { body } else { "" };
            attachment(notification, config, title.as_deref(), text, body, &quiet)
        });
        Ok(Self {
            parts: split(&text, &mut notes),
            attachment,
            card: config.card.then(|| card(notification, &quiet)),
            priority: priority(notification, config),
            notes,
        })
    }

    /// Returns the whole text, which the server splits at the same places as `parts`.
    pub(crate) fn text(&self) -> String {
        self.parts.concat()
    }

    /// Returns the props of a part, by its index.
    pub(crate) fn props(&self, part: usize) -> Map<String, Value> {
        let mut props = Map::new();
        if part + 1 == self.parts.len()
            && let Some(attachment) = &self.attachment
        {
            props.insert("attachments".to_owned(), json!([attachment]));
        }
        if let Some(card) = &self.card {
            props.insert("card".to_owned(), json!(card));
        }
        props
    }
}

fn split(text: &str, notes: &mut Vec<String>) -> Vec<String> {
    if text.len() <= MAX_POST_LENGTH {
        return vec![text.to_owned()];
    }
    let mut characters: Vec<char> = text.chars().collect();
    let most = MAX_POSTS * MAX_POST_LENGTH;
    if characters.len() > most {
        notes.push(format!(
            "the text of {} characters was cut to {most}, which are {MAX_POSTS} posts",
            characters.len()
        ));
        characters.truncate(most - 1);
        characters.push('…');
    }
    let parts: Vec<String> = characters
        .chunks(MAX_POST_LENGTH)
        .map(|part| part.iter().collect())
        .collect();
    if parts.len() > 1 {
        notes.push(format!("the text was split into {} posts", parts.len()));
    }
    parts
}

fn attachment(
    notification: &Notification,
    config: &Config,
    title: Option<&str>,
    text: &str,
    body: &str,
    quiet: &impl Fn(&str) -> String,
) -> Value {
    let first = body.lines().next().unwrap_or_default();
    let fallback = match title {
        Some(title) => format!("{title}: {first}"),
        None => first.to_owned(),
    };
    let mut attachment = json!({
        "color": config.colors.of(notification),
        "fallback": shorten(&fallback, MAX_FALLBACK_LENGTH),
    });
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            attachment[name] = value;
        }
    };
    put("title", title.map(Value::from));
    let link = notification.attribute(LINK).filter(|url| is_web(url));
    put("title_link", link.map(Value::from));
    put("text", Some(Value::from(text)).filter(|_| !text.is_empty()));
    put("footer", config.footer.as_deref().map(Value::from));
    if config.fields {
        let fields: Vec<Value> = notification
            .attributes()
            .filter(|(name, _)| ![LINK, ACKNOWLEDGE].contains(name))
            .take(MAX_FIELDS)
            .map(|(name, value)| {
                let value = shorten(&quiet(value), MAX_FIELD_LENGTH);
                json!({"short": true, "title": quiet(name), "value": value})
            })
            .collect();
        put("fields", (!fields.is_empty()).then(|| Value::from(fields)));
    }
    attachment
}

/// Returns the text of the side panel: all that is known, as a Markdown table.
fn card(notification: &Notification, quiet: &impl Fn(&str) -> String) -> String {
    let severity = notification.severity().name();
    let known = [
        ("severity", Some(severity)),
        ("host", notification.host()),
        ("incident", notification.incident()),
        ("notification", Some(notification.id())),
    ];
    let known = known
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    let attributes = notification.attributes();
    let attributes = attributes.filter(|(name, _)| *name != ACKNOWLEDGE);
    let mut table = String::from("| what | value |\n| --- | --- |\n");
    for (name, value) in known.chain(attributes.take(MAX_FIELDS)) {
        let cell = |text: &str| {
            let text = shorten(&quiet(text), MAX_FIELD_LENGTH);
            text.replace('|', "\\|").replace('\n', " ")
        };
        table.push_str(&format!("| {} | {} |\n", cell(name), cell(value)));
    }
    table
}

fn priority(notification: &Notification, config: &Config) -> Option<Value> {
    let mark = match (config.priority, &config.priorities) {
        (Some(mark), _) => mark,
        (None, Some(table)) => table.of(notification),
        (None, None) => return None,
    };
    let name = mark.wire()?;
    let mut priority = json!({"priority": name});
    if config.requested_ack {
        priority["requested_ack"] = json!(true);
    }
    if config.persistent_notifications && name == "urgent" {
        priority["persistent_notifications"] = json!(true);
    }
    Some(priority)
}

/// Returns the text without NUL and other control characters, which are invisible.
fn printable(text: &str) -> String {
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return text.to_owned();
    }
    text.chars()
        .filter(|character| !character.is_control() || matches!(character, '\n' | '\t'))
        .collect()
}

fn shorten(text: &str, limit: usize) -> String {
    // The length in bytes suffices, since a text has no more characters than bytes.
    if text.len() <= limit || text.chars().nth(limit).is_none() {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(limit.saturating_sub(1)).collect();
    short.push('…');
    short
}

fn is_web(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}
