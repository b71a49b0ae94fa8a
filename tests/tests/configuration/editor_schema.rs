//! The schema that `hbd schema` prints, judged by a validator that is not ours.

use std::{fs, path::Path};

use annunciator::{Catalog, PluginDir, document_schema};
use annunciator_testkit::artefacts::plugin_folder;
use jsonschema::Validator;
use serde_json::Value;

fn validator() -> Validator {
    let packages = [
        "annunciator-email",
        "annunciator-pushover",
        "annunciator-signal",
        "annunciator-mattermost",
    ];
    let folder = plugin_folder(&packages).unwrap();
    let catalog = Catalog::scan(&[PluginDir::named(folder.path())]);
    let types: Vec<_> = catalog
        .channel_types()
        .map(|name| catalog.describe(name).unwrap())
        .collect();
    let schema = document_schema(&types);
    jsonschema::meta::validate(&schema).unwrap();
    jsonschema::validator_for(&schema).unwrap()
}

fn complaints(yaml: &str) -> Vec<String> {
    let value: Value = serde_yaml::from_str(yaml).unwrap();
    validator()
        .iter_errors(&value)
        .map(|error| error.to_string())
        .collect()
}

#[test]
fn it_accepts_every_example() {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config");
    for entry in fs::read_dir(config).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "yaml")
        {
            let said = complaints(&fs::read_to_string(&path).unwrap());
            assert!(said.is_empty(), "{}: {said:?}", path.display());
        }
    }
}

#[test]
fn it_accepts_values_from_elsewhere() {
    let yaml = "notification_channels:
  a: {type: pushover, token: {env: TOKEN}, user: {file: /etc/user}}
  b: {type: mattermost, host: h, token: {credential: hook}, channel: ops, delivery: {timeout: 5s}}
";
    assert_eq!(complaints(yaml), [] as [String; 0]);
}

#[test]
fn it_accepts_every_option_of_the_engine() {
    let options = "timeout: 30s, required: true, min_severity: warning, ttl: 24h, on_unknown: ask,
    retry: {attempts: 8, first: 500ms, max: 10m}, dedup: 1h 30m, rate_limit: 100/10m,
    quiet_hours: {from: '22:00', to: '7:00', timezone: Europe/Berlin, except: critical}";
    let yaml = format!(
        "delivery: {{{options}, store: /var/lib/x.sqlite, wait: 5s}}
notification_channels:
  a: {{type: mattermost, host: h, token: t, channel: ops, delivery: {{{options}}}}}
  b: {{type: mattermost, host: h, token: t, channel: ops, delivery: {{quiet_hours: none, dedup: none, rate_limit: none}}}}
notification_groups:
  oncall: {{first_of: [a, b], until: acknowledged, step_after: 2m}}
"
    );
    assert_eq!(complaints(&yaml), [] as [String; 0]);
}

#[test]
fn it_marks_what_hbd_check_would_refuse() {
    for wrong in [
        "notification_channels: {a: {type: nothing}}",
        "notification_channels: {a: {recipients: [x]}}",
        "notification_channels: {a: {type: mattermost, host: h, chanel: ops}}",
        "notification_channels: {a: {type: email, recipients: x, sender: s, smtp_server: h}}",
        "notification_channels: {a: {type: email, recipients: [x], sender: s, smtp_server: h, smtp_port: many}}",
        "notification_channels: {a: {type: email, recipients: [x], sender: s, smtp_server: h, smtp_tls: maybe}}",
        "notification_channels: {a: {type: signal, user: {envv: X}, recipient: +1}}",
        "notification_channels: {a: {type: email, sender: s, smtp_server: h, delivery: {tiemout: 1s}}}",
        "notification_channels: {a: {type: email, sender: s, smtp_server: h, delivery: {store: /x}}}",
        "delivery: {ttl: 30}",
        "delivery: {retry: {attempts: 0}}",
        "delivery: {rate_limit: 30}",
        "delivery: {on_unknown: panic}",
        "delivery: {quiet_hours: {from: '22:00'}}",
        "delivery: {quiet_hours: {from: '24:00', to: '07:00'}}",
        "delivery: {store: outbox.sqlite}",
        "notification_groups: {a: {}}",
        "notification_groups: {a: {first_of: []}}",
        "notification_groups: {a: {first_of: [b], until: soon}}",
        "notification_groups: {a: {first_of: [b], step_afer: 1m}}",
        "default_notification_channels: []",
        "hosts: {h: {watch: sometimes}}",
    ] {
        assert!(!complaints(wrong).is_empty(), "{wrong}");
    }
}
