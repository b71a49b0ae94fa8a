//! From the specification's complete example to the four services: the real
//! `hbd`, the real plugins, strict stand-ins.

use std::{fs, path::PathBuf};

use annunciator_testkit::{
    artefacts::{executable, write_program},
    ensemble::{Ensemble, SIGNAL_RECIPIENT, SIGNAL_USER},
    rig::Rig,
};
use annunciator_tests::{
    foreign::wait_for,
    hbd::{Run, run},
};
use serde_json::Value;

const PLUGINS: [&str; 4] = [
    "annunciator-email",
    "annunciator-pushover",
    "annunciator-signal",
    "annunciator-mattermost",
];

fn example(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../config")
        .join(name);
    fs::read_to_string(path).unwrap()
}

/// Runs `hbd` on a configuration, in a thread that may block.
async fn hbd(rig: &Rig, yaml: &str, args: &[&str]) -> Run {
    let _builder = rig.configured(yaml).unwrap();
    let file = rig.file().display().to_string();
    let plugins = rig.plugins().display().to_string();
    let args: Vec<String> = ["--config", &file, "--plugin-dir", &plugins]
        .iter()
        .chain(args)
        .map(|arg| (*arg).to_owned())
        .collect();
    tokio::task::spawn_blocking(move || run(&executable("hbd").unwrap(), &[], args).unwrap())
        .await
        .unwrap()
}

