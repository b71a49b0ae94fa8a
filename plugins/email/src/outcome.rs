//! What a failure means for a recipient: another try, never, or nobody knows;
//! whose fault it is; what to do.
//!
//! The first digit of the reply code decides (4 passes, 5 stays, the reverse
//! of HTTP); the enhanced code only refines whose fault it is.

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

/// The verdict on a failure.
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
                hint: "the server may have taken the mail; a repeat carries the same Message-ID",
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
            "the server is slow; a larger `connections` may help",
        ),
        Cause::NotSmtp(text) if phase == Phase::Greeting => {
            never(Fault::Config, other_protocol(text))
        }
        // It has spoken SMTP until then.
        Cause::NotSmtp(_) => never(Fault::Remote, ""),
        Cause::Tls(_) => never(
            Fault::Config,
            "check the server's certificate, `tls_ca_file`, `tls_server_name` and \
             `tls_min_version`; the mail is never sent in clear instead",
        ),
        Cause::NotTls => never(
            Fault::Config,
            "this port seems to want STARTTLS: set `smtp_tls: starttls` (usually port 587)",
        ),
        Cause::SpeaksTls => never(
            Fault::Config,
            "set `smtp_tls: tls` for this port, or use port 587 for STARTTLS",
        ),
        Cause::TlsFile(_) => never(Fault::Config, "check the file's path, rights and content"),
        Cause::NoStartTls => never(
            Fault::Config,
            "somebody on the way may have removed it, so nothing was sent; if the server has \
             none, use `smtp_tls: tls` (port 465), or `none` on a trusted line",
        ),
        Cause::NoMechanism(_) => never(
            Fault::Config,
            "set `smtp_auth` to what the server offers, or remove `smtp_user` if it wants no login",
        ),
        Cause::ClearText => never(Fault::Config, "set `smtp_tls: starttls` or `tls`"),
        Cause::NoUtf8 => never(Fault::Config, "use addresses in ASCII with this server"),
        Cause::TooBig { .. } => never(Fault::Message, "shorten the message"),
    }
}

/// Says which other protocol speaks on a port.
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

/// The outcome for a recipient whose mail failed.
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

/// The outcome for a recipient whose mail the server took.
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
    fn what_is_no_reply_is_another_protocol_only_at_first() {
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
