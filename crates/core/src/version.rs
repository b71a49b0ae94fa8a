//! The version of the contract, and which hosts may load which plugins.
//!
//! This module decides by the numbers alone. The layout check in [`crate::load`] then verifies that
//! the numbers are true.

/// The major version. It increases when something is removed or changed; plugins must then be
/// rebuilt.
pub const ABI_MAJOR: u32 = 1;

/// The minor version. It increases when something is appended, see the [rules of
/// growth](crate#rules-of-growth).
pub const ABI_MINOR: u32 = 1;

/// [`ABI_MAJOR`] as text, for the note that is created at compile time.
pub const ABI_MAJOR_TEXT: &str = "1";

/// [`ABI_MINOR`] as text, for the note that is created at compile time.
pub const ABI_MINOR_TEXT: &str = "1";

/// The version of the compiler that built this copy of the contract, such as `1.88.0`.
pub const RUSTC: &str = env!("ANNUNCIATOR_RUSTC");

/// The target triple that this copy of the contract was built for.
pub const TARGET: &str = env!("ANNUNCIATOR_TARGET");

/// A version of the contract: major and minor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AbiVersion {
    /// The major version, see [`ABI_MAJOR`].
    pub major: u32,
    /// The minor version, see [`ABI_MINOR`].
    pub minor: u32,
}

impl AbiVersion {
    /// The version of this copy of the contract.
    pub const CURRENT: Self = Self {
        major: ABI_MAJOR,
        minor: ABI_MINOR,
    };
}

impl std::fmt::Display for AbiVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// Whether a host may load a plugin, by the versions alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It may: the plugin was built for the host's minor version or a newer one.
    AsNewOrNewer,
    /// It may: the plugin was built for an older minor version than the host's.
    Older,
    /// It may not: the plugin needs something that this host does not offer yet.
    HostTooOld,
    /// It may not: the plugin was built for another major version.
    OtherMajor,
}

/// Returns whether a host of version `host` may load a plugin that was built for version `plugin`
/// and works in hosts from minor version `needs_host_minor`.
#[must_use]
pub fn verdict(host: AbiVersion, plugin: AbiVersion, needs_host_minor: u32) -> Verdict {
    if plugin.major != host.major {
        Verdict::OtherMajor
    } else if needs_host_minor > host.minor {
        Verdict::HostTooOld
    } else if plugin.minor < host.minor {
        Verdict::Older
    } else {
        Verdict::AsNewOrNewer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_repeat_the_numbers() {
        assert_eq!(ABI_MAJOR_TEXT, ABI_MAJOR.to_string());
        assert_eq!(ABI_MINOR_TEXT, ABI_MINOR.to_string());
    }

    #[test]
    fn every_pair_of_versions_has_its_verdict() {
        let v = |major, minor| AbiVersion { major, minor };
        assert_eq!(verdict(v(1, 0), v(1, 0), 0), Verdict::AsNewOrNewer);
        assert_eq!(verdict(v(1, 0), v(1, 3), 0), Verdict::AsNewOrNewer);
        assert_eq!(verdict(v(1, 3), v(1, 0), 0), Verdict::Older);
        assert_eq!(verdict(v(1, 0), v(1, 3), 2), Verdict::HostTooOld);
        assert_eq!(verdict(v(1, 0), v(2, 0), 0), Verdict::OtherMajor);
        assert_eq!(verdict(v(2, 0), v(1, 9), 0), Verdict::OtherMajor);
    }
}
