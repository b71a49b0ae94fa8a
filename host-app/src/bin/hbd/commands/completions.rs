//! `hbd completions`: a script that teaches a shell the command line.

use clap::CommandFactory as _;
use clap_complete::{Shell, generate};

use crate::{Exit, arguments::Arguments, output::Output};

pub(crate) fn run(shell: Shell, output: &Output) -> Exit {
    let mut script = Vec::new();
    generate(shell, &mut Arguments::command(), "hbd", &mut script);
    output.line(String::from_utf8_lossy(&script).trim_end());
    Exit::Ok
}
