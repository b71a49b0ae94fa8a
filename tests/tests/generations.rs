//! A plugin that is exchanged a hundred times while the engine runs. Alone in its
//! process, since it counts what the whole process has.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::{fs, path::Path, process::Command, time::Duration};

use annunciator_testkit::{artefacts::plugin, rig::Rig};
use annunciator_tests::{altered::altered_copy, foreign::WAIT_TIMEOUT};

const YAML: &str = "notification_channels: {a: {type: steady, delivery: {isolation: none}}}\ndefault_notification_channels: [a]\n";
const GENERATIONS: usize = 100;
/// Besides its file, which stays in memory as it is: what the dynamic loader makes
/// of it, and the channel types that it describes.
const MAX_OVERHEAD: u64 = 2 * 1024 * 1024;

fn count(what: &str) -> usize {
    fs::read_dir(format!("/proc/self/{what}")).unwrap().count()
}

/// Resident memory in bytes.
fn memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: u64 = line
        .unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap();
    kib * 1024
}

/// The plugin without what debuggers want, as it is shipped.
fn stripped(to: &Path) {
    let original = plugin("fixture-steady").unwrap();
    let mut strip = Command::new("strip");
    let status = strip.arg("-o").arg(to).arg(original).status().unwrap();
    assert!(status.success());
}

#[tokio::test]
async fn each_generation_serves_and_costs_no_more_than_its_file() {
    let rig = Rig::new(&[]).unwrap();
    let original = rig.folder().join("original.so");
    stripped(&original);
    let file = rig.plugins().join("libsteady.so");
    let exchange = |number: usize| {
        let fresh = rig.folder().join("fresh.so");
        let summary = format!("Delivers nothing, {number:08}.");
        let change = ("Delivers nothing, reliably.", summary.as_str());
        altered_copy(&original, &fresh, &[change]).unwrap();
        fs::rename(&fresh, &file).unwrap();
    };
    exchange(0);
    let engine = rig.start(YAML).await.unwrap();
    let (mut before, mut first) = (None, 0);
    for number in 1..=GENERATIONS {
        exchange(number);
        let loaded = rig.configured(YAML).unwrap().load().unwrap();
        let reloaded = engine.reload(loaded).await.unwrap();
        assert_eq!(reloaded.opened, ["a"]);
        let summary = engine.catalog().describe("steady").unwrap().summary;
        assert!(summary.contains(&format!("{number:08}")), "{summary}");
        assert!(engine.notify_default("x").await.unwrap().all_delivered());
        if number == 10 {
            (before, first) = (Some((count("task"), count("fd"))), memory());
        }
    }
    let (threads, descriptors) = before.unwrap();
    // The engine keeps two threads for plugins, of which the second may begin later.
    let threads = threads + 1;
    // One for each: the dynamic loader knows a library by its path.
    let descriptors = descriptors + GENERATIONS - 10;
    let settled = async {
        while count("task") > threads || count("fd") > descriptors {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let settled = tokio::time::timeout(WAIT_TIMEOUT, settled).await;
    assert!(settled.is_ok(), "{:?}", (count("task"), count("fd")));
    let each = memory().saturating_sub(first) / (GENERATIONS as u64 - 10);
    let size = fs::metadata(&file).unwrap().len();
    println!("a generation of {size} bytes takes {each} bytes of memory");
    assert!(each < size + MAX_OVERHEAD, "{each} bytes each");
    // The same bytes once more are not a generation.
    let loaded = rig.configured(YAML).unwrap().load().unwrap();
    assert_eq!(engine.reload(loaded).await.unwrap().kept, ["a"]);
    // And there is an end to it.
    let mut refusals = 0;
    for number in GENERATIONS + 1..GENERATIONS + 40 {
        exchange(number);
        let loaded = rig.configured(YAML).unwrap().load().unwrap();
        refusals += usize::from(loaded.warnings.to_string().contains("restart the program"));
        let _ = engine.reload(loaded).await.unwrap();
        assert!(engine.notify_default("x").await.unwrap().all_delivered());
    }
    assert!(refusals > 0, "each of them stays in memory");
}
