//! From nothing to a channel: a project is created, built in a folder of its own,
//! validated, and copied to the plugin folder of a running monitor, where a reload loads
//! it. It then delivers, in the monitor's process and outside it.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use annunciator_testkit::{
    artefacts::copy_program,
    http::{Answer, HttpServer, Journal},
};
use tempfile::TempDir;

use serde_json::json;

use crate::{
    author,
    monitor::{CALM, Home, Monitor, wait_for, yaml},
};

/// A project in an empty folder.
struct Project {
    folder: TempDir,
    name: &'static str,
}

impl Project {
    fn new(home: &Home, name: &'static str, template: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/sdk");
        let sdk = sdk.display().to_string();
        let mut new = home.command(&[
            "plugins",
            "new",
            name,
            "--template",
            template,
            "--sdk",
            &sdk,
        ]);
        let output = new.current_dir(folder.path()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        Self { folder, name }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join(self.name)
    }

    fn run(&self, home: &Home, line: &str) {
        author::run(home, &self.path(), line);
    }

    fn readme(&self) -> String {
        fs::read_to_string(self.path().join("README.md")).unwrap()
    }

    fn change(&self, file: &str, old: &str, new: &str) {
        let path = self.path().join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(old), "{text}");
        fs::write(path, text.replace(old, new)).unwrap();
    }
}

/// The service: it accepts requests with the right token.
async fn service() -> (HttpServer, Arc<Journal<(String, String)>>) {
    let journal = Arc::<Journal<_>>::default();
    let taken = Arc::clone(&journal);
    let server = HttpServer::start(move |request| {
        let taken = Arc::clone(&taken);
        async move {
            if request.header("authorization") != Some("Bearer s3cret") {
                return Answer::status(401);
            }
            let body = request.json().unwrap();
            let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
            taken.record((text("to"), text("text")));
            Answer::status(202)
        }
    });
    (server.await.unwrap(), journal)
}

/// Makes the monitor notify its default channels.
fn tell(monitor: &Monitor, text: &str) {
    let body = json!({ "message": text, "severity": "critical" });
    let client = monitor.client();
    thread::spawn(move || client.post("/notifications?wait=5m", Some(&body)));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "builds projects of its own: cargo test -- --include-ignored"]
async fn a_new_plugin_is_built_examined_dropped_in_reloaded_and_delivers() {
    let (service, taken) = service().await;
    let home = Home::with(&yaml(CALM));
    let monitor = home.start();
    let project = Project::new(&home, "carrier-pigeon", "http");
    let readme = project.readme();
    let lines = author::commands(&readme);
    let (last, before) = lines.split_last().unwrap();
    assert_eq!(last, "hbd reload");
    // Tests, a build, an examination, and a copy into the plugin folder.
    assert_eq!(before.len(), 4, "{before:?}");
    project.run(&home, "cargo fmt --check");
    before.iter().for_each(|line| project.run(&home, line));
    assert!(project.path().join("Cargo.lock").is_file());

    let channel = |name: &str, more: &str| {
        format!(
            "  {name}: {{type: carrier_pigeon, url: '{}/messages', token: s3cret, recipient: {name}{more}}}\n",
            service.url()
        )
    };
    let channels = channel("here", "") + &channel("apart", ", delivery: {isolation: process}");
    let with_pigeons = yaml(CALM)
        .replace(
            "default_notification_channels: [a]",
            "default_notification_channels: [here, apart]",
        )
        .replace(
            "notification_channels:\n  a:",
            &format!("notification_channels:\n{channels}  a:"),
        );
    home.configure(&with_pigeons);
    project.run(&home, last);
    tell(&monitor, "CPU at 95 %");
    let mut notified = taken.wait_for(2).await.unwrap();
    notified.sort();
    let text = |to: &str, text: &str| (to.to_owned(), text.to_owned());
    assert_eq!(
        notified,
        [text("apart", "CPU at 95 %"), text("here", "CPU at 95 %")]
    );

    // Another build takes its place, also where the file is written over.
    project.change(
        "src/lib.rs",
        "\"text\": notification.body(),",
        "\"text\": format!(\"! {}\", notification.body()),",
    );
    for line in &before[1..] {
        project.run(&home, line);
    }
    project.run(&home, last);
    tell(&monitor, "CPU at 96 %");
    let notified = taken.wait_for(4).await.unwrap();
    assert!(
        notified[2..]
            .iter()
            .all(|(_, text)| text == "! CPU at 96 %"),
        "{notified:?}"
    );

    // A damaged one does not, and is reported.
    let file = home.plugins().join("libcarrier_pigeon.so");
    fs::write(&file, "no plugin").unwrap();
    let (_, _, error) = home.hbd(&["check"]);
    assert!(error.contains("libcarrier_pigeon.so"), "{error}");
    project.run(&home, last);
    tell(&monitor, "CPU at 97 %");
    let notified = taken.wait_for(6).await.unwrap();
    assert!(
        notified[4..]
            .iter()
            .all(|(_, text)| text == "! CPU at 97 %"),
        "{notified:?}"
    );
    wait_for("what the log says of it", || {
        monitor.log().contains("stays in use").then_some(())
    });
}

