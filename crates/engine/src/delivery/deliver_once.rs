//! A single attempt without a store: for notifications that could not be recorded, and for
//! ad-hoc channels. Nothing is retried.

use std::time::Instant;

use annunciator_core::{code, outcome::OutcomeV1};
use annunciator_store::State;
use tokio_util::sync::CancellationToken;

use super::{
    attempt::{AttemptCall, attempt, outcome},
    channel::{Channel, ChannelGuard},
    metrics::{UnderWay, count_delivery},
    permit::{PermitError, acquire_permit},
    persist::log_outcome,
    report::ChannelReport,
    suppression::suppression_of,
};
use crate::event::Rendered;

/// One notification for one channel, to be attempted once.
#[derive(Debug)]
pub(crate) struct SingleDelivery {
    pub(crate) channel: ChannelGuard,
    pub(crate) rendered: Rendered,
    /// Cancelled when the engine may not wait any longer; ends the attempt.
    pub(crate) abandon: CancellationToken,
    /// The time of the call, in milliseconds since the Unix epoch.
    pub(crate) now_ms: i64,
    pub(crate) under_way: UnderWay,
}

/// Applies the channel's rules, makes one attempt, and logs and counts its outcome.
///
/// Always returns a report.
pub(crate) async fn deliver_once(delivery: SingleDelivery) -> ChannelReport {
    let start = Instant::now();
    let channel = &delivery.channel;
    let rule = suppression_of(&delivery.rendered, &channel.config.options, delivery.now_ms);
    // Without a record there is no digest, so what a digest would report is sent now.
    if let Some(rule) = rule.filter(|rule| rule.digest_ms.is_none()) {
        let rule = rule.sentence;
        let (name, state) = (channel.config.name(), State::Suppressed);
        let mut report = ChannelReport::without_attempt(name, channel.config.channel_type(), state);
        report.add_reason(&rule);
        let message = &delivery.rendered.message;
        log_outcome(&report, &message.id, &message.host, None);
        return report;
    }
    let outcomes = match acquire_permit(channel).await {
        Ok(_permit) if delivery.abandon.is_cancelled() => vec![without_permit(PermitError::Closed)],
        Ok(_permit) => {
            let call = AttemptCall {
                rendered: &delivery.rendered,
                attempt: 1,
                targets: &[],
                delivery: None,
            };
            let attempt = attempt(channel, &call);
            let answered = delivery.abandon.run_until_cancelled(attempt).await;
            answered.unwrap_or_else(|| vec![abandoned()])
        }
        Err(refused) => vec![without_permit(refused)],
    };
    let report = ChannelReport::of_outcomes(channel.config(), &delivery.rendered, outcomes, start);
    let message = &delivery.rendered.message;
    log_outcome(&report, &message.id, &message.host, None);
    count_delivery(&channel.label, &report);
    drop(delivery.under_way);
    report
}

/// Reports a delivery whose task panicked.
pub(crate) fn report_panic(channel: &Channel, rendered: Rendered) -> ChannelReport {
    let detail = "the engine failed while it delivered".to_owned();
    let outcome = OutcomeV1 {
        hint: "report this to the developers of Annunciator".into(),
        ..outcome(code::OutcomeClass::UNKNOWN, code::Fault::HOST, detail)
    };
    let report =
        ChannelReport::of_outcomes(channel.config(), &rendered, vec![outcome], Instant::now());
    log_outcome(&report, &rendered.message.id, &rendered.message.host, None);
    count_delivery(&channel.label, &report);
    report
}

fn abandoned() -> OutcomeV1 {
    let detail = "the engine was shut down before an answer came".to_owned();
    outcome(code::OutcomeClass::UNKNOWN, code::Fault::HOST, detail)
}

fn without_permit(refused: PermitError) -> OutcomeV1 {
    let fault = match refused {
        PermitError::Full => code::Fault::REMOTE,
        PermitError::Closed => code::Fault::HOST,
    };
    outcome(code::OutcomeClass::RETRY, fault, refused.sentence())
}
