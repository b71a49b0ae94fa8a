//! The signal channel against the real signal-cli, which has no account: its
//! argument forms, its transports and what it says of an unknown account.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod command_line;
mod daemon;
mod program;
mod same_answers;

use annunciator::Engine;
use annunciator_testkit::rig::Rig;

/// An account that no signal-cli here knows.
const USER: &str = "+12025550123";

/// An engine with a signal channel of these lines of YAML.
async fn engine(lines: &[String]) -> (Rig, Engine) {
    let rig = Rig::new(&["annunciator-signal"]).unwrap();
    let engine = rig.start(&yaml(lines)).await.unwrap();
    (rig, engine)
}

/// The configuration of a signal channel of these lines of YAML.
fn yaml(lines: &[String]) -> String {
    let lines: String = lines.iter().map(|line| format!("    {line}\n")).collect();
    format!(
        "notification_channels:\n  phone:\n    type: signal\n    user: {USER}\n{lines}\
         default_notification_channels: [phone]\n"
    )
}
