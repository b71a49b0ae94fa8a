//! Datagrams that must be refused: each is counted under its reason and changes nothing.
//! Also keys: who must sign, and how keys are replaced.

use std::time::Duration;

use annunciator_protocol::Datagram;
use serde_json::{Value as Json, json};

use crate::{
    datagrams::{heartbeat, key, now_ms, shutdown},
    monitor::{CALM, Home, Monitor, QUICK, wait_for, yaml},
};

const OLD: &str = "the-old-secret-of-all";
const NEW: &str = "the-new-secret-of-all";

fn refused(monitor: &Monitor, bytes: &[u8], reason: &str) {
    let before = monitor.count(Some(reason));
    monitor.send_bytes(bytes);
    wait_for(reason, || {
        (monitor.count(Some(reason)) == before + 1).then_some(())
    });
}

/// A sound datagram with one member changed.
fn with(member: &str, value: Json) -> Vec<u8> {
    let sound = heartbeat("web-01", 1000).encode(None).unwrap();
    let mut json: Json = serde_json::from_slice(&sound).unwrap();
    json[member] = value;
    json.to_string().into_bytes()
}

/// A sound datagram with a text that no JSON value yields.
fn with_text(from: &str, to: &str) -> Vec<u8> {
    let sound = Datagram {
        metrics: vec![("a.b".into(), 1.5)],
        ..heartbeat("web-01", 1000)
    };
    let text = String::from_utf8(sound.encode(None).unwrap()).unwrap();
    assert!(text.contains(from), "{text}");
    text.replacen(from, to, 1).into_bytes()
}

/// What must not change.
fn known(monitor: &Monitor) -> Json {
    let mut explained = monitor.explain("web-01");
    for link in explained["host"]["connections"].as_array_mut().unwrap() {
        for moving in ["silent_for_ms", "due_in_ms"] {
            link.as_object_mut().unwrap().remove(moving);
        }
    }
    // That is what is to change.
    explained["refused"] = Json::Null;
    explained
}

#[test]
fn what_is_wrong_is_counted_under_its_reason_and_changes_nothing() {
    let home = Home::new(CALM);
    let monitor = home.start();
    let first = heartbeat("web-01", 100);
    monitor.send(&first);
    let before = known(&monitor);

    let sound = heartbeat("web-01", 1000).encode(None).unwrap();
    let deep = format!("{}1{}", "[".repeat(500), "]".repeat(500));
    let many: serde_json::Map<String, Json> =
        (0..65).map(|i| (format!("a.b{i}"), json!(1))).collect();
    let far = 600_000;
    let cases: [(&str, Vec<u8>); 23] = [
        ("empty", Vec::new()),
        ("malformed", sound[..sound.len() / 2].to_vec()),
        ("too_long", vec![b'{'; 65_000]),
        ("too_long", [sound.clone(), vec![b' '; 1200]].concat()),
        ("malformed", b"web-01 is up".to_vec()),
        ("malformed", vec![0xff, 0xfe, 0x00]),
        ("malformed", b"[]".to_vec()),
        (
            "malformed",
            with_text("\"v\"", &format!("\"x\":{deep},\"v\"")),
        ),
        ("malformed", with("event", json!("dance"))),
        ("malformed", with_text("\"n\":", "\"n\":1,\"n\":")),
        ("version", with("v", json!(2))),
        ("number", with_text("1.5", "NaN")),
        ("number", with_text("1.5", "1e999")),
        ("number", with("n", json!(-1))),
        ("number", with("interval", json!(-10))),
        ("name", with("host", json!("web-01\u{1b}[31m"))),
        ("name", with("boot", json!(""))),
        ("name", with("metrics", json!({"a.\u{202e}b": 1}))),
        ("too_many_metrics", with("metrics", Json::Object(many))),
        ("unknown_host", with("host", json!("web-99"))),
        ("repeated", first.encode(None).unwrap()),
        ("future", with("t", json!(now_ms() + far))),
        ("past", with("t", json!(now_ms() - far))),
    ];
    for (reason, bytes) in cases {
        refused(&monitor, &bytes, reason);
    }
    refused(
        &monitor,
        &heartbeat("web-01", 1).encode(None).unwrap(),
        "replayed",
    );
    let foreign = key("k9", "somebody-s-own-secret");
    let signed = heartbeat("web-01", 1000).encode(Some(&foreign)).unwrap();
    refused(&monitor, &signed, "unknown_key");

    assert_eq!(known(&monitor), before);
    assert_eq!(monitor.count(None), 1);
    wait_for("the host to be named where it could be read", || {
        let refused = &monitor.explain("web-01")["refused"];
        let reasons = ["future", "past", "replayed", "unknown_key"];
        reasons
            .iter()
            .all(|reason| refused[reason] == 1)
            .then_some(())
    });
    // The next valid one is accepted as if nothing had happened.
    monitor.send(&heartbeat("web-01", 101));
    assert_eq!(monitor.state("web-01"), "up");
}

