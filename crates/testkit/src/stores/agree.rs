//! The comparison of a store with the [model](super::model): it answers alike, whatever is asked,
//! in any order.

use std::{collections::BTreeMap, sync::Arc};

use annunciator_store::{
    Accepted, AcknowledgeRequest, AcknowledgeTarget, Acknowledgement, Attempt, Begin, Claim,
    ClaimRequest, DedupWindow, DeliveryId, Digest, FeedChange, FeedQuery, IncidentQuery, Intake,
    Intent, Kind, Next, Prune, Query, Record, Settlement, Severity, State, Step, Store,
};
use proptest::{
    prelude::*,
    test_runner::{Config, TestCaseError, TestRunner},
};
use tokio::runtime::Runtime;

use super::{
    Subject,
    asks::{Ask, CHANNELS, NEVER, ask},
    claim_at,
    model::ModelStore,
};
use crate::effort::rounds;

const START: i64 = 1_700_000_000_000;
/// How long a claim holds, in milliseconds.
const LEASE: i64 = 5_000;

/// The last calls of each sequence: what has ended is deleted, the rest ends, and all but the last
/// accepted notification is deleted.
const END: [Ask; 4] = [
    Ask::Prune {
        limit: 60,
        age: -1,
        beyond: 60,
    },
    Ask::Wait(LEASE * 2),
    Ask::EndAll,
    Ask::Prune {
        limit: 60,
        age: NEVER,
        beyond: 1,
    },
];

/// A store, with the claims that are or were held.
struct Side {
    store: Arc<dyn Store>,
    claims: Vec<(DeliveryId, i64)>,
}

impl Side {
    fn new(store: Arc<dyn Store>) -> Self {
        let claims = Vec::new();
        Self { store, claims }
    }

