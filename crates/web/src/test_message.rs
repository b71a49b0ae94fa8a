//! The message by which somebody tries a channel.

use annunciator::{Kind, Notification};

/// Returns a message that tries a channel: no rule suppresses it. `program` is who sends it, such
/// as `hbd`; without a title or a text, it says what it is.
pub fn test_message(program: &str, title: Option<&str>, text: Option<&str>) -> Notification {
    let given = |text: Option<&str>| {
        let text = text.map(str::trim).filter(|text| !text.is_empty());
        text.map(str::to_owned)
    };
    let title = given(title).unwrap_or_else(|| format!("Test of {program}"));
    let text = given(text).unwrap_or_else(|| "Test notification".to_owned());
    Notification::new(text).title(title).kind(Kind::Test)
}
