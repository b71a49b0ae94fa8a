//! The small HTTP/1 server under the stand-ins that speak HTTP.
//!
//! A stand-in provides a closure that answers one [`Request`] with one [`Answer`]. The server
//! does the rest: a port from the system, faults on demand ([`Fault`]), counts of the connections
//! in use, and a [`Journal`] of what was accepted. The meaning of a path is for the stand-in to
//! decide.
//!
//! ```
//! use annunciator_testkit::http::{Answer, HttpServer};
//!
//! # async fn show() -> std::io::Result<()> {
//! let server = HttpServer::start(|request| async move {
//!     match request.path() {
//!         "/ping" => Answer::text(200, "pong"),
//!         _ => Answer::text(404, "no such path"),
//!     }
//! })
//! .await?;
//! println!("listening on {}", server.url());
//! # Ok(())
//! # }
//! ```

mod answer;
mod certificate;
mod client;
mod connections;
mod fault;
mod journal;
mod request;
mod server;

pub use answer::Answer;
pub use certificate::SelfSigned;
pub use client::{Exchanged, exchange};
pub use connections::Connections;
pub use fault::Fault;
pub use journal::{Journal, NotSeen};
pub use request::{BadForm, Request};
pub use server::{Builder, HttpServer, Seen};
