//! Judges a server's negative replies by their codes and words. Only a known cause has a hint; an
//! unknown one is passed on without.

use std::time::Duration;

use annunciator_sdk::Fault;

use crate::{
    failure::Phase,
    outcome::{Verdict, never, retry},
    reply::Reply,
};

/// The time after which servers that greylist usually accept a second try (RFC 6647, section 4.5,
/// leaves it to them).
const GREYLIST_DELAY: Duration = Duration::from_secs(300);

/// Words of a server that found this machine on a block list, in lower case.
const ON_A_LIST: [&str; 6] = [
    "blocked using",
    "spamhaus",
    "dnsbl",
    "blocklist",
    "block list",
    "blacklist",
];
/// Words for an email that is too large. The last is that of RFC 5321, section 4.5.3.1.10.
const TOO_LARGE: [&str; 6] = [
    "size",
    "too large",
    "too big",
    "too long",
    "larger than",
    "too much mail data",
];
/// Words of a server that refuses this machine, in lower case.
const BLOCKED: [&str; 6] = [
    "block",
    "listed",
    "denied",
    "reputation",
    "rejected",
    "reverse",
];
/// Words for a recipient that does not exist.
const UNKNOWN: [&str; 7] = [
    "user unknown",
    "unknown user",
    "no such user",
    "unknown recipient",
    "no such recipient",
    "does not exist",
    "mailbox unavailable",
];
/// Words for content that is refused.
const FILTERED: [&str; 6] = ["spam", "virus", "malware", "content", "policy", "dmarc"];

const TOO_LARGE_HINT: &str = "the email is too large for the server";

/// Returns the verdict on a reply that is not a success.
pub(crate) fn judge_reply(phase: Phase, reply: &Reply) -> Verdict {
    if reply.code == 421 {
        return retry(Fault::Remote, "the server is closing or busy");
    }
    if reply.code / 100 == 4 {
        return judge_temporary(phase, reply);
    }
    let login = never(
        Fault::Config,
        "the server requires a login: set `smtp_user` and `smtp_password`",
    );
    let enhanced = reply.enhanced().unwrap_or_default();
    let text = reply.text().to_ascii_lowercase();
    let names = |words: &[&str]| words.iter().any(|word| text.contains(word));
    // The command or its syntax is unknown, or not implemented (RFC 5321, section 4.2.2).
    let is_foreign = matches!(reply.code, 500..=504 | 555);
    match (phase, reply.code, enhanced) {
        (Phase::Auth, 538, _) => never(Fault::Config, "set `smtp_tls: starttls` or `tls`"),
        (Phase::Auth, 534, _) => never(
            Fault::Config,
            "the server requires another way to log in, such as an app-specific password or XOAUTH2",
        ),
        // RFC 4954, section 6.
        (Phase::Auth, 535, _) | (Phase::Auth, _, "5.7.8") => never(
            Fault::Config,
            "check `smtp_user` and `smtp_password`; some providers require an app-specific password",
        ),
        (Phase::Auth, ..) => never(Fault::Config, ""),
        (_, 530, _) => login,
        (Phase::Greeting | Phase::Hello, 550 | 554, _) if names(&BLOCKED) => never(
            Fault::Remote,
            "the server refuses this machine: check block lists and `smtp_hello`",
        ),
        (Phase::Greeting | Phase::Hello | Phase::StartTls, ..) => never(Fault::Remote, ""),
        (_, _, "5.2.2") => never(
            Fault::Recipient,
            "the mailbox is full; its owner can make room",
        ),
        (_, _, "5.2.3" | "5.3.4") => never(Fault::Message, TOO_LARGE_HINT),
        (Phase::Mail | Phase::Data | Phase::Dot, 552, _) if names(&TOO_LARGE) => {
            never(Fault::Message, TOO_LARGE_HINT)
        }
        (Phase::Mail | Phase::Data | Phase::Dot, 552, _) => never(Fault::Message, ""),
        (_, 550..=554 | 571, _) if names(&ON_A_LIST) => never(
            Fault::Remote,
            "the server found this machine on a block list: ask for its removal there, or use a \
             server that is not on one",
        ),
        (Phase::Mail, ..) if is_foreign => never(Fault::Config, ""),
        // These codes refuse the sender (RFC 5321, 3.3; RFC 3463, 3.2 and 3.8).
        (Phase::Mail, code, _)
            if matches!(code, 550 | 551 | 553)
                || ["5.1.", "5.7."].iter().any(|of| enhanced.starts_with(of)) =>
        {
            never(
                Fault::Config,
                "the server refuses the sender: check `sender`, `envelope_sender` and the login",
            )
        }
        (Phase::Mail, ..) => never(Fault::Config, ""),
        (Phase::Rcpt, _, "5.7.1") if text.contains("relay") => never(
            Fault::Config,
            "the server does not relay to this address from here: a login may help",
        ),
        (Phase::Rcpt, _, "5.7.1") => never(Fault::Config, ""),
        (Phase::Rcpt, ..) if enhanced.starts_with("5.1.") || names(&UNKNOWN) => {
            never(Fault::Recipient, "check the recipient's address")
        }
        (Phase::Rcpt, ..) => never(Fault::Recipient, ""),
        (Phase::Data | Phase::Dot, ..) if enhanced.starts_with("5.7.") || names(&FILTERED) => {
            never(
                Fault::Message,
                "the server's rules refuse the content: its answer says which rule",
            )
        }
        _ => never(Fault::Message, ""),
    }
}

