//! Decides what a failure means for a recipient: its class (retry, permanent or unknown), who can
//! fix it, and how.
//!
//! The first digit of the reply code decides the class (4 is temporary and 5 permanent, the reverse
//! of HTTP). The enhanced code only refines who can fix it.

use std::time::Duration;

use annunciator_sdk::{Class, Fault, Outcome};

use crate::{
    failure::{Cause, Failure, Phase},
    refusal::judge_reply,
    reply::Reply,
};

/// A verdict on a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) class: Class,
    pub(crate) fault: Fault,
    pub(crate) hint: &'static str,
    pub(crate) wait: Option<Duration>,
}

pub(crate) const fn retry(fault: Fault, hint: &'static str) -> Verdict {
    Verdict {
        class: Class::Retry,
        fault,
        hint,
        wait: None,
    }
}

pub(crate) const fn never(fault: Fault, hint: &'static str) -> Verdict {
    Verdict {
        class: Class::Permanent,
        fault,
        hint,
        wait: None,
    }
}

/// Returns the verdict on a failure.
pub(crate) fn judge(failure: &Failure) -> Verdict {
    let phase = failure.phase;
    match &failure.cause {
        Cause::Reply(reply) => judge_reply(phase, reply),
        Cause::Closed | Cause::Line(_) | Cause::TimedOut | Cause::NotSmtp(_)
            if phase == Phase::Dot =>
        {
            Verdict {
                class: Class::Unknown,
                fault: Fault::Network,
                hint: "the server may have accepted the email; a retry has the same Message-ID",
                wait: None,
            }
        }
        Cause::Name {
            temporary: true, ..
        } => retry(Fault::Network, "check this machine's DNS"),
        Cause::Name { .. } => retry(Fault::Config, "check the name in `smtp_server`"),
        Cause::Line(_) | Cause::TimedOut if phase == Phase::Connect => retry(
            Fault::Network,
            "check `smtp_server`, `smtp_port` and the firewall's rules for it",
        ),
        Cause::TimedOut | Cause::Closed if phase == Phase::Greeting => retry(
            Fault::Network,
            "if this port speaks TLS from the first byte, as 465 does, set `smtp_tls: tls`",
        ),
        Cause::Line(_) | Cause::TimedOut | Cause::Closed => retry(Fault::Network, ""),
        Cause::Busy => retry(
            Fault::Remote,
            "the server is slow; a higher `connections` may help",
        ),
        Cause::NotSmtp(text) if phase == Phase::Greeting => {
            never(Fault::Config, other_protocol(text))
        }
        // Until then, the server spoke SMTP.
        Cause::NotSmtp(_) => never(Fault::Remote, ""),
        Cause::Tls(_) => never(
            Fault::Config,
            "check the server's certificate, `tls_ca_file`, `tls_server_name` and \
             `tls_min_version`; the email is never sent without encryption instead",
        ),
        Cause::NotTls => never(
            Fault::Config,
            "this port seems to require STARTTLS: set `smtp_tls: starttls` (usually port 587)",
        ),
        Cause::SpeaksTls => never(
            Fault::Config,
            "set `smtp_tls: tls` for this port, or use port 587 for STARTTLS",
        ),
        Cause::TlsFile(_) => never(
            Fault::Config,
            "check the file's path, permissions and content",
        ),
        Cause::NoStartTls => never(
            Fault::Config,
            "an attacker on the network may have removed the offer, so nothing was sent; if the \
             server has no STARTTLS, use `smtp_tls: tls` (port 465), or `none` on a trusted network",
        ),
        Cause::NoMechanism(_) => never(
            Fault::Config,
            "set `smtp_auth` to what the server offers, or remove `smtp_user` if it needs no login",
        ),
        Cause::ClearText => never(Fault::Config, "set `smtp_tls: starttls` or `tls`"),
        Cause::NoUtf8 => never(Fault::Config, "use only ASCII addresses with this server"),
        Cause::TooBig { .. } => never(Fault::Message, "shorten the message"),
    }
}

/// Returns a hint that names the protocol of a port that does not speak SMTP.
fn other_protocol(beginning: &str) -> &'static str {
    match beginning {
        text if text.starts_with("* ") => "this is an IMAP port: use the SMTP port, usually 587",
        text if text.starts_with("+OK") => "this is a POP3 port: use the SMTP port, usually 587",
        text if text.starts_with("HTTP/") => "this is a web server's port: use the SMTP port",
        text if text.starts_with("SSH-") => "this is an SSH port: use the SMTP port, usually 587",
        text if text.starts_with(['\u{15}', '\u{16}']) => {
            "this port speaks TLS from the first byte: set `smtp_tls: tls`"
        }
        _ => "no mail server speaks on this port: check `smtp_server` and `smtp_port`",
    }
}

/// Creates the outcome for a recipient whose email failed.
pub(crate) fn failed(target: &str, failure: &Failure) -> Outcome {
    let verdict = judge(failure);
    let outcome = match verdict.class {
        Class::Retry => Outcome::retry(target, verdict.fault, failure),
        Class::Unknown => Outcome::unknown(target, verdict.fault, failure),
        Class::Permanent | Class::Delivered => Outcome::permanent(target, verdict.fault, failure),
    };
    let outcome = match failure.reply() {
        Some(reply) => outcome.code(reply.codes()),
        None => outcome,
    };
    let outcome = match verdict.wait {
        Some(wait) => outcome.after(wait),
        None => outcome,
    };
    outcome.hint(verdict.hint)
}

/// Creates the outcome for a recipient whose email the server accepted.
pub(crate) fn delivered(
    target: &str,
    reply: &Reply,
    message_id: &str,
    notes: &[String],
) -> Outcome {
    let queued: String = reply.to_string().chars().take(200).collect();
    Outcome::delivered(target)
        .id(message_id)
        .code(reply.codes())
        .note(format!("the server answered {queued}"))
        .notes(notes.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_greeting_that_is_not_smtp_is_another_protocol() {
        for text in ["199 huh", "600 what", "* OK", "nonsense"] {
            for phase in [Phase::Hello, Phase::Mail, Phase::Rcpt, Phase::Data] {
                let failure = Failure::new(phase, Cause::NotSmtp(text.to_owned()));
                assert_eq!(judge(&failure).hint, "", "{phase:?} {text}");
            }
            let failure = Failure::new(Phase::Greeting, Cause::NotSmtp(text.to_owned()));
            assert!(judge(&failure).hint.contains("port"), "{text}");
        }
    }
}
