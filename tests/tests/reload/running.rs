//! A rig, an engine on it, and what its channels write down.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use annunciator::{
    Engine, Reloaded, StartError,
    store::{DeliveryId, Query, State},
};
use annunciator_testkit::rig::Rig;
use annunciator_tests::foreign::WAIT_TIMEOUT;

/// A rig, an engine on it, and the diary of its channels.
pub(crate) struct Running {
    pub(crate) rig: Rig,
    pub(crate) engine: Engine,
}

impl Running {
    pub(crate) async fn start(yaml: &str) -> Self {
        Self::start_on(Rig::new(&["fixture-steady"]).unwrap(), yaml).await
    }

    pub(crate) async fn start_on(rig: Rig, yaml: &str) -> Self {
        let engine = rig.start(&filled(&rig, yaml)).await.unwrap();
        Self { rig, engine }
    }

    pub(crate) async fn reload(&self, yaml: &str) -> Result<Reloaded, StartError> {
        let builder = self.rig.configured(&filled(&self.rig, yaml)).unwrap();
        self.engine.reload(builder.load()?).await
    }

    /// What the channels have written down.
    pub(crate) fn notes(&self) -> Vec<String> {
        let text = fs::read_to_string(notes(&self.rig)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Waits until a channel has written down a word.
    pub(crate) async fn noted(&self, word: &str, times: usize) -> Vec<String> {
        let noted = async {
            loop {
                let notes = self.notes();
                if notes.iter().filter(|note| note.starts_with(word)).count() >= times {
                    return notes;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(WAIT_TIMEOUT, noted).await.unwrap()
    }

    /// What the channel's settings were, by the outcome's id.
    pub(crate) async fn notified(&self, channel: &str) -> String {
        let report = self.engine.notify_channels(&[channel], "hello").await;
        let report = report.unwrap();
        assert!(report.all_delivered(), "{report:?}");
        report.channels()[channel].targets[0].remote_id.clone()
    }

    pub(crate) fn gate(&self) -> PathBuf {
        gate(&self.rig)
    }
}

pub(crate) fn notes(rig: &Rig) -> PathBuf {
    rig.folder().join("notes")
}

pub(crate) fn gate(rig: &Rig) -> PathBuf {
    rig.folder().join("gate")
}

/// Puts the paths of this test into a configuration.
pub(crate) fn filled(rig: &Rig, yaml: &str) -> String {
    let text = |path: &Path| path.display().to_string();
    yaml.replace("NOTES", &text(&notes(rig)))
        .replace("GATE", &text(&gate(rig)))
}

pub(crate) fn channels(channels: &[&str]) -> String {
    let lines: String = channels.iter().map(|line| format!("  {line}\n")).collect();
    format!("notification_channels:\n{lines}")
}

pub(crate) fn sorted(mut notes: Vec<String>) -> Vec<String> {
    notes.sort();
    notes
}

/// The numbers behind a word.
pub(crate) fn numbers<'a>(notes: &'a [String], word: &str) -> Vec<&'a str> {
    notes
        .iter()
        .filter_map(|note| note.strip_prefix(word)?.strip_prefix(' '))
        .collect()
}

pub(crate) const A: &str = "a: {type: steady, text: one, token: s1, notes: NOTES}";

/// Waits until a delivery has arrived.
pub(crate) async fn delivered(engine: &Engine, delivery: DeliveryId) {
    let store = engine.store().unwrap();
    let arrived = async {
        loop {
            let records = store
                .deliveries(Query {
                    limit: 1000,
                    ..Query::default()
                })
                .await
                .unwrap();
            let mut records = records.into_iter();
            let record = records.find(|record| record.delivery == delivery).unwrap();
            if record.state.has_ended() {
                return record.state;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let state = tokio::time::timeout(WAIT_TIMEOUT, arrived).await.unwrap();
    assert_eq!(state, State::Delivered);
}
