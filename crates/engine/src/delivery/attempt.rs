//! The attempt: one call of the provider, within the channel's timeout.

use annunciator_core::{
    code,
    ffi::{RString, RVec},
    message::DeliveryV1,
    outcome::OutcomeV1,
};
use annunciator_store::DeliveryId;

use super::channel::{Channel, Disabled};
use crate::{event::Rendered, plugin::CallError};

/// The parameters of an attempt.
#[derive(Debug)]
pub(super) struct AttemptCall<'a> {
    pub(super) rendered: &'a Rendered,
    /// 1 for the first.
    pub(super) attempt: u32,
    /// The targets to attempt; empty for all.
    pub(super) targets: &'a [String],
    /// The delivery's identifier, under which the provider may report proofs later.
    pub(super) delivery: Option<DeliveryId>,
}

/// Calls the provider once. Returns at least one outcome, whatever happens.
pub(super) async fn attempt(channel: &Channel, call: &AttemptCall<'_>) -> Vec<OutcomeV1> {
    let limit = channel.config.options.timeout;
    let instance = match &channel.provider {
        Ok(instance) => instance,
        Err(disabled) => return vec![when_disabled(disabled)],
    };
    let delivery = DeliveryV1 {
        notification: call.rendered.message.clone(),
        attempt: call.attempt,
        timeout_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
        targets: call
            .targets
            .iter()
            .map(|target| RString::from(&**target))
            .collect(),
        reference: call
            .delivery
            .map_or_else(RString::new, |id| id.to_string().into()),
        extension_json: RString::new(),
    };
    match instance.deliver(delivery, limit).await {
        Ok(result) if result.outcomes.is_empty() => vec![OutcomeV1 {
            hint: REPORT.into(),
            ..outcome(
                code::OutcomeClass::UNKNOWN,
                code::Fault::PLUGIN,
                format!("plugin {} did not say what came of it", instance.file()),
            )
        }],
        Ok(result) => result.outcomes.into(),
        Err(error) => vec![outcome_of_call_error(&error, limit)],
    }
}

const REPORT: &str = "report this to the plugin's author";

/// Returns the outcome on a disabled channel, for a delivery without a record: a recorded one
/// waits until the channel is repaired.
fn when_disabled(disabled: &Disabled) -> OutcomeV1 {
    OutcomeV1 {
        hint: disabled.hint.as_str().into(),
        ..outcome(
            code::OutcomeClass::PERMANENT,
            disabled.fault,
            disabled.sentence(),
        )
    }
}

fn outcome_of_call_error(error: &CallError, limit: std::time::Duration) -> OutcomeV1 {
    let sentence = error.sentence("while it delivered");
    let (class, fault) = match error {
        CallError::Late(_) => (code::OutcomeClass::UNKNOWN, code::Fault::REMOTE),
        CallError::Panicked(_) | CallError::TooLong(_) | CallError::Crashed { .. } => {
            (code::OutcomeClass::UNKNOWN, code::Fault::PLUGIN)
        }
        CallError::Stuck(_) | CallError::BackingOff { .. } => {
            (code::OutcomeClass::RETRY, code::Fault::PLUGIN)
        }
        CallError::Closed(_) | CallError::NotCalled(_) | CallError::NotStarted { .. } => {
            (code::OutcomeClass::RETRY, code::Fault::HOST)
        }
    };
    let left = match error {
        CallError::BackingOff { left, .. } => i64::try_from(left.as_millis()).ok(),
        _ => None,
    };
    OutcomeV1 {
        retry_after_ms: left.unwrap_or(-1),
        hint: error.hint(limit).into(),
        ..outcome(class, fault, sentence)
    }
}

/// Returns an outcome of the engine's own, for the channel as a whole.
pub(super) fn outcome(class: code::OutcomeClass, fault: code::Fault, detail: String) -> OutcomeV1 {
    OutcomeV1 {
        target: RString::new(),
        class,
        fault,
        proof: code::Proof::ACCEPTED,
        remote_id: RString::new(),
        code: RString::new(),
        detail: detail.into(),
        hint: RString::new(),
        retry_after_ms: -1,
        notes: RVec::new(),
        extension_json: RString::new(),
    }
}
