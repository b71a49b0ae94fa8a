//! An open pushover channel, which makes one request for each user key in an attempt.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use annunciator_sdk::{
    Check, Delivery, Fault, Host, Kind, Notification, OpenError, Outcome, Problem, Proof, Proofs,
    Provider, redacted,
};
use futures_util::future::join_all;
use serde::Deserialize;

use crate::api::Api;
use crate::config::Config;
use crate::encryption::Key;
use crate::message::{Message, Unfit};
use crate::outcome;
use crate::priority::Priority;
use crate::quota::{Quota, Watch};
use crate::receipts::{Pending, Receipts};
use crate::recipient::{self, Recipient};

/// A pushover channel.
pub struct Pushover {
    config: Config,
    recipients: Vec<Recipient>,
    key: Option<Key>,
    host: Host,
    api: Arc<Api>,
    receipts: Arc<Receipts>,
    watch: Watch,
}

impl Provider for Pushover {
    const TYPE: &'static str = "pushover";
    const SUMMARY: &'static str = "Sends push messages to phones by Pushover.";
    const EXAMPLE: &'static str =
        "type: pushover\ntoken: your-application-token\nuser: your-user-key\n";
    type Config = Config;

    fn validate(config: &Config) -> Vec<Problem> {
        config.problems()
    }

    fn proofs(config: &Config) -> Proofs {
        // Only emergencies have receipts, which prove that a message arrived and was acknowledged.
        let is_followed = |severity| config.priority_of(severity) == Priority::EMERGENCY;
        let proofs =
            Proofs::by_severity(|severity| is_followed(severity).then_some(Proof::Acknowledged));
        let (setting, value) = match config.priority {
            Some(_) => ("priority", "emergency"),
            None => ("priorities", "{critical: emergency}"),
        };
        let why = "Pushover asks people to acknowledge emergencies only";
        proofs.hint(Proof::Acknowledged, setting, value, why)
    }

    async fn open(config: Config, host: Host) -> Result<Self, OpenError> {
        if let Some(problem) = config.problems().iter().find(|found| found.is_error()) {
            let detail = format!("{} {}", problem.path(), problem.message());
            return Err(OpenError::new(Fault::Config, detail));
        }
        let api = Arc::new(Api::new(&config, host.clone()));
        let channel = Self {
            recipients: recipient::all(config.user.expose()),
            // The validation above has refused a text that is not a key.
            key: config
                .encryption_key
                .as_ref()
                .and_then(|key| Key::parse(key.expose())),
            receipts: Receipts::new(Arc::clone(&api), host.clone(), &config),
            watch: Watch::default(),
            config,
            host,
            api,
        };
        channel.receipts.resume(channel.every()).await;
        Ok(channel)
    }

    async fn deliver(&self, delivery: &Delivery) -> Vec<Outcome> {
        let notification = delivery.notification();
        let notes = self.cancel_ended(notification).await;
        let wanted = self
            .recipients
            .iter()
            .filter(|recipient| delivery.wants(&recipient.target));
        let message = match Message::new(notification, &self.config, self.key.as_ref()) {
            Ok(message) => message,
            Err(unfit) => {
                let (fault, detail) = match unfit {
                    Unfit::Blank => (Fault::Message, "the message is blank"),
                    Unfit::Open(why) => (Fault::Host, why),
                };
                return wanted
                    .map(|to| Outcome::permanent(&to.target, fault, detail))
                    .collect();
            }
        };
        // The last tenth is reserved for returning the outcomes to the host.
        let time = delivery.timeout() - delivery.timeout() / 10;
        let until = self.host.now() + time;
        let sent = wanted.map(|to| self.send(&message, to, delivery, until));
        let outcomes = join_all(sent).await.into_iter();
        outcomes
            .map(|outcome| outcome.notes(notes.iter().cloned()))
            .collect()
    }

    async fn check(&self) -> Check {
        let mut seen = Vec::new();
        for recipient in &self.recipients {
            match self.check_one(recipient).await {
                Ok(found) => seen.push(found),
                Err(failed) => return failed,
            }
        }
        Check::ok(seen.join("; "))
    }
}

#[derive(Debug, Deserialize)]
struct Validated {
    #[serde(default)]
    group: u8,
    #[serde(default)]
    devices: Vec<String>,
}

