//! What is open: for each incident who was notified, what came of it, and what comes next. This is
//! found out here, and shown elsewhere.

use std::{collections::BTreeMap, sync::Arc};

use annunciator::{
    Config, Proof, Severity,
    store::{
        Acknowledgement, DeliveryId, IncidentQuery, MessageText, OpenIncident, Query, Record,
        State, Store, StoreError,
    },
};

use super::{
    site::MAX_INCIDENTS,
    time::{clock, countdown},
};

/// The number of incidents on a page.
pub(super) const PAGE_LENGTH: usize = 50;
/// How many deliveries of an incident are looked at, the newest: enough for a group of 20 steps
/// and its last reminders.
const MAX_DELIVERIES: u32 = 100;

/// How a state looks. Its words say the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// It went well.
    Good,
    /// Something is not as it should be.
    Bad,
    /// It is not settled.
    Uneasy,
    /// Something happens.
    Active,
    /// Nothing is to be done.
    Quiet,
}

/// The open incidents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OpenView {
    /// How many nobody has taken over.
    pub(super) needs: usize,
    /// How many somebody has.
    pub(super) taken: usize,
    /// Those of this page: first what nobody has taken over, then the most severe, then the
    /// oldest.
    pub(super) incidents: Vec<IncidentView>,
    /// The number of the page, from 1.
    pub(super) page: usize,
    /// How many pages there are, at least 1.
    pub(super) pages: usize,
}

/// An open incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct IncidentView {
    pub(super) incident: String,
    pub(super) host: String,
    pub(super) severity: Severity,
    pub(super) subject: String,
    pub(super) since_ms: i64,
    pub(super) acknowledgement: Option<Acknowledgement>,
    /// What the channels were sent, by name.
    pub(super) channels: Vec<ChannelFacts>,
}

/// What came of an incident on one channel, and what comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ChannelFacts {
    pub(super) channel: String,
    /// The newest first.
    pub(super) facts: Vec<Fact>,
}

/// What became or becomes of one delivery, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fact {
    pub(super) delivery: DeliveryId,
    pub(super) tone: Tone,
    pub(super) words: String,
}

/// Returns a page of the open incidents.
///
/// # Errors
/// Fails with [`StoreError`] if the store does not answer.
pub(super) async fn open(
    store: &Arc<dyn Store>,
    config: &Config,
    page: usize,
    now_ms: i64,
) -> Result<OpenView, StoreError> {
    let query = IncidentQuery {
        now_ms,
        limit: MAX_INCIDENTS,
        ..IncidentQuery::default()
    };
    let mut open = store.incidents(query).await?;
    open.sort_by_key(|one| one.acknowledgement.is_some());
    let taken = open.iter().filter(|one| one.acknowledgement.is_some());
    let taken = taken.count();
    let needs = open.len() - taken;
    let pages = open.len().div_ceil(PAGE_LENGTH).max(1);
    let page = page.clamp(1, pages);
    let shown = open.into_iter();
    let shown = shown.skip((page - 1) * PAGE_LENGTH).take(PAGE_LENGTH);
    let mut incidents = Vec::new();
    for one in shown {
        incidents.push(view(store, config, one, now_ms).await?);
    }
    Ok(OpenView {
        needs,
        taken,
        incidents,
        page,
        pages,
    })
}

