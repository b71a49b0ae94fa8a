//! Why deliveries end without being sent, in the words in which that is recorded.

use crate::proof::Proof;

/// Why a message about a problem was superseded by the problem's end: a first message, a
/// reminder or a step of a group.
pub(crate) const RECOVERED: &str = "the problem was over before this was sent";

/// Why the end of a problem was superseded.
pub(crate) const UNTOLD: &str = "this channel was not told of the problem that is over";

/// Why the other steps of a group are not needed.
pub(crate) fn enough(group: &str, step: u32, channel: &str, proof: Option<Proof>) -> String {
    let proof = proof.map_or("told", Proof::name);
    format!("group {group}: step {step} ({channel}) was {proof}")
}
