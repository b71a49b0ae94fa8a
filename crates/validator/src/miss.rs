//! Reasons for which a check did not pass.

/// The reason for which a check did not pass.
#[derive(Debug, Clone)]
pub(crate) enum Miss {
    Fails(String),
    /// The check does not apply to this plugin.
    Skips(String),
}

impl Miss {
    pub(crate) fn fails(why: impl Into<String>) -> Self {
        Self::Fails(why.into())
    }

    pub(crate) fn skips(why: impl Into<String>) -> Self {
        Self::Skips(why.into())
    }
}

/// Fails with a sentence unless a condition holds.
pub(crate) fn ensure(holds: bool, why: impl FnOnce() -> String) -> Result<(), Miss> {
    if holds {
        Ok(())
    } else {
        Err(Miss::Fails(why()))
    }
}
