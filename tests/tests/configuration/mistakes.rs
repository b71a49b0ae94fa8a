//! Wrong configurations, and the sentences that their authors read: every
//! problem at once, at file:line:column, with what would be right.

use annunciator_tests::said::{check, rig, said, settings};

#[test]
fn when_all_is_well_nothing_is_said() {
    check(&settings("text: hello"), &[]);
}

#[test]
fn a_slip_in_a_field_is_recognised() {
    check(
        &settings("tekst: hello"),
        &[
            "heartbeat.yaml:2:21: error: channel s: tekst: unknown field (help: did you mean `text`?)",
        ],
    );
}

#[test]
fn a_field_that_is_like_none_is_answered_with_all_there_are() {
    let said = said(&settings("xyzzy: 1"));
    assert!(
        said[0].contains("(help: the fields are: choice, flag, inner, list,"),
        "{said:?}"
    );
}

#[test]
fn text_where_a_number_is_wanted() {
    check(
        &settings("port: \"587\""),
        &[
            "heartbeat.yaml:2:27: error: channel s: port: expected a whole number, found `587` (help: write the number without quotes)",
        ],
    );
    check(
        &settings("port: many"),
        &["heartbeat.yaml:2:27: error: channel s: port: expected a whole number, found `many`"],
    );
    check(
        &settings("port: 70000"),
        &[
            "heartbeat.yaml:2:27: error: channel s: port: 70000 is out of range: it must be between 0 and 65535",
        ],
    );
}

#[test]
fn a_word_where_a_switch_is_wanted() {
    check(
        &settings("flag: yes"),
        &[
            "heartbeat.yaml:2:27: error: channel s: flag: expected true or false, found `yes` (help: write true or false)",
        ],
    );
}

#[test]
fn one_item_where_a_list_is_wanted() {
    check(
        &settings("list: alone"),
        &[
            "heartbeat.yaml:2:27: error: channel s: list: expected a list, found `alone` (help: write a list: [alone])",
        ],
    );
}

#[test]
fn a_word_that_is_no_choice() {
    check(
        &settings("choice: fance"),
        &[
            "heartbeat.yaml:2:29: error: channel s: choice: `fance` is not one of the possible values (help: did you mean `fancy`?)",
        ],
    );
}

#[test]
fn a_missing_field_one_level_down() {
    check(
        &settings("inner: {}"),
        &[
            "heartbeat.yaml:2:28: error: channel s: inner.needed: this field is missing (help: needed: A text that must be there.)",
        ],
    );
}

#[test]
fn nothing_where_text_is_wanted() {
    check(
        &settings("text: "),
        &["heartbeat.yaml:2:25: error: channel s: text: there is no value; expected text"],
    );
}

#[test]
fn a_mapping_where_text_is_wanted() {
    check(
        &settings("text: {a: 1, b: 2}"),
        &[
            "heartbeat.yaml:2:27: error: channel s: text: expected text, found a mapping (help: write the text itself, or one of {env: …}, {file: …}, {credential: …})",
        ],
    );
}

#[test]
fn fields_that_exclude_each_other() {
    check(
        &settings("flag: true, maybe: x"),
        &[
            "heartbeat.yaml:2:40: error: channel s: maybe: flag and maybe exclude each other (help: remove one of them)",
        ],
    );
}

#[test]
fn a_warning_of_the_plugin_stands_at_its_item() {
    check(
        &settings("list: [even, odd]"),
        &["heartbeat.yaml:2:34: warning: channel s: list[1]: this looks odd"],
    );
}

#[test]
fn an_unknown_channel_type_is_answered_with_those_that_are_loaded() {
    check(
        "notification_channels:\n  s: {type: stedy}\n",
        &[
            "heartbeat.yaml:2:13: error: channel s: type: unknown channel type `stedy` (help: did you mean `steady`? the types are: steady)",
        ],
    );
}

#[test]
fn a_channel_without_a_type_and_one_without_anything() {
    check(
        "notification_channels:\n  a: {text: x}\n  b:\n  c: text\n  d: {type: [steady]}\n",
        &[
            "heartbeat.yaml:2:3: error: channel a: type: this field is missing (help: type: says which kind of channel it is, such as email)",
            "heartbeat.yaml:3:3: error: channel b: expected the channel's settings, found nothing (help: write at least `type:` below the name)",
            "heartbeat.yaml:4:6: error: channel c: expected the channel's settings, found text (help: write at least `type:` below the name)",
            "heartbeat.yaml:5:13: error: channel d: type: expected text, found a list",
        ],
    );
}

