//! The settings of an email channel, as the configuration file names them.
//!
//! This module has their types and defaults only; `rules` validates them.

use std::{collections::BTreeMap, path::PathBuf};

use annunciator_sdk::Secret;
use schemars::JsonSchema;
use serde::Deserialize;

/// The submission port, with STARTTLS (RFC 6409).
const PORT_STARTTLS: u16 = 587;
/// The submission port, with TLS from the first byte (RFC 8314).
pub(crate) const PORT_TLS: u16 = 465;
/// The relay port, without encryption (RFC 5321).
const PORT_CLEAR: u16 = 25;

/// The settings of an email channel.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The addresses of the recipients, each bare or as `Name <address>`.
    pub recipients: Vec<String>,
    /// The addresses that get a copy, which everybody sees. Default: none.
    #[serde(default)]
    pub cc: Vec<String>,
    /// The addresses that get a hidden copy, which no other recipient sees. Default: none.
    #[serde(default)]
    pub bcc: Vec<String>,
    /// The From address, bare or as `Name <address>`.
    pub sender: String,
    /// The addresses to which replies go. Default: none, so that replies go to `sender`.
    #[serde(default)]
    pub reply_to: Vec<String>,
    /// The address to which bounces go, or `<>` for no bounces. Default: the address of `sender`.
    #[serde(default)]
    pub envelope_sender: Option<String>,
    /// The host name or IP address of the SMTP server.
    pub smtp_server: String,
    /// The server's port. Default: 587; 465 with `smtp_tls: tls`; 25 with `smtp_tls: none`.
    #[serde(default)]
    pub smtp_port: Option<u16>,
    /// How the connection is encrypted: `starttls` (required, never skipped), `tls` from the first
    /// byte, or `none`. Default: `starttls`; `tls` on port 465.
    #[serde(default)]
    pub smtp_tls: Option<TlsMode>,
    /// The user name of the login. Default: none, which means no login.
    #[serde(default)]
    pub smtp_user: Option<String>,
    /// The password of the login. Default: none.
    #[serde(default)]
    pub smtp_password: Option<Secret<String>>,
    /// The OAuth 2 access token of the login, which is sent with `XOAUTH2` instead of a password.
    /// Default: none.
    #[serde(default)]
    pub smtp_token: Option<Secret<String>>,
    /// The login's mechanism: `auto` (one that the server offers), `plain`, `login` or `xoauth2`.
    /// Default: `auto`.
    #[serde(default)]
    pub smtp_auth: AuthMethod,
    /// The name that is sent with EHLO. Default: this machine's host name if it is fully qualified,
    /// otherwise the IP address of the connection.
    #[serde(default)]
    pub smtp_hello: Option<String>,
    /// A PEM file of certificate authorities to trust in addition to the system's. Default: none.
    #[serde(default)]
    #[schemars(extend("x-annunciator-file" = "read"))]
    pub tls_ca_file: Option<PathBuf>,
    /// A PEM file with the client certificate to present to the server. Default: none.
    #[serde(default)]
    #[schemars(extend("x-annunciator-file" = "read"))]
    pub tls_client_cert: Option<PathBuf>,
    /// A PEM file with the private key of the client certificate. Default: none.
    #[serde(default)]
    #[schemars(extend("x-annunciator-file" = "read"))]
    pub tls_client_key: Option<PathBuf>,
    /// The name that the server's certificate must contain. Default: `smtp_server`.
    #[serde(default)]
    pub tls_server_name: Option<String>,
    /// The minimum TLS version: `1.2` or `1.3`. Default: `1.2`.
    #[serde(default)]
    pub tls_min_version: TlsVersion,
    /// The subject, in which `{title}`, `{host}`, `{severity}`, `{kind}` and `{incident}` are
    /// replaced. Default: `{title}`.
    #[serde(default = "default_subject")]
    pub subject: String,
    /// The text in front of every subject. Default: none.
    #[serde(default)]
    pub subject_prefix: String,
    /// Additional headers: their values by name. Default: none.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Whether the email has an HTML part in addition to the text. Default: true.
    #[serde(default = "yes")]
    pub html: bool,
    /// Whether the emails of one incident form a thread. Default: true.
    #[serde(default = "yes")]
    pub threading: bool,
    /// The maximum number of open connections. Default: 4.
    #[serde(default = "default_connections")]
    pub connections: u16,
    /// The maximum number of recipients in one transaction. Default: 100.
    #[serde(default = "default_recipients_per_mail")]
    pub recipients_per_mail: u16,
    /// The timeout in seconds for each of connecting, the TLS handshake and the greeting.
    /// Default: 10.
    #[serde(default = "default_connect_timeout")]
    pub connect_timeout: u32,
    /// The timeout in seconds for the reply to each command. Default: 20.
    #[serde(default = "default_command_timeout")]
    pub command_timeout: u32,
    /// The timeout in seconds for sending the content and for the reply to its end. Default: 60.
    #[serde(default = "default_data_timeout")]
    pub data_timeout: u32,
    /// The time in seconds after which an unused connection is closed. Default: 30.
    #[serde(default = "default_idle_timeout")]
    pub idle_timeout: u32,
}

/// How the connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TlsMode {
    /// No encryption until STARTTLS, which the server must offer.
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// No encryption.
    None,
}

/// The mechanism of the login.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AuthMethod {
    /// `XOAUTH2` with a token, otherwise `PLAIN` or `LOGIN`, depending on what the server offers.
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
    /// Returns how the connection is encrypted, with the default applied.
    pub fn tls_mode(&self) -> TlsMode {
        match self.smtp_tls {
            Some(mode) => mode,
            None if self.smtp_port == Some(PORT_TLS) => TlsMode::Tls,
            None => TlsMode::StartTls,
        }
    }

    /// Returns the server, without the brackets that an IPv6 address may have.
    pub(crate) fn server(&self) -> &str {
        let name = self.smtp_server.as_str();
        name.strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(name)
    }

    /// Returns the port, with the default applied.
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

/// Returns the number of recipients that every server must accept (RFC 5321, section 4.5.3.1.8).
fn default_recipients_per_mail() -> u16 {
    100
}

fn default_connect_timeout() -> u32 {
    10
}

fn default_command_timeout() -> u32 {
    20
}

/// Returns less than the ten minutes of RFC 5321, section 4.5.3.2.6: it is better to send an alert
/// again than to wait longer.
fn default_data_timeout() -> u32 {
    60
}

fn default_idle_timeout() -> u32 {
    30
}
