//! The message by which somebody tries a channel.

use annunciator::{Kind, Notification};

/// Returns a message that tries a channel: no rule suppresses it. `program` is who sends it, such
/// as `hbd`; without a text, it says what it is.
pub fn test_message(program: &str, text: Option<&str>) -> Notification {
    let text = text.map(str::trim).filter(|text| !text.is_empty());
    Notification::new(text.unwrap_or("Test notification"))
        .title(format!("Test of {program}"))
        .kind(Kind::Test)
}