#[test]
fn names_of_channels_that_do_not_exist() {
    let yaml = "notification_channels:
  signal_ops: {type: steady}
default_notification_channels: [signal_op]
hosts:
  web: {notification_channels: [signal_ops, pager]}
";
    check(
        yaml,
        &[
            "heartbeat.yaml:3:33: error: default_notification_channels[0]: there is no channel `signal_op` (help: did you mean `signal_ops`?)",
            "heartbeat.yaml:5:45: error: host web: notification_channels[1]: there is no channel `pager` (help: the channels are: signal_ops)",
        ],
    );
}

#[test]
fn a_channel_that_is_defined_wrongly_is_not_called_missing() {
    let yaml = "notification_channels:\n  a: {type: nothing}\ndefault_notification_channels: [a]\n";
    assert_eq!(said(yaml).len(), 1);
}

#[test]
fn empty_lists_and_things_that_are_no_lists() {
    let yaml = "notification_channels: {a: {type: steady}}
default_notification_channels: []
hosts:
  x: {notification_channels: []}
  y: {notification_channels: a}
  z: {notification_channels: }
";
    check(
        yaml,
        &[
            "heartbeat.yaml:2:32: error: default_notification_channels: the list is empty: nobody would be notified (help: name a channel, or omit the key to have no defaults)",
            "heartbeat.yaml:4:30: error: host x: notification_channels: the list is empty: nobody would be notified (help: name a channel, or omit the key to use the default channels)",
            "heartbeat.yaml:5:30: error: host y: notification_channels: expected a list of channel names, found text (help: write a list: [a])",
            "heartbeat.yaml:6:28: error: host z: notification_channels: expected a list of channel names, found nothing (help: omit the key to use the default channels)",
        ],
    );
}

#[test]
fn a_key_that_stands_twice() {
    let yaml = "notification_channels:
  a: {type: steady}
  a: {type: steady}
hosts:
  x: {watch: true, watch: false}
";
    check(
        yaml,
        &[
            "heartbeat.yaml:3:3: error: this key is given twice (help: merge the two, or give one of them another name)",
            "heartbeat.yaml:5:20: error: the key `watch` is given twice (help: merge the two, or give one of them another name)",
        ],
    );
}

#[test]
fn what_others_may_read_is_only_a_warning() {
    let yaml = "notification_channels: {a: {type: steady}}
hosst: {}
default_notification_channels: [a]
hosts:
  x: {wacth: true}
";
    check(
        yaml,
        &[
            "heartbeat.yaml:2:1: warning: hosst: unknown section; perhaps another program reads it (help: did you mean `hosts`?)",
            "heartbeat.yaml:5:7: warning: host x: wacth: unknown field (help: did you mean `watch`?)",
        ],
    );
}

#[test]
fn hosts_of_the_wrong_shape() {
    let yaml = "notification_channels: {a: {type: steady}}
hosts:
  w: {watch: 1}
  x: nothing
  y:
  z: {threshold_config: [a]}
";
    check(
        yaml,
        &[
            "heartbeat.yaml:3:14: error: host w: watch: expected true or false, found a whole number (help: write true or false)",
            "heartbeat.yaml:4:6: error: host x: expected the host's settings, found text",
            "heartbeat.yaml:6:25: error: host z: threshold_config: expected the name of a threshold configuration, found a list",
        ],
    );
}

#[test]
fn options_of_the_engine() {
    let yaml = "notification_channels:
  a: {type: steady, delivery: {timeout: 30}}
  b: {type: steady, delivery: {timout: 30s}}
  c: {type: steady, delivery: {required: perhaps}}
  d: {type: steady, delivery: fast}
";
    check(
        yaml,
        &[
            "heartbeat.yaml:2:41: error: channel a: delivery.timeout: `30` is not a duration (help: write a number with its unit, such as 30s)",
            "heartbeat.yaml:3:32: error: channel b: delivery.timout: unknown field (help: did you mean `timeout`?)",
            "heartbeat.yaml:4:42: error: channel c: delivery.required: expected true or false, found `perhaps` (help: write true or false)",
            "heartbeat.yaml:5:31: error: channel d: delivery: expected a mapping, found `fast`",
        ],
    );
}

