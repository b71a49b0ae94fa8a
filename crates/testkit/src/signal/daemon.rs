//! The daemon: JSON-RPC over TCP, a Unix socket and HTTP, as spoken by signal-cli's `daemon` with
//! several accounts.
//!
//! It decides the answers; `stream` and `http` transport them.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Notify, broadcast};
use tokio::task::JoinHandle;

use super::answer::{Failed, TIMESTAMP, answer};
use super::request::Send;
use super::script::{Fault, Script, Verdict};
use super::{http, stream};

/// The maximum time that `wait_for` waits.
const WAIT_TIMEOUT: Duration = Duration::from_secs(20);

/// The name under which the events over HTTP are among the methods that were called.
pub const EVENTS: &str = "GET /api/v1/events";

/// The maximum number of envelopes that wait for a slow connection.
const MAX_RECEIVED: usize = 64;

/// The reaction to a request.
#[derive(Debug, PartialEq)]
pub(super) enum Reaction {
    /// This line is sent.
    Answer(String),
    /// Nothing is sent, since the request is a notification.
    Nothing,
    /// The request is never answered.
    Silence,
    /// The daemon dies.
    Die,
}

#[derive(Default)]
pub(super) struct SignalState {
    script: Script,
    sent: Vec<Send>,
    sends: usize,
    methods: Vec<String>,
    ids: BTreeSet<String>,
    violations: Vec<String>,
    /// How many requests are collected before they are answered, the last one first.
    pub(super) shuffle: usize,
    /// Whether notifications of incoming messages are sent between the answers.
    pub(super) chatter: bool,
    /// Whether only subscribers get what is received (`--receive-mode=manual`).
    pub(super) is_manual: bool,
    subscriptions: i64,
}

pub(super) struct SignalShared {
    state: Mutex<SignalState>,
    changed: Notify,
    /// The envelopes that accounts receive, with the account.
    pub(super) received: broadcast::Sender<Value>,
    /// Notified when the daemon dies, which ends every connection.
    pub(super) died: Notify,
}

impl Default for SignalShared {
    fn default() -> Self {
        Self {
            state: Mutex::default(),
            changed: Notify::default(),
            received: broadcast::Sender::new(MAX_RECEIVED),
            died: Notify::default(),
        }
    }
}

impl SignalShared {
    pub(super) fn lock(&self) -> MutexGuard<'_, SignalState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a client reads the events of an account, or of all. Returns whether there is such
    /// an account.
    pub(super) fn subscribe_to_events(&self, account: Option<&str>) -> bool {
        let mut state = self.lock();
        let known = &state.script.accounts;
        let is_known = account.is_none_or(|asked| known.iter().any(|one| one == asked));
        if is_known {
            state.methods.push(EVENTS.to_owned());
        }
        drop(state);
        self.changed.notify_waiters();
        is_known
    }

    pub(super) fn violation(&self, text: impl Into<String>) {
        self.lock().violations.push(text.into());
    }

    /// Returns the reaction to a line of text; a batch is answered by an array.
    pub(super) fn react(&self, text: &str) -> Reaction {
        let Ok(value) = serde_json::from_str::<Value>(text) else {
            self.violation("a request that isn't JSON");
            return Reaction::Answer(error(&Value::Null, -32700, "Parse error", None));
        };
        let Value::Array(batch) = value else {
            return self.one(&value);
        };
        let mut answers = Vec::new();
        for request in &batch {
            match self.one(request) {
                Reaction::Answer(answer) => answers.push(answer),
                Reaction::Nothing => {}
                other => return other,
            }
        }
        Reaction::Answer(format!("[{}]", answers.join(",")))
    }

