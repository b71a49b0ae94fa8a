//! `hbd channels`: lists the channels.

use annunciator::ChannelConfig;
use serde_json::{Value as Json, json};

use crate::{
    Exit,
    arguments::{Arguments, List},
    output::Output,
    setup,
};

pub(crate) fn run(arguments: &Arguments, list: &List, output: &Output) -> Exit {
    let loaded = match setup::load(arguments, output) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    let defaults = loaded.config.default_channels();
    let is_default = |channel: &ChannelConfig| defaults.contains(&channel.name());
    if list.json {
        let channels: Vec<Json> = loaded
            .config
            .channels()
            .map(|channel| {
                json!({
                    "name": channel.name(),
                    "type": channel.channel_type(),
                    "default": is_default(channel),
                    "settings": channel.settings(),
                    "disabled": channel.disabled().map(ToString::to_string),
                })
            })
            .collect();
        output.json(&json!({ "channels": channels }));
        return Exit::Ok;
    }
    let rows: Vec<[String; 4]> = loaded
        .config
        .channels()
        .map(|channel| {
            [
                channel.name().to_owned(),
                channel.channel_type().to_owned(),
                if is_default(channel) {
                    "yes".to_owned()
                } else {
                    String::new()
                },
                channel
                    .disabled()
                    .map_or_else(|| "ready".to_owned(), |error| format!("disabled: {error}")),
            ]
        })
        .collect();
    output.table(["CHANNEL", "TYPE", "DEFAULT", "STATE"], &rows);
    Exit::Ok
}
