//! Judges signal-cli's refusals by their codes and words. Only a known refusal has a hint; an
//! unknown one is passed on without.

use std::borrow::Cow;

use annunciator_sdk::{Class, Fault};

use crate::outcome::{RATE_LIMIT_DELAY, Verdict};

/// Words of Java and signal-cli for a network that failed, in lower case.
const NETWORK: [&str; 9] = [
    "unknownhost",
    "unable to resolve host",
    "network failure",
    "network is unreachable",
    "failed to connect",
    "connection refused",
    "connection reset",
    "connect timed out",
    "no route to host",
];
/// Words for a recipient that does not exist, or that cannot exist.
const RECIPIENT: [&str; 5] = [
    "unregistered user",
    "invalid phone number",
    "invalid number",
    "invalid username",
    "is not a valid",
];
/// Words for a group that is unknown, or that the account is not a member of.
const GROUP: [&str; 4] = [
    "group not found",
    "invalid group",
    "not a group member",
    "not a member",
];
/// Words for arguments that this version of signal-cli does not know.
const FOREIGN: [&str; 4] = [
    "unrecognized argument",
    "invalid choice",
    "unrecognized field",
    "method not implemented",
];

/// Quotes a text for a shell. A text with a NUL byte cannot be an argument of any command, so a
/// placeholder takes its place.
pub(crate) fn typed(text: &str) -> Cow<'_, str> {
    shlex::try_quote(text).unwrap_or(Cow::Borrowed("ACCOUNT"))
}

/// Returns the verdict on a refusal.
pub(crate) fn refused(user: &str, code: i64, message: &str) -> Verdict {
    let account = typed(user);
    use Class::{Permanent, Retry, Unknown};

    let lower = message.to_ascii_lowercase();
    let names = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let said = format!("signal-cli answered: {message}");
    let limited = names(&["[429]", "[413]", "ratelimit"]);
    match code {
        -32603 if limited => Verdict::new(
            // Parts of the message may have been sent (signal-cli issue 2071).
            Unknown,
            Fault::Remote,
            said,
            "Signal limits how much this account sends; some recipients may have got the message",
        )
        .wait(RATE_LIMIT_DELAY),
        -32603 if lower.contains("attachment") => {
            Verdict::new(Permanent, Fault::Message, said, "check the attachment")
        }
        // Versions before 0.10 have no separate code for this.
        _ if code == -4 || names(&["untrusted identit"]) => Verdict::new(
            Permanent,
            Fault::Recipient,
            said,
            format!(
                "compare the safety numbers (`signal-cli -a {account} listIdentities`), then run \
                 `signal-cli -a {account} trust -v SAFETY_NUMBER RECIPIENT`"
            ),
        ),
        -32603 | -3 if names(&NETWORK) => {
            Verdict::new(Retry, Fault::Network, said, "check this machine's network")
        }
        -32603 | -3 => Verdict::new(Retry, Fault::Remote, said, ""),
        -5 => Verdict::new(
            Retry,
            Fault::Remote,
            said,
            "send fewer messages, or send to one group instead of many recipients",
        )
        .wait(RATE_LIMIT_DELAY),
        -6 => Verdict::new(Permanent, Fault::Config, said, "solve a new CAPTCHA"),
        -32602 if names(&["account does not exist", "account parameter"]) => Verdict::new(
            Permanent,
            Fault::Config,
            said,
            format!(
                "the daemon does not know {user}: check `user`, or register it and restart the daemon"
            ),
        ),
        -32602 if lower.contains("--no-urgent") => Verdict::new(
            Permanent,
            Fault::Config,
            said,
            "`silent` needs signal-cli 0.14: remove it, or use a newer signal-cli",
        ),
        // This version of signal-cli does not know the method or an argument.
        -32601 | -32602 if code == -32601 || names(&FOREIGN) => Verdict::new(
            Permanent,
            Fault::Config,
            said,
            "use a version of signal-cli that this plugin supports (0.13 or 0.14)",
        ),
        _ if names(&["not registered", "no local users"]) => Verdict::new(
            Permanent,
            Fault::Config,
            said,
            format!("run `signal-cli -a {account} register`, then `verify CODE`, or link a device"),
        ),
        _ if names(&GROUP) => Verdict::new(
            Permanent,
            Fault::Recipient,
            said,
            format!(
                "`signal-cli -a {account} listGroups` shows the group IDs; the account must be a member"
            ),
        ),
        _ if names(&RECIPIENT) => Verdict::new(
            Permanent,
            Fault::Recipient,
            said,
            "check the recipient; write a phone number as +12025550123",
        ),
        _ => Verdict::new(Permanent, Fault::Config, said, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODES: [i64; 11] = [
        -1, -2, -3, -4, -5, -6, -32600, -32601, -32602, -32603, -32700,
    ];
    /// The codes that have a hint without any words.
    const SPEAKING: [i64; 4] = [-4, -5, -6, -32601];

    #[test]
    fn the_account_in_a_command_is_quoted() {
        let hint = refused("an account's", -4, "").hint;
        assert!(hint.contains("-a \"an account's\" trust"), "{hint}");
        let hint = refused("+12025551234", -4, "").hint;
        assert!(hint.contains("-a +12025551234 trust"), "{hint}");
    }

    #[test]
    fn an_unknown_answer_has_no_hint() {
        let words = [
            "",
            "Sorry",
            "Failed to send message",
            "the server is on fire",
            "Exception in thread \"main\" java.lang.NullPointerException",
            "Failed to read local accounts list",
        ];
        for code in CODES.into_iter().filter(|code| !SPEAKING.contains(code)) {
            for words in words {
                let verdict = refused("+1", code, words);
                assert_eq!(verdict.hint, "", "{code} {words}");
            }
        }
    }

    /// The words are those of versions before 0.10, in standard error and by JSON-RPC.
    #[test]
    fn an_untrusted_identity_of_an_older_signal_cli_is_recognised() {
        for code in [-1, -32603, -3, -4] {
            for words in [
                "Untrusted Identity for \"+12025550002\"",
                "Failed to send message: Untrusted Identity for \"+12025550002\"",
                "Failed to send message due to untrusted identities",
            ] {
                let verdict = refused("+1", code, words);
                assert_eq!(verdict.class, Class::Permanent, "{code} {words}");
                assert!(verdict.hint.contains("listIdentities"), "{code} {words}");
            }
        }
    }

    #[test]
    fn a_network_failure_is_recognised() {
        for words in [
            "Failed to send message: java.net.UnknownHostException: chat.signal.org",
            "Network failure for \"+12025550002\"",
            "Failed to connect to chat.signal.org/76.223.92.165:443",
        ] {
            for code in [-3, -32603] {
                let verdict = refused("+1", code, words);
                assert_eq!(verdict.class, Class::Retry, "{words}");
                assert!(verdict.hint.contains("network"), "{words}");
            }
        }
    }
}
