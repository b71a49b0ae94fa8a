//! What a channel with given settings can prove of its deliveries.

use annunciator_core::proofs::{self, ProofFrom, ProofHint};

use crate::{delivery::Severity, outcome::Proof};

/// The proofs that a channel can give, and the settings with which it could give more.
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
    /// Creates the proofs of a channel whose remote accepts messages and reports nothing more.
    pub fn accepted() -> Self {
        Self::default()
    }

    /// Creates the proofs of a channel that gives up to this level, for every severity.
    pub fn up_to(proof: Proof) -> Self {
        Self::by_severity(|_| Some(proof))
    }

    /// Creates the proofs of a channel that gives up to `most` of a severity; `None` means
    /// accepted only.
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

    /// Adds a setting with which more could be proven: its name, its value as YAML on one line,
    /// and the reason, such as `("priorities", "{critical: emergency}", …)`. The texts must not
    /// contain a secret.
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

    /// Returns the highest proof that is possible for a severity; `None` means accepted only.
    #[must_use]
    pub fn of(&self, severity: Severity) -> Option<Proof> {
        let code = self.0.of(severity.code());
        let known = [Proof::Acknowledged, Proof::Delivered];
        known.into_iter().find(|known| code >= known.code())
    }

    /// Returns the settings with which more could be proven, as name and value.
    pub fn hints(&self) -> impl Iterator<Item = (&str, &str)> {
        let hints = self.0.hints.iter();
        hints.map(|hint| (hint.setting.as_str(), hint.value.as_str()))
    }
}
