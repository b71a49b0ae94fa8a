//! The protocol's decoder against what a network may bring: sound datagrams,
//! and broken ones of every kind.

use std::time::Duration;

use annunciator_protocol::{Datagram, Event, Keyring, Reject, decode};

const PLAIN: &str = r#"{"v":1,"host":"web-01","boot":"8c1f","n":42,"t":1790000000123,"event":"heartbeat","interval":10,"metrics":{"cpu_monitor.cpu_percent":95.2,"disk_monitor./.percent":81.0}}"#;

fn plain(text: &str) -> Result<Datagram, Reject> {
    decode(text.as_bytes(), &Keyring::default())
}

/// The usual datagram with one part replaced.
fn with(part: &str, other: &str) -> String {
    assert!(PLAIN.contains(part), "{part}");
    PLAIN.replacen(part, other, 1)
}

fn heartbeat(event: Event) -> Datagram {
    Datagram {
        event,
        ..plain(PLAIN).unwrap()
    }
}

#[track_caller]
fn check(datagram: &str, expected: Reject) {
    assert_eq!(plain(datagram), Err(expected), "{datagram}");
}

#[test]
fn when_it_is_sound() {
    let datagram = plain(PLAIN).unwrap();
    assert_eq!(datagram.host, "web-01");
    assert_eq!(datagram.boot, "8c1f");
    assert_eq!(
        (datagram.counter, datagram.sent_at_ms),
        (42, 1_790_000_000_123)
    );
    assert_eq!(datagram.event, Event::Heartbeat);
    assert_eq!(datagram.interval, Some(Duration::from_secs(10)));
    let metrics = [
        ("cpu_monitor.cpu_percent", 95.2),
        ("disk_monitor./.percent", 81.0),
    ];
    assert_eq!(
        datagram.metrics,
        metrics.map(|(path, value)| (path.into(), value))
    );
    assert!(!datagram.signed);
    assert_eq!(datagram.encode(None).unwrap(), PLAIN.as_bytes());
}

