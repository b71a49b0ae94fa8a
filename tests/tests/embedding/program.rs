//! A program that embeds the engine, with a configuration of its own.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Output, Stdio},
};

use annunciator_testkit::rig::Rig;

/// A program's folder: its configuration, and what it writes down.
pub struct Home {
    pub rig: Rig,
}

impl Home {
    /// With a channel of this definition, which is the default.
    pub fn new(channel: &str) -> Self {
        let rig = Rig::new(&["fixture-steady"]).unwrap();
        let yaml = format!(
            "plugins: {{dirs: ['{}']}}
notification_channels:
  a: {channel}
default_notification_channels: [a]
",
            rig.plugins().display()
        );
        let _ = rig.configured(&yaml).unwrap();
        Self { rig }
    }

    /// A program in it, with nothing in its environment.
    pub fn program(&self, path: &str) -> Command {
        let mut program = Command::new(path);
        program
            .env_clear()
            .current_dir(self.rig.folder())
            .stdin(Stdio::null());
        program
    }

    /// Runs the program that embeds wrongly to its end.
    pub fn run(&self, shape: &str) -> Output {
        self.shaped(shape).output().unwrap()
    }

    /// The program that embeds wrongly.
    pub fn shaped(&self, shape: &str) -> Command {
        fs::write(self.path("shape"), shape).unwrap();
        self.program(env!("CARGO_BIN_EXE_embed_wrongly"))
    }

    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.rig.folder().join(name)
    }

    /// How many processes of it there were.
    pub fn processes(&self) -> usize {
        let text = fs::read_to_string(self.path("processes")).unwrap();
        text.lines().collect::<BTreeSet<_>>().len()
    }
}

/// What a file holds.
pub fn text(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path).unwrap()
}
