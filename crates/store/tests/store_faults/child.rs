//! Another process: this test binary once more, with a part to play that an
//! environment variable names. It says on its standard error, line by line,
//! what it has done, and goes on when it is told to on its standard input.

use std::{
    env,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, Stdio},
};

use super::{disk, killed, owners, several};

const PART: &str = "STORE_FAULTS_PART";
const FILE: &str = "STORE_FAULTS_FILE";

/// Not a test of its own: what a child does.
#[test]
fn a_part() {
    let (Ok(part), Ok(file)) = (env::var(PART), env::var(FILE)) else {
        return;
    };
    let file = PathBuf::from(file);
    match part.as_str() {
        "hold" => owners::hold(&file),
        "work" => killed::work(&file),
        "claim" => several::claim_all(&file),
        "open" => several::open_again_and_again(&file),
        "limit" => disk::limit(&file),
        "fill" => disk::fill(&file),
        other => panic!("no such part: {other}"),
    }
}

/// A child says something, whole: also when several threads do.
pub fn say(line: &str) {
    io::stderr()
        .write_all(format!("{line}\n").as_bytes())
        .unwrap();
}

/// A child waits until it may go on.
pub fn wait() {
    io::stdin().read_line(&mut String::new()).unwrap();
}

/// Another process; it is killed when this is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    said: BufReader<ChildStderr>,
}

impl Process {
    /// Starts one with this part over this file.
    pub fn start(part: &str, file: &Path) -> Self {
        Self::start_behind(&[], part, file)
    }

    /// The same behind a command that ends by running what follows it.
    pub fn start_behind(command: &[&str], part: &str, file: &Path) -> Self {
        let own = env::current_exe().unwrap();
        let own = own.to_str().unwrap();
        let words = [own, "--exact", "child::a_part", "--nocapture"];
        let mut words = command.iter().copied().chain(words);
        let mut child = Command::new(words.next().unwrap())
            .args(words)
            .env(PART, part)
            .env(FILE, file)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stderr.take().unwrap());
        Self { child, said }
    }

    /// The next line that it says; `None` when it says no more.
    pub fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        line.strip_suffix('\n').map(str::to_owned)
    }

    /// Lets it go on.
    pub fn go_on(&mut self) {
        let mut input = self.child.stdin.as_ref().unwrap();
        input.write_all(b"\n").unwrap();
    }

    /// Kills it with SIGKILL and waits until it is gone. Answers the whole
    /// lines that it said and nobody read.
    pub fn kill(&mut self) -> Vec<String> {
        let _ = self.child.kill();
        self.child.wait().unwrap();
        self.rest()
    }

    /// Waits until it ends by itself; answers the lines that nobody read.
    pub fn end(&mut self) -> Vec<String> {
        let rest = self.rest();
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}: {rest:#?}");
        rest
    }

    fn rest(&mut self) -> Vec<String> {
        let mut rest = Vec::new();
        self.said.read_to_end(&mut rest).unwrap();
        let text = String::from_utf8(rest).unwrap();
        let whole = text.split_inclusive('\n');
        whole
            .filter_map(|line| line.strip_suffix('\n'))
            .map(str::to_owned)
            .collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
