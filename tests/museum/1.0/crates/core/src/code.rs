//! The codes that cross the boundary.
//!
//! Each is a transparent integer with named values, never an enum: a plugin
//! or host that is newer may send a value that this copy does not know, and
//! that must be data and not undefined behaviour. Whoever reads a code
//! handles the unknown ones; `name` answers `None` for them.

use abi_stable::StableAbi;
use serde::{Deserialize, Serialize};

macro_rules! code {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $value:ident = $number:literal $text:literal,)+ }) => {
        $(#[$doc])*
        #[repr(transparent)]
        #[derive(
            StableAbi, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        pub struct $name(pub u32);

        impl $name {
            $($(#[$vdoc])* pub const $value: Self = Self($number);)+

            /// Every value that this copy of the contract knows.
            pub const KNOWN: &'static [Self] = &[$(Self::$value),+];

            /// The value's name, or `None` for one that is not known here.
            #[must_use]
            pub fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($text),)+
                    _ => None,
                }
            }
        }
    };
}

code! {
    /// How bad it is. Greater is worse.
    Severity {
        /// Good to know; nobody needs to act.
        INFO = 10 "info",
        /// Somebody should look soon.
        WARNING = 20 "warning",
        /// Somebody must look now.
        CRITICAL = 30 "critical",
    }
}

code! {
    /// What a notification is about in the life of its incident.
    Kind {
        /// A message for its own sake, part of no incident.
        MESSAGE = 0 "message",
        /// Something is wrong, or goes on being wrong.
        PROBLEM = 1 "problem",
        /// What was wrong is right again: the incident ends.
        RECOVERY = 2 "recovery",
        /// A test that a person asked for.
        TEST = 3 "test",
    }
}

code! {
    /// What came of one attempt for one target.
    OutcomeClass {
        /// The remote took it; see [`Proof`] for how much that means.
        DELIVERED = 1 "delivered",
        /// Not delivered, and the same attempt may well succeed later.
        RETRY = 2 "retry",
        /// Not delivered, and it never will be until somebody changes something.
        PERMANENT = 3 "permanent",
        /// It was sent, or perhaps was, and no answer was read.
        UNKNOWN = 4 "unknown",
    }
}

code! {
    /// Who has to do something about a failure.
    Fault {
        /// Nobody in particular, or there was no failure.
        NONE = 0 "none",
        /// The configuration: the operator edits the file.
        CONFIG = 1 "configuration",
        /// This very message, which the remote does not take.
        MESSAGE = 2 "message",
        /// This one recipient.
        RECIPIENT = 3 "recipient",
        /// The network between here and the remote.
        NETWORK = 4 "network",
        /// The remote service.
        REMOTE = 5 "remote service",
        /// The plugin.
        PLUGIN = 6 "plugin",
        /// The host program.
        HOST = 7 "host program",
    }
}

code! {
    /// How much a delivery proves. Greater is more.
    Proof {
        /// The remote has taken responsibility for it.
        ACCEPTED = 1 "accepted",
        /// It reached the person's device or mailbox.
        DELIVERED = 2 "delivered",
        /// The person has said so.
        ACKNOWLEDGED = 3 "acknowledged",
    }
}

code! {
    /// What a provider's check of its settings found.
    CheckStatus {
        /// A notification would very likely arrive.
        OK = 1 "ok",
        /// A notification would not arrive.
        FAILED = 2 "failed",
        /// The provider cannot tell without delivering something.
        UNSUPPORTED = 3 "unsupported",
    }
}

code! {
    /// Whether a finding in the settings stops the channel.
    ProblemLevel {
        /// The channel cannot work like this.
        ERROR = 1 "error",
        /// It may work; the operator should know.
        WARNING = 2 "warning",
    }
}

code! {
    /// Levels of the log, as `tracing` has them. Greater is more detail.
    LogLevel {
        /// Something failed.
        ERROR = 1 "error",
        /// Something is suspicious.
        WARN = 2 "warn",
        /// Something worth knowing happened.
        INFO = 3 "info",
        /// Details for whoever searches a fault.
        DEBUG = 4 "debug",
        /// Every step.
        TRACE = 5 "trace",
    }
}

code! {
    /// Why the host could not do what the plugin asked of it.
    HostErrorKind {
        /// This host does not offer the service.
        UNSUPPORTED = 1 "unsupported",
        /// The request itself makes no sense.
        INVALID = 2 "invalid request",
        /// The name of the remote could not be resolved.
        DNS = 3 "name resolution",
        /// No connection could be made.
        CONNECT = 4 "connection",
        /// The connection was made, and the secure channel over it was not.
        TLS = 5 "TLS",
        /// It took too long.
        TIMEOUT = 6 "timeout",
        /// The connection ended before the whole answer was read.
        LOST = 7 "connection lost",
        /// The host is closing the channel or itself.
        CLOSING = 8 "closing",
        /// The host failed in a way that has no name of its own.
        INTERNAL = 9 "internal",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_from_the_future_is_data() {
        assert_eq!(OutcomeClass(77).name(), None);
        assert_eq!(OutcomeClass::UNKNOWN.name(), Some("unknown"));
        assert_eq!(Severity::KNOWN.len(), 3);
        assert!(Severity::CRITICAL > Severity::WARNING);
    }
}
