//! The plugin as the checks see it.

use std::{
    fs,
    panic::AssertUnwindSafe,
    path::{Path, PathBuf},
    time::Duration,
};

use annunciator::standalone::Standalone;
use annunciator_core::{
    code::{Fault, Kind, OutcomeClass, Severity},
    ffi::{RArc, RString, RVec},
    message::{AttributeV1, DeliveryV1, NotificationV1},
    note::Note,
    outcome::{CheckResultV1, DeliveryResultV1, OutcomeV1},
    provider::ProviderBox,
};
use futures_util::FutureExt as _;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use tokio::{runtime::Runtime, time::timeout};

use crate::{
    answer::{Answer, Success},
    host::{Host, Reply},
    miss::Miss,
};

/// The time limit of everything that has no limit of its own.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(20);
/// The time that deliveries get for an attempt.
pub(crate) const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

/// Returns a text for the place of a secret, which must not appear in any output.
#[must_use]
pub fn canary() -> &'static str {
    "canary-8c1f5e0b47d2"
}

/// The settings with which a channel type is examined.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Channel {
    /// The channel type.
    pub channel_type: String,
    /// The settings, as a JSON object.
    pub settings_json: String,
    /// Whether they are only the type's example, which may name files that this machine does not
    /// have.
    pub is_example: bool,
}

/// The subject of the checks, and their options.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Subject {
    pub(crate) path: PathBuf,
    pub(crate) channels: Vec<Channel>,
    pub(crate) seed: u64,
    /// Whether a plugin that reaches its remote by itself may do so.
    pub(crate) live: bool,
    /// The remote's answers to requests that it accepts, if somebody has defined them.
    pub(crate) success: Success,
}

impl Subject {
    pub(crate) fn bytes(&self) -> Result<Vec<u8>, Miss> {
        fs::read(&self.path).map_err(|error| Miss::fails(format!("it cannot be read: {error}")))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the note in the file.
    pub(crate) fn note(&self) -> Result<Note, Miss> {
        match annunciator::inspect(&self.path) {
            Ok(Some(file)) => Ok(file.note),
            _ => Err(Miss::fails("its note cannot be read")),
        }
    }

    pub(crate) fn load(&self) -> Result<Standalone, Miss> {
        Standalone::load(&self.path, None).map_err(|error| Miss::fails(error.to_string()))
    }

    /// Runs a check for each channel type.
    pub(crate) fn each(
        &self,
        mut check: impl FnMut(&Standalone, &Channel) -> Result<(), Miss>,
    ) -> Result<(), Miss> {
        let standalone = self.load()?;
        if self.channels.is_empty() {
            let why = "there are no settings to examine it with: it gives no example that can be used, and none are named with --config";
            return Err(Miss::skips(why));
        }
        let (mut skipped, mut checked) = (None, false);
        for channel in &self.channels {
            match check(&standalone, channel) {
                Ok(()) => checked = true,
                Err(Miss::Skips(why)) => skipped = Some(why),
                Err(Miss::Fails(why)) => {
                    return Err(Miss::fails(format!("type {}: {why}", channel.channel_type)));
                }
            }
        }
        match skipped {
            Some(why) if !checked => Err(Miss::Skips(why)),
            _ => Ok(()),
        }
    }

    /// Runs a check with an open provider, for each channel type.
    pub(crate) fn each_open<F>(&self, check: impl Fn(Stage) -> F) -> Result<(), Miss>
    where
        F: Future<Output = Result<(), Miss>>,
    {
        let runtime = runtime()?;
        self.each(|standalone, channel| {
            runtime.block_on(async {
                let stage = Stage::new(standalone, channel, self).await?;
                check(stage).await
            })
        })
    }
}

pub(crate) fn runtime() -> Result<Runtime, Miss> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Miss::fails(format!("no runtime could be started: {error}")))
}

/// An open provider, its host, and its remote's answers to requests that it accepts.
pub(crate) struct Stage {
    pub(crate) host: Host,
    pub(crate) provider: Option<ProviderBox>,
    /// `None` for a provider that makes no request through its host.
    pub(crate) success: Option<Success>,
    /// Whether the plugin says that a message may be sent twice.
    pub(crate) is_idempotent: bool,
    pub(crate) seed: u64,
}

