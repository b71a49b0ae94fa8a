//! Warnings for senders about a file that should store deliveries and could not be opened.

use std::path::Path;

use annunciator::{Engine, StorePlace, store::StoreError};

/// A setting of the configuration that names a file for deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    /// `delivery.store`.
    DeliveryStore,
    /// `monitor.state`, which stores deliveries unless `delivery.store` is set.
    MonitorState,
}

impl Setting {
    /// Returns the setting's name in the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::DeliveryStore => "delivery.store",
            Self::MonitorState => "monitor.state",
        }
    }

    /// Returns the name of the setting and the place of its value: `delivery.store
    /// (heartbeat.yaml:12:18)`. Without a line if the file has another value by now.
    #[must_use]
    pub fn at(self, config: &Path, value: &Path) -> String {
        let (name, file) = (self.name(), config.display());
        let builder = Engine::builder(config);
        let place = name.split_once('.').and_then(|(section, key)| {
            let text = builder.peek(section, key).ok()?;
            let is_it = text.is_none_or(|text| Path::new(&text) == value);
            is_it.then(|| builder.place_of(section, key)).flatten()
        });
        match place {
            Some(place) => format!("{name} ({file}:{}:{})", place.line, place.column),
            None => format!("{name} ({file})"),
        }
    }
}

/// Returns a warning about a store that cannot be opened. `who` has the message in memory.
#[must_use]
pub fn warning(setting: &str, error: &StoreError, who: &str) -> String {
    format!(
        "{setting}: {error}; messages are delivered from memory, and are not kept if {who} dies"
    )
}

/// Returns the warning if an engine's store could not be opened.
#[must_use]
pub fn of_engine(engine: &Engine, who: &str) -> Option<String> {
    let error = engine.store_error()?;
    let setting = match (&engine.config().delivery().store, error.path()) {
        (StorePlace::File(path), _) => Setting::DeliveryStore.at(engine.file(), path),
        (_, Some(path)) => Setting::MonitorState.at(engine.file(), path),
        (_, None) => Setting::MonitorState.name().to_owned(),
    };
    Some(warning(&setting, error, who))
}

#[cfg(test)]
mod tests {
    use std::{fs, io};

    use super::*;

    #[test]
    fn a_setting_stands_where_the_file_has_it_and_nowhere_else() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("heartbeat.yaml");
        let at = |yaml: &str| {
            fs::write(&file, format!("# moved from /x/y\n{yaml}"))?;
            let said = Setting::MonitorState.at(&file, Path::new("/x/y"));
            let place = said.strip_prefix("monitor.state (").unwrap_or_default();
            Ok::<_, io::Error>(place.replace(&file.display().to_string(), ""))
        };
        assert_eq!(at("monitor: {state: /x/y}\n")?, ":2:18)");
        assert_eq!(at("monitor: {state: \"/x/\\x79\"}\n")?, ":2:18)");
        assert_eq!(at("monitor: {state: {env: STATE}}\n")?, ":2:18)");
        assert_eq!(at("monitor: {state: /another}\n")?, ")");
        assert_eq!(at("monitor: {}\n")?, ")");
        Ok(())
    }
}
