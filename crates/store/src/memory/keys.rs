//! What a key was first used for.

use super::Memory;
use crate::{
    error::StoreError,
    intake::{Accepted, Intake},
};

impl Memory {
    /// What became of it the first time; `None` where its key is not known.
    pub(super) fn known(&self, intake: &Intake) -> Result<Option<Accepted>, StoreError> {
        let known = intake.key.as_ref().and_then(|key| self.keys.get(key));
        let Some(note) = known.and_then(|number| self.shelf.note(*number)) else {
            return Ok(None);
        };
        note.first().check(intake)?;
        let ids = note.deliveries.iter();
        Ok(Some(Accepted {
            notification: note.notification.clone(),
            repeated: true,
            deliveries: ids.filter_map(|id| self.shelf.placed(*id)).collect(),
            superseded: Vec::new(),
        }))
    }
}
