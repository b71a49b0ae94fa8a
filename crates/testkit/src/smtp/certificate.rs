//! A certificate authority for one server, and the certificates that it signs.
//!
//! The files are in a temporary folder that is deleted with the authority; the system's own trust
//! is never touched.

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::crypto::ring;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tempfile::TempDir;

/// The certificate that the stand-in shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Certificate {
    /// Valid for `localhost` and 127.0.0.1.
    #[default]
    Good,
    /// For the right names, but expired in 2001.
    Expired,
    /// Valid, but for `elsewhere.example`.
    WrongName,
}

/// The files of one authority, and the server's TLS configuration.
///
/// The files are `ca.pem`, `server.pem` and `server.key`, `client.pem` and `client.key`.
pub struct Authority {
    folder: TempDir,
    pub(super) server: Arc<ServerConfig>,
}

impl Authority {
    /// Creates an authority, the server's certificate and a client's.
    ///
    /// # Errors
    /// Fails if a certificate or its file cannot be created.
    pub fn create(
        shown: Certificate,
        ask_client: bool,
    ) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let folder = tempfile::tempdir()?;

        let mut params = CertificateParams::new(Vec::<String>::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params
            .distinguished_name
            .push(DnType::CommonName, "testkit authority");
        let key = KeyPair::generate()?;
        let authority = params.self_signed(&key)?;
        let issuer = Issuer::new(params, key);
        fs::write(folder.path().join("ca.pem"), authority.pem())?;

        let client_key = KeyPair::generate()?;
        let mut client = CertificateParams::new(vec!["client.example".to_owned()])?;
        client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let client = client.signed_by(&client_key, &issuer)?;
        fs::write(folder.path().join("client.pem"), client.pem())?;
        fs::write(folder.path().join("client.key"), client_key.serialize_pem())?;

        let names = match shown {
            Certificate::WrongName => vec!["elsewhere.example".to_owned()],
            _ => vec!["localhost".to_owned(), "127.0.0.1".to_owned()],
        };
        let server_key = KeyPair::generate()?;
        let mut server = CertificateParams::new(names)?;
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        if shown == Certificate::Expired {
            server.not_before = date_time_ymd(2000, 1, 1);
            server.not_after = date_time_ymd(2001, 1, 1);
        }
        let server = server.signed_by(&server_key, &issuer)?;
        fs::write(folder.path().join("server.pem"), server.pem())?;
        fs::write(folder.path().join("server.key"), server_key.serialize_pem())?;

        let provider = Arc::new(ring::default_provider());
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?;
        let config = if ask_client {
            let mut roots = RootCertStore::empty();
            roots.add(authority.der().clone())?;
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build()?;
            config.with_client_cert_verifier(verifier)
        } else {
            config.with_no_client_auth()
        };
        let server = config.with_single_cert(
            vec![server.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(server_key.serialize_der())),
        )?;

        Ok(Self {
            folder,
            server: Arc::new(server),
        })
    }

    /// Returns the path of a file of this authority.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}
