//! The commands that can answer in JSON.

use super::{Command, PluginsAction};

impl Command {
    /// Returns whether JSON is requested.
    pub(crate) fn is_json(&self) -> bool {
        match self {
            Self::Status(status) => status.json,
            Self::Explain(explain) => explain.json,
            Self::Ack(ack) => ack.json,
            Self::Token(token) => token.is_json(),
            Self::Notify(notify) => notify.wording.json,
            Self::Send(send) => send.wording.json,
            Self::Test(test) => test.json,
            Self::Deliveries(deliveries) => deliveries.is_json(),
            Self::Channels(list) | Self::Hosts(list) => list.json,
            Self::Route(route) => route.json,
            Self::Plugins(plugins) => match &plugins.action {
                None => plugins.json,
                Some(PluginsAction::Lock(pin)) => pin.json,
                Some(PluginsAction::Validate(validate)) => validate.json,
                Some(PluginsAction::New(_)) => false,
            },
            Self::Schema => true,
            Self::Run(_)
            | Self::Silence(_)
            | Self::Reload(_)
            | Self::Init(_)
            | Self::Check
            | Self::Retry(_)
            | Self::Sendmail(_)
            | Self::Completions { .. } => false,
        }
    }
}
