//! Composes the email of a notification: headers, text part and HTML part.
//!
//! This module decides what the email says, what identifies it, and what has to be cut. lettre
//! encodes it (RFC 2047, quoted-printable, folding).

use std::{fmt::Write as _, time::SystemTime};

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

/// The names that a subject may contain in braces.
pub(crate) const PLACEHOLDERS: [&str; 5] = ["title", "host", "severity", "kind", "incident"];

/// The maximum number of characters of a subject. No standard limits it; programs show fewer.
const MAX_SUBJECT_LENGTH: usize = 250;
/// The maximum number of characters of a subject that is the message's first line.
const MAX_FIRST_LINE_LENGTH: usize = 120;
/// The number of octets that are reserved for the headers and the MIME around the text.
const OVERHEAD: usize = 8 * 1024;

/// The addresses of a channel, parsed once.
#[derive(Debug)]
pub(crate) struct Addresses {
    pub(crate) from: Mailbox,
    pub(crate) to: Vec<Mailbox>,
    pub(crate) cc: Vec<Mailbox>,
    pub(crate) reply_to: Vec<Mailbox>,
    /// The sender of the envelope. Empty for none.
    pub(crate) envelope_sender: String,
    /// Every address that gets a copy, including hidden copies, once each.
    pub(crate) targets: Vec<String>,
}

impl Addresses {
    /// Parses the addresses of these settings. The error says what is wrong with an address.
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

/// An email, with notes on what was changed in the notification to make it fit.
#[derive(Debug)]
pub(crate) struct Composed {
    pub(crate) letter: Letter,
    pub(crate) message_id: String,
    pub(crate) notes: Vec<String>,
}

/// The attribute with the address of a page about the message.
const LINK: &str = "url";
/// The attribute with the address at which somebody takes over what the message is about.
const ACKNOWLEDGE: &str = "acknowledge_url";
/// The maximum length of such an address: longer ones are cut by some mail programs.
const MAX_LINK_LENGTH: usize = 2000;

/// Composes the email. `limit` is the maximum number of octets that the server accepts.
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
            "the server accepts only {limit} octets: sent without the HTML part"
        ));
        content = format(&headers, notification, &body, with_html)?;
        let whole = body.chars().count();
        let room = limit.saturating_sub(OVERHEAD).max(limit / 2);
        while content.len() > limit && body.len() > 64 {
            // Equal parts of a text may be encoded to different lengths, so the size is measured
            // again after each cut. More than one cut is rare.
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
    // Prevents out-of-office replies to an alert (RFC 3834). Exchange has its own header for that.
    builder = raw(builder, "Auto-Submitted", "auto-generated")?;
    builder = raw(builder, "X-Auto-Response-Suppress", "All")?;
    if notification.severity() == Severity::Critical {
        builder = raw(builder, "Importance", "high")?;
        builder = raw(builder, "X-Priority", "1")?;
    }
    for (name, value) in &config.headers {
        builder = raw(builder, name, &one_line(value))?;
    }
    // The transaction has its own envelope; this one is only there because lettre requires one.
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
    let link = link(notification, LINK);
    let acknowledge = link_to_acknowledge(notification);
    let mut text = body.to_owned();
    if let Some(link) = link {
        let _ = write!(text, "\n\n{link}");
    }
    if let Some(link) = acknowledge {
        let _ = write!(text, "\n\nAcknowledge: {link}");
    }
    let message = if with_html {
        let html = html::page(notification, body, link, acknowledge);
        builder
            .clone()
            .multipart(MultiPart::alternative_plain_html(text, html))
    } else {
        builder.clone().singlepart(SinglePart::plain(text))
    };
    Ok(message.map_err(|error| error.to_string())?.formatted())
}

/// Returns the address at which somebody takes over what the message is about.
fn link_to_acknowledge(notification: &Notification) -> Option<&str> {
    link(notification, ACKNOWLEDGE)
}

/// Returns the address in an attribute, if it is one that can be opened.
fn link<'a>(notification: &'a Notification, attribute: &str) -> Option<&'a str> {
    let link = notification.attribute(attribute)?;
    let is_web = link.starts_with("https://") || link.starts_with("http://");
    let is_plain = link.chars().all(|c| c.is_ascii_graphic());
    (is_web && is_plain && link.len() <= MAX_LINK_LENGTH).then_some(link)
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

/// Returns the names in braces of a template.
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

/// Makes any text safe for a header: replaces line breaks and control characters with spaces.
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

/// Returns the body with line ends of one kind, and without the control characters that no email
/// may contain.
fn clean_body(body: &str, notes: &mut Vec<String>) -> String {
    let unified = body.replace("\r\n", "\n").replace('\r', "\n");
    let clean: String = unified
        .chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect();
    if clean.len() != unified.len() {
        notes.push("control characters were removed from the message".to_owned());
    }
    clean
}
