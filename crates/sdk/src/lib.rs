//! The SDK for notification channels of Annunciator.
//!
//! A plugin is a crate of type `cdylib` with a settings struct, one [`Provider`] and one
//! [`export_channels!`]. Its library is copied into a plugin folder of the host program; from
//! then on `type: carrier` in the configuration selects it. The manifest:
//!
//! ```toml
//! [lib]
//! crate-type = ["cdylib", "rlib"]
//!
//! [dependencies]
//! annunciator-sdk = { path = "…/crates/sdk" }   # or git; not on a registry yet
//! schemars = "1"
//! serde = { version = "1", features = ["derive"] }
//! serde_json = "1"
//!
//! [dev-dependencies]
//! annunciator-sdk = { path = "…/crates/sdk", features = ["testing"] }
//! tokio = { version = "1", features = ["macros", "rt"] }
//! ```
//!
//! The commands, from the build to the first message:
//!
//! ```sh
//! cargo build --release
//! mkdir -p plugins && cp target/release/libcarrier.so plugins/
//! hbd plugins plugins/
//! hbd --plugin-dir plugins/ --config heartbeat.yaml check
//! ```
//!
//! A complete provider, with its test:
//!
//! ```
//! use annunciator_sdk::{
//!     Check, Delivery, Fault, Host, HttpRequest, OpenError, Outcome, Problem, Provider, Secret,
//! };
//! use schemars::JsonSchema;
//! use serde::Deserialize;
//!
//! /// The settings. Each field's description reaches the operator's editor.
//! #[derive(Debug, Deserialize, JsonSchema)]
//! #[serde(deny_unknown_fields)]
//! pub struct Config {
//!     /// The address of the service.
//!     url: String,
//!     /// The key of the account.
//!     token: Secret<String>,
//!     /// The recipient of the messages.
//!     recipient: String,
//! }
//!
//! pub struct Carrier {
//!     config: Config,
//!     host: Host,
//! }
//!
//! impl Provider for Carrier {
//!     const TYPE: &'static str = "carrier";
//!     const SUMMARY: &'static str = "Sends messages by a carrier.";
//!     const EXAMPLE: &'static str =
//!         "type: carrier\nurl: https://carrier.example\ntoken: {env: CARRIER_TOKEN}\nrecipient: ops\n";
//!     type Config = Config;
//!
//!     fn validate(config: &Config) -> Vec<Problem> {
//!         if config.recipient.is_empty() {
//!             return vec![Problem::error("recipient", "nobody would get the message")];
//!         }
//!         Vec::new()
//!     }
//!
//!     async fn open(config: Config, host: Host) -> Result<Self, OpenError> {
//!         Ok(Self { config, host })
//!     }
//!
//!     async fn deliver(&self, delivery: &Delivery) -> Vec<Outcome> {
//!         let to = &self.config.recipient;
//!         let request = HttpRequest::post(&self.config.url)
//!             .header("Authorization", format!("Bearer {}", self.config.token.expose()))
//!             .json(&serde_json::json!({ "to": to, "text": delivery.notification().body() }));
//!         let outcome = match self.host.http(request).await {
//!             Ok(answer) if answer.is_success() => Outcome::delivered(to),
//!             Ok(answer) if answer.status() == 429 => {
//!                 let outcome = Outcome::retry(to, Fault::Remote, "too many messages");
//!                 match answer.retry_after(self.host.now()) {
//!                     Some(wait) => outcome.after(wait),
//!                     None => outcome,
//!                 }
//!             }
//!             Ok(answer) if answer.status() >= 500 => {
//!                 Outcome::retry(to, Fault::Remote, "the service is in trouble")
//!             }
//!             Ok(answer) => Outcome::permanent(to, Fault::Config, "the service refused it")
//!                 .code(format!("HTTP {}", answer.status()))
//!                 .hint("check the token and the recipient"),
//!             Err(error) => error.outcome(to),
//!         };
//!         vec![outcome]
//!     }
//!
//!     async fn check(&self) -> Check {
//!         Check::unsupported()
//!     }
//! }
//!
//! annunciator_sdk::export_channels!(Carrier);
//!
//! // A test needs no host program:
//! use annunciator_sdk::testing::{FakeHost, Reply, Sample};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let host = FakeHost::new();
//! host.reply(Reply::status(429, "").header("Retry-After", "7"));
//! let settings = serde_json::json!({ "url": "https://c.example", "token": "t", "recipient": "r" });
//! let carrier = host.open::<Carrier>(&settings).await.unwrap();
//! let outcomes = carrier.deliver(&Sample::new("CPU at 95 %")).await;
//! assert_eq!(outcomes[0].wait(), Some(std::time::Duration::from_secs(7)));
//! # }
//! ```
//!
//! # Features
//! - `own-runtime`: [`OwnRuntime`], a tokio runtime of the plugin's own, and [`Program`], which
//!   runs child processes, for what the host's services cannot do.
//! - `testing`: `testing::FakeHost`, a host that tests script; for the dev-dependencies.
//!
//! Both are off by default.
//!
//! # Rules
//! - One call is one attempt: the engine waits, retries and gives up.
//! - Methods are called from any thread, several at a time. No poll may take longer than 10 ms.
//! - Dropping a future cancels it. A panic is caught and counts as a failure.
//! - Events of `tracing` and lines of `log` appear in the host's log, under the channel's name.
//! - Tokens are [`Secret`]s, and appear in no text of an outcome or an error: pass a remote's
//!   text through [`redacted`], and an error of a request through
//!   [`HostError::redacted_outcome`].
//! - A provider that needs a runtime of its own (for another protocol than HTTP, or a child
//!   process) enables the feature `own-runtime`, uses [`OwnRuntime`] and [`Program`], and
//!   declares `const OWN_RUNTIME: bool = true`.
//!
//! `hbd plugins new` creates such a crate, `hbd plugins validate` validates a plugin, and
//! `docs/writing-plugins.md` explains each step.

mod acknowledgement;
#[cfg(feature = "own-runtime")]
mod child;
mod delivery;
#[doc(hidden)]
pub mod export;
mod finding;
mod guard;
mod host;
mod http;
mod log;
mod login;
mod outcome;
mod proofs;
mod provider;
mod redaction;
#[cfg(feature = "own-runtime")]
mod runtime;
mod secret;
mod shell;
#[cfg(feature = "testing")]
pub mod testing;
mod time;
#[cfg(any(feature = "own-runtime", feature = "testing"))]
mod waiting;

pub use acknowledgement::Acknowledgement;
pub use annunciator_core::code::HostErrorKind;
#[cfg(feature = "own-runtime")]
pub use child::{Ended, Output, Program};
pub use delivery::{Delivery, Kind, Notification, Severity};
pub use finding::{Check, OpenError, Problem};
pub use host::{Host, HostError};
pub use http::{HttpRequest, HttpResponse};
pub use login::logins;
pub use outcome::{Class, Fault, Outcome, Proof};
pub use proofs::Proofs;
pub use provider::Provider;
pub use redaction::{redacted, without_secrets};
#[cfg(feature = "own-runtime")]
pub use runtime::{OwnRuntime, RuntimeError};
pub use secret::Secret;
pub use time::rfc3339;
