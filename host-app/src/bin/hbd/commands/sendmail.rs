//! `hbd sendmail`: takes one mail as cron, mdadm and smartd hand it to `sendmail`, and notifies
//! people of it, through the running monitor or without one.
//!
//! The exit statuses are those of sendmail (sysexits.h), which such callers know.

use std::{
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use annunciator::{Config, Engine, Notification, NotifyError, Severity};
use annunciator_ingest::{Mail, MailError, Recipient, Recipients, limits::MAX_BODY_SIZE};
use annunciator_web::{MAX_REQUEST_LENGTH, NotificationBody, Notified, Reason, report};
use heartbeat::api::{Client, ClientError};
use serde::Deserialize as _;
use serde_json::json;

use crate::{
    Exit,
    arguments::{Arguments, MailOptions, Sendmail},
    output::Output,
    setup::{self, Keep},
};

/// The call is wrong (`EX_USAGE`).
const USAGE: Exit = Exit::Status(64);
/// The mail cannot be used (`EX_DATAERR`).
const DATA: Exit = Exit::Status(65);
/// There is no such recipient (`EX_NOUSER`).
const NO_USER: Exit = Exit::Status(67);
/// It is to be tried again (`EX_TEMPFAIL`).
const TRY_AGAIN: Exit = Exit::Status(75);
/// The caller may not do this (`EX_NOPERM`).
const NOT_PERMITTED: Exit = Exit::Status(77);

/// The severity of a mail, which has none of its own: programs write one when somebody should
/// look.
const SEVERITY: Severity = Severity::Warning;
/// The attribute with the sender's address.
const FROM: &str = "from";

/// Whom a recipient stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Addressee {
    Default,
    Host(String),
    /// A channel or a group.
    Channel(String),
}

pub(crate) fn run(arguments: &Arguments, call: &Sendmail, output: &Output) -> Exit {
    match send(arguments, call, output) {
        Ok(()) => Exit::Ok,
        Err(exit) => exit,
    }
}

fn send(arguments: &Arguments, call: &Sendmail, output: &Output) -> Result<(), Exit> {
    let options = MailOptions::read(&call.words).map_err(|why| {
        output.error(why);
        USAGE
    })?;
    let mail = read(&options, output)?;
    let socket = call
        .reach
        .control
        .clone()
        .or_else(|| socket(arguments, output));
    if let Some(socket) = socket {
        match by_monitor(&Client::new(&socket), &mail, &options, output) {
            // Nothing was sent yet.
            Err(ClientError::NoMonitor { .. }) => {}
            Ok(sent) => return sent,
            Err(error) => {
                output.error(&error);
                return Err(refusal(&error));
            }
        }
    }
    let sent =
        setup::with_engine(
            arguments,
            output,
            Keep::WithMonitor,
            async |engine| match by_engine(engine, &mail, &options, output).await {
                Ok(()) => Exit::Ok,
                Err(exit) => exit,
            },
        );
    match sent {
        Ok(Exit::Ok) => Ok(()),
        Ok(exit @ Exit::Status(_)) => Err(exit),
        // The configuration can be corrected meanwhile.
        Ok(_) | Err(_) => Err(TRY_AGAIN),
    }
}

/// Reads the mail on standard input.
fn read(options: &MailOptions, output: &Output) -> Result<Mail, Exit> {
    let mut bytes = Vec::new();
    let input = io::stdin().lock();
    // One byte more, so that the mail says that it was cut.
    let read = input.take(MAX_BODY_SIZE as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|error| {
        output.error(format!("standard input cannot be read: {error}"));
        TRY_AGAIN
    })?;
    let given: Vec<&str> = options.recipients.iter().map(String::as_str).collect();
    let recipients = match options.is_header_read {
        true => Recipients::Header(&given),
        false => Recipients::Given(&given),
    };
    let mail = Mail::read(options.mail(&bytes), recipients).map_err(|error| {
        output.error(&error);
        match error {
            MailError::Empty => DATA,
            MailError::WrongRecipient(_) => NO_USER,
            _ => USAGE,
        }
    })?;
    if text(&mail).trim().is_empty() {
        output.error("the mail has neither a subject nor a text");
        return Err(DATA);
    }
    Ok(mail)
}

/// Returns the text, with what was left out of it; the subject says enough if there is none.
fn text(mail: &Mail) -> String {
    let text = match mail.text.trim().is_empty() {
        true => mail.title.clone().unwrap_or_default(),
        false => mail.text.clone(),
    };
    let notes = mail.notes.iter().map(|note| format!("\n({note})"));
    match text.is_empty() {
        true => text,
        false => text + &notes.collect::<String>(),
    }
}

/// Returns the idempotency key of a mail for one addressee, if the mail has an ID.
fn key(mail: &Mail, addressee: &Addressee) -> Option<String> {
    let id = mail.message_id.as_deref()?;
    let to = match addressee {
        Addressee::Default => "",
        Addressee::Host(name) => name,
        Addressee::Channel(name) => name,
    };
    let key = format!("mail/{id}/{to}");
    // A longer one is no key: twice is better than never.
    (key.len() <= annunciator_ingest::limits::MAX_KEY_LENGTH).then_some(key)
}

/// Returns the control socket that the configuration names, or none.
fn socket(arguments: &Arguments, output: &Output) -> Option<PathBuf> {
    let builder = setup::builder(arguments, output).ok()?;
    let named = builder.peek("monitor", "control").ok().flatten();
    named
        .map(PathBuf::from)
        .filter(|path| Path::is_absolute(path))
}

