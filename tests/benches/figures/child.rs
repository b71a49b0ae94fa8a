//! What this executable does when a row starts it again: a process of its own
//! is measured without the benchmark around it, or takes no part in what the
//! benchmark measures.

use std::{
    env,
    io::{self, BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio},
};

use super::{config, idle, many_hosts, sink, store};

/// Tells a child what it is.
const MARK: &str = "--child";

/// Runs as a child, when the arguments say so.
pub(crate) fn run(words: &[String]) -> Option<ExitCode> {
    let [mark, what, rest @ ..] = words else {
        return None;
    };
    if mark != MARK {
        return None;
    }
    let done = match what.as_str() {
        "sink" => sink::serve(),
        "idle" => idle::embed(rest),
        "fill" => many_hosts::fill(rest),
        "restart" => many_hosts::restart(rest),
        "backlog" => store::open(rest),
        "peak" => config::peak(rest),
        _ => Err("no such child".into()),
    };
    Some(match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report_line(&format!("error {error}"));
            ExitCode::FAILURE
        }
    })
}

/// A child tells its parent one line.
pub(crate) fn report_line(line: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{}", line.replace('\n', " "));
    let _ = out.flush();
}

/// A running child; it is ended when this is dropped.
pub(crate) struct Running {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Running {
    /// Starts this executable as a child of some kind.
    pub(crate) fn start(what: &str, rest: &[&str]) -> io::Result<Self> {
        let mut child = Command::new(env::current_exe()?)
            .args([MARK, what])
            .args(rest)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let none = || io::Error::other("the child has no pipes");
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let output = BufReader::new(output.ok_or_else(none)?);
        Ok(Self {
            child,
            input,
            output,
        })
    }

    /// What the child says next.
    pub(crate) fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        match line.trim() {
            "" => Err(io::Error::other("the child ended without a word")),
            text => match text.strip_prefix("error ") {
                Some(why) => Err(io::Error::other(why.to_owned())),
                None => Ok(text.to_owned()),
            },
        }
    }

    /// Lets the child go on.
    pub(crate) fn go_on(&mut self) -> io::Result<()> {
        let input = self.input.as_mut();
        input.map_or(Ok(()), |input| input.write_all(b"\n"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
