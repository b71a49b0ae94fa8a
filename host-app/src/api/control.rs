//! Serves the API: at the control socket for users of this machine, and at an address for those
//! who have a token.

use std::{net::SocketAddr, path::Path, sync::Arc};

use annunciator::{Engine, SystemClock, store::SqliteFile};
use annunciator_web::{
    Access, AddressError, Bind, Ingest, Opening, Server, SocketError, Tls, Tokens, Web, WebConfig,
};
use axum::Router;

use super::{
    pages::site,
    ping,
    routes::{Subject, routes},
    silence_pages,
};
use crate::http::{self, Observed};

/// An error returned when the control socket cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Another monitor answers at the socket.
    #[error("another monitor answers at the control socket {}: stop it, or set another `monitor.control`", .0.display())]
    InUse(std::path::PathBuf),
    /// The path is not a socket.
    #[error("{} is not a socket: give `monitor.control` a path of its own", .0.display())]
    NoSocket(std::path::PathBuf),
    /// The socket cannot be made, for another reason.
    #[error("{0}")]
    Other(String),
}

impl From<SocketError> for ControlError {
    fn from(error: SocketError) -> Self {
        match error {
            SocketError::InUse(path) => Self::InUse(path),
            SocketError::NoSocket(path) => Self::NoSocket(path),
            other => {
                let sentence = other.to_string();
                Self::Other(sentence.replacen("the socket", "the control socket", 1))
            }
        }
    }
}

/// Returns the router of the API, of the pages, of metrics and of the sources of other programs. Tokens and
/// running alerts are kept in the database, if there is one. From now on, people are notified of
/// the end of alerts that are no longer sent.
pub async fn router(
    subject: Arc<Subject>,
    observed: Observed,
    config: &WebConfig,
    database: Option<Arc<SqliteFile>>,
) -> Router {
    let engine = subject.monitor.engine().clone();
    let users = config.users.iter().cloned();
    let mut access = users.fold(Access::default(), |access, (uid, scope)| {
        access.user(uid, scope)
    });
    let ingest = ingest(&engine, database.clone()).await;
    drop(tokio::spawn(ingest.clone().watch()));
    if let Some(database) = database {
        match Tokens::open(database, "hbd").await {
            Ok(tokens) => access = access.tokens(Arc::new(tokens)),
            Err(error) => tracing::error!("{error}; no token is accepted"),
        }
    }
    if let Some(proxy) = &config.proxy {
        access = access.proxy(proxy.clone());
    }
    let is_open = config.listen.is_some_and(|at| !at.ip().is_loopback());
    if is_open && config.tls.is_none() {
        access = access.only_behind_proxy();
    }
    let web = Web::new(engine, "the monitor")
        .acts(subject.acts.clone())
        .access(access)
        .changes(subject.monitor.changes())
        .ingest(ingest)
        .shared_incidents(subject.shared_incidents())
        .open_routes(ping::routes(&subject))
        .site(site(&subject, silence_pages::pages(&subject)));
    let web = match &subject.links {
        Some(links) => web.links(Arc::clone(links)),
        None => web,
    };
    let hosts = config.hosts.iter();
    let web = hosts.fold(web, |web, host| web.host(host));
    web.routes(routes(subject))
        .beside(http::routes(observed))
        .router()
}

/// Returns the sources of other programs. Alerts are kept in memory if the database cannot be
/// used.
async fn ingest(engine: &Engine, database: Option<Arc<SqliteFile>>) -> Ingest {
    let Some(database) = database else {
        return Ingest::new(engine.clone());
    };
    let opened = Ingest::open(engine.clone(), database, Arc::new(SystemClock)).await;
    opened.unwrap_or_else(|error| {
        tracing::error!("{error}; until the next start running alerts are kept in memory");
        Ingest::new(engine.clone())
    })
}

/// Serves the API at the control socket. Users who are granted something (`web.users`) may open
/// it besides the monitor's own and root.
///
/// # Errors
/// Returns [`ControlError`] if the socket cannot be opened.
pub fn at_socket(path: &Path, config: &WebConfig, router: Router) -> Result<Server, ControlError> {
    let opening = match config.users.is_empty() {
        true => Opening::OwnUser,
        false => Opening::EveryUser,
    };
    Ok(Server::at_socket(path, opening, router)?)
}

/// Serves the API at an address, through TLS if there is a certificate.
///
/// # Errors
/// Returns [`AddressError`] if the address cannot be bound.
pub async fn at_address(
    address: SocketAddr,
    tls: Option<Arc<Tls>>,
    router: Router,
) -> Result<Server, AddressError> {
    let bind = Bind::new(address);
    let bind = match tls {
        Some(tls) => bind.tls(tls),
        None => bind,
    };
    Server::at_address(bind, router).await
}
