//! Files that are not plugins, or not what they say: the host lives, the other
//! channels deliver, and one sentence names the file and the remedy.

use std::{fs, path::Path};

use annunciator::{Catalog, Fault, PluginDir};
use annunciator_testkit::{
    artefacts::{self, plugin},
    rig::Rig,
};
use annunciator_tests::altered::{altered_copy, raw_mode};

const BOTH: &str = "
notification_channels:
  good: {type: steady}
  bad: {type: raw}
default_notification_channels: [good, bad]
";

/// Puts a file into the folder, and checks that the engine starts, the good
/// channel delivers and the bad one says what it should.
async fn check(make: impl FnOnce(&Path), says: &[&str]) {
    let rig = Rig::new(&["fixture-steady"]).unwrap();
    make(rig.plugins());
    let engine = rig.start(BOTH).await.unwrap();
    let report = engine.notify_default("hello").await.unwrap();
    assert_eq!(report.results().get("good"), Some(&true));
    assert_eq!(report.results().get("bad"), Some(&false));
    let bad = &report.channels()["bad"].targets[0];
    assert_eq!(bad.fault, Fault::Plugin, "{bad}");
    for text in says {
        assert!(bad.detail.contains(text), "no `{text}` in: {}", bad.detail);
    }
    assert!(
        !bad.detail.contains('\n'),
        "more than one line: {}",
        bad.detail
    );
}

/// The same with a changed copy of the raw fixture.
async fn check_altered(changes: &[(&str, &str)], says: &[&str]) {
    let make = |folder: &Path| {
        let raw = plugin("fixture-raw").unwrap();
        altered_copy(&raw, &folder.join("libraw.so"), changes).unwrap();
    };
    check(make, says).await;
}

async fn check_mode(mode: &str, says: &[&str]) {
    let (old, new) = raw_mode(mode);
    check_altered(&[(&old, &new)], says).await;
}

/// What the catalog says about a folder with one file in it, as an operator
/// sees it who asks for the plugins.
fn rejected(make: impl FnOnce(&Path)) -> String {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path());
    let catalog = Catalog::scan(&[PluginDir::named(folder.path())]);
    assert!(catalog.files().is_empty());
    let sentences: Vec<String> = catalog.rejected().iter().map(ToString::to_string).collect();
    assert_eq!(sentences.len(), 1);
    sentences[0].replace(&folder.path().display().to_string(), "…")
}

#[test]
fn a_file_of_text() {
    let said = rejected(|folder| fs::write(folder.join("libtext.so"), "hello\n").unwrap());
    assert!(
        said.starts_with("…/libtext.so is not a plugin: it is not an ELF file"),
        "{said}"
    );
}

#[test]
fn an_empty_file() {
    let said = rejected(|folder| fs::write(folder.join("libempty.so"), "").unwrap());
    assert!(said.starts_with("…/libempty.so is not a plugin"), "{said}");
}

#[test]
fn a_truncated_file() {
    let raw = fs::read(plugin("fixture-raw").unwrap()).unwrap();
    for part in [100, raw.len() / 2, raw.len() - 64] {
        let said = rejected(|folder| fs::write(folder.join("libcut.so"), &raw[..part]).unwrap());
        assert!(said.contains("libcut.so"), "{said}");
        assert!(
            said.contains("damaged") || said.contains("no note"),
            "{said}"
        );
    }
}

#[test]
fn a_folder_with_the_name_of_a_plugin() {
    let said = rejected(|folder| fs::create_dir(folder.join("libdir.so")).unwrap());
    assert!(
        said.contains("libdir.so cannot be read: it is not a regular file"),
        "{said}"
    );
}

#[test]
fn a_library_without_a_note() {
    let said = rejected(|folder| {
        let raw = plugin("fixture-raw").unwrap();
        let change = (".note.annunciator", ".note.somethingel");
        altered_copy(&raw, &folder.join("libnonote.so"), &[change]).unwrap();
    });
    assert!(
        said.contains("…/libnonote.so is not a plugin: it carries no note"),
        "{said}"
    );
}

