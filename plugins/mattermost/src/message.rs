//! How a notification looks as a post, within the server's limits.
//!
//! Says in notes what was cut; how it gets to the server is left to
//! `webhook` and `bot`.

use annunciator_sdk::Notification;
use serde_json::{Map, Value, json};

use crate::config::Config;
use crate::mentions;
use crate::style::Mentions;

/// The most characters of a post, after which the server begins another:
/// <https://developers.mattermost.com/integrate/webhooks/incoming/>.
pub(crate) const MAX_POST_LENGTH: usize = 16_383;

/// The most posts of one message: with four bytes a character it stays below
/// the 300,000 bytes that a server accepts in one request.
const MAX_POSTS: usize = 4;

/// The longest text beside a coloured bar; older servers keep 8,000 characters
/// of attachments in all.
const MAX_ATTACHMENT_LENGTH: usize = 4_000;

/// What a phone shows in place of an attachment.
const MAX_FALLBACK_LENGTH: usize = 250;

const MAX_TITLE_LENGTH: usize = 250;
const MAX_FIELD_LENGTH: usize = 300;
const MAX_FIELDS: usize = 20;

/// The attribute that is a link.
const LINK: &str = "url";

/// A post, or several in a row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Message {
    /// One text per post; the only one may be empty beside an attachment.
    pub(crate) parts: Vec<String>,
    /// Belongs to the last part.
    pub(crate) attachment: Option<Value>,
    pub(crate) card: Option<String>,
    pub(crate) priority: Option<Value>,
    pub(crate) notes: Vec<String>,
}

/// The text has nothing in it that could be shown.
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

    /// The text as one, which a server splits where it was split here.
    pub(crate) fn text(&self) -> String {
        self.parts.concat()
    }

    /// The props of the part with this number.
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
            .filter(|(name, _)| *name != LINK)
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

/// The side panel: all that is known, as a Markdown table.
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
    let mut table = String::from("| what | value |\n| --- | --- |\n");
    for (name, value) in known.chain(notification.attributes().take(MAX_FIELDS)) {
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

/// The text without NUL and other control characters that nobody can see.
fn printable(text: &str) -> String {
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return text.to_owned();
    }
    text.chars()
        .filter(|character| !character.is_control() || matches!(character, '\n' | '\t'))
        .collect()
}

fn shorten(text: &str, limit: usize) -> String {
    // A text has no more characters than bytes.
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