    /// Makes a call, and returns the answer in a form that can be compared.
    async fn ask(&mut self, number: usize, ask: &Ask, now_ms: i64) -> String {
        let store = &self.store;
        match ask {
            Ask::Accept { begin, both, .. } => {
                let begin = match begin {
                    0 | 1 => Begin::At(now_ms),
                    2 => Begin::At(now_ms + 1_500),
                    3 => Begin::Claimed {
                        lease_until_ms: now_ms + LEASE,
                    },
                    _ => Begin::Suppressed {
                        rule: "x".to_owned(),
                        digest: begin
                            .checked_sub(5)
                            .map(|of| digest(number, of % 2, now_ms)),
                    },
                };
                let accepted = store.accept(intake(number, ask, now_ms, &begin, *both));
                let accepted = match accepted.await {
                    Ok(accepted) => accepted,
                    Err(error) => return error.to_string(),
                };
                self.claims.extend(held(&accepted));
                format!("{accepted:?}")
            }
            Ask::Acknowledge {
                incident,
                which,
                by,
                holds,
                with_notice,
            } => {
                let which = which.filter(|_| !self.claims.is_empty());
                let target = match which.map(|which| which.get(&self.claims).0) {
                    Some(delivery) => AcknowledgeTarget::Delivery(delivery),
                    None => AcknowledgeTarget::Incident(name(*incident)),
                };
                let request = AcknowledgeRequest {
                    target,
                    by: if *by { "anna" } else { "bob" }.to_owned(),
                    via: number.to_string(),
                    note: number.to_string(),
                    now_ms,
                    until_ms: holds.map(|ms| now_ms + ms),
                    notice: with_notice.then(|| notice(number, *incident, now_ms)),
                };
                let acknowledged = store.acknowledge(request).await.unwrap();
                self.claims
                    .extend(acknowledged.notice.iter().flat_map(held));
                format!("{acknowledged:?}")
            }
            Ask::Withdraw { incident } => {
                let withdrawn = store.withdraw(name(*incident), now_ms);
                withdrawn.await.unwrap().to_string()
            }
            Ask::Claim {
                channel,
                limit,
                in_flight,
                only_expired,
            } => {
                let known = |which: &prop::sample::Index| {
                    let held = (!self.claims.is_empty()).then(|| which.get(&self.claims));
                    held.map(|(delivery, _)| *delivery)
                };
                let wanted = ClaimRequest {
                    channel: Arc::from(CHANNELS[*channel]),
                    limit: *limit,
                    now_ms,
                    lease_until_ms: now_ms + LEASE,
                    in_flight: in_flight.iter().filter_map(known).collect(),
                    only_expired: *only_expired,
                };
                let claims = store.claim(wanted).await.unwrap();
                let held = |claim: &Claim| (claim.delivery, claim.fence);
                self.claims.extend(claims.iter().map(held));
                format!("{claims:?}")
            }
            Ask::Settle { .. } | Ask::Prove { .. } if self.claims.is_empty() => String::new(),
            Ask::Prove { which, proof } => {
                let (delivery, _) = self.claims[which.index(self.claims.len())];
                format!("{:?}", store.prove(delivery, *proof, now_ms).await.unwrap())
            }
            Ask::Settle {
                which,
                end,
                digest: reported_in,
                proof,
                pause,
                is_tried,
                is_uncounted,
                may_have_arrived,
            } => {
                // Also claims that were settled before, which are stale.
                let (delivery, fence) = self.claims[which.index(self.claims.len())];
                let settlement = Settlement {
                    delivery,
                    fence,
                    now_ms,
                    attempt: is_tried.then(|| Attempt {
                        began_ms: now_ms,
                        ended_ms: now_ms,
                        outcome: number.to_string(),
                    }),
                    proof: *proof,
                    is_uncounted: *is_uncounted,
                    may_have_arrived: *may_have_arrived,
                    next: match end {
                        Some(State::Suppressed) => Next::Suppressed {
                            rule: number.to_string(),
                            digest: reported_in.map(|of| digest(number, of, now_ms)),
                        },
                        Some(state) => Next::End {
                            state: *state,
                            why: number.to_string(),
                            targets: Vec::new(),
                        },
                        None => Next::Retry {
                            at_ms: now_ms + pause,
                            targets: vec![number.to_string()],
                        },
                    },
                };
                format!("{:?}", store.settle(settlement).await.unwrap())
            }
            Ask::EndAll => {
                let mut ended = std::mem::take(&mut self.claims);
                for channel in CHANNELS {
                    let claims = claim_at(store, channel, now_ms).await;
                    let held = |claim: &Claim| (claim.delivery, claim.fence);
                    ended.extend(claims.iter().map(held));
                }
                let mut answers = String::new();
                for (delivery, fence) in &ended {
                    let settlement = delivered(*delivery, *fence, now_ms);
                    let settled = store.settle(settlement).await.unwrap();
                    answers.push_str(&format!("{settled:?}"));
                }
                // From now on they are stale, of which a few suffice.
                ended.truncate(2);
                self.claims = ended;
                answers
            }
            Ask::Retry => {
                let all = (0..50).map(DeliveryId).collect();
                store.retry(all, now_ms).await.unwrap().to_string()
            }
            Ask::Prune { limit, age, beyond } => {
                let prune = Prune {
                    now_ms,
                    accepted_before_ms: now_ms - age,
                    beyond: *beyond,
                    limit: *limit,
                };
                let pruned = store.prune(prune).await.unwrap();
                pruned.to_string()
            }
            Ask::Wait(_) => String::new(),
        }
    }

    /// Returns everything that can be seen, except which channels are ready, which is compared after
    /// each call.
    async fn seen(&self, now_ms: i64) -> String {
        let query = Query {
            limit: 1000,
            ..Query::default()
        };
        let records = self.store.deliveries(query).await.unwrap();
        let open = IncidentQuery {
            now_ms,
            limit: 1000,
            ..IncidentQuery::default()
        };
        let open = self.store.incidents(open).await.unwrap();
        let accounts = self.store.accounts().await.unwrap();
        assert_eq!(accounts.difference(), 0, "{accounts:?}");
        let next = self.store.next_due(now_ms).await.unwrap();
        let mut expiry = Vec::new();
        for channel in CHANNELS {
            let next = self.store.next_expiry(channel.to_owned(), now_ms);
            expiry.push(next.await.unwrap());
        }
        let newest = records.first().map(|record| record.delivery);
        let attempts = match newest {
            Some(newest) => self.store.attempts(newest).await.unwrap(),
            None => Vec::new(),
        };
        format!("{records:#?} {open:#?} {accounts:?} {next:?} {expiry:?} {attempts:?}")
    }
}

