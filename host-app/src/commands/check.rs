//! `hbd check`: says everything that is wrong with the configuration, whether there
//! is a channel for everybody, and whether it does what its route tests say.

use annunciator::{Config, PluginError, Reach};
use heartbeat::config::insist_on_tests;

use crate::{Exit, arguments::Arguments, output::Output, problems, setup};

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Exit {
    let builder = match setup::builder(arguments, output) {
        Ok(builder) => builder,
        Err(exit) => return exit,
    };
    match setup::load_from(&insist_on_tests(builder.clone()), output) {
        // It can be used, and does not what it is to do.
        Err(_) if builder.load().is_ok() => Exit::Failed,
        Err(exit) => exit,
        Ok(loaded) => {
            problems::print(&loaded.warnings, output);
            judge(&loaded.config, output)
        }
    }
}

/// Says whether somebody would be told, and by how many channels.
fn judge(config: &Config, output: &Output) -> Exit {
    let reach = config.reach();
    let is_twice = |error: &PluginError| matches!(error, PluginError::Twice { .. });
    let mut channels = config.channels();
    let twice = channels.find(|channel| channel.disabled().is_some_and(is_twice));
    if reach.is_everywhere() && reach.usable == reach.channels {
        output.line(&format!(
            "the configuration is sound: {}, {}",
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
    output.error(&format!("error: {usable}; {}", nobody(&reach)));
    if let Some(channel) = twice {
        output.error(&format!(
            "error: channel {} is offered by two plugins: neither is used",
            channel.name()
        ));
    }
    Exit::Failed
}

/// Who would reach nobody.
fn nobody(reach: &Reach) -> String {
    let hosts = (reach.unreached > 0).then(|| count(reach.unreached, "host"));
    let defaults = reach.defaults_unreached.then(|| "the defaults".to_owned());
    let who: Vec<String> = hosts.into_iter().chain(defaults).collect();
    match &*who {
        [] if reach.usable == 0 => "nobody would be told anything".to_owned(),
        [] => "no host is without one".to_owned(),
        who => format!("{} would reach nobody", who.join(" and ")),
    }
}

fn count(count: usize, what: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {what}{s}")
}
