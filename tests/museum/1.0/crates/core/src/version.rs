//! The version of the contract, and who may load whom.
//!
//! Decides from the numbers alone; the layout check in [`crate::load`] then
//! proves that the numbers did not lie.

/// Grows when something is removed or changed: such plugins must be rebuilt.
pub const ABI_MAJOR: u32 = 1;

/// Grows when something is appended (see the rules of growth on the front page).
pub const ABI_MINOR: u32 = 0;

/// [`ABI_MAJOR`] as text, for the note that is put together at compile time.
pub const ABI_MAJOR_TEXT: &str = "1";

/// [`ABI_MINOR`] as text, for the note that is put together at compile time.
pub const ABI_MINOR_TEXT: &str = "0";

/// The compiler that built this copy of the contract, such as `1.88.0`.
pub const RUSTC: &str = env!("ANNUNCIATOR_RUSTC");

/// The target that this copy of the contract was built for.
pub const TARGET: &str = env!("ANNUNCIATOR_TARGET");

/// A version of the contract: major and minor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AbiVersion {
    /// See [`ABI_MAJOR`].
    pub major: u32,
    /// See [`ABI_MINOR`].
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

/// What the numbers alone say about a plugin in a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Load it; the plugin knows as much as the host or more.
    AsNewOrNewer,
    /// Load it; the plugin was built for an older minor than the host's.
    Older,
    /// The plugin uses something that this host does not offer yet.
    HostTooOld,
    /// Another major: the two do not understand each other.
    OtherMajor,
}

/// Judges a plugin built for `plugin`, which can do with a host of minor
/// `needs_host_minor`, in a host that offers `host`.
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