/// Usual answers of services to requests that they accept.
const USUAL: [(u16, &str); 6] = [
    (200, "ok"),
    (
        200,
        r#"{"status":1,"request":"647d2300-702c-4b38-8b2f-d56326ae460b"}"#,
    ),
    (200, r#"{"ok":true,"id":"4f1a","result":{"message_id":7}}"#),
    (201, r#"{"id":"4f1a","ok":true}"#),
    (202, r#"{"status":"success"}"#),
    (204, ""),
];

impl Stage {
    /// Opens a provider, and finds out which answer of its remote it reads as success.
    pub(crate) async fn new(
        standalone: &Standalone,
        channel: &Channel,
        subject: &Subject,
    ) -> Result<Self, Miss> {
        let host = Host::new(tokio::runtime::Handle::current());
        let provider = open(standalone, channel, &host).await?;
        let mut stage = Self {
            host,
            provider: Some(provider),
            success: None,
            is_idempotent: subject.note()?.is_idempotent(&channel.channel_type),
            seed: subject.seed,
        };
        let by_itself = subject.note()?.own_runtime;
        if by_itself && !subject.live {
            return Err(Miss::skips(
                "it reaches its remote by itself: name settings for a test server with --config, and pass --live",
            ));
        }
        if by_itself {
            let outcomes = stage.deliver(&message("hello")).await?;
            return if delivered(&outcomes) {
                Ok(stage)
            } else {
                Err(Miss::fails(format!(
                    "it does not deliver to the server of its settings: {}",
                    worst(&outcomes)
                )))
            };
        }
        let usual = USUAL
            .iter()
            .map(|(status, body)| Success::always(Answer::new(*status, body)));
        let candidates: Vec<_> = if subject.success.is_named() {
            vec![subject.success.clone()]
        } else {
            usual.collect()
        };
        let mut last = String::new();
        for answer in candidates {
            stage.host.take_requests();
            stage.host.answers(Reply::Success(answer.clone()));
            let outcomes = stage.deliver(&message("hello")).await?;
            let asked = !stage.host.take_requests().is_empty();
            if delivered(&outcomes) {
                stage.success = asked.then_some(answer);
                return Ok(stage);
            }
            last = worst(&outcomes);
        }
        Err(Miss::fails(format!(
            "none of the usual answers makes it deliver, the last was \"{last}\": set the one that does as `answer`, or several as `answers`, in the file of --waivers"
        )))
    }

    /// Returns the remote's answers, for checks of the requests.
    pub(crate) fn success(&self) -> Result<Success, Miss> {
        let none = || Miss::skips("it makes no HTTP request by its host");
        self.success.clone().ok_or_else(none)
    }

    /// Lets the remote accept everything from now on.
    pub(crate) fn succeed(&self) {
        if let Some(answer) = &self.success {
            self.host.answers(Reply::Success(answer.clone()));
        }
    }

    fn provider(&self) -> Result<&ProviderBox, Miss> {
        let closed = || Miss::fails("it is closed");
        self.provider.as_ref().ok_or_else(closed)
    }

    /// Makes one attempt, which has to have an outcome.
    pub(crate) async fn deliver(&self, delivery: &DeliveryV1) -> Result<Vec<OutcomeV1>, Miss> {
        let result = guarded("deliver", self.provider()?.deliver(delivery.clone())).await?;
        let DeliveryResultV1 { outcomes, .. } = result;
        if outcomes.is_empty() {
            return Err(Miss::fails("deliver answered without any outcome"));
        }
        Ok(outcomes.into())
    }

    pub(crate) async fn check(&self) -> Result<CheckResultV1, Miss> {
        guarded("check", self.provider()?.check()).await
    }

    /// Closes the provider as a host does.
    pub(crate) async fn close(&mut self) -> Result<(), Miss> {
        if let Some(provider) = self.provider.take() {
            guarded("close", provider.close()).await?;
        }
        self.host.end_tasks();
        Ok(())
    }
}

/// Opens a provider.
pub(crate) async fn open(
    standalone: &Standalone,
    channel: &Channel,
    host: &Host,
) -> Result<ProviderBox, Miss> {
    let opening = standalone.open(&channel.channel_type, &channel.settings_json, host.boxed());
    let opening = opening.ok_or_else(|| Miss::fails("it does not offer this type"))?;
    let opened = guarded("open", opening).await?;
    opened.map_err(|error| {
        let detail = error.detail;
        if channel.is_example && error.fault == Fault::CONFIG {
            return Miss::skips(format!(
                "its example cannot be opened on this machine ({detail}): name settings with --config"
            ));
        }
        Miss::fails(format!("it cannot be opened: {detail}"))
    })
}

async fn guarded<T>(what: &str, future: impl Future<Output = T>) -> Result<T, Miss> {
    match timeout(CALL_TIMEOUT, AssertUnwindSafe(future).catch_unwind()).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(payload)) => {
            // A payload may panic again when it is dropped.
            std::mem::forget(payload);
            Err(Miss::fails(format!("{what} panicked")))
        }
        Err(_) => Err(Miss::fails(format!(
            "{what} did not end within {CALL_TIMEOUT:?}"
        ))),
    }
}

pub(crate) fn delivered(outcomes: &[OutcomeV1]) -> bool {
    outcomes
        .iter()
        .all(|outcome| outcome.class == OutcomeClass::DELIVERED)
}

/// Returns an outcome that is not delivered, as text.
pub(crate) fn worst(outcomes: &[OutcomeV1]) -> String {
    let worst = outcomes
        .iter()
        .find(|outcome| outcome.class != OutcomeClass::DELIVERED);
    worst.map_or_else(
        || "delivered".to_owned(),
        |outcome| {
            let class = outcome.class.name().unwrap_or("an unknown outcome");
            format!("{class}: {} {}", outcome.code, outcome.detail)
        },
    )
}

/// Returns a message with this text.
pub(crate) fn message(body: &str) -> DeliveryV1 {
    titled("Examination", body)
}

pub(crate) fn titled(title: &str, body: &str) -> DeliveryV1 {
    let attributes = RVec::from(vec![AttributeV1 {
        key: "metric_path".into(),
        value: "cpu_monitor.cpu_percent".into(),
    }]);
    DeliveryV1 {
        notification: RArc::new(NotificationV1 {
            id: "0193a1b2-0000-7000-8000-000000000001".into(),
            incident: "examination".into(),
            host: "web-01".into(),
            title: title.into(),
            body: body.into(),
            severity: Severity::WARNING,
            kind: Kind::PROBLEM,
            occurred_at_ms: 1_700_000_000_000,
            attributes,
            extension_json: RString::new(),
        }),
        attempt: 1,
        timeout_ms: u64::try_from(ATTEMPT_TIMEOUT.as_millis()).unwrap_or(u64::MAX),
        targets: RVec::new(),
        reference: RString::new(),
        extension_json: RString::new(),
    }
}

/// Returns settings as JSON.
pub(crate) fn json(channel: &Channel) -> Result<Json, Miss> {
    serde_json::from_str(&channel.settings_json)
        .map_err(|error| Miss::fails(format!("its settings are not JSON: {error}")))
}