/// How many changes a reader of the feed reads at once: few, so that it stops in between.
const FEED_PAGE: u32 = 3;

/// A reader of the change feed, who knows nothing else.
#[derive(Default)]
struct FeedReader {
    cursor: i64,
    deliveries: BTreeMap<DeliveryId, Record>,
    /// By incident, as it was when its change was read.
    acknowledgements: BTreeMap<String, Option<Acknowledgement>>,
}

impl FeedReader {
    async fn read(&mut self, store: &dyn Store, now_ms: i64) {
        loop {
            let query = FeedQuery {
                after: Some(self.cursor),
                limit: FEED_PAGE,
            };
            let page = store.feed(query).await.unwrap();
            assert!(!page.has_gap);
            if page.cursor == self.cursor {
                return;
            }
            for entry in page.entries {
                assert!(entry.number > self.cursor && entry.number <= page.cursor);
                match entry.change {
                    FeedChange::Delivery(record) => {
                        self.deliveries.insert(record.delivery, *record);
                    }
                    FeedChange::Acknowledgement(incident) => {
                        let now = acknowledgement(store, &incident, now_ms).await;
                        self.acknowledgements.insert(incident, now);
                    }
                }
            }
            self.cursor = page.cursor;
        }
    }

    /// Checks that it knows everything that the store says, except claims, and whether a problem
    /// is over: that follows from another delivery.
    async fn knows_all(&self, store: &dyn Store, now_ms: i64) -> Result<(), TestCaseError> {
        let query = Query {
            limit: 1000,
            ..Query::default()
        };
        for record in store.deliveries(query).await.unwrap() {
            if record.state == State::InFlight {
                continue;
            }
            let is_over = record.is_over;
            let known = self.deliveries.get(&record.delivery).cloned();
            let known = known.map(|known| Record { is_over, ..known });
            prop_assert_eq!(known, Some(record));
        }
        for (incident, known) in &self.acknowledgements {
            let now = acknowledgement(store, incident, now_ms).await;
            // It may have run out, which is no change.
            if now.is_some() {
                prop_assert_eq!(known, &now, "{}", incident);
            }
        }
        Ok(())
    }
}

async fn acknowledgement(
    store: &dyn Store,
    incident: &str,
    now_ms: i64,
) -> Option<Acknowledgement> {
    let query = IncidentQuery::one(incident, now_ms);
    store.incidents(query).await.unwrap().pop()?.acknowledgement
}

fn delivered(delivery: DeliveryId, fence: i64, now_ms: i64) -> Settlement {
    Settlement {
        delivery,
        fence,
        now_ms,
        attempt: None,
        proof: None,
        is_uncounted: false,
        may_have_arrived: false,
        next: Next::End {
            state: State::Delivered,
            why: String::new(),
            targets: Vec::new(),
        },
    }
}

/// Returns the claims that the caller of an acceptance holds.
fn held(accepted: &Accepted) -> impl Iterator<Item = (DeliveryId, i64)> + '_ {
    let held = accepted.deliveries.iter().filter(|one| one.fence > 0);
    held.map(|one| (one.delivery, one.fence))
}

/// Returns the name of an incident or a lane; empty for 0.
fn name(number: u8) -> String {
    match number {
        0 => String::new(),
        number => format!("i{number}"),
    }
}

fn notice(number: usize, incident: u8, now_ms: i64) -> Intake {
    let intents = CHANNELS.iter().map(|channel| Intent {
        channel: Arc::from(*channel),
        expires_ms: None,
        begin: Begin::Claimed {
            lease_until_ms: now_ms + LEASE,
        },
        step: None,
        dedup: None,
    });
    Intake {
        notification: format!("t{number}"),
        key: None,
        host: "h".to_owned(),
        incident: name(incident),
        lane: name(incident),
        kind: Kind::Message,
        severity: Severity::Info,
        accepted_ms: now_ms,
        content: Arc::from("{}"),
        intents: intents.collect(),
    }
}

