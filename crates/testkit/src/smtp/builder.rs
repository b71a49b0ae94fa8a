//! The settings of the SMTP stand-in.

use std::io;
use std::sync::Arc;

use tokio::net::TcpListener;

use super::SmtpServer;
use super::certificate::{Authority, Certificate};
use super::fault::Verdict;
use super::state::SmtpShared;

/// How the connection is encrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// No encryption; STARTTLS is not offered.
    #[default]
    Plain,
    /// In clear until STARTTLS.
    StartTls,
    /// From the first byte.
    ImplicitTls,
}

/// The settings that a session needs; fixed when the stand-in starts.
pub(super) struct Settings {
    pub(super) mode: Mode,
    pub(super) authority: Option<Authority>,
    pub(super) credentials: Option<(String, String)>,
    pub(super) mechanisms: Vec<String>,
    pub(super) auth_required: bool,
    pub(super) auth_in_clear: bool,
    pub(super) size: usize,
    pub(super) recipients_max: usize,
    pub(super) extensions: Vec<String>,
}

impl Settings {
    /// Returns the keywords of the EHLO reply.
    pub(super) fn keywords(&self, encrypted: bool) -> Vec<String> {
        let mut keywords = vec![format!("SIZE {}", self.size)];
        keywords.extend(self.extensions.iter().cloned());
        if self.mode == Mode::StartTls && !encrypted {
            keywords.push("STARTTLS".to_owned());
        }
        if self.credentials.is_some() && (encrypted || self.auth_in_clear) {
            keywords.push(format!("AUTH {}", self.mechanisms.join(" ")));
        }
        keywords
    }
}

/// The builder of a stand-in.
#[derive(Debug, Clone)]
pub struct Builder {
    mode: Mode,
    certificate: Certificate,
    ask_client: bool,
    credentials: Option<(String, String)>,
    mechanisms: Vec<String>,
    auth_required: bool,
    auth_in_clear: bool,
    size: usize,
    recipients_max: usize,
    extensions: Vec<String>,
    verdicts: Vec<(String, Verdict)>,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            mode: Mode::Plain,
            certificate: Certificate::Good,
            ask_client: false,
            credentials: None,
            mechanisms: ["PLAIN", "LOGIN", "XOAUTH2"].map(str::to_owned).to_vec(),
            auth_required: false,
            auth_in_clear: false,
            // Postfix's default of message_size_limit.
            size: 10_240_000,
            recipients_max: usize::MAX,
            extensions: ["PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"]
                .map(str::to_owned)
                .to_vec(),
            verdicts: Vec::new(),
        }
    }
}

impl Builder {
    /// Sets the encryption. Default: `Plain`.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Sets the certificate that is shown. Default: a valid one.
    pub fn certificate(mut self, certificate: Certificate) -> Self {
        self.certificate = certificate;
        self
    }

    /// Refuses clients without a certificate of this stand-in's authority.
    pub fn require_client_certificate(mut self) -> Self {
        self.ask_client = true;
        self
    }

    /// Offers AUTH to this user and secret (or token), and requires it. On an unencrypted
    /// connection it is refused unless `auth_in_clear` is set.
    pub fn credentials(mut self, user: &str, secret: &str) -> Self {
        self.credentials = Some((user.to_owned(), secret.to_owned()));
        self.auth_required = true;
        self
    }

    /// Offers AUTH on unencrypted connections, too.
    pub fn auth_in_clear(mut self) -> Self {
        self.auth_in_clear = true;
        self
    }

    /// Sets the mechanisms that are offered. Default: PLAIN, LOGIN and XOAUTH2.
    pub fn mechanisms(mut self, names: &[&str]) -> Self {
        self.mechanisms = names.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    /// Sets the maximum size of a mail, in bytes.
    pub fn size(mut self, octets: usize) -> Self {
        self.size = octets;
        self
    }

    /// Answers 452 4.5.3 to recipients beyond this number in a transaction.
    pub fn recipients_max(mut self, number: usize) -> Self {
        self.recipients_max = number;
        self
    }

    /// Sets the other EHLO keywords that are offered.
    pub fn extensions(mut self, keywords: &[&str]) -> Self {
        self.extensions = keywords.iter().map(|word| (*word).to_owned()).collect();
        self
    }

    /// Always gives this answer to a recipient.
    pub fn refuse(mut self, recipient: &str, code: u16, text: &str) -> Self {
        self.verdicts.push((
            recipient.to_owned(),
            Verdict {
                code,
                text: text.to_owned(),
                times: None,
            },
        ));
        self
    }

    /// Gives this answer to a recipient the first times, then accepts it.
    pub fn refuse_times(mut self, recipient: &str, code: u16, text: &str, times: u32) -> Self {
        self.verdicts.push((
            recipient.to_owned(),
            Verdict {
                code,
                text: text.to_owned(),
                times: Some(times),
            },
        ));
        self
    }

    /// Starts the stand-in on a port of 127.0.0.1 that the system chooses.
    pub async fn start(self) -> io::Result<SmtpServer> {
        let authority = match self.mode {
            Mode::Plain => None,
            _ => Some(
                Authority::create(self.certificate, self.ask_client).map_err(io::Error::other)?,
            ),
        };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let shared = Arc::new(SmtpShared::default());
        shared.change(|state| state.verdicts = self.verdicts);
        let settings = Arc::new(Settings {
            mode: self.mode,
            authority,
            credentials: self.credentials,
            mechanisms: self.mechanisms,
            auth_required: self.auth_required,
            auth_in_clear: self.auth_in_clear,
            size: self.size,
            recipients_max: self.recipients_max,
            extensions: self.extensions,
        });
        SmtpServer::run(listener, shared, settings)
    }
}
