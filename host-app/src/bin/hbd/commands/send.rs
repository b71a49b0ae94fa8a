//! `hbd send`: sends a message and prints its outcome, channel by channel.

use std::io::{self, Read as _};

use annunciator::{
    ChannelReport, Config, Engine, Notification, NotifyError, Report, Route, StorePlace,
};
use annunciator_monitor::{MonitorConfig, StateFile};
use annunciator_web::{Circumstances, MAX_MESSAGE_LENGTH, planned, report};
use serde_json::{Value as Json, json};

use super::preview;
use crate::{
    Exit,
    arguments::{Arguments, At, Send},
    outbox::{Outbox, Place},
    output::Output,
    setup::{self, Keep},
};

pub(crate) fn run(arguments: &Arguments, send: &Send, output: &Output) -> Exit {
    let circumstances = match send.wording.said.circumstances() {
        Ok(circumstances) => circumstances,
        Err(why) => {
            output.error(&why);
            return Exit::Wrong;
        }
    };
    let message = match message(&send.wording.message, output) {
        Ok(message) => message,
        Err(exit) => return exit,
    };
    if send.wording.said.dry_run {
        return would_send(arguments, send, message, circumstances, output);
    }
    let is_recovery = circumstances.is_recovery();
    let sent =
        setup::with_engine(
            arguments,
            output,
            Keep::WithMonitor,
            async |engine| match deliver(engine, send, message, circumstances, output).await {
                Ok(report) => {
                    unknown_host_warning(&engine.config(), send, "were", output);
                    left(engine, &report, output);
                    let goes_on = setup::is_shared(engine);
                    print(&report, goes_on, send, is_recovery, output)
                }
                Err(error) => refused(&error, output),
            },
        );
    sent.unwrap_or_else(|exit| exit)
}

/// Returns the message from the command line, or from standard input if it is `-`. Prints
/// why it is invalid.
pub(super) fn message(typed: &str, output: &Output) -> Result<String, Exit> {
    let message = if typed == "-" {
        read().map_err(|error| {
            output.error(format!("standard input cannot be read: {error}"));
            Exit::Wrong
        })?
    } else {
        typed.to_owned()
    };
    if message.trim().is_empty() {
        return Err(refused(&NotifyError::EmptyMessage, output));
    }
    Ok(message)
}

fn read() -> io::Result<String> {
    let mut bytes = Vec::new();
    io::stdin()
        .lock()
        .take(MAX_MESSAGE_LENGTH as u64)
        .read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned())
}

/// Prints why the engine accepted nothing.
fn refused(error: &NotifyError, output: &Output) -> Exit {
    if report::is_wrong_call(error) {
        let conflict = report::conflict(error);
        return wrong_call(&error.to_string(), conflict.as_ref(), output);
    }
    output.error(error);
    Exit::Failed
}

/// Prints a mistake of the caller; a conflicting key has details for programs.
pub(super) fn wrong_call(sentence: &str, conflict: Option<&Json>, output: &Output) -> Exit {
    output.error(sentence);
    if let Some(conflict) = conflict {
        output.detail("conflict", conflict.clone());
    }
    Exit::Wrong
}

/// Prints that there is no channel.
pub(super) fn nobody(was: &str, output: &Output) -> Exit {
    output.error(format!(
        "no channel is configured for this: nobody {was} notified"
    ));
    output.help("name channels for the host, or default_notification_channels");
    Exit::Wrong
}

/// Prints who would be notified.
fn would_send(
    arguments: &Arguments,
    send: &Send,
    message: String,
    circumstances: Circumstances,
    output: &Output,
) -> Exit {
    let loaded = match setup::load(arguments, output) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    let config = &loaded.config;
    let names: Vec<&str> = send.channel.iter().map(String::as_str).collect();
    let route = match &send.host {
        Some(host) => Route::Host(host),
        None if send.default => Route::Defaults,
        None => Route::Channels(&names),
    };
    let now_ms = At::now().ms;
    let (severity, is_recovery) = (send.wording.severity, circumstances.is_recovery());
    if circumstances.key.is_some() {
        let notification = notification(send, message, circumstances);
        match recall(arguments, config, route, notification, output) {
            Ok(None) => {}
            Ok(Some(report)) => return repeats(&report, send, is_recovery, output),
            Err(exit) => return exit,
        }
    }
    match planned::preview(config, route, severity, is_recovery, now_ms) {
        Ok(preview) => {
            unknown_host_warning(config, send, "would be", output);
            preview::print(&preview, send.wording.json, is_recovery, output)
        }
        Err(error) => refused(&error.into(), output),
    }
}

