//! What signal-cli's refusals mean, by their codes and words. A hint follows from
//! words that are known; what is not known is passed on without one.

use std::borrow::Cow;

use annunciator_sdk::{Class, Fault};

use crate::outcome::{RATE_LIMIT_DELAY, Verdict};

/// Words of Java and of signal-cli for a line that broke, in lower case.
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
/// The same for a recipient that there cannot be.
const RECIPIENT: [&str; 5] = [
    "unregistered user",
    "invalid phone number",
    "invalid number",
    "invalid username",
    "is not a valid",
];
/// The same for a group.
const GROUP: [&str; 4] = [
    "group not found",
    "invalid group",
    "not a group member",
    "not a member",
];
/// The same for arguments that this version does not know.
const FOREIGN: [&str; 4] = [
    "unrecognized argument",
    "invalid choice",
    "unrecognized field",
    "method not implemented",
];

/// As it is typed in a shell. What holds a NUL byte no command can be given.
pub(crate) fn typed(text: &str) -> Cow<'_, str> {
    shlex::try_quote(text).unwrap_or(Cow::Borrowed("ACCOUNT"))
}

/// The verdict on a refusal.
pub(crate) fn refused(user: &str, code: i64, message: &str) -> Verdict {
    let account = typed(user);
    use Class::{Permanent, Retry, Unknown};

    let lower = message.to_ascii_lowercase();
    let names = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let said = format!("signal-cli answered: {message}");
    let limited = names(&["[429]", "[413]", "ratelimit"]);
    match code {
        -32603 if limited => Verdict::new(
            // Parts of it may have been sent (signal-cli issue 2071).
            Unknown,
            Fault::Remote,
            said,
            "Signal limits how much this account sends; some may have got it",
        )
        .wait(RATE_LIMIT_DELAY),
        -32603 if lower.contains("attachment") => {
            Verdict::new(Permanent, Fault::Message, said, "check the attachment")
        }
        // Versions before 0.10 have no code of its own for it.
        _ if code == -4 || names(&["untrusted identit"]) => Verdict::new(
            Permanent,
            Fault::Recipient,
            said,
            format!(
                "compare the safety numbers (`signal-cli -a {account} listIdentities`), then type \
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
            "send less, or to one group instead of many recipients",
        )
        .wait(RATE_LIMIT_DELAY),
        -6 => Verdict::new(Permanent, Fault::Config, said, "solve a new CAPTCHA"),
        -32602 if names(&["account does not exist", "account parameter"]) => Verdict::new(
            Permanent,
            Fault::Config,
            said,
            format!("the daemon doesn't know {user}: check `user`, or register it and restart"),
        ),
        -32602 if lower.contains("--no-urgent") => Verdict::new(
            Permanent,
            Fault::Config,
            said,
            "`silent` needs signal-cli 0.14: remove it, or use a newer signal-cli",
        ),
        // A method or an argument that it does not know.
        -32601 | -32602 if code == -32601 || names(&FOREIGN) => Verdict::new(
            Permanent,
            Fault::Config,
            said,
            "use a version of signal-cli that this plugin knows (0.13 or 0.14)",
        ),
        _ if names(&["not registered", "no local users"]) => Verdict::new(
            Permanent,
            Fault::Config,
            said,
            format!(
                "type `signal-cli -a {account} register`, then `verify CODE`, or link a device"
            ),
        ),
        _ if names(&GROUP) => Verdict::new(
            Permanent,
            Fault::Recipient,
            said,
            format!(
                "`signal-cli -a {account} listGroups` shows the ids; the account must be a member"
            ),
        ),
        _ if names(&RECIPIENT) => Verdict::new(
            Permanent,
            Fault::Recipient,
            said,
            "check the recipient: a number is written as +12025550123",
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
    /// Those that say by themselves what they are about.
    const SPEAKING: [i64; 4] = [-4, -5, -6, -32601];

    #[test]
    fn what_is_to_be_typed_is_quoted() {
        let hint = refused("an account's", -4, "").hint;
        assert!(hint.contains("-a \"an account's\" trust"), "{hint}");
        let hint = refused("+12025551234", -4, "").hint;
        assert!(hint.contains("-a +12025551234 trust"), "{hint}");
    }

    #[test]
    fn an_answer_that_is_not_known_has_no_hint() {
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

    /// As versions before 0.10 say it, in standard error and by JSON-RPC.
    #[test]
    fn an_untrusted_identity_of_an_older_signal_cli_is_known() {
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
    fn a_line_that_broke_is_known() {
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
