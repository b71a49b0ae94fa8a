//! `hbd init`: a first configuration from options, or from answers at a terminal.

use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
    os::{
        fd::{AsFd as _, OwnedFd},
        unix::fs::PermissionsExt as _,
    },
    path::{Path, PathBuf},
    process::{Command, Output},
};

use annunciator_testkit::artefacts::plugin_folder;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use tempfile::TempDir;

/// An empty folder in which the command runs.
struct Place {
    folder: TempDir,
    plugins: TempDir,
}

impl Place {
    fn new() -> Self {
        let plugins = [
            "annunciator-email",
            "annunciator-exec",
            "annunciator-mattermost",
            "annunciator-pushover",
            "annunciator-signal",
            "annunciator-webhook",
        ];
        Self {
            folder: tempfile::tempdir().unwrap(),
            plugins: plugin_folder(&plugins).unwrap(),
        }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("heartbeat.yaml")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hbd"));
        command
            .env_clear()
            .env("ANNUNCIATOR_PLUGIN_DIR", self.plugins.path())
            .current_dir(self.folder.path())
            .args(args);
        command
    }

    fn hbd(&self, args: &[&str]) -> (i32, String, String) {
        let output = self
            .command(args)
            .stdin(std::process::Stdio::null())
            .output();
        said(&output.unwrap())
    }
}

fn said(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let status = output.status.code().unwrap();
    (status, text(&output.stdout), text(&output.stderr))
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// The options of an email channel.
const EMAIL: [&str; 8] = [
    "--channel",
    "email",
    "--set",
    "smtp_server=smtp.example.org",
    "--set",
    "sender=hbd@example.org",
    "--set",
    "recipients=ops@example.org,anna@example.org",
];

fn with_email<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["init"], &EMAIL[..], more].concat()
}

#[test]
fn options_make_a_configuration_that_is_sound_and_a_token_that_works() {
    let place = Place::new();
    let (status, out, err) = place.hbd(&with_email(&["--set", "smtp_port=2525", "--yes"]));
    assert_eq!(status, 0, "{out}{err}");
    let text = fs::read_to_string(place.file()).unwrap();
    for line in [
        "    recipients: [\"ops@example.org\",\"anna@example.org\"]",
        "    smtp_port: 2525",
        "  listen: 127.0.0.1:9680",
        "default_notification_channels: [email]",
    ] {
        assert!(
            text.lines().any(|found| found == line),
            "{line:?} is not in {text}"
        );
    }
    for part in [
        "heartbeat.yaml is written",
        "the configuration is sound: 1 channel, 0 hosts",
        "token for the page: hbd_w_",
        "hbd --config heartbeat.yaml run",
        "http://127.0.0.1:9680/",
    ] {
        assert!(out.contains(part), "{part:?} is not in {out}");
    }
    // The state with the token is one that the monitor and its commands can use.
    assert_eq!(mode(&place.folder.path().join("heartbeat.sqlite")), 0o600);
    let (status, out, err) = place.hbd(&["check"]);
    assert_eq!((status, err.as_str()), (0, ""), "{out}");
}

#[test]
fn a_file_with_a_secret_is_for_its_owner_only() {
    let place = Place::new();
    let login = [
        "--set",
        "smtp_user=hbd",
        "--set",
        "smtp_password=s3cret, really",
    ];
    let (status, out, err) = place.hbd(&with_email(&login));
    assert_eq!(status, 0, "{out}{err}");
    assert_eq!(mode(&place.file()), 0o600);
    assert!(
        !out.contains("s3cret") && !err.contains("s3cret"),
        "{out}{err}"
    );
    let text = fs::read_to_string(place.file()).unwrap();
    assert!(text.contains("smtp_password: \"s3cret, really\""), "{text}");
}

#[test]
fn a_secret_may_stand_elsewhere() {
    let place = Place::new();
    let secret = place.folder.path().join("password");
    fs::write(&secret, "s3cret").unwrap();
    let password = format!("smtp_password=file:{}", secret.display());
    let login = ["--set", "smtp_user=hbd", "--set", &password];
    let (status, out, err) = place.hbd(&with_email(&login));
    assert_eq!(status, 0, "{out}{err}");
    let text = fs::read_to_string(place.file()).unwrap();
    assert!(text.contains("smtp_password: {file: \""), "{text}");
}

#[test]
fn nothing_is_overwritten() {
    let place = Place::new();
    fs::write(place.file(), "mine").unwrap();
    let (status, out, err) = place.hbd(&with_email(&[]));
    assert_eq!((status, out.as_str()), (2, ""));
    assert!(
        err.contains("heartbeat.yaml exists, and is not overwritten"),
        "{err}"
    );
    assert_eq!(fs::read_to_string(place.file()).unwrap(), "mine");
    let (status, _, err) = place.hbd(&with_email(&["other.yaml"]));
    assert_eq!(status, 0, "{err}");
}

