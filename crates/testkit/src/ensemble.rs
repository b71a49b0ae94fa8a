//! All four stand-ins together, and channel definitions that reach them, for tests of the whole
//! system, for the demo and for benchmarks.

use std::io;

use crate::{
    mattermost::{self, Mattermost},
    pushover::{self, Pushover},
    signal::SignalCli,
    smtp::{Mode, SmtpServer},
};

/// The number that sends Signal messages.
pub const SIGNAL_USER: &str = "+12025551234";
/// The number that receives Signal messages.
pub const SIGNAL_RECIPIENT: &str = "+12025555678";
/// The user at the mail server.
pub const SMTP_USER: &str = "heartbeat@example.com";
/// The password at the mail server.
pub const SMTP_PASSWORD: &str = "app-password-here";

/// The four stand-ins, running.
pub struct Ensemble {
    /// The mail server, with STARTTLS, a login, and a certificate of its own authority.
    pub smtp: SmtpServer,
    /// Pushover.
    pub pushover: Pushover,
    /// signal-cli, as a program.
    pub signal: SignalCli,
    /// Mattermost.
    pub mattermost: Mattermost,
}

impl Ensemble {
    /// Starts the four stand-ins.
    ///
    /// # Errors
    /// Fails if a port is not available, or the signal-cli stand-in was not built.
    pub async fn start() -> io::Result<Self> {
        let smtp = SmtpServer::builder()
            .mode(Mode::StartTls)
            .credentials(SMTP_USER, SMTP_PASSWORD)
            .start()
            .await?;
        Ok(Self {
            smtp,
            pushover: Pushover::start().await,
            signal: SignalCli::install(&[SIGNAL_USER])?,
            mattermost: Mattermost::start().await,
        })
    }

    /// Returns the settings of an email channel that the specification's examples lack: the
    /// stand-in's address, and the authority to trust.
    #[must_use]
    pub fn email_endpoint(&self) -> String {
        let ca = self.smtp.ca_file().unwrap_or_default();
        format!(
            "smtp_server: 127.0.0.1, smtp_port: {}, smtp_user: {SMTP_USER}, \
             smtp_password: {SMTP_PASSWORD}, tls_ca_file: {}",
            self.smtp.port(),
            ca.display()
        )
    }

    /// Returns one channel of each type, as in the configuration's `notification_channels`.
    #[must_use]
    pub fn channels(&self) -> String {
        format!(
            "notification_channels:
  email_ops: {{type: email, recipients: [ops@example.com, alerts@example.com], \
             sender: heartbeat@example.com, {email}}}
  pushover_urgent: {{type: pushover, token: {token}, user: {key}, api_url: '{pushover}'}}
  signal_oncall: {{type: signal, cli_path: '{cli}', user: {SIGNAL_USER}, recipient: {SIGNAL_RECIPIENT}}}
  mattermost_devops: {{type: mattermost, host: '{mattermost}', token: {hook}, channel: {channel}, \
             username: heartbeat-bot}}
",
            email = self.email_endpoint(),
            token = pushover::TOKEN,
            key = pushover::USER,
            pushover = self.pushover.url(),
            cli = self.signal.path().display(),
            mattermost = self.mattermost.url(),
            hook = mattermost::HOOK,
            channel = mattermost::CHANNEL,
        )
    }
}