    fn one(&self, request: &Value) -> Reaction {
        let id = request.get("id").cloned();
        let shown = id.clone().unwrap_or_default();
        let method = request.get("method").and_then(Value::as_str);
        let (Some("2.0"), Some(method)) = (request.get("jsonrpc").and_then(Value::as_str), method)
        else {
            return Reaction::Answer(error(&shown, -32600, "Invalid Request", None));
        };
        let mut state = self.lock();
        state.methods.push(method.to_owned());
        let Some(id) = id else {
            return Reaction::Nothing;
        };
        if !state.ids.insert(id.to_string()) {
            state.violations.push(format!("the id {id} was used twice"));
        }
        let params = request.get("params").cloned().unwrap_or(json!({}));
        if !params.is_object() {
            let text = "Cannot deserialize value of type `java.util.LinkedHashMap`";
            return Reaction::Answer(error(&id, -32600, text, None));
        }
        let result = match method {
            "version" => Ok(json!({ "version": "0.13.19" })),
            "listAccounts" => Ok(state
                .script
                .accounts
                .iter()
                .map(|account| json!({ "number": account }))
                .collect()),
            "send" => match state.send(&params) {
                Ok(result) => result,
                Err(reaction) => {
                    drop(state);
                    self.changed.notify_waiters();
                    return reaction;
                }
            },
            "subscribeReceive" => state.subscribe(&params),
            "unsubscribeReceive" => match params.get("subscription").and_then(Value::as_i64) {
                Some(known) if known < state.subscriptions => Ok(json!({})),
                _ => Err(Failed::new(-1, "Unknown subscription id")),
            },
            _ => Err(Failed::new(-32601, "Method not implemented")),
        };
        drop(state);
        self.changed.notify_waiters();
        Reaction::Answer(match result {
            Ok(result) => json!({ "jsonrpc": "2.0", "result": result, "id": id }).to_string(),
            Err(failed) => error(&id, failed.code, &failed.message, failed.response),
        })
    }
}

impl SignalState {
    /// Answers the ID of a new subscription. The account may be left out, for all.
    fn subscribe(&mut self, params: &Value) -> Result<Value, Failed> {
        let account = params.get("account").and_then(Value::as_str);
        if account.is_some_and(|asked| !self.script.accounts.iter().any(|known| known == asked)) {
            return Err(Failed::new(-32602, "Specified account does not exist"));
        }
        self.subscriptions += 1;
        Ok(json!(self.subscriptions - 1))
    }

    fn send(&mut self, params: &Value) -> Result<Result<Value, Failed>, Reaction> {
        let send = match self.parse(params) {
            Ok(send) => send,
            Err(failed) => return Ok(Err(failed)),
        };
        let fault = self.script.faults.get(self.sends).cloned().flatten();
        let earlier = self.sends;
        self.sends += 1;
        let mut result = match fault {
            None => answer(&self.script, &send),
            Some(Fault::OnlyTimestamp) => {
                answer(&self.script, &send).map(|_| json!({ "timestamp": TIMESTAMP }))
            }
            Some(Fault::Error { code, message }) => Err(Failed::new(code, &message)),
            Some(Fault::SentThenError { code, message }) => {
                self.sent.push(send.clone());
                Err(Failed::new(code, &message))
            }
            Some(Fault::Garbage(text)) => return Err(Reaction::Answer(text)),
            Some(Fault::Hang { .. }) => return Err(Reaction::Silence),
            Some(Fault::Die { after_sending }) => {
                if after_sending {
                    self.sent.push(send);
                }
                return Err(Reaction::Die);
            }
        };
        if let Ok(result) = &mut result {
            // No two messages of an account have the same.
            result["timestamp"] = json!(timestamp(earlier));
            self.sent.push(send);
        }
        Ok(result)
    }

    fn parse(&mut self, params: &Value) -> Result<Send, Failed> {
        let invalid = |text: &str| Failed::new(-32602, text);
        let Some(account) = params.get("account").and_then(Value::as_str) else {
            return Err(invalid("Method requires valid account parameter"));
        };
        if !self.script.accounts.iter().any(|known| known == account) {
            return Err(invalid("Specified account does not exist"));
        }
        for key in params.as_object().into_iter().flat_map(|map| map.keys()) {
            let known = [
                "account",
                "recipient",
                "groupId",
                "username",
                "noteToSelf",
                "notifySelf",
                "noUrgent",
                "message",
                "textStyle",
            ];
            if !known.contains(&key.as_str()) {
                self.violations
                    .push(format!("the parameter {key} is unknown"));
            }
        }
        let list = |key: &str| -> Vec<String> {
            match params.get(key) {
                Some(Value::Array(list)) => list
                    .iter()
                    .filter_map(|item| item.as_str().map(str::to_owned))
                    .collect(),
                Some(Value::String(text)) => vec![text.clone()],
                _ => Vec::new(),
            }
        };
        let flag = |key: &str| params.get(key).and_then(Value::as_bool).unwrap_or(false);
        Ok(Send {
            account: Some(account.to_owned()),
            recipients: list("recipient"),
            groups: list("groupId"),
            usernames: list("username"),
            note_to_self: flag("noteToSelf"),
            notify_self: flag("notifySelf"),
            no_urgent: flag("noUrgent"),
            message: list("message").pop().unwrap_or_default(),
            text_styles: list("textStyle"),
        })
    }
}

