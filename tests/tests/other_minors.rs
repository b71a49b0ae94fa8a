//! The promise: a plugin for 1.x loads in every host of 1.y, y ≥ x; a newer
//! one loads in an older host, or is refused in one sentence.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use annunciator::{Catalog, Engine, PluginDir};
use annunciator_core::{
    load::LOADER_SYMBOL,
    note::{NOTE_LIMIT, NOTE_OWNER, NOTE_SECTION, NOTE_TYPE},
    version::AbiVersion,
};
use annunciator_testkit::artefacts::{self, plugin};
use annunciator_tests::{
    altered::altered_copy,
    museum::{Museum, build, grown},
};

fn museum() -> &'static Museum {
    static MUSEUM: OnceLock<Museum> = OnceLock::new();
    MUSEUM.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("museum");
        build(&folder).unwrap()
    })
}

/// Runs the newer host on a plugin; answers its lines.
fn newer_host(direction: &str, plugin: &Path) -> Vec<String> {
    let output = Command::new(&museum().newer_host)
        .arg(direction)
        .arg(plugin)
        .output()
        .unwrap();
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}

fn older_plugin() -> PathBuf {
    plugin("fixture-steady").unwrap()
}

/// Shown in every run, since building them takes a minute.
#[test]
fn the_sources_of_the_next_minor_can_be_made() {
    grown().unwrap();
}

#[test]
#[ignore = "builds projects of its own: cargo test -- --include-ignored"]
fn the_artefacts_are_not_the_same_file() {
    let (older, newer) = (
        fs::read(older_plugin()).unwrap(),
        fs::read(&museum().newer_plugin).unwrap(),
    );
    assert_ne!(older, newer);
    let catalog = |plugin: &Path| {
        let note = annunciator::inspect(plugin).unwrap().unwrap().note;
        (note.abi_major, note.abi_minor)
    };
    assert_eq!(catalog(&older_plugin()), (1, 1));
    assert_eq!(catalog(&museum().newer_plugin), (1, 2));
}

#[test]
#[ignore = "builds projects of its own: cargo test -- --include-ignored"]
fn an_older_plugin_works_in_a_newer_host() {
    let lines = newer_host("older", &older_plugin());
    assert_eq!(lines[0], "host 1.2");
    assert!(lines[1].contains("\"abi_minor\":1"), "{lines:?}");
    // Neither the field nor the method is there: the host's own defaults run.
    assert_eq!(
        lines[2..],
        ["extra None", "receipt 7", "delivered 1 from the museum"]
    );
}

#[test]
#[ignore = "builds projects of its own: cargo test -- --include-ignored"]
fn the_check_in_the_wrong_direction_would_refuse_it() {
    let lines = newer_host("newer", &older_plugin());
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines[1].starts_with("refused: its types are laid out differently"),
        "{lines:?}"
    );
}

#[test]
#[ignore = "builds projects of its own: cargo test -- --include-ignored"]
fn a_plugin_of_the_same_minor_uses_what_is_new() {
    let lines = newer_host("newer", &museum().newer_plugin);
    assert_eq!(
        lines[2..],
        [
            "extra Some(42)",
            "receipt 8",
            "delivered 1 from the museum, sunny"
        ]
    );
}

/// The names in the blocks of a layout that begin like this.
fn functions<'a>(layout: &'a str, block: &str) -> Vec<&'a str> {
    let blocks = layout.split("\n\n").filter(|text| text.starts_with(block));
    let lines = blocks.flat_map(|text| text.lines().skip(1));
    let names = lines.filter_map(|line| line.trim().split(':').next());
    names.filter(|name| !name.starts_with('_')).collect()
}

