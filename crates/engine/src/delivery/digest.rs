//! Digests: one message instead of all notifications that a rule has suppressed.
//!
//! The store accepts a digest together with the first notification that it reports, due when the
//! rule ends. The text is generated from the store when the digest is sent, so that it is complete
//! even if a process dies meanwhile.

use std::{cmp::Reverse, fmt::Write as _};

use annunciator_core::ffi::RArc;
use annunciator_store::{DeliveryId, Digest, Query, Record, StoreError};

use super::{channel::ChannelGuard, outbox::Outbox, suppression::SuppressionRule};
use crate::event::{DigestSource, Notification, Rendered, Severity};

/// The number of suppressed deliveries that are read from the store at a time.
const PAGE_SIZE: u32 = 1000;
/// The maximum number of suppressed deliveries that are listed, one per line.
const MAX_LINES: usize = 20;
/// The maximum length of a line, in characters.
const MAX_LINE_LENGTH: usize = 160;

impl ChannelGuard {
    /// Returns the digest that reports what a rule suppresses now, or `None` if no digest does.
    pub(super) fn digest(
        &self,
        rule: &SuppressionRule,
        severity: Severity,
        now_ms: i64,
    ) -> Option<Digest> {
        let mut due_ms = rule.digest_ms?;
        let name = rule.name();
        let mut batch_key = name.to_owned();
        if let Some(quiet) = &self.config.options.quiet_hours {
            if severity < quiet.except {
                due_ms = quiet.ends_after(due_ms);
            } else {
                // With the plain batch key, the digest would not wait until quiet hours end.
                batch_key.push_str("/urgent");
            }
        }
        let rule = name.to_owned();
        let rendered = Notification::new("Notifications were suppressed.").render("", now_ms)?;
        let rendered = Rendered {
            digest_of: Some(Box::new(DigestSource { rule })),
            ..rendered
        };
        Some(Digest {
            batch_key,
            notification: rendered.message.id.to_string(),
            content: rendered.to_content().unwrap_or_default().into(),
            due_ms,
            expires_ms: self.expires_ms(due_ms),
        })
    }
}

impl Outbox {
    /// Returns a digest with its text, or `None` if nothing was suppressed.
    pub(super) async fn fill_digest(
        &self,
        delivery: DeliveryId,
        digest: &Rendered,
    ) -> Result<Option<Rendered>, StoreError> {
        let (mut count, mut first, mut before) = (0_usize, Vec::new(), None);
        loop {
            let page = self.store.deliveries(Query {
                digest: Some(delivery),
                before,
                limit: PAGE_SIZE,
                ..Query::default()
            });
            let page = page.await?;
            let is_last = page.len() < PAGE_SIZE as usize;
            before = page.last().map(|record| record.delivery);
            count += page.len();
            first.extend(page);
            // By severity, the worst first, and then by age, the oldest first.
            first.sort_by_key(|record: &Record| (Reverse(record.severity), record.delivery));
            first.truncate(MAX_LINES);
            if is_last {
                break;
            }
        }
        Ok(text(count, &first).map(|(severity, body)| {
            let message = annunciator_core::message::NotificationV1 {
                body: body.into(),
                severity: crate::event::code::severity(severity),
                ..digest.message.as_ref().clone()
            };
            Rendered {
                message: RArc::new(message),
                severity,
                ..digest.clone()
            }
        }))
    }
}

/// Returns the highest severity and the text of `count` suppressed notifications. The text lists
/// `first`, some of them.
fn text(count: usize, first: &[Record]) -> Option<(Severity, String)> {
    let worst = first.first()?;
    let rule = &worst.why;
    let were = if count == 1 {
        "notification was"
    } else {
        "notifications were"
    };
    let mut text = format!("{count} {were} suppressed ({rule}):");
    for record in first {
        let ended = if record.is_over { " (over)" } else { "" };
        // Writing to a `String` cannot fail.
        let _ = write!(text, "\n- {}{ended}", line(record));
    }
    if count > first.len() {
        let _ = write!(text, "\nand {} more", count - first.len());
    }
    Some((worst.severity, text))
}

fn line(record: &Record) -> String {
    let body =
        Rendered::from_content(&record.content).map(|content| content.message.body.to_string());
    let body = body.unwrap_or_default();
    let first = body.lines().find(|line| !line.trim().is_empty());
    let host = match record.host.as_str() {
        "" => String::new(),
        host => format!("{host}: "),
    };
    let line = format!("{} {host}{}", record.severity, first.unwrap_or_default());
    match line.char_indices().nth(MAX_LINE_LENGTH) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}