/// Returns the timestamp of a message after this many earlier ones.
fn timestamp(earlier: usize) -> u64 {
    TIMESTAMP + u64::try_from(earlier).unwrap_or(0)
}

fn error(id: &Value, code: i64, message: &str, response: Option<Value>) -> String {
    let data = response.map(|response| json!({ "response": response }));
    json!({
        "jsonrpc": "2.0",
        "error": { "code": code, "message": message, "data": data },
        "id": id,
    })
    .to_string()
}

/// A running daemon. It stops when dropped.
pub struct SignalDaemon {
    shared: Arc<SignalShared>,
    folder: TempDir,
    tcp: SocketAddr,
    http: SocketAddr,
    tasks: Vec<JoinHandle<()>>,
}

impl SignalDaemon {
    /// Starts a daemon that has these accounts, on all three transports.
    ///
    /// # Errors
    /// Fails if a socket cannot be opened.
    pub async fn start(accounts: &[&str]) -> io::Result<Self> {
        let shared = Arc::new(SignalShared::default());
        shared.lock().script.accounts = accounts.iter().map(|a| (*a).to_owned()).collect();
        let folder = tempfile::tempdir()?;
        let unix = UnixListener::bind(folder.path().join("socket"))?;
        let tcp = TcpListener::bind(("127.0.0.1", 0)).await?;
        let web = TcpListener::bind(("127.0.0.1", 0)).await?;
        let (tcp_address, http_address) = (tcp.local_addr()?, web.local_addr()?);
        let tasks = vec![
            tokio::spawn(stream::serve_tcp(tcp, Arc::clone(&shared))),
            tokio::spawn(stream::serve_unix(unix, Arc::clone(&shared))),
            tokio::spawn(http::serve(web, Arc::clone(&shared))),
        ];
        Ok(Self {
            shared,
            folder,
            tcp: tcp_address,
            http: http_address,
            tasks,
        })
    }

    /// Returns the TCP address, as `tcp://host:port`.
    pub fn tcp(&self) -> String {
        format!("tcp://{}", self.tcp)
    }

    /// Returns the HTTP address, as `http://host:port`.
    pub fn http(&self) -> String {
        format!("http://{}", self.http)
    }

    /// Returns the Unix socket's address, as `unix:/path`.
    pub fn unix(&self) -> String {
        format!("unix:{}", self.socket().display())
    }

