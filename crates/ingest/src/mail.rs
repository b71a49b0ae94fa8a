//! Mails as cron, mdadm and smartd send them: one message of RFC 5322 for `sendmail`.
//!
//! Reads a mail and says whom it is for; who is notified is for the caller to decide.

use mail_parser::{Address, HeaderName, Message, MessageParser, PartType};

use crate::limits::{MAX_BODY_SIZE, MAX_LINE_LENGTH, MAX_TIME_MS, cut};

/// The local part that stands for whoever looks after this machine. Programs that know
/// nobody write to it.
const DEFAULT_RECIPIENT: &str = "root";
/// The maximum number of recipients of one mail.
const MAX_RECIPIENTS: usize = 100;

/// Where the recipients of a mail stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recipients<'a> {
    /// In the arguments of the command.
    Given(&'a [&'a str]),
    /// In `To`, `Cc` and `Bcc`, and in the arguments besides, as Postfix reads `sendmail -t`
    /// (<https://www.postfix.org/sendmail.1.html>).
    Header(&'a [&'a str]),
}

/// Whom a mail is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipient {
    /// Whoever is notified by default: `root`, with any domain or none.
    Default,
    /// The local part of an address: `prod-web-01` of `prod-web-01@anything`, which names a
    /// host or a channel.
    Named(String),
}

/// Why a mail cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MailError {
    /// There is no header and no text.
    #[error("the mail is empty")]
    Empty,
    /// There is nobody that it is for.
    #[error("the mail has no recipient: name one, or write `To:` and use -t")]
    NoRecipient,
    /// There are too many.
    #[error("the mail has more than {MAX_RECIPIENTS} recipients")]
    TooManyRecipients,
    /// A recipient is no address.
    #[error("{} is no address: write a host, a channel or `root`, with `@` and anything behind it or without", crate::limits::quoted(.0))]
    WrongRecipient(String),
}

/// One mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Whom it is for, each once, in order.
    pub recipients: Vec<Recipient>,
    /// The address of the sender.
    pub from: Option<String>,
    /// The subject, as one line.
    pub title: Option<String>,
    /// The text, which may be empty: some programs say everything in the subject. Of HTML
    /// it is the text, and attachments are left out.
    pub text: String,
    /// What was changed or left out, a sentence each.
    pub notes: Vec<String>,
    /// The `Date`, in milliseconds since the Unix epoch.
    pub date_ms: Option<i64>,
    /// Whether a program wrote it, by `Auto-Submitted` (RFC 3834). cron does not say so.
    pub is_automatic: bool,
    /// The `Message-ID`, without angle brackets.
    pub message_id: Option<String>,
}

impl Mail {
    /// Reads a mail. Of a longer one than [`MAX_BODY_SIZE`] the beginning is read.
    ///
    /// # Errors
    /// What a sender has to correct. A mail with faults in its structure is read as far as
    /// possible.
    pub fn read(mail: &[u8], recipients: Recipients<'_>) -> Result<Self, MailError> {
        let mut notes = Vec::new();
        let read = &mail[..mail.len().min(MAX_BODY_SIZE)];
        if read.len() < mail.len() {
            notes.push(format!(
                "the mail was cut from {} to {MAX_BODY_SIZE} bytes",
                mail.len()
            ));
        }
        let message = match MessageParser::default().parse(read) {
            Some(message) if !read.trim_ascii().is_empty() => message,
            _ => return Err(MailError::Empty),
        };
        let text = text(&message, &mut notes);
        let subject = message.subject().map(one_line);
        let date = message.date().map(mail_parser::DateTime::to_timestamp);
        let date_ms = date.and_then(|seconds| seconds.checked_mul(1000));
        Ok(Self {
            recipients: self::recipients(&message, recipients)?,
            from: message
                .from()
                .and_then(|from| addresses(from).next().map(one_line)),
            title: subject.filter(|subject| !subject.is_empty()),
            text,
            notes,
            date_ms: date_ms.filter(|ms| (0..=MAX_TIME_MS).contains(ms)),
            is_automatic: is_automatic(&message),
            message_id: message.message_id().map(str::to_owned),
        })
    }
}

/// Returns the text of a mail.
fn text(message: &Message<'_>, notes: &mut Vec<String>) -> String {
    let mut texts = Vec::new();
    let mut is_html = false;
    for (position, part) in message.text_bodies().enumerate() {
        is_html |= matches!(part.body, PartType::Html(_));
        texts.extend(message.body_text(position));
    }
    if is_html {
        notes.push("the mail is HTML, and only its text is shown".to_owned());
    }
    match message.attachment_count() {
        0 => {}
        1 => notes.push("an attachment was left out".to_owned()),
        count => notes.push(format!("{count} attachments were left out")),
    }
    let text = texts.join("\n").replace("\r\n", "\n");
    text.trim_end().trim_start_matches('\n').to_owned()
}

/// Returns whether a program wrote a mail.
fn is_automatic(message: &Message<'_>) -> bool {
    let value = message.header_raw(HeaderName::AutoSubmitted);
    let keyword = value.and_then(|value| value.split(';').next());
    keyword.is_some_and(|keyword| !keyword.trim().eq_ignore_ascii_case("no"))
}

/// Returns the addresses of a field. The parser takes a local part alone, as cron writes it,
/// and one in quotes for the name beside an address.
fn addresses<'m>(field: &'m Address<'_>) -> impl Iterator<Item = &'m str> {
    field.iter().filter_map(|one| match one.address() {
        Some(address) if !address.starts_with('@') => Some(address),
        address => one.name().or(address),
    })
}

