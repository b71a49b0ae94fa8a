//! `hbd init`: writes a first configuration, with one channel and the page.
//!
//! `questions` knows what each channel type needs, `ask` asks for it at a terminal, and
//! `document` writes it down. Nothing is overwritten.

mod ask;
mod document;
mod questions;

use std::{
    fs::OpenOptions,
    io::{self, ErrorKind, IsTerminal as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf, absolute},
    sync::Arc,
};

use annunciator::{Clock as _, SystemClock, store::SqliteFile};
use annunciator_web::{Scope, Tokens};

use self::{ask::Terminal, document::Document, questions::Settings};
use super::check;
use crate::{
    Exit,
    arguments::{Arguments, ChannelKind, Init},
    output::Output,
    setup,
};

/// The file that is written by default: the first of the places where `hbd` looks.
const FILE: &str = "heartbeat.yaml";
/// The name of the token for the page.
const TOKEN: &str = "init";
/// The mode of a file with secrets, and of one without.
const MODES: (u32, u32) = (0o600, 0o644);

pub(crate) fn run(arguments: &Arguments, init: &Init, output: &Output) -> Exit {
    let file = init.file.as_ref().or(arguments.config.as_ref());
    let file = file.cloned().unwrap_or_else(|| FILE.into());
    match write(init, &file, output) {
        Ok(document) => finish(arguments, &document, &file, output),
        Err(exit) => exit,
    }
}

/// Learns what is needed, and writes the file.
fn write(init: &Init, file: &Path, output: &Output) -> Result<Document, Exit> {
    // First, so that nobody answers in vain.
    if file.symlink_metadata().is_ok() {
        return Err(exists(file, output));
    }
    let state_folder = state_folder(init, file).map_err(|error| {
        output.error(error);
        Exit::Wrong
    })?;
    let can_ask = !init.yes && io::stdin().is_terminal() && io::stderr().is_terminal();
    let terminal = can_ask.then(Terminal::default);
    let (kind, settings) = learn(init, terminal, output)?;
    let document = Document {
        kind,
        settings,
        listen: init.listen,
        state_folder,
    };
    let mode = match document.has_secrets() {
        true => MODES.0,
        false => MODES.1,
    };
    let opened = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(file);
    let written = opened.and_then(|mut opened| opened.write_all(document.text().as_bytes()));
    match written {
        Ok(()) => Ok(document),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(exists(file, output)),
        Err(error) => {
            output.error(format!("{} cannot be written: {error}", file.display()));
            Err(Exit::Wrong)
        }
    }
}

fn exists(file: &Path, output: &Output) -> Exit {
    output.error(format!("{} exists, and is not overwritten", file.display()));
    output.help("name another FILE, or check this one with `hbd check`");
    Exit::Wrong
}

/// Returns the folder of the state as an absolute path.
fn state_folder(init: &Init, file: &Path) -> Result<PathBuf, String> {
    let beside = || match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let folder = init.state_dir.clone().unwrap_or_else(beside);
    let found = absolute(&folder).ok().filter(|folder| folder.is_dir());
    let found = found.ok_or_else(|| {
        let folder = folder.display();
        format!("the folder {folder} does not exist: create it, or name another one")
    })?;
    // Without the `.` that names the current folder.
    Ok(found.components().collect())
}

/// Returns the channel type and its settings, from the options and from answers.
fn learn(
    init: &Init,
    mut terminal: Option<Terminal>,
    output: &Output,
) -> Result<(ChannelKind, Settings), Exit> {
    let mut missing = Vec::new();
    let kind = match (init.channel, &mut terminal) {
        (Some(kind), _) => kind,
        (None, Some(terminal)) => terminal.kind().map_err(|error| unasked(&error, output))?,
        (None, None) => return Err(needed(&["--channel TYPE".to_owned()], output)),
    };
    let mut settings = Settings::new();
    let mut given: Vec<&(String, String)> = init.set.iter().collect();
    for question in questions::of(kind) {
        let place = given.iter().position(|(key, _)| key == question.key);
        let value = match (place.map(|place| given.remove(place)), &mut terminal) {
            (Some((_, value)), _) => Some(value.clone()),
            (None, Some(terminal)) => terminal
                .answer(question, &settings)
                .map_err(|error| unasked(&error, output))?,
            (None, None) => {
                if question.is_needed(&settings) {
                    missing.push(format!("--set {}=VALUE", question.key));
                }
                None
            }
        };
        let value = value.filter(|value| !value.is_empty());
        settings.extend(value.map(|value| (question.key.to_owned(), value, Some(*question))));
    }
    if !missing.is_empty() {
        return Err(needed(&missing, output));
    }
    let others = given.into_iter();
    settings.extend(others.map(|(key, value)| (key.clone(), value.clone(), None)));
    Ok((kind, settings))
}

fn needed(missing: &[String], output: &Output) -> Exit {
    output.error(format!(
        "nothing can be asked here: add {}",
        missing.join(", ")
    ));
    output.help("`hbd init --help` describes the options; at a terminal, `hbd init` asks");
    Exit::Wrong
}

fn unasked(error: &io::Error, output: &Output) -> Exit {
    output.error(format!(
        "the answers cannot be read: {error}; nothing was written"
    ));
    Exit::Wrong
}

/// Checks what was written, makes a token for the page, and says what to do next.
fn finish(arguments: &Arguments, document: &Document, file: &Path, output: &Output) -> Exit {
    output.line(&format!("{} is written", file.display()));
    let typed = file.to_string_lossy();
    // No path has a NUL byte, the only reason to fail.
    let typed = shlex::try_quote(&typed).unwrap_or_default();
    let builder = setup::builder_for(arguments, file.to_owned());
    let exit = check::with(&builder, output);
    if exit != Exit::Ok {
        output.help(format!(
            "correct the file, check it with `hbd --config {typed} check`, and make a token with `hbd token add NAME --scope act`"
        ));
        return exit;
    }
    match token(&document.state_file(), output) {
        Ok(token) => output.line(&format!("token for the page: {token}")),
        Err(sentence) => {
            output.error(sentence);
            return Exit::Failed;
        }
    }
    output.note("the token is not shown again: keep it where only who needs it can read it");
    let name = document.kind.name();
    output.line(&format!(
        "next:
  hbd --config {typed} test --deliver {name}    # send a test message
  hbd --config {typed} run                      # watch hosts; the page is at http://{}/",
        document.listen
    ));
    Exit::Ok
}

/// Makes a token in the state file, as `hbd token add` does in a running monitor.
fn token(state: &Path, output: &Output) -> Result<String, String> {
    let runtime = setup::runtime(output).map_err(|_| "no token could be made".to_owned())?;
    runtime.block_on(async {
        let failed = |error: &dyn std::error::Error| format!("no token could be made: {error}");
        let file = SqliteFile::open(state, &[]).map_err(|error| failed(&error))?;
        let tokens = Tokens::open(Arc::new(file), "hbd").await;
        let tokens = tokens.map_err(|error| failed(&error))?;
        let added = tokens.add(TOKEN, Scope::Act, SystemClock.now_ms()).await;
        added.map_err(|error| failed(&error))
    })
}
