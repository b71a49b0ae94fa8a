//! The message that a program reads: one JSON document on its standard input.

use std::collections::BTreeMap;

use annunciator_sdk::{Delivery, rfc3339};
use serde_json::{Value, json};

use crate::config::Config;

/// Returns the document for these targets, with a line end.
pub(crate) fn document(config: &Config, delivery: &Delivery, targets: &[String]) -> Vec<u8> {
    let notification = delivery.notification();
    let attributes: BTreeMap<&str, &str> = notification.attributes().collect();
    let settings = config.settings.iter();
    let settings: BTreeMap<&str, &str> = settings
        .map(|(name, value)| (name.as_str(), value.expose().as_str()))
        .collect();
    let document: Value = json!({
        "format": 1,
        "id": notification.id(),
        "incident": notification.incident(),
        "host": notification.host(),
        "title": notification.title(),
        "body": notification.body(),
        "severity": notification.severity().name(),
        "kind": notification.kind().name(),
        "occurred_at": rfc3339(notification.occurred_at()),
        "attributes": attributes,
        "attempt": delivery.attempt(),
        "targets": targets,
        "settings": settings,
    });
    let mut bytes = document.to_string().into_bytes();
    bytes.push(b'\n');
    bytes
}
