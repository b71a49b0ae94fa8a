//! The HTML part: the same text as the text part, with a colour for the severity. It has no images
//! and no scripts, and loads nothing from elsewhere.

use std::fmt::Write;

use annunciator_sdk::{Kind, Notification, Severity};

/// Returns the HTML page of a notification, with links to a page about it and to where somebody
/// takes over, if there are any.
pub(crate) fn page(
    notification: &Notification,
    body: &str,
    link: Option<&str>,
    acknowledge: Option<&str>,
) -> String {
    let colour = match (notification.kind(), notification.severity()) {
        (Kind::Recovery, _) => "#2e7d32",
        (_, Severity::Critical) => "#c62828",
        (_, Severity::Warning) => "#ef6c00",
        (_, Severity::Info) => "#1565c0",
    };
    let mut page = String::with_capacity(body.len() + 512);
    let _ = write!(
        page,
        "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"></head>\n\
         <body style=\"font-family:sans-serif\">\n\
         <div style=\"border-left:6px solid {colour};padding:4px 12px\">\n"
    );
    if let Some(title) = notification.title() {
        page.push_str("<h3 style=\"margin:0 0 8px\">");
        escape(title, &mut page);
        page.push_str("</h3>\n");
    }
    page.push_str("<div style=\"white-space:pre-wrap\">");
    escape(body, &mut page);
    page.push_str("</div>\n");
    if let Some(link) = link {
        let mut address = String::new();
        escape(link, &mut address);
        let _ = writeln!(page, "<p><a href=\"{address}\">{address}</a></p>");
    }
    if let Some(link) = acknowledge {
        page.push_str("<p><a href=\"");
        escape(link, &mut page);
        page.push_str("\">Acknowledge</a></p>\n");
    }
    page.push_str("</div>\n</body></html>\n");
    page
}

fn escape(text: &str, page: &mut String) {
    for c in text.chars() {
        match c {
            '&' => page.push_str("&amp;"),
            '<' => page.push_str("&lt;"),
            '>' => page.push_str("&gt;"),
            '"' => page.push_str("&quot;"),
            '\n' | '\t' => page.push(c),
            c if c.is_control() => page.push(' '),
            c => page.push(c),
        }
    }
}