impl Pushover {
    /// Cancels the emergencies of an incident, if the notification says that it has ended or that
    /// somebody has taken over. Returns notes on those that could not be cancelled.
    async fn cancel_ended(&self, notification: &Notification) -> Vec<String> {
        let has_recovered = notification.kind() == Kind::Recovery;
        let is_over = (has_recovered && self.config.cancel_on_recovery)
            || (notification.acknowledged_by().is_some() && self.config.cancel_on_acknowledgement);
        match notification.incident().filter(|_| is_over) {
            Some(incident) => self.receipts.cancel(incident).await,
            None => Vec::new(),
        }
    }

    async fn send(
        &self,
        message: &Message,
        to: &Recipient,
        delivery: &Delivery,
        until: SystemTime,
    ) -> Outcome {
        let mut secrets = self.api.secrets();
        secrets.push(to.key.expose());
        let mut fields = vec![("user", to.key.expose().clone())];
        fields.extend(message.fields.iter().cloned());
        let response = match self
            .api
            .post("/1/messages.json", &fields, Some(until))
            .await
        {
            Ok(response) => response,
            Err(error) => return outcome::unanswered(&to.target, &error, &secrets),
        };
        let now = self.host.now();
        let (mut outcome, answer) = outcome::answered(&to.target, &response, now, &secrets);
        if let Some(quota) = Quota::read(&response)
            && let Some(note) = self.watch.look(quota, now)
            && response.status() != 429
        {
            outcome = outcome.note(note);
        }
        outcome = outcome.notes(message.notes.iter().cloned());
        let receipt = answer
            .filter(|answer| answer.status == 1)
            .and_then(|answer| answer.receipt);
        match receipt {
            Some(receipt) => {
                let shown = redacted(&receipt, &secrets);
                let note = format!(
                    "the message repeats until somebody acknowledges it; its receipt is {shown}"
                );
                self.follow(receipt, delivery).await;
                outcome.note(note)
            }
            None => outcome,
        }
    }

    async fn follow(&self, receipt: String, delivery: &Delivery) {
        let expires_at = self.receipts.unix_now() + u64::from(self.config.expire);
        let pending = Pending {
            receipt,
            expires_at,
            reference: delivery.reference().to_owned(),
        };
        let incident = delivery.notification().incident();
        if let Some(incident) = incident {
            self.receipts.store(incident, pending.clone()).await;
        }
        self.receipts.begin(incident, pending, self.every()).await;
    }

    /// Returns the interval at which the service repeats an emergency, and at which its receipt is
    /// checked.
    fn every(&self) -> Duration {
        Duration::from_secs(u64::from(self.config.retry))
    }

    async fn check_one(&self, recipient: &Recipient) -> Result<String, Check> {
        let mut secrets = self.api.secrets();
        secrets.push(recipient.key.expose());
        let target = &recipient.target;
        let fields = [("user", recipient.key.expose().clone())];
        let answered = self.api.post("/1/users/validate.json", &fields, None).await;
        let (outcome, response) = match answered {
            Err(error) => (outcome::unanswered(target, &error, &secrets), None),
            Ok(response) => {
                let now = self.host.now();
                let (outcome, answer) = outcome::answered(target, &response, now, &secrets);
                let valid = answer.is_some_and(|answer| answer.status == 1);
                (outcome, valid.then_some(response))
            }
        };
        let Some(response) = response else {
            let fault = outcome.fault().unwrap_or(Fault::Remote);
            let raw = outcome.raw();
            let detail = format!("{target}: {}", raw.detail);
            return Err(Check::failed(fault, detail).hint(raw.hint.as_str()));
        };
        let Ok(validated) = response.json::<Validated>() else {
            let detail = "something other than Pushover answered";
            return Err(Check::failed(Fault::Remote, detail).hint("check api_url"));
        };
        self.check_devices(target, &validated)
    }

    fn check_devices(&self, target: &str, validated: &Validated) -> Result<String, Check> {
        if validated.group == 1 {
            return Ok(format!("{target} is a group"));
        }
        let asked = self.config.device.as_deref().unwrap_or_default();
        let missing = asked
            .split(',')
            .map(str::trim)
            .find(|name| !name.is_empty() && !validated.devices.iter().any(|known| known == name));
        let devices = validated.devices.join(", ");
        match missing {
            Some(name) => Err(Check::failed(
                Fault::Config,
                format!("{target} has no device {name}"),
            )
            .hint(format!("its devices are {devices}; check device"))),
            None => Ok(format!("{target} is valid, with the devices {devices}")),
        }
    }
}
