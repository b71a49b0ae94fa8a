//! The provider: sends a notification as one email to every recipient that still needs it, and
//! returns an outcome for each.

use std::{sync::Arc, time::Duration};

use annunciator_sdk::{
    Check, Delivery, Fault, Host, OpenError, Outcome, OwnRuntime, Problem, Provider, RuntimeError,
};
use tokio::time::Instant;

use crate::{
    config::{Config, TlsMode},
    failure::{Cause, Failure},
    message::{self, Addresses, Composed},
    outcome,
    pool::Pool,
    rules,
    transaction::Answer,
};

/// The part of the host's timeout that is left when this plugin gives up, so that it can still
/// report what happened: a twentieth, between these bounds.
const MARGIN: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));
/// The timeout of a check.
const CHECK_TIMEOUT: Duration = Duration::from_secs(30);

/// The number of bytes above which a message is encoded on the plugin's own runtime, because that
/// could keep the host's thread for longer than a poll may take.
const LARGE: usize = 64 * 1024;

/// An email channel.
pub struct Email {
    config: Arc<Config>,
    addresses: Arc<Addresses>,
    pool: Arc<Pool>,
    runtime: OwnRuntime,
    host: Host,
}

impl Provider for Email {
    const TYPE: &'static str = "email";
    const SUMMARY: &'static str = "Sends emails over SMTP.";
    const EXAMPLE: &'static str = "\
type: email
recipients: [ops@example.com]
sender: heartbeat@example.com
smtp_server: smtp.example.com
smtp_user: heartbeat@example.com
smtp_password: { env: SMTP_PASSWORD }
";

    const OWN_RUNTIME: bool = true;
    type Config = Config;

    fn validate(config: &Config) -> Vec<Problem> {
        rules::validate(config)
    }

    async fn open(config: Config, host: Host) -> Result<Self, OpenError> {
        let addresses = Addresses::of(&config)
            .map_err(|error| OpenError::new(Fault::Config, error).hint("correct the address"))?;
        let config = Arc::new(config);
        Ok(Self {
            pool: Arc::new(Pool::new(Arc::clone(&config))),
            runtime: OwnRuntime::of::<Self>(),
            config,
            addresses: Arc::new(addresses),
            host,
        })
    }

    async fn deliver(&self, delivery: &Delivery) -> Vec<Outcome> {
        let targets: Vec<String> = self
            .addresses
            .targets
            .iter()
            .filter(|target| delivery.wants(target))
            .cloned()
            .collect();
        let end = Instant::now() + usable(delivery.timeout());
        let mut limit = self.pool.size_limit();
        let (composed, answers) = loop {
            let composed = match self.compose(delivery, limit).await {
                Ok(composed) => composed,
                Err(error) => {
                    let never = |target| Outcome::permanent(target, Fault::Plugin, &error);
                    return targets.into_iter().map(never).collect();
                }
            };
            let (pool, letter, recipients) = (
                Arc::clone(&self.pool),
                composed.letter.clone(),
                targets.clone(),
            );
            let sent = self
                .runtime
                .run(async move { pool.send(&letter, &recipients, end).await })
                .await;
            let answers = match sent {
                Ok(answers) => answers,
                Err(error) => return lost(&targets, &error),
            };
            // The first connection shows how large an email the server accepts. Nothing was sent
            // yet, so the email is made to fit and sent at once.
            match too_big(&answers) {
                Some(said) if limit != Some(said) => limit = Some(said),
                _ => break (composed, answers),
            }
        };
        targets
            .iter()
            .zip(answers)
            .map(|(target, answer)| match answer {
                Ok(reply) => {
                    outcome::delivered(target, &reply, &composed.message_id, &composed.notes)
                }
                Err(failure) => outcome::failed(target, &failure),
            })
            .collect()
    }

    async fn check(&self) -> Check {
        let pool = Arc::clone(&self.pool);
        let end = Instant::now() + CHECK_TIMEOUT;
        match self.runtime.run(async move { pool.check(end).await }).await {
            Ok(Ok(encrypted)) => {
                let line = if encrypted { "over TLS" } else { "without TLS" };
                let login = match &self.config.smtp_user {
                    Some(_) => "the login was accepted",
                    None => "no login is configured",
                };
                let check = Check::ok(format!(
                    "{}:{} answered {line}, {login}",
                    self.config.smtp_server,
                    self.config.port()
                ));
                match self.config.tls_mode() {
                    TlsMode::None => check.hint("emails to this server can be read in transit"),
                    _ => check,
                }
            }
            Ok(Err(failure)) => {
                let verdict = outcome::judge(&failure);
                Check::failed(verdict.fault, &failure).hint(verdict.hint)
            }
            Err(error) => Check::failed(Fault::Plugin, error),
        }
    }

    async fn close(&self) {
        let pool = Arc::clone(&self.pool);
        // An error means that nothing runs any more, which is the goal.
        let _ = self.runtime.run(async move { pool.close().await }).await;
        self.runtime.close().await;
    }
}

impl Email {
    async fn compose(&self, delivery: &Delivery, limit: Option<usize>) -> Result<Composed, String> {
        let notification = delivery.notification().clone();
        let (config, addresses) = (Arc::clone(&self.config), Arc::clone(&self.addresses));
        let now = self.host.now();
        let large = notification.body().len() > LARGE;
        let compose =
            async move { message::compose(&notification, &config, &addresses, now, limit) };
        if large {
            let composed = self.runtime.run(compose).await;
            composed.unwrap_or_else(|error| Err(error.to_string()))
        } else {
            compose.await
        }
    }
}

/// Returns the server's size limit, if the email was not sent because of it.
fn too_big(answers: &[Answer]) -> Option<usize> {
    answers.iter().find_map(|answer| match answer {
        Err(Failure {
            cause: Cause::TooBig { limit, .. },
            ..
        }) => Some(*limit),
        _ => None,
    })
}

/// Returns the time for an attempt: the host's timeout without the time for reporting.
fn usable(timeout: Duration) -> Duration {
    timeout.saturating_sub((timeout / 20).clamp(MARGIN.0, MARGIN.1))
}

fn lost(targets: &[String], error: &RuntimeError) -> Vec<Outcome> {
    targets
        .iter()
        .map(|target| Outcome::unknown(target, Fault::Plugin, error))
        .collect()
}
