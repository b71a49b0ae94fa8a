//! What an exit status means, by the names of sysexits.h, and what else is said.
//! <https://man.openbsd.org/sysexits.3>

use std::time::Duration;

use annunciator_sdk::{Class, Fault, Outcome, Output};

use crate::said::{Said, Word};

/// The longest text of a program that is passed on, in characters.
const LONGEST_TEXT: usize = 300;
/// The longest wait that is passed on: a month.
const LONGEST_WAIT: f64 = 30.0 * 24.0 * 3600.0;

/// What a status means.
fn meaning(status: i32) -> (Class, Fault, &'static str) {
    use Class::{Delivered, Permanent, Retry, Unknown};
    match status {
        0 => (Delivered, Fault::Remote, "delivered"),
        64 => (Permanent, Fault::Config, "it was called wrongly (EX_USAGE)"),
        65 => (
            Permanent,
            Fault::Message,
            "it does not take this message (EX_DATAERR)",
        ),
        66 => (Permanent, Fault::Config, "it lacks an input (EX_NOINPUT)"),
        67 => (
            Permanent,
            Fault::Recipient,
            "there is no such recipient (EX_NOUSER)",
        ),
        68 => (
            Permanent,
            Fault::Recipient,
            "there is no such host (EX_NOHOST)",
        ),
        69 => (
            Retry,
            Fault::Remote,
            "the service cannot be had (EX_UNAVAILABLE)",
        ),
        70 => (
            Permanent,
            Fault::Plugin,
            "it failed within itself (EX_SOFTWARE)",
        ),
        71 => (Retry, Fault::Host, "the system failed it (EX_OSERR)"),
        72 => (
            Permanent,
            Fault::Config,
            "it lacks a file of the system (EX_OSFILE)",
        ),
        73 => (
            Permanent,
            Fault::Config,
            "it cannot make a file (EX_CANTCREAT)",
        ),
        74 => (
            Retry,
            Fault::Network,
            "reading or writing failed (EX_IOERR)",
        ),
        75 => (Retry, Fault::Remote, "not now (EX_TEMPFAIL)"),
        76 => (
            Retry,
            Fault::Remote,
            "the remote answered oddly (EX_PROTOCOL)",
        ),
        77 => (Permanent, Fault::Config, "it may not do that (EX_NOPERM)"),
        78 => (
            Permanent,
            Fault::Config,
            "something is configured wrongly (EX_CONFIG)",
        ),
        _ => (
            Unknown,
            Fault::Plugin,
            "it failed, and does not say whether anybody was told",
        ),
    }
}

/// The outcomes of a program that has ended by itself.
pub(crate) fn of_output(targets: &[String], output: &Output, secrets: &[String]) -> Vec<Outcome> {
    let said = Said::read(&output.stdout).unwrap_or_default();
    let targets = targets.iter();
    targets
        .map(|target| of_target(target, output, said.of(target), secrets))
        .collect()
}

fn of_target(target: &str, output: &Output, said: &Said, secrets: &[String]) -> Outcome {
    let (class, fault, sentence, code) = match (output.status, output.signal) {
        (Some(status), _) => {
            let (class, fault, sentence) = meaning(status);
            (class, fault, sentence.to_owned(), format!("exit {status}"))
        }
        (None, signal) => {
            let signal = signal.unwrap_or_default();
            let sentence = format!("it was ended by the signal {signal}");
            (
                Class::Unknown,
                Fault::Plugin,
                sentence,
                format!("signal {signal}"),
            )
        }
    };
    // A status that tells of a failure is not talked away.
    let (class, sentence) = match said.outcome {
        Some(word) if class == Class::Delivered => {
            (of_word(word), "the program says so".to_owned())
        }
        _ => (class, sentence),
    };
    let clean = |text: &String| clean(text, secrets);
    if class == Class::Delivered {
        let delivered = Outcome::delivered(target);
        return match &said.id {
            Some(id) => delivered.id(clean(id)),
            None => delivered,
        };
    }
    let own = said.detail.as_ref().map(clean);
    let own = own.or_else(|| last_line(&output.stderr).map(|line| self::clean(&line, secrets)));
    let detail = match own.filter(|own| !own.is_empty()) {
        Some(own) => format!("{sentence}: {own}"),
        None => sentence,
    };
    let outcome = match class {
        Class::Retry => Outcome::retry(target, fault, detail),
        Class::Permanent => Outcome::permanent(target, fault, detail),
        _ => Outcome::unknown(target, fault, detail),
    };
    let hint = said.hint.as_ref().map(clean).unwrap_or_default();
    let outcome = outcome.code(code).hint(hint);
    let wait = said
        .retry_after
        .map(|seconds| seconds.clamp(0.0, LONGEST_WAIT));
    let wait = wait.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    match wait.filter(|_| class == Class::Retry) {
        Some(wait) => outcome.after(wait),
        None => outcome,
    }
}

fn of_word(word: Word) -> Class {
    match word {
        Word::Delivered => Class::Delivered,
        Word::Retry => Class::Retry,
        Word::Permanent => Class::Permanent,
        Word::Unknown => Class::Unknown,
    }
}

/// The last line that says anything.
fn last_line(output: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(output);
    let mut lines = text.lines().rev().map(str::trim);
    lines.find(|line| !line.is_empty()).map(str::to_owned)
}

/// Without secrets and control characters, cut to what a person reads.
pub(crate) fn clean(text: &str, secrets: &[String]) -> String {
    let text = secrets
        .iter()
        .fold(text.to_owned(), |text, secret| text.replace(secret, "[…]"));
    let visible = |one: char| if one.is_control() { ' ' } else { one };
    text.chars().map(visible).take(LONGEST_TEXT).collect()
}
