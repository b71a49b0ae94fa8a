//! The running stand-in, which a test starts, queries and controls.

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
    /// The keys of the users and groups that it is for.
    pub recipients: Vec<String>,
    /// The priority, from -2 to 2.
    pub priority: i8,
    /// The receipt of an emergency.
    pub receipt: Option<String>,
    /// The image of the message.
    pub attachment: Option<Attachment>,
    /// The ID in the answer.
    pub request: String,
    /// All parameters as the recipient reads them, decrypted, by the service's names for them.
    pub fields: BTreeMap<String, String>,
}

impl Message {
    /// Returns a parameter, by the service's name for it.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    /// Returns the message's text.
    pub fn text(&self) -> &str {
        self.field("message").unwrap_or_default()
    }

    /// Returns the title.
    pub fn title(&self) -> Option<&str> {
        self.field("title")
    }
}

/// The builder of a stand-in.
#[derive(Debug, Default)]
pub struct Builder {
    accounts: Accounts,
    pace: Pace,
}

impl Builder {
    /// Adds an application token. One that is not 30 letters and digits is never accepted.
    #[must_use]
    pub fn application(mut self, token: &str) -> Self {
        self.accounts.tokens.insert(token.to_owned());
        self
    }

    /// Adds a user key with these devices.
    #[must_use]
    pub fn user(self, key: &str, devices: &[&str]) -> Self {
        self.recipient(key, devices, false)
    }

    /// Adds a group key.
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

    /// Adds a sound that the account has uploaded.
    #[must_use]
    pub fn sound(mut self, key: &str) -> Self {
        self.accounts.sounds.insert(key.to_owned(), key.to_owned());
        self
    }

    /// Sets the key that the recipients' devices know, with which encrypted messages are
    /// decrypted.
    #[must_use]
    pub fn encryption_key(mut self, key: [u8; 32]) -> Self {
        self.accounts.encryption_key = Some(key);
        self
    }

    /// Sets the quota at the start.
    #[must_use]
    pub fn quota(mut self, quota: Quota) -> Self {
        self.accounts.quota = quota;
        self
    }

    /// Sets the minimum interval between calls, in place of 5 s, for a test that cannot wait so
    /// long.
    #[must_use]
    pub fn pause(mut self, pause: Duration) -> Self {
        self.pace.pause = pause;
        self
    }

    /// Starts on 127.0.0.1.
    ///
    /// # Panics
    /// Panics if the system gives no port.
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

/// A running stand-in of the Pushover API. It stops when dropped.
#[derive(Debug)]
pub struct Pushover {
    server: HttpServer,
    service: Arc<PushoverService>,
}

impl Pushover {
    /// Starts with one application ([`super::TOKEN`]) and one user ([`super::USER`]).
    ///
    /// # Panics
    /// Panics if the system gives no port.
    pub async fn start() -> Self {
        Self::builder().start().await
    }

    /// Returns the builder of a stand-in with further accounts, another quota, and so on.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Returns the address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Returns the URL to use in place of `https://api.pushover.net`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Returns every accepted message, in order.
    pub fn messages(&self) -> Vec<Message> {
        self.service.messages.entries()
    }

    /// Waits for this many accepted messages.
    ///
    /// # Errors
    /// Fails with [`NotSeen`] after a generous time limit.
    pub async fn wait_for(&self, count: usize) -> Result<Vec<Message>, NotSeen> {
        self.service.messages.wait_for(count).await
    }

    /// Returns the rules that the client broke.
    pub fn violations(&self) -> Vec<Violation> {
        self.service.violations.entries()
    }

    /// Returns the remaining quota.
    pub fn quota(&self) -> Quota {
        self.service.state().accounts.quota
    }

    /// Sets the quota.
    pub fn set_quota(&self, quota: Quota) {
        self.service.state().accounts.quota = quota;
    }

    /// Returns the state of an emergency.
    pub fn receipt(&self, id: &str) -> Option<Receipt> {
        self.service.state().receipts.find(id).cloned()
    }

    /// Acknowledges an emergency as a person would; `false` if there is no such receipt.
    pub fn acknowledge(&self, id: &str, user: &str, device: &str) -> bool {
        self.service.state().receipts.acknowledge(id, user, device)
    }

    /// Lets an emergency expire; `false` if there is no such receipt.
    pub fn expire(&self, id: &str) -> bool {
        self.service.state().receipts.expire(id)
    }

    /// Injects a fault into the next request.
    pub fn fault(&self, fault: Fault) {
        self.server.fault(fault);
    }

    /// Injects a fault into every request; `None` ends it.
    pub fn always(&self, fault: impl Into<Option<Fault>>) {
        self.server.always(fault);
    }

    /// Returns the counters of connections.
    pub fn connections(&self) -> &Connections {
        self.server.connections()
    }
}

/// The state that the server's tasks share with the stand-in.
#[derive(Debug)]
pub(super) struct PushoverService {
    pub(super) messages: Journal<Message>,
    pub(super) violations: Journal<Violation>,
    state: Mutex<PushoverState>,
}

/// The state that calls change.
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
