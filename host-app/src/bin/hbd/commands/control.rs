//! The commands that send requests to a running monitor: `status`, `explain`, `silence`, `ack`,
//! `notify` and `reload`.

use std::{path::PathBuf, time::Duration};

use annunciator_monitor::{Reloaded, timestamp::format_timestamp};
use annunciator_web::{
    AcknowledgeBody, Acknowledgements, MAX_REQUEST_LENGTH, NotificationBody, Notified, Reason,
    Withdrawn, page::part,
};
use heartbeat::api::{Client, ClientError, MAX_SILENCE, SilenceBody, Silenced, host_path};
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};

use super::{preview, send, status};
use crate::{
    Exit,
    arguments::{Ack, Arguments, Explain, Notify, Reach, Silence, Status},
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
        |client| client.get("/status"),
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
    let path = format!("{}?lines={}", host_path(&explain.host), explain.lines);
    with_answer(
        arguments,
        &explain.reach,
        |client| client.get(&path),
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
    let path = format!("{}/silence", host_path(&silence.host));
    let body = json!(SilenceBody {
        seconds: length.as_secs(),
        why: silence.why.clone().unwrap_or_default(),
    });
    with_answer(
        arguments,
        &silence.reach,
        |client| match silence.length {
            Some(_) => client.put(&path, &body),
            None => client.delete(&path),
        },
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

pub(crate) fn ack(arguments: &Arguments, ack: &Ack, output: &Output) -> Exit {
    if ack.release {
        return release(arguments, ack, output);
    }
    let body = json!(AcknowledgeBody {
        target: Some(ack.target.clone()),
        by: ack.by.clone(),
        note: ack.note.clone(),
        until_ms: ack.until.map(|until| until.ms),
        via: Some("hbd ack".to_owned()),
        ..AcknowledgeBody::default()
    });
    let call = |client: &Client| client.post("/acknowledgements", Some(&body));
    with_answer(arguments, &ack.reach, call, output, |answer, as_json| {
        let Acknowledgements { acknowledged } = answer;
        if ack.json {
            output.json(&as_json);
            return Exit::Ok;
        }
        for one in &acknowledged {
            let count = |name: &str| one[name].as_array().map_or(0, Vec::len);
            let incident = crate::output::one_line(one["incident"].as_str().unwrap_or_default());
            let notified = match count("notified") {
                0 => "no channel is notified of that".to_owned(),
                1 => "1 channel is notified of that".to_owned(),
                many => format!("{many} channels are notified of that"),
            };
            let until = ack.until.map_or(String::new(), |until| {
                format!(" until {}", format_timestamp(until.ms))
            });
            output.line(&format!("{incident} is taken over{until}; {notified}"));
        }
        Exit::Ok
    })
}

fn release(arguments: &Arguments, ack: &Ack, output: &Output) -> Exit {
    let path = format!("/acknowledgements?incident={}", part(&ack.target));
    let call = |client: &Client| client.delete(&path);
    with_answer(
        arguments,
        &ack.reach,
        call,
        output,
        |answer: Withdrawn, as_json| {
            if ack.json {
                output.json(&as_json);
            } else if answer.withdrawn {
                output.line(&format!("{} is nobody's any more", ack.target));
            } else {
                output.line(&format!("nobody had taken over {}", ack.target));
            }
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
    let body = NotificationBody {
        host: notify.host.clone(),
        message,
        title: notify.wording.title.clone(),
        severity: notify.wording.severity,
        ..NotificationBody::default()
    };
    let body = json!(body.circumstances(circumstances));
    let path = match said.dry_run {
        true => "/notifications?dry_run=true",
        // As long as the engine waits.
        false => "/notifications?wait=10m",
    };
    let as_json = notify.wording.json;
    let call = |client: &Client| client.post_within(path, &body, MAX_REQUEST_LENGTH);
    with_answer(arguments, &notify.reach, call, output, |answer, _| {
        let notified = match answer {
            Notified::Preview { preview, warnings } => {
                warn(&warnings, output);
                return preview::print(&preview, as_json, is_recovery, output);
            }
            Notified::Outcome(notified) => notified,
        };
        warn(&notified.warnings, output);
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
        |client| client.post("/reload", None),
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
pub(super) fn with_answer<T: DeserializeOwned>(
    arguments: &Arguments,
    reach: &Reach,
    call: impl FnOnce(&Client) -> Result<Json, ClientError>,
    output: &Output,
    show: impl FnOnce(T, Json) -> Exit,
) -> Exit {
    let path = match socket(arguments, reach, output) {
        Ok(path) => path,
        Err(exit) => return exit,
    };
    let odd = |error: serde_json::Error| ClientError::Odd(error.to_string());
    let answer = call(&Client::new(&path));
    let answer = answer.and_then(|json| Ok((T::deserialize(&json).map_err(odd)?, json)));
    match answer {
        Ok((answer, json)) => show(answer, json),
        Err(error) => failed(&error, output),
    }
}

/// Prints why a request was not carried out.
fn failed(error: &ClientError, output: &Output) -> Exit {
    if let ClientError::Refused(problem) = error
        && problem.reason() == Some(Reason::NoChannel)
    {
        return send::nobody("was", output);
    }
    // The monitor may have named several problems.
    let text = printable_lines(&error.to_string());
    output.failed(ErrorDetails::new(&*text), &format!("error: {text}"));
    match error {
        ClientError::NoMonitor { .. } => {
            output.help("is `hbd run` running, and may you use its control socket?");
            Exit::Failed
        }
        ClientError::TooLong { .. } | ClientError::Unmade(_) => Exit::Wrong,
        ClientError::Refused(problem) => {
            let member = |name: &str| problem.more.get(name);
            if let Some((key, differs)) = member("key").zip(member("differs")) {
                output.detail("conflict", json!({ "key": key, "differs": differs }));
            }
            // The call or the configuration has a mistake.
            match problem.reason() {
                Some(Reason::Unavailable) | None => Exit::Failed,
                Some(_) => Exit::Wrong,
            }
        }
        _ => Exit::Failed,
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