#[test]
fn a_datagram_of_an_earlier_boot_is_none() {
    let home = Home::new(CALM);
    let monitor = home.start();
    monitor.send(&heartbeat("web-01", 100));
    monitor.send(&Datagram {
        boot: "b2".into(),
        ..heartbeat("web-01", 1)
    });
    let recorded = heartbeat("web-01", 99).encode(None).unwrap();
    refused(&monitor, &recorded, "earlier_boot");
}

#[test]
fn nothing_is_ever_answered() {
    let home = Home::new(CALM);
    let monitor = home.start();
    let address = monitor.status()["listening"][0]
        .as_str()
        .unwrap()
        .to_owned();
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let sound = heartbeat("web-01", 1).encode(None).unwrap();
    for bytes in [b"".as_slice(), b"{", &sound] {
        socket.send_to(bytes, &address).unwrap();
    }
    wait_for("all to be looked at", || {
        let refused = monitor.count(Some("empty")) + monitor.count(Some("malformed"));
        (refused == 2 && monitor.count(None) == 1).then_some(())
    });
    socket.set_nonblocking(true).unwrap();
    assert!(socket.recv_from(&mut [0; 64]).is_err());
}

#[test]
fn a_shutdown_without_a_signature_mutes_nothing_once_there_is_a_key() {
    let keys = format!("interval: 1h\n  keys: [{{id: k1, secret: {OLD}, hosts: [web-01]}}]");
    let home = Home::new(&keys);
    let monitor = home.start();
    monitor.send(&heartbeat("db-01", 1));
    let plain = shutdown("db-01", 2).encode(None).unwrap();
    refused(&monitor, &plain, "unsigned_shutdown");
    assert_eq!(monitor.state("db-01"), "up");
    monitor.send_signed(&shutdown("web-01", 1), Some(&key("k1", OLD)));
    monitor.wait_for_state("web-01", "down");
}

#[test]
fn keys_are_exchanged_while_the_monitor_runs() {
    let yaml = |keys: &str| yaml(&format!("interval: 1h\n  keys: [{keys}]"));
    let [old, new] = [("k1", OLD), ("k2", NEW)];
    let written = |(id, secret)| format!("{{id: {id}, secret: {secret}}}");
    let home = Home::with(&yaml(&written(old)));
    let monitor = home.start();
    let [k1, k2] = [old, new].map(|(id, secret)| key(id, secret));
    monitor.send_signed(&heartbeat("web-01", 1), Some(&k1));
    let plain = heartbeat("web-01", 2).encode(None).unwrap();
    refused(&monitor, &plain, "unsigned");
    let forged = heartbeat("web-01", 2).encode(Some(&key("k1", "a-guessed-secret")));
    refused(&monitor, &forged.unwrap(), "wrong_signature");
    let early = heartbeat("web-01", 2).encode(Some(&k2)).unwrap();
    refused(&monitor, &early, "unknown_key");

    home.configure(&yaml(&format!("{}, {}", written(old), written(new))));
    monitor.reload().unwrap();
    monitor.send_signed(&heartbeat("web-01", 3), Some(&k2));
    monitor.send_signed(&heartbeat("web-01", 4), Some(&k1));

    home.configure(&yaml(&written(new)));
    monitor.reload().unwrap();
    let late = heartbeat("web-01", 5).encode(Some(&k1)).unwrap();
    refused(&monitor, &late, "unknown_key");
    monitor.send_signed(&heartbeat("web-01", 6), Some(&k2));
    assert_eq!(monitor.status()["keys"], true);
}

#[test]
fn a_host_says_itself_how_often_it_sends() {
    let home = Home::with(&yaml(
        "interval: 1h\n  grace: 300ms\n  mass_silence: {within: 0s}",
    ));
    let monitor = home.start();
    monitor.send(&Datagram {
        interval: Some(Duration::from_millis(200)),
        ..heartbeat("web-01", 1)
    });
    monitor.wait_for_text("web-01", "web-01 IPv4 overdue");
}

/// A machine without IPv6 cannot show this, and is not asked to.
#[test]
fn a_host_is_watched_on_each_family_that_it_uses() {
    let Ok(sender) = std::net::UdpSocket::bind("[::1]:0") else {
        return;
    };
    let both = "  listen: ['127.0.0.1:0', '[::1]:0']";
    let yaml = yaml(QUICK).replace("  listen: ['127.0.0.1:0']", both);
    assert!(yaml.contains("[::1]"), "{yaml}");
    let home = Home::with(&yaml);
    let monitor = home.start();
    let listening = monitor.status()["listening"].clone();
    let address = listening[1].as_str().unwrap();
    monitor.send(&heartbeat("web-01", 1));
    let bytes = heartbeat("web-01", 1).encode(None).unwrap();
    sender.send_to(&bytes, address).unwrap();
    for family in ["IPv4", "IPv6"] {
        monitor.wait_for_text("web-01", &format!("web-01 {family} overdue"));
    }
    sender
        .send_to(&heartbeat("web-01", 2).encode(None).unwrap(), address)
        .unwrap();
    monitor.wait_for_text("web-01", "web-01 IPv6 is back");
}
