//! What a worker has of its program's: nothing that it does not need.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use crate::program::{Home, text};

const SECRETS: [(&str, &str); 4] = [
    ("SMTP_PASSWORD", "canary-1"),
    ("PUSHOVER_TOKEN", "canary-2"),
    ("HTTPS_PROXY", "http://user:canary-3@proxy"),
    ("CREDENTIALS_DIRECTORY", "/run/canary-4"),
];
const NEEDED: [(&str, &str); 7] = [
    ("PATH", "/usr/bin:/bin"),
    ("HOME", "/nonexistent"),
    ("LC_TIME", "C"),
    ("TZ", "UTC"),
    ("TMPDIR", "/tmp"),
    ("SSL_CERT_FILE", "/etc/ssl/cert.pem"),
    ("JAVA_HOME", "/usr/lib/jvm/java"),
];

/// The value of a line of a file below `/proc`.
fn value<'a>(text: &'a str, name: &str) -> &'a str {
    let line = text.lines().find(|line| line.starts_with(name));
    line.unwrap_or_else(|| panic!("no {name} in {text}"))[name.len()..].trim()
}

#[test]
fn a_worker_has_no_privileges_and_nothing_of_its_program_s_that_it_does_not_need() {
    let home = Home::new("{type: steady, shows: shown, delivery: {isolation: process}}");
    let mut program = home
        .shaped("asks first, with a file that is open")
        .envs(SECRETS)
        .envs(NEEDED)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut out = BufReader::new(program.stdout.take().unwrap());
    out.read_line(&mut line).unwrap();
    assert_eq!(line, "delivered: true\n");

    let shown = text(home.path("shown"));
    let id = value(&shown, "process").to_owned();
    let status = text(format!("/proc/{id}/status"));
    assert_eq!(value(&status, "PPid:"), program.id().to_string());
    assert_eq!(value(&status, "NoNewPrivs:"), "1");
    for set in ["CapInh:", "CapPrm:", "CapEff:", "CapAmb:"] {
        assert_eq!(value(&status, set), "0000000000000000", "{set}");
    }
    if rustix::process::geteuid().is_root() {
        // Nobody else may give them up.
        assert_eq!(value(&status, "CapBnd:"), "0000000000000000");
        // From outside it is the same as from within.
        let environment = fs::read(format!("/proc/{id}/environ")).unwrap();
        let environment = String::from_utf8_lossy(&environment);
        assert!(!environment.contains("canary"), "{environment}");
    } else {
        // Others of its user cannot look into it.
        assert!(fs::read(format!("/proc/{id}/environ")).is_err());
    }
    // Every thread of it, whichever it was that did that.
    for task in fs::read_dir(format!("/proc/{id}/task")).unwrap() {
        let status = text(task.unwrap().path().join("status"));
        assert_eq!(value(&status, "CapEff:"), "0000000000000000");
        assert_eq!(value(&status, "NoNewPrivs:"), "1");
    }
    let limits = text(format!("/proc/{id}/limits"));
    let core: Vec<&str> = value(&limits, "Max core file size")
        .split_whitespace()
        .collect();
    assert_eq!(core[..2], ["0", "0"]);

    assert!(!shown.contains("canary"), "{shown}");
    for (name, value) in NEEDED {
        let line = format!("variable {name:?}={value:?}");
        assert!(shown.contains(&line), "no {line} in {shown}");
    }
    let variables = shown.lines().filter(|line| line.starts_with("variable"));
    // And the one that says that it is a worker.
    assert_eq!(variables.count(), NEEDED.len() + 1, "{shown}");

    let descriptors = shown.lines().filter(|line| line.starts_with("descriptor"));
    for descriptor in descriptors {
        let folder = home.rig.folder().display().to_string();
        let is_own = descriptor.contains("/processes\"");
        assert!(is_own || !descriptor.contains(&folder), "{descriptor}");
    }
    assert!(shown.contains("descriptor \"0\" \"/dev/null\""), "{shown}");

    drop(program.stdin.take());
    assert!(program.wait().unwrap().success());
}
