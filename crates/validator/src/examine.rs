//! An examination, which runs every check of a level.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use annunciator::standalone::Standalone;
use futures_util::stream::{self, StreamExt as _};

use crate::{
    checks::{Check, LIST, Level},
    child::{self, Verdict},
    report::{Outcome, Report, Result},
    subject::{Channel, Subject, canary},
    waiver::Waivers,
};

/// The number of checks that run at once. They measure threads and memory of their own processes,
/// so that they do not disturb each other.
const AT_ONCE: usize = 2;

/// The subject of an examination, and its options.
#[derive(Debug, Clone)]
pub struct Examination {
    /// The plugin's file.
    pub path: PathBuf,
    /// What is required of the plugin.
    pub level: Level,
    /// The settings to use; for a type without settings, those of its example.
    pub channels: Vec<Channel>,
    /// Whether a plugin that reaches its remote by itself may deliver there.
    pub live: bool,
    /// The seed of everything random.
    pub seed: u64,
    /// The author's exceptions.
    pub waivers: Waivers,
}

/// Examines a plugin. Has to be called in a runtime.
pub async fn examine(examination: Examination) -> Report {
    let subject = Subject {
        channels: channels(&examination).await,
        path: examination.path.clone(),
        seed: examination.seed,
        live: examination.live,
        success: examination.waivers.success(),
    };
    let asked = LIST.iter().filter(|check| check.level <= examination.level);
    let asked: Vec<&Check> = asked.collect();
    let mut results: Vec<Result> = Vec::new();
    // A check that needs another one runs after it.
    for wave in asked.chunk_by(|one, next| one.needs == next.needs) {
        let failed = |name: &&&str| {
            let mut known = results.iter();
            known.any(|result| result.check.name == **name && !holds(&result.outcome))
        };
        let missing = wave
            .first()
            .and_then(|check| check.needs.iter().find(failed));
        let missing = missing.copied();
        let made = stream::iter(wave).map(|check| async {
            match missing {
                Some(needed) => Result {
                    check,
                    outcome: Outcome::Skipped(format!("needs {needed}")),
                    took: Duration::ZERO,
                },
                None => one(check, &subject, &examination.waivers).await,
            }
        });
        // A real server may serve one request at a time.
        let at_once = if examination.live { 1 } else { AT_ONCE };
        let made: Vec<_> = made.buffered(at_once).collect().await;
        results.extend(made);
    }
    Report {
        results,
        path: examination.path,
        level: examination.level,
        seed: examination.seed,
    }
}

/// Returns whether the checks that need this one may run.
fn holds(outcome: &Outcome) -> bool {
    !matches!(outcome, Outcome::Failed(_))
}

async fn one(check: &'static Check, subject: &Subject, waivers: &Waivers) -> Result {
    let began = Instant::now();
    let verdict = child::check(check.name, subject).await;
    let outcome = match (verdict, waivers.of(check.name)) {
        (Verdict::Passed, _) => Outcome::Passed,
        (Verdict::Skipped(why), _) => Outcome::Skipped(why),
        (Verdict::Failed(_), Some(waiver)) => Outcome::Waived(waiver.reason.clone()),
        (Verdict::Failed(why), None) => Outcome::Failed(why),
    };
    Result {
        check,
        outcome,
        took: began.elapsed(),
    }
}

/// Returns the given settings, and for the other types those of their examples. They are read in
/// a worker: whatever the plugin does, the examination goes on.
async fn channels(examination: &Examination) -> Vec<Channel> {
    let path = examination.path.clone();
    let loading = tokio::task::spawn_blocking(move || {
        let worker = annunciator::worker::WorkerProgram::this();
        let standalone = Standalone::load(&path, Some(&worker)).ok()?;
        let examples = standalone.types().filter_map(|about| {
            let settings_json = annunciator::standalone::settings(about, &about.example, canary());
            Some(Channel {
                channel_type: about.name.clone(),
                settings_json: settings_json.ok()?,
                is_example: true,
            })
        });
        Some(examples.collect::<Vec<_>>())
    });
    let examples = loading.await.ok().flatten().unwrap_or_default();
    let mut channels = examination.channels.clone();
    let named: Vec<String> = { channels.iter() }
        .map(|channel| channel.channel_type.clone())
        .collect();
    channels.extend(
        examples
            .into_iter()
            .filter(|example| !named.contains(&example.channel_type)),
    );
    channels
}
