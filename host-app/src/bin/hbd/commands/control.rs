//! The commands that send requests to a running monitor: `status`, `explain`, `silence`,
//! `notify` and `reload`.

use std::{path::PathBuf, time::Duration};

use annunciator_monitor::Reloaded;
use heartbeat::control::{
    ClientError, MAX_SILENCE, Notified, NotifyOutcome, Request, Silenced, ask,
};
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};

use super::{preview, send, status};
use crate::{
    Exit,
    arguments::{Arguments, Explain, Notify, Reach, Silence, Status},
    output::{ErrorDetails, Output, printable_lines},
    setup,
};

/// The minimum length of a silence: requests are in seconds, and zero would end one.
const MIN_SILENCE: Duration = Duration::from_secs(1);
/// The socket in config/heartbeat.service and the example; tried if the file is not valid
/// YAML.
const USUAL_SOCKET: &str = "/run/heartbeat/control.sock";

pub(crate) fn status(arguments: &Arguments, status: &Status, output: &Output) -> Exit {
    with_answer(
        arguments,
        &status.reach,
        &Request::Status,
        output,
        |answer, as_json| {
            if status.json {
                output.json(&as_json);
            } else {
                status::overview(&answer, output);
            }
            Exit::Ok
        },
    )
}

pub(crate) fn explain(arguments: &Arguments, explain: &Explain, output: &Output) -> Exit {
    let request = Request::Explain {
        host: explain.host.clone(),
        lines: explain.lines,
    };
    with_answer(
        arguments,
        &explain.reach,
        &request,
        output,
        |answer, as_json| {
            if explain.json {
                output.json(&as_json);
            } else {
                status::explained(&answer, output);
            }
            Exit::Ok
        },
    )
}

pub(crate) fn silence(arguments: &Arguments, silence: &Silence, output: &Output) -> Exit {
    let length = silence.length.map_or(Duration::ZERO, Duration::from);
    if silence.length.is_some() && length < MIN_SILENCE {
        output.error("a silence lasts at least a second: name a longer time with --for");
        return Exit::Wrong;
    }
    if length > MAX_SILENCE {
        output.error("a silence lasts at most a year: name a shorter time with --for");
        return Exit::Wrong;
    }
    let request = Request::Silence {
        host: silence.host.clone(),
        seconds: length.as_secs(),
        why: silence.why.clone().unwrap_or_default(),
    };
    with_answer(
        arguments,
        &silence.reach,
        &request,
        output,
        |answer: Silenced, _| {
            let host = &silence.host;
            output.line(&match silence.length {
                Some(length) => format!("{host} is silenced for {length}"),
                None if !answer.was_silenced => format!("{host} was not silenced"),
                None => format!("{host} is no longer silenced"),
            });
            Exit::Ok
        },
    )
}

pub(crate) fn notify(arguments: &Arguments, notify: &Notify, output: &Output) -> Exit {
    let said = &notify.wording.said;
    let circumstances = match said.circumstances() {
        Ok(circumstances) => circumstances,
        Err(why) => {
            output.error(&why);
            return Exit::Wrong;
        }
    };
    let is_recovery = circumstances.is_recovery();
    let message = match send::message(&notify.wording.message, output) {
        Ok(message) => message,
        Err(exit) => return exit,
    };
    let request = Request::Notify {
        host: notify.host.clone(),
        message,
        title: notify.wording.title.clone(),
        severity: notify.wording.severity.name().to_owned(),
        circumstances,
        dry_run: said.dry_run,
    };
    let as_json = notify.wording.json;
    with_answer(arguments, &notify.reach, &request, output, |answer, _| {
        let notified: NotifyOutcome = match answer {
            Notified::Wrong { wrong, conflict } => {
                return send::wrong_call(&wrong, conflict.as_ref(), output);
            }
            Notified::Preview { preview, warnings } => {
                warn(&warnings, output);
                return preview::print(&preview, as_json, is_recovery, output);
            }
            Notified::Outcome(notified) => notified,
        };
        warn(&notified.warnings, output);
        if notified.report.results.is_empty() {
            return send::nobody("was", output);
        }
        if as_json && notified.repeats {
            output.json(&json!({ "repeats": notified.report }));
        } else if as_json {
            output.json(&json!(notified.report));
        } else {
            notified.lines.iter().for_each(|line| output.line(line));
            if notified.repeats {
                output.line(preview::REPEATED);
            }
        }
        if notified.delivered {
            Exit::Ok
        } else {
            Exit::Failed
        }
    })
}

