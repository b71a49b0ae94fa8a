//! `hbd hosts`: lists the hosts and where their messages go.

use annunciator::presentable;
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
    let config = &loaded.config;
    if list.json {
        let hosts: Vec<Json> = config
            .hosts()
            .into_iter()
            .map(|(name, host)| {
                json!({
                    "name": name,
                    "channels": config.channels_for_host(name),
                    "own_channels": host.has_own_channels(),
                    "threshold_config": host.threshold_config.as_deref().map(presentable),
                    "watch": host.watch,
                    "dyndns": host.dyndns.as_deref().map(presentable),
                })
            })
            .collect();
        output.json(&json!({ "hosts": hosts, "default_channels": config.default_channels() }));
        return Exit::Ok;
    }
    let rows: Vec<[String; 4]> = config
        .hosts()
        .into_iter()
        .map(|(name, host)| {
            let channels = match config.channels_for_host(name).join(", ") {
                none if none.is_empty() => "nobody".to_owned(),
                channels => channels,
            };
            let default = if host.has_own_channels() {
                ""
            } else {
                " (default)"
            };
            [
                name.to_owned(),
                if host.watch {
                    "yes".to_owned()
                } else {
                    "no".to_owned()
                },
                host.threshold_config.as_deref().unwrap_or("").to_owned(),
                format!("{channels}{default}"),
            ]
        })
        .collect();
    output.table(["HOST", "WATCHED", "THRESHOLDS", "CHANNELS"], &rows);
    Exit::Ok
}
