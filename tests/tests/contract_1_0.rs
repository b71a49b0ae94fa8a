//! The promise with the real 1.0: plugins that were built from the sources of then
//! work in this engine, and those of today work in a host of then.
//!
//! With `ANNUNCIATOR_FULL=1` all shipped plugins are built, else one.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use annunciator::{Catalog, Engine, Isolation, PluginDir, Proof, Severity};
use annunciator_testkit::{
    artefacts::{self, plugin},
    effort::is_full,
    ensemble::Ensemble,
    mattermost::HOOK,
    rig::worker,
};
use annunciator_tests::frozen::{Frozen, build};

fn packages() -> Vec<&'static str> {
    let all = [
        "annunciator-mattermost",
        "annunciator-email",
        "annunciator-exec",
        "annunciator-pushover",
        "annunciator-signal",
        "annunciator-webhook",
    ];
    if is_full() {
        all.to_vec()
    } else {
        vec![all[0]]
    }
}

fn frozen() -> &'static Frozen {
    static FROZEN: OnceLock<Frozen> = OnceLock::new();
    FROZEN.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("museum");
        build(&folder, &packages()).unwrap()
    })
}

/// A folder with the plugins of then, and a configuration of channels of theirs
/// before services that are there.
fn home(services: &Ensemble) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    for package in packages() {
        let from = frozen().plugin(package);
        let name = from.file_name().unwrap().to_owned();
        artefacts::copy(from, folder.path().join(name)).unwrap();
    }
    let known: Vec<&str> = packages()
        .into_iter()
        .map(|package| package.trim_start_matches("annunciator-"))
        .collect();
    let program = folder.path().join("tell");
    artefacts::write_program(&program, "#!/bin/sh\nexec cat >/dev/null\n").unwrap();
    let more = format!(
        "  tell: {{type: exec, program: '{}'}}
  hook: {{type: webhook, url: '{}/hooks/{HOOK}', body: '{{\"text\": {{{{ text }}}}}}'}}\n",
        program.display(),
        services.mattermost.url(),
    );
    let all: serde_json::Value = serde_yaml::from_str(&(services.channels() + &more)).unwrap();
    let channels = all["notification_channels"].as_object().unwrap().iter();
    let channels: serde_json::Map<_, _> = channels
        .filter(|(_, channel)| known.contains(&channel["type"].as_str().unwrap()))
        .map(|(name, channel)| (name.clone(), channel.clone()))
        .collect();
    assert_eq!(channels.len(), known.len(), "{channels:?}");
    let names: Vec<&String> = channels.keys().collect();
    let yaml = serde_json::json!({
        "default_notification_channels": names,
        "notification_channels": channels,
    });
    let file = folder.path().join("heartbeat.yaml");
    fs::write(&file, yaml.to_string()).unwrap();
    (folder, file)
}

#[test]
#[ignore = "builds projects of its own: cargo test -- --include-ignored"]
fn a_plugin_of_then_is_of_1_0_and_offered_here() {
    let folder = tempfile::tempdir().unwrap();
    for package in packages() {
        let path = frozen().plugin(package);
        let note = annunciator::inspect(&path).unwrap().unwrap().note;
        assert_eq!((note.abi_major, note.abi_minor), (1, 0), "{package}");
        assert_eq!(note.sdk, "1.0.0");
        artefacts::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    let catalog = Catalog::scan(&[PluginDir::named(folder.path())]);
    assert!(catalog.rejected().is_empty(), "{:?}", catalog.rejected());
    for package in packages() {
        let name = package.trim_start_matches("annunciator-");
        assert_eq!(catalog.describe(name).unwrap().name, name);
    }
}

async fn delivers(isolation: Isolation) {
    let services = Ensemble::start().await.unwrap();
    let (folder, file) = home(&services);
    let engine = Engine::builder(&file)
        .plugin_dir(folder.path())
        .worker(worker().unwrap())
        .default_isolation(isolation)
        .start()
        .await
        .unwrap();
    for channel in engine.config().channels() {
        for severity in Severity::ALL {
            assert_eq!(channel.proofs().of(severity), Proof::Accepted);
        }
        assert!(channel.proofs().hints().is_empty());
    }
    let report = engine.notify_default("from then").await.unwrap();
    assert_eq!(report.channels().len(), packages().len());
    assert!(report.all_delivered(), "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "builds projects of its own: cargo test -- --include-ignored"]
async fn a_plugin_of_then_delivers_here_and_says_accepted_only() {
    delivers(Isolation::None).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "builds projects of its own: cargo test -- --include-ignored"]
async fn a_plugin_of_then_delivers_in_a_process_of_its_own() {
    delivers(Isolation::Process).await;
}

/// Runs the host of then on a plugin of today.
fn host_of_then(path: &Path, channel_type: &str, settings: &str, answer: &str) -> Vec<String> {
    let note = annunciator::inspect(path).unwrap().unwrap().note;
    let output = Command::new(&frozen().host)
        .arg(path)
        .arg(note.abi_minor.to_string())
        .arg(note.needs_host_minor.to_string())
        .args([channel_type, settings, answer])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{error}");
    said.lines().map(str::to_owned).collect()
}

#[test]
#[ignore = "builds projects of its own: cargo test -- --include-ignored"]
fn a_plugin_of_today_delivers_in_a_host_of_then() {
    let steady = plugin("fixture-steady").unwrap();
    assert_eq!(
        host_of_then(
            &steady,
            "steady",
            r#"{"text": "hi", "proves": "acknowledged"}"#,
            ""
        ),
        [
            "host 1.0",
            "verdict AsNewOrNewer",
            "problems 0",
            "outcome delivered"
        ]
    );
    let mattermost = plugin("annunciator-mattermost").unwrap();
    let settings = r#"{"host": "https://chat.example", "token": "h1", "channel": "ops"}"#;
    assert_eq!(
        host_of_then(&mattermost, "mattermost", settings, "ok"),
        [
            "host 1.0",
            "verdict AsNewOrNewer",
            // The token looks unusual.
            "problems 1",
            "POST https://chat.example/hooks/h1",
            "outcome delivered"
        ]
    );
}
