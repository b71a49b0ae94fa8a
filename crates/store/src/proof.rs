//! How much a delivery proves.

use serde::{Deserialize, Serialize};

/// How much a delivery proves. Greater is more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Proof {
    /// The remote has taken responsibility for it.
    Accepted,
    /// It reached the person's device or mailbox.
    Delivered,
    /// The person has said so.
    Acknowledged,
}

impl Proof {
    /// Every level, the least first.
    pub const ALL: [Self; 3] = [Self::Accepted, Self::Delivered, Self::Acknowledged];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Delivered => "delivered",
            Self::Acknowledged => "acknowledged",
        }
    }

    /// The number by which a store may keep it: 1 for the first of [`Self::ALL`], and 0 is
    /// left for none. It never changes, since files hold it.
    #[must_use]
    pub fn number(self) -> i64 {
        self as i64 + 1
    }

    /// What has this number; `None` for 0, and when nothing that is known here has it.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|proof| proof.number() == number)
    }
}