#[test]
#[ignore = "builds projects of its own: cargo test -- --include-ignored"]
fn the_document_names_all_that_a_plugin_without_the_sdk_needs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap();
    let document = read("docs/contract.md");
    let AbiVersion { major, minor } = AbiVersion::CURRENT;
    let layout = format!("crates/core/tests/layout-{major}.{minor}.txt");
    let mut wanted: Vec<String> = vec![
        format!("This is contract {major}.{minor}."),
        format!("`{}`", LOADER_SYMBOL.trim_end_matches('\0')),
        format!("`{NOTE_SECTION}`"),
        format!(
            "owner `{}`",
            std::str::from_utf8(&NOTE_OWNER[..11]).unwrap()
        ),
        format!("type {NOTE_TYPE}"),
        format!("{} KiB", NOTE_LIMIT / 1024),
        format!("`{layout}`"),
        "`tests/fixtures/raw/src/lib.rs`".to_owned(),
    ];
    let layout = read(&layout);
    let tables = ["PluginModule ", "VTable "].map(|table| functions(&layout, table));
    let note = annunciator::inspect(&older_plugin()).unwrap().unwrap().note;
    let note = serde_json::to_value(note).unwrap();
    let fields = note.as_object().unwrap().keys().map(String::as_str);
    let names: Vec<&str> = tables.iter().flatten().copied().chain(fields).collect();
    assert!(
        names.contains(&"kv_put") && names.contains(&"close"),
        "{names:?}"
    );
    wanted.extend(names.into_iter().map(|name| format!("`{name}")));
    let missing: Vec<&String> = wanted
        .iter()
        .filter(|text| !document.contains(*text))
        .collect();
    assert!(missing.is_empty(), "docs/contract.md names no {missing:?}");
    // And what is named is so: the fixture is loaded by other tests.
    let raw = read("tests/fixtures/raw/src/lib.rs");
    assert!(!raw.contains("annunciator_sdk"));
    assert!(raw.contains(LOADER_SYMBOL.trim_end_matches('\0')));
    assert!(raw.contains(NOTE_SECTION));
}

async fn engine_with(plugin: &Path) -> (tempfile::TempDir, Engine) {
    let folder = tempfile::tempdir().unwrap();
    artefacts::copy(plugin, folder.path().join("libsteady.so")).unwrap();
    let file = folder.path().join("heartbeat.yaml");
    fs::write(&file, "notification_channels: {s: {type: steady, text: hi}}\ndefault_notification_channels: [s]\n").unwrap();
    let engine = Engine::builder(file)
        .plugin_dir(folder.path())
        .start()
        .await
        .unwrap();
    (folder, engine)
}

#[tokio::test]
#[ignore = "builds projects of its own: cargo test -- --include-ignored"]
async fn a_newer_plugin_works_in_this_host_and_its_new_service_is_unsupported() {
    let (_folder, engine) = engine_with(&museum().newer_plugin).await;
    let report = engine.notify_default("hello").await.unwrap();
    let target = &report.channels()["s"].targets[0];
    assert_eq!(
        target.remote_id, "hi, this host does not offer the weather",
        "{target}"
    );
}

#[tokio::test]
#[ignore = "builds projects of its own: cargo test -- --include-ignored"]
async fn a_newer_plugin_that_needs_its_host_to_be_newer_is_refused_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let change = ("\"needs_host_minor\":0", "\"needs_host_minor\":2");
    altered_copy(
        &museum().newer_plugin,
        &folder.path().join("libsteady.so"),
        &[change],
    )
    .unwrap();
    let catalog = Catalog::scan(&[PluginDir::named(folder.path())]);
    assert_eq!(
        catalog.rejected()[0].to_string(),
        "plugin libsteady.so (fixture-steady 0.1.0) needs plugin ABI 1.2, this host offers 1.1: use a host \
         that offers 1.2, or a version of fixture-steady that was built for ABI 1.1"
    );
}

#[tokio::test]
#[ignore = "builds projects of its own: cargo test -- --include-ignored"]
async fn three_plugins_of_different_builds_live_in_one_process() {
    let (_a, older) = engine_with(&older_plugin()).await;
    let (_b, newer) = engine_with(&museum().newer_plugin).await;
    let (_c, again) = engine_with(&older_plugin()).await;
    for (engine, id) in [
        (older, "hi"),
        (newer, "hi, this host does not offer the weather"),
        (again, "hi"),
    ] {
        let report = engine.notify_default("hello").await.unwrap();
        assert_eq!(report.channels()["s"].targets[0].remote_id, id);
    }
}

#[test]
#[ignore = "builds projects of its own: cargo test -- --include-ignored"]
fn the_engine_judges_an_older_plugin_by_the_swapped_check() {
    let folder = tempfile::tempdir().unwrap();
    artefacts::copy(older_plugin(), folder.path().join("libsteady.so")).unwrap();
    let newer = AbiVersion { major: 1, minor: 2 };
    let catalog = Catalog::scan_for(newer, &[PluginDir::named(folder.path())]);
    assert_eq!(catalog.describe("steady").unwrap().name, "steady");
}