#[test]
#[ignore = "builds projects of its own: cargo test -- --include-ignored"]
fn a_new_plugin_with_a_runtime_of_its_own_is_built_and_examined() {
    let home = Home::with(&yaml(CALM));
    let project = Project::new(&home, "homing-pigeon", "own-runtime");
    project.run(&home, "cargo fmt --check");
    let lines = author::commands(&project.readme());
    lines[..3].iter().for_each(|line| project.run(&home, line));
}

#[test]
fn a_name_that_cannot_be_a_plugin_s_is_refused() {
    let home = Home::with(&yaml(CALM));
    for name in [
        "",
        "Pigeon",
        "a_b",
        "9a",
        "a--b",
        "a-",
        "../a",
        "core",
        &"a".repeat(41),
    ] {
        let (status, _, error) = home.hbd(&["plugins", "new", "--", name]);
        assert_eq!(status, 2, "{name}");
        assert!(error.contains("cannot be the name of a plugin"), "{error}");
    }
    for (name, why) in [
        ("match", "a keyword of Rust"),
        ("serde", "a crate that plugins depend on"),
        ("email", "offers the channel type of that name"),
    ] {
        let (status, _, error) = home.hbd(&["plugins", "new", name]);
        assert_eq!(status, 2, "{name}");
        assert!(error.contains(why), "{error}");
        assert!(!home.path(name).exists());
    }
    fs::create_dir(home.path("there")).unwrap();
    let sdk = sdk_folder();
    let (status, _, error) = home.hbd(&["plugins", "new", "there", "--sdk", &sdk]);
    assert_eq!(
        (status, error.trim()),
        (
            2,
            "error: there exists: choose another name, or another folder"
        )
    );
}

fn sdk_folder() -> String {
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/sdk");
    sdk.display().to_string()
}

/// Never a bare version: anybody could take the name at a registry.
#[test]
fn the_sdk_is_what_came_with_the_program_or_is_named_or_there_is_no_project() {
    let home = Home::with(&yaml(CALM));
    let folder = home.path("apart");
    fs::create_dir(&folder).unwrap();
    let program = folder.join("hbd");
    let hbd = env!("CARGO_BIN_EXE_hbd");
    fs::hard_link(hbd, &program)
        .or_else(|_| copy_program(hbd, &program))
        .unwrap();
    let new = |more: &[&str]| {
        let mut command = std::process::Command::new(&program);
        command.env_clear().current_dir(&folder);
        let output = command
            .args(["plugins", "new", "pigeon"])
            .args(more)
            .output()
            .unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), error)
    };
    let (status, error) = new(&[]);
    assert_eq!(status, 2);
    assert!(error.contains("--sdk CHECKOUT/crates/sdk"), "{error}");
    let core = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/core");
    let (status, error) = new(&["--sdk", core.to_str().unwrap()]);
    assert_eq!(status, 2);
    assert!(
        error.contains("is not the SDK: it is the crate `annunciator-core`"),
        "{error}"
    );
    assert!(!folder.join("pigeon").exists());
    let beside = folder.join("sdk/crates/sdk");
    fs::create_dir_all(&beside).unwrap();
    fs::copy(
        format!("{}/Cargo.toml", sdk_folder()),
        beside.join("Cargo.toml"),
    )
    .unwrap();
    let (status, error) = new(&[]);
    assert_eq!((status, &*error), (0, ""));
    let manifest = fs::read_to_string(folder.join("pigeon/Cargo.toml")).unwrap();
    let line = manifest
        .lines()
        .find(|line| line.starts_with("annunciator-sdk = { path"));
    assert!(line.unwrap().contains("apart/sdk/crates/sdk"), "{manifest}");
    assert!(
        !manifest.contains("annunciator-sdk = { version"),
        "{manifest}"
    );
}
