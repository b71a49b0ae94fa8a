//! Where a file was to keep deliveries and could not be opened: what whoever sends is
//! told of it.

use std::{fs, path::Path};

use annunciator::{Engine, StorePlace, store::StoreError};

/// A setting of the configuration that names a file for deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    /// `delivery.store`.
    DeliveryStore,
    /// `monitor.state`, which keeps deliveries where the other one says nothing.
    MonitorState,
}

impl Setting {
    /// As it stands in a file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::DeliveryStore => "delivery.store",
            Self::MonitorState => "monitor.state",
        }
    }

    /// Its name, and where in the configuration its value stands:
    /// `delivery.store (heartbeat.yaml:12:18)`. Without a line where the value stands
    /// in none or in several places, as when another file has it.
    #[must_use]
    pub fn at(self, config: &Path, value: &Path) -> String {
        let (name, file) = (self.name(), config.display());
        let text = fs::read_to_string(config).unwrap_or_default();
        match value.to_str().and_then(|value| only_place(&text, value)) {
            Some((line, column)) => format!("{name} ({file}:{line}:{column})"),
            None => format!("{name} ({file})"),
        }
    }
}

/// The only place of a text in another as line and column, both from 1.
fn only_place(text: &str, part: &str) -> Option<(usize, usize)> {
    let mut places = text.match_indices(part);
    let (at, _) = places.next().filter(|_| !part.is_empty())?;
    if places.next().is_some() {
        return None;
    }
    let before = text.get(..at)?;
    let line = before.rsplit('\n').next()?;
    let lines = before.matches('\n').count();
    Some((lines + 1, line.chars().count() + 1))
}

/// What follows when a store cannot be opened; `who` has the message in memory.
#[must_use]
pub fn warning(setting: &str, error: &StoreError, who: &str) -> String {
    format!(
        "{setting}: {error}; messages are delivered from memory, and are not kept if {who} dies"
    )
}

/// The warning that an engine's store could not be opened, where that is so.
#[must_use]
pub fn of_engine(engine: &Engine, who: &str) -> Option<String> {
    let error = engine.store_trouble()?;
    let setting = match (&engine.config().delivery().store, error.path()) {
        (StorePlace::File(path), _) => Setting::DeliveryStore.at(engine.file(), path),
        (_, Some(path)) => Setting::MonitorState.at(engine.file(), path),
        (_, None) => Setting::MonitorState.name().to_owned(),
    };
    Some(warning(&setting, error, who))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_a_place_where_it_stands_once() {
        let text = "a: 1\nb: {ä: /x/y}\n# /z /z\n";
        assert_eq!(only_place(text, "/x/y"), Some((2, 8)));
        assert_eq!(only_place(text, "a: 1"), Some((1, 1)));
        assert_eq!(only_place(text, "/z"), None);
        assert_eq!(only_place(text, "/nowhere"), None);
        assert_eq!(only_place(text, ""), None);
    }
}