#[test]
fn when_it_is_written_in_another_way() {
    let same = plain(PLAIN).unwrap();
    for other in [
        format!(" \n{}\r\n\t", PLAIN.replace(':', " : ").replace(',', "\n,")),
        with("\"web-01\"", r#""\u0077eb-01""#),
        with("\"host\"", r#""\u0068ost""#),
        with("\"interval\":10", "\"interval\":1e1"),
        with("81.0", "81"),
        with("{\"v\":1,", "{").replace("}}", "},\"v\":1}"),
    ] {
        assert_eq!(plain(&other).as_ref(), Ok(&same), "{other}");
    }
}

#[test]
fn when_a_later_minor_addition_is_in_it() {
    for addition in [
        r#""zone":"eu""#,
        r#""tags":["a",{"b":[null,true,-1,0.5,1e300]}]"#,
        r#""deep":[[[[[[[[]]]]]]]]"#,
        r#""V":2,"Host":"x","":0"#,
    ] {
        let datagram = with("\"n\":42", &format!("{addition},\"n\":42"));
        assert_eq!(plain(&datagram), plain(PLAIN), "{datagram}");
    }
}

#[test]
fn when_it_reports_an_event() {
    let shutdown = |expected| Event::Shutdown { expected };
    for event in [
        Event::Boot,
        shutdown(None),
        shutdown(Some(Duration::ZERO)),
        shutdown(Some(Duration::from_millis(1500))),
        shutdown(Some(Duration::from_secs(30 * 24 * 3600))),
        Event::Message("disk sda reports \"errors\" \u{1f4a5}".into()),
    ] {
        let datagram = heartbeat(event);
        let bytes = datagram.encode(None).unwrap();
        assert_eq!(decode(&bytes, &Keyring::default()), Ok(datagram));
    }
}

#[test]
fn when_it_has_no_content() {
    check("", Reject::Empty);
    check(" ", Reject::Malformed);
}

#[test]
fn when_it_is_too_long() {
    let blanks = |length: usize| format!("{PLAIN}{}", " ".repeat(length - PLAIN.len()));
    assert!(plain(&blanks(1200)).is_ok());
    check(&blanks(1201), Reject::TooLong);
    check(&blanks(65_507), Reject::TooLong);
    check(&"[".repeat(65_507), Reject::TooLong);
}

#[test]
fn when_it_is_cut() {
    for length in 1..PLAIN.len() {
        check(&PLAIN[..length], Reject::Malformed);
    }
}

#[test]
fn when_it_is_not_the_object() {
    for datagram in [
        "hello",
        "[]",
        "\"v\"",
        "1",
        "null",
        "{}",
        "{{",
        "{\"v\":1}",
        "<xml/>",
        "\u{feff}{}",
    ] {
        check(datagram, Reject::Malformed);
    }
    check(&format!("{PLAIN}{PLAIN}"), Reject::Malformed);
    check(&format!("{PLAIN}\0"), Reject::Malformed);
    for part in [
        "\"v\":1,",
        "\"host\":\"web-01\",",
        "\"boot\":\"8c1f\",",
        "\"n\":42,",
        "\"t\":1790000000123,",
        "\"event\":\"heartbeat\",",
    ] {
        check(&with(part, ""), Reject::Malformed);
    }
    for (part, other) in [
        ("\"web-01\"", "1"),
        ("\"web-01\"", "null"),
        ("\"8c1f\"", "[]"),
        ("42", "\"42\""),
        ("42", "null"),
        ("\"heartbeat\"", "\"Heartbeat\""),
        ("\"heartbeat\"", "\"reboot\""),
        ("10", "\"10\""),
        ("10", "null"),
        ("95.2", "\"95.2\""),
        ("95.2", "null"),
        ("95.2", "{}"),
        ("\"web-01\"", r#""\ud800""#),
        ("\"web-01\"", "'web-01'"),
        ("\"n\":", "n:"),
        ("81.0}}", "81.0},}"),
    ] {
        check(&with(part, other), Reject::Malformed);
    }
    let mut bytes = PLAIN.as_bytes().to_vec();
    bytes[18] = 0xff;
    assert_eq!(decode(&bytes, &Keyring::default()), Err(Reject::Malformed));
}

#[test]
fn when_it_is_deeply_nested() {
    let nested = |depth: usize| {
        let value = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        with("\"n\":42", &format!("\"x\":{value},\"n\":42"))
    };
    assert!(plain(&nested(8)).is_ok());
    check(&nested(9), Reject::Malformed);
    check(&nested(500), Reject::Malformed);
    check(&"{\"x\":".repeat(200), Reject::Malformed);
    check(&"[".repeat(1200), Reject::Malformed);
}

#[test]
fn when_it_is_of_another_version() {
    for version in ["0", "2", "-1", "1.5", "18446744073709551616"] {
        check(
            &with("\"v\":1", &format!("\"v\":{version}")),
            Reject::Version,
        );
    }
    // Whatever that version may look like.
    check("{\"v\":2,\"host\":{\"name\":\"web-01\"}}", Reject::Version);
    check("{\"v\":2", Reject::Version);
    check(&with("\"v\":1", "\"v\":\"1\""), Reject::Malformed);
}

#[test]
fn when_a_number_is_out_of_range() {
    for (part, others) in [
        (
            "42",
            &[
                "-1",
                "-0",
                "1.5",
                "1e3",
                "18446744073709551616",
                "NaN",
                "1e999",
            ][..],
        ),
        (
            "1790000000123",
            &["-1", "0.5", "253402300800000", "9223372036854775808"],
        ),
        (
            "10",
            &[
                "0",
                "0.0999",
                "-10",
                "86400.001",
                "86401",
                "1e18",
                "1e999",
                "Infinity",
            ],
        ),
        (
            "95.2",
            &[
                "NaN",
                "Infinity",
                "-Infinity",
                "1e999",
                "-1e999",
                "+1",
                "01",
                ".5",
            ],
        ),
    ] {
        for other in others {
            check(&with(part, other), Reject::Number);
        }
    }
    for absence in ["-1", "2592001", "1e999"] {
        let event = format!("\"shutdown\",\"down_for\":{absence}");
        check(&with("\"heartbeat\"", &event), Reject::Number);
    }
    for (part, good) in [
        ("42", "0"),
        ("42", "18446744073709551615"),
        ("10", "0.1"),
        ("10", "86400"),
    ] {
        assert!(plain(&with(part, good)).is_ok());
    }
}

#[test]
fn when_a_name_is_none() {
    for name in [
        "",
        " web",
        r"a\nb",
        r"a\u0000b",
        r"a\u001b[31m",
        "a\u{202e}b",
        r"a\u202eb",
        "a\u{200b}b",
        "a\u{2028}b",
        &"x".repeat(254),
    ] {
        check(&with("web-01", name), Reject::Name);
    }
    for boot in ["", "a b", "ä", r"\n", &"x".repeat(65)] {
        check(&with("8c1f", boot), Reject::Name);
    }
    for path in [
        "",
        "cpu",
        ".cpu",
        "cpu.",
        "cpu..x",
        "cpu. x",
        r"cpu.\t",
        "cpu.\u{202e}x",
        &format!("cpu.{}", "x".repeat(125)),
    ] {
        check(&with("cpu_monitor.cpu_percent", path), Reject::Name);
    }
    for text in ["", r"two\nlines", r"\u0007", "a\u{202e}b", &"x".repeat(513)] {
        let event = format!("\"message\",\"message\":\"{text}\"");
        check(&with("\"heartbeat\"", &event), Reject::Name);
    }
}

#[test]
fn when_a_raw_control_character_is_in_it() {
    check(&with("web-01", "web\n01"), Reject::Malformed);
    check(&with("web-01", "web\u{1}01"), Reject::Malformed);
}

#[test]
fn when_a_member_stands_twice() {
    for twice in [
        "\"v\":1",
        "\"host\":\"web-01\"",
        "\"n\":42",
        "\"n\":43",
        "\"event\":\"heartbeat\"",
        "\"interval\":10",
        "\"metrics\":{}",
        "\"x\":1,\"x\":2",
        "\"x\":1,\"\\u0078\":1",
        r#""\u006e":42"#,
        "\"x\":{\"y\":1,\"y\":1}",
        "\"x\":[{\"y\":1,\"y\":1}]",
    ] {
        check(
            &with("\"n\":42", &format!("\"n\":42,{twice}")),
            Reject::Malformed,
        );
    }
    check(
        &with("81.0", "81.0,\"disk_monitor./.percent\":81.0"),
        Reject::Malformed,
    );
    check(
        &with("81.0", r#"81.0,"disk_monitor.\/.percent":81.0"#),
        Reject::Malformed,
    );
}

#[test]
fn when_a_member_belongs_to_another_event() {
    for (event, member) in [
        ("heartbeat", "\"down_for\":60"),
        ("boot", "\"down_for\":60"),
        ("message", "\"down_for\":60"),
        ("heartbeat", "\"message\":\"x\""),
        ("shutdown", "\"message\":\"x\""),
        ("message", "\"x\":0"),
    ] {
        let datagram = with("\"heartbeat\"", &format!("\"{event}\",{member}"));
        check(&datagram, Reject::Malformed);
    }
}

#[test]
fn when_there_are_too_many_metrics() {
    let many = |count: usize| {
        let metrics: Vec<String> = (0..count).map(|at| format!("\"m.{at}\":{at}")).collect();
        let start = PLAIN.find("\"cpu").unwrap();
        format!("{}{}}}}}", &PLAIN[..start], metrics.join(","))
    };
    assert_eq!(plain(&many(64)).unwrap().metrics.len(), 64);
    assert!(plain(&many(0)).unwrap().metrics.is_empty());
    check(&many(65), Reject::TooManyMetrics);
}
