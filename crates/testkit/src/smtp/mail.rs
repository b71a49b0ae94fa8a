//! A mail as the stand-in stored it: the envelope, the bytes, and enough of the decoded MIME
//! structure for assertions.
//!
//! Decoding is done by `mail-parser`, which shares no code with the library that builds mails.

use mail_parser::MessageParser;

/// One accepted mail.
#[derive(Debug, Clone)]
pub struct Mail {
    /// The path of `MAIL FROM` without angle brackets; empty for a bounce.
    pub sender: String,
    /// The accepted paths of `RCPT TO`, in order.
    pub recipients: Vec<String>,
    /// The content with unstuffed dots and CR LF line ends.
    pub data: Vec<u8>,
    /// The authenticated user, if any.
    pub user: Option<String>,
    /// Whether the mail came over TLS.
    pub encrypted: bool,
    /// The name given at `EHLO`.
    pub hello: String,
    /// The connection's number, from 1.
    pub connection: usize,
}

impl Mail {
    /// Returns the content as text; invalid UTF-8 is replaced.
    pub fn raw(&self) -> String {
        String::from_utf8_lossy(&self.data).into_owned()
    }

    /// Returns the raw values of a header, unfolded, in order.
    pub fn raw_headers(&self, name: &str) -> Vec<String> {
        header_lines(&self.raw())
            .into_iter()
            .filter_map(|line| {
                let (key, value) = line.split_once(':')?;
                key.eq_ignore_ascii_case(name)
                    .then(|| value.trim().to_owned())
            })
            .collect()
    }

    /// Returns the only raw value of a header; empty if it is missing.
    pub fn header(&self, name: &str) -> String {
        self.raw_headers(name)
            .into_iter()
            .next()
            .unwrap_or_default()
    }

    /// Returns the decoded subject.
    pub fn subject(&self) -> String {
        MessageParser::default()
            .parse(&self.data)
            .and_then(|mail| mail.subject().map(str::to_owned))
            .unwrap_or_default()
    }

    /// Returns the first text part, decoded; empty if there is none.
    pub fn text(&self) -> String {
        self.part("text/plain")
    }

    /// Returns the first HTML part, decoded; empty if there is none.
    pub fn html(&self) -> String {
        self.part("text/html")
    }

    fn part(&self, wanted: &str) -> String {
        use mail_parser::MimeHeaders;

        let Some(mail) = MessageParser::default().parse(&self.data) else {
            return String::new();
        };
        mail.parts
            .iter()
            .find(|part| {
                part.content_type().is_some_and(|kind| {
                    let full = format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or_default());
                    full.eq_ignore_ascii_case(wanted)
                })
            })
            .and_then(|part| part.text_contents())
            .unwrap_or_default()
            .to_owned()
    }
}

/// Returns the header lines of a mail, unfolded.
pub(super) fn header_lines(mail: &str) -> Vec<String> {
    let head = mail.split("\r\n\r\n").next().unwrap_or_default();
    let mut lines: Vec<String> = Vec::new();
    for line in head.split("\r\n") {
        match lines.last_mut() {
            Some(last) if line.starts_with([' ', '\t']) => last.push_str(line),
            _ => lines.push(line.to_owned()),
        }
    }
    lines
}

/// Returns the violations of RFC 5322 in a mail, one sentence each.
pub(super) fn faults_of_form(data: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(data);
    let lines = header_lines(&text);
    let count = |name: &str| {
        lines
            .iter()
            .filter(|line| {
                line.split_once(':')
                    .is_some_and(|(key, _)| key.eq_ignore_ascii_case(name))
            })
            .count()
    };
    let mut faults = Vec::new();
    for name in ["From", "Date"] {
        if count(name) != 1 {
            faults.push(format!("{} {name} headers instead of one", count(name)));
        }
    }
    for name in [
        "To",
        "Cc",
        "Reply-To",
        "Subject",
        "Message-ID",
        "References",
        "In-Reply-To",
        "MIME-Version",
        "Content-Type",
    ] {
        if count(name) > 1 {
            faults.push(format!("{} {name} headers", count(name)));
        }
    }
    if count("Bcc") > 0 {
        faults.push("a Bcc header gives hidden recipients away".to_owned());
    }
    if lines.iter().any(|line| !line.is_ascii()) {
        faults.push("a header with raw 8-bit text".to_owned());
    }
    if lines.iter().any(|line| !line.contains(':')) {
        faults.push("a header line without a colon".to_owned());
    }
    faults
}
