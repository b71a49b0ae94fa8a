//! `hbd check`: reports every problem of the configuration, whether every host has a
//! channel, and which route tests fail.

use annunciator::{
    Config, EngineBuilder, Level, Loaded, PluginError, Reach, StorePlace, Unusable,
    store::{SqliteStore, StoreError},
};
use annunciator_monitor::{MonitorConfig, StateFile, require_route_tests};
use annunciator_web::{Tls, WebConfig};

use crate::{Exit, arguments::Arguments, output::Output, problems, setup};

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Exit {
    match setup::builder(arguments, output) {
        Ok(builder) => with(&builder, output),
        Err(exit) => exit,
    }
}

/// Checks the configuration of a builder.
pub(super) fn with(builder: &EngineBuilder, output: &Output) -> Exit {
    match setup::load_from(&require_route_tests(builder.clone()), output) {
        // Usable, but not as its route tests expect.
        Err(_) if builder.load().is_ok() => Exit::Failed,
        Err(exit) => exit,
        Ok(loaded) => {
            problems::print(&loaded.warnings, output);
            warn_of_former_keys(builder, &loaded.config, output);
            let opened = open(builder, &loaded.config, output);
            let is_kept = kept(&loaded.config, output);
            let is_kept = is_kept.and(certificate(builder, &loaded.config, output));
            match (opened, is_kept) {
                (Ok(unusable), Ok(())) => judge(&loaded, &unusable, output),
                (Err(exit), _) | (_, Err(exit)) => exit,
            }
        }
    }
}

/// Warns of `monitor.http`, whose place is taken by `web.listen`.
fn warn_of_former_keys(builder: &EngineBuilder, config: &Config, output: &Output) {
    if MonitorConfig::of(config).http.is_none() {
        return;
    }
    let place = place_of(builder, "monitor", "http");
    output.warning(format!(
        "{place}monitor.http serves `/metrics` and `/healthz` to whoever asks; `web.listen` serves them, too"
    ));
    output
        .help("let Prometheus show a token of the scope `read` at `web.listen`, and omit this key");
}

/// Checks that the certificate of `web.tls` can be used.
fn certificate(builder: &EngineBuilder, config: &Config, output: &Output) -> Result<(), Exit> {
    let Some(Err(error)) = WebConfig::of(config).tls.map(Tls::open) else {
        return Ok(());
    };
    let sentence = format!("{}web.tls: {error}", place_of(builder, "web", "tls"));
    if error.is_denied() {
        // The monitor's user may have access.
        output.warning(sentence);
        return Ok(());
    }
    output.error(sentence);
    Err(Exit::Failed)
}

/// Returns the place of a key's value in the file, to begin a sentence with.
fn place_of(builder: &EngineBuilder, section: &str, key: &str) -> String {
    let place = builder.place_of(section, key);
    place.map_or_else(String::new, |place| {
        let file = builder.file().display();
        format!("{file}:{}:{}: ", place.line, place.column)
    })
}

/// Opens the channels once, and reports those that fail.
fn open(builder: &EngineBuilder, config: &Config, output: &Output) -> Result<Vec<Unusable>, Exit> {
    let opened = setup::runtime(output)?.block_on(builder.open_once(config));
    let unusable = opened.map_err(|error| {
        for line in error.to_string().lines() {
            output.error(line);
        }
        Exit::Failed
    })?;
    let is_disabled = |channel: &str| {
        let channel = config.channel(channel);
        channel.is_some_and(|channel| channel.disabled().is_some())
    };
    for Unusable {
        channel,
        detail,
        hint,
        ..
    } in &unusable
    {
        // Problems of plugins were reported before.
        if !is_disabled(channel) {
            output.warning(format!("channel {channel} cannot be used: {detail}"));
            if !hint.is_empty() {
                output.help(hint);
            }
        }
    }
    Ok(unusable)
}

/// Checks that the existing files for deliveries and for the monitor's state are valid.
/// Changes nothing, and does not disturb a program that uses them.
fn kept(config: &Config, output: &Output) -> Result<(), Exit> {
    let delivery = match &config.delivery().store {
        StorePlace::File(path) => Some(path.clone()),
        _ => None,
    };
    let state = match MonitorConfig::of(config).state {
        StateFile::File(path) => Some(path),
        _ => None,
    };
    for path in delivery.into_iter().chain(state) {
        match SqliteStore::look(path) {
            Ok(()) => {}
            // The monitor's user may have access.
            Err(error @ StoreError::Unusable { .. }) => {
                output.warning(&error);
            }
            Err(error) => {
                output.error(&error);
                return Err(Exit::Failed);
            }
        }
    }
    Ok(())
}

/// Reports whether every host would notify somebody, and the number of channels.
fn judge(loaded: &Loaded, unusable: &[Unusable], output: &Output) -> Exit {
    let config = &loaded.config;
    let unusable: Vec<&str> = unusable.iter().map(|one| one.channel.as_str()).collect();
    let reach = config.reach_without(&unusable);
    let is_twice = |error: &PluginError| matches!(error, PluginError::Twice { .. });
    let mut channels = config.channels();
    let twice = channels.find(|channel| channel.disabled().is_some_and(is_twice));
    if reach.is_everywhere() && reach.usable == reach.channels {
        let verdict = match loaded.warnings.count(Level::Warning) {
            0 => "the configuration is sound".to_owned(),
            warnings => format!(
                "the configuration can be used, with {}",
                count(warnings, "warning")
            ),
        };
        output.line(&format!(
            "{verdict}: {}, {}",
            count(reach.channels, "channel"),
            count(reach.hosts, "host")
        ));
        return Exit::Ok;
    }
    let usable = match reach.channels {
        1 => format!("{} of 1 channel is usable", reach.usable),
        all => format!("{} of {all} channels are usable", reach.usable),
    };
    if reach.is_everywhere() && twice.is_none() {
        output.line(&format!("{usable}; {}", nobody(&reach)));
        return Exit::Ok;
    }
    output.error(format!("{usable}; {}", nobody(&reach)));
    if let Some(channel) = twice {
        output.error(format!(
            "the channel type {} is offered by two plugins: neither is used",
            channel.channel_type()
        ));
    }
    Exit::Failed
}

/// Describes whose messages would reach nobody.
fn nobody(reach: &Reach) -> String {
    let hosts = (reach.unreached > 0).then(|| count(reach.unreached, "host"));
    let defaults = reach.defaults_unreached.then(|| "the defaults".to_owned());
    let who: Vec<String> = hosts.into_iter().chain(defaults).collect();
    match &*who {
        [] if reach.usable == 0 => "nobody would be notified".to_owned(),
        [] => "every host has at least one".to_owned(),
        who => format!("{} would reach nobody", who.join(" and ")),
    }
}

fn count(count: usize, what: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {what}{s}")
}
