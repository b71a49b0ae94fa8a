//! Checks that simultaneous deliveries are kept apart: each request has its own text, and each
//! outcome is that of its own request.

use std::collections::BTreeSet;

use annunciator_core::{message::DeliveryV1, outcome::OutcomeV1, services::HttpRequestV1};
use futures_util::future::join_all;

use crate::miss::{Miss, ensure};
use crate::{
    answer::Answer,
    host::Reply,
    readable::{numbered, numbers},
    subject::{Stage, Subject, delivered, message, worst},
    whose,
};

/// The number of simultaneous deliveries.
const MANY: usize = 100;

pub(super) fn crosstalk(subject: &Subject) -> Result<(), Miss> {
    subject.each_open(|stage| async move { check(&stage).await })
}

async fn check(stage: &Stage) -> Result<(), Miss> {
    stage.succeed();
    stage.host.take_requests();
    stage.deliver(&message(&numbered(0))).await?;
    let first = stage.host.take_requests();
    let is_readable = first.iter().any(|request| !numbers(request).is_empty());
    if let Some(success) = stage.success.clone() {
        stage.host.answers_by(move |request| {
            // By its text, or by its caller if no text is readable. If others have texts, a
            // request without one is not a message; it may begin a session.
            let number = match is_readable {
                true => numbers(request).into_iter().next(),
                false => whose::polled(),
            };
            if number.is_some_and(|number| number % 2 == 1) {
                Reply::Answer(Answer::new(503, ""))
            } else {
                Reply::Success(success.clone())
            }
        });
    }
    stage.host.take_requests();
    let deliveries: Vec<DeliveryV1> = (0..MANY).map(|number| message(&numbered(number))).collect();
    let deliveries = deliveries.iter().enumerate();
    let deliveries =
        deliveries.map(|(number, delivery)| whose::Of::new(Some(number), stage.deliver(delivery)));
    let outcomes = join_all(deliveries).await;
    let outcomes: Vec<Vec<OutcomeV1>> = outcomes.into_iter().collect::<Result<_, _>>()?;
    let requests = stage.host.take_requests();
    let found: Vec<BTreeSet<usize>> = requests.iter().map(numbers).collect();
    let is_http = stage.success.is_some();
    ensure(!is_http || is_readable || differ(&requests), || {
        "the requests of a hundred deliveries are all alike: none has its text".to_owned()
    })?;
    for (number, outcomes) in outcomes.iter().enumerate() {
        let expected = !is_http || number % 2 == 0;
        ensure(delivered(outcomes) == expected, || {
            format!(
                "of a hundred deliveries at once, one has the outcome of another: {}",
                worst(outcomes)
            )
        })?;
    }
    if is_http && !is_readable {
        return Err(Miss::skips(
            "each outcome is that of its own delivery, but whether each request has its own \
             text was not checked: it is in no encoding that is known here (encrypted?)",
        ));
    }
    if is_http { apart(&found) } else { Ok(()) }
}

/// Requires that each text is in a request, and that no request has two.
fn apart(found: &[BTreeSet<usize>]) -> Result<(), Miss> {
    let all: BTreeSet<usize> = found.iter().flatten().copied().collect();
    ensure((0..MANY).all(|number| all.contains(&number)), || {
        "of a hundred deliveries at once, one was not sent".to_owned()
    })?;
    let most = found.iter().map(BTreeSet::len).max().unwrap_or_default();
    ensure(most <= 1, || {
        format!("of a hundred deliveries at once, {most} are in one request")
    })
}

fn differ(requests: &[HttpRequestV1]) -> bool {
    let mut said = requests.iter().map(|request| (&request.url, &request.body));
    let first = said.next();
    said.any(|other| Some(other) != first)
}
