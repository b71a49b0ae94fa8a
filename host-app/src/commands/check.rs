//! `hbd check`: says everything that is wrong with the configuration, and whether
//! it does what its route tests say.

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