fn digest(number: usize, of: u8, now_ms: i64) -> Digest {
    Digest {
        batch_key: of.to_string(),
        notification: format!("d{number}"),
        content: Arc::from("{}"),
        due_ms: now_ms + 1_000,
        expires_ms: Some(now_ms + 10_000),
    }
}

fn intake(number: usize, ask: &Ask, now_ms: i64, begin: &Begin, both: bool) -> Intake {
    let Ask::Accept {
        kind,
        severity,
        incident,
        lane,
        key,
        until,
        once,
        ..
    } = ask
    else {
        panic!("this accepts nothing: {ask:?}");
    };
    let channels = CHANNELS.iter().take(1 + usize::from(both));
    Intake {
        notification: format!("n{number}"),
        key: key.map(|key| key.to_string()),
        host: "h".to_owned(),
        incident: name(*incident),
        lane: name(*lane),
        kind: *kind,
        severity: *severity,
        accepted_ms: now_ms,
        content: Arc::from("{}"),
        intents: channels
            .zip(1..)
            .map(|(channel, number)| Intent {
                channel: Arc::from(*channel),
                expires_ms: (number % 3 > 0).then(|| now_ms + 1_000 * i64::from(number)),
                begin: match until {
                    Some(_) if number > 1 => Begin::At(now_ms + 2_000),
                    _ => begin.clone(),
                },
                step: until.map(|until| Step {
                    group: "g".into(),
                    number,
                    until,
                }),
                dedup: once.map(|fingerprint| DedupWindow {
                    fingerprint,
                    until_ms: now_ms + 2_000,
                    rule: "dedup".to_owned(),
                }),
            })
            .collect(),
    }
}

/// Makes random calls of a store and of the model, and compares all answers and all contents.
/// `source_file` is the test's own file, beside which failed sequences are recorded to be tried
/// again; `subject` returns an empty store each time.
///
/// # Panics
/// Panics if the two differ, with the shortest sequence of calls that shows it and both answers.
pub fn check<S: Subject>(source_file: &'static str, subject: impl Fn() -> S) {
    let runtime = Runtime::new().unwrap();
    let mut runner = TestRunner::new(Config {
        source_file: Some(source_file),
        test_name: Some("answers_as_the_model"),
        ..Config::with_cases(rounds(40, 500))
    });
    let agreed = runner.run(&prop::collection::vec(ask(), 1..60), |asks| {
        runtime.block_on(compare(&subject(), &asks))
    });
    if let Err(failure) = agreed {
        panic!("{failure}");
    }
}

async fn compare(subject: &dyn Subject, asks: &[Ask]) -> Result<(), TestCaseError> {
    let mut model = Side::new(Arc::new(ModelStore::default()));
    let mut store = Side::new(subject.open());
    let mut reader = FeedReader::default();
    let mut now_ms = START;
    for (number, ask) in asks.iter().chain(&END).enumerate() {
        if let Ask::Wait(ms) = ask {
            now_ms += ms;
        }
        let expected = model.ask(number, ask, now_ms).await;
        let answer = store.ask(number, ask, now_ms).await;
        prop_assert_eq!(answer, expected, "{}: {:?}", number, ask);
        let ready = (
            store.store.ready(now_ms).await,
            model.store.ready(now_ms).await,
        );
        prop_assert_eq!(ready.0, ready.1, "ready after {}: {:?}", number, ask);
        // Not after each, so that some changes are read together.
        if number % 4 == 0 {
            reader.read(&*store.store, now_ms).await;
        }
    }
    reader.read(&*store.store, now_ms).await;
    reader.knows_all(&*store.store, now_ms).await?;
    prop_assert_eq!(store.seen(now_ms).await, model.seen(now_ms).await);
    Ok(())
}

/// Makes a test of [`check`]. The argument is an expression that returns a
/// [`Subject`](crate::stores::Subject) whose store is empty, is used by nobody else, and
/// remembers all deliveries that have ended.
#[macro_export]
macro_rules! store_agrees {
    ($subject:expr) => {
        #[test]
        fn it_answers_as_the_model_whatever_is_asked() {
            $crate::stores::agree::check(file!(), || $subject);
        }
    };
}
