//! signal-cli as a program: every form of arguments is one that it takes,
//! and an account that isn't registered is told with what to type.

use annunciator::{CheckStatus, Class, Fault, Notification};
use annunciator_testkit::{artefacts::executable, rig::Rig};
use annunciator_tests::hbd;
use serde_json::Value;

use crate::{USER, engine, program::signal_cli, yaml};

const GROUP: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn program_lines(folder: &tempfile::TempDir, more: &[&str]) -> Vec<String> {
    let own = [
        format!("cli_path: {}", signal_cli().display()),
        format!("config_dir: {}", folder.path().display()),
    ];
    own.into_iter()
        .chain(more.iter().map(|line| (*line).to_owned()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_account_is_not_registered_every_form_of_arguments_is_reported_so() {
    let folder = tempfile::tempdir().unwrap();
    let groups = format!("groups: [{GROUP}]");
    for (lines, targets) in [
        (&["recipient: +12025550199"][..], 1),
        (
            &["recipients: [+12025550199, a0f3f8a2-77f1-4d6c-8a0e-9c5b6f0a1b2c, u:name.01]"],
            3,
        ),
        (&["usernames: [name.01]", "styled: true"], 1),
        (&["recipient: +12025550199", &groups], 2),
        (&["note_to_self: true", "notify_self: true"], 1),
    ] {
        let (_rig, engine) = engine(&program_lines(&folder, lines)).await;
        let message = Notification::new("disk is full 🚨").title("prod-web-01");
        let report = engine.notify_default(message).await.unwrap();
        let report = &report.channels()["phone"];
        assert_eq!(report.targets.len(), targets, "{lines:?}");
        for target in &report.targets {
            assert_eq!(
                (target.class, target.fault),
                (Class::Permanent, Fault::Config),
                "{target}"
            );
            assert!(
                target
                    .detail
                    .contains(&format!("User {USER} is not registered")),
                "{target}"
            );
            assert!(
                target
                    .hint
                    .contains(&format!("signal-cli -a {USER} register")),
                "{target}"
            );
            assert_eq!(target.code, "-1", "{target}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_it_is_too_old_for_a_setting_the_setting_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let lines = program_lines(&folder, &["recipient: +12025550199", "silent: true"]);
    let (_rig, engine) = engine(&lines).await;
    let report = engine.notify_default("hello").await.unwrap();
    let target = &report.channels()["phone"].targets[0];
    assert_eq!(
        (target.class, target.fault),
        (Class::Permanent, Fault::Config),
        "{target}"
    );
    assert!(
        target.hint.contains("`silent` needs signal-cli 0.14"),
        "{target}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_says_that_it_runs_and_does_not_know_the_account() {
    let folder = tempfile::tempdir().unwrap();
    let lines = program_lines(&folder, &["recipient: +12025550199"]);
    let (_rig, engine) = engine(&lines).await;
    let checks = engine.check(&["phone"]).await.unwrap();
    assert_eq!(checks[0].status, CheckStatus::Failed);
    assert_eq!(
        checks[0].detail,
        format!("signal-cli answers, but does not know {USER}")
    );
    assert!(checks[0].hint.contains("register"), "{}", checks[0].hint);
}

#[tokio::test(flavor = "multi_thread")]
async fn hbd_says_what_to_type() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::new(&["annunciator-signal"]).unwrap();
    let lines = program_lines(&folder, &["recipient: +12025550199"]);
    let _builder = rig.configured(&yaml(&lines)).unwrap();
    let (file, plugins) = (
        rig.file().display().to_string(),
        rig.plugins().display().to_string(),
    );
    let java = std::env::var("JAVA_HOME").unwrap_or_default();
    let sent = tokio::task::spawn_blocking(move || {
        let args = ["--config", &file, "--plugin-dir", &plugins];
        let vars = [("JAVA_HOME", java.as_str())];
        let vars = if java.is_empty() { &[][..] } else { &vars[..] };
        let send = args.iter().chain(&["send", "--default", "--json", "hello"]);
        hbd::run(&executable("hbd").unwrap(), vars, send).unwrap()
    })
    .await
    .unwrap();
    assert_eq!(sent.status, 1, "{}{}", sent.out, sent.err);
    let answer: Value = serde_json::from_str(&sent.out).unwrap();
    assert_eq!(answer["results"]["phone"], false);
    let target = &answer["channels"]["phone"]["targets"][0];
    assert_eq!(
        (&target["class"], &target["fault"]),
        (&"permanent".into(), &"config".into())
    );
    let hint = target["hint"].as_str().unwrap();
    assert!(
        hint.contains(&format!("signal-cli -a {USER} register")),
        "{hint}"
    );
}
