//! One message in place of what a rule kept back.
//!
//! The store accepts it together with the first of what it tells of, to be sent
//! when the rule ends. It is put together when it is sent, from the store, so
//! that it is whole whoever died meanwhile.

use std::{cmp::Reverse, fmt::Write as _};

use annunciator_core::ffi::RArc;
use annunciator_store::{DeliveryId, Digest, Intake, Intent, Query, Record, StoreError};

use super::{channel::Held, gate::Rule, outbox::Outbox};
use crate::event::{DigestSource, Notification, Rendered, Severity};

/// So much of what was kept back is read at a time.
const MOST_READ: u32 = 1000;
/// So much of it is told line by line.
const MOST_LINES: usize = 20;
/// A line has so many characters at most.
const LONGEST_LINE: usize = 160;

impl Held {
    /// What tells of it later that a rule keeps back now.
    pub(super) fn digest(&self, rule: &Rule, severity: Severity, now_ms: i64) -> Option<Digest> {
        let mut due_ms = rule.digest_ms?;
        let name = rule.name();
        let mut batch_key = name.to_owned();
        if let Some(quiet) = &self.config.options.quiet_hours {
            if severity < quiet.except {
                due_ms = quiet.ends_after(due_ms);
            } else {
                // It would not have waited for the morning by itself.
                batch_key.push_str("/urgent");
            }
        }
        let rule = name.to_owned();
        let rendered = Notification::new("Notifications were held back.").render("", now_ms)?;
        let rendered = Rendered {
            sums_up: Some(Box::new(DigestSource { rule })),
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
    /// A digest as it is told; `None` when nothing was kept back.
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
                most: MOST_READ,
                ..Query::default()
            });
            let page = page.await?;
            let is_last = page.len() < MOST_READ as usize;
            before = page.last().map(|record| record.delivery);
            count += page.len();
            first.extend(page);
            // The worst first, then the oldest.
            first.sort_by_key(|record: &Record| (Reverse(record.severity), record.delivery));
            first.truncate(MOST_LINES);
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

/// What is recorded of a notification.
pub(crate) fn intake(rendered: &Rendered, intents: Vec<Intent>, now_ms: i64) -> Intake {
    let message = &rendered.message;
    let incident = message.incident.to_string();
    Intake {
        notification: message.id.to_string(),
        key: None,
        host: message.host.to_string(),
        lane: incident.clone(),
        incident,
        kind: rendered.kind,
        severity: rendered.severity,
        accepted_ms: now_ms,
        content: rendered.to_content().unwrap_or_default().into(),
        intents,
    }
}

/// The worst severity, and the text, of so many of which these come first.
fn text(count: usize, first: &[Record]) -> Option<(Severity, String)> {
    let worst = first.first()?;
    let rule = &worst.why;
    let were = if count == 1 {
        "notification was"
    } else {
        "notifications were"
    };
    let mut text = format!("{count} {were} held back ({rule}):");
    for record in first {
        let ended = if record.is_over { " (over)" } else { "" };
        // Writing to a text cannot fail.
        let _ = write!(text, "\n- {}{ended}", line(record));
    }
    if count > first.len() {
        let _ = write!(text, "\nand {} more", count - first.len());
    }
    Some((worst.severity, text))
}

fn line(record: &Record) -> String {
    let body = Rendered::from_content(&record.content).map(|kept| kept.message.body.to_string());
    let body = body.unwrap_or_default();
    let first = body.lines().find(|line| !line.trim().is_empty());
    let host = match record.host.as_str() {
        "" => String::new(),
        host => format!("{host}: "),
    };
    let line = format!("{} {host}{}", record.severity, first.unwrap_or_default());
    match line.char_indices().nth(LONGEST_LINE) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}
