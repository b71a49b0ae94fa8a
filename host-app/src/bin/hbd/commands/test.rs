//! `hbd test`: lets channels check their settings, or delivers a test message.

use annunciator::{Check, CheckStatus, Engine};
use annunciator_web::{report, test_message};

use crate::{
    Exit,
    arguments::{Arguments, Test},
    commands::send,
    output::Output,
    setup::{self, Keep},
};

pub(crate) fn run(arguments: &Arguments, test: &Test, output: &Output) -> Exit {
    let tested = setup::with_engine(arguments, output, Keep::InMemory, async |engine| {
        let all: Vec<String> = engine
            .config()
            .channels()
            .map(|channel| channel.name().to_owned())
            .collect();
        let chosen = if test.channels.is_empty() {
            &all
        } else {
            &test.channels
        };
        let names: Vec<&str> = chosen.iter().map(String::as_str).collect();
        if names.is_empty() {
            output.error("there is no channel to test");
            return Exit::Wrong;
        }
        if test.deliver {
            deliver(engine, &names, test, output).await
        } else {
            check(engine, &names, test, output).await
        }
    });
    tested.unwrap_or_else(|exit| exit)
}

async fn deliver(engine: &Engine, names: &[&str], test: &Test, output: &Output) -> Exit {
    let message = test_message("hbd", None, None);
    let report = match engine.notify_channels(names, message).await {
        Ok(report) => report,
        Err(error) => {
            output.error(&error);
            return Exit::Wrong;
        }
    };
    if test.json {
        // The store is in memory and ends with this command.
        output.json(&report::json(&report, false));
    } else {
        report
            .channels()
            .values()
            .for_each(|channel| send::line(channel, false, output));
    }
    if report.all_delivered() {
        Exit::Ok
    } else {
        Exit::Failed
    }
}

async fn check(engine: &Engine, names: &[&str], test: &Test, output: &Output) -> Exit {
    let checks = match engine.check(names).await {
        Ok(checks) => checks,
        Err(error) => {
            output.error(&error);
            return Exit::Wrong;
        }
    };
    if test.json {
        output.json(&serde_json::json!({ "checks": checks }));
    } else {
        checks.iter().for_each(|check| line(check, output));
    }
    let failed = checks
        .iter()
        .any(|check| check.status == CheckStatus::Failed);
    if failed { Exit::Failed } else { Exit::Ok }
}

fn line(check: &Check, output: &Output) {
    let verdict = match check.status {
        CheckStatus::Ok => "ok",
        CheckStatus::Failed => "failed",
        CheckStatus::Unsupported => "not checked",
    };
    let detail = if check.detail.is_empty() {
        String::new()
    } else {
        format!(": {}", check.detail)
    };
    let hint = if check.hint.is_empty() {
        String::new()
    } else {
        format!("; {}", check.hint)
    };
    output.line(&format!("{}: {verdict}{detail}{hint}", check.channel));
}
