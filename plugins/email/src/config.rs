//! The settings of an email channel, as the configuration file names them.
//!
//! Only their shape and defaults are here; what is refused is in `rules`.

use std::{collections::BTreeMap, path::PathBuf};

use annunciator_sdk::Secret;
use schemars::JsonSchema;
use serde::Deserialize;

/// The submission port with STARTTLS (RFC 6409).
const PORT_STARTTLS: u16 = 587;
/// The submission port with TLS from the first byte (RFC 8314).
pub(crate) const PORT_TLS: u16 = 465;
/// The relay port, in clear (RFC 5321).
const PORT_CLEAR: u16 = 25;

/// The settings of an email channel.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Who gets the mail: addresses, each bare or as `Name <address>`.
    pub recipients: Vec<String>,
    /// Who gets a copy that everybody sees.
    #[serde(default)]
    pub cc: Vec<String>,
    /// Who gets a copy that nobody sees.
    #[serde(default)]
    pub bcc: Vec<String>,
    /// The From address, bare or as `Name <address>`.
    pub sender: String,
    /// Where answers go, if not to the sender.
    #[serde(default)]
    pub reply_to: Vec<String>,
    /// The address for bounces, if not the sender's; `<>` for none.
    #[serde(default)]
    pub envelope_sender: Option<String>,
    /// The SMTP server's name or address.
    pub smtp_server: String,
    /// The server's port: 587 unless told, 465 with `smtp_tls: tls`, 25 with
    /// `smtp_tls: none`.
    #[serde(default)]
    pub smtp_port: Option<u16>,
    /// How the line is encrypted: `starttls` (required, never skipped), `tls`
    /// from the first byte, or `none`. `starttls` unless told; `tls` on port 465.
    #[serde(default)]
    pub smtp_tls: Option<TlsMode>,
    /// The user to log in as; without one there is no login.
    #[serde(default)]
    pub smtp_user: Option<String>,
    /// The user's password.
    #[serde(default)]
    pub smtp_password: Option<Secret<String>>,
    /// An OAuth 2 access token, for `XOAUTH2` instead of a password.
    #[serde(default)]
    pub smtp_token: Option<Secret<String>>,
    /// How to log in: `auto` takes what the server offers.
    #[serde(default)]
    pub smtp_auth: AuthMethod,
    /// The name given at EHLO; this machine's name unless told.
    #[serde(default)]
    pub smtp_hello: Option<String>,
    /// A PEM file of authorities to trust besides the system's.
    #[serde(default)]
    #[schemars(extend("x-annunciator-file" = "read"))]
    pub tls_ca_file: Option<PathBuf>,
    /// A PEM file with a client certificate to show.
    #[serde(default)]
    #[schemars(extend("x-annunciator-file" = "read"))]
    pub tls_client_cert: Option<PathBuf>,
    /// A PEM file with the client certificate's key.
    #[serde(default)]
    #[schemars(extend("x-annunciator-file" = "read"))]
    pub tls_client_key: Option<PathBuf>,
    /// The name that the server's certificate must hold, if not `smtp_server`.
    #[serde(default)]
    pub tls_server_name: Option<String>,
    /// The oldest TLS version to accept.
    #[serde(default)]
    pub tls_min_version: TlsVersion,
    /// The subject; `{title}`, `{host}`, `{severity}`, `{kind}` and
    /// `{incident}` are replaced.
    #[serde(default = "default_subject")]
    pub subject: String,
    /// A text in front of every subject.
    #[serde(default)]
    pub subject_prefix: String,
    /// More headers, by name.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Whether an HTML part goes along with the text.
    #[serde(default = "yes")]
    pub html: bool,
    /// Whether the mails of one incident form a thread.
    #[serde(default = "yes")]
    pub threading: bool,
    /// How many connections are open at once, at most.
    #[serde(default = "default_connections")]
    pub connections: u16,
    /// How many recipients one transaction names, at most.
    #[serde(default = "default_recipients_per_mail")]
    pub recipients_per_mail: u16,
    /// Seconds for connecting, the TLS handshake and the greeting, each.
    #[serde(default = "default_connect_timeout")]
    pub connect_timeout: u32,
    /// Seconds for each command's reply.
    #[serde(default = "default_command_timeout")]
    pub command_timeout: u32,
    /// Seconds for the reply to the end of the mail.
    #[serde(default = "default_data_timeout")]
    pub data_timeout: u32,
    /// Seconds for which an unused connection is kept.
    #[serde(default = "default_idle_timeout")]
    pub idle_timeout: u32,
}

/// How the line is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TlsMode {
    /// In clear until STARTTLS, which the server must offer.
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// In clear.
    None,
}

/// How to log in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AuthMethod {
    /// `XOAUTH2` with a token, else `PLAIN` or `LOGIN`, as the server offers.
    #[default]
    Auto,
    /// `AUTH PLAIN`.
    Plain,
    /// `AUTH LOGIN`.
    Login,
    /// `AUTH XOAUTH2`, with the token.
    Xoauth2,
}

/// A TLS version.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum TlsVersion {
    /// TLS 1.2.
    #[default]
    #[serde(rename = "1.2")]
    V12,
    /// TLS 1.3.
    #[serde(rename = "1.3")]
    V13,
}

impl Config {
    /// How the line is encrypted, the default applied.
    pub fn tls_mode(&self) -> TlsMode {
        match self.smtp_tls {
            Some(mode) => mode,
            None if self.smtp_port == Some(PORT_TLS) => TlsMode::Tls,
            None => TlsMode::StartTls,
        }
    }

    /// The server, an IPv6 address without the brackets that it may have.
    pub(crate) fn server(&self) -> &str {
        let name = self.smtp_server.as_str();
        name.strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(name)
    }

    /// The port, the default applied.
    pub fn port(&self) -> u16 {
        self.smtp_port.unwrap_or(match self.tls_mode() {
            TlsMode::StartTls => PORT_STARTTLS,
            TlsMode::Tls => PORT_TLS,
            TlsMode::None => PORT_CLEAR,
        })
    }
}

fn yes() -> bool {
    true
}

fn default_subject() -> String {
    "{title}".to_owned()
}

fn default_connections() -> u16 {
    4
}

/// What every server must take (RFC 5321, section 4.5.3.1.8).
fn default_recipients_per_mail() -> u16 {
    100
}

fn default_connect_timeout() -> u32 {
    10
}

fn default_command_timeout() -> u32 {
    20
}

/// Less than the ten minutes of RFC 5321, section 4.5.3.2.6: an alert that
/// takes longer is better sent again.
fn default_data_timeout() -> u32 {
    60
}

fn default_idle_timeout() -> u32 {
    30
}