/// Returns the verdict on a reply with a 4xx code, after which a retry may succeed.
fn judge_temporary(phase: Phase, reply: &Reply) -> Verdict {
    let text = reply.text().to_ascii_lowercase();
    let is_grey = ["greylist", "graylist", "grey-list", "gray-list"];
    let is_grey = is_grey.iter().any(|word| text.contains(word));
    // Postgrey and others greylist with these codes, and other rules use them, too.
    let may_be_grey = is_grey || (reply.code == 450 && reply.enhanced() == Some("4.7.1"));
    let mailbox = reply
        .enhanced()
        .is_some_and(|code| code.starts_with("4.2."));
    match phase {
        Phase::Rcpt if may_be_grey => {
            let hint = match is_grey {
                true => "greylisting: nothing to do, a retry succeeds",
                false => "",
            };
            Verdict {
                wait: Some(GREYLIST_DELAY),
                ..retry(Fault::Remote, hint)
            }
        }
        // Postfix defers what it does not relay, unless its operator has decided to refuse it
        // (`defer_unauth_destination`, its default).
        Phase::Rcpt if text.contains("relay") => retry(
            Fault::Config,
            "the server does not relay to this address from here: a login may help",
        ),
        Phase::Rcpt if mailbox => retry(Fault::Recipient, "the mailbox cannot accept mail now"),
        // RFC 4954, section 6.
        Phase::Auth if reply.code == 454 => {
            retry(Fault::Remote, "the server cannot check logins now")
        }
        _ => retry(Fault::Remote, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(code: u16, text: &str) -> Reply {
        let lines = vec![text.to_owned()];
        Reply { code, lines }
    }

    fn verdict(phase: Phase, code: u16, text: &str) -> Verdict {
        judge_reply(phase, &reply(code, text))
    }

    #[test]
    fn an_unknown_reply_has_no_hint() {
        use Phase::{Auth, Data, Dot, Greeting, Hello, Mail, Other, Rcpt, StartTls};
        for phase in [Greeting, Hello, StartTls, Auth, Rcpt, Data, Dot, Other] {
            for code in [432, 451, 455, 459, 500, 502, 521, 550, 556, 571, 599] {
                for text in ["Sorry", "", "it is full moon"] {
                    let verdict = verdict(phase, code, text);
                    assert_eq!(verdict.hint, "", "{phase:?} {code} {text}");
                }
            }
        }
        for code in [455, 500, 501, 504, 555] {
            assert_eq!(verdict(Mail, code, "Sorry").hint, "", "{code}");
        }
    }

    #[test]
    fn a_code_alone_is_not_a_known_cause() {
        for (phase, code, text) in [
            (Phase::Mail, 552, "no"),
            (Phase::Data, 552, "no"),
            (Phase::Dot, 552, "exceeded storage allocation"),
            (Phase::Mail, 554, "no"),
            (Phase::Rcpt, 550, "5.7.1 no"),
            (Phase::Rcpt, 554, "5.7.1 policy"),
            (Phase::Rcpt, 450, "4.7.1 cannot find your hostname"),
        ] {
            let verdict = match code / 100 {
                4 => judge_temporary(phase, &reply(code, text)),
                _ => verdict(phase, code, text),
            };
            assert_eq!(verdict.hint, "", "{phase:?} {code} {text}");
        }
    }

    #[test]
    fn a_machine_on_a_block_list_is_not_advised_to_log_in() {
        let text = "5.7.1 Service unavailable; blocked using zen.spamhaus.org";
        for phase in [Phase::Mail, Phase::Rcpt, Phase::Data, Phase::Dot] {
            for code in [550, 554] {
                let verdict = verdict(phase, code, text);
                assert!(verdict.hint.contains("block list"), "{phase:?} {code}");
                assert!(!verdict.hint.contains("login"), "{phase:?} {code}");
                assert_eq!(verdict.fault, Fault::Remote);
            }
        }
    }

    #[test]
    fn a_known_cause_has_its_hint() {
        for (phase, code, text, hint) in [
            (Phase::Auth, 535, "5.7.8 bad credentials", "smtp_password"),
            (Phase::Auth, 535, "authentication failed", "smtp_password"),
            (Phase::Auth, 454, "4.7.0 try later", "logins"),
            (Phase::Greeting, 554, "blocked by a list", "block lists"),
            (Phase::Mail, 550, "5.7.1 not yours", "sender"),
            (Phase::Rcpt, 550, "5.1.1 nobody", "recipient"),
            (Phase::Rcpt, 550, "No such user here", "recipient"),
            (Phase::Dot, 554, "5.7.1 spam", "rules"),
            (Phase::Dot, 552, "Too much mail data", "too large"),
            (Phase::Mail, 552, "message size exceeds limit", "too large"),
            (Phase::Mail, 552, "5.2.3 no", "too large"),
            (Phase::Dot, 552, "5.2.2 mailbox full", "make room"),
            (Phase::Mail, 552, "5.2.2 mailbox full", "make room"),
            (Phase::Rcpt, 554, "5.7.1 relay denied", "login"),
            (Phase::Rcpt, 450, "4.7.1 Greylisted", "greylisting"),
        ] {
            let verdict = verdict(phase, code, text);
            assert!(verdict.hint.contains(hint), "{phase:?} {code} {text}");
        }
    }
}
