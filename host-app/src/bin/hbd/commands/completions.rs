//! `hbd completions`: prints a script that completes the command line in a shell.

use clap::CommandFactory as _;
use clap_complete::{Shell, generate};

use crate::{Exit, arguments::Arguments, output::Output};

pub(crate) fn run(shell: Shell, output: &Output) -> Exit {
    let mut script = Vec::new();
    generate(shell, &mut Arguments::command(), "hbd", &mut script);
    output.line(String::from_utf8_lossy(&script).trim_end());
    Exit::Ok
}
