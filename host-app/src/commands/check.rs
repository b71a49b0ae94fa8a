//! `hbd check`: says everything that is wrong with the configuration.

use crate::{Exit, arguments::Arguments, output::Output, problems, setup};

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Exit {
    match setup::load(arguments, output) {
        Err(exit) => exit,
        Ok(loaded) => {
            problems::print(&loaded.warnings, output);
            let (channels, hosts) = (
                loaded.config.channels().count(),
                loaded.config.hosts().len(),
            );
            let s = |count: usize| if count == 1 { "" } else { "s" };
            output.line(&format!(
                "the configuration is sound: {channels} channel{}, {hosts} host{}",
                s(channels),
                s(hosts)
            ));
            Exit::Ok
        }
    }
}