/// Returns what came of an open incident, and what comes next.
///
/// # Errors
/// Fails with [`StoreError`] if the store does not answer.
pub(super) async fn view(
    store: &Arc<dyn Store>,
    config: &Config,
    open: OpenIncident,
    now_ms: i64,
) -> Result<IncidentView, StoreError> {
    let query = Query {
        incident: Some(open.incident.clone()),
        since_ms: Some(open.since_ms),
        limit: MAX_DELIVERIES,
        ..Query::default()
    };
    let records = store.deliveries(query).await?;
    let mut by_channel: BTreeMap<&str, Vec<&Record>> = BTreeMap::new();
    // A channel on which it is open and of which nothing is stored any more is named, too.
    for (channel, _) in &open.channels {
        by_channel.entry(channel).or_default();
    }
    for record in &records {
        by_channel.entry(&record.channel).or_default().push(record);
    }
    let mut channels = Vec::new();
    for (channel, records) in by_channel {
        let mut facts = Vec::new();
        for record in significant(&records) {
            let digest = match (record.state, record.digest) {
                (State::Suppressed, Some(digest)) => one(store, digest).await?,
                _ => None,
            };
            let (tone, words) = words(record, digest.as_ref(), until(record, config), now_ms);
            let delivery = record.delivery;
            facts.push(Fact {
                delivery,
                tone,
                words,
            });
        }
        let channel = channel.to_owned();
        channels.push(ChannelFacts { channel, facts });
    }
    let text = MessageText::of(&open.content);
    let subject = text.map(|text| text.subject().to_owned());
    Ok(IncidentView {
        subject: subject
            .filter(|subject| !subject.is_empty())
            .unwrap_or_else(|| open.incident.clone()),
        incident: open.incident,
        host: open.host,
        severity: open.severity,
        since_ms: open.since_ms,
        acknowledgement: open.acknowledgement,
        channels,
    })
}

async fn one(store: &Arc<dyn Store>, delivery: DeliveryId) -> Result<Option<Record>, StoreError> {
    let query = Query::one(delivery);
    Ok(store.deliveries(query).await?.pop())
}

/// Returns the deliveries of one channel that say what came of the incident and what comes next,
/// of all of them with the newest first: what is on its way, the newest that has ended, and the
/// newest that people may have read.
fn significant<'a>(records: &[&'a Record]) -> Vec<&'a Record> {
    let first = |is_it: fn(State) -> bool| records.iter().find(|one| is_it(one.state));
    let mut significant: Vec<&Record> = [
        first(|state| !state.has_ended()),
        first(State::has_ended),
        first(State::may_have_arrived),
    ]
    .into_iter()
    .flatten()
    .copied()
    .collect();
    significant.sort_by_key(|record| std::cmp::Reverse(record.delivery));
    significant.dedup_by_key(|record| record.delivery);
    significant
}

/// Returns the proof that supersedes a delivery which is a step of a group; `None` if the group is
/// no longer in the configuration.
pub(super) fn until(record: &Record, config: &Config) -> Option<Proof> {
    let group = config.group(record.group.as_deref()?)?;
    Some(group.until())
}

/// Returns what became of a delivery, or comes next.
pub(super) fn words(
    record: &Record,
    digest: Option<&Record>,
    until: Option<Proof>,
    now_ms: i64,
) -> (Tone, String) {
    let ended = clock(record.ended_ms.unwrap_or(record.accepted_ms), now_ms);
    let why = match record.why.as_str() {
        "" => String::new(),
        why => format!(": {why}"),
    };
    let attempts = match record.attempts {
        1 => "1 attempt".to_owned(),
        number => format!("{number} attempts"),
    };
    match record.state {
        State::Pending => pending(record, until, now_ms),
        State::InFlight => (
            Tone::Active,
            format!("being sent, attempt {}", record.attempts.max(1)),
        ),
        State::Delivered => {
            let proof = match record.proof {
                Some(Proof::Delivered) => ", on the device",
                Some(Proof::Acknowledged) => ", acknowledged",
                Some(Proof::Accepted) | None => "",
            };
            (Tone::Good, format!("delivered {ended}{proof}"))
        }
        State::Failed => (Tone::Bad, format!("failed {ended} after {attempts}{why}")),
        State::Expired => (Tone::Bad, format!("expired {ended} after {attempts}{why}")),
        State::Unknown => (
            Tone::Uneasy,
            format!("unknown {ended}: it may have arrived, no answer was read{why}"),
        ),
        State::Suppressed => (
            Tone::Quiet,
            format!("suppressed{why}{}", digest_words(digest, now_ms)),
        ),
        State::Superseded => (Tone::Quiet, format!("superseded{why}")),
    }
}