#[test]
fn a_note_that_is_no_json() {
    let said = rejected(|folder| {
        let raw = plugin("fixture-raw").unwrap();
        let change = ("{\"abi_major\":", "}\"abi_major\":");
        altered_copy(&raw, &folder.join("libjunk.so"), &[change]).unwrap();
    });
    assert!(
        said.contains("libjunk.so: its note cannot be read"),
        "{said}"
    );
}

#[tokio::test]
async fn a_note_of_another_major() {
    let says = [
        "plugin libraw.so (raw 0.4.2) needs plugin ABI 2.1, this host offers 1.1",
        "use a host that offers 2.1",
    ];
    check_altered(&[("\"abi_major\":1", "\"abi_major\":2")], &says).await;
}

#[tokio::test]
async fn a_newer_minor_that_needs_a_newer_host() {
    let change = ("\"needs_host_minor\":0", "\"needs_host_minor\":2");
    let says = ["plugin libraw.so (raw 0.4.2) needs plugin ABI 1.2, this host offers 1.1"];
    check_altered(&[change], &says).await;
}

#[tokio::test]
async fn a_note_whose_version_is_a_lie() {
    let folder = tempfile::tempdir().unwrap();
    let raw = plugin("fixture-raw").unwrap();
    let path = folder.path().join("libraw.so");
    altered_copy(&raw, &path, &[("\"abi_minor\":1", "\"abi_minor\":7")]).unwrap();
    // Only the note lies; the functions say the truth: undo the change there.
    let mut bytes = fs::read(&path).unwrap();
    let text = b"\"abi_minor\":7";
    let places: Vec<usize> = (0..bytes.len() - text.len())
        .filter(|at| bytes[*at..].starts_with(text))
        .collect();
    assert_eq!(places.len(), 2);
    let note = places
        .iter()
        .find(|at| {
            bytes[**at - 50..**at]
                .windows(11)
                .any(|w| w == b"Annunciator")
        })
        .unwrap();
    let other = places.iter().find(|at| *at != note).unwrap();
    bytes[other + text.len() - 1] = b'0';
    check(
        |plugins| fs::write(plugins.join("libraw.so"), &bytes).unwrap(),
        &["libraw.so: its note and its functions disagree about the ABI version"],
    )
    .await;
}

#[tokio::test]
async fn a_plugin_that_would_abort() {
    let change = ("\"panic\":\"unwind\"", "\"panic\":\"abort\" ");
    check_altered(
        &[change],
        &["libraw.so (raw 0.4.2) was built with panic = \"abort\""],
    )
    .await;
}

#[tokio::test]
async fn a_library_without_an_entry() {
    let change = ("_1as_0lib_1header_0root", "_1as_0lib_1header_0rott");
    check_altered(
        &[change],
        &["libraw.so cannot be loaded: it exports no entry for hosts"],
    )
    .await;
}

#[tokio::test]
async fn a_constructor_that_panics() {
    check_mode(
        "ctor-panic",
        &["libraw.so (raw 0.4.2)", "its constructor failed"],
    )
    .await;
}

#[tokio::test]
async fn a_plugin_that_cannot_say_its_channel_types() {
    let says = ["libraw.so failed while it was asked for its channel types: it does not feel well"];
    check_mode("types-error", &says).await;
}

#[tokio::test]
async fn channel_types_that_the_note_does_not_name() {
    check_mode(
        "types-other",
        &["its note and its functions disagree about the channel type cooked"],
    )
    .await;
}

#[tokio::test]
async fn channel_types_that_only_the_note_names() {
    check_mode(
        "types-none",
        &["its note and its functions disagree about the channel type raw"],
    )
    .await;
}

#[tokio::test]
async fn a_schema_that_is_no_json() {
    check_mode(
        "schema-no-json",
        &["libraw.so", "the schema of channel type raw is not JSON"],
    )
    .await;
}

#[tokio::test]
async fn a_schema_that_is_no_object() {
    check_mode(
        "schema-list",
        &["the schema of channel type raw is not a JSON object"],
    )
    .await;
}

#[tokio::test]
async fn a_plugin_that_hangs_while_it_is_loaded() {
    check_mode(
        "types-hang",
        &["libraw.so did not answer within 10 s while it was loaded"],
    )
    .await;
}

