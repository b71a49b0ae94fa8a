//! The inbox: the messages in the four stand-ins, each with the channel that brought it.

use annunciator_testkit::ensemble::Ensemble;

/// A channel of the configuration; there is one of each type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Channel {
    Email,
    Pushover,
    Signal,
    Mattermost,
}

impl Channel {
    pub(super) const ALL: [Self; 4] = [Self::Email, Self::Pushover, Self::Signal, Self::Mattermost];

    /// Returns the channel's name, as in [`Ensemble::channels`].
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Email => "email_ops",
            Self::Pushover => "pushover_urgent",
            Self::Signal => "signal_oncall",
            Self::Mattermost => "mattermost_devops",
        }
    }

    /// Returns the name of its service.
    pub(super) fn service(self) -> &'static str {
        match self {
            Self::Email => "mail server",
            Self::Pushover => "Pushover",
            Self::Signal => "Signal",
            Self::Mattermost => "Mattermost",
        }
    }
}

/// A message that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Arrival {
    pub(super) channel: Channel,
    /// The recipient and the title.
    pub(super) envelope: String,
    /// The text, without the line end after a mail's last line.
    pub(super) text: String,
}

/// The messages in the stand-ins, except those before it was opened.
pub(super) struct Inbox<'a> {
    ensemble: &'a Ensemble,
    before: [usize; 4],
}

impl<'a> Inbox<'a> {
    pub(super) fn open(ensemble: &'a Ensemble) -> Self {
        let before = Channel::ALL.map(|channel| messages(ensemble, channel).len());
        Self { ensemble, before }
    }

    /// Returns the messages by channel, each in the order of arrival.
    pub(super) fn arrivals(&self) -> Vec<Arrival> {
        Channel::ALL
            .into_iter()
            .zip(self.before)
            .flat_map(|(channel, before)| {
                let messages = messages(self.ensemble, channel).into_iter().skip(before);
                messages.map(move |(envelope, text)| Arrival {
                    channel,
                    envelope,
                    text: text.trim_end_matches(['\r', '\n']).to_owned(),
                })
            })
            .collect()
    }
}

/// Returns the envelopes and texts in the stand-in of a channel.
fn messages(ensemble: &Ensemble, channel: Channel) -> Vec<(String, String)> {
    match channel {
        Channel::Email => {
            let mails = ensemble.smtp.messages().into_iter();
            mails
                .map(|mail| {
                    let to = mail.recipients.join(", ");
                    (format!("to {to}: \"{}\"", mail.subject()), mail.text())
                })
                .collect()
        }
        Channel::Pushover => {
            let messages = ensemble.pushover.messages().into_iter();
            messages
                .map(|message| {
                    let title = message.title().unwrap_or_default();
                    (format!("\"{title}\""), message.text().to_owned())
                })
                .collect()
        }
        Channel::Signal => {
            let sends = ensemble
                .signal
                .calls()
                .into_iter()
                .filter_map(|call| call.send);
            sends
                .map(|send| {
                    let from = send.account.unwrap_or_default();
                    let to = send.recipients.join(", ");
                    (format!("from {from} to {to}"), send.message)
                })
                .collect()
        }
        Channel::Mattermost => {
            let posts = ensemble.mattermost.messages().into_iter();
            posts
                .map(|post| {
                    let attachment = post.attachments().into_iter().next().unwrap_or_default();
                    let text = attachment["text"].as_str().unwrap_or(&post.message);
                    (format!("in {}", post.channel), text.to_owned())
                })
                .collect()
        }
    }
}
