//! `hbd send`: sends a message and says what came of it, channel by channel.

use std::io::{self, Read as _};

use annunciator::{
    ChannelReport, Config, Engine, Notification, NotifyError, Report, Route, StorePlace,
};
use heartbeat::{
    config::{StateFile, monitor},
    control::Circumstances,
    planned, report,
};

use serde_json::json;

use super::preview;
use crate::{
    Exit,
    arguments::{Arguments, At, Send},
    output::Output,
    setup::{self, Keep},
};

/// A message on standard input longer than this is not read to its end.
const LONGEST_INPUT: u64 = 4 * 1024 * 1024;

pub(crate) fn run(arguments: &Arguments, send: &Send, output: &Output) -> Exit {
    let circumstances = match send.wording.said.circumstances() {
        Ok(circumstances) => circumstances,
        Err(why) => {
            output.error(&format!("error: {why}"));
            return Exit::Wrong;
        }
    };
    let message = match message(&send.wording.message) {
        Ok(message) => message,
        Err(error) => {
            output.error(&format!("error: standard input cannot be read: {error}"));
            return Exit::Wrong;
        }
    };
    if send.wording.said.dry_run {
        return would_send(arguments, send, &message, &circumstances, output);
    }
    let is_recovery = circumstances.is_recovery();
    let sent =
        setup::with_engine(
            arguments,
            output,
            Keep::WithMonitor,
            async |engine| match deliver(engine, send, message, circumstances, output).await {
                Ok(report) => {
                    stranger(&engine.config(), report.is_empty(), send, "were", output);
                    left(engine, &report, output);
                    let goes_on = setup::is_shared(engine);
                    print(&report, goes_on, send, is_recovery, output)
                }
                Err(error) => {
                    output.error(&format!("error: {error}"));
                    Exit::Wrong
                }
            },
        );
    sent.unwrap_or_else(|exit| exit)
}

/// A message as it was typed; `-` stands for standard input.
pub(super) fn message(typed: &str) -> io::Result<String> {
    if typed != "-" {
        return Ok(typed.to_owned());
    }
    let mut bytes = Vec::new();
    io::stdin()
        .lock()
        .take(LONGEST_INPUT)
        .read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned())
}

/// Says who would get it.
fn would_send(
    arguments: &Arguments,
    send: &Send,
    message: &str,
    circumstances: &Circumstances,
    output: &Output,
) -> Exit {
    let loaded = match setup::load(arguments, output) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    let config = &loaded.config;
    if message.trim().is_empty() {
        output.error(&format!("error: {}", NotifyError::EmptyMessage));
        return Exit::Wrong;
    }
    let names: Vec<&str> = send.channel.iter().map(String::as_str).collect();
    let route = match &send.host {
        Some(host) => Route::Host(host),
        None if send.default => Route::Defaults,
        None => Route::Channels(&names),
    };
    let now_ms = At::now().ms;
    let (severity, is_recovery) = (send.wording.severity, circumstances.is_recovery());
    match planned::preview(config, route, severity, is_recovery, now_ms) {
        Ok(preview) => {
            let is_nobody_told = preview["channels"] == json!([]);
            stranger(config, is_nobody_told, send, "would be", output);
            preview::print(&preview, send.wording.json, is_recovery, output)
        }
        Err(error) => {
            output.error(&format!("error: {error}"));
            Exit::Wrong
        }
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
        // Twice is better than never.
        let why = unkept(engine);
        output.error(&format!(
            "warning: --key has no effect beyond this call: {why}"
        ));
        circumstances.key = circumstances.key.filter(|_| engine.store().is_some());
    }
    let notification = Notification::new(message).severity(send.wording.severity);
    let mut notification = circumstances.of(notification);
    if let Some(title) = &send.wording.title {
        notification = notification.title(title);
    }
    if let Some(host) = &send.host {
        engine.notify_host(host, notification).await
    } else if send.default {
        engine.notify_default(notification).await
    } else {
        let names: Vec<&str> = send.channel.iter().map(String::as_str).collect();
        engine.notify_channels(&names, notification).await
    }
}

/// A host that is not configured has the default channels, by the
/// specification; its name may be a slip all the same.
fn stranger(config: &Config, is_nobody_told: bool, send: &Send, were: &str, output: &Output) {
    if is_nobody_told {
        return;
    }
    if let Some(host) = send
        .host
        .as_deref()
        .filter(|host| config.host(host).is_none())
    {
        output.error(&format!(
            "warning: no host `{}` is in the configuration: the default channels {were} told",
            host.escape_debug()
        ));
    }
}

/// What is not delivered yet may be delivered by somebody else.
fn left(engine: &Engine, report: &Report, output: &Output) {
    let waits = |channel: &ChannelReport| !channel.state.has_ended();
    if !report.channels().values().any(waits) {
        return;
    }
    output.error(&if setup::is_shared(engine) {
        "note: what is not delivered yet is kept where the monitor keeps its messages, and is delivered when it runs".to_owned()
    } else {
        let why = unkept(engine);
        format!("note: what is not delivered yet is not tried again: {why}")
    });
}

/// Why nothing outlives this call.
fn unkept(engine: &Engine) -> String {
    let config = engine.config();
    match (&config.delivery().store, monitor(&config).state) {
        (StorePlace::Nowhere, _) => "`delivery.store` is none".to_owned(),
        (StorePlace::Memory, _) => "`delivery.store` is in memory".to_owned(),
        (StorePlace::File(path), _) => {
            format!(
                "{} could not be opened, see `delivery.store`",
                path.display()
            )
        }
        (StorePlace::Unsaid, StateFile::File(path)) if path.exists() => {
            format!(
                "{} could not be opened, see `monitor.state`",
                path.display()
            )
        }
        (StorePlace::Unsaid, StateFile::File(path)) => format!(
            "{} is not there yet: `hbd run` makes it, see `monitor.state`",
            path.display()
        ),
        _ => "no store for deliveries is configured, see `delivery.store`".to_owned(),
    }
}

fn print(report: &Report, goes_on: bool, send: &Send, is_recovery: bool, output: &Output) -> Exit {
    if send.wording.json {
        output.json(&report::json(report, goes_on));
    } else {
        report
            .channels()
            .values()
            .for_each(|channel| line(channel, goes_on, output));
    }
    if report.is_empty() {
        output.error("error: no channel is configured for this: nobody was told\nhelp: name channels for the host, or default_notification_channels");
        return Exit::Wrong;
    }
    if report::is_well(report, is_recovery) {
        Exit::Ok
    } else {
        Exit::Failed
    }
}

/// What came of it on one channel.
pub(crate) fn line(channel: &ChannelReport, goes_on: bool, output: &Output) {
    for line in report::lines(channel, goes_on) {
        output.line(&line);
    }
}
