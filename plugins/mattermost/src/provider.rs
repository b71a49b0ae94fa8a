//! An open mattermost channel, which posts by a webhook or as a bot.

use annunciator_sdk::{
    Check, Delivery, Fault, Host, OpenError, Outcome, Problem, Proof, Proofs, Provider,
};

use crate::address::Address;
use crate::api::Api;
use crate::bot::Bot;
use crate::config::Config;
use crate::message::{Blank, Message};
use crate::validation;
use crate::webhook::Webhook;

/// A mattermost channel.
pub struct Mattermost {
    config: Config,
    transport: Transport,
}

enum Transport {
    Webhook(Webhook),
    Bot(Box<Bot>),
}

impl Provider for Mattermost {
    const TYPE: &'static str = "mattermost";
    const SUMMARY: &'static str = "Posts to a channel of a Mattermost server.";
    const EXAMPLE: &'static str = "type: mattermost\nhost: chat.example.com\n\
                                   token: your-webhook-token\nchannel: infrastructure-alerts\n";
    type Config = Config;

    fn validate(config: &Config) -> Vec<Problem> {
        validation::problems(config)
    }

    fn proofs(config: &Config) -> Proofs {
        if config.acknowledges() {
            return Proofs::up_to(Proof::Acknowledged);
        }
        let (setting, value, why) = match config.bot_token {
            Some(_) => (
                "acknowledge",
                "true",
                "people then react or reply to a post",
            ),
            None => (
                "bot_token",
                "{env: MATTERMOST_BOT_TOKEN}",
                "with that and team in place of token, a bot posts, which sees that people react \
                 or reply; a webhook does not",
            ),
        };
        Proofs::accepted().hint(Proof::Acknowledged, setting, value, why)
    }

    async fn open(config: Config, host: Host) -> Result<Self, OpenError> {
        let problems = validation::problems(&config);
        if let Some(problem) = problems.iter().find(|found| found.is_error()) {
            let detail = format!("{} {}", problem.path(), problem.message());
            return Err(OpenError::new(Fault::Config, detail));
        }
        let address = Address::parse(&config.host, config.scheme)
            .map_err(|bad| OpenError::new(Fault::Config, format!("{} {}", bad.field, bad.what)))?;
        let transport = match (&config.token, &config.bot_token, &config.team) {
            (Some(token), None, _) => Transport::Webhook(Webhook::new(&address, token, host)),
            (_, Some(token), Some(team)) => {
                let bot = Bot::new(Api::new(address, token, &config, host), team, &config);
                bot.resume().await;
                Transport::Bot(Box::new(bot))
            }
            _ => {
                let detail = "neither token nor both bot_token and team are set";
                return Err(OpenError::new(Fault::Config, detail));
            }
        };
        Ok(Self { config, transport })
    }

    async fn deliver(&self, delivery: &Delivery) -> Vec<Outcome> {
        let target = self.config.channel.as_str();
        if !delivery.wants(target) {
            return Vec::new();
        }
        let notification = delivery.notification();
        let message = match Message::new(notification, &self.config) {
            Ok(message) => message,
            Err(Blank) => {
                let detail = "the message is blank";
                return vec![Outcome::permanent(target, Fault::Message, detail)];
            }
        };
        vec![match &self.transport {
            Transport::Webhook(webhook) => webhook.post(&message, &self.config).await,
            Transport::Bot(bot) => bot.post(delivery, &message, &self.config).await,
        }]
    }

    async fn check(&self) -> Check {
        match &self.transport {
            Transport::Webhook(webhook) => webhook.check(&self.config).await,
            Transport::Bot(bot) => bot.check(&self.config).await,
        }
    }
}
