//! `hbd channels`: lists the channels with the statistics of their deliveries, if they are
//! stored, and with the problems that a running monitor knows. The monitor takes precedence
//! over the file. It may still deliver to a channel that the file would disable, or the
//! other way round; in that case both are shown.

use std::collections::BTreeMap;

use annunciator::{ChannelConfig, Config};
use serde_json::{Value as Json, json};

use super::{
    channel_problems::{self, ChannelProblem, Seen},
    channel_statistics::{self, ChannelStatistics},
};
use crate::{
    Exit,
    arguments::{Arguments, List},
    outbox::{Outbox, Place},
    output::{Output, one_line},
    setup,
};

pub(crate) fn run(arguments: &Arguments, list: &List, output: &Output) -> Exit {
    let loaded = match setup::load(arguments, output) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    let config = &loaded.config;
    let all_statistics = match statistics(arguments, config, output) {
        Ok(statistics) => statistics,
        Err(exit) => return exit,
    };
    let statistics = |channel: &ChannelConfig| all_statistics.as_ref()?.get(channel.name());
    let control = annunciator_monitor::MonitorConfig::of(config).control;
    let known = control.and_then(|path| channel_problems::of_channels(&path, output));
    let problems = |channel: &ChannelConfig| Some(known.as_ref()?.problems(channel.name()));
    let names: Vec<&str> = config.channels().map(ChannelConfig::name).collect();
    for name in known.iter().flat_map(|known| known.beyond(&names)) {
        output.note(format!(
            "the running monitor has a channel {name}, which is not in the file any more"
        ));
    }
    if list.json {
        let channels: Vec<Json> = config
            .channels()
            .map(|channel| {
                let problems = problems(channel);
                let sentences = |problems: &[ChannelProblem]| -> Vec<String> {
                    let sentences = problems.iter().map(ChannelProblem::sentence);
                    sentences.map(str::to_owned).collect()
                };
                json!({
                    "name": channel.name(),
                    "type": channel.channel_type(),
                    "default": is_default(config, channel),
                    "settings": channel.settings(),
                    "disabled": disabled(channel, known.as_ref()),
                    "disabled_by_file": channel.disabled().map(ToString::to_string),
                    "in_monitor": known.as_ref().map(|known| known.has(channel.name())),
                    "problems": problems.map(sentences),
                    "deliveries": statistics(channel).map(ChannelStatistics::json),
                })
            })
            .collect();
        output.json(&json!({ "channels": channels }));
        return Exit::Ok;
    }
    let channels = config.channels();
    let rows = channels.map(|channel| row(config, channel, statistics(channel), known.as_ref()));
    let rows: Vec<[String; 8]> = rows.collect();
    if all_statistics.is_some() {
        let heads = [
            "CHANNEL",
            "TYPE",
            "DEFAULT",
            "WAITING",
            "DELIVERED 24H",
            "FAILED 24H",
            "LAST DELIVERED",
            "STATE",
        ];
        output.table(heads, &rows);
    } else {
        let plain = |[name, kind, default, .., state]: &[String; 8]| {
            [name, kind, default, state].map(String::clone)
        };
        let rows: Vec<[String; 4]> = rows.iter().map(plain).collect();
        output.table(["CHANNEL", "TYPE", "DEFAULT", "STATE"], &rows);
    }
    Exit::Ok
}

/// Returns the statistics if there is a store. The channels are listed even if it cannot be
/// read.
fn statistics<'a>(
    arguments: &Arguments,
    config: &'a Config,
    output: &Output,
) -> Result<Option<BTreeMap<&'a str, ChannelStatistics>>, Exit> {
    let path = match Place::find(arguments, output)? {
        Place::File(path) if path.exists() => path,
        _ => return Ok(None),
    };
    let names = config.channels().map(ChannelConfig::name);
    let statistics =
        Outbox::at(path).and_then(|outbox| channel_statistics::of_channels(&outbox, names));
    Ok(statistics
        .inspect_err(|error| {
            output.warning(format!("the state of deliveries is not known: {error}"));
        })
        .ok())
}

fn is_default(config: &Config, channel: &ChannelConfig) -> bool {
    config.default_channels().contains(&channel.name())
}

fn row(
    config: &Config,
    channel: &ChannelConfig,
    statistics: Option<&ChannelStatistics>,
    known: Option<&Seen>,
) -> [String; 8] {
    let default = if is_default(config, channel) {
        "yes"
    } else {
        ""
    };
    let state = state(channel, statistics, known);
    let [waiting, delivered, failed, last] =
        statistics.map(ChannelStatistics::cells).unwrap_or_default();
    [
        channel.name().to_owned(),
        channel.channel_type().to_owned(),
        default.to_owned(),
        waiting,
        delivered,
        failed,
        last,
        state,
    ]
}

/// Returns why the channel delivers nothing, by the running monitor, otherwise by the file.
fn disabled(channel: &ChannelConfig, known: Option<&Seen>) -> Option<String> {
    let by_file = || channel.disabled().map(ToString::to_string);
    let Some(known) = known else {
        return by_file();
    };
    let mut problems = known.problems(channel.name()).iter();
    let disabled = problems.find(|problem| problem.is_disabled());
    Some(disabled?.sentence().to_owned())
}

/// Describes the state of a channel in words: by the running monitor, followed by the
/// file's if it differs.
fn state(
    channel: &ChannelConfig,
    statistics: Option<&ChannelStatistics>,
    known: Option<&Seen>,
) -> String {
    let by_file = channel.disabled().map(|error| format!("disabled: {error}"));
    let problems = known.map(|known| known.problems(channel.name()));
    let problems = problems.unwrap_or_default();
    let complaint = problems.first().map(ChannelProblem::complaint);
    let complaint = complaint.or_else(|| statistics.and_then(ChannelStatistics::complaint));
    let goes = || complaint.unwrap_or_else(|| "ready".to_owned());
    match known.map(|known| known.has(channel.name())) {
        // No monitor answers for the channel.
        None => by_file.unwrap_or_else(goes),
        Some(false) => {
            let would = by_file.unwrap_or_else(|| "ready".to_owned());
            format!("not in the running monitor; after `hbd reload` by the file {would}")
        }
        Some(true) => {
            let disabled = problems.iter().find(|problem| problem.is_disabled());
            match (disabled, by_file, channel.disabled()) {
                // Both agree.
                (Some(problem), Some(by_file), Some(error))
                    if problem.sentence().contains(&one_line(&error.to_string())) =>
                {
                    by_file
                }
                (Some(problem), by_file, _) => {
                    let would = by_file.unwrap_or_else(|| "ready".to_owned());
                    format!(
                        "{}; after `hbd reload` by the file {would}",
                        problem.complaint()
                    )
                }
                (None, Some(by_file), _) => {
                    format!("{}; after a restart by the file {by_file}", goes())
                }
                (None, None, _) => goes(),
            }
        }
    }
}
