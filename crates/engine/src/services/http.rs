//! The host's HTTP client: one pool of connections, one set of trusted certificates and one set of
//! limits for all plugins.
//!
//! Reports for every failure whether the remote may have received the request, because that decides
//! between "try again" and "unknown".

use std::{
    collections::HashMap,
    error::Error as _,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use annunciator_core::{
    code::HostErrorKind,
    ffi::{RString, RVec},
    services::{HostErrorV1, HttpHeaderV1, HttpRequestV1, HttpResponseV1},
};
use reqwest::{Client, Method, Url, redirect};
use rustls::{ClientConfig, RootCertStore, pki_types::CertificateDer};

/// The timeout of a request if the plugin sets none.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(25);
/// The timeout of making a connection, within the timeout of the request.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The maximum size of an answer, in bytes: by default, and if the plugin sets it.
const DEFAULT_BODY_SIZE: u64 = 1024 * 1024;
const MAX_BODY_SIZE: u64 = 16 * 1024 * 1024;
/// The maximum number of redirects that are followed, if the plugin wants it.
const MAX_REDIRECTS: usize = 5;

/// The options by which clients differ.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Flavour {
    ca_file: String,
    redirects: bool,
}

/// The clients, each created when it is first needed.
#[derive(Default)]
pub(crate) struct HttpClients(Mutex<HashMap<Flavour, Client>>);

impl HttpClients {
    /// Sends one request and returns its response.
    pub(crate) async fn send(&self, request: HttpRequestV1) -> Result<HttpResponseV1, HostErrorV1> {
        let flavour = Flavour {
            ca_file: request.ca_file.as_str().to_owned(),
            redirects: request.follow_redirects,
        };
        let client = self.client(flavour).await?;
        let invalid = |detail: String| failure(HostErrorKind::INVALID, false, detail);
        let method = Method::from_bytes(request.method.as_bytes())
            .map_err(|_| invalid("this is not an HTTP method".to_owned()))?;
        let url = Url::parse(&request.url)
            .map_err(|error| invalid(format!("the address is malformed: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(invalid(format!(
                "the scheme {} is not http or https",
                url.scheme()
            )));
        }
        let timeout = match request.timeout_ms {
            0 => DEFAULT_TIMEOUT,
            ms => Duration::from_millis(ms),
        };
        let mut builder = client.request(method, url).timeout(timeout);
        for header in &request.headers {
            builder = builder.header(header.name.as_str(), header.value.as_str());
        }
        if !request.body.is_empty() {
            builder = builder.body(request.body.into_vec());
        }
        let limit = match request.max_response_bytes {
            0 => DEFAULT_BODY_SIZE,
            bytes => bytes.min(MAX_BODY_SIZE),
        };
        let response = builder.send().await.map_err(classify)?;
        read(response, usize::try_from(limit).unwrap_or(usize::MAX)).await
    }

    async fn client(&self, flavour: Flavour) -> Result<Client, HostErrorV1> {
        if let Some(client) = self.clients().get(&flavour) {
            return Ok(client.clone());
        }
        // Reads many files, so it must not run on a thread of the embedding program's runtime.
        let wanted = flavour.clone();
        let built = tokio::task::spawn_blocking(move || build(&wanted)).await;
        let client = built
            .unwrap_or_else(|_| Err("the runtime has ended".to_owned()))
            .map_err(|why| failure(HostErrorKind::TLS, false, why))?;
        Ok(self.clients().entry(flavour).or_insert(client).clone())
    }

    fn clients(&self) -> MutexGuard<'_, HashMap<Flavour, Client>> {
        self.0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

