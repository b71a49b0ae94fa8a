//! The codes that cross the boundary.
//!
//! A code is a transparent integer with named values and never an enum, because a newer plugin or
//! host may send a value that this copy of the contract does not know. Such a value must be data
//! and not undefined behaviour. Whatever reads a code handles unknown values; `name` returns `None`
//! for them.

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

            /// Returns the name of the value, or `None` for an unknown value.
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
    /// The severity of a notification. A greater value is more severe.
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
    /// The kind of a notification: its role in an incident.
    Kind {
        /// A message that is part of no incident.
        MESSAGE = 0 "message",
        /// A problem that began or persists.
        PROBLEM = 1 "problem",
        /// The end of a problem, and of its incident.
        RECOVERY = 2 "recovery",
        /// A test that a person requested.
        TEST = 3 "test",
    }
}

code! {
    /// The class of the outcome of one attempt for one target.
    OutcomeClass {
        /// The remote accepted it; [`Proof`] says how much that means.
        DELIVERED = 1 "delivered",
        /// Not delivered; the same attempt may succeed later.
        RETRY = 2 "retry",
        /// Not delivered, and a further attempt cannot succeed until somebody changes something.
        PERMANENT = 3 "permanent",
        /// The message was or may have been sent, but no answer was read.
        UNKNOWN = 4 "unknown",
    }
}

code! {
    /// Whose fault a failure is: who has to act on it.
    Fault {
        /// Nobody in particular, or there was no failure.
        NONE = 0 "none",
        /// The configuration, which the operator has to correct.
        CONFIG = 1 "configuration",
        /// This particular message, which the remote rejects.
        MESSAGE = 2 "message",
        /// This particular recipient.
        RECIPIENT = 3 "recipient",
        /// The network between the host and the remote.
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
    /// How much a delivery proves. A greater value proves more.
    Proof {
        /// The remote has accepted responsibility for the message.
        ACCEPTED = 1 "accepted",
        /// The message reached the person's device or mailbox.
        DELIVERED = 2 "delivered",
        /// The person has acknowledged the message.
        ACKNOWLEDGED = 3 "acknowledged",
    }
}

code! {
    /// The verdict of a provider's check of its settings.
    CheckStatus {
        /// A notification would very likely arrive.
        OK = 1 "ok",
        /// A notification would not arrive.
        FAILED = 2 "failed",
        /// The provider cannot check without delivering something.
        UNSUPPORTED = 3 "unsupported",
    }
}

code! {
    /// The level of a problem in the settings: whether it stops the channel.
    ProblemLevel {
        /// The channel cannot work with these settings.
        ERROR = 1 "error",
        /// The channel may work, but the operator should know.
        WARNING = 2 "warning",
    }
}

code! {
    /// The level of a log record, as in `tracing`. A greater value is more detailed.
    LogLevel {
        /// Something failed.
        ERROR = 1 "error",
        /// Something is suspicious.
        WARN = 2 "warn",
        /// Something worth knowing happened.
        INFO = 3 "info",
        /// Details that help to find a fault.
        DEBUG = 4 "debug",
        /// Every step.
        TRACE = 5 "trace",
    }
}

code! {
    /// The reason why the host could not do what the plugin asked of it.
    HostErrorKind {
        /// This host does not offer the service.
        UNSUPPORTED = 1 "unsupported",
        /// The request is invalid.
        INVALID = 2 "invalid request",
        /// The name of the remote could not be resolved.
        DNS = 3 "name resolution",
        /// No connection could be made.
        CONNECT = 4 "connection",
        /// A connection was made, but the TLS handshake failed.
        TLS = 5 "TLS",
        /// The time limit was exceeded.
        TIMEOUT = 6 "timeout",
        /// The connection ended before the whole response was read.
        LOST = 7 "connection lost",
        /// The host is closing the channel or shutting down.
        CLOSING = 8 "closing",
        /// The host failed for another reason.
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
