//! The outcomes of an attempt, from the program's exit status, by the names of sysexits.h, and from
//! what else the program reports: <https://man.openbsd.org/sysexits.3>.

use std::time::Duration;

use annunciator_sdk::{Class, Fault, Outcome, Output, redacted};

use crate::report::{Report, Word};

/// The maximum wait that is passed on to the engine: 30 days, in seconds.
const MAX_RETRY_AFTER_SECONDS: f64 = 30.0 * 24.0 * 3600.0;

/// The detail for a word that is not an outcome.
const NO_OUTCOME: &str = "the program reports an outcome that does not exist; the outcomes are \
                          delivered, retry, permanent and unknown";

/// Returns what an exit status means: class, fault and sentence.
fn meaning(status: i32) -> (Class, Fault, &'static str) {
    use Class::{Delivered, Permanent, Retry, Unknown};
    match status {
        0 => (Delivered, Fault::Remote, "delivered"),
        64 => (
            Permanent,
            Fault::Config,
            "the program was called incorrectly (EX_USAGE)",
        ),
        65 => (
            Permanent,
            Fault::Message,
            "the program does not accept this message (EX_DATAERR)",
        ),
        66 => (
            Permanent,
            Fault::Config,
            "the program lacks an input (EX_NOINPUT)",
        ),
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
            "the service is unavailable (EX_UNAVAILABLE)",
        ),
        70 => (
            Permanent,
            Fault::Plugin,
            "the program has an internal error (EX_SOFTWARE)",
        ),
        71 => (
            Retry,
            Fault::Host,
            "the operating system reported an error (EX_OSERR)",
        ),
        72 => (
            Permanent,
            Fault::Config,
            "the program lacks a system file (EX_OSFILE)",
        ),
        73 => (
            Permanent,
            Fault::Config,
            "the program cannot create a file (EX_CANTCREAT)",
        ),
        74 => (
            Retry,
            Fault::Network,
            "reading or writing failed (EX_IOERR)",
        ),
        75 => (
            Retry,
            Fault::Remote,
            "the program cannot deliver now (EX_TEMPFAIL)",
        ),
        76 => (
            Retry,
            Fault::Remote,
            "the remote answered incorrectly (EX_PROTOCOL)",
        ),
        77 => (
            Permanent,
            Fault::Config,
            "the program lacks a permission (EX_NOPERM)",
        ),
        78 => (
            Permanent,
            Fault::Config,
            "something is misconfigured (EX_CONFIG)",
        ),
        _ => (
            Unknown,
            Fault::Plugin,
            "the program failed, and does not say whether anybody was notified",
        ),
    }
}

/// Returns the outcomes of a program that ended by itself, one for each target.
///
/// `secrets` are removed from all texts.
pub(crate) fn of_output(targets: &[String], output: &Output, secrets: &[String]) -> Vec<Outcome> {
    let report = Report::read(&output.stdout).unwrap_or_default();
    let targets = targets.iter();
    targets
        .map(|target| of_target(target, output, report.of(target), secrets))
        .collect()
}

fn of_target(target: &str, output: &Output, report: &Report, secrets: &[String]) -> Outcome {
    let (class, fault, sentence, code) = match (output.status, output.signal) {
        (Some(status), _) => {
            let (class, fault, sentence) = meaning(status);
            (class, fault, sentence.to_owned(), format!("exit {status}"))
        }
        (None, signal) => {
            let signal = signal.unwrap_or_default();
            let sentence = format!("the program was ended by signal {signal}");
            (
                Class::Unknown,
                Fault::Plugin,
                sentence,
                format!("signal {signal}"),
            )
        }
    };
    // What the program reports cannot turn a status of failure into success.
    let (class, fault, sentence) = match report.outcome {
        // The message may have been sent.
        Some(Word::Other) if class == Class::Delivered => {
            (Class::Unknown, Fault::Plugin, NO_OUTCOME.to_owned())
        }
        Some(word) if class == Class::Delivered => (
            of_word(word),
            fault,
            "the program reported this outcome".to_owned(),
        ),
        _ => (class, fault, sentence),
    };
    let clean = |text: &String| redacted(text, secrets);
    if class == Class::Delivered {
        let delivered = Outcome::delivered(target);
        return match &report.id {
            Some(id) => delivered.id(clean(id)),
            None => delivered,
        };
    }
    let own = report.detail.as_ref().map(clean);
    let own = own.or_else(|| last_line(&output.stderr).map(|line| clean(&line)));
    let detail = match own.filter(|own| !own.is_empty()) {
        Some(own) => format!("{sentence}: {own}"),
        None => sentence,
    };
    let outcome = match class {
        Class::Retry => Outcome::retry(target, fault, detail),
        Class::Permanent => Outcome::permanent(target, fault, detail),
        _ => Outcome::unknown(target, fault, detail),
    };
    let hint = report.hint.as_ref().map(clean).unwrap_or_default();
    let outcome = outcome.code(code).hint(hint);
    let wait = report
        .retry_after
        .map(|seconds| seconds.clamp(0.0, MAX_RETRY_AFTER_SECONDS));
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
        Word::Unknown | Word::Other => Class::Unknown,
    }
}

/// Returns the last line that is not blank, trimmed.
fn last_line(output: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(output);
    let mut lines = text.lines().rev().map(str::trim);
    lines.find(|line| !line.is_empty()).map(str::to_owned)
}
