//! Reads what people did with this account's messages, from what the daemon receives.
//!
//! The daemon's notification `receive` has an envelope, by itself or in the answer to a
//! subscription (`man/signal-cli-jsonrpc.5.adoc`); its fields are those of
//! `src/main/java/org/asamk/signal/json` in <https://github.com/AsamK/signal-cli>.

use serde::Deserialize;
use serde_json::Value;

/// What a person's device or a person did with messages of this account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    /// When the messages were sent, in milliseconds since the Unix epoch, which are also their IDs.
    pub(crate) sent_at: Vec<u64>,
    pub(crate) what: What,
    /// The person's name, or else the number or account ID.
    pub(crate) by: String,
    /// When it was done, in milliseconds since the Unix epoch.
    pub(crate) at_ms: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// A person reacted with this emoji.
    Reacted(String),
    /// A person quoted the message, and wrote this.
    Replied(String),
    /// A device has the message, or a person has seen it.
    Received,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Envelope {
    source: Option<String>,
    source_number: Option<String>,
    source_uuid: Option<String>,
    source_name: Option<String>,
    timestamp: i64,
    data_message: Option<Message>,
    sync_message: Option<SyncMessage>,
    receipt_message: Option<Receipt>,
}

/// What another device of the account did.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SyncMessage {
    sent_message: Option<Message>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Message {
    timestamp: i64,
    message: Option<String>,
    reaction: Option<Reaction>,
    quote: Option<Quote>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Reaction {
    emoji: String,
    target_author_number: Option<String>,
    target_author_uuid: Option<String>,
    target_sent_timestamp: u64,
    is_remove: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Quote {
    /// When the quoted message was sent.
    id: u64,
    author_number: Option<String>,
    author_uuid: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Receipt {
    when: i64,
    timestamps: Vec<u64>,
}

/// Reads the parameters of a notification. Returns `None` for everything that is not about
/// messages of this account.
pub(crate) fn read(parameters: &Value, account: &str) -> Option<Event> {
    let result = parameters.get("result").unwrap_or(parameters);
    let of_other = |it: &str| it.starts_with('+') && account.starts_with('+') && it != account;
    if result
        .get("account")
        .and_then(Value::as_str)
        .is_some_and(of_other)
    {
        return None;
    }
    let envelope = Envelope::deserialize(result.get("envelope")?).ok()?;
    let by = envelope.sender();
    if let Some(receipt) = envelope.receipt_message {
        return Some(Event {
            sent_at: receipt.timestamps,
            what: What::Received,
            by,
            at_ms: receipt.when,
        });
    }
    let by_own_device = || envelope.sync_message.and_then(|sync| sync.sent_message);
    let message = envelope.data_message.or_else(by_own_device)?;
    let at_ms = match message.timestamp {
        0 => envelope.timestamp,
        sent => sent,
    };
    let event = |sent_at, what| Event {
        sent_at: vec![sent_at],
        what,
        by,
        at_ms,
    };
    if let Some(reaction) = message.reaction {
        let author = (&reaction.target_author_number, &reaction.target_author_uuid);
        let is_own = !reaction.is_remove && may_be(author, account);
        return is_own.then(|| {
            event(
                reaction.target_sent_timestamp,
                What::Reacted(reaction.emoji),
            )
        });
    }
    let quote = message.quote?;
    let is_own = may_be((&quote.author_number, &quote.author_uuid), account);
    let text = message.message.unwrap_or_default();
    is_own.then(|| event(quote.id, What::Replied(text)))
}

impl Envelope {
    fn sender(&self) -> String {
        let names = [
            &self.source_name,
            &self.source_number,
            &self.source_uuid,
            &self.source,
        ];
        let known = names.into_iter().flatten().map(|name| name.trim());
        let mut known = known.filter(|name| !name.is_empty());
        known.next().unwrap_or_default().to_owned()
    }
}

/// Returns whether an author may be this account: neither name that can be compared differs. The
/// settings name an account by its number or its ID, and a message may have only the other.
fn may_be((number, id): (&Option<String>, &Option<String>), account: &str) -> bool {
    let known = match account.starts_with('+') {
        true => number,
        false => id,
    };
    known
        .as_ref()
        .is_none_or(|known| known.eq_ignore_ascii_case(account))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ME: &str = "+12025551234";

    fn envelope(more: Value) -> Value {
        let mut envelope = json!({
            "source": "+49111", "sourceNumber": "+49111", "sourceUuid": "u-1",
            "sourceName": "Anna", "sourceDevice": 1, "timestamp": 70,
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            envelope[name] = value.clone();
        }
        json!({"envelope": envelope, "account": ME})
    }

    fn reaction(more: Value) -> Value {
        let mut reaction = json!({
            "emoji": "👍", "targetAuthor": ME, "targetAuthorNumber": ME,
            "targetAuthorUuid": "u-me", "targetSentTimestamp": 50, "isRemove": false,
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            reaction[name] = value.clone();
        }
        json!({"timestamp": 70, "message": null, "reaction": reaction})
    }

    fn event(what: What) -> Option<Event> {
        Some(Event {
            sent_at: vec![50],
            what,
            by: "Anna".to_owned(),
            at_ms: 70,
        })
    }

    #[test]
    fn a_reaction_or_a_quoting_reply_is_about_a_message_of_this_account() {
        let plain = envelope(json!({"dataMessage": reaction(json!({}))}));
        let reacted = event(What::Reacted("👍".to_owned()));
        assert_eq!(read(&plain, ME), reacted);
        // In the answer to a subscription, and by another device of the account.
        let wrapped = json!({"subscription": 0, "result": plain});
        assert_eq!(read(&wrapped, ME), reacted);
        let sync = json!({"syncMessage": {"sentMessage": reaction(json!({}))}});
        assert_eq!(read(&envelope(sync), ME), reacted);
        // The number of the author is hidden.
        let hidden = reaction(json!({"targetAuthorNumber": null}));
        assert_eq!(read(&envelope(json!({"dataMessage": hidden})), ME), reacted);
        let quote = json!({"id": 50, "authorNumber": ME, "authorUuid": "u-me", "text": "down"});
        let reply = json!({"timestamp": 70, "message": "on it", "quote": quote});
        let replied = event(What::Replied("on it".to_owned()));
        assert_eq!(read(&envelope(json!({"dataMessage": reply})), ME), replied);
    }

    #[test]
    fn a_receipt_names_the_messages_that_were_received() {
        let receipt = json!({"receiptMessage": {"when": 70, "isDelivery": true, "isRead": false,
            "isViewed": false, "timestamps": [50]}});
        assert_eq!(read(&envelope(receipt), ME), event(What::Received));
    }

    #[test]
    fn what_is_about_others_or_was_taken_back_is_nothing() {
        for message in [
            reaction(json!({"isRemove": true})),
            reaction(json!({"targetAuthorNumber": "+49222"})),
            json!({"timestamp": 70, "message": "ack"}),
            json!({"message": "ack", "quote": {"id": 50, "authorNumber": "+49222"}}),
        ] {
            let said = envelope(json!({"dataMessage": message}));
            assert_eq!(read(&said, ME), None, "{said}");
        }
        let mut foreign = envelope(json!({"dataMessage": reaction(json!({}))}));
        foreign["account"] = json!("+49333");
        assert_eq!(read(&foreign, ME), None);
        for odd in [
            json!(null),
            json!([]),
            json!({"envelope": 7}),
            json!({"envelope": {"timestamp": "x"}}),
            json!({"result": {"exception": {"message": "x"}}}),
            json!({"envelope": {"typingMessage": {}}}),
        ] {
            assert_eq!(read(&odd, ME), None, "{odd}");
        }
    }

    #[test]
    fn a_sender_without_a_name_is_known_by_the_number_or_the_id() {
        for (more, expected) in [
            (json!({"sourceName": ""}), "+49111"),
            (json!({"sourceName": null, "sourceNumber": null}), "u-1"),
        ] {
            let mut said = envelope(more);
            said["envelope"]["dataMessage"] = reaction(json!({}));
            assert_eq!(read(&said, ME).unwrap().by, expected);
        }
    }
}
