//! What a channel with given settings can prove of what it delivers.

use annunciator_core::proofs::{self, ProofFrom, ProofHint};

use crate::{delivery::Severity, outcome::Proof};

/// Which proofs a channel can give, and which setting would have it give more.
///
/// ```
/// use annunciator_sdk::{Proof, Proofs, Severity};
///
/// // People are only asked to acknowledge what is critical.
/// let proofs = Proofs::by_severity(|severity| {
///     (severity == Severity::Critical).then_some(Proof::Acknowledged)
/// });
/// assert_eq!(proofs.of(Severity::Critical), Some(Proof::Acknowledged));
/// assert_eq!(proofs.of(Severity::Warning), None);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct Proofs(pub(crate) proofs::Proofs);

impl Proofs {
    /// The remote takes it, and nothing more can be known.
    pub fn accepted() -> Self {
        Self::default()
    }

    /// As much as this, whatever the severity.
    pub fn up_to(proof: Proof) -> Self {
        Self::by_severity(|_| Some(proof))
    }

    /// As much as `most` says of a severity; `None` is accepted only.
    pub fn by_severity(most: impl Fn(Severity) -> Option<Proof>) -> Self {
        let from = Severity::ALL.into_iter().map(|severity| ProofFrom {
            severity: severity.code(),
            proof: most(severity).map_or(annunciator_core::code::Proof::ACCEPTED, Proof::code),
        });
        Self(proofs::Proofs {
            from: from.collect(),
            hints: Vec::new(),
        })
    }

    /// Names a setting by which more could be proven, what to write there as
    /// YAML on one line, and why: `("priorities", "{critical: emergency}", …)`.
    /// No secret may stand in it.
    pub fn hint(
        mut self,
        proof: Proof,
        setting: impl Into<String>,
        value: impl Into<String>,
        reason: impl Into<String>,
    ) -> Self {
        self.0.hints.push(ProofHint {
            proof: proof.code(),
            setting: setting.into(),
            value: value.into(),
            reason: reason.into(),
        });
        self
    }

    /// The most that can be proven of this severity; `None` is accepted only.
    #[must_use]
    pub fn of(&self, severity: Severity) -> Option<Proof> {
        let code = self.0.of(severity.code());
        let known = [Proof::Acknowledged, Proof::Delivered];
        known.into_iter().find(|known| code >= known.code())
    }

    /// The settings by which more could be proven, as name and value.
    pub fn hints(&self) -> impl Iterator<Item = (&str, &str)> {
        let hints = self.0.hints.iter();
        hints.map(|hint| (hint.setting.as_str(), hint.value.as_str()))
    }
}
