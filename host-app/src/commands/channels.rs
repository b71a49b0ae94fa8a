//! `hbd channels`: lists the channels, how deliveries to them go where they are
//! kept, and what ails them by what a running monitor knows.

use std::collections::BTreeMap;

use annunciator::{ChannelConfig, Config};
use serde_json::{Value as Json, json};

use super::{
    ailing::{self, Ailment},
    standing::{self, Standing},
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
    let standings = match standings(arguments, config, output) {
        Ok(standings) => standings,
        Err(exit) => return exit,
    };
    let standing = |channel: &ChannelConfig| standings.as_ref()?.get(channel.name());
    let control = heartbeat::config::monitor(config).control;
    let known = control.and_then(|path| ailing::of_channels(&path, output));
    let ailments = |channel: &ChannelConfig| {
        let ailments = known.as_ref()?.get(channel.name());
        Some(ailments.map_or(&[][..], Vec::as_slice))
    };
    if list.json {
        let channels: Vec<Json> = config
            .channels()
            .map(|channel| {
                let ailments = ailments(channel);
                let sentences = |ailments: &[Ailment]| -> Vec<String> {
                    let sentences = ailments.iter().map(Ailment::sentence);
                    sentences.map(str::to_owned).collect()
                };
                json!({
                    "name": channel.name(),
                    "type": channel.channel_type(),
                    "default": is_default(config, channel),
                    "settings": channel.settings(),
                    "disabled": channel.disabled().map(ToString::to_string),
                    "troubles": ailments.map(sentences),
                    "deliveries": standing(channel).map(Standing::json),
                })
            })
            .collect();
        output.json(&json!({ "channels": channels }));
        return Exit::Ok;
    }
    let channels = config.channels();
    let rows = channels.map(|channel| {
        let ailment = ailments(channel).and_then(<[Ailment]>::first);
        row(config, channel, standing(channel), ailment)
    });
    let rows: Vec<[String; 8]> = rows.collect();
    if standings.is_some() {
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

/// How deliveries go, where there is a store. One that cannot be read is no
/// reason not to list the channels.
fn standings<'a>(
    arguments: &Arguments,
    config: &'a Config,
    output: &Output,
) -> Result<Option<BTreeMap<&'a str, Standing>>, Exit> {
    let path = match Place::find(arguments, output)? {
        Place::File(path) if path.exists() => path,
        _ => return Ok(None),
    };
    let names = config.channels().map(ChannelConfig::name);
    let standings = Outbox::at(path).and_then(|outbox| standing::of_channels(&outbox, names));
    Ok(standings
        .inspect_err(|error| {
            let error = one_line(&error.to_string());
            output.error(&format!("warning: how deliveries go is not known: {error}"));
        })
        .ok())
}

fn is_default(config: &Config, channel: &ChannelConfig) -> bool {
    config.default_channels().contains(&channel.name())
}

fn row(
    config: &Config,
    channel: &ChannelConfig,
    standing: Option<&Standing>,
    ailment: Option<&Ailment>,
) -> [String; 8] {
    let default = if is_default(config, channel) {
        "yes"
    } else {
        ""
    };
    let complaint = ailment.map(Ailment::complaint);
    let complaint = complaint.or_else(|| standing.and_then(Standing::complaint));
    let state = match channel.disabled() {
        Some(error) => format!("disabled: {error}"),
        None => complaint.unwrap_or_else(|| "ready".to_owned()),
    };
    let [waiting, delivered, failed, last] = standing.map(Standing::cells).unwrap_or_default();
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