fn warn(warnings: &[String], output: &Output) {
    for warning in warnings {
        output.warning(warning);
    }
}

pub(crate) fn reload(arguments: &Arguments, reach: &Reach, output: &Output) -> Exit {
    with_answer(
        arguments,
        reach,
        &Request::Reload,
        output,
        |answer: Reloaded, _| {
            let kept = answer.channels.kept.len();
            output.line(&format!(
                "the configuration is in force: {kept} channel{} kept, {} opened, {} closed",
                if kept == 1 { "" } else { "s" },
                answer.channels.opened.len(),
                answer.channels.closed.len()
            ));
            if !answer.channels.disabled.is_empty() {
                let disabled = answer.channels.disabled.join(", ");
                output.warning(format!(
                    "disabled, and deliveries to them wait: {disabled}; `hbd status` says why"
                ));
            }
            for key in &answer.after_restart {
                output.warning(format!("{key} changed, which takes effect after a restart"));
            }
            warn(&answer.warnings, output);
            Exit::Ok
        },
    )
}

/// Sends a request and prints the answer: as text, or as JSON with everything that the
/// monitor says.
fn with_answer<T: DeserializeOwned>(
    arguments: &Arguments,
    reach: &Reach,
    request: &Request,
    output: &Output,
    show: impl FnOnce(T, Json) -> Exit,
) -> Exit {
    let path = match socket(arguments, reach, output) {
        Ok(path) => path,
        Err(exit) => return exit,
    };
    let answer = ask(&path, request).and_then(|json| Ok((T::deserialize(&json)?, json)));
    match answer {
        Ok((answer, json)) => show(answer, json),
        Err(error) => {
            // The monitor may have named several problems.
            let text = printable_lines(&error.to_string());
            output.failed(ErrorDetails::new(&*text), &format!("error: {text}"));
            match error {
                ClientError::NoMonitor { .. } => {
                    output.help("is `hbd run` running, and may you use its control socket?");
                    Exit::Failed
                }
                ClientError::TooLong(_) | ClientError::Wrong(_) => Exit::Wrong,
                // The configuration has a mistake.
                ClientError::Refused(_) if matches!(request, Request::Reload) => Exit::Wrong,
                _ => Exit::Failed,
            }
        }
    }
}

/// Returns the control socket: the named one, otherwise that of the configuration. Other
/// problems of the file do not matter: only the service may be able to read its secrets,
/// and a monitor that reloads an invalid file reports the problems itself.
fn socket(arguments: &Arguments, reach: &Reach, output: &Output) -> Result<PathBuf, Exit> {
    if let Some(path) = &reach.control {
        return Ok(path.clone());
    }
    let peeked = setup::builder(arguments, output)?.peek("monitor", "control");
    let usual = || PathBuf::from(USUAL_SOCKET);
    match peeked.map(|named| named.map(PathBuf::from)) {
        Ok(Some(path)) if path.is_absolute() => return Ok(path),
        Err(_) if usual().exists() => return Ok(usual()),
        _ => {}
    }
    let help = "--control PATH names the socket of a running monitor, whatever the file says";
    let loaded = setup::load(arguments, output).inspect_err(|_| output.help(help))?;
    annunciator_monitor::MonitorConfig::of(&loaded.config)
        .control
        .ok_or_else(|| {
            output.error("the configuration names no control socket");
            output.help(format!(
                "set `monitor.control`, such as {USUAL_SOCKET}, or use --control"
            ));
            Exit::Wrong
        })
}
