//! Whether what comes with a key that is known is what the key was first used for.

use super::{error::StoreError, intake::Intake};
use crate::{Kind, Severity, content::differences};

/// What was accepted under a key.
#[derive(Debug)]
pub(crate) struct First<'a> {
    pub(crate) host: &'a str,
    pub(crate) incident: &'a str,
    pub(crate) kind: Kind,
    pub(crate) severity: Severity,
    pub(crate) content: &'a str,
}

impl First<'_> {
    /// Whether it is the same that comes again: in all that a receiver would see, and
    /// in who receives it. Only the time of a call may differ, where no caller said
    /// when it happened.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it is something else.
    pub(crate) fn check(&self, again: &Intake) -> Result<(), StoreError> {
        let mut differs = differences(self.content, &again.content);
        for (what, is_same) in [
            ("host", self.host == again.host),
            ("incident", self.incident == again.incident),
            ("kind", self.kind == again.kind),
            ("severity", self.severity == again.severity),
        ] {
            if !is_same {
                differs.push(what);
            }
        }
        if differs.is_empty() {
            return Ok(());
        }
        Err(StoreError::Conflict {
            key: again.key.clone().unwrap_or_default(),
            differs: sentence(&differs),
        })
    }
}

/// `its message differs`, `its attributes differ`, `its message and its title differ`.
fn sentence(differs: &[&str]) -> String {
    match differs {
        ["attributes"] => "its attributes differ".to_owned(),
        [] | [_] => format!("its {} differs", differs.concat()),
        [first @ .., last] => format!("its {} and its {last} differ", first.join(", its ")),
    }
}