/// Returns when the digest that reports a delivery is sent, or what became of it.
fn digest_words(digest: Option<&Record>, now_ms: i64) -> String {
    match digest {
        None => String::new(),
        Some(digest) => match (digest.state, digest.due_ms) {
            (State::Pending, Some(due_ms)) => format!("; digest at {}", clock(due_ms, now_ms)),
            (state, _) => format!("; its digest is {}", state.name().replace('_', " ")),
        },
    }
}

fn pending(record: &Record, until: Option<Proof>, now_ms: i64) -> (Tone, String) {
    let due_ms = record.due_ms.unwrap_or(now_ms);
    let due = countdown(due_ms, now_ms);
    if record.attempts > 0 {
        let next = record.attempts + 1;
        return (
            Tone::Uneasy,
            format!("waits after a failed attempt: attempt {next} {due}"),
        );
    }
    let group = record.group.as_deref();
    if let Some(group) = group.filter(|_| due_ms > now_ms && record.step > 1) {
        let unless = until.map_or("an earlier step is enough", Proof::name);
        let words = format!("{due}, unless {unless} (step {} of {group})", record.step);
        return (Tone::Quiet, words);
    }
    match due_ms > now_ms {
        true => (Tone::Quiet, format!("waits, sent {due}")),
        false => (Tone::Active, "about to be sent".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(state: State) -> Record {
        Record {
            delivery: DeliveryId(1),
            notification: "n".to_owned(),
            channel: "mail".to_owned(),
            host: String::new(),
            incident: "i".to_owned(),
            severity: Severity::Warning,
            state,
            why: String::new(),
            accepted_ms: 0,
            due_ms: None,
            expires_ms: None,
            ended_ms: None,
            attempts: 0,
            reclaims: 0,
            proof: None,
            group: None,
            step: 0,
            digest: None,
            is_over: false,
            content: String::new(),
        }
    }

    fn of(record: &Record) -> String {
        words(record, None, None, 1_000).1
    }

    #[test]
    fn what_waits_says_for_what() {
        let waits = Record {
            due_ms: Some(41_000),
            attempts: 2,
            ..record(State::Pending)
        };
        assert_eq!(
            of(&waits),
            "waits after a failed attempt: attempt 3 in 0:40"
        );
        let step = Record {
            due_ms: Some(169_000),
            group: Some("oncall".to_owned()),
            step: 2,
            ..record(State::Pending)
        };
        assert_eq!(
            of(&step),
            "in 2:48, unless an earlier step is enough (step 2 of oncall)"
        );
        assert_eq!(of(&record(State::Pending)), "about to be sent");
    }

    #[test]
    fn what_a_rule_suppressed_says_by_which_and_when_its_digest_is_sent() {
        let suppressed = Record {
            why: "quiet_hours".to_owned(),
            ..record(State::Suppressed)
        };
        assert_eq!(of(&suppressed), "suppressed: quiet_hours");
        let digest = Record {
            due_ms: Some(7 * 3_600_000),
            ..record(State::Pending)
        };
        let (_, said) = words(&suppressed, Some(&digest), None, 1_000);
        assert_eq!(said, "suppressed: quiet_hours; digest at 07:00:00");
        let (_, said) = words(&suppressed, Some(&record(State::InFlight)), None, 1_000);
        assert_eq!(said, "suppressed: quiet_hours; its digest is in flight");
    }

    #[test]
    fn what_people_have_read_is_named_beside_what_came_later() {
        let numbered = |number, state| Record {
            delivery: DeliveryId(number),
            ..record(state)
        };
        let all = [
            numbered(5, State::Pending),
            numbered(4, State::Suppressed),
            numbered(3, State::Suppressed),
            numbered(2, State::Delivered),
            numbered(1, State::Delivered),
        ];
        let all: Vec<&Record> = all.iter().collect();
        let shown = significant(&all);
        let shown: Vec<i64> = shown.iter().map(|record| record.delivery.0).collect();
        assert_eq!(shown, [5, 4, 2]);
        let delivered = significant(&all[3..]);
        assert_eq!(delivered.len(), 1);
    }
}