/// Returns the earlier report of the message's key, if there is one.
fn recall(
    arguments: &Arguments,
    config: &Config,
    route: Route<'_>,
    notification: Notification,
    output: &Output,
) -> Result<Option<Report>, Exit> {
    let path = match Place::find(arguments, output)? {
        Place::File(path) if path.exists() => path,
        // `hbd send` would create the file, or continue without it: it has no keys yet.
        Place::File(_) => return Ok(None),
        Place::NotStored => {
            let why = unkept(config);
            output.warning(format!(
                "--key would have no effect beyond this call: {why}"
            ));
            return Ok(None);
        }
    };
    let outbox = match Outbox::at(path) {
        Ok(outbox) => outbox,
        Err(error) => {
            output.warning(format!(
                "whether the key was used before is not known: {error}"
            ));
            return Ok(None);
        }
    };
    let recalled = outbox.recall(config, route, notification);
    recalled.map_err(|error| refused(&error, output))
}

/// Prints that the message would be a repetition, with the outcome of the first one.
fn repeats(report: &Report, send: &Send, is_recovery: bool, output: &Output) -> Exit {
    // Other processes deliver from the store that has it.
    let goes_on = true;
    if send.wording.json {
        output.json(&json!({ "repeats": report::json(report, goes_on) }));
    } else {
        let channels = report.channels().values();
        channels.for_each(|channel| line(channel, goes_on, output));
        output.line(preview::REPEATED);
    }
    if report::is_well(report, is_recovery) {
        Exit::Ok
    } else {
        Exit::Failed
    }
}

/// Converts the arguments to the engine's type.
fn notification(send: &Send, message: String, circumstances: Circumstances) -> Notification {
    let notification = Notification::new(message).severity(send.wording.severity);
    let notification = circumstances.of(notification);
    match &send.wording.title {
        Some(title) => notification.title(title),
        None => notification,
    }
}

async fn deliver(
    engine: &Engine,
    send: &Send,
    message: String,
    mut circumstances: Circumstances,
    output: &Output,
) -> Result<Report, NotifyError> {
    if circumstances.key.is_some() && !setup::is_shared(engine) {
        // Sending twice is better than never.
        let why = unkept(&engine.config());
        output.warning(format!("--key has no effect beyond this call: {why}"));
        circumstances.key = circumstances.key.filter(|_| engine.store().is_some());
    }
    let notification = notification(send, message, circumstances);
    if let Some(host) = &send.host {
        engine.notify_host(host, notification).await
    } else if send.default {
        engine.notify_default(notification).await
    } else {
        let names: Vec<&str> = send.channel.iter().map(String::as_str).collect();
        engine.notify_channels(&names, notification).await
    }
}

fn unknown_host_warning(config: &Config, send: &Send, were: &str, output: &Output) {
    let host = send.host.as_deref();
    if let Some(warning) = host.and_then(|host| report::unknown_host_warning(config, host, were)) {
        output.warning(&warning);
    }
}

/// Prints what happens to open deliveries: another process may deliver them.
fn left(engine: &Engine, report: &Report, output: &Output) {
    let waits = |channel: &ChannelReport| !channel.state.has_ended();
    if !report.channels().values().any(waits) {
        return;
    }
    output.note(if setup::is_shared(engine) {
        "what is not delivered yet is stored where the monitor stores its deliveries, and is delivered when it runs".to_owned()
    } else {
        let why = unkept(&engine.config());
        format!("what is not delivered yet is not tried again: {why}")
    });
}

/// Returns why no record survives this call.
fn unkept(config: &Config) -> String {
    match (&config.delivery().store, MonitorConfig::of(config).state) {
        (StorePlace::NotStored, _) => "`delivery.store` is none".to_owned(),
        (StorePlace::Memory, _) => "`delivery.store` is in memory".to_owned(),
        (StorePlace::File(path), _) => {
            format!(
                "{} could not be opened, see `delivery.store`",
                path.display()
            )
        }
        (StorePlace::Unset, StateFile::File(path)) if path.exists() => {
            format!(
                "{} could not be opened, see `monitor.state`",
                path.display()
            )
        }
        (StorePlace::Unset, StateFile::File(path)) => format!(
            "{} does not exist yet: `hbd run` creates it, see `monitor.state`",
            path.display()
        ),
        _ => "no store for deliveries is configured, see `delivery.store`".to_owned(),
    }
}

fn print(report: &Report, goes_on: bool, send: &Send, is_recovery: bool, output: &Output) -> Exit {
    if report.is_empty() {
        return nobody("was", output);
    }
    if send.wording.json {
        output.json(&report::json(report, goes_on));
    } else {
        report
            .channels()
            .values()
            .for_each(|channel| line(channel, goes_on, output));
    }
    if report::is_well(report, is_recovery) {
        Exit::Ok
    } else {
        Exit::Failed
    }
}

/// Prints the outcome of one channel.
pub(crate) fn line(channel: &ChannelReport, goes_on: bool, output: &Output) {
    for line in report::lines(channel, goes_on) {
        output.line(&line);
    }
}
