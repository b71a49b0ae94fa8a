//! `--dry-run`: who would get a message.

use annunciator_monitor::timestamp::format_timestamp;
use serde_json::Value as Json;

use super::{route::relative, send};
use crate::{
    Exit,
    output::{Output, one_line},
};

/// What is said of one whose key was used before.
pub(super) const REPEATED: &str = "nothing would be sent: its key was used before";

/// Prints what would be sent where and when. Fails where nobody would be told.
pub(super) fn print(preview: &Json, json: bool, is_recovery: bool, output: &Output) -> Exit {
    let channels = preview["channels"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    if channels.is_empty() {
        return send::nobody("would be", output);
    }
    if json {
        output.json(preview);
    } else {
        let now_ms = preview["at_ms"].as_i64().unwrap_or_default();
        let rows: Vec<[String; 4]> = channels
            .iter()
            .map(|channel| {
                let at_ms = channel["at_ms"].as_i64().unwrap_or(now_ms);
                let text = |name: &str| one_line(channel[name].as_str().unwrap_or_default());
                [
                    relative(at_ms, now_ms),
                    format_timestamp(at_ms).to_string(),
                    text("channel"),
                    text("what"),
                ]
            })
            .collect();
        output.table(["WHEN", "AT", "CHANNEL", "WHAT"], &rows);
        if is_recovery {
            output.line("those of them that should have been told the problem, and were not, are not told of its end");
        }
        output.line("nothing was sent");
    }
    if preview["told"] == true {
        Exit::Ok
    } else {
        Exit::Failed
    }
}
