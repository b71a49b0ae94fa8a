//! The client's side of TLS: which authorities are trusted, which client certificate is presented
//! and which versions are supported.
//!
//! The server's certificate is always checked; no setting turns that off.

use std::{path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
    version::{TLS12, TLS13},
};
use tokio_rustls::TlsConnector;

use crate::{
    config::{Config, TlsVersion},
    failure::{Cause, Failure, Phase},
};

/// What a TLS handshake needs.
#[derive(Clone)]
pub(crate) struct Tls {
    pub(crate) connector: TlsConnector,
    pub(crate) name: ServerName<'static>,
}

impl Tls {
    /// Reads the files that the settings name, and the system's authorities. Fails if a file cannot
    /// be used.
    pub(crate) fn load(config: &Config) -> Result<Self, Failure> {
        let bad = |text: String| Failure::new(Phase::Tls, Cause::TlsFile(text));

        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(path) = &config.tls_ca_file {
            let certificates = certificates(path).map_err(bad)?;
            let (added, _) = roots.add_parsable_certificates(certificates);
            if added == 0 {
                return Err(bad(format!(
                    "tls_ca_file: {} contains no usable certificate",
                    path.display()
                )));
            }
        }
        let versions: &[_] = match config.tls_min_version {
            TlsVersion::V12 => &[&TLS13, &TLS12],
            TlsVersion::V13 => &[&TLS13],
        };
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .map_err(|error| bad(error.to_string()))?
            .with_root_certificates(roots);
        let client = match (&config.tls_client_cert, &config.tls_client_key) {
            (Some(certificate), Some(key)) => {
                let chain = certificates(certificate).map_err(bad)?;
                let secret = PrivateKeyDer::from_pem_file(key)
                    .map_err(|error| bad(format!("tls_client_key: {}: {error}", key.display())))?;
                builder
                    .with_client_auth_cert(chain, secret)
                    .map_err(|error| {
                        bad(format!(
                            "tls_client_cert and tls_client_key do not belong together: {error}"
                        ))
                    })?
            }
            _ => builder.with_no_client_auth(),
        };
        let name = config.tls_server_name.as_deref().unwrap_or(config.server());
        let name = ServerName::try_from(name.to_owned()).map_err(|_| {
            bad(format!(
                "`{name}` is not a name that a certificate could contain"
            ))
        })?;
        Ok(Self {
            connector: TlsConnector::from(Arc::new(client)),
            name,
        })
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let describe = |error: rustls::pki_types::pem::Error| format!("{}: {error}", path.display());
    CertificateDer::pem_file_iter(path)
        .map_err(describe)?
        .collect::<Result<Vec<_>, _>>()
        .map_err(describe)
}

/// Creates the failure of a handshake.
pub(crate) fn handshake_failure(error: &std::io::Error) -> Failure {
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidMessage(_)) => Failure::new(Phase::Tls, Cause::NotTls),
        Some(inner) => Failure::new(Phase::Tls, Cause::Tls(inner.to_string())),
        None => Failure::io(Phase::Tls, error),
    }
}
