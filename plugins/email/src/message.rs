//! Makes the mail of a notification: headers, text and HTML part.
//!
//! lettre encodes (RFC 2047, quoted-printable, folding); here it is decided
//! what the mail says, what identifies it, and what has to be cut.

use std::time::SystemTime;

use annunciator_sdk::{Notification, Severity};
use lettre::{
    Message,
    address::Envelope,
    message::{
        Mailbox, MessageBuilder, MultiPart, SinglePart,
        header::{HeaderName, HeaderValue},
    },
};

use crate::{address, config::Config, html, identity, transaction::Letter};

/// The names that a subject may hold in braces.
pub(crate) const PLACEHOLDERS: [&str; 5] = ["title", "host", "severity", "kind", "incident"];

/// The most characters of a subject. No standard says; programs show fewer.
const MAX_SUBJECT_LENGTH: usize = 250;
/// The most characters of a subject that is made of the message's first line.
const MAX_FIRST_LINE_LENGTH: usize = 120;
/// How much larger than its text a mail may be: headers and MIME around it.
const OVERHEAD: usize = 8 * 1024;

/// The addresses of a channel, parsed once.
#[derive(Debug)]
pub(crate) struct Addresses {
    pub(crate) from: Mailbox,
    pub(crate) to: Vec<Mailbox>,
    pub(crate) cc: Vec<Mailbox>,
    pub(crate) reply_to: Vec<Mailbox>,
    /// The envelope's sender; empty for none.
    pub(crate) envelope_sender: String,
    /// Everybody who gets a copy, hidden ones too, each once.
    pub(crate) targets: Vec<String>,
}

impl Addresses {
    /// Parses the addresses of these settings.
    pub(crate) fn of(config: &Config) -> Result<Self, String> {
        let parse = |list: &[String]| -> Result<Vec<Mailbox>, String> {
            list.iter().map(|text| address::parse(text)).collect()
        };
        let from = address::parse(&config.sender)?;
        let (to, cc) = (parse(&config.recipients)?, parse(&config.cc)?);
        let bcc = parse(&config.bcc)?;
        let envelope_sender = match config.envelope_sender.as_deref() {
            None => address::bare(&from),
            Some("<>") => String::new(),
            Some(text) => address::bare(&address::parse(text)?),
        };
        let mut targets: Vec<String> = Vec::new();
        for mailbox in to.iter().chain(&cc).chain(&bcc) {
            let bare = address::bare(mailbox);
            if !targets
                .iter()
                .any(|known| known.eq_ignore_ascii_case(&bare))
            {
                targets.push(bare);
            }
        }
        Ok(Self {
            from,
            to,
            cc,
            reply_to: parse(&config.reply_to)?,
            envelope_sender,
            targets,
        })
    }
}

/// A mail, and what was changed about the notification to fit.
#[derive(Debug)]
pub(crate) struct Composed {
    pub(crate) letter: Letter,
    pub(crate) message_id: String,
    pub(crate) notes: Vec<String>,
}

/// Writes the mail; `limit` is the most octets that the server takes.
pub(crate) fn compose(
    notification: &Notification,
    config: &Config,
    addresses: &Addresses,
    now: SystemTime,
    limit: Option<usize>,
) -> Result<Composed, String> {
    let mut notes = Vec::new();
    let mut body = clean_body(notification.body(), &mut notes);
    let mut with_html = config.html;
    let headers = headers(notification, config, addresses, now, &mut notes)?;
    let message_id = identity::message_id(notification.id(), addresses.from.email.domain());
    let mut content = format(&headers, notification, &body, with_html)?;
    if let Some(limit) = limit
        && content.len() > limit
    {
        with_html = false;
        notes.push(format!(
            "the server takes {limit} octets: sent without HTML part"
        ));
        content = format(&headers, notification, &body, with_html)?;
        let whole = body.chars().count();
        let room = limit.saturating_sub(OVERHEAD).max(limit / 2);
        while content.len() > limit && body.len() > 64 {
            // The parts of a text may encode to different lengths: measured
            // again after each cut, which is rarely more than one.
            let mut keep = (body.len() * room / content.len()).min(body.len() - 1);
            while !body.is_char_boundary(keep) {
                keep -= 1;
            }
            body.truncate(keep);
            content = format(&headers, notification, &body, with_html)?;
        }
        if body.chars().count() < whole {
            notes.push(format!(
                "the message was cut from {whole} to {} characters",
                body.chars().count()
            ));
        }
    }
    let utf8 = !content.is_ascii() || !addresses.envelope_sender.is_ascii();
    Ok(Composed {
        letter: Letter::new(addresses.envelope_sender.clone(), &content, utf8),
        message_id,
        notes,
    })
}

