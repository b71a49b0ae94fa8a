//! Tests for stores and plugins of Annunciator, and for Annunciator itself.
//!
//! Nothing that is shipped depends on this crate. Each part is a feature, and none needs a file
//! of the workspace that the crate comes from:
//!
//! | feature | for | contents |
//! | --- | --- | --- |
//! | `stores` | authors of a store | [`store_suite!`], [`store_agrees!`], [`stores`] |
//! | `plugins` | authors of a plugin | [`suite`], [`live`], [`rig`], [`artefacts`] |
//! | `http` | plugins that speak HTTP | [`http`]: a web server with faults on demand |
//! | `services` | plugins for one of them | [`mattermost`], [`pushover`], [`signal`], [`smtp`] |
//! | `workspace` | Annunciator's own tests | everything else; on by default: turn it off |
//!
//! # A store
//!
//! A store holds its data in its own way, and calls [`annunciator_store::rules`] to decide what
//! follows from it. Its manifest:
//!
//! ```toml
//! [dependencies]
//! annunciator-store = { path = "…/crates/store" }   # or git; not on a registry yet
//!
//! [dev-dependencies]
//! annunciator-testkit = { path = "…/crates/testkit", default-features = false, features = ["stores"] }
//! ```
//!
//! Its test, such as `tests/conformance.rs`. `store_suite!` makes a test of each situation;
//! `store_agrees!` makes random calls of the store and of a model, and compares all answers:
//!
//! ```
//! # #![allow(dead_code)]
//! use std::sync::Arc;
//!
//! // Replaced by your own.
//! use annunciator_store::{MemoryStore as MyStore, Store};
//! use annunciator_testkit::{store_agrees, store_suite, stores::Subject};
//!
//! /// A store that nobody else uses.
//! #[derive(Debug)]
//! struct Mine(MyStore);
//!
//! impl Subject for Mine {
//!     /// Another handle on the same store, as another process would have it.
//!     fn open(&self) -> Arc<dyn Store> {
//!         Arc::new(self.0.clone())
//!     }
//! }
//!
//! store_suite!(Mine(MyStore::default()));
//! store_agrees!(Mine(MyStore::remembering(usize::MAX)));
//! ```
//!
//! # A plugin
//!
//! An engine loads the plugin as a host program does, from the library that cargo builds beside
//! the tests; nothing on the way to the service is replaced. The manifest, in addition to what
//! the SDK's front page says:
//!
//! ```toml
//! [lib]
//! crate-type = ["cdylib", "rlib"]
//!
//! [dev-dependencies]
//! annunciator-testkit = { path = "…/crates/testkit", default-features = false, features = ["plugins", "http"] }
//! tokio = { version = "1", features = ["macros", "rt-multi-thread"] }
//! ```
//!
//! The test, such as `tests/carrier.rs`, of the plugin on the SDK's front page, in the package
//! `carrier`:
//!
//! ```
//! # #![allow(dead_code)]
//! use annunciator_testkit::{
//!     http::{Answer, HttpServer},
//!     live::{Class, Live},
//!     suite::{self, Sound},
//! };
//!
//! /// Every setting is described, and withstands typing errors and hostile values; no
//! /// secret is shown.
//! #[test]
//! fn its_settings_stand_what_operators_type() {
//!     let failures = suite::settings(&Sound {
//!         package: "carrier",
//!         channel_type: "carrier",
//!         settings: &[
//!             ("url", "https://carrier.example"),
//!             ("token", "canary"),
//!             ("recipient", "ops"),
//!         ],
//!         secrets: &["token"],
//!     });
//!     assert_eq!(failures.unwrap(), Vec::<String>::new());
//! }
//!
//! /// From an engine through the loaded library to a web server.
//! #[tokio::test(flavor = "multi_thread")]
//! async fn what_the_service_takes_is_delivered() {
//!     let service = HttpServer::start(|_| async { Answer::status(202) }).await.unwrap();
//!     let settings = format!("type: carrier\nurl: {}\ntoken: t\nrecipient: ops", service.url());
//!     let live = Live::with_plugin("carrier", &settings).await.unwrap();
//!     assert_eq!(live.classes("CPU at 95 %").await, [Class::Delivered]);
//!     assert!(live.end().await);
//! }
//! ```

#![expect(
    clippy::test_attr_in_doctest,
    reason = "tests/tests/outside.rs makes crates of the blocks above, and runs their tests"
)]

#[cfg(any(feature = "plugins", feature = "services"))]
pub mod artefacts;
pub mod effort;
#[cfg(feature = "workspace")]
pub mod ensemble;
#[cfg(feature = "workspace")]
pub mod hasty;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "plugins")]
pub mod live;
#[cfg(feature = "services")]
pub mod mattermost;
#[cfg(feature = "workspace")]
pub mod outside;
#[cfg(feature = "services")]
pub mod pushover;
#[cfg(feature = "plugins")]
pub mod rig;
#[cfg(feature = "services")]
pub mod signal;
#[cfg(feature = "services")]
pub mod smtp;
#[cfg(feature = "stores")]
pub mod stores;
#[cfg(feature = "plugins")]
pub mod suite;
