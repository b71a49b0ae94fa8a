//! The provider: passes a message to signal-cli, as a program or as a daemon, and reads from its
//! results who got it.

use std::{sync::Arc, time::Duration};

use annunciator_sdk::{
    Check, Class, Delivery, Fault, Host, HttpRequest, Kind, OpenError, Outcome, OwnRuntime,
    Problem, Proof, Proofs, Provider,
};
use serde_json::{Value, json};
use tokio::{sync::mpsc, time::Instant};

use crate::{
    call::Call,
    cli::Cli,
    config::Config,
    endpoint::Endpoint,
    events::Events,
    line::{Line, MAX_INCOMING},
    message::Text,
    outcome,
    refusal::typed,
    reply::{Answer, Failure, beginning, read_response, read_rpc},
    source::Source,
    target::Target,
    watch::{Watch, Watched},
};

/// The part of the host's timeout that is left when this plugin gives up, so that it can still kill
/// a child and report what happened: a tenth, between these bounds.
const MARGIN: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// The timeout of a check. A Java program takes seconds to start.
const CHECK_TIMEOUT: Duration = Duration::from_secs(30);
/// The time for which `close` waits for a child that is being killed.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// A signal channel.
pub struct Signal {
    config: Arc<Config>,
    transport: Transport,
    /// The messages that somebody may acknowledge; `None` if nobody can, or the settings want none.
    watch: Option<Arc<Watch>>,
    runtime: OwnRuntime,
    host: Host,
}

/// The way to signal-cli.
enum Transport {
    /// A program.
    Cli(Arc<Cli>),
    /// A daemon on a unix socket or a TCP port.
    Line(Arc<Line>),
    /// A daemon over HTTP, by the URL of its JSON-RPC.
    Http(String),
}

impl Provider for Signal {
    const TYPE: &'static str = "signal";
    const SUMMARY: &'static str = "Sends Signal messages with signal-cli.";
    const EXAMPLE: &'static str = "\
type: signal
cli_path: /usr/local/bin/signal-cli
user: +12025551234
recipient: +12025559999
";

    const OWN_RUNTIME: bool = true;
    type Config = Config;

    fn validate(config: &Config) -> Vec<Problem> {
        config.problems()
    }

    fn proofs(config: &Config) -> Proofs {
        if config.acknowledges() {
            return Proofs::up_to(Proof::Acknowledged);
        }
        let (setting, value, why) = match config.reports() {
            true => (
                "acknowledge",
                "true",
                "people then react or reply to a message",
            ),
            false => (
                "rpc",
                "unix:/run/signal-cli/socket",
                "only a daemon reports that people react or reply, and not over https",
            ),
        };
        Proofs::accepted().hint(Proof::Acknowledged, setting, value, why)
    }

    async fn open(config: Config, host: Host) -> Result<Self, OpenError> {
        let config = Arc::new(config);
        let mut watch = None;
        let transport = match &config.rpc {
            None => {
                let cli = Cli::new(Arc::clone(&config));
                if !cli.is_found() {
                    let detail = "there is no signal-cli in PATH";
                    return Err(OpenError::new(Fault::Config, detail)
                        .hint("install it, or set `cli_path` to its absolute path"));
                }
                Transport::Cli(Arc::new(cli))
            }
            Some(rpc) => match Endpoint::parse(rpc) {
                Ok(endpoint) => {
                    let (sender, incoming) = mpsc::channel(MAX_INCOMING);
                    let (transport, source) = match endpoint {
                        Endpoint::Http(url) => {
                            let authority = Events::authority(&url);
                            let events = authority.map(|it| Events::new(it, sender));
                            (Transport::Http(url), events.map(Source::Events))
                        }
                        endpoint => {
                            let line = Arc::new(Line::new(endpoint, sender));
                            let source = Source::Line(Arc::clone(&line));
                            (Transport::Line(line), Some(source))
                        }
                    };
                    watch = source
                        .filter(|_| config.acknowledges())
                        .map(|source| Watch::new(host.clone(), &config, source, incoming));
                    transport
                }
                Err(error) => return Err(OpenError::new(Fault::Config, error)),
            },
        };
        let channel = Self {
            config,
            transport,
            watch,
            runtime: OwnRuntime::of::<Self>(),
            host,
        };
        if let Some(watch) = &channel.watch {
            watch.resume(&channel.runtime).await;
        }
        Ok(channel)
    }

    async fn deliver(&self, delivery: &Delivery) -> Vec<Outcome> {
        let targets: Vec<Target> = self
            .config
            .targets()
            .into_iter()
            .filter(|target| delivery.wants(&target.name()))
            .collect();
        let limit = Duration::from_secs(u64::from(self.config.timeout));
        let end = Instant::now() + usable(delivery.timeout()).min(limit);
        let text = Text::of(delivery.notification(), self.config.styled);
        let mut outcomes = Vec::with_capacity(targets.len());
        let mut sent = Vec::new();
        for call in Call::split(targets, &text) {
            let (of_call, sent_at) = self.send(call, end).await;
            let is_sent = of_call.iter().any(|one| one.class() == Class::Delivered);
            sent.extend(sent_at.filter(|_| is_sent));
            outcomes.extend(of_call);
        }
        self.follow(delivery, sent).await;
        outcomes
    }

