//! The running stand-in: what a test starts, asks and tells.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::http::{Connections, Fault, HttpServer, Journal, NotSeen};

use super::account::{Accounts, Quota, Recipient};
use super::form::Attachment;
use super::pace::{Pace, Violation};
use super::receipts::{Receipt, Receipts};
use super::routes;

/// A message that the service has accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The user and group keys that it is for.
    pub recipients: Vec<String>,
    /// From -2 to 2.
    pub priority: i8,
    /// The receipt that was given for an emergency.
    pub receipt: Option<String>,
    /// The image that came with it.
    pub attachment: Option<Attachment>,
    /// The id that was answered.
    pub request: String,
    /// Every parameter as the recipient reads it, by the service's name for
    /// it: what came encrypted is opened.
    pub fields: BTreeMap<String, String>,
}

impl Message {
    /// A parameter by the service's name for it.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    /// The text.
    pub fn text(&self) -> &str {
        self.field("message").unwrap_or_default()
    }

    /// The title.
    pub fn title(&self) -> Option<&str> {
        self.field("title")
    }
}

/// What stands between a stand-in and its start.
#[derive(Debug, Default)]
pub struct Builder {
    accounts: Accounts,
    pace: Pace,
}

impl Builder {
    /// Knows this application token too; 30 letters and digits, or it is never
    /// accepted.
    #[must_use]
    pub fn application(mut self, token: &str) -> Self {
        self.accounts.tokens.insert(token.to_owned());
        self
    }

    /// Knows this user key too, with these devices.
    #[must_use]
    pub fn user(self, key: &str, devices: &[&str]) -> Self {
        self.recipient(key, devices, false)
    }

    /// Knows this group key too.
    #[must_use]
    pub fn group(self, key: &str) -> Self {
        self.recipient(key, &[], true)
    }

    fn recipient(mut self, key: &str, devices: &[&str], group: bool) -> Self {
        let devices = devices.iter().map(|name| (*name).to_owned()).collect();
        let recipient = Recipient { group, devices };
        self.accounts.recipients.insert(key.to_owned(), recipient);
        self
    }

    /// Knows this sound, which the account has uploaded.
    #[must_use]
    pub fn sound(mut self, key: &str) -> Self {
        self.accounts.sounds.insert(key.to_owned(), key.to_owned());
        self
    }

    /// Lets the recipients' devices know this key, with which encrypted
    /// messages are opened.
    #[must_use]
    pub fn encryption_key(mut self, key: [u8; 32]) -> Self {
        self.accounts.encryption_key = Some(key);
        self
    }

    /// Starts with this quota.
    #[must_use]
    pub fn quota(mut self, quota: Quota) -> Self {
        self.accounts.quota = quota;
        self
    }

    /// Lets a client come back after this pause in place of 5 s, for a test
    /// that can't wait so long.
    #[must_use]
    pub fn pause(mut self, pause: Duration) -> Self {
        self.pace.pause = pause;
        self
    }

    /// Starts on 127.0.0.1.
    ///
    /// # Panics
    /// When the system gives no port.
    #[expect(clippy::expect_used, reason = "without a port there is no test")]
    pub async fn start(self) -> Pushover {
        let service = Arc::new(PushoverService {
            messages: Journal::default(),
            violations: Journal::default(),
            state: Mutex::new(PushoverState {
                accounts: self.accounts,
                receipts: Receipts::default(),
                pace: self.pace,
            }),
        });
        let observed = Arc::clone(&service);
        let routed = Arc::clone(&service);
        let server = HttpServer::builder()
            .observe(move |request, seen| {
                let found = observed.state().pace.after(request, seen);
                for violation in found {
                    observed.violations.record(violation);
                }
            })
            .start(move |request| {
                let service = Arc::clone(&routed);
                async move { routes::route(request, &service).await }
            })
            .await
            .expect("the system gives a port on 127.0.0.1");
        Pushover { server, service }
    }
}

/// A running stand-in of the Pushover API; ends when dropped.
#[derive(Debug)]
pub struct Pushover {
    server: HttpServer,
    service: Arc<PushoverService>,
}

impl Pushover {
    /// Starts with one application ([`super::TOKEN`]) and one user
    /// ([`super::USER`]).
    ///
    /// # Panics
    /// When the system gives no port.
    pub async fn start() -> Self {
        Self::builder().start().await
    }

    /// Further accounts, another quota, and so on.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// What stands in for `https://api.pushover.net`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Every accepted message, in order.
    pub fn messages(&self) -> Vec<Message> {
        self.service.messages.entries()
    }

    /// Waits for so many accepted messages.
    ///
    /// # Errors
    /// [`NotSeen`] when a generous bound has passed.
    pub async fn wait_for(&self, count: usize) -> Result<Vec<Message>, NotSeen> {
        self.service.messages.wait_for(count).await
    }

    /// The rules that the client broke.
    pub fn violations(&self) -> Vec<Violation> {
        self.service.violations.entries()
    }

    /// What is left of the quota.
    pub fn quota(&self) -> Quota {
        self.service.state().accounts.quota
    }

    /// Sets the quota.
    pub fn set_quota(&self, quota: Quota) {
        self.service.state().accounts.quota = quota;
    }

    /// What became of an emergency.
    pub fn receipt(&self, id: &str) -> Option<Receipt> {
        self.service.state().receipts.find(id).cloned()
    }

    /// A person acknowledges an emergency; false when there is no such receipt.
    pub fn acknowledge(&self, id: &str, user: &str, device: &str) -> bool {
        self.service.state().receipts.acknowledge(id, user, device)
    }

    /// The time of an emergency is over; false when there is no such receipt.
    pub fn expire(&self, id: &str) -> bool {
        self.service.state().receipts.expire(id)
    }

    /// Lets the next request meet this fault.
    pub fn fault(&self, fault: Fault) {
        self.server.fault(fault);
    }

    /// Lets every request meet this fault; `None` ends it.
    pub fn always(&self, fault: impl Into<Option<Fault>>) {
        self.server.always(fault);
    }

    /// The counters of connections.
    pub fn connections(&self) -> &Connections {
        self.server.connections()
    }
}

/// What the server's tasks share with the stand-in.
#[derive(Debug)]
pub(super) struct PushoverService {
    pub(super) messages: Journal<Message>,
    pub(super) violations: Journal<Violation>,
    state: Mutex<PushoverState>,
}

/// What changes with calls.
#[derive(Debug)]
pub(super) struct PushoverState {
    pub(super) accounts: Accounts,
    pub(super) receipts: Receipts,
    pub(super) pace: Pace,
}

impl PushoverService {
    pub(super) fn state(&self) -> MutexGuard<'_, PushoverState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
