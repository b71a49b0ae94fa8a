//! A plugin that is unusable for a while: none of the monitor's messages in that time is
//! lost.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
};

use crate::{
    datagrams::busy,
    monitor::{CALM, Home, wait_for},
};

#[test]
fn the_alerts_of_that_time_arrive_when_it_is_mended() {
    let home = Home::new(CALM);
    let file = home.plugins().join("libfixture_steady.so");
    // It is a link to what was built.
    fs::copy(&file, home.path("fresh")).unwrap();
    fs::rename(home.path("fresh"), &file).unwrap();
    let may = |mode| fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
    // Whoever may write to it could have: it is not loaded.
    may(0o666);
    let (status, out, err) = home.hbd(&["check"]);
    assert_eq!((status, out.as_str()), (1, ""), "{err}");
    let said = "error: 0 of 1 channel is usable; 2 hosts and the defaults would reach nobody\n";
    assert!(err.ends_with(said), "{err}");

    let monitor = home.start();
    monitor.wait_for_log("nobody would be notified");
    let trouble = &monitor.status()["alerts"][0];
    assert_eq!(trouble["subject"], "channel/a/disabled");
    monitor.send(&busy("web-01", 1, 95.0));
    monitor.send(&busy("db-01", 1, 10.0));
    monitor.send(&busy("web-01", 2, 85.0));
    monitor.wait_for_log("what waits for it is delivered once that is fixed");
    let sentences = ["CRITICAL: web-01 - cpu_monitor.cpu_percent = 95.0 (threshold: > 90.0)"];
    assert!(monitor.notified("web-01").is_empty());
    let (_, _, err) = home.hbd(&["reload"]);
    assert!(err.contains("wait: a; `hbd status` says why"), "{err}");

    may(0o600);
    let (status, out, err) = home.hbd(&["reload"]);
    assert_eq!((status, err.as_str()), (0, ""), "{out}");
    for text in sentences {
        monitor.wait_for_text("web-01", text);
    }
    wait_for("the end of the trouble", || {
        (monitor.status()["alerts"] == serde_json::json!([])).then_some(())
    });
    let (status, out, _) = home.hbd(&["check"]);
    assert_eq!(status, 0);
    assert_eq!(out, "the configuration is sound: 1 channel, 2 hosts\n");
}

/// What the monitor has loaded it serves, whatever became of the file since.
#[test]
fn channels_are_reported_as_the_running_monitor_has_them() {
    let home = Home::new(CALM);
    let file = home.plugins().join("libfixture_steady.so");
    let monitor = home.start();
    let good = fs::read(&file).unwrap();
    let exchange = |bytes: &[u8]| {
        fs::write(home.path("fresh"), bytes).unwrap();
        fs::set_permissions(home.path("fresh"), Permissions::from_mode(0o600)).unwrap();
        fs::rename(home.path("fresh"), &file).unwrap();
    };
    let channels = || {
        let (status, out, err) = home.hbd(&["channels"]);
        assert_eq!((status, err.as_str()), (0, ""), "{out}");
        let (_, json, _) = home.hbd(&["channels", "--json"]);
        let said: serde_json::Value = serde_json::from_str(&json).unwrap();
        (
            out.lines().nth(1).unwrap().to_owned(),
            said["channels"][0].clone(),
        )
    };
    exchange(b"no plugin");
    let (line, json) = channels();
    assert!(
        line.contains("  ready; after a restart by the file disabled: "),
        "{line}"
    );
    assert_eq!(json["disabled"], serde_json::Value::Null, "{json}");
    assert!(json["disabled_by_file"].is_string(), "{json}");
    assert_eq!(json["in_monitor"], true, "{json}");
    assert_eq!(
        home.hbd(&["notify", "--default", "x"]).0,
        0,
        "it does serve"
    );
    drop(monitor);

    // Without a monitor there is the file alone.
    let (line, json) = channels();
    assert!(line.contains("  disabled: "), "{line}");
    assert_eq!(json["disabled"], json["disabled_by_file"], "{json}");

    // One that started with the bad file has it disabled, though it is mended.
    let _monitor = home.start();
    let (line, _) = channels();
    assert!(line.contains("  disabled: "), "{line}");
    assert!(!line.contains("by the file"), "both say the same: {line}");
    exchange(&good);
    let (line, json) = channels();
    assert!(line.contains("  disabled since "), "{line}");
    assert!(
        line.ends_with("after `hbd reload` by the file ready"),
        "{line}"
    );
    assert!(json["disabled"].is_string(), "{json}");
    assert_eq!(json["disabled_by_file"], serde_json::Value::Null, "{json}");

    // And what is in the file only is not served yet.
    let yaml = crate::monitor::yaml(CALM);
    home.configure(&yaml.replace("  a: {", "  b: {").replace("[a]", "[b]"));
    let (_, out, err) = home.hbd(&["channels"]);
    assert!(
        err.contains("has a channel a, which is not in the file any more"),
        "{err}"
    );
    assert!(
        out.contains("not in the running monitor; after `hbd reload` by the file ready"),
        "{out}"
    );
}