    async fn check(&self) -> Check {
        let end = Instant::now() + CHECK_TIMEOUT;
        let user = &self.config.user;
        let found = match &self.transport {
            Transport::Cli(cli) => {
                let cli = Arc::clone(cli);
                self.on_runtime(async move { cli.accounts(end).await })
                    .await
            }
            // A daemon with a single account does not list accounts. Then its version proves that
            // it is signal-cli.
            _ => match self.rpc("listAccounts", json!({}), end).await {
                Err(Failure::Refused { .. }) => self.rpc("version", json!({}), end).await,
                other => other,
            },
        };
        let accounts = match found {
            Ok(accounts) => accounts,
            Err(failure) => {
                let (fault, detail, hint) = outcome::explain(user, &failure);
                return Check::failed(fault, detail).hint(hint);
            }
        };
        let Some(list) = accounts.as_array() else {
            return Check::ok("signal-cli's daemon answers");
        };
        let known = list
            .iter()
            .any(|account| account.get("number").and_then(Value::as_str) == Some(user));
        if known || !user.starts_with('+') {
            return Check::ok(format!("signal-cli answers and knows {user}"));
        }
        Check::failed(
            Fault::Config,
            format!("signal-cli answers, but does not know {user}"),
        )
        .hint(format!(
            "run `signal-cli -a {} register`, then `verify CODE`, or link a device",
            typed(user)
        ))
    }

    async fn close(&self) {
        if let Transport::Cli(cli) = &self.transport {
            let cli = Arc::clone(cli);
            let end = Instant::now() + CLOSE_TIMEOUT;
            // An error means that nothing runs any more, which is the goal.
            let _ = self.runtime.run(async move { cli.close(end).await }).await;
        }
        self.runtime.close().await;
    }
}

impl Signal {
    /// Watches the messages that were sent at these times until somebody acknowledges one, or stops
    /// watching those of an incident that has ended or was taken over.
    async fn follow(&self, delivery: &Delivery, sent: Vec<u64>) {
        let Some(watch) = &self.watch else {
            return;
        };
        let notification = delivery.notification();
        let incident = notification.incident().unwrap_or_default();
        if notification.kind() == Kind::Recovery || notification.acknowledged_by().is_some() {
            watch.end(incident).await;
            return;
        }
        // Nobody waits for a proof without a reference.
        if sent.is_empty() || delivery.reference().is_empty() {
            return;
        }
        let messages = sent.into_iter().map(|sent_at| Watched {
            sent_at,
            reference: delivery.reference().to_owned(),
            incident: incident.to_owned(),
            posted_ms: self.host.now_ms(),
            is_delivered: false,
        });
        watch.begin(&self.runtime, messages.collect()).await;
    }

    /// Makes one call. Returns the outcomes, and when the message was sent, which is its ID.
    async fn send(&self, call: Call, end: Instant) -> (Vec<Outcome>, Option<u64>) {
        let (targets, notes) = (call.targets.clone(), call.text.notes.clone());
        let answer: Answer = match &self.transport {
            Transport::Cli(cli) => {
                let cli = Arc::clone(cli);
                self.on_runtime(async move { cli.send(&call, end).await })
                    .await
            }
            _ => self
                .rpc("send", call.parameters(&self.config), end)
                .await
                .and_then(read_response),
        };
        let sent_at = match &answer {
            Ok(response) => response.timestamp,
            Err(_) => None,
        };
        let outcomes = outcome::outcomes(&self.config.user, &targets, &answer, &notes);
        (outcomes, sent_at)
    }

    /// Runs a future on the plugin's own runtime. Fails if the runtime is gone.
    async fn on_runtime<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) -> Result<T, Failure> {
        match self.runtime.run(work).await {
            Ok(result) => result,
            Err(error) => Err(Failure::Lost(error.to_string())),
        }
    }

    /// Calls a method of the daemon and returns its result.
    async fn rpc(&self, method: &str, parameters: Value, end: Instant) -> Result<Value, Failure> {
        match &self.transport {
            Transport::Line(line) => {
                let (line, method) = (Arc::clone(line), method.to_owned());
                self.on_runtime(async move { line.call(&method, parameters, end).await })
                    .await
            }
            Transport::Http(url) => self.http(url, method, parameters, end).await,
            Transport::Cli(_) => Err(Failure::NotReached("there is no daemon".to_owned())),
        }
    }

    async fn http(
        &self,
        url: &str,
        method: &str,
        parameters: Value,
        end: Instant,
    ) -> Result<Value, Failure> {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": parameters });
        let request = HttpRequest::post(url)
            .timeout(end.saturating_duration_since(Instant::now()))
            .json(&request);
        let answer = self.host.http(request).await.map_err(Failure::Host)?;
        if answer.status() != 200 {
            return Err(Failure::Status {
                status: answer.status(),
                wait: answer.retry_after(self.host.now()),
            });
        }
        match answer.json::<Value>() {
            Ok(value) => read_rpc(&value),
            Err(_) => Err(Failure::Garbage(beginning(&answer.text()))),
        }
    }
}

/// Returns the time for an attempt: the host's timeout without the time for killing a child and
/// reporting.
fn usable(timeout: Duration) -> Duration {
    timeout.saturating_sub((timeout / 10).clamp(MARGIN.0, MARGIN.1))
}
