//! A temporary folder with a program, and a channel that runs the program.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::path::PathBuf;

use annunciator_exec::Exec;
use annunciator_sdk::Outcome;
use annunciator_sdk::testing::{FakeHost, Opened, Sample};
use annunciator_testkit::artefacts::write_program;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A temporary folder with a program.
pub struct Place {
    pub folder: TempDir,
    pub program: PathBuf,
}

impl Place {
    pub fn script(script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("tell");
        write_program(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        Self { folder, program }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Returns the settings of a channel that runs the program, with `extra` ones.
    pub fn settings(&self, extra: Value) -> Value {
        let mut settings = json!({"program": self.program, "folder": self.folder.path()});
        for (name, value) in extra.as_object().into_iter().flatten() {
            settings[name] = value.clone();
        }
        settings
    }

    pub async fn open(&self, extra: Value) -> Opened {
        FakeHost::new()
            .open::<Exec>(&self.settings(extra))
            .await
            .unwrap()
    }

    pub async fn deliver(&self, extra: Value, sample: &Sample) -> Vec<Outcome> {
        let channel = self.open(extra).await;
        let outcomes = channel.deliver(sample).await;
        channel.close().await;
        outcomes
    }

    pub async fn deliver_one(&self) -> Outcome {
        self.deliver(json!({}), &Sample::new("x")).await.remove(0)
    }
}
