//! Quiet hours as they are written, and what is said about those that are none.

use annunciator::Severity;
use annunciator_tests::said::{check, rig};

fn yaml(hours: &str) -> String {
    format!(
        "notification_channels:
  ops:
    type: steady
    delivery:
      quiet_hours: {hours}
"
    )
}

/// One problem of the hours, which stand from column 20 of line 5.
fn wrong(hours: &str, column: usize, sentence: &str) {
    let field = "channel ops: delivery.quiet_hours";
    let line = format!("heartbeat.yaml:5:{column}: error: {field}{sentence}");
    check(&yaml(hours), &[&line]);
}

#[test]
fn times_of_day_need_no_quotes_and_no_time_zone() {
    for hours in [
        "{from: 22:00, to: 7:00}",
        "{from: '22:00', to: \"07:00\"}",
        "\n        from: 22:00\n        to: 07:00",
    ] {
        let loaded = rig().exactly(&yaml(hours)).unwrap().load().unwrap();
        let options = loaded.config.channel("ops").unwrap().options();
        let quiet = options.quiet_hours.clone().unwrap();
        assert_eq!((quiet.from_minute, quiet.to_minute), (1320, 420));
        assert_eq!(
            (quiet.timezone(), quiet.except),
            ("UTC", Severity::Critical)
        );
    }
}

#[test]
fn hours_that_are_none() {
    wrong("night", 20, ": expected a mapping or `none`, found `night`");
    wrong(
        "{from: 22:00}",
        20,
        ".to: this field is missing (help: to: When quiet hours end, such as `\"07:00\"`. An earlier time than `from` is on the next day.)",
    );
    wrong(
        "{from: 22:00, to: 22:00}",
        38,
        ".to: the quiet hours end when they begin (help: write another time for `to`; to be sent nothing at all, remove the channel)",
    );
    wrong(
        "{from: 22:00, to: 24:00}",
        38,
        ".to: `24:00` is not a time of day (help: midnight is \"00:00\")",
    );
    wrong(
        "{from: 10pm, to: 07:00}",
        27,
        ".from: `10pm` is not a time of day (help: write hours and minutes, from \"00:00\" to \"23:59\")",
    );
    // What a program of YAML 1.1 makes of 22:00.
    wrong(
        "{from: 1320, to: 07:00}",
        27,
        ".from: `1320` is not a time of day (help: write hours and minutes in quotes: \"22:00\", if that is what was meant)",
    );
    wrong(
        "{from: 22:00, to: 07:00, except: info}",
        53,
        ".except: `info` lets everything through: no hours would be quiet (help: write warning or critical)",
    );
}

#[test]
fn time_zones_that_there_are_not() {
    for (zone, help) in [
        ("Europe/Berln", "did you mean `Europe/Berlin`?"),
        ("berlin", "did you mean `Europe/Berlin`?"),
        ("New York", "did you mean `America/New_York`?"),
        (
            "xyz",
            "write a name of the IANA database, such as Europe/Berlin or UTC",
        ),
    ] {
        wrong(
            &format!("{{from: 22:00, to: 07:00, timezone: {zone}}}"),
            55,
            &format!(".timezone: unknown time zone `{zone}` (help: {help})"),
        );
    }
}