fn headers(
    notification: &Notification,
    config: &Config,
    addresses: &Addresses,
    now: SystemTime,
    notes: &mut Vec<String>,
) -> Result<MessageBuilder, String> {
    let domain = addresses.from.email.domain();
    let mut builder = Message::builder()
        .from(addresses.from.clone())
        .date(now)
        .message_id(Some(identity::message_id(notification.id(), domain)))
        .subject(subject(notification, config, notes));
    for mailbox in &addresses.to {
        builder = builder.to(mailbox.clone());
    }
    for mailbox in &addresses.cc {
        builder = builder.cc(mailbox.clone());
    }
    for mailbox in &addresses.reply_to {
        builder = builder.reply_to(mailbox.clone());
    }
    if let Some(incident) = notification.incident().filter(|_| config.threading) {
        let root = identity::thread_id(incident, domain);
        builder = builder.in_reply_to(root.clone()).references(root);
    }
    // RFC 3834: no out-of-office answers to an alert; Exchange has its own word.
    builder = raw(builder, "Auto-Submitted", "auto-generated")?;
    builder = raw(builder, "X-Auto-Response-Suppress", "All")?;
    if notification.severity() == Severity::Critical {
        builder = raw(builder, "Importance", "high")?;
        builder = raw(builder, "X-Priority", "1")?;
    }
    for (name, value) in &config.headers {
        builder = raw(builder, name, &one_line(value))?;
    }
    // The envelope is the transaction's; lettre only insists on having one.
    let envelope = Envelope::new(None, vec![addresses.from.email.clone()])
        .map_err(|error| error.to_string())?;
    Ok(builder.envelope(envelope))
}

fn raw(builder: MessageBuilder, name: &str, value: &str) -> Result<MessageBuilder, String> {
    let name = HeaderName::new_from_ascii(name.to_owned()).map_err(|error| error.to_string())?;
    Ok(builder.raw_header(HeaderValue::new(name, value.to_owned())))
}

fn format(
    builder: &MessageBuilder,
    notification: &Notification,
    body: &str,
    with_html: bool,
) -> Result<Vec<u8>, String> {
    let text = body.to_owned();
    let message = if with_html {
        let html = html::page(notification, body);
        builder
            .clone()
            .multipart(MultiPart::alternative_plain_html(text, html))
    } else {
        builder.clone().singlepart(SinglePart::plain(text))
    };
    Ok(message.map_err(|error| error.to_string())?.formatted())
}

fn subject(notification: &Notification, config: &Config, notes: &mut Vec<String>) -> String {
    let title = match notification.title() {
        Some(title) => one_line(title),
        None => {
            let first = notification
                .body()
                .lines()
                .find(|line| !line.trim().is_empty())
                .unwrap_or("Notification");
            cut(&one_line(first), MAX_FIRST_LINE_LENGTH).0
        }
    };
    let mut subject = one_line(&config.subject_prefix);
    let mut rest = config.subject.as_str();
    while let Some((before, name, after)) = next_placeholder(rest) {
        subject.push_str(before);
        let value = match name {
            "title" => title.clone(),
            "host" => one_line(notification.host().unwrap_or_default()),
            "severity" => notification.severity().name().to_owned(),
            "kind" => format!("{:?}", notification.kind()).to_lowercase(),
            "incident" => one_line(notification.incident().unwrap_or_default()),
            _ => format!("{{{name}}}"),
        };
        subject.push_str(&value);
        rest = after;
    }
    subject.push_str(rest);
    let (subject, was_cut) = cut(subject.trim(), MAX_SUBJECT_LENGTH);
    if was_cut {
        notes.push(format!(
            "the subject was cut to {MAX_SUBJECT_LENGTH} characters"
        ));
    }
    subject
}

/// The names in braces of a template.
pub(crate) fn placeholders(template: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = template;
    while let Some((_, name, after)) = next_placeholder(rest) {
        names.push(name);
        rest = after;
    }
    names
}

fn next_placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('{')?;
    let (name, after) = rest.split_once('}')?;
    Some((before, name, after))
}

/// Text for a header: no line breaks, no control characters, whatever came.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

fn cut(text: &str, max: usize) -> (String, bool) {
    if text.chars().count() <= max {
        return (text.to_owned(), false);
    }
    let mut short: String = text.chars().take(max - 1).collect();
    short.push('…');
    (short, true)
}

/// The body with line ends of one kind and without what no mail may hold.
fn clean_body(body: &str, notes: &mut Vec<String>) -> String {
    let unified = body.replace("\r\n", "\n").replace('\r', "\n");
    let clean: String = unified
        .chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect();
    if clean.len() != unified.len() {
        notes.push("control characters were taken out of the message".to_owned());
    }
    clean
}
