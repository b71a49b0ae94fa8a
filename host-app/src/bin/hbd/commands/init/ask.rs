//! Asks questions at a terminal. They go to standard error, so that standard output has the
//! result alone.

use std::io::{self, BufRead as _, Write as _};

use clap::ValueEnum as _;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::questions::{Question, Settings, Value};
use crate::arguments::ChannelKind;

/// A terminal with somebody who answers.
#[derive(Debug, Default)]
pub(super) struct Terminal {}

impl Terminal {
    /// Asks for the channel type.
    ///
    /// # Errors
    /// Fails if there is no answer.
    pub(super) fn kind(&mut self) -> io::Result<ChannelKind> {
        let kinds = ChannelKind::value_variants();
        let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
        let text = format!("How are people notified? ({})", names.join(", "));
        loop {
            let answer = self.read(&text, Value::Text)?;
            let place = names.iter().position(|name| *name == answer);
            if let Some(place) = place {
                return Ok(kinds[place]);
            }
            eprintln!("write one of these names");
        }
    }

    /// Asks for a setting until there is an answer, unless it needs none. Returns `None` if the
    /// question does not matter after what is known.
    ///
    /// # Errors
    /// Fails if there is no answer.
    pub(super) fn answer(
        &mut self,
        question: &Question,
        known: &Settings,
    ) -> io::Result<Option<String>> {
        if !question.matters(known) {
            return Ok(None);
        }
        loop {
            let answer = self.read(question.text, question.value)?;
            if !answer.is_empty() || !question.is_needed(known) {
                return Ok(Some(answer));
            }
        }
    }

    /// Asks once.
    fn read(&mut self, text: &str, value: Value) -> io::Result<String> {
        // Before the question, after which somebody may type or paste at once.
        let hidden = (value == Value::Secret).then(Hidden::begin).transpose()?;
        let mut error = io::stderr().lock();
        error.write_all(format!("{text}: ").as_bytes())?;
        error.flush()?;
        let mut answer = String::new();
        let read = io::stdin().lock().read_line(&mut answer)?;
        if hidden.is_some() {
            writeln!(error)?;
        }
        match read {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(answer.trim().to_owned()),
        }
    }
}

/// Keeps the terminal from showing what is typed, until it is dropped.
struct Hidden(Termios);

impl Hidden {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Now, &hidden)?;
        Ok(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // A terminal that is gone shows nothing.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}