/// The complete example, its endpoints pointed at the stand-ins.
fn pointed(ensemble: &Ensemble) -> String {
    let yaml = example("complete.yaml");
    let cli = ensemble.signal.path().display().to_string();
    let ca = ensemble.smtp.ca_file().unwrap().display().to_string();
    yaml.replace("/usr/local/bin/signal-cli", &cli)
        .replace(
            "smtp_server: smtp.fastmail.com",
            &format!("smtp_server: 127.0.0.1\n    tls_ca_file: {ca}"),
        )
        .replace(
            "smtp_port: 587",
            &format!("smtp_port: {}", ensemble.smtp.port()),
        )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_complete_example_delivers_to_every_channel_exactly_once() {
    let ensemble = Ensemble::start().await.unwrap();
    let rig = Rig::new(&PLUGINS).unwrap();
    let message = "CPU at 95 %: ünïcode 🚨";
    let args = ["send", "--host", "prod-web-01", "--json", message];
    let sent = hbd(&rig, &pointed(&ensemble), &args).await;
    assert_eq!(sent.status, 0, "{}{}", sent.out, sent.err);
    let answer: Value = serde_json::from_str(&sent.out).unwrap();
    assert_eq!(
        answer["results"],
        serde_json::json!({ "email_ops": true, "signal_oncall": true })
    );
    assert_eq!(
        answer["channels"]["email_ops"]["targets"]
            .as_array()
            .unwrap()
            .len(),
        2
    );

    let mails = ensemble.smtp.messages();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].text().contains(message), "{}", mails[0].text());
    let calls = ensemble.signal.calls();
    assert_eq!(calls.len(), 1);
    let arguments = calls[0].arguments.join(" ");
    assert!(
        arguments.contains(SIGNAL_USER) && arguments.contains(SIGNAL_RECIPIENT),
        "{arguments}"
    );
    assert!(
        !arguments.contains("CPU"),
        "the message stands in the arguments: {arguments}"
    );
    assert_eq!(ensemble.smtp.violations(), [] as [String; 0]);
    assert_eq!(ensemble.signal.violations(), [] as [String; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_channel_of_each_kind_gets_the_message_once() {
    let ensemble = Ensemble::start().await.unwrap();
    let rig = Rig::new(&PLUGINS).unwrap();
    let yaml = format!(
        "{}default_notification_channels: [email_ops, pushover_urgent, signal_oncall, mattermost_devops]\n",
        ensemble.channels()
    );
    let args = [
        "send",
        "--host",
        "a-host-that-is-not-in-the-file",
        "--severity",
        "critical",
        "--json",
        "disk is full",
    ];
    let sent = hbd(&rig, &yaml, &args).await;
    assert_eq!(sent.status, 0, "{}{}", sent.out, sent.err);
    let answer: Value = serde_json::from_str(&sent.out).unwrap();
    let results = answer["results"].as_object().unwrap();
    assert_eq!(results.len(), 4);
    assert!(
        results.values().all(|delivered| *delivered == true),
        "{results:?}"
    );
    assert_eq!(ensemble.smtp.messages().len(), 1);
    assert_eq!(ensemble.signal.calls().len(), 1);
    let pushed = ensemble.pushover.messages();
    assert_eq!(pushed.len(), 1);
    assert!(pushed[0].text().contains("disk is full"));
    let posts = ensemble.mattermost.messages();
    assert_eq!(posts.len(), 1);
    assert!(format!("{:?}", posts[0]).contains("disk is full"));
    assert!(
        ensemble.pushover.violations().is_empty(),
        "{:?}",
        ensemble.pushover.violations()
    );
    assert!(ensemble.mattermost.violations().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn when_one_channel_fails_the_others_deliver_and_the_exit_status_says_so() {
    let ensemble = Ensemble::start().await.unwrap();
    let rig = Rig::new(&PLUGINS).unwrap();
    let yaml = ensemble
        .channels()
        .replace("w7ri5ybhrbfsmqhkhbc7n8hf1y", "x7ri5ybhrbfsmqhkhbc7n8hf1x");
    let args = [
        "-v",
        "send",
        "--channel",
        "mattermost_devops",
        "--channel",
        "email_ops",
        "hello",
    ];
    let sent = hbd(&rig, &yaml, &args).await;
    assert_eq!(sent.status, 1, "{}{}", sent.out, sent.err);
    assert!(
        sent.out.contains("email_ops: delivered to 2 targets"),
        "{}",
        sent.out
    );
    assert!(
        sent.out
            .contains("mattermost_devops: failed to send notification"),
        "{}",
        sent.out
    );
    assert!(
        sent.err.contains("failed to send notification"),
        "{}",
        sent.err
    );
    let everything = format!("{}{}", sent.out, sent.err);
    for secret in ["x7ri5ybhrbfsmqhkhbc7n8hf1x", "app-password-here"] {
        assert!(!everything.contains(secret), "{everything}");
    }
    assert_eq!(ensemble.smtp.messages().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_without_deliver_delivers_nothing() {
    let ensemble = Ensemble::start().await.unwrap();
    let rig = Rig::new(&PLUGINS).unwrap();
    let tested = hbd(&rig, &ensemble.channels(), &["test"]).await;
    assert_eq!(tested.status, 0, "{}{}", tested.out, tested.err);
    for channel in [
        "email_ops",
        "pushover_urgent",
        "signal_oncall",
        "mattermost_devops",
    ] {
        assert!(
            tested.out.contains(&format!("{channel}: ok")),
            "{}",
            tested.out
        );
    }
    assert!(ensemble.smtp.messages().is_empty());
    assert!(ensemble.pushover.messages().is_empty());
    assert!(ensemble.mattermost.messages().is_empty());

    let delivered = hbd(
        &rig,
        &ensemble.channels(),
        &["test", "--deliver", "email_ops"],
    )
    .await;
    assert_eq!(delivered.status, 0, "{}{}", delivered.out, delivered.err);
    assert_eq!(ensemble.smtp.messages().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_message_that_there_can_be_goes_through() {
    let ensemble = Ensemble::start().await.unwrap();
    let rig = Rig::new(&PLUGINS).unwrap();
    let yaml = format!(
        "{}default_notification_channels: [email_ops, pushover_urgent, signal_oncall, mattermost_devops]\n",
        ensemble.channels()
    );
    let engine = rig.start(&yaml).await.unwrap();
    let endless = "0123456789abcde ".repeat(65_536);
    let strange = "a\0b\r\n.\r\nSubject: c\r\n\r\n@channel \u{202e}\u{1f468}\u{200d}\u{1f469} ]]>&lt;<script>";
    for message in [endless.as_str(), strange, "."] {
        let report = engine.notify_default(message).await.unwrap();
        for (name, channel) in report.channels() {
            assert!(channel.delivered, "{name}: {:?}", channel.targets);
        }
        if message.len() > 100_000 {
            let notes = format!(
                "{:?}",
                report.channels()["pushover_urgent"].targets[0].notes
            );
            assert!(notes.contains("cut"), "{notes}");
        }
    }
    assert!(engine.notify_default("").await.is_err());
    assert_eq!(ensemble.smtp.messages().len(), 3);
    assert_eq!(ensemble.smtp.violations(), [] as [String; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_of_the_specification_load_unedited() {
    let rig = Rig::new(&PLUGINS).unwrap();
    // The monitor's example has its secrets from systemd: hbd's own tests load
    // it.
    for name in ["channels.yaml", "complete.yaml", "environments.yaml"] {
        let checked = hbd(&rig, &example(name), &["check"]).await;
        assert_eq!(checked.status, 0, "{name}: {}", checked.err);
    }
}

/// The README's configuration, its secrets written out.
#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_of_the_readme_is_sound() {
    let readme =
        fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../README.md")).unwrap();
    let yaml = readme
        .split("```yaml\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let yaml: String = yaml
        .lines()
        .map(|line| match line.split_once(": {") {
            Some((key, rest))
                if rest.contains("env:")
                    || rest.contains("file:")
                    || rest.contains("credential:") =>
            {
                format!("{key}: azGDORePK8gMaC0QOYAMyEEuzJnyUi\n")
            }
            _ => format!("{line}\n"),
        })
        .collect();
    // Not every machine has a signal-cli in its PATH.
    let program = "    type: signal\n    cli_path: /bin/true\n";
    let yaml = yaml.replace("    type: signal\n", program);
    let checked = hbd(&Rig::new(&PLUGINS).unwrap(), &yaml, &["check"]).await;
    assert_eq!(checked.status, 0, "{}", checked.err);
    assert!(
        checked.out.contains("4 channels, 2 hosts"),
        "{}",
        checked.out
    );
}

/// A script in place of signal-cli that says its number and never ends.
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_hbd_and_every_child() {
    let rig = Rig::new(&PLUGINS).unwrap();
    let (script, number) = (rig.folder().join("signal-cli"), rig.folder().join("number"));
    write_program(
        &script,
        format!(
            "#!/bin/sh\necho $$ > '{0}.new' && mv '{0}.new' '{0}'\nsleep 1000\n",
            number.display()
        ),
    )
    .unwrap();
    let yaml = format!(
        "notification_channels:\n  s: {{type: signal, cli_path: {}, user: +12025551234, recipient: +12025555678}}\n",
        script.display()
    );
    let _builder = rig.configured(&yaml).unwrap();
    let mut hbd = std::process::Command::new(executable("hbd").unwrap())
        .args(["send", "--channel", "s", "hello"])
        .env("HBD_CONFIG", rig.file())
        .env("ANNUNCIATOR_PLUGIN_DIR", rig.plugins())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let started = || wait_for("signal-cli", || fs::read_to_string(&number).ok());
    let text = tokio::task::block_in_place(started).unwrap();
    let child = text.trim();
    let kill = std::process::Command::new("kill")
        .arg("-TERM")
        .arg(hbd.id().to_string())
        .status()
        .unwrap();
    assert!(kill.success());
    let output = tokio::task::spawn_blocking(move || {
        let status = hbd.wait().unwrap();
        let mut said = String::new();
        std::io::Read::read_to_string(&mut hbd.stderr.take().unwrap(), &mut said).unwrap();
        (status, said)
    });
    let (status, said) = output.await.unwrap();
    assert_eq!(status.code(), Some(143), "{said}");
    assert!(said.contains("interrupted"), "{said}");
    assert!(
        !PathBuf::from(format!("/proc/{child}")).exists(),
        "signal-cli lives on"
    );
}