/// Submits the mail to the running monitor. The inner error is what the caller is told.
fn by_monitor(
    client: &Client,
    mail: &Mail,
    options: &MailOptions,
    output: &Output,
) -> Result<Result<(), Exit>, ClientError> {
    let mut addressees = Vec::new();
    for recipient in &mail.recipients {
        match known(client, recipient)? {
            Some(addressee) => addressees.push(addressee),
            None => return Ok(Err(no_such(recipient, output))),
        }
    }
    for addressee in addressees {
        let mut body = to(&addressee, text(mail));
        body.title.clone_from(&mail.title);
        body.key = key(mail, &addressee);
        body.occurred_at_ms = mail.date_ms;
        if let Some(from) = options.from.clone().or_else(|| mail.from.clone()) {
            body.attributes.insert(FROM.to_owned(), from);
        }
        match client.post_within("/notifications", &json!(body), MAX_REQUEST_LENGTH) {
            Err(ClientError::Refused(problem)) if problem.reason() == Some(Reason::NoChannel) => {
                output.error("no channel is configured for the mail: nobody is notified of it");
                output.help("name channels for the host, or default_notification_channels");
                return Ok(Err(TRY_AGAIN));
            }
            answer => drop(answer?),
        }
    }
    Ok(Ok(()))
}

/// Returns whom the monitor knows by a recipient, or `None`.
fn known(client: &Client, recipient: &Recipient) -> Result<Option<Addressee>, ClientError> {
    let Recipient::Named(name) = recipient else {
        return Ok(Some(Addressee::Default));
    };
    let candidates = [
        Addressee::Host(name.clone()),
        Addressee::Channel(name.clone()),
    ];
    for addressee in candidates {
        let body = json!(to(&addressee, "x".to_owned()));
        match client.post("/notifications?dry_run=true", Some(&body)) {
            Ok(answer) => match Notified::deserialize(&answer) {
                // A host that is not in the file is warned of.
                Ok(Notified::Preview { preview, warnings })
                    if warnings.is_empty() && !preview.channels.is_empty() =>
                {
                    return Ok(Some(addressee));
                }
                _ => {}
            },
            Err(ClientError::Refused(problem)) if problem.reason() == Some(Reason::Invalid) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Returns a notification of a text for an addressee.
fn to(addressee: &Addressee, message: String) -> NotificationBody {
    let (host, channels) = match addressee {
        Addressee::Default => (None, None),
        Addressee::Host(name) => (Some(name.clone()), None),
        Addressee::Channel(name) => (None, Some(vec![name.clone()])),
    };
    NotificationBody {
        host,
        channels,
        message,
        severity: SEVERITY,
        ..NotificationBody::default()
    }
}

fn no_such(recipient: &Recipient, output: &Output) -> Exit {
    if let Recipient::Named(name) = recipient {
        output.error(format!("there is no host, channel or group `{name}`"));
        output.help("`root` stands for the default channels");
    }
    NO_USER
}

fn refusal(error: &ClientError) -> Exit {
    let ClientError::Refused(problem) = error else {
        return TRY_AGAIN;
    };
    match problem.reason() {
        Some(Reason::Forbidden) => NOT_PERMITTED,
        Some(Reason::Conflict | Reason::Invalid | Reason::TooLong) => DATA,
        _ => TRY_AGAIN,
    }
}

/// Delivers the mail without a monitor.
async fn by_engine(
    engine: &Engine,
    mail: &Mail,
    options: &MailOptions,
    output: &Output,
) -> Result<(), Exit> {
    let config = engine.config();
    let mut addressees = Vec::new();
    for recipient in &mail.recipients {
        let addressee = configured(&config, recipient);
        addressees.push(addressee.ok_or_else(|| no_such(recipient, output))?);
    }
    for addressee in addressees {
        let mut notification = Notification::new(text(mail)).severity(SEVERITY);
        if let Some(title) = &mail.title {
            notification = notification.title(title);
        }
        if let Some(from) = options.from.as_ref().or(mail.from.as_ref()) {
            notification = notification.attribute(FROM, from);
        }
        if let Some(key) = key(mail, &addressee).filter(|_| setup::is_shared(engine)) {
            notification = notification.key(key);
        }
        let notified = match &addressee {
            Addressee::Default => engine.notify_default(notification).await,
            Addressee::Host(name) => engine.notify_host(name, notification).await,
            Addressee::Channel(name) => engine.notify_channels(&[name], notification).await,
        };
        match notified {
            Ok(report) if report::is_well(&report, false) => {}
            // The monitor delivers the rest when it runs.
            Ok(report) if !report.is_empty() && setup::is_shared(engine) => {}
            Ok(_) => {
                output.error("nobody could be notified of the mail, or not everybody");
                return Err(TRY_AGAIN);
            }
            Err(NotifyError::Conflict { .. }) => {}
            Err(error) => {
                output.error(&error);
                return Err(TRY_AGAIN);
            }
        }
    }
    Ok(())
}

/// Returns whom the configuration knows by a recipient.
fn configured(config: &Config, recipient: &Recipient) -> Option<Addressee> {
    let Recipient::Named(name) = recipient else {
        return Some(Addressee::Default);
    };
    if config.host(name).is_some() {
        return Some(Addressee::Host(name.clone()));
    }
    let is_channel = config.channel(name).is_some() || config.group(name).is_some();
    is_channel.then(|| Addressee::Channel(name.clone()))
}
