//! Checks of failures of a remote, a network and a host.

use annunciator_core::{
    code::{HostErrorKind, OutcomeClass},
    outcome::OutcomeV1,
};

use crate::miss::{Miss, ensure};
use crate::{
    answer::Answer,
    host::Reply,
    subject::{ATTEMPT_TIMEOUT, Stage, Subject, message, worst},
};

/// Status codes, with the classes that are allowed for each.
const STATUSES: [(u16, &[OutcomeClass]); 10] = [
    (301, &[OutcomeClass::PERMANENT]),
    (400, &[OutcomeClass::PERMANENT]),
    (401, &[OutcomeClass::PERMANENT]),
    (403, &[OutcomeClass::PERMANENT]),
    (404, &[OutcomeClass::PERMANENT]),
    (408, &[OutcomeClass::RETRY, OutcomeClass::UNKNOWN]),
    (429, &[OutcomeClass::RETRY]),
    (500, &[OutcomeClass::RETRY, OutcomeClass::UNKNOWN]),
    (502, &[OutcomeClass::RETRY, OutcomeClass::UNKNOWN]),
    (503, &[OutcomeClass::RETRY]),
];

/// Network failures, whether something may have been sent, and the classes that are allowed.
const FAULTS: [(HostErrorKind, bool, &[OutcomeClass]); 7] = [
    (HostErrorKind::DNS, false, &[OutcomeClass::RETRY]),
    (HostErrorKind::CONNECT, false, &[OutcomeClass::RETRY]),
    (
        HostErrorKind::TLS,
        false,
        &[OutcomeClass::RETRY, OutcomeClass::PERMANENT],
    ),
    (HostErrorKind::TIMEOUT, false, &[OutcomeClass::RETRY]),
    (HostErrorKind::TIMEOUT, true, &[OutcomeClass::UNKNOWN]),
    (HostErrorKind::LOST, false, &[OutcomeClass::RETRY]),
    (HostErrorKind::LOST, true, &[OutcomeClass::UNKNOWN]),
];

/// Delivers once to a remote that gives this reply.
async fn outcomes(stage: &Stage, reply: Reply) -> Result<Vec<OutcomeV1>, Miss> {
    stage.host.answers(reply);
    stage.deliver(&message("hello")).await
}

fn classified(outcomes: &[OutcomeV1], allowed: &[OutcomeClass], what: &str) -> Result<(), Miss> {
    let wrong = outcomes
        .iter()
        .find(|outcome| !allowed.contains(&outcome.class));
    wrong.map_or(Ok(()), |outcome| {
        let names = allowed.iter().filter_map(|class| class.name());
        let names: Vec<_> = names.collect();
        Err(Miss::fails(format!(
            "{what} is {} and not {}: {}",
            outcome.class.name().unwrap_or("an unknown outcome"),
            names.join(" or "),
            outcome.detail
        )))
    })?;
    let silent = outcomes
        .iter()
        .any(|outcome| outcome.detail.trim().is_empty());
    ensure(!silent, || format!("{what} is an outcome without a reason"))
}

pub(super) fn statuses(subject: &Subject) -> Result<(), Miss> {
    subject.each_open(|stage| async move {
        stage.success()?;
        for (status, allowed) in STATUSES {
            for body in ["", "<html><body>no</body></html>"] {
                let answer = Reply::Answer(Answer::new(status, body));
                let outcomes = outcomes(&stage, answer).await?;
                classified(&outcomes, allowed, &format!("HTTP {status}"))?;
            }
        }
        Ok(())
    })
}

pub(super) fn waits(subject: &Subject) -> Result<(), Miss> {
    subject.each_open(|stage| async move {
        stage.success()?;
        for status in [429, 503] {
            let answer = Answer::new(status, "").header("retry-after", "7");
            let outcomes = outcomes(&stage, Reply::Answer(answer)).await?;
            let is_reported = outcomes
                .iter()
                .all(|outcome| outcome.retry_after_ms == 7000);
            ensure(is_reported, || {
                format!("HTTP {status} with Retry-After: 7 is not reported as a wait of 7 s")
            })?;
        }
        Ok(())
    })
}

pub(super) fn faults(subject: &Subject) -> Result<(), Miss> {
    subject.each_open(|stage| async move {
        stage.success()?;
        for (kind, maybe_sent, allowed) in FAULTS {
            let outcomes = outcomes(&stage, Reply::Error(kind, maybe_sent)).await?;
            let sent = if maybe_sent {
                "perhaps sent"
            } else {
                "nothing sent"
            };
            let name = kind.name().unwrap_or_default();
            // Where a duplicate does no harm, the message may be sent again.
            let either = [allowed, &[OutcomeClass::RETRY]].concat();
            let allowed = if stage.is_idempotent {
                &either
            } else {
                allowed
            };
            classified(&outcomes, allowed, &format!("a fault ({name}, {sent})"))?;
        }
        Ok(())
    })
}

pub(super) fn host_errors(subject: &Subject) -> Result<(), Miss> {
    subject.each_open(|stage| async move {
        stage.success()?;
        let kinds = [
            HostErrorKind::UNSUPPORTED,
            HostErrorKind::INVALID,
            HostErrorKind::CLOSING,
            HostErrorKind::INTERNAL,
            HostErrorKind(77),
        ];
        for kind in kinds {
            let outcomes = outcomes(&stage, Reply::Error(kind, false)).await?;
            ensure(worst(&outcomes) != "delivered", || {
                format!(
                    "it delivers where its host answers {}",
                    kind.name().unwrap_or("what is unknown")
                )
            })?;
        }
        Ok(())
    })
}

pub(super) fn tries_once(subject: &Subject) -> Result<(), Miss> {
    subject.each_open(|stage| async move {
        stage.success()?;
        let replies = [
            Reply::Answer(Answer::new(503, "")),
            Reply::Answer(Answer::new(429, "").header("retry-after", "0")),
            Reply::Error(HostErrorKind::CONNECT, false),
        ];
        for reply in replies {
            stage.host.take_requests();
            outcomes(&stage, reply).await?;
            let requests = stage.host.take_requests();
            ensure(requests.len() == 1, || {
                format!(
                    "it makes {} requests for one attempt that fails",
                    requests.len()
                )
            })?;
        }
        Ok(())
    })
}

pub(super) fn time_limits(subject: &Subject) -> Result<(), Miss> {
    subject.each_open(|stage| async move {
        stage.success()?;
        stage.succeed();
        stage.host.take_requests();
        stage.deliver(&message("hello")).await?;
        let limit = u64::try_from(ATTEMPT_TIMEOUT.as_millis()).unwrap_or(u64::MAX);
        let requests = stage.host.take_requests();
        let bounded = requests
            .iter()
            .all(|request| (1..=limit).contains(&request.timeout_ms));
        ensure(bounded, || {
            "a request of its may take longer than the attempt".to_owned()
        })
    })
}