#[tokio::test]
async fn a_schema_that_goes_in_circles_is_left_to_the_plugin() {
    let (old, new) = raw_mode("schema-circular");
    let make = |folder: &Path| {
        let raw = plugin("fixture-raw").unwrap();
        altered_copy(&raw, &folder.join("libraw.so"), &[(&old, &new)]).unwrap();
    };
    check(
        make,
        &["the provider could not be opened and gave no reason"],
    )
    .await;
}

#[tokio::test]
async fn two_plugins_for_one_type() {
    let make = |folder: &Path| {
        let raw = plugin("fixture-raw").unwrap();
        artefacts::copy(&raw, folder.join("libone.so")).unwrap();
        let another = ("\"version\":\"0", "\"version\":\"1");
        altered_copy(&raw, &folder.join("libtwo.so"), &[another]).unwrap();
    };
    check(
        make,
        &[
            "channel type raw is offered by two plugins",
            "libone.so",
            "libtwo.so",
            "remove one",
        ],
    )
    .await;
}

#[tokio::test]
async fn codes_that_nobody_knows() {
    let make = |folder: &Path| {
        artefacts::copy(plugin("fixture-raw").unwrap(), folder.join("libraw.so")).unwrap();
    };
    check(
        make,
        &["the provider could not be opened and gave no reason"],
    )
    .await;
}

#[test]
fn a_problem_without_words_at_a_field_that_does_not_exist() {
    let rig = Rig::new(&["fixture-steady"]).unwrap();
    let (old, new) = raw_mode("problem-empty");
    let raw = plugin("fixture-raw").unwrap();
    altered_copy(&raw, &rig.plugins().join("libraw.so"), &[(&old, &new)]).unwrap();
    let said = rig.problems(BOTH).unwrap();
    assert_eq!(
        said,
        "heartbeat.yaml:4:3: error: channel bad: no.such[7].field: the plugin refuses this without a reason"
    );
}

#[test]
fn a_required_channel_whose_plugin_cannot_be_used_stops_the_start() {
    let rig = Rig::new(&["fixture-steady"]).unwrap();
    let raw = plugin("fixture-raw").unwrap();
    altered_copy(
        &raw,
        &rig.plugins().join("libraw.so"),
        &[("\"abi_major\":1", "\"abi_major\":2")],
    )
    .unwrap();
    let yaml = "notification_channels:\n  bad: {type: raw, delivery: {required: true}}\n";
    let said = rig.problems(yaml).unwrap();
    assert!(
        said.contains("heartbeat.yaml:2:15: error: channel bad: this channel is disabled"),
        "{said}"
    );
    assert!(said.contains("needs plugin ABI 2.1"), "{said}");
}

#[test]
fn a_damaged_file_is_named_where_its_channel_type_is_missing() {
    let rig = Rig::new(&["fixture-steady"]).unwrap();
    fs::write(rig.plugins().join("libcrude.so"), "damaged").unwrap();
    let said = rig.problems(BOTH).unwrap();
    assert!(said.contains("unknown channel type `raw`"), "{said}");
    let damaged = "libcrude.so is not a plugin: it is not an ELF file, or it is damaged";
    assert!(said.contains(damaged), "{said}");
}

/// Half a file, as after a copy onto a full disk.
#[test]
fn one_that_is_called_like_its_channel_type_is_that_one_damaged_and_the_rest_goes_on() {
    let rig = Rig::new(&["fixture-steady", "fixture-raw"]).unwrap();
    let file = rig.plugins().join("libfixture_raw.so");
    let whole = fs::read(&file).unwrap();
    // It is a link to what was built.
    fs::remove_file(&file).unwrap();
    fs::write(file, &whole[..whole.len() / 3]).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let results = runtime.block_on(async {
        let engine = rig.start(BOTH).await.unwrap();
        let report = engine.notify_default("x").await.unwrap();
        report.results().clone()
    });
    assert!(results.values().any(|notified| *notified), "{results:?}");
    assert!(results.values().any(|notified| !*notified), "{results:?}");
}
