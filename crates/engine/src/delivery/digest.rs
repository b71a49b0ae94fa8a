//! One message in place of what a rule kept back.
//!
//! It is accepted before the first of what it sums up, to be sent when the rule
//! ends, and put together when it is sent: from the store, so that it is whole
//! whoever died meanwhile.

use std::{
    collections::HashSet,
    fmt::Write as _,
    sync::{Arc, Mutex, PoisonError},
};

use annunciator_core::ffi::RArc;

use super::{
    channel::{Channel, Held},
    gate::Rule,
    outbox::Outbox,
};
use crate::{
    event::{Notification, Rendered, Severity, SumsUp},
    store::{Begin, Intake, Intent, Query, Record, State, StoreError},
};

/// So much of what was kept back is looked at.
const MOST_READ: u32 = 1000;
/// The turn of a step comes this long after the acceptance at most, where a
/// digest is to have it: two digests are as far apart.
const LONGEST_WAIT_MS: i64 = 24 * 3600 * 1000;
/// So much of it is told line by line.
const MOST_LINES: usize = 20;
/// A line has so many characters at most.
const LONGEST_LINE: usize = 160;

/// The digests of a channel that are accepted already: rule, and when it is
/// told.
#[derive(Debug, Default)]
pub(super) struct Digests(Mutex<Vec<(String, i64)>>);

impl Digests {
    /// When what is kept back now by a rule is told, where that is arranged.
    fn arranged(&self, rule: &str, now_ms: i64) -> bool {
        let mut digests = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        digests.retain(|(_, until_ms)| *until_ms > now_ms);
        digests.iter().any(|(name, _)| name == rule)
    }

    fn arrange(&self, rule: &str, until_ms: i64) {
        let mut digests = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        digests.push((rule.to_owned(), until_ms));
    }
}

impl Outbox {
    /// Sees to it that what a rule keeps back from a channel is told when it
    /// ends.
    pub(super) async fn arrange_digest(
        &self,
        channel: &Held,
        rule: &Rule,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let Some(mut until_ms) = rule.digest_ms else {
            return Ok(());
        };
        if channel.digests.arranged(rule.name(), now_ms) {
            return Ok(());
        }
        if let Some(quiet) = &channel.config.options.quiet_hours {
            until_ms = quiet.ends_after(until_ms);
        }
        let sums_up = SumsUp {
            rule: rule.name().to_owned(),
            from_ms: now_ms,
            until_ms,
        };
        let Some(rendered) = Notification::new("Notifications were held back.").render("", now_ms)
        else {
            return Ok(());
        };
        let rendered = Rendered {
            sums_up: Some(Box::new(sums_up)),
            ..rendered
        };
        let name = &channel.config.name;
        let intent = Intent {
            channel: Arc::clone(name),
            expires_ms: channel.expires_ms(until_ms),
            begin: Begin::At(until_ms),
            step: None,
            once: None,
        };
        let key = format!("digest/{}/{until_ms}/{name}", rule.name());
        let intake = Intake {
            key: Some(key),
            ..intake(&rendered, vec![intent], now_ms)
        };
        self.store.accept(intake).await?;
        channel.digests.arrange(rule.name(), until_ms);
        self.wake();
        Ok(())
    }

    /// A digest as it is told; `None` when nothing was kept back.
    pub(super) async fn sum_up(
        &self,
        channel: &Channel,
        digest: Rendered,
        sums_up: &SumsUp,
    ) -> Result<Option<Rendered>, StoreError> {
        let query = |state| Query {
            channel: Some(channel.config.name().to_owned()),
            states: vec![state],
            since_ms: Some(sums_up.from_ms.saturating_sub(LONGEST_WAIT_MS)),
            most: MOST_READ,
            ..Query::default()
        };
        let mut kept_back = self.store.deliveries(query(State::Suppressed)).await?;
        let is_all = kept_back.len() < MOST_READ as usize;
        // A step of a group is kept back when its turn comes, and not when it
        // is accepted.
        let span = sums_up.from_ms..sums_up.until_ms;
        kept_back.retain(|record| {
            let rule = record.why.split(':').next();
            let at_ms = record.ended_ms.unwrap_or(record.accepted_ms);
            rule == Some(&sums_up.rule) && span.contains(&at_ms)
        });
        let over = self.store.deliveries(query(State::Superseded)).await?;
        let over: HashSet<String> = over.into_iter().map(|record| record.incident).collect();
        Ok(text(kept_back, &over, is_all).map(|(severity, body)| {
            let message = annunciator_core::message::NotificationV1 {
                body: body.into(),
                severity: severity.code(),
                ..digest.message.as_ref().clone()
            };
            Rendered {
                message: RArc::new(message),
                severity,
                ..digest
            }
        }))
    }
}

/// What is recorded of a notification.
pub(super) fn intake(rendered: &Rendered, intents: Vec<Intent>, now_ms: i64) -> Intake {
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

/// The worst severity, and the text: the worst first, then the oldest.
fn text(
    mut kept_back: Vec<Record>,
    over: &HashSet<String>,
    is_all: bool,
) -> Option<(Severity, String)> {
    kept_back.sort_by_key(|record| (std::cmp::Reverse(record.severity), record.delivery));
    let worst = kept_back.first()?;
    let (severity, rule) = (worst.severity, worst.why.clone());
    let count = kept_back.len();
    let at_least = if is_all { "" } else { "At least " };
    let were = if count == 1 {
        "notification was"
    } else {
        "notifications were"
    };
    let mut text = format!("{at_least}{count} {were} held back ({rule}):");
    for record in kept_back.iter().take(MOST_LINES) {
        let ended = if over.contains(&record.incident) && !record.incident.is_empty() {
            " (over)"
        } else {
            ""
        };
        // Writing to a text cannot fail.
        let _ = write!(text, "\n- {}{ended}", line(record));
    }
    if count > MOST_LINES {
        let _ = write!(text, "\nand {} more", count - MOST_LINES);
    }
    Some((severity, text))
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
