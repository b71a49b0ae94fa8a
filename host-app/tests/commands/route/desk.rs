//! A configuration with a group and quiet hours, and `hbd` beside it.

use annunciator_testkit::rig::Rig;
use serde_json::Value;

/// By day the chat is notified; `deaf` never is of anything mild.
pub const YAML: &str = r#"notification_channels:
  pager: {type: steady}
  mail: {type: steady, proves: delivered}
  chat: {type: steady, delivery: {quiet_hours: {from: "22:00", to: "07:00", timezone: Europe/Berlin}}}
  deaf: {type: steady, delivery: {min_severity: critical}}
notification_groups:
  oncall: {first_of: [deaf, pager, mail], until: delivered, step_after: 5m}
default_notification_channels: [mail]
threshold_configs:
  usual: {cpu.percent: {warning: "> 90"}}
  once: {cpu.percent: {warning: "> 90"}, renotify: never}
hosts:
  web-01: {notification_channels: [oncall, chat], threshold_config: usual}
  db-01: {notification_channels: [pager, chat], threshold_config: once}
"#;

pub struct Desk {
    pub rig: Rig,
}

impl Desk {
    pub fn new(yaml: &str) -> Self {
        let rig = Rig::new(&["fixture-steady"]).unwrap();
        drop(rig.exactly(yaml).unwrap());
        Self { rig }
    }

    /// With these tests.
    pub fn with_tests(tests: &str) -> Self {
        Self::new(&format!("{YAML}route_tests:\n{tests}"))
    }

    /// Exit status, standard output, standard error.
    pub fn run(&self, args: &[&str]) -> (i32, String, String) {
        self.rig.hbd(env!("CARGO_BIN_EXE_hbd"), args).unwrap()
    }

    pub fn json(&self, args: &[&str]) -> Value {
        let (_, out, err) = self.run(args);
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"))
    }
}