#[test]
fn without_a_terminal_the_options_that_are_needed_are_named() {
    let place = Place::new();
    let (status, _, err) = place.hbd(&["init"]);
    assert_eq!(status, 2);
    assert!(
        err.contains("nothing can be asked here: add --channel TYPE"),
        "{err}"
    );
    let (status, _, err) = place.hbd(&["init", "--channel", "email", "--set", "smtp_user=x"]);
    assert_eq!(status, 2);
    let missing = "--set smtp_server=VALUE, --set sender=VALUE, --set recipients=VALUE, --set smtp_password=VALUE";
    assert!(err.contains(missing), "{err}");
    let (status, _, err) = place.hbd(&["init", "--state-dir", "/nowhere/at/all"]);
    assert_eq!(status, 2);
    assert!(err.contains("does not exist"), "{err}");
    assert!(!place.file().exists());
}

#[test]
fn what_is_wrong_is_reported_as_by_a_check_and_stays_to_be_corrected() {
    let place = Place::new();
    let (status, _, err) = place.hbd(&with_email(&["--set", "smtp_prot=25"]));
    assert_eq!(status, 2);
    for part in [
        "smtp_prot",
        "did you mean `smtp_port`",
        "heartbeat.yaml:",
        "correct the file, check it with `hbd --config heartbeat.yaml check`",
    ] {
        assert!(err.contains(part), "{part:?} is not in {err}");
    }
    assert!(place.file().exists());
    assert!(!place.folder.path().join("heartbeat.sqlite").exists());
}

#[test]
fn every_channel_type_has_what_its_plugin_needs() {
    let key = "azGDORePK8gMaC0QOYAMyEEuzJnyUi";
    let token = format!("token={key}");
    let user = format!("user={key}");
    for (kind, settings) in [
        ("pushover", vec![&*token, &user]),
        (
            "signal",
            vec!["user=+12025551234", "recipient=+12025555678"],
        ),
        (
            "mattermost",
            vec![
                "host=mattermost.example.org",
                "channel=ops",
                "token=w7ri5ybhrbfsmqhkhbc7n8hf1y",
            ],
        ),
        ("webhook", vec!["url=https://hooks.example.org/x"]),
        ("exec", vec!["program=/bin/true", "arguments=a,b c"]),
    ] {
        let place = Place::new();
        let mut args = vec!["init", "--channel", kind];
        for setting in settings {
            args.extend(["--set", setting]);
        }
        let (status, out, err) = place.hbd(&args);
        // No signal-cli need be there.
        assert!(status == 0 || kind == "signal", "{kind}: {out}{err}");
        let mistake = err.lines().find(|line| line.contains("heartbeat.yaml:"));
        assert_eq!(mistake, None, "{kind}: {err}");
    }
}

/// A terminal: the side of a person, and the path of the other side.
fn terminal() -> (OwnedFd, PathBuf) {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
    let person = openpt(flags).unwrap();
    grantpt(&person).unwrap();
    unlockpt(&person).unwrap();
    let path = ptsname(&person, Vec::new()).unwrap();
    (person, PathBuf::from(path.to_str().unwrap()))
}

#[test]
fn a_person_is_asked_for_what_is_needed_and_a_secret_is_not_shown() {
    let place = Place::new();
    let (person, path) = terminal();
    let open = || File::options().read(true).write(true).open(&path).unwrap();
    let mut command = place.command(&["init"]);
    command.stdin(open()).stdout(open()).stderr(open());
    let mut child = command.spawn().unwrap();
    drop(command);
    let mut read = File::from(person.as_fd().try_clone_to_owned().unwrap());
    let mut write = File::from(person);
    let mut shown = String::new();
    // Each answer after its question, as a person would.
    let mut wait_for = |question: &str| {
        let mut buffer = [0; 4096];
        let from = shown.len();
        while !shown[from..].contains(question) {
            match read.read(&mut buffer) {
                Ok(count @ 1..) => shown.push_str(&String::from_utf8_lossy(&buffer[..count])),
                _ => panic!("{question:?} was not asked: {shown}"),
            }
        }
        shown.clone()
    };
    for (question, answer) in [
        ("How are people notified?", "pigeon"),
        ("write one of these names", ""),
        ("How are people notified?", "pushover"),
        (
            "Token of your application",
            "azGDORePK8gMaC0QOYAMyEEuzJnyUi",
        ),
        ("Key of the user", "uQiRzpo4DXghDmr9QzzfQu27cmVRsG"),
    ] {
        // What follows a mistake may come with it.
        if answer.is_empty() {
            continue;
        }
        wait_for(question);
        write.write_all(format!("{answer}\n").as_bytes()).unwrap();
    }
    let shown = wait_for("hbd --config heartbeat.yaml run");
    assert!(child.wait().unwrap().success(), "{shown}");
    for secret in [
        "azGDORePK8gMaC0QOYAMyEEuzJnyUi",
        "uQiRzpo4DXghDmr9QzzfQu27cmVRsG",
    ] {
        assert!(!shown.contains(secret), "{shown}");
        let text = fs::read_to_string(place.file()).unwrap();
        assert!(text.contains(secret), "{text}");
    }
    assert_eq!(mode(&place.file()), 0o600);
}
