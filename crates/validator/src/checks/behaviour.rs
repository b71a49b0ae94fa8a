//! Checks of normal operation, and of operation under load.

use annunciator::{standalone::Standalone, worker::WorkerProgram};
use annunciator_core::{code::HostErrorKind, outcome::OutcomeV1};
use futures_util::future::join_all;
use tokio::time::{Duration, timeout};

use crate::miss::{Miss, ensure};
use crate::{
    answer::Answer,
    host::{Host, Reply},
    subject::{Stage, Subject, delivered, message, open, runtime, titled, worst},
};

/// The length of a random sequence.
const STEPS: usize = 120;
const MEGABYTE: usize = 1024 * 1024;

pub(super) fn opens_silently(subject: &Subject) -> Result<(), Miss> {
    let runtime = runtime()?;
    subject.each(|standalone, channel| {
        runtime.block_on(async {
            let host = Host::new(runtime.handle().clone());
            let provider = open(standalone, channel, &host).await?;
            provider.close().await;
            let requests = host.take_requests();
            ensure(requests.is_empty(), || {
                format!(
                    "it makes {} requests when it is opened or closed",
                    requests.len()
                )
            })
        })
    })
}

pub(super) fn one_request(subject: &Subject) -> Result<(), Miss> {
    subject.each_open(|stage| async move {
        stage.success()?;
        stage.succeed();
        stage.host.take_requests();
        stage.deliver(&message("hello")).await?;
        let requests = stage.host.take_requests();
        ensure(requests.len() == 1, || {
            format!("it makes {} requests for one delivery", requests.len())
        })
    })
}

pub(super) fn texts(subject: &Subject) -> Result<(), Miss> {
    let long = "x".repeat(MEGABYTE);
    let texts = [
        "x",
        long.as_str(),
        "🚨🧯👩‍🚒",
        "שלום العالم \u{202e}",
        "a\u{0}b\u{7}c",
        "a\r\nBcc: b@example.com\r\n\r\nc",
        "<b>&amp;</b> `x` *y* _z_ {{ 7 * 7 }} %s ${HOME} \\n \"'",
        "\u{feff}\u{fffd}\u{10ffff}",
    ];
    subject.each_open(|stage| async move {
        stage.succeed();
        for text in texts {
            let short: String = text.chars().take(20).collect();
            for delivery in [message(text), titled(text, "hello"), titled("", text)] {
                stage.host.take_requests();
                let outcomes = stage.deliver(&delivery).await?;
                let silent = |outcome: &OutcomeV1| {
                    !delivered(std::slice::from_ref(outcome)) && outcome.detail.trim().is_empty()
                };
                ensure(!outcomes.iter().any(silent), || {
                    format!("the text {short:?} is refused without a reason")
                })?;
                for request in stage.host.take_requests() {
                    let broken = |text: &str| text.contains(['\r', '\n', '\0']);
                    let header = request
                        .headers
                        .iter()
                        .any(|header| broken(&header.value) || broken(&header.name));
                    ensure(!header && !broken(&request.url), || {
                        format!("the text {short:?} breaks a header or an address")
                    })?;
                }
            }
        }
        Ok(())
    })
}

pub(super) fn in_a_worker(subject: &Subject) -> Result<(), Miss> {
    let apart = Standalone::load(subject.path(), Some(&WorkerProgram::this()));
    let apart = apart.map_err(|error| Miss::fails(error.to_string()))?;
    let runtime = runtime()?;
    subject.each(|standalone, channel| {
        runtime.block_on(async {
            let stage = Stage::new(standalone, channel, subject).await?;
            let mut replies = vec![
                Reply::Answer(Answer::new(503, "").header("retry-after", "7")),
                Reply::Answer(Answer::new(401, "")),
                Reply::Error(HostErrorKind::LOST, true),
            ];
            replies.extend(stage.success.clone().map(Reply::Success));
            if stage.success.is_none() {
                replies.truncate(1);
            }
            for reply in replies {
                stage.host.answers(reply);
                let (name, settings) = (&channel.channel_type, &channel.settings_json);
                let deliver = |standalone| {
                    let (standalone, host): (&Standalone, _) = (standalone, stage.host.boxed());
                    standalone.deliver(name, settings, host, message("hello"))
                };
                let here = deliver(standalone).await.map_err(Miss::Fails)?;
                let there = deliver(&apart).await.map_err(Miss::Fails)?;
                let said = |outcomes: &[OutcomeV1]| -> Vec<_> {
                    let said = outcomes.iter().map(|one| {
                        (
                            one.class,
                            one.fault,
                            one.retry_after_ms,
                            one.target.to_string(),
                        )
                    });
                    said.collect()
                };
                ensure(said(&here.outcomes) == said(&there.outcomes), || {
                    format!(
                        "in a worker it says: {}; otherwise: {}",
                        worst(&there.outcomes),
                        worst(&here.outcomes)
                    )
                })?;
            }
            Ok(())
        })
    })
}

pub(super) fn random(subject: &Subject) -> Result<(), Miss> {
    let runtime = runtime()?;
    subject.each(|standalone, channel| {
        runtime.block_on(async {
            let mut stage = Stage::new(standalone, channel, subject).await?;
            let mut random = fastrand::Rng::with_seed(stage.seed);
            for _ in 0..STEPS {
                let status = random.u16(100..600);
                stage.host.answers(match random.u8(0..6) {
                    0 => Reply::Answer(Answer::new(status, &"x".repeat(random.usize(0..2000)))),
                    1 => Reply::Answer(Answer::new(status, r#"{"status":[{}],"errors":7}"#)),
                    2 => Reply::Error(HostErrorKind(random.u32(0..12)), random.bool()),
                    3 => Reply::Silence,
                    _ => stage.success.clone().map_or(Reply::Silence, Reply::Success),
                });
                let text: String = (0..random.usize(1..300)).map(|_| random.char(..)).collect();
                let mut delivery = titled(&text, &text);
                delivery.timeout_ms = 200;
                delivery.attempt = random.u32(1..9);
                match random.u8(0..8) {
                    0 => drop(stage.check().await?),
                    1 => {
                        stage.close().await?;
                        stage.provider = Some(open(standalone, channel, &stage.host).await?);
                    }
                    2 => {
                        let pause = Duration::from_millis(random.u64(0..4));
                        drop(timeout(pause, stage.deliver(&delivery)).await);
                    }
                    3 => {
                        let several = (0..random.usize(1..8)).map(|_| stage.deliver(&delivery));
                        for outcomes in join_all(several).await {
                            outcomes?;
                        }
                    }
                    _ => drop(stage.deliver(&delivery).await?),
                }
            }
            stage.close().await
        })
    })
}
