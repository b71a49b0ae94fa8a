//! The people who acknowledge emergencies, by the names under which others know them.
//!
//! The service names a person by the user key, which is a secret. What is shown is the name from
//! the settings, or the beginning of the key and the device.

use annunciator_sdk::{Secret, redacted};

use crate::config::Config;
use crate::recipient;

/// The names of people by their user keys.
pub(crate) struct People {
    names: Vec<(Secret<String>, String)>,
}

impl People {
    pub(crate) fn new(config: &Config) -> Self {
        let named = config.people.iter().map(|(name, key)| {
            let key = key.expose().trim().to_owned();
            (Secret::new(key), name.trim().to_owned())
        });
        Self {
            names: named.collect(),
        }
    }

    /// Returns the name to show for a user key and a device of a receipt; empty if neither is
    /// known. The texts are the service's.
    pub(crate) fn name(&self, key: &str, device: &str) -> String {
        let key = key.trim();
        if let Some((_, name)) = self.names.iter().find(|(known, _)| known.expose() == key) {
            return name.clone();
        }
        let device = redacted(device.trim(), &[key]);
        match (key.is_empty(), device.is_empty()) {
            (true, _) => device,
            (false, true) => recipient::shown(key),
            (false, false) => format!("{} ({device})", recipient::shown(key)),
        }
    }
}
