//! Time zones by their names in the IANA database.
//!
//! The machine's own rules come first, since they are renewed more often than a
//! program; what it lacks is taken from those that are built in.

use jiff::tz::{TimeZone, TimeZoneDatabase};

/// The time zone of this name.
pub(crate) fn named(name: &str) -> Option<TimeZone> {
    let ours = || TimeZoneDatabase::bundled().get(name);
    TimeZone::get(name).or_else(|_| ours()).ok()
}

/// All names that are built in.
pub(crate) fn names() -> Vec<String> {
    let names = TimeZoneDatabase::bundled();
    names.available().map(|name| name.to_string()).collect()
}