fn recipients(
    message: &Message<'_>,
    recipients: Recipients<'_>,
) -> Result<Vec<Recipient>, MailError> {
    let (given, fields): (_, Vec<&Address<'_>>) = match recipients {
        Recipients::Given(given) => (given, Vec::new()),
        Recipients::Header(given) => {
            let fields = message.all_to().chain(message.all_cc());
            (given, fields.chain(message.all_bcc()).collect())
        }
    };
    let of_fields = fields.into_iter().flat_map(addresses);
    let mut found: Vec<Recipient> = Vec::new();
    for address in given.iter().copied().chain(of_fields) {
        let recipient = Recipient::of(address)?;
        if found.contains(&recipient) {
            continue;
        }
        if found.len() >= MAX_RECIPIENTS {
            return Err(MailError::TooManyRecipients);
        }
        found.push(recipient);
    }
    match found.is_empty() {
        true => Err(MailError::NoRecipient),
        false => Ok(found),
    }
}

impl Recipient {
    /// Reads an address, or a local part alone.
    fn of(address: &str) -> Result<Self, MailError> {
        let address = address.trim().trim_matches(['<', '>']);
        let local = address.rsplit_once('@').map_or(address, |(local, _)| local);
        let quoted = local
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'));
        let local = quoted.unwrap_or(local);
        let is_wrong = local.trim().is_empty()
            || local.len() > MAX_LINE_LENGTH
            || local.chars().any(char::is_control);
        if is_wrong {
            return Err(MailError::WrongRecipient(address.to_owned()));
        }
        Ok(match local {
            DEFAULT_RECIPIENT => Self::Default,
            named => Self::Named(named.to_owned()),
        })
    }
}

/// Returns a text of a header as one line of a limited length.
fn one_line(text: &str) -> String {
    let mut line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    cut(&mut line, MAX_LINE_LENGTH);
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    const CRON: &[u8] = b"From: root (Cron Daemon)\nTo: root\n\
        Subject: Cron <root@prod-web-01> /usr/local/bin/backup\n\
        Content-Type: text/plain; charset=UTF-8\nAuto-Submitted: auto-generated\n\
        Date: Mon, 23 Nov 2026 04:00:01 +0100\n\
        X-Cron-Env: <SHELL=/bin/sh>\n\nbackup: disk full\n";

    #[test]
    fn a_mail_of_cron_is_for_whoever_is_notified_by_default() {
        let mail = Mail::read(CRON, Recipients::Given(&["root"])).unwrap();
        assert_eq!(mail.recipients, [Recipient::Default]);
        assert_eq!(
            mail.title.as_deref(),
            Some("Cron <root@prod-web-01> /usr/local/bin/backup")
        );
        assert_eq!(mail.text, "backup: disk full");
        assert_eq!(mail.date_ms, Some(1_795_402_801_000));
        assert_eq!(mail.from.as_deref(), Some("root"));
        assert!(mail.is_automatic);
        assert!(mail.notes.is_empty());
    }

    #[test]
    fn recipients_of_all_fields_count_once_each() {
        let mail = b"To: Web <prod-web-01@localhost>, root\nCc: prod-web-01@b\n\
            Bcc: \"my channel\"@x, team: email_ops@x, root;\nSubject: s\n\nt\n";
        let read = Mail::read(mail, Recipients::Header(&[])).unwrap();
        let named = |name: &str| Recipient::Named(name.to_owned());
        let expected = [
            named("prod-web-01"),
            Recipient::Default,
            named("my channel"),
            named("email_ops"),
        ];
        assert_eq!(read.recipients, expected);
        let given = Mail::read(mail, Recipients::Given(&["db-1@x"])).unwrap();
        assert_eq!(given.recipients, [named("db-1")]);
        assert!(!given.is_automatic);
    }

    #[test]
    fn a_mail_for_nobody_is_refused() {
        let mail = b"Subject: s\n\nt\n";
        let read = |recipients| Mail::read(mail, recipients).unwrap_err();
        assert_eq!(read(Recipients::Header(&[])), MailError::NoRecipient);
        let wrong = MailError::WrongRecipient("@x".to_owned());
        assert_eq!(read(Recipients::Given(&["@x"])), wrong);
        let empty = Mail::read(b" \n", Recipients::Given(&["root"]));
        assert_eq!(empty, Err(MailError::Empty));
        let many: Vec<String> = (0..=MAX_RECIPIENTS)
            .map(|number| format!("h{number}"))
            .collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(read(Recipients::Given(&many)), MailError::TooManyRecipients);
    }

    #[test]
    fn of_html_the_text_is_shown_and_attachments_are_not() {
        let mail = b"To: root\nSubject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\nMIME-Version: 1.0\n\
            Content-Type: multipart/mixed; boundary=X\n\n--X\n\
            Content-Type: text/html; charset=utf-8\n\n<p>disk <b>full</b> &amp; hot</p><script>x()</script>\n\
            --X\nContent-Type: application/pdf\nContent-Disposition: attachment; filename=a.pdf\n\n%PDF\n--X--\n";
        let read = Mail::read(mail, Recipients::Header(&[])).unwrap();
        assert_eq!(read.title.as_deref(), Some("Grüße"));
        assert_eq!(read.text, "disk full & hot");
        assert_eq!(read.notes.len(), 2, "{:?}", read.notes);
    }

    #[test]
    fn a_huge_mail_is_cut_and_says_so() {
        let mail = [b"Subject: s\n\n".as_slice(), &vec![b'x'; MAX_BODY_SIZE]].concat();
        let read = Mail::read(&mail, Recipients::Given(&["root"])).unwrap();
        assert!(read.text.len() < MAX_BODY_SIZE);
        assert!(read.notes[0].contains("cut"), "{:?}", read.notes);
    }
}