fn build(flavour: &Flavour) -> Result<Client, String> {
    let redirects = if flavour.redirects {
        redirect::Policy::limited(MAX_REDIRECTS)
    } else {
        redirect::Policy::none()
    };
    Client::builder()
        .tls_backend_preconfigured(tls(&flavour.ca_file)?)
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(redirects)
        .referer(false)
        .user_agent(concat!("annunciator/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| error.to_string())
}

/// Returns a configuration that trusts the system's certificates, and those of the file if one is
/// named.
fn tls(ca_file: &str) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    for error in &system.errors {
        tracing::warn!("a certificate of the system cannot be read: {error}");
    }
    roots.add_parsable_certificates(system.certs);
    if !ca_file.is_empty() {
        for certificate in certificates(ca_file)? {
            roots
                .add(certificate)
                .map_err(|error| format!("a certificate in {ca_file} is unusable: {error}"))?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())
        .map(|config| config.with_root_certificates(roots).with_no_client_auth())
}

fn certificates(path: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    use rustls::pki_types::pem::PemObject as _;
    let broken = |error| format!("the certificates in {path} cannot be read: {error}");
    let found = CertificateDer::pem_file_iter(path)
        .map_err(broken)?
        .collect::<Result<Vec<_>, _>>()
        .map_err(broken)?;
    if found.is_empty() {
        return Err(format!("{path} contains no certificate"));
    }
    Ok(found)
}

async fn read(
    mut response: reqwest::Response,
    limit: usize,
) -> Result<HttpResponseV1, HostErrorV1> {
    let status = response.status().as_u16();
    let headers = response
        .headers()
        .iter()
        .map(|(name, value)| HttpHeaderV1 {
            name: RString::from(name.as_str()),
            value: RString::from(String::from_utf8_lossy(value.as_bytes()).as_ref()),
        })
        .collect();
    let mut body = Vec::new();
    let mut truncated = false;
    while let Some(chunk) = response.chunk().await.map_err(classify)? {
        let room = limit.saturating_sub(body.len());
        body.extend_from_slice(&chunk[..room.min(chunk.len())]);
        if chunk.len() > room {
            truncated = true;
            break;
        }
    }
    Ok(HttpResponseV1 {
        status,
        headers,
        body: RVec::from(body),
        truncated,
        extension_json: RString::new(),
    })
}

fn failure(kind: HostErrorKind, maybe_sent: bool, detail: String) -> HostErrorV1 {
    HostErrorV1 {
        kind,
        maybe_sent,
        detail: detail.into(),
    }
}

/// Converts an error of reqwest without the address, which may contain a secret.
fn classify(error: reqwest::Error) -> HostErrorV1 {
    let error = error.without_url();
    let mut detail = String::new();
    let mut next: Option<&dyn std::error::Error> = error.source();
    while let Some(cause) = next {
        // The outer errors only say that something failed; the causes say what.
        detail = cause.to_string();
        if is_tls(cause) {
            // When the connection is established, the request may have been sent.
            return if error.is_connect() {
                failure(HostErrorKind::TLS, false, secure(&detail))
            } else {
                failure(
                    HostErrorKind::LOST,
                    true,
                    format!("the TLS connection broke: {detail}"),
                )
            };
        }
        next = cause.source();
    }
    if detail.is_empty() {
        detail = error.to_string();
    }
    if error.is_builder() {
        return failure(
            HostErrorKind::INVALID,
            false,
            format!("the request is malformed: {detail}"),
        );
    }
    if error.is_connect() {
        let lookup = format!("{error:?}").contains("dns error");
        return match (error.is_timeout(), lookup) {
            (true, _) => failure(
                HostErrorKind::TIMEOUT,
                false,
                "no connection could be made in time".to_owned(),
            ),
            (_, true) => failure(
                HostErrorKind::DNS,
                false,
                format!("the host name cannot be resolved: {detail}"),
            ),
            _ => failure(
                HostErrorKind::CONNECT,
                false,
                format!("no connection could be made: {detail}"),
            ),
        };
    }
    if error.is_timeout() {
        return failure(
            HostErrorKind::TIMEOUT,
            true,
            "no answer came in time".to_owned(),
        );
    }
    failure(
        HostErrorKind::LOST,
        true,
        format!("the connection was lost before the answer: {detail}"),
    )
}

fn secure(detail: &str) -> String {
    if detail.contains("InvalidContentType") {
        return "the remote does not speak TLS on this port: use another port, or http".to_owned();
    }
    format!("no TLS connection: {detail}")
}

/// Returns whether the error is one of rustls. `io::Error` hides the error that it wraps from
/// `source`, and one may wrap another.
fn is_tls(cause: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = cause;
    loop {
        if cause.is::<rustls::Error>() {
            return true;
        }
        match cause
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
        {
            Some(inner) => cause = inner,
            None => return false,
        }
    }
}