#[test]
fn a_file_that_is_no_yaml() {
    let said = said("notification_channels:\n  a: [unclosed\n  b: {type: steady}\n");
    assert_eq!(said.len(), 1);
    assert!(said[0].starts_with("heartbeat.yaml:3:"), "{said:?}");
    assert!(said[0].contains("error: this is not YAML: "), "{said:?}");
}

#[test]
fn a_file_that_is_indented_with_tabs() {
    let said = said("notification_channels:\n\ta: {type: steady}\n");
    assert!(
        said[0].contains("(help: YAML is indented with spaces, never with tabs)"),
        "{said:?}"
    );
}

#[test]
fn files_with_nothing_or_something_else_in_them() {
    assert_eq!(said("")[0], "heartbeat.yaml: error: the file is empty");
    assert_eq!(
        said("# nothing\n"),
        ["heartbeat.yaml: error: the file is empty"]
    );
    for yaml in ["- a\n- b\n", "text\n"] {
        let said = said(yaml);
        assert!(
            said[0].contains("expected a mapping with notification_channels and hosts"),
            "{said:?}"
        );
    }
    let said = said("hosts: {}\n");
    assert!(
        said[0].contains("warning: notification_channels: no channel is defined"),
        "{said:?}"
    );
}

#[test]
fn a_file_that_is_not_there() {
    let rig = rig();
    let error = annunciator::Engine::builder(rig.folder().join("absent.yaml"))
        .load()
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("absent.yaml cannot be read: No such file"),
        "{error}"
    );
}

#[test]
fn plugin_folders_of_the_wrong_kind() {
    let yaml =
        "notification_channels: {a: {type: steady}}\nplugins: {dirs: [relative/dir], drs: 1}\n";
    check(
        yaml,
        &[
            "heartbeat.yaml:2:18: error: plugins.dirs[0]: expected the absolute path of a folder (help: write the absolute path, from /)",
            "heartbeat.yaml:2:33: warning: plugins.drs: unknown field (help: did you mean `dirs`?)",
        ],
    );
}

#[test]
fn a_host_whose_messages_nobody_would_get() {
    let yaml = "notification_channels: {a: {type: steady}}
hosts:
  web: {watch: true}
  db: {notification_channels: [a]}
  dns: {}
";
    check(
        yaml,
        &[
            "heartbeat.yaml:3:3: warning: hosts web and 1 more have no channels, and there are no defaults: nobody would be notified (help: name channels for the host, or default_notification_channels for all that have none)",
        ],
    );
    check(
        &yaml.replace("  dns: {}\n", ""),
        &[
            "heartbeat.yaml:3:3: warning: host web has no channels, and there are no defaults: nobody would be notified (help: name channels for the host, or default_notification_channels for all that have none)",
        ],
    );
}

#[test]
fn a_section_that_is_nearly_called_like_one_that_is_missing() {
    let said = said("notification_channel: {a: {type: steady}}\n");
    assert!(said.iter().any(|line| line == "heartbeat.yaml:1:1: error: notification_channel: unknown section (help: did you mean `notification_channels`?)"), "{said:?}");
}

#[test]
fn a_byte_order_mark_does_no_harm() {
    check(
        "\u{feff}notification_channels: {a: {type: steady}}\ndefault_notification_channels: [a]\n",
        &[],
    );
}

#[test]
fn a_slip_in_yaml_itself_is_explained() {
    for (yaml, help) in [
        (
            "notification_channels:\n  a:\n    type:steady\n    text: x\n",
            "a space must follow each colon",
        ),
        (
            "notification_channels:\n  a: {type: steady, text: @ops}\n",
            "put the value in quotes",
        ),
        ("a: 1\n---\nb: 2\n", "a line `---` begins another document"),
    ] {
        let said = said(yaml);
        assert!(said[0].contains(help), "{said:?}");
    }
}

/// To look through all names for the nearest takes longer than to say that there is none.
#[test]
fn of_very_many_wrong_names_the_first_hundred_are_answered_with_one_that_may_be_meant() {
    let hosts: String = (0..150)
        .map(|host| format!("  h{host}: {{notification_channels: [stedy]}}\n"))
        .collect();
    let said = said(&format!(
        "notification_channels:\n  steady: {{type: steady}}\nhosts:\n{hosts}"
    ));
    assert_eq!(said.len(), 150, "{said:?}");
    let answered = said.iter().filter(|line| line.contains("did you mean"));
    assert_eq!(answered.count(), 100);
}