    /// Returns the Unix socket's path.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    /// Changes the script.
    pub fn change(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.shared.lock().script);
    }

    /// Sets the result for a recipient.
    pub fn refuse(&self, recipient: &str, verdict: Verdict) {
        self.change(|script| {
            script.recipients.insert(recipient.to_owned(), verdict);
        });
    }

    /// Adds a group with these members.
    pub fn group(&self, id: &str, members: &[(&str, Verdict)]) {
        let members = members.iter().map(|(m, v)| ((*m).to_owned(), v.clone()));
        self.change(|script| {
            script.groups.insert(id.to_owned(), members.collect());
        });
    }

    /// Injects a fault into the next `send` that has none yet.
    pub fn fault(&self, fault: Fault) {
        let mut state = self.shared.lock();
        let done = state.sends;
        let faults = &mut state.script.faults;
        while faults.len() < done {
            faults.push(None);
        }
        faults.push(Some(fault));
    }

    /// Collects this many requests of a connection before it answers them, the last one first.
    pub fn shuffle(&self, requests: usize) {
        self.shared.lock().shuffle = requests;
    }

    /// Sends notifications of incoming messages between the answers.
    pub fn chatter(&self) {
        self.shared.lock().chatter = true;
    }

    /// Gives what is received to subscribers only, as with `--receive-mode=manual`.
    pub fn receive_manually(&self) {
        self.shared.lock().is_manual = true;
    }

    /// Has the first account receive an envelope from this number and name, with these members.
    pub fn receive(&self, (number, name): (&str, &str), more: Value) {
        let account = self.shared.lock().script.accounts.first().cloned();
        let mut envelope = json!({
            "source": number, "sourceNumber": number, "sourceName": name, "sourceDevice": 1,
            "sourceUuid": "00000000-0000-4000-8000-0000000000bb",
            "timestamp": TIMESTAMP, "serverReceivedTimestamp": TIMESTAMP,
            "serverDeliveredTimestamp": TIMESTAMP,
        });
        for (member, value) in more.as_object().into_iter().flatten() {
            envelope[member] = value.clone();
        }
        // Nobody may be connected.
        let _ = self
            .shared
            .received
            .send(json!({ "envelope": envelope, "account": account }));
    }

    /// Has a person react to the message that was sent after this many earlier ones.
    pub fn react(&self, from: (&str, &str), earlier: usize, emoji: &str) {
        let me = self.shared.lock().script.accounts.first().cloned();
        let reaction = json!({
            "emoji": emoji, "targetAuthor": me, "targetAuthorNumber": me,
            "targetAuthorUuid": "00000000-0000-4000-8000-0000000000cc",
            "targetSentTimestamp": timestamp(earlier), "isRemove": false,
        });
        let message = json!({
            "timestamp": TIMESTAMP, "message": null, "expiresInSeconds": 0, "viewOnce": false,
            "reaction": reaction,
        });
        self.receive(from, json!({ "dataMessage": message }));
    }

    /// Has a person quote the message that was sent after this many earlier ones.
    pub fn reply(&self, from: (&str, &str), earlier: usize, text: &str) {
        let me = self.shared.lock().script.accounts.first().cloned();
        let quote = json!({
            "id": timestamp(earlier), "author": me, "authorNumber": me,
            "authorUuid": "00000000-0000-4000-8000-0000000000cc", "text": "…", "attachments": [],
        });
        let message = json!({
            "timestamp": TIMESTAMP, "message": text, "expiresInSeconds": 0, "viewOnce": false,
            "quote": quote,
        });
        self.receive(from, json!({ "dataMessage": message }));
    }

    /// Has a person's device confirm the message that was sent after this many earlier ones.
    pub fn receipt(&self, from: (&str, &str), earlier: usize) {
        let receipt = json!({
            "when": TIMESTAMP, "isDelivery": true, "isRead": false, "isViewed": false,
            "timestamps": [timestamp(earlier)],
        });
        self.receive(from, json!({ "receiptMessage": receipt }));
    }

    /// Ends every connection, as a restart of the daemon does.
    pub fn restart(&self) {
        self.shared.died.notify_waiters();
    }

    /// Returns how often a method was called as soon as that is this often, or less often after 20
    /// seconds.
    pub async fn wait_for_calls(&self, method: &str, number: usize) -> usize {
        let calls = || {
            let state = self.shared.lock();
            state.methods.iter().filter(|name| *name == method).count()
        };
        self.wait_until(|| calls() >= number).await;
        calls()
    }

    /// Returns the messages that were sent.
    pub fn messages(&self) -> Vec<Send> {
        self.shared.lock().sent.clone()
    }

    /// Returns the messages as soon as there are this many, or fewer after 20 seconds.
    pub async fn wait_for(&self, number: usize) -> Vec<Send> {
        self.wait_until(|| self.messages().len() >= number).await;
        self.messages()
    }

    async fn wait_until(&self, is_seen: impl Fn() -> bool) {
        let wait = async {
            loop {
                let changed = self.shared.changed.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                if is_seen() {
                    return;
                }
                changed.await;
            }
        };
        let _ = tokio::time::timeout(WAIT_TIMEOUT, wait).await;
    }

    /// Returns the methods that were called, in order.
    pub fn methods(&self) -> Vec<String> {
        self.shared.lock().methods.clone()
    }

    /// Returns the rules that clients broke.
    pub fn violations(&self) -> Vec<String> {
        self.shared.lock().violations.clone()
    }
}

impl Drop for SignalDaemon {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}
