//! The receipts of emergency messages: <https://pushover.net/api/receipts>.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use uuid::Uuid;

/// The length of a receipt.
const RECEIPT_LENGTH: usize = 30;

/// The state of an emergency message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The token with which the message was sent; no other may see the receipt.
    pub token: String,
    /// The message's tags, for a cancellation by tag.
    pub tags: Vec<String>,
    /// Who acknowledged it, as user key and device.
    pub acknowledged_by: Option<(String, String)>,
    /// When it was acknowledged, in Unix seconds; 0 if it was not.
    pub acknowledged_at: u64,
    /// When the message was last shown, in Unix seconds.
    pub last_delivered_at: u64,
    /// When the service stops repeating the message, in Unix seconds.
    pub expires_at: u64,
    /// Whether it has expired, by time or by the test's request.
    pub expired: bool,
    /// Whether the client cancelled it.
    pub cancelled: bool,
}

impl Receipt {
    pub(super) fn new(token: &str, tags: Option<&str>, expire: u64) -> Self {
        let now = unix_now();
        let tags = tags.unwrap_or_default().split(',');
        Self {
            token: token.to_owned(),
            tags: tags
                .map(|tag| tag.trim().to_owned())
                .filter(|tag| !tag.is_empty())
                .collect(),
            acknowledged_by: None,
            acknowledged_at: 0,
            last_delivered_at: now,
            expires_at: now.saturating_add(expire),
            expired: false,
            cancelled: false,
        }
    }

    pub(super) fn document(&self) -> Value {
        let (by, device) = self.acknowledged_by.clone().unwrap_or_default();
        json!({
            "status": 1,
            "acknowledged": u8::from(self.acknowledged_by.is_some()),
            "acknowledged_at": self.acknowledged_at,
            "acknowledged_by": by,
            "acknowledged_by_device": device,
            "last_delivered_at": self.last_delivered_at,
            "expired": u8::from(self.expired || self.cancelled || unix_now() >= self.expires_at),
            "expires_at": self.expires_at,
            "called_back": 0,
            "called_back_at": 0,
            "request": Uuid::new_v4().to_string(),
        })
    }
}

/// All receipts, by ID.
#[derive(Debug, Default)]
pub(super) struct Receipts(BTreeMap<String, Receipt>);

impl Receipts {
    pub(super) fn issue(&mut self, receipt: Receipt) -> String {
        let mut id = Uuid::new_v4().simple().to_string();
        id.truncate(RECEIPT_LENGTH);
        self.0.insert(id.clone(), receipt);
        id
    }

    pub(super) fn find(&self, id: &str) -> Option<&Receipt> {
        self.0.get(id)
    }

    /// Returns the receipt if the application owns it.
    pub(super) fn owned_by(&mut self, id: &str, token: &str) -> Option<&mut Receipt> {
        self.0.get_mut(id).filter(|receipt| receipt.token == token)
    }

    pub(super) fn acknowledge(&mut self, id: &str, user: &str, device: &str) -> bool {
        let Some(receipt) = self.0.get_mut(id) else {
            return false;
        };
        receipt.acknowledged_by = Some((user.to_owned(), device.to_owned()));
        receipt.acknowledged_at = unix_now();
        true
    }

    pub(super) fn expire(&mut self, id: &str) -> bool {
        let receipt = self.0.get_mut(id);
        receipt.map(|receipt| receipt.expired = true).is_some()
    }

    /// Cancels the receipts with a tag, and returns how many there were.
    pub(super) fn cancel_tagged(&mut self, tag: &str, token: &str) -> usize {
        let matching = self.0.values_mut().filter(|receipt| {
            receipt.token == token && !receipt.cancelled && receipt.tags.iter().any(|t| t == tag)
        });
        matching.map(|receipt| receipt.cancelled = true).count()
    }
}

fn unix_now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map(|passed| passed.as_secs()).unwrap_or_default()
}
