//! Levels of proof that a delivery reached somebody.

use serde::{Deserialize, Serialize};

/// The level of proof that a delivery reached somebody, in ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Proof {
    /// The remote has accepted responsibility for the message.
    Accepted,
    /// The message reached the person's device or mailbox.
    Delivered,
    /// The person has acknowledged the message.
    Acknowledged,
}

impl Proof {
    /// Every level, in ascending order.
    pub const ALL: [Self; 3] = [Self::Accepted, Self::Delivered, Self::Acknowledged];

    /// Returns the level's name in lower case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Delivered => "delivered",
            Self::Acknowledged => "acknowledged",
        }
    }

    /// Returns the number that stores use for this level: 1 for the first of [`Self::ALL`], since
    /// 0 stands for no proof. Numbers never change, because files contain them.
    #[must_use]
    pub fn number(self) -> i64 {
        self as i64 + 1
    }

    /// Returns the level with a number, or `None` for 0 and for numbers that this version does
    /// not know.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|proof| proof.number() == number)
    }

    /// Returns the stronger of what was known and what is proven now: proof is never revoked.
    #[must_use]
    pub fn strongest(known: Option<Self>, proven: Option<Self>) -> Option<Self> {
        known.max(proven)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proof_is_never_revoked() {
        let (less, more) = (Some(Proof::Accepted), Some(Proof::Delivered));
        assert_eq!(Proof::strongest(more, less), more);
        assert_eq!(Proof::strongest(less, more), more);
        assert_eq!(Proof::strongest(less, None), less);
    }
}
