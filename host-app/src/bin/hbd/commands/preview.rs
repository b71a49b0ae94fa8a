//! `--dry-run`: prints who would be notified.

use annunciator_monitor::timestamp::format_timestamp;
use annunciator_web::planned::Preview;
use serde_json::json;

use super::{route::relative, send};
use crate::{
    Exit,
    output::{Output, one_line},
};

/// What is printed if the key was used before.
pub(super) const REPEATED: &str = "nothing would be sent: its key was used before";

/// Prints what would be sent where and when. Fails if nobody would be notified.
pub(super) fn print(preview: &Preview, as_json: bool, is_recovery: bool, output: &Output) -> Exit {
    if preview.channels.is_empty() {
        return send::nobody("would be", output);
    }
    if as_json {
        output.json(&json!(preview));
    } else {
        let rows: Vec<[String; 4]> = preview
            .channels
            .iter()
            .map(|channel| {
                let at_ms = channel.planned.at_ms;
                [
                    relative(at_ms, preview.at_ms),
                    format_timestamp(at_ms).to_string(),
                    one_line(&channel.planned.channel),
                    one_line(&channel.what),
                ]
            })
            .collect();
        output.table(["WHEN", "AT", "CHANNEL", "WHAT"], &rows);
        if is_recovery {
            output.line("those of them that should have been notified of the problem, and were not, are not notified of its end");
        }
        output.line("nothing was sent");
    }
    if preview.notified {
        Exit::Ok
    } else {
        Exit::Failed
    }
}
