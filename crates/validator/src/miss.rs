//! Why a check was not passed.

/// Why a check was not passed.
#[derive(Debug, Clone)]
pub(crate) enum Miss {
    Fails(String),
    /// It says nothing of this plugin.
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

/// Fails with a sentence unless something holds.
pub(crate) fn ensure(holds: bool, why: impl FnOnce() -> String) -> Result<(), Miss> {
    if holds {
        Ok(())
    } else {
        Err(Miss::Fails(why()))
    }
}
